"""The `cclf` importer: the same store as from RIF, in both forms; cancellations and numbers."""
# ruff: noqa: E501  (a table of cases reads best with one case per line)

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from tcoc.deliverables.registry import study
from tcoc.errors import InputError
from tcoc.params import load_run
from tcoc.store.check import check_store
from tcoc.store.check import render as render_check
from tcoc.store.synth import write_synthetic_store
from tests.store.importers.forms_of_store import (
    Rows,
    cclf_rows,
    fixed_line,
    write_cclf_csv,
    write_cclf_fixed,
    write_rif,
)
from tests.store.importers.rif_files import let_in, write_delivery
from tests.store.importers.test_cases import reconciles, rows_of

TABLES = ("beneficiary", "member_month", "professional", "facility", "dme")
GIVEN = {
    "beneficiary": [
        {"BENE_ID": "1A00A00AA01", "dual": "02", "BENE_ENTLMT_RSN_ORIG": "1"},
        {"BENE_ID": "1A00A00AA02", "county": "51013", "STATE_CODE": "49", "BENE_SEX_IDENT_CD": "1",
         "DEATH_DT": "03-Aug-2015", "status": ["10"] * 6 + ["11"] * 6,
         "buyin": ["3"] * 4 + ["1"] * 4 + ["0"] * 4},
    ],
    "carrier": [{"BENE_ID": f"1A00A00AA0{i % 2 + 1}", "CLM_ID": f"10{i}", "LINE_NUM": i} for i in range(5)],
    "inpatient": [{"BENE_ID": "1A00A00AA01", "CLM_ID": "201"}],
    "outpatient": [{"BENE_ID": "1A00A00AA02", "CLM_ID": "202"}, {"BENE_ID": "1A00A00AA02", "CLM_ID": "203"}],
    "snf": [{"BENE_ID": "1A00A00AA01", "CLM_ID": "204"}],
    "hha": [{"BENE_ID": "1A00A00AA01", "CLM_ID": "205"}],
    "hospice": [{"BENE_ID": "1A00A00AA01", "CLM_ID": "206"}],
    "dme": [{"BENE_ID": "1A00A00AA02", "CLM_ID": "301"}],
}  # fmt: skip


def content(store: Path, table: str) -> list[dict[str, object]]:
    """A store's rows without the processing date: here CCLF gives one and RIF does not."""
    rows = rows_of(store, table)
    return [{k: v for k, v in row.items() if k != "processed_date"} for row in rows]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Rows]:
    folder = tmp_path_factory.mktemp("rif")
    let_in("rif", write_delivery(folder / "in", GIVEN), folder / "store")
    return {t: content(folder / "store", t) for t in TABLES}


@pytest.mark.parametrize("write", [write_cclf_csv, write_cclf_fixed], ids=["csv", "fixed width"])
def test_both_forms_give_the_store_that_rif_gives(
    write, store: Mapping[str, Rows], tmp_path: Path
) -> None:
    summary = let_in("cclf", write(tmp_path / "in", cclf_rows(store)), tmp_path / "store")
    assert {t: content(tmp_path / "store", t) for t in TABLES} == store
    assert reconciles(summary)
    report = check_store(tmp_path / "store")
    assert report.ok, render_check(report)


def test_a_store_written_as_rif_comes_back(store: Mapping[str, Rows], tmp_path: Path) -> None:
    let_in("rif", write_rif(tmp_path / "in", store), tmp_path / "store")
    assert {t: content(tmp_path / "store", t) for t in TABLES} == store


def test_the_synthetic_state_gives_one_store_through_rif_and_cclf(tmp_path: Path) -> None:
    """The same people through both importers: claims to the cent, months but for managed care."""
    write_synthetic_store(tmp_path / "synthetic", 40, 1, (2015, 2016))
    made = {t: content(tmp_path / "synthetic", t) for t in TABLES}
    let_in("rif", write_rif(tmp_path / "rif", made), tmp_path / "one")
    one = {t: content(tmp_path / "one", t) for t in TABLES}
    assert {t: one[t] for t in TABLES[2:]} == {t: made[t] for t in TABLES[2:]}
    let_in("cclf", write_cclf_csv(tmp_path / "cclf", cclf_rows(one)), tmp_path / "two")
    two = {t: content(tmp_path / "two", t) for t in TABLES}
    one["member_month"] = [{**m, "managed_care": False} for m in one["member_month"]]
    assert two == one


