"""Typed run parameters and dated, cited policy values.

`params/policy/NAME.yml` holds one policy each. A value is named `NAME.key`; it is one value
(`value:`) or a series of values by year (`values:`), each with its source and a status, `sourced`
or `assumed`. A run may replace a value under `options`, by its dotted name. Nothing else changes
a rule, and every replaced or assumed value is listed in the report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tcoc.errors import InputError, TcocError, nearest
from tcoc.paths import params_dir

DELIVERABLES = (
    "data_intake",
    "y1_attribution",
    "risk_adjustment",
    "qp_preliminary",
    "mpa_options",
    "progression_plan",
)

REFERENCE_TABLES = (
    "hospitals",
    "aco_hospitals",
    "aco_practitioners",
    "psa_zips",
    "ecmad",
    "drive_times",
    "care_partners",
    "quality_adjustments",
    "combinations",
    "medicaid_spending",
)


# ---------------------------------------------------------------- policy values


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyValue(_Strict):
    """One value with its source; `assumed` values are listed in every report that uses them."""

    value: Any
    source: str = Field(min_length=1)
    status: Literal["sourced", "assumed"]
    note: str = ""
    alternatives: tuple[Any, ...] = ()


class PolicyEntry(_Strict):
    """A named policy value: what it means, its unit, and its value or its values by year."""

    description: str
    unit: str
    rule: str = ""
    type: Literal[
        "integer", "number", "share", "text", "flag", "choice", "list", "mapping", "window", "date"
    ]
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    by: str = ""
    value: PolicyValue | None = None
    values: dict[int, PolicyValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_form(self) -> "PolicyEntry":
        if (self.value is None) == (not self.values):
            raise ValueError("give either `value` or `values`")
        if bool(self.by) != bool(self.values):
            raise ValueError("`by` goes with `values`")
        return self

    def problem(self, found: Any) -> str:
        """Say what is wrong with a value of this entry, or return an empty string."""
        kind = _TYPES[self.type]
        right = isinstance(found, kind) and (self.type == "flag" or not isinstance(found, bool))
        if not right:
            return f"found {found!r}, expected {_WORDS[self.type]}"
        if self.type == "choice" and found not in self.choices:
            return f'found "{found}"{nearest(str(found), self.choices)}'
        if self.minimum is not None and found < self.minimum:
            return f"found {found!r}, expected at least {self.minimum:g}"
        if self.maximum is not None and found > self.maximum:
            return f"found {found!r}, expected at most {self.maximum:g}"
        return ""


_TYPES: dict[str, type | tuple[type, ...]] = {
    "integer": int,
    "number": (int, float),
    "share": (int, float),
    "text": str,
    "flag": bool,
    "choice": str,
    "list": list,
    "mapping": dict,
    "window": (str, dict),
    "date": str,
}
_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "share": "a number between 0 and 1",
    "text": "text",
    "flag": "true or false",
    "choice": "one of the choices",
    "list": "a list",
    "mapping": "a mapping",
    "window": "same_year, {federal_fiscal_years: n} or {calendar_years: n}",
    "date": "a date as text, YYYY-MM-DD",
}


@dataclass(frozen=True)
class PolicyUse:
    """One policy value as a run uses it: for the list of assumptions and the manifest."""

    name: str
    year: int | None
    value: Any
    status: str
    source: str
    description: str
    rule: str
    replaced: bool


@dataclass
class Policy:
    """All policy files, with the run's replacements on top.

    `reader` names who sees only the values under the prefixes `readable` (see `only`).
    """

    entries: dict[str, PolicyEntry]
    files: dict[str, Path]
    options: dict[str, Any] = field(default_factory=dict)
    reader: str = ""
    readable: frozenset[str] = frozenset()

    def get(self, name: str, year: int | None = None) -> Any:
        """Return the value of a dotted policy name, for a year where the value is dated.

        A dated value holds from its year until the next one that the file gives, unless the file
        marks the series as exact by `by: ..._exact`; a year before the first is an InputError that
        names the file, the key and the nearest year.
        """
        return self.use(name, year).value

    def use(self, name: str, year: int | None = None) -> PolicyUse:
        """Return a policy value together with its source, status and whether a run replaced it."""
        entry = self._entry(name)
        if name in self.options:
            replaced = self.options[name]
            if entry.values and isinstance(replaced, dict):
                replaced = self._dated(name, entry, replaced, year)
            return PolicyUse(
                name, year, replaced, "assumed", "run file", entry.description, entry.rule, True
            )
        value = (
            entry.value if entry.value is not None else self._dated(name, entry, entry.values, year)
        )
        return PolicyUse(
            name,
            year,
            value.value,
            value.status,
            value.source,
            entry.description,
            entry.rule,
            False,
        )

    def uses(self, prefixes: Iterable[str], years: Iterable[int] = ()) -> list[PolicyUse]:
        """Return every value under some prefixes, dated ones for each year that has a value."""
        chosen: list[PolicyUse] = []
        for name in sorted(self.entries):
            if not any(name == p or name.startswith(f"{p}.") for p in prefixes):
                continue
            entry = self.entries[name]
            if not entry.values:
                chosen.append(self.use(name))
                continue
            covered = [y for y in sorted(set(years)) if y >= min(entry.values)]
            chosen.extend(self.use(name, y) for y in covered)
        return chosen

    def only(self, prefixes: Iterable[str], reader: str) -> "Policy":
        """Return the policy without the values that a reader did not say it reads.

        What is reused of an earlier run depends on what each part says it reads, so a read that
        was not declared is a TcocError, never a silent dependence.
        """
        readable = frozenset(prefixes)
        entries = {n: e for n, e in self.entries.items() if _file_of(n) in readable}
        options = {n: value for n, value in self.options.items() if _file_of(n) in readable}
        return Policy(entries, self.files, options, reader, readable)

    def _entry(self, name: str) -> PolicyEntry:
        if self.reader and _file_of(name) in self.files and _file_of(name) not in self.readable:
            raise TcocError(
                f'{self.reader} reads policy value "{name}" but declares only'
                f" {', '.join(sorted(self.readable))}"
            )
        if name not in self.entries:
            raise InputError(f'policy value "{name}" is unknown{nearest(name, self.entries)}')
        return self.entries[name]

    def _dated(
        self, name: str, entry: PolicyEntry, values: Mapping[Any, Any], year: int | None
    ) -> Any:
        if year is None:
            raise InputError(f"policy value {name} is dated by {entry.by}: a year is needed")
        by_year = {int(y): v for y, v in values.items()}
        known = [y for y in by_year if (y == year if entry.by.endswith("_exact") else y <= year)]
        if not known:
            near = min(by_year, key=lambda y: (abs(y - year), y))
            source = self.files[name.split(".", 1)[0]]
            raise InputError(
                f"{source.name}: {name.split('.', 1)[1]} has no value for {entry.by} {year};"
                f" the nearest year with a value is {near}"
            )
        return by_year[max(known)]


def _file_of(name: str) -> str:
    return name.split(".", 1)[0]


def load_policy(folder: Path | None = None, options: Mapping[str, Any] | None = None) -> Policy:
    """Read all policy files and lay a run's replacements over them.

    Raises InputError for a file that is not as described above, for an unknown option, and for an
    option of the wrong type.
    """
    folder = folder or params_dir() / "policy"
    entries: dict[str, PolicyEntry] = {}
    files: dict[str, Path] = {}
    for file in sorted(folder.glob("*.yml")):
        files[file.stem] = file
        for key, raw in read_yaml(file).items():
            entries[f"{file.stem}.{key}"] = _parse(PolicyEntry, raw, f"{file.name}: {key}")
            _check_values(f"{file.name}: {key}", entries[f"{file.stem}.{key}"])
    policy = Policy(entries, files, dict(options or {}))
    for name, found in policy.options.items():
        if name not in entries:
            raise InputError(f'options: "{name}" is unknown{nearest(name, entries)}')
        dated = entries[name].values and isinstance(found, dict)
        for value in found.values() if dated else [found]:
            if problem := entries[name].problem(value):
                raise InputError(f"options: {name}: {problem}")
    return policy


def _check_values(where: str, entry: PolicyEntry) -> None:
    for value in [entry.value] if entry.value else list(entry.values.values()):
        if problem := entry.problem(value.value):
            raise InputError(f"{where}: {problem}")


# ---------------------------------------------------------------- run files


class NationalGrowth(_Strict):
    """National Medicare per capita growth for a rate year: an input, never a default (rule M1)."""

    value: float
    source: str = Field(min_length=1)


_Model = TypeVar("_Model", bound=BaseModel)

Year = Annotated[int, Field(ge=1990, le=2100)]


class RunFile(BaseModel):
    """What an analyst edits: one YAML per run. Relative paths are relative to the run file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    store: str
    reference: str | dict[str, str] | None = None
    years: list[Year] = Field(min_length=1)
    base_year: Year | None = None
    performance_year: Year | None = None
    qp_years: list[Year] = Field(default_factory=list)
    rate_years: list[Year] = Field(default_factory=list)
    completion: dict[Year, Annotated[float, Field(gt=0, le=1.5)]] = Field(default_factory=dict)
    national_growth: dict[Year, NationalGrowth] = Field(default_factory=dict)
    deliverables: list[str] = Field(default_factory=lambda: ["y1_attribution"], min_length=1)
    engine: Literal["duckdb", "spark"] = "duckdb"
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> "RunFile":
        if len(set(self.years)) != len(self.years):
            raise ValueError("years: a year stands twice")
        for name in self.deliverables:
            if name not in DELIVERABLES:
                raise ValueError(f'deliverables: "{name}" is unknown{nearest(name, DELIVERABLES)}')
        if isinstance(self.reference, dict):
            for name in self.reference:
                if name not in REFERENCE_TABLES:
                    raise ValueError(
                        f'reference: "{name}" is unknown{nearest(name, REFERENCE_TABLES)}'
                    )
        return self


