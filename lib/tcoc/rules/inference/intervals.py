"""Rule R6: percentile intervals of replicates, and how many leave out zero."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from tcoc.rules.risk.adjust import Adjusted, Array, Pair
from tcoc.rules.risk.buckets import STATE

UNDEFINED_SHARE = 0.05
"""A statistic undefined in more than this share of the replicates has no interval."""

FEWEST = 10
"""Hospitals without which nothing is said of how far intervals are drawn in."""

LEAST_KEPT = 1 / 3
"""The least part of the replicates' variance that is kept: where all is that of a product."""


def bounds(
    name: str,
    replicated: Array,
    level: float,
    units: Array | None = None,
    width: float = 1.0,
    *,
    skewed: bool = True,
) -> dict[str, Array]:
    """Return `NAME_low`, `NAME_high` and `NAME_error` by row: percentiles, standard deviation.

    `units` is how many units of equal size each row rests on (`effective_units`). Replicates of few
    units are too narrow, as a standard error with a normal quantile would be; the percentiles are
    therefore taken at the tail of Student's t (Hesterberg 2015, The American Statistician 69:371).
    `width` draws the ends in towards the median (`kept_width`). Null where more than 5% of the
    replicates are undefined, or a row rests on fewer than two units. A statistic of the mix alone
    is not `skewed`, as one of the hospital's own dollars is; see `tail`.
    """
    low, high, error = (np.full(len(replicated), np.nan) for _ in range(3))
    tails = (
        np.full(len(replicated), (1 - level) / 2)
        if units is None
        else tail(units, level, skewed=skewed)
    )
    usable = np.isfinite(replicated).mean(axis=1) >= 1 - UNDEFINED_SHARE
    for i in np.flatnonzero(usable & np.isfinite(tails)):
        defined = replicated[i][np.isfinite(replicated[i])]
        ends = np.quantile(defined, [tails[i], 0.5, 1 - tails[i]])
        low[i], _, high[i] = ends[1] + width * (ends - ends[1])
        error[i] = width * (defined.std(ddof=1) if len(defined) > 1 else 0.0)
    return {f"{name}_low": low, f"{name}_high": high, f"{name}_error": error}


def tail(units: Array, level: float, *, skewed: bool = True) -> Array:
    """Return the share of replicates beyond each end of an interval; NaN below two units.

    Dollars are skewed, and a hospital of few units knows little of its own error: Student's t. The
    mix is bounded, so only the replicates' variance is too small, by (n - 1) / n.
    """
    from scipy import stats

    enough = units >= 2
    n = np.where(enough, units, 2)
    ends = (1 + level) / 2
    quantile = stats.t.ppf(ends, n - 1) if skewed else stats.norm.ppf(ends) * np.sqrt(n / (n - 1))
    return np.where(enough, stats.norm.cdf(-quantile), np.nan)


def kept_width(full: Array, halved: Array) -> float:
    """Return how far intervals are drawn in: the root of the variance that is the estimate's own.

    A method that multiplies two estimates, a hospital's mix by its own costs of thin buckets, has a
    part of its variance in the product of both kinds of chance, and replicates hold that part three
    times. With m the variance that is proportional to that of the draws and p that of the product,
    replicates of variance 1 have m + 3 p, of variance s: s (m + 2 p) + s2 p, and the estimate
    itself m + p. The mean over hospitals plus its standard error, to be cautious; 1 unless ten or
    more hospitals say that it is below 1 by more than chance (5%).
    """
    from scipy import stats

    with warnings.catch_warnings():  # fewer than two draws have no spread: they are not usable
        warnings.simplefilter("ignore", RuntimeWarning)
        spread, half = (np.nanvar(values, axis=1, ddof=1) for values in (full, halved))
    usable = np.isfinite(half) & (spread > 0)
    kept = 1 - 4 * (1 - 2 * half[usable] / spread[usable])
    if len(kept) < FEWEST:
        return 1.0
    error = kept.std(ddof=1) / np.sqrt(len(kept))
    if kept.mean() + stats.t.ppf(0.975, len(kept) - 1) * error >= 1:
        return 1.0
    return float(np.sqrt(np.clip(kept.mean() + error, LEAST_KEPT, 1.0)))


