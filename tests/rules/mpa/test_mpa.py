"""Rules M1 to M6 and A12: hand-worked cases, the grid against single terms, noise, scenarios."""

import time
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from benchmarks.reference.mpa import dollars, mpa
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from tcoc.deliverables.mpa_options.scenarios import Scenario, check_provisions, load_scenarios
from tcoc.errors import InputError
from tcoc.params import load_policy
from tcoc.rules.mpa import (
    Inputs,
    Terms,
    Units,
    benchmark,
    break_even,
    chance_by_size,
    evaluate_grid,
    grid_changes,
    grid_options,
    noise_table,
    panel_table,
    performance_result,
    pooled_quality,
    read_terms,
    scaled_result,
    to_cents,
    varied_terms,
    with_quality,
)
from tcoc.rules.mpa.scale import blended_result
from tcoc.rules.mpa.units import hospital_quality, peer_level

CASES = [
    pytest.param(file, id=file.stem) for file in sorted(Path(__file__).parent.glob("cases/*.yml"))
]


@pytest.mark.parametrize("file", CASES)
def test_case(file):
    case = yaml.safe_load(file.read_text())
    assert {"rule", "words", "source"} <= set(case)
    checked = [_CHECKS[part](case) for part in _CHECKS if part in case]
    assert checked, "a case checks something"


def _scale(case):
    threshold, at_risk = case["terms"]["threshold"], case["terms"]["max_at_risk"]
    for row in case["rows"]:
        result = performance_result(np.array([10_000.0]), np.array([float(row["performance"])]))
        scaled = scaled_result(result, threshold, at_risk)
        found = {"result": result[0], "scaled": scaled[0]} | {
            sign: with_quality(scaled, np.array([row["quality"]]), at_risk, sign)[0]
            for sign in ("multiply", "reward_helps")
        }
        expected = {name: row[name] for name in found}
        assert found == pytest.approx(expected, abs=1e-12), row["why"]
        assert abs(found["multiply"]) <= at_risk


def _dollars(case):
    for row in case["dollars"]:
        found = to_cents([row["percent"]], [Decimal(row["payments"])])
        assert found == [Decimal(row["dollars"])], row["why"]


def _quality(case):
    for row in case["quality"]:
        paid = {ccn: Decimal(amount) for ccn, amount in row["payments"].items()}
        units = Units(("A", "B", "C"), row["members"], paid)
        found = dict(zip("ABC", pooled_quality(units, row["given"]), strict=True))
        assert found == pytest.approx(row["expected"], abs=1e-15), row["why"]


_CHECKS = {"rows": _scale, "dollars": _dollars, "quality": _quality}


# ---------------------------------------------------------------- properties

_rates = st.floats(-0.3, 0.3)


@given(result=_rates, quality=st.floats(-0.1, 0.1), threshold=st.floats(0.005, 0.1))
@settings(max_examples=100, deadline=None)
def test_percent_is_within_the_revenue_at_risk_and_keeps_its_sign(result, quality, threshold):
    scaled = scaled_result(np.array([result]), threshold, 0.01)
    for sign in ("multiply", "reward_helps"):
        percent = with_quality(scaled, np.array([quality]), 0.01, sign)[0]
        assert abs(percent) <= 0.01
        assert np.sign(percent) == np.sign(scaled[0])


@given(percent=st.floats(-0.02, 0.02), cents=st.integers(0, 10**12))
@settings(max_examples=100, deadline=None)
def test_dollars_are_to_the_cent(percent, cents):
    paid = Decimal(cents) / 100
    found = to_cents([percent], [paid])[0]
    assert abs(found - Decimal(percent) * paid) <= Decimal("0.005")
    assert found == found.quantize(Decimal("0.01"))


_cent = st.integers(1, 10**7).map(lambda cents: Decimal(cents) / 100)


