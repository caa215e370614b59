"""Notebooks run in the interpreter that asked for it, not in whatever Jupyter calls python3."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import execute_notebooks  # noqa: E402
import kernel  # noqa: E402

# printed, as the display of a long tuple breaks into lines where the checkout's path is long
CELL = "import sys, tcoc\nprint(sys.executable)\nprint(tcoc.__file__)"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A kernel `python3` of another environment: same Python, another tcoc."""
    package = tmp_path / "other" / "tcoc"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '0'\n")
    kernels = tmp_path / "jupyter" / "kernels"
    file = kernel.write_kernel(kernels)
    content = json.loads(file.read_text())
    content["env"] = {"PYTHONPATH": str(tmp_path / "other")}
    file.write_text(json.dumps(content))
    return kernels


def notebook() -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(CELL)],
        metadata={"kernelspec": execute_notebooks.SPEC},
    )


def test_the_kernel_is_the_running_interpreter_whatever_stands_on_the_path(
    foreign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(foreign.parent))
    kernel.write_kernel(tmp_path / "own")
    done = notebook()
    execute_notebooks.run_cells(done, tmp_path, tmp_path / "own")
    import tcoc

    assert done.cells[0].outputs[0].text == f"{sys.executable}\n{tcoc.__file__}\n"
    assert len(done.cells) == 1


def test_another_environment_s_kernel_is_refused_before_the_first_cell(
    foreign: Path, tmp_path: Path
) -> None:
    asked = notebook()
    with pytest.raises(SystemExit, match=r"another environment's kernel: tcoc: the kernel has"):
        execute_notebooks.run_cells(asked, tmp_path, foreign)
    assert not asked.cells[0].outputs


def test_nbval_executes_in_the_running_interpreter_too(foreign: Path, tmp_path: Path) -> None:
    import tcoc

    asked = notebook()
    expected = f"{sys.executable}\n{tcoc.__file__}\n"
    asked.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text=expected)]
    asked.cells[0].execution_count = 1
    nbformat.write(asked, tmp_path / "which.ipynb")
    line = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider",
            "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path),
            str(tmp_path / "which.ipynb")]  # fmt: skip
    done = subprocess.run(
        line, env={**os.environ, "JUPYTER_PATH": str(foreign.parent)}, capture_output=True,
        text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_environment_names_its_own_interpreter(tmp_path: Path) -> None:
    file = kernel.write_kernel(kernel.kernels_of(tmp_path))
    assert file == tmp_path / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    assert json.loads(file.read_text())["argv"][0] == sys.executable
    assert kernel.differences(kernel.own_identity()) == []
