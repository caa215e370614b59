"""The words of the MPA report: findings and titles, from public tables alone.

Every function takes public tables and returns text; a number in it is a cell of one of them, in
the words of tcoc.report.words. A sentence that would read the same whatever the data has no place
here.
"""

from typing import Any

import pandas as pd

from tcoc.deliverables.mpa_options.columns import option_name
from tcoc.disclosure import PublicTable
from tcoc.report import charts, words

SINGLE, SIGN = "improvement_single", "multiplies the result"


def rate_years(terms: PublicTable) -> list[int]:
    """Return the rate years of the run, ascending."""
    return sorted(int(y) for y in terms.frame["rate_year"])


# ---------------------------------------------------------------- the answer


def headline(tables: Any) -> str:
    """Say what the first rate year's adjustment moves and how much of it is signal.

    `tables` is anything with `table(name)`: the release, or a mapping's reader.
    """
    totals, state = tables.table("mpa_option_totals"), tables.table("mpa_heterogeneity")
    year = min(rate_years(tables.table("mpa_terms")))
    return f"{moved(totals, year)} {signal_share(state, year)}"


def answer(tables: Any) -> str:
    """Say the headline, and how sure it is."""
    year = min(rate_years(tables.table("mpa_terms")))
    return f"{headline(tables)}{signal(tables.table('mpa_heterogeneity'), year)}"


@words.of_rows
def moved(totals: PublicTable, rate_year: int) -> str:
    """Say what is paid and taken under the own terms, hospitals alone."""
    row = totals.where(rate_year=rate_year, option=SINGLE)
    up, down = row.value("total_up"), row.value("total_down")
    return (
        f"For rate year {rate_year} the MPA pays {words.short_dollars(up)} to"
        f" {words.plural(row.value('hospitals_up'), 'hospital')} and takes"
        f" {words.short_dollars(_size(down))} from"
        f" {words.plural(row.value('hospitals_down'), 'hospital')}."
    )


def _size(amount: Any) -> Any:
    return amount if pd.isna(amount) else abs(amount)


@words.of_rows
def signal_share(state: PublicTable, rate_year: int) -> str:
    """Say how much of the dollars is signal (M7)."""
    row = state.where(rate_year=rate_year)
    share = row.value("signal_share")
    if pd.isna(share) or pd.isna(row.value("p_value")):
        return "How much of it is signal cannot be said from this run."
    return (
        f"{words.percent(share, 0)} of these dollars is signal (95% interval"
        f" {words.percent(row.value('signal_low'), 0)} to"
        f" {words.percent(row.value('signal_high'), 0)}); the rest is who happened to need care."
    )


@words.of_rows
def signal(state: PublicTable, rate_year: int) -> str:
    """Say how often chance alone would show as much as the share of signal, or nothing (M7)."""
    row = state.where(rate_year=rate_year)
    p_value = row.value("p_value")
    if pd.isna(row.value("signal_share")) or pd.isna(p_value):
        return ""
    rarely = float(p_value) < 0.005
    how_often = "almost never" if rarely else f"in {words.percent(p_value, 0)} of cases"
    said = (
        f" Without any true difference between hospitals, results as unlike as these would"
        f" come up {how_often}."
    )
    marked, states = row.value("null_marked"), row.value("null_states")
    if pd.isna(states):
        return said
    return (
        f"{said} That is a calculation: of {words.count(states)} synthetic states where nothing"
        f" differs, {words.count(marked)} come out under 5%, where one in twenty would be right."
    )


def synthetic(is_synthetic: bool) -> str:
    """Say beside the result what of it was planted, where the data are invented."""
    if is_synthetic:
        return (
            "These are synthetic data: hospitals' true differences are what the generator planted,"
            " and national growth is invented, so neither the dollars nor their signal say anything"
            " about Maryland's hospitals."
        )
    return "The dollars rest on the claims of this run's extract."


