"""The public tables of the laboratory: synthetic states alone, so nothing in them is a person's."""

import pandas as pd

from tcoc.deliverables.policy_lab.score import ALL, METRICS
from tcoc.deliverables.policy_lab.tables import kept_results
from tcoc.disclosure import Column, Draft
from tcoc.store.synth.worlds import load_world
from tcoc.study import Study

SOURCE = "Synthetic states of tcoc lab (benchmarks/results/lab.json); rule R9"

METRIC_NAMES = {
    "error": "Distance from the payment on the true effect",
    "luck": "Dollars that miss, per dollar that performance earns",
    "right_sign": "Dollars with the right sign",
    "false_penalty": "Hospitals that lose money without being worse",
    "at_stake": "Mean size of payments",
}
DESIGN_NAMES = {
    "adopted": "As adopted for 2020",
    "risk_1": "3% threshold, 1% at risk",
    "threshold_5": "5% threshold",
    "threshold_5_risk_1": "5% threshold, 1% at risk",
    "demographic": "Demographic, own costs",
    "demographic_statewide": "Demographic, state's costs",
    "new_enrollee": "New enrollee score",
    "truncated": "High costs cut",
    "base_2": "Base of two years",
    "base_3": "Base of three years",
    "attainment_half": "Half attainment",
    "attainment": "Attainment alone",
    "minimum_panel": "Panels of 30 or more",
    "sticky": "Sticky panels",
    "credibility": "Weighted by reliability",
    "steady": "Steady: 3 years, cut, sticky",
    "steady_credible": "Steady, weighted by reliability",
    "steady_credible_risk_1": "Steady, weighted, 1% at risk",
    "steady_attainment": "Steady, half attainment",
}
"""What a reader calls the designs that ship with the project; others go by their own name."""


def public_tables(study: Study) -> list[Draft]:
    """Return every table that the report may show."""
    return [
        facts_table(study),
        scores_table(study),
        size_table(study),
        best_table(study),
        design_table(study),
    ]


def _number(label: str, description: str, unit: str = "", digits: int = 2) -> Column:
    return Column(label, "number", description, unit, digits=digits)


_VALUES = {
    "error": _number(METRIC_NAMES["error"], "Share of revenue (rule R9).", "share of revenue", 5),
    "luck": _number(METRIC_NAMES["luck"], "1 is as bad as paying nothing (rule R9).", "", 2),
    "right_sign": _number(METRIC_NAMES["right_sign"], "Share of dollars (R9).", "share", 4),
    "false_penalty": _number(METRIC_NAMES["false_penalty"], "Rule R9.", "share", 4),
    "at_stake": _number(METRIC_NAMES["at_stake"], "Share of revenue (R9).", "share of revenue", 5),
}


WORLD_NAMES = {
    "default": "CMS factors",
    "default_drift": "Factors drift",
    "bucket": "Invented factors",
    "frailty": "Unseen frailty",
    "none": "No pattern",
    "no_effect": "No effect",
}


def world_name(world: str) -> str:
    """Return a synthetic world by what drives cost in it."""
    return WORLD_NAMES.get(world, world.replace("_", " "))


def facts_table(study: Study) -> Draft:
    """How many states were scored, and of what size."""
    found = kept_results(study)
    worlds = found["worlds"]
    frame = pd.DataFrame(
        {
            "world": [world_name(name) for name in worlds],
            "description": [load_world(name).description for name in worlds],
            "states": found["states"],
            "state_benes": found["benes"],
        }
    )
    return Draft(
        name="lab_worlds",
        title="The synthetic worlds in which designs are scored",
        frame=frame,
        keys=("world",),
        columns={
            "world": Column("World", "key"),
            "description": Column("What is true there", "label"),
            "states": _number("States", "Synthetic states (rule R9).", "states", 0),
            "state_benes": _number("People of a state", "Rule R9.", "people", 0),
        },
        source=SOURCE,
    )


def _wide(study: Study, *, every_size: bool) -> pd.DataFrame:
    frame = study.frame("policy_lab_scores")
    frame = frame[(frame["size"] != ALL) if every_size else (frame["size"] == ALL)]
    keys = ["world", "policy", "size"]
    value = frame.pivot_table("value", keys, "metric").reindex(columns=list(METRICS))
    error = frame.pivot_table("error", keys, "metric").reindex(columns=list(METRICS))
    both = value.join(error.add_suffix("_mc")).reset_index()
    order = {name: i for i, name in enumerate(kept_results(study)["policies"])}
    both = both.assign(
        design=[DESIGN_NAMES.get(p, p.replace("_", " ")) for p in both["policy"]],
        place=both["policy"].map(order),
    )
    for metric in METRICS:
        both[f"{metric}_low"] = both[metric] - 1.96 * both[f"{metric}_mc"]
        both[f"{metric}_high"] = both[metric] + 1.96 * both[f"{metric}_mc"]
    both = both.sort_values(["world", "place", "size"])
    return both.assign(world=both["world"].map(world_name))


