"""Finished public files as an attacker reads them: every number that they say, and where (D2, D4).

CSV cells, texts and attributes of pages, titles and texts in drawings, downloads inside pages,
cells, notes and properties of workbooks, sources and outputs of notebooks, the manifest. Numbers
that stand in no public table are strange; so are cells of a CSV or workbook that a spreadsheet
runs, and table cells that say other than the gate let out.
"""

import base64
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from math import isclose
from pathlib import Path
from string import ascii_uppercase
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from tcoc.disclosure import PublicTable, cell_texts, escaped, read_csvs
from tcoc.disclosure.files import DICTIONARY, DICTIONARY_CSV
from tcoc.disclosure.network import UNIT, keys_of
from tcoc.disclosure.record import Record
from tcoc.disclosure.table import OF_PEOPLE, PLAIN
from tcoc.errors import TcocError
from tcoc.report.guard import Known, small_count, strange_numbers
from tcoc.report.workbook import sheet_names

RESTRICTED = "restricted"
NOT_LET_OUT = "is not what the gate let out"
_MUTE = ("style", "script")
_DOWNLOAD = re.compile(r"data:(?:text/csv|application/[\w.+-]+)[^,]*;base64,([A-Za-z0-9+/=]+)")
_HASH = re.compile(
    r"\b[0-9a-f]{7,64}(?:\+changes)?\b|\d{4}-\d\d-\d\d(?:[T ][\d:+.]+)?|\b\d+(?:\.\d+){2,}\b"
)
_TICK = re.compile(r"[−+-]?\$?(\d[\d,.]*)[\s\u00a0]?(%|K|M|B|million|billion|points?)?")


@dataclass(frozen=True)
class Said:
    """One text of a public file; `drawn` where it is text of a drawing, an axis among them."""

    file: str
    where: str
    text: str
    drawn: bool = False


@dataclass(frozen=True)
class Strange:
    """Something in a public file that stands in no public table, or not so."""

    file: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.where}: {self.what}"


def check_published(folder: Path) -> None:
    """Refuse a finished run of which a public file says what no public table does (TcocError)."""
    found = strange(folder)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise TcocError(f"{folder.name}: {found[0]}{more}; it is not released (rules D2, D4)")


def strange(folder: Path) -> list[Strange]:
    """Return all that the public files of a run folder say and its public tables do not."""
    tables = read_csvs(folder / "tables")
    found = [*_runs(folder), *_rows_told(folder, tables), *_unknown(folder, tables)]
    found += [*_against_record(folder, tables), *_against_tables(folder, tables)]
    known, added = _known(folder, tables)
    for said in read_published(folder):
        text = _HASH.sub(" ", said.text)
        lost = strange_numbers(text, known)
        if lost and said.drawn:
            lost = [] if _is_tick(said.text) else strange_numbers(text, added)
        found += [Strange(said.file, said.where, f'"{n}" stands in no public table') for n in lost]
        if few := small_count(said.text.replace("\n", " | ")):
            found.append(Strange(said.file, said.where, f"states a count of 1 to 10: {few}"))
    return found


# ---------------------------------------------------------------- reading


