"""What all importers share: work folder, reading files, writing tables, making the store whole.

All work is done in a folder beside the store, `.NAME.import`; the store gets its name in one step
at the end. An interruption leaves no store, only that folder, and the next call takes up the staged
files that are finished.
"""
# ruff: noqa: S608  (the names in the SQL come from layouts, and are quoted)

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb

from tcoc.errors import InputError
from tcoc.folders import locked, remove_held
from tcoc.resources import shortage
from tcoc.resources.shortage import ShortageError
from tcoc.store.connection import spill_folder
from tcoc.store.importers import lines, sources
from tcoc.store.importers.layouts import (
    Layout,
    TypeSpec,
    known_columns,
    type_by_header,
    type_by_name,
)
from tcoc.store.importers.resolve import (
    FILE_STEP,
    dispose,
    find_repeats,
    read_staged,
    settle_events,
    settle_headers,
)
from tcoc.store.importers.sources import SourceFile
from tcoc.store.importers.staging import STRUCTURE, Connection, Staged, TextFile, reuse, save, stage
from tcoc.store.importers.steps import Steps
from tcoc.store.importers.summary import FileSummary, ImportSummary, TypeSummary
from tcoc.store.importers.values import literal
from tcoc.store.schema import FORMAT_VERSION, TABLES

DEFAULT_MEMORY_LIMIT = "3GB"
MUCH = 100
"""From so many rows on, a file of which more than half can't be used is not what its name says."""


HASH_AT_ONCE = 64 << 20
"""Up to these bytes a file's rows are hashed at once; of larger ones only where keys repeat."""


@dataclass(frozen=True)
class Known:
    """What reading a source file from end to end has told, in case it is staged again."""

    source: SourceFile
    scan: sources.Scan
    header: sources.Header
    identity: str


