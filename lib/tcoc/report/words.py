"""Numbers as words: the one way in which sentences, tables and labels write an amount.

Every function takes a value of a public table. A cell that the gate hid is missing there, and
comes out as the word `hidden`, so a sentence can hold it as it stands and never shows the number.
A missing value does not say that the count is small: it may protect another cell (rule D2).
Numbers are written as Americans write them: `42%`, `−$1,234`, `$1.2 million`.
"""

import math
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

import pandas as pd

from tcoc.disclosure import PublicTable

HIDDEN = "hidden"
MINUS = "−"
SPACE = "\u00a0"
NO_ROWS = "This run has no rows to say this of"

Told = ParamSpec("Told")


def of_rows(
    say: Callable[Concatenate[PublicTable, Told], str],
) -> Callable[Concatenate[PublicTable, Told], str]:
    """Let a sentence about a table survive a run in which the table has no rows: NO_ROWS."""

    @wraps(say)
    def said(table: PublicTable, /, *args: Told.args, **kwargs: Told.kwargs) -> str:
        return NO_ROWS if table.empty else say(table, *args, **kwargs)

    return cast("Callable[Concatenate[PublicTable, Told], str]", said)


def is_hidden(value: Any) -> bool:
    """Whether a cell of an audited table is missing, so that no number may be said."""
    return bool(pd.isna(value))


def dollars(value: Any, cents: bool = False) -> str:
    """Write dollars as `$11,667`, or `$11,667.25` with cents."""
    return HIDDEN if is_hidden(value) else _signed(value, 2 if cents else 0, "$")


def money(value: Any, digits: int = 0) -> str:
    """Write dollars with a chosen number of decimals: `−$1,234`."""
    return HIDDEN if is_hidden(value) else _signed(value, digits, "$")


def dollar_change(value: Any) -> str:
    """Write a change in dollars with its sign: `+$1,234`."""
    if is_hidden(value):
        return HIDDEN
    return ("+" if _rounded(value, 0) > 0 else "") + _signed(value, 0, "$")


def short_dollars(value: Any) -> str:
    """Write a large amount of dollars as `$1.2 million`, for sentences and headlines."""
    return HIDDEN if is_hidden(value) else _short(value, "$")


def count(value: Any) -> str:
    """Write a count of people, claims or rows as `1,234`; sums of shares are rounded."""
    return HIDDEN if is_hidden(value) else _signed(value, 0)


def number(value: Any, digits: int = 3) -> str:
    """Write a factor or score with a fixed number of decimals: `1.002`."""
    return HIDDEN if is_hidden(value) else _signed(value, digits)


def plain_number(value: Any, digits: int = 2) -> str:
    """Write a number with at most so many decimals and no idle zeros: `0.5`, `12`."""
    if is_hidden(value):
        return HIDDEN
    text = _signed(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: Any, digits: int = 1) -> str:
    """Write a fraction as a percentage: 0.021 is `2.1%`."""
    return HIDDEN if is_hidden(value) else _signed(100 * float(value), digits) + "%"


def change(value: Any, digits: int = 1) -> str:
    """Write a fraction as a change with its sign: 0.021 is `+2.1%`."""
    return HIDDEN if is_hidden(value) else _plus(100 * float(value), digits) + "%"


def points(value: Any, digits: int = 1) -> str:
    """Write a difference of two fractions in percentage points: `+0.4 points`."""
    return HIDDEN if is_hidden(value) else _plus(100 * float(value), digits) + f"{SPACE}points"


def compact(value: float, unit: str = "", largest: float = 0.0, step: float = 1.0) -> str:
    """Write an amount for an axis or a mark: `$1.2M`, `40K`; one scale for all up to `largest`.

    `step` is the distance of neighboring ticks: no more decimals are shown than tell them apart.
    """
    top = max(abs(value), largest)
    for least, size, letter in ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "K")):
        if top >= least:
            digits = max(0, -math.floor(math.log10(max(step / size, 1e-9)) + 1e-9))
            return _signed(value / size, min(digits, 2), unit) + (letter if value else "")
    return _signed(value, 0 if step >= 1 else 2, unit)


def listing(items: Sequence[object]) -> str:
    """Join items as a sentence does: `a and b`, `a, b, and c`."""
    texts = [str(item) for item in items]
    if len(texts) < 3:
        return " and ".join(texts)
    return f"{', '.join(texts[:-1])}, and {texts[-1]}"


def span(years: Sequence[int]) -> str:
    """Write years as `2015`, `2015–2018` where they follow on, or `2015, 2017`."""
    ordered = sorted(set(years))
    if len(ordered) > 1 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]}–{ordered[-1]}"
    return listing(ordered)


HEADINGS = {
    "ccn": "CCN",
    "npi": "NPI",
    "benes": "Beneficiaries",
    "tcoc": "Total cost of care",
    "aco_id": "ACO",
    "zip": "ZIP",
    "qp": "QP",
    "qp_years": "QP years",
    "mpa": "MPA",
}
"""Headings of columns whose name alone would read badly."""

NAMES = {
    "aco_like": "ACO-like",
    "mdpcp_like": "MDPCP-like",
    "geographic": "Geographic",
    "STATE": "Maryland",
    "all": "All",
    "inpatient": "Inpatient hospital",
    "outpatient": "Outpatient hospital",
    "snf": "Skilled nursing facility",
    "hha": "Home health",
    "hospice": "Hospice",
    "dme": "Medical equipment",
    "professional": "Professional",
    "new_enrollee": "New enrollee",
    "regulation": "Regulation",
    "slide": "Slide",
    "esrd": "End-stage renal disease",
    "dual": "Dually eligible",
    "True": "yes",
    "False": "no",
}
"""What the tables' own words are called on a page; others lose their underscores."""

_WORD = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$")


def name_of(value: Any) -> str:
    """Return what a label of a table is called: `mdpcp_like` is MDPCP-like; prose stays prose."""
    text = str(value)
    if text in NAMES:
        return NAMES[text]
    if _WORD.match(text):
        plain = text.replace("_", " ")
        return plain[:1].upper() + plain[1:]
    return text


def plural(value: Any, one: str, many: str = "") -> str:
    """Write a count with its noun: `1 hospital`, `47 hospitals`, `a hidden number of hospitals`."""
    nouns = many or f"{one}s"
    if is_hidden(value):
        return f"a hidden number of {nouns}"
    return f"{count(value)} {one if float(value) == 1 else nouns}"


def _signed(value: Any, digits: int, unit: str = "") -> str:
    rounded = _rounded(value, digits)
    return f"{MINUS if rounded < 0 else ''}{unit}{abs(rounded):,.{digits}f}"


def _plus(value: Any, digits: int) -> str:
    return ("+" if _rounded(value, digits) > 0 else "") + _signed(value, digits)


def _rounded(value: Any, digits: int) -> float:
    """Round half away from zero, as a reader does by hand; binary noise below 1e-9 is dropped."""
    scale = 10**digits
    size = math.floor(abs(float(value)) * scale + 0.5 + 1e-9) / scale
    return math.copysign(size, float(value)) if size else 0.0


def _short(value: Any, unit: str = "") -> str:
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if abs(float(value)) >= size:
            return _signed(float(value) / size, 1, unit) + SPACE + word
    return _signed(value, 0, unit)
