"""The parameters of risk adjustment, as the functions of this package take them."""

from dataclasses import dataclass

from tcoc.errors import InputError
from tcoc.params import Policy, RiskPolicy
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
    minimum_panel_sensitivity: tuple[int, ...] = (10, 25)
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


def risk_settings(policy: Policy) -> RiskSettings:
    """Read the policy values named `risk.*`."""
    values = RiskPolicy.of(policy)
    return RiskSettings(
        scheme=BucketScheme(values.age_bands, values.esrd_split),
        bucket_cost=values.bucket_cost,
        thin_bucket_months=values.thin_bucket_months,
        thin_bucket_sensitivity=values.thin_bucket_sensitivity,
        minimum_panel_sensitivity=values.minimum_panel_sensitivity,
        model_version=values.model_version,
        esrd_score=values.esrd_score,
        extremes=values.extremes,
        excluded_from_extremes=values.excluded_from_extremes,
        replicates=values.replicates,
        seed=values.seed,
        interval_level=values.interval_level,
        truncate=None if values.truncate == "none" else values.truncate,
        truncate_sensitivity=values.truncate_sensitivity,
        evidence_people=values.evidence_people,
        tweedie_power=values.tweedie_power,
    )
