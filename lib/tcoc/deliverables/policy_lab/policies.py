"""Designs of a Year 2 MPA: what each pays in a simulated state, and what it pays on the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcoc.deliverables.policy_lab.simulate import (
    BASES,
    PERFORMANCE,
    WINDOW,
    YEARS,
    Array,
    PersonYears,
    SimulatedState,
)
from tcoc.errors import InputError
from tcoc.rules.mpa.scale import blended_result, performance_result, scaled_result
from tcoc.rules.risk.adjust import Pair, Sums, adjust, divide
from tcoc.rules.risk.factors import NewEnrolleeFactors
from tcoc.rules.risk.settings import RiskSettings
from tcoc.store.synth.mix import profiles_of

NOBODY = -1


class Policy(BaseModel):
    """A design; what it does not name is as adopted for rate year 2020 (rules M1 to M5, M8)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["none", "demographic_own", "demographic_statewide", "new_enrollee"] = "none"
    truncate: float | None = Field(default=None, ge=0.5, lt=1)
    base_years: int = Field(default=1, ge=1, le=len(BASES))
    attainment: float = Field(default=0, ge=0, le=1)
    threshold: float = Field(default=0.02, gt=0)
    at_risk: float = Field(default=0.005, gt=0)
    minimum_panel: int = Field(default=0, ge=0)
    sticky_margin: float | None = Field(default=None, ge=0)
    credibility: bool = False

    @property
    def links(self) -> tuple[int, float | None]:
        """What decides who is attributed where: policies that agree share an attribution."""
        return self.minimum_panel, self.sticky_margin


