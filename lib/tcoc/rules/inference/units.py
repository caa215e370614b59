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


def units_of(attribution: ir.Table, beneficiary_year: ir.Table) -> ir.Table:
    """Return a row per (year, bene_id, ccn): unit and share (rule R6).

    The unit is the NPI of the attribution row, else "ZIP " and the home ZIP; people of unknown ZIP
    are one unit, as rule A9 treats them alike.
    """
    homes = beneficiary_year.select(
        home_year=beneficiary_year.year, person=beneficiary_year.bene_id, zip=beneficiary_year.zip
    )
    rows = attribution.join(
        homes,
        (attribution.year == homes.home_year) & (attribution.bene_id == homes.person),
        how="left",
    )
    return cast(
        ir.Table,
        rows.select(
            year=rows.year.cast("int32"),
            bene_id=rows.bene_id,
            ccn=rows.ccn,
            share=rows.share.cast("float64"),
            unit=_unit(rows.npi, rows.zip),
        ),
    )


def whole_sums(people: ir.Table, attribution: ir.Table, by: Sequence[str] = ()) -> ir.Table:
    """Return months and dollars by unit, year, hospital and share, all buckets together (rule R6).

    `people` has a row per (year, bene_id) with zip, months and dollars; `by` are columns that tell
    attributions apart.
    """
    rows = attribution.inner_join(people, ["year", "bene_id"])
    rows = rows.filter((rows.months > 0) & (rows.share > 0))
    sums = rows.group_by(
        *by, "year", "ccn", unit=_unit(rows.npi, rows.zip), share=rows.share.cast("float64")
    ).agg(months=rows.months.sum().cast("int32"), dollars=rows.dollars.sum().cast("decimal(18, 2)"))
    return cast(ir.Table, sums)


def _unit(npi: ir.StringValue, zip_code: ir.StringValue) -> ir.Value:
    return cast(ir.Value, ibis.coalesce(npi, ibis.literal(ZIP_PREFIX) + zip_code.fill_null("")))


def unit_sums(people: ir.Table, units: ir.Table, labels: ir.Table) -> ir.Table:
    """Return months, dollars and scores by unit, year, hospital, share and bucket (rule R6).

    `people` are rows of `profiles`; `labels` give each profile's bucket number and its new enrollee
    factor in millionths (0 for ESRD). Months and scores are whole and dollars exact before the
    share is applied: the sums are the same on every engine and in every order.
    """
    rows = people.inner_join(units, ["year", "bene_id"]).inner_join(labels, list(PROFILE))
    rows = rows.filter((rows.months > 0) & (rows.share > 0))
    sums = rows.group_by(list(UNIT_KEY)).agg(
        months=rows.months.sum().cast("int32"),
        dollars=rows.dollars.sum().cast("decimal(18, 2)"),
        score=(rows.months.cast("float64") * rows.factor).sum(),
    )
    return cast(ir.Table, sums)
