"""Error rates and stability of every registered verdict, over synthetic states (rule R8).

    python -m benchmarks.verdicts --states 20 --out benchmarks/results/verdicts.json

Each verdict names a world with its effect and one without (params/policy/verdicts.yml); "permuted"
is the world with the effect whose units were given the hospitals of others, so that hospitals are
nothing but labels. Every state answers as a run would; counted is how often it is wrong, right,
and the same. States are those of the laboratory: the generator's people without their claims.

`flags` counts in permuted states what a page marks as more than chance (rules R6, M7): hospitals of
100 or more people whose adjustment's interval leaves out the state's own, which is everybody's
there, and states whose results differ between hospitals at the 5% level. Nothing is there, so 5%
is the nominal rate of both.
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
from tcoc.rules.inference.intervals import drawings, intervals
from tcoc.rules.inference.prediction import cross_fitted
from tcoc.rules.inference.replicates import Replicates, UnitSums, point, replicate
from tcoc.rules.inference.statistics import ADJUSTING, gain_rows, relabeled, statistic_rows
from tcoc.rules.inference.verdicts import Answer, Verdict, decide, rates, registry
from tcoc.rules.mpa.reliability import heterogeneity
from tcoc.rules.risk import STATE, Pair, RiskSettings

PAIR = Pair(2015, 2016)
"""The years of the run's own question; growth planted in 2015 to 2016 is that of one year."""

REPLICATES = 400
TIMES = 6
"""Permutations of each state in which flags are counted; a verdict is asked in the first."""

SMALLEST = 100
"""Person-years in both years without which a hospital's flag is not counted, as for coverage."""

PERMUTED = "permuted"


def worlds_of(verdicts: dict[str, Verdict]) -> list[str]:
    """Return the worlds that the verdicts name, each once; the permuted one rests on another."""
    named = {w for v in verdicts.values() for w in (v.with_effect, v.without_effect)}
    return sorted(named - {PERMUTED} | {v.with_effect for v in verdicts.values()})


def answers(
    drawn: UnitSums, replicated: Replicates, sums: pd.DataFrame, chosen: RiskSettings
) -> pd.DataFrame:
    """Return the statistics of one state, as a run's table has them."""
    rows = statistic_rows(drawn, replicated, [PAIR], chosen, 2)
    gains = gain_rows(cross_fitted(sums, PAIR, chosen, factors_of(chosen)), PAIR)
    return pd.concat([rows, gains], ignore_index=True)


def flags(drawn: UnitSums, replicated: Replicates, chosen: RiskSettings) -> pd.DataFrame:
    """Return what is marked as more than chance in one state: flag, flagged, cases."""
    years = (PAIR.base_year, PAIR.performance_year)
    found, once = replicated.pair(*years), point(drawn, [PAIR], chosen).pair(*years)
    drawing = drawings(drawn, replicated, [PAIR], chosen)[0]
    sums = drawn.sums(drawn.matrix @ np.ones((drawn.units, 1)))
    months = np.minimum(*(sums[year].months.sum(axis=1)[:, 0] for year in years))
    large = (months >= 12 * SMALLEST) & (np.array(drawn.names) != STATE)
    table = intervals(drawing, PAIR, chosen.interval_level)
    rows = []
    for variant in ADJUSTING:
        ends = table[table["variant"] == variant]
        everybody = once.difference(variant)[0, 0]
        outside = (ends["difference_low"] > everybody) | (ends["difference_high"] < everybody)
        cases = large & ends["difference_low"].notna().to_numpy()
        rows.append((f"difference:{variant}", int(outside[cases].sum()), int(cases.sum())))
    growth, units = once.growth("none")[large, 0], drawing.units[large]
    chance = heterogeneity(growth, found.growth("none")[large], units).p_value
    rows.append(("mpa_results_differ", int(chance < 1 - chosen.interval_level), 1))
    return pd.DataFrame(rows, columns=["flag", "flagged", "cases"])


def measure(
    worlds: Sequence[str], count: int, plan: Plan, report: Reporter
) -> tuple[dict[str, list[pd.DataFrame]], pd.DataFrame]:
    """Return each world's tables of statistics, one per state, and the flags of permuted ones."""
    found: dict[str, list[pd.DataFrame]] = {w: [] for w in (*worlds, PERMUTED)}
    flagged = []
    report.start("states", count)
    years = (PAIR.base_year, PAIR.performance_year)
    for seed in range(1, count + 1):
        chosen = replace(plan.risk, seed=seed)
        for name, state in simulate(list(worlds), plan.benes, seed, plan.shape).items():
            sums = simulated_prediction(state, years)
            at = {year: of for year, of in attributed(state, (0, None)).items() if year in years}
            drawn = simulated_units(state, at, plan.risk, factors_of(plan.risk))
            replicated = replicate(drawn, [PAIR], chosen, REPLICATES)
            found[name].append(answers(drawn, replicated, sums, chosen))
            if name == "default":
                draws = np.random.Generator(np.random.SFC64([seed, 77]))
                for time in range(TIMES):
                    labels = relabeled(drawn, draws)
                    replicated = replicate(labels, [PAIR], chosen, REPLICATES)
                    flagged.append(flags(labels, replicated, chosen))
                    if time == 0:
                        found[PERMUTED].append(answers(labels, replicated, sums, chosen))
        report.advance("states", f"seed {seed}")
    return found, pd.concat(flagged).groupby("flag", sort=False).sum()


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
        found, flagged = measure(worlds_of(verdicts), chosen.states, plan, report)
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
    counted = {
        str(name): {"flagged": int(row["flagged"]), "cases": int(row["cases"])}
        for name, row in flagged.iterrows()
    }
    print("flags", json.dumps(counted))
    chosen.out.write_text(json.dumps({"verdicts": result, "flags": counted}, indent=2) + "\n")


if __name__ == "__main__":
    main()
