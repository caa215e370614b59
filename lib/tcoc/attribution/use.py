"""What people use in a window, by clinician and by hospital: the small tables behind A2 to A9.

Each is made once from a calendar year's claims, by piece of the year (a federal fiscal year takes
January to September of one and October to December of another), and a window puts its pieces
together: dates of different pieces are different, so that visits add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.attribution.window import Period
from tcoc.reference import CodeLists
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS


def piece_of(day: ir.DateValue, pieces: Sequence[Period]) -> ir.IntegerValue:
    """Return in which of successive pieces a date of theirs lies, counted from 0."""
    number: ir.IntegerValue = ibis.literal(0, type="int32")
    for piece in pieces[1:]:
        begun = day >= ibis.date(piece.first.year, piece.first.month, piece.first.day)
        number = number + begun.cast("int32")
    return cast(ir.IntegerValue, number.cast("int32"))


def whole(pieces: Sequence[Period]) -> Period:
    """Return the period from the first of successive pieces to the last."""
    return Period(pieces[0].first, pieces[-1].last)


def primary_care_use(lines: ir.Table, pieces: Sequence[Period], codes: CodeLists) -> ir.Table:
    """Allowed dollars, visits and last date of primary care, per beneficiary and clinician (A2).

    One row per (bene_id, npi, step, piece); step is 1 for primary care specialties, 2 for the
    selected others. A visit is a distinct service date of the beneficiary with the clinician in
    the step.
    """
    services = lines.filter(
        *whole(pieces).holds(lines.service_date),
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


def own_services(lines: ir.Table, pieces: Sequence[Period], codes: CodeLists) -> ir.Table:
    """A clinician's own allowed dollars, of all lines and of primary care, of all patients (A7).

    One row per (npi, piece). Primary care is rule A2's services, of whatever specialty.
    """
    own = lines.filter(*whole(pieces).holds(lines.service_date), lines.npi.notnull())
    amount = own.allowed_amount
    by_code = own.group_by("npi", "hcpcs", piece=piece_of(own.service_date, pieces)).agg(
        all_lines=amount.sum(), above_zero=ibis.ifelse(amount > 0, amount, 0).sum()
    )
    primary = by_code.hcpcs.fill_null("").isin(codes.primary_care)
    return cast(
        ir.Table,
        by_code.group_by("npi", "piece").agg(
            all_lines=by_code.all_lines.sum().cast(DOLLAR_SUM),
            primary_care=ibis.ifelse(primary, by_code.above_zero, 0).sum().cast(DOLLAR_SUM),
        ),
    )


def hospital_use(
    facility: ir.Table, pieces: Sequence[Period], hospitals: Sequence[str]
) -> ir.Table:
    """Inpatient and outpatient payments, claims and visits at eligible hospitals (A5, A8, A9).

    One row per (bene_id, ccn, piece), by last day of the claim. A visit is a distinct last day.
    """
    claims = facility.filter(
        *whole(pieces).holds(facility.thru_date),
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
class YearUse:
    """Use in a calendar year by its pieces: of all that a window may ask for."""

    pieces: tuple[Period, ...]
    primary_care: ir.Table
    own_services: ir.Table
    hospitals: ir.Table

    def numbers(self, window: Sequence[Period]) -> list[int]:
        """Return which pieces lie in a window."""
        return [
            number
            for number, piece in enumerate(self.pieces)
            if any(period.contains(piece) for period in window)
        ]


def year_use(
    lines: ir.Table,
    facility: ir.Table,
    pieces: tuple[Period, ...],
    codes: CodeLists,
    hospitals: Sequence[str],
) -> YearUse:
    """Return a calendar year's use, from its claims."""
    return YearUse(
        pieces,
        primary_care_use(lines, pieces, codes),
        own_services(lines, pieces, codes),
        hospital_use(facility, pieces, hospitals),
    )


@dataclass(frozen=True)
class WindowUse:
    """Use in a window: by person and clinician, by clinician, by person and hospital."""

    primary_care: ir.Table
    own_services: ir.Table
    hospitals: ir.Table


def in_window(years: Sequence[YearUse], window: Sequence[Period], people: ir.Table) -> WindowUse:
    """Put the pieces of a window together; primary care of some people, the rest of everybody.

    Primary care has a row per (bene_id, npi, step), own services per npi, hospitals per
    (bene_id, ccn).
    """
    care = _rows([(y.primary_care, y.numbers(window)) for y in years]).semi_join(people, "bene_id")
    own = _rows([(y.own_services, y.numbers(window)) for y in years])
    stays = _rows([(y.hospitals, y.numbers(window)) for y in years])
    return WindowUse(
        care.group_by("bene_id", "npi", "step").agg(
            allowed=care.allowed.sum().cast(DOLLAR_SUM),
            visits=care.visits.sum().cast("int32"),
            last_date=care.last_date.max(),
        ),
        own.group_by("npi").agg(
            all_lines=own.all_lines.sum().cast(DOLLAR_SUM),
            primary_care=own.primary_care.sum().cast(DOLLAR_SUM),
        ),
        stays.group_by("bene_id", "ccn").agg(
            paid=stays.paid.sum().cast(DOLLAR_SUM),
            claims=stays.claims.sum().cast("int32"),
            visits=stays.visits.sum().cast("int32"),
        ),
    )


def _rows(parts: Sequence[tuple[ir.Table, list[int]]]) -> ir.Table:
    chosen = [table.filter(table.piece.isin(numbers)) for table, numbers in parts if numbers]
    return cast(ir.Table, ibis.union(*chosen)) if len(chosen) > 1 else chosen[0]
