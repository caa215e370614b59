"""Rule R6: percentile intervals of replicates, and how many leave out zero."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from tcoc.rules.inference.replicates import Replicates, UnitSums, product_shares
from tcoc.rules.risk.adjust import Adjusted, Array, Pair
from tcoc.rules.risk.buckets import STATE
from tcoc.rules.risk.settings import RiskSettings

UNDEFINED_SHARE = 0.05
"""A statistic undefined in more than this share of the replicates has no interval."""

LEAST_KEPT = 1 / 3
"""The least part of the replicates' variance that is kept: where all is that of a product."""


def bounds(
    name: str,
    replicated: Array,
    level: float,
    units: Array | None = None,
    width: Array | float = 1.0,
    skewed: Array | float = 1.0,
) -> dict[str, Array]:
    """Return `NAME_low`, `NAME_high` and `NAME_error` by row: percentiles, standard deviation.

    `units` is how many units of equal size each row rests on (`effective_units`). Replicates of few
    units are too narrow, as a standard error with a normal quantile would be; the percentiles are
    therefore taken at the tail of Student's t (Hesterberg 2015, The American Statistician 69:371).
    `width` draws the ends in towards the median (`kept_width`). Null where more than 5% of the
    replicates are undefined, or a row rests on fewer than two units. A statistic of the mix alone
    is not `skewed`, as one of the hospital's own dollars is (the share that is); see `tail`.
    """
    low, high, error = (np.full(len(replicated), np.nan) for _ in range(3))
    tails = (
        np.full(len(replicated), (1 - level) / 2) if units is None else tail(units, level, skewed)
    )
    usable = np.isfinite(replicated).mean(axis=1) >= 1 - UNDEFINED_SHARE
    drawn_in = np.broadcast_to(width, len(replicated))
    for i in np.flatnonzero(usable & np.isfinite(tails)):
        defined = replicated[i][np.isfinite(replicated[i])]
        ends = np.quantile(defined, [tails[i], 0.5, 1 - tails[i]])
        low[i], _, high[i] = ends[1] + drawn_in[i] * (ends - ends[1])
        error[i] = drawn_in[i] * (defined.std(ddof=1) if len(defined) > 1 else 0.0)
    return {f"{name}_low": low, f"{name}_high": high, f"{name}_error": error}


def tail(units: Array, level: float, skewed: Array | float = 1.0) -> Array:
    """Return the share of replicates beyond each end of an interval; NaN below two units.

    Dollars are skewed, and a hospital of few units knows little of its own error: Student's t. The
    mix is bounded, so only the replicates' variance is too small, by (n - 1) / n. `skewed` is what
    share of the variance comes from the hospital's own dollars.
    """
    enough = units >= 2
    n = np.where(enough, units, 2)
    ends = (1 + level) / 2
    dollars, mix = special.stdtrit(n - 1, ends) ** 2, special.ndtri(ends) ** 2 * n / (n - 1)
    quantile = np.sqrt(skewed * dollars + (1 - np.asarray(skewed)) * mix)
    return np.where(enough, special.ndtr(-quantile), np.nan)


def kept_width(share: Array) -> Array:
    """Return how far intervals are drawn in: the root of the variance that is the estimate's own.

    A method that multiplies two estimates, a mix by costs of thin buckets, has a part of its
    variance in the product of both kinds of chance. The estimate has it once. Replicates have it
    three times, since they draw around an estimate that is itself off: their mix by their costs,
    their mix by the costs' error, the mix's error by their costs. `share` is what the product of
    both draws is of the replicates' variance (`product_shares`); twice that is taken out.
    """
    known = np.where(np.isfinite(share), share, 0.0)
    return np.asarray(np.sqrt(np.clip(1 - 2 * known, LEAST_KEPT, 1.0)))


@dataclass(frozen=True)
class Drawing:
    """One pair's replicates, what share of their variance is a product, by method, and units."""

    full: Adjusted
    shares: Mapping[str, tuple[Array, Array]]
    units: Array

    def ends(
        self, name: str, replicated: Array, level: float, variant: str = ""
    ) -> dict[str, Array]:
        """Return the interval of a statistic by name, the state first; see `bounds`.

        `variant` says whose factor or difference it is: those come from the mix, and are drawn in
        by what the product of two estimates is of their variance.
        """
        if not variant:
            return bounds(name, replicated, level, self.units)
        if variant not in self.shares:
            return bounds(name, replicated, level, self.units, skewed=0.0)
        product, costs = self.shares[variant]
        # the product, too, has the hospital's own dollars in it
        skewed = np.minimum(costs + product, 1.0) if variant == OWN_COSTS else 0.0
        return bounds(name, replicated, level, self.units, kept_width(product), skewed)


OWN_COSTS = "demographic_own"
"""The method whose costs are the hospital's own dollars, skewed as those are (rule R2)."""


def drawings(
    drawn: UnitSums, replicated: Replicates, pairs: Sequence[Pair], settings: RiskSettings
) -> list[Drawing]:
    """Return each pair's drawing from replicates of the sums; shares take a quarter as many."""
    keys = [(pair.base_year, pair.performance_year) for pair in pairs]
    full = [replicated.pair(*key) for key in keys]
    fewer = max(full[0].base.shape[1] // 4, 10) if full else 0
    shares = product_shares(drawn, pairs, settings, fewer)
    units = [replicated.units_of(*key) for key in keys]
    return [Drawing(*three) for three in zip(full, shares, units, strict=True)]


def intervals(drawing: Drawing, pair: Pair, level: float) -> pd.DataFrame:
    """Return intervals of growth and difference by (variant, hospital): see `bounds`.

    Columns `growth_low`, `growth_high`, `growth_error` and the same of `difference`, which is null
    for `none`: zero by definition. A difference comes from the factor and is judged as that is.
    """
    frames = []
    for variant in drawing.full.adjusted:
        columns = drawing.ends("growth", drawing.full.growth(variant), level)
        if variant == "none":
            nothing = np.full(len(drawing.units), np.nan)
            columns |= {f"difference_{end}": nothing for end in ("low", "high", "error")}
        else:
            difference = drawing.full.difference(variant)
            columns |= drawing.ends("difference", difference, level, variant)
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
            factor = factor_of(drawing.full, variant)
            ends = drawing.ends("factor", factor, level, variant)
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
