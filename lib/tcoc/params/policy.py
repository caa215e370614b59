"""Dated, cited policy values: `params/policy/NAME.yml` holds one policy each.

A value is named `NAME.key`; it is one value (`value:`) or a series of values by year (`values:`),
each with its source, its evidence and a status, `sourced` or `assumed`; an assumed one has
`alternatives`. A named set of values (`under: {mssp_2018: ...}`) holds where the file's own value
`policy` names it. A run may replace a value under `options`, by its dotted name. Nothing else
changes a rule, and every replaced or assumed value is listed in the report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from tcoc.errors import InputError, TcocError, nearest
from tcoc.identity import stamp
from tcoc.params.evidence import Evidence
from tcoc.params.yaml_file import Strict, parse, read_yaml
from tcoc.paths import params_dir

FIRST_YEAR, LAST_YEAR = 1990, 2100
"""Years for which a run can give a value."""

SET = "policy"
"""The key of a policy file that names which of its sets of values holds."""


_ABOUT = "about "
"""Before the name of a value of which the words are read, and not the value."""


class PolicyValue(Strict):
    """One value with its source; `assumed` values are listed in every report that uses them."""

    value: Any
    source: str = Field(min_length=1)
    status: Literal["sourced", "assumed"]
    note: str = ""
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _sourced_is_read(self) -> "PolicyValue":
        if self.status == "sourced" and self.evidence and self.evidence.read is None:
            raise ValueError(f"a sourced value was read somewhere, not {self.evidence.grade}")
        return self


class PolicyEntry(Strict):
    """A named policy value: what it means, its unit, and its value or its values by year.

    `name` is what a reader calls it where there is room for a few words, `words` what a reader
    calls its values, by their text.

    A `statement` says in words what the data or the code take for granted, so that it stands among
    the assumptions; no run replaces it. `alternatives` are what else it could be (rule S1), `under`
    what it is in another named set of the file's values; a set not named there takes `value`.
    """

    name: str = ""
    words: dict[str, str] = Field(default_factory=dict)
    description: str
    unit: str
    rule: str = ""
    type: Literal[
        "integer",
        "number",
        "share",
        "text",
        "flag",
        "choice",
        "list",
        "mapping",
        "window",
        "date",
        "quantile",
        "statement",
    ]
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    by: str = ""
    value: PolicyValue | None = None
    values: dict[int, PolicyValue] = Field(default_factory=dict)
    alternatives: tuple[Any, ...] = ()
    under: dict[str, PolicyValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_form(self) -> "PolicyEntry":
        if (self.value is None) == (not self.values):
            raise ValueError("give either `value` or `values`")
        if bool(self.by) != bool(self.values):
            raise ValueError("`by` goes with `values`")
        if self.under and self.value is None:
            raise ValueError("`under` goes with `value`")
        return self

    def in_words(self, text: str) -> str:
        """Return the text of a value as a reader says it: the file's words, a share in percent."""
        plain = {key.replace("_", " "): words for key, words in self.words.items()}
        number = self.type == "share" and text.replace(".", "", 1).isdigit()
        return plain.get(text, f"{100 * float(text):.6g}%" if number else text)

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

    def first_problem(self) -> str:
        """Say what is wrong with any value or alternative that the file itself gives, or ''."""
        own = [self.value] if self.value else [*self.values.values()]
        for value in (*own, *self.under.values()):
            if problem := self.problem(value.value):
                return problem
        for other in self.alternatives:
            # of a dated value, an alternative is one value for all years or values by year
            for part in other.values() if self.values and isinstance(other, dict) else [other]:
                if problem := self.problem(part):
                    return f"alternatives: {problem}"
            if self.value is not None and other == self.value.value:
                return f"alternatives: {other!r} is the value itself"
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
    "quantile": (str, int, float),
    "statement": str,
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
    "quantile": "none or a number between 0 and 1",
    "statement": "a statement that no run can replace",
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
    grade: str = ""
    alternatives: tuple[Any, ...] = ()


