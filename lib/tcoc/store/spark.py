"""The same connection on Apache Spark, in this process or on a cluster.

Settings come from the environment: TCOC_SPARK_MASTER (default `local[*]`; `spark://host:7077` for
a cluster) and TCOC_SPARK_SHARED (a folder that driver and workers both see; needed on a cluster).
In a notebook or job that already has a Spark session (Databricks), that session is used.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as pq

from tcoc.errors import InputError
from tcoc.store.connection import Connection, to_arrow

SETTINGS = {
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.ansi.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
}
"""Few partitions, because the steps are many and small beside Spark's own fixed cost."""


@dataclass
class SparkConnection(Connection):
    """A connection whose kept tables are Parquet files in a folder that the workers see."""

    spill: Path = field(default=Path())

    def load(self, frame: pd.DataFrame, schema: dict[str, str]) -> ir.Table:
        """Bring a small pandas table into the engine, as a Parquet file of the given types."""
        file = self.spill / f"{self._name('small')}.parquet"
        pq.write_table(to_arrow(frame, schema), file)
        return self._read([file], "small")

    def keep(self, expr: ir.Table) -> ir.Table:
        """Compute an expression once and keep the result as Parquet."""
        folder = self.spill / self._name("kept")
        self._frame(expr).write.parquet(str(folder))
        return self._read([folder], "kept")

    def drop(self, *tables: ir.Table) -> None:
        """Forget kept tables; their files go with the folder at the end."""
        for table in tables:
            self.backend._session.catalog.dropTempView(table.get_name())

    def write(self, expr: ir.Table, path: Path, order_by: Sequence[str]) -> int:
        """Stream a result to one Parquet file, the bytes of which no engine changes."""
        return super().write(self.keep(expr), path, order_by)

    def _frame(self, expr: ir.Table) -> Any:
        self.backend._run_pre_execute_hooks(expr)
        return self.backend._session.sql(self.backend.compile(expr))

    def _read(self, files: Sequence[Path], stem: str) -> ir.Table:
        name = self._name(stem)
        frame = self.backend._session.read.parquet(*[str(f) for f in files])
        frame.createOrReplaceTempView(name)
        return cast(ir.Table, self.backend.table(name))


@contextmanager
def connect_spark(memory_limit: str) -> Iterator[SparkConnection]:
    """Open a Spark session for the length of a block.

    Raises InputError that says what is missing: the package, or a Java runtime.
    """
    session, ours = _session(memory_limit)
    with TemporaryDirectory(prefix="tcoc-spark-", dir=_shared()) as spill:
        try:
            yield SparkConnection(ibis.pyspark.connect(session), "spark", spill=Path(spill))
        finally:
            if ours:
                session.stop()


def _shared() -> str | None:
    return os.environ.get("TCOC_SPARK_SHARED")


def _session(memory_limit: str) -> tuple[Any, bool]:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise InputError(
            "engine: spark needs the package pyspark; install it with `make spark`"
        ) from error
    if active := SparkSession.getActiveSession():
        return active, False
    if not (which("java") or os.environ.get("JAVA_HOME")):
        raise InputError(
            "engine: spark needs a Java runtime, version 17 or newer, and found none;"
            " install it with `sudo apt-get install openjdk-17-jre-headless`"
        )
    master = os.environ.get("TCOC_SPARK_MASTER", "local[*]")
    builder = SparkSession.builder.master(master).appName("tcoc")
    builder = builder.config("spark.driver.memory", memory_limit.lower().removesuffix("b"))
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session, True
