"""What the MPA report asserts, computed with its tables."""

import numpy as np
import pandas as pd

from tcoc.deliverables.mpa_options.inputs import BASELINE, SINGLE, terms_of
from tcoc.deliverables.mpa_options.results import dollars_off
from tcoc.deliverables.registry import Check, Measured
from tcoc.deliverables.y1_attribution.completion import completion_facts
from tcoc.rules.completion import unequal_run_out
from tcoc.study import Study


def _violations(*failed: "pd.Series[bool]") -> Measured:
    return Measured(float(sum(int(f.sum()) for f in failed)))


def _dollars(study: Study) -> Measured:
    return Measured(dollars_off(study.frame("mpa")), 0.0051)


def _within_caps(study: Study) -> Measured:
    frame = study.frame("mpa")
    own = frame[frame["option"].isin([BASELINE, SINGLE])]
    cap = own["rate_year"].map(
        {y: terms_of(study.run, int(y)).max_at_risk for y in set(own["rate_year"])}
    )
    return _violations(own["mpa_percent"].abs() > cap)


def _intervals(study: Study) -> Measured:
    frame = study.frame("mpa_noise")
    ends = [(frame[f"{name}_low"], frame[f"{name}_high"]) for name in ("result", "percent")]
    # an interval has both ends or, where too few panels are behind it, none
    return _violations(
        *(low > high for low, high in ends), *(low.isna() != high.isna() for low, high in ends)
    )


def _one_percent(study: Study) -> Measured:
    frame = study.frame("mpa")
    together = frame[frame["combination"].notna()]
    each = together.groupby(["rate_year", "option", "combination"])["mpa_percent"].nunique()
    return _violations(each > 1)


def _signs(study: Study) -> Measured:
    frame = study.frame("mpa_options")
    off = (frame["total_up"] + frame["total_down"] - frame["net"]).abs() > 0.05
    return _violations(frame["total_up"] < 0, frame["total_down"] > 0, off)


def _what_if(study: Study) -> Measured:
    """The largest distance between the controls' own terms and the main table's dollars."""
    main = study.frame("mpa")
    main = main[main["option"] == SINGLE]
    found = study.frame("mpa_what_if")
    gaps = [0.0]
    for year, rows in main.groupby("rate_year"):
        terms = terms_of(study.run, int(str(year)))
        chosen = found[
            (found["rate_year"] == year)
            & (found["threshold"] == terms.threshold)
            & (found["max_at_risk"] == terms.max_at_risk)
            & (found["attainment_weight"] == terms.attainment_weight)
            & (found["quality_sign"] == terms.quality_sign)
        ]
        both = rows.merge(chosen, on="ccn", how="outer", suffixes=("", "_if"))
        gap = (both["mpa_dollars"] - both["mpa_dollars_if"]).abs()
        gaps.append(float(gap.fillna(np.inf).max()))
    return Measured(max(gaps))


def _chance_falls(study: Study) -> Measured:
    frame = study.frame("mpa_chance").sort_values("benes")
    rising = [
        bool((of["mean_share"].diff().dropna() > 0).any())
        for _, of in frame.groupby(["rate_year", "threshold"])
    ]
    return Measured(float(sum(rising)))


def _shrunken(study: Study) -> Measured:
    """Hospitals whose shrunken result lies farther from the state's mean than their own result."""
    frame = study.frame("reliability").merge(
        study.frame("mpa_heterogeneity")[["rate_year", "mean"]], on="rate_year"
    )
    farther = (frame["shrunken"] - frame["mean"]).abs() > (
        frame["result"] - frame["mean"]
    ).abs() + 1e-12
    return _violations(farther, ~frame["reliability"].dropna().between(0, 1))


def _complete(study: Study) -> Measured:
    """Rows of table mpa whose label of unequal run-out is not what the years' facts say."""
    facts, wrong = completion_facts(study), 0
    frame = study.frame("mpa")
    for year, rows in frame.groupby("rate_year"):
        terms = terms_of(study.run, int(str(year)))
        said = unequal_run_out(facts[terms.base_year], facts[terms.performance_year])
        wrong += int((rows["unequal_run_out"].astype(bool) != said).sum())
    return Measured(float(wrong))


CHECKS = (
    Check(
        "dollars_are_percent_of_payments",
        "M4",
        "Each hospital's dollars are its adjustment times its payments, to the cent.",
        _dollars,
    ),
    Check(
        "percents_within_caps",
        "M3",
        "No adjustment is beyond the revenue at risk.",
        _within_caps,
    ),
    Check(
        "intervals_in_order",
        "R6",
        "The ends of each interval are in order.",
        _intervals,
    ),
    Check(
        "combinations_share_one_percent",
        "A12",
        "Hospitals of a combination have the identical adjustment.",
        _one_percent,
    ),
    Check(
        "totals_have_their_signs",
        "M6",
        "Paid is never below zero, taken never above, and net is their sum.",
        _signs,
    ),
    Check(
        "what_if_agrees_with_main_table",
        "M6",
        "At the rate year's own terms the controls give the main table's dollars.",
        _what_if,
    ),
    Check(
        "chance_falls_with_size",
        "M6",
        "Chance moves less of larger panels, at every threshold.",
        _chance_falls,
    ),
    Check(
        "shrinking_moves_to_the_mean",
        "M7",
        "A shrunken result is never farther from the state's mean than the result itself.",
        _shrunken,
    ),
    Check(
        "run_out_is_labeled",
        "T3",
        "Every row says whether its two years stand on equal run-outs.",
        _complete,
    ),
)
