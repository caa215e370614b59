"""Rule R6: one set of bootstrap replicates for all years, methods, hospitals and combinations.

A replicate draws how often each unit (`units`) counts, independently, from a Poisson distribution
of mean 1: the bootstrap of a population whose size is itself left to chance. The unit counts the
same in every year and for every hospital, so what is alike between years and hospitals stays so.
Every statistic is recomputed in each replicate from sums by unit, year, hospital and bucket; the
state's bucket costs and the score of ESRD are recomputed with it.

The sums of a block of replicates are one product: (sums x units, sparse) times (units x
replicates). Units are taken in the order of their names and draws depend on the seed and the block
alone, so a run repeats to the bit on one machine and library set.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import sparse, special

from tcoc.errors import InputError
from tcoc.rules.inference.units import MILLIONTHS
from tcoc.rules.risk.adjust import (
    Adjusted,
    Array,
    MixAndCosts,
    Pair,
    Sums,
    adjust,
    as_cents,
    divide,
    mix_and_costs,
    mix_factor,
)
from tcoc.rules.risk.buckets import STATE
from tcoc.rules.risk.settings import VARIANTS, RiskSettings

BLOCK = 64
"""Replicates that are drawn and multiplied together."""

DRAWN = ("months", "dollars", "score")
"""What is summed by unit; share x dollars, share x months, share x months x factor."""


@dataclass(frozen=True)
class UnitSums:
    """Sums by unit as one sparse matrix, and where each sum stands in it.

    Rows of `matrix` are statistic, year, hospital, bucket (in that nesting); columns are units.
    `hospitals` are those of the rows, without the state; `members` pools some of them under other
    names, which stand after them in every result (rule A12).
    """

    years: tuple[int, ...]
    hospitals: tuple[str, ...]
    buckets: int
    units: int
    matrix: sparse.csr_array
    members: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The state, the hospitals, then the combinations: the order of every result."""
        return (STATE, *self.hospitals, *(name for name, _ in self.members))

    def pooling(self, members: Mapping[str, str]) -> "UnitSums":
        """Return the same sums with other combinations beside: hospital -> combination."""
        groups: dict[str, list[int]] = {}
        for ccn, name in sorted(members.items()):
            if ccn in self.hospitals:
                groups.setdefault(name, []).append(self.hospitals.index(ccn))
        pooled = tuple((name, tuple(of)) for name, of in sorted(groups.items()))
        return replace(self, members=pooled)

    def sums(self, replicated: Array) -> dict[int, Sums]:
        """Return each year's sums from the product of the matrix with counts by unit."""
        shape = (len(DRAWN), len(self.years), len(self.hospitals), self.buckets, -1)
        grid = replicated.reshape(shape)
        pooled = [grid.sum(axis=2, keepdims=True), grid]
        pooled += [grid[:, :, list(of)].sum(axis=2, keepdims=True) for _, of in self.members]
        whole = np.concatenate(pooled, axis=2)
        return {
            year: Sums(whole[0, i], whole[1, i], whole[2, i].sum(axis=1))
            for i, year in enumerate(self.years)
        }

    def effective_units(self) -> dict[int, Array]:
        """Return by year how many units of equal size each name's months rest on (Kish).

        The square of the months over the sum of squared months of the units; 0 without months.
        """
        coo = self.matrix.tocoo()
        place, unit = coo.coords
        grid = len(self.years) * len(self.hospitals) * self.buckets
        of = place < grid
        year, cell = np.divmod(place[of], len(self.hospitals) * self.buckets)
        by_hospital = sparse.csr_array(
            (coo.data[of], (year * len(self.hospitals) + cell // self.buckets, unit[of])),
            shape=(len(self.years) * len(self.hospitals), self.units),
        )
        found = {}
        for i, name in enumerate(self.years):
            months = by_hospital[i * len(self.hospitals) : (i + 1) * len(self.hospitals)]
            rows = [months.sum(axis=0), *(months[[h]].sum(axis=0) for h in range(months.shape[0]))]
            rows += [months[list(at)].sum(axis=0) for _, at in self.members]
            whole = np.array([np.asarray(row).ravel().sum() for row in rows])
            squares = np.array([(np.asarray(row).ravel() ** 2).sum() for row in rows])
            found[name] = np.where(squares > 0, whole**2 / np.where(squares > 0, squares, 1), 0.0)
        return found


def unit_matrix(
    rows: pd.DataFrame, settings: RiskSettings, members: Mapping[str, str] | None = None
) -> UnitSums:
    """Arrange the rows of `unit_sums` for drawing; `members` maps hospitals to combinations.

    Raises InputError when there is nobody to draw.
    """
    if rows.empty:
        raise InputError("risk: no attributed beneficiary with months in the run's years")
    unit, units = pd.factorize(rows["unit"], sort=True)
    years = tuple(sorted({int(year) for year in rows["year"].unique()}))
    hospitals = tuple(sorted(rows["ccn"].unique()))
    buckets = len(settings.scheme.buckets)
    year = pd.Index(years).get_indexer(pd.Index(rows["year"]))
    hospital = pd.Index(hospitals).get_indexer(pd.Index(rows["ccn"]))
    bucket, share = rows["bucket"].to_numpy(dtype=np.int64), rows["share"].to_numpy(dtype=float)
    cell = (year * len(hospitals) + hospital) * buckets + bucket
    # What falls into one cell is added in the order of the shares, however the rows come.
    order = np.lexsort((share, cell, unit))
    grid = len(years) * len(hospitals) * buckets
    values = [
        share * rows["months"].to_numpy(dtype=float),
        share * as_cents(rows["dollars"]) / 100,
        share * rows["score"].to_numpy(dtype=float) / MILLIONTHS,
    ]
    cell, unit = cell[order].astype(np.int32), unit[order].astype(np.int32)
    at = np.concatenate([cell + np.int32(i * grid) for i in range(len(DRAWN))])
    matrix = sparse.csr_array(
        (np.concatenate([value[order] for value in values]), (at, np.tile(unit, len(DRAWN)))),
        shape=(len(DRAWN) * grid, len(units)),
    )
    return UnitSums(years, hospitals, buckets, len(units), matrix).pooling(members or {})


# ---------------------------------------------------------------- draws


def poisson_table() -> Array:
    """Return 65,536 counts that follow a Poisson distribution of mean 1, to 1 in 65,536.

    Drawing a position costs a tenth of drawing from the distribution. The last counts are chosen
    so that the mean of the table is exactly 1; its variance then differs from 1 by under 0.0001.
    """
    levels = (np.arange(65_536) + 0.5) / 65_536
    table = np.searchsorted(special.pdtr(np.arange(20), 1.0), levels).astype(float)
    short = round(65_536 - table.sum())
    # Positions just below a step from 0 to 1 (or above it) move by one count each.
    step = int(np.searchsorted(table, 1.0))
    if short > 0:
        table[step - short : step] += 1
    elif short < 0:
        table[step : step - short] -= 1
    return np.asarray(table, dtype=float)


def counts_of(units: int, seed: int, block: int, table: Array) -> Array:
    """Return how often each unit counts in each replicate of a block."""
    draws = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, block])))
    return np.asarray(table[draws.integers(0, 65_536, (units, BLOCK), dtype=np.uint16)])


