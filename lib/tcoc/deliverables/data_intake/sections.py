"""The data intake report: what to know before trusting a year; one function per section."""

from collections.abc import Sequence

import pandas as pd

from tcoc.deliverables.data_intake.public import ALL, READ, public_tables
from tcoc.deliverables.data_intake.tables import DISPOSITIONS
from tcoc.report import style, words
from tcoc.report.release import Figure, Release
from tcoc.rules import intake
from tcoc.rules.intake import AMBER, GREEN, GREY, RED

__all__ = ["POLICY", "headline", "public_tables"]

POLICY = ("intake", "tcoc")
"""The policy files whose values this report rests on."""

LIGHT_WORDS = {RED: "✖ red", AMBER: "▲ amber", GREEN: "✔ green", GREY: "– too little to check"}
"""A light is a word and a sign of its own, never a colour alone."""

CHECK_NAMES = {
    "quarantined": "Rows in quarantine",
    "unreconciled": "Dollars unexplained from file to store",
    "short_run_out": "Run-out too short without a factor",
    "completion_gap": "Implied completion against the factor",
    "change_rows": "Change of rows",
    "change_people": "Change of people",
    "change_dollars": "Change of dollars",
    "people_without_month": "People with claims, without enrolment",
    "claims_without_month": "Claims in a month without enrolment",
    "month_gaps": "People with a gap in their months",
    "months_after_death": "Months after death",
    "paid_in_managed_care": "Payments in managed care",
    "zip_not_in_state": "Residents' ZIP not in Maryland",
    "unknown_specialty": "Unknown specialty",
    "missing_npi": "No NPI",
    "npi_check_digit": "NPI fails its check digit",
    "repeated_services": "Same service twice",
    "payments_after_death": "Payments after death",
    "overlapping_stays": "Overlapping inpatient stays",
    "negative_amounts": "Negative payments",
    "outliers": "Very large payments",
}
"""Every check in the order in which reports show them."""

ENROLMENT = (
    "people_without_month",
    "claims_without_month",
    "month_gaps",
    "months_after_death",
    "paid_in_managed_care",
    "zip_not_in_state",
)
CODES = ("unknown_specialty", "missing_npi", "npi_check_digit", "repeated_services")
PAYMENTS = ("payments_after_death", "overlapping_stays", "negative_amounts", "outliers")
CHANGES = ("change_rows", "change_people", "change_dollars")
COMPLETION = ("short_run_out", "completion_gap")

PART_NAMES = {
    intake.ALL_CLAIMS: "All claims",
    "professional": "Professional",
    "inpatient": "Inpatient",
    "outpatient": "Outpatient",
    "snf": "Skilled nursing",
    "hha": "Home health",
    "hospice": "Hospice",
    "dme": "Equipment (DME)",
}


# ---------------------------------------------------------------- the answer in words


