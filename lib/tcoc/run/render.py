"""Stage 3: from public tables to executed notebooks, each in a process that sees nothing else."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tcoc.errors import InputError, TcocError
from tcoc.paths import notebooks_dir
from tcoc.report.executed import cells_of, check_executed
from tcoc.resources.shortage import ShortageError
from tcoc.run.worker import Answer, Ask, identity

PARAMETERS = ("public", "run")

START_SECONDS = 120.0

KILLED = (
    "the notebook's process was killed, as the system does when memory ends;"
    " use fewer --workers or a lower --memory-limit"
)

ENDED = (
    "cell {cell} ended the page's process ({by}); a page is made of public tables alone and"
    " reads, writes and starts nothing else"
)


@dataclass(frozen=True)
class Job:
    """A notebook to execute: deliverable, source, target, parameters, its folder of public tables.

    `weight` says how long it took before, or how much of it there is: the longest goes first.
    """

    name: str
    source: Path
    target: Path
    parameters: Mapping[str, str]
    public: Path
    weight: float = 0.0
    hook_only: bool = False


def notebook_file(deliverable: str) -> Path:
    """Return a deliverable's notebook, which must declare exactly the runner's parameters.

    Raises InputError where the notebook is missing, has no parameters cell, or declares others.
    """
    file = notebooks_dir() / f"{deliverable}.ipynb"
    if not file.is_file():
        raise InputError(f"{file}: the notebook of deliverable {deliverable} is missing")
    declared = sorted(declared_parameters(file))
    if declared != [*PARAMETERS]:
        raise InputError(
            f"{file.name}: its parameters cell declares {', '.join(declared) or 'nothing'},"
            f" expected {', '.join(PARAMETERS)}"
        )
    return file


def declared_parameters(file: Path) -> list[str]:
    """Return the names that a notebook's parameters cell assigns."""
    tagged = [c for c in cells_of(file) if "parameters" in c.get("metadata", {}).get("tags", [])]
    lines = [line for cell in tagged for line in cell["source"].splitlines()]
    named = [line for line in lines if "=" in line and not line.startswith("#")]
    return [line.split("=", 1)[0].strip() for line in named]


def code_cells(file: Path) -> int:
    """Return how many cells of a notebook are code."""
    return sum(cell["cell_type"] == "code" for cell in cells_of(file))


# ---------------------------------------------------------------- the process


def _environment() -> dict[str, str]:
    """Return all that the pages' process is told: where this package is, and the user's fonts."""
    kept = {key: os.environ[key] for key in ("HOME", "MPLCONFIGDIR") if key in os.environ}
    package = str(Path(__file__).resolve().parents[2])
    return {**kept, "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8",
            "MPLBACKEND": "agg", "PYTHONHASHSEED": "0",
            # no threads: a process that has some cannot be forked safely
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
            "JE_ARROW_MALLOC_CONF": "background_thread:false"}  # fmt: skip


class PagesProcess:
    """A process that executes notebooks, in a neutral folder of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self._process, self._folder = process, folder
        self._lines = _Lines(process)
        threads = _greet(self._lines, folder / "said")
        # a fork of a process with threads may stand still for ever
        if threads != 1:
            raise TcocError(f"the pages' process has {threads} threads and cannot be forked safely")

    def execute(
        self,
        jobs: Sequence[Job],
        workers: int,
        on_cell: Callable[[str], None],
        on_done: Callable[[Answer], None],
    ) -> dict[str, Answer]:
        """Execute notebooks side by side, the longest first; raises at the first that fails."""
        waiting = sorted(jobs, key=lambda job: (-job.weight, job.name))
        asks = {job.name: self._ask(job) for job in waiting}
        targets = {job.name: job.target for job in jobs}
        answers: dict[str, Answer] = {}
        at_work: set[str] = set()
        cells: dict[str, int] = {}
        while waiting or at_work:
            while waiting and len(at_work) < workers:
                job = waiting.pop(0)
                at_work.add(job.name)
                self._send(asks[job.name])
            found = self._lines.read(0.5)
            if found is None:
                raise ShortageError(f"notebooks: {KILLED}")
            for line in found:
                if "cell" in line:
                    cells[line["cell"]] = cells.get(line["cell"], 0) + 1
                    on_cell(line["cell"])
                    continue
                answer = Answer(**line["done"])
                at_work.discard(answer.name)
                ask = asks[answer.name]
                where = cell_after(Path(ask.source), cells.get(answer.name, 0))
                _take(answer, where, Path(ask.target), targets[answer.name])
                answers[answer.name] = answer
                on_done(answer)
        return answers

    def _ask(self, job: Job) -> Ask:
        """Lay out what a page is given: a copy of its public tables, and of the notebook itself."""
        own = Path(tempfile.mkdtemp(dir=self._folder))
        source = own / job.source.name
        shutil.copyfile(job.source, source)
        shutil.copytree(job.public, own / "public")
        target = own / f"{job.name}.executed"
        parameters = dict(job.parameters)
        return Ask(job.name, str(source), str(target), str(own), parameters, job.hook_only)

    def _send(self, ask: Ask) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asdict(ask)).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ShortageError(f"notebooks: {KILLED}") from error


@contextmanager
def starting_pages() -> Iterator[Callable[[], PagesProcess]]:
    """Start the process that executes pages, for the length of a block, and go on meanwhile.

    What is yielded waits until it is ready. Loading the drawing libraries takes seconds, in which
    the tables can be audited. It works in a neutral place with a short name: nothing in a path
    tells whose run it is.
    """
    with tempfile.TemporaryDirectory(prefix="tcoc-", dir=_short_folder()) as name:
        folder = Path(name).resolve()
        with _server(folder) as process:
            yield cache(lambda: PagesProcess(process, folder))


@contextmanager
def pages_process() -> Iterator[PagesProcess]:
    """Start the process that executes pages and wait for it, for the length of a block."""
    with starting_pages() as ready:
        yield ready()


@contextmanager
def _server(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the pages' process from this very interpreter, and end it with all it started."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tcoc.run.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=_environment(),
            cwd=folder,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with suppress(BrokenPipeError):
                        stream.close()


class _Lines:
    """The lines of JSON that a process says, as they come."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self._stream = process.stdout.fileno()
        self._rest = b""

    def read(self, seconds: float) -> list[dict[str, Any]] | None:
        """Return what was said within some seconds, None where the process has ended."""
        if not select.select([self._stream], [], [], seconds)[0]:
            return []
        data = os.read(self._stream, 65536)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]


