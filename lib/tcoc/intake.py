"""What an analyst must know of a store before trusting a year: volumes, checks, traffic lights.

Each check counts the rows that break it, by data year, of all rows that it looks at. Nothing here
holds an identifier beyond the expressions themselves: results are counts and dollars.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.params import Policy
from tcoc.store.schema import DOLLAR_SUM

COUNTS = {"check": "string", "year": "int32", "count": "int64", "of": "int64"}
UNKNOWN_SPECIALTY = "99"
NPI_PREFIX_SUM = 24
"""What the digits 80840 before an NPI add to its Luhn sum."""

Tables = Mapping[str, ir.Table]


# ---------------------------------------------------------------- volumes


def volumes(tables: Tables) -> ir.Table:
    """Rows, people and dollars by part, year and month.

    One row per (part, year, month); parts are member_month, professional, dme and the facility
    settings. A claim lies in the month of its last day; months have no dollars (null).
    """
    rows = claim_days(tables)
    months = tables["member_month"]
    parts = [
        rows.select("part", "bene_id", "day", "paid_amount"),
        months.select(
            "bene_id",
            part=ibis.literal("member_month"),
            day=months.month,
            paid_amount=ibis.null("decimal(12, 2)"),
        ).select("part", "bene_id", "day", "paid_amount"),
    ]
    every = ibis.union(*parts)
    by_person = every.group_by(
        "part",
        "bene_id",
        year=every.day.year().cast("int32"),
        month=every.day.month().cast("int32"),
    ).agg(n=every.count(), paid=every.paid_amount.sum().cast(DOLLAR_SUM))
    totals = by_person.group_by("part", "year", "month").agg(
        rows=by_person.n.sum().cast("int64"),
        people=by_person.count(),
        dollars=by_person.paid.sum().cast(DOLLAR_SUM),
    )
    return cast(ir.Table, totals)


def claim_days(tables: Tables) -> ir.Table:
    """All claims and lines with person, part, first and last day, and payment."""
    facility = tables["facility"]
    parts = [
        facility.select(
            "bene_id",
            "paid_amount",
            part=facility.setting,
            first_day=facility.from_date,
            day=facility.thru_date,
        )
    ]
    for name in ("professional", "dme"):
        lines = tables[name]
        parts.append(
            lines.select(
                "bene_id",
                "paid_amount",
                part=ibis.literal(name),
                first_day=lines.service_date,
                day=lines.service_date,
            )
        )
    columns = ("part", "bene_id", "first_day", "day", "paid_amount")
    return cast(ir.Table, ibis.union(*(part.select(*columns) for part in parts)))


def yearly_change(monthly: pd.DataFrame) -> pd.DataFrame:
    """Rows and dollars of each part and year, and the change of dollars from the year before.

    One row per (part, year); the change is null in a part's first year and after a year of nothing.
    """
    sums = monthly.groupby(["part", "year"], as_index=False)[["rows", "dollars"]].sum()
    sums = sums.sort_values(["part", "year"], ignore_index=True)
    dollars = {
        (p, y): float(d)
        for p, y, d in zip(sums["part"], sums["year"], sums["dollars"], strict=True)
    }
    sums["change"] = pd.array(
        [
            _growth(dollars.get((p, y - 1)), float(d))
            for p, y, d in zip(sums["part"], sums["year"], sums["dollars"], strict=True)
        ],
        dtype="Float64",
    )
    return sums


def _growth(before: float | None, now: float) -> float | None:
    return now / before - 1 if before else None


# ---------------------------------------------------------------- checks


def unknown_specialty(tables: Tables) -> ir.Table:
    """Professional lines without a specialty, or with 99."""
    lines = tables["professional"]
    return _count(lines, lines.service_date, lines.specialty.fill_null("99") == UNKNOWN_SPECIALTY)


def missing_npi(tables: Tables) -> ir.Table:
    """Professional lines without an NPI."""
    lines = tables["professional"]
    return _count(lines, lines.service_date, lines.npi.isnull())


def npi_check_digit(tables: Tables) -> ir.Table:
    """Professional lines whose NPI fails its check digit, of those that have one."""
    lines = tables["professional"]
    named = lines.filter(lines.npi.notnull())
    return _count(named, named.service_date, ~has_check_digit(named.npi))


def has_check_digit(npi: ir.StringValue) -> ir.BooleanValue:
    """Whether ten digits end in their Luhn check digit, with the prefix 80840 before them."""
    total: Any = ibis.literal(NPI_PREFIX_SUM)
    for place in range(10):
        digit = npi.substr(place, 1).cast("int32")
        total = total + (_doubled(digit) if place % 2 == 0 else digit)
    return cast(ir.BooleanValue, total % 10 == 0)


def _doubled(digit: ir.IntegerValue) -> ir.IntegerValue:
    """Twice a digit, as the sum of its digits."""
    return cast(ir.IntegerValue, ibis.ifelse(digit > 4, digit * 2 - 9, digit * 2))


def zip_not_in_state(tables: Tables, zips: ir.Table, state: str = "MD") -> ir.Table:
    """Months of the state's residents with a blank ZIP, or one that is not among its ZIPs."""
    months = tables["member_month"]
    here = months.filter(months.state == state)
    known = zips.select(known="zip").distinct()
    joined = here.left_join(known, here.zip == known.known)
    return _count(joined, joined.month, joined.known.isnull())


