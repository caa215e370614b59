"""How a number is rounded before it leaves: once, from the exact one, the same everywhere (D2).

Every step follows one thought: ten people more or less must not be told from the number. A count
has the step ten; a share of 250 people the step 0.05, because ten of them move it by 0.04; a sum
of dollars the step of what ten people cost on average, and never less than a thousand. Without
the last, dollars divided by dollars per person would give the exact number of people back.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from tcoc.params import Policy

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

PEOPLE = 10.0
LEAST_STEP = {"months": 100.0, "dollars": 1000.0, "per_capita": 1.0, "growth": 1e-4, "factor": 1e-4}
"""The finest step of a kind (rule D2). Growth: one dollar of a per capita of 10,000."""

_DRB = ((0, 10.0), (100, 50.0), (1000, 100.0), (10_000, 500.0), (100_000, 1000.0))
_NOISE = 1e-9


@dataclass(frozen=True)
class Rule:
    """The policy values of D1 and D2; the policy file refuses looser ones."""

    rounding: str = "tens"
    min_cell_size: int = 11
    min_interval: float = 10
    min_clinicians: int = 3

    @classmethod
    def of(cls, policy: Policy) -> "Rule":
        """Read the rule from params/policy/disclosure.yml and a run's options."""
        return cls(**{key: policy.get(f"disclosure.{key}") for key in cls.__dataclass_fields__})

    def people_step(self, people: Numbers) -> Numbers:
        """Return the step of a count of people."""
        if self.rounding != "census_drb":
            return np.full(len(people), PEOPLE)
        floors, steps = zip(*_DRB, strict=True)
        place = np.searchsorted(floors, np.nan_to_num(people), side="right") - 1
        found = np.asarray(steps)[np.clip(place, 0, None)]
        return np.where(people >= 1e6, _power(people) / 1000, found)

    def small(self, people: Numbers) -> Flags:
        """Return which counts are above zero and too small to be shown, rounded or not (D1).

        11 to 14 round to 10, which reads like a small count: they are hidden with those.
        """
        known = np.nan_to_num(people)
        rounded = rounded_to(known, self.people_step(known))
        least = self.min_cell_size - _NOISE
        return np.asarray((known > _NOISE) & ((known < least) | (rounded < least)))

    def steps(self, kind: str, exact: Numbers, people: Numbers) -> Numbers:
        """Return the step of each number of one kind; `people` is the count behind it, or NaN."""
        if kind == "count":
            return self.people_step(exact)
        known = np.where(people > 0, people, np.nan)
        moved = self.people_step(known) / known
        if kind in ("share", "score", "percent"):
            steps = _nice(np.fmin(np.nan_to_num(moved, nan=0.01), 1.0))
        elif kind in ("dollars", "months"):
            worth = np.nan_to_num(moved * np.abs(exact), nan=0.0)
            steps = _nice(np.fmax(worth, LEAST_STEP[kind]))
        else:
            steps = np.full(len(exact), LEAST_STEP[kind])
        if self.rounding == "census_drb":
            size = exact + 1.0 if kind == "growth" else exact
            steps = np.fmax(steps, _power(size) / 1000)
        return steps


def rounded_to(exact: Numbers, steps: Numbers) -> Numbers:
    """Round to multiples of steps, halves away from zero."""
    whole = np.sign(exact) * np.floor(np.abs(exact) / steps + 0.5 + _NOISE)
    # 3 x 0.1 is 0.30000000000000004: the step's own decimals put that right.
    digits = digits_of(steps)
    scale = 10.0**digits
    return np.where(np.isnan(exact), np.nan, np.round(whole * steps * scale) / scale) + 0.0


def digits_of(steps: Numbers) -> Numbers:
    """Return the decimals that a multiple of each step needs."""
    return np.maximum(0.0, np.ceil(-np.log10(steps) - _NOISE))


def same_everywhere(kinds: np.ndarray, exact: Numbers, steps: Numbers) -> Numbers:
    """Return for each number the coarsest step under which the same exact one is shown anywhere."""
    mark = significant(exact, 11)
    frame = pd.DataFrame({"kind": kinds, "mark": mark, "step": steps})
    found = frame.groupby(["kind", "mark"], dropna=False)["step"].transform("max")
    return found.to_numpy(np.float64, copy=True)


def significant(numbers: Numbers, digits: int) -> Numbers:
    """Return numbers cut to some digits: the noise of sums in another order goes."""
    power = _power(numbers)
    scale = np.where(power > 0, power, 1.0)
    return np.round(numbers / scale, digits - 1) * scale


def _power(numbers: Numbers) -> Numbers:
    """Return the power of ten at or below each number's size, 0 where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        power = 10.0 ** np.floor(np.log10(np.abs(numbers)) + _NOISE)
    return np.where(np.isfinite(power), power, 0.0)


def _nice(least: Numbers) -> Numbers:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below a number."""
    power = _power(least)
    limits = [least <= power * (n + _NOISE) for n in (1, 2, 5)]
    return np.asarray(power * np.select(limits, [1.0, 2.0, 5.0], 10.0), dtype=np.float64)
