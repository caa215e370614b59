"""A notebook's cells, and whether an executed one is whole: a killed one can look complete."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tcoc.errors import InputError, TcocError


def cells_of(file: Path) -> list[dict[str, Any]]:
    """Return a notebook's cells, each source and each output's content as one text.

    Read as the JSON that it is: to load nbformat takes longer than a run that has nothing to do.
    Raises InputError for a file that is no notebook.
    """
    try:
        cells: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            cell["source"] = _joined(cell["source"])
            for output in cell.get("outputs", ()):
                data = output.get("data", {})
                data.update({mime: _joined(content) for mime, content in data.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: is not a notebook that can be read") from error
    return cells


def _joined(content: Any) -> Any:
    return "".join(content) if isinstance(content, list) else content


def check_executed(name: str, cells: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a notebook of which a code cell was not executed or ended in an error (TcocError)."""
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] != "code":
            continue
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            raise TcocError(f"{name}: cell {number} ended in an error; it is not to be believed")
        if cell["execution_count"] is None and cell["source"].strip():
            raise TcocError(f"{name}: cell {number} was not executed; it is not to be believed")
