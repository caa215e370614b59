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
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
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


@dataclass
class Study:
    """One run: parameters, inputs, and tables that are computed when first asked for."""

    run: Run
    store: Store
    connection: Connection
    work: Path
    _holding: bool = field(default=False)

    @property
    def policy(self) -> Policy:
        """The policy values with the run's options laid over."""
        return self.run.policy

    @cached_property
    def references(self) -> Reference:
        """The run's reference tables, read and checked once."""
        return load_reference(self.run)

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
        product = find_product(name)
        file = self._file(product)
        if not file.is_file():
            with self.held():
                if not file.is_file():
                    self._compute(product, file)
        return file

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
        self.connection.write(result, partial, product.key)
        partial.chmod(0o600)
        if product.csv:
            _write_csv(partial, file.with_suffix(".csv"))
        partial.rename(file)


def _private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)


def _write_csv(parquet: Path, out: Path) -> None:
    pq.read_table(parquet).to_pandas().to_csv(out, index=False, lineterminator="\n")
    out.chmod(0o600)


def _dollars_as_float(table: pa.Table) -> pa.Table:
    schema = pa.schema(
        [pa.field(f.name, pa.float64()) if pa.types.is_decimal(f.type) else f for f in table.schema]
    )
    return table.cast(schema)


def part_products(deliverable: str) -> tuple[Product, ...]:
    """Return the tables that a deliverable's part computes, in order."""
    module = import_module(f"tcoc.pipeline.{PARTS[deliverable]}")
    return cast("tuple[Product, ...]", module.PRODUCTS)


def find_product(name: str) -> Product:
    """Return the product of a name; parts are imported in order until one has it."""
    for deliverable in PARTS:
        for product in part_products(deliverable):
            if product.name == name:
                return product
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
    package = Path(__file__).resolve().parents[1]
    lists = sorted((params_dir() / "reference").rglob("*.*"))
    return [*(f for f in sorted(package.rglob("*.py")) if "report" not in f.parts), *lists]


def _input_files(run: Run) -> list[Path]:
    own = [
        *sorted((params_dir() / "published").glob("*.yml")),
        *sorted((params_dir() / "reference").glob("*.csv")),
    ]
    return [open_store(run.store_path).root / "store.json", *load_reference(run).files, *own]
