"""Public tables with a row per hospital: results, reliability, combinations, options."""

from dataclasses import replace

import pandas as pd

from tcoc.deliverables.mpa_options import columns
from tcoc.deliverables.mpa_options.inputs import (
    BASELINE,
    SINGLE,
    hospital_names,
    rate_years,
    terms_of,
)
from tcoc.deliverables.y1_attribution.groups import groups_of
from tcoc.disclosure import Column, Draft
from tcoc.report.words import plain_number
from tcoc.rules.groups import ACO, COUNTY, SYSTEM
from tcoc.study import Study

UNIVERSE = "attributed beneficiaries"

MISSING = "not stated"
"""What stands where a combination names no region or purpose (rule A12, slide 14)."""


def of_year(study: Study, name: str, rate_year: int) -> pd.DataFrame:
    """Return the rows of a rate year of a restricted table."""
    frame = study.frame(name)
    return frame[frame["rate_year"] == rate_year].reset_index(drop=True)


def of_option(study: Study, rate_year: int, option: str) -> pd.DataFrame:
    """Return the rows of one option of table mpa."""
    frame = of_year(study, "mpa", rate_year)
    return frame[frame["option"] == option].reset_index(drop=True)


def _named(study: Study, rate_year: int, frame: pd.DataFrame) -> pd.DataFrame:
    """Add rate year, performance year and name; people are those of the performance year."""
    return frame.assign(
        rate_year=rate_year,
        year=terms_of(study.run, rate_year).performance_year,
        hospital=frame["ccn"].map(hospital_names(study)),
    )


def _draft(
    name: str,
    title: str,
    frames: list[pd.DataFrame],
    entries: dict[str, Column],
    extra_keys: tuple[str, ...] = (),
    note: str = "",
) -> Draft:
    """Return a draft keyed by year and hospital, as other tables of the same people are.

    Two rate years that judge the same calendar year need the rate year in the key.
    """
    known = {
        "rate_year": columns.RATE_YEAR,
        "year": columns.YEAR,
        "ccn": columns.CCN,
        "hospital": columns.HOSPITAL,
        "benes": columns.BENES,
    }
    dictionary = {**known, **entries}
    frame = pd.concat(frames, ignore_index=True)[list(dictionary)]
    keys: tuple[str, ...] = ("year", "ccn", *extra_keys)
    if frame.duplicated(list(keys)).any():
        keys = ("rate_year", *keys)
    return Draft(
        name=name,
        title=title,
        frame=frame.sort_values(list(keys), ignore_index=True),
        keys=keys,
        columns=dictionary,
        universe=UNIVERSE if not extra_keys else "",
        note=note,
        source=columns.SOURCE,
    )


# ---------------------------------------------------------------- the main table


RESULTS = {
    "benchmark": columns.per_capita("Benchmark", "Base per capita, grown (rule M1)."),
    "performance": columns.per_capita("Performance", "Per capita of the performance year (M1)."),
    "result": columns.rate("Result", "How far performance ended below the benchmark (rule M1).", 1),
    "result_low": columns.rate("Result, low", "Lower end of the 95% interval (rule R6).", 1),
    "result_high": columns.rate("Result, high", "Upper end of the 95% interval (rule R6).", 1),
    "scaled": columns.rate("Scaled result", "Result on the scale of revenue at risk (rule M2)."),
    "quality": Column("Quality", "growth", "RRIP and MHAC together (rule M3).", digits=4),
    "mpa_percent": columns.rate("Adjustment", "Share of Medicare payments (rule M3)."),
    "percent_low": columns.rate("Adjustment, low", "Lower end of the 95% interval (rule R6)."),
    "percent_high": columns.rate("Adjustment, high", "Upper end of the 95% interval (rule R6)."),
    "payments": columns.dollars(
        "Medicare payments", "Inpatient and outpatient, performance year, by CCN (rule M4)."
    ),
    "mpa_dollars": columns.dollars("Dollars", "Adjustment times payments (rule M4)."),
    "dollars_low": columns.dollars("Dollars, low", "Lower end of the 95% interval (rule R6)."),
    "dollars_high": columns.dollars("Dollars, high", "Upper end of the 95% interval (rule R6)."),
    "zero_per_capita": columns.per_capita("To zero, per capita", "Saving that ends at zero (M6)."),
    "zero_dollars": columns.dollars("To zero, dollars", "The same for all its people (M6)."),
    "reward_cap_per_capita": columns.per_capita(
        "To the reward cap, per capita", "Saving that reaches the whole reward (rule M6)."
    ),
    "reward_cap_dollars": columns.dollars(
        "To the reward cap, dollars", "The same for all its people (rule M6)."
    ),
}


