"""The tables of the MPA: results, the options study, chance, reliability, break-even, scenarios."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from typing import Any, cast

import numpy as np
import pandas as pd

from tcoc.deliverables.mpa_options.inputs import (
    BASELINE,
    SINGLE,
    payments,
    rate_years,
    single_terms,
    terms_of,
)
from tcoc.deliverables.mpa_options.judged import (
    Judged,
    alone,
    judged,
    replicated,
    replicates_of,
    together,
)
from tcoc.deliverables.mpa_options.results import (
    left_out,
    mpa,
    results,
    targets,
    terms_table,
    weighed,
)
from tcoc.deliverables.mpa_options.scenarios import scenario_results, scenarios
from tcoc.deliverables.mpa_options.schemas import (
    CHANCE,
    GRID,
    HETEROGENEITY,
    JUDGED,
    LEFT_OUT,
    MPA,
    NOISE,
    OPTIONS,
    PANEL,
    PAYMENTS,
    RELIABILITY,
    REPLICATED,
    RESULTS,
    SAVINGS,
    SCENARIO_RESULTS,
    SCENARIOS,
    SPREAD,
    TERMS,
    WHAT_IF,
)
from tcoc.deliverables.mpa_options.sensitivity import SENSITIVITY, sensitivity
from tcoc.deliverables.risk_adjustment.inputs import claim_years, settings_of
from tcoc.params import MpaPolicy
from tcoc.rules.mpa import (
    Terms,
    base_terms,
    break_even,
    chance_by_size,
    evaluate_grid,
    grid_changes,
    grid_options,
    noise_table,
    panel_table,
    result_terms,
    to_cents,
)
from tcoc.rules.mpa.noise import noise_constant
from tcoc.rules.mpa.options import GRID_KEYS
from tcoc.rules.mpa.reliability import (
    Heterogeneity,
    heterogeneity,
    heterogeneity_row,
    panel_needed,
    regression_to_the_mean,
    reliability_table,
    signal_share,
)
from tcoc.rules.mpa.scale import Array
from tcoc.study import Product, Study

__all__ = ["BASELINE", "POLICY", "PRODUCTS", "SINGLE", "USES"]


# ---------------------------------------------------------------- the options study


def _own(study: Study, terms: Terms) -> Judged:
    """Return a rate year's hospitals, each judged alone, weighed as the terms ask (rule M8)."""
    return weighed(study, terms, alone(study, terms.rate_year))


def grid(study: Study) -> pd.DataFrame:
    """The grid of the options study, but for what is held against the rate year's terms (M6).

    Where results are weighed (rule M8), every point has the weights of the rate year's own terms.
    """
    return pd.concat([_grid_of(study, y) for y in rate_years(study)], ignore_index=True)


def _grid_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms = single_terms(study, rate_year, result_terms)
    of = _own(study, terms)
    points = grid_options(MpaPolicy.of(study.policy).grid)
    level = settings_of(study).interval_level
    table = evaluate_grid(points, of.point, replicates_of(study, of), terms.trend, level)
    return table.assign(rate_year=rate_year)[list(GRID)]


def options(study: Study) -> pd.DataFrame:
    """The grid of the options study, hospitals alone, one row per rate year and option (M6)."""
    changes = pd.concat([_changes_of(study, y) for y in rate_years(study)], ignore_index=True)
    return study.frame("mpa_grid_totals").merge(changes, on=["rate_year", *GRID_KEYS])[
        list(OPTIONS)
    ]


def _changes_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms = single_terms(study, rate_year)
    of = _own(study, terms)
    points = grid_options(MpaPolicy.of(study.policy).grid)
    own = of.point.percents_of(terms)[:, 0]
    table = grid_changes(points, of.point, terms.trend, own, of.hospitals)
    return table.assign(rate_year=rate_year)


