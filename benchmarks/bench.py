"""Measure every table of a run on a store: wall, CPU and peak memory, beside a raw scan.

    python benchmarks/bench.py params/runs/cy2018.yml --out benchmarks/results/state.json
    python benchmarks/bench.py --compare benchmarks/results/state.json NEW.json

Gate on CPU seconds and on ratios measured within one run: wall time drifts with the machine.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tcoc.meter import metered
from tcoc.params import load_run
from tcoc.pipeline import PARTS, Study, part_products, study
from tcoc.run import git_commit, library_versions

USED = {
    "member_month": ("bene_id", "month", "part_a", "part_b", "managed_care", "esrd", "dual_code",
                     "state", "zip"),
    "professional": ("bene_id", "service_date", "npi", "specialty", "hcpcs", "allowed_amount",
                     "paid_amount", "part_b_covered"),
    "facility": ("bene_id", "setting", "ccn", "from_date", "thru_date", "paid_amount"),
    "dme": ("bene_id", "service_date", "paid_amount"),
}  # fmt: skip
"""The columns that the steps read: the raw scan reads just these, once, over all years."""

REGRESSION = 1.15


def cpu_seconds() -> float:
    """CPU seconds of this process so far, user and system."""
    used = psutil.Process().cpu_times()
    return float(used.user + used.system)


def raw_scan(opened: Study) -> float:
    """CPU seconds to read every used column once, as DuckDB reads them for a checksum."""
    before = cpu_seconds()
    for name, columns in USED.items():
        table = opened.store_table(name)
        table.aggregate(**{c: table[c].hash().max() for c in columns}).execute()
    return cpu_seconds() - before


def steps(deliverables: list[str]) -> list[tuple[str, str]]:
    return [(d, p.name) for d in PARTS if d in deliverables for p in part_products(d)]


def measure(file: Path, memory_limit: str | None) -> dict[str, Any]:
    """Compute every table of a run once, in order, and measure each."""
    run = load_run(file)
    work = Path(tempfile.mkdtemp(prefix="tcoc-bench-"))
    found: dict[str, Any] = {}
    try:
        with study(run, work, memory_limit) as opened:
            scan = raw_scan(opened)
            for deliverable, name in steps(run.spec.deliverables):
                before = cpu_seconds()
                with metered(0.05) as reading:
                    opened.path(name)
                cpu = round(cpu_seconds() - before, 2)
                found[name] = {
                    "deliverable": deliverable,
                    "seconds": reading.seconds,
                    "cpu_seconds": cpu,
                    "peak_mb": reading.peak_mb,
                }
                print(f"{name:30s} {reading.seconds:8.2f} s {cpu:8.2f} CPU s"
                      f" {reading.peak_mb:8.0f} MB", flush=True)  # fmt: skip
    finally:
        shutil.rmtree(work)
    return {"raw_scan_cpu_seconds": round(scan, 2), "steps": found}


def summary(repeats: list[dict[str, Any]], file: Path) -> dict[str, Any]:
    """Medians over repetitions, with their spread, and what they were measured on."""
    names = repeats[0]["steps"]
    rows = {name: _median([r["steps"][name] for r in repeats]) for name in names}
    scan = statistics.median(r["raw_scan_cpu_seconds"] for r in repeats)
    cpu = sum(row["cpu_seconds"] for row in rows.values())
    return {
        "run": file.name,
        "repetitions": len(repeats),
        "total_seconds": round(sum(row["seconds"] for row in rows.values()), 2),
        "total_cpu_seconds": round(cpu, 2),
        "peak_mb": max(row["peak_mb"] for row in rows.values()),
        "raw_scan_cpu_seconds": scan,
        "scan_ratio": round(cpu / scan, 2) if scan else None,
        "steps": rows,
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine(),
                    "memory_gb": round(psutil.virtual_memory().total / 1e9)},
        "versions": library_versions(),
        "git_commit": git_commit(),
    }  # fmt: skip


def _median(rows: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = [row["seconds"] for row in rows]
    return {
        "deliverable": rows[0]["deliverable"],
        "seconds": statistics.median(seconds),
        "spread_seconds": round(max(seconds) - min(seconds), 2),
        "cpu_seconds": statistics.median(row["cpu_seconds"] for row in rows),
        "peak_mb": max(row["peak_mb"] for row in rows),
    }


def compare(kept: Path, new: Path) -> int:
    """Print step by step what became slower in CPU seconds; exit 1 when the total did."""
    old, now = (json.loads(f.read_text()) for f in (kept, new))
    for name, row in now["steps"].items():
        before = old["steps"].get(name, {}).get("cpu_seconds")
        if before:
            print(f"{name:30s} {before:8.2f} -> {row['cpu_seconds']:8.2f} CPU s")
    ratio = now["total_cpu_seconds"] / old["total_cpu_seconds"]
    print(f"total: {ratio:.2f} times the kept CPU seconds")
    return int(ratio > REGRESSION)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure every table of a run on a store.")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--memory-limit")
    parser.add_argument("--compare", type=Path, nargs=2)
    chosen = parser.parse_args()
    if chosen.compare:
        return compare(*chosen.compare)
    start = time.perf_counter()
    found = [measure(chosen.run, chosen.memory_limit) for _ in range(chosen.repeat)]
    result = summary(found, chosen.run)
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"all: {result['total_seconds']} s, {result['total_cpu_seconds']} CPU s,"
          f" {result['peak_mb']:.0f} MB, {result['scan_ratio']} times the raw scan"
          f" ({time.perf_counter() - start:.0f} s in all)")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
