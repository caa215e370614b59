"""A table that is written in parts is the file that it would be whole, or a refusal."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tcoc.errors import TcocError
from tcoc.store import duck
from tcoc.store.connection import Connection, connect, to_arrow

SIZE = 7
TYPES = {"year": "int32", "bene_id": "string", "paid": "decimal(18, 2)"}
KEY = ("year", "bene_id")


@pytest.fixture
def connection() -> Iterator[Connection]:
    with connect("duckdb") as found:
        yield found


def rows(connection: Connection) -> ir.Table:
    people = [(year, f"B{n:02}", n / 4) for n in range(20) for year in (2016, 2017, 2018)]
    return connection.load(pd.DataFrame(people, columns=list(TYPES)), TYPES)


@pytest.mark.parametrize("years", [(2016, 2017, 2018), (2015, 2016, 2017, 2018, 2019), (2015,)])
def test_parts_give_the_bytes_of_the_whole(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, years: Sequence[int]
) -> None:
    monkeypatch.setattr(duck, "ROW_GROUP", SIZE)
    table = rows(connection)
    whole = table.filter(table.year.isin(years))
    parts = (table.filter(table.year == year) for year in years)
    counts = [
        connection.write(whole, tmp_path / "whole.parquet", KEY),
        connection.write(parts, tmp_path / "parts.parquet", KEY),
    ]
    assert counts == [20 * len({*years} & {2016, 2017, 2018})] * 2
    files = [(tmp_path / f"{name}.parquet").read_bytes() for name in ("whole", "parts")]
    assert files[0] == files[1]
    groups = pq.ParquetFile(tmp_path / "parts.parquet").metadata
    sizes = [groups.row_group(i).num_rows for i in range(groups.num_row_groups)]
    assert all(size == SIZE for size in sizes[:-1])


@pytest.mark.parametrize("years", [(2017, 2016), (2016, 2016)])
def test_parts_out_of_order_are_refused_and_name_nobody(
    connection: Connection, tmp_path: Path, years: Sequence[int]
) -> None:
    table = rows(connection)
    parts = (table.filter(table.year == year) for year in years)
    with pytest.raises(TcocError, match="parts of the table are not in order") as told:
        connection.write(parts, tmp_path / "people.parquet", KEY)
    assert "B0" not in str(told.value)


def test_a_part_is_made_when_the_one_before_is_written(
    connection: Connection, tmp_path: Path
) -> None:
    table, kept = rows(connection), []

    def parts() -> Iterator[ir.Table]:
        for year in (2016, 2017):
            part = connection.keep(table.filter(table.year == year))
            kept.append(part)
            yield part
            connection.drop(part)

    assert connection.write(parts(), tmp_path / "kept.parquet", KEY) == 40
    left = connection.backend.con.sql("SELECT table_name FROM duckdb_tables()").fetchall()
    assert not {part.op().name for part in kept} & {name for (name,) in left}


def test_keys_are_compared_column_by_column() -> None:
    below = duck._below
    assert below({"a": 1, "b": "z"}, {"a": 2, "b": "a"})
    assert below({"a": 1, "b": None}, {"a": 2, "b": "a"})
    assert below({"a": 1, "b": "z"}, {"a": 1, "b": None})
    assert not below({"a": 1, "b": None}, {"a": 1, "b": "z"})
    assert not below({"a": 1, "b": "a"}, {"a": 1, "b": "a"})


def test_a_table_that_is_there_gives_the_bytes_that_the_engine_gives(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "ROW_GROUP", SIZE)
    names = ["é", "A", "b", "10", "9", "a b", None, "_", "zz"]
    frame = pd.DataFrame([(y, n, 1.005) for n in names for y in (2018, 2016)], columns=list(TYPES))
    ways = {"engine": connection.load(frame, TYPES), "there": to_arrow(frame, TYPES)}
    for name, table in ways.items():
        connection.write(table, tmp_path / f"{name}.parquet", KEY[::-1])
    files = [(tmp_path / f"{name}.parquet").read_bytes() for name in ways]
    assert files[0] == files[1]
