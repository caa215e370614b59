"""Who each beneficiary of a finished attribution belongs to, whatever the hospitals."""

from collections.abc import Sequence
from typing import cast

import ibis.expr.types as ir

from tcoc.rules.population import by_person


def belonging(attribution: ir.Table, years: Sequence[int]) -> ir.Table:
    """One row per attributed (year, bene_id) of successive years: what all of its rows have.

    stage, npi and aco_id (null where they are null, rule A1), and the number of hospitals.
    """
    rows = attribution.filter(attribution.year.isin(years))
    one = by_person(
        rows,
        years,
        stage=rows.stage.min(),
        npi=rows.npi.min(),
        aco_id=rows.aco_id.min(),
        hospitals=rows.count().cast("int32"),
    )
    return cast(ir.Table, one.select(*BELONGING))


BELONGING = {
    "year": "int32",
    "bene_id": "string",
    "stage": "string",
    "npi": "string",
    "aco_id": "string",
    "hospitals": "int32",
}
"""The columns of `belonging` and their types."""
