"""Tables for readers: semantic HTML, plain text; headings and formats from the dictionary.

The column that matters stands beside the name, a hospital carries its CCN, a column that holds
one value is said in the caption instead, and a long grid shows its first rows and leaves the rest
to the files. A hidden cell has a mark and no number.
"""

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from tcoc.disclosure import Column, PublicTable
from tcoc.errors import TcocError, nearest
from tcoc.report import formats, words

MARK = "‡"
ABSENT = "–"
HIDDEN_NOTE = (
    f"{MARK} Hidden so that no count of 1 to 10 people is shown or can be worked out"
    " (rules D1 and D2)."
)
LONG = 20
"""Rows from which the page offers sorting and a filter."""
LONGEST = 60
"""Rows that a page shows; the rest of a longer grid stands in its files."""
_PRINTED = 15
"""Rows that a printed page holds (see page.css)."""

_LONG = 50
"""Letters from which a text needs a column of its own width on a phone."""

_AMOUNT = re.compile(
    r"[+−-]?\$[\d][\d,.]*(?:[BMK]\b)?|−[\d][\d,.]*%?|\$"
    r"|\b\d{4}-\d\d(?:-\d\d)?\b"  # a day, and years as in 2017-18, stay on one line as well
)


@dataclass(frozen=True)
class Head:
    """A column as shown: its heading, whether numbers stand flush right, its group and a hint."""

    heading: str
    right: bool
    group: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Grid:
    """A table ready to be written: texts by row, each row's hospital, heads, words around it."""

    name: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    keys: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    constants: str = ""
    csv: bytes = b""
    anchor: str = ""
    more: int = 0
    about: tuple[str, ...] = field(default=())


def grid_of(
    table: PublicTable,
    columns: Sequence[str] = (),
    *,
    caption: str = "",
    across: str = "",
    note: str = "",
    csv: bytes = b"",
    anchor: str = "",
    longest: int = LONGEST,
) -> Grid:
    """Return a public table as a reader sees it.

    `across` puts the labels of one dimension (years, tests) into columns. `columns` chooses and
    orders the columns, the first of them heads the row; without it all are shown.
    Raises TcocError for an unknown column.
    """
    chosen = list(columns) or [str(c) for c in table.frame.columns]
    _known(table, [*chosen, *([across] if across else [])])
    groups: dict[str, tuple[str, str]] = {}
    view = table
    if across:
        labels = [formats.write(formats.column_of(table, across), v)
                  for v in dict.fromkeys(table.frame[across].tolist())]  # fmt: skip
        view, chosen, groups = _across(table, chosen, across, labels)
    chosen = _hospital_first(view, chosen)
    chosen, constants = _constants(view, chosen, table)
    shown = view.head(longest) if len(view) > longest else view
    codes, chosen = _codes(shown, chosen)
    heads = tuple(_head(view, name, groups) for name in chosen)
    texts = [_texts(shown, name) for name in chosen]
    hidden = shown.hidden
    some = any(bool(hidden[c].any()) for c in chosen if c in hidden.columns)
    notes = [HIDDEN_NOTE] if some else []
    notes += [n for n in (note or table.note,) if n]
    return Grid(
        table.name,
        caption or table.title,
        heads,
        tuple(zip(*texts, strict=True)),
        tuple(formats.row_keys(shown)),
        codes,
        tuple(notes + ([f"Source: {table.source}"] if table.source else [])),
        constants,
        csv,
        anchor or f"table-{table.name}",
        len(view) - len(shown),
    )


def _known(table: PublicTable, names: Sequence[str]) -> None:
    valid = [str(c) for c in table.frame.columns]
    for name in names:
        if name not in valid:
            raise TcocError(f'table {table.name}: column "{name}" is unknown{nearest(name, valid)}')


def _across(
    table: PublicTable, chosen: list[str], across: str, labels: list[str]
) -> tuple[PublicTable, list[str], dict[str, tuple[str, str]]]:
    """Turn a dimension's labels into columns, grouped by what they measure.

    Words that differ along the dimension, such as a check's light by year, go across like numbers.
    """
    plain = formats.TEXTS | {"year", "flag"}
    steady = set(map(str, table.across(across).frame.columns))
    measures = [
        c for c in chosen
        if c not in (across, *table.keys)
        and (formats.column_of(table, c).kind not in plain or c not in steady)
    ]  # fmt: skip
    stays = [c for c in chosen if c not in measures and c != across]
    view = table.across(across, *measures)
    codes = [str(v) for v in dict.fromkeys(table.frame[across].map(_code).tolist())]
    groups = {
        f"{code} {m}": (formats.column_of(table, m).label, label)
        for m in measures
        for code, label in zip(codes, labels, strict=True)
    }
    there = set(map(str, view.frame.columns))
    return view, [c for c in [*stays, *groups] if c in there], groups


