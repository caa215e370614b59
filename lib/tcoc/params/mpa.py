"""The values of params/policy/mpa.yml and tcoc.yml, typed (rules M1 to M8, A12, T2, T3)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from tcoc.params.typed import Dated, PolicyFile, Value

Share = Annotated[float, Field(ge=0, le=1)]
Method = Literal["none", "demographic", "new_enrollee"]


class MpaPolicy(PolicyFile, name="mpa"):
    """Terms of the Medicare Performance Adjustment and of its options study."""

    base_year: Dated[int] = Dated()
    performance_year: Dated[int] = Dated()
    trend_reduction: Value[float] = Value()
    threshold: Dated[Annotated[float, Field(gt=0, le=1)]] = Dated()
    max_at_risk: Dated[Share] = Dated()
    quality_sign: Value[Literal["multiply", "reward_helps"]] = Value()
    missing_quality: Value[Literal["error", "zero"]] = Value()
    risk_method: Value[Method] = Value()
    combined: Value[bool] = Value()
    unequal_run_out: Value[Literal["stop", "label"]] = Value()
    base_weights: Value[tuple[float, ...]] = Value()
    risk_cap: Value[Share] = Value()
    truncated: Value[bool] = Value()
    credibility: Value[Literal["none", "reliability"]] = Value()
    price_standardized: Value[bool] = Value()
    price_factors: Value[Mapping[str, Annotated[float, Field(gt=0)]]] = Value()
    attainment_weight: Value[Share] = Value()
    attainment_level: Value[Literal["statewide", "peer"]] = Value()
    attainment_risk: Value[Method] = Value()
    options: Value[Mapping[str, Mapping[str, Any] | None]] = Value()
    grid: Value[Mapping[str, tuple[Any, ...]]] = Value()
    true_changes: Value[tuple[float, ...]] = Value()
    sign_certainty: Value[Annotated[float, Field(ge=0.5, lt=1)]] = Value()
    panel_sizes: Value[tuple[int, ...]] = Value()
    reliable_change: Value[Annotated[float, Field(gt=0, le=1)]] = Value()
    reliable_power: Value[Annotated[float, Field(ge=0.5, lt=1)]] = Value()


class TcocPolicy(PolicyFile, name="tcoc"):
    """What makes a year's claims complete."""

    run_out_months: Value[Annotated[int, Field(ge=0, le=24)]] = Value()
    development_months: Value[Annotated[int, Field(ge=1, le=36)]] = Value()
