"""Findings, titles and sentences of the Year 1 attribution, from its public tables alone."""

from typing import Any

from tcoc.deliverables.y1_attribution.lists import FOUND
from tcoc.deliverables.y1_attribution.public_hospitals import ALL, ELSEWHERE, NO_ZIP, STATE
from tcoc.disclosure import PublicTable
from tcoc.report import words
from tcoc.report.release import Release
from tcoc.rules.attribution import STAGES

NOBODY = (
    "No beneficiary of this store is eligible in the run's years: none has a month with Part A and"
    " Part B, outside of managed care, living in the state (rule P1). Nobody can be attributed."
)

LARGE = 100
"""No title names a hospital with fewer attributed people."""

SMALL = 5_000
"""Below this many beneficiaries the page says that it is no statement about hospitals."""


# ---------------------------------------------------------------- the year that is spoken of


def headline_year(years: PublicTable) -> int:
    """Return the last year with complete dollars; the last of all where none is complete (T2).

    Zero, which no table has, where the run attributes nobody.
    """
    if years.empty:
        return 0
    complete = years.keep(lambda frame: frame["complete"].astype(bool))
    chosen = years if complete.empty else complete
    return int(chosen.frame["year"].max())


def headline(release: Release) -> str:
    """Say in one sentence how many beneficiaries the stages attribute, for the run's index."""
    years = release.table("attribution_years")
    if years.empty:
        return NOBODY
    year = headline_year(years)
    state = release.table("attribution_waterfall").where(year=year)
    return (
        f"In {year} all {words.count(years.value('benes', year=year))} eligible beneficiaries are"
        f" attributed to a hospital: {_shares(state, 'share_benes')}."
    )


def answer(release: Release) -> str:
    """Give the answer of this run, what it costs, and the caveat, as one paragraph."""
    years = release.table("attribution_years")
    if years.empty:
        return NOBODY
    year = headline_year(years)
    parts = [f"**{headline(release)}**", _cost(years, year), not_complete(years), _caveat(years)]
    return " ".join(part for part in parts if part)


def key_numbers(release: Release) -> list[tuple[str, str, str]]:
    """Give each stage's share and the per capita of the headline year."""
    years = release.table("attribution_years")
    if years.empty:
        return []
    year = headline_year(years)
    state = release.table("attribution_waterfall").where(year=year)
    numbers = [
        (words.name_of(stage), words.percent(share, 0), f"of {year}")
        for stage, share in _by_stage(state, "share_benes")
    ]
    dollars = words.dollars(years.value("per_capita", year=year))
    return [*numbers, ("Per capita", dollars, f"in {year}")]


def _cost(years: PublicTable, year: int) -> str:
    tcoc = years.value("tcoc", year=year)
    if words.is_hidden(tcoc):
        return "The store has no claims in the run's years, so no dollars can be shown."
    return (
        f"Their Medicare total cost of care in {year} is {words.short_dollars(tcoc)},"
        f" or {words.dollars(years.value('per_capita', year=year))} per beneficiary and year;"
        f" {words.percent(years.value('hospital_share', year=year), 0)} of it is paid to hospitals."
    )


@words.of_rows
def not_complete(years: PublicTable) -> str:
    """Say which years have claims but are not complete; nothing where all are (rule T2)."""
    late = years.keep(lambda f: f["tcoc"].notna() & ~f["complete"].astype(bool))
    found = [int(year) for year in late.frame["year"]]
    if not found:
        return ""
    verb = "is" if len(found) == 1 else "are"
    return (
        f"**{words.span(found)} {verb} incomplete**: claims end before 31 March of the next year"
        " and the run gives no completion factor, so dollars may still grow."
    )


def _caveat(years: PublicTable) -> str:
    people = years.value("benes", year=headline_year(years))
    if words.is_hidden(people) or float(people) < SMALL:
        return (
            f"With fewer than {words.count(SMALL)} beneficiaries this is a test of the method,"
            " not a statement about hospitals."
        )
    return (
        "The order of the stages is Year 1's. Most of what decides within a stage is recalled or"
        " assumed, and so are the lists of codes, ACOs and service areas; the last sections say"
        " which, and what would settle it."
    )


# ---------------------------------------------------------------- stages


def _by_stage(state: PublicTable, column: str) -> list[tuple[str, Any]]:
    frame = state.frame.set_index("stage")[column]
    return [(stage, frame[stage]) for stage in STAGES if stage in frame.index]


def _shares(state: PublicTable, column: str) -> str:
    parts = [f"{words.percent(s, 0)} {_in_text(stage)}" for stage, s in _by_stage(state, column)]
    return words.listing(parts)


def _in_text(stage: str) -> str:
    """Return a stage's name as it stands inside a sentence."""
    name = words.name_of(stage)
    return name.lower() if name == "Geographic" else name


