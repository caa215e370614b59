"""What the run knows of each year's completeness, for every table and page (rules T2, T3)."""

from collections.abc import Callable, Iterable
from datetime import date

import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as pq

from tcoc.params import TcocPolicy
from tcoc.params.completion import given_factor
from tcoc.rules.completion import (
    COMPLETION,
    Measured,
    YearCompletion,
    claim_development,
    completion_of,
    completion_rows,
    measured_completion,
    year_completion,
)
from tcoc.rules.spending import completion_factor
from tcoc.store.schema import DOLLAR_SUM, TABLES
from tcoc.study import Product, Study

CLAIMS = ("professional", "facility", "dme")

RUN_FILE = "the run file"
"""Source of a factor that the run file gives as a bare number."""


def claim_rows(study: Study, year: int, names: Iterable[str] = CLAIMS) -> int:
    """Return how many claim rows the store has of a year (by the Parquet files' own counts)."""
    files = [file for name in names for file in study.store.files(name, [year])]
    return sum(pq.read_metadata(file).num_rows for file in files)


def has_claims(study: Study, year: int) -> bool:
    """Whether the store has any claim row of a year."""
    return claim_rows(study, year) > 0


def claims_end(study: Study) -> date | None:
    """Return the last service date of any claim in the store, None for a store without claims."""
    return _last_day(study, lambda name: TABLES[name].year_of or "")


def processed_to(study: Study) -> date | None:
    """Return the last processing date of the newest claims, None for a store without such dates."""
    return _last_day(study, lambda _: "processed_date")


def _last_day(study: Study, column: Callable[[str], str]) -> date | None:
    """Return the last date of a column over the newest filled partition of each claims table."""
    ends = []
    for name in CLAIMS:
        years = study.store.partitions(name)
        filled = [y for y in years if any(pq.read_metadata(f).num_rows for f in years[y])]
        table = study.store_table(name, [max(filled)]) if filled else None
        if table is not None and column(name) in table.columns:
            day = table[column(name)].max().execute()
            ends += [] if pd.isna(day) else [pd.Timestamp(day).date()]
    return max(ends, default=None)


# ---------------------------------------------------------------- tables


def development(study: Study) -> ir.Table:
    """Payments by setting, service month and months until processed, of the run's years (T2)."""
    years = [year for year in study.run.years if has_claims(study, year)]
    return claim_development(*(study.store_table(name, years) for name in CLAIMS))


def completion_years(study: Study) -> pd.DataFrame:
    """Each year's completion factor, where it comes from, and the run-out it rests on (T2)."""
    return completion_rows(_facts(study, year) for year in study.run.years)


def _facts(study: Study, year: int) -> YearCompletion:
    entry = study.run.spec.completion.get(year)
    end = _run_out_end(study) if has_claims(study, year) else None
    needed = TcocPolicy.of(study.policy).run_out_months
    if entry is None:
        return year_completion(year, end, needed)
    given = given_factor(entry)
    if given is None:
        return year_completion(year, end, needed, measured=_measured(study, year))
    return year_completion(year, end, needed, given=(given.value, given.source or RUN_FILE))


def _run_out_end(study: Study) -> date | None:
    """Return up to when claims had time to arrive: the later of service and processing dates.

    An extract of one year's services has no later service date, however long it waited; its
    processing dates say how long.
    """
    return max((d for d in (claims_end(study), processed_to(study)) if d), default=None)


def _measured(study: Study, year: int) -> Measured:
    months = TcocPolicy.of(study.policy).development_months
    reached = processed_to(study)
    # The store without dates is refused by the table itself, in the same words.
    rows = study.frame("claim_development")
    return measured_completion(rows, year, reached or date.min, months)


def completion_facts(study: Study) -> dict[int, YearCompletion]:
    """Return what the run knows of each year's completeness, for any table or page (T2, T3)."""
    return dict(completion_of(study.frame("completion_years")))


def completion(study: Study) -> Callable[[int], float]:
    """Return the completion factor of a year, 1 where the run names none (rule T2)."""
    return completion_factor({y: f.factor for y, f in completion_facts(study).items()})


DEVELOPMENT = {
    "setting": "string",
    "year": "int32",
    "month": "int32",
    "lag": "int32",
    "paid_amount": DOLLAR_SUM,
}

PRODUCTS = (
    Product(
        "claim_development",
        ("setting", "year", "month", "lag"),
        development,
        DEVELOPMENT,
        internal=True,
    ),
    Product("completion_years", ("year",), completion_years, COMPLETION),
)
"""Measured development is computed only where a run asks for it; the years always are."""
