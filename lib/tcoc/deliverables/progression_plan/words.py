"""Findings and titles of the Progression Plan: sentences that follow from public tables alone."""

from typing import Any

import pandas as pd

from tcoc.deliverables.progression_plan.dictionary import ALL
from tcoc.disclosure import PublicTable
from tcoc.reference.places import MARYLAND
from tcoc.report import words
from tcoc.report.release import Release

PLAN_YEARS = (2014, 2015)
"""Performance years 1 and 2, which Figure 1 of the draft is about; later years came later."""


def last(table: PublicTable) -> PublicTable:
    """Return the rows of a table's last year."""
    return table.where(year=int(table.frame["year"].max())) if not table.empty else table


def first_vintage(table: PublicTable) -> PublicTable:
    """Return the rows of the vintage that the figures show first."""
    return table.where(vintage=table.frame["vintage"].iloc[0])


def settings(split: PublicTable) -> PublicTable:
    """Return the settings that add up to the total: hospital is two of them."""
    return split.keep(lambda rows: rows["setting"] != "hospital")


def groups(persistence: PublicTable) -> PublicTable:
    """Return the last year's groups by spending, without the row of everybody."""
    return last(persistence).keep(lambda rows: rows["cost_group"] != ALL)


def numbers_of_proxies(need: PublicTable) -> PublicTable:
    """Return the last year's rows by number of proxies, without the row of everybody."""
    return last(need).keep(lambda rows: rows["needs"] != ALL)


# ---------------------------------------------------------------- the answer


def headline(release: Release) -> str:
    """Say in one sentence what the figures show, for the run's front page."""
    tops = last(release.table("spending_concentration"))
    share = words.percent(tops.value("share_dollars", top=10), 0) if len(tops) else words.HIDDEN
    return (
        f"{_met_words(release.table('published_metrics'))} On this run's data, the costliest 10%"
        f" of people account for {share} of Medicare spending."
    )


def _met_words(metrics: PublicTable) -> str:
    status = metrics.where(year=PLAN_YEARS[-1]).frame["status"]
    missed = metrics.where(year=PLAN_YEARS[-1]).keep(lambda rows: rows["status"] == "not met")
    if (status == "met").all():
        return (
            f"By published figures, Maryland met every All-Payer Model target in {PLAN_YEARS[-1]}."
        )
    names = words.listing([_inside(name) for name in missed.frame["label"]])
    if len(missed):
        return f"By published figures, Maryland missed {names} in {PLAN_YEARS[-1]}."
    return (
        f"By published figures, Maryland missed no All-Payer Model target in {PLAN_YEARS[-1]}; some"
        " were due later."
    )


def summary(release: Release) -> str:
    """Say the answer, what hospital budgets do not reach, and how published numbers stand apart."""
    split = last(release.table("payment_split"))
    outside = ""
    if len(split):
        share = words.percent(split.value("share_dollars", setting="hospital"), 0)
        outside = (
            f" In {int(split.frame['year'].iloc[0])}, hospitals received {share} of the run's"
            " Medicare payments; hospital budgets hold nobody accountable for the rest."
        )
    return (
        f"**{headline(release)}**{outside} Published and computed numbers stand in separate"
        " figures; a number from memory is drawn open and says so."
    )


def _inside(name: str) -> str:
    """Write a name as it stands inside a sentence; proper names keep their capital."""
    return name if name.split(maxsplit=1)[0] in PROPER else name[:1].lower() + name[1:]


PROPER = ("Medicare", "Medicaid", "Maryland", "CMS")


# ---------------------------------------------------------------- published


@words.of_rows
def metrics_title(table: PublicTable) -> str:
    """Say which metrics met their target in performance year 2."""
    rows = table.where(year=PLAN_YEARS[-1])
    met = rows.keep(lambda frame: frame["status"] == "met").frame["label"]
    named = words.listing([_inside(str(name)) for name in met]) if len(met) else "no metric"
    return f"In performance year 2 ({PLAN_YEARS[-1]}), on target: {named}"


