"""Public tables as files: Parquet for the notebooks' process, CSV and dictionary for readers."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tcoc.disclosure.rounding import rounded_to
from tcoc.disclosure.table import Column, Facts, PublicTable, admit
from tcoc.errors import InputError

DICTIONARY = "dictionary.json"
DICTIONARY_CSV = "dictionary.csv"
MARK = "‡"
"""The one public mark of a hidden cell, the same for every reason (rule D1)."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_public(tables: Mapping[str, PublicTable], folder: Path) -> None:
    """Write public tables for the process that renders: NAME.parquet, hidden cells, dictionary."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        _plain(table.frame).to_parquet(folder / f"{name}.parquet", index=False)
        table.hidden.to_parquet(folder / f"{name}.hidden.parquet", index=False)
    _write_dictionary(tables, folder)


def read_public(folder: Path) -> dict[str, PublicTable]:
    """Read what `write_public` wrote; InputError where there is nothing."""
    file = folder / DICTIONARY
    if not file.is_file():
        raise InputError(f"{file}: there are no public tables here")
    content = json.loads(file.read_text(encoding="utf-8"))
    return {name: _read(folder, name, about) for name, about in content.items()}


def write_csvs(tables: Mapping[str, PublicTable], folder: Path) -> None:
    """Write tables/NAME.csv with dictionary.json and dictionary.csv (rule D4)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        (folder / f"{name}.csv").write_bytes(as_csv(table))
    _write_dictionary(tables, folder)
    (folder / DICTIONARY_CSV).write_bytes(_csv(dictionary_frame(tables)))


def as_csv(table: PublicTable) -> bytes:
    """Return a public table or view as CSV: hidden cells carry the mark, absent ones are empty."""
    frame, hidden = table.frame, table.hidden
    out = {c: _texts(frame[c], hidden[c], table.columns[c].digits) for c in frame.columns}
    return _csv(pd.DataFrame(out, columns=list(frame.columns)))


def dictionary_frame(tables: Mapping[str, PublicTable]) -> pd.DataFrame:
    """Return one row per table and column: what the column means."""
    rows = [
        {
            "table": name,
            "column": column,
            "label": entry.label,
            "kind": entry.kind,
            "unit": entry.unit,
            "key": column in table.keys,
            "of": " ".join(entry.of),
            "base": entry.base,
            "digits": "" if entry.digits is None else str(entry.digits),
            "description": entry.description,
        }
        for name, table in tables.items()
        for column, entry in table.columns.items()
    ]
    return pd.DataFrame(rows)


def escaped(text: str) -> str:
    """Return a cell's text so that no spreadsheet runs it: a formula gets an apostrophe (D4)."""
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _texts(column: pd.Series, hidden: pd.Series, digits: int | None) -> list[str]:
    return [
        MARK if mask else "" if pd.isna(value) else _text(value, digits)
        for value, mask in zip(column.tolist(), hidden.tolist(), strict=True)
    ]


def _text(value: Any, digits: int | None) -> str:
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        if not digits:
            return repr(value)
        # the pages round halves away from zero too: one number, one text
        shown = rounded_to(np.array([value]), np.array([10.0**-digits]))[0]
        return f"{shown:.{digits}f}".rstrip("0").rstrip(".")
    return str(value)


def _csv(frame: pd.DataFrame) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([escaped(str(c)) for c in frame.columns])
    rows = frame.astype(object).itertuples(index=False, name=None)
    writer.writerows([escaped(str(cell)) for cell in row] for row in rows)
    return buffer.getvalue().encode()


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Write labels of mixed types (2018 and "all") as text, so that Parquet can hold them."""
    for name in frame.columns:
        kinds = {type(v) for v in frame[name].dropna()} if frame[name].dtype == object else ()
        if len(kinds) > 1 or any(k not in (str, bool, int, float) for k in kinds):
            frame[name] = frame[name].map(str, na_action="ignore")
    return frame


def _write_dictionary(tables: Mapping[str, PublicTable], folder: Path) -> None:
    content = {name: asdict(table.facts) for name, table in tables.items()}
    text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
    (folder / DICTIONARY).write_text(text + "\n", encoding="utf-8")


def _read(folder: Path, name: str, about: dict[str, Any]) -> PublicTable:
    columns = {
        column: Column(**{**entry, "of": tuple(entry["of"])})
        for column, entry in about["columns"].items()
    }
    facts = Facts(**{**about, "keys": tuple(about["keys"]), "columns": columns})
    frame = pd.read_parquet(folder / f"{name}.parquet")
    return admit(facts, frame, pd.read_parquet(folder / f"{name}.hidden.parquet"))
