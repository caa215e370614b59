"""The chart types of the reports, each drawn once and well; a deliverable brings data and words.

Every function takes an audited frame and returns a picture for release.show_figure. A hidden value
is never drawn: a line has a gap, a dot or bar is missing and its place carries the mark. Series
are told apart by hatch, marker or line as well as by colour, and named beside what they name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure as Picture
from matplotlib.patheffects import withStroke

from tcoc.errors import TcocError
from tcoc.report import style, words
from tcoc.report.maps import county_rings, zip_points
from tcoc.report.tables import MARK

Kind = Literal["dollars", "short_dollars", "percent", "change", "count", "short_count", "number"]

_ROW = 0.215
_LINES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))


def height_for(rows: int, least: float = 2.2, most: float = 11.0) -> float:
    """Return a height in inches for a chart with a line of text per row."""
    return min(most, max(least, 0.9 + _ROW * rows))


def dots(
    frame: pd.DataFrame,
    label: str,
    value: str,
    kind: Kind = "number",
    axis: str = "",
    *,
    low: str = "",
    high: str = "",
    reference: tuple[float, str] | None = None,
    digits: int = 1,
) -> Picture:
    """Draw one dot per row, in the frame's order from top, with an interval where given.

    `reference` is a value with its name, drawn as a vertical line. `axis` says what and unit.
    """
    picture, axes = style.new_figure(height=height_for(len(frame)))
    places = np.arange(len(frame))
    values = _floats(frame[value])
    if low and high:
        axes.hlines(places, _floats(frame[low]), _floats(frame[high]), style.ACCENT, lw=1.6)
    axes.plot(values, places, "o", color=style.ACCENT, ms=5)
    _row_labels(axes, frame[label], places, values)
    style.grid(axes, "x")
    style.number_axis(axes.xaxis, kind, axis, digits)
    if reference is not None:
        _vertical(axes, *reference)
    return picture


def bars(
    frame: pd.DataFrame,
    label: str,
    value: str,
    kind: Kind = "count",
    axis: str = "",
    *,
    digits: int = 1,
    emphasise: Sequence[Any] = (),
) -> Picture:
    """Draw a horizontal bar per row, its value written at its end; some may be emphasised."""
    picture, axes = style.new_figure(height=height_for(len(frame)))
    places = np.arange(len(frame))
    values = _floats(frame[value])
    strong = [not emphasise or name in emphasise for name in frame[label]]
    tints = [style.ACCENT if s else style.PALETTE[2] for s in strong]
    axes.barh(places, np.nan_to_num(values), color=tints, height=0.68)
    for place, amount in zip(places, values, strict=True):
        if not np.isnan(amount):
            axes.annotate(_said(amount, kind, digits), (amount, place), xytext=_beside(amount),
                          textcoords="offset points", va="center", fontsize=9.5,
                          ha="left" if amount >= 0 else "right")  # fmt: skip
    _row_labels(axes, frame[label], places, values)
    style.grid(axes, "x")
    axes.margins(x=0.14)
    style.number_axis(axes.xaxis, kind, axis, 0 if kind == "percent" else digits)
    return picture


def stacked_shares(
    frame: pd.DataFrame,
    label: str,
    parts: Mapping[str, str],
    axis: str = "Share",
    *,
    colours: Sequence[str] = (),
) -> Picture:
    """Draw each row's parts of a whole, fractions that sum to 1, as one bar of 100 %.

    `parts` maps columns to names, in order. What hidden parts have together is left grey.
    """
    picture, axes = style.new_figure(height=height_for(round(1.6 * len(frame)) + 2))
    places, start = np.arange(len(frame)), np.zeros(len(frame))
    for number, (column, name) in enumerate(parts.items()):
        width = np.nan_to_num(_floats(frame[column]))
        tint = colours[number] if colours else style.colour(number)
        axes.barh(places, width, left=start, height=0.72, color=tint, label=name,
                  hatch=style.HATCHES[number % 6], edgecolor="white", lw=0.8)  # fmt: skip
        _write_inside(axes, places, start, width)
        start += width
    rest = np.where(frame[list(parts)].isna().any(axis=1), 1 - start, 0.0)
    if bool((rest > 0).any()):
        axes.barh(places, rest, left=start, height=0.72, color=style.RULE, label=f"hidden {MARK}")
    _row_labels(axes, frame[label], places, np.ones(len(frame)))
    axes.set_xlim(0, 1)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    style.number_axis(axes.xaxis, "percent", axis)
    picture.legend(loc="outside upper left", ncols=min(4, len(parts) + 1), handlelength=1.4)
    return picture


def curves(
    frame: pd.DataFrame,
    x: str,
    series: Mapping[str, str],
    kind: Kind = "number",
    axis: str = "",
    *,
    x_label: str = "",
    bands: Mapping[str, tuple[str, str]] | None = None,
    reference: tuple[float, str] | None = None,
    digits: int = 1,
    height: float = 3.6,
) -> Picture:
    """Draw a line per column of `series` over `x`, each named at its end, with bands if given."""
    picture, axes = style.new_figure(height=height)
    _draw_lines(axes, frame, x, series, bands or {})
    _name_lines(axes, frame, x, series)
    style.grid(axes, "y")
    style.number_axis(axes.yaxis, kind, axis, digits)
    axes.set_xlabel(x_label or x.replace("_", " ").capitalize())
    _whole_years(axes, frame[x])
    if reference is not None:
        _horizontal(axes, *reference)
    return picture


def small_multiples(
    frame: pd.DataFrame,
    facet: str,
    x: str,
    series: Mapping[str, str],
    kind: Kind = "number",
    axis: str = "",
    *,
    columns: int = 4,
    digits: int = 1,
) -> Picture:
    """Draw the same small line chart for each value of `facet`, all on one scale."""
    groups = list(frame.groupby(facet, sort=False))
    rows = -(-len(groups) // columns)
    picture, grid = style.new_figure(
        height=0.6 + 1.35 * rows,
        rows=rows,
        columns=columns,
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    picture.set_layout_engine("constrained", h_pad=0.09)
    for axes, (name, group) in zip(grid.flat, groups, strict=False):
        _draw_lines(axes, group, x, series, {}, width=1.6)
        axes.set_title(_short(str(name), 24), fontsize=9.5)
        style.grid(axes, "y")
        _whole_years(axes, frame[x], few=True)
    for axes in list(grid.flat)[len(groups) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        style.number_axis(axes.yaxis, kind, "", digits)
    picture.supylabel(axis, fontsize=10.5, color=style.QUIET)
    if len(series) > 1:
        handles, names = grid.flat[0].get_legend_handles_labels()
        picture.legend(handles, names, loc="outside upper left", ncols=len(series))
    return picture


def histogram(
    frame: pd.DataFrame,
    left: str,
    right: str,
    count: str,
    kind: Kind = "percent",
    axis: str = "",
    *,
    thresholds: Sequence[tuple[float, str]] = (),
    counted: str = "Clinicians",
    height: float = 3.4,
) -> Picture:
    """Draw ready-made bins, with thresholds as named vertical lines; hidden bins have the mark."""
    picture, axes = style.new_figure(height=height)
    starts, ends, counts = (_floats(frame[c]) for c in (left, right, count))
    axes.bar(starts, np.nan_to_num(counts), ends - starts, align="edge", color=style.ACCENT,
             edgecolor="white", lw=0.8)  # fmt: skip
    for start, end, amount in zip(starts, ends, counts, strict=True):
        if np.isnan(amount):
            axes.text((start + end) / 2, 0, MARK, ha="center", va="bottom", color=style.QUIET)
    style.grid(axes, "y")
    style.number_axis(axes.xaxis, kind, axis)
    style.number_axis(axes.yaxis, "count", counted)
    for step, (value, name) in enumerate(thresholds):
        _vertical(axes, value, name, step)
    return picture


def slope(
    frame: pd.DataFrame,
    label: str,
    start: str,
    end: str,
    names: tuple[str, str],
    kind: Kind = "number",
    axis: str = "",
    *,
    emphasise: Sequence[Any] = (),
    digits: int = 1,
    height: float = 4.6,
) -> Picture:
    """Draw each row as a line from one column to another; emphasised rows are named."""
    picture, axes = style.new_figure(height=height)
    chosen = frame[label].isin(list(emphasise)) if emphasise else pd.Series(True, frame.index)
    for a, b, strong in zip(_floats(frame[start]), _floats(frame[end]), chosen, strict=True):
        tint = style.ACCENT if strong else "#c3cad1"
        axes.plot([0, 1], [a, b], "-o", color=tint, lw=2 if strong else 1, ms=4, zorder=2 + strong)
    _slope_names(axes, frame[chosen], label, start, end, kind, digits)
    axes.set_xticks([0, 1], names, fontweight="semibold")
    axes.set_xlim(-0.35, 1.75)
    style.grid(axes, "y")
    style.number_axis(axes.yaxis, kind, axis, digits)
    return picture


def zip_map(
    frame: pd.DataFrame,
    zip_code: str = "zip",
    size: str = "benes",
    *,
    tint: str = style.ACCENT,
    height: float = 3.9,
    marker: tuple[float, float, str] | None = None,
) -> Picture:
    """Draw each ZIP as a dot at its centroid, area by `size`, on Maryland's county outlines.

    ZIPs with a hidden or missing size, or without a known centroid, are not drawn. `marker` is a
    named place: longitude, latitude, name.
    """
    picture, axes = style.new_figure(height=height)
    _draw_counties(axes)
    shown = frame.rename(columns={zip_code: "zip"}).dropna(subset=[size])
    points = zip_points(shown[shown[size] > 0])
    if len(points):
        areas = 4 + 260 * _floats(points[size]) / float(points[size].max())
        axes.scatter(
            points["lon"],
            points["lat"],
            s=areas,
            color=tint,
            alpha=0.62,
            lw=0.6,
            ec="white",
            zorder=3,
        )
    if marker is not None:
        lon, lat, name = marker
        axes.plot(lon, lat, "*", color=style.WARM, ms=12, mec="white", zorder=5)
        label = axes.annotate(
            name, (lon, lat), xytext=(9, 7), textcoords="offset points", fontweight="semibold"
        )
        label.set(zorder=6, path_effects=[withStroke(linewidth=3, foreground="white")])
    return picture


# ---------------------------------------------------------------- parts of charts


def _draw_counties(axes: Axes) -> None:
    shapes = PolyCollection(
        county_rings(), facecolor="#f3f5f7", edgecolor="#b9c2ca", linewidth=0.5, zorder=0
    )
    axes.add_collection(shapes)
    axes.autoscale_view()
    axes.set_aspect(1 / np.cos(np.radians(38.9)))
    axes.set_axis_off()


def _floats(column: pd.Series) -> np.ndarray:
    return cast("np.ndarray", pd.to_numeric(column).astype("float64").to_numpy(na_value=np.nan))


def _said(value: float, kind: Kind, digits: int) -> str:
    if kind in ("percent", "change", "number"):
        return str(getattr(words, kind)(value, digits))
    return str(getattr(words, kind)(value))


def _short(name: str, longest: int = 34) -> str:
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"


def _beside(value: float) -> tuple[int, int]:
    return (5, 0) if value >= 0 else (-5, 0)


def _row_labels(axes: Axes, names: pd.Series, places: np.ndarray, values: np.ndarray) -> None:
    """Write row names from the top down; a row with a hidden value gets the mark."""
    texts = [
        _short(str(name)) + (f" {MARK}" if np.isnan(value) else "")
        for name, value in zip(names, values, strict=True)
    ]
    axes.set_yticks(places, texts)
    axes.set_ylim(len(places) - 0.4, -0.6)


def _write_inside(axes: Axes, places: np.ndarray, start: np.ndarray, width: np.ndarray) -> None:
    """Write a part's share inside of it where there is room, on its own ground."""
    for place, left, share in zip(places, start, width, strict=True):
        if share >= 0.085:
            axes.text(left + share / 2, place, words.percent(share, 0), ha="center", va="center",
                      fontsize=9.5, color=style.INK,
                      bbox={"boxstyle": "round,pad=0.18", "fc": "white", "ec": "none"})  # fmt: skip


