"""Visits at the bedside: what clinicians do for people in a skilled nursing facility."""

import numpy as np

from tcoc.store.schema import SETTINGS
from tcoc.store.synth.facility import Stays
from tcoc.store.synth.professional import PLACES, Encounters, covered, days_in_year, near_hospital
from tcoc.store.synth.scene import Scene

SKILLED_NURSING = "31"


def bedside_visits(scene: Scene, stays: Stays) -> Encounters:
    """Return visits during skilled nursing stays, at place 31 (what rule A2 leaves out).

    One visit per `care.skilled_visit_days` of a stay, by the practitioners who also see the
    residents of nursing homes (place 32), whose visits the rule counts.
    """
    config = scene.world.config
    draws = scene.world.draws("bedside", scene.year, scene.people.first)
    stay = np.flatnonzero(stays.setting == SETTINGS.index("snf"))
    begin = np.maximum(stays.start[stay], scene.year_start)
    length = np.minimum(stays.thru[stay], scene.year_start + days_in_year(scene) - 1) - begin + 1
    visits = draws.whole(length / config.number("care.skilled_visit_days"))
    at = np.repeat(np.arange(len(stay)), visits)
    person = stays.person[stay][at]
    day = begin[at] + (draws.uniform(len(at)) * length[at]).astype(np.int64)
    keep = covered(scene, person, day)
    person, day = person[keep], day[keep]
    group = np.full(len(person), config.group_index["nursing_home_practitioner"])
    near = near_hospital(scene, person, day, draws)
    clinician = scene.world.clinicians.pick(near, group, draws.uniform(len(person)))
    return Encounters(
        person,
        day,
        clinician,
        group,
        group + len(config.groups),
        np.ones(len(person), dtype=np.int64),
        np.full(len(person), PLACES.index(SKILLED_NURSING)),
    )
