"""The gate: exact drafts in, public tables out (rules D1-D3). The only maker of public tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tcoc.disclosure.network import spoken
from tcoc.disclosure.protect import Puzzle, protect
from tcoc.disclosure.record import Record
from tcoc.disclosure.rounding import Rule, digits_of, rounded_to
from tcoc.disclosure.table import OF_PEOPLE, ROUNDED, Draft, PublicTable, admit
from tcoc.errors import InputError
from tcoc.params import Policy


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
    puzzle = Puzzle([draft for _, draft in owners], rule)
    record = protect(puzzle, earlier)
    cells = puzzle.cells
    shown, hidden = rounded_to(cells.exact, cells.step), cells.reason != ""
    digits = digits_of(cells.step)
    tables = {
        draft.name: _admitted(owner, draft, {
            name: [np.append(of, none)[cells.place[number, name]]
                   for of, none in ((shown, np.nan), (hidden, False), (digits, 0))]
            for name in draft.of_kind(*OF_PEOPLE)
        })
        for number, (owner, draft) in enumerate(owners)
    }  # fmt: skip
    return Gated(tables, log_of(puzzle), record)


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"public table {name} stands twice in the run; names are unique")


def _admitted(owner: str, draft: Draft, cells: Mapping[str, Sequence[np.ndarray]]) -> PublicTable:
    """Return a draft with its numbers as its cells say (shown, hidden, digits), by column.

    What has no number stays as it is.
    """
    frame, columns, masks = {}, dict(draft.columns), {}
    for name, (shown, hidden, digits) in cells.items():
        absent = hidden | np.isnan(shown)
        most = int(digits[~absent].max(initial=0))
        array = pd.arrays.FloatingArray(np.where(absent, 0.0, shown), absent)
        frame[name], masks[name] = array.astype("Int64") if most == 0 else array, hidden
        entry = columns[name]
        columns[name] = replace(
            entry, digits=most if entry.digits is None else min(entry.digits, most)
        )
    note = f"{draft.note} {ROUNDED}".strip() if cells else draft.note
    facts = replace(draft.facts, deliverable=owner, columns=columns, note=note)
    return admit(facts, draft.frame.assign(**frame), pd.DataFrame(masks, draft.frame.index))


def log_of(puzzle: Puzzle) -> pd.DataFrame:
    """Return every hidden cell with its reason and exact number: restricted."""
    cells, key = puzzle.cells, puzzle.network.frame["key"].to_numpy()[puzzle.network.of_cell]
    names = np.array(["", *(draft.name for draft in cells.drafts)], dtype=object)
    log = {"table": names[cells.table + 1], "cell": key, "column": cells.column,
           "reason": cells.reason, "exact": cells.exact}  # fmt: skip
    hidden: pd.DataFrame = pd.DataFrame(log)[cells.reason != ""].reset_index(drop=True)
    hidden["cell"] = hidden["cell"].map(spoken)
    return hidden
