"""What is public of an edition: numbers with their bounds, and how they add up (rules D2 and D5).

Numbers of two editions that are the same exactly are one number: who has both knows both. Others
stay two numbers; that they are close to each other tells nothing that rounding does not cover. A
number that an edition withholds is one of its own: nothing there says that it is another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

from tcoc.disclosure.rounding import Flags, Numbers, significant
from tcoc.errors import InputError
from tcoc.identity import digest_of, sha256

FAR = 1e12
NOISE = 1e-6
FILES = ("gate_numbers.parquet", "gate_relations.parquet")

NAME = ["universe", "column", "key"]
_TOLD = ("low", "high", "width", "whole", "exact")

Ends = tuple[Numbers, Numbers]
Group = tuple[np.ndarray, np.ndarray]
"""Numbers that share relations, and those."""


@dataclass
class Relations:
    """lower <= matrix @ numbers <= upper, row by row; `owner`: the cell of a ratio, or -1."""

    matrix: csr_array
    lower: Numbers
    upper: Numbers
    owner: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Relations":
        """Return some relations."""
        return Relations(self.matrix[rows], self.lower[rows], self.upper[rows], self.owner[rows])

    def renumbered(self, numbers: np.ndarray, size: int) -> "Relations":
        """Return the same relations, their entries between other numbers, of so many."""
        data, start = self.matrix.data, self.matrix.indptr
        return replace(self, matrix=csr_array((data, numbers, start), (len(self.lower), size)))

    @classmethod
    def together(cls, parts: Sequence["Relations"]) -> "Relations":
        """Return all relations, each once; a ratio's is its cell's own.

        Two say the same where two random sums over their numbers agree.
        """
        matrix = csr_array(vstack([part.matrix for part in parts], format="csr"))
        matrix.eliminate_zeros()
        names = ("lower", "upper", "owner")
        lower, upper, owner = (np.concatenate([getattr(p, n) for p in parts]) for n in names)
        chance = np.random.default_rng(matrix.shape[1]).random((matrix.shape[1], 2))
        said = pd.DataFrame(significant(matrix @ chance, 10)).assign(lower=lower, upper=upper)
        return cls(matrix, lower, upper, owner)[(owner >= 0) | ~said.duplicated().to_numpy()]


@dataclass
class Record:
    """What an edition, or several as one, makes public: a frame of `numbers`, and their relations.

    universe, column, key, kind  what a number is called, and what it is
    lower, upper      its public bounds
    low, high, width  bounds must stay down to `low`, up to `high`, and `width` apart; the width
                      zero protects nothing
    whole, exact      whether it is whole, and its value, which spares programs and decides nothing
    hidden, apart     whether it is hidden, and whether it is withheld beside an earlier edition, so
                      that it is apart from that one's
    """

    numbers: pd.DataFrame
    relations: Relations
    _columns: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __getitem__(self, column: str) -> np.ndarray:
        """Return a column of the numbers."""
        if column not in self._columns:
            self._columns[column] = self.numbers[column].to_numpy()
        return self._columns[column]

    @cached_property
    def groups(self) -> list[Group]:
        """The numbers in groups that share no relation; numbers without one are in none."""
        matrix = self.relations.matrix
        height, numbers = matrix.shape
        # One square graph: the numbers, and after them the relations.
        start = np.append(np.zeros(numbers, dtype=int), matrix.indptr)
        square = csr_array((np.ones(matrix.nnz), matrix.indices, start), (numbers + height,) * 2)
        label = connected_components(square, directed=False)[1]
        related = np.append(np.unique(matrix.indices), np.arange(height) + numbers)
        order = related[np.argsort(label[related], kind="stable")]
        parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if len(order) else []
        return [(part[part < numbers], part[part >= numbers] - numbers) for part in parts]

    def part(self, group: Group, low: Numbers, high: Numbers) -> "Record":
        """Return what concerns one group of numbers, under the given bounds."""
        members, rows = group
        own = self.relations[rows]
        own = own.renumbered(np.searchsorted(members, own.matrix.indices), len(members))
        told = {name: self[name][members] for name in _TOLD}
        return Record(pd.DataFrame(), own, {"lower": low[members], "upper": high[members], **told})

    def inward(self, low: Numbers, high: Numbers) -> Ends:
        """Round bounds of whole numbers inwards."""
        whole, inner = self["whole"], (np.ceil(low - NOISE), np.floor(high + NOISE))
        return np.where(whole, inner[0], low), np.where(whole, inner[1], high)

    def lacks(self, low: Numbers, high: Numbers) -> Numbers:
        """Return by how much numbers are bounded too narrowly; nothing or less is enough."""
        low, high = self.inward(low, high)
        sides = (low - self["low"], self["high"] - high)
        lack = np.maximum(self["width"] - (high - low), np.maximum(*sides))
        return np.where(self["width"] > 0, lack, 0.0)

    def missed(self, low: Numbers, high: Numbers) -> Flags:
        """Return which numbers are bounded too narrowly."""
        return np.asarray(self.lacks(low, high) > NOISE)

    def write(self, folder: Path) -> None:
        """Write the record as two restricted tables."""
        told = self.relations.matrix.tocoo()
        entries = pd.DataFrame({"row": told.row, "number": told.col, "sign": told.data})
        entries["lower"] = self.relations.lower[told.row]
        entries["upper"] = self.relations.upper[told.row]
        for table, file in zip((self.numbers, entries), FILES, strict=True):
            table.to_parquet(folder / file, index=False)

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read a record; InputError where a folder has none."""
        if not (folder / FILES[0]).is_file():
            raise InputError(f"{FILES[0]}: the run has no record of its numbers; run it again")
        numbers, entries = (pd.read_parquet(folder / file) for file in FILES)
        row, first, place = np.unique(entries["row"], return_index=True, return_inverse=True)
        shape = (len(row), len(numbers))
        matrix = csr_array((entries["sign"].to_numpy(), (place, entries["number"])), shape=shape)
        lower, upper = (entries[side].to_numpy(np.float64)[first] for side in ("lower", "upper"))
        return cls(numbers, Relations(matrix, lower, upper, np.full(len(row), -1)))


def record_digest(folder: Path) -> str:
    """Return the digest of a folder's record, empty where it has none."""
    files = [folder / file for file in FILES]
    return digest_of([sha256(file) for file in files]) if all(map(Path.is_file, files)) else ""


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
    named = every[NAME].assign(exact=significant(every["exact"].to_numpy(np.float64), 8))
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
    parts = [
        record.relations.renumbered(own[record.relations.matrix.indices], len(numbers))
        for record, own in zip(records, number_of, strict=True)
    ]
    # owners are cells of the first edition alone: those of others are no longer ours to hide
    parts[1:] = [replace(part, owner=np.full(len(part.lower), -1)) for part in parts[1:]]
    return Record(numbers, Relations.together(parts)), number_of
