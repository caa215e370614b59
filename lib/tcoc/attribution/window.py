"""The look-back window of an attribution year, cut into pieces of calendar years: rule A0."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from tcoc.errors import InputError, nearest

FORMS = ("federal_fiscal_years", "calendar_years")


@dataclass(frozen=True, order=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @property
    def years(self) -> tuple[int, ...]:
        """The calendar years that it touches, which are the year files to open."""
        return tuple(range(self.first.year, self.last.year + 1))

    def contains(self, other: "Period") -> bool:
        """Whether another period lies within this one."""
        return self.first <= other.first and other.last <= self.last

    def holds(self, day: ir.DateValue) -> tuple[ir.BooleanValue, ir.BooleanValue]:
        """Return the conditions that a date lies in the period."""
        return (
            day >= ibis.date(self.first.year, self.first.month, self.first.day),
            day <= ibis.date(self.last.year, self.last.month, self.last.day),
        )


def calendar_years(periods: Iterable[Period]) -> list[int]:
    """Return the calendar years that periods touch, in order."""
    return sorted({year for period in periods for year in period.years})


def pieces(year: int, periods: Sequence[Period]) -> tuple[Period, ...]:
    """Cut a calendar year where any of the periods begins or ends.

    The pieces are in order and without gap, from the first that lies in a period to the last.
    """
    day = timedelta(days=1)
    borders = {border for p in periods for border in (p.first, p.last + day)}
    inside = sorted(d for d in borders if date(year, 1, 1) < d <= date(year, 12, 31))
    firsts = [date(year, 1, 1), *inside]
    ends = [*(d - day for d in inside), date(year, 12, 31)]
    found = [Period(first, last) for first, last in zip(firsts, ends, strict=True)]
    wanted = [i for i, piece in enumerate(found) if any(p.contains(piece) for p in periods)]
    return tuple(found[wanted[0] : wanted[-1] + 1]) if wanted else ()


def federal_fiscal_year(year: int) -> Period:
    """Return 1 October of the year before to 30 September of the year."""
    return Period(date(year - 1, 10, 1), date(year, 9, 30))


def calendar_year(year: int) -> Period:
    """Return 1 January to 31 December."""
    return Period(date(year, 1, 1), date(year, 12, 31))


def window(year: int, form: str | Mapping[str, Any]) -> tuple[Period, ...]:
    """Return the pieces of a year's window, one for each fiscal or calendar year (rule A0).

    `{federal_fiscal_years: n}` are the n that end before the year begins (2018, n=2: October 2015
    to September 2017), `{calendar_years: n}` the n before it, `same_year` the year itself. Raises
    InputError for another form.
    """
    if form == "same_year":
        return (calendar_year(year),)
    kind, count = _form(form)
    make = federal_fiscal_year if kind == "federal_fiscal_years" else calendar_year
    return tuple(make(y) for y in range(year - count, year))


def _form(form: str | Mapping[str, Any]) -> tuple[str, int]:
    expected = "expected same_year, {federal_fiscal_years: n} or {calendar_years: n}"
    if isinstance(form, str) or len(form) != 1:
        raise InputError(f"attribution.window: found {form!r}, {expected}")
    kind, count = next(iter(form.items()))
    if kind not in FORMS:
        raise InputError(f'attribution.window: found "{kind}"{nearest(str(kind), FORMS)}')
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InputError(f"attribution.window: {kind}: found {count!r}, expected at least 1")
    return kind, count
