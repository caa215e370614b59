"""What other links of panels to hospitals would do to hospitals' growth (rules A8, R7)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.risk_adjustment.inputs import (
    pair_of,
    people_of,
    settings_of,
    sums_by_unit,
)
from tcoc.deliverables.risk_adjustment.schemas import PANEL_OPTIONS
from tcoc.params import AttributionPolicy
from tcoc.reference import zip_centroids
from tcoc.rules.attribution.mdpcp_like import LinkRules
from tcoc.rules.attribution.use import hospital_use, hospitals_in_windows
from tcoc.rules.attribution.waterfall import AttributionRules, relinked
from tcoc.rules.attribution.window import Period, calendar_years, spans, window
from tcoc.rules.inference.moved import growth_parts, part_cells
from tcoc.rules.inference.panels import OWN, link_options, option_growth
from tcoc.rules.inference.units import UNIT_KEY
from tcoc.rules.mpa.sensitivity import people_moved
from tcoc.rules.risk import STATE
from tcoc.study import Study


def panel_options(study: Study) -> pd.DataFrame:
    """Each hospital's unadjusted growth under other links of panels, one row per (option, ccn).

    `relinked` is what people whose panel moved contribute to the growth (rule R7). In the row of
    the state `moved` are the people of the performance year who would be at another hospital.
    """
    settings, pair = settings_of(study), pair_of(study)
    people = study.connection.keep(people_of(study, (pair.base_year, pair.performance_year)))
    own = study.table("attribution")
    sums, parts, moved = {}, [], {}
    for option, rows in _attributions(study, pair.performance_year):
        if option == OWN:
            sums[option] = study.frame("risk_unit_sums")
        else:
            sums[option] = study.connection.fetch(sums_by_unit(study, rows), [*UNIT_KEY])
        cells = study.connection.fetch(part_cells(people, rows, pair), PART_KEY)
        parts.append(growth_parts(cells, pair).assign(option=option))
        moved[option] = people_moved(own, rows, pair.performance_year)
    found = pd.concat(parts, ignore_index=True)
    found = found[found["part"] == "relinked"].rename(columns={"contribution": "relinked"})
    table = option_growth(sums, pair, settings)
    table = table.merge(found[["option", "ccn", "relinked"]], "left", ["option", "ccn"])
    state = pd.DataFrame({"option": list(moved), "ccn": STATE, "moved": list(moved.values())})
    years = {"base_year": pair.base_year, "performance_year": pair.performance_year}
    return pd.concat([table, state], ignore_index=True).assign(**years)[list(PANEL_OPTIONS)]


PART_KEY = ["year", "ccn", "part", "share"]


def _attributions(study: Study, last: int) -> Iterator[tuple[str, ir.Table]]:
    """Give who is where under each option, the run's own first."""
    policy = AttributionPolicy.of(study.policy)
    own, sizes = AttributionRules.from_policy(policy).link, settings_of(study)
    options = link_options(own, sizes.minimum_panel_sensitivity, policy.sticky_margin)
    for option, link in options.items():
        if option == OWN:
            yield option, study.table("attribution")
        else:
            found = under_links(study, link, last)
            yield option, ibis.union(*found.values())
            study.connection.drop(*found.values())


def under_links(study: Study, link: LinkRules, last: int) -> dict[int, ir.Table]:
    """Return who would be where under other links of panels, by year to a last one (rule A8).

    From the run's first year, because a sticky link rests on that of the year before.
    """
    rules = AttributionRules.from_policy(AttributionPolicy.of(study.policy))
    engine, everyone, rows = (
        study.connection,
        study.table("beneficiary_year"),
        study.table("attribution"),
    )
    windows = {y: window(y, rules.window) for y in study.run.years if y <= last}
    used = engine.keep(_use_of_hospitals(study, windows))
    found: dict[int, ir.Table] = {}
    for year in windows:
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
    engine.drop(used)
    return found


def _use_of_hospitals(study: Study, windows: Mapping[int, Sequence[Period]]) -> ir.Table:
    periods = [period for found in windows.values() for period in found]
    eligible = study.references.eligible_hospitals
    parts = [
        (s, hospital_use(study.store_table("facility", s.years), s.pieces, eligible))
        for s in spans(periods, dict.fromkeys(calendar_years(periods), 0), 0)
    ]
    return hospitals_in_windows(parts, windows)
