"""Public tables of the evidence: verdicts, statistics, prediction, buckets, sensitivity."""

from collections.abc import Mapping

import pandas as pd

from tcoc.deliverables.risk_adjustment import columns
from tcoc.deliverables.risk_adjustment.inputs import kept_part, pair_of, settings_of
from tcoc.deliverables.risk_adjustment.planted import SMALLEST
from tcoc.deliverables.risk_adjustment.public_hospitals import ALL, own_rows
from tcoc.disclosure import Column, Draft
from tcoc.params import VerdictsPolicy
from tcoc.rules.inference.intervals import beyond_chance, least_beyond_chance
from tcoc.rules.inference.verdicts import registry
from tcoc.rules.risk import STATE
from tcoc.rules.risk.evidence import MODELS
from tcoc.study import Study

BROAD = 100
"""A grouping of the sample is shown only where each of its groups has this many beneficiaries."""

RUN_CASE = "as in this run"
SAMPLE = "sampled beneficiary-years"

STATISTIC_NAMES = {
    "spread": "Spread of true adjustments between hospitals",
    "variance_removed": "Variance of growth that adjusting removes",
    "slope": "Growth per point of the factor",
    "prediction_gain": "Prediction: new enrollee score over buckets",
    "prediction_gain_over_none": "Prediction: over the mean",
}


def state_count(study: Study) -> float:
    """Return the state's beneficiaries of the performance year."""
    rows = own_rows(study)
    return float(rows.loc[(rows["ccn"] == STATE) & (rows["variant"] == "none"), "benes"].iloc[0])


# ---------------------------------------------------------------- verdicts


def verdict_table(study: Study) -> Draft:
    """What may be concluded, each verdict with its measured error rates (rule R8)."""
    found = study.frame("risk_verdicts")
    registered = registry(VerdictsPolicy.of(study.policy).registry)
    said = {n: {"yes": v.says_yes, "no": v.says_no, "open": ""} for n, v in registered.items()}
    frame = found.assign(
        year=pair_of(study).performance_year,
        statement=[said[v][p] for v, p in zip(found["verdict"], found["printed"], strict=True)],
        estimand=[registered[v].estimand for v in found["verdict"]],
        planted=[registered[v].planted for v in found["verdict"]],
        people_needed=found["people_needed"].where(found["people_needed"] < 1e8).round(-3),
    )
    order = {name: i for i, name in enumerate(registered)}
    frame = frame.assign(place=frame["verdict"].map(order)).sort_values("place")
    number = columns.number
    dictionary = {
        "year": columns.YEAR,
        "verdict": Column("Verdict", "key", "Registered in params/policy/verdicts.yml (rule R8)."),
        "question": Column("Question", "label"),
        "printed": Column("Answer", "label", "As far as its error rates allow (rule R8)."),
        "answer": Column("What the rule says", "label", "Before its error rates (rule R8)."),
        "statement": Column("Statement", "label"),
        "estimand": Column("What is estimated", "label"),
        "estimate": number("Estimate", "Rule R8.", digits=3),
        "low": number("From", "95% interval (rules R6, R8).", digits=3),
        "high": number("To", "95% interval (rules R6, R8).", digits=3),
        "leave_out_low": number("Least, one hospital left out", "Rule R8.", digits=3),
        "leave_out_high": number("Most, one hospital left out", "Rule R8.", digits=3),
        "chance_low": number("By chance, from", "Permuted attributions (rule R8).", digits=3),
        "chance_high": number("By chance, to", "Permuted attributions (rule R8).", digits=3),
        "false_rate": number("Wrong where nothing is there", "Rule R9.", "share", 2),
        "power": number("Right where it is planted", "Rule R9.", "share", 2),
        "stability": number("Same answer in states of one truth", "Rule R9.", "share", 2),
        "right": number("Right where it says so", "Of what the rule says (R9).", "share", 2),
        "states": number("States", "Synthetic states of each truth (rule R9).", "states", 0),
        "state_benes": number("People of a state", "Size of those states.", "people", 0),
        "people_needed": number("People that would settle it", "At 80% power.", "people", 0),
        "planted": Column("Planted", "label"),
    }
    return Draft(
        name="risk_verdicts",
        title="What may be concluded, and how often that would be wrong",
        frame=frame[list(dictionary)].reset_index(drop=True),
        keys=("year", "verdict"),
        columns=dictionary,
        note="Error rates are measured over synthetic states with and without the effect"
        " (benchmarks/results/verdicts.json). A verdict that is wrong or unsteady too often is"
        " open, whatever this run's data say.",
        source=columns.SOURCE,
    )


