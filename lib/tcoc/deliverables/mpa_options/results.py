"""Table mpa: each hospital's adjustment under its rate year's terms and each option."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from tcoc.deliverables.mpa_options.inputs import (
    BASELINE,
    SINGLE,
    Reader,
    Setting,
    drawings,
    inputs_of,
    members_of,
    missing_years,
    rate_years,
    refuse_without_quality,
    replicated_inputs,
    setting_of,
    terms_of,
    unequal,
    units_behind,
)
from tcoc.deliverables.mpa_options.judged import Judged
from tcoc.deliverables.mpa_options.schemas import LEFT_OUT, MPA, RESULTS, TERMS
from tcoc.deliverables.risk_adjustment.inputs import refuse_without_claims
from tcoc.errors import InputError
from tcoc.params import MpaPolicy, Run
from tcoc.reference import Reference
from tcoc.rules.mpa import (
    Inputs,
    Terms,
    benchmark,
    read_terms,
    result_terms,
    scaled_result,
    to_cents,
    varied_terms,
    with_quality,
)
from tcoc.rules.mpa.options import dollars, grid_options
from tcoc.rules.mpa.reliability import heterogeneity, reliability_table
from tcoc.rules.mpa.scale import Array
from tcoc.store.layout import Store
from tcoc.study import Study


def results(study: Study) -> pd.DataFrame:
    """Each hospital's result under its own terms and each option, before the scale (rule M1)."""
    frames = [pd.DataFrame(columns=list(RESULTS))]
    for year in rate_years(study):
        settings: dict[tuple[object, ...], Setting] = {}
        for option, terms in option_terms(study.run, year, result_terms):
            if reason_left_out(study.run, study.store, terms):
                continue
            key = (terms.combined, terms.base_weights, terms.truncated)
            if key not in settings:
                settings[key] = setting_of(study, terms, members_of(study, terms))
            frames.append(result_rows(study, settings[key], terms).assign(option=option))
    return pd.concat(frames[1:] or frames, ignore_index=True)[list(RESULTS)]


def mpa(study: Study) -> pd.DataFrame:
    """Each hospital's adjustment under its rate year's terms and each option (rules M1 to M8)."""
    known, frames = study.frame("mpa_results", exact=True), []
    for year in rate_years(study):
        for option, terms in option_terms(study.run, year):
            if not reason_left_out(study.run, study.store, terms):
                rows = known[(known["rate_year"] == year) & (known["option"] == option)]
                frames.append(scaled_rows(rows, terms))
    if not frames:
        raise _nothing(study.run, left_out(study)["reason"])
    return pd.concat(frames, ignore_index=True)[list(MPA)]


def _nothing(run: Run, reasons: Iterable[str]) -> InputError:
    said = "; ".join(dict.fromkeys(reasons))
    return InputError(f"{run.file.name}: no MPA can be computed: {said}")


def judge(run: Run, store: Store, references: Reference) -> None:
    """Refuse terms that are none, and years on which no adjustment can stand (M1 to M8, T3)."""
    grid_options(MpaPolicy.of(run.policy).grid)
    reasons = []
    for year in run.spec.rate_years:
        refuse_without_quality(run, references, year)
        for _, terms in option_terms(run, year):
            reasons.append(reason_left_out(run, store, terms))
            if not reasons[-1]:
                refuse_without_claims(run, store, (terms.base_year, terms.performance_year))
                unequal(run, store, terms.base_year, terms.performance_year)
    if reasons and all(reasons):
        raise _nothing(run, reasons)


def option_terms(
    run: Run, rate_year: int, read: Reader = read_terms
) -> Iterator[tuple[str, Terms]]:
    """Yield each option's name and terms; InputError for a term that is unknown."""
    own = terms_of(run, rate_year, read)
    for option, changes in MpaPolicy.of(run.policy).options.items():
        yield option, varied_terms(own, changes or {}, f"mpa.options: {option}")


def terms_table(study: Study) -> pd.DataFrame:
    """The terms of each rate year and option, one row each (rules M1 to M8)."""
    rows = []
    for year in rate_years(study):
        for option, terms in option_terms(study.run, year):
            row = {**asdict(terms), "years": terms.years, "trend": terms.trend, "option": option}
            row["base_weights"] = ", ".join(f"{w:g}" for w in terms.base_weights)
            rows.append(row)
    return pd.DataFrame(rows)[list(TERMS)]


def reason_left_out(run: Run, store: Store, terms: Terms) -> str:
    """Say why some terms cannot be computed on this run, or return an empty string (rule M8)."""
    if missing := missing_years(run, store, terms):
        years = ", ".join(map(str, missing))
        return f"its base rests on {years}, which this run has no claims of"
    if terms.price_standardized and not MpaPolicy.of(run.policy).price_factors:
        return "no price factors are supplied (mpa.price_factors)"
    return ""


