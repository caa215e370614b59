"""Figure data of the All-Payer Model Progression Plan.

Pure functions: published numbers and small tables of a run go in, the tables behind the figures
come out. Dollars are exact until a ratio is taken. Nothing here knows whether a number is
published or computed; the tables say so themselves, in their `basis` column.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.reference.published import DriverDiagram, PublishedFile, Target, Timeline
from tcoc.store.schema import HOSPITAL_SETTINGS, SPENDING_COLUMNS

CENT = Decimal("0.01")
STAGES = ("aco_like", "mdpcp_like", "geographic")
SETTING_ORDER = (*HOSPITAL_SETTINGS, *(s for s in SPENDING_COLUMNS if s not in HOSPITAL_SETTINGS))
"""Hospital settings first, so that charts show the two parts side by side."""
COST_GROUPS = (
    ("top 1 %", 1),
    ("2nd to 5th %", 5),
    ("6th to 10th %", 10),
    ("11th to 50th %", 50),
    ("lower half", 100),
)
"""Groups of people by spending: name and the last percentile that belongs to it, dearest first."""

GONE = "not eligible"
"""The group of next year of people who died, moved away or left Medicare fee for service."""


# ---------------------------------------------------------------- 1 metrics against targets


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


# ---------------------------------------------------------------- 2 savings against the nation


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
                    "difference": (1 + total) / (1 + before) - 1,
                    "confidence": "recalled" if memory else row["confidence"],
                }
            )
            before, memory = total, row["confidence"] == "recalled"
    return pd.DataFrame(rows)


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
    growth follows from two neighbours. Then published values, the latest vintage. Nothing else.
    """
    since_base = {base: 1.0} | {r - lag: 1 + g for r, (g, _) in rate_years.items()}
    sources = {r - lag: source for r, (_, source) in rate_years.items()}
    printed = published.frame()
    printed = printed[printed["metric"] == "national_growth_total"]
    rows = [
        _one_growth(y, since_base, sources, printed[printed["year"] == y]) for y in sorted(years)
    ]
    return pd.DataFrame(rows)


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


# ---------------------------------------------------------------- 3 parts of the total


def per_capita_parts(
    dollars: Mapping[str, Decimal], months: int, completion: float = 1.0
) -> dict[str, Decimal]:
    """Return dollars per beneficiary-year of each part, to the cent, adding to the total's exactly.

    Rule T2. The total is rounded half up; cents that rounding the parts loses go to the parts with
    the largest remainders, ties in the order given.
    """
    factor = Fraction(12) / months / Fraction(str(completion))
    exact = {part: Fraction(amount) * factor * 100 for part, amount in dollars.items()}
    cents = {part: math.floor(value) for part, value in exact.items()}
    missing = math.floor(sum(exact.values()) + Fraction(1, 2)) - sum(cents.values())
    order = sorted(exact, key=lambda part: cents[part] - exact[part])
    for part in order[:missing]:
        cents[part] += 1
    return {part: Decimal(value) * CENT for part, value in cents.items()}


def contributions(parts: Mapping[int, Mapping[str, Decimal]]) -> pd.DataFrame:
    """Return what each part adds to the growth of the total per beneficiary, year on year.

    One row per year and part, and `total`: per_capita, before, change (dollars, exact decimals that
    add up), growth (the part's own), points (change over the total before; they add up too).
    """
    years = sorted(parts)
    rows: list[dict[str, object]] = []
    for before, year in pairwise(years):
        old, new = parts[before], parts[year]
        base = sum(old.values(), Decimal(0))
        named = {part: (old[part], new[part]) for part in new}
        named["total"] = (base, sum(new.values(), Decimal(0)))
        rows += [_contribution(year, part, *pair, base) for part, pair in named.items()]
    return pd.DataFrame(
        rows, columns=["year", "part", "per_capita", "before", "change", "growth", "points"]
    )


def _contribution(
    year: int, part: str, before: Decimal, after: Decimal, base: Decimal
) -> dict[str, object]:
    change = after - before
    return {
        "year": year,
        "part": part,
        "per_capita": after,
        "before": before,
        "change": change,
        "growth": float(change / before) if before else math.nan,
        "points": float(change / base) if base else math.nan,
    }


