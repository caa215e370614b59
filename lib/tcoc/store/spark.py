"""The same connection on Apache Spark, in this process or on a cluster.

Settings come from the environment: TCOC_SPARK_MASTER (default `local[*]`; `spark://host:7077` for
a cluster) and TCOC_SPARK_SHARED (a folder that driver and workers both see; needed on a cluster).
In a notebook or job that already has a Spark session (Databricks), that session is used.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any, cast

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as pq
import sqlglot.expressions as sge
from ibis.expr.operations import DatabaseTable

from tcoc.errors import InputError
from tcoc.resources.shortage import Bounds, size_of
from tcoc.store.duck import Connection, Rows, connect_duckdb, telling, to_arrow

LEAST_DRIVER = 512_000_000
MOST_DIGITS = 18
"""Decimals of so many digits fit in 64 bits."""

PARTITIONS = "spark.sql.shuffle.partitions"
SETTINGS = {
    PARTITIONS: "4",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
}
"""Settings of the session while it is ours to use; one that was there gets its own back after.

Few partitions, because the steps are many and small beside Spark's own fixed cost; `partitions`
says from when on there are more.
"""

ROWS_OF_PARTITION = 2_000_000
"""Claim rows of a year for which a shuffle has one more partition, so that all cores of a cluster
have a part. Our own choice: a state went in ten parts; how large its largest shuffle is was not
measured."""

JAVA = " ".join(
    [
        "-XX:+UseParallelGC",
        *(
            f"-XX:Tier4{name}={value}"
            for name, value in {
                "InvocationThreshold": 100_000,
                "MinInvocationThreshold": 20_000,
                "CompileThreshold": 300_000,
                "BackEdgeThreshold": 4_000_000,
            }.items()
        ),
    ]
)
"""Options of Java for a session of our own: only code that runs far longer is compiled twice.

