"""Facility claims of people in a year: hospitals, skilled nursing, home health, hospice."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tcoc.store.schema import SETTINGS
from tcoc.store.synth import columns
from tcoc.store.synth.draws import Draws, Floats, Integers
from tcoc.store.synth.geography import ELSEWHERE, Geography
from tcoc.store.synth.people import day_number
from tcoc.store.synth.professional import (
    columns_first_day,
    covered,
    days_in_year,
    month_of,
    powers,
    sequence_in_person,
)
from tcoc.store.synth.scene import Scene

KINDS = 4  # of facilities around a hospital: SNF x 3, home health, hospice, dialysis follow it


@dataclass(frozen=True)
class Stays:
    """Facility claims: person in the block, first and last day, cents, setting, facility."""

    person: Integers
    start: Integers
    thru: Integers
    cents: Integers
    setting: Integers
    facility: Integers

    def at(self, index: Any) -> "Stays":
        """Return some of the claims, in an order."""
        return Stays(*(getattr(self, name)[index] for name in self.__annotations__))


def facilities(geo: Geography) -> list[str]:
    """Return all CCNs: Maryland's hospitals, hospitals elsewhere, then each hospital's neighbours.

    The numbers after the hospitals are invented within CMS's ranges: 215001 and on for skilled
    nursing (three around each hospital), 217001 home health, 211501 hospice, 212501 dialysis.
    """
    near = range(geo.count + 1)
    skilled = [f"215{h * 3 + k + 1:03d}" for h in near for k in range(3)]
    return [
        *geo.ccns,
        *(ccn for ccn, *_ in ELSEWHERE),
        *skilled,
        *(f"217{h + 1:03d}" for h in near),
        *(f"2115{h + 1:02d}" for h in near),
        *(f"2125{h + 1:02d}" for h in near),
    ]


def _offset(geo: Geography, kind: str) -> int:
    base, near = geo.count + len(ELSEWHERE), geo.count + 1
    return base + near * {"snf": 0, "hha": 3, "hospice": 4, "dialysis": 5}[kind]


def _hospital(scene: Scene, person: Integers, thru: Integers, draws: Draws) -> Integers:
    """Return the hospital of each claim: mostly the person's own."""
    config = scene.world.config
    home = config.number("care.home_use")
    second = home + config.number("care.second_use")
    teaching = second + config.number("care.teaching_use")
    u = draws.uniform(len(person))
    own = scene.hospital[person]
    outside = scene.world.geo.count + scene.world.geo.elsewhere[own]
    big = draws.choose(len(person), scene.world.geo.size**3)
    chosen = np.select(
        [u < home, u < second, u < teaching], [own, scene.people.second[person], big], outside
    )
    return np.where(scene.away[person, month_of(scene, thru)], outside, chosen)


def _growth(scene: Scene, person: Integers) -> Floats:
    """Return the planted growth of a hospital's own people since 2015, as a multiple."""
    rate = scene.world.geo.cost_growth[scene.hospital[person]]
    result: Floats = 1 + rate * (scene.year - 2015)
    return result


def _claims(scene: Scene, name: str) -> Stays:
    """Return the claims of one kind that arise by themselves."""
    service = scene.world.config.facilities[name]
    draws = scene.world.draws("facility", name, scene.year, scene.people.first)
    mean = service["mean"] * powers(scene.factor, scene.need, service)
    if service.get("only") == "esrd":
        mean = mean * scene.esrd.any(axis=1)
    elif service.get("only") == "nursing_home":
        mean = mean * scene.people.nursing_home
    else:
        quiet = scene.world.config.number("care.none_activity")
        mean = mean * np.where(scene.people.kind == 3, quiet, 1.0)
    person = np.repeat(np.arange(scene.people.count), np.minimum(draws.poisson(mean), 40))
    thru = scene.year_start + draws.below(len(person), days_in_year(scene))
    keep = covered(scene, person, thru)
    person, thru = person[keep], thru[keep]
    hospital = _hospital(scene, person, thru, draws)
    setting = service["setting"]
    if name == "dialysis":
        facility = scene.hospital[person] + _offset(scene.world.geo, "dialysis")
    elif setting in ("inpatient", "outpatient"):
        facility = hospital
    else:
        facility = _neighbour(scene.world.geo, setting, scene.hospital[person], draws)
    return _stays(scene, service, person, thru, facility, draws=draws)


def _neighbour(geo: Geography, setting: str, hospital: Integers, draws: Draws) -> Integers:
    if setting == "snf":
        return _offset(geo, "snf") + hospital * 3 + draws.below(len(hospital), 3)
    return _offset(geo, setting) + hospital


