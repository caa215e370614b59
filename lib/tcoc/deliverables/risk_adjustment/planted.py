"""On synthetic data: how much of the planted change of mix each method recovers (rule R6)."""

from pathlib import Path
from typing import Any

import pandas as pd

from tcoc.deliverables.risk_adjustment.inputs import (
    drawings_of,
    factors_of,
    pair_of,
    settings_of,
)
from tcoc.rules.inference.intervals import factor_intervals
from tcoc.rules.risk import STATE, VARIANTS, Pair
from tcoc.rules.risk.adjust import bucket_labels
from tcoc.rules.risk.evidence import growth_on_factor
from tcoc.rules.risk.planted import mix_of_attributed, planted_factors, recovery
from tcoc.rules.sums import exact_sums
from tcoc.study import Study

SMALLEST = 100
"""Hospitals with fewer people in either year are left out: their intervals go wrong (few with
ESRD, buckets of one or two people), as tests/risk/test_risk_recovery.py says."""

PLANTED = {
    "variant": "string",
    **dict.fromkeys(
        (
            "hospitals",
            "inside",
            "share",
            "planted_spread",
            "error",
            "slope",
            "slope_low",
            "slope_high",
        ),
        "float64",
    ),
}


def truth_file(study: Study) -> Path | None:
    """Return where a synthetic store keeps the expected mix, if the store is one that has it."""
    file = study.store.root / "truth" / "hospital_mix.parquet"
    return file if file.is_file() else None


def planted(study: Study) -> pd.DataFrame:
    """How many hospitals' intervals hold the planted factor, one row per variant.

    Empty where the store is not a synthetic one that keeps its expected mix. One state says little:
    `benchmarks/results/coverage.json` counts over many.
    """
    if truth_file(study) is None:
        return pd.DataFrame(columns=list(PLANTED))
    compared = _compared(study)
    rows = [_row(of, variant) for variant, of in compared.groupby("variant", sort=False)]
    return pd.DataFrame(rows, columns=list(PLANTED))


def _row(of: pd.DataFrame, variant: Any) -> dict[str, Any]:
    # Found on planted: a slope of 1 says that what was planted is found one for one.
    pairs = of.assign(unadjusted=of["factor"] - 1, factor=of["planted"])
    weights = of.set_index("ccn")["performance_months"]
    return {
        "variant": variant,
        "hospitals": float(len(of)),
        "inside": float(of["inside"].sum()),
        "share": float(of["inside"].mean()),
        "planted_spread": float(of["planted"].std(ddof=1)),
        "error": float(of["factor_error"].median()),
        **growth_on_factor(pairs, weights),
    }


def _compared(study: Study) -> pd.DataFrame:
    """Return planted and found factors of the hospitals of some size, by (variant, ccn)."""
    settings, pair = settings_of(study), pair_of(study)
    planted = planted_factors(
        _expected(study, pair), _bucket_costs(study, pair), pair, settings, factors_of(settings)
    )
    found = study.frame("risk_methods")
    found = found[
        (found["base_year"] == pair.base_year)
        & (found["performance_year"] == pair.performance_year)
        & (found[["base_benes", "performance_benes"]] >= SMALLEST).all(axis=1)
        & (found["ccn"] != STATE)
    ]
    bounds = factor_intervals(drawings_of(study, [pair])[0], settings.interval_level)
    columns = ["variant", "ccn", "factor", "performance_months"]
    table = recovery(planted, bounds.merge(found[columns], on=["variant", "ccn"]))
    order = {variant: i for i, variant in enumerate(VARIANTS)}
    ordered = table.assign(order=table["variant"].map(order))
    return ordered.sort_values(["order", "ccn"], ignore_index=True)


def _expected(study: Study, pair: Pair) -> pd.DataFrame:
    """Return the expected mix of the people whom the rules attribute to each hospital."""
    truth = study.store.root / "truth"
    homes = study.connection.parquet(truth / "beneficiary_year.parquet")
    homes = homes.select(truth_year="year", person="bene_id", home_ccn="home_ccn")
    rows = study.table("attribution")
    rows = rows.filter(rows.year.isin([pair.base_year, pair.performance_year]))
    joined = rows.join(homes, (rows.year == homes.truth_year) & (rows.bene_id == homes.person))
    by = ["year", "ccn", "home_ccn", "share"]
    months = joined.group_by(by).agg(months=joined.eligible_months.sum().cast("int64"))
    frame = study.connection.fetch(months, by)
    weighted = (frame["share"] * frame["months"]).to_numpy(dtype=float)
    homes_of = exact_sums(frame, ["year", "ccn", "home_ccn"], {"months": weighted})
    mix = study.connection.fetch(
        study.connection.parquet(truth / "hospital_mix.parquet"), ["year", "ccn"]
    )
    return mix_of_attributed(mix, homes_of)


def _bucket_costs(study: Study, pair: Pair) -> dict[str, float]:
    """Return the state's dollars per beneficiary and base year of each bucket."""
    cells = study.frame("risk_cells")
    state = cells[(cells["ccn"] == STATE) & (cells["year"] == pair.base_year)]
    state = state.assign(bucket=bucket_labels(state, settings_of(study)))
    sums = state.groupby("bucket")[["dollars", "months"]].sum().astype(float)
    return {str(b): float(v) for b, v in (sums["dollars"] * 12 / sums["months"]).items()}
