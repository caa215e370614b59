import re

import nbformat
import pytest
from bs4 import BeautifulSoup

from tcoc.errors import TcocError
from tcoc.report import html_page
from tcoc.report.render import LARGEST_PAGE, count_assertions, render_report
from tests.report import report_demo


@pytest.fixture(scope="module")
def page(shown):
    return (shown / "demo.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def soup(page):
    return BeautifulSoup(page, "html.parser")


def test_the_page_asks_nobody_for_anything(page, soup):
    for tag in soup.find_all(True):
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            target = str(tag.get(name, ""))
            assert not re.match(r"(https?:)?//", target), f"{tag.name} {name}"
    style = "".join(tag.text for tag in soup.find_all("style"))
    assert not re.search(r"url\((?!data:)", style)
    assert "@import" not in style
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'")


def test_the_page_is_small(page):
    assert len(page.encode()) < LARGEST_PAGE


def test_source_and_parameters_are_not_shown(soup):
    text = soup.get_text(" ")
    assert "assert shares_sum_to_one" not in text
    assert 'public = ""' not in text


def test_every_picture_is_text_with_an_alternative_and_a_caption(soup):
    figures = soup.find_all("figure")
    assert len(figures) == 14
    for figure in figures:
        wide, narrow = figure.select(".picture > svg")
        assert (wide["class"], narrow["class"]) == (["wide"], ["narrow"])
        for picture in (wide, narrow):
            assert picture["role"] == "img"
            assert len(picture["aria-label"]) > 20
            assert picture.find("text")
            assert picture.select("title")
        assert figure.find("figcaption").get_text(strip=True)
        assert figure.find("a", class_="number")["href"] == "#" + figure["id"]
    assert soup.find_all("img") == []


def test_marks_of_figures_and_rows_carry_their_hospital(soup):
    marked = soup.select('[data-ccn="210008"]')
    assert {tag.name for tag in marked} >= {"tr", "g"}
    titles = [tag.title.get_text() for tag in marked if tag.find("title")]
    assert any(t.startswith("Johns Hopkins: Per capita spending $") for t in titles)
    assert soup.find(id="table-hospital_year-210008").name == "tr"


def test_figures_are_written_once_with_their_data_and_words(shown, soup):
    folder = shown / "figures"
    names = {figure["id"].removeprefix("figure-") for figure in soup.find_all("figure")}
    assert {f.name for f in folder.iterdir()} == {
        f"{name}.{ending}" for name in names for ending in ("svg", "csv", "txt")
    }


def test_every_table_has_a_caption_and_scoped_headings(soup):
    tables = soup.find_all("table")
    assert len(tables) >= 9
    for table in tables:
        assert table.caption.get_text(strip=True)
        assert all(th.get("scope") in ("col", "row", "colgroup") for th in table.find_all("th"))
        region = table.find_parent(class_="tcoc-scroll")
        assert region["tabindex"] == "0"
        assert soup.find(id=region["aria-labelledby"])


def test_anchors_are_unique_and_contents_lead_to_them(soup):
    anchors = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(anchors) == len(set(anchors))
    links = [a["href"] for a in soup.select("nav.contents a")]
    assert len(links) == 8
    assert all(link[1:] in anchors for link in links)


def test_landmarks_language_skip_link_and_order(soup):
    assert soup.html["lang"] == "en-US"
    assert soup.find("a", class_="skip")["href"] == "#" + soup.main["id"]
    assert len(soup.find_all("h1")) == 1
    assert soup.header
    assert soup.footer
    order = soup.main.find_all(["section", "nav"])
    assert order[0]["class"] == ["summary"]
    assert order[1].name == "nav"


def test_synthetic_data_and_draft_are_marked(page, soup):
    assert "Synthetic data." in soup.find(class_="banner").get_text()
    assert '@top-center { content: "Synthetic data' in page
    badge, released = soup.find_all(class_="badge")
    assert released.get_text() == "Not released: for review"
    assert badge.get_text() == "Draft: rests on 3 assumed values"
    assert soup.find(id=badge.a["href"][1:])


def test_the_footer_says_where_the_numbers_come_from(soup):
    text = soup.footer.get_text(" ")
    for part in ("demo", "claims 2012–2018", "0123456789", "duckdb 1.5.6", "tcoc run params"):
        assert part in text
    assert "3 assertions of the notebook held" in text


def test_hidden_cells_show_a_mark_and_no_number(soup):
    row = soup.find(id="table-hospital_year-210035")
    assert row.th.get_text() == "McCready 210035"
    assert [td.get_text() for td in row.find_all("td")] == ["‡"] * 6
    assert "‡ Hidden" in soup.find(id="table-hospital_year").get_text()


def test_a_column_of_one_value_is_said_in_the_caption(soup):
    table = soup.find(id="table-hospital_year")
    heads = [th.get_text() for th in table.select("thead th")]
    assert "Year" not in heads
    assert table.select_one(".tcoc-unit").get_text() == "2018"


def test_years_stand_across_under_what_they_measure(soup):
    table = soup.find(id="table-waterfall")
    upper, lower = table.select("thead tr")
    assert [th.get_text() for th in upper.find_all("th")] == [
        "Stage",
        "Beneficiaries",
        "Share of beneficiaries",
    ]
    assert [th.get_text() for th in lower.find_all("th")] == [str(y) for y in range(2013, 2019)] * 2


def test_a_long_grid_shows_its_first_rows_and_names_the_file(soup):
    table = soup.find(id="table-home_zips")
    assert len(table.select("tbody tr")) == 60
    assert "more rows in the data file" in table.get_text()


def test_an_amount_is_one_piece(soup):
    amounts = [n.get_text() for n in soup.select("#table-hospital_year td .n")]
    assert any(a.startswith("−$") for a in amounts)
    assert not any(a == "$" for a in amounts)


def test_the_same_notebook_gives_the_same_bytes(shown, tmp_path, page):
    source = shown / "notebooks" / "demo.ipynb"
    render_report(source, tmp_path / "again.html", report_demo.FACTS)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_a_manifest_gives_the_same_facts(shown, tmp_path):
    manifest = {
        "run": "demo",
        "synthetic": False,
        "git_commit": "abc",
        "versions": {"duckdb": "1.5"},
        "inputs": [{"path": "params/runs/demo.yml", "sha256": "0"}],
        "parameters": {
            "run": {"years": [2018], "engine": "duckdb", "name": "demo"},
            "policy": [
                {
                    "name": "tcoc.x",
                    "year": None,
                    "value": 3,
                    "status": "assumed",
                    "rule": "T2",
                    "source": "run file",
                    "description": "X.",
                    "replaced": True,
                },
            ],
        },
    }
    render_report(shown / "notebooks" / "demo.ipynb", tmp_path / "m.html", manifest)
    soup = BeautifulSoup((tmp_path / "m.html").read_text(), "html.parser")
    assert soup.find(class_="banner") is None
    assert "tcoc.x = 3" in soup.footer.get_text(" ")
    assert "tcoc run params/runs/demo.yml" in soup.footer.get_text(" ")


def test_a_cell_that_was_not_executed_stops_the_page(notebook, tmp_path):
    notebook.cells[4].execution_count = None
    with pytest.raises(TcocError, match="cell 5 was not executed"):
        _render(notebook, tmp_path)


def test_an_error_in_a_cell_stops_the_page(notebook, tmp_path):
    error = nbformat.v4.new_output("error", ename="E", evalue="v", traceback=["t"])
    notebook.cells[4].outputs.append(error)
    with pytest.raises(TcocError, match="cell 5 ended in an error"):
        _render(notebook, tmp_path)


@pytest.mark.parametrize("kind", ["display_data", "execute_result"])
def test_output_that_went_around_the_gate_stops_the_page(notebook, tmp_path, kind):
    extra = {"execution_count": 1} if kind == "execute_result" else {}
    output = nbformat.v4.new_output(kind, {"text/html": "<table></table>"}, **extra)
    notebook.cells[4].outputs.append(output)
    with pytest.raises(TcocError, match="did not pass the disclosure gate"):
        _render(notebook, tmp_path)
    assert not (tmp_path / "x.html").exists()


def test_a_page_that_is_too_large_is_refused(notebook, tmp_path):
    notebook.cells.append(nbformat.v4.new_markdown_cell("word " * 500_000))
    with pytest.raises(TcocError, match="at most 2,000,000"):
        _render(notebook, tmp_path)


def test_prints_and_warnings_are_left_out(notebook, tmp_path):
    stream = nbformat.v4.new_output("stream", name="stderr", text="SECRET WARNING")
    notebook.cells[4].outputs.append(stream)
    _render(notebook, tmp_path)
    assert "SECRET" not in (tmp_path / "x.html").read_text()


def test_headings_give_unique_anchors():
    taken: set[str] = set()
    made = [html_page.slug(title, taken) for title in ("A & b", "A b", "<em>A</em> b", "???")]
    assert made == ["a-b", "a-b-2", "a-b-3", "section"]


def test_assertions_are_counted():
    assert count_assertions("x = 1\nassert x\nassert x == 1, 'no'") == 2


def _render(notebook, folder):
    nbformat.write(notebook, folder / "x.ipynb")
    render_report(folder / "x.ipynb", folder / "x.html", report_demo.FACTS)
