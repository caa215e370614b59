"""The Progression Plan's figures: one function per section of its notebook.

Every figure says in its caption whether its numbers are published or computed from the run. Each
is also written for print: PDF, SVG and a 300-dpi PNG beside its CSV and its text.
"""

import io
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Picture

from tcoc.deliverables.progression_plan import diagrams
from tcoc.deliverables.progression_plan import figures as progression_figures
from tcoc.deliverables.progression_plan.figures import rows_of
from tcoc.deliverables.progression_plan.public import ALL, MARYLAND, guardrail, public_tables
from tcoc.report import picture as pictures
from tcoc.report import words
from tcoc.report.provenance import data_words, vintage_words
from tcoc.report.release import Figure, Release
from tcoc.report.style import STAGE_NAMES
from tcoc.rules.progression import (
    COST_GROUPS,
    DESIGN_OPTIONS,
    GONE,
    NEEDS,
    Guardrail,
    breaks_guardrail,
    offsetting_growth,
    savings,
)

__all__ = ["POLICY", "headline", "public_tables"]

POLICY = ("progression", "attribution", "tcoc")
"""The policy files whose values this report rests on."""

PUBLISHED = "Published figures, not computed from this run's data."
COMPUTED = "Computed from this run's data."
PRINT_DPI = 300
PLAN_YEARS = (2014, 2015)
"""Performance years 1 and 2, which Figure 1 of the draft is about; later years came later."""


# ---------------------------------------------------------------- showing


def show(release: Release, figure: Figure) -> None:
    """Show a figure on the page, and write its print edition where the run keeps its files."""
    release.show_figure(figure)
    if release.folder is not None:
        print_edition(release, figure)


def print_edition(release: Release, figure: Figure) -> None:
    """Write PDF, SVG, 300-dpi PNG and text (title, alternative, caption, source) of a figure."""
    if release.folder is None:
        return
    folder = release.folder / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{figure.name}.pdf").write_bytes(as_pdf(figure.picture))
    (folder / f"{figure.name}.svg").write_text(pictures.svg(figure.picture), encoding="utf-8")
    (folder / f"{figure.name}-print.png").write_bytes(as_print_png(figure.picture))
    store = release.study.store
    origin = f"Run {release.study.run.name}: {data_words(store)}; {vintage_words(store)}"
    text = [figure.title, figure.alt, figure.caption, f"Source: {figure.source}", origin]
    (folder / f"{figure.name}.txt").write_text("\n\n".join(text) + "\n", encoding="utf-8")


def as_pdf(picture: Picture) -> bytes:
    """Return a figure as PDF without dates, its letters as outlines of the embedded typeface."""
    raw = io.BytesIO()
    empty = {"CreationDate": None, "Creator": None, "Producer": None}
    picture.savefig(raw, format="pdf", metadata=empty)
    return raw.getvalue()


def as_print_png(picture: Picture) -> bytes:
    """Return a figure as a PNG for print, 300 dots per inch, without metadata."""
    raw = io.BytesIO()
    picture.savefig(raw, format="png", dpi=PRINT_DPI, metadata={"Software": None})
    return raw.getvalue()


def _caption(*sentences: str) -> str:
    return " ".join(s for s in sentences if s)


def _sources(frame: pd.DataFrame, column: str = "source") -> str:
    found = [s for s in dict.fromkeys(frame[column]) if isinstance(s, str) and s]
    return "; ".join(found)


def _years(release: Release, table: str) -> list[int]:
    return sorted(int(y) for y in release.table(table)["year"].unique())


def _last(release: Release, table: str) -> pd.DataFrame:
    frame: pd.DataFrame = release.table(table)
    return _of_last_year(frame)


def _of_last_year(frame: pd.DataFrame) -> pd.DataFrame:
    last: pd.DataFrame = frame[frame["year"] == frame["year"].max()]
    return last


# ---------------------------------------------------------------- summary


def headline(release: Release) -> str:
    """Say in one sentence what the figures show, for the run's index."""
    top = _top_share(release, 10)
    met, of = _met(release)
    year = PLAN_YEARS[-1]
    return (
        f"By published figures Maryland met {met} of {of} All-Payer Model targets in {year}; on"
        f" this run's data the dearest 10{words.SPACE}% of people account for"
        f" {words.percent(top, 0)} of Medicare spending."
    )


def summary(release: Release) -> None:
    """Give the question, the answer of this run, and the caveat."""
    release.say(
        f"**{headline(release)}** {_nonhospital_words(release)} Published and computed numbers"
        " stand in separate figures or are named apart; numbers from memory are drawn open."
    )


def _nonhospital_words(release: Release) -> str:
    frame = _last(release, "payment_split").set_index("setting")
    outside = frame.drop(index=["inpatient", "outpatient"])["share_dollars"].sum(skipna=False)
    return (
        f"In {int(frame['year'].iloc[0])} {words.percent(outside, 0)} of the run's Medicare"
        " payments are not hospital payments, for which hospital budgets hold nobody accountable."
    )


def _top_share(release: Release, top: int) -> float:
    frame = _last(release, "spending_concentration").set_index("top")
    return float(frame["share_dollars"].to_dict()[top])


def _met(release: Release) -> tuple[int, int]:
    frame = release.table("published_metrics")
    year = frame[frame["year"] == PLAN_YEARS[-1]]
    return int((year["status"] == "met").sum()), len(year)


# ---------------------------------------------------------------- 1 metrics


def all_payer_metrics(release: Release) -> None:
    """Figure 1: each metric against its target, performance years 1 and 2, and 3 as known later."""
    frame = release.table("published_metrics")
    show(
        release,
        Figure(
            name="all_payer_model_metrics",
            title=metrics_title(frame),
            alt=metrics_alt(frame),
            caption=_caption(
                PUBLISHED,
                "Each row has a scale of its own; the vertical line is the target. Filled: a"
                " public document gives the value. Open: from memory.",
                f"Years {words.span(PLAN_YEARS)} are performance years 1 and 2;"
                " later years are a later vintage.",
                f"Vintages: {'; '.join(dict.fromkeys(frame['vintage_words']))}.",
            ),
            picture=progression_figures.draw_metrics(frame),
            data=frame,
            columns={
                "label": "Metric",
                "measure": "Measure",
                "year": "Year",
                "value": "Value",
                "unit": "Unit",
                "target_words": "Target",
                "status": "Against target",
                "confidence": "Confidence",
                "vintage_words": "Vintage",
                "source": "Source",
            },
            formats={"value": progression_value, "year": "year"},
            source=_sources(frame),
        ),
    )


