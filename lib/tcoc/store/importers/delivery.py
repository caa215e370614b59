"""A delivery is read: a file gets its type, is staged, and held against its control totals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tcoc.errors import InputError
from tcoc.store.importers import controls, kinds, sources
from tcoc.store.importers.controls import Cclf0, Control, Fts
from tcoc.store.importers.layouts import Layout, known_columns
from tcoc.store.importers.resolve import (
    Rows,
    find_repeats,
    read_staged,
    settle_events,
    settle_headers,
)
from tcoc.store.importers.sources import Scan, SourceFile
from tcoc.store.importers.staging import (
    NO_LINE_END,
    STRUCTURE,
    Connection,
    Staged,
    TextFile,
    reuse,
    save,
    stage,
)
from tcoc.store.importers.steps import Steps
from tcoc.store.importers.summary import FileSummary
from tcoc.store.importers.values import literal

MUCH = 100
"""From so many rows on, a file of which more than half can't be used is not what its name says."""

CLAIMS = ("professional", "facility", "dme")


@dataclass
class Delivery:
    """A delivery that is staged: files by type, what was left aside and why, control totals.

    `problems` has the sentence of each file that can't be read, where reading goes on without it.
    """

    layout: Layout
    folder: Path
    files: dict[str, list[Staged]] = field(default_factory=dict)
    repeated: dict[str, list[Staged]] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    ignored_rows: dict[str, int] = field(default_factory=dict)
    controls: list[Control] = field(default_factory=list)
    control_files: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)

    def share(self, types: Sequence[str]) -> float:
        """Return the share of the used files' bytes that some file types have."""
        size = {kind: sum(f.bytes for f in files) for kind, files in self.files.items()}
        return sum(size[kind] for kind in types) / max(sum(size.values()), 1)

    def used(self) -> list[Staged]:
        """Return the files that are read, in order of type."""
        return [f for files in self.files.values() for f in files]


# ---------------------------------------------------------------- reading


def stage_delivery(
    con: Connection, folder: Path, layout: Layout, work: Path, steps: Steps, strict: bool = True
) -> Delivery:
    """Read every file of a delivery that the layout knows into staged files.

    Raises InputError in one sentence for a file that is damaged, empty, or lacks a column; where
    not `strict`, the sentence is kept in `problems` and reading goes on.
    """
    delivery = Delivery(layout, work / "staged")
    found = sources.find_sources(folder, work / "unpacked")
    steps.size = sum(s.bytes for s in found)
    summaries = _summaries(found, layout)
    said: list[Cclf0] = []
    for source in found:
        with steps.reading(con, source.name, source.bytes):
            try:
                said += _stage_source(con, delivery, source, summaries, work, steps.scanned)
            except InputError as error:
                if strict:
                    raise
                delivery.problems[source.name] = str(error)
    if layout.later_replaces:
        for files in delivery.files.values():
            files.sort(key=lambda f: sources.day_of_name(f.name))
    delivery.controls += _totals(delivery, said, summaries)
    return delivery


def _summaries(found: Sequence[SourceFile], layout: Layout) -> dict[str, Fts]:
    """Read the File Transfer Summaries of a delivery, by the name of the file beside each."""
    read = {}
    known = known_columns(layout)
    for source in found:
        if source.name.lower().endswith(".fts"):
            with sources.open_bytes(source) as stream:
                text = stream.read(sources.HEADER_LIMIT).decode("latin-1")
            read[sources.bare(source)] = controls.read_fts(source.name, text, known)
    return read


