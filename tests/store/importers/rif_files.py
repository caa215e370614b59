"""Small RIF deliveries for tests: made-up rows in both column-name generations."""
# ruff: noqa: E501  (a table of cases reads best with one case per line)

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tcoc.store.importers import ImportSummary, import_files

Row = Mapping[str, object]
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEPT", "OCT", "NOV", "DEC")

MONTHLY = {
    "buyin": ("MDCR_ENTLMT_BUYIN_{m}_IND", "MDCR_ENTLMT_BUYIN_IND_{mm}", "3"),
    "hmo": ("HMO_{m}_IND", "HMO_IND_{mm}", "0"),
    "status": ("MDCR_STUS_{MON}_CD", "MDCR_STATUS_CODE_{mm}", "10"),
    "part_c": ("PTC_CNTRCT_{MON}_ID", "PTC_CNTRCT_ID_{mm}", ""),
    "county": ("FIPS_STATE_CNTY_{MON}_CD", "STATE_CNTY_FIPS_CD_{mm}", "24510"),
    "dual": ("META_DUAL_ELGBL_STUS_{MON}_CD", "DUAL_STUS_CD_{mm}", "NA"),
}
NEWER = {
    "RFRNC_YR": "BENE_ENROLLMT_REF_YR",
    "DEATH_DT": "BENE_DEATH_DT",
    "BENE_SEX_IDENT_CD": "SEX_IDENT_CD",
    "BENE_ENTLMT_RSN_ORIG": "ENTLMT_RSN_ORIG",
    "BENE_ZIP_CD": "ZIP_CD",
}
BENEFICIARY = {
    "DML_IND": "INSERT", "BENE_ID": "B1", "RFRNC_YR": "2015", "STATE_CODE": "21",
    "BENE_ZIP_CD": "21201", "BENE_BIRTH_DT": "01-Jan-1940", "DEATH_DT": "",
    "BENE_SEX_IDENT_CD": "2", "BENE_ENTLMT_RSN_ORIG": "0",
}  # fmt: skip
LINE = {
    "DML_IND": "INSERT", "BENE_ID": "B1", "CLM_ID": "C1", "FINAL_ACTION": "F",
    "NCH_CLM_TYPE_CD": "71", "CLM_FROM_DT": "10-Jul-2015", "CLM_THRU_DT": "10-Jul-2015",
    "CARR_CLM_PMT_DNL_CD": "1", "PRNCPAL_DGNS_CD": "I10", "LINE_NUM": "1",
    "PRF_PHYSN_NPI": "1234567893", "TAX_NUM": "520000001", "PRVDR_SPCLTY": "11",
    "LINE_PLACE_OF_SRVC_CD": "11", "LINE_1ST_EXPNS_DT": "09-Jul-2015",
    "LINE_LAST_EXPNS_DT": "10-Jul-2015", "HCPCS_CD": "99213", "LINE_NCH_PMT_AMT": "80.00",
    "LINE_ALOWD_CHRG_AMT": "100.00", "LINE_PRCSG_IND_CD": "A",
}  # fmt: skip
CLAIM = {
    "DML_IND": "INSERT", "BENE_ID": "B1", "CLM_ID": "F1", "FINAL_ACTION": "F",
    "NCH_CLM_TYPE_CD": "60", "CLM_FROM_DT": "01-Mar-2015", "CLM_THRU_DT": "05-Mar-2015",
    "PRVDR_NUM": "210009", "CLM_MDCR_NON_PMT_RSN_CD": " ", "CLM_PMT_AMT": "5000.00",
    "CLM_MCO_PD_SW": "0", "CLM_PASS_THRU_PER_DIEM_AMT": "0", "CLM_UTLZTN_DAY_CNT": "4",
    "CLM_LINE_NUM": "1", "REV_CNTR": "0450",
}  # fmt: skip
TYPES = {"inpatient": "60", "outpatient": "40", "snf": "20", "hha": "10", "hospice": "50"}


def row_of(kind: str, values: Row, newer: bool = False) -> dict[str, str]:
    """One source row: defaults of its type, monthly values spelt out, names of a generation."""
    if kind == "beneficiary":
        return _beneficiary({**BENEFICIARY, **values}, newer)
    if kind in TYPES:
        base = {**CLAIM, "NCH_CLM_TYPE_CD": TYPES[kind], "CLM_ID": kind[:3].upper()}
    else:
        base = {**LINE, "NCH_CLM_TYPE_CD": "82", "PRVDR_NPI": "1234567893", "CLM_ID": "D1"} if kind == "dme" else dict(LINE)  # fmt: skip
    row = {k: str(v) for k, v in {**base, **values}.items()}
    return {k: v for k, v in row.items() if not (newer and k in ("DML_IND", "FINAL_ACTION"))}


def _beneficiary(values: Row, newer: bool) -> dict[str, str]:
    row: dict[str, str] = {}
    for name, value in values.items():
        if name not in MONTHLY and not (newer and name == "DML_IND"):
            row[NEWER.get(name, name) if newer else name] = str(value)
    for name, (old, new, default) in MONTHLY.items():
        given = values.get(name, default)
        months = given if isinstance(given, list) else [given] * 12
        for m, (month, value) in enumerate(zip(MONTHS, months, strict=True), 1):
            row[(new if newer else old).format(m=m, mm=f"{m:02d}", MON=month)] = str(value)
    return row


def text_of(rows: Sequence[Mapping[str, str]], delimiter: str = "|", end: str = "\n") -> str:
    """A delimited file; columns are those of the first row."""
    names = list(rows[0])
    lines = [delimiter.join(names), *(delimiter.join(r.get(n, "") for n in names) for r in rows)]
    return "".join(line + end for line in lines)


def write_delivery(
    folder: Path, given: Mapping[str, Sequence[Row]], newer: bool = False, delimiter: str = "|"
) -> Path:
    """Write a delivery; beneficiary, carrier, inpatient and outpatient files are always there.

    A name such as carrier_2 is a second file of its type.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {k: [{}] for k in ("beneficiary", "carrier", "inpatient", "outpatient")} | dict(given)
    for name, rows in files.items():
        kind = name.split("_")[0]
        text = text_of([row_of(kind, r, newer) for r in rows], delimiter)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def load_cases(folder: Path) -> list[dict[str, object]]:
    """Read all cases of a folder, in order of file and place."""
    return [c for f in sorted(folder.glob("*.yml")) for c in yaml.safe_load(f.read_text("utf-8"))]


TINY = "a case of few rows: one that is lost is beyond every limit"


def let_in(*arguments: Any, **options: Any) -> ImportSummary:
    """Import a delivery whatever it loses: a test of few rows has no share to speak of."""
    return import_files(*arguments, **{"accept": TINY, **options})
