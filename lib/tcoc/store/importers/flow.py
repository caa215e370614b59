"""The way from a delivery to a store, the same for every kind of source.

A kind brings its layout and, as SQL over staged rows, how its months, columns and denials read.
"""
# ruff: noqa: S608  (the SQL holds names of this package only)

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tcoc.store.importers import engine, people
from tcoc.store.importers.engine import Delivery
from tcoc.store.importers.layouts import TypeSpec, load_layout
from tcoc.store.importers.resolve import count_dispositions
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.steps import Steps
from tcoc.store.importers.summary import ImportSummary, TypeSummary


def _nothing(con: Connection, delivery: Delivery) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class SourceKind:
    """What one kind of source brings to the shared way."""

    name: str
    months: str
    columns: Callable[[str, TypeSpec], Mapping[str, str]]
    denied: Callable[[str], str]
    is_synthetic: Callable[[Connection], bool]
    prepare: Callable[[Connection, Delivery], None] = _nothing
    after: Callable[[Connection, Path, Path, ImportSummary], None] | None = None
    missing: Sequence[str] = ()
    supplied: Sequence[str] = ()
    notes: Sequence[str] = ()
    years: str = "SELECT DISTINCT year FROM bene_year ORDER BY 1"


@dataclass(frozen=True)
class Request:
    """What the caller asks of an import, beyond the summary that names source and store."""

    source: Path
    work: Path
    steps: Steps
    synthetic: bool | None = None


def run(con: Connection, kind: SourceKind, request: Request, summary: ImportSummary) -> None:
    """Import a delivery into work/store, and fill the summary."""
    layout = load_layout(kind.name)
    people.load_states(con)
    states = people.parse_states(con, summary.state)
    summary.state = ",".join(states) or "all"
    delivery = engine.stage_delivery(con, request.source, layout, request.work, request.steps)
    engine.check_types(con, delivery)
    steps = request.steps
    engine.settle(con, delivery, request.work, steps)
    with steps.after(con, "people", "gathering people and months"):
        kind.prepare(con, delivery)
        people.gather(con, kind.months, states)
    resolved, store = request.work / "resolved", request.work / "store"
    store.mkdir()
    engine.dispose_claims(con, delivery, kind.columns, kind.denied, resolved, steps)
    with steps.after(con, "count", "counting rows and dollars"):
        engine.check_claim_ids(con, delivery, resolved)
        summary.types = _count(con, delivery, resolved)
    _write(con, kind, delivery, resolved, store, summary, steps)
    _describe(con, kind, delivery, resolved, summary)
    said = request.synthetic
    summary.synthetic = kind.is_synthetic(con) if said is None else said
    if kind.after is not None:
        kind.after(con, resolved, store, summary)


def _count(con: Connection, delivery: Delivery, resolved: Path) -> dict[str, TypeSummary]:
    """Count rows and dollars of every file type, from the files to the store."""
    entry = TypeSummary(rows=people.count_rows(con))
    engine.add_file_counts(entry, delivery, "beneficiary")
    counted = {"beneficiary": entry}
    for kind in engine.claim_types(delivery):
        rows = count_dispositions(con, resolved / kind)
        counted[kind] = engine.count_type(con, delivery, kind, rows, resolved / kind)
    return counted


def _write(
    con: Connection,
    kind: SourceKind,
    delivery: Delivery,
    resolved: Path,
    store: Path,
    summary: ImportSummary,
    steps: Steps,
) -> None:
    """Write all tables and the quarantine."""
    kept = "SELECT bene_id, birth_date, death_date, sex, orig_entitlement FROM people WHERE kept"
    others = [k for k in delivery.files if k not in engine.claim_types(delivery)]
    with steps.after(con, "write", "writing people and months", delivery.share(others)):
        summary.tables = {
            "beneficiary": engine.write_whole(con, "beneficiary", kept, store),
            "member_month": _write_months(con, kind, store),
        }
    summary.tables |= engine.write_claims(con, delivery, resolved, store, steps)
    summary.dollars = engine.table_dollars(delivery, summary.types)
    engine.write_quarantine(con, delivery, store)


def _write_months(con: Connection, kind: SourceKind, store: Path) -> int:
    return sum(
        engine.write_partition(
            con,
            "member_month",
            year,
            f"SELECT * EXCLUDE (year) FROM months WHERE year = {year}"
            " AND bene_id IN (SELECT bene_id FROM people WHERE kept)",
            store,
        )
        for year in people.years(con, kind.years)
    )


def _describe(
    con: Connection, kind: SourceKind, delivery: Delivery, resolved: Path, summary: ImportSummary
) -> None:
    """Fill the parts of the summary that say what was there and what was not."""
    claims = engine.years_of(resolved, engine.claim_types(delivery))
    months = people.years(con, kind.years) if summary.tables["member_month"] else []
    summary.years = tuple(sorted({*claims, *months}))
    summary.files = engine.file_summaries(delivery)
    absent_types = [k for k in delivery.layout.types if k not in delivery.files]
    summary.absent_types = tuple(k for k in absent_types if not k.endswith(("_base", "xref")))
    absent = {a for files in delivery.files.values() for f in files for a in f.absent}
    summary.missing = tuple(sorted({*absent, *kind.missing} - set(kind.supplied)))
    summary.ignored = tuple(delivery.ignored)
    again = [f.name for files in delivery.repeated.values() for f in files]
    summary.duplicate_files = tuple(again)
    summary.notes = list(kind.notes)
    if unknown := people.unknown_states(con):
        summary.notes.append(
            f"{unknown:,} months have no known state and stand as {people.UNKNOWN_STATE}"
        )
