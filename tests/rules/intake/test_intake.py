"""The data intake's volumes, checks and lights, on tables of a few rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcoc.rules import intake
from tcoc.store.connection import Connection, connect
from tcoc.store.schema import TABLES
from tests.support.tiny import tiny_study

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "checks.yml").read_text("utf-8"))
YEARS = range(2014, 2020)
DEFAULTS: dict[str, dict[str, Any]] = {
    "beneficiary": {"bene_id": "B", "birth_date": "1940-01-01", "sex": "F"},
    "member_month": {"bene_id": "B", "month": "2016-05-01", "part_a": True, "part_b": True,
                     "managed_care": False, "esrd": False, "state": "MD", "zip": "21201"},
    "professional": {"claim_id": "C", "line_number": 1, "bene_id": "B", "npi": "1234567893",
                     "service_date": "2016-05-10", "specialty": "11", "hcpcs": "99213",
                     "allowed_amount": "100", "paid_amount": "80", "part_b_covered": True},
    "facility": {"claim_id": "F", "bene_id": "B", "setting": "inpatient", "ccn": "210001",
                 "from_date": "2016-05-01", "thru_date": "2016-05-05", "paid_amount": "5000"},
    "dme": {"claim_id": "D", "line_number": 1, "bene_id": "B", "service_date": "2016-05-10",
            "allowed_amount": "10", "paid_amount": "8"},
}  # fmt: skip


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with connect(threads=1) as opened:
        yield opened


def tables(connection: Connection, given: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Store tables with the given rows; the person is always there."""
    rows = {"beneficiary": [{}], **given}
    return {name: _load(connection, name, rows.get(name, [])) for name in TABLES}


def _load(connection: Connection, name: str, rows: list[dict[str, Any]]) -> Any:
    schema = TABLES[name].schema
    frame = pd.DataFrame(
        [{c: _value({**DEFAULTS[name], **r}.get(c), t) for c, t in schema.items()} for r in rows],
        columns=list(schema),
    ).astype(object)
    return connection.load(frame.where(frame.notna(), None), schema)


def _value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "date":
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    return Decimal(str(value)) if kind.startswith("decimal") else value


def counted(
    connection: Connection, made: Mapping[str, Any], zips: Any, years: Sequence[int]
) -> pd.DataFrame:
    rows = intake.year_rows(made, years, connection.keep)
    sums = connection.fetch(intake.claim_sums(rows, 1000, 100000), ["part", "year", "month"])
    enrolled = {*connection.fetch(rows.people)["year"]}
    claims = [intake.claim_checks(sums, year in enrolled, year) for year in years]
    counts = [*intake.check_tables(rows, zips), intake.overlapping_stays(made["facility"])]
    found = [connection.fetch(table, ["year"]) for table in counts]
    frame = intake.counted([*claims, *found])
    return frame[frame["year"].isin(years)]


@pytest.mark.parametrize("case", CASES, ids=[f"{c['check']}: {c['words']}" for c in CASES])
def test_check(case: dict[str, Any], connection: Connection) -> None:
    made = tables(connection, case["given"])
    zips = connection.load(pd.DataFrame({"zip": ["21201"]}), {"zip": "string"})
    together = counted(connection, made, zips, YEARS)
    one_by_one = pd.concat([counted(connection, made, zips, [year]) for year in YEARS])
    for found in (together, one_by_one):
        frame = found[found["check"] == case["check"]].sort_values("year")
        rows = frame[["year", "count", "of"]].to_numpy()
        assert [list(map(int, row)) for row in rows] == case["expect"]


@pytest.mark.parametrize("case", CASES, ids=[f"{c['check']}: {c['words']}" for c in CASES])
def test_checks_from_a_year_on_are_those_of_all_years(
    case: dict[str, Any], connection: Connection
) -> None:
    made = tables(connection, case["given"])
    zips = connection.load(pd.DataFrame({"zip": ["21201"]}), {"zip": "string"})
    every = intake.year_rows(made, YEARS, connection.keep)
    some = intake.from_year(every, YEARS[1])
    whole, later = (
        intake.counted([connection.fetch(t, ["year"]) for t in intake.check_tables(rows, zips)])
        for rows in (every, some)
    )
    pd.testing.assert_frame_equal(later, whole[whole["year"] >= YEARS[1]].reset_index(drop=True))


