"""The connection that rules work with, and DuckDB in this process behind it.

A step asks for a table by name and years, writes one Ibis expression, and either keeps the result
inside the engine (`keep`), brings a small one back as pandas (`fetch`) or streams it to a Parquet
file in a total order (`write`). Wording must mean the same on both engines.
"""

import os
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.formats.pandas import PandasData

from tcoc.errors import InputError, TcocError
from tcoc.folders import is_held, locked
from tcoc.resources.shortage import SPILL_VARIABLE, Bounds, explained
from tcoc.store.layout import Store
from tcoc.store.schema import ROW_GROUP, TABLES

SPILL_PREFIX = "tcoc-spill-"

_OWN = re.compile(r"tcoc_[a-z]+_(\d+)")
"""How `Connection` names what it keeps."""

AHEAD = 6
"""Row groups that wait to be packed, at most: a year of a state's attribution, near 100 MB."""

_P = ParamSpec("_P")
_R = TypeVar("_R")
_C = TypeVar("_C", bound="Connection")

Rows: TypeAlias = ir.Table | pa.Table
"""A result, or a part of one: still to be computed, or there already."""


def telling(
    method: Callable[Concatenate[_C, _P], _R],
) -> Callable[Concatenate[_C, _P], _R]:
    """Make a method say in one sentence that memory or disk did not suffice."""

    @wraps(method)
    def call(self: _C, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with self.task(self.doing):
            return method(self, *args, **kwargs)

    return call


@dataclass
class Connection:
    """An engine, what it may use, what it is asked for, and the names of what it keeps.

    `watch` is entered, with the step's name, for the length of each step: a benchmark's meter.
    """

    backend: Any
    engine: str
    bounds: Bounds = field(default_factory=Bounds)
    doing: str = "a query"
    place: Path | None = None
    watch: Callable[[str], AbstractContextManager[Any]] = nullcontext
    _kept: int = field(default=0)

    @property
    def small(self) -> "Connection":
        """The engine of this process, for what is so small that a cluster would only wait."""
        return self

    @contextmanager
    def task(self, name: str, place: Path | None = None) -> Iterator[None]:
        """Name what a block does, and where it writes, in case memory or disk do not suffice.

        ShortageError then says so.
        """
        before = self.doing, self.place
        self.doing, self.place = name, place or self.place
        try:
            with explained(name, self.bounds, self.place):
                yield
        finally:
            self.doing, self.place = before

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Name a step of a task, for what is said when memory or disk end, and for `watch`."""
        with self.task(f"{self.doing}, {name}"), self.watch(name):
            yield

    def table(self, store: Store, name: str, years: Iterable[int] | None = None) -> ir.Table:
        """Return a store table restricted to the files of some years, with the declared types.

        A year without files gives no rows; a table without any file is empty, not an error.
        """
        spec = TABLES[name]
        files = store.files(name, years)
        if not files:
            return self.load(pd.DataFrame(columns=list(spec.schema)), spec.schema)
        raw = self._read(files, name)
        if raw.schema() == ibis.schema(spec.schema):
            return raw
        # A store that was written before a nullable column existed has it as null.
        given = {c: raw[c] if c in raw.columns else ibis.null(t) for c, t in spec.schema.items()}
        return cast(ir.Table, raw.select(**{c: given[c].cast(t) for c, t in spec.schema.items()}))

    def parquet(self, *files: Path) -> ir.Table:
        """Return one or more Parquet files as a table."""
        return self._read(files, "file")

    def load(self, frame: pd.DataFrame, schema: dict[str, str]) -> ir.Table:
        """Bring a small pandas table into the engine, with the given Ibis types."""
        return self.keep_arrow(to_arrow(frame, schema))

    @telling
    def keep_arrow(self, arrow: pa.Table) -> ir.Table:
        """Bring a small Arrow table into the engine."""
        return cast(ir.Table, self.backend.create_table(self._name("small"), arrow, temp=True))

    @telling
    def keep(self, expr: ir.Table) -> ir.Table:
        """Compute an expression once and keep the result in the engine."""
        return cast(ir.Table, self.backend.create_table(self._name("kept"), expr, temp=True))

    def drop(self, *tables: ir.Table) -> None:
        """Forget kept tables, to give their memory back."""
        for table in tables:
            op = table.op()
            place = (op.namespace.catalog, op.namespace.database)
            self.backend.drop_table(op.name, database=place, force=True)

    @telling
    def fetch(self, expr: ir.Table, order_by: Sequence[str] = ()) -> pd.DataFrame:
        """Compute a small result and return it as pandas, in a total order."""
        ordered = expr.order_by(list(order_by)) if order_by else expr
        return _as_pandas(ordered.to_pyarrow(), ordered.schema())

    @telling
    def write(self, expr: Rows | Iterable[Rows], path: Path, order_by: Sequence[str]) -> int:
        """Stream a result to one Parquet file in a total order; return the number of rows.

        A result can come in parts, whose keys ascend from part to part: each is computed, ordered
        and written before the next is asked for, so that the engine holds one at a time. The same
        rows give the same bytes, whatever the engine, the number of threads, and the parts; small
        ones that are there already need no engine.
        """
        parts = [expr] if isinstance(expr, Rows) else expr
        with closing(_OneFile(path, order_by)) as file:
            for part in parts:
                with self.step("writing"):
                    if isinstance(part, pa.Table):
                        order = [(name, "ascending") for name in order_by]
                        file.add(part.schema, part.sort_by(order).to_batches())
                    else:
                        file.add(part.schema().to_pyarrow(), self._batches(part, order_by))
            file.finish()
        return file.rows

    def _batches(self, expr: ir.Table, order_by: Sequence[str]) -> Iterable[pa.RecordBatch]:
        # from the relation: Ibis 12 asks the connection by a name that DuckDB 2 no longer has
        relation = self.backend.con.sql(self.backend.compile(expr.order_by(list(order_by))))
        return cast(Iterable[pa.RecordBatch], relation.to_arrow_reader(ROW_GROUP))

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Drop at the end of a block what was kept in it and is still there."""
        before = self._kept
        yield
        self.forget(before)

    def forget(self, before: int = 0) -> None:
        """Drop all that is kept, or all since so many were; what was at work with it has ended.

        A table that somebody else made in the engine, such as an analyst in a notebook, stays.
        """
        there = self.backend.con.sql("SELECT table_name FROM duckdb_tables() WHERE temporary")
        for (name,) in there.fetchall():
            own = _OWN.fullmatch(name)
            if own and int(own[1]) > before:
                self.backend.con.execute(f'DROP TABLE IF EXISTS "{name}"')

    def keep_to(self, limit: str) -> bool:
        """Let the engine use so much memory from now on; False where it has more in use.

        It can be asked while a query runs in another thread.
        """
        try:
            self.backend.con.cursor().execute(f"SET memory_limit = '{limit}'")
        except duckdb.OutOfMemoryException:
            return False
        return True

    def _name(self, stem: str) -> str:
        self._kept += 1
        return f"tcoc_{stem}_{self._kept}"

    @telling
    def _read(self, files: Sequence[Path], stem: str) -> ir.Table:
        """Return Parquet files as one table; the folders' names are not columns."""
        return cast(
            ir.Table,
            self.backend.read_parquet(
                [str(f) for f in files], table_name=self._name(stem), hive_partitioning=False
            ),
        )


def _as_pandas(arrow: pa.Table, schema: ibis.Schema) -> pd.DataFrame:
    """Return a result with Ibis's own types of pandas, decimals as Arrow gives them.

    Ibis normalizes each decimal in Python, which for many takes longer than the query; they come
    with the scale of their type already.
    """
    columns = dict(zip(arrow.column_names, arrow.columns, strict=True))
    exact = {name: c.to_pandas() for name, c in columns.items() if pa.types.is_decimal(c.type)}
    plain = {
        name: column.to_pylist() if column.null_count else column.to_pandas()
        for name, column in columns.items()
        if name not in exact
    }
    kinds = ibis.schema({name: schema[name] for name in plain})
    frame = PandasData.convert_table(pd.DataFrame(plain), kinds)
    return cast(pd.DataFrame, frame.assign(**exact)[list(columns)])


def to_arrow(frame: pd.DataFrame, schema: dict[str, str]) -> pa.Table:
    """Return pandas columns as Arrow of the given Ibis types; floats round to decimals."""
    target = ibis.schema(schema).to_pyarrow()
    columns = [
        pa.array(frame[f.name], from_pandas=True).cast(f.type)
        if pa.types.is_decimal(f.type) and pd.api.types.is_float_dtype(frame[f.name])
        else pa.array(frame[f.name], f.type, from_pandas=True)
        for f in target
    ]
    return pa.Table.from_arrays(columns, schema=target)


class _OneFile:
    """A Parquet file in row groups of one size, from batches of one or more parts of a table."""

    def __init__(self, path: Path, key: Sequence[str]) -> None:
        self.rows = 0
        self._path, self._key = path, list(key)
        self._last: list[dict[str, Any]] = []
        self._waiting: list[pa.Table] = []
        self._schema: pa.Schema | None = None
        self._writer: pq.ParquetWriter | None = None
        self._pool = ThreadPoolExecutor(1)
        self._packing: deque[Future[None]] = deque()

    def add(self, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Add a part in the order of the key; its first key is above the last of the part before.

        Raises TcocError for a part that is not, without the keys: they may name a person.
        """
        if self._schema is None:
            self._schema = schema
            self._writer = pq.ParquetWriter(self._path, schema, compression="zstd")
        last, waiting = self._last, sum(table.num_rows for table in self._waiting)
        for batch in batches:
            if not batch.num_rows:
                continue
            if last and not _below(last[0], batch.slice(0, 1).select(self._key).to_pylist()[0]):
                raise TcocError(f"{self._path.stem}: the parts of the table are not in order")
            last = []
            self._last = batch.slice(batch.num_rows - 1).select(self._key).to_pylist()
            # the engine's own types are wider here and there
            self._waiting.append(pa.Table.from_batches([batch]).cast(self._schema))
            waiting += batch.num_rows
            while waiting >= ROW_GROUP:
                table = pa.concat_tables(self._waiting)
                self._pack(table.slice(0, ROW_GROUP))
                self._waiting = [table.slice(ROW_GROUP)]
                waiting -= ROW_GROUP

    def finish(self) -> None:
        """Write the last rows, fewer than a row group."""
        if any(table.num_rows for table in self._waiting):
            self._pack(pa.concat_tables(self._waiting))
        self._wait()

    def close(self) -> None:
        """Close the file, also one that is not whole."""
        self._pool.shutdown(cancel_futures=True)
        if self._writer is not None:
            self._writer.close()

    def _pack(self, group: pa.Table) -> None:
        self._wait(AHEAD - 1)
        assert self._writer is not None
        group = group.combine_chunks()  # pages are cut by chunks, which differ by part
        # the engine makes the next rows, or computes the next part, while these are packed
        self._packing.append(self._pool.submit(self._writer.write_table, group, ROW_GROUP))
        self.rows += group.num_rows

    def _wait(self, left: int = 0) -> None:
        while len(self._packing) > left:
            self._packing.popleft().result()


def _below(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a key comes before another, by the first column in which they differ."""
    pairs = ((one[name], other[name]) for name in one)
    return next((a is not None and (b is None or a < b) for a, b in pairs if a != b), False)


@contextmanager
def connect_duckdb(
    allowed: str, threads: int | None = None, spill: Path | None = None
) -> Iterator[Connection]:
    """Open DuckDB in this process for the length of a block; what it spilled goes at the end."""
    with spill_folder(spill) as folder:
        settings = {"threads": threads} if threads else {}
        backend = ibis.duckdb.connect(temp_directory=str(folder), memory_limit=allowed, **settings)
        # the command has its own progress; in a notebook the engine's needs a package to be set
        if backend.con.sql("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]:
            backend.con.execute("SET enable_progress_bar = false")
        try:
            yield Connection(backend, "duckdb", Bounds(allowed, folder))
        finally:
            backend.disconnect()


@contextmanager
def spill_folder(inside: Path | None = None) -> Iterator[Path]:
    """Make a folder for what does not fit in memory, for the length of a block.

    It lies in the folder that TCOC_SPILL names, else in `inside`, else among the system's temporary
    files, which are often kept in memory themselves. What processes that were killed have left
    beside it is removed on the way.
    """
    folder = _new_spill_folder(Path(os.environ.get(SPILL_VARIABLE) or inside or gettempdir()))
    with locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _new_spill_folder(base: Path) -> Path:
    try:
        with explained("opening the engine", place=base):
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_left(base)
            return Path(mkdtemp(prefix=SPILL_PREFIX, dir=base))
    except OSError as error:
        raise InputError(
            f"{base}: no folder for what does not fit in memory can be made there"
            f" ({error.strerror}); name another in {SPILL_VARIABLE}"
        ) from error


def remove_left_spill() -> None:
    """Remove what processes that were killed have spilled to the folder of TCOC_SPILL."""
    if named := os.environ.get(SPILL_VARIABLE):
        _remove_left(Path(named))


def _remove_left(base: Path) -> None:
    for folder in base.glob(f"{SPILL_PREFIX}*"):
        if not is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)