def _blocks(replicates: int) -> Iterator[tuple[int, int]]:
    for number, start in enumerate(range(0, replicates, BLOCK)):
        yield number, min(BLOCK, replicates - start)


@dataclass(frozen=True)
class Replicates:
    """Replicates of per capita by pair of years; replicate r belongs with r everywhere.

    Arrays are names x replicates: the state first, then hospitals, then combinations; dollars per
    beneficiary and year, completion factors applied (rule T2), NaN where a name has no months.
    """

    names: tuple[str, ...]
    pairs: Mapping[tuple[int, int], Adjusted]
    units: Mapping[int, Array] = field(default_factory=dict)

    def units_of(self, base_year: int, performance_year: int) -> Array:
        """Return on how many units each name's change between two years rests: the fewer."""
        return np.minimum(self.units[base_year], self.units[performance_year])

    def pair(self, base_year: int, performance_year: int) -> Adjusted:
        """Return a pair's base, performance and adjusted bases; InputError for one not drawn."""
        key = (base_year, performance_year)
        if key not in self.pairs:
            known = ", ".join(f"{a} to {b}" for a, b in sorted(self.pairs))
            raise InputError(f"risk: no replicates of {key[0]} to {key[1]}; there are: {known}")
        return self.pairs[key]

    @property
    def per_capita(self) -> dict[int, Array]:
        """Return per capita by year, names x replicates, of every year that is in a pair."""
        found: dict[int, Array] = {}
        for (base_year, performance_year), adjusted in self.pairs.items():
            found.setdefault(base_year, adjusted.base)
            found.setdefault(performance_year, adjusted.performance)
        return dict(sorted(found.items()))


