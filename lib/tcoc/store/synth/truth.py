"""The planted truth: what the generator knows and the rules are asked to recover."""

import numpy as np
import pyarrow as pa

from tcoc.store.synth import columns
from tcoc.store.synth.clinicians import Clinicians
from tcoc.store.synth.draws import Integers
from tcoc.store.synth.people import People
from tcoc.store.synth.scene import Scene, any_month
from tcoc.store.synth.world import World

STAGES = ("aco_like", "mdpcp_like", "geographic")
STEP_2_GROUPS = (
    "cardiology",
    "neurology",
    "obgyn",
    "physical_medicine",
    "psychiatry",
    "pulmonary",
    "nephrology",
    "endocrinology",
    "hematology_oncology",
)
"""Groups whose specialty is among the selected others of 42 CFR 425.402(c)."""


def _window_months(people: People, years: tuple[int, int], year: int) -> Integers:
    """Fee-for-service months in the two federal fiscal years that end before a year begins."""
    month = np.arange((year - years[0]) * 12 - 27, (year - years[0]) * 12 - 3)[None, :]
    first = 9 if years[0] == 2012 else 0
    inside = (month >= np.maximum(people.entry, first)[:, None]) & (
        month >= people.part_b_from[:, None]
    )
    plan = (month >= people.plan_from[:, None]) & (month < people.plan_until[:, None])
    result: Integers = (inside & ~plan).sum(axis=1)
    return result


def _own_clinician(people: People, years: tuple[int, int], year: int) -> Integers:
    """The clinician of most of the window, -1 for people who see none for primary care."""
    middle = (year - years[0]) * 12 - 15
    own = np.where(middle >= people.own_switch, people.own_after, people.own)
    return np.where(people.kind < 2, own, -1)


def _step_2(world: World, people: People) -> Integers:
    """The first standing specialist that step 2 counts, for people who see no other."""
    groups = [world.config.group_index[name] for name in STEP_2_GROUPS]
    chosen = np.full(people.count, -1)
    for slot in reversed(range(len(people.slots))):
        counts = np.isin(people.slot_group[slot], groups)
        chosen = np.where(counts, people.slots[slot], chosen)
    return np.where(people.kind == 2, chosen, -1)


def patients_of(scene: Scene) -> Integers:
    """The clinician whose patient each person is by habit, -1 without one or without history."""
    people, years = scene.people, scene.world.years
    own = _own_clinician(people, years, scene.year)
    history = _window_months(people, years, scene.year) >= 3
    return np.where(history, np.where(own >= 0, own, _step_2(scene.world, people)), -1)


def panels(scene: Scene) -> Integers:
    """Return how many eligible people of the block have each clinician by habit in the year."""
    eligible = any_month(scene.fee_for_service & ~scene.away)
    clinician = patients_of(scene)[eligible]
    count = scene.world.clinicians.count
    result: Integers = np.bincount(clinician[clinician >= 0], minlength=count)
    return result


def clinician_year_table(world: World, people: dict[int, Integers]) -> pa.Table:
    """Return the planted panels: by year and clinician with people, how many, and the hospital."""
    clinicians, years = world.clinicians, sorted(people)
    year, who = np.nonzero(np.array([people[y] for y in years]))
    panel = np.array([people[y] for y in years])[year, who]
    return pa.table(
        {
            "year": pa.array(np.array(years, dtype=np.int32)[year]),
            "npi": columns.choices(clinicians.npis, who),
            "ccn": columns.choices(world.geo.ccns, _inside(world, clinicians.hospital)[who]),
            "people": pa.array(panel),
        }
    )


