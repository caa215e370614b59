"""The cases of this part: runs of tiny stores, and the arithmetic of the figures."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tcoc.rules import progression
from tcoc.rules.progression import Guardrail
from tests.support.cases import case_files, run_case

HERE = Path(__file__).parent


@pytest.mark.parametrize("file", case_files(HERE))
def test_case(file: Path) -> None:
    run_case(file)


def numbers(values: list[Any]) -> pd.Series:
    return pd.Series(values, dtype="float64")


def cumulative(row: dict[str, Any]) -> None:
    found = progression.cumulative(numbers(row["annual"]))
    pd.testing.assert_series_equal(found, numbers(row["expected"]))


def savings(row: dict[str, Any]) -> None:
    given = pd.DataFrame({name: numbers(values) for name, values in row["given"].items()})
    if "base" in row:
        assert progression.savings_base(given) == row["base"]
    found = progression.savings(given, row.get("base"))
    for name, values in row["expected"].items():
        pd.testing.assert_series_equal(found[name], numbers(values), check_names=False, rtol=1e-9)


def guardrail(row: dict[str, Any]) -> None:
    found = progression.breaks_guardrail(numbers(row["differences"]).tolist(), Guardrail(0.01, 2))
    assert found == row["expected"]


def contributions(row: dict[str, Any]) -> None:
    parts = {
        year: {part: Decimal(amount) for part, amount in row[name].items()}
        for year, name in ((2014, "before"), (2015, "after"))
    }
    found = progression.contributions(parts).set_index("part")
    assert list(found.index) == list(row["expected"])
    for part, expected in row["expected"].items():
        assert found.loc[part, "change"] == Decimal(expected["change"])
        assert found.loc[part, "points"] == pytest.approx(expected["points"], abs=1e-15)
        assert found.loc[part, "growth"] == pytest.approx(expected["growth"], abs=1e-15)


@pytest.mark.parametrize("file", sorted((HERE / "arithmetic").glob("*.yml")), ids=lambda f: f.stem)
def test_arithmetic(file: Path) -> None:
    case = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert set(case) == {"rule", "words", "source", "kind", "rows"}
    kinds = {f.__name__: f for f in (cumulative, savings, guardrail, contributions)}
    for row in case["rows"]:
        kinds[case["kind"]](row)
