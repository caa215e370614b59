"""Pictures of the Progression Plan: frames in, matplotlib figures out, nothing else.

Published numbers are drawn in blue where a public document or the draft plan gives them and hollow
where they are from memory; a number of the run's own data says so in its label. Words stand beside
what they name, so there are no legends to look up.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.patches import Patch

from tcoc.deliverables.progression_plan.diagrams import (
    SMALL,
    TEXT,
    TINT,
    Words,
    paper,
    text_width,
    wrap,
    write,
)
from tcoc.report import words
from tcoc.report.style import (
    ACCENT,
    HATCHES,
    INK,
    PALETTE,
    QUIET,
    RULE,
    STAGE_NAMES,
    WARM,
    end_label,
    grid,
    new_figure,
    number_axis,
    spread,
    stage_colour,
    stage_hatch,
)

HOSPITAL = ACCENT
NONHOSPITAL = PALETTE[1]
TOTAL = INK
DARK_WARM = "#9a4a0c"
PART_COLOURS = {"hospital": HOSPITAL, "nonhospital": NONHOSPITAL, "total": TOTAL}
PART_NAMES = {"hospital": "Hospital", "nonhospital": "Non-hospital", "total": "Total"}
SETTING_NAMES = {
    "inpatient": "Inpatient",
    "outpatient": "Outpatient hospital",
    "snf": "Skilled nursing",
    "hha": "Home health",
    "hospice": "Hospice",
    "professional": "Professional",
    "dme": "Equipment",
}
_SETTING_COLOURS = {
    "inpatient": "#12436d",
    "outpatient": "#6f93b3",
    "professional": "#e0892f",
    "snf": "#f0c48f",
    "hha": "#8a3b6b",
    "hospice": "#c79bb6",
    "dme": "#b9b08e",
}


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """Return the rows of a small table, to read by column name."""
    return list(frame.itertuples(index=False))


_SETTING_HATCHES = {"outpatient": "////", "hospice": "....", "dme": "xxxx"}
"""Colours alone do not part these settings in grey print."""


# ---------------------------------------------------------------- figure 1


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


_STATUS_TINT = {"met": ACCENT, "not met": DARK_WARM, "not yet due": QUIET, "no value": QUIET}


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


# ---------------------------------------------------------------- figure 2


def draw_published_savings(frame: pd.DataFrame) -> Picture:
    """Draw published savings by year, hospital and non-hospital, and their running total.

    Takes part, year, saving and cumulative (million dollars) and confidence. Values from memory
    are drawn open.
    """
    picture, (left, right) = new_figure(height=3.3, columns=2, width_ratios=(1.35, 1))
    years = sorted(frame["year"].unique())
    for offset, part in ((-0.2, "hospital"), (0.2, "nonhospital")):
        _saving_bars(left, frame[frame["part"] == part], offset, part, years)
    left.axhline(0, color=QUIET, linewidth=0.8)
    left.set_xticks(range(len(years)), [str(y) for y in years])
    left.set_title("In the year, million dollars")
    _running_lines(right, frame, years)
    for axes in (left, right):
        grid(axes, "y")
        axes.tick_params(axis="y", labelcolor=QUIET)
    left.margins(y=0.16)
    _part_legend(picture)
    return picture


def _saving_bars(
    axes: Axes, part: pd.DataFrame, offset: float, name: str, years: Sequence[int]
) -> None:
    tint = PART_COLOURS[name]
    for row in rows_of(part):
        x = years.index(row.year) + offset
        open_bar = row.confidence == "recalled"
        axes.bar(
            x,
            row.saving,
            width=0.36,
            facecolor="white" if open_bar else tint,
            edgecolor=tint,
            linewidth=1.6,
        )
        up = row.saving >= 0
        axes.annotate(
            _plain(row.saving),
            (x, row.saving),
            xytext=(0, 3 if up else -3),
            textcoords="offset points",
            ha="center",
            va="bottom" if up else "top",
        )


def _plain(value: float) -> str:
    return words.number(value, 0)


def _running_lines(axes: Axes, frame: pd.DataFrame, years: Sequence[int]) -> None:
    lines = frame[frame["part"].isin(["hospital", "total"])]
    highest = lines.groupby("year")["cumulative"].transform("max")
    for part, rows in lines.assign(above=lines["cumulative"] >= highest).groupby("part"):
        tint = PART_COLOURS[str(part)]
        line = "-" if part == "hospital" else (0, (5, 2))
        axes.plot(rows["year"], rows["cumulative"], color=tint, lw=1.8, ls=line, zorder=2)
        last = rows.iloc[-1]
        end_label(axes, last["year"], last["cumulative"], PART_NAMES[str(part)], tint)
        for row in rows_of(rows):
            fill = "white" if row.cumulative_confidence == "recalled" else tint
            axes.plot([row.year], [row.cumulative], "o", mfc=fill, mec=tint, mew=1.6, zorder=3)
            axes.annotate(
                _plain(row.cumulative),
                (row.year, row.cumulative),
                xytext=(-4, 6) if row.above else (4, -6),
                textcoords="offset points",
                ha="right" if row.above else "left",
                va="bottom" if row.above else "top",
            )
    axes.set_xticks(list(years))
    axes.set_xlim(years[0] - 0.5, years[-1] + 0.95)
    axes.margins(y=0.2)
    axes.set_title("Cumulative, million dollars")


def _part_legend(picture: Picture) -> None:
    """Name colours and the open form above the panels, where no data can be."""
    solid = [
        Patch(facecolor=PART_COLOURS[part], edgecolor=PART_COLOURS[part], label=PART_NAMES[part])
        for part in ("hospital", "nonhospital")
    ]
    open_form = Patch(facecolor="white", edgecolor=QUIET, label="open: from memory")
    picture.legend(
        handles=[*solid, open_form],
        loc="outside upper left",
        ncols=4,
        handlelength=1.0,
        handletextpad=0.5,
        columnspacing=1.6,
        borderpad=0.1,
    )


def draw_growth_difference(frame: pd.DataFrame, limit: float) -> Picture:
    """Draw Maryland's growth less the nation's in each year, and the guardrail.

    Takes year, series (words), difference (share) and confidence.
    """
    picture, axes = new_figure(height=3.1)
    names = list(dict.fromkeys(frame["series"]))
    years = sorted(frame["year"].unique())
    for i, name in enumerate(names):
        _difference_bars(axes, frame[frame["series"] == name], years, (i, len(names)), limit)
    axes.axhline(0, color=QUIET, linewidth=0.9)
    axes.axhline(100 * limit, color=DARK_WARM, linewidth=1.5, linestyle=(0, (5, 3)))
    axes.annotate(
        f"guardrail for one year: {words.points(limit, 0)}",
        (1, 100 * limit),
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=DARK_WARM,
        fontweight="semibold",
    )
    axes.set_ylim(
        min(0, 100 * frame["difference"].min()) - 0.6,
        100 * max(limit, frame["difference"].max()) + 0.45,
    )
    _series_legend(picture, names)
    axes.set_xticks(range(len(years)), [str(y) for y in years])
    axes.set_xlim(-0.6, len(years) - 0.4)
    axes.set_ylabel("percentage points")
    grid(axes, "y")
    return picture


_SERIES_COLOURS = (ACCENT, PALETTE[4], PALETTE[3])
_SERIES_LINES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1.5)))


def _series_legend(picture: Picture, names: Sequence[str]) -> None:
    handles = [
        Patch(facecolor="white", edgecolor=tint, linestyle=line, linewidth=1.6, label=name)
        for tint, line, name in zip(_SERIES_COLOURS, _SERIES_LINES, names, strict=False)
    ]
    handles.append(Patch(facecolor=QUIET, edgecolor=QUIET, label="filled: not from memory"))
    picture.legend(
        handles=handles,
        loc="outside upper left",
        ncols=2,
        handlelength=1.0,
        handletextpad=0.5,
        columnspacing=1.6,
        borderpad=0.1,
        fontsize=SMALL + 0.5,
    )


def _difference_bars(
    axes: Axes, rows: pd.DataFrame, years: Sequence[int], place: tuple[int, int], limit: float
) -> None:
    number, of = place
    step = 0.7 / of
    tint = _SERIES_COLOURS[number % 3]
    for row in rows_of(rows):
        x = years.index(row.year) + (number - (of - 1) / 2) * step
        open_bar = row.confidence == "recalled"
        value = 100 * row.difference
        axes.bar(
            x,
            value,
            width=step * 0.86,
            facecolor="white" if open_bar else tint,
            edgecolor=tint,
            linewidth=1.6,
            linestyle=_SERIES_LINES[number % 3],
        )
        inside = 0 < 100 * limit - value < 0.45
        up = value >= 0 and not inside
        axes.annotate(
            words.points(row.difference, 2).removesuffix(f"{words.SPACE}points"),
            (x, value),
            xytext=(0, 3 if up else -3),
            textcoords="offset points",
            ha="center",
            va="bottom" if up else "top",
            size=SMALL + 0.5,
            bbox={"facecolor": "none" if inside else "white", "edgecolor": "none", "pad": 0.8},
        )


def draw_per_capita(frame: pd.DataFrame, gap: str) -> Picture:
    """Draw per capita spending of the run's data, at national growth, and as published.

    Takes series (computed, national, published), year, value (dollars). Without national growth,
    `gap` says in the picture why there is no line.
    """
    picture, axes = new_figure(height=3.2)
    look = {
        "computed": (ACCENT, "o", "-", ACCENT),
        "national": (DARK_WARM, "s", (0, (5, 3)), "white"),
        "published": (QUIET, "D", "none", "white"),
    }
    labels = {"computed": "This run's data", "national": "At national growth"}
    last = []
    for name, (tint, marker, line, fill) in look.items():
        rows = frame[(frame["series"] == name) & frame["value"].notna()]
        if rows.empty:
            continue
        axes.plot(
            rows["year"],
            rows["value"],
            color=tint,
            marker=marker,
            mfc=fill,
            mec=tint,
            linestyle=line,
            mew=1.6,
            zorder=3,
        )
        if name == "published":
            _below_points(axes, rows, tint)
        else:
            last.append((name, rows.iloc[-1]))
    years = sorted(frame["year"].unique())
    low, high = frame["value"].min(), frame["value"].max()
    pad = max((high - low) * 0.35, 0.02 * high)
    axes.set_ylim(low - (1.6 if gap else 1) * pad, high + pad)
    axes.set_xlim(years[0] - 0.3, years[-1] + 1.05)
    _end_words(axes, [(labels[n], r["year"], r["value"], look[n][0]) for n, r in last])
    axes.set_xticks(years)
    number_axis(axes.yaxis, "dollars", "dollars per beneficiary-year")
    grid(axes, "y")
    if gap:
        gap_note(axes, gap)
    return picture


def _below_points(axes: Axes, rows: pd.DataFrame, tint: str) -> None:
    """Name published points below them; the run's own line may lie above or on them."""
    for place, row in enumerate(rows_of(rows)):
        text = words.dollars(row.value)
        axes.annotate(
            f"published\n{text}" if place == 0 else text,
            (row.year, row.value),
            xytext=(0, -8),
            textcoords="offset points",
            ha="center",
            va="top",
            color=tint,
            size=SMALL + 0.5,
            linespacing=1.05,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )


