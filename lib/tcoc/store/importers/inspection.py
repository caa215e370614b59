"""A delivery before its import: what each file is, what would be mended, lost, refused (I7, I8).

The import's own steps run over the whole delivery, in a folder that goes again; no store is needed
and none is written. Nothing that is said holds an identifier: values are shown by their form.
"""

import io
import re
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tcoc.errors import InputError, TcocError, nearest
from tcoc.folders import owner_only
from tcoc.store.importers import admission, engine, kinds, sources
from tcoc.store.importers import delivery as reading
from tcoc.store.importers.delivery import Delivery
from tcoc.store.importers.flow import Request, SourceKind, measure
from tcoc.store.importers.layouts import FieldSpec, Layout, load_layout, resolve
from tcoc.store.importers.sources import Progress, Scan, SourceFile
from tcoc.store.importers.staging import Connection, Staged
from tcoc.store.importers.steps import AFTER, Steps
from tcoc.store.importers.summary import ImportSummary, render_controls, render_repairs
from tcoc.store.importers.values import NULL_WORDS

ROWS = 2000
"""First rows of a file of which the forms of values are shown."""

FORMS = 4
WIDTH = 118


@dataclass(frozen=True)
class FileReport:
    """One file: what it is and why, its period, rows, columns and the forms of its values."""

    name: str
    kind: str
    why: str
    bytes: int
    rows: int = 0
    set_aside: int = 0
    years: tuple[int, ...] = ()
    used: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    forms: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """A delivery before it is imported; `stops` are the sentences that would end an import."""

    source: str
    kind: str
    files: tuple[FileReport, ...]
    stops: tuple[str, ...]
    refusals: int
    summary: ImportSummary
    seconds: float
    store_bytes: int
    work_bytes: int

    @property
    def ok(self) -> bool:
        """Whether an import of this delivery would end with status 0."""
        return not self.stops

    def as_json(self) -> dict[str, Any]:
        """Return all that was found, for programs."""
        return {
            "source": self.source,
            "kind": self.kind,
            "ok": self.ok,
            "stops": list(self.stops),
            "files": [asdict(f) for f in self.files],
            "import": self.summary.as_json(),
            "controls": self.summary.controls_json(),
            "estimate": {
                "seconds": round(self.seconds, 1),
                "store_bytes": self.store_bytes,
                "work_bytes": self.work_bytes,
            },
        }


def inspect_delivery(
    folder: Path,
    kinds_of: Mapping[str, SourceKind],
    kind: str | None = None,
    state: str = "all",
    progress: Progress | None = None,
    memory_limit: str | None = None,
) -> Inspection:
    """Look through a delivery as an import would, and say what the import would do.

    Without `kind` it is the one whose columns most files have. Raises InputError where nothing can
    be looked at: no folder, no files.
    """
    if kind is not None and kind not in kinds_of:
        raise InputError(f'inspect: found "{kind}"{nearest(kind, kinds_of)}')
    with owner_only(), tempfile.TemporaryDirectory(prefix="tcoc-inspect-") as place:
        work = Path(place)
        (work / "staged").mkdir()
        found = sources.find_sources(folder.resolve(), work / "unpacked")
        peeks = {s.name: _peek(s) for s in found if sources.is_text(s)}
        chosen = kind or _guess(found, peeks, list(kinds_of))
        summary = ImportSummary(chosen, folder.name, Path(f"STORE of {folder.name}"), state)
        steps = Steps(progress)
        start = time.perf_counter()
        with engine.open_engine(work, memory_limit, steps) as con:
            request = Request(folder.resolve(), work, steps, admission.load_limits())
            delivery, stops = _look(con, kinds_of[chosen], request, summary)
        taken = time.perf_counter() - start
        steps.finish()
        files = [_report(delivery, s, peeks.get(s.name)) for s in found]
        return Inspection(
            folder.name, chosen, tuple(files), (*stops, *summary.beyond), len(stops), summary,
            taken * (1 + AFTER["write"]), _size(work / "resolved"), _size(work),
        )  # fmt: skip


def _look(
    con: Connection, kind: SourceKind, request: Request, summary: ImportSummary
) -> tuple[Delivery, list[str]]:
    """Run the steps of an import up to admission; return what would stop it on the way."""
    layout = load_layout(kind.name)
    delivery = reading.stage_delivery(
        con, request.source, layout, request.work, request.steps, strict=False
    )
    stops = list(delivery.problems.values())
    try:
        reading.check_types(con, delivery)
        measure(con, kind, delivery, request, summary)
        admission.admit(summary)
    except admission.AdmissionError:
        pass  # said by the summary, sentence by sentence
    except (TcocError, KeyError) as error:
        # a file that can't be read may be the one that a later step needs
        if not stops or isinstance(error, InputError):
            stops.append(str(error))
    return delivery, stops


def _size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _peek(source: SourceFile) -> Scan:
    """Look at the beginning of a file only; a damaged one is found out when it is read."""
    found = Scan()
    try:
        with sources.open_bytes(source) as stream:
            sources.look(found, stream.read(sources.HEADER_LIMIT))
    except (OSError, *sources.DAMAGE):
        return found
    return found


def _guess(found: Sequence[SourceFile], peeks: Mapping[str, Scan], names: Sequence[str]) -> str:
    """Return the kind of source whose types most of the files are."""

    def known(name: str) -> int:
        layout = load_layout(name)
        return sum(_kind(layout, s, peeks[s.name]) is not None for s in found if s.name in peeks)

    counts = {name: known(name) for name in names}
    best = max(names, key=lambda name: counts[name])
    if not counts[best]:
        raise InputError(
            "no file has the columns of a source file: expected rif, cclf or synpuf; name the kind"
            " with --kind to see what each file lacks"
        )
    return best


