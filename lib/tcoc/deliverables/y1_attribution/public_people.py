"""Drafts of what becomes of people: who stays, who is split, where they live, what is not seen."""

import pandas as pd

from tcoc.deliverables.y1_attribution.public_hospitals import (
    ALL,
    BENES,
    CCN,
    ELSEWHERE,
    HOSPITAL,
    NO_ZIP,
    SOURCE,
    STAGE,
    UNIVERSE,
    YEAR,
    hospital_labels,
    ordered,
    part,
    summed,
    with_total,
)
from tcoc.disclosure import Column, Draft
from tcoc.rules.attribution import STAGES
from tcoc.study import Study

REASONS = {
    ALL: "all",
    "left": "no longer eligible",
    "stage_changed": "another stage",
    "same_clinician": "same clinician",
    "other_clinician": "another clinician",
    "other_aco": "another ACO",
    "same_zip": "same ZIP code",
    "moved_zip": "another ZIP code",
}
"""What changed from one year to the next, as a reader reads it."""


def stays(study: Study) -> Draft:
    """Draft what became of each year's attributed people in the next, by stage and reason."""
    moved = study.frame("attribution_movement")
    moved = moved[moved["stage_before"].isin(STAGES)].rename(columns={"stage_before": "stage"})
    sums = ("benes", "benes_same_hospital")
    frame = moved.groupby(["year", "stage", "reason"], as_index=False)[list(sums)].agg(summed)
    frame = with_total(frame, "stage", ALL, sums)
    frame = with_total(frame, "reason", ALL, sums)
    frame["share_same_hospital"] = frame["benes_same_hospital"] / frame["benes"]
    frame["changed"] = frame["reason"].map(REASONS)
    return Draft(
        name="attribution_stays",
        title="Who stays with the same hospital from one year to the next",
        frame=ordered(frame, "year", "stage", "reason"),
        keys=("year", "stage", "reason"),
        columns={
            "year": Column("Into year", "year", "The later of two consecutive years."),
            "stage": Column("Stage before", "key", "Stage in the earlier year."),
            "reason": Column("Reason", "key", "What changed, as the table has it."),
            "changed": Column("What changed", "label", "What changed between the two years."),
            "benes": Column("Beneficiaries", "count", "Attributed the year before.", "people"),
            "benes_same_hospital": Column(
                "With the same hospital",
                "count",
                "Of those, still with the same hospital; one who is split in the part that stays.",
                "people",
            ),
            "share_same_hospital": Column(
                "Share", "share", "That stays with the same hospital.", "share",
                ("benes", "benes_same_hospital"), "benes",
            ),
        },
        totals={"stage": ALL, "reason": ALL},
        within={"benes_same_hospital": "benes"},
        universe="attributed beneficiaries of the year before, by what changed",
        note="The year is the later one. A split beneficiary stays in the part that stays.",
        source=SOURCE,
    )  # fmt: skip


def splits(study: Study) -> Draft:
    """Draft how many people belong to one hospital, and how many are shared by several."""
    found = study.frame("attribution_splits")
    found["hospitals"] = found["hospitals"].map(lambda n: str(n) if n < 4 else "4 or more")
    frame = found.groupby(["year", "hospitals"], as_index=False)[["benes"]].sum()
    whole = frame.groupby("year")["benes"].sum()
    frame = with_total(frame, "hospitals", ALL, ("benes",))
    frame["share_benes"] = frame["benes"] / frame["year"].map(whole)
    return Draft(
        name="split_attribution",
        title="Beneficiaries by the number of hospitals that share them",
        frame=frame.sort_values(["year", "hospitals"], ignore_index=True),
        keys=("year", "hospitals"),
        columns={
            "year": YEAR,
            "hospitals": Column("Hospitals", "key", "Hospitals that share the beneficiary."),
            "benes": Column("Beneficiaries", "count", "Eligible people, each once.", "people"),
            "share_benes": part("Share", "Of the year's beneficiaries."),
        },
        totals={"hospitals": ALL},
        universe="eligible beneficiaries by number of hospitals",
        note="Shares come from an ACO without a link to one hospital, and from shared ZIP codes.",
        source=SOURCE,
    )


