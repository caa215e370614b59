"""Several published editions together: what one hides and another tells (rules D2 and D5).

Numbers of two editions that are the same exactly are one number: who has both knows both. Others
stay two numbers; that they are close to each other tells nothing that rounding does not cover. A
number that an edition withholds is one of its own: nothing there says that it is another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from tcoc.disclosure.attacker import bounds, propagated
from tcoc.disclosure.network import spoken
from tcoc.disclosure.record import FAR, Record, Relations
from tcoc.disclosure.rounding import Flags, Numbers, significant

_NAME = ["universe", "column", "key"]
TOGETHER = "can be worked out from both editions"
FEW = "the two editions differ by a small count that can be told"

_SPAN = 2.0
"""A difference of two shown counts is told where fewer than three whole numbers are left for it."""


class Joint(NamedTuple):
    """Editions as one, which of its numbers each edition's are, and what is new.

    `new` are the relations that the first edition alone says.
    """

    records: Sequence[Record]
    record: Record
    number_of: Sequence[np.ndarray]
    new: Flags

    def earlier(self, *, shown: bool = False) -> Flags:
        """Return which numbers the editions after the first have, or which any of them shows."""
        flags = np.zeros(len(self.record.numbers), dtype=bool)
        for number_of, record in zip(self.number_of[1:], self.records[1:], strict=True):
            flags[number_of[~record["hidden"]] if shown else number_of] = True
        return flags


def joint(records: Sequence[Record]) -> Joint:
    """Return editions as one; the numbers of the first keep their places."""
    if len(records) == 1:
        alone, told = np.arange(len(records[0].numbers)), records[0].relations.lower
        return Joint(records, records[0], [alone], np.ones(len(told), dtype=bool))
    sizes = [len(record.numbers) for record in records]
    every = pd.concat([record.numbers for record in records], ignore_index=True)
    edition = np.repeat(np.arange(len(records)), sizes)
    named = every[_NAME].assign(exact=significant(every["exact"].to_numpy(np.float64), 8))
    named["apart"] = np.where(every["apart"], edition, -1)
    # two numbers of one edition stay two, however near they are
    keys = list(named.columns)
    named["twin"] = named.assign(edition=edition).groupby([*keys, "edition"]).cumcount()
    number = named.groupby([*keys, "twin"], sort=False).ngroup().to_numpy()
    by_number = every.groupby(number)
    numbers = by_number.first()
    numbers["lower"], numbers["upper"] = by_number["lower"].max(), by_number["upper"].min()
    numbers["hidden"] = by_number["hidden"].all()
    # what must stay uncertain is what those editions wish that hide it as all do
    own = every[every["hidden"].to_numpy() == numbers["hidden"].to_numpy()[number]]
    wishes = own.groupby(number[own.index])
    numbers["low"], numbers["high"] = wishes["low"].min(), wishes["high"].max()
    numbers["width"] = wishes["width"].max()
    number_of = np.split(number, np.cumsum(sizes)[:-1])
    relations, new = _together(records, number_of, len(numbers))
    return Joint(records, Record(numbers, relations), number_of, new)


def _together(
    records: Sequence[Record], number_of: Sequence[np.ndarray], size: int
) -> tuple[Relations, Flags]:
    """Return the relations of all editions, each once, and which of them the first alone says."""
    parts = [record.relations for record in records]
    matrices = [
        csr_array((p.matrix.data, own[p.matrix.indices], p.matrix.indptr), (len(p.lower), size))
        for p, own in zip(parts, number_of, strict=True)
    ]
    # owners are cells of the first edition alone: those of others are no longer ours to hide
    owners = [parts[0].owner, *(np.full(len(p.lower), -1) for p in parts[1:])]
    lower, upper = (np.concatenate([getattr(p, s) for p in parts]) for s in ("lower", "upper"))
    every = Relations(vstack(matrices, format="csr"), lower, upper, np.concatenate(owners))
    alike = every.alike()
    edition = pd.Series(np.repeat(np.arange(len(parts)), [len(p.lower) for p in parts]))
    first = ~pd.Series(alike).duplicated().to_numpy() & ((lower > -FAR) | (upper < FAR))
    return every[first], (edition.groupby(alike).transform("max") == 0).to_numpy()[first]


def news(both: Joint, earlier: Sequence[Record]) -> Flags:
    """Return of which numbers the first edition says anything that its earlier ones do not.

    Groups without any were attacked when the last of those was released.
    """
    moved: Flags = np.ones(len(both.record.numbers), dtype=bool)
    if earlier:
        before, place = joint(earlier), np.full(len(moved), -1)
        for now, then in zip(both.number_of[1:], before.number_of, strict=True):
            place[now] = then
        told = ["lower", "upper", "low", "high", "width"]
        one, other = (j.record.numbers[told].to_numpy() for j in (both, before))
        moved = (place < 0) | (one != other[place]).any(axis=1)
        moved[both.record.relations[both.new].matrix.indices] = True
    return moved


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
    known, exact = both.record, both.record["exact"]
    ends = propagated(known)
    narrowed = bounds(known, ends, known.groups, (exact.copy(), exact.copy()), integer=integer)
    found = [(number, TOGETHER) for number in np.flatnonzero(known.missed(*narrowed)).tolist()]
    found += [(number, FEW) for number in _small_changes(both, *ends)]
    names = known.numbers[_NAME].astype(object).to_numpy()
    return [
        Difference(universe, column, spoken(key), kind)
        for number, kind in found
        for universe, column, key in [names[number]]
    ]


def _small_changes(both: Joint, low: Numbers, high: Numbers) -> list[int]:
    """Find counts of two editions that differ by a few people, and by how few can be seen."""
    exact, found = both.record["exact"], list[int]()
    now = both.records[0].numbers.assign(a=both.number_of[0])
    now = now[now["kind"] == "count"]
    for earlier, number in zip(both.records[1:], both.number_of[1:], strict=True):
        pair = now.merge(earlier.numbers[_NAME].assign(b=number), on=_NAME)
        a, b = pair["a"].to_numpy(), pair["b"].to_numpy()
        change = np.abs(exact[a] - exact[b])
        span = (high[a] - low[b]) - (low[a] - high[b])
        found += a[(change > 1e-6) & (change < 11) & (span < _SPAN)].tolist()
    return found
