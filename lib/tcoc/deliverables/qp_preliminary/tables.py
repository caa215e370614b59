"""QP threshold scores of a run: from its store and attribution to restricted tables (Q1-Q9).

| table | one row per | holds |
|---|---|---|
| qp_counts (internal) | year, npi, ccn | one pass over claims; no ccn: the whole practice |
| qp_clinicians | year, npi | denominators, volume, in_model, specialty, ACO |
| qp_scores | year, npi, ccn | the contract's scores, then payments by criterion |
| qp_thresholds | test, reading | the thresholds that the run used |
| qp_partners | year, test, reading, partner, npi | clinicians at their partner, what they lack |
| qp_summary | year, test, reading, partner | slide 9's table |
| qp_snapshots | year, snapshot, npi, ccn | scores at each snapshot |
| qp_year_result | year, reading, partner, npi | first snapshot that qualifies, the year's result |
| qp_sensitivity | year, test, reading, unseen_share | share meeting with unseen patients |
| qp_variants | year, test, reading, partner, variant | slide 9's table with shares as weights |
| qp_routes | year, reading, partner, npi | by which method and criterion |
| qp_near_threshold | year, test, npi | who is near, and how many people or dollars away (CSV too) |
| qp_incentive | year, base_reading, partner, kind, group | the incentive by clinician group |
| qp_fee_schedule | year, payment_year | the two fee schedules to the horizon |
| qp_mips | year | clinicians in MIPS, and those who leave it as QPs |
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from typing import TYPE_CHECKING, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.paths import params_dir
from tcoc.reference import load_code_lists
from tcoc.rules.population import PopulationRules, eligible_months
from tcoc.rules.qp import counts, money, partners, results
from tcoc.rules.qp.rules import (
    PARTNERS,
    READINGS,
    Period,
    QpRules,
    Thresholds,
    all_thresholds,
    calendar_year,
    evaluation_codes,
    exact,
    qp_rules,
    snapshot_periods,
    test_in_force,
    thresholds_of,
)
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Product

if TYPE_CHECKING:
    from tcoc.study import Study

WHOLE_PRACTICE = ""
"""In qp_counts, the ccn of the row that holds a clinician's denominators."""

COUNT_SCHEMA = {
    "year": "int64",
    "npi": "string",
    "ccn": "string",
    "benes": "int64",
    "payments": DOLLAR_SUM,
    "people": "int64",
    "allowed": DOLLAR_SUM,
    "part_b_payments": DOLLAR_SUM,
    "in_model": "boolean",
    "benes_attributed": "float64",
    "benes_encounter": "int64",
    "benes_numerator": "float64",
    "payments_numerator": DOLLAR_SUM,
    "payments_attributed": DOLLAR_SUM,
    "payments_encounter": DOLLAR_SUM,
}


def qp_years(study: "Study") -> tuple[int, ...]:
    """Return the performance years: the run file's `qp_years`, else all its years."""
    return tuple(sorted(study.run.spec.qp_years or study.run.years))


# ---------------------------------------------------------------- from claims to counts


def _codes(study: "Study") -> ir.Table:
    extra = study.policy.get("qp.extra_evaluation_codes")
    codes = evaluation_codes(load_code_lists().primary_care, extra)
    return study.connection.load(pd.DataFrame({"code": list(codes)}), {"code": "string"})


def _hospitals(study: "Study") -> ir.Table:
    hospitals = cast(pd.DataFrame, study.reference("hospitals"))
    eligible = hospitals.loc[hospitals["attributable"], ["ccn"]]
    return study.connection.load(eligible, {"ccn": "string"})


def _patients(study: "Study", year: int, period: Period, rules: QpRules) -> ir.Table:
    lines = study.store_table("professional", [year])
    return counts.clinician_patients(lines, _codes(study), period, rules)


def _population(study: "Study", year: int, period: Period, rules: QpRules) -> ir.Table:
    beneficiary = study.store_table("beneficiary")
    months = eligible_months(
        study.store_table("member_month", [year]),
        beneficiary,
        year,
        PopulationRules.from_policy(study.policy),
    )
    return counts.qp_population(months, beneficiary, period, rules)


