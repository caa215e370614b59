"""Whether two folders hold the same tables: to the cent, to 1e-9 of a share, nulls included."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .steps import CENTS, KEYS, STEPS

TOLERANCE = 1e-9
FOLDERS = ("", "restricted", ".internal")
"""Where a run's work folder keeps tables, besides the folder itself."""


def differences(ours_dir: Path, theirs_dir: Path) -> list[str]:
    """Say in sentences where tables differ, with counts and never with identifiers; [] when equal.

    `ours_dir` is a run's work folder or a plain folder of Parquet files; every column that it has
    in a compared table must be in `theirs_dir` too.
    """
    found: list[str] = []
    for name in STEPS:
        ours, theirs = (_file(folder, name) for folder in (ours_dir, theirs_dir))
        if ours is None or theirs is None:
            missing = ours_dir if ours is None else theirs_dir
            found.append(f"{name}: {missing} does not have the table")
        else:
            found.extend(f"{name}: {text}" for text in table_differences(ours, theirs, KEYS[name]))
    return found


def _file(folder: Path, name: str) -> Path | None:
    files = [folder / part / f"{name}.parquet" for part in FOLDERS]
    return next((file for file in files if file.is_file()), None)


def table_differences(ours: Path, theirs: Path, key: tuple[str, ...]) -> list[str]:
    """Say where two tables in key order differ, column by column."""
    mine, other = pq.ParquetFile(ours), pq.ParquetFile(theirs)
    rows = mine.metadata.num_rows
    if rows != other.metadata.num_rows:
        return [f"{rows} rows against {other.metadata.num_rows}"]
    names = set(other.schema_arrow.names)
    found = [f"column {c} is missing" for c in mine.schema_arrow.names if c not in names]
    for column in [c for c in mine.schema_arrow.names if c in names]:
        count = _different(column, *(f.read([column]).column(0) for f in (mine, other)))
        if count:
            place = "key column" if column in key else "column"
            found.append(f"{place} {column} differs in {count} of {rows} rows")
    return found


def _different(column: str, ours: pa.ChunkedArray, theirs: pa.ChunkedArray) -> int:
    """Count the rows in which two columns differ; two nulls are equal, one is a difference."""
    if pa.types.is_string(ours.type) or pa.types.is_date(ours.type):
        same = pc.equal(ours, pc.cast(theirs, ours.type))
    else:
        same = _near(column, _numbers(ours), _numbers(theirs))
    one_null = pc.xor(_is_null(ours), _is_null(theirs))
    wrong = pc.or_(one_null, pc.invert(pc.fill_null(same, True)))
    return int(pc.sum(wrong).as_py() or 0)


def _is_null(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_null(values, nan_is_null=pa.types.is_floating(values.type))


def _numbers(values: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.int8())
    numbers: np.ndarray = pc.fill_null(pc.cast(values, pa.float64()), 0.0).to_numpy()
    return numbers


def _near(column: str, ours: np.ndarray, theirs: np.ndarray) -> pa.Array:
    ours, theirs = np.nan_to_num(ours), np.nan_to_num(theirs)
    if column in CENTS:
        return pa.array(np.rint(ours * 100) == np.rint(theirs * 100))
    return pa.array(np.abs(ours - theirs) <= TOLERANCE * np.maximum(1, np.abs(ours)))
