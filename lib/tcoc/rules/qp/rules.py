"""Typed values of the QP rules, read once from the policy (rules Q1-Q9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import pandas as pd

from tcoc.params import AttributionPolicy, Policy, QpPolicy
from tcoc.rules.qp.periods import Period

READINGS = ("regulation", "slide")
"""Whose thresholds: 42 CFR 414.1430 is the law; slide 9 prints its two columns exchanged."""

PARTNERS = ("best", "actual")
"""Which hospital: the one with the highest score, or those of the care partner list."""


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
    qp = QpPolicy.of(policy)
    return QpRules(
        minimum_age=qp.minimum_age,
        age_on=qp.age_on,
        payment_basis=qp.payment_basis,
        share_weighted=qp.share_weighted,
        low_volume_benes=qp.low_volume_benes,
        low_volume_dollars=exact(qp.low_volume_dollars),
        combine=qp.combine,
        partner_choice=qp.partner_choice,
        year_age_day=AttributionPolicy.of(policy).age_on,
    )


def all_thresholds(policy: QpPolicy) -> tuple[Thresholds, ...]:
    """Return the thresholds of every test under both readings, tests in their order (rule Q6)."""
    return tuple(
        thresholds_of(policy, test, reading) for test in policy.tests for reading in READINGS
    )


def thresholds_of(policy: QpPolicy, test: str, reading: str) -> Thresholds:
    """Return the thresholds of one test; the slide prints no partial ones."""
    year = policy.tests[test]
    if reading == "slide":
        payment, patient = policy.slide_payment_threshold, policy.slide_patient_threshold
        return Thresholds(test, reading, exact(payment(year)), exact(patient(year)))
    return Thresholds(
        test,
        reading,
        exact(policy.payment_threshold(year)),
        exact(policy.patient_threshold(year)),
        exact(policy.partial_payment_threshold(year)),
        exact(policy.partial_patient_threshold(year)),
    )


def test_in_force(policy: QpPolicy, year: int) -> str | None:
    """Return the test of a performance year: the last that began by then; None before the first."""
    begun = [name for name, first in policy.tests.items() if first <= year]
    return max(begun, key=lambda name: policy.tests[name]) if begun else None


test_in_force.__test__ = False  # type: ignore[attr-defined]  # not a test for pytest


# ---------------------------------------------------------------- ages and codes


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


def service_codes(
    primary_care: Iterable[str], extra: Iterable[str], covered: Iterable[str] | None
) -> pd.DataFrame:
    """Return the codes that the scores know (rule Q1): code, evaluation and covered (0 or 1).

    Evaluation: attribution's primary care list and the extra codes. Covered: paid under the fee
    schedule or based on it; None covers every line, also one whose code is in no list.
    """
    evaluation = {*primary_care, *extra}
    paid = None if covered is None else set(covered)
    codes = sorted(evaluation | (paid or set()))
    return pd.DataFrame(
        {
            "code": codes,
            "evaluation": [int(code in evaluation) for code in codes],
            "covered": [int(paid is None or code in paid) for code in codes],
        }
    )
