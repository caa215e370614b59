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
    """Say how much of the adopted design's money would be luck, and what the best design changes.

    `tables` is anything with `table(name)`: the release, or a mapping's reader.
    """
    return f"{adopted(tables.table('lab_scores'))} {decides(tables.table('lab_best'), 'luck')}"


def _ends(frame: pd.DataFrame, column: str, digits: int = 1) -> str:
    values = frame[column].dropna()
    if values.empty:
        return words.HIDDEN
    low, high = (words.plain_number(v, digits) for v in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


@words.of_rows
def adopted(scores: PublicTable) -> str:
    """Say what the adopted design pays for: dollars that miss per dollar that is earned."""
    frame = scores.where(policy=ADOPTED).frame
    return (
        "For each dollar that true performance would earn or lose, the design adopted for rate year"
        f" 2020 moves {_ends(frame, 'luck')} dollars to the wrong place, depending on the world."
    )


@words.of_rows
def decides(best: PublicTable, metric: str) -> str:
    """Say which design is best by a measure in each world, and whether worlds agree (rule R9)."""
    frame = best.where(metric=metric).frame
    if frame.empty:
        return "No design has been scored."
    measure = str(frame["measure"].iloc[0]).lower()
    if frame["policy"].nunique() == 1:
        clear = int(frame["clear"].astype(bool).sum())
        return (
            f"By {measure}, {str(frame['design'].iloc[0]).lower()} is best in every world; in"
            f" {clear} of {len(frame)} it is so beyond Monte Carlo error."
        )
    parts = [
        f"{row['design'].lower()} in {row['world'].replace('_', ' ')}"
        f"{'' if bool(row['clear']) else ' (the next is within chance)'}"
        for row in frame.to_dict("records")
    ]
    return f"Best by {measure}: {words.listing(parts)}; no single world decides it."


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
        f"{word} in {words.listing([w.replace('_', ' ') for w in where])}"
        for word, where in (("nearer", better), ("farther", worse), ("no different", same))
        if where
    ]
    return f"{name}: payments are {words.listing(told)}."


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
