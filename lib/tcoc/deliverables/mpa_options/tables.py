"""The tables of the MPA: results, the options study, chance, reliability, break-even, scenarios."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from tcoc.deliverables.mpa_options.inputs import (
    BASELINE,
    SINGLE,
    inputs_of,
    members_of,
    rate_years,
    replicated_inputs,
    setting_of,
    single_terms,
    terms_of,
    units_behind,
)
from tcoc.deliverables.mpa_options.results import left_out, mpa, targets, terms_table
from tcoc.deliverables.mpa_options.scenarios import scenarios
from tcoc.deliverables.mpa_options.schemas import (
    CHANCE,
    HETEROGENEITY,
    LEFT_OUT,
    MPA,
    NOISE,
    OPTIONS,
    PANEL,
    RELIABILITY,
    SAVINGS,
    SCENARIOS,
    TERMS,
    WHAT_IF,
)
from tcoc.deliverables.mpa_options.sensitivity import SENSITIVITY, sensitivity
from tcoc.deliverables.risk_adjustment.inputs import claim_years, settings_of
from tcoc.params import MpaPolicy
from tcoc.rules.mpa import (
    Terms,
    break_even,
    chance_by_size,
    evaluate_grid,
    grid_options,
    noise_table,
    panel_table,
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


def options(study: Study) -> pd.DataFrame:
    """The grid of the options study, hospitals alone, one row per rate year and option (M6)."""
    return pd.concat([_options_of(study, y) for y in rate_years(study)], ignore_index=True)


def _options_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms = single_terms(study, rate_year)
    setting = setting_of(study, terms, {})
    point = inputs_of(study, setting, terms)
    table = evaluate_grid(
        grid_options(MpaPolicy.of(study.policy).grid),
        point,
        replicated_inputs(study, setting, terms),
        terms.trend,
        point.percents_of(terms)[:, 0],
        settings_of(study).interval_level,
        setting.units.hospitals,
    )
    return table.assign(rate_year=rate_year)[list(OPTIONS)]


def what_if(study: Study) -> pd.DataFrame:
    """Each hospital's dollars at every threshold, revenue at risk, attainment and quality (M6).

    Hospitals alone, at the rate year's own risk method and attainment level.
    """
    return pd.concat([_what_if_of(study, y) for y in rate_years(study)], ignore_index=True)


def _what_if_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms = single_terms(study, rate_year)
    setting = setting_of(study, terms, {})
    inputs, grid = inputs_of(study, setting, terms), MpaPolicy.of(study.policy).grid
    dimensions = ("threshold", "max_at_risk", "attainment_weight", "quality_sign")
    frames = []
    # The terms in force are a choice of their own even where the grid leaves them out.
    values = [_with_own(grid[name], getattr(terms, name)) for name in dimensions]
    for point in product(*values):
        chosen = replace(terms, **dict(zip(dimensions, point, strict=True)))
        percent = inputs.percents_of(chosen)[:, 0]
        frames.append(
            pd.DataFrame(
                {
                    "rate_year": rate_year,
                    "ccn": list(setting.units.hospitals),
                    **dict(zip(dimensions, point, strict=True)),
                    "mpa_percent": percent,
                    "mpa_dollars": to_cents(percent.tolist(), setting.units.paid),
                    "benes": setting.benes[inputs.position],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)[list(WHAT_IF)]


def _with_own(values: Sequence[Any], own: Any) -> list[Any]:
    return sorted({*values, own})


# ---------------------------------------------------------------- chance


def noise(study: Study) -> pd.DataFrame:
    """Each hospital's result and percentage with intervals, alone and combined (rules R6, M6)."""
    frames = []
    for year in rate_years(study):
        terms = terms_of(study.run, year)
        frames.append(_noise_of(study, single_terms(study, year)).assign(option=SINGLE))
        if members_of(study, terms):
            frames.append(_noise_of(study, terms).assign(option=BASELINE))
    return pd.concat(frames, ignore_index=True)[list(NOISE)]


