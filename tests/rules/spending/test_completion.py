"""Rules T2 and T3: the chain ladder against the chainladder package, run-out, and refusals."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcoc.errors import InputError
from tcoc.params import RunFile
from tcoc.rules.completion import (
    YearCompletion,
    chain_ladder,
    completion_of,
    completion_rows,
    is_short,
    measured_completion,
    run_out,
    run_out_sentence,
    unequal_run_out,
    year_completion,
)
from tests.support.tiny import tiny_study

TAYLOR_ASHE = [
    [357848, 766940, 610542, 482940, 527326, 574398, 146342, 139950, 227229, 67948],
    [352118, 884021, 933894, 1183289, 445745, 320996, 527804, 266172, 425046],
    [290507, 1001799, 926219, 1016654, 750816, 146923, 495992, 280405],
    [310608, 1108250, 776189, 1562400, 272482, 352053, 206286],
    [443160, 693190, 991983, 769488, 504851, 470639],
    [396132, 937085, 847498, 805037, 705960],
    [440832, 847631, 1131398, 1063269],
    [359480, 1061648, 1443370],
    [376686, 986608],
    [344014],
]
"""The triangle of Taylor and Ashe (1983), on which Mack (1993) shows his error."""


def triangle() -> np.ndarray:
    grid = np.zeros((10, 10))
    for i, row in enumerate(TAYLOR_ASHE):
        grid[i, : len(row)] = row
    return grid.cumsum(axis=1)


def test_the_chain_ladder_gives_macks_published_numbers() -> None:
    everything = np.ones(10, dtype=bool)
    ultimate, variance = chain_ladder(triangle(), everything)
    paid = sum(sum(row) for row in TAYLOR_ASHE)
    assert round((ultimate - paid) / 1000) == 18681, "reserve in thousands, Mack 1993, table 1"
    assert round(variance**0.5 / 1000) == 2447, "its standard error"
    for origin, error in ((2, 121), (5, 411), (9, 1363)):
        _, own = chain_ladder(triangle(), np.arange(10) == origin)
        assert abs(own**0.5 / 1000 - error) < 1, origin


@given(st.integers(6, 30), st.integers(2, 5), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_a_steady_pattern_is_completed_without_error(months: int, lags: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = rng.uniform(0.1, 1, lags)
    volume = rng.uniform(1e5, 1e6, months)
    rows = [
        ("dme", 2018 + m // 12, m % 12 + 1, k, volume[m] * pattern[k])
        for m in range(months)
        for k in range(lags)
        if m + k < months
    ]
    table = pd.DataFrame(rows, columns=["setting", "year", "month", "lag", "paid_amount"])
    last = 2018 * 12 + months - 1
    end = (pd.Timestamp(last // 12, last % 12 + 1, 1) + pd.offsets.MonthEnd(0)).date()
    year = (last - 11) // 12
    if year < 2018:
        with pytest.raises(InputError, match="cannot be measured"):
            measured_completion(table, 2018, end, 12)
        return
    found = measured_completion(table, year, end, 12)
    inside = [m for m in range(months) if 2018 + m // 12 == year]
    whole = sum(volume[m] for m in inside) * pattern.sum()
    assert found.ultimate == pytest.approx(whole)
    assert found.factor == pytest.approx(found.paid / whole)
    assert found.error == pytest.approx(0, abs=1e-6)


def test_a_year_whose_last_month_was_not_processed_is_not_measured() -> None:
    table = pd.DataFrame(
        [("dme", 2018, m, 0, 1.0) for m in range(1, 13)],
        columns=["setting", "year", "month", "lag", "paid_amount"],
    )
    with pytest.raises(InputError, match="2018 cannot be measured: claims were processed up to"):
        measured_completion(table, 2018, date(2018, 12, 20), 12)
    assert measured_completion(table, 2018, date(2018, 12, 28), 12).factor == 1, "a weekly date"


def test_a_store_without_processing_dates_says_what_to_give() -> None:
    rows = {
        "people": [{"bene": "A", "months": "2018-01..2018-12"}],
        "claims": [{"bene": "A", "date": "2018-05-01"}],
        "completion": {2018: "measured"},
    }
    with tiny_study(rows) as study, pytest.raises(InputError, match="measured needs the date"):
        study.table("state_year")


@pytest.mark.parametrize(
    ("end", "months", "short"),
    [
        (date(2018, 3, 31), 3, False),
        (date(2018, 3, 30), 2, True),
        (date(2017, 12, 31), 0, True),
        (date(2017, 11, 30), -1, True),
        (date(2019, 1, 15), 12, False),
        (None, None, False),
    ],
)
def test_run_out(end: date | None, months: int | None, short: bool) -> None:
    assert run_out(2017, end) == months
    assert is_short(2017, end, 3) is short


# ---------------------------------------------------------------- what is said of a year

END = date(2018, 12, 31)


def facts(year: int, given: tuple[float, str] | None = None) -> YearCompletion:
    return year_completion(year, END, 3, given)


def test_a_short_year_without_a_factor_is_unequal_to_any_other() -> None:
    whole, short, covered = facts(2017), facts(2018), facts(2018, (0.97, "letter"))
    assert not whole.incomplete
    assert short.incomplete
    assert unequal_run_out(whole, short)
    assert unequal_run_out(short, whole)
    assert not unequal_run_out(whole, covered)


def test_what_is_said_depends_on_what_is_known() -> None:
    said = {
        "run-out is short and no completion factor": facts(2018),
        "run-out is full and no factor": facts(2017),
        "0.9700 (letter), for its run-out": facts(2018, (0.97, "letter")),
        "0.9900 (letter), although its run-out is full": facts(2017, (0.99, "letter")),
    }
    for words, known in said.items():
        assert words in run_out_sentence(known), run_out_sentence(known)
    assert facts(2017, (0.99, "letter")).doubly_complete
    assert not facts(2017, (1.0, "letter")).doubly_complete


def test_facts_survive_their_table() -> None:
    known = [facts(2017), facts(2018, (0.97, "letter")), year_completion(2019, None, 3)]
    assert list(completion_of(completion_rows(known)).values()) == known


# ---------------------------------------------------------------- the run file


def run_file(completion: object) -> RunFile:
    return RunFile(name="a", store="s", years=[2018], completion=completion)  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", [0.99, 1, "measured", {"value": 0.99, "source": "letter"}])
def test_a_run_file_takes_a_number_its_source_or_measured(entry: object) -> None:
    assert set(run_file({2018: entry}).completion) == {2018}


@pytest.mark.parametrize(
    "entry", ["measure", 99, True, 0, {"value": 0.9}, {"value": 9, "source": "x"}]
)
def test_other_entries_are_refused(entry: object) -> None:
    with pytest.raises(ValueError, match="or measured"):
        run_file({2018: entry})


def test_the_error_holds_the_true_ultimate_as_often_as_it_says() -> None:
    """300 triangles of known origin: the true ultimate lies within 1.96 errors in about 95%."""
    rng = np.random.default_rng(11)
    pattern = np.array([0.35, 0.35, 0.15, 0.08, 0.04, 0.02, 0.01])
    held = []
    for _ in range(300):
        volume = rng.gamma(50, 20_000, 36)
        payments = rng.gamma(400 * pattern, 1 / 400, (36, 7)) * volume[:, None]
        whole = payments.sum(axis=1)
        seen = payments.copy()
        for i in range(36):
            seen[i, max(0, 36 - i) :] = 0
        last_year = np.arange(36) >= 24
        ultimate, variance = chain_ladder(seen.cumsum(axis=1), last_year)
        held.append(abs(ultimate - whole[last_year].sum()) <= 1.96 * variance**0.5)
    assert 0.90 <= np.mean(held) <= 0.99
