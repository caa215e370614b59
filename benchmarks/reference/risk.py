"""Beneficiary-years by hospital, share and profile: the sums behind risk adjustment (R1, R4)."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd

from tcoc.params import RiskPolicy

from .frames import grouped, in_order
from .inputs import STATE, Inputs
from .methods import cms_factors

PROFILE = ("age_from", "sex", "dual", "esrd", "originally_disabled")
DISABLED_FROM = 65
KEYS = ("year", "ccn", "share", *PROFILE)


def risk_cells(inputs: Inputs) -> pd.DataFrame:
    """One row per year, ccn (or STATE), share and profile; dollars in cents, as paid and cut."""
    settings = RiskPolicy.of(inputs.policy)
    years = [year for year in inputs.run.years if inputs.has_claims(year)]
    cells = pd.concat([_cells_of(inputs, year, settings) for year in years], ignore_index=True)
    return in_order(cells, KEYS)


def _cells_of(inputs: Inputs, year: int, settings: RiskPolicy) -> pd.DataFrame:
    everyone, attributed = (inputs.tables[name] for name in ("beneficiary_year", "attribution"))
    factors = cms_factors(settings.model_version)
    ages = sorted({*settings.age_bands, *(age for _, age, _, _ in factors)})
    cut = settings.truncate_sensitivity if settings.truncate == "none" else settings.truncate
    people = profiles(everyone[everyone["year"] == year], ages, float(cut))
    shares = attributed.loc[attributed["year"] == year, ["bene_id", "ccn", "share"]]
    state = people.drop(columns="bene_id").assign(ccn=inputs.one("ccn", STATE), share=1.0)
    tables = [_sums(state), _sums(shares.merge(people, on="bene_id"))]
    return pd.concat(tables, ignore_index=True).assign(year=year)


def profiles(people: pd.DataFrame, ages: list[int], quantile: float) -> pd.DataFrame:
    """What the methods know of each person of a year; sex U counts as F (rules P4, R1)."""
    band = np.searchsorted(ages, people["age"], side="right") - 1
    cap = dollar_cap(people["tcoc"].to_numpy(), quantile)
    return pd.DataFrame(
        {
            "bene_id": people["bene_id"],
            "age_from": np.array(ages)[np.maximum(band, 0)],
            "sex": people["sex"].cat.rename_categories(str).where(people["sex"] == "M", "F"),
            "dual": people["dual"],
            "esrd": people["esrd"],
            "originally_disabled": people["originally_disabled"] & (people["age"] >= DISABLED_FROM),
            "months": people["eligible_months"],
            "dollars": people["tcoc"],
            "capped": people["tcoc"].clip(upper=cap),
            "unknown_sex": (~people["sex"].isin(["F", "M"])).astype("int32"),
        }
    )


def dollar_cap(cents: np.ndarray, quantile: float) -> float:
    """The smallest amount that at least `quantile` of people stay within."""
    place = math.ceil(Decimal(str(quantile)) * len(cents)) - 1
    return float(np.partition(cents, place)[place]) if len(cents) else math.inf


def _sums(rows: pd.DataFrame) -> pd.DataFrame:
    return grouped(
        rows,
        ["ccn", "share", *PROFILE],
        people=("months", "size"),
        months=("months", "sum"),
        dollars=("dollars", "sum"),
        capped=("capped", "sum"),
        unknown_sex=("unknown_sex", "sum"),
    )
