"""What the reader of the Progression Plan can trust: measured on exact tables, in stage 1."""

from itertools import pairwise

import pandas as pd

from tcoc.deliverables.progression_plan.public_published import guardrail
from tcoc.deliverables.progression_plan.public_spending import savings_path
from tcoc.deliverables.registry import Check, Measured
from tcoc.reference.published import load_aims, load_timeline, load_values
from tcoc.rules import progression
from tcoc.store.schema import SPENDING_COLUMNS
from tcoc.study import Study

FILES = ("all_payer_model_metrics", "medicare_savings", "medicare_payments")


def values_without_source(_study: Study) -> Measured:
    """Count published numbers without source, vintage or confidence, and gaps without a reason."""
    wrong = 0
    for frame in (load_values(name).frame() for name in FILES):
        known = frame["value"].notna()
        bare = (frame[["source", "confidence", "vintage"]].astype(str) == "").any(axis=1)
        wrong += int(bare[known].sum()) + int(frame.loc[~known, "reason"].eq("").sum())
    return Measured(wrong)


def gap_of_printed_sums(_study: Study) -> Measured:
    """The largest gap in million dollars between a printed total and the printed years."""
    gaps = progression.cumulative_gaps(load_values("medicare_savings"))["gap"].abs()
    return Measured(float(gaps.max()), 1e-9)


def gap_of_savings(study: Study) -> Measured:
    """Dollars by which the last cumulative saving differs from compounding by hand."""
    path = savings_path(study)
    if path.empty:
        return Measured(0.0, 0.005)
    base = int(path["base_year"].iloc[0])
    level, total, worst = 0.0, 0.0, 0.0
    for row in path.to_dict("records"):
        if row["year"] < base:
            continue
        level = row["per_capita"] if row["year"] == base else level * (1 + row["national_growth"])
        total += (level - row["per_capita"]) * row["beneficiaries"]
        found = row["cumulative_saving"]
        if pd.isna(found) != pd.isna(total):
            return Measured(float("inf"), 0.005)
        worst = max(worst, 0.0 if pd.isna(total) else abs(total - found))
    return Measured(worst, 0.005)


def wrong_guardrails(study: Study) -> Measured:
    """Count years whose verdict on the guardrail does not follow from their differences."""
    rule = guardrail(study)
    printed = progression.annual_differences(load_values("medicare_savings"))
    shown = progression.guarded(printed, rule).sort_values(["series", "year"])
    wrong = 0
    for _, rows in shown.groupby("series"):
        above = 0
        for difference, verdict in zip(rows["difference"], rows["guardrail"], strict=True):
            above = above + 1 if difference > 0 else 0
            broken = difference > rule.points or above >= rule.years
            wrong += verdict != ("broken" if broken else "holds")
    return Measured(wrong)


def cents_lost_between_settings(study: Study) -> Measured:
    """Cents by which a year's settings differ from its total."""
    sums = study.frame("progression_settings", exact=True)
    gaps = [abs(sum(row[s] for s in SPENDING_COLUMNS) - row["tcoc"]) for _, row in sums.iterrows()]
    return Measured(float(100 * max(gaps, default=0)))


def cents_lost_between_contributions(study: Study) -> Measured:
    """Cents by which the settings' changes differ from the total's, per beneficiary."""
    from tcoc.deliverables.progression_plan.public_spending import contribution_table

    frame = contribution_table(study).frame
    cents = (frame["change"] * 100).round()
    parts = cents[frame["part"] != "total"].groupby(frame["year"]).sum()
    total = cents[frame["part"] == "total"].groupby(frame["year"]).sum()
    return Measured(float((parts - total).abs().max()) if len(total) else 0.0)


def aims_without_points(_study: Study) -> Measured:
    """Count aims that are missing of three, or without points."""
    aims = load_aims().aims
    return Measured(abs(3 - len(aims)) + sum(not all(aim.items) for aim in aims))


def events_out_of_order(_study: Study) -> Measured:
    """Count events of the timeline that end before they begin."""
    rows = progression.timeline_rows(load_timeline())
    return Measured(int((pd.to_datetime(rows["first"]) > pd.to_datetime(rows["last"])).sum()))


def percentiles_out_of_order(study: Study) -> Measured:
    """Count percentiles whose people cost more, on average, than those of a costlier one."""
    cells = study.frame("progression_concentration")
    wrong = 0
    for _, rows in cells.sort_values(["year", "percentile"]).groupby("year"):
        means = (rows["tcoc"] / rows["benes"]).tolist()
        wrong += sum(after > before + 1e-6 for before, after in pairwise(means))
    return Measured(wrong)


