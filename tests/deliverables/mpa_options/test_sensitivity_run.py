"""`tcoc sensitivity` and `tcoc explain` on a store of three people (rule S1)."""

import pandas as pd
import pytest
import yaml
from tools import parameter_pages

from tcoc.cache import FOLDER, Cache
from tcoc.deliverables import registry
from tcoc.deliverables.mpa_options.explain import explain_mpa
from tcoc.deliverables.mpa_options.sensitivity import in_words, results_digest
from tcoc.deliverables.y1_attribution.explain import explain_attribution, explain_beneficiary
from tcoc.errors import InputError, TcocError
from tcoc.params import load_run
from tcoc.run import sensitivity
from tests.deliverables.mpa_options.test_mpa_run import QUALITY, given
from tests.support.tiny import store_tables, write_reference, write_store


class Quiet:
    def start(self, task, total):
        pass

    def advance(self, task, label=""):
        pass

    def reach(self, task, label, done, total):
        pass

    def say(self, line):
        pass


@pytest.fixture
def run_file(tmp_path):
    rows = given()
    write_store(tmp_path / "store", store_tables(rows))
    info = tmp_path / "store" / "store.json"
    info.write_text(info.read_text().replace('"years": []', '"years": [2017, 2018]'))
    write_reference(tmp_path / "store" / "reference", {"quality_adjustments": QUALITY})
    spec = {
        "name": "tiny",
        "store": "store",
        "years": [2017, 2018],
        "base_year": 2017,
        "performance_year": 2018,
        "rate_years": [2020],
        "completion": {2018: {"value": 0.995, "source": "by hand"}},
        "national_growth": {2020: {"value": 0.0233, "source": "by hand"}},
        "deliverables": ["y1_attribution", "risk_adjustment", "mpa_options"],
        "options": {"risk.replicates": 64},
    }
    file = tmp_path / "tiny.yml"
    file.write_text(yaml.safe_dump(spec))
    return file


def test_a_reader_knows_every_alternative_by_name(run_file):
    run = load_run(run_file)
    for case in sensitivity.cases(run):
        name, *said = in_words(run.policy, case.name, case.alternative, case.now)
        assert not any("_" in text for text in (name, *said))
        entry = run.policy.entries.get(case.name)
        assert entry is None or entry.name, f"{case.name} needs a name"
        if entry and entry.type in ("choice", "flag", "window"):
            assert entry.in_words(case.alternative) in entry.words.values() or entry.unit in (
                "version",
                "set",
            ), f"{case.name} needs words for {case.alternative}"


def test_words_are_those_of_the_policy_file(run_file):
    policy = load_run(run_file).policy
    window = in_words(policy, "attribution.window", "same year", "federal fiscal years 2")
    assert window == ["Years of claims behind attribution", "the same year",
                      "2 federal fiscal years"]  # fmt: skip
    assert in_words(policy, "mpa.max_at_risk", "0.0025")[1] == "0.25%"
    found = in_words(policy, "completion of 2018", "none (1)", "0.995")
    assert found == ["Completeness of 2018", "taken as complete", "0.995"]
    assert all(
        set(entry.words) <= set(entry.choices)
        for entry in policy.entries.values()
        if entry.type == "choice"
    )


def some_cases(run):
    wanted = {"mpa.threshold", "mpa.risk_method", "completion of 2018", "mpa.combined"}
    return [case for case in ALL_CASES(run) if case.name in wanted]


ALL_CASES = sensitivity.cases


def test_every_assumed_value_of_the_mpa_is_a_case(run_file):
    run = load_run(run_file)
    names = {case.name for case in sensitivity.cases(run)}
    assert {"mpa.threshold", "mpa.trend_reduction", "attribution.hospital_use"} <= names
    assert "completion of 2018" in names
    assert "risk.replicates" not in names, "the run itself replaces it"
    assert not any(name.startswith(("qp.", "intake.")) for name in names)


