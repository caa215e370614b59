"""Several published editions together: what one hides and another tells (rules D2 and D5).

Numbers of two editions that are the same exactly are one number: who has both knows both. Others
stay two numbers; that they are close to each other tells nothing that rounding does not cover. A
number that an edition withholds is one of its own: nothing there says that it is another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from tcoc.disclosure.attacker import bounds, propagated
from tcoc.disclosure.network import spoken
from tcoc.disclosure.record import NOISE, Record, Relations
from tcoc.disclosure.rounding import significant

_NAME = ["universe", "column", "key"]
TOGETHER = "can be worked out from both editions"
FEW = "the two editions differ by a small count that can be told"

_SPAN = 2.0
"""A difference of two shown counts is told where fewer than three whole numbers are left for it."""


def joint(records: Sequence[Record]) -> tuple[Record, list[np.ndarray]]:
    """Return editions as one, and which of its numbers each one's are; the first's keep places.

    `before` says of each number whether the editions after the first hide it: 1, 0, or NaN
    """
    if len(records) == 1:
        numbers = records[0].numbers.assign(before=np.nan)
        return Record(numbers, records[0].relations), [np.arange(len(numbers))]
    every = pd.concat([record.numbers for record in records], ignore_index=True)
    sizes = [len(record.numbers) for record in records]
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
    later = every["hidden"][edition > 0]
    numbers["before"] = later.groupby(number[later.index]).all().astype(float)
    # what must stay uncertain is what those editions wish that hide it as all do
    own = every[every["hidden"].to_numpy() == numbers["hidden"].to_numpy()[number]]
    wishes = own.groupby(number[own.index]).agg({"low": "min", "high": "max", "width": "max"})
    numbers[list(wishes)] = wishes
    number_of = np.split(number, np.cumsum(sizes)[:-1])
    parts = [record.relations for record in records]
    matrices = [
        csr_array(
            (p.matrix.data, own[p.matrix.indices], p.matrix.indptr), (len(p.lower), len(numbers))
        )
        for p, own in zip(parts, number_of, strict=True)
    ]
    # owners are cells of the first edition alone: those of others are no longer ours to hide
    owners = [parts[0].owner, *(np.full(len(p.lower), -1) for p in parts[1:])]
    lower, upper = (np.concatenate([getattr(p, s) for p in parts]) for s in ("lower", "upper"))
    relations = Relations(vstack(matrices, format="csr"), lower, upper, np.concatenate(owners))
    return Record(numbers, relations.distinct()), number_of


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
    known, number_of = joint(records)
    exact, (low, high) = known["exact"], propagated(known)
    narrowed = bounds(known, (low, high), (exact.copy(), exact.copy()), integer=integer)
    found = [(number, TOGETHER) for number in np.flatnonzero(known.missed(*narrowed))]
    now = records[0].numbers.assign(a=number_of[0])
    now = now[now["kind"] == "count"]
    for earlier, number in zip(records[1:], number_of[1:], strict=True):
        pair = now.merge(earlier.numbers[_NAME].assign(b=number), on=_NAME)
        a, b = pair["a"].to_numpy(), pair["b"].to_numpy()
        change = np.abs(exact[a] - exact[b])
        span = (high[a] - low[b]) - (low[a] - high[b])
        few = (change > NOISE) & (change < 11) & (span < _SPAN)
        found += [(number, FEW) for number in a[few]]
    names = known.numbers[_NAME].astype(object).to_numpy()
    return [
        Difference(universe, column, spoken(key), kind)
        for number, kind in found
        for universe, column, key in [names[number]]
    ]
