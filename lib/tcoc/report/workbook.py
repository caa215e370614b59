"""An Excel workbook per report: notes first, a sheet per public table, the dictionary last.

A cell holds what the same cell of the CSV says, numbers as numbers in the format that the pages
use; a hidden cell holds the mark. The same tables give the same bytes.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tcoc.disclosure import Column, PublicTable, cell_texts, escaped
from tcoc.report import formats, words
from tcoc.report.facts import RunFacts
from tcoc.report.tables import HIDDEN_NOTE, MARK

_SHEET = 31
_WIDEST, _NARROWEST = 44, 9
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook's date has no zone; none is shown


def write_workbook(tables: Iterable[PublicTable], facts: RunFacts, file: Path, title: str) -> None:
    """Write a report's workbook: notes, a sheet per table and the dictionary.

    `title` names the report as its page does.
    """
    import xlsxwriter

    chosen = list(tables)
    book = xlsxwriter.Workbook(str(file), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": title, "created": _EPOCH})
    styles = _Styles(book)
    sheets = sheet_names([table.name for table in chosen])
    _notes(book.add_worksheet("Notes"), styles, chosen, facts, title, sheets)
    for table in chosen:
        _table(book.add_worksheet(sheets[table.name]), styles, table)
    _dictionary(book.add_worksheet("Dictionary"), styles, chosen, sheets)
    book.close()


class _Styles:
    """The workbook's cell formats, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[str, Any] = {}
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format(
            {
                "bold": True,
                "text_wrap": True,
                "valign": "bottom",
                "bottom": 1,
                "bg_color": "#F4F6F8",
            }
        )
        self.wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self.hidden = book.add_format({"align": "right", "font_color": "#55616D"})

    def number(self, column: Column) -> Any:
        """Return the format in which a column's numbers are shown."""
        code = number_format(column)
        if code not in self._made:
            self._made[code] = self._book.add_format({"num_format": code} if code else {})
        return self._made[code]


def number_format(column: Column) -> str:
    """Return Excel's format code of a column: what a page shows, as a number that can be used."""
    digits = formats.digits_of(column)
    places = "." + "0" * digits if digits else ""
    if column.kind in ("dollars", "per_capita"):
        return f"$#,##0{places};−$#,##0{places}"
    if column.kind in ("growth", "percent"):
        return f"+0{places}%;−0{places}%;0{places}%"
    if formats.is_share(column):
        return f"0{places}%"
    if column.kind == "year":
        return "0"
    return f"#,##0{places}" if column.kind in formats.RIGHT else ""


def sheet_names(names: Iterable[str]) -> dict[str, str]:
    """Return a sheet's name for each table: Excel takes 31 letters, and none twice."""
    found: dict[str, str] = {}
    for name in names:
        sheet, number = re.sub(r"[\[\]:*?/\\]", " ", name)[:_SHEET], 2
        while sheet.lower() in {s.lower() for s in found.values()}:
            sheet, number = f"{name[: _SHEET - 3]} {number}", number + 1
        found[name] = sheet
    return found


def notes_of(facts: RunFacts) -> list[tuple[str, str]]:
    """Return what a reader must know before any number, each under its heading."""
    lines = [("Run", facts.name), ("Data", facts.data), ("Vintage", facts.vintage)]
    if facts.synthetic:
        lines.append(("Synthetic data", "People, clinicians and amounts are invented."))
    lines += [
        (f"Completion factor for {year}", words.number(factor))
        for year, factor in sorted(facts.completeness.items())
    ]
    lines += [("Rounding", "Numbers about people are rounded; parts need not add up to totals.")]
    lines += [
        ("Hidden cells", HIDDEN_NOTE),
        ("Dictionary", "The last sheet says what columns mean."),
    ]
    return [line for line in lines if line[1]]


def _notes(
    sheet: Any,
    styles: _Styles,
    tables: list[PublicTable],
    facts: RunFacts,
    title: str,
    sheets: Mapping[str, str],
) -> None:
    """Write what a reader must know before any number, and which sheet holds what."""
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 90)
    sheet.write_string(0, 0, title, styles.title)
    row = 2
    for label, said in notes_of(facts):
        sheet.write_string(row, 0, label, styles.wrap)
        sheet.write_string(row, 1, said, styles.wrap)
        row += 1
    row += 1
    for place, head in enumerate(("Sheet", "What it holds")):
        sheet.write_string(row, place, head, styles.head)
    for number, table in enumerate(tables, start=row + 1):
        about = " ".join(part for part in (f"{table.title}.", table.note) if part)
        sheet.write_url(number, 0, f"internal:'{sheets[table.name]}'!A1", string=sheets[table.name])
        sheet.write_string(number, 1, about, styles.wrap)


def _table(sheet: Any, styles: _Styles, table: PublicTable) -> None:
    """Write one public table: headings from the dictionary, numbers as numbers."""
    frame, texts = table.frame, cell_texts(table)
    for place, name in enumerate(map(str, frame.columns)):
        column = formats.column_of(table, name)
        unit = f" ({column.unit})" if column.unit and column.unit != column.label else ""
        sheet.write_string(0, place, column.label + unit, styles.head)
        style = styles.number(column)
        cells = zip(texts[name], frame[name].tolist(), strict=True)
        for row, (text, value) in enumerate(cells, start=1):
            _cell(sheet, row, place, text, value, style, styles.hidden)
        # a column of which nothing is there or shown has no longest cell
        longest = max((len(str(value)) for value in frame[name].dropna()), default=0)
        width = max(_NARROWEST, min(_WIDEST, max(longest, len(column.label) // 2) + 2))
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 1)
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)


def _cell(sheet: Any, row: int, place: int, text: str, value: Any, style: Any, mark: Any) -> None:
    if text == MARK:
        sheet.write_string(row, place, MARK, mark)
    elif not text:
        sheet.write_blank(row, place, None, style)
    elif isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, str):
        sheet.write_string(row, place, escaped(text))
    else:
        sheet.write_number(row, place, float(text), style)


def _dictionary(
    sheet: Any, styles: _Styles, tables: list[PublicTable], sheets: Mapping[str, str]
) -> None:
    """Write what each column of each sheet means."""
    heads = ("Sheet", "Column", "Name in the CSV", "Kind", "Unit", "What it means")
    for place, (head, width) in enumerate(zip(heads, (24, 30, 24, 12, 26, 80), strict=True)):
        sheet.write_string(0, place, head, styles.head)
        sheet.set_column(place, place, width)
    row = 1
    for table in tables:
        for name in map(str, table.frame.columns):
            entry = formats.column_of(table, name)
            cells = (
                sheets[table.name],
                entry.label,
                name,
                entry.kind,
                entry.unit,
                entry.description,
            )
            for place, said in enumerate(cells):
                sheet.write_string(row, place, escaped(said))
            row += 1
    sheet.freeze_panes(1, 0)
