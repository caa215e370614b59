"""Rule R8: the statistics that verdicts rest on, each with its error, range and placebo.

All are of one pair of years and one method, over the hospitals with an interval:

spread            how far hospitals' true adjustments differ: the standard deviation of the
                  differences of growth, less what sampling error alone gives
variance_removed  the part of the variance of hospitals' growth that the adjustment takes away
slope             growth per point of the method's factor: 1 if cost follows the mix, 0 if not

Each has an interval from the same replicates (paired, so what growth and factor share stays
shared), the range over leaving out one hospital at a time, and what it is when units are given the
hospitals of other units: the placebo, in which no hospital does anything.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from tcoc.rules.inference.replicates import DRAWN, Replicates, UnitSums, point
from tcoc.rules.risk.adjust import Adjusted, Array, Pair, divide
from tcoc.rules.risk.settings import VARIANTS, RiskSettings

STATISTICS = ("spread", "variance_removed", "slope")
ADJUSTING = tuple(v for v in VARIANTS if v != "none")
FEWEST_HOSPITALS = 5
"""With fewer hospitals nothing is said of what differs between them."""

STATISTIC_COLUMNS = (
    "estimate",
    "low",
    "high",
    "error",
    "leave_out_low",
    "leave_out_high",
    "chance_low",
    "chance_high",
)


@dataclass(frozen=True)
class Growths:
    """Hospitals' growth and a method's factor, hospitals x replicates, and hospitals' weights."""

    growth: Array
    adjusted: Array
    factor: Array
    weight: Array

    def only(self, keep: Array) -> "Growths":
        """Return some of the hospitals."""
        return Growths(self.growth[keep], self.adjusted[keep], self.factor[keep], self.weight[keep])

    @property
    def difference(self) -> Array:
        """Growth under the method less growth without adjustment."""
        return np.asarray(self.adjusted - self.growth)


def growths(found: Adjusted, variant: str, weight: Array, hospitals: int) -> Growths:
    """Return the growths of the first so many hospitals; combinations count once, as members."""
    at = slice(1, hospitals + 1)
    return Growths(
        found.growth("none")[at],
        found.growth(variant)[at],
        divide(found.adjusted[variant], found.base)[at] - 1,
        weight,
    )


# ---------------------------------------------------------------- the statistics


def _mean(values: Array, weight: Array) -> Array:
    return np.asarray((weight[:, None] * values).sum(axis=0) / weight.sum())


def _variance(values: Array, weight: Array) -> Array:
    return _mean((values - _mean(values, weight)) ** 2, weight)


def variance_removed(of: Growths) -> Array:
    """Return 1 - variance of adjusted growth / variance of growth, by replicate."""
    before, after = (_variance(values, of.weight) for values in (of.growth, of.adjusted))
    return np.asarray(1 - divide(after, before))


def slope(of: Growths) -> Array:
    """Return the weighted slope of growth on the factor, by replicate."""
    x = of.factor - _mean(of.factor, of.weight)
    y = of.growth - _mean(of.growth, of.weight)
    return divide(_mean(x * y, of.weight), _mean(x * x, of.weight))


def spread(of: Growths, noise: Array) -> Array:
    """Return the signed root of variance between hospitals beyond `noise`, by replicate."""
    beyond = _variance(of.difference, of.weight) - noise
    return np.asarray(np.sign(beyond) * np.sqrt(np.abs(beyond)))


def noise_of(replicated: Growths) -> float:
    """Return the variance between hospitals that sampling error alone gives the differences."""
    centered = replicated.difference - replicated.difference.mean(axis=1, keepdims=True)
    return float(_variance(centered, replicated.weight).mean())


def hc3(of: Growths) -> tuple[float, float, float]:
    """Return the slope's HC3 interval (95%) and standard error: few hospitals, unlike errors."""
    from tcoc.rules import regressions as sm

    terms = sm.add_constant(of.factor[:, 0])
    fit = sm.WLS(of.growth[:, 0], terms, weights=of.weight).fit(cov_type="HC3")
    low, high = fit.conf_int()[1]
    return float(low), float(high), float(fit.bse[1])


