"""The MPA report: one function per section of its notebook."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tcoc.deliverables.mpa_options.public import BASELINE, public_tables, shipped
from tcoc.deliverables.mpa_options.tables import dollars_conserved, terms_of
from tcoc.report import style, words
from tcoc.report.release import Figure, Release

__all__ = ["POLICY", "headline", "public_tables"]

POLICY = ("mpa", "risk", "attribution", "tcoc")
"""The policy files whose values this report rests on."""

OPTION_NAMES = {
    "improvement": "As adopted",
    "improvement_demographic": "Demographic risk adjustment",
    "improvement_new_enrollee": "New enrollee risk adjustment",
    "improvement_single": "No hospitals combined",
    "attainment": "Attainment alone",
    "attainment_half": "Attainment half and half",
    "quality_reward_helps": "Quality rewards always help",
}
METHOD_NAMES = {
    "none": "No risk adjustment",
    "demographic": "Demographic",
    "new_enrollee": "New enrollee",
}
SIGN_NAMES = {"multiply": "multiplied", "reward_helps": "a reward always helps"}

_THRESHOLDS = (
    "A wider threshold pays less for chance, and less for true savings too; it does not make signs"
    " more certain."
)

Rows = pd.DataFrame


# ---------------------------------------------------------------- reading the audited tables


def _years(release: Release) -> list[int]:
    return sorted({int(y) for y in release.table("mpa_scale")["rate_year"]})


def _rows(release: Release, table: str, rate_year: int) -> Rows:
    frame = release.table(table)
    return _kept(frame[frame["rate_year"] == rate_year], table)


def _kept(frame: Rows, table: str) -> Rows:
    found = frame.reset_index(drop=True)
    found.attrs["tcoc_table"] = table
    return found


def _shown(release: Release, rate_year: int) -> Rows:
    """Return the hospitals whose percentage may be shown, lowest first."""
    frame = _rows(release, "mpa_hospitals", rate_year).dropna(subset=["mpa_percent"])
    return _kept(frame.sort_values(["mpa_percent", "ccn"]), "mpa_hospitals")


def _option(release: Release, rate_year: int, option: str = BASELINE) -> Any:
    frame = _rows(release, "mpa_option_totals", rate_year).set_index("option")
    return frame.loc[option]


def _rate(value: Any, digits: int = 2) -> str:
    return words.change(value, digits)


def _name(rate_year: int, years: list[int], name: str) -> str:
    return name if len(years) == 1 else f"{name}_{rate_year}"


# ---------------------------------------------------------------- the answer in words


def headline(release: Release) -> str:
    """Say in one sentence what the first rate year's adjustment moves, for the run's index."""
    year = _years(release)[0]
    row = _option(release, year)
    hospitals = int(row["hospitals_up"] + row["hospitals_down"])
    return (
        f"For rate year {year} the MPA pays {words.short_dollars(row['total_up'])} to"
        f" {int(row['hospitals_up'])} hospitals and takes"
        f" {words.short_dollars(abs(row['total_down']))} from {int(row['hospitals_down'])};"
        f" {int(row['beyond'])} of {hospitals} end beyond the threshold."
    )


def summary(release: Release) -> None:
    """Give the question, the answer that this run gives, and the caveat."""
    year = _years(release)[0]
    row, terms = _option(release, year), terms_of(release.study, year)
    release.say(
        f"**{headline(release)}** The benchmark grows by national growth of"
        f" {words.percent(terms.national_growth, 2)} less"
        f" {words.percent(terms.trend_reduction, 2)}; {terms.performance_year} is held against"
        f" {terms.base_year}. {_chance_sentence(release, year)} The policy texts were not"
        " readable: the values are assumptions, listed at the end."
    )
    release.show_numbers(
        [
            ("Paid", words.short_dollars(row["total_up"]), f"rate year {year}"),
            ("Taken", words.short_dollars(row["total_down"]), f"rate year {year}"),
            ("Net", words.short_dollars(row["net"]), "sum of both"),
            ("Beyond the threshold", words.count(row["beyond"]), "hospitals"),
        ]
    )


def _chance_sentence(release: Release, rate_year: int) -> str:
    frame = _rows(release, "mpa_panel_sizes", rate_year)
    terms = terms_of(release.study, rate_year)
    at = frame.iloc[(frame["true_change"] - terms.threshold).abs().argmin()]
    return (
        f"A true change of {words.percent(at['true_change'], 1)} has the right sign"
        f" {words.percent(at['certainty'], 0)} of the time only from"
        f" {words.count(at['min_panel'])} attributed people on;"
        f" {int(at['hospitals_large_enough'])} of {int(at['hospitals'])} units are as large."
    )


# ---------------------------------------------------------------- the scale and the hospitals


def scale(release: Release) -> None:
    """Draw the scale from result to percentage, with its caps and the hospitals on it."""
    years = _years(release)
    for year in years:
        frame = _shown(release, year)
        corners = _rows(release, "mpa_scale", year).sort_values("scale_result")
        picture, axes = style.new_figure(height=3.8)
        _draw_scale(axes, corners)
        _draw_hospitals(axes, frame, float(corners["scale_result"].max()))
        release.show_figure(
            Figure(
                name=_name(year, years, "mpa_scale"),
                title=_scale_title(release, year),
                alt=(
                    "A line from the lower cap over zero to the upper cap, level beyond the"
                    f" thresholds, and {len(frame)} hospitals as dots where their results put them."
                ),
                caption=(
                    "Across: how far the hospital's cost per capita ended below (right) or above"
                    " (left) its benchmark. Results beyond twice the threshold stand at the edge."
                    " Quality moves dots off the line."
                ),
                picture=picture,
                data=frame,
            )
        )


def _draw_scale(axes: Any, corners: Rows) -> None:
    axes.plot(corners["scale_result"], corners["scale_percent"], color=style.QUIET, linewidth=1.6)
    axes.axhline(0, color=style.RULE, linewidth=0.8, zorder=0)
    axes.axvline(0, color=style.RULE, linewidth=0.8, zorder=0)
    style.number_axis(axes.xaxis, "change", "result against the benchmark", 1)
    style.number_axis(axes.yaxis, "change", "adjustment of Medicare payments", 2)


def _draw_hospitals(axes: Any, frame: Rows, edge: float) -> None:
    across = frame["result"].clip(-edge, edge)
    for place, (name, rows) in enumerate(
        (("single", frame["combination"].isna()), ("combined", frame["combination"].notna()))
    ):
        if rows.any():
            axes.scatter(
                across[rows],
                frame.loc[rows, "mpa_percent"],
                s=26,
                color=style.colour(place),
                marker=style.MARKERS[place],
                alpha=0.75,
                label=f"{name} hospitals",
                zorder=3,
            )
    axes.legend(loc="lower right")


def _scale_title(release: Release, rate_year: int) -> str:
    row = _option(release, rate_year)
    return (
        f"{int(row['beyond'])} of {int(row['hospitals_up'] + row['hospitals_down'])} hospitals end"
        f" beyond the threshold in rate year {rate_year}"
    )


def hospitals(release: Release) -> None:
    """Show each hospital's percentage with the interval that chance puts around it."""
    years = _years(release)
    for year in years:
        frame = _shown(release, year)
        picture, axes = style.new_figure(height=max(3.0, 0.2 * len(frame) + 1.2))
        _draw_intervals(axes, frame)
        release.show_figure(
            Figure(
                name=_name(year, years, "mpa_hospitals"),
                title=_interval_title(frame, year),
                alt=(
                    f"Dots with interval bars for {len(frame)} hospitals, ordered by adjustment;"
                    " most bars reach from one cap to the other."
                    if _spanning(frame) * 2 > len(frame)
                    else f"Dots with interval bars for {len(frame)} hospitals, by adjustment."
                ),
                caption=(
                    "The bars hold 95 % of the adjustments that the same hospitals would have had"
                    " with other beneficiaries of the same kind (bootstrap)."
                ),
                picture=picture,
                data=frame,
            )
        )
    release.show_table("mpa_hospitals", _HOSPITAL_COLUMNS, _HOSPITAL_FORMATS, heading_columns=1)


