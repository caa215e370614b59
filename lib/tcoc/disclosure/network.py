"""All that a reader of the public tables can write down: numbers as intervals, and how they add up.

A number is named by universe, column and keys without totals, so the same number in two tables, or
in two editions, is one variable. What is published of it is an interval (its rounding), what is
hidden is a whole number from one up. A relation bounds a sum of variables: a total and its parts,
a hierarchy, a count and the part of it that another column counts, a share or mean and the numbers
that it is made of. Which sums hold is taken from the exact numbers: the reader knows how the tables
are made.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from tcoc.disclosure.rounding import Flags, Numbers, significant
from tcoc.disclosure.table import Draft, label_text
from tcoc.errors import InputError

ADDITIVE = ("count", "months", "dollars")
FAR = 1e12
_TOLERANCE = 1e-6
_CENTS = 2e-6
_AT = "#"
"""The column that numbers a pool's rows: a name that no dimension has."""


Place = Mapping[tuple[int, str], np.ndarray]
UNIT = {"dollars": 1e4, "months": 12.0}
"""All numbers are counted in about a person (a person-year, what one costs): for the programs."""


@dataclass
class Variables:
    """The numbers: `cells` in the network's order, and the variable of each cell (-1: none)."""

    frame: pd.DataFrame
    of_cell: np.ndarray
    place: Place


@dataclass
class Relations:
    """Sparse rows: lower <= sum of sign x variable <= upper; `owner`: a ratio's cell, or -1."""

    row: np.ndarray
    variable: np.ndarray
    sign: Numbers
    lower: Numbers
    upper: Numbers
    owner: np.ndarray

    def kept(self, rows: Flags) -> "Relations":
        """Return some relations, numbered anew."""
        entries = rows[self.row]
        place = (np.cumsum(rows) - 1)[self.row[entries]]
        return Relations(
            place, self.variable[entries], self.sign[entries],
            self.lower[rows], self.upper[rows], self.owner[rows],
        )  # fmt: skip


class _Rows:
    """Relations while they are collected."""

    def __init__(self) -> None:
        self.parts: list[tuple[np.ndarray, np.ndarray, Numbers]] = []
        self.bounds: list[tuple[Numbers, Numbers, np.ndarray]] = []
        self.count = 0

    def add(
        self,
        row: np.ndarray,
        variable: np.ndarray,
        sign: Numbers,
        lower: Numbers,
        upper: Numbers,
        owner: np.ndarray | None = None,
    ) -> None:
        """Add rows numbered from zero; `lower`, `upper`, `owner` have one entry per row."""
        self.parts.append((row + self.count, variable, sign))
        own = np.full(len(lower), -1) if owner is None else owner
        self.bounds.append((lower, upper, own))
        self.count += len(lower)

    def done(self) -> Relations:
        if not self.parts:
            none, zero = np.zeros(0, dtype=np.int64), np.zeros(0)
            return Relations(none, none, zero, zero, zero, none)
        row, variable, sign = (np.concatenate(p) for p in zip(*self.parts, strict=True))
        used = sign != 0
        row, variable, sign = row[used], variable[used], sign[used]
        lower, upper, owner = (np.concatenate(p) for p in zip(*self.bounds, strict=True))
        return Relations(row, variable, sign, lower, upper, owner)


