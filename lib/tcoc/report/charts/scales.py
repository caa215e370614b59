"""Charts over two scales: histograms and scatter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tcoc.disclosure import Column, PublicTable
from tcoc.report import alt, formats, style
from tcoc.report.charts import base
from tcoc.report.charts.base import Chart, Layout, Margins
from tcoc.report.marks import mark


@base.needs_rows
def histogram(
    table: PublicTable,
    left: str,
    right: str,
    count: str,
    thresholds: Sequence[tuple[float, str]] = (),
    *,
    name: str = "",
) -> Chart:
    """Ready-made bins, with thresholds as named lines; a hidden bin carries the mark."""
    starts, ends, counts = (formats.floats(table, c) for c in (left, right, count))
    scale, column = formats.column_of(table, left), formats.column_of(table, count)

    def draw(layout: Layout) -> Figure:
        return _draw_bins(layout, starts, ends, counts, (scale, column), thresholds)

    names = [
        f"{formats.write(scale, a)} to {formats.write(scale, b)}"
        for a, b in zip(starts, ends, strict=True)
    ]
    told = alt.ranked("Histogram", table, names, column, counts)
    told += "".join(f" A line marks {n}." for _, n in thresholds)
    return Chart(
        base.named(name, table, "histogram"), table, (left, right, count), draw, told, "histogram"
    )


def _draw_bins(
    layout: Layout,
    starts: Any,
    ends: Any,
    counts: Any,
    columns: tuple[Column, Column],
    thresholds: Sequence[tuple[float, str]],
) -> Figure:
    scale, column = columns
    size = base.size_of(layout)
    high = base.extent(counts)[1]
    steps = (
        len(thresholds)
        if base.is_narrow(layout) or len(thresholds) > 1
        else min(1, len(thresholds))
    )
    margins = Margins(base.tick_width(column, 0, high, size) + 0.14, 0.2, 0.36 + 0.19 * steps, 0.55)
    picture, axes = base.sheet(layout, 2.7 if base.is_narrow(layout) else 3.1, margins)
    axes.set_xlim(float(np.nanmin(starts)), float(np.nanmax(ends)))
    axes.set_ylim(0, high * 1.06 or 1.0)
    for start, end, amount in zip(starts, ends, counts, strict=True):
        span = f"{formats.write(scale, start)} to {formats.write(scale, end)}"
        said = f"{span}: {column.label} {formats.write(column, amount)}"
        if np.isnan(amount):
            mark(
                axes.text(
                    (start + end) / 2, 0, base.MARK, ha="center", va="bottom", color=style.QUIET
                ),
                "",
                said,
                "text",
            )
            continue
        drawn = axes.bar(
            start, amount, end - start, align="edge", color=style.ACCENT, edgecolor="white", lw=0.8
        )
        mark(drawn.patches[0], "", said)
    base.value_axis(axes, "x", scale, 4 if base.is_narrow(layout) else 8)
    base.value_axis(axes, "y", column)
    axes.grid(visible=False, axis="x")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(True)
    axes.set_xlabel(_of_scale(scale.label), fontsize=size)
    axes.annotate(
        formats.axis_title(column),
        (0, 1),
        xycoords="axes fraction",
        fontsize=size,
        xytext=(-margins.left * 72 + 2, 7 + 13.5 * steps),
        textcoords="offset points",
        color=style.QUIET,
    )
    for step, (value, text) in enumerate(thresholds):
        base.vertical(axes, value, text, layout, step)
    return picture


def _of_scale(label: str) -> str:
    return label.removesuffix(" from").removesuffix(", from")


# ---------------------------------------------------------------- scatter


@base.needs_rows
def scatter(
    table: PublicTable,
    x: str,
    y: str,
    label: str = "",
    size: str = "",
    *,
    emphasize: Sequence[Any] = (),
    diagonal: bool = False,
    name: str = "",
) -> Chart:
    """A dot per row at two values; emphasized rows are named, area by `size` where given.

    Rows with a hidden value are not drawn; the alt text says how many. `diagonal` draws the line
    where both values are equal.
    """
    xs, ys = formats.floats(table, x), formats.floats(table, y)
    columns = formats.column_of(table, x), formats.column_of(table, y)
    names = formats.row_names(table, label) if label else [""] * len(table)
    areas = _areas(table, size, len(table))
    wanted = {str(e) for e in emphasize}
    codes = table.frame[label].map(str).tolist() if label else names
    strong = [n in wanted or c in wanted for n, c in zip(names, codes, strict=True)]
    keys = formats.row_keys(table)

    def draw(layout: Layout) -> Figure:
        return _draw_scatter(layout, (xs, ys), columns, names, keys, areas, strong, diagonal)

    told = alt.pairs(table, columns, (xs, ys))
    drawn = tuple(c for c in (label, x, y, size) if c)
    note = f"Area shows {formats.column_of(table, size).label.lower()}." if size else ""
    return Chart(base.named(name, table, "scatter"), table, drawn, draw, told, "scatter", note)


def _areas(table: PublicTable, size: str, rows: int) -> "np.ndarray[Any, Any]":
    if not size:
        return np.full(rows, 36.0)
    values = np.nan_to_num(formats.floats(table, size))
    return np.asarray(8 + 220 * values / max(float(values.max()), 1e-9))


def _draw_scatter(
    layout: Layout,
    points: Any,
    columns: tuple[Column, Column],
    names: list[str],
    keys: list[str],
    areas: Any,
    strong: list[bool],
    diagonal: bool,
) -> Figure:
    xs, ys = points
    text_size = base.size_of(layout)
    x_limits, y_limits = (base.padded(*base.extent(v), 0.08) for v in (xs, ys))
    left = base.tick_width(columns[1], *y_limits, text_size - 0.5) + 0.14
    picture, axes = base.sheet(
        layout, 3.3 if base.is_narrow(layout) else 4.2, Margins(left, 0.25, 0.34, 0.6)
    )
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    if diagonal:
        ends = [max(x_limits[0], y_limits[0]), min(x_limits[1], y_limits[1])]
        axes.plot(ends, ends, color=style.WARM, lw=1.2, ls=(0, (4, 2)), zorder=1)
    for i in np.flatnonzero(~np.isnan(xs + ys)):
        (dot,) = axes.plot(
            [xs[i]],
            [ys[i]],
            "o",
            ms=float(np.sqrt(areas[i])),
            mec="white",
            mew=0.5,
            color=style.ACCENT,
            alpha=0.9 if strong[i] or not any(strong) else 0.45,
        )
        pair = "; ".join(
            f"{c.label} {formats.write(c, v[i])}" for c, v in zip(columns, points, strict=True)
        )
        mark(dot, keys[i], f"{names[i]}: {pair}" if names[i] else pair)
        if strong[i]:
            right = xs[i] > np.mean(x_limits)
            tag = axes.annotate(
                names[i],
                (xs[i], ys[i]),
                xytext=(-8 if right else 8, 5),
                textcoords="offset points",
                fontsize=text_size,
                ha="right" if right else "left",
            )
            mark(tag, keys[i], names[i], "name")
    for along, column in zip(("x", "y"), columns, strict=True):
        base.value_axis(axes, along, column, 4 if base.is_narrow(layout) else 6)  # type: ignore[arg-type]
    axes.grid(visible=True, axis="both")
    axes.set_xlabel(formats.axis_title(columns[0]), fontsize=text_size)
    base.axis_words(axes, columns[1], layout, "y")
    return picture
