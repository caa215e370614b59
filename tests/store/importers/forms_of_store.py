"""The same people in two forms of CMS files: RIF, and CCLF in fixed width or CSV.

Made from the rows of a store, so that importing either form must give that store again.
"""
# ruff: noqa: E501  (a table of cases reads best with one case per line)

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from tcoc.store.importers.layouts import load_layout
from tests.store.importers.rif_files import row_of, text_of

Rows = Sequence[Mapping[str, object]]
CODES = {"inpatient": "60", "outpatient": "40", "snf": "20", "hha": "10", "hospice": "50"}
SEX = {"M": "1", "F": "2", "U": "0"}
SSA = {"MD": "21", "VA": "49", "DC": "09", "DE": "08", "PA": "39", "WV": "51"}
FIPS = {"MD": "24", "VA": "51", "DC": "11", "DE": "10", "PA": "42", "WV": "54"}


def day(value: object) -> str:
    """A date as CCLF has it; also readable as RIF."""
    return str(value) if value else ""


def buyin(month: Mapping[str, object]) -> str:
    return "0123"[bool(month["part_a"]) + 2 * bool(month["part_b"])]


def write_rif(folder: Path, store: Mapping[str, Rows]) -> Path:
    """Write a store's rows as RIF."""
    folder.mkdir(parents=True)
    people = {p["bene_id"]: p for p in store["beneficiary"]}
    years: dict[tuple[object, int], dict[int, Mapping[str, object]]] = defaultdict(dict)
    for month in store["member_month"]:
        when = date.fromisoformat(str(month["month"]))
        years[(month["bene_id"], when.year)][when.month] = month
    rows: dict[int, list[dict[str, str]]] = defaultdict(list)
    for (bene, year), months in sorted(years.items(), key=str):
        rows[year].append(_bene_year(people[bene], year, months))
    for year, part in rows.items():
        (folder / f"beneficiary_{year}.csv").write_text(text_of(part))
    for name, table in (("carrier", "professional"), ("dme", "dme")):
        lines = [_rif_line(name, r) for r in store[table]]
        if lines:
            (folder / f"{name}.csv").write_text(text_of(lines))
    for setting in CODES:
        claims = [_rif_claim(setting, r) for r in store["facility"] if r["setting"] == setting]
        if claims:
            (folder / f"{setting}.csv").write_text(text_of(claims))
    return folder


def _bene_year(
    person: Mapping[str, object], year: int, months: Mapping[int, Mapping[str, object]]
) -> dict[str, str]:
    some = next(iter(months.values()))
    out = {**some, "part_a": False, "part_b": False, "managed_care": False, "esrd": False}
    each = [months.get(m, out) for m in range(1, 13)]
    return row_of("beneficiary", {
        "BENE_ID": person["bene_id"], "RFRNC_YR": year, "STATE_CODE": SSA[str(each[0]["state"])],
        "BENE_ZIP_CD": each[0]["zip"], "BENE_BIRTH_DT": day(person["birth_date"]),
        "DEATH_DT": day(person["death_date"]), "BENE_SEX_IDENT_CD": SEX[str(person["sex"])],
        "BENE_ENTLMT_RSN_ORIG": person["orig_entitlement"] or "",
        "buyin": [buyin(m) for m in each], "hmo": ["1" if m["managed_care"] else "0" for m in each],
        "status": ["11" if m["esrd"] else "10" for m in each],
        "county": [m["county_fips"] or "" for m in each],
        "dual": [m["dual_code"] or "" for m in each],
    })  # fmt: skip


def _rif_line(kind: str, row: Mapping[str, object]) -> dict[str, str]:
    return row_of(kind, {
        "BENE_ID": row["bene_id"], "CLM_ID": row["claim_id"], "LINE_NUM": row["line_number"],
        "NCH_CLM_TYPE_CD": "71" if kind == "carrier" else "82",
        "LINE_LAST_EXPNS_DT": day(row["service_date"]), "HCPCS_CD": row["hcpcs"] or "",
        ("PRF_PHYSN_NPI" if kind == "carrier" else "PRVDR_NPI"): row["npi"] or "",
        "TAX_NUM": row.get("tin") or "", "PRVDR_SPCLTY": row.get("specialty") or "",
        "LINE_PLACE_OF_SRVC_CD": row.get("place_of_service") or "",
        "LINE_ALOWD_CHRG_AMT": row["allowed_amount"], "LINE_NCH_PMT_AMT": row["paid_amount"],
    })  # fmt: skip


def _rif_claim(setting: str, row: Mapping[str, object]) -> dict[str, str]:
    return row_of(setting, {
        "BENE_ID": row["bene_id"], "CLM_ID": row["claim_id"], "PRVDR_NUM": row["ccn"],
        "CLM_FROM_DT": day(row["from_date"]), "CLM_THRU_DT": day(row["thru_date"]),
        "CLM_PMT_AMT": row["paid_amount"],
    })  # fmt: skip


