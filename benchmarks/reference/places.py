"""What the small tables say: ACO rosters, hospitals and splits of ZIP codes, in exact fractions.

Rules A3, A5, A6, A9 and A10 in plain Python over rows, read from the run's CSV files as they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import asin, cos, radians, sin, sqrt
from typing import Any

from tcoc.params import AttributionPolicy, Run
from tcoc.reference import read_reference, zip_centroids

Weights = Mapping[str, Any]
ByZip = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Places:
    """A run's reference tables by what they are asked for; eligible hospitals only (rule A10)."""

    home: Mapping[str, str]
    """The ZIP code of each eligible hospital."""
    hospitals_of: Mapping[str, tuple[str, ...]]
    """The hospitals of each hospital-based ACO."""
    aco_of: Mapping[str, str]
    """The ACO of each listed clinician: the lowest id where two list it (rule A6)."""
    links: Mapping[str, tuple[str, ...]]
    """The hospitals to which an ACO's roster links a clinician."""
    claimed: Mapping[str, tuple[str, ...]]
    ecmads: Mapping[str, Weights]
    minutes: Mapping[str, Weights]

    @property
    def hospitals(self) -> tuple[str, ...]:
        """The eligible hospitals, ascending."""
        return tuple(sorted(self.home))

    @property
    def acos(self) -> list[str]:
        """The hospital-based ACOs that list anybody, ascending."""
        return sorted(set(self.aco_of.values()))


def places_of(run: Run) -> Places:
    """Read a run's tables; a table that it does not have is empty."""
    paths, policy = run.reference_paths(), AttributionPolicy.of(run.policy)

    def rows(name: str) -> list[dict[str, Any]]:
        found = read_reference(paths[name], name) if name in paths else None
        return [] if found is None else found.to_dict("records")

    anyone = policy.eligible_hospitals == "all"
    home = {h["ccn"]: h["zip"] for h in rows("hospitals") if h["attributable"] or anyone}
    hospitals_of = _sorted(
        (r["aco_id"], r["ccn"]) for r in rows("aco_hospitals") if r["ccn"] in home
    )
    listed = [r for r in rows("aco_practitioners") if r["aco_id"] in hospitals_of]
    aco_of: dict[str, str] = {}
    for r in listed:
        aco_of[r["npi"]] = min(r["aco_id"], aco_of.get(r["npi"], r["aco_id"]))
    linked = [] if policy.roster_links == "none" else listed
    return Places(
        home,
        hospitals_of,
        aco_of,
        _sorted(
            (r["npi"], r["ccn"])
            for r in linked
            if r["ccn"] in home and r["aco_id"] == aco_of[r["npi"]]
        ),
        _sorted((r["zip"], r["ccn"]) for r in rows("psa_zips") if r["ccn"] in home),
        _by_zip(rows("ecmad"), "ecmad", home),
        _by_zip(rows("drive_times"), "minutes", home),
    )


def _sorted(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in pairs:
        found[key].add(value)
    return {key: tuple(sorted(values)) for key, values in found.items()}


def _by_zip(rows: Iterable[Mapping[str, Any]], column: str, home: Mapping[str, str]) -> ByZip:
    found: ByZip = defaultdict(dict)
    for r in rows:
        if r["ccn"] in home:
            found[r["zip"]][r["ccn"]] = r[column]
    return dict(found)


# ---------------------------------------------------------------- splits


def shares(weights: Weights) -> tuple[dict[str, Fraction], str]:
    """Shares by weight, a negative one being none; equal ones and the flag where all are none."""
    above = {c: max(Fraction(w), Fraction(0)) for c, w in weights.items()}
    total = sum(above.values(), Fraction(0))
    if total:
        return {c: w / total for c, w in above.items() if w}, ""
    return dict.fromkeys(weights, Fraction(1, len(weights))), "equal_split" * (len(weights) > 1)


def clinician_splits(places: Places, paid: Weights) -> list[tuple[str, str, float, str]]:
    """Each listed clinician's hospitals (rule A5): npi, ccn, share and flags."""
    groups = {
        npi: places.links.get(npi, places.hospitals_of[a]) for npi, a in places.aco_of.items()
    }
    split = {g: shares({c: paid.get(c, 0) for c in g}) for g in set(groups.values())}
    return [
        (npi, ccn, float(share), split[group][1])
        for npi, group in groups.items()
        for ccn, share in split[group][0].items()
    ]


def without_ecmads(places: Places, zips: Iterable[str]) -> list[str]:
    """ZIP codes of which payments of the people there stand in for the ECMADs (rule A9)."""
    return [z for z in zips if z not in places.ecmads and len(places.claimed.get(z, ())) != 1]


def zip_splits(
    places: Places, people: Mapping[str, int], payments: Mapping[str, Weights], policy: Any
) -> list[tuple[str, str, float, str]]:
    """The hospitals of each ZIP code where people are left (rule A9): zip, ccn, share, flags."""
    known = {z: _zip_split(places, z, payments.get(z, {}), policy) for z in people}
    everywhere = dict.fromkeys(places.hospitals, Fraction(0))
    for home, found in known.items():
        for ccn, share in (found or ({}, ""))[0].items():
            everywhere[ccn] += share * people[home]
    spread, equal = shares(everywhere)
    unknown = spread, ";".join(filter(None, ("unknown_zip", equal)))
    return [
        (home, ccn, float(share), flags)
        for home, found in known.items()
        for split, flags in [found or unknown]
        for ccn, share in split.items()
    ]


def _zip_split(
    places: Places, home: str, payments: Weights, policy: Any
) -> tuple[dict[str, Fraction], str] | None:
    """The hospitals of one ZIP code and the flags, None where it is unknown."""
    weights = places.ecmads.get(home, payments)
    from_payments = "ecmad_from_payments" * (home not in places.ecmads)
    if claimants := places.claimed.get(home):
        split, equal = shares({c: weights.get(c, 0) for c in claimants})
        return split, equal or from_payments * (len(claimants) > 1)
    minutes, estimated = _drive(places, home, policy)
    if not minutes:
        return None
    used = sorted((c for c in weights if weights[c] > 0), key=lambda c: (-weights[c], c))
    if used and minutes.get(used[0], 1e9) <= policy.drive_minutes:
        return {used[0]: Fraction(1)}, ";".join(filter(None, (from_payments, estimated)))
    return {min(minutes, key=lambda c: (minutes[c], c)): Fraction(1)}, estimated


def _drive(places: Places, home: str, policy: Any) -> tuple[Weights, str]:
    if home in places.minutes:
        return places.minutes[home], ""
    centroids = zip_centroids()
    if home not in centroids:
        return {}, ""
    here = centroids[home]
    return {
        ccn: _km(here, centroids[z]) * policy.road_factor / policy.road_speed * 60
        for ccn, z in places.home.items()
        if z in centroids
    }, "estimated_drive_time"


def _km(a: tuple[float, float], b: tuple[float, float]) -> float:
    la, lo, lb, mo = (radians(x) for x in (*a, *b))
    h = sin((lb - la) / 2) ** 2 + cos(la) * cos(lb) * sin((mo - lo) / 2) ** 2
    return 2 * 6371.0 * asin(sqrt(h))
