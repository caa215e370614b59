"""The public tables of the MPA report: drafts for the gate, each with its dictionary."""

from typing import Any

import numpy as np
import pandas as pd

from tcoc.deliverables.mpa_options import columns
from tcoc.deliverables.mpa_options.inputs import (
    BASELINE,
    SINGLE,
    hospital_names,
    imported_state,
    rate_years,
    single_terms,
    terms_of,
)
from tcoc.deliverables.mpa_options.public_hospitals import (
    SIGNS,
    combined_table,
    group_tables,
    hospital_table,
    of_option,
    of_year,
    option_hospitals,
    reliability_draft,
    what_if_table,
)
from tcoc.deliverables.mpa_options.results import option_terms
from tcoc.deliverables.mpa_options.scenarios import load_scenarios
from tcoc.deliverables.mpa_options.sensitivity import sensitivity_table
from tcoc.deliverables.risk_adjustment.inputs import kept_part
from tcoc.deliverables.y1_attribution.completion import completion_facts
from tcoc.disclosure import Column, Draft
from tcoc.params import MpaPolicy
from tcoc.rules.completion import run_out_sentence, unequal_run_out
from tcoc.rules.mpa import read_terms, scaled_result
from tcoc.rules.mpa.options import GRID_KEYS
from tcoc.study import Study


def public_tables(study: Study) -> list[Draft]:
    """Return every table that the report may show, for the gate to audit as one release."""
    return [
        terms_table(study),
        sensitivity_table(study),
        hospital_table(study),
        reliability_draft(study),
        heterogeneity_table(study),
        combined_table(study),
        *group_tables(study),
        option_table(study),
        option_hospitals(study),
        left_out_table(study),
        grid_table(study),
        what_if_table(study),
        panel_table(study),
        chance_table(study),
        scenario_table(study),
        scale_table(study),
    ]


# ---------------------------------------------------------------- terms and completeness


def terms_table(study: Study) -> Draft:
    """The terms of each rate year, and what its two years and its payments rest on (M1, T3, M4)."""
    facts = completion_facts(study)
    rows = []
    for year in rate_years(study):
        terms = terms_of(study.run, year)
        base, later = facts[terms.base_year], facts[terms.performance_year]
        rows.append(
            {
                "rate_year": year,
                "base_year": terms.base_year,
                "year": terms.performance_year,
                "national_growth": terms.national_growth,
                "growth_source": study.run.spec.national_growth[year].source,
                "trend_reduction": terms.trend_reduction,
                "years": terms.years,
                "trend": terms.trend - 1,
                "threshold": terms.threshold,
                "max_at_risk": terms.max_at_risk,
                "risk_method": terms.risk_method,
                "unequal_run_out": unequal_run_out(base, later),
                "base_completion": base.factor,
                "performance_completion": later.factor,
                "base_words": run_out_sentence(base),
                "performance_words": run_out_sentence(later),
                "imported_state": imported_state(study),
                "has_combinations": bool(
                    len(of_option(study, year, BASELINE).dropna(subset=["combination"]))
                ),
            }
        )
    number = columns.number
    return Draft(
        name="mpa_terms",
        title="The terms of each rate year, and the completeness of its two years",
        frame=pd.DataFrame(rows),
        keys=("rate_year",),
        columns={
            "rate_year": columns.RATE_YEAR,
            "base_year": Column("Base year", "year"),
            "year": columns.YEAR,
            "national_growth": number("National growth, a year", "Input of the run (rule M1)."),
            "growth_source": Column("Source of national growth", "label"),
            "trend_reduction": number("Reduction, a year", "Rule M1."),
            "years": number("Years of growth", "Base to performance year (rule M1).", digits=0),
            "trend": number("Growth of the benchmark", "Over all years (rule M1)."),
            "threshold": number("Performance threshold", "Rule M2."),
            "max_at_risk": number("Revenue at risk", "Rule M2."),
            "risk_method": Column("Risk method", "label"),
            "unequal_run_out": Column("Unequal run-out", "flag", "Rule T3."),
            "base_completion": number("Completion of the base year", "Rule T2.", digits=4),
            "performance_completion": number(
                "Completion of the performance year", "Rule T2.", digits=4
            ),
            "base_words": Column("Completeness of the base year", "label", "Rule T3."),
            "performance_words": Column(
                "Completeness of the performance year", "label", "Rule T3."
            ),
            "imported_state": Column("Store limited to people of", "label", "Rule M4."),
            "has_combinations": Column("Has combinations", "flag", "Rule A12."),
        },
        source="run file, params/policy/mpa.yml and the store's dates",
    )


