"""CMS/CCW Research Identifiable Files to a store (rules I1 to I8).

Beneficiary files by year give people and months; carrier and DME files give lines; inpatient,
outpatient, SNF, home health and hospice files give one row per claim.
"""

from collections.abc import Mapping
from dataclasses import replace

from tcoc.errors import InputError
from tcoc.store.importers.delivery import Delivery
from tcoc.store.importers.flow import Prepared, SourceKind
from tcoc.store.importers.layouts import TypeSpec
from tcoc.store.importers.resolve import Rows
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.values import literal

LINE_DENIED = (
    "coalesce(s.denial_code = '0', false) OR NOT coalesce(s.indicator = 'A' OR"
    " (s.indicator IN ('R', 'S') AND s.allowed_amount > 0), false)"
)
"""Rule I2: denial code 0, or a processing indicator other than A (or R, S with allowed above 0)."""

MONTHS = """
SELECT m.bene_id, m.year, make_date(m.year, m.month, 1) AS month,
  coalesce(m.buyin IN ('1', '3', 'A', 'C'), false) AS part_a,
  coalesce(m.buyin IN ('2', '3', 'B', 'C'), false) AS part_b,
  CASE WHEN m.hmo IS NOT NULL THEN m.hmo NOT IN ('0', '4')
    ELSE coalesce(m.part_c NOT IN ('N', '0'), false) END AS managed_care,
  coalesce(m.status IN ('11', '21', '31'), false) AS esrd,
  CASE WHEN regexp_full_match(m.dual, '[0-9A-Z]{{2}}') THEN m.dual END AS dual_code,
  coalesce(f.usps, t.usps, 'ZZ') AS state, m.county AS county_fips, coalesce(m.zip, '') AS zip
FROM (
  SELECT bene_id, year, zip, ssa_state, unnest(range(1, 13))::INTEGER AS month,
    unnest(buyin) AS buyin, unnest(hmo) AS hmo, unnest(part_c) AS part_c,
    unnest(status) AS status, unnest(dual) AS dual, unnest(county) AS county
  FROM {bene_year}
) AS m
LEFT JOIN {fips} AS f ON f.code = left(m.county, 2)
LEFT JOIN {ssa} AS t ON t.code = m.ssa_state
"""
"""Twelve months per beneficiary and year, from the monthly columns (rule I5).

The lists of twelve are unnested side by side; one that the source does not have gives nulls.
"""


def columns(kind: str, spec: TypeSpec) -> Mapping[str, str]:
    """Return the store's columns of a claims table as SQL over a staged row `s`."""
    processed = "s.processed_date" if "processed_date" in spec.fields else "CAST(NULL AS DATE)"
    if spec.table == "facility":
        through = "s.per_diem * s.days" if "per_diem" in spec.fields else "0"
        plan = "coalesce(s.plan_paid = '1', false)" if "plan_paid" in spec.fields else "false"
        return {
            **{c: f"s.{c}" for c in ("claim_id", "bene_id")},
            "setting": literal(spec.setting),
            **{c: f"s.{c}" for c in ("ccn", "from_date", "thru_date")},
            "paid_amount": (
                f"CAST(CASE WHEN {plan} THEN 0 ELSE s.paid_amount + {through} END"
                " AS DECIMAL(12, 2))"
            ),
            "processed_date": processed,
            "amount": "coalesce(s._dollars, s.paid_amount, 0)",
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
        "processed_date": processed,
        "amount": "coalesce(s._dollars, s.paid_amount, 0)",
        "pass_through": "0",
        "plan_paid": "0",
    }


def denied(kind: str) -> str:
    """Return the SQL for whether a row of a file type is denied (rule I2)."""
    return LINE_DENIED if kind in ("carrier", "dme") else "s.non_payment IS NOT NULL"


def all_synthetic(con: Connection, people: str) -> bool:
    """CMS's synthetic RIF number their people below zero; nobody real has such a number."""
    row = con.execute(
        f"SELECT coalesce(bool_and(bene_id LIKE '-%'), false) FROM {people}"  # noqa: S608
    ).fetchone()
    return bool(row and row[0])


