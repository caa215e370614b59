"""The heavy tables of a run once more, in tuned pandas: a yardstick for speed, never for results.

Everywhere else in this repository claims stay in the engine. Here, and only here, they are read
into pandas, so that "how much faster than pandas?" has an answer that anybody can measure again.
The code is what a good pandas programmer would write: one year at a time, only the columns of the
step, filters pushed into the reading, identifiers as whole numbers that stand for them in all
tables (or as the strings that they are, `--identifiers string`), several keys packed into one
before grouping, each calendar year of claims read once for all windows that touch it, whole cents,
no row loops. It has the meaning of rules P1-P4, T1, A0-A9, R1 and Q1-Q3 and must give equal
tables; `differences` says where it does not, so it is a second opinion as well.

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
