"""Light drawings of the hospital sheets: bars as rows of a table, and a map, without matplotlib.

One drawing type carries nearly everything: a row with a name, a bar or a point with its interval,
and its value as text. It is a table, so it reads on a phone, on paper, and to a screen reader.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tcoc.report.maps import county_rings

_WIDTH, _HEIGHT = 100.0, 12.0
_TOLERANCE = 0.012
_ASPECT = math.cos(math.radians(39.0))
"""A degree of longitude in degrees of latitude, at Maryland's latitude."""
_NARROWEST = 0.7
_LARGEST = 0.035
"""A map shows at least so many degrees, and its largest circle is this part of its width."""


@dataclass(frozen=True)
class Bar:
    """A row of a drawing: name, value as drawn, value in words, interval, where the bar starts."""

    label: str
    value: float | None
    said: str
    low: float | None = None
    high: float | None = None
    start: float = 0.0
    strong: bool = False
    note: str = ""


def bars(caption: str, rows: Sequence[Bar], heads: tuple[str, str] = ("", "")) -> str:
    """Draw rows on one axis; zero is drawn where values lie on both sides of it.

    A hidden or absent value has no bar, only its word.
    """
    if not rows:
        return ""
    low, high = _span(rows)
    lines = "".join(_row(row, low, high) for row in rows)
    head = (
        f'<thead><tr><th scope="col">{_text(heads[0])}</th><td></td><th scope="col" class="n">'
        f"{_text(heads[1])}</th></tr></thead>"
        if any(heads)
        else ""
    )
    return (
        f'<table class="bars"><caption>{_text(caption)}</caption>{head}'
        f"<tbody>{lines}</tbody></table>"
    )


def _span(rows: Sequence[Bar]) -> tuple[float, float]:
    found = [0.0]
    for row in rows:
        found += [v for v in (row.value, row.low, row.high) if v is not None]
    low, high = min(found), max(found)
    return (low, high) if high > low else (0.0, 1.0)


def _row(row: Bar, low: float, high: float) -> str:
    kind = ' class="strong"' if row.strong else ""
    note = f"<small>{_text(row.note)}</small>" if row.note else ""
    return (
        f'<tr{kind}><th scope="row">{_text(row.label)}{note}</th>'
        f'<td class="draw">{_bar(row, low, high)}</td><td class="n">{_text(row.said)}</td></tr>'
    )


def _bar(row: Bar, low: float, high: float) -> str:
    def at(value: float) -> float:
        return round(1 + (_WIDTH - 2) * (value - low) / (high - low), 2)

    marks = []
    if row.value is not None:
        left, right = sorted((at(row.start), at(row.value)))
        side = "down" if row.value < row.start else "up"
        width = max(right - left, 0.6)
        marks.append(f'<rect class="{side}" x="{left}" y="3" width="{width:.2f}" height="6"/>')
    if row.low is not None and row.high is not None:
        marks.append(f'<path class="interval" d="M{at(row.low)} 6H{at(row.high)}"/>')
    if low < 0 < high:
        marks.append(f'<path class="zero" d="M{at(0)} 0V12"/>')
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(marks)}</svg>"
    )


# ---------------------------------------------------------------- the map


@dataclass(frozen=True)
class Place:
    """A circle of a map: where, how large, what it says."""

    lat: float
    lon: float
    size: float
    said: str


@cache
def _outlines() -> tuple[tuple[tuple[float, float, float, float], str], ...]:
    """Return the counties' outlines as SVG paths, each with its bounds, made once a process."""
    found = []
    for ring in county_rings(_TOLERANCE):
        points = [(lon * _ASPECT, -lat) for lon, lat in ring]
        xs, ys = zip(*points, strict=True)
        path = "M" + "L".join(f"{x:.3f} {y:.3f}" for x, y in points) + "Z"
        found.append(((min(xs), max(xs), min(ys), max(ys)), path))
    return tuple(found)


def zip_map(places: Sequence[Place], words: str) -> str:
    """Draw circles over the outlines of the counties around them; `words` is the alternative."""
    if not places:
        return ""
    spots = [(p.lon * _ASPECT, -p.lat, p) for p in places]
    left, top, width, height = _frame([s[0] for s in spots], [s[1] for s in spots])
    land = "".join(
        f'<path d="{path}"/>'
        for (x0, x1, y0, y1), path in _outlines()
        if x0 < left + width and x1 > left and y0 < top + height and y1 > top
    )
    most = max(p.size for p in places)
    circles = "".join(
        f'<circle cx="{x:.3f}" cy="{y:.3f}" r="{width * _LARGEST * math.sqrt(p.size / most):.4f}">'
        f"<title>{_text(p.said)}</title></circle>"
        for x, y, p in sorted(spots, key=lambda s: (-s[2].size, s[2].said))
    )
    return (
        f'<svg class="map" role="img" aria-label="{_text(words)}"'
        f' viewBox="{left:.3f} {top:.3f} {width:.3f} {height:.3f}">'
        f'<g class="land">{land}</g><g class="people">{circles}</g></svg>'
    )


def _frame(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float, float]:
    """Return a frame of three to two around points, never narrower than a county."""
    width = max(max(xs) - min(xs), (max(ys) - min(ys)) * 1.5, _NARROWEST) * 1.16
    height = width / 1.5
    return (
        (min(xs) + max(xs) - width) / 2,
        (min(ys) + max(ys) - height) / 2,
        width,
        height,
    )


def _text(content: Any) -> str:
    return html.escape(str(content), quote=True)
