"""A simulated state has hospitals like those of a state with claims: level, spread, and luck."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tcoc.deliverables.policy_lab.lab import plan_of
from tcoc.deliverables.policy_lab.simulate import simulate
from tcoc.deliverables.registry import study
from tcoc.params import load_policy, load_run
from tcoc.store.synth import write_synthetic_store
from tcoc.store.synth.worlds import load_world

BENES, SEED, YEARS = 12_000, 11, (2016, 2017)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """Person-years with home hospital, months and dollars: with claims, and simulated."""
    folder: Path = tmp_path_factory.mktemp("agreement")
    complete = load_world("default").complete()
    write_synthetic_store(folder / "store", BENES, SEED, (2012, 2018), world=complete)
    file = folder / "run.yml"
    run = {"name": "agreement", "store": "store", "years": list(YEARS)}
    file.write_text(yaml.safe_dump(run))
    with study(load_run(file), folder / "work") as opened:
        rows = opened.frame("beneficiary_year")
    truth = pd.read_parquet(folder / "store" / "truth" / "beneficiary_year.parquet")
    claims = rows.merge(truth[["year", "bene_id", "home_ccn"]], on=["year", "bene_id"])
    claims = pd.DataFrame(
        {
            "year": claims["year"],
            "home": claims["home_ccn"],
            "months": claims["eligible_months"].astype(float),
            "dollars": claims["tcoc"].astype(float),
        }
    )
    state = simulate(["default"], BENES, SEED, plan_of(load_policy()).shape)["default"]
    simulated = pd.concat(
        pd.DataFrame({"year": year, "home": of.home, "months": of.months, "dollars": of.dollars})
        for year in YEARS
        for of in (state.years[year],)
    )
    return {"claims": claims, "simulated": simulated}


def _per_capita(rows: pd.DataFrame) -> pd.DataFrame:
    sums = rows.groupby(["year", "home"]).agg(
        months=("months", "sum"), dollars=("dollars", "sum"), people=("months", "size")
    )
    sums = sums[sums["people"] >= 100]
    return sums.assign(per_capita=12 * sums["dollars"] / sums["months"])


def _ratio(people, measure) -> float:
    return float(measure(people["simulated"]) / measure(people["claims"]))


def test_the_same_people_are_there(people):
    counted = {name: len(rows) for name, rows in people.items()}
    assert counted["simulated"] == pytest.approx(counted["claims"], rel=0.02)


def test_the_state_costs_about_as_much(people):
    assert 0.85 < _ratio(people, lambda r: r["dollars"].sum() / r["months"].sum()) < 1.15


def test_people_are_as_uneven(people):
    def uneven(rows):
        annual = 12 * rows["dollars"] / rows["months"]
        return annual.std() / annual.mean()

    assert 0.7 < _ratio(people, uneven) < 1.4


def test_hospitals_years_spread_as_much(people):
    def spread(rows):
        values = _per_capita(rows)["per_capita"]
        return values.std() / values.mean()

    assert 0.7 < _ratio(people, spread) < 1.4


def test_growth_of_hospitals_is_as_noisy(people):
    def noise(rows):
        wide = _per_capita(rows)["per_capita"].unstack("year").dropna()
        return np.std(np.log(wide[YEARS[1]] / wide[YEARS[0]]))

    assert 0.65 < _ratio(people, noise) < 1.5
