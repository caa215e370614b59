"""The public tables of the MPA report: what is counted, and what protects what."""

from typing import Any

import pandas as pd

from tcoc.deliverables.mpa_options.tables import (
    BASELINE,
    Scenario,
    load_scenarios,
    rate_years,
    terms_of,
)
from tcoc.deliverables.y1_attribution.public import UNIVERSE, hospital_names
from tcoc.disclosure.old import PublicTable
from tcoc.rules.mpa import read_terms, scaled_result, varied_terms
from tcoc.rules.mpa.options import GRID_KEYS
from tcoc.study import Study

__all__ = ["BASELINE", "public_tables"]

SOURCE = "Medicare claims and enrolment of the run's store; rules M, R and A12"
SINGLE = "improvement_single"

NOISE_COLUMNS = [
    "percent_low",
    "percent_high",
    "result_error",
    "probability_up",
    "probability_down",
    "chance_half",
    "chance_cap",
]
TOTALS = ("total_up", "total_down", "net")
COUNTED = ("hospitals_up", "hospitals_down", "beyond", "at_cap", "sign_changes")


def public_tables(study: Study) -> list[PublicTable]:
    """Return every table that the report may show, for the gate to audit as one release."""
    return [
        hospital_table(study),
        option_table(study),
        grid_table(study),
        panel_table(study),
        chance_table(study),
        scenario_table(study),
        scale_table(study),
    ]


# ---------------------------------------------------------------- hospitals


def hospital_table(study: Study) -> PublicTable:
    """Each hospital's adjustment, interval, break-even, and percentage under each scenario."""
    frame = pd.concat([_hospitals(study, y) for y in rate_years(study)], ignore_index=True)
    keys = ["year", "ccn"]
    if frame.duplicated(keys).any():
        keys = ["rate_year", *keys]
    texts = {"hospital", "combination", *keys}
    numbers = [str(c) for c in frame.columns if c not in texts | {"benes", "rate_year"}]
    return PublicTable(
        name="mpa_hospitals",
        title="Medicare Performance Adjustment of each hospital",
        frame=frame.sort_values(keys, ignore_index=True),
        keys=tuple(keys),
        counts=("benes",),
        values=dict.fromkeys(numbers, ("benes",)) | _parameter("rate_year", keys),
        universe=UNIVERSE,
        unit="shares of Medicare payments; dollars",
        note="Hospitals of a combination share one percentage (rule A12).",
        source=SOURCE,
    )


def _parameter(name: str, keys: list[str]) -> dict[str, tuple[str, ...]]:
    return {} if name in keys else {name: ()}


def _hospitals(study: Study, rate_year: int) -> pd.DataFrame:
    terms = terms_of(study, rate_year)
    adopted = _of_option(study, rate_year, BASELINE)
    everyone = study.frame("hospital_year")
    people = everyone[everyone["year"] == terms.performance_year].set_index("ccn")["benes"]
    names = hospital_names(study)
    frame = pd.DataFrame(
        {
            "rate_year": rate_year,
            "year": terms.performance_year,
            "ccn": adopted["ccn"],
            "hospital": adopted["ccn"].map(names),
            "combination": adopted["combination"],
            "benes": adopted["ccn"].map(people),
        }
    )
    frame = frame.join(adopted[_RESULTS])
    frame = frame.merge(_of_year(study, "mpa_noise", rate_year)[["ccn", *NOISE_COLUMNS]], on="ccn")
    saving = _of_year(study, "mpa_break_even", rate_year).drop(columns=["rate_year", "combination"])
    frame = frame.merge(saving, on="ccn")
    return _with_scenarios(study, rate_year, frame)


_RESULTS = [
    "benchmark",
    "performance",
    "result",
    "scaled",
    "quality",
    "mpa_percent",
    "payments",
    "mpa_dollars",
]


def _with_scenarios(study: Study, rate_year: int, frame: pd.DataFrame) -> pd.DataFrame:
    single = _of_option(study, rate_year, SINGLE)
    if len(single):
        frame = frame.merge(
            single[["ccn", "mpa_percent"]].rename(columns={"mpa_percent": "percent_single"}),
            how="left",
            on="ccn",
        )
    for name, rows in _of_year(study, "mpa_scenarios", rate_year).groupby("scenario"):
        column = rows[["ccn", "mpa_percent"]].rename(columns={"mpa_percent": f"percent_{name}"})
        frame = frame.merge(column, how="left", on="ccn")
    return frame


def _of_year(study: Study, name: str, rate_year: int) -> pd.DataFrame:
    frame = study.frame(name)
    return frame[frame["rate_year"] == rate_year].reset_index(drop=True)


def _of_option(study: Study, rate_year: int, option: str) -> pd.DataFrame:
    frame = _of_year(study, "mpa", rate_year)
    return frame[frame["option"] == option].reset_index(drop=True)


# ---------------------------------------------------------------- options and scenarios


