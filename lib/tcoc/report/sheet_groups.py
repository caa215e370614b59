"""The sheets of a health system, an ACO or a county, in the order in which its officers ask.

They have the template of the hospitals' sheets and its rule: each number of the public edition is a
cell of a public table; nothing is added up here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tcoc.report import words
from tcoc.report.sheet import Record, Source, cell, drawn, grid, render_pages, say
from tcoc.report.sheet_marks import Bar, bars
from tcoc.report.sheet_parts import (
    MPA,
    STATE,
    interval_words,
    latest,
    settings_cell,
    signed,
    zip_circles,
)

_ABOUT = {"system": "Health system", "aco": "ACO", "county": "County"}
_OURS = {"system": "its hospitals", "aco": "its hospitals", "county": "the hospitals there"}
_MOST, _MOST_PLACES = 16, 5
ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Group:
    """A row of the table `groups`: its sheet's name, its kind, its name, and its hospitals."""

    group: str
    kind: str
    name: str
    called: str
    hospitals: tuple[str, ...]


def groups(source: Source) -> dict[str, Group]:
    """Return the groups of which there are sheets, by the name of their file."""
    found = {}
    for row in source.rows("groups"):
        texts = {k: str(row[k] or "") for k in ("group", "kind", "name", "called")}
        group = Group(**texts, hospitals=tuple(str(row["hospitals"] or "").split()))
        found[group.group] = group
    return found


def render_group(source: Source, group: Group) -> str:
    """Return the sheet of a system, an ACO or a county as one HTML text, on two printed pages."""
    about = f"{_ABOUT[group.kind]}, {words.plural(len(group.hospitals), 'hospital')}"
    pages = [
        [together(source, group), attributed(source, group), by_setting(source, group)],
        [by_year(source, group), hospitals(source, group), places(source, group)],
    ]  # fmt: skip
    return render_pages(source, group.name, about, group.group, pages)


# ---------------------------------------------------------------- the dollars


def together(source: Source, group: Group) -> str:
    """Say the dollars of the group's hospitals together, and draw each one's."""
    single = [r for ccn in group.hospitals for r in source.rows(MPA, ccn)]
    parts = [
        _sum_words(source, group, row) for row in source.rows(f"mpa_{group.kind}", group.group)
    ]
    if not parts and len(group.hospitals) == 1:
        parts += [_one_words(source, row) for row in single]
    if not group.hospitals and source.rows(MPA):
        parts.append(say("No hospital stands here, so no adjustment of one is shown."))
    each = [
        Bar(str(r["hospital"]), drawn(r["mpa_dollars"]),
            f"{source.say(MPA, r, 'mpa_dollars')} ({source.say(MPA, r, 'mpa_percent')})",
            drawn(r["dollars_low"]), drawn(r["dollars_high"]))
        for r in _by_size(single, "mpa_dollars")
    ]  # fmt: skip
    drawing = bars("Dollars and share of payments, with 95% intervals (rules M4, R6)", each)
    return cell("The adjustment", *parts, drawing if len(each) > 1 else "", wide=True)


def _one_words(source: Source, row: Record) -> str:
    amount, low, high = (drawn(row[c]) for c in ("mpa_dollars", "dollars_low", "dollars_high"))
    told = {c: source.say(MPA, row, c) for c in row}
    return say(signed(amount, told["mpa_dollars"]), "large") + say(
        f"In rate year {told['rate_year']} the adjustment of {row['hospital']}, the one hospital,"
        f" would come to {told['mpa_dollars']} of Medicare’s payments of {told['payments']}."
        + interval_words(low, high, told)
    )


def _sum_words(source: Source, group: Group, row: Record) -> str:
    table = f"mpa_{group.kind}"
    amount = drawn(row["mpa_dollars"])
    told = {c: source.say(table, row, c) for c in ("rate_year", "payments", "mpa_dollars")}
    where = "in" if group.kind == "county" else "of"
    if amount is None:
        return say(f"What the hospitals {where} {group.name} get together is hidden.")
    return say(signed(amount, told["mpa_dollars"]), "large") + say(
        f"In rate year {told['rate_year']} the adjustments of the hospitals {where} {group.name},"
        f" each judged alone, would come to {told['mpa_dollars']} together, which is"
        f" {source.say(table, row, 'mpa_percent')} of Medicare’s payments of {told['payments']} to"
        " them (rule M4)."
    )


def _by_size(rows: Sequence[Record], column: str) -> list[Record]:
    """Sort rows, the largest first, hidden ones last."""
    return sorted(rows, key=lambda r: (drawn(r[column]) is None, -(drawn(r[column]) or 0.0)))


# ---------------------------------------------------------------- the people


def attributed(source: Source, group: Group) -> str:
    """Say who is attributed: by stage, or by the ACO."""
    if group.kind == "aco":
        rows = source.rows("aco_hospitals", STATE, aco_id=group.called)
        told = [
            f"In {r['year']}, {source.say('aco_hospitals', r, 'benes')} people are attributed"
            f" through the clinicians of {group.name}, all by the ACO-like stage (rules A3, A5)."
            for r in rows
        ]
        return cell("Who is attributed", *map(say, told))
    table = "systems_by_stage" if group.kind == "system" else "counties_by_stage"
    rows = (
        source.rows(table, group.group)
        if group.kind == "system"
        else source.rows(table, place=group.called)
    )
    whole = "".join(
        f"In {r['year']}, {source.say(table, r, 'benes')} people "
        + ("live in" if group.kind == "county" else "are attributed to hospitals of")
        + f" {group.name}."
        for r in rows
        if r["stage"] == "all"
    )
    stages = [
        Bar(words.name_of(r["stage"]), drawn(r["share_of_group"]),
            f"{source.say(table, r, 'benes')} ({source.say(table, r, 'share_of_group')})")
        for r in rows
        if r["stage"] != "all"
    ]  # fmt: skip
    drawing = bars("People by the stage that attributed them (rule A1)", stages)
    return cell("Who is attributed", say(whole), drawing)