def people_lost_in_next_year(study: Study) -> Measured:
    """People of a year who are in no group of the next year, where the run has one."""
    cells = study.frame("progression_persistence").groupby("year")["benes"].sum()
    people = study.frame("progression_concentration").groupby("year")["benes"].sum()
    return Measured(float((people.reindex(cells.index) - cells).abs().max()) if len(cells) else 0.0)


def people_lost_between(study: Study, table: str) -> int:
    """The largest difference of a table's people of a year from those of the landscape."""
    cells = study.frame(table).groupby("year")["benes"].sum()
    whole = study.frame("progression_landscape").groupby("year")["benes"].sum()
    gaps = (cells - whole).abs()
    return int(gaps.max()) if len(gaps) else 0


def people_lost_between_needs(study: Study) -> Measured:
    """People who have no number of proxies."""
    return Measured(people_lost_between(study, "progression_needs"))


def stays_beyond_claims(study: Study) -> Measured:
    """Stays of attributed people beyond the inpatient claims of the store in the year."""
    stays = study.frame("progression_avoidable").groupby("year")["stays"].sum()
    facility = study.store_table("facility", study.run.years)
    claims = facility.filter(facility.setting == "inpatient")
    by_year = claims.group_by(year=claims.thru_date.year()).agg(claims=claims.count())
    found = study.connection.fetch(by_year, ["year"]).set_index("year")["claims"]
    beyond = stays - found.reindex(stays.index).fillna(0)
    return Measured(float(beyond.clip(lower=0).max()) if len(beyond) else 0.0)


def duals_miscounted(study: Study) -> Measured:
    """People whose dual status differs between the landscape and the population."""
    cube = study.frame("progression_landscape")
    found = cube[cube["dual"]].groupby("year")["benes"].sum()
    people = study.table("beneficiary_year")
    duals = people.filter(people.dual & people.tcoc.notnull())
    counts = duals.group_by("year").agg(benes=duals.count())
    whole = study.connection.fetch(counts, ["year"])
    expected = whole.set_index("year")["benes"].reindex(found.index).fillna(0)
    return Measured(float((found - expected).abs().max()) if len(found) else 0.0)


def dollars_beyond_all(study: Study) -> Measured:
    """Share by which budgets and all three stages together miss all dollars."""
    cube = study.frame("progression_landscape")
    if cube.empty:
        return Measured(0.0)
    options = progression.design_options(cube[cube["year"] == cube["year"].max()])
    whole = options[(options["option"] == "all") & (options["part"] == "total")]["share"]
    return Measured(abs(float(whole.iloc[0]) - 1), 1e-9)


CHECKS = (
    Check("every_value_has_a_source", "plan I.C",
          "Every published number names source, vintage and confidence; every gap its reason.",
          values_without_source),
    Check("sums_hold", "plan I.C",
          "Each printed cumulative saving is the sum of its vintage's printed years.",
          gap_of_printed_sums),
    Check("savings_are_recomputed", "plan I.C, T2",
          "Cumulative savings follow from compounding the national rates by hand.", gap_of_savings),
    Check("guardrail_is_consistent", "plan VI.A.1",
          "Each year's verdict on the guardrail follows from its differences.", wrong_guardrails),
    Check("split_adds_up", "T1, T4", "The settings hold all of a year's dollars, to the cent.",
          cents_lost_between_settings),
    Check("contributions_add_up", "T2", "The settings' changes add up to the total's, to the cent.",
          cents_lost_between_contributions),
    Check("aims_are_complete", "plan I.A", "There are three aims, none without points.",
          aims_without_points),
    Check("timeline_is_in_order", "plan X", "No event ends before it begins.", events_out_of_order),
    Check("concentration_is_ordered", "T1",
          "No percentile of people costs more than a costlier one.", percentiles_out_of_order),
    Check("persistence_adds_up", "P2", "Everybody of a year is in one group of the next.",
          people_lost_in_next_year),
    Check("needs_add_up", "P2", "Everybody has one number of proxies.", people_lost_between_needs),
    Check("stays_within_claims", "T4", "There are no more stays than inpatient claims.",
          stays_beyond_claims),
    Check("duals_add_up", "P4", "Dual eligible people are those of the population.",
          duals_miscounted),
    Check("options_within_total", "plan V",
          "Budgets and all three stages together reach all dollars, and no more.",
          dollars_beyond_all),
)  # fmt: skip
