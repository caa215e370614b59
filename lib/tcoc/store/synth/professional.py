"""Professional and equipment claims: encounters of a block of people in a year, and their lines."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from tcoc.store.synth import columns
from tcoc.store.synth.clinicians import Clinicians
from tcoc.store.synth.config import Config
from tcoc.store.synth.draws import Draws, Flags, Floats, Integers
from tcoc.store.synth.geography import Geography
from tcoc.store.synth.people import People
from tcoc.store.synth.status import Status

PLACES = ("11", "21", "22", "23", "31", "32", "41", "65", "81", "12")
_UNLISTED = 90  # extra lines of a clinician who bills little primary care: the cardiology list


@dataclass(frozen=True)
class Maker:
    """What every claim generator needs."""

    config: Config
    geo: Geography
    clinicians: Clinicians
    seed: int
    years: tuple[int, int]

    def draws(self, *purpose: object) -> Draws:
        """Return a source of random numbers for a purpose."""
        return Draws(self.seed, *purpose)


@dataclass(frozen=True)
class Encounters:
    """Claims before their lines: person in the block, day since 1970, clinician, lists of codes."""

    person: Integers
    day: Integers
    clinician: Integers
    first_list: Integers
    extra_list: Integers
    lines: Integers
    place: Integers

    def at(self, index: Any) -> "Encounters":
        """Return some of the encounters, in an order."""
        return Encounters(*(getattr(self, name)[index] for name in self.__annotations__))


@dataclass(frozen=True)
class CodeLists:
    """Lists of weighted codes, one after the other: groups' visits, groups' extras, services'."""

    codes: Integers
    edges: Floats
    low: Floats
    high: Floats

    def pick(self, which: Integers, uniform: Floats) -> Integers:
        """Choose a code from a list for each element."""
        low, high = self.low[which], self.high[which]
        at = np.searchsorted(self.edges, low + uniform * (high - low), side="right")
        return self.codes[np.minimum(at, len(self.codes) - 1)]


_LISTS: dict[int, CodeLists] = {}


def code_lists(config: Config) -> CodeLists:
    """Return all code lists: list g is group g's visits, G + g its extras, then the services'."""
    lists = [g.codes for g in config.groups] + [g.extra for g in config.groups]
    lists += [
        {str(code): weight for code, weight in service.get("codes", {}).items()}
        for service in config.services.values()
    ]
    codes = [config.code_index[code] for entries in lists for code in entries]
    edges = np.cumsum([float(weight) for entries in lists for weight in entries.values()])
    stops = np.cumsum([len(entries) for entries in lists])
    padded = np.concatenate([[0.0], edges])
    return CodeLists(
        np.array(codes), edges, padded[np.concatenate([[0], stops[:-1]])], padded[stops]
    )


@cache
def _month_of_day(year_start: int, starts: tuple[int, ...]) -> Integers:
    days = np.arange(year_start, starts[-1] + 31)
    return np.searchsorted(np.array(starts), days, side="right") - 1


def month_of(status: Status, day: Integers) -> Integers:
    """Return the month (0-11) of days in the year."""
    table = _month_of_day(status.year_start, tuple(status.starts.tolist()))
    return table[day - status.year_start]


def days_in_year(status: Status) -> int:
    """Return 365 or 366."""
    return int(status.starts[11]) + 31 - status.year_start


def covered(people: People, status: Status, person: Integers, day: Integers) -> Flags:
    """Whether fee-for-service Medicare would pay: enrolled in A and B, in no plan, alive."""
    month = month_of(status, day)
    return status.fee_for_service[person, month] & (day <= people.death[person])


def _eligible_people(people: People, status: Status, name: str, service: dict[str, Any]) -> Floats:
    """Return how much each person takes part in a service (0 to 1)."""
    only = service.get("only", "")
    if only == "esrd":
        return status.esrd.any(axis=1).astype(np.float64)
    if only == "nursing_home":
        return people.nursing_home.astype(np.float64)
    if service["who"] == "own":
        return (people.kind < 2).astype(np.float64)
    if service["who"] == "slot":
        return ((people.slots[int(name[-1]) - 1] >= 0) & (people.kind != 3)).astype(np.float64)
    return np.ones(people.count)


def _visits(
    maker: Maker, people: People, status: Status, name: str, service: dict[str, Any]
) -> tuple[Integers, Integers]:
    """Return the person and the day of each visit that Medicare would pay."""
    draws = maker.draws("visits", name, status.year, people.first)
    part = _eligible_people(people, status, name, service)
    quiet = maker.config.number("care.none_activity")
    if "only" not in service and service["who"] not in ("own", "slot"):
        part = part * np.where(people.kind == 3, quiet, 1.0)
        if name == "other_primary":
            part = part * (people.kind < 2)
    mean = part * service["mean"] * powers(status.factor, status.need, service)
    person = np.repeat(np.arange(people.count), np.minimum(draws.poisson(mean), 60))
    day = status.year_start + draws.below(len(person), days_in_year(status))
    keep = covered(people, status, person, day)
    return person[keep], day[keep]


