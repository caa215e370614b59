"""Rule R6: beneficiary-years summed by the unit that attributes them.

Rule A8 sends a clinician's whole panel to a hospital, so people do not come and go singly. What is
drawn is therefore the row's NPI, or the home ZIP where no clinician attributes (rule A9).
"""

from collections.abc import Sequence
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.rules.risk.buckets import PROFILE

ZIP_PREFIX = "ZIP "
"""Marks a unit that is a place: no NPI begins so."""

MILLIONTHS = 1_000_000

UNIT_KEY = ("unit", "year", "ccn", "share", "bucket")
"""The key of the sums: `share` stays a key so that whole cents are summed, in any order."""


def whole_sums(people: ir.Table, attribution: ir.Table, by: Sequence[str] = ()) -> ir.Table:
    """Return months and dollars by unit, year, hospital and share, all buckets together (rule R6).

    `people` has a row per (year, bene_id) with zip, months and dollars; `by` are columns that tell
    attributions apart.
    """
    rows = _with_units(people, attribution)
    sums = rows.group_by(*by, "year", "ccn", "unit", "share").agg(
        months=rows.months.sum().cast("int32"), dollars=rows.dollars.sum().cast("decimal(18, 2)")
    )
    return cast(ir.Table, sums)


def _with_units(people: ir.Table, attribution: ir.Table) -> ir.Table:
    """Return the attribution's rows of `people` with months and a share, each with its unit.

    The unit is the row's NPI, else "ZIP " and the home ZIP; people of unknown ZIP are one unit, as
    rule A9 treats them alike.
    """
    rows = attribution.inner_join(people, ["year", "bene_id"])
    place = ibis.literal(ZIP_PREFIX) + rows.zip.fill_null("")
    rows = rows.mutate(unit=ibis.coalesce(rows.npi, place), share=rows.share.cast("float64"))
    return cast(ir.Table, rows.filter((rows.months > 0) & (rows.share > 0)))


def unit_sums(people: ir.Table, attribution: ir.Table, labels: ir.Table) -> ir.Table:
    """Return months, dollars and scores by unit, year, hospital, share and bucket (rule R6).

    `people` are rows of `profiles`; `labels` give each profile's bucket number and its new enrollee
    factor in millionths (0 for ESRD). Months and scores are whole and dollars exact before the
    share is applied: the sums are the same on every engine and in every order.
    """
    known = people.inner_join(labels, list(PROFILE)).drop(*PROFILE)
    rows = _with_units(known, attribution)
    sums = rows.group_by(list(UNIT_KEY)).agg(
        months=rows.months.sum().cast("int32"),
        dollars=rows.dollars.sum().cast("decimal(18, 2)"),
        score=(rows.months.cast("float64") * rows.factor).sum(),
    )
    return cast(ir.Table, sums)
