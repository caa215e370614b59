"""Reading a run's reference tables: forms, keys, ignored hospitals (rules A5, A6, A10)."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zipcodes

from tcoc.errors import InputError
from tcoc.params import Run, RunFile, load_policy
from tcoc.params.policy import read_policy
from tcoc.paths import params_dir
from tcoc.reference import (
    REFERENCE_SPECS,
    Reference,
    load_code_lists,
    load_reference,
    zip_centroids,
)
from tcoc.reference.places import county_regions, zip_counties
from tests.support.tiny import write_reference


def load(folder: Path, given: dict[str, Any] | None = None, **options: Any) -> Reference:
    write_reference(folder / "store" / "reference", given or {})
    return load_reference(run_of(folder, options=options))


def run_of(folder: Path, options: dict[str, Any] | None = None, reference: Any = None) -> Run:
    spec = RunFile(
        name="tiny", store="store", years=[2018], reference=reference, options=options or {}
    )
    return Run(folder / "run.yml", spec, load_policy(options=spec.options))


def test_rows_of_ineligible_and_unknown_hospitals_are_ignored_with_a_count(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        {
            "psa_zips": [
                {"zip": "21740", "ccn": "210001"},
                {"zip": "21740", "ccn": "219999"},
                {"zip": "21740", "ccn": "218888"},
            ],
            "aco_hospitals": [
                {"aco_id": "A1", "ccn": "210001"},
                {"aco_id": "A1", "ccn": "219999"},
                {"aco_id": "A2", "ccn": "219999"},
            ],
            "aco_practitioners": [
                {"aco_id": "A1", "npi": 1, "ccn": "219999"},
                {"aco_id": "A1", "npi": 2, "ccn": "210001"},
                {"aco_id": "A2", "npi": 3},
            ],
            "combinations": [{"combination": "C", "ccn": "219999"}],
        },
    )
    assert dict(found.ignored) == {
        "aco_hospitals": 2,
        "aco_practitioners": 2,
        "psa_zips": 2,
        "combinations": 1,
    }
    roster = found.tables["aco_practitioners"]
    assert roster["npi"].tolist() == ["0000000001", "0000000002"]
    assert roster["ccn"].isna().tolist() == [True, False], "an ineligible link is no link"
    assert found.eligible_hospitals == ("210001", "210002", "210003")
    assert len(found.tables["hospitals"]) == 4, "the table itself keeps all"
    assert found.get("ecmad") is None
    assert [f.name for f in found.files][:2] == ["hospitals.csv", "aco_hospitals.csv"]


@pytest.mark.parametrize("name", [n for n, s in REFERENCE_SPECS.items() if s.mandatory])
def test_a_mandatory_table_that_is_missing_stops(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} \({name}.csv\) is missing"):
        load(tmp_path, {name: None})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"psa_zips": [{"zip": "2174", "ccn": "210001"}]}, 'line 2: zip: found "2174"'),
        ({"psa_zips": [{"zip": "21740", "ccn": "21001"}]}, 'line 2: ccn: found "21001"'),
        ({"psa_zips": [{"zip": "21740", "ccn": None}]}, 'line 2: ccn: found "", expected text'),
        ({"hospitals": [{"ccn": "210001", "attributable": "yes"}]}, "expected true or false"),
        (
            {"ecmad": [{"zip": "21740", "ccn": "210001", "ecmad": -1}]},
            "a number of at least 0",
        ),
        ({"ecmad": [{"zip": "21740", "ccn": "210001", "ecmad": "x"}]}, 'ecmad: found "x"'),
        (
            {"psa_zips": [{"zip": "21740", "ccn": "210001"}] * 2},
            "line 3: the key zip, ccn stands twice",
        ),
        (
            {"combinations": [{"combination": c, "ccn": "210001"} for c in "AB"]},
            "line 3: the key ccn stands twice",
        ),
        (
            {"care_partners": [{"npi": 1, "ccn": "210001", "program": "P", "start_date": "1/1"}]},
            'start_date: found "1/1"',
        ),
        (
            {"aco_practitioners": [{"aco_id": "A9", "npi": 1, "ccn": "210001"}]},
            "not among the ACO's hospitals",
        ),
    ],
)
def test_a_wrong_row_stops_with_a_sentence(
    tmp_path: Path, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence.replace("(", r"\(")):
        load(tmp_path, given)


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    write_reference(tmp_path / "store" / "reference", {})
    file = tmp_path / "store" / "reference" / "psa_zips.csv"
    pd.DataFrame({"zips": ["21740"], "ccn": ["210001"]}).to_csv(file, index=False)
    with pytest.raises(InputError, match=r'column "zip" is missing.*"zips"'):
        load_reference(run_of(tmp_path))


def test_a_path_for_each_table(tmp_path: Path) -> None:
    write_reference(tmp_path / "tables", {})
    paths = {name: f"tables/{name}.csv" for name, s in REFERENCE_SPECS.items() if s.mandatory}
    found = load_reference(run_of(tmp_path, reference=paths))
    assert len(found.tables["psa_zips"]) == 3
    with pytest.raises(InputError, match=r"nowhere.csv: there is no such file"):
        load_reference(run_of(tmp_path, reference=paths | {"ecmad": "nowhere.csv"}))


def test_medicaid_spending_is_a_path_with_checked_columns(tmp_path: Path) -> None:
    write_reference(tmp_path / "store" / "reference", {})
    file = tmp_path / "store" / "reference" / "medicaid_spending.parquet"
    pd.DataFrame({"bene_id": ["B"], "month": ["2018-01"]}).to_parquet(file)
    with pytest.raises(InputError, match='column "amount" is missing'):
        load_reference(run_of(tmp_path))
    pd.DataFrame({"bene_id": ["B"], "month": ["2018-01"], "amount": [1.0]}).to_parquet(file)
    assert load_reference(run_of(tmp_path)).paths["medicaid_spending"] == file


def test_the_projects_code_lists() -> None:
    codes = load_code_lists()
    assert len(codes.primary_care) == 47
    assert set(codes.step_1) == {"01", "08", "11", "37", "38", "50", "89", "97"}
    assert len(codes.step_2) == 19
    assert not set(codes.step_1) & set(codes.step_2)


def test_the_list_of_2018_is_the_one_of_2017_and_more() -> None:
    then, later = load_code_lists(), load_code_lists(services="mssp_2018")
    more = set(later.primary_care) - set(then.primary_care)
    assert set(then.primary_care) < set(later.primary_care)
    assert {"99487", "99489", "G0506"} <= more


def test_the_maryland_programs_specialties_move_four_to_step_1() -> None:
    own = load_code_lists(specialties="mdpcp_program")
    assert set(own.step_1) - set(load_code_lists().step_1) == {"16", "26", "27", "84"}
    assert not set(own.step_1) & set(own.step_2)


def test_an_unknown_list_names_the_nearest() -> None:
    with pytest.raises(InputError, match='did you mean "mssp_2018"'):
        load_code_lists(services="mssp_2108")


def test_all_hospitals_can_be_made_eligible_and_links_left_out(tmp_path: Path) -> None:
    given = {"aco_practitioners": [{"aco_id": "A1", "npi": 1, "ccn": "210001"}]}
    found = load(tmp_path / "a", given)
    assert "219999" not in found.eligible_hospitals
    assert found.tables["aco_practitioners"]["ccn"].tolist() == ["210001"]
    options = {"attribution.eligible_hospitals": "all", "attribution.roster_links": "none"}
    changed = load(tmp_path / "b", given, **options)
    assert "219999" in changed.eligible_hospitals
    assert changed.tables["aco_practitioners"]["ccn"].isna().all()


def test_a_zip_at_zero_has_no_centroid() -> None:
    centroids = zip_centroids()
    assert centroids["21201"] == (39.2946, -76.6252)
    lost = [z["zip_code"] for z in zipcodes.list_all() if float(z["lat"]) == float(z["long"]) == 0]
    assert lost
    assert not any(code in centroids for code in lost)
    listed = set(centroids)
    assert len(listed) == len(centroids)
    assert "21201" in listed
    assert not listed & set(lost)
    assert "2120" not in centroids


def test_every_county_of_the_zip_list_has_a_region_and_no_other() -> None:
    assert sorted(county_regions()) == sorted(set(zip_counties()["county"]))


def test_a_policy_and_tables_are_read_again_only_when_a_file_changed(tmp_path: Path) -> None:
    folder = shutil.copytree(params_dir() / "policy", tmp_path / "policy")
    before = read_policy(folder).entries["mpa.threshold"]
    assert read_policy(folder).entries["mpa.threshold"] is before
    file = folder / "mpa.yml"
    file.write_text(file.read_text().replace(f"name: {before.name}", "name: Another"))
    assert read_policy(folder).entries["mpa.threshold"].name == "Another"
    other = load(tmp_path)
    assert load_reference(run_of(tmp_path)) is other
    write_reference(
        tmp_path / "store" / "reference", {"psa_zips": [{"zip": "21740", "ccn": "210001"}]}
    )
    assert len(load_reference(run_of(tmp_path)).tables["psa_zips"]) == 1
