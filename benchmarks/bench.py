"""Measure a run at several sizes: wall, CPU and memory, beside raw scans and beside pandas.

    python -m benchmarks.bench params/runs/cy2018.yml --out benchmarks/results/new.json
    python -m benchmarks.bench --compare benchmarks/results/state.json benchmarks/results/new.json

Each measurement is a fresh process; repetitions of sizes and engines are interleaved, and medians
kept with their spread. Gate on CPU seconds and on ratios within one run: wall time drifts with the
machine. Beside the JSON a table (.md) and a plot of the scaling (.png) are written.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from math import log
from pathlib import Path
from typing import Any

from benchmarks import import_carrier, ours, reference
from benchmarks.commands import contract, machine, measure_commands, project_of
from benchmarks.results_page import table, write_plot
from benchmarks.sizes import WORK, benes, run_of_size

from tcoc.params import Run, load_run

STATE = 100
SMALL = 10
"""Sizes up to this are repeated; larger ones are measured once, unless --repeat-large says more."""

PANDAS = {"pandas": "string", "pandas_coded": "code"}
"""Comparison -> how it holds identifiers: as pandas reads them, or as whole numbers."""

REGRESSION = 1.15
"""Kept CPU seconds of all tables may grow so far: they drift with the machine."""

FALL = 0.9
"""A ratio measured within one run does not drift: less than this much of the kept one fails."""

RATIOS = tuple(f"{engine}{kind}_ratio" for engine in PANDAS for kind in ("", "_cpu"))

SAMPLE = Path(__file__).resolve().parents[1] / "params" / "runs" / "sample.yml"

Measured = dict[str, dict[int, list[dict[str, Any]]]]
"""By engine and size: the repetitions."""


# ---------------------------------------------------------------- measuring


def rounds(sizes: Iterable[int], small: int, large: int) -> list[int]:
    """Return the sizes in the order in which they are measured: all of them in each round."""
    chosen = sorted(sizes)
    return [
        size
        for number in range(max(small, large))
        for size in chosen
        if number < (small if size <= SMALL else large)
    ]


def engines(limit: str, largest: int) -> dict[str, Callable[[Path, Path, int], dict[str, Any]]]:
    """Return what is measured at each size; all tables at the size of a state, else the heavy."""

    def own(file: Path, out: Path, size: int) -> dict[str, Any]:
        return ours.measure(file, out, limit, heavy=size != STATE)

    def other(identifiers: str) -> Callable[[Path, Path, int], dict[str, Any]]:
        return lambda file, out, size: (
            {"steps": reference.measure(file, out, identifiers)} if size <= largest else {}
        )

    return {"ours": own, **{name: other(kind) for name, kind in PANDAS.items()}}


def measure(run: Run, chosen: argparse.Namespace) -> tuple[Measured, dict[int, int]]:
    """Measure every engine at every size, round by round; the tables must be equal."""
    files = {size: run_of_size(run, size, WORK) for size in chosen.sizes}
    people = {size: benes(load_run(file).store_path) for size, file in files.items()}
    found: Measured = {}
    for size in rounds(chosen.sizes, chosen.repeat, chosen.repeat_large):
        base = Path(tempfile.mkdtemp(prefix="tcoc-bench-", dir=WORK))
        try:
            for engine, call in engines(chosen.memory_limit, chosen.pandas_up_to).items():
                if result := call(files[size], base / engine, size):
                    found.setdefault(engine, {}).setdefault(size, []).append(result)
                    print(f"{size:4d} % {engine:13s} {_line(result)}", flush=True)
                    _assert_equal(base, engine)
        finally:
            shutil.rmtree(base)
    return found, people


def _line(result: dict[str, Any]) -> str:
    heavy = [result["steps"][name] for name in ours.HEAVY]
    wall, cpu = (sum(step[key] for step in heavy) for key in ("seconds", "cpu_seconds"))
    peak = max(step["peak_mb"] for step in heavy)
    return f"heavy steps {wall:7.1f} s {cpu:7.1f} CPU s {peak:6.0f} MB"


def _assert_equal(base: Path, engine: str) -> None:
    if engine != "ours" and (wrong := reference.differences(base / "ours", base / engine)):
        raise SystemExit(f"{engine}: the tables are not equal: {'; '.join(wrong)}")


def measure_whole(run: Run, limit: str) -> dict[str, Any]:
    """Measure the command with all its processes, on the state and on the sample."""
    found: dict[str, Any] = {}
    for name, what in (("state", run), ("sample", load_run(SAMPLE))):
        base = Path(tempfile.mkdtemp(prefix="tcoc-bench-", dir=WORK))
        try:
            found[name] = measure_commands(project_of(what, base), limit)
        finally:
            shutil.rmtree(base)
    seconds = contract(found["state"]) | {"sample_seconds": found["sample"]["command"]["seconds"]}
    return seconds | {"commands": {"memory_limit": limit, **found}}


# ---------------------------------------------------------------- what was found


def summary(found: Measured, people: dict[int, int], run: Run) -> dict[str, Any]:
    """Return medians with their spread, ratios and the exponent, and what they were measured on."""
    by_size = {e: {s: _steps(r) for s, r in sizes.items()} for e, sizes in found.items()}
    own = by_size["ours"]
    largest = STATE if STATE in own else max(own)
    steps = own[largest]
    scan = _scans(found["ours"][largest])
    heavy = {s: _heavy(rows, "cpu_seconds") for s, rows in own.items()}
    growth = {SMALL, largest} <= set(own) and largest > SMALL
    for name, row in steps.items():
        row.update(_ratios(name, row, by_size, largest, scan))
        if growth and name in own[SMALL]:
            ratio = row["cpu_seconds"] / max(own[SMALL][name]["cpu_seconds"], 0.01)
            row["scaling_exponent"] = round(log(ratio) / log(people[largest] / people[SMALL]), 3)
    result: dict[str, Any] = {
        "run": run.file.name,
        "benes": people[largest],
        "repetitions": {s: len(r) for s, r in found["ours"].items()},
        "total_seconds": round(sum(row["seconds"] for row in steps.values()), 2),
        "total_cpu_seconds": round(sum(row["cpu_seconds"] for row in steps.values()), 2),
        "peak_mb": max(row["peak_mb"] for row in steps.values()),
        "heavy_seconds": _heavy(steps, "seconds"),
        "heavy_cpu_seconds": heavy[largest],
        "raw_scan_cpu_seconds": scan["heavy"],
        "scan_ratio": round(heavy[largest] / scan["heavy"], 2),
    }
    for engine in PANDAS:
        if largest in by_size.get(engine, {}):
            theirs = by_size[engine][largest]
            result[f"{engine}_ratio"] = _ratio(_heavy(theirs, "seconds"), result["heavy_seconds"])
            result[f"{engine}_cpu_ratio"] = _ratio(_heavy(theirs, "cpu_seconds"), heavy[largest])
    if growth:
        between = log(people[largest] / people[SMALL])
        result["scaling_exponent"] = round(log(heavy[largest] / heavy[SMALL]) / between, 3)
    if {1, SMALL} <= set(heavy):
        slope = (heavy[SMALL] - heavy[1]) / (people[SMALL] - people[1])
        result["fixed_cpu_seconds"] = round(heavy[1] - slope * people[1], 2)
    result["sizes"] = {
        engine: {
            str(size): {
                "benes": people[size],
                **{key: _heavy(rows, key) for key in ("seconds", "cpu_seconds", "peak_mb")},
            }
            for size, rows in sizes.items()
        }
        for engine, sizes in by_size.items()
    }
    return result | {"steps": steps, "stages": _stages(found["ours"][largest]), **machine()}


def _ratio(top: float, bottom: float) -> float:
    return round(top / max(bottom, 0.01), 2)


def _ratios(
    name: str, row: dict[str, Any], by_size: dict[str, Any], size: int, scan: dict[str, float]
) -> dict[str, float]:
    found = {}
    if name in scan:
        found["scan_ratio"] = _ratio(row["cpu_seconds"], scan[name])
    for engine in PANDAS:
        theirs = by_size.get(engine, {}).get(size, {}).get(name)
        if theirs:
            found[f"{engine}_ratio"] = _ratio(theirs["seconds"], row["seconds"])
    return found


def _steps(repeats: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {n: _median([r["steps"][n] for r in repeats]) for n in repeats[0]["steps"]}


def _stages(repeats: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        table: {stage: _median([r["stages"][table][stage] for r in repeats]) for stage in found}
        for table, found in repeats[0]["stages"].items()
    }


def _median(rows: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = [row["seconds"] for row in rows]
    cpu = [row["cpu_seconds"] for row in rows]
    return {
        **{key: row for key, row in rows[0].items() if key == "deliverable"},
        "seconds": round(statistics.median(seconds), 2),
        "spread_seconds": round(max(seconds) - min(seconds), 2),
        "cpu_seconds": round(statistics.median(cpu), 2),
        "spread_cpu_seconds": round(max(cpu) - min(cpu), 2),
        "peak_mb": max(row["peak_mb"] for row in rows),
    }


def _scans(repeats: list[dict[str, Any]]) -> dict[str, float]:
    return {
        step: statistics.median(r["scans"][step]["cpu_seconds"] for r in repeats)
        for step in repeats[0]["scans"]
    }


def _heavy(rows: dict[str, dict[str, Any]], key: str) -> float:
    values = [rows[name][key] for name in ours.HEAVY if name in rows]
    return float(round(max(values) if key == "peak_mb" else sum(values), 2))


# ---------------------------------------------------------------- comparing


def compare(kept: Path, new: Path) -> int:
    """Print what became slower; exit 1 where a ratio fell by a tenth or the total grew."""
    old, now = (json.loads(file.read_text()) for file in (kept, new))
    for name, row in now["steps"].items():
        before = old["steps"].get(name, {}).get("cpu_seconds")
        if before:
            print(f"{name:30s} {before:8.2f} -> {row['cpu_seconds']:8.2f} CPU s")
    users = [key for key in now if key.endswith("_seconds") and key not in old.get("steps", {})]
    for key in ("scan_ratio", *RATIOS, "scaling_exponent", "peak_mb", "command_peak_mb", *users):
        print(f"{key:30s} {old.get(key, 'none')!s:>8} -> {now.get(key, 'none')!s:>8}")
    ratio = now["total_cpu_seconds"] / old["total_cpu_seconds"]
    print(f"total: {ratio:.2f} times the kept CPU seconds")
    fallen = [key for key in RATIOS if key in old and now.get(key, 0.0) < FALL * old[key]]
    for key in fallen:
        print(f"{key}: fell from {old[key]} to {now.get(key, 'none')}, more than a tenth")
    return int(bool(fallen) or ratio > REGRESSION)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a run at several sizes.")
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 100, 300],
                        choices=[1, 10, 100, 300], help="per cent of a state")  # fmt: skip
    parser.add_argument("--repeat", type=int, default=3, help="of 1 and 10 per cent")
    parser.add_argument("--repeat-large", type=int, default=1, help="of 100 and 300 per cent")
    parser.add_argument("--pandas-up-to", type=int, default=100, help="largest size in pandas")
    parser.add_argument("--memory-limit", default="2GB", help="of the engine, not of pandas")
    parser.add_argument("--whole", action="store_true",
                        help="also an import, and the command from claims to HTML")  # fmt: skip
    parser.add_argument("--whole-memory-limit", default="1400MB", help="of the engine, for these")
    parser.add_argument("--compare", type=Path, nargs=2)
    return parser.parse_args()


def main() -> int:
    chosen = _arguments()
    if chosen.compare:
        return compare(*chosen.compare)
    run = load_run(chosen.run)
    WORK.mkdir(exist_ok=True)
    whole: dict[str, Any] = {}
    if chosen.whole:
        limit = chosen.whole_memory_limit
        whole = measure_whole(run, limit)
        whole["import"] = import_carrier.measure(None, run.store_path, import_carrier.LINES, limit)
        print(import_carrier.sentence(whole["import"]), flush=True)
    result = summary(*measure(run, chosen), run) | whole
    print(table(result))
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(result, indent=1) + "\n")
        chosen.out.with_suffix(".md").write_text(table(result))
        write_plot(result, chosen.out.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
