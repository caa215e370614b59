"""What the steps share: look a key up, order rows by several columns, take each one's first."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Order = Mapping[str, bool]
"""Columns in the order in which they decide, each with whether low comes first."""


def look_up(keys: pd.Series, by: Any, values: Any, missing: Any) -> np.ndarray:
    """Return the value of each key, from unique keys `by` with their `values`."""
    values = np.asarray(values)
    if not isinstance(keys.dtype, pd.CategoricalDtype):
        found = keys.map(pd.Series(values, index=pd.Index(by)))
        return np.asarray(found.where(found.notna(), missing).astype(values.dtype))
    known = np.full(len(keys.cat.categories), missing, dtype=values.dtype)
    known[by.array.codes] = values
    return known[keys.cat.codes.to_numpy()]


def grouped(frame: pd.DataFrame, by: str | Sequence[str], dropna: bool = True) -> Any:
    """Group rows as fast as pandas can: groups in no order, none without rows."""
    keys = by if isinstance(by, str) else list(by)
    return frame.groupby(keys, sort=False, observed=True, dropna=dropna)


def rank(values: pd.Series) -> np.ndarray:
    """Return integers or floats in the order of the values; strings compare byte by byte."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy()
    if isinstance(values.dtype, pd.StringDtype):
        return pd.factorize(values, sort=True)[0]
    found = values.to_numpy()
    return found.view("int64") if found.dtype.kind == "M" else found


def in_order(frame: pd.DataFrame, order: Order | Sequence[str]) -> pd.DataFrame:
    """Return rows in the order of some columns, low first unless the order says otherwise."""
    ascending = order if isinstance(order, Mapping) else dict.fromkeys(order, True)
    keys = [rank(frame[c]) if low else _reversed(frame[c]) for c, low in ascending.items()]
    return frame.take(np.lexsort(keys[::-1]))


def _reversed(values: pd.Series) -> np.ndarray:
    found = rank(values)
    return -found.astype("int64") if found.dtype.kind in "iu" else -found


def starts(keys: pd.Series) -> np.ndarray:
    """Return where a new key begins, in rows that are ordered by the key."""
    found = rank(keys)
    return np.append(True, found[1:] != found[:-1])[: len(found)]


def first_of(frame: pd.DataFrame, key: str, order: Order) -> pd.DataFrame:
    """Return the first row of each key in an order."""
    ordered = in_order(frame, {key: True, **order})
    return ordered[starts(ordered[key])]


def first_and_next(frame: pd.DataFrame, key: str, order: Order, name: str) -> pd.DataFrame:
    """Return the first row of each key, with the next row's `name` as runner_up."""
    ordered = in_order(frame, {key: True, **order})
    first = starts(ordered[key])
    follows = np.append(~first[1:], False)[: len(first)]
    return ordered.assign(runner_up=ordered[name].shift(-1).where(follows))[first]