def _end_words(axes: Axes, labels: Sequence[tuple[str, float, float, str]]) -> None:
    low, high = axes.get_ylim()
    places = spread([value for _, _, value, _ in labels], (high - low) * 0.17)
    for (text, x, value, tint), y in zip(labels, places, strict=True):
        axes.annotate(
            f"{text}\n{words.dollars(value)}",
            (x, value),
            xytext=(x + 0.14, y),
            color=tint,
            va="center",
            fontweight="semibold",
            linespacing=1.05,
            annotation_clip=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )


def gap_note(axes: Axes, reason: str) -> None:
    """Write in the picture what is missing, and why, where a reader would look for it."""
    lines = wrap(reason, 4.6, SMALL + 0.5).lines
    axes.text(
        0.015,
        0.03,
        "\n".join(lines),
        transform=axes.transAxes,
        size=SMALL + 0.5,
        color=QUIET,
        style="italic",
        va="bottom",
        ha="left",
        bbox={"facecolor": TINT, "edgecolor": "none", "pad": 4},
    )


# ---------------------------------------------------------------- figure 3


def draw_split(frame: pd.DataFrame, published_share: float) -> Picture:
    """Draw the share of each setting in payments, year by year, hospital settings first.

    Takes year, setting, share. The published hospital share is a mark on every bar.
    """
    order = list(_SETTING_COLOURS)
    years = sorted(frame["year"].unique())
    picture, axes = new_figure(height=0.56 * len(years) + 1.3)
    for place, year in enumerate(years):
        shares = frame[frame["year"] == year].set_index("setting")["share"]
        left = 0.0
        for setting in order:
            _split_piece(axes, place, left, float(shares[setting]), setting)
            left += float(shares[setting])
        axes.plot([published_share] * 2, [place - 0.38, place + 0.46], color="black", linewidth=2.2)
    _setting_legend(picture, order)
    axes.annotate(
        f"published: {words.percent(published_share, 0)} hospital",
        (published_share, len(years) - 0.6),
        xytext=(0, -5),
        textcoords="offset points",
        ha="center",
        va="top",
        fontweight="semibold",
        annotation_clip=False,
    )
    axes.set_yticks(range(len(years)), [str(y) for y in years])
    axes.set_xlim(0, 1)
    axes.set_ylim(len(years) - 0.5, -0.55)
    axes.set_xticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel("share of Medicare payments", labelpad=16)
    return picture