@words.of_rows
def savings_title(table: PublicTable) -> str:
    """Say what non-hospital spending did to hospital savings, to the vintage's last year."""
    rows = last(first_vintage(table))
    other = rows.value("cumulative", part="nonhospital")
    verb = "took back" if other < 0 else "added"
    hospital = words.short_dollars(rows.value("cumulative", part="hospital"))
    total = words.short_dollars(rows.value("cumulative", part="total"))
    return (
        f"Of {hospital} in hospital savings through {int(rows.frame['year'].iloc[0])}, {total} is"
        f" left in total: non-hospital spending {verb} {words.short_dollars(abs(other))}"
    )


@words.of_rows
def nation_title(table: PublicTable) -> str:
    """Say on which side of the nation each part of spending grew in performance year 2."""
    rows = first_vintage(table).where(year=PLAN_YEARS[-1])
    hospital, other = (_side(rows.value("difference", part=p)) for p in ("hospital", "nonhospital"))
    return (
        f"In {PLAN_YEARS[-1]}, hospital spending grew {hospital} the nation's and non-hospital"
        f" spending {other} it"
    )


def _side(difference: Any) -> str:
    if words.is_hidden(difference):
        return "we do not know how against"
    if difference == 0:
        return "as fast as"
    size = words.plain_number(abs(difference), 2)
    return f"{size} points {'faster than' if difference > 0 else 'slower than'}"


@words.of_rows
def path_title(savings: PublicTable) -> str:
    """Say the run's level in its first and last year, and the saving where rates are known."""
    frame = savings.frame
    start, end = int(frame["year"].min()), int(frame["year"].max())
    text = (
        f"On this run's data, spending per beneficiary went from"
        f" {words.dollars(savings.value('per_capita', year=start))} in {start} to"
        f" {words.dollars(savings.value('per_capita', year=end))} in {end}"
    )
    total = savings.value("cumulative_saving", year=end)
    if words.is_hidden(total):
        return f"{text}; savings wait for a national growth rate"
    kind = "saving" if total >= 0 else "excess"
    since = savings.value("base_year", year=end)
    return (
        f"{text}; against national growth since {since}, a cumulative {kind} of"
        f" {words.short_dollars(abs(total))}"
    )


@words.of_rows
def completeness(savings: PublicTable, synthetic: bool = False) -> str:
    """Say how complete the two years are that savings compare, beside the savings (rule T3)."""
    base, last_year = (int(savings.frame[c].iloc[-1]) for c in ("base_year", "year"))
    told = [str(savings.value("completeness", year=y)) for y in dict.fromkeys((base, last_year))]
    if synthetic:
        told.append(
            "The data are synthetic and national growth is invented: the saving says nothing about"
            " Maryland."
        )
    return f"**How complete both years are.** {' '.join(told)}"


@words.of_rows
def path_caption(savings: PublicTable) -> str:
    """Say how to read the path, and for which years no national rate is known, and why."""
    frame = savings.frame
    after = frame[frame["year"] > int(frame["base_year"].iloc[0])]
    missing = after[after["national_growth"].isna()]
    gap = ""
    if len(missing):
        reasons = "; ".join(dict.fromkeys(missing["reason"]))
        gap = f" No national growth for {words.span(list(missing['year']))}: {reasons}."
    return (
        "Computed from this run's data beside the levels that the workgroup's deck of April 2018"
        " prints. Savings are what spending would have been at national growth since the base year,"
        f" less actual spending.{gap}"
    )


@words.of_rows
def guardrail_title(table: PublicTable) -> str:
    """Say the worst year and whether the guardrail held in every year."""
    worst = table.sort("difference", descending=True).head(1)
    held = not (table.frame["guardrail"] == "broken").any()
    return (
        f"In the worst year ({int(worst.frame['year'].iloc[0])}), total cost of care grew"
        f" {_side(worst.frame['difference'].iloc[0])} the nation's: the guardrail"
        f" {'held' if held else 'broke'}"
    )


