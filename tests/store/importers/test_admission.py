"""Rule I8: nothing is lost at the door; a share beyond its limit ends an import, or is accepted."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tcoc.cli import app
from tcoc.errors import InputError
from tcoc.store.check import check_store, render
from tcoc.store.importers import AdmissionError, admission, import_files, inspect
from tests.store.importers.rif_files import row_of, text_of, write_delivery

MANY = 200
PEOPLE = [{"BENE_ID": f"BENE{i:04d}"} for i in range(MANY)]
LINES = [{"CLM_ID": f"CLAIM{i:04d}", "BENE_ID": f"BENE{i:04d}"} for i in range(MANY)]
STAYS = [{"CLM_ID": f"STAY{i:04d}", "BENE_ID": f"BENE{i:04d}"} for i in range(MANY)]
OUT = [{"CLM_ID": f"OUT{i:04d}", "BENE_ID": f"BENE{i:04d}"} for i in range(MANY)]
GIVEN = {"beneficiary": PEOPLE, "carrier": LINES, "inpatient": STAYS, "outpatient": OUT}


def spoilt(kind: str, share: float, **cells: object) -> dict[str, list[dict[str, object]]]:
    """A delivery in which the first rows of a kind, a share of them, have other cells."""
    count = round(MANY * share)
    rows = [{**row, **(cells if n < count else {})} for n, row in enumerate(GIVEN[kind])]
    return {**GIVEN, kind: rows}


LOST: dict[str, tuple[dict[str, list[dict[str, object]]], str]] = {
    "lines without a date": (spoilt("carrier", 0.01, LINE_LAST_EXPNS_DT=""), "are set aside"),
    "dates of another form": (spoilt("carrier", 0.01, LINE_LAST_EXPNS_DT="soon"), "are set aside"),
    "amounts in words": (spoilt("inpatient", 0.01, CLM_PMT_AMT="much"), "are set aside"),
    "people without a birth date": (spoilt("beneficiary", 0.01, BENE_BIRTH_DT=""), "are set aside"),
    "claims of nobody": (spoilt("carrier", 0.01, BENE_ID="NOBODY"), "of nobody"),
    "stays of nobody": (spoilt("outpatient", 0.01, BENE_ID="NOBODY"), "of nobody"),
    "unknown buy-in": (spoilt("beneficiary", 0.01, buyin="X"), "of the codes of 2015 are unknown"),
    "unknown non-payment reasons": (
        spoilt("inpatient", 0.01, CLM_MDCR_NON_PMT_RSN_CD="0"), "of the codes of 2015 are unknown"),
    "all lines denied": (spoilt("carrier", 1, LINE_PRCSG_IND_CD="D"), "of 2015 are denied"),
    "nobody eligible": (spoilt("beneficiary", 1, buyin="0"), "never eligible"),
    "no known state": (
        spoilt("beneficiary", 0.1, county="", STATE_CODE=""), "have no known state"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOST)
def test_what_a_delivery_loses_ends_the_import_with_status_1(name: str, tmp_path: Path) -> None:
    given, words = LOST[name]
    source, store = write_delivery(tmp_path / "in", given), tmp_path / "store"
    with pytest.raises(AdmissionError) as error:
        import_files("rif", source, store)
    assert error.value.exit_status == 1
    assert any(words in sentence for sentence in error.value.summary.beyond)
    assert "\n" not in str(error.value)
    assert not any(name in str(error.value) for name in ("BENE0", "CLAIM0", "STAY0", "NOBODY"))
    assert not store.exists()
    found = inspect(source)
    assert not found.ok
    assert any(words in sentence for sentence in found.stops)


def test_a_clean_delivery_is_let_in_and_so_is_one_within_the_limits(tmp_path: Path) -> None:
    assert import_files("rif", write_delivery(tmp_path / "a", GIVEN), tmp_path / "one").beyond == ()
    few = spoilt("carrier", 0.005, LINE_LAST_EXPNS_DT="")
    summary = import_files("rif", write_delivery(tmp_path / "b", few), tmp_path / "two")
    light = next(x for x in summary.lights if x.limit_name == "lost_rows")
    assert (light.count, light.of, light.holds) == (1, 200, True)


def test_two_losses_below_their_limits_add_up(tmp_path: Path) -> None:
    """Half a percent set aside and half a percent of nobody is one percent of the claims."""
    given = spoilt("carrier", 0.005, LINE_LAST_EXPNS_DT="")
    given["carrier"][-1]["BENE_ID"] = "NOBODY"
    with pytest.raises(AdmissionError, match=r"1\.0% of the (rows|dollars) are set aside or of"):
        import_files("rif", write_delivery(tmp_path / "in", given), tmp_path / "store")


def test_one_bad_year_is_not_thinned_out_by_the_rest(tmp_path: Path) -> None:
    """Five rows of nobody in 2016 are a quarter of that year and little of all years."""
    later = [{"CLM_ID": f"L{i}", "BENE_ID": "BENE0001" if i > 4 else "NOBODY",
              "LINE_LAST_EXPNS_DT": "10-Jul-2016"} for i in range(20)]  # fmt: skip
    given = {**GIVEN, "carrier": [*LINES * 1, *later]}
    with pytest.raises(AdmissionError, match=r"25\.0% of the claims and lines of 2016"):
        import_files("rif", write_delivery(tmp_path / "in", given), tmp_path / "store")


def test_a_reason_lets_a_delivery_in_and_is_kept(tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", spoilt("carrier", 0.02, LINE_LAST_EXPNS_DT=""))
    store, run = tmp_path / "store", CliRunner()
    command = ["import", "rif", "--from", str(source), "--out", str(store)]
    refused = run.invoke(app, command)
    assert isinstance(refused.exception, AdmissionError)
    assert "dollars in the files" in refused.output
    blank = run.invoke(app, [*command, "--accept", " "])
    assert isinstance(blank.exception, InputError)
    assert run.invoke(app, [*command, "--accept", "a known gap"]).exit_code == 0
    info = json.loads((store / "store.json").read_text())
    assert info["accepted"] == "a known gap"
    assert info["import"]["beyond"]
    report = check_store(store)
    assert report.ok
    assert "a known gap" in render(report)
    del info["accepted"]
    (store / "store.json").write_text(json.dumps(info))
    assert not check_store(store).ok


def test_every_row_and_dollar_is_accounted_for(tmp_path: Path) -> None:
    """Dollars of rows that can't be used are those that stand there, whatever else is wrong."""
    cells = {"LINE_LAST_EXPNS_DT": "", "LINE_NCH_PMT_AMT": "-40.00"}
    source = write_delivery(tmp_path / "in", spoilt("carrier", 0.05, **cells))
    summary = import_files("rif", source, tmp_path / "store", accept="a test")
    entry = summary.types["carrier"]
    assert f"{entry.dollars['quarantined']}" == "-400.00"
    assert f"{entry.in_files}" == f"{entry.said}" == "14800.00"
    assert (entry.unexplained, entry.difference) == (0, 0)
    lines = (tmp_path / "store" / "quarantine" / "carrier.csv").read_text().splitlines()
    assert all(line.endswith(",-40.00") for line in lines[1:])


