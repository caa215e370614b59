"""How a column of a public table is written: its kind decides, the dictionary may refine.

One place answers for tables, axes, marks, sentences' helpers and the workbook, so that a number
looks the same wherever a reader meets it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from tcoc.disclosure import Column, Kind, PublicTable
from tcoc.errors import TcocError, nearest
from tcoc.report import words

DIGITS = {"share": 1, "score": 1, "percent": 2, "growth": 1, "factor": 3, "number": 2}
"""Digits shown where the dictionary says nothing."""

RIGHT = frozenset(
    ("year", "count", "entities", "months", "share", "score", "dollars", "per_capita", "growth",
     "factor", "percent", "number")
)  # fmt: skip
"""Kinds that are set flush right."""

TEXTS = frozenset(("key", "label"))
TOTALS = frozenset(("all", "STATE", "total"))
"""Labels that mean the whole of a dimension: parts of a whole leave them out."""


def column_of(table: PublicTable, name: str) -> Column:
    """Return a column's entry in the dictionary; a key or label without one gets a plain one.

    Raises TcocError with the nearest valid name for a column that the table does not have.
    """
    known = table.columns.get(name)
    if known is not None:
        return known
    frame = table.frame
    if name not in frame.columns:
        raise TcocError(f'table {table.name}: column "{name}" is unknown'
                        f"{nearest(name, map(str, frame.columns))}")  # fmt: skip
    kind: Kind = "year" if name == "year" or name.endswith("_year") else "key"
    return Column(heading(name), kind)


def heading(name: str) -> str:
    """Return a readable heading for a column that has none: `per_capita` is Per capita."""
    if name in words.HEADINGS:
        return words.HEADINGS[name]
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def digits_of(column: Column) -> int:
    """Return the decimals that a column shows, as written (a share's are those of its percent).

    The dictionary's digits are decimals of the number itself, no finer than its rounding leaves;
    a reader needs no more of them than the kind's.
    """
    usual = DIGITS.get(column.kind, 0)
    if column.digits is None:
        return usual
    if column.kind == "number":
        return max(0, column.digits - 2) if is_share(column) else column.digits
    return max(0, min(usual, column.digits - 2 if is_share(column) else column.digits))


def is_share(column: Column) -> bool:
    """Whether a column holds fractions that are written as percentages."""
    if column.kind == "number":
        return column.unit.lower().split(" ")[0] in ("share", "shares", "percent", "fraction")
    return column.kind in ("share", "score", "growth", "percent")


def write(column: Column, value: Any) -> str:
    """Write one value of a column as a reader sees it; a missing one is the word hidden."""
    if words.is_hidden(value):
        return words.HIDDEN
    if column.kind in TEXTS:
        return label_of(value)
    if column.kind == "flag":
        return _flag(value)
    if column.kind == "year":
        return _year(value)
    return written(column, float(value), digits_of(column))


def label_of(value: Any) -> str:
    """Return what a label is called where it heads a row or stands in a cell: with a capital."""
    text = words.name_of(value)
    return text[:1].upper() + text[1:] if _PLAIN.match(text) else text


_PLAIN = re.compile(r"[a-z]+(?:[ ,:;-]|$)")


def _flag(value: Any) -> str:
    if isinstance(value, str):
        return words.name_of(value)
    return "yes" if bool(value) else "no"


def _year(value: Any) -> str:
    return words.name_of(value) if isinstance(value, str) else str(int(value))


def written(column: Column, value: float, digits: int) -> str:
    """Write a number of a column with a chosen number of decimals."""
    if column.kind in ("dollars", "per_capita"):
        return words.money(value, digits)
    if column.kind in ("growth", "percent"):
        return words.change(value, digits)
    if is_share(column):
        return words.percent(value, digits)
    if column.kind == "number":
        return words.plain_number(value, digits)
    return words.number(value, digits)


def most_digits(texts: Iterable[str]) -> int:
    """Return the decimals of the written number that has most; percentages have none here."""
    return max((len(text.partition(".")[2]) for text in texts if text[-1:].isdigit()), default=0)


def padded(text: str, digits: int) -> str:
    """Return a written number with so many decimals, as the others of its column have."""
    if not digits or not text[-1:].isdigit():
        return text
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<{digits}}"


def ticks(column: Column, values: Iterable[float]) -> Callable[[float], str]:
    """Return how an axis writes its ticks: short dollars and counts, and no digit too many.

    `values` are the ticks; digits are as many as tell neighbors apart.
    """
    found = sorted(set(values))
    step = min(np.diff(found)) if len(found) > 1 else 1.0
    scale = 100.0 if is_share(column) else 1.0
    digits = max(0, -int(np.floor(np.log10(max(step * scale, 1e-9)) + 1e-9)))

    def text(value: float) -> str:
        if column.kind in ("dollars", "per_capita"):
            return words.compact(value, "$", max(map(abs, found), default=0.0), step)
        if column.kind in ("count", "months", "entities"):
            return words.compact(value, "", max(map(abs, found), default=0.0), step)
        return str(int(value)) if column.kind == "year" else written(column, value, digits)

    return text


def axis_title(column: Column) -> str:
    """Return what an axis shows, with its unit where the label does not say it."""
    unit = column.unit.strip()
    plain = {"share", "shares", "percent", "dollars", "score", "year", "flag", ""}
    if unit.lower() in plain or unit.lower() in column.label.lower():
        return column.label
    return f"{column.label} ({unit})"


def floats(table: PublicTable, name: str) -> "np.ndarray[Any, Any]":
    """Return a numeric column as doubles; what is hidden or absent is NaN."""
    column_of(table, name)
    found = pd.to_numeric(table.frame[name], errors="raise").astype("float64")
    return np.asarray(found.to_numpy(dtype="float64", na_value=np.nan), dtype="float64")


def name_column(table: PublicTable, key: str) -> str:
    """Return the label column that names a key's values: the hospital of a CCN; else the key."""
    names = {"ccn": ("hospital", "hospital_name", "short_name"), "aco_id": ("aco_name", "aco"),
             "combination": ("combination_name",)}.get(key, ())  # fmt: skip
    present = set(map(str, table.frame.columns))
    return next((name for name in names if name in present), key)


def row_names(table: PublicTable, rows: str | tuple[str, ...]) -> list[str]:
    """Return what each row is called: a key by its name, several dimensions joined by commas."""
    wanted = (rows,) if isinstance(rows, str) else tuple(rows)
    frame = table.frame
    parts = []
    for dimension in wanted:
        name = name_column(table, dimension)
        column = column_of(table, name)
        fallback = frame[dimension].tolist()
        parts.append(
            [
                write(column, value if not _blank(value) else fallback[i])
                for i, value in enumerate(frame[name].tolist())
            ]
        )
    return [", ".join(texts) for texts in zip(*parts, strict=True)] if len(frame) else []


def row_keys(table: PublicTable) -> list[str]:
    """Return each row's hospital by CCN, for the picker; an empty text where there is none."""
    frame = table.frame
    if "ccn" not in frame.columns:
        return [""] * len(frame)
    return [str(c) if str(c).isdigit() else "" for c in frame["ccn"].tolist()]


def _blank(value: Any) -> bool:
    return bool(pd.isna(value)) or value == ""


def is_hidden(table: PublicTable, name: str) -> "np.ndarray[Any, Any]":
    """Return which cells of a column the gate hid."""
    hidden = table.hidden
    if name not in hidden.columns:
        return np.zeros(len(table.frame), dtype=bool)
    return np.asarray(hidden[name].to_numpy(dtype=bool), dtype=bool)


def labels(columns: Mapping[str, Column]) -> dict[str, str]:
    """Return the headings of a dictionary by column."""
    return {name: column.label for name, column in columns.items()}
