"""What each design option would hold somebody accountable for, and the diagrams as data."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from tcoc.reference.published import DriverDiagram, Timeline
from tcoc.rules.progression.names import STAGES


def lorenz(percentiles: pd.DataFrame) -> pd.DataFrame:
    """Return cumulative shares of people and dollars, costliest first, from 0 to 1 (one year)."""
    ordered = percentiles.sort_values("percentile", ignore_index=True)
    people = _shares(ordered["benes"])
    dollars = _shares(ordered["tcoc"])
    return pd.DataFrame({"people": [0.0, *people], "dollars": [0.0, *dollars]})


def _shares(amounts: pd.Series) -> list[float]:
    total = sum(amounts)
    running = amounts.cumsum()
    return [float(x / total) if total else math.nan for x in running]


def top_shares(percentiles: pd.DataFrame, tops: Sequence[int] = (1, 5, 10)) -> dict[int, float]:
    """Return the share of dollars that the costliest 1, 5 and 10% of people account for."""
    total = sum(percentiles["tcoc"])
    return {
        top: float(sum(percentiles.loc[percentiles["percentile"] <= top, "tcoc"]) / total)
        for top in tops
    }


@dataclass(frozen=True)
class DesignOption:
    """A design of section V: whose hospital and non-hospital dollars it makes accountable."""

    key: str
    label: str
    hospital_stages: tuple[str, ...]
    nonhospital_stages: tuple[str, ...]
    duals: bool | None = None


DESIGN_OPTIONS = (
    DesignOption("budgets", "Hospital global budgets (today)", STAGES, ()),
    DesignOption("aco", "ACOs", ("aco_like",), ("aco_like",)),
    DesignOption(
        "aco_no_duals", "ACOs without dual eligibles", ("aco_like",), ("aco_like",), False
    ),
    DesignOption("primary_care", "Primary care homes", ("mdpcp_like",), ("mdpcp_like",)),
    DesignOption(
        "geographic", "Geographic, where no clinician is chosen", ("geographic",), ("geographic",)
    ),
    DesignOption("dual", "Dual Eligible Model", STAGES, STAGES, True),
    DesignOption("budgets_aco", "Budgets + ACOs", STAGES, ("aco_like",)),
    DesignOption("budgets_aco_pc", "Budgets + ACOs + primary care homes", STAGES, STAGES[:2]),
    DesignOption("all", "Budgets + all three stages", STAGES, STAGES),
)
"""Design options, in the order of the figure. What each makes accountable is our reading of
sections IV, V.J and VI; each is stated under the figure."""


def design_options(
    cube: pd.DataFrame, options: Sequence[DesignOption] = DESIGN_OPTIONS
) -> pd.DataFrame:
    """Return the dollars and people for which each design option makes somebody accountable.

    Takes one year of `landscape`. One row per option and part (hospital, nonhospital, total).
    """
    everything = {part: sum(cube[part]) for part in ("hospital", "nonhospital")}
    whole = sum(everything.values())
    rows = []
    for option in options:
        people = cube if option.duals is None else cube[cube["dual"] == option.duals]
        dollars = {
            "hospital": sum(people.loc[people["stage"].isin(option.hospital_stages), "hospital"]),
            "nonhospital": sum(
                people.loc[people["stage"].isin(option.nonhospital_stages), "nonhospital"]
            ),
        }
        dollars["total"] = dollars["hospital"] + dollars["nonhospital"]
        stages = {*option.hospital_stages, *option.nonhospital_stages}
        benes = int(people.loc[people["stage"].isin(stages), "benes"].sum())
        rows += [
            {
                "option": option.key,
                "part": part,
                "benes": benes,
                "dollars": float(amount),
                "share": float(amount / whole) if whole else math.nan,
            }
            for part, amount in dollars.items()
        ]
    return pd.DataFrame(rows)


def diagram_rows(diagram: DriverDiagram) -> pd.DataFrame:
    """Return a driver diagram as rows of aim, primary, secondary and basis."""
    return pd.DataFrame(
        [
            {"aim": diagram.aim, "primary": p.name, "secondary": s, "basis": p.basis}
            for p in diagram.primary
            for s in p.secondary
        ]
    )


def timeline_rows(timeline: Timeline) -> pd.DataFrame:
    """Return the timeline as rows: track, event, first and last day, status, confidence, source."""
    return pd.DataFrame(
        [
            {
                "track": track.name,
                "event": event.label,
                "begins": event.begins,
                "ends": event.ends,
                "first": event.first,
                "last": event.last,
                "when": when_words(event.begins, event.ends),
                "instant": event.first == event.last,
                "status": event.status,
                "confidence": event.confidence,
                "source": timeline.sources[event.source],
                "note": event.note,
            }
            for track in timeline.tracks
            for event in track.events
        ]
    )


def when_words(begins: str, ends: str) -> str:
    """Write a date or a span as a reader says it: 31 Dec 2016, summer 2016, 2017 to 2018."""
    first, last = _one_date(begins), _one_date(ends or begins)
    return first if first == last else f"{first} to {last}"


def _one_date(text: str) -> str:
    year, *rest = text.split("-")
    if len(rest) == 2:
        day = dt.date.fromisoformat(text)
        return f"{day.day} {day:%b} {day.year}"
    if rest and rest[0].isdigit():
        return f"{dt.date(int(year), int(rest[0]), 1):%b} {year}"
    return f"{rest[0]} {year}" if rest else year