def replicate(
    drawn: UnitSums, pairs: Sequence[Pair], settings: RiskSettings, replicates: int | None = None
) -> Replicates:
    """Return base, performance and adjusted per capita of every pair in each replicate (R6)."""
    table = poisson_table()

    def of_block(block: tuple[int, int]) -> list[Adjusted]:
        number, width = block
        counts = counts_of(drawn.units, settings.seed, number, table)[:, :width]
        sums = drawn.sums(drawn.matrix @ counts)
        return [
            adjust(drawn.names, sums[p.base_year], sums[p.performance_year], p, settings)
            for p in pairs
        ]

    # Blocks draw by themselves and are put together in their order, so threads change nothing.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wanted = settings.replicates if replicates is None else replicates
        blocks = list(pool.map(of_block, _blocks(wanted)))
    found = {
        (pair.base_year, pair.performance_year): _joined([block[i] for block in blocks])
        for i, pair in enumerate(pairs)
    }
    return Replicates(drawn.names, found, drawn.effective_units())


def product_shares(
    drawn: UnitSums, pairs: Sequence[Pair], settings: RiskSettings, replicates: int
) -> list[dict[str, tuple[Array, Array]]]:
    """Return shares of a factor's variance by method: of the product of two draws, and of costs.

    One per pair of years; arrays are by name. Of the methods that multiply a mix by bucket costs
    (rule R2): the product is what is left of a factor when its change by drawing the mix alone and
    by drawing the costs alone are taken away.
    """

    def parts_of(sums: Mapping[int, Sums], pair: Pair) -> MixAndCosts:
        years = sums[pair.base_year], sums[pair.performance_year]
        return mix_and_costs(*years, pair.base_completion, settings)

    table = poisson_table()
    sums = drawn.sums(drawn.matrix @ np.ones((drawn.units, 1)))
    points = [parts_of(sums, pair) for pair in pairs]
    found: list[dict[str, list[tuple[Array, Array, Array]]]] = [{} for _ in pairs]
    for number, width in _blocks(replicates):
        counts = counts_of(drawn.units, settings.seed, number, table)[:, :width]
        sums = drawn.sums(drawn.matrix @ counts)
        for pair, once, kept in zip(pairs, points, found, strict=True):
            own = parts_of(sums, pair)
            for variant in once.costs:
                factor, mixed, priced, still = (
                    mix_factor(m.mixes, c.costs[variant])
                    for m, c in ((own, own), (own, once), (once, own), (once, once))
                )
                product = factor - mixed - priced + still
                kept.setdefault(variant, []).append((factor, product, priced))
    return [
        {variant: _shares(*zip(*parts, strict=True)) for variant, parts in kept.items()}
        for kept in found
    ]


def _shares(factors: Sequence[Array], *parts: Sequence[Array]) -> tuple[Array, Array]:
    """Return the variance of two parts over that of the first, by row; 0 where there is none."""
    whole, product, costs = map(_variance, (factors, *parts))
    return np.nan_to_num(divide(product, whole)), np.clip(np.nan_to_num(divide(costs, whole)), 0, 1)


