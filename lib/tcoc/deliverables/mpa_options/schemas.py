"""Columns and types of the MPA's restricted tables; docs/tables.md says what each is."""

from dataclasses import fields

from tcoc.rules.mpa.reliability import Heterogeneity
from tcoc.rules.risk import METHODS
from tcoc.store.schema import DOLLAR_SUM

FLOAT = "float64"

MPA = {
    "rate_year": "int32",
    "option": "string",
    "ccn": "string",
    "combination": "string",
    "base_per_capita": FLOAT,
    "adjusted_base": FLOAT,
    "benchmark": FLOAT,
    "attainment_benchmark": FLOAT,
    "performance": FLOAT,
    "result": FLOAT,
    "scaled": FLOAT,
    "quality": FLOAT,
    "mpa_percent": FLOAT,
    "payments": DOLLAR_SUM,
    "mpa_dollars": DOLLAR_SUM,
    "benes": FLOAT,
    "unequal_run_out": "boolean",
}
RESULTS = {
    **{n: t for n, t in MPA.items() if n not in ("scaled", "mpa_percent", "mpa_dollars")},
    **dict.fromkeys(("credibility", "center"), FLOAT),
}
"""Table mpa before the scale is applied, with what its result was weighed by (rule M8)."""

SCENARIO_RESULTS = {"scenario" if name == "option" else name: t for name, t in RESULTS.items()}
PAYMENTS = {"year": "int32", "ccn": "string", "paid": DOLLAR_SUM}
LEVELS = ("statewide", "peer")
"""The levels of attainment (rule M5)."""

_PER_CAPITA = dict.fromkeys(
    (*(f"base_{m}" for m in METHODS), "performance", *(f"level_{name}" for name in LEVELS)), FLOAT
)
JUDGED = {
    "rate_year": "int32",
    "combined": "boolean",
    "ccn": "string",
    "combination": "string",
    "payments": DOLLAR_SUM,
    **dict.fromkeys(("quality", "price", "benes", "person_years", "units"), FLOAT),
    **_PER_CAPITA,
}
REPLICATED = {
    "rate_year": "int32",
    "combined": "boolean",
    "ccn": "string",
    "replicate": "int32",
    **_PER_CAPITA,
}
SPREAD = {
    "rate_year": "int32",
    **{f.name: "int32" if f.type is int else FLOAT for f in fields(Heterogeneity)},
}
TERMS = {
    "rate_year": "int32",
    "option": "string",
    "base_year": "int32",
    "performance_year": "int32",
    "years": "int32",
    **dict.fromkeys(
        ("national_growth", "trend_reduction", "trend", "threshold", "max_at_risk"), FLOAT
    ),
    **dict.fromkeys(("quality_sign", "risk_method"), "string"),
    "combined": "boolean",
    "attainment_weight": FLOAT,
    **dict.fromkeys(("attainment_level", "attainment_risk", "base_weights"), "string"),
    "risk_cap": FLOAT,
    "truncated": "boolean",
    "credibility": "string",
    "price_standardized": "boolean",
}
LEFT_OUT = {"rate_year": "int32", "option": "string", "reason": "string"}
SCENARIOS = {
    **{"scenario" if name == "option" else name: kind for name, kind in MPA.items()},
    "adopted_mpa_percent": FLOAT,
    "adopted_mpa_dollars": DOLLAR_SUM,
}
OPTIONS = {
    "rate_year": "int32",
    "threshold": FLOAT,
    "max_at_risk": FLOAT,
    "attainment_weight": FLOAT,
    "attainment_level": "string",
    "quality_sign": "string",
    "risk_method": "string",
    **dict.fromkeys(("total_up", "total_down", "net", "at_risk"), FLOAT),
    **dict.fromkeys(("hospitals_up", "hospitals_down", "at_cap_up", "at_cap_down"), "int32"),
    "hospitals_beyond": "int32",
    "concentration": FLOAT,
    "sign_changes": "int32",
    "largest_change": FLOAT,
    "largest_change_ccn": "string",
    **dict.fromkeys(("net_low", "net_high", "sign_agreement"), FLOAT),
}
GRID = {
    name: kind
    for name, kind in OPTIONS.items()
    if name not in ("sign_changes", "largest_change", "largest_change_ccn")
}
"""Table mpa_options, but for what is held against the rate year's own terms."""

WHAT_IF = {
    "rate_year": "int32",
    "ccn": "string",
    "threshold": FLOAT,
    "max_at_risk": FLOAT,
    "attainment_weight": FLOAT,
    "quality_sign": "string",
    "mpa_percent": FLOAT,
    "mpa_dollars": DOLLAR_SUM,
    "benes": FLOAT,
}
NOISE = {
    "rate_year": "int32",
    "option": "string",
    "ccn": "string",
    "combination": "string",
    "benes": FLOAT,
    **dict.fromkeys(
        (
            "mpa_percent",
            "percent_low",
            "percent_high",
            "dollars_low",
            "dollars_high",
            "result",
            "result_error",
            "result_low",
            "result_high",
            "probability_up",
            "probability_down",
            "chance_half",
            "chance_cap",
        ),
        FLOAT,
    ),
}
RELIABILITY = {
    "rate_year": "int32",
    "ccn": "string",
    "benes": FLOAT,
    **dict.fromkeys(
        (
            "result",
            "result_error",
            "reliability",
            "shrunken",
            "sign_agreement",
            "panel_needed",
            "mpa_dollars",
            "signal_dollars",
        ),
        FLOAT,
    ),
}
HETEROGENEITY = {
    "rate_year": "int32",
    "hospitals": "int32",
    **dict.fromkeys(("mean", "mean_error", "true_sd", "q"), FLOAT),
    "df": "int32",
    **dict.fromkeys(
        (
            "p_value",
            "i2",
            "sign_agreement",
            "noise_agreement",
            "slope",
            "slope_low",
            "slope_high",
            "noise_slope",
            "median_reliability",
            "signal_share",
            "signal_low",
            "signal_high",
            "true_sd_low",
            "true_sd_high",
            "median_panel_needed",
            "hospitals_large_enough",
        ),
        FLOAT,
    ),
}
PANEL = {
    "rate_year": "int32",
    "true_change": FLOAT,
    "certainty": FLOAT,
    "min_benes": FLOAT,
    "hospitals_large_enough": "int32",
    "hospitals": "int32",
    "noise_constant": FLOAT,
}
CHANCE = {
    "rate_year": "int32",
    "benes": "int32",
    "threshold": FLOAT,
    **dict.fromkeys(("result_error", "chance_half", "chance_cap", "mean_share"), FLOAT),
}
SAVINGS = {
    "rate_year": "int32",
    "ccn": "string",
    **{
        f"{name}_{unit}": FLOAT
        for name in ("zero", "reward_cap", "penalty_cap")
        for unit in ("per_capita", "dollars")
    },
}
