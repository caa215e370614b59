"""Measure whole commands, with all the processes that they start."""

import resource
import subprocess
import sys
from typing import Any

from tcoc.meter import metered


def measure_command(*words: str) -> dict[str, Any]:
    """Run a command of tcoc; return wall and CPU seconds and the peak of all its processes.

    A command that fails ends the benchmark with what it said.
    """
    before = _children_cpu()
    with metered(0.1) as reading:
        done = subprocess.run(
            [sys.executable, "-m", "tcoc.cli", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"tcoc {words[0]} ended with {done.returncode}:\n{done.stderr}")
    return {
        "seconds": reading.seconds,
        "cpu_seconds": round(_children_cpu() - before, 2),
        "peak_mb": reading.peak_mb,
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
