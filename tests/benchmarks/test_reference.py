"""The reference implementation gives the run's own tables, and the comparison can fail."""

import ast
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from shutil import copytree
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from benchmarks import reference
from benchmarks.reference import STEPS, compute, differences, measure

from tcoc.deliverables.registry import study
from tcoc.params import load_run
from tcoc.store.synth import write_synthetic_store
from tests.support.agree import disagreements
from tests.support.tiny import tiny_study

RUN = """
name: tiny
store: store
years: [2015, 2016]
base_year: 2015
performance_year: 2016
qp_years: [2016]
deliverables: [y1_attribution, risk_adjustment, qp_preliminary]
"""


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("peer")
    write_synthetic_store(folder / "store", 700, 11, (2015, 2016))
    file = folder / "run.yml"
    file.write_text(RUN)
    return file


@pytest.fixture(scope="module")
def ours(run_file: Path) -> Path:
    work = run_file.parent / "ours"
    with study(load_run(run_file), work, memory_limit="1GB", threads=1) as opened:
        for name in STEPS:
            opened.path(name)
    return work


@pytest.fixture(scope="module")
def theirs(run_file: Path) -> Path:
    out = run_file.parent / "theirs"
    measured = measure(run_file, out)
    assert list(measured) == list(STEPS)
    for row in measured.values():
        assert set(row) == {"seconds", "cpu_seconds", "peak_mb"}
        assert row["peak_mb"] > 0
    return out


def test_a_process_of_its_own_gives_the_tables_of_the_run(ours: Path, theirs: Path) -> None:
    assert differences(ours, theirs) == []
    for name in STEPS:
        assert pq.read_metadata(theirs / f"{name}.parquet").num_rows > 0, name


def test_all_stages_and_rules_are_in_what_is_compared(theirs: Path) -> None:
    table = pd.read_parquet(theirs / "attribution.parquet")
    assert set(table["rule"]) == {"A5", "A8", "A9"}
    assert table["share"].between(0.001, 0.999).any()


def test_strings_in_place_of_codes_change_nothing(run_file: Path, ours: Path) -> None:
    out = run_file.parent / "strings"
    compute(run_file, out, "string")
    assert differences(ours, out) == []


CASES = [
    "attribution/cases/a3_collection_order.yml",
    "attribution/cases/a4_clinician_order.yml",
    "attribution/cases/a7_clinician_order.yml",
    "attribution/cases/a8_payments.yml",
    "population/cases/p1_eligible_month.yml",
    "population/cases/p4_characteristics.yml",
]
"""Ties and edges that a synthetic store does not have."""


@pytest.mark.parametrize("case", CASES)
def test_ties_and_edges_are_decided_alike(case: str) -> None:
    given = yaml.safe_load((Path(__file__).parents[1] / "rules" / case).read_text())["given"]
    with tiny_study(given) as opened:
        assert disagreements(opened, ["beneficiary_year", "attribution"]) == []


Change = Callable[[pa.Table], pa.Table]


def changed(column: str, change: Callable[[Any], Any], row: int = 0) -> Change:
    def of(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        known = [i for i, value in enumerate(values) if value is not None]
        values[known[row]] = change(values[known[row]])
        place = table.schema.get_field_index(column)
        return table.set_column(place, column, pa.array(values, table.schema.field(column).type))

    return of


CHANGES = [
    ("beneficiary_year", changed("snf", lambda v: v + Decimal("0.01")), "column snf differs in 1 "),
    ("beneficiary_year", changed("zip", lambda v: "00000", 7), "column zip differs in 1 "),
    ("beneficiary_year", changed("esrd", lambda v: not v), "column esrd differs in 1 "),
    ("beneficiary_year", lambda t: t.slice(1), "rows against"),
    ("attribution", changed("share", lambda v: v - 3e-9), "column share differs in 1 "),
    ("attribution", changed("npi", lambda v: None), "column npi differs in 1 "),
    ("attribution", changed("ccn", lambda v: "000000"), "key column ccn differs in 1 "),
    ("risk_cells", changed("months", lambda v: v + 1), "column months differs in 1 "),
    ("qp_clinicians", changed("in_model", lambda v: None), "column in_model differs in 1 "),
    ("qp_scores", lambda t: t.append_column("new", t["npi"]), "column new is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "said"), CHANGES)
def test_one_other_value_is_a_difference(
    name: str, change: Change, said: str, ours: Path, theirs: Path, tmp_path: Path
) -> None:
    copy = copytree(ours / "restricted", tmp_path / "restricted").parent
    copytree(ours / ".internal", copy / ".internal")
    file = next(copy.rglob(f"{name}.parquet"))
    pq.write_table(change(pq.read_table(file)), file)
    (found,) = differences(copy, theirs)
    assert found.startswith(f"{name}: ")
    assert said in found


def test_a_table_that_is_not_there_is_a_difference(ours: Path, tmp_path: Path) -> None:
    found = differences(ours, tmp_path)
    assert len(found) == len(STEPS)
    assert all("does not have the table" in text for text in found)


FORBIDDEN = ("tcoc.rules", "tcoc.deliverables", "tcoc.study")


def test_the_reference_takes_no_rule_from_the_library() -> None:
    """A rule that both took from one place would be wrong in both; the keys alone are shared."""
    folder = Path(reference.__file__).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                only_keys = (file.name, name) == ("steps.py", "tcoc.deliverables.registry")
                assert only_keys or not name.startswith(FORBIDDEN), f"{file.name}: {name}"
