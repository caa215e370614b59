"""The data intake's report on tiny stores: lights, planted problems, hidden counts, what lacks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pytest

from tcoc.deliverables.data_intake.dictionary import CHECK_NAMES, SUBJECTS
from tcoc.deliverables.data_intake.words import headline
from tcoc.errors import InputError
from tcoc.params import load_policy
from tcoc.report.release import Release
from tcoc.rules.intake import (
    AMBER,
    COUNTED,
    GREEN,
    GREY,
    IMPORTED,
    MEASURED,
    NEEDS,
    RED,
    Limit,
    careful_share,
    change_checks,
    changes,
    completion_by_year,
    consequences,
    import_checks,
    limit,
)
from tcoc.study import Study
from tests.support.releases import release_of, show
from tests.support.tiny import tiny_study


def people(number: int, **more: Any) -> list[dict[str, Any]]:
    return [{"bene": f"B{i:03d}", "months": "2017-01..2018-12", **more} for i in range(number)]


def lines(number: int, year: int = 2018, **more: Any) -> list[dict[str, Any]]:
    return [
        {"bene": f"B{i % 40:03d}", "npi": 1234567893, "date": f"{year}-03-{i % 28 + 1:02d}",
         "hcpcs": f"{10000 + i}", **more}
        for i in range(number)
    ]  # fmt: skip


def stays(number: int) -> list[dict[str, Any]]:
    return [
        {"bene": f"B{i:03d}", "date": "2018-05-05", "from": "2018-05-01"} for i in range(number)
    ]


CLEAN: dict[str, Any] = {
    "people": people(40),
    "lines": [*lines(200, 2017), *lines(200)],
    "claims": stays(20),
}


@contextmanager
def released(given: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> Iterator[Release]:
    with tiny_study(given) as study:
        study.store.info.update({"source": {"kind": "case"}, **(info or {})})
        yield release_of(study, "data_intake")


def light(study: Study, check: str, year: int = 2018) -> str:
    found = study.frame("intake_checks").set_index(["check", "year"])["light"]
    return str(found[check, year])


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, GREEN), (0.0099, GREEN), (0.01, AMBER), (0.0499, AMBER), (0.05, RED), (1.0, RED),
     (None, GREY), (float("nan"), GREY)],
)  # fmt: skip
def test_light_turns_at_its_limits(value: float | None, expected: str) -> None:
    assert Limit(amber=0.01, red=0.05).light(value) == expected


def test_every_check_has_limits_a_rule_and_a_name() -> None:
    policy = load_policy()
    for check in (*COUNTED, *MEASURED, *IMPORTED):
        assert limit(policy, check).red > 0
        assert policy.entries[f"intake.{check}"].rule
        assert check in CHECK_NAMES
    assert sorted((*COUNTED, *MEASURED, *IMPORTED)) == sorted(CHECK_NAMES)


def test_limits_that_make_no_sense_are_an_input_error() -> None:
    policy = load_policy(options={"intake.missing_npi": {"amber": 0.5, "red": 0.1}})
    with pytest.raises(InputError, match=r"intake\.missing_npi.*0 < amber <= red"):
        limit(policy, "missing_npi")


# ---------------------------------------------------------------- planted problems

ADDED = {
    "lines": [
        *lines(40, specialty=None),
        *lines(40, npi=None),
        *lines(40, npi=1234567890),
        *lines(40, paid=-5),
        *lines(10, paid=200_000, allowed=200_000),
    ],
    "claims": [{**stay, "from": "2018-05-03"} for stay in stays(20)],
}
PLANTED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "bad lines and stays": (
        {key: [*CLEAN[key], *rows] for key, rows in ADDED.items()},
        ("unknown_specialty", "missing_npi", "npi_check_digit", "repeated_services",
         "negative_amounts", "outliers", "overlapping_stays"),
    ),
    "early deaths": (
        {"people": people(40, death="2018-01-15")},
        ("payments_after_death", "months_after_death", "short_run_out"),
    ),
    "months too few": (
        {"people": people(30, months="2018-04..2018-12")},
        ("claims_without_month", "people_without_month"),
    ),
    "months with gaps, plans, elsewhere": (
        {"people": people(40, months="2018-01..2018-03, 2018-07..2018-12", managed_care=True,
                          zip="90210")},
        ("month_gaps", "paid_in_managed_care", "zip_not_in_state"),
    ),
}  # fmt: skip


def test_a_clean_store_is_green() -> None:
    with tiny_study({**CLEAN, "completion": {2018: 1.0}}) as study:
        frame = study.frame("intake_checks")
        assert frame.loc[~frame["light"].isin([GREEN, GREY]), "check"].tolist() == []


@pytest.mark.parametrize("problem", PLANTED)
def test_a_planted_problem_turns_its_lights_red(problem: str) -> None:
    given, checks = PLANTED[problem]
    with tiny_study({**CLEAN, **given}) as study:
        assert {check: light(study, check) for check in checks} == dict.fromkeys(checks, RED)


def test_every_counted_check_has_a_planted_problem() -> None:
    assert set(COUNTED) <= {check for _, checks in PLANTED.values() for check in checks}


def test_a_lost_file_turns_the_changes_red() -> None:
    given = {**CLEAN, "lines": lines(200, 2017), "options": {"intake.change_min_people": 20}}
    with tiny_study(given) as study:
        assert [light(study, c) for c in SUBJECTS["change"]] == [RED, RED, RED]


# ---------------------------------------------------------------- measured checks


def test_changes_from_the_year_before() -> None:
    volumes = pd.DataFrame(
        [("dme", 2015, 0, 100, 50, 10.0), ("dme", 2015, 1, 9, 9, 9.0), ("dme", 2016, 0, 80, 55, 10),
         ("snf", 2015, 0, 10, 10, 10.0), ("snf", 2016, 0, 1, 1, 1.0),
         ("hha", 2015, 0, 90, 60, 10.0)],
        columns=["part", "year", "month", "rows", "people", "dollars"],
    )  # fmt: skip
    found = changes(volumes).set_index(["part", "year"])
    assert found.loc[("dme", 2016), "change_rows"] == pytest.approx(-0.2)
    assert found.loc[("dme", 2016), "change_people"] == pytest.approx(0.1)
    assert found.loc[("hha", 2016), "change_dollars"] == -1, "a part that ends is told"
    assert found.loc[("dme", 2015)].filter(like="change").isna().all(), "nothing before"
    checks = change_checks(found.drop("hha", level="part").reset_index(), [2016], least=50)
    assert dict(zip(checks["check"], checks["share"].round(6), strict=True)) == {
        "change_rows": 0.2, "change_people": 0.1, "change_dollars": 0.0,
    }  # fmt: skip


def test_completion_implied_by_late_months() -> None:
    months = pd.DataFrame({
        "year": [2018, 2018, 2017], "month": [9, 12, 12], "mature": [True, False, True],
        "paid_amount": [110.0, 90.0, 95.0], "prior_year_amount": [100.0, 100.0, 100.0],
        "growth": [1.1, 1.1, 1.0],
    })  # fmt: skip
    found = completion_by_year(months, lambda year: 0.99).set_index("year")
    assert found.loc[2018, "implied_completion"] == pytest.approx(200 / 220)
    assert found.loc[2018, "gap"] == pytest.approx(0.99 - 200 / 220)
    assert pd.isna(found.loc[2017, "implied_completion"]), "all months have their run-out"


def test_quarantine_and_unexplained_dollars() -> None:
    summary = pd.DataFrame({
        "read": [900, 100], "quarantined": [0, 5], "difference": [0.5, None],
        "dollars_in_files": [1000.0, None],
    })  # fmt: skip
    found = import_checks(summary).set_index("check")
    assert tuple(found.loc["quarantined", ["count", "of"]]) == (5, 1000)
    assert found.loc["unreconciled", "share"] == pytest.approx(0.0005)


# ---------------------------------------------------------------- the import


def test_import_summary_from_store_json() -> None:
    kind = {"read": 100, "imported": 90, "denied": 8, "quarantined": 2, "dollars": {
        "in_files": "1000.00", "in_store": "900.00", "difference": "0.00"}}  # fmt: skip
    info = {"import": {"types": {"carrier": kind}},
            "files": [{"type": "carrier"}, {"type": "dme"}]}  # fmt: skip
    with released({}, info) as release:
        row = release.study.frame("import_summary").iloc[0]
        assert (row["source"], row["files"], row["read"], row["denied"]) == ("carrier", 1, 100, 8)
        shown = release.table("intake_import")
        assert pd.isna(shown.value("rows", disposition="quarantined")), "a count of 1 to 10"
        assert release.holds("import_adds_up")
        assert light(release.study, "quarantined", 0) == RED


def test_a_row_without_disposition_is_noticed() -> None:
    info = {"import": {"types": {"carrier": {"read": 100, "imported": 90}}}}
    with released({}, info) as release:
        assert not release.holds("import_adds_up")


# ---------------------------------------------------------------- disclosure


def test_lights_do_not_tell_small_counts() -> None:
    least, many = 11, 100_000
    assert {careful_share(c, many, least) for c in range(1, 11)} == {10 / many}
    assert {careful_share(many - c, many, least) for c in range(11)} == {1.0}
    assert careful_share(0, many, least) == 0
    assert careful_share(11, 1000, least) == 0.011
    assert careful_share(989, 1000, least) == 0.989
    assert careful_share(3, 5, least) is None


def test_a_small_count_is_hidden_with_its_share() -> None:
    given = {**CLEAN, "lines": [*CLEAN["lines"], *lines(3, npi=None)]}
    with released(given) as release:
        row = release.table("intake_checks").where(check="missing_npi", year="2018")
        assert pd.isna(row.value("count"))
        assert pd.isna(row.value("share"))
        assert row.value("of") == 200, "203, to ten"
        assert row.value("light") == AMBER, "as if the three were ten of 203"
        assert light(release.study, "missing_npi") == AMBER


# ---------------------------------------------------------------- the notebook's sections


def test_every_section_on_a_clean_store_and_no_identifier() -> None:
    with released({**CLEAN, "years": [2017, 2018]}) as release:
        assert "2018" in headline(release)
        told = show(release) + "".join(release.table(n).frame.to_csv() for n in release.names)
        assert "Unknown specialty" in told
        assert "✔ green" in told
        assert "✖ red" in told
        assert "B001" not in told
        assert "1234567893" not in told


def test_empty_tables_and_years_without_claims() -> None:
    with released({"years": [2018, 2019]}) as release:
        assert set(release.study.frame("intake_checks")["light"]) <= {GREY, GREEN}
        show(release)


def test_a_year_without_claims() -> None:
    with released({"people": people(40), "lines": lines(50), "years": [2018, 2019]}) as release:
        assert light(release.study, "missing_npi", 2019) == GREY
        show(release)


def test_what_the_source_lacks_is_said() -> None:
    given = {**CLEAN, "lines": lines(100, specialty=None), "people": people(40, zip="")}
    with released(given, {"missing": ["dual status", "moon phase"]}) as release:
        frame = release.table("intake_missing").frame.set_index("missing")
        assert set(frame.index) == {"dual status", "moon phase", "specialty", "ZIP"}
        assert "attribution" in frame.loc["specialty", "cannot_be_computed"]
        assert "not known" in frame.loc["moon phase", "cannot_be_computed"]
        assert release.holds("missing_is_said")
        show(release)


def test_every_known_lack_names_rules() -> None:
    found = consequences(NEEDS)
    assert (found["rule"] != "").all()
    assert len(found) == len(NEEDS)
