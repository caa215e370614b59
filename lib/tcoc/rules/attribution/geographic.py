"""The geographic stage (PSA-plus): home ZIP to hospitals (rule A9)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import asin, cos, fsum, radians, sin, sqrt

import pandas as pd

from tcoc.reference import Reference
from tcoc.rules.attribution.shares import Weight, is_even_split, split

EARTH_RADIUS_KM = 6371.0
SHARES = {"zip": "string", "ccn": "string", "share": "float64", "stage_flags": "string"}

Centroids = Callable[[], Mapping[str, tuple[float, float]]]
"""Latitude and longitude by ZIP, read only when a ZIP without drive times asks for them."""

ESTIMATED, UNKNOWN = "estimated_drive_time", "unknown_zip"
FROM_PAYMENTS, EQUAL = "ecmad_from_payments", "equal_split"


@dataclass(frozen=True)
class DriveRules:
    """How far is near, and how a drive time is estimated from centroids (rule A9)."""

    limit_minutes: float
    road_factor: float
    speed_km_h: float


@dataclass(frozen=True)
class Geography:
    """What is known of ZIPs: claims, ECMADs, drive times and centroids, eligible hospitals only."""

    hospital_zip: Mapping[str, str]
    claimed_by: Mapping[str, tuple[str, ...]]
    ecmads: Mapping[str, Mapping[str, Weight]]
    minutes: Mapping[str, Mapping[str, float]]
    centroids: Centroids
    payments: Mapping[str, Mapping[str, Weight]] = field(default_factory=dict)

    def ecmads_of(self, zip_code: str) -> Mapping[str, Weight]:
        """ECMADs of a ZIP by hospital; payments of the people there where the table has no row."""
        supplied = self.ecmads.get(zip_code)
        return self.payments.get(zip_code, {}) if supplied is None else supplied

    def by_payments(self, zip_code: str) -> bool:
        """Whether payments stand in for the ECMADs of a ZIP."""
        return zip_code not in self.ecmads


@dataclass(frozen=True)
class ZipSplit:
    """The hospitals of a ZIP, with shares that sum to 1, and how they came about."""

    shares: Mapping[str, float]
    flags: tuple[str, ...] = ()


def geography(
    reference: Reference,
    centroids: Centroids,
    payments: Mapping[str, Mapping[str, Weight]],
) -> Geography:
    """Arrange a run's reference tables by ZIP; they hold eligible hospitals only (rule A10)."""
    hospitals = reference.tables["hospitals"]
    eligible = hospitals[hospitals["attributable"]]
    claims = reference.tables["psa_zips"]
    return Geography(
        dict(zip(eligible["ccn"], eligible["zip"], strict=True)),
        {str(z): tuple(sorted(t["ccn"])) for z, t in claims.groupby("zip")},
        _by_zip(reference.get("ecmad"), "ecmad"),
        _by_zip(reference.get("drive_times"), "minutes"),
        centroids,
        payments,
    )