# ---------------------------------------------------------------- the state


def heterogeneity_table(study: Study) -> Draft:
    """Whether hospitals differ beyond chance, beside what noise alone would show (rule M7)."""
    frame = study.frame("mpa_heterogeneity")
    people = []
    for year in frame["rate_year"]:
        rows = of_option(study, int(year), SINGLE)
        people.append(float(rows["benes"].sum()))
    null = kept_part(study, "verdicts", "flags").get("mpa_results_differ", {})
    frame = frame.assign(
        null_marked=null.get("flagged", float("nan")),
        null_states=null.get("cases", float("nan")),
        benes=people,
        change=MpaPolicy.of(study.policy).reliable_change,
        power=MpaPolicy.of(study.policy).reliable_power,
    )
    frame["median_panel_needed"] = frame["median_panel_needed"].round(-2)
    number, share = columns.number, columns.share
    return Draft(
        name="mpa_heterogeneity",
        title="Do hospitals differ by more than chance?",
        frame=frame,
        keys=("rate_year",),
        columns={
            "rate_year": columns.RATE_YEAR,
            "hospitals": columns.hospitals("Hospitals"),
            "mean": columns.rate("Mean true result", "Random-effects mean (rule M7).", 2),
            "mean_error": columns.rate("Its error", "Standard error of the mean (rule M7).", 2),
            "true_sd_low": columns.rate("Its low end", "95% interval, Q-profile (rule M7).", 2),
            "true_sd_high": columns.rate("Its high end", "95% interval, Q-profile (rule M7).", 2),
            "true_sd": columns.rate(
                "True spread", "Standard deviation of true results between hospitals (M7).", 2
            ),
            "q": number("Cochran's Q", "Sum of squared results over their errors (M7).", digits=1),
            "df": number("Degrees of freedom", "Value of Q that chance gives.", digits=0),
            "p_value": number("P-value", "How often chance alone reaches this Q.", digits=3),
            "i2": share("I squared", "Share of the results' variance beyond chance (M7)."),
            "sign_agreement": share(
                "Sign agreement", "Replicates with the sign of the estimate (M7)."
            ),
            "noise_agreement": share("Sign agreement of noise", "What pure chance gives (M7)."),
            "slope": number("Growth on earlier growth", "Slope across hospitals (M7)."),
            "slope_low": number("Slope, low", "Lower end of its 95% interval (HC3)."),
            "slope_high": number("Slope, high", "Upper end of its 95% interval (HC3)."),
            "noise_slope": number("Slope of noise", "What pure chance gives (M7)."),
            "median_reliability": share("Median signal", "Median hospital's reliability (M7)."),
            "signal_share": share(
                "Signal in the dollars", "Reliability weighted by dollars moved (M7)."
            ),
            "signal_low": share("Signal, low", "95% interval (rule M7)."),
            "signal_high": share("Signal, high", "95% interval (rule M7)."),
            "median_panel_needed": number(
                "People needed, median", "To tell a true change of 2% in 80% of cases.", "people", 0
            ),
            "hospitals_large_enough": columns.hospitals(
                "Hospitals as large", "With the panel that their own error asks for (M7)."
            ),
            "null_marked": number(
                "States under 5%", "Where nothing differs (rule R9).", "states", 0
            ),
            "null_states": number(
                "States where nothing differs", "Synthetic (rule R9).", "states", 0
            ),
            "change": number("True change to be told", "params/policy/mpa.yml (rule M7)."),
            "power": number("How often it is told", "params/policy/mpa.yml (rule M7)."),
            "benes": columns.BENES,
        },
        note="Sampling errors come from panels drawn anew, all years and hospitals together (R6).",
        source=columns.SOURCE,
    )


TOTALS = {
    "total_up": columns.dollars("Paid", "Dollars paid to hospitals.", protected=False),
    "total_down": columns.dollars("Taken", "Dollars taken from hospitals.", protected=False),
    "net": columns.dollars("Net", "Paid and taken together.", protected=False),
    "hospitals_up": columns.hospitals("Hospitals up"),
    "hospitals_down": columns.hospitals("Hospitals down"),
    "beyond": columns.hospitals("Beyond the threshold", "Result at or past the threshold (M2)."),
    "at_cap": columns.hospitals("At a cap after quality", "The whole revenue at risk (M3)."),
    "sign_changes": columns.hospitals("Other sign", "Against the rate year's own terms."),
}


