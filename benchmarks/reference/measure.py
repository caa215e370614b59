"""Compute every step once, in a process of its own, with wall and CPU seconds and peak memory."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tcoc.resources.meter import metered

from .inputs import IDENTIFIERS, Inputs, open_inputs
from .steps import CENTS, NAMED, STEPS

Measures = dict[str, dict[str, float]]
"""By step: seconds, cpu_seconds, peak_mb."""

MEASURED = "measured.json"
ROOT = Path(__file__).resolve().parents[2]


def measure(run_file: Path, out: Path, identifiers: str = "code") -> Measures:
    """Compute all steps in a fresh process, so that its memory is its own; tables go to `out`."""
    command = [sys.executable, "-m", "benchmarks.reference", str(run_file.resolve())]
    options = ["--out", str(out.resolve()), "--identifiers", identifiers]
    subprocess.run([*command, *options], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found: Measures = json.loads((out / MEASURED).read_text())
    return found


def compute(run_file: Path, out: Path, identifiers: str = "code") -> Measures:
    """Compute all steps in this process; each is timed with the writing of its table."""
    out.mkdir(parents=True, exist_ok=True)
    inputs = open_inputs(run_file, identifiers)
    found = {name: _step(inputs, name, out) for name in STEPS}
    (out / MEASURED).write_text(json.dumps(found, indent=1) + "\n")
    return found


def _step(inputs: Inputs, name: str, out: Path) -> dict[str, float]:
    before = time.process_time()
    with metered(0.05) as reading:
        inputs.tables[name] = STEPS[name](inputs)
        write(inputs, inputs.tables[name], out / f"{name}.parquet")
    cpu = round(time.process_time() - before, 2)
    return {"seconds": reading.seconds, "cpu_seconds": cpu, "peak_mb": reading.peak_mb}


def write(inputs: Inputs, frame: pd.DataFrame, file: Path) -> None:
    """Write a table as Parquet: dollars in place of cents, identifiers in place of codes."""
    columns = {c: frame[c] / 100 for c in CENTS if c in frame}
    columns |= {c: inputs.named(kind, frame[c]) for c, kind in NAMED.items() if c in frame}
    table = pa.Table.from_pandas(frame.assign(**columns), preserve_index=False)
    pq.write_table(table, file, compression="zstd")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reference",
        description="Compute and measure a run's heavy tables in pandas, for comparison.",
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--identifiers", choices=IDENTIFIERS, default=IDENTIFIERS[0])
    chosen = parser.parse_args()
    print(json.dumps(compute(chosen.run, chosen.out, chosen.identifiers), indent=1))
    return 0
