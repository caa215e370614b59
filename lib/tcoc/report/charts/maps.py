"""Maps of where people live: a dot per ZIP on Maryland's county outlines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tcoc.disclosure import PublicTable
from tcoc.report import alt, formats, style
from tcoc.report.charts import base
from tcoc.report.charts.base import Chart, Layout, Margins
from tcoc.report.maps import county_rings, zip_points
from tcoc.report.marks import mark
from tcoc.report.words import compact, plural

_LARGEST = 260.0


@base.needs_rows
def zip_map(
    table: PublicTable,
    zip: str = "zip",  # noqa: A002 - the column's own name
    size: str = "benes",
    *,
    name: str = "",
) -> Chart:
    """Each ZIP as a dot at its centroid, area by `size`, with a key of sizes.

    ZIPs with a hidden value or without a known centroid are not drawn; the note says how many.
    """
    return _maps("zip_map", table, "", zip, size, name, 1)


@base.needs_rows
def zip_maps(
    table: PublicTable,
    facet: str,
    zip: str = "zip",  # noqa: A002 - the column's own name
    size: str = "benes",
    *,
    columns: int = 5,
    name: str = "",
) -> Chart:
    """A small map per value of `facet`, all with one scale of sizes."""
    return _maps("zip_maps", table, facet, zip, size, name, columns)


def _maps(
    kind: str, table: PublicTable, facet: str, zip_code: str, size: str, name: str, columns: int
) -> Chart:
    frame = table.frame.assign(_size=formats.floats(table, size), _key=formats.row_keys(table))
    frame["_facet"] = formats.row_names(table, facet) if facet else ""
    frame = frame.assign(zip=frame[zip_code])
    heads = list(dict.fromkeys(frame["_facet"].tolist()))
    shown = frame[frame["_size"].notna()]
    points = zip_points(shown[shown["_size"] > 0])
    note = _undrawn(frame, shown, points, heads)
    column = formats.column_of(table, size)

    def draw(layout: Layout) -> Figure:
        across = min(columns, len(heads), 2 if base.is_narrow(layout) else columns)
        return _draw_maps(layout, points, heads, across, column)

    told = alt.places(heads, table, column, frame["_size"].to_numpy(), frame["zip"].tolist())
    drawn = tuple(c for c in (facet, zip_code, size) if c)
    return Chart(base.named(name, table, kind), table, drawn, draw, told, kind, note)


def _undrawn(
    frame: pd.DataFrame, shown: pd.DataFrame, points: pd.DataFrame, heads: Sequence[str]
) -> str:
    hidden = len(frame) - len(shown)
    unknown = int((shown["_size"] > 0).sum()) - len(points)
    said = [f"{plural(hidden, 'ZIP')} with a hidden count"] if hidden else []
    said += [f"{plural(unknown, 'ZIP')} of unknown place"] if unknown else []
    empty = [h for h in heads if h and h not in set(points["_facet"])]
    said += [f"all ZIPs of {', '.join(empty)}"] if empty else []
    return f"Not drawn: {'; '.join(said)}." if said else ""


def _draw_maps(
    layout: Layout, points: pd.DataFrame, heads: Sequence[str], columns: int, column: Any
) -> Figure:
    single = heads == [""]
    gap = (0.12, 0.34)
    width = (base.WIDTHS[layout] - 0.1 - gap[0] * (columns - 1)) / columns
    margins = Margins(0.05, 0.05, 0.05 + 0.4 if single else 0.3 + 0.4, 0.05)
    rows = -(-len(heads) // columns)
    total, places = base.boxes(layout, width * 0.52, margins, rows, columns, gap)
    picture = base.blank(layout, total)
    # one plot in inches for all: a plot of its own for each costs more than all that is in it
    sheet = picture.add_axes((0, 0, 1, 1), xlim=(0, base.WIDTHS[layout]), ylim=(0, total))
    sheet.set_axis_off()
    largest = float(points["_size"].max()) if len(points) else 1.0
    scale = _LARGEST * min(1.0, (width / 6.0) ** 1.4)
    rings = county_rings(0.012 if single else 0.03)
    by_head = dict(iter(points.groupby("_facet")))
    for head, box in zip(heads, places, strict=False):  # the last row may have room left
        ground = _Ground.within(box, rings)
        _counties(sheet, rings, ground, total)
        here = by_head.get(head, points.iloc[:0])
        areas = 3 + scale * here["_size"].to_numpy(dtype=float) / largest
        spots = _spots if single else _many_spots
        spots(sheet, here, ground, areas, column)
        if head:
            size = base.size_of(layout) - 1
            said = base.fitted(head, width, size)
            top = ground.bottom + ground.height + 3 * base.POINT
            title = sheet.text(ground.left, top, said, fontsize=size, weight="semibold")
            mark(title, str(here["_key"].iloc[0]) if len(here) else "", head, "name")
    _size_key(picture, layout, largest, scale, column)
    return picture


@dataclass(frozen=True)
class _Ground:
    """Where a map lies on the sheet, in inches, and the degrees at its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float
    west: float
    south: float
    scale: float

    @classmethod
    def within(cls, box: base.Box, rings: Sequence[Any]) -> "_Ground":
        """Lay the counties in the middle of a box, as large as it allows."""
        points = np.concatenate(rings)
        low, high = points.min(axis=0), points.max(axis=0)
        edge = (high - low) * _EDGE
        low, span = low - edge, (high - low) + 2 * edge
        left, bottom, width, height = box
        scale = min(width / (span[0] * _LONGITUDE), height / span[1])
        across, up = span[0] * _LONGITUDE * scale, span[1] * scale
        corner = left + (width - across) / 2, bottom + (height - up) / 2
        return cls(*corner, across, up, float(low[0]), float(low[1]), float(scale))

    def across(self, lon: Any) -> Any:
        """Return where a longitude is."""
        return self.left + (lon - self.west) * _LONGITUDE * self.scale

    def up(self, lat: Any) -> Any:
        """Return where a latitude is."""
        return self.bottom + (lat - self.south) * self.scale