def tiles(totals: PublicTable, state: PublicTable, rate_year: int) -> list[tuple[str, str, str]]:
    """Return the numbers that open the report: paid, taken, signal, signs."""
    row, of = totals.where(rate_year=rate_year, option=SINGLE), state.where(rate_year=rate_year)
    low, high = (words.percent(of.value(f"signal_{end}"), 0) for end in ("low", "high"))
    return [
        ("Paid", words.short_dollars(row.value("total_up")), f"rate year {rate_year}"),
        ("Taken", words.short_dollars(_size(row.value("total_down"))), f"rate year {rate_year}"),
        (
            "Signal in the dollars",
            words.percent(of.value("signal_share"), 0),
            f"95% interval {low} to {high}",
        ),
        (
            "Signs that hold",
            words.percent(of.value("sign_agreement"), 0),
            f"noise alone gives {words.percent(of.value('noise_agreement'), 0)}",
        ),
    ]


def largest_assumptions(sensitivity: PublicTable, most: int = 3) -> str:
    """Say which assumptions move the most dollars, each by its strongest alternative (rule S1)."""
    frame = sensitivity.sort("dollars_moved", descending=True).frame.dropna(
        subset=["dollars_moved"]
    )
    if frame.empty:
        return (
            "Which assumptions move these dollars most has not been measured for this run:"
            " `tcoc sensitivity` does."
        )
    named = frame.drop_duplicates("assumption").head(most)
    parts = [
        f"{_lower(str(row.value))} ({row.alternative} instead of {row.now}:"
        f" {words.short_dollars(row.dollars_moved)})"
        for row in named.itertuples()
    ]
    return f"What moves these dollars most: {words.listing(parts)}."


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def show_tornado(release: Any, sensitivity: PublicTable) -> None:
    """Show the dollars that each assumption moves, where `tcoc sensitivity` measured them (S1)."""
    moving = sensitivity.keep(lambda f: f["dollars_moved"] > 0)
    if moving.empty:
        return
    largest = moving.sort("dollars_moved", descending=True)
    release.show(
        charts.bars(largest.head(TORNADO_ROWS), rows="changed_value", value="dollars_moved"),
        title=tornado_title(largest),
        caption="One assumed value replaced by an alternative, all else as in this run (rule S1).",
    )
    release.show_table(
        largest,
        [
            "value",
            "alternative",
            "now",
            "dollars_moved",
            "hospitals_other_sign",
            "people_moved",
            "per_capita_change",
            "assumption",
        ],
        caption="What each assumption moves",
        note=f"{len(sensitivity) - len(moving)} of {len(sensitivity)} alternatives move less than"
        " the rounding shows; they stand in the data file.",
    )


TORNADO_ROWS = 15
"""How many alternatives the tornado draws; the table below it has all."""


@words.of_rows
def tornado_title(largest: PublicTable) -> str:
    """Say how far the assumption that moves most goes, against all dollars moved."""
    top = largest.head(1)
    return (
        f"{top.value('value')} ({top.value('alternative')} instead of {top.value('now')})"
        f" moves {words.short_dollars(top.value('dollars_moved'))}, more than any other assumption"
    )


def show_rows(release: Any, table: PublicTable, columns: list[str], caption: str) -> None:
    """Show a table that may have no row in a run; an empty one is left to the words before it."""
    if not table.empty:
        release.show_table(table, columns, caption=caption)


# ---------------------------------------------------------------- terms and completeness


@words.of_rows
def terms(table: PublicTable, rate_year: int) -> str:
    """Say what is compared with what, and how the benchmark grows (rule M1)."""
    row = table.where(rate_year=rate_year)
    years = int(row.value("years"))
    grows = "once" if years == 1 else f"in each of {years} years"
    return (
        f"{row.value('year')} is compared with {row.value('base_year')}; the benchmark grows by"
        f" national growth of {words.percent(row.value('national_growth'), 2)}"
        f" ({row.value('growth_source')}) less"
        f" {words.percent(row.value('trend_reduction'), 2)}, {grows}."
    )


