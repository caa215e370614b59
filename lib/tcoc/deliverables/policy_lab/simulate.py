"""Synthetic states for the laboratory: the generator's people and panels, without their claims.

People, homes, coverage, clinicians, need and the hospitals' true effects are those of the synthetic
store (`tcoc.store.synth`), from the same seed. What claims would add is drawn instead: a person's
dollars of a year have an expectation that is linear in need and a spread like that of the
generator's claims (`Shape`), and a panel's use of hospitals is drawn from the shares with which the
generator sends people to hospitals. A test holds the distribution of hospitals' per capita against
that of a store with claims.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tcoc.store.synth.mix import profile_codes
from tcoc.store.synth.people import People, make_people
from tcoc.store.synth.scene import Scene, any_month, make_scene, need_factor
from tcoc.store.synth.truth import patients_of
from tcoc.store.synth.world import World
from tcoc.store.synth.worlds import load_world
from tcoc.store.synth.write import make_world

Array = npt.NDArray[Any]

FIRST, BASES, PERFORMANCE = 2013, (2015, 2016, 2017), 2018
"""Years of use before the first base year; base years; the year that is paid on."""

YEARS = tuple(range(FIRST, PERFORMANCE + 1))
WINDOW = 2
"""Years of use before a year that link a panel to a hospital (rule A0)."""


@dataclass(frozen=True)
class Shape:
    """What is drawn in place of claims; see `params/policy/policy_lab.yml`."""

    base_dollars: float
    need_dollars: float
    lump_dollars: float
    dialysis: float
    quiet: float
    price_share: float


@dataclass(frozen=True)
class PersonYears:
    """One year's people: where they live, whose patients they are, months, cost, true effect."""

    person: Array
    home: Array
    place: Array
    clinician: Array
    months: Array
    dollars: Array
    effect: Array
    profile: Array


@dataclass(frozen=True)
class SimulatedState:
    """A state's people by year, and what links clinicians and places to hospitals."""

    world: str
    seed: int
    hospitals: int
    years: Mapping[int, PersonYears]
    aco: Array
    panel_hospital: Array
    use: Mapping[int, Array] = field(default_factory=dict)


def simulate(worlds: list[str], benes: int, seed: int, shape: Shape) -> dict[str, SimulatedState]:
    """Return one seed's state in each world: the same people, clinicians and luck in all of them.

    Chance is common to the worlds, so that worlds and policies are compared on the same draws.
    """
    base = make_world(benes, seed, (2012, 2018), load_world(worlds[0]))
    size = int(base.config.settings["block"])
    blocks = [
        make_people(base, (start, min(start + size, benes))) for start in range(0, benes, size)
    ]
    scenes = {year: [make_scene(base, people, year) for people in blocks] for year in YEARS}
    return {name: _state(_in_world(base, name), blocks, scenes, shape) for name in worlds}


def _in_world(base: World, name: str) -> World:
    model = load_world(name)
    same = make_world(1, base.seed, base.years, model)
    return World(same.config, same.geo, base.clinicians, base.seed, base.years, model)


def _state(
    world: World, blocks: list[People], scenes: Mapping[int, list[Scene]], shape: Shape
) -> SimulatedState:
    years = {year: _year(world, scenes[year], year, shape) for year in YEARS}
    clinicians = world.clinicians
    linked = np.array([links[0] if len(links) == 1 else -1 for links in clinicians.links])
    aco = np.where(clinicians.aco >= 0, np.where(linked >= 0, linked, clinicians.hospital), -1)
    count = world.geo.count
    inside = np.where(aco < count, aco, -1)
    panel = np.where(clinicians.hospital < count, clinicians.hospital, -1)
    use = {year: _panel_use(world, years[year], year) for year in YEARS}
    return SimulatedState(world.model.name, world.seed, count, years, inside, panel, use)


def _year(world: World, scenes: list[Scene], year: int, shape: Shape) -> PersonYears:
    parts = [_block(world, scene, year, shape) for scene in scenes]
    return PersonYears(
        *(np.concatenate([getattr(p, n) for p in parts]) for n in PersonYears.__annotations__)
    )


def _block(world: World, scene: Scene, year: int, shape: Shape) -> PersonYears:
    people = scene.people
    eligible = scene.fee_for_service & ~scene.away
    months = eligible.sum(axis=1)
    dual, esrd = any_month(scene.dual & eligible), any_month(scene.esrd)
    factor = need_factor(world, people, year, any_month(scene.dual), esrd)
    effect = np.append(world.effect(year), 1.0)[np.minimum(scene.hospital, world.geo.count)]
    quiet = np.where(people.kind == 3, shape.quiet, 1.0)
    price = np.append(world.geo.price, 1.0)[np.minimum(scene.hospital, world.geo.count)]
    dialysis = np.where(esrd & (world.model.cost != "none"), 1 + shape.dialysis, 1.0)
    trend = world.config.settings["trend"][year] * world.drift(year)
    need = factor * _need(world, scene, year) * dialysis
    expected = (shape.base_dollars + shape.need_dollars * need) * quiet * trend * effect
    expected = expected * (1 + shape.price_share * (price - 1))
    # A few large bills rather than many small ones: the less is expected, the more it varies.
    sigma = np.sqrt(np.log1p(1 + shape.lump_dollars / expected))
    normal = np.log(world.draws("lab residual", year, people.first).lognormal(people.count, 1.0))
    annual = expected * np.exp(sigma * (normal + 0.5) - sigma**2 / 2)
    keep = months > 0
    return PersonYears(
        person=(people.first + np.arange(people.count))[keep],
        home=np.where(scene.hospital < world.geo.count, scene.hospital, 0)[keep],
        place=world.geo.pull.argmax(axis=1)[np.maximum(people.zip, 0)][keep],
        clinician=patients_of(scene)[keep],
        months=months[keep].astype(float),
        dollars=(annual * months / 12)[keep],
        effect=effect[keep],
        profile=profile_codes(scene, eligible, dual)[keep],
    )


def _need(world: World, scene: Scene, year: int) -> Array:
    """Return the need of a scene in another world: frailty, shock, end of life, its own frailty."""
    others = np.append(scene.world.frailty(year), 1.0)
    own = np.append(world.frailty(year), 1.0)
    at = np.minimum(scene.hospital, world.geo.count)
    return np.asarray(scene.need / others[at] * own[at])


def _panel_use(world: World, of: PersonYears, year: int) -> Array:
    """Return dollars at hospitals of each clinician's patients in a year: clinicians x hospitals.

    A person's hospital dollars go to the own hospital, or to another in proportion to its size,
    with the generator's shares; large bills go to one place, so small panels are noisy.
    """
    draws = world.draws("lab use", year)
    home_share = world.config.number("care.home_use")
    away = draws.uniform(len(of.person)) >= home_share
    other = draws.choose(len(of.person), world.geo.size**2)
    hospital = np.where(away, other, of.home)
    seen = of.clinician >= 0
    cell = of.clinician[seen] * world.geo.count + hospital[seen]
    size = world.clinicians.count * world.geo.count
    return np.bincount(cell, of.dollars[seen], size).reshape(-1, world.geo.count)


__all__ = ["PersonYears", "Shape", "SimulatedState", "simulate"]
