"""The expected mix of each hospital's people: what is planted, apart from whom chance drew.

A hospital's change of mix between two years is ageing, arrivals and deaths, which are everybody's,
and its own `dual_gain`. The people of a store are a draw from that; an interval for a hospital's
adjustment is about the expectation. It depends on the coefficients and the years alone, so it is
the same for every seed. It is computed from a large population that no store holds, under each
hospital's gain in turn: hospitals are chosen by home alone, so who somebody is does not depend on
them otherwise.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tcoc.store.synth import columns
from tcoc.store.synth.clinicians import make_clinicians
from tcoc.store.synth.draws import Flags, Floats, Integers
from tcoc.store.synth.geography import Geography
from tcoc.store.synth.people import dual_under, make_people
from tcoc.store.synth.scene import BAND_STARTS, Scene, any_month, make_scene
from tcoc.store.synth.world import World, geography_of
from tcoc.store.synth.worlds import WorldModel, config_of, load_world

SEED = 0
BEYOND = 1 << 20
"""First block of the large population: beyond the blocks of every store, so nobody is in both."""

FEWEST_BLOCKS, MOST_BLOCKS = 4, 32
_SOME = 1000
"""Clinicians are laid out for so many people; whom somebody sees has no part in the mix."""
_FLAGS = 4
_MALE, _DUAL, _ESRD, _DISABLED = 8, 4, 2, 1
_PROFILES = len(BAND_STARTS) << _FLAGS


def expected_mix(years: tuple[int, int], benes: int, model: WorldModel | None = None) -> pa.Table:
    """Return expected eligible months of each hospital's own people by year and profile.

    Key: year, ccn, age_from, sex, dual, esrd, originally_disabled, as rules P4 and R1 know people
    (sex U counts as F, originally disabled from 65). `months` are those of a store of `benes`.
    """
    model = model or load_world("default")
    size = int(config_of(model).settings["block"])
    blocks = min(max(-(-benes // size), FEWEST_BLOCKS), MOST_BLOCKS)
    geo, months = _expected(years, blocks, model)
    return _table(geo.ccns, years[0], months * (benes / (blocks * size)))


@cache
def _expected(years: tuple[int, int], blocks: int, model: WorldModel) -> tuple[Geography, Floats]:
    """Return months by year, hospital and profile, in a population of so many blocks."""
    world = _world_without_gain(years, model)
    geo = geography_of(model)
    size = int(world.config.settings["block"])
    gains, gain_of = np.unique(geo.dual_gain, return_inverse=True)
    months = np.zeros((years[1] - years[0] + 1, 2, len(gains), _PROFILES))
    for block in range(BEYOND, BEYOND + blocks):
        people = make_people(world, (block * size, (block + 1) * size))
        for i in range(len(months)):
            months[i] += _months(make_scene(world, people, years[0] + i), gains)
    share = geo.hospital_share
    # Who has moved lives by another hospital than the one whose gain was theirs.
    moved = np.bincount(gain_of, share) @ months[:, 1]
    return geo, (months[:, 0][:, gain_of] + moved[:, None]) * share[None, :, None]


def _world_without_gain(years: tuple[int, int], model: WorldModel) -> World:
    """Lay out a world in which no hospital changes anybody's dual status."""
    config, geo = config_of(model), geography_of(model)
    still = replace(geo, dual_gain=np.zeros(geo.count))
    return World(config, still, make_clinicians(config, still, _SOME, SEED), SEED, years, model)


def _months(scene: Scene, gains: Floats) -> Floats:
    """Sum eligible months by moved or not, gain, and profile; whole numbers."""
    eligible = scene.fee_for_service & ~scene.away
    count = eligible.sum(axis=1)
    moved = np.where(scene.moved[:, 6], _PROFILES, 0)
    found = np.zeros((2, len(gains), _PROFILES))
    others = profile_codes(scene, eligible, np.zeros(scene.people.count, dtype=np.bool_))
    for k, gain in enumerate(gains.tolist()):
        codes = moved + others + _DUAL * any_month(_dual(scene, gain) & eligible)
        sums = np.bincount(codes, count, minlength=2 * _PROFILES)
        found[:, k] = sums.reshape(2, _PROFILES)
    return found


def _dual(scene: Scene, gain: float) -> Flags:
    begin, end = dual_under(scene.world, scene.people, gain)
    month = (scene.year - scene.world.years[0]) * 12 + np.arange(12)[None, :]
    result: Flags = (month >= begin[:, None]) & (month < end[:, None])
    return result


def profile_codes(scene: Scene, eligible: Flags, dual: Flags) -> Integers:
    """Return the number of each person's profile in the year; see `profiles_of`."""
    people = scene.people
    age = age_in(people.birth, scene.year)
    band = np.searchsorted(np.array(BAND_STARTS), age, side="right") - 1
    disabled = np.isin(people.reason, (1, 3)) & (age >= 65)
    flags = (people.sex == 1, dual, any_month(scene.esrd & eligible), disabled)
    code = band.astype(np.int64)
    for flag in flags:
        code = 2 * code + flag.astype(np.int64)
    return code


def profiles_of(code: Integers) -> dict[str, NDArray[Any]]:
    """Return what the numbers of profiles stand for, as columns."""
    return {
        "age_from": np.array(BAND_STARTS, dtype=np.int32)[code >> _FLAGS],
        "sex": np.where(code & _MALE, "M", "F"),
        "dual": (code & _DUAL) > 0,
        "esrd": (code & _ESRD) > 0,
        "originally_disabled": (code & _DISABLED) > 0,
    }


def age_in(birth: Integers, year: int) -> Integers:
    """Return ages on 1 February of a year, by the calendar, not below 0 (rule P4)."""
    day = birth.astype("datetime64[D]")
    born = day.astype("datetime64[Y]")
    after_1_february = (day - born.astype("datetime64[D]")).astype(np.int64) > 31
    result: Integers = np.maximum(year - 1970 - born.astype(np.int64) - after_1_february, 0)
    return result


def _table(ccns: list[str], first: int, months: Floats) -> pa.Table:
    """Return a row for each year, hospital and profile that has months."""
    year, hospital, code = np.nonzero(months > 0)
    profile = profiles_of(code)
    profile["sex"] = columns.choices(("F", "M"), (code & _MALE) // _MALE)
    return pa.table(
        {
            "year": pa.array((first + year).astype(np.int32)),
            "ccn": columns.choices(ccns, hospital),
            **{name: pa.array(values) for name, values in profile.items()},
            "months": pa.array(np.round(months[year, hospital, code], 6)),
        }
    )
