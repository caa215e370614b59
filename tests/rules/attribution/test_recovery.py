"""The planted truth of a synthetic store is found as often as it should be, and not more.

The generator knows each person's true clinician, ACO and stage. Random services blur them, so
the waterfall finds nearly all, not all.
"""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tcoc.deliverables.registry import study
from tcoc.params import Run, RunFile, load_policy
from tcoc.store.synth import write_synthetic_store

YEAR = 2018


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    root = tmp_path_factory.mktemp("recovery")
    write_synthetic_store(root / "store", benes=4000, seed=7, years=(2015, YEAR))
    spec = RunFile(name="recovery", store="store", years=[YEAR])
    run = Run(root / "run.yml", spec, load_policy())
    with study(run, root / "work", memory_limit="1GB", threads=1) as opened:
        found = opened.frame("attribution")
    best = found.sort_values(["bene_id", "share", "ccn"]).drop_duplicates("bene_id", keep="last")
    return best.merge(truth(root / "store"), on="bene_id", suffixes=("", "_true"))


def truth(store: Path) -> pd.DataFrame:
    table = pq.read_table(store / "truth" / "beneficiary_year.parquet").to_pandas()
    return table[table["year"] == YEAR]


@pytest.mark.slow
def test_everybody_has_a_truth(compared: pd.DataFrame) -> None:
    assert len(compared) > 2500
    assert compared["bene_id"].is_unique


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "least"), [("aco_like", 0.93), ("mdpcp_like", 0.93)])
def test_planted_stage_is_found(compared: pd.DataFrame, stage: str, least: float) -> None:
    planted = compared[compared["stage_expected"] == stage]
    rate = (planted["stage"] == stage).mean()
    assert least <= rate < 1


@pytest.mark.slow
def test_planted_clinician_and_aco_are_found(compared: pd.DataFrame) -> None:
    right = compared[compared["stage"] == compared["stage_expected"]]
    named = right[right["npi"].notna()]
    assert 0.9 <= (named["npi"] == named["npi_true"]).mean() < 1
    aco = right[right["stage"] == "aco_like"]
    assert (aco["aco_id"] == aco["aco_id_true"]).mean() >= 0.97
