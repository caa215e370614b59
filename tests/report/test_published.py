"""Planted leaks in finished public files: each kind is found, and a clean run has none (D2, D4)."""

import base64
import json
import re
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from tcoc.disclosure import gate, read_csvs, write_csvs
from tcoc.errors import TcocError
from tcoc.identity import sha256
from tcoc.manifest import Manifest, Parameters
from tcoc.report.published import check_published, strange
from tcoc.report.workbook import write_workbook
from tcoc.run.release import release_run
from tests.disclosure.tables import hospitals
from tests.report.report_demo import RUN_FACTS

PAGE = """<!doctype html><html><head><style>.a{margin:1253px}</style></head><body>
<p>Of 750 people 250 are with a.</p><table><tr><td>250</td><td>‡</td></tr></table>
<svg viewBox="0 0 9173 11"><title>About 400 are with c</title><g aria-label="400"><text>400</text>
<text>2,500</text></g></svg></body></html>"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run folder: tables, record, a page, a notebook, a workbook and a manifest."""
    folder = tmp_path / "outputs" / "sample"
    (folder / "restricted").mkdir(parents=True)
    gated = gate({"y1": [hospitals({"a": 253, "b": 7, "c": 404, "d": 90})]})
    write_csvs(gated.tables, folder / "tables")
    gated.record.write(folder / "restricted")
    gated.log.to_parquet(folder / "restricted" / "hidden_cells.parquet")
    (folder / "y1.html").write_text(PAGE)
    notebook([], folder)
    workbook(folder, lambda sheet: None)
    manifest(folder)
    return folder


def manifest(folder: Path, **more: object) -> None:
    policy = [{"name": "disclosure.min_cell_size", "value": 11}]
    Manifest(
        run="sample", state="ok", parameters=Parameters(policy=policy),
        **{"tables": {"hospitals": 5}, **more},
    ).write(folder)  # fmt: skip


def notebook(outputs: list[dict], folder: Path, words: str = "Of 750 people.") -> None:
    cells = [
        {"cell_type": "markdown", "source": [words]},
        {"cell_type": "code", "source": ["release.show()"], "outputs": outputs},
    ]
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / "notebooks" / "y1.ipynb").write_text(json.dumps({"cells": cells}))


def workbook(folder: Path, spoil, **properties: str) -> None:
    book = xlsxwriter.Workbook(str(folder / "y1.xlsx"))
    book.set_properties({"title": "Year 1", **properties})
    sheet = book.add_worksheet("hospitals")
    sheet.write_number(0, 0, 250)
    sheet.write_string(0, 1, "‡")
    spoil(sheet)
    book.close()


def page(folder: Path, more: str) -> None:
    (folder / "y1.html").write_text(PAGE.replace("</body>", f"{more}</body>"))


def table(folder: Path, before: str, after: str) -> None:
    file = folder / "tables" / "hospitals.csv"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def output(mime: str, data: str, **told: str) -> dict:
    return {"output_type": "display_data", "data": {mime: [data]}, "metadata": {"tcoc": told}}


def download(text: str) -> str:
    return f'<a href="data:text/csv;base64,{base64.b64encode(text.encode()).decode()}">CSV</a>'


def test_a_run_that_says_what_its_tables_say_has_nothing_strange(run: Path) -> None:
    assert strange(run) == []
    check_published(run)


