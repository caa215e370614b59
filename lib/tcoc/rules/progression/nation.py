"""Published metrics and savings, and spending against national growth (sections I.C and VII)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from tcoc.reference.published import PublishedFile, Target


def metric_status(value: float | None, target: Target, year: int) -> str:
    """Say whether a value meets its target in a year: met, not met, not yet due, or no value."""
    if value is None or math.isnan(value):
        return "no value"
    held = value <= target.value if target.sense == "at_most" else value >= target.value
    if held:
        return "met"
    return "not yet due" if target.due and year < target.due else "not met"


def metrics(published: PublishedFile) -> pd.DataFrame:
    """Return each published metric with its target and whether it is met (Figure 1).

    One row per metric, year and vintage. A metric without target is an error of the file.
    """
    frame = published.frame()
    targets = {name: metric.target for name, metric in published.metrics.items() if metric.target}
    frame["target"] = [targets[m].value for m in frame["metric"]]
    frame["target_words"] = [targets[m].words for m in frame["metric"]]
    frame["target_sense"] = [targets[m].sense for m in frame["metric"]]
    frame["target_source"] = [published.sources[targets[m].source] for m in frame["metric"]]
    frame["status"] = [
        metric_status(value, targets[name], int(year))
        for name, value, year in zip(frame["metric"], frame["value"], frame["year"], strict=True)
    ]
    return frame


@dataclass(frozen=True)
class Guardrail:
    """When total cost of care growth above the nation's breaks the agreement."""

    points: float
    years: int


def savings(path: pd.DataFrame, base: int | None = None) -> pd.DataFrame:
    """Return savings: what spending would have been at national growth, less actual; cumulative.

    Takes one row per year, ascending: year, per_capita (dollars), beneficiaries (months / 12) and
    national_growth (share; not used in the base year, which is the first unless given). Adds
    at_national_growth (dollars per beneficiary: the base, grown at national rates since), growth,
    difference (Maryland's growth less the nation's), saving_per_beneficiary, saving and
    cumulative_saving (dollars). From the first year without a national rate on, all these but
    growth are missing: no rate is ever assumed.

    Source: issue text and section I.C of the draft plan (savings against national growth); that
    growth compounds from the base year is our reading.
    """
    out = path.reset_index(drop=True).copy()
    out["growth"] = out["per_capita"] / out["per_capita"].shift() - 1
    start = base if base is not None else int(out["year"].iloc[0])
    since = out["year"] >= start
    rate = out["national_growth"].where(out["year"] > start, 0.0)
    factor = (1 + rate[since]).cumprod(skipna=False).reindex(out.index)
    out["at_national_growth"] = float(out.loc[out["year"] == start, "per_capita"].iloc[0]) * factor
    out["difference"] = out["growth"] - out["national_growth"]
    out["saving_per_beneficiary"] = out["at_national_growth"] - out["per_capita"]
    out["saving"] = out["saving_per_beneficiary"] * out["beneficiaries"]
    out["cumulative_saving"] = cumulative(out.loc[since, "saving"]).reindex(out.index)
    return out


def savings_base(path: pd.DataFrame) -> int:
    """Return the base year: the earliest from which every later year has a national rate.

    Where the last year has none, it is the first year, and the gap is seen.
    """
    base = int(path["year"].iloc[-1])
    for year, before, rate in zip(
        path["year"][::-1], path["year"].shift()[::-1], path["national_growth"][::-1], strict=True
    ):
        if math.isnan(rate) or year - before != 1:
            break
        base = int(before)
    return base if base < path["year"].iloc[-1] else int(path["year"].iloc[0])


def cumulative(annual: pd.Series) -> pd.Series:
    """Return running totals; from the first missing year on they are missing."""
    return annual.cumsum(skipna=False)


def breaks_guardrail(differences: Sequence[float], rule: Guardrail) -> list[str]:
    """Say for each year whether the guardrail holds; unknown where the growth is.

    A year breaks it when growth exceeds the nation's by more than `points`, or when it is above
    the nation's for the `years`-th time running.
    """
    words: list[str] = []
    running = 0
    for difference in differences:
        if math.isnan(difference):
            running = 0
            words.append("unknown")
            continue
        running = running + 1 if difference > 0 else 0
        broken = difference > rule.points or running >= rule.years
        words.append("broken" if broken else "holds")
    return words


