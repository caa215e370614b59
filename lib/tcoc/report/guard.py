"""The last look before anything is said: only what the gate let through may pass (rule D4).

Tables and figures can only be made of public tables. A sentence is free text, so each number in
one must stand in a public table of the run, be a year, a rule, a policy value or a small whole
number such as a count of rows; and no sentence may state a count of 1 to 10 people.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from tcoc.disclosure import PublicTable
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
_RULE = re.compile(r"\b(?:[A-Z]{1,2}\d{1,2}[a-z]?|\d+ CFR [\d.()a-z§ ]+|20\d\d[–-](?:20)?\d\d)\b")
_TOKEN = re.compile(
    r"(?<![\w.])(?P<sign>[−+-]?)(?P<dollar>\$?)(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"(?P<unit>%|[\s\u00a0](?:percentage[\s\u00a0])?points?\b|[\s\u00a0](?:million|billion)\b|[BMK]\b)?"
)
_SCALES = {"million": 1e-6, "billion": 1e-9, "M": 1e-6, "B": 1e-9, "K": 1e-3}
_SMALL_WHOLE = 100
"""Whole numbers up to this one may count rows, methods, hospitals: they need no table."""


class Known:
    """The numbers that may stand in a sentence: those of the public tables, and policy values."""

    def __init__(self, tables: Iterable[PublicTable], others: Iterable[float] = ()) -> None:
        found = [np.array([abs(float(v)) for v in others], dtype=float)]
        labels: set[str] = set()
        for table in tables:
            frame = table.frame
            for name in frame.columns:
                column = frame[name]
                if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
                    values = column.dropna().astype("float64").to_numpy()
                    found.append(np.abs(values))
                else:
                    labels.update(map(str, column.dropna().unique()))
            found.append(np.array([float(len(frame))]))
        self._values = np.unique(np.concatenate(found))
        self._labels = frozenset(
            number for label in labels for number in re.findall(r"\d[\d,.]*\d|\d", label)
        )

    def knows(self, value: float, digits: int, scales: Iterable[float]) -> bool:
        """Whether a value, written with so many decimals at one of the scales, is a known one."""
        half = 0.5000001 * 10.0**-digits
        for scale in scales:
            low, high = (value - half) / scale, (value + half) / scale
            place = int(np.searchsorted(self._values, low))
            if place < len(self._values) and self._values[place] <= high:
                return True
        return False

    def labels(self, text: str) -> bool:
        """Whether a number is part of a label: a CCN, a ZIP, an age group."""
        return text in self._labels


def check_numbers(where: str, text: str, known: Known) -> None:
    """Refuse a sentence with a number that stands in no public table (TcocError).

    Years, rule ids, labels of the tables and whole numbers up to 100 without a unit are free.
    """
    plain = _RULE.sub(" ", re.sub(r"[*_`]|\]\([^)]*\)", " ", text))
    for found in _TOKEN.finditer(plain):
        if not _allowed(found, known):
            raise TcocError(
                f'{where}: "{found.group(0).strip()}" stands in no public table of this run;'
                " take it from PublicTable.value(...) through tcoc.report.words (rule D4)"
            )


def _allowed(found: "re.Match[str]", known: Known) -> bool:
    digits = found["digits"].rstrip(",")
    value = float(digits.replace(",", ""))
    decimals = len(digits.partition(".")[2])
    unit = (found["unit"] or "").replace("\u00a0", " ").strip()
    bare = not found["dollar"] and not unit
    if bare and decimals == 0 and (value <= _SMALL_WHOLE or 1900 <= value <= 2100):
        return True
    if known.labels(digits):
        return True
    if unit == "%" or unit.endswith(("point", "points")):
        return value in (0, 100) or known.knows(value, decimals, (100.0, 1.0))
    scales = (_SCALES[unit],) if unit in _SCALES else (1.0,)
    return (value == 0) or known.knows(value, decimals, scales)


def check_text(where: str, text: str) -> None:
    """Refuse a sentence, title or text alternative that states a count of 1 to 10 people."""
    if found := _SMALL_COUNT.search(re.sub(r"[*_`]", "", text)):
        noun = found.group(0).split()[-1]
        raise TcocError(
            f"{where}: states a count of 1 to 10 {noun} (rule D1); write it with tcoc.report.words"
            " from a public table"
        )


def check_complete(where: str, **texts: str) -> None:
    """Refuse a figure whose title, text alternative or caption is empty."""
    for name, text in texts.items():
        if not text.strip():
            raise TcocError(f"{where}: its {name} is empty")
