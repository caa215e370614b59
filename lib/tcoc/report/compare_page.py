"""A comparison of two runs as words and as a page: the answer first, the numbers in a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tcoc.errors import InputError
from tcoc.folders import write_whole
from tcoc.report import words
from tcoc.report.compare import NOISE, Cause, Comparison
from tcoc.report.html_page import Page, Section, write_page
from tcoc.report.render import EYEBROW
from tcoc.report.tables import simple_table, text

CAUTION = (
    "Not for release: two editions side by side can tell more about few people than each alone"
    " (rule D2)."
)
_TOTALS, _HOSPITALS, _WARNINGS = 12, 15, 50
_LINES = 8


def answer(comparison: Comparison) -> str:
    """Return the comparison in a few lines: parameters, totals, hospitals, what else differs."""
    if comparison.empty:
        return f"{comparison.before} and {comparison.after}: no difference"
    parameters = [c for c in comparison.causes if c.kind == "parameter"]
    lines = [f"{c.name}: {c.before} -> {c.after}" for c in parameters]
    lines += _other_causes(comparison.causes)
    lines += [_total_line(row) for row in comparison.totals.head(_LINES).to_dict("records")]
    lines += [_hospital_line(row) for row in comparison.hospitals.head(_LINES).to_dict("records")]
    rest = len(comparison.hospitals) - _LINES
    lines += [f"  and {words.plural(rest, 'more hospital')}"] if rest > 0 else []
    lines += list(comparison.rows)
    lines += [disclosure_words(comparison)] if comparison.discloses else []
    return "\n".join([*lines, _how_many(comparison)])


def _other_causes(causes: Sequence[Cause]) -> list[str]:
    """Say inputs and code in a line each: their hashes stand in the file."""
    found = []
    for kind, what in (("input", "input file"), ("code", "part of the code")):
        names = [c.name for c in causes if c.kind == kind]
        if names:
            some = words.listing(names[:3]) + (" and others" if len(names) > 3 else "")
            many = "parts of the code" if kind == "code" else ""
            verb = "differs" if len(names) == 1 else "differ"
            found.append(f"{words.plural(len(names), what, many)} {verb}: {some}")
    return found


def _how_many(comparison: Comparison) -> str:
    if comparison.changes.empty:
        return "every published number is the same"
    touched = comparison.changes["table"].nunique()
    return (
        f"{words.plural(len(comparison.changes), 'published number')} differ in"
        f" {touched} of {words.plural(comparison.tables, 'table')}"
    )


def _total_line(row: Mapping[Any, Any]) -> str:
    relative = "" if pd.isna(row["relative"]) else f" ({words.change(row['relative'], 2)})"
    place = f"{row['table']}: {row['row']}: {row['column']}"
    return f"  {place}: {_side(row['before'])} -> {_side(row['after'])}{relative}"


def _hospital_line(row: Mapping[Any, Any]) -> str:
    sides = f"{words.dollars(row['before'])} -> {words.dollars(row['after'])}"
    return f"  {row['hospital']} ({row['ccn']}): {sides} ({words.dollar_change(row['change'])})"


def disclosure_words(comparison: Comparison) -> str:
    """Say in how many cells the two editions tell more together than each alone."""
    return (
        f"Published together, the two releases would tell a small count by difference in"
        f" {words.plural(len(comparison.disclosure), 'cell')} (rule D2)"
    )


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write a comparison as a page, and every changed number as CSV beside it.

    Raises InputError where nothing can be written there.
    """
    sections = [
        Section("totals", "What it did to the totals", _totals_html(comparison)),
        Section("hospitals", "Which hospitals’ dollars moved", _hospitals_html(comparison)),
        Section("causes", "What could explain it", _causes_html(comparison)),
        Section("movement", "Who is attributed otherwise", _movement_html(comparison)),
        Section("rows", "Tables and rows on one side only", _rows_html(comparison)),
        Section("disclosure", "Disclosure by difference", _disclosure_html(comparison)),
    ]
    page = Page(
        title=f"{text(comparison.before)} against {text(comparison.after)}",
        eyebrow=EYEBROW,
        summary=f"<p>{_summary(comparison)}</p><p>{CAUTION}</p>",
        sections=[section for section in sections if section.html],
        footer=f"<p>To reproduce: <code>tcoc compare {text(comparison.before)}"
        f" {text(comparison.after)}</code></p>",
        synthetic=comparison.synthetic,
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(page, comparison, out)
    except OSError as error:
        raise InputError(
            f"--out {out}: the comparison cannot be written there ({error.strerror})"
        ) from error


def _write(page: Page, comparison: Comparison, out: Path) -> None:
    write_page(page, out)
    # as open as the user's umask lets it be; by default it lies in a folder of the owner's
    write_whole(out.with_suffix(".csv"), comparison.to_csv(), 0o666)


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
    moved = len(comparison.hospitals)
    dollars = f" Dollars of {words.plural(moved, 'hospital')} differ." if moved else ""
    many = text(_how_many(comparison))
    return f"{cause}{many[0].upper()}{many[1:]}.{dollars}"


def _causes_html(comparison: Comparison) -> str:
    if not comparison.causes:
        return "<p>Parameters, inputs and code are the same.</p>"
    rows = [[c.kind, c.name, c.before, c.after] for c in comparison.causes]
    headings = ["Kind", "Name", comparison.before, comparison.after]
    return simple_table("causes", "Parameters first, then inputs and code", headings, rows)


def _totals_html(comparison: Comparison) -> str:
    if comparison.changes.empty:
        return "<p>Every published number is the same.</p>"
    file = "The CSV file beside this page has every number that differs."
    if comparison.totals.empty:
        return f"<p>No statewide total differs. {file}</p>"
    cells = [_cells(row) for row in comparison.totals.head(_TOTALS).to_dict("records")]
    headings = ["Table", "Row", "What", comparison.before, comparison.after, "Change", "Relative"]
    caption = "Totals that differ, the largest change first"
    return simple_table("totals-table", caption, headings, cells, file, right_from=3)


def _hospitals_html(comparison: Comparison) -> str:
    rows = comparison.hospitals
    if rows.empty:
        return ""
    cells = [
        [f"{r['hospital']} ({r['ccn']})", *(words.dollars(r[c]) for c in ("before", "after")),
         words.dollar_change(r["change"])]
        for r in rows.head(_HOSPITALS).to_dict("records")
    ]  # fmt: skip
    rest = len(rows) - _HOSPITALS
    note = f"{words.plural(rest, 'more hospital')} in the CSV file." if rest > 0 else ""
    headings = ["Hospital", comparison.before, comparison.after, "Change"]
    caption = "Hospitals by dollars changed"
    return simple_table("hospitals-table", caption, headings, cells, note, right_from=1)


def _cells(row: Mapping[Any, Any]) -> list[str]:
    change = "–" if pd.isna(row["change"]) else _amount(row["change"])
    relative = "–" if pd.isna(row["relative"]) else words.change(row["relative"], 2)
    place = [str(row["title"]), str(row["place"]), str(row["label"])]
    sides = [_side(row["before"]), _side(row["after"])]
    if row["kind"] in ("dollars", "per_capita"):
        sides = [words.dollars(pd.to_numeric(row[side])) for side in ("before", "after")]
        change = words.dollar_change(row["change"])
    return [*place, *sides, change, relative]


def _side(value: Any) -> str:
    """Write one side of a change as a reader would; text stays as it is."""
    number = pd.to_numeric(value, errors="coerce") if value else None
    if number is None or pd.isna(number):
        return str(value or "empty")
    return _amount(float(number))


def _amount(value: float) -> str:
    whole = abs(value - round(value)) < NOISE * max(1.0, abs(value))
    return words.number(value, 0 if whole else 2 if abs(value) >= 100 else 4)


def _movement_html(comparison: Comparison) -> str:
    if comparison.movement.empty:
        return ""
    rows: Sequence[Sequence[str]] = [
        [
            str(r["year"]),
            words.name_of(r["stage_a"]),
            words.name_of(r["stage_b"]),
            words.count(r["benes"]),
        ]
        for r in comparison.movement.to_dict("records")
    ]
    headings = ["Year", f"Stage in {comparison.before}", f"Stage in {comparison.after}", "Moved"]
    note = "Beneficiary-years whose main hospital or stage differs; counts of 1 to 10 are hidden."
    return simple_table(
        "movement-table", "Who is attributed otherwise", headings, rows, note, right_from=3
    )


def _rows_html(comparison: Comparison) -> str:
    items = "".join(f"<li>{text(row)}</li>" for row in comparison.rows)
    return f"<ul>{items}</ul>" if items else ""


def _disclosure_html(comparison: Comparison) -> str:
    if not comparison.discloses:
        return ""
    items = "".join(f"<li>{text(str(row))}</li>" for row in comparison.disclosure[:_WARNINGS])
    return f"<p>{text(disclosure_words(comparison))}</p><ul>{items}</ul>"
