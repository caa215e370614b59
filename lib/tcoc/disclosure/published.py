"""What is looked at after the gate: published tables, figure data, and two releases together."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tcoc.disclosure.audit import Audit
from tcoc.disclosure.cells import Key, label_text, row_keys
from tcoc.disclosure.protect import Rule
from tcoc.disclosure.table import PublicTable
from tcoc.errors import InputError, TcocError

HIDDEN_COLUMN = "hidden"
"""The text column of a published CSV that names a row's hidden cells and why they are."""

_EQUAL = 1e-9


class DisclosureError(TcocError):
    """A published number did not come through the gate."""


def assert_published_ok(audit: Audit, published: Mapping[str, pd.DataFrame]) -> None:
    """Check that published tables show what was audited and nothing else (rule D4).

    Each table must be known to the audit, its rows must be audited rows, its numbers the audited
    ones and blank where hidden, and no count may be above zero and below the minimum cell size.
    DisclosureError names the table, column and row number, never the number itself.
    """
    for name, frame in published.items():
        if name not in audit.names:
            raise DisclosureError(f"table {name} is published but was not audited")
        _check_rows(name, audit.table(name), frame)
        _check_small(name, audit, frame)


def assert_published_files_ok(audit: Audit, folder: Path) -> None:
    """Check every CSV of a folder of published tables as `assert_published_ok` does."""
    files = sorted(folder.glob("*.csv"))
    assert_published_ok(audit, {file.stem: pd.read_csv(file, dtype=str) for file in files})


def assert_from_audit(audit: Audit, name: str, data: pd.DataFrame) -> None:
    """Check that the data behind a figure are rows and columns of one audited table (rule D4)."""
    assert_published_ok(audit, {name: data})


def _check_rows(name: str, table: PublicTable, frame: pd.DataFrame) -> None:
    missing = [key for key in table.keys if key not in frame.columns]
    allowed = {*table.frame.columns, HIDDEN_COLUMN}
    unknown = [column for column in frame.columns if column not in allowed]
    if missing or unknown:
        word = f"lacks the key {missing[0]}" if missing else f"has the column {unknown[0]}"
        raise DisclosureError(f"table {name} as published {word}, unlike the audited one")
    audited = {key: row for row, key in enumerate(_plain_keys(table, table.frame))}
    rows = [audited.get(key, -1) for key in _plain_keys(table, frame)]
    if -1 in rows:
        raise DisclosureError(f"table {name}: row {rows.index(-1)} was not audited")
    for column in (*table.counts, *table.values):
        if column in frame.columns:
            _check_column(name, column, frame[column], table.frame[column].iloc[rows])


def _plain_keys(table: PublicTable, frame: pd.DataFrame) -> list[tuple[str, ...]]:
    if not table.keys:
        return [()] * len(frame)
    labels = [[label_text(v) for v in frame[key].tolist()] for key in table.keys]
    return list(zip(*labels, strict=True))


def _numbers(column: pd.Series) -> np.ndarray:
    return pd.to_numeric(column, errors="coerce").astype("Float64").to_numpy(float, na_value=np.nan)


def _check_column(name: str, column: str, shown: pd.Series, audited: pd.Series) -> None:
    found, expected = _numbers(shown), _numbers(audited)
    blank = np.isnan(found)
    same = np.abs(found - expected) <= _EQUAL * np.maximum(1.0, np.abs(expected))
    wrong = np.flatnonzero(~blank & ~same)
    if len(wrong):
        raise DisclosureError(f"table {name}: {column} of row {wrong[0]} is not the audited number")


def _check_small(name: str, audit: Audit, frame: pd.DataFrame) -> None:
    for column in audit.table(name).counts:
        if column in frame.columns:
            small = np.flatnonzero(audit.rule.small(np.nan_to_num(_numbers(frame[column]))))
            if len(small):
                raise DisclosureError(f"table {name}: {column} of row {small[0]} is a small count")


