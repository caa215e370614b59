"""Which rows of a file type count (rules I1 to I3): every row gets one disposition.

Rows of all files stand in one order, by file and line. A later UPDATE of a key replaces the earlier
row, DELETE removes it, an exact duplicate is dropped, two different rows with one key stop the
import. A facility claim is one row in the store: its revenue lines repeat the header, and agree.
"""
# ruff: noqa: S608  (the names in the SQL come from layouts, and are quoted)

from collections.abc import Mapping, Sequence
from pathlib import Path

from tcoc.errors import InputError
from tcoc.store.importers.layouts import TypeSpec
from tcoc.store.importers.lines import locate
from tcoc.store.importers.staging import Connection, Staged
from tcoc.store.importers.values import literal

FILE_STEP = 1 << 40
"""Rows of file n are numbered from n x FILE_STEP, so that one number orders all rows."""

HEADER_FIELDS = ("bene_id", "ccn", "from_date", "thru_date", "paid_amount", "non_payment",
                 "plan_paid", "per_diem", "days", "claim_type")  # fmt: skip

DISPOSITIONS = (
    "quarantined",
    "not_final",
    "deleted",
    "replaced",
    "duplicates",
    "repeated",
    "denied",
    "orphans",
    "other_state",
    "imported",
)


def read_staged(
    con: Connection, kind: str, spec: TypeSpec, files: Sequence[Staged], folder: Path
) -> None:
    """Make the view `staged_KIND`: all rows of a type's files with order, key and group."""
    key = ", ".join(spec.key)
    group = "claim_id" if spec.table == "facility" else key
    header = [f for f in HEADER_FIELDS if f in spec.fields]
    one_header = spec.table == "facility" and "segment" not in spec.fields
    agree = f"hash({', '.join(header)})" if one_header else "0"
    parts = [
        f"SELECT *, {n * FILE_STEP}::BIGINT + file_row_number AS _order"
        f" FROM read_parquet({literal(str(folder / f.parquet))}, file_row_number = true)"
        for n, f in enumerate(files)
    ]
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW staged_{kind} AS SELECT * EXCLUDE (file_row_number),"
        f" hash({key}) AS _key, hash({group}) AS _group, {agree} AS _header"
        f" FROM ({' UNION ALL '.join(parts)})"
    )


def find_repeats(con: Connection, kind: str) -> int:
    """Make `several_KIND`, the groups where a key stands more than once or something is deleted."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE several_{kind} AS SELECT DISTINCT _group FROM"
        f" (SELECT _group, _key FROM {_usable(kind)} GROUP BY ALL"
        " HAVING count(*) > 1 OR max(_event) = 2)"
    )
    row = con.execute(f"SELECT count(*) FROM several_{kind}").fetchone()
    return int(row[0]) if row else 0


def _usable(kind: str) -> str:
    return f"(SELECT * FROM staged_{kind} WHERE _reason IS NULL AND _final)"


def settle_events(
    con: Connection,
    kind: str,
    spec: TypeSpec,
    files: Sequence[Staged],
    folder: Path,
    later_replaces: bool = False,
) -> None:
    """Settle UPDATE, DELETE and duplicates (rule I1) into `settled_KIND` (_order, disposition).

    Only the groups of `find_repeats` are looked at. With `later_replaces` every row of a later file
    is an update, and two different rows with one key in one file are still a clash. Raises
    InputError for two different rows with one key, naming files and lines.
    """
    one_file = f"before // {FILE_STEP} = _order // {FILE_STEP}"
    clash_sql = one_file if later_replaces else "_event = 0"
    settled = _SETTLE.format(usable=_usable(kind), kind=kind, clash=clash_sql)
    con.execute(f"CREATE OR REPLACE TEMP TABLE settled_{kind} AS {settled}")
    clash = con.execute(
        f"SELECT _order, before FROM settled_{kind} WHERE disposition = 'conflict'"
        " ORDER BY _order LIMIT 1"
    ).fetchone()
    if clash is not None:
        _stop(clash, spec, files, folder, "have one key and are not the same")


# A row falls to a later DELETE of its group; to a later UPDATE of its key; as an exact duplicate of
# the row before it. What an UPDATE of a claim with fewer revenue lines leaves behind falls as well.
_SETTLE = """
WITH rows_ AS (
  SELECT _order, _event, _hash, _key, _group FROM {usable}
  WHERE _group IN (SELECT _group FROM several_{kind})
), removed AS (
  SELECT *, coalesce(_order <= max(_order) FILTER (WHERE _event = 2)
    OVER (PARTITION BY _group), false) AS gone FROM rows_
), live AS (
  SELECT *, lag(_hash) OVER in_key AS hash_before, lag(_order) OVER in_key AS before,
    lead(_hash) OVER in_key AS hash_after,
    max(_order) FILTER (WHERE _event = 1) OVER (PARTITION BY _key) AS last_update
  FROM removed WHERE NOT gone WINDOW in_key AS (PARTITION BY _key ORDER BY _order)
), judged AS (
  SELECT _order, _group, before, CASE
    WHEN before IS NOT NULL AND hash_before <> _hash AND {clash} THEN 'conflict'
    WHEN _order < last_update AND hash_after = _hash THEN 'duplicates'
    WHEN _order < last_update THEN 'replaced'
    WHEN _event = 0 AND before IS NOT NULL THEN 'duplicates' END AS disposition,
    _event = 1 AND before IS NOT NULL AS supersedes
  FROM live
), started AS (
  SELECT *, min(_order) FILTER (WHERE supersedes AND disposition IS NULL)
    OVER (PARTITION BY _group) AS start FROM judged
)
SELECT _order, before, CASE WHEN disposition IS NULL AND _order < start THEN 'replaced'
  ELSE disposition END AS disposition FROM started
