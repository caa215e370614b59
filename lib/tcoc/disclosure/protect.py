"""Which further cells are hidden: those that would tell the attacker too much (rule D2)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tcoc.disclosure.attacker import Ends, Knowledge, binding, bounds, propagated
from tcoc.disclosure.cells import Place, shown_bounds
from tcoc.disclosure.editions import Joint, Record, joint, news
from tcoc.disclosure.network import FAR, Network, spoken
from tcoc.disclosure.primary import CLINICIANS, follow
from tcoc.disclosure.rounding import Flags, Numbers, Rule
from tcoc.disclosure.table import Draft
from tcoc.errors import TcocError

PROTECTS, ELSEWHERE = "protects a hidden number", "hidden in another table"
AGAIN = "hidden in an earlier release"
_ROUNDS = 60


@dataclass
class Puzzle:
    """A run at the gate: its cells and why each is hidden, and the numbers behind them."""

    cells: pd.DataFrame
    rule: Rule
    network: Network

    def hidden(self) -> Flags:
        """Return which numbers are hidden; one that is hidden anywhere is hidden everywhere."""
        return self._any((self.cells["reason"] != "").to_numpy())

    def record(self) -> Record:
        """Return what the run would publish as things stand, as the ledger keeps it."""
        hidden, frame = self.hidden(), self.network.frame
        lower, upper = self._interval(hidden)
        relations = replace(self.network.relations)
        owned = np.flatnonzero(relations.owner >= 0)
        off = owned[hidden[self.network.of_cell[relations.owner[owned]]]]
        relations.lower, relations.upper = relations.lower.copy(), relations.upper.copy()
        relations.lower[off], relations.upper[off] = -FAR, FAR
        numbers = frame.drop(columns="unit").assign(lower=lower, upper=upper, hidden=hidden)
        numbers = numbers.assign(low=np.inf, high=-np.inf, width=self._width(hidden))
        # Hiding itself tells this much: a total of four hidden parts is at least four.
        far = np.full(len(frame), 1e9)
        least = np.where(hidden, lower, np.where(self.network.exact < 0, -far, 0.0))
        known = replace(Knowledge.of(numbers, relations), lower=least, upper=far)
        small = self.network.exact < self.rule.min_cell_size
        small &= hidden & self.network.counts
        # A sum of shares has no whole numbers: two is as little known as one.
        low = np.where(small, np.where(known.whole, 1.0, 2.0), np.inf)
        numbers["low"] = np.maximum(low, propagated(known)[0])
        numbers["high"] = np.where(small, self.rule.min_cell_size - 1.0, -np.inf)
        return Record(numbers, relations)

    def _interval(self, hidden: Flags) -> Ends:
        """Return the public bounds of each number, in people."""
        exact, of_cell = self.network.exact, self.network.of_cell
        whole = self.network.frame["whole"].to_numpy(bool)
        low, high = (end / self.network.unit[of_cell] for end in shown_bounds(self.cells))
        lower, upper = np.full(len(exact), -FAR), np.full(len(exact), FAR)
        np.maximum.at(lower, of_cell, low)
        np.minimum.at(upper, of_cell, high)
        upper = np.where(whole & (upper % 1 == 0) & (upper > lower), upper - 1, upper)
        # Far enough to know nothing, near enough that sums keep their digits.
        far = 1e5 + 100 * np.abs(exact)
        lower = np.where(hidden, np.where(exact < 0, -far, 0.0), lower)
        # A reader takes no hidden count for zero, but one that is hidden beside a hidden count.
        beside = self._any(self.cells["reason"].str.startswith("depends").to_numpy())
        lower[hidden & whole & ~beside] = 1.0
        return lower, np.where(hidden, far, upper)

    def _width(self, hidden: Flags) -> Numbers:
        """Return how uncertain each number must stay.

        Hidden dollars as much as they are; those of few clinicians by a fifth up and down; those
        that were hidden to protect others have nothing of their own to protect. Hidden months need
        nothing: what they tell of the people is a relation.
        """
        counts, exact = self.network.counts, self.network.exact
        width = np.where(counts & hidden, float(self.rule.min_interval), 0.0)
        width[counts & ~hidden & (exact > 0)] = 1.0
        idle = ["", PROTECTS, ELSEWHERE, AGAIN]
        own = self._any(~self.cells["reason"].isin(idle).to_numpy())
        other = self._any(~self.cells["reason"].isin([*idle, CLINICIANS]).to_numpy())
        size = np.abs(exact) * np.where(other, 1.0, np.where(own, 0.4, 0.0))
        return np.where((self.network.frame["kind"] == "dollars").to_numpy(bool), size, width)

    def _any(self, cells: Flags) -> Flags:
        """Return which numbers stand in any of some cells."""
        flags = np.zeros(len(self.network.frame), dtype=bool)
        flags[self.network.of_cell[cells]] = True
        return flags

    def hide(self, numbers: Flags, why: str) -> None:
        """Hide numbers wherever they are shown, what depends on them, and those everywhere."""
        while (mine := numbers[self.network.of_cell] & (self.cells["reason"] == "")).any():
            self.cells.loc[mine, "reason"] = why
            follow(self.network.drafts, self.cells, self.network.place)
            numbers, why = self.hidden(), ELSEWHERE


def puzzle_of(drafts: Sequence[Draft], cells: pd.DataFrame, place: Place, rule: Rule) -> Puzzle:
    """Return a run's puzzle; `cells` have their primary reasons."""
    return Puzzle(cells, rule, Network(drafts, cells, place))


