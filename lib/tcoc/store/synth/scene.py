"""What holds for people in each month of a year: presence, coverage, place, need."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tcoc.store.synth.config import Config, read_csv
from tcoc.store.synth.draws import Flags, Floats, Integers, day_number
from tcoc.store.synth.people import People
from tcoc.store.synth.world import World

BAND_STARTS = (0, 35, 45, 55, 60, 65, 66, 67, 68, 69, 70, 75, 80, 85, 90, 95)
"""First age of the sixteen new-enrollee age bands."""


@dataclass(frozen=True)
class Scene:
    """A block's people in one year; months are columns 0 to 11."""

    world: World
    people: People
    year: int
    starts: Integers
    member: Flags
    fee_for_service: Flags
    part_a: Flags
    part_b: Flags
    plan: Flags
    esrd: Flags
    dual: Flags
    away: Flags
    moved: Flags
    hospital: Integers
    factor: Floats
    need: Floats
    multiple: Floats
    """The hospital's true effect and the drift: multiplies every dollar of the person."""

    @property
    def year_start(self) -> int:
        """Day number of 1 January."""
        return int(self.starts[0])


def make_scene(world: World, people: People, year: int) -> Scene:
    """Work out a year of a block of people."""
    config, years = world.config, world.years
    month = (year - years[0]) * 12 + np.arange(12)[None, :]
    starts = np.array([day_number(year, m) for m in range(1, 13)])
    member = (month >= people.entry[:, None]) & (people.death[:, None] >= starts[None, :])
    part_b = month >= people.part_b_from[:, None]
    part_a = (people.first + np.arange(people.count)) % 251 != 3
    plan = (month >= people.plan_from[:, None]) & (month < people.plan_until[:, None])
    esrd = month >= people.esrd_from[:, None]
    dual = (month >= people.dual_from[:, None]) & (month < people.dual_until[:, None])
    away = (month >= people.away_from[:, None]) & (month < people.away_until[:, None])
    moved = month >= people.move[:, None]
    hospital = np.where(moved[:, 6], people.hospital_after, people.hospital)
    factor = need_factor(world, people, year, any_month(dual), any_month(esrd))
    shock = world.draws("shock", year, people.first).lognormal(
        people.count, config.number("care.shock_sigma")
    )
    return Scene(
        world,
        people,
        year,
        starts,
        member,
        member & part_b & part_a[:, None] & ~plan,
        part_a,
        part_b,
        plan,
        esrd,
        dual,
        away,
        moved,
        hospital,
        factor,
        people.frailty * shock * _end_of_life(config, people, year) * world.frailty(year)[hospital],
        world.effect(year)[hospital] * world.drift(year),
    )


def any_month(flags: Flags) -> Flags:
    """Return whether something holds in any month."""
    result: Flags = flags.max(axis=1)
    return result


def _end_of_life(config: Config, people: People, year: int) -> Floats:
    """Need rises in the year of death, and in part in the year before an early death."""
    high = config.number("care.end_of_life")
    start, end = day_number(year), day_number(year + 1)
    return np.select(
        [people.death < end, people.death < end + 183],
        [np.full(people.count, high), np.full(people.count, 1 + (high - 1) / 2)],
        1.0,
    ) * np.where(people.death < start, 0.0, 1.0)


def need_factor(world: World, people: People, year: int, dual: Flags, esrd: Flags) -> Floats:
    """Return the world's risk factor relative to its mean; ESRD has one of its own."""
    config, cost = world.config, world.model.cost
    if cost == "none":
        return np.ones(people.count)
    age = ((day_number(year, 2) - people.birth) / 365.25).astype(np.int64)
    band = np.searchsorted(np.array(BAND_STARTS), np.maximum(age, 0), side="right") - 1
    table = factor_table(config, "bucket_factors" if cost == "bucket" else "need_factors")
    sex = np.where(people.sex == 1, 1, 0)
    disabled = np.isin(people.reason, (1, 3)) & (age >= 65)
    factor = table[sex, band, dual.astype(int), disabled.astype(int)]
    relative = factor / config.number("care.mean_factor")
    return np.where(esrd, config.number("care.esrd_factor"), relative)


def factor_table(config: Config, name: str = "need_factors") -> Floats:
    """Return a table of factors by sex (F, M), age band, dual, originally disabled."""
    return _factor_table(str(config.folder / f"{name}.csv"))


@cache
def _factor_table(file: str) -> Floats:

    table = np.zeros((2, len(BAND_STARTS), 2, 2))
    for row in read_csv(Path(file)):
        band = BAND_STARTS.index(int(row["age_band"].split("-")[0].rstrip("+")))
        at = ("FM".index(row["sex"]), band, int(row["medicaid"]))
        table[(*at, int(row["originally_disabled"]))] = float(row["factor"])
        if row["originally_disabled"] == "0" and band < 5:
            table[(*at, 1)] = float(row["factor"])
    return table
