"""Rule R8: what a page may conclude from a statistic, and how often it would be wrong.

A verdict is registered in `params/policy/verdicts.yml` before data are seen: its estimand, its
statistic, and the decision. Its error rates are measured over synthetic states with and without the
effect. It is printed where it is right and the same often enough; else the page says that it is
open, and how many people would settle it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcoc.errors import InputError

Answer = Literal["yes", "no", "open"]
ANSWERS: tuple[Answer, ...] = ("yes", "no", "open")

Z_DETECT = 1.96 + 0.8416
"""Standard errors that an effect must be away from a bound to be told from it in 80% of cases."""


class Verdict(BaseModel):
    """A registered verdict; see the head of `params/policy/verdicts.yml` for its decision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str = Field(min_length=1)
    estimand: str = Field(min_length=1)
    statistic: str = Field(min_length=1)
    variant: str = Field(min_length=1)
    yes_above: float
    no_below: float
    leave_out: bool = False
    says_yes: str = Field(min_length=1)
    says_no: str = Field(min_length=1)
    with_effect: str
    without_effect: str
    planted: str = ""


@dataclass(frozen=True)
class Rates:
    """Measured error rates: over `states` states with the effect and as many without.

    `false_rate` is the larger of the rates of "yes" without the effect and of "no" with it,
    `power` the rate of "yes" with it, `stability` the share of the commonest answer, in the less
    stable of the two truths. `yes_right` and `no_right` are the shares of the states with that
    answer in which it is true: a verdict that is nearly always open is steady, and can still say
    "no" in the one state and "yes" in the other of the same truth. Counted with one state more of
    either kind (Laplace's rule of succession), so that an answer of two states is not trusted.
    """

    false_rate: float
    power: float
    stability: float
    yes_right: float
    no_right: float
    states: int
    benes: int

    def right(self, answer: Answer) -> float:
        """Return how often an answer is true where it is given; that it is open is always true."""
        return {"yes": self.yes_right, "no": self.no_right}.get(answer, 1.0)


def registry(entries: Mapping[str, Any]) -> dict[str, Verdict]:
    """Return the registered verdicts; InputError that names the verdict and the key."""
    found = {}
    for name, raw in entries.items():
        try:
            found[name] = Verdict.model_validate(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"verdicts.yml: registry: {name}: {where}: {first['msg']}") from error
    return found


def decide(verdict: Verdict, row: Mapping[str, float]) -> Answer:
    """Return the answer that the decision rule gives to a statistic's interval and range."""
    low, high = float(row["low"]), float(row["high"])
    if not (np.isfinite(low) and np.isfinite(high)):
        return "open"
    if low > verdict.yes_above:
        left = row.get("leave_out_low", np.nan)
        return "open" if verdict.leave_out and not left > verdict.yes_above else "yes"
    if high < verdict.no_below:
        left = row.get("leave_out_high", np.nan)
        return "open" if verdict.leave_out and not left < verdict.no_below else "no"
    return "open"


def rates(with_effect: list[Answer], without: list[Answer], benes: int) -> Rates:
    """Return a verdict's error rates from its answers in states with and without the effect.

    Raises InputError without a state of either kind.
    """
    if not with_effect or not without:
        raise InputError("verdicts: no synthetic state with, or none without, the effect")
    modal = [max(of.count(a) for a in ANSWERS) / len(of) for of in (with_effect, without)]
    return Rates(
        false_rate=max(
            without.count("yes") / len(without), with_effect.count("no") / len(with_effect)
        ),
        power=with_effect.count("yes") / len(with_effect),
        stability=min(modal),
        yes_right=_share(with_effect.count("yes"), without.count("yes")),
        no_right=_share(without.count("no"), with_effect.count("no")),
        states=min(len(with_effect), len(without)),
        benes=benes,
    )


def _share(right: int, wrong: int) -> float:
    return (right + 1) / (right + wrong + 2)


def printed(answer: Answer, measured: Rates | None, stability: float, false_rate: float) -> Answer:
    """Return what may be printed: an answer that is not right and steady enough is open.

    `stability` is also the least share of the states with this answer in which it is true.
    """
    if measured is None or measured.stability < stability or measured.false_rate > false_rate:
        return "open"
    return answer if measured.right(answer) >= stability else "open"


def people_needed(verdict: Verdict, row: Mapping[str, float], people: float) -> float:
    """Return about how many people would tell the estimate from the nearest bound (80% power).

    A standard error falls with the root of the people; the estimate is taken as the truth. Infinite
    where the estimate lies on the bound.
    """
    estimate, low, high = (float(row[c]) for c in ("estimate", "low", "high"))
    error = (high - low) / (2 * 1.96)
    away = max(estimate - verdict.yes_above, verdict.no_below - estimate)
    if not (np.isfinite(error) and error > 0) or away <= 0:
        return float("inf")
    return float(people * (Z_DETECT * error / away) ** 2)


def evaluate(
    verdicts: Mapping[str, Verdict],
    statistics: pd.DataFrame,
    measured: Mapping[str, Rates],
    limits: tuple[float, float],
    people: float,
) -> pd.DataFrame:
    """Return a row per verdict: the rule's answer, what is printed, and how sure it is.

    `statistics` are the run's own pair's rows; `limits` the least stability and the largest false
    rate; `people` the state's beneficiaries.
    """
    keyed = {(r["statistic"], r["variant"]): r for r in statistics.to_dict("records")}
    rows = []
    for name, verdict in verdicts.items():
        row: dict[Any, Any] = keyed.get((verdict.statistic, verdict.variant), {})
        numbers = {c: float(row.get(c, np.nan)) for c in _NUMBERS}
        answer = decide(verdict, numbers)
        found = measured.get(name)
        rows.append(
            {
                "verdict": name,
                "question": verdict.question,
                "answer": answer,
                "printed": printed(answer, found, *limits),
                **numbers,
                "false_rate": found.false_rate if found else np.nan,
                "power": found.power if found else np.nan,
                "stability": found.stability if found else np.nan,
                "right": found.right(answer) if found else np.nan,
                "states": found.states if found else 0,
                "state_benes": float(found.benes) if found else np.nan,
                "people_needed": people_needed(verdict, numbers, people),
            }
        )
    return pd.DataFrame(rows)


_NUMBERS = (
    "estimate",
    "low",
    "high",
    "leave_out_low",
    "leave_out_high",
    "chance_low",
    "chance_high",
)
