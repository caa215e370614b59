"""The QP report: one function per section of its notebook (rules Q1-Q9, slides 4-11)."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pandas as pd

from tcoc.deliverables.qp_preliminary.public import ALL, LAW, public_tables, slide9
from tcoc.report import style, words
from tcoc.report.release import Figure, Release

__all__ = ["POLICY", "headline", "public_tables"]

POLICY = ("qp", "attribution")
"""The policy files whose values this report rests on: numerators come from attribution."""

SLIDE = "slide"
READING_NAMES = {LAW: "Regulation (the law)", SLIDE: "As slide 9 prints them"}
PARTNER_NAMES = {"best": "Hospital with the highest score", "actual": "Care partner list"}


# ---------------------------------------------------------------- the answer in words


def _tests(release: Release, reading: str = LAW, partner: str = "best") -> pd.DataFrame:
    frame = release.table("qp_tests")
    same = (frame["reading"] == reading) & (frame["partner"] == partner)
    return frame[same & (frame["year"] == _year(release))]


def _year(release: Release) -> int:
    return int(release.table("qp_tests")["year"].max())


def _kept(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return rows of an audited table, still known as that table's."""
    kept = frame.reset_index(drop=True)
    kept.attrs["tcoc_table"] = table
    return kept


def _anybody(release: Release) -> bool:
    return bool((_tests(release)["clinicians"] > 0).any())


def headline(release: Release) -> str:
    """Say in one sentence how many clinicians meet the three tests, for the run's index."""
    rows = _tests(release)
    if not _anybody(release):
        return f"No clinician is in the model for {_year(release)}."
    shares = [words.percent(share) for share in rows["share_meeting"]]
    return (
        f"Of {words.count(rows['clinicians'].max())} clinicians in the model for {_year(release)},"
        f" {words.listing(shares)} would meet the {words.listing(list(rows['test']))} tests of the"
        " regulation at the hospital that gives them the highest score."
    )


def summary(release: Release) -> None:
    """Give the question, the answer that this run gives, and the caveat."""
    release.say(
        f"**{headline(release)}** This is modelling for discussion: partners are assumed, patients"
        " from other states are not in the data, and CMS had not decided when the slides were"
        " shown."
    )
    rows = _tests(release)
    release.show_numbers(
        [
            (f"{test} test", words.percent(share), "of clinicians meet")
            for test, share in zip(rows["test"], rows["share_meeting"], strict=True)
        ]
    )


def conflict(release: Release) -> None:
    """Say which reading of the thresholds is law and what the slide printed (rule Q6)."""
    law, slide = (_tests(release, reading).iloc[0] for reading in (LAW, SLIDE))
    release.say(
        "**Two readings of the thresholds.** The law is 42 CFR 414.1430: for the"
        f" {law['test']} test {_needed(law, 'payment')} of payments or {_needed(law, 'patient')} of"
        " patients. Slide 9 prints the two columns exchanged, in all three rows:"
        f" {_needed(slide, 'payment')} of payments or {_needed(slide, 'patient')} of beneficiaries."
        " A clinician needs"
        " only one of the two, so the exchange changes who meets. Both are shown; where one number"
        " is named, it is the regulation's."
    )


def _needed(row: pd.Series, method: str) -> str:
    return words.percent(row[f"{method}_share_needed"], 0)


# ---------------------------------------------------------------- slide 9


_SLIDE_COLUMNS = {
    "test": "Test",
    "payment_share_needed": "Payments",
    "patient_share_needed": "Patients",
    "share_meeting": "Clinicians meeting",
    "average_score": "Average qualifying score",
    "published_share": "Slide 9: meeting",
    "published_average": "Slide 9: average",
}
_SLIDE_FORMATS: dict[str, Any] = {
    "payment_share_needed": lambda value: words.percent(value, 0),
    "patient_share_needed": lambda value: words.percent(value, 0),
    "published_share": lambda value: words.percent(value, 0),
    "published_average": lambda value: words.percent(value, 0),
    "share_meeting": "percent",
    "average_score": "percent",
    "average_patient_score": "percent",
    "average_payment_score": "percent",
}