def progression_value(value: Any) -> str:
    """Write a published value, or say that there is none."""
    return "no value" if pd.isna(value) else f"{float(value):g}".replace("-", words.MINUS)


def metrics_title(frame: pd.DataFrame) -> str:
    """Say how many metrics met their target in performance year 2, and what became of the rest."""
    year = PLAN_YEARS[-1]
    status = frame.loc[frame["year"] == year, "status"]
    counts = {name: int((status == name).sum()) for name in ("not met", "not yet due", "no value")}
    rest = {
        "not met": f"{counts['not met']} missed it",
        "not yet due": f"{counts['not yet due']} have until the target's year",
        "no value": f"{counts['no value']} have no value",
    }
    parts = [text for name, text in rest.items() if counts[name]]
    return (
        f"In performance year 2 ({year}) {int((status == 'met').sum())} of {len(status)} All-Payer"
        f" Model metrics met their target{'; ' if parts else ''}{words.listing(parts)}"
    )


def metrics_alt(frame: pd.DataFrame) -> str:
    """Say every value, its target and whether it is from memory, metric by metric."""
    sentences = []
    for _, part in frame.groupby("metric", sort=False):
        first = part.iloc[0]
        values = [_metric_words(row) for row in part.to_dict("records")]
        sentences.append(f"{first['label']}, target {first['target_words']}: {'; '.join(values)}.")
    return " ".join(sentences)


def _metric_words(row: Any) -> str:
    if pd.isna(row["value"]):
        return f"{row['year']} no value ({row['reason']})"
    memory = ", from memory" if row["confidence"] == "recalled" else ""
    return f"{row['year']} {progression_figures.metric_value(row)} ({row['status']}{memory})"


def every_value_has_a_source(release: Release) -> bool:
    """Whether each published number names source, vintage and confidence, and each gap a reason."""
    tables = ("published_metrics", "published_payments")
    for frame in map(release.table, tables):
        known = frame["value"].notna()
        sure = frame["source"].ne("") & frame["confidence"].ne("") & frame["vintage"].ne("")
        if not bool(sure[known].all() and frame.loc[~known, "reason"].ne("").all()):
            return False
    return True


# ---------------------------------------------------------------- 2 savings


def published_savings(release: Release) -> None:
    """Figure 2a: published savings, hospital and non-hospital, by year and cumulative."""
    frame = release.table("published_savings")
    show(
        release,
        Figure(
            name="published_savings",
            title=savings_title(frame),
            alt=savings_alt(frame),
            caption=_caption(
                PUBLISHED,
                "Million dollars against national growth since 2013. Non-hospital is total less"
                " hospital of the same vintage.",
                f"Vintage: {frame['vintage'].iloc[0]}. Open bars and dots are from memory.",
            ),
            picture=progression_figures.draw_published_savings(frame),
            data=frame,
            source=_sources(frame),
        ),
    )


def savings_title(frame: pd.DataFrame) -> str:
    """Say what non-hospital spending did to hospital savings, to the last published year."""
    last = frame[frame["year"] == frame["year"].max()].set_index("part")["cumulative"]
    other = float(last["nonhospital"])
    verb = "took back" if other < 0 else "added"
    return (
        f"Of {_million(last['hospital'])} hospital savings through {int(frame['year'].max())}"
        f" {_million(last['total'])} are left in total: non-hospital spending {verb}"
        f" {_million(abs(other))}"
    )


def savings_alt(frame: pd.DataFrame) -> str:
    """Say all savings by part and year, with what is from memory."""
    sentences = []
    for part, rows in frame.groupby("part", sort=False):
        values = [
            f"{r.year} {_million(r.saving)}{' (from memory)' if r.confidence == 'recalled' else ''}"
            for r in rows_of(rows)
        ]
        total = _million(rows["cumulative"].iloc[-1])
        name = progression_figures.PART_NAMES[str(part)]
        sentences.append(f"{name}: {', '.join(values)}; {total} cumulative.")
    return " ".join(sentences)


def _million(value: Any) -> str:
    return f"{words.dollars(value)}{words.SPACE}M"


def sums_hold(release: Release) -> bool:
    """Whether each printed cumulative saving is the sum of the printed years of its vintage."""
    return bool((release.table("published_sums")["gap"].abs() < 1e-9).all())


def against_the_nation(release: Release) -> None:
    """Figure 2b: the run's spending per beneficiary, at national growth, and as published."""
    frame = release.table("medicare_savings")
    published = _published_level(release)
    series, gap = _per_capita_series(frame, published), gap_words(frame)
    show(
        release,
        Figure(
            name="medicare_savings",
            title=against_title(frame),
            alt=against_alt(frame, published),
            caption=_caption(
                "Filled: computed from this run's data. Diamonds: published, workgroup deck of"
                " April 2018.",
                "Savings are what spending would have been at national growth since the base"
                " year, less actual spending.",
                f"National growth: {_sources(frame)}." if _sources(frame) else "",
                gap,
            ),
            picture=progression_figures.draw_per_capita(series, gap),
            data=series.rename(columns={"value": "dollars_per_beneficiary"}),
            columns={"series": "Series", "year": "Year", "dollars_per_beneficiary": "Dollars"},
            formats={"dollars_per_beneficiary": _or_dash(words.dollars)},
            source=_caption("Medicare claims of the run's store;", _sources(published)),
        ),
    )
    release.show_table(
        "medicare_savings",
        {
            "year": "Year",
            "per_capita": "Per beneficiary",
            "growth": "Growth",
            "national_growth": "National growth",
            "at_national_growth": "At national growth",
            "saving_per_beneficiary": "Saving per beneficiary",
            "saving": "Saving",
            "cumulative_saving": "Cumulative saving",
            "guardrail": "Guardrail",
        },
        {
            "growth": _or_dash(words.change),
            "national_growth": _or_dash(words.change),
            "per_capita": "dollars",
            **dict.fromkeys(
                ("at_national_growth", "saving_per_beneficiary", "saving", "cumulative_saving"),
                _or_dash(words.dollars),
            ),
        },
        "Savings against national growth on the run's own data, year by year",
        note=gap,
    )


def _or_dash(write: Any) -> Any:
    def written(value: Any) -> str:
        return "–" if pd.isna(value) else str(write(value))

    return written


def _published_level(release: Release) -> pd.DataFrame:
    frame = release.table("published_payments")
    return frame[frame["metric"] == "per_capita"]


