"""Rule R7: whose coming and going makes a hospital's growth.

With dollars D and months M of a hospital, the change of per capita between two years is a sum over
any split of its people into parts,

    P' - P = sum of 12 (d' - R m') / M'  -  12 (d - R m) / M,

whatever the level R, because the parts of R cancel. R is the hospital's own base per capita: a part
contributes when it costs more or less than the hospital did before, so joiners at the old level
contribute nothing.
"""

from collections.abc import Sequence
from typing import cast

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.rules.risk.adjust import Pair, as_cents, divide
from tcoc.rules.sums import exact_sums

PARTS = ("stayers", "joiners", "leavers", "relinked")
"""Stayers are with the hospital in both years; relinked people kept their clinician, whose hospital
changed; joiners and leavers are the others who are with it in one year only."""

MOVES = 0.01
"""A panel that moves its hospital's growth by more than this is named (rule R7)."""

NUMBERS = ("benes", "months", "dollars")


def part_cells(
    people: ir.Table, attribution: ir.Table, pair: Pair, by: Sequence[str] = ()
) -> ir.Table:
    """Return people, months and dollars by year, hospital, part and share (rule R7).

    `people` are rows of `profiles`; one row per (year, ccn, part, share), whole months and exact
    dollars before the share is applied. `by` are columns that tell attributions apart.
    """
    pairs = _side_by_side(attribution, pair, by)
    own = people.filter(people.months > 0)
    own = own.select("months", "dollars", member="bene_id", member_year="year")
    rows = pairs.filter(pairs.share > 0)
    rows = rows.join(own, (rows.bene_id == own.member) & (rows.year == own.member_year))
    parted = rows.select(
        *by, "year", "ccn", "months", "dollars", part=_part(rows), share=rows.share.cast("float64")
    )
    cells = parted.group_by([*by, "year", "ccn", "part", "share"]).agg(
        people=parted.count().cast("int32"),
        months=parted.months.sum().cast("int32"),
        dollars=parted.dollars.sum().cast("decimal(18, 2)"),
    )
    return cast(ir.Table, cells)


def _side_by_side(attribution: ir.Table, pair: Pair, by: Sequence[str]) -> ir.Table:
    """Return the rows of both years with what is known of the person in the other year.

    `later` is the performance year; `seen` the person's least NPI in the other year, at whatever
    hospital; `stays` whether the person is at the hospital in both years.
    """
    rows = attribution.filter(attribution.year.isin([pair.base_year, pair.performance_year]))
    rows = rows.select(
        *by, "year", "bene_id", "ccn", "share", "npi", later=rows.year == pair.performance_year
    )
    of_person = ibis.window(group_by=[*by, "bene_id"])
    nobody = ibis.null("string")
    before = ibis.ifelse(rows.later, nobody, rows.npi).min().over(of_person)
    after = ibis.ifelse(rows.later, rows.npi, nobody).min().over(of_person)
    seen = rows.mutate(seen=ibis.ifelse(rows.later, before, after))
    at_hospital = ibis.window(group_by=[*by, "bene_id", "ccn"])
    return cast(ir.Table, seen.mutate(stays=seen.count().over(at_hospital) > 1))


def _part(rows: ir.Table) -> ir.StringValue:
    return cast(
        ir.StringValue,
        ibis.cases(
            (rows.stays, "stayers"),
            ((rows.npi == rows.seen).fill_null(False), "relinked"),
            (rows.later, "joiners"),
            else_="leavers",
        ),
    )