@words.of_rows
def largest_stage(waterfall: PublicTable, year: int) -> str:
    """Say which stage takes the most beneficiaries of a year."""
    shown = [
        (float(share), stage)
        for stage, share in _by_stage(waterfall.where(year=year), "share_benes")
        if not words.is_hidden(share)
    ]
    if not shown:
        return "Attribution by stage"
    share, stage = max(shown)
    return (
        f"The {words.name_of(stage)} stage takes the most: {words.percent(share, 0)} of"
        f" beneficiaries in {year}"
    )


@words.of_rows
def dollars_by_stage(waterfall: PublicTable, year: int) -> str:
    """Say how the dollars of a year lie between the stages."""
    state = waterfall.where(year=year)
    if state.frame["share_tcoc"].isna().all():
        return f"{year} has no claims, so no dollars by stage"
    return f"Dollars in {year}: {_shares(state, 'share_tcoc')}"


@words.of_rows
def largest_hospital(by_stage: PublicTable, year: int) -> str:
    """Say which hospital has the most attributed beneficiaries in a year."""
    rows = hospitals_only(by_stage.where(year=year, stage=ALL))
    rows = rows.keep(lambda f: f["benes"].notna()).sort("benes", descending=True)
    if rows.empty:
        return f"Attributed beneficiaries by hospital, {year}"
    top = rows.head(1)
    return (
        f"{top.value('hospital')} has the most attributed beneficiaries in {year},"
        f" {words.count(top.value('benes'))}"
    )


def large(table: PublicTable) -> PublicTable:
    """Return the rows of so many people that a title may name them."""
    return table.keep(lambda frame: frame["benes"].fillna(0) >= LARGE)


def homes_title(homes: PublicTable, drawn: PublicTable) -> str:
    """Say how many hospitals have a map, and that the others have no ZIP code that may be shown."""
    everyone, shown = (set(t.frame["ccn"]) - {STATE} for t in (homes, drawn))
    return f"{len(shown)} of {len(everyone)} hospitals have a ZIP code that can be drawn"


def homes_caption(homes: PublicTable, drawn: PublicTable) -> str:
    """Say how to read the maps, and which hospitals have none."""
    gone = homes.keep(lambda frame: ~frame["ccn"].isin([*drawn.frame["ccn"], STATE]))
    names = list(dict.fromkeys(str(name) for name in gone.frame["hospital"]))
    left_out = f" No map: {words.listing(names)}." if names else ""
    return (
        "Each dot stands at the middle of a ZIP code, on county outlines. ZIP codes with few of a"
        f" hospital's people are left out.{left_out}"
    )


def hospitals_only(table: PublicTable) -> PublicTable:
    """Return the rows of single hospitals, without the state's."""
    return table.keep(lambda frame: frame["ccn"] != STATE)


def maryland(hospitals: PublicTable, year: int) -> tuple[float, str] | None:
    """Return the state's per capita of a year as a line to compare with, where there is one."""
    state = hospitals.where(year=year, ccn=STATE)
    value = None if state.empty else state.value("per_capita")
    return (
        None
        if value is None or words.is_hidden(value)
        else (float(value), f"Maryland {words.dollars(value)}")
    )


def combinations(combined: PublicTable) -> str:
    """Say which hospitals the run combines, or that it combines none (rule A12)."""
    if combined.empty:
        return "This run combines no hospitals: every hospital stands for itself."
    named = list(dict.fromkeys(str(name) for name in combined.frame["combination"]))
    return (
        f"This run's combinations: {words.listing(named)}. Their members stand singly in all tables"
        " above."
    )


@words.of_rows
def per_capita_range(hospitals: PublicTable, year: int) -> str:
    """Say between which hospitals the per capita of a year runs."""
    rows = large(hospitals_only(hospitals.where(year=year))).keep(lambda f: f["per_capita"].notna())
    if rows.empty:
        return f"No hospital has {LARGE} attributed people and a per capita in {year}"
    order = rows.sort("per_capita")
    low, high = order.head(1), rows.sort("per_capita", descending=True).head(1)
    return (
        f"Among hospitals with {LARGE} people or more, per capita in {year} runs from"
        f" {words.dollars(low.value('per_capita'))}"
        f" ({low.value('hospital')}) to {words.dollars(high.value('per_capita'))}"
        f" ({high.value('hospital')})"
    )


# ---------------------------------------------------------------- movement, splits, homes


def stay_share(stays: PublicTable) -> str:
    """Say how many of those attributed in one year are with the same hospital in the next."""
    if stays.empty:
        return "The run has no two years in a row, so there is no movement to show"
    year = int(stays.frame["year"].max())
    share = stays.value("share_same_hospital", year=year, stage=ALL, reason=ALL)
    return (
        f"{words.percent(share, 0)} of those attributed in {year - 1} are with the same hospital"
        f" in {year}"
    )


