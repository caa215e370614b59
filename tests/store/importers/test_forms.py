"""The same delivery in every form in which CMS files arrive gives the same store."""
# ruff: noqa: E501  (a table of cases reads best with one case per line)

import codecs
import errno
import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tcoc.errors import InputError
from tcoc.resources.shortage import ShortageError
from tcoc.store.importers import counting, delivery, import_files
from tests.store.importers.rif_files import row_of, text_of, write_delivery
from tests.store.importers.test_cases import rows_of

GIVEN = {
    "beneficiary": [{"BENE_ID": "B1"}, {"BENE_ID": "B2"}],
    "carrier": [{"CLM_ID": f"C{i}", "BENE_ID": f"B{i % 2 + 1}"} for i in range(8)],
}
TABLES = ("beneficiary", "member_month", "professional", "facility")


def change(name: str, how: Callable[[bytes], bytes], new_name: str = "") -> Callable[[Path], None]:
    """Rewrite one file of a delivery."""

    def apply(folder: Path) -> None:
        file = folder / name
        data = how(file.read_bytes())
        file.unlink()
        (folder / (new_name or name)).write_bytes(data)

    return apply


def dates(form: str) -> Callable[[Path], None]:
    return change("carrier.csv", lambda b: b.replace(b"10-Jul-2015", form.encode()))


def zst(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder / "delivery.zip", "w") as archive:
        for file in sorted(folder.glob("*.csv")):
            archive.write(file, f"inside/{file.name}")
            file.unlink()


def split(folder: Path) -> None:
    header, *rows = (folder / "carrier.csv").read_text().splitlines()
    for part in (0, 1):
        (folder / f"carrier_part{part}.csv").write_text("\n".join([header, *rows[part::2]]) + "\n")
    (folder / "carrier.csv").unlink()


def shuffled_columns(folder: Path) -> None:
    rows = [row_of("carrier", r) for r in GIVEN["carrier"]]
    text = text_of([dict(sorted(r.items(), reverse=True)) for r in rows])
    (folder / "carrier.csv").write_text(text)


def quoted(folder: Path) -> None:
    lines = (folder / "carrier.csv").read_text().splitlines()
    cells = [",".join(f'"{c}"' for c in line.split("|")) for line in lines]
    (folder / "carrier.csv").write_text("\n".join(cells) + "\n")


