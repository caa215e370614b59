"""Seconds and peak memory of a step, for the manifest and the benchmark."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass
class Reading:
    """What a step took: wall seconds, and the peak resident memory of the process tree."""

    seconds: float = 0.0
    peak_mb: float = 0.0


def _below(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes that a process started, directly or not.

    Linux names a process's children; where it does not, all processes of the machine are looked
    through, which takes a noticeable part of a core when it is done several times a second.
    """
    try:
        tasks = [*Path(f"/proc/{process.pid}/task").iterdir()]
        listed = [number for task in tasks for number in (task / "children").read_text().split()]
        children = [psutil.Process(int(number)) for number in listed]
        return [member for child in children for member in (child, *_below(child))]
    except psutil.NoSuchProcess:  # it ended meanwhile: the next look will see the rest
        return []
    except OSError:
        return process.children(recursive=True) if process.is_running() else []


def _tree_mb(process: psutil.Process) -> float:
    total = 0
    for member in [process, *_below(process)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:  # a child that ended between the two calls weighs nothing
            continue
    return total / 1e6


@contextmanager
def metered(interval: float = 0.2) -> Iterator[Reading]:
    """Measure a block: the reading is complete when the block has ended."""
    reading = Reading()
    process = psutil.Process()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            reading.peak_mb = max(reading.peak_mb, _tree_mb(process))
            stop.wait(interval)

    watcher = threading.Thread(target=watch, daemon=True)
    start = time.perf_counter()
    watcher.start()
    try:
        yield reading
    finally:
        stop.set()
        watcher.join()
        reading.seconds = round(time.perf_counter() - start, 2)
        reading.peak_mb = round(reading.peak_mb, 1)
