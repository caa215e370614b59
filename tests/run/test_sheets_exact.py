"""The exact numbers of a confidential sheet are those from which the gate made the public ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tcoc.deliverables.y1_attribution.public_groups import group_tables
from tcoc.disclosure import Column, Draft, gate
from tcoc.params import load_policy
from tcoc.run.sheets_exact import exact_source
from tests.deliverables.y1_attribution.test_public import GIVEN
from tests.support.tiny import tiny_study

HOSPITALS = [
    {"ccn": "210001", "zip": "21740", "system": "Two", "county": "Washington"},
    {"ccn": "210002", "zip": "21201", "system": "Two", "county": "Baltimore City"},
    {"ccn": "210003", "zip": "20785", "county": "Prince George's"},
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Draft, pd.DataFrame]]:
    """Return each draft of a made-up run with the rows of its confidential edition."""
    restricted = tmp_path_factory.mktemp("restricted")
    given = {**GIVEN, "reference": {**GIVEN["reference"], "hospitals": HOSPITALS}}
    with tiny_study(given) as study:
        drafts = {draft.name: draft for draft in group_tables(study)}
        for name in ("attribution_groups", "state_year"):
            study.frame(name, exact=True).to_parquet(restricted / f"{name}.parquet")
        tables = gate({"y1_attribution": list(drafts.values())}, study.policy).tables
    exact = exact_source(restricted, tables).tables
    return {name: (draft, exact[name].frame) for name, draft in drafts.items()}


def test_both_editions_stand_on_the_same_numbers(
    both: dict[str, tuple[Draft, pd.DataFrame]],
) -> None:
    assert "system-two" in set(both["groups"][0].frame["group"])
    for name, (draft, exact) in both.items():
        keys = list(draft.keys)
        numbers = [c for c in draft.of_kind("count", "dollars", "per_capita", "growth", "months",
                                            "share") if c in exact]  # fmt: skip
        rows = draft.frame.merge(exact, on=keys, suffixes=("", "_exact"))
        assert len(rows) or draft.frame.empty, name
        for column in numbers:
            shown = rows[column].notna()
            mine = rows.loc[shown, column].astype(float)
            assert np.allclose(mine, rows.loc[shown, f"{column}_exact"].astype(float)), column


def test_a_confidential_sheet_leaves_nothing_out(
    both: dict[str, tuple[Draft, pd.DataFrame]],
) -> None:
    draft, exact = both["homes_by_county"]
    year = draft.frame["year"].max()
    assert exact["benes"].sum() == len(GIVEN["people"])
    assert set(exact["year"]) == {year}


def test_a_run_of_the_mpa_alone_has_no_exact_numbers_of_groups(tmp_path: Path) -> None:
    frame = pd.DataFrame({"rate_year": [2020], "ccn": ["system-two"]})
    columns = {"rate_year": Column("Rate year", "year"), "ccn": Column("CCN", "key")}
    draft = Draft(
        name="mpa_system",
        title="Together",
        frame=frame,
        keys=("rate_year", "ccn"),
        columns=columns,
        source="made up",
    )
    frame.to_parquet(tmp_path / "mpa.parquet")
    tables = gate({"mpa_options": [draft]}, load_policy()).tables
    assert not exact_source(tmp_path, tables).tables
