"""A few random kills; `make kills` does 200."""

from pathlib import Path

import pytest

from tests.run.kills import prepare, rounds


@pytest.mark.slow
def test_a_run_survives_kills_at_random_moments(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert rounds(tmp_path, 2, seed=4) == []
