"""The only kind of table that may be published: it says what its numbers count (rule D4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
import pandas as pd

from tcoc.errors import InputError, nearest


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

    def checked(self) -> "PublicTable":
        """Return the table with plain numbers and row numbers, or raise InputError.

        Raised for a missing or undeclared numeric column, a key that is missing or stands twice,
        a negative count, and a declaration that names an unknown column.
        """
        frame = self.frame.reset_index(drop=True)
        frame = frame.apply(_plain_numbers)
        self._check_names(list(map(str, frame.columns)))
        self._check_keys(frame)
        self._check_numbers(frame)
        return replace(self, frame=frame)

    def _check_names(self, columns: list[str]) -> None:
        protecting = [c for counts in self.values.values() for c in counts]
        named = (
            *((name, columns) for name in (*self.keys, *self.counts, *self.values)),
            *((name, self.counts) for name in (*protecting, *self.within)),
            *((name, self.counts) for name in self.within.values()),
            *((name, self.keys) for name in (*self.totals, *self.parents)),
        )
        for name, valid in named:
            if name not in valid:
                raise InputError(f'public table {self.name}: "{name}"{nearest(name, valid)}')
        twice = set(self.counts) & set(self.values)
        if twice:
            raise InputError(f"public table {self.name}: {min(twice)} is both count and value")

    def _check_keys(self, frame: pd.DataFrame) -> None:
        keys = list(self.keys)
        if keys and frame[keys].isna().any(axis=None):
            raise InputError(f"public table {self.name}: a key is blank")
        repeated = frame.duplicated(keys) if keys else pd.Series(range(len(frame))) > 0
        if repeated.any():
            row = int(np.flatnonzero(repeated.to_numpy())[0])
            raise InputError(f"public table {self.name}: the keys of row {row} stand twice")

    def _check_numbers(self, frame: pd.DataFrame) -> None:
        declared = {*self.keys, *self.counts, *self.values}
        for column in frame.columns:
            kind = frame[column].dtype
            numeric = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
            if numeric and column not in declared:
                raise InputError(
                    f"public table {self.name}: the numeric column {column} is declared neither"
                    " as a count nor as a value with the counts that protect it"
                )
            if column in self.counts and not numeric and frame[column].notna().any():
                raise InputError(f"public table {self.name}: the count {column} is not a number")
            if column in self.counts and (frame[column].dropna() < 0).any():
                raise InputError(f"public table {self.name}: the count {column} is negative")


def _plain_numbers(column: pd.Series) -> pd.Series:
    """Decimals as doubles: the gate compares and hides, it adds nothing up that is published."""
    if column.dtype != object:
        return column
    present = column.dropna()
    if len(present) and all(isinstance(v, Decimal | int | float | np.number) for v in present):
        if any(isinstance(v, bool) for v in present):
            return column
        return pd.to_numeric(column.map(lambda v: None if pd.isna(v) else float(v)))
    return column