def _by_zip(table: pd.DataFrame | None, column: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    if table is not None:
        for zip_code, ccn, value in zip(table["zip"], table["ccn"], table[column], strict=True):
            found.setdefault(zip_code, {})[ccn] = float(value)
    return found


def split_zip(zip_code: str, known: Geography, rules: DriveRules) -> ZipSplit | None:
    """Hospitals of one ZIP (rule A9), or None where the ZIP is unknown.

    1. Claimed by one hospital's PSA list: all to it. By several: split by ECMADs among them.
    2. By none: the hospital with most ECMADs from the ZIP, if it is near enough by road.
    3. Else the nearest by drive time; ties to the lower CCN.
    """
    claimants = known.claimed_by.get(zip_code, ())
    if len(claimants) == 1:
        return ZipSplit({claimants[0]: 1.0})
    if claimants:
        return _split_among(zip_code, claimants, known)
    minutes, estimated = drive_minutes(zip_code, known, rules)
    if not minutes:
        return None
    flags = (ESTIMATED,) if estimated else ()
    ecmads = {ccn: n for ccn, n in known.ecmads_of(zip_code).items() if n > 0}
    if ecmads:
        most = min(ecmads, key=lambda ccn: (-ecmads[ccn], ccn))
        if minutes.get(most, float("inf")) <= rules.limit_minutes:
            source = (FROM_PAYMENTS,) if known.by_payments(zip_code) else ()
            return ZipSplit({most: 1.0}, (*source, *flags))
    return ZipSplit({min(minutes, key=lambda ccn: (minutes[ccn], ccn)): 1.0}, flags)


def _split_among(zip_code: str, claimants: Iterable[str], known: Geography) -> ZipSplit:
    ecmads = known.ecmads_of(zip_code)
    weights = {ccn: ecmads.get(ccn, 0) for ccn in claimants}
    if is_even_split(weights):
        return ZipSplit(split(weights), (EQUAL,))
    return ZipSplit(split(weights), (FROM_PAYMENTS,) if known.by_payments(zip_code) else ())


def drive_minutes(
    zip_code: str, known: Geography, rules: DriveRules
) -> tuple[Mapping[str, float], bool]:
    """Drive minutes from a ZIP by hospital, and whether they are estimated (rule A9).

    The table where it has any row of the ZIP (a missing pair is no candidate), else from the
    centroids of the ZIP and of the hospitals' ZIPs; empty where the ZIP has no centroid.
    """
    if zip_code in known.minutes:
        return known.minutes[zip_code], False
    centroids = known.centroids()
    home = centroids.get(zip_code)
    if home is None:
        return {}, False
    places = {ccn: centroids.get(z) for ccn, z in known.hospital_zip.items()}
    return {
        ccn: great_circle_km(home, place) * rules.road_factor / rules.speed_km_h * 60
        for ccn, place in places.items()
        if place is not None
    }, True


def great_circle_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance between two points of latitude and longitude, by the haversine formula."""
    lat_a, lon_a, lat_b, lon_b = map(radians, (*a, *b))
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def needs_payments(zips: Iterable[str], reference: Reference) -> list[str]:
    """ZIPs whose split depends on ECMADs that the supplied table does not have (rule A9)."""
    claims = reference.tables["psa_zips"]["zip"].value_counts()
    table = reference.get("ecmad")
    supplied = set() if table is None else set(table["zip"])
    return sorted(z for z in zips if z and z not in supplied and claims.get(z, 0) != 1)


def split_zips(
    people_by_zip: Mapping[str, int], known: Geography, rules: DriveRules
) -> pd.DataFrame:
    """Shares of every ZIP where people of the geographic stage live (rule A9), as SHARES.

    A ZIP that is unknown gets the shares that the hospitals have of the stage's other people,
    counted as people; equal shares where there is nobody else.
    """
    found = {z: split_zip(z, known, rules) for z in sorted(people_by_zip)}
    splits = {z: s for z, s in found.items() if s is not None}
    unknown = [z for z in found if z not in splits]
    if unknown:
        everywhere = statewide(splits, people_by_zip, tuple(known.hospital_zip))
        splits |= dict.fromkeys(unknown, everywhere)
    rows = [
        (z, ccn, share, ";".join(s.flags))
        for z, s in sorted(splits.items())
        for ccn, share in sorted(s.shares.items())
    ]
    return pd.DataFrame(rows, columns=list(SHARES))


def statewide(
    splits: Mapping[str, ZipSplit], people_by_zip: Mapping[str, int], hospitals: Iterable[str]
) -> ZipSplit:
    """Shares of the hospitals in the geographic stage by people, for unknown ZIPs (rule A9)."""
    parts: dict[str, list[float]] = {ccn: [0.0] for ccn in hospitals}
    for zip_code, found in splits.items():
        for ccn, share in found.shares.items():
            parts[ccn].append(share * people_by_zip[zip_code])
    weights = {ccn: fsum(values) for ccn, values in parts.items()}
    flags = (UNKNOWN, EQUAL) if is_even_split(weights) else (UNKNOWN,)
    return ZipSplit(split(weights), flags)
