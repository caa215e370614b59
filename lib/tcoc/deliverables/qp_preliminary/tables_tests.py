"""Clinicians at their partner hospital under each test: the tables of rules Q4 to Q7 and Q9."""

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import cast

import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.qp_preliminary.tables_counts import PEOPLE, qp_years, year_scores
from tcoc.params import QpPolicy
from tcoc.rules.qp import counts, partners, results
from tcoc.rules.qp.periods import Period, calendar_year, snapshot_periods
from tcoc.rules.qp.rules import (
    PARTNERS,
    READINGS,
    Thresholds,
    all_thresholds,
    exact,
    qp_rules,
    test_in_force,
    thresholds_of,
)
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Study


def _score_frame(study: Study, table: ir.Table) -> pd.DataFrame:
    """Scores of clinicians in the model as pandas, dollars as whole cents."""
    kept = table.filter(table.in_model)
    names = {"payments_numerator": "cents_linked", "payments_attributed": "cents_attributed",
             "payments_encounter": "cents_encounter"}  # fmt: skip
    cents = {new: counts.cents(kept[old]) for old, new in names.items()}
    keys = [c for c in ("year", "snapshot", "npi", "ccn") if c in table.columns]
    cents["cents"] = counts.cents(kept.payments)
    frame = study.connection.fetch(kept.select(*keys, "benes", *PEOPLE, **cents), keys)
    if "snapshot" in frame:
        frame["snapshot"] = pd.to_datetime(frame["snapshot"]).dt.date
    return frame


def clinician_frame(study: Study) -> pd.DataFrame:
    """Every clinician of a QP year as pandas, dollars as whole cents."""
    table = study.table("qp_clinicians")
    cents = {
        "cents": counts.cents(table.payments),
        "allowed_cents": counts.cents(table.allowed),
        "part_b_cents": counts.cents(table.part_b_payments),
    }
    return study.connection.fetch(table.mutate(**cents), ["year", "npi"])


def care_partner_links(study: Study, year: int, period: Period) -> pd.DataFrame | None:
    """Links of the care partner list that overlap a period (rule Q4): year, npi, ccn."""
    listed = study.reference("care_partners")
    if listed is None:
        return None
    ends = listed["end_date"].fillna("").replace("", date.max.isoformat())
    inside = (listed["start_date"] <= period.end.isoformat()) & (ends >= period.start.isoformat())
    return listed.loc[inside, ["npi", "ccn"]].drop_duplicates().assign(year=year)


def _candidate_sets(
    study: Study, scores: pd.DataFrame, clinicians: pd.DataFrame, periods: dict[int, Period]
) -> dict[str, pd.DataFrame]:
    """Return the possible partners: all hospitals, and those of the care partner list if any."""
    sets = {"best": partners.candidates(scores, clinicians)}
    links = [care_partner_links(study, year, period) for year, period in periods.items()]
    listed = [found for found in links if found is not None]
    if listed:
        sets["actual"] = partners.actual_candidates(scores, clinicians, pd.concat(listed))
    return sets


def _calendar_years(study: Study) -> dict[int, Period]:
    return {year: calendar_year(year) for year in qp_years(study)}


def qp_thresholds(study: Study) -> pd.DataFrame:
    """The thresholds of every test under both readings (rule Q6)."""
    return pd.DataFrame(
        [
            {
                "test": limits.test,
                "reading": limits.reading,
                "payment_threshold": float(limits.payment),
                "patient_threshold": float(limits.patient),
                "partial_payment_threshold": _float(limits.partial_payment),
                "partial_patient_threshold": _float(limits.partial_patient),
            }
            for limits in all_thresholds(QpPolicy.of(study.policy))
        ]
    )


def _float(value: object) -> float | None:
    return None if value is None else float(cast(float, value))


def _assessed(study: Study, found: ir.Table) -> pd.DataFrame:
    """Each clinician at its partner under every test, reading and partner assumption."""
    scores = _score_frame(study, found)
    choice = qp_rules(study.policy).partner_choice
    limits = all_thresholds(QpPolicy.of(study.policy))
    sets = _candidate_sets(study, scores, clinician_frame(study), _calendar_years(study))
    tables = [results.partner_table(rows, name, limits, choice) for name, rows in sets.items()]
    return pd.concat(tables, ignore_index=True)


