"""The gate: exact drafts in, public tables out (rules D1-D3). The only maker of public tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tcoc.disclosure.cells import gather, places
from tcoc.disclosure.rounding import Rule, digits_of, rounded_to
from tcoc.disclosure.table import OF_PEOPLE, ROUNDED, Column, Draft, Facts, PublicTable, admit
from tcoc.errors import InputError
from tcoc.params import Policy

SMALL, SHARE, CLINICIANS = "small count", "share of a small count", "fewer than three clinicians"
LOG_COLUMNS = ("table", "cell", "column", "reason", "exact")


@dataclass(frozen=True)
class Gated:
    """What the gate lets out, and its log of hidden cells, which stays in `restricted/`."""

    tables: Mapping[str, PublicTable]
    log: pd.DataFrame


def gate(drafts: Mapping[str, Sequence[Draft]], policy: Policy | Rule | None = None) -> Gated:
    """Round and hide over all tables of a run together; `drafts` are given by deliverable.

    1. Counts of 1 to 10 are hidden, and what depends on them (D1).
    2. All else is rounded, once, from the exact number (D2).
    3. The attacker looks at what would be public; further cells are hidden until he learns nothing.
    InputError for a draft that is not declared soundly.
    """
    rule = policy if isinstance(policy, Rule) else Rule.of(policy) if policy else Rule()
    owners = [(owner, draft.checked()) for owner, own in drafts.items() for draft in own]
    _refuse_twice([draft.name for _, draft in owners])
    checked = [draft for _, draft in owners]
    cells = gather(checked, rule)
    mark_primary(checked, cells, rule)
    tables = {
        draft.name: _admitted(owner, draft, cells[cells["table"] == number])
        for number, (owner, draft) in enumerate(owners)
    }
    return Gated(tables, log_of(checked, cells))


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"public table {name} stands twice in the run; names are unique")


def mark_primary(drafts: Sequence[Draft], cells: pd.DataFrame, rule: Rule) -> None:
    """Give each cell that D1 hides its reason."""
    kind, exact = cells["kind"].to_numpy(str), cells["exact"].to_numpy(float)
    people = cells["people"].to_numpy(float)
    reason = np.where((kind == "count") & rule.small(exact), SMALL, "").astype(object)
    part = exact * np.nan_to_num(people)
    # A share of people is whole people over whole people; a share of dollars is not.
    near = (kind == "share") & (np.abs(part - np.round(part)) < 1e-6 * np.maximum(1.0, part))
    rest = np.nan_to_num(people) - part
    reason[near & (rule.small(np.round(part)) | rule.small(np.round(rest)))] = SHARE
    place = places(drafts, cells)
    for number, draft in enumerate(drafts):
        if draft.clinicians:
            few = draft.frame[draft.clinicians].between(0, rule.min_clinicians, inclusive="neither")
            for column in draft.of_kind("dollars", "per_capita", "score"):
                _give(reason, place[number, column][few.to_numpy()], CLINICIANS)
    cells["reason"] = reason
    follow(drafts, cells, place)


def follow(
    drafts: Sequence[Draft], cells: pd.DataFrame, place: Mapping[tuple[int, str], np.ndarray]
) -> None:
    """Hide what depends on hidden counts: rates, means, dollars of the same row (D1)."""
    reason = cells["reason"].to_numpy(object).copy()
    for number, draft in enumerate(drafts):
        for column in draft.of_kind(*OF_PEOPLE):
            for count in draft.columns[column].protectors:
                if count == column or (number, count) not in place:
                    continue
                guards = place[number, count]
                hidden = (guards >= 0) & (reason[guards] != "")
                _give(reason, place[number, column][hidden], f"depends on hidden {count}")
    cells["reason"] = reason


def _give(reason: np.ndarray, cells: np.ndarray, why: str) -> None:
    """Give cells a reason, where there are cells and they have none yet."""
    own = cells[cells >= 0]
    reason[own[reason[own] == ""]] = why


def _admitted(owner: str, draft: Draft, cells: pd.DataFrame) -> PublicTable:
    frame = draft.frame.copy()
    hidden = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    columns = dict(draft.columns)
    for column, own in cells.groupby("column", sort=False):
        name = str(column)
        mask = (own["reason"] != "").to_numpy()
        shown = rounded_to(own["exact"].to_numpy(float), own["step"].to_numpy(float))
        digits = int(digits_of(own["step"].to_numpy(float)[~mask]).max(initial=0))
        rows = own["row"].to_numpy()
        frame[name] = _column(len(frame), rows, np.where(mask, np.nan, shown), digits)
        hidden.loc[rows[mask], name] = True
        columns[name] = _digits(columns[name], digits)
    note = f"{draft.note} {ROUNDED}".strip() if len(cells) else draft.note
    facts = Facts(
        draft.name, draft.title, owner, draft.keys, columns, note, draft.source, draft.universe,
        dict(draft.totals), {k: dict(v) for k, v in draft.parents.items()}, dict(draft.within),
    )  # fmt: skip
    return admit(facts, frame, hidden)


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
        ", ".join(f"{key} {drafts[t].frame[key].iloc[r]}" for key in drafts[t].keys)
        for t, r in zip(hidden["table"], hidden["row"], strict=True)
    ]
    return pd.DataFrame(
        {
            "table": [names[t] for t in hidden["table"]],
            "cell": words,
            "column": hidden["column"].astype(str).to_numpy(),
            "reason": hidden["reason"].to_numpy(),
            "exact": hidden["exact"].to_numpy(float),
        },
        columns=list(LOG_COLUMNS),
    )