def _links(study: "Study", year: int, period: Period) -> ir.Table:
    attribution = study.table("attribution")
    seen = counts.encounters(study.store_table("facility", [year]), _hospitals(study), period)
    return counts.hospital_links(attribution.filter(attribution.year == year), seen)


def _year_counts(study: "Study", year: int, rules: QpRules) -> ir.Table:
    """Denominators, volume and numerators of one year, kept in the engine."""
    keep, period = study.connection.keep, calendar_year(year)
    patients = keep(_patients(study, year, period, rules))
    people = _population(study, year, period, rules)
    counted = keep(counts.denominator_patients(patients, people))
    model = counts.modelling_set(patients, rules)
    whole = counts.denominators(counted)
    practice = model.left_join(whole, "npi").drop("npi_right").mutate(ccn=_text(WHOLE_PRACTICE))
    parts = counts.numerators(counted, _links(study, year, period), rules.share_weighted)
    kept = keep(ibis.union(_as_counts(practice, year), _as_counts(parts, year)))
    study.connection.drop(counted, patients)
    return kept


def _text(value: str) -> ir.StringScalar:
    return cast(ir.StringScalar, ibis.literal(value, "string"))


def _as_counts(table: ir.Table, year: int) -> ir.Table:
    """Bring rows to the columns of qp_counts; what they do not have is null."""
    columns = {
        name: table[name].cast(kind) if name in table.columns else ibis.null(kind)
        for name, kind in COUNT_SCHEMA.items()
    }
    return table.select(**{**columns, "year": ibis.literal(year, "int64")})


def qp_counts(study: "Study") -> ir.Table:
    """All counts of all years: the one pass over the claims (rules Q1-Q3)."""
    return _counts(study, qp_rules(study.policy))


def qp_weighted_counts(study: "Study") -> ir.Table:
    """The same with attributed beneficiaries weighed by their share, or whole if they are (Q2)."""
    rules = qp_rules(study.policy)
    return _counts(study, replace(rules, share_weighted=not rules.share_weighted))


def _counts(study: "Study", rules: QpRules) -> ir.Table:
    return _stack([_year_counts(study, year, rules) for year in qp_years(study)])


def _stack(tables: list[ir.Table]) -> ir.Table:
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


# ---------------------------------------------------------------- scores


def qp_clinicians(study: "Study") -> ir.Table:
    """Every clinician of a year: denominators, volume, model, specialty and ACO (Q1, Q3)."""
    rows = study.table("qp_counts")
    practice = rows.filter(rows.ccn == WHOLE_PRACTICE).select(
        "year",
        "npi",
        benes=rows.benes.fill_null(0),
        payments=rows.payments.fill_null(ibis.literal(0).cast(DOLLAR_SUM)),
        people=rows.people,
        allowed=rows.allowed,
        part_b_payments=rows.part_b_payments,
        in_model=rows.in_model,
    )
    specialties = study.table("qp_specialty").rename(specialty_year="year", specialty_npi="npi")
    acos = _aco_of_clinician(study)
    joined = practice.left_join(
        specialties,
        [practice.year == specialties.specialty_year, practice.npi == specialties.specialty_npi],
    )
    joined = joined.left_join(acos, joined.npi == acos.aco_npi)
    return joined.select(
        *practice.columns, specialty=joined.specialty.fill_null(""), aco_id="aco_id"
    )


def qp_specialty(study: "Study") -> ir.Table:
    """Main specialty of each clinician and year."""
    tables = [
        counts.main_specialty(study.store_table("professional", [year])).select(
            "npi", "specialty", year=ibis.literal(year, "int64")
        )
        for year in qp_years(study)
    ]
    return _stack(tables).select("year", "npi", "specialty")


def _aco_of_clinician(study: "Study") -> ir.Table:
    roster = study.reference("aco_practitioners")
    if roster is None:
        roster = pd.DataFrame({"npi": [], "aco_id": []}, dtype=object)
    lowest = roster.sort_values("aco_id").drop_duplicates("npi")
    named = pd.DataFrame({"aco_npi": lowest["npi"], "aco_id": lowest["aco_id"]})
    return study.connection.load(named, {"aco_npi": "string", "aco_id": "string"})


def qp_scores(study: "Study") -> ir.Table:
    """Threshold scores of every clinician and hospital with a numerator (rules Q1-Q3)."""
    return _scores_of(study, "qp_counts", qp_rules(study.policy).share_weighted)


