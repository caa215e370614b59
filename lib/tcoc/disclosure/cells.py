"""All published numbers of a release as variables, and what a reader knows to add up (rule D2).

A cell is named by its universe, its column and its keys without totals, so the same number in two
tables is one variable. A relation says that a total is the sum of its parts: along a dimension, up
a hierarchy, between two tables of which one leaves a dimension out, and between a count and the
part of it that another column counts.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array

from tcoc.disclosure.table import PublicTable
from tcoc.errors import InputError

Key = tuple[tuple[str, str], ...]
Place = tuple[int, int, str]
Labels = tuple[str, ...]
Pool = dict[Labels, dict[Labels, int]]

COUNT_TOLERANCE = 1e-6
VALUE_TOLERANCE = 0.011
MOST_JOINT_CELLS = 1500


@dataclass
class Network:
    """Cells and relations; a relation maps variables to coefficients and its sum is zero.

    `places` of a variable are the (table, row, column) where it stands; none for a number that is
    not published but follows from published ones, such as what a total has beyond its parts.
    `guarded` is false for numbers about which nothing is to be protected.
    """

    names: list[tuple[str, str, Key]] = field(default_factory=list)
    amounts: list[float] = field(default_factory=list)
    places: list[list[Place]] = field(default_factory=list)
    guarded: list[bool] = field(default_factory=list)
    index: dict[tuple[str, str, Key], int] = field(default_factory=dict)
    relations: list[dict[int, int]] = field(default_factory=list)

    def add(self, amount: float, guarded: bool = True) -> int:
        """Add an unpublished variable and return its number."""
        self.names.append(("", "", ()))
        self.amounts.append(amount)
        self.places.append([])
        self.guarded.append(guarded)
        return len(self.amounts) - 1

    def put(self, name: tuple[str, str, Key], amount: float, place: Place) -> int:
        """Add a published cell, or the further place of a known one."""
        number = self.index.get(name)
        if number is None:
            number = self.add(amount)
            self.names[number] = name
            self.index[name] = number
        self.places[number].append(place)
        return number


def row_keys(table: PublicTable) -> list[Key]:
    """Return each row's (dimension, label) pairs in order, without labels that mean the total."""
    columns = []
    for dimension in sorted(table.keys):
        total = table.totals.get(dimension)
        labels = [label_text(label) for label in table.frame[dimension].tolist()]
        columns.append([None if label == total else (dimension, label) for label in labels])
    if not columns:
        return [()] * len(table.frame)
    return [tuple(p for p in pairs if p is not None) for pairs in zip(*columns, strict=True)]


