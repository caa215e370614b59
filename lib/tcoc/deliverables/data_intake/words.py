"""Findings and titles of the data intake: sentences that follow from public tables alone."""

from tcoc.deliverables.data_intake.dictionary import CHECK_NAMES
from tcoc.disclosure import PublicTable
from tcoc.report import words
from tcoc.report.release import Release
from tcoc.rules import intake
from tcoc.rules.intake import AMBER, GREEN, GREY, RED

ALL = "all"


def last_year(release: Release) -> int:
    """Return the last year of the run."""
    return int(max(release.facts.years))


def of_light(release: Release, year: int, light: str) -> list[str]:
    """Return the checks of a year, and of the import, that show a light, by name."""
    rows = release.table("intake_checks").where(year=[str(year), ALL], light=light)
    return [str(name) for name in rows.frame["name"]]


def dispositions(rows: PublicTable) -> PublicTable:
    """Return what became of rows, without the dispositions that no row has."""
    return rows.keep(lambda frame: frame["rows"] != 0)


def months(volumes: PublicTable) -> PublicTable:
    """Return the single months, without the row of the whole year."""
    return volumes.keep(lambda frame: frame["month"] != ALL)


def headline(release: Release) -> str:
    """Say in one sentence how the last year's checks stand, for the run's front page."""
    year = last_year(release)
    red, amber, green = (of_light(release, year, light) for light in (RED, AMBER, GREEN))
    if not (red or amber or green):
        return f"The store has nothing of {year} that could be checked."
    if red:
        return f"Before {year} is trusted, look at {_named(red)}: red in the checks of the data."
    if amber:
        return f"No check of the data of {year} is red; {_named(amber)} should be looked at."
    return f"Every check of the data of {year} that could be made is green."


def _named(names: list[str]) -> str:
    return words.listing([_lower(name) for name in names])


def _lower(name: str) -> str:
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def summary(release: Release) -> str:
    """Give the answer in words: what is red, what is amber, and what a light means."""
    year = last_year(release)
    parts = [f"**{headline(release)}**"]
    for light, word in ((RED, "Red"), (AMBER, "Amber"), (GREY, "Not checked")):
        if names := of_light(release, year, light):
            parts.append(f"{word}: {_named(names)}.")
    parts.append(
        "A light says where to look, not that a number is wrong; the limits are house rules, stated"
        " under the assumptions."
    )
    return " ".join(parts)


@words.of_rows
def verdict(checks: PublicTable, subject: str) -> str:
    """Say the worst light of a subject, and which checks show it, in any year."""
    rows = checks.where(subject=subject)
    found = set(rows.frame["light"])
    worst = next((light for light in intake.LIGHTS if light in found), GREY)
    if worst == GREEN:
        return f"{words.name_of(subject)}: every check that could be made is green"
    if worst == GREY:
        return f"{words.name_of(subject)}: nothing could be checked"
    names = [str(name) for name in dict.fromkeys(rows.where(light=worst).frame["name"])]
    years = sorted({str(year) for year in rows.where(light=worst).frame["year"]} - {ALL})
    when = f" in {words.listing(years)}" if years else ""
    named = _named([name for name in CHECK_NAMES.values() if name in names])
    return f"{named[:1].upper()}{named[1:]}: {worst}{when}"


def volumes_title(volumes: PublicTable) -> str:
    """Say how much the last year holds."""
    if volumes.empty:
        return "The store has no claims in the run's years"
    year = int(volumes.frame["year"].max())
    whole = {"part": intake.ALL_CLAIMS, "month": ALL, "year": year}
    rows, dollars = (volumes.value(name, **whole) for name in ("rows", "dollars"))
    return f"{year} holds {words.count(rows)} claims and lines for {words.short_dollars(dollars)}"


@words.of_rows
def completion_title(years: PublicTable) -> str:
    """Say what the late months of the last year imply, beside the run's factor."""
    known = years.keep(lambda rows: rows["implied_completion"].notna())
    if known.empty:
        return "Every month of the run's years has its run-out"
    year = int(known.frame["year"].max())
    implied, factor = (
        known.value(name, year=year) for name in ("implied_completion", "completion_factor")
    )
    return (
        f"The late months of {year} hold {words.percent(implied)} of what earlier years would lead"
        f" one to expect; the run divides by {words.plain_number(factor, 4)}"
    )


@words.of_rows
def change_title(change: PublicTable) -> str:
    """Say how all claims moved in the last year."""
    rows = change.where(part=intake.ALL_CLAIMS)
    if rows.empty:
        return "There is no year before to compare with"
    year = int(rows.frame["year"].max())
    moved = {name: rows.value(f"change_{name}", year=year) for name in ("rows", "people")}
    return (
        f"From {year - 1} to {year}, claims and lines changed by {words.change(moved['rows'])}, the"
        f" people who have them by {words.change(moved['people'])}"
    )


def outlier_words(release: Release) -> str:
    """Say which payments count as very large: two values of the policy."""
    limits = {use.name: use.value for use in release.facts.policy}
    line, claim = (limits[f"intake.{name}_outlier"] for name in ("line", "claim"))
    return (
        f"Very large is a line paid above {words.dollars(line)}, or a facility claim paid above"
        f" {words.dollars(claim)}."
    )


def missing_words(missing: PublicTable) -> str:
    """Say what the source lacks, or that it lacks nothing that is needed."""
    if missing.empty:
        return "The source lacks nothing that a deliverable needs."
    return f"The source lacks {words.listing([str(name) for name in missing.frame['missing']])}."


def admission_title(table: PublicTable) -> str:
    """Say whether every limit and control total of the import held."""
    if table.empty:
        return "The store was not imported, so there is no delivery to hold limits against"
    red = [words.name_of(c) for c in dict.fromkeys(table.where(light=RED).frame["check"])]
    if red:
        return f"Beyond its limit, and accepted: {words.listing(red)}"
    return "Every limit of the import and every control total of the delivery held"


def notes_words(notes: PublicTable) -> str:
    """Say the import's own remarks, and why a limit that was passed was accepted."""
    if notes.empty:
        return "The import has no remarks."
    accepted = [str(said) for said in notes.where(kind="accepted").frame["said"]]
    said = [str(each) for each in notes.where(kind="note").frame["said"]]
    parts = (
        [f"**Accepted although a limit was passed: {'; '.join(accepted)}.**"] if accepted else []
    )
    return " ".join([*parts, *([f"{'; '.join(said)}."] if said else [])])