def _scores_of(study: "Study", name: str, weighted: bool) -> ir.Table:
    rows, by = study.table(name), ("year", "npi")
    practice = rows.filter(rows.ccn == WHOLE_PRACTICE)
    counted = practice.filter(practice.benes > 0).select(*by, "benes", "payments")
    criteria = [column for column in COUNT_SCHEMA if column.endswith(_CRITERIA)]
    parts = rows.filter(rows.ccn != WHOLE_PRACTICE).select(*by, "ccn", *criteria)
    scored = counts.scores(counted, parts, practice, by)
    people = {} if weighted else {column: scored[column].cast("int64") for column in _PEOPLE}
    return scored.mutate(**people)


_CRITERIA = ("_attributed", "_encounter", "_numerator")
_PEOPLE = ("benes_attributed", "benes_encounter", "benes_numerator")


def qp_snapshots(study: "Study") -> ir.Table:
    """Scores of each snapshot; the model is that of the year (rules Q3, Q7)."""
    parts = [
        _snapshot(study, year, day, period)
        for year in qp_years(study)
        for day, period in snapshot_periods(study.policy, year).items()
    ]
    if not parts:
        return study.table("qp_scores").mutate(snapshot=ibis.null("date")).limit(0)
    return _stack(parts)


def _snapshot(study: "Study", year: int, day: date, period: Period) -> ir.Table:
    keep, rules = study.connection.keep, qp_rules(study.policy)
    people = _population(study, year, period, rules)
    counted = keep(counts.denominator_patients(_patients(study, year, period, rules), people))
    parts = counts.numerators(counted, _links(study, year, period), rules.share_weighted)
    clinicians = study.table("qp_clinicians")
    model = clinicians.filter(clinicians.year == year)
    scored = counts.scores(counts.denominators(counted), parts, model)
    kept = keep(
        scored.select(
            year=ibis.literal(year, "int64"),
            snapshot=ibis.literal(day),
            **{c: scored[c] for c in counts.SCORE_COLUMNS},
        )
    )
    study.connection.drop(counted)
    return kept


# ---------------------------------------------------------------- partners and tests


def _score_frame(study: "Study", table: ir.Table) -> pd.DataFrame:
    """Scores of clinicians in the model as pandas, dollars as whole cents."""
    kept = table.filter(table.in_model)
    names = {"payments_numerator": "cents_linked", "payments_attributed": "cents_attributed",
             "payments_encounter": "cents_encounter"}  # fmt: skip
    cents = {new: counts.cents(kept[old]) for old, new in names.items()}
    keys = [c for c in ("year", "snapshot", "npi", "ccn") if c in table.columns]
    cents["cents"] = counts.cents(kept.payments)
    frame = study.connection.fetch(kept.select(*keys, "benes", *_PEOPLE, **cents), keys)
    if "snapshot" in frame:
        frame["snapshot"] = pd.to_datetime(frame["snapshot"]).dt.date
    return frame


def _clinician_frame(study: "Study") -> pd.DataFrame:
    table = study.table("qp_clinicians")
    cents = {
        "cents": counts.cents(table.payments),
        "allowed_cents": counts.cents(table.allowed),
        "part_b_cents": counts.cents(table.part_b_payments),
    }
    return study.connection.fetch(table.mutate(**cents), ["year", "npi"])


def care_partner_links(study: "Study", year: int, period: Period) -> pd.DataFrame | None:
    """Links of the care partner list that overlap a period (rule Q4): year, npi, ccn."""
    listed = study.reference("care_partners")
    if listed is None:
        return None
    ends = listed["end_date"].fillna("").replace("", date.max.isoformat())
    inside = (listed["start_date"] <= period.end.isoformat()) & (ends >= period.start.isoformat())
    return listed.loc[inside, ["npi", "ccn"]].drop_duplicates().assign(year=year)


def _candidate_sets(
    study: "Study", scores: pd.DataFrame, clinicians: pd.DataFrame, periods: dict[int, Period]
) -> dict[str, pd.DataFrame]:
    """Return the possible partners: all hospitals, and those of the care partner list if any."""
    sets = {"best": partners.candidates(scores, clinicians)}
    links = [care_partner_links(study, year, period) for year, period in periods.items()]
    listed = [found for found in links if found is not None]
    if listed:
        sets["actual"] = partners.actual_candidates(scores, clinicians, pd.concat(listed))
    return sets


