"""Findings, titles and sentences of the QP scores, from their public tables alone."""

from datetime import date
from typing import Any

from tcoc.deliverables.qp_preliminary.public_clinicians import (
    ABOVE,
    BELOW,
    CRITERION_NAMES,
    METHOD_NAMES,
    SIDE,
)
from tcoc.deliverables.qp_preliminary.public_columns import ALL, LAW, SLIDE
from tcoc.disclosure import PublicTable
from tcoc.report import words
from tcoc.report.release import Release

BY_SPECIALTY, BY_COUNTY, BY_PANEL, BY_ACO = (
    "Specialty", "County", "Patients of the clinician", "ACO list",
)  # fmt: skip
"""What clinicians are grouped by in qp_groups."""

SLIDE_YEAR = 2017
"""The calendar year of the claims behind slide 9."""

NEARLY_ALL = 0.995
"""A year with so much of its payments needs no remark."""

LARGE = 100
"""A group of so many clinicians is large enough for a title."""


# ---------------------------------------------------------------- the year that is spoken of


def headline_year(tests: PublicTable) -> int:
    """Return the last performance year with a clinician in the model; the last of all if none."""
    filled = tests.keep(lambda frame: frame["clinicians"] > 0)
    chosen = tests if filled.empty else filled
    return int(chosen.frame["year"].max())


def slide_year(tests: PublicTable) -> int:
    """Return the year of slide 9's claims if the run has it; else the year that is spoken of."""
    wanted = tests.keep(lambda frame: (frame["year"] == SLIDE_YEAR) & (frame["clinicians"] > 0))
    return headline_year(tests) if wanted.empty else SLIDE_YEAR


def of_law(tests: PublicTable, year: int) -> PublicTable:
    """Return the year's tests under the regulation, each clinician at the best hospital."""
    return tests.where(year=year, reading=LAW, partner="best")


def headline(release: Release) -> str:
    """Say in one sentence how many clinicians meet the three tests, for the run's index."""
    tests = release.table("qp_tests")
    year = headline_year(tests)
    rows = of_law(tests, year).frame
    if not (rows["clinicians"] > 0).any():
        return f"No clinician is in the model for {year}."
    shares = words.listing([words.percent(share) for share in rows["share_meeting"]])
    return (
        f"Of {words.count(rows['clinicians'].max())} clinicians in the model for {year}, {shares}"
        f" would meet the {words.listing(list(rows['test']))} tests of the regulation at the"
        " hospital that gives them the highest score."
    )


def answer(release: Release) -> str:
    """Give the answer of this run and its caveats, as one paragraph."""
    year = headline_year(release.table("qp_tests"))
    caveat = (
        "This is modeling for discussion: partners are assumed, patients from other states are not"
        " in the data, and CMS had decided nothing when the slides were shown."
    )
    parts = [
        f"**{headline(release)}**",
        caveat,
        determined(release.table("qp_years"), year),
        planted(release.table("qp_years"), year),
        f"{unseen(release.table('qp_sensitivity'), year)}.",
        incomplete(release, year),
    ]
    return " ".join(part for part in parts if part)


def key_numbers(release: Release) -> list[tuple[str, str, str]]:
    """Give the share that meets each test."""
    tests = release.table("qp_tests")
    rows = of_law(tests, headline_year(tests)).frame
    return [
        (f"{test} test", words.percent(share), "of clinicians would meet it")
        for test, share in zip(rows["test"], rows["share_meeting"], strict=True)
    ]


@words.of_rows
def planted(years: PublicTable, year: int) -> str:
    """Say that synthetic shares were calibrated to the slide; "" for other data."""
    if not bool(years.value("synthetic", year=year)):
        return ""
    return (
        "The data are synthetic, and how much of a clinician's practice stays with one hospital was"
        " tuned until the shares came near slide 9: that they agree says nothing about the rules."
    )


def incomplete(release: Release, year: int) -> str:
    """Say that the year's claims were still arriving, where the run knows it (rule T2); else ""."""
    factor = release.facts.completeness.get(year, 1.0)
    if factor > NEARLY_ALL:
        return ""
    return (
        f"About {words.percent(factor)} of the payments of {year} had arrived. Scores are shares,"
        " which late claims move little; dollars are too low."
    )