@words.of_rows
def completeness(table: PublicTable, rate_year: int) -> str:
    """Say how complete both years are, and what the dollars are a share of (rules T3, M4)."""
    row = table.where(rate_year=rate_year)
    parts = [str(row.value("base_words")), str(row.value("performance_words"))]
    if bool(row.value("unequal_run_out")):
        parts.append(
            "**The two years stand on unequal run-outs: every result below is labeled with it and"
            " is not fit to pay on.**"
        )
    parts.append(
        f"Payments of {row.value('year')} stand for those of rate year {rate_year}, which are not"
        " known yet; they are as paid, whatever the completion."
    )
    if state := row.value("imported_state"):
        parts.append(
            f"The store holds people of {state} alone, so what its hospitals were paid for people"
            " from elsewhere is missing from the payments."
        )
    return " ".join(parts)


# ---------------------------------------------------------------- hospitals


@words.of_rows
def dollars_title(hospitals: PublicTable, rate_year: int) -> str:
    """Say how many hospitals' adjustments could by chance have had the other sign."""
    frame = hospitals.where(rate_year=rate_year).frame.dropna(subset=["percent_low"])
    both = int(((frame["percent_low"] < 0) & (frame["percent_high"] > 0)).sum())
    return f"{both} of {len(frame)} hospitals could by chance have had the other sign"


@words.of_rows
def reliability_title(reliability: PublicTable, rate_year: int) -> str:
    """Say how many hospitals' results are more signal than chance."""
    frame = reliability.where(rate_year=rate_year).frame.dropna(subset=["reliability"])
    most = int((frame["reliability"] > 0.5).sum())
    return f"{most} of {len(frame)} hospitals have a result that is more signal than chance"


@words.of_rows
def heterogeneity(state: PublicTable, rate_year: int) -> str:
    """Say what tells true differences from chance, each figure beside what noise alone shows."""
    row = state.where(rate_year=rate_year)
    i2, kept, median = (row.value(c) for c in ("i2", "sign_agreement", "median_reliability"))
    change = words.percent(row.value("change"), 0)
    power = words.percent(row.value("power"), 0)
    large, everyone = row.value("hospitals_large_enough"), row.value("hospitals")
    needed = words.count(row.value("median_panel_needed"))
    noise = words.percent(row.value("noise_agreement"), 0)
    lines = [
        f"I squared, the share of the results' variance beyond chance, is {words.percent(i2, 0)}.",
        (
            f"Panels drawn anew keep a hospital's sign in {words.percent(kept, 0)} of cases; noise"
            f" alone gives {noise}."
        ),
        f"The median hospital's result is {words.percent(median, 0)} signal.",
        (
            f"To tell a true change of {change} from none in {power} of cases takes about {needed}"
            f" attributed people (median); {words.count(large)} of {words.count(everyone)}"
            " hospitals have as many as their own sampling error asks for."
        ),
    ]
    slope = row.value("slope")
    if not pd.isna(slope):
        low, high = row.value("slope_low"), row.value("slope_high")
        lines.append(
            f"A point of growth in one year goes with {words.plain_number(slope, 2)} points in the"
            f" next (95% interval {words.plain_number(low, 2)} to {words.plain_number(high, 2)});"
            f" chance alone gives {words.plain_number(row.value('noise_slope'), 2)}, because a year"
            " that ends high makes the next look low."
        )
    return "\n".join(f"- {line}" for line in lines)


def combined(table: PublicTable) -> str:
    """Say how many combined hospitals would have the other sign alone, and what is not stated."""
    if table.empty:
        return "This run combines no hospitals."
    frame = table.frame
    known = frame.dropna(subset=["mpa_percent", "single_percent"])
    turned = int((known["mpa_percent"] * known["single_percent"] < 0).sum())
    said = f"Of {len(frame)} hospitals in combinations, {turned} would have the other sign alone."
    silent = {
        str(name): [what for what in ("region", "purpose") if (of[what] == "not stated").any()]
        for name, of in frame.groupby("combination")
    }
    gaps = [f"{name} ({words.listing(missing)})" for name, missing in silent.items() if missing]
    if gaps:
        said += f" Slide 14 asks for a region and a purpose; not stated: {words.listing(gaps)}."
    return said


# ---------------------------------------------------------------- options and chance


