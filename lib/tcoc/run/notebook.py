"""Executing a deliverable's notebook by papermill, each in a process of its own.

papermill only warns of an unknown parameter and can leave a killed notebook looking complete, so
parameters are compared before the start and the result is inspected before it is believed.
"""

import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import nbformat
import psutil

from tcoc.errors import InputError, TcocError
from tcoc.paths import notebooks_dir
from tcoc.report import READER
from tcoc.report.executed import check_executed
from tcoc.resources.meter import Reading, metered
from tcoc.resources.shortage import ShortageError, shortage

PARAMETERS = ("run", "work")


@dataclass(frozen=True)
class Job:
    """A notebook to execute: its deliverable, source, target and parameters."""

    name: str
    source: Path
    target: Path
    parameters: dict[str, str]


def notebook_file(deliverable: str) -> Path:
    """Return a deliverable's notebook, which must declare exactly the runner's parameters.

    Raises InputError where the notebook is missing, has no parameters cell, or declares others.
    """
    file = notebooks_dir() / f"{deliverable}.ipynb"
    if not file.is_file():
        raise InputError(f"{file}: the notebook of deliverable {deliverable} is missing")
    declared = _declared(file)
    if sorted(declared) != sorted(PARAMETERS):
        raise InputError(
            f"{file.name}: its parameters cell declares {', '.join(declared) or 'nothing'},"
            f" expected {', '.join(PARAMETERS)}"
        )
    return file


def _declared(file: Path) -> list[str]:
    cells = nbformat.read(file, as_version=4).cells
    source = "\n".join(c.source for c in cells if "parameters" in c.metadata.get("tags", []))
    lines = [line for line in source.splitlines() if "=" in line and not line.startswith("#")]
    return [line.split("=", 1)[0].strip() for line in lines]


def code_cells(file: Path) -> int:
    """Return how many cells of a notebook are code."""
    cells = nbformat.read(file, as_version=4).cells
    return sum(cell.cell_type == "code" for cell in cells)


def execute(job: Job, on_cell: Callable[[str], None] | None = None) -> Reading:
    """Execute one notebook in this process; a kernel that does not start is tried once more.

    Raises TcocError that names the notebook, the cell's heading and the error's last line.
    """
    with metered() as reading:
        _papermill(job, on_cell)
    check_executed(job.name, nbformat.read(job.target, as_version=4).cells)
    return reading


def _papermill(job: Job, on_cell: Callable[[str], None] | None) -> None:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    def call() -> None:
        papermill.execute_notebook(
            str(job.source),
            str(job.target),
            parameters=job.parameters,
            cwd=str(job.source.parent),
            progress_bar=False,
            log_output=False,
            kernel_name="python3",
            on_cell_executed=(lambda **_kw: on_cell(job.name)) if on_cell else None,
            kernel_manager_class="tcoc.run.kernel.IpcKernelManager",
        )

    os.environ[READER] = job.name
    try:
        try:
            call()
        except RuntimeError as error:
            if "Kernel died before replying" not in str(error):
                raise
            call()
    except DeadKernelError as error:
        raise ShortageError(f"{job.name}: {_KILLED}") from error
    except PapermillExecutionError as error:
        raise _failure(job, error) from error
    finally:
        del os.environ[READER]


_KILLED = (
    "the notebook's process was killed, as the system does when memory ends;"
    " use fewer --workers or a lower --memory-limit"
)


def _failure(job: Job, error: Any) -> TcocError:
    """Say why a cell failed; what a cell was short of is said as it is everywhere."""
    if error.ename == "ShortageError":
        return ShortageError(f"{job.name}: {error.evalue}")
    raised = MemoryError if error.ename.endswith("MemoryError") else Exception
    if short := shortage(raised(error.evalue)):
        return ShortageError(f"{job.name}: {short}", short.disk)
    return TcocError(
        f"{job.name}: cell {error.cell_index} failed with {error.ename}: {error.evalue}"
    )


_QUEUE: Any = None


def _start_worker(queue: Any, temporary: str) -> None:
    global _QUEUE  # noqa: PLW0603
    _QUEUE = queue
    tempfile.tempdir = temporary  # for the kernels' sockets; the runner removes it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runner, which ends this one
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _work(job: Job) -> Reading:
    return execute(job, _QUEUE.put)


def execute_all(
    jobs: list[Job], workers: int, on_cell: Callable[[str], None], on_done: Callable[[str], None]
) -> dict[str, Reading]:
    """Execute notebooks side by side; the first failure stops the others."""
    context = get_context("spawn")
    readings: dict[str, Reading] = {}
    with context.Manager() as manager, tempfile.TemporaryDirectory(prefix="tcoc-") as folder:
        queue = manager.Queue()
        others = {process.pid for process in active_children()}
        with ProcessPoolExecutor(workers, context, _start_worker, (queue, folder)) as pool:
            futures = {pool.submit(_work, job): job.name for job in jobs}
            try:
                _watch(futures, queue, on_cell, on_done, readings)
            except BrokenProcessPool as error:
                raise ShortageError(f"notebooks: {_KILLED}") from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                _end({process.pid for process in active_children()} - others)
                raise
    return readings


def _end(workers: "set[int | None]") -> None:
    """End worker processes and their kernels, so that nothing writes to the run any more."""
    members = [psutil.Process(pid) for pid in workers if pid and psutil.pid_exists(pid)]
    for member in list(members):
        with suppress(psutil.NoSuchProcess):
            members += member.children(recursive=True)
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(members, timeout=10)


def _watch(
    futures: "dict[Future[Reading], str]",
    queue: Any,
    on_cell: Callable[[str], None],
    on_done: Callable[[str], None],
    readings: dict[str, Reading],
) -> None:
    waiting = set(futures)
    while waiting:
        finished = {future for future in waiting if future.done()}
        while not queue.empty():
            on_cell(queue.get())
        for future in finished:
            name = futures[future]
            readings[name] = future.result()
            on_done(name)
        waiting -= finished
        wait(waiting, timeout=0.1)
