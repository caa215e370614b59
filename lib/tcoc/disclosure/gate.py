"""The gate: exact drafts in, public tables out (rules D1-D3). The only maker of public tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tcoc.disclosure.attacker import binding, bounds, propagated
from tcoc.disclosure.network import CLINICIANS, DEPENDS, Cells, Network, spoken
from tcoc.disclosure.record import FAR, Ends, Record, joint
from tcoc.disclosure.rounding import Flags, Numbers, Rule, digits_of, rounded_to
from tcoc.disclosure.table import OF_PEOPLE, ROUNDED, Draft, PublicTable, admit
from tcoc.errors import GateError, InputError
from tcoc.params import Policy

PROTECTS, ELSEWHERE = "protects a hidden number", "hidden in another table"
AGAIN, WITHHELD = "hidden in an earlier release", "withheld beside earlier releases"
_ROUNDS = 60


@dataclass(frozen=True)
class Gated:
    """What the gate lets out; the log of hidden cells and the record stay in `restricted/`."""

    tables: Mapping[str, PublicTable]
    log: pd.DataFrame
    record: Record


def gate(
    drafts: Mapping[str, Sequence[Draft]],
    policy: Policy | Rule | None = None,
    earlier: Sequence[Record] = (),
) -> Gated:
    """Round and hide over all tables of a run together; `drafts` are given by deliverable.

    1. Counts of 1 to 10 are hidden, and what depends on them (D1).
    2. All else is rounded, once, from the exact number (D2).
    3. The attacker looks at what would be public, `earlier` editions with it; further cells are
       hidden until he learns nothing.
    InputError for a draft that is not declared soundly.
    """
    rule = policy if isinstance(policy, Rule) else Rule.of(policy) if policy else Rule()
    owners = [(owner, draft.checked()) for owner, own in drafts.items() for draft in own]
    names = [draft.name for _, draft in owners]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"public table {name} stands twice in the run; names are unique")
    puzzle = Puzzle([draft for _, draft in owners], rule)
    record = protect(puzzle, earlier)
    cells = puzzle.cells
    shown, digits = rounded_to(cells.exact, cells.step), digits_of(cells.step)
    # the last of each is for rows without a number
    told = np.append(shown, np.nan), np.append(cells.reason != "", False), np.append(digits, 0)
    tables = {}
    for number, (owner, draft) in enumerate(owners):
        places = {name: cells.place[number, name] for name in draft.of_kind(*OF_PEOPLE)}
        own = {name: [of[place] for of in told] for name, place in places.items()}
        tables[draft.name] = _admitted(owner, draft, own)
    return Gated(tables, puzzle.log(), record)


def _admitted(owner: str, draft: Draft, cells: Mapping[str, Sequence[np.ndarray]]) -> PublicTable:
    """Return a draft with its numbers as its cells say (shown, hidden, digits), by column.

    What has no number stays as it is.
    """
    frame, columns, masks = {}, dict(draft.columns), np.zeros(draft.frame.shape, dtype=bool)
    for name, (shown, hidden, digits) in cells.items():
        absent = hidden | np.isnan(shown)
        most = int(digits[~absent].max(initial=0))
        array = pd.arrays.FloatingArray(np.where(absent, 0.0, shown), absent)
        frame[name] = array.astype("Int64") if most == 0 else array
        masks[:, draft.frame.columns.get_loc(name)] = hidden
        asked = columns[name].digits
        columns[name] = replace(columns[name], digits=most if asked is None else min(asked, most))
    note = f"{draft.note} {ROUNDED}".strip() if cells else draft.note
    facts = replace(draft.facts, deliverable=owner, columns=columns, note=note)
    sides = draft.frame.assign(**frame), pd.DataFrame(masks, columns=draft.frame.columns)
    return admit(facts, *sides)


class Puzzle(Network):
    """A run at the gate: the numbers behind its cells, and why each of those is hidden.

    `apart` are hidden numbers that are not taken for those of earlier editions.
    """

    def __init__(self, drafts: Sequence[Draft], rule: Rule) -> None:
        super().__init__(Cells(drafts, rule))
        self.rule, self.apart = rule, np.zeros(len(self.frame), dtype=bool)

    def hidden(self) -> Flags:
        """Return which numbers are hidden; one that is hidden anywhere is hidden everywhere."""
        return self._any(self.cells.reason != "")

    def record(self) -> Record:
        """Return what the run would publish as things stand, as the ledger keeps it."""
        hidden, said = self.hidden(), self.relations
        lower, upper = self._interval(hidden)
        off = said.owner >= 0
        off[off] = hidden[self.of_cell[said.owner[off]]]
        relations = said[~off]
        # Hiding itself tells this much: a total of four hidden parts is at least four.
        far = np.full(len(hidden), 1e9)
        least = np.where(hidden, lower, np.where(self.exact < 0, -far, 0.0))
        small = hidden & self.counts & (self.exact < self.rule.min_cell_size)
        # A sum of shares has no whole numbers: two is as little known as one.
        whole = self.frame["whole"].to_numpy()
        known = Record(pd.DataFrame({"lower": least, "upper": far, "whole": whole}), relations)
        low = np.where(small, np.where(whole, 1.0, 2.0), np.inf)
        numbers = self.frame.drop(columns="unit").assign(
            lower=lower, upper=upper, hidden=hidden,
            low=np.maximum(low, propagated(known)[0]),
            high=np.where(small, self.rule.min_cell_size - 1.0, -np.inf),
            width=self._width(hidden), apart=self.apart,
        )  # fmt: skip
        return Record(numbers, relations)

    def _interval(self, hidden: Flags) -> Ends:
        """Return the public bounds of each number, in people."""
        exact, of_cell = self.exact, self.of_cell
        whole = self.frame["whole"].to_numpy(bool)
        low, high = (end / self.unit[of_cell] for end in (self.low, self.high))
        lower, upper = np.full(len(exact), -FAR), np.full(len(exact), FAR)
        np.maximum.at(lower, of_cell, low)
        np.minimum.at(upper, of_cell, high)
        upper = np.where(whole & (upper % 1 == 0) & (upper > lower), upper - 1, upper)
        # Far enough to know nothing, near enough that sums keep their digits.
        far = 1e5 + 100 * np.abs(exact)
        lower = np.where(hidden, np.where(exact < 0, -far, 0.0), lower)
        # A reader takes no hidden count for zero, but one that is hidden beside a hidden count.
        beside = self._any(np.array([r.startswith(DEPENDS) for r in self.cells.reason], dtype=bool))
        lower[hidden & whole & ~beside] = 1.0
        return lower, np.where(hidden, far, upper)

    def _width(self, hidden: Flags) -> Numbers:
        """Return how uncertain each number must stay.

        Hidden dollars as much as what ten of their people cost; those of few clinicians by a fifth
        up and down; those that were hidden to protect others have nothing of their own to protect.
        Hidden months need nothing: what they tell of the people is a relation.
        """
        counts, exact, reason = self.counts, self.exact, self.cells.reason
        width = np.where(counts & hidden, float(self.rule.min_interval), 0.0)
        width[counts & ~hidden & (exact > 0)] = 1.0
        own = ~np.isin(reason, ["", PROTECTS, ELSEWHERE, AGAIN, WITHHELD])
        people = np.full(len(exact), self.rule.min_interval)
        np.fmax.at(people, self.of_cell, self.cells.people)
        ten = self._any(own & (reason != CLINICIANS)) * self.rule.min_interval / people
        part = np.maximum(ten, 0.4 * self._any(own & (reason == CLINICIANS)))
        dollars = (self.frame["kind"] == "dollars").to_numpy(bool)
        return np.where(dollars, np.abs(exact) * part, width)

    def _any(self, cells: Flags) -> Flags:
        """Return which numbers stand in any of some cells."""
        return np.bincount(self.of_cell[cells], minlength=len(self.frame)) > 0

    def log(self) -> pd.DataFrame:
        """Return every hidden cell with its reason and exact number: restricted."""
        cells, names = self.cells, np.array([draft.name for draft in self.cells.drafts], object)
        row = np.flatnonzero(cells.reason != "")
        key = map(spoken, self.frame["key"].to_numpy()[self.of_cell[row]])
        return pd.DataFrame({
            "table": names[cells.table[row]], "cell": list(key), "column": cells.column[row],
            "reason": cells.reason[row], "exact": cells.exact[row],
        })  # fmt: skip

    def hide(self, numbers: Flags, why: str) -> None:
        """Hide numbers wherever they are shown, what depends on them, and those everywhere."""
        reason = self.cells.reason
        while (mine := numbers[self.of_cell] & (reason == "")).any():
            reason[mine] = why
            self.cells.follow()
            numbers, why = self.hidden(), ELSEWHERE


def protect(puzzle: Puzzle, earlier: Sequence[Record] = ()) -> Record:
    """Hide further cells until the attacker bounds no hidden number and recovers no count.

    He has earlier editions too. What all of those hide is hidden again: to hide others would tell
    both. Returns the record of what leaves; raises GateError where hiding does not help.
    """
    puzzle.hide(puzzle.hidden(), ELSEWHERE)
    before = [joint(earlier)[0]] if earlier else []
    size, parted = len(puzzle.apart), -1
    if before:
        known = joint([puzzle.record(), *before])[0]
        puzzle.hide(known["before"][:size] == 1, AGAIN)
    for _ in range(_ROUNDS):
        record = puzzle.record()
        known = joint([record, *before])[0]
        if puzzle.apart.sum() != parted:
            exact, parted = known["exact"], puzzle.apart.sum()
            seen, times = (exact.copy(), exact.copy()), np.zeros(len(exact), dtype=int)
        ends = propagated(known)
        if not known.missed(*ends).any():
            ends = bounds(known, ends, seen)
        if not (missed := known.missed(*ends)).any():
            return record
        # Where hiding one of the ratios that tell a number did not help, two are hidden next.
        times += missed
        _hide_telling(puzzle, known, times * missed, ends)
    raise GateError("disclosure gate: no end of hiding; a table's parts do not fit its totals")


def _hide_telling(puzzle: Puzzle, known: Record, most: np.ndarray, ends: Ends) -> None:
    """Hide, for each number that is known too well, some of those that tell it: `most` of it.

    What an earlier edition shows stays known: hiding it now is in vain. Where nothing else is left,
    numbers that both hide are taken for two, as nothing says that they are one; and where that does
    not help, all that shares relations with the number is withheld.
    """
    missed, size = np.flatnonzero(most).tolist(), len(puzzle.apart)
    exact, of_cell, people = puzzle.exact, puzzle.of_cell, puzzle.cells.people
    picked, parted, withheld = np.zeros((3, size), dtype=bool)
    hidden, apart = puzzle.hidden(), puzzle.apart
    before = known["before"][:size]
    tied, shown = (before == 1) & ~apart, ~hidden & (before != 0)
    needs = known.lacks(*ends)
    home = {number: group for group in known.groups for number in group[0].tolist()}
    for number in missed:
        numbers, linked, owners = binding(known, ends, home[number], number)
        near = sorted(n for n in numbers if n < size)
        if picked[[*near, *of_cell[list(owners)]]].any():
            continue
        # Of the ratios that tell much, the one of the fewest people: headlines stay.
        much = 0.05 * max(owners.values(), default=0.0)
        ratios = [(people[o], of_cell[o]) for o, weight in owners.items() if weight >= much]
        ratios = [(behind, n) for behind, n in ratios if shown[n]]
        # Of the numbers, the smallest; where one did not help, one as large as what is asked for.
        need = needs[number] if most[number] > 1 else 0.0
        others = [(exact[n] < need, abs(exact[n] - need), n) for n in near
                  if shown[n] and exact[n] > 0]  # fmt: skip
        chosen = sorted(ratios)[: most[number]] or sorted(others)[:1]
        picked[[n for *_, n in chosen]] = True
        parted[[n for n in linked if n < size and tied[n] and hidden[n]]] = True
        withheld[[n for n in home[number][0] if n < size and not (hidden[n] and apart[n])]] = True
    if picked.any():
        puzzle.hide(picked, PROTECTS)
    elif parted.any():
        apart |= parted
    elif withheld.any():
        apart |= withheld
        puzzle.hide(withheld, WITHHELD)
    else:
        found = known.numbers.iloc[missed[0]]
        raise GateError(
            f"disclosure gate: {found['column']} of {spoken(found['key'])} ({found['universe']})"
            " can be worked out, and hiding more does not help; publish fewer relations or wider"
            " groups"
        )
