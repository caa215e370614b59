"""What other links of panels to hospitals would do to hospitals' growth (rules A8, R7)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.risk_adjustment.inputs import (
    pair_of,
    people_of,
    settings_of,
)
from tcoc.deliverables.risk_adjustment.schemas import PANEL_OPTIONS
from tcoc.deliverables.y1_attribution.pieces import window_hospitals
from tcoc.params import AttributionPolicy
from tcoc.reference import zip_centroids
from tcoc.rules.attribution import PERSON
from tcoc.rules.attribution.mdpcp_like import LinkRules
from tcoc.rules.attribution.waterfall import RELINKED, HospitalRules, Places, Relinked, relinked
from tcoc.rules.inference.moved import growth_parts, part_cells
from tcoc.rules.inference.panels import OWN, link_options, option_growth
from tcoc.rules.inference.units import whole_sums
from tcoc.rules.mpa.sensitivity import people_moved
from tcoc.rules.risk import STATE
from tcoc.rules.risk.adjust import Pair
from tcoc.store.connection import Connection
from tcoc.study import Study

PART_KEY = ["year", "ccn", "part", "share"]
SUM_KEY = ["unit", "year", "ccn", "share"]

Linked = tuple[str, Relinked]
Sums = dict[str, pd.DataFrame]
"""Exact sums by option."""


def panel_options(study: Study) -> pd.DataFrame:
    """Each hospital's unadjusted growth under other links of panels, one row per (option, ccn).

    `relinked` is what people whose panel moved contribute to the growth (rule R7). In the row of
    the state `moved` are the people of the performance year who would be at another hospital.
    """
    pair = pair_of(study)
    years = (pair.base_year, pair.performance_year)
    others = dict(under_links(study, _others(study), years))
    sums, cells, moved = _counted(study, others, pair)
    study.connection.drop(*(table for found in others.values() for table in found.tables))
    growth = option_growth(sums, pair, settings_of(study))
    table = growth.merge(_relinked_part(cells, pair), "left", ["option", "ccn"])
    state = pd.DataFrame({"option": list(moved), "ccn": STATE, "moved": list(moved.values())})
    named = {"base_year": pair.base_year, "performance_year": pair.performance_year}
    return pd.concat([table, state], ignore_index=True).assign(**named)[list(PANEL_OPTIONS)]


def _counted(
    study: Study, others: Mapping[str, Relinked], pair: Pair
) -> tuple[Sums, Sums, dict[str, float]]:
    """Return by option months and dollars by unit, people in parts, and how many people move.

    Sums and parts of people whom no option moves are the run's own, taken once.
    """
    engine, years = study.connection, (pair.base_year, pair.performance_year)
    people, rows = _of_touched(study, others, years)
    # one question of all options together: each would cost its own reading and planning
    every = engine.keep(_side_by_side(rows, others))
    units = engine.fetch(whole_sums(people, every, ["option"]), ["option", *SUM_KEY])
    sums = _in_place(others, units, _own_sums(study, years), SUM_KEY, "months")
    parts = engine.fetch(part_cells(people, every, pair, ["option"]), ["option", *PART_KEY])
    cells = _in_place(others, parts, _own_cells(study), PART_KEY, "people")
    moved = {OWN: 0.0} | {
        option: people_moved(rows, every.filter(every.option == option), pair.performance_year)
        for option in others
    }
    engine.drop(every, people, rows)
    return sums, cells, moved


def _of_touched(
    study: Study, others: Mapping[str, Relinked], years: Sequence[int]
) -> tuple[ir.Table, ir.Table]:
    """Return people and their attribution in this run, kept: of those whom some option moves."""
    engine, own = study.connection, study.table("attribution")
    touched = engine.keep(_ids(found.before for found in others.values()))
    rows = own.filter(own.year.isin(years)).semi_join(touched, "bene_id")
    rows = engine.keep(rows.select(*RELINKED))
    people = engine.keep(_people(study, years).semi_join(touched, "bene_id"))
    engine.drop(touched)
    return people, rows


def _side_by_side(rows: ir.Table, others: Mapping[str, Relinked]) -> ir.Table:
    """Return attribution rows under each option, the run's own among them, told by `option`."""
    under = {OWN: rows} | {
        option: ibis.union(rows.anti_join(found.before, PERSON), found.after)
        for option, found in others.items()
    }
    named = (of.mutate(option=ibis.literal(option)) for option, of in under.items())
    return cast(ir.Table, ibis.union(*named))


def _relinked_part(cells: Sums, pair: Pair) -> pd.DataFrame:
    """Return what people whose panel moved contribute to growth, by (option, ccn) (rule R7)."""
    parts = [growth_parts(of, pair).assign(option=option) for option, of in cells.items()]
    every = pd.concat(parts, ignore_index=True)
    mine = every[every["part"] == "relinked"]
    return mine.rename(columns={"contribution": "relinked"})[["option", "ccn", "relinked"]]


