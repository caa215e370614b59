"""The pages in a real browser: no request, no error, no barrier, no sideways scroll."""

import pytest

from tcoc.report import words
from tcoc.report.compare import compare_runs, render_comparison
from tcoc.report.index import render_index, render_portfolio
from tcoc.report.one_file import write_one_file
from tests.report.made_up import made_up
from tests.report.test_compare import with_dollars, write_run
from tests.report.test_index import MANIFEST, REPORT
from tests.report.test_sheet_groups import ACO, COUNTY, EMPTY, SYSTEM, group_tables, write_sheets

pytestmark = pytest.mark.pages

SHEETS = ("210009", SYSTEM, ACO, COUNTY, EMPTY)
PAGES = (
    "demo.html", "index.html", "compare.html", "runs/index.html", "everything.html",
    *(f"hospitals/{name}.html" for name in SHEETS),
)  # fmt: skip


@pytest.fixture(scope="module")
def pages(shown):
    render_index(shown, MANIFEST, [REPORT])
    runs = shown / "runs"
    one = with_dollars(write_run(runs, "a"))
    two = with_dollars(write_run(runs, "b", window="calendar_years", benes=(150, 1, 2)), 90.0)
    render_comparison(compare_runs(one, two), shown / "compare.html")
    render_portfolio(runs)
    write_sheets(group_tables(), shown / "hospitals")
    write_one_file(shown, ["demo"])
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
        file, _, anchor = name.partition("#")
        address = (pages / file).as_uri() + (f"#{anchor}" if anchor else "")
        page.goto(address)
        others = [
            url
            for url in requests
            if url.split("#")[0] != address.split("#")[0] and not url.startswith("data:")
        ]
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


@pytest.mark.parametrize("width", [1280, 375])
def test_no_figure_is_cropped_and_a_table_that_scrolls_says_so(visit, width):
    page, _, _ = visit("demo.html", width)
    cropped = page.evaluate(
        """() => [...document.querySelectorAll('.picture svg')].filter(s => s.offsetParent !== null
             || getComputedStyle(s).display !== 'none').flatMap(s => {
             const box = s.getBoundingClientRect();
             return [...s.querySelectorAll('text')].filter(t => {
               const b = t.getBoundingClientRect();
               return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1
                 || b.bottom > box.bottom + 1; })
             .map(t => s.closest('figure').id + ': ' + t.textContent) })"""
    )
    assert cropped == []
    silent = page.evaluate(
        """() => [...document.querySelectorAll('.tcoc-scroll')].filter(b => b.clientWidth
             && b.scrollWidth > b.clientWidth + 2 && !b.classList.contains('more-right'))
             .map(b => b.parentNode.id)"""
    )
    assert silent == []
    small = page.evaluate(
        """() => {
             const s = [...document.querySelectorAll('.picture svg')].filter(s => s.clientWidth);
             return Math.min(...s.map(s => s.clientWidth / s.viewBox.baseVal.width)) }"""
    )
    assert small > 1.2  # letters of 8.5 points and more are 10 pixels and more


def test_one_choice_marks_the_hospital_everywhere_and_is_carried_on(visit):
    page, _, complaints = visit("index.html", 1280)
    page.locator("#hospital").select_option("210008")
    assert page.url.endswith("#hospital=210008")
    page.locator(".answers a").first.click()
    page.wait_for_load_state()
    assert page.url.endswith("demo.html#hospital=210008")
    assert page.locator("#hospital").input_value() == "210008"
    assert page.locator("#table-hospital_year-210008.is-mine").count() == 1
    said = page.locator("#table-hospital_year > .mine").inner_text()
    assert said.startswith("Johns Hopkins: Per capita spending")
    figure = page.locator("#figure-hospital_year-bars > .mine").inner_text()
    assert figure.startswith("Johns Hopkins: MPA dollars −$")
    page.locator("nav.contents a").first.click()
    assert page.url.endswith("&hospital=210008")
    assert page.locator("#hospital").input_value() == "210008"
    page.locator("#hospital").select_option("")
    assert page.locator(".is-mine").count() == 0
    assert complaints == []


def test_the_what_if_shows_cells_of_the_table(visit):
    page, _, complaints = visit("demo.html#hospital=210008", 1280)
    table = made_up()["mpa_what_if"]
    page.get_by_role("combobox", name="Threshold").select_option(label="3.00%")
    page.get_by_role("combobox", name="Revenue at risk").select_option(label="1.00%")
    mine = table.where(threshold=0.03, revenue_at_risk=0.01)
    frame = mine.frame
    said = page.locator(".what-if dd").all_inner_texts()
    up = frame.mpa_dollars[frame.mpa_dollars > 0].sum()
    down = frame.mpa_dollars[frame.mpa_dollars < 0].sum()
    one = mine.value("mpa_dollars", ccn="210008")
    assert said == [
        words.dollars(up),
        words.dollars(down),
        words.dollars(up + down),
        words.dollars(one),
    ]
    assert complaints == []


def test_a_long_table_sorts_and_filters(visit):
    page, _, complaints = visit("demo.html", 1280)
    box = page.locator("#table-hospital_year")
    box.get_by_label("Filter rows").fill("medstar")
    assert box.locator("output").inner_text() == "6 of 47 rows"
    assert box.locator("tbody tr:visible").count() == 6
    box.get_by_label("Filter rows").fill("")
    box.get_by_role("button", name="Per capita spending").click()
    values = box.locator("tbody tr td:nth-child(2)").all_inner_texts()
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
