"""Whether an executed notebook is whole: papermill can leave a killed one looking complete."""

from collections.abc import Iterable
from typing import Any

from tcoc.errors import TcocError


def check_executed(name: str, cells: Iterable[Any]) -> None:
    """Refuse a notebook of which a code cell was not executed or ended in an error (TcocError)."""
    for number, cell in enumerate(cells, start=1):
        if cell.cell_type != "code":
            continue
        if any(output.output_type == "error" for output in cell.outputs):
            raise TcocError(f"{name}: cell {number} ended in an error; it is not to be believed")
        if cell.execution_count is None and cell.source.strip():
            raise TcocError(f"{name}: cell {number} was not executed; it is not to be believed")
