"""What rule D1 hides: small counts, shares that tell them, and what depends on a hidden count."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tcoc.disclosure.cells import Place
from tcoc.disclosure.rounding import Numbers, Rule
from tcoc.disclosure.table import OF_PEOPLE, Draft

SMALL, SHARE, CLINICIANS = "small count", "share of a small count", "fewer than three clinicians"


def mark_primary(drafts: Sequence[Draft], cells: pd.DataFrame, place: Place, rule: Rule) -> None:
    """Give each cell that D1 hides its reason."""
    kind, exact = cells["kind"].to_numpy(str), cells["exact"].to_numpy(float)
    people = cells["people"].to_numpy(float)
    reason = np.where((kind == "count") & rule.small(exact), SMALL, "").astype(object)
    part = exact * np.nan_to_num(people)
    # A share of people is whole people over whole people; a share of dollars is not.
    near = (kind == "share") & (np.abs(part - np.round(part)) < 1e-6 * np.maximum(1.0, part))
    rest = np.nan_to_num(people) - part
    reason[near & (rule.small(np.round(part)) | rule.small(np.round(rest)))] = SHARE
    for number, draft in enumerate(drafts):
        _tell_rests(number, draft, place, exact, rule, reason)
        if draft.clinicians:
            few = draft.frame[draft.clinicians].between(0, rule.min_clinicians, inclusive="neither")
            for column in draft.of_kind("dollars", "per_capita", "score"):
                _give(reason, place[number, column][few.to_numpy()], CLINICIANS)
    cells["reason"] = reason
    follow(drafts, cells, place)


def _tell_rests(
    number: int, draft: Draft, place: Place, exact: Numbers, rule: Rule, reason: np.ndarray
) -> None:
    """Hide shares of which few people are not in the numerator, where both are columns."""
    for column in draft.of_kind("share"):
        entry, own = draft.columns[column], place[number, column]
        for part in [c for c in entry.of if c != entry.base and entry.base]:
            if (number, part) not in place or (number, entry.base) not in place:
                continue
            above, below = place[number, part], place[number, entry.base]
            both = (own >= 0) & (above >= 0) & (below >= 0)
            top, bottom, share = exact[above[both]], exact[below[both]], exact[own[both]]
            made_of = np.abs(top - share * bottom) < 1e-6 * np.maximum(1.0, bottom)
            _give(reason, own[both][made_of & rule.small(bottom - top)], SHARE)


def follow(drafts: Sequence[Draft], cells: pd.DataFrame, place: Place) -> None:
    """Hide what depends on hidden counts: rates, means, dollars of the same row (D1)."""
    reason = cells["reason"].to_numpy(object).copy()
    for number, draft in enumerate(drafts):
        for column in draft.of_kind(*OF_PEOPLE):
            for count in draft.columns[column].protectors:
                if count == column or (number, count) not in place:
                    continue
                guards = place[number, count]
                hidden = (guards >= 0) & (reason[guards] != "")
                _give(reason, place[number, column][hidden], f"depends on hidden {count}")
    cells["reason"] = reason


def _give(reason: np.ndarray, cells: np.ndarray, why: str) -> None:
    """Give cells a reason, where there are cells and they have none yet."""
    own = cells[cells >= 0]
    reason[own[reason[own] == ""]] = why