def hospital_table(study: Study) -> Draft:
    """Each hospital alone: result, adjustment, dollars, intervals, and what it must save."""
    noise = [
        "result_low",
        "result_high",
        "percent_low",
        "percent_high",
        "dollars_low",
        "dollars_high",
    ]
    frames = []
    for year in rate_years(study):
        frame = of_option(study, year, SINGLE)
        chance = of_year(study, "mpa_noise", year)
        chance = chance[chance["option"] == SINGLE]
        frame = frame.merge(chance[["ccn", *noise]], on="ccn")
        saving = of_year(study, "mpa_break_even", year).drop(columns="rate_year")
        frames.append(_named(study, year, frame.merge(saving, on="ccn")))
    return _draft(
        "mpa_hospitals",
        "Medicare Performance Adjustment of each hospital, judged alone",
        frames,
        RESULTS,
        note="No hospitals are combined here; combinations stand in a table of their own (A12).",
    )


# ---------------------------------------------------------------- signal and noise


def reliability_draft(study: Study) -> Draft:
    """How much of each hospital's result is signal, and the panel that would tell (rule M7)."""
    entries = {
        "result": RESULTS["result"],
        "result_error": columns.share(
            "Sampling error", "Standard error of the result, from panels drawn anew (R6).", 1
        ),
        "reliability": columns.share(
            "Signal", "Share of the variance of results like this one that is true (rule M7)."
        ),
        "shrunken": columns.rate(
            "Shrunken result", "What is expected of the true result (rule M7).", 1
        ),
        "mpa_dollars": RESULTS["mpa_dollars"],
        "signal_dollars": columns.dollars(
            "Of them signal", "Dollars times the share that is signal (rule M7)."
        ),
        "needed": columns.number(
            "People needed",
            "Panel in which a true change of 2% shows in 80% of cases (rule M7).",
            "people",
            0,
        ),
    }
    frames = []
    for year in rate_years(study):
        frame = of_year(study, "reliability", year)
        # A panel size says how far hundreds of people would go; finer would be false.
        frame["needed"] = frame["panel_needed"].round(-2)
        frames.append(_named(study, year, frame))
    return _draft(
        "mpa_reliability", "How much of each hospital's result is signal", frames, entries
    )


# ---------------------------------------------------------------- combinations and options


def combined_table(study: Study) -> Draft:
    """Hospitals in combinations: the shared adjustment beside their own (rule A12)."""
    groups = study.reference("combinations")
    entries = {
        "combination": Column("Combination", "label"),
        "region": Column("Region", "label", "Regional component of the combination (slide 14)."),
        "purpose": Column("Purpose", "label", "What the combination is for (slide 14)."),
        "mpa_percent": columns.rate("Combined", "Adjustment shared by all members (rule A12)."),
        "single_percent": columns.rate("Alone", "Adjustment of the hospital alone."),
        "mpa_dollars": columns.dollars("Combined, dollars", "Shared adjustment times payments."),
        "single_dollars": columns.dollars("Alone, dollars", "Own adjustment times payments."),
    }
    frames = []
    for year in rate_years(study):
        rows = of_option(study, year, BASELINE)
        rows = rows[rows["combination"].notna()]
        alone = of_option(study, year, SINGLE).set_index("ccn")
        rows = rows.assign(
            single_percent=rows["ccn"].map(alone["mpa_percent"]),
            single_dollars=rows["ccn"].map(alone["mpa_dollars"]),
            # Table mpa counts the people of the combination; a reader looks for the hospital's.
            benes=rows["ccn"].map(alone["benes"]),
        )
        for name in ("region", "purpose"):
            stated = _stated(groups, name)
            rows[name] = [stated.get(ccn, MISSING) for ccn in rows["ccn"]]
        frames.append(_named(study, year, rows))
    return _draft(
        "mpa_combined",
        "Hospitals in combinations: the shared adjustment beside their own",
        frames,
        entries,
        note="Slide 14 asks a combination for a region and a purpose; what is missing is said.",
    )


