"""Charts of parts: shares of a whole, stacked amounts, and a waterfall of changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcoc.disclosure import Column, PublicTable
from tcoc.errors import TcocError
from tcoc.report import alt, formats, style
from tcoc.report.charts import base
from tcoc.report.charts.base import Chart, Entry, Layout, Margins
from tcoc.report.charts.rows import (
    Dimensions,
    Rows,
    bar_height,
    bar_place,
    marked_names,
    name_margin,
    row_height,
    rows_of,
    write_names,
)
from tcoc.report.marks import mark


class Stack:
    """Rows by parts, read from a long table; what is hidden is known up to the row's total."""

    def __init__(
        self, table: PublicTable, rows: Dimensions, parts: str, value: str, whole: float | None
    ) -> None:
        frame = table.frame
        self.column = formats.column_of(table, value)
        labels = frame[parts].tolist()
        wholes = {*formats.TOTALS, table.facts.totals.get(parts, "all")}
        self.parts = [p for p in dict.fromkeys(labels) if str(p) not in wholes]
        if not self.parts:
            raise TcocError(f"table {table.name}: column {parts} holds no part of a whole")
        part = formats.column_of(table, parts)
        self.names = [formats.write(part, p) for p in self.parts]
        read = rows_of(table, rows)
        pairs = list(zip(read.names, read.keys, strict=True))
        order = list(dict.fromkeys(pairs))
        self.rows = Rows([n for n, _ in order], [k for _, k in order])
        self.cells = np.zeros((len(order), len(self.parts)))
        self.hidden = np.zeros(self.cells.shape, dtype=bool)
        self.totals = np.full(len(order), np.nan if whole is None else whole)
        for pair, label, amount in zip(pairs, labels, formats.floats(table, value), strict=True):
            row = order.index(pair)
            if label in self.parts:
                at = self.parts.index(label)
                self.hidden[row, at] = np.isnan(amount)
                self.cells[row, at] = np.nan_to_num(amount)
            elif whole is None:
                self.totals[row] = amount

    def rest(self, row: int) -> float:
        """Return what a row's hidden parts have together, where its total is known; else zero."""
        if not self.hidden[row].any() or np.isnan(self.totals[row]):
            return 0.0
        return max(0.0, float(self.totals[row] - self.cells[row].sum()))

    def entries(self) -> list[Entry]:
        """Return the legend: a line per part, and one for what is hidden."""
        found = [
            Entry(n, tint, hatch) for n, (tint, hatch) in zip(self.names, self.tints(), strict=True)
        ]
        return [*found, Entry("Hidden", style.HIDDEN_TINT)] if self.hidden.any() else found

    def tints(self) -> list[tuple[str, str]]:
        """Return each part's color and hatch: a stage's own, else by place."""
        return [
            (style.series_tint(p, i), style.series_hatch(p, i)) for i, p in enumerate(self.parts)
        ]


@base.needs_rows
def stacked_shares(
    table: PublicTable,
    rows: Dimensions,
    parts: str,
    value: str,
    *,
    name: str = "",
) -> Chart:
    """Each row's parts of a whole, fractions that sum to 1, as one bar of 100%.

    Rows of `parts` that stand for the whole are left out. Hidden parts are one grey part up to
    100%, never zero.
    """
    return _stacked("stacked_shares", table, rows, parts, value, 1.0, name)


@base.needs_rows
def stacked_bars(
    table: PublicTable,
    rows: Dimensions,
    parts: str,
    value: str,
    *,
    name: str = "",
) -> Chart:
    """Each row's parts as amounts, one after the other, with the row's total at the end.

    Where the table has a row for the whole, hidden parts are grey up to it; negative parts stand
    left of zero.
    """
    return _stacked("stacked_bars", table, rows, parts, value, None, name)


def _stacked(
    kind: str,
    table: PublicTable,
    rows: Dimensions,
    parts: str,
    value: str,
    whole: float | None,
    name: str,
) -> Chart:
    stack = Stack(table, rows, parts, value, whole)
    if len(stack.parts) > 8:
        raise TcocError(
            f"chart {kind} of table {table.name}: {len(stack.parts)} parts; at most 8 are legible"
        )

    def draw(layout: Layout) -> Figure:
        return _draw_stack(layout, stack, whole)

    told = alt.parts(stack.rows.names, stack.names, stack.column, stack.cells, stack.hidden)
    drawn = (*((rows,) if isinstance(rows, str) else rows), parts, value)
    return Chart(base.named(name, table, kind), table, drawn, draw, told, kind)


