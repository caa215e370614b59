"""The Medicare Performance Adjustment of one hospital, in exact fractions: rules M1 to M4."""

from decimal import Decimal
from fractions import Fraction


def mpa(
    base: Fraction,
    performance: Fraction,
    trend: Fraction,
    scale: tuple[Fraction, Fraction],
    quality: Fraction,
    quality_sign: str,
) -> tuple[Fraction, Fraction, Fraction]:
    """Result, scaled and percentage of one hospital (rules M1 to M3)."""
    benchmark = base * trend
    threshold, at_risk = scale
    result = (benchmark - performance) / benchmark
    scaled = clip(result, threshold) / threshold * at_risk
    helps = quality_sign == "reward_helps" and scaled < 0
    return result, scaled, clip(scaled * (1 - quality if helps else 1 + quality), at_risk)


def clip(value: Fraction, limit: Fraction) -> Fraction:
    """A value kept within a limit on both sides."""
    return max(-limit, min(limit, value))


def dollars(percent: Fraction, payments: Decimal) -> Decimal:
    """A percentage of payments in dollars, halves of a cent away from zero (rule M4)."""
    exact = percent * Fraction(payments) * 100
    whole = int(abs(exact) + Fraction(1, 2))
    return Decimal(whole if exact > 0 else -whole) / 100
