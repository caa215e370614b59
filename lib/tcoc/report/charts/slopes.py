"""Rows as lines from one column to another."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tcoc.disclosure import PublicTable
from tcoc.report import alt, formats, style
from tcoc.report.charts import base
from tcoc.report.charts.base import Chart, Layout, Margins
from tcoc.report.charts.rows import (
    Dimensions,
    Rows,
    drawn_columns,
    rows_of,
    strong_rows,
)
from tcoc.report.marks import mark


@base.needs_rows
def slope(
    table: PublicTable,
    rows: Dimensions,
    start: str,
    end: str,
    emphasize: Sequence[Any] = (),
    *,
    name: str = "",
) -> Chart:
    """Each row as a line from one column to another; emphasized rows (all, if few) are named."""
    first, last = formats.column_of(table, start), formats.column_of(table, end)
    values = formats.floats(table, start), formats.floats(table, end)
    read = rows_of(table, rows)
    strong = strong_rows(table, rows, emphasize, read)

    def draw(layout: Layout) -> Figure:
        return _draw_slope(layout, read, values, (first, last), strong)

    told = alt.changes(table, read.names, (first, last), values)
    return Chart(
        base.named(name, table, "slope"),
        table,
        drawn_columns(rows, start, end),
        draw,
        told,
        "slope",
    )


def _draw_slope(
    layout: Layout, read: Rows, values: Any, columns: Any, strong: list[bool]
) -> Figure:
    size = base.size_of(layout)
    ends = [formats.write(columns[1], v) for v in values[1]]
    limit = 1.35 if base.is_narrow(layout) else 2.6
    shown = [i for i in range(len(read)) if not np.isnan(values[0][i] + values[1][i])]
    named = [i for i in shown if strong[i]]
    texts = {i: base.fitted(f"{ends[i]}  {read.names[i]}", limit, size) for i in named}
    starts = [formats.write(columns[0], values[0][i]) for i in named]
    left = (
        max(
            base.widest(starts, size),
            base.widest(base.wrapped(columns[0].label, 1.2, size), size, True),
        )
        + 0.25
    )
    heads = [base.wrapped(c.label, 1.2 if base.is_narrow(layout) else 2.5, size) for c in columns]
    top = 0.2 + max(map(len, heads)) * 1.25 * size / 72
    margins = Margins(left, base.widest(list(texts.values()), size) + 0.2, top, 0.12)
    height = max(3.2, (1.4 * size / 72) * len(named))
    picture, axes = base.sheet(layout, min(height, base.TALLEST_PRINT), margins)
    low, high = base.padded(*base.extent(values[0][shown], values[1][shown]))
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(low, high)
    for i in shown:
        tint = style.ACCENT if strong[i] else "#b3bcc5"
        (line,) = axes.plot(
            [0, 1],
            [values[0][i], values[1][i]],
            "-o",
            color=tint,
            ms=4,
            lw=1.8 if strong[i] else 1.0,
            zorder=2 + strong[i],
        )
        said = " to ".join(formats.write(c, v[i]) for c, v in zip(columns, values, strict=True))
        mark(line, read.keys[i], f"{read.names[i]}: {said}")
    gap = 1.25 * size / 72 * (high - low) / base.plot_height(picture, axes)
    for at, side in ((0, "right"), (1, "left")):
        moved = style.spread([float(values[at][i]) for i in named], gap, low, high)
        for i, y in zip(named, moved, strict=True):
            text = texts[i] if at else formats.write(columns[0], values[0][i])
            label = axes.annotate(
                text,
                (at, y),
                xytext=(8 if at else -8, 0),
                ha=side,
                va="center",
                textcoords="offset points",
                fontsize=size,
                annotation_clip=False,
            )
            mark(label, read.keys[i], text, "name")
    for at, head in enumerate(heads):
        axes.annotate(
            "\n".join(head),
            (at, 1),
            xycoords="axes fraction",
            xytext=(0, 8),
            va="bottom",
            textcoords="offset points",
            ha="right" if not at else "left",
            fontsize=size,
            fontweight="semibold",
            annotation_clip=False,
        )
    axes.set_axis_off()
    return picture
