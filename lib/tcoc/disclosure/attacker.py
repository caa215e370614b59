"""What a reader of everything public can bound: the judge of a release (rule D2).

He holds for each number an interval (its rounding; one and up where hidden) and all relations.
1. Bounds are passed along single relations until nothing moves: what is too narrow then is known.
2. Linear programs (HiGHS) push all other numbers together, up, down and in seeded random
   directions: each solution is a possible world, so few numbers need a program of their own.
3. The rest are pushed one by one, as whole numbers where asked.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import highspy
import numpy as np

from tcoc.disclosure.network import spoken
from tcoc.disclosure.record import FAR, NAME, NOISE, Ends, Group, Record, joint
from tcoc.disclosure.rounding import Flags, Numbers

TOGETHER = "can be worked out from both editions"
FEW = "the two editions differ by a small count that can be told"

_SPAN = 2.0
"""A difference of two shown counts is told where fewer than three whole numbers are left for it."""

_PASSES = 30
_PUSHES = 4
_FEW = 3
"""So many numbers are pushed one by one at once."""


def propagated(known: Record) -> Ends:
    """Return bounds narrowed by each relation alone, over and over until little changes."""
    entries, height = known.relations.matrix.tocoo(), len(known.relations.lower)
    row, number, sign = entries.row, entries.col, entries.data
    low, high = known.inward(known["lower"], known["upper"])
    for _ in range(_PASSES):
        least = np.where(sign > 0, sign * low[number], sign * high[number])
        most = np.where(sign > 0, sign * high[number], sign * low[number])
        least_sum, most_sum = np.bincount(row, least, height), np.bincount(row, most, height)
        top = (known.relations.upper[row] - (least_sum[row] - least)) / sign
        bottom = (known.relations.lower[row] - (most_sum[row] - most)) / sign
        new_low, new_high = low.copy(), high.copy()
        np.minimum.at(new_high, number, np.where(sign > 0, top, bottom))
        np.maximum.at(new_low, number, np.where(sign > 0, bottom, top))
        new_low, new_high = known.inward(new_low, new_high)
        moved = (new_low > low + NOISE) | (new_high < high - NOISE)
        if not moved.any():
            break
        # What is far away is not known: FAR sums carry rounding noise, and nothing is lost.
        low, high = np.where(moved, new_low, low), np.where(moved, new_high, high)
    return low, high


def bounds(known: Record, ends: Ends, seen: Ends, *, integer: bool = False) -> Ends:
    """Return for each number with a wish what he can bound it to.

    `ends` is what single relations tell. Bounds are exact where they miss the wish, and at least as
    wide as shown where they meet it. `seen` is how far numbers move in worlds that are known to be
    possible, the true one at least; it grows by those found here, which stay possible when more is
    hidden.
    """
    told = known.missed(*ends)
    unsure, asked = known.missed(*seen) & ~told, np.zeros(len(told), dtype=bool)

    def ask(group: Group) -> None:
        members = group[0]
        if unsure[members].any():
            own, (low, high) = known.part(group, *ends), (side[members] for side in seen)
            _explore(own, ~told[members], low, high, integer)
            asked[members], seen[0][members], seen[1][members] = unsure[members], low, high

    with ThreadPoolExecutor(2) as pool:  # no two share a number; the largest takes longest
        list(pool.map(ask, sorted(known.groups, key=lambda group: -len(group[0]))))
    return np.where(asked, seen[0], ends[0]), np.where(asked, seen[1], ends[1])


def _explore(own: Record, asked: Flags, low: Numbers, high: Numbers, integer: bool) -> None:
    """Widen how far some numbers are seen to move, until it is far enough or no further."""
    size, exact = len(asked), own["exact"]

    def unsure() -> Flags:
        return own.missed(low, high) & asked

    both = [np.ones(size), -np.ones(size)]
    if unsure().sum() > _FEW:
        # bounds no wider than what is asked for: so one push shows enough of many numbers
        room = np.where(own["width"] > 0, own["width"], 1e3)
        bottom = np.maximum(own["lower"], np.minimum(own["low"], exact - room))
        top = np.minimum(own["upper"], np.maximum(own["high"], exact + room))
        program, cost = _Program(own, np.minimum(bottom, exact), np.maximum(top, exact)), both[0]
        chance = np.random.default_rng(size).choice([-1.0, 1.0], (_PUSHES, size))
        for direction in [*both, *chance]:
            if (open_ := unsure()).any():
                # what has moved enough is held where it is: a few steps make the next world
                cost = np.where(open_, direction, 1e-3 * np.sign(cost))
                program.push(cost, low, high)
    if (left := np.flatnonzero(unsure())).size:
        program = _Program(own, own["lower"], own["upper"], integer)
        for direction in both if len(left) > 1 else []:
            program.push(direction * unsure(), low, high)
        for cell, sign in product(left, (1.0, -1.0)):
            if unsure()[cell]:
                program.push(sign * (np.arange(size) == cell), low, high)


class _Program:
    """One program of which only the objective changes, so each solve starts warm."""

    def __init__(self, own: Record, lower: Numbers, upper: Numbers, integer: bool = False) -> None:
        matrix, told = own.relations.matrix, own.relations
        kinds = (own["whole"] * integer).astype(np.int32)
        self.solver, self.columns = highspy.Highs(), np.arange(len(lower), dtype=np.int32)
        self.solver.setOptionValue("output_flag", False)
        self.solver.setOptionValue("threads", 1)
        self.solver.passModel(
            len(lower), len(told.lower), matrix.nnz, 2, 1, 0.0, np.zeros(len(lower)), lower,
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
        if (world := self.least(cost)) is not None:
            np.minimum(low, world, out=low)
            np.maximum(high, world, out=high)


def _open(bound: Numbers) -> Numbers:
    return np.where(bound >= FAR, highspy.kHighsInf, bound)


def binding(
    known: Record, ends: Ends, group: Group, number: int
) -> tuple[set[int], set[int], dict[int, float]]:
    """Return why a number of a group is bounded too narrowly.

    The numbers whose bounds bind, all numbers of the relations that do, and the ratios, by cell,
    with their weight: by how much the bound would give without them.
    """
    own = known.part(group, known["lower"], known["upper"])
    program, matrix = _Program(own, own["lower"], own["upper"]), abs(own.relations.matrix)
    low, high = (side[number] for side in ends)
    narrow = high - low < known["width"][number] - NOISE
    numbers, linked, ratios = set[int](), set[int](), dict[int, float]()
    for side, bad in ((1.0, low > known["low"][number] + NOISE),
                      (-1.0, high < known["high"][number] - NOISE)):  # fmt: skip
        world = program.least(side * (group[0] == number)) if bad or narrow else None
        if world is None:
            continue
        solution, owners = program.solver.getSolution(), own.relations.owner
        of_number, of_row = np.abs(solution.col_dual), np.abs(solution.row_dual)
        numbers |= set(group[0][of_number > NOISE].tolist())
        linked |= set(group[0][matrix.T @ (of_row > NOISE) > 0].tolist())
        weight = of_row * (matrix @ np.abs(world))
        for row in np.flatnonzero((weight > NOISE) & (owners >= 0)).tolist():
            ratios[owners[row]] = max(ratios.get(owners[row], 0.0), float(weight[row]))
    return numbers - {number}, linked, ratios


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
        pair = now.merge(earlier.numbers[NAME].assign(b=number), on=NAME)
        a, b = pair["a"].to_numpy(), pair["b"].to_numpy()
        change = np.abs(exact[a] - exact[b])
        span = (high[a] - low[b]) - (low[a] - high[b])
        few = (change > NOISE) & (change < 11) & (span < _SPAN)
        found += [(number, FEW) for number in a[few]]
    names = known.numbers[NAME].astype(object).to_numpy()
    told = ((*names[number], kind) for number, kind in found)
    return [Difference(table, column, spoken(key), kind) for table, column, key, kind in told]
