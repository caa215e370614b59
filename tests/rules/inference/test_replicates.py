"""Rule R6: units are drawn, one set of counts serves every year, hospital and combination."""

import math
from dataclasses import replace
from decimal import Decimal

import ibis
import numpy as np
import pandas as pd
import pytest

from tcoc.errors import InputError
from tcoc.rules.inference import replicates as drawing
from tcoc.rules.inference.intervals import (
    Drawing,
    beyond_chance,
    bounds,
    drawings,
    factor_of,
    intervals,
    kept_width,
    least_beyond_chance,
    tail,
)
from tcoc.rules.inference.replicates import (
    Replicates,
    UnitSums,
    point,
    poisson_table,
    product_shares,
    replicate,
    replicates_of_table,
    replicates_table,
    unit_matrix,
    units_table,
)
from tcoc.rules.inference.units import whole_sums
from tcoc.rules.risk import STATE, Pair, risk_adjustment
from tcoc.rules.risk.adjust import mix_and_costs, mix_factor
from tests.rules.risk.risk_support import PAIR, factors, rng, settings, unit_rows, world

SETTINGS, FACTORS = settings(), factors()


def _population(seed: int, people: int = 400, leaving: float = 0.0) -> pd.DataFrame:
    g = rng(seed)
    rows = []
    for i in range(people):
        person = {
            "bene_id": f"B{i:05d}",
            "ccn": str(g.choice(["210001", "210002"])),
            "sex": str(g.choice(["F", "M"])),
            "age": int(g.integers(60, 90)),
        }
        rows += [
            {**person, "year": year, "tcoc": round(float(g.gamma(0.5, 20000)), 2)}
            for year in (2015, 2016)
            if not leaving or g.random() > leaving
        ]
    return world(rows)


def _drawn(rows: pd.DataFrame, unit: str = "bene_id", **options) -> UnitSums:
    return unit_matrix(unit_rows(rows.assign(unit=rows[unit]), SETTINGS), SETTINGS, **options)


def _replicated(rows, count, chosen=SETTINGS, unit="bene_id") -> Replicates:
    return replicate(_drawn(rows, unit), [PAIR], chosen, count)


def _drawing(drawn: UnitSums, count: int) -> Drawing:
    return drawings(drawn, replicate(drawn, [PAIR], SETTINGS, count), [PAIR], SETTINGS)[0]


def test_poisson_table_has_mean_one():
    table = poisson_table()
    assert table.mean() == 1
    assert table.var() == pytest.approx(1, abs=1e-4)
    assert (table == 0).mean() == pytest.approx(math.exp(-1), abs=1e-4)


def test_units_are_clinicians_else_places():
    attribution = ibis.memtable(
        {
            "year": [2015, 2015, 2015],
            "bene_id": ["A", "B", "C"],
            "ccn": ["210001"] * 3,
            "share": [1.0] * 3,
            "npi": ["9100000001", None, None],
        }
    )
    people = ibis.memtable(
        {
            "year": [2015] * 3,
            "bene_id": ["A", "B", "C"],
            "zip": ["21201", "21202", None],
            "months": [1, 2, 3],
            "dollars": [Decimal("1.00")] * 3,
        }
    )
    found = whole_sums(people, attribution).to_pandas().set_index("months")["unit"]
    assert dict(found) == {1: "9100000001", 2: "ZIP 21202", 3: "ZIP "}


def test_draws_repeat_whatever_the_order_of_rows_and_change_with_the_seed():
    rows = _population(3).rows(SETTINGS)
    first = _replicated(rows, 70).pair(2015, 2016)
    again = _replicated(rows.sample(frac=1, random_state=1), 70).pair(2015, 2016)
    other = _replicated(rows, 70, replace(SETTINGS, seed=1)).pair(2015, 2016)
    for variant, values in first.adjusted.items():
        assert np.array_equal(values, again.adjusted[variant])
        assert not np.array_equal(values, other.adjusted[variant])
    assert np.array_equal(first.base[:, :64], _replicated(rows, 64).pair(2015, 2016).base)


def test_replicates_center_on_the_point_estimate():
    made = _population(4)
    whole = risk_adjustment(made.cells(SETTINGS), PAIR, SETTINGS, FACTORS)
    replicated = _replicated(made.rows(SETTINGS), 600).pair(2015, 2016)
    assert replicated.hospitals == whole.hospitals
    error = replicated.base.std(axis=1)
    assert (abs(replicated.base.mean(axis=1) - whole.base[:, 0]) < error / 5).all()
    # Simple random sampling: the ratio's error is the spread of dollars over the root of people.
    rows = made.rows(SETTINGS)
    for i, ccn in enumerate(whole.hospitals[1:], start=1):
        dollars = rows[(rows["ccn"] == ccn) & (rows["year"] == 2015)]["dollars"].astype(float)
        assert error[i] == pytest.approx(dollars.std() / math.sqrt(len(dollars)), rel=0.12)


