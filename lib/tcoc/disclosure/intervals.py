"""What a reader can work out about hidden numbers, and the cheapest way to leave him in doubt.

The reader knows every published number, every relation, and that counts are not negative. He may
also know the rule: that a cell marked "small count" holds 1 to 10. Bounds are found by linear
programming (HiGHS); they are never narrower than what whole numbers allow, so whole counts are
rounded inwards before the width is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

NOISE = 1e-6
_FAR = 1000.0
_WORLDS = 500
_ROUNDS = 12


@dataclass(frozen=True)
class System:
    """Relations (each row sums to zero) over cells with their true amounts."""

    matrix: Numbers
    amounts: Numbers
    whole: Flags


@dataclass
class Reader:
    """What a reader holds possible for each cell before he looks at the relations.

    `worlds` are possible ones found so far, as differences from the true amounts. A world stays
    possible as long as the cells that it changes are hidden, so it spares later programs.
    """

    lower: Numbers
    upper: Numbers
    width: float
    worlds: list[Numbers] = field(default_factory=list)

    def reach(self, hidden: Flags) -> tuple[Numbers, Numbers]:
        """Return how far each cell moves down and up in the worlds that are possible now."""
        nowhere = np.zeros((1, len(hidden)))
        moves = np.vstack([nowhere, *self.worlds])
        possible = ~(np.abs(moves[:, ~hidden]) > NOISE).any(axis=1)
        return moves[possible].min(axis=0), moves[possible].max(axis=0)


def groups(matrix: Numbers) -> list[Places]:
    """Return the columns of a matrix in groups that share no row, each in order."""
    height, width = matrix.shape
    if width == 0:
        return []
    rows, columns = np.nonzero(matrix)
    links = csr_array((np.ones(len(rows)), (rows + width, columns)), shape=(width + height,) * 2)
    label = connected_components(links, directed=False)[1][:width]
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order])) + 1
    return [np.sort(group) for group in np.split(order, starts)]


def too_narrow(system: System, hidden: Flags, asked: Flags, reader: Reader) -> list[int]:
    """Return the asked cells that the reader can bound more narrowly than his width allows."""
    down, up = reader.reach(hidden)
    amounts = system.amounts
    wide = _width(amounts + down, amounts + up, system.whole) >= reader.width - NOISE
    unsure = asked & ~wide
    if not unsure.any():
        return []
    columns = np.flatnonzero(hidden)
    matrix = system.matrix[:, columns]
    found: list[int] = []
    for group in groups(matrix):
        members = columns[group]
        if unsure[members].any():
            rows = matrix[:, group]
            rows = rows[rows.any(axis=1)]
            found.extend(_narrow_in_group(_Group(rows, members, system, unsure[members], reader)))
    return sorted(found)


class _Group:
    """Hidden cells that share relations, and how far they have been seen to move."""

    def __init__(
        self, matrix: Numbers, members: Places, system: System, asked: Flags, reader: Reader
    ) -> None:
        self.matrix, self.members, self.asked, self.reader = matrix, members, asked, reader
        self.size = len(system.amounts)
        self.amounts, self.whole = system.amounts[members], system.whole[members]
        self.lower, self.upper = reader.lower[members], reader.upper[members]
        self.low, self.high = self.amounts.copy(), self.amounts.copy()

    def unsure(self) -> Flags:
        """Return the asked cells that have not been seen to move far enough."""
        wide = _width(self.low, self.high, self.whole) >= self.reader.width - NOISE
        flags: Flags = self.asked & ~wide
        return flags

    def see(self, world: Numbers | None) -> None:
        """Remember a possible world."""
        if world is None:
            return
        self.low, self.high = np.minimum(self.low, world), np.maximum(self.high, world)
        moves = np.zeros(self.size)
        moves[self.members] = world - self.amounts
        if len(self.reader.worlds) < _WORLDS:
            self.reader.worlds.append(moves)


def _narrow_in_group(group: _Group) -> list[int]:
    if group.matrix.shape[0] == 0:
        group.low, group.high = group.lower, group.upper
    elif group.matrix.shape[0] == 1:
        group.low, group.high = _one_relation(group)
    else:
        _explore(group)
    return [int(cell) for cell in group.members[group.unsure()]]


def _width(low: Numbers, high: Numbers, whole: Flags) -> Numbers:
    inner = np.floor(high + NOISE) - np.ceil(low - NOISE)
    return np.where(whole, inner, high - low)


def _one_relation(group: _Group) -> tuple[Numbers, Numbers]:
    """Return bounds under a single relation, by interval arithmetic."""
    signs = group.matrix[0]
    right = float(signs @ group.amounts)
    least = np.where(signs > 0, group.lower, -group.upper)
    most = np.where(signs > 0, group.upper, -group.lower)
    low, high = np.empty(len(signs)), np.empty(len(signs))
    for i, sign in enumerate(signs):
        others = np.arange(len(signs)) != i
        reach = (right - most[others].sum(), right - least[others].sum())
        down, up = reach if sign > 0 else (-reach[1], -reach[0])
        low[i], high[i] = max(down, group.lower[i]), min(up, group.upper[i])
    return low, high


def _explore(group: _Group) -> None:
    """Move the asked cells as far as they go, until each has gone far enough.

    1. Bounds are propagated through single relations; who is too narrow there needs no program.
    2. All doubtful cells are pushed together, up, down and in seeded random directions: every
       solution shows a possible amount of all cells, so few cells need a program of their own.
    3. The rest are pushed one by one.
    """
    box = _box(group.amounts, group.lower, group.upper, group.reader.width)
    outer = _propagated(group.matrix, group.amounts, box)
    narrow = _width(outer[:, 0], outer[:, 1], group.whole) < group.reader.width - NOISE
    asked, group.asked = group.asked, group.asked & ~narrow
    if group.unsure().any():
        _push(group, _Program(csr_array(group.matrix), group.matrix @ group.amounts, box))
    failed = group.unsure()
    group.asked = asked
    group.low[failed | narrow] = group.high[failed | narrow] = np.nan


def _push(group: _Group, program: "_Program") -> None:
    signs = np.random.default_rng(len(group.members)).choice([-1.0, 1.0], (4, len(group.members)))
    for direction in (np.ones(len(group.members)), -np.ones(len(group.members)), *signs):
        unsure = group.unsure()
        if unsure.any():
            group.see(program.least(-direction * unsure))
    for cell in np.flatnonzero(group.unsure()):
        for sign in (-1.0, 1.0):
            if group.unsure()[cell]:
                group.see(program.least(sign * (np.arange(len(group.members)) == cell)))


class _Program:
    """One linear program of which only the objective changes, so each solve starts warm."""

    def __init__(self, matrix: csr_array, right: Numbers, box: Numbers) -> None:
        model = highspy.HighsLp()
        model.num_row_, model.num_col_ = matrix.shape
        model.col_cost_ = np.zeros(matrix.shape[1])
        model.col_lower_, model.col_upper_ = box[:, 0], box[:, 1]
        model.row_lower_ = model.row_upper_ = right
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = matrix.indptr
        model.a_matrix_.index_ = matrix.indices
        model.a_matrix_.value_ = matrix.data
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
        return np.asarray(self.solver.getSolution().col_value)


def _propagated(signs: Numbers, amounts: Numbers, box: Numbers) -> Numbers:
    """Return bounds narrowed by each relation alone, over and over until little changes."""
    right = signs @ amounts
    positive = signs > 0
    used = signs != 0
    low, high = box[:, 0].copy(), box[:, 1].copy()
    for _ in range(_ROUNDS):
        least = np.where(used, np.where(positive, low, -high), 0.0)
        most = np.where(used, np.where(positive, high, -low), 0.0)
        most_left = right[:, None] - (least.sum(axis=1)[:, None] - least)
        least_left = right[:, None] - (most.sum(axis=1)[:, None] - most)
        top = np.where(used, np.where(positive, most_left, -least_left), np.inf).min(axis=0)
        bottom = np.where(used, np.where(positive, least_left, -most_left), -np.inf).max(axis=0)
        new_low, new_high = np.maximum(low, bottom), np.minimum(high, top)
        if (new_low - low < NOISE).all() and (high - new_high < NOISE).all():
            break
        low, high = new_low, new_high
    return np.column_stack([low, high])


def _box(amounts: Numbers, lower: Numbers, upper: Numbers, width: float) -> Numbers:
    """Return the bounds, made finite far beyond any width that is asked for."""
    far = _FAR * max(width, 1.0)
    low = np.maximum(lower, amounts - far)
    high = np.minimum(upper, amounts + far)
    return np.column_stack([np.minimum(low, amounts), np.maximum(high, amounts)])


def cheapest_doubt(
    system: System, hidden: Flags, cell: int, cost: Numbers, reader: Reader
) -> list[int]:
    """Return the visible cells to hide so that the reader's interval for one cell is wide enough.

    Linear program: two possible worlds that differ in the cell by the width; the cost of a visible
    cell is paid by how far the worlds move it. Its support is what must be hidden; empty if there
    is no such pair of worlds. Exact in least movement, near the fewest cells.
    """
    number = len(system.amounts)
    box = _box(system.amounts, reader.lower, reader.upper, reader.width)
    ups, downs = box[:, 1] - system.amounts, system.amounts - box[:, 0]
    matrix = _two_worlds(system.matrix, cell)
    right = np.append(np.zeros(2 * len(system.matrix)), reader.width)
    limits = np.column_stack([np.zeros(4 * number), np.tile(np.append(ups, downs), 2)])
    found = _Program(matrix, right, limits).least(np.tile(np.where(hidden, 0.0, cost), 4))
    if found is None:
        return []
    parts = found.reshape(4, number)
    worlds = parts[[0, 2]] - parts[[1, 3]]
    reader.worlds.extend(worlds)
    moved = (np.abs(worlds) > NOISE).any(axis=0) & ~hidden
    return [int(c) for c in np.flatnonzero(moved)]


def _two_worlds(matrix: Numbers, cell: int) -> csr_array:
    """Return the relations of two worlds, and a last row for how far apart they are in a cell.

    Columns: the ups and the downs of one world, then those of the other.
    """
    height, number = matrix.shape
    rows, columns = np.nonzero(matrix)
    signs = matrix[rows, columns]
    last = np.full(4, 2 * height)
    apart = cell + number * np.arange(4)
    values = np.concatenate([signs, -signs, signs, -signs, [1.0, -1.0, -1.0, 1.0]])
    down = np.concatenate([rows, rows, rows + height, rows + height, last])
    across = np.concatenate([*(columns + number * i for i in range(4)), apart])
    return csr_array((values, (down, across)), shape=(2 * height + 1, 4 * number))


def exactly_known(system: System, hidden: Flags, asked: Flags) -> list[int]:
    """Return the asked hidden cells that follow exactly from the published ones (row space).

    A hidden cell is known if it is the same in all solutions: its row of the null space is zero.
    """
    columns = np.flatnonzero(hidden)
    matrix = system.matrix[:, columns]
    known: list[int] = []
    for group in groups(matrix):
        members = columns[group]
        if not asked[members].any():
            continue
        rows = matrix[:, group]
        rows = rows[rows.any(axis=1)]
        fixed = _fixed(rows)
        known.extend(members[fixed & asked[members]].tolist())
    return sorted(known)


def _fixed(rows: Numbers) -> Flags:
    if rows.shape[0] == 0:
        return np.zeros(rows.shape[1], dtype=bool)
    _, sizes, vectors = np.linalg.svd(rows, full_matrices=True)
    rank = int((sizes > 1e-9 * max(1.0, sizes[0])).sum())
    free = vectors[rank:]
    reach: Flags = np.abs(free).max(axis=0, initial=0.0) < 1e-9
    return reach


def matrix_of(relations: Sequence[dict[int, int]], cells: Sequence[int]) -> Numbers:
    """Return relations as a matrix over the given cells."""
    position = {cell: i for i, cell in enumerate(cells)}
    matrix = np.zeros((len(relations), len(cells)))
    for row, relation in enumerate(relations):
        for cell, sign in relation.items():
            matrix[row, position[cell]] = sign
    return matrix
