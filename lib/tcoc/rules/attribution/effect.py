"""What another value of a rule would move: people and dollars between hospitals (rule S1)."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Moved:
    """What differs between two attributions of the same people, over all their years.

    people  share of beneficiary-years that go to another hospital (in parts where split)
    dollars share of the total cost of care that goes to another hospital, or appears or disappears
    """

    people: float
    dollars: float


def moved(before: pd.DataFrame, after: pd.DataFrame, dollars: pd.DataFrame) -> Moved:
    """Compare two attributions (year, bene_id, ccn, share); `dollars` has tcoc by year and bene_id.

    A person's move is half the sum of the absolute differences of the shares: one who goes from one
    hospital to another moves once. Who is attributed on one side only moves whole.
    """
    keys = ["year", "bene_id", "ccn"]
    both = before[[*keys, "share"]].merge(
        after[[*keys, "share"]], on=keys, how="outer", suffixes=("_before", "_after")
    )
    shares = both[["share_before", "share_after"]].fillna(0.0)
    both["part"] = (shares["share_before"] - shares["share_after"]).abs()
    sides = both.groupby(["year", "bene_id"], as_index=False).agg(
        part=("part", "sum"),
        before=("share_before", "sum"),
        after=("share_after", "sum"),
    )
    one_sided = (sides["before"] < 0.5) | (sides["after"] < 0.5)
    sides["part"] = sides["part"].where(one_sided, sides["part"] / 2)
    known = sides.merge(dollars[["year", "bene_id", "tcoc"]], on=["year", "bene_id"], how="left")
    tcoc = known["tcoc"].astype(float).fillna(0.0)
    total = float(tcoc.sum())
    people = float(known["part"].mean()) if len(known) else 0.0
    return Moved(people, float((known["part"] * tcoc).sum()) / total if total else 0.0)