def option_table(study: Study) -> Draft:
    """Totals of the rate year's own terms and of each option of table mpa."""
    rows = []
    for year in rate_years(study):
        start = of_option(study, year, SINGLE).set_index("ccn")["mpa_percent"]
        known = of_year(study, "mpa", year)
        for option, terms in option_terms(study.run, year):
            of = known[known["option"] == option]
            if len(of):
                scale = (terms.threshold, terms.max_at_risk)
                named = {"option": option, "option_name": columns.option_name(option)}
                rows.append({"rate_year": year, **named, **_totals(of, start, scale)})
    return _sums(
        "mpa_option_totals",
        "Totals of each option",
        pd.DataFrame(rows),
        "option",
        option_name=Column("Option", "label"),
    )


def _totals(
    rows: pd.DataFrame, start: "pd.Series[float]", scale: tuple[float, float]
) -> dict[str, float]:
    moved, percent = rows["mpa_dollars"], rows["mpa_percent"]
    before = rows["ccn"].map(start)
    return {
        "total_up": float(moved[moved > 0].sum()),
        "total_down": float(moved[moved < 0].sum()),
        "net": float(moved.sum()),
        "hospitals_up": int((percent > 0).sum()),
        "hospitals_down": int((percent < 0).sum()),
        "beyond": int((rows["result"].abs() >= scale[0]).sum()),
        "at_cap": int((percent.abs() >= scale[1]).sum()),
        "sign_changes": int((percent * before < 0).sum()),
    }


def _sums(name: str, heading: str, frame: pd.DataFrame, key: str, **labels: Column) -> Draft:
    return Draft(
        name=name,
        title=heading,
        frame=frame,
        keys=("rate_year", key),
        columns={
            "rate_year": columns.RATE_YEAR,
            key: Column(key.capitalize(), "key"),
            **labels,
            **TOTALS,
        },
        note="Signs are compared with those under the rate year's own terms, every hospital alone.",
        source=columns.SOURCE,
    )


def left_out_table(study: Study) -> Draft:
    """The options that this run cannot compute, each with the reason (rule M8)."""
    return Draft(
        name="mpa_left_out",
        title="Options that this run could not compute",
        frame=study.frame("mpa_left_out"),
        keys=("rate_year", "option"),
        columns={
            "rate_year": columns.RATE_YEAR,
            "option": Column("Option", "key"),
            "reason": Column("Why", "label"),
        },
        source="run file and params/policy/mpa.yml",
    )


def scenario_table(study: Study) -> Draft:
    """Totals of each shipped scenario on the run's own years and national growth."""
    known = load_scenarios(study.policy)
    frame = study.frame("mpa_scenarios")
    rows = []
    for (year, name), of in frame.groupby(["rate_year", "scenario"], sort=False):
        scenario, policy = known[str(name)]
        start = of_option(study, int(str(year)), SINGLE).set_index("ccn")["mpa_percent"]
        terms = read_terms(policy, scenario.rate_year, 0.0)
        said = " ".join(f"{i}. {text}" for i, text in sorted(scenario.description.items()))
        row = {"rate_year": year, "scenario": name, "title": scenario.title, "terms": said}
        rows.append({**row, **_totals(of, start, (terms.threshold, terms.max_at_risk))})
    return _sums(
        "mpa_scenario_totals",
        "Totals of each scenario",
        pd.DataFrame(rows),
        "scenario",
        title=Column("Scenario", "label"),
        terms=Column("What it says", "label"),
    )


METHODS = {"none": "none", "demographic": "demographic", "new_enrollee": "new enrollee"}


def grid_table(study: Study) -> Draft:
    """The options study: one row per point of the grid (rule M6)."""
    frame = study.frame("mpa_options")
    people = {y: float(of_option(study, y, SINGLE)["benes"].sum()) for y in rate_years(study)}
    frame = frame.assign(
        largest_change_hospital=frame["largest_change_ccn"].map(hospital_names(study)),
        attainment=[f"{100 * weight:g}% attainment" for weight in frame["attainment_weight"]],
        benes=frame["rate_year"].map(people),
        quality_sign=frame["quality_sign"].map(SIGNS),
        risk_method=frame["risk_method"].map(METHODS),
    ).drop(columns="largest_change_ccn")
    number, share = columns.number, columns.share
    totals = {k: v for k, v in TOTALS.items() if k in frame}
    return Draft(
        name="mpa_grid",
        title="All points of the options study",
        frame=frame,
        keys=("rate_year", *GRID_KEYS),
        columns={
            "rate_year": columns.RATE_YEAR,
            "threshold": number("Threshold", "Rule M2.", "share", 4),
            "max_at_risk": number("Revenue at risk", "Rule M2.", "share", 4),
            "attainment_weight": number(
                "Attainment", "Weight of attainment (rule M5).", "share", 2
            ),
            "attainment": Column("Attainment weight", "label"),
            "attainment_level": Column("Level", "key", "Level of attainment (rule M5)."),
            "quality_sign": Column("Quality", "key", "Rule M3."),
            "risk_method": Column("Risk method", "key"),
            **totals,
            "at_risk": columns.dollars("At risk", "All revenue at risk.", protected=False),
            "at_cap_up": columns.hospitals("At the upper cap"),
            "at_cap_down": columns.hospitals("At the lower cap"),
            "hospitals_beyond": columns.hospitals("Beyond the threshold"),
            "concentration": share("Five largest", "Share of dollars that five hospitals move."),
            "largest_change": columns.rate("Largest change", "Against the own terms.", 2),
            "largest_change_hospital": Column("Of hospital", "label"),
            "net_low": columns.dollars("Net, low", "95% interval (rule R6).", protected=False),
            "net_high": columns.dollars("Net, high", "95% interval (rule R6).", protected=False),
            "sign_agreement": share("Sign agreement", "Noise alone gives 75% (rule M7)."),
            "benes": columns.BENES,
        },
        note="Hospitals alone. Sign agreement: replicates with the sign of the estimate (R6).",
        source=columns.SOURCE,
    )


