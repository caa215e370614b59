"""The per capita that a benchmark grows from: which years, at which risk (rules M1, M8)."""

from collections.abc import Mapping, Sequence

import numpy as np

from tcoc.rules.mpa.scale import Array
from tcoc.rules.risk.adjust import Adjusted, divide


def weighted_base(
    by_year: Mapping[int, Adjusted],
    names: Sequence[str],
    variant: str,
    base_year: int,
    weights: Sequence[float],
    risk_cap: float,
) -> Array:
    """Return the base per capita at the performance year's risk, units x replicates (rule M8).

    `by_year` holds each base year against the performance year, `weights` the weight of the base
    year, the year before it, and the one before that. An earlier year is brought to the level of
    the base year by the state's own adjusted per capita, so that no national figure is needed. A
    unit without months in an earlier year rests on the years that it has. `risk_cap` bounds how
    far risk may move a base: 0.03 lets it change by 3% at most.
    """
    parts, known = [], []
    for back, weight in enumerate(weights):
        one = by_year[base_year - back]
        at = _places(one, names)
        base, adjusted = (np.where(at[:, None] < 0, np.nan, a[at]) for a in _of(one, variant))
        factor = np.clip(divide(adjusted, base), 1 - risk_cap, 1 + risk_cap)
        level = divide(*(_state(by_year[y], variant) for y in (base_year, base_year - back)))
        value = base * factor * (level if back else 1.0)
        parts.append(np.nan_to_num(value) * weight)
        known.append(np.where(np.isfinite(value), weight, 0.0))
    # The base year itself must be known: without it there is nothing to improve on.
    total = np.where(known[0] > 0, sum(known), 0.0)
    return divide(np.asarray(sum(parts)), np.asarray(total))


def _of(one: Adjusted, variant: str) -> tuple[Array, Array]:
    return one.base, one.adjusted[variant]


def _state(one: Adjusted, variant: str) -> Array:
    return one.adjusted[variant][:1]


def _places(one: Adjusted, names: Sequence[str]) -> Array:
    known = {name: place for place, name in enumerate(one.hospitals)}
    return np.array([known.get(name, -1) for name in names], dtype=np.int64)


def years_back(base_year: int, weights: Sequence[float]) -> tuple[int, ...]:
    """Return the base years that some weights need, the base year first."""
    return tuple(base_year - back for back in range(len(weights)))