def _stays(
    scene: Scene,
    service: dict[str, Any],
    person: Integers,
    thru: Integers,
    facility: Integers,
    *,
    draws: Draws,
) -> Stays:
    """Add lengths and payments to claims."""
    length = np.floor(service["days"] * draws.lognormal(len(person), 0.6)).astype(np.int64)
    price = np.append(scene.world.geo.price, np.ones(400))[facility]
    level = scene.world.config.settings["trend"][scene.year] * scene.world.config.number(
        "levels.facility"
    )
    paid = service["paid"] * level * draws.lognormal(len(person), float(service["spread"]))
    cents = columns.cents_of(paid * price * _growth(scene, person))
    setting = np.full(len(person), SETTINGS.index(service["setting"]))
    return Stays(person, thru - np.minimum(length, 90), thru, cents, setting, facility)


def _after(scene: Scene, stays: Stays, name: str) -> Stays:
    """Return the claims that follow a share of the hospital stays, within the year."""
    service = scene.world.config.facilities[name]
    draws = scene.world.draws("facility", name, scene.year, scene.people.first)
    follows = np.flatnonzero(draws.flags(len(stays.person), service["post"]))
    person = stays.person[follows]
    length = 3 + np.floor(service["days"] * draws.lognormal(len(person), 0.5)).astype(np.int64)
    start = stays.thru[follows]
    thru = np.minimum(start + length, scene.people.death[person])
    inside = (thru < scene.year_start + days_in_year(scene)) & (thru >= start)
    person, start, thru = person[inside], start[inside], thru[inside]
    keep = covered(scene, person, thru)
    person, start, thru = person[keep], start[keep], thru[keep]
    facility = _neighbour(scene.world.geo, service["setting"], scene.hospital[person], draws)
    made = _stays(scene, service | {"days": 0}, person, thru, facility, draws=draws)
    return Stays(person, start, thru, made.cents, made.setting, made.facility)


def _hospice(scene: Scene) -> Stays:
    """Return monthly hospice claims of people who die under it."""
    service = scene.world.config.facilities["hospice"]
    draws = scene.world.draws("hospice", scene.people.first)
    uses = draws.flags(scene.people.count, service["share_of_deaths"])
    length = 2 + np.floor(service["days"] * draws.lognormal(scene.people.count, 1.2)).astype(
        np.int64
    )
    begin = scene.people.death - np.minimum(length, 400)
    ends = np.append(scene.starts[1:], day_number(scene.year + 1)) - 1
    level = scene.world.config.settings["trend"][scene.year]
    parts = []
    for month in range(12):
        start = np.maximum(begin, scene.starts[month])
        thru = np.minimum(scene.people.death, ends[month])
        person = np.flatnonzero(uses & (start <= thru) & scene.fee_for_service[:, month])
        days = thru[person] - start[person] + 1
        parts.append((person, start[person], thru[person], days))
    person, start, thru, days = (np.concatenate([p[i] for p in parts]) for i in range(4))
    cents = columns.cents_of(days * service["per_day"] * level)
    setting = np.full(len(person), SETTINGS.index("hospice"))
    facility = scene.hospital[person] + _offset(scene.world.geo, "hospice")
    return Stays(person, start, thru, cents, setting, facility)


def stays(scene: Scene) -> Stays:
    """Return all facility claims of a block in a year, ordered by person and last day."""
    parts = [
        _claims(scene, name)
        for name, service in scene.world.config.facilities.items()
        if "mean" in service and "setting" in service
    ]
    inpatient = parts[0]
    parts += [_after(scene, inpatient, n) for n in ("snf_post", "hha_post")]
    parts.append(_hospice(scene))
    everything = Stays(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in Stays.__annotations__)
    )
    everything = everything.at(np.flatnonzero(everything.thru >= columns_first_day(scene)))
    key = everything.person * 512 + (everything.thru - scene.year_start)
    return everything.at(np.argsort(key, kind="stable"))


def facility_table(scene: Scene) -> pa.Table:
    """Return the facility claims of a block in a year, in the store's order."""
    claims = stays(scene)
    number = (scene.people.first + claims.person) * 10_000 + sequence_in_person(claims.person)
    return pa.table(
        [
            columns.numbers(f"1{scene.year}", number, 13),
            columns.repeated_bene_ids(scene.people.first + claims.person),
            columns.choices(SETTINGS, claims.setting),
            columns.choices(facilities(scene.world.geo), claims.facility),
            columns.dates(claims.start),
            columns.dates(claims.thru),
            columns.dollars(claims.cents),
            columns.no_dates(len(claims.person)),
        ],
        names=columns.arrow_schema("facility").names,
    )
