"""The workbook of a report: what a spreadsheet user opens first, and that numbers are numbers."""

import re
import zipfile

import pandas as pd
import pytest

from tcoc.disclosure import Column, Draft, as_csv, gate
from tcoc.params import load_policy
from tcoc.report.workbook import number_format, write_workbook
from tests.report.made_up import made_up
from tests.report.report_demo import RUN_FACTS

pytest.importorskip("xlsxwriter", reason="xlsxwriter is not installed: no workbook is written")


def own():
    return [table for table in made_up().values() if table.deliverable == "demo"]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    file = tmp_path_factory.mktemp("books") / "demo.xlsx"
    write_workbook(own(), RUN_FACTS, file, "Year 1 attribution")
    return file


def inside(book, name):
    with zipfile.ZipFile(book) as opened:
        return opened.read(name).decode()


def strings(book):
    return re.findall(r"<t[^>]*>([^<]*)</t>", inside(book, "xl/sharedStrings.xml"))


def test_notes_come_first_and_the_dictionary_last(book):
    sheets = re.findall(r'<sheet name="([^"]+)"', inside(book, "xl/workbook.xml"))
    assert sheets == ["Notes", *(table.name for table in own()), "Dictionary"]


def test_the_notes_say_run_data_and_that_it_is_synthetic(book):
    said = strings(book)
    for words in ("demo", "claims 2012–2018", "People, clinicians and amounts are invented."):
        assert words in said


def test_a_hidden_cell_is_the_mark_and_a_number_is_a_number(book):
    sheets = re.findall(r'<sheet name="([^"]+)"', inside(book, "xl/workbook.xml"))
    sheet = inside(book, f"xl/worksheets/sheet{sheets.index('hospital_year') + 1}.xml")
    mark = strings(book).index("‡")
    row = re.search(r'<row r="36".*?</row>', sheet).group(0)
    assert '<c r="D36" s="' in row
    assert f"<v>{mark}</v>" in re.search(r'<c r="D36"[^>]*>.*?</c>', row).group(0)
    table = made_up()["hospital_year"]
    first = re.search(r'<c r="D2"[^>]*><v>([^<]+)</v>', sheet).group(1)
    assert float(first) == float(table.value("benes", ccn="210001"))


def test_a_cell_holds_what_the_csv_says_and_no_more_digits(tmp_path):
    table = pd.DataFrame({"year": [2018], "n": [9000], "good": [True], "share": [0.123]})
    columns = {
        "n": Column("N", "count"),
        "share": Column("Share", "share", base="n", digits=2),
    }
    draft = Draft(name="t", title="T", frame=table, keys=("year",), columns=columns)
    gated = gate({"demo": [draft]}, load_policy()).tables
    assert as_csv(gated["t"]).decode().splitlines()[1] == "2018,9000,True,0.12"
    file = tmp_path / "demo.xlsx"
    write_workbook(gated.values(), RUN_FACTS, file, "T")
    row = re.search(r'<row r="2".*?</row>', inside(file, "xl/worksheets/sheet2.xml")).group(0)
    assert re.findall(r"<v>([^<]+)</v>", row) == ["2018", "9000", "1", "0.12"]


def test_the_same_tables_give_the_same_bytes(book, tmp_path):
    again = tmp_path / "demo.xlsx"
    write_workbook(own(), RUN_FACTS, again, "Year 1 attribution")
    assert again.read_bytes() == book.read_bytes()


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (Column("Paid", "dollars"), "$#,##0;−$#,##0"),
        (Column("Share", "share", digits=3), "0.0%"),
        (Column("MPA", "percent", digits=4), "+0.00%;−0.00%;0.00%"),
        (Column("People", "count"), "#,##0"),
        (Column("Year", "year"), "0"),
        (Column("Name", "label"), ""),
    ],
)
def test_formats_are_those_of_the_page(column, code):
    assert number_format(column) == code


def test_a_cell_that_looks_like_a_formula_is_text_and_an_empty_column_is_no_error(tmp_path):
    table = pd.DataFrame(
        {"year": [2018, 2019], "note": ["=1+1", "@SUM(A1)"], "empty": [None, None]},
    )
    columns = {"note": Column("Note", "label"), "empty": Column("Empty", "label")}
    draft = Draft(name="odd", title="Odd", frame=table, keys=("year",), columns=columns)
    gated = gate({"demo": [draft]}, load_policy()).tables
    file = tmp_path / "demo.xlsx"
    write_workbook(gated.values(), RUN_FACTS, file, "Odd")
    said = strings(file)
    assert "'=1+1" in said
    assert "'@SUM(A1)" in said
    with zipfile.ZipFile(file) as opened:
        sheets = [name for name in opened.namelist() if "worksheets/sheet" in name]
        assert not any("<f>" in opened.read(name).decode() for name in sheets)
