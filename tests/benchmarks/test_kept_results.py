"""The kept measurements are of what is registered now, and say what the rules ask (R6, R8, R9)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.commands import ROOT
from benchmarks.coverage import expected
from benchmarks.results_page import write_plot
from benchmarks.simulated import simulated_prediction, simulated_units
from benchmarks.verdicts import PAIR, REPLICATES, answers

from tcoc.deliverables.policy_lab.lab import plan_of
from tcoc.deliverables.policy_lab.policies import attributed, policies
from tcoc.deliverables.policy_lab.simulate import simulate
from tcoc.deliverables.risk_adjustment.inputs import factors_of
from tcoc.params import PolicyLabPolicy, VerdictsPolicy, load_policy
from tcoc.paths import result_file
from tcoc.rules.inference.replicates import replicate
from tcoc.rules.inference.verdicts import Rates, evaluate, registry
from tcoc.rules.risk import VARIANTS

ADJUSTING = VARIANTS[1:]
VALUES = VerdictsPolicy.of(load_policy())


def kept(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result_file(name).read_text(encoding="utf-8"))
    return found


def test_intervals_hold_what_is_planted_in_93_to_97_per_cent_of_300_cases():
    found = kept("coverage")
    of_mix = [f"{what}:{v}" for what in ("factor", "difference") for v in ADJUSTING]
    growth = [f"growth:{v}" for v in VARIANTS]
    assert set(found["intervals"]) >= {*of_mix, *growth, "mpa_result:improvement"}
    for name, row in found["intervals"].items():
        assert row["cases"] >= 300, name
        assert 0.93 <= row["covered"] / row["cases"] <= 0.97, name
    assert found["expected"] == pytest.approx(expected(found["states"]), abs=1e-4)


def test_marks_where_nothing_is_planted_are_no_more_than_nominal():
    flags = kept("verdicts")["flags"]
    for variant in ADJUSTING:
        row = flags[f"difference:{variant}"]
        assert row["cases"] >= 300
        assert row["flagged"] / row["cases"] <= 0.06, variant
    # Seventy states: one in ten is within chance of one in twenty.
    assert flags["mpa_results_differ"]["flagged"] <= 0.1 * flags["mpa_results_differ"]["cases"]


def test_rates_are_those_of_the_registered_verdicts():
    registered, found = registry(VALUES.registry), kept("verdicts")["verdicts"]
    assert set(found) == set(registered)
    for name, verdict in registered.items():
        assert found[name]["states"] >= 20
        worlds = verdict.with_effect, verdict.without_effect
        assert (found[name]["with_effect"], found[name]["without_effect"]) == worlds


def test_scores_are_those_of_the_designs_and_worlds_of_the_policy_file():
    found, lab = kept("lab"), PolicyLabPolicy.of(load_policy())
    assert found["policies"] == {n: p.model_dump() for n, p in policies(lab.policies).items()}
    assert found["worlds"] == list(lab.worlds)
    assert found["states"] >= 50


@pytest.mark.slow
def test_five_seeds_of_one_truth_print_one_answer_or_that_it_is_open():
    plan, years = plan_of(load_policy()), (PAIR.base_year, PAIR.performance_year)
    measured = {
        name: Rates(**{key: row[key] for key in Rates.__annotations__})
        for name, row in kept("verdicts")["verdicts"].items()
    }
    limits = VALUES.least_stability, VALUES.largest_false_rate
    said: dict[str, set[str]] = {name: set() for name in measured}
    for seed in range(1, 6):
        chosen = replace(plan.risk, seed=seed)
        state = simulate(["default"], plan.benes, seed, plan.shape)["default"]
        at = {year: of for year, of in attributed(state, (0, None)).items() if year in years}
        drawn = simulated_units(state, at, chosen, factors_of(chosen))
        replicated = replicate(drawn, [PAIR], chosen, REPLICATES)
        rows = answers(drawn, replicated, simulated_prediction(state, years), chosen)
        table = evaluate(registry(VALUES.registry), rows, measured, limits, plan.benes)
        for verdict, printed in zip(table["verdict"], table["printed"], strict=True):
            said[verdict].add(printed)
    for verdict, found in said.items():
        assert len(found - {"open"}) <= 1, verdict
    assert said["method"] == {"open"}, "its answer is wrong or unsteady too often"


def test_the_scaling_can_be_drawn_from_what_is_kept(tmp_path: Path) -> None:
    file = ROOT / "benchmarks" / "results" / "state.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    write_plot(kept, tmp_path / "state.png")
    assert (tmp_path / "state.png").read_bytes().startswith(b"\x89PNG")
