"""The way from a delivery to a store, the same for every kind of source, in named steps.

    stage -> check -> settle -> prepare -> gather -> dispose -> count -> admit -> write

Each step takes what it reads and returns what it made; the relations in the engine that a step
leaves to the next are named in what it returns. A kind brings its layout and, as SQL over staged
rows, how its months, columns and denials read.
"""
# ruff: noqa: S608  (the SQL holds names of this package only)

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tcoc.store.importers import admission, counting, people, writing
from tcoc.store.importers import delivery as reading
from tcoc.store.importers.admission import Limits
from tcoc.store.importers.delivery import Delivery, claim_types
from tcoc.store.importers.layouts import TypeSpec, load_layout
from tcoc.store.importers.people import People
from tcoc.store.importers.resolve import Disposed, Rows, count_dispositions, dispose
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.steps import Steps
from tcoc.store.importers.summary import ImportSummary


@dataclass(frozen=True)
class Prepared:
    """A delivery's rows after what its kind joins to them, what that supplies, and remarks."""

    rows: Mapping[str, Rows]
    supplied: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _as_they_are(con: Connection, delivery: Delivery, rows: Mapping[str, Rows]) -> Prepared:
    return Prepared(rows)


def _no_notes(con: Connection, months: str, bene_year: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class SourceKind:
    """What one kind of source brings to the shared way."""

    name: str
    months: str
    columns: Callable[[str, TypeSpec], Mapping[str, str]]
    denied: Callable[[str], str]
    is_synthetic: Callable[[Connection, str], bool]
    prepare: Callable[[Connection, Delivery, Mapping[str, Rows]], Prepared] = _as_they_are
    notes_of: Callable[[Connection, str, str], tuple[str, ...]] = _no_notes
    after: Callable[[Connection, People, Path, Path, ImportSummary], None] | None = None
    missing: Sequence[str] = ()
    notes: Sequence[str] = ()
    years: str = "SELECT DISTINCT year FROM {bene_year} ORDER BY 1"


@dataclass(frozen=True)
class Request:
    """What the caller asks of an import, beyond the summary that names source and store."""

    source: Path
    work: Path
    steps: Steps
    limits: Limits
    synthetic: bool | None = None


@dataclass(frozen=True)
class Measured:
    """A delivery of which every row is disposed of and counted, and nothing is written yet."""

    delivery: Delivery
    prepared: Prepared
    settled: Mapping[str, Rows]
    people: People
    resolved: Path
    counted: Mapping[str, Sequence[Disposed]] = field(default_factory=dict)


def run(con: Connection, kind: SourceKind, request: Request, summary: ImportSummary) -> None:
    """Import a delivery into work/store, and fill the summary.

    Raises AdmissionError where a limit is exceeded and the summary holds no reason to accept it.
    """
    layout = load_layout(kind.name)
    delivery = reading.stage_delivery(con, request.source, layout, request.work, request.steps)
    reading.check_types(con, delivery)
    measured = measure(con, kind, delivery, request, summary)
    admission.admit(summary)
    store = request.work / "store"
    store.mkdir()
    write(con, kind, measured, store, request, summary)
    if kind.after is not None:
        kind.after(con, measured.people, measured.resolved, store, summary)


def measure(
    con: Connection, kind: SourceKind, delivery: Delivery, request: Request, summary: ImportSummary
) -> Measured:
    """Give every row of a staged delivery its disposition, count all, and judge the counts."""
    steps, resolved = request.steps, request.work / "resolved"
    codes = people.load_states(con)
    states = people.parse_states(con, codes, summary.state)
    summary.state = ",".join(states) or "all"
    settled = reading.settle(con, delivery, steps)
    with steps.after(con, "people", "gathering people and months"):
        prepared = kind.prepare(con, delivery, settled)
        found = people.gather(con, prepared.rows["beneficiary"], kind.months, codes, states)
    for name in claim_types(delivery):
        rows = prepared.rows[name]
        (resolved / name).mkdir(parents=True, exist_ok=True)
        with steps.after(con, "dispose", f"sorting out {name} rows", delivery.share([name])):
            columns, denied = kind.columns(name, rows.spec), kind.denied(name)
            dispose(con, rows, found.people, columns, denied, resolved / name)
    with steps.after(con, "count", "counting rows and dollars"):
        counting.check_claim_ids(con, delivery, resolved)
        counted = {n: count_dispositions(con, resolved / n) for n in claim_types(delivery)}
        measured = Measured(delivery, prepared, settled, found, resolved, counted)
        _describe(con, kind, measured, request, summary)
    return measured


def _describe(
    con: Connection, kind: SourceKind, measured: Measured, request: Request, summary: ImportSummary
) -> None:
    """Fill the summary: counts, what was there and what was not, control totals, limits."""
    delivery, found, prepared = measured.delivery, measured.people, measured.prepared
    rows = prepared.rows["beneficiary"]
    entry = counting.count_people_rows(con, delivery, rows, found)
    summary.types = {"beneficiary": entry} | {
        name: counting.count_type(con, delivery, name, disposed, measured.resolved)
        for name, disposed in measured.counted.items()
    }
    summary.people = people.count_people(con, rows, found)
    months = people.count_months(con, found)
    summary.files = reading.file_summaries(delivery)
    summary.repairs = counting.repairs_of(delivery)
    summary.controls = list(delivery.controls)
    summary.control_files = tuple(delivery.control_files)
    summary.ignored = tuple(delivery.ignored)
    summary.why_ignored = dict(delivery.ignored)
    absent_types = [k for k in delivery.layout.types if k not in delivery.files]
    beside = ("_base", "xref", "segment")
    summary.absent_types = tuple(k for k in absent_types if not k.endswith(beside))
    absent = {a for f in delivery.used() for a in f.absent}
    summary.missing = tuple(sorted({*absent, *kind.missing} - set(prepared.supplied)))
    again = [f.name for files in delivery.repeated.values() for f in files]
    summary.duplicate_files = tuple(again)
    summary.notes = [*kind.notes, *prepared.notes]
    summary.notes += kind.notes_of(con, found.months, found.bene_year)
    if months.unknown_state:
        summary.notes.append(
            f"{months.unknown_state:,} months have no known state and stand as"
            f" {people.UNKNOWN_STATE}"
        )
    said = request.synthetic
    summary.synthetic = kind.is_synthetic(con, found.people) if said is None else said
    summary.lights = admission.judge(
        request.limits, kind.name, delivery, measured.counted, summary, months
    )


def write(
    con: Connection,
    kind: SourceKind,
    measured: Measured,
    store: Path,
    request: Request,
    summary: ImportSummary,
) -> None:
    """Write all tables and the quarantine."""
    delivery, found, steps = measured.delivery, measured.people, request.steps
    kept = (
        "SELECT bene_id, birth_date, death_date, sex, orig_entitlement"
        f" FROM {found.people} WHERE kept"
    )
    of_months = people.years(con, kind.years.format(bene_year=found.bene_year, months=found.months))
    others = [k for k in delivery.files if k not in claim_types(delivery)]
    with steps.after(con, "write", "writing people and months", delivery.share(others)):
        summary.tables = {
            "beneficiary": writing.write_whole(con, "beneficiary", kept, store),
            "member_month": _write_months(con, found, of_months, store),
        }
    summary.tables |= writing.write_claims(con, delivery, measured.resolved, store, steps)
    summary.dollars = writing.table_dollars(delivery, summary.types)
    claims = writing.years_of(measured.resolved, claim_types(delivery))
    months = of_months if summary.tables["member_month"] else []
    summary.years = tuple(sorted({*claims, *months}))
    writing.write_quarantine(con, delivery, measured.settled, store)


def _write_months(con: Connection, found: People, of_months: Sequence[int], store: Path) -> int:
    return sum(
        writing.write_partition(
            con,
            "member_month",
            year,
            f"SELECT * EXCLUDE (year) FROM {found.months} WHERE year = {year}"
            f" AND bene_id IN (SELECT bene_id FROM {found.people} WHERE kept)",
            store,
        )
        for year in of_months
    )
