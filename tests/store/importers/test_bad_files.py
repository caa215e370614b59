"""Bad files: each ends as one sentence, or as rows in quarantine with file, line and reason.

The store is whole or absent, and no message holds an identifier.
"""
# ruff: noqa: E501  (a table of cases reads best with one case per line)

import csv
import gzip
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tcoc.errors import InputError
from tcoc.store.check import check_store
from tcoc.store.importers import import_files
from tests.store.importers.rif_files import TINY, row_of, text_of, write_delivery
from tests.store.importers.test_cases import reconciles

Change = Callable[[Path], object]
PEOPLE = [{"BENE_ID": f"BENE{i:04d}"} for i in range(3)]
LINES = [{"CLM_ID": f"CLAIM{i:04d}", "BENE_ID": f"BENE{i % 3:04d}"} for i in range(6)]
STAYS = [{"CLM_ID": f"STAY{i:04d}", "BENE_ID": f"BENE{i:04d}"} for i in range(3)]
OUT = [{"CLM_ID": f"VISIT{i:04d}", "BENE_ID": f"BENE{i:04d}"} for i in range(3)]


def delivery(folder: Path) -> Path:
    given = {"beneficiary": PEOPLE, "carrier": LINES, "inpatient": STAYS, "outpatient": OUT}
    return write_delivery(folder, given)


def edit(name: str, how: Callable[[bytes], bytes]) -> Change:
    return lambda folder: (folder / name).write_bytes(how((folder / name).read_bytes()))


def carrier(how: Callable[[bytes], bytes]) -> Change:
    return edit("carrier.csv", how)


def cell(column: str, value: str, name: str = "carrier", row: int = 1) -> Change:
    """Put a value into one cell; row 0 is the first row after the header."""

    def change(data: bytes) -> bytes:
        lines = [line.split("|") for line in data.decode().splitlines()]
        lines[row + 1][lines[0].index(column)] = value
        return ("\n".join("|".join(line) for line in lines) + "\n").encode()

    return edit(f"{name}.csv", change)


def column(name: str, new: str, file: str = "carrier") -> Change:
    """Rename a column in the header."""
    return edit(f"{file}.csv", lambda b: b.replace(name.encode(), new.encode(), 1))


