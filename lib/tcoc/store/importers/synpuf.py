"""CMS's DE-SynPUF to a store, reconciled to the dollar with CMS's own annual totals.

A claim lies in the year of its thru date; of a claim in segments the first carries the payment;
inpatient payment includes pass-through per diem x days; a carrier line counts by its processing
indicator (rule I2). What the source lacks (specialty, ZIP, dual status, place of service, which
months) is missing in the store, and can be supplied by two optional tables.
"""
# ruff: noqa: S608  (the SQL holds names of this module and quoted paths)

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb

from tcoc.errors import InputError, nearest
from tcoc.store.importers import rif
from tcoc.store.importers.delivery import Delivery
from tcoc.store.importers.flow import Prepared, SourceKind
from tcoc.store.importers.people import People
from tcoc.store.importers.resolve import Rows
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.summary import ImportSummary
from tcoc.store.importers.values import literal

MISSING = {
    "dual status": "dual_code",
    "monthly enrolment": "",
    "original entitlement": "orig_entitlement",
    "place of service": "",
    "specialty": "specialty",
    "ZIP": "zip",
}
"""What the source lacks, and the column of an optional table that supplies it."""

MONTHS_NOTE = (
    "Months are counts in this source: the first N months of a year stand as covered by Part A,"
    " by Part B or as managed care"
)
CLINICIAN_COLUMNS = ("npi", "specialty")
BENEFICIARY_COLUMNS = ("bene_id", "zip", "dual_code", "orig_entitlement", "county_fips")

MONTHS = """
SELECT b.bene_id, b.year, make_date(b.year, m.month, 1) AS month,
  m.month <= b.months_a AS part_a, m.month <= b.months_b AS part_b,
  m.month <= b.months_hmo AS managed_care, coalesce(b.esrd = 'Y', false) AS esrd,
  x.dual_code, coalesce(t.usps, 'ZZ') AS state, x.county_fips, coalesce(x.zip, '') AS zip
FROM {bene_year} AS b CROSS JOIN (SELECT unnest(range(1, 13))::INTEGER AS month) AS m
LEFT JOIN {ssa} AS t ON t.code = b.ssa_state
LEFT JOIN given_beneficiaries AS x ON x.bene_id = b.bene_id
"""

LINES = """
CREATE OR REPLACE TEMP VIEW {name} AS
SELECT c.claim_id, c.line_number, c.bene_id, c.service_date, c.npi, c.tin, g.specialty, c.hcpcs,
  CAST(NULL AS VARCHAR) AS place_of_service, c.allowed_amount, c.paid_amount, c.indicator,
  CAST(NULL AS VARCHAR) AS denial_code, c._order, c._seq, c._reason, c._final,
  CASE WHEN c.line_number = 1 THEN c._dollars - c.others END AS _dollars
FROM (
  SELECT s.*, l.line AS line_number, s.npis[l.line] AS npi, s.tins[l.line] AS tin,
    s.hcpcses[l.line] AS hcpcs, coalesce(s.allowed[l.line], 0) AS allowed_amount,
    coalesce(s.paid[l.line], 0) AS paid_amount, s.indicators[l.line] AS indicator,
    coalesce(list_sum(s.paid[2:]), 0) AS others
  FROM {rows} AS s CROSS JOIN (SELECT unnest(range(1, 14))::INTEGER AS line) AS l
) AS c LEFT JOIN given_clinicians AS g ON g.npi = c.npi
WHERE c.indicator IS NOT NULL OR c.npi IS NOT NULL OR c.hcpcs IS NOT NULL OR c.paid_amount <> 0
  OR c.allowed_amount <> 0 OR (c._reason IS NOT NULL AND c.line_number = 1)
"""
"""Thirteen lines side by side are cut into lines; a place without any value is no line."""