def what_if(study: Study) -> pd.DataFrame:
    """Each hospital's dollars at every threshold, revenue at risk, attainment and quality (M6).

    Hospitals alone, at the rate year's own risk method and attainment level; where results are
    weighed (rule M8), with the weights of its own terms at every choice.
    """
    return pd.concat([_what_if_of(study, y) for y in rate_years(study)], ignore_index=True)


def _what_if_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms = single_terms(study, rate_year)
    of = _own(study, terms)
    values = MpaPolicy.of(study.policy).grid
    dimensions = ("threshold", "max_at_risk", "attainment_weight", "quality_sign")
    # The terms in force are a choice of their own even where the grid leaves them out.
    points = list(product(*(_with_own(values[name], getattr(terms, name)) for name in dimensions)))
    chosen = [replace(terms, **dict(zip(dimensions, point, strict=True))) for point in points]
    percent = np.concatenate([of.point.percents_of(each)[:, 0] for each in chosen])
    cents, count = to_cents(percent.tolist(), of.payments * len(points)), len(of.hospitals)
    frame = pd.DataFrame(points, columns=list(dimensions)).loc[np.repeat(range(len(points)), count)]
    return frame.reset_index(drop=True).assign(
        rate_year=rate_year,
        ccn=of.hospitals * len(points),
        mpa_percent=percent,
        mpa_dollars=pd.Series(cents, dtype="object"),
        benes=np.tile(of.benes, len(points)),
    )[list(WHAT_IF)]


def _with_own(values: Sequence[Any], own: Any) -> list[Any]:
    return sorted({*values, own})


# ---------------------------------------------------------------- chance


def noise(study: Study) -> pd.DataFrame:
    """Each hospital's result and percentage with intervals, alone and combined (rules R6, M6).

    Where results are weighed (rule M8), replicates are too: the weights themselves do not vary.
    """
    frames = []
    for year in rate_years(study):
        terms = terms_of(study.run, year)
        frames.append(_noise_of(study, terms, _own(study, terms)).assign(option=SINGLE))
        if (pooled := together(study, year)) is not None:
            pooled = weighed(study, terms, pooled)
            frames.append(_noise_of(study, terms, pooled).assign(option=BASELINE))
    return pd.concat(frames, ignore_index=True)[list(NOISE)]


def _noise_of(study: Study, terms: Terms, of: Judged) -> pd.DataFrame:
    replicates = replicates_of(study, of)
    noisy = replicates.result_of(terms)
    table = noise_table(
        of.hospitals,
        of.point.percents_of(terms)[:, 0],
        replicates.percents(noisy, terms.threshold, terms.max_at_risk, terms.quality_sign),
        of.point.result_of(terms)[:, 0],
        noisy,
        (terms.threshold, terms.max_at_risk),
        settings_of(study).interval_level,
        of.units,
    )
    return table.assign(
        rate_year=terms.rate_year,
        combination=pd.Series(of.combination, dtype=object),
        benes=of.benes,
        dollars_low=np.round(table["percent_low"] * of.point.paid, 2),
        dollars_high=np.round(table["percent_high"] * of.point.paid, 2),
    )


def panel(study: Study) -> pd.DataFrame:
    """The fewest beneficiaries for a sign that can be trusted, by true change (rule M6).

    Of hospitals' own results, whatever weight they have (rule M8): a weight that grows with the
    panel would hide how chance falls with it.
    """
    frames = []
    for year in rate_years(study):
        of, _, noisy = _results_of(study, year)
        constant = noise_constant(np.nanstd(noisy, axis=1, ddof=1), of.benes)
        table = panel_table(
            constant,
            MpaPolicy.of(study.policy).true_changes,
            MpaPolicy.of(study.policy).sign_certainty,
            of.benes,
        )
        frames.append(table.assign(rate_year=year, noise_constant=constant))
    return pd.concat(frames, ignore_index=True)[list(PANEL)]


