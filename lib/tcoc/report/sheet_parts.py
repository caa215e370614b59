"""The parts of a hospital's sheet, in the order in which a hospital's officer asks."""

from collections.abc import Sequence

from tcoc.reference import zip_centroids
from tcoc.report import words
from tcoc.report.sheet import Part, Record, Source, cell, drawn, grid, say
from tcoc.report.sheet_marks import Bar, Place, bars, zip_map

_MOST_ZIPS = 10
_PEERS = 4
MPA, SIGNAL, OPTIONS = "mpa_hospitals", "mpa_reliability", "mpa_option_hospitals"
GROWTH, MOVED, PARTS, PER_CAPITA = (
    "risk_hospitals", "growth_by_who_moved", "risk_parts", "hospital_per_capita",
)  # fmt: skip
STATE = "STATE"

SETTINGS = {
    "All settings": "",
    "Inpatient": "_inpatient",
    "Outpatient": "_outpatient",
    "SNF, home health, hospice": "_post_acute",
    "Clinicians and equipment": "_clinicians",
}
"""Settings as a sheet names them, and the end of their columns' names."""


def latest(rows: Sequence[Record], key: str = "year") -> list[Record]:
    """Return the rows of the latest year."""
    last = max((int(row[key]) for row in rows), default=0)
    return [row for row in rows if int(row[key]) == last]


# ---------------------------------------------------------------- page one: the dollars


def adjustment(source: Source, ccn: str, name: str) -> str:
    """Say the adjustment in dollars, its interval, and whether chance alone could turn its sign."""
    parts = []
    for row in source.rows(MPA, ccn):
        amount, low, high = (drawn(row[c]) for c in ("mpa_dollars", "dollars_low", "dollars_high"))
        told = {c: source.say(MPA, row, c) for c in row}
        parts.append(say(signed(amount, told["mpa_dollars"]), "large"))
        parts.append(say(_adjusted(name, amount, told) + interval_words(low, high, told)))
    parts += [
        say(
            f"Judged with {row['combination']}, it would be"
            f" {source.say('mpa_combined', row, 'mpa_dollars')} (rule A12)."
        )
        for row in source.rows("mpa_combined", ccn)
    ]
    return cell("The adjustment", *parts, wide=True)


def signed(amount: float | None, told: str) -> str:
    """Write an amount with its sign, gains as well."""
    return f"+{told}" if amount is not None and amount > 0 else told


def _adjusted(name: str, amount: float | None, told: Record) -> str:
    if amount is None:
        return f"The adjustment of {name} for rate year {told['rate_year']} is hidden."
    if amount == 0:
        return f"In rate year {told['rate_year']}, Medicare’s payments to {name} would not change."
    verb = "add" if amount > 0 else "take"
    place = "to" if amount > 0 else "from"
    size = told["mpa_dollars"].replace(words.MINUS, "")
    return (
        f"In rate year {told['rate_year']} the adjustment would {verb} {size} {place} Medicare’s"
        f" payments of {told['payments']} to {name}."
    )


def interval_words(low: float | None, high: float | None, told: Record) -> str:
    """Say whether chance alone could turn the sign of an amount."""
    if low is None or high is None:
        return " Its interval is hidden."
    ends = f" The 95% interval runs from {told['dollars_low']} to {told['dollars_high']}"
    if low < 0 < high:
        return f"{ends}: chance alone could turn a reward into a penalty, or the reverse."
    return f"{ends}: both ends are on the same side of zero."


def how(source: Source, ccn: str, name: str) -> str:
    """Draw the way from benchmark to dollars: per person, as a share of payments, in dollars."""
    parts = []
    for row in source.rows(MPA, ccn):
        per_person = [_step(source, MPA, row, "benchmark"), _step(source, MPA, row, "performance")]
        first, last = drawn(row["benchmark"]), drawn(row["performance"])
        if first is not None and last is not None:
            word = "Below the benchmark: a saving" if last <= first else "Above the benchmark"
            per_person.append(
                # from performance to benchmark: a saving has the color of a gain
                Bar(word, first, source.say(MPA, row, "result"), start=last, strong=True,
                    note="3. The result, as a share of the benchmark (rule M1)")
            )  # fmt: skip
        shares = [
            _step(source, MPA, row, "scaled", "4. On the scale of revenue at risk (rule M2)"),
            _step(source, MPA, row, "quality", "5. Readmissions and complications (rule M3)"),
            _step(source, MPA, row, "mpa_percent", "6. Share of payments (rule M3)", strong=True),
        ]
        money = _step(source, MPA, row, "mpa_dollars", "7. Share times payments (rule M4)",
                      ("dollars_low", "dollars_high"), strong=True)  # fmt: skip
        parts += [
            bars("Dollars per person and year", per_person),
            bars("Shares", shares),
            bars("Dollars, with the 95% interval", [money]),
        ]
    return cell("How it was reached", *parts)


