"""A run's tables: which there are, what each needs, and where a computed one is kept.

A `Study` is one run with its parameters, its store, a work folder and the cache. It computes a
table when it is first asked for, with what that table needs, and notes what was read meanwhile:
from then on the cache gives the table wherever all of that is the same. The runner and an
analyst's notebook go the same way, so they see the same numbers.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, cast

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tcoc.cache import Cache, Entry, Read, look_up, measured_file
from tcoc.errors import TcocError, nearest
from tcoc.folders import private
from tcoc.identity import base_key, digest_of, sha256
from tcoc.params import AttributionPolicy, Policy, Run, RunFile
from tcoc.paths import RESULTS, result_file
from tcoc.reference import Reference, load_reference
from tcoc.resources.memory import give_back
from tcoc.store.connection import Connection, Rows, to_arrow
from tcoc.store.layout import Store, store_files

RESTRICTED = "restricted"
INTERNAL = ".internal"


@dataclass(frozen=True)
class Product:
    """A table of a run: its key (unique, and the row order on disk) and how it is computed.

    A large one comes in parts, an iterator of tables of which the keys ascend from one to the next:
    each is written before the next is computed, so that memory holds a year rather than all years.
    `internal` tables are kept like others but are none of the contract; `csv` ones stand in the
    restricted folder as a list too. `code` names functions that decide it beside `compute`. One
    that is `alone` reads no other table: a second process can begin with it (`tcoc.run.beside`).
    """

    name: str
    key: tuple[str, ...]
    compute: Callable[["Study"], "ir.Table | pd.DataFrame | Iterator[ir.Table]"]
    schema: dict[str, str] | None = None
    csv: bool = False
    internal: bool = False
    alone: bool = False
    code: tuple[Callable[..., Any], ...] = ()

    @property
    def modules(self) -> frozenset[str]:
        """The modules whose code makes the table."""
        return frozenset(module_of(call) for call in (self.compute, *self.code))


def module_of(call: Callable[..., Any]) -> str:
    """Return the module of a function, of one with arguments filled in too."""
    return module_of(call.func) if isinstance(call, partial) else str(call.__module__)


@dataclass(frozen=True)
class Scope:
    """What a reader (a part, a page) may read: policy files, and the tables of some parts."""

    reader: str
    policy: tuple[str, ...]
    parts: tuple[str, ...]


class Part(Protocol):
    """What a study has to know of a deliverable."""

    @property
    def name(self) -> str:
        """The part's name."""

    @property
    def policy(self) -> tuple[str, ...]:
        """The policy files that it reads."""

    @property
    def uses(self) -> tuple[str, ...]:
        """The parts whose tables it reads."""

    @property
    def tables(self) -> tuple[Product, ...]:
        """The tables that it computes."""


class Catalog:
    """The tables of all parts by name, and what each part may read."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts: Mapping[str, Part] = {part.name: part for part in parts}
        self._found: dict[str, tuple[Part, Product]] = {}
        for part in parts:
            for product in part.tables:
                if product.name in self._found:
                    owner = self._found[product.name][0].name
                    raise TcocError(f"{part.name}: the table {product.name} is also one of {owner}")
                self._found[product.name] = part, product

    def locate(self, name: str) -> tuple[Part, Product]:
        """Return a table's part and the table, or raise TcocError that names the nearest."""
        if name not in self._found:
            raise TcocError(f'"{name}" is not a table of a run{nearest(name, self._found)}')
        return self._found[name]

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def product(self, name: str) -> Product:
        """Return the product of a name."""
        return self.locate(name)[1]

    def part(self, name: str) -> Part:
        """Return a part, or raise TcocError that names the nearest."""
        if name not in self.parts:
            raise TcocError(f'"{name}" is not a deliverable{nearest(name, self.parts)}')
        return self.parts[name]

    def scope(self, name: str) -> Scope:
        """Return what a part's tables may read: its policy files, its own tables, its `uses`."""
        part = self.part(name)
        return Scope(name, part.policy, (name, *part.uses))

    def builds_on(self, name: str) -> tuple[str, ...]:
        """Return a part and all that it uses, directly or through others, in catalog order."""
        found = {name}
        for used in self.part(name).uses:
            found.update(self.builds_on(used))
        return tuple(other for other in self.parts if other in found)

    def public_scope(self, name: str) -> Scope:
        """Return what a part's public tables may read: its policy files and all it rests on."""
        parts = self.builds_on(name)
        files = {file for part in parts for file in self.part(part).policy}
        return Scope(f"the public tables of {name}", tuple(sorted(files)), parts)


