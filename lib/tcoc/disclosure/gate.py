"""The gate: exact drafts in, public tables out (rules D1-D3). The only maker of public tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from tcoc.disclosure.cells import gather, places
from tcoc.disclosure.editions import Record
from tcoc.disclosure.primary import mark_primary
from tcoc.disclosure.protect import protect, puzzle_of
from tcoc.disclosure.rounding import Rule, digits_of, rounded_to
from tcoc.disclosure.table import (
    OF_PEOPLE,
    ROUNDED,
    Draft,
    Facts,
    PublicTable,
    admit,
    row_words,
)
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
    shown = rounded_to(cells["exact"].to_numpy(float), cells["step"].to_numpy(float))
    cells = cells.assign(shown=shown, hidden=cells["reason"] != "")
    tables = {
        draft.name: _admitted(owner, draft, cells[cells["table"] == number])
        for number, (owner, draft) in enumerate(owners)
    }
    return Gated(tables, log_of(checked, cells[cells["hidden"]]), puzzle.record())


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"public table {name} stands twice in the run; names are unique")


def _admitted(owner: str, draft: Draft, cells: pd.DataFrame) -> PublicTable:
    """Return a draft with its numbers as its cells say; what has no number stays as it is."""
    frame, columns = draft.frame.copy(), dict(draft.columns)
    masks = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    groups = dict(iter(cells.groupby("column", sort=False)))
    for name in draft.of_kind(*OF_PEOPLE):
        own = groups.get(name, cells[:0])
        row, shown, hidden = (own[c].to_numpy() for c in ("row", "shown", "hidden"))
        digits = int(digits_of(own["step"].to_numpy(float)[~hidden]).max(initial=0))
        values, mask, absent = (
            np.zeros(len(frame)),
            np.zeros(len(frame), bool),
            np.ones(len(frame), bool),
        )
        values[row], mask[row], absent[row] = np.where(hidden, 0.0, shown), hidden, hidden
        array = pd.arrays.FloatingArray(values, absent)
        frame[name], masks[name] = array.astype("Int64") if digits == 0 else array, mask
        entry = draft.columns[name]
        shorter = digits if entry.digits is None else min(entry.digits, digits)
        columns[name] = replace(entry, digits=shorter)
    note = f"{draft.note} {ROUNDED}".strip() if draft.of_kind(*OF_PEOPLE) else draft.note
    said = {f.name: getattr(draft, f.name) for f in fields(Facts) if hasattr(draft, f.name)}
    facts = Facts(**{**said, "deliverable": owner, "columns": columns, "note": note})
    return admit(facts, frame, masks)


def log_of(drafts: Sequence[Draft], hidden: pd.DataFrame) -> pd.DataFrame:
    """Return every hidden cell with its reason and exact number: restricted."""
    words = {t: row_words(drafts[t].frame, drafts[t].keys) for t in hidden["table"].unique()}
    where = list(zip(hidden["table"], hidden["row"], strict=True))
    log = hidden.assign(
        table=[drafts[table].name for table, _ in where],
        cell=[words[table][row] for table, row in where],
        column=hidden["column"].astype(str),
    )
    return log[list(LOG_COLUMNS)].reset_index(drop=True)