def _per_capita_series(frame: pd.DataFrame, published: pd.DataFrame) -> pd.DataFrame:
    nation = frame["at_national_growth"]
    known = nation if int(nation.notna().sum()) > 1 else math.nan
    parts = [
        pd.DataFrame({"series": "computed", "year": frame["year"], "value": frame["per_capita"]}),
        pd.DataFrame({"series": "national", "year": frame["year"], "value": known}),
        pd.DataFrame(
            {"series": "published", "year": published["year"], "value": published["value"]}
        ),
    ]
    return pd.concat(parts, ignore_index=True)


def gap_words(frame: pd.DataFrame) -> str:
    """Say for which years there is no national rate, and why; empty where all are there."""
    after = frame[frame["year"] > int(frame["base_year"].iloc[0])]
    missing = after[after["national_growth"].isna()]
    if missing.empty:
        return ""
    reasons = "; ".join(dict.fromkeys(missing["reason"]))
    return f"No national growth for {words.span(list(missing['year']))}: {reasons}."


def against_title(frame: pd.DataFrame) -> str:
    """Say the run's growth, and the saving where national rates are known."""
    first, last = frame.iloc[0], frame.iloc[-1]
    total = last["per_capita"] / first["per_capita"] - 1
    text = (
        f"On this run's data spending per beneficiary changed by {words.change(total)} from"
        f" {int(first['year'])} to {int(last['year'])}"
    )
    if pd.isna(last["cumulative_saving"]):
        return f"{text}; savings wait for a national growth rate"
    kind = "saving" if last["cumulative_saving"] >= 0 else "excess"
    amount = words.short_dollars(abs(last["cumulative_saving"]))
    since = f"against national growth since {last['base_year']}"
    return f"{text}; {since}, a cumulative {kind} of {amount}"


def against_alt(frame: pd.DataFrame, published: pd.DataFrame) -> str:
    """Say each year's spending per beneficiary, computed, at national growth, and published."""
    own = [f"{r.year} {words.dollars(r.per_capita)}" for r in rows_of(frame)]
    nation = [
        f"{r.year} {words.dollars(r.at_national_growth)}"
        for r in rows_of(frame[frame["year"] > int(frame["base_year"].iloc[0])])
        if not pd.isna(r.at_national_growth)
    ]
    deck = [f"{r.year} {words.dollars(r.value)}" for r in rows_of(published)]
    line = f"At national growth: {', '.join(nation)}." if nation else gap_words(frame)
    return f"This run's data: {', '.join(own)}. {line} Published: {', '.join(deck)}."


def savings_are_recomputed(release: Release) -> bool:
    """Whether the savings follow from the table's own inputs by the documented function."""
    frame = release.table("medicare_savings")
    inputs = frame[["year", "per_capita", "national_growth"]].assign(
        beneficiaries=frame["full_year_equivalents"]
    )
    again = savings(inputs, int(frame["base_year"].iloc[0]))["cumulative_saving"]
    gap = (again - frame["cumulative_saving"]).abs()
    return bool(
        (gap.dropna() < 0.005).all() and again.isna().equals(frame["cumulative_saving"].isna())
    )


def growth_guardrail(release: Release) -> None:
    """Figure 2c: growth against the nation in each year, published, and the guardrail."""
    frame = release.table("published_growth_difference")
    rule = guardrail(release.study)
    show(
        release,
        Figure(
            name="growth_guardrail",
            title=guardrail_title(frame, rule),
            alt=_guardrail_alt(frame),
            caption=_caption(
                PUBLISHED,
                "Each year follows from the printed cumulative differences of one vintage.",
                f"The guardrail breaks above {words.points(rule.points, 0)} in one year, or in year"
                f" {rule.years} running above the nation; its size is from memory.",
            ),
            picture=progression_figures.draw_growth_difference(frame, rule.points),
            data=frame,
            formats={"difference": lambda value: words.points(value, 2)},
            source="params/published/medicare_savings.yml; the draft, section I.C",
        ),
    )


def guardrail_title(frame: pd.DataFrame, rule: Guardrail) -> str:
    """Say the worst year and whether the guardrail held in every year."""
    worst = frame.sort_values("difference", kind="stable").iloc[-1]
    held = not (frame["guardrail"] == "broken").any()
    where = "above" if worst["difference"] > 0 else "below"
    return (
        f"In the worst year ({int(worst['year'])}) total cost of care growth was"
        f" {words.number(100 * abs(worst['difference']), 2)} points {where} the nation's: the"
        f" guardrail of {words.number(100 * rule.points, 0)} point {'held' if held else 'broke'}"
    )


def _guardrail_alt(frame: pd.DataFrame) -> str:
    sentences = []
    for series, rows in frame.groupby("series", sort=False):
        values = [f"{r.year} {words.points(r.difference, 2)}" for r in rows_of(rows)]
        sentences.append(f"{str(series).capitalize()}: {', '.join(values)}.")
    return " ".join(sentences)


def guardrail_is_consistent(release: Release) -> bool:
    """Whether each year's verdict follows from its differences."""
    frame, rule = release.table("published_growth_difference"), guardrail(release.study)
    return all(
        breaks_guardrail(rows["difference"].tolist(), rule) == rows["guardrail"].tolist()
        for _, rows in frame.groupby("series")
    )


# ---------------------------------------------------------------- 3 split and contributions


def payment_split(release: Release) -> None:
    """Figure 3a: the settings' shares over time, beside the published 56 / 44."""
    frame = release.table("payment_split")
    share = published_split(release)
    show(
        release,
        Figure(
            name="payment_split",
            title=split_title(frame, share),
            alt=_split_alt(frame, share),
            caption=_caption(
                COMPUTED,
                f"The black mark is the published hospital share, {words.percent(share, 0)}, of the"
                " draft plan, section VI.A.1; the draft names no year.",
            ),
            picture=progression_figures.draw_split(
                frame.rename(columns={"share_dollars": "share"}), share
            ),
            data=frame,
            formats={"share_dollars": "percent", "per_capita": "cents"},
            source="Medicare claims of the run's store; All-Payer Model Progression Plan, draft",
        ),
    )


def published_split(release: Release) -> float:
    """Return the published hospital share of Medicare payments."""
    frame = release.table("published_payments")
    return float(frame.loc[frame["metric"] == "hospital_share", "value"].iloc[0]) / 100


def _hospital_shares(frame: pd.DataFrame) -> "pd.Series[float]":
    hospital = frame[frame["setting"].isin(["inpatient", "outpatient"])]
    return hospital.groupby("year")["share_dollars"].sum(min_count=2)


