"""Maryland's county outlines and ZIP centroids, for small maps."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from tcoc.paths import params_dir
from tcoc.reference import zip_centroids


@cache
def county_rings(tolerance: float = 0.0) -> "tuple[np.ndarray[Any, Any], ...]":
    """Return the outlines of the counties, one array of (lon, lat) per ring.

    Points nearer than `tolerance` degrees to the line of their neighbors are left out: a map of
    two inches needs a tenth of them.
    """
    file = params_dir() / "reference" / "county_outlines.csv"
    points = pd.read_csv(file, dtype={"fips": str, "ring": int})
    rings = points.groupby(["fips", "ring"], sort=True)
    found = [ring[["lon", "lat"]].to_numpy() for _, ring in rings]
    return tuple(_simple(ring, tolerance) for ring in found)


def _simple(ring: "np.ndarray[Any, Any]", tolerance: float) -> "np.ndarray[Any, Any]":
    """Thin out a ring by Douglas and Peucker's rule, from its two farthest points."""
    if tolerance <= 0 or len(ring) < 5:
        return ring
    far = int(np.argmax(np.hypot(*(ring - ring[0]).T)))
    kept = {0, far, len(ring) - 1}
    spans = [(0, far), (far, len(ring) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = _distances(ring[first : last + 1])
        worst = int(np.argmax(away))
        if away[worst] > tolerance:
            kept.add(first + worst)
            spans += [(first, first + worst), (first + worst, last)]
    return ring[sorted(kept)]


def _distances(line: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return how far each point is from the straight line between the first and the last."""
    start, along = line[0], line[-1] - line[0]
    length = float(np.hypot(*along)) or 1.0
    offset = line - start
    return np.asarray(np.abs(offset[:, 0] * along[1] - offset[:, 1] * along[0]) / length)


def zip_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Add `lat` and `lon` of each row's ZIP; rows whose ZIP has no centroid are left out."""
    centroids = zip_centroids()
    known = frame[frame["zip"].isin([z for z in frame["zip"].unique() if z in centroids])].copy()
    known["lat"] = [centroids[z][0] for z in known["zip"]]
    known["lon"] = [centroids[z][1] for z in known["zip"]]
    return known.reset_index(drop=True)
