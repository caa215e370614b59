"""Total cost of care: dollars in eligible months, by person and hospital: rules T1 to T4, A12."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from math import fsum
from typing import cast

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.rules.population import in_years, month_bit, person_key
from tcoc.rules.sums import Array, exact_sums
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS, SETTINGS, SPENDING_COLUMNS

CENT = Decimal("0.01")
DOLLAR_COLUMNS = ("tcoc", "tcoc_hospital", "tcoc_nonhospital")


# ---------------------------------------------------------------- by person


def person_spending(
    people: ir.Table,
    professional: ir.Table,
    facility: ir.Table,
    dme: ir.Table,
    years: Sequence[int],
) -> ir.Table:
    """Medicare payments in the eligible months of successive years, by person and setting (T1).

    `people` (one row per (year, bene_id), which has month_mask) with a decimal column for each
    setting; nobody's claims are null: a person without claims has 0.
    """
    joined = people
    for sums in (
        _facility_by_person(facility, people, years),
        _lines_by_person(professional, people, years, "professional"),
        _lines_by_person(dme, people, years, "dme"),
    ):
        paid = sums.rename(lambda name: f"paid_{name}")
        same = [joined[name] == paid[f"paid_{name}"] for name in person_key(years)]
        joined = joined.left_join(paid, same)
    filled = {n: joined[f"paid_{n}"].fill_null(0).cast(DOLLAR_SUM) for n in SPENDING_COLUMNS}
    return cast(ir.Table, joined.select(*people.columns, **filled))


def _facility_by_person(facility: ir.Table, people: ir.Table, years: Sequence[int]) -> ir.Table:
    own = _in_eligible_months(facility, facility.thru_date, people, years)
    return _sums_by_person(
        own, years, {s: ibis.ifelse(own.setting == s, own.paid_amount, 0) for s in SETTINGS}
    )


def _lines_by_person(
    lines: ir.Table, people: ir.Table, years: Sequence[int], name: str
) -> ir.Table:
    own = _in_eligible_months(lines, lines.service_date, people, years)
    return _sums_by_person(own, years, {name: own.paid_amount})


def _in_eligible_months(
    claims: ir.Table, day: ir.DateValue, people: ir.Table, years: Sequence[int]
) -> ir.Table:
    """Claims of the years' people whose month is eligible, by the person's bits of months."""
    key = person_key(years)
    dated = in_years(claims, day.get_name(), years)
    joined = dated.join(people.select(*key, mask="month_mask"), key)
    return cast(ir.Table, joined.filter((joined.mask & month_bit(joined[day.get_name()])) > 0))


def _sums_by_person(
    own: ir.Table, years: Sequence[int], amounts: Mapping[str, ir.Value]
) -> ir.Table:
    """Exact sums of amounts by person, one row per `person_key`."""
    return cast(
        ir.Table,
        own.group_by(person_key(years)).agg(
            **{name: amount.sum().cast(DOLLAR_SUM) for name, amount in amounts.items()}
        ),
    )


def total(table: ir.Table, settings: Sequence[str] = SPENDING_COLUMNS) -> ir.DecimalValue:
    """Return the sum of setting columns of a row, exact to the cent (rule T4)."""
    value = table[settings[0]]
    for name in settings[1:]:
        value = value + table[name]
    return cast(ir.DecimalValue, value.cast(DOLLAR_SUM))


# ---------------------------------------------------------------- by hospital


def share_groups(attribution: ir.Table, beneficiary_year: ir.Table, by: Sequence[str]) -> ir.Table:
    """People, months and exact dollars by some columns and by equal share.

    The first half of every sum of share x value: within equal shares all sums are exact, so that
    the result does not depend on the order of the rows. A year without claims has null dollars.
    """
    person = beneficiary_year.select(
        person_year="year",
        person="bene_id",
        dollars="tcoc",
        hospital_dollars=total(beneficiary_year, HOSPITAL_SETTINGS),
    )
    joined = attribution.join(
        person, (attribution.year == person.person_year) & (attribution.bene_id == person.person)
    )
    return cast(
        ir.Table,
        joined.group_by(*by, "share").agg(
            people=joined.count().cast("int32"),
            months=joined.eligible_months.cast("int32").sum().cast("int32"),
            dollars=joined.dollars.sum().cast(DOLLAR_SUM),
            hospital_dollars=joined.hospital_dollars.sum().cast(DOLLAR_SUM),
        ),
    )


def weighted_sums(groups: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Sums of share x people, months and dollars, from groups of equal share.

    One row per combination of `by`: benes, eligible_months, dollars and hospital_dollars as
    unrounded doubles (None where the year has no claims), the same in any order of the groups.
    """
    wanted = {
        "benes": "people",
        "eligible_months": "months",
        "dollars": "dollars",
        "hospital_dollars": "hospital_dollars",
    }
    share = groups["share"].to_numpy(dtype=float)
    return _sums(groups, by, {out: share * _doubles(groups[name]) for out, name in wanted.items()})


def _doubles(values: pd.Series) -> Array:
    return values.to_numpy(dtype=float, na_value=np.nan)


def _sums(rows: pd.DataFrame, by: Sequence[str], values: Mapping[str, Array]) -> pd.DataFrame:
    """Sum exactly; a sum with a null is None, for a year without claims is not free."""
    sums = exact_sums(rows, by, values).astype(object)
    return sums.where(sums.notna(), None)


def none_or_float(value: object) -> float | None:
    """Return a number as a double, and any kind of null as None."""
    return None if pd.isna(cast(float, value)) else float(cast(float, value))