def read_published(folder: Path) -> Iterator[Said]:
    """Yield every text of the public files of a run folder, tables/*.csv aside."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if not file.is_file() or name.parts[0].startswith(".") or name.parts[0] == RESTRICTED:
            continue
        if name.parts[0] == "tables":
            continue
        reader = _READERS.get(file.suffix)
        if reader:
            yield from reader(name.as_posix(), file)


def _page(name: str, file: Path) -> Iterator[Said]:
    yield from _markup(name, "", file.read_text(encoding="utf-8"))


def _markup(name: str, where: str, text: str) -> Iterator[Said]:
    reader = _Reader()
    reader.feed(re.sub(r"</?(span|b|i|em|strong|tspan)\b[^>]*>", "", text))
    reader.close()
    for place, found, drawn in reader.found:
        if found.strip():
            yield Said(name, f"{where}{place}", found.strip(), drawn)
    for data in _DOWNLOAD.findall(text):
        yield from _cells(name, f"{where}download", base64.b64decode(data).decode())


def _cells(name: str, where: str, content: str) -> Iterator[Said]:
    for number, row in enumerate(csv.reader(io.StringIO(content)), start=1):
        yield from (Said(name, f"{where} row {number}", cell) for cell in row)


def _csv(name: str, file: Path) -> Iterator[Said]:
    yield from _cells(name, "", file.read_text(encoding="utf-8"))


class _Reader(HTMLParser):
    """The texts, comments and attributes of some markup, with the element that has them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, bool]] = []
        self.mute = self.drawing = 0
        self.tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.mute += tag in _MUTE
        self.drawing += tag == "svg"
        self.tag = tag
        for key, value in attrs:
            told = key in ("alt", "title", "value", "content", "placeholder", "label", "summary")
            told |= key.startswith(("aria-", "data-")) and key != "data-long"
            if value and told:
                self.found.append((f"{key} of <{tag}>", value, False))

    def handle_endtag(self, tag: str) -> None:
        self.mute -= tag in _MUTE
        self.drawing -= tag == "svg"

    def handle_data(self, data: str) -> None:
        if not self.mute:
            drawn = bool(self.drawing) and self.tag not in ("title", "desc")
            self.found.append((f"text of <{self.tag}>", data, drawn))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data, False))


def _notebook(name: str, file: Path) -> Iterator[Said]:
    content = json.loads(file.read_text(encoding="utf-8"))
    for number, cell in enumerate(content.get("cells", ()), start=1):
        where = f"cell {number}: "
        if cell["cell_type"] != "code":
            yield Said(name, where + "markdown", "".join(cell["source"]))
        for output in cell.get("outputs", ()):
            if "text" in output:
                yield Said(name, where + "stream", "".join(output["text"]))
            for mime, data in output.get("data", {}).items():
                if mime in ("text/html", "image/svg+xml"):
                    yield from _markup(name, where, "".join(data))
                elif mime == "text/csv":
                    yield from _cells(name, where + "download", "".join(data))
                elif mime.startswith("text/"):
                    yield Said(name, where + mime, "".join(data))
            told = output.get("metadata", {}).get("tcoc", {})
            yield from (
                Said(name, f"{where}{k}", str(told[k])) for k in ("title", "alt") if k in told
            )


def _workbook(name: str, file: Path) -> Iterator[Said]:
    with zipfile.ZipFile(file) as book:
        for part in sorted(book.namelist()):
            if not part.endswith(".xml") or part.endswith(("styles.xml", "theme1.xml")):
                continue
            for element in _elements(book, part):
                tag = _tag(element)
                if tag == "f" and element.text:
                    yield Said(name, f"{part} formula", f"={element.text}")
                elif tag == "c" and element.get("t") != "s":
                    own = [v.text for v in element if _tag(v) == "v" and v.text]
                    yield from (Said(name, f"{part} {element.get('r')}", text) for text in own)
                elif tag in ("t", "title", "description", "subject", "keywords", "comments"):
                    yield Said(name, part, element.text or "")


def _sheets(file: Path) -> dict[str, dict[str, str]]:
    """Return what each cell of a workbook says, by sheet and place: A1, B1, ..."""
    with zipfile.ZipFile(file) as book:
        texts = ["".join(e.itertext()) for e in _elements(book, "xl/sharedStrings.xml", "si")]
        names = [str(e.get("name")) for e in _elements(book, "xl/workbook.xml", "sheet")]
        found: dict[str, dict[str, str]] = {}
        for number, name in enumerate(names, start=1):
            found[name] = {}
            for cell in _elements(book, f"xl/worksheets/sheet{number}.xml", "c"):
                value = "".join(v.text or "" for v in cell if _tag(v) == "v")
                kind = cell.get("t")
                text = texts[int(value)] if kind == "s" else value
                found[name][str(cell.get("r"))] = (
                    ("False", "True")[text == "1"] if kind == "b" else text
                )
    return found


