"""A clinician's hospital among those with a numerator: rules Q4 and Q5, in exact fractions."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any


def ratio(part: Any, whole: Any) -> Fraction:
    """A part of a whole, 0 where there is nothing."""
    return Fraction(part) / Fraction(whole) if whole > 0 else Fraction(0)


def best_partner(rows: Mapping[str, Mapping[str, Any]]) -> tuple[str, Fraction, Fraction]:
    """One clinician's partner of highest score, by ccn: its ccn, payment and patient score.

    Order: the better score high, payment score high, patient score high, CCN low.
    """
    scores = {
        ccn: (
            ratio(row["payments_numerator"], row["payments"]),
            ratio(row["benes_numerator"], row["benes"]),
        )
        for ccn, row in rows.items()
    }
    first = min(scores, key=lambda c: (-max(scores[c]), -scores[c][0], -scores[c][1], c))
    return first, *scores[first]
