"""What changed between two runs and why: the answer first, every published number in a file.

Causes are parameters, inputs and code. Tables are joined on their keys; a cell that is hidden on
either side has no change, only the note that it was hidden or is shown now. The attribution
movement between the runs is read from the restricted tables where they are readable, and passes
the disclosure rule's smallest count before it is shown.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tcoc.disclosure import MARK, Difference
from tcoc.disclosure.attacker import disclosed
from tcoc.disclosure.record import Record, record_digest
from tcoc.errors import InputError, nearest
from tcoc.report import words
from tcoc.report.provenance import unsourced, value_words

CHANGE_COLUMNS = ("table", "row", "column", "before", "after", "change", "relative")
NOISE = 1e-9
"""Relative differences below this are summation noise, not changes."""

DICTIONARY = "dictionary.json"
SHOWN_BEFORE = "hidden now, shown in the earlier edition"
HIDDEN_BEFORE = "shown now, hidden in the earlier edition"
_VOLATILE = {"name", "store", "reference"}
_SMALLEST = 11
_HIDDEN_COLUMN = "hidden"
_PERSONAL = ("ccn", "zip", "npi", "aco_id", "combination")
_TOTAL_KINDS = ("dollars", "per_capita", "entities", "count")


@dataclass(frozen=True)
class Cause:
    """One difference that can explain others: its kind (parameter, input, code), and both sides."""

    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side; `changes` has one row per changed cell, the largest first.

    `totals` are the changed numbers that stand for the state or for a set of terms; `hospitals`
    has one row per hospital whose dollars differ: ccn, hospital, before, after, change.
    """

    before: str
    after: str
    causes: tuple[Cause, ...]
    changes: pd.DataFrame
    rows: tuple[str, ...] = ()
    movement: pd.DataFrame = field(default_factory=pd.DataFrame)
    synthetic: bool = False
    tables: int = 0
    disclosure: tuple[Difference, ...] = ()
    totals: pd.DataFrame = field(default_factory=pd.DataFrame)
    hospitals: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def empty(self) -> bool:
        """Whether nothing differs: no cause, no number, no row."""
        return not self.causes and self.changes.empty and not self.rows and self.movement.empty

    @property
    def discloses(self) -> bool:
        """Whether the two editions together would tell a small count (rule D2)."""
        return bool(self.disclosure)

    def to_csv(self) -> bytes:
        """Return the changed numbers as CSV."""
        return self.changes.to_csv(index=False, lineterminator="\n").encode()

    def text(self) -> str:
        """Return the answer in a few lines for the terminal; the file has every number."""
        from tcoc.report.compare_page import answer

        return answer(self)


def compare_runs(a: Path, b: Path) -> Comparison:
    """Compare run folder `a` (before) with `b` (after).

    Raises InputError for a folder without a manifest.
    """
    first, second = _manifest(a), _manifest(b)
    facts = {**_table_facts(b), **_table_facts(a)}
    changes, rows = _table_changes(a, b, facts)
    described = all((run / "tables" / DICTIONARY).is_file() for run in (a, b))
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
        disclosure=tuple(_told(a, b, changes, facts) if described else ()),
        totals=_totals(changes, facts),
        hospitals=_hospitals(a, b, facts),
    )


def _told(
    a: Path, b: Path, changes: pd.DataFrame, facts: Mapping[str, Mapping[str, Any]]
) -> list[Difference]:
    """Return what both editions together tell: the attacker says it from the gate's records.

    Folders without them, such as handed-out copies, are compared by their marks alone.
    """
    closed = [run / "restricted" for run in (b, a)]
    if all(map(record_digest, closed)):
        return disclosed([Record.read(folder) for folder in closed])
    return [
        Difference(table, column, row, HIDDEN_BEFORE if before == MARK else SHOWN_BEFORE)
        for table, row, column, before, after in changes.iloc[:, :5].to_numpy(object).tolist()
        if before and after and (before == MARK) != (after == MARK)
        if facts[table]["columns"].get(column, {}).get("kind") == "count"
    ]


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
    file = run / "tables" / DICTIONARY
    told: dict[str, dict[str, Any]] = (
        json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    )
    files = sorted((run / "tables").glob("*.csv"))
    return {file.stem: told.get(file.stem, {}) for file in files if file.stem != "dictionary"}


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


# ---------------------------------------------------------------- the answer