def policies(entries: Mapping[str, Any]) -> dict[str, Policy]:
    """Return the designs by name; InputError that names the design and the key."""
    found = {}
    for name, raw in entries.items():
        try:
            found[name] = Policy.model_validate(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(
                f"policy_lab.yml: policies: {name}: {where}: {first['msg']}"
            ) from error
    return found


# ---------------------------------------------------------------- attribution


def attributed(state: SimulatedState, links: tuple[int, float | None]) -> dict[int, Array]:
    """Return each person's hospital by year, as rules A3 to A9 would find it.

    The clinician's ACO decides first, then the hospital that the clinician's panel used most in the
    two years before (A8, with `minimum_panel` and `sticky_margin`), then the home.
    """
    minimum, margin = links
    found, before = {}, np.full(state.panel_hospital.shape, NOBODY)
    for year in (*BASES, PERFORMANCE):
        use = np.sum([state.use[year - back] for back in range(1, WINDOW + 1)], axis=0)
        best = np.where(use.max(axis=1) > 0, use.argmax(axis=1), NOBODY)
        if margin is not None:
            kept = use[np.arange(len(use)), np.maximum(before, 0)] * (1 + margin)
            best = np.where((before >= 0) & (kept >= use.max(axis=1)), before, best)
        before = best
        of = state.years[year]
        size = np.bincount(of.clinician[of.clinician >= 0], minlength=len(best))
        panel = np.where(size >= minimum, best, NOBODY)
        linked = np.where(state.aco >= 0, state.aco, panel)
        mine = np.where(of.clinician >= 0, linked[np.maximum(of.clinician, 0)], NOBODY)
        found[year] = np.where(mine >= 0, mine, of.place)
    return found


# ---------------------------------------------------------------- sums


@dataclass(frozen=True)
class Book:
    """A state's sums by year under one attribution, and the truth of the same people.

    `true` is the mean true effect of a hospital's people by year, `people` their number, `noise`
    the variance of a hospital's growth that chance in costs gives it.
    """

    sums: Mapping[int, Sums]
    true: Mapping[int, Array]
    people: Array
    noise: Array
    trend: Mapping[int, float]


def book(
    state: SimulatedState,
    hospital: Mapping[int, Array],
    truncate: float | None,
    scores: tuple[Array, Array],
    trend: Mapping[int, float],
) -> Book:
    """Sum a state by hospital and bucket; `scores` are the bucket and factor of each profile."""
    sums, true = {}, {}
    for year in hospital:
        of = state.years[year]
        dollars = of.dollars
        if truncate is not None:
            dollars = np.minimum(dollars, np.quantile(dollars, truncate, method="higher"))
        sums[year] = _sums(of, hospital[year], dollars, state.hospitals, scores)
        weight = np.bincount(hospital[year], of.months, state.hospitals)
        effect = np.bincount(hospital[year], of.months * of.effect, state.hospitals)
        true[year] = divide(effect, weight)
    people = np.bincount(hospital[PERFORMANCE], minlength=state.hospitals)
    return Book(sums, true, people, _noise(state, truncate) / np.maximum(people, 1), trend)


def _sums(
    of: PersonYears, hospital: Array, dollars: Array, count: int, scores: tuple[Array, Array]
) -> Sums:
    bucket, factor = scores[0][of.profile], scores[1][of.profile]
    buckets = int(scores[0].max()) + 1
    cell = hospital * buckets + bucket

    def grid(values: Array) -> Array:
        whole = np.bincount(cell, values, count * buckets).reshape(count, buckets, 1)
        return np.concatenate([whole.sum(axis=0, keepdims=True), whole])

    score = np.bincount(hospital, of.months * factor, count)[:, None]
    return Sums(grid(of.months), grid(dollars), np.concatenate([score.sum(axis=0)[None], score]))


def _noise(state: SimulatedState, truncate: float | None) -> float:
    """Return a person's variance of relative growth: two years' variance less what they share."""
    a, b = state.years[BASES[-1]], state.years[PERFORMANCE]
    values = []
    for of in (a, b):
        annual = of.dollars * 12 / of.months
        if truncate is not None:
            annual = np.minimum(annual, np.quantile(annual, truncate, method="higher"))
        values.append(annual / annual.mean())
    both, first, second = np.intersect1d(a.person, b.person, return_indices=True)
    shared = float(np.cov(values[0][first], values[1][second])[0, 1]) if len(both) > 1 else 0.0
    return float(values[0].var() + values[1].var() - 2 * shared)


def profile_scores(settings: RiskSettings, factors: NewEnrolleeFactors) -> tuple[Array, Array]:
    """Return the bucket and the new enrollee factor of each profile of the generator (R1, R3)."""
    found = profiles_of(np.arange(16 << 4))
    columns = ("age_from", "sex", "dual", "esrd", "originally_disabled")
    rows = list(zip(*(found[c].tolist() for c in columns), strict=True))
    places = {bucket: i for i, bucket in enumerate(settings.scheme.buckets)}
    bucket = np.array([places[settings.scheme.bucket(*row[:4])] for row in rows])
    factor = np.array([0.0 if r[3] else factors.score(r[0], r[1], r[2], r[4]) for r in rows])
    return bucket, factor


# ---------------------------------------------------------------- what is paid


@dataclass(frozen=True)
class Paid:
    """Percent of revenue by hospital: as the design pays, and on the true effect."""

    paid: Array
    true: Array


def pay(policy: Policy, of: Book, settings: RiskSettings) -> Paid:
    """Return what a design pays each hospital, and what it would pay if it saw the true effects.

    The benchmark grows by the nation's trend, which has no part in the state's drift. Base years
    weigh alike. Under attainment the level is the state's at the hospital's own risk.
    """
    bases = BASES[len(BASES) - policy.base_years :]
    names = tuple(str(i) for i in range(len(of.people) + 1))
    later = of.sums[PERFORMANCE]
    target, base_true = np.zeros(len(of.people)), np.zeros(len(of.people))
    for base in bases:
        pair = Pair(base, PERFORMANCE)
        found = adjust(names, of.sums[base], later, pair, settings)
        grown = found.adjusted[policy.method] * of.trend[PERFORMANCE] / of.trend[base]
        target = target + grown[1:, 0] / len(bases)
        base_true = base_true + of.true[base] / len(bases)
    performance = found.performance
    improvement = performance_result(target, performance[1:, 0])
    result = blended_result(
        improvement, _attainment(policy, of, found.base, settings, performance), policy.attainment
    )
    true_improvement = 1 - divide(of.true[PERFORMANCE], base_true)
    mean = np.nansum(of.true[PERFORMANCE] * of.people) / of.people.sum()
    true = blended_result(true_improvement, 1 - of.true[PERFORMANCE] / mean, policy.attainment)
    result, true = np.nan_to_num(result), np.nan_to_num(true)
    if policy.credibility:
        result = result * reliability(result, of.noise)
    return Paid(
        scaled_result(result, policy.threshold, policy.at_risk),
        scaled_result(true, policy.threshold, policy.at_risk),
    )


def _attainment(
    policy: Policy, of: Book, base: Array, settings: RiskSettings, performance: Array
) -> Array:
    """Return the result against the state's level at the hospital's own risk (rule M5)."""
    later = of.sums[PERFORMANCE]
    if policy.method == "none":
        risk = np.ones(len(performance) - 1)
    elif policy.method == "new_enrollee":
        months = later.months.sum(axis=1)[:, 0]
        cost = later.dollars[0].sum() / later.months[0].sum()
        esrd = settings.scheme.is_esrd
        ratio = later.dollars[0][esrd].sum() / max(later.months[0][esrd].sum(), 1e-9) / cost
        mean = later.score[0, 0] / later.months[0][~esrd].sum()
        score = later.score[:, 0] / mean + ratio * later.months[:, esrd].sum(axis=(1, 2))
        relative = divide(score, months)
        risk = relative[1:] / relative[0]
    else:
        cost = divide(later.dollars[:1], later.months[:1])
        mix = divide(later.months, later.months.sum(axis=1, keepdims=True))
        index = (mix * np.nan_to_num(cost)).sum(axis=(1, 2))
        risk = index[1:] / index[0]
    return performance_result(performance[0, 0] * risk, performance[1:, 0])


def reliability(result: Array, noise: Array) -> Array:
    """Return the share of each result's variance that is true, by the method of moments (M7)."""
    weight = 1 / np.maximum(noise, 1e-12)
    mean = np.average(result, weights=weight)
    between = max(float(np.average((result - mean) ** 2 - noise, weights=weight)), 0.0)
    return np.asarray(between / (between + noise))


__all__ = ["YEARS", "Book", "Paid", "Policy", "attributed", "book", "pay", "policies"]
