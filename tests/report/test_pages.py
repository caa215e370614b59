"""The pages in a real browser: no request, no error, no barrier, no sideways scroll."""

import pytest

from tcoc.report.compare import compare_runs, render_comparison
from tcoc.report.index import render_index, render_portfolio
from tests.report.test_compare import write_run
from tests.report.test_index import MANIFEST

pytestmark = pytest.mark.pages

PAGES = ("demo.html", "index.html", "compare.html", "runs/index.html")


@pytest.fixture(scope="module")
def pages(shown):
    render_index(shown, MANIFEST)
    runs = shown / "runs"
    one, two = (
        write_run(runs, "a"),
        write_run(runs, "b", window="calendar_years", benes=(150, 1, 2)),
    )
    render_comparison(compare_runs(one, two), shown / "compare.html")
    render_portfolio(runs)
    return shown


@pytest.fixture
def visit(chromium, pages):
    """Open a page and return it with what it requested and complained about."""
    contexts = []

    def go(name, width, scheme="light"):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        contexts.append(context)
        page, requests, complaints = context.new_page(), [], []
        page.on("request", lambda r: requests.append(r.url))
        page.on("console", lambda m: complaints.append(m.text))
        page.on("pageerror", lambda e: complaints.append(str(e)))
        address = (pages / name).as_uri()
        page.goto(address)
        others = [url for url in requests if url != address and not url.startswith("data:")]
        return page, others, complaints

    yield go
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_a_page_is_quiet_accessible_and_fits(visit, name, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page, others, complaints = visit(name, width, scheme)
    assert others == []
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = axe.Axe().run(page).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:80]}" for v in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_long_table_sorts_and_filters(visit):
    page, _, complaints = visit("demo.html", 1280)
    box = page.locator("#table-hospital_year")
    box.get_by_label("Filter rows").fill("medstar")
    assert box.locator("output").inner_text() == "4 of 31 rows"
    assert box.locator("tbody tr:visible").count() == 4
    box.get_by_label("Filter rows").fill("")
    box.get_by_role("button", name="Per capita").click()
    values = box.locator("tbody tr td:nth-child(4)").all_inner_texts()
    numbers = [int(v.strip("$").replace(",", "")) for v in values[:-1]]
    assert numbers == sorted(numbers)
    assert values[-1] == "‡"
    assert box.locator("th[aria-sort=ascending]").count() == 1
    assert complaints == []


def test_the_skip_link_comes_first(visit):
    page, _, _ = visit("demo.html", 1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_page_prints_on_several_sheets(visit, tmp_path):
    page, _, _ = visit("demo.html", 1280)
    page.pdf(path=str(tmp_path / "p.pdf"), prefer_css_page_size=True)
    content = (tmp_path / "p.pdf").read_bytes()
    assert content.count(b"/Type /Page\n") >= 4


def test_the_style_page_shows_every_chart_type(tmp_path):
    from tcoc.report.style_page import EXAMPLES, render_style_page

    from tcoc.report import charts as figures

    charts = {name for name, f in vars(figures).items()
              if getattr(f, "__annotations__", {}).get("return") is figures.Picture}  # fmt: skip
    assert {example.function for example in EXAMPLES} == charts
    render_style_page(tmp_path / "style.html")
    assert (tmp_path / "style.html").read_text().count("<figure>") == len(charts)