def slide_table(release: Release) -> None:
    """Show slide 9's table in its own layout, this run's numbers beside the printed ones."""
    conflict(release)
    for reading, name in READING_NAMES.items():
        release.show_table(
            "qp_tests",
            _SLIDE_COLUMNS,
            _SLIDE_FORMATS,
            caption=f"Share of clinicians meeting, {_year(release)}. Thresholds: {name}",
            frame=_kept(_tests(release, reading), "qp_tests"),
            shown_as=f"qp_tests_{reading}",
            note=f"Slide 9: {slide9()['clinicians']['printed']} clinicians, {slide9()['vintage']}.",
        )
    _tests_figure(release)


def _tests_figure(release: Release) -> None:
    frame = release.table("qp_tests")
    frame = frame[(frame["year"] == _year(release)) & (frame["partner"] == "best")]
    tests = list(dict.fromkeys(frame["test"]))
    picture, axes = style.new_figure(height=3.2)
    for place, reading in enumerate((LAW, SLIDE)):
        rows = frame[frame["reading"] == reading].set_index("test").reindex(tests)
        shares = rows["share_meeting"].to_numpy(dtype=float)
        spots = np.arange(len(tests)) + (place - 0.5) * 0.36
        axes.bar(
            spots, shares, 0.34, color=style.colour(place), hatch=style.HATCHES[place],
            edgecolor="white", label=READING_NAMES[reading],
        )  # fmt: skip
        for spot, share in zip(spots, shares, strict=True):
            axes.text(spot, share + 0.015, words.percent(share), ha="center", fontsize=9)
    printed = frame.drop_duplicates("test")["published_share"].to_numpy(dtype=float)
    axes.plot(
        np.arange(len(tests)), printed, linestyle="none", marker="D", color=style.INK,
        markerfacecolor="white", label="Printed on slide 9",
    )  # fmt: skip
    axes.set_xticks(np.arange(len(tests)), [f"{test} test" for test in tests])
    axes.set_ylim(0, 1.12)
    axes.set_yticks(np.linspace(0, 1, 5))
    style.number_axis(axes.yaxis, "percent", "clinicians meeting")
    style.grid(axes, "y")
    picture.legend(loc="outside lower center", ncols=3)
    release.show_figure(
        Figure(
            name="qp_tests",
            title=_tests_title(release),
            alt=_tests_alt(release),
            caption="Each clinician at the hospital with the highest score. Diamonds: slide 9.",
            picture=picture,
            data=_kept(frame, "qp_tests"),
            columns={
                "test": "Test",
                "reading": "Reading",
                "clinicians": "Clinicians",
                "share_meeting": "Meeting",
                "published_share": "Slide 9",
            },
            formats={"clinicians": "count", **_SLIDE_FORMATS},
        )
    )


def _tests_title(release: Release) -> str:
    rows = _tests(release)
    first, last = rows.iloc[0], rows.iloc[-1]
    return (
        f"{words.percent(first['share_meeting'])} meet the {first['test']} test of the"
        f" regulation, {words.percent(last['share_meeting'])} the {last['test']} test"
    )


def _tests_alt(release: Release) -> str:
    parts = []
    for reading, name in READING_NAMES.items():
        rows = _tests(release, reading)
        shares = [
            f"{test} {words.percent(share)}"
            for test, share in zip(rows["test"], rows["share_meeting"], strict=True)
        ]
        parts.append(f"{name}: {words.listing(shares)}")
    return f"Bars of the share of clinicians meeting each test. {'. '.join(parts)}."


def partners(release: Release) -> None:
    """Compare the assumed partner with the care partner list, and show the averages by method."""
    frame = release.table("qp_tests")
    rows = frame[(frame["year"] == _year(release)) & (frame["reading"] == LAW)]
    if "actual" not in set(rows["partner"]):
        release.say("This run has no care partner list, so actual partners cannot be modelled.")
    release.show_table(
        "qp_tests",
        {
            "test": "Test",
            "partner": "Partner",
            "clinicians": "Clinicians",
            "share_meeting": "Meeting",
            "reaching_payment_share": "by payments",
            "reaching_patient_share": "by patients",
            "partial": "Partial QPs",
            "average_score": "Average score",
            "average_payment_score": "of payments",
            "average_patient_score": "of patients",
        },
        {**_SLIDE_FORMATS, "clinicians": "count", "partial": "count",
         "reaching_payment_share": "count", "reaching_patient_share": "count",
         "partner": lambda name: PARTNER_NAMES.get(name, str(name))},
        caption=f"Best hospital and actual partners under the regulation, {_year(release)}",
        frame=_kept(rows, "qp_tests"),
        shown_as="qp_tests_partners",
        heading_columns=2,
        note="Averages run over those who meet; partial QPs reach only a partial threshold.",
    )  # fmt: skip


