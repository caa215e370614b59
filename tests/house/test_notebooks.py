"""Notebooks hold no logic: headings, one library call a cell, assertions; outputs are public."""

import ast
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
ALLOWED = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, ast.Assert)
LARGEST = 1_600_000


def code_cells(file: Path) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(file, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_a_notebook_declares_exactly_run_and_work(file: Path) -> None:
    first, *others = code_cells(file)
    assert first.metadata.get("tags") == ["parameters"]
    assert first.source == 'run = "../params/runs/sample.yml"\nwork = ""'
    assert not any("parameters" in cell.metadata.get("tags", []) for cell in others)


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_a_notebook_has_no_functions_loops_magics_or_path_tricks(file: Path) -> None:
    for cell in code_cells(file):
        tree = ast.parse(cell.source)
        assert all(isinstance(node, ALLOWED) for node in tree.body), cell.source
        comprehensions = (ast.ListComp, ast.DictComp, ast.Lambda, ast.IfExp, ast.GeneratorExp)
        assert not any(isinstance(node, comprehensions) for node in ast.walk(tree)), cell.source
        assert "sys.path" not in cell.source
        assert "display(" not in cell.source


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_every_section_shows_one_thing_and_asserts_one(file: Path) -> None:
    for cell in code_cells(file)[2:]:
        body = ast.parse(cell.source).body
        assert sum(isinstance(node, ast.Expr) for node in body) == 1, cell.source
        assert sum(isinstance(node, ast.Assert) for node in body) <= 1, cell.source


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_committed_outputs_are_whole_and_come_from_synthetic_data(file: Path) -> None:
    cells = code_cells(file)
    assert all(cell.execution_count for cell in cells), "run `make notebooks`"
    assert not any(o.output_type in ("error", "stream") for cell in cells for o in cell.outputs)
    opened = [o for o in cells[1].outputs if o.metadata.get("tcoc", {}).get("kind") == "style"]
    assert "Synthetic Maryland" in opened[0].metadata["tcoc"]["data"]
    assert file.stat().st_size < LARGEST


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)
def test_committed_outputs_hold_no_path_of_a_machine(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert str(Path(__file__).resolve().parents[2]) not in text
    assert "site-packages" not in text