def qp_partners(study: Study) -> pd.DataFrame:
    """Each clinician of the model at its partner (rules Q4-Q6)."""
    rows = _assessed(study, study.table("qp_scores"))
    return rows.assign(
        benes=rows["people"] // rows["scale"],
        benes_numerator=rows["people_linked"].astype("float64") / rows["scale"],
        payments=rows["cents"].astype("float64") / 100,
        payments_numerator=rows["cents_linked"].astype("float64") / 100,
        dollars_short=rows["cents_short"].astype("float64") / 100,
    )


PARTNER_SCHEMA = {
    "year": "int64",
    "test": "string",
    "reading": "string",
    "partner": "string",
    "npi": "string",
    "ccn": "string",
    "benes": "int64",
    "benes_numerator": "float64",
    "payments": DOLLAR_SUM,
    "payments_numerator": DOLLAR_SUM,
    "patient_score": "float64",
    "payment_score": "float64",
    "score": "float64",
    "meets_patient": "boolean",
    "meets_payment": "boolean",
    "meets": "boolean",
    "partial": "boolean",
    "benes_short": "int64",
    "dollars_short": DOLLAR_SUM,
    "people": "int64",
    "people_linked": "int64",
    "scale": "int64",
    "cents": "int64",
    "cents_linked": "int64",
}


def _modelled(study: Study) -> tuple[str, ...]:
    """Return the partner assumptions of this run: `actual` needs a care partner list."""
    return PARTNERS if study.reference("care_partners") is not None else ("best",)


def qp_summary(study: Study) -> pd.DataFrame:
    """Slide 9's table (rule Q5)."""
    return _summary(study, study.frame("qp_partners"))


def _summary(study: Study, assessed: pd.DataFrame) -> pd.DataFrame:
    limits = all_thresholds(QpPolicy.of(study.policy))
    return results.summary(assessed, qp_years(study), limits, _modelled(study))


def qp_variants(study: Study) -> pd.DataFrame:
    """Slide 9's table once more, the other way of weighing attributed beneficiaries (Q2)."""
    weighted = not qp_rules(study.policy).share_weighted
    name = "share-weighted" if weighted else "whole beneficiaries"
    table = _summary(study, _assessed(study, year_scores(study, weighted)))
    return table.assign(variant=name)


def qp_sensitivity(study: Study) -> pd.DataFrame:
    """Share meeting each test when part of every denominator is unseen (rule Q9)."""
    scores = _score_frame(study, study.table("qp_scores"))
    rows = partners.candidates(scores, clinician_frame(study))
    shares = [exact(share) for share in QpPolicy.of(study.policy).unseen_shares]
    choice = qp_rules(study.policy).partner_choice
    limits = all_thresholds(QpPolicy.of(study.policy))
    return results.sensitivity(rows, qp_years(study), limits, shares, choice)


# ---------------------------------------------------------------- timing


def qp_year_result(study: Study) -> pd.DataFrame:
    """First snapshot at which each clinician qualifies, under the test in force (rule Q7)."""
    scores = _score_frame(study, study.table("qp_snapshots"))
    parts = [part for year in qp_years(study) for part in _year_result(study, year, scores)]
    return together(parts, YEAR_RESULT_SCHEMA)


def _in_force(study: Study, year: int) -> list[Thresholds]:
    """Return the thresholds in force under both readings; none before the programme began."""
    policy = QpPolicy.of(study.policy)
    test = test_in_force(policy, year)
    return [thresholds_of(policy, test, reading) for reading in READINGS] if test else []


def _year_result(study: Study, year: int, scores: pd.DataFrame) -> Iterator[pd.DataFrame]:
    pickers = _snapshot_pickers(study, year, scores)
    assessed = study.frame("qp_partners")
    own = assessed[assessed["year"] == year]
    for limits, name in product(_in_force(study, year), _modelled(study)):
        counted = own[
            (own["test"] == limits.test)
            & (own["reading"] == limits.reading)
            & (own["partner"] == name)
        ]
        found = {day: pick[name](limits) for day, pick in pickers.items()}
        yield results.year_result(found, counted).assign(
            year=year,
            reading=limits.reading,
            partner=name,
            test=limits.test,
            determined=_determined(study, year),
        )


def _determined(study: Study, year: int) -> bool:
    """Whether CMS had made its determination by the end of a year (rule Q7)."""
    day = QpPolicy.of(study.policy).determination_date
    return day is not None and day.year <= year