_NOTES = {
    "benchmark": "1. Base year, grown by the trend (rule M1)",
    "performance": "2. The performance year (rule M1)",
}


def _step(
    source: Source,
    table: str,
    row: Record,
    column: str,
    note: str = "",
    ends: tuple[str, str] | None = None,
    strong: bool = False,
) -> Bar:
    low, high = (drawn(row[end]) for end in ends) if ends else (None, None)
    label, told = source.label(table, column), source.say(table, row, column)
    return Bar(label, drawn(row[column]), told, low, high, strong=strong,
               note=note or _NOTES.get(column, ""))  # fmt: skip


def signal(source: Source, ccn: str, name: str) -> str:
    """Say how much of the result is true difference, and how many people would tell."""
    parts = []
    for row in source.rows(SIGNAL, ccn):
        told = {c: source.say(SIGNAL, row, c) for c in row}
        parts.append(
            say(
                f"Of the differences between results like this one, {told['reliability']} is true;"
                " the rest is chance (rule M7)."
            )
        )
        parts.append(
            bars(
                "Dollars",
                [
                    Bar("The adjustment", drawn(row["mpa_dollars"]), told["mpa_dollars"]),
                    Bar("Of them signal", drawn(row["signal_dollars"]), told["signal_dollars"],
                        strong=True),
                ],
            )
        )  # fmt: skip
        parts.append(say(_needed(source, row, told)))
    return cell("How much of it is signal", *parts)


def _needed(source: Source, row: Record, told: Record) -> str:
    state = source.rows("mpa_heterogeneity", rate_year=row["rate_year"])
    if not state:
        return ""
    change, power = (source.say("mpa_heterogeneity", state[0], c) for c in ("change", "power"))
    return (
        f"To tell a true change of {_percent(change)} from none in {_percent(power)} of cases would"
        f" take {told['needed']} people; {told['benes']} are attributed."
    )


def _percent(text: str) -> str:
    return text if text.endswith("%") else words.plain_number(100 * float(text), 1) + "%"


def break_even(source: Source, ccn: str, name: str) -> str:
    """Say which saving ends at zero, and which at the whole reward (rule M6)."""
    rows = source.rows(MPA, ccn)
    columns = ("zero_per_capita", "zero_dollars", "reward_cap_per_capita", "reward_cap_dollars")
    shown = [[source.label(MPA, c), source.say(MPA, row, c)] for row in rows for c in columns]
    note = "A negative amount: costs could rise by so much (rule M6)." if rows else ""
    return cell(
        "Break-even",
        grid("What would have to be saved in the performance year", ["Saving", ""], shown),
        say(note, "quiet"),
    )


def options(source: Source, ccn: str, name: str) -> str:
    """Draw the hospital's dollars under each option of Year 2."""
    called = {
        (str(r["rate_year"]), str(r["option"])): str(r["option_name"])
        for r in source.rows("mpa_option_totals")
    }
    own = {str(r["rate_year"]): r for r in source.rows(MPA, ccn)}
    rows = []
    for row in source.rows(OPTIONS, ccn):
        key = (str(row["rate_year"]), str(row["option"]))
        told = source.say(OPTIONS, row, "mpa_dollars")
        label = called.get(key, words.name_of(key[1]))
        rows.append(Bar(label, drawn(row["mpa_dollars"]), told, strong="single" in key[1]))
    years = words.listing(sorted(own)) or "the rate year"
    return cell("What each Year 2 option would do", bars(f"Dollars, rate year {years}", rows))


# ---------------------------------------------------------------- page two: the people


