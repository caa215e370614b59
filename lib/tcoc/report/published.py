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
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from tcoc.disclosure.files import DICTIONARY, DICTIONARY_CSV, MARK, escaped
from tcoc.disclosure.network import UNIT, keys_of
from tcoc.disclosure.record import Record
from tcoc.disclosure.table import OF_PEOPLE
from tcoc.errors import InputError, TcocError
from tcoc.report.guard import Known, small_count, strange_numbers

RESTRICTED = "restricted"
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
    tables = folder / "tables"
    found = [*_runs(folder), *_rows_told(folder), *_against_record(tables, folder / RESTRICTED)]
    known, added = _known(folder)
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
            root = ET.fromstring(book.read(part))  # noqa: S314 - a file that the kit wrote
            for element in root.iter():
                tag = element.tag.rpartition("}")[2]
                if tag == "f" and element.text:
                    yield Said(name, f"{part} formula", f"={element.text}")
                elif tag == "c" and element.get("t") != "s":
                    own = [v.text for v in element if v.tag.endswith("}v") and v.text]
                    yield from (Said(name, f"{part} {element.get('r')}", text) for text in own)
                elif tag in ("t", "title", "description", "subject", "keywords", "comments"):
                    yield Said(name, part, element.text or "")


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


def _known(folder: Path) -> tuple[Known, Known]:
    """The numbers of the public tables and of the run's parameters; and what a drawing adds up.

    A stack's end is the sum of its parts, which everybody can add up.
    """
    found = list(_frames(folder / "tables"))
    tables = [frame for _, frame in found]
    sums = [
        frame.groupby([k for k in facts["keys"] if k != key], as_index=False).sum(numeric_only=True)
        for facts, frame in found
        for key in facts["keys"]
        if len(facts["keys"]) > 1
    ]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    words = json.dumps(manifest.get("parameters", {}), ensure_ascii=False)
    numbers = [
        float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", words.replace(",", " "))
    ]
    return Known(map(_Frame, tables), numbers), Known(map(_Frame, sums))


@dataclass(frozen=True)
class _Frame:
    frame: pd.DataFrame


def _frames(tables: Path) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Yield each table's facts and cells: numbers as numbers, labels as text, hidden ones NA."""
    for name, facts in json.loads((tables / DICTIONARY).read_text(encoding="utf-8")).items():
        frame = pd.read_csv(tables / f"{name}.csv", dtype=str, keep_default_na=False)
        for column, entry in facts["columns"].items():
            if entry["kind"] not in ("key", "label", "year", "flag"):
                frame[column] = pd.to_numeric(frame[column].replace({MARK: None, "": None}))
        yield {**facts, "name": name}, frame


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


# ---------------------------------------------------------------- cells against the gate's record


def _against_record(tables: Path, restricted: Path) -> list[Strange]:
    """Tie each number of a table to the gate's own: inside its interval, hidden where it is."""
    record = Record.read(restricted).numbers
    listed = {f"{name}.csv" for name in _names(tables)} | {DICTIONARY, DICTIONARY_CSV}
    listed |= {f"{name}.xlsx" for name in _reports(tables)}
    found = [
        Strange(f"tables/{file.name}", "file", "is no public table of the run")
        for file in sorted(tables.iterdir())
        if file.name not in listed
    ]
    for facts, frame in _frames(tables):
        for column, entry in facts["columns"].items():
            if entry["kind"] in OF_PEOPLE:
                found += _column(facts, frame, column, entry["kind"], record)
    return found


def _rows_told(folder: Path) -> Iterator[Strange]:
    """Find row counts of restricted tables in the manifest: those are exact counts of people."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    public = _names(folder / "tables")
    for table in manifest.get("tables", {}):
        if table not in public:
            yield Strange("manifest.json", f"tables.{table}", "counts a restricted table's rows")


def _names(tables: Path) -> list[str]:
    file = tables / DICTIONARY
    if not file.is_file():
        raise InputError(f"{DICTIONARY}: the run has no public tables; run it again")
    return list(json.loads(file.read_text(encoding="utf-8")))


def _reports(tables: Path) -> set[str]:
    """Return the reports that have public tables: each has a workbook beside them."""
    content = json.loads((tables / DICTIONARY).read_text(encoding="utf-8"))
    return {str(facts.get("deliverable", "")) for facts in content.values()}


def _column(
    facts: Mapping[str, Any], frame: pd.DataFrame, column: str, kind: str, record: pd.DataFrame
) -> list[Strange]:
    universe = facts["universe"] or f"table {facts['name']}"
    own = record[(record["universe"] == universe) & (record["column"] == column)]
    keys = keys_of(frame, facts["keys"], facts["totals"])
    shown = pd.to_numeric(frame[column]).to_numpy(np.float64) / UNIT.get(kind, 1.0)
    cells = pd.DataFrame({"key": keys, "shown": shown, "row": np.arange(len(frame))})
    both = cells[np.isfinite(shown)].merge(own, on="key", how="left")
    # half a unit of the last digit shown is no other number; a wrong one is off by a step and more
    room = 1e-6 + 1e-9 * both["shown"].abs()
    digits = facts["columns"][column].get("digits")
    room += 0.51 * 10.0 ** -(digits or 0) / UNIT.get(kind, 1.0)
    fits = (both["shown"] >= both["lower"] - room) & (both["shown"] <= both["upper"] + room)
    fits &= ~both["hidden"].fillna(True).astype(bool)
    bad = sorted(set(both["row"]) - set(both.loc[fits, "row"]))
    return [
        Strange(
            f"tables/{facts['name']}.csv",
            f"row {row + 1}, {column}",
            "is not what the gate let out",
        )
        for row in bad
    ]
