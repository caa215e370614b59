"""Executing a deliverable's notebook by papermill, each in a process of its own.

papermill only warns of an unknown parameter and can leave a killed notebook looking complete, so
parameters are compared before the start and the result is inspected before it is believed.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nbformat

from tcoc.errors import InputError, TcocError
from tcoc.meter import Reading, metered
from tcoc.paths import notebooks_dir
from tcoc.report import READER

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
    problem = incomplete(job.target)
    if problem:
        raise TcocError(f"{job.name}: {problem}")
    return reading


def _papermill(job: Job, on_cell: Callable[[str], None] | None) -> None:
    import papermill
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
            kernel_manager_class="tcoc.notebook_kernel.IpcKernelManager",
        )

    os.environ[READER] = job.name
    try:
        try:
            call()
        except RuntimeError as error:
            if "Kernel died before replying" not in str(error):
                raise
            call()
    except PapermillExecutionError as error:
        raise TcocError(
            f"{job.name}: cell {error.cell_index} failed with {error.ename}: {error.evalue}"
        ) from error
    finally:
        del os.environ[READER]


def incomplete(file: Path) -> str:
    """Say why an executed notebook is not to be believed, or return an empty string."""
    for number, cell in enumerate(nbformat.read(file, as_version=4).cells, start=1):
        if cell.cell_type != "code":
            continue
        if cell.execution_count is None and cell.source.strip():
            return f"cell {number} was not executed"
        if any(output.output_type == "error" for output in cell.outputs):
            return f"cell {number} ended in an error"
    return ""


_QUEUE: Any = None


def _start_worker(queue: Any) -> None:
    global _QUEUE  # noqa: PLW0603
    _QUEUE = queue
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _work(job: Job) -> Reading:
    return execute(job, _QUEUE.put)


def execute_all(
    jobs: list[Job], workers: int, on_cell: Callable[[str], None], on_done: Callable[[str], None]
) -> dict[str, Reading]:
    """Execute notebooks side by side; the first failure stops the ones not yet begun."""
    context = get_context("spawn")
    readings: dict[str, Reading] = {}
    with context.Manager() as manager:
        queue = manager.Queue()
        with ProcessPoolExecutor(workers, context, _start_worker, (queue,)) as pool:
            futures = {pool.submit(_work, job): job.name for job in jobs}
            try:
                _watch(futures, queue, on_cell, on_done, readings)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return readings


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
