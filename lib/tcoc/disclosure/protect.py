"""Which further cells are hidden: those that would tell the attacker too much (rule D2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tcoc.disclosure.attacker import Group, Knowledge, Wish, binding, bounds, groups_of, propagated
from tcoc.disclosure.editions import Joint, Record, joint, news
from tcoc.disclosure.network import (
    FAR,
    UNIT,
    Place,
    Relations,
    Variables,
    relations_of,
    variables_of,
)
from tcoc.disclosure.primary import CLINICIANS, follow
from tcoc.disclosure.rounding import Flags, Numbers, Rule, rounded_to
from tcoc.disclosure.table import Draft
from tcoc.errors import TcocError

PROTECTS, ELSEWHERE = "protects a hidden number", "hidden in another table"
AGAIN = "hidden in an earlier release"
_ROUNDS = 60


@dataclass
class Puzzle:
    """A run before the gate: its cells, the numbers behind them, and what relates those."""

    drafts: Sequence[Draft]
    cells: pd.DataFrame
    rule: Rule
    variables: Variables
    relations: Relations
    _groups: list[Group] = field(init=False)

    def __post_init__(self) -> None:
        self._groups = groups_of(self.relations, len(self.variables.frame))

    def groups(self) -> list[Group]:
        """The groups of numbers that share relations."""
        return self._groups

    @property
    def exact(self) -> Numbers:
        """The exact numbers."""
        return self.variables.frame["exact"].to_numpy(np.float64)

    def hidden(self) -> Flags:
        """Which numbers are hidden; one that is hidden anywhere is hidden everywhere."""
        flags = np.zeros(len(self.variables.frame), dtype=bool)
        flags[self.variables.of_cell[(self.cells["reason"] != "").to_numpy()]] = True
        return flags

    def knowledge(self) -> Knowledge:
        """Return what would be public as things stand."""
        frame, hidden = self.variables.frame, self.hidden()
        whole = frame["whole"].to_numpy(bool)
        low, high = shown_bounds(self.cells)
        unit = frame["unit"].to_numpy()[self.variables.of_cell]
        low, high = low / unit, high / unit
        lower, upper = np.full(len(frame), -FAR), np.full(len(frame), FAR)
        np.maximum.at(lower, self.variables.of_cell, low)
        np.minimum.at(upper, self.variables.of_cell, high)
        upper = np.where(whole & (upper % 1 == 0) & (upper > lower), upper - 1, upper)
        # Far enough to know nothing, near enough that sums keep their digits.
        far = 1e5 + 100 * np.abs(self.exact)
        least = np.where(self.exact < 0, -far, 0.0)
        lower, upper = np.where(hidden, least, lower), np.where(hidden, far, upper)
        lower[hidden & whole & self._positive()] = 1.0
        relations, owned = self.relations, self.relations.owner >= 0
        off = np.zeros(len(owned), dtype=bool)
        off[owned] = hidden[self.variables.of_cell[relations.owner[owned]]]
        free = Relations(
            relations.row, relations.variable, relations.sign,
            np.where(off, -FAR, relations.lower), np.where(off, FAR, relations.upper),
            relations.owner,
        )  # fmt: skip
        return Knowledge(lower, upper, whole, free)

    def _positive(self) -> Flags:
        """Numbers that no reader takes for zero: a zero is hidden only beside a hidden count."""
        beside = self.cells["reason"].str.startswith("depends").to_numpy()
        flags = np.ones(len(self.variables.frame), dtype=bool)
        flags[self.variables.of_cell[beside]] = False
        return flags

    def wish(self) -> Wish:
        """Return how little may be known of each number."""
        frame, hidden, exact = self.variables.frame, self.hidden(), self.exact
        kind = frame["kind"].to_numpy(str)
        counts, small = kind == "count", exact < self.rule.min_cell_size
        guarded = hidden & counts
        width = np.where(guarded, float(self.rule.min_interval), 0.0)
        width[counts & ~hidden & (exact > 0)] = 1.0
        # A sum of shares has no whole numbers: two is as little known as one.
        low = np.where(guarded & small, np.where(frame["whole"], 1.0, 2.0), np.inf)
        low = np.maximum(low, self._least(hidden))
        high = np.where(guarded & small, self.rule.min_cell_size - 1.0, -np.inf)
        # Hidden months need no wish of their own: what they tell of the people is a relation.
        width = np.where(kind == "dollars", self._worth(), width)
        return Wish(low, high, width)

    def _least(self, hidden: Flags) -> Numbers:
        """Return what hiding itself tells: a total of four hidden parts is at least four."""
        known = self.knowledge()
        far = np.full(len(hidden), 1e9)
        lower = np.where(hidden, known.lower, np.where(self.exact < 0, -far, 0.0))
        return propagated(Knowledge(lower, far, known.whole, known.relations))[0]

    def _worth(self) -> Numbers:
        """Return how uncertain hidden dollars must stay: as much as they are.

        Dollars of few clinicians by a fifth up and down; dollars that were hidden to protect others
        have nothing of their own to protect.
        """
        reason, unit = self.cells["reason"], UNIT["dollars"]
        size = np.abs(self.cells["exact"].to_numpy(np.float64)) / unit
        worth = np.where((reason == CLINICIANS).to_numpy(), 0.4 * size, size)
        worth = np.where(reason.isin(["", PROTECTS, ELSEWHERE, AGAIN]).to_numpy(), 0.0, worth)
        found = np.zeros(len(self.variables.frame))
        np.maximum.at(found, self.variables.of_cell, worth)
        return found

    def record(self) -> Record:
        """Return what the run would publish, as the ledger keeps it."""
        known, wish = self.knowledge(), self.wish()
        numbers = self.variables.frame.drop(columns="unit").assign(
            lower=known.lower, upper=known.upper, hidden=self.hidden(),
            low=wish.low, high=wish.high, width=wish.width,
        )  # fmt: skip
        return Record(numbers, known.relations)

    def hide(self, variable: int, why: str) -> None:
        """Hide a number wherever it stands, and what depends on it."""
        mine = (self.variables.of_cell == variable) & (self.cells["reason"] == "").to_numpy()
        self.cells.loc[mine, "reason"] = why


def shown_bounds(cells: pd.DataFrame) -> tuple[Numbers, Numbers]:
    """Return the interval that each rounded number leaves: half a step up and down; 0 is 0."""
    exact, step = cells["exact"].to_numpy(np.float64), cells["step"].to_numpy(np.float64)
    shown = rounded_to(exact, step)
    half = np.where((cells["kind"] == "count").to_numpy() & (exact == 0), 0.0, step / 2)
    return shown - half, shown + half


def puzzle_of(drafts: Sequence[Draft], cells: pd.DataFrame, place: Place, rule: Rule) -> Puzzle:
    """Return a run's puzzle; `cells` have their primary reasons."""
    variables = variables_of(drafts, cells, place)
    low, high = shown_bounds(cells)
    share = (cells["kind"] == "share").to_numpy()
    shown = {"low": np.where(share, np.maximum(low, 0), low), "high": high}
    return Puzzle(drafts, cells, rule, variables, relations_of(drafts, cells, variables, shown))