def payments_after_death(tables: Tables) -> ir.Table:
    """Claims and lines with a payment whose service began after the death date."""
    rows = _with_person(claim_days(tables), tables)
    after = (rows.first_day > rows.death_date) & (rows.paid_amount > 0)
    return _count(rows, rows.day, after)


def months_after_death(tables: Tables) -> ir.Table:
    """Months with Part A or B that begin after the death date."""
    rows = _with_person(tables["member_month"], tables)
    after = (rows.month > rows.death_date) & (rows.part_a | rows.part_b)
    return _count(rows, rows.month, after)


def _with_person(rows: ir.Table, tables: Tables) -> ir.Table:
    people = tables["beneficiary"].select(person="bene_id", death_date="death_date")
    return cast(ir.Table, rows.left_join(people, rows.bene_id == people.person))


def overlapping_stays(tables: Tables) -> ir.Table:
    """Inpatient stays that begin before an earlier stay of the person has ended.

    A stay that begins on the day on which another ends is a transfer, no overlap.
    """
    facility = tables["facility"]
    stays = facility.filter(facility.setting == "inpatient")
    order = [stays.from_date, stays.thru_date, stays.claim_id]
    so_far = ibis.cumulative_window(group_by=stays.bene_id, order_by=order)
    ended = stays.mutate(ended=stays.thru_date.max().over(so_far))
    again = [ended.from_date, ended.thru_date, ended.claim_id]
    before = ibis.window(group_by=ended.bene_id, order_by=again)
    rows = ended.mutate(until=ended.ended.lag().over(before))
    return _count(rows, rows.thru_date, rows.from_date < rows.until)


def claims_without_month(tables: Tables) -> ir.Table:
    """Claims and lines of a month for which the person has no row, in years that have months."""
    rows = _with_month(tables)
    return _count(rows, rows.day, rows.managed_care.isnull())


def paid_in_managed_care(tables: Tables) -> ir.Table:
    """Claims and lines with a payment in a month of managed care."""
    rows = _with_month(tables)
    return _count(rows, rows.day, rows.managed_care & (rows.paid_amount > 0))


def _with_month(tables: Tables) -> ir.Table:
    months = tables["member_month"].select(
        person="bene_id", first="month", managed_care="managed_care"
    )
    covered = months.select(covered=months.first.year()).distinct()
    rows = claim_days(tables)
    rows = rows.semi_join(covered, rows.day.year() == covered.covered)
    first = rows.day.truncate("M").cast("date")
    rows = rows.mutate(first_of_month=first)
    on = (rows.bene_id == months.person) & (rows.first_of_month == months.first)
    return cast(ir.Table, rows.left_join(months, on))