def _split_piece(axes: Axes, place: float, left: float, share: float, setting: str) -> None:
    tint = _SETTING_COLOURS[setting]
    axes.barh(
        place,
        share,
        left=left,
        height=0.66,
        facecolor=tint,
        edgecolor="white",
        hatch=_SETTING_HATCHES.get(setting),
        linewidth=1.2,
    )
    if share >= 0.045:
        axes.text(
            left + share / 2,
            place,
            words.percent(share, 0),
            ha="center",
            va="center",
            color="white" if setting in ("inpatient", "hha") else INK,
            bbox={"facecolor": tint, "edgecolor": "none", "pad": 1.2},
        )


def _setting_legend(picture: Picture, order: Sequence[str]) -> None:
    handles = [
        Patch(
            facecolor=_SETTING_COLOURS[s],
            edgecolor="white",
            hatch=_SETTING_HATCHES.get(s),
            label=SETTING_NAMES[s],
        )
        for s in order
    ]
    picture.legend(
        handles=handles,
        loc="outside upper left",
        ncols=4,
        handlelength=1.0,
        handletextpad=0.5,
        columnspacing=1.6,
        borderpad=0.1,
    )


def draw_waterfall(frame: pd.DataFrame, before: int, after: int) -> Picture:
    """Draw what each setting adds to spending per beneficiary from one year to the next.

    Takes part (settings and total), before, change, per_capita (dollars). The steps start at the
    total before and end at the total after, so the chart adds up by construction.
    """
    total = frame[frame["part"] == "total"].iloc[0]
    steps = frame[frame["part"] != "total"]
    picture, axes = new_figure(height=3.4)
    level = float(total["before"])
    levels = [level]
    for row in rows_of(steps):
        levels.append(levels[-1] + float(row.change))
    base = min(levels) - 0.35 * (max(levels) - min(levels) + 1)
    names = [str(before), *(SETTING_NAMES[p] for p in steps["part"]), str(after)]
    for x, height in ((0, level), (len(names) - 1, float(total["per_capita"]))):
        axes.bar(x, height - base, bottom=base, width=0.62, color=QUIET)
        axes.annotate(
            words.dollars(height, cents=True),
            (x, height),
            xytext=(0, 3),
            ha="center",
            textcoords="offset points",
            va="bottom",
            fontweight="semibold",
        )
    for x, row in enumerate(rows_of(steps), start=1):
        _step(axes, x, levels[x - 1], levels[x], row.part)
    axes.set_xticks(
        range(len(names)), ["\n".join(wrap(n, 0.68, SMALL).lines) for n in names], size=SMALL
    )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    axes.set_ylim(base, max(levels) + 0.16 * (max(levels) - base))
    axes.set_ylabel("dollars per beneficiary-year\n(axis does not start at 0)")
    return picture


