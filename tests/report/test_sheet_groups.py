"""Sheets of systems, ACOs and counties, and the one picker that leads to them."""

import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tcoc.disclosure import Column, Draft, PublicTable, gate, write_csvs
from tcoc.report.html_page import groups_beside
from tcoc.report.index import render_index
from tcoc.report.render import render_report
from tcoc.report.sheet import LARGEST, ExactTable, Source, public_source, render_sheet
from tcoc.report.sheet_groups import groups, render_group
from tests.report import report_demo
from tests.report.made_up import made_up
from tests.report.test_index import MANIFEST, REPORT

OF = ("benes",)
BENES = Column("Beneficiaries", "count", unit="people")
DOLLARS = Column("Dollars", "dollars", of=OF)
PER_CAPITA = Column("Per capita", "per_capita", of=OF)
RATE = Column("Rate", "growth", of=OF, digits=3)
YEAR, LABEL = Column("Year", "year"), Column("Name", "label")
PARTS = ("", "_inpatient", "_outpatient", "_post_acute", "_clinicians")
SYSTEM, ACO, COUNTY, EMPTY = "system-s", "aco-x", "county-kent-county", "county-cecil-county"


def draft(name: str, keys: tuple[str, ...], rows: list[dict[str, Any]]) -> Draft:
    """Return a draft of 2018 whose columns are entered by what they are called."""
    frame = pd.DataFrame(rows).assign(year=2018)
    entries = {"year": YEAR, "rate_year": YEAR, "hospital": LABEL, "benes": BENES}
    for column in frame:
        if str(column).startswith("per_capita"):
            entries[str(column)] = PER_CAPITA
        elif str(column).startswith(("growth", "mpa_percent", "share")):
            entries[str(column)] = RATE
        elif str(column).startswith(("mpa_dollars", "dollars", "payments")):
            entries[str(column)] = DOLLARS
    kept = {str(c): entries[str(c)] for c in frame if str(c) in entries}
    return Draft(name=name, title=name, frame=frame, keys=("year", *keys), columns=kept)


def dollars(ccn: str, amount: float, benes: float = 1000.0) -> dict[str, Any]:
    found = {"rate_year": 2020, "ccn": ccn, "hospital": f"Hospital {ccn[-1]}", "benes": benes}
    return found | {"payments": 8e6, "mpa_dollars": amount, "mpa_percent": amount / 8e6}


def rates(level: float, growth: float) -> dict[str, Any]:
    found = {f"per_capita{part}": level + i for i, part in enumerate(PARTS)}
    return found | {f"growth{part}": growth for part in PARTS}


@pytest.fixture(scope="module")
def tables() -> dict[str, PublicTable]:
    """Return what a made-up run of a system, an ACO, and two counties published."""
    return group_tables()


def write_sheets(tables: dict[str, PublicTable], place: Path) -> list[str]:
    """Write the sheets of the made-up groups and hospitals into a folder; return their files."""
    place.mkdir(exist_ok=True)
    source = public_source(tables, run="demo")
    made = {name: render_group(source, group) for name, group in groups(source).items()}
    made |= {ccn: hospital_sheet(tables, ccn) for ccn in ("210008", "210009")}
    for name, text in made.items():
        (place / f"{name}.html").write_text(text)
    return list(made)