# ---------------------------------------------------------------- one pair and method


def statistics(once: Growths, replicated: Growths, placebo: Growths, level: float) -> pd.DataFrame:
    """Return a row per statistic: estimate, interval, error, leave-one-out range, placebo.

    `once` has one column (the point), `replicated` the bootstrap's and `placebo` one per permuted
    attribution. Rows are empty with fewer than five hospitals that have an interval.
    """
    keep = np.isfinite(replicated.difference).all(axis=1) & np.isfinite(once.difference[:, 0])
    keep &= once.weight > 0
    if int(keep.sum()) < FEWEST_HOSPITALS:
        return pd.DataFrame(columns=["statistic", *STATISTIC_COLUMNS])
    once, replicated = once.only(keep), replicated.only(keep)
    placebo = placebo.only(keep & np.isfinite(placebo.difference).all(axis=1))
    noise = noise_of(replicated)
    tail = (1 - level) / 2
    rows = []
    for name in STATISTICS:
        found = float(_value(name, once, noise)[0])
        left = [
            float(_value(name, once.only(~_at(i, once)), noise)[0]) for i in range(len(keep[keep]))
        ]
        # Permuted attributions have hospitals of other people: the noise is taken to be the same.
        chance = np.quantile(_value(name, placebo, noise), [tail, 1 - tail])
        low, high, error = _interval(name, once, replicated, noise, level)
        values = (found, low, high, error, min(left), max(left), chance[0], chance[1])
        rows.append({"statistic": name, **dict(zip(STATISTIC_COLUMNS, values, strict=True))})
    return pd.DataFrame(rows)


def _at(i: int, of: Growths) -> Array:
    return np.asarray(np.arange(len(of.weight)) == i)


def _value(name: str, of: Growths, noise: float) -> Array:
    if name == "slope":
        return slope(of)
    if name == "variance_removed":
        return variance_removed(of)
    return spread(of, np.array(noise))


def _interval(
    name: str, once: Growths, replicated: Growths, noise: float, level: float
) -> tuple[float, float, float]:
    """Return low, high and standard error of a statistic.

    The slope has HC3, since what is left over differs between hospitals. A variance of replicates
    holds the sampling error a second time, so the others take the basic interval around the
    estimate: the replicates' deviations from their own mean, turned over.
    """
    if name == "slope":
        return hc3(once)
    values = _value(name, replicated, 2 * noise if name == "spread" else noise)
    if name == "spread":
        # On the scale of variances, where errors are nearly symmetric.
        squared = np.sign(values) * values**2
        found = float(_value(name, once, noise)[0])
        ends = np.sign(found) * found**2 - (squared - squared.mean())
        low, high = np.quantile(ends, [(1 - level) / 2, (1 + level) / 2])
        roots = [float(np.sign(v) * np.sqrt(abs(v))) for v in (low, high)]
        return roots[0], roots[1], float(squared.std(ddof=1)) ** 0.5
    found = float(_value(name, once, noise)[0])
    ends = found - (values - values.mean())
    low, high = np.quantile(ends, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high), float(values.std(ddof=1))


# ---------------------------------------------------------------- placebo


