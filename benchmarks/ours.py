"""Compute and measure every table of a run once, in a process of its own, beside raw scans.

    python -m benchmarks.ours params/runs/cy2018.yml --out DIR [--memory-limit 2GB] [--heavy]

writes the tables and measured.json to DIR. A raw scan reads the columns that a step needs, once,
as DuckDB reads them for a checksum: what no code on the same files can beat by much.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psutil

from tcoc.deliverables.registry import find, names, study
from tcoc.params import Run, load_run
from tcoc.resources.meter import metered
from tcoc.store.layout import Store, open_store

ROOT = Path(__file__).resolve().parents[1]
MEASURED = "measured.json"
Columns = Mapping[str, tuple[str, ...]]

HEAVY = (
    "beneficiary_year",
    "attribution",
    "risk_cells",
    "qp_clinicians",
    "qp_scores",
)
"""Population and spending, attribution, risk buckets, QP: the steps that are also in pandas."""

MONTHS = ("bene_id", "month", "part_a", "part_b", "managed_care", "esrd", "dual_code", "state",
          "zip")  # fmt: skip
READS: Mapping[str, Columns] = {
    "beneficiary_year": {
        "member_month": MONTHS,
        "professional": ("bene_id", "service_date", "paid_amount"),
        "facility": ("bene_id", "setting", "thru_date", "paid_amount"),
        "dme": ("bene_id", "service_date", "paid_amount"),
    },
    "attribution": {
        "professional": ("bene_id", "service_date", "npi", "specialty", "hcpcs", "allowed_amount"),
        "facility": ("bene_id", "setting", "ccn", "thru_date", "paid_amount"),
    },
    "qp_clinicians": {
        "member_month": ("bene_id", "month", "part_a", "part_b", "managed_care", "state"),
        "professional": ("bene_id", "service_date", "npi", "specialty", "hcpcs", "allowed_amount",
                         "paid_amount", "part_b_covered"),
    },
    "qp_scores": {"facility": ("bene_id", "setting", "ccn", "thru_date")},
    "intake_measured": {
        "member_month": MONTHS,
        "professional": ("claim_id", "bene_id", "service_date", "npi", "specialty", "hcpcs",
                         "allowed_amount", "paid_amount"),
        "facility": ("bene_id", "setting", "from_date", "thru_date", "paid_amount"),
        "dme": ("bene_id", "service_date", "paid_amount"),
    },
}  # fmt: skip
"""The columns that steps read from the store; other steps read tables of the run."""


def years_of(run: Run) -> Mapping[str, Iterable[int]]:
    """Return the calendar years that each of those steps reads (rule A0's default window)."""
    first, last = min(run.years), max(run.years)
    return {
        "beneficiary_year": run.years,
        "attribution": range(first - 3, last),
        "qp_clinicians": run.spec.qp_years,
        "qp_scores": run.spec.qp_years,
        "intake_measured": range(first - 1, last + 1),
    }


def cpu_seconds() -> float:
    """Return the CPU seconds of this process so far, user and system."""
    used = psutil.Process().cpu_times()
    return float(used.user + used.system)


def scan(store: Store, wanted: Iterable[tuple[str, int, Iterable[str]]]) -> dict[str, float]:
    """Read columns of tables and years once; return wall and CPU seconds."""
    before, start = cpu_seconds(), time.perf_counter()
    with duckdb.connect() as engine:
        for table, year, columns in wanted:
            files = [str(file) for file in store.files(table, [year])]
            if files:
                sums = ", ".join(f"bit_xor(hash({column}))" for column in columns)
                engine.execute(f"SELECT {sums} FROM read_parquet(?)", [files]).fetchall()
    seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 2), "cpu_seconds": round(cpu_seconds() - before, 2)}


def scans(run: Run) -> dict[str, dict[str, float]]:
    """Return the raw scan of each reading step, and of all columns of the heavy steps together."""
    store, years = open_store(run.store_path), years_of(run)
    found = {
        step: scan(store, [(t, y, c) for t, c in tables.items() for y in years[step]])
        for step, tables in READS.items()
    }
    together: dict[tuple[str, int], set[str]] = {}
    for step in (s for s in HEAVY if s in READS):
        for table, columns in READS[step].items():
            for year in years[step]:
                together.setdefault((table, year), set()).update(columns)
    found["heavy"] = scan(store, [(t, y, sorted(c)) for (t, y), c in sorted(together.items())])
    return found


def recorder(into: dict[str, dict[str, float]]) -> Callable[[str], AbstractContextManager[None]]:
    """Return a meter of a connection's steps; one that is taken year by year adds up."""

    @contextmanager
    def watch(name: str) -> Iterator[None]:
        before = cpu_seconds()
        with metered(0.1) as reading:
            yield
        row = into.setdefault(name, {"seconds": 0.0, "cpu_seconds": 0.0, "peak_mb": 0.0})
        row["seconds"] = round(row["seconds"] + reading.seconds, 2)
        row["cpu_seconds"] = round(row["cpu_seconds"] + cpu_seconds() - before, 2)
        row["peak_mb"] = max(row["peak_mb"], reading.peak_mb)

    return watch


def tables_of(run: Run, heavy: bool) -> list[tuple[str, str]]:
    """Return deliverable and name of the tables to measure, the heavy ones before all others.

    A table that another one needs is made with it: in this order no step hides a heavy one.
    """
    chosen = [name for name in names() if name in run.spec.deliverables]
    found = {product.name: name for name in chosen for product in find(name).tables}
    first = [name for name in HEAVY if name in found]
    rest = [] if heavy else [name for name in found if name not in first]
    return [(found[name], name) for name in (*first, *rest)]


def compute(file: Path, out: Path, memory_limit: str, heavy: bool) -> dict[str, Any]:
    """Compute a run's tables in this process, each measured with the writing of its file."""
    run = load_run(file)
    out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"scans": scans(run), "steps": {}, "stages": {}}
    with study(run, out, memory_limit) as opened:
        for deliverable, name in tables_of(run, heavy):
            stages: dict[str, dict[str, float]] = {}
            opened.connection.watch = recorder(stages)
            before = cpu_seconds()
            with metered(0.1) as reading:
                opened.path(name)
            if len(stages) > 1:
                found["stages"][name] = stages
            found["steps"][name] = {
                "deliverable": deliverable,
                "seconds": reading.seconds,
                "cpu_seconds": round(cpu_seconds() - before, 2),
                "peak_mb": reading.peak_mb,
            }
    (out / MEASURED).write_text(json.dumps(found, indent=1) + "\n")
    return found


def measure(file: Path, out: Path, memory_limit: str, heavy: bool) -> dict[str, Any]:
    """Compute in a fresh process, so that its memory is its own; tables go to `out`."""
    command = [sys.executable, "-m", "benchmarks.ours", str(file.resolve())]
    options = ["--out", str(out.resolve()), "--memory-limit", memory_limit]
    flag = ["--heavy"] if heavy else []
    subprocess.run([*command, *options, *flag], cwd=ROOT, check=True)
    found: dict[str, Any] = json.loads((out / MEASURED).read_text())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ours", description="Compute and measure a run's tables once."
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--memory-limit", default="2GB")
    parser.add_argument("--heavy", action="store_true", help="only the steps also in pandas")
    chosen = parser.parse_args()
    compute(chosen.run, chosen.out, chosen.memory_limit, chosen.heavy)
    return 0


if __name__ == "__main__":
    sys.exit(main())
