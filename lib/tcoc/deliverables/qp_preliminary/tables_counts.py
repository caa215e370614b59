"""From claims to counts and scores: the restricted tables of rules Q1 to Q3 and Q7.

Claims, months and hospital visits are passed once for all periods of a year (`qp_patients`,
`qp_people`, `qp_visits`); the year's scores, their variants and the snapshots start from these.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.params import AttributionPolicy, QpPolicy
from tcoc.reference import load_code_lists
from tcoc.reference.covered import load_covered_services
from tcoc.rules.population import PopulationRules, eligible_months
from tcoc.rules.qp import counts
from tcoc.rules.qp.periods import Period, Spans, calendar_year, snapshot_periods
from tcoc.rules.qp.rules import QpRules, qp_rules, service_codes
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Study

WHOLE_PRACTICE = ""
"""In qp_counts, the ccn of the row that holds a clinician's denominators."""

PATIENT_SCHEMA = {
    "year": "int64",
    "npi": "string",
    "bene_id": "string",
    "specialty": "string",
    "span": "int8",
    "seen": "int8",
    "allowed": DOLLAR_SUM,
    "payments": DOLLAR_SUM,
    "other_payments": DOLLAR_SUM,
    "evaluated": "int8",
}

PEOPLE_SCHEMA = {"year": "int64", "bene_id": "string", "birth_date": "date", "span": "int8"}
VISIT_SCHEMA = {"year": "int64", "bene_id": "string", "ccn": "string", "span": "int8"}

COUNT_SCHEMA = {
    "year": "int64",
    "npi": "string",
    "ccn": "string",
    "benes": "int64",
    "payments": DOLLAR_SUM,
    "people": "int64",
    "allowed": DOLLAR_SUM,
    "part_b_payments": DOLLAR_SUM,
    "other_payments": DOLLAR_SUM,
    "in_model": "boolean",
    "benes_attributed": "float64",
    "benes_encounter": "int64",
    "benes_numerator": "float64",
    "payments_numerator": DOLLAR_SUM,
    "payments_attributed": DOLLAR_SUM,
    "payments_encounter": DOLLAR_SUM,
}


def qp_years(study: Study) -> tuple[int, ...]:
    """Return the performance years: the run file's `qp_years`, else all its years."""
    return tuple(sorted(study.run.spec.qp_years or study.run.years))


# ---------------------------------------------------------------- one pass over the store


def periods_of(study: Study, year: int) -> tuple[Period, ...]:
    """Return all periods of a year: the calendar year, then its snapshots (rule Q7)."""
    snapshots = snapshot_periods(QpPolicy.of(study.policy), year)
    return calendar_year(year), *snapshots.values()


def _spans(study: Study, year: int) -> Spans:
    return Spans.of(periods_of(study, year))


def _month_spans(study: Study, year: int) -> Spans:
    return Spans.of(period.by_month for period in periods_of(study, year))


def all_covered(study: Study) -> bool:
    """Whether every line brings payments, whatever its code (rule Q1)."""
    return QpPolicy.of(study.policy).covered_services == "all_lines"


def codes(study: Study) -> ir.Table:
    """The codes of rule Q1: the run's own fee schedule, else the project's list, and E&M."""
    supplied = study.reference("fee_schedule")
    paid = load_covered_services() if supplied is None else tuple(supplied["hcpcs"])
    primary = load_code_lists(services=AttributionPolicy.of(study.policy).primary_care_codes)
    extra = QpPolicy.of(study.policy).extra_evaluation_codes
    listed = service_codes(primary.primary_care, extra, None if all_covered(study) else paid)
    kinds = {"code": "string", "evaluation": "int8", "covered": "int8"}
    return study.connection.load(listed, kinds)


def _by_year(study: Study, table: Callable[[int], ir.Table]) -> ir.Table:
    years = qp_years(study)
    parts = [table(year).mutate(year=ibis.literal(year, "int64")) for year in years]
    return _stack(parts)


def qp_patients(study: Study) -> ir.Table:
    """Clinician x patient x span, over all professional lines of the QP years (rules Q1, Q3)."""
    listed, rules = codes(study), qp_rules(study.policy)

    def patients(year: int) -> ir.Table:
        lines = study.store_table("professional", [year])
        spans = _spans(study, year)
        return counts.clinician_patients(lines, listed, all_covered(study), spans, rules)

    return _by_year(study, patients)


def qp_people(study: Study) -> ir.Table:
    """In which spans each beneficiary has an eligible month (rule Q1)."""
    beneficiary = study.store_table("beneficiary")
    rules = PopulationRules.from_policy(study.policy)

    def people(year: int) -> ir.Table:
        months = study.store_table("member_month", [year])
        eligible = eligible_months(months, beneficiary, year, rules)
        return counts.eligible_spans(eligible, beneficiary, _month_spans(study, year))

    return _by_year(study, people)


