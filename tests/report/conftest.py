import shutil

import nbformat
import pytest

from tcoc.report.render import render_report
from tests.report import report_demo

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def shown(tmp_path_factory):
    """The demo release, shown once: its run folder, executed notebook and page."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "notebooks").mkdir()
    notebook = report_demo.demo_notebook(report_demo.demo_release())
    nbformat.write(notebook, folder / "notebooks" / "demo.ipynb")
    render_report(folder / "notebooks" / "demo.ipynb", folder / "demo.html", report_demo.FACTS)
    return folder


@pytest.fixture
def notebook(shown):
    return nbformat.read(shown / "notebooks" / "demo.ipynb", as_version=4)


@pytest.fixture(scope="session")
def chromium():
    """A browser without network, or a skip that says what is missing."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium: install it (Debian: apt install chromium) to look at the pages")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()