def _stage_source(
    con: Connection,
    delivery: Delivery,
    source: SourceFile,
    summaries: Mapping[str, Fts],
    work: Path,
    report: Callable[[int], None],
) -> list[Cclf0]:
    """Stage one file, leave it aside, or read the control totals that it holds."""
    layout = delivery.layout
    if source.name.lower().endswith(".fts"):
        delivery.control_files.append(source.name)
        return []
    if not sources.is_text(source):
        delivery.ignored[source.name] = "no text file"
        return []
    scan = sources.scan(source, report)
    if layout.control and controls.is_cclf0(sources.plain_text(scan)):
        delivery.control_files.append(source.name)
        return [controls.read_cclf0(source.name, sources.plain_text(scan))]
    kind = kinds.recognize(layout, source, scan, summaries)
    if not kind.type or kind.header is None:
        delivery.ignored[source.name] = kind.why
        delivery.ignored_rows[source.name] = scan.newlines + (not scan.ends_with_newline)
        return []
    identity = sources.identity(source, scan, layout.types[kind.type].stamp)
    twin = twin_of(delivery, identity, kind.type)
    if twin is not None:
        delivery.repeated.setdefault(kind.type, []).append(replace(twin, name=source.name))
        return []
    staged = reuse(delivery.folder, identity, kind.type, layout.fingerprint, source.name)
    if staged is None:
        staged = _stage_new(con, delivery, source, scan, kind, identity, work)
    delivery.files.setdefault(kind.type, []).append(staged)
    return []


def twin_of(delivery: Delivery, identity: str, kind: str) -> Staged | None:
    """Return the file of the same content that is used already."""
    return next((f for f in delivery.files.get(kind, []) if f.identity == identity), None)


def _stage_new(
    con: Connection,
    delivery: Delivery,
    source: SourceFile,
    scan: Scan,
    kind: kinds.Kind,
    identity: str,
    work: Path,
) -> Staged:
    """Stage one file; a rewritten copy of its text goes when it is done."""
    layout = delivery.layout
    target = work / "plain" / f"{scan.sha256[:24]}.csv"
    staged = _stage_text(con, delivery, source, scan, kind, identity, target, False)
    if kind.header and kind.header.quote and staged.read != staged.lines:
        # a stray quote has swallowed line ends: read again, without the quotes of such lines; where
        # texts hold line ends of their own, the first reading stands and its lines do not add up
        mended = _stage_text(con, delivery, source, scan, kind, identity, target, True)
        if staged.rejected or not mended.rejected:
            staged = mended
        else:
            staged = _stage_text(con, delivery, source, scan, kind, identity, target, False)
    _check_usable(con, delivery, staged)
    save(staged, delivery.folder, layout.fingerprint)
    return staged


def _stage_text(
    con: Connection,
    delivery: Delivery,
    source: SourceFile,
    scan: Scan,
    kind: kinds.Kind,
    identity: str,
    target: Path,
    mend_quotes: bool,
) -> Staged:
    header = kind.header
    assert header is not None
    plain = sources.make_plain(source, scan, target, mend_quotes)
    lines = scan.lines
    if lines is None:
        lines, blank = sources.line_counts(plain, source, plain != source.path)
        header = replace(header, blank_lines=tuple(blank))
    below = sum(number > header.line for number in header.blank_lines)
    notes = _notes(scan) + (QUOTES_LEFT_OUT,) * mend_quotes
    text = TextFile(
        source, plain, header, scan.sha256, identity, lines - header.line - below, notes
    )
    staged = stage(con, text, delivery.layout, kind.type, delivery.folder)
    if plain != source.path:
        plain.unlink()
    return replace(staged, text_bytes=scan.size)


QUOTES_LEFT_OUT = "quotes that do not pair were left out, each on its line"


def _notes(scan: Scan) -> tuple[str, ...]:
    notes = [f"read as {scan.encoding}"] if scan.encoding not in ("utf-8", "utf-8-sig") else []
    if not scan.ends_with_newline:
        notes.append(NO_LINE_END)
    return tuple(notes)


def _check_usable(con: Connection, delivery: Delivery, staged: Staged) -> None:
    """Stop at a file of which most rows can't be used: it is not what its name says."""
    if staged.read < MUCH or 2 * staged.unusable <= staged.read:
        return
    raise InputError(
        f"{staged.name}: {staged.unusable:,} of {staged.read:,} rows can't be used as {staged.type}"
        f" rows, most often because {reason_of(con, delivery.folder, [staged])}"
    )


