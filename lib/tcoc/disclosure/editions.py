"""What two published editions say together: cells that one hides and the other shows (D2)."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from tcoc.disclosure.files import DICTIONARY, MARK
from tcoc.errors import InputError

SHOWN_BEFORE = "hidden now, shown in the earlier edition"
HIDDEN_BEFORE = "shown now, hidden in the earlier edition"


@dataclass(frozen=True)
class Difference:
    """A cell about which two editions together may say more than each alone."""

    table: str
    column: str
    cell: str
    kind: str

    def __str__(self) -> str:
        return f"{self.table}: {self.column} of {self.cell}: {self.kind}"


def difference_check_folders(new: Path, old: Path) -> list[Difference]:
    """Compare the cells of two tables/ folders; InputError for one without its dictionary."""
    now, before = _marks(new), _marks(old)
    return [
        Difference(*cell, SHOWN_BEFORE if now[cell] else HIDDEN_BEFORE)
        for cell in sorted(now.keys() & before.keys())
        if now[cell] != before[cell]
    ]


def _marks(folder: Path) -> dict[tuple[str, str, str], bool]:
    """Return for each count cell of published tables whether it is hidden."""
    file = folder / DICTIONARY
    if not file.is_file():
        raise InputError(f"{file}: there is no such file")
    cells: dict[tuple[str, str, str], bool] = {}
    for name, facts in json.loads(file.read_text(encoding="utf-8")).items():
        frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        words = [", ".join(f"{k} {row[k]}" for k in facts["keys"]) for _, row in frame.iterrows()]
        for column, entry in facts["columns"].items():
            if entry["kind"] == "count":
                texts = zip(words, frame[column], strict=True)
                cells |= {(name, column, w): text == MARK for w, text in texts if text}
    return cells