class _Seen:
    """A run file whose keys are noted when they are read."""

    def __init__(self, spec: RunFile, note: Callable[[str], None]) -> None:
        self._spec, self._note = spec, note

    def __getattr__(self, name: str) -> Any:
        if name in RunFile.model_fields:
            self._note(name)
        return getattr(self._spec, name)


@dataclass
class _Reading:
    """What is read in a block: by whom, within which scope, and what so far."""

    scope: Scope | None = None
    reads: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass
class Study:
    """One run: parameters, inputs, and tables that are computed when first asked for.

    While a table is computed, its part reads the policy files and the tables that it declares and
    no others. Without a cache, tables stand in the work folder alone. `made` says the seconds of
    each table that was computed, `taken` when each one was made that came from the cache.
    """

    run: Run
    _store: Store
    connection: Connection
    work: Path
    catalog: Catalog
    cache: Cache | None = None
    fresh: bool = False
    made: dict[str, float] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    _reading: _Reading = field(default_factory=_Reading)
    _digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._whole = self.run

    # ------------------------------------------------------------ what can be read

    @property
    def policy(self) -> Policy:
        """The policy values with the run's options laid over."""
        return self.run.policy

    @property
    def store(self) -> Store:
        """The run's store."""
        self._note("store", "")
        return self._store

    @property
    def references(self) -> Reference:
        """The run's reference tables, read and checked once."""
        self._note("reference", "")
        return self._references

    @cached_property
    def _references(self) -> Reference:
        return load_reference(self._whole)

    def reference(self, name: str) -> pd.DataFrame | None:
        """Return a validated reference table, or None where the run has none of that name."""
        return self.references.get(name)

    def store_table(self, name: str, years: Iterable[int] | None = None) -> ir.Table:
        """Return a table of the store, opened for some years only."""
        return self.connection.table(self.store, name, years)

    def table(self, name: str) -> ir.Table:
        """Return a table of the run, computed first if it is not there yet."""
        return self.connection.parquet(self.path(name))

    def frame(self, name: str, exact: bool = False) -> pd.DataFrame:
        """Return a table of the run as pandas in key order; dollars as float unless `exact`."""
        return read_frame(self.path(name), exact)

    def path(self, name: str) -> Path:
        """Return the Parquet file of a table, computed first if it is not there."""
        part, product = self.catalog.locate(name)
        scope = self._reading.scope
        if scope is not None and part.name not in scope.parts:
            raise TcocError(
                f"{scope.reader} reads the table {name} of {part.name} but declares only"
                f" {', '.join(scope.parts)}"
            )
        file = self._file(product)
        if not file.is_file():
            self._digests.pop(name, None)
            self._bring(part, product, file)
        if self.cache is not None and name not in self._digests:
            self._digests[name] = sha256(file)  # another process made it
        self._note("table", name)
        return file

    def make_if_free(self, name: str) -> None:
        """Make a table unless it is there, or another process is making it just now."""
        part, product = self.catalog.locate(name)
        if not self._file(product).is_file():
            self._bring(part, product, self._file(product), wait=False)

    def measured(self, name: str) -> Path | None:
        """Return what a command of its own measured for a run of this name, None where it did not.

        It lies beside the run folders and is no table: what reads it judges whether it still holds.
        """
        self._note("measured", name)
        file = self._measured_file(name)
        return file if file is not None and file.is_file() else None

    def kept(self, name: str) -> Path | None:
        """Return a measurement that is kept with the code (`paths.RESULTS`), None where it is not.

        It is an input like a reference table: a table that read another one is made again.
        Raises TcocError for one that is not listed: a run would not notice its change.
        """
        if name not in RESULTS:
            raise TcocError(f"{name} is not a kept measurement{nearest(name, RESULTS)}")
        self._note("result", name)
        file = result_file(name)
        return file if file.is_file() else None

    def _measured_file(self, name: str) -> Path | None:
        if self.cache is None:
            return None
        return measured_file(self.cache, self._whole.name, name)

    def has(self, name: str) -> bool:
        """Whether a table is already in the work folder."""
        return self._file(self.catalog.product(name)).is_file()

    def _file(self, product: Product) -> Path:
        folder = INTERNAL if product.internal else RESTRICTED
        return self.work / folder / f"{product.name}.parquet"

    # ------------------------------------------------------------ noting what is read

    @contextmanager
    def reading(self, scope: Scope | None) -> Iterator[dict[tuple[str, str], str]]:
        """Let only what a scope names be read in a block; None lifts all limits.

        Yields what was read, complete at the block's end: (kind, name) and a digest.
        """
        before = self.run, self._reading
        self._reading = _Reading(scope)
        policy = self._whole.policy.recording()
        if scope is not None:
            policy = policy.only((*scope.policy, "disclosure"), scope.reader)
        spec = _Seen(self._whole.spec, lambda key: self._note("setting", key))
        self.run = replace(self._whole, policy=policy, spec=cast(RunFile, spec))
        reads = self._reading.reads
        try:
            yield reads
        finally:
            self.run, self._reading = before
            for name, year in sorted(policy.reads, key=str):
                key = name if year is None else f"{name}@{year}"
                reads["policy", key] = self.digest("policy", key)

    def _note(self, kind: str, name: str) -> None:
        if (kind, name) not in self._reading.reads:
            self._reading.reads[kind, name] = self.digest(kind, name)

    def digest(self, kind: str, name: str) -> str:
        """Return the digest of something that can be read, as this run finds it."""
        if self.cache is None:
            return ""
        if kind == "policy":
            return digest_of(self._whole.policy.facts(name))
        if kind == "setting":
            return digest_of(self._settings.get(name))
        if kind == "table":
            return self._table_digest(name)
        if kind in ("measured", "result"):
            file = self._measured_file(name) if kind == "measured" else result_file(name)
            return sha256(file) if file and file.is_file() else ""
        return self._store_digest if kind == "store" else self._reference_digest

    def _table_digest(self, name: str) -> str:
        if name not in self._digests:
            with self.reading(None):
                file = self.path(name)
            self._digests.setdefault(name, "")
            if not self._digests[name]:
                self._digests[name] = sha256(file)
        return self._digests[name]

    @cached_property
    def _settings(self) -> dict[str, Any]:
        return self._whole.spec.model_dump(mode="json")

    @cached_property
    def _store_digest(self) -> str:
        assert self.cache is not None
        root = self._store.root
        files = store_files(root)
        names = [file.relative_to(root).as_posix() for file in files]
        return digest_of(list(zip(names, self.cache.hashes(files), strict=True)))

    @cached_property
    def _reference_digest(self) -> str:
        assert self.cache is not None
        # these decide what is read of the files: rules A5, A6 and A10
        policy = AttributionPolicy.of(self._whole.policy)
        handling = [policy.duplicate_npi, policy.roster_links, policy.eligible_hospitals]
        paths = self._whole.reference_paths()
        return digest_of([sorted(paths), self.cache.hashes([*paths.values()]), handling])

    # ------------------------------------------------------------ making a table

    def _bring(self, part: Part, product: Product, file: Path, wait: bool = True) -> None:
        """Put a table in its place: from the cache where it holds, else computed and kept.

        Another process may be at the same table, of the same work folder or of another run: then
        this one waits and finds it there, or without `wait` leaves it alone.
        """
        private(file.parent)
        if self.cache is None:
            with self.reading(self.catalog.scope(part.name)):
                self._compute(product, file)
            return
        base = self._base(part, product)
        with self.cache.making(product.name, base, self._store_digest, wait) as mine:
            if mine and not file.is_file() and not self._taken(product, file, base):
                self._make(part, product, file, base)

    def _base(self, part: Part, product: Product) -> str:
        facts = [product.key, product.schema, part.name, self.connection.engine]
        return base_key(product.name, product.modules, facts)

    def _taken(self, product: Product, file: Path, base: str) -> bool:
        if self.fresh or self.cache is None:
            return False
        for entry in look_up(self.cache, product.name, base, self.holds):
            if self.cache.take(entry, file.parent):
                for name in entry.files.keys() - {file.name}:
                    _set_apart(file.with_name(name))
                self._digests[product.name] = entry.files[file.name]
                self.taken[product.name] = entry.made
                return True
        return False

    def holds(self, read: Read) -> bool:
        """Whether something would be read the same as when it was noted."""
        kind, name, digest = read
        try:
            return self.digest(kind, name) == digest
        except TcocError:  # a value or table that there no longer is
            return False

    def _make(self, part: Part, product: Product, file: Path, base: str) -> None:
        assert self.cache is not None
        start = time.perf_counter()
        with self.reading(self.catalog.scope(part.name)) as reads:
            self._compute(product, file)
        seconds = time.perf_counter() - start
        digest = sha256(file)
        self.made[product.name] = seconds
        self._digests[product.name] = digest
        noted = tuple((kind, name, found) for (kind, name), found in reads.items())
        lists = [file.with_suffix(".csv")] if product.csv else []
        files = {f.name: sha256(f) for f in lists} | {file.name: digest}
        self.cache.keep(Entry(product.name, base, noted, files, seconds=seconds), file.parent)
        for one in lists:
            _set_apart(one)

    def _compute(self, product: Product, file: Path) -> None:
        with self.connection.task(f"table {product.name}", file), self.connection.keeping():
            self._compute_and_write(product, file)
        give_back()

    def _compute_and_write(self, product: Product, file: Path) -> None:
        result = product.compute(self)
        if isinstance(result, pd.DataFrame):
            if product.schema is None:
                raise TcocError(f"{product.name}: a pandas result needs a schema")
            result = to_arrow(result, product.schema)
        parts = iter([result]) if isinstance(result, Rows) else result
        typed = (_of_schema(part, product.schema) for part in parts)
        partial_file = file.with_suffix(".partial")
        self.connection.write(typed, partial_file, product.key)
        partial_file.chmod(0o600)
        if product.csv:
            _write_csv(partial_file, file.with_suffix(".csv"))
        partial_file.rename(file)


