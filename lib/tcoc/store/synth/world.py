"""What all generators share: the world that a seed means, and a block of its people in a year."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from tcoc.store.synth.clinicians import Clinicians
from tcoc.store.synth.codes import CodeLists, code_lists
from tcoc.store.synth.config import Config
from tcoc.store.synth.draws import Draws, Floats, day_number
from tcoc.store.synth.geography import Geography, load_geography
from tcoc.store.synth.worlds import WorldModel, config_of

BASE_YEAR = 2015
"""The year in which planted growth begins: its effects are multiples of 1 there."""


@dataclass(frozen=True)
class World:
    """Coefficients, places, clinicians, and the arguments of the store."""

    config: Config
    geo: Geography
    clinicians: Clinicians
    seed: int
    years: tuple[int, int]
    model: WorldModel

    def draws(self, *purpose: object) -> Draws:
        """Return a source of random numbers for a purpose."""
        return Draws(self.seed, *purpose)

    @cached_property
    def code_lists(self) -> CodeLists:
        """The lists of billing codes of groups and services."""
        return code_lists(self.config)

    @property
    def extract_day(self) -> int:
        """Day since 1970 of the extract: what was processed later is not in the store."""
        run_out = int(self.config.settings["extract"]["run_out_days"])
        return day_number(self.years[1] + 1) - 1 + run_out

    def effect(self, year: int) -> Floats:
        """Return each hospital's true effect on the dollars of its own people, as a multiple.

        Level x growth since 2015 (params/synthetic/hospitals.csv), times the world's `effect`.
        """
        strength = self.model.effect
        level = 1 + strength * self.geo.cost_level
        growth = 1 + strength * self.geo.cost_growth * (year - BASE_YEAR)
        result: Floats = np.round(level * growth, 9)
        return result

    def drift(self, year: int) -> float:
        """Return the secular drift of everybody's dollars since 2015, as a multiple."""
        return round(float((1 + self.model.drift) ** (year - BASE_YEAR)), 9)

    def frailty(self, year: int) -> Floats:
        """Return how the frailty of each hospital's people changed since 2015, as a multiple.

        Only a world of cost model `frailty` has such a change; no column of the store shows it.
        """
        gain = self.geo.frailty_gain * (self.model.cost == "frailty")
        result: Floats = np.round(1 + gain * (year - BASE_YEAR), 9)
        return result


@cache
def geography_of(model: WorldModel) -> Geography:
    """Lay out the places of a world; nothing here depends on the seed or the store's size."""
    return load_geography(config_of(model))
