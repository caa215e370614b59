"""What an import did, in counts and dollars: for store.json, for the screen, for the reports."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tcoc.store.importers.controls import Control

if TYPE_CHECKING:
    from tcoc.store.importers.people import PeopleCounts

WORDS = {
    "quarantined": "in quarantine",
    "not_final": "not final action",
    "deleted": "deleted",
    "replaced": "replaced by an update",
    "duplicates": "exact duplicates",
    "repeated": "lines that repeat a claim's header",
    "cancelled": "cancelled or adjusted",
    "unmatched": "cancellations that meet no original",
    "denied": "denied",
    "orphans": "of nobody in a beneficiary file",
    "other_state": "of other states",
    "imported": "imported",
}
"""Dispositions of a row, in the order in which they are decided."""


@dataclass(frozen=True)
class FileSummary:
    """One source file: its name in the delivery, type, bytes, sha256, rows and remarks."""

    name: str
    type: str
    sha256: str
    bytes: int
    rows: int
    notes: tuple[str, ...] = ()
    lines: int = 0
    set_aside: int = 0
    dollars: str = "0.00"
    unread_bytes: int = 0


@dataclass(frozen=True)
class RepairSummary:
    """What was mended in one column of one file, and how many texts (rule I7)."""

    file: str
    column: str
    what: str
    count: int


@dataclass(frozen=True, order=True)
class Light:
    """A share with a limit, by place (file, column, type) and year (0: all); dollars in cents."""

    limit_name: str
    place: str
    year: int
    count: int
    of: int
    limit: float

    @property
    def share(self) -> float:
        """The share, at most 1."""
        return min(self.count / self.of, 1.0) if self.of else 0.0

    @property
    def holds(self) -> bool:
        """Whether the share is within its limit."""
        return self.share <= self.limit


@dataclass
class TypeSummary:
    """One file type: rows read, rows by disposition, and the same in dollars.

    Rows read are the sum of the dispositions. Dollars in the files are the sum of `dollars`, and
    `said` is what the rows of the files say, summed where they were read; imported dollars plus
    `pass_through` less `plan_paid` are the dollars in the store. Rows that are no rows (`rejected`)
    say no dollars.
    """

    read: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    dollars: dict[str, Decimal] = field(default_factory=dict)
    pass_through: Decimal = Decimal(0)
    plan_paid: Decimal = Decimal(0)
    in_store: Decimal = Decimal(0)
    blanked: dict[str, int] = field(default_factory=dict)
    years: dict[int, dict[str, int]] = field(default_factory=dict)
    said: Decimal = Decimal(0)
    rejected: int = 0

    @property
    def in_files(self) -> Decimal:
        """The dollars of all readable rows of the files."""
        return sum(self.dollars.values(), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """What dollars from file to store leave unexplained, at either step: always 0.00."""
        carried = self.dollars.get("imported", Decimal(0)) + self.pass_through - self.plan_paid
        return abs(carried - self.in_store) + abs(self.said - self.in_files)

    @property
    def unexplained(self) -> int:
        """Rows read that have no disposition: always 0."""
        return self.read - sum(self.rows.values())


@dataclass
class ImportSummary:
    """Everything that an import counted; no identifier is in it."""

    kind: str
    source: str
    out: Path
    state: str
    synthetic: bool = False
    years: tuple[int, ...] = ()
    tables: dict[str, int] = field(default_factory=dict)
    dollars: dict[str, Decimal] = field(default_factory=dict)
    files: list[FileSummary] = field(default_factory=list)
    types: dict[str, TypeSummary] = field(default_factory=dict)
    absent_types: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    duplicate_files: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    reconciliation: dict[str, Any] = field(default_factory=dict)
    people: "PeopleCounts | None" = None
    repairs: list[RepairSummary] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    control_files: tuple[str, ...] = ()
    why_ignored: dict[str, str] = field(default_factory=dict)
    lights: list[Light] = field(default_factory=list)
    accepted: str = ""
    beyond: tuple[str, ...] = ()

    @property
    def quarantined(self) -> int:
        """Rows in quarantine, over all file types."""
        return sum(t.rows.get("quarantined", 0) for t in self.types.values())

    def as_json(self) -> dict[str, Any]:
        """Return the summary as store.json holds it; dollars are texts with two decimals."""
        types = {}
        for name, entry in self.types.items():
            types[name] = {
                "read": entry.read,
                **{k: v for k, v in entry.rows.items() if v},
                "blanked": entry.blanked,
                "unexplained": entry.unexplained,
                "rejected": entry.rejected,
                "years": {str(y): counts for y, counts in sorted(entry.years.items())},
                "dollars": {
                    "in_files": _text(entry.in_files),
                    **{k: _text(v) for k, v in entry.dollars.items() if v},
                    "pass_through": _text(entry.pass_through),
                    "plan_paid": _text(entry.plan_paid),
                    "in_store": _text(entry.in_store),
                    "said": _text(entry.said),
                    "difference": _text(entry.difference),
                },
            }
        return {
            "types": types,
            "absent_types": list(self.absent_types),
            "ignored_files": list(self.ignored),
            "why_ignored": self.why_ignored,
            "control_files": list(self.control_files),
            "people": asdict(self.people) if self.people else {},
            "repairs": [asdict(repair) for repair in self.repairs],
            "lights": [
                {**asdict(light), "share": round(light.share, 6), "holds": light.holds}
                for light in self.lights
            ],
            "beyond": list(self.beyond),
            "duplicate_files": list(self.duplicate_files),
            "notes": self.notes,
            "reconciliation": self.reconciliation,
        }

    def controls_json(self) -> list[dict[str, Any]]:
        """Return the control totals as store.json lists them."""
        return [{**asdict(control), "holds": control.holds} for control in self.controls]

    def files_json(self) -> list[dict[str, Any]]:
        """Return the source files as store.json lists them."""
        return [{**asdict(f), "notes": list(f.notes)} for f in self.files]


def _text(amount: Decimal) -> str:
    return f"{amount:.2f}"


def render(summary: ImportSummary) -> str:
    """Return the summary as text: counts and dollars by file type, and what is absent."""
    state = "all states" if summary.state == "all" else f"people of {summary.state}"
    lines = [
        f"{summary.out}: {summary.kind} import of {len(summary.files)} files, {state}"
        + (", synthetic data" if summary.synthetic else ""),
        f"  years    {', '.join(str(y) for y in summary.years)}",
        *(f"  {name:<13}{rows:>14,} rows" for name, rows in summary.tables.items()),
        "",
    ]
    for name, entry in summary.types.items():
        lines += _render_type(name, entry)
    lines += _render_rest(summary)
    return "\n".join(lines).rstrip() + "\n"


def _render_type(name: str, entry: TypeSummary) -> list[str]:
    lines = [f"{name}: {entry.read:,} rows read"]
    if not entry.dollars:
        return lines + [f"  {n:>14,}  {WORDS[k]}" for k, n in entry.rows.items() if n]
    lines[0] += f", {entry.in_files:,.2f} dollars in the files"
    for key, words in WORDS.items():
        count = entry.rows.get(key, 0)
        if count:
            dollars = entry.dollars.get(key, Decimal(0))
            lines.append(f"  {count:>14,}  {words:<40}{f'{dollars:,.2f}':>20}")
    for amount, words in (
        (entry.pass_through, "pass-through per diem x days"),
        (-entry.plan_paid, "paid by a plan: no dollars"),
    ):
        if amount:
            lines.append(f"  {'':>14}  {words:<40}{f'{amount:,.2f}':>20}")
    lines.append(f"  {'':>14}  {'dollars in the store':<40}{f'{entry.in_store:,.2f}':>20}")
    lines += [f"  {n:>14,}  {k} not well formed, left blank" for k, n in entry.blanked.items()]
    return lines


def _render_rest(summary: ImportSummary) -> list[str]:
    lines = [""]
    if summary.people is not None:
        lines.append(_render_people(summary.people))
    lines += render_repairs(summary.repairs)
    lines += render_controls(summary.controls)
    if summary.absent_types:
        lines.append(f"No files of these types: {', '.join(summary.absent_types)}")
    if summary.missing:
        lines.append(f"Missing in this source: {', '.join(summary.missing)}")
    if summary.duplicate_files:
        lines.append(f"Delivered twice, used once: {', '.join(summary.duplicate_files)}")
    if summary.ignored:
        aside = [f"{n} ({summary.why_ignored.get(n, '')})" for n in summary.ignored]
        lines.append(f"Not used: {', '.join(aside)}")
    if summary.quarantined:
        where = summary.out / "quarantine"
        lines.append(f"{summary.quarantined:,} rows can't be used; file, line and reason: {where}")
    lines += [f"{f.name}: {note}" for f in summary.files for note in f.notes]
    lines += summary.notes
    if summary.beyond:
        lines += ["Beyond the limits:", *(f"  {sentence}" for sentence in summary.beyond)]
        lines += [f"Accepted: {summary.accepted}"] if summary.accepted else []
    return lines


def _render_people(people: "PeopleCounts") -> str:
    parts = [
        f"{count:,} {words}"
        for count, words in (
            (people.imported, "imported"),
            (people.other_state, "of other states"),
            (people.set_aside, "set aside"),
        )
        if count
    ]
    return f"People: {people.read:,} in the beneficiary files: {', '.join(parts) or 'none'}"


def render_repairs(repairs: Sequence[RepairSummary]) -> list[str]:
    """Return what was mended in texts, a line for each file and column."""
    if not repairs:
        return []
    return ["Texts mended or not known:", *(
        f"  {r.count:>12,}  {r.what} ({r.file}, {r.column})" for r in repairs
    )]  # fmt: skip


def render_controls(controls: Sequence[Control]) -> list[str]:
    """Return how many control totals hold, and those that do not."""
    if not controls:
        return []
    held = sum(control.holds for control in controls)
    lines = [f"Control totals: {held:,} of {len(controls):,} hold"]
    return lines + [f"  FAIL  {c.sentence}" for c in controls if not c.holds]