def to_cents(dollars: float | None) -> Decimal | None:
    """Round a sum of share x dollars to the cent, once, for an output table."""
    if dollars is None:
        return None
    return Decimal(dollars).quantize(CENT, rounding=ROUND_HALF_EVEN)


def per_capita(dollars: float | None, months: float, completion: float) -> float | None:
    """Dollars per person and year: dollars x 12 / months / completion factor (rule T2)."""
    return None if dollars is None or months == 0 else dollars * 12 / months / completion


def hospital_years(
    sums: pd.DataFrame, completion: Callable[[int], float], keys: Sequence[str] = ("year", "ccn")
) -> pd.DataFrame:
    """Finish weighted sums as rows of hospital_year (rules T2, T4).

    Dollars are rounded to the cent, per capita is computed from the unrounded sums, and the
    non-hospital dollars are the rest, so that the two add up to the total.
    """
    table = sums[[*keys, "benes", "eligible_months"]].copy()
    tcoc = [to_cents(d) for d in sums["dollars"]]
    hospital = [to_cents(d) for d in sums["hospital_dollars"]]
    rest = [None if t is None or h is None else t - h for t, h in zip(tcoc, hospital, strict=True)]
    for name, values in zip(DOLLAR_COLUMNS, (tcoc, hospital, rest), strict=True):
        table[name] = pd.Series(values, index=table.index, dtype=object)
    table["per_capita"] = [
        per_capita(d, m, completion(y))
        for d, m, y in zip(sums["dollars"], sums["eligible_months"], sums["year"], strict=True)
    ]
    return table


def completion_factor(factors: Mapping[int, float]) -> Callable[[int], float]:
    """Return the completion factor of a year: the run's or the measured one, else 1 (rule T2)."""
    known = {int(year): float(factor) for year, factor in factors.items()}
    return lambda year: known.get(year, 1.0)


def pool_combinations(sums: pd.DataFrame, combinations: pd.DataFrame) -> pd.DataFrame:
    """Pool hospitals' unrounded sums by combination (rule A12): one row per year and combination.

    `sums` are hospitals' weighted sums (year, ccn, benes, eligible_months, dollars,
    hospital_dollars), or rows of hospital_year with tcoc and tcoc_hospital in their place. Per
    capita of a combination is the ratio of these sums, never a mean of its members' per capita.
    """
    names = {"tcoc": "dollars", "tcoc_hospital": "hospital_dollars"}
    members = sums.rename(columns=names).merge(combinations, on="ccn", how="inner")
    wanted = ("benes", "eligible_months", "dollars", "hospital_dollars")
    return _sums(members, ["year", "combination"], {w: _doubles(members[w]) for w in wanted})


# ---------------------------------------------------------------- completeness


def monthly_dollars(professional: ir.Table, facility: ir.Table, dme: ir.Table) -> ir.Table:
    """Payments by service month and setting, of everybody in the store.

    One row per (year, month, setting): paid_amount and claim_rows (claims, or lines of
    professional and DME). A facility claim lies in the month of its last day.
    """
    parts = [
        facility.select("paid_amount", "setting", day="thru_date"),
        professional.select(
            "paid_amount", setting=ibis.literal("professional"), day="service_date"
        ),
        dme.select("paid_amount", setting=ibis.literal("dme"), day="service_date"),
    ]
    monthly = [
        part.group_by(
            "setting", year=part.day.year().cast("int32"), month=part.day.month().cast("int32")
        ).agg(paid_amount=part.paid_amount.sum().cast(DOLLAR_SUM), claim_rows=part.count())
        for part in parts
    ]
    return cast(
        ir.Table,
        ibis.union(*monthly).select("year", "month", "setting", "paid_amount", "claim_rows"),
    )


def implied_completion(monthly: pd.DataFrame, claims_end: date, run_out_months: int
) -> pd.DataFrame:  # fmt: skip
    """Compare each month with the same month a year before, at the growth of the mature months.

    A month is mature when claims reach `run_out_months` beyond it. Growth of a year and setting is
    the ratio of sums over its mature months (1 where it has none); a month's implied completion is
    its dollars / (dollars a year before x growth), null where there was nothing a year before.
    """
    table = monthly.sort_values(["year", "month", "setting"], ignore_index=True)
    paid = {
        (s, y, m): float(p)
        for s, y, m, p in zip(*(table[c] for c in ("setting", "year", "month", "paid_amount")),
                              strict=True)
    }  # fmt: skip
    last = claims_end.year * 12 + claims_end.month - 1 - run_out_months
    mature = [y * 12 + m - 1 <= last for y, m in zip(table["year"], table["month"], strict=True)]
    prior = [
        paid.get((s, y - 1, m))
        for s, y, m in zip(table["setting"], table["year"], table["month"], strict=True)
    ]
    table = table.assign(prior_year_amount=pd.array(prior, dtype="Float64"), mature=mature)
    growth = {
        key: _growth(group) for key, group in table[table["mature"]].groupby(["year", "setting"])
    }
    table["growth"] = [
        growth.get((y, s), 1.0) for y, s in zip(table["year"], table["setting"], strict=True)
    ]
    expected = table["prior_year_amount"] * table["growth"]
    dollars = table["paid_amount"].astype(float).astype("Float64")
    table["implied_completion"] = dollars / expected.where(expected > 0)
    return table


def _growth(group: pd.DataFrame) -> float:
    known = group[group["prior_year_amount"].notna()]
    before = fsum(float(p) for p in known["prior_year_amount"])
    return fsum(float(p) for p in known["paid_amount"]) / before if before > 0 else 1.0
