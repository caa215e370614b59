"""The expected mix is what the rules count on average, and holds what was planted."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tcoc.params import load_policy
from tcoc.rules.population import PopulationRules, population
from tcoc.rules.risk.buckets import PROFILE
from tcoc.store.connection import connect
from tcoc.store.layout import open_store
from tcoc.store.synth import mix, write_synthetic_store
from tcoc.store.synth.scene import BAND_STARTS
from tests.store.synth.support import own_people

YEARS = (2015, 2016)
BENES, SEED = 1500, 11


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("mix") / "store"
    write_synthetic_store(out, BENES, SEED, YEARS)
    return out


@pytest.fixture(scope="module")
def expected() -> pd.DataFrame:
    return mix.expected_mix(YEARS, 65_536).to_pandas()


@pytest.mark.parametrize("year", YEARS)
def test_people_are_known_as_the_rules_know_them(small: Path, year: int) -> None:
    """The same profile and months for everybody, from the generator and from rules P1 to P4."""
    with connect() as connection:
        store = open_store(small)
        months, people = (connection.table(store, n) for n in ("member_month", "beneficiary"))
        rules = PopulationRules.from_policy(load_policy())
        found = connection.fetch(population(months, people, [year], rules), ["bene_id"])
    found["age_from"] = np.array(BAND_STARTS)[
        np.searchsorted(BAND_STARTS, found["age"], side="right") - 1
    ]
    found["sex"] = np.where(found["sex"] == "M", "M", "F")
    found["originally_disabled"] &= found["age"] >= 65
    planted = own_people(SEED, BENES, YEARS)
    planted = planted[planted["year"] == year].rename(columns={"months": "eligible_months"})
    number = found["bene_id"].str[1:].astype(int).to_numpy()
    columns = [*PROFILE, "eligible_months"]
    pd.testing.assert_frame_equal(
        found.set_index(number)[columns],
        planted.set_index("number")[columns],
        check_names=False,
        check_dtype=False,
    )


def test_expected_mix_is_the_mean_of_what_is_drawn(expected: pd.DataFrame) -> None:
    drawn = own_people(3, 65_536, YEARS)
    for year in YEARS:
        have, want = (f[f["year"] == year] for f in (drawn, expected))
        assert have["months"].sum() == pytest.approx(want["months"].sum(), rel=0.01)
        for name in ("dual", "esrd", "originally_disabled"):
            share = [
                float(f.loc[f[name], "months"].sum() / f["months"].sum()) for f in (have, want)
            ]
            assert share[0] == pytest.approx(share[1], abs=0.006), name


def test_planted_gain_is_in_the_expected_mix(expected: pd.DataFrame) -> None:
    """Dual shares rise by the gain each year, but for those who were dual or have moved."""
    months = expected.groupby(["year", "ccn"])["months"].sum()
    dual = (expected[expected["dual"]].groupby(["year", "ccn"])["months"].sum() / months).unstack()
    rise = dual.loc[2016] - dual.loc[2015]
    gap = rise["210038"] - rise["210001"]
    assert 0.7 * 0.0165 < gap < 1.1 * 0.0165
    assert rise["210001"] == pytest.approx(rise["210060"], abs=1e-6)


def test_expected_mix_is_of_no_seed(small: Path, tmp_path: Path) -> None:
    write_synthetic_store(tmp_path / "other", BENES, SEED + 1, YEARS)
    files = [s / "truth" / "hospital_mix.parquet" for s in (small, tmp_path / "other")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_age_is_by_the_calendar() -> None:
    births = np.array(["1951-02-01", "1951-02-02", "1950-12-31", "2015-06-01"], "datetime64[D]")
    assert mix.age_in(births.astype(np.int64), 2016).tolist() == [65, 64, 65, 0]
