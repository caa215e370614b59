"""The Year 1 attribution report: one function per section of its notebook."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd

from tcoc.deliverables.y1_attribution.auditor import follow, show_auditor
from tcoc.deliverables.y1_attribution.public import ALL, ELSEWHERE, FOUND, STATE, public_tables
from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.report import style, words
from tcoc.report.maps import draw_small_maps, zip_points
from tcoc.report.release import Figure, Release
from tcoc.rules.attribution import STAGES

__all__ = ["POLICY", "headline", "public_tables"]

POLICY = ("attribution", "tcoc")
"""The policy files whose values this report rests on."""

SECTION_NAMES = {**style.STAGE_NAMES, ALL: "All"}


Section = Callable[[Release], None]

NOBODY = (
    "No beneficiary of this store is eligible in the run's years: none has a month with Part A and"
    " Part B, outside of managed care, living in the state (rule P1). Nobody can be attributed."
)


def needs_people(section: Section) -> Section:
    """Let a section of an empty population say so instead of drawing nothing."""

    @wraps(section)
    def shown(release: Release) -> None:
        if release.table("attribution_waterfall").empty:
            release.say(NOBODY)
        else:
            section(release)

    return shown


# ---------------------------------------------------------------- the answer in words


def _state(release: Release, year: int | None = None) -> pd.DataFrame:
    frame = release.table("attribution_waterfall")
    rows = frame[frame["ccn"] == STATE]
    return rows if year is None else rows[rows["year"] == year].set_index("stage")


def _last_year(release: Release) -> int:
    return int(release.table("attribution_waterfall")["year"].max())


def _last_costed_year(release: Release) -> int | None:
    """The last year with dollars: counts exist for every year, dollars where claims do (A11)."""
    state = _state(release)
    costed = state.loc[state["tcoc"].notna(), "year"]
    return int(costed.max()) if len(costed) else None


def _shares(state: pd.DataFrame, measure: str) -> str:
    parts = [
        f"{words.percent(state.loc[stage, f'share_{measure}'], 0)} {_in_text(stage)}"
        for stage in STAGES
        if stage in state.index
    ]
    return words.listing(parts)


def _in_text(stage: str) -> str:
    """Return a stage's name as it stands inside a sentence."""
    name = style.STAGE_NAMES[stage]
    return name.lower() if name == "Geographic" else name


def headline(release: Release) -> str:
    """Say in one sentence how many beneficiaries the stages attribute, for the run's index."""
    if release.table("attribution_waterfall").empty:
        return NOBODY
    year = _last_year(release)
    state = _state(release, year)
    return (
        f"In {year} all {words.count(state.loc[ALL, 'benes'])} eligible beneficiaries are"
        f" attributed to a hospital: {_shares(state, 'benes')}."
    )


@needs_people
def summary(release: Release) -> None:
    """Give the question, the answer that this run gives, and the caveat."""
    costed = _last_costed_year(release)
    release.say(f"**{headline(release)}** {_cost_words(release, costed)} {_caveat(release)}")
    release.show_numbers(_key_numbers(release, costed))


def _cost_words(release: Release, year: int | None) -> str:
    if year is None:
        return "The store has no claims in the run's years, so no dollars can be shown."
    row = _hospitals(release, year).loc[STATE]
    return (
        f"Their Medicare total cost of care in {year} is {words.short_dollars(row['tcoc'])},"
        f" or {words.dollars(row['per_capita'])} per beneficiary and year;"
        f" {words.percent(row['hospital_share'], 0)} of it is paid to hospitals."
        f" {incomplete_words(release)}"
    )


def _caveat(release: Release) -> str:
    people = float(_state(release, _last_year(release))["benes"].to_dict()[ALL])
    if people < SMALL:
        return (
            f"With fewer than {words.count(SMALL)} beneficiaries this is a test of the method,"
            " not a statement about hospitals."
        )
    return (
        "The stages, their order and the hospital lists follow the Year 1 policy; where the"
        " published documents are silent, the assumption stands in the last section."
    )


SMALL = 5_000
"""Below this many beneficiaries the report says that it is no statement about hospitals."""