def _of_schema(table: Rows, schema: Mapping[str, str] | None) -> Rows:
    if schema is None or isinstance(table, pa.Table) or table.schema() == ibis.schema(schema):
        return table
    return cast(ir.Table, table.select(**{n: table[n].cast(kind) for n, kind in schema.items()}))


def _set_apart(file: Path) -> None:
    """Make a linked list a copy: who notes something in it changes neither cache nor other runs."""
    partial_file = file.with_suffix(".csv-partial")
    shutil.copyfile(file, partial_file)
    partial_file.chmod(0o600)
    partial_file.rename(file)


def _write_csv(parquet: Path, out: Path) -> None:
    partial_file = out.with_suffix(".csv-partial")
    pq.read_table(parquet).to_pandas().to_csv(partial_file, index=False, lineterminator="\n")
    partial_file.chmod(0o600)
    partial_file.rename(out)


def read_frame(file: Path, exact: bool = False) -> pd.DataFrame:
    """Return a table's file as pandas in key order; dollars as float unless `exact`."""
    arrow = pq.read_table(file)
    return cast(pd.DataFrame, (arrow if exact else _dollars_as_float(arrow)).to_pandas())


def _dollars_as_float(table: pa.Table) -> pa.Table:
    schema = pa.schema(
        [pa.field(f.name, pa.float64()) if pa.types.is_decimal(f.type) else f for f in table.schema]
    )
    return table.cast(schema)