_LONGITUDE = float(np.cos(np.radians(38.9)))
"""A degree of longitude in degrees of latitude, in the middle of Maryland."""

_EDGE = 0.05
"""Room around the counties, as a share of their extent."""


def _spots(sheet: Axes, here: pd.DataFrame, ground: _Ground, areas: Any, column: Any) -> None:
    for (_, row), area in zip(here.iterrows(), areas, strict=True):
        (dot,) = sheet.plot(
            [ground.across(row["lon"])],
            [ground.up(row["lat"])],
            "o",
            ms=float(np.sqrt(area)),
            alpha=0.65,
            color=style.ACCENT,
            mec="white",
            mew=0.5,
        )
        mark(
            dot,
            str(row["_key"]),
            f"ZIP {row['zip']}: {column.label} {formats.write(column, row['_size'])}",
        )


def _many_spots(sheet: Axes, here: pd.DataFrame, ground: _Ground, areas: Any, _: Any) -> None:
    """Draw a panel's dots in size classes of half a point: no eye tells more in a small map."""
    if here.empty:
        return
    said = f"{here['_facet'].iloc[0]}: {plural(len(here), 'ZIP')} drawn"
    key = str(here["_key"].iloc[0])
    across = ground.across(here["lon"].to_numpy(dtype=float))
    up = ground.up(here["lat"].to_numpy(dtype=float))
    sizes = np.maximum(1.0, np.round(np.sqrt(areas) * 2) / 2)
    for size in np.unique(sizes):
        mine = sizes == size
        dots = Line2D(
            across[mine], up[mine], ls="", marker="o", ms=float(size), mew=0, alpha=0.65,
            color=style.ACCENT,
        )  # fmt: skip
        sheet.add_artist(dots)
        mark(dots, key, said)


def _counties(sheet: Axes, rings: Sequence[Any], ground: _Ground, total: float) -> None:
    """Draw the outlines; panels share one drawing of them in the page (see picture)."""
    shapes = PolyCollection(
        [np.column_stack([ground.across(ring[:, 0]), ground.up(ring[:, 1])]) for ring in rings],
        facecolor="#f3f5f7",
        edgecolor="#b9c2ca",
        linewidth=0.4,
        zorder=0,
    )
    sheet.add_artist(shapes)
    left = ground.left / base.POINT
    top = (total - ground.bottom - ground.height) / base.POINT
    mark(shapes, "counties", f"{left:.2f};{top:.2f}", "shared")


def _size_key(picture: Figure, layout: Layout, largest: float, scale: float, column: Any) -> None:
    """Say at the top which area is how much."""
    height, width = picture.get_figheight(), picture.get_figwidth()
    size = base.size_of(layout) - 0.5
    picture.text(
        0.05 / width,
        1 - 0.2 / height,
        f"{column.label}:",
        fontsize=size,
        va="center",
        color=style.QUIET,
    )
    x = 0.05 + base.inches(f"{column.label}:", size) + 0.22
    for amount in _round_sizes(largest):
        area = 3 + scale * amount / largest
        picture.add_artist(
            Line2D(
                [x / width],
                [1 - 0.2 / height],
                marker="o",
                ls="",
                alpha=0.65,
                ms=float(np.sqrt(area)),
                color=style.ACCENT,
                mec="white",
                transform=picture.transFigure,
            )
        )
        text = compact(amount)
        picture.text(
            (x + 0.16) / width, 1 - 0.2 / height, text, fontsize=size, va="center", color=style.INK
        )
        x += 0.16 + base.inches(text, size) + 0.3


def _round_sizes(largest: float) -> list[float]:
    step = 10 ** np.floor(np.log10(max(largest, 10)))
    top = max(m * step for m in (1, 2, 5) if m * step <= largest or m == 1)
    return [float(top / 10), float(top / 2 if top / 2 >= 1 else top), float(top)]
