"""Which cells of a release are hidden: small counts, and the fewest others that protect them.

Primary cells are counts above zero and below `min_cell_size` (D1). Complementary cells are added
until no hidden count is exactly recoverable and none is bounded within an interval narrower than
`min_interval` (D2). Cells without a small count among their relations are never looked at, so a
release without small counts costs nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from tcoc.disclosure.cells import Network
from tcoc.disclosure.intervals import (
    NOISE,
    Flags,
    Numbers,
    Places,
    Reader,
    System,
    cheapest_doubt,
    exactly_known,
    matrix_of,
    too_narrow,
)
from tcoc.params import Policy

_SMALL_SYSTEM = 60
_STARTS = 4
_ZERO_COST = 1000.0


@dataclass(frozen=True)
class Rule:
    """The policy values of D1 and D2."""

    min_cell_size: int = 11
    min_interval: float = 10
    rule_known_width: float = 1
    count_decimals: int = 6

    @classmethod
    def of(cls, policy: Policy) -> "Rule":
        """Read the rule from params/policy/disclosure.yml and a run's options."""
        return cls(
            min_cell_size=policy.get("disclosure.min_cell_size"),
            min_interval=policy.get("disclosure.min_interval"),
            rule_known_width=policy.get("disclosure.rule_known_width"),
            count_decimals=policy.get("disclosure.count_decimals"),
        )

    def small(self, amounts: Numbers) -> Flags:
        """Return which counts are above zero and too small to be shown."""
        near = np.round(amounts, 9)
        flags: Flags = (near > 0) & (near < self.min_cell_size)
        return flags


@dataclass(frozen=True)
class _Part:
    """One group of related cells: the unit in which cells are chosen."""

    cells: list[int]
    system: System
    published: Flags
    primary: Flags
    cost: Numbers
    readers: tuple[Reader, ...]

    def asked(self, hidden: Flags) -> Flags:
        """Return the numbers that must stay in doubt: hidden cells and small unpublished ones."""
        flags: Flags = (hidden & self.published) | self.primary
        return flags


def protect_counts(network: Network, rule: Rule) -> tuple[set[int], dict[int, int]]:
    """Return the primary cells, and each complementary cell with a cell that it protects."""
    amounts = np.array(network.amounts)
    guarded = np.array(network.guarded, dtype=bool)
    primary = rule.small(amounts) & guarded if len(amounts) else np.zeros(0, dtype=bool)
    complementary: dict[int, int] = {}
    for cells, relations in _parts(network, primary):
        part = _part(network, cells, relations, primary, rule)
        complementary.update(_choose(part))
    small = {int(c) for c in np.flatnonzero(primary) if network.places[c]}
    return small, complementary


def _parts(network: Network, wanted: Flags) -> list[tuple[list[int], list[dict[int, int]]]]:
    """Return the groups of related cells that hold a wanted one, with their relations."""
    if not wanted.any():
        return []
    label = _labels(network)
    chosen = set(label[wanted].tolist())
    cells: dict[int, list[int]] = defaultdict(list)
    for cell in np.flatnonzero(np.isin(label, list(chosen))).tolist():
        cells[label[cell]].append(cell)
    relations: dict[int, list[dict[int, int]]] = defaultdict(list)
    for relation in network.relations:
        home = label[next(iter(relation))]
        if home in chosen:
            relations[home].append(relation)
    return [(cells[home], relations[home]) for home in sorted(cells)]


def _labels(network: Network) -> Places:
    """Return for each cell the number of its group of related cells."""
    size = len(network.amounts)
    pairs = [(next(iter(rel)), cell) for rel in network.relations for cell in rel]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    links = csr_array((np.ones(len(pairs)), (rows, columns)), shape=(size, size))
    labels: Places = connected_components(links, directed=False)[1]
    return labels


def _part(
    network: Network,
    cells: list[int],
    relations: Sequence[dict[int, int]],
    primary: Flags,
    rule: Rule,
) -> _Part:
    amounts = np.array([network.amounts[c] for c in cells])
    guarded = np.array([network.guarded[c] for c in cells])
    whole = (np.abs(amounts - np.round(amounts)) < NOISE) | ~guarded
    # Whole only if everything related is: a fractional part makes a whole total no certainty.
    system = System(matrix_of(relations, cells), amounts, np.full(len(cells), bool(whole.all())))
    places = np.array([len(network.places[c]) for c in cells], dtype=float)
    cost = np.maximum(places, 1.0) * (1.0 + amounts / (1.0 + amounts.sum()))
    cost = np.where(amounts < NOISE, cost * _ZERO_COST, cost)
    own = primary[cells]
    zero, endless = np.zeros(len(cells)), np.full(len(cells), np.inf)
    step = 1.0 if system.whole.all() else 0.0
    knows_rule = Reader(
        np.where(own, step, zero),
        np.where(own, rule.min_cell_size - step, endless),
        rule.rule_known_width,
    )
    readers = (Reader(zero, endless, rule.min_interval), knows_rule)
    return _Part(cells, system, places > 0, own, cost, readers)