def powers(factor: Floats, need: Floats, service: dict[str, Any]) -> Floats:
    """Return factor ** a x need ** b, the rise of a service with a person's need."""
    result: Floats = np.round(
        factor ** float(service["factor"]) * need ** float(service["need"]), 9
    )
    return result


def near_hospital(
    maker: Maker, people: People, status: Status, person: Integers, day: Integers, draws: Draws
) -> Integers:
    """Return the hospital around which a visit takes place; beyond Maryland for people away."""
    loyal = maker.config.number("care.loyal")
    u = draws.uniform(len(person))
    near = np.where(u < loyal, status.hospital[person], people.second[person])
    away = status.away[person, month_of(status, day)]
    return np.where(away, maker.geo.count, near)


def _clinicians(
    maker: Maker,
    people: People,
    status: Status,
    name: str,
    service: dict[str, Any],
    person: Integers,
    day: Integers,
) -> Integers:
    """Return who performs each visit."""
    draws = maker.draws("who", name, status.year, people.first)
    near = near_hospital(maker, people, status, person, day, draws)
    uniform = draws.uniform(len(person))
    if service["who"] == "own":
        month = (status.year - maker.years[0]) * 12 + month_of(status, day)
        standing = np.where(
            month >= people.own_switch[person], people.own_after[person], people.own[person]
        )
    elif service["who"] == "slot":
        standing = people.slots[int(name[-1]) - 1][person]
    else:
        index = np.array([maker.config.group_index[g] for g in service["who"]])
        group = index[draws.below(len(person), len(index))]
        return maker.clinicians.pick(near, group, uniform)
    group = maker.clinicians.group[standing]
    elsewhere = maker.clinicians.pick(near, group, uniform)
    return np.where(near == maker.geo.count, elsewhere, standing)


def _encounters(maker: Maker, people: People, status: Status, name: str, order: int) -> Encounters:
    """Return the encounters of one service."""
    service = maker.config.services[name]
    person, day = _visits(maker, people, status, name, service)
    clinician = _clinicians(maker, people, status, name, service, person, day)
    groups = len(maker.config.groups)
    group = maker.clinicians.group[clinician]
    extra = np.array([g.extra_lines for g in maker.config.groups])[group]
    extra_list = group + groups
    if service["who"] == "own":
        low = maker.clinicians.low_primary[clinician]
        extra = np.where(low, 2.2, extra)
        extra_list = np.where(low, maker.config.group_index["cardiology"] + groups, extra_list)
    first = np.full(len(person), 2 * groups + order) if "codes" in service else group
    lines = 1 + maker.draws("lines", name, status.year, people.first).whole(extra)
    place = np.full(len(person), PLACES.index(service["place"]))
    return Encounters(person, day, clinician, first, extra_list, lines, place)


def encounters(maker: Maker, people: People, status: Status) -> Encounters:
    """Return all encounters of a block in a year, ordered by person and day."""
    parts = [
        _encounters(maker, people, status, name, order)
        for order, name in enumerate(maker.config.services)
    ]
    everything = Encounters(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in Encounters.__annotations__)
    )
    first_day = columns_first_day(maker, status)
    everything = everything.at(np.flatnonzero(everything.day >= first_day))
    key = everything.person * 512 + (everything.day - status.year_start)
    return everything.at(np.argsort(key, kind="stable"))


def columns_first_day(maker: Maker, status: Status) -> int:
    """Return the first day with claims (1 October 2012), or the year's first."""
    start = maker.config.settings["claims_from"]
    return max(int(np.datetime64(start, "D").astype(np.int64)), status.year_start)


def sequence_in_person(person: Integers) -> Integers:
    """Return 0, 1, 2 ... within each person of a sorted array."""
    position = np.arange(len(person))
    new = np.concatenate([[True], person[1:] != person[:-1]]) if len(person) else position > 0
    return position - np.maximum.accumulate(np.where(new, position, 0))