# ---------------------------------------------------------------- the run's spending


@words.of_rows
def split_title(split: PublicTable, payments: PublicTable) -> str:
    """Say the run's hospital share in its first and last year, beside the published one."""
    years = split.frame["year"]
    start, end = int(years.min()), int(years.max())
    printed = payments.where(metric="hospital_share").frame["value"].iloc[0]
    shares = [
        words.percent(split.value("share_dollars", year=y, setting="hospital"))
        for y in (end, start)
    ]
    return (
        f"Hospitals received {shares[0]} of the run's Medicare payments in {end} ({shares[1]} in"
        f" {start}); the draft plan prints {words.percent(printed / 100, 0)}"
    )


def contribution_title(table: PublicTable) -> str:
    """Say the growth of the total and which setting moved it most, up or down."""
    if table.empty:
        return "One year with claims: there is no growth to take apart"
    rows = last(table)
    parts = rows.keep(lambda frame: frame["part"] != "total")
    moved = parts.frame.assign(size=parts.frame["points"].abs()).sort_values(
        "size", ascending=False, kind="stable"
    )
    year = int(rows.frame["year"].iloc[0])
    name = words.name_of(moved["part"].iloc[0]).lower()
    return (
        f"Spending per beneficiary changed by {words.change(rows.value('growth', part='total'))} in"
        f" {year}; {name} care moved it most, by {words.change(moved['points'].iloc[0], 2)}"
    )


@words.of_rows
def concentration_title(tops: PublicTable) -> str:
    """Say the shares of the costliest 1, 5 and 10%."""
    rows = last(tops)
    parts = [
        f"{words.percent(rows.value('share_dollars', top=top), 0)} went to the costliest {top}%"
        for top in (1, 5, 10)
    ]
    year = int(rows.frame["year"].iloc[0])
    return f"Of Medicare spending in {year}, {words.listing(parts)} of people"


def persistence_title(table: PublicTable) -> str:
    """Say how many of the costliest 1% are in it again, and how many have left Medicare or died."""
    if table.empty:
        return "One year with claims: nobody can be followed to the next"
    rows = last(table)
    group = str(rows.frame["cost_group"].iloc[0])
    year = int(rows.frame["year"].iloc[0])
    shares = rows.where(cost_group=group).frame.set_index("next_group")["share_of_group"]
    again, gone = shares.get(group, 0.0), shares.get("not eligible", 0.0)
    return (
        f"{words.percent(again, 0)} of the costliest 1% of {year} are among the costliest 1% again"
        f" in {year + 1}; {words.percent(gone, 0)} died or left"
    )


# ---------------------------------------------------------------- the run's people


@words.of_rows
def need_title(table: PublicTable) -> str:
    """Say what people with three or more proxies are, of people and of dollars."""
    rows = last(table)
    if rows.where(needs="3").empty:
        return "Nobody has three or more proxies of need"
    people = rows.value("share_people", needs="3")
    dollars = rows.value("share_dollars", needs="3")
    return (
        f"Three or more proxies of need mark {words.percent(people)} of people, who account for"
        f" {words.percent(dollars)} of dollars"
    )


@words.of_rows
def avoidable_title(table: PublicTable) -> str:
    """Say the share of stays and dollars that are returns in the last year."""
    rows = last(table).where(stage=ALL)
    year = int(rows.frame["year"].iloc[0])
    if rows.where(measure="return").empty:
        return f"No inpatient stay in {year} follows another within the window"
    stays = rows.value("share_of_stays", measure="return")
    paid = rows.value("share_of_dollars", measure="return")
    return (
        f"{words.percent(stays)} of inpatient stays in {year} follow another within the window;"
        f" they take {words.percent(paid)} of inpatient dollars"
    )


