"""What deliveries come as: packages by first bytes, CCW's file set, fixed width, CCLF's months."""

import gzip
import io
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tcoc.errors import InputError
from tcoc.store.importers import AdmissionError, controls, import_files
from tests.store.importers.forms_of_store import Rows, cclf_rows, write_cclf_csv, write_cclf_fixed
from tests.store.importers.rif_files import MONTHS, let_in, row_of, text_of, write_delivery
from tests.store.importers.test_cases import rows_of
from tests.store.importers.test_cclf import GIVEN, TABLES, content, store

__all__ = ["store"]


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


PACKAGES: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "a zip without its suffix": lambda f: {"P.A9999.ACO.ZCY18.D180131.T0100000": zipped(f)},
    "zips in a zip": lambda f: {
        "all.zip": zipped({f"{n}.zip": zipped({n: d}) for n, d in f.items()})
    },
    "a zip in a zip without suffixes": lambda f: {"P.A1.ACO.ZCY": zipped({"inner": zipped(f)})},
    "gz without its suffix": lambda f: {n: gzip.compress(d, mtime=0) for n, d in f.items()},
    "gz in a zip": lambda f: {
        "all.zip": zipped({f"{n}.gz": gzip.compress(d, mtime=0) for n, d in f.items()})
    },
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_opened_by_its_first_bytes(
    name: str, store: Mapping[str, Rows], tmp_path: Path
) -> None:
    plain = write_cclf_fixed(tmp_path / "plain", cclf_rows(store))
    files = {p.name: p.read_bytes() for p in plain.iterdir()}
    (tmp_path / "in").mkdir()
    for file, data in PACKAGES[name](files).items():
        (tmp_path / "in" / file).write_bytes(data)
    import_files("cclf", tmp_path / "in", tmp_path / "store")
    assert {t: content(tmp_path / "store", t) for t in TABLES} == store


