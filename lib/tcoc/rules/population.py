"""Who belongs to a year's population, and what they are: rules P1 to P4."""

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


def eligible_months(
    member_month: ir.Table, beneficiary: ir.Table, year: int, rules: PopulationRules
) -> ir.Table:
    """Eligible months of a year: Part A and B, no managed care, resident, alive (rule P1).

    One row per eligible bene_id and month. Who dies on the first of a month was alive.
    """
    month = member_month.filter(
        member_month.part_a,
        member_month.part_b,
        ~member_month.managed_care,
        member_month.state == rules.resident_state,
        member_month.month >= ibis.date(year, 1, 1),
        member_month.month <= ibis.date(year, 12, 31),
    )
    deaths = beneficiary.filter(
        beneficiary.death_date.notnull(), beneficiary.death_date < ibis.date(year, 12, 1)
    ).select(died="bene_id", death_date="death_date")
    joined = month.left_join(deaths, month.bene_id == deaths.died)
    alive = joined.death_date.isnull() | (joined.death_date >= joined.month)
    return cast(ir.Table, joined.filter(alive).select(*month.columns))


def population(
    member_month: ir.Table, beneficiary: ir.Table, year: int, rules: PopulationRules
) -> ir.Table:
    """Eligible beneficiaries of a year with their months and characteristics (rules P1 to P4).

    One row per bene_id: eligible_months; month_mask (power of two for each eligible month, 1 for
    January); home ZIP of the last eligible month (or the first: `home_zip`); age on 1 February, not
    below 0; sex (null as U); dual and esrd in any eligible month; originally_disabled.
    """
    months = eligible_months(member_month, beneficiary, year, rules)
    flagged = months.select(
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
    people = flagged.group_by("bene_id").agg(
        eligible_months=flagged.count().cast("int32"),
        month_mask=flagged.bit.sum().cast("int32"),
        zip=home,
        dual=flagged.dual.max() > 0,
        esrd=flagged.esrd.max() > 0,
    )
    people = people.filter(people.eligible_months >= rules.min_eligible_months)
    return _with_person(people, beneficiary, year, rules)


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


def _with_person(
    people: ir.Table, beneficiary: ir.Table, year: int, rules: PopulationRules
) -> ir.Table:
    birth = beneficiary.birth_date
    later = (birth.month() > rules.age_month) | (
        (birth.month() == rules.age_month) & (birth.day() > rules.age_day)
    )
    age = ibis.greatest(year - birth.year() - later.cast("int32"), 0).cast("int32")
    person = beneficiary.select(
        person="bene_id",
        age=age,
        sex=beneficiary.sex.fill_null("U"),
        originally_disabled=beneficiary.orig_entitlement.fill_null("").isin(ORIGINALLY_DISABLED),
    )
    joined = people.join(person, people.bene_id == person.person)
    return cast(
        ir.Table,
        joined.select(
            "bene_id",
            "eligible_months",
            "month_mask",
            "zip",
            "age",
            "sex",
            "dual",
            "esrd",
            "originally_disabled",
        ),
    )
