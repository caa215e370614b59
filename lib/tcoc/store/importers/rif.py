"""CMS/CCW Research Identifiable Files to a store (rules I1 to I6).

Beneficiary files by year give people and months; carrier and DME files give lines; inpatient,
outpatient, SNF, home health and hospice files give one row per claim.
"""

from collections.abc import Mapping

from tcoc.store.importers.flow import SourceKind
from tcoc.store.importers.layouts import TypeSpec
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.values import literal

LINE_DENIED = (
    "coalesce(s.denial_code = '0', false) OR NOT coalesce(s.indicator = 'A' OR"
    " (s.indicator IN ('R', 'S') AND s.allowed_amount > 0), false)"
)
"""Rule I2: denial code 0, or a processing indicator other than A (or R, S with allowed above 0)."""

MONTHS = """
SELECT b.bene_id, b.year, make_date(b.year, m.month, 1) AS month,
  coalesce(b.buyin[m.month] IN ('1', '3', 'A', 'C'), false) AS part_a,
  coalesce(b.buyin[m.month] IN ('2', '3', 'B', 'C'), false) AS part_b,
  CASE WHEN b.hmo[m.month] IS NOT NULL THEN b.hmo[m.month] NOT IN ('0', '4')
    ELSE coalesce(b.part_c[m.month] NOT IN ('N', '0'), false) END AS managed_care,
  coalesce(b.status[m.month] IN ('11', '21', '31'), false) AS esrd,
  CASE WHEN regexp_full_match(b.dual[m.month], '[0-9]') THEN '0' || b.dual[m.month]
    WHEN regexp_full_match(b.dual[m.month], '[0-9A-Z]{2}') THEN b.dual[m.month] END AS dual_code,
  coalesce(f.usps, t.usps, 'ZZ') AS state,
  CASE WHEN regexp_full_match(b.county[m.month], '[0-9]{5}') THEN b.county[m.month] END
    AS county_fips,
  CASE WHEN regexp_full_match(left(b.zip, 5), '[0-9]{5}') THEN left(b.zip, 5) ELSE '' END AS zip
FROM bene_year AS b CROSS JOIN (SELECT unnest(range(1, 13))::INTEGER AS month) AS m
LEFT JOIN fips_states AS f ON f.code = left(b.county[m.month], 2)
  AND regexp_full_match(b.county[m.month], '[0-9]{5}')
LEFT JOIN ssa_states AS t ON t.code = lpad(b.ssa_state, 2, '0')
"""
"""Twelve months per beneficiary and year, from the monthly columns (rule I5)."""


<<<<<<< HEAD
def run(
    con: Connection,
    source: Path,
    work: Path,
    summary: ImportSummary,
    progress: Progress | None,
    synthetic: bool | None,
) -> None:
    """Import a RIF delivery into work/store, and fill the summary."""
    layout = load_layout("rif")
    people.load_states(con)
    states = people.parse_states(con, summary.state)
    summary.state = ",".join(states) or "all"
    delivery = engine.stage_delivery(con, source, layout, work, progress)
    engine.check_types(con, delivery)
    engine.settle(con, delivery)
    _people(con, states)
    resolved, store = work / "resolved", work / "store"
    store.mkdir()
    counted = engine.dispose_claims(
        con,
        delivery,
        lambda k: _columns(layout.types[k].table, layout.types[k].setting),
        _denied,
        resolved,
    )
    engine.check_claim_ids(con, delivery, resolved)
    summary.types = {"beneficiary": _count_people(con, delivery), **counted}
    summary.tables = {
        "beneficiary": engine.write_whole(con, "beneficiary", _BENEFICIARY, store),
        "member_month": _write_months(con, store),
        **engine.write_claims(con, delivery, resolved, store),
    }
    summary.dollars = engine.table_dollars(delivery, counted)
    engine.write_quarantine(con, delivery, store)
    _describe(con, delivery, resolved, summary)
    summary.synthetic = _all_synthetic(con) if synthetic is None else synthetic


_BENEFICIARY = (
    "SELECT bene_id, birth_date, death_date, sex, orig_entitlement FROM people WHERE kept"
)


def _people(con: Connection, states: list[str]) -> None:
    """Make `people` (one row per person, latest reference year's values) and say who is kept."""
    con.execute(PEOPLE)
    con.execute(f"CREATE OR REPLACE TEMP VIEW months AS {MONTHS}")
    kept = (
        f"bene_id IN (SELECT bene_id FROM months WHERE {people.kept_sql(states)})"
        if states
        else "true"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE people AS SELECT bene_id, arg_max(birth_date, year) AS"
        " birth_date, arg_max(death_date, (year, _order)) FILTER (WHERE death_date IS NOT NULL) AS"
        " death_date, CASE arg_max_null(sex, year) WHEN '1' THEN 'M' WHEN 'M' THEN 'M' WHEN '2' THEN"
        " 'F' WHEN 'F' THEN 'F' ELSE 'U' END AS sex, CASE WHEN arg_max_null(orig_entitlement, year)"
        " IN ('0', '1', '2', '3') THEN arg_max_null(orig_entitlement, year) END AS orig_entitlement,"
        f" {kept} AS kept FROM bene_year GROUP BY bene_id"
    )


