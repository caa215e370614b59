"""The `synpuf` importer: CMS's annual totals to the dollar, and what the source lacks."""
# ruff: noqa: E501  (a table of cases reads best with one case per line)

import csv
import json
from pathlib import Path

import pytest

from tcoc.errors import InputError
from tcoc.store.check import check_store
from tcoc.store.importers import render
from tests.store.importers.rif_files import let_in
from tests.store.importers.test_cases import reconciles, rows_of
from tests.store.importers.test_sample import DATA

SAMPLE = DATA / "de_synpuf"
PERSON = {
    "DESYNPUF_ID": "P1", "BENE_BIRTH_DT": "19400101", "BENE_DEATH_DT": "",
    "BENE_SEX_IDENT_CD": "1", "BENE_ESRD_IND": "0", "SP_STATE_CODE": "21",
    "BENE_HI_CVRAGE_TOT_MONS": "12", "BENE_SMI_CVRAGE_TOT_MONS": "10",
    "BENE_HMO_CVRAGE_TOT_MONS": "2", "MEDREIMB_IP": "0.00", "MEDREIMB_OP": "0.00",
    "MEDREIMB_CAR": "0.00",
}  # fmt: skip
CLAIM = {
    "DESYNPUF_ID": "P1", "CLM_ID": "1", "SEGMENT": "1", "CLM_FROM_DT": "20091230",
    "CLM_THRU_DT": "20100103", "PRVDR_NUM": "21S009", "CLM_PMT_AMT": "4000.00",
    "CLM_PASS_THRU_PER_DIEM_AMT": "10.00", "CLM_UTLZTN_DAY_CNT": "4",
}  # fmt: skip
LINE_FIELDS = (
    "PRF_PHYSN_NPI",
    "TAX_NUM",
    "HCPCS_CD",
    "LINE_NCH_PMT_AMT",
    "LINE_ALOWD_CHRG_AMT",
    "LINE_PRCSG_IND_CD",
)


def carrier_row(claim: str, *lines: tuple[str, ...]) -> dict[str, str]:
    """A carrier claim with its lines side by side; places without a line hold zeros and blanks."""
    empty = ("", "", "", "0.00", "0.00", "")
    row = {
        "DESYNPUF_ID": "P1",
        "CLM_ID": claim,
        "CLM_FROM_DT": "20091231",
        "CLM_THRU_DT": "20100101",
    }
    padded = [*lines, *[empty] * (13 - len(lines))]
    return row | {
        f"{f}_{n}": line[i] for i, f in enumerate(LINE_FIELDS) for n, line in enumerate(padded, 1)
    }


def line(paid: str, allowed: str = "100.00", indicator: str = "A") -> tuple[str, ...]:
    return ("1234567893", "520000001", "99213", paid, allowed, indicator)


