"""Population and spending of each year of a run: rules P1 to P4 and T1."""

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from tcoc.store.schema import SETTINGS, SPENDING_COLUMNS

from .frames import grouped, in_order, look_up
from .inputs import Inputs

ORIGINALLY_DISABLED = ("1", "3")

COLUMNS = ("year", "bene_id", "eligible_months", "zip", "age", "sex", "dual", "esrd",
           "originally_disabled", "tcoc", *SPENDING_COLUMNS)  # fmt: skip


def beneficiary_year(inputs: Inputs) -> pd.DataFrame:
    """Eligible people of each year with their cents by setting: one row per year and bene_id."""
    parts = [_people_of(inputs, year) for year in inputs.run.years]
    return pd.concat(parts, ignore_index=True)


def _people_of(inputs: Inputs, year: int) -> pd.DataFrame:
    people = population(inputs, year)
    if inputs.has_claims(year):
        people = people.assign(**spending(inputs, people, year))
    else:
        people = people.assign(**dict.fromkeys(SPENDING_COLUMNS, np.nan))
    tcoc = people[list(SPENDING_COLUMNS)].sum(axis=1, skipna=False)
    people = people.assign(year=year, tcoc=tcoc)
    return in_order(people[list(COLUMNS)], ["bene_id"])


def eligible_months(inputs: Inputs, year: int, columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Eligible months of a year (rule P1): bene_id, month and some other columns."""
    resident = pc.field("state") == inputs.attribution.resident_state
    covered = pc.field("part_a") & pc.field("part_b") & ~pc.field("managed_care")
    months = inputs.read("member_month", [year], ("bene_id", "month", *columns), covered & resident)
    died = inputs.read(
        "beneficiary", None, ("bene_id", "death_date"), pc.field("death_date").is_valid()
    )
    death = look_up(months["bene_id"], died["bene_id"], died["death_date"], np.datetime64("NaT"))
    return months[~(death < months["month"].to_numpy())]


def population(inputs: Inputs, year: int) -> pd.DataFrame:
    """Eligible people of a year with months and characteristics (rules P1 to P4)."""
    rules = inputs.attribution
    months = eligible_months(inputs, year, ("zip", "dual_code", "esrd"))
    number = months["month"].dt.month.astype("int32")
    months = months.assign(
        month=number,
        bit=np.left_shift(1, number - 1).astype("int32"),
        dual=months["dual_code"].isin(rules.dual_codes),
    ).reset_index(drop=True)
    people = grouped(
        months,
        "bene_id",
        eligible_months=("bit", "size"),
        month_mask=("bit", "sum"),
        dual=("dual", "max"),
        esrd=("esrd", "max"),
        home=("month", "idxmax" if rules.home_zip == "last_month" else "idxmin"),
    )
    people["zip"] = (
        months["zip"].take(people["home"].to_numpy()).astype("str").fillna("").to_numpy()
    )
    people = people[people["eligible_months"] >= rules.min_eligible_months]
    return _with_person(inputs, people, year)


def _with_person(inputs: Inputs, people: pd.DataFrame, year: int) -> pd.DataFrame:
    age_month, age_day = map(int, inputs.attribution.age_on.split("-"))
    columns = ("bene_id", "birth_date", "sex", "orig_entitlement")
    person = inputs.read("beneficiary", None, columns)
    birth = person["birth_date"].dt
    later = (birth.month > age_month) | ((birth.month == age_month) & (birth.day > age_day))
    known = pd.DataFrame(
        {
            "bene_id": person["bene_id"],
            "age": (year - birth.year - later).clip(lower=0),
            "sex": person["sex"].astype("str").fillna("U").astype(SEX),
            "originally_disabled": person["orig_entitlement"].isin(ORIGINALLY_DISABLED),
        }
    )
    return people.merge(known, on="bene_id")


SEX = pd.CategoricalDtype(["F", "M", "U"])


def spending(inputs: Inputs, people: pd.DataFrame, year: int) -> dict[str, np.ndarray]:
    """Cents paid in each person's eligible months, by setting (rule T1)."""
    facility = inputs.read("facility", [year], ("bene_id", "thru_date", "setting", "paid_amount"))
    facility = _in_eligible_months(facility, "thru_date", people)
    parts = {s: facility[facility["setting"] == s] for s in SETTINGS}
    for name in ("professional", "dme"):
        lines = inputs.read(name, [year], ("bene_id", "service_date", "paid_amount"))
        parts[name] = _in_eligible_months(lines, "service_date", people)
    return {name: _sum_by_person(parts[name], people) for name in SPENDING_COLUMNS}


def _in_eligible_months(claims: pd.DataFrame, day: str, people: pd.DataFrame) -> pd.DataFrame:
    mask = look_up(claims["bene_id"], people["bene_id"], people["month_mask"], 0)
    bit = np.left_shift(1, claims[day].dt.month.to_numpy() - 1)
    inside: pd.DataFrame = claims[(mask & bit) > 0]
    return inside


def _sum_by_person(claims: pd.DataFrame, people: pd.DataFrame) -> np.ndarray:
    sums = grouped(claims, "bene_id", paid=("paid_amount", "sum"))
    return look_up(people["bene_id"], sums["bene_id"], sums["paid"], 0)
