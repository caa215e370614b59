"""The parameters of risk adjustment, as the functions of this package take them."""

from dataclasses import dataclass

from tcoc.errors import InputError
from tcoc.params import Policy
from tcoc.rules.risk.buckets import BucketScheme

VARIANTS = ("none", "demographic_own", "demographic_statewide", "new_enrollee")
"""The methods, the demographic one under both bucket costs (rule R2)."""

METHODS = ("none", "demographic", "new_enrollee")
"""The methods of slide 18, in the order of its columns."""


@dataclass(frozen=True)
class RiskSettings:
    """Policy values of rules R1 to R6, typed; see `params/policy/risk.yml` for their meaning."""

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
    winsorise: bool = False
    winsorise_quantile: float = 0.99
    evidence_people: int = 50_000
    tweedie_power: float = 1.5

    def variant(self, method: str) -> str:
        """Return the variant that stands for a method of slide 18 under this run's parameters."""
        if method not in METHODS:
            raise InputError(f'risk method "{method}" is unknown; expected {", ".join(METHODS)}')
        return f"demographic_{self.bucket_cost}" if method == "demographic" else method


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
        winsorise=policy.get("risk.winsorise"),
        winsorise_quantile=policy.get("risk.winsorise_quantile"),
        evidence_people=policy.get("risk.evidence_people"),
        tweedie_power=policy.get("risk.tweedie_power"),
    )