def _elements(book: zipfile.ZipFile, part: str, wanted: str = "") -> Iterator[ET.Element]:
    if part in book.namelist():
        root = ET.fromstring(book.read(part))  # noqa: S314 - a file that the kit wrote
        yield from (e for e in root.iter() if not wanted or _tag(e) == wanted)


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _plain_json(name: str, file: Path) -> Iterator[Said]:
    """The manifest, beside what it says of parameters, versions, sizes and checksums of files."""
    content = json.loads(file.read_text(encoding="utf-8"))
    free = (
        "parameters",
        "versions",
        "files",
        "inputs",
        "deliverables",
        "started",
        "finished",
        "isolation",
        "accepted",
        "ignored_reference_rows",
        "tables",
    )
    for key, value in content.items():
        if key not in free:
            yield from (Said(name, where, text) for where, text in _leaves(key, value))


def _leaves(where: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, own in value.items():
            yield from _leaves(f"{where}.{key}", own)
    elif isinstance(value, list):
        for own in value:
            yield from _leaves(where, own)
    elif value is not None and not isinstance(value, bool):
        yield where, str(value)


def _text(name: str, file: Path) -> Iterator[Said]:
    yield Said(name, "text", file.read_text(encoding="utf-8"))


_READERS = {
    ".html": _page, ".svg": _page, ".ipynb": _notebook, ".xlsx": _workbook, ".json": _plain_json,
    ".txt": _text, ".md": _text, ".csv": _csv,
}  # fmt: skip


def _is_tick(text: str) -> bool:
    """Whether a drawing's text is a round number, as axes have: at most three digits that count."""
    found = _TICK.fullmatch(text.strip())
    digits = found[1].replace(",", "").replace(".", "").strip("0") if found else "9999"
    return len(digits) <= 2 or (len(digits) == 3 and digits.endswith(("5", "25", "75")))


# ---------------------------------------------------------------- what is known


def _known(folder: Path, tables: Mapping[str, PublicTable]) -> tuple[Known, Known]:
    """The numbers of the public tables and of the run's parameters; and what a drawing adds up.

    A stack's end is the sum of its parts, which everybody can add up.
    """
    sums = [
        table.frame.groupby([k for k in table.keys if k != key])[
            [c for c, e in table.columns.items() if e.kind not in PLAIN]
        ].sum(numeric_only=True)
        for table in tables.values()
        for key in table.keys
        if len(table.keys) > 1
    ]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    words = json.dumps(manifest.get("parameters", {}), ensure_ascii=False)
    numbers = [
        float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", words.replace(",", " "))
    ]
    return Known(tables.values(), numbers), Known(map(_Frame, sums))


@dataclass(frozen=True)
class _Frame:
    frame: pd.DataFrame


def _runs(folder: Path) -> Iterator[Strange]:
    """Find cells of CSVs and workbooks that a spreadsheet would run (rule D4)."""
    for file in sorted(folder.glob("tables/*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.reader(lines), start=1):
                if any(escaped(cell) != cell for cell in row):
                    yield Strange(f"tables/{file.name}", f"row {number}", "a cell is a formula")
    for file in sorted(folder.rglob("*.xlsx")):
        name = file.relative_to(folder).as_posix()
        for said in _workbook(name, file):
            if said.where.endswith("formula"):
                yield Strange(name, said.where, "a cell is a formula")


# ---------------------------------------------------------------- what the gate let out


def _unknown(folder: Path, tables: Mapping[str, PublicTable]) -> Iterator[Strange]:
    """Find files beside the tables that are no table, nor a dictionary or workbook of some."""
    listed = {DICTIONARY, DICTIONARY_CSV, *(f"{name}.csv" for name in tables)}
    listed |= {f"{table.deliverable}.xlsx" for table in tables.values()}
    for file in sorted((folder / "tables").iterdir()):
        if file.name not in listed:
            yield Strange(f"tables/{file.name}", "file", "is no public table of the run")


def _rows_told(folder: Path, tables: Mapping[str, PublicTable]) -> Iterator[Strange]:
    """Find row counts of restricted tables in the manifest: those are exact counts of people."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for table in manifest.get("tables", {}):
        if table not in tables:
            yield Strange("manifest.json", f"tables.{table}", "counts a restricted table's rows")


def _against_record(folder: Path, tables: Mapping[str, PublicTable]) -> Iterator[Strange]:
    """Tie each number of a table to the gate's own: inside its interval, hidden where it is."""
    record = Record.read(folder / RESTRICTED).numbers
    of_column = dict(tuple(record.groupby(["universe", "column"])))
    for table in tables.values():
        keys = keys_of(table.frame, table.keys, table.totals)
        for column in table.of_kind(*OF_PEOPLE):
            own = of_column.get((table.counted, column), record.iloc[:0])
            yield from (
                Strange(f"tables/{table.name}.csv", f"row {row + 1}, {column}", NOT_LET_OUT)
                for row in _wrong_rows(table, column, keys, own)
            )


def _wrong_rows(table: PublicTable, column: str, keys: np.ndarray, own: pd.DataFrame) -> list[int]:
    """Return the rows in which a column is not as the record of the gate has it."""
    entry, unit = table.columns[column], UNIT.get(table.columns[column].kind, 1.0)
    shown = pd.to_numeric(table.frame[column]).to_numpy(np.float64, na_value=np.nan) / unit
    cells = pd.DataFrame({"key": keys, "shown": shown, "row": np.arange(len(shown))})
    both = cells[np.isfinite(shown)].merge(own, on="key", how="left")
    # half a unit of the last digit shown is no other number; a wrong one is off by a step and more
    room = 1e-6 + 1e-9 * both["shown"].abs() + 0.51 * 10.0 ** -(entry.digits or 0) / unit
    fits = (both["shown"] >= both["lower"] - room) & (both["shown"] <= both["upper"] + room)
    fits &= ~both["hidden"].fillna(True).astype(bool)
    return sorted(set(both["row"]) - set(both.loc[fits, "row"]))


def _against_tables(folder: Path, tables: Mapping[str, PublicTable]) -> Iterator[Strange]:
    """Tie each cell of a workbook to its table's, and find cells that no table has (rule D4)."""
    for file in sorted((folder / "tables").glob("*.xlsx")):
        sheets, own = _sheets(file), [t for t in tables.values() if t.deliverable == file.stem]
        for name, sheet in sheet_names([table.name for table in own]).items():
            said, texts = sheets.get(sheet, {}), cell_texts(tables[name])
            for place, column in enumerate(map(str, texts)):
                for row, text in enumerate(texts[column], start=1):
                    found = said.pop(f"{_letters(place)}{row + 1}", "")
                    if found != escaped(text) and not _same_number(found, text):
                        where = f"{sheet}, row {row}, {column}"
                        yield Strange(f"tables/{file.name}", where, "is not what the table says")
            for cell in (c for c, text in said.items() if text and c.strip(ascii_uppercase) != "1"):
                yield Strange(f"tables/{file.name}", f"{sheet}, {cell}", "stands in no table")


def _same_number(one: str, other: str) -> bool:
    """Whether two texts are one number, as far as a spreadsheet keeps digits."""
    try:
        return isclose(float(one), float(other), rel_tol=1e-14)
    except ValueError:
        return False


def _letters(place: int) -> str:
    """Return a column's letters in a spreadsheet: A, ..., Z, AA, ..."""
    before, own = divmod(place, 26)
    return (_letters(before - 1) if before else "") + ascii_uppercase[own]
