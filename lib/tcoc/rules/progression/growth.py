"""What each part of the total adds to the growth of spending per beneficiary (rule T2)."""

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pandas as pd

from tcoc.rules.progression.names import CENT
from tcoc.store.schema import HOSPITAL_SETTINGS


def per_capita_parts(
    dollars: Mapping[str, Decimal], months: int, completion: float = 1.0
) -> dict[str, Decimal]:
    """Return dollars per beneficiary-year of each part, to the cent, adding to the total's exactly.

    Rule T2. The total is rounded half up; cents that rounding the parts loses go to the parts with
    the largest remainders, ties in the order given.
    """
    factor = Fraction(12) / months / Fraction(str(completion))
    exact = {part: Fraction(amount) * factor * 100 for part, amount in dollars.items()}
    cents = {part: math.floor(value) for part, value in exact.items()}
    missing = math.floor(sum(exact.values()) + Fraction(1, 2)) - sum(cents.values())
    order = sorted(exact, key=lambda part: cents[part] - exact[part])
    for part in order[:missing]:
        cents[part] += 1
    return {part: Decimal(value) * CENT for part, value in cents.items()}


def contributions(parts: Mapping[int, Mapping[str, Decimal]]) -> pd.DataFrame:
    """Return what each part adds to the growth of the total per beneficiary, year on year.

    One row per year and part, and `total`: per_capita, before, change (dollars, exact decimals that
    add up), growth (the part's own), points (change over the total before; they add up too).
    """
    years = sorted(parts)
    rows: list[dict[str, object]] = []
    for before, year in pairwise(years):
        old, new = parts[before], parts[year]
        base = sum(old.values(), Decimal(0))
        named = {part: (old[part], new[part]) for part in new}
        named["total"] = (base, sum(new.values(), Decimal(0)))
        rows += [_contribution(year, part, *pair, base) for part, pair in named.items()]
    return pd.DataFrame(
        rows, columns=["year", "part", "per_capita", "before", "change", "growth", "points"]
    )


def _contribution(
    year: int, part: str, before: Decimal, after: Decimal, base: Decimal
) -> dict[str, object]:
    change = after - before
    return {
        "year": year,
        "part": part,
        "per_capita": after,
        "before": before,
        "change": change,
        "growth": float(change / before) if before else math.nan,
        "points": float(change / base) if base else math.nan,
    }


def hospital_parts(settings: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the settings' dollars as hospital and non-hospital (rule T4)."""
    hospital = sum((settings[s] for s in HOSPITAL_SETTINGS), Decimal(0))
    return {"hospital": hospital, "nonhospital": sum(settings.values(), Decimal(0)) - hospital}


def offsetting_growth(hospital_share: float) -> float:
    """Return how many points of non-hospital growth undo one point less of hospital growth."""
    return hospital_share / (1 - hospital_share)
