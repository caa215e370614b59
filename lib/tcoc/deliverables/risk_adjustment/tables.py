"""The tables of risk adjustment: methods by hospital, their uncertainty, their parts, evidence."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.deliverables.y1_attribution.tables import completion, has_claims
from tcoc.errors import InputError
from tcoc.paths import params_dir
from tcoc.rules.risk import (
    METHODS,
    STATE,
    VARIANTS,
    Adjusted,
    NewEnrolleeFactors,
    Pair,
    RiskSettings,
    bootstrap_per_capita,
    intervals,
    new_enrollee_factors,
    person_rows,
    risk_adjustment,
    risk_settings,
    variants_table,
)
from tcoc.rules.risk.adjust import exact_sums, pooled, sensitivity_settings, weighted_cells
from tcoc.rules.risk.bootstrap import Replicates, replicates_table
from tcoc.rules.risk.buckets import (
    PROFILE,
    dollar_caps,
    hospital_profiles,
    in_doubles,
    profiles,
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
from tcoc.study import Product, Study

PAIR_KEY = ("variant", "base_year", "performance_year", "ccn")
BENCHMARKS = ("weighted least squares", "Tweedie regression", "two-part regression")


# ---------------------------------------------------------------- parameters and inputs


def settings_of(study: Study) -> RiskSettings:
    """Return the run's parameters of risk adjustment."""
    return risk_settings(study.policy)


def factors_of(settings: RiskSettings) -> NewEnrolleeFactors:
    """Return the new enrollee factors of the version that the parameters name."""
    file = params_dir() / "reference" / "cms_hcc_new_enrollee.csv"
    return new_enrollee_factors(pd.read_csv(file, dtype=str), settings.model_version)


def pair_of(study: Study, base_year: int | None = None, performance: int | None = None) -> Pair:
    """Return a pair of years with their completion factors; the run's own pair by default.

    Raises InputError when the run names no pair, or a year has no claims to compare.
    """
    base = base_year or study.run.spec.base_year
    later = performance or study.run.spec.performance_year
    if base is None or later is None:
        raise InputError(
            f"{study.run.file.name}: base_year and performance_year are needed for risk adjustment"
        )
    for year in (base, later):
        if year not in study.run.years or not has_claims(study, year):
            have = ", ".join(map(str, claim_years(study))) or "none"
            raise InputError(
                f"{study.run.file.name}: risk adjustment of {year} needs the year among the run's"
                f" years and its claims in the store; years with claims: {have}"
            )
    factor = completion(study)
    return Pair(base, later, factor(base), factor(later))


def claim_years(study: Study) -> list[int]:
    """Return the run's years with claims: the ones of which a per capita can be known."""
    return [year for year in study.run.years if has_claims(study, year)]


def pairs_of(study: Study) -> list[Pair]:
    """Return the run's own pair first, then every other pair of successive years with claims."""
    own = pair_of(study)
    factor = completion(study)
    others = [
        Pair(a, b, factor(a), factor(b)) for a, b in pairwise(claim_years(study)) if b == a + 1
    ]
    return [own, *(p for p in others if p != own)]


def _ages(settings: RiskSettings) -> list[int]:
    return sorted({*settings.scheme.age_bands, *factors_of(settings).ages})


def _people(study: Study, years: Iterable[int]) -> ir.Table:
    settings = settings_of(study)
    everybody = study.table("beneficiary_year")
    caps = dollar_caps(everybody, years, settings.winsorise_quantile)
    return profiles(everybody, _ages(settings), years, caps)


# ---------------------------------------------------------------- tables


def cells(study: Study) -> ir.Table:
    """Beneficiary-years by hospital, share and profile, of every year with claims (rule R4)."""
    people = study.connection.keep(_people(study, claim_years(study)))
    return risk_cells(people, hospital_profiles(people, study.table("attribution")))


def replicates(
    study: Study,
    base_year: int,
    performance_year: int,
    members: Mapping[str, str] | None = None,
    attribution: ir.Table | None = None,
    count: int | None = None,
) -> Replicates:
    """Return bootstrap replicates of per capita for any pair of years of the run (rule R6).

    Arrays hospitals x replicates of base, performance and adjusted bases in annual dollars, the
    state first; the MPA's noise is a function of them. `members` (CCN -> combination) pools
    hospitals first, so that a beneficiary whom two members share counts as one draw (rule A12).
    Another `attribution` than the run's, and another `count` of replicates, can be given.
    """
    settings, pair = settings_of(study), pair_of(study, base_year, performance_year)
    people = _people(study, (base_year, performance_year))
    attributed = study.table("attribution") if attribution is None else attribution
    # A total order, because pooled members are added up in the order in which they come.
    rows = study.connection.fetch(
        in_doubles(hospital_profiles(people, attributed)).drop("unknown_sex"),
        ["bene_id", "year", "ccn"],
    )
    if members is not None:
        pooled = {ccn: members.get(ccn, ccn) for ccn in rows["ccn"].unique()}
        rows = rows.assign(ccn=rows["ccn"].map(pooled))
    return bootstrap_per_capita(
        person_rows(rows, pair, settings, factors_of(settings)), pair, settings, count
    )


