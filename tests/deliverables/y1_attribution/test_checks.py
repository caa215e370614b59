"""Each check holds on a sound store, and goes red when the table that it guards is broken."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tcoc.deliverables.y1_attribution.checks import CHECKS
from tcoc.study import Study
from tests.support.tiny import tiny_study

GIVEN: dict[str, Any] = {
    "years": [2017, 2018],
    "reference": {
        "aco_hospitals": [{"aco_id": "A1", "ccn": "210001"}, {"aco_id": "A1", "ccn": "210002"}],
        "aco_practitioners": [{"aco_id": "A1", "npi": 1}],
        "combinations": [
            {"combination": "Both", "ccn": "210001"},
            {"combination": "Both", "ccn": "210002"},
        ],
    },
    "people": [{"bene": f"B{i}", "months": "2017-01..2018-12"} for i in range(1, 6)],
    "lines": [
        *({"bene": "B1", "npi": 1, "date": f"{y}-03-01"} for y in (2016, 2017)),
        *({"bene": b, "npi": 2, "date": f"{y}-03-01"} for b in ("B2", "B3") for y in (2016, 2017)),
    ],
    "claims": [
        {"bene": b, "ccn": c, "paid": 100.01, "date": d}
        for b, c in (("B2", "210002"), ("B3", "210003"), ("B2", "210001"))
        for d in ("2016-03-01", "2017-03-01", "2018-03-01")
    ],
}
BY_NAME = {check.name: check for check in CHECKS}


@pytest.fixture
def opened() -> Iterator[Study]:
    with tiny_study(GIVEN) as study:
        yield study


def edit(study: Study, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Put a changed table in the place of a computed one."""
    file: Path = study.path(table)
    schema = pq.read_schema(file)
    frame = change(pq.read_table(file).to_pandas())
    pq.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False), file)


def test_all_checks_hold_on_a_sound_store(opened: Study) -> None:
    for check in CHECKS:
        assert check.measure(opened).holds, check.name


def test_names_are_unique_and_words_are_sentences() -> None:
    assert len(BY_NAME) == len(CHECKS)
    assert all(check.words.endswith(".") and check.rule for check in CHECKS)


def first(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Set a column of the first row."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame.index[0], column] = value
        return frame

    return change


def more(column: str, amount: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Add to a column of the last row."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[frame.index[-1], column] += amount
        return frame

    return change


def in_panel(frame: pd.DataFrame) -> pd.DataFrame:
    panel = frame.index[frame["stage"] == "mdpcp_like"]
    frame.loc[panel[0], "ccn"] = "210003"
    return frame


def of_clinician(frame: pd.DataFrame) -> pd.DataFrame:
    frame.loc[frame.index[frame["npi"].notna()][0], "visits"] = 0
    return frame


def split_stage(frame: pd.DataFrame) -> pd.DataFrame:
    parts = frame.index[frame.duplicated(["year", "bene_id"])]
    frame.loc[parts[0], "stage"] = "geographic"
    return frame


def stranger(frame: pd.DataFrame) -> pd.DataFrame:
    again = frame[(frame["part"] == "attributed") & (frame["bene_id"] == "Ben")]
    return pd.concat([frame, again.assign(bene_id="Dora", number=99)])


MUTATIONS = [
    ("shares_sum_to_one", "attribution", lambda f: f.iloc[1:]),
    ("shares_sum_to_one", "attribution", first("share", 0.4)),
    ("shares_sum_to_one", "beneficiary_year", lambda f: f.iloc[1:]),
    ("one_stage_each", "attribution", split_stage),
    ("no_zero_shares", "attribution", first("share", 0.0)),
    ("evidence_is_positive", "attribution", of_clinician),
    ("panels_go_whole", "attribution", in_panel),
    ("only_eligible_hospitals", "attribution", first("ccn", "219999")),
    ("dollars_conserved", "hospital_year", more("tcoc", Decimal("0.10"))),
    ("months_conserved", "hospital_year", more("eligible_months", 0.5)),
    ("stages_add_up", "attribution_by_hospital", more("tcoc", Decimal("0.10"))),
    ("per_capita_is_ratio_of_sums", "hospital_year", more("per_capita", 0.02)),
    ("every_hospital_is_named", "hospital_year", first("ccn", "999999")),
    ("months_are_once", "completeness", lambda f: pd.concat([f, f.iloc[:1]])),
    ("months_are_once", "completeness", first("month", 13)),
    ("movement_adds_up", "attribution_movement", more("benes", 1)),
    ("homes_are_the_hospitals", "attribution_homes", more("benes", 1.0)),
    ("example_is_whole", "auditor_example", lambda f: f[f["part"] != "attributed"]),
    ("example_is_whole", "auditor_example", lambda f: f[f["bene_id"] != "Ben"]),
    ("example_is_whole", "auditor_example", stranger),
]


@pytest.mark.parametrize(
    ("name", "table", "change"), MUTATIONS, ids=[f"{m[0]}-{i}" for i, m in enumerate(MUTATIONS)]
)
def test_a_broken_table_turns_its_check_red(
    opened: Study, name: str, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    for needed in ("attribution", "hospital_year", "attribution_by_hospital"):
        opened.path(needed)
    edit(opened, table, change)
    assert not BY_NAME[name].measure(opened).holds


@pytest.mark.parametrize(("planted", "holds"), [("sound", True), ("turned", False)])
def test_planted_stages_are_compared(opened: Study, planted: str, holds: bool) -> None:
    found = opened.frame("attribution").drop_duplicates(["year", "bene_id"])
    other = {"aco_like": "geographic", "mdpcp_like": "aco_like", "geographic": "mdpcp_like"}
    stage = found["stage"] if planted == "sound" else found["stage"].map(other)
    truth = found[["year", "bene_id"]].assign(stage_expected=stage)
    folder = opened.store.root / "truth"
    folder.mkdir()
    truth.to_parquet(folder / "beneficiary_year.parquet", index=False)
    assert BY_NAME["planted_stages_are_found"].measure(opened).holds is holds


def test_an_assumption_without_alternative_turns_red(
    opened: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = opened.policy.entries["attribution.hospital_use"]
    bare = entry.model_copy(update={"alternatives": ()})
    monkeypatch.setitem(opened.policy.entries, "attribution.hospital_use", bare)
    assert not BY_NAME["assumptions_have_alternatives"].measure(opened).holds


def test_a_hospital_of_few_months_is_no_wrong_ratio(opened: Study) -> None:
    """Half a cent of dollars over a twentieth of a month is more than a dollar a year."""

    def few(frame: pd.DataFrame) -> pd.DataFrame:
        exact = frame["tcoc"].astype(float) + 0.004
        return frame.assign(eligible_months=0.05, per_capita=(exact * 12 / 0.05).round(2))

    opened.path("attribution_by_hospital")
    edit(opened, "hospital_year", few)
    assert BY_NAME["per_capita_is_ratio_of_sums"].measure(opened).holds
