"""Several published editions together: what one hides and another tells (rules D2 and D5).

An edition's record holds every number behind its tables with its public bounds, and all relations.
Numbers of two editions that are the same exactly are one number: who has both knows both. Others
stay two numbers; that they are close to each other tells nothing that rounding does not cover.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tcoc.disclosure.attacker import Group, Knowledge, Wish, bounds, groups_of, propagated
from tcoc.disclosure.files import DICTIONARY, MARK
from tcoc.disclosure.network import FAR, Relations
from tcoc.disclosure.rounding import Flags, Numbers, significant
from tcoc.errors import InputError

NUMBERS, RELATIONS = "gate_numbers", "gate_relations"
_NAME = ["universe", "column", "key"]
SHOWN_BEFORE = "hidden now, shown in the earlier edition"
HIDDEN_BEFORE = "shown now, hidden in the earlier edition"
TOGETHER = "can be worked out from both editions"
FEW = "the two editions differ by a small count that can be told"


_SPAN = 2.0
"""A difference of two shown counts is told where fewer than three whole numbers are left for it."""


@dataclass(frozen=True)
class Record:
    """One edition: `numbers` (universe, column, key, kind, whole, exact, lower, upper, hidden, and
    how uncertain each must stay: low, high, width) and the relations between them."""

    numbers: pd.DataFrame
    relations: Relations

    def write(self, folder: Path) -> None:
        """Write the record as two restricted tables."""
        relation = self.relations
        entries = pd.DataFrame(
            {"row": relation.row, "number": relation.variable, "sign": relation.sign}
        )
        entries["lower"], entries["upper"] = (
            relation.lower[relation.row],
            relation.upper[relation.row],
        )
        self.numbers.to_parquet(folder / f"{NUMBERS}.parquet", index=False)
        entries.to_parquet(folder / f"{RELATIONS}.parquet", index=False)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read a record; InputError where a folder has none."""
        file = folder / f"{NUMBERS}.parquet"
        if not file.is_file():
            raise InputError(f"{file.name}: the run has no record of its numbers; run it again")
        entries = pd.read_parquet(folder / f"{RELATIONS}.parquet")
        row, first = np.unique(entries["row"].to_numpy(), return_index=True)
        place = np.searchsorted(row, entries["row"].to_numpy())
        lower, upper = (entries[side].to_numpy(np.float64)[first] for side in ("lower", "upper"))
        relations = Relations(
            place, entries["number"].to_numpy(), entries["sign"].to_numpy(np.float64),
            lower, upper, np.full(len(row), -1),
        )  # fmt: skip
        return cls(pd.read_parquet(file), relations)


@dataclass(frozen=True)
class Joint:
    """All editions as one: what is known, what must stay uncertain, and which number is whose."""

    known: Knowledge
    wish: Wish
    exact: Numbers
    number_of: Sequence[np.ndarray]
    names: pd.DataFrame
    records: Sequence[Record]
    new: Flags
    """Which relations the first edition alone says."""


def joint(records: Sequence[Record]) -> Joint:
    """Return editions as one; the numbers of the first keep their places."""
    every = pd.concat([record.numbers for record in records], ignore_index=True)
    exact = every["exact"].to_numpy(np.float64)
    edition = np.repeat(np.arange(len(records)), [len(r.numbers) for r in records])
    named = every[_NAME].assign(exact=significant(exact, 8))
    # two numbers of one edition stay two, however near they are
    twin = named.assign(edition=edition).groupby([*_NAME, "exact", "edition"]).cumcount()
    keys = [*_NAME, "exact", "twin"]
    number = named.assign(twin=twin).groupby(keys, sort=False).ngroup().to_numpy()
    size = int(number.max(initial=-1)) + 1
    first = np.unique(number, return_index=True)[1]
    lower, upper = np.full(size, -FAR), np.full(size, FAR)
    np.maximum.at(lower, number, every["lower"].to_numpy(np.float64))
    np.minimum.at(upper, number, every["upper"].to_numpy(np.float64))
    hidden = np.ones(size, dtype=bool)
    np.logical_and.at(hidden, number, every["hidden"].to_numpy(bool))
    low, high, width = np.full(size, np.inf), np.full(size, -np.inf), np.zeros(size)
    own = hidden[number] == every["hidden"].to_numpy(bool)
    for found, name, take in ((low, "low", np.minimum), (high, "high", np.maximum),
                              (width, "width", np.maximum)):  # fmt: skip
        take.at(found, number[own], every[name].to_numpy(np.float64)[own])
    cuts = np.cumsum([len(record.numbers) for record in records])[:-1]
    number_of = np.split(number, cuts)
    relations, new = _together([record.relations for record in records], number_of)
    whole = every["whole"].to_numpy(bool)[first]
    known = Knowledge(lower, upper, whole, relations)
    return Joint(known, Wish(low, high, width), exact[first], number_of, every.iloc[first], records,
                 new)  # fmt: skip


