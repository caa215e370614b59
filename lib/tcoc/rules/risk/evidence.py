"""Rule R6: evidence for the choice, from regressions of annual cost on demographic terms.

A seeded sample of beneficiaries is split in halves by person. Models are fitted on one half in the
base year and judged on the other half, in the base year (new people) and in the performance year
(new people, a year on): a method that adjusts for mix must predict cost from mix. Cost is annual
dollars per beneficiary; a beneficiary-year weighs its months / 12, as CMS calibrates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.rules.risk.adjust import (
    Adjusted,
    Array,
    Pair,
    as_cents,
    bucket_labels,
    weighted_cells,
)
from tcoc.rules.risk.buckets import DISABLED_FROM, PROFILE, STATE, band_label
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import RiskSettings
from tcoc.rules.sums import exact_sums

MODELS = (
    "mean",
    "demographic buckets",
    "new enrollee score",
    "weighted least squares",
    "Tweedie regression",
    "two-part regression",
)
"""What is compared: no adjustment, the two methods, and the regression benchmarks."""

NEW_PEOPLE, NEXT_YEAR = "new people, base year", "new people, performance year"

Predictor = Callable[[pd.DataFrame], Array]


# ---------------------------------------------------------------- sample (engine)


def sample_people(people: ir.Table, size: int, total: int, seed: int) -> ir.Table:
    """Return a seeded sample of the rows of `profiles`, by person, with a fold (0 or 1).

    A beneficiary is in the sample when the first digits of the MD5 of seed and identifier lie
    below size / total: the same people on every engine, in both years or in none. The identifier
    itself is left out.
    """
    digest = (ibis.literal(f"{seed}:") + people.bene_id).hexdigest("md5")
    limit = min(16**8, int(16**8 * size / max(total, 1)))
    drawn = people.mutate(digest=digest)
    if limit < 16**8:
        drawn = drawn.filter(drawn.digest.substr(0, 8) < f"{limit:08x}")
    fold = ibis.ifelse(drawn.digest.substr(8, 1) < "8", 0, 1).cast("int32")
    return cast(
        ir.Table, drawn.select("year", *PROFILE, "months", "dollars", "capped", "digest", fold=fold)
    )


def costs(rows: pd.DataFrame, pair: Pair, settings: RiskSettings) -> pd.DataFrame:
    """Return sampled beneficiary-years with annual cost, weight and bucket, in a fixed order."""
    rows = rows.sort_values(["year", "digest"], kind="stable").reset_index(drop=True)
    completion = np.where(
        rows["year"] == pair.base_year, pair.base_completion, pair.performance_completion
    )
    dollars = as_cents(rows["dollars" if settings.truncate is None else "capped"]) / 100
    months = rows["months"].to_numpy(dtype=float)
    return rows.assign(
        cost=dollars * 12 / months / completion,
        weight=months / 12,
        bucket=bucket_labels(rows, settings),
    )


# ---------------------------------------------------------------- models


def design(rows: pd.DataFrame, settings: RiskSettings) -> pd.DataFrame:
    """Return the demographic terms: age band x sex, dual, dual under 65, disabled, ESRD.

    ESRD has its own level, also by dual, and no age or sex terms, as the buckets have none.
    """
    bands, esrd = settings.scheme.age_bands, rows["esrd"].astype(bool)
    dual = rows["dual"].astype(bool)
    columns = {"constant": np.ones(len(rows)), "ESRD": esrd, "ESRD dual": esrd & dual}
    columns |= {"dual": dual & ~esrd, "dual under 65": dual & ~esrd & (rows["age_from"] < 65)}
    columns["originally disabled"] = rows["originally_disabled"].astype(bool) & ~esrd
    label = rows["sex"].astype(str) + " " + _band_names(rows["age_from"], bands)
    reference = f"F {band_label(70, bands)}"
    for sex in ("F", "M"):
        for low in bands:
            name = f"{sex} {band_label(low, bands)}"
            if name != reference:
                columns[name] = (label == name) & ~esrd
    return pd.DataFrame(columns, index=rows.index).astype(float)


def _band_names(ages: pd.Series, bands: Sequence[int]) -> pd.Series:
    return ages.map({age: band_label(int(age), bands) for age in ages.unique()}).astype(str)


def fit_models(
    train: pd.DataFrame, settings: RiskSettings, factors: NewEnrolleeFactors
) -> dict[str, Predictor]:
    """Fit every model on beneficiary-years of `costs`; each predicts annual dollars."""
    fits: tuple[Predictor, ...] = (
        _mean(train),
        _bucket_means(train, settings),
        _scaled_score(train, settings, factors),
        _least_squares(train, settings),
        _tweedie(train, settings),
        _two_part(train, settings),
    )
    return dict(zip(MODELS, fits, strict=True))


def _weighted_mean(rows: pd.DataFrame, column: str = "cost") -> float:
    return float(np.average(rows[column], weights=rows["weight"])) if len(rows) else float("nan")


def _mean(train: pd.DataFrame) -> Predictor:
    level = _weighted_mean(train)
    return lambda rows: np.full(len(rows), level)


def _bucket_means(train: pd.DataFrame, settings: RiskSettings) -> Predictor:
    level = _weighted_mean(train)
    weighted = train.assign(dollars=train["cost"] * train["weight"])
    sums = weighted.groupby("bucket")[["dollars", "weight"]].sum()
    means = sums["dollars"] / sums["weight"]

    def predict(rows: pd.DataFrame) -> Array:
        labels = pd.Series(bucket_labels(rows, settings))
        return labels.map(means).fillna(level).to_numpy(dtype=float)

    return predict


def _scaled_score(
    train: pd.DataFrame, settings: RiskSettings, factors: NewEnrolleeFactors
) -> Predictor:
    esrd = train["esrd"].to_numpy(dtype=bool)
    other = train[~esrd].assign(score=factors.scores(train[~esrd]))
    mean_score = _weighted_mean(other, "score")
    ratio = _weighted_mean(train[esrd]) / _weighted_mean(other)
    usable = settings.esrd_score == "cost_ratio" and np.isfinite(ratio) and ratio > 0
    constant = mean_score * (ratio if usable else 1.0)

    def score(rows: pd.DataFrame) -> Array:
        return np.where(rows["esrd"].to_numpy(dtype=bool), constant, factors.scores(rows))

    level = _weighted_mean(train) / float(np.average(score(train), weights=train["weight"]))
    return lambda rows: score(rows) * level


def _used(terms: pd.DataFrame) -> list[str]:
    """Return the terms that occur: a term that nobody has cannot be estimated and predicts 0."""
    return [str(name) for name in terms if terms[name].any()]


def _by_profile(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row per profile: its weighted mean of each column that a model explains.

    The terms of the regressions depend on the profile alone, and their estimating equations on
    weighted sums of cost within equal terms: the estimates are those of the beneficiaries' rows.
    """
    weighted = rows[list(PROFILE)].assign(
        weight=rows["weight"],
        cost=rows["cost"] * rows["weight"],
        paid=(rows["cost"] > 0) * rows["weight"],
    )
    sums = weighted.groupby(list(PROFILE), as_index=False).sum()
    return sums.assign(cost=sums["cost"] / sums["weight"], paid=sums["paid"] / sums["weight"])


