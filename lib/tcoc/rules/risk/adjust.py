"""Rules R2, R3 and R4: what a hospital's base year would have cost with this year's people.

Every method restates the base-year per capita at the performance year's mix of beneficiaries of
the same hospital; risk is not compared between hospitals. Arrays have the axes hospital, bucket,
replicate; hospital 0 is the state. The point estimate has one replicate, a bootstrap many, and
both use the same functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tcoc.rules.risk.buckets import STATE
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import VARIANTS, RiskSettings
from tcoc.rules.sums import exact_sums

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Sums:
    """One year's sums of share x months and share x dollars, by hospital and bucket.

    `score` is the sum of share x months x new enrollee factor over beneficiaries without ESRD.
    """

    months: Array
    dollars: Array
    score: Array


@dataclass(frozen=True)
class Pair:
    """A base and a performance year, with the completion factor of each (rule T2)."""

    base_year: int
    performance_year: int
    base_completion: float = 1.0
    performance_completion: float = 1.0


@dataclass(frozen=True)
class Adjusted:
    """Per capita dollars by hospital (0 is the state) and replicate; NaN where undefined."""

    hospitals: tuple[str, ...]
    base: Array
    performance: Array
    adjusted: dict[str, Array]

    def growth(self, variant: str) -> Array:
        """Growth from the adjusted base to the performance year, as a fraction (rule R4)."""
        return divide(self.performance, self.adjusted[variant]) - 1

    def difference(self, variant: str) -> Array:
        """Growth under a method less growth without adjustment, as a fraction (rule R4)."""
        return self.growth(variant) - self.growth("none")


# ---------------------------------------------------------------- sums


def weighted_cells(cells: pd.DataFrame, truncated: bool = False) -> pd.DataFrame:
    """Return the cells with share x people, months and dollars as doubles.

    Decimal dollars become cents before they meet the share, so the product is the same wherever
    the cells were computed.
    """
    share = cells["share"].to_numpy(dtype=float)
    cents = as_cents(cells["capped" if truncated else "dollars"])
    return cells.assign(
        benes=share * cells["people"].to_numpy(dtype=float),
        months=share * cells["months"].to_numpy(dtype=float),
        dollars=share * cents / 100,
    )


def as_cents(dollars: pd.Series) -> Array:
    """Return decimal or double dollars as whole cents, in a double (exact below 2**53)."""
    return np.asarray(np.rint(dollars.to_numpy(dtype=float) * 100))


def hospital_sums(
    cells: pd.DataFrame,
    year: int,
    hospitals: Sequence[str],
    settings: RiskSettings,
    factors: NewEnrolleeFactors,
) -> Sums:
    """Return one year's sums for the given hospitals, from the cells of `risk_cells`."""
    chosen = cells[(cells["year"] == year) & cells["ccn"].isin(list(hospitals))]
    rows = weighted_cells(chosen, settings.truncate is not None)
    rows = rows.assign(bucket=bucket_labels(rows, settings), factor=factors.scores(rows))
    values = {
        "months": rows["months"].to_numpy(),
        "dollars": rows["dollars"].to_numpy(),
        "score": (rows["months"] * rows["factor"]).to_numpy(),
    }
    by_bucket = exact_sums(rows, ["ccn", "bucket"], values)
    h = pd.Index(hospitals).get_indexer(pd.Index(by_bucket["ccn"]))
    k = pd.Index(settings.scheme.buckets).get_indexer(pd.Index(by_bucket["bucket"]))
    shape = (len(hospitals), len(settings.scheme.buckets), 1)
    grids = {name: np.zeros(shape) for name in values}
    for name, grid in grids.items():
        grid[h, k, 0] = by_bucket[name].to_numpy(dtype=float)
    return Sums(grids["months"], grids["dollars"], grids["score"].sum(axis=1))


def bucket_labels(rows: pd.DataFrame, settings: RiskSettings) -> Array:
    """Return the bucket of each row's profile."""
    keys = ["age_from", "sex", "dual", "esrd"]
    profiles = rows[keys].drop_duplicates()
    named = [settings.scheme.bucket(*row) for row in profiles.itertuples(index=False)]
    labelled = rows[keys].merge(profiles.assign(bucket=named), on=keys, how="left")
    return labelled["bucket"].to_numpy(dtype=object)


def hospitals_of(cells: pd.DataFrame, pair: Pair) -> tuple[str, ...]:
    """Return the state and the hospitals with months in both years, in order (rule R4)."""
    present = cells[cells["months"] > 0]
    base, performance = (
        set(present.loc[present["year"] == year, "ccn"].unique())
        for year in (pair.base_year, pair.performance_year)
    )
    return (STATE, *sorted((base & performance) - {STATE}))


