"""Time and memory of the risk bootstrap at state size, on random beneficiaries.

Run: python benchmarks/risk_bootstrap.py [people] [replicates]
"""

import resource
import sys
import time

import numpy as np
import pandas as pd

from tcoc.params import load_policy
from tcoc.paths import params_dir
from tcoc.rules.risk import (
    Pair,
    bootstrap_per_capita,
    intervals,
    new_enrollee_factors,
    person_rows,
    risk_settings,
)

HOSPITALS = 48
SPLIT = 0.15
"""Share of beneficiary-years that count for a second hospital too."""


def random_rows(people: int, ages: tuple[int, ...], seed: int = 1) -> pd.DataFrame:
    """Return two years of beneficiaries with their hospitals, as the engine would."""
    g = np.random.Generator(np.random.PCG64(seed))
    ccns = np.array([f"2100{i:02d}" for i in range(HOSPITALS)])
    frames = []
    for year in (2015, 2016):
        rows = pd.DataFrame(
            {
                "year": year,
                "bene_id": [f"S{i:09d}" for i in range(people)],
                "ccn": ccns[g.integers(0, HOSPITALS, people)],
                "share": 1.0,
                "age_from": np.array(ages)[g.integers(0, len(ages), people)],
                "sex": np.array(["F", "M"])[g.integers(0, 2, people)],
                "dual": g.random(people) < 0.15,
                "esrd": g.random(people) < 0.01,
                "originally_disabled": False,
                "months": g.integers(1, 13, people),
                "dollars": np.round(g.gamma(0.3, 30_000, people), 2),
            }
        )
        second = rows[g.random(people) < SPLIT].assign(ccn="210099", share=0.3)
        frames += [rows, second]
    rows = pd.concat(frames, ignore_index=True)
    return rows.assign(capped=rows["dollars"])


def main(people: int = 850_000, replicates: int = 2000) -> None:
    """Print seconds of each step and the process's peak memory."""
    settings, pair = risk_settings(load_policy()), Pair(2015, 2016)
    table = pd.read_csv(params_dir() / "reference" / "cms_hcc_new_enrollee.csv", dtype=str)
    rows = random_rows(people, settings.scheme.age_bands)
    start = time.perf_counter()
    prepared = person_rows(rows, pair, settings, new_enrollee_factors(table, "V22"))
    ready = time.perf_counter()
    replicated = bootstrap_per_capita(prepared, pair, settings, replicates)
    done = time.perf_counter()
    intervals(replicated, pair, settings.interval_level)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{people:,} people, {replicates:,} replicates: rows {ready - start:.1f} s, bootstrap"
        f" {done - ready:.1f} s, intervals {time.perf_counter() - done:.1f} s, peak {peak:.1f} GB"
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
