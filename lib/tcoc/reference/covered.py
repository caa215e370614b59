"""Which billing codes are paid under the physician fee schedule or based on it (rule Q1).

The list is params/reference/covered_services.csv: ranges of codes, each with what it holds, whether
it is covered, and its source. A run that has CMS's own file gives its codes as the reference table
`fee_schedule` (hcpcs) instead.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tcoc.errors import InputError
from tcoc.paths import params_dir

FILE = "covered_services.csv"


@dataclass(frozen=True)
class CodeRange:
    """Codes from `first` to `last` of one form: the same letters in the same places."""

    first: str
    last: str
    covered: bool
    services: str
    source: str
    grade: str

    @property
    def form(self) -> str:
        """The form of its codes, with 9 for each digit."""
        return re.sub(r"\d", "9", self.first)

    def codes(self) -> list[str]:
        """Return every code of the range."""
        low, high = (int(re.sub(r"\D", "", code)) for code in (self.first, self.last))
        digits = self.form.count("9")
        return [_filled(self.form, str(n).zfill(digits)) for n in range(low, high + 1)]


def _filled(form: str, digits: str) -> str:
    numbers = iter(digits)
    return "".join(next(numbers) if place == "9" else place for place in form)


@cache
def load_code_ranges(folder: Path | None = None) -> tuple[CodeRange, ...]:
    """Read the ranges of the list; raises InputError for a range that is none, and for overlaps."""
    path = (folder or params_dir() / "reference") / FILE
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = [
        CodeRange(
            row["first"],
            row["last"],
            row["covered"] == "yes",
            row["services"],
            row["source"],
            row["grade"],
        )
        for row in rows
    ]
    for row in rows:
        if row["covered"] not in ("yes", "no"):
            raise InputError(
                f'{path}: covered of {row["first"]}: found "{row["covered"]}", expected yes or no'
            )
    _check(path, found)
    return tuple(found)


def _check(path: Path, ranges: list[CodeRange]) -> None:
    last: dict[str, str] = {}
    for each in sorted(ranges, key=lambda r: (r.form, r.first)):
        where = f"{path}: {each.first} to {each.last}"
        if not re.fullmatch(r"[0-9A-Z]{5}", each.first) or each.last < each.first:
            raise InputError(f"{where}: expected two codes of five places, the lower one first")
        if re.sub(r"\d", "9", each.last) != each.form:
            raise InputError(f"{where}: expected codes with the same letters in the same places")
        if each.first <= last.get(each.form, ""):
            raise InputError(f"{where}: overlaps the range before it")
        last[each.form] = each.last


@cache
def load_covered_services(folder: Path | None = None) -> tuple[str, ...]:
    """Return the codes that count as covered professional services, in order (rule Q1).

    A code that no range holds is not covered.
    """
    ranges = load_code_ranges(folder)
    return tuple(sorted(code for each in ranges if each.covered for code in each.codes()))