# ---------------------------------------------------------------- scores


def scores(release: Release) -> None:
    """Show the distribution of both scores, with the regulation's thresholds drawn."""
    if not _anybody(release):
        release.say(headline(release))
        return
    frame = release.table("qp_score_distribution")
    rows = frame[(frame["year"] == _year(release)) & (frame["method"] != "better of both")]
    picture, panels = style.new_figure(height=3.8, columns=2, sharey=True)
    cast(Any, picture.get_layout_engine()).set(wspace=0.08)
    limits = _tests(release)
    for axes, (method, column) in zip(
        panels,
        (("payments", "payment_share_needed"), ("patients", "patient_share_needed")),
        strict=True,
    ):
        own = rows[rows["method"] == method]
        axes.bar(
            own["score_from"], own["clinicians"], 0.05, align="edge",
            color=style.colour(0), edgecolor="white", linewidth=0.6,
        )  # fmt: skip
        _draw_thresholds(axes, list(limits["test"]), list(limits[column]))
        axes.set_title(f"Score by {method}", pad=58)
        axes.set_xlim(0, 1)
        axes.set_xticks(np.linspace(0, 1, 5))
        style.number_axis(axes.xaxis, "percent", f"share of {method} linked to the hospital")
        style.grid(axes, "y")
    style.number_axis(panels[0].yaxis, "count", "clinicians")
    release.show_figure(
        Figure(
            name="qp_scores",
            title=_scores_title(limits),
            alt=_scores_alt(rows, limits),
            caption=(
                "Each clinician in the model at the hospital with the highest score; dashed lines"
                " are the thresholds of the regulation."
            ),
            picture=picture,
            data=_kept(rows, "qp_score_distribution"),
            formats={"score_from": "percent", "score_below": "percent", "clinicians": "count"},
        )
    )


def _draw_thresholds(axes: Any, tests: Sequence[str], limits: Sequence[float]) -> None:
    for place, (test, limit) in enumerate(zip(tests, limits, strict=True)):
        axes.axvline(limit, color=style.WARM, linestyle="--", linewidth=1.3)
        axes.annotate(
            f"{test}\n{words.percent(limit, 0)}",
            (limit, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 if place % 2 == 0 else 26),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
            linespacing=1.0,
            color=style.ink(style.WARM),
        )


def _scores_title(tests: pd.DataFrame) -> str:
    first = tests.iloc[0]
    payments, patients = (
        words.percent(first[f"reaching_{method}_share"] / first["clinicians"])
        for method in ("payment", "patient")
    )
    return (
        f"{payments} of clinicians reach the {first['test']} threshold by payments,"
        f" {patients} by patients"
    )


def _scores_alt(rows: pd.DataFrame, limits: pd.DataFrame) -> str:
    parts = []
    for method, column in (
        ("payments", "payment_share_needed"),
        ("patients", "patient_share_needed"),
    ):
        own = rows[rows["method"] == method]
        top = own.sort_values("clinicians", kind="stable").iloc[-1]
        drawn = words.listing([words.percent(value, 0) for value in limits[column]])
        parts.append(
            f"By {method} most clinicians, {words.count(top['clinicians'])}, score from"
            f" {words.percent(top['score_from'], 0)} to {words.percent(top['score_below'], 0)};"
            f" thresholds at {drawn}"
        )
    return f"Two histograms of scores in classes of five points. {'. '.join(parts)}."


# ---------------------------------------------------------------- where the misses are


def misses(release: Release) -> None:
    """Show who misses the strictest test: by specialty, panel size and ACO list."""
    rows = _groups(release, "specialty")
    _group_figure(release, rows, "qp_misses", "specialty group")
    for kind in ("specialty", "patients of the clinician", "ACO list"):
        _group_table(release, kind)
    _aco_words(release)


def counties(release: Release) -> None:
    """Show the share meeting the strictest test by county of the partner hospital."""
    rows = _groups(release, "county")
    _group_figure(release, rows, "qp_counties", "county of the partner hospital")
    _group_table(release, "county")


def _last_test(release: Release) -> str:
    return str(_tests(release)["test"].iloc[-1])


