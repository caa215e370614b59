"""Charts with a row per thing: names at the left on a desktop, above the row on a phone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

Dimensions = str | tuple[str, ...]

_ROW = {"wide": 0.235, "narrow": 0.40, "print": 0.205}
_LONGEST_NAME = {"wide": 2.5, "narrow": 3.3, "print": 2.2}


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


def row_height(layout: Layout, rows: int, least: float = 0.5) -> float:
    """Return a plot's height for so many rows; on paper they close up to stay on a page."""
    height = max(least, _ROW[layout] * rows)
    return min(height, base.TALLEST_PRINT - 1.0) if layout == "print" else height


def name_margin(layout: Layout, names: Sequence[str]) -> float:
    """Return the inches left of a plot for the names of its rows."""
    if base.is_narrow(layout):
        return 0.2
    return min(base.widest(names, base.size_of(layout)), _LONGEST_NAME[layout]) + 0.12


def write_names(axes: Axes, layout: Layout, rows: Rows, marked: Sequence[bool] = ()) -> None:
    """Write the rows' names from the top down; one with a hidden value gets the mark."""
    size = base.size_of(layout)
    axes.set_ylim(len(rows) - 0.4, -0.65 if not base.is_narrow(layout) else -0.8)
    axes.set_yticks([])
    for place, (name, key) in enumerate(zip(rows.names, rows.keys, strict=True)):
        text = f"{name} {base.MARK}" if marked and marked[place] else name
        shown = base.fitted(text, _LONGEST_NAME[layout], size)
        where = (0, place - 0.36) if base.is_narrow(layout) else (0, place)
        label = axes.annotate(shown, where, xycoords=("axes fraction", "data"),
                              xytext=(0 if base.is_narrow(layout) else -8, 0),
                              textcoords="offset points", fontsize=size, color=style.INK,
                              ha="left" if base.is_narrow(layout) else "right",
                              va="center", annotation_clip=False)  # fmt: skip
        mark(label, key, name, "name")


def bar_height(layout: Layout) -> float:
    """Return a bar's share of its row."""
    return 0.36 if base.is_narrow(layout) else 0.7


def bar_place(layout: Layout, place: float) -> float:
    """Return the middle of a row's bar: below the name on a phone."""
    return place + 0.13 if base.is_narrow(layout) else place


def _said(names: Sequence[str], column: Column, values: Any, row: int, extra: str = "") -> str:
    return f"{names[row]}: {column.label} {formats.write(column, values[row])}{extra}"