WHERE disposition IS NOT NULL OR _order < start
UNION ALL SELECT _order, NULL, 'deleted' FROM removed WHERE gone
"""


def settle_headers(
    con: Connection, kind: str, spec: TypeSpec, files: Sequence[Staged], folder: Path
) -> None:
    """Choose one row per facility claim into `first_KIND`; its revenue lines agree (rule I1)."""
    head = " AND segment = 1" if "segment" in spec.fields else ""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE first_{kind} AS SELECT _group, min(_order) AS _order,"
        " min(_header) <> max(_header) AS differs, arg_max(_order, _header) AS one,"
        f" arg_min(_order, _header) AS other FROM staged_{kind} WHERE _reason IS NULL AND _final"
        f"{head} AND _order NOT IN (SELECT _order FROM settled_{kind}) GROUP BY _group"
    )
    clash = con.execute(
        f"SELECT greatest(one, other), least(one, other) FROM first_{kind} WHERE differs"
        " ORDER BY 1 LIMIT 1"
    ).fetchone()
    if clash is not None:
        _stop(clash, spec, files, folder, "are lines of one claim and differ in its header")


def _stop(
    clash: Sequence[int], spec: TypeSpec, files: Sequence[Staged], folder: Path, words: str
) -> None:
    late, early = (locate(order, files, folder, FILE_STEP) for order in clash[:2])
    raise InputError(f"{late} and {early} {words} ({', '.join(spec.key)}; rule I1)")


def dispose(
    con: Connection,
    kind: str,
    spec: TypeSpec,
    columns: Mapping[str, str],
    denied: str,
    target: Path,
) -> None:
    """Write every row with its disposition to `target`, imported rows by year, the rest under 0.

    `columns` gives the store's columns as SQL over staged fields; `amount` is the row's own dollars
    in the file. Needs `people` (bene_id, kept) and what the settle functions made.
    """
    facility = spec.table == "facility"
    first = f"LEFT JOIN first_{kind} AS f ON s._order = f._order" if facility else ""
    repeated = "WHEN f._order IS NULL THEN 'repeated'" if facility else ""
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    con.execute(
        f"COPY (SELECT *, CASE WHEN disposition = 'imported' THEN year({_year_of(spec)}) ELSE 0"
        " END AS year"
        f" FROM (SELECT {chosen}, CASE WHEN s._reason IS NOT NULL THEN 'quarantined'"
        f" WHEN NOT s._final THEN 'not_final' WHEN e._order IS NOT NULL"
        f" THEN e.disposition {repeated}"
        f" WHEN {denied} THEN 'denied' WHEN p.bene_id IS NULL THEN 'orphans'"
        " WHEN NOT p.kept THEN 'other_state' ELSE 'imported' END AS disposition"
        f" FROM {rows_view(con, kind)} AS s LEFT JOIN settled_{kind} AS e ON"
        f" s._order = e._order {first}"
        " LEFT JOIN people AS p ON s.bene_id = p.bene_id))"
        f" TO {literal(str(target))} (FORMAT parquet, PARTITION_BY (year), OVERWRITE_OR_IGNORE)"
    )


def rows_view(con: Connection, kind: str) -> str:
    """Return the view of a type's rows: `rows_KIND` where source rows are cut into lines."""
    row = con.execute(
        "SELECT count(*) FROM duckdb_views() WHERE view_name = ?", [f"rows_{kind}"]
    ).fetchone()
    return f"rows_{kind}" if row and row[0] else f"staged_{kind}"


def _year_of(spec: TypeSpec) -> str:
    return "thru_date" if spec.table == "facility" else "service_date"


def count_dispositions(con: Connection, target: Path) -> dict[str, tuple[int, str]]:
    """Return rows and dollars by disposition of what `dispose` wrote."""
    if not any(target.rglob("*.parquet")):
        return {}
    rows = con.execute(
        "SELECT disposition, count(*), CAST(coalesce(sum(amount), 0) AS DECIMAL(18, 2))::VARCHAR"
        f" FROM read_parquet({literal(str(target / '*' / '*.parquet'))}, hive_partitioning = false)"
        " GROUP BY 1"
    ).fetchall()
    return {name: (count, dollars) for name, count, dollars in rows}
