"""The one color and type set of every figure.

Colors differ in hue for color-blind eyes and in lightness for gray print; each series also has
its own hatch and marker, so that no figure speaks by color alone. The typeface ships with the
package: a figure is the same, byte for byte, whatever fonts a machine has.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from cycler import cycler
from matplotlib import font_manager
from matplotlib.colors import to_hex, to_rgb
from matplotlib.ft2font import FT2Font

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

_FONTS = Path(__file__).with_name("fonts")


@cache
def use_style() -> None:
    """Set the theme once per process: type, colors, thin axes, no chart junk."""
    import seaborn as sns  # loads scipy.stats too, and only what draws needs it

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


@cache
def _face(strong: bool) -> FT2Font:
    name = "SourceSans3-SemiBold.ttf" if strong else "SourceSans3-Regular.ttf"
    # the mark of a hidden cell is not in the house's typeface: it is drawn, and measured, in DejaVu
    other = font_manager.findfont("DejaVu Sans")
    return font_manager.get_font([str(_FONTS / name), other])


@cache
def text_width(text: str, size: float, strong: bool = False) -> float:
    """Return the width of a text in points, in the house's typeface."""
    font = _face(strong)
    font.set_size(100, 72)
    font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64 * size / 100


def ink(tint: str) -> str:
    """Return a color dark enough for text on white (contrast of at least 4.5 to 1)."""
    red, green, blue = to_rgb(tint)
    while _luminance(red, green, blue) > 0.17:
        red, green, blue = red * 0.94, green * 0.94, blue * 0.94
    return str(to_hex((red, green, blue)))


def ink_on(tint: str) -> str:
    """Return the color of text on a tint: white or ink, whichever stands out more."""
    light = _luminance(*to_rgb(tint)) + 0.05
    return "white" if 1.05 / light > light / (_luminance(*to_rgb(INK)) + 0.05) else INK


def _luminance(*parts: float) -> float:
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
