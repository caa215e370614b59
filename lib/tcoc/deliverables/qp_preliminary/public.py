"""The public tables of the QP report: counts of clinicians, and what protects their averages.

A count of clinicians is not a protected cell (rule D1 protects beneficiaries, claims and patients).
An average of scores or a sum of dollars over few clinicians could tell about few patients, so
these are protected by the number of patients behind them. No table holds an NPI.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd

from tcoc.deliverables.qp_preliminary.tables import with_specialty_group
from tcoc.disclosure.old import PublicTable
from tcoc.params import read_yaml
from tcoc.paths import params_dir
from tcoc.rules.qp.rules import READINGS, test_in_force
from tcoc.study import Study

ALL = "all"
LAW = "regulation"
SOURCE = "Medicare claims and enrolment of the run's store; rules Q1-Q9"
PATIENTS = "patients of clinicians, each counted once for every clinician"

NEEDED = {
    "payment_threshold": "payment_share_needed",
    "patient_threshold": "patient_share_needed",
    "partial_payment_threshold": "partial_payment_share",
    "partial_patient_threshold": "partial_patient_share",
}
"""Threshold -> its column here; the names say that none of them counts patients."""

BINS = 20
"""Scores are drawn in twentieths."""

PANELS = ((1, 49), (50, 99), (100, 199), (200, None))
"""Classes of a clinician's denominator patients."""

SHORT_PATIENTS = ((0, 10), (10, 25), (25, 50), (50, None))
SHORT_DOLLARS = ((0, 1_000), (1_000, 5_000), (5_000, 20_000), (20_000, None))


def public_tables(study: Study) -> list[PublicTable]:
    """Return every table that the report may show, for the gate to audit as one release."""
    return [
        tests_table(study),
        distribution_table(study),
        groups_table(study),
        routes_table(study),
        near_table(study),
        sensitivity_table(study),
        variants_table(study),
        timing_table(study),
        incentive_table(study),
        fee_schedule_table(study),
        mips_table(study),
    ]


@cache
def slide9() -> dict[str, Any]:
    """Read the figures that slide 9 prints."""
    return read_yaml(params_dir() / "published" / "slide9.yml")


# ---------------------------------------------------------------- slide 9


def tests_table(study: Study) -> PublicTable:
    """Slide 9's table: this run under both readings and partners, and what the slide printed."""
    limits = study.frame("qp_thresholds").rename(columns=NEEDED)
    frame = study.frame("qp_summary").merge(limits, on=["test", "reading"])
    printed = slide9()["tests"]
    frame["published_share"] = frame["test"].map(lambda t: _printed(printed, t, "share_meeting"))
    frame["published_average"] = frame["test"].map(lambda t: _printed(printed, t, "average_score"))
    averages = ("average_score", "average_patient_score", "average_payment_score")
    plain = ("clinicians", "meeting", "share_meeting", "partial", "published_share",
             "published_average", "reaching_payment_share", "reaching_patient_share",
             *NEEDED.values())  # fmt: skip
    return PublicTable(
        name="qp_tests",
        title="Share of clinicians who meet each QP test",
        frame=_ordered(frame, study),
        keys=("year", "test", "reading", "partner"),
        counts=("patients", "patients_meeting"),
        values=dict.fromkeys(plain, ()) | dict.fromkeys(averages, ("patients_meeting",)),
        within={"patients_meeting": "patients"},
        universe=PATIENTS,
        note="Averages run over the clinicians who meet (rule Q5). Published: "
        + slide9()["source"],
        source=SOURCE,
    )


def _printed(printed: dict[str, Any], test: str, name: str) -> float:
    return float(printed.get(test, {}).get(name, float("nan")))


