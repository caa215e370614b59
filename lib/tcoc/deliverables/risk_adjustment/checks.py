"""What the risk adjustment report asserts, computed with its tables."""

import numpy as np
import pandas as pd

from tcoc.deliverables.registry import Check, Measured
from tcoc.deliverables.risk_adjustment.inputs import measured_rates, pair_of, settings_of
from tcoc.deliverables.risk_adjustment.public import published_check_table
from tcoc.deliverables.risk_adjustment.public_hospitals import own_rows
from tcoc.params import VerdictsPolicy
from tcoc.rules.inference.moved import PARTS
from tcoc.rules.inference.panels import OWN
from tcoc.rules.inference.verdicts import printed, registry
from tcoc.rules.risk import STATE, VARIANTS
from tcoc.study import Study


def _ratio(study: Study) -> Measured:
    """The largest distance of growth from performance over adjusted base, less one."""
    rows = study.frame("risk_methods").dropna(subset=["growth"])
    off = rows["performance_per_capita"] / rows["adjusted_base"] - 1 - rows["growth"]
    return Measured(float(off.abs().max()), 1e-9)


def _slide(study: Study) -> Measured:
    checked = published_check_table().frame
    return Measured(float((~checked["within_rounding"].astype(bool)).sum()))


def _months(study: Study) -> Measured:
    """Months of the state that are at no hospital, or at several, in either year."""
    cells, pair = study.frame("risk_cells"), pair_of(study)
    rows = cells[cells["year"].isin([pair.base_year, pair.performance_year])]
    months = rows["share"] * rows["months"]
    sums = months.groupby([rows["year"], rows["ccn"] == STATE]).sum().unstack().to_numpy()
    return Measured(float(np.abs(sums[:, 0] - sums[:, 1]).max()), 1e-3)


def _parts(study: Study) -> Measured:
    rows = own_rows(study).set_index(["variant", "ccn"])
    change = rows["adjusted_base"] - rows["base_per_capita"]
    added = study.frame("risk_decomposition").groupby(["variant", "ccn"])["dollars"].sum()
    return Measured(float((added - change.reindex(added.index)).abs().max()), 1e-6)


def _moved(study: Study) -> Measured:
    """The largest distance, in cents per capita, of the parts of growth from the growth."""
    rows = study.frame("risk_methods")
    rows = rows[(rows["variant"] == "none") & (rows["ccn"] != STATE)]
    keys = ["base_year", "performance_year", "ccn"]
    keyed = rows.set_index(keys)
    change = keyed["performance_per_capita"] - keyed["base_per_capita"]
    added = study.frame("growth_parts").groupby(keys)["per_capita"].sum()
    return Measured(100 * float((added - change.reindex(added.index)).abs().max()), 0.01)


def _panels(study: Study) -> Measured:
    """The largest distance of growth under the run's own links from the run's growth (R4)."""
    rows, found = own_rows(study), study.frame("panel_options")
    growth = rows[rows["variant"] == "none"].set_index("ccn")["growth"]
    own = found[(found["option"] == OWN) & (found["ccn"] != STATE)].set_index("ccn")["growth"]
    return Measured(
        float((own - growth.drop(STATE, errors="ignore")).abs().max(skipna=False)), 1e-9
    )


def _all_parts(study: Study) -> Measured:
    counted = study.frame("growth_parts").groupby(["base_year", "performance_year", "ccn"]).size()
    return Measured(float((counted != len(PARTS)).sum()))


def _intervals(study: Study) -> Measured:
    """The share of growth intervals that leave out their own estimate."""
    rows = own_rows(study).dropna(subset=["growth_low", "growth"])
    outside = ~rows["growth"].between(rows["growth_low"], rows["growth_high"])
    return Measured(float(outside.mean()) if len(rows) else 0.0, 0.05)


def _methods(study: Study) -> Measured:
    """Names without every method in some pair of years."""
    rows = study.frame("risk_methods")
    counted = rows.groupby(["base_year", "performance_year", "ccn"])["variant"].nunique()
    return Measured(float((counted != len(VARIANTS)).sum()))


def _verdicts(study: Study) -> Measured:
    """Verdicts that are printed although their error rates do not allow it (rule R8)."""
    found, rates = study.frame("risk_verdicts"), measured_rates(study)
    policy = VerdictsPolicy.of(study.policy)
    limits = policy.least_stability, policy.largest_false_rate
    wrong = sum(
        answer not in ("open", printed(answer, rates.get(str(verdict)), *limits))
        for verdict, answer in zip(found["verdict"], found["printed"], strict=True)
    )
    missing = set(registry(policy.registry)) - set(found["verdict"])
    return Measured(float(wrong + len(missing)))


def _buckets(study: Study) -> Measured:
    shown = set(study.frame("risk_buckets")["bucket"])
    return Measured(float(len(shown ^ set(settings_of(study).scheme.buckets))))


def _judged(study: Study) -> Measured:
    """Models that are not judged on the same unseen people as the others."""
    fit = study.frame("risk_evidence")
    fit = fit[fit["dimension"] == "all"]
    people: pd.Series[int] = fit.groupby("test")["benes"].nunique()
    return Measured(float((people != 1).sum()))


CHECKS = (
    Check(
        "growth_is_ratio",
        "R4",
        "Every growth is performance over adjusted base, less one.",
        _ratio,
    ),
    Check(
        "slide_reproduces",
        "R5",
        "Every figure of slide 18 follows from its dollars within their rounding.",
        _slide,
    ),
    Check(
        "months_add_up",
        "R4",
        "The hospitals' months add up to the state's in both years.",
        _months,
    ),
    Check(
        "parts_add_up",
        "R6",
        "Each hospital's parts add up to adjusted base less base.",
        _parts,
    ),
    Check(
        "moves_add_up",
        "R7",
        "Stayers, joiners, leavers and moved panels add up to each hospital's growth, to the cent.",
        _moved,
    ),
    Check(
        "panels_start_from_this_run",
        "A8",
        "Other links of panels are compared with the growth of this run.",
        _panels,
    ),
    Check("moves_are_whole", "R7", "Every hospital has each kind of move.", _all_parts),
    Check(
        "intervals_hold_estimates",
        "R6",
        "Nearly all intervals of growth hold their own estimate.",
        _intervals,
    ),
    Check("every_method", "R2", "Every hospital has every method in each pair.", _methods),
    Check(
        "verdicts_are_allowed",
        "R8",
        "Nothing is concluded that is wrong or unsteady too often in synthetic states.",
        _verdicts,
    ),
    Check("buckets_are_declared", "R1", "The buckets are those of the declared scheme.", _buckets),
    Check(
        "judged_on_new_people", "R8", "All models are judged on the same unseen people.", _judged
    ),
)