# ---------------------------------------------------------------- bars


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

    A hidden value has no bar and carries the mark. `reference` is a value with its name.
    """
    base.need_rows(table, "bars")
    column, values, read = (
        formats.column_of(table, value),
        formats.floats(table, value),
        rows_of(table, rows),
    )
    strong = _strong(table, rows, emphasize, read)

    def draw(layout: Layout) -> Figure:
        low, high = base.extent(values, np.zeros(1), np.array([reference[0]]) if reference else ())
        margins = Margins(name_margin(layout, read.names), 0.12, _top(layout, len(read), reference))
        picture, axes = base.sheet(layout, row_height(layout, len(read)), margins)
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
                _said(read.names, column, values, place),
                texts[place],
            )
        write_names(axes, layout, read, list(np.isnan(values)))
        _finish(axes, layout, column, len(read), reference)
        return picture

    told = alt.ranked("Bar chart", table, read.names, column, values)
    return Chart(base.named(name, table, "bars"), table, _drawn(rows, value), draw, told, "bars")


def _strong(
    table: PublicTable, rows: Dimensions, emphasize: Sequence[Any], read: Rows
) -> list[bool]:
    if not emphasize:
        return [True] * len(read)
    wanted = {str(e) for e in emphasize}
    first = rows if isinstance(rows, str) else rows[0]
    codes = table.frame[first].map(str).tolist()
    found = [n in wanted or c in wanted for n, c in zip(read.names, codes, strict=True)]
    return found if any(found) else [True] * len(read)


def _drawn(rows: Dimensions, *values: str) -> tuple[str, ...]:
    return (*((rows,) if isinstance(rows, str) else rows), *(v for v in values if v))


def _top(layout: Layout, rows: int, reference: Any = None) -> float:
    return 0.08 + (0.25 if rows > 20 else 0.0) + (0.22 if reference else 0.0)


def _room(picture: Figure, axes: Axes, layout: Layout, low: float, high: float, values: Any,
          texts: Sequence[str]) -> tuple[float, float]:  # fmt: skip
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


def _bar(axes: Axes, layout: Layout, place: int, amount: float, strong: bool, read: Rows,
         said: str, text: str) -> None:  # fmt: skip
    if np.isnan(amount):
        return
    y = bar_place(layout, place)
    tint = style.ACCENT if strong else style.PALETTE[2]
    drawn = axes.barh(y, amount, color=tint, height=bar_height(layout))
    mark(drawn.patches[0], read.keys[place], said)
    label = axes.annotate(text, (amount, y), xytext=(4 if amount >= 0 else -4, 0),
                          textcoords="offset points", va="center",
                          fontsize=base.size_of(layout) - 0.5,
                          ha="left" if amount >= 0 else "right")  # fmt: skip
    mark(label, read.keys[place], text, "text")


def _finish(axes: Axes, layout: Layout, column: Column, rows: int,
            reference: tuple[float, str] | None) -> None:  # fmt: skip
    base.value_axis(axes, "x", column, 4 if base.is_narrow(layout) else 7)
    base.axis_words(axes, column, layout)
    base.both_ends(axes, rows)
    if reference is not None:
        base.vertical(axes, *reference, layout, 1 if rows > 20 else 0)
    low, high = axes.get_xlim()
    if low < 0 < high:
        axes.axvline(0, color=style.QUIET, lw=0.8, zorder=1)


# ---------------------------------------------------------------- dots


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
    base.need_rows(table, "dots")
    column = formats.column_of(table, value)
    groups = _facets(table, facet)

    def draw(layout: Layout) -> Figure:
        return _draw_dots(
            layout, groups, rows, column, (value, low, high), reference, series, emphasize
        )

    told = alt.ranked("Dot chart", table, formats.row_names(table, _with(rows, facet, series)), column,
                      formats.floats(table, value), interval=bool(low and high))  # fmt: skip
    drawn = _drawn(rows, facet, series, value, low, high)
    return Chart(base.named(name, table, "dots"), table, drawn, draw, told, "dots")


def _with(rows: Dimensions, *others: str) -> tuple[str, ...]:
    return (*((rows,) if isinstance(rows, str) else rows), *(o for o in others if o))


def _facets(table: PublicTable, facet: str) -> list[tuple[str, PublicTable]]:
    if not facet:
        return [("", table)]
    found = list(dict.fromkeys(table.frame[facet].tolist()))
    names = formats.name_column(table, facet)
    parts = [(label, table.where(**{facet: label})) for label in found]
    return [(formats.row_names(part, names)[0], part) for _, part in parts]


def _draw_dots(layout: Layout, groups: Any, rows: Dimensions, column: Column, columns: Any,
               reference: Any, series: str, emphasize: Sequence[Any]) -> Figure:  # fmt: skip
    value, low, high = columns
    lines = [_row_order(part, rows, series) for _, part in groups]
    entries = _series_entries(groups, series)
    most = max(len(read) for read, _ in lines)
    margins = Margins(
        max(name_margin(layout, read.names) for read, _ in lines), 0.2,
        base.legend_height(layout, entries) + _top(layout, most, reference)
        + (0.24 if groups[0][0] else 0.0))  # fmt: skip
    side = 1 if base.is_narrow(layout) else min(len(groups), 3)
    down = -(-len(groups) // side)
    gap = (0.25, 1.1) if all(read.names == lines[0][0].names for read, _ in lines) else (
        margins.left + 0.2, 1.1)  # fmt: skip
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
        _finish(axes, layout, column, len(read), reference)
        if title:
            axes.set_title(
                title,
                fontsize=base.size_of(layout) + 0.5,
                pad=6 + 14 * bool(reference) + 14 * (len(read) > 20),
            )
    return picture


def _row_order(part: PublicTable, rows: Dimensions, series: str) -> tuple[Rows, list[int]]:
    """Return the rows of a panel, and on which of them each row of its table stands."""
    read = rows_of(part, rows)
    if not series:
        return read, list(range(len(read)))
    order = list(dict.fromkeys(zip(read.names, read.keys, strict=True)))
    places = [order.index(pair) for pair in zip(read.names, read.keys, strict=True)]
    return Rows([n for n, _ in order], [k for _, k in order]), places


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
        Entry(formats.write(column, label), style.series_tint(label, i), "", style.MARKERS[i])
        for i, label in enumerate(found)
        if column is not None
    ]


def _dot_panel(axes: Axes, layout: Layout, part: PublicTable, read: Rows, places: list[int],
               column: Column, columns: Any, series: str, emphasize: Sequence[Any],
               rows: Dimensions) -> None:  # fmt: skip
    value, low, high = columns
    values = formats.floats(part, value)
    lows, highs = (formats.floats(part, c) if c else None for c in (low, high))
    names, keys = formats.row_names(part, _with(rows, series)), formats.row_keys(part)
    labels = part.frame[series].tolist() if series else [None] * len(part)
    order = list(dict.fromkeys(labels))
    strong = _strong(part, rows, emphasize, rows_of(part, rows))
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
        mark(dot, keys[i], _said(names, column, values, i, extra))


def _join(axes: Axes, layout: Layout, places: list[int], values: Any) -> None:
    for place in sorted(set(places)):
        found = [v for p, v in zip(places, values, strict=True) if p == place and not np.isnan(v)]
        if len(found) > 1:
            y = bar_place(layout, place)
            axes.plot([min(found), max(found)], [y, y], color=style.RULE, lw=3, zorder=1)


# ---------------------------------------------------------------- slope


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
    base.need_rows(table, "slope")
    first, last = formats.column_of(table, start), formats.column_of(table, end)
    values = formats.floats(table, start), formats.floats(table, end)
    read = rows_of(table, rows)
    strong = _strong(table, rows, emphasize, read)

    def draw(layout: Layout) -> Figure:
        return _draw_slope(layout, read, values, (first, last), strong)

    told = alt.changes(table, read.names, (first, last), values)
    return Chart(
        base.named(name, table, "slope"), table, _drawn(rows, start, end), draw, told, "slope"
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
        (line,) = axes.plot([0, 1], [values[0][i], values[1][i]], "-o", color=tint, ms=4,
                            lw=1.8 if strong[i] else 1.0, zorder=2 + strong[i])  # fmt: skip
        said = " to ".join(formats.write(c, v[i]) for c, v in zip(columns, values, strict=True))
        mark(line, read.keys[i], f"{read.names[i]}: {said}")
    gap = 1.25 * size / 72 * (high - low) / base.plot_height(picture, axes)
    for at, side in ((0, "right"), (1, "left")):
        moved = style.spread([float(values[at][i]) for i in named], gap, low, high)
        for i, y in zip(named, moved, strict=True):
            text = texts[i] if at else formats.write(columns[0], values[0][i])
            label = axes.annotate(text, (at, y), xytext=(8 if at else -8, 0), ha=side, va="center",
                                  textcoords="offset points", fontsize=size,
                                  annotation_clip=False)  # fmt: skip
            mark(label, read.keys[i], text, "name")
    for at, head in enumerate(heads):
        axes.annotate("\n".join(head), (at, 1), xycoords="axes fraction", xytext=(0, 8), va="bottom",
                      textcoords="offset points", ha="right" if not at else "left",
                      fontsize=size, fontweight="semibold", annotation_clip=False)  # fmt: skip
    axes.set_axis_off()
    return picture


# ---------------------------------------------------------------- heat


def heat(
    table: PublicTable,
    rows: Dimensions,
    columns: str,
    value: str,
    *,
    name: str = "",
) -> Chart:
    """A grid of rows by the values of a dimension, shaded and with its numbers written."""
    base.need_rows(table, "heat")
    column = formats.column_of(table, value)
    heads = list(dict.fromkeys(table.frame[columns].tolist()))
    names = [formats.write(formats.column_of(table, columns), h) for h in heads]
    lines, places = _row_order(table, rows, columns)
    values = formats.floats(table, value)
    cells = np.full((len(lines), len(heads)), np.nan)
    for place, head, amount in zip(places, table.frame[columns].tolist(), values, strict=True):
        cells[place, heads.index(head)] = amount

    def draw(layout: Layout) -> Figure:
        return _draw_heat(layout, lines, names, cells, column)

    told = alt.ranked(
        "Shaded grid", table, formats.row_names(table, _with(rows, columns)), column, values
    )
    return Chart(
        base.named(name, table, "heat"), table, _drawn(rows, columns, value), draw, told, "heat"
    )


def _draw_heat(layout: Layout, lines: Rows, names: list[str], cells: Any, column: Column) -> Figure:
    size = base.size_of(layout) - (1.0 if base.is_narrow(layout) else 0.0)
    left = min(base.widest(lines.names, size), 1.1 if base.is_narrow(layout) else 2.4) + 0.12
    room = (base.WIDTHS[layout] - left - 0.1) / len(names)
    heads = [base.wrapped(text, room - 0.06, size) for text in names]
    top = 0.12 + max(map(len, heads)) * 1.2 * size / 72
    picture, axes = base.sheet(layout, 0.32 * len(lines), Margins(left, 0.05, top, 0.08))
    low, high = base.extent(cells)
    for row in range(len(lines)):
        for at, head in enumerate(names):
            _heat_cell(axes, row, at, cells[row, at], (low, high), column, lines, head, size)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    for at, broken in enumerate(heads):
        axes.annotate("\n".join(broken), (at, 1), xycoords=("data", "axes fraction"), xytext=(0, 4),
                      textcoords="offset points", ha="center", va="bottom", fontsize=size)  # fmt: skip
    for row, text in enumerate(lines.names):
        label = axes.annotate(base.fitted(text, left - 0.1, size), (0, row), va="center", ha="right",
                              xycoords=("axes fraction", "data"), xytext=(-6, 0),
                              textcoords="offset points", fontsize=size)  # fmt: skip
        mark(label, lines.keys[row], text, "name")
    axes.set_axis_off()
    return picture


def _heat_cell(axes: Axes, row: int, at: int, value: float, limits: Any, column: Column,
               lines: Rows, head: str, size: float) -> None:  # fmt: skip
    from matplotlib.patches import Rectangle

    low, high = limits
    known = not np.isnan(value)
    share = (value - low) / (high - low) if known and high > low else 0.0
    tint = style.shade(share) if known else style.HIDDEN_TINT
    cell = Rectangle((at - 0.5, row - 0.5), 1, 1, facecolor=tint, edgecolor="white", lw=1.5)
    text = base.short(column, value) if known else base.MARK
    said = f"{lines.names[row]}, {head}: {column.label} {formats.write(column, value)}"
    axes.add_patch(mark(cell, lines.keys[row], said))
    label = axes.text(at, row, text, ha="center", va="center", fontsize=size,
                      color="white" if share > 0.55 else style.INK)  # fmt: skip
    mark(label, lines.keys[row], text, "text")


__all__ = ["Rows", "bars", "dots", "heat", "replace", "slope"]
