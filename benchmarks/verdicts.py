"""Error rates and stability of every registered verdict, over synthetic states (rule R8).

    python -m benchmarks.verdicts --states 20 --out benchmarks/results/verdicts.json

Each verdict names a world with its effect and one without (params/policy/verdicts.yml); "permuted"
is the world with the effect whose units were given the hospitals of others, so that hospitals are
nothing but labels. Every state answers as a run would; counted is how often it is wrong, right,
and the same. States are those of the laboratory: the generator's people without their claims.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.simulated import simulated_prediction, simulated_units

from tcoc.deliverables.policy_lab.lab import Plan, plan_of
from tcoc.deliverables.policy_lab.policies import attributed
from tcoc.deliverables.policy_lab.simulate import simulate
from tcoc.deliverables.risk_adjustment.inputs import factors_of
from tcoc.params import load_policy
from tcoc.progress import Reporter, reporter
from tcoc.rules.inference.prediction import cross_fitted
from tcoc.rules.inference.replicates import UnitSums, replicate
from tcoc.rules.inference.statistics import gain_rows, relabeled, statistic_rows
from tcoc.rules.inference.verdicts import Answer, Verdict, decide, rates, registry
from tcoc.rules.risk import Pair, RiskSettings

PAIR = Pair(2015, 2016)
"""The years of the run's own question; growth planted in 2015 to 2016 is that of one year."""

REPLICATES = 400
PERMUTED = "permuted"


def worlds_of(verdicts: dict[str, Verdict]) -> list[str]:
    """Return the worlds that the verdicts name, each once; the permuted one rests on another."""
    named = {w for v in verdicts.values() for w in (v.with_effect, v.without_effect)}
    return sorted(named - {PERMUTED} | {v.with_effect for v in verdicts.values()})


def answers(drawn: UnitSums, sums: pd.DataFrame, seed: int, chosen: RiskSettings) -> pd.DataFrame:
    """Return the statistics of one state, as a run's table has them."""
    seeded = replace(chosen, seed=seed)
    replicated = replicate(drawn, [PAIR], seeded, REPLICATES)
    rows = statistic_rows(drawn, replicated, [PAIR], seeded, 2)
    gains = gain_rows(cross_fitted(sums, PAIR, seeded, factors_of(seeded)), PAIR)
    return pd.concat([rows, gains], ignore_index=True)


def measure(
    worlds: Sequence[str], count: int, plan: Plan, report: Reporter
) -> dict[str, list[pd.DataFrame]]:
    """Return each world's tables of statistics, one per state; "permuted" rests on the default."""
    found: dict[str, list[pd.DataFrame]] = {w: [] for w in (*worlds, PERMUTED)}
    report.start("states", count)
    years = (PAIR.base_year, PAIR.performance_year)
    for seed in range(1, count + 1):
        for name, state in simulate(list(worlds), plan.benes, seed, plan.shape).items():
            sums = simulated_prediction(state, years)
            at = {year: of for year, of in attributed(state, (0, None)).items() if year in years}
            drawn = simulated_units(state, at, plan.risk, factors_of(plan.risk))
            found[name].append(answers(drawn, sums, seed, plan.risk))
            if name == "default":
                labels = relabeled(drawn, np.random.Generator(np.random.SFC64([seed, 77])))
                found[PERMUTED].append(answers(labels, sums, seed, plan.risk))
        report.advance("states", f"seed {seed}")
    return found


def of_verdict(verdict: Verdict, tables: Sequence[pd.DataFrame]) -> list[Answer]:
    """Return what a verdict says in each state."""
    said: list[Answer] = []
    for table in tables:
        rows = table[
            (table["statistic"] == verdict.statistic) & (table["variant"] == verdict.variant)
        ]
        said.append(decide(verdict, rows.iloc[0].to_dict()) if len(rows) else "open")
    return said


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=20)
    parser.add_argument("--benes", type=int, default=40_000)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/verdicts.json"))
    chosen = parser.parse_args()
    policy = load_policy()
    verdicts = registry(policy.get("verdicts.registry"))
    with reporter() as report:
        plan = plan_of(policy, chosen.benes)
        found = measure(worlds_of(verdicts), chosen.states, plan, report)
    result = {}
    for name, verdict in verdicts.items():
        said = [
            of_verdict(verdict, found[w]) for w in (verdict.with_effect, verdict.without_effect)
        ]
        measured = asdict(rates(said[0], said[1], chosen.benes))
        worlds = {"with_effect": verdict.with_effect, "without_effect": verdict.without_effect}
        counts = {
            f"answers_{key}": {a: of.count(a) for a in ("yes", "no", "open")}
            for key, of in zip(worlds, said, strict=True)
        }
        result[name] = {**measured, **worlds, **counts}
        print(name, json.dumps(result[name]))
    chosen.out.write_text(json.dumps({"verdicts": result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
