"""The committed reports in a real browser: on a desktop, on a phone, and on paper."""

import sys
from pathlib import Path

import pytest

from tcoc.report.render import render_report
from tests.report import report_demo

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import print_pdf  # noqa: E402 - a tool, not a package

pytestmark = pytest.mark.pages

REPORTS = sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb"))
SHEET_OF_PAPER = 718  # pixels between the margins of a letter page
SMALLEST = 6.0  # points
COVER = 4  # pages of a cover, which is not among the committed reports

LOOK = """(width) => {
  const seen = e => e.getClientRects().length > 0;
  const named = e => (e.closest('figure, .tcoc-table, section[id]') || {id: e.tagName}).id;
  const pictures = [...document.querySelectorAll('.picture svg')].filter(seen);
  const boxes = [...document.querySelectorAll('*')].filter(e => !e.closest('svg')
    && e.clientWidth > 2 && e.scrollWidth > e.clientWidth + 2
    && getComputedStyle(e).overflowX !== 'visible');
  return {
    cropped: pictures.flatMap(s => {
      const box = s.getBoundingClientRect();
      if (box.left < -1 || box.right > width + 1) { return [named(s)]; }
      return [...s.querySelectorAll('text')].filter(t => {
        const b = t.getBoundingClientRect();
        return b.width && (b.left < box.left - 1 || b.right > box.right + 1
          || b.top < box.top - 1 || b.bottom > box.bottom + 1);
      }).map(t => named(s) + ': ' + t.textContent);
    }),
    sideways: document.documentElement.scrollWidth - width > 0 ? ['page'] : [],
    scrolling: width > 1000 ? boxes.map(named) : [],
    silent: boxes.filter(e => !e.classList.contains('more-right')).map(named),
    loose: boxes.filter(e => e.querySelector('tbody th')
      && getComputedStyle(e.querySelector('tbody th')).position !== 'sticky').map(named),
  };
}"""
# axe sees three rows of each table, which are like the others, and no inside of a picture, which
# it takes for one image: looking at all of them takes minutes and finds the same
THIN = """() => {
  document.querySelectorAll('details').forEach(d => d.open = true);
  document.querySelectorAll('tbody tr:nth-child(n+4), .picture svg > *').forEach(e => e.remove());
}"""
LETTERS = """() => [...document.querySelectorAll('.picture svg')]
  .filter(s => s.getClientRects().length).flatMap(s => {
    const box = s.getBoundingClientRect(), whole = s.viewBox.baseVal;
    const scale = Math.min(box.width / whole.width, box.height / whole.height);
    return [...s.querySelectorAll('text')].map(t => [
      s.closest('figure').id, parseFloat(getComputedStyle(t).fontSize) * scale * .75]);
  })"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages of the committed notebooks, as a run would write them."""
    out = tmp_path_factory.mktemp("reports")
    for name in REPORTS:
        render_report(ROOT / "notebooks" / f"{name}.ipynb", out / f"{name}.html", report_demo.FACTS)
    return out


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_a_report_is_quiet_whole_and_accessible(chromium, folder, name, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    heard = []
    page.on("request", lambda r: heard.append(r.url))
    page.on("console", lambda m: heard.append(m.text))
    page.on("pageerror", lambda e: heard.append(str(e)))
    address = (folder / f"{name}.html").as_uri()
    page.goto(address)
    assert [h for h in heard if h != address and not h.startswith("data:")] == []
    found = page.evaluate(LOOK, width)
    assert {fault: places for fault, places in found.items() if places} == {}
    page.evaluate(THIN)
    faults = axe.Axe().run(page).response["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:80]}" for v in faults] == []
    page.close()


@pytest.mark.parametrize("name", REPORTS)
def test_every_letter_on_paper_is_read_at_arms_length(chromium, folder, name, tmp_path):
    page = chromium.new_page(viewport={"width": SHEET_OF_PAPER, "height": 900})
    page.emulate_media(media="print")
    one = tmp_path / "reports.html"
    one.write_text(print_pdf.one_page([folder / f"{name}.html"]), encoding="utf-8")
    page.goto(one.as_uri())
    small = {figure: round(size, 1) for figure, size in page.evaluate(LETTERS) if size < SMALLEST}
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert small == {}
    assert wide <= SHEET_OF_PAPER, "the browser would shrink every page to fit the widest"


def test_all_reports_print_on_at_most_eighty_pages(chromium, folder, tmp_path):
    one, file = tmp_path / "reports.html", tmp_path / "reports.pdf"
    pages = [folder / f"{name}.html" for name in REPORTS]
    one.write_text(print_pdf.one_page(pages), encoding="utf-8")
    page = chromium.new_page()
    page.set_default_timeout(0)
    page.goto(one.as_uri())
    page.pdf(path=str(file), prefer_css_page_size=True)
    page.close()
    assert print_pdf.pages_of(file) <= print_pdf.MOST_PAGES - COVER
