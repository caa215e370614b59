"""A small store, two stand-in deliverables with their pages, and a run of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tcoc.run.key
import tcoc.run.render
from tcoc.deliverables import registry
from tcoc.run.runner import RunRequest, execute_run
from tcoc.store.synth import write_synthetic_store
from tests.support.stand_ins import FIRST, OPEN, SECOND, SHOWN, write_page

RUN = """
name: tiny
store: store
years: [2016, 2017]
rate_years: [2020]
national_growth: {2020: {value: 0.024, source: invented}}
deliverables: [first, second]
"""


class Lines:
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.done: list[str] = []

    def start(self, task: str, total: int) -> None: ...

    def advance(self, task: str, label: str = "") -> None:
        self.done.append(f"{task} {label}".strip())

    def reach(self, task: str, label: str, done: int, total: int) -> None: ...

    def say(self, line: str) -> None:
        self.said.append(line)


@dataclass
class Home:
    """A folder with a store, a run file and notebooks, and the way to run it."""

    folder: Path
    outputs: Path

    def run(self, **more: Any) -> tuple[Path, Lines]:
        report = Lines()
        request = RunRequest(self.folder / "tiny.yml", **{"outputs": self.outputs, **more})
        return execute_run(request, report), report

    def page(self, name: str, *cells: str) -> Path:
        return write_page(self.folder / "notebooks" / f"{name}.ipynb", *cells)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runner")
    write_synthetic_store(folder / "store", 600, 7, (2015, 2017))
    return folder / "store"


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Let the runner know two stand-in deliverables, and their notebooks in a folder."""
    monkeypatch.setattr(registry, "deliverables", lambda: (FIRST, SECOND))
    monkeypatch.setattr(registry, "find", lambda name: {"first": FIRST, "second": SECOND}[name])
    registry.catalog.cache_clear()

    def notebooks(folder: Path) -> None:
        for module in (tcoc.run.render, tcoc.run.key):
            monkeypatch.setattr(module, "notebooks_dir", lambda: folder)

    yield notebooks
    registry.catalog.cache_clear()


@pytest.fixture
def home(stored: Path, tmp_path: Path, use: Callable[[Path], None]) -> Home:
    (tmp_path / "tiny.yml").write_text(RUN.replace("store: store", f"store: {stored}"))
    (tmp_path / "notebooks").mkdir()
    use(tmp_path / "notebooks")
    made = Home(tmp_path, tmp_path / "outputs")
    for name in ("first", "second"):
        made.page(name, OPEN, SHOWN.format(name=name))
    return made