def test_fixed_width_claims_are_known_without_a_name(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    folder = write_cclf_fixed(tmp_path / "in", cclf_rows(store))
    for number, file in enumerate(sorted(folder.glob("*ZC[156]*"))):
        file.rename(folder / f"claims_{number}.txt")
    import_files("cclf", folder, tmp_path / "store")
    assert {t: content(tmp_path / "store", t) for t in TABLES} == store


# ---------------------------------------------------------------- control totals


def cclf0(rows: Mapping[str, int], day: str = "D181231") -> tuple[str, str]:
    """CCLF0 as CMS sends it: number, description, records, record length."""
    lines = ["File Number  |File Description |Total Records Count |Record Length"]
    lines += [f"CCLF{n}  |A file |{count:>11}|  292" for n, count in rows.items()]
    return f"P.A9999.ACO.ZC0Y18.{day}.T0100000", "\n".join(lines) + "\n"


@pytest.mark.parametrize("more", [0, 1])
def test_cclf0_is_held_against_the_rows(
    more: int, store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = cclf_rows(store)
    counts = {"1": len(rows["facility"]), "5": len(rows["carrier"]) + more, "2": 77}
    folder = write_cclf_fixed(tmp_path / "in", rows)
    name, text = cclf0(counts)
    (folder / name).write_text(text)
    if more:
        with pytest.raises(AdmissionError, match="records of CCLF5"):
            import_files("cclf", folder, tmp_path / "store")
        return
    summary = import_files("cclf", folder, tmp_path / "store")
    said = [c for c in summary.controls if c.name.startswith("records")]
    assert {c.name[-1]: c.holds for c in said} == {"1": True, "5": True}
    assert name not in summary.ignored


def test_a_file_that_cclf0_lists_and_that_is_absent_is_missed(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = {k: r for k, r in cclf_rows(store).items() if k != "dme"}
    folder = write_cclf_fixed(tmp_path / "in", rows)
    name, text = cclf0({"6": 12})
    (folder / name).write_text(text)
    with pytest.raises(AdmissionError, match="records of CCLF6 12, found 0"):
        import_files("cclf", folder, tmp_path / "store")


# ---------------------------------------------------------------- CCW's file set


def as_fixed(rows: list[dict[str, str]], records: int | None = None) -> tuple[str, str]:
    """A .dat and its .fts: fields side by side, named by short and long name."""
    widths = {c: max(len(r[c]) for r in rows) or 1 for c in rows[0]}
    text = "".join("".join(r[c].ljust(w) for c, w in widths.items()) + "\n" for r in rows)
    lines = ["File Transfer Summary", f"Exact File Quantity (Rows): {records or len(rows):,}", "",
             "#  Field Short Name  Long Name  Type Start Width"]  # fmt: skip
    start = 1
    for number, (column, width) in enumerate(widths.items(), 1):
        lines.append(f"{number:>3} F{number}  {column}  CHAR {start:>6} {width:>5}")
        start += width
    return text, "\n".join([*lines, "- End of Document -"])


@pytest.mark.parametrize("records", [None, 7])
def test_fixed_width_is_read_by_its_fts_and_held_against_it(
    records: int | None, tmp_path: Path
) -> None:
    plain = write_delivery(tmp_path / "plain", GIVEN)
    import_files("rif", plain, tmp_path / "one")
    source = write_delivery(tmp_path / "in", GIVEN)
    for kind in ("beneficiary", "carrier"):
        rows = [row_of(kind, r) for r in GIVEN[kind]]
        dat, fts = as_fixed(rows, records if kind == "carrier" else None)
        (source / f"{kind}_res01.dat").write_text(dat)
        (source / f"{kind}_res01.fts").write_text(fts)
        (source / f"{kind}.csv").unlink()
    if records:
        with pytest.raises(AdmissionError, match=r"rows of carrier_res01\.dat are 7, found 5"):
            import_files("rif", source, tmp_path / "two")
        return
    import_files("rif", source, tmp_path / "two")
    assert {t: rows_of(tmp_path / "two", t) for t in TABLES} == {
        t: rows_of(tmp_path / "one", t) for t in TABLES
    }


@pytest.mark.parametrize(
    "fts", [None, "File Transfer Summary\nField Short Name Type Start Width\n"]
)
def test_fixed_width_without_its_fields_is_refused(fts: str | None, tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    dat, _ = as_fixed([row_of("carrier", r) for r in GIVEN["carrier"]])
    (source / "carrier.csv").unlink()
    (source / "carrier.dat").write_text(dat)
    if fts:
        (source / "carrier.fts").write_text(fts)
    with pytest.raises(InputError, match="a fixed-width file needs its layout"):
        import_files("rif", source, tmp_path / "store")


def test_fields_of_an_fts_that_overlap_are_refused() -> None:
    text = "1 A CHAR 1 5\n2 B CHAR 4 5\n"
    with pytest.raises(InputError, match="line 2: the field starts at 4, inside"):
        controls.read_fts("x.fts", text, set())


SIDE_FILES = {
    "inpatient_occurrnce_codes.csv": "BENE_ID,CLM_ID,NCH_CLM_TYPE_CD,CLM_RLT_OCRNC_CD\nB,C,60,11\n",
    "outpatient_demo_codes.csv": "BENE_ID,CLM_ID,NCH_CLM_TYPE_CD,DEMO_ID_NUM\nB,C,40,11\n",
    "mbsf_chronic_summary_2015.csv": "BENE_ID,BENE_ENROLLMT_REF_YR,AMI\nB,2015,0\n",
    "mbsf_costuse_2015.csv": "BENE_ID,BENE_ENROLLMT_REF_YR,ACUTE_MDCR_PMT\nB,2015,0\n",
}


def test_side_files_are_left_aside_and_listed(tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    for name, text in SIDE_FILES.items():
        (source / name).write_text(text)
    summary = import_files("rif", source, tmp_path / "store")
    assert set(summary.ignored) == set(SIDE_FILES)
    assert all("columns that" in why for why in summary.why_ignored.values())


@pytest.mark.parametrize("given", [True, False])
def test_dual_status_comes_from_the_d_segment(given: bool, tmp_path: Path) -> None:
    """MBSF base and D components are joined by person and year."""
    source = write_delivery(tmp_path / "in", GIVEN)
    rows = [row_of("beneficiary", r) for r in GIVEN["beneficiary"]]
    base = [{k: v for k, v in r.items() if not k.startswith("META_DUAL")} for r in rows]
    (source / "beneficiary.csv").unlink()
    (source / "mbsf_ab_summary_2015.csv").write_text(text_of(base))
    if given:
        segment = [
            {"BENE_ID": r["BENE_ID"], "BENE_ENROLLMT_REF_YR": r["RFRNC_YR"], "ENRL_SRC": "CME"}
            | {f"DUAL_STUS_CD_{m:02d}": "2.0" if r["BENE_ID"] == "1A00A00AA01" else "NA"
               for m in range(1, len(MONTHS) + 1)}
            for r in rows
        ]  # fmt: skip
        (source / "mbsf_d_cmpnts_2015.csv").write_text(text_of(segment, ","))
    summary = import_files("rif", source, tmp_path / "store")
    months = rows_of(tmp_path / "store", "member_month")
    codes = {str(m["bene_id"])[-1]: m["dual_code"] for m in months}
    assert codes == ({"1": "02", "2": "NA"} if given else {"1": None, "2": None})
    assert ("dual status" in summary.missing) != given


# ---------------------------------------------------------------- CCLF's months and numbers


def dated(row: Mapping[str, str], day: str, **cells: str) -> dict[str, str]:
    return {**row, **cells, "FILE_DATE": day}


def test_the_newest_delivery_wins_in_one_table_of_many(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    """Whatever the order of the rows: FILE_DATE says which delivery is the newest."""
    rows = cclf_rows(store)
    first = rows["facility"][0]
    rows["facility"] = [dated(r, "2018-01-15") for r in rows["facility"]]
    rows["facility"] += [dated(first, "2018-03-15", CLM_PMT_AMT="3.00")]
    rows["facility"] += [dated(first, "2018-02-15", CLM_PMT_AMT="2.00")]
    rows["facility"] += [dated(first, "2018-04-15", CLM_PMT_AMT="3.00")]
    summary = import_files("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    paid = {r["claim_id"]: r["paid_amount"] for r in rows_of(tmp_path / "store", "facility")}
    assert paid[first["CUR_CLM_UNIQ_ID"]] == "3.00"
    counted = summary.types["facility"].rows
    assert (counted["replaced"], counted["duplicates"]) == (2, 1)


def test_numbers_changed_forth_and_back_are_one_person(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    """CCLF9 says A to B in January and B to A in February: both are A."""
    rows = cclf_rows(store)
    a, b = "1A00A00AA01", "1X00A00AA09"
    for row in (rows["carrier"][0], rows["facility"][0]):
        row["BENE_MBI_ID"] = b
    pairs = [(b, a, "2018-01-15"), (a, b, "2018-02-15")]
    rows["xref"] = [
        {"HICN_MBI_XREF_IND": "M", "CRNT_NUM": new, "PRVS_NUM": old, "FILE_DATE": day}
        for new, old, day in pairs
    ]
    summary = import_files("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    assert {t: content(tmp_path / "store", t) for t in TABLES} == store
    assert any("2 numbers were changed forth and back" in note for note in summary.notes)


def test_a_cancellation_that_meets_nothing_is_counted_with_its_dollars(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = cclf_rows(store)
    claim = rows["facility"][0]
    lone = {**claim, "CUR_CLM_UNIQ_ID": "999", "CLM_ADJSMT_TYPE_CD": "1", "CLM_PMT_AMT": "4999.99"}
    rows["facility"] = [*rows["facility"], lone]
    summary = import_files("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    entry = summary.types["facility"]
    assert (entry.rows["unmatched"], f"{entry.dollars['unmatched']}") == (1, "4999.99")
    assert "cancelled" not in entry.rows


def test_a_blank_file_date_puts_the_row_aside(store: Mapping[str, Rows], tmp_path: Path) -> None:
    rows = cclf_rows(store)
    rows["beneficiary"][0]["FILE_DATE"] = ""
    source = write_cclf_csv(tmp_path / "in", rows)
    summary = let_in("cclf", source, tmp_path / "store")
    assert summary.types["beneficiary"].rows["quarantined"] == 1
    text = (tmp_path / "store" / "quarantine" / "beneficiary.csv").read_text()
    assert "neither FILE_DATE nor the file's name says the month" in text


def test_the_buy_in_counts_and_the_override_is_counted(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = cclf_rows(store)
    for row in rows["beneficiary"]:
        row |= {
            "BENE_PART_A_ENRLMT_BGN_DT": "2015-07-01",
            "BENE_PART_B_ENRLMT_BGN_DT": "2010-01-01",
        }
    summary = import_files("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    assert content(tmp_path / "store", "member_month") == list(store["member_month"])
    early = [m for m in store["member_month"] if m["part_a"] and str(m["month"]) < "2015-07-01"]
    assert any(note.startswith(f"{len(early)} months are covered") for note in summary.notes)


# ---------------------------------------------------------------- the cases beside the project

CASES = (
    Path(os.environ.get("TCOC_SHARED", Path(__file__).resolve().parents[4] / "shared")) / "cases"
)
RIGHT = {
    "cclf0_not_reconciled": "records of CCLF1 6, found 1",
    "cclf_file_date_blank": "neither FILE_DATE nor the file's name says the month",
    "rif_fixed_width": "a fixed-width file needs its layout",
}
"""Cases that must not be let in, and what is said."""

STORES: dict[str, tuple[int, str, str]] = {
    "cclf8_unused_column": (1, "10000.00", "80.00"),
    "cclf_cancel_unmatched": (1, "10000.00", "80.00"),
    "cclf_one_table_months": (1, "10000.00", "80.00"),
    "cclf_sentinel_time": (20, "200000.00", "1600.00"),
    "ccw_code_files": (1, "10500.00", "80.00"),
    "ccw_mbsf_segments": (1, "10500.00", "80.00"),
    "cms_zip_no_suffix": (1, "10000.00", "80.00"),
    "rif_county_zero_lost": (1, "10500.00", "80.00"),
    "rif_float_codes": (1, "10500.00", "80.00"),
    "rif_negative_line": (1, "9300.00", "40.00"),
    "rif_nonpayment_null": (1, "10500.00", "80.00"),
    "rif_null_words": (20, "210000.00", "1600.00"),
}
"""People, facility dollars and professional dollars of the cases that are let in."""


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside the checkout")
@pytest.mark.parametrize("name", [*RIGHT, *STORES])
def test_the_cases_are_right(name: str, tmp_path: Path) -> None:
    kind = "cclf" if name.startswith(("cclf", "cms_zip")) else "rif"
    out = tmp_path / "store"
    if name in RIGHT:
        with pytest.raises((InputError, AdmissionError), match=RIGHT[name]):
            import_files(kind, CASES / name, out)
        return
    summary = import_files(kind, CASES / name, out)
    dollars = {k: f"{v:.2f}" for k, v in summary.dollars.items()}
    found = (summary.tables["beneficiary"], dollars["facility"], dollars["professional"])
    assert found == STORES[name]
    months = rows_of(out, "member_month")
    if name == "rif_float_codes":
        assert {
            (m["part_a"], m["part_b"], m["managed_care"], m["county_fips"]) for m in months
        } == {(True, True, False, "24510")}
        assert rows_of(out, "beneficiary")[0]["sex"] == "F"
    if name == "rif_county_zero_lost":
        assert [m["state"] for m in months] == ["CT"] * 6 + ["MD"] * 6
    if name == "cclf_cancel_unmatched":
        assert summary.types["facility"].rows["unmatched"] == 1
