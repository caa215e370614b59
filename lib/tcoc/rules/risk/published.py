"""Rule R5: the arithmetic of slide 18, recomputed from the dollars that the slide prints."""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import pandas as pd

HALF_DOLLAR = 0.5

_QUANTITIES: tuple[tuple[str, int, Callable[[float, float, float], float]], ...] = (
    ("factor", 3, lambda base, adjusted, performance: adjusted / base),
    ("growth_percent", 2, lambda base, adjusted, performance: 100 * (performance / adjusted - 1)),
    (
        "difference_points",
        2,
        lambda base, adjusted, performance: 100 * (performance / adjusted - performance / base),
    ),
)


def check_published(slide: Mapping[str, Any]) -> pd.DataFrame:
    """Recompute factor, growth and difference from the printed dollars of each method.

    One row per (method, quantity) that the slide prints: `printed`, `recomputed` to the printed
    digit, `low` and `high` (the range that printed dollars, each within half a dollar, allow),
    `agrees` (to the printed digit) and `within_rounding` (some unrounded dollars give the printed
    figure). A quantity that does not agree but lies within rounding is no error of the slide.
    """
    rows = []
    for method, figures in slide["methods"].items():
        for quantity, digits, formula in _QUANTITIES:
            if figures.get(quantity) is not None:
                rows.append({"method": method, **_check(figures, quantity, digits, formula)})
    return pd.DataFrame(rows)


def _check(
    figures: Mapping[str, Any],
    quantity: str,
    digits: int,
    formula: Callable[[float, float, float], float],
) -> dict[str, Any]:
    printed = float(figures[quantity])
    dollars = [
        float(figures[name])
        for name in ("base_per_capita", "adjusted_base", "performance_per_capita")
    ]
    recomputed = round(formula(*dollars), digits)
    ends = product(*((d - HALF_DOLLAR, d + HALF_DOLLAR) for d in dollars))
    possible = [formula(*corner) for corner in ends]
    half = 0.5 * 10**-digits
    return {
        "quantity": quantity,
        "printed": printed,
        "recomputed": recomputed,
        "low": min(possible),
        "high": max(possible),
        "agrees": recomputed == printed,
        "within_rounding": min(possible) - half <= printed <= max(possible) + half,
    }
