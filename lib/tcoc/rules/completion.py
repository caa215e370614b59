"""How complete a service year's dollars are: given, measured, or not known (rules T2 and T3).

A completion factor belongs to an extract and a service year. It comes from the run file, or it is
measured from the extract's own processing dates by the chain ladder, or it is 1. The chain ladder
is Mack's (ASTIN Bulletin 23, 1993): volume-weighted factors by setting and month of lag, with the
error that its model gives. It is written out here, fifty lines of arithmetic, because the
chainladder package would add its own triangle class, numba and scikit-learn for what two functions
say; its numbers are the same to the last digit, and a test holds Mack's published ones.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, cast

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from tcoc.errors import InputError
from tcoc.store.schema import DOLLAR_SUM

Array = npt.NDArray[Any]

DEVELOPMENT = ("setting", "year", "month", "lag", "paid_amount")
WEEK = pd.Timedelta(days=7)


# ---------------------------------------------------------------- what the claims say


def claim_development(professional: ir.Table, facility: ir.Table, dme: ir.Table) -> ir.Table:
    """Payments by setting, service month and months until they were processed (rule T2).

    One row per (setting, year, month, lag); lag is null for claims without a processing date, and
    0 for those dated before the month of service. A facility claim lies in the month of its last
    day. InputError for a store that has no processing dates.
    """
    for table in (professional, facility, dme):
        if "processed_date" not in table.columns:
            raise InputError(NO_DATES)
    parts = [
        facility.select("paid_amount", "processed_date", "setting", day="thru_date"),
        *(
            lines.select(
                "paid_amount", "processed_date", setting=ibis.literal(name), day="service_date"
            )
            for name, lines in (("professional", professional), ("dme", dme))
        ),
    ]
    return cast(ir.Table, ibis.union(*(_developed(part) for part in parts)))


NO_DATES = (
    "completion: measured needs the date on which claims were processed, which this store does not"
    " have; give the factor and its source, such as completion: {2018: {value: 0.99, source: ...}}"
)


def _developed(claims: ir.Table) -> ir.Table:
    day, done = claims.day, claims.processed_date
    months = (done.year() - day.year()) * 12 + done.month() - day.month()
    lag = ibis.greatest(months, 0).cast("int32")
    return cast(
        ir.Table,
        claims.group_by(
            "setting",
            year=day.year().cast("int32"),
            month=day.month().cast("int32"),
            # Greatest of null and 0 is 0 on DuckDB and null on Spark; null is what is meant.
            lag=ibis.ifelse(done.isnull(), ibis.null("int32"), lag),
        ).agg(paid_amount=claims.paid_amount.sum().cast(DOLLAR_SUM)),
    )


# ---------------------------------------------------------------- the chain ladder


@dataclass(frozen=True)
class Measured:
    """A year's completion as its own processing dates measure it, with its standard error."""

    factor: float
    error: float
    paid: float
    ultimate: float


def measured_completion(
    development: pd.DataFrame, year: int, processed_to: date | None, months: int
) -> Measured:
    """Return a service year's completion by the chain ladder, over all settings (rule T2).

    `development` has the rows of `claim_development`, `processed_to` is the last processing date
    of the extract, and claims are taken to be complete `months` after their month of service.
    InputError where there are no dates, or they end before the year does.
    """
    dated = development[development["lag"].notna()]
    if dated.empty:
        raise InputError(NO_DATES)
    last = last_month_processed(processed_to, year)
    found = [_of_setting(rows, year, last, months) for _, rows in dated.groupby("setting")]
    paid, ultimate, variance = (sum(values) for values in zip(*found, strict=True))
    if ultimate <= 0:
        raise InputError(f"completion: {year} cannot be measured: the store has no dollars of it")
    return Measured(paid / ultimate, paid / ultimate**2 * variance**0.5, paid, ultimate)


def last_month_processed(processed_to: date | None, year: int) -> int:
    """Return the last month (year x 12 + month - 1) that was processed to its end (rule T2).

    Processing dates are weekly in Medicare's files: a date in the month's last week closes it.
    InputError where there are no dates, or they end before the year that is to be measured does.
    """
    if processed_to is None:
        raise InputError(NO_DATES)
    day = pd.Timestamp(processed_to)
    month = day.year * 12 + day.month - 1
    last = int(month if (day + WEEK).month != day.month else month - 1)
    if last < year * 12 + 11:
        raise InputError(
            f"completion: {year} cannot be measured: claims were processed up to {processed_to},"
            f" and the year's last month needs a whole month of processing; give a factor"
        )
    return last


