"""Chance and totals at the borders: what equals a limit reaches it, and variance is unbiased."""

import numpy as np
import pytest

from tcoc.rules.mpa.noise import chance_by_size, noise_table, panel_table
from tcoc.rules.mpa.options import GridOption, Inputs, evaluate_grid, grid_changes
from tcoc.rules.mpa.scale import to_cents
from tcoc.rules.mpa.units import peer_level


def table(noisy: list[float], at_risk: float = 0.25, threshold: float = 0.5):
    drawn = np.array([noisy])
    return noise_table(
        ["A"], np.zeros(1), drawn, np.zeros(1), drawn, (threshold, at_risk), 0.5
    ).iloc[0]


def test_a_results_error_is_the_standard_deviation_of_a_sample() -> None:
    assert table([0.1, -0.1]).result_error == pytest.approx(0.1 * 2**0.5)
    assert table([0.3, 0.0, -0.3]).result_error == pytest.approx(0.3)


def test_half_of_the_cap_and_the_cap_are_reached_at_equality() -> None:
    # powers of two: a result of a half is the threshold, and a quarter is half of it, exactly
    row = table([0.25, -0.25, 0.5, 0.125])
    assert row.chance_half == 0.75
    assert row.chance_cap == 0.25


def test_up_and_down_leave_out_zero() -> None:
    row = table([0.0, 0.1, -0.1, 0.0])
    assert (row.probability_up, row.probability_down) == (0.25, 0.25)


def test_chance_of_half_is_both_tails() -> None:
    row = chance_by_size(1.0, [100], [0.2]).iloc[0]  # half the threshold is one error
    assert row.chance_half == pytest.approx(0.3173105, abs=1e-6)
    assert row.chance_cap == pytest.approx(0.0455003, abs=1e-6)


def test_a_panel_has_at_least_the_people_it_needs() -> None:
    found = panel_table(1.0, [0.01], 0.9, np.array([16_423.0, 16_424.0, 16_425.0])).iloc[0]
    assert found.min_benes == 16_424  # (1.2815516 / 0.01) squared is 16,423.7
    assert found.hospitals_large_enough == 2


def test_the_grid_counts_what_equals_a_limit_and_the_largest() -> None:
    # results: a half (the threshold), a quarter and six eighths of nothing
    performance = np.array([[0.5], [0.75], [1.0], [1.0], [1.0], [1.0], [0.75]])
    inputs = Inputs(
        {"none": np.ones((7, 1))}, performance, {"statewide": np.ones((7, 1))},
        np.arange(7), np.zeros(7), np.array([100.0, 100.0, 1.0, 1.0, 1.0, 1.0, 4.0]),
        credibility=np.ones(7),
    )  # fmt: skip
    option = GridOption(0.5, 0.25, 0.0, "statewide", "multiply", "none")
    row = evaluate_grid([option], inputs, None, 1.0, 0.9).iloc[0]
    assert (row.hospitals_beyond, row.at_cap_up, row.at_cap_down) == (1, 1, 0)
    assert row.total_up == 25 + 12.5 + 0.5
    assert row.concentration == 1.0
    assert (row.hospitals_up, row.hospitals_down) == (3, 0)
    changed = grid_changes([option], inputs, 1.0, np.zeros(7), tuple("ABCDEFG")).iloc[0]
    assert changed.largest_change_ccn == "A"


def test_concentration_is_of_the_five_that_move_most() -> None:
    paid = np.array([60.0, 10, 10, 10, 5, 4, 1])
    inputs = Inputs(
        {"none": np.ones((7, 1))}, np.full((7, 1), 0.5), {"statewide": np.ones((7, 1))},
        np.arange(7), np.zeros(7), paid, credibility=np.ones(7),
    )  # fmt: skip
    option = GridOption(0.5, 0.5, 0.0, "statewide", "multiply", "none")
    row = evaluate_grid([option], inputs, None, 1.0, 0.9).iloc[0]
    assert row.concentration == pytest.approx(0.95)


def test_cents_are_half_up_where_half_even_would_differ() -> None:
    from decimal import Decimal

    # 0.5 x 0.05 = 0.025: half up 0.03, half even 0.02
    assert to_cents([0.5, -0.5], [Decimal("0.05")] * 2) == [Decimal("0.03"), Decimal("-0.03")]


def test_peers_weigh_by_months() -> None:
    base = np.array([[100.0], [400.0]])
    level = peer_level(base, np.array([30.0, 10.0]), np.ones(2), ["x", "x"])
    assert level[:, 0].tolist() == [175.0, 175.0]
