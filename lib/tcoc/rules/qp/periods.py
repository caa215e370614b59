"""Periods of a performance year, and the spans into which they cut it (rule Q7).

All periods of a year are read in one pass: claims are summed by *span*, the days between two
neighboring cuts, and a period is the spans from its first to its last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
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
        """The period that holds the first day of every month of which a day lies in this one."""
        return Period(self.start.replace(day=1), self.end)


def calendar_year(year: int) -> Period:
    """Return the performance period: the calendar year."""
    return Period(date(year, 1, 1), date(year, 12, 31))


def snapshot_periods(policy: QpPolicy, year: int) -> dict[date, Period]:
    """Return the period of each snapshot of a year that has any days (rule Q7).

    Claims count from the later of 1 January and the day of CMS's determination. Without a
    determination they count from 1 January: what would be, not what is.
    """
    first = date(year, 1, 1)
    start = max(first, policy.determination_date or first)
    days = [date.fromisoformat(f"{year}-{text}") for text in policy.snapshots]
    periods = {day: Period(start, day) for day in days}
    return {day: period for day, period in periods.items() if not period.empty}


@dataclass(frozen=True)
class Spans:
    """Cuts of a year, in order: span n holds the days from cut n on, before cut n + 1."""

    cuts: tuple[date, ...]

    @classmethod
    def of(cls, periods: Iterable[Period]) -> "Spans":
        """Return the spans of which each of some periods is a sequence."""
        days = {d for p in periods for d in (p.start, p.end + timedelta(days=1))}
        return cls(tuple(sorted(days)))

    def number(self, day: ir.DateValue) -> ir.IntegerValue:
        """Return the span of a day: 0 before the first cut."""
        passed = [(day >= ibis.literal(cut)).cast("int8") for cut in self.cuts]
        total = passed[0]
        for each in passed[1:]:
            total = total + each
        return cast(ir.IntegerValue, total.cast("int8"))

    def within(self, table: ir.Table, period: Period) -> ir.Table:
        """Return the rows of a table with a column `span` that lie in one of the periods."""
        first = self.cuts.index(period.start) + 1
        last = self.cuts.index(period.end + timedelta(days=1))
        return table.filter(table.span.between(first, last))
