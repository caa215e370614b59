"""Rule R6: which part of a hospital's adjustment comes from age, sex, dual, ESRD and disability.

A profile's risk (the state's relative cost of its bucket, or its new enrollee score) is split into
the Shapley values of its characteristics against the state's base-year population: the average,
over all orders of revealing the characteristics, of what each adds to the expected risk. The
values of a profile add up to its risk less the mean. A hospital's part is the change of its mix
times these values, so its parts add up to the change of its mean risk, exactly and in any order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from tcoc.rules.risk.adjust import (
    Adjusted,
    Array,
    Pair,
    bucket_costs,
    esrd_constant,
    hospital_sums,
    weighted_cells,
)
from tcoc.rules.risk.buckets import PROFILE, STATE
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import RiskSettings
from tcoc.rules.sums import exact_sums

PARTS = {
    "age_from": "age",
    "sex": "sex",
    "dual": "dual",
    "esrd": "ESRD",
    "originally_disabled": "disabled",
}
"""Characteristics and how the parts are called."""

OWN_COST = "own cost"
"""The part of the own-cost method that its mix at the state's costs does not explain."""


@dataclass(frozen=True)
class _Population:
    """Profiles that occur, the months of each hospital and year, and the state's base weights."""

    profiles: pd.DataFrame
    base: pd.DataFrame
    performance: pd.DataFrame

    @property
    def weights(self) -> Array:
        return np.asarray(self.base.loc[STATE].to_numpy(dtype=float))


def decompose(
    cells: pd.DataFrame,
    result: Adjusted,
    pair: Pair,
    settings: RiskSettings,
    factors: NewEnrolleeFactors,
) -> pd.DataFrame:
    """Return each hospital's adjustment in parts that add up to it.

    One row per (variant, ccn, part): `relative`, a fraction of the base per capita, and
    `dollars` per capita. The own-cost demographic method has the further part "own cost": its
    distance from the same mix at the state's costs. `result` is the point estimate of the cells.
    """
    population = _population(cells, result.hospitals, pair, settings)
    state = hospital_sums(cells, pair.base_year, [STATE], settings, factors)
    cost, total = bucket_costs(state, pair.base_completion)
    relative = dict(zip(settings.scheme.buckets, cost[0, :, 0] / total[0, 0], strict=True))
    constant = float(esrd_constant(state, settings.scheme.is_esrd, settings.esrd_score)[0])

    def cost_of(age: int, sex: str, dual: bool, esrd: bool, _: bool) -> float:
        return float(relative[settings.scheme.bucket(age, sex, dual, esrd)])

    def score_of(age: int, sex: str, dual: bool, esrd: bool, disabled: bool) -> float:
        return constant if esrd else factors.score(age, sex, dual, disabled)

    statewide = _parts(population, cost_of, "demographic_statewide")
    scored = _parts(population, score_of, "new_enrollee")
    own = statewide.assign(variant="demographic_own")
    parts = _in_dollars(pd.concat([own, statewide, scored], ignore_index=True), result)
    return pd.concat([parts, _own_cost(result)], ignore_index=True)


def _population(
    cells: pd.DataFrame, hospitals: Sequence[str], pair: Pair, settings: RiskSettings
) -> _Population:
    years = [pair.base_year, pair.performance_year]
    rows = cells[cells["year"].isin(years) & cells["ccn"].isin(list(hospitals))]
    rows = weighted_cells(rows, settings.truncate is not None)
    months = exact_sums(rows, ["ccn", "year", *PROFILE], {"months": rows["months"].to_numpy()})
    grid = months.set_index(["ccn", "year", *PROFILE])["months"].unstack(["ccn", "year"]).fillna(0)
    grid = grid.sort_index()
    base, performance = (
        pd.DataFrame(grid.xs(year, axis=1, level="year").T).reindex(list(hospitals))
        for year in years
    )
    return _Population(grid.index.to_frame(index=False), base, performance)


def _parts(population: _Population, risk: Callable[..., float], variant: str) -> pd.DataFrame:
    values, mean_risk = shapley(population.profiles, population.weights, risk)
    change = _mix(population.performance) - _mix(population.base)
    level = _mix(population.base) @ mean_risk
    relative = (change @ values) / level[:, None]
    table = pd.DataFrame(relative, columns=list(PARTS.values()))
    table.insert(0, "ccn", population.base.index.to_numpy())
    long = table.melt("ccn", var_name="part", value_name="relative")
    long.insert(0, "variant", variant)
    return long


def _mix(months: pd.DataFrame) -> Array:
    grid = months.to_numpy(dtype=float)
    return np.asarray(grid / grid.sum(axis=1, keepdims=True))


def shapley(
    profiles: pd.DataFrame, weights: Array, risk: Callable[..., float]
) -> tuple[Array, Array]:
    """Return each profile's Shapley values (profiles x characteristics) and its risk.

    `weights` are the months of the background population. The values of a row add up to its risk
    less the background's mean risk.
    """
    codes, levels = _codes(profiles)
    table = _risk_table(levels, risk)
    background = np.asarray(weights / weights.sum())
    names = range(codes.shape[1])
    expected = {
        subset: _expected(codes, table, background, subset)
        for size in range(len(names) + 1)
        for subset in combinations(names, size)
    }
    values = np.zeros(codes.shape)
    for subset, value in expected.items():
        for j in set(names) - set(subset):
            gained = expected[tuple(sorted((*subset, j)))] - value
            values[:, j] += _order_share(len(subset), len(names)) * gained
    return values, table[tuple(codes.T)]


def _order_share(known: int, of: int) -> float:
    """Return the share of all orders in which exactly a given set comes before the next one."""
    return factorial(known) * factorial(of - known - 1) / factorial(of)


def _codes(profiles: pd.DataFrame) -> tuple[Array, list[list[object]]]:
    levels = [sorted(set(profiles[name])) for name in profiles]
    columns = [
        pd.Index(v).get_indexer(pd.Index(profiles[n]))
        for n, v in zip(profiles, levels, strict=True)
    ]
    return np.column_stack(columns), levels


def _risk_table(levels: Sequence[Sequence[object]], risk: Callable[..., float]) -> Array:
    shape = tuple(len(v) for v in levels)
    table = np.zeros(shape)
    for position in np.ndindex(shape):
        table[position] = risk(*(v[i] for v, i in zip(levels, position, strict=True)))
    return table


def _expected(codes: Array, table: Array, background: Array, known: tuple[int, ...]) -> Array:
    """Return the expected risk of each profile of which only some characteristics are known."""
    mixed = [codes[:, None, j] if j in known else codes[None, :, j] for j in range(codes.shape[1])]
    square = (len(codes), len(codes))
    risks = table[tuple(np.broadcast_to(column, square) for column in mixed)]
    return np.asarray(risks @ background)


def _in_dollars(parts: pd.DataFrame, result: Adjusted) -> pd.DataFrame:
    base = pd.Series(result.base[:, 0], index=list(result.hospitals))
    return parts.assign(dollars=parts["relative"] * parts["ccn"].map(base))


def _own_cost(result: Adjusted) -> pd.DataFrame:
    own, statewide = (result.adjusted[f"demographic_{kind}"][:, 0] for kind in ("own", "statewide"))
    return pd.DataFrame(
        {
            "variant": "demographic_own",
            "ccn": result.hospitals,
            "part": OWN_COST,
            "relative": (own - statewide) / result.base[:, 0],
            "dollars": own - statewide,
        }
    )
