"""Diagrams that draw themselves from rows of words: aims, drivers, a timeline of tracks.

Text is measured before anything is placed, and the picture grows with its content, so an edited
YAML never makes boxes overlap or cuts a label. Lengths are inches, measured from the top left.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Picture
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path as Line
from matplotlib.textpath import TextPath

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


@cache
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of a line of text in inches."""
    use_style()
    if not text.strip():
        return 0.0
    outline = TextPath((0, 0), text, size=size, prop=_font(weight))
    return right_edge(outline) / 72 * _HINTING


def right_edge(outline: Line) -> float:
    """Return the rightmost point of letters' outlines: `get_extents().x1`, all curves at once.

    matplotlib goes through curves one by one, which took a third of all pages' time.
    """
    across, codes = outline.vertices[:, 0], outline.codes
    if codes is None or (codes == Line.CURVE4).any():
        return float(outline.get_extents().x1)
    # a closing point is no point of the letter
    ends = across[(codes == Line.MOVETO) | (codes == Line.LINETO)]
    bend = np.flatnonzero(codes == Line.CURVE3)[::2]
    start, middle, end = across[bend - 1], across[bend], across[bend + 1]
    curved = start - 2 * middle + end
    turn = np.divide(start - middle, curved, out=np.zeros_like(start), where=curved != 0)
    turn = np.clip(turn, 0, 1)
    tops = (1 - turn) ** 2 * start + 2 * turn * (1 - turn) * middle + turn**2 * end
    return float(max(ends.max(), end.max(initial=-np.inf), tops.max(initial=-np.inf)))


@cache
def _font(weight: str) -> FontProperties:
    if weight == "semibold":
        return FontProperties(family=["Source Sans 3", "DejaVu Sans"], weight=600)
    return FontProperties(family=["Source Sans 3", "DejaVu Sans"])


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
            fontproperties=_font(words.weight),
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


# ---------------------------------------------------------------- timeline


_LABELS = 1.42
_RIGHT = 0.08
_LANE = 0.42
_TOP = 0.34


@dataclass(frozen=True)
class _Placed:
    """An event on paper: where its mark is, where its words stand, and in which lane."""

    mark: tuple[float, float]
    words: float
    align: Literal["left", "right"]
    lane: int
    event: "_Event"


@dataclass(frozen=True)
class _Event:
    label: str
    when: str
    first: dt.date
    last: dt.date
    instant: bool
    planned: bool

    @property
    def room(self) -> float:
        return max(text_width(self.label, TEXT), text_width(self.when, SMALL))


def draw_timeline(rows: pd.DataFrame) -> Picture:
    """Draw tracks of dated events; done ones are filled, planned ones are open.

    Takes rows of track, event, when (the date in words), first, last, instant, status. Words stand
    right of their mark, or left of it near the edge; events of a track that would touch take lanes
    below each other.
    """
    tracks = [(name, _events(part)) for name, part in rows.groupby("track", sort=False)]
    every = [event for _, events in tracks for event in events]
    scale = _Scale(min(e.first for e in every).year, max(e.last for e in every).year + 1)
    laid = [(str(name), _lanes(events, scale)) for name, events in tracks]
    heights = [_LANE * max(p.lane + 1 for p in placed) + 0.14 for _, placed in laid]
    picture, axes = paper(_TOP + sum(heights) + 0.34)
    _years(axes, scale, _TOP + sum(heights))
    y = _TOP
    for i, ((name, placed), height) in enumerate(zip(laid, heights, strict=True)):
        _draw_track(axes, name, placed, y, height, shaded=i % 2 == 0)
        y += height
    _timeline_key(axes, y + 0.18)
    return picture


@dataclass(frozen=True)
class _Scale:
    first_year: int
    after_last: int

    def at(self, day: dt.date) -> float:
        start, end = dt.date(self.first_year, 1, 1), dt.date(self.after_last, 1, 1)
        share = (day - start).days / (end - start).days
        return _LABELS + share * (PAGE - _LABELS - _RIGHT)


def _events(part: pd.DataFrame) -> list[_Event]:
    ordered = part.sort_values(["first", "last", "event"])
    rows: list[Any] = list(ordered.itertuples(index=False))
    return [
        _Event(
            str(r.event),
            str(r.when),
            pd.Timestamp(r.first).date(),
            pd.Timestamp(r.last).date(),
            bool(r.instant),
            r.status == "planned",
        )
        for r in rows
    ]


