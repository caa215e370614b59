"""What chance alone does to the adjustment (rule M6): intervals, and how large a panel must be.

Replicates come from the bootstrap over panels and home ZIPs (rule R6). A hospital "with no true
change" is its own replicates moved so that they center on a result of zero, without quality.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from tcoc.rules.inference.intervals import bounds
from tcoc.rules.mpa.scale import Array, scaled_result


def noise_table(
    hospitals: Sequence[str],
    percent: Array,
    noisy: Array,
    result: Array,
    noisy_result: Array,
    terms: tuple[float, float],
    level: float,
    units: Array | None = None,
) -> pd.DataFrame:
    """Return each hospital's percentage with its interval and what chance alone would pay.

    hospitals x replicates in; one row per hospital out. `terms` are threshold and revenue at risk,
    `units` how many units of equal size each hospital rests on (rule R6, `intervals.bounds`).
    `result_error` is the standard deviation of the result; `chance_half` and `chance_cap` are the
    probabilities that a hospital with no true change reaches half or all of the revenue at risk.
    """
    threshold, at_risk = terms
    ends = bounds("percent", noisy, level, units) | bounds("result", noisy_result, level, units)
    centred = scaled_result(noisy_result - result[:, None], threshold, at_risk)
    return pd.DataFrame(
        {
            "ccn": list(hospitals),
            "mpa_percent": percent,
            "percent_low": ends["percent_low"],
            "percent_high": ends["percent_high"],
            "result": result,
            "result_low": ends["result_low"],
            "result_high": ends["result_high"],
            "result_error": np.nanstd(noisy_result, axis=1, ddof=1),
            "probability_up": (noisy > 0).mean(axis=1),
            "probability_down": (noisy < 0).mean(axis=1),
            "chance_half": (np.abs(centred) >= at_risk / 2).mean(axis=1),
            "chance_cap": (np.abs(centred) >= at_risk).mean(axis=1),
        }
    )


def noise_constant(error: Array, benes: Array) -> float:
    """Return the median of error x root of beneficiaries: a result's error is this over root n."""
    usable = np.isfinite(error) & (benes > 0)
    return float(np.median((error * np.sqrt(benes))[usable])) if usable.any() else float("nan")


def panel_table(
    constant: float, changes: Sequence[float], certainty: float, benes: Array
) -> pd.DataFrame:
    """Return the fewest beneficiaries with which the sign is right as often as wished (M6).

    One row per true change: `min_benes`, and how many of the hospitals have as many.
    """
    change = np.array(changes, dtype=float)
    fewest = np.ceil((special.ndtri(certainty) * constant / change) ** 2)
    return pd.DataFrame(
        {
            "true_change": change,
            "certainty": certainty,
            "min_benes": fewest,
            "hospitals_large_enough": [int((benes >= n).sum()) for n in fewest],
            "hospitals": len(benes),
        }
    )


def chance_by_size(
    constant: float, sizes: Sequence[int], thresholds: Sequence[float]
) -> pd.DataFrame:
    """Return what a hospital with no true change is paid by chance, by panel size and threshold.

    `result_error`; `chance_half` and `chance_cap`, the probabilities of reaching half or all of
    the revenue at risk in either direction; `mean_share`, the mean share of it that is moved.
    """
    return pd.DataFrame([_chance(constant, n, cap) for n in sizes for cap in thresholds])


def _chance(constant: float, size: int, threshold: float) -> dict[str, float]:
    error = constant / np.sqrt(size)
    if not error > 0:  # without any variation chance pays nobody; without a figure nothing is said
        none = 0.0 if error == 0 else float("nan")
        kinds = ("chance_half", "chance_cap", "mean_share")
        return {"benes": size, "threshold": threshold, "result_error": error} | dict.fromkeys(
            kinds, none
        )
    return {
        "benes": size,
        "threshold": threshold,
        "result_error": error,
        "chance_half": float(2 * special.ndtr(-threshold / 2 / error)),
        "chance_cap": float(2 * special.ndtr(-threshold / error)),
        "mean_share": _mean_share(threshold / error),
    }


def _mean_share(cap: float) -> float:
    """Return the mean of min(|z|, cap) / cap for a standard normal z."""
    density = np.exp(-(np.array([0.0, cap]) ** 2) / 2) / np.sqrt(2 * np.pi)
    inside = 2 * (density[0] - density[1])
    return float((inside + cap * 2 * special.ndtr(-cap)) / cap)
