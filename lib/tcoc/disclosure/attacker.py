"""What a reader of everything public can bound: the judge of a release (rule D2).

He holds for each number an interval (its rounding; one and up where hidden) and all relations.
1. Bounds are passed along single relations until nothing moves: what is too narrow then is known.
2. Linear programs (HiGHS) push all other numbers together, up, down and in seeded random
   directions: each solution is a possible world, so few numbers need a program of their own.
3. The rest are pushed one by one, as whole numbers where asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from tcoc.disclosure.network import FAR, Relations
from tcoc.disclosure.rounding import Flags, Numbers

NOISE = 1e-6
_PASSES = 30
_PUSHES = 8


@dataclass
class Knowledge:
    """What is public: bounds of each number, whole or not, and the relations between them."""

    lower: Numbers
    upper: Numbers
    whole: Flags
    relations: Relations
    matrix: csr_array = field(init=False)

    def __post_init__(self) -> None:
        relation = self.relations
        shape = (len(relation.lower), len(self.lower))
        self.matrix = csr_array((relation.sign, (relation.row, relation.variable)), shape=shape)

    def inward(self, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
        """Round bounds of whole numbers inwards."""
        return (
            np.where(self.whole, np.ceil(low - NOISE), low),
            np.where(self.whole, np.floor(high + NOISE), high),
        )


@dataclass(frozen=True)
class Wish:
    """How wide each number's bounds must be: down to `low` and up to `high` and `width` apart.

    A number about which nothing is to be protected has the width zero.
    """

    low: Numbers
    high: Numbers
    width: Numbers

    def missed(self, low: Numbers, high: Numbers) -> Flags:
        """Return which numbers are bounded too narrowly."""
        narrow = high - low < self.width - NOISE
        flags: Flags = narrow | (low > self.low + NOISE) | (high < self.high - NOISE)
        return flags & (self.width > 0)


def propagated(known: Knowledge) -> tuple[Numbers, Numbers]:
    """Return bounds narrowed by each relation alone, over and over until little changes."""
    relation = known.relations
    low, high = known.inward(known.lower, known.upper)
    row, variable, sign = relation.row, relation.variable, relation.sign
    height, positive = len(relation.lower), relation.sign > 0
    for _ in range(_PASSES):
        least = np.where(positive, sign * low[variable], sign * high[variable])
        most = np.where(positive, sign * high[variable], sign * low[variable])
        least_sum = np.bincount(row, least, height)
        most_sum = np.bincount(row, most, height)
        top = (relation.upper[row] - (least_sum[row] - least)) / sign
        bottom = (relation.lower[row] - (most_sum[row] - most)) / sign
        new_low, new_high = low.copy(), high.copy()
        np.minimum.at(new_high, variable, np.where(positive, top, bottom))
        np.maximum.at(new_low, variable, np.where(positive, bottom, top))
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


def bounds(
    known: Knowledge,
    wish: Wish,
    truth: Numbers,
    groups: Sequence[Group],
    *,
    integer: bool = False,
) -> tuple[Numbers, Numbers]:
    """Return for each number with a wish, in some groups, what the reader can bound it to.

    Bounds are exact where they miss the wish, and at least as wide as shown where they meet it.
    `truth` is one possible world: it spares programs and decides nothing.
    """
    low, high = propagated(known)
    found_low, found_high = low.copy(), high.copy()
    for group in groups:
        own = _Own(known, wish, group, low, high)
        if len(group.rows) and own.unsure(truth[group.members], truth[group.members]).any():
            ends = _explore(known, own, truth[group.members], integer=integer)
            open_ = own.wish.width > 0
            settled = group.members[open_ & ~own.missed]
            found_low[settled], found_high[settled] = (e[open_ & ~own.missed] for e in ends)
    return found_low, found_high


def groups_of(relation: Relations, numbers: int) -> list[Group]:
    """Return the numbers in groups that share no relation; numbers without one are in none."""
    height = len(relation.lower)
    shape = (numbers + height, numbers + height)
    links = csr_array(
        (np.ones(len(relation.row)), (relation.row + numbers, relation.variable)), shape
    )
    label = connected_components(links, directed=False)[1]
    related = np.concatenate([np.unique(relation.variable), np.arange(height) + numbers])
    order = related[np.argsort(label[related], kind="stable")]
    cuts = np.flatnonzero(np.diff(label[order])) + 1
    parts = np.split(order, cuts) if len(order) else []
    return [Group(part[part < numbers], part[part >= numbers] - numbers) for part in parts]


class _Own:
    """One group's share of the knowledge and of the wish."""

    def __init__(
        self, known: Knowledge, wish: Wish, group: Group, low: Numbers, high: Numbers
    ) -> None:
        own = group.members
        self.wish = Wish(wish.low[own], wish.high[own], wish.width[own])
        self.low, self.high, self.whole = low[own], high[own], known.whole[own]
        self.missed = self.wish.missed(self.low, self.high)
        self.matrix = csr_array(known.matrix[group.rows][:, own])
        self.limits = known.relations.lower[group.rows], known.relations.upper[group.rows]

    def unsure(self, low: Numbers, high: Numbers) -> Flags:
        """Return which numbers have not been seen to move far enough, and are not known anyway."""
        bottom = np.where(self.whole, np.ceil(low - NOISE), low)
        top = np.where(self.whole, np.floor(high + NOISE), high)
        flags: Flags = self.wish.missed(bottom, top) & ~self.missed
        return flags