def _step(axes: Axes, x: int, start: float, end: float, part: str) -> None:
    tint = HOSPITAL if part in ("inpatient", "outpatient") else NONHOSPITAL
    change = end - start
    axes.bar(
        x,
        change,
        bottom=start,
        width=0.62,
        facecolor=tint if change >= 0 else "white",
        edgecolor=tint,
        linewidth=1.6,
        hatch=None if change >= 0 else "////",
    )
    axes.plot([x - 0.69, x + 0.31], [start, start], color=QUIET, linewidth=0.7, zorder=0)
    text = ("+" if change > 0 else "") + words.dollars(change, cents=True)
    axes.annotate(
        text,
        (x, max(start, end)),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=TEXT - 1,
    )


# ---------------------------------------------------------------- figure 6


def draw_lorenz(curve: pd.DataFrame, tops: Mapping[int, float]) -> Picture:
    """Draw the share of dollars that the dearest share of people accounts for.

    Takes people and dollars (cumulative shares, dearest first) and the labelled points.
    """
    picture, axes = new_figure(height=3.6)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(
        0.7,
        0.61,
        "if all people cost the same",
        color=QUIET,
        ha="left",
        va="center",
        size=SMALL + 0.5,
    )
    axes.plot(curve["people"], curve["dollars"], color=ACCENT)
    for top, share in tops.items():
        axes.plot([top / 100], [share], marker="o", color=ACCENT, markersize=6, zorder=4)
        axes.annotate(
            f"dearest {top} %: {words.percent(share, 0)}",
            (top / 100, share),
            xytext=(11, -4),
            textcoords="offset points",
            va="center",
            fontweight="semibold" if top == 10 else "normal",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        )
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(0, 1.02)
    number_axis(axes.xaxis, "percent", "share of people, dearest first")
    number_axis(axes.yaxis, "percent", "share of Medicare dollars")
    grid(axes, "y")
    return picture


