"""The sheets of a run: a public one per hospital, and a confidential one for the owner alone.

The public edition is made of what the run published in `tables/`, so a sheet made from a finished
run is the one that the run itself made. The confidential edition is made of restricted tables,
outside of the process that renders pages, and stays under `restricted/`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tcoc.cache import sha256
from tcoc.disclosure import read_csvs
from tcoc.errors import InputError, nearest
from tcoc.folders import private
from tcoc.manifest import Manifest, read_manifest, read_private
from tcoc.report.sheet import (
    TABLES,
    Source,
    combinations,
    hospitals,
    public_source,
    render_combination,
    render_sheet,
)
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


def open_sheets(folder: Path, manifest: Manifest) -> Sheets:
    """Read what the sheets of a run folder are made of."""
    facts = {"synthetic": manifest.synthetic, "run": manifest.run}
    tables = read_csvs(folder / "tables", TABLES)
    public = public_source(tables, **facts)
    exact = exact_source(folder / RESTRICTED, tables, **facts)
    lists = Lists(folder / RESTRICTED)
    return Sheets(public, exact, lists, hospitals(public), combinations(public))


def write_sheets(folder: Path, manifest: Manifest, ccn: str = "") -> list[Path]:
    """Write both editions of the sheets of a run folder, or of one hospital, and return them.

    Without hospitals in the public tables there is nothing to write. Raises InputError with the
    nearest CCN for a hospital that the run does not have.
    """
    found = open_sheets(folder, manifest)
    if ccn and ccn not in found.names:
        raise InputError(f'--ccn: hospital "{ccn}" is not in this run{nearest(ccn, found.names)}')
    written = []
    for each in [ccn] if ccn else found.names:
        name = found.names[each]
        public = render_sheet(found.public, each, name)
        exact = render_sheet(found.exact, each, name, found.lists.html(each))
        written += _both(folder, f"{each}.html", public, exact)
    for name, members in found.together.items() if not ccn else ():
        pages = [render_combination(of, name, members) for of in (found.public, found.exact)]
        written += _both(folder, f"{_file_name(name)}.html", *pages)
    return written


def remake_sheets(folder: Path, ccn: str = "") -> list[Path]:
    """Make the sheets of a finished run again, and note in its manifest those that are others.

    Returns the public and the confidential files. Raises InputError for a folder that is no
    finished run and for a hospital that it does not have.
    """
    manifest = read_manifest(folder)
    if manifest.state != "ok":
        raise InputError(f"{folder}: the run is {manifest.state}, expected a finished one (ok)")
    written = write_sheets(folder, manifest, ccn)
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