@dataclass
class Policy:
    """All policy files, with the run's replacements on top.

    `reader` names who sees only the values under the prefixes `readable` (see `only`). `reads`
    collects the name and year of every value that is asked for, so that a kept table can say which
    values it rests on; `recording` starts a collection of its own.
    """

    entries: dict[str, PolicyEntry]
    files: dict[str, Path]
    options: dict[str, Any] = field(default_factory=dict)
    reader: str = ""
    readable: frozenset[str] = frozenset()
    reads: set[tuple[str, int | None]] = field(default_factory=set, compare=False)

    def recording(self) -> "Policy":
        """Return the same policy with an empty collection of what is read from here on."""
        return replace(self, reads=set())

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
        self.reads.add((name, year if entry.values else None))
        if name in self.options:
            replaced = self.options[name]
            if entry.values and isinstance(replaced, dict):
                replaced = self._dated(name, entry, replaced, year)
            return PolicyUse(
                name, year, replaced, "assumed", "run file", entry.description, entry.rule, True
            )
        value = self._of_set(name, entry) or self._dated(name, entry, entry.values, year)
        return PolicyUse(
            name,
            year,
            value.value,
            value.status,
            value.source,
            entry.description,
            entry.rule,
            False,
            value.evidence.grade if value.evidence else "",
            entry.alternatives,
        )

    def about(self, name: str) -> PolicyEntry:
        """Return what a policy file says of a value in words, for a table that shows them."""
        self.reads.add((_ABOUT + name, None))
        return self._entry(name)

    def facts(self, read: str) -> list[Any]:
        """Return what a noted read rests on: of `NAME`, of `NAME@YEAR`, or of `about NAME`."""
        if read.startswith(_ABOUT):
            entry = self.entries[read.removeprefix(_ABOUT)]
            return [entry.name, entry.words, entry.description]
        name, _, year = read.partition("@")
        use = self.use(name, int(year) if year else None)
        return [use.value, use.status, use.source, use.replaced]

    def _of_set(self, name: str, entry: PolicyEntry) -> PolicyValue | None:
        """Return an undated value under the named set that holds for its file."""
        if not entry.under:
            return entry.value
        return entry.under.get(self.get(f"{_file_of(name)}.{SET}"), entry.value)

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
        return Policy(entries, self.files, options, reader, readable, self.reads)

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


def read_policy(folder: Path | None = None, options: Mapping[str, Any] | None = None) -> Policy:
    """Read all policy files and lay a run's replacements over them.

    Raises InputError for a file that is not as described above, for an unknown option, and for an
    option of the wrong type.
    """
    folder = folder or params_dir() / "policy"
    entries: dict[str, PolicyEntry] = {}
    files: dict[str, Path] = {}
    for file in sorted(folder.glob("*.yml")):
        files[file.stem] = file
        entries |= _entries_of(file, stamp(file))
    policy = Policy(entries, files, dict(options or {}))
    for name, found in policy.options.items():
        if name not in entries:
            raise InputError(f'options: "{name}" is unknown{nearest(name, entries)}')
        if entries[name].type == "statement":
            raise InputError(f"options: {name}: {_WORDS['statement']}")
        for value in _given(name, entries[name], found):
            if problem := entries[name].problem(value):
                raise InputError(f"options: {name}: {problem}")
    return policy


@lru_cache(maxsize=64)
def _entries_of(file: Path, _stamp: str) -> dict[str, PolicyEntry]:
    """Read one policy file, once as long as it stays as it is: a run reads the policy many times.

    Entries never change, so that they can be shared.
    """
    entries: dict[str, PolicyEntry] = {}
    for key, raw in read_yaml(file).items():
        entries[f"{file.stem}.{key}"] = parse(PolicyEntry, raw, f"{file.name}: {key}")
        if problem := entries[f"{file.stem}.{key}"].first_problem():
            raise InputError(f"{file.name}: {key}: {problem}")
    _check_sets(file, entries)
    return entries


def _given(name: str, entry: PolicyEntry, found: Any) -> list[Any]:
    """Return the values of an option, one by year where it is dated and says so."""
    if not (entry.values and isinstance(found, dict)):
        return [found]
    for year in found:
        if not isinstance(year, int) or not FIRST_YEAR <= year <= LAST_YEAR:
            raise InputError(
                f"options: {name}: found {year!r} for a year, expected {{{entry.by}: value}}"
            )
    return list(found.values())


def _check_sets(file: Path, entries: Mapping[str, PolicyEntry]) -> None:
    """A set that a value names must be one that the file's `policy` can choose."""
    chooser = entries.get(f"{file.stem}.{SET}")
    known = chooser.choices if chooser else ()
    for name, entry in entries.items():
        for named in entry.under:
            if named not in known:
                raise InputError(
                    f'{file.name}: {name.split(".", 1)[1]}: under: "{named}" is unknown'
                    f"{nearest(named, known)}"
                )
