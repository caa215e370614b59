"""Evidence: the regressions recover what was planted, and judge as they say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from tcoc.rules.risk import Adjusted
from tcoc.rules.risk import evidence as ev
from tests.rules.risk.risk_support import PAIR, factors, rng, settings, world

SETTINGS, FACTORS = settings(), factors()


def _people(seed=1, size=6000):
    """Annual cost is 8,000, half as much again for duals, 60,000 for ESRD, gamma noise."""
    g = rng(seed)
    frames = []
    for year in (2015, 2016):
        esrd = g.random(size) < 0.02
        dual = g.random(size) < 0.25
        expected = np.where(esrd, 60_000, 8_000 * (1 + 0.5 * dual))
        paid = g.random(size) < 0.9
        frames.append(
            pd.DataFrame(
                {
                    "year": year,
                    "digest": [f"{i:08x}" for i in range(size)],
                    "fold": np.arange(size) % 2,
                    "age_from": g.choice([60, 65, 70, 75], size),
                    "sex": g.choice(["F", "M"], size),
                    "dual": dual,
                    "esrd": esrd,
                    "originally_disabled": False,
                    "months": g.choice([6, 12], size),
                    "dollars": np.round(expected * paid * g.gamma(2, 0.5 / 0.9, size), 2),
                }
            )
        )
    rows = pd.concat(frames, ignore_index=True)
    rows["dollars"] = rows["dollars"] * rows["months"] / 12
    return ev.costs(rows.assign(capped=rows["dollars"]), PAIR, SETTINGS)


ROWS = _people()
FOUND = ev.evidence(ROWS, PAIR, SETTINGS, FACTORS)


def test_every_model_is_judged_on_people_it_has_not_seen():
    assert set(FOUND.fit["model"]) == set(ev.MODELS)
    fit = FOUND.fit.set_index(["model", "test"])
    assert (fit.loc["mean", "r2"].abs() < 0.01).all()
    for model in ev.MODELS[1:]:
        assert (fit.loc[model, "r2"] > 0.15).all(), model
    assert fit["benes"].unique().tolist() == [3000.0]
    assert fit["ratio"].between(0.9, 1.1).all()


def test_regressions_find_the_planted_effects():
    models = ev.fit_models(ROWS[(ROWS["year"] == 2015)], SETTINGS, FACTORS)
    profile = ROWS.head(3).assign(age_from=70, sex="F", originally_disabled=False)
    profile = profile.assign(dual=[False, True, False], esrd=[False, False, True])
    for name in ev.MODELS[3:]:
        plain, dual, esrd = models[name](profile)
        assert dual / plain == pytest.approx(1.5, rel=0.12), name
        assert esrd / plain == pytest.approx(7.5, rel=0.2), name


def test_fit_by_profile_is_the_fit_by_person():
    train = ROWS[ROWS["year"] == 2015]
    terms = ev.design(train, SETTINGS)
    used = [c for c in terms if terms[c].any()]
    family = sm.families.Tweedie(sm.families.links.Log(), var_power=SETTINGS.tweedie_power)
    by_person = sm.GLM(train["cost"], terms[used], family=family, var_weights=train["weight"]).fit()
    predicted = ev.fit_models(train, SETTINGS, FACTORS)["Tweedie regression"](train)
    assert np.allclose(predicted, by_person.predict(terms[used]), rtol=1e-5)
    line = sm.WLS(train["cost"], terms[used], weights=train["weight"]).fit()
    least = ev.fit_models(train, SETTINGS, FACTORS)["weighted least squares"](train)
    assert np.allclose(least, line.predict(terms[used]), rtol=1e-8)


def test_groups_partition_the_test_set():
    ratios = FOUND.ratios
    counts = ratios.groupby(["model", "test", "dimension"])["benes"].sum()
    assert (counts == 3000).all()
    assert set(ratios["dimension"]) == {
        "decile of predicted cost",
        "bucket",
        "dual",
        "ESRD",
        "disabled",
    }
    dual = ratios[(ratios["dimension"] == "dual") & (ratios["group"] == "dual")]
    of_mean = dual[dual["model"] == "mean"]["ratio"]
    of_buckets = dual[dual["model"] == "demographic buckets"]["ratio"]
    assert (of_mean < 0.85).all()
    assert of_buckets.between(0.9, 1.1).all()


def test_deciles_are_ten_of_the_same_weight_in_the_order_of_predicted_cost():
    rows = pd.DataFrame({"predicted": [30.0, 10.0, 20.0, 40.0] * 10, "weight": 2.0, "esrd": False,
                         "dual": False, "age_from": 70, "originally_disabled": False,
                         "bucket": "x"})  # fmt: skip
    found = pd.Series(ev.groups(rows)["decile of predicted cost"])
    assert found.value_counts().to_dict() == {f"{d:02d}": 4 for d in range(1, 11)}
    means = rows["predicted"].groupby(found).mean()
    assert means.index.tolist() == sorted(means.index)
    assert means.is_monotonic_increasing


def test_calibration_line_of_a_perfect_prediction():
    rows = pd.DataFrame({"weight": 1.0, "cost": [1.0, 2.0, 4.0]})
    good = ev.goodness(rows.assign(predicted=rows["cost"]))
    assert good["slope"] == pytest.approx(1)
    assert good["r2"] == pytest.approx(1)
    assert good["mae"] == 0
    assert np.isnan(ev.goodness(rows.assign(predicted=2.0))["slope"])


def test_sample_is_seeded_by_person_and_bounded():
    made = world(
        [
            {"year": y, "bene_id": f"B{i}", "tcoc": 1, "ccn": "210001"}
            for y in (2015, 2016)
            for i in range(600)
        ]
    )
    people = made.people(SETTINGS)
    chosen = ev.sample_people(people, 200, 600, 1).to_pandas()
    again = ev.sample_people(people, 200, 600, 1).to_pandas()
    other = ev.sample_people(people, 200, 600, 2).to_pandas()
    by_year = chosen.groupby("year")["digest"].agg(set)
    assert by_year[2015] == by_year[2016] == set(again["digest"])
    assert set(other["digest"]) != by_year[2015]
    assert 150 < len(by_year[2015]) < 250
    assert 0.4 < chosen["fold"].mean() < 0.6
    assert len(ev.sample_people(people, 9999, 600, 1).to_pandas()) == 1200


def test_growth_follows_the_factor_where_it_was_planted():
    g = rng(2)
    factor = 1 + g.normal(0, 0.02, 40)
    ccn = [f"21{i:04d}" for i in range(40)]
    table = pd.DataFrame({"ccn": ccn, "factor": factor})
    weights = pd.Series(1.0, index=ccn)
    noise = g.normal(0, 0.005, 40)
    one = ev.growth_on_factor(table.assign(unadjusted=factor - 1 + noise), weights)
    none = ev.growth_on_factor(table.assign(unadjusted=noise), weights)
    assert one["slope_low"] < 1 < one["slope_high"]
    assert one["slope_low"] > 0.5
    assert none["slope_low"] < 0 < none["slope_high"]
    assert np.isnan(ev.growth_on_factor(table.head(2).assign(unadjusted=0), weights)["slope"])


def test_truncated_costs_are_used_when_asked():
    rows = ROWS.drop(columns=["cost", "weight", "bucket"]).assign(capped=0.0)
    cut = ev.costs(rows, PAIR, replace(SETTINGS, truncate=0.99))
    assert (cut["cost"] == 0).all()


def test_a_regression_s_factor_is_held_against_growth_without_replicates():
    """A hospital whose mix is predicted to cost 1.2 times as much grew by 50 per cent."""
    cells = pd.DataFrame(
        [
            {"ccn": "210001", "year": year, "share": 1.0, "people": people, "months": 12 * people,
             "dollars": 0.0, "capped": 0.0, "esrd": esrd}
            for year, well, ill in ((2015, 90, 10), (2016, 88, 12))
            for people, esrd in ((well, False), (ill, True))
        ]
    )  # fmt: skip
    base, later = np.array([[10_000.0, 9_000.0]]), np.array([[15_000.0, 18_000.0]])
    result = Adjusted(("210001",), base, later, {"none": base})

    def predict(rows):
        return np.where(rows["esrd"], 110_000.0, 0.0)

    (row,) = ev.regression_benchmark(cells, result, PAIR, SETTINGS, predict).to_dict("records")
    assert row["factor"] == pytest.approx(1.2)
    assert row["growth"] == pytest.approx(1.5 / 1.2 - 1)
    assert row["difference"] == pytest.approx(1.5 / 1.2 - 1.5)