def pooled(cells: pd.DataFrame, members: Mapping[str, str]) -> pd.DataFrame:
    """Return the cells of combinations: members' rows under their combination's name (rule A12).

    The per capita of a combination is then the ratio of sums, not a mean of its hospitals' ratios.
    Rows of hospitals in no combination are left out; the state's rows stay.
    """
    names = {**members, STATE: STATE}
    chosen = cells[cells["ccn"].isin(list(names))]
    return chosen.assign(ccn=chosen["ccn"].map(names))


# ---------------------------------------------------------------- methods


def divide(top: Array, bottom: Array) -> Array:
    """Return top / bottom, NaN where the bottom is zero."""
    top, bottom = np.broadcast_arrays(top, bottom)
    result = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=result, where=bottom != 0)
    return result


def per_capita(dollars: Array, months: Array, completion: float) -> Array:
    """Annual dollars per beneficiary (rule T2), NaN without months."""
    return divide(dollars * 12, months) / completion


def bucket_costs(base: Sums, completion: float) -> tuple[Array, Array]:
    """Return the state's base-year per capita by bucket and over all.

    A bucket in which the state has no base months takes the per capita of all (rule R2).
    """
    total = per_capita(base.dollars[:1].sum(axis=1), base.months[:1].sum(axis=1), completion)
    by_bucket = per_capita(base.dollars[:1], base.months[:1], completion)
    return np.where(np.isnan(by_bucket), total[:, None, :], by_bucket), total


def mix(sums: Sums) -> Array:
    """Return each bucket's share of the hospital's months."""
    return divide(sums.months, sums.months.sum(axis=1, keepdims=True))


def own_costs(base: Sums, completion: float, thin: float) -> Array:
    """Return the hospital's own base-year per capita by bucket, the state's where it has too few.

    A bucket in which the hospital has no base months, or fewer than `thin`, takes the state's
    per capita of the bucket, else the state's per capita of all (rule R2).
    """
    state, _ = bucket_costs(base, completion)
    own = per_capita(base.dollars, base.months, completion)
    return np.where((base.months <= 0) | (base.months < thin), state, own)


def demographic_own(base: Sums, performance: Sums, completion: float, thin: float) -> Array:
    """Adjusted base by the hospital's own base-year bucket costs (rule R2)."""
    return np.asarray((mix(performance) * own_costs(base, completion, thin)).sum(axis=1))


def demographic_statewide(base: Sums, performance: Sums, completion: float) -> Array:
    """Adjusted base by the change of the statewide cost index of the mix (rule R2, variant)."""
    state, total = bucket_costs(base, completion)
    relative = divide(state, total[:, None, :])
    indexes = [(mix(sums) * relative).sum(axis=1) for sums in (base, performance)]
    return own_per_capita(base, completion) * divide(indexes[1], indexes[0])


@dataclass(frozen=True)
class MixAndCosts:
    """The two mixes of a pair, and by method the bucket costs of both years' weighing (rule R2)."""

    mixes: tuple[Array, Array]
    costs: dict[str, tuple[Array, Array]]


def mix_and_costs(
    base: Sums, performance: Sums, completion: float, settings: RiskSettings
) -> MixAndCosts:
    """Return what the methods multiply that weigh a mix by bucket costs, apart from each other."""
    state, _ = bucket_costs(base, completion)
    priced = own_costs(base, completion, settings.thin_bucket_months)
    own = np.nan_to_num(per_capita(base.dollars, base.months, completion))
    costs = {"demographic_own": (own, priced), "demographic_statewide": (state, state)}
    return MixAndCosts((mix(base), mix(performance)), costs)


def mix_factor(mixes: tuple[Array, Array], costs: tuple[Array, Array]) -> Array:
    """Return the cost of the performance year's mix over that of the base year's."""
    before, after = ((m * c).sum(axis=1) for m, c in zip(mixes, costs, strict=True))
    return divide(after, before)


def new_enrollee(
    base: Sums, performance: Sums, completion: float, esrd: Array, esrd_score: str
) -> Array:
    """Adjusted base by the change of the mean new enrollee score (rule R3)."""
    constant = esrd_constant(base, esrd, esrd_score)
    means = [
        divide(sums.score + constant * sums.months[:, esrd].sum(axis=1), sums.months.sum(axis=1))
        for sums in (base, performance)
    ]
    return own_per_capita(base, completion) * divide(means[1], means[0])


