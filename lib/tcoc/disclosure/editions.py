"""Several published editions together: what one hides and another tells (rules D2 and D5).

An edition's record holds every number behind its tables with its public bounds, and all relations.
Numbers of two editions that are the same exactly are one number: who has both knows both. Others
stay two numbers; that they are close to each other tells nothing that rounding does not cover.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from tcoc.disclosure.attacker import Ends, Group, Knowledge, bounds, groups_of, propagated
from tcoc.disclosure.network import FAR, Relations, spoken
from tcoc.disclosure.rounding import Flags, significant
from tcoc.errors import InputError
from tcoc.identity import digest_of, sha256

NUMBERS, RELATIONS = "gate_numbers", "gate_relations"
_NAME = ["universe", "column", "key"]
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
        told = self.relations.matrix.tocoo()
        entries = pd.DataFrame({"row": told.row, "number": told.col, "sign": told.data})
        entries["lower"] = self.relations.lower[told.row]
        entries["upper"] = self.relations.upper[told.row]
        self.numbers.to_parquet(folder / f"{NUMBERS}.parquet", index=False)
        entries.to_parquet(folder / f"{RELATIONS}.parquet", index=False)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read a record; InputError where a folder has none."""
        file = folder / f"{NUMBERS}.parquet"
        if not file.is_file():
            raise InputError(f"{file.name}: the run has no record of its numbers; run it again")
        numbers = pd.read_parquet(file)
        entries = pd.read_parquet(folder / f"{RELATIONS}.parquet")
        row, first, place = np.unique(entries["row"], return_index=True, return_inverse=True)
        shape = (len(row), len(numbers))
        matrix = csr_array((entries["sign"].to_numpy(), (place, entries["number"])), shape=shape)
        lower, upper = (entries[side].to_numpy(np.float64)[first] for side in ("lower", "upper"))
        return cls(numbers, Relations(matrix, lower, upper, np.full(len(row), -1)))


def record_digest(folder: Path) -> str:
    """Return the digest of a folder's record, empty where it has none."""
    files = [folder / f"{table}.parquet" for table in (NUMBERS, RELATIONS)]
    return digest_of([sha256(file) for file in files]) if all(map(Path.is_file, files)) else ""


@dataclass(frozen=True)
class Joint:
    """All editions as one: `numbers` as in a record, and which of them each edition's are."""

    records: Sequence[Record]
    number_of: Sequence[np.ndarray]
    numbers: pd.DataFrame
    relations: Relations
    new: Flags
    """Which relations the first edition alone says."""

    @cached_property
    def known(self) -> Knowledge:
        """What the attacker holds."""
        return Knowledge.of(self.numbers, self.relations)

    @cached_property
    def groups(self) -> list[Group]:
        """The numbers that share relations."""
        return groups_of(self.relations)

    def worlds(self) -> Ends:
        """What is seen of how far numbers can move before any attack: the true world alone."""
        return self.known.exact.copy(), self.known.exact.copy()

    def earlier(self) -> tuple[Flags, Flags]:
        """Return which numbers earlier editions have, and which any of them shows."""
        has, shows = np.zeros((2, len(self.numbers)), dtype=bool)
        for number_of, record in zip(self.number_of[1:], self.records[1:], strict=True):
            has[number_of] = True
            shows[number_of[~record.numbers["hidden"].to_numpy(bool)]] = True
        return has, shows


def joint(records: Sequence[Record]) -> Joint:
    """Return editions as one; the numbers of the first keep their places."""
    if len(records) == 1:
        numbers, said = records[0].numbers, records[0].relations
        said = said[(said.lower > -FAR) | (said.upper < FAR)]
        return Joint(
            records, [np.arange(len(numbers))], numbers, said, np.ones(len(said.lower), bool)
        )
    sizes = [len(record.numbers) for record in records]
    every = pd.concat([record.numbers for record in records], ignore_index=True)
    named = every[_NAME].assign(exact=significant(every["exact"].to_numpy(np.float64), 8))
    # two numbers of one edition stay two, however near they are
    edition = np.repeat(np.arange(len(records)), sizes)
    twin = named.assign(edition=edition).groupby([*_NAME, "exact", "edition"]).cumcount()
    keys = [*_NAME, "exact", "twin"]
    number = named.assign(twin=twin).groupby(keys, sort=False).ngroup().to_numpy()
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
    return Joint(records, number_of, numbers, *_together(records, number_of, len(numbers)))


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


def news(both: Joint, before: Joint) -> Flags:
    """Return of which numbers the first edition says anything that its earlier ones do not.

    Groups without any were attacked when the last of those was released.
    """
    place = np.full(len(both.numbers), -1)
    for now, then in zip(both.number_of[1:], before.number_of, strict=True):
        place[now] = then
    told = ["lower", "upper", "low", "high", "width"]
    now, then = (j.numbers[told].to_numpy() for j in (both, before))
    moved: Flags = (place < 0) | (now != then[place]).any(axis=1)
    moved[both.relations[both.new].matrix.indices] = True
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
    ends = bounds(both.known, both.groups, both.worlds(), integer=integer)
    missed = np.flatnonzero(both.known.missed(*ends)).tolist()
    found = [(number, TOGETHER) for number in missed]
    found += [(number, FEW) for number in _small_changes(both)]
    names = both.numbers[_NAME].astype(object).to_numpy()
    return [
        Difference(universe, column, spoken(key), kind)
        for number, kind in found
        for universe, column, key in [names[number]]
    ]


def _small_changes(both: Joint) -> list[int]:
    """Find counts of two editions that differ by a few people, and by how few can be seen."""
    low, high = propagated(both.known)
    exact, found = both.known.exact, list[int]()
    now = both.records[0].numbers.assign(a=both.number_of[0])
    now = now[now["kind"] == "count"]
    for earlier, number in zip(both.records[1:], both.number_of[1:], strict=True):
        pair = now.merge(earlier.numbers[_NAME].assign(b=number), on=_NAME)
        a, b = pair["a"].to_numpy(), pair["b"].to_numpy()
        change = np.abs(exact[a] - exact[b])
        span = (high[a] - low[b]) - (low[a] - high[b])
        found += a[(change > 1e-6) & (change < 11) & (span < _SPAN)].tolist()
    return found