def _kind(layout: Layout, source: SourceFile, scan: Scan) -> kinds.Kind | None:
    try:
        kind = kinds.recognize(layout, source, scan, {})
    except InputError:
        return None
    return kind if kind.type else None


def _report(delivery: Delivery, source: SourceFile, scan: Scan | None) -> FileReport:
    """Say of one file what it is and what was found in it."""
    name = source.name
    if name in delivery.problems:
        return FileReport(name, "refused", delivery.problems[name], source.bytes)
    if name in delivery.control_files:
        return FileReport(name, "control totals", "by its first line or suffix", source.bytes)
    if name in delivery.ignored:
        return FileReport(name, "not used", delivery.ignored[name], source.bytes)
    again = [f for files in delivery.repeated.values() for f in files]
    staged = next(f for f in (*delivery.used(), *again) if f.name == name)
    why = "same content as another file" if staged in again else "by its columns"
    return FileReport(
        name,
        staged.type,
        why,
        staged.bytes,
        staged.read,
        staged.unusable,
        tuple(year for year in staged.by_year if year),
        staged.used,
        staged.unused,
        staged.absent,
        _forms(delivery, source, staged, scan) if scan else {},
        staged.notes,
    )


def _forms(
    delivery: Delivery, source: SourceFile, staged: Staged, scan: Scan
) -> dict[str, dict[str, int]]:
    """Count the forms of the values of the columns that are read, in a file's first rows."""
    kind = _kind(delivery.layout, source, scan)
    if kind is None or kind.header is None:
        return {}
    header = kind.header
    lines = [line for line in sources.plain_text(scan).split("\n") if line.strip()]
    lines = lines[1 if header.line else 0 :][:ROWS]
    rows = sources.cut(header, lines)
    spec = delivery.layout.types[staged.type]
    columns = resolve(source.name, delivery.layout, staged.type, header.names).columns
    forms = {}
    for name, found in columns.items():
        places = [header.names.index(c) for c in found]
        cells = (row[p].strip() for row in rows for p in places if p < len(row))
        counts = Counter(form_of(cell, spec.fields[name]) for cell in cells)
        if counts:
            forms[staged.labels[name]] = dict(counts.most_common(FORMS))
    return forms


def form_of(text: str, spec_field: FieldSpec) -> str:
    """Return a value's form: 9 for digits, a and A for letters; codes and null words stay."""
    if not text:
        return "blank"
    if text.lower() in NULL_WORDS or spec_field.codes:
        return text[:12]
    return re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", re.sub(r"[0-9]", "9", text)))[:32]


# ---------------------------------------------------------------- words


def render(found: Inspection) -> str:
    """Return the inspection as text for a terminal."""
    console = Console(width=WIDTH, file=io.StringIO(), record=True)
    files = Table(title=f"{found.source}: {found.kind}, {len(found.files)} files", expand=True)
    for column, justify in (("file", "left"), ("kind", "left"), ("rows", "right"),
                            ("set aside", "right"), ("period", "left"), ("columns", "right"),
                            ("MB", "right")):  # fmt: skip
        files.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for f in found.files:
        files.add_row(*_cells(f))
    console.print(files)
    for f in found.files:
        if f.forms:
            console.print(_form_table(f))
    text = console.export_text()
    return "\n".join([text.rstrip(), "", *_said(found)]) + "\n"


def _cells(f: FileReport) -> list[str]:
    period = f"{min(f.years)}-{max(f.years)}" if f.years else ""
    is_read = bool(f.used)
    return [
        f.name,
        f.kind if is_read else f"{f.kind}: {f.why}",
        f"{f.rows:,}" if is_read else "",
        f"{f.set_aside:,}" if is_read else "",
        period,
        f"{len(f.used)} of {len(f.used) + len(f.unused)}" if is_read else "",
        f"{f.bytes / 1e6:,.1f}",
    ]


def _form_table(f: FileReport) -> Table:
    table = Table(title=f"{f.name}: forms of the values in the first rows", expand=True)
    table.add_column("column", overflow="fold")
    table.add_column("forms (9 digit, a letter), with their counts", overflow="fold")
    for column, forms in f.forms.items():
        table.add_row(column, ", ".join(f"{form} {count:,}" for form, count in forms.items()))
    return table


def _said(found: Inspection) -> list[str]:
    summary = found.summary
    lines = []
    if summary.people is not None:
        p = summary.people
        lines.append(
            f"People: {p.read:,} in the beneficiary files, {p.set_aside:,} of them would be lost"
        )
    for name, entry in summary.types.items():
        if entry.dollars:
            lost = [f"{entry.rows[n]:,} {words} ({entry.dollars.get(n, 0):,.2f} dollars)"
                    for n, words in (("quarantined", "set aside"), ("orphans", "of nobody"),
                                     ("denied", "denied"), ("unmatched", "cancel nothing"))
                    if entry.rows.get(n)]  # fmt: skip
            lines.append(
                f"{name}: {entry.read:,} rows, {entry.in_files:,.2f} dollars;"
                f" {'; '.join(lost) or 'nothing lost'}"
            )
    lines += render_repairs(summary.repairs) + render_controls(summary.controls)
    if summary.missing:
        lines.append(f"Missing in this source: {', '.join(summary.missing)}")
    lines.append(
        f"An import would take about {found.seconds:,.0f} s and"
        f" {max(found.work_bytes, 1) / 1e6:,.1f} MB beside the store while it works; the store"
        " about"
        f" {found.store_bytes / 1e6:,.1f} MB"
    )
    if found.stops:
        lines += ["An import would stop:", *(f"  {sentence}" for sentence in found.stops)]
    else:
        lines.append("An import would end with status 0.")
    return lines
