"""Diagrams that draw themselves from rows of words: aims and drivers.

Text is measured before anything is placed, and the picture grows with its content, so an edited
YAML never makes boxes overlap or cuts a label. Lengths are inches, measured from the top left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Picture
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path as Line

from tcoc.report import style
from tcoc.report.style import ACCENT, INK, QUIET, RULE, WARM, use_style

PAGE = 7.0
TEXT = 10.5
SMALL = 9.0
LEADING = 1.28
_HINTING = 1.045
"""Letters are moved to whole pixels: text can come out this much wider than its outline."""
TINT = "#eef2f6"
"""Fill of boxes: pale enough that black text keeps its contrast, also in grey print."""


# ---------------------------------------------------------------- paper and words


@dataclass(frozen=True)
class Words:
    """A wrapped text: its lines, its size and weight, and the room that it takes."""

    lines: tuple[str, ...]
    size: float
    weight: str

    @property
    def height(self) -> float:
        """The height of all lines in inches."""
        return len(self.lines) * self.size * LEADING / 72

    @property
    def width(self) -> float:
        """The width of the longest line in inches."""
        return max((text_width(line, self.size, self.weight) for line in self.lines), default=0.0)


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return the room that a line of text needs, in inches."""
    return style.text_width(text, size, weight == "semibold") / 72 * _HINTING


def wrap(text: str, width: float, size: float = TEXT, weight: str = "normal") -> Words:
    """Break a text into lines that fit a width; a single word that is too long stays whole."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return Words(tuple(lines), size, weight)


def paper(height: float, width: float = PAGE) -> tuple[Picture, Axes]:
    """Return an empty picture whose coordinates are inches from the top left."""
    use_style()
    picture = Picture(figsize=(width, height))
    FigureCanvasAgg(picture)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    return picture, axes


def write(
    axes: Axes,
    x: float,
    y: float,
    words: Words,
    tint: str = INK,
    align: Literal["left", "center", "right"] = "left",
) -> None:
    """Write wrapped words with the top of their first line at y."""
    step = words.size * LEADING / 72
    for i, line in enumerate(words.lines):
        axes.text(
            x,
            y + step * (i + 0.5),
            line,
            weight=words.weight,
            size=words.size,
            color=tint,
            ha=align,
            va="center_baseline",
        )


def box(
    axes: Axes, x: float, y: float, width: float, height: float, fill: str, edge: str = "none"
) -> None:
    """Draw a box with slightly rounded corners; a very narrow one has square ones."""
    corner = min(0.05, width / 4)
    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={corner:.3f}",
            facecolor=fill,
            edgecolor=edge,
            linewidth=0.9,
        )
    )


def connect(axes: Axes, x0: float, y0: float, x1: float, y1: float) -> None:
    """Draw a quiet curve between two points, level at both ends."""
    middle = (x0 + x1) / 2
    curve = Line(
        [(x0, y0), (middle, y0), (middle, y1), (x1, y1)],
        [Line.MOVETO, Line.CURVE4, Line.CURVE4, Line.CURVE4],
    )
    axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=QUIET, linewidth=0.9))


def outline(groups: Sequence[tuple[str, Sequence[str]]], width: float = 3.6) -> Picture:
    """Draw headings with their items below each other: a diagram on a phone's width."""
    blocks = [
        (
            wrap(head, width - 0.1, TEXT, "semibold"),
            [wrap(i, width - 0.25, SMALL + 0.5) for i in items],
        )
        for head, items in groups
    ]
    height = sum(h.height + 0.16 + sum(i.height + 0.05 for i in items) for h, items in blocks)
    picture, axes = paper(height + 0.05, width)
    y = 0.02
    for head, items in blocks:
        write(axes, 0.0, y, head)
        y += head.height + 0.05
        for item in items:
            axes.plot([0.06], [y + SMALL * LEADING / 144], marker="o", markersize=2.6, color=WARM)
            write(axes, 0.16, y, item)
            y += item.height + 0.05
        y += 0.11
    return picture


# ---------------------------------------------------------------- the three aims


def draw_aims(rows: pd.DataFrame) -> Picture:
    """Draw the aims as cards side by side: one per `aim`, its `item`s below, in row order."""
    names = list(dict.fromkeys(rows["aim"]))
    gap, pad = 0.2, 0.14
    width = (PAGE - gap * (len(names) - 1)) / len(names)
    cards = [
        [wrap(item, width - 2 * pad - 0.16) for item in rows.loc[rows["aim"] == n, "item"]]
        for n in names
    ]
    heads = [wrap(name, width - 2 * pad, 13, "semibold") for name in names]
    top = max(head.height for head in heads) + 2 * pad
    height = top + max(sum(i.height + 0.09 for i in card) for card in cards) + pad
    picture, axes = paper(height)
    for i, (head, card) in enumerate(zip(heads, cards, strict=True)):
        x = i * (width + gap)
        _card(axes, x, width, height, top, head, card)
    return picture


