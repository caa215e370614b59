"""Professional and equipment claims: encounters of a block of people in a year, and their lines."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from tcoc.store.synth import columns
from tcoc.store.synth.draws import Draws, Flags, Floats, Integers
from tcoc.store.synth.scene import Scene, any_month
from tcoc.store.synth.world import World

PLACES = ("11", "21", "22", "23", "31", "32", "41", "65", "81", "12")


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


@cache
def _month_of_day(year_start: int, starts: tuple[int, ...]) -> Integers:
    days = np.arange(year_start, starts[-1] + 31)
    result: Integers = np.searchsorted(np.array(starts), days, side="right") - 1
    return result


def month_of(scene: Scene, day: Integers) -> Integers:
    """Return the month (0-11) of days in the year."""
    table = _month_of_day(scene.year_start, tuple(scene.starts.tolist()))
    result: Integers = table[day - scene.year_start]
    return result


def days_in_year(scene: Scene) -> int:
    """Return 365 or 366."""
    return int(scene.starts[11]) + 31 - scene.year_start


def covered(scene: Scene, person: Integers, day: Integers) -> Flags:
    """Whether fee-for-service Medicare would pay: enrolled in A and B, in no plan, alive."""
    month = month_of(scene, day)
    result: Flags = scene.fee_for_service[person, month] & (day <= scene.people.death[person])
    return result


def _share(flags: Flags) -> Floats:
    return flags.astype(np.float64)


def _slot(name: str) -> int:
    """Return the position of the standing relation that a service `slot_N` is about."""
    return int(name.removeprefix("slot_")) - 1


def _eligible_people(scene: Scene, name: str, service: dict[str, Any]) -> Floats:
    """Return how much each person takes part in a service (0 to 1)."""
    people, only = scene.people, service.get("only", "")
    if only == "esrd":
        return _share(any_month(scene.esrd))
    if only == "nursing_home":
        return _share(people.nursing_home)
    if service["who"] == "own":
        return _share(people.kind < 2)
    if service["who"] == "slot":
        return _share((people.slots[_slot(name)] >= 0) & (people.kind != 3))
    return np.ones(scene.people.count, dtype=np.float64)


def _visits(scene: Scene, name: str, service: dict[str, Any]) -> tuple[Integers, Integers]:
    """Return the person and the day of each visit that Medicare would pay."""
    draws = scene.world.draws("visits", name, scene.year, scene.people.first)
    part = _eligible_people(scene, name, service)
    quiet = scene.world.config.number("care.none_activity")
    if "only" not in service and service["who"] not in ("own", "slot"):
        part = part * np.where(scene.people.kind == 3, quiet, 1.0)
        if name == "other_primary":
            part = part * (scene.people.kind < 2)
    mean = part * service["mean"] * powers(scene.factor, scene.need, service)
    person = np.repeat(np.arange(scene.people.count), np.minimum(draws.poisson(mean), 60))
    day = scene.year_start + draws.below(len(person), days_in_year(scene))
    keep = covered(scene, person, day)
    return person[keep], day[keep]


def powers(factor: Floats, need: Floats, service: dict[str, Any]) -> Floats:
    """Return factor ** a x need ** b, the rise of a service with a person's need."""
    result: Floats = np.round(
        factor ** float(service["factor"]) * need ** float(service["need"]), 9
    )
    return result


def near_hospital(scene: Scene, person: Integers, day: Integers, draws: Draws) -> Integers:
    """Return the hospital around which a visit takes place; beyond Maryland for people away."""
    loyal = scene.world.config.number("care.loyal")
    u = draws.uniform(len(person))
    near = np.where(u < loyal, scene.hospital[person], scene.people.second[person])
    away = scene.away[person, month_of(scene, day)]
    return np.where(away, scene.world.geo.count, near)


