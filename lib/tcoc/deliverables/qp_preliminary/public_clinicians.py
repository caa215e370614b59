"""Drafts of the QP tables that count clinicians: scores, who misses, by what, how near."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import pandas as pd

from tcoc.deliverables.qp_preliminary.public_columns import (
    ALL,
    CLINICIANS,
    LAW,
    MEETING,
    PARTNER,
    READING,
    SHARE_MEETING,
    SOURCE,
    TEST,
    YEAR,
    share_of,
)
from tcoc.deliverables.qp_preliminary.tables_money import with_specialty_group
from tcoc.disclosure import Column, Draft
from tcoc.params import QpPolicy
from tcoc.study import Study

BINS = 20
"""Scores are drawn in twentieths."""

Classes = Sequence[tuple[int, int | None]]

PANELS: Classes = ((1, 49), (50, 99), (100, 199), (200, None))
"""Classes of a clinician's denominator patients."""

SHORT_PATIENTS: Classes = ((0, 10), (10, 25), (25, 50), (50, None))
SHORT_DOLLARS: Classes = ((0, 1_000), (1_000, 5_000), (5_000, 20_000), (20_000, None))

SIDE, ABOVE, BELOW = "Near a threshold", "just above", "just below"

METHODS = {
    "payment_score": "payments",
    "patient_score": "patients",
    "score": "better of both",
}


def _best(study: Study) -> pd.DataFrame:
    frame = study.frame("qp_partners")
    return frame[(frame["partner"] == "best") & (frame["reading"] == LAW)]


def _tests(study: Study) -> list[str]:
    return list(QpPolicy.of(study.policy).tests)


def score_distribution(study: Study) -> Draft:
    """Draft the clinicians by score at the best partner, in classes of five points (Q5)."""
    rows = _best(study)
    rows = rows[rows["test"] == _tests(study)[0]]
    parts = [_binned(rows, kind) for kind in METHODS]
    return Draft(
        name="qp_score_distribution",
        title="Clinicians by QP threshold score at the hospital with the highest score",
        frame=pd.concat(parts, ignore_index=True),
        keys=("year", "method", "score_from", "score_below"),
        columns={
            "year": YEAR,
            "method": Column("Score by", "key", "Payments, patients, or the better of both (Q5)."),
            "score_from": share_of("Score from", "Lower end of the class.", 0),
            "score_below": share_of("Score below", "Upper end of the class.", 0),
            "clinicians": CLINICIANS,
        },
        note="A score of exactly 100% is in the last class.",
        source=SOURCE,
    )