@words.of_rows
def determined(years: PublicTable, year: int) -> str:
    """Say whether clinicians qualify or only would (rule Q7)."""
    day = str(years.value("determination", year=year))
    if day == "none":
        return (
            f"For {year} there is no CMS determination that Maryland's hospitals are Advanced APM"
            " entities, so nobody qualifies: this is what would be if claims counted from"
            " January 1."
        )
    return f"Claims count from the CMS determination of {day} on, or from January 1 if later."


# ---------------------------------------------------------------- slide 9


@words.of_rows
def conflict(tests: PublicTable, year: int) -> str:
    """Say which reading of the thresholds is law and what the slide printed (rule Q6)."""
    first = str(of_law(tests, year).frame["test"].iloc[0])
    best = tests.where(year=year, partner="best")

    def needed(reading: str, method: str) -> str:
        share = best.value(f"{method}_share_needed", test=first, reading=reading)
        return words.percent(share, 0)

    return (
        f"**Two readings of the thresholds.** The law is 42 CFR 414.1430: for the {first} test"
        f" {needed(LAW, 'payment')} of payments or {needed(LAW, 'patient')} of patients. Slide 9"
        f" prints the two columns exchanged, in all three rows: {needed(SLIDE, 'payment')} of"
        f" payments or {needed(SLIDE, 'patient')} of beneficiaries. A clinician needs only one of"
        " the two, so the exchange changes who meets. Where one number is named, it is the"
        " regulation's."
    )


@words.of_rows
def beside_the_slide(tests: PublicTable, year: int) -> str:
    """Say how far this run's shares are from those that slide 9 prints, at most."""
    rows = of_law(tests, year).frame
    gaps = (rows["share_meeting"] - rows["published_share"]).abs()
    if gaps.isna().all():
        return "Slide 9 prints no share for these tests"
    row = rows.iloc[int(gaps.fillna(-1.0).argmax())]
    return (
        f"The {row['test']} test of {year} is farthest from slide 9:"
        f" {words.percent(row['share_meeting'])} here,"
        f" {words.percent(row['published_share'], 0)} there"
    )


@words.of_rows
def first_and_last(tests: PublicTable, year: int) -> str:
    """Say how many meet the first test and how many the last."""
    rows = of_law(tests, year).frame
    first, last = rows.iloc[0], rows.iloc[-1]
    return (
        f"{words.percent(first['share_meeting'])} would meet the {first['test']} test of the"
        f" regulation, {words.percent(last['share_meeting'])} the {last['test']} test"
    )


@words.of_rows
def listed(tests: PublicTable, year: int) -> str:
    """Compare the care partner list with the best hospital, test by test."""
    law = tests.where(year=year, reading=LAW)
    if "actual" not in set(law.frame["partner"]):
        return "This run has no care partner list, so actual partners cannot be modeled."
    actual = law.where(partner="actual")
    if not (actual.frame["clinicians"] > 0).any():
        return f"No listed care partner is in the model for {year}."
    last = str(actual.frame["test"].iloc[-1])
    best = law.value("share_meeting", test=last, partner="best")
    return (
        f"Of {words.count(actual.value('clinicians', test=last))} listed care partners in the"
        f" model {words.percent(actual.value('share_meeting', test=last))} would meet the {last}"
        f" test at their own hospital; at the best hospital {words.percent(best)} of all would."
    )


# ---------------------------------------------------------------- scores


def thresholds(tests: PublicTable, year: int, method: str) -> list[tuple[float, str]]:
    """Return the regulation's thresholds of a method (payment, patient), named by their test."""
    rows = of_law(tests, year).frame
    needed = rows[f"{method}_share_needed"]
    return [
        (float(share), f"{test}: {words.percent(share, 0)}")
        for test, share in zip(rows["test"], needed, strict=True)
    ]


@words.of_rows
def reached(tests: PublicTable, year: int, method: str) -> str:
    """Say how many clinicians reach the first and the last threshold of a method."""
    rows = of_law(tests, year).frame
    first, last = rows.iloc[0], rows.iloc[-1]
    name = "payments" if method == "payment" else "patients"
    counted = [words.count(row[f"reaching_{method}_share"]) for row in (first, last)]
    return (
        f"By {name} {counted[0]} of {words.count(first['clinicians'])} clinicians reach the"
        f" {first['test']} threshold, {counted[1]} the {last['test']} one"
    )


