"""Each rate year's hospitals before they are judged: internal tables, and arrays read of them.

Nothing here rests on a term of the result or of the scale: a changed growth, weight or threshold
starts from here (rules M1, M4, M8, R6).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from tcoc.deliverables.mpa_options.inputs import (
    drawings,
    inputs_of,
    members_of,
    rate_years,
    replicated_inputs,
    setting_of,
    units_behind,
)
from tcoc.deliverables.mpa_options.schemas import JUDGED, LEVELS, REPLICATED
from tcoc.rules.mpa import Inputs, Terms, base_terms
from tcoc.rules.mpa.scale import Array
from tcoc.rules.risk import METHODS
from tcoc.study import Study


def judged(study: Study) -> pd.DataFrame:
    """Each hospital's people, payments and per capita dollars, alone and combined (M1, M4, A12).

    A row per (rate year, combined, hospital); a combined hospital has its combination's figures.
    """
    frames = []
    for terms in _bases(study):
        setting = setting_of(study, terms, members_of(study, terms))
        inputs = inputs_of(study, setting, terms)
        at, units = inputs.position, setting.units
        frame = pd.DataFrame({name: array[at, 0] for name, array in _columns(inputs).items()})
        person_years = setting.months / 12 * setting.pair.performance_completion
        frames.append(
            frame.assign(
                rate_year=terms.rate_year,
                combined=terms.combined,
                ccn=list(units.hospitals),
                combination=pd.Series(
                    [units.members.get(c) for c in units.hospitals], dtype=object
                ),
                payments=pd.Series(units.paid, dtype="object"),
                quality=inputs.quality,
                price=inputs.prices[at],
                benes=setting.benes[at],
                person_years=person_years[at],
                units=units_behind(setting, terms, drawings(study, setting, terms))[at],
            )
        )
    return pd.concat(frames, ignore_index=True)[list(JUDGED)]


def replicated(study: Study) -> pd.DataFrame:
    """The same per capita dollars in each replicate of the run's one set (rule R6)."""
    frames = []
    for terms in _bases(study):
        setting = setting_of(study, terms, members_of(study, terms))
        inputs = replicated_inputs(study, setting, terms, drawings(study, setting, terms))
        count = inputs.performance.shape[1]
        ccn = np.array(setting.units.hospitals, dtype=object)
        arrays = {name: a[inputs.position].ravel() for name, a in _columns(inputs).items()}
        replicate = np.tile(np.arange(count, dtype=np.int32), len(ccn))
        frame = pd.DataFrame({"ccn": np.repeat(ccn, count), "replicate": replicate, **arrays})
        frames.append(frame.assign(rate_year=terms.rate_year, combined=terms.combined))
    return pd.concat(frames, ignore_index=True)[list(REPLICATED)]


def _bases(study: Study) -> Iterator[Terms]:
    """Give each rate year's terms with hospitals alone, and combined where the run does that."""
    for year in rate_years(study):
        terms = base_terms(study.policy, year)
        yield replace(terms, combined=False)
        if members_of(study, terms):
            yield terms


def _columns(inputs: Inputs) -> dict[str, Array]:
    levels = {f"level_{name}": inputs.level[name] for name in LEVELS}
    bases = {f"base_{method}": inputs.base[method] for method in METHODS}
    return {**bases, "performance": inputs.performance, **levels}


# ---------------------------------------------------------------- reading them


@dataclass(frozen=True)
class Judged:
    """A rate year's hospitals in order, alone or combined, and the arrays that judge them.

    units          on how many units of equal size each one's result rests (rule R6)
    person_years   years of its people, completed (rule T2): dollars over dollars per capita
    """

    rate_year: int
    combined: bool
    hospitals: tuple[str, ...]
    combination: tuple[str | None, ...]
    payments: tuple[Decimal, ...]
    benes: Array
    units: Array
    person_years: Array
    point: Inputs


def alone(study: Study, rate_year: int) -> Judged:
    """Return a rate year's hospitals, each judged alone."""
    return _judged(study, rate_year, combined=False)


def together(study: Study, rate_year: int) -> Judged | None:
    """Return the same hospitals judged as the run combines them; None where it combines none."""
    of = _judged(study, rate_year, combined=True)
    return of if of.hospitals else None


def _judged(study: Study, rate_year: int, combined: bool) -> Judged:
    frame = study.frame("mpa_judged", exact=True)
    rows = frame[(frame["rate_year"] == rate_year) & (frame["combined"] == combined)]
    arrays = {name: rows[[name]].to_numpy(dtype=float) for name in _NAMES}
    of = {name: rows[name].to_numpy(dtype=float) for name in _PLAIN}
    pools = rows["combination"]
    return Judged(
        rate_year,
        combined,
        tuple(rows["ccn"]),
        tuple(None if pd.isna(name) else str(name) for name in pools),
        tuple(rows["payments"]),
        of["benes"],
        of["units"],
        of["person_years"],
        _inputs(arrays, of["quality"], rows["payments"].to_numpy(dtype=float), of["price"]),
    )


def replicates_of(study: Study, judged: Judged) -> Inputs:
    """Return the arrays of the same hospitals in each replicate, weighed as they are (R6, M8)."""
    chosen = [("rate_year", "==", judged.rate_year), ("combined", "==", judged.combined)]
    table = pq.read_table(study.path("mpa_replicates"), columns=[*_NAMES], filters=chosen)
    shape = (len(judged.hospitals), -1)
    arrays = {name: table[name].to_numpy().reshape(shape) for name in _NAMES}
    of = judged.point
    found = _inputs(arrays, of.quality, of.paid, of.prices)
    return replace(found, credibility=of.credibility, center=of.center)


_NAMES = tuple(name for name in REPLICATED if name.startswith(("base_", "level_", "performance")))
_PLAIN = ("benes", "units", "person_years", "quality", "price")


def _inputs(arrays: dict[str, Array], quality: Array, paid: Array, prices: Array) -> Inputs:
    return Inputs(
        base={method: arrays[f"base_{method}"] for method in METHODS},
        performance=arrays["performance"],
        level={name: arrays[f"level_{name}"] for name in LEVELS},
        position=np.arange(len(quality)),
        quality=quality,
        paid=paid,
        prices=prices,
    )
