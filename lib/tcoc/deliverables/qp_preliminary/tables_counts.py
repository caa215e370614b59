"""From claims to counts and scores: the restricted tables of rules Q1 to Q3 and Q7.

Claims, months and hospital visits are passed once for all periods of a year, the calendar year's
and each snapshot's: `qp_patients` and `qp_visits` say what counts in which, and `qp_numerators`
adds both up in one pass. Scores, their variants and the snapshots are columns of it.
"""

from collections.abc import Callable
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
from tcoc.rules.qp.periods import Period, all_periods, snapshot_numbers
from tcoc.rules.qp.rules import qp_rules, service_codes
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Study

WHOLE_YEAR = 0
"""The number of the period that is the calendar year (`all_periods`)."""

PRACTICE_SCHEMA = {
    "year": "int64",
    "npi": "string",
    "people": "int64",
    "allowed": DOLLAR_SUM,
    "part_b_payments": DOLLAR_SUM,
    "other_payments": DOLLAR_SUM,
    "specialty": "string",
}


def qp_years(study: Study) -> tuple[int, ...]:
    """Return the performance years: the run file's `qp_years`, else all its years."""
    return tuple(sorted(study.run.spec.qp_years or study.run.years))


# ---------------------------------------------------------------- one pass over the store


def periods_of(study: Study, year: int) -> tuple[Period, ...]:
    """Return all periods of a year: the calendar year, then its snapshots (rule Q7)."""
    return all_periods(QpPolicy.of(study.policy), year)


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


def qp_practices(study: Study) -> ir.Table:
    """What each clinician bills in a year, and its main specialty (rules Q3, Q8)."""
    listed, rules = codes(study), qp_rules(study.policy)

    def practices(year: int) -> ir.Table:
        lines = study.store_table("professional", [year])
        return counts.practices(lines, listed, all_covered(study), rules)

    return _by_year(study, practices)


def qp_patients(study: Study) -> ir.Table:
    """Who counts with which clinician in which period, and their payments (rule Q1)."""
    listed, rules = codes(study), qp_rules(study.policy)
    residents = PopulationRules.from_policy(study.policy)
    beneficiary = study.store_table("beneficiary")

    def patients(year: int) -> ir.Table:
        lines = study.store_table("professional", [year])
        months = study.store_table("member_month", [year])
        periods = periods_of(study, year)
        seen = counts.evaluated_patients(lines, listed, all_covered(study), periods, rules)
        eligible = eligible_months(months, beneficiary, [year], residents)
        people = counts.eligible_periods(eligible, beneficiary, periods, rules)
        return counts.denominator_patients(seen, people, len(periods))

    return _by_year(study, patients)


def qp_visits(study: Study) -> ir.Table:
    """In which periods each beneficiary had an encounter at an eligible hospital (rule Q2)."""
    hospitals = _hospitals(study)

    def visits(year: int) -> ir.Table:
        claims = study.store_table("facility", [year])
        return counts.encounters(claims, hospitals, periods_of(study, year))

    return _by_year(study, visits)


def _hospitals(study: Study) -> ir.Table:
    hospitals = cast(pd.DataFrame, study.reference("hospitals"))
    eligible = hospitals.loc[hospitals["attributable"], ["ccn"]]
    return study.connection.load(eligible, {"ccn": "string"})


def _of_year(study: Study, name: str, year: int) -> ir.Table:
    table = study.table(name)
    return table.filter(table.year == year).drop("year")


def qp_numerators(study: Study) -> ir.Table:
    """Numerators of all clinicians, hospitals and periods, both ways of weighing (Q2, Q7)."""
    always = qp_rules(study.policy).share_weighted

    def sums(year: int) -> ir.Table:
        periods = range(len(periods_of(study, year)))
        attribution = study.table("attribution")
        links = counts.hospital_links(
            attribution.filter(attribution.year == year), _of_year(study, "qp_visits", year)
        )
        # snapshots are weighed as the run says, the year also the other way
        weighted = periods if always else [WHOLE_YEAR]
        counted = _of_year(study, "qp_patients", year)
        return counts.numerators(counted, links, len(periods), weighted)

    return _by_year(study, sums)


