"""Credibility as the run's own term (rule M8): every table rests on the results that are paid on.

Five hospitals with four home ZIPs of one person each, 2017 to 2018. A hospital's people grow by its
own rate, give or take what each ZIP adds by itself; from one hospital to the next the second is
larger, so that reliabilities differ. Two hospitals are combined, which leaves four units.
"""

from contextlib import contextmanager

import numpy as np
import pytest

from tcoc.deliverables.mpa_options.checks import CHECKS
from tcoc.deliverables.mpa_options.public_hospitals import what_if_table
from tests.deliverables.mpa_options.test_mpa_run import MONTHS, SCALE, ready
from tests.support.tiny import tiny_study

GROWTH = {"210001": 0.98, "210002": 1.12, "210003": 1.01, "210004": 0.85, "210016": 1.06}
PLACES = [(ccn, f"{21001 + 10 * h + z}", z) for h, ccn in enumerate(GROWTH) for z in range(4)]
SPREAD = (-1.5, -0.5, 0.5, 1.5)
WEIGHED = {"mpa.credibility": "reliability"}


def _claims(ccn, zip_code, place):
    chance = 0.02 * (1 + list(GROWTH).index(ccn)) * SPREAD[place]
    cost = {"2017-11-01": 10000, "2018-05-01": round(10000 * (GROWTH[ccn] + chance))}
    return [{"bene": zip_code, "ccn": ccn, "date": day, "paid": paid} for day, paid in cost.items()]


@contextmanager
def made(pooled=("210002", "210003"), **options):
    reference = {
        "hospitals": [{"ccn": c, "zip": z} for c, z, place in PLACES if place == 0],
        "psa_zips": [{"zip": z, "ccn": c} for c, z, _ in PLACES],
        "aco_hospitals": [],
        "combinations": [{"combination": "PAIR", "ccn": c} for c in pooled],
        "quality_adjustments": [
            {"ccn": c, "rate_year": 2020, "rrip": 0.01, "mhac": 0.0} for c in GROWTH
        ],
    }
    given = {
        "people": [{"bene": z, "zip": z, "months": MONTHS} for _, z, _ in PLACES],
        "claims": [claim for place in PLACES for claim in _claims(*place)],
        "years": [2017, 2018],
        "completion": {2018: {"value": 1.0, "source": "by hand"}},
        "options": {"risk.replicates": 64, **options},
        "reference": reference,
    }
    with tiny_study(given) as study:
        ready(study)
        yield study


@pytest.fixture(scope="module")
def weighed():
    with made(**WEIGHED) as study:
        yield study


def of(study, table, option=None):
    frame = study.frame(table)
    return (frame if option is None else frame[frame["option"] == option]).set_index("ccn")


OWN = [
    {},
    {"mpa.truncated": True},
    {"mpa.attainment_weight": 0.5},
    {"mpa.risk_method": "demographic"},
]


@pytest.mark.parametrize("terms", OWN, ids=str)
def test_all_tables_rest_on_the_weighed_results(terms):
    with made(**WEIGHED, **terms) as study:
        for check in CHECKS:
            assert check.measure(study).holds, check.name
        noise = study.frame("mpa_noise").set_index(["option", "ccn"])
        main = study.frame("mpa").set_index(["option", "ccn"]).loc[noise.index]
        for name in ("result", "mpa_percent"):
            assert noise[name].tolist() == pytest.approx(main[name].tolist(), abs=1e-15)
        known = noise.dropna(subset=["percent_low"])
        assert len(known) >= 8
        assert (known["percent_low"] <= known["mpa_percent"]).all()
        assert (known["mpa_percent"] <= known["percent_high"]).all()


def test_a_hospital_is_weighed_by_its_reliability_which_is_measured_unweighed(weighed):
    with made() as plain:
        own, state = of(plain, "reliability"), plain.frame("mpa_heterogeneity")
        panel = plain.frame("mpa_panel")
    single, table = of(weighed, "mpa", "improvement_single"), of(weighed, "reliability")
    assert table["reliability"].between(0.01, 0.999).all()
    assert table["reliability"].nunique() == len(GROWTH)
    assert single["result"].tolist() == pytest.approx(own["shrunken"].tolist(), abs=1e-12)
    dollars = ["mpa_dollars", "signal_dollars"]
    assert table.drop(columns=dollars).equals(own.drop(columns=dollars))
    measured = ["mean", "true_sd", "q", "p_value", "i2", "median_reliability"]
    assert weighed.frame("mpa_heterogeneity")[measured].equals(state[measured])
    assert weighed.frame("mpa_panel").equals(panel)


def test_a_combination_has_the_weight_of_its_pooled_result(weighed):
    noise = of(weighed, "mpa_noise", "improvement")
    alone = of(weighed, "mpa_noise", "improvement_single")
    pair = noise.loc[["210002", "210003"]]
    assert pair["result"].nunique() == 1
    assert pair["result_low"].nunique() == 1
    assert not np.isclose(noise["result"], alone["result"]).any()


def test_the_grid_holds_the_totals_of_the_main_table_at_the_own_terms(weighed):
    grid = weighed.frame("mpa_options").query(
        "threshold == 0.02 and max_at_risk == 0.005 and attainment_weight == 0"
        " and quality_sign == 'multiply' and risk_method == 'none'"
    )
    main = of(weighed, "mpa", "improvement_single")
    assert grid["net"].tolist() == pytest.approx([main["mpa_dollars"].sum()])
    assert grid["sign_changes"].tolist() == [0]
    assert (grid["net_low"] < grid["net_high"]).all()


def test_the_break_even_saving_brings_the_weighed_result_to_zero(weighed):
    saving, results = of(weighed, "mpa_break_even"), weighed.frame("mpa_results")
    rows = results[results["option"] == "improvement_single"].set_index("ccn")
    performance = rows["performance"] - saving["zero_per_capita"]
    own = 1 - performance / rows["benchmark"]
    reached = rows["center"] + rows["credibility"] * (own - rows["center"])
    assert reached.tolist() == pytest.approx([0] * len(rows), abs=1e-12)


def test_a_scenario_that_pools_other_hospitals_weighs_them_pooled(weighed):
    of_scenario = of(weighed, "mpa_scenario_results").query("scenario == 'combined_montgomery'")
    assert of_scenario["combination"].dropna().index.tolist() == ["210004", "210016"]
    with made(pooled=("210004", "210016"), **WEIGHED) as study:
        own = of(study, "mpa_results", "improvement")
    for name in ("credibility", "center", "result"):
        assert of_scenario[name].tolist() == pytest.approx(own[name].tolist(), abs=1e-12)


@pytest.mark.parametrize("table", ["mpa_results", "mpa_grid_totals", "mpa_spread", "mpa_panel"])
def test_what_a_changed_scale_leaves_alone_does_not_read_it(weighed, table):
    with weighed.reading(weighed.catalog.scope("mpa_options")) as reads:
        weighed.catalog.product(table).compute(weighed)
    asked = {name.split("@")[0] for kind, name in reads if kind == "policy"}
    assert asked
    assert not asked & SCALE


def test_the_what_if_table_says_whose_weights_it_has(weighed):
    assert what_if_table(weighed).note.endswith("under the rate year's own terms (M8).")