def _code(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _hospital_first(table: PublicTable, chosen: list[str]) -> list[str]:
    """Show a hospital by its name where only its CCN was asked for."""
    name = formats.name_column(table, "ccn") if "ccn" in chosen else "ccn"
    if name == "ccn":
        return chosen
    rest = [c for c in chosen if c != name]
    rest.insert(rest.index("ccn"), name)
    return rest


def _constants(view: PublicTable, chosen: list[str], table: PublicTable) -> tuple[list[str], str]:
    """Take out the dimensions that hold one value; the caption says them."""
    frame, said, left = view.frame, [], []
    for name in chosen:
        column = formats.column_of(view, name)
        only = len(frame) > 1 and column.kind in (*formats.TEXTS, "year", "flag")
        if only and frame[name].nunique(dropna=False) == 1 and not frame[name].isna().any():
            value = formats.write(column, frame[name].iloc[0])
            if column.kind == "year" and name == "year":
                said.append(value)
            elif name not in ("ccn", "hospital"):
                said.append(f"{column.label}: {value}")
            else:
                said.append(value)
        else:
            left.append(name)
    return (left or chosen, "; ".join(dict.fromkeys(said)) if left else "")


def _codes(table: PublicTable, chosen: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Write a hospital's CCN below its name instead of in a column of its own."""
    name = formats.name_column(table, "ccn") if "ccn" in chosen else "ccn"
    if name == "ccn" or name not in chosen or chosen[0] not in ("ccn", name):
        return (), chosen
    return tuple(formats.row_keys(table)), [c for c in chosen if c != "ccn"]


def _head(view: PublicTable, name: str, groups: dict[str, tuple[str, str]]) -> Head:
    column = formats.column_of(view, name)
    right = column.kind in formats.RIGHT and name not in view.keys
    hint = column.description
    if name in groups:
        group, label = groups[name]
        return Head(label, right, group, hint)
    return Head(column.label + _unit(column), right, "", hint)


def _unit(column: Column) -> str:
    unit = column.unit.lower()
    plain = {"", "share", "shares", "dollars", "people", "percent", "score", "year", "hospitals"}
    return "" if unit in plain or unit in column.label.lower() else f" ({column.unit})"


def _texts(table: PublicTable, name: str) -> list[str]:
    column, hidden = formats.column_of(table, name), formats.is_hidden(table, name)
    texts = [
        MARK if hide else ABSENT if bool(pd.isna(value)) else formats.write(column, value)
        for value, hide in zip(table.frame[name].tolist(), hidden, strict=True)
    ]
    if column.kind != "number":
        return texts
    digits = formats.most_digits(texts)
    return [formats.padded(text, digits) for text in texts]


# ---------------------------------------------------------------- writing


def as_html(grid: Grid) -> str:
    """Return the table with caption, headings by scope, notes and a download of its data."""
    anchor = grid.anchor or f"table-{grid.name}"
    long = f' data-long="{len(grid.rows)}"' if len(grid.rows) > LONG else ""
    caption = f"{anchor}-caption"
    wide = " data-wide" if len(grid.heads) > 7 else ""
    return (
        f'<div class="tcoc-table" id="{anchor}"{long}{wide}>'
        f'<div class="tcoc-scroll" role="region" tabindex="0" aria-labelledby="{caption}">'
        f"<table>{_caption(grid, caption)}{_thead(grid)}{_body(grid, anchor)}</table></div>"
        f"{_foot(grid)}{download(grid.name, grid.csv)}</div>"
    )


def as_text(grid: Grid, rows: int = 12) -> str:
    """Return caption and first rows as plain text, for terminals and notebook comparison."""
    heads = [f"{h.heading} {h.group}".strip() for h in grid.heads]
    cells = [heads, *map(list, grid.rows[:rows])]
    widths = [max(map(len, texts)) for texts in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            text.rjust(width) if head.right else text.ljust(width)
            for text, width, head in zip(texts, widths, grid.heads, strict=True)
        ).rstrip()
        for texts in cells
    ]
    more = len(grid.rows) - rows + grid.more
    tail = [f"({more} more rows)"] if more > 0 else []
    return "\n".join([grid.caption, "", *lines, *tail, *grid.notes])


def download(name: str, csv: bytes) -> str:
    """Return a link that saves the CSV without asking any server."""
    if not csv:
        return ""
    data = base64.b64encode(csv).decode()
    return (
        f'<p class="tcoc-download"><a download="{name}.csv" href="data:text/csv;base64,{data}">'
        f"Download the data<span> ({html.escape(name)}.csv, {_size(len(csv))})</span></a></p>"
    )


def simple_table(
    name: str,
    caption: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    note: str = "",
    right_from: int = 99,
) -> str:
    """Return a table of ready texts (parameters, versions, changes), in the same dress.

    Columns from the position `right_from` hold numbers and are set flush right.
    """
    heads = tuple(Head(text, place >= right_from) for place, text in enumerate(headings))
    ready = tuple(tuple(map(str, row)) for row in rows)
    return as_html(Grid(name, caption, heads, ready, notes=(note,) if note else ()))


def _size(length: int) -> str:
    return f"{max(1, round(length / 1024))}{words.SPACE}KB"


def _caption(grid: Grid, anchor: str) -> str:
    said = f' <span class="tcoc-unit">{text(grid.constants)}</span>' if grid.constants else ""
    return (
        f'<caption><span class="tcoc-caption"><span id="{anchor}">{text(grid.caption)}</span>'
        f"{said}</span></caption>"
    )


def _thead(grid: Grid) -> str:
    """Write the headings; columns of one measure stand under its name."""
    if not any(head.group for head in grid.heads):
        cells = "".join(_th(head, place) for place, head in enumerate(grid.heads))
        return f"<thead><tr>{cells}</tr></thead>"
    upper, lower, place = [], [], 0
    while place < len(grid.heads):
        head = grid.heads[place]
        if not head.group:
            upper.append(_th(head, place, ' rowspan="2"'))
            place += 1
            continue
        span = 1
        while place + span < len(grid.heads) and grid.heads[place + span].group == head.group:
            span += 1
        hint = f' title="{attribute(head.hint)}"' if head.hint else ""
        upper.append(
            f'<th scope="colgroup" colspan="{span}" class="g"{hint}>{text(head.group)}</th>'
        )
        lower += [_th(h, place + i) for i, h in enumerate(grid.heads[place : place + span])]
        place += span
    return f"<thead><tr>{''.join(upper)}</tr><tr>{''.join(lower)}</tr></thead>"


def _th(head: Head, place: int, more: str = "") -> str:
    right = ' class="r"' if head.right and place else ""
    hint = f' title="{attribute(head.hint)}"' if head.hint and not head.group else ""
    return f'<th scope="col"{right}{more}{hint}>{text(head.heading)}</th>'


def _body(grid: Grid, anchor: str) -> str:
    taken: set[str] = set()
    lines = []
    for number, row in enumerate(grid.rows):
        key = grid.keys[number] if number < len(grid.keys) else ""
        identity = ""
        if key:
            marked = f' data-ccn="{key}"'
            if key not in taken:
                taken.add(key)
                identity = f' id="{anchor}-{key}"'
            lines.append(f"<tr{identity}{marked}>{_row(grid, number, row)}</tr>")
        else:
            lines.append(f"<tr>{_row(grid, number, row)}</tr>")
    return f"<tbody>{''.join(lines)}</tbody>"


def _row(grid: Grid, number: int, row: Sequence[str]) -> str:
    code = grid.codes[number] if number < len(grid.codes) else ""
    said = f' <span class="ccn">{code}</span>' if code else ""
    return "".join(
        f'<th scope="row">{text(cell)}{said}</th>' if place == 0 else _td(head, cell)
        for place, (cell, head) in enumerate(zip(row, grid.heads, strict=True))
    )


def _td(head: Head, cell: str) -> str:
    kind = "r" if head.right else "long" if len(cell) > _LONG else ""
    return f'<td class="{kind}">{_cell(cell)}</td>' if kind else f"<td>{_cell(cell)}</td>"


def _cell(cell: str) -> str:
    if cell == MARK:
        return f'<abbr title="hidden to protect a small count">{MARK}</abbr>'
    return text(cell)


def _foot(grid: Grid) -> str:
    more = (
        [f"{words.plural(grid.more, 'more row')} in the data file and the workbook."]
        if grid.more
        else []
    )
    notes = [*more, *grid.notes]
    lines = "".join(f"<p>{text(line)}</p>" for line in notes)
    if len(grid.rows) > _PRINTED:
        lines = f'<p class="paper">On paper the first {_PRINTED} rows.</p>{lines}'
    return f'<div class="tcoc-notes">{lines}</div>' if lines else ""


def text(content: str) -> str:
    """Escape text for HTML; an amount is one piece that no line breaks.

    JupyterLab reads two dollar signs in one run of text as a formula: each amount in an element
    of its own is read as it stands.
    """
    safe = html.escape(str(content), quote=False)
    return _AMOUNT.sub(lambda found: f'<span class="n">{found.group(0)}</span>', safe)


def attribute(content: str) -> str:
    """Escape text for an attribute."""
    return html.escape(str(content), quote=True)
