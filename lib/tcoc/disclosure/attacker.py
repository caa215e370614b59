"""What a reader of everything public can bound: the judge of a release (rule D2).

He holds for each number an interval (its rounding; one and up where hidden) and all relations.
1. Bounds are passed along single relations until nothing moves: what is too narrow then is known.
2. Linear programs (HiGHS) push all other numbers together, up, down and in seeded random
   directions: each solution is a possible world, so few numbers need a program of their own.
3. The rest are pushed one by one, as whole numbers where asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import highspy
import numpy as np
import pandas as pd
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from tcoc.disclosure.network import FAR, Relations
from tcoc.disclosure.rounding import Flags, Numbers

NOISE = 1e-6
_PASSES = 30
_PUSHES = 8
_FEW = 3
"""So many numbers are pushed one by one at once."""

Ends = tuple[Numbers, Numbers]


@dataclass(frozen=True)
class Knowledge:
    """What is public, what must stay uncertain, and one possible world: the true one.

    Bounds of each number, whether it is whole, its exact value, and the relations. Its bounds must
    stay down to `low` and up to `high` and `width` apart; the width zero protects nothing.
    The exact value spares programs and decides nothing.
    """

    lower: Numbers
    upper: Numbers
    whole: Flags
    exact: Numbers
    low: Numbers
    high: Numbers
    width: Numbers
    relations: Relations

    @classmethod
    def of(cls, numbers: pd.DataFrame, relations: Relations) -> "Knowledge":
        """Return what a frame with a column of each name and relations say."""
        told: dict[str, Any] = {n: numbers[n].to_numpy() for n in cls.__dataclass_fields__
                                if n != "relations"}  # fmt: skip
        return cls(**told, relations=relations)

    def part(self, group: "Group", low: Numbers, high: Numbers) -> "Knowledge":
        """Return what concerns one group of numbers, under the given bounds."""
        own, relations = group.members, self.relations[group.rows]
        relations.matrix = csr_array(relations.matrix[:, own])
        return Knowledge(
            low[own], high[own], self.whole[own], self.exact[own],
            self.low[own], self.high[own], self.width[own], relations,
        )  # fmt: skip

    def inward(self, low: Numbers, high: Numbers) -> Ends:
        """Round bounds of whole numbers inwards."""
        return (
            np.where(self.whole, np.ceil(low - NOISE), low),
            np.where(self.whole, np.floor(high + NOISE), high),
        )

    def missed(self, low: Numbers, high: Numbers) -> Flags:
        """Return which numbers are bounded too narrowly."""
        low, high = self.inward(low, high)
        narrow = high - low < self.width - NOISE
        flags: Flags = narrow | (low > self.low + NOISE) | (high < self.high - NOISE)
        return flags & (self.width > 0)


def propagated(known: Knowledge) -> Ends:
    """Return bounds narrowed by each relation alone, over and over until little changes."""
    entries = known.relations.matrix.tocoo()
    row, number, sign = entries.row, entries.col, entries.data
    low, high = known.inward(known.lower, known.upper)
    height, positive = len(known.relations.lower), sign > 0
    for _ in range(_PASSES):
        least = np.where(positive, sign * low[number], sign * high[number])
        most = np.where(positive, sign * high[number], sign * low[number])
        least_sum, most_sum = np.bincount(row, least, height), np.bincount(row, most, height)
        top = (known.relations.upper[row] - (least_sum[row] - least)) / sign
        bottom = (known.relations.lower[row] - (most_sum[row] - most)) / sign
        new_low, new_high = low.copy(), high.copy()
        np.minimum.at(new_high, number, np.where(positive, top, bottom))
        np.maximum.at(new_low, number, np.where(positive, bottom, top))
        new_low, new_high = known.inward(new_low, new_high)
        moved = (new_low > low + NOISE) | (new_high < high - NOISE)
        # What is far away is not known: FAR sums carry rounding noise, and nothing is lost.
        low, high = np.where(moved, new_low, low), np.where(moved, new_high, high)
        if not moved.any():
            break
    return low, high


@dataclass(frozen=True, eq=False)
class Group:
    """Numbers that share relations, and those."""

    members: np.ndarray
    rows: np.ndarray


def groups_of(relations: Relations) -> list[Group]:
    """Return the numbers in groups that share no relation; numbers without one are in none."""
    matrix = relations.matrix
    height, numbers = matrix.shape
    # One square graph: the numbers, and after them the relations.
    start = np.append(np.zeros(numbers, dtype=int), matrix.indptr)
    square = csr_array((np.ones(matrix.nnz), matrix.indices, start), (numbers + height,) * 2)
    label = connected_components(square, directed=False)[1]
    related = np.append(np.unique(matrix.indices), np.arange(height) + numbers)
    order = related[np.argsort(label[related], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if len(order) else []
    return [Group(part[part < numbers], part[part >= numbers] - numbers) for part in parts]


def bounds(known: Knowledge, groups: Sequence[Group], seen: Ends, *, integer: bool = False) -> Ends:
    """Return for each number with a wish, in some groups, what the reader can bound it to.

    Bounds are exact where they miss the wish, and at least as wide as shown where they meet it.
    `seen` is how far numbers move in worlds that are known to be possible, the true one at least;
    it grows by those found here, which stay possible when more is hidden.
    """
    low, high = propagated(known)
    ends = low.copy(), high.copy()
    for group in groups:
        own = known.part(group, low, high)
        told = own.missed(own.lower, own.upper)
        settled = (own.width > 0) & ~told
        found = _explored(own, ~told, (seen[0][group.members], seen[1][group.members]), integer)
        for end, shown, world in zip(ends, seen, found, strict=True):
            end[group.members[settled]] = world[settled]
            shown[group.members] = world
    return ends


def _explored(own: Knowledge, asked: Flags, seen: Ends, integer: bool) -> Ends:
    """Return how far some numbers are seen to move, until they move far enough or no further."""
    (low, high), size = seen, len(own.exact)

    def unsure() -> Flags:
        return own.missed(low, high) & asked

    def push(program: "_Program", cost: Numbers) -> None:
        world = program.least(cost)
        if world is not None:
            np.minimum(low, world, out=low)
            np.maximum(high, world, out=high)

    if unsure().sum() > _FEW:
        program = _Program(own.relations, *_box(own))
        chance = np.random.default_rng(size).choice([-1.0, 1.0], (_PUSHES, size))
        for direction in [np.ones(size), -np.ones(size), *chance]:
            if (open_ := unsure()).any():
                push(program, direction * np.where(open_, 1.0, 1e-3))
    if (left := np.flatnonzero(unsure())).size:
        program = _Program(own.relations, own.lower, own.upper, own.whole if integer else None)
        for cell, sign in product(left, (1.0, -1.0)):
            if unsure()[cell]:
                push(program, sign * (np.arange(size) == cell))
    return low, high


def _box(own: Knowledge) -> Ends:
    """Return bounds no wider than what is asked for: so one push shows enough of many numbers."""
    room = np.where(own.width > 0, own.width, 1e3)
    bottom = np.maximum(own.lower, np.minimum(own.low, own.exact - room))
    top = np.minimum(own.upper, np.maximum(own.high, own.exact + room))
    return np.minimum(bottom, own.exact), np.maximum(top, own.exact)


class _Program:
    """One program of which only the objective changes, so each solve starts warm."""

    def __init__(
        self, relations: Relations, lower: Numbers, upper: Numbers, whole: Flags | None = None
    ) -> None:
        columns = csc_array(relations.matrix)
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = columns.shape
        model.col_cost_ = np.zeros(len(lower))
        model.col_lower_, model.col_upper_ = lower, _open_end(upper)
        model.row_lower_ = -_open_end(-relations.lower)
        model.row_upper_ = _open_end(relations.upper)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = columns.indptr
        model.a_matrix_.index_ = columns.indices
        model.a_matrix_.value_ = columns.data
        if whole is not None:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            model.integrality_ = [kinds[int(flag)] for flag in whole]
        self.columns = np.arange(len(lower), dtype=np.int32)
        self.solver = highspy.Highs()
        self.solver.setOptionValue("output_flag", False)
        self.solver.setOptionValue("threads", 1)
        self.solver.passModel(model)

    def least(self, cost: Numbers) -> Numbers | None:
        """Return the cheapest solution, None if there is none."""
        self.solver.changeColsCost(len(self.columns), self.columns, cost.astype(np.float64))
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.asarray(self.solver.getSolution().col_value, dtype=np.float64)

    def prices(self) -> Ends:
        """Return what a unit of each bound and of each relation is worth at the last solution."""
        solution = self.solver.getSolution()
        return np.abs(solution.col_dual), np.abs(solution.row_dual)


def _open_end(bound: Numbers) -> Numbers:
    return np.where(bound >= FAR, highspy.kHighsInf, bound)


def binding(
    known: Knowledge, ends: Ends, group: Group, number: int
) -> tuple[list[int], dict[int, float]]:
    """Return why a number is bounded too narrowly: the numbers and the ratios whose bounds bind.

    A ratio with its weight: by how much the bound would give if it were not known.
    """
    own = known.part(group, known.lower, known.upper)
    program = _Program(own.relations, own.lower, own.upper)
    cell = (group.members == number).astype(np.float64)
    low, high = ends[0][number], ends[1][number]
    narrow = high - low < known.width[number] - NOISE
    sides = {1.0: low > known.low[number] + NOISE, -1.0: high < known.high[number] - NOISE}
    numbers, owners = set[int](), dict[int, float]()
    for side, bad in sides.items():
        world = program.least(side * cell) if bad or narrow else None
        if world is None:
            continue
        of_number, of_row = program.prices()
        numbers |= set(group.members[of_number > NOISE].tolist())
        weight = of_row * (abs(own.relations.matrix) @ np.abs(world))
        for row in np.flatnonzero((weight > NOISE) & (own.relations.owner >= 0)).tolist():
            owner = int(own.relations.owner[row])
            owners[owner] = max(owners.get(owner, 0.0), float(weight[row]))
    return sorted(numbers - {number}), owners
