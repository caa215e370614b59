"""Rules A8 and R7: what other links of panels to hospitals would do to hospitals' growth.

Every option stands on the same people and the same draws: hospitals under one option are columns
of their own beside those of the others, so that options differ by their links alone.
"""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from tcoc.rules.attribution.mdpcp_like import LinkRules
from tcoc.rules.inference.intervals import bounds
from tcoc.rules.inference.replicates import point, replicate, unit_matrix
from tcoc.rules.risk.adjust import Pair
from tcoc.rules.risk.buckets import BucketScheme
from tcoc.rules.risk.settings import RiskSettings

OWN = "as in this run"
BETWEEN = " | "
"""Between an option and a CCN where the two stand in one name."""


def link_options(
    own: LinkRules, sizes: tuple[int, ...], sticky_margin: float
) -> dict[str, LinkRules]:
    """Return the links that are compared, by name: the run's own first (rule A8).

    Larger smallest panels, and last year's links where the run finds them anew, or the reverse. A
    smaller smallest panel than the run's own is none: its attribution no longer has those panels.
    """
    found = {OWN: own}
    for size in sizes:
        if size > own.minimum_panel:
            found[f"panels of {size} or more"] = replace(own, minimum_panel=size)
    if own.sticky_margin is None:
        found["sticky panels"] = replace(own, sticky_margin=sticky_margin)
    else:
        found["links found anew"] = replace(own, sticky_margin=None)
    return found


def option_growth(
    sums: Mapping[str, pd.DataFrame], pair: Pair, settings: RiskSettings
) -> pd.DataFrame:
    """Return unadjusted growth with its interval, one row per (option, ccn) (rules R4, R6).

    `sums` has months and dollars by (unit, year, ccn, share) for every option. Columns: growth,
    growth_low, growth_high, growth_error. Only hospitals with months in both years.
    """
    years = (pair.base_year, pair.performance_year)
    # no method is asked, so people need not be told apart
    coarse = replace(settings, scheme=BucketScheme((0,), settings.scheme.esrd_split))
    drawn = unit_matrix(_side_by_side(sums, years), coarse)
    replicated = replicate(drawn, [pair], coarse)
    once = point(drawn, [pair], coarse).pair(*years).growth("none")
    growth = replicated.pair(*years).growth("none")
    ends = bounds("growth", growth, settings.interval_level, replicated.units_of(*years))
    parted = [name.split(BETWEEN) for name in drawn.hospitals]
    table = pd.DataFrame(
        {
            "option": [option for option, _ in parted],
            "ccn": [ccn for _, ccn in parted],
            "growth": once[1:, 0],
            **{name: values[1:] for name, values in ends.items()},
        }
    )
    return table.dropna(subset=["growth"], ignore_index=True)


def _side_by_side(sums: Mapping[str, pd.DataFrame], years: tuple[int, int]) -> pd.DataFrame:
    """Put options beside each other as hospitals of their own, without buckets and scores."""
    frames = []
    for option, rows in sums.items():
        of = rows[rows["year"].isin(years)].assign(bucket=0, score=0.0)
        frames.append(of.assign(ccn=option + BETWEEN + of["ccn"].astype(str)))
    return pd.concat(frames, ignore_index=True)