def _totals(changes: pd.DataFrame, facts: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the changed numbers of whole-state rows: what a reader asks for first."""
    if changes.empty:
        return changes
    wanted = [
        _is_total(facts.get(table, {}), str(row), str(column))
        for table, row, column in zip(
            changes["table"], changes["row"], changes["column"], strict=True
        )
    ]
    found = changes[np.array(wanted, dtype=bool) & changes["change"].notna()]
    size = found["change"].abs()
    found = found.assign(
        title=[facts[table].get("title", table) for table in found["table"]],
        place=[
            _in_words(facts[t], str(row))
            for t, row in zip(found["table"], found["row"], strict=True)
        ],
        label=[
            _entry(facts[t], c).get("label", c)
            for t, c in zip(found["table"], found["column"], strict=True)
        ],
        kind=[
            _entry(facts[t], c).get("kind", "")
            for t, c in zip(found["table"], found["column"], strict=True)
        ],
    )
    return found.assign(size=size).sort_values(
        ["size", "table", "row", "column"], ascending=[False, True, True, True]
    ).drop(columns="size").reset_index(drop=True)  # fmt: skip


def _entry(facts: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    return dict(facts.get("columns", {}).get(column, {}))


def _in_words(facts: Mapping[str, Any], row: str) -> str:
    """Write a row's place as a reader does: `rate_year 2020` is Rate year 2020."""
    said = f", {row}"
    for key in facts.get("keys", ()):
        found = re.search(rf", {re.escape(key)} ([^,]*)", said)
        if found:
            plain = words.HEADINGS.get(key, key.replace("_", " ").capitalize())
            label = _entry(facts, key).get("label", plain)
            said = said.replace(found.group(0), f", {label}: {words.name_of(found.group(1))}", 1)
    return said.removeprefix(", ")


def _is_total(facts: Mapping[str, Any], row: str, column: str) -> bool:
    """Whether a cell is dollars or a count of a row that stands for the whole of each dimension."""
    if facts.get("columns", {}).get(column, {}).get("kind") not in _TOTAL_KINDS:
        return False
    totals = facts.get("totals", {})
    if any(key in _PERSONAL and key not in totals for key in facts.get("keys", ())):
        return False
    said = f"{row}, "
    return all(f"{dimension} {label}, " in said for dimension, label in totals.items())


def _hospitals(a: Path, b: Path, facts: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return each hospital whose dollars differ, the largest change first: the MPA's, if there."""
    columns = ["ccn", "hospital", "before", "after", "change"]
    for name, column in _dollar_columns(facts):
        files = [run / "tables" / f"{name}.csv" for run in (a, b)]
        if not all(file.is_file() for file in files):
            continue
        one, two = (_by_hospital(file, column, facts[name]) for file in files)
        both = one.merge(two, on="ccn", suffixes=("_a", "_b"))
        both["change"] = both["dollars_b"] - both["dollars_a"]
        both = both[both["change"].abs() > NOISE]
        both = both.rename(
            columns={"dollars_a": "before", "dollars_b": "after", "hospital_b": "hospital"}
        )
        both = both.assign(size=-both["change"].abs()).sort_values(["size", "ccn"])
        return both[columns].reset_index(drop=True)
    return pd.DataFrame(columns=columns)


def _dollar_columns(facts: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return tables with a hospital's dollars, the plain MPA table before others."""
    found = [
        (column != "mpa_dollars", len(fact.get("keys", ())), name, column)
        for name, fact in facts.items()
        if "ccn" in fact.get("keys", ())
        for column, entry in fact.get("columns", {}).items()
        if entry.get("kind") == "dollars"
    ]
    return [(name, column) for _, _, name, column in sorted(found)]


def _by_hospital(file: Path, column: str, facts: Mapping[str, Any]) -> pd.DataFrame:
    """Return ccn, hospital, dollars: a row per hospital of the last year, hidden ones left out."""
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame["dollars"] = pd.to_numeric(frame[column], errors="coerce")
    frame["hospital"] = frame["hospital"] if "hospital" in frame else frame["ccn"]
    frame = frame[frame["ccn"].str.fullmatch(r"\d{6}") & frame["dollars"].notna()]
    order = [key for key in facts.get("keys", ()) if key != "ccn"]
    last = frame.sort_values(order, kind="stable").drop_duplicates("ccn", keep="last")
    return last[["ccn", "hospital", "dollars"]].sort_values("ccn")


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


def render_comparison(comparison: Comparison, out: Path) -> None:
    """Write a comparison as a page, and the changed numbers as CSV beside it."""
    from tcoc.report.compare_page import write_comparison

    write_comparison(comparison, out)


def default_out(b: Path, comparison: Comparison) -> Path:
    """Return where a comparison goes unless asked elsewhere: the later run's restricted folder.

    Two editions side by side can tell more about few people than each alone (rule D2).
    """
    before = comparison.before.replace("/", "-")
    return b / "restricted" / f"compare-with-{before}.html"