def split_title(frame: pd.DataFrame, published: float) -> str:
    """Say the run's hospital share in its last year, and in its first, beside the published one."""
    shares = _hospital_shares(frame)
    first, last = int(shares.index[0]), int(shares.index[-1])
    return (
        f"Hospitals received {words.percent(shares[last])} of the run's Medicare payments in {last}"
        f" ({words.percent(shares[first])} in {first}); the draft plan prints"
        f" {words.percent(published, 0)}"
    )


def _split_alt(frame: pd.DataFrame, published: float) -> str:
    last = frame[frame["year"] == frame["year"].max()]
    parts = [
        f"{progression_figures.SETTING_NAMES[r.setting]} {words.percent(r.share_dollars)}"
        for r in rows_of(last)
    ]
    years = [f"{y} {words.percent(s)}" for y, s in _hospital_shares(frame).items()]
    return (
        f"Stacked bars by year. Hospital share: {', '.join(years)}; published"
        f" {words.percent(published, 0)}. In {int(last['year'].iloc[0])}: {', '.join(parts)}."
    )


def split_adds_up(release: Release) -> bool:
    """Whether each year's settings hold all of its dollars."""
    sums = release.table("payment_split").groupby("year")["share_dollars"].sum(min_count=1)
    return bool(((sums.dropna() - 1).abs() < 1e-9).all())


def growth_contributions(release: Release) -> None:
    """Figure 3b: what each setting adds to spending per beneficiary in the last year."""
    frame = release.table("growth_contributions")
    last = frame[frame["year"] == frame["year"].max()]
    if last.empty:
        release.say("The run has one year with claims, so there is no growth to take apart.")
        return
    show(
        release,
        Figure(
            name="growth_contributions",
            title=contribution_title(last),
            alt=contribution_alt(last),
            caption=_caption(
                COMPUTED,
                "Steps start at the total of the year before and end at the year's total, to the"
                " cent. Dark blue: hospital; orange: not hospital; open: a fall.",
            ),
            picture=progression_figures.draw_waterfall(
                last, int(last["year"].iloc[0]) - 1, int(last["year"].iloc[0])
            ),
            data=frame,
            formats={
                **dict.fromkeys(("per_capita", "before", "change"), "cents"),
                "growth": "change",
                "points": lambda value: words.points(value, 2),
            },
            source="Medicare claims of the run's store",
        ),
    )
    release.say(offset_words(published_split(release)))


def contribution_title(last: pd.DataFrame) -> str:
    """Say the growth of the total and how much of it the two parts bring."""
    rows = last.set_index("part")
    total: Any = rows.loc["total"]
    hospital = rows.loc[["inpatient", "outpatient"], "points"].sum(skipna=False)
    return (
        f"Spending per beneficiary changed by {words.change(total['growth'])} in"
        f" {int(total['year'])}: {words.points(hospital, 2)} from hospitals,"
        f" {words.points(total['points'] - hospital, 2)} from all else"
    )


def contribution_alt(last: pd.DataFrame) -> str:
    """Say every step of the waterfall."""
    rows = last.set_index("part")
    steps = [
        f"{progression_figures.SETTING_NAMES[str(part)]} {_signed(row['change'])}"
        for part, row in rows.drop(index="total").iterrows()
    ]
    total = rows.loc["total"]
    return (
        f"Waterfall from {words.dollars(total['before'], cents=True)} to"
        f" {words.dollars(total['per_capita'], cents=True)} per beneficiary: {', '.join(steps)}."
    )


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + words.dollars(value, cents=True)


def offset_words(share: float) -> str:
    """Say how much non-hospital growth undoes a point less of hospital growth."""
    return (
        f"With the published split ({words.percent(share, 0)} hospital), total growth is"
        f" {words.number(share, 2)} x hospital growth plus {words.number(1 - share, 2)} x"
        f" non-hospital growth: {words.number(offsetting_growth(share), 2)} points more"
        " non-hospital growth undo 1 point less of hospital growth."
    )


def contributions_add_up(release: Release) -> bool:
    """Whether the parts' changes add to the total's, to the cent, in every year."""
    frame = release.table("growth_contributions").dropna(subset=["change"])
    cents = (frame["change"] * 100).round().astype("int64")
    parts = cents[frame["part"] != "total"].groupby(frame["year"]).sum()
    total = cents[frame["part"] == "total"].groupby(frame["year"]).sum()
    return bool(parts.equals(total))


# ---------------------------------------------------------------- 4 and 5 diagrams


def three_aims(release: Release) -> None:
    """The three aims with their points, as the draft prints them."""
    frame = release.table("three_aims")
    groups = [
        f"{aim}: {'; '.join(part['item'])}." for aim, part in frame.groupby("aim", sort=False)
    ]
    names = list(dict.fromkeys(frame["aim"]))
    show(
        release,
        Figure(
            name="three_aims",
            title=f"The All-Payer Model's aims: {words.listing([n.lower() for n in names])}",
            alt=" ".join(groups),
            caption="Words of the draft plan of 1 August 2016, section I.A.",
            picture=diagrams.draw_aims(frame),
            data=frame,
            source="All-Payer Model Progression Plan, draft; All-Payer Model Final Application",
        ),
    )


def aims_are_complete(release: Release) -> bool:
    """Whether there are three aims and none is without points."""
    frame = release.table("three_aims")
    return bool(frame["aim"].nunique() == 3 and frame["item"].ne("").all())


def driver_diagrams(release: Release) -> None:
    """The original driver diagram, reconstructed, and the updated one, proposed."""
    for name in ("driver_diagram_2013", "driver_diagram_updated"):
        frame = release.table(name)
        show(
            release,
            Figure(
                name=name,
                title=driver_title(frame),
                alt=driver_alt(frame),
                caption=_caption(
                    str(frame["note"].iloc[0]), f"Edit params/published/{name}.yml to change it."
                ),
                picture=diagrams.draw_drivers(frame, driver_mark(frame)),
                data=frame[["primary", "secondary", "basis", "kind", "vintage"]],
                source="All-Payer Model Progression Plan, draft of 1 August 2016",
            ),
        )


def driver_mark(frame: pd.DataFrame) -> str:
    """Say in the picture what a diagram is: a reconstruction or a proposal."""
    if frame["kind"].iloc[0] == "reconstruction":
        return "Reconstruction, no copy of the original"
    return "Proposal for section IX"


def driver_title(frame: pd.DataFrame) -> str:
    """Say how many drivers the aim rests on."""
    primary = frame["primary"].nunique()
    what = {
        "reconstruction": "The original driver diagram, reconstructed",
        "proposal": "The updated driver diagram, proposed",
    }[str(frame["kind"].iloc[0])]
    return f"{what}: {primary} primary and {len(frame)} secondary drivers"


