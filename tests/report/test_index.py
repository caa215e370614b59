import json

import pytest
from bs4 import BeautifulSoup

from tcoc.disclosure import write_csvs
from tcoc.params import PolicyUse
from tcoc.report.index import Report, render_index, render_portfolio
from tcoc.report.provenance import assumptions_html
from tests.report.made_up import made_up

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
        "run": {"years": [2017, 2018], "engine": "duckdb", "deliverables": ["demo", "other"]},
        "policy": [
            {
                "name": "attribution.window",
                "year": None,
                "value": {"calendar_years": 1},
                "status": "assumed",
                "rule": "A1",
                "source": "our reading",
                "description": "Window in which services count.",
                "replaced": False,
            },
        ],
    },
}
REPORT = Report(
    "demo",
    "Attribution",
    "Who is attributed where?",
    "Half of all <people> cost $1.",
    "the <board>",
)


@pytest.fixture(scope="module")
def index(shown):
    write_csvs(made_up(), shown / "tables")
    render_index(shown, MANIFEST, [REPORT], news="The window is new.")
    return BeautifulSoup((shown / "index.html").read_text(encoding="utf-8"), "html.parser")


def test_the_answers_come_first_each_with_its_report(index):
    answer = index.select_one("main .summary .answers li")
    assert answer.get_text().startswith("Half of all <people> cost $1.")
    assert answer.a["href"] == "demo.html"


def test_the_cover_says_who_should_read_what(index):
    card = index.select_one(".cards li")
    assert card.h3.get_text() == "Attribution"
    assert "Who is attributed where?" in card.get_text()
    assert "For the <board>." in card.get_text()
    assert "3.2" not in card.get_text()


def test_dates_completeness_news_and_citation_stand_on_the_cover(index):
    data = index.find(id="table-data") or index.find(id="data").find_parent("section")
    assert "claims 2012–2018" in data.get_text()
    assert "0.985" in data.get_text()
    assert "The window is new." in index.get_text()
    assert "Run demo" in index.find(id="cite").find_parent("section").get_text()


def test_without_words_of_the_deliverable_the_notebook_speaks(shown):
    render_index(shown, MANIFEST)
    page = BeautifulSoup((shown / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert "In 2018 the ACO-like stage took" in page.select_one(".answers li").get_text()
    assert page.select_one(".cards h3").get_text().startswith("Year 1 attribution")


def test_the_hospital_is_chosen_on_the_cover(index):
    options = index.select(".picker option")
    assert len(options) == 48
    assert [o["value"] for o in options if o.get_text() == "Johns Hopkins"] == ["210008"]


def test_every_public_table_is_listed_with_its_file(index, shown):
    rows = index.select("#downloads ~ details tbody tr")
    assert {r.th.a["href"] for r in rows} == {f"tables/{name}.csv" for name in made_up()}
    assert all((shown / r.th.a["href"]).is_file() for r in rows)


def test_assumptions_stand_on_the_front_page(index):
    table = index.find(id="table-assumptions")
    assert "calendar years: 1" in table.get_text()
    badges = [b.get_text() for b in index.find_all(class_="badge")]
    assert badges == ["Draft: rests on 1 assumed value", "Not released: for review"]


def test_an_answer_about_the_data_stands_with_the_data(shown):
    about = Report("demo", "Intake", "What is there?", "No check is red.", on_data=True)
    render_index(shown, MANIFEST, [about])
    page = BeautifulSoup((shown / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert page.select_one(".answers") is None
    data = page.find(id="data").find_parent("section").get_text()
    assert data.index("No check is red.") < data.index("Claims")


def test_assumptions_that_move_most_come_first():
    def use(name, year=None):
        facts = {"status": "assumed", "source": "s", "rule": "A1", "replaced": False}
        return PolicyUse(name=name, year=year, value=1, description=f"About {name}", **facts)

    uses = [use("a.small"), use("b.none"), use("c.large", 2020)]
    found = BeautifulSoup(
        assumptions_html(uses, {"a.small": 1000.0, "c.large": 5000.0}), "html.parser"
    )
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in found.select("tbody tr")]
    assert [row[:3] for row in rows] == [
        ["About c.large", "$5,000", "1 (2020)"],
        ["About a.small", "$1,000", "1"],
        ["About b.none", "–", "1"],
    ]
    assert "by what they move" in found.get_text()
    plain = BeautifulSoup(assumptions_html(uses, {}), "html.parser")
    assert [c.get_text() for c in plain.select("thead th")][:2] == ["What it says", "Value"]


def test_the_portfolio_lists_what_was_done_and_what_differs(tmp_path):
    for name, years in (("one", [2018]), ("two", [2017])):
        manifest = json.loads(json.dumps(MANIFEST))
        manifest["parameters"]["run"]["years"] = years
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / name / "index.html").write_text("x")
    (tmp_path / ".failed").mkdir()
    page = BeautifulSoup(render_portfolio(tmp_path).read_text(), "html.parser")
    assert [a["href"] for a in page.select(".cards h3 a")] == ["one/index.html", "two/index.html"]
    assert page.select_one(".cards p").get_text() == "Demo"
    assert "run.years" in page.find(id="table-differences").get_text()
