"""Execute the committed notebooks in place on the sample store, without anything that changes.

Outputs are what nbval compares; this is the command that accepts a difference after a human has
looked at it. Execution times and kernel details are left out, so that only results make a diff.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def execute(file: Path) -> None:
    """Run one notebook from top to bottom and keep its outputs."""
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(
        notebook, timeout=1800, kernel_name="python3", record_timing=False,
        resources={"metadata": {"path": str(file.parent)}},
    ).execute()  # fmt: skip
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.output_type != "stream"]
    nbformat.write(notebook, file)


def main() -> int:
    """Execute the notebooks named, or all of them."""
    names = sys.argv[1:] or sorted(file.stem for file in NOTEBOOKS.glob("*.ipynb"))
    for name in names:
        execute(NOTEBOOKS / f"{name}.ipynb")
        print(f"notebooks/{name}.ipynb: executed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