def driver_alt(frame: pd.DataFrame) -> str:
    """Say the whole diagram as text."""
    groups = [
        f"{primary}: {'; '.join(part['secondary'])}."
        for primary, part in frame.groupby("primary", sort=False)
    ]
    return f"{driver_mark(frame)}. Aim: {frame['aim'].iloc[0]}. Drivers: {' '.join(groups)}"


def reconstruction_is_marked(release: Release) -> bool:
    """Whether the reconstructed diagram says so in its rows, its mark and its text alternative."""
    frame = release.table("driver_diagram_2013")
    return bool((frame["kind"] == "reconstruction").all() and "Reconstruction" in driver_alt(frame))


def timeline(release: Release) -> None:
    """The timeline of section X."""
    frame = release.table("timeline")
    show(
        release,
        Figure(
            name="timeline",
            title=timeline_title(frame),
            alt=timeline_alt(frame),
            caption=_caption(
                "Filled: done. Open: planned when the source was written. A date that a source",
                "gives as a season or a year is drawn as that span.",
                f"Vintage: {frame['vintage'].iloc[0]}.",
                "Edit params/published/timeline.yml to change it.",
            ),
            picture=diagrams.draw_timeline(frame),
            data=frame[["track", "event", "when", "status", "confidence", "source", "note"]],
            source=_sources(frame),
        ),
    )


def timeline_title(frame: pd.DataFrame) -> str:
    """Say what ends, and what starts together when it has ended."""
    first = pd.to_datetime(frame["first"])
    start = first.max()
    starting = frame.loc[first == start, "track"].nunique()
    return (
        f"{starting} of {frame['track'].nunique()} tracks have their start on {start.day}"
        f" {start:%B %Y}, the day after the All-Payer Model ends"
        if (pd.to_datetime(frame["last"]) == start - pd.Timedelta(days=1)).any()
        else f"{starting} of {frame['track'].nunique()} tracks start on {start.day} {start:%B %Y}"
    )


def timeline_alt(frame: pd.DataFrame) -> str:
    """Say every event with its date, track by track."""
    groups = []
    for track, part in frame.groupby("track", sort=False):
        events = [f"{r.event} ({r.when}, {r.status})" for r in rows_of(part)]
        groups.append(f"{track}: {'; '.join(events)}.")
    return " ".join(groups)


def timeline_is_in_order(release: Release) -> bool:
    """Whether no event ends before it begins."""
    frame = release.table("timeline")
    return bool((pd.to_datetime(frame["first"]) <= pd.to_datetime(frame["last"])).all())


# ---------------------------------------------------------------- 6 need


def concentration(release: Release) -> None:
    """Figure 6a: how concentrated spending is."""
    frame = _last(release, "spending_percentiles")
    tops = _last(release, "spending_concentration")
    shares = dict(zip(tops["top"], tops["share_dollars"], strict=True))
    show(
        release,
        Figure(
            name="spending_concentration",
            title=concentration_title(tops),
            alt=_concentration_alt(shares),
            caption=_caption(
                COMPUTED, f"Year {int(frame['year'].iloc[0])}, people by spending, dearest first."
            ),
            picture=progression_figures.draw_lorenz(_curve(frame), shares),
            data=frame,
            formats={"share_people": "percent", "share_dollars": "percent"},
            source="Medicare claims of the run's store",
        ),
    )


def _curve(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "people": [0.0, *frame["share_people"]],
            "dollars": [0.0, *frame["share_dollars"]],
        }
    )


def concentration_title(tops: pd.DataFrame) -> str:
    """Say the shares of the dearest 1, 5 and 10 %."""
    parts = [
        f"the dearest {int(r.top)}{words.SPACE}% of people take {words.percent(r.share_dollars, 0)}"
        for r in rows_of(tops)
    ]
    shorter = [parts[0], *(p.replace(" of people take", "") for p in parts[1:])]
    return f"Of Medicare spending in {int(tops['year'].iloc[0])} {words.listing(shorter)}"


def _concentration_alt(shares: dict[int, float]) -> str:
    parts = [
        f"the first {top}{words.SPACE}% hold {words.percent(share)}"
        for top, share in shares.items()
    ]
    return (
        "Curve of the cumulative share of dollars over the share of people, dearest first, far"
        f" above the line of equal cost: {words.listing(parts)}."
    )


def concentration_is_ordered(release: Release) -> bool:
    """Whether no percentile of people costs more on average than a dearer one."""
    frame = release.table("spending_percentiles").dropna(subset=["tcoc", "benes"])
    for _, rows in frame.groupby("year"):
        mean = (rows["tcoc"] / rows["benes"]).to_numpy(dtype=float)
        if (mean[1:] > mean[:-1] + 1e-6).any():
            return False
    return True


def persistence(release: Release) -> None:
    """Figure 6b: where each spending group's people are in the next year."""
    table = release.table("spending_persistence")
    if table.empty:
        release.say("The run has one year with claims, so nobody can be followed to the next.")
        return
    frame = table[table["year"] == table["year"].max()]
    groups = [name for name, _ in COST_GROUPS]
    drawn = frame[frame["cost_group"].isin(groups) & frame["next_group"].isin([*groups, GONE])]
    show(
        release,
        Figure(
            name="spending_persistence",
            title=persistence_title(frame),
            alt=_persistence_alt(drawn, groups),
            caption=_caption(
                COMPUTED,
                f"People of {int(frame['year'].iloc[0])} by spending, and their group in the next"
                f' year; "{GONE}" has died, moved, or left Medicare fee for service.',
            ),
            picture=progression_figures.draw_persistence(
                drawn.rename(columns={"share_of_group": "share"}), groups, [*groups, GONE]
            ),
            data=frame,
            formats={"share_of_group": "percent"},
            source="Medicare claims and enrolment of the run's store",
        ),
    )


_TOP_GROUPS = [name for name, last in COST_GROUPS if last <= 10]


def persistence_title(frame: pd.DataFrame) -> str:
    """Say how many of the next year's top tenth were in it before: the rest are rising risk."""
    year = int(frame["year"].iloc[0])
    now = frame[frame["cost_group"].isin(_TOP_GROUPS)]
    whole = now.loc[now["next_group"] == ALL, "benes"].sum(min_count=len(_TOP_GROUPS))
    stay = now.loc[now["next_group"].isin(_TOP_GROUPS), "benes"]
    share = stay.sum(skipna=False) / whole
    later = frame[(frame["cost_group"] == ALL) & frame["next_group"].isin(_TOP_GROUPS)]["benes"]
    rising = 1 - stay.sum(skipna=False) / later.sum(skipna=False)
    return (
        f"{words.percent(share, 0)} of the dearest tenth of {year} are in it again in {year + 1};"
        f" {words.percent(rising, 0)} of the dearest tenth of {year + 1} who were there the year"
        " before have risen into it"
    )


