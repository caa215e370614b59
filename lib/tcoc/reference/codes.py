"""The project's code lists: primary care services, specialties and their names (rule A2)."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tcoc.errors import InputError, nearest
from tcoc.paths import params_dir


@dataclass(frozen=True)
class CodeLists:
    """Primary care services and the specialties of step 1 and step 2 (rule A2)."""

    primary_care: tuple[str, ...]
    step_1: tuple[str, ...]
    step_2: tuple[str, ...]


def load_code_lists(
    folder: Path | None = None, services: str = "mssp_2017", specialties: str = "mssp"
) -> CodeLists:
    """Read the project's code lists of rule A2, by the names of the lists.

    Raises InputError for a list that no row belongs to, and for a code that stands twice in one.
    """
    folder = folder or params_dir() / "reference"
    codes = _of_list(folder / "primary_care_hcpcs.csv", "lists", services)
    steps = _of_list(folder / "specialties.csv", "list", specialties)
    return CodeLists(
        tuple(row["code"] for row in codes),
        tuple(row["code"] for row in steps if row["step"] == "1"),
        tuple(row["code"] for row in steps if row["step"] == "2"),
    )


@cache
def specialty_names() -> dict[str, str]:
    """Return the names of CMS's specialty codes (params/reference/specialty_groups.csv)."""
    path = params_dir() / "reference" / "specialty_groups.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}


def _of_list(path: Path, column: str, name: str) -> list[dict[str, str]]:
    """Return the rows of a code list; the column names the lists that a row belongs to."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    mine = [row for row in rows if name in row[column].split()]
    if not mine:
        known = sorted({list_name for row in rows for list_name in row[column].split()})
        raise InputError(f'{path}: there is no list "{name}"{nearest(name, known)}')
    seen: set[str] = set()
    for row in mine:
        if row["code"] in seen:
            raise InputError(f'{path}: the code "{row["code"]}" stands twice')
        seen.add(row["code"])
    return mine