def line(number: int, how: Callable[[bytes], bytes]) -> Change:
    """Change one line, counted from 1 with the header."""

    def change(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        lines[number - 1] = how(lines[number - 1])
        return b"".join(lines)

    return carrier(change)


def cut_gz(folder: Path) -> None:
    (folder / "carrier.csv.gz").write_bytes(
        gzip.compress((folder / "carrier.csv").read_bytes())[:-20]
    )
    (folder / "carrier.csv").unlink()


def broken_zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "delivery.zip", "w") as archive:
        archive.write(folder / "carrier.csv", "carrier.csv")
    data = (folder / "delivery.zip").read_bytes()
    (folder / "delivery.zip").write_bytes(data[: len(data) // 2])
    (folder / "carrier.csv").unlink()


def bad_crc_zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "delivery.zip", "w") as archive:
        archive.write(folder / "carrier.csv", "carrier.csv")
    data = bytearray((folder / "delivery.zip").read_bytes())
    data[len(data) // 3] ^= 0xFF
    (folder / "delivery.zip").write_bytes(bytes(data))
    (folder / "carrier.csv").unlink()


def empty_folder(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def without(name: str) -> Change:
    return lambda folder: (folder / f"{name}.csv").unlink()


def many_bad(folder: Path) -> None:
    rows = [
        row_of("carrier", {"CLM_ID": f"CLAIM{i:04d}", "LINE_LAST_EXPNS_DT": "soon"})
        for i in range(200)
    ]
    good = [row_of("carrier", {"CLM_ID": f"GOOD{i:04d}"}) for i in range(50)]
    (folder / "carrier.csv").write_text(text_of([*good, *rows]))


def random_bytes(folder: Path) -> None:
    (folder / "carrier.csv").write_bytes(random.Random(1).randbytes(5000))


def mixed_layouts(folder: Path) -> None:
    """Rows of another layout appended below: shorter lines, other columns."""
    extra = text_of([row_of("inpatient", r) for r in STAYS])
    with (folder / "carrier.csv").open("a") as file:
        file.write(extra)


STOP: dict[str, tuple[Change, str]] = {
    "empty folder": (empty_folder, "the folder is empty"),
    "no carrier file": (without("carrier"), "no carrier file: expected"),
    "no beneficiary file": (without("beneficiary"), "no beneficiary file"),
    "no inpatient file": (without("inpatient"), "no inpatient file"),
    "no outpatient file": (without("outpatient"), "no outpatient file"),
    "empty file": (carrier(lambda b: b""), "carrier.csv: the file is empty"),
    "only blanks": (carrier(lambda b: b" \n\n \n"), "carrier.csv: the file is empty"),
    "header only": (carrier(lambda b: b.split(b"\n")[0] + b"\n"), "carrier.csv: a header and no rows"),
    "no header": (carrier(lambda b: b.split(b"\n", 1)[1]), "line 1 is not a header"),
    "wrong delimiter": (carrier(lambda b: b.replace(b"|", b"^")), "line 1 is not a header"),
    "delimiter changes below the header": (
        carrier(lambda b: b.split(b"\n", 1)[0] + b"\n" + b.split(b"\n", 1)[1].replace(b"|", b",")),
        "none of its 6 rows can be used",
    ),
    "missing column": (column("LINE_ALOWD_CHRG_AMT", "ALLOWED"), "column LINE_ALOWD_CHRG_AMT .*is missing"),
    "misspelt column": (column("LINE_NUM", "LINE_NUMB"), 'LINE_NUM .*missing; did you mean "LINE_NUMB"'),
    "missing month": (column("HMO_7_IND", "HMO_X", "beneficiary"), "column HMO_1_IND .*is missing"),
    "missing non-payment reason": (column("CLM_MDCR_NON_PMT_RSN_CD", "X", "outpatient"), "CLM_MDCR_NON_PMT_RSN_CD"),
    "missing pass-through": (column("CLM_PASS_THRU_PER_DIEM_AMT", "X", "inpatient"), "CLM_PASS_THRU_PER_DIEM_AMT"),
    "column twice": (column("PRNCPAL_DGNS_CD", "CLM_ID"), "column CLM_ID stands twice"),
    "NUL bytes": (line(3, lambda b: b.replace(b"99213", b"\x00\x00\x00\x00\x00")), "line 3 holds a NUL byte"),
    "binary": (random_bytes, "carrier.csv: line 1 holds a NUL byte|not a header"),
    "gz cut off": (cut_gz, "carrier.csv.gz: the file is damaged or cut off"),
    "not a gz": (lambda f: (f / "carrier.csv").rename(f / "carrier.csv.gz"), "damaged or cut off"),
    "not a zst": (lambda f: (f / "carrier.csv").rename(f / "carrier.csv.zst"), "damaged or cut off"),
    "zip cut off": (broken_zip, "delivery.zip: the zip file is damaged or cut off"),
    "zip with a wrong sum": (bad_crc_zip, "delivery.zip/carrier.csv: the file is damaged"),
    "not a zip": (lambda f: (f / "carrier.csv").rename(f / "carrier.zip"), "carrier.zip: the zip file is damaged"),
    "the wrong file under a name": (lambda f: (f / "carrier.csv").write_bytes((f / "inpatient.csv").read_bytes()), "no carrier file: expected one with the columns"),
    "one key, two rows": (line(3, lambda b: b.replace(b"CLAIM0001", b"CLAIM0000").replace(b"80.00", b"79.00")), "rule I1"),
    "revenue lines disagree": (
        lambda f: write_delivery(f, {"outpatient": [{"CLM_LINE_NUM": 1}, {"CLM_LINE_NUM": 2, "CLM_THRU_DT": "06-Mar-2015"}]}),
        "differ in its header",
    ),
    "mostly unusable": (many_bad, "200 of 250 rows can't be used .*LINE_LAST_EXPNS_DT is not a date"),
    "all dates impossible": (carrier(lambda b: b.replace(b"10-Jul-2015", b"31-Feb-2015")), "none of its 6 rows"),
    "a folder in place of a file": (lambda f: ((f / "carrier.csv").unlink(), (f / "carrier.csv").mkdir()), "no carrier file"),
    "shifted columns everywhere": (
        carrier(lambda b: b.split(b"\n", 1)[0] + b"\n" + b"".join(b"x|" + x.rsplit(b"|", 1)[0] + b"\n" for x in b.splitlines()[1:])),
        "none of its 6 rows",
    ),
}  # fmt: skip

CELLS = {
    "30 February": ("carrier", "LINE_LAST_EXPNS_DT", "30-Feb-2015", "LINE_LAST_EXPNS_DT is not a date"),
    "month 13": ("carrier", "LINE_LAST_EXPNS_DT", "20151301", "is not a date"),
    "day before month": ("carrier", "LINE_LAST_EXPNS_DT", "31/12/2015", "is not a date"),
    "the year 0215": ("carrier", "LINE_LAST_EXPNS_DT", "10-Jul-0215", "is not a date from 1965"),
    "the year 9999": ("carrier", "LINE_LAST_EXPNS_DT", "99991231", "LINE_LAST_EXPNS_DT is blank"),
    "two-digit year": ("carrier", "LINE_LAST_EXPNS_DT", "07/10/15", "is not a date"),
    "a number as a date": ("carrier", "LINE_LAST_EXPNS_DT", "42195", "is not a date"),
    "no service date": ("carrier", "LINE_LAST_EXPNS_DT", "", "LINE_LAST_EXPNS_DT is blank"),
    "no claim number": ("carrier", "CLM_ID", " ", "CLM_ID is blank"),
    "no person": ("carrier", "BENE_ID", "", "BENE_ID is blank"),
    "no line number": ("carrier", "LINE_NUM", "", "LINE_NUM is blank"),
    "line number in words": ("carrier", "LINE_NUM", "one", "LINE_NUM is not a whole number"),
    "line number beyond all": ("carrier", "LINE_NUM", "99999999999", "LINE_NUM is not a whole number"),
    "amount in words": ("carrier", "LINE_NCH_PMT_AMT", "none", "LINE_NCH_PMT_AMT is not an amount"),
    "amount with a currency": ("carrier", "LINE_NCH_PMT_AMT", "$80.00", "is not an amount"),
    "no amount": ("carrier", "LINE_NCH_PMT_AMT", "", "LINE_NCH_PMT_AMT is blank"),
    "overflowing amount": ("carrier", "LINE_ALOWD_CHRG_AMT", "10000000000.00", "below 10 billion"),
    "overflowing claim payment": ("inpatient", "CLM_PMT_AMT", "9" * 30, "below 10 billion"),
    "not a number": ("inpatient", "CLM_PMT_AMT", "NaN", "CLM_PMT_AMT is blank"),
    "infinite": ("inpatient", "CLM_PMT_AMT", "inf", "is not an amount"),
    "unknown action": ("carrier", "DML_IND", "UPSERT", "is not INSERT, UPDATE or DELETE"),
    "a row of another claim type": ("inpatient", "NCH_CLM_TYPE_CD", "40", "the claim type is not 60"),
    "from after thru": ("inpatient", "CLM_FROM_DT", "06-Mar-2015", "from date is after"),
    "no hospital": ("inpatient", "PRVDR_NUM", "", "PRVDR_NUM is blank"),
    "hospital number of seven": ("inpatient", "PRVDR_NUM", "2100091", "not a provider number"),
    "days in words": ("inpatient", "CLM_UTLZTN_DAY_CNT", "four", "CLM_UTLZTN_DAY_CNT is not"),
    "no birth date": ("beneficiary", "BENE_BIRTH_DT", "", "BENE_BIRTH_DT is blank"),
    "impossible birth date": ("beneficiary", "BENE_BIRTH_DT", "00000000", "BENE_BIRTH_DT is not a date"),
    "impossible death date": ("beneficiary", "DEATH_DT", "31-Jun-2015", "DEATH_DT is not a date"),
    "death before birth": ("beneficiary", "DEATH_DT", "01-Jan-1930", "death date is before"),
    "reference year in words": ("beneficiary", "RFRNC_YR", "last", "RFRNC_YR is not a year"),
    "wrong reference year": ("beneficiary", "RFRNC_YR", "215", "RFRNC_YR is not a year"),
}  # fmt: skip
"""Cells that make their row unusable: file, column, value, words of the reason."""

QUARANTINE: dict[str, tuple[Change, str, int, str]] = {
    "last line cut off": (carrier(lambda b: b[:-60]), "carrier", 7, "too few columns"),
    "a short line": (line(4, lambda b: b[:40] + b"\n"), "carrier", 4, "too few columns"),
    "a long line": (line(3, lambda b: b[:-1] + b"|x|y\n"), "carrier", 3, "too many columns"),
    "a line shifted by one": (line(3, lambda b: b"x|" + b.rsplit(b"|", 1)[0] + b"\n"), "carrier", 3, "the row's action"),
    "two lines in one": (line(3, lambda b: b.rstrip(b"\n") + b"|"), "carrier", 3, "too many columns"),
    "a short line after blank ones": (line(3, lambda b: b"\n\n" + b[:40] + b"\n"), "carrier", 5, "too few"),
    "a bad date after blank lines": (line(3, lambda b: b"\n\n" + b.replace(b"10-Jul-2015", b"x")), "carrier", 5, "not a date"),
    "rows of another layout below": (mixed_layouts, "carrier", 8, "too"),
}  # fmt: skip


@pytest.mark.parametrize("kind", STOP)
def test_a_bad_file_stops_the_import_in_one_sentence(kind: str, tmp_path: Path) -> None:
    change, words = STOP[kind]
    source = delivery(tmp_path / "in")
    change(source)
    with pytest.raises(InputError, match=words) as error:
        import_files("rif", source, tmp_path / "store")
    message = str(error.value)
    assert "\n" not in message
    assert not any(name in message for name in ("BENE0", "CLAIM0", "STAY0", "VISIT0"))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("kind", QUARANTINE)
def test_a_bad_row_goes_to_quarantine(kind: str, tmp_path: Path) -> None:
    change, name, number, words = QUARANTINE[kind]
    source = delivery(tmp_path / "in")
    change(source)
    summary = import_files("rif", source, tmp_path / "store", accept=TINY)
    with (tmp_path / "store" / "quarantine" / f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["file"], int(rows[0]["line"])) == (f"{name}.csv", number)
    assert words in rows[0]["reason"]
    assert summary.types[name].rows["quarantined"] == len(rows)
    assert reconciles(summary)


@pytest.fixture(scope="module")
def with_bad_cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One delivery with a good row and a row for each bad cell; its store."""
    given: dict[str, list[dict[str, object]]] = {
        k: [{}] for k in ("beneficiary", "carrier", "inpatient")
    }
    for kind, column, value, _ in CELLS.values():
        number = f"{len(given[kind]):04d}"
        key = {"BENE_ID": number} if kind == "beneficiary" else {"CLM_ID": f"{kind}{number}"}
        given[kind].append({**key, column: value})
    folder = tmp_path_factory.mktemp("cells")
    import_files("rif", write_delivery(folder / "in", given), folder / "store", accept=TINY)
    return folder / "store"


@pytest.mark.parametrize("name", CELLS)
def test_a_bad_cell_puts_its_row_into_quarantine(name: str, with_bad_cells: Path) -> None:
    kind, _, _, words = CELLS[name]
    place = [n for n, cell in CELLS.items() if cell[0] == kind].index(name)
    with (with_bad_cells / "quarantine" / f"{kind}.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[place]
    assert (row["file"], int(row["line"])) == (f"{kind}.csv", place + 3)
    assert words in row["reason"]


def test_a_store_with_a_quarantine_holds(with_bad_cells: Path) -> None:
    assert check_store(with_bad_cells).ok


def test_a_negative_claim_payment_is_kept(tmp_path: Path) -> None:
    """CMS pays less than nothing where the deductible exceeds the rate; such claims are real."""
    source = delivery(tmp_path / "in")
    cell("CLM_PMT_AMT", "-120.00", "inpatient")(source)
    summary = import_files("rif", source, tmp_path / "store")
    assert f"{summary.types['inpatient'].in_store}" == "9880.00"


def test_a_negative_line_is_kept_with_its_dollars(tmp_path: Path) -> None:
    """Rule I8: a line of -40.00 takes 40.00 away, in the files and in the store."""
    source = delivery(tmp_path / "in")
    cell("LINE_NCH_PMT_AMT", "-40.00")(source)
    entry = import_files("rif", source, tmp_path / "store").types["carrier"]
    assert (f"{entry.in_files}", f"{entry.in_store}") == ("360.00", "360.00")
    assert check_store(tmp_path / "store").ok


def test_exchanged_names_do_not_matter_where_claim_types_say_what_a_file_is(
    tmp_path: Path,
) -> None:
    source = delivery(tmp_path / "in")
    (source / "inpatient.csv").rename(source / "x.csv")
    (source / "outpatient.csv").rename(source / "inpatient.csv")
    (source / "x.csv").rename(source / "outpatient.csv")
    summary = import_files("rif", source, tmp_path / "store")
    assert {f.name: f.type for f in summary.files}["inpatient.csv"] == "outpatient"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "riff"}, 'found "riff"; did you mean "rif"'),
        ({"source": "inn"}, 'there is no such folder; did you mean "in"'),
        ({"state": "MDD"}, 'found "MDD"; did you mean "MD"'),
        ({"state": ""}, 'expected "all" or state codes'),
        ({"memory_limit": "lots"}, 'memory limit: found "lots"'),
        ({"out": "in/store"}, "lies in the source folder"),
        ({"out": "other"}, "is there already and is no store"),
    ],
)
def test_bad_arguments(arguments: dict[str, str], words: str, tmp_path: Path) -> None:
    delivery(tmp_path / "in")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    call = {"kind": "rif", "source": "in", "out": "store", **arguments}
    rest = {k: v for k, v in call.items() if k in ("state", "memory_limit")}
    with pytest.raises(InputError, match=words):
        import_files(call["kind"], tmp_path / call["source"], tmp_path / call["out"], **rest)
    assert (tmp_path / "other" / "thesis.txt").read_text() == "mine"
