"""Handing a run out: what is checked, what is written, and what is refused (rule D5)."""

import json
import zipfile

import pandas as pd
import pytest

from tcoc.disclosure import Column, Draft, gate, write_csvs
from tcoc.errors import InputError, TcocError
from tcoc.identity import sha256
from tcoc.manifest import Input, Manifest
from tcoc.paths import LEDGER
from tcoc.report.workbook import write_workbook
from tcoc.run.release import mark_not_released, read_ledger, release_run
from tests.disclosure.tables import hospitals
from tests.disclosure.test_attacks import record
from tests.report.report_demo import RUN_FACTS

STATE = {"a": 253, "b": 7, "c": 404, "d": 90}


def a_run(outputs, name="sample", counts=None, gated=None, store="1" * 64):
    """A finished run folder with its tables, its restricted record and its manifest."""
    folder = outputs / name
    (folder / "restricted").mkdir(parents=True)
    passed = gate({"y1": [hospitals(counts or STATE)]})
    write_csvs(passed.tables, folder / "tables")
    (folder / "index.html").write_text("<p>a page</p>")
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "y1.ipynb").write_text("{}")
    (gated or passed.record).write(folder / "restricted")
    passed.log.to_parquet(folder / "restricted" / "hidden_cells.parquet")
    files = {f.relative_to(folder).as_posix(): sha256(f) for f in folder.rglob("*")
             if f.is_file() and "restricted" not in f.parts}  # fmt: skip
    inputs = [Input(path="STORE/claims.parquet", sha256=store)]
    Manifest(run=name, state="ok", files=files, inputs=inputs).write(folder)
    mark_not_released(folder)
    return folder


def test_a_release_is_named_dated_summed_and_remembered(tmp_path):
    folder = a_run(tmp_path)
    assert not json.loads((folder / "release.json").read_text())["released"]
    target = release_run(folder, "A. Checker", "2026-05-31")
    assert json.loads((folder / "release.json").read_text()) == {
        "released": True, "edition": "stakeholder", "by": "A. Checker", "date": "2026-05-31",
    }  # fmt: skip
    lines = (target / "SHA256SUMS").read_text().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    assert sums["tables/hospitals.csv"] == sha256(target / "tables" / "hospitals.csv")
    assert not (target / "restricted").exists()
    assert not (target / "notebooks").exists()
    ledger = tmp_path / LEDGER
    assert ledger.stat().st_mode & 0o077 == 0
    assert [entry.by for entry in read_ledger(ledger)] == ["A. Checker"]


def test_the_review_sheet_says_what_is_hidden_and_why_and_stays_restricted(tmp_path):
    folder = a_run(tmp_path)
    release_run(folder, "A. Checker", edition="working")
    sheet = folder / "restricted" / "review.md"
    assert sheet.stat().st_mode & 0o077 == 0
    text = sheet.read_text()
    assert "small count" in text
    assert "ccn b, year 2018" in text
    second = a_run(tmp_path, "again", {**STATE, "d": 120})
    release_run(second, "A. Checker")
    assert "differs from release 1 (sample)" in (second / "restricted" / "review.md").read_text()


@pytest.mark.parametrize("edition", ["stakeholder", "working"])
def test_only_the_working_edition_has_notebooks(tmp_path, edition):
    target = release_run(a_run(tmp_path), "A. Checker", edition=edition)
    assert (target / "notebooks").exists() == (edition == "working")


@pytest.fixture
def unread(monkeypatch):
    """Public files whose numbers are made up: nobody holds them against tables."""
    monkeypatch.setattr("tcoc.report.published.check_published", lambda folder: None)


@pytest.mark.usefixtures("unread")
def test_a_release_that_discloses_by_difference_is_refused(tmp_path):
    release_run(a_run(tmp_path), "A. Checker", "2026-05-31")
    loose = record([hospitals(STATE)], {"count": 1e-6})
    folder = a_run(tmp_path, "visits", gated=loose)
    said = r"not released: .* together with release 1 of 2026-05-31"
    with pytest.raises(TcocError, match=said) as e:
        release_run(folder, "A. Checker")
    assert e.value.exit_status == 1
    assert not json.loads((folder / "release.json").read_text())["released"]
    assert len(read_ledger(tmp_path / LEDGER)) == 1


def test_another_store_is_no_earlier_edition(tmp_path):
    release_run(a_run(tmp_path), "A. Checker")
    other = a_run(tmp_path, "other", {"a": 251, "b": 30, "c": 404, "d": 90}, store="2" * 64)
    release_run(other, "A. Checker")
    assert "differs" not in (other / "restricted" / "review.md").read_text()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "extra.csv").write_text("7"), "extra.csv was not written by the run"),
        (lambda f: (f / "index.html").write_text("7 people"), "index.html was changed"),
        (lambda f: (f / "index.html").unlink(), "index.html is missing"),
        (lambda f: (f / "tables" / "x.txt").write_text("7"), "tables/x.txt was not written"),
    ],
)
def test_a_file_that_nobody_registered_is_refused(tmp_path, spoil, said):
    folder = a_run(tmp_path)
    spoil(folder)
    with pytest.raises(TcocError, match=said):
        release_run(folder, "A. Checker")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", "2026-05-31", "working"), "--by"),
        (("A", "31.5.2026", "working"), "--date"),
        (("A", "", "workin"), 'found "workin"; did you mean "working"'),
    ],
)
def test_arguments_that_are_not_usable(tmp_path, arguments, said):
    with pytest.raises(InputError, match=said):
        release_run(a_run(tmp_path), *arguments)


