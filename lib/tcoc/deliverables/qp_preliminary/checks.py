"""What a reader of the QP scores can trust: measured on the restricted tables."""

import pandas as pd

from tcoc.deliverables.qp_preliminary import public_clinicians
from tcoc.deliverables.qp_preliminary.public_columns import ALL, LAW
from tcoc.deliverables.qp_preliminary.tables_counts import qp_years
from tcoc.deliverables.registry import Check, Measured
from tcoc.params import QpPolicy
from tcoc.rules.qp.rules import qp_rules, test_in_force
from tcoc.study import Study

HALF_A_CENT = 0.005
_NOISE = 1e-6


def _worst(off: "pd.Series[float]") -> float:
    """Return the largest difference; a missing one is worse than any."""
    if not len(off):
        return 0.0
    return float("inf") if bool(off.isna().any()) else float(off.max())


def shares_are_ratios(study: Study) -> Measured:
    """Measure how far a share is from meeting over clinicians, at most."""
    frame = study.frame("qp_summary")
    frame = frame[frame["clinicians"] > 0]
    off = (frame["meeting"] / frame["clinicians"] - frame["share_meeting"]).abs()
    return Measured(_worst(off), 1e-12)


def readings_are_exchanged(study: Study) -> Measured:
    """Count tests whose printed thresholds are not the regulation's with the columns exchanged."""
    wide = study.frame("qp_thresholds").set_index(["test", "reading"]).unstack("reading")
    payment, patient = wide["payment_threshold"], wide["patient_threshold"]
    same = (payment[LAW] == patient["slide"]) & (patient[LAW] == payment["slide"])
    return Measured(float((~same).sum()))


def actual_within_best(study: Study) -> Measured:
    """Count clinicians who do better at a listed partner than at the best hospital (rule Q4).

    Better: a higher of the two scores; where partners are chosen by margin, meeting a test that the
    best hospital does not.
    """
    keys = ["year", "test", "reading", "npi"]
    rows = study.frame("qp_partners")
    parts = {name: rows[rows["partner"] == name] for name in ("best", "actual")}
    both = parts["actual"].merge(parts["best"], on=keys, suffixes=("", "_best"))
    better = both["score"] > both["score_best"] + 1e-12
    if qp_rules(study.policy).partner_choice == "best_margin":
        better = both["meets"] & ~both["meets_best"]
    return Measured(float(better.sum()))


def everyone_has_a_partner(study: Study) -> Measured:
    """Count clinicians in the model, with a denominator, without one row per test and reading."""
    clinicians = study.frame("qp_clinicians")
    wanted = clinicians[clinicians["in_model"] & (clinicians["benes"] > 0)]
    rows = study.frame("qp_partners")
    found = rows[rows["partner"] == "best"].groupby(["year", "npi"]).size()
    each = len(study.frame("qp_thresholds"))
    keys = pd.MultiIndex.from_frame(wanted[["year", "npi"]])
    missing = (found.reindex(keys).fillna(0) != each).sum()
    return Measured(float(missing + len(found.index.difference(keys))))


def numerators_are_parts(study: Study) -> Measured:
    """Count scores whose numerator is beyond its denominator or below one of its criteria."""
    rows = study.table("qp_scores")
    both = rows.benes_attributed + rows.benes_encounter
    wrong = (
        (rows.benes_numerator > rows.benes)
        | (rows.benes_numerator < rows.benes_attributed)
        | (rows.benes_numerator < rows.benes_encounter)
        | (rows.benes_numerator > both)
    )
    return Measured(float(rows.filter(wrong).count().execute()))


def payments_are_whole(study: Study) -> Measured:
    """Measure how far covered and other payments are from the store's Part B lines, at most.

    The store's lines are summed anew, by year, for lines with an NPI.
    """
    basis = f"{qp_rules(study.policy).payment_basis}_amount"
    clinicians = study.frame("qp_clinicians").groupby("year")
    found = (clinicians["part_b_payments"].sum() + clinicians["other_payments"].sum()).to_dict()
    off = []
    for year in qp_years(study):
        lines = study.store_table("professional", [year])
        own = lines.filter(lines.npi.notnull(), lines.part_b_covered)
        total = own.aggregate(total=own[basis].sum().cast("float64").fill_null(0.0))
        off.append(abs(float(total.execute()["total"].iloc[0]) - found.get(year, 0.0)))
    return Measured(_worst(pd.Series(off, dtype="float64")), HALF_A_CENT)


def groups_add_up(study: Study) -> Measured:
    """Measure how far the groups of each view are from all clinicians, at most."""
    frame = public_clinicians.groups(study).frame
    keys, counted = ["year", "test", "kind"], ["clinicians", "meeting"]
    parts = frame[frame["group"] != ALL].groupby(keys)[counted].sum()
    whole = frame[frame["group"] == ALL].set_index(keys)[counted]
    return Measured(_worst((parts - whole).abs().max(axis=1)))