LEAKS = {
    "a hidden cell of a CSV is filled": lambda f: table(f, "2018,b,‡", "2018,b,7"),
    "a hidden cell of a CSV is drawn as zero": lambda f: table(f, "2018,b,‡", "2018,b,0"),
    "an unrounded count in a CSV": lambda f: table(f, "2018,a,250", "2018,a,253"),
    "a CSV that nobody gated": lambda f: (f / "tables" / "extra.csv").write_text("n\n1253\n"),
    "a formula in a CSV": lambda f: table(f, "2018,a", "2018,=A1"),
    "a sentence of a page": lambda f: page(f, "<p>In all 1,253 of them</p>"),
    "a small count in words": lambda f: page(f, "<p>with b are 7 beneficiaries</p>"),
    "an attribute": lambda f: page(f, '<p data-exact="1253">many</p>'),
    "a label for a screen reader": lambda f: page(f, '<p aria-label="1,253">many</p>'),
    "alt text": lambda f: page(f, '<img alt="Bars: b has 1,253">'),
    "a comment": lambda f: page(f, "<!-- exact: 1253 -->"),
    "a title in a drawing": lambda f: page(f, "<svg><rect><title>b: 1,253</title></rect></svg>"),
    "a text in a drawing": lambda f: page(f, "<svg><text>1,253</text></svg>"),
    "a download inside a page": lambda f: page(f, download("ccn,n\nb,1253\n")),
    "a drawing of its own": lambda f: (f / "b.svg").write_text("<svg><desc>1,253</desc></svg>"),
    "a figure's data": lambda f: (f / "b.csv").write_text("ccn,n\nb,1253\n"),
    "a print of a notebook": lambda f: notebook([{"output_type": "stream", "text": ["1253"]}], f),
    "a text form of an output": lambda f: notebook([output("text/plain", "b 1253")], f),
    "markup of an output": lambda f: notebook([output("text/html", "<td>1,253</td>")], f),
    "alt text of an output": lambda f: notebook([output("text/html", "", alt="b: 1,253")], f),
    "markdown of a notebook": lambda f: notebook([], f, "There are 1,253."),
    "a number in a workbook": lambda f: workbook(f, lambda s: s.write_number(5, 5, 1253)),
    "a formula in a workbook": lambda f: workbook(f, lambda s: s.write_formula(5, 5, "=1+A1")),
    "a word in a workbook": lambda f: workbook(f, lambda s: s.write_string(5, 5, "1,253 in b")),
    "a note in a workbook": lambda f: workbook(f, lambda s: s.write_comment(1, 1, "1,253 in b")),
    "a workbook's properties": lambda f: workbook(f, lambda s: None, comments="1,253 in b"),
    "rows of a restricted table in the manifest": lambda f: manifest(f, tables={"people": 754}),
    "a sentence of the manifest": lambda f: manifest(f, error="1,253 people"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LEAKS)
def test_a_planted_leak_is_found(run: Path, kind: str) -> None:
    LEAKS[kind](run)
    assert strange(run)
    with pytest.raises(TcocError, match="it is not released"):
        check_published(run)


def real_workbook(folder: Path, name: str = "y1") -> Path:
    """The workbook of the run's tables, beside them, as the kit writes it."""
    tables = read_csvs(folder / "tables")
    file = folder / "tables" / f"{name}.xlsx"
    write_workbook(tables.values(), RUN_FACTS, file, "Year 1")
    return file


def test_a_workbook_stands_beside_the_tables_of_its_report_alone(run: Path) -> None:
    real_workbook(run)
    assert strange(run) == []
    real_workbook(run, "other")
    assert [str(s) for s in strange(run)] == [
        "tables/other.xlsx: file: is no public table of the run"
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        # every number that is put in stands somewhere in the table: only its place is wrong
        (r'(<c r="C2"[^>]*><v>)250<', r"\g<1>400<", "row 1, benes: is not what the table says"),
        (r'(<c r="C3" s="\d+") t="s"><v>\d+<', r"\g<1>><v>90<", "row 2, benes: is not what"),
        (r'(<c r="C2" s="\d+"><v>)250</v></c>', r"\g<1></v></c>", "row 1, benes: is not what"),
        (r"</row></sheetData>", r'<c r="F6"><v>250</v></c></row></sheetData>', "F6: stands in no"),
    ],
)  # fmt: skip
def test_a_workbook_that_says_other_than_its_table_is_found(
    run: Path, before: str, after: str, said: str
) -> None:
    file = real_workbook(run)
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet2.xml"
    spoilt, times = re.subn(before, after, parts[sheet].decode())
    assert times == 1
    with zipfile.ZipFile(file, "w") as book:
        for name, content in {**parts, sheet: spoilt.encode()}.items():
            book.writestr(name, content)
    assert [s for s in map(str, strange(run)) if said in s]
    with pytest.raises(TcocError, match="it is not released"):
        check_published(run)


def test_a_release_reads_the_files_before_anything_is_handed_out(run: Path) -> None:
    page(run, "<p>In all 1,253 of them</p>")
    manifest(run, files={
        f.relative_to(run).as_posix(): sha256(f)
        for f in run.rglob("*")
        if f.is_file() and f.name != "manifest.json" and "restricted" not in f.parts
    })  # fmt: skip
    with pytest.raises(TcocError, match=r'y1.html: text of <p>: "1,253" stands in no public table'):
        release_run(run, "A. Checker")
    assert not (run.parent / "released").exists()