def _draw_stack(layout: Layout, stack: Stack, whole: float | None) -> Figure:
    entries = stack.entries()
    rows = stack.rows
    tall = row_height(layout, len(rows)) * (
        1.5 if len(rows) < 12 and not base.is_narrow(layout) else 1
    )
    ends = [] if whole is not None else _end_texts(stack)
    margins = Margins(
        name_margin(layout, marked_names(rows.names, [bool(row.any()) for row in stack.hidden])),
        0.2 + base.widest(ends, base.size_of(layout)),
        base.legend_height(layout, entries) + (0.32 if len(rows) > 20 else 0.1),
    )
    picture, axes = base.sheet(layout, tall, margins)
    base.draw_legend(picture, layout, entries)
    # rounded shares may add up to a little more than the whole
    full = max(1.0, float(stack.cells.sum(axis=1).max()))
    axes.set_xlim(*((0.0, full) if whole is not None else _stack_limits(stack)))
    for row in range(len(rows)):
        _stack_row(picture, axes, layout, stack, row, ends)
    write_names(axes, layout, rows, [bool(h.any()) for h in stack.hidden])
    base.value_axis(axes, "x", stack.column, 4 if base.is_narrow(layout) else 6)
    base.axis_words(axes, stack.column, layout)
    base.both_ends(axes, len(rows))
    return picture


def _end_texts(stack: Stack) -> list[str]:
    return [
        ""
        if stack.hidden[row].any() and np.isnan(stack.totals[row])
        else base.short(stack.column, _total(stack, row))
        for row in range(len(stack.rows))
    ]


def _total(stack: Stack, row: int) -> float:
    known = stack.totals[row]
    return float(stack.cells[row].sum() if np.isnan(known) else known)


def _stack_limits(stack: Stack) -> tuple[float, float]:
    right = stack.cells.clip(min=0).sum(axis=1) + [stack.rest(r) for r in range(len(stack.rows))]
    left = stack.cells.clip(max=0).sum(axis=1)
    low, high = float(left.min()), float(right.max())
    return low * 1.02, high * 1.02 if high > 0 else 1.0


def _stack_row(
    picture: Figure, axes: Axes, layout: Layout, stack: Stack, row: int, ends: Sequence[str]
) -> None:
    y, up, down = bar_place(layout, row), 0.0, 0.0
    name, key = stack.rows.names[row], stack.rows.keys[row]
    pieces = [
        (amount, *tint, f"{name}, {part}: {formats.write(stack.column, amount)}")
        for amount, tint, part in zip(stack.cells[row], stack.tints(), stack.names, strict=True)
    ]
    rest = stack.rest(row)
    if rest:
        pieces.append((rest, style.HIDDEN_TINT, "", f"{name}: hidden to protect small counts"))
    for amount, tint, hatch, said in pieces:
        if amount == 0:
            continue
        start = up if amount > 0 else down
        drawn = axes.barh(
            y,
            amount,
            left=start,
            height=bar_height(layout) + 0.06,
            color=tint,
            hatch=hatch,
            edgecolor="white",
            lw=0.8,
        )
        mark(drawn.patches[0], key, said)
        if len(stack.rows) < _FULL:
            _inside(picture, axes, layout, stack.column, y, start, amount, key, tint)
        up, down = (up + amount, down) if amount > 0 else (up, down + amount)
    if ends and ends[row]:
        label = axes.annotate(
            ends[row],
            (up, y),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=base.size_of(layout),
            annotation_clip=False,
        )
        mark(label, key, ends[row], "text")


_COVERED = 0.45
"""Share of a part that its label may cover; where it needs more, the amount is in the table."""
_FULL = 12
"""Rows from which parts carry no label: their amounts are said by pointing, and in the table."""


def _inside(
    picture: Figure,
    axes: Axes,
    layout: Layout,
    column: Column,
    y: float,
    start: float,
    amount: float,
    key: str,
    tint: str,
) -> None:
    """Write a part's amount inside of it, on the part's color, only where it fits."""
    share = formats.is_share(column)
    text = formats.written(column, amount, 0) if share else base.short(column, amount)
    low, high = axes.get_xlim()
    room = abs(amount) / (high - low) * base.plot_width(picture, axes)
    size = base.size_of(layout) - 0.5
    if base.inches(text, size) + 0.16 > room * _COVERED:
        return
    label = axes.text(
        start + amount / 2,
        y,
        text,
        ha="center",
        va="center",
        fontsize=size,
        color=style.ink_on(tint),
        bbox={"boxstyle": "square,pad=0.14", "fc": tint, "ec": "none"},
    )
    mark(label, key, text, "text")


# ---------------------------------------------------------------- waterfall


