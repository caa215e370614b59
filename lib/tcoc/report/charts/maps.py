"""Maps of where people live: a dot per ZIP on Maryland's county outlines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

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
    rows = -(-len(heads) // columns)
    gap = (0.12, 0.34)
    width = (base.WIDTHS[layout] - 0.1 - gap[0] * (columns - 1)) / columns
    top = 0.3 if heads != [""] else 0.05
    picture, grid = base.panels(
        layout, width * 0.52, Margins(0.05, 0.05, top + 0.4, 0.05), rows, columns, gap
    )
    largest = float(points["_size"].max()) if len(points) else 1.0
    scale = _LARGEST * min(1.0, (width / 6.0) ** 1.4)
    for number, axes in enumerate(grid):
        if number >= len(heads):
            axes.set_visible(False)
            continue
        _counties(picture, axes, coarse=len(heads) > 1)
        here = points[points["_facet"] == heads[number]]
        _spots(axes, here, largest, scale, column, single=len(heads) == 1)
        if heads[number]:
            size = base.size_of(layout) - 1
            said = base.fitted(heads[number], width, size)
            # its place is given, for to find one the library lays out ticks that a map has not
            title = axes.set_title(said, fontsize=size, pad=3, y=1.0)
            key = str(here["_key"].iloc[0]) if len(here) else ""
            mark(title, key, heads[number], "name")
    _size_key(picture, layout, largest, scale, column)
    return picture


def _spots(
    axes: Axes, here: pd.DataFrame, largest: float, scale: float, column: Any, single: bool
) -> None:
    areas = 3 + scale * here["_size"].to_numpy(dtype=float) / largest
    if not single:
        _many_spots(axes, here, areas)
        return
    for (_, row), area in zip(here.iterrows(), areas, strict=True):
        (dot,) = axes.plot(
            [row["lon"]],
            [row["lat"]],
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


def _many_spots(axes: Axes, here: pd.DataFrame, areas: Any) -> None:
    """Draw a panel's dots in size classes of half a point: no eye tells more in a small map."""
    if here.empty:
        return
    said = f"{here['_facet'].iloc[0]}: {plural(len(here), 'ZIP')} drawn"
    sizes = np.maximum(1.0, np.round(np.sqrt(areas) * 2) / 2)
    for size in np.unique(sizes):
        mine = here[sizes == size]
        (dots,) = axes.plot(
            mine["lon"], mine["lat"], "o", ms=float(size), mew=0, alpha=0.65, color=style.ACCENT
        )
        mark(dots, str(here["_key"].iloc[0]), said)


def _counties(picture: Figure, axes: Axes, coarse: bool) -> None:
    """Draw the outlines; panels share one drawing of them in the page (see picture)."""
    shapes = PolyCollection(
        county_rings(0.03 if coarse else 0.012),
        facecolor="#f3f5f7",
        edgecolor="#b9c2ca",
        linewidth=0.4,
        zorder=0,
    )
    axes.add_collection(shapes)
    axes.autoscale_view()
    axes.set_aspect(1 / np.cos(np.radians(38.9)))
    axes.set_axis_off()
    box = axes.get_position()
    left = box.x0 * picture.get_figwidth() * 72
    top = (1 - box.y1) * picture.get_figheight() * 72
    mark(shapes, "counties", f"{left:.2f};{top:.2f}", "shared")


def _size_key(picture: Figure, layout: Layout, largest: float, scale: float, column: Any) -> None:
    """Say at the top which area is how much."""
    from matplotlib.lines import Line2D

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
