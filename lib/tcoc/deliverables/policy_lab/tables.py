"""The tables of the laboratory: scores kept by `tcoc lab`, and the best design of each world."""

import json
from typing import Any

import pandas as pd

from tcoc.deliverables.policy_lab.policies import policies
from tcoc.deliverables.policy_lab.score import METRICS, best_designs
from tcoc.errors import InputError
from tcoc.paths import result_file
from tcoc.study import Product, Study

POLICY = ("policy_lab", "risk")
"""The policy files whose values these tables may depend on; others are refused."""

HIGH_IS_GOOD = ("right_sign",)

SCORES = {
    "world": "string",
    "policy": "string",
    "size": "string",
    "metric": "string",
    "value": "float64",
    "error": "float64",
    "states": "int32",
}
BEST = {
    "metric": "string",
    "world": "string",
    "policy": "string",
    "value": "float64",
    "error": "float64",
    "second": "string",
    "second_value": "float64",
    "clear": "boolean",
}
DESIGNS = {
    "policy": "string",
    "method": "string",
    "truncate": "float64",
    "base_years": "int32",
    "attainment": "float64",
    "threshold": "float64",
    "at_risk": "float64",
    "minimum_panel": "int32",
    "sticky_margin": "float64",
    "credibility": "boolean",
}


def kept_results(study: Study) -> dict[str, Any]:
    """Return the laboratory's scores; InputError where none have been made."""
    file = study.kept("lab")
    if file is None:
        raise InputError(f"{result_file('lab')}: no scores are kept; make them with tcoc lab")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def scores(study: Study) -> pd.DataFrame:
    """Every design's metrics by world and size of hospital, with Monte Carlo error (rule R9)."""
    return pd.DataFrame(kept_results(study)["scores"])[list(SCORES)]


def best(study: Study) -> pd.DataFrame:
    """The best design of each world by each metric, and whether the next is within chance."""
    table = study.frame("policy_lab_scores")
    found = [
        best_designs(table, metric, high=metric in HIGH_IS_GOOD).assign(metric=metric)
        for metric in METRICS
        if metric != "at_stake"
    ]
    return pd.concat(found, ignore_index=True)[list(BEST)]


def designs(study: Study) -> pd.DataFrame:
    """What each scored design is made of; the results say, not the policy file of today."""
    rows = [
        {"policy": name, **policy.model_dump()}
        for name, policy in policies(kept_results(study)["policies"]).items()
    ]
    return pd.DataFrame(rows)[list(DESIGNS)]


PRODUCTS = (
    Product("policy_lab_scores", ("world", "policy", "size", "metric"), scores, SCORES),
    Product("policy_lab_best", ("metric", "world"), best, BEST),
    Product("policy_lab_designs", ("policy",), designs, DESIGNS),
)
"""The tables of the laboratory, in the order in which later ones use earlier ones."""
