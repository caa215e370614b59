"""A run's tables: which there are, what each needs, and where a computed one is kept.

A `Study` is one run with its parameters, its store and a work folder. It computes a table when it
is first asked for, with what that table needs, writes it as Parquet and reads it back from there.
The runner and an analyst's notebook go the same way, so they see the same numbers.
"""

import atexit
import fcntl
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tcoc.errors import InputError, TcocError
from tcoc.params import Policy, Run, load_run
from tcoc.paths import params_dir, project_root
from tcoc.reference import Reference, load_reference
from tcoc.store.connection import Connection, connect
from tcoc.store.layout import Store, open_store

PARTS = {
    "y1_attribution": "core",
    "risk_adjustment": "risk",
    "qp_preliminary": "qp",
    "mpa_options": "mpa",
    "progression_plan": "progression",
    "data_intake": "intake",
}
"""Deliverable -> the module of this package that computes its tables; later ones use earlier."""


@dataclass(frozen=True)
class Product:
    """A table of a run: its key (unique, and the row order on disk) and how it is computed."""

    name: str
    key: tuple[str, ...]
    compute: Callable[["Study"], "ir.Table | pd.DataFrame"]
    schema: dict[str, str] | None = None
    csv: bool = False
    internal: bool = False


@dataclass(frozen=True)
class Scope:
    """What a reader (a part, a report) may read: policy files, and the tables of some parts."""

    reader: str
    policy: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass
class Study:
    """One run: parameters, inputs, and tables that are computed when first asked for.

    While a table is computed, its part reads the policy files and the tables that it declares and
    no others; reuse of earlier tables rests on that. `earlier`, where set, is asked to put a
    table in place before it is computed. `needs` says which tables each computed one read.
    """

    run: Run
    store: Store
    connection: Connection
    work: Path
    earlier: Callable[[Product, Path], bool] | None = None
    needs: dict[str, set[str]] = field(default_factory=dict)
    _holding: bool = field(default=False)
    _scope: Scope | None = None
    _table: str = ""

    def __post_init__(self) -> None:
        self._whole = self.run

    @property
    def policy(self) -> Policy:
        """The policy values with the run's options laid over."""
        return self.run.policy

    @cached_property
    def references(self) -> Reference:
        """The run's reference tables, read and checked once."""
        return load_reference(self._whole)

    def reference(self, name: str) -> pd.DataFrame | None:
        """Return a validated reference table, or None where the run has none of that name."""
        return self.references.get(name)

    def store_table(self, name: str, years: Iterable[int] | None = None) -> ir.Table:
        """Return a table of the store, opened for some years only."""
        return self.connection.table(self.store, name, years)

    def table(self, name: str) -> ir.Table:
        """Return a table of the run, computed first if the work folder does not have it."""
        return self.connection.parquet(self.path(name))

    def frame(self, name: str, exact: bool = False) -> pd.DataFrame:
        """Return a table of the run as pandas in key order; dollars as float unless `exact`."""
        arrow = pq.read_table(self.path(name))
        return cast(pd.DataFrame, (arrow if exact else _dollars_as_float(arrow)).to_pandas())

    def path(self, name: str) -> Path:
        """Return the Parquet file of a table, computed first if it is not there."""
        part, product = locate(name)
        self._admit(part, name)
        file = self._file(product)
        if not file.is_file():
            with self.held():
                if not file.is_file() and not self._put_in_place(product, file):
                    self.needs[name] = set()
                    with self.reading(part_scope(part), name):
                        self._compute(product, file)
        return file

    def _admit(self, part: str, name: str) -> None:
        if self._scope is not None and part not in self._scope.parts:
            raise TcocError(
                f"{self._scope.reader} reads the table {name} of {part} but declares only"
                f" {', '.join(self._scope.parts)}"
            )
        if self._table:
            self.needs.setdefault(self._table, set()).add(name)

    def _put_in_place(self, product: Product, file: Path) -> bool:
        if self.earlier is None:
            return False
        with self.reading(None):
            return self.earlier(product, file)

    @contextmanager
    def reading(self, scope: Scope | None, table: str = "") -> Iterator[None]:
        """Let only what a scope names be read for the length of a block; None lifts all limits."""
        before = self.run, self._scope, self._table
        self.confine(scope)
        self._table = table
        try:
            yield
        finally:
            self.run, self._scope, self._table = before

    def confine(self, scope: Scope | None) -> None:
        """Let only what a scope names be read from here on."""
        whole = self._whole
        policy = whole.policy.only(scope.policy, scope.reader) if scope else whole.policy
        self.run, self._scope = replace(whole, policy=policy), scope

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the work folder, so that processes on the same run make each table once."""
        if self._holding:
            yield
            return
        folder = self.work / ".internal"
        _private_folder(folder)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._holding = True
            try:
                yield
            finally:
                self._holding = False

    def has(self, name: str) -> bool:
        """Whether a table is already computed."""
        return self._file(find_product(name)).is_file()

    def _file(self, product: Product) -> Path:
        folder = ".internal" if product.internal else "restricted"
        return self.work / folder / f"{product.name}.parquet"

    def _compute(self, product: Product, file: Path) -> None:
        with self.connection.task(f"table {product.name}", file):
            self._compute_and_write(product, file)

    def _compute_and_write(self, product: Product, file: Path) -> None:
        result = product.compute(self)
        if isinstance(result, pd.DataFrame):
            if product.schema is None:
                raise TcocError(f"{product.name}: a pandas result needs a schema")
            result = self.connection.load(result, product.schema)
        elif product.schema is not None:
            result = result.select(
                **{name: result[name].cast(kind) for name, kind in product.schema.items()}
            )
        _private_folder(file.parent)
        partial = file.with_suffix(".partial")
        with self.connection.step("writing"):
            self.connection.write(result, partial, product.key)
        partial.chmod(0o600)
        if product.csv:
            _write_csv(partial, file.with_suffix(".csv"))
        partial.rename(file)


def _private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _write_csv(parquet: Path, out: Path) -> None:
    partial = out.with_suffix(".csv-partial")
    pq.read_table(parquet).to_pandas().to_csv(partial, index=False, lineterminator="\n")
    partial.chmod(0o600)
    partial.rename(out)


def _dollars_as_float(table: pa.Table) -> pa.Table:
    schema = pa.schema(
        [pa.field(f.name, pa.float64()) if pa.types.is_decimal(f.type) else f for f in table.schema]
    )
    return table.cast(schema)


def part_products(deliverable: str) -> tuple[Product, ...]:
    """Return the tables that a deliverable's part computes, in order."""
    return cast("tuple[Product, ...]", _module(deliverable).PRODUCTS)


