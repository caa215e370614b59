"""What may leave of the QP scores: the drafts of its public tables, with dictionary.

Clinicians are counted exactly: rule D1 protects beneficiaries, claims and clinicians' patients. An
average of scores and a sum of dollars could tell about few patients, so these are protected by the
patients behind them, and are not shown for fewer than three clinicians. No table holds an NPI.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd

from tcoc.deliverables.qp_preliminary import public_clinicians, public_money
from tcoc.deliverables.qp_preliminary.public_columns import (
    CLINICIANS,
    LAW,
    MEETING,
    PARTNER,
    READING,
    SHARE_MEETING,
    SOURCE,
    TEST,
    YEAR,
    in_order,
    share_of,
)
from tcoc.disclosure import Column, Draft
from tcoc.params import QpPolicy, read_yaml
from tcoc.paths import params_dir
from tcoc.rules.qp.rules import test_in_force
from tcoc.study import Study

PATIENTS = "patients of clinicians, each counted once for every clinician"


def public_tables(study: Study) -> list[Draft]:
    """Return every table that the page may show, for the gate to look at as one release."""
    return [
        years(study),
        tests(study),
        public_clinicians.score_distribution(study),
        public_clinicians.groups(study),
        public_clinicians.routes(study),
        public_clinicians.near_threshold(study),
        public_clinicians.partners(study),
        sensitivity(study),
        share_weighted(study),
        timing(study),
        public_money.services(study),
        public_money.incentive(study),
        public_money.fee_schedule(study),
        public_money.mips(study),
    ]


@cache
def slide9() -> Mapping[str, Any]:
    """Read the figures that slide 9 prints."""
    return read_yaml(params_dir() / "published" / "slide9.yml")


def years(study: Study) -> Draft:
    """Draft what holds of each year: the test in force, and whether CMS had determined anything."""
    policy = QpPolicy.of(study.policy)
    made = sorted(study.frame("qp_clinicians")["year"].unique())
    wanted = sorted(set(study.run.spec.qp_years or study.run.years))
    day = policy.determination_date
    frame = pd.DataFrame(
        {
            "year": wanted,
            "test": [test_in_force(policy, year) or "none" for year in wanted],
            "determination": [str(day) if day and day.year <= year else "none" for year in wanted],
            "has_claims": [year in made for year in wanted],
            "synthetic": bool(study.store.synthetic),
        }
    )
    return Draft(
        name="qp_years",
        title="Which test is in force, and whether CMS had determined that hospitals count",
        frame=frame,
        keys=("year",),
        columns={
            "year": YEAR,
            "test": Column("Test in force", "label", "The test of the performance year (Q6)."),
            "determination": Column(
                "CMS determination", "label", "Day from which claims count; none without one (Q7)."
            ),
            "has_claims": Column("Has claims", "flag", "Whether the store has claims of the year."),
            "synthetic": Column("Synthetic", "flag", "Whether the data are invented."),
        },
        source=SOURCE,
    )


def tests(study: Study) -> Draft:
    """Draft slide 9's table: both readings and partners, and what the slide printed (Q5, Q6)."""
    limits = study.frame("qp_thresholds").rename(columns=NEEDED)
    frame = study.frame("qp_summary").merge(limits, on=["test", "reading"])
    for name, printed in (
        ("published_share", "share_meeting"),
        ("published_average", "average_score"),
    ):
        frame[name] = [
            float(slide9()["tests"].get(test, {}).get(printed, float("nan")))
            for test in frame["test"]
        ]
    averages = {
        "average_score": ("Average qualifying score", "Mean of the better score (Q5)."),
        "average_patient_score": ("Average patient score", "Over those who meet (Q5)."),
        "average_payment_score": ("Average payment score", "Over those who meet (Q5)."),
    }
    columns = {
        "year": YEAR,
        "test": TEST,
        "reading": READING,
        "partner": PARTNER,
        "clinicians": CLINICIANS,
        "meeting": MEETING,
        "share_meeting": SHARE_MEETING,
        **{
            name: Column(label, "score", text, of=("patients_meeting",))
            for name, (label, text) in averages.items()
        },
        "partial": Column("Partial QPs", "entities", "Who reach only a partial threshold (Q6)."),
        "reaching_payment_share": Column(
            "Reach it by payments", "entities", "Clinicians who reach the payment threshold (Q5)."
        ),
        "reaching_patient_share": Column(
            "Reach it by patients", "entities", "Clinicians who reach the patient threshold (Q5)."
        ),
        "patients": Column("Patients", "count", "Denominator patients (Q1).", "patients"),
        "patients_meeting": Column(
            "Patients of those who meet", "count", "As above (Q1).", "patients"
        ),
        "published_share": share_of("Slide 9: meeting", "As slide 9 prints it.", 0),
        "published_average": share_of("Slide 9: average", "As slide 9 prints it.", 0),
        "payment_share_needed": share_of("Payments needed", "Payment threshold (Q6).", 0),
        "patient_share_needed": share_of("Patients needed", "Patient threshold (Q6).", 0),
        "partial_payment_share": share_of("Payments, partial", "Partial threshold (Q6).", 0),
        "partial_patient_share": share_of("Patients, partial", "Partial threshold (Q6).", 0),
    }
    return Draft(
        name="qp_tests",
        title="Share of clinicians who meet each QP test",
        frame=in_order(frame[list(columns)], study),
        keys=("year", "test", "reading", "partner"),
        columns=columns,
        within={"patients_meeting": "patients"},
        universe=PATIENTS,
        clinicians="meeting",
        note=f"Averages run over the clinicians who meet. Published: {slide9()['source']}.",
        source=SOURCE,
    )