def _checks(release: Release, names: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of the checks, in the reports' order."""
    frame = release.table("intake_checks")
    rows = frame[frame["check"].isin(list(names or CHECK_NAMES))]
    place = {name: i for i, name in enumerate(CHECK_NAMES)}
    ordered = rows.assign(place=rows["check"].map(place)).sort_values(["place", "year"])
    return _kept(ordered.drop(columns="place"), "intake_checks")


def _kept(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    kept = frame.reset_index(drop=True)
    kept.attrs["tcoc_table"] = table
    return kept


def _last_year(release: Release) -> int:
    return int(max(release.study.run.years))


def _of_light(release: Release, year: int, light: str) -> list[str]:
    """The checks of a year, and of the import, that show a light."""
    rows = _checks(release)
    mine = rows[rows["year"].isin([str(year), ALL]) & (rows["light"] == light)]
    return [CHECK_NAMES[check] for check in mine["check"]]


def headline(release: Release) -> str:
    """Say in one sentence how the last year's checks stand, for the run's index."""
    year = _last_year(release)
    numbers = {light: len(_of_light(release, year, light)) for light in (RED, AMBER, GREEN)}
    whole = sum(numbers.values())
    if not whole:
        return f"The store has nothing of {year} that could be checked."
    verb = "is" if numbers[RED] == 1 else "are"
    return (
        f"Of {whole} checks of the data of {year}, {numbers[RED]} {verb} red,"
        f" {numbers[AMBER]} amber and {numbers[GREEN]} green."
    )


def summary(release: Release) -> None:
    """Give the answer in words, and every check's light by year."""
    year = _last_year(release)
    parts = [f"**{headline(release)}**"]
    for light, word in ((RED, "Red"), (AMBER, "Amber")):
        if names := _of_light(release, year, light):
            parts.append(f"{word}: {words.listing([_lower(n) for n in names])}.")
    parts.append(
        "A light says where to look, not that a number is wrong; the limits are house rules, stated"
        " under Assumptions."
    )
    release.say(" ".join(parts))
    lights(release)


def _lower(name: str) -> str:
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def lights(release: Release) -> None:
    """Show every check's light by year; the import's checks stand under each year alike."""
    rows = _checks(release)
    years = [str(y) for y in release.study.run.years]
    light = {(c, y): v for c, y, v in zip(rows["check"], rows["year"], rows["light"], strict=True)}
    shown = [name for name in CHECK_NAMES if name in set(rows["check"])]
    rules = dict(zip(rows["check"], rows["rule"], strict=True))
    grid = pd.DataFrame(
        [
            {
                "name": CHECK_NAMES[name],
                "rule": rules[name],
                **{
                    y: LIGHT_WORDS[light.get((name, y), light.get((name, ALL), GREY))]
                    for y in years
                },
            }
            for name in shown
        ]
    )
    release.show_table(
        "intake_checks",
        {"name": "Check", "rule": "Rule", **{y: y for y in years}},
        caption="Every check and year at a glance",
        frame=grid,
        shown_as="intake_lights",
    )


def lights_follow_counts(release: Release) -> bool:
    """Whether every light follows from the count that stands beside it and the limits."""
    rows = release.table("intake_checks").dropna(subset=["share"])
    policy = release.study.policy
    return all(
        intake.limit(policy, check).light(share) == light
        for check, share, light, count, of in zip(
            *(rows[c] for c in ("check", "share", "light", "count", "of")), strict=True
        )
        if pd.isna(count) or _tells(count, of)
    )


def _tells(count: float, of: float) -> bool:
    """Whether a shown count's light is decided by its exact share."""
    return count in (0, of) or of - count > TEN


TEN = 10
"""The largest count that is never shown (rule D1)."""


# ---------------------------------------------------------------- the import


def import_summary(release: Release) -> None:
    """Show what became of the rows that were read, and dollars from file to store."""
    if "intake_import" not in release.names:
        release.say("store.json tells nothing of rows.")
        return
    rows = release.table("intake_import")
    shown = rows[(rows["rows"] != 0) | rows["rows"].isna()]
    named = shown.assign(disposition=shown["disposition"].str.replace("_", " "))
    release.show_table(
        "intake_import",
        {"source": "Source", "disposition": "What became of the row", "rows": "Rows"},
        {"rows": "count"},
        frame=named,
        shown_as="intake_import_shown",
        note="Dispositions without a row are left out here and stand in the data file.",
    )
    if "intake_import_dollars" in release.names:
        release.show_table(
            "intake_import_dollars",
            {
                "source": "Source",
                "dollars_in_files": "In the files",
                "dollars_in_store": "In the store",
                "difference": "Unexplained",
            },
            {"dollars_in_files": "dollars", "dollars_in_store": "dollars", "difference": "cents"},
        )


def import_adds_up(release: Release) -> bool:
    """Whether every row that was read was imported or has a reason why it was not (rule I2)."""
    found = release.study.frame("import_summary")
    reasons = [c for c in found.columns if c in DISPOSITIONS]
    return bool((found[reasons].sum(axis=1) == found[READ]).all())


# ---------------------------------------------------------------- volumes


def volumes(release: Release) -> None:
    """Show rows, people and dollars by part and year, and rows by month."""
    if "intake_volumes" not in release.names:
        release.say("The store has no claims in the run's years.")
        return
    frame = release.table("intake_volumes")
    _volumes_figure(release, frame)
    whole = frame[frame["month"] == ALL]
    release.show_table(
        "intake_volumes",
        {
            "part": "Part",
            "year": "Year",
            "rows": "Claims or lines",
            "people": "People",
            "dollars": "Medicare payments",
        },
        _VOLUME_FORMATS,
        frame=_named_parts(whole),
        shown_as="intake_volumes_by_year",
        caption="Claims and lines, people and dollars by year",
        heading_columns=2,
    )
    _enrolment_by_year(release)


_VOLUME_FORMATS = {"rows": "count", "people": "count", "dollars": "dollars"}


def _named_parts(frame: pd.DataFrame) -> pd.DataFrame:
    place = {name: i for i, name in enumerate(PART_NAMES)}
    ordered = frame.assign(place=frame["part"].map(place)).sort_values(["place", "year"])
    named = ordered.assign(part=ordered["part"].map(PART_NAMES)).drop(columns="place")
    return named.reset_index(drop=True)


def _volumes_figure(release: Release, frame: pd.DataFrame) -> None:
    months = frame[frame["month"] != ALL]
    parts = [name for name in PART_NAMES if name in set(months.dropna(subset="rows")["part"])]
    if not parts:
        release.say("No month has enough claims to be shown.")
        return
    years = sorted(months["year"].unique())
    picture, axes = style.new_figure(
        height=1.45 * -(-len(parts) // 2) + 0.4, rows=-(-len(parts) // 2), columns=2, squeeze=False
    )
    panels = list(axes.flat)
    for panel, name in zip(panels, parts, strict=False):
        rows = months[months["part"] == name]
        when = rows["year"] + (rows["month"].astype(int) - 0.5) / 12
        line = pd.Series(rows["rows"].to_numpy(dtype=float), index=when).sort_index()
        panel.plot(line.index, line.to_numpy(), color=style.ACCENT, linewidth=1.4)
        panel.set_title(PART_NAMES[name])
        panel.set_ylim(0, max(1.0, float(line.max(skipna=True) or 0) * 1.15))
        panel.set_xlim(years[0], years[-1] + 1)
        panel.set_xticks([y + 0.5 for y in years], [str(y) for y in years])
        style.number_axis(panel.yaxis, "short_count")
        panel.yaxis.get_major_locator().set_params(nbins=4)
        style.grid(panel, "y")
    for panel in panels[len(parts) :]:
        panel.set_axis_off()
    release.show_figure(
        Figure(
            name="intake_volumes",
            title=_volumes_title(frame, _last_year(release)),
            alt=(
                f"{len(parts)} panels, one per kind of claim, with a line of claims or lines by"
                f" month in {words.span([int(y) for y in years])}."
            ),
            caption=(
                "Claims (facility) or lines (professional, DME) by month; axes differ. A gap in a"
                " line is hidden or empty."
            ),
            picture=picture,
            data=_kept(months, "intake_volumes"),
        )
    )


def _volumes_title(frame: pd.DataFrame, year: int) -> str:
    whole = frame[(frame["month"] == ALL) & (frame["part"] == intake.ALL_CLAIMS)]
    row = whole[whole["year"] == year]
    if row.empty:
        return f"{year} has no claims"
    first = row.iloc[0]
    return (
        f"{year} holds {words.count(first['rows'])} claims and lines"
        f" for {words.short_dollars(first['dollars'])}"
    )


def _enrolment_by_year(release: Release) -> None:
    if "intake_enrolment" not in release.names:
        release.say("The store has no months of enrolment in the run's years.")
        return
    frame = release.table("intake_enrolment")
    release.show_table(
        "intake_enrolment",
        {"year": "Year", "rows": "Months", "people": "People"},
        {"rows": "count", "people": "count"},
        frame=frame[frame["month"] == ALL].reset_index(drop=True),
        shown_as="intake_enrolment_by_year",
        caption="Months of enrolment and people by year",
    )


def months_add_up(release: Release) -> bool:
    """Whether each year's rows and dollars are the sum of its months, in every part."""
    found = release.study.frame("intake_counts")
    whole = found["month"] == intake.WHOLE_YEAR
    keys = ["part", "year"]
    months = found[~whole].groupby(keys)[["rows", "dollars"]].sum()
    years = found[whole].set_index(keys)[["rows", "dollars"]].fillna(0).reindex(months.index)
    off = (months - years).abs()
    return bool((off["rows"] == 0).all() and (off["dollars"] < CENT).all())


CENT = 0.01
"""Sums of decimals read as doubles may differ by less than this."""


# ---------------------------------------------------------------- completeness


def completeness(release: Release) -> None:
    """Show payments by month of service against earlier years, and the completion they imply."""
    if "intake_completion" not in release.names:
        release.say("The store has no claims in the run's years, so there is no run-out to show.")
        return
    _completion_figure(release)
    release.show_table(
        "intake_completion_years",
        {
            "year": "Year",
            "implied_completion": "Implied by its late months",
            "completion_factor": "Factor of this run",
        },
        {"implied_completion": _or_dash, "completion_factor": "number"},
        heading_columns=1,
    )
    _show_checks(release, "completion", COMPLETION)


def _or_dash(value: object) -> str:
    return "–" if words.is_hidden(value) else words.number(value)


def _completion_figure(release: Release) -> None:
    frame = release.table("intake_completion")
    picture, (left, right) = style.new_figure(height=3.2, columns=2)
    for place, (year, rows) in enumerate(frame.groupby("year")):
        look = {
            "color": style.colour(place),
            "marker": style.MARKERS[place % len(style.MARKERS)],
            "label": str(year),
        }
        left.plot(rows["month"], rows["paid_amount"], **look)
        right.plot(rows["month"], rows["implied_completion"], **look)
    for axes in (left, right):
        axes.set_xticks(range(1, 13), list("JFMAMJJASOND"))
        axes.set_xlabel("month of service")
        style.grid(axes, "y")
    left.set_ylim(0, max(1.0, float(frame["paid_amount"].max(skipna=True) or 0)) * 1.15)
    right.axhline(1, color=style.QUIET, linewidth=0.9, linestyle="--")
    style.number_axis(left.yaxis, "short_dollars", "Medicare payments")
    style.number_axis(right.yaxis, "percent", "of the expected payments")
    left.legend(ncols=2, loc="lower center")
    release.show_figure(
        Figure(
            name="intake_completion",
            title=_completion_title(release),
            alt=(
                "Two panels of lines by year: payments by month of service, and each month's"
                " payments as a share of what the month before a year and the growth let expect."
            ),
            caption=(
                "Expected: the same month a year before x the growth of the year's months that"
                " have their run-out (rule T2). A line that falls at the end is run-out."
            ),
            picture=picture,
            data=_kept(frame, "intake_completion"),
        )
    )


def _completion_title(release: Release) -> str:
    years = release.table("intake_completion_years").dropna(subset=["implied_completion"])
    if years.empty:
        return "Every month of the run's years has its run-out"
    last = years.iloc[-1]
    return (
        f"The late months of {int(last['year'])} imply a completion of"
        f" {words.number(last['implied_completion'])};"
        f" the run's factor is {words.number(last['completion_factor'])}"
    )


def completion_is_positive(release: Release) -> bool:
    """Whether every factor, implied or given, is above zero."""
    if "intake_completion_years" not in release.names:
        return True
    frame = release.table("intake_completion_years")
    factors = pd.concat([frame["implied_completion"], frame["completion_factor"]]).dropna()
    return bool((factors > 0).all())


# ---------------------------------------------------------------- checks by subject


def enrolment(release: Release) -> None:
    """Show whether enrolment fits claims, deaths and places."""
    _show_checks(release, "enrolment", ENROLMENT)


def codes(release: Release) -> None:
    """Show the professional lines that the attribution cannot use, or should not."""
    _show_checks(release, "codes of professional lines", CODES)


def payments(release: Release) -> None:
    """Show payments after death, overlapping stays, negative and very large payments."""
    line, claim = (release.study.policy.get(f"intake.{n}_outlier") for n in ("line", "claim"))
    release.say(
        f"Very large is a line paid above {words.dollars(line)} or a facility claim paid above"
        f" {words.dollars(claim)}; both limits are parameters."
    )
    _show_checks(release, "payments", PAYMENTS)


def _show_checks(release: Release, subject: str, names: Sequence[str]) -> None:
    """Show the checks of a subject: what each asks, its rule, count, share and light, by year."""
    rows = _checks(release, names)
    entries = release.study.policy.entries
    shown = rows.assign(
        name=rows["check"].map(CHECK_NAMES),
        asks=[entries[f"intake.{check}"].description for check in rows["check"]],
        shown_light=rows["light"].map(LIGHT_WORDS),
    )
    shown = _kept(shown, "intake_checks")
    counted = bool(shown["check"].isin(intake.COUNTED).any())
    numbers = {"count": "Count", "of": "Of"} if counted else {}
    release.show_table(
        "intake_checks",
        {
            "name": "Check",
            "year": "Year",
            "rule": "Rule",
            **numbers,
            "share": "Share" if counted else "Value",
            "shown_light": "Light",
        },
        {"count": "count", "of": "count", "share": _share_words if counted else _value_words},
        caption=_verdict(rows["light"], subject),
        frame=shown,
        shown_as=f"intake_checks_{names[0]}",
        heading_columns=2,
        note=" ".join(
            dict.fromkeys(f"{n}: {a}" for n, a in zip(shown["name"], shown["asks"], strict=True))
        ),
    )


def _verdict(found: "pd.Series[str]", subject: str) -> str:
    worst = next((light for light in intake.LIGHTS if (found == light).any()), GREY)
    return {
        RED: f"At least one check of {subject} is red",
        AMBER: f"No check of {subject} is red, at least one is amber",
        GREEN: f"All checks of {subject} are green",
        GREY: f"Nothing could be checked of {subject}",
    }[worst]


def _share_words(value: object) -> str:
    return words.percent(value, 3) if not words.is_hidden(value) else "–"


def _value_words(value: object) -> str:
    return words.percent(value, 1) if not words.is_hidden(value) else "–"


def counts_within(release: Release, names: Sequence[str]) -> bool:
    """Whether no check counts more rows than it looked at."""
    found = release.study.frame("intake_checks")
    rows = found[found["check"].isin(list(names))].dropna(subset=["count"])
    return bool((rows["count"] <= rows["of"]).all() and (rows["count"] >= 0).all())


def enrolment_counts_hold(release: Release) -> bool:
    """Whether no enrolment check counts more than it looked at."""
    return counts_within(release, ENROLMENT)


def code_counts_hold(release: Release) -> bool:
    """Whether no check of lines counts more than it looked at."""
    return counts_within(release, CODES)


def payment_counts_hold(release: Release) -> bool:
    """Whether no check of payments counts more than it looked at."""
    return counts_within(release, PAYMENTS)


# ---------------------------------------------------------------- the year before


def year_before(release: Release) -> None:
    """Compare the last year with the one before: rows, people and dollars of each part."""
    changed = changes_shown(release)
    if changed.empty:
        release.say("There is no year before the run's last one to compare with.")
    else:
        _changes_table(release, changed)
    _show_checks(release, "change since the year before", CHANGES)


def changes_shown(release: Release) -> pd.DataFrame:
    """Changes of the last year, computed from audited numbers only: none tells a hidden one."""
    year, frames = _last_year(release), []
    for name, part in (("intake_volumes", ""), ("intake_enrolment", intake.MEMBER_MONTH)):
        if name in release.names:
            found = release.table(name)
            frames.append(found[found["month"] == ALL].assign(**{"part": part} if part else {}))
    if not frames:
        return pd.DataFrame()
    whole = pd.concat(frames).set_index(["part", "year"])
    measures = [m for m in intake.MEASURES if m in whole.columns]
    now, before = (
        whole.xs(y, level="year")[measures].astype(float)
        if y in whole.index.get_level_values("year")
        else None
        for y in (year, year - 1)
    )
    if now is None or before is None:
        return pd.DataFrame()
    moved = now / before.reindex(now.index).where(lambda b: b > 0) - 1
    order = [*PART_NAMES, intake.MEMBER_MONTH]
    moved = moved.reindex([p for p in order if p in moved.index])
    return moved.add_prefix("share_moved_").reset_index()


def _changes_table(release: Release, changed: pd.DataFrame) -> None:
    year = _last_year(release)
    names = {**PART_NAMES, intake.MEMBER_MONTH: "Months of enrolment"}
    formats = {f"share_moved_{m}": _change_words for m in intake.MEASURES}
    table = "intake_volumes" if "intake_volumes" in release.names else "intake_enrolment"
    columns = [c for c in formats if c in changed.columns]
    release.show_table(
        table,
        {"part": "Part", **{c: c.removeprefix("share_moved_").capitalize() for c in columns}},
        formats,
        caption=f"Change from {year - 1} to {year}",
        frame=changed.assign(part=changed["part"].map(names)),
        shown_as="intake_change",
        note="Left out where one of the two numbers is hidden, or there was nothing before.",
    )


def _change_words(value: object) -> str:
    return "–" if words.is_hidden(value) else words.change(value)


def changes_have_limits(release: Release) -> bool:
    """Whether every year of the run has its three checks of change."""
    rows = _checks(release, CHANGES)
    return bool((rows.groupby("check").size() == len(release.study.run.years)).all())


# ---------------------------------------------------------------- what is missing, notes


def what_is_missing(release: Release) -> None:
    """Say what the source lacks and which parts of the deliverables can't be computed."""
    if "intake_missing" not in release.names:
        release.say("The source lacks nothing that a deliverable needs.")
        return
    release.show_table(
        "intake_missing",
        {"missing": "Missing", "rule": "Rules", "cannot_be_computed": "What it is needed for"},
    )


def missing_is_said(release: Release) -> bool:
    """Whether everything that store.json calls missing stands in the report."""
    stated = {str(name) for name in release.study.store.info.get("missing", [])}
    told = "intake_missing" in release.names and set(release.table("intake_missing")["missing"])
    return stated <= (told or set())


def assumptions(release: Release) -> None:
    """List the assumed and replaced parameters behind the lights."""
    release.show_assumptions(POLICY)


def assumptions_are_cited(release: Release) -> bool:
    """Whether every assumption names its rule."""
    return all(use.rule for use in release.uses(POLICY))


def data_notes(release: Release) -> None:
    """List the import's own remarks and years without claims."""
    info = release.study.store.info
    notes = [str(note) for note in info.get("import", {}).get("notes", [])]
    rows = release.table("intake_volumes") if "intake_volumes" in release.names else None
    have = set() if rows is None else {int(y) for y in rows["year"]}
    notes += [f"{y} has no claims in the store" for y in release.study.run.years if y not in have]
    release.say(f"Data notes: {'; '.join(notes)}." if notes else "Data notes: none.")
    release.show_provenance()
