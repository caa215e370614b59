"""Properties of the methods, the decomposition and the bootstrap, on random cells."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tcoc.errors import InputError
from tcoc.rules.risk import (
    STATE,
    Pair,
    bootstrap_per_capita,
    extremes,
    intervals,
    person_rows,
    risk_adjustment,
    variants_table,
)
from tcoc.rules.risk.adjust import exact_sums, pooled, shares_complete
from tcoc.rules.risk.bootstrap import (
    beyond_chance,
    kept_variance,
    poisson_table,
    replicates_table,
)
from tcoc.rules.risk.buckets import dollar_caps
from tcoc.rules.risk.decompose import OWN_COST, decompose
from tests.rules.risk.risk_support import (
    PAIR,
    cell_frame,
    factors,
    rng,
    settings,
    with_state,
    world,
)

SETTINGS, FACTORS = settings(), factors()

profile = st.fixed_dictionaries(
    {
        "ccn": st.sampled_from(["210001", "210002"]),
        "age_from": st.sampled_from([0, 60, 65, 70, 95]),
        "sex": st.sampled_from(["F", "M"]),
        "dual": st.booleans(),
        "esrd": st.sampled_from([False, False, False, True]),
        "months": st.integers(1, 120),
        "people": st.integers(1, 10),
        "dollars": st.integers(1, 10_000_000).map(lambda cents: cents / 100),
    }
)
mixes = st.lists(profile, min_size=1, max_size=12)


def _year(rows, year):
    return [{**r, "year": year} for r in rows]


def _table(cells, chosen=SETTINGS, pair=PAIR):
    return variants_table(risk_adjustment(cells, pair, chosen, FACTORS), pair)


@effort(max_examples=15, deadline=None)
@given(mixes)
def test_same_mix_means_factor_one(rows):
    later = [{**r, "dollars": r["dollars"] * 2} for r in rows]
    table = _table(with_state(cell_frame([*_year(rows, 2015), *_year(later, 2016)])))
    assert np.allclose(table["factor"], 1, rtol=1e-12)
    assert np.allclose(table["growth"], 1, rtol=1e-9)
    assert np.allclose(table["difference"], 0, atol=1e-9)


@effort(max_examples=15, deadline=None)
@given(mixes, mixes, st.sampled_from([0.25, 2, 1024]))
def test_scaling_dollars_scales_dollars_only(base, performance, scale):
    cells = with_state(cell_frame([*_year(base, 2015), *_year(performance, 2016)]))
    cells["dollars"] = (cells["dollars"] * 100).round() * 100
    scaled = cells.assign(dollars=cells["dollars"] * scale)
    before, after = _table(cells), _table(scaled)
    for column in ("base_per_capita", "adjusted_base", "performance_per_capita"):
        assert np.allclose(after[column], before[column] * scale, rtol=1e-9)
    assert np.allclose(after["growth"], before["growth"], atol=1e-9)


@effort(max_examples=12, deadline=None)
@given(mixes, mixes)
def test_parts_add_up_to_the_adjustment(base, performance):
    cells = with_state(cell_frame([*_year(base, 2015), *_year(performance, 2016)]))
    result = risk_adjustment(cells, PAIR, SETTINGS, FACTORS)
    parts = decompose(cells, result, PAIR, SETTINGS, FACTORS)
    added = parts.groupby(["variant", "ccn"])["dollars"].sum()
    table = variants_table(result, PAIR).set_index(["variant", "ccn"])
    change = (table["adjusted_base"] - table["base_per_capita"]).reindex(added.index)
    assert np.allclose(added, change, rtol=1e-9, atol=1e-6)
    assert set(parts.loc[parts["variant"] == "new_enrollee", "part"]) == {
        "age",
        "sex",
        "dual",
        "ESRD",
        "disabled",
    }


def test_a_part_is_named_by_what_changed():
    """Only the dual share changes, so age, sex and ESRD have no part."""
    base = [
        {"ccn": "210001", "year": 2015, "dual": dual, "sex": sex, "dollars": 6000 + 9000 * dual}
        for dual in (False, True)
        for sex in "FM"
    ]
    later = [{**r, "year": 2016, "months": 18 if r["dual"] else 6} for r in base]
    cells = with_state(cell_frame([*base, *later]))
    result = risk_adjustment(cells, PAIR, SETTINGS, FACTORS)
    parts = decompose(cells, result, PAIR, SETTINGS, FACTORS)
    chosen = parts[(parts["variant"] == "demographic_own") & (parts["ccn"] == "210001")]
    dollars = chosen.set_index("part")["dollars"]
    assert dollars["dual"] == pytest.approx(2250)
    assert dollars.drop("dual").abs().max() < 1e-9
    assert OWN_COST in dollars.index


def test_sums_do_not_depend_on_the_order_of_rows():
    generator = rng(1)
    rows = pd.DataFrame({"key": generator.integers(0, 3, 999), "x": generator.normal(size=999)})
    rows["x"] *= 10.0 ** generator.integers(-8, 9, 999)
    first = exact_sums(rows, ["key"], {"x": rows["x"].to_numpy()})
    shuffled = rows.sample(frac=1, random_state=2)
    again = exact_sums(shuffled, ["key"], {"x": shuffled["x"].to_numpy()})
    pd.testing.assert_frame_equal(first, again)
    assert first["x"].iloc[0] == math.fsum(rows.loc[rows["key"] == 0, "x"])


def test_combination_is_the_ratio_of_sums():
    rows = [
        {"ccn": "210001", "year": 2015, "months": 12, "dollars": 1000},
        {"ccn": "210002", "year": 2015, "months": 36, "dollars": 9000},
        {"ccn": "210003", "year": 2015, "months": 12, "dollars": 7},
        {"ccn": "210001", "year": 2016, "months": 12, "dollars": 2000},
        {"ccn": "210002", "year": 2016, "months": 12, "dollars": 3000},
    ]
    cells = with_state(cell_frame(rows))
    table = _table(pooled(cells, {"210001": "pair", "210002": "pair"}))
    chosen = table[(table["ccn"] == "pair") & (table["variant"] == "none")].iloc[0]
    assert chosen["base_per_capita"] == pytest.approx(2500)
    assert chosen["performance_per_capita"] == pytest.approx(2500)
    assert set(table["ccn"]) == {STATE, "pair"}


def test_extremes_leave_out_the_named_and_break_ties_by_ccn():
    rows = pd.DataFrame(
        {
            "variant": "new_enrollee",
            "ccn": [STATE, "210045", "210003", "210002", "210001", "210004"],
            "difference": [9.0, 8.0, 0.5, 0.5, -0.5, float("nan")],
            "growth": [0.0] * 6,
        }
    )
    found = extremes(rows, SETTINGS).set_index("end")
    assert found.loc["increase", "ccn"] == "210002"
    assert found.loc["decrease", "ccn"] == "210001"
    everyone = replace(SETTINGS, excluded_from_extremes=())
    assert extremes(rows, everyone).set_index("end").loc["increase", "ccn"] == "210045"


def test_months_of_hospitals_must_add_up_to_the_state():
    made = world(
        [{"year": y, "bene_id": "A", "ccn": "210001", "tcoc": 5} for y in (2015, 2016)]
        + [{"year": 2016, "bene_id": "B", "tcoc": 5}]
    )
    cells = made.cells(SETTINGS)
    assert shares_complete(cells, [2015])
    assert not shares_complete(cells, [2015, 2016])


def test_winsorised_dollars_stop_at_the_quantile_of_their_year():
    people = [
        {"year": y, "bene_id": f"B{i}", "ccn": "210001", "tcoc": i * (y - 2014)}
        for y in (2015, 2016)
        for i in range(1, 101)
    ]
    made = world(people)
    caps = dollar_caps(made.beneficiary_year, (2015, 2016), 0.9)
    assert caps == {2015: 90, 2016: 180}
    chosen = replace(SETTINGS, winsorise=True)
    cells = made.cells(chosen, caps)
    table = variants_table(risk_adjustment(cells, PAIR, chosen, FACTORS), PAIR)
    assert table["base_per_capita"].iloc[0] == pytest.approx((sum(range(1, 91)) + 10 * 90) / 100)


# ---------------------------------------------------------------- bootstrap


def test_poisson_table_has_mean_one():
    table = poisson_table()
    assert table.mean() == 1
    assert table.var() == pytest.approx(1, abs=1e-4)
    assert (table == 0).mean() == pytest.approx(math.exp(-1), abs=1e-4)


def _population(seed, people=400):
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
        ]
    return world(rows)


def _replicated(rows, chosen=SETTINGS, **options):
    return bootstrap_per_capita(person_rows(rows, PAIR, chosen, FACTORS), PAIR, chosen, **options)


def test_bootstrap_repeats_whatever_the_order_of_rows_and_changes_with_the_seed():
    rows = _population(3).rows(SETTINGS)
    first = _replicated(rows, replicates=70).full
    again = _replicated(rows.sample(frac=1, random_state=1), replicates=70).full
    other = _replicated(rows, replace(SETTINGS, seed=1), replicates=70).full
    for variant, values in first.adjusted.items():
        assert np.array_equal(values, again.adjusted[variant])
        assert not np.array_equal(values, other.adjusted[variant])
    assert np.array_equal(first.base[:, :64], _replicated(rows, replicates=64).full.base)


def test_replicates_centre_on_the_point_estimate():
    made = _population(4)
    point = risk_adjustment(made.cells(SETTINGS), PAIR, SETTINGS, FACTORS)
    replicated = _replicated(made.rows(SETTINGS), replicates=600).full
    assert replicated.hospitals == point.hospitals
    error = replicated.base.std(axis=1)
    assert (abs(replicated.base.mean(axis=1) - point.base[:, 0]) < error / 5).all()
    # Simple random sampling: the ratio's error is the spread of dollars over the root of people.
    rows = made.rows(SETTINGS)
    for i, ccn in enumerate(point.hospitals[1:], start=1):
        dollars = rows[(rows["ccn"] == ccn) & (rows["year"] == 2015)]["dollars"].astype(float)
        assert error[i] == pytest.approx(dollars.std() / math.sqrt(len(dollars)), rel=0.12)


def test_each_weight_one_gives_the_point_estimate(monkeypatch):
    monkeypatch.setattr("tcoc.rules.risk.bootstrap.poisson_table", lambda: np.ones(65_536))
    made = _population(5, people=60)
    point = risk_adjustment(made.cells(SETTINGS), PAIR, SETTINGS, FACTORS)
    replicated = _replicated(made.rows(SETTINGS), replicates=2).full
    for variant, values in point.adjusted.items():
        assert np.allclose(replicated.adjusted[variant], values, rtol=1e-12)
    assert np.allclose(replicated.performance, point.performance, rtol=1e-12)


def test_one_beneficiary_has_no_interval():
    made = world([{"year": y, "bene_id": "A", "ccn": "210001", "tcoc": 5} for y in (2015, 2016)])
    table = intervals(_replicated(made.rows(SETTINGS), replicates=100), PAIR, 0.95)
    assert table["growth_low"].isna().all()


def test_hospital_in_one_year_counts_for_the_state_only(monkeypatch):
    monkeypatch.setattr("tcoc.rules.risk.bootstrap.poisson_table", lambda: np.ones(65_536))
    made = world(
        [{"year": y, "bene_id": "A", "ccn": "210001", "tcoc": 10} for y in (2015, 2016)]
        + [{"year": 2015, "bene_id": "B", "ccn": "210002", "tcoc": 50}]
    )
    rows = person_rows(made.rows(SETTINGS), PAIR, SETTINGS, FACTORS)
    assert rows.hospitals == (STATE, "210001", "REST")
    replicated = bootstrap_per_capita(rows, PAIR, SETTINGS, replicates=2).full
    assert replicated.hospitals == (STATE, "210001")
    assert replicated.base.tolist() == [[30.0, 30.0], [10.0, 10.0]]


def test_both_years_and_all_hospitals_of_a_person_take_the_same_draw():
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
    replicated = _replicated(world(people, shares).rows(SETTINGS), replicates=40).full
    assert replicated.base.std(axis=1).min() > 0
    assert np.allclose(replicated.growth("none"), 0, atol=1e-12)
    assert np.allclose(replicated.base[1], replicated.base[2], rtol=1e-12)


def test_nobody_to_draw_is_an_input_error():
    made = world([{"year": 2015, "bene_id": "A", "tcoc": 10}])
    with pytest.raises(InputError, match="2015 and 2016"):
        _replicated(made.rows(SETTINGS))


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


def test_replicates_table_keeps_replicates_together():
    replicated = _replicated(_population(6, 50).rows(SETTINGS), replicates=3)
    table = replicates_table(replicated, Pair(2015, 2016))
    assert table["halved"].value_counts().to_dict() == {False: 9, True: 3}
    own = table[table["ccn"] == "210002"].set_index(["halved", "replicate"])
    at = replicated.full.hospitals.index("210002")
    for halved, found in ((False, replicated.full), (True, replicated.halved)):
        last = found.base.shape[1] - 1
        kept = own.loc[(halved, last), "adjusted_new_enrollee"]
        assert kept == found.adjusted["new_enrollee"][at, last]


def test_replicates_at_half_the_variance_average_two_draws():
    replicated = _replicated(_population(6, 50).rows(SETTINGS), replicates=400)
    full, halved = (r.base[1:].var(axis=1, ddof=1) for r in (replicated.full, replicated.halved))
    assert halved / full == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
def test_a_product_of_two_estimates_counts_its_chance_once(part):
    """x * y with both noises about (0, 0): m = 0; an added z of known variance is m."""
    g, hospitals, count = rng(3), 40, 4000
    x, y, z = g.normal(size=(3, hospitals, 1))
    product, plain = math.sqrt(part), math.sqrt(1 - part)

    def drawn(variance, columns):
        noise = math.sqrt(variance) * g.normal(size=(3, hospitals, columns))
        return product * (x + noise[0]) * (y + noise[1]) + plain * (z + noise[2])

    kept = kept_variance(drawn(1, count), drawn(0.5, count // 2))
    # True variance m + p = 1. Replicates have m + p (x2 + y2 + 1), on average m + 3 p.
    expected = np.mean(1 / ((1 - part) + part * (x**2 + y**2 + 1)))
    assert kept == pytest.approx(max(expected, 1 / 3), abs=0.25 if part else 0.05)
    assert kept < 1 or part == 0


def test_too_few_replicates_or_hospitals_keep_their_variance():
    full = rng(1).normal(size=(40, 200))
    halved = full[:, :100] / 2
    assert kept_variance(full, halved) == 1 / 3
    assert kept_variance(full, halved[:, :9]) == 1.0
    assert kept_variance(full[:9], halved[:9]) == 1.0