def test_people_of_one_unit_move_together():
    """Twenty people of one panel have the error of one draw of twenty, not of twenty draws."""
    rows = _population(5).rows(SETTINGS)
    panels = rows.assign(panel=rows["bene_id"].str[1:].astype(int).floordiv(20).astype(str))
    # What people of a panel share makes it matter: each panel has a level of its own.
    level = panels["panel"].map({str(i): 0.2 + 0.1 * i for i in range(20)})
    panels = panels.assign(dollars=panels["dollars"].astype(float) * level)
    alone, together = (
        _replicated(panels, 400, unit=unit).pair(2015, 2016).base.std(axis=1)
        for unit in ("bene_id", "panel")
    )
    assert (together > 1.3 * alone).all()


def test_each_count_one_gives_the_point_estimate(monkeypatch):
    monkeypatch.setattr(drawing, "poisson_table", lambda: np.ones(65_536))
    made = _population(5, people=60)
    whole = risk_adjustment(made.cells(SETTINGS), PAIR, SETTINGS, FACTORS)
    ones = _replicated(made.rows(SETTINGS), 2).pair(2015, 2016)
    once = point(_drawn(made.rows(SETTINGS)), [PAIR], SETTINGS).pair(2015, 2016)
    for found in (ones, once):
        for variant, values in whole.adjusted.items():
            assert np.allclose(found.adjusted[variant], values, rtol=1e-12)
        assert np.allclose(found.performance, whole.performance, rtol=1e-12)


def test_one_unit_has_no_interval():
    made = world([{"year": y, "bene_id": "A", "ccn": "210001", "tcoc": 5} for y in (2015, 2016)])
    drawn = _drawn(made.rows(SETTINGS))
    table = intervals(_drawing(drawn, 100), PAIR, 0.95)
    assert table["growth_low"].isna().all()


def test_a_hospital_of_one_year_counts_for_the_state_and_has_no_growth(monkeypatch):
    monkeypatch.setattr(drawing, "poisson_table", lambda: np.ones(65_536))
    made = world(
        [{"year": y, "bene_id": "A", "ccn": "210001", "tcoc": 10} for y in (2015, 2016)]
        + [{"year": 2015, "bene_id": "B", "ccn": "210002", "tcoc": 50}]
    )
    replicated = _replicated(made.rows(SETTINGS), 2).pair(2015, 2016)
    assert replicated.hospitals == (STATE, "210001", "210002")
    assert replicated.base.tolist() == [[30.0, 30.0], [10.0, 10.0], [50.0, 50.0]]
    assert np.isnan(replicated.growth("none")[2]).all()


def test_all_years_and_hospitals_take_the_same_draw():
    """Who costs the same in both years makes no growth, whoever is drawn how often."""
    g = rng(8)
    people = [
        {"year": y, "bene_id": f"B{i:03d}", "tcoc": dollars}
        for i, dollars in enumerate(g.integers(1, 90_000, 200).tolist())
        for y in (2015, 2016)
    ]
    shares = [
        {"year": p["year"], "bene_id": p["bene_id"], "ccn": ccn, "share": share}
        for p in people
        for ccn, share in (("210001", 0.25), ("210002", 0.75))
    ]
    found = _replicated(world(people, shares).rows(SETTINGS), 40).pair(2015, 2016)
    assert found.base.std(axis=1).min() > 0
    assert np.allclose(found.growth("none"), 0, atol=1e-12)
    assert np.allclose(found.base[1], found.base[2], rtol=1e-12)


def test_combinations_pool_sums_beside_their_members():
    rows = _population(9).rows(SETTINGS)
    members = {"210001": "Both", "210002": "Both"}
    found = replicate(_drawn(rows, members=members), [PAIR], SETTINGS, 20)
    assert found.names == (STATE, "210001", "210002", "Both")
    both = found.pair(2015, 2016)
    assert np.allclose(both.base[3], both.base[0], rtol=1e-12)
    assert np.allclose(both.adjusted["new_enrollee"][3], both.adjusted["new_enrollee"][0])


def test_nobody_to_draw_is_an_input_error():
    empty = pd.DataFrame({c: [] for c in ("unit", "year", "ccn", "share", "bucket", "months")})
    with pytest.raises(InputError, match="no attributed beneficiary"):
        unit_matrix(empty, SETTINGS)


def test_a_pair_that_was_not_drawn_names_those_that_were():
    found = _replicated(_population(6, 50).rows(SETTINGS), 3)
    with pytest.raises(InputError, match="2015 to 2017; there are: 2015 to 2016"):
        found.pair(2015, 2017)


