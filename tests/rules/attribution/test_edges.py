"""Stores with nobody, nothing or little in them: the tables are empty, not wrong."""

from typing import Any

import pytest

from tcoc.deliverables.y1_attribution.tables import PRODUCTS
from tests.support.tiny import tiny_study


@pytest.mark.parametrize(
    "given",
    [
        {"people": []},
        {
            "years": [2017, 2018],
            "people": [{"bene": "B1", "state": "MA", "months": "2017-01..2018-12"}],
            "lines": [{"bene": "B1", "npi": 1, "date": "2018-01-05"}],
        },
    ],
    ids=["nobody", "nobody lives in Maryland"],
)
def test_nobody_is_eligible(given: dict[str, Any]) -> None:
    with tiny_study(given) as study:
        rows = {product.name: len(study.frame(product.name)) for product in PRODUCTS}
    for everybody in ("completeness", "claim_development"):
        assert rows.pop(everybody) == (1 if given["people"] else 0)
    assert rows.pop("completion_years") == len(given.get("years", [2018])), "a line per year"
    assert {name: number for name, number in rows.items() if number} == {}


def test_years_may_have_gaps_and_come_in_any_order() -> None:
    given = {"years": [2018, 2015], "people": [{"bene": "B1", "months": "2015-01, 2018-01"}]}
    with tiny_study(given) as study:
        assert study.frame("attribution")["year"].tolist() == [2015, 2018]
        assert study.frame("attribution_movement").empty
        assert study.frame("hospital_year")["tcoc"].isna().all()
