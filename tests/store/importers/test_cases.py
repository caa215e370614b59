"""Rules I1 to I6, clause by clause, in both column-name generations."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tcoc.errors import InputError
from tcoc.store.check import check_store
from tcoc.store.check import render as render_check
from tcoc.store.importers import ImportSummary, import_files, render
from tcoc.store.layout import open_store
from tests.store.importers.rif_files import TINY, load_cases, write_delivery

CASES = load_cases(Path(__file__).parent / "cases")


def rows_of(store: Path, table: str) -> list[dict[str, object]]:
    """All rows of a store table, by year and place in the file."""
    files = open_store(store).files(table)
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return [{k: _plain(v) for k, v in row.items()} for row in rows]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int) else str(value)


def reconciles(summary: ImportSummary) -> bool:
    """Rows read are the sum of all dispositions, and dollars lead to the store."""
    types = summary.types.values()
    return all(t.unexplained == 0 and t.difference == Decimal(0) for t in types)


def _both_generations() -> list[Any]:
    """Every case in the older names; those on beneficiary files in the newer ones as well."""
    older = [pytest.param(c, False, id=f"{c['rule']}: {c['words']}") for c in CASES]
    newer = [pytest.param(c, True, id=f"{c['rule']}: {c['words']}, newer names")
             for c in CASES if "beneficiary" in c["given"]]  # fmt: skip
    return older + newer


@pytest.mark.parametrize(("case", "newer"), _both_generations())
def test_case(case: dict, newer: bool, tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", case["given"], newer)
    store = tmp_path / "store"
    if "error" in case:
        with pytest.raises(InputError, match=case["error"]) as error:
            import_files("rif", source, store, accept=TINY)
        assert "\n" not in str(error.value)
        assert not store.exists()
        return
    summary = import_files("rif", source, store, case.get("state", "all"), accept=TINY)
    for table, expected in case.get("expect", {}).items():
        found = rows_of(store, table)
        assert [{k: r[k] for k in e} for r, e in zip(found, expected, strict=True)] == expected
    for column, expected in case.get("expect_months", {}).items():
        assert [r[column] for r in rows_of(store, "member_month")] == expected
    for kind, counts in case.get("counts", {}).items():
        assert {k: summary.types[kind].rows.get(k) for k in counts} == counts
    assert reconciles(summary), render(summary)
    if newer:
        report = check_store(store)
        assert report.ok, render_check(report)