def _clinicians(
    scene: Scene,
    name: str,
    service: dict[str, Any],
    person: Integers,
    day: Integers,
) -> Integers:
    """Return who performs each visit."""
    draws = scene.world.draws("who", name, scene.year, scene.people.first)
    near = near_hospital(scene, person, day, draws)
    uniform = draws.uniform(len(person))
    if service["who"] == "own":
        month = (scene.year - scene.world.years[0]) * 12 + month_of(scene, day)
        standing = np.where(
            month >= scene.people.own_switch[person],
            scene.people.own_after[person],
            scene.people.own[person],
        )
    elif service["who"] == "slot":
        standing = scene.people.slots[_slot(name)][person]
    else:
        index = np.array([scene.world.config.group_index[g] for g in service["who"]])
        group = index[draws.below(len(person), len(index))]
        return scene.world.clinicians.pick(near, group, uniform)
    group = scene.world.clinicians.group[standing]
    elsewhere = scene.world.clinicians.pick(near, group, uniform)
    return np.where(near == scene.world.geo.count, elsewhere, standing)


def _encounters(scene: Scene, name: str, order: int) -> Encounters:
    """Return the encounters of one service."""
    service = scene.world.config.services[name]
    person, day = _visits(scene, name, service)
    clinician = _clinicians(scene, name, service, person, day)
    groups = len(scene.world.config.groups)
    group = scene.world.clinicians.group[clinician]
    extra = np.array([g.extra_lines for g in scene.world.config.groups])[group]
    extra_list = group + groups
    if service["who"] == "own":
        low = scene.world.clinicians.low_primary[clinician]
        extra = np.where(low, 2.2, extra)
        extra_list = np.where(
            low, scene.world.config.group_index["cardiology"] + groups, extra_list
        )
    first = np.full(len(person), 2 * groups + order) if "codes" in service else group
    lines = 1 + scene.world.draws("lines", name, scene.year, scene.people.first).whole(extra)
    place = np.full(len(person), PLACES.index(service["place"]))
    return Encounters(person, day, clinician, first, extra_list, lines, place)


def encounters(scene: Scene) -> Encounters:
    """Return all encounters of a block in a year, ordered by person and day."""
    parts = [
        _encounters(scene, name, order) for order, name in enumerate(scene.world.config.services)
    ]
    everything = Encounters(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in Encounters.__annotations__)
    )
    first_day = columns_first_day(scene)
    everything = everything.at(np.flatnonzero(everything.day >= first_day))
    key = everything.person * 512 + (everything.day - scene.year_start)
    return everything.at(np.argsort(key, kind="stable"))


def columns_first_day(scene: Scene) -> int:
    """Return the first day with claims (1 October 2012), or the year's first."""
    start = scene.world.config.settings["claims_from"]
    return max(int(np.datetime64(start, "D").astype(np.int64)), scene.year_start)


def sequence_in_person(person: Integers) -> Integers:
    """Return 0, 1, 2 ... within each person of a sorted array."""
    position = np.arange(len(person))
    new = np.concatenate([[True], person[1:] != person[:-1]]) if len(person) else position > 0
    return position - np.maximum.accumulate(np.where(new, position, 0))


def professional_table(scene: Scene) -> pa.Table:
    """Return the professional lines of a block in a year, in the store's order."""
    visits = encounters(scene)
    draws = scene.world.draws("amounts", scene.year, scene.people.first)
    claim = _claim_ids("2", scene, visits.person)
    at = np.repeat(np.arange(len(visits.person)), visits.lines)
    line = np.arange(len(at)) - np.repeat(np.cumsum(visits.lines) - visits.lines, visits.lines)
    lists = np.where(line == 0, visits.first_list[at], visits.extra_list[at])
    code = scene.world.code_lists.pick(lists, draws.uniform(len(at)))
    allowed, paid = _amounts(scene.world, scene.year, code, draws)
    missing = draws.flags(len(visits.person), scene.world.config.number("care.missing_npi"))
    groups = scene.world.clinicians.group[visits.clinician]
    specialty = np.array(scene.world.config.specialty_of_group)[groups]
    clinician = np.where(missing, -1, visits.clinician)
    return pa.table(
        [
            claim.take(pa.array(at)),
            pa.array((line + 1).astype(np.int32)),
            columns.repeated_bene_ids(scene.people.first + visits.person[at]),
            columns.dates(visits.day[at]),
            columns.choices(scene.world.clinicians.npis, clinician[at]),
            columns.choices(
                scene.world.clinicians.tins, scene.world.clinicians.tin[visits.clinician][at]
            ),
            columns.choices(scene.world.config.specialties, specialty[at]),
            columns.choices([c.hcpcs for c in scene.world.config.codes], code),
            columns.choices(PLACES, visits.place[at]),
            columns.dollars(allowed),
            columns.dollars(paid),
            columns.flags(np.ones(len(at), dtype=np.bool_)),
            columns.no_dates(len(at)),
        ],
        names=columns.arrow_schema("professional").names,
    )