def _persistence_alt(frame: pd.DataFrame, groups: Sequence[str]) -> str:
    sentences = []
    for group in groups:
        rows = frame[frame["cost_group"] == group]
        parts = [f"{r.next_group} {words.percent(r.share_of_group, 0)}" for r in rows_of(rows)]
        sentences.append(f"{group}: {', '.join(parts)}.")
    return "Groups by spending and their next year. " + " ".join(sentences)


def persistence_adds_up(release: Release) -> bool:
    """Whether the next year's groups hold no more people than each group has."""
    frame = release.table("spending_persistence")
    parts = frame[frame["next_group"] != ALL].groupby(["year", "cost_group"])["benes"].sum()
    whole = frame[frame["next_group"] == ALL].set_index(["year", "cost_group"])["benes"]
    return bool((parts <= whole.reindex(parts.index)).all())


_NEED_WORDS = {"0": "no proxy", "1": "one", "2": "two", "3": "three or more"}


def high_need(release: Release) -> None:
    """Figure 6c: people and dollars by number of need proxies."""
    last = _last(release, "need")
    frame = last[last["needs"] != ALL]
    drawn = pd.DataFrame(
        {
            "needs": frame["needs"].map(_NEED_WORDS),
            "people": frame["share_people"],
            "dollars": frame["share_dollars"],
            "per_capita": frame["per_capita"],
        }
    ).reset_index(drop=True)
    show(
        release,
        Figure(
            name="high_need",
            title=need_title(frame),
            alt=_need_alt(drawn),
            caption=_caption(
                COMPUTED,
                f"Year {int(frame['year'].iloc[0])}. Proxies:"
                f" {words.listing([name.lower() for _, name in NEEDS])}. The store has no"
                " diagnoses, so chronic conditions cannot be counted.",
            ),
            picture=progression_figures.draw_needs(drawn),
            data=last,
            formats={"share_people": "percent", "share_dollars": "percent"},
            source="Medicare claims and enrolment of the run's store",
        ),
    )
    _proxy_table(release)


def _proxy_table(release: Release) -> None:
    rows = _last(release, "need_proxies")
    named = rows.assign(proxy=rows["proxy"].map(dict(NEEDS)))
    named.attrs["tcoc_table"] = "need_proxies"
    release.show_table(
        "need_proxies",
        {
            "proxy": "Proxy",
            "benes": "People",
            "share_people": "Share of people",
            "share_dollars": "Share of dollars",
            "per_capita": "Dollars per beneficiary-year",
        },
        {"share_people": "percent", "share_dollars": "percent", "per_capita": "dollars"},
        f"People and dollars by proxy of need, {int(rows['year'].iloc[0])}",
        frame=named,
        shown_as="need_proxies_last_year",
    )


def need_title(frame: pd.DataFrame) -> str:
    """Say the share of people and of dollars of those with two or more proxies."""
    high = frame[frame["needs"].isin(["2", "3"])]
    people = high["share_people"].sum(skipna=False)
    dollars = high["share_dollars"].sum(skipna=False)
    return (
        f"Two or more proxies of need mark {words.percent(people, 0)} of people, who account for"
        f" {words.percent(dollars, 0)} of dollars"
    )


def _need_alt(drawn: pd.DataFrame) -> str:
    parts = [
        f"{r.needs}: {words.percent(r.people, 0)} of people, {words.percent(r.dollars, 0)} of"
        f" dollars, {words.dollars(r.per_capita)} per beneficiary-year"
        for r in rows_of(drawn)
    ]
    return f"Bars by number of proxies. {'; '.join(parts)}."


def needs_add_up(release: Release) -> bool:
    """Whether the visible groups hold no more people than there are."""
    frame = release.table("need")
    parts = frame[frame["needs"] != ALL].groupby("year")["benes"].sum()
    whole = frame[frame["needs"] == ALL].set_index("year")["benes"]
    return bool((parts <= whole.reindex(parts.index)).all())


def avoidable_use(release: Release) -> None:
    """Figure 6d: stays that return and short stays, the part of avoidable use that can be seen."""
    frame = release.table("inpatient_stays")
    drawn = frame[(frame["stage"] == ALL) & (frame["measure"] != ALL)]
    policy = release.study.policy
    days = int(policy.get("progression.return_days"))
    nights = int(policy.get("progression.short_stay_days"))
    names = {
        "return": f"Stays that return within {days} days, any cause",
        "short": f"Stays of at most {nights} {'night' if nights == 1 else 'nights'}",
    }
    show(
        release,
        Figure(
            name="avoidable_use",
            title=avoidable_title(drawn, days),
            alt=_avoidable_alt(drawn, names),
            caption=_caption(
                COMPUTED,
                "The store has no diagnoses and no revenue codes: potentially avoidable conditions"
                " and emergency visits cannot be seen, and planned returns cannot be taken out.",
                "Claims that touch are one stay.",
            ),
            picture=progression_figures.draw_avoidable(
                drawn.rename(columns={"share_of_stays": "share"}), names
            ),
            data=drawn,
            formats={"share_of_stays": "percent", "share_of_dollars": "percent", "paid": "dollars"},
            source="Medicare inpatient claims of the run's store",
        ),
    )


def avoidable_title(drawn: pd.DataFrame, days: int) -> str:
    """Say the share of stays and dollars that are returns in the last year."""
    last = drawn[(drawn["year"] == drawn["year"].max()) & (drawn["measure"] == "return")].iloc[0]
    return (
        f"{words.percent(last['share_of_stays'])} of inpatient stays in {int(last['year'])} are"
        f" returns within {days} days; they take {words.percent(last['share_of_dollars'])} of"
        " inpatient dollars"
    )


def _avoidable_alt(drawn: pd.DataFrame, names: dict[str, str]) -> str:
    sentences = []
    for measure, rows in drawn.groupby("measure", sort=False):
        parts = [f"{r.year} {words.percent(r.share_of_stays)}" for r in rows_of(rows)]
        sentences.append(f"{names[str(measure)]}: {', '.join(parts)} of stays.")
    return " ".join(sentences)


def stays_are_shares(release: Release) -> bool:
    """Whether every visible share of stays lies between 0 and 1."""
    shares = release.table("inpatient_stays")["share_of_stays"].dropna()
    return bool(shares.between(0, 1).all())