def edited(folder: Path, how: Callable[[bytes], bytes], delimiter: str = ",") -> Path:
    source = write_delivery(folder, GIVEN, delimiter=delimiter)
    (source / "carrier.csv").write_bytes(how((source / "carrier.csv").read_bytes()))
    return source


@pytest.mark.parametrize("quotes", [1, 2])
def test_a_stray_quote_spoils_no_row_but_its_own(quotes: int, tmp_path: Path) -> None:
    """In a comma file a quote that does not close would take in all lines after it."""

    def stray(data: bytes) -> bytes:
        lines = data.split(b"\n")
        for n in range(quotes):
            lines[5 + 50 * n] = lines[5 + 50 * n].replace(b",I10,", b',"I10,')
        return b"\n".join(lines)

    source = edited(tmp_path / "in", stray)
    summary = import_files("rif", source, tmp_path / "store", accept="a test")
    assert summary.types["carrier"].rows == {"imported": MANY}
    assert any("quotes that do not pair" in n for f in summary.files for n in f.notes)


def test_quotes_that_pair_across_lines_swallow_nothing(tmp_path: Path) -> None:
    """Two stray quotes, at the begin and the end of a field of one column, take in 50 lines."""

    def stray(data: bytes) -> bytes:
        lines = data.split(b"\n")
        lines[5] = lines[5].replace(b",I10,", b',"I10,')
        lines[55] = lines[55].replace(b",I10,", b',I10",')
        return b"\n".join(lines)

    source = edited(tmp_path / "in", stray)
    summary = import_files("rif", source, tmp_path / "store")
    assert summary.types["carrier"].rows == {"imported": MANY}


