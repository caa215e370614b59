"""Facility claims of a block of people in a year: hospitals, skilled nursing, home health, hospice."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tcoc.store.schema import SETTINGS
from tcoc.store.synth import columns
from tcoc.store.synth.draws import Draws, Floats, Integers
from tcoc.store.synth.geography import ELSEWHERE, Geography
from tcoc.store.synth.people import People, day_number
from tcoc.store.synth.professional import (
    Maker,
    columns_first_day,
    covered,
    days_in_year,
    month_of,
    powers,
    sequence_in_person,
)
from tcoc.store.synth.status import Status

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


def _hospital(
    maker: Maker, people: People, status: Status, person: Integers, thru: Integers, draws: Draws
) -> Integers:
    """Return the hospital of each claim: mostly the person's own."""
    geo, config = maker.geo, maker.config
    home = config.number("care.home_use")
    second = home + config.number("care.second_use")
    teaching = second + config.number("care.teaching_use")
    u = draws.uniform(len(person))
    own = status.hospital[person]
    outside = geo.count + geo.elsewhere[own]
    big = draws.choose(len(person), geo.size**3)
    chosen = np.select(
        [u < home, u < second, u < teaching], [own, people.second[person], big], outside
    )
    return np.where(status.away[person, month_of(status, thru)], outside, chosen)


def _growth(maker: Maker, status: Status, person: Integers) -> Floats:
    """Return the planted growth of a hospital's own people since 2015, as a multiple."""
    rate = maker.geo.cost_growth[status.hospital[person]]
    result: Floats = 1 + rate * (status.year - 2015)
    return result


def _claims(maker: Maker, people: People, status: Status, name: str) -> Stays:
    """Return the claims of one kind that arise by themselves."""
    service = maker.config.facilities[name]
    draws = maker.draws("facility", name, status.year, people.first)
    mean = service["mean"] * powers(status.factor, status.need, service)
    if service.get("only") == "esrd":
        mean = mean * status.esrd.any(axis=1)
    elif service.get("only") == "nursing_home":
        mean = mean * people.nursing_home
    else:
        quiet = maker.config.number("care.none_activity")
        mean = mean * np.where(people.kind == 3, quiet, 1.0)
    person = np.repeat(np.arange(people.count), np.minimum(draws.poisson(mean), 40))
    thru = status.year_start + draws.below(len(person), days_in_year(status))
    keep = covered(people, status, person, thru)
    person, thru = person[keep], thru[keep]
    hospital = _hospital(maker, people, status, person, thru, draws)
    setting = service["setting"]
    if name == "dialysis":
        facility = status.hospital[person] + _offset(maker.geo, "dialysis")
    elif setting in ("inpatient", "outpatient"):
        facility = hospital
    else:
        facility = _neighbour(maker.geo, setting, status.hospital[person], draws)
    return _stays(maker, status, service, person, thru, facility, draws)


def _neighbour(geo: Geography, setting: str, hospital: Integers, draws: Draws) -> Integers:
    if setting == "snf":
        return _offset(geo, "snf") + hospital * 3 + draws.below(len(hospital), 3)
    return _offset(geo, setting) + hospital


def _stays(
    maker: Maker,
    status: Status,
    service: dict[str, Any],
    person: Integers,
    thru: Integers,
    facility: Integers,
    draws: Draws,
) -> Stays:
    """Add lengths and payments to claims."""
    length = np.floor(service["days"] * draws.lognormal(len(person), 0.6)).astype(np.int64)
    price = np.append(maker.geo.price, np.ones(400))[facility]
    level = maker.config.settings["trend"][status.year] * maker.config.number("levels.facility")
    paid = service["paid"] * level * draws.lognormal(len(person), float(service["spread"]))
    cents = columns.cents_of(paid * price * _growth(maker, status, person))
    setting = np.full(len(person), SETTINGS.index(service["setting"]))
    return Stays(person, thru - np.minimum(length, 90), thru, cents, setting, facility)


def _after(maker: Maker, people: People, status: Status, stays: Stays, name: str) -> Stays:
    """Return the claims that follow a share of the hospital stays, within the year."""
    service = maker.config.facilities[name]
    draws = maker.draws("facility", name, status.year, people.first)
    follows = np.flatnonzero(draws.flags(len(stays.person), service["post"]))
    person = stays.person[follows]
    length = 3 + np.floor(service["days"] * draws.lognormal(len(person), 0.5)).astype(np.int64)
    start = stays.thru[follows]
    thru = np.minimum(start + length, people.death[person])
    inside = (thru < status.year_start + days_in_year(status)) & (thru >= start)
    person, start, thru = person[inside], start[inside], thru[inside]
    keep = covered(people, status, person, thru)
    person, start, thru = person[keep], start[keep], thru[keep]
    facility = _neighbour(maker.geo, service["setting"], status.hospital[person], draws)
    made = _stays(maker, status, service | {"days": 0}, person, thru, facility, draws)
    return Stays(person, start, thru, made.cents, made.setting, made.facility)


def _hospice(maker: Maker, people: People, status: Status) -> Stays:
    """Return monthly hospice claims of people who die under it."""
    service = maker.config.facilities["hospice"]
    draws = maker.draws("hospice", people.first)
    uses = draws.flags(people.count, service["share_of_deaths"])
    length = 2 + np.floor(service["days"] * draws.lognormal(people.count, 1.2)).astype(np.int64)
    begin = people.death - np.minimum(length, 400)
    ends = np.append(status.starts[1:], day_number(status.year + 1)) - 1
    level = maker.config.settings["trend"][status.year]
    parts = []
    for month in range(12):
        start = np.maximum(begin, status.starts[month])
        thru = np.minimum(people.death, ends[month])
        person = np.flatnonzero(uses & (start <= thru) & status.fee_for_service[:, month])
        days = thru[person] - start[person] + 1
        parts.append((person, start[person], thru[person], days))
    person, start, thru, days = (np.concatenate([p[i] for p in parts]) for i in range(4))
    cents = columns.cents_of(days * service["per_day"] * level)
    setting = np.full(len(person), SETTINGS.index("hospice"))
    facility = status.hospital[person] + _offset(maker.geo, "hospice")
    return Stays(person, start, thru, cents, setting, facility)


def stays(maker: Maker, people: People, status: Status) -> Stays:
    """Return all facility claims of a block in a year, ordered by person and last day."""
    parts = [
        _claims(maker, people, status, name)
        for name, service in maker.config.facilities.items()
        if "mean" in service and "setting" in service
    ]
    inpatient = parts[0]
    parts += [_after(maker, people, status, inpatient, n) for n in ("snf_post", "hha_post")]
    parts.append(_hospice(maker, people, status))
    everything = Stays(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in Stays.__annotations__)
    )
    everything = everything.at(np.flatnonzero(everything.thru >= columns_first_day(maker, status)))
    key = everything.person * 512 + (everything.thru - status.year_start)
    return everything.at(np.argsort(key, kind="stable"))


def facility_table(maker: Maker, people: People, status: Status) -> pa.Table:
    """Return the facility claims of a block in a year, in the store's order."""
    claims = stays(maker, people, status)
    number = (people.first + claims.person) * 10_000 + sequence_in_person(claims.person)
    return pa.table(
        [
            columns.numbers(f"1{status.year}", number, 13),
            columns.repeated_bene_ids(people.first + claims.person),
            columns.choices(SETTINGS, claims.setting),
            columns.choices(facilities(maker.geo), claims.facility),
            columns.dates(claims.start),
            columns.dates(claims.thru),
            columns.dollars(claims.cents),
        ],
        names=columns.arrow_schema("facility").names,
    )
