"""Declarations of public tables in their old form, and how they become drafts.

Goes when the last deliverable writes drafts with a dictionary of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
from pandas.api.types import is_numeric_dtype

from tcoc.disclosure.table import Column, Draft, Kind, plain_label


@dataclass(frozen=True)
class PublicTable:
    """A table for publication with its counts, margins and links: input of the gate.

    Grain: one row per combination of `keys`. A dimension that is constant in the table (a single
    year) is a key too, else the table cannot be linked with others. The parts listed are all the
    parts of a total: a combination that is absent is zero; what a total has beyond its parts is
    treated as one more, unpublished part.

    name      file stem of tables/NAME.csv, unique in the run
    title     the finding or the subject
    keys      dimension columns, named alike in all tables (year, ccn, stage, ...)
    counts    columns that count beneficiaries, claims or patients (fractional sums of shares too)
    values    every other numeric column -> the count columns that protect it; () = not about people
    totals    dimension -> the label that means all of it
    parents   dimension -> {label: parent label}, for hierarchies (hospital -> combination -> STATE)
    within    count column -> the count column of which it is a part; the rest is protected as well
    universe  what the counts count; the same (universe, count column, keys without totals) in two
              tables is the same cell
    """

    name: str
    title: str
    frame: pd.DataFrame
    keys: tuple[str, ...]
    counts: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    within: Mapping[str, str] = field(default_factory=dict)
    universe: str = ""
    unit: str = ""
    note: str = ""
    source: str = ""


_SUFFIXES: tuple[tuple[str, Kind], ...] = (
    ("share", "share"),
    ("rate", "share"),
    ("percent", "percent"),
    ("score", "score"),
    ("growth", "growth"),
    ("difference", "growth"),
    ("factor", "factor"),
    ("months", "months"),
    ("per_capita", "per_capita"),
    ("per_person", "per_capita"),
    ("average", "score"),
    ("tcoc", "dollars"),
    ("dollars", "dollars"),
    ("paid", "dollars"),
    ("payment", "dollars"),
    ("amount", "dollars"),
    ("incentive", "dollars"),
    ("gain", "dollars"),
    ("clinicians", "count"),
    ("meeting", "count"),
    ("missing", "count"),
    ("qualif", "count"),
)


def draft_of_old(table: "PublicTable") -> Draft:
    """Return an old declaration as a draft: kinds by the words in a column's name."""
    columns: dict[str, Column] = {}
    for name in table.counts:
        columns[name] = Column(plain_label(name), "count")
    for name, protectors in table.values.items():
        columns[name] = _entry(name, tuple(protectors))
    for name in table.keys:
        columns.setdefault(name, Column(plain_label(name), "year" if name == "year" else "key"))
    for name in table.frame.columns:
        if name not in columns and not is_numeric_dtype(table.frame[name].dtype):
            columns[name] = Column(plain_label(name), "label")
    return Draft(
        table.name, table.title, table.frame, table.keys, columns, table.totals, table.parents,
        table.within, table.universe, table.note, table.source,
    )  # fmt: skip


def _entry(name: str, protectors: tuple[str, ...]) -> Column:
    kind = next((kind for word, kind in _SUFFIXES if word in name), None)
    if kind is None:
        kind = "growth" if protectors else "number"
    if kind in ("share", "score", "percent") and not protectors:
        kind = "growth"
    return Column(plain_label(name), kind, of=protectors, base=protectors[-1] if protectors else "")