def _regression(rows: pd.DataFrame, column: str, settings: RiskSettings, family: Any) -> Predictor:
    """Fit a weighted GLM of a column of `_by_profile` on the demographic terms.

    With fewer than two profiles, or where nobody has any of it, there is nothing to regress on:
    the weighted mean is predicted.
    """
    if len(rows) < 2 or not (rows[column] > 0).any():
        level = float(np.average(rows[column], weights=rows["weight"])) if len(rows) else 0.0
        return lambda people: np.full(len(people), level)
    from tcoc.rules import regressions as sm

    terms = design(rows, settings)
    used = _used(terms)
    model = sm.GLM(rows[column], terms[used], family=family, var_weights=rows["weight"])
    fit = model.fit(maxiter=MAX_STEPS)
    return lambda people: np.asarray(fit.predict(design(people, settings)[used]))


MAX_STEPS = 60
"""Where everybody of a level has cost, its estimate drifts to a probability of 1; it may stop."""


def _least_squares(train: pd.DataFrame, settings: RiskSettings) -> Predictor:
    from tcoc.rules import regressions as sm

    rows = _by_profile(train)
    terms = design(rows, settings)
    used = _used(terms)
    fit = sm.WLS(rows["cost"], terms[used], weights=rows["weight"]).fit()
    return lambda people: np.asarray(fit.predict(design(people, settings)[used]))


def _tweedie(train: pd.DataFrame, settings: RiskSettings) -> Predictor:
    from tcoc.rules import regressions as sm

    rows = _by_profile(train.assign(cost=train["cost"].clip(lower=0)))
    family = sm.families.Tweedie(sm.families.links.Log(), var_power=settings.tweedie_power)
    return _regression(rows, "cost", settings, family)


def _two_part(train: pd.DataFrame, settings: RiskSettings) -> Predictor:
    """Whether there is any cost (binomial), times how much if so (gamma, log link)."""
    from tcoc.rules import regressions as sm

    gamma = sm.families.Gamma(sm.families.links.Log())
    amount = _regression(_by_profile(train[train["cost"] > 0]), "cost", settings, gamma)
    everybody = _by_profile(train)
    if bool((everybody["paid"] == 1).all()):
        return amount
    any_cost = _regression(everybody, "paid", settings, sm.families.Binomial())
    return lambda people: np.asarray(any_cost(people) * amount(people))