def statistics_table(study: Study) -> Draft:
    """The statistics for every pair of years and method (rule R8)."""
    frame = study.frame("risk_statistics").rename(columns={"performance_year": "year"})
    frame = frame.assign(
        what=frame["statistic"].map(STATISTIC_NAMES),
        method=frame["variant"].map(columns.METHOD_NAMES),
        years=[f"{a} to {b}" for a, b in zip(frame["base_year"], frame["year"], strict=True)],
    )
    number = columns.number
    dictionary = {
        "statistic": Column("Statistic, short", "key"),
        "what": Column("Statistic", "label", "Rule R8."),
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "base_year": columns.BASE_YEAR,
        "year": columns.YEAR,
        "years": Column("Years", "label"),
        **{
            name: number(label, "Rule R8.", digits=3)
            for name, label in (
                ("estimate", "Estimate"),
                ("low", "From"),
                ("high", "To"),
                ("leave_out_low", "Least, one hospital left out"),
                ("leave_out_high", "Most, one hospital left out"),
                ("chance_low", "By chance, from"),
                ("chance_high", "By chance, to"),
            )
        },
    }
    return Draft(
        name="risk_statistics",
        title="What the evidence says in every pair of years",
        frame=frame[list(dictionary)],
        keys=("statistic", "variant", "base_year", "year"),
        columns=dictionary,
        note="By chance: what the statistic is when units are given the hospitals of others.",
        source=columns.SOURCE,
    )


def flags_table(study: Study) -> Draft:
    """How many hospitals' adjustments leave out zero, beside what chance alone gives (R6)."""
    frame, settings = beyond_chance(own_rows(study)), settings_of(study)
    level = 1 - settings.interval_level
    frame = frame.assign(
        year=pair_of(study).performance_year,
        method=frame["variant"].map(columns.METHOD_NAMES),
        by_chance=level * frame["hospitals"],
        needed=[least_beyond_chance(int(n), level, len(frame)) for n in frame["hospitals"]],
    )
    rows = own_rows(study)
    hospitals = rows[rows["ccn"] != STATE]
    error = hospitals.groupby("variant")["difference_error"].median()
    growth = hospitals[hospitals["variant"] == "none"]["growth_error"].median()
    frame = frame.assign(
        error=frame["variant"].map(error), growth_error=growth, benes=state_count(study)
    )
    dictionary = {
        "year": columns.YEAR,
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "benes": columns.BENES,
        "hospitals": columns.hospitals("Hospitals", "With an interval (rule R6)."),
        "differing": columns.hospitals("Beyond their interval", "Zero is outside (rule R6)."),
        "up": columns.hospitals("Up"),
        "down": columns.hospitals("Down"),
        "by_chance": columns.number("By chance alone", "Where no mix changed.", "hospitals", 1),
        "needed": columns.hospitals("Needed to be beyond chance", "Binomial, 5% over all methods."),
        "error": columns.error("Typical error of the difference", "Median (rule R6)."),
        "growth_error": columns.error("Typical error of growth", "Median (rule R6)."),
    }
    return Draft(
        name="risk_flags",
        title="Hospitals whose adjustment is beyond its sampling error",
        frame=frame[list(dictionary)],
        keys=("year", "variant"),
        columns=dictionary,
        universe=f"{columns.UNIVERSE}, once for each method",
        source=columns.SOURCE,
    )