@words.of_rows
def options_title(totals: PublicTable, rate_year: int) -> str:
    """Say which option moves most signs against the own terms."""
    rows = totals.where(rate_year=rate_year).keep(lambda f: f["option"] != SINGLE)
    frame = rows.frame.dropna(subset=["sign_changes"])
    if frame.empty or not frame["sign_changes"].max():
        return "No option gives a hospital another sign"
    top = frame.sort_values("sign_changes", ascending=False, kind="stable").iloc[0]
    return (
        f"{option_name(str(top['option']))} changes the sign of"
        f" {words.plural(top['sign_changes'], 'hospital')}, more than any other option"
    )


def left_out(table: PublicTable) -> str:
    """Say which options this run could not compute and why."""
    if table.empty:
        return "Every option could be computed on this run."
    parts = [f"{option_name(str(r.option))}: {r.reason}" for r in table.frame.itertuples()]
    return f"Not computed: {'; '.join(dict.fromkeys(parts))}."


@words.of_rows
def chance(panel: PublicTable, terms_table: PublicTable, rate_year: int) -> str:
    """Say how large a panel must be for a sign that can be trusted, at the threshold (rule M6)."""
    threshold = float(terms_table.value("threshold", rate_year=rate_year))
    frame = panel.where(rate_year=rate_year).frame
    at = frame.iloc[(frame["true_change"] - threshold).abs().argmin()]
    return (
        f"A true change of {words.percent(at['true_change'], 1)} has the right sign"
        f" {words.percent(at['certainty'], 0)} of the time only from"
        f" {words.count(at['min_panel'])} attributed people on;"
        f" {words.count(at['hospitals_large_enough'])} of {words.count(at['hospitals'])} hospitals"
        " are as large."
    )


@words.of_rows
def chance_title(table: PublicTable, terms_table: PublicTable, rate_year: int) -> str:
    """Say what chance moves at the own threshold for a panel of the middle size (rule M6)."""
    threshold = float(terms_table.value("threshold", rate_year=rate_year))
    frame = table.where(rate_year=rate_year).frame
    near = frame["threshold"].iloc[(frame["threshold"] - threshold).abs().argmin()]
    rows = frame[frame["threshold"] == near].sort_values("panel_size")
    row = rows.iloc[len(rows) // 2]
    return (
        f"With {words.count(row['panel_size'])} attributed people, chance moves"
        f" {words.percent(row['mean_share'], 0)} of the revenue at risk"
    )


@words.of_rows
def grid_title(grid: PublicTable, terms_table: PublicTable, rate_year: int) -> str:
    """Say what the threshold does to the hospitals beyond it, at the own revenue at risk."""
    drawn = drawn_grid(grid, terms_table, rate_year)
    frame = drawn.where(attainment_weight=0.0, risk_method="none").sort("threshold").frame
    low, high = frame.iloc[0], frame.iloc[-1]
    return (
        f"From a threshold of {words.percent(low['threshold'], 0)} to"
        f" {words.percent(high['threshold'], 0)}, hospitals beyond it go from"
        f" {words.count(low['hospitals_beyond'])} to {words.count(high['hospitals_beyond'])}"
    )


def own_choice(what_if: PublicTable, terms_table: PublicTable, rate_year: int) -> dict[str, Any]:
    """Return the choice of each control that is nearest to the run's own terms."""
    row = terms_table.where(rate_year=rate_year)
    return {
        name: min(
            (str(label) for label in what_if.frame[name].unique()),
            key=lambda label: (abs(_percent(label) - 100 * float(row.value(name))), label),
            default="",
        )
        for name in ("threshold", "max_at_risk", "attainment_weight")
        if name in terms_table.frame.columns
    } | {"quality_sign": SIGN}


def _percent(label: str) -> float:
    return float(label.rstrip("%"))


def drawn_grid(grid: PublicTable, terms_table: PublicTable, rate_year: int) -> PublicTable:
    """Return the points of the grid at the own revenue at risk, statewide level, no sign option."""
    own = float(terms_table.value("max_at_risk", rate_year=rate_year))
    rows = grid.where(rate_year=rate_year, quality_sign=SIGN)
    frame = rows.frame
    near = frame["max_at_risk"].iloc[(frame["max_at_risk"] - own).abs().argmin()]
    return rows.keep(
        lambda f: (
            (f["max_at_risk"] == near)
            & ((f["attainment_level"] == "statewide") | (f["attainment_weight"] == 0))
        )
    )
