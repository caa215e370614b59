"""Execute the committed notebooks in place on the sample store, without anything that changes.

Outputs are what nbval compares; this is the command that accepts a difference after a human has
looked at it. Execution times and kernel details are left out, so that only results make a diff.
The kernel is the interpreter that runs this, whatever other kernels Jupyter would find, and is
asked for its code and versions before the first cell.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).resolve().parent))
import kernel

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def run_cells(notebook: nbformat.NotebookNode, folder: Path, kernels: Path) -> None:
    """Run a notebook in this interpreter; exits in a sentence where the kernel is another one."""
    manager = KernelManager(
        kernel_name=kernel.NAME, kernel_spec_manager=kernel.own_kernels(kernels)
    )
    first = nbformat.v4.new_code_cell(kernel.IDENTITY)
    asked = nbformat.v4.new_notebook(cells=[first, *notebook.cells])
    client = NotebookClient(
        asked, km=manager, timeout=1800, record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=_refuse_another,
    )  # fmt: skip
    try:
        client.execute()
    except AnotherKernelError as error:
        raise SystemExit(f"notebooks: another environment's kernel: {error}") from error
    notebook.cells = asked.cells[1:]


class AnotherKernelError(Exception):
    """The kernel is not this interpreter; a SystemExit would end the loop that waits for it."""


def _refuse_another(cell: nbformat.NotebookNode, cell_index: int, **_: object) -> None:
    if cell_index == 0:
        said = json.loads("".join(o.text for o in cell.outputs if o.output_type == "stream"))
        if wrong := kernel.differences(said):
            raise AnotherKernelError("; ".join(wrong))


def execute(file: Path, kernels: Path) -> None:
    """Run one notebook from top to bottom and keep its outputs."""
    notebook = nbformat.read(file, as_version=4)
    run_cells(notebook, file.parent, kernels)
    notebook.metadata = {"kernelspec": SPEC, "language_info": {"name": "python"}}
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, start=1):  # the question before the first is no cell
        cell.execution_count = number
        cell.outputs = [o for o in cell.outputs if o.output_type != "stream"]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    nbformat.write(notebook, file)


def main() -> int:
    """Execute the notebooks named, or all of them."""
    names = sys.argv[1:] or sorted(file.stem for file in NOTEBOOKS.glob("*.ipynb"))
    with TemporaryDirectory(prefix="tcoc-kernel-") as folder:
        kernel.write_kernel(Path(folder))
        for name in names:
            execute(NOTEBOOKS / f"{name}.ipynb", Path(folder))
            print(f"notebooks/{name}.ipynb: executed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
