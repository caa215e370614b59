"""The pictures of an executed notebook as files: what it showed, and the data behind it."""

from pathlib import Path
from typing import Any

import nbformat

_ENDINGS = {"image/svg+xml": ".svg", "image/svg+xml;layout=narrow": "-narrow.svg", "text/csv": ".csv"}


def write_figures(notebook: Path, folder: Path) -> list[Path]:
    """Write every figure that a notebook showed into a folder, and return the files.

    A page writes nothing itself; what it showed is in its outputs, with the name of the figure.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for output in _outputs(notebook):
        facts = output.get("metadata", {}).get("tcoc", {})
        if facts.get("kind") != "figure":
            continue
        for kind, ending in _ENDINGS.items():
            if kind in output.data:
                written.append(_file(folder / f"{facts['name']}{ending}", output.data[kind]))
        said = f"{facts.get('title', '')}\n\n{facts.get('alt', '')}\n"
        written.append(_file(folder / f"{facts['name']}.txt", said))
    return written


def _outputs(notebook: Path) -> list[Any]:
    cells = nbformat.read(notebook, as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", [])]


def _file(file: Path, content: str | list[str]) -> Path:
    file.write_text(content if isinstance(content, str) else "".join(content), encoding="utf-8")
    return file
