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

from tcoc.reference import CodeLists
from tcoc.rules.attribution import PERSON
from tcoc.rules.attribution.window import Period, Span
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS


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


def primary_care_use(lines: ir.Table, pieces: Sequence[Period], codes: CodeLists) -> ir.Table:
    """Allowed dollars, visits and last date of primary care, per beneficiary and clinician (A2).

    One row per (bene_id, npi, step, piece); step is 1 for primary care specialties, 2 for the
    selected others. A visit is a distinct service date of the beneficiary with the clinician in
    the step.
    """
    services = lines.filter(
        *_inside(lines.service_date, pieces),
        lines.npi.notnull(),
        lines.allowed_amount > 0,
        lines.hcpcs.isin(codes.primary_care),
        lines.specialty.isin((*codes.step_1, *codes.step_2)),
    )
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


def own_services(lines: ir.Table, pieces: Sequence[Period], primary_care: ir.Table) -> ir.Table:
    """A clinician's own allowed dollars, of all lines and of primary care, of all patients (A7).

    One row per (npi, piece). Primary care is rule A2's services, of whatever specialty;
    `primary_care` has their codes in its only column, `code`.
    """
    own = lines.filter(*_inside(lines.service_date, pieces), lines.npi.notnull())
    flagged = own.left_join(primary_care, own.hcpcs == primary_care.code)
    amount = flagged.allowed_amount
    primary = flagged.code.notnull() & (amount > 0)
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
    codes: CodeLists,
    primary_care: ir.Table,
    hospitals: Sequence[str],
) -> SpanUse:
    """Return a span's use, from the claims of its years alone."""
    return SpanUse(
        span,
        primary_care_use(lines, span.pieces, codes),
        own_services(lines, span.pieces, primary_care),
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
    services, per (year, npi), and hospitals, per (year, bene_id, ccn), are of everybody.
    """
    every_care = _rows([(u.span, u.primary_care) for u in used], windows)
    care = every_care.semi_join(people, PERSON)
    own = _rows([(u.span, u.own_services) for u in used], windows)
    stays = _rows([(u.span, u.hospitals) for u in used], windows)
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
        stays.group_by(*PERSON, "ccn").agg(
            paid=stays.paid.sum().cast(DOLLAR_SUM),
            claims=stays.claims.sum().cast("int32"),
            visits=stays.visits.sum().cast("int32"),
        ),
    )


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