def test_rif_and_cclf_give_the_same_attribution(tmp_path: Path) -> None:
    """The same people, nobody in managed care (CCLF does not tell): the same attribution tables."""
    write_synthetic_store(tmp_path / "synthetic", 150, 1, (2015, 2016))
    made = {t: content(tmp_path / "synthetic", t) for t in TABLES}
    in_state = [m for m in made["member_month"] if m["state"] == "MD"]
    made["member_month"] = [{**m, "managed_care": False} for m in in_state]
    let_in("rif", write_rif(tmp_path / "r", made), tmp_path / "rif")
    let_in("cclf", write_cclf_csv(tmp_path / "c", cclf_rows(made)), tmp_path / "cclf")
    results = {form: attributed(tmp_path, form) for form in ("rif", "cclf")}
    for name, table in results["rif"].items():
        assert len(table) > 0, name
        pd.testing.assert_frame_equal(results["cclf"][name], table)


def attributed(folder: Path, form: str) -> dict[str, pd.DataFrame]:
    run_file = folder / f"{form}.yml"
    run_file.write_text(
        f"name: {form}\nstore: {form}\nreference: synthetic/reference\nyears: [2016]\n"
        "options: {attribution.window: {calendar_years: 1}}\n"
    )
    with study(load_run(run_file), folder / "work" / form) as opened:
        return {
            name: opened.frame(name, exact=True)
            for name in ("attribution", "attribution_by_hospital", "hospital_year")
        }


def changed(
    store: Mapping[str, Rows], **extra: list[dict[str, str]]
) -> dict[str, list[dict[str, str]]]:
    """CCLF rows with some more behind them; each extra row changes a copy of its type's first."""
    rows = cclf_rows(store)
    return {k: [*v, *({**v[0], **e} for e in extra.get(k, []))] for k, v in rows.items()}


def dollars(folder: Path, table: str) -> dict[object, object]:
    return {r["claim_id"]: r["paid_amount"] for r in content(folder / "store", table)}


def test_a_cancellation_takes_its_claim_away(store: Mapping[str, Rows], tmp_path: Path) -> None:
    cancel = {"CUR_CLM_UNIQ_ID": "901", "CLM_ADJSMT_TYPE_CD": "1", "CLM_EFCTV_DT": "2015-06-01"}
    rows = changed(store, facility=[cancel])
    summary = let_in("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    assert set(dollars(tmp_path, "facility")) == {str(r["claim_id"]) for r in store["facility"]} - {
        str(store["facility"][0]["claim_id"])
    }
    assert summary.types["facility"].rows["cancelled"] == 2


