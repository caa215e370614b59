"""What a deliverable would publish (Draft), and what leaves of it (PublicTable).

Only the gate makes a PublicTable; every view of one keeps its keys, hidden cells and dictionary.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, fields, replace
from decimal import Decimal
from itertools import chain, product
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from tcoc.errors import InputError, nearest

Kind = Literal[
    "key", "label", "year", "flag", "count", "entities", "months", "share", "score", "dollars",
    "per_capita", "growth", "factor", "percent", "number",
]  # fmt: skip

OF_PEOPLE = frozenset(
    {"count", "months", "share", "score", "dollars", "per_capita", "growth", "factor", "percent"}
)
"""Kinds whose numbers are about people: they are rounded, and may be hidden."""

PLAIN = ("key", "label", "year", "flag")

ROUNDED = "Rounded; parts need not add up to totals."
"""What every table with numbers about people says (rule D3)."""


@dataclass(frozen=True)
class Column:
    """One entry of a table's dictionary: what a column means and how it may be shown.

    label        heading as a reader reads it, sentence case
    kind         decides rounding (rule D2) and format
    description  one sentence, with the rule id
    unit         people, person-months, dollars per person and year, ...
    of           count columns that protect it: a hidden one hides it (rule D1)
    base         the count column that is its denominator: sets the step of a share or score
    digits       digits shown, never finer than the rounding leaves
    """

    label: str
    kind: Kind
    description: str = ""
    unit: str = ""
    of: tuple[str, ...] = ()
    base: str = ""
    digits: int | None = None

    @property
    def protectors(self) -> tuple[str, ...]:
        """The count columns of which a hidden cell hides this column's cell too."""
        base = (self.base,) if self.base and self.base not in self.of else ()
        return (*self.of, *base)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a table says of itself beside its cells.

    name         file stem of tables/NAME.csv, unique in the run
    title        the finding or the subject
    deliverable  the deliverable that a public table belongs to
    keys         dimension columns, named alike in all tables (year, ccn, stage, ...)
    columns      the dictionary, in the order of the columns; every numeric column has an entry
    note         what a reader must know, in a public table the remark on rounding included
    source       where the numbers come from
    universe     what the counts count; the same (universe, column, keys without totals) in two
                 tables is the same cell
    totals       dimension -> the label that means all of it
    parents      dimension -> {label: parent label}, for hierarchies (hospital -> combination)
    within       count column -> the count column of which it is a part; the rest is protected too
    whole        whether this is the table itself and not a view of it
    """

    name: str
    title: str
    deliverable: str = ""
    keys: tuple[str, ...]
    columns: Mapping[str, Column]
    note: str = ""
    source: str = ""
    universe: str = ""
    totals: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    within: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True

    @property
    def facts(self) -> "Facts":
        """All that the table says of itself, without its cells."""
        return Facts(**{entry.name: getattr(self, entry.name) for entry in fields(Facts)})

    @property
    def counted(self) -> str:
        """The universe, or the table itself where it has none."""
        return self.universe or f"table {self.name}"

    def of_kind(self, *kinds: str) -> list[str]:
        """Return the columns of some kinds, in order."""
        return [name for name, entry in self.columns.items() if entry.kind in kinds]


@dataclass(frozen=True, kw_only=True)
class Draft(Facts):
    """A table with exact numbers that a deliverable would like to publish: the gate's only input.

    Grain: one row per combination of `keys`. A dimension that is constant in the table (a single
    year) is a key too, else the table cannot be linked with others. The parts listed are all the
    parts of a total: a combination that is absent is zero; what a total has beyond its parts is
    treated as one more, unpublished part. `clinicians` is the column that counts clinicians: fewer
    than three show no dollars or scores.
    """

    frame: pd.DataFrame
    clinicians: str = ""

    def checked(self) -> "Draft":
        """Return the draft with plain numbers, row numbers and a whole dictionary.

        Raises InputError for a numeric column without an entry, a key that is missing, blank or
        stands twice, a negative count, a number about people that names no count which protects
        it, and a declaration that names an unknown column.
        """
        frame = self.frame.reset_index(drop=True)
        mixed = [c for c, dtype in frame.dtypes.items() if pd.api.types.is_object_dtype(dtype)]
        frame = frame.assign(**{str(c): _plain_numbers(frame[c]) for c in mixed})
        columns = {str(c): self._entry(str(c), dtype) for c, dtype in frame.dtypes.items()}
        draft = replace(self, frame=frame, columns=columns)
        for fault in draft._faults(self.columns):
            raise InputError(f"public table {self.name}: {fault}")
        return draft

    def _entry(self, name: str, dtype: Any) -> Column:
        if name in self.columns:
            return self.columns[name]
        heading, is_key = name.replace("_", " ").strip(), name in self.keys
        heading = heading[:1].upper() + heading[1:]
        if is_key or not pd.api.types.is_numeric_dtype(dtype):
            return Column(heading, "label" if not is_key else "year" if name == "year" else "key")
        if pd.api.types.is_bool_dtype(dtype):
            return Column(heading, "flag")
        raise InputError(
            f"public table {self.name}: the numeric column {name} has no entry in the"
            f" dictionary{nearest(name, self.columns)}"
        )

    def _faults(self, declared: Iterable[str]) -> Iterator[str]:
        """Yield what is not sound, a sentence each; `declared` are the dictionary's own names."""
        columns, keys = self.columns, list(self.keys)
        counts = [c for c, entry in columns.items() if entry.kind in ("count", "entities")]
        kinds = get_args(Kind)
        named: list[tuple[str, Iterable[str]]] = [(c, columns) for c in (*keys, *declared)]
        named += [(c, keys) for c in (*self.totals, *self.parents)]
        guards = [*self.within.items(), *(entry.protectors for entry in columns.values())]
        named += [(c, counts) for c in chain(*guards, filter(None, [self.clinicians]))]
        yield from (f'"{n}"{nearest(n, valid)}' for n, valid in named if n not in valid)
        for name, entry in columns.items():
            if entry.kind not in kinds:
                yield f'kind "{entry.kind}" of {name}{nearest(entry.kind, kinds)}'
            if entry.kind in ("share", "score", "percent") and not entry.protectors:
                yield (
                    f"{name} is a {entry.kind} and names no count column as its base; name it, or"
                    ' call the column a "number" if it is about nobody'
                )
        if any(self.frame[key].isna().any() for key in keys):
            yield "a key is blank"
        labels = [self.frame[key].to_numpy(object) for key in keys]
        if len(set(zip(*labels, strict=True)) if keys else [""]) < len(self.frame):
            row = int(self.frame.duplicated(keys).argmax()) if keys else 1
            yield f"the keys of row {row} stand twice"
        for name in self.of_kind("entities", *OF_PEOPLE):
            kind, data = columns[name].kind, self.frame[name]
            if not pd.api.types.is_numeric_dtype(data.dtype):
                if data.notna().any():
                    yield f"the {kind} {name} is not a number"
            elif kind in ("count", "entities", "months") and (data < 0).any():
                yield f"the {kind} {name} is negative"


