"""Charts over a scale: lines, small multiples, histograms and scatter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tcoc.disclosure import PublicTable
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
            raise TcocError(
                f"a chart has {len(self.labels)} lines; at most {len(style.PALETTE)} are"
                " legible: choose rows with where(), or use small_multiples"
            )
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


@base.needs_rows
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
    data = Lines(table, x, value, series, low, high)

    def draw(layout: Layout) -> Figure:
        return _draw_lines(layout, data, reference)

    told = alt.series(
        "Line chart",
        data.names,
        [formats.write(data.x, s) for s in data.scale],
        data.column,
        data.values,
    )
    drawn = tuple(c for c in (x, series, value, low, high) if c)
    return Chart(base.named(name, table, "lines"), table, drawn, draw, told, "lines")


def _draw_lines(layout: Layout, data: Lines, reference: tuple[float, str] | None) -> Figure:
    size = base.size_of(layout)
    many = len(data.labels) > 1
    at_ends = many and not base.is_narrow(layout)
    right = min(base.widest(data.names, size, True), 2.4) + 0.2 if at_ends else 0.2
    entries = data.entries() if many and not at_ends else []
    edges = [data.values, *(data.band or ())]
    limits = base.padded(
        *base.extent(*(e.ravel() for e in edges), np.array([reference[0]]) if reference else ()),
        0.08,
    )
    if (
        data.column.kind in ("count", "dollars", "share", "score")
        and 0 <= limits[0] < limits[1] * 0.35
    ):
        limits = (0.0, limits[1])
    left = base.tick_width(data.column, *limits, size - 0.5) + 0.14
    top = base.legend_height(layout, entries) + 0.34
    picture, axes = base.sheet(
        layout, 3.0 if base.is_narrow(layout) else 3.7, Margins(left, right, top, 0.55)
    )
    base.draw_legend(picture, layout, entries)
    axes.set_ylim(*limits)
    for row in range(len(data.labels)):
        _line(axes, data, row, points=len(data.scale) <= 14)
    axes.set_xlim(*base.padded(data.places[0], data.places[-1], 0.03))
    base.value_axis(axes, "y", data.column)
    _scale_axis(picture, axes, data, layout)
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
        (dot,) = axes.plot(
            [xs[at]], [ys[at]], style.MARKERS[row % 6], color=tint, ms=5.0 if width > 1.7 else 3.2
        )
        mark(dot, key, data.said(row, int(at)))


def _scale_axis(
    picture: Figure, axes: Axes, data: Lines, layout: Layout, few: bool = False
) -> None:
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
        room = base.plot_width(picture, axes) / (axes.get_xlim()[1] - axes.get_xlim()[0])
        kept = _apart(texts, [place * room for place in places], base.size_of(layout) - 0.5)
        axes.set_xticks([places[at] for at in kept], [texts[at] for at in kept])
        axes.tick_params(length=0)
    if data.x.kind != "year" and not few:
        axes.set_xlabel(formats.axis_title(data.x), fontsize=base.size_of(layout))


def _apart(texts: Sequence[str], places: Sequence[float], size: float) -> list[int]:
    """Return which labels to write, both ends always, so that none touches its neighbor."""
    widths = [base.inches(text, size) for text in texts]
    last, kept = len(texts) - 1, [0]
    for at in range(1, last):
        left, right = places[at] - widths[at] / 2, places[at] + widths[at] / 2
        free = places[kept[-1]] + widths[kept[-1]] / 2 + _GAP < left
        if free and right + _GAP < places[last] - widths[last] / 2:
            kept.append(at)
    return [*kept, last] if last else kept


_GAP = 0.06


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
            base.fitted(data.names[row], 2.4, size),
            (data.places[at], y),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=size,
            fontweight="semibold",
            color=style.ink(style.series_tint(data.labels[row], row)),
            annotation_clip=False,
        )
        mark(label, data.keys.get(data.labels[row], ""), data.names[row], "name")


# ---------------------------------------------------------------- small multiples


@base.needs_rows
def small_multiples(
    table: PublicTable,
    facet: str,
    x: str,
    value: str,
    series: str = "",
    *,
    columns: int = 4,
    own_scale: bool = False,
    name: str = "",
) -> Chart:
    """The same small line chart for each value of `facet`, all on one scale.

    `own_scale` gives each panel a scale of its own from zero: for kinds of different size, which
    would be flat lines on a common one. The caption has to say so.
    """
    found = list(dict.fromkeys(table.frame[facet].tolist()))
    parts = [table.where(**{facet: label}) for label in found]
    heads = [formats.row_names(part, facet)[0] for part in parts]
    groups = [Lines(part, x, value, series, "", "") for part in parts]

    def draw(layout: Layout) -> Figure:
        across = 2 if base.is_narrow(layout) else columns
        return _draw_multiples(layout, groups, heads, across, own_scale)

    told = alt.facets(
        heads,
        groups[0].column,
        [g.values for g in groups],
        [formats.write(groups[0].x, s) for s in groups[0].scale],
    )
    drawn = tuple(c for c in (facet, x, series, value) if c)
    return Chart(
        base.named(name, table, "small_multiples"), table, drawn, draw, told, "small_multiples"
    )


def _panel_limits(groups: Sequence[Lines], own_scale: bool) -> list[tuple[float, float]]:
    """Return each panel's limits: common ones, or from zero to its own largest value."""
    if own_scale:
        return [(0.0, 1.08 * max(base.extent(g.values.ravel())[1], 1.0)) for g in groups]
    return [base.padded(*base.extent(*(g.values.ravel() for g in groups)), 0.08)] * len(groups)


def _draw_multiples(
    layout: Layout, groups: list[Lines], heads: list[str], columns: int, own_scale: bool
) -> Figure:
    columns = min(columns, len(groups))
    size = base.size_of(layout) - 0.5
    limits = _panel_limits(groups, own_scale)
    left = max(base.tick_width(groups[0].column, *pair, size - 0.5) for pair in limits) + 0.12
    entries = groups[0].entries() if len(groups[0].labels) > 1 else []
    top = base.legend_height(layout, entries) + 0.52
    rows = -(-len(groups) // columns)
    height = 0.8 if rows > 6 else 1.05
    picture, grid = base.panels(
        layout,
        height,
        Margins(left, 0.2, top, 0.3),
        rows,
        columns,
        (left if own_scale else 0.2, 0.5),
    )
    base.draw_legend(picture, layout, entries)
    picture.text(
        0.01,
        1 - (top - 0.3) / picture.get_figheight(),
        formats.axis_title(groups[0].column),
        fontsize=size,
        color=style.QUIET,
        va="bottom",
    )
    room = base.plot_width(picture, grid[0])
    for number, axes in enumerate(grid):
        if number >= len(groups):
            axes.set_visible(False)
            continue
        data = groups[number]
        axes.set_ylim(*limits[number])
        for row in range(len(data.labels)):
            _line(axes, data, row, points=len(data.scale) <= 8, width=1.6)
        axes.set_xlim(*base.padded(data.places[0], data.places[-1], 0.06))
        base.value_axis(axes, "y", data.column, 3)
        _scale_axis(picture, axes, data, layout, few=True)
        if number % columns and not own_scale:
            axes.set_yticklabels([])
        title = axes.set_title(base.fitted(heads[number], room, size), fontsize=size, pad=4, y=1.0)
        mark(title, next(iter(data.keys.values()), ""), heads[number], "name")
    return picture
