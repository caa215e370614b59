"""All that a reader of the public tables can write down: numbers as intervals, and how they add up.

A number is named by universe, column and keys without totals, so the same number in two tables, or
in two editions, is one variable. What is published of it is an interval (its rounding), what is
hidden is a whole number from one up. A relation bounds a sum of variables: a total and its parts,
a hierarchy, a count and the part of it that another column counts, a share or mean and the numbers
that it is made of. Which sums hold is taken from the exact numbers: the reader knows how the tables
are made.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tcoc.disclosure.cells import Cells
from tcoc.disclosure.record import FAR, NOISE, Relations
from tcoc.disclosure.rounding import Flags, Numbers, significant
from tcoc.disclosure.table import Draft, label_text, label_texts
from tcoc.errors import InputError

ADDITIVE = ("count", "months", "dollars")
UNIT = {"dollars": 1e4, "months": 12.0}
"""All numbers are counted in about a person (a person-year, what one costs): for the programs."""

_CENTS = 2e-6


class Network:
    """The numbers of a run: `frame` (universe, column, key, kind, exact, whole, unit), of each cell
    its number (`of_cell`), and the relations between them.

    Raises InputError where two tables give different exact counts for one cell: then they count
    different things, and one of them needs a universe of its own.
    """

    def __init__(self, cells: Cells) -> None:
        self.drafts, self.cells = cells.drafts, cells
        self.frame, self.of_cell = self._numbers()
        self.exact = self.frame["exact"].to_numpy(np.float64)
        self.unit = self.frame["unit"].to_numpy(np.float64)
        self.counts = (self.frame["kind"] == "count").to_numpy(bool)
        self._parts: list[tuple[np.ndarray, np.ndarray, Numbers]] = []
        self._bounds: list[tuple[Numbers, Numbers, np.ndarray]] = []
        self._height = 0
        self.relations = self._relations()

    def _numbers(self) -> tuple[pd.DataFrame, np.ndarray]:
        cells, drafts = self.cells, self.drafts
        keys = np.concatenate([["?"], *(keys_of(d.frame, d.keys, d.totals) for d in drafts)])
        start = np.cumsum([1, *(len(draft.frame) for draft in drafts)])
        universe = np.array(["", *(draft.counted for draft in drafts)], dtype=object)
        own = pd.DataFrame({
            "universe": universe[cells.table + 1], "column": cells.column,
            "key": keys[start[cells.table] + cells.row], "kind": cells.kind, "exact": cells.exact,
        })  # fmt: skip
        # Ratios of one name may mean two things; two counts of one name must not.
        own["meaning"] = np.where(cells.kind == "count", 0.0, significant(cells.exact, 8))
        of_cell = own.groupby(["universe", "column", "key", "meaning"], sort=False).ngroup()
        frame = own[~of_cell.duplicated().to_numpy()].drop(columns="meaning")
        frame = frame.reset_index(drop=True)
        self._refuse_two_meanings(frame, of_cell.to_numpy())
        whole = (frame["exact"] - frame["exact"].round()).abs() < NOISE
        frame["whole"] = whole.groupby([frame["universe"], frame["column"]]).transform("all")
        frame["whole"] &= frame["kind"] == "count"
        frame["unit"] = frame["kind"].map(UNIT).astype("float64").fillna(1.0)
        frame["exact"] /= frame["unit"]
        return frame, of_cell.to_numpy()

    def _refuse_two_meanings(self, frame: pd.DataFrame, of_cell: np.ndarray) -> None:
        known, exact = frame["exact"].to_numpy()[of_cell], self.cells.exact
        apart = np.abs(known - exact) > NOISE * np.maximum(1.0, np.abs(exact))
        for place in np.flatnonzero(apart & (self.cells.kind == "count"))[:1]:
            cell = frame.iloc[of_cell[place]]
            tables = self.cells.table[of_cell == of_cell[place]]
            names = " and ".join(dict.fromkeys(self.drafts[t].name for t in tables))
            raise InputError(
                f'public tables {names} count {cell["column"]} of universe "{cell["universe"]}"'
                f" differently for {spoken(cell['key'])}; give one of them a universe that says"
                " what it counts"
            )

    def _relations(self) -> Relations:
        self._sums()
        low, high = self.cells.bounds()
        low = np.where(self.cells.kind == "share", np.maximum(low, 0), low)
        for number, draft in enumerate(self.drafts):
            self._within(number, draft)
            self._months(number, draft)
            self._ratios(number, draft, low, high)
        none = np.zeros(0, dtype=np.int64)
        row, column, sign = map(np.concatenate, zip(*self._parts, (none,) * 3, strict=True))
        matrix = csr_array((sign, (row, column)), shape=(self._height, len(self.frame)))
        matrix.eliminate_zeros()
        lower, upper, owner = map(np.concatenate, zip(*self._bounds, (none,) * 3, strict=True))
        found = Relations(matrix, lower, upper, owner)
        # Tables of one universe say most sums twice; a ratio is its cell's own.
        return found[(owner >= 0) | ~pd.Series(found.alike()).duplicated().to_numpy()]

    def _add(
        self, row: np.ndarray, number: np.ndarray, sign: Numbers, lower: Numbers, upper: Numbers,
        owner: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        """Add relations numbered from zero; `lower`, `upper`, `owner` have one entry for each."""
        self._parts.append((row + self._height, number, sign))
        own = np.full(len(lower), -1) if owner is None else owner
        self._bounds.append((lower, upper, own))
        self._height += len(lower)

    def _pairs(
        self, one: np.ndarray, times: Numbers | float, other: np.ndarray,
        lower: float, upper: float, owner: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        """Add relations of two numbers each: lower <= one - times x other <= upper."""
        size = len(one)
        sign = np.append(np.ones(size), np.broadcast_to(-np.asarray(times), size))
        ends = np.full(size, lower), np.full(size, upper)
        self._add(np.tile(np.arange(size), 2), np.append(one, other), sign, *ends, owner)

    def _of(self, table: int, column: str) -> np.ndarray:
        """Return the number in each row of a column, -1 where there is none."""
        cell = self.cells.place.get((table, column), np.full(len(self.drafts[table].frame), -1))
        return np.where(cell >= 0, self.of_cell[cell] if len(self.of_cell) else -1, -1)

    def _both(self, table: int, one: str, other: str) -> tuple[np.ndarray, np.ndarray]:
        a, b = self._of(table, one), self._of(table, other)
        both = (a >= 0) & (b >= 0)
        return a[both], b[both]

    # ------------------------------------------------------------ totals and parts

    def _sums(self) -> None:
        of_universe: dict[str, list[int]] = {}
        for number, draft in enumerate(self.drafts):
            if draft.of_kind(*ADDITIVE):
                of_universe.setdefault(draft.counted, []).append(number)
        parts: list[np.ndarray] = []
        totals: list[np.ndarray] = []
        for tables in of_universe.values():
            lines = _Lines([self.drafts[t] for t in tables])
            names = list(
                dict.fromkeys(c for t in tables for c in self.drafts[t].of_kind(*ADDITIVE))
            )
            found = np.full((len(names), lines.count), -1)
            for table, lines_of in zip(tables, lines.of_table, strict=True):
                for name in self.drafts[table].of_kind(*ADDITIVE):
                    own = self._of(table, name)
                    found[names.index(name), lines_of[own >= 0]] = own[own >= 0]
            for part, total in lines.sums():
                parts += list(found[:, part])
                totals += list(found[:, total])
        self._add_sums(parts, totals)

    def _add_sums(self, parts: Sequence[np.ndarray], totals: Sequence[np.ndarray]) -> None:
        """Add what is known about totals and their parts; a sum that does not hold teaches little.

        A total above its parts has one more, unpublished part. A total below them counts people
        once who stand in several parts: then each part is at most the total.
        """
        part, total = (np.concatenate([np.zeros(0, int), *side]) for side in (parts, totals))
        sums = np.repeat(np.arange(len(parts)), list(map(len, parts)))[(part >= 0) & (total >= 0)]
        part, total = part[(part >= 0) & (total >= 0)], total[(part >= 0) & (total >= 0)]
        sums, group = np.unique(sums * len(self.exact) + total, return_inverse=True)
        whole = sums % max(len(self.exact), 1)
        amount, counts = self.exact[whole], self.counts[whole]
        gap = amount - np.bincount(group, self.exact[part], len(whole))
        tolerance = np.maximum(NOISE * np.abs(amount), np.where(counts, NOISE, _CENTS))
        largest = np.full(len(whole), -np.inf)
        np.maximum.at(largest, group, self.exact[part])
        equal = np.abs(gap) <= tolerance
        more = counts & (gap > tolerance)
        twice = counts & (gap < -tolerance) & (largest <= amount + tolerance)
        kept = equal | more | twice
        row = np.where(kept, np.cumsum(kept) - 1, -1)
        entry = np.append(row[group], row)
        sign = np.append(np.ones(len(part)), -np.ones(len(whole)))
        number = np.append(part, whole)[entry >= 0]
        ends = np.where(more, -FAR, 0.0)[kept], np.where(twice, FAR, 0.0)[kept]
        self._add(entry[entry >= 0], number, sign[entry >= 0], *ends)
        self._pairs(part[twice[group]], 1.0, total[twice[group]], -FAR, 0.0)

    # ------------------------------------------------------------ columns of one row

    def _within(self, table: int, draft: Draft) -> None:
        """A count and the column of which it is a part."""
        for part, whole in draft.within.items():
            inner, outer = self._both(table, part, whole)
            if (self.exact[inner] > self.exact[outer] * (1 + NOISE) + NOISE).any():
                raise InputError(
                    f"public table {draft.name}: {part} is more than {whole}, of which it is part"
                )
            self._pairs(inner, 1.0, outer, -FAR, 0.0)

    def _months(self, table: int, draft: Draft) -> None:
        """Person-months are between one and twelve for each person, where the data say so too."""
        for name in draft.of_kind("months"):
            for count in draft.columns[name].protectors[:1]:
                months, people = self._both(table, name, count)
                m, n = self.exact[months], self.exact[people]
                if (m <= n + NOISE).all() and (12 * m >= n - NOISE).all():
                    self._pairs(months, 1.0, people, -FAR, 0.0)
                    self._pairs(people, 12.0, months, -FAR, 0.0)

    def _ratios(self, table: int, draft: Draft, low: Numbers, high: Numbers) -> None:
        """Shares and means of two numbers of the same row: above = ratio x below, ratio rounded.

        The two are found from the exact numbers, whatever the columns are called.
        """
        ratio = self.cells.exact
        for name in draft.of_kind("share", "score", "per_capita", "percent"):
            of_row = self.cells.place[table, name]
            for above, below, factor in _made_of(draft, name):
                top, bottom = self._of(table, above), self._of(table, below)
                here = np.flatnonzero((of_row >= 0) & (top >= 0) & (bottom >= 0))
                top, bottom, cell = top[here], bottom[here], of_row[here]
                factors = factor * self.unit[bottom] / self.unit[top]
                made = factors * self.exact[bottom] * ratio[cell]
                with np.errstate(divide="ignore", invalid="ignore"):
                    constant = self.exact[top] / made
                holds = np.isfinite(constant) & (made > 0) & _known(constant, factor)
                if holds.sum() < 0.5 * len(here):
                    continue
                top, bottom, cell = top[holds], bottom[holds], cell[holds]
                factors = (factors * constant)[holds]
                self._pairs(top, factors * low[cell], bottom, 0.0, FAR, cell)
                self._pairs(top, factors * high[cell], bottom, -FAR, 0.0, cell)


def keys_of(frame: pd.DataFrame, keys: Iterable[str], totals: Mapping[str, str]) -> np.ndarray:
    """Return each row's labels as one text, dimensions in order, totals left out."""
    text = np.full(len(frame), "", dtype=object)
    for dimension in sorted(keys):
        labels = label_texts(frame[dimension])
        text = text + np.where(labels == totals.get(dimension), "", f"|{dimension}=" + labels)
    return text