def _together(
    parts: Sequence[Relations], number_of: Sequence[np.ndarray]
) -> tuple[Relations, Flags]:
    """Return the relations of all editions, each once, and which of them the first alone says.

    Editions share most of theirs. Two are one where two random sums over their numbers agree.
    """
    lengths = [len(part.lower) for part in parts]
    starts = np.cumsum([0, *lengths])
    every = Relations(
        np.concatenate([p.row + s for p, s in zip(parts, starts[:-1], strict=True)]),
        np.concatenate([n[p.variable] for p, n in zip(parts, number_of, strict=True)]),
        np.concatenate([p.sign for p in parts]),
        np.concatenate([p.lower for p in parts]),
        np.concatenate([p.upper for p in parts]),
        # owners are cells of the first edition alone: those of others are no longer ours to hide
        np.concatenate([parts[0].owner, *(np.full(len(p.lower), -1) for p in parts[1:])]),
    )
    height = len(every.lower)
    chance = np.random.default_rng(height).random((2, int(every.variable.max(initial=-1)) + 1))
    sums = [
        np.bincount(every.row, every.sign * c[every.variable], height).astype(np.float64)
        for c in chance
    ]
    told = pd.DataFrame({"a": significant(sums[0], 10), "b": significant(sums[1], 10),
                         "lower": every.lower, "upper": every.upper})  # fmt: skip
    number = told.groupby(list(told.columns), sort=False).ngroup().to_numpy()
    last = np.zeros(int(number.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(last, number, np.repeat(np.arange(len(parts)), lengths))
    first = ~pd.Series(number).duplicated().to_numpy()
    kept = first & ((every.lower > -FAR) | (every.upper < FAR))
    return every.kept(kept), last[number[kept]] == 0


def news(both: Joint, before: Joint, groups: Sequence[Group]) -> list[Group]:
    """Return the groups of which the first edition says anything that its earlier ones do not.

    The others were attacked when the last of those was released.
    """
    place = np.full(len(both.exact), -1)
    for now, then in zip(both.number_of[1:], before.number_of, strict=True):
        place[now] = then
    moved = place < 0
    sides = [(j.known.lower, j.known.upper, j.wish.low, j.wish.high, j.wish.width)
             for j in (both, before)]  # fmt: skip
    for now, then in zip(*sides, strict=True):
        moved |= now != then[place]
    return [g for g in groups if moved[g.members].any() or both.new[g.rows].any()]


@dataclass(frozen=True)
class Difference:
    """A cell about which two editions together may say more than each alone."""

    table: str
    column: str
    cell: str
    kind: str

    def __str__(self) -> str:
        return f"{self.table}: {self.column} of {self.cell}: {self.kind}"


def disclosed(records: Sequence[Record], *, integer: bool = False) -> list[Difference]:
    """Attack editions together: hidden counts that can be bounded too closely, exact counts that
    can be recovered, and small differences of one count between two editions."""
    if not records:
        return []
    both = joint(records)
    groups = groups_of(both.known.relations, len(both.exact))
    ends = bounds(both.known, both.wish, both.exact, groups, integer=integer)
    missed = np.flatnonzero(both.wish.missed(*both.known.inward(*ends)))
    return [
        *(_difference(both.names, n, TOGETHER) for n in missed.tolist()),
        *_small_changes(records, both),
    ]


def _difference(names: pd.DataFrame, number: int, kind: str) -> Difference:
    found = names.iloc[number]
    where = str(found["key"]).strip("|").replace("|", ", ").replace("=", " ") or "the total"
    return Difference(str(found["universe"]), str(found["column"]), where, kind)


def _small_changes(records: Sequence[Record], both: Joint) -> list[Difference]:
    """Find counts of two editions that differ by a few people, and by how few can be seen."""
    low, high = propagated(both.known)
    found = []
    now = records[0].numbers[_NAME].assign(a=both.number_of[0])
    counts = (records[0].numbers["kind"] == "count").to_numpy()
    for earlier, number in zip(records[1:], both.number_of[1:], strict=True):
        pair = now[counts].merge(earlier.numbers[_NAME].assign(b=number), on=_NAME)
        a, b = pair["a"].to_numpy(), pair["b"].to_numpy()
        change = np.abs(both.exact[a] - both.exact[b])
        span = (high[a] - low[b]) - (low[a] - high[b])
        few = (change > 1e-6) & (change < 11) & (span < _SPAN)
        found += [_difference(both.names, int(n), FEW) for n in a[few]]
    return found


# ---------------------------------------------------------------- two folders of published tables


def difference_check_folders(new: Path, old: Path) -> list[Difference]:
    """Compare the cells of two tables/ folders; InputError for one without its dictionary."""
    now, before = _marks(new), _marks(old)
    return [
        Difference(*cell, SHOWN_BEFORE if now[cell] else HIDDEN_BEFORE)
        for cell in sorted(now.keys() & before.keys())
        if now[cell] != before[cell]
    ]


def _marks(folder: Path) -> dict[tuple[str, str, str], bool]:
    """Return for each count cell of published tables whether it is hidden."""
    file = folder / DICTIONARY
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    cells: dict[tuple[str, str, str], bool] = {}
    for name, facts in json.loads(file.read_text(encoding="utf-8")).items():
        frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        labels = [frame[key].tolist() for key in facts["keys"]]
        words = [
            ", ".join(f"{k} {label}" for k, label in zip(facts["keys"], row, strict=True))
            for row in (zip(*labels, strict=True) if labels else [()] * len(frame))
        ]
        for column, entry in facts["columns"].items():
            if entry["kind"] == "count":
                texts = zip(words, frame[column], strict=True)
                cells |= {(name, column, w): text == MARK for w, text in texts if text}
    return cells
