"""The reference tables that come with a synthetic store."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from tcoc.paths import params_dir
from tests.store.synth.measure import Measure

COLUMNS = {
    "hospitals": "ccn,name,short_name,system,county,zip,attributable,specialty",
    "aco_hospitals": "aco_id,aco_name,ccn",
    "aco_practitioners": "aco_id,npi,ccn",
    "psa_zips": "zip,ccn",
    "ecmad": "zip,ccn,ecmad",
    "drive_times": "zip,ccn,minutes",
    "care_partners": "npi,ccn,program,start_date,end_date",
    "quality_adjustments": "ccn,rate_year,rrip,mhac",
    "combinations": "combination,ccn",
}


def read(store: Path, name: str) -> list[dict[str, str]]:
    with (store / "reference" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_columns_rows_and_hospitals(store: Path, name: str) -> None:
    text = (store / "reference" / f"{name}.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == COLUMNS[name]
    rows = read(store, name)
    assert len({tuple(row.values()) for row in rows}) == len(rows) > 0
    ccns = {row["ccn"] for row in read(store, "hospitals")}
    assert {row["ccn"] for row in rows} <= ccns | {""}


def test_hospitals_are_the_projects(store: Path) -> None:
    for name in ("hospitals", "aco_hospitals"):
        ours = (params_dir() / "reference" / f"{name}.csv").read_bytes()
        assert (store / "reference" / f"{name}.csv").read_bytes() == ours
    rows = read(store, "hospitals")
    assert len(rows) == 48
    assert len({row["short_name"] for row in rows}) == 48
    assert [row["ccn"] for row in rows if row["attributable"] != "true"] == ["210064"]
    assert [row["ccn"] for row in rows if row["specialty"] == "true"] == ["210058", "210064"]


def test_fourteen_acos(store: Path) -> None:
    names = {row["aco_id"]: row["aco_name"] for row in read(store, "aco_hospitals")}
    assert len(names) == 14
    invented = [name for name in names.values() if name.startswith("Invented ACO")]
    assert len(invented) == 4
    assert all("synthetic" in name for name in invented)


def test_practitioner_lists(store: Path) -> None:
    rows = read(store, "aco_practitioners")
    acos = {row["npi"]: set() for row in rows}
    for row in rows:
        acos[row["npi"]].add(row["aco_id"])
    assert all(len(of) == 1 for of in acos.values()), "an NPI stands in one ACO"
    hospitals = {(row["aco_id"], row["ccn"]) for row in read(store, "aco_hospitals")}
    linked = [row for row in rows if row["ccn"]]
    assert {(row["aco_id"], row["ccn"]) for row in linked} <= hospitals
    links = Counter(row["npi"] for row in linked)
    without = {row["npi"] for row in rows if not row["ccn"]}
    assert without
    assert not without & set(links)
    assert max(links.values()) == 2
    assert {row["aco_id"] for row in rows} == {
        row["aco_id"] for row in read(store, "aco_hospitals")
    }


def test_service_areas(store: Path) -> None:
    claimed = Counter(row["zip"] for row in read(store, "psa_zips"))
    assert {1, 2, 3} <= set(claimed.values())
    homes = {row["zip"] for row in read(store, "ecmad")}
    assert homes - set(claimed), "some ZIPs are claimed by nobody"
    assert set(claimed) - homes, "some claimed ZIPs have no ECMADs"
    assert homes - {row["zip"] for row in read(store, "drive_times")}
    assert all(float(row["ecmad"]) > 0 for row in read(store, "ecmad"))
    assert all(0 < float(row["minutes"]) < 400 for row in read(store, "drive_times"))


def test_care_partners(store: Path, measure: Measure) -> None:
    rows = read(store, "care_partners")
    assert {row["program"] for row in rows} == {"HCIP", "CCIP"}
    assert all(row["end_date"] == "" or row["end_date"] > row["start_date"] for row in rows)
    known = {row[0] for row in measure.sql(f"select npi from '{store}/truth/clinician.parquet'")}
    assert {row["npi"] for row in rows} <= known


def test_quality_adjustments(store: Path) -> None:
    rows = read(store, "quality_adjustments")
    eligible = {r["ccn"] for r in read(store, "hospitals") if r["attributable"] == "true"}
    assert {(r["ccn"], r["rate_year"]) for r in rows} == {
        (ccn, year) for ccn in eligible for year in ("2020", "2021")
    }
    assert all(-0.02 <= float(row[name]) <= 0.01 for row in rows for name in ("rrip", "mhac"))


def test_medicaid_spending_is_of_full_duals(store: Path, measure: Measure) -> None:
    file = f"'{store}/reference/medicaid_spending.parquet'"
    stray = f"""select count(*) from {file} anti join
        (select bene_id, month from member_month
         where dual_code in ('02', '04', '08') and state = 'MD')
        using (bene_id, month)"""
    assert measure.number(stray) == 0
    assert measure.number(f"select count(*) - count(distinct (bene_id, month)) from {file}") == 0
    assert measure.number(f"select min(amount) from {file}") >= 0
    assert measure.number(f"select count(*) from {file}") > 1000


def test_truth_has_everybody_eligible(store: Path, measure: Measure) -> None:
    truth = f"(select * from '{store}/truth/beneficiary_year.parquet' where year = 2016)"
    measure.eligible(2016)
    missing = f"select count(*) from people anti join {truth} using (bene_id)"
    assert measure.number(missing) == 0
    stages = measure.sql(f"select distinct stage_expected from {truth} order by 1")
    assert stages == [("aco_like",), ("geographic",), ("mdpcp_like",)]
