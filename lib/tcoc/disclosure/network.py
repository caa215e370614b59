"""All that a reader of the public tables can write down: numbers as intervals, and how they add up.

A number is named by universe, column and keys without totals, so the same number in two tables, or
in two editions, is one variable. What is published of it is an interval (its rounding), what is
hidden is a whole number from one up. A relation bounds a sum of variables: a total and its parts,
a hierarchy, a count and the part of it that another column counts, a share or mean and the numbers
that it is made of. Which sums hold is taken from the exact numbers: the reader knows how the tables
are made.

Rule D1 hides small counts, shares that tell them, and what depends on a hidden count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations, permutations, product

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from tcoc.disclosure.record import FAR, NOISE, Relations
from tcoc.disclosure.rounding import Flags, Numbers, Rule, rounded_to, same_everywhere, significant
from tcoc.disclosure.table import OF_PEOPLE, Draft, label_text
from tcoc.errors import InputError

SMALL, SHARE, CLINICIANS = "small count", "share of a small count", "fewer than three clinicians"
DEPENDS = "depends on hidden"

ADDITIVE = ("count", "months", "dollars")
UNIT = {"dollars": 1e4, "months": 12.0}
"""All numbers are counted in about a person (a person-year, what one costs): for the programs."""

_CENTS = 2e-6


class Cells:
    """The cells of all drafts, column by column; those without a number are left out.

    table, row, column, kind  where each stands and what it is
    exact, people, step       its number, the count behind it (its base, else the first count that
                              protects it; NaN where nobody stands behind it), and its rounding
    reason                    why it is hidden, "" where it is shown
    place                     the cell of each row of a table's column, -1 where there is none
    """

    def __init__(self, drafts: Sequence[Draft], rule: Rule) -> None:
        self.drafts, self.place, size = drafts, dict[tuple[int, str], np.ndarray](), 0
        parts = [(*np.zeros((2, 0), dtype=np.int64), *np.zeros((2, 0), object), *np.zeros((3, 0)))]
        for number, draft in enumerate(drafts):
            for name in draft.of_kind(*OF_PEOPLE):
                entry, exact = draft.columns[name], _numbers(draft.frame[name])
                behind = entry.base or next(iter(entry.of), "")
                people = _numbers(draft.frame[behind]) if behind else np.full(len(exact), np.nan)
                row = np.flatnonzero(np.isfinite(exact))
                self.place[number, name] = np.full(len(exact), -1)
                self.place[number, name][row] = np.arange(size, size := size + len(row))
                step = rule.steps(entry.kind, exact[row], people[row])
                words = np.array([[number], [name], [entry.kind]], dtype=object).repeat(len(row), 1)
                parts.append((words[0].astype(np.int64), row, *words[1:], exact[row], people[row],
                              step))  # fmt: skip
        found = map(np.concatenate, zip(*parts, strict=True))
        self.table, self.row, self.column, self.kind, self.exact, self.people, step = found
        self.step = same_everywhere(self.kind, self.exact, step)
        self.reason = np.full(size, "", dtype=object)
        self._primary(rule)

    def bounds(self) -> tuple[Numbers, Numbers]:
        """Return the interval that each rounded number leaves: half a step up and down; 0 is 0."""
        shown = rounded_to(self.exact, self.step)
        half = np.where((self.kind == "count") & (self.exact == 0), 0.0, self.step / 2)
        low = np.where(self.kind == "share", np.maximum(shown - half, 0), shown - half)
        return low, shown + half

    def follow(self) -> None:
        """Hide what depends on hidden counts: rates, means, dollars of the same row (D1)."""
        for (number, column), own in self.place.items():
            for count in self.drafts[number].columns[column].protectors:
                guards = self.place.get((number, count))
                if count != column and guards is not None:
                    hidden = (guards >= 0) & (self.reason[guards] != "")
                    self._give(own[hidden], f"{DEPENDS} {count}")

    def _primary(self, rule: Rule) -> None:
        """Give each cell that D1 hides its reason."""
        part, people = self.exact * np.nan_to_num(self.people), np.nan_to_num(self.people)
        # A share of people is whole people over whole people; a share of dollars is not.
        near = (self.kind == "share") & (np.abs(part - np.round(part)) < _room(part))
        near &= rule.small(np.round(part)) | rule.small(np.round(people - part))
        self.reason[(self.kind == "count") & rule.small(self.exact)] = SMALL
        self.reason[near] = SHARE
        for number, draft in enumerate(self.drafts):
            for column in draft.of_kind("share"):
                self._tell_rests(number, draft, column, rule)
            if draft.clinicians:
                few = draft.frame[draft.clinicians].between(0, rule.min_clinicians, "neither")
                for column in draft.of_kind("dollars", "per_capita", "score"):
                    self._give(self.place[number, column][few.to_numpy()], CLINICIANS)
        self.follow()

    def _tell_rests(self, number: int, draft: Draft, column: str, rule: Rule) -> None:
        """Hide shares of which few people are not in the numerator, where both are columns."""
        entry, own = draft.columns[column], self.place[number, column]
        bottom = self.place.get((number, entry.base), np.full(len(own), -1))
        for part in entry.of:
            top = self.place.get((number, part), bottom)
            rows = np.flatnonzero((np.array([own, top, bottom]) >= 0).all(axis=0))
            share, above, below = (self.exact[of[rows]] for of in (own, top, bottom))
            made_of = np.abs(above - share * below) < _room(below)
            self._give(own[rows][made_of & rule.small(below - above)], SHARE)

    def _give(self, cells: np.ndarray, why: str) -> None:
        """Give cells a reason, where there are cells and they have none yet."""
        own = cells[cells >= 0]
        self.reason[own[self.reason[own] == ""]] = why


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
        self.low, self.high = cells.bounds()
        self._said: list[Relations] = []
        self._sums()
        for number, draft in enumerate(self.drafts):
            self._within(number, draft)
            self._ratios(number, draft)
        self.relations = Relations.together(self._said)

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
        names = ["universe", "column", "key", "meaning"]
        of_cell = own.groupby(names, sort=False).ngroup().to_numpy()
        first = ~own.duplicated(names)
        frame = own[first].drop(columns="meaning").reset_index(drop=True)
        apart = np.abs(frame["exact"].to_numpy()[of_cell] - cells.exact)
        apart = apart > NOISE * np.maximum(1.0, np.abs(cells.exact))
        for number in of_cell[apart & (cells.kind == "count")][:1]:
            cell, tables = frame.iloc[number], cells.table[of_cell == number]
            both = " and ".join(dict.fromkeys(drafts[t].name for t in tables))
            raise InputError(
                f'public tables {both} count {cell["column"]} of universe "{cell["universe"]}"'
                f" differently for {spoken(cell['key'])}; give one of them a universe that says"
                " what it counts"
            )
        whole = (frame["exact"] - frame["exact"].round()).abs() < NOISE
        frame["whole"] = whole.groupby([frame["universe"], frame["column"]]).transform("all")
        frame["whole"] &= frame["kind"] == "count"
        frame["unit"] = frame["kind"].map(UNIT).astype("float64").fillna(1.0)
        frame["exact"] /= frame["unit"]
        return frame, of_cell

    def _add(
        self, row: np.ndarray, number: np.ndarray, sign: Numbers, lower: Numbers, upper: Numbers,
        owner: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        """Add relations numbered from zero; `lower`, `upper`, `owner` have one entry for each."""
        matrix = csr_array((sign, (row, number)), shape=(len(lower), len(self.frame)))
        own = np.full(len(lower), -1) if owner is None else owner
        self._said.append(Relations(matrix, lower, upper, own))

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
        none = np.full(len(self.drafts[table].frame), -1)
        place = self.cells.place.get((table, column), none)
        return np.take(np.append(self.of_cell, -1), place)

    def _both(self, table: int, one: str, other: str) -> tuple[np.ndarray, np.ndarray]:
        a, b = self._of(table, one), self._of(table, other)
        both = (a >= 0) & (b >= 0)
        return a[both], b[both]

    def _sums(self) -> None:
        of_universe: dict[str, list[int]] = {}
        for number, draft in enumerate(self.drafts):
            if draft.of_kind(*ADDITIVE):
                of_universe.setdefault(draft.counted, []).append(number)
        size, sums = 0, [(*np.zeros((3, 0), dtype=np.int64),)]
        for tables in of_universe.values():
            lines = _Lines([self.drafts[t] for t in tables])
            found: dict[str, np.ndarray] = {}
            for table, own in zip(tables, lines.of_table, strict=True):
                for name in self.drafts[table].of_kind(*ADDITIVE):
                    of = self._of(table, name)
                    numbers = found.setdefault(name, np.full(len(lines.key), -1))
                    numbers[own[of >= 0]] = of[of >= 0]
            every = np.array([*found.values()])
            for part, total in lines.sums():
                column, line = np.nonzero((every[:, part] >= 0) & (every[:, total] >= 0))
                sums.append((size + column, every[column, part[line]], every[column, total[line]]))
                size += len(every)
        self._add_sums(*map(np.concatenate, zip(*sums, strict=True)))

    def _add_sums(self, sums: np.ndarray, part: np.ndarray, total: np.ndarray) -> None:
        """Add what is known about totals and their parts; a sum that does not hold teaches little.

        A total above its parts has one more, unpublished part. A total below them counts people
        once who stand in several parts: then each part is at most the total.
        """
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

    def _within(self, table: int, draft: Draft) -> None:
        """A count and the column of which it is a part; person-months and the people they are of.

        Months are between one and twelve for each person, where the data say so too.
        """
        for part, whole in draft.within.items():
            inner, outer = self._both(table, part, whole)
            if (self.exact[inner] > self.exact[outer] * (1 + NOISE) + NOISE).any():
                raise InputError(
                    f"public table {draft.name}: {part} is more than {whole}, of which it is part"
                )
            self._pairs(inner, 1.0, outer, -FAR, 0.0)
        for name in draft.of_kind("months"):
            for count in draft.columns[name].protectors[:1]:
                months, people = self._both(table, name, count)
                m, n = self.exact[months], self.exact[people]
                if (m <= n + NOISE).all() and (12 * m >= n - NOISE).all():
                    self._pairs(months, 1.0, people, -FAR, 0.0)
                    self._pairs(people, 12.0, months, -FAR, 0.0)

    def _ratios(self, table: int, draft: Draft) -> None:
        """Shares and means of two numbers of the same row: above = ratio x below, ratio rounded.

        The two are found from the exact numbers, whatever the columns are called. A mean over
        months may carry a completion factor, which is public; all else is exact.
        """
        for name in draft.of_kind("share", "score", "per_capita", "percent"):
            of_row, entry = self.cells.place[table, name], draft.columns[name]
            near = [c for c in entry.protectors if draft.columns[c].kind == "count"]
            made_of = [(above, below, 1.0, 1e-9) for above, below in permutations(near, 2)]
            if entry.kind == "per_capita":
                made_of = [
                    (above, below, factor, room)
                    for above in draft.of_kind("dollars")
                    for kind, factor, room in (("count", 1.0, 1e-9), ("months", 1 / 12, 0.1))
                    for below in draft.of_kind(kind)
                ]
            for above, below, factor, room in made_of:
                top, bottom = self._of(table, above), self._of(table, below)
                here = np.flatnonzero((of_row >= 0) & (top >= 0) & (bottom >= 0))
                top, bottom, cell = top[here], bottom[here], of_row[here]
                factors = factor * self.unit[bottom] / self.unit[top]
                made = factors * self.exact[bottom] * self.cells.exact[cell]
                with np.errstate(divide="ignore", invalid="ignore"):
                    constant = self.exact[top] / made
                holds = (made > 0) & (np.abs(constant - 1) <= room)
                if holds.sum() < 0.5 * len(here):
                    continue
                top, bottom, cell = top[holds], bottom[holds], cell[holds]
                factors = (factors * constant)[holds]
                self._pairs(top, factors * self.low[cell], bottom, 0.0, FAR, cell)
                self._pairs(top, factors * self.high[cell], bottom, -FAR, 0.0, cell)


def labels_of(
    frame: pd.DataFrame, keys: Iterable[str], totals: Mapping[str, str], dimension: str
) -> np.ndarray:
    """Return each row's label in a dimension as `|dimension=label`, "" where absent or a total."""
    if dimension not in keys:
        return np.full(len(frame), "", dtype=object)
    labels, total = frame[dimension].to_numpy(object), totals.get(dimension)
    said = {v: "" if (t := label_text(v)) == total else f"|{dimension}={t}" for v in set(labels)}
    return np.array([said[label] for label in labels], dtype=object)


