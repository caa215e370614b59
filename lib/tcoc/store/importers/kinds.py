"""What a source file is: by its columns, its claim types and, where these leave two, its name.

CCW's deliveries hold many side files (condition, occurrence and demonstration codes, chronic
conditions, cost and use) whose names hold a type's word; they lack its columns, and are left aside.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tcoc.errors import InputError
from tcoc.store.importers import sources
from tcoc.store.importers.controls import Fts
from tcoc.store.importers.layouts import (
    Layout,
    candidates,
    known_columns,
    resolve,
    share_found,
    type_by_name,
)
from tcoc.store.importers.sources import Header, Scan, SourceFile

CLOSE = 2 / 3
"""From this share of its columns on, a file was meant to be what its name says: then a column is
missing, and the import stops. With fewer it is a side file."""

LOOKED_AT = 50
"""Lines of a fixed-width file without a telling name that are held against the layouts."""


@dataclass(frozen=True)
class Kind:
    """What a file is: its type and header, or no type and why it is left aside."""

    type: str = ""
    header: Header | None = None
    why: str = ""


def recognize(layout: Layout, source: SourceFile, scan: Scan, fts: Mapping[str, Fts]) -> Kind:
    """Say what a file of a delivery is.

    Raises InputError where its name and most of its columns say a type of which a column is
    missing, where rows of several types stand in it, and for a damaged file of a known name.
    """
    named = type_by_name(layout, sources.stem(source))
    if named is not None:
        sources.check_scan(source, scan)
    elif scan.empty or scan.nul_line:
        return Kind(why="holds no text")
    beside = fts.get(sources.bare(source))
    header = _header(layout, source, scan, named, beside)
    if header is None:
        return Kind(why="no header with known columns")
    fits = candidates(layout, header.names)
    if not fits:
        return _unlike(layout, source, header, named)
    return Kind(_choose(layout, source, scan, header, fits, named), header)


def _header(
    layout: Layout, source: SourceFile, scan: Scan, named: str | None, beside: Fts | None
) -> Header | None:
    try:
        return sources.read_header(source, scan, known_columns(layout))
    except InputError as error:
        if beside is not None:
            return Header(tuple(beside.positions(source.name)), "\x01", "", 0, beside.fields)
        fixed = _fixed_type(layout, scan, named)
        if fixed:
            positions = layout.positions(fixed)
            return Header(tuple(positions), "\x01", "", 0, positions)
        if named is None:
            return None
        if source.name.lower().endswith(".dat"):
            raise InputError(
                f"{source.name}: line 1 is not a header, and no .fts of the same name stands beside"
                " it: a fixed-width file needs its layout"
            ) from error
        raise


def _fixed_type(layout: Layout, scan: Scan, named: str | None) -> str | None:
    """Return the fixed-width type whose positions hold dates and claim types on the first lines."""
    if named is not None:
        return named if layout.positions(named) else None
    lines = _first_lines(scan)[:LOOKED_AT]
    fits = [k for k in layout.types if layout.positions(k) and _reads_as(layout, k, lines)]
    return fits[0] if len(fits) == 1 else None


def _reads_as(layout: Layout, kind: str, lines: Sequence[str]) -> bool:
    spec = layout.types[kind]
    dates = [f.at for f in spec.fields.values() if f.at and f.need == "row" and "date" in f.kind]
    at = spec.fields["claim_type"].at if "claim_type" in spec.fields else None
    if not lines or not dates:
        return False
    return all(
        all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", line[a - 1 : a - 1 + n]) for a, n in dates)
        and (at is None or line[at[0] - 1 : at[0] - 1 + at[1]] in spec.claim_types)
        for line in lines
    )


def _first_lines(scan: Scan) -> list[str]:
    """Return the whole lines with text at the beginning of a file."""
    lines = sources.plain_text(scan).split("\n")
    whole = lines if len(scan.head) < sources.HEADER_LIMIT else lines[:-1]
    return [line for line in whole if line.strip()]


def _unlike(layout: Layout, source: SourceFile, header: Header, named: str | None) -> Kind:
    """A file that is like no type: its name's type with a column missing, or a side file."""
    plain = [kind for kind, spec in layout.types.items() if not spec.any_of]
    meant = named if named in plain else None
    near = meant or max(plain, key=lambda kind: _share(layout, kind, header))
    found, needed = share_found(layout, near, header.names)
    if meant is not None and found >= CLOSE * needed:
        resolve(source.name, layout, meant, header.names)
    return Kind(why=f"{found} of {needed} columns that {near} files need")


def _share(layout: Layout, kind: str, header: Header) -> float:
    found, needed = share_found(layout, kind, header.names)
    return found / needed


def _choose(
    layout: Layout,
    source: SourceFile,
    scan: Scan,
    header: Header,
    fits: Sequence[str],
    named: str | None,
) -> str:
    """Choose among types that fit: by the claim types of the first rows, the name, most columns.

    Raises InputError where rows or name say a type of which a column is missing.
    """
    rows = _claim_types(layout, scan, header)
    by_type = {kind: sum(rows[t] for t in spec.claim_types) for kind, spec in layout.types.items()}
    most = max(by_type.values())
    meant = [kind for kind, count in by_type.items() if count == most > 0]
    left = [kind for kind in fits if kind in meant] if meant else list(fits)
    close = named is not None and _share(layout, named, header) >= CLOSE
    if not left:
        resolve(source.name, layout, named if named in meant and named else meant[0], header.names)
    if not meant and named is not None and named not in fits and close:
        resolve(source.name, layout, named, header.names)
    # a claim with its lines is no base claim, whatever the name says
    table = layout.types[left[0]].table
    lines = left[0].removesuffix("_base")
    if table == "base" and _share(layout, lines, header) >= CLOSE:
        resolve(source.name, layout, lines, header.names)
    same = [k for k in left if layout.types[k].table == table]
    return named if named in same else same[0]


def _claim_types(layout: Layout, scan: Scan, header: Header) -> Counter[str]:
    """Count the claim types of the first rows; none where the file has no such column."""
    names = [n.upper() for n in header.names]
    place = next((names.index(c) for c in layout.claim_type if c in names), None)
    if place is None:
        return Counter()
    lines = _first_lines(scan)[1 if header.line else 0 :]
    rows = sources.cut(header, lines)
    cells = [row[place] for row in rows if len(row) > place]
    return Counter(re.sub(r"[.]0*$", "", cell.strip().strip('"')) for cell in cells)