FORMS = {
    "comma": change("carrier.csv", lambda b: b.replace(b"|", b",")),
    "tab": change("carrier.csv", lambda b: b.replace(b"|", b"\t")),
    "semicolon": change("carrier.csv", lambda b: b.replace(b"|", b";")),
    "quoted": quoted,
    "date 20150710": dates("20150710"),
    "date 2015-07-10": dates("2015-07-10"),
    "date 07/10/2015": dates("07/10/2015"),
    "date 7/10/2015": dates("7/10/2015"),
    "date 10JUL2015": dates("10JUL2015"),
    "date 10-JUL-2015": dates("10-JUL-2015"),
    "date with time": dates("2015-07-10 00:00:00"),
    "SAS date with time": dates("10JUL2015:00:00:00"),
    "gz": change("carrier.csv", gzip.compress, "carrier.csv.gz"),
    "zst": change("carrier.csv", zst, "carrier.csv.zst"),
    "zip": zipped,
    "UTF-8 with mark": change("carrier.csv", lambda b: codecs.BOM_UTF8 + b),
    "UTF-16": change("carrier.csv", lambda b: b.decode().encode("utf-16")),
    "Latin-1": change("carrier.csv", lambda b: b.replace(b"|I10|", "|Ä|".encode("latin-1"))),
    "CRLF": change("carrier.csv", lambda b: b.replace(b"\n", b"\r\n")),
    "CR": change("carrier.csv", lambda b: b.replace(b"\n", b"\r")),
    "mixed line ends": change("carrier.csv", lambda b: b.replace(b"\n", b"\r\n", 3)),
    "CRLF in gz": change("carrier.csv", lambda b: gzip.compress(b.replace(b"\n", b"\r\n")), "carrier.gz"),
    "trailing delimiter": change("carrier.csv", lambda b: b.replace(b"\n", b"|\n")),
    "trailing delimiter on rows": change("carrier.csv", lambda b: b.replace(b"\n", b"|\n").replace(b"|\n", b"\n", 1)),
    "no last line end": change("carrier.csv", lambda b: b.rstrip(b"\n")),
    "blank lines": change("carrier.csv", lambda b: b.replace(b"\n", b"\n\n") + b"\n\n"),
    "leading blank line": change("carrier.csv", lambda b: b"\n" + b),
    "lower case": change("carrier.csv", lambda b: b.replace(b.split(b"\n")[0], b.split(b"\n")[0].lower())),
    "padded values": change("carrier.csv", lambda b: b.replace(b"|1234567893|", b"|1234567893  |")),
    "in parts": split,
    "in a folder": lambda f: ((f / "2015").mkdir(), (f / "carrier.csv").rename(f / "2015/carrier.csv")),  # type: ignore[dict-item, return-value]
    "columns in another order": shuffled_columns,
    "text suffix": change("carrier.csv", lambda b: b, "CARRIER_CLAIMS_2015.TXT"),
    "name says nothing": change("carrier.csv", lambda b: b, "export_1.csv"),
    "delivered twice": lambda f: (f / "carrier copy.csv").write_bytes((f / "carrier.csv").read_bytes()),  # type: ignore[dict-item, return-value]
    "revenue lines apart": lambda f: (f / "inpatient_revenue_center.csv").write_text("BENE_ID|CLM_ID|REV_CNTR\nB1|F1|0450\n"),  # type: ignore[dict-item, return-value]
    "notes beside": lambda f: (f / "readme.md").write_text("from CMS"),  # type: ignore[dict-item, return-value]
}  # fmt: skip


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, object]]]:
    folder = tmp_path_factory.mktemp("plain")
    import_files("rif", write_delivery(folder / "in", GIVEN), folder / "store")
    return {t: rows_of(folder / "store", t) for t in TABLES}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_a_file_does_not_matter(form: str, plain: dict, tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    FORMS[form](source)
    summary = import_files("rif", source, tmp_path / "store")
    assert {t: rows_of(tmp_path / "store", t) for t in TABLES} == plain
    assert summary.quarantined == 0


def test_a_file_delivered_twice_is_used_once_and_counted(tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    (source / "carrier_again.csv").write_bytes((source / "carrier.csv").read_bytes())
    summary = import_files("rif", source, tmp_path / "store")
    assert summary.types["carrier"].rows == {"imported": 8, "duplicates": 8}
    assert summary.duplicate_files == ("carrier_again.csv",)


def test_an_interrupted_import_leaves_no_store_and_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, store = write_delivery(tmp_path / "in", GIVEN), tmp_path / "store"

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(counting, "check_claim_ids", interrupted)
        with pytest.raises(KeyboardInterrupt):
            import_files("rif", source, store)
    assert [p.name for p in tmp_path.iterdir()] == ["in", ".store.import"] or not store.exists()
    assert (tmp_path / ".store.import" / "staged").is_dir()
    with monkeypatch.context() as patch:
        patch.setattr(delivery, "stage", interrupted)
        summary = import_files("rif", source, store)
    assert summary.types["carrier"].rows == {"imported": 8}
    assert not (tmp_path / ".store.import").exists()


@pytest.mark.parametrize(
    ("error", "stays"),
    [(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), False), (MemoryError(), True)],
)
def test_a_full_disk_keeps_no_files_read_and_full_memory_does(
    error: Exception, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)

    def short(*args: object) -> None:
        raise error

    monkeypatch.setattr(counting, "check_claim_ids", short)
    with pytest.raises(ShortageError, match=r"^counting rows and dollars: "):
        import_files("rif", source, tmp_path / "store")
    assert (tmp_path / ".store.import" / "staged").is_dir() == stays


def test_an_older_store_stays_where_an_import_fails_and_goes_where_it_is_done(
    tmp_path: Path,
) -> None:
    source, store = write_delivery(tmp_path / "in", GIVEN), tmp_path / "store"
    import_files("rif", source, store)
    before = (store / "store.json").read_bytes()
    whole = (source / "carrier.csv").read_bytes()
    (source / "carrier.csv").write_bytes(b"")
    with pytest.raises(InputError):
        import_files("rif", source, store)
    assert (store / "store.json").read_bytes() == before
    (source / "carrier.csv").write_bytes(whole.replace(b"|C7|", b"|C8|"))
    import_files("rif", source, store)
    assert "C8" in {r["claim_id"] for r in rows_of(store, "professional")}


def test_progress_goes_on_after_reading_and_reaches_all(tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    seen: list[tuple[str, int, int]] = []
    import_files("rif", source, tmp_path / "store", progress=lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1] == seen[-1][2]
    read = sum(p.stat().st_size for p in source.iterdir())
    assert max(done for what, done, _ in seen if what.startswith("reading")) == read
    assert read < 0.8 * seen[-1][2]
    later = [what for what, done, total in seen if read < done < total]
    assert {"sorting out carrier rows", "writing professional 2015"} <= set(later)


def test_the_same_delivery_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_delivery(tmp_path / "in", GIVEN)
    for name in ("a", "b"):
        import_files("rif", source, tmp_path / name)
    files = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*.*")) for n in "ab"]
    assert files[0] == files[1]
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes()
        for f in files[0]
        if f.suffix
    )


@pytest.mark.parametrize("column", ["PRNCPAL_DGNS_CD", "LINE_NCH_PMT_AMT"])
def test_the_columns_that_are_read_say_whether_two_rows_are_the_same(
    column: str, tmp_path: Path
) -> None:
    """Rule I1: a diagnosis is not read, so it makes no other row; a payment does."""
    again = {"CLM_ID": "C1", "BENE_ID": "B2", column: "E119" if column[0] == "P" else "79.00"}
    source = write_delivery(tmp_path / "in", {**GIVEN, "carrier": [*GIVEN["carrier"], again]})
    if column == "LINE_NCH_PMT_AMT":
        with pytest.raises(InputError, match=r"carrier\.csv line 10 and carrier.csv line 3"):
            import_files("rif", source, tmp_path / "store")
        return
    summary = import_files("rif", source, tmp_path / "store")
    assert summary.types["carrier"].rows == {"imported": 8, "duplicates": 1}


def test_base_claims_and_lines_apart(tmp_path: Path) -> None:
    """CCW ships carrier claims as base claims and lines; the denial code stands in the former."""
    source = write_delivery(tmp_path / "in", GIVEN)
    rows = [row_of("carrier", r) for r in GIVEN["carrier"]]
    bases = [
        {"CLM_ID": r["CLM_ID"], "CARR_CLM_PMT_DNL_CD": "01"[n != 3]} for n, r in enumerate(rows)
    ]
    lines = [{k: v for k, v in r.items() if k != "CARR_CLM_PMT_DNL_CD"} for r in rows]
    (source / "carrier.csv").unlink()
    (source / "bcarrier_line_k.csv").write_text(text_of(lines))
    with pytest.raises(
        InputError, match=r"bcarrier_line_k\.csv: column CARR_CLM_PMT_DNL_CD is missing"
    ):
        import_files("rif", source, tmp_path / "store")
    (source / "bcarrier_claims_k.csv").write_text(text_of(bases))
    summary = import_files("rif", source, tmp_path / "store")
    assert summary.types["carrier"].rows == {"imported": 7, "denied": 1}
    assert summary.missing == ("processing date",)


def test_monthly_columns_that_are_not_there_leave_months_without_them(tmp_path: Path) -> None:
    """Part C, counties and dual status are optional: twelve months stay, by the annual codes."""
    delivery = write_delivery(tmp_path / "in", {"beneficiary": [{"STATE_CODE": "09"}]})
    file = delivery / "beneficiary.csv"
    rows = [line.split("|") for line in file.read_text().splitlines()]
    left = [i for i, name in enumerate(rows[0]) if not name.startswith(("PTC_", "FIPS_", "META_"))]
    assert len(left) == len(rows[0]) - 36
    file.write_text("".join("|".join(row[i] for i in left) + "\n" for row in rows))
    import_files("rif", delivery, tmp_path / "store")
    months = rows_of(tmp_path / "store", "member_month")
    assert len(months) == 12
    found = {(m["state"], m["county_fips"], m["dual_code"], m["managed_care"]) for m in months}
    assert found == {("DC", None, None, False)}