@dataclass(frozen=True)
class Run:
    """A run file, where it stands, and the policy with the run's options laid over."""

    file: Path
    spec: RunFile
    policy: Policy

    @property
    def name(self) -> str:
        """The run's name, which is also the name of its output folder."""
        return self.spec.name

    @property
    def years(self) -> tuple[int, ...]:
        """The run's years, ascending."""
        return tuple(sorted(self.spec.years))

    @cached_property
    def store_path(self) -> Path:
        """The store's folder."""
        return self.resolve(self.spec.store)

    def resolve(self, path: str) -> Path:
        """Return a path of the run file as an absolute path."""
        return (self.file.parent / path).resolve()


def read_yaml(file: Path) -> dict[str, Any]:
    """Read a YAML mapping, or raise InputError in one sentence."""
    if not file.is_file():
        names = [p.name for p in file.parent.glob("*.yml")] if file.parent.is_dir() else []
        hint = nearest(file.name, sorted(names)) if names else ""
        raise InputError(f"{file}: there is no such file{hint}")
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InputError(f"{file}: line {line} is not YAML: {error.problem}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 text at byte {error.start}") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: found {type(content).__name__}, expected keys and values")
    return content


class _UniqueKeys(yaml.SafeLoader):
    """A safe loader for which a key that stands twice is an error, not a silent overwrite."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f'the key "{key}" stands twice', problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load_run(file: Path, changes: Mapping[str, Any] | None = None) -> Run:
    """Read a run file, apply changes (run keys, or dotted policy names), and check everything.

    Raises InputError that names the key, what was found, what was expected, the nearest name.
    """
    content = read_yaml(file)
    options = content.setdefault("options", {})
    for key, value in (changes or {}).items():
        if key in RunFile.model_fields:
            content[key] = value
        elif "." in key and isinstance(options, dict):
            options[key] = value
        else:
            raise InputError(f'--set: "{key}" is unknown{nearest(key, RunFile.model_fields)}')
    spec = _parse(RunFile, content, file.name)
    return Run(file.resolve(), spec, load_policy(options=spec.options))


def _parse(model: type[_Model], content: Any, where: str) -> _Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{where}: {_sentence(error, model)}") from error


def _sentence(error: ValidationError, model: type[BaseModel]) -> str:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f'"{key}" is unknown{nearest(str(first["loc"][-1]), model.model_fields)}'
    if first["type"] == "missing":
        return f'"{key}" is missing'
    if first["type"] == "value_error":
        message = str(first["ctx"]["error"])
        return f"{key}: {message}" if key else message
    return (
        f"{key}: found {first['input']!r}, expected {first['msg'].removeprefix('Input should be ')}"
    )
