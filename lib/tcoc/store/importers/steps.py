"""What an import is doing and how far it is, so that the time left can be told at any moment.

Everything is counted in bytes of the delivery: a file counts its bytes when it is read, and all
that follows reading together counts a fixed part of them, divided as was measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Literal

from tcoc.store.importers.sources import Progress
from tcoc.store.importers.staging import Connection

Part = Literal["settle", "people", "dispose", "count", "write"]

AFTER: dict[Part, float] = {
    "settle": 0.05, "people": 0.01, "dispose": 0.2, "count": 0.02, "write": 0.25,
}  # fmt: skip
"""Seconds of each part beside a second of reading, as two million carrier lines took them."""

SCAN = 0.25
"""The part of reading a file that is looking through its bytes, before the engine reads it."""

EVERY = 0.3
"""Seconds between two looks at how far a query is."""


@dataclass
class Steps:
    """The steps of one import; `tell` is called with the step, the bytes done and all bytes."""

    tell: Progress | None = None
    doing: str = "opening the delivery"
    size: float = 0
    _done: float = field(default=0)
    _weight: float = field(default=0)
    _scanned: float = field(default=0)
    _said: float = field(default=0)

    @property
    def total(self) -> float:
        """All bytes: those of the files, and what the work after reading counts."""
        return self.size * (1 + sum(AFTER.values()))

    def scanned(self, count: int) -> None:
        """Bytes of a file have been looked at; the engine reads it after that."""
        self._scanned += count * SCAN
        self._say(min(self._scanned, self._weight))

    @contextmanager
    def reading(self, con: Connection, name: str, size: int) -> Iterator[None]:
        """Read one file of the delivery."""
        with self._step(con, f"reading {name}", size):
            yield

    @contextmanager
    def after(self, con: Connection, part: Part, what: str, share: float = 1) -> Iterator[None]:
        """Do a share of one part of the work that follows reading."""
        with self._step(con, what, self.size * AFTER[part] * share):
            yield

    def finish(self) -> None:
        """All is done."""
        self.doing, self._done = "done", self.total
        self._say(0)

    @contextmanager
    def _step(self, con: Connection, what: str, weight: float) -> Iterator[None]:
        self.doing, self._weight, self._scanned = what, weight, 0
        self._say(0)
        with self._watched(con):
            yield
        self._done += weight
        self._weight = 0
        self._say(0)

    @contextmanager
    def _watched(self, con: Connection) -> Iterator[None]:
        """Tell how far the engine is with its query, now and then, while a step goes on."""
        if self.tell is None:
            yield
            return
        end = Event()

        def watch() -> None:
            while not end.wait(EVERY):
                share = max(con.query_progress(), 0) / 100
                self._say(self._scanned + (self._weight - self._scanned) * min(share, 1))

        watcher = Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            end.set()
            watcher.join()

    def _say(self, within: float) -> None:
        """Tell where the import is; a bar never goes back."""
        self._said = max(self._said, self._done + within)
        if self.tell is not None:
            self.tell(self.doing, round(self._said), max(round(self.total), 1))
