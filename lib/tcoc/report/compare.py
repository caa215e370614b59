"""What changed between two runs and why: causes first, then every published number.

Causes are parameters, inputs and code. Tables are joined on their keys; a cell that is hidden on
either side has no change, only the note that it was hidden or is shown now. The attribution
movement between the runs is read from the restricted tables where they are readable, and passes
the disclosure rule's smallest count before it is shown.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tcoc.disclosure import Difference, difference_check_folders
from tcoc.errors import InputError, nearest
from tcoc.report import words
from tcoc.report.audited import TABLES_INDEX
from tcoc.report.html_page import Page, Section, write_page
from tcoc.report.provenance import unsourced, value_words
from tcoc.report.render import EYEBROW
from tcoc.report.tables import simple_table, text

CHANGE_COLUMNS = ("table", "row", "column", "before", "after", "change", "relative")
NOISE = 1e-9
"""Relative differences below this are summation noise, not changes."""

CAUTION = (
    "Not for release: two editions side by side can tell more about few people than each alone"
    " (rule D2)."
)

_VOLATILE = {"name", "store", "reference"}
_PER_TABLE = 12
_WARNINGS = 50
_SMALLEST = 11
_HIDDEN_COLUMN = "hidden"


@dataclass(frozen=True)
class Cause:
    """One difference that can explain others: its kind (parameter, input, code), and both sides."""

    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side; `changes` has one row per changed number, the largest first."""

    before: str
    after: str
    causes: tuple[Cause, ...]
    changes: pd.DataFrame
    rows: tuple[str, ...] = ()
    movement: pd.DataFrame = field(default_factory=pd.DataFrame)
    synthetic: bool = False
    tables: int = 0
    disclosure: tuple[Difference, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing differs: no cause, no number, no row."""
        return not self.causes and self.changes.empty and not self.rows and self.movement.empty

    def to_csv(self) -> bytes:
        """Return the changed numbers as CSV."""
        return self.changes.to_csv(index=False, lineterminator="\n").encode()

    def text(self) -> str:
        """Return the comparison in a few lines for the terminal."""
        if self.empty:
            return f"{self.before} and {self.after}: no difference"
        lines = [f"{cause.kind} {cause.name}: {cause.before} -> {cause.after}"
                 for cause in self.causes]  # fmt: skip
        lines += list(self.rows)
        if self.disclosure:
            lines.append(_disclosure_words(self.disclosure))
        lines.append(words.plural(len(self.changes), "number") + " differ")
        return "\n".join(lines + [_line(row) for row in self.changes.head(20).to_dict("records")])


def compare_runs(a: Path, b: Path) -> Comparison:
    """Compare run folder `a` (before) with `b` (after).

    Raises InputError for a folder without a manifest.
    """
    first, second = _manifest(a), _manifest(b)
    facts = {**_table_facts(b), **_table_facts(a)}
    changes, rows = _table_changes(a, b, facts)
    names = _names(a, b)
    return Comparison(
        before=names[0],
        after=names[1],
        causes=tuple(_causes(first, second)),
        changes=changes,
        rows=tuple(rows),
        movement=_movement(a, b),
        synthetic=bool(first.get("synthetic") and second.get("synthetic")),
        tables=len(facts),
        disclosure=tuple(difference_check_folders(b / "tables", a / "tables")),
    )


def _disclosure_words(found: Sequence[Difference]) -> str:
    return (
        f"Published together, the two releases would tell a small count by difference in"
        f" {words.plural(len(found), 'cell')} (rule D2)"
    )


def render_comparison(comparison: Comparison, out: Path) -> None:
    """Write a comparison as a page, and the changed numbers as CSV beside it."""
    sections = [
        Section("causes", "What could explain it", _causes_html(comparison)),
        Section("numbers", "Numbers that differ", _changes_html(comparison)),
    ]
    if comparison.rows:
        items = "".join(f"<li>{text(row)}</li>" for row in comparison.rows)
        sections.append(Section("rows", "Tables and rows on one side only", f"<ul>{items}</ul>"))
    if comparison.disclosure:
        items = "".join(f"<li>{text(str(row))}</li>" for row in comparison.disclosure[:_WARNINGS])
        warned = f"<p>{_disclosure_words(comparison.disclosure)}</p><ul>{items}</ul>"
        sections.append(Section("disclosure", "Disclosure by difference", warned))
    if not comparison.movement.empty:
        moved = Section("movement", "Attribution movement", _movement_html(comparison))
        sections.append(moved)
    page = Page(
        title=f"{text(comparison.before)} against {text(comparison.after)}",
        eyebrow=EYEBROW,
        summary=f"<p>{_summary(comparison)}</p><p>{CAUTION}</p>",
        sections=sections,
        footer=f"<p>To reproduce: <code>tcoc compare {text(comparison.before)}"
        f" {text(comparison.after)}</code></p>",
        synthetic=comparison.synthetic,
    )
    write_page(page, out)
    out.with_suffix(".csv").write_bytes(comparison.to_csv())


def _names(a: Path, b: Path) -> tuple[str, str]:
    first, second = a.resolve(), b.resolve()
    if first.name != second.name or first == second:
        return first.name, second.name
    return f"{first.parent.name}/{first.name}", f"{second.parent.name}/{second.name}"


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / "manifest.json"
    if not file.is_file():
        siblings = [m.parent.name for m in folder.parent.glob("*/manifest.json")]
        hint = nearest(folder.name, sorted(siblings)) if siblings else ""
        raise InputError(f"{folder}: there is no finished run{hint}")
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


# ---------------------------------------------------------------- causes


def flat_parameters(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return a run's parameters after defaults by dotted name, run keys as `run.KEY`.

    A mapping has a name for each of its keys, and a list stands whole, so that nothing inside a
    value can differ unseen.
    """
    parameters = manifest.get("parameters", {})
    flat: dict[str, str] = {}
    for key, value in parameters.get("run", {}).items():
        if key not in _VOLATILE:
            flat |= _leaves(f"run.{key}", value)
    for use in parameters.get("policy", []):
        year = "" if use.get("year") is None else f" ({use['year']})"
        flat |= {name + year: words for name, words in _leaves(use["name"], use["value"]).items()}
    return flat


def _leaves(name: str, value: Any) -> dict[str, str]:
    value = unsourced(value)
    if isinstance(value, Mapping) and value:
        return {
            leaf: words
            for key, inner in value.items()
            for leaf, words in _leaves(f"{name}.{key}", inner).items()
        }
    if isinstance(value, list) and any(isinstance(inner, (Mapping, list)) for inner in value):
        return _leaves(name, dict(enumerate(value, 1)))
    return {name: ", ".join(map(str, value)) if isinstance(value, list) else value_words(value)}


def _causes(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Cause]:
    parameters = _differing("parameter", flat_parameters(first), flat_parameters(second))
    inputs = _differing("input", _inputs(first), _inputs(second))
    code = _differing("code", _code(first), _code(second))
    return [*sorted(parameters, key=lambda cause: cause.name.startswith("run.")), *inputs, *code]


def _inputs(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return input files by path; the run file, listed first, is compared by its parameters."""
    return {
        str(entry["path"]): str(entry["sha256"])[:12] for entry in manifest.get("inputs", [])[1:]
    }


def _code(manifest: Mapping[str, Any]) -> dict[str, str]:
    versions = {str(k): str(v) for k, v in manifest.get("versions", {}).items()}
    return {"commit": _short_commit(str(manifest.get("git_commit", ""))), **versions}


def _short_commit(commit: str) -> str:
    """Shorten a commit's hash and keep the remark that files differ from it."""
    head, mark, rest = commit.partition("+")
    return head[:12] + mark + rest


def _differing(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> list[Cause]:
    return [
        Cause(kind, name, before.get(name, "absent"), after.get(name, "absent"))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


# ---------------------------------------------------------------- tables


def _table_facts(run: Path) -> dict[str, dict[str, Any]]:
    """Return what each published table says of itself; only names where a run does not say."""
    file = run / "tables" / TABLES_INDEX
    told: dict[str, dict[str, Any]] = (
        json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    )
    return {path.stem: told.get(path.stem, {}) for path in (run / "tables").glob("*.csv")}


def _table_changes(
    a: Path, b: Path, facts: Mapping[str, Mapping[str, Any]]
) -> tuple[pd.DataFrame, list[str]]:
    changes: list[pd.DataFrame] = []
    remarks: list[str] = []
    for name in sorted(facts):
        files = [run / "tables" / f"{name}.csv" for run in (a, b)]
        if not all(file.is_file() for file in files):
            side = "the first" if files[0].is_file() else "the second"
            remarks.append(f"table {name} is only in {side} run")
            continue
        first, second = (pd.read_csv(file, dtype=str, keep_default_na=False) for file in files)
        keys = _keys(first, second, facts[name])
        found, said = _cell_changes(name, first, second, keys)
        changes.append(found)
        remarks.extend(said)
    columns = list(CHANGE_COLUMNS)
    whole = pd.concat(changes, ignore_index=True) if changes else pd.DataFrame(columns=columns)
    return _ranked(whole), remarks


def _keys(first: pd.DataFrame, second: pd.DataFrame, facts: Mapping[str, Any]) -> list[str]:
    """Return the key columns: those declared, else the columns that are not all numbers."""
    shared = [c for c in first.columns if c in second.columns and c != _HIDDEN_COLUMN]
    declared = [key for key in facts.get("keys", []) if key in shared]
    if declared:
        return declared
    return [
        c for c in shared if c == "year" or pd.to_numeric(first[c], errors="coerce").isna().any()
    ]


def _cell_changes(
    name: str, first: pd.DataFrame, second: pd.DataFrame, keys: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    left, right = (_by_key(frame, keys) for frame in (first, second))
    only = [(left.index.difference(right.index), "first"),
            (right.index.difference(left.index), "second")]  # fmt: skip
    remarks = [
        f"table {name}: {words.plural(len(rows), 'row')} only in the {side} run"
        for rows, side in only
        if len(rows)
    ]
    both = left.index.intersection(right.index)
    columns = [c for c in left.columns if c in right.columns and c != _HIDDEN_COLUMN]
    parts = [_column_changes(name, c, left.loc[both, c], right.loc[both, c]) for c in columns]
    empty = pd.DataFrame(columns=list(CHANGE_COLUMNS))
    found = [part for part in parts if len(part)]
    return (pd.concat(found, ignore_index=True) if found else empty), remarks


def _by_key(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Index rows by their keys in words; equal keys are numbered, so that each row has one name."""
    label = [
        ", ".join(f"{k} {v}" for k, v in row.items()) for row in frame[keys].to_dict("records")
    ]
    names = pd.Series(label or [], index=frame.index, dtype=str)
    again = names.groupby(names).cumcount()
    names = names.where(again == 0, names + " (" + (again + 1).astype(str) + ")")
    return frame.drop(columns=keys).set_index(pd.Index(names))


def _column_changes(name: str, column: str, before: pd.Series, after: pd.Series) -> pd.DataFrame:
    a, b = (pd.to_numeric(side, errors="coerce") for side in (before, after))
    scale = a.abs().combine(b.abs(), max)
    differs = (before != after) & ~((a - b).abs() <= NOISE * scale)
    found = pd.DataFrame(
        {
            "table": name,
            "row": before.index,
            "column": column,
            "before": before.to_numpy(),
            "after": after.to_numpy(),
            "change": (b - a).to_numpy(),
            "relative": ((b - a) / a.abs().where(a != 0)).to_numpy(),
        },
        columns=list(CHANGE_COLUMNS),
    )
    return found[differs.to_numpy()]


def _ranked(changes: pd.DataFrame) -> pd.DataFrame:
    """Order by relative size, numbers without one (from zero, hidden) last, ties by place."""
    if changes.empty:
        return changes
    order = changes.assign(size=-changes["relative"].abs().astype("float64").round(12))
    by = ["size", "table", "row", "column"]
    ranked = order.sort_values(by, na_position="last", kind="stable")
    return ranked.drop(columns="size").reset_index(drop=True)


# ---------------------------------------------------------------- attribution movement


def _movement(a: Path, b: Path) -> pd.DataFrame:
    """Return beneficiary-years by year and stage in each run, where the runs attribute otherwise.

    Counts of 1 to 10 are left out, as `hidden`; the unchanged are not listed, so that no sum gives
    them away. Empty where the restricted tables are absent or not readable, or nothing moved.
    """
    files = [run / "restricted" / "attribution.parquet" for run in (a, b)]
    try:
        sides = [_main_rows(file) for file in files]
    except (FileNotFoundError, PermissionError):
        return pd.DataFrame()
    both = sides[0].merge(sides[1], on=["year", "bene_id"], how="outer", suffixes=("_a", "_b"))
    both = both.fillna({"stage_a": "not attributed", "stage_b": "not attributed"})
    moved = both[(both["ccn_a"] != both["ccn_b"]) | (both["stage_a"] != both["stage_b"])]
    if moved.empty:
        return pd.DataFrame()
    table = moved.groupby(["year", "stage_a", "stage_b"]).size().reset_index(name="benes")
    table["benes"] = table["benes"].astype("Int64").where(table["benes"] >= _SMALLEST)
    return table


def _main_rows(file: Path) -> pd.DataFrame:
    """Return each beneficiary-year's main hospital: the largest share, ties to the lowest CCN."""
    rows = pd.read_parquet(file, columns=["year", "bene_id", "ccn", "stage", "share"])
    rows = rows.sort_values(["share", "ccn"], ascending=[False, True], kind="stable")
    return rows.drop_duplicates(["year", "bene_id"])[["year", "bene_id", "ccn", "stage"]]


# ---------------------------------------------------------------- words and HTML


def _summary(comparison: Comparison) -> str:
    if comparison.empty:
        return (
            f"No difference: parameters, inputs, code and all {comparison.tables} published"
            " tables are the same."
        )
    first = comparison.causes[0] if comparison.causes else None
    cause = (
        f"The first difference is {first.kind} <strong>{text(first.name)}</strong>:"
        f" {text(first.before)} became {text(first.after)}. "
        if first
        else "No parameter, input or code differs. "
    )
    touched = comparison.changes["table"].nunique()
    return (
        f"{cause}{words.plural(len(comparison.changes), 'published number')} differ,"
        f" in {touched} of {words.plural(comparison.tables, 'table')}."
    )


def _causes_html(comparison: Comparison) -> str:
    if not comparison.causes:
        return "<p>Parameters, inputs and code are the same.</p>"
    rows = [[c.kind, c.name, c.before, c.after] for c in comparison.causes]
    headings = ["Kind", "Name", comparison.before, comparison.after]
    return simple_table("causes", "Parameters first, then inputs and code", headings, rows)


def _changes_html(comparison: Comparison) -> str:
    if comparison.changes.empty:
        return "<p>All published numbers are the same.</p>"
    parts = []
    for name, rows in comparison.changes.groupby("table", sort=False):
        cells = [_cells(row) for row in rows.head(_PER_TABLE).to_dict("records")]
        caption = f"{name}: {words.plural(len(rows), 'number')} differ"
        rest = len(rows) - _PER_TABLE
        note = f"The largest {_PER_TABLE} are shown; the CSV file has all." if rest > 0 else ""
        headings = ["Row", "Column", comparison.before, comparison.after, "Change", "Relative"]
        parts.append(simple_table(f"changes-{name}", caption, headings, cells, note, right_from=2))
    return "".join(parts)


def _cells(row: Mapping[Any, Any]) -> list[str]:
    change = "–" if pd.isna(row["change"]) else _amount(row["change"])
    relative = "–" if pd.isna(row["relative"]) else words.change(row["relative"], 2)
    return [row["row"], row["column"], _side(row["before"]), _side(row["after"]), change, relative]


def _side(value: str) -> str:
    """Write one side of a change as a reader would; text stays as it is."""
    number = pd.to_numeric(value, errors="coerce") if value else None
    if number is None or pd.isna(number):
        return value or "empty or hidden"
    return _amount(float(number))


def _amount(value: float) -> str:
    whole = abs(value - round(value)) < NOISE * max(1.0, abs(value))
    return words.number(value, 0 if whole else 2 if abs(value) >= 100 else 4)


def _line(row: Mapping[Any, Any]) -> str:
    relative = "" if pd.isna(row["relative"]) else f" ({words.change(row['relative'], 2)})"
    place = f"{row['table']}: {row['row']}: {row['column']}"
    return f"  {place}: {_side(row['before'])} -> {_side(row['after'])}{relative}"


def _movement_html(comparison: Comparison) -> str:
    rows: Sequence[Sequence[str]] = [
        [str(r["year"]), str(r["stage_a"]), str(r["stage_b"]), words.count(r["benes"])]
        for r in comparison.movement.to_dict("records")
    ]
    headings = ["Year", f"Stage in {comparison.before}", f"Stage in {comparison.after}", "Moved"]
    note = "Beneficiary-years whose main hospital or stage differs; counts of 1 to 10 are hidden."
    return simple_table(
        "movement", "Who is attributed otherwise", headings, rows, note, right_from=3
    )
