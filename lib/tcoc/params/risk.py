"""The values of params/policy/{risk,verdicts,policy_lab}.yml, typed (rules R1 to R10)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from tcoc.params.typed import PolicyFile, Value

Share = Annotated[float, Field(ge=0, le=1)]
Quantile = Annotated[float, Field(ge=0.5, lt=1)]


class RiskPolicy(PolicyFile, name="risk"):
    """How the base year is adjusted for a changing population, and how sure that is."""

    age_bands: Value[tuple[int, ...]] = Value()
    esrd_split: Value[Literal["dual", "sex", "dual_and_sex", "none"]] = Value()
    bucket_cost: Value[Literal["own", "statewide"]] = Value()
    thin_bucket_months: Value[Annotated[float, Field(ge=0)]] = Value()
    thin_bucket_sensitivity: Value[tuple[float, ...]] = Value()
    minimum_panel_sensitivity: Value[tuple[Annotated[int, Field(ge=2)], ...]] = Value()
    model_version: Value[Literal["V22", "V23", "V24"]] = Value()
    esrd_score: Value[Literal["cost_ratio", "mean"]] = Value()
    extremes: Value[Literal["difference", "growth"]] = Value()
    excluded_from_extremes: Value[tuple[str, ...]] = Value()
    replicates: Value[Annotated[int, Field(ge=20, le=100_000)]] = Value()
    seed: Value[Annotated[int, Field(ge=0)]] = Value()
    interval_level: Value[Annotated[float, Field(ge=0.5, le=0.999)]] = Value()
    truncate: Value[Literal["none"] | Quantile] = Value()
    truncate_sensitivity: Value[Quantile] = Value()
    evidence_people: Value[Annotated[int, Field(ge=100)]] = Value()
    tweedie_power: Value[Annotated[float, Field(gt=1, lt=2)]] = Value()


class VerdictsPolicy(PolicyFile, name="verdicts"):
    """What a page may conclude, and how wrong or unsteady it may be at most (rule R8)."""

    least_stability: Value[Annotated[float, Field(ge=0.5, le=1)]] = Value()
    largest_false_rate: Value[Share] = Value()
    placebos: Value[Annotated[int, Field(ge=20, le=10_000)]] = Value()
    registry: Value[Mapping[str, Any]] = Value()


class PolicyLabPolicy(PolicyFile, name="policy_lab"):
    """What the laboratory scores, and what stands there in place of claims (rule R9)."""

    worlds: Value[tuple[str, ...]] = Value()
    policies: Value[Mapping[str, Any]] = Value()
    benes: Value[Annotated[int, Field(ge=5000, le=2_000_000)]] = Value()
    size_classes: Value[tuple[int, ...]] = Value()
    base_dollars: Value[Annotated[float, Field(ge=0)]] = Value()
    need_dollars: Value[Annotated[float, Field(gt=0)]] = Value()
    lump_dollars: Value[Annotated[float, Field(ge=0)]] = Value()
    dialysis: Value[Annotated[float, Field(ge=0)]] = Value()
    quiet: Value[Share] = Value()
    price_share: Value[Share] = Value()