def _key_numbers(release: Release, costed: int | None) -> list[tuple[str, str, str]]:
    year = _last_year(release)
    state = _state(release, year)
    numbers = [
        (style.STAGE_NAMES[stage], words.percent(state.loc[stage, "share_benes"]), f"of {year}")
        for stage in STAGES
        if stage in state.index
    ]
    if costed is not None:
        row = _hospitals(release, costed).loc[STATE]
        numbers.append(("Per capita", words.dollars(row["per_capita"]), f"in {costed}"))
    return numbers


def shares_sum_to_one(release: Release) -> bool:
    """Whether each year's stages together hold exactly its eligible beneficiaries (rule A1)."""
    study = release.study
    rows, people = study.table("attribution"), study.table("beneficiary_year")
    per_person = rows.group_by("year", "bene_id").agg(whole=rows.share.sum())
    wrong = per_person.filter((per_person.whole - 1).abs() > TOLERANCE).count().execute()
    return bool(wrong == 0 and per_person.count().execute() == people.count().execute())


TOLERANCE = 1e-9
"""How far a beneficiary-year's shares may be from one."""


def dollars_and_months_conserved(release: Release) -> bool:
    """Whether hospitals' dollars and months add up to the population's.

    Each hospital's dollars are rounded to the cent once, so the sum over hospitals may differ by
    half a cent for each of them; months are exact but for the binary form of shares.
    """
    hospitals = release.study.frame("hospital_year").groupby("year")
    people = release.study.table("beneficiary_year")
    by_year = people.group_by("year").agg(
        months=people.eligible_months.cast("int32").sum().cast("int32"), tcoc=people.tcoc.sum()
    )
    whole = release.study.connection.fetch(by_year, ["year"]).set_index("year").astype(float)
    months = (hospitals["eligible_months"].sum() - whole["months"]).abs()
    dollars = (hospitals["tcoc"].sum(min_count=1) - whole["tcoc"]).abs()
    allowed = hospitals.size() * 0.005 + 0.001
    return bool((months < 0.001).all() and ((dollars <= allowed) | whole["tcoc"].isna()).all())


# ---------------------------------------------------------------- the waterfall


@needs_people
def waterfall(release: Release) -> None:
    """Show how the stages split beneficiaries and dollars, year by year."""
    state = _state(release)
    parts = state[state["stage"] != ALL]
    picture, panels = style.new_figure(height=3.3, columns=2, sharey=True)
    years = sorted(state["year"].unique())
    for axes, (measure, label) in zip(
        panels, (("benes", "Beneficiaries"), ("tcoc", "Medicare payments")), strict=True
    ):
        _stacked(axes, parts, years, f"share_{measure}")
        axes.set_title(label)
        style.number_axis(axes.xaxis, "percent", "share of the year")
    panels[0].invert_yaxis()
    release.show_figure(
        Figure(
            name="waterfall",
            title=_waterfall_title(release),
            alt=_waterfall_alt(state),
            caption="Each stage sees the beneficiaries that the stages before it left (rule A1).",
            picture=picture,
            data=_kept(state, "attribution_waterfall"),
            columns=_WATERFALL,
            formats=_FORMATS,
        )
    )
    release.show_table(
        "attribution_waterfall", _WATERFALL, _FORMATS, frame=_with_stage_names(state)
    )


_WATERFALL = {
    "year": "Year",
    "stage": "Stage",
    "benes": "Beneficiaries",
    "share_benes": "Share of beneficiaries",
    "eligible_months": "Eligible months",
    "tcoc": "Total cost of care",
    "share_tcoc": "Share of dollars",
}
_FORMATS = {
    "eligible_months": "count",
    "tcoc": "dollars",
    "share_benes": "percent",
    "share_tcoc": "percent",
}