def _calendar_years(study: "Study") -> dict[int, Period]:
    return {year: calendar_year(year) for year in qp_years(study)}


def qp_thresholds(study: "Study") -> pd.DataFrame:
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
            for limits in all_thresholds(study.policy)
        ]
    )


def _float(value: object) -> float | None:
    return None if value is None else float(cast(float, value))


def _assessed(study: "Study", table: str, weighted: bool | None = None) -> pd.DataFrame:
    """Each clinician at its partner under every test, reading and partner assumption."""
    source = study.table(table) if weighted is None else _scores_of(study, table, weighted)
    scores = _score_frame(study, source)
    choice = qp_rules(study.policy).partner_choice
    limits = all_thresholds(study.policy)
    sets = _candidate_sets(study, scores, _clinician_frame(study), _calendar_years(study))
    tables = [results.partner_table(rows, name, limits, choice) for name, rows in sets.items()]
    return pd.concat(tables, ignore_index=True)


def qp_partners(study: "Study") -> pd.DataFrame:
    """Each clinician of the model at its partner (rules Q4-Q6)."""
    rows = _assessed(study, "qp_scores")
    return rows.assign(
        benes=rows["people"] // rows["scale"],
        benes_numerator=rows["people_linked"].astype("float64") / rows["scale"],
        payments=rows["cents"].astype(object).map(money.dollars),
        payments_numerator=rows["cents_linked"].astype(object).map(money.dollars),
        dollars_short=rows["cents_short"].astype(object).map(money.dollars),
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


def _modelled(study: "Study") -> tuple[str, ...]:
    """Return the partner assumptions of this run: `actual` needs a care partner list."""
    return PARTNERS if study.reference("care_partners") is not None else ("best",)


def qp_summary(study: "Study") -> pd.DataFrame:
    """Slide 9's table (rule Q5)."""
    return _summary(study, study.frame("qp_partners"))


def _summary(study: "Study", assessed: pd.DataFrame) -> pd.DataFrame:
    limits = all_thresholds(study.policy)
    return results.summary(assessed, qp_years(study), limits, _modelled(study))


def qp_variants(study: "Study") -> pd.DataFrame:
    """Slide 9's table once more, the other way of weighing attributed beneficiaries (Q2)."""
    weighted = not qp_rules(study.policy).share_weighted
    name = "share-weighted" if weighted else "whole beneficiaries"
    table = _summary(study, _assessed(study, "qp_weighted_counts", weighted))
    return table.assign(variant=name)


def qp_sensitivity(study: "Study") -> pd.DataFrame:
    """Share meeting each test when part of every denominator is unseen (rule Q9)."""
    scores = _score_frame(study, study.table("qp_scores"))
    rows = partners.candidates(scores, _clinician_frame(study))
    shares = [exact(share) for share in study.policy.get("qp.unseen_shares")]
    choice = qp_rules(study.policy).partner_choice
    limits = all_thresholds(study.policy)
    return results.sensitivity(rows, qp_years(study), limits, shares, choice)


# ---------------------------------------------------------------- timing


def qp_year_result(study: "Study") -> pd.DataFrame:
    """First snapshot at which each clinician qualifies, under the test in force (rule Q7)."""
    scores = _score_frame(study, study.table("qp_snapshots"))
    parts = [part for year in qp_years(study) for part in _year_result(study, year, scores)]
    return pd.concat(parts, ignore_index=True) if parts else _empty(YEAR_RESULT_SCHEMA)


def _in_force(study: "Study", year: int) -> list[Thresholds]:
    """Return the thresholds in force under both readings; none before the programme began."""
    test = test_in_force(study.policy, year)
    return [thresholds_of(study.policy, test, reading) for reading in READINGS] if test else []


def _year_result(study: "Study", year: int, scores: pd.DataFrame) -> Iterator[pd.DataFrame]:
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
            year=year, reading=limits.reading, partner=name, test=limits.test
        )


