"""The risk report's section on synthetic data: how much of the planted mix change is recovered."""

from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from scipy import stats

from tcoc.deliverables.risk_adjustment.tables import (
    factors_of,
    pair_of,
    replicated_of,
    replicates,
    settings_of,
)
from tcoc.deliverables.y1_attribution.public import UNIVERSE
from tcoc.disclosure.old import PublicTable
from tcoc.report import words
from tcoc.report.release import Release
from tcoc.rules.risk import STATE, VARIANTS, Pair
from tcoc.rules.risk.adjust import bucket_labels, exact_sums
from tcoc.rules.risk.evidence import growth_on_factor
from tcoc.rules.risk.planted import factor_intervals, mix_of_attributed, planted_factors, recovery
from tcoc.study import Study

SMALLEST = 100
"""Hospitals with fewer people in either year are left out: their intervals go wrong (few with
ESRD, buckets of one or two people), as tests/risk/test_risk_recovery.py says."""

NAME = "risk_planted"
ATTRIBUTED, OWN = "as the rules attribute", "at their own hospital"
OWN_REPLICATES = 500
_VALUES = (
    "hospitals",
    "inside",
    "share",
    "planted_spread",
    "error",
    "slope",
    "slope_low",
    "slope_high",
)


def truth_file(study: Study) -> Path | None:
    """Return where a synthetic store keeps the expected mix, if the store is one that has it."""
    file = study.store.root / "truth" / "hospital_mix.parquet"
    return file if file.is_file() else None


def planted_table(study: Study) -> PublicTable:
    """How many hospitals' intervals hold the planted factor, by variant."""
    frames = {OWN: _compared_at_own(study), ATTRIBUTED: _compared(study)}
    rows = [
        {"people": people, **_row(of, variant)}
        for people, compared in frames.items()
        for variant, of in compared.groupby("variant", sort=False)
    ]
    frame = pd.DataFrame(rows, columns=["people", "variant", *_VALUES])
    frame.insert(0, "year", pair_of(study).performance_year)
    frame.insert(3, "benes", _state_benes(study))
    return PublicTable(
        name=NAME,
        title="Hospitals whose interval holds the planted change of mix",
        frame=frame,
        keys=("year", "people", "variant"),
        counts=("benes",),
        values=dict.fromkeys(_VALUES, ("benes",)),
        universe=f"{UNIVERSE}, once for each variant and choice of hospital",
        note="Planted: the method's factor on the expected mix of the hospitals whose people are"
        " attributed, at the state's cost of each bucket. Hospitals with at least"
        f" {SMALLEST} beneficiaries in both years.",
        source="Synthetic state: truth/hospital_mix and truth/beneficiary_year",
    )


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
    settings, (replicated, pair) = settings_of(study), replicated_of(study)
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
    bounds = factor_intervals(replicated, settings.interval_level)
    columns = ["variant", "ccn", "factor", "performance_months"]
    table = recovery(planted, bounds.merge(found[columns], on=["variant", "ccn"]))
    order = {variant: i for i, variant in enumerate(VARIANTS)}
    ordered = table.assign(order=table["variant"].map(order))
    return ordered.sort_values(["order", "ccn"], ignore_index=True)


def _compared_at_own(study: Study) -> pd.DataFrame:
    """Return the same for everybody at the own hospital: only who is drawn is left to chance."""
    settings, pair = settings_of(study), pair_of(study)
    truth = study.store.root / "truth"
    homes = study.connection.parquet(truth / "beneficiary_year.parquet")
    homes = homes.select("year", "bene_id", ccn=homes.home_ccn, share=ibis.literal(1.0))
    years = (pair.base_year, pair.performance_year)
    replicated = replicates(study, *years, attribution=homes, count=OWN_REPLICATES)
    mix = study.connection.fetch(
        study.connection.parquet(truth / "hospital_mix.parquet"), ["year", "ccn"]
    )
    factors, costs = factors_of(settings), _bucket_costs(study, pair)
    planted = planted_factors(mix, costs, pair, settings, factors)
    bounds = factor_intervals(replicated, settings.interval_level)
    # The middle of an interval stands for the estimate, which is not computed a second time.
    bounds["factor"] = (bounds["factor_low"] + bounds["factor_high"]) / 2
    both = homes.filter(homes.year.isin(years))
    people = both.group_by("year", "ccn").agg(people=both.count())
    sizes = study.connection.fetch(people, ["year", "ccn"]).pivot_table("people", "ccn", "year")
    large = sizes[(sizes.reindex(columns=list(years)) >= SMALLEST).all(axis=1)]
    table = recovery(planted, bounds[bounds["ccn"].isin(list(large.index))])
    table["performance_months"] = table["ccn"].map(sizes[pair.performance_year]).astype(float)
    return table


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


