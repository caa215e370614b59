"""Every case of tests/rules/risk/cases: a rule's words, given rows, expected rows."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from tcoc.rules.risk import BucketScheme, Pair
from tests.rules.risk.risk_support import CASES, results, settings, world

FILES = sorted(CASES.glob("r*.yml"))


def _settings(changes: dict):
    changes = dict(changes)
    chosen = settings()
    bands = changes.pop("age_bands", chosen.scheme.age_bands)
    split = changes.pop("esrd_split", chosen.scheme.esrd_split)
    return replace(chosen, scheme=BucketScheme(tuple(bands), split), **changes)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_case(file):
    case = yaml.safe_load(file.read_text())
    assert {"rule", "words", "source", "people", "expected"} <= set(case)
    completion = case.get("completion", {})
    pair = Pair(2015, 2016, completion.get(2015, 1.0), completion.get(2016, 1.0))
    made = world(case["people"], case.get("shares"))
    table = results(made, _settings(case.get("settings", {})), pair)
    for ccn in case.get("absent", []):
        assert ccn not in set(table["ccn"])
    for expected in case["expected"]:
        found = table[(table["variant"] == expected["variant"]) & (table["ccn"] == expected["ccn"])]
        assert len(found) == 1, expected
        for column, value in expected.items():
            if column in ("variant", "ccn"):
                continue
            actual = found.iloc[0][column]
            if value is None:
                assert np.isnan(actual), (column, actual)
            else:
                assert actual == pytest.approx(value, rel=1e-9, abs=1e-9), (expected, column)


def test_every_rule_has_cases():
    rules = {yaml.safe_load(f.read_text())["rule"].split()[0] for f in FILES}
    assert {"R2", "R3", "R4"} <= rules