def permuted(drawn: UnitSums, pairs: list[Pair], settings: RiskSettings, times: int) -> Replicates:
    """Return the statistics when units take the hospitals of other units of their kind (R8).

    Places swap with places and clinicians with clinicians of about the same size, each year's
    shares together, so a unit that moved gives its move away too. People, buckets and dollars stay
    with their unit: what is left is what hospitals show when they are nothing but labels.
    """
    shares, sums = _by_unit(drawn)
    draws = np.random.Generator(np.random.SFC64(np.random.SeedSequence([settings.seed, 1 << 20])))
    months = _ranks(sums)
    given = np.stack([np.argsort(_shuffled(months, draws)) for _ in range(times)]).astype(np.int32)
    cells = np.empty((len(DRAWN), len(shares), times, len(drawn.hospitals), drawn.buckets))
    for year, of in enumerate(shares):
        moved = _given(of, given)
        for kind in range(len(DRAWN)):
            own = np.ascontiguousarray(sums[kind, year].T)
            cells[kind, year] = (moved @ own).reshape(cells.shape[2:])
    alone = replace(drawn, members=())
    found = [point(alone, pairs, settings, cells[:, :, i].reshape(-1, 1)) for i in range(times)]
    joined = {
        key: Adjusted(
            found[0].names,
            np.concatenate([f.pairs[key].base for f in found], axis=1),
            np.concatenate([f.pairs[key].performance for f in found], axis=1),
            {
                v: np.concatenate([f.pairs[key].adjusted[v] for f in found], axis=1)
                for v in VARIANTS
            },
        )
        for key in found[0].pairs
    }
    return Replicates(found[0].names, joined)


def _given(shares: sparse.csr_array, given: Array) -> sparse.csr_array:
    """Return shares by hospital, once for each row of `given`: whose column each unit's becomes.

    The rows of all permutations stand below each other, so that one product gives them all.
    """
    times, (hospitals, units) = len(given), shares.shape
    starts = shares.nnz * np.arange(times)[:, None] + shares.indptr[:-1]
    return sparse.csr_array(
        (
            np.tile(shares.data, times),
            given[:, shares.indices].ravel(),
            np.append(starts.ravel(), shares.nnz * times),
        ),
        shape=(times * hospitals, units),
    )


def _by_unit(drawn: UnitSums) -> tuple[list[sparse.csr_array], Array]:
    """Return each year's share of a unit's months by hospital, and the units' own sums."""
    matrix, years, buckets = drawn.matrix, len(drawn.years), drawn.buckets
    axes = (len(DRAWN), years, len(drawn.hospitals), buckets)
    kind, year, hospital, bucket = np.unravel_index(np.arange(matrix.shape[0]), axes)
    stored = np.diff(matrix.indptr)
    at = np.repeat(((kind * years + year) * buckets + bucket) * drawn.units, stored)
    shape = (len(DRAWN), years, buckets, drawn.units)
    sums = np.bincount(at + matrix.indices, matrix.data, math.prod(shape)).reshape(shape)
    by, per_year = np.repeat(hospital, stored), len(drawn.hospitals) * buckets
    shares = []
    for i in range(years):
        of = slice(*matrix.indptr[[i * per_year, (i + 1) * per_year]])
        months = sparse.csr_array(
            (matrix.data[of], (by[of], matrix.indices[of])),
            shape=(len(drawn.hospitals), drawn.units),
        )
        whole = np.asarray(months.sum(axis=0)).ravel()
        shares.append(sparse.csr_array(months @ sparse.diags_array(_inverse(whole))))
    return shares, sums


def _inverse(values: Array) -> Array:
    """Return 1 / values, 0 where a value is 0."""
    return np.asarray(np.where(values > 0, 1 / np.where(values > 0, values, 1), 0.0))


def relabeled(drawn: UnitSums, draws: np.random.Generator) -> UnitSums:
    """Return the same units with the hospitals of others: a state in which hospitals are labels."""
    shares, sums = _by_unit(drawn)
    taken = _shuffled(_ranks(sums), draws)
    hospitals, buckets = len(drawn.hospitals), drawn.buckets
    places, units, values = [], [], []
    for i, of in enumerate(shares):
        given = pd.DataFrame(
            dict(zip(("hospital", "unit"), of[:, taken].tocoo().coords, strict=True))
        )
        given["share"] = of[:, taken].tocoo().data
        kind, bucket, unit = np.nonzero(sums[:, i])
        own = pd.DataFrame({"kind": kind, "bucket": bucket, "unit": unit})
        own["value"] = sums[kind, i, bucket, unit]
        both = own.merge(given, on="unit")
        year = both["kind"] * len(shares) + i
        places.append(((year * hospitals + both["hospital"]) * buckets + both["bucket"]).to_numpy())
        units.append(both["unit"].to_numpy())
        values.append((both["value"] * both["share"]).to_numpy())
    at = (np.concatenate(places), np.concatenate(units))
    return replace(
        drawn, matrix=sparse.csr_array((np.concatenate(values), at), shape=drawn.matrix.shape)
    )


