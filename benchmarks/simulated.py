"""A simulated state in the sums that rules R6 and R8 draw from: by unit, and by profile."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tcoc.deliverables.policy_lab.policies import profile_scores
from tcoc.deliverables.policy_lab.simulate import Array, PersonYears, SimulatedState
from tcoc.rules.inference.replicates import UnitSums, unit_matrix
from tcoc.rules.inference.units import MILLIONTHS, ZIP_PREFIX
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import RiskSettings
from tcoc.store.synth.mix import profiles_of


def simulated_units(
    state: SimulatedState,
    hospital: Mapping[int, Array],
    settings: RiskSettings,
    factors: NewEnrolleeFactors,
) -> UnitSums:
    """Return the sums by unit of a simulated state: clinicians' panels, else places (R6)."""
    scores = profile_scores(settings, factors)
    frames = []
    for year, at in sorted(hospital.items()):
        of = state.years[year]
        unit = np.where(of.clinician >= 0, of.clinician, -1 - of.place)
        frames.append(
            pd.DataFrame(
                {
                    "unit": unit,
                    "year": year,
                    "ccn": at,
                    "bucket": scores[0][of.profile],
                    "months": of.months,
                    "dollars": of.dollars,
                    "score": of.months * np.rint(scores[1][of.profile] * MILLIONTHS),
                }
            )
        )
    rows = pd.concat(frames, ignore_index=True)
    keys = ["unit", "year", "ccn", "bucket"]
    sums = rows.groupby(keys, as_index=False)[["months", "dollars", "score"]].sum()
    places = sums["unit"].map(lambda n: f"{n:010d}" if n >= 0 else f"{ZIP_PREFIX}{-n:04d}")
    hospitals = sums["ccn"].map(lambda n: f"{210000 + n:06d}")
    return unit_matrix(sums.assign(unit=places, ccn=hospitals, share=1.0), settings)


def simulated_prediction(state: SimulatedState, years: tuple[int, int]) -> pd.DataFrame:
    """Return a simulated state's sums for cross-fitted prediction (the columns of R8's sums)."""
    return pd.concat([_prediction(state.years[year], year) for year in years], ignore_index=True)


def _prediction(of: PersonYears, year: int) -> pd.DataFrame:
    w = of.months / 12
    rows = pd.DataFrame(
        {
            "year": year,
            # Whoever is in both years is in the same half.
            "fold": of.person * 2_654_435_761 // 65_536 % 2,
            "profile": of.profile,
            "people": 1,
            "w": w,
            "wc": of.dollars,
            "wcc": of.dollars**2 / w,
            "w2": w * w,
            "w2c": of.dollars * w,
            "w2cc": of.dollars**2,
        }
    )
    sums = rows.groupby(["year", "fold", "profile"], as_index=False).sum()
    named = profiles_of(sums["profile"].to_numpy())
    return sums.assign(**named).drop(columns="profile")
