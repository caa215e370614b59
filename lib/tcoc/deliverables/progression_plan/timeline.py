"""The timeline of the Progression Plan: events on tracks, each beside its mark where room is."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.patches import Rectangle

from tcoc.deliverables.progression_plan.diagrams import (
    PAGE,
    SMALL,
    TEXT,
    TINT,
    box,
    paper,
    text_width,
    wrap,
    write,
)
from tcoc.report.style import ACCENT, INK, QUIET, RULE

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
