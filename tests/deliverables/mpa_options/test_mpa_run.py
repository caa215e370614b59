"""Rules M1 to M4 and A12 through the pipeline, on a store of three people worked by hand.

2017 to 2018, national growth 2.33 %, so the benchmark is 1.02 x base. Dollars come from claims and
lines of nobody's clinician; each person lives in the ZIP of one hospital.

- 210001: 10,000 and 10,098; benchmark 10,200, result 1 %, scaled 0.25 %, quality +2 %: 0.255 %.
- 210002: 20,000 and 22,000; benchmark 20,400, result -7.84 %: -0.5 %, quality -2 %: -0.49 %.
- 210003: 5,000 and 5,000; benchmark 5,100, result 1.96 %: 0.490 %; it was paid nothing.
- 210002 and 210003 pooled: 12,500 and 13,500; benchmark 12,750, result -5.88 %: -0.5 %; quality is
  weighted by payments, so that of 210002: -0.49 % for both.
"""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from tcoc.errors import InputError
from tcoc.params import NationalGrowth, load_policy
from tcoc.rules.mpa import base_terms, read_terms, result_terms, scaled_result
from tests.support.tiny import tiny_study

MONTHS = "2017-01..2018-12"
PEOPLE = [
    {"bene": "A", "zip": "21740", "months": MONTHS},
    {"bene": "B", "zip": "21201", "months": MONTHS},
    {"bene": "C", "zip": "20785", "months": MONTHS},
]
CLAIMS = [
    {"bene": "A", "ccn": "210001", "date": "2017-11-01", "paid": 10000},
    {"bene": "A", "ccn": "210001", "date": "2018-05-01", "paid": 10098},
    {"bene": "B", "ccn": "210002", "date": "2017-11-01", "paid": 20000},
    {"bene": "B", "ccn": "210002", "date": "2018-05-01", "paid": 22000},
]
LINES = [
    {"bene": "C", "npi": None, "date": "2017-11-01", "paid": 5000, "allowed": 5000},
    {"bene": "C", "npi": None, "date": "2018-05-01", "paid": 5000, "allowed": 5000},
]
QUALITY = [
    {"ccn": "210001", "rate_year": 2020, "rrip": 0.01, "mhac": 0.01},
    {"ccn": "210002", "rate_year": 2020, "rrip": -0.02, "mhac": 0.0},
    {"ccn": "210003", "rate_year": 2020, "rrip": 0.0, "mhac": 0.0},
]
PAIR = [{"combination": "PAIR", "ccn": "210002"}, {"combination": "PAIR", "ccn": "210003"}]


def given(**reference):
    return {
        "people": PEOPLE,
        "claims": CLAIMS,
        "lines": LINES,
        "years": [2017, 2018],
        "completion": {2018: {"value": 1.0, "source": "by hand"}},
        "options": {"risk.replicates": 64},
        "reference": {"quality_adjustments": QUALITY, **reference},
    }


def ready(study, growth=True):
    study.run.spec.rate_years = [2020]
    if growth:
        study.run.spec.national_growth = {2020: NationalGrowth(value=0.0233, source="by hand")}


def rows(study, option="improvement"):
    frame = study.frame("mpa", exact=True)
    return frame[frame["option"] == option].set_index("ccn")


def test_three_hospitals():
    with tiny_study(given()) as study:
        ready(study)
        found = rows(study)
        assert found["benchmark"].tolist() == pytest.approx([10200, 20400, 5100])
        assert found["performance"].tolist() == pytest.approx([10098, 22000, 5000])
        assert found["result"].tolist() == pytest.approx([0.01, -1600 / 20400, 100 / 5100])
        assert found["scaled"].tolist() == pytest.approx([0.0025, -0.005, 100 / 5100 / 4])
        assert found["quality"].tolist() == pytest.approx([0.02, -0.02, 0])
        assert found["mpa_percent"].tolist() == pytest.approx([0.00255, -0.0049, 100 / 5100 / 4])
        assert found["payments"].tolist() == [Decimal(10098), Decimal(22000), Decimal(0)]
        assert found["mpa_dollars"].tolist() == [Decimal("25.75"), Decimal("-107.80"), Decimal(0)]
        assert found["combination"].isna().all()


def test_a_combination_pools_its_hospitals():
    with tiny_study(given(combinations=PAIR)) as study:
        ready(study)
        found, single = rows(study), rows(study, "improvement_single")
        assert found["combination"].dropna().tolist() == ["PAIR", "PAIR"]
        assert found["benchmark"].tolist() == pytest.approx([10200, 12750, 12750])
        assert found["performance"].tolist() == pytest.approx([10098, 13500, 13500])
        assert found["mpa_percent"].tolist() == pytest.approx([0.00255, -0.0049, -0.0049])
        assert found["mpa_percent"].iloc[1] == found["mpa_percent"].iloc[2]
        assert single["mpa_percent"].tolist() == pytest.approx([0.00255, -0.0049, 100 / 5100 / 4])