def _noise_of(study: Study, terms: Terms) -> pd.DataFrame:
    setting = setting_of(study, terms, members_of(study, terms))
    point = inputs_of(study, setting, terms)
    replicated = replicated_inputs(study, setting, terms)
    at, level = point.position, settings_of(study).interval_level
    result = point.result_of(terms)[at, 0]
    noisy = replicated.result_of(terms)[at]
    table = noise_table(
        setting.units.hospitals,
        point.percents_of(terms)[:, 0],
        replicated.percents_of(terms),
        result,
        noisy,
        (terms.threshold, terms.max_at_risk),
        level,
        units_behind(study, setting, terms)[at],
    )
    return table.assign(
        rate_year=terms.rate_year,
        combination=pd.Series([setting.units.members.get(c) for c in setting.units.hospitals]),
        benes=setting.benes[at],
        dollars_low=np.round(table["percent_low"] * point.paid, 2),
        dollars_high=np.round(table["percent_high"] * point.paid, 2),
    )


def panel(study: Study) -> pd.DataFrame:
    """The fewest beneficiaries for a sign that can be trusted, by true change (rule M6)."""
    frames = []
    frame = study.frame("mpa_noise")
    for year, rows in frame[frame["option"] == SINGLE].groupby("rate_year"):
        benes = rows["benes"].to_numpy(dtype=float)
        constant = noise_constant(rows["result_error"].to_numpy(dtype=float), benes)
        table = panel_table(
            constant,
            MpaPolicy.of(study.policy).true_changes,
            MpaPolicy.of(study.policy).sign_certainty,
            benes,
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


def _results_of(study: Study, rate_year: int) -> tuple[tuple[str, ...], Array, Array, Array]:
    """Return hospitals, their results alone, these in each replicate, units behind (M1, R6)."""
    terms = single_terms(study, rate_year)
    setting = setting_of(study, terms, {})
    point = inputs_of(study, setting, terms)
    noisy = replicated_inputs(study, setting, terms).result_of(terms)
    at, units = point.position, units_behind(study, setting, terms)
    return setting.units.hospitals, point.result_of(terms)[at, 0], noisy[at], units[at]


def reliability(study: Study) -> pd.DataFrame:
    """How much of each hospital's result is true, and what it is shrunk to (rule M7)."""
    return pd.concat([_reliability_of(study, y) for y in rate_years(study)], ignore_index=True)


def _reliability_of(study: Study, rate_year: int) -> pd.DataFrame:
    hospitals, result, noisy, units = _results_of(study, rate_year)
    state = heterogeneity(result, noisy, units)
    table = reliability_table(list(hospitals), result, noisy, state, units)
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
        _, result, noisy, units = _results_of(study, year)
        found = _with_regression(study, year, heterogeneity(result, noisy, units))
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
    terms = terms_of(study.run, rate_year)
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
    setting = setting_of(study, terms, {})
    inputs = inputs_of(study, setting, terms)
    improvement, attainment = targets(inputs, terms)
    years = setting.months / 12 * setting.pair.performance_completion
    columns: dict[str, Any] = {"ccn": list(setting.units.hospitals)}
    for name, at in (
        ("zero", 0.0),
        ("reward_cap", terms.threshold),
        ("penalty_cap", -terms.threshold),
    ):
        each = break_even(
            inputs.performance[:, 0], improvement, attainment, terms.attainment_weight, at
        )
        columns[f"{name}_per_capita"] = each[inputs.position]
        columns[f"{name}_dollars"] = np.round((each * years)[inputs.position], 2)
    return pd.DataFrame(columns).assign(rate_year=rate_year)[list(SAVINGS)]


# ---------------------------------------------------------------- products

POLICY = ("mpa", "risk", "tcoc")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution", "risk_adjustment")
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS = (
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