def guarded(frame: pd.DataFrame, rule: Guardrail) -> pd.DataFrame:
    """Add `guardrail` (holds, broken, unknown) to rows of year and difference, series by series."""
    ordered = frame.sort_values("year", kind="stable")
    series = ordered["series"] if "series" in ordered else pd.Series("", index=ordered.index)
    words: dict[Any, str] = {}
    for _, part in ordered.groupby(series, sort=False):
        verdicts = breaks_guardrail(part["difference"].tolist(), rule)
        words |= dict(zip(part.index, verdicts, strict=True))
    return frame.assign(guardrail=[words[row] for row in frame.index])


def published_savings(published: PublishedFile, vintage: str) -> pd.DataFrame:
    """Return published annual and cumulative savings, hospital, non-hospital and total.

    One row per year and part. Non-hospital is total less hospital of the same vintage and is as
    sure as the less sure of the two. Cumulative is the running total of the years of the vintage.
    """
    frame = published.frame()
    frame = frame[frame["vintage"] == vintage]
    names = {"hospital_savings": "hospital", "total_savings": "total"}
    chosen = frame[frame["metric"].isin(names)].copy()
    chosen["part"] = chosen["metric"].map(names)
    wide = chosen.pivot(index="year", columns="part", values=["value", "confidence", "source"])
    years = sorted(wide.index)
    rows = [_savings_row(wide, year, part) for part in ("hospital", "total") for year in years]
    rows += [_remainder(wide, year) for year in years]
    out = pd.DataFrame(rows)
    out["cumulative"] = out.groupby("part", sort=False)["saving"].transform(cumulative)
    out["cumulative_confidence"] = _cumulative_confidence(out, frame)
    out["vintage"] = published.vintages[vintage]
    out["basis"] = "published"
    return out.sort_values(["part", "year"], ignore_index=True)


def _cumulative_confidence(rows: pd.DataFrame, printed: pd.DataFrame) -> list[str]:
    """A running total is as sure as its printed twin; without one, as its least sure year."""
    twins = printed[printed["metric"].str.endswith("_cumulative")]
    sure = {
        (metric.split("_")[0], year, value): confidence
        for metric, year, value, confidence in zip(
            twins["metric"], twins["year"], twins["value"], twins["confidence"], strict=True
        )
    }
    memory = rows["confidence"].eq("recalled").groupby(rows["part"]).cummax()
    return [
        sure.get((part, year, total), "recalled" if recalled else "sourced")
        for part, year, total, recalled in zip(
            rows["part"], rows["year"], rows["cumulative"], memory, strict=True
        )
    ]


def _savings_row(wide: pd.DataFrame, year: int, part: str) -> dict[str, object]:
    value = cast(float, wide.loc[year, ("value", part)])
    return {
        "year": year,
        "part": part,
        "saving": float(value),
        "confidence": wide.loc[year, ("confidence", part)],
        "source": wide.loc[year, ("source", part)],
    }


def _remainder(wide: pd.DataFrame, year: int) -> dict[str, object]:
    both = {part: _savings_row(wide, year, part) for part in ("hospital", "total")}
    sure = {str(row["confidence"]) for row in both.values()}
    return {
        "year": year,
        "part": "nonhospital",
        "saving": cast(float, both["total"]["saving"]) - cast(float, both["hospital"]["saving"]),
        "confidence": "recalled" if "recalled" in sure else "sourced",
        "source": "total less hospital, same vintage",
    }


def annual_differences(published: PublishedFile) -> pd.DataFrame:
    """Return published growth against the nation in each year, from the printed cumulative values.

    One row per vintage and year: series, year, difference (share), confidence. The year's own
    difference is (1 + cumulative) / (1 + cumulative before) - 1, within one vintage; it is as sure
    as the less sure of the two.
    """
    frame = published.frame()
    frame = frame[frame["metric"] == "total_growth_difference"].sort_values("year", kind="stable")
    rows = []
    for vintage, part in frame.groupby("vintage", sort=True):
        before, memory = 0.0, False
        for row in part.to_dict("records"):
            total = row["value"] / 100
            memory = memory or row["confidence"] == "recalled"
            rows.append(
                {
                    "series": published.vintages[str(vintage)],
                    "year": int(row["year"]),
                    "difference": (total - before) / (1 + before),
                    "confidence": "recalled" if memory else row["confidence"],
                }
            )
            before, memory = total, row["confidence"] == "recalled"
    return pd.DataFrame(rows)