def protect(puzzle: Puzzle, earlier: Sequence[Record] = ()) -> None:
    """Hide further cells until the attacker bounds no hidden number and recovers no count.

    He has earlier editions too. Raises TcocError where hiding does not help.
    """
    place = puzzle.variables.place
    _settle(puzzle, place)
    if earlier:
        _hide_again(puzzle, earlier)
        _settle(puzzle, place)
    told: set[int] | None = None
    for _ in range(_ROUNDS):
        before = puzzle.hidden()
        both = joint([puzzle.record(), *earlier])
        every = groups_of(both.known.relations, len(both.exact))
        if told is None and earlier:
            told = {n for g in news(both, joint(earlier), every) for n in g.members.tolist()}
        todo = [g for g in every if told is None or not told.isdisjoint(g.members.tolist())]
        low, high = propagated(both.known)
        missed = both.wish.missed(low, high)
        if not missed.any():
            low, high = bounds(both.known, both.wish, both.exact, todo)
            missed = both.wish.missed(*both.known.inward(low, high))
            # What holds now keeps holding until something of the same group is hidden.
            if not missed.any():
                return
            told = set(np.flatnonzero(missed).tolist())
        _hide_for(puzzle, both, every, np.flatnonzero(missed), (low, high))
        _settle(puzzle, place)
        if told is not None:
            told |= set(np.flatnonzero(puzzle.hidden() & ~before).tolist())
    raise TcocError("disclosure gate: no end of hiding; a table's parts do not fit its totals")


