"""Rule R6: percentile intervals of replicates, and how many leave out zero."""

import numpy as np
import pandas as pd
from scipy import stats

from tcoc.rules.risk.adjust import Adjusted, Array, Pair
from tcoc.rules.risk.buckets import STATE

UNDEFINED_SHARE = 0.05
"""A statistic undefined in more than this share of the replicates has no interval."""


def bounds(name: str, replicated: Array, level: float) -> dict[str, Array]:
    """Return `NAME_low`, `NAME_high` and `NAME_error` by row: plain percentiles, deviation.

    Null where more than 5% of the replicates are undefined.
    """
    tail = (1 - level) / 2
    low, high, error = (np.full(len(replicated), np.nan) for _ in range(3))
    usable = np.isfinite(replicated).mean(axis=1) >= 1 - UNDEFINED_SHARE
    for i in np.flatnonzero(usable):
        defined = replicated[i][np.isfinite(replicated[i])]
        low[i], high[i] = np.quantile(defined, [tail, 1 - tail])
        error[i] = defined.std(ddof=1) if len(defined) > 1 else 0.0
    return {f"{name}_low": low, f"{name}_high": high, f"{name}_error": error}


def intervals(replicated: Adjusted, pair: Pair, level: float) -> pd.DataFrame:
    """Return intervals of growth and difference by (variant, hospital): see `bounds`.

    Columns `growth_low`, `growth_high`, `growth_error` and the same of `difference`, which is null
    for `none`: zero by definition.
    """
    frames = []
    for variant in replicated.adjusted:
        columns = bounds("growth", replicated.growth(variant), level)
        difference = bounds("difference", replicated.difference(variant), level)
        if variant == "none":
            difference = {name: np.full(len(v), np.nan) for name, v in difference.items()}
        frames.append(
            pd.DataFrame(
                {
                    "variant": variant,
                    "base_year": pair.base_year,
                    "performance_year": pair.performance_year,
                    "ccn": replicated.hospitals,
                    **columns,
                    **difference,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def factor_intervals(replicated: Adjusted, level: float) -> pd.DataFrame:
    """Return intervals of the factor by (variant, ccn): factor_low, factor_high, factor_error."""
    frames = [
        pd.DataFrame(
            {
                "variant": variant,
                "ccn": replicated.hospitals,
                **bounds("factor", values / replicated.base, level),
            }
        )
        for variant, values in replicated.adjusted.items()
        if variant != "none"
    ]
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
    return int(stats.binom.isf(0.05 / looks, hospitals, level)) + 1