DENIAL, DUAL = "payment-denial code", "dual status"

SUPPLIED = {"part_c": "Part C contracts", "county": "monthly county", "dual": DUAL}
"""What another segment of the Master Beneficiary Summary File can supply, by field."""

WITH_BASE = """
CREATE OR REPLACE TEMP VIEW {name} AS
SELECT s.* REPLACE (coalesce(s.denial_code, b.denial_code) AS denial_code,
  coalesce(s.processed_date, b.processed_date) AS processed_date)
FROM {rows} AS s LEFT JOIN (
  SELECT claim_id, denial_code, processed_date FROM {bases} WHERE _reason IS NULL AND _final
  AND _order NOT IN (SELECT _order FROM {settled})
) AS b ON s.claim_id = b.claim_id
"""

WITH_SEGMENTS = """
CREATE OR REPLACE TEMP VIEW {name} AS
SELECT s.* REPLACE ({lists}) FROM {rows} AS s LEFT JOIN (
  SELECT bene_id, year, {chosen} FROM {segments}
  WHERE _reason IS NULL AND _final AND _order NOT IN (SELECT _order FROM {settled})
  GROUP BY bene_id, year
) AS g ON s.bene_id = g.bene_id AND s.year = g.year
"""
"""Months that the base segment leaves blank, from other segments of the same person and year."""


def prepare(con: Connection, delivery: Delivery, rows: Mapping[str, Rows]) -> Prepared:
    """Join what CCW ships apart: base claims to their lines, segments to the base segment.

    Raises InputError for lines that have no payment-denial code in a delivery without base claims.
    """
    joined, supplied = dict(rows), []
    for kind in ("carrier", "dme"):
        bare = [f.name for f in delivery.files.get(kind, []) if DENIAL in f.absent]
        base = rows.get(f"{kind}_base")
        if base is not None and kind in rows:
            joined[kind] = _with_base(con, rows[kind], base)
            supplied.append(DENIAL)
        elif bare:
            raise InputError(
                f"{bare[0]}: column CARR_CLM_PMT_DNL_CD is missing, and no file of base claims"
                f" ({kind}_base in its name) gives it"
            )
    if "segment" in rows:
        joined["beneficiary"] = _with_segments(con, rows["beneficiary"], rows["segment"])
        supplied += [
            words
            for name, words in SUPPLIED.items()
            if any(f.cells.get(name) for f in delivery.files["segment"])
        ]
    return Prepared(joined, tuple(supplied))


def _with_base(con: Connection, lines: Rows, base: Rows) -> Rows:
    name = f"{lines.rows}_with_base"
    con.execute(WITH_BASE.format(name=name, rows=lines.rows, bases=base.rows, settled=base.settled))
    return replace(lines, rows=name)


def _with_segments(con: Connection, people: Rows, segments: Rows) -> Rows:
    name = f"{people.rows}_with_segments"
    lists = ", ".join(
        f"[{', '.join(f'coalesce(s.{n}[{m}], g.{n}[{m}])' for m in range(1, 13))}] AS {n}"
        for n in SUPPLIED
    )
    # of several segments of one person and year the first that says something of the field counts
    chosen = ", ".join(
        f"arg_min({n}, _order) FILTER (WHERE len(list_filter({n}, lambda x: x IS NOT NULL)) > 0) AS {n}"
        for n in SUPPLIED
    )
    con.execute(
        WITH_SEGMENTS.format(
            name=name,
            rows=people.rows,
            lists=lists,
            chosen=chosen,
            segments=segments.rows,
            settled=segments.settled,
        )
    )
    return replace(people, rows=name)


RIF = SourceKind(
    name="rif",
    months=MONTHS,
    columns=columns,
    denied=denied,
    is_synthetic=all_synthetic,
    prepare=prepare,
)
