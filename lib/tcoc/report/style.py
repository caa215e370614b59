"""The one colour and type set of every figure.

Colours differ in hue for colour-blind eyes and in lightness for grey print; each series also has
its own hatch and marker, so that no figure speaks by colour alone. The typeface ships with the
package: a figure is the same, byte for byte, whatever fonts a machine has.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import seaborn as sns
from cycler import cycler
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure as Picture
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import AutoLocator, FuncFormatter, MaxNLocator

from tcoc.report import words

INK = "#1d2733"
QUIET = "#5a6672"
RULE = "#d9dee3"
ACCENT = "#12436d"
WARM = "#c8671b"
WARM_INK = "#8f4408"
HIDDEN_TINT = "#c9cfd5"
PALETTE = ("#12436d", "#e0892f", "#8cc0cf", "#8a3b6b", "#4f8f6b", "#b9b08e")
HATCHES = ("", "///", "..", "\\\\\\", "xx", "--")
MARKERS = ("o", "s", "^", "D", "v", "P")
STAGES = {"aco_like": 0, "mdpcp_like": 1, "geographic": 2}
STAGE_NAMES = {"aco_like": "ACO-like", "mdpcp_like": "MDPCP-like", "geographic": "Geographic"}

_WIDTHS = {"page": 7.0, "half": 3.4}
_FONTS = Path(__file__).with_name("fonts")


@cache
def use_style() -> None:
    """Set the theme once per process: type, colours, thin axes, no chart junk."""
    for file in sorted(_FONTS.glob("*.ttf")):
        font_manager.fontManager.addfont(str(file))
    _know_semibold()
    sns.set_theme(style="white", rc=_RC)


def _know_semibold() -> None:
    """Register the semibold cuts: the files name them as families, or have only a bold."""
    known = font_manager.fontManager.ttflist
    for entry in list(known):
        name = Path(entry.fname).name
        if name == "SourceSans3-SemiBold.ttf":
            known.append(replace(entry, name="Source Sans 3", weight=600))
        elif name == "DejaVuSans-Bold.ttf":
            known.append(replace(entry, weight=600))


_RC: dict[str, Any] = {
    "font.family": ["Source Sans 3", "DejaVu Sans"],
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 10.5,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "semibold",
    "axes.titlelocation": "left",
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "hatch.color": "white",
    "hatch.linewidth": 0.9,
    "lines.linewidth": 2.0,
    "lines.markersize": 5.5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.dpi": 100,
    "savefig.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "tcoc",
    "path.simplify": True,
    "text.hinting": "none",
}


def new_figure(
    width: Literal["page", "half"] = "page",
    height: float = 3.6,
    rows: int = 1,
    columns: int = 1,
    **axes: Any,
) -> tuple[Picture, Any]:
    """Return a figure of page (7 in) or half width, and its axes (one, or an array of them)."""
    use_style()
    picture = Picture(figsize=(_WIDTHS[width], height), layout="constrained")
    FigureCanvasAgg(picture)
    return picture, picture.subplots(rows, columns, **axes)


@cache
def _face(strong: bool) -> FT2Font:
    name = "SourceSans3-SemiBold.ttf" if strong else "SourceSans3-Regular.ttf"
    return FT2Font(str(_FONTS / name))


@cache
def text_width(text: str, size: float, strong: bool = False) -> float:
    """Return the width of a text in points, in the house's typeface."""
    font = _face(strong)
    font.set_size(100, 72)
    font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64 * size / 100


def colour(position: int) -> str:
    """Return the colour of a series by its place."""
    return PALETTE[position % len(PALETTE)]


def ink(tint: str) -> str:
    """Return a colour dark enough for text on white (contrast of at least 4.5 to 1)."""
    red, green, blue = to_rgb(tint)
    while _luminance(red, green, blue) > 0.17:
        red, green, blue = red * 0.94, green * 0.94, blue * 0.94
    return str(to_hex((red, green, blue)))


def _luminance(*parts: float) -> float:
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def stage_colour(stage: str) -> str:
    """Return the colour that an attribution stage has in every figure."""
    return PALETTE[STAGES.get(stage, 5)]


def stage_hatch(stage: str) -> str:
    """Return the hatch that an attribution stage has in every figure."""
    return HATCHES[STAGES.get(stage, 5)]


def series_tint(label: object, position: int) -> str:
    """Return the color of a series: a stage's own in every figure, else by its place."""
    return PALETTE[STAGES.get(str(label), position) % len(PALETTE)]


def series_hatch(label: object, position: int) -> str:
    """Return the hatch of a part: a stage's own in every figure, else by its place."""
    return HATCHES[STAGES.get(str(label), position) % len(HATCHES)]


def shade(share: float) -> str:
    """Return a tint from white to the accent color, for a share from 0 to 1."""
    start, end = to_rgb("#eef3f8"), to_rgb(ACCENT)
    return str(
        to_hex([a + (b - a) * min(1.0, max(0.0, share)) for a, b in zip(start, end, strict=True)])
    )


def number_axis(axis: Any, kind: str, label: str = "", digits: int = 0) -> None:
    """Write an axis's ticks in the house's number format and label it with its unit.

    Ticks step by 1, 2 or 5, so that a rounded label is where it says.
    `kind` is dollars, short_dollars, percent, count, short_count, change or number.
    """
    if isinstance(axis.get_major_locator(), AutoLocator):
        axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _place: _tick(value, kind, digits)))
    if label:
        axis.set_label_text(label)


def _tick(value: float, kind: str, digits: int) -> str:
    if kind in ("percent", "change", "number"):
        return str(getattr(words, kind)(value, digits))
    return str(getattr(words, kind)(value))


def grid(axes: Axes, along: Literal["x", "y"]) -> None:
    """Draw the quiet grid lines that help to read values along one axis."""
    axes.grid(visible=True, axis=along)
    axes.tick_params(length=0)
    axes.spines["left" if along == "x" else "bottom"].set_visible(along == "y")
    axes.spines["bottom" if along == "x" else "left"].set_visible(False)


def end_label(axes: Axes, x: float, y: float, text: str, tint: str = INK) -> None:
    """Write a series' name beside its last point instead of in a legend."""
    axes.annotate(
        text,
        (x, y),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        ha="left",
        color=ink(tint),
        fontweight="semibold",
        annotation_clip=False,
    )


def spread(
    positions: Sequence[float], gap: float, low: float = -math.inf, high: float = math.inf
) -> list[float]:
    """Move label positions apart until neighbors are at least `gap` from each other.

    They stay between `low` and `high` where they fit there at all.
    """
    order = sorted(range(len(positions)), key=lambda i: (positions[i], i))
    blocks: list[list[float]] = []
    for place, i in enumerate(order):
        blocks.append([positions[i] - place * gap])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    level = [_mean(block) for block in blocks for _ in block]
    moved = [value + place * gap for place, value in enumerate(level)]
    if moved and moved[-1] > high:
        moved = [min(y, high - (len(moved) - 1 - k) * gap) for k, y in enumerate(moved)]
    if moved and moved[0] < low:
        moved = [max(y, low + k * gap) for k, y in enumerate(moved)]
    found = dict(zip(order, moved, strict=True))
    return [found[i] for i in range(len(positions))]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
