"""Line numbers: a staged row's line in its source file, past rejected and blank lines."""
# ruff: noqa: S608  (paths in the SQL are quoted)

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import duckdb

from tcoc.store.importers.staging import STRUCTURE, Connection, Staged
from tcoc.store.importers.values import literal


def skipped_lines(staged: Staged, folder: Path) -> list[int]:
    """Return the lines of a file that gave no staged row, ascending."""
    if not staged.rejected and not staged.blank_lines:
        return []
    rejected = duckdb.sql(
        f"SELECT line FROM read_parquet({literal(str(folder / staged.rejects))})"
    ).fetchall()
    after = [line for line in staged.blank_lines if line > staged.first_line]
    return sorted({*(int(row[0]) for row in rejected), *after})


def thresholds(skipped: Sequence[int], first_line: int) -> list[int]:
    """Return, per skipped line, how many data rows stand before it."""
    return [line - first_line - 1 - place for place, line in enumerate(skipped)]


def line_of(ordinal: int, skipped: Sequence[int], first_line: int) -> int:
    """Return the line of the row with an ordinal (from 0), given the lines without a row."""
    return ordinal + first_line + 1 + bisect_right(thresholds(skipped, first_line), ordinal)


def locate(order: int, files: Sequence[Staged], folder: Path, step: int) -> str:
    """Return 'FILE line N' for a row's place in the order of all rows."""
    staged, ordinal = files[order // step], order % step
    line = line_of(ordinal, skipped_lines(staged, folder), staged.first_line)
    return f"{staged.name} line {line:,}"


def write_quarantine(
    con: Connection,
    staged_rows: str,
    kind: str,
    files: Sequence[Staged],
    folder: Path,
    target: Path,
    step: int,
) -> int:
    """Write the rows of a type that can't be used: file, line, reason, what was found, dollars.

    `staged_rows` names the relation of the type's rows. Returns the number of rows; writes nothing
    where there are none. The file may hold identifiers: it lies inside the restricted store.
    """
    parts = [
        _unusable(con, staged_rows, n, f, folder, kind, step)
        for n, f in enumerate(files)
        if f.unusable
    ]
    if not parts:
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    con.execute(
        f"COPY (SELECT file, line, reason, found, dollars FROM ({' UNION ALL '.join(parts)})"
        f" ORDER BY number, line) TO {literal(str(target))} (FORMAT csv, HEADER)"
    )
    return sum(f.unusable for f in files)


def _unusable(
    con: Connection,
    staged_rows: str,
    number: int,
    staged: Staged,
    folder: Path,
    kind: str,
    step: int,
) -> str:
    """Return the SQL for one file's unusable rows, lines by an as-of join on skipped ones."""
    skips = thresholds(skipped_lines(staged, folder), staged.first_line)
    steps = f"skips_{kind}_{number}"
    con.execute(f"CREATE OR REPLACE TEMP TABLE {steps} (before BIGINT, lines BIGINT)")
    for before in sorted(set(skips)):
        con.execute(f"INSERT INTO {steps} VALUES (?, ?)", [before, bisect_right(skips, before)])
    reasons = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in STRUCTURE.items())
    name = literal(staged.name)
    return (
        f"SELECT {number} AS number, {name} AS file, r._order - {number * step}"
        f" + {staged.first_line} + 1 + coalesce(k.lines, 0) AS line, r._reason AS reason,"
        f" r._found AS found, r._dollars AS dollars FROM (SELECT *"
        f" FROM {staged_rows} WHERE _reason IS NOT NULL AND _order >= {number * step}"
        f" AND _order < {(number + 1) * step}) AS r ASOF LEFT JOIN {steps} AS k"
        f" ON r._order - {number * step} >= k.before"
        f" UNION ALL SELECT {number}, {name}, line, CASE error_type {reasons}"
        " ELSE lower(error_type) END, found, NULL"
        f" FROM read_parquet({literal(str(folder / staged.rejects))})"
    )
