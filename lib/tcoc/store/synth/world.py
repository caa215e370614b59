"""What all generators share: the world that a seed means, and a block of its people in a year."""

from dataclasses import dataclass
from functools import cached_property

from tcoc.store.synth.clinicians import Clinicians
from tcoc.store.synth.codes import CodeLists, code_lists
from tcoc.store.synth.config import Config
from tcoc.store.synth.draws import Draws
from tcoc.store.synth.geography import Geography


@dataclass(frozen=True)
class World:
    """Coefficients, places, clinicians, and the arguments of the store."""

    config: Config
    geo: Geography
    clinicians: Clinicians
    seed: int
    years: tuple[int, int]

    def draws(self, *purpose: object) -> Draws:
        """Return a source of random numbers for a purpose."""
        return Draws(self.seed, *purpose)

    @cached_property
    def code_lists(self) -> CodeLists:
        """The lists of billing codes of groups and services."""
        return code_lists(self.config)
