"""The terms of one rate year, typed (rules M1 to M5, M8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from tcoc.errors import InputError, nearest
from tcoc.params import MpaPolicy, Policy


@dataclass(frozen=True)
class Terms:
    """What decides a rate year's adjustments; shares and rates are fractions.

    See `params/policy/mpa.yml` for each. `national_growth` is an input of the run, no policy.
    """

    rate_year: int
    base_year: int
    performance_year: int
    national_growth: float
    trend_reduction: float = 0.0033
    threshold: float = 0.02
    max_at_risk: float = 0.005
    quality_sign: str = "multiply"
    risk_method: str = "none"
    combined: bool = True
    attainment_weight: float = 0.0
    attainment_level: str = "statewide"
    attainment_risk: str = "new_enrollee"
    base_weights: tuple[float, ...] = (1.0,)
    risk_cap: float = 1.0
    truncated: bool = False
    credibility: str = "none"
    price_standardized: bool = False

    @property
    def years(self) -> int:
        """How many years the benchmark grows: from the base to the performance year (rule M1)."""
        return self.performance_year - self.base_year

    @property
    def trend(self) -> float:
        """The benchmark's growth factor (rule M1).

        National growth and the reduction count once for each year between base and performance:
        (1 + national growth - reduction) to the power of the years.
        """
        return float((1 + self.national_growth - self.trend_reduction) ** self.years)


_NONE = float("nan")
UNREAD: Mapping[str, Any] = {
    **dict.fromkeys(("national_growth", "trend_reduction", "threshold", "max_at_risk"), _NONE),
    **dict.fromkeys(("quality_sign", "risk_method", "attainment_level", "credibility"), ""),
    "attainment_weight": _NONE,
}
"""What stands for the terms that were not read: no number comes of them, and no method."""


def read_terms(policy: Policy, rate_year: int, national_growth: float) -> Terms:
    """Read a rate year's terms; InputError where a value is not given for the rate year."""
    own = MpaPolicy.of(policy)
    return replace(
        result_terms(policy, rate_year, national_growth),
        threshold=own.threshold(rate_year),
        max_at_risk=own.max_at_risk(rate_year),
        quality_sign=own.quality_sign,
    )


def result_terms(policy: Policy, rate_year: int, national_growth: float) -> Terms:
    """Read the terms that a result rests on, and none of the scale (rules M1, M5, M8).

    What is computed of them alone holds whatever the scale is; with it nothing can be computed.
    """
    own = MpaPolicy.of(policy)
    return replace(
        base_terms(policy, rate_year),
        national_growth=national_growth,
        trend_reduction=own.trend_reduction,
        risk_method=own.risk_method,
        attainment_weight=own.attainment_weight,
        attainment_level=own.attainment_level,
        credibility=own.credibility,
    )


def base_terms(policy: Policy, rate_year: int) -> Terms:
    """Read the terms that a rate year's per capita figures rest on, and no others (rule M8)."""
    own = MpaPolicy.of(policy)
    if own.base_year(rate_year) >= own.performance_year(rate_year):
        raise InputError(
            f"mpa.base_year: found {own.base_year(rate_year)} for rate year {rate_year}, expected a"
            f" year before mpa.performance_year, {own.performance_year(rate_year)}"
        )
    return Terms(
        rate_year=rate_year,
        base_year=own.base_year(rate_year),
        performance_year=own.performance_year(rate_year),
        **UNREAD,
        combined=own.combined,
        attainment_risk=own.attainment_risk,
        base_weights=_weights(own.base_weights, "mpa.base_weights"),
        risk_cap=own.risk_cap,
        truncated=own.truncated,
        price_standardized=own.price_standardized,
    )


MOST_BASE_YEARS = 3


def _weights(found: Sequence[float], where: str) -> tuple[float, ...]:
    """Return the weights of the base years, the latest first; InputError unless they sum to 1."""
    weights = tuple(float(w) for w in found)
    right = 0 < len(weights) <= MOST_BASE_YEARS and all(w >= 0 for w in weights)
    if not right or weights[0] == 0 or abs(sum(weights) - 1) > 1e-9:
        raise InputError(
            f"{where}: found {list(weights)}, expected one to {MOST_BASE_YEARS} weights that add up"
            " to 1, the base year's first and above 0"
        )
    return weights


FIXED = {"rate_year", "base_year", "performance_year", "national_growth"}
"""Terms that an option of one rate year cannot vary: they change what is compared."""


def varied_terms(terms: Terms, changes: Mapping[str, Any], where: str) -> Terms:
    """Return the terms with some replaced; InputError that names `where` for an unknown one."""
    known = [f.name for f in fields(Terms) if f.name not in FIXED]
    for name in changes:
        if name not in known:
            raise InputError(f'{where}: "{name}" is not a term of the MPA{nearest(name, known)}')
    given = dict(changes)
    if "base_weights" in given:
        given["base_weights"] = _weights(given["base_weights"], f"{where}: base_weights")
    return replace(terms, **given)
