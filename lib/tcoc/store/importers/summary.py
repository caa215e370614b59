"""What an import did, in counts and dollars: for store.json, for the screen, for the reports."""

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

WORDS = {
    "quarantined": "in quarantine",
    "not_final": "not final action",
    "deleted": "deleted",
    "replaced": "replaced by an update",
    "duplicates": "exact duplicates",
    "repeated": "lines that repeat a claim's header",
    "cancelled": "cancelled or adjusted",
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


@dataclass
class TypeSummary:
    """One file type: rows read, rows by disposition, and the same in dollars.

    Rows read are the sum of the dispositions. Dollars in the files are the sum of `dollars`;
    imported dollars plus `pass_through` less `plan_paid` are the dollars in the store.
    """

    read: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    dollars: dict[str, Decimal] = field(default_factory=dict)
    pass_through: Decimal = Decimal(0)
    plan_paid: Decimal = Decimal(0)
    in_store: Decimal = Decimal(0)
    blanked: dict[str, int] = field(default_factory=dict)

    @property
    def in_files(self) -> Decimal:
        """The dollars of all readable rows of the files."""
        return sum(self.dollars.values(), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """What rows and dollars from file to store leave unexplained: always 0.00."""
        carried = self.dollars.get("imported", Decimal(0)) + self.pass_through - self.plan_paid
        return carried - self.in_store


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
                "dollars": {
                    "in_files": _text(entry.in_files),
                    **{k: _text(v) for k, v in entry.dollars.items() if v},
                    "pass_through": _text(entry.pass_through),
                    "plan_paid": _text(entry.plan_paid),
                    "in_store": _text(entry.in_store),
                    "difference": _text(entry.difference),
                },
            }
        return {
            "types": types,
            "absent_types": list(self.absent_types),
            "ignored_files": list(self.ignored),
            "duplicate_files": list(self.duplicate_files),
            "notes": self.notes,
            "reconciliation": self.reconciliation,
        }

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
    if summary.absent_types:
        lines.append(f"No files of these types: {', '.join(summary.absent_types)}")
    if summary.missing:
        lines.append(f"Missing in this source: {', '.join(summary.missing)}")
    if summary.duplicate_files:
        lines.append(f"Delivered twice, used once: {', '.join(summary.duplicate_files)}")
    if summary.ignored:
        lines.append(f"Not used: {', '.join(summary.ignored)}")
    if summary.quarantined:
        where = summary.out / "quarantine"
        lines.append(f"{summary.quarantined:,} rows can't be used; file, line and reason: {where}")
    lines += [f"{f.name}: {note}" for f in summary.files for note in f.notes]
    return lines + summary.notes