def _choose(part: _Part) -> dict[int, int]:
    """Return the complementary cells of the best of a few attempts: fewest, then smallest."""
    starts = _STARTS if len(part.cells) <= _SMALL_SYSTEM else 1
    best: tuple[tuple[float, float], dict[int, int]] | None = None
    for start in range(starts):
        added = _attempt(part, start)
        chosen = list(added)
        score = (float(part.cost[chosen].round().sum()), float(part.system.amounts[chosen].sum()))
        if best is None or score < best[0]:
            best = (score, added)
        if not added:
            break
    assert best is not None
    return {part.cells[c]: part.cells[p] for c, p in best[1].items()}


def _attempt(part: _Part, start: int) -> dict[int, int]:
    hidden = part.primary | ~part.published
    added: dict[int, int] = {}
    cost = _varied(part.cost, start)
    stuck: set[tuple[int, int]] = set()
    while open_cells := _open(part, hidden, part.asked(hidden), stuck):
        for cell, which in _ordered(part, open_cells, start):
            one = np.zeros(len(hidden), dtype=bool)
            one[cell] = True
            if not too_narrow(part.system, hidden, one, part.readers[which]):
                continue
            more = _more(part, hidden, cell, which, cost)
            if not more:
                stuck.add((cell, which))
            for extra in more:
                hidden[extra] = True
                added[extra] = cell
    return _without_needless(part, hidden, added, stuck)


def _more(part: _Part, hidden: Flags, cell: int, which: int, cost: Numbers) -> list[int]:
    """Return cells to hide for one cell; a wider doubt is asked for while rounding eats it."""
    reader = part.readers[which]
    for wider in (0.0, 1.0, 2.0):
        wish = Reader(reader.lower, reader.upper, reader.width + wider, reader.worlds)
        if more := cheapest_doubt(part.system, hidden, cell, cost, wish):
            return more
    return []


def _varied(cost: Numbers, start: int) -> Numbers:
    if start < 2:
        return cost
    return np.asarray(cost * (1 + 0.2 * np.random.default_rng(start).random(len(cost))))


def _ordered(part: _Part, open_cells: list[tuple[int, int]], start: int) -> list[tuple[int, int]]:
    sign = -1.0 if start % 2 else 1.0
    return sorted(open_cells, key=lambda item: (sign * part.system.amounts[item[0]], item))


def _open(
    part: _Part, hidden: Flags, asked: Flags, stuck: set[tuple[int, int]]
) -> list[tuple[int, int]]:
    return [
        (cell, which)
        for which, reader in enumerate(part.readers)
        for cell in too_narrow(part.system, hidden, asked, reader)
        if (cell, which) not in stuck
    ]


def _without_needless(
    part: _Part, hidden: Flags, added: dict[int, int], stuck: set[tuple[int, int]]
) -> dict[int, int]:
    """Show again each complementary cell, dearest first, without which all is still in doubt."""
    kept = dict(added)
    for cell in sorted(added, key=lambda c: (-part.cost[c], c)):
        hidden[cell] = False
        if len(kept) > 1 and not _open(part, hidden, part.asked(hidden), stuck):
            del kept[cell]
        else:
            hidden[cell] = True
    return kept


def protect_values(network: Network, hidden_cells: set[int]) -> dict[int, int]:
    """Return the values to hide so that no hidden value is the difference of shown ones.

    Values may be of any sign and size; only exact recovery is judged, their counts' intervals
    having been judged already.
    """
    hidden = np.zeros(len(network.amounts), dtype=bool)
    hidden[list(hidden_cells)] = True
    added: dict[int, int] = {}
    for cells, relations in _parts(network, hidden):
        amounts = np.array([network.amounts[c] for c in cells])
        system = System(matrix_of(relations, cells), amounts, np.zeros(len(cells), dtype=bool))
        added.update(_hide_values(cells, system, hidden[cells]))
    return added


def _hide_values(cells: list[int], system: System, hidden: Flags) -> dict[int, int]:
    size = np.abs(system.amounts)
    cost = np.where(size > 0, 1.0 + size / (1.0 + size.sum()), _ZERO_COST)
    endless = np.full(len(cells), np.inf)
    reader = Reader(-endless, endless, 1.0)
    added: dict[int, int] = {}
    asked = hidden.copy()
    while known := exactly_known(system, hidden, asked):
        more = cheapest_doubt(system, hidden, known[0], cost, reader)
        asked[known[0]] = bool(more)
        for extra in more:
            hidden[extra] = asked[extra] = True
            added[cells[extra]] = cells[known[0]]
    return added
