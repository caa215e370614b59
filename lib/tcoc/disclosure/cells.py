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
    parts = [_column(n, d, c, rule) for n, d in enumerate(drafts) for c in d.of_kind(*OF_PEOPLE)]
    names = ["table", "row", "column", "kind", "exact", "people", "step", "reason"]
    cells = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
    if parts:
        exact, steps = cells["exact"].to_numpy(float), cells["step"].to_numpy(float)
        cells["step"] = same_everywhere(cells["kind"], exact, steps)
    return cells


def numbers(column: pd.Series) -> Numbers:
    """Return a column as doubles, NaN where there is no number."""
    plain = pd.to_numeric(column).astype("Float64").to_numpy(np.float64, na_value=np.nan)
    return np.asarray(plain, dtype=np.float64)


def _column(number: int, draft: Draft, column: str, rule: Rule) -> pd.DataFrame:
    entry = draft.columns[column]
    exact = numbers(draft.frame[column])
    behind = entry.base or (entry.of[0] if entry.of else "")
    people = np.full(len(exact), np.nan)
    if behind:
        people = numbers(draft.frame[behind])
    rows = np.flatnonzero(np.isfinite(exact))
    return pd.DataFrame(
        {
            "table": number,
            "row": rows,
            "column": column,
            "kind": entry.kind,
            "exact": exact[rows],
            "people": people[rows],
            "step": rule.steps(entry.kind, exact[rows], people[rows]),
            "reason": "",
        }
    )


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
