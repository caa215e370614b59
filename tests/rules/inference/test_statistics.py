"""Rule R8: statistics see a planted effect, see none in a placebo, and lean on no one hospital."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tcoc.rules.inference.panels import option_growth
from tcoc.rules.inference.prediction import RIVALS, cross_fitted, predictions
from tcoc.rules.inference.replicates import replicate, unit_matrix
from tcoc.rules.inference.statistics import gain_rows, relabeled, statistic_rows
from tests.rules.risk.risk_support import PAIR, factors, rng, settings

SETTINGS = replace(settings(), replicates=128)
FACTORS = factors()
COST = {False: 8000.0, True: 20000.0}
BUCKETS = {b: i for i, b in enumerate(SETTINGS.scheme.buckets)}


def _units(seed: int, gain: float, hospitals: int = 20, panels: int = 20) -> pd.DataFrame:
    """Panels of fifty people; a hospital's share of duals moves by up to `gain` between years."""
    g = rng(seed)
    rows = []
    for h in range(hospitals):
        moved = gain * (2 * h / (hospitals - 1) - 1)
        for p in range(panels):
            share = float(np.clip(g.normal(0.4, 0.05), 0.05, 0.95))
            later = float(np.clip(share + moved + g.normal(0, 0.02), 0.01, 0.99))
            for year, dual_share in ((2015, share), (2016, later)):
                for dual, part in ((True, dual_share), (False, 1 - dual_share)):
                    people = 50 * part
                    factor = FACTORS.score(72, "F", dual, False)
                    rows.append(
                        {
                            "unit": f"{h:02d}-{p:02d}",
                            "year": year,
                            "ccn": f"2100{h:02d}",
                            "share": 1.0,
                            "bucket": BUCKETS[SETTINGS.scheme.bucket(70, "F", dual, False)],
                            "months": 12 * people,
                            "dollars": people * COST[dual] * float(g.normal(1, 0.05)),
                            "score": 12 * people * factor * 1e6,
                        }
                    )
    return pd.DataFrame(rows)


def _statistics(units: pd.DataFrame, labels: bool = False) -> pd.DataFrame:
    drawn = unit_matrix(units, SETTINGS)
    if labels:
        drawn = relabeled(drawn, rng(5))
    replicated = replicate(drawn, [PAIR], SETTINGS)
    rows = statistic_rows(drawn, replicated, [PAIR], SETTINGS, 20)
    return rows[rows["variant"] == "demographic_statewide"].set_index("statistic")


def test_gains_are_over_the_mean_and_over_the_buckets_alone():
    each = [(a, b) for a in RIVALS for b in RIVALS if a != b]
    fitted = pd.DataFrame(each, columns=["model", "against"])
    fitted = fitted.assign(gain=np.arange(len(each)) / 10, gain_error=0.01)
    kept = gain_rows(fitted, PAIR).set_index(["statistic", "variant"])["estimate"]
    asked = {
        ("prediction_gain", "new_enrollee"): ("new_enrollee", "demographic"),
        ("prediction_gain_over_none", "new_enrollee"): ("new_enrollee", "none"),
        ("prediction_gain_over_none", "demographic_statewide"): ("demographic", "none"),
    }
    assert dict(kept) == {key: each.index(of) / 10 for key, of in asked.items()}


def test_a_planted_change_of_mix_is_seen_and_the_placebo_is_not():
    found = _statistics(_units(1, 0.10))
    assert found.loc["spread", "low"] > 0
    assert found.loc["variance_removed", "low"] > 0.3
    assert found.loc["slope", "estimate"] == pytest.approx(1, abs=0.3)
    assert found.loc["slope", "leave_out_low"] > 0.5
    assert found.loc["variance_removed", "estimate"] > found.loc["variance_removed", "chance_high"]


def test_without_a_change_nothing_is_seen():
    for units, labels in ((_units(2, 0.0), False), (_units(1, 0.10), True)):
        found = _statistics(units, labels)
        assert found.loc["spread", "low"] <= 0
        assert found.loc["spread", "high"] < 0.02
    # Units that swap hospitals still differ in mix by chance, and cost follows it: only a state
    # whose mix does not change has nothing to remove.
    assert _statistics(_units(2, 0.0)).loc["variance_removed", "low"] <= 0