_HOSPITAL_COLUMNS = {
    "hospital": "Hospital",
    "rate_year": "Rate year",
    "benes": "Beneficiaries",
    "benchmark": "Benchmark",
    "performance": "Performance",
    "result": "Result",
    "quality": "Quality",
    "mpa_percent": "Adjustment",
    "payments": "Medicare payments",
    "mpa_dollars": "Dollars",
}
_HOSPITAL_FORMATS: dict[str, Any] = {
    "rate_year": "year",
    "result": lambda v: _rate(v, 1),
    "quality": _rate,
    "mpa_percent": lambda v: _rate(v, 3),
}


def _draw_intervals(axes: Any, frame: Rows) -> None:
    places = np.arange(len(frame))
    axes.hlines(
        places, frame["percent_low"], frame["percent_high"], color=style.PALETTE[2], linewidth=3
    )
    axes.scatter(frame["mpa_percent"], places, s=18, color=style.ACCENT, zorder=3)
    axes.axvline(0, color=style.QUIET, linewidth=0.8, zorder=1)
    axes.set_yticks(places, frame["hospital"], fontsize=8)
    axes.set_ylim(-0.8, len(frame) - 0.2)
    style.number_axis(axes.xaxis, "change", "adjustment of Medicare payments (bars: 95 %)", 2)
    style.grid(axes, "x")


