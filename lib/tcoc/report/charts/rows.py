"""Charts with a row per thing: names at the left on a desktop, above the row on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcoc.disclosure import Column, PublicTable
from tcoc.report import alt, formats, style
from tcoc.report.charts import base
from tcoc.report.charts.base import Chart, Layout, Margins
from tcoc.report.marks import mark

Dimensions = str | tuple[str, ...]

_ROW = {"wide": 0.235, "narrow": 0.40, "print": 0.205}
_LONGEST_NAME = {"wide": 3.0, "narrow": 3.3, "print": 2.6}
_FEW, _LINE = 20, 0.16


@dataclass(frozen=True)
class Rows:
    """What a chart of rows needs of its table, read once."""

    names: list[str]
    keys: list[str]

    def __len__(self) -> int:
        return len(self.names)


def rows_of(table: PublicTable, rows: Dimensions) -> Rows:
    """Return each row's name and hospital."""
    return Rows(formats.row_names(table, rows), formats.row_keys(table))


def name_lines(layout: Layout, names: Sequence[str]) -> int:
    """Return how many lines the names of a chart take: two where few rows have long ones."""
    longest = base.widest(names, base.size_of(layout))
    return 2 if len(names) <= _FEW and longest > _LONGEST_NAME[layout] else 1


def row_height(layout: Layout, rows: int, least: float = 0.5, lines: int = 1) -> float:
    """Return a plot's height for so many rows; on paper they close up to stay on a page."""
    height = max(least, (_ROW[layout] + _LINE * (lines - 1)) * rows)
    return min(height, base.TALLEST_PRINT - 1.0) if layout == "print" else height


def name_margin(layout: Layout, names: Sequence[str]) -> float:
    """Return the inches left of a plot for the names of its rows."""
    if base.is_narrow(layout):
        return 0.2
    return min(base.widest(names, base.size_of(layout)), _LONGEST_NAME[layout]) + 0.12


def marked_names(names: Sequence[str], marked: Sequence[bool]) -> list[str]:
    """Return the names as written: one with a hidden value carries the mark."""
    return [f"{n} {base.MARK}" if m else n for n, m in zip(names, marked, strict=True)]


def write_names(
    axes: Axes, layout: Layout, rows: Rows, marked: Sequence[bool] = (), lines: int = 1
) -> None:
    """Write the rows' names from the top down; one with a hidden value gets the mark."""
    size = base.size_of(layout)
    axes.set_ylim(len(rows) - 0.4, -0.65 if not base.is_narrow(layout) else -0.8)
    axes.set_yticks([])
    for place, (name, key) in enumerate(zip(rows.names, rows.keys, strict=True)):
        text = f"{name} {base.MARK}" if marked and marked[place] else name
        shown = base.on_lines(text, _LONGEST_NAME[layout], size, lines)
        where = (0, place - 0.36) if base.is_narrow(layout) else (0, place)
        label = axes.annotate(
            shown,
            where,
            xycoords=("axes fraction", "data"),
            xytext=(0 if base.is_narrow(layout) else -8, 0),
            textcoords="offset points",
            fontsize=size,
            color=style.INK,
            ha="left" if base.is_narrow(layout) else "right",
            va="center",
            annotation_clip=False,
            linespacing=1.05,
        )
        mark(label, key, name, "name")


def bar_height(layout: Layout) -> float:
    """Return a bar's share of its row."""
    return 0.36 if base.is_narrow(layout) else 0.7


def bar_place(layout: Layout, place: float) -> float:
    """Return the middle of a row's bar: below the name on a phone."""
    return place + 0.13 if base.is_narrow(layout) else place


def said_of(names: Sequence[str], column: Column, values: Any, row: int, extra: str = "") -> str:
    """Return what the mark of a row says."""
    return f"{names[row]}: {column.label} {formats.write(column, values[row])}{extra}"


# ---------------------------------------------------------------- bars


@base.needs_rows
def bars(
    table: PublicTable,
    rows: Dimensions,
    value: str,
    emphasize: Sequence[Any] = (),
    *,
    reference: tuple[float, str] | None = None,
    name: str = "",
) -> Chart:
    """A horizontal bar per row from zero, its value at its end; some rows may be emphasized.

    A hidden value has no bar and carries the mark. `reference` is a value with its name. Bars
    that would all be the same are no picture but a sentence.
    """
    column, values, read = (
        formats.column_of(table, value),
        formats.floats(table, value),
        rows_of(table, rows),
    )
    strong = strong_rows(table, rows, emphasize, read)
    said = {base.short(column, v) for v in values if not np.isnan(v)}
    if len(said) == 1 and len(read) > _FEW:
        return base.flat(table, column, said.pop(), len(read) - int(np.isnan(values).sum()))

    def draw(layout: Layout) -> Figure:
        lines = name_lines(layout, read.names)
        low, high = base.extent(values, np.zeros(1), np.array([reference[0]]) if reference else ())
        margins = Margins(
            name_margin(layout, marked_names(read.names, np.isnan(values))),
            0.12,
            top_margin(layout, len(read), reference),
        )
        picture, axes = base.sheet(layout, row_height(layout, len(read), lines=lines), margins)
        texts = [base.short(column, v) for v in values]
        axes.set_xlim(*_room(picture, axes, layout, low, high, values, texts))
        for place, amount in enumerate(values):
            _bar(
                axes,
                layout,
                place,
                amount,
                strong[place],
                read,
                said_of(read.names, column, values, place),
                texts[place],
            )
        write_names(axes, layout, read, list(np.isnan(values)), lines)
        finish(axes, layout, column, len(read), reference)
        return picture

    told = alt.ranked("Bar chart", table, read.names, column, values)
    return Chart(
        base.named(name, table, "bars"), table, drawn_columns(rows, value), draw, told, "bars"
    )