# ---------------------------------------------------------------- chance and the scale


def panel_table(study: Study) -> Draft:
    """The smallest panel for which the sign is right as often as wished (rule M6)."""
    frame = study.frame("mpa_panel").rename(columns={"min_benes": "min_panel"})
    frame = frame.drop(columns="noise_constant")
    frame["min_panel"] = frame["min_panel"].round(-2)
    number = columns.number
    return Draft(
        name="mpa_panel_sizes",
        title="How many attributed people a sign needs to be trusted",
        frame=frame,
        keys=("rate_year", "true_change"),
        columns={
            "rate_year": columns.RATE_YEAR,
            "true_change": number("True change", "Difference from the benchmark.", "share", 3),
            "certainty": number("Right sign", "How often the sign should be right.", "share", 2),
            "min_panel": number("People needed", "Fewest attributed people.", "people", 0),
            "hospitals_large_enough": columns.hospitals("Hospitals as large"),
            "hospitals": columns.hospitals("Hospitals"),
        },
        source=columns.SOURCE,
    )


def chance_table(study: Study) -> Draft:
    """What chance pays a hospital of a given size with no true change (rule M6)."""
    frame = study.frame("mpa_chance").rename(columns={"benes": "panel_size"})
    for name in ("result_error", "chance_half", "chance_cap", "mean_share"):
        frame[name] = frame[name].round(3)
    frame["limit"] = [f"{100 * value:g}% threshold" for value in frame["threshold"]]
    number = columns.number
    return Draft(
        name="mpa_chance_by_size",
        title="What chance alone pays, by size and threshold",
        frame=frame,
        keys=("rate_year", "panel_size", "threshold"),
        columns={
            "rate_year": columns.RATE_YEAR,
            "panel_size": number("Attributed people", unit="people", digits=0),
            "threshold": number("Threshold", "Rule M2.", "share", 4),
            "limit": Column("Threshold", "label"),
            "result_error": number("Sampling error", "Of the result at this size.", "share", 3),
            "chance_half": number("Reaches half", "Probability by chance, either direction."),
            "chance_cap": number("Reaches the cap", "Probability by chance, either direction."),
            "mean_share": number(
                "Share of revenue at risk moved by chance",
                "Mean over hospitals like this.",
                "share",
            ),
        },
        source=columns.SOURCE,
    )


def scale_table(study: Study) -> Draft:
    """The scale from result to percentage, at its corners (rule M2)."""
    rows: list[dict[str, Any]] = []
    for year in rate_years(study):
        terms = single_terms(study, year)
        for corner in (-2.0, -1.0, 0.0, 1.0, 2.0):
            at = corner * terms.threshold
            percent = scaled_result(np.array([at]), terms.threshold, terms.max_at_risk)
            name = f"{corner:+g} thresholds"
            rows.append(
                {
                    "rate_year": year,
                    "corner": name,
                    "scale_result": at,
                    "scale_percent": float(percent[0]),
                }
            )
    return Draft(
        name="mpa_scale",
        title="The scale from result to percentage",
        frame=pd.DataFrame(rows),
        keys=("rate_year", "corner"),
        columns={
            "rate_year": columns.RATE_YEAR,
            "corner": Column("Corner", "key"),
            "scale_result": columns.number("Result", "Rule M2."),
            "scale_percent": columns.number("Adjustment", "Rule M2.", digits=4),
        },
        source="params/policy/mpa.yml",
    )