def _spanning(frame: Rows) -> int:
    return int(((frame["percent_low"] < 0) & (frame["percent_high"] > 0)).sum())


def _interval_title(frame: Rows, rate_year: int) -> str:
    return (
        f"Rate year {rate_year}: of {len(frame)} hospitals {_spanning(frame)} could by chance have"
        " had the other sign"
    )


def combined(release: Release) -> None:
    """Show combined hospitals: the shared percentage beside what each would have alone (A12)."""
    frame = release.table("mpa_hospitals")
    together = frame[frame["combination"].notna()]
    if together.empty or "percent_single" not in frame.columns:
        release.say("This run combines no hospitals.")
        return
    changed = together.dropna(subset=["mpa_percent", "percent_single"])
    turned = int((changed["mpa_percent"] * changed["percent_single"] < 0).sum())
    release.say(
        f"Of {len(together)} hospitals in combinations, {turned} would have the other sign alone."
    )
    release.show_table(
        "mpa_hospitals",
        {
            "combination": "Combination",
            "hospital": "Hospital",
            "rate_year": "Rate year",
            "mpa_percent": "Combined",
            "percent_single": "Alone",
            "mpa_dollars": "Dollars",
        },
        {"rate_year": "year", "mpa_percent": _rate, "percent_single": _rate},
        caption="Hospitals in combinations: the shared percentage and their own",
        frame=_kept(together.sort_values(["combination", "ccn"]), "mpa_hospitals"),
        shown_as="mpa_combined",
        heading_columns=2,
    )


# ---------------------------------------------------------------- the options study


_TOTAL_COLUMNS = {
    "total_up": "Paid",
    "total_down": "Taken",
    "net": "Net",
    "hospitals_up": "Hospitals up",
    "hospitals_down": "Hospitals down",
    "beyond": "Beyond the threshold",
    "at_cap": "At a cap after quality",
    "sign_changes": "Other sign than adopted",
}
_TOTAL_FORMATS: dict[str, Any] = {
    "rate_year": "year",
    **dict.fromkeys(("total_up", "total_down", "net"), "dollars"),
}


def options(release: Release) -> None:
    """Show what each option pays in total, with its sign."""
    frame = release.table("mpa_option_totals")
    release.show_table(
        "mpa_option_totals",
        {"option": "Option", "rate_year": "Rate year", **_TOTAL_COLUMNS},
        {**_TOTAL_FORMATS, "option": lambda v: OPTION_NAMES.get(str(v), str(v))},
        frame=_kept(frame, "mpa_option_totals"),
    )


_PANELS = {
    "total_up": ("paid to hospitals", "short_dollars"),
    "hospitals_beyond": ("beyond threshold", "count"),
    "sign_agreement": ("same sign by chance", "percent"),
}


def grid(release: Release) -> None:
    """Draw the grid as small multiples: risk methods across, three consequences down."""
    years = _years(release)
    for year in years:
        frame = _drawn_grid(release, year)
        picture, axes = style.new_figure(height=6.2, rows=3, columns=3, sharex=True, sharey="row")
        for across, method in enumerate(METHOD_NAMES):
            for down, measure in enumerate(_PANELS):
                _grid_panel(axes[down][across], frame, method, measure)
            axes[0][across].set_title(METHOD_NAMES[method])
        for down, (label, kind) in enumerate(_PANELS.values()):
            style.number_axis(axes[down][0].yaxis, kind, label)
        axes[2][1].set_xlabel("maximum performance threshold")
        axes[0][0].legend(title="attainment weight", fontsize=8, title_fontsize=8)
        release.show_figure(
            Figure(
                name=_name(year, years, "mpa_grid"),
                title=_grid_title(frame),
                alt=(
                    "Nine small line charts. Payments, hospitals beyond the threshold and the share"
                    " of bootstrap replicates with the same sign, against the threshold, for three"
                    " risk methods and three attainment weights."
                ),
                caption=(
                    "At the adopted revenue at risk, attainment against the statewide level,"
                    " quality multiplied. All points of the grid are in the table below."
                ),
                picture=picture,
                data=frame,
            )
        )
    release.show_table("mpa_grid", _GRID_COLUMNS, _GRID_FORMATS)


