"""The words of the risk adjustment report: findings and titles, from public tables alone.

What is concluded comes from the registered verdicts (rule R8): a function here says what a verdict
printed and how sure it is, and concludes nothing of its own.
"""

from typing import Any

import pandas as pd

from tcoc.deliverables.risk_adjustment.columns import HELD, MARKED
from tcoc.disclosure import PublicTable
from tcoc.report import words

OWN = "as in this run"
NONE, DEMOGRAPHIC, NEW_ENROLLEE = "none", "demographic", "new_enrollee"
LARGE = 100
"""No title names a hospital with fewer people in the base year, and no figure draws it."""

MOVES = {
    "stayers": "people who stay",
    "joiners": "people who join",
    "leavers": "people who leave",
    "relinked": "panels that move to another hospital",
}


# ---------------------------------------------------------------- the answer


def headline(tables: Any) -> str:
    """Say in one sentence what adjustment does to the state's growth.

    `tables` is anything with `table(name)`: the release, or a mapping's reader.
    """
    state = tables.table("risk_statewide")
    base, year = (int(state.frame[c].iloc[0]) for c in ("base_year", "year"))
    growth = {m: state.value("growth", method=m) for m in (NONE, DEMOGRAPHIC, NEW_ENROLLEE)}
    low, high = (state.value(f"growth_{end}", method=NONE) for end in ("low", "high"))
    sure = (
        "" if pd.isna(low) else f" (95% interval {words.change(low, 1)} to {words.change(high, 1)})"
    )
    return (
        f"From {base} to {year} the state's cost per capita changes by"
        f" {words.change(growth[NONE], 2)}{sure}; adjusted for who the beneficiaries are, by"
        f" {words.change(growth[DEMOGRAPHIC], 2)} (demographic) or"
        f" {words.change(growth[NEW_ENROLLEE], 2)} (new enrollee score)."
    )


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows by column name."""
    return [dict(zip(map(str, frame.columns), row, strict=True)) for row in frame.to_numpy(object)]


def tiles(state: PublicTable) -> list[tuple[str, str, str]]:
    """Return the state's growth under each method with its interval."""
    found = []
    for row in _records(state.frame):
        low, high = words.change(row["growth_low"], 1), words.change(row["growth_high"], 1)
        told = "" if pd.isna(row["growth_low"]) else f"95% interval {low} to {high}"
        found.append((str(row["name"]), words.change(row["growth"], 2), told))
    return found


@words.of_rows
def verdict(table: PublicTable, name: str) -> str:
    """Say what a verdict prints, how often it would be wrong, and what would settle it (R8)."""
    row = table.where(verdict=name)
    answer, statement = str(row.value("printed")), str(row.value("statement"))
    said = f"**{row.value('question')}** "
    said += f"{answer.capitalize()}. {statement}" if answer != "open" else f"Open. {_why_open(row)}"
    said += f" {_estimate(row)} {_rates(row)}"
    if answer == "open":
        said += f" {_settle(row)}"
    planted = str(row.value("planted"))
    return f"{said} {planted}".rstrip() if planted and planted != "<NA>" else said.rstrip()


def _why_open(row: PublicTable) -> str:
    rule = str(row.value("answer"))
    if rule == "open":
        return "The interval holds values on both sides of the decision."
    if pd.isna(row.value("stability")):
        return f"This run's data say {rule}, but how often that is wrong has not been measured."
    said = (
        f"This run's data say {rule}, but in synthetic states of one truth that answer is wrong or"
        " changes too often to be printed"
    )
    return (
        f"{said}; as far as those that give it can tell, it is true in"
        f" {words.percent(row.value('right'), 0)} of them."
    )


