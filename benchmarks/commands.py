"""Measure whole commands with all the processes that they start, and say on which machine.

What an analyst waits for is measured in the order in which an analyst does it: a fresh run, the
same again, one value changed, an option changed, and a value changed in an open notebook. All of
it takes place in a project folder of its own, so that it starts from an empty cache.
"""

import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import yaml

from tcoc.params import Run
from tcoc.resources.meter import metered
from tcoc.run.inputs import library_versions
from tcoc.run.key import git_commit

ROOT = Path(__file__).resolve().parents[1]

CHANGES: Mapping[str, tuple[str, ...]] = {
    "command": ("--fresh",),
    "unchanged": (),
    "mpa_value": ("--set", "mpa.threshold={2020: 0.03}"),
    "attribution_option": ("--set", "attribution.hospital_use=visits"),
    "risk_option": ("--set", "risk.interval_level=0.9"),
}
"""What is measured of the command, in this order: each starts from what those before have left."""


def project_of(run: Run, folder: Path) -> Path:
    """Write a run file into a project folder of its own, and return it."""
    content = yaml.safe_load(run.file.read_text(encoding="utf-8"))
    content["store"] = str(run.store_path)
    chosen = run.spec.reference
    if isinstance(chosen, dict):
        content["reference"] = {name: str(run.resolve(path)) for name, path in chosen.items()}
    elif chosen:
        content["reference"] = str(run.resolve(chosen))
    file = folder / "params" / "runs" / run.file.name
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def measure_commands(file: Path, limit: str, wanted: Iterable[str] = CHANGES) -> dict[str, Any]:
    """Measure the command fresh, unchanged and changed, then a value in an open notebook."""
    found: dict[str, Any] = {}
    for name in wanted:
        options = ["--memory-limit", limit, *CHANGES[name]]
        found[name] = measure_command("run", str(file), *options)
        print(f"{name}: {found[name]}", flush=True)
    call = [sys.executable, "-m", "benchmarks.notebook", str(file)]
    said = subprocess.run(call, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found["notebook"] = json.loads(said.stdout.splitlines()[-1])
    print(f"notebook: {found['notebook']}", flush=True)
    return found


def contract(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds that stand at the top of a result, by their names there."""
    keys = {f"{name}_seconds": found[name]["seconds"] for name in CHANGES if name in found}
    peaks = {"command_peak_mb": found["command"]["peak_mb"]} if "command" in found else {}
    value = {"notebook_value_seconds": found["notebook"]["value_seconds"]}
    return keys | peaks | (value if "notebook" in found else {})


def measure_command(*words: str) -> dict[str, Any]:
    """Run a command of tcoc; return wall and CPU seconds and the peak of all its processes.

    A command that fails ends the benchmark with what it said.
    """
    before = _children_cpu()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
    with metered(0.1) as reading:
        done = subprocess.run(
            [sys.executable, "-m", "tcoc.cli", *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment,
        )
    if done.returncode:
        raise SystemExit(f"tcoc {words[0]} ended with {done.returncode}:\n{done.stderr}")
    return {
        "seconds": reading.seconds,
        "cpu_seconds": round(_children_cpu() - before, 2),
        "peak_mb": reading.peak_mb,
        # others at work on the machine show here: such seconds are no measure of the code
        "load": round(os.getloadavg()[0], 1),
    }


def machine(packages: Iterable[str] = ()) -> dict[str, Any]:
    """Return machine, versions and commit of a measurement, with packages that it needs besides."""
    return {
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "memory_gb": round(psutil.virtual_memory().total / 1e9),
            "load": [round(value, 1) for value in os.getloadavg()],
        },
        "versions": library_versions() | {name: metadata.version(name) for name in packages},
        "git_commit": git_commit(),
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
