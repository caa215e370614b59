"""Drafts of the QP tables about dollars: covered services, incentive, fee schedule, MIPS."""

import pandas as pd

from tcoc.deliverables.qp_preliminary.public_clinicians import CRITERION_NAMES, METHOD_NAMES
from tcoc.deliverables.qp_preliminary.public_columns import (
    ALL,
    CLINICIANS,
    SOURCE,
    YEAR,
    share_of,
)
from tcoc.disclosure import Column, Draft
from tcoc.params import QpPolicy
from tcoc.rules.qp.rules import test_in_force
from tcoc.study import Study

PATIENTS = "patients of qualifying clinicians, each counted once for every clinician"
KINDS = {
    "specialty_group": "Specialty",
    "method": "Meets by",
    "criterion": "What suffices",
}
"""The kinds of groups of the incentive that the page shows, and what they are called."""


SPECIALTY = "specialty_group"

SPLIT_FROM = 100
"""Patients of qualifying clinicians from which a year's incentive is split into groups."""


def services(study: Study) -> Draft:
    """Draft what is counted and what is left out: payments on professional claims (Q1)."""
    rows = study.frame("qp_clinicians")
    rows = rows[rows["in_model"]]
    sums = rows.groupby("year").agg(
        clinicians=("npi", "size"),
        people=("people", "sum"),
        covered=("part_b_payments", "sum"),
        other=("other_payments", "sum"),
    )
    frame = sums.reset_index()
    frame["share_other"] = frame["other"] / (frame["covered"] + frame["other"])
    of = ("people",)
    return Draft(
        name="qp_services",
        title="Payments of professional claims that count, and that do not",
        frame=frame,
        keys=("year",),
        columns={
            "year": YEAR,
            "clinicians": Column("Clinicians", "entities", "In the model (Q3)."),
            "people": Column("Patients", "count", "Each counted once for every clinician (Q3).",
                             "patients"),
            "covered": Column("Covered services", "dollars",
                              "Paid under the physician fee schedule or based on it (Q1).", of=of),
            "other": Column("Other lines", "dollars",
                            "Drugs, tests, vaccines, ambulance, supplies (Q1).", of=of),
            "share_other": Column("Share left out", "share", "Other lines over both (Q1).",
                                  base="people"),
        },
        universe="patients of clinicians in the model, each counted once for every clinician",
        clinicians="clinicians",
        source=SOURCE,
    )  # fmt: skip


def incentive(study: Study) -> Draft:
    """Draft the incentive by clinician group, under both readings of its base year (Q8)."""
    keys = ["year", "kind", "group"]
    table = study.frame("qp_incentive", exact=True)
    best = table[(table["partner"] == "best") & (table["kind"] != "hospital")]
    table = _with_totals(_large_enough(best))
    table = table.assign(paid_in=table["payment_year"].astype(str))
    shared = ["paid_in", "rate", "clinicians", "patients"]
    wide = table[table["base_reading"] == "performance_year"][[*keys, *shared]]
    for base in ("performance_year", "year_after"):
        own = table[table["base_reading"] == base][[*keys, "payments", "incentive"]]
        names = {"payments": f"payments_{base}", "incentive": f"incentive_{base}"}
        wide = wide.merge(own.rename(columns=names), on=keys)
    of = ("patients",)
    return Draft(
        name="qp_incentive",
        title="The APM incentive of clinicians who meet the test in force, by group",
        frame=wide.sort_values(["year", "kind"], kind="stable", ignore_index=True),
        keys=tuple(keys),
        columns={
            "year": YEAR,
            "kind": Column("Grouped by", "key", "What the groups are."),
            "group": Column("Group", "key", "All, or one group of clinicians."),
            "paid_in": Column("Paid in", "label", "Payment year (Q8)."),
            "rate": share_of("Rate", "Share of payments (Q8)."),
            "clinicians": CLINICIANS,
            "patients": Column("Patients", "count", "People of the year (Q3).", "patients"),
            "payments_performance_year": Column(
                "Payments, performance year", "dollars", "Covered services (Q1, Q8).", of=of
            ),
            "incentive_performance_year": Column(
                "Incentive as slide 10 says", "dollars", "Of the performance year (Q8).", of=of
            ),
            "payments_year_after": Column(
                "Payments, year after", "dollars", "Covered services (Q1, Q8).", of=of
            ),
            "incentive_year_after": Column(
                "Incentive as the rule says",
                "dollars",
                "Of the year after (42 CFR 414.1450).",
                of=of,
            ),
        },
        totals={"group": ALL},
        universe=PATIENTS,
        clinicians="clinicians",
        note=(
            "5% of payments for covered professional services: of the performance year as slide 10"
            " says, of the year after as 42 CFR 414.1450(b) says. A year without claims is blank."
        ),
        source=SOURCE,
    )


