"""The data intake's tables of a run: volumes by month, checks with lights, yearly change."""

from functools import cache

import ibis.expr.types as ir
import pandas as pd

from tcoc import intake
from tcoc.pipeline import Product, Study
from tcoc.store.schema import DOLLAR_SUM, TABLES

STATE = "MD"


def volumes(study: Study) -> ir.Table:
    """Rows, people and dollars of the whole store, by part, year and month."""
    return intake.volumes(_tables(study))


def import_summary(study: Study) -> pd.DataFrame:
    """Every check of the store by year: count, share, traffic light and rule."""
    zips = study.connection.load(pd.DataFrame({"zip": list(state_zips())}), {"zip": "string"})
    counted = study.connection.fetch(
        intake.all_checks(_tables(study), zips, study.policy), ["check", "year"]
    )
    return intake.traffic_lights(counted, study.policy)


def yearly(study: Study) -> pd.DataFrame:
    """Rows and dollars by part and year, and the change from the year before."""
    return intake.yearly_change(study.frame("intake_volumes"))


def _tables(study: Study) -> dict[str, ir.Table]:
    return {name: study.store_table(name) for name in TABLES}


@cache
def state_zips() -> tuple[str, ...]:
    """Return Maryland's ZIP codes; source: the zipcodes package 3.0."""
    import zipcodes

    return tuple(sorted(z["zip_code"] for z in zipcodes.filter_by(state=STATE)))


PRODUCTS: tuple[Product, ...] = (
    Product(
        "intake_volumes",
        ("part", "year", "month"),
        volumes,
        {
            "part": "string",
            "year": "int32",
            "month": "int32",
            "rows": "int64",
            "people": "int64",
            "dollars": DOLLAR_SUM,
        },
    ),
    Product(
        "import_summary",
        ("check", "year"),
        import_summary,
        {**intake.COUNTS, "share": "float64", "light": "string", "rule": "string"},
    ),
    Product(
        "intake_yearly",
        ("part", "year"),
        yearly,
        {
            "part": "string",
            "year": "int32",
            "rows": "int64",
            "dollars": DOLLAR_SUM,
            "change": "float64",
        },
    ),
)
