"""Typed values of the QP rules, read once from the policy (rules Q1-Q9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tcoc.errors import InputError
from tcoc.params import Policy

READINGS = ("regulation", "slide")
"""Whose thresholds: 42 CFR 414.1430 is the law; slide 9 prints its two columns exchanged."""

PARTNERS = ("best", "actual")
"""Which hospital: the one with the highest score, or those of the care partner list."""


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both inside; empty when the start is later than the end."""

    start: date
    end: date

    @property
    def empty(self) -> bool:
        """Whether no day lies in the period."""
        return self.start > self.end

    @property
    def first_month(self) -> date:
        """First day of the month in which the period begins."""
        return self.start.replace(day=1)


@dataclass(frozen=True)
class QpRules:
    """Who counts, what counts as payment, and who is in the model (rules Q1-Q4)."""

    minimum_age: int
    age_on: str
    payment_basis: str
    share_weighted: bool
    low_volume_benes: int
    low_volume_dollars: Fraction
    combine: str
    partner_choice: str
    year_age_day: str = "02-01"


@dataclass(frozen=True)
class Thresholds:
    """The two thresholds of one test under one reading, and the partial ones if there are any."""

    test: str
    reading: str
    payment: Fraction
    patient: Fraction
    partial_payment: Fraction | None = None
    partial_patient: Fraction | None = None


def exact(value: float | str) -> Fraction:
    """Return the number as it is written (0.35, not the nearest binary fraction)."""
    return Fraction(str(value))


def qp_rules(policy: Policy) -> QpRules:
    """Read the rules of patients, model and partner from the policy."""
    return QpRules(
        minimum_age=policy.get("qp.minimum_age"),
        age_on=policy.get("qp.age_on"),
        payment_basis=policy.get("qp.payment_basis"),
        share_weighted=policy.get("qp.share_weighted"),
        low_volume_benes=policy.get("qp.low_volume_benes"),
        low_volume_dollars=exact(policy.get("qp.low_volume_dollars")),
        combine=policy.get("qp.combine"),
        partner_choice=policy.get("qp.partner_choice"),
        year_age_day=policy.get("attribution.age_on"),
    )


def all_thresholds(policy: Policy) -> tuple[Thresholds, ...]:
    """Return the thresholds of every test under both readings, tests in their order (rule Q6)."""
    return tuple(
        thresholds_of(policy, test, reading)
        for test in policy.get("qp.tests")
        for reading in READINGS
    )


def thresholds_of(policy: Policy, test: str, reading: str) -> Thresholds:
    """Return the thresholds of one test; the slide prints no partial ones."""
    year = int(policy.get("qp.tests")[test])

    def value(name: str) -> Fraction:
        return exact(policy.get(f"qp.{name}", year))

    if reading == "slide":
        payment, patient = value("slide_payment_threshold"), value("slide_patient_threshold")
        return Thresholds(test, reading, payment, patient)
    return Thresholds(
        test,
        reading,
        value("payment_threshold"),
        value("patient_threshold"),
        value("partial_payment_threshold"),
        value("partial_patient_threshold"),
    )


def test_in_force(policy: Policy, year: int) -> str | None:
    """Return the test of a performance year: the last that began by then; None before the first."""
    tests = {str(name): int(first) for name, first in policy.get("qp.tests").items()}
    begun = [name for name, first in tests.items() if first <= year]
    return max(begun, key=lambda name: tests[name]) if begun else None


test_in_force.__test__ = False  # type: ignore[attr-defined]  # not a test for pytest


# ---------------------------------------------------------------- periods


def calendar_year(year: int) -> Period:
    """Return the performance period: the calendar year."""
    return Period(date(year, 1, 1), date(year, 12, 31))


def snapshot_periods(policy: Policy, year: int) -> dict[date, Period]:
    """Return the period of each snapshot of a year that has any days (rule Q7).

    Claims count from the later of 1 January and the day of CMS's determination.
    """
    start = max(date(year, 1, 1), determination(policy.get("qp.determination_date")))
    days = sorted(snapshot_day(year, text) for text in policy.get("qp.snapshots"))
    periods = {day: Period(start, day) for day in days}
    return {day: period for day, period in periods.items() if not period.empty}


def determination(text: str) -> date:
    """Return the day of the determination; none given is earlier than every period."""
    if not text:
        return date.min
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f'qp.determination_date: found "{text}", expected a day as YYYY-MM-DD or ""'
        ) from error


def snapshot_day(year: int, text: Any) -> date:
    """Return a snapshot's day in a year."""
    try:
        return date.fromisoformat(f"{year}-{text}")
    except ValueError as error:
        raise InputError(f'qp.snapshots: found "{text}", expected a day as MM-DD') from error


def age_day(rules: QpRules, period: Period) -> date:
    """Return the day on which ages are taken (rule Q1 by parameter; P4: 1 February)."""
    days = {
        "age_of_year": date.fromisoformat(f"{period.end.year}-{rules.year_age_day}"),
        "period_start": period.start,
        "period_end": period.end,
    }
    return days[rules.age_on]


def latest_birth_date(age: int, day: date) -> date:
    """Return the latest birth date of somebody who has completed `age` years on a day."""
    try:
        return day.replace(year=day.year - age)
    except ValueError:  # 29 February, and no such day in that year
        return day.replace(year=day.year - age, day=1) + timedelta(days=27)


def evaluation_codes(primary_care: Iterable[str], extra: Iterable[str]) -> tuple[str, ...]:
    """Return the E&M codes: attribution's primary care list and the extra ones (rule Q1)."""
    return tuple(sorted({*primary_care, *(str(code) for code in extra)}))
