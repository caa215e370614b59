"""A run's store as pandas frames: only the wanted columns and years, ready to group and join.

In frames, dollars are whole cents (int64), dates are datetime64, and identifiers are categories
that share one dtype in all tables, so that joins and groups work on their codes. With
`identifiers="string"` they stay strings, as pandas reads them by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tcoc.errors import InputError, nearest
from tcoc.params import Policy, Run, load_run
from tcoc.reference import CodeLists, Reference, load_code_lists, load_reference
from tcoc.store.layout import Store, open_store
from tcoc.store.schema import TABLES

IDENTIFIERS = ("category", "string")
"""How identifiers are held: as categories (tuned) or as strings (plain)."""

CLAIMS = ("professional", "facility", "dme")


@dataclass
class Inputs:
    """One run: parameters, store, reference tables, and the tables computed so far."""

    run: Run
    store: Store
    identifiers: str = "category"
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        return self.run.policy

    @cached_property
    def references(self) -> Reference:
        return load_reference(self.run)

    @cached_property
    def codes(self) -> CodeLists:
        return load_code_lists()

    @cached_property
    def hospitals(self) -> tuple[str, ...]:
        return self.references.eligible_hospitals

    @cached_property
    def shared(self) -> dict[str, pd.CategoricalDtype]:
        """The dtypes of identifiers that several tables share, ascending as strings compare."""
        listed = self.references.tables
        known = {
            "bene_id": self._values("beneficiary", "bene_id"),
            "npi": self._values("professional", "npi") | {*listed["aco_practitioners"]["npi"]},
            "ccn": self._values("facility", "ccn") | {*listed["hospitals"]["ccn"]},
        }
        return {name: pd.CategoricalDtype(sorted(values)) for name, values in known.items()}

    def _values(self, table: str, column: str) -> set[str]:
        """All values of an identifier, from the dictionaries of its column chunks."""
        found: set[str] = set()
        for file in self.store.files(table):
            chunks = pq.ParquetFile(file, read_dictionary=[column]).read([column]).column(0)
            found.update(*(chunk.dictionary.to_pylist() for chunk in chunks.chunks))
        return found

    def has_claims(self, year: int) -> bool:
        """Whether the store has any claim row of a year."""
        files = [f for name in CLAIMS for f in self.store.files(name, [year])]
        return any(pq.read_metadata(f).num_rows > 0 for f in files)

    def read(
        self,
        name: str,
        years: Iterable[int] | None,
        columns: Sequence[str],
        where: Any = None,
    ) -> pd.DataFrame:
        """Read some columns of a store table for some years, keeping the rows of `where`."""
        encoded = self.identifiers == "category"
        text = [c for c in columns if TABLES[name].schema[c] == "string"]
        tables = [
            pq.read_table(
                file,
                columns=list(columns),
                filters=where,
                read_dictionary=text if encoded else None,
                partitioning=None,
            )
            for file in self.store.files(name, years)
        ]
        if not tables:
            return self._nothing(name, columns)
        arrow = pa.concat_tables(tables)
        del tables
        return pd.DataFrame({c: self._column(c, arrow[c]) for c in columns}, copy=False)

    def _nothing(self, name: str, columns: Sequence[str]) -> pd.DataFrame:
        kinds = {"string": pa.string(), "date": pa.date32(), "boolean": pa.bool_()}
        arrow = {c: pa.array([], kinds.get(TABLES[name].schema[c], pa.int64())) for c in columns}
        return pd.DataFrame({c: self._column(c, pa.chunked_array([a])) for c, a in arrow.items()})

    def _column(self, name: str, values: pa.ChunkedArray) -> Any:
        if pa.types.is_decimal(values.type):
            dollars = pc.cast(values, pa.float64()).to_numpy()
            return np.rint(dollars * 100).astype("int64")
        if pa.types.is_date(values.type):
            return pc.cast(values, pa.timestamp("s")).to_numpy()
        if pa.types.is_boolean(values.type):
            return pc.fill_null(values, False).to_numpy()
        if pa.types.is_string(values.type) and self.identifiers == "category":
            values = values.dictionary_encode()
        if pa.types.is_dictionary(values.type):
            return categorical(values, self.shared.get(name) if name in SHARED else None)
        return values.to_pandas()

    def identifier(self, name: str, values: pd.Series) -> pd.Series:
        """Bring a small table's identifiers to the dtype that the claims have; unknown is null."""
        return values.astype(self.shared[name] if self.identifiers == "category" else "str")


SHARED = ("bene_id", "npi", "ccn")


def categorical(values: pa.ChunkedArray, dtype: pd.CategoricalDtype | None) -> pd.Categorical:
    """Return dictionary-encoded strings as categories, of a given dtype if there is one."""
    unified = values.unify_dictionaries()
    words = (
        unified.chunk(0).dictionary.to_pandas()
        if unified.num_chunks
        else pd.Series([], dtype="str")
    )
    codes = [pc.fill_null(chunk.indices, -1).to_numpy() for chunk in unified.chunks]
    code = np.concatenate(codes) if codes else np.array([], dtype="int32")
    if dtype is None:
        return pd.Categorical.from_codes(code, pd.Index(words))
    place = dtype.categories.get_indexer(pd.Index(words)).astype("int32")
    if (place < 0).any():
        raise InputError(
            "the store names people in claims whom its table beneficiary does not have"
        )
    return pd.Categorical.from_codes(np.append(place, np.int32(-1))[code], dtype=dtype)


def open_inputs(run_file: Path, identifiers: str = "category") -> Inputs:
    """Open a run file for the comparison; raises InputError for a run or store not usable."""
    if identifiers not in IDENTIFIERS:
        raise InputError(f'identifiers: found "{identifiers}"{nearest(identifiers, IDENTIFIERS)}')
    run = load_run(run_file)
    return Inputs(run, open_store(run.store_path), identifiers)
