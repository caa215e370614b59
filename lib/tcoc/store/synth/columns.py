"""Arrow columns from numpy arrays without a Python object per row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tcoc.store.schema import TABLES
from tcoc.store.synth.draws import Flags, Floats, Integers

_TYPES = {
    "string": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "int32": pa.int32(),
    "decimal(12, 2)": pa.decimal128(12, 2),
}


def arrow_schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a store table."""
    return pa.schema(
        [
            pa.field(c.name, _TYPES[c.type], nullable=c.nullable or c.type == "boolean")
            for c in TABLES[table].columns
        ]
    )


def dollars(cents: Integers) -> pa.Array:
    """Return whole cents as decimal(12, 2), exactly."""
    pairs = np.empty((len(cents), 2), dtype=np.int64)
    pairs[:, 0] = cents
    pairs[:, 1] = np.where(cents < 0, -1, 0)
    return pa.Array.from_buffers(
        pa.decimal128(12, 2), len(cents), [None, pa.py_buffer(pairs.tobytes())]
    )


def dates(days: Integers) -> pa.Array:
    """Return days since 1970 as dates."""
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def flags(values: Flags) -> pa.Array:
    """Return flags."""
    return pa.array(values)


def choices(values: Sequence[str], index: Integers) -> pa.Array:
    """Return texts chosen from a list; an index of -1 is null.

    Only the texts in use enter the dictionary, each once: Parquet then holds it as it is. (With a
    text twice, Arrow 26 would leave bytes of old memory in the file.)
    """
    used = np.zeros(len(values) + 1, dtype=np.bool_)
    used[index] = True
    used[-1] = False
    place = np.where(used, np.cumsum(used) - 1, -1).astype(np.int32)[index]
    texts = [values[k] for k in np.flatnonzero(used).tolist()]
    if len(set(texts)) < len(texts):
        raise ValueError("a text stands twice in a list of choices")
    at = pa.array(place, mask=index < 0)
    return pa.DictionaryArray.from_arrays(at, pa.array(texts, pa.string()))


def numbers(prefix: str, values: Integers, width: int) -> pa.Array:
    """Return a prefix with numbers padded with zeros."""
    text = pc.cast(pa.array(values + 10**width), pa.string())
    return pc.binary_join_element_wise(prefix, pc.utf8_slice_codeunits(text, 1), "")


def bene_ids(values: Integers) -> pa.Array:
    """Return beneficiary identifiers; their order is the order of the numbers."""
    return numbers("S", values, 9)


def repeated_bene_ids(people: Integers) -> pa.Array:
    """Return identifiers of sorted person numbers, formatting each person once."""
    unique, index = np.unique(people, return_inverse=True)
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), bene_ids(unique))


def cents_of(amount: Floats) -> Integers:
    """Round dollars to whole cents."""
    return np.rint(amount * 100).astype(np.int64)