def _groups(release: Release, kind: str) -> pd.DataFrame:
    frame = release.table("qp_groups")
    same = (frame["kind"] == kind) & (frame["test"] == _last_test(release))
    return frame[same & (frame["year"] == _year(release)) & (frame["group"] != ALL)]


def _group_figure(release: Release, rows: pd.DataFrame, name: str, what: str) -> None:
    if rows.empty:
        release.say(headline(release))
        return
    order = rows.sort_values(["share_meeting", "group"], ascending=[True, False])
    picture, axes = style.new_figure(height=max(2.4, 0.26 * len(order) + 1.0))
    labels = [
        f"{group} ({words.count(size)})"
        for group, size in zip(order["group"], order["clinicians"], strict=True)
    ]
    axes.barh(labels, order["share_meeting"], height=0.7, color=style.colour(0))
    for row, share in enumerate(order["share_meeting"]):
        axes.text(share + 0.01, row, words.percent(share, 0), va="center", fontsize=9)
    axes.set_xlim(0, 1.1)
    axes.set_xticks(np.linspace(0, 1, 5))
    axes.margins(y=0.02)
    style.number_axis(axes.xaxis, "percent", f"clinicians meeting the {_last_test(release)} test")
    style.grid(axes, "x")
    large = order[order["clinicians"] >= LARGE]
    lowest, highest = (large if len(large) else order).iloc[0], order.iloc[-1]
    release.show_figure(
        Figure(
            name=name,
            title=(
                f"{lowest['group']}: {words.percent(lowest['share_meeting'], 0)} meet the"
                f" {_last_test(release)} test, the lowest of the larger groups"
            ),
            alt=(
                f"Bars of the share of clinicians meeting by {what}, {len(order)} groups, from"
                f" {order.iloc[0]['group']} with {words.percent(order.iloc[0]['share_meeting'])} to"
                f" {highest['group']} with {words.percent(highest['share_meeting'])}."
            ),
            caption=(
                "Number of clinicians in brackets. Regulation, best hospital. Larger groups have at"
                f" least {LARGE} clinicians."
            ),
            picture=picture,
            data=_kept(order, "qp_groups"),
            columns=_GROUP_COLUMNS,
            formats=_GROUP_FORMATS,
        )
    )


LARGE = 30
"""A group of so many clinicians is large enough for a title."""

_GROUP_COLUMNS = {
    "group": "Group",
    "test": "Test",
    "clinicians": "Clinicians",
    "meeting": "Meeting",
    "missing": "Missing",
    "share_meeting": "Share meeting",
}
_GROUP_FORMATS: dict[str, Any] = {
    "group": lambda name: "All" if name == ALL else str(name),
    "clinicians": "count",
    "meeting": "count",
    "missing": "count",
    "share_meeting": "percent",
}


def _group_table(release: Release, kind: str) -> None:
    frame = release.table("qp_groups")
    rows = frame[(frame["kind"] == kind) & (frame["year"] == _year(release))]
    if kind == "county":
        rows = rows[rows["test"] == _last_test(release)]
    release.show_table(
        "qp_groups",
        _GROUP_COLUMNS,
        _GROUP_FORMATS,
        caption=f"Clinicians who meet and miss, by {kind}, {_year(release)}",
        frame=_kept(rows, "qp_groups"),
        shown_as=f"qp_groups_{kind.split(maxsplit=1)[0].lower()}",
    )


def _aco_words(release: Release) -> None:
    frame = _groups(release, "ACO list").set_index("group")
    if "On an ACO list" not in frame.index:
        return
    row = frame.loc["On an ACO list"]
    release.say(
        f"Of those on a hospital-based ACO's list {words.count(row['missing'])} clinicians miss the"
        f" {_last_test(release)} test here. They might qualify elsewhere: a risk-bearing ACO is an"
        " Advanced APM too, with scores of its own that this data cannot show."
    )


# ---------------------------------------------------------------- methods, criteria, near misses


_ROUTE_WORDS = {
    "both": "payments and patients",
    "payments": "payments only",
    "patients": "patients only",
    "none": "does not meet",
    "either": "attributed alone or encounters alone",
    "attributed": "attributed only",
    "encounter": "encounters only",
    "union": "only both together",
}


