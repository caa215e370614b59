"""Drafts by year, stage, hospital and specialty: counts and dollars of every year (rule A11)."""

from math import fsum
from typing import Any

import pandas as pd

from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.disclosure import Column, Draft
from tcoc.rules.attribution import STAGES
from tcoc.rules.spending import pool_combinations
from tcoc.study import Study

ALL, STATE, ELSEWHERE, NO_ZIP = "all", "STATE", "elsewhere", "unknown"
UNIVERSE = "attributed beneficiaries"
SOURCE = "Medicare claims and enrollment of the run's store; rules P, A and T"

SUMS = ("benes", "eligible_months", "tcoc")
HOSPITAL_SUMS = (*SUMS, "tcoc_hospital", "tcoc_nonhospital")

OF = ("benes",)
YEAR = Column("Year", "year", "Calendar year of attribution.")
STAGE = Column("Stage", "key", "Stage of attribution, in the order of rule A1.")
CCN = Column("CCN", "key", "CMS certification number of the hospital; STATE is all of them.")
HOSPITAL = Column("Hospital", "label", "Short name from the run's hospitals table.")
BENES = Column(
    "Beneficiaries",
    "count",
    "Eligible beneficiaries attributed; one who is split counts in parts that sum to one (A11).",
    "people",
)
MONTHS = Column("Eligible months", "months", "Months as rule P1 counts them.", "person-months", OF)
TCOC = Column(
    "Total cost of care",
    "dollars",
    "Medicare payments for Part A and Part B services in eligible months, as paid (T1).",
    "dollars",
    OF,
)
PER_CAPITA = Column(
    "Per capita",
    "per_capita",
    "Dollars x 12 / eligible months / completion factor (T2).",
    "dollars per person and year",
    OF,
)
HOSPITAL_SHARE = Column(
    "Paid to hospitals",
    "share",
    "Inpatient and outpatient part of the total cost of care (T4).",
    "share of dollars",
    OF,
    "benes",
)


def part(label: str, description: str) -> Column:
    """Return the entry of a share of people or of their dollars."""
    return Column(label, "share", description, "share", OF, "benes")


def with_total(
    frame: pd.DataFrame, dimension: str, label: str, sums: tuple[str, ...]
) -> pd.DataFrame:
    """Add rows that sum over one dimension; fsum, so that the order of rows does not matter."""
    others = [c for c in frame.columns if c not in (dimension, *sums)]
    total = frame.groupby(others, sort=True, as_index=False, dropna=False)[list(sums)].agg(summed)
    total[dimension] = label
    return pd.concat([frame, total[frame.columns]], ignore_index=True)


def summed(values: "pd.Series[float]") -> float:
    """Return an exactly rounded sum, missing where any part is."""
    return float("nan") if bool(values.isna().any()) else fsum(values)