def homes(study: Study) -> Draft:
    """Draft where each hospital's attributed beneficiaries live, in the run's last year.

    ZIP codes with few beneficiaries of a hospital are put together as `elsewhere` before the gate
    looks: a map of 450 ZIPs by 46 hospitals is mostly small cells.
    """
    counts = study.frame("attribution_homes")
    counts["zip"] = counts["zip"].replace("", NO_ZIP)
    least = float(study.policy.get("disclosure.min_cell_size")) * 2
    counts["zip"] = counts["zip"].where(counts["benes"] >= least, ELSEWHERE)
    frame = counts.groupby(["year", "ccn", "zip"], as_index=False)[["benes"]].agg(summed)
    frame.insert(2, "hospital", frame["ccn"].map(hospital_labels(study)))
    return Draft(
        name="where_they_live",
        title=f"Home ZIP codes of each hospital's beneficiaries, {max(study.run.years)}",
        frame=frame.sort_values(["ccn", "zip"], ignore_index=True),
        keys=("year", "ccn", "zip"),
        columns={
            "year": YEAR,
            "ccn": CCN,
            "hospital": HOSPITAL,
            "zip": Column("Home ZIP", "key", "ZIP of the last eligible month (P3)."),
            "benes": BENES,
        },
        universe=UNIVERSE,
        note=f"ZIP codes with fewer than {least:.0f} of a hospital's beneficiaries are together.",
        source=SOURCE,
    )


def payments_by_month(study: Study) -> Draft:
    """Draft Medicare payments by month of service, everybody in the store: does a year tail off?"""
    found = study.frame("completeness")
    frame = found.groupby(["year", "month"], as_index=False)[["paid_amount"]].agg(summed)
    people = study.frame("attribution_by_hospital").groupby("year")["benes"].agg(summed)
    frame["benes"] = frame["year"].map(people)
    return Draft(
        name="completeness_by_month",
        title="Medicare payments by month of service",
        frame=frame.sort_values(["year", "month"], ignore_index=True),
        keys=("year", "month"),
        columns={
            "year": YEAR,
            "month": Column("Month of service", "key", "1 is January."),
            "paid_amount": Column(
                "Medicare payments", "dollars", "Of everybody in the store (I4).", "dollars",
                ("benes",),
            ),
            "benes": Column("Beneficiaries", "count", "Eligible people of the year.", "people"),
        },
        universe="eligible beneficiaries of the year, repeated by month",
        note="Payments of everybody in the store, by month of service (rule I4).",
        source=SOURCE,
    )  # fmt: skip


def clinic_care(study: Study) -> Draft:
    """Draft how many people primary care in clinics may concern, which rule A2 does not see."""
    frame = study.frame("clinic_care")
    return Draft(
        name="clinic_care",
        title="Beneficiaries whose primary care may be in clinics",
        frame=frame,
        keys=("year",),
        columns={
            "year": YEAR,
            "benes": Column("Beneficiaries", "count", "Eligible people of the year.", "people"),
            "by_home": Column(
                "Without a clinician",
                "count",
                "Of those, attributed by their home ZIP because no clinician attributes them (A9).",
                "people",
            ),
            "outpatient": Column(
                "With an outpatient claim",
                "count",
                "Of those, with an outpatient claim in the window, as clinics bill them.",
                "people",
            ),
            "clinic": Column(
                "With a clinic's claim",
                "count",
                "Of those, with a claim of a federally qualified or rural health clinic, by CCN.",
                "people",
            ),
        },
        within={"by_home": "benes", "outpatient": "by_home", "clinic": "outpatient"},
        universe="beneficiaries by how primary care was seen",
        note="Clinics bill outpatient claims that name no clinician; rule A2 does not use them.",
        source=SOURCE,
    )


def planted_truth(study: Study) -> Draft:
    """Draft how often the rules find the hospital that the synthetic state planted, by stage."""
    frame = study.frame("attribution_recovery")
    frame = with_total(frame, "stage", ALL, ("benes",))
    frame = with_total(frame, "outcome", ALL, ("benes",))
    whole = frame[frame["outcome"] == ALL].set_index(["year", "stage"])["benes"]
    keys = pd.MultiIndex.from_frame(frame[["year", "stage"]])
    frame["share"] = frame["benes"] / whole.reindex(keys).to_numpy()
    return Draft(
        name="planted_truth",
        title="How often the rules find the planted hospital",
        frame=ordered(frame, "year", "stage", "outcome"),
        keys=("year", "stage", "outcome"),
        columns={
            "year": YEAR,
            "stage": STAGE,
            "outcome": Column("The attributed hospital", "key", "Against the planted hospital."),
            "benes": Column("Beneficiaries", "count", "With one planted hospital.", "people"),
            "share": part("Share", "Of the stage's beneficiaries with one planted hospital."),
        },
        totals={"stage": ALL, "outcome": ALL},
        universe="attributed beneficiaries by agreement with the planted hospital",
        note="Planted: the hospital of the synthetic beneficiary's true clinician or home; left out"
        " are people whose clinician the ACO links to no or to several hospitals.",
        source="Synthetic state: truth/beneficiary_year",
    )