@dataclass
class Delivery:
    """A delivery that is staged: files by type, and what was left aside."""

    layout: Layout
    folder: Path
    files: dict[str, list[Staged]] = field(default_factory=dict)
    repeated: dict[str, list[Staged]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    known: dict[str, Known] = field(default_factory=dict)

    def share(self, kinds: Sequence[str]) -> float:
        """Return the share of the used files' bytes that some file types have."""
        size = {kind: sum(f.bytes for f in files) for kind, files in self.files.items()}
        return sum(size[kind] for kind in kinds) / max(sum(size.values()), 1)


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """Hold the work folder beside a store; it goes when the import is done.

    After an interruption the files that are read stay, for the next call to take up; after a full
    disk nothing does. Raises InputError where `out` is something else than a store, which an import
    must not replace, and where another import into `out` is at work.
    """
    if (
        out.exists()
        and not (out / "store.json").is_file()
        and (out.is_file() or any(out.iterdir()))
    ):
        raise InputError(f"{out}: is there already and is no store; name another folder for --out")
    work = out.parent / f".{out.name}.import"
    with locked(work) as held:
        if not held:
            raise InputError(
                f"{out}: another import into this folder is at work; wait for its end or name"
                " another folder for --out"
            )
        with _cleaned(work, out):
            yield work
        remove_held(work)


@contextmanager
def _cleaned(work: Path, out: Path) -> Iterator[None]:
    """Begin and, where the block fails, end with nothing in the work folder but files read."""
    _clean(work, out)
    try:
        (work / "staged").mkdir(exist_ok=True)
        yield
    except BaseException as error:
        _clean(work, out)
        full = isinstance(error, ShortageError) and error.disk
        if full or not any((work / "staged").glob("*.json")):
            remove_held(work)
        raise


def _clean(work: Path, out: Path) -> None:
    """Remove what is half done, and give an older store its name back."""
    for name in ("plain", "resolved", "store"):
        shutil.rmtree(work / name, ignore_errors=True)
    if (work / "old").exists() and not out.exists():
        (work / "old").rename(out)


@contextmanager
def open_engine(work: Path, memory_limit: str | None, steps: Steps) -> Iterator[Connection]:
    """Open DuckDB with a memory limit; what does not fit is spilled to the work folder.

    Raises InputError for a bad limit; ShortageError, with the step, where memory or disk end.
    """
    limit = shortage.memory_limit(memory_limit, DEFAULT_MEMORY_LIMIT)
    with spill_folder(work) as spill:
        con = duckdb.connect(config={"memory_limit": limit, "temp_directory": str(spill)})
        try:
            # measured for the steps, not shown by the engine itself
            con.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
            with shortage.explained(lambda: steps.doing, shortage.Bounds(limit, spill), work):
                yield con
        finally:
            con.close()


# ---------------------------------------------------------------- reading


def stage_delivery(
    con: Connection, folder: Path, layout: Layout, work: Path, steps: Steps
) -> Delivery:
    """Read every file of a delivery that the layout knows into staged files.

    Raises InputError in one sentence for a file that is damaged, empty, or lacks a column.
    """
    delivery = Delivery(layout, work / "staged")
    found = sources.find_sources(folder)
    steps.size = sum(s.bytes for s in found)
    for source in found:
        with steps.reading(con, source.name, source.bytes):
            _stage_source(con, delivery, source, work, steps.scanned)
    return delivery


def _stage_source(
    con: Connection,
    delivery: Delivery,
    source: SourceFile,
    work: Path,
    report: Callable[[int], None],
) -> None:
    layout = delivery.layout
    if not sources.is_text(source):
        delivery.ignored.append(source.name)
        return
    kind = type_by_name(layout, sources.stem(source))
    scan = sources.scan(source, report)
    if kind is not None:
        sources.check_scan(source, scan)
    elif scan.empty or scan.nul_line:
        delivery.ignored.append(source.name)
        return
    header = _header(delivery, source, scan, kind)
    kind = kind or (type_by_header(layout, header.names) if header else None)
    whole = layout.types[kind].whole if kind else None
    if whole is not None and header is not None and whole[0] in map(str.upper, header.names):
        kind = whole[1]
    if kind is None or header is None:
        delivery.ignored.append(source.name)
        return
    identity = sources.identity(source, scan, layout.types[kind].stamp)
    twin = _twin(delivery, identity, kind)
    if twin is not None:
        delivery.repeated.setdefault(kind, []).append(replace(twin, name=source.name))
        return
    known = Known(source, scan, header, identity)
    delivery.known[identity] = known
    staged = reuse(delivery.folder, identity, kind, layout.fingerprint, source.name)
    if staged is None:
        hashed = source.bytes <= HASH_AT_ONCE
        staged = _stage_new(con, delivery, known, kind, work, hashed)
    delivery.files.setdefault(kind, []).append(staged)


def _header(
    delivery: Delivery, source: SourceFile, scan: sources.Scan, kind: str | None
) -> sources.Header | None:
    try:
        return sources.read_header(source, scan, known_columns(delivery.layout))
    except InputError:
        if kind is None:
            return None
        positions = delivery.layout.positions(kind)
        if positions:
            return sources.Header(tuple(positions), "\x01", "", 0, positions)
        raise


def _twin(delivery: Delivery, identity: str, kind: str) -> Staged | None:
    return next((f for f in delivery.files.get(kind, []) if f.identity == identity), None)


def _stage_new(
    con: Connection, delivery: Delivery, known: Known, kind: str, work: Path, hashed: bool
) -> Staged:
    """Stage one file; a rewritten copy of its text goes when it is done."""
    source, scan = known.source, known.scan
    plain = sources.make_plain(source, scan, work / "plain" / f"{scan.sha256[:24]}.csv")
    header = known.header
    if scan.blank_lines and not header.positions:
        blank = sources.blank_line_numbers(plain, source, plain != source.path)
        header = replace(header, blank_lines=tuple(blank))
    text = TextFile(source, plain, header, scan.sha256, known.identity, _notes(scan))
    staged = stage(con, text, delivery.layout, kind, delivery.folder, hashed)
    if plain != source.path:
        plain.unlink()
    _check_usable(con, delivery, staged)
    save(staged, delivery.folder, delivery.layout.fingerprint)
    return staged


def _notes(scan: sources.Scan) -> tuple[str, ...]:
    notes = [f"read as {scan.encoding}"] if scan.encoding not in ("utf-8", "utf-8-sig") else []
    if not scan.ends_with_newline:
        notes.append("the last line has no line end; check that the file is whole")
    return tuple(notes)


def _check_usable(con: Connection, delivery: Delivery, staged: Staged) -> None:
    """Stop at a file of which most rows can't be used: it is not what its name says."""
    if staged.read < MUCH or 2 * staged.unusable <= staged.read:
        return
    raise InputError(
        f"{staged.name}: {staged.unusable:,} of {staged.read:,} rows can't be used as {staged.type}"
        f" rows, most often because {_reason(con, delivery.folder, [staged])}"
    )


def _reason(con: Connection, folder: Path, files: Sequence[Staged]) -> str:
    """Return the commonest reason why rows of files can't be used."""
    paths = ", ".join(literal(str(folder / f.parquet)) for f in files)
    rejects = ", ".join(literal(str(folder / f.rejects)) for f in files)
    row = con.execute(
        f"SELECT reason FROM (SELECT _reason AS reason FROM read_parquet([{paths}])"
        f" WHERE _reason IS NOT NULL UNION ALL SELECT error_type FROM read_parquet([{rejects}]))"
        " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    ).fetchone()
    reason = str(row[0]) if row else "of an unknown reason"
    return f"of {STRUCTURE[reason]}" if reason in STRUCTURE else reason


def check_types(con: Connection, delivery: Delivery) -> None:
    """Raise InputError where a required file type is absent, or has no row that can be used."""
    for kind, spec in delivery.layout.types.items():
        files = delivery.files.get(kind, [])
        if spec.required and not files:
            raise InputError(
                f"no {kind} file: expected a file with {' or '.join(spec.words)} in its name"
                + (f"; not used: {', '.join(delivery.ignored[:5])}" if delivery.ignored else "")
            )
        rows = sum(f.read for f in files)
        if spec.required and files and not rows:
            raise InputError(f"{files[0].name}: a header and no rows, expected {kind} rows")
        if rows and rows == sum(f.unusable for f in files):
            raise InputError(
                f"{files[0].name}: none of its {rows:,} rows can be used as {kind} rows, most often"
                f" because {_reason(con, delivery.folder, files)}"
            )


# ---------------------------------------------------------------- rows that count


def settle(con: Connection, delivery: Delivery, work: Path, steps: Steps) -> None:
    """Settle events and repeated headers of every file type (rule I1).

    Whole rows are compared only where a key repeats: then files that were staged without a hash of
    each row are staged again with it.
    """
    for kind in delivery.files:
        with steps.after(con, "settle", f"comparing {kind} rows", delivery.share([kind])):
            _settle_type(con, delivery, kind, work)


def _settle_type(con: Connection, delivery: Delivery, kind: str, work: Path) -> None:
    spec = delivery.layout.types[kind]
    read_staged(con, kind, spec, delivery.files[kind], delivery.folder)
    if find_repeats(con, kind) and not all(f.hashed for f in delivery.files[kind]):
        delivery.files[kind] = [
            f
            if f.hashed
            else _stage_new(con, delivery, delivery.known[f.identity], kind, work, True)
            for f in delivery.files[kind]
        ]
        read_staged(con, kind, spec, delivery.files[kind], delivery.folder)
    files = delivery.files[kind]
    settle_events(con, kind, spec, files, delivery.folder, delivery.layout.later_replaces)
    if spec.table == "facility":
        settle_headers(con, kind, spec, files, delivery.folder)


def claim_types(delivery: Delivery) -> list[str]:
    """Return the file types of the delivery that hold claims."""
    types = delivery.layout.types
    return [
        k
        for k in types
        if k in delivery.files and types[k].table in ("professional", "facility", "dme")
    ]


def dispose_claims(
    con: Connection,
    delivery: Delivery,
    columns: Callable[[str, TypeSpec], Mapping[str, str]],
    denied: Callable[[str], str],
    resolved: Path,
    steps: Steps,
) -> None:
    """Give every claim row its disposition, by file type, in resolved/TYPE."""
    for kind in claim_types(delivery):
        spec = delivery.layout.types[kind]
        target = resolved / kind
        target.mkdir(parents=True, exist_ok=True)
        with steps.after(con, "dispose", f"sorting out {kind} rows", delivery.share([kind])):
            dispose(con, kind, spec, columns(kind, spec), denied(kind), target)


def count_type(
    con: Connection,
    delivery: Delivery,
    kind: str,
    rows: Mapping[str, tuple[int, str]],
    target: Path,
) -> TypeSummary:
    """Count a claim type: rows by disposition from file to store, and the same in dollars."""
    entry = TypeSummary(
        rows={name: count for name, (count, _) in rows.items()},
        dollars={name: Decimal(dollars) for name, (_, dollars) in rows.items()},
    )
    add_file_counts(entry, delivery, kind)
    if entry.rows.get("imported"):
        sums = ", ".join(
            f"CAST(coalesce(sum({c}), 0) AS DECIMAL(18, 2))::VARCHAR"
            for c in ("paid_amount", "pass_through", "plan_paid")
        )
        row = con.execute(f"SELECT {sums} FROM {_resolved(target.parent, kind)}").fetchone()
        assert row is not None
        entry.in_store, entry.pass_through, entry.plan_paid = (Decimal(v) for v in row)
    return entry


def add_file_counts(entry: TypeSummary, delivery: Delivery, kind: str) -> None:
    """Add to a type's counts what its files say: rows read, rejected, delivered twice, blanked.

    A source row that holds several lines counts as many rows as it holds lines.
    """
    files, again = delivery.files[kind], delivery.repeated.get(kind, [])
    rejected, twice = sum(f.rejected for f in files), sum(f.read for f in again)
    for name, count in (("quarantined", rejected), ("duplicates", twice)):
        if count:
            entry.rows[name] = entry.rows.get(name, 0) + count
    several = any(f.repeats for f in delivery.layout.types[kind].fields.values())
    entry.read = sum(entry.rows.values()) if several else sum(f.read for f in (*files, *again))
    for f in files:
        for name, count in f.blanked.items():
            entry.blanked[name] = entry.blanked.get(name, 0) + count


def check_claim_ids(con: Connection, delivery: Delivery, resolved: Path) -> None:
    """Raise InputError where one facility claim number stands in two file types (rule I1)."""
    kinds = [k for k in claim_types(delivery) if delivery.layout.types[k].table == "facility"]
    parts = [
        f"SELECT claim_id, '{k}' AS kind FROM {_resolved(resolved, k)}"
        for k in kinds
        if any((resolved / k).rglob("*.parquet"))
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


def _resolved(resolved: Path, kind: str) -> str:
    glob = literal(str(resolved / kind / "*" / "*.parquet"))
    return (
        f"(SELECT * FROM read_parquet({glob}, hive_partitioning = false)"
        " WHERE disposition = 'imported')"
    )


# ---------------------------------------------------------------- writing


def years_of(resolved: Path, kinds: Sequence[str]) -> list[int]:
    """Return the years for which some file types have imported rows."""
    found = {
        int(f.name.removeprefix("year=")) for k in kinds for f in (resolved / k).glob("year=*")
    }
    return sorted(found - {0})


def write_claims(
    con: Connection, delivery: Delivery, resolved: Path, store: Path, steps: Steps
) -> dict[str, int]:
    """Write the claims tables by year, each partition in the order of the schema."""
    rows = {}
    for table in ("professional", "facility", "dme"):
        kinds = [k for k in claim_types(delivery) if delivery.layout.types[k].table == table]
        years = years_of(resolved, kinds)
        rows[table] = 0
        for year in years:
            folders = [resolved / k / f"year={year}" for k in kinds]
            share = delivery.share(kinds) / len(years)
            with steps.after(con, "write", f"writing {table} {year}", share):
                rows[table] += _write_year(con, table, year, folders, store)
    return rows


def _write_year(
    con: Connection, table: str, year: int, folders: Sequence[Path], store: Path
) -> int:
    columns = ", ".join(TABLES[table].schema)
    paths = [literal(str(f)) for folder in folders for f in sorted(folder.glob("*.parquet"))]
    return write_partition(
        con,
        table,
        year,
        f"SELECT {columns} FROM read_parquet([{', '.join(paths)}], hive_partitioning = false)",
        store,
    )


def write_partition(con: Connection, table: str, year: int, select: str, store: Path) -> int:
    """Write one year of a table, sorted; return its rows. A year without rows gets no folder."""
    folder = store / table / f"year={year}"
    folder.mkdir(parents=True, exist_ok=True)
    order = ", ".join(TABLES[table].order)
    rows = _copy(con, f"SELECT * FROM ({select}) ORDER BY {order}", folder / "part-0.parquet")
    if not rows:
        shutil.rmtree(folder)
    return rows


def write_whole(con: Connection, table: str, select: str, store: Path) -> int:
    """Write a table that is not partitioned, sorted; return its rows."""
    order = ", ".join(TABLES[table].order)
    return _copy(con, f"SELECT * FROM ({select}) ORDER BY {order}", store / f"{table}.parquet")


def _copy(con: Connection, select: str, target: Path) -> int:
    row = con.execute(
        f"COPY ({select}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd)"
    ).fetchone()
    assert row is not None
    return int(row[0])


def table_dollars(delivery: Delivery, counted: Mapping[str, TypeSummary]) -> dict[str, Decimal]:
    """Return the dollars in the store by table."""
    dollars = dict.fromkeys(("professional", "facility", "dme"), Decimal(0))
    for kind in claim_types(delivery):
        dollars[delivery.layout.types[kind].table] += counted[kind].in_store
    return dollars


def write_quarantine(con: Connection, delivery: Delivery, store: Path) -> None:
    """Write what can't be used to STORE/quarantine, one CSV per file type."""
    for kind, files in delivery.files.items():
        target = store / "quarantine" / f"{kind}.csv"
        lines.write_quarantine(con, kind, files, delivery.folder, target, FILE_STEP)


def file_summaries(delivery: Delivery) -> list[FileSummary]:
    """Return every file that was used, or recognised as delivered twice, in order of type."""
    used = [f for files in delivery.files.values() for f in files]
    again = [
        replace(f, notes=(f"same content as {_first_name(delivery, f)}: used once",))
        for files in delivery.repeated.values()
        for f in files
    ]
    return [
        FileSummary(f.name, f.type, f.sha256, f.bytes, f.read, tuple(f.notes))
        for f in sorted((*used, *again), key=lambda f: (f.type, f.name))
    ]


def _first_name(delivery: Delivery, staged: Staged) -> str:
    twin = _twin(delivery, staged.identity, staged.type)
    return twin.name if twin else ""


def write_info(summary: ImportSummary, store: Path) -> None:
    """Write store.json, which makes the folder a store."""
    info = {
        "format_version": FORMAT_VERSION,
        "source": {"kind": summary.kind, "state": summary.state},
        "synthetic": summary.synthetic,
        "years": list(summary.years),
        "rows": summary.tables,
        "dollars": {name: f"{amount:.2f}" for name, amount in summary.dollars.items()},
        "files": summary.files_json(),
        "missing": list(summary.missing),
        "import": summary.as_json(),
        "created_by": f"tcoc {_version()}",
    }
    text = json.dumps(info, indent=1, sort_keys=True)
    (store / "store.json").write_text(text + "\n", encoding="utf-8")


def _version() -> str:
    try:
        return version("tcoc")
    except PackageNotFoundError:
        return "unknown"


def publish(work: Path, out: Path) -> None:
    """Give the finished store its name, in place of an older store of that name."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists():
        out.rename(work / "old")
    (work / "store").rename(out)