RECONCILED = """
SELECT t.bene_id, t.year, t.measure, t.annual_total, coalesce(s.imported, 0.00) AS imported,
  coalesce(s.imported, 0.00) - t.annual_total AS difference
FROM (
  SELECT bene_id, year, measure, CAST(annual_total AS DECIMAL(18, 2)) AS annual_total FROM (
    UNPIVOT (SELECT b.bene_id, b.year, total_inpatient AS MEDREIMB_IP,
      total_outpatient AS MEDREIMB_OP, total_carrier AS MEDREIMB_CAR FROM {bene_year} AS b
      JOIN {people} AS p ON b.bene_id = p.bene_id AND p.kept)
    ON MEDREIMB_IP, MEDREIMB_OP, MEDREIMB_CAR INTO NAME measure VALUE annual_total)
) AS t LEFT JOIN (
  SELECT bene_id, year, measure, CAST(sum(paid_amount) AS DECIMAL(18, 2)) AS imported
  FROM ({parts}) GROUP BY ALL
) AS s ON t.bene_id = s.bene_id AND t.year = s.year AND t.measure = s.measure
"""
"""CMS's annual payment of a beneficiary against the payments in the store, by measure."""

MEASURES = {
    "inpatient": ("MEDREIMB_IP", "thru_date"),
    "outpatient": ("MEDREIMB_OP", "thru_date"),
    "carrier": ("MEDREIMB_CAR", "service_date"),
}


def prepare(clinicians: Path | None, beneficiaries: Path | None) -> SourceKind:
    """Return the source kind, with the optional tables that supply what the source lacks."""

    def join_given(con: Connection, delivery: Delivery, rows: Mapping[str, Rows]) -> Prepared:
        load_given(con, clinicians, "given_clinicians", CLINICIAN_COLUMNS)
        load_given(con, beneficiaries, "given_beneficiaries", BENEFICIARY_COLUMNS)
        lines = replace(rows["carrier"], rows="carrier_lines")
        con.execute(LINES.format(name=lines.rows, rows=rows["carrier"].rows))
        people = _give_entitlement(con, rows["beneficiary"])
        return Prepared({**rows, "carrier": lines, "beneficiary": people})

    given = {*_header_of(clinicians), *_header_of(beneficiaries)}
    missing = tuple(words for words, column in MISSING.items() if column not in given)
    return replace(SYNPUF, prepare=join_given, missing=missing)


def _header_of(file: Path | None) -> list[str]:
    if file is None or not file.is_file():
        return []
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        return [name.strip() for name in lines.readline().split(",")]


def load_given(con: Connection, file: Path | None, name: str, columns: tuple[str, ...]) -> None:
    """Load an optional table by its key, the first of `columns`; an absent one is empty.

    Raises InputError for a missing file, a missing or unknown column, and a key that stands twice.
    """
    nothing = ", ".join(f"CAST(NULL AS VARCHAR) AS {c}" for c in columns)
    if file is None:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {nothing} LIMIT 0")
        return
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    try:
        table = con.read_csv(str(file), header=True, all_varchar=True)
    except duckdb.Error as error:
        raise InputError(f"{file.name}: is no table with a header") from error
    unknown = [c for c in table.columns if c not in columns]
    if unknown or columns[0] not in table.columns:
        found = unknown[0] if unknown else ", ".join(table.columns)
        raise InputError(f'{file.name}: found column "{found}"{nearest(found, columns)}')
    chosen = ", ".join(
        f"nullif(trim({c}), '') AS {c}" if c in table.columns else f"CAST(NULL AS VARCHAR) AS {c}"
        for c in columns
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {chosen} FROM"
        f" read_csv({literal(str(file))}, header = true, all_varchar = true)"
    )
    _check_given(con, file, name, columns[0])


GIVEN_PATTERNS = {
    "npi": "[0-9]{10}",
    "specialty": "[0-9A-Z]{2}",
    "zip": "[0-9]{5}",
    "dual_code": "[0-9A-Z]{2}",
    "orig_entitlement": "[0-3]",
    "county_fips": "[0-9]{5}",
}