def cclf_rows(store: Mapping[str, Rows]) -> dict[str, list[dict[str, str]]]:
    """Return a store's rows as CCLF rows by file type; beneficiary rows carry their month."""
    people = {p["bene_id"]: p for p in store["beneficiary"]}
    return {
        "beneficiary": [_cclf8(people[m["bene_id"]], m) for m in store["member_month"]],
        "facility": [_cclf1(r) for r in store["facility"]],
        "carrier": [_cclf_line(r, "71") for r in store["professional"]],
        "dme": [_cclf_line(r, "82") for r in store["dme"]],
    }


def _cclf8(person: Mapping[str, object], month: Mapping[str, object]) -> dict[str, str]:
    county = str(month["county_fips"] or FIPS[str(month["state"])])
    return {
        "FILE_DATE": day(month["month"]), "BENE_MBI_ID": str(person["bene_id"]),
        "BENE_FIPS_STATE_CD": county[:2], "BENE_FIPS_CNTY_CD": county[2:],
        "BENE_ZIP_CD": str(month["zip"]), "BENE_DOB": day(person["birth_date"]),
        "BENE_SEX_CD": SEX[str(person["sex"])], "BENE_MDCR_STUS_CD": "11" if month["esrd"] else "10",
        "BENE_DUAL_STUS_CD": str(month["dual_code"] or ""),
        "BENE_DEATH_DT": day(person["death_date"]) or "1000-01-01",
        "BENE_ORGNL_ENTLMT_RSN_CD": str(person["orig_entitlement"] or ""),
        "BENE_ENTLMT_BUYIN_IND": buyin(month), "GEO_USPS_STATE_CD": str(month["state"]),
    }  # fmt: skip


def _cclf1(row: Mapping[str, object]) -> dict[str, str]:
    return {
        "CUR_CLM_UNIQ_ID": str(row["claim_id"]), "PRVDR_OSCAR_NUM": str(row["ccn"]),
        "BENE_MBI_ID": str(row["bene_id"]), "CLM_TYPE_CD": CODES[str(row["setting"])],
        "CLM_FROM_DT": day(row["from_date"]), "CLM_THRU_DT": day(row["thru_date"]),
        "CLM_MDCR_NPMT_RSN_CD": "~", "CLM_PMT_AMT": str(row["paid_amount"]),
        "CLM_ADJSMT_TYPE_CD": "0", "CLM_EFCTV_DT": day(row["thru_date"]),
    }  # fmt: skip


def _cclf_line(row: Mapping[str, object], claim_type: str) -> dict[str, str]:
    npi = "RNDRG_PRVDR_NPI_NUM" if claim_type == "71" else "PAYTO_PRVDR_NPI_NUM"
    return {
        "CUR_CLM_UNIQ_ID": str(row["claim_id"]), "CLM_LINE_NUM": str(row["line_number"]),
        "BENE_MBI_ID": str(row["bene_id"]), "CLM_TYPE_CD": claim_type,
        "CLM_LINE_THRU_DT": day(row["service_date"]), "CLM_LINE_HCPCS_CD": str(row["hcpcs"] or ""),
        "CLM_LINE_CVRD_PD_AMT": str(row["paid_amount"]), npi: str(row["npi"] or ""),
        "CLM_CARR_PMT_DNL_CD": "1", "CLM_PRCSG_IND_CD": "A", "CLM_ADJSMT_TYPE_CD": "0",
        "CLM_EFCTV_DT": day(row["service_date"]), "CLM_CNTL_NUM": str(row["claim_id"]),
        "CLM_LINE_ALOWD_CHRG_AMT": str(row["allowed_amount"]),
        "CLM_RNDRG_PRVDR_TAX_NUM": str(row.get("tin") or ""),
        "CLM_PRVDR_SPCLTY_CD": str(row.get("specialty") or ""),
        "CLM_POS_CD": str(row.get("place_of_service") or ""),
    }  # fmt: skip


NUMBERS = {"beneficiary": 8, "facility": 1, "carrier": 5, "dme": 6, "xref": 9}


def write_cclf_csv(folder: Path, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> Path:
    """Write CCLF rows as CSV with headers, one file per type."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, part in rows.items():
        if part:
            (folder / f"CCLF{NUMBERS[kind]}.csv").write_text(text_of(part, ","))
    return folder


def fixed_line(kind: str, row: Mapping[str, str]) -> str:
    """One line of a fixed-width CCLF file, by the layout's positions."""
    positions = load_layout("cclf").positions(kind)
    line = [" "] * max(first + length - 1 for first, length in positions.values())
    for name, (first, length) in positions.items():
        text = row.get(name, "")
        line[first - 1 : first - 1 + length] = text.ljust(length)[:length]
    return "".join(line)


def write_cclf_fixed(
    folder: Path, rows: Mapping[str, Sequence[Mapping[str, str]]], day_of_file: str = "181231"
) -> Path:
    """Write CCLF rows in fixed width under CMS's file names; beneficiary files by month."""
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, part in rows.items():
        for row in part:
            stamp = row.get("FILE_DATE", "").replace("-", "")[2:] or day_of_file
            parts[(kind, stamp)].append(fixed_line(kind, row))
    for (kind, stamp), lines in parts.items():
        name = f"P.A9999.ACO.ZC{NUMBERS[kind]}Y{stamp[:2]}.D{stamp}.T0100000"
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    return folder