def option_table(study: Study) -> PublicTable:
    """Totals of the adopted terms and of each option of table mpa."""
    frame = study.frame("mpa")
    rows = []
    for (of_year, of_option), of in frame.groupby(["rate_year", "option"], sort=False):
        year, option = int(str(of_year)), str(of_option)
        start = _of_option(study, year, BASELINE).set_index("ccn")["mpa_percent"]
        scale = _scale(study, year, option)
        rows.append({"rate_year": year, "option": option, **_totals(of, start, scale)})
    return _sums_table(
        "mpa_option_totals",
        "Totals of the adopted terms and of each option",
        pd.DataFrame(rows),
        "option",
    )


def _scale(study: Study, rate_year: int, option: str) -> tuple[float, float]:
    changes = study.policy.get("mpa.options").get(option) or {}
    terms = varied_terms(terms_of(study, rate_year), changes, f"mpa.options: {option}")
    return terms.threshold, terms.max_at_risk


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


def _sums_table(name: str, title: str, frame: pd.DataFrame, key: str) -> PublicTable:
    return PublicTable(
        name=name,
        title=title,
        frame=frame.round(dict.fromkeys(TOTALS, 2)),
        keys=("rate_year", key),
        values=dict.fromkeys((*TOTALS, *COUNTED), ()),
        unit="dollars; hospitals",
        note="Up is paid to hospitals, down is taken from them; net is their sum.",
        source=SOURCE,
    )


def scenario_table(study: Study) -> PublicTable:
    """Totals of each shipped scenario on the run's own years and national growth."""
    known = load_scenarios(study.policy)
    frame = study.frame("mpa_scenarios")
    rows = []
    for (year, name), of in frame.groupby(["rate_year", "scenario"], sort=False):
        scenario, policy = known[str(name)]
        start = of.set_index("ccn")["adopted_mpa_percent"]
        terms = read_terms(policy, scenario.rate_year, 0.0)
        row = {"rate_year": year, "scenario": name, "title": scenario.title}
        rows.append({**row, **_totals(of, start, (terms.threshold, terms.max_at_risk))})
    return _sums_table(
        "mpa_scenario_totals", "Totals of each scenario", pd.DataFrame(rows), "scenario"
    )


def shipped(study: Study) -> dict[str, Scenario]:
    """Return the shipped scenarios by name."""
    return {name: scenario for name, (scenario, _) in load_scenarios(study.policy).items()}


def grid_table(study: Study) -> PublicTable:
    """The options study: one row per point of the grid."""
    frame = study.frame("mpa_options")
    names = hospital_names(study)
    frame["largest_change_hospital"] = frame["largest_change_ccn"].map(names)
    keys = ("rate_year", *GRID_KEYS)
    texts = {*keys, "largest_change_ccn", "largest_change_hospital"}
    return PublicTable(
        name="mpa_grid",
        title="All points of the options study",
        frame=frame,
        keys=keys,
        values=dict.fromkeys([str(c) for c in frame.columns if c not in texts], ()),
        unit="dollars; hospitals; shares",
        note=(
            "Sign agreement: share of hospitals and bootstrap replicates with the sign of the"
            " estimate. Concentration: share of all dollars moved that the five largest amounts"
            " hold."
        ),
        source=SOURCE,
    )


# ---------------------------------------------------------------- chance and the scale


def panel_table(study: Study) -> PublicTable:
    """The smallest panel for which the sign is right as often as wished."""
    frame = study.frame("mpa_panel").rename(columns={"min_benes": "min_panel"})
    return PublicTable(
        name="mpa_panel_sizes",
        title="How many attributed people a sign needs to be trusted",
        frame=frame,
        keys=("rate_year", "true_change"),
        values=dict.fromkeys(
            [str(c) for c in frame.columns if c not in ("rate_year", "true_change")], ()
        ),
        unit="attributed people",
        source=SOURCE,
    )


def chance_table(study: Study) -> PublicTable:
    """What chance pays a hospital of a given size with no true change."""
    frame = study.frame("mpa_chance").rename(columns={"benes": "panel_size"})
    keys = ("rate_year", "panel_size", "threshold")
    return PublicTable(
        name="mpa_chance_by_size",
        title="What chance alone pays, by size and threshold",
        frame=frame,
        keys=keys,
        values=dict.fromkeys([str(c) for c in frame.columns if c not in keys], ()),
        unit="probabilities and shares",
        source=SOURCE,
    )


def scale_table(study: Study) -> PublicTable:
    """The scale from result to percentage, at its corners (rule M2)."""
    rows: list[dict[str, Any]] = []
    for year in rate_years(study):
        terms = terms_of(study, year)
        for result in (-2.0, -1.0, 0.0, 1.0, 2.0):
            at = result * terms.threshold
            percent = scaled_result(pd.Series([at]).to_numpy(), terms.threshold, terms.max_at_risk)
            rows.append(
                {
                    "rate_year": year,
                    "corner": f"{result:+g} thresholds",
                    "scale_result": at,
                    "scale_percent": float(percent[0]),
                }
            )
    return PublicTable(
        name="mpa_scale",
        title="The scale from result to percentage",
        frame=pd.DataFrame(rows),
        keys=("rate_year", "corner"),
        values={"scale_result": (), "scale_percent": ()},
        unit="shares",
        source="params/policy/mpa.yml",
    )
