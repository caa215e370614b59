"""Whether the library's tables are those of the reference implementation, value by value."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.reference import KEYS, STEPS, UNTIMED, Inputs
from benchmarks.reference.compare import table_differences
from benchmarks.reference.measure import write

from tcoc.study import Study


def disagreements(study: Study, names: Iterable[str], identifiers: str = "code") -> list[str]:
    """Say where tables of a study differ; `names` in an order in which later ones use earlier."""
    inputs = Inputs(study.run, study.store, identifiers)
    found: list[str] = []
    with TemporaryDirectory(prefix="tcoc-reference-") as folder:
        for name in names:
            inputs.tables[name] = (STEPS | UNTIMED)[name](inputs)
            file = Path(folder) / f"{name}.parquet"
            write(inputs, inputs.tables[name], file)
            wrong = table_differences(study.path(name), file, KEYS[name])
            found.extend(f"{name}: {text}" for text in wrong)
    return found
