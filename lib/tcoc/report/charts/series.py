"""Charts over a scale: lines, small multiples, histograms and scatter."""

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
from tcoc.report.marks import mark

_LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))


class Lines:
    """Series over an ordered scale, read from a long table; a hidden value is a gap."""

    def __init__(
        self, table: PublicTable, x: str, value: str, series: str, low: str, high: str
    ) -> None:
        frame = table.frame
        self.x, self.column = formats.column_of(table, x), formats.column_of(table, value)
        labels = frame[series].tolist() if series else [self.column.label] * len(frame)
        self.labels = list(dict.fromkeys(labels))
        if len(self.labels) > len(style.PALETTE):
            raise TcocError(f"a chart has {len(self.labels)} lines; at most {len(style.PALETTE)} are"
                            " legible: choose rows with where(), or use small_multiples")  # fmt: skip
        self.names = self._names(table, series, labels)
        self.keys = dict(zip(labels, formats.row_keys(table), strict=True))
        xs = _numbers(frame[x].tolist())
        self.scale = list(dict.fromkeys(xs))
        self.numeric = all(isinstance(v, (int, float, np.number)) for v in self.scale)
        if self.numeric:
            self.scale = sorted(self.scale)
        found = {c: formats.floats(table, c) for c in (value, low, high) if c}
        shape = (len(self.labels), len(self.scale))
        self.cells = {c: np.full(shape, np.nan) for c in found}
        self.present = np.zeros(shape, dtype=bool)
        for i, (label, at) in enumerate(zip(labels, xs, strict=True)):
            place = self.labels.index(label), self.scale.index(at)
            self.present[place] = True
            for c, amounts in found.items():
                self.cells[c][place] = amounts[i]
        self.values = self.cells[value]
        self.band = (self.cells[low], self.cells[high]) if low and high else None

    @staticmethod
    def _names(table: PublicTable, series: str, labels: list[Any]) -> list[str]:
        if not series:
            return list(dict.fromkeys(labels))
        names = formats.row_names(table, series)
        return list(dict(zip(labels, names, strict=True)).values())

    @property
    def places(self) -> "np.ndarray[Any, Any]":
        """Where the scale's values stand: by their number, else one after the other."""
        return np.array(self.scale if self.numeric else range(len(self.scale)), dtype=float)

    def said(self, row: int, at: int) -> str:
        """Return what one point says."""
        when = formats.write(self.x, self.scale[at])
        return f"{self.names[row]}, {when}: {formats.write(self.column, self.values[row, at])}"

    def entries(self) -> list[Entry]:
        """Return the legend, for layouts that have no room at the lines' ends."""
        return [
            Entry(n, style.series_tint(label, i), "", style.MARKERS[i])
            for i, (n, label) in enumerate(zip(self.names, self.labels, strict=True))
        ]


def _numbers(values: list[Any]) -> list[Any]:
    """Return months and years that stand as text as the numbers that they are."""
    texts = all(isinstance(v, str) and v.isdigit() for v in values)
    return [int(v) for v in values] if texts else values


def lines(
    table: PublicTable,
    x: str,
    value: str,
    series: str = "",
    reference: tuple[float, str] | None = None,
    *,
    low: str = "",
    high: str = "",
    name: str = "",
) -> Chart:
    """A line per series over `x`, named at its end, with a band from `low` to `high` if given."""
    base.need_rows(table, "lines")
    data = Lines(table, x, value, series, low, high)

    def draw(layout: Layout) -> Figure:
        return _draw_lines(layout, data, reference)

    told = alt.series("Line chart", data.names, [formats.write(data.x, s) for s in data.scale],
                      data.column, data.values)  # fmt: skip
    drawn = tuple(c for c in (x, series, value, low, high) if c)
    return Chart(base.named(name, table, "lines"), table, drawn, draw, told, "lines")


def _draw_lines(layout: Layout, data: Lines, reference: tuple[float, str] | None) -> Figure:
    size = base.size_of(layout)
    many = len(data.labels) > 1
    at_ends = many and not base.is_narrow(layout)
    right = min(base.widest(data.names, size, True), 2.4) + 0.2 if at_ends else 0.2
    entries = data.entries() if many and not at_ends else []
    edges = [data.values, *(data.band or ())]
    limits = base.padded(*base.extent(*(e.ravel() for e in edges),
                                      np.array([reference[0]]) if reference else ()), 0.08)  # fmt: skip
    if (
        data.column.kind in ("count", "dollars", "share", "score")
        and 0 <= limits[0] < limits[1] * 0.35
    ):
        limits = (0.0, limits[1])
    left = base.tick_width(data.column, *limits, size - 0.5) + 0.14
    top = base.legend_height(layout, entries) + 0.34
    picture, axes = base.sheet(layout, 3.0 if base.is_narrow(layout) else 3.7,
                               Margins(left, right, top, 0.55))  # fmt: skip
    base.draw_legend(picture, layout, entries)
    axes.set_ylim(*limits)
    for row in range(len(data.labels)):
        _line(axes, data, row, points=len(data.scale) <= 14)
    axes.set_xlim(*base.padded(data.places[0], data.places[-1], 0.03))
    base.value_axis(axes, "y", data.column)
    _scale_axis(axes, data, layout)
    base.axis_words(axes, data.column, layout, "y")
    if reference is not None:
        base.horizontal(axes, *reference, layout)
    if at_ends:
        _end_names(picture, axes, layout, data)
    return picture


