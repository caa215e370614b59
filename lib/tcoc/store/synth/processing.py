"""When Medicare processed a claim, and which claims an extract is too early to hold (rule T2)."""

import numpy as np

from tcoc.store.synth.draws import Integers, exponential_table
from tcoc.store.synth.scene import Scene

LONGEST = 400
"""Claims are filed within a calendar year (42 CFR 424.44) and paid soon after."""

_STEPS = len(exponential_table())


def processed_days(scene: Scene, table: str, setting: object, day: Integers) -> Integers:
    """Return the Friday on which each claim was processed, from its last day of service.

    A claim waits for the payment floor, for the provider, and a share of claims for much longer;
    the coefficients are by setting (generator.yml, `lags`). The national claims history is built
    weekly, so that processing dates are Fridays.
    """
    lags = scene.world.config.settings["lags"]
    draws = scene.world.draws("processed", table, scene.year, scene.people.first)
    names = np.broadcast_to(np.asarray(setting), len(day))
    floor, mean, late_share, late_mean = (
        np.select([names == name for name in lags], [float(lags[name][key]) for name in lags])
        for key in ("floor", "mean", "late_share", "late_mean")
    )
    waits = exponential_table()[draws.below(len(day), _STEPS)] * mean
    late = draws.flags(len(day), late_share)
    later = exponential_table()[draws.below(len(day), _STEPS)] * late_mean
    lag = np.minimum(floor + waits + np.where(late, later, 0.0), LONGEST)
    done = day + np.ceil(lag).astype(np.int64)
    result: Integers = done + (1 - done) % 7
    return result
