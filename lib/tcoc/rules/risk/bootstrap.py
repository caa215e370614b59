"""Rule R6: how far chance moves each hospital's growth, by a seeded bootstrap over beneficiaries.

A replicate draws how often each beneficiary counts, independently, from a Poisson distribution of
mean 1: the bootstrap of a population whose size is itself left to chance. A beneficiary's base
and performance years, and all hospitals that share the beneficiary, take the same draw, so
year-to-year and between-hospital dependence stay in the result. Every statistic is recomputed in
each replicate from sums, the state's bucket costs and the score of ESRD included.

A method that multiplies two estimates, a hospital's mix by its own costs of thin buckets, has a
part of its variance in the product of both kinds of chance. Replicates hold that part three times:
once in the costs as drawn, once in the mix as drawn, once anew. How large it is follows from how
the variance grows with that of the draws, so every statistic is also computed at half the variance
(from the mean of two replicates' sums), and intervals are narrowed to hold it once.

The sums of a block of replicates are one product: (sums x beneficiaries, sparse) times
(beneficiaries x replicates). Beneficiaries are taken in order of their identifiers and draws
depend on the seed and the block alone, so a run repeats to the bit on one machine and library set.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse, stats

from tcoc.errors import InputError
from tcoc.rules.risk.adjust import Adjusted, Array, Pair, Sums, adjust, as_cents, bucket_labels
from tcoc.rules.risk.buckets import STATE
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import VARIANTS, RiskSettings

BLOCK = 64
"""Replicates that are drawn and multiplied together."""

CHUNK = 16_384
"""Beneficiaries whose draws are in memory at a time: CHUNK x BLOCK doubles, 8 MB."""

UNDEFINED_SHARE = 0.05
"""A statistic undefined in more than this share of the replicates has no interval."""

FEWEST = 10
"""Replicates, and hospitals, without which nothing is said of a variance."""

LEAST_KEPT = 1 / 3
"""The least part of the replicates' variance that is kept: where all is that of a product."""

_REST = "REST"
"""Hospitals without months in one of the two years: they count for the state only."""


@dataclass(frozen=True)
class PersonRows:
    """Beneficiary-years with their hospitals, as arrays ordered by beneficiary, year, hospital.

    `first` holds the position of each beneficiary's first row, and the number of rows at its end.
    """

    hospitals: tuple[str, ...]
    first: Array
    period: Array
    hospital: Array
    bucket: Array
    months: Array
    dollars: Array
    score: Array


def person_rows(
    rows: pd.DataFrame, pair: Pair, settings: RiskSettings, factors: NewEnrolleeFactors
) -> PersonRows:
    """Prepare the rows of `hospital_profiles` for one pair of years.

    Statistics are given for the state and each hospital with months in both years.
    """
    years = [pair.base_year, pair.performance_year]
    rows = rows[rows["year"].isin(years) & (rows["months"] > 0) & (rows["share"] > 0)]
    person, _ = pd.factorize(rows["bene_id"], sort=True)
    rows = rows.assign(person=person).sort_values(["person", "year", "ccn"], kind="stable")
    known = [set(rows.loc[rows["year"] == year, "ccn"].unique()) for year in years]
    hospitals = (STATE, *sorted(known[0] & known[1]), _REST)
    located = pd.Index(hospitals).get_indexer(pd.Index(rows["ccn"]))
    share = rows["share"].to_numpy(dtype=float)
    months = share * rows["months"].to_numpy(dtype=float)
    changed = np.diff(rows["person"].to_numpy(), prepend=-1) != 0
    return PersonRows(
        hospitals=hospitals,
        first=np.append(np.flatnonzero(changed), len(rows)),
        period=(rows["year"] == pair.performance_year).to_numpy(dtype=np.int64),
        hospital=np.where(located < 0, len(hospitals) - 1, located),
        bucket=pd.Index(settings.scheme.buckets).get_indexer(
            pd.Index(bucket_labels(rows, settings))
        ),
        months=months,
        dollars=share * as_cents(rows["capped" if settings.winsorise else "dollars"]) / 100,
        score=months * factors.scores(rows),
    )


@dataclass(frozen=True)
class _Layout:
    """Where a sum stands in the vector of all sums: months and dollars of both years, scores."""

    hospitals: int
    buckets: int

    @property
    def grid(self) -> int:
        return self.hospitals * self.buckets

    @property
    def size(self) -> int:
        return 4 * self.grid + 2 * self.hospitals

    def sums(self, vector: Array, period: int) -> Sums:
        """Return one year's sums; the state is the sum of all hospitals."""
        shape = (self.hospitals, self.buckets, vector.shape[1])
        grids = vector[: 4 * self.grid].reshape(4, *shape)[2 * period : 2 * period + 2].copy()
        start = 4 * self.grid + period * self.hospitals
        score = vector[start : start + self.hospitals].copy()
        grids[:, 0] = grids[:, 1:].sum(axis=1)
        score[0] = score[1:].sum(axis=0)
        return Sums(grids[0], grids[1], score)


