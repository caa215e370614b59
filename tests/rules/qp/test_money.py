"""What qualifying is worth, at the borders: limits met exactly, half cents, no payments."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import cast

import pandas as pd
import pytest

from tcoc.params import QpPolicy
from tcoc.rules.qp.money import (
    IncentiveYear,
    dollars,
    fee_schedule,
    in_mips,
    incentive,
    incentive_years,
)
from tcoc.rules.qp.periods import Period, has_bit, period_bits, snapshot_periods
from tcoc.rules.qp.results import summary_row, year_result
from tcoc.rules.qp.rules import latest_birth_date, test_in_force, thresholds_of


@dataclass
class Policy:
    """The few values that these functions ask for."""

    determination_date: date | None = None
    snapshots: tuple[str, ...] = ("03-31", "06-30", "08-31")
    payment_lag: int = 2
    update_horizon: int = 2027
    tests: dict[str, int] | None = None

    def incentive_rate(self, year: int) -> float:
        return {2020: 0.05, 2025: 0.035}.get(year, 0.0)

    def update_qualifying(self, _: int) -> float:
        return 0.0075

    def update_other(self, _: int) -> float:
        return 0.0025

    def payment_threshold(self, _: int) -> float:
        return 0.25

    def patient_threshold(self, _: int) -> float:
        return 0.2

    slide_payment_threshold = patient_threshold
    slide_patient_threshold = payment_threshold

    def partial_payment_threshold(self, _: int) -> float:
        return 0.2

    def partial_patient_threshold(self, _: int) -> float:
        return 0.1


def policy(**values: object) -> QpPolicy:
    return cast(QpPolicy, Policy(**values))  # type: ignore[arg-type]


def test_mips_takes_in_who_is_above_both_limits_not_who_meets_one() -> None:
    rows = [("above", 201, 9_000_001), ("people", 200, 9_000_001), ("dollars", 201, 9_000_000),
            ("qp", 500, 10_000_000)]  # fmt: skip
    clinicians = pd.DataFrame(rows, columns=["npi", "people", "allowed_cents"])
    assert in_mips(clinicians, 200, 9_000_000, ["qp", "people"]) == {
        "in_mips": 2, "excluded_as_qp": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cents", "expected"),
    [(Fraction(1, 2), "0.01"), (Fraction(3, 2), "0.02"), (Fraction(5, 2), "0.03"),
     (Fraction(-5, 2), "-0.03"), (Fraction(249, 100), "0.02")],
)  # fmt: skip
def test_half_a_cent_goes_up(cents: Fraction, expected: str) -> None:
    assert dollars(cents) == Decimal(expected)


def test_the_two_readings_differ_by_the_year_of_the_base() -> None:
    slide, regulation = incentive_years(policy(), 2018)
    assert (slide.base_year, regulation.base_year) == (2018, 2019)
    assert {slide.payment_year, regulation.payment_year} == {2020}
    assert slide.rate == Fraction(1, 20)


def test_a_clinician_without_payments_counts_and_brings_nothing() -> None:
    terms = IncentiveYear(2018, 2020, "performance_year", 2018, Fraction(1, 20))
    who = pd.DataFrame({"npi": ["1", "2"], "people": [3, 4], "all": ["x", "x"]})
    paid = pd.DataFrame({"npi": ["1", "9"], "cents": [1_010, 5]})
    (row,) = incentive(who, paid, terms, "all").to_dict("records")
    assert (row["clinicians"], row["patients"]) == (2, 7)
    assert row["payments"] == Decimal("10.10")
    assert row["incentive"] == Decimal("0.51"), "0.505 dollars, once"
    (row,) = incentive(who, None, terms, "all").to_dict("records")
    assert row["payments"] is None


def test_updates_accumulate_from_the_first_year() -> None:
    table = fee_schedule(policy(), 100_000_00)
    assert table["payment_year"].tolist() == [2026, 2027]
    assert table["gain"].tolist() == [Decimal("500.00"), Decimal("1005.00")]
    assert table["gain_to_date"].tolist() == [Decimal("500.00"), Decimal("1505.00")]


def test_the_slide_exchanges_the_thresholds() -> None:
    with_tests = policy(tests={"a": 2019})
    slide = thresholds_of(with_tests, "a", "slide")
    regulation = thresholds_of(with_tests, "a", "regulation")
    assert (slide.payment, slide.patient) == (regulation.patient, regulation.payment)
    assert slide.payment != slide.patient


def test_a_test_is_in_force_from_its_first_year() -> None:
    known = policy(tests={"first": 2019, "second": 2021})
    found = [test_in_force(known, year) for year in (2018, 2019, 2020, 2021)]
    assert found == [None, "first", "first", "second"]


def test_claims_count_from_the_determination() -> None:
    found = snapshot_periods(policy(determination_date=date(2018, 4, 1)), 2018)
    assert list(found) == [date(2018, 6, 30), date(2018, 8, 31)], "March ends before it"
    assert {period.start for period in found.values()} == {date(2018, 4, 1)}
    assert snapshot_periods(policy(), 2018)[date(2018, 3, 31)].start == date(2018, 1, 1)


def test_a_period_has_its_last_day() -> None:
    import ibis

    periods = [
        Period(date(2018, 1, 1), date(2018, 3, 31)),
        Period(date(2018, 1, 1), date(2018, 12, 31)),
    ]
    days = pd.DataFrame({"day": [date(2018, 1, 1), date(2018, 3, 31), date(2018, 4, 1)]})
    table = ibis.memtable(days, schema={"day": "date"})
    timed = table.mutate(bits=period_bits(table.day, periods))
    inside = [timed.filter(has_bit(timed.bits, n)) for n in range(len(periods))]
    assert [int(rows.count().execute()) for rows in inside] == [2, 3]


def test_the_first_snapshot_that_is_met_is_named() -> None:
    march, june = date(2018, 3, 31), date(2018, 6, 30)
    met = pd.DataFrame({"npi": ["1"], "meets": [True]})
    result = year_result({june: met, march: met}, pd.DataFrame({"npi": ["1", "2"]}))
    assert result["first_date"].tolist() == [march, None]
    assert result["snapshots_met"].tolist() == [2, 0]


def test_averages_are_over_who_meets() -> None:
    assessed = pd.DataFrame(
        {"meets": [True, False], "score": [0.5, 0.1], "patient_score": [0.5, 0.1],
         "payment_score": [0.4, 0.0], "partial": [False, True], "people": [10, 20], "scale": [1, 1],
         "meets_payment": [True, False], "meets_patient": [True, False]}
    )  # fmt: skip
    row = summary_row(assessed)
    assert (row["average_score"], row["average_payment_score"]) == (0.5, 0.4)
    assert (row["patients"], row["patients_meeting"], row["partial"]) == (30, 10, 1)


@pytest.mark.parametrize(
    ("age", "day", "born_by"),
    [(18, date(2018, 2, 28), date(2000, 2, 28)), (18, date(2020, 2, 29), date(2002, 2, 28)),
     (20, date(2020, 2, 29), date(2000, 2, 29)), (18, date(2018, 3, 1), date(2000, 3, 1))],
)  # fmt: skip
def test_an_age_is_complete_on_the_birthday_and_29_february_has_none_in_other_years(
    age: int, day: date, born_by: date
) -> None:
    assert latest_birth_date(age, day) == born_by