def hospital_parts(settings: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the settings' dollars as hospital and non-hospital (rule T4)."""
    hospital = sum((settings[s] for s in HOSPITAL_SETTINGS), Decimal(0))
    return {"hospital": hospital, "nonhospital": sum(settings.values(), Decimal(0)) - hospital}


def offsetting_growth(hospital_share: float) -> float:
    """Return how many points of non-hospital growth undo one point less of hospital growth."""
    return hospital_share / (1 - hospital_share)


# ---------------------------------------------------------------- people of a run


def person_years(beneficiary_year: ir.Table, attribution: ir.Table, places: ir.Table) -> ir.Table:
    """Return one row per year and beneficiary with dollars: where they live and who they belong to.

    Adds stage and aco_id (one each per person and year, rule A1), county and region of the home ZIP
    (`places`: zip, county, region), hospital and nonhospital dollars (rule T4). Years without
    claims have no dollars and no rows.
    """
    people = beneficiary_year.filter(beneficiary_year.tcoc.notnull())
    belongs = attribution.group_by(["year", "bene_id"]).agg(
        stage=attribution.stage.min(), aco_id=attribution.aco_id.min()
    )
    joined = people.left_join(belongs, ["year", "bene_id"]).drop("year_right", "bene_id_right")
    joined = joined.left_join(places, "zip")
    hospital = joined[HOSPITAL_SETTINGS[0]]
    for setting in HOSPITAL_SETTINGS[1:]:
        hospital = hospital + joined[setting]
    return joined.mutate(
        county=joined.county.fill_null("Unknown"),
        region=joined.region.fill_null("Unknown"),
        aco_id=joined.aco_id.fill_null(""),
        stage=joined.stage.fill_null("none"),
        hospital=hospital.cast("decimal(18, 2)"),
        nonhospital=(joined.tcoc - hospital).cast("decimal(18, 2)"),
    ).select(*PERSON_COLUMNS)


PERSON_COLUMNS = (
    "year",
    "bene_id",
    "eligible_months",
    "age",
    "dual",
    "esrd",
    "originally_disabled",
    "county",
    "region",
    "stage",
    "aco_id",
    "hospital",
    "nonhospital",
    *SPENDING_COLUMNS,
    "tcoc",
)


def _totals(table: ir.Table) -> dict[str, ir.Value]:
    """Return people, months and dollars of a group, with types that hold in Parquet."""
    return {
        "benes": table.count().cast("int32"),
        "eligible_months": table.eligible_months.cast("int32").sum().cast("int32"),
        "hospital": table.hospital.sum().cast("decimal(18, 2)"),
        "nonhospital": table.nonhospital.sum().cast("decimal(18, 2)"),
        "tcoc": table.tcoc.sum().cast("decimal(18, 2)"),
    }


def landscape(people: ir.Table) -> ir.Table:
    """Return people, months and dollars by year, region, county, stage, ACO and dual status."""
    keys = ["year", "region", "county", "stage", "aco_id", "dual"]
    return people.group_by(keys).agg(**_totals(people))


def settings_by_year(people: ir.Table) -> ir.Table:
    """Return people, months and the dollars of every setting by year (they add to tcoc)."""
    sums = {s: people[s].sum().cast("decimal(18, 2)") for s in SPENDING_COLUMNS}
    return people.group_by("year").agg(**_totals(people), **sums)


def ranked(people: ir.Table) -> ir.Table:
    """Return each person's percentile of spending within the year: 1 is the dearest hundredth.

    Order: tcoc high, bene_id low; a person with part of a year counts as a person.
    """
    by_year = ibis.window(group_by="year", order_by=[people.tcoc.desc(), people.bene_id.asc()])
    place = ibis.row_number().over(by_year).cast("int64")
    size = people.count().over(ibis.window(group_by="year")).cast("int64")
    numbered = people.select("year", "bene_id", "tcoc", place=place, size=size)
    return numbered.select(
        "year",
        "bene_id",
        "tcoc",
        percentile=((numbered.place * 100 / numbered.size).floor().cast("int32") + 1).cast("int32"),
    )


def concentration(ranks: ir.Table) -> ir.Table:
    """Return people and dollars by year and percentile of spending, dearest first."""
    return ranks.group_by(["year", "percentile"]).agg(
        benes=ranks.count().cast("int32"), tcoc=ranks.tcoc.sum().cast("decimal(18, 2)")
    )


def cost_group(percentile: ir.Value) -> ir.Value:
    """Return the name of the spending group of a percentile."""
    cases = [(percentile <= last, name) for name, last in COST_GROUPS[:-1]]
    return ibis.cases(*cases, else_=COST_GROUPS[-1][0])


def persistence(ranks: ir.Table) -> ir.Table:
    """Return people and dollars by year, spending group and the group of the next year.

    Every year but the last of the run; people without an eligible month in the next year are
    `not eligible` there.
    """
    last = ranks.aggregate(last=ranks.year.max())
    now = ranks.select("year", "bene_id", "tcoc", cost_group=cost_group(ranks.percentile))
    next_year = ranks.select(
        year=(ranks.year - 1).cast("int32"),
        bene_id="bene_id",
        next_group=cost_group(ranks.percentile),
        next_tcoc="tcoc",
    )
    now = now.mutate(year=now.year.cast("int32")).cross_join(last)
    now = now.filter(now.year < now["last"]).drop("last")
    both = now.left_join(next_year, ["year", "bene_id"])
    both = both.select(
        "year", "cost_group", "tcoc", "next_tcoc", next_group=both.next_group.fill_null(GONE)
    )
    return both.group_by(["year", "cost_group", "next_group"]).agg(
        benes=both.count().cast("int32"),
        tcoc=both.tcoc.sum().cast("decimal(18, 2)"),
        next_tcoc=both.next_tcoc.sum().fill_null(0).cast("decimal(18, 2)"),
    )


# ---------------------------------------------------------------- 6 need and avoidable use


def inpatient_stays(facility: ir.Table, return_days: int, short_days: int) -> ir.Table:
    """Return inpatient stays with their dollars, length and whether they are a return.

    One row per (bene_id, stay). Claims of a person that touch or overlap, transfers on the same day
    included, are one stay, and it lies in the year of its last date (rule I4). A stay that begins
    1 to `return_days` days after the last one is a return, whatever the cause: the store has no
    diagnoses, so planned and unrelated stays are in it. A short stay lasts at most `short_days`.
    """
    claims = facility.filter(facility.setting == "inpatient")
    order = [claims.from_date.asc(), claims.thru_date.asc(), claims.claim_id.asc()]
    earlier = ibis.window(group_by="bene_id", order_by=order, preceding=(None, 1))
    marked = claims.mutate(before=claims.thru_date.max().over(earlier))
    starts = ibis.ifelse(marked.before.isnull() | (marked.from_date > marked.before), 1, 0).cast(
        "int32"
    )
    marked = marked.mutate(starts=starts)
    so_far = ibis.window(
        group_by="bene_id",
        order_by=[marked.from_date.asc(), marked.thru_date.asc(), marked.claim_id.asc()],
        preceding=None,
        following=0,
    )
    marked = marked.mutate(stay=marked.starts.sum().over(so_far).cast("int32"))
    first = marked.starts == 1
    stays = marked.group_by(["bene_id", "stay"]).agg(
        from_date=marked.from_date.min(),
        thru_date=marked.thru_date.max(),
        before=marked.before.min(where=first),
        paid=marked.paid_amount.sum().cast("decimal(18, 2)"),
    )
    gap = stays.from_date.delta(stays.before, unit="day")
    length = stays.thru_date.delta(stays.from_date, unit="day")
    return stays.select(
        "bene_id",
        "stay",
        "paid",
        year=stays.thru_date.year().cast("int32"),
        is_return=(stays.before.notnull() & (gap <= return_days)).fill_null(False),
        is_short=length <= short_days,
    )


def avoidable_use(stays: ir.Table, people: ir.Table) -> ir.Table:
    """Return stays and dollars of eligible people by year, stage, return and short."""
    known = people.select("year", "bene_id", "stage")
    known = known.mutate(year=known.year.cast("int32"))
    joined = stays.inner_join(known, ["year", "bene_id"])
    return joined.group_by(["year", "stage", "is_return", "is_short"]).agg(
        stays=joined.count().cast("int32"),
        benes=joined.bene_id.nunique().cast("int32"),
        paid=joined.paid.sum().cast("decimal(18, 2)"),
    )


def need_flags(people: ir.Table, stays: ir.Table, old_age: int, many_stays: int) -> ir.Table:
    """Return people with yes-or-no proxies of chronic need, and how many apply.

    What the store can tell without diagnoses: ESRD, dual, originally disabled, age, inpatient
    stays, skilled nursing or home health, hospice.
    """
    counts = stays.group_by(["year", "bene_id"]).agg(stays=stays.count().cast("int32"))
    left = people.mutate(year=people.year.cast("int32"))
    joined = left.left_join(counts, ["year", "bene_id"]).drop("year_right", "bene_id_right")
    flags = {
        "esrd": joined.esrd,
        "dual": joined.dual,
        "originally_disabled": joined.originally_disabled,
        "old": joined.age >= old_age,
        "many_stays": joined.stays.fill_null(0) >= many_stays,
        "post_acute": (joined.snf > 0) | (joined.hha > 0),
        "hospice": joined.hospice > 0,
    }
    ones = [ibis.ifelse(flag, 1, 0).cast("int32") for flag in flags.values()]
    number = ones[0]
    for one in ones[1:]:
        number = number + one
    kept = {f"need_{name}": flag for name, flag in flags.items()}
    return joined.select(
        "year",
        "bene_id",
        "eligible_months",
        "hospital",
        "nonhospital",
        "tcoc",
        **kept,
        needs=number.cast("int32"),
    )


NEEDS = (
    ("esrd", "End-stage renal disease"),
    ("dual", "Dual eligible"),
    ("originally_disabled", "Originally disabled"),
    ("old", "Advanced age"),
    ("many_stays", "Several inpatient stays"),
    ("post_acute", "Skilled nursing or home health"),
    ("hospice", "Hospice"),
)


def need_table(flagged: ir.Table) -> ir.Table:
    """Return people and dollars by year and number of proxies (0, 1, 2, 3 for three or more)."""
    capped = flagged.mutate(needs=ibis.least(flagged.needs, 3).cast("int32"))
    return capped.group_by(["year", "needs"]).agg(**_totals(capped))


def need_proxies(flagged: ir.Table) -> ir.Table:
    """Return people and dollars by year and proxy; a person counts under each that applies."""
    tables = []
    for name, _ in NEEDS:
        chosen = flagged.filter(flagged[f"need_{name}"])
        tables.append(
            chosen.group_by("year").agg(**_totals(chosen)).mutate(proxy=ibis.literal(name))
        )
    return ibis.union(*tables, distinct=False)


# ---------------------------------------------------------------- 7 Medicaid of dual eligibles


def medicaid_by_stage(
    medicaid: ir.Table, months: ir.Table, people: ir.Table, year: int
) -> ir.Table:
    """Return Medicaid dollars of a year's dual eligibles by stage, in their eligible months only.

    Takes bene_id, month and amount; `months` are the eligible months of the year (rule P1), so
    that both payers' dollars have the same months below them. A month counts by its first day.
    """
    duals = people.filter(people.year == year, people.dual).select("bene_id", "stage")
    paid = medicaid.select(
        payee=medicaid.bene_id.cast("string"),
        paid_month=medicaid.month.cast("date").truncate("M"),
        amount=medicaid.amount.cast("decimal(18, 2)"),
    )
    own = months.select("bene_id", eligible_month=months.month).inner_join(
        paid, [("bene_id", "payee"), ("eligible_month", "paid_month")]
    )
    sums = own.group_by("bene_id").agg(amount=own.amount.sum().cast("decimal(18, 2)"))
    joined = duals.left_join(sums, "bene_id")
    return (
        joined.group_by("stage")
        .agg(
            year=ibis.literal(year).cast("int32"),
            benes=joined.count().cast("int32"),
            medicaid=joined.amount.sum().fill_null(0).cast("decimal(18, 2)"),
        )
        .select("year", "stage", "benes", "medicaid")
    )


# ---------------------------------------------------------------- 6 to 8 small tables


def lorenz(percentiles: pd.DataFrame) -> pd.DataFrame:
    """Return cumulative shares of people and dollars, dearest first, from 0 to 1 (one year)."""
    ordered = percentiles.sort_values("percentile", ignore_index=True)
    people = _shares(ordered["benes"])
    dollars = _shares(ordered["tcoc"])
    return pd.DataFrame({"people": [0.0, *people], "dollars": [0.0, *dollars]})


def _shares(amounts: pd.Series) -> list[float]:
    total = sum(amounts)
    running = amounts.cumsum()
    return [float(x / total) if total else math.nan for x in running]


def top_shares(percentiles: pd.DataFrame, tops: Sequence[int] = (1, 5, 10)) -> dict[int, float]:
    """Return the share of dollars that the dearest 1, 5 and 10 % of people account for."""
    total = sum(percentiles["tcoc"])
    return {
        top: float(sum(percentiles.loc[percentiles["percentile"] <= top, "tcoc"]) / total)
        for top in tops
    }


@dataclass(frozen=True)
class DesignOption:
    """A design of section V: whose hospital and non-hospital dollars it makes accountable."""

    key: str
    label: str
    hospital_stages: tuple[str, ...]
    nonhospital_stages: tuple[str, ...]
    duals: bool | None = None


DESIGN_OPTIONS = (
    DesignOption("budgets", "Hospital global budgets (today)", STAGES, ()),
    DesignOption("aco", "ACOs", ("aco_like",), ("aco_like",)),
    DesignOption(
        "aco_no_duals", "ACOs without dual eligibles", ("aco_like",), ("aco_like",), False
    ),
    DesignOption("primary_care", "Primary care homes", ("mdpcp_like",), ("mdpcp_like",)),
    DesignOption(
        "geographic", "Geographic, where no clinician is chosen", ("geographic",), ("geographic",)
    ),
    DesignOption("dual", "Dual Eligible Model", STAGES, STAGES, True),
    DesignOption("budgets_aco", "Budgets + ACOs", STAGES, ("aco_like",)),
    DesignOption("budgets_aco_pc", "Budgets + ACOs + primary care homes", STAGES, STAGES[:2]),
    DesignOption("all", "Budgets + all three stages", STAGES, STAGES),
)
"""Design options, in the order of the figure. What each makes accountable is our reading of
sections IV, V.J and VI; each is stated under the figure."""


def design_options(
    cube: pd.DataFrame, options: Sequence[DesignOption] = DESIGN_OPTIONS
) -> pd.DataFrame:
    """Return the dollars and people for which each design option makes somebody accountable.

    Takes one year of `landscape`. One row per option and part (hospital, nonhospital, total).
    """
    everything = {part: sum(cube[part]) for part in ("hospital", "nonhospital")}
    whole = sum(everything.values())
    rows = []
    for option in options:
        people = cube if option.duals is None else cube[cube["dual"] == option.duals]
        dollars = {
            "hospital": sum(people.loc[people["stage"].isin(option.hospital_stages), "hospital"]),
            "nonhospital": sum(
                people.loc[people["stage"].isin(option.nonhospital_stages), "nonhospital"]
            ),
        }
        dollars["total"] = dollars["hospital"] + dollars["nonhospital"]
        stages = {*option.hospital_stages, *option.nonhospital_stages}
        benes = int(people.loc[people["stage"].isin(stages), "benes"].sum())
        rows += [
            {
                "option": option.key,
                "part": part,
                "benes": benes,
                "dollars": float(amount),
                "share": float(amount / whole) if whole else math.nan,
            }
            for part, amount in dollars.items()
        ]
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- 4 and 5 diagrams as data


def diagram_rows(diagram: DriverDiagram) -> pd.DataFrame:
    """Return a driver diagram as rows of aim, primary, secondary and basis."""
    return pd.DataFrame(
        [
            {"aim": diagram.aim, "primary": p.name, "secondary": s, "basis": p.basis}
            for p in diagram.primary
            for s in p.secondary
        ]
    )


def timeline_rows(timeline: Timeline) -> pd.DataFrame:
    """Return the timeline as rows: track, event, first and last day, status, confidence, source."""
    return pd.DataFrame(
        [
            {
                "track": track.name,
                "event": event.label,
                "begins": event.begins,
                "ends": event.ends,
                "first": event.first,
                "last": event.last,
                "when": when_words(event.begins, event.ends),
                "instant": event.first == event.last,
                "status": event.status,
                "confidence": event.confidence,
                "source": timeline.sources[event.source],
                "note": event.note,
            }
            for track in timeline.tracks
            for event in track.events
        ]
    )


def when_words(begins: str, ends: str) -> str:
    """Write a date or a span as a reader says it: 31 Dec 2016, summer 2016, 2017 to 2018."""
    first, last = _one_date(begins), _one_date(ends or begins)
    return first if first == last else f"{first} to {last}"


def _one_date(text: str) -> str:
    year, *rest = text.split("-")
    if len(rest) == 2:
        day = dt.date.fromisoformat(text)
        return f"{day.day} {day:%b} {day.year}"
    if rest and rest[0].isdigit():
        return f"{dt.date(int(year), int(rest[0]), 1):%b} {year}"
    return f"{rest[0]} {year}" if rest else year