@given(
    base=_cent,
    performance=_cent,
    trend=st.decimals("0.9", "1.1", places=4),
    threshold=st.decimals("0.005", "0.1", places=4),
    at_risk=st.sampled_from([Decimal("0.005"), Decimal("0.01")]),
    quality=st.decimals("-0.1", "0.1", places=4),
    sign=st.sampled_from(["multiply", "reward_helps"]),
    paid=st.integers(0, 10**11).map(lambda cents: Decimal(cents) / 100),
)
@settings(max_examples=300, deadline=None)
def test_the_adjustment_is_that_of_the_reference(
    base, performance, trend, threshold, at_risk, quality, sign, paid
):
    """From per capita to dollars, in doubles here and in exact fractions there (M1 to M4)."""
    exact = [Fraction(v) for v in (base, performance, trend, threshold, at_risk, quality)]
    wanted = mpa(*exact[:3], (exact[3], exact[4]), exact[5], sign)
    one = [np.array([float(v)]) for v in (base, performance, quality)]
    result = performance_result(benchmark(one[0], float(trend)), one[1])
    scaled = scaled_result(result, float(threshold), float(at_risk))
    percent = with_quality(scaled, one[2], float(at_risk), sign)
    found = [float(v[0]) for v in (result, scaled, percent)]
    assert found == pytest.approx([float(v) for v in wanted], rel=1e-9, abs=1e-12)
    assert abs(to_cents(found[2:], [paid])[0] - dollars(wanted[2], paid)) <= Decimal("0.01")


def test_no_benchmark_has_no_result_and_no_dollars():
    assert np.isnan(performance_result(np.array([0.0]), np.array([100.0]))[0])
    assert to_cents([float("nan")], [Decimal("5.00")]) == [Decimal("0.00")]


@given(
    performance=st.floats(5_000, 20_000),
    improvement=st.floats(5_000, 20_000),
    attainment=st.floats(5_000, 20_000),
    weight=st.sampled_from([0.0, 0.5, 1.0]),
    at=st.sampled_from([-0.02, 0.0, 0.02]),
)
@settings(max_examples=60, deadline=None)
def test_saving_the_break_even_reaches_the_result(performance, improvement, attainment, weight, at):
    arrays = [np.array([v]) for v in (performance, improvement, attainment)]
    saved = arrays[0] - break_even(*arrays, weight, at)
    results = [performance_result(a, saved)[0] for a in arrays[1:]]
    assert (1 - weight) * results[0] + weight * results[1] == pytest.approx(at, abs=1e-9)


def test_a_weighed_result_asks_for_a_larger_saving_and_one_without_weight_for_none():
    """Weights 1, 1/2, 0 and 1/100 of own results, the rest a state's mean of -1% (rule M8).

    Own results of 2%, 5% and 299% give 2%; targets are 100, so 98, 95 and nothing may be spent.
    """
    ones = np.full((4, 1), 100.0)
    weights = np.array([1, 0.5, 0, 0.01])
    inputs = Inputs(
        {"none": ones}, ones, {"statewide": ones}, np.arange(4), np.zeros(4), np.ones(4),
        credibility=weights, center=-0.01,
    )  # fmt: skip
    own = inputs.unweighed(0.02)
    assert own == pytest.approx([0.02, 0.05, np.nan, 2.99], nan_ok=True)
    saved = break_even(np.full(4, 100.0), ones[:, 0], ones[:, 0], 0.0, own)
    assert saved == pytest.approx([2, 5, np.nan, np.nan], nan_ok=True)
    spent = replace(inputs, performance=(100 - saved)[:, None])
    assert spent.result("none", 0.0, "statewide", 1.0)[:2, 0] == pytest.approx([0.02, 0.02])


@pytest.mark.parametrize(("weight", "result"), [(0.0, 0.04), (0.25, 0.025), (1.0, -0.02)])
def test_attainment_counts_by_its_weight_and_improvement_by_the_rest(weight, result):
    blended = blended_result(np.array([0.04]), np.array([-0.02]), weight)
    assert blended[0] == pytest.approx(result, abs=1e-12)


# ---------------------------------------------------------------- quality, terms


def test_a_missing_quality_row_stops_by_the_hospitals_name():
    table = pd.DataFrame({"ccn": ["A"], "rate_year": [2020], "rrip": [0.01], "mhac": [-0.02]})
    names = {"A": "Alpha", "B": "Beta Hospital"}
    with pytest.raises(InputError, match=r"Beta Hospital \(B\) in rate year 2020"):
        hospital_quality(table, 2020, names, "error")
    assert hospital_quality(table, 2020, names, "zero") == {"A": pytest.approx(-0.01), "B": 0.0}
    with pytest.raises(InputError, match="Alpha"):
        hospital_quality(None, 2020, names, "error")


