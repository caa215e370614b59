from pathlib import Path

import pytest

from tcoc.store.synth import write_synthetic_store
from tests.store.synth.measure import Measure

BENES = 12_000


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synth") / "store"
    write_synthetic_store(out, BENES, 7)
    return out


@pytest.fixture(scope="session")
def measure(store: Path) -> Measure:
    return Measure(store)