def keys_of(frame: pd.DataFrame, keys: Iterable[str], totals: Mapping[str, str]) -> np.ndarray:
    """Return each row's labels as one text, dimensions in order, totals left out."""
    none = np.full(len(frame), "", dtype=object)
    return sum((labels_of(frame, keys, totals, dimension) for dimension in sorted(keys)), none)


def spoken(key: str) -> str:
    """Return a number's key as a reader names it: ccn 210001, year 2018."""
    return key.strip("|").replace("|", ", ").replace("=", " ") or "the total"


class _Lines:
    """The rows of all tables of one universe; a row of two tables with the same labels is one line.

    A line has one code per dimension, 0 where the dimension is absent or a total. Its key is the
    sum of its codes' random marks, so that another label moves it by a difference of two. A way to
    add up is a hierarchy: by code the parents, their parents, ...; and which codes are no part, as
    the groups of other hierarchies are, whose members stand for themselves.
    """

    def __init__(self, drafts: Sequence[Draft]) -> None:
        names, families = sorted({key for draft in drafts for key in draft.keys}), _families(drafts)
        rows = [[labels_of(d.frame, d.keys, d.totals, name) for d in drafts] for name in names]
        labels = np.concatenate([[""], *chain(*rows)]).astype(object)
        labels = np.append(
            labels, [label for f in families for pair in f.items() for label in pair]
        )
        code, found = pd.factorize(labels)
        sizes = [len(draft.frame) for draft in drafts]
        codes = code[1 : 1 + len(names) * sum(sizes)].reshape(len(names), sum(sizes))
        self.mark = np.random.default_rng(len(found)).integers(1 << 62, size=len(found))
        self.mark[0] = 0
        keys = self.mark[codes].sum(axis=0)
        self.key, first, line = np.unique(keys, return_index=True, return_inverse=True)
        self.codes, self.of_table = codes[:, first], np.split(line, np.cumsum(sizes)[:-1])
        of = dict(zip(found, range(len(found)), strict=True))
        self.ways: list[tuple[list[np.ndarray], Flags]] = []
        for family in families:
            others = {group for other in families for group in other.values()}
            parents, foreign = np.zeros(len(of), dtype=np.int64), np.zeros(len(of), dtype=bool)
            parents[[of[child] for child in family]] = [of[parent] for parent in family.values()]
            foreign[[of[group] for group in others - {*family, *family.values()}]] = True
            levels, above = list[np.ndarray](), parents
            while above.any():
                levels.append(above)
                above = parents[above]
            self.ways.append((levels, foreign))

    def sums(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield lines and, for each, the line of which it is a part, in each hierarchy."""
        pattern = (1 << np.arange(len(self.codes))) @ (self.codes > 0)
        alone, every = self.of_table, np.arange(len(self.key))
        pools = [*alone, every] if len(alone) > 1 else alone
        for (levels, foreign), pool in product(self.ways, pools):
            there = pool[~foreign[self.codes[:, pool]].any(axis=0)]
            for bits in np.unique(pattern[there]).tolist():
                dimensions = [d for d in range(len(self.codes)) if bits >> d & 1]
                # where no other hierarchy has a say, the first one has said it all
                if levels is self.ways[0][0] or levels[0][self.codes[dimensions]].any():
                    yield from self._sums(there[pattern[there] == bits], dimensions, levels)

    def _sums(
        self, own: np.ndarray, dimensions: Sequence[int], levels: Sequence[np.ndarray]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        # who stands below another is added with that one
        here = np.bincount(own, minlength=len(self.key)) > 0
        left = {dimension: here.copy() for dimension in dimensions}
        for dimension, up in product(dimensions, levels):
            for line, above in self._found(*self._lifted(own, dimension, up)):
                left[dimension][line[here[above]]] = False
        for size in range(len(dimensions), 0, -1):
            for summed in combinations(dimensions, size):
                top = np.flatnonzero(np.logical_and.reduce([left[d] for d in summed]))
                gone = sum(self.mark[self.codes[d, top]] for d in summed)
                yield from self._found(top, self.key[top] - gone)
        for dimension, up in product(dimensions, levels[:1]):
            yield from self._found(*self._lifted(own, dimension, up))

    def _lifted(
        self, own: np.ndarray, dimension: int, up: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the lines that have an ancestor in a dimension, and their keys with it."""
        moved = own[up[self.codes[dimension, own]] > 0]
        code = self.codes[dimension, moved]
        return moved, self.key[moved] - self.mark[code] + self.mark[up[code]]

    def _found(self, own: np.ndarray, key: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        there = self.key[place] == key
        if there.any():
            yield own[there], place[there]


def _families(drafts: Sequence[Draft]) -> list[dict[str, str]]:
    """Return the hierarchies of a universe: each label's parent, totals aside.

    In one of them a label has one parent. A hospital can belong to a combination, to a system and
    to an ACO: each of them is a way of its own to add up the whole.
    """
    found: list[dict[str, str]] = [{}]
    for draft in drafts:
        for dimension, family in draft.parents.items():
            own = {
                f"|{dimension}={label_text(child)}": f"|{dimension}={label_text(parent)}"
                for child, parent in family.items()
                if label_text(parent) != draft.totals.get(dimension)
            }
            fits = (h for h in found if all(h.get(child, p) == p for child, p in own.items()))
            home = next(fits, None)
            if home is None:
                found.append(home := {})
            home |= own
    return found


def _numbers(column: pd.Series) -> Numbers:
    """Return a column as doubles, NaN where there is no number."""
    return np.asarray(pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan))


def _room(size: Numbers) -> Numbers:
    return 1e-6 * np.maximum(1.0, size)