# ---------------------------------------------------------------- 7 duals


def dual_eligibles(release: Release) -> None:
    """Figure 7a: dual eligibles against others, by stage of attribution and ACO."""
    stages, acos = _last(release, "duals_by_stage"), release.table("duals_by_aco")
    groups = [("Everyone", stages[stages["stage"] == ALL])]
    groups += [(name, stages[stages["stage"] == stage]) for stage, name in STAGE_NAMES.items()]
    names = aco_names(release)
    listed = [a for a in dict.fromkeys(acos["aco_id"]) if a != ALL]
    groups += [(names.get(a, a), acos[acos["aco_id"] == a]) for a in listed]
    drawn = pd.concat([_dual_rows(name, rows) for name, rows in groups], ignore_index=True)
    show(
        release,
        Figure(
            name="dual_eligibles",
            title=dual_title(stages),
            alt=_dual_alt(drawn),
            caption=_caption(
                COMPUTED,
                f"Year {int(stages['year'].iloc[0])}. Dual in any eligible month. The share on the"
                " right is the part of the group's people who are dual eligible.",
            ),
            picture=progression_figures.draw_duals(drawn),
            data=pd.concat([stages.assign(aco_id=ALL), acos], ignore_index=True),
            formats={"share_people": "percent", "share_dollars": "percent"},
            source="Medicare claims and enrolment of the run's store",
        ),
    )
    _dual_places(release)


def aco_names(release: Release) -> dict[str, str]:
    """Return the ACOs' names by id, without their legal form, as the run's reference has them."""
    table = release.study.reference("aco_hospitals")
    if table is None:
        return {}
    short = table["aco_name"].str.replace(r",? (?:LLC|Inc\.?)$", "", regex=True)
    return dict(zip(table["aco_id"], short, strict=True))


