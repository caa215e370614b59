"""The pages made of parameter files: current, and true of the code that they name."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tools.parameter_pages import (
    evidence_page,
    keep_effects,
    load_rules,
    pages,
    parameters_of,
    read_effects,
)

from tcoc.deliverables import registry
from tcoc.params import load_policy
from tcoc.paths import project_root

ROOT = project_root()
RULE = re.compile(r"\b([IPATRQMSD]\d{1,2})\b")


@pytest.mark.parametrize("file", sorted(pages()), ids=lambda f: f.name)
def test_a_page_is_current(file: Path) -> None:
    made = "run `python tools/parameter_pages.py`"
    assert file.read_text(encoding="utf-8") == pages()[file], f"{file.name} is not current: {made}"


def test_each_rule_names_modules_that_are_there_and_that_cite_it() -> None:
    for key, rule in load_rules().items():
        texts = []
        for module in rule.modules:
            assert (ROOT / module).is_file(), f"{key}: {module} is not there"
            texts.append((ROOT / module).read_text(encoding="utf-8"))
        if key[0] in "PA":
            cited = {found for text in texts for found in _cited(text)}
            assert key in cited, f"{key}: none of its modules cites it"


def _cited(text: str) -> set[str]:
    """Rule ids in a text; "A2 to A9" cites all between."""
    found = set(RULE.findall(text))
    for first, last in re.findall(r"\b([A-Z]\d{1,2}) to ([A-Z]\d{1,2})\b", text):
        if first[0] == last[0]:
            found |= {f"{first[0]}{n}" for n in range(int(first[1:]), int(last[1:]) + 1)}
    return found


def test_each_rule_names_tables_of_a_run() -> None:
    known = registry.catalog()
    for key, rule in load_rules().items():
        for table in rule.tables:
            assert known.product(table), f"{key}: {table}"


def test_each_table_of_a_run_is_reached_by_a_rule() -> None:
    reached = {table for rule in load_rules().values() for table in rule.tables}
    tables = {p.name for d in registry.deliverables() for p in d.tables if not p.internal}
    assert tables <= reached


def test_each_rule_that_a_value_cites_is_one() -> None:
    rules = load_rules()
    for name, entry in load_policy().entries.items():
        for key in RULE.findall(entry.rule):
            assert key in rules, f"{name} cites {key}"


def test_the_rules_of_population_and_attribution_have_their_parameters() -> None:
    policy = load_policy()
    assert "attribution.snf_visits" in parameters_of(policy, "A2")
    assert "attribution.own_services" in parameters_of(policy, "A7")
    for key in ("P1", "P2", "P3", "P4", "A0", "A2", "A3", "A5", "A6", "A7", "A8", "A9", "A10"):
        assert parameters_of(policy, key), key


def test_effects_are_of_values_that_are_there() -> None:
    names = load_policy().entries
    for name, dollars in read_effects().items():
        assert name in names or name.startswith("completion of "), name
        assert dollars >= 0


def test_effects_are_taken_over_from_a_measurement_and_rank_the_ledger(tmp_path: Path) -> None:
    table = tmp_path / "sensitivity.parquet"
    rows = [
        {"assumption": "attribution.hospital_use", "alternative": "visits",
         "dollars_moved": 1_234_567.0, "people_moved": 123.0},
        {"assumption": "attribution.window", "alternative": "same year",
         "dollars_moved": 9_876_543.0, "people_moved": 456.0},
        {"assumption": "attribution.window", "alternative": "calendar years 2",
         "dollars_moved": 10.0, "people_moved": 0.0},
        {"assumption": "attribution.home_zip", "alternative": "first month",
         "dollars_moved": float("nan"), "people_moved": float("nan")},
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), table)
    keep_effects(table, tmp_path / "effects.csv")
    effects = read_effects(tmp_path / "effects.csv")
    assert effects == {"attribution.window": 9_877_000, "attribution.hospital_use": 1_235_000}
    page = evidence_page(load_policy(), effects)
    first = page.index("| `attribution.window` |")
    assert first < page.index("| `attribution.hospital_use` |")
    assert "$9,877,000" in page
    assert "- `attribution.aco_lists` (A3): Ten ACO names are sourced" in page