PLANTED_COSTS = {
    "new_enrollee": "costs follow CMS's new enrollee factors because the generator was told so, and"
    " each hospital's change of mix was planted. What favors the new enrollee score here favors it"
    " by construction.",
    "bucket": "costs follow invented factors by bucket, not CMS's, and each hospital's change of"
    " mix was planted. What favors the demographic buckets here favors them by construction.",
    "frailty": "costs follow CMS's new enrollee factors and a change of frailty by hospital that"
    " no file shows. What favors the new enrollee score here favors it by construction, and every"
    " method takes the change of frailty for growth.",
    "none": "costs have no relation with anything that a method adjusts for, because the generator"
    " was told so. Every adjustment here is noise by construction.",
}
"""What is planted under each cost model of a synthetic world (params/synthetic/worlds)."""


def planted_words(study: Study) -> str:
    """Return what the page says is planted in the store's data; "" where they are real (R9)."""
    if not study.store.synthetic:
        return ""
    cost = study.store.info.get("source", {})
    cost = cost.get("world", {}).get("cost", "") if isinstance(cost, dict) else ""
    planted = PLANTED_COSTS.get(cost, "what was planted in it is not known.")
    return f"This is synthetic data: {planted}"


def coverage_table(study: Study) -> list[Draft]:
    """How often intervals hold what is planted, and what is marked where nothing is (rule R6)."""
    nominal = kept_part(study, "coverage", "expected") or float("nan")
    rows = [
        (of, name, row[counted], row["cases"], row[counted] / row["cases"], right)
        for of, counted, right, counts in (
            (columns.HELD, "covered", nominal, kept_part(study, "coverage", "intervals")),
            (columns.MARKED, "flagged", 0.05, kept_part(study, "verdicts", "flags")),
        )
        for name, row in counts.items()
        if row["cases"]
    ]
    names = ["of", "measure", "counted", "cases", "share", "nominal"]
    frame = pd.DataFrame(rows, columns=names)
    frame.insert(2, "interval", [_interval_name(name) for name in frame["measure"]])
    if frame.empty:
        return []
    number = columns.number
    draft = Draft(
        name="risk_coverage",
        title="What intervals hold in synthetic states where the truth is known",
        frame=frame,
        keys=("of", "measure"),
        columns={
            "of": Column("What is counted", "key", "Rule R6."),
            "measure": Column("Interval, short", "key", "Statistic and method or option."),
            "interval": Column("Interval", "label", "Statistic and method or option."),
            "counted": number("Counted", unit="cases", digits=0),
            "cases": number("Cases", "Hospitals of 100 people or more, or states.", "cases", 0),
            "share": number("Share", "Counted over cases (rule R6).", "share", 3),
            "nominal": number("Would be right", "Of 95% intervals (rule R6).", "share", 3),
        },
        source="Synthetic states (benchmarks/results/coverage.json, verdicts.json)",
    )
    return [draft]


_INTERVALS = {
    "difference": "Difference",
    "factor": "Factor",
    "growth": "Growth",
    "mpa_result": "MPA result",
    "demographic_own": "demographic, own costs",
    "demographic_statewide": "demographic, state's costs",
    "new_enrollee": "new enrollee score",
    "none": "no adjustment",
    "improvement": "own terms",
    "improvement_new_enrollee": "new enrollee score",
    "mpa_results_differ": "MPA results differ",
}


def _interval_name(measure: str) -> str:
    """Return what a reader calls `growth:demographic_own`: Growth, demographic, own costs."""
    return ", ".join(_INTERVALS.get(part, part.replace("_", " ")) for part in measure.split(":"))


