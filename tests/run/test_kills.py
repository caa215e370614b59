"""A few random kills, and two runs at once; `make kills` kills 200."""

from pathlib import Path

import pytest

from tests.run.kills import finish, left, prepare, rounds, start, tidy, whole


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("kills")
    prepare(home)
    return home


@pytest.mark.slow
def test_a_run_survives_kills_at_random_moments(project: Path) -> None:
    assert rounds(project, 2, seed=4) == []


@pytest.mark.slow
def test_two_runs_of_one_name_at_once_both_end_well(project: Path) -> None:
    both = [start(project, limit) for limit in (0.04, 0.045)]
    assert all(finish(process)[0] for process in both), (project / "said").read_text()
    outputs = project / "outputs"
    assert whole(outputs) == ""
    tidy(outputs)
    assert left(outputs) == ""