# ---------------------------------------------------------------- judgement


@dataclass(frozen=True)
class Evidence:
    """Fit by model and test set, and predictive ratios by model, test set and group."""

    fit: pd.DataFrame
    ratios: pd.DataFrame


def evidence(
    rows: pd.DataFrame, pair: Pair, settings: RiskSettings, factors: NewEnrolleeFactors
) -> Evidence:
    """Fit on fold 0 of the base year, judge on fold 1 of both years; rows are those of `costs`."""
    base, performance = (rows["year"] == y for y in (pair.base_year, pair.performance_year))
    models = fit_models(rows[base & (rows["fold"] == 0)], settings, factors)
    tests = {NEW_PEOPLE: rows[base & (rows["fold"] == 1)]}
    tests[NEXT_YEAR] = rows[performance & (rows["fold"] == 1)]
    fits, ratios = [], []
    for test, chosen in tests.items():
        for model, predict in models.items():
            predicted = chosen.assign(predicted=predict(chosen))
            fits.append({"model": model, "test": test, **goodness(predicted)})
            ratios.append(predictive_ratios(predicted).assign(model=model, test=test))
    order = ["model", "test", "dimension", "group", "benes", "actual", "predicted", "ratio"]
    return Evidence(pd.DataFrame(fits), pd.concat(ratios, ignore_index=True)[order])


def goodness(rows: pd.DataFrame) -> dict[str, float]:
    """Return weighted R2, mean absolute error, predicted / actual, and the calibration line.

    The calibration line regresses actual on predicted cost; a slope of 1 is calibrated. It is not
    defined for a constant prediction. Of no beneficiary-year nothing but the count is defined.
    """
    from tcoc.rules import regressions as sm

    if rows.empty:
        undefined = dict.fromkeys(("r2", "mae", "ratio", "slope"), float("nan"))
        return {"benes": 0.0, **undefined}

    weight, cost, predicted = (rows[c].to_numpy() for c in ("weight", "cost", "predicted"))
    total = np.average((cost - np.average(cost, weights=weight)) ** 2, weights=weight)
    error = np.average((cost - predicted) ** 2, weights=weight)
    slope = float("nan")
    if np.ptp(predicted) > 1e-9 * max(1.0, float(np.abs(predicted).max())):
        line = sm.WLS(cost, sm.add_constant(predicted), weights=weight).fit()
        slope = float(line.params[1])
    return {
        "benes": float(len(rows)),
        "r2": float(1 - error / total),
        "mae": float(np.average(np.abs(cost - predicted), weights=weight)),
        "ratio": float((weight @ predicted) / (weight @ cost)),
        "slope": slope,
    }


def groups(rows: pd.DataFrame) -> dict[str, Array]:
    """Return the groups by which predictive ratios are shown, each beneficiary-year in one."""
    esrd, dual = rows["esrd"].to_numpy(dtype=bool), rows["dual"].to_numpy(dtype=bool)
    young = (rows["age_from"] < DISABLED_FROM).to_numpy()
    disabled = rows["originally_disabled"].to_numpy(dtype=bool)
    return {
        "decile of predicted cost": _deciles(rows),
        "bucket": rows["bucket"].to_numpy(dtype=object),
        "dual": np.where(dual, "dual", "not dual"),
        "ESRD": np.where(esrd, "ESRD", "no ESRD"),
        "disabled": np.select(
            [young, disabled], ["under 65", "originally disabled"], "65 and over, never disabled"
        ),
    }


def _deciles(rows: pd.DataFrame) -> Array:
    order = np.lexsort((np.arange(len(rows)), rows["predicted"].to_numpy()))
    passed = np.cumsum(rows["weight"].to_numpy()[order])
    if not len(passed):
        return np.empty(0, dtype=object)
    decile = np.empty(len(rows), dtype=int)
    decile[order] = np.minimum((passed - 1e-12) / passed[-1] * 10, 9).astype(int) + 1
    return np.array([f"{d:02d}" for d in decile], dtype=object)