def variables_of(drafts: Sequence[Draft], cells: pd.DataFrame, place: Place) -> Variables:
    """Return the numbers of a run: universe, column, kind, key, exact, whole.

    Raises InputError where two tables give different exact counts for one cell: then they count
    different things, and one of them needs a universe of its own.
    """
    table, rows = cells["table"].to_numpy(), cells["row"].to_numpy(dtype=np.int64)
    key, universe = np.empty(len(cells), dtype=object), np.empty(len(cells), dtype=object)
    for number, draft in enumerate(drafts):
        mine = table == number
        key[mine] = _keys(draft)[rows[mine]]
        universe[mine] = draft.universe or f"table {draft.name}"
    named = pd.DataFrame({"universe": universe, "column": cells["column"].to_numpy(), "key": key})
    # Ratios of one name may mean two things; two counts of one name must not.
    counts = (cells["kind"] == "count").to_numpy()
    named["meaning"] = np.where(counts, 0.0, significant(cells["exact"].to_numpy(float), 8))
    number_of = named.groupby(list(named.columns), sort=False).ngroup().to_numpy()
    first = ~pd.Series(number_of).duplicated().to_numpy()
    frame = named[first].drop(columns="meaning").reset_index(drop=True)
    frame["kind"], frame["exact"] = (
        cells["kind"].to_numpy()[first],
        cells["exact"].to_numpy()[first],
    )
    _refuse_two_meanings(drafts, cells, frame, number_of)
    exact = frame["exact"]
    whole = (exact - exact.round()).abs() < _TOLERANCE
    frame["whole"] = whole.groupby([frame["universe"], frame["column"]]).transform("all")
    frame["whole"] &= frame["kind"] == "count"
    frame["unit"] = frame["kind"].map(UNIT).fillna(1.0)
    frame["exact"] /= frame["unit"]
    return Variables(frame, number_of, place)


def keys_of(frame: pd.DataFrame, keys: Iterable[str], totals: Mapping[str, str]) -> np.ndarray:
    """Return each row's labels as one text, dimensions in order, totals left out."""
    text = np.full(len(frame), "", dtype=object)
    for dimension in sorted(keys):
        labels = frame[dimension].map(label_text).to_numpy(object)
        text = text + np.where(labels == totals.get(dimension), "", f"|{dimension}=" + labels)
    return text


def _keys(draft: Draft) -> np.ndarray:
    return keys_of(draft.frame, draft.keys, draft.totals)


def _refuse_two_meanings(
    drafts: Sequence[Draft], own: pd.DataFrame, frame: pd.DataFrame, number_of: np.ndarray
) -> None:
    known, exact = frame["exact"].to_numpy()[number_of], own["exact"].to_numpy()
    apart = np.abs(known - exact) > _TOLERANCE * np.maximum(1.0, np.abs(exact))
    for place in np.flatnonzero(apart & (own["kind"] == "count").to_numpy())[:1]:
        cell = frame.iloc[number_of[place]]
        tables = own.loc[number_of == number_of[place], "table"]
        names = " and ".join(dict.fromkeys(drafts[t].name for t in tables))
        where = cell["key"].strip("|").replace("|", ", ") or "the total"
        raise InputError(
            f'public tables {names} count {cell["column"]} of universe "{cell["universe"]}"'
            f" differently for {where}; give one of them a universe that says what it counts"
        )


def relations_of(
    drafts: Sequence[Draft], cells: pd.DataFrame, variables: Variables, shown: Mapping[str, Numbers]
) -> Relations:
    """Return everything that is known about sums, and shares and means as `shown` (low, high)."""
    rows = _Rows()
    _sums(rows, drafts, cells, variables)
    place = variables.place
    for number, draft in enumerate(drafts):
        _within(rows, number, draft, place, variables)
        _months(rows, number, draft, place, variables)
        _ratios(rows, number, draft, place, cells, variables, shown)
    return rows.done()


# ---------------------------------------------------------------- totals and parts


def _sums(rows: _Rows, drafts: Sequence[Draft], cells: pd.DataFrame, variables: Variables) -> None:
    families = _families(drafts)
    exact, kinds = variables.frame["exact"].to_numpy(), variables.frame["kind"].to_numpy()
    for universe, (pools, numbers) in _pools(drafts, cells, variables).items():
        everything = _merged(pools)
        seen: set[tuple[int, bytes]] = set()
        for pool in [*pools, *([everything] if len(pools) > 1 else [])]:
            for total, parts in _groups(everything, pool, families.get(universe, [{}])):
                mark = (total, np.sort(parts).tobytes())
                if mark in seen or (len(parts) == 1 and parts[0] == total):
                    continue
                seen.add(mark)
                for column in numbers:
                    whole, own = column[total], column[parts]
                    own = own[own >= 0]
                    if whole >= 0 and len(own):
                        _relate(rows, int(whole), own, exact, kinds[whole] == "count")


Pool = dict[tuple[str, ...], pd.DataFrame]


