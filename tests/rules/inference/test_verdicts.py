"""Rule R8: answers follow the registered decision; what is wrong or unsteady too often is open."""

import math

import numpy as np
import pandas as pd
import pytest

from tcoc.errors import InputError
from tcoc.params import load_policy
from tcoc.rules.inference.verdicts import (
    Verdict,
    decide,
    evaluate,
    people_needed,
    printed,
    rates,
    registry,
)

ENTRY = {
    "question": "Is it?",
    "estimand": "what it is",
    "statistic": "slope",
    "variant": "new_enrollee",
    "yes_above": 0.0,
    "no_below": 0.5,
    "leave_out": True,
    "says_yes": "It is.",
    "says_no": "It is not.",
    "with_effect": "default",
    "without_effect": "none",
}
VERDICT = Verdict.model_validate(ENTRY)


def _row(low, high, left=(None, None), estimate=None):
    ends = [low if left[0] is None else left[0], high if left[1] is None else left[1]]
    middle = (low + high) / 2 if estimate is None else estimate
    keys = ("estimate", "low", "high", "leave_out_low", "leave_out_high")
    return dict(zip(keys, (middle, low, high, *ends), strict=True))


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (_row(0.1, 2), "yes"),
        (_row(-0.1, 2), "open"),
        (_row(-0.4, 0.4), "no"),
        (_row(-0.4, 0.6), "open"),
        (_row(0.0, 2, left=(0.1, 2)), "open"),
        (_row(-0.4, 0.5, left=(-0.4, 0.4)), "open"),
        (_row(0.1, 2, left=(0.0, 2)), "open"),
        (_row(-0.4, 0.4, left=(-0.4, 0.5)), "open"),
        (_row(0.1, 2, left=(-0.2, 2)), "open"),
        (_row(-0.4, 0.4, left=(-0.4, 0.7)), "open"),
        (_row(math.nan, math.nan), "open"),
    ],
)
def test_the_answer_is_the_registered_decision(row, answer):
    assert decide(VERDICT, row) == answer


def test_rates_count_wrong_right_and_same():
    found = rates(["yes"] * 7 + ["open"] * 2 + ["no"], ["open"] * 6 + ["yes"] * 4, 40_000)
    assert found.power == 0.7
    assert found.false_rate == 0.4
    assert found.stability == 0.6
    assert found.states == 10
    with pytest.raises(InputError, match="without"):
        rates(["yes"], [], 40_000)


def test_only_what_is_right_and_steady_is_printed():
    good = rates(["yes"] * 9 + ["open"], ["open"] * 10, 1)
    unsteady = rates(["yes"] * 7 + ["open"] * 3, ["open"] * 10, 1)
    wrong = rates(["yes"] * 10, ["yes"] * 2 + ["open"] * 8, 1)
    said = [printed("yes", of, 0.8, 0.1) for of in (good, unsteady, wrong, None)]
    assert said == ["yes", "open", "open", "open"]


def test_an_answer_that_is_seldom_given_must_be_true_where_it_is():
    """Nearly always open is steady; one "yes" and one "no" of the same truth are no answer."""
    rare = rates(["open"] * 22 + ["yes", "no"], ["open"] * 24, 1)
    assert (rare.stability, rare.false_rate) == (pytest.approx(22 / 24), pytest.approx(1 / 24))
    assert rare.right("no") == pytest.approx(1 / 3)
    assert [printed(a, rare, 0.8, 0.1) for a in ("yes", "no", "open")] == ["open"] * 3
    often = rates(["open"] * 2 + ["yes"] * 22, ["open"] * 24, 1)
    assert [printed(a, often, 0.8, 0.1) for a in ("yes", "no")] == ["yes", "open"]


def test_people_that_would_settle_it_follow_the_root_law():
    row = _row(-0.1, 1.1)
    needed = people_needed(VERDICT, row, 40_000)
    error = 1.2 / (2 * 1.96)
    assert needed == pytest.approx(40_000 * (2.8016 * error / 0.5) ** 2)
    bound = Verdict.model_validate({**ENTRY, "no_below": 0.0})
    assert people_needed(bound, _row(-1, 1), 40_000) == math.inf


def test_the_table_says_open_where_nothing_was_measured():
    statistics = pd.DataFrame([{"statistic": "slope", "variant": "new_enrollee", **_row(0.1, 2)}])
    found = evaluate({"it": VERDICT}, statistics, {}, (0.8, 0.1), 40_000).iloc[0]
    assert (found["answer"], found["printed"]) == ("yes", "open")
    assert np.isnan(found["power"])
    absent = evaluate({"it": VERDICT}, statistics.head(0), {}, (0.8, 0.1), 40_000).iloc[0]
    assert (absent["answer"], absent["printed"]) == ("open", "open")


def test_the_registry_names_what_is_wrong_with_an_entry():
    assert set(registry(load_policy().get("verdicts.registry"))) >= {"adjust", "method"}
    with pytest.raises(InputError, match="it: statistik"):
        registry({"it": {**ENTRY, "statistik": "slope"}})