def test_texts_with_line_ends_of_their_own_need_a_reason(tmp_path: Path) -> None:
    source = edited(tmp_path / "in", lambda b: b.replace(b",I10,", b',"I\n10",', 3))
    with pytest.raises(AdmissionError, match=r"carrier\.csv: lines 203, found 200"):
        import_files("rif", source, tmp_path / "store")
    summary = import_files("rif", source, tmp_path / "store", accept="line ends in diagnoses")
    assert summary.types["carrier"].rows == {"imported": MANY}


def test_a_quote_in_a_pipe_file_is_a_character_like_others(tmp_path: Path) -> None:
    source = edited(tmp_path / "in", lambda b: b.replace(b"|I10|", b'|"I10|', 3), "|")
    summary = import_files("rif", source, tmp_path / "store")
    assert summary.types["carrier"].rows == {"imported": MANY}
    assert all(control.holds for control in summary.controls)


def test_a_file_that_is_cut_off_in_a_row_is_not_let_in(tmp_path: Path) -> None:
    source = edited(tmp_path / "in", lambda b: b[:-30])
    with pytest.raises(AdmissionError, match=r"carrier\.csv: lines cut off at the end 0, found 1"):
        import_files("rif", source, tmp_path / "store")


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_what_an_import_writes_is_for_its_owner_only(umask: int, tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", spoilt("carrier", 0.02, LINE_LAST_EXPNS_DT=""))
    before = os.umask(umask)
    try:
        import_files("rif", source, tmp_path / "store", accept="a test")
    finally:
        assert os.umask(before) == umask
    store = tmp_path / "store"
    assert (store / "quarantine" / "carrier.csv").is_file()
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in (store, *store.rglob("*"))}
    assert {m for p, m in modes.items() if p.is_dir()} == {0o700}
    assert {m for p, m in modes.items() if p.is_file()} == {0o600}


def test_limits_are_below_what_may_never_pass() -> None:
    """No two losses of 1 % pass: the limits of loss, and their sum by type, are below 1 %."""
    limits = admission.load_limits()
    assert limits.lost < 0.01
    assert max(limits.set_aside, limits.of_nobody, limits.people_set_aside) < 0.01
    assert limits.unknown_codes < 0.01


def test_an_inspection_names_no_one_and_writes_nothing(tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    (source / "inpatient_occurrnce_codes.csv").write_text("BENE_ID|CLM_ID|CD\nBENE0001|S|11\n")
    run = CliRunner()
    before = sorted(tmp_path.rglob("*"))
    text = run.invoke(app, ["inspect", str(source)])
    assert text.exit_code == 0
    assert "An import would end with status 0." in text.output
    assert "99-Aaa-9999" in text.output
    said = run.invoke(app, ["inspect", str(source), "--json"]).output
    found = json.loads(said[said.index("{") :])
    files = {f["name"]: f for f in found["files"]}
    assert files["carrier.csv"]["kind"] == "carrier"
    assert files["carrier.csv"]["rows"] == MANY
    assert "PRNCPAL_DGNS_CD" in files["carrier.csv"]["unused"]
    assert files["inpatient_occurrnce_codes.csv"]["kind"] == "not used"
    assert found["kind"] == "rif"
    assert not any(name in text.output + said for name in ("BENE0", "CLAIM0", "STAY0"))
    assert sorted(tmp_path.rglob("*")) == before


def test_an_inspection_lists_every_file_that_can_not_be_read(tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    for name, column in (("carrier", "LINE_ALOWD_CHRG_AMT"), ("inpatient", "CLM_PMT_AMT")):
        rows = [row_of(name, r) for r in GIVEN[name]]
        kept = [{k: v for k, v in r.items() if k != column} for r in rows]
        (source / f"{name}.csv").write_text(text_of(kept))
    found = inspect(source, "rif")
    refused = {f.name: f.why for f in found.files if f.kind == "refused"}
    assert set(refused) == {"carrier.csv", "inpatient.csv"}
    assert "column LINE_ALOWD_CHRG_AMT" in refused["carrier.csv"]
    assert not found.ok
