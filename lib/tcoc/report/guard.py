"""The last look before anything is shown: only what the gate let through may pass (rule D4).

Figures and derived tables are made by library code from audited tables, but code can be wrong. So
each number in a column that a public table declares must be a number that the gate let through,
no count of 1 to 10 may stand in any column that counts people, and no sentence may state one.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pandas as pd

from tcoc.errors import TcocError

PEOPLE = (
    "beneficiaries|beneficiary|benes|bene|people|persons|person|patients|patient|claims|claim"
    "|individuals|enrollees|members|residents"
)
_SMALL = "[1-9]|10|one|two|three|four|five|six|seven|eight|nine|ten"
_SMALL_COUNT = re.compile(
    rf"(?<![\w.,$−-])(?<!\b1 to )(?:{_SMALL})(?:\.\d+)?[\s\u00a0-]+"
    rf"(?:[a-z-]+[\s\u00a0]+){{0,2}}(?:{PEOPLE})\b",
    re.IGNORECASE,
)
_COUNT_NAMES = re.compile(rf"(?:^|_)(?:{PEOPLE})(?:$|_)")
_NOT_COUNTS = re.compile(r"threshold|per_|_per|share|percent|rate|score|id$|rule|dollars|paid|tcoc")


def check_frame(
    where: str,
    frame: pd.DataFrame,
    visible: Mapping[str, frozenset[float]],
    counts: Iterable[str],
) -> None:
    """Refuse a frame with a small count, or with a value that no audited table shows.

    `visible` holds per declared column the values that the gate let through, in any table of the
    release. Raises TcocError that names figure or table and column, never the value.
    """
    counted = set(counts)
    for name in frame.columns:
        numbers = _numbers(frame[name])
        if name in counted or _counts_people(str(name)):
            _refuse_small(where, str(name), numbers)
        if name in visible and not numbers <= visible[name]:
            raise TcocError(
                f'{where}: column "{name}" holds a value that no audited table of this release'
                " shows; take it from release.table(...), or name a derived column otherwise"
            )


def check_text(where: str, text: str) -> None:
    """Refuse a sentence, title or text alternative that states a count of 1 to 10 people."""
    if found := _SMALL_COUNT.search(re.sub(r"[*_`]", "", text)):
        noun = found.group(0).split()[-1]
        raise TcocError(
            f"{where}: states a count of 1 to 10 {noun} (rule D1); write it with tcoc.report.words"
            " from an audited table"
        )


def visible_values(
    frames: Iterable[tuple[pd.DataFrame, Iterable[str]]],
) -> dict[str, frozenset[float]]:
    """Return per declared numeric column the values that the audited tables show."""
    found: dict[str, set[float]] = {}
    for frame, names in frames:
        for name in names:
            found.setdefault(name, set()).update(_numbers(frame[name]))
    return {name: frozenset(values) for name, values in found.items()}


def _counts_people(name: str) -> bool:
    return bool(_COUNT_NAMES.search(name.lower())) and not _NOT_COUNTS.search(name.lower())


def _refuse_small(where: str, name: str, numbers: set[float]) -> None:
    if any(0 < value < 11 for value in numbers):
        raise TcocError(f'{where}: column "{name}" holds a count of 1 to 10 people (rule D1)')


def _numbers(column: pd.Series) -> set[float]:
    values = column.dropna()
    if values.dtype == bool or values.dtype.name == "boolean":
        return set()
    return {float(v) for v in values if _is_number(v)}


def _is_number(value: Any) -> bool:
    if isinstance(value, (str, bool, bytes)):
        return False
    return isinstance(value, (int, float, Decimal)) or hasattr(value, "dtype")


def check_complete(where: str, **texts: str) -> None:
    """Refuse a figure whose title, text alternative or caption is empty."""
    for name, text in texts.items():
        if not text.strip():
            raise TcocError(f"{where}: its {name} is empty")