def test_a_table_of_replicates_reads_back_whatever_the_names():
    rows = _population(6, 50).rows(SETTINGS)
    drawn = _drawn(rows, members={"210002": "A group"})
    found = replicate(drawn, [PAIR], SETTINGS, 3)
    table, units = replicates_table(found), units_table(drawn)
    key = ["base_year", "performance_year", "ccn", "replicate"]
    assert table[key].equals(table.sort_values(key, ignore_index=True)[key])
    back = replicates_of_table(table, units.sort_values(["year", "ccn"]))
    assert back.names == found.names
    assert np.array_equal(back.units[2016], found.units[2016])
    for name in found.names:
        mine, theirs = (
            r.pair(2015, 2016).adjusted["new_enrollee"][r.names.index(name)] for r in (back, found)
        )
        assert np.array_equal(mine, theirs)
    assert set(back.per_capita) == {2015, 2016}


def test_bounds_are_percentiles_and_null_where_too_much_is_undefined():
    values = np.vstack([np.arange(101.0), np.where(np.arange(101) < 10, np.nan, 1.0)])
    found = bounds("growth", values, 0.9)
    assert found["growth_low"][0] == pytest.approx(5)
    assert found["growth_high"][0] == pytest.approx(95)
    assert np.isnan(found["growth_low"][1])


def test_more_than_chance_counts_intervals_without_zero():
    table = pd.DataFrame(
        {
            "variant": "new_enrollee",
            "ccn": [STATE, "a", "b", "c", "d"],
            "difference_low": [1, 0.1, -0.2, -0.3, float("nan")],
            "difference_high": [2, 0.2, -0.1, 0.3, float("nan")],
        }
    )
    counts = beyond_chance(table).iloc[0]
    assert dict(counts.drop("variant")) == {"hospitals": 3, "differing": 2, "up": 1, "down": 1}


def test_least_beyond_chance_is_reached_by_chance_in_under_five_percent():
    assert least_beyond_chance(47, 0.05) == 6
    assert least_beyond_chance(47, 0.05, looks=3) == 7
    assert Pair(2015, 2016).base_completion == 1


def test_units_of_equal_size_count_in_full_and_unequal_ones_less():
    people = [
        {"year": y, "bene_id": f"B{i}", "ccn": "210001", "tcoc": 5, "panel": "a" if i < 9 else "b"}
        for y in (2015, 2016)
        for i in range(10)
    ]
    rows = world(people).rows(SETTINGS)
    panel = {p["bene_id"]: p["panel"] for p in people}
    assert _drawn(rows).effective_units()[2015].tolist() == pytest.approx([10, 10])
    drawn = _drawn(rows.assign(panel=rows["bene_id"].map(panel)), "panel")
    # Panels of nine and one: (9 + 1)^2 / (81 + 1).
    assert drawn.effective_units()[2016].tolist() == pytest.approx([100 / 82] * 2)


def test_few_units_have_wider_intervals():
    tails = tail(np.array([1.0, 2.0, 10.0, 1e6]), 0.95)
    assert np.isnan(tails[0])
    assert tails[1] < tails[2] < tails[3]
    assert tails[3] == pytest.approx(0.025, abs=1e-5)


def test_mix_and_costs_give_the_methods_factors():
    drawn = _drawn(_population(6, 200, leaving=0.3).rows(SETTINGS))
    once = point(drawn, [PAIR], SETTINGS).pair(2015, 2016)
    sums = drawn.sums(drawn.matrix @ np.ones((drawn.units, 1)))
    parts = mix_and_costs(sums[2015], sums[2016], PAIR.base_completion, SETTINGS)
    for variant in ("demographic_own", "demographic_statewide"):
        found = mix_factor(parts.mixes, parts.costs[variant])
        assert found == pytest.approx(factor_of(once, variant), rel=1e-9)


def test_shares_of_a_factor_s_variance():
    drawn = _drawn(_population(6, 200, leaving=0.3).rows(SETTINGS))
    shares = product_shares(drawn, [PAIR], SETTINGS, 200)[0]
    assert set(shares) == {"demographic_own", "demographic_statewide"}
    for product, costs in shares.values():
        assert ((product > 0) & (product < 1)).all()
        assert ((costs > 0) & (costs <= 1)).all()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.5])
def test_a_product_of_two_estimates_counts_its_chance_once(part):
    """x * y with both noises about (0, 0): m = 0; an added z of known variance is m."""
    g, hospitals, count = rng(3), 4000, 400
    x, y, z = g.normal(size=(3, hospitals, 1))
    product, plain = math.sqrt(part), math.sqrt(1 - part)
    noise = g.normal(size=(3, hospitals, count))
    drawn = product * (x + noise[0]) * (y + noise[1]) + plain * (z + noise[2])
    spread = drawn.var(axis=1)
    kept = kept_width((product * noise[0] * noise[1]).var(axis=1) / spread)
    # True variance m + p = 1. Replicates have m + p (x2 + y2 + 1), on average m + 3 p.
    assert spread.mean() == pytest.approx(1 + 2 * part, rel=0.05)
    assert (kept**2 * spread).mean() == pytest.approx(1, abs=0.1)
    assert kept_width(np.array([np.nan, 0.0, 1.0])) == pytest.approx([1, 1, math.sqrt(1 / 3)])
