"""Figures that the Progression Plan alone has: metrics against targets, and diagrams of words.

Published numbers are drawn filled where a public document gives them and open where they are from
memory. On a phone each figure is an outline of the same words, one below the other.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from tcoc.deliverables.progression_plan import diagrams
from tcoc.deliverables.progression_plan.diagrams import (
    SMALL,
    TEXT,
    Words,
    outline,
    paper,
    text_width,
    wrap,
    write,
)
from tcoc.deliverables.progression_plan.timeline import draw_timeline
from tcoc.disclosure import PublicTable
from tcoc.report import words
from tcoc.report.charts import Chart, Layout, needs_rows
from tcoc.report.style import ACCENT, INK, QUIET, RULE, WARM_INK

# ---------------------------------------------------------------- charts


@needs_rows
def metrics(table: PublicTable) -> Chart:
    """Each metric's years against its target, one block per metric (Figure 1)."""
    frame = table.frame
    groups = [
        (f"{part['label'].iloc[0]}: {part['target_words'].iloc[0]}",
         [_metric_said(row) for row in part.to_dict("records")])
        for _, part in frame.groupby("metric", sort=False)
    ]  # fmt: skip
    return _chart("all_payer_model_metrics", table, ("label", "year", "value", "status"),
                  lambda: draw_metrics(frame), groups)  # fmt: skip


def _metric_said(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["value"]):
        return f"{row['year']} no value ({row['reason']})"
    memory = ", from memory" if row["confidence"] == "recalled" else ""
    return f"{row['year']} {metric_value(row)} ({row['status']}{memory})"


@needs_rows
def aims(table: PublicTable) -> Chart:
    """The three aims with their points, as cards side by side."""
    frame = table.frame
    groups = [(str(aim), list(part["item"])) for aim, part in frame.groupby("aim", sort=False)]
    return _chart(table.name, table, ("aim", "item"), lambda: diagrams.draw_aims(frame), groups)


@needs_rows
def drivers(table: PublicTable) -> Chart:
    """A driver diagram: aim, primary and secondary drivers; a reconstruction says so."""
    frame = table.frame
    mark = {
        "reconstruction": "Reconstruction, no copy of the original",
        "proposal": "Proposal for section IX",
    }[str(frame["kind"].iloc[0])]
    groups = [(f"{mark}. Aim", [str(frame["aim"].iloc[0])])]
    groups += [
        (str(name), list(part["secondary"])) for name, part in frame.groupby("primary", sort=False)
    ]
    return _chart(table.name, table, ("primary", "secondary"),
                  lambda: diagrams.draw_drivers(frame, mark), groups)  # fmt: skip


@needs_rows
def timeline(table: PublicTable) -> Chart:
    """Tracks of dated events; done ones are filled, planned ones are open."""
    frame = table.frame
    groups = [
        (str(track), [_event_said(row) for row in part.to_dict("records")])
        for track, part in frame.groupby("track", sort=False)
    ]
    return _chart(table.name, table, ("track", "event", "when", "status"),
                  lambda: draw_timeline(frame), groups)  # fmt: skip


def _event_said(row: Mapping[Any, Any]) -> str:
    return f"{row['event']} ({row['when']}, {row['status']})"


def _chart(
    name: str,
    table: PublicTable,
    columns: tuple[str, ...],
    drawn: Any,
    groups: Sequence[tuple[str, Sequence[str]]],
) -> Chart:
    """A chart that is drawn on a desktop and on paper, and is an outline of words on a phone."""

    def draw(layout: Layout) -> Picture:
        return outline(groups) if layout == "narrow" else drawn()

    alt = " ".join(f"{head}: {'; '.join(items)}." for head, items in groups)
    return Chart(name, table, columns, draw, alt, "diagram")


# ---------------------------------------------------------------- metrics against targets


_YEAR, _VALUE, _STATUS = 2.74, 3.95, 6.12
_STRIP = (4.15, 5.85)
_ROW = 0.245


def draw_metrics(frame: pd.DataFrame) -> Picture:
    """Draw each metric's years against its target, one block per metric.

    Takes metric, label, measure, unit, year, value, target, target_words, target_sense, status,
    confidence, reason, later (bool: of a later vintage than the figure's first).
    """
    blocks = [part for _, part in frame.groupby("metric", sort=False)]
    heights = [_block_height(part) for part in blocks]
    top = 0.3
    picture, axes = paper(top + sum(heights) + 0.42)
    _metric_heads(axes)
    y = top
    for part, height in zip(blocks, heights, strict=True):
        _metric_block(axes, part, y, height)
        y += height
    _metric_key(axes, y + 0.2)
    return picture


