"""What leaves: tables with their dictionary for every year, and sentences that follow the data."""

from typing import Any

import pytest

from tcoc.deliverables import registry
from tcoc.deliverables.y1_attribution import words
from tcoc.deliverables.y1_attribution.public import public_tables
from tcoc.disclosure import PublicTable, gate
from tcoc.report.facts import RunFacts
from tcoc.report.release import Release
from tests.support.tiny import tiny_study

PEOPLE = [{"bene": f"B{i:03}", "months": "2017-01..2018-12"} for i in range(120)]
GIVEN: dict[str, Any] = {
    "years": [2017, 2018],
    "completion": {2017: 0.99},
    "reference": {
        "aco_practitioners": [{"aco_id": "A1", "npi": 1, "ccn": "210001", "name": "Ada Example"}]
    },
    "people": PEOPLE,
    "lines": [
        {"bene": p["bene"], "npi": 1 + (i % 2), "date": f"{y}-03-01"}
        for i, p in enumerate(PEOPLE[:80])
        for y in (2016, 2017)
    ],
    "claims": [
        {"bene": p["bene"], "ccn": "210002", "paid": 1000, "date": f"{y}-05-01", "setting": s}
        for p, s in zip(PEOPLE[:100], ["inpatient"] * 80 + ["outpatient"] * 20, strict=True)
        for y in (2016, 2017)
    ],
}


def tables_of(given: dict[str, Any]) -> dict[str, PublicTable]:
    with tiny_study(given) as study:
        return dict(gate({"y1_attribution": public_tables(study)}, study.policy).tables)


@pytest.fixture(scope="module")
def tables() -> dict[str, PublicTable]:
    return tables_of(GIVEN)


def release(tables: dict[str, PublicTable]) -> Release:
    return Release(tables, RunFacts("tiny", years=(2017, 2018)), "y1_attribution")


def test_counts_and_dollars_by_hospital_and_stage_for_every_year(
    tables: dict[str, PublicTable],
) -> None:
    frame = tables["hospitals_by_stage"].frame
    assert set(frame["year"]) == {2017, 2018}
    row = frame[(frame["year"] == 2017) & (frame["ccn"] == "210002")].set_index("stage")
    assert row.loc["mdpcp_like", "benes"] == 40
    assert row.loc["mdpcp_like", "tcoc"] == 40_000
    without_claims = frame[(frame["year"] == 2018) & (frame["stage"] == "all")]
    assert without_claims["benes"].notna().all()
    assert without_claims["tcoc"].isna().all()


def test_each_column_has_a_description(tables: dict[str, PublicTable]) -> None:
    bare = [
        f"{name}.{column}"
        for name, table in tables.items()
        if not name.startswith("example")
        for column, entry in table.columns.items()
        if not entry.description
    ]
    assert bare == []


def test_no_public_table_holds_a_clinician(tables: dict[str, PublicTable]) -> None:
    for name, table in tables.items():
        if not name.startswith("example"):
            text = table.frame.to_csv()
            assert "Ada Example" not in text
            assert "0000000001" not in text


def test_clinicians_by_specialty_hide_the_dollars_of_fewer_than_three(
    tables: dict[str, PublicTable],
) -> None:
    table = tables["practitioners_by_specialty"]
    assert table.value("clinicians", year=2018, stage="aco_like", specialty="all") == 1
    assert table.frame["tcoc"].isna().all()


def test_the_headline_is_of_the_last_year_with_complete_dollars(
    tables: dict[str, PublicTable],
) -> None:
    assert words.headline_year(tables["attribution_years"]) == 2017
    text = words.headline(release(tables))
    assert text.startswith("In 2017 all 120 eligible beneficiaries")
    waterfall = tables["attribution_waterfall"]
    share = waterfall.value("share_benes", year=2017, stage="aco_like")
    assert f"{share:.0%} ACO-like" in text


def test_a_year_with_claims_but_without_run_out_is_named_incomplete() -> None:
    given = {**GIVEN, "completion": {}}
    found = tables_of(given)
    assert "2017 is incomplete" in words.not_complete(found["attribution_years"])


def test_the_page_no_longer_claims_that_its_lists_are_year_ones(
    tables: dict[str, PublicTable],
) -> None:
    text = words.answer(release(tables))
    assert "hospital lists follow" not in text


def test_clinics_are_counted_by_their_numbers() -> None:
    claims = [
        *GIVEN["claims"],
        *({"bene": p["bene"], "ccn": "211801", "date": "2017-02-01", "setting": "outpatient"}
          for p in PEOPLE[100:120]),
    ]  # fmt: skip
    care = tables_of({**GIVEN, "claims": claims})["clinic_care"]
    row = care.where(year=2018)
    found = {name: row.value(name) for name in ("benes", "by_home", "outpatient", "clinic")}
    assert found == {"benes": 120, "by_home": 40, "outpatient": 40, "clinic": 20}
    assert "its own number: 20" in words.clinics(care).replace("a clinic's own", "its own")


def test_a_run_of_nobody_says_so() -> None:
    found = tables_of({"people": [{"bene": "B1", "state": "PA"}]})
    assert words.answer(release(found)) == words.NOBODY
    assert words.key_numbers(release(found)) == []


def test_a_run_without_combinations_says_so(tables: dict[str, PublicTable]) -> None:
    assert "combines no hospitals" in words.combinations(tables["combined_hospitals"])


def test_every_table_of_the_page_belongs_to_the_deliverable(
    tables: dict[str, PublicTable],
) -> None:
    assert registry.find("y1_attribution").public is public_tables
    assert {table.deliverable for table in tables.values()} == {"y1_attribution"}


def test_the_hospital_share_is_that_of_hospitals() -> None:
    """A hundred people of 1,000 hospital dollars, 80 of 100 professional: 100 of 108."""
    dollars = {**GIVEN, "claims": [c for c in GIVEN["claims"] if c["date"] < "2017"]}
    dollars["claims"] = [{**c, "date": "2017-05-01"} for c in dollars["claims"]]
    found = tables_of({**dollars, "years": [2017]})
    assert float(found["attribution_years"].value("hospital_share", year=2017)) == pytest.approx(
        0.926, abs=0.05
    )
    hospitals = found["hospital_per_capita"]
    state = hospitals.where(ccn="STATE", year=2017)
    assert float(state.value("hospital_share")) == pytest.approx(0.926, abs=0.05)


def test_people_whose_zip_is_not_known_live_at_a_place_with_a_name() -> None:
    people = [{**p, "zip": ""} if i < 60 else p for i, p in enumerate(PEOPLE)]
    homes = tables_of({**GIVEN, "people": people})["where_they_live"].frame
    assert (homes["zip"] != "").all()
    assert homes.loc[homes["zip"] == "unknown", "benes"].sum() >= 40
