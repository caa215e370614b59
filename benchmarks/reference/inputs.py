"""A run's store as pandas frames: only the wanted columns and years, ready to group and join.

In frames, dollars are whole cents (int64), dates are datetime64, and identifiers that several
tables share are whole numbers, their places among all of the store's, so that joins and groups
work on integers and a lookup is an array's element. With `identifiers="string"` they stay strings,
as pandas reads them by itself.
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
from tcoc.params import AttributionPolicy, Policy, QpPolicy, Run, load_run
from tcoc.reference import CodeLists, load_code_lists
from tcoc.store.layout import Store, open_store
from tcoc.store.schema import TABLES

from .places import Places, places_of

IDENTIFIERS = ("code", "string")
"""How identifiers are held: as whole numbers (tuned) or as strings (plain)."""

SHARED = ("bene_id", "npi", "ccn")
"""Identifiers that several tables have."""

CLAIMS = ("professional", "facility", "dme")


@dataclass
class Inputs:
    """One run: parameters, store, reference tables, and the tables computed so far."""

    run: Run
    store: Store
    identifiers: str = "code"
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        return self.run.policy

    @cached_property
    def attribution(self) -> AttributionPolicy:
        return AttributionPolicy.of(self.policy)

    @cached_property
    def qp(self) -> QpPolicy:
        return QpPolicy.of(self.policy)

    @cached_property
    def places(self) -> Places:
        return places_of(self.run)

    @cached_property
    def codes(self) -> CodeLists:
        names = self.attribution
        return load_code_lists(services=names.primary_care_codes, specialties=names.specialties)

    @property
    def hospitals(self) -> tuple[str, ...]:
        return self.places.hospitals

    @cached_property
    def labels(self) -> dict[str, pd.Index]:
        """All values of each shared identifier, ascending as strings compare; codes are places."""
        places = self.places
        hospitals = {*places.hospitals, *NO_HOSPITALS}
        known = {
            "bene_id": self._values("beneficiary", "bene_id"),
            "npi": self._values("professional", "npi") | {*places.aco_of},
            "ccn": self._values("facility", "ccn") | hospitals,
        }
        return {name: pd.Index(sorted(values), dtype="str") for name, values in known.items()}

    @property
    def coded(self) -> bool:
        """Whether shared identifiers are whole numbers."""
        return self.identifiers == "code"

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
        text = [c for c in columns if TABLES[name].schema[c] == "string"]
        tables = [
            pq.read_table(
                file,
                columns=list(columns),
                filters=where,
                read_dictionary=text if self.coded else None,
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
        if pa.types.is_string(values.type) and self.coded:
            values = values.dictionary_encode()
        if pa.types.is_dictionary(values.type):
            words, places = decoded(values)
            if name in SHARED:
                return self._codes(name, words)[places]
            return pd.Categorical.from_codes(places, pd.Index(words))
        return values.to_pandas()

    def _codes(self, name: str, words: pd.Series) -> np.ndarray:
        """Return the code of each word, and -1 in one more place, the last, for none."""
        codes = self.labels[name].get_indexer(pd.Index(words)).astype("int32")
        if (codes < 0).any():
            raise InputError(f"{name}: claims have one that the store's own tables do not")
        return np.append(codes, np.int32(-1))

    def identifier(self, name: str, values: pd.Series) -> pd.Series:
        """Bring a small table's identifiers to what the claims have; -1 where they have it not."""
        if not self.coded:
            return values.astype("str")
        places = self.labels[name].get_indexer(pd.Index(values)).astype("int32")
        return pd.Series(places, index=values.index)

    def one(self, name: str, value: str) -> Any:
        """Return one identifier as the claims have it."""
        return self.labels[name].get_loc(value) if self.coded else value

    def named(self, name: str, values: pd.Series) -> Any:
        """Return identifiers as strings again, as categories of them where they were codes."""
        if not self.coded:
            return values
        codes = values.fillna(-1).astype("int32")
        return pd.Categorical.from_codes(codes, self.labels[name])


STATE = "STATE"
NO_HOSPITALS = ("", STATE)
"""What stands in a ccn column for the whole practice and for the whole state."""


def decoded(values: pa.ChunkedArray) -> tuple[pd.Series, np.ndarray]:
    """Return the words of dictionary-encoded strings and each row's place in them, -1 for null."""
    unified = values.unify_dictionaries()
    if not unified.num_chunks:
        return pd.Series([], dtype="str"), np.array([], dtype="int32")
    codes = [pc.fill_null(chunk.indices, -1).to_numpy() for chunk in unified.chunks]
    return unified.chunk(0).dictionary.to_pandas(), np.concatenate(codes)


def open_inputs(run_file: Path, identifiers: str = "code") -> Inputs:
    """Open a run file for the comparison; raises InputError for a run or store not usable."""
    if identifiers not in IDENTIFIERS:
        raise InputError(f'identifiers: found "{identifiers}"{nearest(identifiers, IDENTIFIERS)}')
    run = load_run(run_file)
    return Inputs(run, open_store(run.store_path), identifiers)
