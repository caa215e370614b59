"""The gate: what was audited, what is hidden and why, and nothing else (rules D1-D4)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tcoc.disclosure.cells import Network, Place, count_network, label_text, value_network
from tcoc.disclosure.protect import Rule, protect_counts, protect_values
from tcoc.disclosure.table import PublicTable
from tcoc.errors import InputError, nearest
from tcoc.params import Policy

SMALL = "small count"
COMPLEMENTARY = "complementary"
LOG_COLUMNS = ("table", "cell", "column", "reason")


@dataclass(frozen=True)
class Released:
    """One audited table: `table.frame` has hidden cells as NA, `reasons` says why ("" = shown)."""

    table: PublicTable
    reasons: pd.DataFrame


@dataclass(frozen=True)
class Audit:
    """All audited tables of a release. It holds no hidden number, so it may be written to disk."""

    released: Mapping[str, Released] = field(default_factory=dict)
    rule: Rule = field(default_factory=Rule)

    @property
    def names(self) -> tuple[str, ...]:
        """The audited tables, in the order in which they were given."""
        return tuple(self.released)

    def table(self, name: str) -> PublicTable:
        """Return the audited table with its title, unit, note and source; hidden cells are NA."""
        return self._released(name).table

    def frame(self, name: str) -> pd.DataFrame:
        """Return a copy of the audited rows; hidden cells are NA."""
        return self._released(name).table.frame.copy()

    def hidden(self, name: str) -> pd.DataFrame:
        """Return, for each cell of the frame, whether the gate hid it."""
        return self._released(name).reasons != ""

    def reason(self, name: str) -> pd.DataFrame:
        """Return, for each cell of the frame, why it is hidden; "" where it is shown."""
        return self._released(name).reasons.copy()

    @property
    def reasons(self) -> dict[str, pd.DataFrame]:
        """The reasons of all tables, by name."""
        return {name: self.reason(name) for name in self.released}

    @cached_property
    def log(self) -> pd.DataFrame:
        """One row per hidden cell: table, cell (its keys in words), column, reason."""
        rows = [row for name in self.released for row in self._log_rows(name)]
        return pd.DataFrame(rows, columns=list(LOG_COLUMNS), dtype="str")

    def value(self, name: str, column: str, **where: object) -> Any:
        """Return one number for a sentence: NA if it is hidden or not there (rule D4).

        InputError if the keys do not name exactly one row.
        """
        table = self._released(name).table
        if column not in table.frame.columns:
            raise InputError(f'table {name}: "{column}"{nearest(column, table.frame.columns)}')
        chosen = np.ones(len(table.frame), dtype=bool)
        for key, label in where.items():
            if key not in table.frame.columns:
                raise InputError(f'table {name}: "{key}"{nearest(key, table.keys)}')
            chosen &= table.frame[key].map(label_text).to_numpy() == label_text(label)
        if chosen.sum() != 1:
            words = ", ".join(f"{key} {label}" for key, label in where.items())
            raise InputError(f"table {name}: {int(chosen.sum())} rows for {words}, expected one")
        found = table.frame[column].to_numpy(dtype=object)[chosen][0]
        return pd.NA if pd.isna(found) else found

    def to_dir(self, folder: Path) -> None:
        """Write the audited release: NAME.parquet, NAME.reasons.parquet and audit.json."""
        folder.mkdir(parents=True, exist_ok=True)
        about = [_about(self.released[name].table) for name in self.released]
        content = {"rule": self.rule.__dict__, "tables": about}
        for name, released in self.released.items():
            released.table.frame.to_parquet(folder / f"{name}.parquet", index=False)
            released.reasons.to_parquet(folder / f"{name}.reasons.parquet", index=False)
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (folder / "audit.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def from_dir(cls, folder: Path) -> "Audit":
        """Read what `to_dir` wrote; InputError if it is not there."""
        file = folder / "audit.json"
        if not file.is_file():
            raise InputError(f"{file}: there is no audited release here")
        content = json.loads(file.read_text(encoding="utf-8"))
        tables = (_table(about, folder) for about in content["tables"])
        released = {
            t.name: Released(t, pd.read_parquet(folder / f"{t.name}.reasons.parquet"))
            for t in tables
        }
        return cls(released, Rule(**content["rule"]))

    def _released(self, name: str) -> Released:
        if name not in self.released:
            raise InputError(f'"{name}" is not an audited table{nearest(name, self.released)}')
        return self.released[name]

    def _log_rows(self, name: str) -> Iterable[tuple[str, str, str, str]]:
        table, reasons = self.released[name].table, self.released[name].reasons
        rows, columns = np.nonzero((reasons != "").to_numpy())
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            cell = ", ".join(f"{k} {label_text(table.frame[k].iloc[row])}" for k in table.keys)
            yield name, cell, str(reasons.columns[column]), str(reasons.iat[row, column])


def audit(tables: Sequence[PublicTable], policy: Policy | Rule | None = None) -> Audit:
    """Hide small counts and what would reveal them, over all tables of a release together.

    1. Counts above zero and below `min_cell_size` are hidden, in every table they stand in.
    2. The fewest other counts are hidden that leave each hidden count in doubt (D2).
    3. Values of hidden counts are hidden, and values from which those could be subtracted.
    Nothing is recomputed (D3). InputError for a table that is not declared soundly.
    """
    rule = policy if isinstance(policy, Rule) else Rule.of(policy) if policy else Rule()
    checked = [table.checked() for table in tables]
    names = [table.name for table in checked]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"public table {name} stands twice in the release")
    reasons = [
        pd.DataFrame("", index=t.frame.index, columns=t.frame.columns, dtype=object)
        for t in checked
    ]
    if _hide_counts(checked, reasons, rule):
        _hide_values(checked, reasons)
    return Audit(
        {t.name: _release(t, why, rule) for t, why in zip(checked, reasons, strict=True)}, rule
    )


def _hide_counts(
    tables: Sequence[PublicTable], reasons: Sequence[pd.DataFrame], rule: Rule
) -> bool:
    network = count_network(tables, lambda amount: bool(rule.small(np.array([amount]))[0]))
    primary, complementary = protect_counts(network, rule)
    for cell in primary:
        _mark(reasons, network.places[cell], SMALL)
    for cell, protects in complementary.items():
        _mark_complementary(tables, reasons, network, cell, protects)
    return bool(primary or complementary)


def _mark(reasons: Sequence[pd.DataFrame], places: Iterable[Place], reason: str) -> None:
    for table, row, column in places:
        if reasons[table].at[row, column] == "":
            reasons[table].at[row, column] = reason


def _mark_complementary(
    tables: Sequence[PublicTable],
    reasons: Sequence[pd.DataFrame],
    network: Network,
    cell: int,
    protects: int,
) -> None:
    """Name the table for the sake of which a cell is hidden, unless it is the cell's own."""
    homes = sorted({place[0] for place in network.places[protects]})
    for place in network.places[cell]:
        own = not homes or place[0] in homes
        reason = COMPLEMENTARY if own else f"linked table {tables[homes[0]].name}"
        _mark(reasons, [place], reason)