def _chunks(rows: PersonRows, layout: _Layout) -> list[sparse.csr_array]:
    """Return the matrices (sums x beneficiaries) of successive chunks of beneficiaries."""
    people = len(rows.first) - 1
    person = np.repeat(np.arange(people), np.diff(rows.first))
    cell = rows.hospital * layout.buckets + rows.bucket
    matrices = []
    for start in range(0, people, CHUNK):
        stop = min(start + CHUNK, people)
        at = slice(int(rows.first[start]), int(rows.first[stop]))
        months_at = 2 * rows.period[at] * layout.grid + cell[at]
        score_at = 4 * layout.grid + rows.period[at] * layout.hospitals + rows.hospital[at]
        values = np.concatenate([rows.months[at], rows.dollars[at], rows.score[at]])
        sums = np.concatenate([months_at, months_at + layout.grid, score_at])
        columns = np.tile(person[at] - start, 3)
        shape = (layout.size, stop - start)
        matrices.append(sparse.csr_array((values, (sums, columns)), shape=shape))
    return matrices


def poisson_table() -> Array:
    """Return 65,536 counts that follow a Poisson distribution of mean 1, to 1 in 65,536.

    Drawing a position costs a tenth of drawing from the distribution. The last counts are chosen
    so that the mean of the table is exactly 1; its variance then differs from 1 by under 0.0001.
    """
    levels = (np.arange(65_536) + 0.5) / 65_536
    table = np.searchsorted(stats.poisson.cdf(np.arange(20), 1.0), levels).astype(float)
    short = round(65_536 - table.sum())
    # Positions just below a step from 0 to 1 (or above it) move by one count each.
    step = int(np.searchsorted(table, 1.0))
    if short > 0:
        table[step - short : step] += 1
    elif short < 0:
        table[step : step - short] -= 1
    return np.asarray(table, dtype=float)


def _blocks(replicates: int) -> Iterator[tuple[int, int]]:
    for number, start in enumerate(range(0, replicates, BLOCK)):
        yield number, min(BLOCK, replicates - start)


@dataclass(frozen=True)
class Replicates:
    """Replicates of per capita at full variance of the draws, and half as many at half of it."""

    full: Adjusted
    halved: Adjusted


def bootstrap_per_capita(
    rows: PersonRows, pair: Pair, settings: RiskSettings, replicates: int | None = None
) -> Replicates:
    """Return base, performance and adjusted per capita in each replicate (rule R6).

    For the state (first) and each hospital with months in both years: arrays hospitals x
    replicates, in annual dollars per beneficiary, completion factors applied (rule T2). Replicate
    r of one hospital belongs with replicate r of every other, and of every method. NaN where a
    replicate has no months. `Adjusted.growth` and `.difference` of a variant give those arrays;
    a result for another purpose, such as the MPA's noise, is the same function of them as of the
    point estimates. Raises InputError when there is nobody to draw.
    """
    if len(rows.first) < 2:
        years = f"{pair.base_year} and {pair.performance_year}"
        raise InputError(f"risk bootstrap: no attributed beneficiary in {years}")
    layout = _Layout(len(rows.hospitals), len(settings.scheme.buckets))
    matrices = _chunks(rows, layout)
    table = poisson_table()

    def of_block(block: tuple[int, int]) -> tuple[Adjusted, Adjusted]:
        number, width = block
        sums = _replicated_sums(matrices, table, settings.seed, number)[:, :width]
        pairs = (sums[:, 0 : width - width % 2 : 2] + sums[:, 1::2]) / 2
        found = [
            adjust(rows.hospitals, layout.sums(v, 0), layout.sums(v, 1), pair, settings)
            for v in (sums, pairs)
        ]
        return found[0], found[1]

    # Blocks draw by themselves and are put together in their order, so threads change nothing.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        blocks = _blocks(settings.replicates if replicates is None else replicates)
        full, halved = zip(*pool.map(of_block, blocks), strict=True)
    return Replicates(_without_rest(full, rows.hospitals), _without_rest(halved, rows.hospitals))


def _replicated_sums(
    matrices: Sequence[sparse.csr_array], table: Array, seed: int, block: int
) -> Array:
    draws = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, block])))
    total = np.zeros((matrices[0].shape[0], BLOCK))
    for matrix in matrices:
        positions = draws.integers(0, 65_536, (matrix.shape[1], BLOCK), dtype=np.uint16)
        total += matrix @ table[positions]
    return total


def _without_rest(parts: Sequence[Adjusted], hospitals: tuple[str, ...]) -> Adjusted:
    keep = slice(0, len(hospitals) - 1)
    return Adjusted(
        hospitals[keep],
        np.concatenate([p.base for p in parts], axis=1)[keep],
        np.concatenate([p.performance for p in parts], axis=1)[keep],
        {
            variant: np.concatenate([p.adjusted[variant] for p in parts], axis=1)[keep]
            for variant in VARIANTS
        },
    )


