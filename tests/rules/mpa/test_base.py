"""A base of several years (rule M8), by hand: levels, weights, and a cap that holds both ways."""

from collections.abc import Mapping

import numpy as np
import pytest

from tcoc.rules.mpa.base import weighted_base, years_back
from tcoc.rules.risk.adjust import Adjusted


def adjusted(state: float, base: list[float], at: list[float]) -> Adjusted:
    """The state, then hospitals A and B: base per capita and the same at the year's risk."""
    names = ("STATE", "A", "B")[: 1 + len(base)]
    first, second = np.array([[state], *([b] for b in base)]), np.array([[state], *([a] for a in at)])
    return Adjusted(names, first, first, {"demographic": second})


def base_of(years: Mapping[int, Adjusted], weights: tuple[float, ...], cap: float) -> list[float]:
    found = weighted_base(years, ("A", "B"), "demographic", 2016, weights, cap)
    return [float(value) for value in found[:, 0]]


def test_the_cap_on_risk_holds_up_and_down() -> None:
    one = {2016: adjusted(100, [100, 200], [110, 180])}
    assert base_of(one, (1.0,), 1.0) == pytest.approx([110, 180])
    assert base_of(one, (1.0,), 0.03) == pytest.approx([103, 194])


def test_an_earlier_year_is_brought_to_the_level_of_the_base_year() -> None:
    years = {2016: adjusted(110, [100, 200], [100, 200]), 2015: adjusted(100, [80, 100], [80, 100])}
    # the state grew by a tenth: 80 counts as 88, 100 as 110
    assert base_of(years, (0.75, 0.25), 1.0) == pytest.approx([97, 177.5])


def test_a_unit_rests_on_the_years_that_it_has_but_needs_the_base_year() -> None:
    nan = float("nan")
    late = {2016: adjusted(100, [100, 200], [100, 200]), 2015: adjusted(100, [50, nan], [50, nan])}
    assert base_of(late, (0.5, 0.5), 1.0) == pytest.approx([75, 200])
    early = {2016: adjusted(100, [100, nan], [100, nan]), 2015: adjusted(100, [50, 60], [50, 60])}
    assert np.isnan(base_of(early, (0.5, 0.5), 1.0)[1])


def test_weights_go_back_from_the_base_year() -> None:
    assert years_back(2016, (0.5, 0.3, 0.2)) == (2016, 2015, 2014)