def routes(release: Release) -> None:
    """Show how many qualify by only one method or only one criterion."""
    frame = release.table("qp_routes")
    rows = frame[(frame["year"] == _year(release)) & (frame["partner"] == "best")]
    rows = rows[rows["reading"] == LAW]
    release.say(_route_words(rows))
    release.show_table(
        "qp_routes",
        {"method": "Meets by", "criterion": "Criterion that suffices", "clinicians": "Clinicians"},
        {name: lambda word: _ROUTE_WORDS.get(word, str(word)) for name in ("method", "criterion")}
        | {"clinicians": "count"},
        caption=f"Method and criterion under the test in force, {_year(release)}",
        frame=_kept(rows, "qp_routes"),
        shown_as="qp_routes_regulation",
        heading_columns=2,
    )


def _route_words(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "No test was in force in this year, so no clinician could qualify."
    meeting = rows[rows["method"] != "none"]
    total = meeting["clinicians"].sum()
    one_method = meeting.loc[meeting["method"] != "both", "clinicians"].sum()
    one_criterion = meeting.loc[meeting["criterion"] != "either", "clinicians"].sum()
    return (
        f"Of {words.count(total)} clinicians who meet the test in force, {words.count(one_method)}"
        f" do so by one method only, and {words.count(one_criterion)} need one particular"
        " criterion, or both together: without attribution, or without encounters, they would"
        " not meet."
    )


def near(release: Release) -> None:
    """Show how many clinicians stand near a threshold, and what those below it lack."""
    frame = release.table("qp_near_threshold")
    rows = frame[frame["year"] == _year(release)]
    release.show_table(
        "qp_near_threshold",
        {"test": "Test", "view": "What", "group": "Class", "clinicians": "Clinicians"},
        {"clinicians": "count"},
        caption=f"Clinicians near a threshold of the regulation, {_year(release)}",
        frame=_kept(rows, "qp_near_threshold"),
        heading_columns=3,
    )


# ---------------------------------------------------------------- sensitivity


def sensitivity(release: Release) -> None:
    """Show how the share meeting falls when out-of-state patients are unseen (rule Q9)."""
    frame = release.table("qp_sensitivity")
    frame = frame[frame["year"] == _year(release)]
    picture, axes = style.new_figure(height=3.4)
    law = frame[frame["reading"] == LAW]
    last = law["unseen_share"].max()
    ends = law[law["unseen_share"] == last]
    heights = style.spread(list(ends["share_meeting"].astype(float)), 0.06)
    for place, (test, height) in enumerate(zip(ends["test"], heights, strict=True)):
        for reading, line in ((LAW, "-"), (SLIDE, ":")):
            own = frame[(frame["test"] == test) & (frame["reading"] == reading)]
            axes.plot(
                own["unseen_share"], own["share_meeting"], line, color=style.colour(place),
                marker=style.MARKERS[place],
            )  # fmt: skip
        style.end_label(axes, float(last), height, f"{test}", style.colour(place))
    axes.set_ylim(0, 1.05)
    axes.set_xlim(right=float(last) * 1.14)
    axes.set_xticks(sorted(set(law["unseen_share"])))
    style.number_axis(axes.xaxis, "percent", "unseen share of every denominator")
    style.number_axis(axes.yaxis, "percent", "clinicians meeting")
    style.grid(axes, "y")
    release.show_figure(
        Figure(
            name="qp_sensitivity",
            title=_sensitivity_title(law),
            alt=_sensitivity_alt(law),
            caption=(
                "Solid: regulation; dotted: as slide 9 prints the thresholds. Unseen patients are"
                " in the denominator and linked to no Maryland hospital."
            ),
            picture=picture,
            data=_kept(frame, "qp_sensitivity"),
            formats={"unseen_share": "percent", "clinicians": "count", "meeting": "count"},
        )
    )
    _variants(release)


def _ends(law: pd.DataFrame, test: str) -> tuple[Any, Any]:
    own = law[law["test"] == test].sort_values("unseen_share")
    return own["share_meeting"].iloc[0], own["share_meeting"].iloc[-1]


def _sensitivity_title(law: pd.DataFrame) -> str:
    test = law["test"].iloc[-1]
    first, last = _ends(law, test)
    return (
        f"With {words.percent(law['unseen_share'].max(), 0)} of patients unseen,"
        f" {words.percent(last, 0)} instead of {words.percent(first, 0)} meet the {test} test"
    )


def _sensitivity_alt(law: pd.DataFrame) -> str:
    parts = [
        f"{test} from {words.percent(_ends(law, test)[0])} to {words.percent(_ends(law, test)[1])}"
        for test in dict.fromkeys(law["test"])
    ]
    return (
        f"Lines of the share meeting as the unseen share rises to"
        f" {words.percent(law['unseen_share'].max(), 0)}: {words.listing(parts)}."
    )


def _variants(release: Release) -> None:
    frame = release.table("qp_share_weighted")
    rows = frame[(frame["year"] == _year(release)) & (frame["reading"] == LAW)]
    release.show_table(
        "qp_share_weighted",
        {
            "test": "Test",
            "partner": "Partner",
            "variant": "Attributed beneficiaries",
            "clinicians": "Clinicians",
            "share_meeting": "Meeting",
        },
        {"clinicians": "count", "share_meeting": "percent",
         "partner": lambda name: PARTNER_NAMES.get(name, str(name))},
        caption="Attributed beneficiaries counted whole, or by their share (rule Q2)",
        frame=_kept(rows, "qp_share_weighted"),
        shown_as="qp_share_weighted_regulation",
        heading_columns=3,
    )  # fmt: skip


# ---------------------------------------------------------------- timing


def timing(release: Release) -> None:
    """Show how many clinicians qualify by each snapshot (rule Q7)."""
    frame = release.table("qp_timing")
    rows = frame[frame["year"] == _year(release)]
    determined = release.study.policy.get("qp.determination_date") or "before the year"
    release.say(
        "CMS looks at the participants three times a year; claims count from 1 January or the day"
        f" of its determination, whichever is later (here: {determined}). Qualifying at any one"
        " date qualifies for the year."
    )
    if rows.empty:
        release.say("No clinician qualifies at a snapshot of this year.")
        return
    release.show_table(
        "qp_timing",
        {
            "reading": "Thresholds",
            "partner": "Partner",
            "snapshot": "Snapshot",
            "first_qualifying": "First qualify then",
            "qualified": "Qualified by then",
            "share_qualified": "Share of clinicians",
        },
        {"first_qualifying": "count", "qualified": "count", "share_qualified": "percent",
         "reading": lambda name: READING_NAMES.get(name, str(name)),
         "partner": lambda name: PARTNER_NAMES.get(name, str(name))},
        caption=f"Clinicians qualifying by snapshot, {_year(release)}",
        frame=_kept(rows, "qp_timing"),
        heading_columns=3,
    )  # fmt: skip


# ---------------------------------------------------------------- money


def money(release: Release) -> None:
    """Show the incentive under both base years, by group, and the MIPS exclusion (rule Q8)."""
    frame = release.table("qp_incentive")
    rows = frame[frame["year"] == _year(release)]
    if rows.empty:
        release.say("No clinician meets a test in force in this year, so no incentive is paid.")
        return
    release.say(_incentive_words(rows))
    release.show_table(
        "qp_incentive",
        {
            "kind": "By",
            "group": "Group",
            "clinicians": "Clinicians",
            "payments_performance_year": "Payments, performance year",
            "incentive_performance_year": "Incentive (slide 10)",
            "payments_year_after": "Payments, year after",
            "incentive_year_after": "Incentive (414.1450)",
        },
        {
            "kind": lambda name: str(name).replace("_", " "),
            "group": lambda name: "All" if name == ALL else _ROUTE_WORDS.get(name, str(name)),
            "clinicians": "count",
            **dict.fromkeys(
                [c for c in map(str, rows) if c.startswith(("payments_", "incentive_"))],
                "dollars",
            ),
        },
        caption=f"The APM incentive for performance year {_year(release)}",
        frame=_kept(rows, "qp_incentive"),
        heading_columns=2,
    )
    _mips(release)


def _incentive_words(rows: pd.DataFrame) -> str:
    row = rows[rows["group"] == ALL].iloc[0]
    return (
        f"The incentive is {words.percent(row['rate'], 2)} of Part B professional payments, paid in"
        f" {row['paid_in']}. Slide 10 takes the payments of the"
        f" performance year: {words.dollars(row['incentive_performance_year'])}. 42 CFR 414.1450(b)"
        " takes those of the year before the payment year:"
        f" {_or_missing(row['incentive_year_after'])}. The second is the rule."
    )


def _or_missing(value: Any) -> str:
    return (
        "not in this store's years, or hidden" if words.is_hidden(value) else words.dollars(value)
    )


def _mips(release: Release) -> None:
    frame = release.table("qp_mips")
    rows = frame[frame["year"] == _year(release)]
    if rows.empty:
        return
    row = rows.iloc[0]
    release.say(
        "A qualifying participant is left out of MIPS: no reporting, no payment adjustment. Of"
        f" {words.count(row['in_mips'])} clinicians above the MIPS low-volume limits,"
        f" {words.count(row['excluded_as_qp'])} would leave it; the others miss the test or have no"
        " E&M patients and so no score. A partial QP may choose."
    )


def _as_year(value: Any) -> str:
    return str(int(value))


def fee_schedule(release: Release) -> None:
    """Show the two fee schedules accumulated to the horizon (rule Q8)."""
    frame = release.table("qp_fee_schedule")
    rows = frame[frame["year"] == _year(release)]
    if rows.empty:
        release.say(
            "No clinician meets a test in force in this year, so there is nothing to update."
        )
        return
    picture, axes = style.new_figure(height=3.0)
    for place, (column, label) in enumerate(
        (("qualifying", "qualifying"), ("other", "everybody else"))
    ):
        axes.plot(
            rows["payment_year"], rows[column], color=style.colour(place),
            marker=style.MARKERS[place],
        )  # fmt: skip
        style.end_label(
            axes, rows["payment_year"].iloc[-1], rows[column].iloc[-1], label, style.colour(place)
        )
    style.number_axis(axes.yaxis, "number", "level, year before the first = 1", digits=2)
    axes.set_xlabel("payment year")
    axes.set_xlim(right=rows["payment_year"].max() + 2)
    axes.set_xticks(rows["payment_year"])
    axes.xaxis.set_major_formatter(lambda value, _place: f"{value:.0f}")
    style.grid(axes, "y")
    last = rows.iloc[-1]
    release.show_figure(
        Figure(
            name="qp_fee_schedule",
            title=(
                f"By {_as_year(last['payment_year'])} the two updates stand"
                f" {words.percent(last['difference'])} apart"
            ),
            alt=(
                "Two rising lines from the first update year to"
                f" {_as_year(last['payment_year'])}: qualifying to"
                f" {words.number(last['qualifying'])}, everybody else to"
                f" {words.number(last['other'])}."
            ),
            caption=(
                "On the payments of the performance year, without other growth, this makes"
                f" {words.dollars(last['gain_to_date'])} by then."
            ),
            picture=picture,
            data=_kept(rows, "qp_fee_schedule"),
            formats={
                "payment_year": "year", "qualifying": "number", "other": "number",
                "difference": lambda value: words.percent(value, 2), "gain": "dollars",
                "gain_to_date": "dollars",
            },
        )
    )  # fmt: skip


# ---------------------------------------------------------------- last sections


def disclaimer(release: Release) -> None:
    """Repeat slide 11's disclaimer in our words."""
    release.say(
        "**Nothing here is official.** When these slides were shown (4 April 2018) CMS was still"
        " weighing how it would attribute patients for the Quality Payment Program, had decided"
        " nothing about Maryland, and only CMS's own announcement would count. The scores are"
        " modelled on assumed partners, for discussion, and promise no clinician a status or a"
        " payment."
    )


def assumptions(release: Release) -> None:
    """List the assumed and replaced parameters behind the numbers."""
    release.show_assumptions(POLICY)


def data_notes(release: Release) -> None:
    """Say what the data hold and lack, and where the numbers come from."""
    release.say(
        "Scores use Maryland Medicare beneficiaries only, so that clinicians near the state's"
        " borders look more linked than they are. The rule also leaves out patients for whom"
        " Medicare pays second; the store cannot tell, so they are in. Clinicians are counted by"
        " NPI; lists by NPI are in the restricted folder and not on this page."
    )
    release.show_provenance()


# ---------------------------------------------------------------- what the notebook asserts


def shares_are_ratios(release: Release) -> bool:
    """Whether each share is meeting over clinicians and no more meet than there are."""
    frame = release.table("qp_tests")
    frame = frame[frame["clinicians"] > 0]
    again = frame["meeting"] / frame["clinicians"]
    near_enough = (again - frame["share_meeting"]).abs() < 1e-12
    return bool(near_enough.all() and again.between(0, 1).all())


def readings_are_exchanged(release: Release) -> bool:
    """Whether the slide's thresholds are the regulation's with the columns exchanged (Q6)."""
    law, slide = _tests(release, LAW), _tests(release, SLIDE)
    return bool(
        (law["payment_share_needed"].to_numpy() == slide["patient_share_needed"].to_numpy()).all()
        and (
            law["patient_share_needed"].to_numpy() == slide["payment_share_needed"].to_numpy()
        ).all()
    )


def actual_within_best(release: Release) -> bool:
    """Whether no more clinicians meet at actual partners than at the best hospital."""
    frame = release.table("qp_tests")
    wide = frame.pivot_table(index=["year", "test", "reading"], columns="partner", values="meeting")
    return "actual" not in wide or bool((wide["actual"].dropna() <= wide["best"]).all())


def everyone_has_a_score(release: Release) -> bool:
    """Whether the classes of scores add up to the clinicians of the model, for each method."""
    rows = release.table("qp_score_distribution").groupby(["year", "method"])["clinicians"].sum()
    whole = release.table("qp_tests").query("partner == 'best'").groupby("year")["clinicians"].max()
    return bool((rows.unstack("method").sub(whole, axis=0) == 0).all(axis=None))


def groups_add_up(release: Release) -> bool:
    """Whether the groups of each view add up to all clinicians."""
    frame = release.table("qp_groups")
    keys = ["year", "test", "kind"]
    parts = frame[frame["group"] != ALL].groupby(keys)[["clinicians", "meeting"]].sum()
    whole = frame[frame["group"] == ALL].set_index(keys)[["clinicians", "meeting"]]
    return bool((parts - whole == 0).all(axis=None))


def routes_add_up(release: Release) -> bool:
    """Whether the routes that meet add up to the clinicians of the test in force who meet."""
    routes_ = release.table("qp_routes")
    tests = release.table("qp_mips").set_index("year")["test"]
    frame = release.table("qp_tests")
    keys = ["year", "reading", "partner"]
    force = frame[frame["test"] == frame["year"].map(tests)].set_index(keys)["meeting"]
    met = routes_[routes_["method"] != "none"].groupby(keys)["clinicians"].sum()
    return bool((met.reindex(force.index).fillna(0) == force).all())


def near_is_part(release: Release) -> bool:
    """Whether those below a threshold fall into the classes of what they lack, each once."""
    frame = release.table("qp_near_threshold")
    sums = frame.groupby(["year", "test", "view"])["clinicians"].sum().unstack("view")
    below = frame[frame["group"] == "just below"].set_index(["year", "test"])["clinicians"]
    views = [v for v in ("patients short", "payments short") if v in sums]
    return bool(all((sums[v].dropna() == below).all() for v in views))


def unseen_never_helps(release: Release) -> bool:
    """Whether the share meeting never rises with the unseen share (rule Q9)."""
    frame = release.table("qp_sensitivity").sort_values("unseen_share")
    steps = frame.groupby(["year", "test", "reading"])["meeting"].diff().dropna()
    return bool((steps <= 0).all())


def snapshots_accumulate(release: Release) -> bool:
    """Whether who qualified by a snapshot stays qualified at the next (rule Q7)."""
    frame = release.table("qp_timing").sort_values("snapshot")
    keys = ["year", "test", "reading", "partner"]
    again = frame.astype({"first_qualifying": float}).groupby(keys)["first_qualifying"].cumsum()
    return bool((again == frame["qualified"]).all() and (again <= frame["clinicians"]).all())


def incentive_is_the_rate(release: Release) -> bool:
    """Whether each incentive is its rate of the payments, to half a cent (rule Q8)."""
    frame = release.table("qp_incentive")
    gaps = [
        (frame[f"incentive_{base}"] - frame["rate"] * frame[f"payments_{base}"]).abs().max()
        for base in ("performance_year", "year_after")
    ]
    return all(pd.isna(gap) or gap <= 0.0051 for gap in gaps)


def updates_add_up(release: Release) -> bool:
    """Whether the gains to date are the sums of the yearly gains, to a cent a year."""
    frame = release.table("qp_fee_schedule").sort_values("payment_year")
    again = frame.astype({"gain": float}).groupby("year")["gain"].cumsum()
    return bool(((again - frame["gain_to_date"]).abs().fillna(0) <= 0.01 * len(frame)).all())


def assumptions_are_cited(release: Release) -> bool:
    """Whether every assumption names its rule."""
    return all(use.rule for use in release.uses(POLICY))