def left_out(study: Study) -> pd.DataFrame:
    """The options that this run could not compute, each with the reason (rule M8)."""
    rows = [
        (year, option, reason)
        for year in rate_years(study)
        for option, terms in option_terms(study.run, year)
        if (reason := reason_left_out(study.run, study.store, terms))
    ]
    return pd.DataFrame(rows, columns=list(LEFT_OUT))


def option_rows(study: Study, setting: Setting, terms: Terms) -> pd.DataFrame:
    """Return one row per hospital under one set of terms: the columns of table mpa."""
    return scaled_rows(result_rows(study, setting, terms), terms)


def result_rows(study: Study, setting: Setting, terms: Terms) -> pd.DataFrame:
    """Return each hospital's benchmark, performance and result; no term of the scale is asked."""
    inputs = trusted(study, setting, terms, inputs_of(study, setting, terms))
    at, units = inputs.position, setting.units
    improvement, attainment = targets(inputs, terms)
    return pd.DataFrame(
        {
            "rate_year": terms.rate_year,
            "ccn": list(units.hospitals),
            "combination": [units.members.get(c) for c in units.hospitals],
            "base_per_capita": setting.adjusted.base[at, 0],
            "adjusted_base": inputs.base[terms.risk_method][at, 0],
            "benchmark": improvement[at],
            "attainment_benchmark": attainment[at] if terms.attainment_weight else np.nan,
            "performance": inputs.performance[at, 0],
            "result": inputs.result_of(terms)[at, 0],
            "quality": setting.quality,
            "payments": units.paid,
            "benes": setting.benes[at],
            "unequal_run_out": setting.unequal,
            "credibility": np.broadcast_to(inputs.credibility, len(setting.names))[at],
            "center": inputs.center,
        }
    )


def scaled_rows(rows: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Return the rows of `result_rows` with scaled result, percentage and dollars (M2 to M4)."""
    result, quality = (rows[name].to_numpy(dtype=float) for name in ("result", "quality"))
    scaled = scaled_result(result, terms.threshold, terms.max_at_risk)
    percent = with_quality(scaled, quality, terms.max_at_risk, terms.quality_sign)
    cents = pd.Series(to_cents(percent.tolist(), rows["payments"]), rows.index, "object")
    return rows.assign(scaled=scaled, mpa_percent=percent, mpa_dollars=cents)


def trusted(study: Study, setting: Setting, terms: Terms, inputs: Inputs) -> Inputs:
    """Return the arrays with each unit's credibility, where the terms weigh by it (rule M8).

    The weight of a unit's own result is its reliability (rule M7); the rest is the state's mean.
    """
    if terms.credibility == "none":
        return inputs
    kept = drawings(study, setting, terms)
    noisy = replicated_inputs(study, setting, terms, kept).result_of(terms)
    result = inputs.result_of(terms)[:, 0]
    # The state is the first unit; it has no place among those that are compared.
    units = units_behind(setting, terms, kept)
    state = heterogeneity(result[1:], noisy[1:], units[1:])
    rows = reliability_table(list(setting.names), result, noisy, state, units)
    weight = np.nan_to_num(rows["reliability"].to_numpy(dtype=float))
    return replace(inputs, credibility=weight, center=float(np.nan_to_num(state.mean)))


def weighed(study: Study, terms: Terms, of: Judged) -> Judged:
    """Return hospitals with the weights of their results under their own terms (rule M8).

    They are those of table mpa, for the point estimate and for each replicate. A study of other
    terms keeps them: what it shows is what the term that is varied does, and nothing besides.
    """
    if terms.credibility == "none":
        return of
    found = study.frame("mpa_results")
    option = BASELINE if of.combined else SINGLE
    rows = found[(found["rate_year"] == of.rate_year) & (found["option"] == option)]
    rows = rows.set_index("ccn").reindex(list(of.hospitals))
    weight, center = rows["credibility"].to_numpy(dtype=float), float(rows["center"].iloc[0])
    return replace(of, point=replace(of.point, credibility=weight, center=center))


def targets(inputs: Inputs, terms: Terms) -> tuple[Array, Array]:
    """Return the improvement and the attainment benchmark by unit, in dollars."""
    improvement = benchmark(inputs.base[terms.risk_method], terms.trend)[:, 0]
    return improvement, benchmark(inputs.level[terms.attainment_level], terms.trend)[:, 0]


def dollars_off(frame: pd.DataFrame) -> float:
    """Return the largest distance of a hospital's dollars from percent x payments (rule M4)."""
    expected = dollars(frame["mpa_percent"].to_numpy(), frame["payments"].to_numpy(dtype=float))
    return float(np.abs(frame["mpa_dollars"].to_numpy(dtype=float) - expected).max(initial=0.0))
