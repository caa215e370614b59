"""Layouts: which source files hold what, under which column names; data, not code.

One YAML per source kind in params/reference/layouts. A file is known by its columns (`kinds`); a
field takes the first of its names that the header has, whatever the case.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tcoc.errors import InputError, nearest
from tcoc.params import read_yaml
from tcoc.paths import params_dir

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEPT", "OCT", "NOV", "DEC")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldSpec(_Strict):
    """One field: how it is read, whether a row or file can do without, and its names."""

    kind: Literal[
        "text", "code", "code2", "hcpcs", "npi", "ccn", "date", "service_date", "year",
        "amount", "amount0", "integer", "integer0", "line", "digits", "zip", "processed",
    ]  # fmt: skip
    need: Literal["row", "column", "optional"]
    names: tuple[str, ...] = Field(min_length=1)
    months: bool = False
    repeats: int = 0
    unless: str = ""
    absent: str = ""
    at: tuple[int, int] | None = None
    width: int = 0
    codes: str = ""
    same: bool = True
    """Whether two rows of one key must agree in it to be the same row (rule I1)."""

    def columns(self, name: str) -> list[str]:
        """Return the source columns that a name stands for: one, or one per month or repeat."""
        if self.months:
            return [name.format(m=i, mm=f"{i:02d}", MON=month) for i, month in enumerate(MONTHS, 1)]
        return [name.format(n=i) for i in range(1, self.repeats + 1)] if self.repeats else [name]


class TypeSpec(_Strict):
    """One type of source file: how to know it, where it goes, its key and its fields."""

    words: tuple[str, ...]
    not_words: tuple[str, ...] = ()
    required: bool = False
    stamp: Literal["", "year", "month"] = ""
    any_of: tuple[str, ...] = ()
    number: int = 0
    table: str
    setting: str = ""
    key: tuple[str, ...]
    claim_types: tuple[str, ...] = ()
    fields: dict[str, FieldSpec]


class Layout(_Strict):
    """All file types of one source kind."""

    kind: str
    version: str
    source: str
    event: tuple[str, ...] = ()
    final_action: tuple[str, ...] = ()
    nulls: tuple[str, ...] = ()
    later_replaces: bool = False
    claim_type: tuple[str, ...] = ()
    control: tuple[str, ...] = ()
    code_lists: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    types: dict[str, TypeSpec]

    def positions(self, kind: str) -> dict[str, tuple[int, int]]:
        """Return the fixed-width columns of a file type, first position and length; or none."""
        fields = self.types[kind].fields.values()
        return {f.names[0]: f.at for f in fields if f.at is not None}

    def codes(self, field: FieldSpec) -> tuple[str, ...]:
        """Return the codes that a field may hold; none where any text may stand (rule I7)."""
        return self.code_lists[field.codes] if field.codes else ()

    @model_validator(mode="after")
    def _lists_are_there(self) -> "Layout":
        named = {f.codes for t in self.types.values() for f in t.fields.values() if f.codes}
        if absent := sorted(named - set(self.code_lists)):
            raise ValueError(f"code list {absent[0]} is not in code_lists")
        return self

    @property
    def fingerprint(self) -> str:
        """A short hash of the layout: staged files made with another one are not reused."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Resolved:
    """A file type's fields on one header: source columns per field, none where absent."""

    columns: dict[str, tuple[str, ...]]
    event: str
    final_action: str
    absent: tuple[str, ...]


@lru_cache(maxsize=8)
def load_layout(kind: str, folder: Path | None = None) -> Layout:
    """Read the layout of a source kind, or raise InputError in one sentence."""
    file = (folder or params_dir() / "reference" / "layouts") / f"{kind}.yml"
    try:
        return Layout.model_validate(read_yaml(file))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{file.name}: {where}: {first['msg']}") from error


def type_by_name(layout: Layout, name: str) -> str | None:
    """Return the file type whose word is in a file's name; the longest word wins."""
    text = re.sub(r"[^a-z0-9]+", "_", name.lower())
    best: tuple[int, str] | None = None
    for kind, spec in layout.types.items():
        if any(word in text for word in spec.not_words):
            continue
        for word in spec.words:
            if word in text and (best is None or len(word) > best[0]):
                best = (len(word), kind)
    return best[1] if best else None


def candidates(layout: Layout, header: Sequence[str]) -> list[str]:
    """Return the file types whose needed columns are all in a header, most needing first."""
    fits = [
        kind
        for kind, spec in layout.types.items()
        if not _missing(spec, header)
        and (not spec.any_of or any(_find(spec.fields[n], header) for n in spec.any_of))
    ]
    return sorted(fits, key=lambda kind: -_needs(layout.types[kind]))


def share_found(layout: Layout, kind: str, header: Sequence[str]) -> tuple[int, int]:
    """Return how many columns that a file type needs a header has, and how many it needs."""
    spec = layout.types[kind]
    needs = _needs(spec)
    return needs - len(_missing(spec, header)), needs


def _needs(spec: TypeSpec) -> int:
    return sum(f.need != "optional" for f in spec.fields.values())


def resolve(file: str, layout: Layout, kind: str, header: Sequence[str]) -> Resolved:
    """Find each field of a file type in a header.

    Raises InputError that names the file, the missing column and the nearest one in the header.
    """
    spec = layout.types[kind]
    missing = _missing(spec, header)
    if missing:
        field = spec.fields[missing[0]]
        wanted = field.columns(field.names[0])[0]
        others = [field.columns(name)[0] for name in field.names[1:]]
        also = f" (or {', '.join(others)})" if others else ""
        near = nearest(wanted, header) if _close(wanted, header) else ""
        raise InputError(f"{file}: column {wanted}{also} is missing{near}")
    columns = {name: _find(field, header) for name, field in spec.fields.items()}
    absent = tuple(f.absent for n, f in spec.fields.items() if f.absent and not columns[n])
    return Resolved(
        columns, _first(layout.event, header), _first(layout.final_action, header), absent
    )


def known_columns(layout: Layout) -> set[str]:
    """Return every column name that a layout knows, in upper case."""
    return {
        column.upper()
        for spec in layout.types.values()
        for field in spec.fields.values()
        for name in field.names
        for column in field.columns(name)
    }


def _missing(spec: TypeSpec, header: Sequence[str]) -> list[str]:
    return [n for n, f in spec.fields.items() if f.need != "optional" and not _find(f, header)]


def _find(field: FieldSpec, header: Sequence[str]) -> tuple[str, ...]:
    upper = {name.upper(): name for name in header}
    for name in field.names:
        columns = [c.upper() for c in field.columns(name)]
        if all(c in upper for c in columns):
            return tuple(upper[c] for c in columns)
    return ()


def _first(names: Iterable[str], header: Sequence[str]) -> str:
    upper = {name.upper(): name for name in header}
    return next((upper[n.upper()] for n in names if n.upper() in upper), "")


def _close(wanted: str, header: Sequence[str]) -> bool:
    return "did you mean" in nearest(wanted, header)