def qp_visits(study: Study) -> ir.Table:
    """In which spans each beneficiary had an encounter at an eligible hospital (rule Q2)."""
    hospitals = _hospitals(study)

    def visits(year: int) -> ir.Table:
        claims = study.store_table("facility", [year])
        return counts.encounter_spans(claims, hospitals, _spans(study, year))

    return _by_year(study, visits)


def _hospitals(study: Study) -> ir.Table:
    hospitals = cast(pd.DataFrame, study.reference("hospitals"))
    eligible = hospitals.loc[hospitals["attributable"], ["ccn"]]
    return study.connection.load(eligible, {"ccn": "string"})


def _of_year(study: Study, name: str, year: int) -> ir.Table:
    table = study.table(name)
    return table.filter(table.year == year).drop("year")


# ---------------------------------------------------------------- from spans to periods


def _patients(study: Study, year: int, period: Period) -> ir.Table:
    patients = _of_year(study, "qp_patients", year)
    return counts.in_period(patients, _spans(study, year), period)


def _population(study: Study, year: int, period: Period, rules: QpRules) -> ir.Table:
    people = _of_year(study, "qp_people", year)
    return counts.qp_population(people, _month_spans(study, year), period, rules)


def _links(study: Study, year: int, period: Period) -> ir.Table:
    attribution = study.table("attribution")
    visits = _of_year(study, "qp_visits", year)
    seen = counts.encounters(visits, _spans(study, year), period)
    return counts.hospital_links(attribution.filter(attribution.year == year), seen)


def _year_counts(study: Study, year: int, rules: QpRules) -> ir.Table:
    """Denominators, volume and numerators of one year, kept in the engine."""
    keep, period = study.connection.keep, calendar_year(year)
    patients = keep(_patients(study, year, period))
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


def qp_counts(study: Study) -> ir.Table:
    """All counts of all years: the one pass over the claims (rules Q1-Q3)."""
    return _counts(study, qp_rules(study.policy))


def qp_weighted_counts(study: Study) -> ir.Table:
    """The same with attributed beneficiaries weighed by their share, or whole if they are (Q2)."""
    rules = qp_rules(study.policy)
    return _counts(study, replace(rules, share_weighted=not rules.share_weighted))


def _counts(study: Study, rules: QpRules) -> ir.Table:
    return _stack([_year_counts(study, year, rules) for year in qp_years(study)])


def _stack(tables: list[ir.Table]) -> ir.Table:
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


# ---------------------------------------------------------------- scores


def qp_clinicians(study: Study) -> ir.Table:
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
        other_payments=rows.other_payments,
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


def qp_specialty(study: Study) -> ir.Table:
    """Main specialty of each clinician and year."""
    main = _by_year(study, lambda year: counts.main_specialty(_of_year(study, "qp_patients", year)))
    return main.select("year", "npi", "specialty")


def _aco_of_clinician(study: Study) -> ir.Table:
    roster = study.reference("aco_practitioners")
    if roster is None:
        roster = pd.DataFrame({"npi": [], "aco_id": []}, dtype=object)
    lowest = roster.sort_values("aco_id").drop_duplicates("npi")
    named = pd.DataFrame({"aco_npi": lowest["npi"], "aco_id": lowest["aco_id"]})
    return study.connection.load(named, {"aco_npi": "string", "aco_id": "string"})


def qp_scores(study: Study) -> ir.Table:
    """Threshold scores of every clinician and hospital with a numerator (rules Q1-Q3)."""
    return scores_of(study, "qp_counts", qp_rules(study.policy).share_weighted)


def scores_of(study: Study, name: str, weighted: bool) -> ir.Table:
    """Scores from a table of counts; people are whole numbers unless shares weigh them."""
    rows, by = study.table(name), ("year", "npi")
    practice = rows.filter(rows.ccn == WHOLE_PRACTICE)
    counted = practice.filter(practice.benes > 0).select(*by, "benes", "payments")
    criteria = [column for column in COUNT_SCHEMA if column.endswith(_CRITERIA)]
    parts = rows.filter(rows.ccn != WHOLE_PRACTICE).select(*by, "ccn", *criteria)
    scored = counts.scores(counted, parts, practice, by)
    people = {} if weighted else {column: scored[column].cast("int64") for column in PEOPLE}
    return scored.mutate(**people)


_CRITERIA = ("_attributed", "_encounter", "_numerator")
PEOPLE = ("benes_attributed", "benes_encounter", "benes_numerator")


def qp_snapshots(study: Study) -> ir.Table:
    """Scores of each snapshot; the model is that of the year (rules Q3, Q7)."""
    parts = [
        _snapshot(study, year, day, period)
        for year in qp_years(study)
        for day, period in snapshot_periods(QpPolicy.of(study.policy), year).items()
    ]
    if not parts:
        return study.table("qp_scores").mutate(snapshot=ibis.null("date")).limit(0)
    return _stack(parts)


def _snapshot(study: Study, year: int, day: date, period: Period) -> ir.Table:
    keep, rules = study.connection.keep, qp_rules(study.policy)
    people = _population(study, year, period, rules)
    counted = keep(counts.denominator_patients(_patients(study, year, period), people))
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
