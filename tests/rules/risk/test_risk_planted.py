"""The planted factor is the rule on the expected mix."""

import numpy as np
import pandas as pd
import pytest

from tcoc.rules.risk import STATE
from tcoc.rules.risk.planted import expected_cells, mix_of_attributed, planted_factors, recovery
from tests.rules.risk.risk_support import PAIR, factors, settings

PLAIN = {"age_from": 70, "sex": "F", "esrd": False, "originally_disabled": False}
COST = {"F 70-74 non-dual": 10_000.0, "F 70-74 dual": 15_000.0}


def _mix(duals: dict[str, tuple[float, float]]) -> pd.DataFrame:
    """Hospitals of 1,200 expected months, by their dual share in the two years."""
    rows = [
        {"year": year, "ccn": ccn, **PLAIN, "dual": dual, "months": 1200 * part}
        for ccn, shares in duals.items()
        for year, share in zip((2015, 2016), shares, strict=True)
        for dual, part in ((True, share), (False, 1 - share))
    ]
    return pd.DataFrame(rows)


def test_planted_factor_is_the_rule_on_the_expected_mix():
    mix = _mix({"210001": (0.1, 0.1), "210002": (0.1, 0.2)})
    found = planted_factors(mix, COST, PAIR, settings(), factors())
    wide = found.pivot_table("factor", "variant", "ccn")
    assert wide["210001"].to_numpy() == pytest.approx(1.0, abs=1e-9)
    # A tenth more duals, who cost 15,000 rather than 10,000: 11,000 against 10,500.
    own, state = wide.loc["demographic_own", "210002"], wide.loc["demographic_statewide", "210002"]
    assert own == pytest.approx(11_000 / 10_500, abs=1e-6)
    assert state == pytest.approx(own, abs=1e-9)
    poor, other = (factors().score(70, "F", dual, False) for dual in (True, False))
    expected = (0.2 * poor + 0.8 * other) / (0.1 * poor + 0.9 * other)
    assert wide.loc["new_enrollee", "210002"] == pytest.approx(expected, abs=1e-9)


def test_expected_cells_hold_the_state():
    cells = expected_cells(_mix({"210001": (0.1, 0.1), "210002": (0.1, 0.2)}), COST, settings())
    by_year = cells.groupby([cells["ccn"] == STATE, "year"])["months"].sum().unstack(0)
    assert by_year[True].to_numpy() == pytest.approx(by_year[False].to_numpy())


def test_a_bucket_without_known_cost_takes_the_mean():
    cells = expected_cells(_mix({"210001": (0.0, 1.0)}), {"F 70-74 dual": 15_000.0}, settings())
    rows = cells[cells["months"] > 0]
    assert (rows["dollars"] / rows["months"]).to_numpy() == pytest.approx(15_000 / 12)


def test_attributed_people_have_the_mix_of_their_own_hospitals():
    mix = _mix({"210001": (0.1, 0.1), "210002": (0.5, 0.5)})
    homes = pd.DataFrame(
        {
            "year": [2015, 2015, 2016],
            "ccn": "210003",
            "home_ccn": ["210001", "210002", "210002"],
            "months": [30.0, 10.0, 8.0],
        }
    )
    found = mix_of_attributed(mix, homes)
    months = found.groupby(["year", "dual"])["months"].sum()
    assert months[2015, True] == pytest.approx(30 * 0.1 + 10 * 0.5)
    assert months[2016, True] == pytest.approx(8 * 0.5)
    assert set(found["ccn"]) == {"210003"}


def test_recovery_says_what_is_inside():
    planted = pd.DataFrame({"variant": "new_enrollee", "ccn": ["a", "b", "c"], "factor": 1.0})
    bounds = {"factor_low": [0.9, 1.01, np.nan], "factor_high": [1.1, 1.2, np.nan]}
    found = pd.DataFrame({"variant": "new_enrollee", "ccn": ["a", "b", "c"], **bounds})
    assert recovery(planted, found)["inside"].tolist() == [True, False]
