"""The words of the laboratory's report, from public tables alone."""

from typing import Any

import pandas as pd

from tcoc.disclosure import PublicTable
from tcoc.report import words

ADOPTED = "adopted"


def with_effect(scores: PublicTable) -> PublicTable:
    """Return the scores of worlds in which hospitals have an effect, so that dollars are earned."""
    return scores.keep(lambda rows: rows["luck"].notna())


def headline(tables: Any) -> str:
    """Say how much of the adopted design's money would be luck, and of the best design's.

    `tables` is anything with `table(name)`: the release, or a mapping's reader.
    """
    return f"{adopted(tables.table('lab_scores'))} {preferred(tables.table('lab_best'))}"


def answer(tables: Any) -> str:
    """Say what the adopted design pays for, which design to prefer, and what that changes."""
    scores, best = tables.table("lab_scores"), tables.table("lab_best")
    return f"{adopted(scores)} {decides(best, scores, 'luck')} {stakes(best, scores)}"


@words.of_rows
def preferred(best: PublicTable) -> str:
    """Say which design moves the fewest dollars to the wrong place, where all worlds agree."""
    frame = best.where(metric="luck").frame
    if frame["policy"].nunique() != 1:
        return "Which design misses least depends on the world."
    return (
        f"The design that misses least in each of {len(frame)} worlds,"
        f" {str(frame['design'].iloc[0]).lower()}, moves {_range(frame['value'], 'luck')}."
    )


@words.of_rows
def adopted(scores: PublicTable) -> str:
    """Say what the adopted design pays for: dollars that miss per dollar that is earned."""
    frame = scores.where(policy=ADOPTED).frame
    return (
        "For each dollar that true performance would earn or lose, the design adopted for rate year"
        f" 2020 moves {_range(frame['luck'], 'luck')} dollars to the wrong place, depending on the"
        " world."
    )


@words.of_rows
def decides(best: PublicTable, scores: PublicTable, metric: str) -> str:
    """Say which design to prefer by a measure in each world, and whether worlds agree (rule R9)."""
    frame = best.where(metric=metric).frame
    if frame.empty:
        return "No design has been scored."
    measure, worlds = str(frame["measure"].iloc[0]).lower(), len(frame)
    if frame["policy"].nunique() == 1:
        mine = scores.where(policy=ADOPTED).frame
        return (
            f"By {measure}, prefer {str(frame['design'].iloc[0]).lower()}: it is best in each of"
            f" {worlds} worlds, so no single world decides it"
            f" ({_range(frame['value'], metric)}; as adopted {_range(mine[metric], metric)})."
            f" {_how_clear(frame)}"
        )
    parts = [
        f"{row['design'].lower()} in \u201c{row['world']}\u201d"
        f"{'' if bool(row['clear']) else ' (the next is within chance)'}"
        for row in frame.to_dict("records")
    ]
    return f"By {measure}, prefer {words.listing(parts)}; no single world decides it."


def _how_clear(frame: pd.DataFrame) -> str:
    """Say in how many worlds the next design is told from the best, and which it is elsewhere."""
    close = frame[~frame["clear"].astype(bool)]
    if close.empty:
        return "In every world the next design is behind by more than Monte Carlo error."
    rivals = list(dict.fromkeys(str(name).lower() for name in close["next_design"]))
    return (
        f"In {len(close)} of {len(frame)} worlds the next design, {' or '.join(rivals)}, is within"
        " Monte Carlo error of it."
    )


def _range(values: "pd.Series[float]", metric: str) -> str:
    """Write the least and the largest of a measure over worlds, as the measure is written."""

    def write(value: float) -> str:
        if metric == "luck":
            return words.plain_number(value, 1)
        return words.percent(value, 2 if metric in ("error", "at_stake") else 0)

    known = values.dropna()
    if known.empty:
        return words.HIDDEN
    low, high = write(known.min()), write(known.max())
    return low if low == high else f"{low} to {high}"


@words.of_rows
def stakes(best: PublicTable, scores: PublicTable) -> str:
    """Say how much money the designs that miss least move, beside the adopted design (rule R9)."""
    chosen = best.where(metric="luck").frame[["world", "policy"]]
    if chosen.empty:
        return ""
    moved = chosen.merge(scores.frame, on=["world", "policy"])["at_stake"]
    mine = scores.where(policy=ADOPTED).frame["at_stake"]
    return (
        f"What misses least moves {_range(moved, 'at_stake')} of revenue on average; the adopted"
        f" design moves {_range(mine, 'at_stake')}."
    )


@words.of_rows
def luck_title(scores: PublicTable) -> str:
    """Say which designs do better than paying nothing in every world."""
    frame = scores.frame.dropna(subset=["luck"])
    worst = frame.groupby(["policy", "design"], sort=False)["luck_high"].max().reset_index()
    good = [str(d) for d in worst.loc[worst["luck_high"] < 1, "design"]]
    total = len(worst)
    if not good:
        return f"None of {total} designs beats paying nothing in every world"
    return f"{len(good)} of {total} designs beat paying nothing in every world"


@words.of_rows
def penalty_title(scores: PublicTable) -> str:
    """Compare false penalties of the adopted design with the least of all, over worlds."""
    frame = scores.frame.dropna(subset=["false_penalty"])
    mine = frame[frame["policy"] == ADOPTED]["false_penalty"]
    low, high = words.percent(mine.min(), 0), words.percent(mine.max(), 0)
    return f"The adopted design takes money from {low} to {high} of hospitals that are no worse"


@words.of_rows
def parameter(scores: PublicTable, policy: str) -> str:
    """Say what one change of the adopted design does in each world, beyond Monte Carlo error."""
    both = {p: scores.where(policy=p).frame.set_index("world") for p in (ADOPTED, policy)}
    name = str(scores.where(policy=policy).frame["design"].iloc[0])
    better, worse, same = [], [], []
    for world in both[ADOPTED].index:
        old, new = (both[p].loc[world] for p in (ADOPTED, policy))
        if pd.isna(old["error"]) or pd.isna(new["error"]):
            continue
        if new["error_high"] < old["error_low"]:
            better.append(world)
        elif new["error_low"] > old["error_high"]:
            worse.append(world)
        else:
            same.append(world)
    told = [
        f"{word} in {_worlds(where, len(better) + len(worse) + len(same))}"
        for word, where in (("nearer", better), ("farther", worse), ("no different", same))
        if where
    ]
    return f"{name}: payments are {words.listing(told)}."


def _worlds(where: list[str], of: int) -> str:
    if len(where) == of:
        return "every world"
    return words.listing([f"\u201c{world}\u201d" for world in where])


@words.of_rows
def sizes_title(sizes: PublicTable) -> str:
    """Compare small and large hospitals under the adopted design."""
    frame = sizes.where(policy=ADOPTED).frame.dropna(subset=["luck"])
    if frame.empty:
        return "How near payments come, by size of hospital"
    means = frame.groupby("size", sort=False)["luck"].agg(["min", "max"])
    parts = [
        f"{size} people {words.plain_number(row['min'], 1)} to {words.plain_number(row['max'], 1)}"
        for size, row in means.iterrows()
    ]
    return f"Dollars that miss, per dollar earned, as adopted: {'; '.join(parts)}"


@words.of_rows
def states(worlds: PublicTable) -> str:
    """Say what was scored: worlds, states, people."""
    frame = worlds.frame
    return (
        f"{words.count(frame['states'].max())} states of"
        f" {words.count(frame['state_benes'].max())} people in each of {len(frame)} worlds; the"
        " same people and the same luck in every world and under every design."
    )