def _metric_words(part: pd.DataFrame) -> tuple[Words, Words]:
    first = part.iloc[0]
    return (
        wrap(str(first["label"]), 2.6, TEXT, "semibold"),
        wrap(f"{first['measure']}; target: {first['target_words']}", 2.6, SMALL + 0.3),
    )


def _block_height(part: pd.DataFrame) -> float:
    label, measure = _metric_words(part)
    gaps = _ROW * 0.5 * int(part["value"].isna().sum())
    return max(label.height + measure.height + 0.05, _ROW * len(part) + gaps) + 0.22


def _metric_heads(axes: Axes) -> None:
    for x, text in (
        (0.0, "Metric and target"),
        (_YEAR, "Year and result"),
        (_STRIP[0], "Distance from target"),
        (_STATUS, "Against target"),
    ):
        write(axes, x, 0.02, Words((text,), SMALL + 0.5, "semibold"), QUIET)


def _metric_block(axes: Axes, part: pd.DataFrame, y: float, height: float) -> None:
    axes.plot([0, 7], [y, y], color=RULE, linewidth=0.8)
    label, measure = _metric_words(part)
    write(axes, 0.0, y + 0.1, label)
    write(axes, 0.0, y + 0.12 + label.height, measure, QUIET)
    scale = _MetricScale(part)
    top = y + (height - _ROW * len(part)) / 2
    bottom = top + _ROW * len(part)
    x = scale.at(float(part["target"].iloc[0]))
    axes.plot([x, x], [top - 0.03, bottom + 0.03], color=INK, linewidth=1.4)
    for i, row in enumerate(part.to_dict("records")):
        _metric_row(axes, row, top + _ROW * (i + 0.5), scale)


class _MetricScale:
    """A metric's own scale: its values and its target, with room for the number beside a dot."""

    def __init__(self, part: pd.DataFrame) -> None:
        values = [*map(float, part["value"].dropna()), float(part["target"].iloc[0]), 0.0]
        self.low: float = min(values)
        self.high: float = max(values)

    def at(self, value: float) -> float:
        left, right = _STRIP[0] + 0.06, _STRIP[1] - 0.06
        span = (self.high - self.low) or 1.0
        return left + (value - self.low) / span * (right - left)


_STATUS_TINT = {"met": ACCENT, "not met": WARM_INK, "not yet due": QUIET, "no value": QUIET}


def _metric_row(axes: Axes, row: Mapping[Any, Any], y: float, scale: _MetricScale) -> None:
    top = y - TEXT * 1.28 / 144 - 0.02
    status = str(row["status"])
    tint = _STATUS_TINT[status]
    write(axes, _YEAR, top, Words((str(row["year"]),), TEXT, "normal"), QUIET)
    if math.isnan(row["value"]):
        reason = wrap(f"no value: {row['reason']}", 7 - _YEAR - 0.5, SMALL).lines[:2]
        write(axes, _YEAR + 0.45, top, Words(reason, SMALL, "normal"), QUIET)
        return
    write(axes, _VALUE, top, Words((metric_value(row),), TEXT, "normal"), align="right")
    weight = "semibold" if status in ("met", "not met") else "normal"
    write(axes, _STATUS, top, Words((status,), TEXT, weight), tint)
    x, target = scale.at(float(row["value"])), scale.at(float(row["target"]))
    axes.plot([target, x], [y, y], color=tint, linewidth=1.1, alpha=0.55)
    fill = "white" if row["confidence"] == "recalled" else tint
    axes.plot([x], [y], marker="o", markersize=6.5, mfc=fill, mec=tint, mew=1.5)


def metric_value(row: Mapping[Any, Any]) -> str:
    """Write a metric's value in its unit."""
    value, unit = float(row["value"]), str(row["unit"])
    if unit == "million dollars":
        return words.dollars(value) + words.SPACE + "M"
    if unit == "percentage points":
        return f"{words.points(value / 100, 2)}"
    whole = value == round(value)
    return words.percent(value / 100, 0 if whole and abs(value) >= 10 else 2)


def _metric_key(axes: Axes, y: float) -> None:
    x = 0.06
    for fill, text in (
        (ACCENT, "a public document gives the value"),
        ("white", "from memory, no document at hand"),
    ):
        axes.plot([x], [y], marker="o", markersize=6.5, mfc=fill, mec=ACCENT, mew=1.5)
        axes.text(x + 0.12, y, text, size=SMALL, color=QUIET, va="center")
        x += 0.12 + text_width(text, SMALL) + 0.3
    axes.plot([x, x], [y - 0.08, y + 0.08], color=INK, linewidth=1.4)
    axes.text(x + 0.1, y, "target", size=SMALL, color=QUIET, va="center")