def _estimate(row: PublicTable) -> str:
    value, low, high = (row.value(c) for c in ("estimate", "low", "high"))
    if pd.isna(value):
        return "This run has too few hospitals to estimate it."
    told = f"Estimate {words.number(value, 3)}"
    told += f" (95% interval {words.number(low, 3)} to {words.number(high, 3)})"
    ends = row.value("leave_out_low"), row.value("leave_out_high")
    if not pd.isna(ends[0]):
        told += (
            f"; leaving out any one hospital, {words.number(ends[0], 3)} to"
            f" {words.number(ends[1], 3)}"
        )
    chance = row.value("chance_low"), row.value("chance_high")
    if not pd.isna(chance[0]):
        told += (
            f"; where hospitals are only labels, {words.number(chance[0], 3)} to"
            f" {words.number(chance[1], 3)}"
        )
    return f"{told}."


def _rates(row: PublicTable) -> str:
    if pd.isna(row.value("false_rate")):
        return "Its error rates have not been measured (`make verdicts`)."
    return (
        f"Over {words.count(row.value('states'))} synthetic states of"
        f" {words.count(row.value('state_benes'))} people with the effect and as many without, the"
        f" rule is wrong in {words.percent(row.value('false_rate'), 0)} and finds the effect in"
        f" {words.percent(row.value('power'), 0)}; states of one truth agree in"
        f" {words.percent(row.value('stability'), 0)}."
    )


def _settle(row: PublicTable) -> str:
    if str(row.value("answer")) != "open":
        return (
            "How many people would settle it is not known: its rates are those of states of"
            f" {words.count(row.value('state_benes'))} people alone."
        )
    needed = row.value("people_needed")
    if pd.isna(needed):
        return "No number of people would settle it if this run's estimate is the truth."
    return (
        f"If this run's estimate is the truth, about {words.count(needed)} people would settle it."
    )


@words.of_rows
def planted_note(state: PublicTable) -> str:
    """Say on synthetic data what its results can and cannot show (rule R9); "" for other data."""
    said = state.head(1).value("planted")
    return "" if words.is_hidden(said) else str(said)


@words.of_rows
def completeness(state: PublicTable) -> str:
    """Say how complete the claims of both years are (rule T3)."""
    row = state.head(1)
    said = f"{row.value('base_words')} {row.value('performance_words')}"
    if bool(row.value("unequal_run_out")):
        said += " **The two years stand on unequal run-outs: growth between them is not settled.**"
    return said


# ---------------------------------------------------------------- slide 18


def extremes(hospitals: PublicTable, left_out: tuple[str, ...] = ("210045", "STATE")) -> str:
    """Say the largest increase and decrease by each method (rule R4), McCready left out.

    Only hospitals with at least LARGE people are named; a small one moves most by chance.
    """
    frame = large(hospitals).frame.dropna(subset=["difference"])
    frame = frame[~frame["ccn"].isin(left_out) & (frame["variant"] != NONE)]
    parts = []
    for method, of in frame.groupby("method", sort=False):
        ordered = of.sort_values(["difference", "ccn"])
        least, most = ordered.iloc[0], ordered.iloc[-1]
        parts.append(
            f"{str(method).lower()}: {words.points(least['difference'], 2)}"
            f" ({least['hospital']}) to {words.points(most['difference'], 2)} ({most['hospital']})"
        )
    if not parts:
        return "No hospital may be shown in both years."
    return (
        f"Among hospitals with {LARGE} people or more, adjusting changes growth by:"
        f" {'; '.join(parts)}."
    )


def large(hospitals: PublicTable) -> PublicTable:
    """Return the hospitals of so many people that a title may name them and a figure draw them."""
    return hospitals.keep(lambda frame: frame["benes"].fillna(0) >= LARGE)


def of_large(parts: PublicTable, hospitals: PublicTable) -> PublicTable:
    """Return the rows of hospitals that are large in another table."""
    named = set(large(hospitals).frame["ccn"]) - {"STATE"}
    return parts.keep(lambda frame: frame["ccn"].isin(named))


def parts_of_large(parts: PublicTable, hospitals: PublicTable) -> PublicTable:
    """Return the parts of growth of large hospitals, without the row of all together."""
    return of_large(parts, hospitals).keep(lambda frame: frame["part"] != "all")


