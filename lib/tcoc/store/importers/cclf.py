"""Claim and Claim Line Feed (CCLF) to a store: fixed width or CSV, many monthly deliveries.

A claim or line that comes again in a later delivery replaces the earlier one; cancellations take
away the claim that they cancel; an old beneficiary number stands for the current one (CCLF9).
Months come from the monthly beneficiary files (CCLF8).
"""
# ruff: noqa: S608  (the SQL holds names of this module only)

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from tcoc.store.importers import rif
from tcoc.store.importers.delivery import Delivery
from tcoc.store.importers.flow import Prepared, SourceKind
from tcoc.store.importers.layouts import TypeSpec
from tcoc.store.importers.resolve import Rows, add_settled
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

NETTED = """
WITH live AS (
  SELECT _order, adjustment IN ('1', '01') AS cancels,
    row_number() OVER (PARTITION BY {key}, abs(paid_amount), adjustment IN ('1', '01')
      ORDER BY effective NULLS FIRST, adjustment, claim_id, _seq) AS place,
    count(*) FILTER (WHERE adjustment IN ('1', '01'))
      OVER (PARTITION BY {key}, abs(paid_amount)) AS cancellations,
    count(*) OVER (PARTITION BY {key}, abs(paid_amount)) AS all_rows
  FROM {rows} WHERE _reason IS NULL AND _order NOT IN (SELECT _order FROM {settled})
)
SELECT _order, NULL AS before,
  CASE WHEN cancels AND place > all_rows - cancellations THEN 'unmatched' ELSE 'cancelled' END
FROM live WHERE cancels OR place <= cancellations
"""
"""A cancellation and the earliest claim of its natural key and amount take each other away, so that
what is left adds up to CMS's net amount (the sum with the sign of cancellations changed). One that
meets no claim of its amount is counted with its dollars (rule I8)."""

PERSON = """
CREATE OR REPLACE TEMP VIEW {name} AS
SELECT s.*, coalesce(c.current, s.mbi) AS bene_id
FROM {rows} AS s LEFT JOIN {numbers} AS c ON c.previous = s.mbi
"""

ONE_ROW = """
SELECT _order, NULL AS before, 'replaced' FROM {rows}
WHERE _reason IS NULL AND _order NOT IN (SELECT _order FROM {settled})
QUALIFY row_number() OVER (PARTITION BY bene_id, year ORDER BY _seq DESC) > 1
"""
"""Of a person who stands in a month under an old and a new number, the later row counts."""

MONTHS = """
SELECT b.bene_id, year(s.month) AS year, s.month,
  coalesce(b.buyin IN ('1', '3', 'A', 'C'), false) AS part_a,
  coalesce(b.buyin IN ('2', '3', 'B', 'C'), false) AS part_b,
  false AS managed_care, coalesce(b.status IN ('11', '21', '31'), false) AS esrd,
  CASE WHEN regexp_full_match(b.dual, '[0-9A-Z]{{2}}') THEN b.dual END AS dual_code,
  coalesce(u.usps, f.usps, 'ZZ') AS state, b.fips_state || b.fips_county AS county_fips,
  coalesce(b.zip, '') AS zip
FROM {bene_year} AS b JOIN (
  SELECT CAST(m.month AS DATE) AS month, coalesce(max(n.snap) FILTER (WHERE n.snap <=
    year(m.month) * 100 + month(m.month)), min(n.snap)) AS snap
  FROM (SELECT unnest(generate_series(make_date(min(year) // 100, 1, 1),
    make_date(max(year) // 100, max(year) % 100, 1), INTERVAL 1 MONTH)) AS month FROM (
      SELECT max(year) AS year FROM {bene_year} UNION ALL SELECT min(year) FROM {bene_year})) AS m
  CROSS JOIN (SELECT DISTINCT year AS snap FROM {bene_year}) AS n GROUP BY m.month
) AS s ON b.year = s.snap
LEFT JOIN {fips} AS f ON f.code = b.fips_state
LEFT JOIN (SELECT DISTINCT usps FROM {ssa}) AS u ON u.usps = b.usps
"""
"""A month takes the beneficiary file of that month, else of the nearest month before, else the
first; who is not in that file has no month. `year` of bene_year is the file's YYYYMM."""


BEGUN_LATER = """
SELECT count(*) FROM {months} AS m JOIN {bene_year} AS b ON b.bene_id = m.bene_id
  AND b.year = year(m.month) * 100 + month(m.month)
WHERE (m.part_a AND b.begin_a > last_day(m.month)) OR (m.part_b AND b.begin_b > last_day(m.month))
"""
"""Months that the buy-in covers and that lie before the begin date of Part A or Part B."""