def one_hospital(splits: PublicTable) -> str:
    """Say how many beneficiaries belong to one hospital alone."""
    if splits.empty:
        return NOBODY
    year = int(splits.frame["year"].max())
    one = splits.where(year=year, hospitals="1")
    share = one.value("share_benes") if len(one) else 0.0
    return f"In {year}, {words.percent(share, 0)} of beneficiaries belong to one hospital alone."


def with_place(homes: PublicTable) -> PublicTable:
    """Return the rows of ZIP codes that can be drawn: not put together, not hidden."""
    return homes.keep(lambda f: ~f["zip"].isin([ELSEWHERE, NO_ZIP]) & f["benes"].notna())


# ---------------------------------------------------------------- completeness, clinics


@words.of_rows
def autumn(months: PublicTable) -> str:
    """Compare the last three months of the last year with the nine before, to show a run-out."""
    frame = months.frame
    if frame["paid_amount"].isna().all():
        return "The store has no claims in the run's years"
    last = int(frame["year"].max())
    of_year = frame[frame["year"] == last].set_index("month")["paid_amount"].astype(float)
    if len(of_year) < 12 or of_year.isna().any():
        return f"{last} does not have claims in all months"
    late, early = of_year.loc[10:12].mean(), of_year.loc[1:9].mean()
    direction = "below" if late < early else "not below"
    return f"Payments of October to December {last} are {direction} those of the months before"


def clinics(care: PublicTable) -> str:
    """Say how many people clinics' primary care may concern, as far as the store can tell."""
    if care.empty:
        return NOBODY
    year = int(care.frame["year"].max())
    home, seen, clinic = (
        words.count(care.value(name, year=year)) for name in ("by_home", "outpatient", "clinic")
    )
    return (
        f"Federally qualified and rural health clinics bill outpatient claims that name no"
        f" clinician. The Shared Savings Program counts them (42 CFR 425.404); rule A2 does not,"
        f" because the store cannot say who gave the care. It may concern, above all, {seen} of the"
        f" {home} beneficiaries of {year} whom no clinician attributes: they have an outpatient"
        f" claim in the window. A claim under a clinic's own number: {clinic}."
    )


# ---------------------------------------------------------------- the planted truth, the example


def recovered(release: Release) -> str:
    """Say how often the rules find the hospital that the synthetic state planted."""
    truth = release.table("planted_truth")
    if truth.empty:
        return "The data are not synthetic, so no truth is known to compare with."
    year = int(truth.frame["year"].max())
    found = truth.where(year=year, outcome=FOUND)
    parts = [f"{words.percent(s, 0)} {_in_text(stage)}" for stage, s in _by_stage(found, "share")]
    return (
        f"Of the beneficiaries of {year} with one planted hospital the rules attribute"
        f" **{words.percent(found.value('share', stage=ALL), 0)}** whole to it:"
        f" {words.listing(parts)}. Where a ZIP code is shared, the planted hospital has a share,"
        " by the rules."
    )


def example_beneficiary(release: Release) -> str:
    """Follow the made-up beneficiary who is attributed through an ACO."""
    services, result = release.table("example_services"), release.table("example_result")
    mine = result.where(person="Anna")
    if mine.empty or str(mine.frame["stage"].iloc[0]) != "aco_like":
        return "Under the values of this run nobody of the example is attributed through an ACO."
    row = mine.frame.iloc[0]
    own = services.where(person="Anna").frame
    others = [str(n) for n in own["npi"].unique() if n != row["npi"]]
    hospitals = words.listing(
        [f"{h} {words.percent(s, 0)}" for h, s in zip(mine.frame["hospital"], mine.frame["share"],
                                                        strict=True)]
    )  # fmt: skip
    return (
        f"**Anna.** She sees {words.listing([str(row['npi']), *others])}. The ACO's clinicians"
        f" together have more of her allowed dollars than all others together (A3); among them"
        f" {row['npi']} has most, {words.dollars(row['amount'])} (A4), and {row['runner_up']} comes"
        f" next. The hospitals by the ACO's payments or the clinician's link (A5): {hospitals}."
    )


def example_clinician(release: Release) -> str:
    """Follow the made-up clinician whose whole panel goes to one hospital."""
    result, use = release.table("example_result"), release.table("example_use")
    panel = result.where(stage="mdpcp_like")
    if panel.empty:
        return "Under the values of this run nobody of the example reaches the MDPCP-like stage."
    npi, hospital = (str(panel.frame[c].iloc[0]) for c in ("npi", "hospital"))
    paid = use.where(npi=npi).frame
    uses = words.listing(
        [f"{h} {words.dollars(p)}" for h, p in zip(paid["hospital"], paid["paid"], strict=True)]
    )
    names = words.listing([str(person) for person in panel.frame["person"]])
    return (
        f"**Clinician {npi}.** {names} have no primary care in an ACO; they are the clinician's"
        f" panel (A7). The panel's payments: {uses}. The whole panel goes to {hospital} (A8), also"
        " the member who was treated elsewhere."
    )
