"""The synthetic Maryland: a seeded, calibrated store of invented people with planted truth."""

from tcoc.store.synth.write import DEFAULT_YEARS, write_synthetic_store

__all__ = ["DEFAULT_YEARS", "write_synthetic_store"]