def professional_table(maker: Maker, people: People, status: Status) -> pa.Table:
    """Return the professional lines of a block in a year, in the store's order."""
    visits = encounters(maker, people, status)
    draws = maker.draws("amounts", status.year, people.first)
    claim = _claim_ids("2", status.year, people, visits.person)
    at = np.repeat(np.arange(len(visits.person)), visits.lines)
    line = np.arange(len(at)) - np.repeat(np.cumsum(visits.lines) - visits.lines, visits.lines)
    lists = np.where(line == 0, visits.first_list[at], visits.extra_list[at])
    code = _lists(maker.config).pick(lists, draws.uniform(len(at)))
    allowed, paid = _amounts(maker, status.year, code, draws)
    missing = draws.flags(len(visits.person), maker.config.number("care.missing_npi"))
    groups = maker.clinicians.group[visits.clinician]
    specialties = [group.specialty for group in maker.config.groups]
    clinician = np.where(missing, -1, visits.clinician)
    return pa.table(
        [
            claim.take(pa.array(at)),
            pa.array((line + 1).astype(np.int32)),
            columns.repeated_bene_ids(people.first + visits.person[at]),
            columns.dates(visits.day[at]),
            columns.choices(maker.clinicians.npis, clinician[at]),
            columns.choices(maker.clinicians.tins, visits.clinician[at]),
            columns.choices(specialties, groups[at]),
            columns.choices([c.hcpcs for c in maker.config.codes], code),
            columns.choices(PLACES, visits.place[at]),
            columns.dollars(allowed),
            columns.dollars(paid),
            columns.flags(np.ones(len(at), dtype=np.bool_)),
        ],
        names=columns.arrow_schema("professional").names,
    )


def _lists(config: Config) -> CodeLists:
    if id(config) not in _LISTS:
        _LISTS.clear()
        _LISTS[id(config)] = code_lists(config)
    return _LISTS[id(config)]


def _claim_ids(kind: str, year: int, people: People, person: Integers) -> pa.Array:
    """Return claim identifiers: kind, year, person, sequence within the person."""
    number = (people.first + person) * 10_000 + sequence_in_person(person)
    return columns.numbers(f"{kind}{year}", number, 13)


def _amounts(maker: Maker, year: int, code: Integers, draws: Draws) -> tuple[Integers, Integers]:
    """Return allowed and paid cents of lines."""
    config = maker.config
    level = config.settings["trend"][year] * config.number("levels.professional")
    price = np.array([c.allowed for c in config.codes]) * level
    spread = np.array([c.spread for c in config.codes])[code]
    share = np.array([c.paid_share for c in config.codes])[code]
    noise = np.maximum(1 + spread * draws.normal(len(code)), 0.25)
    zero = draws.flags(len(code), config.number("care.zero_allowed"))
    allowed = np.where(zero, 0, columns.cents_of(price[code] * noise))
    return allowed, np.rint(allowed * share).astype(np.int64)


def dme_table(maker: Maker, people: People, status: Status) -> pa.Table:
    """Return the equipment lines of a block in a year, in the store's order."""
    service = maker.config.facilities["dme"]
    draws = maker.draws("dme", status.year, people.first)
    mean = service["mean"] * powers(status.factor, status.need, service)
    person = np.repeat(np.arange(people.count), np.minimum(draws.poisson(mean), 24))
    day = status.year_start + draws.below(len(person), days_in_year(status))
    keep = covered(people, status, person, day) & (day >= columns_first_day(maker, status))
    person, day = person[keep], day[keep]
    order = np.argsort(person * 512 + day - status.year_start, kind="stable")
    person, day = person[order], day[order]
    near = near_hospital(maker, people, status, person, day, draws)
    supplier = maker.config.group_index["supplier"]
    group = np.full(len(person), supplier)
    clinician = maker.clinicians.pick(near, group, draws.uniform(len(person)))
    lines = 1 + draws.whole(np.full(len(person), maker.config.groups[supplier].extra_lines))
    at = np.repeat(np.arange(len(person)), lines)
    line = np.arange(len(at)) - np.repeat(np.cumsum(lines) - lines, lines)
    lists = np.where(line == 0, supplier, supplier + len(maker.config.groups))
    code = _lists(maker.config).pick(lists, draws.uniform(len(at)))
    allowed, paid = _amounts(maker, status.year, code, draws)
    missing = draws.flags(len(person), 0.02)
    claim = _claim_ids("3", status.year, people, person)
    return pa.table(
        [
            claim.take(pa.array(at)),
            pa.array((line + 1).astype(np.int32)),
            columns.repeated_bene_ids(people.first + person[at]),
            columns.dates(day[at]),
            columns.choices(maker.clinicians.npis, np.where(missing, -1, clinician)[at]),
            columns.choices([c.hcpcs for c in maker.config.codes], code),
            columns.dollars(allowed),
            columns.dollars(paid),
        ],
        names=columns.arrow_schema("dme").names,
    )
