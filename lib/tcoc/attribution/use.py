"""What people use in a window, by clinician and by hospital: the small tables behind A2 to A9.

Each is made once for a piece of a window (a fiscal or calendar year), and the pieces of a window
are then put together: dates of different pieces are different, so that visits add up.
"""

from collections.abc import Sequence
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.attribution.window import Period
from tcoc.reference import CodeLists
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS


def primary_care_use(lines: ir.Table, period: Period, codes: CodeLists) -> ir.Table:
    """Allowed dollars, visits and last date of primary care, per beneficiary and clinician (A2).

    One row per (bene_id, npi, step); step is 1 for primary care specialties, 2 for the selected
    others. A visit is a distinct service date of the beneficiary with the clinician in the step.
    """
    services = lines.filter(
        *period.holds(lines.service_date),
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
        days.group_by("bene_id", "npi", "step").agg(
            allowed=days.allowed.sum().cast(DOLLAR_SUM),
            visits=days.count().cast("int32"),
            last_date=days.service_date.max(),
        ),
    )


def own_services(lines: ir.Table, period: Period, codes: CodeLists) -> ir.Table:
    """A clinician's own allowed dollars, of all lines and of primary care, of all patients (A7).

    One row per npi. Primary care is rule A2's services, of whatever specialty.
    """
    own = lines.filter(*period.holds(lines.service_date), lines.npi.notnull())
    amount = own.allowed_amount
    by_code = own.group_by("npi", "hcpcs").agg(
        all_lines=amount.sum(), above_zero=ibis.ifelse(amount > 0, amount, 0).sum()
    )
    primary = by_code.hcpcs.fill_null("").isin(codes.primary_care)
    return cast(
        ir.Table,
        by_code.group_by("npi").agg(
            all_lines=by_code.all_lines.sum().cast(DOLLAR_SUM),
            primary_care=ibis.ifelse(primary, by_code.above_zero, 0).sum().cast(DOLLAR_SUM),
        ),
    )


def hospital_use(facility: ir.Table, period: Period, hospitals: Sequence[str]) -> ir.Table:
    """Inpatient and outpatient payments, claims and visits at eligible hospitals (A5, A8, A9).

    One row per (bene_id, ccn), by last day of the claim. A visit is a distinct last day.
    """
    claims = facility.filter(
        *period.holds(facility.thru_date),
        facility.setting.isin(HOSPITAL_SETTINGS),
        facility.ccn.isin(tuple(hospitals)),
    )
    days = claims.group_by("bene_id", "ccn", "thru_date").agg(
        paid=claims.paid_amount.sum(), claims=claims.count().cast("int32")
    )
    return cast(
        ir.Table,
        days.group_by("bene_id", "ccn").agg(
            paid=days.paid.sum().cast(DOLLAR_SUM),
            claims=days.claims.sum().cast("int32"),
            visits=days.count().cast("int32"),
        ),
    )


def join_primary_care(pieces: Sequence[ir.Table]) -> ir.Table:
    """Put the pieces of a window together: one row per (bene_id, npi, step)."""
    if len(pieces) == 1:
        return pieces[0]
    rows = ibis.union(*pieces)
    return cast(
        ir.Table,
        rows.group_by("bene_id", "npi", "step").agg(
            allowed=rows.allowed.sum().cast(DOLLAR_SUM),
            visits=rows.visits.sum().cast("int32"),
            last_date=rows.last_date.max(),
        ),
    )


def join_own_services(pieces: Sequence[ir.Table]) -> ir.Table:
    """Put the pieces of a window together: one row per npi."""
    rows = ibis.union(*pieces) if len(pieces) > 1 else pieces[0]
    return cast(
        ir.Table,
        rows.group_by("npi").agg(
            all_lines=rows.all_lines.sum().cast(DOLLAR_SUM),
            primary_care=rows.primary_care.sum().cast(DOLLAR_SUM),
        ),
    )


def join_hospital_use(pieces: Sequence[ir.Table]) -> ir.Table:
    """Put the pieces of a window together: one row per (bene_id, ccn)."""
    if len(pieces) == 1:
        return pieces[0]
    rows = ibis.union(*pieces)
    return cast(
        ir.Table,
        rows.group_by("bene_id", "ccn").agg(
            paid=rows.paid.sum().cast(DOLLAR_SUM),
            claims=rows.claims.sum().cast("int32"),
            visits=rows.visits.sum().cast("int32"),
        ),
    )
