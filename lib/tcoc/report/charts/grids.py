"""A shaded grid: rows by the values of a dimension, with the numbers written."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcoc.disclosure import Column, PublicTable
from tcoc.report import alt, formats, style
from tcoc.report.charts import base
from tcoc.report.charts.base import Chart, Layout, Margins
from tcoc.report.charts.rows import Dimensions, Rows, drawn_columns, joined, row_order
from tcoc.report.marks import mark


@base.needs_rows
def heat(
    table: PublicTable,
    rows: Dimensions,
    columns: str,
    value: str,
    *,
    name: str = "",
) -> Chart:
    """A grid of rows by the values of a dimension, shaded and with its numbers written."""
    column = formats.column_of(table, value)
    heads = list(dict.fromkeys(table.frame[columns].tolist()))
    names = [formats.write(formats.column_of(table, columns), h) for h in heads]
    lines, places = row_order(table, rows, columns)
    values = formats.floats(table, value)
    cells = np.full((len(lines), len(heads)), np.nan)
    for place, head, amount in zip(places, table.frame[columns].tolist(), values, strict=True):
        cells[place, heads.index(head)] = amount

    def draw(layout: Layout) -> Figure:
        return _draw_heat(layout, lines, names, cells, column)

    told = alt.ranked(
        "Shaded grid", table, formats.row_names(table, joined(rows, columns)), column, values
    )
    return Chart(
        base.named(name, table, "heat"),
        table,
        drawn_columns(rows, columns, value),
        draw,
        told,
        "heat",
    )


def _draw_heat(layout: Layout, lines: Rows, names: list[str], cells: Any, column: Column) -> Figure:
    size = base.size_of(layout) - (1.0 if base.is_narrow(layout) else 0.0)
    left = min(base.widest(lines.names, size), 1.1 if base.is_narrow(layout) else 2.4) + 0.12
    room = (base.WIDTHS[layout] - left - 0.1) / len(names)
    heads = [base.wrapped(text, room - 0.06, size) for text in names]
    top = 0.12 + max(map(len, heads)) * 1.2 * size / 72
    picture, axes = base.sheet(layout, 0.32 * len(lines), Margins(left, 0.05, top, 0.08))
    low, high = base.extent(cells)
    written = [[_in_cell(column, v) for v in amounts] for amounts in cells]
    digits = formats.most_digits(text for texts in written for text in texts)
    for row in range(len(lines)):
        for at, head in enumerate(names):
            text = formats.padded(written[row][at], digits)
            _heat_cell(axes, row, at, cells[row, at], (low, high), column, lines, head, size, text)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    for at, broken in enumerate(heads):
        axes.annotate(
            "\n".join(broken),
            (at, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=size,
        )
    for row, text in enumerate(lines.names):
        label = axes.annotate(
            "\n".join(_two_lines(text, left - 0.1, size)),
            (0, row),
            va="center",
            ha="right",
            xycoords=("axes fraction", "data"),
            xytext=(-6, 0),
            textcoords="offset points",
            fontsize=size,
        )
        mark(label, lines.keys[row], text, "name")
    axes.set_axis_off()
    return picture


def _two_lines(text: str, width: float, size: float) -> list[str]:
    """Break a name once where it is too long; what is still too long is cut."""
    lines = base.wrapped(text, width, size)
    rest = [" ".join(lines[1:])] if len(lines) > 1 else []
    return [base.fitted(line, width, size) for line in [lines[0], *rest]]


def _in_cell(column: Column, value: float) -> str:
    """Write a cell's value: shares as whole percent, the table and the tip have the decimals."""
    return (
        formats.written(column, value, 0) if formats.is_share(column) else base.short(column, value)
    )


def _heat_cell(
    axes: Axes,
    row: int,
    at: int,
    value: float,
    limits: Any,
    column: Column,
    lines: Rows,
    head: str,
    size: float,
    text: str,
) -> None:
    from matplotlib.patches import Rectangle

    low, high = limits
    known = not np.isnan(value)
    share = (value - low) / (high - low) if known and high > low else 0.0
    tint = style.shade(share) if known else style.HIDDEN_TINT
    cell = Rectangle((at - 0.5, row - 0.5), 1, 1, facecolor=tint, edgecolor="white", lw=1.5)
    text = text if known else base.MARK
    said = f"{lines.names[row]}, {head}: {column.label} {formats.write(column, value)}"
    axes.add_patch(mark(cell, lines.keys[row], said))
    label = axes.text(
        at,
        row,
        text,
        ha="center",
        va="center",
        fontsize=size,
        color="white" if share > 0.55 else style.INK,
    )
    mark(label, lines.keys[row], text, "text")
