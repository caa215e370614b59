"""Spark gives the tables that DuckDB gives, to the byte; without Spark a sentence says why not.

The parity tests need the package pyspark and a Java runtime, and skip where one is missing, but in
their own lane (`make test-spark`), where that is a failure. They run in a session that is already
open, as in a notebook of Databricks, with settings for short work.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from types import ModuleType, SimpleNamespace
from typing import Any

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tcoc.deliverables.registry import find, names, study
from tcoc.errors import InputError
from tcoc.params import load_run
from tcoc.store.connection import connect
from tcoc.store.spark import PARTITIONS, SETTINGS, partitions
from tcoc.store.synth import write_synthetic_store
from tcoc.study import Study

# a rate year's benchmark needs the two years before it, whose windows begin a year earlier
RUN = """
name: tiny
store: store
years: [2017, 2018]
base_year: 2017
performance_year: 2018
qp_years: [2018]
rate_years: [2020]
completion: {2018: measured}
national_growth:
  2020: {value: 0.024, source: "invented for the test"}
deliverables: [y1_attribution, risk_adjustment, qp_preliminary, mpa_options, progression_plan]
"""
OPTIONS = {
    "spark.driver.memory": "1500m",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.files.minPartitionNum": "1",
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""No compilation of plans and little of Java: the work is small, its steps are many.

Half of their time is reading the plan anew in each of their parts, so there are few parts.
"""


def lacking(reason: str) -> None:
    """Skip for what a machine lacks; in the lane of these tests nothing may be lacking."""
    (pytest.fail if os.environ.get("TCOC_SPARK") else pytest.skip)(reason)


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    if not find_spec("pyspark"):
        lacking("pyspark is not installed: make spark")
    if not (which("java") or os.environ.get("JAVA_HOME")):
        lacking("no Java runtime: sudo apt-get install openjdk-17-jre-headless")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("tcoc-test")
    for key, value in OPTIONS.items():
        builder = builder.config(key, value)
    opened = builder.getOrCreate()
    opened.sparkContext.setLogLevel("ERROR")
    yield opened
    opened.stop()


@dataclass
class Both:
    duckdb: Study
    spark: Study

    def differ(self, table: str) -> str:
        """Say how a table differs, or nothing if the files are the same bytes."""
        ours, theirs = self.duckdb.path(table), self.spark.path(table)
        if ours.read_bytes() == theirs.read_bytes():
            return ""
        one, two = pq.read_table(ours), pq.read_table(theirs)
        if one.schema != two.schema or len(one) != len(two):
            return f"{table}: {len(one)} and {len(two)} rows, {one.schema} and {two.schema}"
        columns = [c for c in one.column_names if not one[c].equals(two[c])]
        return f"{table}: other values in {columns or 'no column, only other bytes'}"


@pytest.fixture(scope="module")
def both(session: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    home = tmp_path_factory.mktemp("engines")
    write_synthetic_store(home / "store", 400, 7, (2016, 2018))
    (home / "tiny.yml").write_text(RUN)
    run = load_run(home / "tiny.yml")
    on_spark = replace(run, spec=run.spec.model_copy(update={"engine": "spark"}))
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setitem(SETTINGS, "spark.sql.shuffle.partitions", "2")
        yield Both(
            stack.enter_context(study(run, home / "duckdb", "1GB")),
            stack.enter_context(study(on_spark, home / "spark", "1GB")),
        )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("deliverable", names())
def test_every_table_of_a_deliverable_is_the_same(both: Both, deliverable: str) -> None:
    found = [both.differ(product.name) for product in find(deliverable).tables]
    assert [text for text in found if text] == []
    assert both.spark.connection.engine == "spark"


def test_a_shuffle_has_as_many_parts_as_the_store_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four are enough for a tenth of a state; a nation's would not fit into four cores' memory."""
    monkeypatch.setitem(SETTINGS, PARTITIONS, "4")  # the session of these tests has fewer
    assert [partitions(rows) for rows in (0, 8_000_000, 8_000_001, 18_500_000)] == [4, 4, 5, 10]


@pytest.mark.slow
def test_what_spark_would_do_otherwise(session: Any, tmp_path: Path) -> None:
    """Floating literals are doubles, types are Ibis's, an empty table is a file with columns."""
    dollars = [Decimal("1.10"), None, Decimal("2.05")]
    rows = pd.DataFrame({"key": ["b", "a", None], "paid": dollars, "visits": [3, 7, None]})
    types = {"key": "string", "paid": "decimal(18, 2)", "visits": "int32"}
    results = {}
    for engine in ("duckdb", "spark"):
        with connect(engine) as connection:
            table = connection.load(rows, types)
            wide = table.mutate(
                share=ibis.literal(1.0) / table.visits,
                one=ibis.literal(1.0),
                cents=(table.paid * 100).round().cast("int32"),
                missing=ibis.null("date"),
            )
            kept = connection.keep(wide)
            connection.write(kept, tmp_path / f"{engine}.parquet", ["key"])
            connection.write(kept.filter(kept.one > 1), tmp_path / f"{engine}-0.parquet", ["key"])
            results[engine] = connection.fetch(kept, ["key"])
            connection.drop(kept)
    pd.testing.assert_frame_equal(results["duckdb"], results["spark"], check_exact=True)
    for end in (".parquet", "-0.parquet"):
        files = [tmp_path / f"{engine}{end}" for engine in ("duckdb", "spark")]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.slow
def test_sums_of_dollars_are_exact(session: Any) -> None:
    """Spark adds cents: below zero, of nothing, more than a double tells apart, of a choice."""
    large = Decimal("9007199254740993.07")
    paid = [Decimal("0.10"), Decimal("-0.35"), None, large, Decimal("0.01"), Decimal("-7.00")]
    rows = pd.DataFrame({"key": [*"aabccd"], "paid": paid, "visits": [1, 2, 1, 1, 2, 2]})
    found = {}
    for engine in ("duckdb", "spark"):
        with connect(engine) as connection:
            types = {"key": "string", "paid": "decimal(18, 2)", "visits": "int32"}
            table = connection.load(rows, types)
            chosen = table.paid.sum(where=table.visits > 1)
            sums = table.group_by("key").agg(all=table.paid.sum(), chosen=chosen)
            found[engine] = connection.fetch(sums, ["key"])
    pd.testing.assert_frame_equal(found["duckdb"], found["spark"], check_exact=True)
    assert [*found["spark"]["all"]] == [Decimal("-0.25"), None, large + paid[4], Decimal("-7.00")]


@pytest.mark.slow
def test_a_session_that_was_open_stays_open_with_its_own_settings(session: Any) -> None:
    session.conf.set("spark.sql.session.timeZone", "America/New_York")
    before = {key: session.conf.get(key) for key in SETTINGS}
    with connect("spark"):
        assert session.conf.get("spark.sql.session.timeZone") == "UTC"
    assert {key: session.conf.get(key) for key in SETTINGS} == before
    assert session.range(3).count() == 3


def test_without_pyspark_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    said = r"engine: spark needs the package pyspark.*`make spark`"
    with pytest.raises(InputError, match=said), connect("spark"):
        pass


def test_without_java_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("pyspark.sql")
    session = SimpleNamespace(getActiveSession=lambda: None)
    monkeypatch.setattr(module, "SparkSession", session, raising=False)
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    monkeypatch.setitem(sys.modules, "pyspark.sql", module)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("tcoc.store.spark.which", lambda name: None)
    said = "needs a Java runtime, version 17 or newer"
    with pytest.raises(InputError, match=said), connect("spark"):
        pass
