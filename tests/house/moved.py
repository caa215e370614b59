"""Move a run's numbers by 30 per cent and see which checks of the notebooks notice.

    python -m tests.house.moved [--benes N]

A notebook asserts, under what it shows, a check of the run. For each of them the tables that it
reads are moved: every number by 30 per cent, then a column at a time; where that keeps an order or
a sum, a column's sign, its thousandfold, flags turned, texts and years of the row before, and rows
left out or twice. A check that holds whatever is done could not fail. What each noticed, or the
reason why not, which is written there by hand, is kept in benchmarks/results/checks.json.
"""

import argparse
import ast
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tcoc.deliverables import registry
from tcoc.params import load_run
from tcoc.store.synth import write_synthetic_store
from tcoc.study import Study

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "benchmarks" / "results" / "checks.json"
EVERY = "every number by 30 %"
BY = {"by 30 %": 1.3, "with the other sign": -1.0, "a thousandfold": 1000.0}
FLAGS, SHIFTED = "turned", "of the row before"
LESS, MORE = "without its first row", "with its first row twice"


def asserted(name: str) -> list[str]:
    """Return the checks that a deliverable's notebook asserts, in order."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    calls = [n for source in cells for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call)]
    names = [
        ast.literal_eval(call.args[0])
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "holds"
    ]
    return list(dict.fromkeys(names))


def movable(file: Path, key: Sequence[str], *kinds: Callable[[pa.DataType], bool]) -> list[str]:
    """Return the columns of a table that are of some kinds and no key."""
    fields = [f for f in pq.read_schema(file) if any(kind(f.type) for kind in kinds)]
    return [field.name for field in fields if field.name not in key]


TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_int32)
NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)


def moved(table: pa.Table, how: str, columns: Sequence[str]) -> pa.Table:
    """Return a table with some columns moved; whole numbers are moved up to the next."""
    if how in (LESS, MORE):
        return table.slice(1) if how == LESS else pa.concat_tables([table.slice(0, 1), table])
    for name in columns:
        field = table.schema.field(name)
        if how == FLAGS:
            array = pc.invert(table[name])
        elif how == SHIFTED:
            array = pa.chunked_array(
                [*table[name].slice(1).chunks, *table[name].slice(0, 1).chunks]
            )
        else:
            values = pd.to_numeric(table[name].to_pandas(), errors="coerce").astype(float) * BY[how]
            if not pa.types.is_floating(field.type):
                values = np.ceil(values) if pa.types.is_integer(field.type) else values.round(2)
            array = pa.array(values, pa.float64(), from_pandas=True).cast(field.type, safe=False)
        table = table.set_column(table.schema.get_field_index(name), field, array)
    return table


def ways(study: Study, read: Sequence[str]) -> Iterator[tuple[str, str, dict[str, list[str]]]]:
    """Yield what to do to the tables that a check reads: what it is called, how, the columns."""
    files = {name: (study.path(name), study.catalog.product(name).key) for name in read}
    numbers = {name: movable(file, key, *NUMBERS) for name, (file, key) in files.items()}
    yield EVERY, "by 30 %", numbers
    for how in BY:
        for name, columns in numbers.items():
            for column in columns:
                yield f"{name}.{column} {how}", how, {name: [column]}
    for name, (file, key) in files.items():
        for column in movable(file, key, pa.types.is_boolean):
            yield f"{name}.{column} {FLAGS}", FLAGS, {name: [column]}
        for column in movable(file, (), *TEXTS):
            yield f"{name}.{column} {SHIFTED}", SHIFTED, {name: [column]}
        for how in (LESS, MORE):
            yield f"{name} {how}", how, {name: []}


def noticed(study: Study, check: registry.Check, folder: Path) -> str:
    """Return the first move with which a check fails, or nothing."""
    with study.reading(None) as reads:
        assert check.measure(study).holds, check.name
    original = study.path
    for called, how, tables in ways(study, [name for kind, name in reads if kind == "table"]):
        files = {}
        for name, columns in tables.items():
            files[name] = folder / f"{name}.parquet"
            pq.write_table(moved(pq.read_table(original(name)), how, columns), files[name])
        study.path = lambda name, files=files: files.get(name) or original(name)  # type: ignore[method-assign]
        try:
            if not check.measure(study).holds:
                return called
        except Exception as error:  # a table that no longer fits together is noticed too
            return f"{called} ({type(error).__name__})"
        finally:
            study.path = original  # type: ignore[method-assign]
    return ""


def look(benes: int) -> dict[str, dict[str, str]]:
    """Return by deliverable and asserted check what it noticed."""
    report: dict[str, dict[str, str]] = {}
    with TemporaryDirectory(prefix="tcoc-moved-") as name:
        home = Path(name)
        write_synthetic_store(home / "store", benes, 2018, (2012, 2018))
        run = load_run(ROOT / "params" / "runs" / "sample.yml", {"store": str(home / "store")})
        (home / "moved").mkdir()
        with registry.study(run, home / "work") as study:
            for deliverable in registry.deliverables():
                checks = {check.name: check for check in deliverable.checks}
                report[deliverable.name] = {}
                for wanted in asserted(deliverable.name):
                    found = noticed(study, checks[wanted], home / "moved")
                    report[deliverable.name][wanted] = found
                    print(f"{deliverable.name}: {wanted}: {found or 'nothing'}", flush=True)
    return report


def main() -> int:
    """Look at every check; status 1 where one notices nothing and has no reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benes", type=int, default=4_000)
    found = look(parser.parse_args().benes)
    before: dict[str, Any] = json.loads(REPORT.read_text("utf-8")) if REPORT.is_file() else {}
    for name, checks in found.items():
        for check, move in checks.items():
            checks[check] = move or before.get(name, {}).get(check, "")
    REPORT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if any(not move for checks in found.values() for move in checks.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
