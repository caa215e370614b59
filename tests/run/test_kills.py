"""A few random kills; `make kills` does 200."""

from pathlib import Path

import pytest

from tcoc.store.synth import write_synthetic_store
from tests.run.kills import RUN, rounds


@pytest.mark.slow
def test_a_run_survives_kills_at_random_moments(tmp_path: Path) -> None:
    write_synthetic_store(tmp_path / "store", 300, 7, (2014, 2017))
    (tmp_path / "tiny.yml").write_text(RUN)
    assert rounds(tmp_path, 2, seed=4) == []