def _draw_lines(
    axes: Axes,
    frame: pd.DataFrame,
    x: str,
    series: Mapping[str, str],
    bands: Mapping[str, tuple[str, str]],
    width: float = 2.0,
) -> None:
    if len(series) > len(style.PALETTE):
        raise TcocError(
            f"a chart has {len(series)} lines; at most {len(style.PALETTE)} are legible"
        )
    few = len(frame) <= 12
    for number, (column, name) in enumerate(series.items()):
        tint, xs = style.colour(number), _floats(frame[x])
        if column in bands:
            low, high = (_floats(frame[edge]) for edge in bands[column])
            axes.fill_between(xs, low, high, color=tint, alpha=0.14, lw=0)
        axes.plot(
            xs,
            _floats(frame[column]),
            color=tint,
            lw=width,
            label=name,
            linestyle=_LINES[number],
            marker=style.MARKERS[number] if few else None,
        )


def _name_lines(axes: Axes, frame: pd.DataFrame, x: str, series: Mapping[str, str]) -> None:
    """Name each line at its last shown point; names that would overlap are moved apart."""
    ends = []
    for number, (column, name) in enumerate(series.items()):
        shown = frame[frame[column].notna()]
        if len(shown):
            last = shown.iloc[-1]
            ends.append((float(last[x]), float(last[column]), name, style.colour(number)))
    bottom, top = axes.get_ylim()
    places = style.spread([end[1] for end in ends], 0.075 * (top - bottom))
    for (at, _, name, tint), place in zip(ends, places, strict=True):
        style.end_label(axes, at, place, name, tint)


