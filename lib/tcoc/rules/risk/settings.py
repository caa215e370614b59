"""The parameters of risk adjustment, as the functions of this package take them."""

from dataclasses import dataclass
from typing import Any

from tcoc.errors import InputError
from tcoc.params import Policy
from tcoc.rules.risk.buckets import BucketScheme

VARIANTS = ("none", "demographic_own", "demographic_statewide", "new_enrollee")
"""The methods, the demographic one under both bucket costs (rule R2)."""

METHODS = ("none", "demographic", "new_enrollee")
"""The methods of slide 18, in the order of its columns."""


@dataclass(frozen=True)
class RiskSettings:
    """Policy values of rules R1 to R10, typed; see `params/policy/risk.yml` for their meaning."""

    scheme: BucketScheme
    bucket_cost: str = "own"
    thin_bucket_months: float = 0.0
    thin_bucket_sensitivity: tuple[float, ...] = (120.0, 600.0)
    model_version: str = "V22"
    esrd_score: str = "cost_ratio"
    extremes: str = "difference"
    excluded_from_extremes: tuple[str, ...] = ("210045",)
    replicates: int = 2000
    seed: int = 20180404
    interval_level: float = 0.95
    truncate: float | None = None
    truncate_sensitivity: float = 0.99
    evidence_people: int = 50_000
    tweedie_power: float = 1.5

    @property
    def cut(self) -> float:
        """The quantile of a year's dollars at which the cut column of the cells is cut (R10)."""
        return self.truncate_sensitivity if self.truncate is None else self.truncate

    def variant(self, method: str) -> str:
        """Return the variant that stands for a method of slide 18 under this run's parameters."""
        if method not in METHODS:
            raise InputError(f'risk method "{method}" is unknown; expected {", ".join(METHODS)}')
        return f"demographic_{self.bucket_cost}" if method == "demographic" else method


def _quantile(found: Any) -> float | None:
    """Return the quantile that rule R10 truncates at, None for no truncation."""
    if found == "none":
        return None
    try:
        quantile = float(found)
    except ValueError:
        quantile = 0.0
    if not 0.5 <= quantile < 1:
        raise InputError(
            f'risk.truncate: found "{found}", expected none or a quantile from 0.5 to below 1'
        )
    return quantile


def risk_settings(policy: Policy) -> RiskSettings:
    """Read the policy values named `risk.*`."""
    return RiskSettings(
        scheme=BucketScheme(tuple(policy.get("risk.age_bands")), policy.get("risk.esrd_split")),
        bucket_cost=policy.get("risk.bucket_cost"),
        thin_bucket_months=policy.get("risk.thin_bucket_months"),
        thin_bucket_sensitivity=tuple(policy.get("risk.thin_bucket_sensitivity")),
        model_version=policy.get("risk.model_version"),
        esrd_score=policy.get("risk.esrd_score"),
        extremes=policy.get("risk.extremes"),
        excluded_from_extremes=tuple(policy.get("risk.excluded_from_extremes")),
        replicates=policy.get("risk.replicates"),
        seed=policy.get("risk.seed"),
        interval_level=policy.get("risk.interval_level"),
        truncate=_quantile(policy.get("risk.truncate")),
        truncate_sensitivity=policy.get("risk.truncate_sensitivity"),
        evidence_people=policy.get("risk.evidence_people"),
        tweedie_power=policy.get("risk.tweedie_power"),
    )
