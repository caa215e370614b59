"""What qualifying is worth: the incentive payment and the fee schedule updates (rule Q8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pandas as pd

from tcoc.params import QpPolicy
from tcoc.rules.qp.rules import exact

BASE_READINGS = ("performance_year", "year_after")
"""Whose payments the incentive takes: the slide's (all 2018 for 2018), or 42 CFR 414.1450's."""

FIRST_UPDATE = 2026
"""First payment year with two updates (slide 4; 42 USC 1395w-4(d)(20))."""

GROUPS = ("all", "specialty_group", "method", "criterion", "hospital")
"""The kinds of groups by which the incentive is shown."""


@dataclass(frozen=True)
class IncentiveYear:
    """The incentive of one performance year: when it is paid, its rate, the year of its base."""

    performance_year: int
    payment_year: int
    base_reading: str
    base_year: int
    rate: Fraction


def incentive_years(policy: QpPolicy, year: int) -> tuple[IncentiveYear, ...]:
    """Return the incentive of a performance year under both readings of the base year (Q8)."""
    payment_year = year + policy.payment_lag
    rate = exact(policy.incentive_rate(payment_year))
    bases = {"performance_year": year, "year_after": payment_year - 1}
    return tuple(
        IncentiveYear(year, payment_year, name, bases[name], rate) for name in BASE_READINGS
    )


def incentive(
    qualifying: pd.DataFrame, payments: pd.DataFrame | None, terms: IncentiveYear, kind: str
) -> pd.DataFrame:
    """Incentive by clinician group: one row per group (rule Q8).

    `qualifying` has npi, people and the column `kind` that names the group; `payments` has npi and
    cents of the base year, or is None where the store has no such year: dollars are then null.
    """
    if payments is None:
        joined = qualifying.assign(cents=0)
    else:
        joined = qualifying.merge(payments[["npi", "cents"]], on="npi", how="left")
        joined["cents"] = joined["cents"].fillna(0).astype("int64")
    grouped = joined.groupby(kind, sort=True).agg(
        clinicians=("npi", "size"), patients=("people", "sum"), cents=("cents", "sum")
    )
    known = payments is not None
    return pd.DataFrame(
        {
            "year": terms.performance_year,
            "base_reading": terms.base_reading,
            "kind": kind,
            "group": grouped.index.astype(object),
            "payment_year": terms.payment_year,
            "base_year": terms.base_year,
            "rate": float(terms.rate),
            "clinicians": grouped["clinicians"].to_numpy(),
            "patients": grouped["patients"].to_numpy(),
            "payments": [dollars(int(c)) if known else None for c in grouped["cents"]],
            "incentive": [
                dollars(int(c) * terms.rate) if known else None for c in grouped["cents"]
            ],
        }
    )


def dollars(cents: Fraction | int) -> Decimal:
    """Return cents as dollars, rounded half up to the cent once."""
    exactly = Fraction(cents)
    whole = Decimal(exactly.numerator) / Decimal(exactly.denominator)
    return whole.quantize(Decimal(1), ROUND_HALF_UP) / 100


def fee_schedule(policy: QpPolicy, base_cents: int) -> pd.DataFrame:
    """The two fee schedules, accumulated to the horizon (rule Q8): one row per payment year.

    `qualifying` and `other` are levels relative to the year before the first that has updates;
    `difference` is their ratio less 1; `gain` the dollars that this makes of `base_cents` a year,
    with no growth but the updates; `gain_to_date` adds the gains up.
    """
    levels = {"qualifying": Fraction(1), "other": Fraction(1)}
    rows, total = [], Fraction(0)
    for year in range(FIRST_UPDATE, policy.update_horizon + 1):
        updates = {"qualifying": policy.update_qualifying, "other": policy.update_other}
        for name, update in updates.items():
            levels[name] *= 1 + exact(update(year))
        gain = (levels["qualifying"] - levels["other"]) * base_cents
        total += gain
        rows.append(
            {
                "payment_year": year,
                "qualifying": float(levels["qualifying"]),
                "other": float(levels["other"]),
                "difference": float(levels["qualifying"] / levels["other"] - 1),
                "gain": dollars(gain),
                "gain_to_date": dollars(total),
            }
        )
    return pd.DataFrame(rows)


def in_mips(
    clinicians: pd.DataFrame, benes_limit: int, cents_limit: int, qualifying: Iterable[str]
) -> dict[str, int]:
    """How many clinicians MIPS would take in, and how many of these leave it as QPs (Q8).

    MIPS takes in who is above both low-volume limits: `people` and `allowed_cents` of the year.
    """
    above = clinicians[
        (clinicians["people"] > benes_limit) & (clinicians["allowed_cents"] > cents_limit)
    ]
    leaving = above["npi"].isin(list(qualifying))
    return {"in_mips": len(above), "excluded_as_qp": int(leaving.sum())}