def _whole_years(axes: Axes, values: pd.Series, few: bool = False) -> None:
    years = sorted({float(v) for v in values.dropna()})
    if not years or len(years) > 12 or not all(1990 <= y <= 2100 for y in years):
        return
    ticks = [years[0], years[-1]] if few and len(years) > 2 else years
    form = "’{:02.0f}" if few else "{:.0f}"
    axes.set_xticks(ticks, [form.format(y % 100 if few else y) for y in ticks])


def _vertical(axes: Axes, value: float, name: str, step: int = 0) -> None:
    axes.axvline(value, color=style.WARM, lw=1.4, ls=(0, (4, 2)), zorder=1)
    axes.annotate(
        name,
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, 3 + 12 * step),
        textcoords="offset points",
        color="#8f4408",
        fontsize=9.5,
        va="bottom",
    )


def _horizontal(axes: Axes, value: float, name: str) -> None:
    axes.axhline(value, color=style.WARM, lw=1.4, ls=(0, (4, 2)), zorder=1)
    axes.annotate(name, (0, value), xycoords=("axes fraction", "data"), xytext=(4, 3),
                  textcoords="offset points", color="#8f4408", fontsize=9.5)  # fmt: skip


def _slope_names(
    axes: Axes, frame: pd.DataFrame, label: str, start: str, end: str, kind: Kind, digits: int
) -> None:
    shown = frame[frame[start].notna() & frame[end].notna()]
    if not len(shown):
        return
    bottom, top = axes.get_ylim()
    gap = 0.042 * (top - bottom)
    for column, at, side in ((start, 0.0, "right"), (end, 1.0, "left")):
        values = _floats(shown[column])
        for place, value, name in zip(
            style.spread(list(values), gap), values, shown[label], strict=True
        ):
            said = _said(float(value), kind, digits)
            text = f"{said}  {_short(str(name), 28)}" if side == "left" else said
            axes.annotate(text, (at, place), xytext=(8 if side == "left" else -8, 0), ha=side,
                          textcoords="offset points", va="center", fontsize=9.5)  # fmt: skip
