"""The kept list is sound: every bug can be planted, changes a line, and names tests that exist."""

import ast
import json

import pytest
import yaml

from tests.mutants.run import REPORT, ROOT, Bug, bugs, judged, kept_report

BUGS = bugs()


def test_there_are_at_least_a_hundred_and_no_name_stands_twice() -> None:
    assert len(BUGS) >= 100
    assert len({bug.id for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_bug_can_be_planted(bug: Bug) -> None:
    text = (ROOT / bug.file).read_text(encoding="utf-8")
    planted = bug.planted(text)
    assert planted != text
    ast.parse(planted)  # a bug that is no Python is found by anybody
    for test in bug.tests:
        assert (ROOT / test.split()[0]).exists(), test


def test_every_bug_breaks_a_clause_that_stands_in_the_rules() -> None:
    rules = yaml.safe_load((ROOT / "params" / "rules.yml").read_text(encoding="utf-8"))
    assert {bug.rule for bug in BUGS} <= set(rules)


def test_the_kept_report_is_of_this_list_and_kills_nine_of_ten() -> None:
    report = json.loads(REPORT.read_text(encoding="utf-8"))
    alive = {name for name, _ in report["alive"]}
    assert {*report["killed_ids"], *alive, *report["untried"]} == {bug.id for bug in BUGS}
    tried = report["bugs"] - len(report["untried"])
    assert report["killed"] >= 0.9 * tried
    assert all(reason for _, reason in report["alive"])


@pytest.mark.parametrize(
    ("after", "test", "verdict"),
    [("two", "assert one() == 'one'", "killed"), ("one ", "assert one()", "alive"),
     ("two", "import no_such", "error")],
)  # fmt: skip
def test_only_a_test_that_fails_kills(tmp_path, after: str, test: str, verdict: str) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "one.py").write_text("def one():\n    return 'one'\n")
    head = "" if "import" in test else "from one import one\ndef test(): "
    (tmp_path / "test_one.py").write_text(f"{head}{test}\n")
    bug = Bug("x", "P1", "lib/one.py", "'one'", f"'{after}'", ("test_one.py",))
    assert judged(bug, tmp_path).startswith(verdict)
    assert "'one'" in (tmp_path / "lib" / "one.py").read_text()


def test_a_bug_that_was_not_tried_keeps_its_verdict(monkeypatch, tmp_path) -> None:
    kept = tmp_path / "mutants.json"
    kept.write_text(json.dumps({"killed_ids": ["a"], "alive": [["b", "why"]]}))
    monkeypatch.setattr("tests.mutants.run.REPORT", kept)
    three = [Bug(name, "P1", "", "", "", ()) for name in "abc"]
    report = kept_report(three, {"c": "killed"})
    assert report["killed_ids"] == ["a", "c"]
    assert report["alive"] == [["b", "why"]]
    assert kept_report([*three, Bug("d", "P1", "", "", "", ())], {})["untried"] == ["c", "d"]
