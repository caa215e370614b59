"""The terms of one rate year, typed (rules M1 to M5)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from tcoc.errors import InputError, nearest
from tcoc.params import Policy


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

    @property
    def trend(self) -> float:
        """The benchmark's growth factor, 1 + national growth - reduction (rule M1)."""
        return 1 + self.national_growth - self.trend_reduction


def read_terms(policy: Policy, rate_year: int, national_growth: float) -> Terms:
    """Read a rate year's terms; InputError where a value is not given for the rate year."""
    return Terms(
        rate_year=rate_year,
        base_year=policy.get("mpa.base_year", rate_year),
        performance_year=policy.get("mpa.performance_year", rate_year),
        national_growth=national_growth,
        trend_reduction=policy.get("mpa.trend_reduction"),
        threshold=policy.get("mpa.threshold", rate_year),
        max_at_risk=policy.get("mpa.max_at_risk", rate_year),
        quality_sign=policy.get("mpa.quality_sign"),
        risk_method=policy.get("mpa.risk_method"),
        combined=policy.get("mpa.combined"),
        attainment_weight=policy.get("mpa.attainment_weight"),
        attainment_level=policy.get("mpa.attainment_level"),
        attainment_risk=policy.get("mpa.attainment_risk"),
    )


FIXED = {"rate_year", "base_year", "performance_year", "national_growth"}
"""Terms that an option of one rate year cannot vary: they change what is compared."""


def varied_terms(terms: Terms, changes: Mapping[str, Any], where: str) -> Terms:
    """Return the terms with some replaced; InputError that names `where` for an unknown one."""
    known = [f.name for f in fields(Terms) if f.name not in FIXED]
    for name in changes:
        if name not in known:
            raise InputError(f'{where}: "{name}" is not a term of the MPA{nearest(name, known)}')
    return replace(terms, **changes)