def _large_enough(table: pd.DataFrame) -> pd.DataFrame:
    """Leave years of few patients unsplit: their groups would say who the patients are."""
    whole = table[table["kind"] == ALL].groupby("year")["patients"].max()
    return table[(table["kind"] == ALL) | (table["year"].map(whole) >= SPLIT_FROM)]


def _with_totals(table: pd.DataFrame) -> pd.DataFrame:
    """Repeat the total under each kind of group, so that the gate sees what its parts add up to."""
    whole, parts = table[table["kind"] == ALL], table[table["kind"] != ALL]
    kinds = [kind for kind in KINDS if (parts["kind"] == kind).any()] or [SPECIALTY]
    repeated = [whole.assign(kind=kind) for kind in kinds]
    frame = pd.concat([*repeated, parts], ignore_index=True)
    names = {"method": METHOD_NAMES, "criterion": CRITERION_NAMES}
    groups = [
        names.get(kind, {}).get(group, group)
        for kind, group in zip(frame["kind"], frame["group"], strict=True)
    ]
    return frame.assign(kind=frame["kind"].map(KINDS), group=groups)


def fee_schedule(study: Study) -> Draft:
    """Draft the two fee schedules accumulated, and the dollars of the difference (Q8)."""
    frame = study.frame("qp_fee_schedule", exact=True)
    whole = study.frame("qp_incentive")
    whole = whole[(whole["partner"] == "best") & (whole["kind"] == ALL)]
    first = whole.drop_duplicates("year").set_index("year")
    frame = frame.assign(
        patients=frame["year"].map(first["patients"]),
        clinicians=frame["year"].map(first["clinicians"]),
    )
    of = ("patients",)
    return Draft(
        name="qp_fee_schedule",
        title="What the two fee schedule updates add up to",
        frame=frame,
        keys=("year", "payment_year"),
        columns={
            "year": YEAR,
            "payment_year": Column("Payment year", "year", "Year of the fee schedule (Q8)."),
            "qualifying": Column("Qualifying participants", "number", "Level; 2025 = 1 (Q8).",
                                 digits=3),
            "other": Column("Everybody else", "number", "Level; 2025 = 1 (Q8).", digits=3),
            "difference": share_of("Difference", "Of the two levels (Q8).", 2),
            "gain": Column("Gain of the year", "dollars", "On the base payments (Q8).", of=of),
            "gain_to_date": Column("Gain to date", "dollars", "Sum of the gains (Q8).", of=of),
            "patients": Column("Patients", "count", "Behind the dollars (Q3).", "patients"),
            "clinicians": CLINICIANS,
        },
        universe="patients behind the fee schedule's dollars",
        clinicians="clinicians",
        note="No growth but the updates; payments of the performance year are the base.",
        source=SOURCE,
    )  # fmt: skip


def mips(study: Study) -> Draft:
    """Draft the clinicians whom MIPS would take in, and those who leave it as QPs (Q8)."""
    frame = study.frame("qp_mips")
    policy = QpPolicy.of(study.policy)
    frame["test"] = [test_in_force(policy, int(year)) or "none" for year in frame["year"]]
    return Draft(
        name="qp_mips",
        title="Clinicians above the MIPS low-volume limits, and those who leave MIPS as QPs",
        frame=frame[["year", "test", "in_mips", "excluded_as_qp"]],
        keys=("year",),
        columns={
            "year": YEAR,
            "test": Column("Test in force", "label", "Test of the performance year (Q6)."),
            "in_mips": Column("Above the limits", "entities", "Clinicians MIPS takes in (Q8)."),
            "excluded_as_qp": Column("Leave MIPS", "entities", "Of these, who meet the test (Q8)."),
        },
        source=SOURCE,
    )
