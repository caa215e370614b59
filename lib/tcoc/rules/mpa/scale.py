"""From per capita to percent to dollars (rules M1 to M4), element by element of any array."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

CENT = Decimal("0.01")


def benchmark(base: Array, trend: float) -> Array:
    """Return the per capita that the performance year is held against (rule M1), in dollars."""
    return np.asarray(base * trend)


def performance_result(target: Array, performance: Array) -> Array:
    """Return (benchmark - performance) / benchmark (rule M1); NaN without a benchmark above 0."""
    target, performance = np.broadcast_arrays(target, performance)
    result = np.full(target.shape, np.nan)
    np.divide(target - performance, target, out=result, where=target > 0)
    return result


def blended_result(improvement: Array, attainment: Array, weight: float) -> Array:
    """Return the weighted mean of improvement and attainment (rule M5)."""
    if weight == 0:
        return improvement
    return np.asarray((1 - weight) * improvement + weight * attainment)


def scaled_result(result: Array, threshold: float, max_at_risk: float) -> Array:
    """Return the result on the scale of revenue at risk (rule M2): at the threshold, all of it."""
    return np.asarray(np.clip(result, -threshold, threshold) / threshold * max_at_risk)


def with_quality(scaled: Array, quality: Array, max_at_risk: float, sign: str) -> Array:
    """Return the percentage after quality, within the revenue at risk (rule M3), as a fraction.

    `quality` is RRIP + MHAC. `multiply`: scaled x (1 + quality). `reward_helps`: a reward raises
    and a penalty lowers the percentage, by quality x the size of the scaled result.
    """
    moved = scaled if sign == "multiply" else np.abs(scaled)
    return np.asarray(np.clip(scaled + moved * quality, -max_at_risk, max_at_risk))


def to_cents(percents: Iterable[float], payments: Iterable[Decimal]) -> list[Decimal]:
    """Return percent x payments, rounded half up to the cent, by exact decimals (rule M4).

    A percentage that is not defined has no dollars: it moves nothing.
    """
    return [
        (Decimal(0) if np.isnan(percent) else Decimal(float(percent)) * paid).quantize(
            CENT, ROUND_HALF_UP
        )
        for percent, paid in zip(percents, payments, strict=True)
    ]


def break_even(
    performance: Array,
    improvement_target: Array,
    attainment_target: Array,
    weight: float,
    at: float | Array,
) -> Array:
    """Return the per capita dollars to save in order to reach a result; negative is room left.

    The result is linear in the performance per capita: 1 - performance x k, where k blends the
    inverse targets. Quality is left out: it does not move the zero, and scales what lies beyond.
    A result above 1, as weighing by reliability may ask for (rule M8), is out of reach: NaN.
    """
    inverse = (1 - weight) / improvement_target
    if weight:
        inverse = inverse + weight / attainment_target
    left = np.where(np.less_equal(at, 1), 1 - at, np.nan)
    return np.asarray(performance - left / inverse)