def _snapshot_pickers(
    study: "Study", year: int, scores: pd.DataFrame
) -> dict[date, dict[str, partners.Picker]]:
    """Return, for each snapshot of a year, how partners are picked among its scores.

    Who has no numerator at a snapshot cannot qualify at it, so its scores are enough.
    """
    choice = qp_rules(study.policy).partner_choice
    found = {}
    for day, period in snapshot_periods(study.policy, year).items():
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
}


def _empty(schema: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in schema})


# ---------------------------------------------------------------- who, and by what


def _by_year_in_force(study: "Study") -> Iterator[tuple[int, Thresholds, pd.DataFrame]]:
    """Yield qp_partners of each year under the test in force, by reading."""
    assessed = study.frame("qp_partners")
    for year in qp_years(study):
        for limits in _in_force(study, year):
            same = (assessed["year"] == year) & (assessed["test"] == limits.test)
            yield year, limits, assessed[same & (assessed["reading"] == limits.reading)]


def qp_routes(study: "Study") -> pd.DataFrame:
    """By which method and criterion each clinician meets the test in force (rules Q2, Q5)."""
    scores = _score_frame(study, study.table("qp_scores"))
    parts = [
        results.routes(mine.reset_index(drop=True), scores, limits)
        for _, limits, mine in _by_year_in_force(study)
    ]
    return pd.concat(parts, ignore_index=True) if parts else _empty(ROUTES_SCHEMA)


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


