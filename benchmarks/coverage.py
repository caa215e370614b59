"""How often the 95% intervals of rule R6 hold what is planted, over many synthetic states.

    python -m benchmarks.coverage --states 20 --out benchmarks/results/coverage.json

States are of one truth and differ by their seed alone: who is drawn, where clinicians practice and
which hospital their panels go to. What is planted at a hospital is therefore the statistic of its
expected sums, the mean over the other states: the state under test has no part in it. With n states
that mean has 1 / (n - 1) of one state's variance, which takes half a point from the coverage of
exact intervals at 20 states and a point at 12: `expected` is what is left. Counted are hospitals
with 100 or more beneficiaries in both years.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.states import State, states
from scipy import stats

from tcoc.params import load_policy
from tcoc.progress import reporter
from tcoc.rules.inference.intervals import Drawing, drawings
from tcoc.rules.inference.replicates import (
    UnitSums,
    replicate,
    unit_matrix,
)
from tcoc.rules.mpa.scale import benchmark, performance_result
from tcoc.rules.risk import STATE, VARIANTS, Adjusted, Pair, RiskSettings, risk_settings
from tcoc.rules.risk.adjust import Array, Sums, adjust, divide

SMALLEST = 100
REPLICATES = 1000
LEVEL = 0.95
RISK_PAIR, MPA_PAIR = Pair(2015, 2016), Pair(2017, 2018)
TREND = 1 + 0.024 - 0.0033
"""The sample run's national growth less the adopted reduction: a level cancels in coverage."""


def statistics(risk: Adjusted, mpa: Adjusted) -> dict[str, Array]:
    """Return what intervals are given of, names x replicates."""
    found = {f"growth:{v}": risk.growth(v) for v in VARIANTS}
    adjusting = [v for v in VARIANTS if v != "none"]
    found |= {f"factor:{v}": divide(risk.adjusted[v], risk.base) for v in adjusting}
    found |= {f"difference:{v}": risk.difference(v) for v in adjusting}
    for name, method in (("improvement", "none"), ("improvement_new_enrollee", "new_enrollee")):
        target = benchmark(mpa.adjusted[method], TREND)
        found[f"mpa_result:{name}"] = performance_result(target, mpa.performance)
    return found


def aligned(sums: Sums, order: Array) -> Sums:
    """Return sums in another order of hospitals; -1 is a hospital that a state does not have."""
    present = order >= 0

    def arranged(values: Array) -> Array:
        chosen = values[np.where(present, order, 0)]
        return np.where(present.reshape(-1, *[1] * (values.ndim - 1)), chosen, 0.0)

    return Sums(arranged(sums.months), arranged(sums.dollars), arranged(sums.score))


def added(parts: Sequence[Sums]) -> Sums:
    """Return sums of sums."""
    whole = [np.sum([getattr(p, n) for p in parts], axis=0) for n in ("months", "dollars", "score")]
    return Sums(*whole)


def planted(
    each: Sequence[Mapping[int, Sums]], without: int, names: tuple[str, ...], chosen: RiskSettings
) -> dict[str, Array]:
    """Return the statistics of the expected sums: those of all states but one, added up."""
    years = {
        year: added([sums[year] for i, sums in enumerate(each) if i != without]) for year in each[0]
    }
    pairs = [
        adjust(names, years[p.base_year], years[p.performance_year], p, chosen)
        for p in (RISK_PAIR, MPA_PAIR)
    ]
    return {name: values[:, 0] for name, values in statistics(*pairs).items()}


def large(state: State) -> set[str]:
    """Return the hospitals with enough people in every year that is compared."""
    sizes = state.frame("hospital_year").pivot_table("benes", "ccn", "year").fillna(0)
    return set(sizes.index[(sizes >= SMALLEST).all(axis=1)])


def measure(listed: Sequence[State], replicates: int, chosen: RiskSettings) -> pd.DataFrame:
    """Return a row per statistic, state and hospital: planted, low, high."""
    point: list[tuple[UnitSums, dict[int, Sums]]] = []
    drawn: list[list[Drawing]] = []
    with reporter() as report:
        for state in states(listed, report):
            sums = unit_matrix(state.frame("risk_unit_sums"), chosen)
            once = sums.sums(sums.matrix @ np.ones((sums.units, 1)))
            point.append((sums, once))
            seeded = replace(chosen, seed=state.seed)
            pairs = [RISK_PAIR, MPA_PAIR]
            full = replicate(sums, pairs, seeded, replicates)
            drawn.append(drawings(sums, full, pairs, seeded))
    names = (STATE, *sorted({n for sums, _ in point for n in sums.hospitals}))
    each = [
        {
            year: aligned(of, pd.Index(sums.names).get_indexer(list(names)))
            for year, of in once.items()
        }
        for sums, once in point
    ]
    frames = []
    for i, state in enumerate(listed):
        truth = planted(each, i, names, chosen)
        risk, mpa = drawn[i]
        ccn = risk.full.hospitals
        order = pd.Index(names).get_indexer(list(ccn))
        for name, values in statistics(risk.full, mpa.full).items():
            of, _, method = name.partition(":")
            drawing = mpa if name.startswith("mpa") else risk
            mix = method if of in ("factor", "difference") else ""
            ends = drawing.ends("value", values, LEVEL, mix)
            table = pd.DataFrame({"ccn": ccn, "planted": truth[name][order], **ends})
            keep = table["ccn"].isin(large(state)) & table["value_low"].notna()
            frames.append(table[keep].assign(statistic=name, seed=state.seed))
    return pd.concat(frames, ignore_index=True)


def counted(found: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count the intervals that hold what is planted, by statistic."""
    inside = found["planted"].between(found["value_low"], found["value_high"])
    by = inside.groupby(found["statistic"]).agg(["sum", "size"])
    return {
        str(name): {"covered": int(row["sum"]), "cases": int(row["size"])}
        for name, row in by.iterrows()
    }


def expected(states: int) -> float:
    """Return the coverage of exact intervals where the truth is a mean over the other states."""
    reach = stats.norm.ppf((1 + LEVEL) / 2) / np.sqrt(1 + 1 / (states - 1))
    return float(2 * stats.norm.cdf(reach) - 1)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=20)
    parser.add_argument("--benes", type=int, default=40_000)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/coverage.json"))
    chosen = parser.parse_args()
    listed = [State(seed, chosen.benes) for seed in range(1, chosen.states + 1)]
    settings = risk_settings(load_policy())
    found = measure(listed, chosen.replicates, settings)
    result = {
        "level": LEVEL,
        "expected": round(expected(len(listed)), 4),
        "states": len(listed),
        "benes": chosen.benes,
        "replicates": chosen.replicates,
        "smallest_hospital": SMALLEST,
        "intervals": counted(found),
    }
    chosen.out.write_text(json.dumps(result, indent=2) + "\n")
    for name, row in result["intervals"].items():
        share = row["covered"] / row["cases"]
        print(f"{name:40s} {row['covered']:5d} of {row['cases']:5d}  {share:.1%}")


if __name__ == "__main__":
    main()
