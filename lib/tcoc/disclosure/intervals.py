"""What a reader can work out about hidden numbers, and the cheapest way to leave him in doubt.

The reader knows every published number, every relation, and that counts are not negative. He may
also know the rule: that a cell marked "small count" holds 1 to 10. Bounds are found by linear
programming (HiGHS); they are never narrower than what whole numbers allow, so whole counts are
rounded inwards before the width is judged.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import bmat, csr_array, identity
from scipy.sparse.csgraph import connected_components

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NOISE = 1e-6
_FAR = 1000.0


@dataclass(frozen=True)
class System:
    """Relations (each row sums to zero) over cells with their true amounts."""

    matrix: csr_array
    amounts: Numbers
    whole: Flags


@dataclass(frozen=True)
class Reader:
    """What a reader holds possible for each cell before he looks at the relations."""

    lower: Numbers
    upper: Numbers
    width: float


def groups(matrix: csr_array) -> list[npt.NDArray[np.int64]]:
    """Return the columns of a matrix in groups that share no row, each in order."""
    if matrix.shape[1] == 0:
        return []
    touching = abs(matrix)
    number, label = connected_components(touching.T @ touching, directed=False)
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(np.bincount(label, minlength=number))[:-1]
    return [np.sort(group) for group in np.split(order, ends)]


def too_narrow(system: System, hidden: Flags, asked: Flags, reader: Reader) -> list[int]:
    """Return the asked cells that the reader can bound more narrowly than his width allows."""
    columns = np.flatnonzero(hidden)
    matrix = system.matrix[:, columns]
    found: list[int] = []
    for group in groups(matrix):
        members = columns[group]
        if asked[members].any():
            rows = matrix[:, group]
            rows = rows[np.diff(rows.indptr) > 0]
            found.extend(_narrow_in_group(rows, members, system, asked, reader))
    return sorted(found)


def _narrow_in_group(
    matrix: csr_array,
    members: npt.NDArray[np.int64],
    system: System,
    asked: Flags,
    reader: Reader,
) -> Iterator[int]:
    amounts, whole = system.amounts[members], system.whole[members]
    lower, upper = reader.lower[members], reader.upper[members]
    if matrix.shape[0] == 1:
        low, high = _one_relation(matrix, amounts, lower, upper)
    elif matrix.shape[0] == 0:
        low, high = lower, upper
    else:
        wanted = asked[members]
        low, high = _explore(matrix, amounts, whole, wanted, (lower, upper), reader.width)
    enough = _width(low, high, whole) >= reader.width - NOISE
    yield from members[asked[members] & ~enough].tolist()


def _width(low: Numbers, high: Numbers, whole: Flags) -> Numbers:
    inner = np.floor(high + NOISE) - np.ceil(low - NOISE)
    return np.where(whole, inner, high - low)


def _one_relation(
    matrix: csr_array, amounts: Numbers, lower: Numbers, upper: Numbers
) -> tuple[Numbers, Numbers]:
    """Return bounds under a single relation, by interval arithmetic."""
    signs = matrix.toarray()[0]
    right = float(signs @ amounts)
    least = np.where(signs > 0, lower, -upper)
    most = np.where(signs > 0, upper, -lower)
    low, high = np.empty(len(signs)), np.empty(len(signs))
    for i, sign in enumerate(signs):
        others = np.arange(len(signs)) != i
        reach = (right - most[others].sum(), right - least[others].sum())
        down, up = reach if sign > 0 else (-reach[1], -reach[0])
        low[i], high[i] = max(down, lower[i]), min(up, upper[i])
    return low, high


def _explore(
    matrix: csr_array,
    amounts: Numbers,
    whole: Flags,
    wanted: Flags,
    bounds: tuple[Numbers, Numbers],
    width: float,
) -> tuple[Numbers, Numbers]:
    """Return how far each wanted cell can move, found until it is far enough.

    Every solution shows a possible value of all cells, so most cells need no program of their own.
    """
    box = _box(amounts, bounds, width)
    right = matrix @ amounts
    low, high = amounts.copy(), amounts.copy()
    for objective in _objectives(wanted, lambda: _width(low, high, whole) < width - NOISE):
        answer = linprog(objective, A_eq=matrix, b_eq=right, bounds=box, method="highs")
        if answer.status != 0:
            continue
        low, high = np.minimum(low, answer.x), np.maximum(high, answer.x)
    return low, high


def _objectives(wanted: Flags, unsure: object) -> Iterator[Numbers]:
    assert callable(unsure)
    for sign in (-1.0, 1.0):
        open_cells = wanted & unsure()
        if open_cells.any():
            yield sign * open_cells.astype(np.float64)
    for cell in np.flatnonzero(wanted):
        for sign in (-1.0, 1.0):
            if unsure()[cell]:
                objective = np.zeros(len(wanted))
                objective[cell] = sign
                yield objective


def _box(amounts: Numbers, bounds: tuple[Numbers, Numbers], width: float) -> Numbers:
    """Return the bounds, made finite far beyond any width that is asked for."""
    far = _FAR * max(width, 1.0)
    low = np.maximum(bounds[0], amounts - far)
    high = np.minimum(bounds[1], amounts + far)
    return np.column_stack([np.minimum(low, amounts), np.maximum(high, amounts)])


def cheapest_doubt(
    system: System, hidden: Flags, cell: int, cost: Numbers, reader: Reader
) -> list[int]:
    """Return the visible cells to hide so that the reader's interval for one cell is wide enough.

    Linear program: two possible worlds that differ in the cell by the width; the cost of a visible
    cell is paid by how far either world moves it. Its support is what must be hidden; empty if
    there is no such pair of worlds. Exact in least movement, near the fewest cells.
    """
    number = len(system.amounts)
    visible = np.flatnonzero(~hidden)
    box = _box(system.amounts, (reader.lower, reader.upper), reader.width)
    moves = box - system.amounts[:, None]
    pick = identity(number, format="csr")[visible]
    paid = identity(len(visible), format="csr")
    limits = [
        [pick, None, -paid],
        [-pick, None, -paid],
        [None, pick, -paid],
        [None, -pick, -paid],
    ]
    apart = np.zeros(2 * number + len(visible))
    apart[cell], apart[number + cell] = -1.0, 1.0
    upper = bmat([[bmat(limits)], [csr_array(apart[None, :])]], format="csr")
    right = np.zeros(4 * len(visible) + 1)
    right[-1] = -reader.width
    empty = csr_array((system.matrix.shape[0], len(visible)))
    equal = bmat([[system.matrix, None, empty], [None, system.matrix, empty]], format="csr")
    answer = linprog(
        np.concatenate([np.zeros(2 * number), cost[visible]]),
        A_ub=upper,
        b_ub=right,
        A_eq=equal,
        b_eq=np.zeros(equal.shape[0]),
        bounds=np.vstack([moves, moves, np.tile([0.0, np.inf], (len(visible), 1))]),
        method="highs",
    )
    if answer.status != 0:
        return []
    moved = answer.x[2 * number :] > NOISE
    return [int(c) for c in visible[moved]]


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
        rows = matrix[:, group].toarray()
        rows = rows[np.abs(rows).sum(axis=1) > 0]
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


def matrix_of(relations: Sequence[dict[int, int]], cells: Sequence[int]) -> csr_array:
    """Return relations as a matrix over the given cells."""
    position = {cell: i for i, cell in enumerate(cells)}
    entries = [(r, position[c], s) for r, rel in enumerate(relations) for c, s in rel.items()]
    rows, columns, signs = zip(*entries, strict=True) if entries else ((), (), ())
    shape = (len(relations), len(cells))
    return csr_array((np.array(signs, dtype=np.float64), (rows, columns)), shape=shape)
