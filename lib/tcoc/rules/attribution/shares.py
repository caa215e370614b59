"""Splitting one beneficiary among hospitals: proportional, exact, never with a zero share."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from math import fsum

import pandas as pd

Weight = int | float | Decimal | Fraction


def split(weights: Mapping[str, Weight]) -> dict[str, float]:
    """Return shares proportional to the weights, in the order of the keys' bytes.

    A negative weight counts as zero; when all are zero the shares are equal (rules A5, A9). Zero
    shares are left out. Each share is the double nearest to the exact fraction.
    """
    exact = {key: max(Fraction(weights[key]), Fraction(0)) for key in sorted(weights)}
    total = sum(exact.values(), Fraction(0))
    if total == 0:
        exact, total = dict.fromkeys(exact, Fraction(1)), Fraction(len(exact))
    return {key: float(weight / total) for key, weight in exact.items() if weight > 0}


def is_even_split(weights: Mapping[str, Weight]) -> bool:
    """Whether shares were equal for want of any weight above zero, among several keys."""
    return len(weights) > 1 and all(weight <= 0 for weight in weights.values())


def weighted_count(groups: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Sum share x people over groups of equal share: one row per `by`, with benes.

    The few groups of a row are summed by fsum, which gives the same double in any order.
    """
    parts = groups[by].assign(benes=groups["share"] * groups["people"])
    return parts.groupby(by, as_index=False)[["benes"]].agg(fsum)
