"""Rule R7: stayers, joiners, leavers and relinked panels add up to growth, whoever moves."""

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tcoc.rules.inference.moved import PARTS, growth_panels, growth_parts, panel_sums, part_cells
from tests.rules.risk.risk_support import PAIR, settings, unit_rows, world

ROW = {"year": 2015, "share": 1.0, "npi": None}


def _cells(people, rows):
    made = world(people)
    attribution = ibis.memtable(
        pd.DataFrame([{**ROW, **row} for row in rows]).astype({"npi": object}),
        schema={
            "year": "int32",
            "bene_id": "string",
            "ccn": "string",
            "share": "float64",
            "npi": "string",
        },
    )
    return part_cells(made.people(settings()), attribution, PAIR).to_pandas()


def _people(names, dollars):
    return [
        {"year": year, "bene_id": name, "tcoc": dollars[year][i]}
        for year in dollars
        for i, name in enumerate(names)
        if dollars[year][i] is not None
    ]


def test_each_kind_of_move_is_told_from_the_others():
    """A stays with a new clinician; B's clinician stays and moves; C leaves to another's panel."""
    people = _people("ABCD", {2015: [100, 200, 300, None], 2016: [110, 220, 330, 440]})
    rows = [
        {"bene_id": "A", "ccn": "210001", "npi": "1"},
        {"bene_id": "B", "ccn": "210001", "npi": "2"},
        {"bene_id": "C", "ccn": "210001", "npi": "2"},
        {"bene_id": "A", "ccn": "210001", "npi": "9", "year": 2016},
        {"bene_id": "B", "ccn": "210002", "npi": "2", "year": 2016},
        {"bene_id": "C", "ccn": "210002", "npi": "7", "year": 2016},
        {"bene_id": "D", "ccn": "210001", "npi": "7", "year": 2016},
    ]
    cells = _cells(people, rows)
    found = {(r.year, r.ccn): [] for r in cells.itertuples()}
    for r in cells.itertuples():
        found[r.year, r.ccn].append((r.part, float(r.dollars)))
    assert sorted(found[2015, "210001"]) == [("leavers", 300), ("relinked", 200), ("stayers", 100)]
    assert sorted(found[2016, "210001"]) == [("joiners", 440), ("stayers", 110)]
    assert sorted(found[2016, "210002"]) == [("joiners", 330), ("relinked", 220)]
    # Only 210001 has people in both years: 100 + 200 + 300 over three people, 110 + 440 over two.
    parts = growth_parts(cells, PAIR).set_index("part")
    assert set(parts["ccn"]) == {"210001"}
    assert parts["dollars"].sum() == pytest.approx(550 - 600)
    assert parts["per_capita"].sum() == pytest.approx(275 - 200)
    assert parts["contribution"].sum() == pytest.approx(275 / 200 - 1)
    # Who costs what the hospital did before contributes nothing: B cost 200, the base level.
    assert parts.loc["relinked", "contribution"] == pytest.approx(0)
    assert parts.loc["joiners", "per_capita"] == pytest.approx((440 - 200) / 2)
    assert parts.loc["leavers", "per_capita"] == pytest.approx(-(300 - 200) / 3)


cell = st.fixed_dictionaries(
    {
        "year": st.sampled_from([2015, 2016]),
        "ccn": st.sampled_from(["210001", "210002"]),
        "part": st.sampled_from(PARTS),
        "share": st.sampled_from([0.25, 1.0]),
        "people": st.integers(1, 9),
        "months": st.integers(1, 90),
        "dollars": st.integers(0, 10_000_000).map(lambda cents: cents / 100),
    }
)


@effort(deadline=None, max_examples=40)
@given(st.lists(cell, min_size=2, max_size=20))
def test_parts_add_up_to_the_growth_of_any_hospital(rows):
    cells = pd.DataFrame(rows)
    parts = growth_parts(cells, PAIR)
    for ccn, of in parts.groupby("ccn"):
        mine = cells[cells["ccn"] == ccn]
        sums = {
            year: (
                mine[mine["year"] == year][["months", "dollars"]].mul(mine["share"], axis=0).sum()
            )
            for year in (2015, 2016)
        }
        level = {y: 12 * s["dollars"] / s["months"] for y, s in sums.items()}
        assert len(of) == len(PARTS)
        assert of["per_capita"].sum() == pytest.approx(level[2016] - level[2015], abs=1e-6)
        assert of["dollars"].sum() == pytest.approx(
            sums[2016]["dollars"] - sums[2015]["dollars"], abs=0.005
        )


def test_a_panel_that_comes_whole_is_named():
    people = [
        {"year": y, "bene_id": f"B{i}", "ccn": "210001", "tcoc": 1000}
        for y in (2015, 2016)
        for i in range(20)
    ]
    people += [{"year": 2016, "bene_id": f"N{i}", "ccn": "210001", "tcoc": 9000} for i in range(3)]
    rows = world(people).rows(settings())
    units = unit_rows(rows.assign(unit=rows["bene_id"].str[0]), settings())
    found = growth_panels(panel_sums(units), PAIR)
    assert found[["unit", "moved"]].to_numpy().tolist() == [["N", "came"]]
    # Three of 23 people at 8,000 above the old level of 1,000.
    assert found["contribution"].iloc[0] == pytest.approx(3 * 8000 / 23 / 1000)