def _ids(parts: Iterable[ir.Table]) -> ir.Table:
    return cast(ir.Table, ibis.union(*(part.select("bene_id") for part in parts)).distinct())


def _people(study: Study, years: Sequence[int]) -> ir.Table:
    everyone = people_of(study, years)
    if settings_of(study).truncate is not None:
        everyone = everyone.mutate(dollars=everyone.capped)
    homes = study.table("beneficiary_year").select("year", "bene_id", "zip")
    return cast(ir.Table, everyone.join(homes, ["year", "bene_id"]))


def _in_place(
    options: Iterable[str], found: pd.DataFrame, whole: pd.DataFrame, key: list[str], count: str
) -> Sums:
    """Return exact sums under each option: the run's own, with some people's replaced.

    `found` are those people's sums by option; a cell that nobody is in goes.
    """
    numbers = [name for name in whole.columns if name not in key]
    less = found[found["option"] == OWN]
    less = less.assign(**{name: -less[name] for name in numbers})
    sums = {OWN: whole}
    for option in options:
        parts = [whole, less, found[found["option"] == option]]
        both = pd.concat([part[whole.columns] for part in parts], ignore_index=True)
        added = both.groupby(key, as_index=False, sort=True)[numbers].sum()
        sums[option] = added[added[count] > 0].reset_index(drop=True)
    return sums


def _others(study: Study) -> dict[str, LinkRules]:
    """Return each option but the run's own."""
    policy = AttributionPolicy.of(study.policy)
    own, sizes = HospitalRules.from_policy(policy).link, settings_of(study)
    options = link_options(own, sizes.minimum_panel_sensitivity, policy.sticky_margin)
    return {option: link for option, link in options.items() if option != OWN}


def _own_sums(study: Study, years: Sequence[int]) -> pd.DataFrame:
    """Return months and dollars of some years by (unit, year, ccn, share), all buckets together."""
    rows = study.table("risk_unit_sums")
    chosen = rows.filter(rows.year.isin(tuple(years)))
    sums = chosen.group_by(SUM_KEY).agg(
        months=chosen.months.sum().cast("int32"),
        dollars=chosen.dollars.sum().cast("decimal(18, 2)"),
    )
    return study.connection.fetch(sums, SUM_KEY)


def _own_cells(study: Study) -> pd.DataFrame:
    """Return the run's own people, months and dollars in parts, of its own pair of years."""
    pair, rows = pair_of(study), study.frame("growth_cells", exact=True)
    own = (rows["base_year"] == pair.base_year) & (
        rows["performance_year"] == pair.performance_year
    )
    return rows[own].drop(columns=["base_year", "performance_year"]).reset_index(drop=True)


def under_links(
    study: Study, options: Mapping[str, LinkRules], years: Iterable[int]
) -> Iterator[Linked]:
    """Give by option who would be elsewhere in some years under other links of panels (rule A8).

    A sticky link rests on that of the year before, so it is followed from the run's first year on.
    What is given stays kept in the engine until the caller drops it.
    """
    rules = HospitalRules.from_policy(AttributionPolicy.of(study.policy))
    engine, everyone, rows = (
        study.connection,
        study.table("beneficiary_year"),
        study.table("attribution"),
    )
    wanted = sorted({*years} & {*study.run.years})
    before = [year for year in sorted(study.run.years) if year <= max(wanted)]
    used = window_hospitals(study, before)
    rows = rows.filter(rows.year.isin(before))
    # panels that have no hospital, and that are too small, stay so
    linked = rows.filter(rows.stage == "mdpcp_like").select("year", "npi").distinct()
    panels = engine.keep(study.table("attribution_panels").semi_join(linked, ["year", "npi"]))
    for option, link in options.items():
        found: list[Relinked] = []
        for chosen in [[year] for year in before] if link.sticky_margin is not None else [wanted]:
            last = found[-1].links if found and chosen[0] - 1 in before else None
            found.append(
                relinked(
                    chosen,
                    everyone.filter(everyone.year.isin(chosen)),
                    rows.filter(rows.year.isin(chosen)),
                    panels.filter(panels.year.isin(chosen)),
                    Places(study.references, zip_centroids, used.filter(used.year.isin(chosen))),
                    replace(rules, link=link),
                    engine,
                    None if last is None else last.select("npi", "ccn"),
                )
            )
        if len(found) == 1:
            yield option, found[0]
            continue
        yield option, _together(engine, found, wanted)
        engine.drop(*(table for of in found for table in of.tables))
    engine.drop(panels)


def _together(engine: Connection, found: Sequence[Relinked], years: Sequence[int]) -> Relinked:
    """Put the wanted years of an option together, kept in the engine."""
    tables = (ibis.union(*parts) for parts in zip(*(of.tables for of in found), strict=True))
    return Relinked(*(engine.keep(table.filter(table.year.isin(years))) for table in tables))