def reason_of(con: Connection, folder: Path, files: Sequence[Staged]) -> str:
    """Return the commonest reason why rows of files can't be used."""
    paths = ", ".join(literal(str(folder / f.parquet)) for f in files)
    rejects = ", ".join(literal(str(folder / f.rejects)) for f in files)
    row = con.execute(
        f"SELECT reason FROM (SELECT _reason AS reason FROM read_parquet([{paths}])"  # noqa: S608
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
            aside = [f"{name} ({why})" for name, why in delivery.ignored.items()]
            raise InputError(
                f"no {kind} file: expected one with the columns of a {kind} file"
                + (f"; not used: {', '.join(aside[:5])}" if aside else "")
            )
        rows = sum(f.read for f in files)
        if spec.required and files and not rows:
            raise InputError(f"{files[0].name}: a header and no rows, expected {kind} rows")
        if rows and rows == sum(f.unusable for f in files):
            raise InputError(
                f"{files[0].name}: none of its {rows:,} rows can be used as {kind} rows, most often"
                f" because {reason_of(con, delivery.folder, files)}"
            )


# ---------------------------------------------------------------- control totals


def _totals(
    delivery: Delivery, said: Sequence[Cclf0], summaries: Mapping[str, Fts]
) -> list[Control]:
    """Hold what the delivery says of itself against what was read (rule I8)."""
    again = [f for files in delivery.repeated.values() for f in files]
    read = {f.name: f for f in (*delivery.used(), *again)}
    found = []
    for name, staged in read.items():
        found.append(Control("lines", name, staged.lines, staged.read))
        found.append(Control("lines cut off at the end", name, 0, int(staged.cut_off)))
        beside = summaries.get(sources.bare_name(name))
        if beside is not None and beside.rows is not None:
            found.append(Control(f"rows of {name} are", beside.name, beside.rows, staged.read))
    types = delivery.layout.types
    rows = {name: staged.read for name, staged in read.items()} | delivery.ignored_rows
    numbers = {
        name: controls.cclf_number(name)
        or (str(types[read[name].type].number) if name in read else "")
        for name in rows
    }
    needed = {str(spec.number) for spec in types.values() if spec.number}
    for one in said:
        found += controls.cclf_controls(one, rows, numbers, needed)
    return found


# ---------------------------------------------------------------- rows that count


def settle(con: Connection, delivery: Delivery, steps: Steps) -> dict[str, Rows]:
    """Settle events and repeated headers of every file type (rule I1)."""
    settled = {}
    for kind, files in delivery.files.items():
        with steps.after(con, "settle", f"comparing {kind} rows", delivery.share([kind])):
            spec = delivery.layout.types[kind]
            rows = read_staged(con, kind, spec, files, delivery.folder)
            rows = settle_events(con, find_repeats(con, rows), delivery.layout.later_replaces)
            settled[kind] = settle_headers(con, rows) if spec.table == "facility" else rows
    return settled


def claim_types(delivery: Delivery) -> list[str]:
    """Return the file types of the delivery that hold claims."""
    types = delivery.layout.types
    return [k for k in types if k in delivery.files and types[k].table in CLAIMS]


def file_summaries(delivery: Delivery) -> list[FileSummary]:
    """Return every file that was used, or recognised as delivered twice, in order of type."""
    again = [
        replace(f, notes=(f"same content as {_first_name(delivery, f)}: used once",))
        for files in delivery.repeated.values()
        for f in files
    ]
    return [
        FileSummary(
            f.name,
            f.type,
            f.sha256,
            f.bytes,
            f.read,
            tuple(f.notes),
            f.lines,
            f.unusable,
            f.dollars,
            f.unread_bytes,
        )
        for f in sorted((*delivery.used(), *again), key=lambda f: (f.type, f.name))
    ]


def _first_name(delivery: Delivery, staged: Staged) -> str:
    twin = twin_of(delivery, staged.identity, staged.type)
    return twin.name if twin else ""
