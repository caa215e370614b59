"""Which rows of a file type count (rules I1 to I3): every row gets one disposition.

Rows of all files stand in one order, by delivery, file and line. A later UPDATE of a key replaces
the earlier row, DELETE removes it, an exact duplicate is dropped, two different rows with one key
stop the import; the columns that are read say whether two rows are the same. A facility claim is
one row in the store: its revenue lines repeat the header, and agree.

Each step takes the names of the relations it reads and returns those that it made, as `Rows`.
"""
# ruff: noqa: S608  (the names in the SQL come from layouts, and are quoted)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from tcoc.errors import InputError
from tcoc.store.importers.layouts import TypeSpec
from tcoc.store.importers.lines import locate
from tcoc.store.importers.staging import Connection, Staged
from tcoc.store.importers.values import literal

FILE_STEP = 1 << 40
"""Rows of file n are numbered from n x FILE_STEP, so that one number orders all rows."""

DAY_STEP = "1208925819614629174706176"
"""2 to the power of 80: days of delivery are above files and lines in the order of rows."""


@dataclass(frozen=True)
class Rows:
    """The relations of one file type: its rows, and which of them are settled.

    `rows` has every staged row (or line) with _order, _seq, _key and _group; `settled` has _order
    and disposition of those that do not count; `first` one _order per facility claim, else empty.
    """

    kind: str
    spec: TypeSpec
    files: tuple[Staged, ...]
    folder: Path
    rows: str
    settled: str = ""
    first: str = ""
    several: str = ""

    def usable(self) -> str:
        """Return the rows that can be used and are final, as a subquery."""
        return f"(SELECT * FROM {self.rows} WHERE _reason IS NULL AND _final)"


HEADER_FIELDS = ("bene_id", "ccn", "from_date", "thru_date", "paid_amount", "non_payment",
                 "plan_paid", "per_diem", "days", "claim_type")  # fmt: skip
"""What the revenue lines of one claim repeat."""


def read_staged(
    con: Connection, kind: str, spec: TypeSpec, files: Sequence[Staged], folder: Path
) -> Rows:
    """Make the view of all rows of a type's files, with their order, key, group and hash."""
    key = ", ".join(spec.key)
    group = "claim_id" if spec.table == "facility" else key
    header = [f for f in HEADER_FIELDS if f in spec.fields]
    one_header = spec.table == "facility" and "segment" not in spec.fields
    agree = f"hash({', '.join(header)})" if one_header else "0"
    same = [name for name, field in spec.fields.items() if field.same]
    day = "coalesce(date_diff('day', DATE '1900-01-01', file_date), 0)"
    seq = f"{day} * {DAY_STEP}::HUGEINT + _order" if "file_date" in spec.fields else "_order"
    parts = [
        f"SELECT *, {n * FILE_STEP}::BIGINT + file_row_number AS _order"
        f" FROM read_parquet({literal(str(folder / f.parquet))}, file_row_number = true)"
        for n, f in enumerate(files)
    ]
    view = f"staged_{kind}"
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * EXCLUDE (file_row_number, _repairs),"
        f" {seq} AS _seq, hash({key}) AS _key, hash({group}) AS _group,"
        f" hash({', '.join(same)}) AS _hash, {agree} AS _header FROM ({' UNION ALL '.join(parts)})"
    )
    return Rows(kind, spec, tuple(files), folder, view)


def find_repeats(con: Connection, rows: Rows) -> Rows:
    """Find the groups where a key stands more than once or something is deleted."""
    several = f"several_{rows.kind}"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {several} AS SELECT DISTINCT _group FROM"
        f" (SELECT _group, _key FROM {rows.usable()} GROUP BY ALL"
        " HAVING count(*) > 1 OR max(_event) = 2)"
    )
    return replace(rows, several=several)


def settle_events(con: Connection, rows: Rows, later_replaces: bool = False) -> Rows:
    """Settle UPDATE, DELETE and duplicates (rule I1), in the groups of `find_repeats` alone.

    With `later_replaces` every row of a later delivery is an update, and two different rows with
    one key in one delivery are still a clash. Raises InputError for two different rows of a key,
    naming files and lines.
    """
    one_delivery = f"seq_before // {FILE_STEP} = _seq // {FILE_STEP}"
    clash_sql = one_delivery if later_replaces else "_event = 0"
    made = f"settled_{rows.kind}"
    select = _SETTLE.format(usable=rows.usable(), several=rows.several, clash=clash_sql)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {made} AS {select}")
    clash = con.execute(
        f"SELECT _order, before FROM {made} WHERE disposition = 'conflict' ORDER BY _order LIMIT 1"
    ).fetchone()
    if clash is not None:
        _stop(clash, rows, "have one key and are not the same")
    return replace(rows, settled=made)