@words.of_rows
def slide_check(checked: PublicTable) -> str:
    """Say how many of slide 18's figures follow from its own dollars (rule R5)."""
    frame = checked.frame
    off = frame[~frame["agrees"].astype(bool)]
    said = (
        f"Recomputed from the slide's own dollars, {len(frame) - len(off)} of its {len(frame)}"
        " figures come out to the printed digit."
    )
    for row in off.itertuples():
        explained = (
            "rounding of the dollars explains it"
            if bool(row.within_rounding)
            else "rounding of the dollars does not explain it"
        )
        quantity = str(row.quantity).replace("_", " ").replace(" points", " in points")
        said += (
            f" For the {str(row.method).replace('_', ' ')} method, the {quantity} is printed as"
            f" {words.plain_number(row.printed, 2)} and recomputes to"
            f" {words.plain_number(row.recomputed, 2)}: {explained}."
        )
    return said


# ---------------------------------------------------------------- hospitals


@words.of_rows
def growth_title(flags: PublicTable) -> str:
    """Compare the typical error of growth with the typical error that adjusting has itself."""
    row = flags.where(variant="new_enrollee")
    return (
        "A hospital's growth has a sampling error of"
        f" {_plain_points(row.value('growth_error'))}; the adjustment itself has one of"
        f" {_plain_points(row.value('error'))}"
    )


@words.of_rows
def flags_title(flags: PublicTable) -> str:
    """Say how many hospitals are beyond their sampling error, beside what chance gives."""
    parts = [f"{r['differing']:.0f} ({r['method'].lower()})" for r in _records(flags.frame)]
    chance = words.plain_number(flags.frame["by_chance"].max(), 1)
    return (
        f"Adjustments beyond their sampling error: {words.listing(parts)}; chance alone gives"
        f" about {chance}"
    )


def _plain_points(value: Any) -> str:
    if words.is_hidden(value):
        return words.HIDDEN
    return f"{words.number(100 * float(value), 1)}{words.SPACE}points"


@words.of_rows
def moved(parts: PublicTable) -> str:
    """Say which kind of move makes most of a typical hospital's growth (rule R7)."""
    frame = parts.frame.dropna(subset=["size"]).sort_values("size", ascending=False)
    if frame.empty:
        return "Who moved may not be shown."
    told = [f"{MOVES[row['part']]} {_plain_points(row['size'])}" for row in _records(frame)]
    return (
        "In the median hospital, growth by each kind of move, without its sign:"
        f" {words.listing(told)}."
    )


@words.of_rows
def moved_title(parts: PublicTable) -> str:
    """Say how much of a hospital's growth comes from panels that moved, beside who stayed."""
    moved_part, stayed = (
        parts.value("size", part="relinked"),
        parts.value("size", part="stayers"),
    )
    return (
        f"Panels that move between hospitals make {_plain_points(moved_part)} of the median"
        f" hospital's growth, people who stay {_plain_points(stayed)}"
    )


@words.of_rows
def panels(options: PublicTable) -> str:
    """Say what each other link of panels would do; numbers alone, no conclusion (rules R7, R8)."""
    own = options.where(option=OWN)
    others = options.keep(lambda frame: frame["option"] != OWN).frame
    said = (
        f"In this run panels that move make {_plain_points(own.value('relinked'))} of the median"
        f" hospital's growth, whose sampling error is {_plain_points(own.value('error'))}."
    )
    far, least = others.dropna(subset=["moved"]), others.dropna(subset=["error"])
    if far.empty or least.empty:
        return said
    most = _records(far.nlargest(1, "moved"))[0]
    best = _records(least.nsmallest(1, "error"))[0]
    return (
        f"{said} Of the {len(others)} other links in the table, {most['option']} would put the"
        f" most people, {words.count(most['moved'])}, at another hospital, and {best['option']}"
        f" would leave the smallest error, {_plain_points(best['error'])}."
    )


