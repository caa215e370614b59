"""What the run knows of each year's completeness, for every table and page (rules T2, T3)."""

from collections.abc import Callable
from datetime import date

import ibis.expr.types as ir
import pandas as pd

from tcoc.params import Run, TcocPolicy
from tcoc.params.completion import given_factor
from tcoc.reference import Reference
from tcoc.rules.completion import (
    COMPLETION,
    Measured,
    YearCompletion,
    claim_development,
    completion_of,
    completion_rows,
    last_month_processed,
    measured_completion,
    year_completion,
)
from tcoc.rules.spending import completion_factor
from tcoc.store.facts import CLAIMS, has_claims, processed_to, run_out_end
from tcoc.store.layout import Store
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Product, Study

RUN_FILE = "the run file"
"""Source of a factor that the run file gives as a bare number."""


# ---------------------------------------------------------------- tables


def development(study: Study) -> ir.Table:
    """Payments by setting, service month and months until processed, of the run's years (T2)."""
    years = [year for year in study.run.years if has_claims(study.store, year)]
    return claim_development(*(study.store_table(name, years) for name in CLAIMS))


def completion_years(study: Study) -> pd.DataFrame:
    """Each year's completion factor, where it comes from, and the run-out it rests on (T2)."""
    return completion_rows(_facts(study, year) for year in study.run.years)


def _facts(study: Study, year: int) -> YearCompletion:
    entry = study.run.spec.completion.get(year)
    given = None if entry is None else given_factor(entry)
    measured = _measured(study, year) if entry == "measured" else None
    factor = None if given is None else (given.value, given.source or RUN_FILE)
    return year_completion(year, *_reach(study.run, study.store, year), factor, measured)


def _reach(run: Run, store: Store, year: int) -> tuple[date | None, int]:
    """Return up to when a year's claims had time to arrive, and the months that they need."""
    end = run_out_end(store) if has_claims(store, year) else None
    return end, TcocPolicy.of(run.policy).run_out_months


def uncovered(run: Run, store: Store, year: int) -> YearCompletion | None:
    """Return what is known of a year that is incomplete, None for any other (rule T2).

    What the run file and the store's files say is enough for that: no claim is read.
    """
    if year in run.spec.completion:
        return None
    facts = year_completion(year, *_reach(run, store, year))
    return facts if facts.incomplete else None


def judge(run: Run, store: Store, _references: Reference) -> None:
    """Refuse a completion that is to be measured on a store that does not have the dates (T2)."""
    for year, entry in run.spec.completion.items():
        if entry == "measured":
            last_month_processed(processed_to(store), year)


def _measured(study: Study, year: int) -> Measured:
    months = TcocPolicy.of(study.policy).development_months
    rows = study.frame("claim_development")
    return measured_completion(rows, year, processed_to(study.store), months)


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
        alone=True,
    ),
    Product("completion_years", ("year",), completion_years, COMPLETION),
)
"""Measured development is computed only where a run asks for it; the years always are."""
