"""The Medicare Performance Adjustment: what each hospital's payments would change by (rules M1-M6).

`settings` reads the terms of a rate year; `scale` is the arithmetic from per capita to dollars;
`units` pools combined hospitals; `options` computes many sets of terms at once; `noise` says what
chance alone does. All are pure functions of small tables.
"""

from tcoc.rules.mpa.noise import chance_by_size, noise_table, panel_table
from tcoc.rules.mpa.options import GridOption, Inputs, evaluate_grid, grid_changes, grid_options
from tcoc.rules.mpa.scale import (
    benchmark,
    break_even,
    performance_result,
    scaled_result,
    to_cents,
    with_quality,
)
from tcoc.rules.mpa.settings import Terms, base_terms, read_terms, result_terms, varied_terms
from tcoc.rules.mpa.units import Units, pooled_quality

__all__ = [
    "GridOption",
    "Inputs",
    "Terms",
    "Units",
    "base_terms",
    "benchmark",
    "break_even",
    "chance_by_size",
    "evaluate_grid",
    "grid_changes",
    "grid_options",
    "noise_table",
    "panel_table",
    "performance_result",
    "pooled_quality",
    "read_terms",
    "result_terms",
    "scaled_result",
    "to_cents",
    "varied_terms",
    "with_quality",
]
