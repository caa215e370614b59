"""Public tables as files: Parquet for the notebooks' process, CSV and dictionary for readers."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from tcoc.disclosure.rounding import rounded_to
from tcoc.disclosure.table import Column, Facts, PublicTable, admit
from tcoc.errors import InputError

DICTIONARY, DICTIONARY_CSV = "dictionary.json", "dictionary.csv"
MARK = "‡"
"""The one public mark of a hidden cell, the same for every reason (rule D1)."""

_FORMULA = re.compile(r"[=@\t\r]|[+-](?!(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$)", re.IGNORECASE)
_HEADS = ["table", "column", "label", "kind", "unit", "key", "of", "base", "digits", "description"]


def write_public(tables: Mapping[str, PublicTable], folder: Path) -> None:
    """Write tables for the process that renders: NAME.parquet, with what is hidden; dictionary."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        marks = table.hidden.add_prefix(MARK)
        sides = [_plain(table.frame), marks.iloc[:, np.flatnonzero(marks.to_numpy().any(axis=0))]]
        pd.concat(sides, axis=1).to_parquet(folder / f"{name}.parquet", index=False)
    write_dictionary(tables, folder)


def read_public(folder: Path) -> dict[str, PublicTable]:
    """Read what `write_public` wrote; InputError where there is nothing."""
    tables = {}
    for name, facts in read_dictionary(folder).items():
        cells = pd.read_parquet(folder / f"{name}.parquet")
        own = list(facts.columns)
        hidden = cells.drop(columns=own).rename(columns=lambda mark: mark.removeprefix(MARK))
        tables[name] = admit(facts, cells[own], hidden)
    return tables


def write_csvs(tables: Mapping[str, PublicTable], folder: Path) -> None:
    """Write tables/NAME.csv with dictionary.json and dictionary.csv (rule D4)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        (folder / f"{name}.csv").write_bytes(as_csv(table))
    write_dictionary(tables, folder)
    rows = [
        {"table": name, "column": column, **asdict(entry), "key": column in table.keys,
         "of": " ".join(entry.of), "digits": "" if entry.digits is None else str(entry.digits)}
        for name, table in tables.items()
        for column, entry in table.columns.items()
    ]  # fmt: skip
    (folder / DICTIONARY_CSV).write_bytes(_csv({c: [row[c] for row in rows] for c in _HEADS}))


def read_csvs(folder: Path, names: Iterable[str] | None = None) -> dict[str, PublicTable]:
    """Read tables that a finished run published, all or some; those it has not are left out.

    A hidden cell is missing and marked as hidden, an absent one is missing. Raises InputError where
    the folder holds no published tables.
    """
    found, tables = read_dictionary(folder), {}
    for name in found if names is None else [name for name in names if name in found]:
        texts = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        hidden, columns = texts == MARK, found[name].columns
        shown = texts.mask(hidden | (texts == ""))
        frame = pd.DataFrame({c: _values(shown[c], columns[c]) for c in map(str, texts)})
        tables[name] = admit(found[name], frame, hidden)
    return tables


def read_dictionary(folder: Path) -> dict[str, Facts]:
    """Read what each table of a folder says of itself; InputError where there is no table."""
    file = folder / DICTIONARY
    if not file.is_file():
        raise InputError(f"{file}: there are no public tables here")
    return TypeAdapter(dict[str, Facts]).validate_json(file.read_bytes())


def _values(texts: pd.Series, column: Column) -> pd.Series:
    """Return a published column as what it was: numbers, yes or no, or text without its guard."""
    if column.kind == "flag" and set(texts.dropna()) <= {"True", "False"}:
        return texts.map({"True": True, "False": False})
    if column.kind not in ("key", "label", "flag"):
        numbers = pd.to_numeric(texts, errors="coerce")
        if numbers.notna().equals(texts.notna()):
            whole = column.kind == "year" and numbers.notna().all()
            return numbers.astype("int64") if whole else numbers
    return texts.str.replace(r"^'(?=[=+@\t\r-])", "", regex=True)


def as_csv(table: PublicTable) -> bytes:
    """Return a public table or view as CSV: hidden cells carry the mark, absent ones are empty."""
    return _csv(cell_texts(table))


def cell_texts(table: PublicTable) -> dict[str, list[str]]:
    """Return each column's texts by cell, one number one text in CSV, workbook and page."""
    frame, hidden = table.frame, table.hidden
    return {str(c): _texts(frame[c], hidden[c], table.columns[c].digits) for c in frame.columns}


def escaped(text: str) -> str:
    """Return a cell's text so that no spreadsheet runs it: a formula gets an apostrophe (D4)."""
    return f"'{text}" if _FORMULA.match(text) else text


def _texts(column: pd.Series, hidden: pd.Series, digits: int | None) -> list[str]:
    values = column.tolist()
    floats = np.array([v if isinstance(v, float) else np.nan for v in values], dtype=np.float64)
    shown = rounded_to(floats, np.full(len(floats), 10.0 ** -(digits or 0))).tolist()
    return [
        MARK if mask else "" if pd.isna(value) else _text(value, rounded, digits)
        for value, rounded, mask in zip(values, shown, hidden.tolist(), strict=True)
    ]


def _text(value: Any, rounded: float, digits: int | None) -> str:
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        return f"{rounded:.{digits}f}".rstrip("0").rstrip(".") if digits else repr(value)
    return str(value)


def _csv(columns: Mapping[str, Iterable[Any]]) -> bytes:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    texts = [[escaped(str(value)) for value in values] for values in columns.values()]
    lines.writerows([[escaped(str(name)) for name in columns], *zip(*texts, strict=True)])
    return out.getvalue().encode()


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Write labels of mixed types (2018 and "all") as text, so that Parquet can hold them."""
    for name in frame.columns:
        kinds = {type(v) for v in frame[name].dropna()} if frame[name].dtype == object else ()
        if len(kinds) > 1 or any(k not in (str, bool, int, float) for k in kinds):
            frame[name] = frame[name].map(str, na_action="ignore")
    return frame


def write_dictionary(tables: Mapping[str, PublicTable], folder: Path) -> None:
    """Write what each table says of itself."""
    said = {name: asdict(table.facts) for name, table in tables.items()}
    text = json.dumps(said, indent=1, ensure_ascii=False, default=str) + "\n"
    (folder / DICTIONARY).write_text(text, encoding="utf-8")