NEEDED = {
    "payment_threshold": "payment_share_needed",
    "patient_threshold": "patient_share_needed",
    "partial_payment_threshold": "partial_payment_share",
    "partial_patient_threshold": "partial_patient_share",
}
"""Threshold -> its column here; the names say that none of them counts patients."""


def sensitivity(study: Study) -> Draft:
    """Draft the share meeting when part of every denominator is unseen; nothing unseen first."""
    seen = study.frame("qp_summary")
    seen = seen[seen["partner"] == "best"].assign(unseen_share=0.0)
    names = ["year", "test", "reading", "unseen_share", "clinicians", "meeting", "share_meeting"]
    frame = pd.concat([seen[names], study.frame("qp_sensitivity")[names]], ignore_index=True)
    return Draft(
        name="qp_sensitivity",
        title="Share of clinicians meeting when out-of-state patients are unseen",
        frame=in_order(frame, study),
        keys=("year", "test", "reading", "unseen_share"),
        columns={
            "year": YEAR,
            "test": TEST,
            "reading": READING,
            "unseen_share": share_of("Unseen share", "Of every denominator, not linked (Q9).", 0),
            "clinicians": CLINICIANS,
            "meeting": MEETING,
            "share_meeting": SHARE_MEETING,
        },
        source=SOURCE,
    )


def share_weighted(study: Study) -> Draft:
    """Draft slide 9's table with attributed beneficiaries whole and by their share (Q2)."""
    whole, shares = "whole beneficiaries", "by share"
    weighs = QpPolicy.of(study.policy).share_weighted
    own, other = (shares, whole) if weighs else (whole, shares)
    names = ["year", "test", "reading", "partner", "variant", "clinicians", "meeting",
             "share_meeting"]  # fmt: skip
    both = [
        study.frame("qp_summary").assign(variant=own),
        study.frame("qp_variants").assign(variant=other),
    ]
    frame = pd.concat([table[names] for table in both], ignore_index=True)
    return Draft(
        name="qp_share_weighted",
        title="Share of clinicians meeting with attributed beneficiaries whole and by share",
        frame=in_order(frame, study),
        keys=("year", "test", "reading", "partner", "variant"),
        columns={
            "year": YEAR,
            "test": TEST,
            "reading": READING,
            "partner": PARTNER,
            "variant": Column("Attributed beneficiaries", "key", "How one of several counts (Q2)."),
            "clinicians": CLINICIANS,
            "meeting": MEETING,
            "share_meeting": SHARE_MEETING,
        },
        source=SOURCE,
    )


def timing(study: Study) -> Draft:
    """Draft the clinicians who reach a threshold by each snapshot: first then, and in all."""
    result = study.frame("qp_year_result")
    keys = ["year", "test", "reading", "partner"]
    parts = [
        _by_snapshot(dict(zip(keys, key, strict=True)), own) for key, own in result.groupby(keys)
    ]
    names = [*keys, "snapshot", "first_qualifying", "qualified", "clinicians", "share_qualified"]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
    return Draft(
        name="qp_timing",
        title="Clinicians who reach a threshold by each snapshot of the year",
        frame=in_order(frame[names], study),
        keys=(*keys, "snapshot"),
        columns={
            "year": YEAR,
            "test": TEST,
            "reading": READING,
            "partner": PARTNER,
            "snapshot": Column("Snapshot", "key", "Day on which CMS looks at the list (Q7)."),
            "first_qualifying": Column(
                "First reach it then", "entities", "Clinicians at no earlier snapshot (Q7)."
            ),
            "qualified": Column(
                "Reach it by then", "entities", "At this snapshot or earlier (Q7)."
            ),
            "clinicians": CLINICIANS,
            "share_qualified": share_of("Share of clinicians", "Of those in the model (Q7)."),
        },
        note="Reaching a threshold at any one snapshot is enough for the year (rule Q7).",
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


__all__ = ["LAW", "public_tables", "slide9"]
