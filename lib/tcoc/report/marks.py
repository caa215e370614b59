"""What a drawn mark stands for: its row's hospital and its value in words.

matplotlib carries one free text per artist, its id. A mark's hospital and words travel there, and
become `data-ccn` and `<title>` in the page's SVG, so that a reader can search, point at and mark
what a picture shows.
"""

from dataclasses import dataclass
from typing import Any

_START = "tcoc-mark"
_CUT = "\u2063"


@dataclass(frozen=True)
class Mark:
    """A mark of a figure: what it is (mark, name or text), its hospital, what it says."""

    role: str
    key: str
    said: str


def mark(artist: Any, key: str, said: str, role: str = "mark") -> Any:
    """Give a matplotlib artist its hospital and words, and return it."""
    artist.set_gid(_CUT.join((_START, role, key, said)))
    return artist


def read(identity: str | None) -> Mark | None:
    """Return the mark that an id carries, or None where it is a plain id."""
    parts = (identity or "").split(_CUT)
    return Mark(*parts[1:]) if len(parts) == 4 and parts[0] == _START else None
