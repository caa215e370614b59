"""Counting what was read: rows and dollars by disposition, repairs, and what is left over."""
# ruff: noqa: S608  (the names in the SQL come from layouts, and are quoted)

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from tcoc.errors import InputError
from tcoc.store.importers import people
from tcoc.store.importers.delivery import Delivery, claim_types
from tcoc.store.importers.people import People
from tcoc.store.importers.resolve import Disposed, Rows
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.summary import RepairSummary, TypeSummary
from tcoc.store.importers.values import BLANKED, REPAIRS, literal


def count_people_rows(
    con: Connection, delivery: Delivery, rows: Rows, found: People
) -> TypeSummary:
    """Count the rows of the beneficiary files by disposition."""
    entry = TypeSummary(rows=people.count_rows(con, rows, found))
    _add_file_counts(entry, delivery, "beneficiary")
    return entry


def count_type(
    con: Connection, delivery: Delivery, kind: str, disposed: Sequence[Disposed], resolved: Path
) -> TypeSummary:
    """Count a claim type: rows by disposition from file to store, and the same in dollars."""
    entry = TypeSummary()
    for one in disposed:
        name, year = one.disposition, one.year
        entry.rows[name] = entry.rows.get(name, 0) + one.rows
        entry.dollars[name] = entry.dollars.get(name, Decimal(0)) + one.dollars
        by_year = entry.years.setdefault(year, {})
        by_year[name] = by_year.get(name, 0) + one.rows
    _add_file_counts(entry, delivery, kind)
    entry.said = sum((Decimal(f.dollars) for f in delivery.files[kind]), Decimal(0))
    if entry.rows.get("imported"):
        sums = ", ".join(
            f"CAST(coalesce(sum({c}), 0) AS DECIMAL(18, 2))::VARCHAR"
            for c in ("paid_amount", "pass_through", "plan_paid")
        )
        row = con.execute(f"SELECT {sums} FROM {_imported(resolved, kind)}").fetchone()
        assert row is not None
        entry.in_store, entry.pass_through, entry.plan_paid = (Decimal(v) for v in row)
    return entry


def _add_file_counts(entry: TypeSummary, delivery: Delivery, kind: str) -> None:
    """Add to a type's counts what its files say: rows read, rejected, delivered twice, blanked.

    A source row that holds several lines counts as many rows as it holds lines.
    """
    files, again = delivery.files[kind], delivery.repeated.get(kind, [])
    rejected, twice = sum(f.rejected for f in files), sum(f.read for f in again)
    for name, count in (("quarantined", rejected), ("duplicates", twice)):
        if count:
            entry.rows[name] = entry.rows.get(name, 0) + count
    entry.rejected = rejected
    several = any(f.repeats for f in delivery.layout.types[kind].fields.values())
    entry.read = sum(entry.rows.values()) if several else sum(f.read for f in (*files, *again))
    for f in files:
        for name, count in f.repaired(BLANKED).items():
            entry.blanked[name] = entry.blanked.get(name, 0) + count


def repairs_of(delivery: Delivery) -> list[RepairSummary]:
    """Return what was mended in texts, and codes that are unknown, by file and column (rule I7)."""
    found = []
    for staged in delivery.used():
        for number, words in REPAIRS.items():
            for column, count in staged.repaired(number).items():
                found.append(RepairSummary(staged.name, staged.labels[column], words, count))
    return found


def check_claim_ids(con: Connection, delivery: Delivery, resolved: Path) -> None:
    """Raise InputError where one facility claim number stands in two file types (rule I1)."""
    types = delivery.layout.types
    parts = [
        f"SELECT claim_id, '{k}' AS kind FROM {_imported(resolved, k)}"
        for k in claim_types(delivery)
        if types[k].table == "facility" and any((resolved / k).rglob("*.parquet"))
    ]
    if not parts:
        return
    all_claims = f"({' UNION ALL '.join(parts)})"
    row = con.execute(
        "SELECT count(*), min(kinds) FROM ("
        "SELECT claim_id, string_agg(DISTINCT kind, ' and ' ORDER BY kind) AS kinds"
        f" FROM {all_claims} WHERE claim_id IN (SELECT claim_id FROM {all_claims}"
        " GROUP BY 1 HAVING min(kind) <> max(kind)) GROUP BY 1)"
    ).fetchone()
    if row is not None and row[0]:
        raise InputError(f"{row[0]:,} claim numbers stand in {row[1]} files at once (rule I1)")


def _imported(resolved: Path, kind: str) -> str:
    glob = literal(str(resolved / kind / "*" / "*.parquet"))
    return (
        f"(SELECT * FROM read_parquet({glob}, hive_partitioning = false)"
        " WHERE disposition = 'imported')"
    )