def label_text(label: object) -> str:
    """Return a label as text; 2018.0 and 2018 are one label."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def count_network(tables: Sequence[PublicTable], small: Callable[[float], bool]) -> Network:
    """Return the counts of a release with their relations, or raise InputError.

    Where small counts stand in tables of different dimensions, the people behind both tables are
    unknowns too.

    Raised when two tables print different counts for one cell: then they count different things,
    and one of them needs a universe of its own.
    """
    network = Network()
    for number, table in enumerate(tables):
        keys = row_keys(table)
        for column in table.counts:
            _put_column(network, tables, number, keys, column, check=True)
    _relate_parts(network, tables, exact_only=False)
    _relate_within(network, tables)
    _relate_joint(network, tables, small)
    return network


def value_network(tables: Sequence[PublicTable]) -> Network:
    """Return the protected values of a release with those sums that hold to the cent."""
    network = Network()
    for number, table in enumerate(tables):
        keys = row_keys(table)
        for column, counts in table.values.items():
            if counts:
                _put_column(network, tables, number, keys, column, check=False)
    _relate_parts(network, tables, exact_only=True)
    return network


def _put_column(
    network: Network,
    tables: Sequence[PublicTable],
    number: int,
    keys: list[Key],
    column: str,
    *,
    check: bool,
) -> None:
    table = tables[number]
    amounts = pd.to_numeric(table.frame[column]).astype("float64").tolist()
    for row, (key, amount) in enumerate(zip(keys, amounts, strict=True)):
        if math.isnan(amount):
            continue
        cell = network.put((table.universe, column, key), amount, (number, row, column))
        known = network.amounts[cell]
        if check and abs(known - amount) > COUNT_TOLERANCE * max(1.0, abs(amount)):
            other = tables[network.places[cell][0][0]]
            raise InputError(
                f"public tables {other.name} and {table.name} count {column} of universe"
                f' "{table.universe}" differently for {_words(key)}; give one of them a universe'
                " that says what it counts"
            )


def _words(key: Key) -> str:
    return ", ".join(f"{dimension} {label}" for dimension, label in key) or "the total"


def _relate_parts(network: Network, tables: Sequence[PublicTable], *, exact_only: bool) -> None:
    """Relate each total to its parts: of every single table, and of the tables together."""
    parents = _parents(tables)
    seen: set[tuple[int, frozenset[int]]] = set()
    for (universe, _), sources in _pools(network).items():
        family = parents.get(universe, {})
        everything = _merged(sources.values())
        listed = [(pool, True) for pool in sources.values()]
        for pool, own in [*listed, *([(everything, False)] if len(sources) > 1 else [])]:
            for total, parts in _sums(everything, pool, family):
                mark = (total, frozenset(parts))
                if mark not in seen:
                    seen.add(mark)
                    _relate(network, total, parts, exact_only=exact_only, own=own)


def _pools(network: Network) -> dict[tuple[str, str], dict[int, Pool]]:
    """Return the cells by universe and column, then table, then dimensions, then labels."""
    pools: dict[tuple[str, str], dict[int, Pool]] = defaultdict(dict)
    for cell, (universe, column, key) in enumerate(network.names):
        dimensions, labels = tuple(d for d, _ in key), tuple(label for _, label in key)
        for table in {place[0] for place in network.places[cell]}:
            pool = pools[universe, column].setdefault(table, {})
            pool.setdefault(dimensions, {})[labels] = cell
    return pools


def _merged(pools: Iterable[Pool]) -> Pool:
    merged: Pool = {}
    for pool in pools:
        for dimensions, cells in pool.items():
            merged.setdefault(dimensions, {}).update(cells)
    return merged


def _parents(tables: Sequence[PublicTable]) -> dict[str, dict[str, dict[str, str]]]:
    parents: dict[str, dict[str, dict[str, str]]] = {}
    for table in tables:
        for dimension, family in table.parents.items():
            known = parents.setdefault(table.universe, {}).setdefault(dimension, {})
            known.update(
                (label_text(child), label_text(parent))
                for child, parent in family.items()
                if label_text(parent) != table.totals.get(dimension)
            )
    return parents


def _sums(
    totals: Pool, parts: Pool, family: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[int, list[int]]]:
    for dimensions, cells in parts.items():
        for size in range(len(dimensions)):
            for kept in combinations(range(len(dimensions)), size):
                fewer = tuple(dimensions[i] for i in kept)
                if fewer in totals:
                    yield from _margins(totals[fewer], cells, dimensions, kept, family)
        for position, dimension in enumerate(dimensions):
            if dimension in family:
                yield from _family_sums(
                    totals.get(dimensions, {}), cells, position, family[dimension]
                )


def _margins(
    totals: Mapping[Labels, int],
    cells: Mapping[Labels, int],
    dimensions: Labels,
    kept: tuple[int, ...],
    family: Mapping[str, Mapping[str, str]],
) -> Iterator[tuple[int, list[int]]]:
    """Yield each cell of fewer dimensions with the cells that add up to it."""
    summed = [i for i in range(len(dimensions)) if i not in kept]
    groups: dict[Labels, list[tuple[Labels, int]]] = defaultdict(list)
    for labels, cell in cells.items():
        groups[tuple(labels[i] for i in kept)].append((labels, cell))
    nested = [i for i in summed if dimensions[i] in family]
    for labels, members in groups.items():
        if labels in totals:
            top = _uppermost(members, nested, dimensions, family) if nested else members
            yield totals[labels], [cell for _, cell in top]


def _uppermost(
    members: list[tuple[Labels, int]],
    nested: list[int],
    dimensions: Labels,
    family: Mapping[str, Mapping[str, str]],
) -> list[tuple[Labels, int]]:
    """Return the members of which no ancestor is a member too, so that none is added twice."""
    present = {labels for labels, _ in members}

    def covered(labels: Labels) -> bool:
        for i in nested:
            parent = family[dimensions[i]].get(labels[i])
            while parent is not None:
                if (*labels[:i], parent, *labels[i + 1 :]) in present:
                    return True
                parent = family[dimensions[i]].get(parent)
        return False

    return [member for member in members if not covered(member[0])]


def _family_sums(
    totals: Mapping[Labels, int],
    cells: Mapping[Labels, int],
    position: int,
    parents: Mapping[str, str],
) -> Iterator[tuple[int, list[int]]]:
    groups: dict[Labels, list[int]] = defaultdict(list)
    for labels, cell in cells.items():
        parent = parents.get(labels[position])
        if parent is not None:
            groups[*labels[:position], parent, *labels[position + 1 :]].append(cell)
    for labels, members in groups.items():
        if labels in totals:
            yield totals[labels], members


def _relate(network: Network, total: int, parts: list[int], *, exact_only: bool, own: bool) -> None:
    """Add what is known about a total and its parts; a sum that does not hold teaches nothing.

    A total above its parts has one more, unpublished part. A total below them counts people once
    who stand in several parts: then each part is at most the total, and what is left is guarded.
    """
    amount = network.amounts[total]
    gap = amount - sum(network.amounts[p] for p in parts)
    tolerance = COUNT_TOLERANCE * max(1.0, abs(amount))
    if exact_only:
        tolerance = max(tolerance / 1e3, VALUE_TOLERANCE if abs(amount) > 100 else 0.0)
    if abs(gap) <= tolerance:
        network.relations.append({total: -1, **dict.fromkeys(parts, 1)})
    elif exact_only:
        return
    elif gap > 0:
        rest = network.add(gap)
        network.relations.append({total: -1, rest: 1, **dict.fromkeys(parts, 1)})
    elif own and all(network.amounts[p] <= amount + tolerance for p in parts):
        _relate_overlap(network, total, parts, -gap)


def _relate_overlap(network: Network, total: int, parts: list[int], repeated: float) -> None:
    surplus = network.add(repeated, guarded=False)
    network.relations.append({total: -1, surplus: -1, **dict.fromkeys(parts, 1)})
    for part in parts:
        rest = network.add(max(0.0, network.amounts[total] - network.amounts[part]))
        network.relations.append({total: -1, part: 1, rest: 1})


def _relate_within(network: Network, tables: Sequence[PublicTable]) -> None:
    """Relate a count to its part in another column; the people in the rest are guarded."""
    seen: set[tuple[int, int]] = set()
    for table in tables:
        for part, whole in table.within.items():
            for key in row_keys(table):
                pair = (
                    network.index.get((table.universe, part, key), -1),
                    network.index.get((table.universe, whole, key), -1),
                )
                if -1 in pair or pair in seen:
                    continue
                seen.add(pair)
                _relate_rest(network, *pair, table.name)


def _relate_rest(network: Network, part: int, whole: int, table: str) -> None:
    gap = network.amounts[whole] - network.amounts[part]
    if gap < -COUNT_TOLERANCE * max(1.0, network.amounts[whole]):
        column, other = network.names[part][1], network.names[whole][1]
        raise InputError(
            f"public table {table}: {column} is more than {other}, of which it is part"
        )
    rest = network.add(max(0.0, gap))
    network.relations.append({whole: -1, part: 1, rest: 1})


# ---------------------------------------------------------------- tables of different dimensions


def _relate_joint(
    network: Network, tables: Sequence[PublicTable], small: Callable[[float], bool]
) -> None:
    """Let tables of different dimensions restrict each other through the people behind them.

    People by hospital and stage, and by hospital and sex, are sums over people by hospital, stage
    and sex, who are nowhere published but are not fewer than none. Done where a count is small and
    the joint table has at most MOST_JOINT_CELLS cells; beyond that the restriction is next to none.
    """
    parents = _parents(tables)
    for (universe, _), sources in _pools(network).items():
        pool = _merged(sources.values())
        widest = [d for d in pool if not any(set(d) < set(other) for other in pool)]
        cells = [cell for d in widest for cell in pool[d].values()]
        if len(widest) > 1 and any(small(network.amounts[cell]) for cell in cells):
            leaves = {d: _leaves(d, pool[d], parents.get(universe, {})) for d in widest}
            _add_joint(network, leaves)


def _leaves(
    dimensions: Labels, cells: Mapping[Labels, int], family: Mapping[str, Mapping[str, str]]
) -> dict[Labels, int]:
    nested = {i: set(family[d].values()) for i, d in enumerate(dimensions) if d in family}
    return {
        labels: cell
        for labels, cell in cells.items()
        if not any(labels[i] in uppers for i, uppers in nested.items())
    }


def _add_joint(network: Network, leaves: Mapping[Labels, Mapping[Labels, int]]) -> None:
    joint = _joined(leaves)
    if not joint:
        return
    sums: dict[int, list[int]] = {cell: [] for cells in leaves.values() for cell in cells.values()}
    for number, labels in enumerate(joint):
        for dimensions, cells in leaves.items():
            sums[cells[tuple(labels[d] for d in dimensions)]].append(number)
    amounts = _possible_amounts([network.amounts[cell] for cell in sums], list(sums.values()))
    if amounts is None:
        return
    first = len(network.amounts)
    for amount in amounts:
        network.add(amount, guarded=False)
    for cell, members in sums.items():
        network.relations.append({cell: -1, **{first + m: 1 for m in members}})


def _joined(leaves: Mapping[Labels, Mapping[Labels, int]]) -> list[dict[str, str]]:
    """Return the combinations of labels that no table rules out, or none if they are too many."""
    joint: list[dict[str, str]] = [{}]
    for dimensions, cells in leaves.items():
        known = [d for d in dimensions if d in joint[0]]
        rows: dict[Labels, list[dict[str, str]]] = defaultdict(list)
        for labels in cells:
            row = dict(zip(dimensions, labels, strict=True))
            rows[tuple(row[d] for d in known)].append(row)
        matches = [(old, rows.get(tuple(old[d] for d in known), [])) for old in joint]
        if not 0 < sum(len(new) for _, new in matches) <= MOST_JOINT_CELLS:
            return []
        joint = [{**old, **row} for old, new in matches for row in new]
    return joint


def _possible_amounts(totals: list[float], sums: list[list[int]]) -> list[float] | None:
    """Return some amounts, not negative, with the given sums; None if the tables do not fit."""
    rows = [row for row, members in enumerate(sums) for _ in members]
    columns = [member for members in sums for member in members]
    shape = (len(sums), max(columns) + 1)
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    answer = linprog(np.zeros(shape[1]), A_eq=matrix, b_eq=totals, method="highs")
    return answer.x.tolist() if answer.status == 0 else None