def qp_near_threshold(study: "Study") -> pd.DataFrame:
    """Clinicians near a threshold of the law at their best partner, and how far (rule Q5)."""
    assessed = study.frame("qp_partners", exact=True)
    best = assessed[(assessed["partner"] == "best") & (assessed["reading"] == "regulation")]
    margin = exact(study.policy.get("qp.near_margin"))
    parts = [
        results.near(best[best["test"] == limits.test], limits, margin)
        for limits in all_thresholds(study.policy)
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


# ---------------------------------------------------------------- money


def specialty_groups() -> pd.DataFrame:
    """Read the groups of CMS specialties that the report shows: code, name, group."""
    with (params_dir() / "reference" / "specialty_groups.csv").open(encoding="utf-8") as file:
        return pd.DataFrame(list(csv.DictReader(file)))


def with_specialty_group(clinicians: pd.DataFrame) -> pd.DataFrame:
    """Add `specialty_group`; a specialty outside the list is "Other"."""
    groups = specialty_groups().set_index("code")["group"]
    return clinicians.assign(specialty_group=clinicians["specialty"].map(groups).fillna("Other"))


def _base_payments(study: "Study", year: int) -> pd.DataFrame | None:
    """Covered payments of a base year by clinician, in cents; None where the store lacks it."""
    if year in qp_years(study):
        own = _clinician_frame(study)
        own = own[own["year"] == year].rename(columns={"part_b_cents": "base"})
        return own[["npi", "base"]].rename(columns={"base": "cents"})
    if not study.store.files("professional", [year]):
        return None
    lines = study.store_table("professional", [year])
    basis = qp_rules(study.policy).payment_basis
    table = counts.covered_payments(lines, basis)
    return study.connection.fetch(table.select("npi", cents=counts.cents(table.payments)), ["npi"])


def qp_incentive(study: "Study") -> pd.DataFrame:
    """The incentive of those who meet the law's test in force, by group (rule Q8)."""
    clinicians = with_specialty_group(_clinician_frame(study))
    clinicians = clinicians[["year", "npi", "people", "specialty_group"]]
    routes = study.frame("qp_routes")
    met = routes[routes["meets"] & (routes["reading"] == "regulation")]
    groups = met.merge(clinicians, on=["year", "npi"]).assign(all="all").rename(
        columns={"ccn": "hospital"}
    )  # fmt: skip
    parts = [
        money.incentive(own, payments, terms, kind).assign(partner=name)
        for year in qp_years(study)
        if test_in_force(study.policy, year)
        for terms in money.incentive_years(study.policy, year)
        for payments in [_base_payments(study, terms.base_year)]
        for name, own in groups[groups["year"] == year].groupby("partner")
        for kind in money.GROUPS
    ]
    return pd.concat(parts, ignore_index=True) if parts else _empty(INCENTIVE_SCHEMA)


INCENTIVE_SCHEMA = {
    "year": "int64",
    "base_reading": "string",
    "partner": "string",
    "kind": "string",
    "group": "string",
    "payment_year": "int64",
    "base_year": "int64",
    "rate": "float64",
    "clinicians": "int64",
    "patients": "int64",
    "payments": DOLLAR_SUM,
    "incentive": DOLLAR_SUM,
}


def qp_fee_schedule(study: "Study") -> pd.DataFrame:
    """The two fee schedules, and their difference on the qualifying clinicians' payments (Q8)."""
    table = study.frame("qp_incentive", exact=True)
    base = table[
        (table["base_reading"] == "performance_year")
        & (table["partner"] == "best")
        & (table["kind"] == "all")
    ]
    parts = [
        money.fee_schedule(study.policy, int(dollars * 100)).assign(year=year)
        for year, dollars in zip(base["year"], base["payments"], strict=True)
    ]
    return pd.concat(parts, ignore_index=True) if parts else _empty(FEE_SCHEMA)


FEE_SCHEMA = {
    "year": "int64",
    "payment_year": "int64",
    "qualifying": "float64",
    "other": "float64",
    "difference": "float64",
    "gain": DOLLAR_SUM,
    "gain_to_date": DOLLAR_SUM,
}


def qp_mips(study: "Study") -> pd.DataFrame:
    """Clinicians whom MIPS would take in, and those of them who leave it as QPs (rule Q8)."""
    clinicians, routes = _clinician_frame(study), study.frame("qp_routes")
    law = routes[(routes["reading"] == "regulation") & (routes["partner"] == "best")]
    rows = []
    for year in (y for y in qp_years(study) if test_in_force(study.policy, y)):
        own = clinicians[clinicians["year"] == year]
        met = law.loc[(law["year"] == year) & law["meets"], "npi"]
        people = int(study.policy.get("qp.mips_low_volume_benes", year))
        cents = int(100 * exact(study.policy.get("qp.mips_low_volume_dollars", year)))
        rows.append({"year": year, **money.in_mips(own, people, cents, met)})
    return pd.DataFrame(rows, columns=list(MIPS_SCHEMA))


MIPS_SCHEMA = {"year": "int64", "in_mips": "int64", "excluded_as_qp": "int64"}

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

_PAIR = ("year", "npi", "ccn")
_TEST = ("year", "test", "reading", "partner")

POLICY = ("qp", "attribution")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution",)
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS: tuple[Product, ...] = (
    Product("qp_counts", _PAIR, qp_counts, internal=True),
    Product("qp_specialty", ("year", "npi"), qp_specialty, internal=True),
    Product("qp_clinicians", ("year", "npi"), qp_clinicians),
    Product("qp_scores", _PAIR, qp_scores),
    Product("qp_thresholds", ("test", "reading"), qp_thresholds, THRESHOLD_SCHEMA),
    Product("qp_partners", (*_TEST, "npi"), qp_partners, PARTNER_SCHEMA),
    Product("qp_summary", _TEST, qp_summary, SUMMARY_SCHEMA),
    Product("qp_snapshots", ("year", "snapshot", "npi", "ccn"), qp_snapshots),
    Product("qp_year_result", ("year", "reading", "partner", "npi"), qp_year_result,
            YEAR_RESULT_SCHEMA),
    Product("qp_sensitivity", ("year", "test", "reading", "unseen_share"), qp_sensitivity,
            SENSITIVITY_SCHEMA),
    Product("qp_weighted_counts", _PAIR, qp_weighted_counts, internal=True),
    Product("qp_variants", (*_TEST, "variant"), qp_variants,
            {**SUMMARY_SCHEMA, "variant": "string"}),
    Product("qp_routes", ("year", "reading", "partner", "npi"), qp_routes, ROUTES_SCHEMA),
    Product("qp_near_threshold", ("year", "test", "npi"), qp_near_threshold, NEAR_SCHEMA, csv=True),
    Product("qp_incentive", ("year", "base_reading", "partner", "kind", "group"), qp_incentive,
            INCENTIVE_SCHEMA),
    Product("qp_fee_schedule", ("year", "payment_year"), qp_fee_schedule, FEE_SCHEMA),
    Product("qp_mips", ("year",), qp_mips, MIPS_SCHEMA),
)  # fmt: skip