def _state_benes(study: Study) -> float:
    rows, pair = study.frame("risk_methods"), pair_of(study)
    state = rows[(rows["ccn"] == STATE) & (rows["performance_year"] == pair.performance_year)]
    return float(state["performance_benes"].iloc[0])


# ---------------------------------------------------------------- the section


def planted_mix(release: Release) -> None:
    """Say how many hospitals' intervals hold the mix change that the synthetic state planted."""
    if NAME not in release.names:
        release.say("The data are not synthetic, so no planted change is known to compare with.")
        return
    frame = release.table(NAME)
    level = settings_of(release.study).interval_level
    shown = frame.dropna(subset=["inside", "hospitals"])
    if shown.empty:
        release.say(f"No hospital has {SMALLEST} beneficiaries in both years to compare.")
        return
    release.say(
        f"A {words.percent(level, 0)} interval should hold the planted factor in"
        f" {words.percent(level, 0)} of hospitals. {_counted(shown, OWN, level)}"
        f" {_counted(shown, ATTRIBUTED, level)} {_PANELS} {_noise(shown)}"
    )
    release.show_table(
        NAME,
        {
            "people": "Beneficiaries",
            "variant": "Method",
            "hospitals": "Hospitals",
            "inside": "Interval holds the planted factor",
            "share": "Share",
            "planted_spread": "Spread of planted factors",
            "error": "Typical sampling error",
            "slope": "Found for each 1 planted",
            "slope_low": "From",
            "slope_high": "To",
        },
        {
            "variant": lambda v: _NAMES.get(v, str(v)),
            "hospitals": "count",
            "inside": "count",
            "share": lambda v: words.percent(v, 0),
            **dict.fromkeys(("planted_spread", "error"), lambda v: words.percent(v, 2)),
            **dict.fromkeys(("slope", "slope_low", "slope_high"), lambda v: words.number(v, 1)),
        },
    )


_PANELS = (
    "Intervals draw beneficiaries and keep who is attributed where. They do not count that a"
    " clinician's whole panel goes to another hospital in the second year (rule A8), or that"
    " whom a clinician sees differs from the people of the place."
)

_NAMES = {
    "demographic_own": "Demographic, own costs",
    "demographic_statewide": "Demographic, state's costs",
    "new_enrollee": "New enrollee score",
}


def _said(row: pd.Series) -> str:
    return (
        f"**{words.count(row['inside'])} of {words.count(row['hospitals'])}**"
        f" ({_NAMES[str(row['variant'])].lower()})"
    )


def _counted(shown: pd.DataFrame, people: str, level: float) -> str:
    """Say how many intervals hold it, and whether that is what chance leaves to right ones."""
    of = shown[shown["people"] == people]
    if of.empty:
        return ""
    low, high = stats.binom.interval(0.95, int(of["hospitals"].max()), level)
    parts = words.listing([_said(row) for _, row in of.iterrows()])
    few = bool((of["inside"] < low).any())
    verdict = "fewer than" if few else "no fewer than"
    return (
        f"With beneficiaries {people} it does in {parts}; chance leaves right intervals"
        f" between {words.count(low)} and {words.count(high)}, so {verdict} the nominal rate"
        f" allows{' under some method' if few else ''}."
    )


def _noise(shown: pd.DataFrame) -> str:
    """Compare what is planted with what chance moves."""
    shown = shown[shown["people"] == ATTRIBUTED]
    smaller = shown[shown["planted_spread"] < shown["error"]]
    if len(smaller) == len(shown):
        return (
            "Under every method hospitals' planted factors differ by less than the sampling error"
            " of one hospital, so a single hospital's adjustment is mostly chance here."
        )
    names = [_NAMES[str(v)].lower() for v in shown.loc[~shown.index.isin(smaller.index), "variant"]]
    if not names:
        return ""
    return (
        "Hospitals' planted factors differ by more than the sampling error of one hospital under"
        f" {words.listing(names)}."
    )


def recovery_is_counted(release: Release) -> bool:
    """Whether no more intervals hold the planted factor than there are hospitals."""
    if NAME not in release.names:
        return True
    frame = release.table(NAME).dropna(subset=["inside", "hospitals"])
    return bool(np.all((frame["inside"] >= 0) & (frame["inside"] <= frame["hospitals"])))