@dataclass(frozen=True)
class Difference:
    """A cell about which two releases together say more than each alone."""

    table: str
    column: str
    cell: str
    kind: str

    def __str__(self) -> str:
        return f"{self.table}: {self.column} of {self.cell}: {self.kind}"


SHOWN_BEFORE = "hidden now, shown in the earlier release"
HIDDEN_BEFORE = "shown now, hidden in the earlier release"
SMALL_CHANGE = "the two releases differ by a small count"


def difference_check(new: Audit, old: Audit) -> list[Difference]:
    """Warn where a new release and an old one together reveal a small count (rule D2).

    A cell that one hides and the other shows, and a cell whose two counts differ by more than zero
    and less than the minimum cell size: subtraction gives the few people who came or went.
    """
    now, before = _count_cells(new), _count_cells(old)
    warnings = []
    for cell in sorted(now.keys() & before.keys()):
        (table, shown), (_, earlier) = now[cell], before[cell]
        kind = _kind(shown, earlier, new.rule)
        if kind:
            words = ", ".join(f"{d} {label}" for d, label in cell[2]) or "the total"
            warnings.append(Difference(table, cell[1], words, kind))
    return warnings


def difference_check_folders(new: Path, old: Path, rule: Rule | None = None) -> list[Difference]:
    """Do what `difference_check` does on two folders of published tables (CSV and tables.json).

    Cells are joined by table, column and keys. InputError for a folder without tables.json.
    """
    now, before = _published_cells(new), _published_cells(old)
    warnings = []
    for cell in sorted(now.keys() & before.keys()):
        kind = _kind(now[cell], before[cell], rule or Rule())
        if kind:
            table, column, key = cell
            words = ", ".join(f"{d} {label}" for d, label in key) or "the total"
            warnings.append(Difference(table, column, words, kind))
    return warnings


def _published_cells(folder: Path) -> dict[tuple[str, str, Key], float | None]:
    index = folder / "tables.json"
    if not index.is_file():
        raise InputError(f"{index}: there is no such file")
    cells: dict[tuple[str, str, Key], float | None] = {}
    for name, facts in json.loads(index.read_text(encoding="utf-8")).items():
        if facts.get("counts"):
            frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
            cells.update(_count_rows(name, frame, facts["keys"], facts["counts"]))
    return cells


def _count_rows(
    name: str, frame: pd.DataFrame, keys: list[str], counts: list[str]
) -> dict[tuple[str, str, Key], float | None]:
    labels = [tuple((key, row[key]) for key in keys) for row in frame.to_dict("records")]
    noted = frame.get(HIDDEN_COLUMN, pd.Series("", index=frame.index)).tolist()
    cells: dict[tuple[str, str, Key], float | None] = {}
    for column in counts:
        for key, number, note in zip(labels, _numbers(frame[column]), noted, strict=True):
            is_hidden = any(part.split(":")[0] == column for part in note.split("; "))
            if is_hidden or not np.isnan(number):
                cells[name, column, key] = None if is_hidden else float(number)
    return cells


def _kind(shown: float | None, earlier: float | None, rule: Rule) -> str:
    if shown is None and earlier is None:
        return ""
    if shown is None:
        return SHOWN_BEFORE
    if earlier is None:
        return HIDDEN_BEFORE
    small = rule.small(np.array([abs(shown - earlier)]))
    return SMALL_CHANGE if small[0] else ""


def _count_cells(audit: Audit) -> dict[tuple[str, str, Key], tuple[str, float | None]]:
    """Return each count cell with its first table and its number, None where hidden."""
    cells: dict[tuple[str, str, Key], tuple[str, float | None]] = {}
    for name in audit.names:
        table, hidden = audit.table(name), audit.hidden(name)
        keys = row_keys(table)
        for column in table.counts:
            rows = zip(keys, _numbers(table.frame[column]), hidden[column], strict=True)
            for key, number, is_hidden in rows:
                if is_hidden or not np.isnan(number):
                    shown = None if is_hidden else float(number)
                    cells.setdefault((table.universe, column, key), (name, shown))
    return cells
