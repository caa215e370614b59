"""The runner of YAML cases: a rule, its words, the given rows, the expected rows, the source.

`expect` names tables of the run; each expected row shows the columns that matter, and `why` says
which clause it is about. Rows are compared in key order, and their number must agree; `among`
limits the comparison to rows with these values. `error` is a piece of the expected sentence.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tcoc.errors import InputError
from tests.support.tiny import tiny_study

NEEDED = {"rule", "words", "source", "given"}


def case_files(folder: Path) -> list[Any]:
    """All cases of a folder as pytest parameters."""
    files = sorted((folder / "cases").glob("*.yml"))
    assert files, f"no cases in {folder}"
    return [pytest.param(file, id=file.stem) for file in files]


def run_case(file: Path) -> None:
    """Run one case and compare what it expects."""
    case = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert set(case) >= NEEDED, f"{file.name}: {NEEDED - set(case)} missing"
    assert ("error" in case) != ("expect" in case)
    if "error" in case:
        with pytest.raises(InputError, match=case["error"]), tiny_study(case["given"]) as study:
            study.table("attribution")
        return
    with tiny_study(case["given"]) as study:
        found = {name: study.frame(name, exact=True) for name in case["expect"]}
    for name, wanted in case["expect"].items():
        compare(found[name], wanted, case.get("among", {}).get(name, {}))


def compare(found: pd.DataFrame, wanted: list[dict[str, Any]], among: Mapping[str, Any]) -> None:
    """Compare rows on the columns that each expected row shows."""
    for column, value in among.items():
        found = found[found[column] == value]
    rows = found.to_dict("records")
    shown = [{k: v for k, v in row.items() if k != "why"} for row in wanted]
    for row, expected in zip(rows, shown, strict=False):
        seen = {k: _plain(row[k]) for k in expected}
        assert seen == {k: _like(v, seen[k], k) for k, v in expected.items()}, row
    assert len(rows) == len(shown), rows


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal | date | str | bool):
        return value
    return None if pd.isna(value) else value


def _like(expected: Any, seen: Any, column: str) -> Any:
    if expected is None:
        return None
    if isinstance(seen, Decimal):
        return Decimal(str(expected))
    if column in ("npi", "runner_up"):
        return str(expected).zfill(10)
    if isinstance(seen, float):
        top, _, bottom = str(expected).partition("/")
        return pytest.approx(float(top) / float(bottom or 1), abs=1e-9)
    return expected
