"""A run of which nothing changed is told by its key, before anything heavy is loaded."""

import subprocess
import sys

from tcoc.run.key import RunRequest, said, unchanged
from tests.run.conftest import Home

HEAVY = ("duckdb", "ibis", "matplotlib", "nbformat", "numpy", "pandas", "pyarrow", "scipy",
         "seaborn", "statsmodels")  # fmt: skip


def test_what_tells_that_nothing_changed_loads_neither_engine_nor_drawing() -> None:
    code = (
        "import sys, tcoc.cli, tcoc.progress, tcoc.run.key, tcoc.run.summary;"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_a_finished_run_is_known_again_until_something_changes(home: Home) -> None:
    request = RunRequest(home.folder / "tiny.yml", outputs=home.outputs)
    assert unchanged(request) is None
    place, _ = home.run()
    assert unchanged(request) == place
    assert said(place).startswith("nothing changed since the run of 2")
    changed = RunRequest(request.file, outputs=home.outputs, changes={"rate_years": [2020, 2021]})
    assert unchanged(changed) is None
    fresh = RunRequest(request.file, outputs=home.outputs, fresh=True)
    assert unchanged(fresh) is None
    (place / "index.html").write_text("touched by hand")
    assert unchanged(request) is None


def test_what_cannot_be_read_is_left_to_the_run_to_say(home: Home) -> None:
    home.run()
    (home.folder / "tiny.yml").write_text("name: tiny\nstore: nowhere\nyears: [2016]\n")
    assert unchanged(RunRequest(home.folder / "tiny.yml", outputs=home.outputs)) is None
    missing = RunRequest(home.folder / "none.yml", outputs=home.outputs)
    assert unchanged(missing) is None
