"""Maryland's county outlines and ZIP centroids, for small maps."""

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


def draw_counties(axes: Any) -> None:
    """Draw the county outlines and nothing else."""
    shapes = PolyCollection(
        county_rings(), facecolor="#f3f5f7", edgecolor=style.RULE, linewidth=0.4, zorder=0
    )
    axes.add_collection(shapes)
    axes.autoscale_view()
    axes.set_aspect(_DEGREE)
    axes.set_axis_off()


def zip_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Add `lat` and `lon` of each row's ZIP; rows whose ZIP has no centroid are left out."""
    centroids = zip_centroids()
    known = frame[frame["zip"].isin(list(centroids))].copy()
    known["lat"] = [centroids[z][0] for z in known["zip"]]
    known["lon"] = [centroids[z][1] for z in known["zip"]]
    return known.reset_index(drop=True)
