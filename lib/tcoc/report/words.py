"""Numbers as words: the one way in which sentences, tables and labels write an amount.

Every function takes a value of an audited table. A cell that the gate hid is missing there, and
comes out as the word `hidden`, so a sentence can hold it as it stands and never shows the number.
A missing value does not say that the count is small: it may protect another cell (rule D2).
"""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

HIDDEN = "hidden"
MINUS = "−"
SPACE = "\u00a0"


def is_hidden(value: Any) -> bool:
    """Whether a cell of an audited table is missing, so that no number may be said."""
    return bool(pd.isna(value))


def dollars(value: Any, cents: bool = False) -> str:
    """Write dollars as `$11,667`, or `$11,667.25` with cents."""
    return HIDDEN if is_hidden(value) else _signed(value, 2 if cents else 0, "$")


def short_dollars(value: Any) -> str:
    """Write a large amount of dollars as `$1.2 M`, for labels and headlines."""
    if is_hidden(value):
        return HIDDEN
    return _short(value, "$")


def count(value: Any) -> str:
    """Write a count of people, claims or rows as `1,234`; sums of shares are rounded."""
    return HIDDEN if is_hidden(value) else _signed(value, 0)


def short_count(value: Any) -> str:
    """Write a large count as `1.2 M`, for labels and headlines."""
    if is_hidden(value):
        return HIDDEN
    return _short(value)


def number(value: Any, digits: int = 3) -> str:
    """Write a factor or score with a fixed number of decimals: `1.002`."""
    return HIDDEN if is_hidden(value) else _signed(value, digits)


def percent(value: Any, digits: int = 1) -> str:
    """Write a fraction as a percentage: 0.021 is `2.1 %`."""
    return HIDDEN if is_hidden(value) else _signed(100 * float(value), digits) + f"{SPACE}%"


def change(value: Any, digits: int = 1) -> str:
    """Write a fraction as a change with its sign: 0.021 is `+2.1 %`."""
    return HIDDEN if is_hidden(value) else _plus(100 * float(value), digits) + f"{SPACE}%"


def points(value: Any, digits: int = 1) -> str:
    """Write a difference of two fractions in percentage points: `+0.4 points`."""
    return HIDDEN if is_hidden(value) else _plus(100 * float(value), digits) + f"{SPACE}points"


def listing(items: Sequence[object]) -> str:
    """Join items as a sentence does: `a, b and c`."""
    texts = [str(item) for item in items]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def span(years: Sequence[int]) -> str:
    """Write years as `2015`, `2015–2018` where they follow on, or `2015, 2017`."""
    ordered = sorted(set(years))
    if len(ordered) > 1 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]}–{ordered[-1]}"
    return listing(ordered)


def plural(value: Any, one: str, many: str = "") -> str:
    """Write a count with its noun: `1 hospital`, `47 hospitals`, `a hidden number of hospitals`."""
    nouns = many or f"{one}s"
    if is_hidden(value):
        return f"a hidden number of {nouns}"
    return f"{count(value)} {one if float(value) == 1 else nouns}"


FORMATS = {
    "dollars": dollars,
    "cents": lambda value: dollars(value, cents=True),
    "percent": percent,
    "change": change,
    "count": count,
    "number": number,
    "text": lambda value: HIDDEN if is_hidden(value) else str(value),
    "year": lambda value: HIDDEN if is_hidden(value) else str(int(value)),
    "flag": lambda value: HIDDEN if is_hidden(value) else ("yes" if value else "no"),
}
"""Column format -> how a cell of it is written; `number` has three decimals."""


def _signed(value: Any, digits: int, unit: str = "") -> str:
    text = f"{abs(_rounded(value, digits)):,.{digits}f}"
    return (MINUS if _rounded(value, digits) < 0 else "") + unit + text


def _plus(value: Any, digits: int) -> str:
    return ("+" if _rounded(value, digits) > 0 else "") + _signed(value, digits)


def _rounded(value: Any, digits: int) -> float:
    """Round half away from zero, as a reader does by hand; binary noise below 1e-9 is dropped."""
    scale = 10**digits
    size = math.floor(abs(float(value)) * scale + 0.5 + 1e-9) / scale
    return math.copysign(size, float(value)) if size else 0.0


def _short(value: Any, unit: str = "") -> str:
    for size, letter in ((1e9, "B"), (1e6, "M")):
        if abs(float(value)) >= size:
            return _signed(float(value) / size, 1, unit) + SPACE + letter
    return _signed(value, 0, unit)