def planted_table(study: Study) -> list[Draft]:
    """On synthetic data: how many hospitals' intervals hold the planted factor, by method."""
    frame = study.frame("risk_planted")
    if frame.empty:
        return []
    frame = frame.assign(
        year=pair_of(study).performance_year,
        method=frame["variant"].map(columns.METHOD_NAMES),
    )
    dictionary = {
        "year": columns.YEAR,
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "hospitals": columns.hospitals("Hospitals", f"With {SMALLEST} people in both years."),
        "inside": columns.hospitals("Interval holds what is planted", "Rule R6."),
    }
    draft = Draft(
        name="risk_planted",
        title="Hospitals whose interval holds the planted change of mix",
        frame=frame[list(dictionary)],
        keys=("year", "variant"),
        columns=dictionary,
        note="Planted: the method's factor on the expected mix of the hospitals whose people are"
        " attributed, at the state's cost of each bucket.",
        source="Synthetic state: truth/hospital_mix and truth/beneficiary_year",
    )
    return [draft]


# ---------------------------------------------------------------- prediction


def fit_tables(study: Study) -> list[Draft]:
    """Fit of every model on people it has not seen, and its calibration by decile (rule R8)."""
    found = study.frame("risk_evidence")
    whole = found[found["dimension"] == "all"]
    deciles = found[found["dimension"] == "decile of predicted cost"]
    tables = [_fit_table(whole)]
    if not deciles.empty and deciles["benes"].min() >= BROAD:
        tables.append(_decile_table(deciles))
    return tables


def _fit_table(whole: pd.DataFrame) -> Draft:
    dictionary = {
        "test": Column("Judged on", "key"),
        "model": Column("Model", "key"),
        "benes": Column("Beneficiary-years", "count", "Of the sample.", "people"),
        "r2": Column(
            "R squared",
            "score",
            "Share of variance explained (R8).",
            "share",
            base="benes",
            digits=4,
        ),
        "mae": columns.per_capita("Mean absolute error", "Rule R8."),
        "slope": columns.factor("Calibration slope", "1 is calibrated (rule R8)."),
    }
    order = {model: i for i, model in enumerate(MODELS)}
    frame = whole.assign(place=whole["model"].map(order)).sort_values(["test", "place"])
    return Draft(
        name="risk_fit",
        title="How well each model predicts cost of people it has not seen",
        frame=frame[list(dictionary)].reset_index(drop=True),
        keys=("test", "model"),
        columns=dictionary,
        universe=f"{SAMPLE}, once for each model",
        source=columns.SOURCE,
    )


def _decile_table(deciles: pd.DataFrame) -> Draft:
    frame = deciles.rename(columns={"group": "decile"})
    frame = frame[frame["model"] != "mean"]
    dictionary = {
        "test": Column("Judged on", "key"),
        "model": Column("Model", "key"),
        "decile": Column("Decile of predicted cost", "key"),
        "benes": Column("Beneficiary-years", "count", "Of the sample.", "people"),
        "actual": columns.per_capita("Actual cost"),
        "predicted": columns.per_capita("Predicted cost"),
    }
    return Draft(
        name="risk_deciles",
        title="Actual and predicted cost by decile of predicted cost",
        frame=frame[list(dictionary)].reset_index(drop=True),
        keys=("test", "model", "decile"),
        columns=dictionary,
        universe=f"{SAMPLE} by decile",
        source=columns.SOURCE,
    )


# ---------------------------------------------------------------- buckets, sensitivity


