"""What people use in a window, by clinician and by hospital: what rules A2 to A9 stand on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from tcoc.reference import CodeLists
from tcoc.store.schema import HOSPITAL_SETTINGS

from .frames import grouped
from .inputs import Inputs

LINES = (
    "bene_id",
    "service_date",
    "npi",
    "specialty",
    "hcpcs",
    "place_of_service",
    "allowed_amount",
)
CLAIMS = ("bene_id", "thru_date", "ccn", "paid_amount")


class Period(NamedTuple):
    """Days from the first to the last, both included."""

    first: date
    last: date

    @property
    def years(self) -> range:
        """The calendar years that it touches."""
        return range(self.first.year, self.last.year + 1)


def window(year: int, form: Any) -> list[Period]:
    """The look-back window of a year (rule A0), a period for each fiscal or calendar year."""
    if form == "same_year":
        return [Period(date(year, 1, 1), date(year, 12, 31))]
    ((kind, count),) = form.items()
    ends = range(year - count, year)
    if kind == "calendar_years":
        return [Period(date(y, 1, 1), date(y, 12, 31)) for y in ends]
    return [Period(date(y - 1, 10, 1), date(y, 9, 30)) for y in ends]


@dataclass(frozen=True)
class Use:
    """Use in a period: by person, clinician and step; by clinician; by person and hospital."""

    primary_care: pd.DataFrame
    own_services: pd.DataFrame
    hospitals: pd.DataFrame


def use_of(inputs: Inputs, periods: Iterable[Period]) -> dict[Period, Use]:
    """Use in each period; each calendar year is read once for all periods that touch it."""
    wanted = sorted(set(periods))
    parts: dict[Period, list[Use]] = {period: [] for period in wanted}
    for year in sorted({y for period in wanted for y in period.years}):
        touching = [period for period in wanted if year in period.years]
        for period, part in _parts_of_year(inputs, year, touching).items():
            parts[period].append(part)
    return {period: join(found) for period, found in parts.items()}


def _parts_of_year(inputs: Inputs, year: int, periods: Sequence[Period]) -> dict[Period, Use]:
    lines = inputs.read("professional", [year], LINES, pc.field("npi").is_valid())
    used = [_of_lines(_inside(lines, "service_date", p), inputs) for p in periods]
    del lines
    at_hospital = pc.field("setting").isin(HOSPITAL_SETTINGS) & pc.field("ccn").isin(
        inputs.hospitals
    )
    claims = inputs.read("facility", [year], CLAIMS, at_hospital)
    hospitals = [hospital_use(_inside(claims, "thru_date", p)) for p in periods]
    return {
        period: Use(*of_lines, of_claims)
        for period, of_lines, of_claims in zip(periods, used, hospitals, strict=True)
    }


def _inside(claims: pd.DataFrame, day: str, period: Period) -> pd.DataFrame:
    days = claims[day].to_numpy()
    first, last = (np.datetime64(d) for d in (period.first, period.last))
    return claims[(days >= first) & (days <= last)]


def _of_lines(lines: pd.DataFrame, inputs: Inputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    codes, rules = inputs.codes, inputs.attribution
    primary = lines["hcpcs"].isin(codes.primary_care) & (lines["allowed_amount"] > 0)
    if rules.snf_visits == "exclude":  # nursing facility visits in a skilled nursing facility (A2)
        # as a list, because codes may be coded columns that have no order
        visits = [str(code) for code in range(99304, 99319)]
        primary &= ~(lines["hcpcs"].isin(visits) & (lines["place_of_service"] == "31"))
    care = primary_care_use(lines[primary], codes)
    if rules.own_services == "without_hospital":
        elsewhere = ~lines["place_of_service"].isin(["21", "22", "23"])
        lines, primary = lines[elsewhere], primary[elsewhere]
    return care, own_services(lines, primary)


def primary_care_use(lines: pd.DataFrame, codes: CodeLists) -> pd.DataFrame:
    """Allowed cents, visits and last date by bene_id, npi and step (rule A2)."""
    first = lines["specialty"].isin(codes.step_1)
    services = lines.assign(step=np.where(first, 1, 2).astype("int8"))
    services = services[first | lines["specialty"].isin(codes.step_2)]
    keys = ["bene_id", "npi", "step"]
    days = grouped(services, [*keys, "service_date"], allowed=("allowed_amount", "sum"))
    return grouped(
        days,
        keys,
        allowed=("allowed", "sum"),
        visits=("service_date", "size"),
        last_date=("service_date", "max"),
    )


def own_services(lines: pd.DataFrame, primary: pd.Series) -> pd.DataFrame:
    """A clinician's own allowed cents, of all lines and of primary care (rule A7)."""
    allowed = lines["allowed_amount"]
    own = pd.DataFrame(
        {"npi": lines["npi"], "all_lines": allowed, "primary_care": allowed.where(primary, 0)}
    )
    return _own_sums(own)


def _own_sums(own: pd.DataFrame) -> pd.DataFrame:
    sums = {name: (name, "sum") for name in ("all_lines", "primary_care")}
    return grouped(own, "npi", **sums)


def hospital_use(claims: pd.DataFrame) -> pd.DataFrame:
    """Cents, claims and visits (distinct last days) by bene_id and ccn (rules A5, A8, A9)."""
    day = ["bene_id", "ccn", "thru_date"]
    days = grouped(claims, day, paid=("paid_amount", "sum"), claims=("paid_amount", "size"))
    how = {"paid": ("paid", "sum"), "claims": ("claims", "sum"), "visits": ("claims", "size")}
    return grouped(days, ["bene_id", "ccn"], **how)


def join(parts: Sequence[Use]) -> Use:
    """Put the parts of a period, or the periods of a window, together: their days are distinct."""
    if len(parts) == 1:
        return parts[0]
    care = pd.concat([p.primary_care for p in parts], ignore_index=True)
    own = pd.concat([p.own_services for p in parts], ignore_index=True)
    hospitals = pd.concat([p.hospitals for p in parts], ignore_index=True)
    services = {"allowed": ("allowed", "sum"), "visits": ("visits", "sum")}
    stays = {name: (name, "sum") for name in ("paid", "claims", "visits")}
    return Use(
        grouped(care, ["bene_id", "npi", "step"], **services, last_date=("last_date", "max")),
        _own_sums(own),
        grouped(hospitals, ["bene_id", "ccn"], **stays),
    )
