"""Every case of cases/q4_partner.yml: partner, thresholds, distances; in whole numbers."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tcoc.params import QpPolicy, load_policy
from tcoc.rules.qp import partners
from tcoc.rules.qp.rules import thresholds_of

CASES = [
    pytest.param(case, id=case["case"])
    for case in yaml.safe_load(
        (Path(__file__).parent / "cases" / "q4_partner.yml").read_text(encoding="utf-8")
    )
]


@pytest.fixture(scope="module")
def policy() -> QpPolicy:
    return QpPolicy.of(load_policy())


def frames(case: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    clinicians = pd.DataFrame(
        [
            {"year": 2018, "npi": n, "benes": b, "cents": round(d * 100), "in_model": True}
            for n, (b, d) in case["practices"].items()
        ]
    )
    scores = pd.DataFrame(
        [(2018, n, c, b, round(d * 100)) for n, c, b, d in case["rows"]],
        columns=["year", "npi", "ccn", "benes_numerator", "cents_linked"],
    ).astype({"year": "int64", "npi": object, "ccn": object})
    return scores, clinicians


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], policy: QpPolicy) -> None:
    limits = thresholds_of(policy, case.get("test", "2017-18"), case.get("reading", "regulation"))
    scores, clinicians = frames(case)
    if "links" in case:
        links = pd.DataFrame(case["links"], columns=["npi", "ccn"]).assign(year=2018)
        rows = partners.actual_candidates(scores, clinicians, links)
    else:
        rows = partners.candidates(scores, clinicians)
    unseen = Fraction(str(case.get("unseen", 0)))
    choice = case.get("partner_choice", "highest_score")
    found = partners.with_distance(partners.picker(rows, choice)(limits, unseen), limits)
    check(found, case["expect"])


def check(found: pd.DataFrame, expected: list[dict[str, Any]]) -> None:
    rows = found.to_dict("records")
    assert len(rows) == len(expected)
    for row, want in zip(rows, expected, strict=True):
        for column, value in want.items():
            assert row[column] == value, (column, row[column], value)


def test_products_beyond_64_bits_are_exact() -> None:
    """Nine times the payments of the other hospital come first, however large the practice."""
    rows = pd.DataFrame(
        {"year": 2018, "npi": "1", "ccn": ["210001", "210002"], "people": 2_000_000,
         "people_linked": 0, "scale": 1, "cents": 10**13,
         "cents_linked": [10**12, 9 * 10**12]}
    )  # fmt: skip
    assert list(partners.choose_partner(rows)["ccn"]) == ["210002"]