def _check_given(con: Connection, file: Path, name: str, key: str) -> None:
    row = con.execute(f"SELECT count(*) - count(DISTINCT {key}) FROM {name}").fetchone()
    if row and row[0]:
        raise InputError(f"{file.name}: {row[0]} rows have no {key}, or one that stands twice")
    columns = [d[0] for d in con.execute(f"SELECT * FROM {name} LIMIT 0").description or []]
    for column in (c for c in columns if c in GIVEN_PATTERNS):
        bad = con.execute(
            f"SELECT min(row) FROM (SELECT row_number() OVER () + 1 AS row, {column} AS value FROM"
            f" {name}) WHERE NOT regexp_full_match(value, '{GIVEN_PATTERNS[column]}')"
        ).fetchone()
        if bad and bad[0]:
            raise InputError(
                f"{file.name}: row {bad[0]}: {column} is not like {GIVEN_PATTERNS[column]}"
            )


def _give_entitlement(con: Connection, rows: Rows) -> Rows:
    """Lay the supplied original entitlement over the source, which has none."""
    name = f"{rows.rows}_given"
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT s.* REPLACE"
        " (coalesce(s.orig_entitlement, g.orig_entitlement) AS orig_entitlement)"
        f" FROM {rows.rows} AS s LEFT JOIN given_beneficiaries AS g ON g.bene_id = s.bene_id"
    )
    return replace(rows, rows=name)


def _denied(kind: str) -> str:
    return rif.LINE_DENIED if kind == "carrier" else "false"


def _always(con: Connection, people: str) -> bool:
    return True


def reconcile(
    con: Connection, found: People, resolved: Path, store: Path, summary: ImportSummary
) -> None:
    """Write STORE/reconciliation.parquet (by person) and .csv (counts and dollars by year).

    The summary says how many beneficiary-years differ and by how much; it names nobody.
    """
    parts = [
        f"SELECT bene_id, year({date}) AS year, '{measure}' AS measure, paid_amount FROM"
        f" read_parquet({literal(str(resolved / kind / '*' / '*.parquet'))},"
        " hive_partitioning = false) WHERE disposition = 'imported'"
        for kind, (measure, date) in MEASURES.items()
    ]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE reconciled AS "
        + RECONCILED.format(
            parts=" UNION ALL ".join(parts), bene_year=found.bene_year, people=found.people
        )
    )
    con.execute(
        "COPY (SELECT * FROM reconciled ORDER BY bene_id, year, measure) TO"
        f" {literal(str(store / 'reconciliation.parquet'))}"
    )
    by_year = (
        "SELECT year, measure, count(*) AS beneficiary_years, sum(annual_total) AS annual_total,"
        " sum(imported) AS imported, count(*) FILTER (WHERE difference <> 0) AS differing,"
        " sum(abs(difference)) AS difference FROM reconciled GROUP BY ALL ORDER BY year, measure"
    )
    con.execute(
        f"COPY ({by_year}) TO {literal(str(store / 'reconciliation.csv'))} (FORMAT csv, HEADER)"
    )
    rows = con.execute(
        "SELECT measure, count(*), count(*) FILTER (WHERE difference <> 0),"
        " sum(abs(difference))::VARCHAR FROM reconciled GROUP BY 1 ORDER BY 1"
    ).fetchall()
    for measure, total, differing, dollars in rows:
        summary.reconciliation[measure] = {
            "beneficiary_years": total,
            "differing": differing,
            "difference": f"{Decimal(dollars):.2f}",
        }
        summary.notes.append(
            f"{measure}: {total - differing:,} of {total:,} beneficiary-years agree with CMS's"
            f" annual total to the dollar; {differing:,} differ,"
            f" by {Decimal(dollars):,.2f} dollars in all"
        )


SYNPUF = SourceKind(
    name="synpuf",
    months=MONTHS,
    columns=rif.columns,
    denied=_denied,
    is_synthetic=_always,
    after=reconcile,
    missing=tuple(MISSING),
    notes=(MONTHS_NOTE,),
)
