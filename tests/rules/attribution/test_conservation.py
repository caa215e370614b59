"""Nothing is lost or made: people, months and dollars in equal those out (rules A1, A11, T4)."""

from decimal import Decimal
from random import Random
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcoc.deliverables.y1_attribution import pieces
from tcoc.deliverables.y1_attribution import tables as core
from tests.rules.attribution.test_second_opinion import random_case
from tests.support.tiny import tiny_study

TABLES = (
    "beneficiary_year",
    "attribution",
    "attribution_by_hospital",
    "attribution_by_practitioner",
    "hospital_year",
    "state_year",
    "attribution_movement",
)


def tables_of(case: dict[str, Any]) -> dict[str, pd.DataFrame]:
    with tiny_study(case) as study:
        return {name: study.frame(name, exact=True) for name in TABLES}


def shuffled(case: dict[str, Any], pick: Random) -> dict[str, Any]:
    parts = {k: case[k] for k in ("people", "lines", "claims", "dme")}
    tables = {k: list(v) for k, v in case["reference"].items()}
    for rows in (*parts.values(), *tables.values()):
        pick.shuffle(rows)
    return {**case, **parts, "reference": tables}


@settings(max_examples=2, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_conservation_and_row_order(seed: int) -> None:
    case = random_case(Random(seed))
    case = {k: list(v) if isinstance(v, list) else v for k, v in case.items()}
    found = tables_of(case)
    check_shares(found)
    check_sums(found)
    check_movement(found)
    again = tables_of(shuffled(case, Random(seed + 1)))
    for name, table in found.items():
        pd.testing.assert_frame_equal(table, again[name], check_exact=True)


@pytest.mark.parametrize("seed", [11, 15])
def test_years_together_and_one_by_one_give_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = random_case(Random(seed))
    form = case["options"]["attribution.window"]
    assert 2 in form.values(), "the windows of two years overlap"
    together = tables_of(case)
    assert together["attribution"]["year"].nunique() > 1
    for module in (core, pieces):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", 0)
    alone = tables_of(case)
    for name, table in together.items():
        pd.testing.assert_frame_equal(table, alone[name], check_exact=True)


def check_shares(found: dict[str, pd.DataFrame]) -> None:
    people, rows = found["beneficiary_year"], found["attribution"]
    sums = rows.groupby(["year", "bene_id"])["share"].sum()
    assert set(sums.index) == set(zip(people["year"], people["bene_id"], strict=True))
    assert ((sums - 1).abs() < 1e-9).all()
    assert (rows["share"] > 0).all()
    assert (rows.groupby(["year", "bene_id"])["stage"].nunique() == 1).all()
    assert rows.loc[rows["npi"].isna(), "stage"].eq("geographic").all()


def check_sums(found: dict[str, pd.DataFrame]) -> None:
    people = found["beneficiary_year"]
    for name in ("attribution_by_hospital", "hospital_year", "state_year"):
        table = found[name]
        for year, of_year in people.groupby("year"):
            part = table[table["year"] == year]
            assert abs(part["benes"].sum() - len(of_year)) < 1e-9
            assert abs(part["eligible_months"].sum() - of_year["eligible_months"].sum()) < 1e-9
            if of_year["tcoc"].notna().all():
                # each row is rounded to the cent once
                apart = sum(part["tcoc"], Decimal(0)) - sum(of_year["tcoc"], Decimal(0))
                assert abs(apart) <= Decimal("0.005") * len(part)
    hospitals = found["hospital_year"].dropna(subset="tcoc")
    assert (hospitals["tcoc_hospital"] + hospitals["tcoc_nonhospital"] == hospitals["tcoc"]).all()
    by_stage = found["attribution_by_hospital"]
    named = by_stage[by_stage["stage"] != "geographic"]["benes"].sum()
    assert abs(found["attribution_by_practitioner"]["benes"].sum() - named) < 1e-9


def check_movement(found: dict[str, pd.DataFrame]) -> None:
    moved = found["attribution_movement"]
    of_year = found["beneficiary_year"].groupby("year").size()
    assert moved[moved["stage_before"] != "none"]["benes"].sum() == of_year.get(2017, 0)
    assert moved[moved["stage_after"] != "none"]["benes"].sum() == of_year.get(2018, 0)
    assert (moved["benes_same_hospital"] <= moved["benes"]).all()