def test_a_combination_of_one_is_the_hospital_alone():
    solo = [{"combination": "SOLO", "ccn": "210001"}]
    with tiny_study(given(combinations=solo)) as study:
        ready(study)
        together, alone = rows(study), rows(study, "improvement_single")
        for column in ("benchmark", "result", "quality", "mpa_percent", "mpa_dollars"):
            assert together[column].tolist() == alone[column].tolist()


def test_without_national_growth_the_run_file_key_is_named():
    with tiny_study(given()) as study:
        ready(study, growth=False)
        with pytest.raises(InputError, match="national_growth has no value for rate year 2020"):
            study.table("mpa")


def test_a_missing_quality_row_names_the_hospital():
    with tiny_study(given(quality_adjustments=QUALITY[:2])) as study:
        ready(study)
        with pytest.raises(InputError, match=r"Hospital 210003 \(210003\) in rate year 2020"):
            study.table("mpa")


def test_every_other_table_follows():
    with tiny_study(given(combinations=PAIR)) as study:
        ready(study)
        noise, saving = study.frame("mpa_noise"), study.frame("mpa_break_even")
        known = noise.dropna(subset=["percent_low", "percent_high"])
        assert (known["percent_low"] <= known["percent_high"]).all()
        assert noise.groupby("option").size().to_dict() == {
            "improvement": 3,
            "improvement_single": 3,
        }, "alone and combined, from one set of replicates"
        assert saving["zero_per_capita"].tolist() == pytest.approx([-102, 1600, -100])
        assert saving["zero_dollars"].tolist() == pytest.approx([-102, 1600, -100])
        assert len(study.frame("mpa_options")) > 500
        scenarios = study.frame("mpa_scenarios")
        year_one = scenarios[scenarios["scenario"] == "year1_adopted"]
        assert (year_one["mpa_percent"] == year_one["adopted_mpa_percent"]).all()
        assert len(study.frame("mpa_panel")) == 4
        assert study.frame("mpa_chance")["chance_cap"].between(0, 1).all()


def test_the_what_if_table_holds_the_rate_years_own_dollars():
    with tiny_study(given(combinations=PAIR)) as study:
        ready(study)
        table = study.frame("mpa_what_if", exact=True)
        own = table[
            (table["threshold"] == 0.02)
            & (table["max_at_risk"] == 0.005)
            & (table["attainment_weight"] == 0)
            & (table["quality_sign"] == "multiply")
        ].set_index("ccn")
        single = rows(study, "improvement_single")
        assert own["mpa_dollars"].tolist() == single["mpa_dollars"].tolist()
        wider = table[
            (table["threshold"] == 0.04)
            & (table["max_at_risk"] == 0.005)
            & (table["attainment_weight"] == 0)
            & (table["quality_sign"] == "multiply")
        ].set_index("ccn")
        assert wider.loc["210001", "mpa_percent"] == pytest.approx(0.00255 / 2)


# ---------------------------------------------------------------- complete years (T3)


def short_year(**options):
    """The same store, its last claim on 1 May 2018, without a completion factor."""
    return given() | {"completion": {}, "options": {"risk.replicates": 64, **options}}


def test_unequal_run_outs_stop_the_adjustment():
    with tiny_study(short_year()) as study:
        ready(study)
        expected = (
            r"2017 and 2018 stand on unequal run-outs: Claims of 2018 are seen up to May 1, 2018:"
            r" its run-out is short.*completion: \{2018: measured\}|2018: \{value"
        )
        with pytest.raises(InputError, match=expected):
            study.table("mpa")


def test_unequal_run_outs_are_labeled_on_every_row_where_the_run_lets_them_pass():
    with tiny_study(short_year(**{"mpa.unequal_run_out": "label"})) as study:
        ready(study)
        found = rows(study)
        assert found["unequal_run_out"].all()
        assert found["result"].tolist() == pytest.approx([0.01, -1600 / 20400, 100 / 5100])
    with tiny_study(given()) as study:
        ready(study)
        assert not rows(study)["unequal_run_out"].any(), "a factor covers the short year"


def test_a_completion_factor_raises_the_performance_year_alone():
    covered = given() | {"completion": {2018: {"value": 0.5, "source": "by hand"}}}
    with tiny_study(covered) as study:
        ready(study)
        found = rows(study)
        assert found["performance"].tolist() == pytest.approx([20196, 44000, 10000])
        assert found["benchmark"].tolist() == pytest.approx([10200, 20400, 5100])
        assert found["payments"].tolist()[0] == Decimal(10098), "dollars stay as paid"


# ---------------------------------------------------------------- options of M8

