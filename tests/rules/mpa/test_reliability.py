"""Rule M7: what is recovered from planted true results, and what pure noise shows."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

from tcoc.rules.mpa.reliability import (
    NOISE_AGREEMENT,
    NOISE_SLOPE,
    heterogeneity,
    panel_needed,
    regression_to_the_mean,
    reliability_table,
    sampling_error,
    signal_share,
)


def planted(true_sd, seed, hospitals=47, replicates=400):
    rng = np.random.default_rng(seed)
    error = rng.uniform(0.01, 0.06, hospitals)
    true = 0.01 + rng.normal(0, true_sd, hospitals)
    result = true + rng.normal(0, error)
    noisy = result[:, None] + rng.normal(0, 1, (hospitals, replicates)) * error[:, None]
    return true, result, noisy


def test_noise_alone_gives_three_quarters_agreement_and_no_heterogeneity():
    """Forty states without any true difference: Q rejects in 5%, I2 is near 0, signs agree 75%."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        error = rng.uniform(0.01, 0.06, 47)
        result = rng.normal(0, error)
        noisy = result[:, None] + rng.normal(0, 1, (47, 400)) * error[:, None]
        found.append(heterogeneity(result, noisy))
    assert np.mean([f.p_value < 0.05 for f in found]) <= 0.15
    assert np.mean([f.sign_agreement for f in found]) == pytest.approx(NOISE_AGREEMENT, abs=0.015)
    assert np.median([f.i2 for f in found]) < 0.1


def test_errors_of_few_units_are_made_whole():
    """Replicates of n units have (n - 1) / n of the variance; of one unit nothing is known."""
    draws = np.random.default_rng(3)
    units = np.array([4.0, 10.0, 1.0, np.nan])
    counts = draws.poisson(1.0, (4, 40_000))
    noisy = np.ones((4, 1)) * (counts - 1)
    error = sampling_error(noisy, units)
    plain = noisy.std(axis=1, ddof=1)
    assert error[:2] == pytest.approx(plain[:2] * np.sqrt([4 / 3, 10 / 9]))
    assert np.isnan(error[2])
    assert error[3] == plain[3]
    state = heterogeneity(np.array([0.0, 0.1, 0.2, 0.3]), noisy, units)
    assert state.hospitals == 3


def test_q_weighs_by_the_sample_variance_of_the_replicates():
    """Two replicates at 0.01 around each: variance 2 x 0.01^2; Q = 0.0014 / 0.0002 = 7, df 2."""
    result = np.array([0.01, 0.02, 0.06])
    found = heterogeneity(result, result[:, None] + np.array([-0.01, 0.01]))
    assert found.q == pytest.approx(7)
    assert found.df == 2


def test_less_spread_than_noise_is_no_share_of_true_differences():
    """Q = 0.25 with 2 degrees of freedom: I2 is 0, not 1 - df / Q = -7."""
    result = np.array([0.010, 0.015, 0.020])
    found = heterogeneity(result, result[:, None] + np.array([-0.01, 0.01]))
    assert found.q == pytest.approx(0.25)
    assert (found.i2, found.true_sd) == (0, 0)


def test_the_planted_variance_is_recovered_and_shrinking_helps():
    ratios, better = [], []
    for seed in range(40):
        true, result, noisy = planted(0.03, seed)
        state = heterogeneity(result, noisy)
        ratios.append(state.true_sd / 0.03)
        table = reliability_table([str(i) for i in range(47)], result, noisy, state)
        assert table["reliability"].between(0, 1).all()
        large = table["result_error"] < table["result_error"].median()
        share = table["reliability"]
        assert share[large].mean() > share[~large].mean(), "less error, more signal"
        missed = [((table[c] - true) ** 2).mean() for c in ("result", "shrunken")]
        better.append(missed[1] < missed[0])
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)
    assert np.mean(better) > 0.9


def test_the_panel_needed_has_the_power_that_was_asked_for():
    needed = panel_needed(np.array([0.03]), np.array([5000.0]), 0.02, 0.8)[0]
    error = 0.03 * np.sqrt(5000 / needed)
    reject = norm.isf(0.025)
    power = norm.sf(reject - 0.02 / error) + norm.cdf(-reject - 0.02 / error)
    assert power == pytest.approx(0.8, abs=0.001)
    assert np.isnan(panel_needed(np.array([0.0]), np.array([5000.0]), 0.02, 0.8)[0])


def test_noise_regresses_by_half_and_true_growth_does_not():
    rng = np.random.default_rng(5)
    levels = rng.normal(0, 0.03, (3, 4000))
    before, after = levels[1] - levels[0], levels[2] - levels[1]
    slope, low, high = regression_to_the_mean(before, after)
    assert low < NOISE_SLOPE < high
    assert slope == pytest.approx(NOISE_SLOPE, abs=0.05)
    trend = rng.normal(0, 0.05, 4000)
    kept, *_ = regression_to_the_mean(trend + before / 10, trend + after / 10)
    assert kept > 0.8
    assert np.isnan(regression_to_the_mean(before[:4], after[:4])[0])


def test_signal_share_is_the_reliability_of_a_dollar():
    dollars, error = np.array([-300.0, 100.0, 50.0]), np.array([0.03, 0.01, np.nan])
    expected = (300 * 0.1 + 100 * 0.5) / 400
    assert signal_share(dollars, error, 0.01) == pytest.approx(expected)
    assert signal_share(np.zeros(3), error, 0.01) == 0.0
    assert np.isnan(signal_share(dollars, error, np.nan))


def test_the_interval_of_true_differences_holds_what_is_planted():
    held, zero = 0, 0
    for seed in range(60):
        _, result, noisy = planted(0.03, seed)
        state = heterogeneity(result, noisy)
        assert state.true_sd_low <= state.true_sd <= state.true_sd_high
        held += state.true_sd_low <= 0.03 <= state.true_sd_high
        _, result, noisy = planted(0.0, seed)
        zero += heterogeneity(result, noisy).true_sd_low == 0
    assert held >= 52
    assert zero >= 54


def test_hospitals_without_error_or_result_are_left_out():
    noisy = np.array([[0.01, 0.01], [0.02, 0.03], [np.nan, np.nan]])
    found = heterogeneity(np.array([0.01, 0.02, np.nan]), noisy)
    assert found.hospitals == 1
    assert np.isnan(found.q)


def test_chance_is_counted_among_the_replicates():
    """Skewed units of one truth: fewer states are marked than against chi-squared."""
    g = np.random.default_rng(12)
    marked, textbook = 0, 0
    for _ in range(100):
        units = g.gamma(0.7, 1 / 0.7, (45, 30))
        counts = g.poisson(1.0, (45, 120, 30)).astype(float)
        noisy = np.einsum("hru,hu->hr", counts, units) / counts.sum(axis=2)
        found = heterogeneity(units.mean(axis=1), noisy, np.full(45, 30.0))
        marked += found.p_value < 0.05
        textbook += chi2.sf(found.q, found.df) < 0.05
    assert 0 < marked < textbook
    true = g.normal(0, 3, 45)
    truly = heterogeneity(units.mean(axis=1) + true, noisy + true[:, None], np.full(45, 30.0))
    assert truly.p_value == pytest.approx(1 / 121)
    alike = heterogeneity(np.ones(45), 1 + noisy - units.mean(axis=1)[:, None], np.full(45, 30.0))
    assert alike.p_value == 1
