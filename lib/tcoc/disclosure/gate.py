"""The gate: exact drafts in, public tables out (rules D1-D3). The only maker of public tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tcoc.disclosure.cells import gather, places
from tcoc.disclosure.editions import Record
from tcoc.disclosure.network import Place
from tcoc.disclosure.primary import mark_primary
from tcoc.disclosure.protect import protect, puzzle_of
from tcoc.disclosure.rounding import Rule, digits_of, rounded_to
from tcoc.disclosure.table import OF_PEOPLE, ROUNDED, Column, Draft, Facts, PublicTable, admit
from tcoc.errors import InputError
from tcoc.params import Policy

LOG_COLUMNS = ("table", "cell", "column", "reason", "exact")


@dataclass(frozen=True)
class Gated:
    """What the gate lets out; its log of hidden cells and its record of all numbers stay in
    `restricted/`."""

    tables: Mapping[str, PublicTable]
    log: pd.DataFrame
    record: Record


def gate(
    drafts: Mapping[str, Sequence[Draft]],
    policy: Policy | Rule | None = None,
    earlier: Sequence[Record] = (),
) -> Gated:
    """Round and hide over all tables of a run together; `drafts` are given by deliverable.

    1. Counts of 1 to 10 are hidden, and what depends on them (D1).
    2. All else is rounded, once, from the exact number (D2).
    3. The attacker looks at what would be public, `earlier` editions with it; further cells are
       hidden until he learns nothing.
    InputError for a draft that is not declared soundly.
    """
    rule = policy if isinstance(policy, Rule) else Rule.of(policy) if policy else Rule()
    owners = [(owner, draft.checked()) for owner, own in drafts.items() for draft in own]
    _refuse_twice([draft.name for _, draft in owners])
    checked = [draft for _, draft in owners]
    cells = gather(checked, rule)
    place = places(checked, cells)
    mark_primary(checked, cells, place, rule)
    puzzle = puzzle_of(checked, cells, place, rule)
    protect(puzzle, earlier)
    tables = {
        draft.name: _admitted(owner, number, draft, cells, place)
        for number, (owner, draft) in enumerate(owners)
    }
    return Gated(tables, log_of(checked, cells), puzzle.record())


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"public table {name} stands twice in the run; names are unique")


def _admitted(
    owner: str, number: int, draft: Draft, cells: pd.DataFrame, place: Place
) -> PublicTable:
    data = {str(c): draft.frame[c] for c in draft.frame.columns}
    masks = {c: np.zeros(len(draft.frame), dtype=bool) for c in data}
    columns = dict(draft.columns)
    hidden, exact = (cells["reason"] != "").to_numpy(), cells["exact"].to_numpy(float)
    steps = cells["step"].to_numpy(float)
    for name in draft.of_kind(*OF_PEOPLE):
        rows = np.flatnonzero(place[number, name] >= 0)
        own = place[number, name][rows]
        mask = hidden[own]
        shown = rounded_to(exact[own], steps[own])
        digits = int(digits_of(steps[own][~mask]).max(initial=0))
        data[name] = _column(len(draft.frame), rows, np.where(mask, np.nan, shown), digits)
        masks[name][rows[mask]] = True
        columns[name] = _digits(columns[name], digits)
    note = f"{draft.note} {ROUNDED}".strip() if draft.of_kind(*OF_PEOPLE) else draft.note
    facts = Facts(
        draft.name, draft.title, owner, draft.keys, columns, note, draft.source, draft.universe,
        dict(draft.totals), {k: dict(v) for k, v in draft.parents.items()}, dict(draft.within),
    )  # fmt: skip
    return admit(facts, pd.DataFrame(data), pd.DataFrame(masks, columns=list(data)))


def _column(length: int, rows: np.ndarray, shown: np.ndarray, digits: int) -> pd.Series:
    values = np.full(length, np.nan)
    values[rows] = shown
    column = pd.array(values, dtype="Float64")
    column[np.isnan(values)] = pd.NA
    return pd.Series(column.astype("Int64") if digits == 0 else column)


def _digits(entry: Column, digits: int) -> Column:
    return replace(entry, digits=digits if entry.digits is None else min(entry.digits, digits))


def log_of(drafts: Sequence[Draft], cells: pd.DataFrame) -> pd.DataFrame:
    """Return every hidden cell with its reason and exact number: restricted."""
    hidden = cells[cells["reason"] != ""]
    names = [draft.name for draft in drafts]
    words = [
        pd.Series(_words(drafts[t])[own["row"].to_numpy(np.int64)], index=own.index)
        for t in hidden["table"].unique().tolist()
        for own in [hidden[hidden["table"] == t]]
    ]
    cell = pd.concat(words).reindex(hidden.index) if words else pd.Series(dtype=object)
    return pd.DataFrame(
        {
            "table": [names[t] for t in hidden["table"]],
            "cell": cell.to_numpy(),
            "column": hidden["column"].astype(str).to_numpy(),
            "reason": hidden["reason"].to_numpy(),
            "exact": hidden["exact"].to_numpy(float),
        },
        columns=list(LOG_COLUMNS),
    )


def _words(draft: Draft) -> np.ndarray:
    """Return each row's keys as a reader names it: year 2018, ccn 210001."""
    text = np.full(len(draft.frame), "", dtype=object)
    for key in draft.keys:
        text = text + (", " if key != draft.keys[0] else "") + f"{key} "
        text = text + draft.frame[key].map(str).to_numpy(object)
    return text