def test_terms_of_both_rate_years():
    policy = load_policy()
    first, second = read_terms(policy, 2020, 0.02), read_terms(policy, 2021, 0.02)
    assert (first.threshold, first.max_at_risk) == (0.02, 0.005)
    assert (second.threshold, second.max_at_risk) == (0.03, 0.01)
    assert (first.base_year, first.performance_year) == (2017, 2018)
    assert (second.base_year, second.performance_year) == (2017, 2019)
    assert first.trend == pytest.approx(1.0167)
    assert second.trend == pytest.approx(1.0167**2), "growth and reduction count for both years"
    with pytest.raises(InputError, match="2022"):
        read_terms(policy, 2022, 0.02)


def test_a_base_year_is_before_its_performance_year():
    policy = load_policy(options={"mpa.base_year": {2020: 2018}})
    with pytest.raises(InputError, match=r"found 2018.*before mpa\.performance_year, 2018"):
        read_terms(policy, 2020, 0.02)


def test_options_vary_known_terms_only():
    terms = Terms(2020, 2017, 2018, 0.02)
    assert varied_terms(terms, {"threshold": 0.05}, "here").threshold == 0.05
    with pytest.raises(InputError, match=r"here.*treshold.*threshold"):
        varied_terms(terms, {"treshold": 0.05}, "here")
    with pytest.raises(InputError):
        varied_terms(terms, {"base_year": 2015}, "here")


def test_adopted_values_have_a_source_and_a_status():
    for use in load_policy().uses(["mpa"], [2020, 2021]):
        assert use.source
        assert use.rule
        assert use.status in ("assumed", "sourced")


# ---------------------------------------------------------------- units, levels


def _inputs(hospitals=6, replicates=1, seed=0):
    rng = np.random.default_rng(seed)
    shape = (hospitals, replicates)
    base = 12_000 * np.exp(rng.normal(0, 0.1, (hospitals, 1)) + rng.normal(0, 0.01, shape))
    return Inputs(
        base={
            m: base * f for m, f in (("none", 1.0), ("demographic", 1.002), ("new_enrollee", 1.004))
        },
        performance=base * np.exp(rng.normal(0.017, 0.02, shape)),
        level={
            "statewide": np.full(shape, 12_000.0),
            "peer": np.full(shape, 12_100.0),
        },
        position=np.arange(hospitals),
        quality=rng.uniform(-0.04, 0.02, hospitals),
        paid=np.round(rng.uniform(0, 5e8, hospitals), 2),
    )


def test_peer_level_is_a_ratio_of_sums():
    base = np.array([[10_000.0], [20_000.0], [7_000.0]])
    months, risk = np.array([30.0, 10.0, 5.0]), np.array([1.0, 2.0, 1.0])
    level = peer_level(base, months, risk, ["x", "x", "y"])
    assert level[:, 0].tolist() == pytest.approx([10_000, 10_000, 7_000])


def test_every_member_gets_the_identical_percentage():
    inputs = _inputs(3)
    shared = Inputs(
        **{
            **inputs.__dict__,
            "position": np.array([0, 0, 1]),
            "quality": np.array([0.01, 0.01, -0.01]),
        }
    )
    percent = shared.percents_of(Terms(2020, 2017, 2018, 0.02))[:, 0]
    assert percent[0] == percent[1]


# ---------------------------------------------------------------- the grid


def test_the_grid_says_what_single_sets_of_terms_say():
    policy = load_policy()
    inputs = _inputs(8)
    adopted = Terms(2020, 2017, 2018, 0.02)
    year_one = inputs.percents_of(adopted)[:, 0]
    options = grid_options(policy.get("mpa.grid"))
    names = tuple(f"h{i}" for i in range(8))
    table = evaluate_grid(options, inputs, None, adopted.trend, 0.95).merge(
        grid_changes(options, inputs, adopted.trend, year_one, names)
    )
    assert len(table) == len(options)
    for row in table.sample(25, random_state=1).to_dict("records"):
        changes = {k: row[k] for k in options[0].__dict__}
        percent = inputs.percents_of(varied_terms(adopted, changes, "grid"))[:, 0]
        paid = [Decimal(str(p)) for p in inputs.paid]
        single = [float(d) for d in to_cents(percent.tolist(), paid)]
        assert row["total_up"] == pytest.approx(sum(d for d in single if d > 0), abs=0.05)
        assert row["total_down"] == pytest.approx(sum(d for d in single if d < 0), abs=0.05)
        assert row["net"] == pytest.approx(row["total_up"] + row["total_down"], abs=0.01)
        assert row["at_cap_up"] == int((percent == row["max_at_risk"]).sum())
        assert row["sign_changes"] == int((percent * year_one < 0).sum())
        assert abs(row["net"]) <= row["at_risk"] + 0.05