def _line(
    axes: Axes, data: Lines, row: int, points: bool, width: float = 2.0, tint: str = ""
) -> None:
    tint = tint or style.series_tint(data.labels[row], row)
    xs, ys = data.places, data.values[row]
    key = data.keys.get(data.labels[row], "")
    if data.band is not None:
        axes.fill_between(xs, data.band[0][row], data.band[1][row], color=tint, alpha=0.15, lw=0)
    (line,) = axes.plot(xs, ys, color=tint, lw=width, linestyle=_LINES[row % len(_LINES)])
    mark(line, key, data.names[row], "line")
    for at in np.flatnonzero(~np.isnan(ys)) if points else ():
        (dot,) = axes.plot([xs[at]], [ys[at]], style.MARKERS[row % 6], color=tint,
                           ms=5.0 if width > 1.7 else 3.2)  # fmt: skip
        mark(dot, key, data.said(row, int(at)))


def _scale_axis(axes: Axes, data: Lines, layout: Layout, few: bool = False) -> None:
    """Write the scale below: each year where there is room, else the first and the last."""
    if data.numeric and len(data.scale) > 14:
        base.value_axis(axes, "x", data.x)
        axes.grid(visible=False, axis="x")
        axes.grid(visible=True, axis="y")
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(True)
    else:
        texts = [formats.write(data.x, s) for s in data.scale]
        places = data.places
        if few and len(texts) > 2:
            texts, places = [texts[0], texts[-1]], places[[0, -1]]
        elif base.is_narrow(layout) and len(texts) > 6:
            texts, places = texts[::2], places[::2]
        axes.set_xticks(places, texts)
        axes.tick_params(length=0)
    if data.x.kind != "year" and not few:
        axes.set_xlabel(formats.axis_title(data.x), fontsize=base.size_of(layout))


def _end_names(picture: Figure, axes: Axes, layout: Layout, data: Lines) -> None:
    """Name each line at its last shown point; names that would overlap are moved apart."""
    size = base.size_of(layout)
    low, high = axes.get_ylim()
    shown = [(row, np.flatnonzero(~np.isnan(data.values[row]))) for row in range(len(data.labels))]
    ends = [(row, int(at[-1])) for row, at in shown if len(at)]
    gap = 1.25 * size / 72 * (high - low) / base.plot_height(picture, axes)
    moved = style.spread([float(data.values[row, at]) for row, at in ends], gap)
    for (row, at), y in zip(ends, moved, strict=True):
        label = axes.annotate(
            base.fitted(data.names[row], 2.4, size), (data.places[at], y), xytext=(9, 0),
            textcoords="offset points", va="center", fontsize=size, fontweight="semibold",
            color=style.ink(style.series_tint(data.labels[row], row)), annotation_clip=False)  # fmt: skip
        mark(label, data.keys.get(data.labels[row], ""), data.names[row], "name")


# ---------------------------------------------------------------- small multiples


def small_multiples(
    table: PublicTable,
    facet: str,
    x: str,
    value: str,
    series: str = "",
    *,
    columns: int = 4,
    name: str = "",
) -> Chart:
    """The same small line chart for each value of `facet`, all on one scale."""
    base.need_rows(table, "small_multiples")
    found = list(dict.fromkeys(table.frame[facet].tolist()))
    parts = [table.where(**{facet: label}) for label in found]
    heads = [formats.row_names(part, facet)[0] for part in parts]
    groups = [Lines(part, x, value, series, "", "") for part in parts]

    def draw(layout: Layout) -> Figure:
        return _draw_multiples(layout, groups, heads, 2 if base.is_narrow(layout) else columns)

    told = alt.facets(heads, groups[0].column, [g.values for g in groups],
                      [formats.write(groups[0].x, s) for s in groups[0].scale])  # fmt: skip
    drawn = tuple(c for c in (facet, x, series, value) if c)
    return Chart(
        base.named(name, table, "small_multiples"), table, drawn, draw, told, "small_multiples"
    )


