"""The sheets of a run: of hospitals, systems, ACOs, counties; public, and for the owner alone.

The public edition is made of what the run published in `tables/`, so a sheet made from a finished
run is the one that the run itself made. The confidential edition is made of restricted tables,
outside of the process that renders pages, and stays under `restricted/`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tcoc.disclosure import read_csvs
from tcoc.errors import InputError, nearest
from tcoc.folders import private
from tcoc.identity import sha256
from tcoc.manifest import Manifest, finished, read_private
from tcoc.report.sheet import (
    TABLES,
    Source,
    combinations,
    hospitals,
    public_source,
    render_combination,
    render_sheet,
)
from tcoc.report.sheet_groups import Group, groups, render_group
from tcoc.run.release import RESTRICTED
from tcoc.run.sheets_exact import Lists, exact_source

FOLDER = "hospitals"
_OWNER = 0o600


@dataclass(frozen=True)
class Sheets:
    """The sheets of one run: the sources of both editions, and whom there are sheets of."""

    public: Source
    exact: Source
    lists: Lists
    names: Mapping[str, str]
    together: Mapping[str, list[str]]
    groups: Mapping[str, Group]

    def files(self, name: str = "") -> list[str]:
        """Return what sheets there are, as files are called, or those that a reader names.

        A name is a CCN, a file, or a hospital's, system's, ACO's or county's name or id, in any
        case. Raises InputError with the nearest name for one that the run does not have.
        """
        shared = {_file_name(each): each for each in self.together}
        every = [*self.names, *shared, *self.groups]
        if not name:
            return every
        called: dict[str, list[str]] = {}
        for file, words in self._words(shared):
            called.setdefault(words.lower(), []).append(file)
        found = called.get(name.strip().lower())
        if found is None:
            known = [words for _, words in self._words(shared)]
            raise InputError(f'sheet: "{name}" is not in this run{nearest(name, known)}')
        return list(dict.fromkeys(found))

    def _words(self, shared: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield each sheet with all that it is called."""
        for ccn, name in self.names.items():
            yield from ((ccn, ccn), (ccn, name))
        for file, name in shared.items():
            yield from ((file, file), (file, name))
        for file, group in self.groups.items():
            yield from ((file, words) for words in (file, group.name, group.called))

    def render(self, file: str) -> tuple[str, str]:
        """Return the public and the confidential edition of a sheet."""
        both = (self.public, self.exact)
        if file in self.names:
            name, lists = self.names[file], self.lists.html(file)
            return render_sheet(both[0], file, name), render_sheet(both[1], file, name, lists)
        if file in self.groups:
            one, other = (render_group(source, self.groups[file]) for source in both)
            return one, other
        name = next(each for each in self.together if _file_name(each) == file)
        one, other = (render_combination(of, name, self.together[name]) for of in both)
        return one, other


def open_sheets(folder: Path, manifest: Manifest) -> Sheets:
    """Read what the sheets of a run folder are made of."""
    facts = {"synthetic": manifest.synthetic, "run": manifest.run}
    tables = read_csvs(folder / "tables", TABLES)
    public = public_source(tables, **facts)
    exact = exact_source(folder / RESTRICTED, tables, **facts)
    lists = Lists(folder / RESTRICTED)
    return Sheets(public, exact, lists, hospitals(public), combinations(public), groups(public))


def write_sheets(folder: Path, manifest: Manifest, name: str = "") -> list[Path]:
    """Write both editions of the sheets of a run folder, or of those of a name, and return them.

    Without hospitals in the public tables there is nothing to write. Raises InputError with the
    nearest name for one that the run does not have.
    """
    found = open_sheets(folder, manifest)
    written = []
    for file in found.files(name):
        written += _both(folder, f"{file}.html", *found.render(file))
    return written


def remake_sheets(folder: Path, name: str = "") -> list[Path]:
    """Make the sheets of a finished run again, and note in its manifest those that are others.

    Returns the public and the confidential files. Raises InputError for a folder that is no
    finished run and for a name that it does not have.
    """
    manifest = finished(folder)
    written = write_sheets(folder, manifest, name)
    kept = read_private(folder)
    files = {file.relative_to(folder).as_posix(): sha256(file) for file in written}
    closed = {name: s for name, s in files.items() if name.startswith(f"{RESTRICTED}/")}
    public = {name: s for name, s in files.items() if name not in closed}
    if public.items() - manifest.files.items():
        manifest.files = {**manifest.files, **public}
        manifest.write(folder)
    if closed.items() - kept.files.items():
        kept.files = {**kept.files, **closed}
        kept.write(folder)
    return written


def _both(folder: Path, name: str, public: str, exact: str) -> list[Path]:
    open_place = folder / FOLDER
    open_place.mkdir(exist_ok=True)
    closed_place = private(folder / RESTRICTED / FOLDER)
    files = [open_place / name, closed_place / name]
    files[1].touch(mode=_OWNER)
    files[1].chmod(_OWNER)
    for file, content in zip(files, (public, exact), strict=True):
        file.write_text(content, encoding="utf-8")
    return files


def _file_name(name: str) -> str:
    return "together-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "hospitals")
