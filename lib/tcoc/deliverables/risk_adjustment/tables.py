"""The tables of risk adjustment: methods by hospital, their uncertainty, their parts, evidence."""

from itertools import pairwise

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.deliverables.risk_adjustment.inputs import (
    claim_years,
    drawings_of,
    drawn_of,
    drawn_pairs,
    factors_of,
    measured_rates,
    pair_of,
    pairs_of,
    people_of,
    replicates_of,
    settings_of,
    sums_by_unit,
)
from tcoc.deliverables.risk_adjustment.panels import panel_options
from tcoc.deliverables.risk_adjustment.planted import PLANTED, planted
from tcoc.deliverables.risk_adjustment.schemas import (
    ADJUSTMENT,
    BENCHMARK,
    BUCKETS,
    CHOICE,
    COMBINATIONS,
    DECOMPOSITION,
    EVIDENCE,
    GROWTH_CELLS,
    GROWTH_PANELS,
    GROWTH_PARTS,
    METHODS_TABLE,
    PANEL_OPTIONS,
    REPLICATES,
    SENSITIVITY,
    STATISTICS,
    UNITS,
    VERDICTS,
)
from tcoc.params import VerdictsPolicy
from tcoc.rules.inference.intervals import intervals
from tcoc.rules.inference.moved import growth_panels, growth_parts, panel_sums, part_cells
from tcoc.rules.inference.prediction import SUM_KEY, cross_fitted, prediction_sums
from tcoc.rules.inference.replicates import (
    replicate,
    replicates_table,
    units_table,
)
from tcoc.rules.inference.statistics import gain_rows, statistic_rows
from tcoc.rules.inference.units import UNIT_KEY
from tcoc.rules.inference.verdicts import evaluate, registry
from tcoc.rules.risk import (
    METHODS,
    STATE,
    Adjusted,
    Pair,
    risk_adjustment,
    variants_table,
)
from tcoc.rules.risk.adjust import (
    pooled,
    sensitivity_settings,
    weighted_cells,
)
from tcoc.rules.risk.buckets import (
    PROFILE,
    hospital_profiles,
    in_doubles,
    risk_cells,
)
from tcoc.rules.risk.decompose import decompose
from tcoc.rules.risk.evidence import (
    bucket_stability,
    costs,
    evidence,
    fit_models,
    growth_on_factor,
    regression_benchmark,
    sample_people,
    weighted_correlation,
)
from tcoc.rules.sums import exact_sums
from tcoc.study import Product, Study

PAIR_KEY = ("variant", "base_year", "performance_year", "ccn")
BENCHMARKS = ("weighted least squares", "Tweedie regression", "two-part regression")


# ---------------------------------------------------------------- tables


def cells(study: Study) -> ir.Table:
    """Beneficiary-years by hospital, share and profile, of every year with claims (rule R4)."""
    people = study.connection.keep(people_of(study, claim_years(study.run, study.store)))
    return risk_cells(people, hospital_profiles(people, study.table("attribution")))


def prediction_rows(study: Study) -> ir.Table:
    """What cross-fitted prediction needs of everybody, by year, fold and profile (rule R8)."""
    settings = settings_of(study)
    people = people_of(study, claim_years(study.run, study.store))
    if settings.truncate is not None:
        people = people.mutate(dollars=people.capped)
    return prediction_sums(people, settings.seed)


def statistics_table(study: Study) -> pd.DataFrame:
    """The statistics that verdicts rest on, for every pair of years and method (rule R8)."""
    settings, pairs = settings_of(study), pairs_of(study)
    drawn, times = drawn_of(study), VerdictsPolicy.of(study.policy).placebos
    found = [statistic_rows(drawn, replicates_of(study), pairs, settings, times)]
    sums, factors = study.frame("risk_prediction_sums"), factors_of(settings)
    found += [gain_rows(cross_fitted(sums, pair, settings, factors), pair) for pair in pairs]
    return pd.concat(found, ignore_index=True)[list(STATISTICS)]


def verdicts_table(study: Study) -> pd.DataFrame:
    """What the page may conclude, each verdict with its measured error rates (rule R8)."""
    pair, policy = pair_of(study), VerdictsPolicy.of(study.policy)
    rows = study.frame("risk_statistics")
    own = rows[
        (rows["base_year"] == pair.base_year) & (rows["performance_year"] == pair.performance_year)
    ]
    cells = study.frame("risk_cells")
    state = cells[(cells["ccn"] == STATE) & (cells["year"] == pair.performance_year)]
    limits = (policy.least_stability, policy.largest_false_rate)
    return evaluate(
        registry(policy.registry),
        own,
        measured_rates(study),
        limits,
        float(state["people"].sum()),
    )[list(VERDICTS)]