def _card(
    axes: Axes, x: float, width: float, height: float, top: float, head: Words, items: list[Words]
) -> None:
    pad = 0.14
    axes.add_patch(Rectangle((x, 0), width, height, facecolor=TINT, edgecolor="none"))
    axes.add_patch(Rectangle((x, 0), width, top - 0.08, facecolor=ACCENT, edgecolor="none"))
    write(axes, x + pad, (top - 0.08 - head.height) / 2, head, "white")
    y = top + 0.05
    for item in items:
        middle = y + TEXT * LEADING / 144
        axes.plot([x + pad + 0.03], [middle], marker="o", markersize=3, color=WARM)
        write(axes, x + pad + 0.16, y, item)
        y += item.height + 0.09


# ---------------------------------------------------------------- driver diagram


_COLUMNS = {"aim": (0.02, 1.5), "primary": (1.88, 2.06), "secondary": (4.3, 2.68)}
_PAD = 0.1
_DARK_WARM = "#9a4a0c"
"""The warm color, dark enough for small letters on white."""


def draw_drivers(rows: pd.DataFrame, mark: str = "") -> Picture:
    """Draw a driver diagram: aim, primary and secondary drivers from left to right.

    Takes rows of aim, primary and secondary, in order. Each primary driver is as high as its
    secondary drivers need; the aim stands in the middle. `mark` is written above the aim, so that
    a reconstruction says so wherever the picture goes.
    """
    blocks = [_Block.of(name, part) for name, part in _by_primary(rows)]
    x, width = _COLUMNS["aim"]
    aim = wrap(str(rows["aim"].iloc[0]), width - 2 * _PAD, TEXT + 0.5, "semibold")
    note = wrap(mark, width, SMALL + 0.5, "semibold")
    head, tall = 0.34, aim.height + 2 * _PAD + 0.1
    content = sum(b.height for b in blocks) + 0.16 * (len(blocks) - 1)
    center = max(head + content / 2, head + note.height + 0.06 + tall / 2)
    picture, axes = paper(max(head + content, center + tall / 2) + 0.04)
    _column_heads(axes)
    y = center - content / 2
    for block in blocks:
        _draw_block(axes, y, block, center)
        y += block.height + 0.16
    box(axes, x, center - tall / 2, width, tall, ACCENT)
    write(axes, x + _PAD, center - aim.height / 2, aim, "white")
    write(axes, x, center - tall / 2 - note.height - 0.06, note, _DARK_WARM)
    return picture


def _by_primary(rows: pd.DataFrame) -> list[tuple[str, list[str]]]:
    pairs = zip(rows["primary"], rows["secondary"], strict=True)
    return [
        (name, [secondary for _, secondary in part])
        for name, part in groupby(pairs, key=lambda pair: pair[0])
    ]


@dataclass(frozen=True)
class _Block:
    primary: Words
    secondary: tuple[Words, ...]

    @classmethod
    def of(cls, primary: str, secondary: Sequence[str]) -> "_Block":
        width = _COLUMNS["primary"][1] - 2 * _PAD
        beside = _COLUMNS["secondary"][1] - 2 * _PAD
        return cls(
            wrap(primary, width, TEXT, "semibold"), tuple(wrap(s, beside) for s in secondary)
        )

    @property
    def height(self) -> float:
        items = sum(s.height + 2 * 0.05 for s in self.secondary) + 0.06 * (len(self.secondary) - 1)
        return max(items, self.primary.height + 2 * _PAD)


def _column_heads(axes: Axes) -> None:
    for name, text in (
        ("aim", "Aim"),
        ("primary", "Primary drivers"),
        ("secondary", "Secondary drivers"),
    ):
        write(axes, _COLUMNS[name][0], 0.02, Words((text,), SMALL + 0.5, "semibold"), QUIET)


def _draw_block(axes: Axes, y: float, block: _Block, center: float) -> None:
    x, width = _COLUMNS["primary"]
    middle = y + block.height / 2
    tall = block.primary.height + 2 * _PAD
    aim_right = sum(_COLUMNS["aim"])
    connect(axes, aim_right, center, x, middle)
    box(axes, x, middle - tall / 2, width, tall, TINT, ACCENT)
    write(axes, x + _PAD, middle - block.primary.height / 2, block.primary)
    left, room = _COLUMNS["secondary"]
    for words in block.secondary:
        item = words.height + 2 * 0.05
        connect(axes, x + width, middle, left, y + item / 2)
        box(axes, left, y, room, item, "white", RULE)
        write(axes, left + _PAD, y + 0.05, words)
        y += item + 0.06
