"""The synthetic Maryland: a seeded, calibrated store of invented people with planted truth."""

from tcoc.store.synth.worlds import WorldModel, load_world, world_names
from tcoc.store.synth.write import DEFAULT_YEARS, write_synthetic_store

__all__ = ["DEFAULT_YEARS", "WorldModel", "load_world", "world_names", "write_synthetic_store"]
