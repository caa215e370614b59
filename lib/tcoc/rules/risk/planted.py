"""What each method would find on a synthetic state if chance played no part.

A bootstrap over beneficiaries measures how far a factor moves when other people are drawn from the
same population. Its intervals are therefore about the factor of the expected mix, not about that of
the people who happen to be drawn: those are what varies. The synthetic store keeps the expected
mix (`truth/hospital_mix.parquet`); here the methods are applied to it as if it were observed.
"""

from collections.abc import Mapping

import pandas as pd

from tcoc.rules.risk.adjust import Pair, risk_adjustment, variants_table
from tcoc.rules.risk.buckets import PROFILE, STATE
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import RiskSettings
from tcoc.rules.sums import exact_sums

MONTHS_OF_STATE = 1e7
"""Expected months are scaled to about this many, so that cents of dollars do not round."""


def mix_of_attributed(mix: pd.DataFrame, homes: pd.DataFrame) -> pd.DataFrame:
    """Return the expected mix of the people whom the rules attribute to each hospital.

    `mix`: expected months by year, ccn and profile of each hospital's own people. `homes`: months
    by year, ccn (attributed) and home_ccn (own hospital). A hospital's expected mix is that of the
    hospitals whose own people it is attributed, in proportion to their months.
    """
    own = mix.groupby(["year", "ccn"])["months"].transform("sum")
    per_month = mix.assign(part=mix["months"] / own).rename(columns={"ccn": "home_ccn"})
    joined = homes.merge(per_month.drop(columns="months"), on=["year", "home_ccn"])
    keys = ["year", "ccn", *PROFILE]
    return exact_sums(joined, keys, {"months": (joined["months"] * joined["part"]).to_numpy()})


def planted_factors(
    mix: pd.DataFrame,
    cost: Mapping[str, float],
    pair: Pair,
    settings: RiskSettings,
    factors: NewEnrolleeFactors,
) -> pd.DataFrame:
    """Return the factor of each (variant, hospital) that the rule gives on an expected mix.

    `cost` holds the state's base-year dollars per beneficiary and year, by bucket. A hospital's
    cost of each bucket is taken as a level of its own times the state's; then the level cancels and
    both bucket costs of the demographic method have one planted factor (rules R2 and R3).
    """
    cells = expected_cells(mix, cost, settings)
    found = variants_table(risk_adjustment(cells, pair, settings, factors), pair)
    return found[found["variant"] != "none"][["variant", "ccn", "factor"]].reset_index(drop=True)


def expected_cells(
    mix: pd.DataFrame, cost: Mapping[str, float], settings: RiskSettings
) -> pd.DataFrame:
    """Return an expected mix in the columns of `risk_cells`, with the state's rows."""
    keys = list(PROFILE)
    profiles = mix[keys].drop_duplicates()
    named = [settings.scheme.bucket(*row[:4]) for row in profiles.itertuples(index=False)]
    annual = mix[keys].merge(profiles.assign(bucket=named), "left", keys)["bucket"].map(dict(cost))
    overall = sum(cost.values()) / max(len(cost), 1)
    scale = MONTHS_OF_STATE / mix["months"].sum()
    months = mix["months"].to_numpy() * scale
    dollars = months * annual.fillna(overall).to_numpy() / 12
    rows = mix.assign(months=months, dollars=dollars)
    state_keys = ["year", *keys]
    values = {name: rows[name].to_numpy() for name in ("months", "dollars")}
    state = exact_sums(rows, state_keys, values).assign(ccn=STATE)
    cells = pd.concat([rows, state], ignore_index=True)
    return cells.assign(share=1.0, people=1, capped=cells["dollars"], unknown_sex=0)


def recovery(planted: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Join planted factors with found ones (factor, factor_low, factor_high): is it inside."""
    joined = planted.rename(columns={"factor": "planted"}).merge(found, on=["variant", "ccn"])
    inside = joined["planted"].between(joined["factor_low"], joined["factor_high"])
    return joined.assign(inside=inside).dropna(subset=["factor_low"]).reset_index(drop=True)
