"""The ACO-like stage: beneficiary to ACO, to clinician, to hospital (rules A3 to A5)."""

from collections.abc import Mapping, Sequence
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.rules.attribution import PERSON
from tcoc.rules.attribution.shares import Weight, is_even_split, split
from tcoc.store.schema import DOLLAR_SUM

ROSTER = {"listed_npi": "string", "aco_id": "string"}
LINKS = {
    "listed_npi": "string",
    "ccn": "string",
    "share": "float64",
    "stage_flags": "string",
}


def roster(practitioners: pd.DataFrame) -> pd.DataFrame:
    """Each listed clinician and its ACO, one row per NPI."""
    listed = practitioners[["npi", "aco_id"]].drop_duplicates().sort_values("npi")
    return listed.rename(columns={"npi": "listed_npi"}).reset_index(drop=True)


def in_collections(use: ir.Table, listed: ir.Table) -> ir.Table:
    """Mark each clinician's primary care with the ACO's collection; '' is the non-ACO one (A3)."""
    joined = use.left_join(listed, use.npi == listed.listed_npi)
    return cast(ir.Table, joined.select(*use.columns, aco_id=joined.aco_id.fill_null("")))


def choose_collection(use: ir.Table, measure: str) -> ir.Table:
    """The collection with most primary care per beneficiary, where it is an ACO (rule A3).

    Step 1 where the beneficiary has any, else step 2. Order: allowed high, visits high, last date
    late, ACO before non-ACO, ACO id low. One row per ACO-attributed (year, bene_id), with step and
    aco_id.
    """
    collections = use.group_by(*PERSON, "step", "aco_id").agg(
        allowed=use.allowed.sum().cast(DOLLAR_SUM),
        visits=use.visits.sum().cast("int32"),
        last_date=use.last_date.max(),
    )
    first, second = ("allowed", "visits") if measure == "allowed" else ("visits", "allowed")
    rank = ibis.struct(
        {
            "step": collections.step,
            "first": -collections[first],
            "second": -collections[second],
            "recency": -day_number(collections.last_date),
            "non_aco": (collections.aco_id == "").cast("int32"),
            "aco_id": collections.aco_id,
        }
    )
    best = collections.group_by(*PERSON).agg(best=rank.min())
    chosen = best.select(*PERSON, step=best.best["step"], aco_id=best.best["aco_id"])
    return cast(ir.Table, chosen.filter(chosen.aco_id != ""))


def day_number(day: ir.DateValue) -> ir.IntegerValue:
    """Return a whole number that grows with the date, so that it can be negated in an order."""
    return cast(
        ir.IntegerValue,
        (
            day.year().cast("int32") * 10000
            + day.month().cast("int32") * 100
            + day.day().cast("int32")
        ).cast("int32"),
    )


def choose_clinician(use: ir.Table, chosen: ir.Table, measure: str) -> ir.Table:
    """The clinician within the winning ACO and step, with evidence and runner-up (rule A4).

    Order: allowed high, visits high, last date late, NPI low. One row per (year, bene_id) of
    `chosen`.
    """
    candidates = use.semi_join(chosen, [*PERSON, "step", "aco_id"])
    keys = ("allowed", "visits") if measure == "allowed" else ("visits", "allowed")
    order = [ibis.desc(keys[0]), ibis.desc(keys[1]), ibis.desc("last_date"), ibis.asc("npi")]
    return first_and_next(candidates, order)


def first_and_next(candidates: ir.Table, order: Sequence[ir.Value]) -> ir.Table:
    """The first candidate of each year and beneficiary in an order, and the NPI of the next."""
    within = ibis.window(group_by=PERSON, order_by=order)
    ranked = candidates.mutate(
        place=ibis.row_number().over(within), runner_up=candidates.npi.lead(1).over(within)
    )
    return cast(ir.Table, ranked.filter(ranked.place == 0).drop("place"))


def link_hospitals(
    practitioners: pd.DataFrame, aco_hospitals: pd.DataFrame, payments: Mapping[str, Weight]
) -> pd.DataFrame:
    """Each listed clinician's hospitals and shares (rule A5): one row per NPI and hospital.

    A clinician linked to some of the ACO's hospitals is split among those, else among all of them,
    in proportion to payments. Both tables hold eligible hospitals only.
    """
    all_of = {str(aco): tuple(sorted(t["ccn"])) for aco, t in aco_hospitals.groupby("aco_id")}
    linked: dict[tuple[str, str], list[str]] = {}
    columns = (practitioners[c] for c in ("aco_id", "npi", "ccn"))
    for aco, npi, ccn in zip(*columns, strict=True):
        linked.setdefault((npi, aco), []).extend([ccn] if isinstance(ccn, str) else [])
    rows: list[tuple[str, str, float, str]] = []
    splits: dict[tuple[str, ...], dict[str, float]] = {}
    for (npi, aco), some in sorted(linked.items()):
        own = tuple(sorted(some)) or all_of[aco]
        weights = {ccn: payments.get(ccn, 0) for ccn in own}
        if own not in splits:
            splits[own] = split(weights)
        flags = "equal_split" if is_even_split(weights) else ""
        rows.extend((npi, ccn, share, flags) for ccn, share in splits[own].items())
    return pd.DataFrame(rows, columns=list(LINKS))
