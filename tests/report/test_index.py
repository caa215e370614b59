import json

import pytest
from bs4 import BeautifulSoup
from tcoc.report.audited import publish

from tcoc.report.index import render_index, render_portfolio
from tcoc.report.release import ABOUT
from tests.report import report_demo

MANIFEST = {
    "run": "demo",
    "state": "ok",
    "synthetic": True,
    "git_commit": "abc",
    "started": "2026-01-02T03:04:05+00:00",
    "versions": {"duckdb": "1.5"},
    "inputs": [{"path": "params/runs/demo.yml", "sha256": "0"}],
    "deliverables": {"demo": {"state": "ok", "seconds": 3.2, "peak_mb": 10.0}},
    "parameters": {
        "run": {"years": [2017, 2018], "engine": "duckdb", "deliverables": ["demo"]},
        "policy": [
            {"name": "attribution.window", "year": None, "value": {"calendar_years": 1},
             "status": "assumed", "rule": "A1", "source": "our reading",
             "description": "Window in which services count.", "replaced": False},
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def index(shown):
    publish(report_demo.demo_release().audited, shown / "tables")
    (shown / ABOUT).parent.mkdir(exist_ok=True)
    about = {
        "headlines": {"demo": "Half of all <beneficiaries> cost $1."},
        "vintage": "claims 2018",
    }
    (shown / ABOUT).write_text(json.dumps(about))
    render_index(shown, MANIFEST)
    return BeautifulSoup((shown / "index.html").read_text(encoding="utf-8"), "html.parser")


def test_each_deliverable_has_headline_picture_and_state(index):
    card = index.select_one(".cards li")
    assert card.h3.a["href"] == "demo.html"
    assert card.h3.get_text() == "Year 1 attribution under the Medicare Performance Adjustment"
    assert "Half of all <beneficiaries> cost $1." in card.get_text()
    assert "done, 3 s" in card.get_text()
    assert card.img["alt"]


def test_tables_are_listed_with_rows_and_hidden_cells(index, shown):
    rows = index.select("#data ~ .tcoc-table tbody tr")
    assert [r.th.a["href"] for r in rows] == [
        f"tables/{name}.csv" for name in ("home_zips", "hospital_year", "qp_scores", "waterfall")
    ]
    assert [td.get_text() for td in rows[1].find_all("td")][1:] == ["31", "5"]
    assert all((shown / r.th.a["href"]).is_file() for r in rows)


def test_assumptions_stand_on_the_front_page(index):
    table = index.find(id="table-assumptions")
    assert "calendar years: 1" in table.get_text()
    assert index.find(class_="badge").get_text() == "Draft: rests on 1 assumed value"


def test_the_portfolio_lists_runs_and_what_differs(tmp_path):
    for name, years in (("one", [2018]), ("two", [2017])):
        manifest = json.loads(json.dumps(MANIFEST))
        manifest["parameters"]["run"]["years"] = years
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / name / "index.html").write_text("x")
    (tmp_path / ".failed").mkdir()
    page = BeautifulSoup(render_portfolio(tmp_path).read_text(), "html.parser")
    assert [a["href"] for a in page.select(".cards h3 a")] == ["one/index.html", "two/index.html"]
    assert "run.years" in page.find(id="table-differences").get_text()
