"""The `rif` importer on CMS's synthetic RIF sample: dollars by claim type, to the cent."""

import csv
import json
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from tcoc.store.check import check_store
from tcoc.store.check import render as render_check
from tcoc.store.importers import ImportSummary, import_files, render
from tests.store.importers.test_cases import reconciles, rows_of

DATA = Path(os.environ.get("TCOC_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "data"
SAMPLE = DATA / "cms_rif"

pytestmark = pytest.mark.skipif(
    not SAMPLE.is_dir(), reason="CMS's RIF sample is not beside the checkout"
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ImportSummary]:
    store = tmp_path_factory.mktemp("rif") / "store"
    return store, import_files("rif", SAMPLE, store)


def source_rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="|"))


def test_line_dollars_are_those_of_the_files(imported: tuple[Path, ImportSummary]) -> None:
    store, _ = imported
    for name, table in (("carrier", "professional"), ("dme", "dme")):
        source, found = source_rows(name), rows_of(store, table)
        for here, there in (
            ("paid_amount", "LINE_NCH_PMT_AMT"),
            ("allowed_amount", "LINE_ALOWD_CHRG_AMT"),
        ):
            assert sum(Decimal(r[here]) for r in found) == sum(Decimal(r[there]) for r in source)
        assert len(found) == len(source)


@pytest.mark.parametrize("name", ["inpatient", "outpatient", "snf", "hha", "hospice"])
def test_facility_dollars_count_each_claim_once(
    name: str, imported: tuple[Path, ImportSummary]
) -> None:
    claims = {}
    for row in source_rows(name):
        through = (
            Decimal(row.get("CLM_PASS_THRU_PER_DIEM_AMT") or 0)
            if name == "inpatient"
            else Decimal(0)
        )
        claims[row["CLM_ID"]] = Decimal(row["CLM_PMT_AMT"]) + through * Decimal(
            row.get("CLM_UTLZTN_DAY_CNT") or 0
        )
    found = [r for r in rows_of(imported[0], "facility") if r["setting"] == name]
    assert {r["claim_id"]: Decimal(r["paid_amount"]) for r in found} == claims


def test_months_are_twelve_per_row_of_the_beneficiary_files(
    imported: tuple[Path, ImportSummary],
) -> None:
    months = rows_of(imported[0], "member_month")
    source = [r for y in range(2011, 2022) for r in source_rows(f"beneficiary_{y}")]
    assert len(months) == 12 * len(source) == 2640
    assert {m["state"] for m in months} == {"MA"}
    both = sum(r[f"MDCR_ENTLMT_BUYIN_{m}_IND"] in ("3", "C") for r in source for m in range(1, 13))
    assert sum(bool(m["part_a"] and m["part_b"]) for m in months) == both
    dual = Counter(
        r[f"META_DUAL_ELGBL_STUS_{m}_CD"] or None for r in source for m in ("JAN", "SEPT", "DEC")
    )
    kept = Counter(m["dual_code"] for m in months if str(m["month"])[5:7] in ("01", "09", "12"))
    assert kept == dual


def test_the_store_holds_and_says_what_it_is(imported: tuple[Path, ImportSummary]) -> None:
    store, summary = imported
    report = check_store(store)
    assert report.ok, render_check(report)
    assert reconciles(summary)
    info = json.loads((store / "store.json").read_text())
    assert info["synthetic"] is True
    assert info["source"] == {"kind": "rif", "state": "all"}
    assert info["years"] == list(range(2011, 2022))
    assert info["rows"]["professional"] == 1997
    assert {f["name"] for f in info["files"]} == {p.name for p in SAMPLE.iterdir()} - {
        "beneficiary_history.csv"
    }
    assert "beneficiary_history.csv" in render(summary)
    assert not any(
        (row["bene_id"] or "x") in json.dumps(info) for row in rows_of(store, "beneficiary")
    )


def test_nobody_lives_in_maryland(tmp_path: Path) -> None:
    summary = import_files("rif", SAMPLE, tmp_path / "store", "MD")
    assert summary.tables == dict.fromkeys(summary.tables, 0)
    assert summary.types["carrier"].rows == {"other_state": 1997}
    assert check_store(tmp_path / "store").ok
