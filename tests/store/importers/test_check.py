"""`tcoc check`: every kind of check is able to fail, and the report names no one."""
# ruff: noqa: E501  (a table of cases reads best with one case per line)

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tcoc.errors import InputError
from tcoc.store.check import check_store, render
from tcoc.store.connection import connect
from tcoc.store.layout import open_store
from tcoc.store.schema import TABLES
from tests.store.importers.rif_files import let_in, write_delivery

GIVEN = {
    "beneficiary": [{"BENE_ID": "BENE1"}, {"BENE_ID": "BENE2"}],
    "carrier": [{"BENE_ID": "BENE1", "CLM_ID": "C1"}, {"BENE_ID": "BENE2", "CLM_ID": "C2"}],
    "inpatient": [{"BENE_ID": "BENE1"}],
    "outpatient": [{"BENE_ID": "BENE2"}],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    let_in("rif", write_delivery(folder / "in", GIVEN), folder / "store")
    return folder / "store"


def part(store: Path, table: str) -> Path:
    single = store / f"{table}.parquet"
    return single if single.is_file() else next((store / table).rglob("*.parquet"))


def rows(table: str, change: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Path], None]:
    """Change the rows of a table's first file in place."""

    def apply(store: Path) -> None:
        file = part(store, table)
        old = pq.ParquetFile(file).read()
        new = old.to_pylist()
        change(new)
        pq.write_table(pa.Table.from_pylist(new, schema=old.schema), file)

    return apply


def put(table: str, column: str, value: Any, row: int = 0) -> Callable[[Path], None]:
    return rows(table, lambda found: found[row].update({column: value}))


def retype(store: Path) -> None:
    file = part(store, "professional")
    table = pq.ParquetFile(file).read()
    place = table.schema.get_field_index("line_number")
    pq.write_table(table.set_column(place, "line_number", table["line_number"].cast("int64")), file)


def rename(store: Path) -> None:
    file = part(store, "dme" if (store / "dme").is_dir() else "facility")
    table = pq.ParquetFile(file).read()
    pq.write_table(
        table.rename_columns([c.replace("ccn", "provider") for c in table.column_names]), file
    )


def said(key: str, value: Any) -> Callable[[Path], None]:
    def apply(store: Path) -> None:
        info = json.loads((store / "store.json").read_text())
        info[key] = value
        (store / "store.json").write_text(json.dumps(info))

    return apply


def other_year(store: Path) -> None:
    folder = part(store, "professional").parent
    folder.rename(folder.with_name("year=2014"))


def cut(store: Path) -> None:
    file = part(store, "facility")
    file.write_bytes(file.read_bytes()[:100])


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a column of another type": (retype, "columns have the types of the schema"),
    "a column of another name": (rename, "files have the columns of the schema"),
    "a file cut off": (cut, "files are whole Parquet files"),
    "a table without its file": (lambda s: part(s, "beneficiary").unlink(), "the table has a file"),
    "a null": (put("member_month", "part_a", None), "part_a is never null"),
    "a value that is not allowed": (put("beneficiary", "sex", "X"), "sex is one of F, M, U"),
    "a bad code": (put("facility", "ccn", "21000"), "ccn is like"),
    "a blank number": (put("professional", "claim_id", " "), "claim_id is not blank"),
    "a key twice": (rows("professional", lambda r: r[1].update(claim_id="C1")), "key claim_id, line_number is unique"),
    "a stranger": (put("professional", "bene_id", "BENE0"), "bene_id is in beneficiary"),
    "not a first day": (rows("member_month", lambda r: r[0].update(month=r[0]["month"].replace(day=2))), "month is a first day"),
    "dates exchanged": (rows("facility", lambda r: r[0].update(from_date=r[0]["thru_date"], thru_date=r[0]["from_date"])), "from_date is not after thru_date"),
    "the wrong year": (other_year, "service_date lies in the year of its partition"),
    "not in order": (rows("professional", lambda r: r.reverse()), "files are in the order of bene_id"),
    "a row lost": (rows("professional", lambda r: r.pop()), "rows per table are those of store.json"),
    "dollars changed": (rows("facility", lambda r: r[0].update(paid_amount=2 * r[0]["paid_amount"])), "paid dollars are those of store.json"),
    "years unsaid": (said("years", [2014]), "years are those of store.json"),
    "synthetic unsaid": (said("synthetic", None), "synthetic is said in store.json"),
    "a stray file": (lambda s: (s / "notes.txt").write_text("x"), "only known files and folders"),
    "a stray folder": (lambda s: (s / "professional" / "2015").mkdir(), "partitions are named year=YYYY"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_store_is_found(kind: str, whole: Path, tmp_path: Path) -> None:
    change, rule = BROKEN[kind]
    shutil.copytree(whole, tmp_path / "store")
    change(tmp_path / "store")
    report = check_store(tmp_path / "store")
    assert not report.ok
    assert any(check.rule.startswith(rule) for check in report.failed), render(report)
    assert "FAIL" in render(report)
    assert "BENE" not in render(report)


def test_a_whole_store_holds(whole: Path) -> None:
    report = check_store(whole)
    assert report.ok
    assert report.rows == {
        "beneficiary": 2,
        "member_month": 24,
        "professional": 2,
        "facility": 2,
        "dme": 0,
    }
    assert "The store holds." in render(report)


def test_no_store_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such store"):
        check_store(tmp_path / "nothing")


def test_a_store_from_before_the_processing_date_holds_and_reads_as_null(
    whole: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(whole, store)
    for table in ("professional", "facility"):
        for file in (store / table).rglob("*.parquet"):
            pq.write_table(pq.ParquetFile(file).read().drop_columns(["processed_date"]), file)
    assert check_store(store).ok
    with connect() as connection:
        lines = connection.table(open_store(store), "professional")
        assert list(lines.columns) == list(TABLES["professional"].schema)
        assert connection.fetch(lines)["processed_date"].isna().all()
