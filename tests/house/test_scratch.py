"""The what-if that ships: it runs, its change moves dollars, and git ignores copies beside it."""

import subprocess
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
FIRST = ROOT / "notebooks" / "scratch" / "first_what_if.ipynb"


def test_the_first_what_if_runs_and_its_change_moves_dollars() -> None:
    if not (ROOT / "stores" / "sample").is_dir():
        pytest.skip("stores/sample is not there; make sample-store makes it")
    notebook = nbformat.read(FIRST, as_version=4)
    NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(FIRST.parent)}}
    ).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    told = [
        "".join(str(o.data.get("text/plain", "")) for o in c.outputs if "data" in o) for c in cells
    ]
    assert "Options" in told[1] or "Option" in told[1]
    assert told[1].split("\n\n", 1)[1] != told[2].split("\n\n", 1)[1]
    assert "Adjustments under the changed threshold" in told[3]
    assert int(told[4]) > 0


def test_the_notebook_that_ships_has_no_outputs() -> None:
    cells = nbformat.read(FIRST, as_version=4).cells
    assert not any(cell.get("outputs") for cell in cells)


def test_git_ignores_copies_but_not_the_one_that_ships() -> None:
    call = ["git", "-C", str(ROOT), "check-ignore", "-q"]
    if subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse"], check=False, capture_output=True
    ).returncode:
        pytest.skip("not a git checkout")
    copied = subprocess.run([*call, "notebooks/scratch/mine.ipynb"], check=False)
    shipped = subprocess.run([*call, str(FIRST.relative_to(ROOT))], check=False)
    assert (copied.returncode, shipped.returncode) == (0, 1)
