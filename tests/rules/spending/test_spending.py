"""Sums of share x value, rounding, and combined hospitals: rules T2, T4, A12."""

from decimal import Decimal
from itertools import permutations

import pandas as pd
import pytest

from tcoc.rules.spending import (
    completion_factor,
    hospital_years,
    per_capita,
    pool_combinations,
    to_cents,
    weighted_sums,
)


def groups(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    columns = ["year", "ccn", "share", "people", "months", "dollars", "hospital_dollars"]
    return pd.DataFrame(rows, columns=columns)


def test_weighted_sums_do_not_depend_on_the_order_of_groups() -> None:
    rows = [
        (2018, "210001", 1 / 3, 7, 80, Decimal("1000000000.01"), Decimal("0.01")),
        (2018, "210001", 0.1, 3, 36, Decimal("0.03"), Decimal("0.02")),
        (2018, "210001", 1.0, 1, 12, Decimal("-999999999.99"), Decimal("5.00")),
        (2018, "210001", 0.7, 2, 13, Decimal("12345678.90"), Decimal("6.00")),
    ]
    found = [
        weighted_sums(groups(list(order)), ("year", "ccn")).to_dict("records")
        for order in permutations(rows)
    ]
    assert all(f == found[0] for f in found)
    assert found[0][0]["eligible_months"] == pytest.approx(80 / 3 + 3.6 + 12 + 9.1)


def test_a_year_without_claims_has_no_dollars() -> None:
    table = weighted_sums(groups([(2018, "210001", 1.0, 2, 24, None, None)]), ("year", "ccn"))
    row = hospital_years(table, lambda _: 1.0).iloc[0]
    assert row["tcoc"] is None
    assert row["per_capita"] is None
    assert row["benes"] == 2


def test_hospital_and_other_dollars_add_up_to_the_cent() -> None:
    rows = [(2018, "210001", 1 / 3, 1, 12, Decimal("100.00"), Decimal("50.00"))]
    row = hospital_years(weighted_sums(groups(rows), ("year", "ccn")), lambda _: 1.0).iloc[0]
    assert row["tcoc"] == Decimal("33.33")
    assert row["tcoc_hospital"] == Decimal("16.67")
    assert row["tcoc_hospital"] + row["tcoc_nonhospital"] == row["tcoc"]
    assert row["per_capita"] == pytest.approx(100, abs=1e-9), "from unrounded sums"


def test_per_capita_needs_months_and_dollars() -> None:
    assert per_capita(100.0, 6, 0.5) == 400
    assert per_capita(None, 6, 1.0) is None
    assert per_capita(0.0, 0, 1.0) is None


def test_a_year_without_a_factor_is_divided_by_one() -> None:
    factor = completion_factor({2017: 0.99})
    assert [factor(y) for y in (2016, 2017)] == [1.0, 0.99]


def test_cents_are_rounded_once() -> None:
    assert to_cents(0.005000001) == Decimal("0.01")
    assert [to_cents(half) for half in (0.125, 0.375)] == [Decimal("0.12"), Decimal("0.38")]
    assert to_cents(None) is None


def test_pooled_per_capita_is_the_ratio_of_sums() -> None:
    sums = pd.DataFrame(
        {
            "year": [2018, 2018, 2018],
            "ccn": ["210001", "210002", "210003"],
            "benes": [1.0, 3.0, 9.0],
            "eligible_months": [12.0, 36.0, 100.0],
            "dollars": [1200.0, 7200.0, 5.0],
            "hospital_dollars": [200.0, 1000.0, 1.0],
        }
    )
    combinations = pd.DataFrame({"combination": ["C", "C"], "ccn": ["210001", "210002"]})
    pooled = hospital_years(
        pool_combinations(sums, combinations), lambda _: 1.0, ("year", "combination")
    )
    assert pooled.to_dict("records") == [
        {
            "year": 2018,
            "combination": "C",
            "benes": 4.0,
            "eligible_months": 48.0,
            "tcoc": Decimal("8400.00"),
            "tcoc_hospital": Decimal("1200.00"),
            "tcoc_nonhospital": Decimal("7200.00"),
            "per_capita": 2100.0,
        }
    ], "not 1,800, the mean of 1,200 and 2,400"
