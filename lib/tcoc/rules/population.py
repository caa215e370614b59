"""Who belongs to a year's population, and what they are: rules P1 to P4.

Years that are small together share a query, here and in what rests on it: which ones, and how
their rows and people are told apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.params import AttributionPolicy, Policy

ORIGINALLY_DISABLED = ("1", "3")
"""Original reasons for entitlement that say disability (rule P4)."""


@dataclass(frozen=True)
class PopulationRules:
    """The population's parameters (rules P1 to P4)."""

    resident_state: str
    min_eligible_months: int
    dual_codes: tuple[str, ...]
    age_month: int
    age_day: int

    home_zip: str = "last_month"

    @classmethod
    def from_policy(cls, policy: Policy) -> "PopulationRules":
        """Read the parameters from the policy files, with the run's options laid over."""
        found = AttributionPolicy.of(policy)
        month, day = (int(part) for part in found.age_on.split("-"))
        return cls(
            found.resident_state,
            found.min_eligible_months,
            found.dual_codes,
            month,
            day,
            found.home_zip,
        )


def in_groups(years: Sequence[int], fit: Callable[[Sequence[int]], bool]) -> list[tuple[int, ...]]:
    """Cut years into groups that share a query; one that does not even fit alone is a group."""
    groups: list[tuple[int, ...]] = []
    for year in years:
        if groups and fit((*groups[-1], year)):
            groups[-1] = (*groups[-1], year)
        else:
            groups.append((year,))
    return groups


def in_years(rows: ir.Table, day: str, years: Sequence[int]) -> ir.Table:
    """Return the rows of successive years by a day, with their `year`.

    Filtered by days and not by their year: files can be left out by the days in them.
    """
    first, last = years[0], years[-1]
    found = rows.filter(rows[day] >= ibis.date(first, 1, 1), rows[day] <= ibis.date(last, 12, 31))
    # the year of a date is asked of no row where there is one year
    year = ibis.literal(first) if first == last else found[day].year()
    return found.mutate(year=year.cast("int32"))


def person_key(years: Sequence[int]) -> list[str]:
    """Return what tells rows of people in some years apart: one year is no key, a key costs."""
    return ["bene_id"] if len(years) == 1 else ["year", "bene_id"]


def by_person(rows: ir.Table, years: Sequence[int], **values: ir.Value) -> ir.Table:
    """Aggregate by year and person."""
    found = rows.group_by(person_key(years)).agg(**values)
    if len(years) > 1:
        return cast(ir.Table, found)
    return cast(ir.Table, found.mutate(year=ibis.literal(years[0], type="int32")))


def eligible_months(
    member_month: ir.Table, beneficiary: ir.Table, years: Sequence[int], rules: PopulationRules
) -> ir.Table:
    """Eligible months of successive years: Part A and B, no managed care, resident, alive (P1).

    One row per eligible bene_id and month, with its `year`. Who dies on the first of a month was
    alive.
    """
    last = years[-1]
    member_month = in_years(member_month, "month", years)
    month = member_month.filter(
        member_month.part_a,
        member_month.part_b,
        ~member_month.managed_care,
        member_month.state == rules.resident_state,
    )
    deaths = beneficiary.filter(
        beneficiary.death_date.notnull(), beneficiary.death_date < ibis.date(last, 12, 1)
    ).select(died="bene_id", death_date="death_date")
    joined = month.left_join(deaths, month.bene_id == deaths.died)
    alive = joined.death_date.isnull() | (joined.death_date >= joined.month)
    return cast(ir.Table, joined.filter(alive).select(*month.columns))


def population(
    member_month: ir.Table, beneficiary: ir.Table, years: Sequence[int], rules: PopulationRules
) -> ir.Table:
    """Eligible beneficiaries of successive years, with what they are (rules P1 to P4).

    One row per (year, bene_id): eligible_months; month_mask (power of two for each eligible month,
    1 for January); home ZIP of the last eligible month (or the first: `home_zip`); age on
    1 February, not below 0; sex (null as U); dual and esrd in any eligible month;
    originally_disabled.
    """
    months = eligible_months(member_month, beneficiary, years, rules)
    flagged = months.select(
        "year",
        "bene_id",
        "month",
        "zip",
        bit=month_bit(months.month),
        dual=months.dual_code.fill_null("").isin(rules.dual_codes).cast("int32"),
        esrd=months.esrd.fill_null(False).cast("int32"),
    )
    known = flagged.zip.fill_null("")
    first = rules.home_zip == "first_month"
    home = known.argmin(flagged.month) if first else known.argmax(flagged.month)
    people = by_person(
        flagged,
        years,
        eligible_months=flagged.count().cast("int32"),
        month_mask=flagged.bit.sum().cast("int32"),
        zip=home,
        dual=flagged.dual.max() > 0,
        esrd=flagged.esrd.max() > 0,
    )
    people = people.filter(people.eligible_months >= rules.min_eligible_months)
    return _with_person(people, beneficiary, rules)


def month_bit(day: ir.DateValue) -> ir.IntegerValue:
    """Return the power of two of a date's month: 1 for January to 2048 for December."""
    return number_bit(day.month())


@ibis.udf.agg.builtin(name="bit_or")  # type: ignore[untyped-decorator]
def _bit_or(mask: int) -> int:  # type: ignore[empty-body]
    """Or of all bits: both engines have it by this name, Ibis for one of them only."""


def every_bit(mask: ir.IntegerValue) -> ir.IntegerValue:
    """Return all bits that any of a group's masks has."""
    return cast(ir.IntegerValue, _bit_or(mask.cast("int64")).cast("int32"))


def number_bit(month: ir.IntegerValue) -> ir.IntegerValue:
    """Return the power of two of a month's number."""
    return cast(ir.IntegerValue, ibis.literal(1, type="int32") << (month - 1).cast("int32"))


def _with_person(people: ir.Table, beneficiary: ir.Table, rules: PopulationRules) -> ir.Table:
    person = beneficiary.select(
        "birth_date",
        person="bene_id",
        sex=beneficiary.sex.fill_null("U"),
        originally_disabled=beneficiary.orig_entitlement.fill_null("").isin(ORIGINALLY_DISABLED),
    )
    joined = people.join(person, people.bene_id == person.person)
    year, birth = joined.year, joined.birth_date
    later = (birth.month() > rules.age_month) | (
        (birth.month() == rules.age_month) & (birth.day() > rules.age_day)
    )
    return cast(
        ir.Table,
        joined.select(
            "year",
            "bene_id",
            "eligible_months",
            "month_mask",
            "zip",
            "sex",
            "dual",
            "esrd",
            "originally_disabled",
            age=ibis.greatest(year - birth.year() - later.cast("int32"), 0).cast("int32"),
        ),
    )