def _of_setting(
    rows: pd.DataFrame, year: int, last: int, months: int
) -> tuple[float, float, float]:
    """Return dollars paid, ultimate dollars and the variance of the latter, of one setting."""
    origin = (rows["year"] * 12 + rows["month"] - 1).to_numpy(dtype=np.int64)
    lag = np.minimum(rows["lag"].to_numpy(dtype=np.int64), months)
    paid = rows["paid_amount"].to_numpy(dtype=float)
    first = int(origin.min())
    grid = np.zeros((max(last - first, 0) + 1, months + 1))
    # What was processed after the last whole month belongs to no diagonal, but is paid.
    whole = (origin + lag <= last) & (origin <= last)
    np.add.at(grid, (origin[whole] - first, lag[whole]), paid[whole])
    of_year = (np.arange(len(grid)) + first) // 12 == year
    ultimate, variance = chain_ladder(grid.cumsum(axis=1), of_year)
    return float(paid[origin // 12 == year].sum()), ultimate, variance


def chain_ladder(cumulative: Array, chosen: Array) -> tuple[float, float]:
    """Return the ultimate of some origins of a triangle and its mean squared error (Mack 1993).

    Origins x lags, one month apart in both; origin i is seen up to lag n - 1 - i from the last.
    A lag that no origin has completed develops no further.
    """
    count, lags = cumulative.shape
    seen = np.minimum(count - 1 - np.arange(count), lags - 1)
    factors, sigma2, volume = _factors(cumulative, seen)
    filled = cumulative.astype(float).copy()
    for k in range(lags - 1):
        open_ = seen <= k
        filled[open_, k + 1] = filled[open_, k] * factors[k]
    ultimate = filled[:, -1]
    error = 0.0
    for k in range(lags - 1):
        active = (seen <= k) & chosen & (filled[:, k] > 0)
        if not active.any() or volume[k] <= 0 or factors[k] == 0:
            continue
        own = (ultimate[active] ** 2 / filled[active, k]).sum()
        # Origins share the estimated factor, so their errors add before they are squared.
        shared = ultimate[active].sum() ** 2 / volume[k]
        error += sigma2[k] / factors[k] ** 2 * (own + shared)
    return float(ultimate[chosen].sum()), float(error)


def _factors(cumulative: Array, seen: Array) -> tuple[Array, Array, Array]:
    """Return the factor from each lag to the next, its variance parameter and its volume."""
    steps = cumulative.shape[1] - 1
    factors, sigma2, volume = np.ones(steps), np.full(steps, np.nan), np.zeros(steps)
    for k in range(steps):
        known = (seen > k) & (cumulative[:, k] > 0)
        before, after = cumulative[known, k], cumulative[known, k + 1]
        volume[k] = before.sum()
        if volume[k] <= 0:
            continue
        factors[k] = after.sum() / volume[k]
        if known.sum() > 1:
            spread = before * (after / before - factors[k]) ** 2
            sigma2[k] = spread.sum() / (known.sum() - 1)
    # With one pair left there is no variance to estimate: Mack continues the two before it.
    for k in range(steps):
        if np.isnan(sigma2[k]):
            sigma2[k] = _continued(sigma2[max(k - 2, 0) : k])
    return factors, sigma2, volume


def _continued(earlier: Array) -> float:
    """Return Mack's variance parameter of a lag with one pair, from those of the lags before."""
    if len(earlier) < 2:
        return float(earlier.min()) if len(earlier) else 0.0
    first, second = earlier
    falling = [second**2 / first] if first > 0 else []
    return float(min(first, second, *falling))


# ---------------------------------------------------------------- what is known of a year


@dataclass(frozen=True)
class YearCompletion:
    """What a run knows of one service year's completeness (rules T2, T3).

    factor      dollars as paid over final dollars; 1 where nothing says otherwise
    basis       where it comes from: the run file, the extract's processing dates, or nowhere
    run_out     whole months after the year's end that the claims reach; negative before its end
    short       the claims end before the run-out that makes a year complete
    """

    year: int
    factor: float
    basis: Literal["none", "run", "measured"]
    source: str
    error: float | None
    claims_end: date | None
    run_out: int | None
    short: bool

    @property
    def has_factor(self) -> bool:
        """Whether a factor covers the year; a given factor of 1 says that it is complete."""
        return self.basis != "none"

    @property
    def incomplete(self) -> bool:
        """Whether the claims end too early and no factor makes up for it (rule T2)."""
        return self.short and not self.has_factor

    @property
    def doubly_complete(self) -> bool:
        """Whether a factor raises the dollars of a year whose run-out is full (rule T2)."""
        return self.has_factor and self.factor != 1 and not self.short


def run_out(year: int, end: date | None) -> int | None:
    """Return the whole months after a year's end that claims reach, None without claims.

    Zero when they reach 31 December, 3 on 31 March of the next year.
    """
    if end is None:
        return None
    months = (end.year - year) * 12 + end.month - 12
    last_day = pd.Timestamp(end).is_month_end
    return int(months if last_day else months - 1)


def is_short(year: int, end: date | None, needed: int) -> bool:
    """Whether claims end before a year's run-out does (rule T2); not asked without claims."""
    reached = run_out(year, end)
    return reached is not None and reached < needed


def year_completion(
    year: int,
    end: date | None,
    needed: int,
    given: tuple[float, str] | None = None,
    measured: Measured | None = None,
) -> YearCompletion:
    """Gather what is known of a year: the factor given or measured, and its run-out (rule T2)."""
    reached, short = run_out(year, end), is_short(year, end, needed)
    if measured is not None:
        source = "measured from the extract's processing dates (chain ladder)"
        return YearCompletion(
            year, measured.factor, "measured", source, measured.error, end, reached, short
        )
    if given is not None:
        factor, source = given
        return YearCompletion(year, factor, "run", source, None, end, reached, short)
    return YearCompletion(year, 1.0, "none", "", None, end, reached, short)


def unequal_run_out(base: YearCompletion, performance: YearCompletion) -> bool:
    """Whether two years stand on different run-outs that no factor covers (rule T3).

    Years that are both complete, or covered by a factor, can be compared; one that is incomplete
    cannot, because the other's claims have had a different time to arrive.
    """
    return base.incomplete or performance.incomplete


def run_out_sentence(facts: YearCompletion) -> str:
    """Say a year's completeness in one sentence, for errors and pages."""
    if facts.claims_end is None:
        return f"{facts.year} has no claims."
    said = f"Claims of {facts.year} are seen up to {facts.claims_end:%B %-d, %Y}"
    if facts.incomplete:
        return f"{said}: its run-out is short and no completion factor covers it."
    if facts.basis == "none":
        return f"{said}: its run-out is full and no factor is applied."
    how = f"{facts.factor:.4f} ({facts.source or 'run file, without a source'}"
    how += f", standard error {facts.error:.4f})" if facts.error is not None else ")"
    full = "although its run-out is full" if facts.doubly_complete else "for its run-out"
    return f"{said}: its dollars are divided by a completion factor of {how}, {full}."


def completion_rows(facts: Iterable[YearCompletion]) -> pd.DataFrame:
    """Return facts of years as a table, one row per year: the columns of COMPLETION."""
    rows = [
        {
            "year": f.year,
            "completion_factor": f.factor,
            "completion_basis": f.basis,
            "completion_source": f.source,
            "completion_error": f.error,
            "claims_end": f.claims_end,
            "run_out_months": f.run_out,
            "short_run_out": f.short,
            "incomplete": f.incomplete,
        }
        for f in facts
    ]
    return pd.DataFrame(rows, columns=list(COMPLETION))


COMPLETION = {
    "year": "int32",
    "completion_factor": "float64",
    "completion_basis": "string",
    "completion_source": "string",
    "completion_error": "float64",
    "claims_end": "date",
    "run_out_months": "int32",
    "short_run_out": "boolean",
    "incomplete": "boolean",
}
"""Schema of what a run knows of each year's completeness."""


def completion_of(rows: pd.DataFrame) -> Mapping[int, YearCompletion]:
    """Read the table of `completion_rows` back, by year."""
    return {int(row["year"]): _fact(row) for row in rows.to_dict("records")}


def _fact(row: Mapping[Any, Any]) -> YearCompletion:
    error, end, reached = (row[n] for n in ("completion_error", "claims_end", "run_out_months"))
    return YearCompletion(
        year=int(row["year"]),
        factor=float(row["completion_factor"]),
        basis=row["completion_basis"],
        source=str(row["completion_source"] or ""),
        error=None if pd.isna(error) else float(error),
        claims_end=None if pd.isna(end) else pd.Timestamp(end).date(),
        run_out=None if pd.isna(reached) else int(reached),
        short=bool(row["short_run_out"]),
    )