def _lanes(events: Sequence[_Event], scale: _Scale) -> list[_Placed]:
    """Give each event the first lane in which its mark and its words touch nothing."""
    taken: list[list[tuple[float, float]]] = []
    placed = []
    for event in events:
        mark = (scale.at(event.first), scale.at(event.last + dt.timedelta(days=1)))
        words, align = _beside(mark, event)
        span = _span(mark, words, align, event.room)
        lane = next((i for i, lane in enumerate(taken) if _free(lane, span)), len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append(span)
        placed.append(_Placed(mark, words, align, lane, event))
    return placed


def _beside(mark: tuple[float, float], event: _Event) -> tuple[float, Literal["left", "right"]]:
    inside = not event.instant and event.room + 0.16 <= mark[1] - mark[0]
    if inside:
        return mark[0] + 0.08, "left"
    if mark[1] + 0.1 + event.room <= PAGE - 0.02:
        return mark[1] + 0.1, "left"
    return mark[0] - 0.1, "right"


def _span(mark: tuple[float, float], words: float, align: str, room: float) -> tuple[float, float]:
    text = (words, words + room) if align == "left" else (words - room, words)
    return min(mark[0], text[0]) - 0.08, max(mark[1], text[1]) + 0.08


def _free(lane: list[tuple[float, float]], span: tuple[float, float]) -> bool:
    return all(span[1] <= taken[0] or span[0] >= taken[1] for taken in lane)


def _years(axes: Axes, scale: _Scale, bottom: float) -> None:
    for year in range(scale.first_year, scale.after_last + 1):
        x = scale.at(dt.date(year, 1, 1))
        axes.plot([x, x], [_TOP - 0.06, bottom], color=RULE, linewidth=0.8, zorder=0.5)
        if year < scale.after_last:
            middle = scale.at(dt.date(year, 7, 2))
            axes.text(
                middle, _TOP - 0.17, str(year), ha="center", va="center", size=TEXT, color=INK
            )


def _draw_track(
    axes: Axes, name: str, placed: Sequence[_Placed], y: float, height: float, *, shaded: bool
) -> None:
    if shaded:
        axes.add_patch(
            Rectangle((0, y), PAGE, height, facecolor=TINT, edgecolor="none", zorder=0.2)
        )
    words = wrap(name, _LABELS - 0.2, TEXT, "semibold")
    write(axes, 0.08, y + (height - words.height) / 2, words)
    for one in placed:
        _draw_event(axes, one, y + 0.07 + _LANE * (one.lane + 0.5), TINT if shaded else "white")


def _draw_event(axes: Axes, one: _Placed, y: float, ground: str) -> None:
    fill = "white" if one.event.planned else ACCENT
    inside = one.mark[0] < one.words < one.mark[1]
    if one.event.instant:
        axes.plot([one.mark[0]], [y], marker="D", markersize=7, mfc=fill, mec=ACCENT, mew=1.4)
    else:
        tall = _LANE - 0.05 if inside else 0.16
        wide = max(one.mark[1] - one.mark[0], 0.06)
        box(axes, one.mark[0], y - tall / 2, wide, tall, fill, ACCENT)
    tint = "white" if inside and not one.event.planned else INK
    quiet = tint if tint == "white" else QUIET
    behind = "none" if inside else ground
    for text, size, at, color in (
        (one.event.label, TEXT, y - 0.09, tint),
        (one.event.when, SMALL, y + 0.1, quiet),
    ):
        axes.text(
            one.words,
            at,
            text,
            size=size,
            color=color,
            ha=one.align,
            va="center",
            bbox={"facecolor": behind, "edgecolor": "none", "pad": 0.6},
        )


def _timeline_key(axes: Axes, y: float) -> None:
    x = _LABELS
    for fill, text in ((ACCENT, "done"), ("white", "planned when the source was written")):
        axes.plot([x + 0.05], [y], marker="D", markersize=6, mfc=fill, mec=ACCENT, mew=1.3)
        axes.text(x + 0.18, y, text, size=SMALL, color=QUIET, va="center")
        x += 0.18 + text_width(text, SMALL) + 0.3