def growth_by_part(published: PublishedFile, hospital_share: float) -> pd.DataFrame:
    """Return growth against the nation in each year, hospital, non-hospital and total (I.C).

    One row per vintage, year and part: difference (percentage points), basis. Hospital and total
    follow from the printed cumulative differences of one vintage; with hospital care a share h of
    spending, non-hospital is (total - h x hospital) / (1 - h), which assumes that Maryland and the
    nation have the same split.
    """
    frame = published.frame()
    parts = {"hospital_growth_difference": "hospital", "total_growth_difference": "total"}
    chosen = frame[frame["metric"].isin(parts)].sort_values(["vintage", "year"], kind="stable")
    rows: list[dict[str, object]] = []
    for (vintage, metric), part in chosen.groupby(["vintage", "metric"], sort=True):
        before = 0.0
        for year, value, confidence in zip(
            part["year"], part["value"], part["confidence"], strict=True
        ):
            after = value / 100
            change = 100 * (after - before) / (1 + before)
            rows.append(_difference(vintage, year, parts[str(metric)], change, confidence))
            before = after
    wide = pd.DataFrame(rows).pivot(index=["vintage", "year"], columns="part", values="difference")
    for (vintage, year), both in wide.dropna().iterrows():  # type: ignore[misc]
        rest = (both["total"] - hospital_share * both["hospital"]) / (1 - hospital_share)
        rows.append(_difference(vintage, year, "nonhospital", rest, "derived"))
    order = {"hospital": 0, "nonhospital": 1, "total": 2}
    out = pd.DataFrame(rows)
    out = out.sort_values(
        ["vintage", "year", "part"],
        key=lambda column: column.map(order) if column.name == "part" else column,
        ignore_index=True,
    )
    return out.assign(vintage=out["vintage"].map(published.vintages))


def _difference(
    vintage: object, year: object, part: str, difference: float, basis: object
) -> dict[str, object]:
    return {
        "vintage": vintage, "year": year, "part": part, "difference": difference, "basis": basis,
    }  # fmt: skip


def cumulative_gaps(published: PublishedFile) -> pd.DataFrame:
    """Compare printed cumulative savings with the sum of the printed years, per vintage.

    One row per series and year where both are printed; `gap` is printed less summed.
    """
    frame = published.frame()
    rows = []
    for name in ("hospital_savings", "total_savings"):
        for vintage in published.vintages:
            years = frame[(frame["metric"] == name) & (frame["vintage"] == vintage)]
            sums = cumulative(years.sort_values("year").set_index("year")["value"])
            printed = frame[
                (frame["metric"] == f"{name}_cumulative") & (frame["vintage"] == vintage)
            ]
            rows += [
                {"series": name, "vintage": vintage, "year": y, "printed": v, "summed": sums[y]}
                for y, v in zip(printed["year"], printed["value"], strict=True)
                if y in sums.index
            ]
    out = pd.DataFrame(rows, columns=["series", "vintage", "year", "printed", "summed"])
    out["gap"] = out["printed"] - out["summed"]
    return out


def national_growth(
    years: Iterable[int],
    published: PublishedFile,
    rate_years: Mapping[int, tuple[float, str]],
    lag: int,
    base: int,
) -> pd.DataFrame:
    """Return the national growth rate of each year, its source, or the reason that it is missing.

    A run's rate years come first: rate year R gives growth from `base` to R - lag, and a year's own
    growth follows from two neighbors. Then published values, the latest vintage. Nothing else.
    """
    since_base = {base: 1.0} | {r - lag: 1 + g for r, (g, _) in rate_years.items()}
    sources = {r - lag: source for r, (_, source) in rate_years.items()}
    printed = published.frame()
    printed = printed[printed["metric"] == "national_growth_total"]
    rows = [
        _one_growth(y, since_base, sources, printed[printed["year"] == y]) for y in sorted(years)
    ]
    columns = ["year", "national_growth", "confidence", "source", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _one_growth(
    year: int, since_base: Mapping[int, float], sources: Mapping[int, str], printed: pd.DataFrame
) -> dict[str, object]:
    if year in sources and year - 1 in since_base:
        growth = since_base[year] / since_base[year - 1] - 1
        return _growth_row(year, growth, "run file", sources[year], "")
    given = printed[printed["value"].notna()]
    if not given.empty:
        last = given.iloc[-1]
        return _growth_row(year, last["value"], last["confidence"], last["source"], "")
    reasons = [*printed["reason"], "neither the run file nor a published source gives it"]
    return _growth_row(year, math.nan, "", "", reasons[0])


def _growth_row(
    year: int, growth: float, confidence: str, source: str, reason: str
) -> dict[str, object]:
    return {
        "year": year,
        "national_growth": growth,
        "confidence": confidence,
        "source": source,
        "reason": reason,
    }
