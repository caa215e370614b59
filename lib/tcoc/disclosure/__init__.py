"""The disclosure gate: the only way from an exact number to a public one (rules D1-D5).

gated = gate({"y1_attribution": [Draft(...), ...]}, policy)
gated.tables["attribution_waterfall"]   # PublicTable: rounded, hidden cells NA, with dictionary
gated.log                               # every hidden cell with its reason: restricted
write_public(gated.tables, folder)      # for the process that renders: it reads nothing else
"""

from tcoc.disclosure.attacker import Difference
from tcoc.disclosure.files import (
    MARK,
    as_csv,
    cell_texts,
    escaped,
    read_csvs,
    read_public,
    write_csvs,
    write_public,
)
from tcoc.disclosure.gate import gate
from tcoc.disclosure.rounding import Rule
from tcoc.disclosure.table import Column, Draft, Kind, PublicTable

__all__ = [
    "MARK",
    "Column",
    "Difference",
    "Draft",
    "Kind",
    "PublicTable",
    "Rule",
    "as_csv",
    "cell_texts",
    "escaped",
    "gate",
    "read_csvs",
    "read_public",
    "write_csvs",
    "write_public",
]