def chance(study: Study) -> pd.DataFrame:
    """What chance pays a hospital with no true change, by size and threshold (rule M6)."""
    thresholds = MpaPolicy.of(study.policy).grid["threshold"]
    frames = [
        chance_by_size(
            rows["noise_constant"].iloc[0], MpaPolicy.of(study.policy).panel_sizes, thresholds
        ).assign(rate_year=year)
        for year, rows in study.frame("mpa_panel").groupby("rate_year")
    ]
    return pd.concat(frames, ignore_index=True)[list(CHANCE)]


# ---------------------------------------------------------------- reliability


def _results_of(study: Study, rate_year: int) -> tuple[Judged, Array, Array]:
    """Return hospitals alone, their own results, and these in each replicate (rules M1, R6).

    No weight of rule M8 is laid on them: they are what a weight is measured on.
    """
    terms, of = single_terms(study, rate_year, result_terms), alone(study, rate_year)
    return of, of.point.result_of(terms)[:, 0], replicates_of(study, of).result_of(terms)


def spread(study: Study) -> pd.DataFrame:
    """How far hospitals' results differ beyond chance: what rule M7 computes of results alone."""
    rows = []
    for year in rate_years(study):
        of, result, noisy = _results_of(study, year)
        found = _with_regression(study, year, heterogeneity(result, noisy, of.units))
        rows.append({"rate_year": year, **asdict(found)})
    return pd.DataFrame(rows, columns=list(SPREAD))


def _spread_of(study: Study, rate_year: int) -> Heterogeneity:
    frame = study.frame("mpa_spread").set_index("rate_year")
    found = frame.loc[[rate_year]].to_dict("records")[0]
    return Heterogeneity(**cast(dict[str, Any], found))


def reliability(study: Study) -> pd.DataFrame:
    """How much of each hospital's result is true, and what it is shrunk to (rule M7)."""
    return pd.concat([_reliability_of(study, y) for y in rate_years(study)], ignore_index=True)


def _reliability_of(study: Study, rate_year: int) -> pd.DataFrame:
    of, result, noisy = _results_of(study, rate_year)
    table = reliability_table(
        list(of.hospitals), result, noisy, _spread_of(study, rate_year), of.units
    )
    paid = study.frame("mpa")
    paid = paid[(paid["rate_year"] == rate_year) & (paid["option"] == SINGLE)]
    table = table.merge(paid[["ccn", "benes", "mpa_dollars"]], on="ccn", how="left")
    needed = panel_needed(
        table["result_error"].to_numpy(dtype=float),
        table["benes"].to_numpy(dtype=float),
        MpaPolicy.of(study.policy).reliable_change,
        MpaPolicy.of(study.policy).reliable_power,
    )
    table["panel_needed"] = needed
    table["signal_dollars"] = table["mpa_dollars"] * table["reliability"].fillna(0.0)
    return table.assign(rate_year=rate_year)[list(RELIABILITY)]


def state_heterogeneity(study: Study) -> pd.DataFrame:
    """Whether hospitals differ beyond chance, and what noise alone would show (rule M7)."""
    rows = []
    for year in rate_years(study):
        found = _spread_of(study, year)
        of = study.frame("reliability")
        of = of[of["rate_year"] == year]
        large = (of["benes"] >= of["panel_needed"]).sum()
        dollars, error = (of[c].to_numpy(dtype=float) for c in ("mpa_dollars", "result_error"))
        signal = partial(signal_share, dollars, error)
        rows.append(
            {
                "rate_year": year,
                **heterogeneity_row(found),
                "median_reliability": of["reliability"].median(),
                "signal_share": signal(found.true_sd),
                "signal_low": signal(found.true_sd_low),
                "signal_high": signal(found.true_sd_high),
                "median_panel_needed": of["panel_needed"].median(),
                "hospitals_large_enough": float(large),
            }
        )
    return pd.DataFrame(rows, columns=list(HETEROGENEITY))


