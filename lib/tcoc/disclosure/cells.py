"""Every number about people of a run: where it stands, how it is rounded, and why it is hidden.

Rule D1 hides small counts, shares that tell them, and what depends on a hidden count.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tcoc.disclosure.rounding import Numbers, Rule, rounded_to, same_everywhere
from tcoc.disclosure.table import OF_PEOPLE, Draft

SMALL, SHARE, CLINICIANS = "small count", "share of a small count", "fewer than three clinicians"
DEPENDS = "depends on hidden"


class Cells:
    """The cells of all drafts, column by column; those without a number are left out.

    table, row, column, kind  where each stands and what it is
    exact, people, step       its number, the count behind it (its base, else the first count that
                              protects it; NaN where nobody stands behind it), and its rounding
    reason                    why it is hidden, "" where it is shown
    place                     the cell of each row of a table's column, -1 where there is none
    """

    def __init__(self, drafts: Sequence[Draft], rule: Rule) -> None:
        self.drafts, self.place, size = drafts, dict[tuple[int, str], np.ndarray](), 0
        parts = [(*np.zeros((2, 0), dtype=np.int64), *np.zeros((2, 0), object), *np.zeros((3, 0)))]
        for number, draft in enumerate(drafts):
            for name in draft.of_kind(*OF_PEOPLE):
                entry, exact = draft.columns[name], _numbers(draft.frame[name])
                behind = entry.base or next(iter(entry.of), "")
                people = _numbers(draft.frame[behind]) if behind else np.full(len(exact), np.nan)
                row = np.flatnonzero(np.isfinite(exact))
                self.place[number, name] = np.full(len(exact), -1)
                self.place[number, name][row] = np.arange(size, size := size + len(row))
                step = rule.steps(entry.kind, exact[row], people[row])
                words = np.array([[number], [name], [entry.kind]], dtype=object).repeat(len(row), 1)
                parts.append((words[0].astype(np.int64), row, *words[1:], exact[row], people[row],
                              step))  # fmt: skip
        found = map(np.concatenate, zip(*parts, strict=True))
        self.table, self.row, self.column, self.kind, self.exact, self.people, step = found
        self.step = same_everywhere(self.kind, self.exact, step)
        self.reason = np.full(size, "", dtype=object)
        self._primary(rule)

    def bounds(self) -> tuple[Numbers, Numbers]:
        """Return the interval that each rounded number leaves: half a step up and down; 0 is 0."""
        shown = rounded_to(self.exact, self.step)
        half = np.where((self.kind == "count") & (self.exact == 0), 0.0, self.step / 2)
        return np.where(
            self.kind == "share", np.maximum(shown - half, 0), shown - half
        ), shown + half

    def follow(self) -> None:
        """Hide what depends on hidden counts: rates, means, dollars of the same row (D1)."""
        for (number, column), own in self.place.items():
            for count in self.drafts[number].columns[column].protectors:
                guards = self.place.get((number, count))
                if count != column and guards is not None:
                    hidden = (guards >= 0) & (self.reason[guards] != "")
                    self._give(own[hidden], f"{DEPENDS} {count}")

    def _primary(self, rule: Rule) -> None:
        """Give each cell that D1 hides its reason."""
        part, people = self.exact * np.nan_to_num(self.people), np.nan_to_num(self.people)
        # A share of people is whole people over whole people; a share of dollars is not.
        near = (self.kind == "share") & (np.abs(part - np.round(part)) < _room(part))
        near &= rule.small(np.round(part)) | rule.small(np.round(people - part))
        self.reason[(self.kind == "count") & rule.small(self.exact)] = SMALL
        self.reason[near] = SHARE
        for number, draft in enumerate(self.drafts):
            for column in draft.of_kind("share"):
                self._tell_rests(number, draft, column, rule)
            if draft.clinicians:
                few = draft.frame[draft.clinicians].between(0, rule.min_clinicians, "neither")
                for column in draft.of_kind("dollars", "per_capita", "score"):
                    self._give(self.place[number, column][few.to_numpy()], CLINICIANS)
        self.follow()

    def _tell_rests(self, number: int, draft: Draft, column: str, rule: Rule) -> None:
        """Hide shares of which few people are not in the numerator, where both are columns."""
        entry, own = draft.columns[column], self.place[number, column]
        bottom = self.place.get((number, entry.base), np.full(len(own), -1))
        for part in entry.of:
            top = self.place.get((number, part), bottom)
            rows = np.flatnonzero((np.array([own, top, bottom]) >= 0).all(axis=0))
            share, above, below = (self.exact[of[rows]] for of in (own, top, bottom))
            made_of = np.abs(above - share * below) < _room(below)
            self._give(own[rows][made_of & rule.small(below - above)], SHARE)

    def _give(self, cells: np.ndarray, why: str) -> None:
        """Give cells a reason, where there are cells and they have none yet."""
        own = cells[cells >= 0]
        self.reason[own[self.reason[own] == ""]] = why


def _numbers(column: pd.Series) -> Numbers:
    """Return a column as doubles, NaN where there is no number."""
    return np.asarray(pd.to_numeric(column).to_numpy(np.float64, na_value=np.nan))


def _room(size: Numbers) -> Numbers:
    return 1e-6 * np.maximum(1.0, size)