def _drawn_grid(release: Release, rate_year: int) -> Rows:
    terms = terms_of(release.study, rate_year)
    frame = _rows(release, "mpa_grid", rate_year)
    level = frame["attainment_level"].eq("statewide") | frame["attainment_weight"].eq(0)
    at_risk = frame["max_at_risk"].to_numpy(dtype=float)
    near = float(at_risk[np.argmin(np.abs(at_risk - terms.max_at_risk))])
    chosen = frame[level & frame["max_at_risk"].eq(near) & frame["quality_sign"].eq("multiply")]
    return _kept(chosen, "mpa_grid")


def _grid_panel(axes: Any, frame: Rows, method: str, measure: str) -> None:
    of_method = frame[frame["risk_method"] == method]
    ordered = of_method.sort_values("threshold")
    for place, (weight, rows) in enumerate(ordered.groupby("attainment_weight")):
        axes.plot(
            rows["threshold"],
            rows[measure],
            color=style.colour(place),
            marker=style.MARKERS[place],
            markersize=4,
            linewidth=1.5,
            label=words.percent(weight, 0),
        )
    style.number_axis(axes.xaxis, "percent")
    style.grid(axes, "y")


def _grid_title(frame: Rows) -> str:
    plain = frame[frame["risk_method"].eq("none") & frame["attainment_weight"].eq(0)]
    ordered = plain.sort_values("threshold")
    low, high = ordered.iloc[0], ordered.iloc[-1]
    return (
        f"From a threshold of {words.percent(low['threshold'], 0)} to"
        f" {words.percent(high['threshold'], 0)}, hospitals beyond it go from"
        f" {int(low['hospitals_beyond'])} to {int(high['hospitals_beyond'])}"
    )


_GRID_COLUMNS = {
    "rate_year": "Rate year",
    "threshold": "Threshold",
    "max_at_risk": "At risk",
    "attainment_weight": "Attainment",
    "attainment_level": "Level",
    "quality_sign": "Quality",
    "risk_method": "Risk method",
    "total_up": "Paid",
    "total_down": "Taken",
    "net": "Net",
    "hospitals_beyond": "Beyond threshold",
    "at_cap_up": "At upper cap",
    "at_cap_down": "At lower cap",
    "sign_changes": "Other sign",
    "concentration": "Five largest",
    "largest_change": "Largest change",
    "largest_change_hospital": "Of hospital",
    "sign_agreement": "Sign agreement",
}
_GRID_FORMATS: dict[str, Any] = {
    "rate_year": "year",
    **dict.fromkeys(("threshold", "max_at_risk"), "percent"),
    **dict.fromkeys(
        ("attainment_weight", "concentration", "sign_agreement"), lambda v: words.percent(v, 0)
    ),
    **dict.fromkeys(("total_up", "total_down", "net"), "dollars"),
    "quality_sign": lambda v: SIGN_NAMES.get(str(v), str(v)),
    "risk_method": lambda v: METHOD_NAMES.get(str(v), str(v)),
    "largest_change": lambda v: _rate(v, 2),
}


# ---------------------------------------------------------------- chance


def chance(release: Release) -> None:
    """Draw what chance alone pays a hospital that did not change, by size and threshold."""
    years = _years(release)
    for year in years:
        frame = _rows(release, "mpa_chance_by_size", year)
        picture, axes = style.new_figure(height=3.6)
        _draw_chance(axes, frame)
        release.show_figure(
            Figure(
                name=_name(year, years, "mpa_chance"),
                title=_chance_title(release, year),
                alt=(
                    "Falling lines, one per threshold: the larger the panel and the wider the"
                    " threshold, the smaller the share of the revenue at risk that chance moves."
                ),
                caption=(
                    "A hospital whose true result is zero is still paid or charged. Down: the mean"
                    " share of the revenue at risk that moves by chance."
                ),
                picture=picture,
                data=frame,
            )
        )
        release.say(_chance_sentence(release, year))
    release.show_table(
        "mpa_panel_sizes",
        {
            "rate_year": "Rate year",
            "true_change": "True change",
            "min_panel": "People needed",
            "hospitals_large_enough": "Units as large",
            "hospitals": "Units",
        },
        {"rate_year": "year", "true_change": "percent", "min_panel": "count"},
    )