def strong_rows(
    table: PublicTable, rows: Dimensions, emphasize: Sequence[Any], read: Rows
) -> list[bool]:
    """Return which rows are emphasized, by name or code: all where none is named."""
    if not emphasize:
        return [True] * len(read)
    wanted = {str(e) for e in emphasize}
    first = rows if isinstance(rows, str) else rows[0]
    codes = table.frame[first].map(str).tolist()
    found = [n in wanted or c in wanted for n, c in zip(read.names, codes, strict=True)]
    return found if any(found) else [True] * len(read)


def drawn_columns(rows: Dimensions, *values: str) -> tuple[str, ...]:
    """Return the columns that a chart of rows draws."""
    return (*((rows,) if isinstance(rows, str) else rows), *(v for v in values if v))


def top_margin(layout: Layout, rows: int, reference: Any = None) -> float:
    """Return the inches above a plot for the ticks of a long chart and a reference."""
    return 0.08 + (0.25 if rows > 20 else 0.0) + (0.22 if reference else 0.0)


def _room(
    picture: Figure,
    axes: Axes,
    layout: Layout,
    low: float,
    high: float,
    values: Any,
    texts: Sequence[str],
) -> tuple[float, float]:
    """Return limits that leave room for each bar's value beyond its end."""
    wide = base.plot_width(picture, axes)
    size = base.size_of(layout) - 0.5
    before = max(
        (base.inches(t, size) for t, v in zip(texts, values, strict=True) if v < 0), default=0.0
    )
    after = max(
        (base.inches(t, size) for t, v in zip(texts, values, strict=True) if not v < 0), default=0.0
    )
    left, right = (before + 0.12 if before else 0.0), after + 0.14
    scale = (high - low) / max(wide - left - right, wide * 0.3) or 1.0
    return low - left * scale, high + right * scale


def _bar(
    axes: Axes,
    layout: Layout,
    place: int,
    amount: float,
    strong: bool,
    read: Rows,
    said: str,
    text: str,
) -> None:
    if np.isnan(amount):
        return
    y = bar_place(layout, place)
    tint = style.ACCENT if strong else style.PALETTE[2]
    drawn = axes.barh(y, amount, color=tint, height=bar_height(layout))
    mark(drawn.patches[0], read.keys[place], said)
    label = axes.annotate(
        text,
        (amount, y),
        xytext=(4 if amount >= 0 else -4, 0),
        textcoords="offset points",
        va="center",
        fontsize=base.size_of(layout) - 0.5,
        ha="left" if amount >= 0 else "right",
    )
    mark(label, read.keys[place], text, "text")


def finish(
    axes: Axes,
    layout: Layout,
    column: Column,
    rows: int,
    reference: tuple[float, str] | None,
    said: bool = True,
) -> None:
    """Write the value axis, its words unless a panel below has them, reference and zero line."""
    base.value_axis(axes, "x", column, 4 if base.is_narrow(layout) else 7)
    if said:
        base.axis_words(axes, column, layout)
    base.both_ends(axes, rows)
    if reference is not None:
        base.vertical(axes, *reference, layout, 1 if rows > 20 else 0)
    low, high = axes.get_xlim()
    if low < 0 < high:
        axes.axvline(0, color=style.QUIET, lw=0.8, zorder=1)


def joined(rows: Dimensions, *others: str) -> tuple[str, ...]:
    """Return the dimensions that name a mark: the rows' and others."""
    return (*((rows,) if isinstance(rows, str) else rows), *(o for o in others if o))


def row_order(part: PublicTable, rows: Dimensions, series: str) -> tuple[Rows, list[int]]:
    """Return the rows of a panel, and on which of them each row of its table stands."""
    read = rows_of(part, rows)
    if not series:
        return read, list(range(len(read)))
    order = list(dict.fromkeys(zip(read.names, read.keys, strict=True)))
    places = [order.index(pair) for pair in zip(read.names, read.keys, strict=True)]
    return Rows([n for n, _ in order], [k for _, k in order]), places
