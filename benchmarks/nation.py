"""What the nation would take on Spark, from what was measured on two workers at several sizes.

    python -m benchmarks.nation

reads benchmarks/results/spark.json and writes benchmarks/results/nation.md. Between its two
largest sizes each quantity is a line, which is drawn on to the nation; the line through the two
before it says how far off such a drawing was at the largest size that was measured.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.results_page import markdown_rows
from benchmarks.spark_parity import where

from tcoc.store.spark import ROWS_OF_PARTITION

RESULTS = Path(__file__).parent / "results"

NATION = 60_000_000
"""The size that docs/spark.md asks about."""

ON_CLUSTER = where(2)
WHAT = {
    "task_seconds": "time that tasks held a core, seconds",
    "read_mb": "read from Parquet, MB",
    "shuffled_mb": "shuffled, MB",
}
CORES = (16, 64, 256)

CORES_OF_EXECUTOR = 4

PART_MB = 64
"""What Spark's adaptive execution aims at for a part of a shuffle (its advisory size)."""


@dataclass(frozen=True)
class Size:
    """A measurement of all tables: people, and what the executors did."""

    benes: int
    did: Mapping[str, float]
    seconds: float
    slower: float


def sizes(results: Mapping[str, Any]) -> list[Size]:
    """Return what was measured on the cluster, by size, where the executors were counted."""
    found = [
        Size(one["benes"], one["counted"], one["spark_seconds"],
             one["spark_seconds"] / one["duckdb_seconds"])
        for one in results.values()
        if one["spark"] == ON_CLUSTER and one.get("counted")
    ]  # fmt: skip
    return sorted(found, key=lambda size: size.benes)


def drawn_on(one: Size, other: Size, name: str, benes: int) -> float:
    """Return a quantity of so many people on the line through two sizes."""
    slope = (other.did[name] - one.did[name]) / (other.benes - one.benes)
    return other.did[name] + slope * (benes - other.benes)


def page(measured: Sequence[Size]) -> str:
    """Return the page as Markdown; ValueError for fewer than three sizes."""
    if len(measured) < 3:
        raise ValueError(f"found {len(measured)} sizes, expected three or more")
    before, small, large = measured[-3:]
    people = (f"{size.benes:,}" for size in measured)
    ends = f"{large.benes:,} by the two before", "off by", f"{NATION // 10**6} million"
    heads = ("all tables, two workers of one core", *people, *ends)
    rows: list[tuple[Any, ...]] = []
    for name, words in WHAT.items():
        told = drawn_on(before, small, name, large.benes)
        found = (round(size.did[name]) for size in measured)
        off = f"{told / large.did[name] - 1:+.0%}"
        nation = round(drawn_on(small, large, name, NATION))
        rows.append((words, *found, round(told), off, nation))
    rows.append(("seconds", *(round(size.seconds) for size in measured), "", "", ""))
    rows.append(("times DuckDB", *(round(size.slower, 1) for size in measured), "", "", ""))
    lines = ["# What the nation would take on Spark", "", *markdown_rows(heads, rows)]
    return "\n".join([*lines, "", *_cluster(small, large)]) + "\n"


def _cluster(small: Size, large: Size) -> list[str]:
    held, shuffled = (drawn_on(small, large, n, NATION) for n in ("task_seconds", "shuffled_mb"))
    spread = "; ".join(f"{held / cores / 60:,.0f} minutes on {cores} cores" for cores in CORES)
    least = ceil(shuffled / PART_MB)
    executors = " to ".join(str(cores // CORES_OF_EXECUTOR) for cores in (CORES[0], CORES[-1]))
    alone = (
        f"Tasks alone, spread evenly: {spread}, in {executors} executors of {CORES_OF_EXECUTOR}"
        " cores. What the driver plans, fetches and computes in pandas comes on top."
    )
    most = ceil(large.did["partitions"] / large.benes * NATION)
    parts = (
        f"All that is shuffled, {shuffled / 1e6:,.1f} TB in all steps together, makes {least:,}"
        f" parts of {PART_MB} MB. A single step shuffles some of it: this package asks for one more"
        f" partition for every {ROWS_OF_PARTITION // 10**6} million claim rows of a year, at most"
        f" {most:,} for the nation's, and Spark joins small ones."
    )
    return [alone, "", parts]


def main() -> None:
    """Write the page beside the results."""
    results = json.loads((RESULTS / "spark.json").read_text(encoding="utf-8"))
    (RESULTS / "nation.md").write_text(page(sizes(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