def current_numbers(con: Connection, xref: Rows | None) -> tuple[str, int]:
    """Make the table (previous, current) of every old number and the number of today (CCLF9).

    The newest change of a number counts, over as many changes as there were. Numbers that were
    changed forth and back are one person, under the number of the newest change. Returns the
    table's name and how many numbers were changed forth and back.
    """
    newest: dict[str, tuple[str, int]] = {}
    if xref is not None:
        pairs = con.execute(
            "SELECT previous, arg_max(current, _seq), rank() OVER (ORDER BY max(_seq))"
            f" FROM {xref.rows} WHERE _reason IS NULL AND previous <> current GROUP BY previous"
        ).fetchall()
        newest = {previous: (current, place) for previous, current, place in pairs}
    current: dict[str, str] = {}
    circles: set[str] = set()
    for start in newest:
        path: list[str] = []
        at = start
        while at in newest and at not in current and at not in path:
            path.append(at)
            at = newest[at][0]
        if at in path:
            circle = path[path.index(at) :]
            circles.update(circle)
            last = max(circle, key=lambda number: newest[number][1])
            today = newest[last][0]
        else:
            today = current.get(at, at)
        current.update(dict.fromkeys(path, today))
    moved = {old: new for old, new in current.items() if old != new}
    columns = {"previous": list(moved), "current": list(moved.values())}
    made = pa.table({n: pa.array(v, pa.string()) for n, v in columns.items()})
    con.register("numbers_given", made)
    con.execute("CREATE OR REPLACE TEMP TABLE current_numbers AS SELECT * FROM numbers_given")
    con.unregister("numbers_given")
    return "current_numbers", len(circles)


def prepare(con: Connection, delivery: Delivery, rows: Mapping[str, Rows]) -> Prepared:
    """Give every row its person's number of today, and net cancellations against claims."""
    numbers, circles = current_numbers(con, rows.get("xref"))
    named = {kind: _named(con, part, numbers) for kind, part in rows.items() if kind != "xref"}
    people = named["beneficiary"]
    one = ONE_ROW.format(rows=people.rows, settled=people.settled)
    prepared = {**rows, **named, "beneficiary": add_settled(con, people, one)}
    for kind in ("facility", "carrier", "dme"):
        if kind in named:
            part = named[kind]
            key = NATURAL_KEY[part.spec.table]
            select = NETTED.format(key=key, rows=part.rows, settled=part.settled)
            prepared[kind] = add_settled(con, part, select)
    note = f"{circles:,} numbers were changed forth and back (CCLF9); they stand as one person each"
    return Prepared(prepared, notes=(note,) if circles else ())


def _named(con: Connection, rows: Rows, numbers: str) -> Rows:
    name = f"{rows.rows}_named"
    con.execute(PERSON.format(name=name, rows=rows.rows, numbers=numbers))
    return replace(rows, rows=name)


def count_begun_later(con: Connection, months: str, bene_year: str) -> tuple[str, ...]:
    """Say how many months the buy-in covers although a part began later (rule I5)."""
    row = con.execute(BEGUN_LATER.format(months=months, bene_year=bene_year)).fetchone()
    count = int(row[0]) if row else 0
    note = (
        f"{count:,} months are covered by the buy-in and lie before the begin date of Part A or"
        " Part B; the buy-in counts"
    )
    return (note,) if count else ()


def _columns(kind: str, spec: TypeSpec) -> Mapping[str, str]:
    columns = dict(rif.columns(kind, spec))
    if spec.table == "facility":
        cases = " ".join(f"WHEN '{code}' THEN '{name}'" for code, name in SETTINGS.items())
        columns["setting"] = f"CASE s.claim_type {cases} END"
    columns["processed_date"] = "s.effective"
    return columns


def _denied(kind: str) -> str:
    return "s.non_payment IS NOT NULL" if kind == "facility" else rif.LINE_DENIED


def _never(con: Connection, people: str) -> bool:
    return False


CCLF = SourceKind(
    name="cclf",
    months=MONTHS,
    columns=_columns,
    denied=_denied,
    is_synthetic=_never,
    prepare=prepare,
    notes_of=count_begun_later,
    missing=MISSING,
    years="SELECT DISTINCT year FROM {months} ORDER BY 1",
)