def _greet(lines: _Lines, said: Path) -> int:
    """Wait for the process and hold its code and libraries against ours; returns its threads."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        found = lines.read(1.0)
        if found is None:
            last = said.read_text(encoding="utf-8", errors="replace").strip() or "no word"
            raise TcocError(f"the pages' process ended at its start: {last.splitlines()[-1]}")
        for line in found:
            _same(line["hello"])
            return int(line["threads"])
    raise TcocError(f"the pages' process did not start within {START_SECONDS:.0f} seconds")


def _same(theirs: Mapping[str, str]) -> None:
    ours = identity()
    for key, value in ours.items():
        if theirs.get(key) != value:
            raise TcocError(
                f"the pages' process runs another {key} than this run"
                f" ({theirs.get(key, 'none')}, not {value}); nothing is published"
            )


# ---------------------------------------------------------------- executing


def execute_all(
    jobs: Sequence[Job],
    workers: int,
    on_cell: Callable[[str], None],
    on_done: Callable[[Answer], None],
    ready: Callable[[], PagesProcess] | None = None,
) -> dict[str, Answer]:
    """Execute notebooks side by side, the longest first; the first failure stops the others.

    `ready` waits for a process that was started before; without it one is started here.
    Raises TcocError that names the notebook and the cell, ShortageError where memory or disk end.
    """
    if not jobs:
        return {}
    if ready is not None:
        return ready().execute(jobs, workers, on_cell, on_done)
    with pages_process() as process:
        return process.execute(jobs, workers, on_cell, on_done)


def _short_folder() -> str | None:
    """Return a folder for temporary files whose name is not too long for what may stand in it."""
    long = len(tempfile.gettempdir()) > 60
    return "/tmp" if long and os.access("/tmp", os.W_OK) else None  # noqa: S108


def cell_after(notebook: Path, executed: int) -> int:
    """Return which cell of a notebook, from 1, came after so many executed ones.

    papermill adds one with the parameters' values after the cell that declares them.
    """
    cells = enumerate(cells_of(notebook), start=1)
    code = [number for number, cell in cells if cell["cell_type"] == "code"]
    return code[min(max(executed - 1, 0), len(code) - 1)]


def _take(answer: Answer, cell: int, made: Path, target: Path) -> None:
    """Take an executed notebook over, and say in one sentence why it is none."""
    if made.is_file() and made.stat().st_size:
        shutil.copyfile(made, target)
        target.chmod(0o600)
    if answer.kind == "killed":
        raise ShortageError(f"{answer.name}: cell {cell}: {KILLED}")
    if answer.kind == "ended":
        raise TcocError(f"{answer.name}: {ENDED.format(cell=cell, by=answer.error)}")
    if answer.kind in ("memory", "disk"):
        raise ShortageError(f"{answer.name}: {answer.error}", answer.kind == "disk")
    if answer.error:
        raise TcocError(f"{answer.name}: {answer.error}")
    check_executed(answer.name, cells_of(target))