def _claim_ids(kind: str, scene: Scene, person: Integers) -> pa.Array:
    """Return claim identifiers: kind, year, person, sequence within the person."""
    number = (scene.people.first + person) * 10_000 + sequence_in_person(person)
    return columns.numbers(f"{kind}{scene.year}", number, 13)


def _amounts(world: World, year: int, code: Integers, draws: Draws) -> tuple[Integers, Integers]:
    """Return allowed and paid cents of lines."""
    config = world.config
    level = config.settings["trend"][year] * config.number("levels.professional")
    price = np.array([c.allowed for c in config.codes]) * level
    spread = np.array([c.spread for c in config.codes])[code]
    share = np.array([c.paid_share for c in config.codes])[code]
    noise = np.maximum(1 + spread * draws.normal(len(code)), 0.25)
    zero = draws.flags(len(code), config.number("care.zero_allowed"))
    allowed = np.where(zero, 0, columns.cents_of(price[code] * noise))
    return allowed, np.rint(allowed * share).astype(np.int64)


def dme_table(scene: Scene) -> pa.Table:
    """Return the equipment lines of a block in a year, in the store's order."""
    service = scene.world.config.facilities["dme"]
    draws = scene.world.draws("dme", scene.year, scene.people.first)
    mean = service["mean"] * powers(scene.factor, scene.need, service)
    person = np.repeat(np.arange(scene.people.count), np.minimum(draws.poisson(mean), 24))
    day = scene.year_start + draws.below(len(person), days_in_year(scene))
    keep = covered(scene, person, day) & (day >= columns_first_day(scene))
    person, day = person[keep], day[keep]
    order = np.argsort(person * 512 + day - scene.year_start, kind="stable")
    person, day = person[order], day[order]
    near = near_hospital(scene, person, day, draws)
    supplier = scene.world.config.group_index["supplier"]
    group = np.full(len(person), supplier)
    clinician = scene.world.clinicians.pick(near, group, draws.uniform(len(person)))
    lines = 1 + draws.whole(np.full(len(person), scene.world.config.groups[supplier].extra_lines))
    at = np.repeat(np.arange(len(person)), lines)
    line = np.arange(len(at)) - np.repeat(np.cumsum(lines) - lines, lines)
    lists = np.where(line == 0, supplier, supplier + len(scene.world.config.groups))
    code = scene.world.code_lists.pick(lists, draws.uniform(len(at)))
    allowed, paid = _amounts(scene.world, scene.year, code, draws)
    missing = draws.flags(len(person), 0.02)
    claim = _claim_ids("3", scene, person)
    return pa.table(
        [
            claim.take(pa.array(at)),
            pa.array((line + 1).astype(np.int32)),
            columns.repeated_bene_ids(scene.people.first + person[at]),
            columns.dates(day[at]),
            columns.choices(scene.world.clinicians.npis, np.where(missing, -1, clinician)[at]),
            columns.choices([c.hcpcs for c in scene.world.config.codes], code),
            columns.dollars(allowed),
            columns.dollars(paid),
            columns.no_dates(len(at)),
        ],
        names=columns.arrow_schema("dme").names,
    )
