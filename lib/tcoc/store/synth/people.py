"""Invented people: who they are, where they live, when they are covered, whom they see."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tcoc.store.synth.clinicians import NURSES, PHYSICIANS
from tcoc.store.synth.draws import Draws, Flags, Floats, Integers, day_number
from tcoc.store.synth.geography import Geography
from tcoc.store.synth.world import World

KINDS = ("physician", "nurse", "specialist_only", "none")
NEVER = 1 << 20
SLOTS = 4


@dataclass(frozen=True)
class People:
    """A block of people; months count from January of the first year, days from 1970."""

    first: int
    birth: Integers
    death: Integers
    sex: Integers
    reason: Integers
    entry: Integers
    dual_from: Integers
    dual_until: Integers
    dual_code: Integers
    esrd_from: Integers
    plan_from: Integers
    plan_until: Integers
    part_b_from: Integers
    zip: Integers
    zip_after: Integers
    move: Integers
    away_from: Integers
    away_until: Integers
    hospital: Integers
    hospital_after: Integers
    second: Integers
    kind: Integers
    own: Integers
    own_after: Integers
    own_switch: Integers
    slots: Integers
    slot_group: Integers
    frailty: Floats
    nursing_home: Flags
    health_center: Flags

    @property
    def count(self) -> int:
        """How many people the block holds."""
        return len(self.birth)


def make_people(world: World, block: tuple[int, int]) -> People:
    """Make the people with numbers block[0] to block[1] - 1."""
    size = int(world.config.settings["block"])
    source = _Source(world, block[0] // size, block[1] - block[0])
    entry = _entry(source)
    life = _life(source, entry, np.arange(*block))
    coverage = _coverage(source, entry, life)
    home = _homes(source, entry)
    care = _care(source, home)
    gain = world.geo.dual_gain[home["hospital"]]
    dual = _mix_change(source, gain, coverage["dual_from"], coverage["dual_until"])
    coverage |= {"dual_from": dual[0], "dual_until": dual[1]}
    fields: dict[str, Any] = {"entry": entry, **life, **coverage, **home, **care}
    return People(first=block[0], **fields)


@dataclass(frozen=True)
class _Source:
    """The block's random streams."""

    world: World
    block: int
    size: int

    @property
    def years(self) -> tuple[int, int]:
        return self.world.years

    @property
    def months(self) -> int:
        return (self.years[1] - self.years[0] + 1) * 12

    def draws(self, purpose: str) -> Draws:
        return self.world.draws("people", purpose, self.block)

    def flags(self, purpose: str, share: float | Floats) -> Flags:
        return self.draws(purpose).flags(self.size, share)

    def below(self, purpose: str, limit: int) -> Integers:
        return self.draws(purpose).below(self.size, limit)

    def number(self, name: str) -> float:
        return self.world.config.number(f"population.{name}")


def _entry(source: _Source) -> Integers:
    """Month of arrival; 0 for those who are there from the start."""
    months = source.months
    late = source.number("yearly_entry") * months / 12
    there = source.flags("there", 1 / (1 + late))
    return np.where(there, 0, 1 + source.below("entry", max(months - 1, 1)))


def _banded(source: _Source, purpose: str, bands: list[list[float]]) -> Floats:
    chosen = source.draws(purpose).choose(source.size, [b[2] for b in bands])
    low, high = (np.array([b[i] for b in bands], dtype=np.float64)[chosen] for i in (0, 1))
    place = source.draws(purpose + " place").uniform(source.size)
    return low + place * (high - low)


def _life(source: _Source, entry: Integers, number: Integers) -> dict[str, Integers]:
    """Birth, death, sex, original reason for entitlement."""
    population = source.world.config.settings["population"]
    stock_disabled = source.flags("disabled stock", source.number("under_65_stock"))
    route = source.draws("route").uniform(source.size)
    at_65 = route < source.number("entrant_at_65")
    disabled = ~at_65 & (route < source.number("entrant_at_65") + source.number("entrant_disabled"))
    old = _banded(source, "age", population["age_bands"])
    young = _banded(source, "young", population["disabled_bands"])
    stock = entry == 0
    age = np.where(stock, np.where(stock_disabled, young, old), np.where(disabled, young, old))
    started = day_number(source.years[0]) + (entry * 30.4375).astype(np.int64)
    birth = started - (age * 365.25).astype(np.int64)
    birth = np.where(~stock & at_65, started - 23_741 - source.below("birthday", 28), birth)
    age = np.where(~stock & at_65, 65.0, age)
    under = age < 65
    women = source.number("female") + 0.010 * np.clip(age - 72, 0, 20)
    sex = np.where(source.flags("sex", np.where(under, 0.49, women - 0.03)), 0, 1)
    sex = np.where(number % 4001 == 7, 2, sex)
    reason = np.where(under, 1, 0)
    reason = np.where(
        ~under & stock & source.flags("od", source.number("originally_disabled_65")), 1, reason
    )
    reason = np.where(source.flags("esrd reason", 0.004), np.where(reason == 1, 3, 2), reason)
    reason = np.where(number % 1999 == 11, -1, reason)
    return {
        "birth": birth,
        "death": _death(source, age, started),
        "sex": sex,
        "reason": reason,
    }