def bucket_table(study: Study) -> Draft:
    """The state's relative cost of each bucket in both years, and CMS's relative factor (R1)."""
    found, pair = study.frame("risk_buckets"), pair_of(study)
    frames = []
    for name, year in (("base", pair.base_year), ("performance", pair.performance_year)):
        named = {f"{name}_{c}": c for c in ("benes", "relative", "score")}
        frames.append(found[["bucket", *named]].rename(columns=named).assign(year=year))
    frame = pd.concat(frames, ignore_index=True)
    frame = frame[frame["benes"] > 0]
    parents = {bucket: bucket_group(bucket) for bucket in found["bucket"]}
    frame = pd.concat([frame, *_bucket_totals(frame, parents)], ignore_index=True)
    names = sorted(set(parents.values()))
    dictionary = {
        "year": Column("Year", "year"),
        "bucket": Column("Bucket", "key", "Age, sex, dual status, ESRD (rule R1)."),
        "benes": columns.BENES,
        "relative": columns.factor("Relative cost", "Per capita over the year's mean (rule R1)."),
        "score": columns.factor("Relative CMS factor", "Factor over its mean (rule R3)."),
    }
    return Draft(
        name="risk_buckets",
        title="Relative cost of the demographic buckets, and CMS's factors",
        frame=frame[list(dictionary)].reset_index(drop=True),
        keys=("year", "bucket"),
        columns=dictionary,
        parents={"bucket": {**parents, **dict.fromkeys(names, ALL)}},
        universe="eligible beneficiaries by bucket",
        note="Relative to the year's mean. ESRD has no factor of its own in the table (rule R3).",
        source=columns.SOURCE,
    )


def bucket_group(bucket: str) -> str:
    """Return the group of a bucket: ESRD, or dual or not, under 65 or not."""
    if bucket.startswith("ESRD"):
        return "ESRD, all"
    _, band, dual = bucket.split(" ", 2)
    young = int(band.rstrip("+").split("-")[0]) < 65
    return f"{'under 65' if young else '65 and over'}, {dual}"


def _bucket_totals(frame: pd.DataFrame, parents: Mapping[str, str]) -> list[pd.DataFrame]:
    groups = frame.assign(bucket=frame["bucket"].map(parents))
    by_group = groups.groupby(["year", "bucket"], as_index=False)[["benes"]].sum()
    whole = frame.assign(bucket=ALL).groupby(["year", "bucket"], as_index=False)[["benes"]].sum()
    return [by_group, whole]


def sensitivity_table(study: Study) -> Draft:
    """How far differences move under thin buckets and with high costs cut (R6, R10)."""
    found, rows = study.frame("risk_sensitivity"), own_rows(study)
    least = float(study.policy.get("disclosure.min_cell_size"))
    large = rows[(rows[["benes", "base_benes"]] >= least).all(axis=1)]["ccn"].unique()
    found = found[(found["variant"] != "none") & found["ccn"].isin(list(large))]
    as_run = found[found["case"] == RUN_CASE].set_index(["variant", "ccn"])["difference"]
    keys = pd.MultiIndex.from_frame(found[["variant", "ccn"]])
    moved = (found["difference"] - as_run.reindex(keys).to_numpy()).abs()
    hospitals = found["ccn"] != STATE
    by = ["case", "variant"]
    largest = moved[hospitals].groupby([found["case"], found["variant"]]).agg(["max", "median"])
    state = found[~hospitals].set_index(by)[["growth", "difference"]]
    frame = state.join(largest.rename(columns={"max": "largest_move", "median": "median_move"}))
    frame = frame.reset_index()
    frame = frame.assign(
        benes=state_count(study),
        year=pair_of(study).performance_year,
        method=frame["variant"].map(columns.METHOD_NAMES),
    )
    dictionary = {
        "year": columns.YEAR,
        "case": Column("Case", "key"),
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "benes": columns.BENES,
        "growth": columns.rate("State's growth"),
        "difference": columns.rate("State's difference"),
        "median_move": columns.rate("Median move of a hospital"),
        "largest_move": columns.rate("Largest move of a hospital"),
    }
    return Draft(
        name="risk_sensitivity",
        title="How far the adjustment depends on thin buckets and on high costs",
        frame=frame[list(dictionary)],
        keys=("year", "case", "variant"),
        columns=dictionary,
        universe=f"{columns.UNIVERSE}, once for each method and case",
        note="Moves are of hospitals' differences, against this run's parameters.",
        source=columns.SOURCE,
    )
