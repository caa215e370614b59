"""The rules once more, written from their words alone: the second opinion, and the yardstick.

This is the project's one reference implementation. The tests hold the library's tables against it
on hundreds of small random states; the benchmarks hold them against it on a whole state and time
it, so that "how much faster than pandas?" has an answer that anybody can measure again. It takes no
rule from the library (`tcoc.rules` and the deliverables are not imported, by test), only readers of
parameters, code lists and Parquet files.

What is claims-size (people, use, choices, counts) is tuned pandas: here, and only here, claims are
read into pandas. What is small (rosters, splits of ZIP codes, risk methods, partners, the MPA) is
plain Python with exact fractions. The pandas is what a good pandas programmer would write: one year
at a time, only the columns of the step, filters pushed into the reading, identifiers as whole
numbers that stand for them in all tables (or as the strings that they are, `--identifiers string`),
several keys packed into one before grouping, each calendar year of claims read once for all windows
that touch it, whole cents, no row loops. `differences` says where tables are not equal.

    python -m benchmarks.reference params/runs/sample.yml --out DIR

writes DIR/NAME.parquet for each step and DIR/measured.json.
"""

from .compare import differences
from .inputs import IDENTIFIERS, Inputs, open_inputs
from .measure import compute, measure
from .steps import KEYS, STEPS, UNTIMED

__all__ = [
    "IDENTIFIERS",
    "KEYS",
    "STEPS",
    "UNTIMED",
    "Inputs",
    "compute",
    "differences",
    "measure",
    "open_inputs",
]