# A row falls to a later DELETE of its group; to a later UPDATE of its key; as an exact duplicate of
# the row before it. What an UPDATE of a claim with fewer revenue lines leaves behind falls as well.
_SETTLE = """
WITH rows_ AS (
  SELECT _order, _seq, _event, _hash, _key, _group FROM {usable}
  WHERE _group IN (SELECT _group FROM {several})
), removed AS (
  SELECT *, coalesce(_seq <= max(_seq) FILTER (WHERE _event = 2)
    OVER (PARTITION BY _group), false) AS gone FROM rows_
), live AS (
  SELECT *, lag(_hash) OVER in_key AS hash_before, lag(_order) OVER in_key AS before,
    lag(_seq) OVER in_key AS seq_before, lead(_hash) OVER in_key AS hash_after,
    max(_seq) FILTER (WHERE _event = 1) OVER (PARTITION BY _key) AS last_update
  FROM removed WHERE NOT gone WINDOW in_key AS (PARTITION BY _key ORDER BY _seq)
), judged AS (
  SELECT _order, _seq, _group, before, CASE
    WHEN before IS NOT NULL AND hash_before <> _hash AND {clash} THEN 'conflict'
    WHEN _seq < last_update AND hash_after = _hash THEN 'duplicates'
    WHEN _seq < last_update THEN 'replaced'
    WHEN _event = 0 AND before IS NOT NULL THEN 'duplicates' END AS disposition,
    _event = 1 AND before IS NOT NULL AS supersedes
  FROM live
), started AS (
  SELECT *, min(_seq) FILTER (WHERE supersedes AND disposition IS NULL)
    OVER (PARTITION BY _group) AS start FROM judged
)
SELECT _order, before, CASE WHEN disposition IS NULL AND _seq < start THEN 'replaced'
  ELSE disposition END AS disposition FROM started
WHERE disposition IS NOT NULL OR _seq < start
UNION ALL SELECT _order, NULL, 'deleted' FROM removed WHERE gone
"""


def settle_headers(con: Connection, rows: Rows) -> Rows:
    """Choose one row per facility claim; its revenue lines agree (rule I1)."""
    made = f"first_{rows.kind}"
    head = " AND segment = 1" if "segment" in rows.spec.fields else ""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {made} AS SELECT _group, min(_order) AS _order,"
        " min(_header) <> max(_header) AS differs, arg_max(_order, _header) AS one,"
        f" arg_min(_order, _header) AS other FROM {rows.rows} WHERE _reason IS NULL AND _final"
        f"{head} AND _order NOT IN (SELECT _order FROM {rows.settled}) GROUP BY _group"
    )
    clash = con.execute(
        f"SELECT greatest(one, other), least(one, other) FROM {made} WHERE differs"
        " ORDER BY 1 LIMIT 1"
    ).fetchone()
    if clash is not None:
        _stop(clash, rows, "are lines of one claim and differ in its header")
    return replace(rows, first=made)


def add_settled(con: Connection, rows: Rows, select: str) -> Rows:
    """Add rows (_order, before, disposition) to those that are settled."""
    made = f"{rows.settled}_more"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {made} AS SELECT * FROM {rows.settled} UNION ALL ({select})"
    )
    return replace(rows, settled=made)


def _stop(clash: Sequence[int], rows: Rows, words: str) -> None:
    late, early = (locate(order, rows.files, rows.folder, FILE_STEP) for order in clash[:2])
    raise InputError(f"{late} and {early} {words} ({', '.join(rows.spec.key)}; rule I1)")


def dispose(
    con: Connection,
    rows: Rows,
    people: str,
    columns: Mapping[str, str],
    denied: str,
    target: Path,
) -> None:
    """Write every row with its disposition to `target`, imported rows by year, the rest under 0.

    `columns` gives the store's columns as SQL over staged fields; `amount` is the row's own dollars
    in the file. `people` has bene_id and kept.
    """
    facility = rows.spec.table == "facility"
    first = f"LEFT JOIN {rows.first} AS f ON s._order = f._order" if facility else ""
    repeated = "WHEN f._order IS NULL THEN 'repeated'" if facility else ""
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    day = "thru_date" if facility else "service_date"
    con.execute(
        f"COPY (SELECT * EXCLUDE (_year), coalesce(_year, 0) AS of_year,"
        " CASE WHEN disposition = 'imported' THEN _year ELSE 0 END AS year"
        f" FROM (SELECT {chosen}, CAST(year(s.{day}) AS INTEGER) AS _year,"
        f" CAST(s._order // {FILE_STEP} AS INTEGER) AS of_file,"
        " CASE WHEN s._reason IS NOT NULL THEN 'quarantined'"
        " WHEN NOT s._final THEN 'not_final' WHEN e._order IS NOT NULL"
        f" THEN e.disposition {repeated}"
        f" WHEN {denied} THEN 'denied' WHEN p.bene_id IS NULL THEN 'orphans'"
        " WHEN NOT p.kept THEN 'other_state' ELSE 'imported' END AS disposition"
        f" FROM {rows.rows} AS s LEFT JOIN {rows.settled} AS e ON"
        f" s._order = e._order {first}"
        f" LEFT JOIN {people} AS p ON s.bene_id = p.bene_id))"
        f" TO {literal(str(target))} (FORMAT parquet, PARTITION_BY (year), OVERWRITE_OR_IGNORE)"
    )


@dataclass(frozen=True)
class Disposed:
    """Rows of one disposition, file and year of service (0: none), and their dollars."""

    disposition: str
    file: int
    year: int
    rows: int
    dollars: Decimal


def count_dispositions(con: Connection, target: Path) -> list[Disposed]:
    """Return rows and dollars of what `dispose` wrote, by disposition, file and year."""
    if not any(target.rglob("*.parquet")):
        return []
    rows = con.execute(
        "SELECT disposition, of_file, of_year, count(*),"
        " CAST(coalesce(sum(amount), 0) AS DECIMAL(18, 2))"
        f" FROM read_parquet({literal(str(target / '*' / '*.parquet'))}, hive_partitioning = false)"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [Disposed(*row) for row in rows]
