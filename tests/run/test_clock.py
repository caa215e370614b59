"""A clock that jumps while a run goes on: the run is whole, and so is the next one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tcoc.manifest import list_runs, read_manifest
from tcoc.run.run_list import render_runs
from tests.run.kills import ROOT, finish, left, prepare, start, tidy, whole

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)

JUMP = """
import sys
from pathlib import Path

import tcoc.run.runner as runner
from tests.run.kills import work

kept = runner.compute_tables


def jumping(*arguments):
    done = kept(*arguments)
    Path(sys.argv[2]).write_text(sys.argv[3])
    return done


runner.compute_tables = jumping
work(Path(sys.argv[1]), float(sys.argv[4]))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("clock")
    prepare(home)
    return home


@pytest.mark.slow
@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")
@pytest.mark.parametrize(("jump", "limit"), [("-400d", 0.031), ("+400d", 0.032)])
def test_a_clock_that_jumps_during_a_run(project: Path, jump: str, limit: float) -> None:
    control = project / "clock"
    control.write_text("+0")
    clock = {"LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(control),
             "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", JUMP, str(project), str(control), jump, str(limit)],
        cwd=ROOT, env={**os.environ, **clock}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    outputs = project / "outputs"
    assert whole(outputs) == ""
    run = read_manifest(outputs / "tiny")
    assert run.parameters.options == {"mpa.threshold": limit}
    assert (run.finished < run.started) == (jump == "-400d")  # the clock did jump
    assert all(0 <= (part.seconds or 0) < 3600 for part in run.deliverables.values())
    assert "-" not in render_runs(list_runs(outputs)).splitlines()[1].split("2016-2017")[0]
    tidy(outputs)
    assert left(outputs) == ""
    assert finish(start(project, limit + 0.01))[0]  # by the right clock again
    assert read_manifest(outputs / "tiny").parameters.options == {"mpa.threshold": limit + 0.01}
    assert whole(outputs) == ""