def _death(source: _Source, age: Floats, started: Integers) -> Integers:
    """Day of death, from a hazard that grows with age (Gompertz); under 65 it is constant."""
    alpha, beta = source.number("death_at_65"), source.number("death_growth")
    late = -np.log1p(-source.draws("death").uniform(source.size))
    early = late / source.number("death_under_65")
    reached = np.maximum(65 - age, 0)
    left = np.where(early < reached, 0, late - reached * source.number("death_under_65"))
    start = np.maximum(age, 65) - 65
    after = np.log(np.exp(beta * start) + beta * np.maximum(left, 0) / alpha) / beta - start
    lived = np.where(early < reached, early, reached + after)
    return started + 1 + np.round(lived * 365.25, 6).astype(np.int64)


def _coverage(source: _Source, entry: Integers, life: dict[str, Integers]) -> dict[str, Integers]:
    """When people are dual, have ESRD, are in a plan, have Part B."""
    year_start, months = day_number(source.years[0]), source.months
    under = (year_start + entry * 30 - life["birth"]) < 65 * 365
    dual_share = np.where(under, source.number("dual_under_65"), source.number("dual_over_65"))
    dual = source.flags("dual", dual_share)
    later = source.flags("dual later", source.number("dual_change") * months / 12)
    dual_from = np.where(dual, 0, np.where(later, source.below("dual month", months), NEVER))
    leaves = source.flags("dual ends", source.number("dual_ends"))
    dual_until = np.where(leaves, 12 * source.below("dual end", 12), NEVER)
    full = source.flags("full", source.number("dual_full"))
    codes = source.draws("dual code").uniform(source.size)
    dual_code = np.where(
        full,
        np.select([codes < 0.72, codes < 0.94], [2, 8], 4),
        np.select([codes < 0.38, codes < 0.74, codes < 0.75], [1, 3, 5], 6),
    )
    esrd = source.flags("esrd", source.number("esrd")) | (life["reason"] >= 2)
    esrd_month = np.where(
        source.flags("esrd old", source.number("esrd_from_start")),
        0,
        source.below("esrd month", months),
    )
    return {
        "dual_from": dual_from,
        "dual_until": dual_until,
        "dual_code": dual_code,
        "esrd_from": np.where(esrd, esrd_month, NEVER),
        **_plans(source, entry),
    }