def unit_rows(study: Study) -> pd.DataFrame:
    """On how many units of equal size each hospital rests, by year (rule R6)."""
    return units_table(drawn_of(study))


def replicate_rows(study: Study) -> pd.DataFrame:
    """One set of replicates for every pair of years, method, hospital and combination (R6)."""
    return replicates_table(replicate(drawn_of(study), drawn_pairs(study), settings_of(study)))


def methods(study: Study) -> pd.DataFrame:
    """Every variant for every pair of years, with intervals (rules R4 and R6)."""
    settings = settings_of(study)
    factors, frame = factors_of(settings), study.frame("risk_cells")
    tables = [
        variants_table(risk_adjustment(frame, pair, settings, factors), pair)
        for pair in pairs_of(study)
    ]
    pairs = pairs_of(study)
    ends = [
        intervals(drawing, pair, settings.interval_level)
        for drawing, pair in zip(drawings_of(study, pairs), pairs, strict=True)
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table.merge(pd.concat(ends, ignore_index=True), "left", list(PAIR_KEY))
    return _with_counts(table, frame)


def _with_counts(table: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    rows = weighted_cells(frame)
    values = {"benes": rows["benes"].to_numpy(), "months": rows["months"].to_numpy()}
    counts = exact_sums(rows, ["year", "ccn"], values)
    for name in ("base", "performance"):
        of_year = counts.rename(
            columns={"year": f"{name}_year", "benes": f"{name}_benes", "months": f"{name}_months"}
        )
        table = table.merge(of_year, "left", [f"{name}_year", "ccn"])
    return table


def cells_by_part(study: Study) -> pd.DataFrame:
    """People, months and dollars of each hospital by part, of each pair of years (rule R7)."""
    pairs = pairs_of(study)
    people = people_of(study, {y for p in pairs for y in (p.base_year, p.performance_year)})
    if settings_of(study).truncate is not None:
        people = people.mutate(dollars=people.capped)
    engine, rows = study.connection, study.table("attribution")
    kept = engine.keep(people)
    found = [
        engine.fetch(part_cells(kept, rows, pair), ["year", "ccn", "part", "share"]).assign(
            base_year=pair.base_year, performance_year=pair.performance_year
        )
        for pair in pairs
    ]
    return pd.concat(found, ignore_index=True)[list(GROWTH_CELLS)]


def moved(study: Study) -> pd.DataFrame:
    """Each hospital's growth by stayers, joiners, leavers and relinked panels (rule R7)."""
    rows = study.frame("growth_cells", exact=True)
    found = [
        growth_parts(
            rows[
                (rows["base_year"] == pair.base_year)
                & (rows["performance_year"] == pair.performance_year)
            ],
            pair,
        )
        for pair in pairs_of(study)
    ]
    return pd.concat(found, ignore_index=True)[list(GROWTH_PARTS)]


def panels(study: Study) -> pd.DataFrame:
    """The panels and places that move a hospital's growth by more than 1% (rule R7)."""
    sums = panel_sums(study.frame("risk_unit_sums"))
    found = [growth_panels(sums, pair) for pair in pairs_of(study)]
    return pd.concat(found, ignore_index=True)[list(GROWTH_PANELS)]


def adjustment(study: Study) -> pd.DataFrame:
    """The methods of slide 18 for the run's own pair; the interval is that of growth."""
    settings, pair = settings_of(study), pair_of(study)
    found = study.frame("risk_methods")
    own = (found["base_year"] == pair.base_year) & (
        found["performance_year"] == pair.performance_year
    )
    names = {settings.variant(method): method for method in METHODS}
    rows = found[own & found["variant"].isin(list(names))]
    rows = rows.assign(method=rows["variant"].map(names))
    return rows.rename(columns={"growth_low": "ci_low", "growth_high": "ci_high"})[list(ADJUSTMENT)]


def combinations(study: Study) -> pd.DataFrame:
    """Every variant for pooled groups of hospitals (rule A12); empty without combinations."""
    groups = study.reference("combinations")
    if groups is None or groups.empty:
        return pd.DataFrame(columns=list(COMBINATIONS))
    settings, pair = settings_of(study), pair_of(study)
    members = dict(zip(groups["ccn"], groups["combination"], strict=True))
    frame = pooled(study.frame("risk_cells"), members)
    result = risk_adjustment(frame, pair, settings, factors_of(settings))
    table = _with_counts(variants_table(result, pair), frame)
    return table[table["ccn"] != STATE].rename(columns={"ccn": "combination"})[list(COMBINATIONS)]


def _point(study: Study) -> tuple[pd.DataFrame, Adjusted, Pair]:
    settings, pair = settings_of(study), pair_of(study)
    frame = study.frame("risk_cells")
    return frame, risk_adjustment(frame, pair, settings, factors_of(settings)), pair


def decomposition(study: Study) -> pd.DataFrame:
    """Each hospital's adjustment in parts that add up to it (rule R6)."""
    settings = settings_of(study)
    frame, result, pair = _point(study)
    return decompose(frame, result, pair, settings, factors_of(settings))


def sensitivity(study: Study) -> pd.DataFrame:
    """Growth and difference under other thin buckets and with high costs cut (rule R6)."""
    settings, pair = settings_of(study), pair_of(study)
    factors, frame = factors_of(settings), study.frame("risk_cells")
    cases = {"as in this run": settings, **sensitivity_settings(settings)}
    tables = [
        variants_table(risk_adjustment(frame, pair, other, factors), pair).assign(case=case)
        for case, other in cases.items()
    ]
    return pd.concat(tables, ignore_index=True)[list(SENSITIVITY)]


def buckets(study: Study) -> pd.DataFrame:
    """The state's relative cost of each bucket in both years and its mean factor (rule R6)."""
    settings = settings_of(study)
    frame = study.frame("risk_cells")
    return bucket_stability(frame, pair_of(study), settings, factors_of(settings))


def _sampled(study: Study) -> pd.DataFrame:
    settings, pair = settings_of(study), pair_of(study)
    years = [pair.base_year, pair.performance_year]
    people = people_of(study, years)
    total = int(people.bene_id.nunique().execute())
    rows = sample_people(people, settings.evidence_people, total, settings.seed)
    return costs(study.connection.fetch(in_doubles(rows)), pair, settings)


def evidence_table(study: Study) -> pd.DataFrame:
    """Fit of each model (dimension `all`) and predictive ratios by group (rule R6)."""
    settings = settings_of(study)
    found = evidence(_sampled(study), pair_of(study), settings, factors_of(settings))
    whole = found.fit.assign(dimension="all", group="all")
    return pd.concat([whole, found.ratios], ignore_index=True).reindex(columns=list(EVIDENCE))


def benchmark(study: Study) -> pd.DataFrame:
    """Each hospital's factor if a regression's predictions weighted its mix (rule R6)."""
    settings = settings_of(study)
    frame, result, pair = _point(study)
    rows = _sampled(study)
    train = rows[rows["year"] == pair.base_year]
    models = fit_models(train, settings, factors_of(settings))
    tables = [
        regression_benchmark(frame, result, pair, settings, models[name]).assign(model=name)
        for name in BENCHMARKS
    ]
    return pd.concat(tables, ignore_index=True)[list(BENCHMARK)]


def choice(study: Study) -> pd.DataFrame:
    """What speaks for and against each variant, one row each (rule R6).

    Did hospitals' growth follow the factor (slope), the typical sampling error of the difference,
    the correlation of hospitals' differences with those of the pair of years before or after, with
    the regression benchmark's, and the largest move under the sensitivity cases.
    """
    pair = pair_of(study)
    found = study.frame("risk_methods")
    hospitals = found[found["ccn"] != STATE]
    own = hospitals[
        (hospitals["base_year"] == pair.base_year)
        & (hospitals["performance_year"] == pair.performance_year)
    ]
    rows = []
    for variant, of in own.groupby("variant", sort=False):
        if variant != "none":
            rows.append({"variant": variant, **_choice_row(study, hospitals, of)})
    return pd.DataFrame(rows, columns=list(CHOICE))


def _choice_row(study: Study, hospitals: pd.DataFrame, of: pd.DataFrame) -> dict[str, float]:
    weights = of.set_index("ccn")["performance_months"]
    unadjusted = (1 + of["growth"]) * of["factor"] - 1
    slope = growth_on_factor(of.assign(unadjusted=unadjusted), weights)
    variant = str(of["variant"].iloc[0])
    return {
        **slope,
        "hospitals": float(len(of)),
        "spread": float(of["difference"].std(ddof=1)) if len(of) > 1 else float("nan"),
        "error": float(of["difference_error"].median()),
        "stability": _stability(hospitals[hospitals["variant"] == variant]),
        "benchmark": _agreement(study, of, weights),
        "largest_move": _largest_move(study, variant),
    }


def _stability(of: pd.DataFrame) -> float:
    """Correlate hospitals' differences of successive pairs of years, weighted by months."""
    wide = of.pivot_table("difference", "ccn", "base_year")
    months = of.groupby("ccn")["performance_months"].mean()
    years = list(wide.columns)
    found = [
        weighted_correlation(wide[a], wide[b], months.reindex(wide.index))
        for a, b in pairwise(years)
    ]
    return float(np.mean(found)) if found else float("nan")


def _agreement(study: Study, of: pd.DataFrame, weights: pd.Series) -> float:
    frame = study.frame("risk_benchmark")
    regression = frame[frame["model"] == BENCHMARKS[1]].set_index("ccn")["factor"]
    mine = of.set_index("ccn")["factor"]
    return weighted_correlation(mine, regression.reindex(mine.index), weights.reindex(mine.index))


def _largest_move(study: Study, variant: str) -> float:
    frame = study.frame("risk_sensitivity")
    of = frame[(frame["variant"] == variant) & (frame["ccn"] != STATE)]
    wide = of.pivot_table("difference", "ccn", "case")
    if wide.empty:
        return float("nan")
    moved = wide.sub(wide["as in this run"], axis=0).to_numpy(dtype=float)
    return float(np.nanmax(np.abs(moved)))


# ---------------------------------------------------------------- products

POLICY = ("risk", "tcoc", "verdicts")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution",)
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS = (
    Product("risk_cells", ("year", "ccn", "share", *PROFILE), cells, internal=True),
    Product("risk_prediction_sums", SUM_KEY, prediction_rows, internal=True),
    Product("risk_unit_sums", UNIT_KEY, sums_by_unit, internal=True),
    Product(
        "risk_replicates",
        ("base_year", "performance_year", "ccn", "replicate"),
        replicate_rows,
        REPLICATES,
        internal=True,
    ),
    Product("risk_units", ("year", "ccn"), unit_rows, UNITS, internal=True),
    Product(
        "risk_statistics",
        ("statistic", "variant", "base_year", "performance_year"),
        statistics_table,
        STATISTICS,
    ),
    Product("risk_verdicts", ("verdict",), verdicts_table, VERDICTS),
    Product("risk_methods", PAIR_KEY, methods, METHODS_TABLE),
    Product(
        "risk_adjustment",
        ("method", "base_year", "performance_year", "ccn"),
        adjustment,
        ADJUSTMENT,
        csv=True,
    ),
    Product(
        "risk_combinations",
        ("variant", "base_year", "performance_year", "combination"),
        combinations,
        COMBINATIONS,
    ),
    Product(
        "growth_cells",
        ("base_year", "performance_year", "year", "ccn", "part", "share"),
        cells_by_part,
        GROWTH_CELLS,
        internal=True,
    ),
    Product("growth_parts", ("base_year", "performance_year", "ccn", "part"), moved, GROWTH_PARTS),
    Product(
        "growth_panels",
        ("base_year", "performance_year", "ccn", "unit"),
        panels,
        GROWTH_PANELS,
    ),
    Product("panel_options", ("option", "ccn"), panel_options, PANEL_OPTIONS),
    Product("risk_decomposition", ("variant", "ccn", "part"), decomposition, DECOMPOSITION),
    Product("risk_sensitivity", ("case", "variant", "ccn"), sensitivity, SENSITIVITY),
    Product("risk_buckets", ("bucket",), buckets, BUCKETS),
    Product("risk_evidence", ("model", "test", "dimension", "group"), evidence_table, EVIDENCE),
    Product("risk_benchmark", ("model", "ccn"), benchmark, BENCHMARK),
    Product("risk_choice", ("variant",), choice, CHOICE),
    Product("risk_planted", ("variant",), planted, PLANTED, internal=True),
)
"""The tables of risk adjustment, in the order in which later ones use earlier ones."""