def _write_months(con: Connection, store: Path) -> int:
    years = [r[0] for r in con.execute("SELECT DISTINCT year FROM bene_year ORDER BY 1").fetchall()]
    return sum(
        engine.write_partition(
            con,
            "member_month",
            year,
            f"SELECT * EXCLUDE (year) FROM months WHERE year = {year}"
            " AND bene_id IN (SELECT bene_id FROM people WHERE kept)",
            store,
        )
        for year in years
    )


def _columns(table: str, setting: str) -> Mapping[str, str]:
=======
def columns(kind: str, spec: TypeSpec) -> Mapping[str, str]:
>>>>>>> import
    """Return the store's columns of a claims table as SQL over a staged row `s`."""
    if spec.table == "facility":
        through = "s.per_diem * s.days" if "per_diem" in spec.fields else "0"
        plan = "coalesce(s.plan_paid = '1', false)" if "plan_paid" in spec.fields else "false"
        return {
            **{c: f"s.{c}" for c in ("claim_id", "bene_id")},
            "setting": literal(spec.setting),
            **{c: f"s.{c}" for c in ("ccn", "from_date", "thru_date")},
            "paid_amount": f"CAST(CASE WHEN {plan} THEN 0 ELSE s.paid_amount + {through} END AS DECIMAL(12, 2))",
            "amount": "coalesce(s.paid_amount, 0)",
            "pass_through": f"CAST(CASE WHEN {plan} THEN 0 ELSE {through} END AS DECIMAL(18, 2))",
            "plan_paid": f"CASE WHEN {plan} THEN s.paid_amount ELSE 0 END",
        }
    names = ["claim_id", "line_number", "bene_id", "service_date", "npi", "hcpcs"]
    if spec.table == "professional":
        names += ["tin", "specialty", "place_of_service"]
    covered = {"part_b_covered": "true"} if spec.table == "professional" else {}
    return {
        **{c: f"s.{c}" for c in (*names, "allowed_amount", "paid_amount")},
        **covered,
        "amount": "coalesce(s.paid_amount, 0)",
        "pass_through": "0",
        "plan_paid": "0",
    }


def denied(kind: str) -> str:
    """Return the SQL for whether a row of a file type is denied (rule I2)."""
    return LINE_DENIED if kind in ("carrier", "dme") else "s.non_payment IS NOT NULL"


<<<<<<< HEAD
def _count_people(con: Connection, delivery: engine.Delivery) -> TypeSummary:
    files, again = delivery.files["beneficiary"], delivery.repeated.get("beneficiary", [])
    entry = TypeSummary(read=sum(f.read for f in (*files, *again)))
    rows = con.execute(
        "SELECT CASE WHEN s._reason IS NOT NULL THEN 'quarantined' WHEN NOT s._final THEN 'not_final'"
        " WHEN e._order IS NOT NULL THEN e.disposition WHEN NOT p.kept THEN 'other_state'"
        " ELSE 'imported' END, count(*) FROM staged_beneficiary AS s LEFT JOIN settled_beneficiary"
        " AS e ON s._order = e._order LEFT JOIN people AS p ON s.bene_id = p.bene_id GROUP BY 1"
    ).fetchall()
    entry.rows = {name: count for name, count in rows}
    engine.add_row_counts(entry, files, again)
    return entry


def _describe(
    con: Connection, delivery: engine.Delivery, resolved: Path, summary: ImportSummary
) -> None:
    """Fill the parts of the summary that say what was there and what was not."""
    claims = engine.years_of(resolved, engine.claim_types(delivery))
    months = [
        r[0] for r in con.execute("SELECT DISTINCT year FROM bene_year ORDER BY 1").fetchall()
    ]
    summary.years = tuple(sorted({*claims, *months}))
    summary.files = engine.file_summaries(delivery)
    summary.absent_types = tuple(k for k in delivery.layout.types if k not in delivery.files)
    absent = {a for files in delivery.files.values() for f in files for a in f.absent}
    summary.missing = tuple(sorted(absent))
    summary.ignored = tuple(delivery.ignored)
    summary.duplicate_files = tuple(f.name for files in delivery.repeated.values() for f in files)
    unknown = con.execute(
        f"SELECT count(*) FROM months WHERE state = '{people.UNKNOWN_STATE}' AND bene_id IN"
        " (SELECT bene_id FROM people WHERE kept)"
    ).fetchone()
    if unknown is not None and unknown[0]:
        summary.notes.append(
            f"{unknown[0]:,} months have no known state and stand as {people.UNKNOWN_STATE}"
        )


def _all_synthetic(con: Connection) -> bool:
=======
def all_synthetic(con: Connection) -> bool:
>>>>>>> import
    """CMS's synthetic RIF number their people below zero; nobody real has such a number."""
    row = con.execute("SELECT coalesce(bool_and(bene_id LIKE '-%'), false) FROM people").fetchone()
    return bool(row and row[0])


RIF = SourceKind(
    name="rif", months=MONTHS, columns=columns, denied=denied, is_synthetic=all_synthetic
)
