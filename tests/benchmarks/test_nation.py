"""What the nation would take is drawn on from what was measured, and says how far off it was."""

import json

import pytest
from benchmarks.nation import NATION, ON_CLUSTER, RESULTS, Size, drawn_on, page, sizes


def size(benes: int, slope: float) -> Size:
    did = {"task_seconds": 60 + slope * benes, "read_mb": slope * benes, "shuffled_mb": benes / 100}
    did["partitions"] = 4
    return Size(benes, did, 10.0, 5.0)


def test_a_line_is_drawn_on_and_held_against_the_largest_size() -> None:
    straight = [size(benes, 0.01) for benes in (1_000, 10_000, 100_000)]
    assert drawn_on(*straight[1:], "task_seconds", NATION) == pytest.approx(60 + 0.01 * NATION)
    row = "| time that tasks held a core, seconds | 70 | 160 | 1,060 | 1,060 | +0% | 600,060 |"
    assert row in page(straight)
    assert "one more partition for every 2 million claim rows of a year, at most 2,400 for" in page(
        straight
    )
    bent = [*straight[:2], size(100_000, 0.02)]
    assert "| 70 | 160 | 2,060 | 1,060 | -49% |" in page(bent)
    with pytest.raises(ValueError, match="found 2 sizes, expected three or more"):
        page(straight[:2])


def test_only_what_was_counted_on_the_cluster_is_drawn_on() -> None:
    one = {"benes": 5, "spark": ON_CLUSTER, "spark_seconds": 6.0, "duckdb_seconds": 2.0}
    did = {"counted": {"task_seconds": 1.0}}
    found = sizes({"b": one | did, "a": one | did | {"benes": 3}, "local": one | did | {
        "spark": "local"}, "older": one})  # fmt: skip
    assert [(s.benes, s.slower) for s in found] == [(3, 3.0), (5, 3.0)]


def test_the_page_is_that_of_the_kept_results() -> None:
    kept = json.loads((RESULTS / "spark.json").read_text(encoding="utf-8"))
    assert (RESULTS / "nation.md").read_text(encoding="utf-8") == page(sizes(kept))
    assert all(one["differing"] == [] for one in kept.values())
