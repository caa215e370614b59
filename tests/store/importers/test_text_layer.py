"""Rule I7: a clean delivery rewritten in any allowed form gives the same store, to the byte."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcoc.store.importers import ImportSummary, import_files
from tcoc.store.layout import open_store
from tests.store.importers.forms_of_store import NUMBERS, cclf_rows
from tests.store.importers.rif_files import row_of, text_of, write_delivery
from tests.store.importers.test_cases import rows_of

Rows = Sequence[Mapping[str, str]]
TABLES = ("beneficiary", "member_month", "professional", "facility", "dme")
NULLS = ("", "NA", "N/A", "NULL", "\\N", ".", "nan", "NaN", "null", " ", "<NA>")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

DATES: dict[str, Callable[[date], str]] = {
    "iso": lambda d: d.isoformat(),
    "compact": lambda d: f"{d:%Y%m%d}",
    "float": lambda d: f"{d:%Y%m%d}.0",
    "CMS": lambda d: f"{d.day:02d}-{MONTHS[d.month - 1]}-{d.year}",
    "SAS": lambda d: f"{d.day:02d}{MONTHS[d.month - 1].upper()}{d.year}",
    "SAS with time": lambda d: f"{d.day:02d}{MONTHS[d.month - 1].upper()}{d.year}:00:00:00",
    "US": lambda d: f"{d.month:02d}/{d.day:02d}/{d.year}",
    "Excel": lambda d: f"{d.month}/{d.day}/{d.year} 0:00",
    "SQL Server": lambda d: f"{d.month}/{d.day}/{d.year} 12:00:00 AM",
    "slashes": lambda d: f"{d.year}/{d.month:02d}/{d.day:02d}",
    "timestamp": lambda d: f"{d.isoformat()} 00:00:00",
    "timestamp with zone": lambda d: f"{d.isoformat()}T00:00:00.000+05:00",
}
CODES: dict[str, Callable[[str], str]] = {
    "as it is": lambda x: x,
    "float": lambda x: f"{x}.0",
    "number": lambda x: str(int(x)),
    "number as float": lambda x: f"{int(x)}.0",
    "padded with blanks": lambda x: f" {x} ",
}
AMOUNTS: dict[str, Callable[[str], str]] = {
    "as it is": lambda x: x,
    "with a sign": lambda x: x if x.startswith("-") else f"+{x}",
    "minus behind": lambda x: f"{x[1:]}-" if x.startswith("-") else x,
    "in parentheses": lambda x: f"({x[1:]})" if x.startswith("-") else x,
    "more digits": lambda x: f"{x}00",
    "power of ten": lambda x: f"{float(x):.6e}",
}

RIF_GIVEN: dict[str, list[dict[str, object]]] = {
    "beneficiary": [
        {"BENE_ID": "B1", "county": ["09003"] * 6 + ["24510"] * 6, "BENE_ZIP_CD": "06106"},
        {"BENE_ID": "B2", "DEATH_DT": "03-Aug-2015", "BENE_SEX_IDENT_CD": "1", "hmo": "4"},
    ],
    "carrier": [
        {"CLM_ID": f"C{i}", "BENE_ID": f"B{i % 2 + 1}", "PRVDR_SPCLTY": f"{i + 1:02d}",
         "TAX_NUM": "" if i else "520000001", "LINE_NCH_PMT_AMT": "-40.00" if i == 2 else "80.50"}
        for i in range(4)
    ],
    "inpatient": [{"PRVDR_NUM": "070010"}, {"CLM_ID": "F2", "CLM_PMT_AMT": "-1200.00"}],
    "dme": [{"CLM_ID": "D1", "PRVDR_NPI": ""}],
}  # fmt: skip
DATED = ("_DT", "DOB", "FILE_DATE", "CLM_LINE_THRU_DT")
NUMBERED = ("BUYIN", "HMO", "STUS_", "STATUS", "FIPS", "SEX", "SPCLTY", "STATE_CODE", "ZIP_CD",
            "PLACE_OF", "LINE_NUM", "PRVDR_NUM", "PRF_PHYSN_NPI", "RFRNC_YR", "DNL_CD", "CLM_TYPE",
            "UTLZTN", "OSCAR", "POS_CD", "ADJSMT", "NPI_NUM", "TAX_NUM", "MDCR_STUS",
            "UNIQ_ID")  # fmt: skip
PAID = ("_AMT",)


def rif_files() -> dict[str, Rows]:
    """The clean delivery, by file."""
    kinds = {"outpatient": [{}], **RIF_GIVEN}
    return {kind: [row_of(kind, r) for r in rows] for kind, rows in kinds.items()}


@lru_cache(maxsize=1)
def cclf_files() -> dict[str, Rows]:
    """The same people and claims as CCLF rows, with a cancellation."""
    with TemporaryDirectory() as folder:
        source = write_delivery(Path(folder) / "in", RIF_GIVEN)
        import_files("rif", source, Path(folder) / "store")
        store = {t: rows_of(Path(folder) / "store", t) for t in TABLES}
    return dict(cclf_rows(store))


def form_of(column: str) -> dict[str, Callable[[str], str]] | None:
    if column.endswith(DATED):
        return None
    if column.endswith(PAID):
        return AMOUNTS
    return CODES if any(part in column for part in NUMBERED) else {"as it is": lambda x: x}


def rewritten(rows: Rows, data: st.DataObject) -> list[dict[str, str]]:
    """Write every column in a form of its own, and every blank as one null word of the column."""
    null = data.draw(st.sampled_from(NULLS), label="null word")
    changed: list[dict[str, str]] = [{} for _ in rows]
    styles: dict[str, str] = {}
    for column in rows[0]:
        # columns of one family are written alike, as one program writes them
        family = "".join(c for c in column if not c.isdigit())[:14]
        forms = form_of(column)
        names = list(DATES if forms is None else forms)
        if family not in styles:
            styles[family] = data.draw(st.sampled_from(names), label=column)
        style = styles[family] if styles[family] in names else names[0]
        for row, new in zip(rows, changed, strict=True):
            new[column] = _written(row.get(column, ""), column, forms, style, null)
    return changed


def _written(
    text: str,
    column: str,
    forms: Mapping[str, Callable[[str], str]] | None,
    style: str,
    null: str,
) -> str:
    if not text.strip():
        return "" if "DUAL" in column or column in ("DML_IND", "FINAL_ACTION") else null
    if forms is None:
        return DATES[style](_day(text))
    if forms is CODES and not text.isdigit():
        return text
    return forms[style](text)


def _day(text: str) -> date:
    if text[4] == "-":
        return date.fromisoformat(text)
    day, month, year = text.split("-")
    return date(int(year), MONTHS.index(month.title()) + 1, int(day))


def tables_of(store: Path) -> dict[str, bytes]:
    root = open_store(store).root
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*.parquet"))}


def imported(kind: str, files: Mapping[str, Rows], ends: str = "\n", delimiter: str = ",") -> tuple[
    dict[str, bytes], ImportSummary
]:  # fmt: skip
    names = {k: f"CCLF{n}" for k, n in NUMBERS.items()} if kind == "cclf" else {}
    with TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        source.mkdir()
        for name, rows in files.items():
            text = text_of(rows, delimiter, ends)
            (source / f"{names.get(name, name)}.csv").write_text(text, newline="")
        summary = import_files(kind, source, Path(folder) / "store")
        return tables_of(Path(folder) / "store"), summary


CLEAN = {"rif": rif_files, "cclf": cclf_files}


@lru_cache(maxsize=4)
def clean_store(kind: str) -> dict[str, bytes]:
    return imported(kind, CLEAN[kind]())[0]


@pytest.mark.parametrize("kind", list(CLEAN))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_allowed_form_gives_the_same_store_to_the_byte(kind: str, data: st.DataObject) -> None:
    files = {name: rewritten(rows, data) for name, rows in CLEAN[kind]().items()}
    ends = data.draw(st.sampled_from(["\n", "\r\n"]), label="line ends")
    delimiter = data.draw(st.sampled_from([",", "|", "\t"]), label="delimiter")
    found, summary = imported(kind, files, ends, delimiter)
    assert found == clean_store(kind)
    assert summary.quarantined == 0
    assert not summary.beyond


def test_a_text_that_says_something_else_gives_another_store() -> None:
    """The property can fail: one changed value is another store."""
    files = dict(rif_files())
    files["carrier"] = [dict(files["carrier"][0], HCPCS_CD="99214"), *files["carrier"][1:]]
    assert imported("rif", files)[0] != clean_store("rif")


SENTINELS = ("9999-12-31", "12/31/9999", "12/31/9999 0:00", "9999-12-31 00:00:00", "99991231",
             "99991231.0", "31-Dec-9999", "31DEC9999:00:00:00", "1000-01-01", "01/01/1000",
             "0001-01-01", "9999-01-01")  # fmt: skip


@pytest.mark.parametrize("text", SENTINELS)
def test_a_date_that_means_none_is_no_death(text: str, tmp_path: Path) -> None:
    given_ = {"beneficiary": [{"BENE_ID": f"B{i}", "DEATH_DT": text if i else "03-Aug-2015"}
                              for i in range(1, -1, -1)], "carrier": [{"BENE_ID": "B0"}],
              "inpatient": [{"BENE_ID": "B0"}], "outpatient": [{"BENE_ID": "B0"}]}  # fmt: skip
    summary = import_files("rif", write_delivery(tmp_path / "in", given_), tmp_path / "store")
    found = {r["bene_id"]: r["death_date"] for r in rows_of(tmp_path / "store", "beneficiary")}
    assert found == {"B0": "2015-08-03", "B1": None}
    counted = {(r.column, r.what): r.count for r in summary.repairs}
    assert counted[("DEATH_DT", "date that means none read as blank")] == 1


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("CLM_ID", "1.2E+12", "CLM_ID is a number that has lost its digits"),
        ("LINE_LAST_EXPNS_DT", "2015-07-10 soon", "LINE_LAST_EXPNS_DT is not a date"),
        ("LINE_NCH_PMT_AMT", "12,34", "LINE_NCH_PMT_AMT is not an amount"),
        ("LINE_NCH_PMT_AMT", "80.00-x", "LINE_NCH_PMT_AMT is not an amount"),
    ],
)
def test_what_has_no_one_meaning_is_set_aside(
    column: str, value: str, words: str, tmp_path: Path
) -> None:
    given_ = {"carrier": [{"CLM_ID": "C1"}, {"CLM_ID": "C2", column: value}]}
    source = write_delivery(tmp_path / "in", given_)
    import_files("rif", source, tmp_path / "store", accept="a test of two rows")
    assert words in (tmp_path / "store" / "quarantine" / "carrier.csv").read_text()


@pytest.mark.parametrize(
    ("kind", "column", "text"),
    [
        ("beneficiary", "buyin", "X"),
        ("beneficiary", "hmo", "7"),
        ("beneficiary", "status", "55"),
        ("beneficiary", "BENE_SEX_IDENT_CD", "5"),
        ("carrier", "LINE_PRCSG_IND_CD", "AA"),
        ("carrier", "CARR_CLM_PMT_DNL_CD", "1A"),
        ("inpatient", "CLM_MDCR_NON_PMT_RSN_CD", "0"),
        ("inpatient", "CLM_MCO_PD_SW", "Y"),
    ],
)
def test_a_code_outside_its_list_is_counted_and_lit(
    kind: str, column: str, text: str, tmp_path: Path
) -> None:
    source = write_delivery(tmp_path / "in", {kind: [{column: text}]})
    summary = import_files("rif", source, tmp_path / "store", accept="a test of unknown codes")
    unknown = [r for r in summary.repairs if r.what == "code that is not in CMS's list"]
    assert len(unknown) == 1
    lights = [light for light in summary.lights if light.limit_name == "unknown_codes"]
    assert {light.holds for light in lights} == {False}
    assert any("of the codes of 2015 are unknown" in sentence for sentence in summary.beyond)
