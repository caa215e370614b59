"""What a reader of everything public can bound: the judge of a release (rule D2).

He holds for each number an interval (its rounding; one and up where hidden) and all relations.
1. Bounds are passed along single relations until nothing moves: what is too narrow then is known.
2. Linear programs (HiGHS) push all other numbers together, up, down and in seeded random
   directions: each solution is a possible world, so few numbers need a program of their own.
3. The rest are pushed one by one, as whole numbers where asked.
"""

from itertools import product
from typing import NamedTuple

import highspy
import numpy as np
from scipy.sparse import csc_array

from tcoc.disclosure.record import FAR, NOISE, Ends, Group, Record
from tcoc.disclosure.rounding import Flags, Numbers

_PASSES = 30
_PUSHES = 4
_FEW = 3
"""So many numbers are pushed one by one at once."""


class Binding(NamedTuple):
    """Why a number is bounded: the numbers whose bounds bind, all numbers of the relations that do,
    and the ratios, by cell, with their weight: by how much the bound would give without them."""

    numbers: list[int]
    linked: list[int]
    ratios: dict[int, float]


def propagated(known: Record) -> Ends:
    """Return bounds narrowed by each relation alone, over and over until little changes."""
    entries = known.relations.matrix.tocoo()
    low, high = known.inward(known["lower"], known["upper"])
    height, live = len(known.relations.lower), np.ones(len(entries.row), dtype=bool)
    for _ in range(_PASSES):
        row, number, sign = entries.row[live], entries.col[live], entries.data[live]
        positive = sign > 0
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
        # Only relations of numbers that moved have more to say.
        told = np.bincount(entries.row, moved[entries.col], height) > 0
        live = told[entries.row]
    return low, high


def bounds(
    known: Record, ends: Ends, seen: Ends, asked: Flags | None = None, *, integer: bool = False
) -> Ends:
    """Return for each number with a wish, in groups with a number asked for, what is told of it.

    `ends` is what single relations tell. Bounds are exact where they miss the wish, and at least as
    wide as shown where they meet it. `seen` is how far numbers move in worlds that are known to be
    possible, the true one at least; it grows by those found here, which stay possible when more is
    hidden.
    """
    told = known.missed(*ends)
    unsure, settled = known.missed(*seen) & ~told, np.zeros(len(told), dtype=bool)
    for group in known.groups:
        members = group[0]
        if asked is None or asked[members].any():
            settled[members] = True
            if unsure[members].any():
                own = known.part(group, *ends)
                found = _explored(
                    own, ~told[members], (seen[0][members], seen[1][members]), integer
                )
                seen[0][members], seen[1][members] = found
    settled &= (known["width"] > 0) & ~told
    return np.where(settled, seen[0], ends[0]), np.where(settled, seen[1], ends[1])


def _explored(own: Record, asked: Flags, seen: Ends, integer: bool) -> Ends:
    """Return how far some numbers are seen to move, until they move far enough or no further."""
    (low, high), size = seen, len(asked)

    def unsure() -> Flags:
        return own.missed(low, high) & asked

    both = [np.ones(size), -np.ones(size)]
    if unsure().sum() > _FEW:
        program, cost = _Program(own, *_box(own)), np.ones(size)
        chance = np.random.default_rng(size).choice([-1.0, 1.0], (_PUSHES, size))
        for direction in [*both, *chance]:
            if (open_ := unsure()).any():
                # what has moved enough is held where it is: a few steps make the next world
                cost = np.where(open_, direction, 1e-3 * np.sign(cost))
                program.push(cost, low, high)
    if (left := np.flatnonzero(unsure())).size:
        program = _Program(own, own["lower"], own["upper"], own["whole"] if integer else None)
        for direction in both if len(left) > 1 else []:
            program.push(direction * unsure(), low, high)
        for cell, sign in product(left, (1.0, -1.0)):
            if unsure()[cell]:
                program.push(sign * (np.arange(size) == cell), low, high)
    return low, high


def _box(own: Record) -> Ends:
    """Return bounds no wider than what is asked for: so one push shows enough of many numbers."""
    exact, room = own["exact"], np.where(own["width"] > 0, own["width"], 1e3)
    bottom = np.maximum(own["lower"], np.minimum(own["low"], exact - room))
    top = np.minimum(own["upper"], np.maximum(own["high"], exact + room))
    return np.minimum(bottom, exact), np.maximum(top, exact)


class _Program:
    """One program of which only the objective changes, so each solve starts warm."""

    def __init__(
        self, own: Record, lower: Numbers, upper: Numbers, whole: Flags | None = None
    ) -> None:
        matrix, told = csc_array(own.relations.matrix), own.relations
        kinds = np.zeros(len(lower), dtype=np.int32) if whole is None else whole.astype(np.int32)
        self.solver, self.columns = highspy.Highs(), np.arange(len(lower), dtype=np.int32)
        self.solver.setOptionValue("output_flag", False)
        self.solver.setOptionValue("threads", 1)
        self.solver.passModel(
            len(lower), len(told.lower), matrix.nnz, 1, 1, 0.0, np.zeros(len(lower)), lower,
            _open(upper), -_open(-told.lower), _open(told.upper), matrix.indptr,
            matrix.indices, matrix.data, kinds,
        )  # fmt: skip

    def least(self, cost: Numbers) -> Numbers | None:
        """Return the cheapest solution, None if there is none."""
        self.solver.changeColsCost(len(self.columns), self.columns, cost.astype(np.float64))
        self.solver.run()
        if self.solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.asarray(self.solver.getSolution().col_value, dtype=np.float64)

    def push(self, cost: Numbers, low: Numbers, high: Numbers) -> None:
        """Widen how far numbers are seen to move by the cheapest solution."""
        world = self.least(cost)
        if world is not None:
            np.minimum(low, world, out=low)
            np.maximum(high, world, out=high)

    def prices(self) -> Ends:
        """Return what a unit of each bound and of each relation is worth at the last solution."""
        solution = self.solver.getSolution()
        return np.abs(solution.col_dual), np.abs(solution.row_dual)


def _open(bound: Numbers) -> Numbers:
    return np.where(bound >= FAR, highspy.kHighsInf, bound)


def binding(known: Record, ends: Ends, group: Group, number: int) -> Binding:
    """Return why a number of a group is bounded too narrowly."""
    own = known.part(group, known["lower"], known["upper"])
    program, matrix = _Program(own, own["lower"], own["upper"]), abs(own.relations.matrix)
    cell = (group[0] == number).astype(np.float64)
    narrow = ends[1][number] - ends[0][number] < known["width"][number] - NOISE
    sides = {
        1.0: narrow or ends[0][number] > known["low"][number] + NOISE,
        -1.0: narrow or ends[1][number] < known["high"][number] - NOISE,
    }
    numbers, linked, ratios = set[int](), set[int](), dict[int, float]()
    for side in (side for side, bad in sides.items() if bad):
        world = program.least(side * cell)
        if world is None:
            continue
        of_number, of_row = program.prices()
        numbers |= set(group[0][of_number > NOISE].tolist())
        linked |= set(group[0][matrix.T @ (of_row > NOISE) > 0].tolist())
        weight = of_row * (matrix @ np.abs(world))
        for row in np.flatnonzero((weight > NOISE) & (own.relations.owner >= 0)).tolist():
            owner = int(own.relations.owner[row])
            ratios[owner] = max(ratios.get(owner, 0.0), float(weight[row]))
    return Binding(sorted(numbers - {number}), sorted(linked), ratios)