def label_text(label: object) -> str:
    """Return a label as text; 2018.0 and 2018 are one label."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def _plain_numbers(column: pd.Series) -> pd.Series:
    """Decimals as doubles: the gate compares, rounds and hides; it adds nothing up."""
    kinds = set(map(type, column.dropna()))
    if not kinds or not all(issubclass(k, Decimal | int | float | np.number) for k in kinds):
        return column
    return column if bool in kinds else pd.to_numeric(column.map(float, na_action="ignore"))


_GATE = object()


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PublicTable(Facts):
    """Rounded numbers that may be shown, which cells are hidden, and what the columns mean.

    Immutable, and made by the gate alone; a view keeps name, keys, hidden cells and dictionary.
    """

    _frame: pd.DataFrame
    _hidden: pd.DataFrame
    gate: InitVar[object] = None

    def __post_init__(self, gate: object) -> None:
        if gate is not _GATE:
            raise TypeError("only the disclosure gate makes a PublicTable")

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the rows, rounded; hidden cells are NA."""
        return self._frame.copy()

    @property
    def hidden(self) -> pd.DataFrame:
        """Which cells are hidden: true or false, in the frame's shape."""
        return self._hidden.copy()

    @property
    def empty(self) -> bool:
        """Whether there is no row."""
        return self._frame.empty

    def __len__(self) -> int:
        return len(self._frame)

    def __repr__(self) -> str:
        hidden = int(self._hidden.to_numpy().sum())
        what = "table" if self.whole else "view of"
        return f"Public {what} {self.name}: {len(self)} rows, {hidden} hidden cells"

    def where(self, **labels: Any) -> "PublicTable":
        """Return the rows with the given labels: one each, or any of a list, tuple or set."""
        chosen = np.ones(len(self), dtype=bool)
        self._check(*labels)
        for name, wanted in labels.items():
            texts = set(map(label_text, wanted if pd.api.types.is_list_like(wanted) else (wanted,)))
            chosen &= self._frame[name].map(label_text).isin(texts).to_numpy()
        return self._rows(np.flatnonzero(chosen))

    def keep(self, rows: Callable[[pd.DataFrame], pd.Series]) -> "PublicTable":
        """Return the rows for which a condition on the public frame holds; unknown is no."""
        chosen = pd.Series(rows(self.frame)).fillna(False).astype(bool)
        return self._rows(np.flatnonzero(chosen.to_numpy()))

    def sort(self, *by: str, descending: bool = False) -> "PublicTable":
        """Return the rows in an order, hidden and absent cells last; ties keep their order."""
        self._check(*by)
        order = self._frame.sort_values(list(by), ascending=not descending, kind="stable")
        return self._rows(order.index.to_numpy())

    def select(self, *columns: str) -> "PublicTable":
        """Return some columns, in the order given."""
        self._check(*columns)
        entries = {c: self.columns[c] for c in columns}
        return self._view(*(side[list(columns)] for side in self._sides()), columns=entries)

    def head(self, n: int) -> "PublicTable":
        """Return the first rows."""
        return self._rows(np.arange(min(n, len(self))))

    def across(self, dimension: str, *values: str) -> "PublicTable":
        """Return the labels of one dimension (years, tests, methods) as columns.

        A column `benes` over years 2017 and 2018 becomes "2017 benes" and "2018 benes", headed
        "2017 Beneficiaries" and "2018 Beneficiaries". Without `values`, all numbers go across.
        Labels that do not vary along the dimension stay.
        """
        self._check(dimension, among=self.keys)
        self._check(*values)
        entries = self.columns
        wide = values or tuple(c for c, e in entries.items() if e.kind not in PLAIN)
        keys = [k for k in self.keys if k != dimension and k in entries]
        groups = self._frame.groupby(keys or (lambda _: 0), sort=False, dropna=False)
        stay = [
            c for c, e in entries.items()
            if c in keys or (c not in (*wide, dimension) and e.kind in PLAIN
                             and (groups[c].nunique(dropna=False) <= 1).all())
        ]  # fmt: skip
        row, labels = groups.ngroup(), self._frame[dimension].map(label_text)
        columns, sides = {c: entries[c] for c in stay}, []
        for side in self._sides():
            out = side.loc[~row.duplicated(), stay].reset_index(drop=True)
            for name, label in product(wide, dict.fromkeys(labels)):
                cells = side.loc[labels == label, name]
                out[f"{label} {name}"] = cells.set_axis(row[cells.index])
                of = tuple(f"{label} {c}" for c in entries[name].of)
                heading = f"{label} {entries[name].label}"
                columns[f"{label} {name}"] = replace(entries[name], label=heading, of=of, base="")
            sides.append(out)
        hidden = sides[1].fillna(False).astype(bool)
        return self._view(sides[0], hidden, columns=columns, keys=tuple(keys))

    def value(self, column: str, **where: Any) -> Any:
        """Return one number or label for a sentence; pd.NA where hidden or absent.

        Raises InputError where the labels do not name exactly one row.
        """
        self._check(column)
        found = self.where(**where)
        if len(found) != 1:
            words = ", ".join(f"{key} {label}" for key, label in where.items())
            raise InputError(
                f"table {self.name}: {len(found)} rows for {words or 'no label'}, expected one"
            )
        cell = found._frame[column].iloc[0]
        return pd.NA if pd.isna(cell) else cell

    def _sides(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return self._frame, self._hidden

    def _check(self, *names: str, among: Sequence[str] = ()) -> None:
        for name in names:
            if name not in (valid := among or [*self.columns]):
                raise InputError(f'table {self.name}: "{name}"{nearest(name, valid)}')

    def _rows(self, places: np.ndarray) -> "PublicTable":
        whole = self.whole and np.array_equal(places, np.arange(len(self)))
        return self._view(*(side.iloc[places] for side in self._sides()), whole=whole)

    def _view(self, *sides: pd.DataFrame, whole: bool = False, **facts: Any) -> "PublicTable":
        return admit(replace(self.facts, whole=whole, **facts), *sides)


def admit(facts: Facts, frame: pd.DataFrame, hidden: pd.DataFrame) -> PublicTable:
    """Make a public table. For the gate and its files alone; a test holds that nobody else asks."""
    mask = hidden.reindex(columns=frame.columns, fill_value=False).astype(bool)
    sides = {"_frame": frame.reset_index(drop=True), "_hidden": mask.reset_index(drop=True)}
    return PublicTable(**{**vars(facts), **sides, "gate": _GATE})
