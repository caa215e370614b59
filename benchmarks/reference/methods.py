"""The methods of risk adjustment for one hospital at a time: rules R1 to R4.

Plain Python over rows of `risk_cells`, with exact sums: slow, small and obvious.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

from tcoc.params import RiskPolicy
from tcoc.paths import params_dir

Factor = tuple[str, int, bool, bool]
"""Sex, lower age of the band, dual, originally disabled."""

Bucket = tuple[Any, ...]
Sums = dict[Bucket, list[Fraction]]
"""Months, dollars and months x factor of a hospital's buckets in a year."""


@cache
def cms_factors(version: str) -> dict[Factor, Fraction]:
    """CMS-HCC new enrollee factors of a model version (rule R3)."""
    with (params_dir() / "reference" / "cms_hcc_new_enrollee.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["model_version"] == version]
    return {
        (r["sex"], int(r["age_from"]), r["dual"] == "true", r["originally_disabled"] == "true"):
        Fraction(r["factor"])
        for r in rows
    }  # fmt: skip


def bucket_of(cell: Mapping[str, Any], bands: Iterable[int], esrd_split: str) -> Bucket:
    """The bucket of a beneficiary-year (rule R1)."""
    if cell["esrd"]:
        return "ESRD", *(cell[name] for name in ("sex", "dual") if name in esrd_split.split("_"))
    return cell["sex"], cell["dual"], max(low for low in bands if low <= cell["age_from"])


def hospital_sums(cells: Iterable[Mapping[str, Any]], policy: RiskPolicy) -> dict[Any, Sums]:
    """By year and hospital, the sums of each bucket: shares times months, dollars and factors."""
    factors, sums = cms_factors(policy.model_version), defaultdict[Any, Sums](dict)
    ages = sorted({age for _, age, _, _ in factors})
    dollars = "dollars" if policy.truncate == "none" else "capped"
    for cell in cells:
        months = Fraction(cell["share"]) * Fraction(cell["months"])
        factor = Fraction(0)
        if not cell["esrd"]:
            band = max(low for low in ages if low <= cell["age_from"])
            disabled = bool(cell["originally_disabled"]) and cell["age_from"] >= 65
            factor = factors[cell["sex"], band, bool(cell["dual"]), disabled]
        bucket = bucket_of(cell, policy.age_bands, policy.esrd_split)
        own = sums[cell["year"], cell["ccn"]].setdefault(bucket, [Fraction(0)] * 3)
        paid = Fraction(cell["share"]) * Fraction(round(float(cell[dollars]) * 100), 100)
        own[:] = [a + b for a, b in zip(own, (months, paid, months * factor), strict=True)]
    return dict(sums)


def adjusted_bases(
    sums: Mapping[Any, Sums], ccn: str, years: tuple[int, int], policy: RiskPolicy
) -> dict[str, float]:
    """What a hospital's base year would have cost with this year's people, by method (R2, R3)."""
    state, base, now = sums[years[0], "STATE"], *(sums[year, ccn] for year in years)
    return {
        "none": _per_capita(base),
        "demographic_own": _own_costs(base, now, state, policy),
        "demographic_statewide": _statewide(base, now, state),
        "new_enrollee": _by_score(base, now, state, policy),
    }


def _total(sums: Sums, place: int, esrd: tuple[bool, ...] = (False, True)) -> Fraction:
    return sum((s[place] for b, s in sums.items() if (b[0] == "ESRD") in esrd), Fraction(0))


def _ratio(top: Fraction, bottom: Fraction) -> float:
    return float(top / bottom) if bottom else float("nan")


def _per_capita(sums: Sums) -> float:
    return _ratio(_total(sums, 1) * 12, _total(sums, 0))


def _bucket_cost(state: Sums, bucket: Bucket) -> Fraction:
    """The state's monthly cost of a bucket, of everybody where it has no months of it."""
    months, paid, _ = state.get(bucket, [Fraction(0)] * 3)
    return paid / months if months else _total(state, 1) / _total(state, 0)


def _own_costs(base: Sums, now: Sums, state: Sums, policy: RiskPolicy) -> float:
    thin, paid = Fraction(str(policy.thin_bucket_months)), Fraction(0)
    for bucket, (months, *_) in now.items():
        own = base.get(bucket, [Fraction(0)] * 3)
        is_own = own[0] > 0 and own[0] >= thin
        paid += months * (own[1] / own[0] if is_own else _bucket_cost(state, bucket))
    return _ratio(paid * 12, _total(now, 0))


def _statewide(base: Sums, now: Sums, state: Sums) -> float:
    indexes = [
        sum(s[0] * _bucket_cost(state, b) for b, s in year.items()) / _total(year, 0)
        for year in (base, now)
    ]
    return _per_capita(base) * _ratio(indexes[1], indexes[0])


def _by_score(base: Sums, now: Sums, state: Sums, policy: RiskPolicy) -> float:
    others, esrd = (False,), (True,)
    constant = Fraction(1)
    if _total(state, 0, others):
        constant = _total(state, 2, others) / _total(state, 0, others)
    costs = [_ratio(_total(state, 1, who), _total(state, 0, who)) for who in (esrd, others)]
    if policy.esrd_score == "cost_ratio" and costs[0] > 0 and costs[1] > 0:
        paid = _total(state, 1, esrd) * _total(state, 0, others)
        constant *= paid / (_total(state, 0, esrd) * _total(state, 1, others))
    means = [
        (_total(year, 2) + constant * _total(year, 0, esrd)) / _total(year, 0)
        for year in (base, now)
    ]
    return _per_capita(base) * _ratio(means[1], means[0])