@words.of_rows
def dual_title(table: PublicTable) -> str:
    """Say how many people are dual eligible, their share of dollars, and what each costs."""
    rows = last(table).where(stage=ALL)
    if rows.where(dual="yes").empty or rows.where(dual="no").empty:
        return "Dual eligible beneficiaries and others cannot be compared: one group has nobody"
    own, others = (rows.value("per_capita", dual=d) for d in ("yes", "no"))
    return (
        f"{words.count(rows.value('benes', dual='yes'))} dual eligible beneficiaries,"
        f" {words.percent(rows.value('share_people', dual='yes'))} of people, account for"
        f" {words.percent(rows.value('share_dollars', dual='yes'))} of dollars:"
        f" {words.dollars(own)} each in a year, others {words.dollars(others)}"
    )


@words.of_rows
def payers_title(table: PublicTable) -> str:
    """Say the combined cost of a dual eligible person, or that Medicaid's side is not supplied."""
    rows = last(table)
    year = int(rows.frame["year"].iloc[0])
    medicare = words.dollars(rows.value("per_capita", payer="medicare"))
    if "medicaid" not in set(rows.frame["payer"]):
        return (
            f"A dual eligible beneficiary cost Medicare {medicare} in {year}; the run has no"
            " Medicaid table, so the other side is not known"
        )
    both = words.dollars(rows.value("per_capita", payer=ALL))
    return f"With Medicaid, a dual eligible beneficiary cost {both} in {year}, Medicare {medicare}"


@words.of_rows
def landscape_title(table: PublicTable) -> str:
    """Say the state's ACO-like share and the regions where it is highest and lowest."""
    stages = table.where(stage="aco_like")
    if stages.where(place=MARYLAND).empty:
        return "No beneficiary is attributed through an ACO-like hospital"
    overall = words.percent(stages.value("share_people", place=MARYLAND), 0)
    regions = stages.keep(
        lambda frame: (frame["place"] != MARYLAND) & frame["share_people"].notna()
    )
    if regions.empty:
        return f"ACOs reach {overall} of beneficiaries"
    ends = regions.sort("share_people", "place").frame
    low, high = ends.iloc[0], ends.iloc[-1]
    return (
        f"ACOs reach {overall} of beneficiaries, from {words.percent(low['share_people'], 0)}"
        f" ({low['place']}) to {words.percent(high['share_people'], 0)} ({high['place']})"
    )


@words.of_rows
def options_title(table: PublicTable) -> str:
    """Say how far budgets, then ACOs and primary care homes, reach."""
    shares = [words.percent(_total(table, option), 0) for option in ("budgets", "budgets_aco_pc")]
    return (
        f"Hospital budgets hold somebody accountable for {shares[0]} of dollars; with ACOs and"
        f" primary care homes it would be {shares[1]}"
    )


def _total(table: PublicTable, option: str) -> Any:
    rows = table.where(option=option, part="total").frame
    return rows["share_dollars"].iloc[0] if len(rows) else pd.NA


# ---------------------------------------------------------------- diagrams


@words.of_rows
def aims_title(table: PublicTable) -> str:
    """Name the aims."""
    names = list(dict.fromkeys(table.frame["aim"]))
    return f"The All-Payer Model's aims: {words.listing([str(n).lower() for n in names])}"


@words.of_rows
def driver_title(table: PublicTable) -> str:
    """Say what the diagram is, and name its primary drivers."""
    what = {
        "reconstruction": "The original driver diagram, reconstructed",
        "proposal": "The updated driver diagram, proposed",
    }[str(table.frame["kind"].iloc[0])]
    names = [_inside(str(name)) for name in dict.fromkeys(table.frame["primary"])]
    return f"{what}: {words.listing(names)}"


@words.of_rows
def timeline_title(table: PublicTable) -> str:
    """Say which tracks start together, and when."""
    first = pd.to_datetime(table.frame["first"])
    names = dict.fromkeys(table.frame.loc[first == first.max(), "track"])
    start = first.max()
    return (
        f"Starting together on {start:%B} {start.day}, {start.year}: {words.listing(list(names))}"
    )