def people(source: Source, ccn: str, name: str) -> str:
    """Say who is attributed: by the stage that attributed them."""
    table = "hospitals_by_stage"
    rows = latest(source.rows(table, ccn))
    stages = [
        Bar(words.name_of(row["stage"]), drawn(row["share_of_hospital"]),
            f"{source.say(table, row, 'benes')} ({source.say(table, row, 'share_of_hospital')})")
        for row in rows
        if row["stage"] != "all"
    ]  # fmt: skip
    year = rows[0]["year"] if rows else ""
    whole = next((source.say(table, r, "benes") for r in rows if r["stage"] == "all"), "")
    return cell(
        "Who is attributed",
        say(f"In {year}, {whole} people are attributed to {name}." if whole else ""),
        bars("People by the stage that attributed them (rule A1)", stages),
    )


def homes(source: Source, ccn: str, name: str) -> str:
    """Map where the attributed people live, with the ZIP codes of the most as text."""
    table = "where_they_live"
    rows = [r for r in source.rows(table, ccn) if drawn(r["benes"]) is not None]
    if not rows:
        return ""
    rows.sort(key=lambda r: (-float(r["benes"]), str(r["zip"])))
    most = [r for r in rows if str(r["zip"]).isdigit()][:_MOST_ZIPS]
    rest = [r for r in rows if not str(r["zip"]).isdigit()]
    listed = ", ".join(f"{r['zip']} ({source.say(table, r, 'benes')})" for r in most)
    other = "".join(f"; {r['zip']} {source.say(table, r, 'benes')}" for r in rest)
    rounded = " Numbers of this map are rounded." if source.exact else ""
    return cell(
        "Where they live",
        zip_circles(source, [ccn], name),
        say(f"Circles grow with the people. Most live in {listed}{other}.{rounded}", "quiet"),
    )


def zip_circles(source: Source, ccns: Sequence[str], name: str) -> str:
    """Map the ZIP codes where people of some hospitals live, a circle for each."""
    table = "where_they_live"
    rows = [r for ccn in ccns for r in source.rows(table, ccn) if drawn(r["benes"]) is not None]
    if not rows:
        return ""
    one, centroids = len(ccns) == 1, zip_centroids()
    places = [
        Place(
            *centroids[r["zip"]],
            float(r["benes"]),
            f"ZIP {r['zip']}{'' if one else ', ' + str(r['hospital'])}: "
            + source.say(table, r, "benes"),
        )
        for r in rows
        if r["zip"] in centroids
    ]
    return zip_map(places, f"Map of the ZIP codes where people of {name} live")


def growth(source: Source, ccn: str, name: str) -> str:
    """Draw growth per capita beside the state's and that of hospitals of about its size."""
    rows = [
        Bar(str(row["hospital"]), drawn(row["growth"]), source.say(GROWTH, row, "growth"),
            drawn(row["growth_low"]), drawn(row["growth_high"]),
            strong=str(row["ccn"]) == ccn, note=_people(source.say(GROWTH, row, "benes")))
        for row in _compared(source, ccn)
    ]  # fmt: skip
    year = max((int(r["year"]) for r in source.rows(GROWTH, ccn)), default=0)
    return cell(
        "Growth beside the state and peers",
        bars(f"Growth of dollars per person to {year}, with 95% intervals (rule R4)", rows),
        say("Peers are the hospitals with the nearest number of people." if rows else "", "quiet"),
    )


def _compared(source: Source, ccn: str) -> list[Record]:
    """Return the hospital's row, the state's, and those of the hospitals nearest in size."""
    plain = latest(source.rows(GROWTH, variant="none"))
    own = next((r for r in plain if str(r["ccn"]) == ccn), None)
    if own is None:
        return []
    size = drawn(own["benes"]) or 0.0
    others = [r for r in plain if str(r["ccn"]) not in (ccn, STATE) and drawn(r["benes"])]
    others.sort(key=lambda r: (abs(float(r["benes"]) - size), str(r["ccn"])))
    return [own, *(r for r in plain if str(r["ccn"]) == STATE), *others[:_PEERS]]


def per_capita(source: Source, ccn: str, name: str) -> str:
    """Show dollars per person by year, and the part paid to hospitals, beside the state's."""
    state = {int(r["year"]): r for r in source.rows(PER_CAPITA, STATE)}
    rows = [
        [str(r["year"]), *(source.say(PER_CAPITA, of, c) for c in ("per_capita", "hospital_share")
         for of in (r, state[int(r["year"])]))]
        for r in source.rows(PER_CAPITA, ccn)
        if int(r["year"]) in state
    ]  # fmt: skip
    heads = ["Year", "Per capita", "Maryland", "Paid to hospitals", "Maryland"]
    return cell("Dollars per person", grid("By year (rules T2, T4)", heads, rows))


