"""Periods of a performance year, all of which are counted in one pass (rule Q7).

The periods of a year stand in a fixed order, the calendar year first, then each snapshot's. What is
counted in which of them is a whole number with a bit for each, and a column for each, by number.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.params import QpPolicy


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
    def by_month(self) -> "Period":
        """The period from the first of its first month: a month whose first day lies in it counts.

        A month lies in a period when any of its days does, which is when the first day lies in this
        one.
        """
        return Period(self.start.replace(day=1), self.end)

    def holds(self, day: ir.DateValue) -> ir.BooleanValue:
        """Whether a day lies in the period."""
        return cast(
            ir.BooleanValue, (day >= ibis.literal(self.start)) & (day <= ibis.literal(self.end))
        )


def calendar_year(year: int) -> Period:
    """Return the performance period: the calendar year."""
    return Period(date(year, 1, 1), date(year, 12, 31))


def all_periods(policy: QpPolicy, year: int) -> tuple[Period, ...]:
    """Return the periods of a year: the calendar year, then each snapshot's (rule Q7).

    Claims count from the later of 1 January and the day of CMS's determination, so that the period
    of an early snapshot may be empty. Without a determination they count from 1 January: what would
    be, not what is. Every year has as many periods.
    """
    first = date(year, 1, 1)
    start = max(first, policy.determination_date or first)
    days = [date.fromisoformat(f"{year}-{text}") for text in sorted(set(policy.snapshots))]
    return calendar_year(year), *(Period(start, day) for day in days)


def snapshot_numbers(policy: QpPolicy, year: int) -> dict[date, int]:
    """Return the number of each snapshot's period of a year that has any days (rule Q7)."""
    periods = all_periods(policy, year)
    return {p.end: n for n, p in enumerate(periods) if n and not p.empty}


def snapshot_periods(policy: QpPolicy, year: int) -> dict[date, Period]:
    """Return the period of each snapshot of a year that has any days (rule Q7)."""
    periods = all_periods(policy, year)
    return {day: periods[n] for day, n in snapshot_numbers(policy, year).items()}


def bits_of(flags: Iterable[ir.BooleanValue]) -> ir.IntegerValue:
    """Return the whole number with a bit for each flag that holds, by its place."""
    bits = [ibis.ifelse(flag, ibis.literal(1 << n, "int32"), 0) for n, flag in enumerate(flags)]
    total = bits[0]
    for each in bits[1:]:
        total = total | each
    return cast(ir.IntegerValue, total.cast("int32"))


def has_bit(bits: ir.IntegerValue, number: int) -> ir.BooleanValue:
    """Whether a whole number has the bit of a period."""
    return cast(ir.BooleanValue, (bits & (1 << number)) > 0)


def period_bits(day: ir.DateValue, periods: Sequence[Period]) -> ir.IntegerValue:
    """Return in which periods a day lies, a bit for each."""
    return bits_of(period.holds(day) for period in periods)