def _draw_chance(axes: Any, frame: Rows) -> None:
    ordered = frame.sort_values("panel_size")
    for place, (threshold, rows) in enumerate(ordered.groupby("threshold")):
        axes.plot(
            rows["panel_size"],
            rows["mean_share"],
            color=style.colour(place),
            marker=style.MARKERS[place],
            label=words.percent(threshold, 0),
        )
    axes.set_xscale("log")
    sizes = sorted(frame["panel_size"].unique())
    axes.set_xticks(sizes, [words.count(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("attributed beneficiaries")
    axes.set_ylim(0, 1)
    style.number_axis(axes.yaxis, "percent", "share of revenue at risk moved by chance")
    style.grid(axes, "y")
    axes.legend(title="threshold", ncols=2)


def _chance_title(release: Release, rate_year: int) -> str:
    terms = terms_of(release.study, rate_year)
    frame = _rows(release, "mpa_chance_by_size", rate_year)
    near = frame.iloc[(frame["threshold"] - terms.threshold).abs().argmin()]["threshold"]
    row = frame[frame["threshold"] == near].sort_values("panel_size").iloc[len(_sizes(frame)) // 2]
    return (
        f"With {words.count(row['panel_size'])} people, chance moves"
        f" {words.percent(row['mean_share'], 0)} of the revenue at risk"
    )


def _sizes(frame: Rows) -> list[int]:
    return sorted({int(n) for n in frame["panel_size"]})


def break_even(release: Release) -> None:
    """Show what each hospital must save to reach zero and the reward cap."""
    release.show_table(
        "mpa_hospitals",
        {
            "hospital": "Hospital",
            "rate_year": "Rate year",
            "result": "Result",
            "zero_per_capita": "To zero, per capita",
            "zero_dollars": "To zero, dollars",
            "reward_cap_per_capita": "To the reward cap, per capita",
            "reward_cap_dollars": "To the reward cap, dollars",
        },
        {"rate_year": "year", "result": lambda v: _rate(v, 1)},
        caption="What must be saved; negative amounts are room left",
        shown_as="mpa_break_even",
        frame=release.table("mpa_hospitals"),
        note="Savings of total cost of care; of a combination, of all its hospitals together.",
    )


# ---------------------------------------------------------------- scenarios, answers


def scenarios(release: Release) -> None:
    """Show the shipped scenarios: what each says, and what it pays."""
    for name, scenario in shipped(release.study).items():
        lines = [f"{number}. {text}" for number, text in sorted(scenario.description.items())]
        release.say(
            f"**{scenario.title}** (`{name}`; {scenario.author}; {scenario.reference})\n\n"
            + "\n".join(lines)
        )
    release.show_table(
        "mpa_scenario_totals",
        {"title": "Scenario", "rate_year": "Rate year", **_TOTAL_COLUMNS},
        _TOTAL_FORMATS,
        note="Computed on this run's years and national growth, so only the terms differ.",
    )


def answers(release: Release) -> None:
    """Answer the Year 2 questions of the agenda in words."""
    year = _years(release)[0]
    frame = release.table("mpa_grid")
    frame = frame[frame["rate_year"] == year]
    lines = [
        *_scale_answers(release, frame, year),
        f"**Attainment.** {_option_words(release, year, 'attainment_half')}",
        f"**Quality.** {_option_words(release, year, 'quality_reward_helps')}",
        f"**Changing risk profiles.** {_option_words(release, year, 'improvement_new_enrollee')}",
        f"**Chance.** {_chance_sentence(release, year)} {_THRESHOLDS}",
    ]
    release.say("\n".join(f"- {line}" for line in lines))


def _scale_answers(release: Release, frame: Rows, rate_year: int) -> list[str]:
    terms = terms_of(release.study, rate_year)
    plain = frame[
        frame["risk_method"].eq("none")
        & frame["attainment_weight"].eq(0)
        & frame["quality_sign"].eq("multiply")
    ]
    by_threshold = plain.iloc[(plain["max_at_risk"] - terms.max_at_risk).abs().argsort()]
    near = by_threshold["max_at_risk"].iloc[0]
    caps = plain[plain["max_at_risk"] == near].sort_values("threshold")
    narrow, wide = caps.iloc[0], caps.iloc[-1]
    at_most = plain[plain["threshold"] == wide["threshold"]].sort_values("max_at_risk").iloc[-1]
    return [
        (
            "**Maximum performance threshold.** Between"
            f" {words.percent(narrow['threshold'], 0)} and {words.percent(wide['threshold'], 0)},"
            f" dollars paid fall from {words.short_dollars(narrow['total_up'])} to"
            f" {words.short_dollars(wide['total_up'])}."
        ),
        (
            f"**Maximum revenue at risk.** At {words.percent(at_most['max_at_risk'], 1)} and the"
            f" widest threshold, {words.short_dollars(at_most['total_up'])} are paid and"
            f" {words.short_dollars(abs(at_most['total_down']))} taken: dollars move in proportion"
            " to the revenue at risk."
        ),
    ]


def _option_words(release: Release, rate_year: int, option: str) -> str:
    known = _rows(release, "mpa_option_totals", rate_year)["option"].tolist()
    if option not in known:
        return "This run does not compute the option."
    row, adopted = _option(release, rate_year, option), _option(release, rate_year)
    return (
        f"{OPTION_NAMES[option]}: {int(row['sign_changes'])} hospitals change sign against the"
        f" adopted terms, and the net moves from {words.short_dollars(adopted['net'])} to"
        f" {words.short_dollars(row['net'])}."
    )


def assumptions(release: Release) -> None:
    """List the assumed and replaced parameters behind the numbers."""
    release.show_assumptions(POLICY)


def data_notes(release: Release) -> None:
    """List what a reader must know of the data: national growth and its source, the years."""
    growth: Mapping[int, Any] = release.study.run.spec.national_growth
    notes = [
        f"national growth for rate year {year} is {words.percent(growth[year].value, 2)}"
        f" ({growth[year].source})"
        for year in _years(release)
    ]
    release.say(f"Data notes: {'; '.join(notes)}.")
    release.show_provenance()


# ---------------------------------------------------------------- what the notebook asserts


def dollars_are_percent_of_payments(release: Release) -> bool:
    """Whether each hospital's dollars are percent x payments to the cent (rule M4)."""
    return dollars_conserved(release.study.frame("mpa", exact=True))


def percents_within_caps(release: Release) -> bool:
    """Whether no adopted adjustment is beyond the revenue at risk (rule M3)."""
    return all(
        bool(
            (
                _shown(release, y)["mpa_percent"].abs() <= terms_of(release.study, y).max_at_risk
            ).all()
        )
        for y in _years(release)
    )


def intervals_in_order(release: Release) -> bool:
    """Whether each interval's ends are in order and within the revenue at risk."""
    frame = release.table("mpa_hospitals").dropna(subset=["percent_low"])
    return bool((frame["percent_low"] <= frame["percent_high"]).all())


def combinations_share_one_percent(release: Release) -> bool:
    """Whether hospitals of a combination have the identical percentage (rule A12)."""
    frame = release.study.frame("mpa")
    together = frame[frame["combination"].notna()]
    each = together.groupby(["rate_year", "option", "combination"])["mpa_percent"].nunique()
    return bool((each <= 1).all())


def totals_have_their_signs(release: Release) -> bool:
    """Whether up is not below zero, down not above, and net their sum, in every option."""
    tables = [release.table(n) for n in ("mpa_option_totals", "mpa_grid", "mpa_scenario_totals")]
    return all(
        bool(
            (t["total_up"] >= 0).all()
            and (t["total_down"] <= 0).all()
            and ((t["total_up"] + t["total_down"] - t["net"]).abs() < 0.05).all()
        )
        for t in tables
    )


def chance_falls_with_size(release: Release) -> bool:
    """Whether chance moves less of larger panels, at every threshold."""
    frame = release.table("mpa_chance_by_size").sort_values("panel_size")
    return all(
        of["mean_share"].is_monotonic_decreasing
        for _, of in frame.groupby(["rate_year", "threshold"])
    )


def caps_cost_more_than_zero(release: Release) -> bool:
    """Whether reaching the reward cap takes at least as much saving as reaching zero."""
    frame = release.table("mpa_hospitals").dropna(subset=["zero_per_capita"])
    return bool((frame["reward_cap_per_capita"] >= frame["zero_per_capita"]).all())


def assumptions_are_cited(release: Release) -> bool:
    """Whether every assumption names its rule."""
    return all(use.rule for use in release.uses(POLICY))
