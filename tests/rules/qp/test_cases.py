"""Every case of cases/q1*.yml to q3*.yml: from rows of claims to denominators and scores."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tcoc.store.connection import Connection

from . import tools

CASES = [
    pytest.param(case, id=f"{file.stem}: {case['case']}")
    for file in sorted((Path(__file__).parent / "cases").glob("q[123]_*.yml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], connection: Connection) -> None:
    result = tools.compute(connection, tools.read_given(case["given"]))
    for name, expected in case["expect"].items():
        check_rows(getattr(result, name), expected)


def check_rows(found: pd.DataFrame, expected: list[dict[str, Any]]) -> None:
    rows = found.to_dict("records")
    assert len(rows) == len(expected), rows
    for row, want in zip(rows, expected, strict=True):
        for column, value in want.items():
            assert same(row[column], value), (column, row[column], value)


def same(found: Any, expected: Any) -> bool:
    if isinstance(found, Decimal):
        return found == Decimal(str(expected))
    return bool(found == expected)
