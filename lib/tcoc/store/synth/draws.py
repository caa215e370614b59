"""Seeded random numbers that depend on (seed, purpose, year, block) and on nothing else.

The stream is Philox's raw 64-bit output, whose values are fixed across numpy versions; quantiles
of the normal distribution come from a table, so that no vectorised logarithm or exponential (whose
last bit differs between processors) decides an amount.
"""

import hashlib
import math
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_STEPS = 1 << 14


def day_number(year: int, month: int = 1, day: int = 1) -> int:
    """Return days since 1970-01-01."""
    return int(np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "D").astype(np.int64))


class Draws:
    """A source of uniform numbers for one purpose."""

    def __init__(self, seed: int, *purpose: object) -> None:
        text = "/".join(str(part) for part in (seed, *purpose))
        key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
        self._bits = np.random.Philox(key=key)

    def uniform(self, size: int) -> Floats:
        """Return `size` numbers in [0, 1)."""
        raw = self._bits.random_raw(size)
        return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def flags(self, size: int, share: float | Floats) -> Flags:
        """Return `size` flags that are true with a probability."""
        return self.uniform(size) < share

    def below(self, size: int, limit: int) -> Integers:
        """Return `size` whole numbers from 0 to limit - 1."""
        return (self.uniform(size) * limit).astype(np.int64)

    def normal(self, size: int) -> Floats:
        """Return `size` standard normal numbers, on a grid of quantiles."""
        return normal_table()[self.below(size, _STEPS)]

    def lognormal(self, size: int, sigma: float) -> Floats:
        """Return `size` lognormal numbers of mean 1."""
        return lognormal_table(sigma)[self.below(size, _STEPS)]

    def whole(self, mean: Floats) -> Integers:
        """Round means up or down at random, so that the expectation is kept."""
        return np.floor(mean + self.uniform(len(mean))).astype(np.int64)

    def poisson(self, mean: Floats) -> Integers:
        """Return counts around means with more spread than `whole`: mean x an exponential."""
        spread = exponential_table()[self.below(len(mean), _STEPS)]
        return self.whole(mean * (0.4 + 0.6 * spread))

    def choose(self, size: int, weights: Any) -> Integers:
        """Return positions drawn with the weights."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        found = np.searchsorted(edges, self.uniform(size) * edges[-1], side="right")
        result: Integers = np.minimum(found, len(edges) - 1)
        return result


def _quantiles() -> list[float]:
    return [(k + 0.5) / _STEPS for k in range(_STEPS)]


@cache
def normal_table() -> Floats:
    """Return the standard normal quantiles at the middle of equal steps."""
    inverse = NormalDist().inv_cdf
    return np.array([round(inverse(q), 9) for q in _quantiles()])


@cache
def exponential_table() -> Floats:
    """Return the quantiles of the exponential distribution of mean 1."""
    return np.array([round(-math.log1p(-q), 9) for q in _quantiles()])


@cache
def lognormal_table(sigma: float) -> Floats:
    """Return lognormal quantiles with median exp(-sigma^2 / 2), so of mean 1."""
    shift = sigma * sigma / 2
    return np.array([round(math.exp(sigma * z - shift), 9) for z in normal_table().tolist()])
