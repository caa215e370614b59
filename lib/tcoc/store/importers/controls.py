"""Control totals: what a delivery says of itself, held against what was read (rule I8).

CCLF0 lists the records of each CCLF file; the .fts that comes with a fixed-width RIF file lists its
fields and rows; a file's own line ends say how many rows it has, and whether its last row is whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tcoc.errors import InputError

RECORDS = (
    r"Exact File Quantity \(Rows\)\s*:?\s*([0-9][0-9,]*)",
    r"\(([0-9][0-9,]*)\s+Rows\)",
    r"(?:Number of\s+)?(?:Records|Rows|Observations)(?: in File)?\s*:\s*([0-9][0-9,]*)",
)
FIELD = re.compile(
    r"^\s*(?:[0-9]+[.)]?\s+)?(?P<names>[A-Za-z_][\w ./-]*?)"
    r"\s+(?:CHAR|NUM|DATE|CHARACTER|NUMERIC|C|N|D)\s+\$?(?P<one>[0-9]+)[.]?\s+\$?(?P<two>[0-9]+)(?:[.][0-9]*)?(?:\s|$)",
    re.IGNORECASE,
)
"""A line of a field list: names, type, start, and width (or end, where the head says so)."""


@dataclass(frozen=True)
class Control:
    """One control total: what is said, what was found."""

    name: str
    file: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        """Whether the two agree."""
        return self.expected == self.found

    @property
    def sentence(self) -> str:
        """Say what differs."""
        return f"{self.file}: {self.name} {self.expected:,}, found {self.found:,}"


@dataclass(frozen=True)
class Fts:
    """A File Transfer Summary: the fields of the file beside it, and its rows if it says them."""

    name: str
    fields: Mapping[str, tuple[int, int]]
    rows: int | None = None

    def positions(self, file: str) -> Mapping[str, tuple[int, int]]:
        """Return the fields; raises InputError where the summary lists none."""
        if not self.fields:
            raise InputError(
                f"{file}: a fixed-width file needs its layout, and {self.name} lists no fields:"
                " expected a line for each field with its name, type, start and width"
            )
        return self.fields


def read_fts(name: str, text: str, known: set[str]) -> Fts:
    """Read a File Transfer Summary; of a field's short and long name the known one counts.

    Raises InputError for fields that overlap.
    """
    lines = text.splitlines()
    ends = any(re.search(r"\bend\b", line, re.IGNORECASE) and _is_head(line) for line in lines)
    fields: dict[str, tuple[int, int]] = {}
    reached = 0
    for number, line in enumerate(lines, 1):
        match = FIELD.match(line)
        if match is None:
            continue
        one, two = int(match["one"]), int(match["two"])
        names = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", match["names"])
        chosen = next((n for n in names if n.upper() in known), names[0])
        if one <= reached:
            raise InputError(
                f"{name}: line {number}: the field starts at {one}, inside the one before it"
            )
        fields[chosen.upper()] = (one, two - one + 1 if ends else two)
        reached = one + fields[chosen.upper()][1] - 1
    return Fts(name, fields, _records(text))


def _is_head(line: str) -> bool:
    return bool(re.search(r"\bstart", line, re.IGNORECASE))


def _records(text: str) -> int | None:
    for pattern in RECORDS:
        if match := re.search(pattern, text, re.IGNORECASE):
            return int(match[1].replace(",", ""))
    return None


@dataclass(frozen=True)
class Cclf0:
    """CCLF0: the records of each file of one delivery, by the file's number."""

    name: str
    group: str
    records: Mapping[str, int]


def is_cclf0(head: str) -> bool:
    """Whether a file begins like CCLF0."""
    return bool(re.match(r"\s*File Number\s*[|,]", head, re.IGNORECASE))


def read_cclf0(name: str, text: str) -> Cclf0:
    """Read CCLF0. Raises InputError for a line that says no number of records."""
    records: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip().strip('"') for cell in re.split(r"[|,](?=\D|\s*\d)", line)]
        match = re.match(r"CCLF\s*([0-9A-Z])$", cells[0], re.IGNORECASE)
        if match is None:
            continue
        counts = [c for c in cells[2:] if re.fullmatch(r"[0-9]+", c)]
        if not counts:
            raise InputError(f"{name}: line {number}: {cells[0]} has no count of records")
        records[match[1].upper()] = int(counts[0])
    return Cclf0(name, group_of(name), records)


def cclf_number(name: str) -> str:
    """Return the number of a CCLF file by its name, such as 5 or A; empty where it has none."""
    match = re.search(r"(?:ZC|CCLF)([0-9AB])(?![0-9])", name.rsplit("/", 1)[-1], re.IGNORECASE)
    return match[1].upper() if match else ""


def group_of(name: str) -> str:
    """Return what files of one CCLF delivery share: their folder and the day in their names."""
    folder, _, file = name.rpartition("/")
    day = re.search(r"\.(D[0-9]{6})", file, re.IGNORECASE)
    return f"{folder}/{day[1].upper() if day else ''}"


def cclf_controls(
    said: Cclf0, rows: Mapping[str, int], numbers: Mapping[str, str], needed: set[str]
) -> list[Control]:
    """Hold CCLF0 against the rows of the files of its delivery, by number.

    `rows` and `numbers` give each file's rows and number; a number that the import reads and of
    which there is no file counts as 0 rows; one that it does not read is passed over.
    """
    found = []
    for number, expected in sorted(said.records.items()):
        files = [n for n, k in numbers.items() if k == number and group_of(n) == said.group]
        if not files:
            files = [n for n, k in numbers.items() if k == number and not re.search(r"\.D\d{6}", n)]
        if files or (number in needed and expected):
            total = sum(rows[n] for n in files)
            found.append(Control(f"records of CCLF{number}", said.name, expected, total))
    return found
