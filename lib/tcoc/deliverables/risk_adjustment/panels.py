"""What other links of panels to hospitals would do to hospitals' growth (rules A8, R7)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

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
from tcoc.rules.attribution.mdpcp_like import LinkRules
from tcoc.rules.attribution.waterfall import AttributionRules, relinked
from tcoc.rules.inference.moved import growth_parts, part_cells
from tcoc.rules.inference.panels import OWN, link_options, option_growth
from tcoc.rules.inference.units import whole_sums
from tcoc.rules.mpa.sensitivity import people_moved
from tcoc.rules.risk import STATE
from tcoc.study import Study


def panel_options(study: Study) -> pd.DataFrame:
    """Each hospital's unadjusted growth under other links of panels, one row per (option, ccn).

    `relinked` is what people whose panel moved contribute to the growth (rule R7). In the row of
    the state `moved` are the people of the performance year who would be at another hospital.
    """
    settings, pair = settings_of(study), pair_of(study)
    years = (pair.base_year, pair.performance_year)
    homes = study.table("beneficiary_year").select("year", "bene_id", "zip")
    everyone = people_of(study, years)
    if settings.truncate is not None:
        everyone = everyone.mutate(dollars=everyone.capped)
    people = study.connection.keep(everyone.join(homes, ["year", "bene_id"]))
    own = study.table("attribution")
    sums, parts = {OWN: _own_sums(study, years)}, [_own_parts(study).assign(option=OWN)]
    moved = {OWN: 0.0}
    for option, rows in _others(study, years):
        found = whole_sums(people, rows).select(*SUM_KEY, "months", "dollars")
        sums[option] = study.connection.fetch(found, SUM_KEY)
        cells = study.connection.fetch(part_cells(people, rows, pair), PART_KEY)
        parts.append(growth_parts(cells, pair).assign(option=option))
        moved[option] = people_moved(own, rows, pair.performance_year)
    found = pd.concat(parts, ignore_index=True)
    found = found[found["part"] == "relinked"].rename(columns={"contribution": "relinked"})
    table = option_growth(sums, pair, settings)
    table = table.merge(found[["option", "ccn", "relinked"]], "left", ["option", "ccn"])
    state = pd.DataFrame({"option": list(moved), "ccn": STATE, "moved": list(moved.values())})
    named = {"base_year": pair.base_year, "performance_year": pair.performance_year}
    return pd.concat([table, state], ignore_index=True).assign(**named)[list(PANEL_OPTIONS)]


PART_KEY = ["year", "ccn", "part", "share"]
SUM_KEY = ["unit", "year", "ccn", "share"]

Linked = tuple[str, dict[int, ir.Table]]


def _others(study: Study, years: Sequence[int]) -> Iterator[tuple[str, ir.Table]]:
    """Give who is where under each option but the run's own."""
    policy = AttributionPolicy.of(study.policy)
    own, sizes = AttributionRules.from_policy(policy).link, settings_of(study)
    options = link_options(own, sizes.minimum_panel_sensitivity, policy.sticky_margin)
    others = {option: link for option, link in options.items() if option != OWN}
    for option, found in under_links(study, others, years):
        yield option, ibis.union(*found.values())


def _own_sums(study: Study, years: Sequence[int]) -> pd.DataFrame:
    """Return months and dollars of some years by (unit, year, ccn, share), all buckets together."""
    rows = study.table("risk_unit_sums")
    chosen = rows.filter(rows.year.isin(tuple(years)))
    sums = chosen.group_by(SUM_KEY).agg(
        months=chosen.months.sum().cast("int32"),
        dollars=chosen.dollars.sum().cast("decimal(18, 2)"),
    )
    return study.connection.fetch(sums, SUM_KEY)


def _own_parts(study: Study) -> pd.DataFrame:
    """Return the run's own growth in parts, of its own pair of years."""
    pair, rows = pair_of(study), study.frame("growth_parts")
    own = (rows["base_year"] == pair.base_year) & (
        rows["performance_year"] == pair.performance_year
    )
    return rows[own]


def under_links(
    study: Study, options: Mapping[str, LinkRules], years: Iterable[int]
) -> Iterator[Linked]:
    """Give who would be where in some years under other links of panels, by option (rule A8).

    A sticky link rests on that of the year before, so it is followed from the run's first year on.
    An option's tables are dropped when the next is asked for.
    """
    rules = AttributionRules.from_policy(AttributionPolicy.of(study.policy))
    engine, everyone, rows = (
        study.connection,
        study.table("beneficiary_year"),
        study.table("attribution"),
    )
    wanted = sorted({*years} & {*study.run.years})
    before = [year for year in sorted(study.run.years) if year <= max(wanted)]
    used = engine.keep(window_hospitals(study, before))
    for option, link in options.items():
        found: dict[int, ir.Table] = {}
        for year in before if link.sticky_margin is not None else wanted:
            found[year] = relinked(
                [year],
                everyone.filter(everyone.year == year),
                rows.filter(rows.year == year),
                used.filter(used.year == year),
                study.references,
                zip_centroids,
                replace(rules, link=link),
                engine,
                found.get(year - 1),
            )
        yield option, {year: found[year] for year in wanted}
        engine.drop(*found.values())
    engine.drop(used)
