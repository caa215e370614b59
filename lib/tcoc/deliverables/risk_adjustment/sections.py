"""The risk adjustment report: one function per section of its notebook."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import NullLocator
from scipy import stats

from tcoc.deliverables.risk_adjustment.inputs import pair_of, settings_of
from tcoc.deliverables.risk_adjustment.public import (
    MODEL_OF,
    PART_NAMES,
    RUN_CASE,
    part_column,
    public_tables,
    ratio_column,
)
from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.report import style, words
from tcoc.report.release import Figure, Release
from tcoc.rules.risk import METHODS, STATE, VARIANTS, extremes
from tcoc.rules.risk.adjust import shares_complete
from tcoc.rules.risk.evidence import MODELS

__all__ = ["POLICY", "headline", "planted_mix", "public_tables", "recovery_is_counted"]

POLICY = ("risk", "attribution", "tcoc")
"""The policy files whose values this report rests on."""

METHOD_NAMES = {
    "none": "No adjustment",
    "demographic": "Demographic",
    "new_enrollee": "New enrollee score",
}
VARIANT_NAMES = {
    "none": "No adjustment",
    "demographic_own": "Demographic, own costs",
    "demographic_statewide": "Demographic, state's costs",
    "new_enrollee": "New enrollee score",
}
ADJUSTED = VARIANTS[1:]

Rows = pd.DataFrame


# ---------------------------------------------------------------- reading the audited tables


def _state(release: Release) -> Rows:
    return release.table("risk_statewide").set_index("method")


def _hospitals(release: Release) -> Rows:
    frame = release.table("risk_hospitals")
    return _kept(frame[frame["ccn"] != STATE], "risk_hospitals")


def _kept(frame: Rows, table: str) -> Rows:
    kept = frame.reset_index(drop=True)
    kept.attrs["tcoc_table"] = table
    return kept


def _years(release: Release) -> tuple[int, int]:
    pair = pair_of(release.study)
    return pair.base_year, pair.performance_year


def _long(release: Release, column: str) -> Rows:
    """Return visible hospitals' values as variant, ccn, value."""
    frame = _hospitals(release)
    parts = [
        frame[["ccn", "hospital"]].assign(variant=v, value=frame[f"{column}_{v}"]) for v in ADJUSTED
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"])


def _choice(release: Release) -> Rows:
    return release.table("risk_choice").set_index("variant")


# ---------------------------------------------------------------- the answer in words


def headline(release: Release) -> str:
    """Say in one sentence what adjustment does to the state's growth, for the run's index."""
    state, (base, performance) = _state(release), _years(release)
    return (
        f"From {base} to {performance} the state's cost per capita changes by"
        f" {words.change(state.loc['none', 'growth'], 2)}; adjusted for who the beneficiaries are,"
        f" by {words.change(state.loc['demographic', 'growth'], 2)} (demographic) or"
        f" {words.change(state.loc['new_enrollee', 'growth'], 2)} (new enrollee score)."
    )


def summary(release: Release) -> None:
    """Give the questions, the answers that this run gives, and the caveat."""
    release.say(
        f"**{headline(release)}** {appropriate(release)[0]} {best(release)[0]} A change of mix"
        " between two years does not predict the change between the next two."
    )
    state = _state(release)
    release.show_numbers(
        [
            (
                METHOD_NAMES[method],
                words.change(state.loc[method, "growth"], 2),
                _interval(state.loc[method], "growth"),
            )
            for method in METHODS
        ]
    )


def _interval(row: Any, column: str, digits: int = 1) -> str:
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    if words.is_hidden(low):
        return ""
    return f"95 % interval {words.change(low, digits)} to {words.change(high, digits)}"


def is_beyond_chance(differing: float, hospitals: float, level: float = 0.05) -> bool:
    """Say whether more intervals leave out zero than chance alone would let (binomial, 5 %)."""
    if not hospitals > 0:
        return False
    return bool(differing >= least_beyond_chance(hospitals, level))


def least_beyond_chance(hospitals: float, level: float = 0.05) -> int:
    """Return how many of so many hospitals must differ before chance is too simple an answer.

    The smallest number that chance reaches in under 5 % of cases; the 5 % are divided by the number
    of variants, since the answer takes the variant that shows most.
    """
    return int(stats.binom.isf(0.05 / len(ADJUSTED), int(hospitals), level)) + 1


def _level(release: Release) -> float:
    return 1 - settings_of(release.study).interval_level


def appropriate(release: Release) -> tuple[str, bool | None]:
    """Answer whether it is right to adjust for a changing population, from this run's numbers.

    True: hospitals' mixes changed by more than chance and their growth followed; False: by no
    more than chance; None: by more than chance, but growth did not measurably follow. The variant
    that shows most differences is taken, so that none can hide a change.
    """
    choice = _choice(release).dropna(subset=["differing", "hospitals"])
    if choice.empty:
        return "This run has no hospital with an interval, so it cannot answer.", None
    row = choice.sort_values("differing", ascending=False, kind="stable").iloc[0]
    changed = is_beyond_chance(row["differing"], row["hospitals"], _level(release))
    followed = bool(row["slope_low"] > 0)
    of = f"{words.count(row['differing'])} of {words.plural(row['hospitals'], 'hospital')}"
    if not changed:
        return f"{of} change their mix by more than sampling error, no more than chance.", False
    if not followed:
        return f"{of} change their mix by more than sampling error, but {_NOT_FOLLOWED}", None
    return f"{of} change their mix by more than sampling error, and {_FOLLOWED}", True


_NOT_FOLLOWED = "hospitals' growth does not measurably follow it."
_FOLLOWED = "growth follows the mix: adjusting removes something that hospitals did not do."


_CRITERIA = {
    "r2": ("predicts next year's cost best", True),
    "error": ("adds the least sampling error", False),
    "largest_move": ("depends least on thin buckets and costly cases", False),
    "benchmark": ("agrees best with a regression", True),
}
"""Column of `risk_choice`, its words, and whether high is good."""


def best(release: Release) -> tuple[str, str]:
    """Answer which method is best: the one that wins most criteria; ties go to fewer inputs."""
    winners = criteria_won(_choice(release))
    if not winners:
        return "This run cannot rank the methods.", ""
    won_by = list(winners.values())
    counts = {variant: won_by.count(variant) for variant in reversed(ADJUSTED)}
    first = max(counts, key=lambda variant: counts[variant])
    won = words.listing([_CRITERIA[c][0] for c, v in winners.items() if v == first])
    of = f"{words.count(counts[first])} of {words.count(len(winners))} criteria"
    return f"{VARIANT_NAMES[first]} comes first on {of}: it {won}.", first


def criteria_won(choice: Rows) -> dict[str, str]:
    """Return the variant that wins each criterion; a criterion without two values is left out."""
    winners = {}
    for column, (_, high_is_good) in _CRITERIA.items():
        values = choice[column].dropna()
        if len(values) > 1:
            winners[column] = str(values.idxmax() if high_is_good else values.idxmin())
    return winners


# ---------------------------------------------------------------- slide 18


_SLIDE_ROWS = (
    ("base_per_capita", "{base} TCOC per capita, actual", "dollars"),
    ("factor", "Risk adjustment to {base}", "number"),
    ("adjusted_base", "{base} TCOC per capita, adjusted base", "dollars"),
    ("performance_per_capita", "{performance} TCOC per capita, actual", "dollars"),
    ("growth", "{performance} growth rate", "change"),
    ("difference", "Difference from unadjusted growth", "points"),
)


def _written(value: Any, kind: str) -> str:
    if pd.isna(value):
        return "–"
    two_digits = {"change": words.change, "points": words.points}
    if kind in two_digits:
        return two_digits[kind](value, 2)
    formats: Mapping[str, Any] = words.FORMATS
    return str(formats[kind](value))


def _in_slide_layout(frame: Rows, years: tuple[int, int], extra: Mapping[str, Any]) -> Rows:
    by_method = frame.set_index("method")
    named = {"base": years[0], "performance": years[1]}
    rows = [
        {"row": label.format(**named)}
        | {m: _written(by_method.loc[m, column], kind) for m in METHODS}
        for column, label, kind in _SLIDE_ROWS
    ]
    for label, cells in extra.items():
        rows.append({"row": label} | {m: cells.get(m, "–") for m in METHODS})
    return pd.DataFrame(rows)


def hospital_extremes(release: Release) -> Rows:
    """Return the largest increase and decrease among the hospitals that may be shown (rule R4)."""
    settings = settings_of(release.study)
    rows = _long(release, settings.extremes).rename(columns={"value": settings.extremes})
    found = extremes(rows, settings)
    names = dict(zip(rows["ccn"], rows["hospital"], strict=True))
    return found.assign(hospital=found["ccn"].map(names))


def _extreme_rows(release: Release) -> dict[str, dict[str, str]]:
    settings, found = settings_of(release.study), hospital_extremes(release)
    rows: dict[str, dict[str, str]] = {}
    for end in ("increase", "decrease"):
        of = found[found["end"] == end].set_index("variant").to_dict("index")
        rows[f"Largest facility growth rate {end}*"] = {
            m: f"{words.change(of[v]['value'], 2)} ({of[v]['hospital']})"
            for m in METHODS[1:]
            if (v := settings.variant(m)) in of
        }
    return rows


def slide18(release: Release) -> None:
    """Show slide 18's table for this run, then the published slide and its arithmetic."""
    years = _years(release)
    headings = {"row": "Quantity"} | METHOD_NAMES
    release.show_table(
        "risk_statewide",
        headings,
        caption=f"This run: simple risk adjustment, {years[0]} to {years[1]}",
        frame=_in_slide_layout(release.table("risk_statewide"), years, _extreme_rows(release)),
        shown_as="slide18_this_run",
        note=f"* {_excluded_words(release)} The largest are of the {_extremes_words(release)}.",
    )
    printed = release.table("risk_slide18")
    release.show_table(
        "risk_slide18",
        headings,
        caption="As published: simple risk adjustment, 2015 to 2016 (slide 18)",
        frame=_in_slide_layout(printed, (2015, 2016), _printed_extremes(printed)),
        shown_as="slide18_as_published",
        note="* Excluding McCready.",
    )
    release.say(_slide_words(release))
    release.show_table(
        "risk_slide18_check",
        {
            "method": "Method",
            "quantity": "Quantity",
            "printed": "Printed",
            "recomputed": "Recomputed",
            "low": "Lowest possible",
            "high": "Highest possible",
            "agrees": "Agrees",
            "within_rounding": "Within rounding",
        },
        {"method": METHOD_NAMES.get, "quantity": _QUANTITIES.get},
    )


_ROUNDING = {
    True: "was computed from unrounded dollars, so rounding explains the difference",
    False: "does not follow from its dollars, and rounding does not explain it",
}
_QUANTITIES = {
    "factor": "factor",
    "growth_percent": "growth rate in percent",
    "difference_points": "difference in percentage points",
}


def _excluded_words(release: Release) -> str:
    ccns = settings_of(release.study).excluded_from_extremes
    frame = release.table("risk_hospitals")
    names = [str(n) for n in frame.loc[frame["ccn"].isin(list(ccns)), "hospital"]]
    return f"Excluding {words.listing(names or list(ccns))}." if ccns else "No hospital excluded."


def _extremes_words(release: Release) -> str:
    measure = settings_of(release.study).extremes
    return "difference from unadjusted growth" if measure == "difference" else "growth rate"


def _printed_extremes(printed: Rows) -> dict[str, dict[str, str]]:
    by_method: dict[Any, Any] = printed.set_index("method").to_dict("index")
    return {
        f"Largest facility growth rate {end}*": {
            m: f"{words.change(by_method[m][f'{end}_percent'] / 100, 2)}"
            f" ({by_method[m][f'{end}_hospital']})"
            for m in METHODS[1:]
        }
        for end in ("increase", "decrease")
    }


def _slide_words(release: Release) -> str:
    checked = release.table("risk_slide18_check")
    off = checked[~checked["agrees"].astype(bool)]
    text = (
        f"Recomputed from the slide's own dollars, {words.count(len(checked) - len(off))} of its"
        f" {words.count(len(checked))} figures come out to the printed digit."
    )
    for row in off.itertuples():
        text += (
            f" The {_QUANTITIES[str(row.quantity)]} of {METHOD_NAMES[str(row.method)].lower()}"
            f" is printed as {words.number(row.printed, 2)} and recomputes to"
            f" {words.number(row.recomputed, 2)}. Dollars within half a dollar of the printed ones"
            f" allow {words.number(row.low, 3)} to {words.number(row.high, 3)}: the slide"
            f" {_ROUNDING[bool(row.within_rounding)]}."
        )
    return text


# ---------------------------------------------------------------- hospitals


def hospitals(release: Release) -> None:
    """Show each hospital's growth under the three methods, with intervals."""
    settings = settings_of(release.study)
    frame = _hospitals(release).dropna(subset=["growth_none"])
    if frame.empty:
        release.say("No hospital may be shown in both years.")
        return
    frame = _kept(frame.sort_values("growth_none"), "risk_hospitals")
    variants = [settings.variant(m) for m in METHODS]
    picture, axes = style.new_figure(height=max(3.0, 0.235 * len(frame) + 1.2))
    for i, variant in enumerate(variants):
        _dots(axes, frame, variant, i, len(variants))
    axes.axvline(0, color=style.QUIET, linewidth=0.8, zorder=1)
    axes.set_yticks(range(len(frame)), frame["hospital"], fontsize=8.5)
    axes.set_ylim(-0.8, len(frame) - 0.2)
    style.number_axis(axes.xaxis, "change", "growth of cost per capita (bars: 95 % intervals)")
    style.grid(axes, "x")
    axes.legend(loc="lower right")
    release.show_figure(
        Figure(
            name="risk_growth",
            title=_growth_title(release, frame),
            alt=(
                f"Dots with interval bars for {len(frame)} hospitals, ordered by unadjusted growth,"
                f" under {words.listing([VARIANT_NAMES[v].lower() for v in variants])}."
            ),
            caption=(
                "Each hospital is compared with itself, not with others. The interval says how far"
                " chance in who falls ill moves the growth."
            ),
            picture=picture,
            data=frame,
        )
    )
    release.show_table("risk_hospitals", _hospital_columns(variants), _hospital_formats(variants))


def _dots(axes: Any, frame: Rows, variant: str, place: int, of: int) -> None:
    spots = np.arange(len(frame)) + (of - 1 - 2 * place) * 0.13
    low, high = (frame[f"growth_{end}_{variant}"].to_numpy(dtype=float) for end in ("low", "high"))
    tint = style.colour(place)
    axes.hlines(spots, low, high, color=tint, linewidth=0.9, alpha=0.75, zorder=2)
    axes.scatter(
        frame[f"growth_{variant}"],
        spots,
        s=17,
        marker=style.MARKERS[place],
        facecolor="white" if place == 0 else tint,
        edgecolor=tint,
        linewidth=0.9,
        zorder=3,
        label=VARIANT_NAMES[variant],
    )


def _growth_title(release: Release, frame: Rows) -> str:
    """Compare the median standard error of growth with the largest median adjustment."""
    error = _choice(release)["growth_error"].iloc[0]
    typical = max(float(frame[f"difference_{v}"].abs().median()) for v in ADJUSTED)
    return (
        f"A hospital's growth has a sampling error of {_plain_points(error)}; the typical"
        f" adjustment is {'smaller' if typical < error else 'no smaller'}:"
        f" {_plain_points(typical)} at most"
    )


def _hospital_columns(variants: Sequence[str]) -> dict[str, str]:
    columns = {"hospital": "Hospital", "benes": "Beneficiaries", "growth_none": "Growth"}
    for variant in variants[1:]:
        columns |= {
            f"growth_{variant}": f"Growth, {VARIANT_NAMES[variant].lower()}",
            f"difference_{variant}": "Difference",
            f"difference_low_{variant}": "from",
            f"difference_high_{variant}": "to",
        }
    return columns | {"remark": "Remark"}


def _hospital_formats(variants: Sequence[str]) -> dict[str, Any]:
    formats: dict[str, Any] = {"growth_none": "change"}
    for variant in variants[1:]:
        formats[f"growth_{variant}"] = "change"
        for column in ("difference", "difference_low", "difference_high"):
            formats[f"{column}_{variant}"] = lambda v: words.points(v).replace(" points", "")
    return formats


def differences(release: Release) -> None:
    """Show each hospital's difference under each variant with its interval, beside chance."""
    frame = _hospitals(release)
    shown = _kept(
        frame.dropna(subset=[f"difference_{v}" for v in ADJUSTED]).sort_values(
            "difference_new_enrollee"
        ),
        "risk_hospitals",
    )
    release.say(_chance_words(release))
    if shown.empty:
        return
    picture, panels = style.new_figure(
        height=max(3.0, 0.17 * len(shown) + 1.2), columns=len(ADJUSTED), sharey=True, sharex=True
    )
    for axes, variant, place in zip(panels, ADJUSTED, range(1, 4), strict=True):
        _difference_panel(axes, shown, variant, place)
    panels[0].set_yticks(range(len(shown)), shown["hospital"], fontsize=8)
    release.show_figure(
        Figure(
            name="risk_differences",
            title=_difference_title(release),
            alt=(
                f"Three panels, one per method, of {len(shown)} hospitals' differences from"
                " unadjusted growth with 95 % intervals; filled marks differ from zero."
            ),
            caption="Filled marks: the 95 % interval leaves out zero. Points of growth.",
            picture=picture,
            data=shown,
        )
    )


def _difference_panel(axes: Any, frame: Rows, variant: str, place: int) -> None:
    low, high = (
        frame[f"difference_{end}_{variant}"].to_numpy(dtype=float) for end in ("low", "high")
    )
    tint, spots = style.colour(place), np.arange(len(frame))
    clear = (low > 0) | (high < 0)
    axes.hlines(spots, low, high, color=tint, linewidth=1.0, zorder=2)
    axes.scatter(
        frame[f"difference_{variant}"],
        spots,
        s=16,
        marker=style.MARKERS[place],
        c=np.where(clear, tint, "white"),
        edgecolor=tint,
        linewidth=0.9,
        zorder=3,
    )
    axes.axvline(0, color=style.QUIET, linewidth=0.8, zorder=1)
    axes.set_title(VARIANT_NAMES[variant], fontsize=9.5)
    axes.set_ylim(-0.8, len(frame) - 0.2)
    axes.locator_params(axis="x", nbins=3)
    axes.tick_params(axis="x", labelsize=9)
    style.number_axis(axes.xaxis, "change", "points of growth")
    style.grid(axes, "x")


def _difference_title(release: Release) -> str:
    parts = [
        f"{words.count(row['differing'])} ({VARIANT_NAMES[str(variant)].lower()})"
        for variant, row in _choice(release).iterrows()
    ]
    return f"Hospitals whose adjustment differs from zero by more than chance: {'; '.join(parts)}"


def _chance_words(release: Release) -> str:
    choice = _choice(release)
    parts = [
        f"**{words.count(row['differing'])}** of {words.count(row['hospitals'])} hospitals under"
        f" {VARIANT_NAMES[str(variant)].lower()} ({words.count(row['up'])} up,"
        f" {words.count(row['down'])} down)"
        for variant, row in choice.iterrows()
    ]
    chance = words.number(_level(release) * choice["hospitals"].max(), 1)
    return (
        f"Adjustments that differ from zero by more than sampling error: {words.listing(parts)}."
        f" If no hospital's mix had changed at all, about {chance} would still appear to by chance."
        " A change that all hospitals share shows in the state's difference:"
        f" {words.points(_state(release).loc['new_enrollee', 'difference'], 2)} by new enrollee"
        " score."
    )


# ---------------------------------------------------------------- parts


def parts(release: Release) -> None:
    """Show what changed in each hospital's mix, in dollars of its adjusted base."""
    frame = release.table("risk_parts")
    shown = frame[frame["ccn"] != STATE].dropna(subset=[part_column("demographic", "age")])
    if shown.empty:
        release.say("No hospital's parts may be shown.")
        return
    columns = {m: _method_parts(shown, m) for m in METHODS[1:]}
    order = shown[list(columns["new_enrollee"].values())].sum(axis=1).sort_values().index
    shown = _kept(shown.loc[order], "risk_parts")
    picture, panels = style.new_figure(
        height=max(3.2, 0.2 * len(shown) + 1.5), columns=2, sharey=True
    )
    for axes, method in zip(panels, METHODS[1:], strict=True):
        _part_bars(axes, shown, columns[method])
        axes.set_title(METHOD_NAMES[method])
    panels[0].set_yticks(range(len(shown)), shown["hospital"], fontsize=8.5)
    handles = {
        t: h for axes in panels for h, t in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    picture.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=6)
    release.show_figure(
        Figure(
            name="risk_parts",
            title=_parts_title(release),
            alt=(
                f"Stacked bars of {len(shown)} hospitals: dollars per capita that each"
                " characteristic adds to or takes from the adjusted base, one panel per method."
            ),
            caption=(
                "Parts are Shapley values of a profile's relative cost (or score) against the"
                " state's base-year population; they add up to adjusted base less base."
            ),
            picture=picture,
            data=shown,
        )
    )
    names = {c: f"{METHOD_NAMES[m]}: {p}" for m in METHODS[1:] for p, c in columns[m].items()}
    release.show_table(
        "risk_parts",
        {"hospital": "Hospital", "benes": "Beneficiaries", **names},
        dict.fromkeys(names, "dollars"),
    )


def _method_parts(frame: Rows, method: str) -> dict[str, str]:
    """Return the parts that a method has in this run, and their columns."""
    columns = {part: part_column(method, part) for part in PART_NAMES}
    return {
        part: column
        for part, column in columns.items()
        if column in frame and bool((frame[column].abs() > 0).any())
    }


def _part_bars(axes: Any, frame: Rows, columns: Mapping[str, str]) -> None:
    left = {sign: np.zeros(len(frame)) for sign in (-1, 1)}
    for part, column in columns.items():
        widths = frame[column].fillna(0).to_numpy(dtype=float)
        start = np.where(widths >= 0, left[1], left[-1])
        place = PART_NAMES.index(part)
        axes.barh(
            np.arange(len(frame)),
            widths,
            left=start,
            height=0.78,
            color=style.colour(place),
            hatch=style.HATCHES[place],
            edgecolor="white",
            linewidth=0.4,
            label=part,
        )
        left[1] = left[1] + np.clip(widths, 0, None)
        left[-1] = left[-1] + np.clip(widths, None, 0)
    axes.axvline(0, color=style.INK, linewidth=0.8)
    axes.set_ylim(-0.8, len(frame) - 0.2)
    style.number_axis(axes.xaxis, "dollars", "dollars per capita")
    style.grid(axes, "x")


def _parts_title(release: Release) -> str:
    state: dict[Any, Any] = release.table("risk_parts").set_index("ccn").to_dict("index")[STATE]
    columns = {p: part_column("new_enrollee", p) for p in PART_NAMES}
    values = {p: float(state[c]) for p, c in columns.items() if pd.notna(state.get(c))}
    if not values:
        return "What changed in each hospital's mix"
    largest = max(values, key=lambda part: abs(values[part]))
    return (
        f"Statewide, the largest part of the new enrollee adjustment is {largest}:"
        f" {words.dollars(values[largest])} per capita"
    )


# ---------------------------------------------------------------- comparison of methods


def comparison(release: Release) -> None:
    """Show how well each model predicts cost, its calibration, and what each method rests on."""
    release.show_table(
        "risk_fit",
        {
            "test": "Judged on",
            "model": "Model",
            "r2": "R²",
            "mae": "Mean absolute error",
            "ratio": "Predicted / actual",
            "slope": "Calibration slope",
        },
        {"r2": "percent", "mae": "dollars"},
        heading_columns=2,
    )
    if "risk_deciles" in release.names:
        _calibration(release)
    else:
        release.say("The sample is too small to show groups of it.")
    if "risk_ratios" in release.names:
        release.show_table(
            "risk_ratios",
            {
                "test": "Judged on",
                "dimension": "Grouping",
                "group": "Group",
                **{ratio_column(m): m[:1].upper() + m[1:] for m in MODELS},
            },
            {ratio_column(m): lambda v: words.number(v, 2) for m in MODELS},
            heading_columns=3,
        )


def _calibration(release: Release) -> None:
    frame = release.table("risk_deciles")
    test = sorted(frame["test"].unique())[-1]
    rows = _kept(frame[frame["test"] == test], "risk_deciles")
    models = [m for m in MODELS if m in set(rows["model"])]
    picture, panels = style.new_figure(height=4.6, rows=2, columns=3, sharex=True, sharey=True)
    top = float(np.nanmax(rows[["actual", "predicted"]].to_numpy(dtype=float))) * 1.05
    for place, (axes, model) in enumerate(zip(panels.ravel(), models, strict=False)):
        of = rows[rows["model"] == model]
        axes.plot([0, top], [0, top], color=style.QUIET, linewidth=0.8, linestyle="--")
        axes.plot(
            of["predicted"],
            of["actual"],
            marker=style.MARKERS[place],
            color=style.colour(place),
            linewidth=1.0,
        )
        axes.set_title(model[:1].upper() + model[1:], fontsize=9.5)
        style.grid(axes, "y")
        style.number_axis(axes.xaxis, "short_dollars")
        style.number_axis(axes.yaxis, "short_dollars")
        axes.locator_params(axis="x", nbins=4)
    for axes in panels.ravel()[len(models) :]:
        axes.set_axis_off()
    for axes in panels[0, len(models) - 3 :]:
        axes.tick_params(labelbottom=True)
    picture.supxlabel("predicted, dollars a year", fontsize=10)
    picture.supylabel("actual, dollars a year", fontsize=10)
    release.show_figure(
        Figure(
            name="risk_calibration",
            title=_calibration_title(release, test),
            alt=(
                f"Panels of {words.listing(models)}: actual against predicted cost by decile of"
                " predicted cost, with the line on which both agree."
            ),
            caption=f"{test[:1].upper() + test[1:]}. On the dashed line the prediction is right.",
            picture=picture,
            data=rows,
        )
    )


def _calibration_title(release: Release, test: str) -> str:
    fit = release.table("risk_fit")
    of = fit[fit["test"] == test].set_index("model")["slope"].dropna()
    if of.empty:
        return "Calibration by decile of predicted cost"
    model = str((of - 1).abs().idxmin())
    return (
        f"Deciles come out truest for the {model}: a calibration slope of"
        f" {words.number(of[model], 2)} where 1 is right"
    )


def buckets(release: Release) -> None:
    """Show whether buckets keep their relative cost from year to year, and CMS's factors."""
    frame = release.table("risk_buckets")
    base, performance = _years(release)
    wide = frame.dropna(subset=["relative"]).pivot_table(
        ["relative", "score", "benes"], "bucket", "year"
    )
    if wide.empty or not {base, performance} <= set(wide["relative"].columns):
        release.say("No bucket may be shown in both years.")
        return
    picture, panels = style.new_figure(height=3.5, columns=2)
    first = wide["relative"][base]
    against = {
        f"{performance} relative cost": wide["relative"][performance],
        "CMS factor, relative": wide["score"][base] if "score" in wide else first * np.nan,
    }
    size = 8 + 120 * wide["benes"][base] / wide["benes"][base].max()
    for place, (axes, (label, values)) in enumerate(zip(panels, against.items(), strict=True)):
        axes.scatter(first, values, s=size, color=style.colour(place), alpha=0.75, linewidth=0)
        _same_log_axes(axes, np.append(first, values))
        style.number_axis(axes.xaxis, "number", f"{base} relative cost of the bucket", 2)
        style.number_axis(axes.yaxis, "number", label, 2)
        style.grid(axes, "y")
    shown = _kept(frame[frame["relative"].notna()], "risk_buckets")
    release.show_figure(
        Figure(
            name="risk_buckets",
            title=_bucket_title(wide, base, performance),
            alt=(
                f"Two scatter plots of {len(wide)} buckets: relative cost of {base} against"
                f" {performance}, and against the CMS new enrollee factor."
            ),
            caption="Size: beneficiaries. Each step of an axis doubles; dashed: both are equal.",
            picture=picture,
            data=shown,
        )
    )


def _same_log_axes(axes: Any, values: Any) -> None:
    """Give both axes one logarithmic scale with ticks at the powers of two, and the diagonal."""
    positive = values[np.isfinite(values) & (values > 0)]
    ends = [float(positive.min()) / 1.2, float(positive.max()) * 1.2]
    ticks = [t for t in (0.125, 0.25, 0.5, 1, 2, 4, 8, 16) if ends[0] <= t <= ends[1]]
    axes.plot(ends, ends, color=style.QUIET, linewidth=0.8, linestyle="--")
    for scale, limits, axis in (
        (axes.set_xscale, axes.set_xlim, axes.xaxis),
        (axes.set_yscale, axes.set_ylim, axes.yaxis),
    ):
        scale("log")
        limits(*ends)
        axis.set_ticks(ticks)
        axis.set_minor_locator(NullLocator())


def _bucket_title(wide: Rows, base: int, performance: int) -> str:
    both = wide["relative"][[base, performance]].dropna()
    moved = (both[performance] / both[base] - 1).abs().median()
    return (
        f"From {base} to {performance} the relative cost of half of the buckets moves by"
        f" {words.percent(moved, 0)} or more"
    )


def sensitivity(release: Release) -> None:
    """Show how far adjustments depend on thin buckets, on costly cases, and on the years."""
    frame = release.table("risk_sensitivity")
    moved = frame[frame["case"] != RUN_CASE].dropna(subset=["largest_move"])
    if len(moved):
        row = moved.sort_values("largest_move", ascending=False, kind="stable").iloc[0]
        release.say(
            f"The choice that moves a hospital most is “{row['case']}” under"
            f" {VARIANT_NAMES[str(row['variant'])].lower()}: by up to"
            f" {_plain_points(row['largest_move'])}, and the median hospital by"
            f" {_plain_points(row['median_move'])}."
        )
    release.show_table(
        "risk_sensitivity",
        {
            "case": "Case",
            "variant": "Method",
            "growth": "State's growth",
            "difference": "State's difference",
            "median_move": "Median move of a hospital",
            "largest_move": "Largest move",
        },
        _NAMED
        | {"difference": _points}
        | dict.fromkeys(("median_move", "largest_move"), _plain_points),
        heading_columns=2,
    )
    release.show_table(
        "risk_years",
        {
            "base_year": "Base",
            "year": "Performance",
            "variant": "Method",
            "factor": "Factor",
            "growth": "Growth",
            "difference": "Difference",
        },
        _NAMED | {"difference": _points, "factor": lambda v: words.number(v, 4)},
    )
    if "risk_combined" in release.names:
        _combined(release)


def _points(value: Any) -> str:
    return words.points(value, 2)


def _plain_points(value: Any) -> str:
    """Write a size, which has no sign, in percentage points."""
    if words.is_hidden(value):
        return words.HIDDEN
    return f"{words.number(100 * float(value), 2)} points"


_NAMED: dict[str, Any] = {
    "variant": lambda v: VARIANT_NAMES.get(v, str(v)),
    "growth": lambda v: words.change(v, 2),
}


def _combined(release: Release) -> None:
    variants = {f"growth_{v}": VARIANT_NAMES[v] for v in VARIANTS}
    release.show_table(
        "risk_combined",
        {"ccn": "Combined hospitals", "benes": "Beneficiaries", **variants},
        dict.fromkeys(variants, "change"),
    )


# ---------------------------------------------------------------- the two questions


def questions(release: Release) -> None:
    """Answer the workgroup's two questions from this run's numbers, with what would change it."""
    choice = _choice(release)
    _, verdict = appropriate(release)
    release.say(
        "**Is it right to risk-adjust for a hospital's changing population, year over year?** "
        f"{appropriate(release)[0]} {_VERDICTS[verdict]} {_size_words(release)}"
    )
    release.say(f"**If so, by which method?** {best(release)[0]} {_criteria_words(choice)}")
    release.show_table("risk_choice", _CHOICE_COLUMNS, _CHOICE_FORMATS)
    release.say(f"**What would change these answers.** {_change_words(release)}")


_VERDICTS = {
    True: "On this run's data the answer is yes.",
    False: "On this run's data the answer is no: it would pay and charge for noise.",
    None: "On this run's data the answer is open.",
}

_CHOICE_COLUMNS = {
    "variant": "Method",
    "r2": "R² next year",
    "error": "Typical sampling error of the difference",
    "differing": "Hospitals beyond chance",
    "slope": "Growth per point of adjustment",
    "slope_low": "from",
    "slope_high": "to",
    "benchmark": "Correlation with a regression",
    "stability": "Correlation with the next pair of years",
    "largest_move": "Largest move in the sensitivity cases",
}
_CHOICE_FORMATS: dict[str, Any] = {
    "variant": lambda v: VARIANT_NAMES.get(v, str(v)),
    "r2": "percent",
    "error": _plain_points,
    "largest_move": _plain_points,
    **{c: (lambda v: words.number(v, 2)) for c in ("slope", "slope_low", "slope_high")},
    **{c: (lambda v: words.number(v, 2)) for c in ("benchmark", "stability")},
}


def _size_words(release: Release) -> str:
    row = _choice(release).loc["new_enrollee"]
    return (
        "The adjustment of a typical hospital has a standard error of"
        f" {_plain_points(row['error'])} (new enrollee score), its growth itself one of"
        f" {_plain_points(row['growth_error'])}."
    )


def _criteria_words(choice: Rows) -> str:
    winners = criteria_won(choice)
    parts = [f"{VARIANT_NAMES[v].lower()} {_CRITERIA[c][0]}" for c, v in winners.items()]
    return f"Criterion by criterion: {'; '.join(parts)}." if parts else ""


def _change_words(release: Release) -> str:
    choice = _choice(release)
    row = choice.sort_values("differing", ascending=False, kind="stable").iloc[0]
    needed = least_beyond_chance(row["hospitals"], _level(release))
    return (
        f"The first answer turns on whether at least {needed} hospitals differ from zero (this run:"
        f" {words.count(row['differing'])}), and on whether the interval of growth per point of"
        f" adjustment lies above zero (this run: {'it does' if row['slope_low'] > 0 else 'no'})."
        " The second turns on the criteria: an own-cost method gains as hospitals grow or buckets"
        " are merged, since its sampling error"
        " comes from thin buckets; a new enrollee score gains when a hospital's costs are ordered"
        " as the nation's. Another pair of years, a longer base period, or a cut of the highest"
        " costs can change both; each is a parameter of the run."
    )


def data_notes(release: Release) -> None:
    """List what a reader must know of the data."""
    frame, (base, performance) = release.table("risk_unknown_sex"), _years(release)
    own = frame[frame["year"].isin([base, performance])].set_index("year")["benes_unknown_sex"]
    unknown = words.listing([f"{words.count(own[y])} in {y}" for y in (base, performance)])
    factor = completion(release.study)
    release.say(
        f"Beneficiaries of unknown sex, who count as F (rule P4): {unknown}. Completion factors:"
        f" {words.number(factor(base), 2)} in {base}, {words.number(factor(performance), 2)} in"
        f" {performance} (rule T2). A change of a published CMS factor table or of the buckets is a"
        " parameter; both years are always scored with one table, so normalisation cancels."
    )
    release.show_provenance()


def assumptions(release: Release) -> None:
    """List the assumed and replaced parameters behind the numbers."""
    release.show_assumptions(POLICY)


def planted_mix(release: Release) -> None:
    """Show how many hospitals' intervals hold the mix change that the synthetic state planted."""
    if "risk_planted" not in release.names:
        release.say("The data are not synthetic, so no planted change is known to compare with.")
        return
    release.show_table(
        "risk_planted",
        {
            "variant": "Method",
            "hospitals": "Hospitals",
            "inside": "Interval holds the planted factor",
            "share": "Share",
        },
        {
            "variant": lambda v: VARIANT_NAMES.get(v, str(v)),
            "hospitals": "count",
            "inside": "count",
            "share": lambda v: words.percent(v, 0),
        },
    )


def recovery_is_counted(release: Release) -> bool:
    """Whether no more intervals hold the planted factor than there are hospitals."""
    if "risk_planted" not in release.names:
        return True
    frame = release.table("risk_planted").dropna(subset=["inside", "hospitals"])
    return bool((frame["inside"] <= frame["hospitals"]).all())


# ---------------------------------------------------------------- checks


def growth_is_ratio(release: Release) -> bool:
    """Whether growth and difference follow from the per capita amounts (rule R4)."""
    state = _state(release)
    growth = state["performance_per_capita"] / state["adjusted_base"] - 1
    difference = growth - growth["none"]
    return bool(
        np.allclose(growth, state["growth"], atol=1e-12, equal_nan=True)
        and np.allclose(difference, state["difference"], atol=1e-12, equal_nan=True)
    )


def slide_reproduces(release: Release) -> bool:
    """Whether every figure of slide 18 follows from its dollars within their rounding (rule R5)."""
    return bool(release.table("risk_slide18_check")["within_rounding"].all())


def months_add_up(release: Release) -> bool:
    """Whether the hospitals' months add up to the state's in both years."""
    return shares_complete(release.study.frame("risk_cells"), _years(release))


def intervals_hold_estimates(release: Release) -> bool:
    """Whether nearly all intervals of growth hold their point estimate."""
    frame = _hospitals(release)
    inside, known = 0, 0
    for variant in VARIANTS:
        low, value, high = (
            frame[f"{c}_{variant}"] for c in ("growth_low", "growth", "growth_high")
        )
        defined = low.notna() & value.notna()
        known += int(defined.sum())
        inside += int(((low <= value) & (value <= high))[defined].sum())
    return known == 0 or inside / known > 0.95


def parts_add_up(release: Release) -> bool:
    """Whether each hospital's parts sum to adjusted base less base."""
    study = release.study
    own = study.frame("risk_methods")
    base, performance = _years(release)
    own = own[(own["base_year"] == base) & (own["performance_year"] == performance)]
    change = own.set_index(["variant", "ccn"]).eval("adjusted_base - base_per_capita")
    added = study.frame("risk_decomposition").groupby(["variant", "ccn"])["dollars"].sum()
    return bool(np.allclose(added, change.reindex(added.index), atol=1e-6, equal_nan=True))


def judged_on_new_people(release: Release) -> bool:
    """Whether every model is judged on the same unseen people."""
    fit = release.table("risk_fit")
    return bool((fit.groupby("test")["model"].nunique() == len(MODELS)).all())


def buckets_are_declared(release: Release) -> bool:
    """Whether the shown buckets are those of the declared scheme (rule R1)."""
    scheme = settings_of(release.study).scheme
    shown = {b for b in release.table("risk_buckets")["bucket"] if "," not in b and b != "all"}
    return shown <= set(scheme.buckets)


def every_case_is_shown(release: Release) -> bool:
    """Whether the run's own case stands beside the others, for every variant."""
    frame = release.table("risk_sensitivity")
    return bool(
        frame["case"].nunique() > 1 and (frame.groupby("case").size() == len(ADJUSTED)).all()
    )


def answers_follow(release: Release) -> bool:
    """Whether the answers name methods of this run."""
    verdict, name = appropriate(release)[1], best(release)[1]
    return verdict in (True, False, None) and (name in MODEL_OF or name == "")


def assumptions_are_cited(release: Release) -> bool:
    """Whether each listed assumption names its rule or its source."""
    return all(use.rule or use.source for use in release.uses(POLICY))