LONG = {
    "people": [p | {"months": "2016-01..2018-12"} for p in PEOPLE],
    "claims": [*CLAIMS, {"bene": "A", "ccn": "210001", "date": "2016-05-01", "paid": 5000}],
    "lines": [
        *LINES,
        {"bene": "B", "npi": None, "date": "2016-05-01", "paid": 10000, "allowed": 10000},
        {"bene": "C", "npi": None, "date": "2016-05-01", "paid": 2500, "allowed": 2500},
    ],
    "years": [2016, 2017, 2018],
}


def test_a_base_of_two_years_brings_the_earlier_one_to_the_levels_of_the_state():
    """Everybody cost half in 2016; at the state's level (x 2) the two years are the same base."""
    with tiny_study(given() | LONG) as study:
        ready(study)
        one, two = rows(study, "improvement_single"), rows(study, "base_two_years")
        assert two["adjusted_base"].tolist() == pytest.approx([10000, 20000, 5000])
        assert two["mpa_dollars"].tolist() == one["mpa_dollars"].tolist()
        out = study.frame("mpa_left_out").set_index("option")["reason"]
        assert set(out.index) == {"base_three_years", "attainment_price_standardized"}
        assert "2015" in out["base_three_years"]


def test_a_price_factor_lowers_the_per_capita_that_attainment_compares():
    prices = {"mpa.price_factors": {"210002": 1.1}}
    asked = given() | {"options": {"risk.replicates": 64, **prices}}
    with tiny_study(asked) as study:
        ready(study)
        plain, priced = rows(study, "attainment"), rows(study, "attainment_price_standardized")
        at = plain.loc["210002", "attainment_benchmark"]
        assert priced.loc["210002", "result"] == pytest.approx((at - 22000 / 1.1) / at)
        assert priced.loc["210001", "result"] == pytest.approx(plain.loc["210001", "result"])


def test_the_break_even_saving_counts_a_hospitals_price_as_its_result_does():
    terms = {"mpa.attainment_weight": 1.0, "mpa.price_standardized": True}
    prices = {"mpa.price_factors": {"210002": 1.1}}
    with tiny_study(given() | {"options": {"risk.replicates": 64, **terms, **prices}}) as study:
        ready(study)
        found, saving = rows(study, "improvement_single"), study.frame("mpa_break_even")
        at = found.loc["210002", "attainment_benchmark"]
        saved = saving.set_index("ccn").loc["210002", "zero_per_capita"]
        assert saved == pytest.approx(22000 - 1.1 * at)


def test_weights_that_do_not_add_up_are_an_error():
    asked = given() | {"options": {"mpa.base_weights": [0.5, 0.4]}}
    with tiny_study(asked) as study:
        ready(study)
        with pytest.raises(InputError, match="add up to 1"):
            study.table("mpa")


def test_a_combination_may_say_its_region_and_purpose():
    full = [row | {"region": "Baltimore", "purpose": "shared network"} for row in PAIR]
    with tiny_study(given(combinations=full)) as study:
        ready(study)
        known = study.reference("combinations")
        assert known["purpose"].tolist() == ["shared network", "shared network"]
        assert rows(study)["combination"].dropna().tolist() == ["PAIR", "PAIR"]


SCALE = {"mpa.threshold", "mpa.max_at_risk", "mpa.quality_sign"}
GROWTH = {"mpa.trend_reduction", "mpa.risk_method", "mpa.attainment_weight"}


@pytest.mark.parametrize(
    ("table", "never"),
    [
        ("mpa_payments", SCALE | GROWTH),
        ("mpa_judged", SCALE | GROWTH),
        ("mpa_replicates", SCALE | GROWTH),
        ("mpa_results", SCALE),
        ("mpa_scenario_results", SCALE),
        ("mpa_spread", SCALE),
        ("mpa_grid_totals", SCALE),
    ],
)
def test_what_a_changed_term_starts_from_does_not_read_it(table, never):
    with tiny_study(given(combinations=PAIR)) as study:
        ready(study)
        with study.reading(study.catalog.scope("mpa_options")) as reads:
            study.catalog.product(table).compute(study)
        asked = {name.split("@")[0] for kind, name in reads if kind == "policy"}
        assert asked
        assert not asked & never


def test_terms_that_were_not_read_give_no_number():
    policy = load_policy()
    whole, of_result = read_terms(policy, 2020, 0.02), result_terms(policy, 2020, 0.02)
    assert replace(of_result, threshold=0, max_at_risk=0, quality_sign="") == replace(
        whole, threshold=0, max_at_risk=0, quality_sign=""
    )
    percent = scaled_result(np.array([0.01]), of_result.threshold, of_result.max_at_risk)
    assert np.isnan(percent).all()
    assert np.isnan(base_terms(policy, 2020).trend)
