"""Seconds and peak memory of a step, for the manifest and the benchmark."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil


@dataclass
class Reading:
    """What a step took: wall seconds, and the peak resident memory of the process tree."""

    seconds: float = 0.0
    peak_mb: float = 0.0


def _tree_mb(process: psutil.Process) -> float:
    total = 0
    for member in [process, *process.children(recursive=True)]:
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