def test_a_run_that_is_not_finished_is_not_released(tmp_path):
    folder = a_run(tmp_path)
    Manifest(run="sample", state="failed").write(folder)
    with pytest.raises(InputError, match="is failed, expected a finished one"):
        release_run(folder, "A. Checker")


PAGE = """<ul class="facts"><li>Run <strong>sample</strong></li>
<li><span class="badge">Not released: for review</span></li></ul>
<nav><li><a href="#truth">Truth</a></li><li><a href="#savings">Savings</a></li></nav>
<section aria-labelledby="savings"><p>Published savings. An open dot is a number from memory.</p>
<figure id="figure-savings-dots"><svg><title>2014: 95% (from memory)</title></svg></figure>
<figure id="figure-hospitals-bars"><svg><title>Hospitals</title></svg></figure>
<table><tr><td>95</td><td>Recalled</td></tr><tr><td>116</td><td>Sourced</td></tr></table></section>
<section aria-labelledby="truth"><div id="table-planted_truth">truth</div></section>
<dl><dt>Data</dt><dd>Claims</dd><dt>Code</dt><dd>abc</dd></dl>"""


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("synthetic", [True, False])
def test_stakeholders_get_nothing_from_memory_no_truth_of_real_data_and_no_jargon(
    tmp_path, synthetic
):
    folder = a_run(tmp_path)
    (folder / "index.html").write_text(PAGE)
    (folder / "figures").mkdir()
    (folder / "figures" / "savings-dots.svg").write_text("<svg><title>95%</title></svg>")
    (folder / "figures" / "hospitals-bars.svg").write_text("<svg/>")
    (folder / "tables" / "savings.csv").write_text("v,confidence\n95,recalled\n116,sourced\n")
    files = {f.relative_to(folder).as_posix(): sha256(f) for f in folder.rglob("*")
             if f.is_file() and "restricted" not in f.parts
             and f.name not in ("release.json", "manifest.json")}  # fmt: skip
    Manifest(run="sample", state="ok", files=files, synthetic=synthetic).write(folder)
    target = release_run(folder, "A. Checker", "2026-05-31")
    page = (target / "index.html").read_text()
    for gone in ("memory", "95", "Recalled", "Run", "Code", "Not released"):
        assert gone not in page
    for kept in ("Published savings.", "116", "figure-hospitals-bars", "Released 2026-05-31"):
        assert kept in page
    assert ("table-planted_truth" in page) == synthetic
    assert ('href="#truth"' in page) == synthetic
    assert (target / "tables" / "savings.csv").read_text() == "v,confidence\n116,sourced\n"
    assert not (target / "figures" / "savings-dots.svg").exists()
    sums = (target / "SHA256SUMS").read_text()
    assert f"{sha256(target / 'index.html')}  index.html" in sums
    assert "savings-dots" not in sums


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("column", ["confidence", "basis"])
def test_the_workbooks_of_stakeholders_are_of_the_tables_that_they_get(tmp_path, column):
    folder, name = a_run(tmp_path), "y1_attribution"
    frame = pd.DataFrame({"part": list("abc"), "value": [9.5, 11.6, 2.1],
                          column: ["recalled", "sourced", "derived"]})  # fmt: skip
    columns = {"value": Column("Value", "number")}
    draft = Draft(name="savings", title="S", frame=frame, keys=("part",), columns=columns)
    tables = gate({name: [draft]}).tables
    write_csvs(tables, folder / "tables")
    write_workbook(tables.values(), RUN_FACTS, folder / "tables" / f"{name}.xlsx", "Year 1")
    RUN_FACTS.write(folder / "restricted")
    files = {f.relative_to(folder).as_posix(): sha256(f) for f in folder.rglob("*")
             if f.is_file() and "restricted" not in f.parts
             and f.name not in ("release.json", "manifest.json")}  # fmt: skip
    Manifest(run="sample", state="ok", files=files).write(folder)
    target = release_run(folder, "A. Checker", "2026-05-31")
    assert (
        target / "tables" / "savings.csv"
    ).read_text() == f"part,value,{column}\nb,11.6,sourced\n"
    with zipfile.ZipFile(target / "tables" / f"{name}.xlsx") as book:
        said = "".join(book.read(part).decode() for part in book.namelist())
    assert "11.6" in said
    for gone in ("9.5", "2.1<", "recalled", "derived", RUN_FACTS.name):
        assert gone not in said
    assert (target / "SHA256SUMS").stat().st_mode & 0o044