def test_volumes_count_rows_people_and_dollars(connection: Connection) -> None:
    made = tables(connection, {
        "member_month": [{}, {"bene_id": "B2"}, {"month": "2017-02-01"}],
        "professional": [{}, {"claim_id": "C2"}, {"claim_id": "C3", "bene_id": "B2"}],
        "facility": [{"thru_date": "2016-06-02", "setting": "snf"}],
    })  # fmt: skip
    rows = intake.year_rows(made, [2016, 2017], connection.keep)
    sums = connection.fetch(intake.claim_sums(rows, 1000, 100000), ["part", "year", "month"])
    people = connection.fetch(intake.people_counts(rows), ["part", "year"])
    frame = intake.volumes(sums, people).sort_values(["year", "part", "month"])
    found = [
        (*r[:5], None if pd.isna(r[5]) else float(r[5])) for r in frame.itertuples(index=False)
    ]
    assert found == [
        ("all claims", 2016, 0, 4, 2, 5240.0),
        ("all claims", 2016, 5, 3, 2, 240.0),
        ("all claims", 2016, 6, 1, 1, 5000.0),
        ("member_month", 2016, 0, 2, 2, None),
        ("member_month", 2016, 5, 2, 2, None),
        ("professional", 2016, 0, 3, 2, 240.0),
        ("professional", 2016, 5, 3, 2, 240.0),
        ("snf", 2016, 0, 1, 1, 5000.0),
        ("snf", 2016, 6, 1, 1, 5000.0),
        ("member_month", 2017, 0, 1, 1, None),
        ("member_month", 2017, 2, 1, 1, None),
    ]


def test_every_check_runs_on_an_empty_store(connection: Connection) -> None:
    zips = connection.load(pd.DataFrame({"zip": ["21201"]}), {"zip": "string"})
    frame = counted(connection, tables(connection, {}), zips, YEARS)
    assert frame.empty
    grid = intake.with_shares(frame, [2016, 2017])
    assert len(grid) == 2 * len(intake.COUNTED)
    assert (grid["of"] == 0).all()
    assert grid["share"].isna().all()


def luhn(npi: str) -> bool:
    """The textbook form: from the right, every second digit doubled."""
    digits = [int(d) for d in reversed("80840" + npi)]
    return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


@settings(
    deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text("0123456789", min_size=10, max_size=10), min_size=1, max_size=40))
def test_check_digit_is_luhns(connection: Connection, npis: list[str]) -> None:
    table = connection.load(pd.DataFrame({"npi": npis}), {"npi": "string"})
    frame = connection.fetch(table.select("npi", good=intake.has_check_digit(table.npi)))
    assert all(good == luhn(npi) for npi, good in zip(frame["npi"], frame["good"], strict=True))


def test_the_tables_of_a_run() -> None:
    people = [{"bene": "B1", "zip": "21201"}, {"bene": "B2", "zip": "90210"}]
    given = {"people": people, "lines": [{"bene": "B1", "npi": 1, "date": "2018-12-31"}]}
    with tiny_study({**given, "years": [2018]}) as study:
        checks = study.frame("intake_checks")
        assert list(checks.columns) == ["check", "rule", "year", "count", "of", "share", "light"]
        assert set(checks["light"]) <= set(intake.LIGHTS)
        assert "B1" not in checks.to_csv()
        counts = study.frame("intake_counts")
        assert counts[counts["part"] == "professional"]["rows"].tolist() == [1, 1]


@pytest.mark.parametrize(("within", "year"), [("2018-01-10", 2018), ("2017-12-30", 2017)])
def test_stays_overlap_across_the_turn_of_a_year(within: str, year: int) -> None:
    longer = {2018: "2017-12-30", 2017: "2018-01-10"}[year]
    stays = [{"bene": "B1", "from": "2017-12-01", "date": longer},
             {"bene": "B1", "from": "2017-12-20", "date": within}]  # fmt: skip
    with tiny_study({"people": [{"bene": "B1"}], "claims": stays, "years": [year]}) as study:
        found = study.frame("intake_checks").set_index(["check", "year"])
        assert tuple(found.loc[("overlapping_stays", year), ["count", "of"]]) == (1, 1)
