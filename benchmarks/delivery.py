"""A carrier file of millions of lines to import: from a synthetic store, or from a real delivery.

What a store does not hold of a RIF delivery is constant here: what the import reads (claim types,
status of lines), and what it has to pass over, which is most of a carrier file's 99 columns.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb

from tcoc.store.importers.layouts import MONTHS
from tcoc.store.layout import open_store

LINE = {
    "DML_IND": "'INSERT'", "BENE_ID": "bene_id", "CLM_ID": "claim_id", "FINAL_ACTION": "'F'",
    "NCH_CLM_TYPE_CD": "'71'", "CARR_CLM_PMT_DNL_CD": "'1'", "PRNCPAL_DGNS_CD": "'I10'",
    "LINE_NUM": "line_number", "PRF_PHYSN_NPI": "npi", "TAX_NUM": "tin",
    "PRVDR_SPCLTY": "specialty", "LINE_PLACE_OF_SRVC_CD": "place_of_service",
    "HCPCS_CD": "hcpcs", "LINE_NCH_PMT_AMT": "paid_amount",
    "LINE_ALOWD_CHRG_AMT": "allowed_amount", "LINE_PRCSG_IND_CD": "'A'",
    **dict.fromkeys(
        ("CLM_FROM_DT", "CLM_THRU_DT", "LINE_1ST_EXPNS_DT", "LINE_LAST_EXPNS_DT"),
        "strftime(service_date, '%d-%b-%Y')",
    ),
}  # fmt: skip
UNREAD = {
    **{f"ICD_DGNS_CD{i}": "E119" if i < 5 else "" for i in range(1, 13)},
    **{f"ICD_DGNS_VRSN_CD{i}": "0" if i < 5 else "" for i in range(1, 13)},
    "CLM_GRP_ID": "1", "NCH_NEAR_LINE_REC_IDENT_CD": "O", "NCH_WKLY_PROC_DT":
    "15-Jul-2016", "CARR_CLM_ENTRY_CD": "1", "CLM_DISP_CD": "1", "CARR_NUM": "12302",
    "CLM_PMT_AMT": "80.00", "CARR_CLM_PRMRY_PYR_PD_AMT": "0.00", "RFR_PHYSN_UPIN": "",
    "RFR_PHYSN_NPI": "1234567893", "CARR_CLM_PRVDR_ASGNMT_IND_SW": "A",
    "NCH_CLM_PRVDR_PMT_AMT": "80.00", "NCH_CLM_BENE_PMT_AMT": "0.00",
    "NCH_CARR_CLM_SBMTD_CHRG_AMT": "150.00", "NCH_CARR_CLM_ALOWD_AMT": "100.00",
    "CARR_CLM_CASH_DDCTBL_APLD_AMT": "0.00", "CARR_CLM_HCPCS_YR_CD": "6",
    "CARR_CLM_RFRNG_PIN_NUM": "", "PRNCPAL_DGNS_VRSN_CD": "0", "CLM_CLNCL_TRIL_NUM": "",
    "CARR_CLM_CNTL_NUM": "", "CARR_PRFRNG_PIN_NUM": "", "PRF_PHYSN_UPIN": "", "ORG_NPI_NUM": "",
    "CARR_LINE_PRVDR_TYPE_CD": "1", "PRVDR_STATE_CD": "21", "PRVDR_ZIP": "212010000",
    "PRTCPTNG_IND_CD": "1", "CARR_LINE_RDCD_PMT_PHYS_ASTN_C": "0", "LINE_SRVC_CNT": "1",
    "LINE_CMS_TYPE_SRVC_CD": "1", "CARR_LINE_PRCNG_LCLTY_CD": "01", "HCPCS_1ST_MDFR_CD": "",
    "HCPCS_2ND_MDFR_CD": "", "BETOS_CD": "M1B", "LINE_BENE_PMT_AMT": "0.00",
    "LINE_PRVDR_PMT_AMT": "80.00", "LINE_BENE_PTB_DDCTBL_AMT": "0.00",
    "LINE_BENE_PRMRY_PYR_CD": "", "LINE_BENE_PRMRY_PYR_PD_AMT": "0.00",
    "LINE_COINSRNC_AMT": "20.00", "LINE_SBMTD_CHRG_AMT": "150.00", "LINE_PMT_80_100_CD": "0",
    "LINE_SERVICE_DEDUCTIBLE": "0", "CARR_LINE_MTUS_CNT": "0", "CARR_LINE_MTUS_CD": "3",
    "LINE_ICD_DGNS_CD": "E119", "LINE_ICD_DGNS_VRSN_CD": "0", "HPSA_SCRCTY_IND_CD": "",
    "CARR_LINE_RX_NUM": "", "LINE_HCT_HGB_RSLT_NUM": "0.0", "LINE_HCT_HGB_TYPE_CD": "",
    "LINE_NDC_CD": "", "CARR_LINE_CLIA_LAB_NUM": "", "CARR_LINE_ANSTHSA_UNIT_CNT": "0",
}  # fmt: skip
"""Columns of a carrier file that the import does not read, with a usual value."""

CLAIM = {
    "DML_IND": "'INSERT'", "BENE_ID": "bene_id", "CLM_ID": "claim_id", "FINAL_ACTION": "'F'",
    "NCH_CLM_TYPE_CD": "if(setting = 'inpatient', '60', '40')", "PRVDR_NUM": "ccn",
    "CLM_FROM_DT": "strftime(from_date, '%d-%b-%Y')",
    "CLM_THRU_DT": "strftime(thru_date, '%d-%b-%Y')", "CLM_MDCR_NON_PMT_RSN_CD": "''",
    "CLM_PMT_AMT": "paid_amount", "CLM_MCO_PD_SW": "'0'", "CLM_PASS_THRU_PER_DIEM_AMT": "'0'",
    "CLM_UTLZTN_DAY_CNT": "date_diff('day', from_date, thru_date)", "CLM_LINE_NUM": "1",
    "REV_CNTR": "'0450'",
}  # fmt: skip
MONTHLY = {
    "MDCR_ENTLMT_BUYIN_{m}_IND": "'3'", "HMO_{m}_IND": "'0'", "MDCR_STUS_{month}_CD": "'10'",
    "PTC_CNTRCT_{month}_ID": "''", "FIPS_STATE_CNTY_{month}_CD": "'24510'",
    "META_DUAL_ELGBL_STUS_{month}_CD": "'NA'",
}  # fmt: skip
PERSON = {
    "DML_IND": "'INSERT'", "BENE_ID": "bene_id", "RFRNC_YR": "{year}", "STATE_CODE": "'21'",
    "BENE_ZIP_CD": "'21201'", "BENE_BIRTH_DT": "strftime(birth_date, '%d-%b-%Y')",
    "DEATH_DT": "''", "BENE_SEX_IDENT_CD": "2", "BENE_ENTLMT_RSN_ORIG": "'0'",
}  # fmt: skip


def from_store(store: Path, year: int, lines: int, target: Path) -> None:
    """Write a year of a store as a RIF delivery with at most so many carrier lines."""
    target.mkdir()
    opened = open_store(store)
    monthly = {
        name.format(m=number, month=month): value
        for name, value in MONTHLY.items()
        for number, month in enumerate(MONTHS, 1)
    }
    person = {name: value.format(year=year) for name, value in PERSON.items()} | monthly
    _write(opened.files("beneficiary"), person, target / "beneficiary.csv")
    for setting in ("inpatient", "outpatient"):
        files = opened.files("facility", [year])
        _write(files, CLAIM, target / f"{setting}.csv", f"WHERE setting = '{setting}'")
    unread = {name: f"'{value}'" for name, value in UNREAD.items()}
    files = opened.files("professional", [year])
    _write(files, LINE | unread, target / "carrier.csv", f"LIMIT {lines}")


def _write(files: list[Path], columns: Mapping[str, str], out: Path, rest: str = "") -> None:
    chosen = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    with duckdb.connect() as engine:
        engine.execute(
            f"COPY (SELECT {chosen} FROM read_parquet({[str(f) for f in files]},"
            f" hive_partitioning = false) {rest}) TO '{out}' (DELIMITER '|', HEADER, QUOTE '')"
        )


def from_delivery(source: Path, lines: int, target: Path) -> None:
    """Write a RIF delivery with about `lines` carrier lines: copy the rest, repeat the carrier."""
    target.mkdir()
    for file in source.iterdir():
        if file.name != "carrier.csv":
            shutil.copy(file, target / file.name)
    read = f"read_csv('{source / 'carrier.csv'}', delim='|', all_varchar=true, quote='')"
    with duckdb.connect() as engine:
        have = engine.execute(f"SELECT count(*) FROM {read}").fetchone()
        copies = -(-lines // (have[0] if have else 1))
        engine.execute(
            f"COPY (SELECT * REPLACE (CLM_ID || 'c' || i AS CLM_ID) FROM {read},"
            f" range({copies}) AS copies(i)) TO '{target / 'carrier.csv'}'"
            " (DELIMITER '|', HEADER, QUOTE '')"
        )