def _hide_values(tables: Sequence[PublicTable], reasons: Sequence[pd.DataFrame]) -> None:
    for table, why in zip(tables, reasons, strict=True):
        for column, counts in table.values.items():
            for count in counts:
                hidden = (why[count] != "") & (why[column] == "") & table.frame[column].notna()
                why.loc[hidden, column] = f"depends on hidden count {count}"
    network = value_network(tables)
    marked = [(why != "").to_dict("list") for why in reasons]
    source: dict[int, int] = {}
    for cell, places in enumerate(network.places):
        homes = [table for table, row, column in places if marked[table][column][row]]
        if homes:
            source[cell] = homes[0]
    complementary = protect_values(network, set(source))
    for cell, home in sorted(source.items()):
        _mark(reasons, network.places[cell], f"linked table {tables[home].name}")
    for cell, protects in complementary.items():
        _mark_complementary(tables, reasons, network, cell, protects)
        _hide_companions(tables, reasons, network.places[cell])


def _hide_companions(
    tables: Sequence[PublicTable], reasons: Sequence[pd.DataFrame], places: Iterable[Place]
) -> None:
    """Hide the other values of the same people in a row: a rate would give a hidden sum back."""
    for table, row, column in places:
        shared = set(tables[table].values[column])
        companions = [c for c, counts in tables[table].values.items() if shared & set(counts)]
        _mark(reasons, [(table, row, c) for c in companions], COMPLEMENTARY)


def _release(table: PublicTable, reasons: pd.DataFrame, rule: Rule) -> Released:
    frame = table.frame.copy()
    for column in (*table.counts, *table.values):
        numbers = frame[column]
        if column in table.counts and pd.api.types.is_float_dtype(numbers.dtype):
            numbers = numbers.round(rule.count_decimals)
        frame[column] = _masked(numbers, reasons[column] != "")
    return Released(replace(table, frame=frame), reasons)


def _masked(numbers: pd.Series, hidden: pd.Series) -> pd.Series:
    if not hidden.any():
        return numbers
    if pd.api.types.is_integer_dtype(numbers.dtype):
        numbers = numbers.astype("Int64")
    return numbers.mask(hidden)


def _about(table: PublicTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": table.title,
        "keys": list(table.keys),
        "counts": list(table.counts),
        "values": {column: list(counts) for column, counts in table.values.items()},
        "totals": dict(table.totals),
        "parents": {dimension: dict(family) for dimension, family in table.parents.items()},
        "within": dict(table.within),
        "universe": table.universe,
        "unit": table.unit,
        "note": table.note,
        "source": table.source,
    }


def _table(about: dict[str, Any], folder: Path) -> PublicTable:
    lists = {key: tuple(about[key]) for key in ("keys", "counts")}
    values = {column: tuple(counts) for column, counts in about["values"].items()}
    frame = pd.read_parquet(folder / f"{about['name']}.parquet")
    return PublicTable(**{**about, **lists, "values": values, "frame": frame})
