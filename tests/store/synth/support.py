"""People of a synthetic state without their claims: quick enough for many seeds."""

import numpy as np
import pandas as pd

from tcoc.store.synth import mix
from tcoc.store.synth.people import make_people
from tcoc.store.synth.scene import any_month, make_scene
from tcoc.store.synth.world import World
from tcoc.store.synth.write import make_world


def own_people(seed: int, benes: int, years: tuple[int, int]) -> pd.DataFrame:
    """Return each year's eligible people: own hospital, profile, months, factor x need."""
    world = make_world(benes, seed, years)
    size = int(world.config.settings["block"])
    frames = [
        _year(world, (start, min(start + size, benes)), year)
        for start in range(0, benes, size)
        for year in range(years[0], years[1] + 1)
    ]
    rows = pd.concat(frames, ignore_index=True)
    return rows.sort_values(["year", "number"], ignore_index=True)


def _year(world: World, block: tuple[int, int], year: int) -> pd.DataFrame:
    scene = make_scene(world, make_people(world, block), year)
    eligible = scene.fee_for_service & ~scene.away
    dual = any_month(scene.dual & eligible)
    profile = mix.profiles_of(mix.profile_codes(scene, eligible, dual))
    rows = pd.DataFrame(
        {
            "year": year,
            "number": scene.people.first + np.arange(scene.people.count),
            "ccn": np.array(world.geo.ccns)[scene.hospital],
            "months": eligible.sum(axis=1),
            "cost": scene.factor * scene.need,
            **profile,
        }
    )
    return rows[rows["months"] > 0]