def write(folder: Path, **files: list[dict[str, str]]) -> Path:
    """Write a sample: the beneficiary of 2010, and files by type."""
    folder.mkdir()
    given = {
        "carrier": [carrier_row("9", line("80.00"))],
        "inpatient": [CLAIM],
        "outpatient": [{**CLAIM, "CLM_ID": "2"}],
        "beneficiary": [{**PERSON, "MEDREIMB_IP": "4040.00", "MEDREIMB_OP": "4000.00", "MEDREIMB_CAR": "80.00"}],
        **files,
    }  # fmt: skip
    names = {"carrier": "2008_to_2010_Carrier_Claims", "inpatient": "2008_to_2010_Inpatient_Claims",
             "outpatient": "2008_to_2010_Outpatient_Claims", "beneficiary": "2010_Beneficiary_Summary_File"}  # fmt: skip
    for kind, rows in given.items():
        with (folder / f"DE1_0_{names[kind]}_Sample_9.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="CMS's DE-SynPUF sample is not beside the checkout")
def test_the_sample_reconciles_to_the_dollar(tmp_path: Path) -> None:
    summary = let_in("synpuf", SAMPLE, tmp_path / "store")
    even = {"beneficiary_years": 30, "differing": 0, "difference": "0.00"}
    assert summary.reconciliation == dict.fromkeys(
        ["MEDREIMB_CAR", "MEDREIMB_IP", "MEDREIMB_OP"], even
    )
    assert check_store(tmp_path / "store").ok
    assert reconciles(summary)
    source = {}
    for file in SAMPLE.glob("*Beneficiary*"):
        for row in csv.DictReader(file.open(newline="")):
            source[(row["DESYNPUF_ID"], file.name[6:10])] = row
    found = rows_of_reconciliation(tmp_path / "store")
    for (person, year, measure), imported in found.items():
        assert float(source[(person, year)][measure]) == imported
    assert len(found) == 3 * len(source) == 90


def rows_of_reconciliation(store: Path) -> dict[tuple[str, str, str], float]:
    import pyarrow.parquet as pq

    rows = pq.read_table(store / "reconciliation.parquet").to_pylist()
    return {(r["bene_id"], str(r["year"]), r["measure"]): float(r["imported"]) for r in rows}


def test_a_claim_lies_in_the_year_of_its_thru_date_with_pass_through(tmp_path: Path) -> None:
    summary = let_in("synpuf", write(tmp_path / "in"), tmp_path / "store")
    assert {m: r["differing"] for m, r in summary.reconciliation.items()} == {
        "MEDREIMB_CAR": 0, "MEDREIMB_IP": 0, "MEDREIMB_OP": 0,
    }  # fmt: skip
    stays = rows_of(tmp_path / "store", "facility")
    assert [(s["ccn"], s["paid_amount"]) for s in stays] == [
        ("210009", "4040.00"),
        ("210009", "4000.00"),
    ]


def test_of_a_claim_in_segments_the_first_counts(tmp_path: Path) -> None:
    second = {
        **CLAIM,
        "CLM_ID": "2",
        "SEGMENT": "2",
        "CLM_FROM_DT": "",
        "CLM_THRU_DT": "",
        "CLM_PMT_AMT": "50.00",
    }
    source = write(tmp_path / "in", outpatient=[second, {**CLAIM, "CLM_ID": "2"}])
    summary = let_in("synpuf", source, tmp_path / "store")
    assert summary.types["outpatient"].rows == {"imported": 1, "repeated": 1}
    assert summary.reconciliation["MEDREIMB_OP"]["differing"] == 0


def test_denied_lines_and_empty_places_carry_nothing(tmp_path: Path) -> None:
    lines = [
        line("80.00"),
        line("7.00", indicator="C"),
        line("5.00", "0.00", "S"),
        line("6.00", indicator="S"),
    ]
    source = write(tmp_path / "in", carrier=[carrier_row("9", *lines)])
    summary = let_in("synpuf", source, tmp_path / "store")
    found = rows_of(tmp_path / "store", "professional")
    assert [(r["line_number"], r["paid_amount"]) for r in found] == [(1, "80.00"), (4, "6.00")]
    assert summary.types["carrier"].rows == {"imported": 2, "denied": 2}


def test_a_difference_is_counted_and_names_nobody(tmp_path: Path) -> None:
    source = write(tmp_path / "in", carrier=[carrier_row("9", line("90.00"))])
    summary = let_in("synpuf", source, tmp_path / "store")
    assert summary.reconciliation["MEDREIMB_CAR"] == {
        "beneficiary_years": 1, "differing": 1, "difference": "10.00",
    }  # fmt: skip
    text = render(summary)
    assert "1 differ, by 10.00 dollars in all" in text
    assert "P1" not in text
    assert "P1" not in (tmp_path / "store" / "reconciliation.csv").read_text()


def test_what_the_source_lacks_is_missing_and_said(tmp_path: Path) -> None:
    let_in("synpuf", write(tmp_path / "in"), tmp_path / "store")
    store = tmp_path / "store"
    months = rows_of(store, "member_month")
    assert {(m["zip"], m["dual_code"], m["county_fips"], m["state"]) for m in months} == {
        ("", None, None, "MD")
    }
    assert [m["part_b"] for m in months] == [True] * 10 + [False] * 2
    assert [m["managed_care"] for m in months] == [True] * 2 + [False] * 10
    assert rows_of(store, "professional")[0]["specialty"] is None
    info = json.loads((store / "store.json").read_text())
    assert info["synthetic"] is True
    assert {"specialty", "ZIP", "dual status", "monthly enrolment"} <= set(info["missing"])


def test_optional_tables_supply_it(tmp_path: Path) -> None:
    (tmp_path / "npi.csv").write_text("npi,specialty\n1234567893,11\n")
    (tmp_path / "people.csv").write_text("bene_id,zip,dual_code,orig_entitlement\nP1,21201,02,1\n")
    source, store = write(tmp_path / "in"), tmp_path / "store"
    summary = let_in(
        "synpuf",
        source,
        store,
        clinicians=tmp_path / "npi.csv",
        beneficiaries=tmp_path / "people.csv",
    )
    assert rows_of(store, "professional")[0]["specialty"] == "11"
    assert {(m["zip"], m["dual_code"]) for m in rows_of(store, "member_month")} == {("21201", "02")}
    assert rows_of(store, "beneficiary")[0]["orig_entitlement"] == "1"
    assert set(summary.missing) == {"monthly enrolment", "place of service"}
    assert check_store(store).ok


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("npi,speciality\n1,2\n", 'npi.csv: found column "speciality"; did you mean "specialty"'),
        ("specialty\n11\n", "npi.csv: found column"),
        (
            "npi,specialty\n1234567893,11\n1234567893,08\n",
            "npi.csv: 1 rows have no npi, or one that stands twice",
        ),
        ("npi,specialty\n1234567893,11\n12345,08\n", "npi.csv: row 3: npi is not like"),
    ],
)
def test_bad_optional_tables(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "npi.csv").write_text(text)
    with pytest.raises(InputError, match=words.replace("[", r"\[")):
        let_in(
            "synpuf", write(tmp_path / "in"), tmp_path / "store", clinicians=tmp_path / "npi.csv"
        )
    assert not (tmp_path / "store").exists()


def test_the_year_must_be_in_the_beneficiary_files_name(tmp_path: Path) -> None:
    source = write(tmp_path / "in")
    next(source.glob("*Beneficiary*")).rename(source / "Beneficiary.csv")
    with pytest.raises(InputError, match=r"Beneficiary.csv: the name holds no year"):
        let_in("synpuf", source, tmp_path / "store")


def test_optional_tables_are_for_synpuf_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="supply what synpuf lacks"):
        let_in("rif", write(tmp_path / "in"), tmp_path / "store", clinicians=tmp_path / "npi.csv")