def _with_stage_names(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(stage=frame["stage"].map(SECTION_NAMES))


def _kept(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return rows of an audited table, still known as that table's."""
    kept = frame.reset_index(drop=True)
    kept.attrs["tcoc_table"] = table
    return kept


def _stacked(axes: Any, parts: pd.DataFrame, years: Sequence[int], column: str) -> None:
    left = np.zeros(len(years))
    for stage in STAGES:
        rows = parts[parts["stage"] == stage].set_index("year")[column].reindex(list(years))
        widths = rows.fillna(0).to_numpy(dtype=float)
        axes.barh(
            [str(y) for y in years],
            widths,
            left=left,
            height=0.72,
            color=style.stage_colour(stage),
            hatch=style.stage_hatch(stage),
            edgecolor="white",
            linewidth=0.8,
        )
        _label_parts(axes, left, widths, stage)
        left = left + widths
    axes.set_xlim(0, 1)
    style.grid(axes, "x")


def _label_parts(axes: Any, left: "np.ndarray[Any, Any]", widths: Any, stage: str) -> None:
    for row, (start, width) in enumerate(zip(left, widths, strict=True)):
        if width < 0.1:
            continue
        name = f"{style.STAGE_NAMES[stage]}\n" if row == 0 and width > 0.2 else ""
        axes.text(
            start + width / 2,
            row,
            f"{name}{words.percent(width, 0)}",
            ha="center",
            va="center",
            fontsize=9,
            linespacing=1.1,
            color=style.INK,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )


def _waterfall_title(release: Release) -> str:
    state = _state(release, _last_year(release))
    benes = {s: state.loc[s, "share_benes"] for s in STAGES if s in state.index}
    shown = {s: float(str(v)) for s, v in benes.items() if not words.is_hidden(v)}
    if not shown:
        return "Attribution by stage"
    largest = max(shown, key=lambda s: shown[s])
    return (
        f"The {style.STAGE_NAMES[largest]} stage takes the largest part:"
        f" {words.percent(shown[largest], 0)} of beneficiaries in {_last_year(release)}"
    )


def _waterfall_alt(state: pd.DataFrame) -> str:
    sentences = [
        f"{year}: {_shares(rows.set_index('stage'), 'benes')} of beneficiaries"
        for year, rows in state.groupby("year")
    ]
    return f"Bars of 100 % per year, split by stage. {'; '.join(sentences)}."


# ---------------------------------------------------------------- hospitals


def _hospitals(release: Release, year: int) -> pd.DataFrame:
    frame = release.table("hospital_per_capita")
    return frame[frame["year"] == year].set_index("ccn")


@needs_people
def hospitals_by_stage(release: Release) -> None:
    """Show each hospital's attributed beneficiaries by stage in the last year."""
    year = _last_year(release)
    frame = release.table("hospitals_by_stage")
    rows = frame[(frame["year"] == year) & (frame["ccn"] != STATE)]
    wide = rows.pivot_table(index="hospital", columns="stage", values="benes", aggfunc="first")
    order = wide[ALL].sort_values(na_position="first").index
    height = max(2.5, 0.19 * len(order) + 1.0)
    picture, axes = style.new_figure(height=height)
    left = np.zeros(len(order))
    for stage in (s for s in STAGES if s in wide.columns):
        widths = wide[stage].reindex(order).fillna(0).to_numpy(dtype=float)
        axes.barh(
            order,
            widths,
            left=left,
            height=0.74,
            color=style.stage_colour(stage),
            hatch=style.stage_hatch(stage),
            edgecolor="white",
            linewidth=0.5,
            label=style.STAGE_NAMES[stage],
        )
        left = left + widths
    axes.margins(y=0.01)
    axes.tick_params(axis="y", labelsize=8.5)
    style.number_axis(axes.xaxis, "count", "attributed beneficiaries")
    style.grid(axes, "x")
    axes.legend(loc="lower right", title="Stage")
    largest = order[-1] if len(order) else ""
    release.show_figure(
        Figure(
            name="hospitals_by_stage",
            title=f"{largest} has the most attributed beneficiaries in {year}",
            alt=(
                f"Bars of {len(order)} hospitals, longest first from below, split by stage."
                f" {largest}: {words.count(wide[ALL].max())} beneficiaries in all."
            ),
            caption="Hidden cells (see the table) are drawn as nothing.",
            picture=picture,
            data=_kept(rows, "hospitals_by_stage"),
        )
    )
    _stage_table(release, rows, year)


def _stage_table(release: Release, rows: pd.DataFrame, year: int) -> None:
    named = _with_stage_names(rows)
    release.show_table(
        "hospitals_by_stage",
        {
            "hospital": "Hospital",
            "stage": "Stage",
            "benes": "Beneficiaries",
            "share_of_hospital": "Share of the hospital's",
        },
        caption=f"Attributed beneficiaries by hospital and stage, {year}",
        frame=named,
    )


@needs_people
def per_capita_by_hospital(release: Release) -> None:
    """Show total cost of care per capita by hospital and year."""
    frame = release.table("hospital_per_capita")
    rows = frame[(frame["ccn"] != STATE) & frame["per_capita"].notna()]
    if rows.empty:
        release.say("No year of this run has claims, so there is no per capita to show.")
        return
    years = sorted(rows["year"].unique())
    last = rows[rows["year"] == years[-1]].sort_values("per_capita")
    order = last["hospital"].tolist()
    picture, axes = style.new_figure(height=max(2.5, 0.19 * len(order) + 1.1))
    spots = {name: i for i, name in enumerate(order)}
    for place, year in enumerate(years):
        of_year = rows[(rows["year"] == year) & rows["hospital"].isin(order)]
        newest = year == years[-1]
        axes.scatter(
            of_year["per_capita"],
            of_year["hospital"].map(spots),
            s=34 if newest else 16,
            marker=style.MARKERS[place % len(style.MARKERS)],
            facecolor=style.ACCENT if newest else "white",
            edgecolor=style.ACCENT if newest else style.QUIET,
            linewidth=0.8,
            zorder=3 if newest else 2,
            label=str(year),
        )
    _state_line(axes, frame, years[-1])
    axes.set_yticks(range(len(order)), order, fontsize=8.5)
    axes.set_ylim(-0.7, len(order) - 0.3)
    style.number_axis(axes.xaxis, "dollars", "dollars per beneficiary and year")
    style.grid(axes, "x")
    axes.legend(loc="lower right", title="Year")
    release.show_figure(_per_capita_figure(frame, last, years, picture))
    release.show_table(
        "hospital_per_capita",
        {
            "hospital": "Hospital",
            "year": "Year",
            "benes": "Beneficiaries",
            "tcoc": "Total cost of care",
            "per_capita": "Per capita",
            "hospital_share": "Paid to hospitals",
        },
        {"tcoc": "dollars", "hospital_share": "percent"},
    )


def _state_line(axes: Any, frame: pd.DataFrame, year: int) -> None:
    state = frame[(frame["ccn"] == STATE) & (frame["year"] == year)]["per_capita"]
    if state.notna().any():
        axes.axvline(float(state.iloc[0]), color=style.WARM, linewidth=1.2, zorder=1)
        axes.annotate(
            f"Maryland {year}: {words.dollars(state.iloc[0])}",
            (float(state.iloc[0]), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, 3),
            textcoords="offset points",
            color=style.WARM,
            fontsize=9,
        )


def _per_capita_figure(
    frame: pd.DataFrame, last: pd.DataFrame, years: Sequence[int], picture: Any
) -> Figure:
    low, high = last.iloc[0], last.iloc[-1]
    return Figure(
        name="per_capita",
        title=(
            f"Per capita in {years[-1]} runs from {words.dollars(low['per_capita'])}"
            f" ({low['hospital']}) to {words.dollars(high['per_capita'])} ({high['hospital']})"
        ),
        alt=(
            f"Dots of {len(last)} hospitals ordered by total cost of care per capita in"
            f" {years[-1]}, with the years {words.span([int(y) for y in years])}."
        ),
        caption="Differences in need are not adjusted for; compare a hospital with itself.",
        picture=picture,
        data=_kept(frame, "hospital_per_capita"),
    )


@needs_people
def completeness(release: Release) -> None:
    """Show payments by month of service: a year that is not run out tails off."""
    frame = release.table("completeness_by_month")
    if frame["paid_amount"].isna().all():
        release.say("No claims, no run-out to show.")
        return
    picture, axes = style.new_figure(height=3.0)
    for place, (year, rows) in enumerate(frame.groupby("year")):
        axes.plot(
            rows["month"],
            rows["paid_amount"],
            color=style.colour(place),
            marker=style.MARKERS[place % len(style.MARKERS)],
            label=str(year),
        )
    axes.set_ylim(0, float(frame["paid_amount"].max()) * 1.35)
    axes.set_xticks(range(1, 13), list("JFMAMJJASOND"))
    axes.set_xlabel("month of service")
    style.number_axis(axes.yaxis, "short_dollars", "Medicare payments")
    style.grid(axes, "y")
    axes.legend(ncols=4, loc="upper center")
    release.show_figure(
        Figure(
            name="completeness",
            title=_completeness_title(frame),
            alt="Lines by year of Medicare payments by month of service.",
            caption=_completion_words(release),
            picture=picture,
            data=_kept(frame, "completeness_by_month"),
        )
    )


def _completeness_title(frame: pd.DataFrame) -> str:
    last = int(frame["year"].max())
    of_year = frame[frame["year"] == last]["paid_amount"].to_numpy(dtype=float)
    ratio = of_year[-3:].mean() / of_year[:9].mean() if len(of_year) == 12 else float("nan")
    if np.isnan(ratio):
        return f"{last} does not have claims in all months"
    return (
        f"An average month of October to December {last} holds {words.percent(ratio, 0)}"
        " of the payments of an average month before"
    )


def _completion_words(release: Release) -> str:
    factors = release.study.run.spec.completion
    named = [f"{year}: {words.number(f, 2)}" for year, f in sorted(factors.items())]
    given = f"Completion factors of this run: {', '.join(named) or 'none'} (rule T2)."
    return f"{given} {incomplete_words(release)}".strip()


def incomplete_words(release: Release) -> str:
    """Say which years end before 31 March of the next year without a factor (rule T2)."""
    years = release.study.frame("state_year")
    late = [int(y) for y in years.loc[years["incomplete"], "year"]]
    if not late:
        return ""
    return (
        f"**{words.span(late)} is incomplete**: its claims end before 31 March of the next year and"
        " the run names no completion factor, so its dollars may still grow."
    )


# ---------------------------------------------------------------- movement, splits, map


@needs_people
def movement(release: Release) -> None:
    """Show who stays with the same hospital from one year to the next."""
    frame = release.table("attribution_stays")
    rows = frame[frame["reason"] == ALL]
    if rows.empty:
        release.say("The run has no two years in a row, so there is no movement to show.")
        return
    _movement_figure(release, rows)
    named = _with_stage_names(frame).assign(reason=frame["reason"].map(_REASONS))
    release.show_table(
        "attribution_stays",
        {
            "year": "Into year",
            "stage": "Stage before",
            "reason": "What changed",
            "benes": "Beneficiaries",
            "benes_same_hospital": "With the same hospital",
            "share_same_hospital": "Share",
        },
        frame=named,
    )


_REASONS = {
    ALL: "all",
    "left": "no longer eligible",
    "stage_changed": "another stage",
    "same_clinician": "same clinician",
    "other_clinician": "another clinician",
    "other_aco": "another ACO",
    "same_zip": "same ZIP code",
    "moved_zip": "another ZIP code",
}


def _movement_figure(release: Release, rows: pd.DataFrame) -> None:
    picture, axes = style.new_figure(height=2.8)
    for place, stage in enumerate((*STAGES, ALL)):
        of_stage = rows[rows["stage"] == stage].sort_values("year")
        tint = style.INK if stage == ALL else style.stage_colour(stage)
        axes.plot(
            of_stage["year"].astype(str),
            of_stage["share_same_hospital"],
            color=tint,
            marker=style.MARKERS[place],
            linestyle="--" if stage == ALL else "-",
            label=SECTION_NAMES[stage],
        )
    axes.set_ylim(0, 1)
    axes.margins(x=0.12)
    axes.set_xlabel("into year")
    style.number_axis(axes.yaxis, "percent", "with the same hospital")
    style.grid(axes, "y")
    axes.legend(ncols=4, loc="lower center")
    release.show_figure(
        Figure(
            name="attribution_stays",
            title=_movement_title(rows),
            alt=_movement_alt(rows),
            caption="Of all attributed the year before, also those who are no longer eligible.",
            picture=picture,
            data=_kept(rows, "attribution_stays"),
        )
    )


def _movement_title(rows: pd.DataFrame) -> str:
    year = int(rows["year"].max())
    last = rows[(rows["year"] == year) & (rows["stage"] == ALL)]["share_same_hospital"]
    return (
        f"{words.percent(last.iloc[0], 0)} of those attributed in {year - 1} are with the same"
        f" hospital in {year}"
    )


def _movement_alt(rows: pd.DataFrame) -> str:
    last = rows[rows["year"] == rows["year"].max()].set_index("stage")["share_same_hospital"]
    parts = [
        f"{SECTION_NAMES[stage]} {words.percent(last[stage], 0)}"
        for stage in (*STAGES, ALL)
        if stage in last.index
    ]
    return (
        "Lines by stage of the share that stays with the same hospital, by year; in the last year"
        f" {words.listing(parts)}."
    )


@needs_people
def splits(release: Release) -> None:
    """Show how many beneficiaries are shared by several hospitals."""
    frame = release.table("split_attribution")
    year = int(frame["year"].max())
    of_year = frame[frame["year"] == year].set_index("hospitals")["benes"]
    one, whole = of_year.get("1"), of_year[ALL]
    alone = words.percent(one / whole) if one is not None else words.percent(0)
    release.say(f"In {year}, {alone} of beneficiaries belong to one hospital alone.")
    release.show_table(
        "split_attribution",
        {"year": "Year", "hospitals": "Hospitals that share a beneficiary", "benes": "People"},
    )


@needs_people
def homes(release: Release) -> None:
    """Show on small maps where each hospital's attributed beneficiaries live."""
    frame = release.table("where_they_live")
    points = zip_points(frame[(frame["zip"] != ELSEWHERE) & frame["benes"].notna()])
    if points.empty:
        release.say("No home ZIP code has enough beneficiaries of one hospital to be shown.")
        return
    sizes = points.groupby("hospital")["benes"].sum().sort_values(ascending=False)
    order = [str(name) for name in sizes.index]
    columns = 4
    picture, axes = style.new_figure(height=1.15 * -(-len(order) // columns) + 0.3)
    draw_small_maps(axes, order, points, columns)
    year = int(frame["year"].max())
    release.show_figure(
        Figure(
            name="where_they_live",
            title=f"Most hospitals' attributed beneficiaries live close by, {year}"
            if _close_by(points)
            else f"Where each hospital's attributed beneficiaries live, {year}",
            alt=(
                f"{len(order)} small maps of Maryland, one per hospital, with a dot for each ZIP"
                " code in proportion to the hospital's attributed beneficiaries there."
            ),
            caption="ZIP centroids on county outlines; ZIP codes with few people are left out.",
            picture=picture,
            data=_kept(frame, "where_they_live"),
        )
    )


MOST = 0.5


def _close_by(points: pd.DataFrame) -> bool:
    """Whether at most hospitals half of the people live within a fifth of the state's width."""
    width = float(points["lon"].max() - points["lon"].min()) or 1.0
    near = []
    for _, mine in points.groupby("hospital"):
        centre = np.average(mine["lon"], weights=mine["benes"])
        inside = mine["benes"].where((mine["lon"] - centre).abs() < width / 5, 0.0).sum()
        near.append(inside >= mine["benes"].sum() / 2)
    return float(np.mean(near)) > MOST


# ---------------------------------------------------------------- combinations, truth, auditor


def combined_hospitals(release: Release) -> None:
    """Show combined groups against their members (rule A12)."""
    if "combined_hospitals" not in release.names:
        release.say("This run has no combinations of hospitals.")
        return
    release.show_table(
        "combined_hospitals",
        {
            "combination": "Combination",
            "hospital": "Member",
            "year": "Year",
            "benes": "Beneficiaries",
            "tcoc": "Total cost of care",
            "per_capita": "Per capita",
        },
        {"tcoc": "dollars"},
    )


@needs_people
def planted_truth(release: Release) -> None:
    """Say how often the rules find the hospital that the synthetic state planted."""
    if "planted_truth" not in release.names:
        release.say("The data are not synthetic, so no truth is known to compare with.")
        return
    frame = release.table("planted_truth")
    year = int(frame["year"].max())
    found = frame[(frame["year"] == year) & (frame["outcome"] == FOUND)].set_index("stage")
    parts = [
        f"{words.percent(found.loc[s, 'share'], 0)} in the {style.STAGE_NAMES[s]} stage"
        for s in STAGES
        if s in found.index
    ]
    release.say(
        f"The rules attribute **{words.percent(found.loc[ALL, 'share'], 0)}** of the beneficiaries"
        f" of {year} who have one planted hospital whole to it: {words.listing(parts)}. Where a ZIP"
        " code is shared, the planted hospital has a share, by the rules."
    )
    release.show_table(
        "planted_truth",
        {
            "year": "Year",
            "stage": "Stage",
            "outcome": "The attributed hospital",
            "benes": "Beneficiaries",
            "share": "Share",
        },
        frame=_with_stage_names(frame),
    )


def auditor(release: Release) -> None:
    """Follow one made-up beneficiary and one made-up clinician through the rules."""
    show_auditor(release)


def data_notes(release: Release) -> None:
    """List what a reader must know of the data: ignored rows, years without claims."""
    ignored = release.study.references.ignored
    notes = [
        f"{count} rows of {name} name a hospital that is not attributable and were ignored"
        for name, count in sorted(ignored.items())
        if count
    ]
    state = _state(release)
    bare = sorted({int(y) for y in state.loc[state["tcoc"].isna(), "year"]})
    notes += [f"{year} has no claims in the store: counts only" for year in bare]
    release.say(f"Data notes: {'; '.join(notes)}." if notes else "Data notes: none.")
    release.show_provenance()


def assumptions(release: Release) -> None:
    """List the assumed and replaced parameters behind the numbers."""
    release.show_assumptions(POLICY)


def every_hospital_is_named(release: Release) -> bool:
    """Whether each hospital with attributed beneficiaries has a name in the reference table."""
    return bool(release.table("hospital_per_capita")["hospital"].notna().all())


# ---------------------------------------------------------------- what the notebook asserts


def _adds_up(frame: pd.DataFrame, by: list[str], part: str, count: str) -> bool:
    """Whether the parts of a table add up to its total row, where no cell is hidden."""
    for _, rows in frame.groupby(by):
        whole = rows.loc[rows[part] == ALL, count]
        parts = rows.loc[rows[part] != ALL, count]
        if parts.notna().all() and whole.notna().all() and abs(parts.sum() - whole.iloc[0]) > 1e-6:
            return False
    return True


def per_capita_is_ratio_of_sums(release: Release) -> bool:
    """Whether each published per capita is dollars x 12 / months / completion (rule T2)."""
    frame = release.table("hospital_per_capita").dropna(subset=["per_capita"])
    factor = frame["year"].map(completion(release.study))
    again = frame["tcoc"] * 12 / frame["eligible_months"] / factor
    return bool(np.allclose(again.astype(float), frame["per_capita"].astype(float), atol=0.01))


def months_are_complete(release: Release) -> bool:
    """Whether no month of service stands twice and none is outside of the run's years."""
    frame = release.table("completeness_by_month")
    known = frame["year"].isin(release.study.run.years) & frame["month"].between(1, 12)
    return bool(known.all() and not frame.duplicated(["year", "month"]).any())


def movement_adds_up(release: Release) -> bool:
    """Whether the reasons of each year and stage add up to all of its people."""
    return _adds_up(release.table("attribution_stays"), ["year", "stage"], "reason", "benes")


def splits_add_up(release: Release) -> bool:
    """Whether people by number of hospitals add up to all eligible people."""
    return _adds_up(release.table("split_attribution"), ["year"], "hospitals", "benes")


def homes_within_hospitals(release: Release) -> bool:
    """Whether no hospital's people by ZIP code are more than its attributed people."""
    homes = release.table("where_they_live")
    if homes.empty:
        return True
    by_hospital = homes.groupby("ccn")["benes"].sum()
    whole = _hospitals(release, int(homes["year"].max()))["benes"].reindex(by_hospital.index)
    return bool((by_hospital <= whole.fillna(np.inf) + 1e-4).all())


def pooling_is_ratio_of_sums(release: Release) -> bool:
    """Whether a combination's dollars are its members' dollars, to the cent (rule A12)."""
    if "combined_hospitals" not in release.names:
        return True
    frame = release.table("combined_hospitals")
    pooled = frame["hospital"] == "all members"
    keys = ["year", "combination"]
    parts = frame[~pooled].groupby(keys)["tcoc"].agg(lambda v: v.sum(skipna=False))
    whole = frame[pooled].set_index(keys)["tcoc"].reindex(parts.index)
    return bool(((parts - whole).abs().fillna(0) < 0.01 * len(frame)).all())


def recovery_is_a_share(release: Release) -> bool:
    """Whether every stated rate of recovery lies between 0 and 1."""
    if "planted_truth" not in release.names:
        return True
    return bool(release.table("planted_truth")["share"].dropna().between(0, 1).all())


def example_is_whole(release: Release) -> bool:
    """Whether the made-up people of the auditor's section are attributed with shares of one."""
    shares = follow(release.study.connection).attributed.groupby("bene_id")["share"].sum()
    return bool(np.allclose(shares, 1.0, atol=TOLERANCE))


def assumptions_are_cited(release: Release) -> bool:
    """Whether every assumption names its rule."""
    return all(use.rule for use in release.uses(POLICY))