def group_tables() -> dict[str, PublicTable]:
    """Return the public tables of a system, an ACO, and two counties."""
    every = ["210008", "210009"]
    named = pd.DataFrame(
        [(SYSTEM, "system", "Sisters & Co", "Sisters & Co", " ".join(every)),
         (ACO, "aco", "Accountable X", "X1", "210009"),
         (COUNTY, "county", "Kent County", "Kent County", "210009"),
         (EMPTY, "county", "Cecil County", "Cecil County", "")],
        columns=["group", "kind", "name", "called", "hospitals"],
    )  # fmt: skip
    ends = {"dollars_low": -60_000.0, "dollars_high": 90_000.0}
    unsplit = {f"{rate}{part}": None for part in PARTS for rate in ("per_capita", "growth")}
    unsplit["per_capita"] = 14_000.0
    x1 = {"stage": "aco_like", "aco_id": "X1"}
    found = [
        Draft(name="groups", title="Groups", frame=named, keys=("group",), columns={}),
        draft("mpa_hospitals", ("ccn",),
              [dollars("210008", 30_111.0) | ends, dollars("210009", -12_222.0) | ends]),
        draft("mpa_system", ("ccn",), [dollars(SYSTEM, 17_889.0, 2000.0)]),
        draft("settings_by_hospital", ("ccn",), [
            {"ccn": "STATE", "hospital": "Maryland", "benes": 9000.0} | rates(11_000.0, 0.02),
            {"ccn": SYSTEM, "hospital": "Sisters & Co", "benes": 2000.0} | rates(12_000.0, 0.05),
            *({"ccn": c, "hospital": f"Hospital {c[-1]}", "benes": 1000.0} | rates(13_000.0, 0.07)
              for c in every),
        ]),
        draft("settings_by_aco", ("stage", "aco_id"), [x1 | {"benes": 4.0} | unsplit]),
        draft("settings_by_county", ("place",),
              [{"place": "Kent County", "benes": 700.0} | rates(15_000.0, -0.01)]),
        draft("systems_by_stage", ("ccn", "stage"),
              [{"ccn": SYSTEM, "stage": s, "benes": n, "share_of_group": n / 2000}
               for s, n in (("aco_like", 800.0), ("geographic", 1200.0), ("all", 2000.0))]),
        draft("counties_by_stage", ("place", "stage"),
              [{"place": "Kent County", "stage": s, "benes": 700.0, "share_of_group": 1.0}
               for s in ("geographic", "all")]),
        draft("aco_hospitals", ("stage", "aco_id", "ccn"),
              [x1 | {"ccn": c, "hospital": n, "benes": 4.0}
               for c, n in (("210009", "Hospital 9"), ("STATE", "all hospitals"))]),
        draft("homes_by_county", ("place", "ccn"),
              [{"place": p, "ccn": c, "hospital": n, "benes": b} for p, c, n, b in
               (("Kent County", "210009", "Hospital 9", 640.0),
                ("Kent County", "other hospitals", "Other hospitals", 60.0),
                ("elsewhere", "210009", "Hospital 9", 360.0))]),
        draft("acos_by_county", ("stage", "aco_id", "place"),
              [x1 | {"place": "elsewhere", "benes": 4.0}]),
    ]  # fmt: skip
    return dict(gate({"demo": found}).tables)


def sheet(tables: dict[str, PublicTable], group: str) -> str:
    source = public_source(tables, run="made-up", synthetic=True)
    return render_group(source, groups(source)[group])


def hospital_sheet(tables: dict[str, PublicTable], ccn: str) -> str:
    """Return a hospital's sheet of the tables that are whole here."""
    own = {name: t for name, t in tables.items() if name != "mpa_hospitals"}
    return render_sheet(public_source(own, run="made-up"), ccn, f"Hospital {ccn[-1]}")


def test_a_system_says_its_dollars_together_and_each_hospitals(
    tables: dict[str, PublicTable],
) -> None:
    shown = sheet(tables, SYSTEM)
    assert "the hospitals of Sisters &amp; Co, each judged alone, would come to $18,000" in shown
    assert shown.index("$30,000") < shown.index("−$12,000")
    assert "In 2018, 2,000 people are attributed to hospitals of Sisters &amp; Co." in shown
    assert "$12,001" in shown  # inpatient dollars per person, beside the state's
    assert "$11,001" in shown
    assert "Maryland +2.0%" in shown
    assert "Hospital 9: Kent County 640; other counties 360." in shown
    assert "../index.html#hospital=system-s" in shown
    assert len(shown.encode()) < LARGEST / 3


def test_a_county_has_the_dollars_of_its_one_hospital_and_people_by_hospital(
    tables: dict[str, PublicTable],
) -> None:
    shown = sheet(tables, COUNTY).replace('<span class="n">', "").replace("</span>", "")
    assert "the adjustment of Hospital 9, the one hospital, would come to −$12,000" in shown
    assert "700 people live in Kent County." in shown
    assert "Other hospitals" in shown
    assert "No hospital stands here" in sheet(tables, EMPTY)


def test_a_group_of_a_few_shows_no_number_of_its_own(tables: dict[str, PublicTable]) -> None:
    shown = sheet(tables, ACO).split("<main>")[1].split("</main>")[0]
    assert "hidden people are attributed through the clinicians" in shown
    assert "$14,000" not in shown
    assert "Too few people to split by setting." in shown