def _pools(
    drafts: Sequence[Draft], cells: pd.DataFrame, variables: Variables
) -> dict[str, tuple[list[Pool], list[np.ndarray]]]:
    """Return by universe its tables' rows, and for each column the number in each row.

    A row of two tables with the same labels is one row. A pool has a table's rows by the
    dimensions they have beside totals; the column `_AT` numbers them through the universe.
    """
    found: dict[str, tuple[list[Pool], list[np.ndarray]]] = {}
    of_universe: dict[str, list[int]] = defaultdict(list)
    for number, draft in enumerate(drafts):
        if draft.of_kind(*ADDITIVE):
            of_universe[draft.universe or f"table {draft.name}"].append(number)
    place = variables.place
    for universe, tables in of_universe.items():
        keys = [_keys(drafts[t]) for t in tables]
        codes, names = pd.factorize(np.concatenate(keys))
        cuts = np.cumsum([len(k) for k in keys])[:-1]
        numbers: dict[str, np.ndarray] = {}
        pools = []
        for table, rows in zip(tables, np.split(codes, cuts), strict=True):
            pools.append(_pool(drafts[table], rows))
            for column in drafts[table].of_kind(*ADDITIVE):
                own = place[table, column]
                column_of = numbers.setdefault(column, np.full(len(names), -1))
                column_of[rows[own >= 0]] = variables.of_cell[own[own >= 0]]
        found[universe] = pools, list(numbers.values())
    return found


def _pool(draft: Draft, rows: np.ndarray) -> Pool:
    labels = draft.frame[list(draft.keys)].map(label_text)
    pattern = np.zeros(len(labels), dtype=np.int64)
    for place, dimension in enumerate(draft.keys):
        if dimension in draft.totals:
            pattern |= (labels[dimension] == draft.totals[dimension]).to_numpy().astype(
                int
            ) << place
    pool: Pool = {}
    for bits in np.unique(pattern).tolist():
        kept = sorted(d for i, d in enumerate(draft.keys) if not bits >> i & 1)
        mine = pattern == bits
        frame = labels.loc[mine, kept].reset_index(drop=True)
        pool[tuple(kept)] = frame.assign(**{_AT: rows[mine]})
    return pool


def _merged(pools: Sequence[Pool]) -> Pool:
    parts: dict[tuple[str, ...], list[pd.DataFrame]] = defaultdict(list)
    for pool in pools:
        for dimensions, frame in pool.items():
            parts[dimensions].append(frame)
    return {
        d: pd.concat(p, ignore_index=True).drop_duplicates(_AT) if len(p) > 1 else p[0]
        for d, p in parts.items()
    }


Family = dict[str, dict[str, str]]
"""By dimension the parent of each label."""


def _families(drafts: Sequence[Draft]) -> dict[str, list[Family]]:
    """Return the hierarchies of each universe: in one of them a label has one parent.

    A hospital can belong to a combination, to a system and to an ACO. Each of them is a way of its
    own to add up the whole.
    """
    found: dict[str, list[Family]] = {}
    for draft in drafts:
        for dimension, family in draft.parents.items():
            own = {
                label_text(child): label_text(parent)
                for child, parent in family.items()
                if label_text(parent) != draft.totals.get(dimension)
            }
            known = found.setdefault(draft.universe or f"table {draft.name}", [])
            fits = (k for k in known if _agree(k.get(dimension, {}), own))
            home = next(fits, None)
            if home is None:
                known.append(home := {})
            home.setdefault(dimension, {}).update(own)
    return found


def _agree(known: Mapping[str, str], own: Mapping[str, str]) -> bool:
    return all(known.get(child, parent) == parent for child, parent in own.items())