def ordered(frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Sort by keys; stages in their order, with all of them last."""
    places = {label: i for i, label in enumerate((*STAGES, ALL))}

    def rank(column: Any) -> Any:
        return column.map(places) if column.name == "stage" else column

    return frame.sort_values(list(by), key=rank, ignore_index=True)


def hospital_labels(study: Study) -> dict[str, str]:
    """Return the hospitals' short names by CCN, and the state's."""
    return study.references.hospital_names | {STATE: "Maryland"}


def _named(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    place = list(frame.columns).index("ccn") + 1
    frame = frame.copy()
    frame.insert(place, "hospital", frame["ccn"].map(hospital_labels(study)))
    return frame


def _per_capita(frame: pd.DataFrame, study: Study) -> "pd.Series[float]":
    factor = completion(study)
    by_year = frame["year"].map({year: factor(year) for year in study.run.years})
    return frame["tcoc"] * 12 / frame["eligible_months"] / by_year


# ---------------------------------------------------------------- years and stages


def years(study: Study) -> Draft:
    """Draft the state by year: people, dollars, and whether the year is complete (rule T2)."""
    found = study.frame("state_year")
    frame = found[["year", "benes", "eligible_months", "tcoc", "per_capita"]].assign(
        hospital_share=found["tcoc_hospital"] / found["tcoc"],
        completion_factor=found["completion_factor"],
        claims_end=found["claims_end"].astype(str),
        complete=found["tcoc"].notna() & ~found["incomplete"].astype(bool),
    )
    return Draft(
        name="attribution_years",
        title="Beneficiaries and dollars by year, and whether the year is complete",
        frame=frame,
        keys=("year",),
        columns={
            "year": YEAR,
            "benes": BENES,
            "eligible_months": MONTHS,
            "tcoc": TCOC,
            "per_capita": PER_CAPITA,
            "hospital_share": HOSPITAL_SHARE,
            "completion_factor": Column(
                "Completion factor", "number", "By which per capita is divided (T2).", "factor"
            ),
            "claims_end": Column(
                "Claims to", "label", "Last service date of any claim in the store (T2)."
            ),
            "complete": Column(
                "Complete",
                "flag",
                "Whether the year has claims, and either run-out or a completion factor (T2).",
            ),
        },
        universe=UNIVERSE,
        source=SOURCE,
    )


def stage_cells(study: Study) -> pd.DataFrame:
    """Year x hospital x stage with all margins: benes, months, dollars."""
    cells = study.frame("attribution_by_hospital")[["year", "ccn", "stage", *SUMS]]
    cells = with_total(cells, "stage", ALL, SUMS)
    return with_total(cells, "ccn", STATE, SUMS)


def waterfall(cells: pd.DataFrame) -> Draft:
    """Draft the state by year and stage: people and dollars, and their shares."""
    state = cells[cells["ccn"] == STATE].reset_index(drop=True)
    whole = state[state["stage"] == ALL].set_index("year")
    for measure in ("benes", "tcoc"):
        state[f"share_{measure}"] = state[measure] / state["year"].map(whole[measure])
    return Draft(
        name="attribution_waterfall",
        title="Beneficiaries and dollars by stage of attribution",
        frame=ordered(state, "year", "stage"),
        keys=("year", "ccn", "stage"),
        columns={
            "year": YEAR,
            "ccn": CCN,
            "stage": STAGE,
            "benes": BENES,
            "eligible_months": MONTHS,
            "tcoc": TCOC,
            "share_benes": part("Share of beneficiaries", "Of the year's beneficiaries (A1)."),
            "share_tcoc": part("Share of dollars", "Of the year's total cost of care (A1)."),
        },
        totals={"stage": ALL, "ccn": STATE},
        universe=UNIVERSE,
        source=SOURCE,
    )


def hospitals_by_stage(cells: pd.DataFrame, study: Study) -> Draft:
    """Draft counts and dollars by hospital and stage, for every year (slide 13)."""
    frame = _named(cells, study)
    whole = frame[frame["stage"] == ALL].set_index(["year", "ccn"])["benes"]
    keys = pd.MultiIndex.from_frame(frame[["year", "ccn"]])
    frame["share_of_hospital"] = frame["benes"] / whole.reindex(keys).to_numpy()
    return Draft(
        name="hospitals_by_stage",
        title="Attributed beneficiaries and dollars of each hospital by stage",
        frame=ordered(frame, "year", "ccn", "stage"),
        keys=("year", "ccn", "stage"),
        columns={
            "year": YEAR,
            "ccn": CCN,
            "hospital": HOSPITAL,
            "stage": STAGE,
            "benes": BENES,
            "eligible_months": MONTHS,
            "tcoc": TCOC,
            "share_of_hospital": part("Share of the hospital's", "Of all its beneficiaries (A1)."),
        },
        totals={"stage": ALL, "ccn": STATE},
        universe=UNIVERSE,
        note="A beneficiary whose attribution is split counts in parts that sum to one.",
        source=SOURCE,
    )


# ---------------------------------------------------------------- hospitals


def hospital_per_capita(study: Study) -> Draft:
    """Draft people, dollars and total cost of care per capita by hospital and year."""
    found = study.frame("hospital_year")[["year", "ccn", *HOSPITAL_SUMS]]
    frame = with_total(found, "ccn", STATE, HOSPITAL_SUMS)
    frame["per_capita"] = _per_capita(frame, study)
    frame["hospital_share"] = frame["tcoc_hospital"] / frame["tcoc"]
    return Draft(
        name="hospital_per_capita",
        title="Total cost of care per capita of each hospital's attributed beneficiaries",
        frame=ordered(_named(frame, study), "year", "ccn"),
        keys=("year", "ccn"),
        columns={
            "year": YEAR,
            "ccn": CCN,
            "hospital": HOSPITAL,
            "benes": BENES,
            "eligible_months": MONTHS,
            "tcoc": TCOC,
            "tcoc_hospital": _dollars("Paid to hospitals", "Inpatient and outpatient (T4)."),
            "tcoc_nonhospital": _dollars("Paid to others", "All other settings (T4)."),
            "per_capita": PER_CAPITA,
            "hospital_share": HOSPITAL_SHARE,
        },
        totals={"ccn": STATE},
        universe=UNIVERSE,
        note="Per capita is annual: dollars x 12 / eligible months / completion factor (rule T2).",
        source=SOURCE,
    )


def _dollars(label: str, description: str) -> Column:
    return Column(label, "dollars", description, "dollars", OF)


def combined_hospitals(study: Study) -> Draft:
    """Draft combined groups beside their members (rule A12): pooled sums, ratio of sums.

    Without rows where the run combines no hospitals.
    """
    combinations = study.reference("combinations")
    if combinations is None:
        combinations = pd.DataFrame({"combination": [], "ccn": []}, dtype=str)
    columns = ["year", "ccn", *SUMS]
    hospitals = study.frame("hospital_year")
    group = dict(zip(combinations["ccn"], combinations["combination"], strict=True))
    members = hospitals[hospitals["ccn"].isin(list(group))][columns]
    pooled = pool_combinations(hospitals, combinations[["combination", "ccn"]])
    groups = pooled.rename(columns={"combination": "ccn", "dollars": "tcoc"})[columns]
    frame = pd.concat([members, groups.astype(members.dtypes)], ignore_index=True)
    frame["combination"] = frame["ccn"].map(group).fillna(frame["ccn"])
    frame["hospital"] = frame["ccn"].map(hospital_labels(study)).fillna("all members")
    frame["per_capita"] = _per_capita(frame, study)
    return Draft(
        name="combined_hospitals",
        title="Combined hospitals and their members",
        frame=frame.sort_values(["year", "combination", "ccn"], ignore_index=True),
        keys=("year", "ccn"),
        columns={
            "year": YEAR,
            "combination": Column("Combination", "label", "Name in the run's combinations table."),
            "ccn": CCN,
            "hospital": HOSPITAL,
            "benes": BENES,
            "eligible_months": MONTHS,
            "tcoc": TCOC,
            "per_capita": PER_CAPITA,
        },
        parents={"ccn": group},
        universe=UNIVERSE,
        note="The pooled per capita is the ratio of sums, not a mean of the members' (rule A12).",
        source=SOURCE,
    )


# ---------------------------------------------------------------- practitioners


def practitioners_by_specialty(study: Study) -> Draft:
    """Draft the clinicians who attribute, by stage and specialty; their list stays restricted."""
    rows = study.frame("practitioner_list")
    named = rows.assign(specialty=rows["specialty_name"].replace("", "Other or unknown"))
    by = ["year", "stage", "specialty"]
    sums = named.groupby(by, as_index=False)[list(SUMS)].agg(summed)
    heads = named.groupby(by, as_index=False).agg(clinicians=("npi", "nunique"))
    frame = heads.merge(sums, on=by)
    frame = with_total(frame, "specialty", ALL, ("clinicians", *SUMS))
    return Draft(
        name="practitioners_by_specialty",
        title="Clinicians through whom beneficiaries are attributed, by specialty",
        frame=ordered(frame, "year", "stage", "specialty"),
        keys=("year", "stage", "specialty"),
        columns={
            "year": YEAR,
            "stage": STAGE,
            "specialty": Column(
                "Specialty", "key", "CMS specialty with most of the clinician's allowed dollars."
            ),
            "clinicians": Column(
                "Clinicians", "entities", "Clinicians with an attributed beneficiary (A4, A7)."
            ),
            "benes": BENES,
            "eligible_months": MONTHS,
            "tcoc": TCOC,
        },
        totals={"specialty": ALL},
        universe="beneficiaries attributed by a clinician, by the clinician's specialty",
        clinicians="clinicians",
        note="The list by clinician, with NPI and name, is confidential and stays restricted.",
        source=SOURCE,
    )
