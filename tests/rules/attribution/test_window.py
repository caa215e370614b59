"""Windows are put together from pieces of calendar years, each day once (rule A0)."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

import pandas as pd
import pytest

from tcoc.rules.attribution.use import piece_of
from tcoc.rules.attribution.window import (
    DAY,
    Period,
    batches,
    calendar_years,
    pieces,
    spans,
    window,
)
from tcoc.store.connection import connect

FORMS: tuple[str | Mapping[str, int], ...] = (
    "same_year",
    {"calendar_years": 2},
    {"federal_fiscal_years": 1},
    {"federal_fiscal_years": 2},
)


def _days(period: Period) -> set[date]:
    count = (period.last - period.first).days + 1
    return {period.first + timedelta(days=i) for i in range(count)}


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("years", [(2018,), (2015, 2016, 2017, 2018), (2014, 2018)], ids=str)
def test_a_window_is_its_pieces(form: str | Mapping[str, int], years: tuple[int, ...]) -> None:
    windows = {year: window(year, form) for year in years}
    together = [period for periods in windows.values() for period in periods]
    cut = {year: pieces(year, together) for year in calendar_years(together)}
    for periods in windows.values():
        inside = [
            piece
            for found in cut.values()
            for piece in found
            if any(period.contains(piece) for period in periods)
        ]
        listed = sorted(day for piece in inside for day in _days(piece))
        assert listed == sorted({day for period in periods for day in _days(period)})


def test_a_fiscal_year_takes_pieces_of_two_years() -> None:
    periods = window(2018, {"federal_fiscal_years": 2})
    assert pieces(2015, periods) == (Period(date(2015, 10, 1), date(2015, 12, 31)),)
    assert pieces(2016, periods) == (
        Period(date(2016, 1, 1), date(2016, 9, 30)),
        Period(date(2016, 10, 1), date(2016, 12, 31)),
    )
    assert pieces(2017, periods) == (Period(date(2017, 1, 1), date(2017, 9, 30)),)
    assert pieces(2018, periods) == ()


def test_pieces_have_no_gap_so_that_a_day_between_two_is_in_neither() -> None:
    """Wanted are January and December: February to November is a piece of its own."""
    ends = [
        Period(date(2017, 1, 1), date(2017, 1, 31)),
        Period(date(2017, 12, 1), date(2017, 12, 31)),
    ]
    found = pieces(2017, ends)
    days = [date(2017, 1, 31), date(2017, 2, 1), date(2017, 11, 30), date(2017, 12, 1)]
    with connect(threads=1) as engine:
        table = engine.load(pd.DataFrame({"day": days}), {"day": "date"})
        numbered = table.select("day", piece=piece_of(table.day, found))
        frame = engine.fetch(numbered, ["day"])
    assert len(found) == 3
    assert frame["piece"].tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("years", [(2018,), (2015, 2016, 2017, 2018), (2014, 2018)], ids=str)
@pytest.mark.parametrize("most", [0, 10, 25, 1000])
def test_spans_hold_every_piece_once_and_no_gap(
    form: str | Mapping[str, int], years: tuple[int, ...], most: int
) -> None:
    together = [period for year in years for period in window(year, form)]
    rows = dict.fromkeys(calendar_years(together), 10)
    found = spans(together, rows, most)
    assert [y for span in found for y in span.years] == calendar_years(together)
    wanted = [piece for y in calendar_years(together) for piece in pieces(y, together)]
    assert [piece for span in found for piece in span.pieces] == wanted
    for span in found:
        assert len(span.years) == 1 or sum(rows[y] for y in span.years) <= most
        assert all(a.last + DAY == b.first for a, b in pairwise(span.pieces))


def test_years_share_a_query_as_far_as_their_windows_are_small_enough() -> None:
    windows = {year: window(year, {"calendar_years": 2}) for year in (2015, 2016, 2017, 2018)}
    rows = dict.fromkeys(range(2013, 2018), 10)
    assert batches(windows, rows, 0) == [(2015,), (2016,), (2017,), (2018,)]
    assert batches(windows, rows, 30) == [(2015, 2016), (2017, 2018)]
    assert batches(windows, rows, 49) == [(2015, 2016, 2017), (2018,)]
    assert batches(windows, rows, 50) == [(2015, 2016, 2017, 2018)]
