"""Systems, ACOs and counties: they are sums, and no difference of what is shown is a few people."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcoc.reference.places import MARYLAND
from tcoc.rules.groups import (
    ACO,
    PARTS,
    SYSTEM,
    USERS,
    Group,
    by_aco,
    by_county,
    by_hospital,
    kept_cells,
    split_units,
    system_of,
    with_rates,
)

LEAST = 22.0
GROUPS = (
    Group("system-s", SYSTEM, "S", "S", ("a", "b", "c")),
    Group("aco-x", ACO, "X", "X", ("a",)),
)


def cube(*rows: tuple[str, str, str, float, float], years: tuple[int, ...] = (2017, 2018)) -> Any:
    """Return cells of (county, aco, hospital, people, people with payments of each part)."""
    made = [
        {"year": year, "county": county, "stage": "aco_like" if aco else "geographic",
         "aco_id": aco, "ccn": ccn, "benes": benes, "eligible_months": 12 * benes,
         "tcoc": 4000.0 * users, **dict.fromkeys(PARTS, 1000.0 * users),
         **dict.fromkeys(USERS, users)}
        for year in years
        for county, aco, ccn, benes, users in rows
    ]  # fmt: skip
    return pd.DataFrame(made)


def test_a_system_is_the_sum_of_its_hospitals_and_so_is_the_state() -> None:
    cells = cube(("Kent", "", "a", 100, 50), ("Kent", "X", "a", 50, 20), ("Cecil", "", "d", 7, 7))
    found = by_hospital(cells, system_of(GROUPS)).set_index(["year", "ccn"])
    assert found.loc[(2018, "system-s"), "benes"] == found.loc[(2018, "a"), "benes"] == 150
    assert found.loc[(2018, "STATE"), "tcoc"] == 4000 * 77
    places = by_county(cells).set_index(["year", "place"])["benes"]
    assert places[2018].to_dict() == {"Cecil County": 7, "Kent County": 150, MARYLAND: 157}
    assert by_aco(cells)["benes"].tolist() == [50, 50]


def test_growth_follows_a_year_and_is_not_said_of_a_few() -> None:
    cells = cube(("Kent", "", "a", 100, 50), ("Kent", "", "d", 20, 9), years=(2016, 2018, 2019))
    rated = with_rates(by_hospital(cells, {}), "ccn", dict.fromkeys((2016, 2018, 2019), 0.5), LEAST)
    own = rated[rated["ccn"] == "a"].set_index("year")
    assert own.loc[2019, "per_capita"] == 4000 * 50 / 100 / 0.5
    assert own["growth"].notna().tolist() == [False, False, True]
    assert own.loc[2019, "growth_inpatient"] == 0
    assert rated.loc[rated["ccn"] == "d", "growth"].isna().all()


def test_a_year_without_claims_has_people_and_no_dollars() -> None:
    cells = cube(("Kent", "", "a", 100, 50))
    cells.loc[cells["year"] == 2018, ["tcoc", *PARTS]] = float("nan")
    found = with_rates(by_hospital(cells, {}), "ccn", {2017: 1.0, 2018: 1.0}, LEAST)
    last = found[(found["year"] == 2018) & (found["ccn"] == "a")].iloc[0]
    assert last["benes"] == 100
    assert pd.isna(last["per_capita"])
    assert "a" in split_units(cells, GROUPS, LEAST)["ccn"]


def test_a_system_is_split_only_where_what_is_left_of_it_is_many() -> None:
    shown = split_units(
        cube(("Kent", "", "a", 200, 100), ("Kent", "", "b", 90, 30), ("Kent", "", "c", 9, 3),
             ("Kent", "", "d", 200, 100)),
        GROUPS, LEAST,
    )  # fmt: skip
    # c alone would be told as the system less a and b: b is left with it
    assert shown["ccn"] == {"a", "d", "system-s", "STATE"}


def test_the_state_less_its_hospitals_is_many_or_nobody() -> None:
    rows = [
        ("Kent", "", "d", 200.0, 100.0),
        ("Kent", "", "e", 60.0, 25.0),
        ("Cecil", "", "f", 9, 3),
    ]
    assert split_units(cube(*rows), GROUPS, LEAST)["ccn"] == {"d", "STATE"}
    assert split_units(cube(*rows[:2]), GROUPS, LEAST)["ccn"] == {"d", "e", "STATE"}
    assert split_units(cube(*rows), GROUPS, LEAST)["place"] == {MARYLAND}


@pytest.mark.parametrize(("others", "shown"), [(0.0, True), (5.0, False), (30.0, True)])
def test_an_aco_is_not_told_from_its_hospital_by_a_few(others: float, shown: bool) -> None:
    rows = [("Kent", "X", "a", 100.0, 50.0)] + [("Kent", "", "a", 40.0, others)] * (others > 0)
    assert ("X" in split_units(cube(*rows), GROUPS, LEAST)["aco_id"]) is shown


CELL = st.integers(1, 120).map(float)


@given(
    st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("pqr")), CELL, min_size=1)
)
def test_no_cell_and_no_rest_of_a_margin_is_small(people: dict[tuple[str, str], float]) -> None:
    cells = pd.DataFrame([(*k, n) for k, n in people.items()], columns=["ccn", "place", "benes"])
    may = cells["place"] != "r"
    kept = kept_cells(cells, [["ccn"], ["place"]], LEAST, may)
    assert (cells.loc[kept, "benes"] >= LEAST).all()
    assert not (kept & ~may).any()
    for key in ("ccn", "place"):
        for _, own in cells.groupby(key):
            named = own[kept[own.index]]
            rest = own["benes"].sum() - named["benes"].sum()
            assert named.empty or rest == 0 or rest >= LEAST