def test_a_hospital_has_its_settings_beside_the_state(tables: dict[str, PublicTable]) -> None:
    shown = hospital_sheet(tables, "210009")
    assert "Dollars per person by setting" in shown
    assert "$13,002" in shown
    assert "+7.0%" in shown


def test_exact_numbers_stand_in_the_confidential_edition_alone(
    tables: dict[str, PublicTable],
) -> None:
    exact = {name: ExactTable(t.columns, t.frame) for name, t in tables.items()}
    frame = tables["mpa_system"].frame.assign(mpa_dollars=17_889.25)
    exact["mpa_system"] = ExactTable(tables["mpa_system"].columns, frame)
    source = Source(exact, exact=True, run="made-up")
    shown = render_group(source, groups(source)[SYSTEM])
    assert "$17,889.25" in shown
    assert shown.count("Confidential: not for release</p>") == 2


# ---------------------------------------------------------------- the picker


@pytest.fixture(scope="module")
def folder(tables: dict[str, PublicTable], shown: Path, tmp_path_factory: Any) -> Path:
    """Return a run folder with a report, a cover, and sheets."""
    place = tmp_path_factory.mktemp("picked")
    write_csvs({**made_up(), **tables}, place / "tables")
    write_sheets(tables, place / "hospitals")
    shutil.copytree(shown / "notebooks", place / "notebooks")
    notebook = place / "notebooks" / "demo.ipynb"
    render_report(notebook, place / "demo.html", report_demo.FACTS)
    render_index(place, MANIFEST, [REPORT])
    return place


def test_the_picker_offers_the_groups_that_have_a_sheet(folder: Path) -> None:
    assert [c.label for c in groups_beside(folder)] == ["Health systems", "ACOs", "Counties"]
    for name in ("index.html", "demo.html"):
        page = (folder / name).read_text()
        assert '<optgroup label="Health systems">' in page
        assert 'data-hospitals="210008 210009"' in page
    cover = (folder / "index.html").read_text()
    assert 'href="hospitals/county-cecil-county.html"' in cover


@pytest.mark.pages
@pytest.mark.parametrize(
    ("choice", "dollars", "marked"),
    [
        ("210009", "rate year 2020: −$12,000", 1),
        ("system-s", "rate year 2020: $18,000", 2),
        ("county-kent-county", "rate year 2020: −$12,000", 1),
    ],
)
def test_one_choice_on_the_cover_says_the_dollars_and_holds_on_every_page(
    chromium: Any, folder: Path, choice: str, dollars: str, marked: int
) -> None:
    page = chromium.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.goto((folder / "index.html").as_uri())
    page.locator("#hospital").select_option(choice)
    # one choice: the dollars stand beside it, without another step
    assert dollars in page.locator(".picker output").inner_text()
    assert page.url.endswith(f"#hospital={choice}")
    page.locator('.answers a[href^="demo.html"]').first.click()
    page.wait_for_load_state()
    assert page.url.endswith(f"demo.html#hospital={choice}")
    assert page.locator("#hospital").input_value() == choice
    assert page.locator("#table-hospital_year tr.is-mine").count() == marked
    assert page.locator("#table-hospital_year > .mine").count() == 1
    page.locator(".picker a.sheet").click()
    page.wait_for_load_state()
    assert page.url.endswith(f"hospitals/{choice}.html#hospital={choice}")
    page.locator("header a").click()
    page.wait_for_load_state()
    assert page.locator("#hospital").input_value() == choice
    assert complaints == []
    page.close()


@pytest.mark.pages
@pytest.mark.parametrize("name", [SYSTEM, ACO, COUNTY, "210009"])
def test_a_sheet_prints_on_two_pages_and_has_no_barrier(
    chromium: Any, folder: Path, tmp_path: Path, name: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page = chromium.new_page()
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto((folder / "hospitals" / f"{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    found = axe.Axe().run(page).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:80]}" for v in found] == []
    page.pdf(path=str(tmp_path / "sheet.pdf"), prefer_css_page_size=True)
    sheets = re.findall(rb"/Type\s*/Page(?!s)\b", (tmp_path / "sheet.pdf").read_bytes())
    assert len(sheets) == 2
    page.close()