def group_tables(study: Study) -> list[Draft]:
    """What hospitals of a system, of an ACO, or in a county get together, each judged alone.

    Only groups of two or more hospitals all of which are judged; a hospital that two ACOs list
    counts for the first, and the second has no row.
    """
    people, groups, drafts = study.frame("hospital_year"), groups_of(study), []
    for kind, words in KINDS.items():
        own: dict[str, str] = {}
        for group in [g for g in groups if g.kind == kind]:
            if len(group.hospitals) > 1 and not own.keys() & set(group.hospitals):
                own |= dict.fromkeys(group.hospitals, group.group)
        frames = []
        for year in rate_years(study):
            judged = of_option(study, year, SINGLE)
            performance = terms_of(study.run, year).performance_year
            there = people[(people["year"] == performance) & people["ccn"].isin(list(own))]
            unjudged = set(there.loc[~there["ccn"].isin(judged["ccn"]), "ccn"].map(own))
            rows = judged.assign(ccn=judged["ccn"].map(own)).dropna(subset=["ccn"])
            rows = rows[~rows["ccn"].isin(unjudged)]
            sums = rows.groupby("ccn", as_index=False)[["benes", "payments", "mpa_dollars"]].sum()
            sums["mpa_percent"] = sums["mpa_dollars"] / sums["payments"]
            frames.append(_named(study, year, sums))
        names = {g.group: g.name for g in groups}
        frames = [f.assign(hospital=f["ccn"].map(names)) for f in frames]
        draft = _draft(f"mpa_{kind}", f"What {words} get together", frames, TOGETHER)
        drafts.append(replace(draft, parents={"ccn": own}))
    return drafts


KINDS = {
    SYSTEM: "the hospitals of a health system",
    ACO: "the hospitals of an ACO",
    COUNTY: "the hospitals in a county",
}

TOGETHER = {
    "payments": RESULTS["payments"],
    "mpa_dollars": RESULTS["mpa_dollars"],
    "mpa_percent": columns.rate("Together", "Dollars over Medicare payments (rule M4)."),
}


def _stated(groups: pd.DataFrame | None, name: str) -> dict[str, str]:
    if groups is None or name not in groups:
        return {}
    said = groups[groups[name].fillna("").astype(str).str.strip() != ""]
    return dict(zip(said["ccn"], said[name], strict=True))


def option_hospitals(study: Study) -> Draft:
    """What each option of table mpa does to each hospital (rules M5, M8)."""
    entries = {
        "option": Column("Option", "key"),
        "result": RESULTS["result"],
        "mpa_percent": RESULTS["mpa_percent"],
        "mpa_dollars": RESULTS["mpa_dollars"],
    }
    frames = []
    for year in rate_years(study):
        rows = of_year(study, "mpa", year)
        own = of_option(study, year, SINGLE).set_index("ccn")["benes"]
        frames.append(_named(study, year, rows.assign(benes=rows["ccn"].map(own))))
    return _draft(
        "mpa_option_hospitals",
        "What each option does to each hospital",
        frames,
        entries,
        extra_keys=("option",),
    )


def what_if_table(study: Study) -> Draft:
    """Each hospital's dollars at every choice of terms, for the controls on the page (M6)."""
    entries = {
        "threshold": Column("Performance threshold", "key", "Rule M2."),
        "max_at_risk": Column("Revenue at risk", "key", "Rule M2."),
        "attainment_weight": Column("Attainment weight", "key", "Rule M5."),
        "quality_sign": Column("Quality", "key", "Rule M3."),
        "mpa_dollars": RESULTS["mpa_dollars"],
    }
    frames, weighed = [], False
    for year in rate_years(study):
        weighed |= terms_of(study.run, year).credibility != "none"
        frame = of_year(study, "mpa_what_if", year)
        for name in ("threshold", "max_at_risk", "attainment_weight"):
            frame[name] = [f"{plain_number(100 * value, 2)}%" for value in frame[name]]
        frame["quality_sign"] = frame["quality_sign"].map(SIGNS)
        frames.append(_named(study, year, frame))
    return _draft(
        "mpa_what_if",
        "Each hospital's dollars under other terms",
        frames,
        entries,
        extra_keys=("threshold", "max_at_risk", "attainment_weight", "quality_sign"),
        note="Hospitals alone, at the rate year's own risk method and attainment level."
        + (WEIGHED if weighed else ""),
    )


WEIGHED = " Every choice weighs results by their reliability under the rate year's own terms (M8)."

SIGNS = {"multiply": "multiplies the result", "reward_helps": "a reward always helps"}
"""How quality moves the scaled result, in a reader's words (rule M3)."""