def _people(told: str) -> str:
    return "number of people hidden" if told == words.HIDDEN else f"{told} people"


def moved(source: Source, ccn: str, name: str) -> str:
    """Draw whose coming and going makes the growth (rule R7)."""
    rows = latest(source.rows(MOVED, ccn))
    shown = [
        Bar(str(row["who"]), drawn(row["contribution"]), source.say(MOVED, row, "contribution"),
            strong=row["part"] == "all", note=_people(source.say(MOVED, row, "benes")))
        for row in rows
    ]  # fmt: skip
    years = f"{rows[0]['base_year']} to {rows[0]['year']}" if rows else ""
    return cell(
        "Who stayed, joined, left",
        bars(f"Growth from {years} by them; parts add up (rule R7)", shown),
    )


def risk(source: Source, ccn: str, name: str) -> str:
    """Draw what changed in the hospital's mix, and what that does to its growth by method."""
    parts = latest(source.rows(PARTS, ccn, variant="demographic"))
    shown = [
        Bar(_called(str(row["part"])), drawn(row["dollars"]), source.say(PARTS, row, "dollars"))
        for row in parts
    ]
    methods = [
        [str(row["method"]), *(source.say(GROWTH, row, c) for c in ("factor", "growth"))]
        for row in latest(source.rows(GROWTH, ccn))
    ]
    return cell(
        "Risk mix",
        bars("Change of the mix, in dollars per person of the adjusted base (rule R6)", shown),
        grid("By method (rule R4)", ["Method", "Factor", "Growth"], methods),
    )


def _called(part: str) -> str:
    named = words.name_of(part)
    return named[:1].upper() + named[1:]


def settings_cell(source: Source, table: str, rows: Sequence[Record], drawing: bool = False) -> str:
    """Show dollars per person and growth by setting beside the state's, of the latest year."""
    whole = "settings_by_hospital"
    state = {int(r["year"]): r for r in source.rows(whole, STATE)}
    pairs = [(r, state[int(r["year"])]) for r in latest(rows) if int(r["year"]) in state]
    shown, marks = [], []
    for row, maryland in pairs:
        for name, end in SETTINGS.items():
            if end and row[f"per_capita{end}"] is None:
                continue
            told = [
                source.say(of, record, f"{column}{end}")
                for column in ("per_capita", "growth")
                for of, record in ((table, row), (whole, maryland))
            ]
            shown.append([name, *told])
            note = f"Maryland {told[3]}"
            marks.append(Bar(name, drawn(row[f"growth{end}"]), told[2], strong=not end, note=note))
    year = max((int(r["year"]) for r, _ in pairs), default=0)
    heads = ["Setting", "Per capita", "Maryland", "Growth", "Maryland"]
    few = "Too few people to split by setting." if len(shown) == 1 else ""
    return cell(
        "Dollars per person by setting",
        grid(f"In {year}, growth on the year before (rules T2, T4)", heads, shown),
        bars(f"Growth from {year - 1} to {year}", marks) if drawing and len(shown) > 1 else "",
        say(few, "quiet"),
    )


def settings(source: Source, ccn: str, name: str) -> str:
    """Show dollars per person and growth by setting, beside the state's."""
    table = "settings_by_hospital"
    return settings_cell(source, table, source.rows(table, ccn))


def partners(source: Source, ccn: str, name: str) -> str:
    """Say how many clinicians score highest at the hospital, and how many would qualify (Q5)."""
    table = "qp_hospitals"
    rows = latest(source.rows(table, ccn))
    if not rows:
        there = "Too few clinicians score highest here to be shown."
        return cell("QP partners", say(there)) if source.rows(table) else ""
    columns = ("clinicians", "meeting", "share_meeting")
    shown = [[str(r["test"]), *(source.say(table, r, c) for c in columns)] for r in rows]
    return cell(
        "QP partners",
        grid(
            f"Clinicians of {rows[0]['year']} who score highest here (rules Q4, Q5)",
            ["Test", "Clinicians", "Would qualify", "Share"],
            shown,
        ),
    )


PAGES: tuple[tuple[Part, ...], ...] = (
    (adjustment, how, partners, options, signal, break_even),
    (people, homes, growth, per_capita, settings, moved, risk),
)
"""What stands on the first and on the second printed page."""
