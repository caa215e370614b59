"""What an assumption moves: one run of a value at its alternative against the run as it is (S1)."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd


@dataclass(frozen=True)
class Effect:
    """What one alternative moves (rule S1).

    dollars_moved         sum over hospitals of the absolute change of their dollars
    net_change            change of the net of all dollars
    hospitals_other_sign  hospitals whose adjustment turns around
    people_moved          people whose hospital changes, those in shares by the share that moves
    per_capita_change     change of the state's per capita of the performance year, a fraction
    """

    dollars_moved: float
    net_change: float
    hospitals_other_sign: int
    people_moved: float
    per_capita_change: float


def effect(
    base: pd.DataFrame, other: pd.DataFrame, people_moved: float, per_capita: tuple[float, float]
) -> Effect:
    """Return what an alternative moves, from two tables of (rate_year, ccn, mpa_dollars).

    A hospital that one of the two does not judge is paid nothing there. `per_capita` is the
    state's before and after.
    """
    keys = ["rate_year", "ccn"]
    both = base[[*keys, "mpa_dollars"]].merge(
        other[[*keys, "mpa_dollars"]], "outer", keys, suffixes=("", "_other")
    )
    before, after = (
        both[c].astype(float).fillna(0.0) for c in ("mpa_dollars", "mpa_dollars_other")
    )
    return Effect(
        dollars_moved=float((after - before).abs().sum()),
        net_change=float((after - before).sum()),
        hospitals_other_sign=int((before * after < 0).sum()),
        people_moved=people_moved,
        per_capita_change=per_capita[1] / per_capita[0] - 1 if per_capita[0] else float("nan"),
    )


BILLION = 1_000_000_000


def people_moved(before: ir.Table, after: ir.Table, year: int) -> float:
    """Return how many people of a year change hospital between two attributions (rule S1).

    Of people who are in both; someone in shares counts by the share that moves: 1 less what stays,
    the sum over hospitals of the smaller of the two shares. It is summed in billionths, so that the
    order of rows, which an engine does not promise, changes nothing.
    """
    first = before.filter(before.year == year).select("bene_id", "ccn", share_before="share")
    second = after.filter(after.year == year).select("bene_id", "ccn", share_after="share")
    everyone = first.select("bene_id").distinct().semi_join(second, "bene_id")
    both = first.inner_join(second, ["bene_id", "ccn"])
    smaller = ibis.least(both.share_before, both.share_after)
    parts = [
        everyone.select(billionths=ibis.literal(BILLION, type="int64")),
        both.select(billionths=-(smaller * BILLION).round().cast("int64")),
    ]
    rows = ibis.union(*parts)
    return max(int(rows.billionths.sum().fill_null(0).execute()) / BILLION, 0.0)