def routes_add_up(study: Study) -> Measured:
    """Measure how far the routes are from the clinicians who meet the test in force, at most."""
    policy = QpPolicy.of(study.policy)
    keys = ["year", "reading", "partner"]
    routes = study.frame("qp_routes")
    met = routes[routes["method"] != "none"].groupby(keys).size()
    summary = study.frame("qp_summary")
    force = {year: test_in_force(policy, year) for year in qp_years(study)}
    own = summary[summary["test"] == summary["year"].map(force)].set_index(keys)["meeting"]
    return Measured(_worst((met.reindex(own.index).fillna(0) - own).abs()))


def near_is_part(study: Study) -> Measured:
    """Measure how far the classes of what is lacking are from those just below, at most."""
    frame = public_clinicians.near_threshold(study).frame
    sums = frame.groupby(["year", "test", "view"])["clinicians"].sum().unstack("view").fillna(0)
    below = frame[frame["group"] == "just below"].set_index(["year", "test"])["clinicians"]
    views = [view for view in ("patients short", "payments short") if view in sums]
    off = [(sums[view] - below.reindex(sums.index).fillna(0)).abs().max() for view in views]
    return Measured(_worst(pd.Series(off, dtype="float64")))


def unseen_never_helps(study: Study) -> Measured:
    """Count steps at which more clinicians meet although more patients are unseen (rule Q9)."""
    frame = study.frame("qp_sensitivity").sort_values("unseen_share")
    steps = frame.groupby(["year", "test", "reading"])["meeting"].diff().dropna()
    return Measured(float((steps > 0).sum()))


def one_snapshot_is_enough(study: Study) -> Measured:
    """Count clinicians who qualify without a snapshot at which they do, or the reverse (Q7)."""
    frame = study.frame("qp_year_result")
    some = frame["snapshots_met"] > 0
    wrong = (frame["qualifies"] != some) | (frame["first_date"].notna() != some)
    return Measured(float(wrong.sum()))


def incentive_is_the_rate(study: Study) -> Measured:
    """Measure how far an incentive is from its rate of the payments, at most (rule Q8)."""
    frame = study.frame("qp_incentive").dropna(subset=["payments"])
    off = (frame["incentive"] - frame["rate"] * frame["payments"]).abs()
    return Measured(_worst(off), HALF_A_CENT + _NOISE)


def updates_add_up(study: Study) -> Measured:
    """Measure how far gains to date are from the sums of gains, at most (a cent a year)."""
    frame = study.frame("qp_fee_schedule").sort_values("payment_year")
    again = frame.groupby("year")["gain"].cumsum()
    years = frame.groupby("year").size().max() if len(frame) else 0
    return Measured(_worst((again - frame["gain_to_date"]).abs()), 0.01 * float(years))


def snapshots_are_of_their_year(study: Study) -> Measured:
    """Count snapshot scores with more patients than the year's (rule Q7).

    Where ages are taken on a period's first day, a later period may hold people whom the year
    leaves out as too young: then there is nothing to compare.
    """
    if qp_rules(study.policy).age_on == "period_start":
        return Measured(0.0)
    snapshots, year = study.table("qp_snapshots"), study.table("qp_scores")
    keys = ["year", "npi", "ccn"]
    whole = year.select(*keys, most=year.benes_numerator)
    joined = snapshots.left_join(whole, keys)
    beyond = joined.most.isnull() | (joined.benes_numerator > joined.most)
    return Measured(float(joined.filter(beyond).count().execute()))


CHECKS = (
    Check("shares_are_ratios", "Q5", "Each share is meeting over clinicians", shares_are_ratios),
    Check(
        "readings_are_exchanged",
        "Q6",
        "Slide 9's thresholds are the regulation's with the columns exchanged",
        readings_are_exchanged,
    ),
    Check(
        "actual_within_best",
        "Q4",
        "No clinician does better at a listed partner than at the best hospital",
        actual_within_best,
    ),
    Check(
        "everyone_has_a_partner",
        "Q4",
        "Every clinician in the model has one result per test and reading",
        everyone_has_a_partner,
    ),
    Check(
        "numerators_are_parts",
        "Q2",
        "Numerators lie within denominators, and unions between their criteria and the sum",
        numerators_are_parts,
    ),
    Check(
        "payments_are_whole",
        "Q1",
        "Covered and other payments add up to the Part B lines of the store, to the cent",
        payments_are_whole,
    ),
    Check("groups_add_up", "Q5", "The groups add up to all clinicians", groups_add_up),
    Check("routes_add_up", "Q5", "The routes add up to those who meet", routes_add_up),
    Check("near_is_part", "Q5", "Those below fall into one class of what they lack", near_is_part),
    Check("unseen_never_helps", "Q9", "Unseen patients never help", unseen_never_helps),
    Check(
        "one_snapshot_is_enough",
        "Q7",
        "Who reaches a threshold at a snapshot reaches it for the year, and nobody else",
        one_snapshot_is_enough,
    ),
    Check(
        "snapshots_are_of_their_year",
        "Q7",
        "No snapshot counts a patient at a hospital who is not in the year's count",
        snapshots_are_of_their_year,
    ),
    Check(
        "incentive_is_the_rate", "Q8", "Incentives are the rate of payments", incentive_is_the_rate
    ),
    Check("updates_add_up", "Q8", "Gains to date are the sums of yearly gains", updates_add_up),
)
"""In the order in which the page asserts them."""
