"""Every number about people of a run as one row: where it stands, how it is rounded, why hidden."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tcoc.disclosure.rounding import Numbers, Rule, rounded_to, same_everywhere
from tcoc.disclosure.table import OF_PEOPLE, Draft

Place = Mapping[tuple[int, str], np.ndarray]
"""The cell of each row of a table's column, -1 where there is no number."""


def gather(drafts: Sequence[Draft], rule: Rule) -> pd.DataFrame:
    """Return the cells of all drafts: table, row, column, kind, exact, people, step, reason.

    `people` is the count behind a number (its base, else the first count that protects it), NaN
    where nobody stands behind it. `reason` is "" where a cell is shown. Cells without a number
    are left out.
    """
    columns = [(n, d, c) for n, d in enumerate(drafts) for c in d.of_kind(*OF_PEOPLE)]
    parts = [_column(draft, column, rule) for _, draft, column in columns]
    sizes = [len(part[0]) for part in parts]
    row, exact, people, step = np.hstack(parts) if parts else np.zeros((4, 0))
    named = {
        "table": [number for number, _, _ in columns],
        "column": [column for _, _, column in columns],
        "kind": [draft.columns[column].kind for _, draft, column in columns],
    }
    cells = pd.DataFrame({name: pd.Series(of).repeat(sizes) for name, of in named.items()})
    cells = cells.reset_index(drop=True).assign(
        row=row.astype(np.int64), exact=exact, people=people
    )
    return cells.assign(step=same_everywhere(cells["kind"], exact, step), reason="")


def numbers(column: pd.Series) -> Numbers:
    """Return a column as doubles, NaN where there is no number."""
    return np.asarray(pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan))


def _column(draft: Draft, column: str, rule: Rule) -> Numbers:
    """Return row, exact number, people behind it and step of a column's cells."""
    entry = draft.columns[column]
    exact = numbers(draft.frame[column])
    behind = entry.base or (entry.of[0] if entry.of else "")
    people = numbers(draft.frame[behind]) if behind else np.full(len(exact), np.nan)
    rows = np.flatnonzero(np.isfinite(exact))
    exact, people = exact[rows], people[rows]
    return np.array([rows, exact, people, rule.steps(entry.kind, exact, people)])


def places(drafts: Sequence[Draft], cells: pd.DataFrame) -> Place:
    """Return for each table and column the cell of each row."""
    found = {
        (number, str(column)): np.full(len(draft.frame), -1)
        for number, draft in enumerate(drafts)
        for column in draft.of_kind(*OF_PEOPLE)
    }
    row = cells["row"].to_numpy()
    own = cells.groupby(["table", "column"], sort=False).indices
    for key in found.keys() & own.keys():
        found[key][row[own[key]]] = own[key]
    return found


def shown_bounds(cells: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """Return the interval that each rounded number leaves: half a step up and down; 0 is 0."""
    exact, step = cells["exact"].to_numpy(np.float64), cells["step"].to_numpy(np.float64)
    shown = rounded_to(exact, step)
    half = np.where((cells["kind"] == "count").to_numpy() & (exact == 0), 0.0, step / 2)
    return shown - half, shown + half
