"""Import of a large delivery, beside DuckDB's own reading of the same files as text.

    python -m benchmarks.import_carrier [RIF_FOLDER] --lines 10000000 [--memory-limit 3GB]

Without a folder the delivery is a year of the state-size store (`make state`) with all its people
and stays, written as CMS's Research Identifiable Files have them. A folder holds any whole RIF
delivery; its carrier lines are repeated under new claim numbers.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
from benchmarks.commands import measure_command
from benchmarks.delivery import from_delivery, from_store

from tcoc.store.layout import open_store

STATE = Path("stores/state")
YEAR = 2016
LINES = 10_000_000


def measure(source: Path | None, store: Path, lines: int, limit: str) -> dict[str, Any]:
    """Import so many carrier lines; return what it took, beside DuckDB's reading of the text."""
    with tempfile.TemporaryDirectory(prefix="tcoc-import-") as folder:
        delivery, out = Path(folder) / "in", Path(folder) / "store"
        if source:
            from_delivery(source, lines, delivery)
        else:
            from_store(store, YEAR, lines, delivery)
        files = sorted(delivery.glob("*.csv"))
        scan = sum(scan_seconds(file) for file in files)
        options = ["--from", str(delivery), "--out", str(out), "--memory-limit", limit]
        taken = measure_command("import", "rif", *options)
        return {
            "rows": open_store(out).info["rows"],
            "gigabytes": round(sum(file.stat().st_size for file in files) / 1e9, 2),
            "scan_seconds": round(scan, 2),
            "speed": round(scan / taken["seconds"], 2),
            **taken,
        }


def scan_seconds(file: Path) -> float:
    """Seconds in which DuckDB reads every column of the file as text and keeps none of it."""
    start = time.perf_counter()
    with duckdb.connect() as engine:
        engine.execute(
            "SELECT min(COLUMNS(*)) FROM read_csv(?, delim='|', all_varchar=true)", [str(file)]
        ).fetchall()
    return time.perf_counter() - start


def sentence(found: dict[str, Any]) -> str:
    """Say what an import read, what it took, and how fast DuckDB passes over the same text."""
    rows = ", ".join(f"{number:,} of {table}" for table, number in found["rows"].items() if number)
    return (
        f"Import of {found['gigabytes']:.2f} GB of text ({rows}): {found['seconds']:.1f} s,"
        f" {found['peak_mb']:,.0f} MB; DuckDB's own pass over the text takes"
        f" {found['scan_seconds']:.1f} s, so the import has {found['speed']:.2f} of its speed"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Import of a large delivery.")
    parser.add_argument("source", type=Path, nargs="?")
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--store", type=Path, default=STATE)
    parser.add_argument("--memory-limit", default="3GB")
    chosen = parser.parse_args()
    print(sentence(measure(chosen.source, chosen.store, chosen.lines, chosen.memory_limit)))


if __name__ == "__main__":
    main()
