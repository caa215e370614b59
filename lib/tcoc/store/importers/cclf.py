"""Claim and Claim Line Feed (CCLF) to a store: fixed width or CSV, many monthly deliveries.

A claim or line that comes again in a later delivery replaces the earlier one; cancellations take
away the claim that they cancel; an old beneficiary number stands for the current one (CCLF9).
Months come from the monthly beneficiary files (CCLF8).
"""
# ruff: noqa: S608  (the SQL holds names of this module only)

from collections.abc import Mapping

from tcoc.store.importers import rif
from tcoc.store.importers.engine import Delivery
from tcoc.store.importers.flow import SourceKind
from tcoc.store.importers.layouts import TypeSpec
from tcoc.store.importers.staging import Connection

MISSING = ("managed care (people in CCLF are in fee for service)", "pass-through per diem")

SETTINGS = {"60": "inpatient", "61": "inpatient", "40": "outpatient", "20": "snf", "30": "snf",
            "10": "hha", "50": "hospice"}  # fmt: skip

NATURAL_KEY = {
    "facility": "bene_id, ccn, from_date, thru_date, claim_type",
    "professional": "bene_id, control, line_number, claim_type",
    "dme": "bene_id, control, line_number, claim_type",
}
"""What is the same on a claim, its cancellation and its adjustment (CMS's information packet)."""

CURRENT = """
CREATE OR REPLACE TEMP TABLE current_numbers AS
WITH RECURSIVE pairs AS (
  SELECT previous, arg_max(current, _order) AS current FROM {xref}
  WHERE _reason IS NULL AND previous <> current GROUP BY previous
), steps AS (
  SELECT previous, current, 1 AS step FROM pairs
  UNION ALL SELECT s.previous, p.current, s.step + 1 FROM steps AS s
  JOIN pairs AS p ON s.current = p.previous WHERE s.step < 20 AND p.current <> s.previous
)
SELECT previous, arg_max(current, step) AS current FROM steps GROUP BY previous
"""
"""Every old number with the number of today, over as many changes as there were (CCLF9)."""

NETTED = """
INSERT INTO settled_{kind}
WITH live AS (
  SELECT _order, adjustment IN ('1', '01') AS cancels, abs(paid_amount) AS amount,
    row_number() OVER (PARTITION BY {key}, abs(paid_amount), adjustment IN ('1', '01')
      ORDER BY effective NULLS FIRST, adjustment, claim_id, _order) AS place,
    count(*) FILTER (WHERE adjustment IN ('1', '01'))
      OVER (PARTITION BY {key}, abs(paid_amount)) AS cancellations
  FROM rows_{kind} WHERE _reason IS NULL AND _order NOT IN (SELECT _order FROM settled_{kind})
)
SELECT _order, NULL, 'cancelled' FROM live WHERE cancels OR place <= cancellations
"""
"""A cancellation and the earliest claim of its natural key and amount take each other away, so that
what is left adds up to CMS's net amount (the sum with the sign of cancellations changed)."""

NO_XREF = (
    "(SELECT NULL::VARCHAR AS previous, NULL::VARCHAR AS current, 0 AS _order, NULL AS _reason"
    " LIMIT 0)"
)

PERSON = """
CREATE OR REPLACE TEMP VIEW rows_beneficiary AS
SELECT s.* REPLACE (coalesce(s.begin_a, DATE '1850-01-01') AS begin_a,
  coalesce(s.begin_b, DATE '1850-01-01') AS begin_b), coalesce(c.current, s.mbi) AS bene_id
FROM staged_beneficiary AS s LEFT JOIN current_numbers AS c ON c.previous = s.mbi
"""

ONE_ROW = """
INSERT INTO settled_beneficiary
SELECT _order, NULL, 'replaced' FROM rows_beneficiary
WHERE _reason IS NULL AND _order NOT IN (SELECT _order FROM settled_beneficiary)
QUALIFY row_number() OVER (PARTITION BY bene_id, year ORDER BY _order DESC) > 1
"""
"""Of a person who stands in a month under an old and a new number, the later row counts."""

MONTHS = """
SELECT b.bene_id, year(s.month) AS year, s.month,
  coalesce(b.buyin IN ('1', '3', 'A', 'C'), false) AND b.begin_a <= last_day(s.month) AS part_a,
  coalesce(b.buyin IN ('2', '3', 'B', 'C'), false) AND b.begin_b <= last_day(s.month) AS part_b,
  false AS managed_care, coalesce(b.status IN ('11', '21', '31'), false) AS esrd,
  CASE WHEN regexp_full_match(b.dual, '[0-9]') THEN '0' || b.dual
    WHEN regexp_full_match(b.dual, '[0-9A-Z]{2}') THEN b.dual END AS dual_code,
  coalesce(u.usps, f.usps, 'ZZ') AS state,
  CASE WHEN regexp_full_match(b.fips_state || b.fips_county, '[0-9]{5}')
    THEN b.fips_state || b.fips_county END AS county_fips,
  CASE WHEN regexp_full_match(left(b.zip, 5), '[0-9]{5}') THEN left(b.zip, 5) ELSE '' END AS zip
FROM bene_year AS b JOIN (
  SELECT CAST(m.month AS DATE) AS month, coalesce(max(n.snap) FILTER (WHERE n.snap <=
    year(m.month) * 100 + month(m.month)), min(n.snap)) AS snap
  FROM (SELECT unnest(generate_series(make_date(min(year) // 100, 1, 1),
    make_date(max(year) // 100, max(year) % 100, 1), INTERVAL 1 MONTH)) AS month FROM (
      SELECT max(year) AS year FROM bene_year UNION ALL SELECT min(year) FROM bene_year)) AS m
  CROSS JOIN (SELECT DISTINCT year AS snap FROM bene_year) AS n GROUP BY m.month
) AS s ON b.year = s.snap
LEFT JOIN fips_states AS f ON f.code = b.fips_state
LEFT JOIN (SELECT DISTINCT usps FROM ssa_states) AS u ON u.usps = b.usps
"""
"""A month takes the beneficiary file of that month, else of the nearest month before, else the
first; who is not in that file has no month. `year` of bene_year is the file's YYYYMM."""


def _prepare(con: Connection, delivery: Delivery) -> None:
    con.execute(CURRENT.format(xref="staged_xref" if "xref" in delivery.files else NO_XREF))
    con.execute(PERSON)
    con.execute(ONE_ROW)
    for kind in ("facility", "carrier", "dme"):
        if kind in delivery.files:
            con.execute(
                f"CREATE OR REPLACE TEMP VIEW rows_{kind} AS SELECT s.*, coalesce(c.current, s.mbi)"
                f" AS bene_id FROM staged_{kind} AS s LEFT JOIN current_numbers AS c"
                " ON c.previous = s.mbi"
            )
            key = NATURAL_KEY[delivery.layout.types[kind].table]
            con.execute(NETTED.format(kind=kind, key=key))


def _columns(kind: str, spec: TypeSpec) -> Mapping[str, str]:
    columns = dict(rif.columns(kind, spec))
    if spec.table == "facility":
        cases = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in SETTINGS.items())
        columns["setting"] = f"CASE s.claim_type {cases} END"
    return columns


def _denied(kind: str) -> str:
    return "s.non_payment IS NOT NULL" if kind == "facility" else rif.LINE_DENIED


def _never(con: Connection) -> bool:
    return False


CCLF = SourceKind(
    name="cclf",
    months=MONTHS,
    columns=_columns,
    denied=_denied,
    is_synthetic=_never,
    prepare=_prepare,
    missing=MISSING,
    years="SELECT DISTINCT year FROM months ORDER BY 1",
)
