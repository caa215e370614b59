"""The public tables of the risk adjustment report: drafts for the gate, with their dictionary."""

from typing import Any

import pandas as pd

from tcoc.deliverables.risk_adjustment import columns
from tcoc.deliverables.risk_adjustment.inputs import settings_of
from tcoc.deliverables.risk_adjustment.public_evidence import (
    bucket_table,
    coverage_table,
    fit_tables,
    flags_table,
    planted_table,
    planted_words,
    sensitivity_table,
    statistics_table,
    verdict_table,
)
from tcoc.deliverables.risk_adjustment.public_hospitals import (
    INTERVALS,
    combination_tables,
    hospital_table,
    moved_rows,
    moved_table,
    own_rows,
    panel_table,
    parts_table,
)
from tcoc.deliverables.y1_attribution.completion import completion_facts
from tcoc.disclosure import Column, Draft
from tcoc.params import read_yaml
from tcoc.paths import params_dir
from tcoc.rules.completion import run_out_sentence, unequal_run_out
from tcoc.rules.risk import METHODS, STATE
from tcoc.rules.risk.published import check_published
from tcoc.study import Study


def public_tables(study: Study) -> list[Draft]:
    """Return every table that the report may show, for the gate to audit as one release."""
    return [
        verdict_table(study),
        statistics_table(study),
        flags_table(study),
        slide_table(study),
        state_table(study),
        years_table(study),
        hospital_table(study),
        moved_table(study),
        panel_table(study),
        parts_table(study),
        sensitivity_table(study),
        bucket_table(study),
        unknown_sex_table(study),
        published_table(),
        published_check_table(),
        *planted_table(study),
        *coverage_table(study),
        *combination_tables(study),
        *fit_tables(study),
    ]


def slide_table(study: Study) -> Draft:
    """Slide 18 for this run: the state under each method, and how complete both years are."""
    settings, rows = settings_of(study), own_rows(study)
    chosen = {settings.variant(method): method for method in METHODS}
    state = rows[(rows["ccn"] == STATE) & rows["variant"].isin(list(chosen))]
    facts = completion_facts(study)
    years = [(int(a), int(b)) for a, b in zip(state["base_year"], state["year"], strict=True)]
    frame = state.assign(
        method=state["variant"].map(chosen),
        name=state["variant"].map(chosen).map(columns.METHOD_NAMES),
        base_words=[run_out_sentence(facts[a]) for a, _ in years],
        performance_words=[run_out_sentence(facts[b]) for _, b in years],
        unequal_run_out=[unequal_run_out(facts[a], facts[b]) for a, b in years],
        planted=planted_words(study),
    )
    order = {method: i for i, method in enumerate(METHODS)}
    frame = frame.sort_values("method", key=lambda c: c.map(order), ignore_index=True)
    dictionary = {
        "base_year": columns.BASE_YEAR,
        "year": columns.YEAR,
        "ccn": columns.CCN,
        "method": Column("Method, short", "key"),
        "name": columns.METHOD,
        "benes": columns.BENES,
        "base_benes": columns.BASE_BENES,
        "base_per_capita": columns.per_capita("Base per capita", "Rule T2."),
        "adjusted_base": columns.per_capita("Adjusted base", "At the later mix (R2, R3)."),
        "performance_per_capita": columns.per_capita("Performance per capita", "Rule T2."),
        **INTERVALS,
        "base_words": Column("Completeness of the base year", "label", "Rule T3."),
        "performance_words": Column("Completeness of the performance year", "label", "Rule T3."),
        "unequal_run_out": Column("Unequal run-out", "flag", "Rule T3."),
        "planted": Column("What is planted", "label", "Blank where data are real (rule R9)."),
    }
    return Draft(
        name="risk_statewide",
        title="Growth of the state's per capita without and with risk adjustment",
        frame=frame[list(dictionary)],
        keys=("base_year", "year", "ccn", "method"),
        columns=dictionary,
        universe=f"{columns.UNIVERSE}, once for each method",
        note="Adjusted base: what the base year would have cost with the performance year's mix.",
        source=columns.SOURCE,
    )


def years_table(study: Study) -> Draft:
    """The state's difference under each method, for each pair of years of the run (R4)."""
    rows = study.frame("risk_methods")
    rows = rows[(rows["ccn"] == STATE) & (rows["variant"] != "none")]
    frame = rows.rename(columns={"performance_year": "year", "performance_benes": "benes"})
    frame = frame.assign(
        method=frame["variant"].map(columns.METHOD_NAMES),
        years=[f"{a} to {b}" for a, b in zip(frame["base_year"], frame["year"], strict=True)],
    )
    dictionary = {
        "base_year": columns.BASE_YEAR,
        "year": columns.YEAR,
        "years": Column("Years", "label"),
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "benes": columns.BENES,
        "base_benes": columns.BASE_BENES,
        **{c: INTERVALS[c] for c in ("factor", "growth", "difference")},
    }
    frame = frame.sort_values(["base_year", "year", "variant"])[list(dictionary)]
    return Draft(
        name="risk_years",
        title="The state's adjustment in each pair of years",
        frame=frame.reset_index(drop=True),
        keys=("base_year", "year", "variant"),
        columns=dictionary,
        universe=f"{columns.UNIVERSE}, once for each method and pair of years",
        source=columns.SOURCE,
    )