def spoken(key: str) -> str:
    """Return a number's key as a reader names it: ccn 210001, year 2018."""
    return key.strip("|").replace("|", ", ").replace("=", " ") or "the total"


def _made_of(draft: Draft, name: str) -> Iterator[tuple[str, str, float]]:
    """Yield the pairs of columns of which a ratio may be made, and what a unit below counts."""
    near = [c for c in draft.columns[name].protectors if draft.columns[c].kind == "count"]
    if draft.columns[name].kind == "per_capita":
        for above in draft.of_kind("dollars"):
            yield from ((above, count, 1.0) for count in draft.of_kind("count"))
            yield from ((above, months, 1 / 12) for months in draft.of_kind("months"))
    else:
        yield from ((above, below, 1.0) for above in near for below in near if above != below)


def _known(constant: Numbers, factor: float) -> Flags:
    """A mean over months may carry a completion factor, which is public; all else is exact."""
    low, high = (0.9, 1.1) if factor < 1 else (1 - 1e-9, 1 + 1e-9)
    flags: Flags = (constant >= low) & (constant <= high)
    return flags


Family = Sequence[np.ndarray | None]
"""One hierarchy: by dimension the code of each code's parent, 0 for none; None without parents."""


class _Lines:
    """The rows of all tables of one universe; a row of two tables with the same labels is one line.

    A line is a code per dimension, 0 where the dimension is absent or a total, and so one number.
    """

    def __init__(self, drafts: Sequence[Draft]) -> None:
        names = sorted({key for draft in drafts for key in draft.keys})
        sizes = [len(draft.frame) for draft in drafts]
        self.table = np.repeat(np.arange(len(drafts)), sizes)
        self.codes = np.zeros((sum(sizes), len(names)), dtype=np.int64)
        hierarchies = _hierarchies(drafts)
        self.families: list[list[np.ndarray | None]] = [[] for _ in hierarchies]
        self.foreign: list[list[np.ndarray]] = [[] for _ in hierarchies]
        self.weight = np.ones(len(names), dtype=np.int64)
        for place, name in enumerate(names):
            own = [_labels(draft, name) for draft in drafts]
            families = [h.get(name, {}) for h in hierarchies]
            labels = [label for f in families for label in (*f.keys(), *f.values())]
            code, found = pd.factorize(np.array([*np.concatenate(own), *labels], dtype=object))
            # labels that are absent or a total are None, which has the code -1
            self.codes[:, place] = code[: sum(sizes)] + 1
            of = dict(zip(labels, (code[sum(sizes) :] + 1).tolist(), strict=True))
            groups = [{of[parent] for parent in f.values()} for f in families]
            for number, family in enumerate(families):
                above = np.zeros(len(found) + 1, dtype=np.int64)
                for child, parent in family.items():
                    above[of[child]] = of[parent]
                self.families[number].append(above if family else None)
                others = {g for n, group in enumerate(groups) if n != number for g in group}
                others -= {of[label] for label in family} | groups[number]
                self.foreign[number].append(np.array(sorted(others), dtype=np.int64))
            self.weight[place + 1 :] *= len(found) + 1
        self.key = self.codes @ self.weight
        self.lines, self.line = np.unique(self.key, return_inverse=True)
        self.count = len(self.lines)
        self.of_table = np.split(self.line, np.cumsum(sizes)[:-1])

    def sums(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield lines and, for each, the line of which it is a part, in each hierarchy."""
        pattern = (self.codes > 0) @ (1 << np.arange(self.codes.shape[1]))
        pools = [np.flatnonzero(self.table == t) for t in range(len(self.of_table))]
        if len(pools) > 1:
            pools.append(np.unique(self.line, return_index=True)[1])
        for number, family in enumerate(self.families):
            for pool in pools:
                for bits in np.unique(pattern[pool]).tolist():
                    dimensions = [d for d in range(self.codes.shape[1]) if bits >> d & 1]
                    # where no other hierarchy has a say, the first one has said it all
                    if number == 0 or any(family[d] is not None for d in dimensions):
                        own = self._without(pool[pattern[pool] == bits], number)
                        yield from self._sums(own, bits, dimensions, family)

    def _sums(
        self, own: np.ndarray, bits: int, dimensions: Sequence[int], family: Family
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for kept in (k for k in range(bits) if k & bits == k):
            summed = [d for d in dimensions if not kept >> d & 1]
            top = own[~self._covered(own, summed, family)]
            gone = self.codes[np.ix_(top, np.array(summed, dtype=np.int64))] @ self.weight[summed]
            yield from self._found(top, self.key[top] - gone)
        for dimension in dimensions:
            for moved, key in islice(self._ancestors(own, dimension, family), 1):
                yield from self._found(own[moved], key[moved])

    def _without(self, own: np.ndarray, number: int) -> np.ndarray:
        """Leave out the groups of other hierarchies: their members stand for themselves here."""
        for dimension, others in enumerate(self.foreign[number]):
            own = own[~np.isin(self.codes[own, dimension], others)]
        return own

    def _found(self, own: np.ndarray, key: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        place = np.minimum(np.searchsorted(self.lines, key), self.count - 1)
        there = self.lines[place] == key
        if there.any():
            yield self.line[own[there]], place[there]

    def _ancestors(
        self, own: np.ndarray, dimension: int, family: Family
    ) -> Iterator[tuple[Flags, np.ndarray]]:
        """Yield, level by level, which rows have an ancestor, and the keys with it in place."""
        parent, code = family[dimension], self.codes[own, dimension]
        while parent is not None and (above := parent[code]).any():
            yield (
                above > 0,
                self.key[own] + (above - self.codes[own, dimension]) * self.weight[dimension],
            )
            code = above

    def _covered(self, own: np.ndarray, summed: Sequence[int], family: Family) -> Flags:
        """Return which rows have an ancestor beside them, so that none is added twice."""
        covered = np.zeros(len(own), dtype=bool)
        for dimension in summed:
            for moved, key in self._ancestors(own, dimension, family):
                covered |= moved & np.isin(key, self.key[own])
        return covered


def _labels(draft: Draft, dimension: str) -> np.ndarray:
    """Return the labels of a table's rows in a dimension; None where absent or a total."""
    if dimension not in draft.keys:
        return np.full(len(draft.frame), None, dtype=object)
    labels = label_texts(draft.frame[dimension])
    labels[labels == draft.totals.get(dimension)] = None
    return labels


def _hierarchies(drafts: Sequence[Draft]) -> list[dict[str, dict[str, str]]]:
    """Return the hierarchies of a universe, by dimension each label's parent, totals aside.

    In one of them a label has one parent. A hospital can belong to a combination, to a system and
    to an ACO: each of them is a way of its own to add up the whole.
    """
    found: list[dict[str, dict[str, str]]] = [{}]
    for draft in drafts:
        for dimension, family in draft.parents.items():
            own = {
                label_text(child): label_text(parent)
                for child, parent in family.items()
                if label_text(parent) != draft.totals.get(dimension)
            }
            fits = (h for h in found if _agree(h.get(dimension, {}), own))
            home = next(fits, None)
            if home is None:
                found.append(home := {})
            home.setdefault(dimension, {}).update(own)
    return found


def _agree(known: Mapping[str, str], own: Mapping[str, str]) -> bool:
    return all(known.get(child, parent) == parent for child, parent in own.items())
