"""Many sets of terms at once: the Year 2 options study (rules M5 and M6).

A result depends on method, attainment weight and level only; the scale is applied to it. So the
few results are computed once, for all hospitals and bootstrap replicates, and each option is two
clips of an array.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from tcoc.errors import InputError, nearest
from tcoc.rules.mpa.scale import (
    Array,
    benchmark,
    blended_result,
    performance_result,
    scaled_result,
    with_quality,
)
from tcoc.rules.mpa.settings import Terms

TOP = 5
"""Hospitals whose share of all dollars moved is the concentration."""


@dataclass(frozen=True)
class Inputs:
    """Per capita dollars by unit and replicate (one replicate: the point estimate).

    base         risk method -> base-year per capita at the performance year's risk
    performance  performance-year per capita
    level        attainment level -> base-year per capita of the state or the peers at the unit's
                 risk
    position     for each hospital the place of its unit
    quality      RRIP + MHAC by hospital, pooled; `paid` its Medicare payments in dollars
    prices       each unit's price relative to the state's, taken out of attainment (rule M8)
    credibility  weight of each unit's own result, the rest being `center` (rule M8)
    """

    base: Mapping[str, Array]
    performance: Array
    level: Mapping[str, Array]
    position: Array
    quality: Array
    paid: Array
    prices: Array = field(default_factory=lambda: np.ones(1))
    credibility: Array = field(default_factory=lambda: np.ones(1))
    center: float = 0.0

    def result(self, method: str, weight: float, level: str, trend: float) -> Array:
        """Return the units' results under improvement, attainment or a blend (rules M1, M5, M8)."""
        found = performance_result(benchmark(self.base[method], trend), self.performance)
        if weight:
            target = benchmark(self.level[level], trend)
            standard = self.performance / self.prices[:, None]
            found = blended_result(found, performance_result(target, standard), weight)
        return np.asarray(self.center + self.credibility[:, None] * (found - self.center))

    def unweighed(self, result: float) -> Array:
        """Return the own result that a unit's credibility turns into this one (rule M8).

        NaN where its own result does not count: nothing that it does reaches another.
        """
        counts = np.where(self.credibility > 0, self.credibility, np.nan)
        return np.asarray(self.center + (result - self.center) / counts)

    def percents(
        self, result: Array, threshold: float, max_at_risk: float, quality_sign: str
    ) -> Array:
        """Return the percentage by hospital and replicate (rules M2, M3, A12), as a fraction."""
        scaled = scaled_result(result, threshold, max_at_risk)[self.position]
        return with_quality(scaled, self.quality[:, None], max_at_risk, quality_sign)

    def result_of(self, terms: Terms) -> Array:
        """Return the units' results under a set of terms."""
        return self.result(
            terms.risk_method, terms.attainment_weight, terms.attainment_level, terms.trend
        )

    def percents_of(self, terms: Terms) -> Array:
        """Return the percentage by hospital and replicate under a set of terms."""
        scale = (terms.threshold, terms.max_at_risk, terms.quality_sign)
        return self.percents(self.result_of(terms), *scale)


@dataclass(frozen=True)
class GridOption:
    """One point of the grid (rule M6)."""

    threshold: float
    max_at_risk: float
    attainment_weight: float
    attainment_level: str
    quality_sign: str
    risk_method: str

    @property
    def family(self) -> tuple[str, float, str]:
        """What the result, before the scale, depends on."""
        return self.risk_method, self.attainment_weight, self.attainment_level

    @property
    def scale(self) -> tuple[float, float, str]:
        """What turns the result into a percentage (rules M2, M3)."""
        return self.threshold, self.max_at_risk, self.quality_sign


GRID_KEYS = tuple(GridOption.__dataclass_fields__)