@words.of_rows
def parts_title(parts: PublicTable) -> str:
    """Say which characteristic moves the state's base most under the new enrollee score."""
    frame = parts.where(ccn="STATE", variant=NEW_ENROLLEE).frame.dropna(subset=["dollars"])
    if frame.empty:
        return "What changed in each hospital's mix"
    top = frame.sort_values("dollars", key=abs, ascending=False, kind="stable").iloc[0]
    return (
        f"Statewide, the largest part of the new enrollee adjustment is {top['part']}:"
        f" {words.dollars(top['dollars'])} per capita"
    )


# ---------------------------------------------------------------- evidence


@words.of_rows
def statistic_title(table: PublicTable, statistic: str) -> str:
    """Say in how many pairs of years a statistic's interval leaves out zero, for the score."""
    frame = table.where(statistic=statistic, variant="new_enrollee").frame.dropna(subset=["low"])
    beyond = int(((frame["low"] > 0) | (frame["high"] < 0)).sum())
    name = str(frame["what"].iloc[0]).lower() if len(frame) else statistic
    return (
        f"In {beyond} of {len(frame)} pairs of years the {name} differs from zero beyond its"
        " interval"
    )


@words.of_rows
def fit_title(fit: PublicTable) -> str:
    """Say how much of the variance of cost the methods explain for unseen people."""
    frame = fit.frame.dropna(subset=["r2"])
    if frame.empty:
        return "How well each model predicts cost of people it has not seen"
    top = frame.sort_values("r2", ascending=False, kind="stable").iloc[0]
    return (
        f"The {top['model']} explains {words.percent(top['r2'], 0)} of what people it has not"
        " seen cost, more than any other model"
    )


@words.of_rows
def bucket_title(buckets: PublicTable) -> str:
    """Say how far the relative cost of buckets moves between the two years."""
    years = sorted(buckets.frame["year"].unique())
    wide = buckets.frame.pivot_table("relative", "bucket", "year").dropna()
    if wide.empty or len(years) < 2:
        return "Relative cost of the demographic buckets"
    up = int((wide[years[-1]] > wide[years[0]]).sum())
    return (
        f"{up} of {len(wide)} shown buckets cost relatively more in {years[-1]} than in {years[0]}"
    )


@words.of_rows
def sensitivity(table: PublicTable) -> str:
    """Say which case moves a hospital most (rules R6, R10)."""
    frame = table.frame.dropna(subset=["largest_move"])
    moved_most = frame[frame["largest_move"] > 0]
    if moved_most.empty:
        return "No case moves any hospital's adjustment."
    row = moved_most.sort_values("median_move", ascending=False, kind="stable").iloc[0]
    return (
        f"The choice that moves the median hospital most is “{row['case']}” under"
        f" {str(row['method']).lower()}: by {_plain_points(row['median_move'])}. A single hospital"
        f" moves by up to {_plain_points(row['largest_move'])}."
    )


@words.of_rows
def coverage(table: PublicTable) -> str:
    """Say how often intervals hold what is planted, and what is marked where nothing is (R6)."""
    frame = table.frame
    held, marked = (frame[frame["of"] == of] for of in (HELD, MARKED))
    told = []
    if len(held):
        told.append(
            "In synthetic states where the truth is known, 95% intervals hold a hospital's growth"
            f" in {_ends(held, 'growth')} of cases, its factor in {_ends(held, 'factor')} and its"
            f" MPA result in {_ends(held, 'mpa_result')}; exact ones would hold"
            f" {words.percent(held['nominal'].iloc[0], 1)}, since that truth is itself a mean over"
            " states."
        )
    if len(marked):
        told.append(
            f"Where hospitals are only labels, {_ends(marked, 'difference')} of adjustments are"
            " marked as beyond their sampling error; 5% is nominal."
        )
    return " ".join(told)


def _ends(frame: pd.DataFrame, statistic: str) -> str:
    """Write the least and the largest share of a statistic over methods."""
    shares = frame[frame["measure"].str.startswith(f"{statistic}:")]["share"]
    if shares.empty:
        return "an unknown share"
    low, high = (words.percent(v, 1) for v in (shares.min(), shares.max()))
    return low if low == high else f"{low} to {high}"