# ---------------------------------------------------------------- where the misses are


def parts_of(groups: PublicTable, year: int, kind: str) -> PublicTable:
    """Return the groups of a kind under the strictest test, without the row for all."""
    own = groups.where(year=year, kind=kind)
    last = own.where(test=str(own.frame["test"].iloc[-1])) if not own.empty else own
    return last.keep(lambda frame: frame["group"] != ALL)


@words.of_rows
def lowest_group(groups: PublicTable, year: int, kind: str) -> str:
    """Name the larger group with the lowest share meeting the strictest test."""
    own = parts_of(groups, year, kind)
    large = own.keep(lambda frame: frame["clinicians"] >= LARGE)
    frame = large.sort("share_meeting").frame
    if frame.empty:
        return f"No group has {LARGE} clinicians, so none is singled out"
    row = frame.iloc[0]
    return (
        f"{row['group']}: {words.percent(row['share_meeting'], 0)} meet the {row['test']} test,"
        f" the lowest of the groups with {LARGE} clinicians or more"
    )


@words.of_rows
def on_aco_lists(groups: PublicTable, year: int) -> str:
    """Say how many of an ACO's listed clinicians miss, and that they have another way."""
    own = parts_of(groups, year, BY_ACO).where(group="On an ACO list")
    if own.empty:
        return "No clinician of the model is on a hospital-based ACO's list."
    row = own.frame.iloc[0]
    return (
        f"Of those on a hospital-based ACO's list {words.plural(row['missing'], 'clinician')}"
        f" {'misses' if row['missing'] == 1 else 'miss'} the {row['test']} test here. They might"
        " qualify elsewhere: a risk-bearing ACO is an Advanced APM too, with scores of its own that"
        " these data cannot show."
    )


@words.of_rows
def one_way(routes: PublicTable, year: int) -> str:
    """Say how many meet the test in force whichever method and criterion counts."""
    own = routes.where(year=year, partner="best", reading=LAW).frame
    meeting = own[own["method"] != METHOD_NAMES["none"]]
    if meeting.empty:
        return "No clinician meets the test in force in this year."
    both = meeting["method"] == METHOD_NAMES["both"]
    sure = int(
        meeting[both & (meeting["criterion"] == CRITERION_NAMES["either"])]["clinicians"].sum()
    )
    total = int(meeting["clinicians"].sum())
    way = "by both methods and by either criterion alone"
    if sure == total:
        return f"All {words.count(total)} clinicians who meet the test in force do so {way}."
    # numbers of one cell, and those who meet: a sum of other cells stands in no public table
    return (
        f"Of {words.count(total)} clinicians who meet the test in force, {words.count(sure)} do so"
        f" {way}. The others need one method, or one particular criterion or both together: without"
        " attribution, or without encounters, or by the other method, they would not meet."
    )


@words.of_rows
def near_words(near: PublicTable, year: int) -> str:
    """Say how many stand just below a threshold of the strictest test."""
    own = near.where(year=year, view=SIDE)
    if own.empty:
        return "No clinician stands near a threshold."
    test = str(own.frame["test"].iloc[-1])
    sides = own.where(test=test).frame.set_index("group")["clinicians"]
    below, above = int(sides[BELOW]), int(sides[ABOVE])
    return (
        f"At the {test} test {words.plural(below, 'clinician')} stand just below and"
        f" {words.plural(above, 'clinician')} just above."
    )


# ---------------------------------------------------------------- what could change it


@words.of_rows
def unseen(sensitivity: PublicTable, year: int) -> str:
    """Say what the largest unseen share does to the strictest test."""
    law = sensitivity.where(year=year, reading=LAW)
    test = str(law.frame["test"].iloc[-1])
    own = law.where(test=test).sort("unseen_share").frame
    first, last = own.iloc[0], own.iloc[-1]
    return (
        f"With {words.percent(last['unseen_share'], 0)} of patients unseen,"
        f" {words.percent(last['share_meeting'])} instead of"
        f" {words.percent(first['share_meeting'])} meet the {test} test"
    )


