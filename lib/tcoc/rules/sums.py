"""Sums of share x value that do not depend on the order of the rows: rules R4, R7 and T4."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]


def exact_sums(
    rows: pd.DataFrame, keys: Sequence[str], values: Mapping[str, Array]
) -> pd.DataFrame:
    """Sum columns within keys as `math.fsum` does: the same double in any order of the rows.

    One row per combination of `keys`, in their order; a sum with NaN is NaN.
    """
    ordered = rows[list(keys)].reset_index(drop=True)
    codes = ordered.groupby(list(keys), sort=True, dropna=False).ngroup().to_numpy()
    order = np.argsort(codes, kind="stable")
    first = np.flatnonzero(np.diff(codes[order], prepend=-1))
    size = np.diff(first, append=len(order))
    # One value is its sum, and of two the sum of doubles is already the exact one, rounded once.
    two, many = first[size == 2], np.flatnonzero(size > 2)
    starts, ends = first[many].tolist(), (first + size)[many].tolist()
    result = ordered.iloc[order[first]].reset_index(drop=True)
    for name, column in values.items():
        listed = np.asarray(column, dtype=float)[order]
        sums = listed[first]
        sums[size == 2] = listed[two] + listed[two + 1]
        inside = listed.tolist() if starts else []
        sums[many] = [math.fsum(inside[a:b]) for a, b in zip(starts, ends, strict=True)]
        result[name] = sums
    return result