def _variance(parts: Sequence[Array]) -> Array:
    """Return the variance of replicates by row, 0 for a name that none of them defines."""
    drawn = np.concatenate(parts, axis=1)
    known = np.isfinite(drawn).any(axis=1, keepdims=True)
    return np.asarray(np.nanvar(np.where(known, drawn, 0.0), axis=1))


def point(
    drawn: UnitSums, pairs: Sequence[Pair], settings: RiskSettings, cells: Array | None = None
) -> Replicates:
    """Return the same statistics with every unit counted once, or of other sums: `cells`."""
    sums = drawn.sums(drawn.matrix @ np.ones((drawn.units, 1)) if cells is None else cells)
    found = {
        (p.base_year, p.performance_year): adjust(
            drawn.names, sums[p.base_year], sums[p.performance_year], p, settings
        )
        for p in pairs
    }
    return Replicates(drawn.names, found)


def _joined(parts: Sequence[Adjusted]) -> Adjusted:
    return Adjusted(
        parts[0].hospitals,
        np.concatenate([p.base for p in parts], axis=1),
        np.concatenate([p.performance for p in parts], axis=1),
        {v: np.concatenate([p.adjusted[v] for p in parts], axis=1) for v in VARIANTS},
    )


# ---------------------------------------------------------------- as a table

REPLICATE_COLUMNS = (
    "base_per_capita",
    "performance_per_capita",
    *(f"adjusted_{v}" for v in VARIANTS if v != "none"),
)


def replicates_table(found: Replicates) -> pd.DataFrame:
    """Return a row per (base_year, performance_year, ccn, replicate), in the order of its key."""
    frames = []
    order = np.argsort(np.array(found.names, dtype=object).astype(str), kind="stable")
    for (base_year, performance_year), adjusted in sorted(found.pairs.items()):
        arrays = [adjusted.base, adjusted.performance]
        arrays += [adjusted.adjusted[v] for v in VARIANTS if v != "none"]
        count = adjusted.base.shape[1]
        frames.append(
            pd.DataFrame(
                {
                    "base_year": base_year,
                    "performance_year": performance_year,
                    "ccn": np.repeat(np.array(found.names, dtype=object)[order], count),
                    "replicate": np.tile(np.arange(count, dtype=np.int32), len(order)),
                    **{
                        name: array[order].ravel()
                        for name, array in zip(REPLICATE_COLUMNS, arrays, strict=True)
                    },
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def units_table(drawn: UnitSums) -> pd.DataFrame:
    """Return a row per (year, ccn): its place in results, and on how many units it rests."""
    frames = [
        pd.DataFrame(
            {"year": year, "ccn": drawn.names, "place": range(len(drawn.names)), "units": units}
        )
        for year, units in drawn.effective_units().items()
    ]
    return pd.concat(frames, ignore_index=True)


def replicates_of_table(table: pd.DataFrame, units: pd.DataFrame) -> Replicates:
    """Read the rows of `replicates_table` and `units_table` back as arrays, the state first."""
    count = int(table["replicate"].max()) + 1
    pairs: dict[tuple[int, int], Adjusted] = {}
    places = dict(zip(units["ccn"], units["place"], strict=True))
    names = tuple(sorted(places, key=lambda name: int(places[name])))
    years = table[["base_year", "performance_year"]].drop_duplicates().astype(int)
    for base_year, performance_year in years.itertuples(index=False, name=None):
        rows = table[
            (table["base_year"] == base_year) & (table["performance_year"] == performance_year)
        ]
        listed = tuple(rows["ccn"].to_numpy()[::count])
        order = [listed.index(name) for name in names]
        base, performance, *adjusted = (
            rows[column].to_numpy(dtype=float).reshape(len(listed), count)[order]
            for column in REPLICATE_COLUMNS
        )
        by_variant = dict(zip([v for v in VARIANTS if v != "none"], adjusted, strict=True))
        pairs[base_year, performance_year] = Adjusted(
            names, base, performance, {"none": base, **by_variant}
        )
    wide = units.pivot_table("units", "ccn", "year").reindex(list(names))
    by_year = {int(str(year)): wide[year].to_numpy(dtype=float) for year in wide}
    return Replicates(names, pairs, by_year)
