"""Mutants are planted on their own line; the kept report kills nine of ten and says why not ten."""

import json

import pytest

from tests.mutants.automatic import (
    REPORT,
    TESTS,
    Mutant,
    kept_verdicts,
    own_tests,
    read_drawn,
    report_of,
    survivors_of,
)
from tests.mutants.run import ROOT

KEPT = json.loads(REPORT.read_text(encoding="utf-8"))
ONE = {"file": "lib/tcoc/rules/population.py", "line": 2, "operator": "NumberReplacer",
       "before": "a = 1\n", "after": "a = 2\n"}  # fmt: skip


def test_a_mutant_changes_its_line_alone(tmp_path) -> None:
    drawn = tmp_path / "drawn.json"
    drawn.write_text(json.dumps({"seed": 3, "mutants": [ONE]}))
    about, (mutant,) = read_drawn(drawn)
    assert about == {"seed": 3}
    assert mutant.planted("a = 1\na = 1\na = 1\n") == "a = 1\na = 2\na = 1\n"
    with pytest.raises(ValueError, match="draw again"):
        mutant.planted("a = 1\nb = 1\n")


def test_the_tests_of_a_module_are_those_of_its_folder_and_are_there() -> None:
    assert own_tests("lib/tcoc/rules/qp/counts.py") == ["tests/rules/qp"]
    assert own_tests("lib/tcoc/rules/qp/money.py") == [
        "tests/rules/qp/test_money.py",
        "tests/rules/qp",
    ]
    assert own_tests("lib/tcoc/run/release.py") == ["tests/run/test_release.py"]
    assert all((ROOT / test).exists() for tests in TESTS.values() for test in tests)


def test_a_reason_stays_with_its_survivor(monkeypatch, tmp_path) -> None:
    kept = tmp_path / "mutation.json"
    monkeypatch.setattr("tests.mutants.automatic.REPORT", kept)
    mutant = Mutant("0", "", ONE["file"], ONE["before"], ONE["after"], (), 2, ONE["operator"])
    report = report_of({"seed": 3}, [mutant], {"0": "alive"})
    (survivor,) = survivors_of(report)
    assert (report["mutants"], report["killed"], survivor["reason"]) == (1, 0, "")
    report["modules"][ONE["file"]]["survivors"][0]["reason"] = "equivalent"
    kept.write_text(json.dumps(report))
    again = report_of({"seed": 4}, [mutant], {"0": "alive"})
    assert survivors_of(again)[0]["reason"] == "equivalent"
    assert kept_verdicts(report, [mutant]) == {"0": "alive"}
    report["modules"][ONE["file"]]["text"] = "another"
    assert kept_verdicts(report, [mutant]) == {}
    killed = report_of({}, [mutant], {"0": "killed"})
    assert (killed["killed"], kept_verdicts(killed, [mutant])) == (1, {"0": "killed"})
    assert report_of({}, [mutant], {})["mutants"] == 0


def test_the_kept_report_kills_nine_of_ten_of_the_rules_and_gives_reasons() -> None:
    rules = [m for name, m in KEPT["modules"].items() if "/rules/" in name]
    tried, killed = (sum(m[key] for m in rules) for key in ("mutants", "killed"))
    equivalent = sum("equivalent" in s["reason"] for m in rules for s in m["survivors"])
    assert killed >= 0.9 * (tried - equivalent)
    assert all(survivor["reason"] for survivor in survivors_of(KEPT))
