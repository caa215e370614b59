"""How near the generator comes to params/synthetic/targets.yml, on a store of 12,000 people.

The figures come from plain SQL over the store (tcoc.store.synth.measure); the generator itself
never reads the targets.
"""

from pathlib import Path
from typing import Any

import pytest

from tcoc.params import read_yaml
from tcoc.paths import params_dir
from tests.store.synth.measure import Measure

from .conftest import BENES

TARGETS = read_yaml(params_dir() / "synthetic" / "targets.yml")
QP_TESTS = {"2017": (0.25, 0.20), "2019": (0.50, 0.35), "2021": (0.75, 0.50)}


@pytest.fixture(scope="module")
def found(measure: Measure) -> dict[str, float]:
    result = {f"per_capita_{year}": measure.spending(year)["all"] for year in (2015, 2016)}
    spending = measure.spending(2016)
    result |= {name: spending[name] for name in ("hospital_share", "top_5_percent")}
    result |= measure.mix(2016)
    result["lines_per_person"] = measure.lines_per_person(2016)
    scores = measure.qp(2016, tuple(QP_TESTS.values()))
    for (year, test), pair in zip(QP_TESTS.items(), list(scores.values())[1:], strict=True):
        assert f"{test[0]:g}/{test[1]:g}" in scores
        result[f"qp_share_{year}"], result[f"qp_score_{year}"] = pair
    modelled = measure.number("select count(*) from modelled")
    result["clinicians_per_850000"] = modelled * 850_000 / BENES
    result |= {f"stage_{stage}": share for stage, share in measure.attribute(2016).items()}
    return result


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_near_target(found: dict[str, float], name: str) -> None:
    target: dict[str, Any] = TARGETS[name]
    allowed = target["tolerance"] * (1 if target.get("absolute") else target["value"])
    assert abs(found[name] - target["value"]) <= allowed, (
        f"{name}: found {found[name]:.4g}, target {target['value']} within {allowed:.4g}"
    )


def test_targets_have_sources() -> None:
    for name, target in TARGETS.items():
        assert target["source"], name
        assert target["status"] in ("published", "assumed"), name


def test_no_code_reads_the_targets() -> None:
    library = Path(__file__).parents[3] / "lib" / "tcoc"
    for file in library.rglob("*.py"):
        assert "targets.yml" not in file.read_text(encoding="utf-8"), file.name


def test_stage_truth_is_mostly_recovered(measure: Measure, store: Path) -> None:
    measure.attribute(2016)
    agree = measure.number(f"""
        select avg((attributed.stage = truth.stage_expected)::int)
        from (select distinct bene_id, stage from attributed) attributed
        join (select * from '{store}/truth/beneficiary_year.parquet' where year = 2016) truth
        using (bene_id)""")
    assert 0.75 <= agree < 1


def test_planted_hospital_mix_shows(measure: Measure, store: Path) -> None:
    """Where duals were planted, their share grows by more than elsewhere."""
    change = "sum(dual_share * people) filter (year = {0}) / sum(people) filter (year = {0})"
    rows = measure.sql(f"""
        select dual_gain > 0.004, {change.format(2018)} - {change.format(2015)}
        from '{store}/truth/hospital_year.parquet'
        where dual_gain > 0.004 or dual_gain < 0 group by 1 order by 1""")
    assert float(str(rows[1][1])) > float(str(rows[0][1])) + 0.005