def beneficiary_year(scene: Scene) -> pa.Table:
    """Return the truth of everybody with an eligible month in the year.

    `stage_expected` is where the planted habits lead: the clinician's ACO, else the clinician, else
    the home; people with less than three months of history in the window are geographic.
    `ccn_expected` is null where the ACO list links the clinician to no or several hospitals.
    """
    world, people, clinicians = scene.world, scene.people, scene.world.clinicians
    eligible = any_month(scene.fee_for_service & ~scene.away)
    clinician = patients_of(scene)
    aco = np.where(clinician >= 0, clinicians.aco[clinician], -1)
    stage = _stage(clinicians, clinician, aco)
    ccn = _hospital_expected(world, clinician, stage, scene.hospital)
    who = np.flatnonzero(eligible)
    names = scene.world.geo.ccns
    return pa.table(
        {
            "year": pa.array(np.full(len(who), scene.year, dtype=np.int32)),
            "bene_id": columns.bene_ids(scene.people.first + who),
            "stage_expected": columns.choices(STAGES, stage[who]),
            "ccn_expected": columns.choices(names, ccn[who]),
            "aco_id": columns.choices(clinicians.aco_ids, np.where(stage == 0, aco, -1)[who]),
            "npi": columns.choices(clinicians.npis, clinician[who]),
            "home_ccn": columns.choices(names, scene.hospital[who]),
            "history_months": pa.array(
                _window_months(people, world.years, scene.year)[who].astype(np.int32)
            ),
            "factor": pa.array(scene.factor[who]),
            "need": pa.array(scene.need[who]),
            "effect": pa.array(scene.multiple[who] / world.drift(scene.year)),
            "health_center": columns.flags(people.health_center[who]),
        }
    )


def _inside(world: World, hospital: Integers) -> Integers:
    """Return hospitals with -1 for the one that stands for all beyond Maryland."""
    return np.where(hospital < world.geo.count, hospital, -1)


def _stage(clinicians: Clinicians, clinician: Integers, aco: Integers) -> Integers:
    unusable = (clinician < 0) | clinicians.low_primary[clinician]
    return np.select([aco >= 0, ~unusable], [0, 1], 2)


def _hospital_expected(
    world: World, clinician: Integers, stage: Integers, home: Integers
) -> Integers:
    clinicians = world.clinicians
    single = np.array([links[0] if len(links) == 1 else -1 for links in clinicians.links])
    panel = _inside(world, clinicians.hospital)
    return np.select([stage == 0, stage == 1], [single[clinician], panel[clinician]], home)


def clinician_table(world: World) -> pa.Table:
    """Return what the generator knows of each clinician."""
    clinicians, groups = world.clinicians, world.config.groups
    return pa.table(
        {
            "npi": pa.array(clinicians.npis),
            "group": columns.choices([g.name for g in groups], clinicians.group),
            "specialty": columns.choices(
                world.config.specialties,
                np.array(world.config.specialty_of_group)[clinicians.group],
            ),
            "ccn": columns.choices(world.geo.ccns, _inside(world, clinicians.hospital)),
            "aco_id": columns.choices(clinicians.aco_ids, clinicians.aco),
            "low_primary_share": columns.flags(clinicians.low_primary),
            "panel": pa.array(clinicians.panel),
        }
    )


def hospital_sums(scene: Scene) -> tuple[Integers, Integers, Integers]:
    """Return each hospital's people, duals and sum of factors (in millionths) in the year."""
    eligible = any_month(scene.fee_for_service & ~scene.away)
    at = scene.hospital[eligible]
    size = scene.world.geo.count
    dual = any_month(scene.dual)[eligible]
    millionths = np.rint(scene.factor[eligible] * 1e6).astype(np.int64)
    factor = np.zeros(size, dtype=np.int64)
    np.add.at(factor, at, millionths)
    return np.bincount(at, minlength=size), np.bincount(at[dual], minlength=size), factor


def hospital_year_table(world: World, sums: dict[int, list[Integers]]) -> pa.Table:
    """Return each hospital's own people by year: how many, their mix, and what was planted."""
    years = sorted(sums)
    count, geo = world.geo.count, world.geo
    people, dual, factor = (np.concatenate([sums[y][i] for y in years]) for i in range(3))
    some, strength = np.maximum(people, 1), world.model.effect
    return pa.table(
        {
            "year": pa.array(np.repeat(years, count).astype(np.int32)),
            "ccn": pa.array(geo.ccns * len(years)),
            "people": pa.array(people),
            "dual_share": pa.array(dual / some),
            "mean_factor": pa.array(factor / 1e6 / some),
            "dual_gain": pa.array(np.tile(geo.dual_gain, len(years))),
            "cost_level": pa.array(np.tile(geo.cost_level * strength, len(years))),
            "cost_growth": pa.array(np.tile(geo.cost_growth * strength, len(years))),
            "effect": pa.array(np.concatenate([world.effect(y) for y in years])),
            "frailty": pa.array(np.concatenate([world.frailty(y) for y in years])),
            "drift": pa.array(np.repeat([world.drift(y) for y in years], count)),
        }
    )
