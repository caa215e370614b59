"""Every check that a notebook asserts can fail: moved numbers are noticed (see moved.py)."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tcoc.deliverables import registry
from tests.house.moved import FLAGS, LESS, MORE, REPORT, SHIFTED, asserted, moved

KEPT = json.loads(REPORT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", registry.names())
def test_every_asserted_check_was_moved_and_says_what_it_noticed(name: str) -> None:
    assert set(KEPT[name]) == set(asserted(name)), "run `make checks`"
    assert all(KEPT[name].values())


def test_three_of_four_checks_notice_what_is_moved_and_two_of_five_at_30_percent() -> None:
    said = [move for checks in KEPT.values() for move in checks.values()]
    assert sum(not move.startswith("reason: ") for move in said) > 0.75 * len(said)
    assert sum("by 30 %" in move for move in said) > 0.4 * len(said)


def test_a_table_is_moved_as_it_is_said(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array([3, None, 10], pa.int32()), "x": [1.0, 2.0, -3.0],
                      "f": [True, False, True], "t": ["a", "b", "c"]})  # fmt: skip
    up = moved(table, "by 30 %", ["n", "x"])
    assert up["n"].to_pylist() == [4, None, 13]
    assert up["x"].to_pylist() == pytest.approx([1.3, 2.6, -3.9])
    assert up.schema == table.schema
    assert moved(table, FLAGS, ["f"])["f"].to_pylist() == [False, True, False]
    assert moved(table, SHIFTED, ["t"])["t"].to_pylist() == ["b", "c", "a"]
    assert (moved(table, LESS, []).num_rows, moved(table, MORE, []).num_rows) == (2, 4)
