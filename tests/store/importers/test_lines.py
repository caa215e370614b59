"""The line that a message names: rejected and blank lines before it count (rule I7)."""

import pytest

from tcoc.store.importers.lines import line_of


@pytest.mark.parametrize(
    ("skipped", "lines"),
    [
        ([], [2, 3, 4, 5]),
        ([2], [3, 4, 5, 6]),
        ([3], [2, 4, 5, 6]),
        ([3, 4], [2, 5, 6, 7]),
        ([3, 5], [2, 4, 6, 7]),
        ([2, 3, 6], [4, 5, 7, 8]),
    ],
)
def test_the_lines_that_were_skipped_count(skipped: list[int], lines: list[int]) -> None:
    assert [line_of(row, skipped, 1) for row in range(4)] == lines


def test_a_file_without_a_header_begins_with_its_first_line() -> None:
    assert [line_of(row, [2], 0) for row in range(3)] == [1, 3, 4]
