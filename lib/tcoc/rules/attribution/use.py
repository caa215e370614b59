"""What people use in a window, by clinician and by hospital: the small tables behind A2 to A9.

Each is made once from the claims of a span of calendar years, by piece of the span (a federal
fiscal year takes January to September of one year and October to December of another), and a
window puts its pieces together: dates of different pieces are different, so that visits add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.params import AttributionPolicy
from tcoc.reference import CodeLists, load_code_lists
from tcoc.rules.attribution import PERSON
from tcoc.rules.attribution.window import Period, Span
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS

NURSING_FACILITY = ("99304", "99318")
"""First and last code of nursing facility visits (rule A2)."""

SKILLED_NURSING = "31"
"""Place of service of a skilled nursing facility (rule A2)."""

HOSPITAL_PLACES = ("21", "22", "23")
"""Places of service in a hospital: inpatient, outpatient, emergency room (rule A7)."""


@dataclass(frozen=True)
class ServiceRules:
    """Which lines are primary care, and which are a clinician's own services (rules A2, A7)."""

    codes: CodeLists
    snf_visits: str = "exclude"
    own_services: str = "all"

    @classmethod
    def from_policy(cls, policy: AttributionPolicy) -> "ServiceRules":
        """Read the lists and choices that a policy names."""
        codes = load_code_lists(services=policy.primary_care_codes, specialties=policy.specialties)
        return cls(codes, policy.snf_visits, policy.own_services)

    @property
    def elsewhere_only(self) -> tuple[str, ...]:
        """Codes that are primary care unless they stand in a skilled nursing facility (A2)."""
        if self.snf_visits == "include":
            return ()
        first, last = NURSING_FACILITY
        return tuple(code for code in self.codes.primary_care if first <= code <= last)

    def code_table(self) -> pd.DataFrame:
        """Each primary care code, and whether it is none in a skilled nursing facility (A2)."""
        rows = [(code, code in self.elsewhere_only) for code in self.codes.primary_care]
        return pd.DataFrame(rows, columns=list(CODE_TABLE))


CODE_TABLE = {"code": "string", "not_in_snf": "boolean"}
"""The columns of ServiceRules.code_table."""


def piece_of(day: ir.DateValue, pieces: Sequence[Period]) -> ir.IntegerValue:
    """Return in which of successive pieces a date of theirs lies, counted from 0."""
    number: ir.IntegerValue = ibis.literal(0, type="int32")
    for piece in pieces[1:]:
        number = number + (day >= _literal(piece.first)).cast("int32")
    return cast(ir.IntegerValue, number.cast("int32"))


def _inside(day: ir.DateValue, pieces: Sequence[Period]) -> list[ir.BooleanValue]:
    """Return the conditions that a day of whole years lies in their pieces, none if all do."""
    first, last = pieces[0].first, pieces[-1].last
    conditions = []
    if first != date(first.year, 1, 1):
        conditions.append(day >= _literal(first))
    if last != date(last.year, 12, 31):
        conditions.append(day <= _literal(last))
    return conditions


def _literal(day: date) -> ir.DateScalar:
    return cast(ir.DateScalar, ibis.date(day.year, day.month, day.day))


def primary_care_use(lines: ir.Table, pieces: Sequence[Period], rules: ServiceRules) -> ir.Table:
    """Allowed dollars, visits and last date of primary care, per beneficiary and clinician (A2).

    One row per (bene_id, npi, step, piece); step is 1 for primary care specialties, 2 for the
    selected others. A visit is a distinct service date of the beneficiary with the clinician in
    the step.
    """
    codes = rules.codes
    services = lines.filter(
        *_inside(lines.service_date, pieces),
        lines.npi.notnull(),
        lines.allowed_amount > 0,
        lines.hcpcs.isin(codes.primary_care),
        lines.specialty.isin((*codes.step_1, *codes.step_2)),
    )
    if rules.elsewhere_only:
        # after the other filters, so that the place is looked at on the few lines that are left
        nursing = services.hcpcs.isin(rules.elsewhere_only)
        services = services.filter(~(nursing & _at(services, (SKILLED_NURSING,))))
    step = ibis.ifelse(services.specialty.isin(codes.step_1), 1, 2).cast("int32")
    days = services.group_by("bene_id", "npi", "service_date", step=step).agg(
        allowed=services.allowed_amount.sum()
    )
    return cast(
        ir.Table,
        days.group_by("bene_id", "npi", "step", piece=piece_of(days.service_date, pieces)).agg(
            allowed=days.allowed.sum().cast(DOLLAR_SUM),
            visits=days.count().cast("int32"),
            last_date=days.service_date.max(),
        ),
    )


def _at(lines: ir.Table, places: Sequence[str]) -> ir.BooleanValue:
    """Whether a line is known to be at one of some places of service; unknown is elsewhere."""
    return cast(ir.BooleanValue, lines.place_of_service.fill_null("").isin(tuple(places)))


