"""Dots by row, with intervals, series and panels."""

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
    bar_place,
    drawn_columns,
    finish,
    joined,
    name_margin,
    row_height,
    row_order,
    rows_of,
    said_of,
    strong_rows,
    top_margin,
    write_names,
)
from tcoc.report.marks import mark


@base.needs_rows
def dots(
    table: PublicTable,
    rows: Dimensions,
    value: str,
    low: str = "",
    high: str = "",
    reference: tuple[float, str] | None = None,
    facet: str = "",
    *,
    series: str = "",
    emphasize: Sequence[Any] = (),
    name: str = "",
) -> Chart:
    """A dot per row with an interval where given, one panel per value of `facet`.

    `series` draws several dots in one row, told apart by shape and color, joined by a line.
    """
    column = formats.column_of(table, value)
    groups = _facets(table, facet)

    def draw(layout: Layout) -> Figure:
        return _draw_dots(
            layout, groups, rows, column, (value, low, high), reference, series, emphasize
        )

    told = alt.ranked(
        "Dot chart",
        table,
        formats.row_names(table, joined(rows, facet, series)),
        column,
        formats.floats(table, value),
        interval=bool(low and high),
    )
    drawn = drawn_columns(rows, facet, series, value, low, high)
    return Chart(base.named(name, table, "dots"), table, drawn, draw, told, "dots")


def _facets(table: PublicTable, facet: str) -> list[tuple[str, PublicTable]]:
    if not facet:
        return [("", table)]
    found = list(dict.fromkeys(table.frame[facet].tolist()))
    names = formats.name_column(table, facet)
    parts = [(label, table.where(**{facet: label})) for label in found]
    return [(formats.row_names(part, names)[0], part) for _, part in parts]


def _draw_dots(
    layout: Layout,
    groups: Any,
    rows: Dimensions,
    column: Column,
    columns: Any,
    reference: Any,
    series: str,
    emphasize: Sequence[Any],
) -> Figure:
    value, low, high = columns
    lines = [row_order(part, rows, series) for _, part in groups]
    entries = _series_entries(groups, series)
    most = max(len(read) for read, _ in lines)
    margins = Margins(
        max(name_margin(layout, read.names) for read, _ in lines),
        0.2,
        base.legend_height(layout, entries)
        + top_margin(layout, most, reference)
        + (0.24 if groups[0][0] else 0.0),
    )
    side = 1 if base.is_narrow(layout) else min(len(groups), 3)
    down = -(-len(groups) // side)
    alike = all(read.names == lines[0][0].names for read, _ in lines)
    between = 0.72 + top_margin(layout, most, reference)
    gap = (0.25 if alike else margins.left + 0.2, between)
    picture, grid = base.panels(layout, row_height(layout, most), margins, down, side, gap)
    base.draw_legend(picture, layout, entries)
    edges = [formats.floats(part, c) for _, part in groups for c in (value, low, high) if c]
    limits = base.padded(*base.extent(*edges, np.array([reference[0]]) if reference else ()))
    for number, axes in enumerate(grid):
        if number >= len(groups):
            axes.set_visible(False)
            continue
        title, part = groups[number]
        axes.set_xlim(*limits)
        read, places = lines[number]
        _dot_panel(axes, layout, part, read, places, column, columns, series, emphasize, rows)
        hide = side > 1 and number % side and gap[0] < margins.left
        write_names(axes, layout, read, _all_hidden(part, value, places, len(read)))
        if hide:
            for text in list(axes.texts):
                text.remove()
        finish(axes, layout, column, len(read), reference, number >= len(groups) - side)
        if title:
            axes.set_title(
                title,
                fontsize=base.size_of(layout) + 0.5,
                pad=6 + 14 * bool(reference) + 14 * (len(read) > 20),
            )
    return picture


def _all_hidden(part: PublicTable, value: str, places: list[int], rows: int) -> list[bool]:
    shown = {p for p, v in zip(places, formats.floats(part, value), strict=True) if not np.isnan(v)}
    return [row not in shown for row in range(rows)]


def _series_names(groups: Any, series: str) -> list[Any]:
    if not series:
        return []
    return list(dict.fromkeys(v for _, part in groups for v in part.frame[series].tolist()))


def _series_entries(groups: Any, series: str) -> list[Entry]:
    found = _series_names(groups, series)
    if len(found) > len(style.PALETTE):
        raise TcocError(
            f"a chart has {len(found)} series; at most {len(style.PALETTE)} are legible"
        )
    column = formats.column_of(groups[0][1], series) if series else None
    return [
        Entry(_said(column, label), style.series_tint(label, i), "", style.MARKERS[i])
        for i, label in enumerate(found)
        if column is not None
    ]


def _said(column: Column, label: Any) -> str:
    """Write a series' label; yes and no say what they answer."""
    text = formats.write(column, label)
    return f"{column.label}: {text.lower()}" if text.lower() in ("yes", "no") else text


def _dot_panel(
    axes: Axes,
    layout: Layout,
    part: PublicTable,
    read: Rows,
    places: list[int],
    column: Column,
    columns: Any,
    series: str,
    emphasize: Sequence[Any],
    rows: Dimensions,
) -> None:
    value, low, high = columns
    values = formats.floats(part, value)
    lows, highs = (formats.floats(part, c) if c else None for c in (low, high))
    names, keys = formats.row_names(part, joined(rows, series)), formats.row_keys(part)
    labels = part.frame[series].tolist() if series else [None] * len(part)
    order = list(dict.fromkeys(labels))
    strong = strong_rows(part, rows, emphasize, rows_of(part, rows))
    if series:
        _join(axes, layout, places, values)
    for i, amount in enumerate(values):
        if np.isnan(amount):
            continue
        at = order.index(labels[i])
        tint = style.series_tint(labels[i], at) if series else style.ACCENT
        tint = tint if strong[i] else style.PALETTE[2]
        y = bar_place(layout, places[i])
        extra = ""
        if lows is not None and highs is not None and not np.isnan(lows[i] + highs[i]):
            axes.plot([lows[i], highs[i]], [y, y], color=tint, lw=1.7, solid_capstyle="butt")
            extra = f" ({formats.write(column, lows[i])} to {formats.write(column, highs[i])})"
        (dot,) = axes.plot([amount], [y], style.MARKERS[at], color=tint, ms=5.5)
        mark(dot, keys[i], said_of(names, column, values, i, extra))


def _join(axes: Axes, layout: Layout, places: list[int], values: Any) -> None:
    for place in sorted(set(places)):
        found = [v for p, v in zip(places, values, strict=True) if p == place and not np.isnan(v)]
        if len(found) > 1:
            y = bar_place(layout, place)
            axes.plot([min(found), max(found)], [y, y], color=style.RULE, lw=3, zorder=1)