def test_a_case_moves_what_its_run_moves_and_is_kept(run_file, tmp_path, monkeypatch):
    monkeypatch.setattr(sensitivity, "cases", some_cases)
    out = tmp_path / "outputs"
    table = pd.read_parquet(sensitivity.measure(run_file, Quiet(), out))
    threshold = table[table["assumption"] == "mpa.threshold"]
    assert (threshold["dollars_moved"] > 0).all(), "a result inside the threshold is paid less"
    assert (threshold["people_moved"] == 0).all()
    completion = table[table["assumption"] == "completion of 2018"].iloc[0]
    assert completion["per_capita_change"] == pytest.approx(0.995 - 1)
    assert "incomplete" not in str(completion["why"]), "a factor of 1 covers the year"
    assert table["dollars_moved"].is_monotonic_decreasing

    monkeypatch.setattr(sensitivity, "_effect_of", _refuse)
    again = pd.read_parquet(sensitivity.measure(run_file, Quiet(), out))
    pd.testing.assert_frame_equal(again, table)

    run = load_run(run_file)
    work = tmp_path / "work"
    with registry.study(run, work, "1GB", 1, Cache(out / FOLDER)) as study:
        shown = study.frame("sensitivity")
        assert len(shown) == len(table)
    other = load_run(run_file, {"mpa.threshold": {2020: 0.05}})
    with registry.study(other, tmp_path / "other", "1GB", 1, Cache(out / FOLDER)) as study:
        assert study.frame("sensitivity").empty, "measured for other dollars"
    kept = out / ".sensitivity" / "tiny" / "sensitivity.parquet"
    table.drop(columns="now").to_parquet(kept)
    with registry.study(run, tmp_path / "third", "1GB", 1, Cache(out / FOLDER)) as study:
        assert study.frame("sensitivity").empty, "measured by code with other columns"

    monkeypatch.setattr(parameter_pages, "result_file", lambda name: tmp_path / f"{name}.json")
    monkeypatch.setattr("tcoc.study.result_file", lambda name: tmp_path / f"{name}.json")
    table.to_parquet(tmp_path / "whole.parquet")
    parameter_pages.keep_alternatives(tmp_path / "whole.parquet")
    for chosen, rows in ((run, len(table)), (other, 0)):
        with registry.study(
            chosen, tmp_path / f"kept-{rows}", "1GB", 1, Cache(out / FOLDER)
        ) as study:
            assert len(study.frame("sensitivity")) == rows, (
                "kept with the code, for its own dollars"
            )


def _refuse(*_arguments):
    raise AssertionError("a kept case was measured again")


def test_the_digest_is_of_the_dollars():
    rows = pd.DataFrame({"rate_year": 2020, "ccn": ["a", "b"], "mpa_dollars": [1.0, -2.0]})
    assert results_digest(rows) == results_digest(rows.iloc[::-1])
    assert results_digest(rows) != results_digest(rows.assign(mpa_dollars=[1.0, -2.01]))


# ---------------------------------------------------------------- explain


@pytest.fixture
def folder(run_file, tmp_path):
    work = tmp_path / "work"
    with registry.study(load_run(run_file), work, "1GB", 1) as study:
        for name in (
            "mpa",
            "mpa_terms",
            "reliability",
            "completion_years",
            "hospital_year",
            "attribution",
            "attribution_by_practitioner",
            "beneficiary_year",
        ):
            study.path(name)
    return work


def test_explained_dollars_are_the_runs_own(folder):
    text = explain_mpa(folder, "210001")
    assert "benchmark (M1): $10,000.00 x (1 + 0.0233 - 0.0033)^1 = $10,200.00" in text
    assert "completion factor of 0.9950 (by hand), for its run-out" in text
    mpa = pd.read_parquet(folder / "restricted" / "mpa.parquet")
    row = mpa[(mpa["ccn"] == "210001") & (mpa["option"] == "improvement_single")].iloc[0]
    assert f"= ${row['mpa_dollars']:,.2f}" in text.replace("-$", "$-").replace("$-", "$-")
    for option in set(mpa["option"]):
        assert "dollars (M4)" in explain_mpa(folder, "210002", option)


def test_a_number_that_is_not_what_its_steps_give_is_refused(folder):
    file = folder / "restricted" / "mpa.parquet"
    frame = pd.read_parquet(file)
    frame["scaled"] += 0.001
    frame.to_parquet(file)
    with pytest.raises(TcocError, match="scaled result comes to"):
        explain_mpa(folder, "210001")


def test_an_unknown_hospital_or_option_names_the_nearest(folder):
    with pytest.raises(InputError, match='did you mean "210003"'):
        explain_mpa(folder, "210009")
    with pytest.raises(InputError, match=r"attainment"):
        explain_mpa(folder, "210001", "atainment")


def test_a_person_and_their_attribution_are_explained(folder):
    text = explain_beneficiary(folder, "A")
    assert "2018: 12 eligible months, ZIP 21740" in text
    assert "total cost of care $10,098.00 = inpatient $10,098.00" in text
    assert "hospital 210001, stage geographic (rule A9)" in explain_attribution(folder, "A")
    for call in (
        lambda: explain_attribution(folder),
        lambda: explain_attribution(folder, "A", "1"),
    ):
        with pytest.raises(InputError, match="one of both"):
            call()
    with pytest.raises(InputError, match="eligible in no year"):
        explain_beneficiary(folder, "nobody")