def protect(puzzle: Puzzle, earlier: Sequence[Record] = ()) -> None:
    """Hide further cells until the attacker bounds no hidden number and recovers no count.

    He has earlier editions too. What all of those hide is hidden again: to hide others would tell
    both. Raises TcocError where hiding does not help.
    """
    puzzle.hide(puzzle.hidden(), ELSEWHERE)
    both, size = joint([puzzle.record(), *earlier]), len(puzzle.hidden())
    told = np.ones(len(both.numbers), dtype=bool)
    if earlier:
        has, shows = both.earlier()
        puzzle.hide((has & ~shows)[:size], AGAIN)
        both = joint([puzzle.record(), *earlier])
        told = news(both, joint(earlier))
    seen, times = both.worlds(), np.zeros(len(told), dtype=int)
    for _ in range(_ROUNDS):
        ends = propagated(both.known)
        missed = both.known.missed(*ends)
        if not missed.any():
            ends = bounds(both.known, [g for g in both.groups if told[g.members].any()], seen)
            # What holds now keeps holding until something of the same group is hidden.
            told = missed = both.known.missed(*ends)
            if not missed.any():
                return
        # Where hiding one of the ratios that tell a number did not help, two are hidden next.
        times, before = times + missed, puzzle.hidden()
        puzzle.hide(_telling(puzzle, both, times * missed, ends), PROTECTS)
        told[:size] |= puzzle.hidden() & ~before
        both = joint([puzzle.record(), *earlier])
    raise TcocError("disclosure gate: no end of hiding; a table's parts do not fit its totals")


def _telling(puzzle: Puzzle, both: Joint, most: np.ndarray, ends: Ends) -> Flags:
    """Return, for each number that is known too well, some of those that tell it: `most` of it."""
    missed = np.flatnonzero(most).tolist()
    exact, of_cell = puzzle.network.exact, puzzle.network.of_cell
    people = puzzle.cells["people"].to_numpy(np.float64)
    picked = np.zeros(len(exact), dtype=bool)
    # What an earlier edition shows stays known: hiding it now would be in vain.
    shown = ~puzzle.hidden() & ~both.earlier()[1][: len(exact)]
    home = {number: group for group in both.groups for number in group.members.tolist()}
    for number in missed:
        numbers, owners = binding(both.known, ends, home[number], number)
        near = [n for n in numbers if n < len(exact)]
        if picked[[*near, *of_cell[list(owners)]]].any():
            continue
        # Of the ratios that tell much, the one of the fewest people: headlines stay.
        much = 0.05 * max(owners.values(), default=0.0)
        ratios = [(people[o], of_cell[o]) for o, weight in owners.items() if weight >= much]
        ratios = [(behind, n) for behind, n in ratios if shown[n]]
        others = [(exact[n], n) for n in near if shown[n] and exact[n] > 0]
        chosen = sorted(ratios)[: most[number]] or sorted(others)[:1]
        picked[[n for _, n in chosen]] = True
    if not picked.any():
        found = both.numbers.iloc[missed[0]]
        raise TcocError(
            f"disclosure gate: {found['column']} of {spoken(found['key'])} ({found['universe']})"
            " can be worked out, and hiding more does not help; publish fewer relations or wider"
            " groups"
        )
    return picked