def _binned(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    place = (rows[kind] * BINS + 1e-9).astype(int).clip(upper=BINS - 1)
    sizes = rows.groupby(["year", place.rename("place")]).size()
    wanted = pd.MultiIndex.from_product([sorted(rows["year"].unique()), range(BINS)])
    counted = sizes.reindex(wanted.set_names(["year", "place"]), fill_value=0).reset_index()
    return pd.DataFrame(
        {
            "year": counted["year"],
            "method": METHODS[kind],
            "score_from": (counted["place"] / BINS).round(2),
            "score_below": ((counted["place"] + 1) / BINS).round(2),
            "clinicians": counted[0],
        }
    )


# ---------------------------------------------------------------- who misses


def groups(study: Study) -> Draft:
    """Draft who meets and who misses: by specialty, county of the partner, panel, ACO list."""
    clinicians = with_specialty_group(study.frame("qp_clinicians"))
    kept = ["year", "npi", "specialty_group", "aco_id"]
    rows = _best(study).merge(clinicians[kept], on=["year", "npi"])
    views = _views(study, rows)
    parts = [_grouped(rows, kind, label) for kind, label in views.items()]
    return Draft(
        name="qp_groups",
        title="Clinicians who meet and miss the tests of the regulation, by group",
        frame=_by_kind(pd.concat(parts, ignore_index=True), _tests(study), list(views)),
        keys=("year", "test", "kind", "group"),
        columns={
            "year": YEAR,
            "test": TEST,
            "kind": Column("Grouped by", "key", "What the groups are."),
            "group": Column("Group", "key", "All, or one group of clinicians."),
            "clinicians": CLINICIANS,
            "meeting": MEETING,
            "missing": Column("Missing", "entities", "Clinicians who reach no threshold (Q5)."),
            "share_meeting": SHARE_MEETING,
        },
        totals={"group": ALL},
        note=(
            "The store has no practice address: the county is that of the hospital that each"
            " clinician is assumed to partner with."
        ),
        source=SOURCE,
    )


def partners(study: Study) -> Draft:
    """Draft who meets and who misses by the hospital with the highest score (rules Q4, Q5).

    A hospital with fewer clinicians than a count that may be shown is among the other hospitals.
    """
    hospitals = study.references.tables["hospitals"].set_index("ccn")
    least = int(study.policy.get("disclosure.min_cell_size"))
    rows = _best(study)
    many = rows.groupby(["year", "test", "ccn"])["npi"].transform("size") >= least
    frame = _grouped(rows, "Hospital", rows["ccn"].where(many & rows["ccn"].notna(), OTHERS))
    frame = frame[frame["group"] != ALL].rename(columns={"group": "ccn"})
    short = hospitals["short_name"].dropna().to_dict()
    names = [short.get(ccn, "Other hospitals") for ccn in frame["ccn"]]
    place = {test: i for i, test in enumerate(_tests(study))}
    last = (frame["ccn"] == OTHERS).astype(int)
    frame = frame.assign(hospital=names, place=frame["test"].map(place), last=last)
    frame = frame.sort_values(["year", "place", "last", "ccn"]).reset_index(drop=True)
    return Draft(
        name="qp_hospitals",
        title="Clinicians who meet and miss the tests of the regulation, by partner hospital",
        frame=frame.drop(columns=["kind", "place", "last"]),
        keys=("year", "test", "ccn"),
        columns={
            "year": YEAR,
            "test": TEST,
            "hospital": Column("Hospital", "label", "The one with the highest score (Q4)."),
            "clinicians": CLINICIANS,
            "meeting": MEETING,
            "missing": Column("Missing", "entities", "Clinicians who reach no threshold (Q5)."),
            "share_meeting": SHARE_MEETING,
        },
        note=f"Hospitals with fewer than {least} such clinicians stand together.",
        source=SOURCE,
    )


OTHERS = "other hospitals"


def _views(study: Study, rows: pd.DataFrame) -> dict[str, pd.Series]:
    hospitals = study.references.tables["hospitals"].set_index("ccn")
    county = rows["ccn"].map(hospitals["county"]).fillna("").replace("", "No hospital")
    return {
        "Specialty": rows["specialty_group"],
        "County": county,
        "Patients of the clinician": rows["benes"].map(_panel),
        "ACO list": rows["aco_id"].notna().map({True: "On an ACO list", False: "On no ACO list"}),
    }


def _panel(patients: int) -> str:
    low, high = next((low, high) for low, high in PANELS if high is None or patients <= high)
    return f"{low} or more" if high is None else f"{low} to {high}"


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


def _by_kind(frame: pd.DataFrame, tests: list[str], kinds: list[str]) -> pd.DataFrame:
    """Sort by kind in its order, and panels by size."""
    panels = {_panel(low): i for i, (low, _) in enumerate(PANELS)}
    keys = pd.DataFrame(
        {
            "year": frame["year"],
            "test": frame["test"].map({t: i for i, t in enumerate(tests)}),
            "kind": frame["kind"].map({k: i for i, k in enumerate(kinds)}),
            "whole": frame["group"] != ALL,
            "panel": frame["group"].map(panels).fillna(0),
            "group": frame["group"],
        }
    )
    return frame.loc[keys.sort_values(list(keys.columns)).index].reset_index(drop=True)


# ---------------------------------------------------------------- by what, and how near


METHOD_NAMES = {
    "both": "payments and patients",
    "payments": "payments only",
    "patients": "patients only",
    "none": "does not meet",
}
CRITERION_NAMES = {
    "either": "attributed alone or encounters alone",
    "attributed": "attributed only",
    "encounter": "encounters only",
    "union": "only both together",
    "none": "does not meet",
}


def routes(study: Study) -> Draft:
    """Draft by which method and which criterion clinicians meet the test in force (Q2, Q5)."""
    found = study.frame("qp_routes")
    keys = ["year", "reading", "partner", "method", "criterion"]
    frame = found.groupby(keys).size().rename("clinicians").reset_index()
    named: Mapping[str, Mapping[str, str]] = {"method": METHOD_NAMES, "criterion": CRITERION_NAMES}
    for column, names in named.items():
        frame[column] = frame[column].map(names)
    return Draft(
        name="qp_routes",
        title="By which method and criterion clinicians meet the test in force",
        frame=frame,
        keys=tuple(keys),
        columns={
            "year": YEAR,
            "reading": READING,
            "partner": PARTNER,
            "method": Column("Meets by", "key", "Which threshold is reached (Q5)."),
            "criterion": Column("What suffices", "key", "Which numerator alone would do (Q2)."),
            "clinicians": CLINICIANS,
        },
        source=SOURCE,
    )


def near_threshold(study: Study) -> Draft:
    """Draft the clinicians near a threshold: just above, or just below and what they lack."""
    near = study.frame("qp_near_threshold")
    near = near[near["benes"] > 0]
    below = near[~near["meets"]]
    patients, payments = _short_of(SHORT_PATIENTS, ""), _short_of(SHORT_DOLLARS, "$")
    classes = {
        SIDE: [ABOVE, BELOW],
        "Patients short": [patients(float(high or low + 1)) for low, high in SHORT_PATIENTS],
        "Payments short": [payments(float(high or low + 1)) for low, high in SHORT_DOLLARS],
    }
    found = {
        SIDE: (near, near["meets"].map({True: ABOVE, False: BELOW})),
        "Patients short": (below, below["benes_short"].map(patients)),
        "Payments short": (below, below["dollars_short"].map(payments)),
    }
    every = list(product(sorted(near["year"].unique()), _tests(study)))
    frame = pd.concat(
        [_classed(*found[view], view, every, names) for view, names in classes.items()],
        ignore_index=True,
    )
    frame = frame.sort_values("year", kind="stable", ignore_index=True)
    margin = 100 * QpPolicy.of(study.policy).near_margin
    return Draft(
        name="qp_near_threshold",
        title="Clinicians near a threshold of the regulation",
        frame=frame,
        keys=("year", "test", "view", "group"),
        columns={
            "year": YEAR,
            "test": TEST,
            "view": Column("What", "key", "On which side, or what is lacking (Q5)."),
            "group": Column("Class", "key", "Class of that."),
            "clinicians": CLINICIANS,
        },
        note=(
            f"Near: the better score lies within {margin:g} points of its threshold. The list by"
            " clinician is in the restricted folder."
        ),
        source=SOURCE,
    )


def _classed(
    rows: pd.DataFrame,
    group: "pd.Series[str]",
    view: str,
    every: list[tuple[int, str]],
    classes: list[str],
) -> pd.DataFrame:
    """Count clinicians by class; a class without any has a row with none."""
    sizes = rows.assign(group=group).groupby(["year", "test", "group"]).size()
    wanted = [(year, test, name) for name in classes for year, test in every]
    index = pd.MultiIndex.from_tuples(wanted, names=["year", "test", "group"])
    counted = sizes.reindex(index, fill_value=0).rename("clinicians").reset_index()
    return counted.assign(view=view)[["year", "test", "view", "group", "clinicians"]]


def _short_of(classes: Classes, unit: str) -> Callable[[float], str]:
    def label(value: float) -> str:
        low, high = next((low, high) for low, high in classes if high is None or value <= high)
        return f"more than {unit}{low:,}" if high is None else f"up to {unit}{high:,}"

    return label
