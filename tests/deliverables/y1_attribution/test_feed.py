"""The contractor's feed: whole, documented, checked, and refused where it would do harm."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tcoc.deliverables.y1_attribution.feed import FILES, VERSION, check_feed, write_feed
from tcoc.errors import InputError
from tests.support.tiny import tiny_study

GIVEN = {
    "years": [2017, 2018],
    "reference": {
        "aco_practitioners": [
            {"aco_id": "A1", "npi": 1, "ccn": "210001", "name": "Ada Example, MD"},
            {"aco_id": "A1", "npi": 5},
        ]
    },
    "people": [{"bene": "B1", "months": "2017-01..2018-12"}, {"bene": "B2"}, {"bene": "B3"}],
    "lines": [
        {"bene": "B1", "npi": 1, "date": "2016-03-01"},
        {"bene": "B2", "npi": 2, "specialty": "08"},
        {"bene": "B2", "npi": 2, "specialty": "11", "allowed": 99, "hcpcs": "99214"},
    ],
    "claims": [{"bene": "B2", "ccn": "210002", "paid": 12.34, "date": "2017-03-01"}],
}


@pytest.fixture(scope="module")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with tiny_study(GIVEN) as study:
        files = [study.path(file.table) for file in FILES]
        yield files[0].parent


@pytest.fixture
def feed(restricted: Path, tmp_path: Path) -> Path:
    return write_feed(restricted, "tiny", {"synthetic": True}, tmp_path / "feed")


def test_each_file_has_rows_columns_and_checksum(feed: Path) -> None:
    manifest = json.loads((feed / "feed.json").read_text())
    assert (manifest["version"], manifest["run"]) == (VERSION, "tiny")
    assert [file["name"] for file in manifest["files"]] == [file.name for file in FILES]
    for file in manifest["files"]:
        read = pd.read_parquet if file["name"].endswith(".parquet") else pd.read_csv
        frame = read(feed / file["name"])
        assert len(frame) == file["rows"] > 0
        assert list(frame.columns) == [column["name"] for column in file["columns"]]
        assert all(column["about"] for column in file["columns"])
    check_feed(feed)


def test_the_practitioner_list_has_name_specialty_and_aco(feed: Path) -> None:
    rows = pd.read_csv(feed / "attribution_by_practitioner.csv", dtype=str).fillna("")
    ada = rows[(rows["npi"] == "0000000001") & (rows["year"] == "2018")].iloc[0]
    assert (ada["name"], ada["aco_id"], ada["specialty_name"]) == (
        "Ada Example, MD",
        "A1",
        "Internal medicine",
    )
    other = rows[rows["npi"] == "0000000002"].iloc[0]
    assert (other["name"], other["aco_id"], other["specialty"]) == ("", "", "08")


def test_the_aco_list_is_what_the_run_used(feed: Path) -> None:
    rows = pd.read_csv(feed / "aco_practitioner_list.csv", dtype=str).fillna("")
    assert rows[["npi", "ccn"]].to_numpy().tolist() == [
        ["0000000001", "210001"],
        ["0000000005", ""],
    ]


def test_the_beneficiaries_are_the_restricted_table(feed: Path, restricted: Path) -> None:
    handed_on = pq.read_table(feed / "beneficiary_attribution.parquet")
    assert handed_on.equals(pq.read_table(restricted / "attribution.parquet"))


def test_only_the_owner_reads_it(feed: Path) -> None:
    assert stat.S_IMODE(feed.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in feed.iterdir()} == {0o600}


def test_the_same_tables_give_the_same_bytes_and_replace_an_earlier_feed(
    feed: Path, restricted: Path
) -> None:
    before = {file.name: file.read_bytes() for file in feed.iterdir()}
    write_feed(restricted, "tiny", {"synthetic": True}, feed)
    assert {file.name: file.read_bytes() for file in feed.iterdir()} == before


def test_a_changed_file_is_found(feed: Path) -> None:
    file = feed / "years.csv"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(InputError, match=r"years\.csv: the checksum"):
        check_feed(feed)


def test_a_folder_of_other_things_is_left_alone(restricted: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="a folder of its own"):
        write_feed(restricted, "tiny", {}, tmp_path)
    assert (tmp_path / "thesis.txt").is_file()


def test_a_run_without_attribution_is_refused(tmp_path: Path) -> None:
    (tmp_path / "restricted").mkdir()
    with pytest.raises(InputError, match="the run has no table attribution"):
        write_feed(tmp_path / "restricted", "other", {}, tmp_path / "feed")
