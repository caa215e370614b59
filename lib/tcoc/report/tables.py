"""Tables as semantic HTML, as plain text and as CSV; a hidden cell has a mark and no number."""

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tcoc.errors import TcocError, nearest
from tcoc.report import words

MARK = "‡"
ABSENT = "–"
HIDDEN_NOTE = (
    f"{MARK} Hidden so that no count of 1 to 10 people is shown or can be worked out"
    " (rules D1 and D2)."
)
LONG = 20
"""Rows from which the page offers sorting and a filter."""

_RIGHT = {"dollars", "cents", "percent", "change", "count", "number", "year"}


@dataclass(frozen=True)
class Column:
    """A column as shown: its name in the frame, its heading and how its cells are written."""

    name: str
    heading: str
    write: Callable[[Any], str]
    right: bool

    def text(self, value: Any, hidden: bool) -> str:
        """Return a cell's text: the mark where hidden, a dash where there is no value."""
        if hidden:
            return MARK
        return ABSENT if words.is_hidden(value) else self.write(value)


@dataclass(frozen=True)
class TableView:
    """A table as a reader sees it; `hidden` has the frame's shape and says which cells are."""

    name: str
    caption: str
    frame: pd.DataFrame
    hidden: pd.DataFrame
    columns: tuple[Column, ...]
    heading_columns: int = 1
    unit: str = ""
    note: str = ""
    source: str = ""
    csv: bytes = b""
    anchor: str = ""

    def texts(self) -> list[list[str]]:
        """Return the cells as they are written, row by row."""
        picked = [column.name for column in self.columns]
        values = self.frame[picked].itertuples(index=False, name=None)
        hides = self.hidden[picked].itertuples(index=False, name=None)
        return [
            [c.text(v, bool(h)) for c, v, h in zip(self.columns, row, hide, strict=True)]
            for row, hide in zip(values, hides, strict=True)
        ]

    @property
    def notes(self) -> list[str]:
        """The lines under the table: hidden cells, note, source."""
        shown = self.hidden[[column.name for column in self.columns]]
        lines = [HIDDEN_NOTE] if bool(shown.to_numpy().any()) else []
        lines += [self.note] if self.note else []
        return lines + ([f"Source: {self.source}"] if self.source else [])


def column(frame: pd.DataFrame, name: str, heading: str, form: str | Callable[..., str]) -> Column:
    """Return a column of a view; the format is one of words.FORMATS or a function of a value.

    Raises TcocError with the nearest valid name for an unknown column or format.
    """
    if name not in frame.columns:
        raise TcocError(f'column "{name}" is unknown{nearest(name, frame.columns)}')
    if callable(form):
        return Column(name, heading, form, True)
    if form not in words.FORMATS:
        raise TcocError(f'format "{form}" is unknown{nearest(form, words.FORMATS)}')
    return Column(name, heading, words.FORMATS[form], form in _RIGHT)


def as_html(view: TableView) -> str:
    """Return the table with caption, headings by scope, notes and a download of its data."""
    anchor = view.anchor or f"table-{view.name}"
    long = " data-long" if len(view.frame) > LONG else ""
    caption = f"{anchor}-caption"
    return (
        f'<div class="tcoc-table" id="{anchor}"{long}>'
        f'<div class="tcoc-scroll" role="region" tabindex="0" aria-labelledby="{caption}">'
        f"<table>{_caption(view, caption)}{_head(view)}{_body(view)}{_foot(view)}</table>"
        f"</div>{download(view.name, view.csv)}</div>"
    )


def as_text(view: TableView, rows: int = 12) -> str:
    """Return caption and first rows as plain text, for terminals and notebook comparison."""
    cells = [[column.heading for column in view.columns], *view.texts()[:rows]]
    widths = [max(map(len, texts)) for texts in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            text.rjust(width) if column.right else text.ljust(width)
            for text, width, column in zip(texts, widths, view.columns, strict=True)
        ).rstrip()
        for texts in cells
    ]
    more = len(view.frame) - rows
    tail = [f"({more} more rows)"] if more > 0 else []
    return "\n".join([view.caption, "", *lines, *tail, *view.notes])


def as_csv(
    frame: pd.DataFrame, hidden: pd.DataFrame, reasons: Mapping[tuple[Any, str], str] | None = None
) -> bytes:
    """Return exact values as CSV; a hidden cell is empty and named in the column `hidden`."""
    out = frame.copy()
    if bool(hidden.to_numpy().any()):
        out["hidden"] = [
            "; ".join(
                f"{name}: {(reasons or {}).get((index, name), 'protects a small count')}"
                for name in frame.columns
                if bool(row[name])
            )
            for index, row in zip(hidden.index, hidden.to_dict("records"), strict=True)
        ]
    return out.to_csv(index=False, lineterminator="\n").encode()


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
    names = [str(i) for i in range(len(headings))]
    frame = pd.DataFrame([list(row) for row in rows], columns=names)
    columns = tuple(
        Column(str(i), heading, str, i >= right_from) for i, heading in enumerate(headings)
    )
    hidden = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    return as_html(TableView(name, caption, frame, hidden, columns, note=note))


def _size(length: int) -> str:
    return f"{max(1, round(length / 1024))}{words.SPACE}kB"


def _caption(view: TableView, anchor: str) -> str:
    unit = f' <span class="tcoc-unit">{html.escape(view.unit)}</span>' if view.unit else ""
    return (
        f'<caption><span class="tcoc-caption"><span id="{anchor}">{text(view.caption)}</span>'
        f"{unit}</span></caption>"
    )


def _head(view: TableView) -> str:
    cells = "".join(
        f'<th scope="col"{"" if place < view.heading_columns else _class(column)}>'
        f"{text(column.heading)}</th>"
        for place, column in enumerate(view.columns)
    )
    return f"<thead><tr>{cells}</tr></thead>"


def _body(view: TableView) -> str:
    rows = "".join(f"<tr>{_row(view, texts)}</tr>" for texts in view.texts())
    return f"<tbody>{rows}</tbody>"


def _row(view: TableView, texts: list[str]) -> str:
    return "".join(
        f'<th scope="row">{text(cell)}</th>'
        if place < view.heading_columns
        else f"<td{_class(column)}>{_cell(cell)}</td>"
        for place, (cell, column) in enumerate(zip(texts, view.columns, strict=True))
    )


def _cell(cell: str) -> str:
    if cell == MARK:
        return f'<abbr title="hidden to protect a small count">{MARK}</abbr>'
    return text(cell)


def _foot(view: TableView) -> str:
    if not view.notes:
        return ""
    lines = "".join(f'<span class="tcoc-note">{text(line)}</span>' for line in view.notes)
    return f'<tfoot><tr><td colspan="{len(view.columns)}">{lines}</td></tr></tfoot>'


def _class(column: Column) -> str:
    return ' class="r"' if column.right else ""


def text(content: str) -> str:
    """Escape text for HTML; a dollar sign stands in an element of its own.

    JupyterLab reads two dollar signs in one run of text as a formula.
    """
    return html.escape(str(content), quote=False).replace("$", "<span>$</span>")
