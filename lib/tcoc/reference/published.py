"""Figures and dates that documents print: `params/published`, each with source and vintage.

A value says how sure it is: `sourced` (a public document), `seed` (the draft plan or the workgroup
deck) or `recalled` (from memory, no document at hand). A value that nobody has is `null` with its
reason, so that a figure can show the gap instead of an invented number.
"""

import calendar
import datetime as dt
import re
from pathlib import Path
from typing import Any, Literal, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tcoc.errors import InputError, nearest
from tcoc.params import read_yaml
from tcoc.paths import params_dir

Confidence = Literal["sourced", "seed", "recalled"]

SEASONS = {"winter": (1, 3), "spring": (4, 6), "summer": (7, 9), "fall": (10, 12)}
"""First and last month of a season as the sources use the words; winter opens its year."""

VALUE_COLUMNS = (
    "metric",
    "label",
    "measure",
    "unit",
    "year",
    "vintage",
    "vintage_words",
    "value",
    "confidence",
    "recall",
    "source",
    "note",
    "reason",
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedValue(_Strict):
    """One printed number, or a gap with its reason."""

    year: int = Field(ge=1990, le=2100)
    vintage: str
    value: float | None
    confidence: Confidence | None = None
    recall: Literal["high", "medium", "low"] | None = None
    source: str = ""
    note: str = ""
    reason: str = ""

    @model_validator(mode="after")
    def _value_or_gap(self) -> "PublishedValue":
        if self.value is None and not self.reason:
            raise ValueError(f"{self.year} has no value: say why under `reason`")
        if self.value is not None and not (self.confidence and self.source):
            raise ValueError(f"{self.year} has a value: give its `confidence` and `source`")
        if (self.confidence == "recalled") != (self.recall is not None):
            raise ValueError(f"{self.year}: `recall` (high, medium, low) goes with recalled values")
        return self


class Target(_Strict):
    """What the agreement asks of a metric; without `due` it holds in every year."""

    value: float
    sense: Literal["at_most", "at_least"]
    words: str
    confidence: Confidence
    source: str
    due: int | None = None


class Metric(_Strict):
    """A named series of printed numbers."""

    label: str
    measure: str
    unit: str
    target: Target | None = None
    values: tuple[PublishedValue, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> "Metric":
        keys = [(v.year, v.vintage) for v in self.values]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"year {key[0]} stands twice in vintage {key[1]}")
        return self


class PublishedFile(_Strict):
    """A file of printed numbers: vintages and sources by short name, then the metrics."""

    vintages: dict[str, str]
    sources: dict[str, str]
    metrics: dict[str, Metric]

    @model_validator(mode="after")
    def _names_known(self) -> "PublishedFile":
        for metric in self.metrics.values():
            for value in metric.values:
                _known("vintage", value.vintage, self.vintages)
                _known("source", value.source, self.sources)
            if metric.target:
                _known("source", metric.target.source, self.sources)
        return self

    def frame(self) -> pd.DataFrame:
        """Return one row per metric, year and vintage, in file order, sources written out."""
        rows = [
            {
                **value.model_dump(),
                "metric": name,
                "label": metric.label,
                "measure": metric.measure,
                "unit": metric.unit,
                "source": self.sources.get(value.source, ""),
                "vintage_words": self.vintages[value.vintage],
            }
            for name, metric in self.metrics.items()
            for value in metric.values
        ]
        frame = pd.DataFrame(rows, columns=list(VALUE_COLUMNS))
        frame["value"] = frame["value"].astype("float64")
        text = [c for c in VALUE_COLUMNS if c not in ("year", "value")]
        frame[text] = frame[text].fillna("")
        return frame


class Aim(_Strict):
    """One of the three aims and its points."""

    name: str
    items: tuple[str, ...] = Field(min_length=1)


class Aims(_Strict):
    """The three aims box of the draft plan."""

    title: str
    source: str
    vintage: str
    confidence: Confidence
    aims: tuple[Aim, ...] = Field(min_length=1)


class Program(_Strict):
    """A program of the delivery landscape, and what claims can tell of its reach."""

    program: str
    kind: str
    seen_by: str
    reach: Literal["figure", "not known"]


class Programs(_Strict):
    """The programs that section VI of the draft names."""

    title: str
    source: str
    vintage: str
    confidence: Confidence
    programs: tuple[Program, ...] = Field(min_length=1)


class PrimaryDriver(_Strict):
    """A primary driver, where its words stand, and its secondary drivers."""

    name: str
    basis: str = ""
    secondary: tuple[str, ...] = Field(min_length=1)


class DriverDiagram(_Strict):
    """Aim, primary and secondary drivers; `reconstruction` marks one that is no copy."""

    title: str
    reconstruction: bool
    note: str
    source: str
    vintage: str
    confidence: Confidence
    aim: str
    aim_basis: str = ""
    primary: tuple[PrimaryDriver, ...] = Field(min_length=1)


class Event(_Strict):
    """A dated event; `first` and `last` are its day or its span, as wide as the source is vague."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    label: str
    begins: str = Field(alias="from")
    ends: str = Field(default="", alias="to")
    status: Literal["planned", "done"]
    confidence: Confidence
    source: str
    note: str = ""

    @field_validator("begins", "ends", mode="before")
    @classmethod
    def _as_text(cls, found: Any) -> Any:
        return str(found) if isinstance(found, dt.date | int) else found

    @model_validator(mode="after")
    def _ordered(self) -> "Event":
        if self.last < self.first:
            raise ValueError(f"{self.label} ends before it begins")
        return self

    @property
    def first(self) -> dt.date:
        """The first day of the event or of the span in which it lies."""
        return date_span(self.begins)[0]

    @property
    def last(self) -> dt.date:
        """The last day of the event or of the span in which it lies."""
        return date_span(self.ends or self.begins)[1]


class Track(_Strict):
    """A row of the timeline."""

    name: str
    events: tuple[Event, ...] = Field(min_length=1)


class Timeline(_Strict):
    """The timeline of section X: tracks of dated events."""

    title: str
    vintage: str
    sources: dict[str, str]
    tracks: tuple[Track, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_known(self) -> "Timeline":
        for track in self.tracks:
            for event in track.events:
                _known("source", event.source, self.sources)
        return self


_Model = TypeVar("_Model", bound=BaseModel)


def date_span(text: str) -> tuple[dt.date, dt.date]:
    """Return first and last day of a day, month, season or year: 2016-12-31, 2016-07, 2016-fall.

    Raises ValueError for anything else.
    """
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = dt.date.fromisoformat(text)
        return day, day
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}|[a-z]+))?", text)
    if not match:
        raise ValueError(f'date: found "{text}", expected 2016-12-31, 2016-12, 2016-fall or 2016')
    year, part = int(match[1]), match[2]
    first, last = _months(part)
    return dt.date(year, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1])


def _months(part: str | None) -> tuple[int, int]:
    if part is None:
        return 1, 12
    if part.isdigit():
        if not 1 <= int(part) <= 12:
            raise ValueError(f'date: found month "{part}", expected 01 to 12')
        return int(part), int(part)
    if part not in SEASONS:
        raise ValueError(f'date: found "{part}"{nearest(part, SEASONS)}')
    return SEASONS[part]


def load_values(name: str, folder: Path | None = None) -> PublishedFile:
    """Read a file of printed numbers; InputError says what is wrong with it."""
    return _load(PublishedFile, name, folder)


def load_aims(name: str = "three_aims", folder: Path | None = None) -> Aims:
    """Read the three aims."""
    return _load(Aims, name, folder)


def load_programs(name: str = "landscape_programs", folder: Path | None = None) -> Programs:
    """Read the programs of the delivery landscape."""
    return _load(Programs, name, folder)


def load_diagram(name: str, folder: Path | None = None) -> DriverDiagram:
    """Read a driver diagram."""
    return _load(DriverDiagram, name, folder)


def load_timeline(name: str = "timeline", folder: Path | None = None) -> Timeline:
    """Read the timeline."""
    return _load(Timeline, name, folder)


def _load(model: type[_Model], name: str, folder: Path | None) -> _Model:
    file = (folder or params_dir() / "published") / f"{name}.yml"
    try:
        return model.model_validate(read_yaml(file))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = first["ctx"]["error"] if first["type"] == "value_error" else first["msg"]
        raise InputError(f"{file.name}: {where}: {problem}") from error


def _known(what: str, found: str, names: dict[str, str]) -> None:
    if found and found not in names:
        raise ValueError(f'{what}: "{found}" is unknown{nearest(found, names)}')
