"""Rule R8: cross-fitted prediction of the next year's cost, with its error, over all people.

Each half of the people is predicted by what the other half cost in the base year; a person's next
year is predicted from what the methods know then. All that a method knows is a profile, so sums by
fold, year and profile carry the squared errors of everybody exactly: no sample is needed.
"""

from typing import cast

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.rules.risk.adjust import Array, Pair, bucket_labels, divide
from tcoc.rules.risk.buckets import PROFILE
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import RiskSettings

SUM_KEY = ("year", "fold", *PROFILE)
RIVALS = ("none", "demographic", "new_enrollee")
"""What is compared: everybody at the mean, bucket means, and the scaled new enrollee score."""


def prediction_sums(people: ir.Table, seed: int) -> ir.Table:
    """Return sums by year, fold and profile: what squared errors need of rows of `profiles`.

    With w = months / 12 and c = annual dollars: people, w, wc (dollars), wcc, and the same with w
    squared, from which the error of a sum over people follows. The fold is a digit of the MD5 of
    seed and identifier: the same person is in the same half in every year, on every engine.
    """
    digest = (ibis.literal(f"{seed}:") + people.bene_id).hexdigest("md5")
    rows = people.filter(people.months > 0)
    months, paid = rows.months.cast("int64"), rows.dollars.cast("float64")
    rows = rows.mutate(
        fold=ibis.ifelse(digest.substr(8, 1) < "8", 0, 1).cast("int32"),
        months_once=months,
        months_twice=months * months,
        cents=_whole(paid * 100),
        cents_months=_whole(paid * 100) * months,
        squares_by_weight=_whole(paid * paid * 12 / months),
        squares=_whole(paid * paid),
    )

    # Whole numbers, because a sum of doubles depends on its order: squares to the dollar squared.
    def total(name: str, unit: int) -> ir.Value:
        return rows[name].sum().cast("float64") / unit

    sums = rows.group_by(list(SUM_KEY)).agg(
        people=rows.count().cast("int32"),
        w=total("months_once", 12),
        wc=total("cents", 100),
        wcc=total("squares_by_weight", 1),
        w2=total("months_twice", 144),
        w2c=total("cents_months", 1200),
        w2cc=total("squares", 1),
    )
    return cast(ir.Table, sums)


def _whole(value: ir.Value) -> ir.Value:
    return value.round().cast("int64")


def predictions(
    train: pd.DataFrame, test: pd.DataFrame, settings: RiskSettings, factors: NewEnrolleeFactors
) -> dict[str, Array]:
    """Return each rival's annual dollars for the profiles of `test`, fitted on sums of `train`."""
    level = train["wc"].sum() / train["w"].sum()
    labels = [pd.Series(bucket_labels(rows, settings)) for rows in (train, test)]
    by_bucket = train[["w", "wc"]].groupby(labels[0].to_numpy()).sum()
    means = labels[1].map(by_bucket["wc"] / by_bucket["w"]).fillna(level)
    esrd = train["esrd"].to_numpy(dtype=bool)
    scored = [factors.scores(rows) for rows in (train, test)]
    mean_score = float((scored[0] * train["w"])[~esrd].sum() / train["w"][~esrd].sum())
    costs = [train["wc"][of].sum() / max(train["w"][of].sum(), 1e-9) for of in (esrd, ~esrd)]
    usable = settings.esrd_score == "cost_ratio" and costs[0] > 0
    constant = mean_score * (costs[0] / costs[1] if usable else 1.0)
    scores = [
        np.where(rows["esrd"].to_numpy(dtype=bool), constant, found)
        for rows, found in zip((train, test), scored, strict=True)
    ]
    scale = train["wc"].sum() / float((scores[0] * train["w"]).sum())
    return {
        "none": np.full(len(test), level),
        "demographic": means.to_numpy(dtype=float),
        "new_enrollee": scores[1] * scale,
    }


def cross_fitted(
    sums: pd.DataFrame, pair: Pair, settings: RiskSettings, factors: NewEnrolleeFactors
) -> pd.DataFrame:
    """Return each rival's R2 for the next year, and its gain over each other one with its error.

    One row per (model, against): r2, gain (difference of R2), gain_error (standard error over
    people), people. The trend between the years is taken out by the year's mean, since a method is
    asked for mix, not for the trend.
    """
    base = sums[sums["year"] == pair.base_year]
    later = sums[sums["year"] == pair.performance_year]
    tests = []
    for fold in (0, 1):
        test = later[later["fold"] == fold].reset_index(drop=True)
        train = base[base["fold"] != fold].reset_index(drop=True)
        if test.empty or train.empty:
            return pd.DataFrame(columns=["model", "against", "r2", "gain", "gain_error", "people"])
        found = predictions(train, test, settings, factors)
        mean = test["wc"].sum() / test["w"].sum()
        fitted = {k: v * mean / float(np.average(v, weights=test["w"])) for k, v in found.items()}
        tests.append(test.assign(**{f"p_{name}": values for name, values in fitted.items()}))
    rows = pd.concat(tests, ignore_index=True)
    total = rows["wcc"].sum() - rows["wc"].sum() ** 2 / rows["w"].sum()
    listed = [
        {"model": a, "against": b, **_gain(rows, f"p_{a}", f"p_{b}", float(total))}
        for a in RIVALS
        for b in RIVALS
        if a != b
    ]
    return pd.DataFrame(listed)


def _gain(rows: pd.DataFrame, a: str, b: str, total: float) -> dict[str, float]:
    """Return R2 of `a` and its gain over `b`.

    A person's gain w[(c - b)^2 - (c - a)^2] = w(b^2 - a^2) - 2wc(b - a) is linear in the cost, so
    its sum and its sum of squares follow from the sums of a profile.
    """
    p, q = rows[a].to_numpy(), rows[b].to_numpy()
    squared = rows["wcc"] - 2 * rows["wc"] * p + rows["w"] * p**2
    u, v = q**2 - p**2, 2 * (q - p)
    each = rows["w"] * u - rows["wc"] * v
    squares = rows["w2"] * u**2 - 2 * rows["w2c"] * u * v + rows["w2cc"] * v**2
    people = float(rows["people"].sum())
    variance = max(float(squares.sum()) - float(each.sum()) ** 2 / people, 0.0)
    return {
        "r2": float(divide(np.array(total - squared.sum()), np.array(total))),
        "gain": float(each.sum()) / total,
        "gain_error": variance**0.5 / total,
        "people": people,
    }