def _columns() -> dict[str, Column]:
    found = {}
    for metric, entry in _VALUES.items():
        found[metric] = entry
        for end, word in (("low", "low"), ("high", "high")):
            found[f"{metric}_{end}"] = _number(
                f"{entry.label}, {word}", "95% Monte Carlo interval.", entry.unit, entry.digits or 2
            )
    return found


def scores_table(study: Study) -> Draft:
    """Every design in every world, all hospitals together (rule R9)."""
    dictionary = {
        "world": Column("World", "key"),
        "policy": Column("Design, short", "key"),
        "design": Column("Design", "label"),
        **_columns(),
    }
    return Draft(
        name="lab_scores",
        title="How near each design's payments come to payments on the true effect",
        frame=_wide(study, every_size=False)[list(dictionary)].reset_index(drop=True),
        keys=("world", "policy"),
        columns=dictionary,
        note="Lower is better, except dollars with the right sign. Intervals are Monte Carlo: they"
        " say how sure the average over states is, not how much one state differs.",
        source=SOURCE,
    )


def size_table(study: Study) -> Draft:
    """The same by size of hospital (rule R9)."""
    dictionary = {
        "world": Column("World", "key"),
        "policy": Column("Design, short", "key"),
        "design": Column("Design", "label"),
        "size": Column("Attributed people", "key"),
        **_columns(),
    }
    return Draft(
        name="lab_sizes",
        title="How near payments come, by size of hospital",
        frame=_wide(study, every_size=True)[list(dictionary)].reset_index(drop=True),
        keys=("world", "policy", "size"),
        columns=dictionary,
        source=SOURCE,
    )


def best_table(study: Study) -> Draft:
    """The best design of each world by each metric (rule R9)."""
    frame = study.frame("policy_lab_best")
    frame = frame.assign(
        world=frame["world"].map(world_name),
        measure=frame["metric"].map(METRIC_NAMES),
        design=[DESIGN_NAMES.get(p, p) for p in frame["policy"]],
        next_design=[DESIGN_NAMES.get(p, p) for p in frame["second"]],
    )
    dictionary = {
        "metric": Column("Measure, short", "key"),
        "measure": Column("Measure", "label"),
        "world": Column("World", "key"),
        "policy": Column("Design, short", "label"),
        "design": Column("Best design", "label"),
        "value": _number("Its score", "Rule R9.", "", 4),
        "next_design": Column("Next", "label"),
        "second_value": _number("Its score", "Rule R9.", "", 4),
        "clear": Column("Beyond Monte Carlo error", "flag", "Rule R9."),
    }
    return Draft(
        name="lab_best",
        title="The best design of each world by each measure",
        frame=frame[list(dictionary)],
        keys=("metric", "world"),
        columns=dictionary,
        source=SOURCE,
    )


def design_table(study: Study) -> Draft:
    """What each design is made of (rules M2, M5, M8, R10, A8)."""
    frame = study.frame("policy_lab_designs")
    order = {name: i for i, name in enumerate(kept_results(study)["policies"])}
    frame = frame.assign(
        design=[DESIGN_NAMES.get(p, p) for p in frame["policy"]],
        place=frame["policy"].map(order),
    ).sort_values("place")
    dictionary = {
        "policy": Column("Design, short", "key"),
        "design": Column("Design", "label"),
        "method": Column("Risk method", "label", "Rules R2, R3."),
        "truncate": _number("High costs cut at", "Quantile (rule R10).", digits=2),
        "base_years": _number("Base years", "Rule M8.", "years", 0),
        "attainment": _number("Weight of attainment", "Rule M5.", "share", 2),
        "threshold": _number("Threshold", "Rule M2.", "share", 3),
        "at_risk": _number("Revenue at risk", "Rule M2.", "share", 4),
        "minimum_panel": _number("Smallest panel", "Rule A8.", "people", 0),
        "sticky_margin": _number("Margin of sticky panels", "Rule A8.", "share", 2),
        "credibility": Column("Weighted by reliability", "flag", "Rules M7, M8."),
    }
    return Draft(
        name="lab_designs",
        title="What each design is made of",
        frame=frame[list(dictionary)].reset_index(drop=True),
        keys=("policy",),
        columns=dictionary,
        source="params/policy/policy_lab.yml at the time of the scores",
    )