def test_the_adopted_terms_change_nothing_in_the_grid():
    inputs = _inputs(8)
    adopted = Terms(2020, 2017, 2018, 0.02)
    table = grid_changes(
        grid_options(load_policy().get("mpa.grid")),
        inputs,
        adopted.trend,
        inputs.percents_of(adopted)[:, 0],
        tuple("abcdefgh"),
    )
    same = table[
        (table.threshold == 0.02)
        & (table.max_at_risk == 0.005)
        & (table.attainment_weight == 0)
        & (table.quality_sign == "multiply")
        & (table.risk_method == "none")
    ]
    assert len(same) == 1
    assert same.sign_changes.iloc[0] == 0
    assert same.largest_change.iloc[0] == 0


def test_the_grid_is_quick():
    """500 options, 50 hospitals, 2,000 replicates: under 30 seconds."""
    options = grid_options(load_policy().get("mpa.grid"))[:500]
    assert len(options) == 500
    point, noisy = _inputs(50), _inputs(50, 2000)
    started = time.process_time()
    table = evaluate_grid(options, point, noisy, 1.0167, 0.95)
    assert time.process_time() - started < 30
    assert (table.net_low <= table.net_high).all()


def test_a_grid_with_an_unknown_name_is_an_error():
    values = load_policy().get("mpa.grid")
    with pytest.raises(InputError, match="tresholds"):
        grid_options({**values, "tresholds": [0.1]})


# ---------------------------------------------------------------- chance


def test_chance_pays_a_small_hospital_more_often():
    rng = np.random.default_rng(1)
    errors = np.array([0.1, 0.02, 0.005])
    noisy = rng.normal(0, 1, (3, 20_000)) * errors[:, None]
    table = noise_table(
        ["small", "middle", "large"],
        np.zeros(3),
        scaled_result(noisy, 0.02, 0.005),
        np.zeros(3),
        noisy,
        (0.02, 0.005),
        0.95,
    )
    assert table.chance_cap.is_monotonic_decreasing
    assert table.chance_cap.tolist() == pytest.approx(2 * norm.sf(0.02 / errors), abs=0.01)
    assert table.result_error.tolist() == pytest.approx(errors, rel=0.02)


def test_the_smallest_panel_has_the_sign_right_as_often_as_wished():
    table = panel_table(2.5, [0.01, 0.02], 0.9, np.array([30_000.0, 200_000.0]))
    error = 2.5 / np.sqrt(table.min_benes)
    assert norm.cdf(table.true_change / error).tolist() == pytest.approx([0.9, 0.9], abs=1e-4)
    assert table.hospitals_large_enough.tolist() == [1, 2]


def test_chance_by_size_agrees_with_draws():
    row = chance_by_size(2.0, [10_000], [0.02]).iloc[0]
    draws = np.random.default_rng(0).normal(0, 0.02, 200_000)
    assert row.chance_cap == pytest.approx((np.abs(draws) >= 0.02).mean(), abs=0.005)
    assert row.chance_half == pytest.approx((np.abs(draws) >= 0.01).mean(), abs=0.005)
    share = np.minimum(np.abs(draws), 0.02).mean() / 0.02
    assert row.mean_share == pytest.approx(share, abs=0.005)


# ---------------------------------------------------------------- scenarios


def test_shipped_scenarios_are_sound():
    scenarios = load_scenarios(load_policy())
    assert {"year1_adopted", "year2_option", "attainment_half", "combined_montgomery"} <= set(
        scenarios
    )
    for scenario, policy in scenarios.values():
        assert read_terms(policy, scenario.rate_year, 0.02)
        assert scenario.title


def test_year_one_as_recalled_is_the_rate_years_own_terms():
    policy = load_policy()
    _, laid_over = load_scenarios(policy)["year1_adopted"]
    assert read_terms(laid_over, 2020, 0.02) == read_terms(policy, 2020, 0.02)


def test_a_provision_without_parameters_is_an_error():
    head = {"title": "t", "author": "a", "reference": "r", "rate_year": 2020}
    one = Scenario(**head, description={1: "x"}, provisions={2: []})
    with pytest.raises(InputError, match="provision 1"):
        check_provisions("s.yml", one)
    stray = Scenario(
        **head,
        description={1: "x"},
        provisions={1: []},
        parameters={"mpa.threshold": {2020: 0.01}},
    )
    with pytest.raises(InputError, match=r"mpa\.threshold"):
        check_provisions("s.yml", stray)