def test_an_adjustment_takes_the_place_of_what_was_cancelled(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    first = str(store["facility"][0]["claim_id"])
    steps = [
        {"CUR_CLM_UNIQ_ID": "901", "CLM_ADJSMT_TYPE_CD": "1", "CLM_EFCTV_DT": "2015-06-01"},
        {
            "CUR_CLM_UNIQ_ID": "902",
            "CLM_ADJSMT_TYPE_CD": "2",
            "CLM_EFCTV_DT": "2015-06-01",
            "CLM_PMT_AMT": "4200.00",
        },
    ]
    rows = changed(store, facility=steps)
    let_in("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    found = dollars(tmp_path, "facility")
    assert found["902"] == "4200.00"
    assert first not in found
    assert "901" not in found


def test_a_negative_cancellation_is_one_too(store: Mapping[str, Rows], tmp_path: Path) -> None:
    amount = f"-{store['professional'][0]['paid_amount']}"
    cancel = {"CUR_CLM_UNIQ_ID": "901", "CLM_ADJSMT_TYPE_CD": "1", "CLM_LINE_CVRD_PD_AMT": amount}
    rows = changed(store, carrier=[cancel])
    let_in("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    assert len(content(tmp_path / "store", "professional")) == len(store["professional"]) - 1


def test_two_claims_of_one_day_are_no_cancellation(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = changed(store, facility=[{"CUR_CLM_UNIQ_ID": "901"}])
    let_in("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    assert len(content(tmp_path / "store", "facility")) == len(store["facility"]) + 1


def test_denied_claims_and_lines_are_not_imported(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = changed(
        store,
        facility=[{"CUR_CLM_UNIQ_ID": "901", "CLM_MDCR_NPMT_RSN_CD": "N"}],
        carrier=[{"CUR_CLM_UNIQ_ID": "902", "CLM_CARR_PMT_DNL_CD": "0", "CLM_CNTL_NUM": "902"}],
    )
    summary = let_in("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
    assert {t: content(tmp_path / "store", t) for t in TABLES} == store
    assert summary.types["carrier"].rows["denied"] == summary.types["facility"].rows["denied"] == 1


def test_an_old_number_stands_for_todays(store: Mapping[str, Rows], tmp_path: Path) -> None:
    rows = cclf_rows(store)
    old, middle, new = "1X00A00AA01", "1Y00A00AA01", "1A00A00AA01"
    for row in rows["carrier"] + rows["facility"]:
        row["BENE_MBI_ID"] = old if row["BENE_MBI_ID"] == new else row["BENE_MBI_ID"]
    rows["xref"] = [
        {"HICN_MBI_XREF_IND": "M", "CRNT_NUM": middle, "PRVS_NUM": old},
        {"HICN_MBI_XREF_IND": "M", "CRNT_NUM": new, "PRVS_NUM": middle},
    ]
    for number, write in enumerate((write_cclf_csv, write_cclf_fixed)):
        out = tmp_path / f"store{number}"
        let_in("cclf", write(tmp_path / f"in{number}", rows), out)
        assert {t: content(out, t) for t in TABLES} == store


def test_a_later_delivery_replaces_and_the_same_file_is_used_once(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = cclf_rows(store)
    folder = write_cclf_fixed(tmp_path / "in", rows, "180131")
    later = {**rows["facility"][0], "CLM_PMT_AMT": "1.00"}
    write_cclf_fixed(folder / "february", {"facility": [later]}, "180228")
    again = folder / "again" / "P.A9999.ACO.ZC5Y18.D180301.T0100000"
    again.parent.mkdir()
    again.write_bytes((folder / "P.A9999.ACO.ZC5Y18.D180131.T0100000").read_bytes())
    summary = let_in("cclf", folder, tmp_path / "store")
    assert dollars(tmp_path, "facility")[later["CUR_CLM_UNIQ_ID"]] == "1.00"
    assert summary.types["facility"].rows["replaced"] == 1
    assert summary.types["carrier"].rows["duplicates"] == len(rows["carrier"])
    assert len(summary.duplicate_files) == 1


def test_months_without_a_beneficiary_file_take_the_one_before(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = cclf_rows(store)
    rows["beneficiary"] = [r for r in rows["beneficiary"] if r["FILE_DATE"][5:7] in ("03", "09")]
    let_in("cclf", write_cclf_fixed(tmp_path / "in", rows), tmp_path / "store")
    months = [
        m for m in content(tmp_path / "store", "member_month") if m["bene_id"] == "1A00A00AA02"
    ]
    assert [str(m["month"])[5:7] for m in months] == [f"{m:02d}" for m in range(1, 10)]
    assert [m["part_b"] for m in months] == [True] * 8 + [False]


def test_a_line_that_is_cut_off_goes_to_quarantine(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    folder = write_cclf_fixed(tmp_path / "in", cclf_rows(store))
    file = next(folder.glob("*ZC5*"))
    file.write_text(file.read_text() + fixed_line("carrier", cclf_rows(store)["carrier"][0])[:228])
    summary = let_in("cclf", folder, tmp_path / "store")
    assert summary.types["carrier"].rows["quarantined"] == 1
    text = (tmp_path / "store" / "quarantine" / "carrier.csv").read_text()
    assert f"{file.name},{len(store['professional']) + 1},the line ends before" in text


def test_a_beneficiary_file_must_say_its_month(store: Mapping[str, Rows], tmp_path: Path) -> None:
    rows = cclf_rows(store)
    for row in rows["beneficiary"]:
        del row["FILE_DATE"]
    with pytest.raises(InputError, match=r"CCLF8\.csv: neither the name nor a column FILE_DATE"):
        let_in("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")


def test_one_claim_twice_and_different_in_one_file_stops(
    store: Mapping[str, Rows], tmp_path: Path
) -> None:
    rows = changed(store, facility=[{"CLM_PMT_AMT": "1.00"}])
    with pytest.raises(InputError, match="have one key and are not the same"):
        let_in("cclf", write_cclf_csv(tmp_path / "in", rows), tmp_path / "store")