def esrd_constant(base: Sums, esrd: Array, esrd_score: str) -> Array:
    """Return the one score of ESRD for both years, by replicate (rule R3).

    The state's mean base-year score of the others times the cost ratio of ESRD to the others. With
    nobody or no dollars on one side the ratio is not defined and counts as 1, and a state of ESRD
    alone scores 1: then the method says that ESRD is like the rest, never that it is free.
    """
    months, dollars = base.months[0], base.dollars[0]
    other_months = months[~esrd].sum(axis=0)
    mean = np.nan_to_num(divide(base.score[0], other_months), nan=1.0)
    if esrd_score == "mean":
        return mean
    cost = divide(dollars[esrd].sum(axis=0), months[esrd].sum(axis=0))
    other = divide(dollars[~esrd].sum(axis=0), other_months)
    ratio = np.nan_to_num(divide(cost, other), nan=1.0)
    return np.asarray(mean * np.where(ratio > 0, ratio, 1.0))


def own_per_capita(sums: Sums, completion: float) -> Array:
    """Return each hospital's per capita over all buckets."""
    return per_capita(sums.dollars.sum(axis=1), sums.months.sum(axis=1), completion)


def adjust(
    hospitals: Sequence[str], base: Sums, performance: Sums, pair: Pair, settings: RiskSettings
) -> Adjusted:
    """Return base, performance and adjusted per capita under every method (rules R2 to R4)."""
    done, esrd = pair.base_completion, settings.scheme.is_esrd
    unadjusted = own_per_capita(base, done)
    by_variant = (
        unadjusted,
        demographic_own(base, performance, done, settings.thin_bucket_months),
        demographic_statewide(base, performance, done),
        new_enrollee(base, performance, done, esrd, settings.esrd_score),
    )
    return Adjusted(
        tuple(hospitals),
        unadjusted,
        own_per_capita(performance, pair.performance_completion),
        dict(zip(VARIANTS, by_variant, strict=True)),
    )


def risk_adjustment(
    cells: pd.DataFrame, pair: Pair, settings: RiskSettings, factors: NewEnrolleeFactors
) -> Adjusted:
    """Return the point estimates for the state and each hospital with months in both years.

    `cells` are the rows of `risk_cells`, or of `pooled` for combinations.
    """
    hospitals = hospitals_of(cells, pair)
    years = (pair.base_year, pair.performance_year)
    base, performance = (hospital_sums(cells, y, hospitals, settings, factors) for y in years)
    return adjust(hospitals, base, performance, pair, settings)


def variants_table(result: Adjusted, pair: Pair) -> pd.DataFrame:
    """Return a row per (variant, hospital): the columns of slide 18, dollars not rounded."""
    frames = [_variant_rows(result, pair, variant) for variant in result.adjusted]
    return pd.concat(frames, ignore_index=True)


def _variant_rows(result: Adjusted, pair: Pair, variant: str) -> pd.DataFrame:
    base, adjusted = result.base[:, 0], result.adjusted[variant][:, 0]
    return pd.DataFrame(
        {
            "variant": variant,
            "base_year": pair.base_year,
            "performance_year": pair.performance_year,
            "ccn": result.hospitals,
            "base_per_capita": base,
            "factor": divide(adjusted, base),
            "adjusted_base": adjusted,
            "performance_per_capita": result.performance[:, 0],
            "growth": result.growth(variant)[:, 0],
            "difference": result.difference(variant)[:, 0],
        }
    )


def extremes(rows: pd.DataFrame, settings: RiskSettings) -> pd.DataFrame:
    """Return the hospitals with the largest increase and decrease of each variant (rule R4).

    One row per (variant, end): ccn and the value. The state and the hospitals named in the
    parameters are left out; ties go to the lower CCN; a variant without hospital has no row.
    """
    left_out = {STATE, *settings.excluded_from_extremes}
    chosen = rows[~rows["ccn"].isin(left_out)].dropna(subset=[settings.extremes])
    found = []
    for end, ascending in (("increase", False), ("decrease", True)):
        ordered = chosen.sort_values([settings.extremes, "ccn"], ascending=[ascending, True])
        found.append(ordered.groupby("variant", sort=False).head(1).assign(end=end))
    table = pd.concat(found)[["variant", "end", "ccn", settings.extremes]]
    return table.rename(columns={settings.extremes: "value"}).reset_index(drop=True)


def sensitivity_settings(settings: RiskSettings) -> dict[str, RiskSettings]:
    """Return the settings that the comparison of methods shows beside the run's own (rule R6)."""
    cases = {
        f"buckets under {months:g} months take the state's cost": replace(
            settings, thin_bucket_months=months
        )
        for months in settings.thin_bucket_sensitivity
    }
    if settings.truncate is None:
        cut = settings.truncate_sensitivity
        cases[f"high costs cut at quantile {cut:g}"] = replace(settings, truncate=cut)
    else:
        cases["high costs not cut"] = replace(settings, truncate=None)
    return cases