def _yearly(source: Source, group: Group) -> tuple[str, list[Record]]:
    if group.kind == "system":
        return "settings_by_hospital", source.rows("settings_by_hospital", group.group)
    table = f"settings_by_{group.kind}"
    key = "aco_id" if group.kind == "aco" else "place"
    return table, source.rows(table, **{key: group.called})


def by_setting(source: Source, group: Group) -> str:
    """Show dollars per person and growth by setting, beside the state's."""
    return settings_cell(source, *_yearly(source, group), drawing=True)


def by_year(source: Source, group: Group) -> str:
    """Show people and dollars per person by year, beside the state's."""
    table, rows = _yearly(source, group)
    state = {int(r["year"]): r for r in source.rows("settings_by_hospital", STATE)}
    shown = [
        [str(r["year"]), *(source.say(table, r, c) for c in ("benes", "per_capita", "growth")),
         *(source.say("settings_by_hospital", state[int(r["year"])], c)
           for c in ("per_capita", "growth"))]
        for r in rows
        if int(r["year"]) in state
    ]  # fmt: skip
    heads = ["Year", "People", "Per capita", "Growth", "Maryland", "Growth"]
    return cell("Year by year", grid("Dollars per person (rule T2)", heads, shown))


# ---------------------------------------------------------------- hospitals and places


def hospitals(source: Source, group: Group) -> str:
    """Say which hospitals: those of the system, or the people of the ACO or county by hospital."""
    if group.kind == "system":
        return _own_hospitals(source, group)
    table = "aco_hospitals" if group.kind == "aco" else "homes_by_county"
    key = "aco_id" if group.kind == "aco" else "place"
    rows = [r for r in source.rows(table, **{key: group.called}) if str(r["ccn"]) != STATE]
    rest = [r for r in rows if not str(r["ccn"]).isdigit()]
    own = _by_size([r for r in rows if str(r["ccn"]).isdigit()], "benes")
    drawing = [
        Bar(str(r["hospital"]), drawn(r["benes"]), source.say(table, r, "benes"))
        for r in [*own[:_MOST], *rest]
    ]
    caption = "People by the hospital to which they are attributed (rules A5, A8, A9)"
    there = [c for c in group.hospitals if c not in {str(r["ccn"]) for r in own}]
    return cell(
        "Which hospitals",
        bars(caption, drawing),
        say(_not_shown(len(own) - _MOST) if len(own) > _MOST else "", "quiet"),
        say("" if not there else f"Of {_OURS[group.kind]}, without a row: "
            f"{words.listing([_name(source, c) for c in there])}.", "quiet"),
    )  # fmt: skip


def _not_shown(number: int) -> str:
    return f"The other {words.plural(number, 'hospital')} stand in the table homes_by_county."


def _name(source: Source, ccn: str) -> str:
    rows = source.rows("settings_by_hospital", ccn) or source.rows(MPA, ccn)
    return str(rows[0]["hospital"]) if rows else f"CCN {ccn}"


def _own_hospitals(source: Source, group: Group) -> str:
    table = "settings_by_hospital"
    rows = [r for ccn in group.hospitals for r in latest(source.rows(table, ccn))]
    shown = [
        [f"{r['hospital']} ({r['ccn']})",
         *(source.say(table, r, c) for c in ("benes", "per_capita", "growth"))]
        for r in _by_size(rows, "benes")
    ]  # fmt: skip
    year = max((int(r["year"]) for r in rows), default=0)
    heads = ["Hospital (CCN)", "People", "Per capita", "Growth"]
    caption = f"In {year}, growth on the year before (rule T2)"
    return cell("Which hospitals", grid(caption, heads, shown))


def places(source: Source, group: Group) -> str:
    """Say where the people live: by county, with a map of ZIP codes."""
    if group.kind == "county":
        return ""
    if group.kind == "aco":
        rows = source.rows("acos_by_county", aco_id=group.called)
        drawing = [
            Bar(_place(r), drawn(r["benes"]), source.say("acos_by_county", r, "benes"))
            for r in _named_first(rows)
        ]
        return cell("Where they live", bars("People by home county (rule P3)", drawing))
    lines = []
    for ccn in group.hospitals:
        rows = _named_first(source.rows("homes_by_county", ccn))
        named = [r for r in rows if r["place"] != ELSEWHERE][:_MOST_PLACES]
        named += [r for r in rows if r["place"] == ELSEWHERE and len(rows) <= _MOST_PLACES]
        told = [f"{_place(r)} {source.say('homes_by_county', r, 'benes')}" for r in named]
        lines += [f"{_name(source, ccn)}: {'; '.join(told)}."] if told else []
    return cell(
        "Where they live",
        zip_circles(source, group.hospitals, group.name),
        *(say(line, "quiet") for line in lines),
    )


def _named_first(rows: Sequence[Record]) -> list[Record]:
    return sorted(_by_size(rows, "benes"), key=lambda r: r["place"] == ELSEWHERE)


def _place(row: Record) -> str:
    return "other counties" if row["place"] == ELSEWHERE else str(row["place"])
