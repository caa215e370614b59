"""How much of hospitals' results is true, and how much is who happened to fall ill (rule M7).

A hospital's result is its true result plus sampling error, whose size the replicates of rule R6
give. Between hospitals, results vary by both: what is left of their variance when the errors are
taken off is the variance of true results, by the random-effects model of a meta-analysis.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import special

from tcoc.rules.mpa.scale import Array

NOISE_AGREEMENT = 0.75
"""How often an estimate and its replicate share a sign where every true result is zero: the
replicate is the estimate plus an error of the same size, and half of the quarter turn agrees."""

NOISE_SLOPE = -0.5
"""Slope of a year's growth on the year before where growth is noise: the shared year's error enters
one growth with a plus and the next with a minus."""


@dataclass(frozen=True)
class Heterogeneity:
    """The state's results as one question: do hospitals differ beyond chance (rule M7)?

    mean, mean_error   the state's mean true result and its error (fractions)
    true_sd            standard deviation of true results between hospitals, as a fraction
    true_sd_low, true_sd_high      its 95% interval
    q, df, p_value     Cochran's Q, its degrees of freedom, and how often chance alone reaches it
    i2                 share of the variance of results that is no sampling error
    sign_agreement     share of replicates with the sign of the estimate; noise gives 75%
    slope, slope_low, slope_high   a year's growth on the year before's, with its 95% interval;
                       noise gives -0.5
    """

    hospitals: int
    mean: float
    mean_error: float
    true_sd: float
    q: float
    df: int
    p_value: float
    i2: float
    sign_agreement: float
    true_sd_low: float = float("nan")
    true_sd_high: float = float("nan")
    slope: float = float("nan")
    slope_low: float = float("nan")
    slope_high: float = float("nan")


def sampling_error(noisy: Array, units: Array | None = None) -> Array:
    """Return the standard error of each result, from its replicates (hospitals x replicates).

    `units` is on how many units of equal size each rests (rule R6). Replicates of n units have a
    variance that is too small by (n - 1) / n; with fewer than two units nothing is known (NaN).
    """
    error = np.nanstd(noisy, axis=1, ddof=1)
    if units is None:
        return np.asarray(error)
    more = np.sqrt(units / np.where(units >= 2, units - 1, np.nan))
    return np.asarray(error * np.where(np.isnan(units), 1.0, more))


def heterogeneity(result: Array, noisy: Array, units: Array | None = None) -> Heterogeneity:
    """Return whether hospitals differ, from results and their replicates (hospitals x replicates).

    Hospitals without a result, or whose replicates do not vary, say nothing and are left out.
    `units` as in `sampling_error`. How often chance reaches Q is counted among the replicates:
    errors of few units are skewed and known badly, and against chi-squared a tenth of the states in
    which nothing is there would be taken for one with differences, where 5% is right.
    """
    from statsmodels.stats.meta_analysis import combine_effects

    error = sampling_error(noisy, units)
    known = np.isfinite(result) & np.isfinite(error) & (error > 0)
    agree = sign_agreement(result[known], noisy[known])
    if known.sum() < 3:
        gap = float("nan")
        return Heterogeneity(int(known.sum()), gap, gap, gap, gap, 0, gap, gap, agree)
    found = combine_effects(result[known], error[known] ** 2, method_re="iterated")
    low, high = true_sd_interval(result[known], error[known])
    return Heterogeneity(
        hospitals=int(known.sum()),
        mean=float(found.mean_effect_re),
        mean_error=float(found.sd_eff_w_re),
        true_sd=float(np.sqrt(max(found.tau2, 0.0))),
        q=float(found.q),
        df=int(found.df),
        p_value=_reached(float(found.q), result[known], noisy[known], error[known]),
        i2=float(max(found.i2, 0.0)),
        sign_agreement=agree,
        true_sd_low=low,
        true_sd_high=high,
    )


def _reached(q: float, result: Array, noisy: Array, error: Array) -> float:
    """Return in what share of replicates, all with one truth, results are as unlike as Q says.

    A replicate's distance from the estimate is chance alone, at the size that the error has. One
    more is counted on both sides: so few replicates can't say never.
    """
    chance = noisy - result[:, None]
    chance *= (error / sampling_error(noisy))[:, None]
    weight = np.where(np.isfinite(chance), 1 / error[:, None] ** 2, 0.0)
    chance = np.nan_to_num(chance)
    mean = (weight * chance).sum(axis=0) / weight.sum(axis=0)
    unlike = (weight * (chance - mean) ** 2).sum(axis=0)
    return float((1 + (unlike >= q).sum()) / (1 + len(unlike)))


def true_sd_interval(result: Array, error: Array, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of the standard deviation of true results, by Q-profile (rule M7).

    Its ends are the deviations at which Cochran's Q, weighted with them, is at either tail of its
    distribution (Viechtbauer 2007, Statistics in Medicine 26:37); zero where Q is below it at once.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2

    def q(variance: float) -> float:
        weight = 1 / (error**2 + variance)
        mean = (weight * result).sum() / weight.sum()
        return float((weight * (result - mean) ** 2).sum())

    most = float(100 * (np.ptp(result) ** 2 + error.max() ** 2)) + 1e-12
    ends = []
    for tail in ((1 + level) / 2, (1 - level) / 2):
        wanted = chi2.ppf(tail, len(result) - 1)
        ends.append(0.0 if q(0.0) <= wanted else brentq(lambda v, w=wanted: q(v) - w, 0.0, most))
    return float(np.sqrt(ends[0])), float(np.sqrt(ends[1]))


def sign_agreement(result: Array, noisy: Array) -> float:
    """Return the share of replicates with the sign of the estimate, over all hospitals."""
    if not len(result):
        return float("nan")
    return float((np.sign(noisy) == np.sign(result)[:, None]).mean())


def reliability_table(
    hospitals: list[str],
    result: Array,
    noisy: Array,
    state: Heterogeneity,
    units: Array | None = None,
) -> pd.DataFrame:
    """Return each hospital's reliability and shrunken result (rule M7), one row per hospital.

    `reliability` is the share of the variance of results like this hospital's that is true:
    true variance / (true variance + the hospital's error squared). `shrunken` is what is expected
    of its true result: the state's mean plus reliability x the distance from it. `units` as in
    `sampling_error`.
    """
    error = sampling_error(noisy, units)
    usable = np.isfinite(error) & (error > 0)
    share = np.full(len(result), np.nan)
    total = state.true_sd**2 + error**2
    np.divide(state.true_sd**2, total, out=share, where=usable & np.isfinite(total))
    return pd.DataFrame(
        {
            "ccn": hospitals,
            "result": result,
            "result_error": error,
            "reliability": share,
            "shrunken": state.mean + share * (result - state.mean),
            "sign_agreement": (np.sign(noisy) == np.sign(result)[:, None]).mean(axis=1),
        }
    )


def panel_needed(
    error: Array, benes: Array, change: float, power: float, level: float = 0.95
) -> Array:
    """Return the panel at which a true change is told from none as often as wished (rule M7).

    A result's error falls with the root of the panel; the test is two-sided at 1 - `level`. NaN
    for a hospital without people or error.
    """
    constant = error * np.sqrt(benes)
    reach = special.ndtri((1 + level) / 2) + special.ndtri(power)
    needed = np.ceil((reach * constant / change) ** 2)
    return np.where((constant > 0) & np.isfinite(constant), needed, np.nan)


def regression_to_the_mean(before: Array, after: Array) -> tuple[float, float, float]:
    """Return the slope of a year's growth on the year before's, and its 95% interval (rule M7).

    Ordinary least squares over hospitals with errors that need no equal variance (HC3). NaN for
    fewer than five hospitals.
    """
    from tcoc.rules import regressions as sm

    known = np.isfinite(before) & np.isfinite(after)
    if known.sum() < 5 or np.ptp(before[known]) == 0:
        return float("nan"), float("nan"), float("nan")
    model = sm.OLS(after[known], sm.add_constant(before[known])).fit(cov_type="HC3")
    low, high = model.conf_int()[1]
    return float(model.params[1]), float(low), float(high)


def signal_share(dollars: Array, error: Array, true_sd: float) -> float:
    """Return the share of the dollars moved that rests on true differences (rule M7).

    The mean reliability of results with these errors where true results vary by `true_sd`, each
    hospital weighted by the size of its dollars; NaN where that is not known.
    """
    if not np.isfinite(true_sd):
        return float("nan")
    known = np.isfinite(error) & (error > 0)
    size = np.where(known, np.abs(dollars), 0.0)
    share = true_sd**2 / (true_sd**2 + np.where(known, error, 1.0) ** 2)
    return float((size * share).sum() / size.sum()) if size.sum() else 0.0


def heterogeneity_row(found: Heterogeneity) -> dict[str, float]:
    """Return the state's figures as a row, with what noise alone would show beside them."""
    noise = {"noise_agreement": NOISE_AGREEMENT, "noise_slope": NOISE_SLOPE}
    return {**asdict(found), **noise}
