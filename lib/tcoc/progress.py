"""Progress of long steps: a moving bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


class Reporter(Protocol):
    """What a long step tells: that something began, moved on, or is done."""

    def start(self, task: str, total: int) -> None:
        """Begin a task of `total` parts."""

    def advance(self, task: str, label: str = "") -> None:
        """One more part of a task is done."""

    def reach(self, task: str, label: str, done: int, total: int) -> None:
        """A task that counts by itself (bytes, blocks) has reached `done` of `total`."""

    def say(self, line: str) -> None:
        """Say one line."""


class _Lines:
    def __init__(self) -> None:
        self._done: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def start(self, task: str, total: int) -> None:
        self._done[task], self._total[task] = 0, total

    def advance(self, task: str, label: str = "") -> None:
        self._done[task] = self._done.get(task, 0) + 1
        total = self._total.get(task, 0)
        if label or self._done[task] == total:
            self.say(f"{task}: {self._done[task]}/{total} {label}".rstrip())

    def reach(self, task: str, label: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth != self._done.get(task):
            self._done[task] = tenth
            self.say(f"{task}: {10 * tenth} % {label}")

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def start(self, task: str, total: int) -> None:
        self._tasks[task] = self._progress.add_task(task, total=total, label="")

    def advance(self, task: str, label: str = "") -> None:
        self._progress.update(self._tasks[task], advance=1, label=label)

    def reach(self, task: str, label: str, done: int, total: int) -> None:
        if task not in self._tasks:
            self.start(task, total)
        self._progress.update(self._tasks[task], completed=done, total=total, label=label)

    def say(self, line: str) -> None:
        self._progress.console.print(line, highlight=False)


@contextmanager
def reporter() -> Iterator[Reporter]:
    """Return the reporter that suits where the output goes, for the length of a block."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[label]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress)
