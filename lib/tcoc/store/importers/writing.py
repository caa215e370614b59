"""Writing what was read: the store's tables by year, each in its order, and the quarantine."""
# ruff: noqa: S608  (the names in the SQL come from the schema, and are quoted)

import shutil
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from tcoc.store.importers import lines
from tcoc.store.importers.delivery import Delivery, claim_types
from tcoc.store.importers.resolve import FILE_STEP, Rows
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.steps import Steps
from tcoc.store.importers.summary import TypeSummary
from tcoc.store.importers.values import literal
from tcoc.store.schema import TABLES


def years_of(resolved: Path, kinds: Sequence[str]) -> list[int]:
    """Return the years for which some file types have imported rows."""
    found = {
        int(f.name.removeprefix("year=")) for k in kinds for f in (resolved / k).glob("year=*")
    }
    return sorted(found - {0})


def write_claims(
    con: Connection, delivery: Delivery, resolved: Path, store: Path, steps: Steps
) -> dict[str, int]:
    """Write the claims tables by year, each partition in the order of the schema."""
    rows = {}
    for table in ("professional", "facility", "dme"):
        kinds = [k for k in claim_types(delivery) if delivery.layout.types[k].table == table]
        years = years_of(resolved, kinds)
        rows[table] = 0
        for year in years:
            folders = [resolved / k / f"year={year}" for k in kinds]
            share = delivery.share(kinds) / len(years)
            with steps.after(con, "write", f"writing {table} {year}", share):
                rows[table] += _write_year(con, table, year, folders, store)
    return rows


def _write_year(
    con: Connection, table: str, year: int, folders: Sequence[Path], store: Path
) -> int:
    columns = ", ".join(TABLES[table].schema)
    paths = [literal(str(f)) for folder in folders for f in sorted(folder.glob("*.parquet"))]
    return write_partition(
        con,
        table,
        year,
        f"SELECT {columns} FROM read_parquet([{', '.join(paths)}], hive_partitioning = false)",
        store,
    )


def write_partition(con: Connection, table: str, year: int, select: str, store: Path) -> int:
    """Write one year of a table, sorted; return its rows. A year without rows gets no folder."""
    folder = store / table / f"year={year}"
    folder.mkdir(parents=True, exist_ok=True)
    order = ", ".join(TABLES[table].order)
    rows = _copy(con, f"SELECT * FROM ({select}) ORDER BY {order}", folder / "part-0.parquet")
    if not rows:
        shutil.rmtree(folder)
    return rows


def write_whole(con: Connection, table: str, select: str, store: Path) -> int:
    """Write a table that is not partitioned, sorted; return its rows."""
    order = ", ".join(TABLES[table].order)
    return _copy(con, f"SELECT * FROM ({select}) ORDER BY {order}", store / f"{table}.parquet")


def _copy(con: Connection, select: str, target: Path) -> int:
    row = con.execute(
        # version 2 keeps numbers as differences: as small, and read in two thirds of the time
        f"COPY ({select}) TO {literal(str(target))}"
        " (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)"
    ).fetchone()
    assert row is not None
    return int(row[0])


def table_dollars(delivery: Delivery, counted: Mapping[str, TypeSummary]) -> dict[str, Decimal]:
    """Return the dollars in the store by table."""
    dollars = dict.fromkeys(("professional", "facility", "dme"), Decimal(0))
    for kind in claim_types(delivery):
        dollars[delivery.layout.types[kind].table] += counted[kind].in_store
    return dollars


def write_quarantine(
    con: Connection, delivery: Delivery, settled: Mapping[str, Rows], store: Path
) -> None:
    """Write what can't be used to STORE/quarantine, one CSV per file type."""
    for kind, files in delivery.files.items():
        target = store / "quarantine" / f"{kind}.csv"
        staged = settled[kind].rows
        lines.write_quarantine(con, staged, kind, files, delivery.folder, target, FILE_STEP)