def replicate_rows(study: Study) -> pd.DataFrame:
    """Replicates of the run's own pair, one row per hospital and replicate."""
    pair = pair_of(study)
    return replicates_table(replicates(study, pair.base_year, pair.performance_year), pair)


def replicated_of(study: Study) -> tuple[Replicates, Pair]:
    """Read the kept replicates back as arrays."""
    frame = study.frame("risk_replicates")
    full, halved = (_arrays(frame[frame["halved"] == half]) for half in (False, True))
    return Replicates(full, halved), pair_of(study)


def _arrays(frame: pd.DataFrame) -> Adjusted:
    hospitals = tuple(dict.fromkeys(frame["ccn"]))
    wide = frame.set_index(["ccn", "replicate"]).unstack("replicate").reindex(list(hospitals))
    base = wide["base_per_capita"].to_numpy()
    variants = [v for v in VARIANTS if f"adjusted_{v}" in frame]
    adjusted = {"none": base} | {v: wide[f"adjusted_{v}"].to_numpy() for v in variants}
    return Adjusted(hospitals, base, wide["performance_per_capita"].to_numpy(), adjusted)


def methods(study: Study) -> pd.DataFrame:
    """Every variant for every pair of years, with intervals for the run's own pair (rule R4)."""
    settings = settings_of(study)
    factors, frame = factors_of(settings), study.frame("risk_cells")
    tables = [
        variants_table(risk_adjustment(frame, pair, settings, factors), pair)
        for pair in pairs_of(study)
    ]
    replicated, own = replicated_of(study)
    table = pd.concat(tables, ignore_index=True)
    table = table.merge(intervals(replicated, own, settings.interval_level), "left", list(PAIR_KEY))
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
    people = _people(study, years)
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


# ---------------------------------------------------------------- schemas


_PAIR = {"base_year": "int32", "performance_year": "int32"}
_RESULT = dict.fromkeys(
    (
        "base_per_capita",
        "factor",
        "adjusted_base",
        "performance_per_capita",
        "growth",
        "difference",
    ),
    "float64",
)
_COUNTS = dict.fromkeys(
    ("base_benes", "base_months", "performance_benes", "performance_months"), "float64"
)
_ENDS = dict.fromkeys(
    (f"{of}_{end}" for of in ("growth", "difference") for end in ("low", "high", "error")),
    "float64",
)

ADJUSTMENT = {
    "method": "string",
    **_PAIR,
    "ccn": "string",
    **_RESULT,
    "ci_low": "float64",
    "ci_high": "float64",
}
METHODS_TABLE = {
    "variant": "string",
    **_PAIR,
    "ccn": "string",
    **_RESULT,
    **_ENDS,
    **_COUNTS,
}
COMBINATIONS = {"variant": "string", **_PAIR, "combination": "string", **_RESULT, **_COUNTS}
REPLICATES = {
    **_PAIR,
    "ccn": "string",
    "halved": "boolean",
    "replicate": "int32",
    "base_per_capita": "float64",
    "performance_per_capita": "float64",
    "adjusted_demographic_own": "float64",
    "adjusted_demographic_statewide": "float64",
    "adjusted_new_enrollee": "float64",
}
DECOMPOSITION = {
    "variant": "string",
    "ccn": "string",
    "part": "string",
    "relative": "float64",
    "dollars": "float64",
}
SENSITIVITY = {
    "case": "string",
    "variant": "string",
    "ccn": "string",
    "factor": "float64",
    "growth": "float64",
    "difference": "float64",
}
BUCKETS = {
    "bucket": "string",
    **{
        f"{year}_{name}": "float64"
        for year in ("base", "performance")
        for name in ("benes", "months", "relative", "score")
    },
}
EVIDENCE = {
    "model": "string",
    "test": "string",
    "dimension": "string",
    "group": "string",
    **dict.fromkeys(("benes", "actual", "predicted", "ratio", "r2", "mae", "slope"), "float64"),
}
BENCHMARK = {
    "model": "string",
    "ccn": "string",
    "factor": "float64",
    "growth": "float64",
    "difference": "float64",
}
CHOICE = {
    "variant": "string",
    **dict.fromkeys(
        (
            "slope",
            "slope_low",
            "slope_high",
            "hospitals",
            "spread",
            "error",
            "stability",
            "benchmark",
            "largest_move",
        ),
        "float64",
    ),
}

POLICY = ("risk", "tcoc")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution",)
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS = (
    Product("risk_cells", ("year", "ccn", "share", *PROFILE), cells, internal=True),
    Product(
        "risk_replicates",
        ("base_year", "performance_year", "ccn", "halved", "replicate"),
        replicate_rows,
        REPLICATES,
        internal=True,
    ),
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
    Product("risk_decomposition", ("variant", "ccn", "part"), decomposition, DECOMPOSITION),
    Product("risk_sensitivity", ("case", "variant", "ccn"), sensitivity, SENSITIVITY),
    Product("risk_buckets", ("bucket",), buckets, BUCKETS),
    Product("risk_evidence", ("model", "test", "dimension", "group"), evidence_table, EVIDENCE),
    Product("risk_benchmark", ("model", "ccn"), benchmark, BENCHMARK),
    Product("risk_choice", ("variant",), choice, CHOICE),
)
"""The tables of risk adjustment, in the order in which later ones use earlier ones."""