def _ordered(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Sort by year, test in its order, regulation before slide, best before actual."""
    places = {name: i for i, name in enumerate(study.policy.get("qp.tests"))}
    places |= {name: i for i, name in enumerate((*READINGS, "best", "actual"))}
    by = [c for c in ("year", "test", "reading", "partner") if c in frame.columns]
    rest = [c for c in ("variant", "unseen_share") if c in frame.columns]

    def rank(column: pd.Series) -> pd.Series:
        return column.map(places) if column.name in ("test", "reading", "partner") else column

    return frame.sort_values([*by, *rest], key=rank, ignore_index=True)


def _best(study: Study, reading: str = LAW) -> pd.DataFrame:
    frame = study.frame("qp_partners")
    return frame[(frame["partner"] == "best") & (frame["reading"] == reading)]


# ---------------------------------------------------------------- scores


def distribution_table(study: Study) -> PublicTable:
    """Clinicians by score at the best partner, in classes of five points."""
    first = next(iter(study.policy.get("qp.tests")))
    rows = _best(study)
    rows = rows[rows["test"] == first]
    parts = [_binned(rows, kind) for kind in ("payment_score", "patient_score", "score")]
    return PublicTable(
        name="qp_score_distribution",
        title="Clinicians by QP threshold score at the hospital with the highest score",
        frame=pd.concat(parts, ignore_index=True),
        keys=("year", "method", "score_from", "score_below"),
        values={"clinicians": ()},
        note="A score of exactly 100 % is in the last class.",
        source=SOURCE,
    )


def _binned(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    place = (rows[kind] * BINS + 1e-9).astype(int).clip(upper=BINS - 1)
    sizes = rows.groupby(["year", place.rename("place")]).size()
    wanted = pd.MultiIndex.from_product([sorted(rows["year"].unique()), range(BINS)])
    counted = sizes.reindex(wanted.set_names(["year", "place"]), fill_value=0).reset_index()
    method = {"payment_score": "payments", "patient_score": "patients", "score": "better of both"}
    return pd.DataFrame(
        {
            "year": counted["year"],
            "method": method[kind],
            "score_from": counted["place"] / BINS,
            "score_below": (counted["place"] + 1) / BINS,
            "clinicians": counted[0],
        }
    )


# ---------------------------------------------------------------- who misses


def groups_table(study: Study) -> PublicTable:
    """Who meets and who misses, by specialty, county of the partner, panel size and ACO list."""
    clinicians = with_specialty_group(study.frame("qp_clinicians"))
    rows = _best(study).merge(
        clinicians[["year", "npi", "specialty_group", "aco_id"]], on=["year", "npi"]
    )
    views = _views(study, rows)
    parts = [_grouped(rows, kind, label) for kind, label in views.items()]
    return PublicTable(
        name="qp_groups",
        title="Clinicians who meet and miss the tests of the regulation, by group",
        frame=_by_kind(pd.concat(parts, ignore_index=True), study, list(views)),
        keys=("year", "test", "kind", "group"),
        values=dict.fromkeys(("clinicians", "meeting", "missing", "share_meeting"), ()),
        note=(
            "The store has no practice address: the county is that of the hospital that each"
            " clinician is assumed to partner with."
        ),
        source=SOURCE,
    )


def _views(study: Study, rows: pd.DataFrame) -> dict[str, pd.Series]:
    hospitals = study.references.tables["hospitals"].set_index("ccn")
    county = rows["ccn"].map(hospitals["county"]).fillna("").replace("", "No hospital")
    return {
        "specialty": rows["specialty_group"],
        "county": county,
        "patients of the clinician": rows["benes"].map(_panel),
        "ACO list": rows["aco_id"].notna().map({True: "On an ACO list", False: "On no ACO list"}),
    }


def _panel(patients: int) -> str:
    for low, high in PANELS:
        if high is None or patients <= high:
            return f"{low} or more" if high is None else f"{low} to {high}"
    raise AssertionError("the last class has no end")


def _grouped(rows: pd.DataFrame, kind: str, label: pd.Series) -> pd.DataFrame:
    keyed = rows.assign(group=label)
    sizes = keyed.groupby(["year", "test", "group"])["meets"].agg(["size", "sum"]).reset_index()
    whole = keyed.groupby(["year", "test"])["meets"].agg(["size", "sum"]).reset_index()
    found = pd.concat([whole.assign(group=ALL), sizes], ignore_index=True)
    return pd.DataFrame(
        {
            "year": found["year"],
            "test": found["test"],
            "kind": kind,
            "group": found["group"],
            "clinicians": found["size"],
            "meeting": found["sum"].astype("int64"),
            "missing": (found["size"] - found["sum"]).astype("int64"),
            "share_meeting": found["sum"] / found["size"],
        }
    )


def _by_kind(frame: pd.DataFrame, study: Study, kinds: list[str]) -> pd.DataFrame:
    """Sort by kind in its order, and panels by size."""
    panels = {_panel(low): i for i, (low, _) in enumerate(PANELS)}
    keys = pd.DataFrame(
        {
            "year": frame["year"],
            "test": frame["test"].map({t: i for i, t in enumerate(study.policy.get("qp.tests"))}),
            "kind": frame["kind"].map({k: i for i, k in enumerate(kinds)}),
            "whole": frame["group"] != ALL,
            "panel": frame["group"].map(panels).fillna(0),
            "group": frame["group"],
        }
    )
    return frame.loc[keys.sort_values(list(keys.columns)).index].reset_index(drop=True)


def routes_table(study: Study) -> PublicTable:
    """By which method and which criterion clinicians meet the test in force."""
    routes = study.frame("qp_routes")
    keys = ["year", "reading", "partner", "method", "criterion"]
    frame = routes.groupby(keys).size().rename("clinicians").reset_index()
    return PublicTable(
        name="qp_routes",
        title="By which method and criterion clinicians meet the test in force",
        frame=frame,
        keys=tuple(keys),
        values={"clinicians": ()},
        source=SOURCE,
    )


def near_table(study: Study) -> PublicTable:
    """Clinicians near a threshold: just above, or just below and what they lack."""
    near = study.frame("qp_near_threshold")
    near = near[near["benes"] > 0]
    below = near[~near["meets"]]
    parts = [
        _classed(near, "side", near["meets"].map({True: "just above", False: "just below"})),
        _classed(below, "patients short", below["benes_short"].map(_short_of(SHORT_PATIENTS, ""))),
        _classed(
            below, "payments short", below["dollars_short"].map(_short_of(SHORT_DOLLARS, "$"))
        ),
    ]
    classes = ["just above", "just below"]
    for short, unit in ((SHORT_PATIENTS, ""), (SHORT_DOLLARS, "$")):
        classes += [_short_of(short, unit)(float(high or low + 1)) for low, high in short]
    frame = pd.concat(parts, ignore_index=True)
    return PublicTable(
        name="qp_near_threshold",
        title="Clinicians near a threshold of the regulation",
        frame=_classes_in_order(frame, study, classes),
        keys=("year", "test", "view", "group"),
        values={"clinicians": ()},
        note=(
            "Near: the better score lies within"
            f" {100 * float(study.policy.get('qp.near_margin')):g} points of its threshold. The"
            " list by clinician is in the restricted folder."
        ),
        source=SOURCE,
    )


def _classed(rows: pd.DataFrame, view: str, group: pd.Series) -> pd.DataFrame:
    sizes = rows.assign(group=group).groupby(["year", "test", "group"]).size()
    return (
        sizes.rename("clinicians")
        .reset_index()
        .assign(view=view)[["year", "test", "view", "group", "clinicians"]]
    )


def _classes_in_order(frame: pd.DataFrame, study: Study, classes: list[str]) -> pd.DataFrame:
    places = {name: i for i, name in enumerate((*study.policy.get("qp.tests"), *classes))}

    def rank(column: pd.Series) -> pd.Series:
        return column.map(places) if column.name in ("test", "group") else column

    return frame.sort_values(["year", "test", "group"], key=rank, ignore_index=True)


def _short_of(classes: Any, unit: str) -> Callable[[float], str]:
    def label(value: float) -> str:
        for low, high in classes:
            if high is None:
                return f"more than {unit}{low:,}"
            if value <= high:
                return f"up to {unit}{high:,}"
        raise AssertionError("the last class has no end")

    return label


# ---------------------------------------------------------------- what could change it


def sensitivity_table(study: Study) -> PublicTable:
    """Share meeting when part of every denominator is unseen; with nothing unseen first."""
    seen = study.frame("qp_summary")
    seen = seen[seen["partner"] == "best"].assign(unseen_share=0.0)
    columns = ["year", "test", "reading", "unseen_share", "clinicians", "meeting", "share_meeting"]
    frame = pd.concat([seen[columns], study.frame("qp_sensitivity")[columns]], ignore_index=True)
    return PublicTable(
        name="qp_sensitivity",
        title="Share of clinicians meeting when out-of-state patients are unseen",
        frame=_ordered(frame, study),
        keys=("year", "test", "reading", "unseen_share"),
        values=dict.fromkeys(("clinicians", "meeting", "share_meeting"), ()),
        source=SOURCE,
    )


def variants_table(study: Study) -> PublicTable:
    """Slide 9's table with attributed beneficiaries whole and by share."""
    own = "share-weighted" if study.policy.get("qp.share_weighted") else "whole beneficiaries"
    columns = ["year", "test", "reading", "partner", "variant", "clinicians", "meeting",
               "share_meeting"]  # fmt: skip
    both = [study.frame("qp_summary").assign(variant=own), study.frame("qp_variants")]
    return PublicTable(
        name="qp_share_weighted",
        title="Share of clinicians meeting with attributed beneficiaries whole and by share",
        frame=_ordered(pd.concat([t[columns] for t in both], ignore_index=True), study),
        keys=("year", "test", "reading", "partner", "variant"),
        values=dict.fromkeys(("clinicians", "meeting", "share_meeting"), ()),
        source=SOURCE,
    )


def timing_table(study: Study) -> PublicTable:
    """Clinicians who qualify by each snapshot: first then, and in all by then."""
    result = study.frame("qp_year_result")
    keys = ["year", "test", "reading", "partner"]
    parts = [_by_snapshot(dict(zip(keys, key, strict=True)), own)
             for key, own in result.groupby(keys)]  # fmt: skip
    columns = [*keys, "snapshot", "first_qualifying", "qualified", "clinicians", "share_qualified"]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return PublicTable(
        name="qp_timing",
        title="Clinicians who qualify by each snapshot of the year",
        frame=_ordered(frame[columns], study),
        keys=(*keys, "snapshot"),
        values=dict.fromkeys(columns[5:], ()),
        note="Qualifying at any one snapshot qualifies for the year (rule Q7).",
        source=SOURCE,
    )


def _by_snapshot(key: dict[str, Any], own: pd.DataFrame) -> pd.DataFrame:
    first = own.loc[own["qualifies"], "first_date"].map(str).value_counts().sort_index()
    total = first.cumsum()
    return pd.DataFrame(
        {
            **key,
            "snapshot": first.index.astype(object),
            "first_qualifying": first.to_numpy(),
            "qualified": total.to_numpy(),
            "clinicians": len(own),
            "share_qualified": total.to_numpy() / len(own),
        }
    )


# ---------------------------------------------------------------- money


def incentive_table(study: Study) -> PublicTable:
    """The incentive by clinician group, under both readings of its base year."""
    keys = ["year", "kind", "group"]
    table = study.frame("qp_incentive", exact=True)
    table = _with_totals(table[(table["partner"] == "best") & (table["kind"] != "hospital")])
    table = table.assign(paid_in=table["payment_year"].astype(str))
    shared = ["paid_in", "rate", "clinicians", "patients"]
    wide = table[table["base_reading"] == "performance_year"][[*keys, *shared]]
    for base in ("performance_year", "year_after"):
        own = table[table["base_reading"] == base][[*keys, "payments", "incentive"]]
        names = {"payments": f"payments_{base}", "incentive": f"incentive_{base}"}
        wide = wide.merge(own.rename(columns=names), on=keys)
    dollars = [c for c in wide.columns if c.startswith(("payments_", "incentive_"))]
    return PublicTable(
        name="qp_incentive",
        title="The APM incentive of clinicians who meet the test in force, by group",
        frame=wide.sort_values(["year", "kind"], kind="stable", ignore_index=True),
        keys=tuple(keys),
        counts=("patients",),
        values=dict.fromkeys(("rate", "clinicians"), ()) | dict.fromkeys(dollars, ("patients",)),
        totals={"group": ALL},
        universe="patients of qualifying clinicians, each counted once for every clinician",
        note=(
            "5 % of Part B professional payments: of the performance year as slide 10 says, of the"
            " year after as 42 CFR 414.1450(b) says. A year that the store lacks is blank."
        ),
        source=SOURCE,
    )


def _with_totals(table: pd.DataFrame) -> pd.DataFrame:
    """Repeat the total under each kind of group, so that the gate sees what its parts add up to."""
    whole = table[table["kind"] == ALL]
    kinds = [kind for kind in dict.fromkeys(table["kind"]) if kind != ALL]
    parts = table[table["kind"] != ALL]
    return pd.concat([*(whole.assign(kind=kind) for kind in kinds), parts], ignore_index=True)


def fee_schedule_table(study: Study) -> PublicTable:
    """The two fee schedules accumulated, and the dollars of the difference."""
    frame = study.frame("qp_fee_schedule", exact=True)
    whole = study.frame("qp_incentive")
    whole = whole[(whole["partner"] == "best") & (whole["kind"] == ALL)]
    patients = whole.drop_duplicates("year").set_index("year")["patients"]
    frame = frame.assign(patients=frame["year"].map(patients))
    plain = ("qualifying", "other", "difference")
    return PublicTable(
        name="qp_fee_schedule",
        title="What the two fee schedule updates add up to",
        frame=frame,
        keys=("year", "payment_year"),
        counts=("patients",),
        values=dict.fromkeys(plain, ()) | dict.fromkeys(("gain", "gain_to_date"), ("patients",)),
        universe="patients behind the fee schedule's dollars",
        note="No growth but the updates; payments of the performance year are the base.",
        source=SOURCE,
    )


def mips_table(study: Study) -> PublicTable:
    """Clinicians whom MIPS would take in, and those who leave it as QPs."""
    frame = study.frame("qp_mips")
    frame["test"] = [test_in_force(study.policy, int(year)) or "" for year in frame["year"]]
    return PublicTable(
        name="qp_mips",
        title="Clinicians above the MIPS low-volume limits, and those who leave MIPS as QPs",
        frame=frame[["year", "test", "in_mips", "excluded_as_qp"]],
        keys=("year", "test"),
        values=dict.fromkeys(("in_mips", "excluded_as_qp"), ()),
        source=SOURCE,
    )
