"""What every chart is made of: the sheet with its margins, names, legends and quiet axes.

Margins are measured from the texts that stand in them, not guessed: nothing is cropped, and no
layout engine has to try. Three layouts are drawn from one description: `wide` for a desktop,
`narrow` for a phone of 375 pixels (names above bars, panels below each other), `print` for paper.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from tcoc.disclosure import Column, PublicTable
from tcoc.report import formats, style, words
from tcoc.report.marks import mark

Layout = Literal["wide", "narrow", "print"]
LAYOUTS: tuple[Layout, ...] = ("wide", "narrow", "print")
WIDTHS: dict[Layout, float] = {"wide": 8.4, "narrow": 3.6, "print": 7.0}
SIZES: dict[Layout, float] = {"wide": 10.5, "narrow": 9.5, "print": 9.5}
TALLEST_PRINT = 8.4
"""Inches that a figure may take on a printed page with its title and caption."""

MARK = "‡"
POINT = 1 / 72


@dataclass(frozen=True)
class Chart:
    """A figure that is not drawn yet: its rows, the columns drawn, how, and its text alternative.

    `name` is a file stem; `kind` the type of chart; `note` what a reader must know of what is not
    drawn. `draw` returns a new matplotlib figure for a layout, the same each time.
    """

    name: str
    table: PublicTable
    columns: tuple[str, ...]
    draw: Callable[[Layout], Figure]
    alt: str
    kind: str = ""
    note: str = ""


@dataclass(frozen=True)
class Margins:
    """Inches around a plot."""

    left: float = 0.1
    right: float = 0.15
    top: float = 0.1
    bottom: float = 0.55


def size_of(layout: Layout) -> float:
    """Return the size of ordinary text in points."""
    return SIZES[layout]


def is_narrow(layout: Layout) -> bool:
    """Whether names stand above bars and panels below each other."""
    return layout == "narrow"


def named(name: str, table: PublicTable, kind: str) -> str:
    """Return the name of a chart's files: the one given, else the table's and the type's."""
    return name or f"{table.name}-{kind.replace('_', '-')}"


Told = ParamSpec("Told")
EMPTY = "empty"


def needs_rows(
    chart: Callable[Concatenate[PublicTable, Told], Chart],
) -> Callable[Concatenate[PublicTable, Told], Chart]:
    """Let a chart of a table without rows be an empty Chart, which draws nothing and says so."""

    @wraps(chart)
    def made(table: PublicTable, /, *args: Told.args, **kwargs: Told.kwargs) -> Chart:
        return nothing(table) if table.empty else chart(table, *args, **kwargs)

    return cast("Callable[Concatenate[PublicTable, Told], Chart]", made)


def nothing(table: PublicTable) -> Chart:
    """Return the chart of a table without rows: one sentence, and a sheet with nothing on it."""
    title = table.title or table.name.replace("_", " ")
    said = f"There is nothing to draw here: in this run, the table \u201c{title}\u201d has no rows."
    return Chart(f"{table.name}-empty", table, (), _blank, said, EMPTY)


def flat(table: PublicTable, column: Column, said: str, rows: int) -> Chart:
    """Return the chart of a column that shows one value in all rows: a sentence says it."""
    told = f"{column.label} is {said} in each of the {rows} rows, so no picture is drawn."
    return Chart(f"{table.name}-empty", table, (), _blank, told, EMPTY)


def _blank(layout: Layout) -> Figure:
    return blank(layout, 0.5)


# ---------------------------------------------------------------- sheets


def sheet(layout: Layout, height: float, margins: Margins) -> tuple[Figure, Axes]:
    """Return a figure with one plot of `height` inches inside of its margins."""
    picture, grid = panels(layout, height, margins, 1, 1)
    return picture, grid[0]


