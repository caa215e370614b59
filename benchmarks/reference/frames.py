"""What the steps share: look a key up, order rows by several columns, take each one's first."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

Order = Mapping[str, bool]
"""Columns in the order in which they decide, each with whether low comes first."""


def look_up(keys: pd.Series, by: pd.Series, values: Any, missing: Any) -> np.ndarray:
    """Return the value of each key, from unique keys `by` with their `values`."""
    values = np.asarray(values)
    if not len(keys) or not len(by):
        return np.full(len(keys), missing, dtype=values.dtype)
    if isinstance(keys.dtype, pd.StringDtype):
        found = keys.map(pd.Series(values, index=pd.Index(by)))
        return np.asarray(found.where(found.notna(), missing).astype(values.dtype))
    codes = by.to_numpy()
    known = np.full(max(keys.max(), codes.max()) + 1, missing, dtype=values.dtype)
    known[codes[codes >= 0]] = values[codes >= 0]
    return np.asarray(known[keys.to_numpy()])


def among(keys: pd.Series, others: pd.Series) -> np.ndarray:
    """Return which keys are among others."""
    if isinstance(keys.dtype, pd.StringDtype):
        return keys.isin(others).to_numpy()
    others = others.drop_duplicates()
    return look_up(keys, others, np.ones(len(others), dtype=bool), False)


def grouped(frame: pd.DataFrame, by: str | Sequence[str], **how: tuple[str, str]) -> pd.DataFrame:
    """Aggregate groups as fast as pandas can: no order of groups, whole-number keys packed.

    Several keys of whole numbers or dates are packed into one and unpacked again, which spares
    pandas the numbering of each; other keys are grouped as they are.
    """
    keys = [by] if isinstance(by, str) else list(by)
    parts = [_whole(frame[key]) for key in keys]
    if len(keys) > 1 and len(frame) and all(part is not None for part in parts):
        return _grouped_by_packed(frame, keys, [p for p in parts if p is not None], how)
    return frame.groupby(keys, sort=False, observed=True, dropna=False).agg(**how).reset_index()


def _whole(values: pd.Series) -> np.ndarray | None:
    if values.dtype.kind == "M":
        return values.to_numpy().astype("datetime64[D]").view("int64")
    return values.to_numpy() if values.dtype.kind in "iu" else None


def _grouped_by_packed(
    frame: pd.DataFrame, keys: list[str], parts: list[np.ndarray], how: Mapping[str, Any]
) -> pd.DataFrame:
    lows = [int(part.min()) for part in parts]
    sizes = [int(part.max()) - low + 1 for part, low in zip(parts, lows, strict=True)]
    if math.prod(sizes) >= 2**63:
        raise OverflowError("the keys of a group do not fit into 64 bits")
    packed = np.zeros(len(frame), dtype="int64")
    for part, low, size in zip(parts, lows, sizes, strict=True):
        packed = packed * size + (part - low)
    groups = frame.groupby(packed, sort=False).agg(**how)
    rest = groups.index.to_numpy()
    found: dict[str, np.ndarray] = {}
    for key, low, size in reversed(list(zip(keys, lows, sizes, strict=True))):
        found[key] = _as(frame[key], rest % size + low)
        rest = rest // size
    columns = {key: found[key] for key in keys} | {name: groups[name].array for name in how}
    return pd.DataFrame(columns, copy=False)


def _as(like: pd.Series, whole: np.ndarray) -> np.ndarray:
    if like.dtype.kind == "M":
        whole = whole.view("datetime64[D]")
    return whole.astype(like.to_numpy().dtype)


def rank(values: pd.Series) -> np.ndarray:
    """Return integers or floats in the order of the values; strings compare byte by byte."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("str")
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
