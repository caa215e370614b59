"""Measure whole commands with all the processes that they start, and say on which machine."""

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from typing import Any

import psutil

from tcoc.resources.meter import metered
from tcoc.run.inputs import library_versions
from tcoc.run.key import git_commit


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


def machine(packages: Iterable[str] = ()) -> dict[str, Any]:
    """Return machine, versions and commit of a measurement, with packages that it needs besides."""
    return {
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9),
        },
        "versions": library_versions() | {name: metadata.version(name) for name in packages},
        "git_commit": git_commit(),
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
