"""The search of a run's public files for identifiers: what leaves the building names nobody.

The words of each file are looked up among the store's identifiers, by the engine: the time does
not grow with the length of a list of identifiers, and no such list is ever made. Most words lie
between no column's least and greatest value, which Parquet files say, and are not looked up.
"""

import base64
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from tcoc.cache import Cache, Entry
from tcoc.errors import TcocError
from tcoc.identity import base_key
from tcoc.store.connection import Connection, connect
from tcoc.store.layout import Store, open_store
from tcoc.store.schema import TABLES

IDENTIFIERS = ("bene_id", "claim_id", "npi")
"""Columns of the store whose values no public file may hold; hospitals' CCNs are public."""

SHORTEST = 6
"""Shorter identifiers are no words of their own in a page full of numbers."""

_PUBLIC = (".html", ".csv", ".txt", ".svg", ".json", ".ipynb", ".log")
_TOKEN = re.compile(rf"[0-9A-Za-z_.-]{{{SHORTEST},}}")
_NUMBER = re.compile(r"(?<![0-9A-Za-z.])([0-9]+)\.([0-9]+)")
_WORD = re.compile(r"[0-9A-Za-z_-]+")
_PIECE = re.compile(r"[0-9A-Za-z]+")
_CSV_LINK = re.compile(r"data:text/csv;base64,([A-Za-z0-9+/=]+)")
_BLOB = re.compile(r"[A-Za-z0-9+/=]{200,}")

_KIND = "identifiers"


def assert_no_identifiers(store: Path, work: Path, none: frozenset[str] = frozenset()) -> set[str]:
    """Search every public file of a run for a beneficiary, claim or clinician of the store.

    Downloads inside pages are unpacked first. Returns all words of the files; those of an earlier
    search (`none`) are not looked up again. Raises TcocError that names the file and the kind of
    identifier, never the identifier.
    """
    said = {file: words(file.read_text(encoding="utf-8")) for file in public_files(work)}
    every = set[str]().union(*said.values())
    if not (candidates := sorted(every - none)):
        return every
    with connect() as connection:
        found = known_identifiers(connection, open_store(store), candidates)
    leaks = [
        f"{file.relative_to(work)} holds {len(own & values)} {kind}"
        for file, own in said.items()
        for kind, values in found.items()
        if own & values
    ]
    if leaks:
        raise TcocError(f"{'; '.join(leaks)} of the store; public files hold none")
    return every


def searched(cache: Cache, store: Sequence[str]) -> frozenset[str]:
    """Return the words of the last search that found nobody of a store, given by its sums."""
    entry = cache.find(_KIND, _base(store), ())
    return frozenset(entry.facts["words"] if entry is not None else ())


def note_searched(cache: Cache, store: Sequence[str], every: set[str]) -> None:
    """Note the words of a search that found nobody of a store."""
    cache.keep(Entry(_KIND, _base(store), (), {}, facts={"words": sorted(every)}), cache.folder)


def _base(store: Sequence[str]) -> str:
    return base_key(_KIND, frozenset({__name__}), list(store))


def public_files(work: Path) -> list[Path]:
    """Return the text files of a run folder that may leave it."""
    return [
        file
        for file in sorted(work.rglob("*"))
        if file.suffix in _PUBLIC
        and file.is_file()
        and not {"restricted", ".internal"} & set(file.relative_to(work).parts)
    ]


def words(content: str) -> set[str]:
    """Return the words of a text that could be identifiers, without pictures and typefaces.

    Letters, digits, hyphens and underscores make a word, and its pieces between hyphens and
    underscores are words too. Of 1003000126.0 the whole part is a word, of amounts nothing is.
    """
    unpacked = [base64.b64decode(data).decode() for data in _CSV_LINK.findall(content)]
    texts = (_BLOB.sub(" ", content), *unpacked)
    # a page says most of its numbers many times
    tokens = set[str]().union(*(_TOKEN.findall(text) for text in texts))
    return {word for word in _words("\n".join(tokens)) if len(word) >= SHORTEST}


def _words(text: str) -> set[str]:
    whole = _NUMBER.sub(lambda n: " " if n.group(2).strip("0") else f"{n.group(1)} ", text)
    found = set(_WORD.findall(whole))
    pieces = {piece for word in found if "-" in word or "_" in word for piece in _cut(word)}
    return found | pieces


def _cut(word: str) -> list[str]:
    """Return a word's pieces, each also with the sign that some identifiers have."""
    pieces = _PIECE.findall(word)
    return [word.strip("-_"), *pieces, *(f"-{piece}" for piece in pieces)]


def known_identifiers(
    connection: Connection, store: Store, candidates: list[str]
) -> dict[str, set[str]]:
    """Return which candidates, in order, are identifiers of the store, by kind."""
    found: dict[str, set[str]] = {kind: set() for kind in IDENTIFIERS}
    for name, spec in TABLES.items():
        kinds = [kind for kind in IDENTIFIERS if kind in spec.schema]
        for kind, likely in _likely(store.files(name), kinds, candidates).items():
            if likely:
                wanted = connection.load(pd.DataFrame({"value": likely}), {"value": "string"})
                column = connection.table(store, name).select(value=kind)
                hits = connection.fetch(wanted.semi_join(column, "value"))
                found[kind] |= set(hits["value"])
    return found


def _likely(
    files: Sequence[Path], columns: Sequence[str], ordered: Sequence[str]
) -> dict[str, list[str]]:
    """Return, by column, the words that are not outside of all that its files say to hold."""
    found: dict[str, set[str]] = {column: set() for column in columns}
    for about in map(pq.read_metadata, files):
        place = {name: about.schema.names.index(name) for name in columns
                 if name in about.schema.names}  # fmt: skip
        for piece in map(about.row_group, range(about.num_row_groups)):
            for name, number in place.items():
                told = piece.column(number).statistics
                known = told is not None and told.has_min_max and isinstance(told.min, str)
                first = bisect_left(ordered, told.min) if known else 0
                last = bisect_right(ordered, told.max) if known else len(ordered)
                found[name].update(ordered[first:last])
    return {name: sorted(likely) for name, likely in found.items()}
