"""What people used, by piece of the windows: kept, so that a changed stage reads no claim.

Which clinicians and hospitals people went to depends on the window, the code lists and the store;
how the stages of rule A1 choose among them does not change it.

| table | one row per | holds |
|---|---|---|
| care_use (internal) | piece, bene_id, npi, step | primary care by clinician (A2) |
| clinician_use (internal) | piece, npi | clinicians' own services (A7) |
| hospital_use (internal) | piece, bene_id, ccn | inpatient and outpatient use (A5, A8, A9) |
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import ibis.expr.types as ir

from tcoc.params import AttributionPolicy
from tcoc.rules.attribution import use
from tcoc.rules.attribution.window import Period, Span, calendar_years, spans, window
from tcoc.rules.population import in_groups
from tcoc.store.facts import claim_rows, has_claims
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Product, Study

ROWS_AT_ONCE = 8_000_000
"""Professional lines up to which calendar years share a query: enough that planning it costs little
beside the work, few enough that a state's years stay alone in memory. No result depends on it."""


def together(study: Study, years: Sequence[int]) -> list[tuple[int, ...]]:
    """Group successive years that share a query: small ones, all with claims or all without."""
    lines = {year: claim_rows(study.store, year, ["professional"]) for year in years}

    def fit(some: Sequence[int]) -> bool:
        alike = len({has_claims(study.store, year) for year in some}) == 1
        few = sum(lines[year] for year in some) <= ROWS_AT_ONCE
        return alike and few and len(some) > some[-1] - some[0]

    return in_groups(sorted(years), fit)


def windows_of(study: Study) -> dict[int, tuple[Period, ...]]:
    """Return the look-back window of each year of the run (rule A0)."""
    form = AttributionPolicy.of(study.policy).window
    return {year: window(year, form) for year in study.run.years}


def lines_by_year(study: Study, windows: Mapping[int, Sequence[Period]]) -> dict[int, int]:
    """Return the professional lines of each calendar year that a window touches."""
    years = calendar_years(period for found in windows.values() for period in found)
    return {year: claim_rows(study.store, year, ["professional"]) for year in years}


def window_use(study: Study, windows: Mapping[int, Sequence[Period]]) -> use.SpanUse:
    """Return what people used in all pieces of the windows, from the kept tables."""
    whole = _whole(study, windows)
    return use.SpanUse(whole, *(study.table(product.name) for product in PRODUCTS))


def window_hospitals(study: Study, years: Iterable[int]) -> ir.Table:
    """Return what people used of hospitals in the windows of some of the run's years (rule A8).

    A row or more per (year, bene_id, ccn), from the kept table.
    """
    windows = windows_of(study)
    used = [(_whole(study, windows), study.table("hospital_use"))]
    return use.hospitals_in_windows(used, {year: windows[year] for year in years})


def _whole(study: Study, windows: Mapping[int, Sequence[Period]]) -> Span:
    """Return all pieces of the windows, as the kept tables number them."""
    every = _spans(study, windows)
    years = tuple(year for span in every for year in span.years)
    return Span(years, tuple(piece for span in every for piece in span.pieces))


def _spans(study: Study, windows: Mapping[int, Sequence[Period]]) -> list[Span]:
    periods = [period for found in windows.values() for period in found]
    return spans(periods, lines_by_year(study, windows), ROWS_AT_ONCE)


def care_use(study: Study) -> Iterator[ir.Table]:
    """Primary care by beneficiary, clinician and piece (rule A2)."""
    rules = use.ServiceRules.from_policy(AttributionPolicy.of(study.policy))

    def used(lines: ir.Table, span: Span) -> ir.Table:
        return use.primary_care_use(lines, span.pieces, rules)

    return _by_span(study, "professional", used)


def clinician_use(study: Study) -> Iterator[ir.Table]:
    """Clinicians' own services by piece, of all patients (rule A7)."""
    rules = use.ServiceRules.from_policy(AttributionPolicy.of(study.policy))
    codes = study.connection.load(rules.code_table(), use.CODE_TABLE)

    def used(lines: ir.Table, span: Span) -> ir.Table:
        return use.own_services(lines, span.pieces, codes, rules)

    return _by_span(study, "professional", used)


def hospital_use(study: Study) -> Iterator[ir.Table]:
    """Inpatient and outpatient use by beneficiary, hospital and piece (rules A5, A8, A9)."""
    hospitals = study.references.eligible_hospitals

    def used(claims: ir.Table, span: Span) -> ir.Table:
        return use.hospital_use(claims, span.pieces, hospitals)

    return _by_span(study, "facility", used)


def _by_span(
    study: Study, name: str, used: Callable[[ir.Table, Span], ir.Table]
) -> Iterator[ir.Table]:
    """Yield use by span, in one pass over a claims table; pieces are numbered through all spans."""
    before = 0
    for span in _spans(study, windows_of(study)):
        found = used(study.store_table(name, span.years), span)
        yield found.mutate(piece=(found.piece + before).cast("int32"))
        before += len(span.pieces)


PRODUCTS = (
    Product(
        "care_use",
        ("piece", "bene_id", "npi", "step"),
        care_use,
        {
            "bene_id": "string",
            "npi": "string",
            "step": "int32",
            "piece": "int32",
            "allowed": DOLLAR_SUM,
            "visits": "int32",
            "last_date": "date",
        },
        internal=True,
        alone=True,
    ),
    Product(
        "clinician_use",
        ("piece", "npi"),
        clinician_use,
        {"npi": "string", "piece": "int32", "all_lines": DOLLAR_SUM, "primary_care": DOLLAR_SUM},
        internal=True,
        alone=True,
    ),
    Product(
        "hospital_use",
        ("piece", "bene_id", "ccn"),
        hospital_use,
        {
            "bene_id": "string",
            "ccn": "string",
            "piece": "int32",
            "paid": DOLLAR_SUM,
            "claims": "int32",
            "visits": "int32",
        },
        internal=True,
        alone=True,
    ),
)
"""In the order in which SpanUse has them."""
