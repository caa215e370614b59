"""Whose peers a combination is among: those of its member with the lowest CCN (rule A12)."""

from types import SimpleNamespace
from typing import cast

import pandas as pd

from tcoc.deliverables.mpa_options import inputs
from tcoc.reference.places import load_regions
from tcoc.study import Study


def test_a_combination_has_the_region_of_its_first_member() -> None:
    regions = load_regions().drop_duplicates("region")
    (first, of_first), (second, of_second) = regions[["county", "region"]].head(2).to_numpy()
    hospitals = pd.DataFrame(
        {"ccn": ["210001", "210002", "210003"], "county": [first, second, "nowhere"]}
    )
    study = cast(
        Study, SimpleNamespace(references=SimpleNamespace(tables={"hospitals": hospitals}))
    )
    members = {"210002": "PAIR", "210001": "PAIR", "210003": "LONE"}
    found = inputs.peers_of(study, ("210001", "210002", "PAIR", "LONE", "absent"), members)
    assert found == (of_first, of_second, of_first, "other", "other")
    assert of_first != of_second
