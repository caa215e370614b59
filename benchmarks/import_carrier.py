"""Import of a large carrier file, beside DuckDB's own reading of the same file as text.

    python benchmarks/import_carrier.py RIF_FOLDER --lines 10000000 [--memory-limit 3GB]

RIF_FOLDER holds any whole RIF delivery; its carrier lines are repeated under new claim numbers.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import duckdb

from tcoc.meter import metered
from tcoc.store.importers import import_files


def grow(source: Path, target: Path, lines: int) -> None:
    """Write the delivery with about `lines` carrier lines: copy the rest, repeat the carrier."""
    target.mkdir()
    for file in source.iterdir():
        if file.name != "carrier.csv":
            shutil.copy(file, target / file.name)
    read = f"read_csv('{source / 'carrier.csv'}', delim='|', all_varchar=true, quote='')"
    with duckdb.connect() as engine:
        have = engine.execute(f"SELECT count(*) FROM {read}").fetchone()
        copies = -(-lines // (have[0] if have else 1))
        engine.execute(
            f"COPY (SELECT * REPLACE (CLM_ID || 'c' || i AS CLM_ID) FROM {read},"
            f" range({copies}) AS copies(i)) TO '{target / 'carrier.csv'}'"
            " (DELIMITER '|', HEADER, QUOTE '')"
        )


def scan_seconds(file: Path) -> float:
    """Seconds in which DuckDB reads every column of the file as text and keeps none of it."""
    start = time.perf_counter()
    with duckdb.connect() as engine:
        engine.execute(
            "SELECT min(COLUMNS(*)) FROM read_csv(?, delim='|', all_varchar=true)", [str(file)]
        ).fetchall()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Import of a large carrier file.")
    parser.add_argument("source", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--memory-limit", default="3GB")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tcoc-import-") as folder:
        delivery = Path(folder) / "in"
        grow(chosen.source, delivery, chosen.lines)
        size = (delivery / "carrier.csv").stat().st_size / 1e9
        scan = scan_seconds(delivery / "carrier.csv")
        with metered() as reading:
            import_files("rif", delivery, Path(folder) / "store", memory_limit=chosen.memory_limit)
    print(
        f"{chosen.lines:,} lines, {size:.2f} GB: DuckDB reads in {scan:.1f} s, the import takes"
        f" {reading.seconds:.1f} s ({scan / reading.seconds:.2f} of its speed),"
        f" {reading.peak_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
