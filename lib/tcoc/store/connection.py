"""The one way to compute on claims: Ibis expressions on DuckDB in this process, or on Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tcoc.errors import InputError, nearest
from tcoc.resources import shortage
from tcoc.store.duck import (
    SPILL_PREFIX,
    Connection,
    Rows,
    connect_duckdb,
    remove_left_spill,
    spill_folder,
    to_arrow,
)

ENGINES = ("duckdb", "spark")


@contextmanager
def connect(
    engine: str = "duckdb",
    memory_limit: str | None = None,
    threads: int | None = None,
    spill: Path | None = None,
    rows: int = 0,
) -> Iterator[Connection]:
    """Open an engine for the length of a block; what it spilled is removed at the end.

    The memory limit is `memory_limit`, else the environment variable TCOC_MEMORY_LIMIT, else 4 GB
    (less on a small machine); the process itself needs about 0.4 GB more. What does not fit is
    written to a folder in TCOC_SPILL, else in `spill`, else in the system's folder for temporary
    files. `rows` are the claim rows of a year, by which Spark spreads its work.

    Raises InputError for an unknown engine and a bad limit; ShortageError where memory or disk end.
    """
    if engine not in ENGINES:
        raise InputError(f'engine: found "{engine}"{nearest(engine, ENGINES)}')
    allowed = shortage.memory_limit(memory_limit)
    if engine == "spark":
        # pyspark is an extra: it is looked for where it is asked for
        from tcoc.store.spark import connect_spark

        with connect_spark(allowed, rows) as connection:
            yield connection
        return
    with connect_duckdb(allowed, threads, spill) as connection:
        yield connection


__all__ = [
    "ENGINES",
    "SPILL_PREFIX",
    "Connection",
    "Rows",
    "connect",
    "remove_left_spill",
    "spill_folder",
    "to_arrow",
]
