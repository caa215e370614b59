"""Nothing is lost or made: people, months and dollars in equal those out (rules A1, A11, T4)."""

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import ibis
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tcoc.deliverables.risk_adjustment.panels import under_links
from tcoc.deliverables.y1_attribution import pieces
from tcoc.deliverables.y1_attribution import tables as core
from tcoc.params import AttributionPolicy
from tcoc.rules.attribution import PERSON
from tcoc.rules.attribution.waterfall import RELINKED, HospitalRules
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


@pytest.mark.parametrize("name", ["a8_minimum_panel", "a8_sticky", "random"])
def test_panels_linked_anew_are_where_attribution_would_put_them(name: str) -> None:
    if name == "random":
        given_rows = random_case(Random(27))
        asked = {"attribution.minimum_panel": 3, "attribution.panel_link": "sticky"}
        given_rows["options"] |= asked
    else:
        file = Path(__file__).parent / "cases" / f"{name}.yml"
        given_rows = yaml.safe_load(file.read_text(encoding="utf-8"))["given"]
    off = {"attribution.minimum_panel": 0, "attribution.panel_link": "yearly"}
    with tiny_study(given_rows) as study:
        wanted = study.frame("attribution", exact=True)[list(RELINKED)]
        link = HospitalRules.from_policy(AttributionPolicy.of(study.policy)).link
    with tiny_study({**given_rows, "options": given_rows["options"] | off}) as study:
        before = study.frame("attribution", exact=True)[list(RELINKED)]
        own = study.table("attribution").select(*RELINKED)
        for _, moved in under_links(study, {"other": link}, study.run.years):
            rows = ibis.union(own.anti_join(moved.before, PERSON), moved.after)
            found = study.connection.fetch(rows, ["year", "bene_id", "ccn"])[list(RELINKED)]
    pd.testing.assert_frame_equal(found, wanted)
    assert not found.equals(before)
