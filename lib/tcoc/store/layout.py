"""A store on disk: which files hold which table and year, and what store.json says."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tcoc.errors import InputError, nearest
from tcoc.store.schema import FORMAT_VERSION, TABLES


@dataclass(frozen=True)
class Store:
    """A data store that is whole: its folder, and the content of store.json."""

    root: Path
    info: dict[str, Any]

    @property
    def synthetic(self) -> bool:
        """Whether every person in the store is invented; reports then say so on each page."""
        return bool(self.info.get("synthetic", False))

    @property
    def years(self) -> tuple[int, ...]:
        """The years for which the store says that it has claims or months, ascending."""
        return tuple(sorted(int(y) for y in self.info.get("years", [])))

    @property
    def reference(self) -> Path:
        """The reference tables that came with the store (a synthetic store writes them)."""
        return self.root / "reference"

    def partitions(self, table: str) -> dict[int, list[Path]]:
        """Return the files of a partitioned table by year; a year without files is absent."""
        found: dict[int, list[Path]] = {}
        for folder in sorted((self.root / table).glob("year=[0-9][0-9][0-9][0-9]")):
            files = sorted(folder.glob("*.parquet"))
            if files:
                found[int(folder.name.removeprefix("year="))] = files
        return found

    def files(self, table: str, years: Iterable[int] | None = None) -> list[Path]:
        """Return the files of a table, for some years or all, by name.

        Opening just the year files that a step needs is several times as fast as filtering a
        view of all years.
        """
        if not TABLES[table].partitioned:
            single = self.root / f"{table}.parquet"
            return [single] if single.is_file() else sorted((self.root / table).rglob("*.parquet"))
        wanted = None if years is None else set(years)
        return [
            file
            for year, files in self.partitions(table).items()
            if wanted is None or year in wanted
            for file in files
        ]


def open_store(root: Path) -> Store:
    """Open a finished store.

    Raises InputError where there is no store, or one of another format version.
    """
    info_file = root / "store.json"
    if not root.is_dir():
        siblings = (
            [p.parent.name for p in root.parent.glob("*/store.json")]
            if root.parent.is_dir()
            else []
        )
        raise InputError(
            f"{root}: there is no such store{nearest(root.name, siblings) if siblings else ''}"
            " (make the synthetic one with `tcoc synth`, or import CMS files with `tcoc import`)"
        )
    if not info_file.is_file():
        raise InputError(f"{root}: store.json is missing, so this is not a finished store")
    try:
        info = json.loads(info_file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{info_file}: not UTF-8 text at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{info_file}: line {error.lineno} is not JSON") from error
    if not isinstance(info, dict):
        raise InputError(f"{info_file}: found {type(info).__name__}, expected a JSON object")
    version = info.get("format_version")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{info_file}: format_version is {version!r}, this library reads {FORMAT_VERSION}"
        )
    years = info.get("years", [])
    if not isinstance(years, list) or any(type(year) is not int for year in years):
        raise InputError(f"{info_file}: years: found {years}, expected a list of years")
    return Store(root.resolve(), info)


def store_files(root: Path) -> list[Path]:
    """Return the files of a store that a run can read, in order of their names.

    Reference tables that lie in it are inputs by their own path; rejected rows are none.
    """
    return sorted(
        file
        for file in root.rglob("*")
        if file.is_file() and file.relative_to(root).parts[0] not in {"quarantine", "reference"}
    )