def _ranks(sums: Array) -> Array:
    """Return the rank of each unit's months, alike for equal ones, in few bits: sorted faster."""
    ranks = np.unique(sums[0].sum(axis=(0, 1)), return_inverse=True)[1]
    return ranks.astype(np.min_scalar_type(len(ranks)))


def _shuffled(ranks: Array, draws: np.random.Generator) -> Array:
    """Return whose hospitals each unit takes: another's of about the same size, in twenties."""
    # Ties in a random order: units of one hospital often have one size and would only swap places.
    order = draws.permutation(len(ranks))
    order = order[np.argsort(ranks[order], kind="stable")]
    taken = np.arange(len(order))
    whole = len(order) // 20 * 20
    twenties = order[:whole].reshape(-1, 20)
    taken[twenties] = draws.permuted(twenties, axis=1)
    taken[order[whole:]] = draws.permutation(order[whole:])
    return taken


def gain_rows(fitted: pd.DataFrame, pair: Pair) -> pd.DataFrame:
    """Return the prediction gains of `cross_fitted` as rows of statistics (95% intervals).

    `prediction_gain` is that of the new enrollee score over the demographic buckets, and
    `prediction_gain_over_none` each method's over the mean. They rest on people, not on hospitals:
    there is no hospital to leave out and no attribution to permute.
    """
    rows = []
    for row in fitted.itertuples():
        if (row.model, row.against) == ("new_enrollee", "demographic"):
            name, variant = "prediction_gain", "new_enrollee"
        elif row.against == "none":
            name = "prediction_gain_over_none"
            variant = str(row.model) if row.model != "demographic" else "demographic_statewide"
        else:
            continue
        gain, error = float(row.gain), float(row.gain_error)  # type: ignore[arg-type]
        ends = {"low": gain - 1.96 * error, "high": gain + 1.96 * error, "error": error}
        rows.append({"statistic": name, "variant": variant, "estimate": gain, **ends})
    table = pd.DataFrame(rows).reindex(columns=["statistic", "variant", *STATISTIC_COLUMNS])
    return table.assign(base_year=pair.base_year, performance_year=pair.performance_year)


def statistic_rows(
    drawn: UnitSums,
    replicated: Replicates,
    pairs: list[Pair],
    settings: RiskSettings,
    times: int,
) -> pd.DataFrame:
    """Return the statistics of every pair and method (rule R8).

    One row per (statistic, variant, base_year, performance_year). `times` is the number of
    permuted attributions.
    """
    once = point(drawn, pairs, settings)
    placebo = permuted(drawn, pairs, settings, times)
    ones = drawn.sums(drawn.matrix @ np.ones((drawn.units, 1)))
    count = len(drawn.hospitals)
    frames = []
    for pair in pairs:
        key = (pair.base_year, pair.performance_year)
        weight = ones[pair.performance_year].months.sum(axis=1)[1 : count + 1, 0]
        for variant in ADJUSTING:
            three: Mapping[str, Growths] = {
                name: growths(of.pairs[key], variant, weight, count)
                for name, of in (("once", once), ("replicated", replicated), ("placebo", placebo))
            }
            table = statistics(
                three["once"], three["replicated"], three["placebo"], settings.interval_level
            )
            frames.append(table.assign(variant=variant, base_year=key[0], performance_year=key[1]))
    return pd.concat(frames, ignore_index=True)