def _hide_again(puzzle: Puzzle, earlier: Sequence[Record]) -> None:
    """Hide the numbers that every earlier edition hides: to hide others would tell both."""
    both = joint([puzzle.record(), *earlier])
    size = len(both.exact)
    seen, shown = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    for number_of, record in zip(both.number_of[1:], both.records[1:], strict=True):
        hidden = record.numbers["hidden"].to_numpy(bool)
        seen[number_of] = True
        shown[number_of[~hidden]] = True
    again = (seen & ~shown)[both.number_of[0]]
    mine = again[puzzle.variables.of_cell] & (puzzle.cells["reason"] == "").to_numpy()
    puzzle.cells.loc[mine, "reason"] = AGAIN


def _settle(puzzle: Puzzle, place: Place) -> None:
    """Hide what depends on hidden counts, and the same number in every table, until both hold."""
    while True:
        follow(puzzle.drafts, puzzle.cells, place)
        open_ = puzzle.hidden()[puzzle.variables.of_cell]
        open_ &= (puzzle.cells["reason"] == "").to_numpy()
        if not open_.any():
            return
        puzzle.cells.loc[open_, "reason"] = ELSEWHERE


def _hide_for(
    puzzle: Puzzle,
    both: Joint,
    groups: Sequence[Group],
    missed: np.ndarray,
    ends: tuple[Numbers, Numbers],
) -> None:
    """Hide, for each number that is known too well, one of those that tell it."""
    done = set[int]()
    of_cell, exact, own = puzzle.variables.of_cell, puzzle.exact, len(puzzle.exact)
    people = puzzle.cells["people"].to_numpy(np.float64)
    # What an earlier edition shows stays known: hiding it now would be in vain.
    past = np.zeros(len(both.exact), dtype=bool)
    for number_of, record in zip(both.number_of[1:], both.records[1:], strict=True):
        past[number_of[~record.numbers["hidden"].to_numpy(bool)]] = True
    shown = ~puzzle.hidden() & ~past[:own]
    home = {int(n): group for group in groups for n in group.members}
    for cell in missed.tolist():
        numbers, owners = binding(both.known, *ends, both.wish, home[cell], cell)
        if done & {*numbers, *of_cell[list(owners)].tolist()}:
            continue
        # Of the ratios that tell much, the one of the fewest people: headlines stay.
        much = 0.2 * max(owners.values(), default=0.0)
        told = [(people[o], int(of_cell[o])) for o, weight in owners.items() if weight >= much]
        ratios = [(behind, n) for behind, n in told if shown[n]]
        others = [(exact[n], n) for n in numbers if n < own and shown[n] and exact[n] > 0]
        if ratios or others:
            pick = min(ratios or others)[1]
            done.add(pick)
            puzzle.hide(pick, PROTECTS)
    if not done:
        found = both.names.iloc[missed[0]]
        where = found["key"].strip("|").replace("|", ", ") or "the total"
        raise TcocError(
            f"disclosure gate: {found['column']} of {where} ({found['universe']}) can be worked"
            " out, and hiding more does not help; publish fewer relations or wider groups"
        )