def _plans(source: _Source, entry: Integers) -> dict[str, Integers]:
    """One spell of managed care at most, most of them from a January; Part B that starts late."""
    months = source.months
    always = source.flags("plan", source.number("managed_care"))
    joins = source.flags("plan joins", source.number("managed_care_enters") * months / 12)
    january = 12 * source.below("plan january", max(months // 12, 1))
    month = np.where(source.flags("plan month", 0.85), january, source.below("plan other", months))
    plan_from = np.where(always, 0, np.where(joins, month, NEVER))
    leaves = source.flags("plan leaves", source.number("managed_care_leaves") * months / 12 * 3)
    stay = 12 * (1 + source.below("plan stay", 5))
    waits = source.flags("part b", source.number("part_a_only"))
    return {
        "plan_from": plan_from,
        "plan_until": np.where(leaves, plan_from + stay, 2 * NEVER),
        "part_b_from": np.where(waits, entry + 6 + source.below("part b wait", 48), 0),
    }


def _homes(source: _Source, entry: Integers) -> dict[str, Integers]:
    """Homes before and after a move, months away from Maryland, and the hospitals of the homes."""
    geo, months = source.world.geo, source.months
    home = source.draws("zip").choose(source.size, geo.population)
    other = source.draws("zip after").choose(source.size, geo.population)
    moves = source.flags("moves", source.number("moves_within") * months / 84)
    month = source.below("move month", months)
    out = source.flags("out", source.number("moves_out") * months / 84)
    came = ~out & source.flags("in", source.number("moves_in") * months / 84)
    away_from = np.where(out, source.below("out month", months), NEVER)
    away_from = np.where(came, 0, away_from)
    away_until = np.where(came, entry + source.below("in month", months), 2 * NEVER)
    after = np.where(moves, other, home)
    hospital = _by_pull(geo, home, source.draws("hospital").uniform(source.size))
    moved = _by_pull(geo, after, source.draws("hospital after").uniform(source.size))
    return {
        "zip": np.where(source.flags("no zip", source.number("unknown_zip")), -1, home),
        "zip_after": after,
        "move": np.where(moves, month, NEVER),
        "away_from": away_from,
        "away_until": away_until,
        "hospital": hospital,
        "hospital_after": np.where(moves, moved, hospital),
        "second": _by_pull(geo, home, source.draws("second").uniform(source.size)),
    }


def _by_pull(geo: Geography, home: Integers, uniform: Floats) -> Integers:
    """Choose a hospital for each home by the hospitals' pull there."""
    chosen = np.zeros(len(home), dtype=np.int64)
    for column in range(geo.count):
        chosen += uniform >= geo.pull_edges[home, column]
    return np.minimum(chosen, geo.count - 1)


def _care(source: _Source, home: dict[str, Integers]) -> dict[str, Any]:
    """Whom people see: their own primary care clinician, and standing relations with others."""
    config, size = source.world.config, source.size
    shares = config.value("care.kinds")
    kind = source.draws("kind").choose(size, [shares[k] for k in KINDS])
    groups = _own_groups(source, kind)
    own, other = (_own(source, home, groups, name) for name in ("own", "own after"))
    changes = source.flags("changes", config.number("care.changes_clinician"))
    slots, slot_group = _slots(source, home)
    return {
        "kind": kind,
        "own": own,
        "own_after": np.where(changes, other, own),
        "own_switch": np.where(changes, source.below("switch", source.months), NEVER),
        "slots": slots,
        "slot_group": slot_group,
        "frailty": source.draws("frailty").lognormal(size, config.number("care.frailty_sigma")),
        "nursing_home": source.flags("nursing", config.number("care.nursing_home")),
        "health_center": (kind == KINDS.index("none"))
        & source.flags("health center", config.number("care.health_center")),
    }


def _own(source: _Source, home: dict[str, Integers], groups: Integers, purpose: str) -> Integers:
    near = _near(source, home, purpose, "primary")
    return source.world.clinicians.pick(near, groups, source.draws(purpose).uniform(source.size))


def _own_groups(source: _Source, kind: Integers) -> Integers:
    index, groups = source.world.config.group_index, source.world.config.groups
    result = np.zeros(source.size, dtype=np.int64)
    for names, wanted in ((PHYSICIANS, kind != 1), (NURSES, kind == 1)):
        at = np.array([index[name] for name in names])
        chosen = source.draws("group" + names[0]).choose(
            source.size, [groups[i].per_1000 for i in at]
        )
        result = np.where(wanted, at[chosen], result)
    return result


def _near(source: _Source, home: dict[str, Integers], purpose: str, role: str) -> Integers:
    """Hospital around which a clinician is looked for: mostly the person's own."""
    loyal, second = source.world.config.value(f"care.{role}_near")
    u = source.draws(purpose + " near").uniform(source.size)
    teaching = source.draws(purpose + " teaching").choose(source.size, source.world.geo.size**3)
    return np.select([u < loyal, u < loyal + second], [home["hospital"], home["second"]], teaching)


def _slots(source: _Source, home: dict[str, Integers]) -> tuple[Integers, Integers]:
    """Standing relations with specialists: clinician and group, -1 where a slot is empty.

    People turn to the specialties that practise around the hospital, so that in a small store,
    where most hospitals lack some, patients do not flow to a few far clinicians.
    """
    clinicians = source.world.clinicians
    weights = np.array([group.slot for group in source.world.config.groups])
    edges = np.cumsum(weights[None, :] * clinicians.present, axis=1)
    shares = source.world.config.value("care.specialist_slots")
    who = np.full((SLOTS, source.size), -1)
    what = np.full((SLOTS, source.size), -1)
    for slot in range(SLOTS):
        name = f"slot {slot}"
        near = _near(source, home, name, "specialist")
        u = source.draws(name).uniform(source.size) * edges[near, -1]
        group = np.minimum((u[:, None] >= edges[near]).sum(axis=1), len(weights) - 1)
        chosen = clinicians.pick(near, group, source.draws(name + " who").uniform(source.size))
        used = source.flags(name + " used", shares[slot])
        who[slot] = np.where(used, chosen, -1)
        what[slot] = np.where(used, group, -1)
    return who, what


def dual_under(world: World, people: People, gain: float) -> tuple[Integers, Integers]:
    """Return when people would be dual if their hospital had a gain, on top of what they have."""
    block = people.first // int(world.config.settings["block"])
    source = _Source(world, block, people.count)
    gains = np.full(people.count, gain)
    return _mix_change(source, gains, people.dual_from, people.dual_until)


def _mix_change(
    source: _Source, gain: Floats, dual_from: Integers, dual_until: Integers
) -> tuple[Integers, Integers]:
    """Plant each hospital's change of mix: a share of its people turns dual, or ceases to be.

    From 2016 on, in each January, `dual_gain` of a hospital's people (hospitals.csv) becomes dual;
    a negative gain ends that share's dual status.
    """
    chance = np.abs(gain) / np.where(gain < 0, 0.18, 0.82)
    first, last = source.years
    for year in range(max(2016, first), last + 1):
        month = (year - first) * 12
        chosen = source.draws(f"mix {year}").uniform(source.size) < chance
        dual_from = np.where(chosen & (gain > 0), np.minimum(dual_from, month), dual_from)
        dual_until = np.where(chosen & (gain < 0), np.minimum(dual_until, month), dual_until)
    return dual_from, dual_until
