"""What months imply of completeness, at the borders: maturity, nothing a year before."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from tcoc.rules.completion import Measured, year_completion
from tcoc.rules.spending import implied_completion


def months(paid: dict[tuple[int, int], float]) -> pd.DataFrame:
    rows = [(year, month, "inpatient", Decimal(str(p)), 1) for (year, month), p in paid.items()]
    return pd.DataFrame(rows, columns=["year", "month", "setting", "paid_amount", "claim_rows"])


def implied(paid: dict[tuple[int, int], float], end: date, run_out: int) -> pd.DataFrame:
    return implied_completion(months(paid), end, run_out).set_index(["year", "month"])


def test_a_month_is_mature_when_claims_reach_the_run_out_beyond_it() -> None:
    table = implied({(2018, m): 1.0 for m in (8, 9, 10)}, date(2018, 12, 31), 3)
    assert table["mature"].tolist() == [True, True, False]


def test_nothing_is_implied_where_nothing_was_expected() -> None:
    paid = {(2017, 1): 0.0, (2018, 1): 50.0, (2018, 2): 10.0, (2017, 3): -5.0, (2018, 3): 4.0}
    table = implied(paid, date(2018, 12, 31), 0)
    assert table["implied_completion"].isna().all()
    assert (table["growth"] == 1.0).all(), "no growth without dollars a year before"


def test_growth_is_of_the_mature_months_and_the_open_ones_are_held_against_it() -> None:
    paid = {(2017, 1): 100.0, (2017, 2): 100.0, (2018, 1): 110.0, (2018, 2): 55.0}
    table = implied(paid, date(2018, 2, 28), 1)
    assert table.loc[(2018, 2), "growth"] == pytest.approx(1.1)
    assert table.loc[(2018, 2), "implied_completion"] == pytest.approx(0.5)
    assert table.loc[(2018, 1), "implied_completion"] == pytest.approx(1.0)


def test_what_is_measured_comes_before_what_is_given() -> None:
    measured = Measured(0.97, 0.01, 97.0, 100.0)
    end = date(2018, 12, 31)
    both = year_completion(2018, end, 3, (0.99, "a circular"), measured)
    alone = year_completion(2018, end, 3, None, measured)
    for found in (both, alone):
        assert (found.basis, found.factor, found.error) == ("measured", 0.97, 0.01)
    assert not alone.incomplete


def test_a_given_factor_of_one_says_that_a_year_is_complete() -> None:
    end = date(2018, 12, 31)
    assert year_completion(2018, end, 3).incomplete
    assert not year_completion(2018, end, 3, (1.0, "a circular")).incomplete
