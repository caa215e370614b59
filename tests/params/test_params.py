"""Run files and policy files: every mistake is one sentence that names key, found, expected."""

from pathlib import Path

import pytest

from tcoc.errors import InputError
from tcoc.params import load_policy, load_run, read_yaml
from tcoc.paths import params_dir

RUN = """
name: demo
store: store
years: [2017, 2018]
completion: {2017: 0.99}
"""

POLICY = """
threshold:
  description: A dated share.
  unit: share
  type: share
  minimum: 0
  maximum: 1
  by: performance_year
  values:
    2017: {value: 0.25, source: a source, status: sourced}
    2019: {value: 0.50, source: a source, status: assumed}
exact:
  description: A value for named years only.
  unit: share
  type: share
  by: rate_year_exact
  values:
    2020: {value: 0.005, source: a source, status: assumed}
mode:
  description: A choice.
  unit: none
  type: choice
  choices: [payments, visits]
  value: {value: payments, source: a source, status: assumed}
"""


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    file = tmp_path / "demo.yml"
    file.write_text(RUN)
    return file


@pytest.fixture
def policy_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "demo.yml").write_text(POLICY)
    return folder


def test_relative_paths_are_relative_to_the_run_file(run_file: Path) -> None:
    assert load_run(run_file).store_path == (run_file.parent / "store").resolve()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("yeers: [2017]", '"yeers" is unknown; did you mean "years"?'),
        ("engine: sparc", "engine: found 'sparc', expected"),
        ("reference: {hospitls: x.csv}", 'did you mean "hospitals"?'),
        ("base_year: two", "base_year: found 'two', expected a valid integer"),
        ("options: {attribution.nothing: 1}", '"attribution.nothing" is unknown'),
        ("national_growth: {2020: {value: 0.02}}", "national_growth.2020.source"),
        ("completion: {2017: 0}", "completion.2017"),
        ("name: other", 'the key "name" stands twice'),
        ("store: [", "is not YAML"),
    ],
)
def test_a_mistake_in_a_run_file_is_one_sentence(run_file: Path, line: str, sentence: str) -> None:
    text = RUN.replace("completion: {2017: 0.99}\n", "") if line.startswith("completion") else RUN
    run_file.write_text(text + line + "\n")
    with pytest.raises(InputError) as caught:
        load_run(run_file)
    message = str(caught.value)
    assert sentence in message
    assert "demo.yml" in message or line.startswith("options")
    assert "\n" not in message


def test_set_changes_a_run_key_or_says_the_nearest(run_file: Path) -> None:
    assert load_run(run_file, {"years": [2016]}).years == (2016,)
    with pytest.raises(InputError, match='did you mean "years"'):
        load_run(run_file, {"yeras": [2016]})


def test_a_missing_run_file_names_the_nearest(run_file: Path) -> None:
    with pytest.raises(InputError, match=r'did you mean "demo\.yml"'):
        load_run(run_file.with_name("dmo.yml"))


def test_a_dated_value_holds_until_the_next(policy_dir: Path) -> None:
    policy = load_policy(policy_dir)
    assert policy.get("demo.threshold", 2018) == 0.25
    assert policy.get("demo.threshold", 2025) == 0.50


def test_a_year_before_the_first_value_names_file_key_and_nearest(policy_dir: Path) -> None:
    with pytest.raises(InputError, match=r"demo.yml: threshold .* 2016; .* 2017"):
        load_policy(policy_dir).get("demo.threshold", 2016)


def test_an_exact_series_never_reuses_an_old_value(policy_dir: Path) -> None:
    policy = load_policy(policy_dir)
    assert policy.get("demo.exact", 2020) == 0.005
    with pytest.raises(InputError, match=r"exact .* 2021; .* 2020"):
        policy.get("demo.exact", 2021)


def test_an_option_replaces_a_value_and_counts_as_assumed(policy_dir: Path) -> None:
    use = load_policy(policy_dir, {"demo.mode": "visits"}).use("demo.mode")
    assert (use.value, use.status, use.replaced) == ("visits", "assumed", True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"demo.mode": "visit"}, 'did you mean "visits"'),
        ({"demo.threshold": 1.5}, "expected at most 1"),
        ({"demo.threshold": {2017: "high"}}, "expected a number between 0 and 1"),
        ({"demo.thresold": 0.5}, 'did you mean "demo.threshold"'),
    ],
)
def test_a_wrong_option_is_one_sentence(
    policy_dir: Path, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        load_policy(policy_dir, options)


def test_a_policy_value_needs_a_source_and_a_status(policy_dir: Path) -> None:
    file = policy_dir / "demo.yml"
    file.write_text(POLICY.replace("source: a source, status: sourced", 'source: "", status: x'))
    with pytest.raises(InputError, match=r"demo.yml: threshold"):
        load_policy(policy_dir)


def test_shipped_policies_and_runs_load() -> None:
    load_policy()
    for file in sorted((params_dir() / "runs").glob("*.yml")):
        assert load_run(file).name == file.stem


def test_a_yaml_list_is_not_a_parameter_file(tmp_path: Path) -> None:
    file = tmp_path / "x.yml"
    file.write_text("- 1\n")
    with pytest.raises(InputError, match="found list, expected keys"):
        read_yaml(file)