def _draw_multiples(layout: Layout, groups: list[Lines], heads: list[str], columns: int) -> Figure:
    columns = min(columns, len(groups))
    size = base.size_of(layout) - 0.5
    limits = base.padded(*base.extent(*(g.values.ravel() for g in groups)), 0.08)
    left = base.tick_width(groups[0].column, *limits, size - 0.5) + 0.12
    entries = groups[0].entries() if len(groups[0].labels) > 1 else []
    top = base.legend_height(layout, entries) + 0.52
    rows = -(-len(groups) // columns)
    height = 0.8 if rows > 6 else 1.05
    picture, grid = base.panels(layout, height, Margins(left, 0.2, top, 0.3), rows, columns,
                                (0.2, 0.5))  # fmt: skip
    base.draw_legend(picture, layout, entries)
    picture.text(0.01, 1 - (top - 0.3) / picture.get_figheight(), formats.axis_title(groups[0].column),
                 fontsize=size, color=style.QUIET, va="bottom")  # fmt: skip
    room = base.plot_width(picture, grid[0])
    for number, axes in enumerate(grid):
        if number >= len(groups):
            axes.set_visible(False)
            continue
        data = groups[number]
        axes.set_ylim(*limits)
        for row in range(len(data.labels)):
            _line(axes, data, row, points=len(data.scale) <= 8, width=1.6)
        axes.set_xlim(*base.padded(data.places[0], data.places[-1], 0.06))
        base.value_axis(axes, "y", data.column, 3)
        _scale_axis(axes, data, layout, few=True)
        if number % columns:
            axes.set_yticklabels([])
        title = axes.set_title(base.fitted(heads[number], room, size), fontsize=size, pad=4)
        mark(title, next(iter(data.keys.values()), ""), heads[number], "name")
    return picture


# ---------------------------------------------------------------- histogram


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
    base.need_rows(table, "histogram")
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


def _draw_bins(layout: Layout, starts: Any, ends: Any, counts: Any, columns: tuple[Column, Column],
               thresholds: Sequence[tuple[float, str]]) -> Figure:  # fmt: skip
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
        said = f"{formats.write(scale, start)} to {formats.write(scale, end)}: {column.label} {formats.write(column, amount)}"
        if np.isnan(amount):
            mark(axes.text((start + end) / 2, 0, base.MARK, ha="center", va="bottom", color=style.QUIET),
                 "", said, "text")  # fmt: skip
            continue
        drawn = axes.bar(start, amount, end - start, align="edge", color=style.ACCENT,
                         edgecolor="white", lw=0.8)  # fmt: skip
        mark(drawn.patches[0], "", said)
    base.value_axis(axes, "x", scale, 4 if base.is_narrow(layout) else 8)
    base.value_axis(axes, "y", column)
    axes.grid(visible=False, axis="x")
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(True)
    axes.set_xlabel(_of_scale(scale.label), fontsize=size)
    axes.annotate(formats.axis_title(column), (0, 1), xycoords="axes fraction", fontsize=size,
                  xytext=(-margins.left * 72 + 2, 7 + 13.5 * steps), textcoords="offset points",
                  color=style.QUIET)  # fmt: skip
    for step, (value, text) in enumerate(thresholds):
        base.vertical(axes, value, text, layout, step)
    return picture


def _of_scale(label: str) -> str:
    return label.removesuffix(" from").removesuffix(", from")


# ---------------------------------------------------------------- scatter


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
    base.need_rows(table, "scatter")
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


def _draw_scatter(layout: Layout, points: Any, columns: tuple[Column, Column], names: list[str],
                  keys: list[str], areas: Any, strong: list[bool], diagonal: bool) -> Figure:  # fmt: skip
    xs, ys = points
    text_size = base.size_of(layout)
    x_limits, y_limits = (base.padded(*base.extent(v), 0.08) for v in (xs, ys))
    left = base.tick_width(columns[1], *y_limits, text_size - 0.5) + 0.14
    picture, axes = base.sheet(layout, 3.3 if base.is_narrow(layout) else 4.2,
                               Margins(left, 0.25, 0.34, 0.6))  # fmt: skip
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    if diagonal:
        ends = [max(x_limits[0], y_limits[0]), min(x_limits[1], y_limits[1])]
        axes.plot(ends, ends, color=style.WARM, lw=1.2, ls=(0, (4, 2)), zorder=1)
    for i in np.flatnonzero(~np.isnan(xs + ys)):
        (dot,) = axes.plot([xs[i]], [ys[i]], "o", ms=float(np.sqrt(areas[i])), mec="white", mew=0.5,
                           color=style.ACCENT, alpha=0.9 if strong[i] or not any(strong) else 0.45)  # fmt: skip
        pair = "; ".join(
            f"{c.label} {formats.write(c, v[i])}" for c, v in zip(columns, points, strict=True)
        )
        mark(dot, keys[i], f"{names[i]}: {pair}" if names[i] else pair)
        if strong[i]:
            right = xs[i] > np.mean(x_limits)
            tag = axes.annotate(names[i], (xs[i], ys[i]), xytext=(-8 if right else 8, 5),
                                textcoords="offset points", fontsize=text_size,
                                ha="right" if right else "left")  # fmt: skip
            mark(tag, keys[i], names[i], "name")
    for along, column in zip(("x", "y"), columns, strict=True):
        base.value_axis(axes, along, column, 4 if base.is_narrow(layout) else 6)  # type: ignore[arg-type]
    axes.grid(visible=True, axis="both")
    axes.set_xlabel(formats.axis_title(columns[0]), fontsize=text_size)
    base.axis_words(axes, columns[1], layout, "y")
    return picture
