"""What a store's files say of themselves: rows and last days, without reading a claim.

Parquet keeps the number of rows and each column's least and greatest value at a file's end. So a
run can be judged before it starts, and no table reads a column for its last day.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tcoc.identity import stamp
from tcoc.store.layout import Store
from tcoc.store.schema import PROCESSED, TABLES

CLAIMS = ("professional", "facility", "dme")
"""The tables of claims."""


def claim_rows(store: Store, year: int, names: Iterable[str] = CLAIMS) -> int:
    """Return how many claim rows a store has of a year."""
    return sum(_rows(file) for name in names for file in store.files(name, [year]))


def has_claims(store: Store, year: int) -> bool:
    """Whether a store has any claim row of a year."""
    return claim_rows(store, year) > 0


def claims_end(store: Store) -> date | None:
    """Return the last service date of any claim in a store, None for a store without claims."""
    return _last_day(store, {name: TABLES[name].year_of for name in CLAIMS})


def processed_to(store: Store) -> date | None:
    """Return the last processing date of the newest claims, None for a store without such dates."""
    return _last_day(store, dict.fromkeys(CLAIMS, PROCESSED.name))


def run_out_end(store: Store) -> date | None:
    """Return up to when claims had time to arrive: the later of service and processing dates.

    An extract of one year's services has no later service date, however long it waited; its
    processing dates say how long.
    """
    return max((d for d in (claims_end(store), processed_to(store)) if d), default=None)


def _rows(file: Path) -> int:
    return _rows_of(file, stamp(file))


@lru_cache(maxsize=4096)
def _rows_of(file: Path, _stamp: str) -> int:
    """Read a file's number of rows once, as long as it is the same file: it is asked often."""
    return int(pq.read_metadata(file).num_rows)


def _last_day(store: Store, columns: dict[str, str]) -> date | None:
    """Return the last date of a column over the newest filled partition of each claims table."""
    ends = []
    for name, column in columns.items():
        years = store.partitions(name)
        filled = [year for year, files in years.items() if any(map(_rows, files))]
        files = years[max(filled)] if filled else []
        ends += [day for file in files if (day := _greatest(file, column)) is not None]
    return max(ends, default=None)


def _greatest(file: Path, column: str) -> date | None:
    """Return a date column's last day; it is read only where the file does not say it."""
    about = pq.read_metadata(file)
    names = about.schema.names
    if column not in names:
        return None
    pieces = [about.row_group(i) for i in range(about.num_row_groups)]
    said = [piece.column(names.index(column)).statistics for piece in pieces if piece.num_rows]
    if not all(found is not None and (found.has_min_max or _blank(found)) for found in said):
        day: date | None = pc.max(pq.read_table(file, columns=[column])[column]).as_py()
        return day
    return max((found.max for found in said if found.has_min_max), default=None)


def _blank(found: pq.Statistics) -> bool:
    return bool(found.has_null_count and found.num_values == 0)
