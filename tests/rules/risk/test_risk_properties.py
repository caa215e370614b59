"""Properties of the methods, the decomposition and the bootstrap, on random cells."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.reference.methods import adjusted_bases, hospital_sums
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tcoc.params import RiskPolicy, load_policy
from tcoc.rules.risk import (
    STATE,
    extremes,
    risk_adjustment,
    risk_settings,
    variants_table,
)
from tcoc.rules.risk.adjust import pooled
from tcoc.rules.risk.buckets import dollar_caps
from tcoc.rules.risk.decompose import OWN_COST, decompose
from tcoc.rules.sums import exact_sums
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
OTHER_OPTIONS = [
    {"risk.esrd_split": "dual_and_sex", "risk.thin_bucket_months": 60},
    {"risk.esrd_score": "mean", "risk.model_version": "V24"},
    {"risk.age_bands": [0, 65, 85], "risk.esrd_split": "none"},
]

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


@effort(max_examples=200, deadline=None)
@given(mixes, mixes, st.sampled_from([{}, *OTHER_OPTIONS]))
def test_methods_agree_with_the_reference(base, performance, options):
    """Every method of every hospital against exact sums in plain Python (rules R1 to R4)."""
    policy = load_policy(options=options)
    cells = with_state(cell_frame([*_year(base, 2015), *_year(performance, 2016)]))
    values = RiskPolicy.of(policy)
    sums = hospital_sums(cells.to_dict("records"), values)
    found = variants_table(
        risk_adjustment(cells, PAIR, risk_settings(policy), factors(values.model_version)), PAIR
    ).set_index(["ccn", "variant"])
    both = {ccn for year, ccn in sums if year == 2015} & {ccn for year, ccn in sums if year == 2016}
    assert set(found.index.get_level_values("ccn")) == both
    for ccn in both:
        for variant, adjusted in adjusted_bases(sums, ccn, (2015, 2016), values).items():
            row = found.loc[(ccn, variant)]
            assert row["adjusted_base"] == pytest.approx(adjusted, rel=1e-9)
            assert row["growth"] == pytest.approx(row["performance_per_capita"] / adjusted - 1)


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


def test_truncated_dollars_stop_at_the_quantile_of_their_year():
    people = [
        {"year": y, "bene_id": f"B{i}", "ccn": "210001", "tcoc": i * (y - 2014)}
        for y in (2015, 2016)
        for i in range(1, 101)
    ]
    made = world(people)
    caps = dollar_caps(made.beneficiary_year, (2015, 2016), 0.9)
    assert caps == {2015: 90, 2016: 180}
    chosen = replace(SETTINGS, truncate=0.9)
    cells = made.cells(chosen, caps)
    table = variants_table(risk_adjustment(cells, PAIR, chosen, FACTORS), PAIR)
    assert table["base_per_capita"].iloc[0] == pytest.approx((sum(range(1, 91)) + 10 * 90) / 100)