def grid_options(values: Mapping[str, Iterable[Any]]) -> list[GridOption]:
    """Return every combination of the grid's values; the level matters only with attainment.

    InputError for a missing or unknown name.
    """
    for name in {*values, *GRID_KEYS}:
        if name not in GRID_KEYS or name not in values:
            raise InputError(f'mpa.grid: "{name}" is missing or unknown{nearest(name, GRID_KEYS)}')
    every = [GridOption(*point) for point in product(*(list(values[k]) for k in GRID_KEYS))]
    first_level = next(iter(values["attainment_level"]))
    return [o for o in every if o.attainment_weight > 0 or o.attainment_level == first_level]


def evaluate_grid(
    options: Iterable[GridOption],
    point: Inputs,
    replicated: Inputs | None,
    trend: float,
    level: float,
) -> pd.DataFrame:
    """Return one row per option: who gets what, total at risk, chance (M6).

    `level` is the share of replicates that the interval of the net total holds.
    """
    rows = []
    for family, members in _families(options):
        result = point.result(*family, trend)
        noisy = None if replicated is None else replicated.result(*family, trend)
        for option in members:
            percent = point.percents(result, *option.scale)[:, 0]
            row = asdict(option) | _totals(percent, point.paid, option.max_at_risk)
            beyond = np.abs(result[point.position, 0]) >= option.threshold
            row["hospitals_beyond"] = int(beyond.sum())
            if noisy is not None and replicated is not None:
                row |= _chance(
                    replicated.percents(noisy, *option.scale), percent, point.paid, level
                )
            rows.append(row)
    return pd.DataFrame(rows)


def grid_changes(
    options: Iterable[GridOption],
    point: Inputs,
    trend: float,
    year_one: Array,
    hospitals: tuple[str, ...],
) -> pd.DataFrame:
    """Return one row per option: how many change sign, and who changes most (M6).

    `year_one` is each hospital's percentage under the rate year's own terms.
    """
    rows = []
    for family, members in _families(options):
        result = point.result(*family, trend)
        for option in members:
            percent = point.percents(result, *option.scale)[:, 0]
            rows.append(asdict(option) | _changes(percent, year_one, hospitals))
    return pd.DataFrame(rows)


def _families(
    options: Iterable[GridOption],
) -> Iterator[tuple[tuple[str, float, str], list[GridOption]]]:
    families: dict[tuple[str, float, str], list[GridOption]] = {}
    for option in options:
        families.setdefault(option.family, []).append(option)
    yield from families.items()


def dollars(percent: Array, paid: Array) -> Array:
    """Return percent x payments to the cent, in doubles: for totals and shares of totals."""
    return np.asarray(np.rint(np.nan_to_num(percent) * paid * 100) / 100)


def _totals(percent: Array, paid: Array, max_at_risk: float) -> dict[str, float]:
    moved = dollars(percent, paid)
    size = np.sort(np.abs(moved))[::-1]
    return {
        "total_up": float(moved[moved > 0].sum()),
        "total_down": float(moved[moved < 0].sum()),
        "net": float(moved.sum()),
        "at_risk": float(max_at_risk * paid.sum()),
        "hospitals_up": int((percent > 0).sum()),
        "hospitals_down": int((percent < 0).sum()),
        "at_cap_up": int((percent >= max_at_risk).sum()),
        "at_cap_down": int((percent <= -max_at_risk).sum()),
        "concentration": float(size[:TOP].sum() / size.sum()) if size.sum() else 0.0,
    }


def _changes(percent: Array, year_one: Array, hospitals: tuple[str, ...]) -> dict[str, Any]:
    change = np.nan_to_num(percent - year_one)
    largest = int(np.argmax(np.abs(change)))
    return {
        "sign_changes": int((np.sign(percent) * np.sign(year_one) < 0).sum()),
        "largest_change": float(change[largest]),
        "largest_change_ccn": hospitals[largest] if change[largest] else None,
    }


def _chance(noisy: Array, percent: Array, paid: Array, level: float) -> dict[str, float]:
    nets = paid @ np.nan_to_num(noisy)
    low, high = np.quantile(nets, [(1 - level) / 2, (1 + level) / 2])
    same = (np.sign(noisy) == np.sign(percent)[:, None]).mean()
    return {"net_low": float(low), "net_high": float(high), "sign_agreement": float(same)}