@base.needs_rows
def waterfall(
    table: PublicTable,
    steps: str,
    value: str,
    *,
    levels: Sequence[Any] = (),
    name: str = "",
) -> Chart:
    """Changes that lead from one amount to another, a row each, in the table's order.

    Steps named in `levels` are amounts that stand from zero (the first and the last, usually);
    all others add to what came before. After a hidden step the bars start from the next level.
    """
    column, values = formats.column_of(table, value), formats.floats(table, value)
    read = rows_of(table, steps)
    wanted = {str(level) for level in levels}
    codes = table.frame[steps].map(str).tolist()
    standing = [n in wanted or c in wanted for n, c in zip(read.names, codes, strict=True)]
    spans = _spans(values, standing)

    def draw(layout: Layout) -> Figure:
        return _draw_waterfall(layout, read, column, values, standing, spans)

    told = alt.steps(read.names, column, values, standing)
    return Chart(
        base.named(name, table, "waterfall"), table, (steps, value), draw, told, "waterfall"
    )


def _spans(values: Any, standing: Sequence[bool]) -> list[tuple[float, float]]:
    """Return from where to where each step's bar goes."""
    at, found = 0.0, []
    for amount, level in zip(values, standing, strict=True):
        start = 0.0 if level else at
        end = start + amount
        found.append((start, end))
        at = end
    return found


def _draw_waterfall(
    layout: Layout, read: Rows, column: Column, values: Any, standing: Sequence[bool], spans: Any
) -> Figure:
    texts = [_step_text(column, v, s) for v, s in zip(values, standing, strict=True)]
    room = base.widest(texts, base.size_of(layout)) + 0.15
    bottom = 0.75 if base.is_narrow(layout) else 0.55
    margins = Margins(name_margin(layout, read.names), 0.1, 0.1, bottom)
    picture, axes = base.sheet(layout, row_height(layout, len(read)) * 1.25, margins)
    low, high = _waterfall_limits(spans, values, standing)
    scale = (high - low) / max(base.plot_width(picture, axes) - 2 * room, 0.8)
    axes.set_xlim(low - room * scale, high + room * scale)
    for row, (start, end) in enumerate(spans):
        if np.isnan(end - start):
            continue
        y = bar_place(layout, row)
        tint = style.INK if standing[row] else style.ACCENT if end >= start else style.WARM
        shown = max(start, axes.get_xlim()[0]) if end >= start else start
        drawn = axes.barh(
            y,
            end - shown,
            left=shown,
            height=bar_height(layout),
            color=tint,
            hatch="" if end >= start or standing[row] else "///",
            edgecolor="white",
            lw=0.6,
        )
        mark(drawn.patches[0], read.keys[row], f"{read.names[row]}: {texts[row]}")
        if row + 1 < len(spans) and not np.isnan(spans[row + 1][1]):
            axes.plot(
                [end, end], [y, bar_place(layout, row + 1)], color=style.QUIET, lw=0.8, zorder=1
            )
        right = end >= start
        label = axes.annotate(
            texts[row],
            (end, y),
            xytext=(4 if right else -4, 0),
            va="center",
            textcoords="offset points",
            ha="left" if right else "right",
            fontsize=base.size_of(layout),
        )
        mark(label, read.keys[row], texts[row], "text")
    write_names(axes, layout, read, list(np.isnan(values)))
    base.value_axis(axes, "x", column, 4 if base.is_narrow(layout) else 6)
    base.axis_words(axes, column, layout)
    if axes.get_xlim()[0] > 0:
        axes.annotate(
            "the axis does not start at zero",
            (1, 0),
            xycoords="axes fraction",
            xytext=(0, -37 if base.is_narrow(layout) else -26),
            va="top",
            ha="right",
            textcoords="offset points",
            fontsize=base.size_of(layout) - 1,
            color=style.QUIET,
        )
    return picture


def _waterfall_limits(spans: Any, values: Any, standing: Sequence[bool]) -> tuple[float, float]:
    """Start a bar chart of large levels near the changes where zero would flatten them."""
    edges = np.array([edge for span in spans for edge in span if not np.isnan(edge)])
    moves = [abs(v) for v, s in zip(values, standing, strict=True) if not s and not np.isnan(v)]
    others = np.array([e for e in edges if e != 0.0])
    if any(standing) and len(others) and moves and others.min() > 0:
        room = others.max() - others.min()
        if others.min() > 4 * room and room > 0:
            return float(others.min() - 0.5 * room), float(others.max())
    return min(0.0, float(edges.min(initial=0))), max(0.0, float(edges.max(initial=0)))


def _step_text(column: Column, value: float, level: bool) -> str:
    text = formats.write(column, value)
    return text if level or np.isnan(value) or value <= 0 or text.startswith("+") else f"+{text}"
