"""The look-back window of an attribution year, cut into pieces of calendar years: rule A0."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from tcoc.params.attribution import WindowForm
from tcoc.rules.population import in_groups

DAY = timedelta(days=1)


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


def calendar_years(periods: Iterable[Period]) -> list[int]:
    """Return the calendar years that periods touch, in order."""
    return sorted({year for period in periods for year in period.years})


def pieces(year: int, periods: Sequence[Period]) -> tuple[Period, ...]:
    """Cut a calendar year where any of the periods begins or ends.

    The pieces are in order and without gap, from the first that lies in a period to the last.
    """
    borders = {border for p in periods for border in (p.first, p.last + DAY)}
    inside = sorted(d for d in borders if date(year, 1, 1) < d <= date(year, 12, 31))
    firsts = [date(year, 1, 1), *inside]
    ends = [*(d - DAY for d in inside), date(year, 12, 31)]
    found = [Period(first, last) for first, last in zip(firsts, ends, strict=True)]
    wanted = [i for i, piece in enumerate(found) if any(p.contains(piece) for p in periods)]
    return tuple(found[wanted[0] : wanted[-1] + 1]) if wanted else ()


@dataclass(frozen=True)
class Span:
    """Calendar years whose claims are passed together, and their pieces, in order without gap."""

    years: tuple[int, ...]
    pieces: tuple[Period, ...]

    def numbers(self, window: Sequence[Period]) -> list[int]:
        """Return which pieces lie in a window, counted from 0."""
        return [
            number
            for number, piece in enumerate(self.pieces)
            if any(period.contains(piece) for period in window)
        ]


def spans(periods: Sequence[Period], rows: Mapping[int, int], most: int) -> list[Span]:
    """Group the calendar years that periods touch, as many as have no more than `most` rows.

    `rows` are each calendar year's claims. A year with more stands alone, and so does one that a
    gap in the pieces parts from the year before.
    """
    cut = {year: pieces(year, periods) for year in calendar_years(periods)}

    def fit(years: Sequence[int]) -> bool:
        joined = all(cut[a][-1].last + DAY == cut[b][0].first for a, b in pairwise(years))
        return joined and sum(rows[y] for y in years) <= most

    return [
        Span(years, tuple(piece for y in years for piece in cut[y]))
        for years in in_groups(list(cut), fit)
    ]


def batches(
    windows: Mapping[int, Sequence[Period]], rows: Mapping[int, int], most: int
) -> list[tuple[int, ...]]:
    """Group attribution years, as many as have no more than `most` rows in their windows."""

    def fit(years: Sequence[int]) -> bool:
        touched = calendar_years(period for year in years for period in windows[year])
        return sum(rows[y] for y in touched) <= most

    return in_groups(sorted(windows), fit)


def federal_fiscal_year(year: int) -> Period:
    """Return 1 October of the year before to 30 September of the year."""
    return Period(date(year - 1, 10, 1), date(year, 9, 30))


def calendar_year(year: int) -> Period:
    """Return 1 January to 31 December."""
    return Period(date(year, 1, 1), date(year, 12, 31))


def window(year: int, form: WindowForm) -> tuple[Period, ...]:
    """Return the pieces of a year's window, one for each fiscal or calendar year (rule A0).

    `{federal_fiscal_years: n}` are the n that end before the year begins (2018, n=2: October 2015
    to September 2017), `{calendar_years: n}` the n before it, `same_year` the year itself.
    """
    if isinstance(form, str):
        return (calendar_year(year),)
    ((kind, count),) = form.items()
    make = federal_fiscal_year if kind == "federal_fiscal_years" else calendar_year
    return tuple(make(y) for y in range(year - count, year))