def repeated_services(tables: Tables) -> ir.Table:
    """Professional lines that equal a line of another claim in all but the claim number."""
    lines = tables["professional"]
    same = ["bene_id", "service_date", "npi", "hcpcs", "allowed_amount", "paid_amount"]
    named = lines.filter(lines.npi.notnull(), lines.hcpcs.notnull(), lines.allowed_amount > 0)
    claims = named.group_by(*same, "claim_id").agg(n=named.count())
    groups = claims.group_by(*same).agg(
        n=claims.n.sum(), claims=claims.count(), most=claims.n.max()
    )
    extra = ibis.ifelse(groups.claims > 1, groups.n - groups.most, 0)
    by_year = groups.group_by(year=groups.service_date.year().cast("int32"))
    return cast(
        ir.Table,
        by_year.agg(count=extra.sum().cast("int64"), of=groups.n.sum().cast("int64")),
    )


def outliers(tables: Tables, line_limit: float, claim_limit: float) -> ir.Table:
    """Lines and facility claims that are paid above a limit."""
    rows = claim_days(tables)
    lines = rows.part.isin(["professional", "dme"])
    limit = ibis.ifelse(lines, float(line_limit), float(claim_limit))
    return _count(rows, rows.day, rows.paid_amount.cast("float64") > limit)


def _count(rows: ir.Table, day: ir.DateValue, broken: ir.BooleanValue) -> ir.Table:
    """Count broken rows by the year of a day; unknown is not broken."""
    flags = rows.select(year=day.year().cast("int32"), broken=broken.fill_null(False).cast("int32"))
    by_year = flags.group_by("year")
    return cast(ir.Table, by_year.agg(count=flags.broken.sum().cast("int64"), of=flags.count()))


Check = Callable[[Tables], ir.Table]

CHECKS: dict[str, Check] = {
    "unknown_specialty": unknown_specialty,
    "missing_npi": missing_npi,
    "npi_check_digit": npi_check_digit,
    "payments_after_death": payments_after_death,
    "months_after_death": months_after_death,
    "overlapping_stays": overlapping_stays,
    "claims_without_month": claims_without_month,
    "paid_in_managed_care": paid_in_managed_care,
    "repeated_services": repeated_services,
}
"""Checks that need nothing but the store; the others need ZIPs or limits."""


@dataclass(frozen=True)
class Limit:
    """From which share a check is amber, and from which red."""

    amber: float
    red: float

    def light(self, count: int, of: int) -> str:
        """Return green, amber or red for a count of rows; no rows at all are grey."""
        if not of:
            return "grey"
        share = count / of
        return "red" if share >= self.red else "amber" if share >= self.amber else "green"


def limits(policy: Policy, names: Iterable[str]) -> dict[str, Limit]:
    """Read the limits of checks from params/policy/intake.yml."""
    return {name: Limit(**policy.get(f"intake.{name}")) for name in names}


def all_checks(tables: Tables, zips: ir.Table, policy: Policy) -> ir.Table:
    """All checks, one row per (check, year): count of broken rows, of all rows looked at."""
    found = {name: check(tables) for name, check in CHECKS.items()}
    found["zip_not_in_state"] = zip_not_in_state(tables, zips)
    line, claim = policy.get("intake.line_outlier"), policy.get("intake.claim_outlier")
    found["outliers"] = outliers(tables, line, claim)
    parts = [
        table.mutate(check=ibis.literal(name)).select("check", "year", "count", "of")
        for name, table in found.items()
    ]
    return cast(ir.Table, ibis.union(*parts).cast(COUNTS))


def traffic_lights(counted: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Give each check and year its share, light and rule, worst first within a year.

    One row per (check, year) of `counted`; adds share, light and rule (the check in words).
    """
    bounds = limits(policy, sorted(set(counted["check"])))
    table = counted.copy()
    table["share"] = [
        c / n if n else None for c, n in zip(table["count"], table["of"], strict=True)
    ]
    table["light"] = [
        bounds[check].light(int(c), int(n))
        for check, c, n in zip(table["check"], table["count"], table["of"], strict=True)
    ]
    table["rule"] = [policy.entries[f"intake.{check}"].description for check in table["check"]]
    order = {"red": 0, "amber": 1, "green": 2, "grey": 3}
    table["rank"] = table["light"].map(order)
    return table.sort_values(["year", "rank", "check"], ignore_index=True).drop(columns="rank")