def test_relabeling_keeps_people_and_dollars():
    units = _units(3, 0.05)
    drawn = unit_matrix(units, SETTINGS)
    moved = relabeled(drawn, rng(1))
    assert moved.matrix.sum() == pytest.approx(drawn.matrix.sum())
    by_unit = np.asarray(drawn.matrix.sum(axis=0)).ravel()
    assert np.asarray(moved.matrix.sum(axis=0)).ravel() == pytest.approx(by_unit)
    assert (moved.matrix != drawn.matrix).nnz > 0


def test_few_hospitals_say_nothing():
    assert _statistics(_units(1, 0.1, hospitals=3)).empty


def _prediction_sums(seed: int, cost) -> pd.DataFrame:
    g = rng(seed)
    rows = []
    for fold in (0, 1):
        for age in (70, 85):
            for sex in ("F", "M"):
                for dual in (False, True):
                    profile = {
                        "age_from": age,
                        "sex": sex,
                        "dual": dual,
                        "esrd": False,
                        "originally_disabled": False,
                    }
                    for year in (2015, 2016):
                        c = cost(FACTORS.score(age, sex, dual, False)) * g.gamma(1, 1, 400)
                        rows.append(
                            {
                                "year": year,
                                "fold": fold,
                                **profile,
                                "people": 400,
                                "w": 400.0,
                                "wc": c.sum(),
                                "wcc": (c**2).sum(),
                                "w2": 400.0,
                                "w2c": c.sum(),
                                "w2cc": (c**2).sum(),
                            }
                        )
    return pd.DataFrame(rows)


def test_prediction_finds_what_drives_cost_and_says_how_sure():
    found = cross_fitted(_prediction_sums(1, lambda f: 10_000 * f), PAIR, SETTINGS, FACTORS)
    keyed = found.set_index(["model", "against"])
    assert set(found["model"]) == set(RIVALS)
    score = keyed.loc[("new_enrollee", "none")]
    assert score["gain"] > 4 * score["gain_error"]
    assert score["r2"] > 0.01
    back = keyed.loc[("none", "new_enrollee")]
    assert back["gain"] == pytest.approx(-score["gain"])
    flat = cross_fitted(_prediction_sums(2, lambda f: 10_000), PAIR, SETTINGS, FACTORS)
    nothing = flat.set_index(["model", "against"]).loc[("new_enrollee", "none")]
    assert nothing["gain"] < 2 * nothing["gain_error"]


def test_every_rival_predicts_the_dollars_that_it_was_fitted_on():
    sums = _prediction_sums(3, lambda f: 10_000 * f)
    found = predictions(sums, sums, SETTINGS, FACTORS)
    for rival in RIVALS:
        assert (found[rival] * sums["w"]).sum() == pytest.approx(sums["wc"].sum()), rival


def test_options_stand_side_by_side_each_with_the_growth_of_its_own_links():
    """The growth of an option is that of its sums; equal links have equal intervals."""
    own = _units(4, 0.05, hospitals=3)
    moved = own.assign(ccn=own["ccn"].replace({"210002": "210001"}))
    found = option_growth({"own": own, "again": own, "moved": moved}, PAIR, SETTINGS)
    assert found.groupby("option").size().to_dict() == {"own": 3, "again": 3, "moved": 2}
    for option, links in (("own", own), ("moved", moved)):
        sums = links.groupby(["ccn", "year"])[["dollars", "months"]].sum()
        level = (sums["dollars"] / sums["months"]).unstack("year")
        rows = found[found["option"] == option].set_index("ccn")
        assert np.allclose(rows["growth"], level[2016] / level[2015] - 1)
        assert (rows["growth_low"] < rows["growth"]).all()
        assert (rows["growth"] < rows["growth_high"]).all()
    drop = ["option"]
    pd.testing.assert_frame_equal(
        found[found["option"] == "own"].drop(columns=drop).reset_index(drop=True),
        found[found["option"] == "again"].drop(columns=drop).reset_index(drop=True),
    )