def _explore(
    known: Knowledge, own: _Own, truth: Numbers, *, integer: bool
) -> tuple[Numbers, Numbers]:
    low, high = truth.copy(), truth.copy()
    size = len(truth)

    def see(world: Numbers | None) -> None:
        if world is not None:
            np.minimum(low, world, out=low)
            np.maximum(high, world, out=high)

    program = _Program(own.matrix, own.limits, _box(truth, own))
    chance = np.random.default_rng(size)
    for direction in [np.ones(size), -np.ones(size), *chance.choice([-1.0, 1.0], (_PUSHES, size))]:
        unsure = own.unsure(low, high)
        if not unsure.any():
            return low, high
        see(program.least(direction * np.where(unsure, 1.0, 1e-3)))
    wide = np.column_stack([own.low, own.high])
    program = _Program(own.matrix, own.limits, wide, own.whole if integer else None)
    for cell in np.flatnonzero(own.unsure(low, high)):
        for sign in (1.0, -1.0):
            if own.unsure(low, high)[cell]:
                see(program.least(sign * (np.arange(size) == cell)))
    return low, high


def _box(truth: Numbers, own: _Own) -> Numbers:
    """Return bounds no wider than what is asked for: so one push shows enough of many numbers."""
    room = np.where(own.wish.width > 0, own.wish.width, 1e3)
    bottom = np.maximum(own.low, np.minimum(own.wish.low, truth - room))
    top = np.minimum(own.high, np.maximum(own.wish.high, truth + room))
    return np.column_stack([np.minimum(bottom, truth), np.maximum(top, truth)])


class _Program:
    """One program of which only the objective changes, so each solve starts warm."""

    def __init__(
        self,
        matrix: csr_array,
        limits: tuple[Numbers, Numbers],
        box: Numbers,
        whole: Flags | None = None,
    ) -> None:
        columns = csc_array(matrix)
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = matrix.shape
        model.col_cost_ = np.zeros(matrix.shape[1])
        model.col_lower_, model.col_upper_ = box[:, 0], _open_end(box[:, 1])
        model.row_lower_, model.row_upper_ = -_open_end(-limits[0]), _open_end(limits[1])
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = columns.indptr
        model.a_matrix_.index_ = columns.indices
        model.a_matrix_.value_ = columns.data
        if whole is not None:
            kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
            model.integrality_ = [kinds[int(flag)] for flag in whole]
        self.columns = np.arange(matrix.shape[1], dtype=np.int32)
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

    def prices(self) -> tuple[Numbers, Numbers]:
        """Return what a unit of each bound and of each relation is worth at the last solution."""
        solution = self.solver.getSolution()
        return np.asarray(solution.col_dual), np.asarray(solution.row_dual)


def _open_end(bound: Numbers) -> Numbers:
    return np.where(bound >= FAR, highspy.kHighsInf, bound)


def binding(
    known: Knowledge, low: Numbers, high: Numbers, wish: Wish, group: Group, cell: int
) -> tuple[dict[int, float], dict[int, float]]:
    """Return why a number is bounded too narrowly: the numbers and the ratios whose bounds bind.

    Each with its weight: by how much the bound would give if that were not known.
    """
    members, rows = group.members, group.rows
    part = csr_array(known.matrix[rows][:, members])
    limits = known.relations.lower[rows], known.relations.upper[rows]
    program = _Program(part, limits, np.column_stack([known.lower[members], known.upper[members]]))
    cost = (members == cell).astype(np.float64)
    narrow = high[cell] - low[cell] < wish.width[cell] - NOISE
    sides = {1.0: low[cell] > wish.low[cell] + NOISE, -1.0: high[cell] < wish.high[cell] - NOISE}
    numbers, owners = dict[int, float](), dict[int, float]()
    for side, bad in sides.items():
        world = program.least(side * cost) if bad or narrow else None
        if world is None:
            continue
        of_number, of_row = program.prices()
        scale = abs(part) @ np.abs(world)
        for place in np.flatnonzero(np.abs(of_number) > NOISE):
            width = known.upper[members[place]] - known.lower[members[place]]
            numbers[int(members[place])] = float(abs(of_number[place]) * width)
        for place in np.flatnonzero(np.abs(of_row) * scale > NOISE):
            owner = int(known.relations.owner[rows[place]])
            if owner >= 0:
                weight = float(abs(of_row[place]) * scale[place])
                owners[owner] = max(owners.get(owner, 0.0), weight)
    numbers.pop(cell, None)
    return numbers, owners
