"""What a page and a workbook are made of decides whether they are taken over, and nothing else."""

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from tcoc.cache import Cache
from tcoc.disclosure import PublicTable, write_public
from tcoc.folders import private
from tcoc.report.facts import RunFacts
from tcoc.report.release import Release
from tcoc.run import pages
from tcoc.run.pages import Pages
from tcoc.run.render import Job
from tests.report.made_up import made_up
from tests.report.report_demo import RUN_FACTS, executed

EFFECTS = {"attribution.window": 455_000.0, "attribution.hospital_use": 241_000.0}


def job_of(folder: Path, facts: RunFacts = RUN_FACTS) -> Job:
    """Lay out what the page `demo` is given."""
    public = private(folder / "public")
    write_public({"waterfall": table()}, public)
    facts.write(public)
    return Job("demo", folder / "source.ipynb", folder / "demo.ipynb", {}, public)


def table() -> PublicTable:
    return made_up()["waterfall"]


@pytest.mark.parametrize("part", ["nothing", "a number", "a word", "the title", "a note", "code"])
def test_a_workbook_is_taken_over_where_all_that_it_says_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    cache, written = Cache(tmp_path / "cache"), list[str]()
    write = pages.write_workbook

    def noted(tables: object, facts: RunFacts, out: Path, title: str) -> None:
        written.append(title)
        write(tables, facts, out, title)  # type: ignore[arg-type]

    noted.__module__ = write.__module__
    monkeypatch.setattr(pages, "write_workbook", noted)
    job, shown, title = job_of(tmp_path), table(), "Title"
    Pages([job], cache, False, {}).workbook(job, [shown], title, private(tmp_path / "one"))
    if part == "a number":
        shown = shown.where(year=2018)
        write_public({"waterfall": shown}, job.public)
    if part == "a word":
        shown = replace(shown, _frame=shown.frame, _hidden=shown.hidden, gate=_gate(), note="New.")
    if part == "a note":
        replace(RUN_FACTS, vintage="claims 2012–2019").write(job.public)
    if part == "code":
        monkeypatch.setattr(pages, "PAGES", ("python",))
    title = "Another" if part == "the title" else title
    again = private(tmp_path / "two")
    Pages([job], cache, False, {}).workbook(job, [shown], title, again)
    assert len(written) == (1 if part == "nothing" else 2)
    write([shown], RunFacts.read(job.public), tmp_path / "demo.xlsx", title)
    assert (again / "demo.xlsx").read_bytes() == (tmp_path / "demo.xlsx").read_bytes()


def _gate() -> object:
    from tcoc.disclosure import table as tables

    return tables._GATE


def assumptions_with(facts: RunFacts) -> nbformat.NotebookNode:
    """Return an executed notebook that shows its assumptions and one paragraph."""
    InteractiveShell.instance()
    release, code = Release({}, facts, "demo"), nbformat.v4.new_code_cell
    cells = [
        executed(release, 1, code("release.show_assumptions()"), lambda r: r.show_assumptions()),
        executed(release, 2, code("release.say('$5')"), lambda r: r.say("A paragraph.\n\nTwo.")),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return nbformat.v4.new_notebook(cells=cells)


def test_what_assumptions_move_is_said_in_a_page_as_if_it_had_been_executed_with_it(
    tmp_path: Path,
) -> None:
    """The MPA's sensitivity is no part of what a page is given: a change of it executes none."""
    job = job_of(tmp_path)
    job.target.write_text(nbformat.writes(assumptions_with(RUN_FACTS)))
    Pages([job], Cache(tmp_path / "cache"), False, EFFECTS).tell_effects(job)
    wanted = nbformat.writes(assumptions_with(RUN_FACTS.with_effects(EFFECTS)))
    assert job.target.read_text() == wanted
    assert "$455,000" in wanted


def test_no_effects_leave_a_page_as_it_is(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    before = nbformat.writes(assumptions_with(RUN_FACTS))
    job.target.write_text(before)
    Pages([job], Cache(tmp_path / "cache"), False, {"mpa.of_others": 5.0}).tell_effects(job)
    assert job.target.read_text() == before