def _snapshot_pickers(
    study: Study, year: int, scores: pd.DataFrame
) -> dict[date, dict[str, partners.Picker]]:
    """Return, for each snapshot of a year, how partners are picked among its scores.

    Who has no numerator at a snapshot cannot qualify at it, so its scores are enough.
    """
    choice = qp_rules(study.policy).partner_choice
    found = {}
    for day, period in snapshot_periods(QpPolicy.of(study.policy), year).items():
        own = scores[(scores["year"] == year) & (scores["snapshot"] == day)]
        practices = own.drop_duplicates("npi").assign(in_model=True)
        practices = practices[["year", "npi", "benes", "cents", "in_model"]]
        sets = _candidate_sets(study, own, practices, {year: period})
        found[day] = {name: partners.picker(rows, choice) for name, rows in sets.items()}
    return found


YEAR_RESULT_SCHEMA = {
    "year": "int64",
    "reading": "string",
    "partner": "string",
    "npi": "string",
    "test": "string",
    "first_date": "date",
    "snapshots_met": "int64",
    "qualifies": "boolean",
    "determined": "boolean",
}


def together(parts: list[pd.DataFrame], schema: dict[str, str]) -> pd.DataFrame:
    """Return the rows of all parts, a table without rows where there is no part."""
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame({name: [] for name in schema})
    )


# ---------------------------------------------------------------- who, and by what


def _by_year_in_force(study: Study) -> Iterator[tuple[int, Thresholds, pd.DataFrame]]:
    """Yield qp_partners of each year under the test in force, by reading."""
    assessed = study.frame("qp_partners")
    for year in qp_years(study):
        for limits in _in_force(study, year):
            same = (assessed["year"] == year) & (assessed["test"] == limits.test)
            yield year, limits, assessed[same & (assessed["reading"] == limits.reading)]


def qp_routes(study: Study) -> pd.DataFrame:
    """By which method and criterion each clinician meets the test in force (rules Q2, Q5)."""
    scores = _score_frame(study, study.table("qp_scores"))
    parts = [
        results.routes(mine.reset_index(drop=True), scores, limits)
        for _, limits, mine in _by_year_in_force(study)
    ]
    return together(parts, ROUTES_SCHEMA)


ROUTES_SCHEMA = {
    "year": "int64",
    "reading": "string",
    "partner": "string",
    "npi": "string",
    "test": "string",
    "ccn": "string",
    "benes": "int64",
    "meets": "boolean",
    "method": "string",
    "criterion": "string",
}


def qp_near_threshold(study: Study) -> pd.DataFrame:
    """Clinicians near a threshold of the law at their best partner, and how far (rule Q5)."""
    assessed = study.frame("qp_partners", exact=True)
    best = assessed[(assessed["partner"] == "best") & (assessed["reading"] == "regulation")]
    margin = exact(QpPolicy.of(study.policy).near_margin)
    parts = [
        results.near(best[best["test"] == limits.test], limits, margin)
        for limits in all_thresholds(QpPolicy.of(study.policy))
        if limits.reading == "regulation"
    ]
    return pd.concat(parts, ignore_index=True)


NEAR_SCHEMA = {
    "year": "int64",
    "test": "string",
    "npi": "string",
    "ccn": "string",
    "meets": "boolean",
    "gap": "float64",
    "patient_score": "float64",
    "payment_score": "float64",
    "benes": "int64",
    "benes_numerator": "float64",
    "payments": DOLLAR_SUM,
    "payments_numerator": DOLLAR_SUM,
    "benes_short": "int64",
    "dollars_short": DOLLAR_SUM,
}


THRESHOLD_SCHEMA = {
    "test": "string",
    "reading": "string",
    "payment_threshold": "float64",
    "patient_threshold": "float64",
    "partial_payment_threshold": "float64",
    "partial_patient_threshold": "float64",
}

SUMMARY_SCHEMA = {
    "year": "int64",
    "test": "string",
    "reading": "string",
    "partner": "string",
    "clinicians": "int64",
    "meeting": "int64",
    "share_meeting": "float64",
    "average_score": "float64",
    "average_patient_score": "float64",
    "average_payment_score": "float64",
    "partial": "int64",
    "patients": "int64",
    "patients_meeting": "int64",
    "reaching_payment_share": "int64",
    "reaching_patient_share": "int64",
}

SENSITIVITY_SCHEMA = {
    "year": "int64",
    "test": "string",
    "reading": "string",
    "unseen_share": "float64",
    "share_meeting": "float64",
    "clinicians": "int64",
    "meeting": "int64",
}