@words.of_rows
def by_when(timing: PublicTable, years: PublicTable, year: int) -> str:
    """Say how many reach a threshold by the first and the last snapshot, or would."""
    own = timing.where(year=year, reading=LAW, partner="best")
    would = str(years.value("determination", year=year)) == "none"
    if own.empty:
        return "No clinician reaches a threshold at a snapshot of this year."
    first, last = own.frame.iloc[0], own.frame.iloc[-1]
    verb = "would have reached" if would else "reach"
    return (
        f"Under the {first['test']} test {words.percent(first['share_qualified'])} of clinicians"
        f" {verb} a threshold by {_day(first['snapshot'])},"
        f" {words.percent(last['share_qualified'])} by {_day(last['snapshot'])}."
        f" {determined(years, year)}"
    )


def _day(snapshot: str) -> str:
    """Write the day of a snapshot as a sentence does."""
    day = date.fromisoformat(str(snapshot))
    return f"{day:%B} {day.day}"


# ---------------------------------------------------------------- money


@words.of_rows
def left_out(services: PublicTable, year: int) -> str:
    """Say how many dollars of professional claims are no covered professional services."""
    own = services.where(year=year)
    if own.empty:
        return f"No clinician is in the model for {year}."
    covered, other = own.value("covered"), own.value("other")
    return (
        "Only services that the physician fee schedule pays, or on which their payment is based,"
        f" are payments here: {words.short_dollars(covered)} of the modeled clinicians in {year}."
        f" A further {words.short_dollars(other)} for drugs, laboratory tests, vaccines, ambulance"
        " and supplies on the same clinicians' claims stay out of denominators, numerators and the"
        " incentive (rule Q1)."
    )


@words.of_rows
def worth(incentive: PublicTable, year: int) -> str:
    """Say what the incentive is under both readings of its base year (rule Q8)."""
    own = incentive.where(year=year, kind=BY_SPECIALTY, group=ALL)
    if own.empty:
        return "No clinician meets a test in force in this year, so no incentive would be paid."
    row = own.frame.iloc[0]
    return (
        f"The incentive is {words.percent(row['rate'], 0)} of payments for covered professional"
        f" services, paid in {row['paid_in']}. Slide 10 takes the payments of the performance"
        f" year: {_dollars(row['incentive_performance_year'])}. 42 CFR 414.1450(b) takes those of"
        f" the year before the payment year: {_dollars(row['incentive_year_after'])}. The second is"
        " the rule."
    )


def _dollars(value: Any) -> str:
    return "not in this store's years" if words.is_hidden(value) else words.short_dollars(value)


@words.of_rows
def apart(schedule: PublicTable, year: int) -> str:
    """Say how far the two fee schedules are apart at the horizon."""
    own = schedule.where(year=year)
    if own.empty:
        return "No clinician meets a test in force in this year, so there is nothing to update"
    last = own.frame.iloc[-1]
    return (
        f"By {int(last['payment_year'])} the two updates stand"
        f" {words.percent(last['difference'], 2)} apart"
    )


@words.of_rows
def out_of_mips(mips: PublicTable, year: int) -> str:
    """Say how many clinicians MIPS takes in and how many leave it as QPs."""
    own = mips.where(year=year)
    if own.empty:
        return "No test is in force in this year."
    return (
        "A qualifying participant is left out of MIPS: no reporting, no payment adjustment. Of"
        f" {words.plural(own.value('in_mips'), 'clinician')} above the MIPS low-volume limits"
        f" {words.count(own.value('excluded_as_qp'))} would leave it; the others miss the test or"
        " have no E&M patients and so no score. A partial QP may choose."
    )


DISCLAIMER = (
    "**Nothing here is official.** When these slides were shown (April 4, 2018) CMS was still"
    " weighing how it would attribute patients for the Quality Payment Program, had decided nothing"
    " about Maryland, and only CMS's own announcement would count. The scores are modeled on"
    " assumed partners, for discussion, and promise no clinician a status or a payment."
)
"""Slide 11's disclaimer in our words."""

LIMITS = (
    "Scores use Maryland Medicare beneficiaries only, so that clinicians near the state's borders"
    " look more linked than they are. The rule also leaves out patients for whom Medicare pays"
    " second; the store cannot tell, so they are in. Which codes the fee schedule pays is recalled"
    " from CMS's files by kind of service; a run takes CMS's file of the year as its reference"
    " table `fee_schedule`. Clinicians are counted by NPI; lists by NPI are in the restricted"
    " folder and not on this page."
)
"""What to know of the data and the list of codes."""
