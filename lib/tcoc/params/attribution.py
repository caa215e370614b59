"""The values of params/policy/attribution.yml, typed (rules P1 to P4 and A0 to A9)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tcoc.errors import nearest
from tcoc.params.typed import PolicyFile, Value

SAME_YEAR = "same_year"
WINDOWS = ("federal_fiscal_years", "calendar_years")
"""The forms of a look-back window that go with a number of years (rule A0)."""

WindowForm = str | Mapping[str, int]


def window_form(form: Any) -> WindowForm:
    """Return a look-back window as the file writes it, or raise ValueError for another form."""
    if form == SAME_YEAR:
        return SAME_YEAR
    if not isinstance(form, Mapping) or len(form) != 1:
        expected = "expected same_year, {federal_fiscal_years: n} or {calendar_years: n}"
        raise ValueError(f"found {form!r}, {expected}")
    kind, count = next(iter(form.items()))
    if kind not in WINDOWS:
        raise ValueError(f'found "{kind}"{nearest(str(kind), WINDOWS)}')
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(f"{kind}: found {count!r}, expected at least 1")
    return {str(kind): count}


class AttributionPolicy(PolicyFile, name="attribution"):
    """Who is in the population, and how each person is attributed to a hospital."""

    policy: Value[Literal["y1", "mssp_2018"]] = Value()
    resident_state: Value[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Value()
    min_eligible_months: Value[int] = Value()
    age_on: Value[Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]] = (
        Value()
    )
    home_zip: Value[Literal["last_month", "first_month"]] = Value()
    dual_codes: Value[Annotated[tuple[str, ...], Field(min_length=1)]] = Value()
    window: Value[Annotated[WindowForm, BeforeValidator(window_form)]] = Value()
    primary_care_codes: Value[Literal["mssp_2017", "mssp_2018"]] = Value()
    specialties: Value[Literal["mssp", "mdpcp_program"]] = Value()
    snf_visits: Value[Literal["exclude", "include"]] = Value()
    aco_like_measure: Value[Literal["allowed", "visits"]] = Value()
    duplicate_npi: Value[Literal["error", "lowest_aco_id"]] = Value()
    roster_links: Value[Literal["as_listed", "none"]] = Value()
    mdpcp_like_measure: Value[Literal["visits", "allowed"]] = Value()
    primary_care_share: Value[Annotated[float, Field(ge=0, le=1)]] = Value()
    own_services: Value[Literal["all", "without_hospital"]] = Value()
    hospital_use: Value[Literal["payments", "visits"]] = Value()
    minimum_panel: Value[Annotated[int, Field(ge=0)]] = Value()
    panel_link: Value[Literal["yearly", "sticky"]] = Value()
    sticky_margin: Value[Annotated[float, Field(ge=0)]] = Value()
    drive_minutes: Value[float] = Value()
    road_factor: Value[float] = Value()
    road_speed: Value[float] = Value()
    eligible_hospitals: Value[Literal["marked", "all"]] = Value()
