"""The values of params/policy/qp.yml, typed (rules Q1 to Q9)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tcoc.params.typed import Dated, PolicyFile, Value

Share = Annotated[float, Field(ge=0, le=1)]


def determination_day(text: Any) -> date | None:
    """Return the day of CMS's determination, None for an empty text; ValueError for others."""
    if text == "":
        return None
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise ValueError(f'found "{text}", expected a day as YYYY-MM-DD or ""') from error


def month_days(texts: Any) -> tuple[str, ...]:
    """Return days of a year as MM-DD, in order; ValueError for a day that not every year has."""
    for text in texts:
        try:
            date.fromisoformat(f"2017-{text}")
        except ValueError as error:
            raise ValueError(f'found "{text}", expected a day as MM-DD') from error
    return tuple(sorted(str(text) for text in texts))


class QpPolicy(PolicyFile, name="qp"):
    """Who counts, what counts, which hospital, which thresholds, when, and what it is worth."""

    payment_threshold: Dated[Share] = Dated()
    partial_payment_threshold: Dated[Share] = Dated()
    patient_threshold: Dated[Share] = Dated()
    partial_patient_threshold: Dated[Share] = Dated()
    slide_payment_threshold: Dated[Share] = Dated()
    slide_patient_threshold: Dated[Share] = Dated()
    tests: Value[Mapping[str, int]] = Value()
    minimum_age: Value[Annotated[int, Field(ge=0)]] = Value()
    age_on: Value[Literal["age_of_year", "period_start", "period_end"]] = Value()
    extra_evaluation_codes: Value[tuple[Annotated[str, Field(pattern="^[0-9A-Z]{5}$")], ...]] = (
        Value()
    )
    covered_services: Value[Literal["fee_schedule", "all_lines"]] = Value()
    payment_basis: Value[Literal["paid", "allowed"]] = Value()
    share_weighted: Value[bool] = Value()
    low_volume_benes: Value[Annotated[int, Field(ge=0)]] = Value()
    low_volume_dollars: Value[Annotated[float, Field(ge=0)]] = Value()
    combine: Value[Literal["any", "all"]] = Value()
    partner_choice: Value[Literal["highest_score", "best_margin"]] = Value()
    snapshots: Value[Annotated[tuple[str, ...], BeforeValidator(month_days)]] = Value()
    determination_date: Value[Annotated[date | None, BeforeValidator(determination_day)]] = Value()
    unseen_shares: Value[tuple[Annotated[float, Field(ge=0, lt=1)], ...]] = Value()
    near_margin: Value[Share] = Value()
    incentive_rate: Dated[Share] = Dated()
    payment_lag: Value[Annotated[int, Field(ge=0)]] = Value()
    update_qualifying: Dated[float] = Dated()
    update_other: Dated[float] = Dated()
    update_horizon: Value[int] = Value()
    mips_low_volume_benes: Dated[int] = Dated()
    mips_low_volume_dollars: Dated[float] = Dated()
