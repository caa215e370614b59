"""Measure what each alternative of an attribution value moves, and keep it for docs/evidence.md.

    python tools/measure_alternatives.py [RUN.yml]

Each alternative of params/policy/attribution.yml is tried alone on a run's store. The file
docs/effects.csv then says which share of people and dollars another hospital would have.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from tcoc.deliverables.registry import study
from tcoc.params import load_policy, load_run
from tcoc.params.docs import EFFECTS
from tcoc.rules.attribution.effect import moved

COLUMNS = ("name", "alternative", "people", "dollars", "data")


def alternatives() -> Iterator[tuple[str, Any]]:
    """Yield each value of attribution that a run can replace, with each of its alternatives."""
    for name, entry in load_policy().entries.items():
        if name.startswith("attribution.") and entry.type != "statement":
            for other in entry.alternatives:
                yield name, other


def tables(run_file: Path, changes: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the attribution and the dollars of a run with some values replaced."""
    with TemporaryDirectory(prefix="tcoc-alternatives-") as work:
        run = load_run(run_file, {**changes, "deliverables": ["y1_attribution"]})
        with study(run, Path(work), memory_limit="2GB", threads=2) as opened:
            kind = "synthetic" if opened.store.synthetic else "real"
            people = opened.frame("beneficiary_year")
            data = f"run {run.name}, {kind} data, {len(people)} beneficiary-years"
            return opened.frame("attribution"), people, data


def main() -> None:
    run_file = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("params/runs/sample.yml")
    before, dollars, data = tables(run_file, {})
    rows = []
    for name, other in alternatives():
        after, after_dollars, _ = tables(run_file, {name: other})
        either = pd.concat([dollars, after_dollars]).drop_duplicates(["year", "bene_id"])
        found = moved(before, after, either)
        rows.append((name, str(other), f"{found.people:.5f}", f"{found.dollars:.5f}", data))
        print(*rows[-1][:4], flush=True)
    with EFFECTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