_GROUP_COLOURS = ("#12436d", "#4d7ba3", "#8cb0cd", "#d5e0ea", "#f0ede2", "#ffffff")


def draw_persistence(frame: pd.DataFrame, groups: Sequence[str], after: Sequence[str]) -> Picture:
    """Draw for each spending group of a year where its people are in the next year.

    Takes cost_group, next_group, share (of the group's people; missing where hidden).
    """
    picture, axes = new_figure(height=3.5)
    wide = frame.pivot(index="cost_group", columns="next_group", values="share")
    for place, group in enumerate(groups):
        left = 0.0
        for tint, to in zip(_GROUP_COLOURS, after, strict=True):
            share = float(cast(float, wide.loc[group, to])) if to in wide.columns else 0.0
            if math.isnan(share):
                continue
            _next_piece(axes, place, left, share, tint)
            left += share
        if left < 0.995:
            axes.barh(
                place,
                1 - left,
                left=left,
                height=0.68,
                facecolor="white",
                edgecolor=QUIET,
                hatch="....",
                linewidth=0.6,
            )
            axes.text(
                (1 + left) / 2,
                place,
                "hidden",
                size=SMALL,
                ha="center",
                va="center",
                color=QUIET,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    number_axis(axes.xaxis, "percent", "share of the group's people")
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    _swatches(picture, [(t, a) for t, a in zip(_GROUP_COLOURS, after, strict=True)])
    return picture


def _next_piece(axes: Axes, place: int, left: float, share: float, tint: str) -> None:
    axes.barh(place, share, left=left, height=0.68, facecolor=tint, edgecolor=QUIET, linewidth=0.6)
    if share >= 0.06:
        dark = tint in _GROUP_COLOURS[:2]
        axes.text(
            left + share / 2,
            place,
            words.percent(share, 0),
            ha="center",
            va="center",
            color="white" if dark else INK,
            size=TEXT - 0.5,
        )


def _swatches(picture: Picture, names: Sequence[tuple[str, str]]) -> None:
    handles = [
        Patch(facecolor=tint, edgecolor=QUIET, linewidth=0.6, label=name) for tint, name in names
    ]
    picture.legend(
        handles=handles,
        loc="outside upper left",
        ncols=6,
        title="In the next year",
        alignment="left",
        handlelength=1.0,
        columnspacing=1.1,
        handletextpad=0.4,
        fontsize=SMALL + 0.3,
        title_fontsize=SMALL + 0.5,
        borderpad=0.1,
    )


def draw_needs(frame: pd.DataFrame) -> Picture:
    """Draw people and dollars by number of need proxies: shares, and dollars per beneficiary.

    Takes needs (words), people (share), dollars (share), per_capita.
    """
    picture, (left, right) = new_figure(height=2.9, columns=2, sharey=True, width_ratios=(1.3, 1))
    places = range(len(frame))
    for offset, column, tint, name in (
        (-0.19, "people", PALETTE[2], "people"),
        (0.19, "dollars", ACCENT, "dollars"),
    ):
        for place, value in zip(places, frame[column], strict=True):
            _share_bar(left, place + offset, value, tint, f"{words.percent(value, 0)} of {name}")
    for place, value in zip(places, frame["per_capita"], strict=True):
        _share_bar(right, place, value, QUIET, words.dollars(value), 0.5)
    left.set_yticks(list(places), list(frame["needs"]))
    left.invert_yaxis()
    for axes, title in (
        (left, "Share of people and dollars"),
        (right, "Dollars per beneficiary-year"),
    ):
        axes.set_title(title)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xlim(0, axes.get_xlim()[1] * 1.38)
    return picture


def _share_bar(
    axes: Axes, y: float, value: float, tint: str, text: str, height: float = 0.36
) -> None:
    if math.isnan(value):
        axes.text(0, y, f" {words.HIDDEN}", va="center", color=QUIET, style="italic")
        return
    axes.barh(y, value, height=height, color=tint)
    axes.annotate(
        text, (value, y), xytext=(4, 0), textcoords="offset points", va="center", size=TEXT - 0.5
    )


def draw_avoidable(frame: pd.DataFrame, names: Mapping[str, str]) -> Picture:
    """Draw the share of stays that are returns or short, by year, one panel per measure.

    Takes measure, year, share.
    """
    picture, panels = new_figure(height=2.5, columns=len(names))
    for axes, (measure, name) in zip(panels, names.items(), strict=True):
        rows = frame[frame["measure"] == measure]
        axes.bar(rows["year"].astype(str), rows["share"], width=0.6, color=ACCENT)
        for x, value in enumerate(rows["share"]):
            axes.annotate(
                words.percent(value),
                (x, 0 if math.isnan(value) else value),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                va="bottom",
            )
        axes.set_title("\n".join(wrap(name, 3.1, 11).lines))
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.tick_params(length=0)
        axes.margins(y=0.15)
    return picture


# ---------------------------------------------------------------- figures 7 and 8


def draw_duals(frame: pd.DataFrame) -> Picture:
    """Draw dollars per beneficiary of dual eligibles and of others, one row per group.

    Takes group (words), dual (bool), per_capita, share_of_people (duals' share of the group).
    """
    groups = list(dict.fromkeys(frame["group"]))
    picture, axes = new_figure(height=0.43 * len(groups) + 1.15)
    for place, group in enumerate(groups):
        _dumbbell(axes, place, frame[frame["group"] == group])
    names = ["\n".join(wrap(g, 2.0, TEXT - 0.5).lines) for g in groups]
    axes.set_yticks(range(len(groups)), names, size=TEXT - 0.5, linespacing=1.0)
    axes.set_ylim(len(groups) - 0.4, -1.0)
    axes.annotate(
        "dual",
        (1, -0.62),
        xycoords=("axes fraction", "data"),
        xytext=(30, 0),
        textcoords="offset points",
        va="center",
        ha="right",
        color=QUIET,
        annotation_clip=False,
    )
    first = frame[frame["group"] == groups[0]].set_index("dual")["per_capita"]
    dearer = bool(first[True] >= first[False])
    for dual, text, tint in ((False, "others", QUIET), (True, "dual eligible", DARK_WARM)):
        right = dual == dearer
        axes.annotate(
            text,
            (first[dual], 0),
            xytext=(-6 if right else 6, 8),
            textcoords="offset points",
            ha="left" if right else "right",
            va="bottom",
            color=tint,
            fontweight="semibold",
        )
    number_axis(axes.xaxis, "dollars", "Medicare dollars per beneficiary-year")
    high = frame["per_capita"].max()
    axes.set_xlim(0, high * 1.06)
    grid(axes, "x")
    axes.spines["left"].set_visible(False)
    return picture


def _dumbbell(axes: Axes, place: int, rows: pd.DataFrame) -> None:
    values = rows.set_index("dual")["per_capita"]
    share = rows["share_of_people"].iloc[0]
    low, high = values.get(False, math.nan), values.get(True, math.nan)
    if math.isnan(low) or math.isnan(high):
        axes.text(
            0, place, f"  {words.HIDDEN}", va="center", color=QUIET, style="italic", size=SMALL
        )
        return
    axes.plot([low, high], [place] * 2, color=RULE, linewidth=3, zorder=1)
    axes.plot([low], [place], marker="o", color=QUIET, markersize=7, zorder=2)
    axes.plot([high], [place], marker="D", color=WARM, markersize=7, zorder=2)
    axes.annotate(
        words.percent(share, 0),
        (1, place),
        xycoords=("axes fraction", "data"),
        xytext=(30, 0),
        textcoords="offset points",
        va="center",
        ha="right",
        annotation_clip=False,
    )


def draw_two_payers(frame: pd.DataFrame) -> Picture:
    """Draw Medicare and Medicaid dollars per beneficiary side by side, stacked, by year.

    Takes year, medicare, medicaid (dollars per dual eligible beneficiary-year).
    """
    picture, axes = new_figure(height=3.0)
    for place, row in enumerate(rows_of(frame)):
        axes.bar(place, row.medicare, width=0.58, color=ACCENT)
        axes.bar(
            place,
            row.medicaid,
            bottom=row.medicare,
            width=0.58,
            color=PALETTE[2],
            edgecolor="white",
            hatch="////",
        )
        for value, middle, tint in (
            (row.medicare, row.medicare / 2, "white"),
            (row.medicaid, row.medicare + row.medicaid / 2, INK),
        ):
            axes.text(
                place,
                middle,
                words.dollars(value),
                ha="center",
                va="center",
                color=tint,
                bbox=None
                if tint == "white"
                else {"facecolor": PALETTE[2], "edgecolor": "none", "pad": 1.5},
            )
        axes.annotate(
            words.dollars(row.medicare + row.medicaid),
            (place, row.medicare + row.medicaid),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontweight="semibold",
        )
    last = frame.iloc[-1]
    for text, y, tint in (
        ("Medicare", last["medicare"] / 2, ACCENT),
        ("Medicaid", last["medicare"] + last["medicaid"] / 2, INK),
    ):
        axes.text(len(frame) - 0.62, y, text, color=tint, fontweight="semibold", va="center")
    axes.set_xticks(range(len(frame)), [str(y) for y in frame["year"]])
    axes.set_xlim(-0.5, len(frame) + 0.1)
    axes.margins(y=0.12)
    number_axis(axes.yaxis, "dollars", "dollars per beneficiary-year")
    grid(axes, "y")
    return picture


def draw_regions(frame: pd.DataFrame) -> Picture:
    """Draw for each region the share of its people by attribution stage, with dollars beside.

    Takes region, stage, share (of the region's people), tcoc (the region's dollars).
    """
    regions = list(dict.fromkeys(frame["region"]))
    picture, axes = new_figure(height=0.42 * len(regions) + 1.1)
    for place, region in enumerate(regions):
        rows = frame[frame["region"] == region].set_index("stage")
        left = 0.0
        for stage in STAGE_NAMES:
            share = float(rows["share"].get(stage, 0.0))
            if math.isnan(share):
                continue
            _stage_piece(axes, place, left, share, stage)
            left += share
        if left < 0.995:
            axes.text(
                left + 0.01,
                place,
                words.HIDDEN,
                va="center",
                color=QUIET,
                style="italic",
                size=SMALL,
            )
        axes.annotate(
            words.short_dollars(rows["tcoc"].iloc[0]),
            (1, place),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
        )
    _stage_names(axes, frame[frame["region"] == regions[0]].set_index("stage")["share"])
    axes.set_yticks(range(len(regions)), regions)
    axes.set_ylim(len(regions) - 0.5, -1.0)
    axes.set_xlim(0, 1)
    number_axis(axes.xaxis, "percent", "share of the region's beneficiaries")
    axes.annotate(
        "Medicare dollars",
        (1, -0.62),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=QUIET,
        annotation_clip=False,
    )
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    return picture


def _stage_piece(axes: Axes, place: int, left: float, share: float, stage: str) -> None:
    tint = stage_colour(stage)
    axes.barh(
        place,
        share,
        left=left,
        height=0.68,
        facecolor=tint,
        edgecolor="white",
        hatch=stage_hatch(stage),
        linewidth=1.0,
    )
    if share >= 0.07:
        axes.text(
            left + share / 2,
            place,
            words.percent(share, 0),
            ha="center",
            va="center",
            color="white" if stage == "aco_like" else INK,
            bbox={"facecolor": tint, "edgecolor": "none", "pad": 1.2},
        )


def _stage_names(axes: Axes, shares: pd.Series) -> None:
    left = 0.0
    for stage, name in STAGE_NAMES.items():
        share = float(shares.get(stage, 0.0))
        if math.isnan(share):
            continue
        axes.annotate(
            name,
            (left + share / 2, -0.62),
            ha="center",
            va="center",
            fontweight="semibold",
            color=INK,
            annotation_clip=False,
        )
        left += share


def draw_options(frame: pd.DataFrame, labels: Mapping[str, str]) -> Picture:
    """Draw the share of Medicare dollars that each design option makes somebody accountable for.

    Takes option, hospital, nonhospital (shares of all dollars; missing where hidden).
    """
    picture, axes = new_figure(height=0.42 * len(frame) + 1.15)
    for place, row in enumerate(rows_of(frame)):
        _option_bar(axes, place, row)
    names = ["\n".join(wrap(labels[o], 2.1, TEXT - 0.5).lines) for o in frame["option"]]
    axes.set_yticks(range(len(frame)), names, size=TEXT - 0.5, linespacing=1.0)
    axes.set_ylim(len(frame) - 0.5, -1.0)
    axes.set_xlim(0, 1.14)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    number_axis(axes.xaxis, "percent", "share of Medicare Part A and B dollars")
    widest = frame.iloc[-1]
    for x, text, tint in (
        (widest["hospital"] / 2, "Hospital", HOSPITAL),
        (widest["hospital"] + widest["nonhospital"] / 2, "Non-hospital", DARK_WARM),
    ):
        axes.text(x, -0.68, text, ha="center", va="center", color=tint, fontweight="semibold")
    grid(axes, "x")
    axes.spines["left"].set_visible(False)
    return picture


def _option_bar(axes: Axes, place: int, row: Any) -> None:
    if math.isnan(row.hospital) or math.isnan(row.nonhospital):
        axes.text(0.01, place, words.HIDDEN, va="center", color=QUIET, style="italic")
        return
    axes.barh(place, row.hospital, height=0.62, color=HOSPITAL)
    axes.barh(
        place,
        row.nonhospital,
        left=row.hospital,
        height=0.62,
        facecolor=NONHOSPITAL,
        edgecolor="white",
        hatch=HATCHES[1],
        linewidth=0,
    )
    total = row.hospital + row.nonhospital
    axes.annotate(
        words.percent(total, 0),
        (total, place),
        xytext=(4, 0),
        va="center",
        textcoords="offset points",
        fontweight="semibold",
    )
