"""Names and column entries that the Progression Plan's public tables share."""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

import pandas as pd

from tcoc.disclosure import Column, Draft
from tcoc.rules.progression import COST_GROUPS, GONE, STAGES

ALL = "all"
UNIVERSE = "attributed beneficiaries"
SOURCE = "Medicare claims and enrollment of the run's store; rules P, A and T"
PUBLISHED_SOURCE = "params/published: each value has its source, vintage and confidence"

SUMS = ("benes", "eligible_months", "hospital", "nonhospital", "tcoc")
"""What every group of people of a run has: people, months, dollars by part, dollars."""

YEAR = Column("Year", "year", "Calendar year of service.")
BENES = Column(
    "Beneficiaries", "count", "People with at least one eligible month in the year (P2).", "people"
)
MONTHS = Column(
    "Eligible months", "months", "Months that count (P1).", "person-months", of=("benes",)
)
WHOLE = Column("People of the group", "count", "The denominator of the row's shares.", "people")
SHARE_PEOPLE = Column(
    "Share of people",
    "share",
    "People of the row over all of its group.",
    "share",
    of=("benes",),
    base="whole",
)
SHARE_DOLLARS = Column(
    "Share of dollars",
    "share",
    "Dollars of the row over all of its group.",
    "share",
    of=("benes",),
    base="whole",
)
PER_CAPITA = Column(
    "Per beneficiary",
    "per_capita",
    "Medicare payments x 12 / eligible months / completion factor (T2).",
    "dollars per beneficiary and year",
    of=("benes",),
)


def dollars(label: str, description: str = "Medicare payments, Part A and Part B (T1).") -> Column:
    """Return the entry of a sum of dollars of the row's people."""
    return Column(label, "dollars", description, "dollars", of=("benes",))


PEOPLE = {
    "benes": BENES,
    "eligible_months": MONTHS,
    "hospital": dollars("Hospital dollars", "Inpatient and outpatient at any hospital (T4)."),
    "nonhospital": dollars("Non-hospital dollars", "All settings but hospital (T4)."),
    "tcoc": dollars("Total cost of care"),
    "per_capita": PER_CAPITA,
    "whole": WHOLE,
    "share_people": SHARE_PEOPLE,
    "share_dollars": SHARE_DOLLARS,
}
"""The entries of a group of people."""


def people_of(base: str, label: str) -> dict[str, Column]:
    """Return the entries of a group of people whose shares are of another group than the year's."""
    of_base = {
        name: replace(entry, base=base)
        for name, entry in PEOPLE.items()
        if name.startswith("share_")
    }
    others = {name: entry for name, entry in PEOPLE.items() if name != "whole"}
    return others | {base: replace(WHOLE, label=label)} | of_base


def published(
    name: str,
    title: str,
    frame: pd.DataFrame,
    keys: tuple[str, ...],
    numbers: dict[str, Column],
) -> Draft:
    """Return a draft of published figures: they count nobody of the run's data."""
    return Draft(
        name=name,
        title=title,
        frame=frame.reset_index(drop=True),
        keys=keys,
        columns=numbers,
        universe="published figures",
        note="Published figures, not computed from this run's data.",
        source=PUBLISHED_SOURCE,
    )


def with_total(
    frame: pd.DataFrame, dimension: str, sums: Sequence[str], label: str = ALL
) -> pd.DataFrame:
    """Add rows that sum over one dimension; fsum, so that the order of rows does not matter."""
    others = [c for c in frame.columns if c not in (dimension, *sums)]
    total = frame.groupby(others, as_index=False)[list(sums)].agg(fsum)
    total[dimension] = label
    return pd.concat([frame, total[frame.columns]], ignore_index=True)


def with_shares(
    frame: pd.DataFrame,
    whole: pd.DataFrame,
    factors: pd.Series,
    keys: Sequence[str] = ("year",),
    base: str = "whole",
) -> pd.DataFrame:
    """Add per capita (rule T2) and the shares of people and dollars in the group's total.

    `factors` are the completion factors by year; `whole` has the totals by `keys`, whose people
    stand in the column `base`: groups of different kinds need names of their own.
    """
    index: pd.Index = (
        pd.Index(frame[keys[0]]) if len(keys) == 1 else pd.MultiIndex.from_frame(frame[list(keys)])
    )
    out = frame.copy()
    years = out["eligible_months"] / 12
    out["per_capita"] = out["tcoc"] / years / out["year"].map(factors)
    out[base] = whole["benes"].reindex(index).to_numpy()
    out["share_people"] = out["benes"] / out[base]
    out["share_dollars"] = out["tcoc"] / whole["tcoc"].reindex(index).to_numpy()
    return out


ORDERS = {
    "stage": (*STAGES, "none", ALL),
    "cost_group": (*(name for name, _ in COST_GROUPS), ALL),
    "next_group": (*(name for name, _ in COST_GROUPS), GONE, ALL),
    "dual": ("yes", "no", ALL),
    "measure": ("return", "short", ALL),
    "payer": ("medicare", "medicaid", ALL),
}


WHOLE_NUMBERS = ("benes", "eligible_months", "stays", "whole", "group_benes", "place_benes")


def ordered(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Sort by keys, some of them in an order of their own; counts become whole numbers."""

    def rank(column: pd.Series) -> pd.Series:
        order = ORDERS.get(str(column.name), ())
        return column.map({v: i for i, v in enumerate(order)}) if order else column

    out = frame.sort_values(list(keys), key=rank, ignore_index=True)
    whole = [c for c in WHOLE_NUMBERS if c in out.columns]
    return out.astype(dict.fromkeys(whole, "int64"))