Spark writes new code for each step, and most of it is done with before Java's second compiler is:
on two busy cores, two years of intake and people of a tenth of a state took 104 CPU seconds in
place of 159. Its usual collector begins a cycle for every large block, of which Spark makes many;
the parallel one took 6 in 100 less of the intake, the people and the options of panels.
"""

PLANNING = "-XX:+UseParallelGC -XX:TieredStopAtLevel=1"
"""The same for a driver beside a cluster, which plans and never computes for long: all of its code
is compiled once and in the quick way."""


@dataclass
class SparkConnection(Connection):
    """A connection whose kept tables are Parquet files in a folder that the workers see.

    What leaves Spark, a small pandas table or a file in a total order, goes through DuckDB in this
    process, so that types, order of nulls and bytes are those of the other engine.
    """

    spill: Path = field(default=Path())
    local: Connection = field(default_factory=lambda: Connection(None, "duckdb"))
    _folders: dict[str, Path] = field(default_factory=dict)

    @property
    def small(self) -> Connection:
        """The DuckDB of this process."""
        return self.local

    @telling
    def load(self, frame: pd.DataFrame, schema: dict[str, str]) -> ir.Table:
        """Bring a small pandas table into the engine, as a Parquet file of the given types."""
        file = self.spill / f"{self._name('small')}.parquet"
        pq.write_table(to_arrow(frame, schema), file)
        return self._read([file], "small")

    @telling
    def keep(self, expr: ir.Table) -> ir.Table:
        """Compute an expression once and keep the result as Parquet."""
        folder = self._spilled(expr)
        kept = self._view([folder], "kept", _struct(expr.schema()))
        self._folders[kept.get_name()] = folder
        return kept

    def drop(self, *tables: ir.Table) -> None:
        """Forget kept tables; their files go with the folder at the end."""
        for table in tables:
            self.backend._session.catalog.dropTempView(table.get_name())

    def forget(self, before: int = 0) -> None:
        """Leave what is kept: it is no memory, and goes with the folder at the end."""

    @telling
    def fetch(self, expr: ir.Table, order_by: Sequence[str] = ()) -> pd.DataFrame:
        """Compute a small result and return it as pandas, in a total order."""
        arrow = self._frame(expr).toArrow().cast(expr.schema().to_pyarrow())
        small = self.local.keep_arrow(arrow)
        found = self.local.fetch(small, order_by)
        self.local.drop(small)
        return found

    @telling
    def write(self, expr: Rows | Iterable[Rows], path: Path, order_by: Sequence[str]) -> int:
        """Stream a result or its parts to one Parquet file, whose bytes no engine changes."""
        parts = [expr] if isinstance(expr, Rows) else expr
        return self.local.write(map(self._locally, parts), path, order_by)

    def _locally(self, expr: Rows) -> Rows:
        if not isinstance(expr, ir.Table):
            return expr
        as_kept = isinstance(expr.op(), DatabaseTable) and self._folders.get(expr.get_name())
        files = sorted((as_kept or self._spilled(expr)).glob("*.parquet"))
        raw = self.local.parquet(*files)
        return cast(
            ir.Table, raw.select(**{n: raw[n].cast(kind) for n, kind in expr.schema().items()})
        )

    def _spilled(self, expr: ir.Table) -> Path:
        folder = self.spill / self._name("kept")
        self._frame(expr).write.parquet(str(folder))
        return folder

    def _frame(self, expr: ir.Table) -> Any:
        """Return the Spark frame, with Ibis's types where Spark's own are wider or narrower."""
        self.backend._run_pre_execute_hooks(expr)
        found = self.backend._session.sql(self.backend.compile(expr))
        wanted = _struct(expr.schema())
        return found.select(
            *[
                found[f"`{to.name}`"].cast(to.dataType) if to.dataType != has.dataType else to.name
                for to, has in zip(wanted, found.schema, strict=True)
            ]
        )

    def _read(self, files: Sequence[Path], stem: str) -> ir.Table:
        # all files of a store table have the columns of the first, in what types they like
        schema = ibis.Schema.from_pyarrow(pq.read_schema(files[0]))
        return self._view(files, stem, _struct(schema))

    def _view(self, files: Sequence[Path], stem: str, schema: Any) -> ir.Table:
        """Name Parquet files in the session; a given schema spares a job that looks for one."""
        name = self._name(stem)
        frame = self.backend._session.read.schema(schema).parquet(*[str(f) for f in files])
        frame.createOrReplaceTempView(name)
        return cast(ir.Table, self.backend.table(name))


def _struct(schema: ibis.Schema) -> Any:
    from ibis.backends.pyspark.datatypes import PySparkSchema

    return PySparkSchema.from_ibis(schema)


def _compiler() -> Any:
    """Return Ibis's compiler for Spark, with two readings of its own.

    Floating literals are doubles: Spark reads `0.5` as a decimal, so that sums and products would
    be decimals and round differently. Dollars are added up as whole cents: Spark's sum of decimals
    makes objects for each row. Beyond 64 bits it stops, as the engine's own sum would later.
    """
    from ibis.backends.sql.compilers.pyspark import PySparkCompiler

    class Compiler(PySparkCompiler):  # type: ignore[misc]
        def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: Any) -> Any:  # noqa: N802
            literal = super().visit_NonNullLiteral(op, value=value, dtype=dtype)
            return self.cast(literal, dtype) if dtype.is_floating() else literal

        def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
            kind = op.arg.dtype
            if not kind.is_decimal() or kind.precision > MOST_DIGITS:
                return super().visit_Sum(op, arg=arg, where=where)
            units = self.cast(arg * 10**kind.scale, dt.int64)
            total = self.cast(self.agg.sum(units, where=where), dt.Decimal(MOST_DIGITS + 1, 0))
            return total * sge.Literal.number(f"{Decimal(1).scaleb(-kind.scale):f}")

    return Compiler()


def partitions(rows: int) -> int:
    """Return into how many parts a shuffle goes where a year of the store has so many claim rows.

    No result depends on it: sums are exact, and what leaves Spark is in a total order.
    """
    return max(int(SETTINGS[PARTITIONS]), ceil(rows / ROWS_OF_PARTITION))


@contextmanager
def connect_spark(memory_limit: str, rows: int = 0) -> Iterator[SparkConnection]:
    """Open a Spark session for the length of a block, for years of so many claim rows.

    Raises InputError that says what is missing: the package, or a Java runtime.
    """
    session, ours = _session(memory_limit)
    try:
        with (
            _settings(session, rows),
            TemporaryDirectory(prefix="tcoc-spark-", dir=_shared()) as spill,
            connect_duckdb(memory_limit) as local,
        ):
            backend = ibis.pyspark.connect(session)
            backend.compiler = _compiler()
            bounds = Bounds(memory_limit, Path(spill))
            yield SparkConnection(backend, "spark", bounds, spill=Path(spill), local=local)
    finally:
        if ours:
            session.stop()


@contextmanager
def _settings(session: Any, rows: int) -> Iterator[None]:
    before = {key: session.conf.get(key) for key in SETTINGS}
    for key, value in (SETTINGS | {PARTITIONS: str(partitions(rows))}).items():
        session.conf.set(key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            session.conf.set(key, value)


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
    builder = builder.config("spark.driver.memory", _driver_memory(memory_limit))
    # the defaults, so that a cluster's own extraJavaOptions stand and prevail
    at_work = {"driver": JAVA if master.startswith("local") else PLANNING, "executor": JAVA}
    for process, options in at_work.items():
        builder = builder.config(f"spark.{process}.defaultJavaOptions", options)
    builder = builder.config("spark.ui.enabled", "false")
    # its bar would write over the command's own progress
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session, True


def _driver_memory(limit: str) -> str:
    """Return the memory limit as Spark writes it; its driver does not start with less than 512 MB.

    Raises InputError for less.
    """
    if size_of(limit) < LEAST_DRIVER:
        raise InputError(f"memory limit: found {limit}, expected at least 512MB for engine: spark")
    return f"{int(size_of(limit) / 2**20)}m"