def predictive_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Return predicted and actual cost per beneficiary and their ratio, by group.

    One row per (dimension, group); `benes` counts beneficiary-years. Null ratio without cost.
    """
    weighted = pd.DataFrame(
        {
            "benes": 1,
            "weight": rows["weight"],
            "actual": rows["weight"] * rows["cost"],
            "predicted": rows["weight"] * rows["predicted"],
        }
    )
    frames = []
    for dimension, group in groups(rows).items():
        sums = weighted.groupby(group).sum().rename_axis("group").reset_index()
        frames.append(sums.assign(dimension=dimension))
    table = pd.concat(frames, ignore_index=True)
    ratio = table["predicted"] / table["actual"].where(table["actual"] != 0)
    per_person = {c: table[c] / table["weight"] for c in ("actual", "predicted")}
    return table.assign(**per_person, ratio=ratio).drop(columns="weight")


# ---------------------------------------------------------------- hospitals


def regression_benchmark(
    cells: pd.DataFrame, result: Adjusted, pair: Pair, settings: RiskSettings, predict: Predictor
) -> pd.DataFrame:
    """Return each hospital's factor when a regression's predictions weight its mix.

    One row per hospital and the state: factor, growth and difference, the same meaning as for the
    methods. `predict` gives annual dollars from a profile, so it needs the hospital's cells only.
    """
    rows = cells[cells["ccn"].isin(list(result.hospitals))]
    rows = weighted_cells(rows, settings.truncate is not None)
    predicted = rows["months"].to_numpy() * predict(rows)
    values = {"months": rows["months"].to_numpy(), "predicted": predicted}
    sums = exact_sums(rows, ["ccn", "year"], values).set_index(["ccn", "year"])
    mean = (sums["predicted"] / sums["months"]).unstack("year").reindex(list(result.hospitals))
    factor = (mean[pair.performance_year] / mean[pair.base_year]).to_numpy()
    unadjusted = result.growth("none")[:, 0]
    growth = result.performance[:, 0] / (result.base[:, 0] * factor) - 1
    return pd.DataFrame(
        {
            "ccn": result.hospitals,
            "factor": factor,
            "growth": growth,
            "difference": growth - unadjusted,
        }
    )


def growth_on_factor(table: pd.DataFrame, weights: pd.Series) -> dict[str, float]:
    """Regress hospitals' unadjusted growth on a method's factor: did cost follow the mix?

    `table` has ccn, factor and unadjusted (growth); `weights` are months by CCN. A slope of 1 says
    that growth moved one for one with the predicted change, 0 that it did not. Heteroskedasticity
    is allowed for (HC1). Null with fewer than three hospitals or no variation.
    """
    from tcoc.rules import regressions as sm

    rows = table[table["ccn"] != STATE].dropna(subset=["factor", "unadjusted"])
    if len(rows) < 3 or np.ptp(rows["factor"].to_numpy()) == 0:
        return {"slope": float("nan"), "slope_low": float("nan"), "slope_high": float("nan")}
    terms = sm.add_constant(rows["factor"].to_numpy() - 1)
    weight = rows["ccn"].map(weights).to_numpy(dtype=float)
    fit = sm.WLS(rows["unadjusted"].to_numpy(), terms, weights=weight).fit(cov_type="HC1")
    low, high = fit.conf_int()[1]
    return {"slope": float(fit.params[1]), "slope_low": float(low), "slope_high": float(high)}


def bucket_stability(
    cells: pd.DataFrame, pair: Pair, settings: RiskSettings, factors: NewEnrolleeFactors
) -> pd.DataFrame:
    """Return the state's relative cost of each bucket in both years, and its mean CMS factor.

    One row per bucket: benes, months and per capita relative to the year's mean, by year; `score`
    is the months-weighted new enrollee factor relative to its mean (null for ESRD).
    """
    rows = weighted_cells(cells[cells["ccn"] == STATE], settings.truncate is not None)
    rows = rows.assign(bucket=bucket_labels(rows, settings), factor=factors.scores(rows))
    frames = []
    for name, year in (("base", pair.base_year), ("performance", pair.performance_year)):
        chosen = rows[rows["year"] == year]
        values = {c: chosen[c].to_numpy() for c in ("benes", "months", "dollars")}
        values["scored"] = (chosen["months"] * chosen["factor"]).to_numpy()
        sums = exact_sums(chosen, ["bucket"], values).set_index("bucket")
        sums = sums.reindex(list(settings.scheme.buckets), fill_value=0.0)
        months = sums["months"].where(sums["months"] > 0)
        sums["relative"] = sums["dollars"] / months / (sums["dollars"].sum() / months.sum())
        other = months[~settings.scheme.is_esrd]
        mean_score = sums["scored"].sum() / other.sum()
        sums["score"] = (sums["scored"] / other.reindex(sums.index)) / mean_score
        frames.append(sums.drop(columns=["scored", "dollars"]).add_prefix(f"{name}_"))
    return pd.concat(frames, axis=1).rename_axis("bucket").reset_index()


def weighted_correlation(left: pd.Series, right: pd.Series, weight: pd.Series) -> float:
    """Return the weighted correlation of two columns over the rows where both are defined."""
    rows = pd.DataFrame({"a": left, "b": right, "w": weight}).dropna()
    if len(rows) < 2 or rows["w"].sum() <= 0:
        return float("nan")
    covariance = np.cov(rows["a"], rows["b"], aweights=rows["w"])
    spread = float(np.sqrt(covariance[0, 0] * covariance[1, 1]))
    return float(covariance[0, 1] / spread) if spread > 0 else float("nan")