@dataclass(frozen=True)
class Drawing:
    """One pair's replicates: in full, at half the variance of the draws, and units by name."""

    full: Adjusted
    halved: Adjusted
    units: Array

    def ends(
        self,
        name: str,
        of: Callable[[Adjusted], Array],
        level: float,
        *,
        product: bool = False,
        skewed: bool = True,
    ) -> dict[str, Array]:
        """Return the interval of a statistic by name, the state first; see `bounds`.

        `product` says that the statistic multiplies two estimates, and is drawn in by what the
        halved draws show. The state's buckets are not thin: it is not drawn in.
        """
        full = of(self.full)
        width = kept_width(full[1:], of(self.halved)[1:]) if product else 1.0
        inner = bounds(name, full, level, self.units, width, skewed=skewed)
        state = bounds(name, full[:1], level, self.units[:1], skewed=skewed)
        return {column: np.append(state[column], inner[column][1:]) for column in inner}


PRODUCT = "demographic_own"
"""The method that multiplies a hospital's mix by its own costs of thin buckets (rule R2)."""


def intervals(drawing: Drawing, pair: Pair, level: float) -> pd.DataFrame:
    """Return intervals of growth and difference by (variant, hospital): see `bounds`.

    Columns `growth_low`, `growth_high`, `growth_error` and the same of `difference`, which is null
    for `none`: zero by definition. A difference comes from the factor and is judged as that is.
    """
    frames = []
    for variant in drawing.full.adjusted:
        columns = drawing.ends("growth", partial(Adjusted.growth, variant=variant), level)
        if variant == "none":
            nothing = np.full(len(drawing.units), np.nan)
            columns |= {f"difference_{end}": nothing for end in ("low", "high", "error")}
        else:
            thin = variant == PRODUCT
            difference = partial(Adjusted.difference, variant=variant)
            columns |= drawing.ends("difference", difference, level, product=thin, skewed=thin)
        named = {"base_year": pair.base_year, "performance_year": pair.performance_year}
        names = {"variant": variant, **named, "ccn": drawing.full.hospitals}
        frames.append(pd.DataFrame({**names, **columns}))
    return pd.concat(frames, ignore_index=True)


def factor_of(adjusted: Adjusted, variant: str) -> Array:
    """Return a method's factor by name and replicate."""
    return np.asarray(adjusted.adjusted[variant] / adjusted.base)


def factor_intervals(drawing: Drawing, level: float) -> pd.DataFrame:
    """Return intervals of the factor by (variant, ccn): factor_low, factor_high, factor_error."""
    frames = []
    for variant in drawing.full.adjusted:
        if variant != "none":
            factor, thin = partial(factor_of, variant=variant), variant == PRODUCT
            ends = drawing.ends("factor", factor, level, product=thin, skewed=thin)
            named = {"variant": variant, "ccn": drawing.full.hospitals}
            frames.append(pd.DataFrame({**named, **ends}))
    return pd.concat(frames, ignore_index=True)


def beyond_chance(table: pd.DataFrame) -> pd.DataFrame:
    """Count, by variant, the hospitals whose difference differs from zero by more than chance.

    `table` has `difference_low` and `difference_high`. Columns: hospitals (with an interval),
    differing (the interval leaves out zero), up, down.
    """
    rows = table[(table["ccn"] != STATE) & table["difference_low"].notna()]
    up, down = rows["difference_low"] > 0, rows["difference_high"] < 0
    counted = rows.assign(hospitals=1, up=up.astype(int), down=down.astype(int))
    counts = counted.groupby("variant", sort=False)[["hospitals", "up", "down"]].sum()
    counts.insert(1, "differing", counts["up"] + counts["down"])
    return counts.reset_index()


def least_beyond_chance(hospitals: int, level: float, looks: int = 1) -> int:
    """Return how many of so many intervals must leave out zero to be more than chance lets.

    The smallest number that chance reaches in under 5% of cases, the 5% divided by the number of
    `looks` (the methods of which the one is taken that shows most). `level` is the rate at which
    an interval leaves out zero where nothing is there.
    """
    from scipy import stats

    return int(stats.binom.isf(0.05 / looks, hospitals, level)) + 1