def part_scope(deliverable: str) -> Scope:
    """Return what a part declares to read: its POLICY, its own tables and those of its USES."""
    module = _module(deliverable)
    return Scope(deliverable, tuple(module.POLICY), (deliverable, *module.USES))


def builds_on(deliverable: str) -> tuple[str, ...]:
    """Return a part and all parts that it uses, directly or through others, in order."""
    found = {deliverable}
    for used in part_scope(deliverable).parts[1:]:
        found.update(builds_on(used))
    return tuple(name for name in PARTS if name in found)


def page_scope(deliverable: str, policy: Iterable[str]) -> Scope:
    """Return what a deliverable's report may read: its policy files and what its part rests on."""
    parts = builds_on(deliverable)
    below = {prefix for part in parts for prefix in part_scope(part).policy}
    files = tuple(sorted({*policy, *below, "disclosure"}))
    return Scope(f"the report {deliverable}", files, parts)


def _module(deliverable: str) -> ModuleType:
    return import_module(f"tcoc.deliverables.{deliverable}.tables")


def find_product(name: str) -> Product:
    """Return the product of a name."""
    return locate(name)[1]


def locate(name: str) -> tuple[str, Product]:
    """Return a product and the part that computes it; parts are imported until one has it."""
    for deliverable in PARTS:
        for product in part_products(deliverable):
            if product.name == name:
                return deliverable, product
    raise TcocError(f'"{name}" is not a table of a run')


@contextmanager
def study(
    run: Run, work: Path, memory_limit: str | None = None, threads: int | None = None
) -> Iterator[Study]:
    """Open a run's store and engine for the length of a block."""
    store = open_store(run.store_path)
    with connect(run.spec.engine, memory_limit, threads, work / ".internal") as connection:
        yield Study(run, store, connection, work)


def open_study(run: str | Path, work: str | Path = "") -> Study:
    """Open a run for a notebook: until the process ends, with tables kept in a work folder.

    Without `work` the tables go to outputs/.work, in a folder named by what they depend on (run
    file, policy, reference tables, store, code), so that a change of any is a new folder.
    Raises InputError for a run file or store that is not usable.
    """
    loaded = load_run(Path(run))
    folder = Path(work) if work else default_work(loaded)
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(study(loaded, folder))


def default_work(run: Run) -> Path:
    """Return the work folder of an interactive session, named by a hash of what it depends on."""
    return project_root() / "outputs" / ".work" / f"{run.name}-{fingerprint(run)[:12]}"


def fingerprint(run: Run) -> str:
    """Hash what a run's tables depend on: parameters, policy, reference, store and code."""
    digest = hashlib.sha256()
    spec = run.spec.model_dump(mode="json", exclude={"deliverables"})
    digest.update(json.dumps(spec, sort_keys=True).encode())
    for file in [*sorted(run.policy.files.values()), *_code_files(), *_input_files(run)]:
        if not file.is_file():
            raise InputError(f"{file}: there is no such file")
        digest.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _code_files() -> list[Path]:
    package = Path(__file__).resolve().parent
    lists = sorted((params_dir() / "reference").rglob("*.*"))
    code = sorted(f for f in package.rglob("*.py") if f.relative_to(package).parts[0] != "report")
    return [*code, *lists]


def _input_files(run: Run) -> list[Path]:
    own = [
        *sorted((params_dir() / "published").glob("*.yml")),
        *sorted((params_dir() / "reference").glob("*.csv")),
    ]
    return [open_store(run.store_path).root / "store.json", *load_reference(run).files, *own]
