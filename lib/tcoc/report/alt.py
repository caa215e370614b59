"""Text alternatives made from the data that a figure draws: type, size, ends, what is hidden."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tcoc.disclosure import Column, PublicTable
from tcoc.report import formats, words

_ALL = 6
"""Up to so many rows every value is said; beyond, the ends."""


def ranked(
    kind: str,
    table: PublicTable,
    names: Sequence[str],
    column: Column,
    values: Any,
    interval: bool = False,
) -> str:
    """Say the rows with their values, or the highest and lowest of many."""
    shown = [i for i in range(len(names)) if not np.isnan(values[i])]
    start = f"{kind} of {_low(column.label)}, {words.plural(len(names), 'row')}"
    start += ", with intervals." if interval else "."
    if not shown:
        return f"{start} Every value is hidden."
    if len(names) <= _ALL:
        said = [f"{names[i]} {formats.write(column, values[i])}" for i in range(len(names))]
        return f"{start} {'; '.join(said)}."
    top, bottom = (max(shown, key=lambda i: values[i]), min(shown, key=lambda i: values[i]))
    ends = (
        f"Highest: {names[top]}, {formats.write(column, values[top])};"
        f" lowest: {names[bottom]}, {formats.write(column, values[bottom])}."
    )
    return f"{start} {ends}{_hidden(len(names) - len(shown))}"


def changes(
    table: PublicTable, names: Sequence[str], columns: tuple[Column, Column], values: Any
) -> str:
    """Say how many rows rise and fall between two columns, and which moves most."""
    before, after = values
    shown = [i for i in range(len(names)) if not np.isnan(before[i] + after[i])]
    first, last = (_low(column.label) for column in columns)
    start = f"Slope chart from {first} to {last}, {words.plural(len(names), 'row')}."
    if not shown:
        return f"{start} Every value is hidden."
    up = sum(after[i] > before[i] for i in shown)
    down = sum(after[i] < before[i] for i in shown)
    most = max(shown, key=lambda i: abs(after[i] - before[i]))
    return (
        f"{start} {up} rise and {down} fall. Largest move: {names[most]}, from"
        f" {formats.write(columns[0], before[most])} to {formats.write(columns[1], after[most])}."
        f"{_hidden(len(names) - len(shown))}"
    )


def parts(
    rows: Sequence[str], names: Sequence[str], column: Column, cells: Any, hidden: Any
) -> str:
    """Say the parts of the first and the last row, or of all where there are few."""
    many = f"{words.plural(len(rows), 'row')} of {words.plural(len(names), 'part')}"
    start = f"Stacked bars of {_low(column.label)}, {many}."
    chosen = range(len(rows)) if len(rows) <= 3 else (0, len(rows) - 1)
    said = [
        f"{rows[row]}: "
        + ", ".join(
            f"{name} {words.HIDDEN if hidden[row, at] else formats.write(column, cells[row, at])}"
            for at, name in enumerate(names)
        )
        for row in chosen
    ]
    return f"{start} {'. '.join(said)}.{_hidden(int(hidden.sum()))}"


def steps(names: Sequence[str], column: Column, values: Any, standing: Sequence[bool]) -> str:
    """Say each step of a waterfall in order."""
    said = [
        f"{name} {formats.write(column, value)}" for name, value in zip(names, values, strict=True)
    ]
    many = words.plural(len(names), "step")
    return f"Waterfall of {_low(column.label)} in {many}: {'; '.join(said)}."


def series(
    kind: str, names: Sequence[str], scale: Sequence[str], column: Column, values: Any
) -> str:
    """Say where each line starts and ends."""
    start = f"{kind} of {_low(column.label)} from {scale[0]} to {scale[-1]}."
    said = []
    for name, line in zip(names, values, strict=True):
        shown = np.flatnonzero(~np.isnan(line))
        if not len(shown):
            said.append(f"{name}: hidden")
            continue
        first, last = int(shown[0]), int(shown[-1])
        said.append(
            f"{name}: {formats.write(column, line[first])} in {scale[first]},"
            f" {formats.write(column, line[last])} in {scale[last]}"
        )
    return f"{start} {'; '.join(said)}."


def facets(
    heads: Sequence[str], column: Column, values: Sequence[Any], scale: Sequence[str]
) -> str:
    """Say the range over all panels of small multiples."""
    everything = np.concatenate([np.asarray(v).ravel() for v in values])
    shown = everything[~np.isnan(everything)]
    start = (
        f"Small line charts of {_low(column.label)} for {words.plural(len(heads), 'panel')}"
        f" from {scale[0]} to {scale[-1]}, on one scale."
    )
    if not len(shown):
        return f"{start} Every value is hidden."
    low, high = (formats.write(column, float(v)) for v in (shown.min(), shown.max()))
    return f"{start} Values run from {low} to {high}."


def pairs(table: PublicTable, columns: tuple[Column, Column], points: Any) -> str:
    """Say the ranges of a scatter and how closely its two values go together."""
    xs, ys = points
    shown = ~np.isnan(xs + ys)
    x, y = columns
    many = words.plural(int(shown.sum()), "dot")
    start = f"Scatter of {_low(y.label)} against {_low(x.label)}, {many}."
    if not shown.any():
        return f"{start} Every value is hidden."
    spans = " ".join(
        f"{c.label} from {formats.write(c, float(v[shown].min()))}"
        f" to {formats.write(c, float(v[shown].max()))}."
        for c, v in zip(columns, points, strict=True)
    )
    return f"{start} {spans}{_hidden(int((~shown).sum()))}"


def places(
    heads: Sequence[str], table: PublicTable, column: Column, sizes: Any, zips: Sequence[str]
) -> str:
    """Say which ZIPs of a map are largest."""
    shown = [i for i in range(len(zips)) if not np.isnan(sizes[i])]
    many = f", {words.plural(len(heads), 'map')}" if len(heads) > 1 else ""
    start = f"Map of Maryland with a dot per ZIP by {_low(column.label)}{many}."
    if not shown:
        return f"{start} Every value is hidden."
    top = sorted(shown, key=lambda i: (-sizes[i], zips[i]))[:3]
    said = ", ".join(f"{zips[i]} ({formats.write(column, sizes[i])})" for i in top)
    return f"{start} Largest: {said}.{_hidden(len(zips) - len(shown))}"


def _hidden(number: int) -> str:
    if not number:
        return ""
    return f" {words.plural(number, 'value')} {'is' if number == 1 else 'are'} hidden."


def _low(label: str) -> str:
    """Start a label small inside a sentence, unless it is a name or an abbreviation."""
    first = label.split(" ", maxsplit=1)[0]
    return label if first.isupper() or not first.istitle() else label[0].lower() + label[1:]
