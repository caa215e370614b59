"""Maryland's county outlines and ZIP centroids, for small maps."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection

from tcoc.paths import params_dir
from tcoc.reference import zip_centroids
from tcoc.report import style

_DEGREE = 1.28
"""How much longer a degree of latitude is than one of longitude at Maryland's 38.9 degrees."""


@cache
def county_rings() -> "tuple[np.ndarray[Any, Any], ...]":
    """Return the outlines of the counties, one array of (lon, lat) per ring."""
    file = params_dir() / "reference" / "county_outlines.csv"
    points = pd.read_csv(file, dtype={"fips": str, "ring": int})
    rings = points.groupby(["fips", "ring"], sort=True)
    return tuple(ring[["lon", "lat"]].to_numpy() for _, ring in rings)


def draw_small_maps(axes: Any, names: Sequence[str], points: pd.DataFrame, columns: int) -> None:
    """Draw one small map per name, side by side, with a dot per ZIP in proportion to `benes`.

    All maps are one drawing on one pair of axes: fifty axes would take ten times as long.
    """
    rings = county_rings()
    corner = np.min([ring.min(axis=0) for ring in rings], axis=0)
    width, height = np.max([ring.max(axis=0) for ring in rings], axis=0) - corner
    step = np.array([width * 1.12, -height * 1.45])
    places = {name: step * (i % columns, i // columns) for i, name in enumerate(names)}
    shapes = [ring + place for place in places.values() for ring in rings]
    axes.add_collection(
        PolyCollection(shapes, facecolor="#f3f5f7", edgecolor=style.RULE, linewidth=0.4, zorder=0)
    )
    shifts = np.array([places[name] for name in points["hospital"]])
    sizes = 4 + points["benes"] * (45 / max(float(points["benes"].max()), 1.0))
    spots = points[["lon", "lat"]].to_numpy() + shifts
    axes.scatter(*spots.T, s=sizes, color=style.ACCENT, alpha=0.65, linewidth=0)
    for name, place in places.items():
        left, bottom = corner + place
        axes.text(left, bottom + height * 1.05, name, fontsize=8.5, va="bottom")
    axes.autoscale_view()
    axes.set_aspect(_DEGREE)
    axes.set_axis_off()


def zip_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Add `lat` and `lon` of each row's ZIP; rows whose ZIP has no centroid are left out."""
    centroids = zip_centroids()
    known = frame[frame["zip"].isin([z for z in frame["zip"].unique() if z in centroids])].copy()
    known["lat"] = [centroids[z][0] for z in known["zip"]]
    known["lon"] = [centroids[z][1] for z in known["zip"]]
    return known.reset_index(drop=True)