def growth_parts(cells: pd.DataFrame, pair: Pair) -> pd.DataFrame:
    """Return each hospital's growth in parts, one row per (ccn, part) (rule R7).

    `benes`, `months` and `dollars` are the performance year's less the base year's, so that they
    add up to the hospital's change to the cent; the two years stand beside them. `contribution` is
    the part's share of the growth, as a fraction of the base per capita, `per_capita` the same in
    dollars per person and year. Hospitals without months in one of the years are left out.
    """
    share = cells["share"].to_numpy(dtype=float)
    values = {
        "benes": share * cells["people"].to_numpy(dtype=float),
        "months": share * cells["months"].to_numpy(dtype=float),
        "dollars": share * as_cents(cells["dollars"]) / 100,
    }
    sums = exact_sums(cells, ["year", "ccn", "part"], values)
    years = {"base": pair.base_year, "performance": pair.performance_year}
    sides = {}
    for name, year in years.items():
        side = sums[sums["year"] == year].set_index(["ccn", "part"])[list(NUMBERS)]
        sides[name] = side
    known = [set(side.index.get_level_values("ccn")) for side in sides.values()]
    index = pd.MultiIndex.from_product([sorted(known[0] & known[1]), PARTS], names=["ccn", "part"])
    base, performance = (side.reindex(index, fill_value=0.0) for side in sides.values())
    table = (performance - base).reset_index()
    for name, side in (("base", base), ("performance", performance)):
        for number in NUMBERS:
            table[f"{name}_{number}"] = side[number].to_numpy()
    per_capita, level = _contribution(table, base, performance, pair)
    table["per_capita"] = per_capita
    table["contribution"] = divide(per_capita, level)
    table.insert(0, "base_year", pair.base_year)
    table.insert(1, "performance_year", pair.performance_year)
    return table


def _contribution(
    table: pd.DataFrame, base: pd.DataFrame, performance: pd.DataFrame, pair: Pair
) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's dollars per capita of growth, and its hospital's base per capita."""
    ccn = table["ccn"].to_numpy(dtype=object)
    sides = []
    for side, done in (
        (base, pair.base_completion),
        (performance, pair.performance_completion),
    ):
        months = side["months"].groupby(ccn).transform("sum").to_numpy()
        sides.append((side["months"].to_numpy(), side["dollars"].to_numpy() / done, months))
    level = divide(pd.Series(sides[0][1]).groupby(ccn).transform("sum").to_numpy(), sides[0][2])
    parts = [divide(12 * (d - level * m), whole) for m, d, whole in sides]
    return np.asarray(parts[1] - parts[0]), np.asarray(12 * level)


def panel_sums(units: pd.DataFrame) -> pd.DataFrame:
    """Return share x months and dollars by (year, ccn, unit), from rows of `unit_sums` (R7)."""
    share = units["share"].to_numpy(dtype=float)
    values = {
        "months": share * units["months"].to_numpy(dtype=float),
        "dollars": share * as_cents(units["dollars"]) / 100,
    }
    return exact_sums(units, ["year", "ccn", "unit"], values)


def growth_panels(sums: pd.DataFrame, pair: Pair, least: float = MOVES) -> pd.DataFrame:
    """Return the units that move a hospital's growth by more than `least` (rule R7).

    `sums` are rows of `panel_sums`. One row per (ccn, unit): months and dollars of both years,
    contribution (a fraction of the base per capita, as in `growth_parts`) and whether the unit came
    (no base months), left (no performance months) or stayed.
    """
    years = {"base": pair.base_year, "performance": pair.performance_year}
    sides = {
        name: sums[sums["year"] == year].set_index(["ccn", "unit"])[["months", "dollars"]]
        for name, year in years.items()
    }
    index = sides["base"].index.union(sides["performance"].index).sort_values()
    base, performance = (side.reindex(index, fill_value=0.0) for side in sides.values())
    table = pd.DataFrame(index=index).reset_index()
    for name, side in (("base", base), ("performance", performance)):
        for number in ("months", "dollars"):
            table[f"{name}_{number}"] = side[number].to_numpy()
    per_capita, level = _contribution(table, base, performance, pair)
    table["contribution"] = divide(per_capita, level)
    table["moved"] = np.select(
        [table["base_months"] == 0, table["performance_months"] == 0], ["came", "left"], "stayed"
    )
    table.insert(0, "base_year", pair.base_year)
    table.insert(1, "performance_year", pair.performance_year)
    chosen = table[table["contribution"].abs() > least]
    return chosen.sort_values(["ccn", "unit"], ignore_index=True)