def _groups(
    totals: Pool, parts: Pool, families: Sequence[Family]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each total with the numbers that are its parts, in each hierarchy."""
    for number, family in enumerate(families):
        others = [f for f in families if f is not family]
        for dimensions, every in parts.items():
            frame = _without(every, others, family)
            # where no other hierarchy has a say, the first one has said it all
            if number and not any(d in family for d in dimensions):
                continue
            for size in range(len(dimensions)):
                for kept in combinations(dimensions, size):
                    if kept in totals:
                        top = _uppermost(frame, [d for d in dimensions if d not in kept], family)
                        yield from _matched(totals[kept], top, list(kept))
            for dimension in dimensions:
                if dimension in family and dimensions in totals:
                    parent = frame[dimension].map(family[dimension])
                    moved = frame.assign(**{dimension: parent})[parent.notna().to_numpy()]
                    yield from _matched(totals[dimensions], moved, list(dimensions))


def _without(frame: pd.DataFrame, others: Sequence[Family], family: Family) -> pd.DataFrame:
    """Leave out the groups of other hierarchies: their members stand for themselves here."""
    for dimension in [c for c in frame.columns if c != _AT]:
        own = family.get(dimension, {})
        groups = {p for f in others for p in f.get(dimension, {}).values()} - {*own, *own.values()}
        if groups:
            frame = frame[~frame[dimension].isin(groups).to_numpy()]
    return frame


def _uppermost(
    frame: pd.DataFrame, summed: list[str], family: Mapping[str, Mapping[str, str]]
) -> pd.DataFrame:
    """Leave out parts of which an ancestor stands beside them, so that none is added twice."""
    labels = [c for c in frame.columns if c != _AT]
    covered = np.zeros(len(frame), dtype=bool)
    for dimension in [d for d in summed if d in family]:
        present = pd.MultiIndex.from_frame(frame[labels])
        parent = frame[dimension].map(dict(family[dimension]))
        while parent.notna().any():
            moved = frame[labels].assign(**{dimension: parent})
            covered |= pd.MultiIndex.from_frame(moved).isin(present) & parent.notna().to_numpy()
            parent = parent.map(dict(family[dimension]))
    return frame[~covered]


def _matched(
    totals: pd.DataFrame, parts: pd.DataFrame, on: list[str]
) -> Iterator[tuple[int, np.ndarray]]:
    if parts.empty or totals.empty:
        return
    place = parts[_AT].to_numpy()
    if not on:
        yield int(totals[_AT].iloc[0]), place
        return
    # One code per combination of labels, in both tables: cheaper than a merge of texts.
    code = np.zeros(len(parts) + len(totals), dtype=np.int64)
    for dimension in on:
        own, names = pd.factorize(pd.concat([parts[dimension], totals[dimension]]))
        code = code * (len(names) + 1) + own
    of_part, of_total = code[: len(parts)], code[len(parts) :]
    order = np.argsort(of_part, kind="stable")
    known = dict(zip(of_total.tolist(), totals[_AT].tolist(), strict=True))
    cuts = np.flatnonzero(np.diff(of_part[order])) + 1
    for members in np.split(order, cuts):
        total = known.get(int(of_part[members[0]]))
        if total is not None:
            yield total, place[members]


def _relate(rows: _Rows, total: int, parts: np.ndarray, exact: Numbers, counts: bool) -> None:
    """Add what is known about a total and its parts; a sum that does not hold teaches little.

    A total above its parts has one more, unpublished part. A total below them counts people once
    who stand in several parts: then each part is at most the total.
    """
    amount = exact[total]
    gap = amount - exact[parts].sum()
    tolerance = max(_TOLERANCE * abs(amount), _TOLERANCE if counts else _CENTS)
    variable, sign = np.append(parts, total), np.append(np.ones(len(parts)), -1.0)
    row = np.zeros(len(variable), dtype=np.int64)
    if abs(gap) <= tolerance:
        rows.add(row, variable, sign, np.zeros(1), np.zeros(1))
    elif counts and gap > 0:
        rows.add(row, variable, sign, np.full(1, -FAR), np.zeros(1))
    elif counts and (exact[parts] <= amount + tolerance).all():
        rows.add(row, variable, sign, np.zeros(1), np.full(1, FAR))
        each = np.arange(len(parts))
        _at_most(rows, parts, np.full(len(each), total))


def _at_most(rows: _Rows, part: np.ndarray, whole: np.ndarray, times: float = 1.0) -> None:
    """Add rows: each part is at most its whole, or some times its whole."""
    each = np.arange(len(part))
    both = np.concatenate([part, whole])
    sign = np.concatenate([np.ones(len(part)), np.full(len(part), -times)])
    rows.add(np.tile(each, 2), both, sign, np.full(len(part), -FAR), np.zeros(len(part)))


# ---------------------------------------------------------------- columns of one row


def _within(rows: _Rows, number: int, draft: Draft, place: Place, variables: Variables) -> None:
    """A count and the column of which it is a part."""
    for part, whole in draft.within.items():
        if (number, part) not in place or (number, whole) not in place:
            continue
        a, b = place[number, part], place[number, whole]
        both = (a >= 0) & (b >= 0)
        inner, outer = variables.of_cell[a[both]], variables.of_cell[b[both]]
        exact = variables.frame["exact"].to_numpy()
        if (exact[inner] > exact[outer] * (1 + _TOLERANCE) + _TOLERANCE).any():
            raise InputError(
                f"public table {draft.name}: {part} is more than {whole}, of which it is part"
            )
        _at_most(rows, inner, outer)


def _months(rows: _Rows, number: int, draft: Draft, place: Place, variables: Variables) -> None:
    """Person-months are between one and twelve for each person, where the data say so too."""
    for name in draft.of_kind("months"):
        for count in draft.columns[name].protectors[:1]:
            if (number, count) not in place:
                continue
            a, b = place[number, name], place[number, count]
            both = (a >= 0) & (b >= 0)
            months, people = variables.of_cell[a[both]], variables.of_cell[b[both]]
            exact = variables.frame["exact"].to_numpy()
            m, n = exact[months], exact[people]
            if len(m) and (m <= n + _TOLERANCE).all() and (12 * m >= n - _TOLERANCE).all():
                _at_most(rows, months, people)
                _at_most(rows, people, months, 12.0)


def _ratios(
    rows: _Rows,
    number: int,
    draft: Draft,
    place: Place,
    cells: pd.DataFrame,
    variables: Variables,
    shown: Mapping[str, Numbers],
) -> None:
    """Shares and means of two numbers of the same row: above = ratio x below, ratio rounded.

    The two are found from the exact numbers, whatever the columns are called.
    """
    exact = variables.frame["exact"].to_numpy()
    ratio = cells["exact"].to_numpy()
    additive = {c: place[number, c] for c in draft.of_kind(*ADDITIVE)}
    for name in draft.of_kind("share", "score", "per_capita", "percent"):
        own = place[number, name]
        kind = draft.columns[name].kind
        for above, below, factor in _pairs(draft, name, kind):
            a, b = additive[above], additive[below]
            rows_here = np.flatnonzero((own >= 0) & (a >= 0) & (b >= 0))
            if not len(rows_here):
                continue
            top, bottom = variables.of_cell[a[rows_here]], variables.of_cell[b[rows_here]]
            cell = own[rows_here]
            units = variables.frame["unit"].to_numpy()
            factors = factor * units[bottom] / units[top]
            made = factors * exact[bottom] * ratio[cell]
            with np.errstate(divide="ignore", invalid="ignore"):
                constant = exact[top] / made
            holds = np.isfinite(constant) & (made > 0) & _known(constant, factor)
            if holds.sum() < 0.5 * len(rows_here):
                continue
            _add_ratio(rows, top[holds], bottom[holds], cell[holds],
                       (factors * constant)[holds], shown)  # fmt: skip


def _pairs(draft: Draft, name: str, kind: str) -> Iterator[tuple[str, str, float]]:
    near = [c for c in draft.columns[name].protectors if draft.columns[c].kind == "count"]
    if kind == "per_capita":
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


def _add_ratio(
    rows: _Rows,
    top: np.ndarray,
    bottom: np.ndarray,
    cell: np.ndarray,
    factor: Numbers,
    shown: Mapping[str, Numbers],
) -> None:
    each = np.arange(len(cell))
    both = np.concatenate([top, bottom])
    for bound, low in ((shown["low"], True), (shown["high"], False)):
        sign = np.concatenate([np.ones(len(cell)), -factor * bound[cell]])
        far, zero = np.full(len(cell), FAR if low else -FAR), np.zeros(len(cell))
        known = np.isfinite(bound[cell])
        use = np.tile(known, 2)
        index = np.cumsum(known) - 1
        row = np.tile(index[each], 2)[use]
        lower, upper = (zero, far) if low else (far, zero)
        rows.add(row, both[use], sign[use], lower[known], upper[known], cell[known])