def state_table(study: Study) -> Draft:
    """Who makes the state's growth, over all hospitals: people by part (rule R7)."""
    rows = moved_rows(study).assign(size=0.0)
    rows = rows.assign(
        size=rows["contribution"].abs(),
    )
    keys = ["base_year", "year", "part"]
    frame = rows.groupby(keys, as_index=False).agg(benes=("benes", "sum"), size=("size", "median"))
    dictionary = {
        "base_year": columns.BASE_YEAR,
        "year": columns.YEAR,
        "part": Column("Part", "key"),
        "benes": Column("People", "count", "Summed over hospitals (rule R7).", "people"),
        "size": columns.rate("Median hospital's growth by them", "Without sign (rule R7)."),
    }
    return Draft(
        name="growth_by_part",
        title="How much of a hospital's growth each kind of move makes",
        frame=frame[list(dictionary)],
        keys=("base_year", "year", "part"),
        columns=dictionary,
        universe="people who were with a hospital in either year, by part, all hospitals",
        source=columns.SOURCE,
    )


def unknown_sex_table(study: Study) -> Draft:
    """Beneficiaries whose sex is unknown, who count as F (rule P4)."""
    cells = study.frame("risk_cells")
    state = cells[cells["ccn"] == STATE]
    frame = state.groupby("year", as_index=False)[["unknown_sex", "people"]].sum()
    frame = frame.rename(columns={"unknown_sex": "benes_unknown_sex", "people": "benes"})
    return Draft(
        name="risk_unknown_sex",
        title="Beneficiaries of unknown sex, who count as F",
        frame=frame.astype({"benes": float, "benes_unknown_sex": float}),
        keys=("year",),
        columns={
            "year": Column("Year", "year"),
            "benes": Column("Beneficiaries", "count", "Rule P2.", "people"),
            "benes_unknown_sex": Column("Of unknown sex", "count", "Rule P4.", "people"),
        },
        within={"benes_unknown_sex": "benes"},
        universe="eligible beneficiaries by sex known or not",
        source=columns.SOURCE,
    )


# ---------------------------------------------------------------- slide 18


def _slide() -> dict[str, Any]:
    return read_yaml(params_dir() / "published" / "slide18.yml")


def published_table() -> Draft:
    """Slide 18 as printed, in the columns of `risk_statewide`."""
    slide = _slide()
    amounts = ("base_per_capita", "factor", "adjusted_base", "performance_per_capita")
    rows = []
    for method, printed in slide["methods"].items():
        fractions = {
            name: None if printed[key] is None else printed[key] / 100
            for name, key in (("growth", "growth_percent"), ("difference", "difference_points"))
        }
        ends = {
            f"{end}_{what}": printed.get(f"largest_{end}", {}).get(what)
            for end in ("increase", "decrease")
            for what in ("percent", "hospital")
        }
        rows.append({"method": method, **{c: printed[c] for c in amounts}, **fractions, **ends})
    frame = pd.DataFrame(rows)
    for end in ("increase", "decrease"):
        frame[f"{end}_percent"] = frame[f"{end}_percent"].astype(float) / 100
    text = ["increase_hospital", "decrease_hospital"]
    frame[text] = frame[text].astype(object).where(frame[text].notna(), "")
    frame.insert(1, "name", frame["method"].map(columns.METHOD_NAMES))
    number = columns.number
    return Draft(
        name="risk_slide18",
        title="Slide 18 as printed: risk adjustment 2015 to 2016",
        frame=frame,
        keys=("method",),
        columns={
            "method": Column("Method, short", "key"),
            "name": columns.METHOD,
            "base_per_capita": number("Base per capita", unit="dollars", digits=0),
            "factor": number("Factor", digits=3),
            "adjusted_base": number("Adjusted base", unit="dollars", digits=0),
            "performance_per_capita": number("Performance per capita", unit="dollars", digits=0),
            "growth": number("Growth", unit="share", digits=4),
            "difference": number("Difference", unit="share", digits=4),
            "increase_percent": number("Largest increase", unit="share", digits=4),
            "increase_hospital": Column("Hospital of the increase", "label"),
            "decrease_percent": number("Largest decrease", unit="share", digits=4),
            "decrease_hospital": Column("Hospital of the decrease", "label"),
        },
        note="The slide's extracted text prints the factors in another order; its adjusted bases"
        " decide which is which (rule R5, params/published/slide18.yml).",
        source=str(slide["source"]),
    )


def published_check_table() -> Draft:
    """Slide 18's factors, growth and differences recomputed from its dollars (rule R5)."""
    frame = check_published(_slide())
    number = columns.number
    return Draft(
        name="risk_slide18_check",
        title="Slide 18's arithmetic, recomputed from its dollars",
        frame=frame,
        keys=("method", "quantity"),
        columns={
            "method": Column("Method", "key"),
            "quantity": Column("Quantity", "key"),
            "printed": number("Printed", digits=3),
            "recomputed": number("Recomputed", digits=4),
            "low": number("Lowest possible", digits=4),
            "high": number("Highest possible", digits=4),
        },
        note="Lowest and highest: what dollars within half a dollar of the printed ones allow.",
        source=str(_slide()["source"]),
    )