def _stack(tables: list[ir.Table]) -> ir.Table:
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


# ---------------------------------------------------------------- scores


def qp_clinicians(study: Study) -> ir.Table:
    """Every clinician of a year: denominators, volume, model, specialty and ACO (Q1, Q3)."""
    practice = counts.modelling_set(study.table("qp_practices"), qp_rules(study.policy))
    whole = _by_year(study, lambda year: _denominators(study, year, WHOLE_YEAR))
    whole = whole.rename(whole_year="year", whole_npi="npi")
    acos = _aco_of_clinician(study)
    joined = practice.left_join(
        whole, [practice.year == whole.whole_year, practice.npi == whole.whole_npi]
    )
    joined = joined.left_join(acos, joined.npi == acos.aco_npi)
    filled = joined.mutate(
        benes=joined.benes.fill_null(0),
        payments=joined.payments.fill_null(ibis.literal(0).cast(DOLLAR_SUM)),
    )
    return filled.select(*CLINICIAN_COLUMNS)


CLINICIAN_COLUMNS = (
    "year", "npi", "benes", "payments", "people", "allowed", "part_b_payments", "other_payments",
    "in_model", "specialty", "aco_id",
)  # fmt: skip


def _denominators(study: Study, year: int, number: int) -> ir.Table:
    return counts.denominators(_of_year(study, "qp_patients", year), number)


def _aco_of_clinician(study: Study) -> ir.Table:
    roster = study.reference("aco_practitioners")
    if roster is None:
        roster = pd.DataFrame({"npi": [], "aco_id": []}, dtype=object)
    lowest = roster.sort_values("aco_id").drop_duplicates("npi")
    named = pd.DataFrame({"aco_npi": lowest["npi"], "aco_id": lowest["aco_id"]})
    return study.connection.load(named, {"aco_npi": "string", "aco_id": "string"})


def qp_scores(study: Study) -> ir.Table:
    """Threshold scores of every clinician and hospital with a numerator (rules Q1-Q3)."""
    return year_scores(study, qp_rules(study.policy).share_weighted)


def year_scores(study: Study, share_weighted: bool) -> ir.Table:
    """The year's scores; people are whole numbers unless shares weigh them (rule Q2)."""
    found, by = study.table("qp_numerators"), ("year", "npi")
    parts = counts.numerators_of(found, WHOLE_YEAR, share_weighted, by)
    clinicians = study.table("qp_clinicians")
    whole = clinicians.filter(clinicians.benes > 0).select(*by, "benes", "payments")
    return counts.scores(whole, parts, clinicians, by)


PEOPLE = tuple(f"benes_{criterion}" for criterion in counts.CRITERIA)


def qp_snapshots(study: Study) -> ir.Table:
    """Scores of each snapshot; the model is that of the year (rules Q3, Q7)."""
    parts = [
        _snapshot(study, year, day, number)
        for year in qp_years(study)
        for day, number in snapshot_numbers(QpPolicy.of(study.policy), year).items()
    ]
    if not parts:
        return study.table("qp_scores").mutate(snapshot=ibis.null("date")).limit(0)
    return _stack(parts)


def _snapshot(study: Study, year: int, day: date, number: int) -> ir.Table:
    weighted = qp_rules(study.policy).share_weighted
    parts = counts.numerators_of(_of_year(study, "qp_numerators", year), number, weighted)
    model = _of_year(study, "qp_clinicians", year)
    scored = counts.scores(_denominators(study, year, number), parts, model)
    return scored.select(
        year=ibis.literal(year, "int64"),
        snapshot=ibis.literal(day),
        **{c: scored[c] for c in counts.SCORE_COLUMNS},
    )
