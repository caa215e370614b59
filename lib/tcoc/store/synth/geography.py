"""Places: hospitals, Maryland ZIPs, and which hospital a ZIP's people use."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import zipcodes

from tcoc.store.synth.config import Config, read_csv
from tcoc.store.synth.draws import Floats, Integers

# County shares of Maryland's Medicare beneficiaries, rounded from memory (assumed), and FIPS codes.
COUNTIES: dict[str, tuple[str, float]] = {
    "Allegany": ("24001", 1.8),
    "Anne Arundel": ("24003", 9.4),
    "Baltimore": ("24005", 15.4),
    "Calvert": ("24009", 1.5),
    "Caroline": ("24011", 0.7),
    "Carroll": ("24013", 3.2),
    "Cecil": ("24015", 1.8),
    "Charles": ("24017", 2.0),
    "Dorchester": ("24019", 0.8),
    "Frederick": ("24021", 4.0),
    "Garrett": ("24023", 0.8),
    "Harford": ("24025", 4.5),
    "Howard": ("24027", 4.4),
    "Kent": ("24029", 0.6),
    "Montgomery": ("24031", 15.5),
    "Prince George's": ("24033", 11.6),
    "Queen Anne's": ("24035", 1.0),
    "St. Mary's": ("24037", 1.7),
    "Somerset": ("24039", 0.5),
    "Talbot": ("24041", 1.1),
    "Washington": ("24043", 3.0),
    "Wicomico": ("24045", 1.9),
    "Worcester": ("24047", 1.6),
    "Baltimore City": ("24510", 11.2),
}
RURAL = ("Allegany", "Caroline", "Dorchester", "Garrett", "Kent", "Somerset", "Talbot", "Worcester")
"""Counties whose invented clinics are rural health clinics (assumed); elsewhere they are FQHCs."""

_SPELLINGS = {"Baltimore city": "Baltimore City", "St Mary's": "St. Mary's"}

# Hospitals beyond Maryland that its residents use: CCN, state, latitude, longitude (assumed).
ELSEWHERE = (
    ("090001", "DC", 38.901, -77.050),
    ("090004", "DC", 38.912, -77.076),
    ("090011", "DC", 38.929, -77.014),
    ("080001", "DE", 39.687, -75.669),
    ("390046", "PA", 39.945, -76.719),
    ("510001", "WV", 39.655, -79.958),
    ("490063", "VA", 38.857, -77.227),
)


def county_name(spelling: str) -> str:
    """Return a county's name in one spelling; the ZIP package has several."""
    name = spelling.removesuffix(" County")
    return _SPELLINGS.get(name, name)


def digest(*parts: object) -> float:
    """Return a number in [0, 1) that depends only on the text of the parts."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "little") / 2**48


def kilometres(lat: Floats, lon: Floats, lat2: Floats, lon2: Floats) -> Floats:
    """Return great-circle distances, rows by columns, rounded to a metre."""
    a1, o1 = np.radians(lat)[:, None], np.radians(lon)[:, None]
    a2, o2 = np.radians(lat2)[None, :], np.radians(lon2)[None, :]
    h = np.sin((a1 - a2) / 2) ** 2 + np.cos(a1) * np.cos(a2) * np.sin((o1 - o2) / 2) ** 2
    result: Floats = np.round(2 * 6371.0088 * np.arcsin(np.sqrt(h)), 3)
    return result


@dataclass(frozen=True)
class Geography:
    """Hospitals, ZIPs, and the pull of each hospital in each ZIP."""

    hospitals: tuple[dict[str, str], ...]
    size: Floats
    price: Floats
    dual_gain: Floats
    cost_level: Floats
    cost_growth: Floats
    frailty_gain: Floats
    zips: tuple[str, ...]
    county: tuple[str, ...]
    population: Floats
    distance: Floats
    pull: Floats
    between: Floats
    elsewhere: Integers

    @property
    def count(self) -> int:
        """How many Maryland hospitals there are; one more index stands for elsewhere."""
        return len(self.hospitals)

    @cached_property
    def rural(self) -> list[bool]:
        """Whether each hospital stands in a county whose clinics are rural health clinics."""
        return [h["county"] in RURAL for h in self.hospitals]

    @cached_property
    def ccns(self) -> list[str]:
        """CCNs of the Maryland hospitals, in order."""
        return [h["ccn"] for h in self.hospitals]

    @cached_property
    def pull_edges(self) -> Floats:
        """Cumulative pull by hospital, one row per ZIP, ending at 1."""
        result: Floats = np.cumsum(self.pull, axis=1)
        return result

    @cached_property
    def hospital_share(self) -> Floats:
        """Share of Maryland's people whose own hospital each is."""
        weighted: Floats = (self.population[:, None] * self.pull).sum(axis=0)
        result: Floats = weighted / weighted.sum()
        return result


def load_geography(config: Config) -> Geography:
    """Lay out hospitals and ZIPs; nothing here depends on the seed or the store's size."""
    hospitals = tuple(read_csv(config.reference / "hospitals.csv"))
    steer = {row["ccn"]: row for row in read_csv(config.folder / "hospitals.csv")}
    places = [z for z in zipcodes.filter_by(state="MD") if float(z["lat"]) != 0]
    places.sort(key=lambda z: z["zip_code"])
    lat = np.array([float(z["lat"]) for z in places])
    lon = np.array([float(z["long"]) for z in places])
    row_of = {z["zip_code"]: i for i, z in enumerate(places)}
    at = np.array([row_of[h["zip"]] for h in hospitals])
    size = np.array([float(steer[h["ccn"]]["size"]) for h in hospitals])
    distance = kilometres(lat, lon, lat[at], lon[at])
    outside = kilometres(
        lat[at], lon[at], np.array([e[2] for e in ELSEWHERE]), np.array([e[3] for e in ELSEWHERE])
    )
    counties = tuple(county_name(z["county"]) for z in places)

    def steered(name: str) -> Floats:
        return np.array([float(steer[h["ccn"]][name]) for h in hospitals])

    return Geography(
        hospitals,
        size,
        steered("price"),
        steered("dual_gain"),
        steered("cost_level"),
        steered("cost_growth"),
        steered("frailty_gain"),
        tuple(row_of),
        counties,
        _population(config, places, counties),
        distance,
        _pull(size, distance, config.number("geography.decay_km")),
        kilometres(lat[at], lon[at], lat[at], lon[at]),
        np.argmin(outside, axis=1),
    )


def _population(config: Config, places: list[dict[str, str]], counties: tuple[str, ...]) -> Floats:
    """Share the counties' people among their ZIPs; few have a post office box as their address."""
    box = config.number("geography.post_office_box_weight")
    weight = np.array(
        [
            (1.0 if z["zip_code_type"] == "STANDARD" else box) * (0.3 + digest(z["zip_code"]) * 1.7)
            if z["zip_code_type"] != "UNIQUE"
            else 0.0
            for z in places
        ]
    )
    total = {c: sum(w for w, d in zip(weight, counties, strict=True) if d == c) for c in COUNTIES}
    share = np.array([COUNTIES[c][1] * w / total[c] for w, c in zip(weight, counties, strict=True)])
    result: Floats = share / share.sum()
    return result


def _pull(size: Floats, distance: Floats, decay: float) -> Floats:
    """Pull of hospitals in a ZIP: size x exp(-distance / decay), relative to the nearest one."""
    beyond = distance - distance.min(axis=1, keepdims=True)
    raw = np.round(size[None, :] * np.exp(-beyond / decay), 6)
    result: Floats = raw / raw.sum(axis=1, keepdims=True)
    return result
