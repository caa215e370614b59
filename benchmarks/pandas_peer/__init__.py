"""The heavy tables of a run once more, in tuned pandas: a yardstick for speed, never for results.

Everywhere else in this repository claims stay in the engine. Here, and only here, they are read
into pandas, so that "how much faster than pandas?" has an answer that anybody can measure again.
The code is what a good pandas programmer would write: one year at a time, only the columns of the
step, filters pushed into the reading, identifiers as categories with one shared dtype (or as plain
strings, `--identifiers string`), whole cents, groupby with sort=False and observed=True, no row
loops. It has the project's meaning (`docs`, rules P, A, T, R1, Q1-Q3) and must give equal tables;
`differences` says where it does not, so it is a second opinion as well.

    python -m benchmarks.pandas_peer params/runs/sample.yml --out DIR

writes DIR/NAME.parquet for each step and DIR/measured.json.
"""

from .compare import differences
from .inputs import IDENTIFIERS, Inputs, open_inputs
from .measure import compute, measure
from .steps import KEYS, STEPS

__all__ = [
    "IDENTIFIERS",
    "KEYS",
    "STEPS",
    "Inputs",
    "compute",
    "differences",
    "measure",
    "open_inputs",
]
