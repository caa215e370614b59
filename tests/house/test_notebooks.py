"""Notebooks are the analysis: tables by name, kit calls, checks; no logic, public outputs."""

import ast
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ALLOWED = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr, ast.Assert)
LOGIC = (
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.Lambda, ast.IfExp, ast.BinOp,
)  # fmt: skip
SHOWS = {
    "say", "show", "show_assumptions", "show_checks", "show_data_notes", "show_numbers",
    "show_table", "show_tornado", "show_rows", "show_what_if",
}  # fmt: skip
LARGEST = 1_600_000

each_notebook = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda f: f.stem)


def code_cells(file: Path) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(file, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def release_calls(cell: nbformat.NotebookNode) -> list[str]:
    """The methods of `release` that a cell calls as statements."""
    return [
        node.value.func.attr
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
    ]


@each_notebook
def test_a_notebook_declares_exactly_run_and_public(file: Path) -> None:
    first, *others = code_cells(file)
    assert first.metadata.get("tags") == ["parameters"]
    assert first.source == 'run = "../params/runs/sample.yml"\npublic = ""'
    assert not any("parameters" in cell.metadata.get("tags", []) for cell in others)


@each_notebook
def test_a_notebook_has_no_functions_loops_magics_or_path_tricks(file: Path) -> None:
    for cell in code_cells(file):
        tree = ast.parse(cell.source)
        assert all(isinstance(node, ALLOWED) for node in tree.body), cell.source
        assert not any(isinstance(node, LOGIC) for node in ast.walk(tree)), cell.source
        assert "sys.path" not in cell.source
        assert "display(" not in cell.source


@each_notebook
def test_every_section_shows_by_the_kit_and_asserts_a_check(file: Path) -> None:
    for cell in code_cells(file)[1:]:
        if "open_release" in cell.source and not release_calls(cell):
            continue  # set-up: the release, and names of tables that many sections show
        body = ast.parse(cell.source).body
        shown = release_calls(cell)
        assert len(shown) == sum(isinstance(node, ast.Expr) for node in body), cell.source
        assert shown, cell.source
        assert set(shown) <= SHOWS, cell.source
        asserted = [node for node in body if isinstance(node, ast.Assert)]
        assert len(asserted) <= 1, cell.source
        assert all("release.holds(" in ast.unparse(node) for node in asserted), cell.source
        if {"show", "show_table"} & set(shown):
            assert asserted, cell.source


@each_notebook
def test_committed_outputs_are_whole_and_come_from_synthetic_data(file: Path) -> None:
    cells = code_cells(file)
    assert all(cell.execution_count for cell in cells), "run `make notebooks`"
    assert not any(o.output_type in ("error", "stream") for cell in cells for o in cell.outputs)
    opened = [o for o in cells[1].outputs if o.metadata.get("tcoc", {}).get("kind") == "style"]
    assert "Synthetic Maryland" in opened[0].metadata["tcoc"]["data"]
    assert file.stat().st_size < LARGEST


@each_notebook
def test_committed_outputs_hold_no_path_of_a_machine(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert "site-packages" not in text
