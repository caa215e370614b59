"""The register of rules and cases: each clause has a case or says where it is tested; no case is
about a clause that there is not.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES: dict[str, Any] = yaml.safe_load((ROOT / "params" / "rules.yml").read_text(encoding="utf-8"))
FILES = sorted(
    file
    for folder in ("cases", "arithmetic")
    for file in (ROOT / "tests").glob(f"**/{folder}/*.yml")
)
BESIDE = yaml.safe_load((ROOT / "tests" / "house" / "register.yml").read_text(encoding="utf-8"))
"""Clauses whose cases are tests in Python, and the tests."""

CLAUSE = re.compile(r"\b([IPATRQMSD]\d{1,2})\b")


@cache
def clauses(file: Path) -> set[str]:
    """Return the clauses that the cases of a file name."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    cases = content if isinstance(content, list) else [content]
    return {key for case in cases for key in CLAUSE.findall(str(case.get("rule", "")))}


def register() -> dict[str, list[str]]:
    """Return the files of cases by clause."""
    found: dict[str, list[str]] = {key: [] for key in RULES}
    for file in FILES:
        for key in clauses(file):
            found.setdefault(key, []).append(file.relative_to(ROOT).as_posix())
    return found


@pytest.mark.parametrize("rule", RULES)
def test_a_clause_has_a_case(rule: str) -> None:
    files = register()[rule]
    beside = BESIDE.get(rule, [])
    assert files or beside, f"{rule}: no case names it (tests/**/cases/*.yml, register.yml)"
    assert not (files and beside), f"{rule}: has cases of its own; take it out of register.yml"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT / "tests").as_posix())
def test_a_case_is_about_a_clause(file: Path) -> None:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    cases = content if isinstance(content, list) else [content]
    for case in cases:
        named = set(CLAUSE.findall(str(case.get("rule", ""))))
        assert named or "rule" in case or "check" in case, case
        assert named <= set(RULES), named - set(RULES)
        if not named:  # a plan's principle, or a check of the intake: words say which
            assert case.get("words"), case


@pytest.mark.parametrize("rule", BESIDE)
def test_a_test_beside_is_there_and_cites_the_clause(rule: str) -> None:
    assert rule in RULES
    for name in BESIDE[rule]:
        file, _, test = name.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {test}(" in text, name


def test_a_clause_without_a_case_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "Z9", {"title": "nothing"})
    with pytest.raises(AssertionError, match="Z9: no case"):
        test_a_clause_has_a_case("Z9")
