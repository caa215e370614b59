"""A hospital's sheet: made of public tables alone, light, and whole without anything else."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tcoc.disclosure import Column, Draft, PublicTable, gate, read_csvs, write_csvs
from tcoc.errors import TcocError
from tcoc.params import load_policy
from tcoc.report import formats
from tcoc.report.sheet import (
    CONFIDENTIAL,
    LARGEST,
    ExactTable,
    Source,
    hospitals,
    public_source,
    render_sheet,
)
from tcoc.report.sheet_marks import Bar, Place, bars, zip_map

BENES = Column("Beneficiaries", "count", unit="people")
DOLLARS = Column("Dollars", "dollars", of=("benes",))
PER_CAPITA = Column("Per capita", "per_capita", of=("benes",))


@pytest.fixture(scope="module")
def tables() -> dict[str, PublicTable]:
    """Return what a made-up run of three hospitals published; the gate hides one of them."""
    mpa = pd.DataFrame(
        {
            "rate_year": 2020,
            "year": 2018,
            "ccn": ["210001", "210009", "210043"],
            "hospital": ["Alpha & Sons", "Beta", "Gamma"],
            "benes": [1200.0, 3400.0, 4.0],
            "benchmark": [12000.4, 11000.6, 9000.0],
            "performance": [11500.2, 11900.9, 9500.0],
            "result": [0.0417, -0.0818, -0.0555],
            "scaled": [0.005, -0.005, -0.004],
            "quality": [0.01, -0.012, 0.0],
            "mpa_percent": [0.005, -0.0049, -0.004],
            "payments": [6_000_000.0, 10_000_000.0, 50_000.0],
            "mpa_dollars": [30_111.0, -49_222.0, -200.0],
            "dollars_low": [-12_000.0, -60_000.0, -300.0],
            "dollars_high": [44_000.0, -9_000.0, 300.0],
            **{
                c: [-100_000.0, 200_000.0, 1.0]
                for c in ("zero_per_capita", "zero_dollars", "reward_cap_per_capita",
                          "reward_cap_dollars")
            },
        }
    )  # fmt: skip
    rate = Column("Rate", "growth", of=("benes",), digits=3)
    kinds = dict.fromkeys(("benchmark", "performance"), PER_CAPITA)
    kinds |= dict.fromkeys(("result", "scaled", "quality", "mpa_percent"), rate)
    money = [c for c in mpa if c not in kinds and pd.api.types.is_float_dtype(mpa[c])]
    kinds |= dict.fromkeys((str(c) for c in money if c != "benes"), DOLLARS)
    names = {"rate_year": Column("Rate year", "year"), "hospital": Column("Hospital", "label")}
    mpa_draft = Draft(
        name="mpa_hospitals",
        title="Adjustments",
        frame=mpa,
        keys=("year", "ccn"),
        columns={"benes": BENES, **names, **kinds},
    )
    homes = pd.DataFrame(
        {"year": 2018, "ccn": "210001", "zip": ["21740", "21742", "elsewhere"],
         "benes": [620.0, 380.0, 200.0]}
    )  # fmt: skip
    homes_draft = Draft(
        name="where_they_live",
        title="Homes",
        frame=homes,
        keys=("year", "ccn", "zip"),
        columns={"benes": BENES},
    )
    return gate({"demo": [mpa_draft, homes_draft]}, load_policy()).tables


def test_each_hospital_of_the_tables_has_a_sheet(tables: dict[str, PublicTable]) -> None:
    found = hospitals(public_source(tables))
    assert found == {"210001": "Alpha & Sons", "210009": "Beta", "210043": "Gamma"}


def test_a_sheet_says_the_dollars_and_whether_chance_could_turn_them(
    tables: dict[str, PublicTable],
) -> None:
    source = public_source(tables, run="made-up", synthetic=True)
    wide = render_sheet(source, "210001", "Alpha & Sons")
    assert "the adjustment would add $30,000 to Medicare" in wide
    assert "chance alone could turn a reward into a penalty" in wide
    narrow = render_sheet(source, "210009", "Beta")
    assert "the adjustment would take $49,000 from Medicare" in narrow
    assert "both ends are on the same side of zero" in narrow


def test_a_hidden_hospital_shows_no_number(tables: dict[str, PublicTable]) -> None:
    sheet = render_sheet(public_source(tables), "210043", "Gamma")
    assert "The adjustment of Gamma for rate year 2020 is hidden." in sheet
    body = sheet.split("<main>")[1].split("</main>")[0]
    assert not re.search(r"\$\d", body)
    assert not re.search(r'<rect class="(up|down)"', body)


def test_a_sheet_needs_nothing_else_and_names_are_escaped(tables: dict[str, PublicTable]) -> None:
    sheet = render_sheet(public_source(tables, run="made-up"), "210001", "Alpha & Sons")
    assert "Alpha &amp; Sons" in sheet
    assert "Alpha & Sons" not in sheet.split("<body>")[1]
    assert "<script" not in sheet
    links = re.findall(r'(?:href|src)="([^"]+)"', sheet)
    assert set(links) == {"data:,", "../index.html#hospital=210001"}
    assert len(sheet.encode()) < LARGEST / 3
    assert "21740 (620)" in sheet
    assert "elsewhere 200" in sheet


def test_a_number_of_no_public_table_stops_the_sheet(tables: dict[str, PublicTable]) -> None:
    source = public_source(tables, run="made-up")
    render_sheet(source, "210001", "Alpha & Sons")
    with pytest.raises(TcocError, match=r"\$30,111.* stands in no public table"):
        render_sheet(source, "210001", "Alpha & Sons", lists="<p>exactly $30,111</p>")


def test_what_did_not_pass_the_gate_makes_no_public_sheet(tables: dict[str, PublicTable]) -> None:
    exact = ExactTable(tables["mpa_hospitals"].columns, tables["mpa_hospitals"].frame)
    with pytest.raises(TcocError, match="mpa_hospitals did not pass the disclosure gate"):
        public_source({"mpa_hospitals": exact})  # type: ignore[dict-item]


def test_the_confidential_edition_is_exact_and_says_so_on_each_page(
    tables: dict[str, PublicTable],
) -> None:
    frame = tables["mpa_hospitals"].frame.assign(mpa_dollars=30_111.25)
    exact = ExactTable(tables["mpa_hospitals"].columns, frame)
    homes = ExactTable(tables["where_they_live"].columns, tables["where_they_live"].frame)
    sheet = render_sheet(
        Source({"mpa_hospitals": exact, "where_they_live": homes}, exact=True, run="made-up"),
        "210001",
        "Alpha & Sons",
    )
    assert "$30,111.25" in sheet
    pages = sheet.split('<section class="page')[1:]
    assert len(pages) == 2
    assert all(CONFIDENTIAL in page for page in pages)
    assert f'@top-center{{content:"{CONFIDENTIAL}"}}' in sheet


def test_published_tables_are_read_as_they_were_written(
    tables: dict[str, PublicTable], tmp_path: Path
) -> None:
    write_csvs(tables, tmp_path)
    again = read_csvs(tmp_path, [*tables, "absent"])
    assert set(again) == set(tables)
    for name, table in tables.items():
        assert (again[name].hidden == table.hidden).all(axis=None)
        for column, entry in table.columns.items():
            told = [
                [formats.write(entry, v) for v in of.frame[column]] for of in (again[name], table)
            ]
            assert told[0] == told[1]
        sheets = [render_sheet(public_source(of, run="r"), "210001", "A") for of in (tables, again)]
        assert sheets[0] == sheets[1]


def test_bars_share_an_axis_with_its_zero_and_a_hidden_one_has_none() -> None:
    drawn = bars("Dollars", [Bar("up", 10.0, "$10"), Bar("down", -10.0, "−$10"),
                             Bar("gone", None, "hidden")])  # fmt: skip
    assert drawn.count("<rect") == 2
    assert drawn.count('class="zero"') == 3
    ups = re.findall(r'class="(up|down)" x="([\d.]+)" y="3" width="([\d.]+)"', drawn)
    assert ups == [("up", "50.0", "49.00"), ("down", "1.0", "49.00")]
    assert bars("Nothing", []) == ""


def test_a_map_draws_land_and_people_with_words() -> None:
    drawn = zip_map([Place(39.3, -76.6, 40, "ZIP 21201: 40"), Place(39.4, -76.5, 10, "x")], "Map")
    radii = [float(r) for r in re.findall(r' r="([\d.]+)"', drawn)]
    assert radii[0] == pytest.approx(2 * radii[1], abs=1e-3)
    assert "<title>ZIP 21201: 40</title>" in drawn
    assert drawn.count("<path") > 2
