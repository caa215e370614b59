"""Rule R9: how near a design's payments come to payments on the true effect, over many states."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tcoc.deliverables.policy_lab.policies import Paid
from tcoc.deliverables.policy_lab.simulate import Array

ALL = "all"
METRICS = ("error", "luck", "right_sign", "false_penalty", "at_stake")
"""error          mean distance between payment and payment on the true effect, share of revenue
luck           dollars that miss, per dollar that performance would earn or lose
right_sign     share of the dollars paid and taken that have the sign of the true effect
false_penalty  share of hospitals whose true effect is no worse than zero, yet who lose money
at_stake       mean size of the payments, share of revenue"""

LEAST = 0.1
"""A penalty counts from this part of the revenue at risk: smaller ones are next to nothing."""


def size_labels(people: Array, classes: Sequence[int]) -> Array:
    """Return the class of each hospital by its attributed people, such as "1000 to 2499"."""
    ends = [*classes[1:], None]
    names = [
        f"{low} or more"
        if high is None
        else f"under {high}"
        if low == 0
        else f"{low} to {high - 1}"
        for low, high in zip(classes, ends, strict=True)
    ]
    return np.array(names, dtype=object)[np.searchsorted(np.array(classes), people, "right") - 1]


def scores(paid: Paid, weight: Array, at_risk: float, chosen: Array) -> dict[str, float]:
    """Return the metrics of one design in one state over some hospitals; `weight` is revenue."""
    own, true, revenue = paid.paid[chosen], paid.true[chosen], weight[chosen]
    missed = np.abs(own - true) * revenue
    size = np.abs(own) * revenue
    no_worse = true >= 0
    penalized = own < -LEAST * at_risk
    due = float((np.abs(true) * revenue).sum())
    moved = float(size.sum())
    return {
        "error": float(missed.sum() / revenue.sum()) if revenue.sum() > 0 else np.nan,
        "luck": float(missed.sum()) / due if due > 0 else np.nan,
        "right_sign": float(size[np.sign(own) == np.sign(true)].sum()) / moved if moved else np.nan,
        "false_penalty": float(penalized[no_worse].mean()) if no_worse.any() else np.nan,
        "at_stake": moved / float(revenue.sum()) if revenue.sum() > 0 else np.nan,
    }


def summarized(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean and Monte Carlo error over states, by world, policy and size class."""
    long = rows.melt(["world", "policy", "size", "seed"], list(METRICS), "metric")
    by = long.dropna(subset=["value"]).groupby(["world", "policy", "size", "metric"], sort=False)
    table = by["value"].agg(value="mean", spread="std", states="size").reset_index()
    error = table["spread"] / np.sqrt(table["states"])
    return table.assign(error=error).drop(columns="spread")


def best_designs(table: pd.DataFrame, metric: str, *, high: bool = False) -> pd.DataFrame:
    """Return each world's best design by a metric, and whether the next one is within chance.

    One row per world: policy, value, error, second, second_value, clear (the two differ by more
    than two Monte Carlo errors of their difference, taken as independent, which is cautious: states
    are shared).
    """
    rows = []
    of = table[(table["size"] == ALL) & (table["metric"] == metric)]
    for world, each in of.groupby("world", sort=False):
        ordered = each.sort_values(["value", "policy"], ascending=[not high, True])
        first, second = ordered.iloc[0], ordered.iloc[min(1, len(ordered) - 1)]
        gap = abs(first["value"] - second["value"])
        error = float(np.hypot(first["error"], second["error"]))
        rows.append(
            {
                "world": world,
                "policy": first["policy"],
                "value": first["value"],
                "error": first["error"],
                "second": second["policy"],
                "second_value": second["value"],
                "clear": bool(gap > 2 * error),
            }
        )
    return pd.DataFrame(rows)


def as_rows(
    found: Mapping[tuple[str, str, str], Mapping[str, float]], seed: int
) -> list[dict[str, object]]:
    """Return the metrics of one seed as rows: world, policy, size, seed, metrics."""
    return [
        {"world": world, "policy": policy, "size": size, "seed": seed, **values}
        for (world, policy, size), values in found.items()
    ]