# ---------------------------------------------------------------- intervals


def intervals(replicated: Replicates, pair: Pair, level: float) -> pd.DataFrame:
    """Return intervals of growth and difference by (variant, hospital): see `bounds`.

    Columns `growth_low`, `growth_high`, `growth_error` and the same of `difference`. Null where
    more than 5 % of the replicates are undefined, and for the difference of `none`, which is zero
    by definition.
    """
    frames = []
    full, halved = replicated.full, replicated.halved
    for variant in full.adjusted:
        columns: dict[str, Array] = bounds(
            "growth", full.growth(variant), halved.growth(variant), level
        )
        columns |= bounds("difference", full.difference(variant), halved.difference(variant), level)
        if variant == "none":
            columns |= {
                name: np.full(len(v), np.nan) for name, v in columns.items() if "diff" in name
            }
        frames.append(
            pd.DataFrame(
                {
                    "variant": variant,
                    "base_year": pair.base_year,
                    "performance_year": pair.performance_year,
                    "ccn": full.hospitals,
                    **columns,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def bounds(name: str, full: Array, halved: Array, level: float) -> dict[str, Array]:
    """Return `NAME_low`, `NAME_high` and `NAME_error` by hospital (the state first).

    Percentiles of the full replicates, drawn in towards their median, and their standard deviation,
    by the root of `kept_variance`. The state's buckets are not thin: its replicates stay as they
    are. Null where more than 5 % of the replicates are undefined.
    """
    tail = (1 - level) / 2
    usable = np.isfinite(full).mean(axis=1) >= 1 - UNDEFINED_SHARE
    width = np.full(len(full), np.sqrt(kept_variance(full[1:], halved[1:])))
    width[0] = 1.0
    low, high, error = (np.full(len(full), np.nan) for _ in range(3))
    for i in np.flatnonzero(usable):
        defined = full[i][np.isfinite(full[i])]
        ends = np.quantile(defined, [tail, 0.5, 1 - tail])
        low[i], _, high[i] = ends[1] + width[i] * (ends - ends[1])
        error[i] = width[i] * defined.std(ddof=1) if len(defined) > 1 else 0.0
    return {f"{name}_low": low, f"{name}_high": high, f"{name}_error": error}


def kept_variance(full: Array, halved: Array) -> float:
    """Return what part of the replicates' variance is the estimate's own, over all hospitals.

    With m the variance that is proportional to that of the draws and p that of the product of two
    estimates, replicates of variance 1 have m + 3 p, of variance s: s (m + 2 p) + s2 p, and the
    estimate itself m + p. The mean over hospitals, because one hospital's is too uncertain, plus
    its standard error, to be cautious; 1 unless ten or more hospitals say that it is below 1 by
    more than chance (5 %).
    """
    spread, half = (_variances(values) for values in (full, halved))
    usable = np.isfinite(half) & (spread > 0)
    kept = 1 - 4 * (1 - 2 * half[usable] / spread[usable])
    if len(kept) < FEWEST:
        return 1.0
    error = kept.std(ddof=1) / np.sqrt(len(kept))
    if kept.mean() + stats.t.ppf(0.975, len(kept) - 1) * error >= 1:
        return 1.0
    return float(np.clip(kept.mean() + error, LEAST_KEPT, 1.0))


def _variances(values: Array) -> Array:
    """Return each row's variance over its defined replicates, NaN with fewer than ten."""
    found = np.full(len(values), np.nan)
    for i, row in enumerate(values):
        defined = row[np.isfinite(row)]
        if len(defined) >= FEWEST:
            found[i] = defined.var(ddof=1)
    return found


def replicates_table(replicated: Replicates, pair: Pair) -> pd.DataFrame:
    """Return a row per (hospital, halved, replicate): base, performance and the adjusted bases."""
    parts = [
        rows_of_replicates(found, pair).assign(halved=halved)
        for halved, found in ((False, replicated.full), (True, replicated.halved))
    ]
    return pd.concat(parts, ignore_index=True)


def rows_of_replicates(found: Adjusted, pair: Pair) -> pd.DataFrame:
    """Return a row per (hospital, replicate): base, performance and the adjusted bases."""
    count = found.base.shape[1]
    columns: Mapping[str, Array] = {
        "base_per_capita": found.base,
        "performance_per_capita": found.performance,
        **{f"adjusted_{v}": a for v, a in found.adjusted.items() if v != "none"},
    }
    return pd.DataFrame(
        {
            "base_year": pair.base_year,
            "performance_year": pair.performance_year,
            "ccn": np.repeat(np.array(found.hospitals, dtype=object), count),
            "replicate": np.tile(np.arange(count), len(found.hospitals)),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )


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