def _dual_rows(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    kept = rows[rows["dual"].isin(["yes", "no"])]
    share = rows.loc[rows["dual"] == "yes", "share_people"]
    return pd.DataFrame(
        {
            "group": name,
            "dual": kept["dual"] == "yes",
            "per_capita": kept["per_capita"],
            "share_of_people": float(share.iloc[0]) if len(share) else math.nan,
        }
    )


def dual_title(stages: pd.DataFrame) -> str:
    """Say how many people are dual eligible, and what they cost against others."""
    rows: Any = stages[stages["stage"] == ALL].set_index("dual")
    ratio = rows.loc["yes", "per_capita"] / rows.loc["no", "per_capita"]
    return (
        f"{words.count(rows.loc['yes', 'benes'])} dual eligible beneficiaries,"
        f" {words.percent(rows.loc['yes', 'share_people'], 0)} of people, account for"
        f" {words.percent(rows.loc['yes', 'share_dollars'], 0)} of dollars:"
        f" {words.number(ratio, 1)} times what others cost"
    )


def _dual_alt(drawn: pd.DataFrame) -> str:
    parts = []
    for group, rows in drawn.groupby("group", sort=False):
        cost = rows.set_index("dual")["per_capita"]
        parts.append(
            f"{group}: dual {words.dollars(cost.get(True, math.nan))}, others"
            f" {words.dollars(cost.get(False, math.nan))}"
        )
    return f"Dollars per beneficiary-year. {'; '.join(parts)}."


def _dual_places(release: Release) -> None:
    table = release.table("duals_by_place")
    rows = table[table["dual"] == "yes"]
    release.show_table(
        "duals_by_place",
        {
            "place": "Place",
            "benes": "Dual eligible people",
            "share_people": "Share of the place's people",
            "share_dollars": "Share of its dollars",
            "per_capita": "Dollars per beneficiary-year",
        },
        {"share_people": "percent", "share_dollars": "percent", "per_capita": "dollars"},
        f"Where dual eligible beneficiaries live, {int(rows['year'].iloc[0])}",
        frame=rows,
        shown_as="dual_eligibles_by_place",
    )


def duals_add_up(release: Release) -> bool:
    """Whether dual eligibles and others never exceed everyone, in any group."""
    for name, keys in (
        ("duals_by_stage", ["year", "stage"]),
        ("duals_by_aco", ["year", "aco_id"]),
        ("duals_by_place", ["year", "place"]),
    ):
        frame = release.table(name)
        parts = frame[frame["dual"] != ALL].groupby(keys)["benes"].sum()
        whole = frame[frame["dual"] == ALL].set_index(keys)["benes"].dropna()
        if not bool((parts.reindex(whole.index) <= whole).all()):
            return False
    return True


def two_payers(release: Release) -> None:
    """Figure 7b: Medicare and Medicaid together, or the gap where no Medicaid table is given."""
    if "duals_two_payers" not in release.names:
        release.say(
            "**No Medicaid side:** the run has no table `medicaid_spending` (bene_id, month,"
            " amount), so the combined total cost of care of dual eligible beneficiaries cannot"
            " be shown."
        )
        return
    table = release.table("duals_two_payers")
    frame = table[table["stage"] == ALL].reset_index(drop=True)
    drawn = frame[["year"]].assign(
        medicare=frame["medicare_per_capita"], medicaid=frame["medicaid_per_capita"]
    )
    show(
        release,
        Figure(
            name="duals_two_payers",
            title=payers_title(frame),
            alt=_payers_alt(frame),
            caption=_caption(
                COMPUTED,
                "Dual eligible beneficiaries, both payers' dollars in the same eligible months;"
                " Medicaid as the run's table gives it.",
            ),
            picture=progression_figures.draw_two_payers(drawn),
            data=table,
            source="Medicare claims of the run's store; the run's Medicaid table",
        ),
    )


def payers_title(frame: pd.DataFrame) -> str:
    """Say the combined total cost of care and Medicaid's part of it."""
    last = frame.iloc[-1]
    share = last["medicaid_per_capita"] / last["combined_per_capita"]
    return (
        f"With Medicaid, a dual eligible beneficiary costs"
        f" {words.dollars(last['combined_per_capita'])} in {int(last['year'])};"
        f" Medicaid pays {words.percent(share, 0)} of it"
    )


def _payers_alt(frame: pd.DataFrame) -> str:
    parts = [
        f"{r.year}: Medicare {words.dollars(r.medicare_per_capita)}, Medicaid"
        f" {words.dollars(r.medicaid_per_capita)}"
        for r in rows_of(frame)
    ]
    return f"Stacked bars per dual eligible beneficiary-year. {'; '.join(parts)}."


def payers_add_up(release: Release) -> bool:
    """Whether Medicare and Medicaid per beneficiary add to the combined amount, where given."""
    if "duals_two_payers" not in release.names:
        return True
    frame = release.table("duals_two_payers").dropna(subset=["combined_per_capita"])
    both = frame["medicare_per_capita"] + frame["medicaid_per_capita"]
    return bool(((both - frame["combined_per_capita"]).abs() < 0.005).all())


# ---------------------------------------------------------------- 8 landscape and options


def landscape(release: Release) -> None:
    """Figure 8a: the delivery landscape by region."""
    table = release.table("landscape_by_region")
    state = table[(table["place"] == MARYLAND) & (table["stage"] != ALL)]
    order = table[table["stage"] == ALL].sort_values("benes", ascending=False)["place"]
    rows = [table[table["place"] == p] for p in [MARYLAND, *order[order != MARYLAND]]]
    drawn = pd.concat([_region_rows(part) for part in rows], ignore_index=True)
    show(
        release,
        Figure(
            name="landscape_by_region",
            title=landscape_title(state, drawn),
            alt=_landscape_alt(drawn),
            caption=_caption(
                COMPUTED,
                f"Year {int(table['year'].iloc[0])}, by home ZIP code. Regions are those of the"
                " Maryland Department of Planning, from memory.",
            ),
            picture=progression_figures.draw_regions(drawn),
            data=table,
            formats={"share_people": "percent", "share_dollars": "percent"},
            source="Medicare claims and enrolment of the run's store; params/reference/regions.csv",
        ),
    )


def _region_rows(part: pd.DataFrame) -> pd.DataFrame:
    whole = part[part["stage"] == ALL]["tcoc"]
    stages = part[part["stage"] != ALL]
    return pd.DataFrame(
        {
            "region": stages["place"],
            "stage": stages["stage"],
            "share": stages["share_people"],
            "tcoc": float(whole.iloc[0]) if len(whole) else math.nan,
        }
    )


def landscape_title(state: pd.DataFrame, drawn: pd.DataFrame) -> str:
    """Say the state's ACO-like share and the regions where it is highest and lowest."""
    overall = state.set_index("stage")["share_people"]["aco_like"]
    regions = drawn[(drawn["stage"] == "aco_like") & (drawn["region"] != MARYLAND)].dropna()
    if regions.empty:
        return f"ACOs reach {words.percent(overall, 0)} of beneficiaries"
    ordered = regions.sort_values("share", kind="stable")
    low, high = ordered.iloc[0], ordered.iloc[-1]
    return (
        f"ACOs reach {words.percent(overall, 0)} of beneficiaries, from"
        f" {words.percent(low['share'], 0)} ({low['region']}) to"
        f" {words.percent(high['share'], 0)} ({high['region']})"
    )


def _landscape_alt(drawn: pd.DataFrame) -> str:
    sentences = []
    for region, rows in drawn.groupby("region", sort=False):
        parts = [
            f"{STAGE_NAMES.get(r.stage, r.stage)} {words.percent(r.share, 0)}"
            for r in rows_of(rows)
        ]
        dollars = words.short_dollars(rows["tcoc"].iloc[0])
        sentences.append(f"{region}: {', '.join(parts)}; {dollars}.")
    return f"Share of beneficiaries by stage. {' '.join(sentences)}"


def landscape_adds_up(release: Release) -> bool:
    """Whether the visible stages of each region hold no more people than the region has."""
    frame = release.table("landscape_by_region")
    parts = frame[frame["stage"] != ALL].groupby("place")["benes"].sum()
    whole = frame[frame["stage"] == ALL].set_index("place")["benes"].dropna()
    return bool((parts.reindex(whole.index) <= whole).all())


def design_options(release: Release) -> None:
    """Figure 8b: the share of dollars for which each design option holds somebody accountable."""
    frame = release.table("design_options")
    wide = frame.pivot(index="option", columns="part", values="share_dollars")
    wide = wide.reindex([o.key for o in DESIGN_OPTIONS]).reset_index()
    labels = {o.key: o.label for o in DESIGN_OPTIONS}
    show(
        release,
        Figure(
            name="design_options",
            title=options_title(wide),
            alt=_options_alt(wide, labels),
            caption=_caption(
                COMPUTED,
                f"Year {int(frame['year'].iloc[0])}, Part A and B. Budgets cover all hospital"
                " dollars; ACOs, primary care homes and geographic accountability cover all"
                " dollars of the people of their stage, or only non-hospital ones beside budgets."
                " Which dollars an option covers is our reading of the draft.",
            ),
            picture=progression_figures.draw_options(wide, labels),
            data=frame,
            formats={"share_dollars": "percent", "dollars": words.short_dollars},
            source="Medicare claims of the run's store; draft plan, sections IV, V.J and VI",
        ),
    )


def options_title(wide: pd.DataFrame) -> str:
    """Say how far budgets, then ACOs and primary care homes, reach."""
    rows = wide.set_index("option")["total"]
    return (
        f"Hospital budgets hold somebody accountable for {words.percent(rows['budgets'], 0)} of"
        f" dollars; with ACOs and primary care homes it would be"
        f" {words.percent(rows['budgets_aco_pc'], 0)}"
    )


def _options_alt(wide: pd.DataFrame, labels: dict[str, str]) -> str:
    parts = [
        f"{labels[r.option]}: {words.percent(r.hospital, 0)} hospital and"
        f" {words.percent(r.nonhospital, 0)} non-hospital"
        for r in rows_of(wide)
    ]
    return f"Share of all dollars. {'; '.join(parts)}."


def options_within_total(release: Release) -> bool:
    """Whether no option reaches more than all dollars, and all stages together reach them all."""
    frame = release.table("design_options")
    rows = frame[frame["part"] == "total"].set_index("option")["share_dollars"]
    return bool((rows.dropna() <= 1 + 1e-9).all() and abs(rows["all"] - 1) < 1e-9)


# ---------------------------------------------------------------- last


def assumptions(release: Release) -> None:
    """List the assumed and replaced policy values behind these figures."""
    release.show_assumptions(POLICY)


def assumptions_are_cited(release: Release) -> bool:
    """Whether each assumption says where it comes from."""
    return all(use.source for use in release.uses(POLICY))


def data_notes(release: Release) -> None:
    """Say which run and data the computed numbers come from, and how published ones are marked."""
    release.show_provenance()
    release.say(
        "Published numbers stand in `params/published`, each with source, vintage and confidence;"
        " a change there changes the figure, its title and its text. The image of Figure 1 and the"
        " original driver diagram could not be read. National growth rates are an input of the"
        " run file (`national_growth`) or of `params/published/medicare_savings.yml`, never a"
        " default."
    )