def panels(
    layout: Layout,
    height: float,
    margins: Margins,
    rows: int,
    columns: int,
    gap: tuple[float, float] = (0.3, 0.55),
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a grid of plots, each of `height` inches, row by row.

    `gap` is the space between columns and between rows, in inches.
    """
    total, places = boxes(layout, height, margins, rows, columns, gap)
    picture = blank(layout, total)
    width, found = WIDTHS[layout], []
    for left, bottom, across, up in places:
        axes = picture.add_axes((left / width, bottom / total, across / width, up / total))
        axes.tick_params(labelsize=size_of(layout) - 0.5)
        axes.patch.set_visible(False)
        found.append(axes)
    return picture, found


Box = tuple[float, float, float, float]
"""Left, bottom, width and height in inches, from the figure's lower left corner."""


def boxes(
    layout: Layout,
    height: float,
    margins: Margins,
    rows: int,
    columns: int,
    gap: tuple[float, float],
) -> tuple[float, list[Box]]:
    """Return the height of a figure with a grid of plots, and where each stands, row by row."""
    across = WIDTHS[layout] - margins.left - margins.right - gap[0] * (columns - 1)
    each = across / columns
    total = margins.top + margins.bottom + rows * height + gap[1] * (rows - 1)
    lefts = [margins.left + column * (each + gap[0]) for column in range(columns)]
    tops = [margins.top + row * (height + gap[1]) for row in range(rows)]
    return total, [(left, total - top - height, each, height) for top in tops for left in lefts]


def blank(layout: Layout, height: float) -> Figure:
    """Return an empty figure of so many inches."""
    style.use_style()
    picture = Figure(figsize=(WIDTHS[layout], round(height, 3)))
    FigureCanvasAgg(picture)
    picture.patch.set_visible(False)
    return picture


def plot_width(picture: Figure, axes: Axes) -> float:
    """Return a plot's width in inches."""
    return float(picture.get_figwidth() * axes.get_position().width)


def plot_height(picture: Figure, axes: Axes) -> float:
    """Return a plot's height in inches."""
    return float(picture.get_figheight() * axes.get_position().height)


# ---------------------------------------------------------------- text


def inches(text: str, size: float, strong: bool = False) -> float:
    """Return how wide a text is."""
    return style.text_width(text, size, strong) * POINT


def widest(texts: Sequence[str], size: float, strong: bool = False) -> float:
    """Return the width of the widest of some texts, in inches."""
    return max((inches(text, size, strong) for text in texts), default=0.0)


def short(column: Column, value: float) -> str:
    """Write a value for a mark: a large amount in millions or billions, all else as in a table."""
    if column.kind in ("dollars", "count", "months") and abs(value) >= 1e7:
        size = 1e9 if abs(value) >= 1e9 else 1e6
        digits = max(0, 2 - int(math.log10(abs(value) / size)))
        return words.compact(value, "$" if column.kind == "dollars" else "", step=size / 10**digits)
    return formats.write(column, value)


def fitted(text: str, width: float, size: float) -> str:
    """Return a text that fits a width in inches, cut with an ellipsis where it must be."""
    if inches(text, size) <= width:
        return text
    while text and inches(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip(" ,(") + "…"


def on_lines(text: str, width: float, size: float, most: int) -> str:
    """Return a text on at most so many lines, the last one cut where it must be."""
    first, *rest = wrapped(text, width, size)
    if most < 2 or not rest:
        return fitted(text, width, size)
    return f"{first}\n{on_lines(' '.join(rest), width, size, most - 1)}"


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines that fit a width in inches."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and inches(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


# ---------------------------------------------------------------- axes


def value_axis(axes: Axes, along: Literal["x", "y"], column: Column, most: int = 6) -> None:
    """Write ticks that step by 1, 2 or 5 in the column's format, with quiet grid lines."""
    axis = axes.xaxis if along == "x" else axes.yaxis
    low, high = sorted(axes.get_xlim() if along == "x" else axes.get_ylim())
    places = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
    places = [float(p) for p in places if low - 1e-12 <= p <= high + 1e-12]
    written = formats.ticks(column, places)
    axis.set_major_locator(FixedLocator(places))
    size = float(axis.get_major_ticks()[0].label1.get_fontsize())

    def label(value: float, _place: int | None) -> str:
        text = written(float(value))
        return text if along == "y" or _stays_inside(axes, float(value), text, size) else ""

    axis.set_major_formatter(FuncFormatter(label))
    axes.grid(visible=True, axis=along)
    axes.tick_params(length=0)
    hidden = "left" if along == "x" else "bottom"
    axes.spines[[hidden, "top", "right"]].set_visible(False)
    axes.spines["bottom" if along == "x" else "left"].set_visible(False)


def _stays_inside(axes: Axes, value: float, text: str, size: float) -> bool:
    """Whether a label centered below a value ends within the picture: a cut one is no label."""
    picture, box = axes.get_figure(root=True), axes.get_position()
    assert picture is not None
    wide = picture.get_figwidth()
    low, high = axes.get_xlim()
    middle = wide * (box.x0 + box.width * (value - low) / (high - low))
    # a reader's browser may have a wider font
    half = inches(text, size) / 2 * 1.15
    return bool(half <= middle and middle + half <= wide)


def tick_width(column: Column, low: float, high: float, size: float) -> float:
    """Return the width in inches of the widest tick that an axis of these limits will have."""
    places = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high)
    written = formats.ticks(column, [float(p) for p in places])
    return widest([written(float(p)) for p in places], size)


def axis_words(axes: Axes, column: Column, layout: Layout, along: Literal["x", "y"] = "x") -> None:
    """Say beside an axis what it shows and in which unit."""
    said = formats.axis_title(column)
    if along == "x":
        axes.set_xlabel(said, fontsize=size_of(layout), loc="left", labelpad=5)
    else:
        left = -axes.get_position().x0 * WIDTHS[layout] * 72 + 2
        axes.annotate(
            said,
            (0, 1),
            xycoords="axes fraction",
            xytext=(left, 7),
            textcoords="offset points",
            ha="left",
            va="bottom",
            fontsize=size_of(layout),
            color=style.QUIET,
        )


def both_ends(axes: Axes, rows: int) -> None:
    """Write a long chart's ticks at both of its ends."""
    if rows > 20:
        axes.tick_params(axis="x", top=True, labeltop=True)


def padded(low: float, high: float, share: float = 0.04) -> tuple[float, float]:
    """Return limits with some room around values; equal ones get a small room of their own."""
    room = (high - low) * share or max(abs(high), 1.0) * 0.05
    return low - room, high + room


def extent(*series: Any) -> tuple[float, float]:
    """Return the least and the largest value that is shown; (0, 1) where none is."""
    values = np.concatenate([np.asarray(s, dtype=float) for s in series or ((),)])
    values = values[~np.isnan(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)


def vertical(axes: Axes, value: float, name: str, layout: Layout, step: int = 0) -> None:
    """Draw a named vertical line; `step` lifts the name over that of a neighbor."""
    line = axes.axvline(value, color=style.WARM, lw=1.4, ls=(0, (4, 2)), zorder=1)
    mark(line, "", name, "reference")
    low, high = axes.get_xlim()
    right = (value - low) / (high - low) > 0.6
    axes.annotate(
        name,
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if right else 4, 4 + 13 * step),
        textcoords="offset points",
        color=style.WARM_INK,
        fontsize=size_of(layout) - 0.5,
        va="bottom",
        ha="right" if right else "left",
    )


def horizontal(axes: Axes, value: float, name: str, layout: Layout) -> None:
    """Draw a named horizontal line."""
    line = axes.axhline(value, color=style.WARM, lw=1.4, ls=(0, (4, 2)), zorder=1)
    mark(line, "", name, "reference")
    axes.annotate(
        name,
        (0, value),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        color=style.WARM_INK,
        fontsize=size_of(layout) - 0.5,
    )


# ---------------------------------------------------------------- legends


@dataclass(frozen=True)
class Entry:
    """A line of a legend."""

    name: str
    tint: str
    hatch: str = ""
    marker: str = ""


def legend_height(layout: Layout, entries: Sequence[Entry]) -> float:
    """Return the inches that a legend takes above a plot, its distance included."""
    if not entries:
        return 0.0
    return _flow(layout, entries)[-1][1] * _line(layout) + _line(layout) + 0.08


def draw_legend(
    picture: Figure, layout: Layout, entries: Sequence[Entry], top: float = 0.0
) -> None:
    """Write a legend at the top of a figure, in as many lines as its width needs."""
    width, height = picture.get_figwidth(), picture.get_figheight()
    size = size_of(layout)
    for entry, (x, line) in zip(entries, _flow(layout, entries), strict=True):
        y = height - top - (line + 0.6) * _line(layout)
        if entry.marker:
            from matplotlib.lines import Line2D

            picture.add_artist(
                Line2D(
                    [(x + 0.08) / width],
                    [(y + 0.01) / height],
                    marker=entry.marker,
                    ls="",
                    color=entry.tint,
                    ms=6,
                    transform=picture.transFigure,
                )
            )
        else:
            picture.add_artist(
                Rectangle(
                    (x / width, (y - 0.05) / height),
                    0.17 / width,
                    0.12 / height,
                    facecolor=entry.tint,
                    hatch=entry.hatch,
                    edgecolor="white",
                    lw=0.5,
                    transform=picture.transFigure,
                )
            )
        picture.text(
            (x + 0.24) / width,
            (y + 0.01) / height,
            entry.name,
            fontsize=size,
            va="center",
            color=style.INK,
        )


def _line(layout: Layout) -> float:
    return 1.55 * size_of(layout) * POINT


def _flow(layout: Layout, entries: Sequence[Entry]) -> list[tuple[float, int]]:
    """Return where each entry starts, in inches, and on which line it stands."""
    x, line, found = 0.02, 0, []
    for entry in entries:
        needed = 0.24 + inches(entry.name, size_of(layout)) + 0.22
        if x > 0.02 and x + needed > WIDTHS[layout]:
            x, line = 0.02, line + 1
        found.append((x, line))
        x += needed
    return found