def own_services(
    lines: ir.Table, pieces: Sequence[Period], primary_care: ir.Table, rules: ServiceRules
) -> ir.Table:
    """A clinician's own allowed dollars, of all lines and of primary care, of all patients (A7).

    One row per (npi, piece). Primary care is rule A2's services, of whatever specialty;
    `primary_care` is the table of ServiceRules.code_table. Under `without_hospital` lines at a
    hospital are in neither sum.
    """
    own = lines.filter(*_inside(lines.service_date, pieces), lines.npi.notnull())
    if rules.own_services == "without_hospital":
        own = own.filter(~_at(own, HOSPITAL_PLACES))
    flagged = own.left_join(primary_care, own.hcpcs == primary_care.code)
    amount = flagged.allowed_amount
    primary = flagged.code.notnull() & (amount > 0)
    if rules.elsewhere_only:
        primary = primary & ~(
            flagged.not_in_snf.fill_null(False) & _at(flagged, (SKILLED_NURSING,))
        )
    return cast(
        ir.Table,
        flagged.group_by("npi", piece=piece_of(flagged.service_date, pieces)).agg(
            all_lines=amount.sum().cast(DOLLAR_SUM),
            primary_care=ibis.ifelse(primary, amount, 0).sum().cast(DOLLAR_SUM),
        ),
    )


def hospital_use(
    facility: ir.Table, pieces: Sequence[Period], hospitals: Sequence[str]
) -> ir.Table:
    """Inpatient and outpatient payments, claims and visits at eligible hospitals (A5, A8, A9).

    One row per (bene_id, ccn, piece), by last day of the claim. A visit is a distinct last day.
    """
    claims = facility.filter(
        *_inside(facility.thru_date, pieces),
        facility.setting.isin(HOSPITAL_SETTINGS),
        facility.ccn.isin(tuple(hospitals)),
    )
    days = claims.group_by("bene_id", "ccn", "thru_date").agg(
        paid=claims.paid_amount.sum(), claims=claims.count().cast("int32")
    )
    return cast(
        ir.Table,
        days.group_by("bene_id", "ccn", piece=piece_of(days.thru_date, pieces)).agg(
            paid=days.paid.sum().cast(DOLLAR_SUM),
            claims=days.claims.sum().cast("int32"),
            visits=days.count().cast("int32"),
        ),
    )


@dataclass(frozen=True)
class SpanUse:
    """Use in a span of calendar years by its pieces: of all that a window may ask for."""

    span: Span
    primary_care: ir.Table
    own_services: ir.Table
    hospitals: ir.Table


def span_use(
    lines: ir.Table,
    facility: ir.Table,
    span: Span,
    rules: ServiceRules,
    primary_care: ir.Table,
    hospitals: Sequence[str],
) -> SpanUse:
    """Return a span's use, from the claims of its years alone."""
    return SpanUse(
        span,
        primary_care_use(lines, span.pieces, rules),
        own_services(lines, span.pieces, primary_care, rules),
        hospital_use(facility, span.pieces, hospitals),
    )


@dataclass(frozen=True)
class WindowUse:
    """Use in windows, by year: of person and clinician, of clinician, of person and hospital."""

    primary_care: ir.Table
    own_services: ir.Table
    hospitals: ir.Table


def in_window(
    used: Sequence[SpanUse], windows: Mapping[int, Sequence[Period]], people: ir.Table
) -> WindowUse:
    """Put the pieces of each year's window together, with the attribution year as a key.

    Primary care is of `people` (year, bene_id) only, one row per (year, bene_id, npi, step); own
    services, per (year, npi), and hospitals, as `hospitals_in_windows` has them, are of everybody.
    """
    every_care = _rows([(u.span, u.primary_care) for u in used], windows)
    care = every_care.semi_join(people, PERSON)
    own = _rows([(u.span, u.own_services) for u in used], windows)
    return WindowUse(
        care.group_by(*PERSON, "npi", "step").agg(
            allowed=care.allowed.sum().cast(DOLLAR_SUM),
            visits=care.visits.sum().cast("int32"),
            last_date=care.last_date.max(),
        ),
        own.group_by("year", "npi").agg(
            all_lines=own.all_lines.sum().cast(DOLLAR_SUM),
            primary_care=own.primary_care.sum().cast(DOLLAR_SUM),
        ),
        hospitals_in_windows([(u.span, u.hospitals) for u in used], windows),
    )


def hospitals_in_windows(
    used: Sequence[tuple[Span, ir.Table]], windows: Mapping[int, Sequence[Period]]
) -> ir.Table:
    """Return the rows of `hospital_use` of each year's window: one or more a (year, bene_id, ccn).

    One for each piece of the window. All that is asked of them are sums by clinician, ZIP or
    hospital, for which they need not be added up by person first.
    """
    return _rows(used, windows).drop("piece")


def _rows(
    parts: Sequence[tuple[Span, ir.Table]], windows: Mapping[int, Sequence[Period]]
) -> ir.Table:
    """Return the rows of each year's window; a row that two windows have stands there twice."""
    chosen = [
        table.filter(table.piece.isin(numbers)).mutate(year=ibis.literal(year, type="int32"))
        for year, window in windows.items()
        for span, table in parts
        if (numbers := span.numbers(window))
    ]
    return cast(ir.Table, ibis.union(*chosen)) if len(chosen) > 1 else chosen[0]