def _with_regression(study: Study, rate_year: int, found: Heterogeneity) -> Heterogeneity:
    """Add the slope of growth on the growth of the year before, where that year is known."""
    terms = base_terms(study.policy, rate_year)
    base, later = terms.base_year, terms.performance_year
    before = base - 1
    if before not in claim_years(study.run, study.store) or later != base + 1:
        return found
    wide = study.frame("hospital_year").pivot(index="ccn", columns="year", values="per_capita")
    first, second = (wide[b] / wide[a] - 1 for a, b in ((before, base), (base, later)))
    slope, low, high = regression_to_the_mean(first.to_numpy(), second.to_numpy())
    return replace(found, slope=slope, slope_low=low, slope_high=high)


# ---------------------------------------------------------------- break-even


def savings(study: Study) -> pd.DataFrame:
    """What each hospital must save to reach zero, the reward cap or to leave the penalty cap."""
    return pd.concat([_savings_of(study, y) for y in rate_years(study)], ignore_index=True)


def _savings_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms = single_terms(study, rate_year)
    of = _own(study, terms)
    improvement, attainment = targets(of.point, terms)
    columns: dict[str, Any] = {"ccn": list(of.hospitals)}
    for name, at in (
        ("zero", 0.0),
        ("reward_cap", terms.threshold),
        ("penalty_cap", -terms.threshold),
    ):
        each = break_even(
            of.point.performance[:, 0],
            improvement,
            attainment * of.point.prices,
            terms.attainment_weight,
            of.point.unweighed(at),
        )
        columns[f"{name}_per_capita"] = each
        columns[f"{name}_dollars"] = np.round(each * of.person_years, 2)
    return pd.DataFrame(columns).assign(rate_year=rate_year)[list(SAVINGS)]


# ---------------------------------------------------------------- products

POLICY = ("mpa", "risk", "tcoc")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution", "risk_adjustment")
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS = (
    Product("mpa_payments", ("year", "ccn"), payments, PAYMENTS, internal=True, alone=True),
    Product("mpa_judged", ("rate_year", "combined", "ccn"), judged, JUDGED, internal=True),
    Product(
        "mpa_replicates",
        ("rate_year", "combined", "ccn", "replicate"),
        replicated,
        REPLICATED,
        internal=True,
    ),
    Product("mpa_results", ("rate_year", "option", "ccn"), results, RESULTS, internal=True),
    Product(
        "mpa_scenario_results",
        ("rate_year", "scenario", "ccn"),
        scenario_results,
        SCENARIO_RESULTS,
        internal=True,
    ),
    Product("mpa_grid_totals", ("rate_year", *GRID_KEYS), grid, GRID, internal=True),
    Product("mpa_spread", ("rate_year",), spread, SPREAD, internal=True),
    Product("mpa", ("rate_year", "option", "ccn"), mpa, MPA, csv=True),
    Product("mpa_terms", ("rate_year", "option"), terms_table, TERMS),
    Product("mpa_left_out", ("rate_year", "option"), left_out, LEFT_OUT),
    Product("mpa_options", ("rate_year", *GRID_KEYS), options, OPTIONS),
    Product(
        "mpa_what_if",
        ("rate_year", "ccn", "threshold", "max_at_risk", "attainment_weight", "quality_sign"),
        what_if,
        WHAT_IF,
    ),
    Product("mpa_noise", ("rate_year", "option", "ccn"), noise, NOISE),
    Product("mpa_panel", ("rate_year", "true_change"), panel, PANEL),
    Product("mpa_chance", ("rate_year", "benes", "threshold"), chance, CHANCE),
    Product("reliability", ("rate_year", "ccn"), reliability, RELIABILITY),
    Product("mpa_heterogeneity", ("rate_year",), state_heterogeneity, HETEROGENEITY),
    Product("mpa_break_even", ("rate_year", "ccn"), savings, SAVINGS),
    Product("sensitivity", ("assumption", "alternative"), sensitivity, SENSITIVITY),
    Product("mpa_scenarios", ("rate_year", "scenario", "ccn"), scenarios, SCENARIOS),
)
"""The tables of the MPA, in the order in which later ones use earlier ones."""
