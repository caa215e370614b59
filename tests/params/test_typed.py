"""Typed policy files: what an attribute reads, what it refuses, and that a set replaces values."""

from pathlib import Path
from typing import Any, Literal

import pytest

from tcoc.errors import InputError
from tcoc.params import AttributionPolicy, Dated, PolicyFile, Value, load_policy
from tcoc.params.typed import MODELS

DEMO = """
policy:
  description: A named set.
  unit: set
  type: choice
  choices: [first, second]
  value: {value: first, source: a source, status: assumed}
measure:
  description: A choice.
  unit: none
  type: choice
  choices: [payments, visits]
  value: {value: payments, source: a source, status: assumed}
  alternatives: [visits]
  under:
    second: {value: visits, source: another source, status: assumed}
threshold:
  description: A dated share.
  unit: share
  type: share
  by: performance_year
  values:
    2017: {value: 0.25, source: a source, status: assumed}
    2019: {value: 0.50, source: a source, status: assumed}
  alternatives: [0.3, {2017: 0.2, 2019: 0.4}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "demo.yml").write_text(DEMO)
    return tmp_path


@pytest.fixture
def model() -> Any:
    class DemoPolicy(PolicyFile, name="demo"):
        policy: Value[Literal["first", "second"]] = Value()
        measure: Value[Literal["payments", "visits"]] = Value()
        threshold: Dated[float] = Dated()

    yield DemoPolicy
    MODELS.pop("demo")


def test_an_attribute_is_typed_and_recorded_when_it_is_read(folder: Path, model: Any) -> None:
    policy = load_policy(folder).recording()
    demo = model.of(policy)
    assert policy.reads == set()
    assert demo.threshold(2018) == 0.25
    assert policy.reads == {("demo.threshold", 2018)}
    assert demo.measure == "payments"
    assert ("demo.policy", None) in policy.reads, "which set holds is part of what was read"


def test_recording_starts_anew_and_follows_a_restricted_reader(folder: Path) -> None:
    whole = load_policy(folder)
    whole.get("demo.measure")
    mine = whole.only(["demo"], "a table").recording()
    mine.get("demo.threshold", 2019)
    assert mine.reads == {("demo.threshold", 2019)}


def test_a_named_set_replaces_its_values_and_an_option_stands_above_it(folder: Path) -> None:
    assert load_policy(folder, {"demo.policy": "second"}).get("demo.measure") == "visits"
    both = {"demo.policy": "second", "demo.measure": "payments"}
    assert load_policy(folder, both).get("demo.measure") == "payments"
    assert load_policy(folder, both).get("demo.threshold", 2017) == 0.25


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("second: {value: visits", "secund: {value: visits", '"secund" is unknown'),
        ("second: {value: visits", "second: {value: days", "measure: found .days"),
        ("alternatives: [visits]", "alternatives: [days]", "alternatives: found .days"),
        ("alternatives: [visits]", "alternatives: [payments]", "is the value itself"),
        ("alternatives: [0.3", "alternatives: [high", "alternatives: found .high"),
    ],
)
def test_a_wrong_alternative_or_set_is_one_sentence(
    folder: Path, old: str, new: str, sentence: str
) -> None:
    (folder / "demo.yml").write_text(DEMO.replace(old, new))
    with pytest.raises(InputError, match=sentence):
        load_policy(folder)


def test_a_value_that_the_model_does_not_know_is_refused(folder: Path, model: Any) -> None:
    (folder / "demo.yml").write_text(DEMO.replace("measure:\n", "mesure:\n"))
    with pytest.raises(InputError, match=r"demo\.yml: mesure is no value of DemoPolicy"):
        load_policy(folder)


def test_a_statement_cannot_be_replaced_by_a_run() -> None:
    with pytest.raises(InputError, match=r"attribution\.aco_lists: a statement"):
        load_policy(options={"attribution.aco_lists": "other lists"})


def test_the_attribution_model_has_each_value_of_its_file() -> None:
    policy = load_policy()
    keys = {n.split(".", 1)[1] for n, e in policy.entries.items()
            if n.startswith("attribution.") and e.type != "statement"}  # fmt: skip
    assert set(AttributionPolicy.fields()) == keys
    typed = AttributionPolicy.of(policy)
    assert typed.window == {"federal_fiscal_years": 2}
    assert typed.dual_codes == ("01", "02", "03", "04", "05", "06", "08")


def test_the_shared_savings_set_replaces_window_list_measure_and_share() -> None:
    mssp = AttributionPolicy.of(load_policy(options={"attribution.policy": "mssp_2018"}))
    assert mssp.window == {"federal_fiscal_years": 1}
    assert mssp.primary_care_codes == "mssp_2018"
    assert (mssp.mdpcp_like_measure, mssp.primary_care_share) == ("allowed", 0)
    assert mssp.aco_like_measure == "allowed"


def test_every_alternative_is_a_value_that_a_run_can_take() -> None:
    free = {n: e.alternatives for n, e in load_policy().entries.items() if e.type != "statement"}
    for place in range(max(map(len, free.values()))):
        # the first of every value together, then the second, and so on
        chosen = {n: others[place] for n, others in free.items() if place < len(others)}
        assert load_policy(options=chosen).options == chosen


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"attribution.window": {"fiscal_years": 2}}, "federal_fiscal_years"),
        ({"attribution.window": {"calendar_years": 0}}, "expected at least 1"),
        ({"attribution.window": "same"}, "expected same_year"),
        ({"attribution.age_on": "02-31-1"}, "attribution.age_on"),
        ({"attribution.dual_codes": [1]}, "attribution.dual_codes"),
        ({"attribution.policy": "mssp2018"}, 'did you mean "mssp_2018"'),
    ],
)
def test_an_option_of_the_wrong_form_is_refused_when_it_is_read(
    option: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        load_policy(options=option)
