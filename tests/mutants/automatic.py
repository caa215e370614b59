"""Judge the mutants that `draw.py` drew: `python -m tests.mutants.automatic DRAWN [--under PART]`.

Each is planted in a copy of the project and the tests of its module's own folder are run, as for
the bugs that were planted by hand. The report is kept: by module how many were killed, and every
survivor with its line and the reason, which is written into the report by hand and stays there.
A verdict stands while the module's text is the same; what has one is not judged again.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.run import ROOT, Bug, judge_all

REPORT = ROOT / "benchmarks" / "results" / "mutation.json"

TESTS: Mapping[str, Sequence[str]] = {
    "rules/attribution": ["tests/rules/attribution"],
    "rules/completion": ["tests/rules/spending"],
    "rules/groups": ["tests/rules/test_groups.py"],
    "rules/inference": ["tests/rules/inference", "tests/rules/risk"],
    "rules/intake": ["tests/rules/intake", "tests/deliverables/data_intake/test_report.py"],
    "rules/mpa": ["tests/rules/mpa"],
    "rules/population": ["tests/rules/population"],
    "rules/progression": ["tests/rules/progression"],
    "rules/qp": ["tests/rules/qp"],
    "rules/risk": ["tests/rules/risk"],
    "rules/spending": ["tests/rules/spending"],
    "disclosure": ["tests/disclosure", "tests/run/test_gate.py", "tests/run/test_release.py"],
    "run/sensitivity": ["tests/deliverables/mpa_options/test_sensitivity_run.py"],
    "run/sheets": ["tests/run/test_sheets.py", "tests/run/test_sheets_exact.py"],
    "run/new_year": ["tests/run/test_new_year.py"],
    "run/identifiers": ["tests/run/test_identifiers.py"],
    "run/gate": ["tests/run/test_gate.py"],
    "run/release": ["tests/run/test_release.py"],
    "run/judge": ["tests/run/test_bad_inputs.py", "tests/run/test_run.py"],
    "run/inputs": ["tests/run/test_run.py", "tests/run/test_bad_inputs.py"],
    "run/isolate": ["tests/run/test_isolation.py"],
    "run/worker": ["tests/run/test_isolation.py", "tests/run/test_run.py"],
    "run/render": ["tests/run/test_isolation.py", "tests/run/test_run.py"],
    "run": ["tests/run/test_run.py", "tests/run/test_key.py"],
}
"""By the longest beginning of a module's path below lib/tcoc, the quickest first."""


@dataclass(frozen=True)
class Mutant(Bug):
    """A mutant that stands on a line of its own: the same text may stand elsewhere too."""

    line: int = 0
    operator: str = ""
    nth: int = 0

    @property
    def key(self) -> str:
        """What the mutant is called in the report, wherever its line has moved."""
        said = json.dumps([self.file, self.before, self.after, self.nth])
        return hashlib.sha256(said.encode()).hexdigest()[:10]

    def planted(self, text: str) -> str:
        """Return the file's text with the mutant in it."""
        lines = text.splitlines(keepends=True)
        last = self.line - 1 + len(self.before.splitlines())
        if "".join(lines[self.line - 1 : last]) != self.before:
            raise ValueError(f"{self.id}: the line is another by now; draw again")
        return "".join([*lines[: self.line - 1], self.after, *lines[last:]])


def own_tests(file: str) -> Sequence[str]:
    """Return the tests of a module: the file of its own name first, where there is one."""
    name = file.removeprefix("lib/tcoc/")
    folder = TESTS[max((key for key in TESTS if name.startswith(key)), key=len)]
    own = f"tests/{Path(name).parent}/test_{Path(name).stem}.py"
    return [own, *folder] if (ROOT / own).is_file() and own not in folder else folder


def read_drawn(file: Path) -> tuple[dict[str, Any], list[Mutant]]:
    """Return what is said of a draw, and its mutants."""
    found = json.loads(file.read_text(encoding="utf-8"))
    drawn = found.pop("mutants")
    return found, [
        Mutant(
            id=f"{number} {m['file']}:{m['line']} {m['operator']}",
            rule="",
            tests=tuple(own_tests(m["file"])),
            **m,
        )
        for number, m in enumerate(drawn)
    ]


def digest(file: str) -> str:
    """Return what says that a module's text is still the same."""
    return hashlib.sha256((ROOT / file).read_bytes()).hexdigest()[:16]


def kept() -> dict[str, Any]:
    """Return the report that is kept."""
    return json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.is_file() else {}


def kept_verdicts(report: Mapping[str, Any], mutants: Sequence[Mutant]) -> dict[str, str]:
    """Return the report's verdicts on mutants of modules that have not changed since."""
    found: dict[str, str] = {}
    for file, module in report.get("modules", {}).items():
        if (ROOT / file).is_file() and module.get("text") == digest(file):
            found |= dict.fromkeys(module["killed_ids"], "killed")
            found |= {s["id"]: s["verdict"] for s in module["survivors"]}
    return {m.id: found[m.key] for m in mutants if m.key in found}


def report_of(
    about: Mapping[str, Any], mutants: Sequence[Mutant], verdicts: Mapping[str, str]
) -> dict[str, Any]:
    """Return the report; the reasons of survivors are those of the report before."""
    reasons = {(s["file"], s["before"], s["after"]): s["reason"] for s in survivors_of(kept())}
    modules: dict[str, dict[str, Any]] = {}
    for mutant in mutants:
        if (verdict := verdicts.get(mutant.id)) is None:
            continue
        module = modules.setdefault(
            mutant.file,
            {"text": digest(mutant.file), "mutants": 0, "killed": 0, "killed_ids": [],
             "survivors": []},
        )  # fmt: skip
        module["mutants"] += 1
        if verdict == "killed":
            module["killed"] += 1
            module["killed_ids"] = sorted([*module["killed_ids"], mutant.key])
            continue
        key = (mutant.before.strip(), mutant.after.strip())
        reason = reasons.get((mutant.file, *key), "")
        module["survivors"].append(
            {"id": mutant.key, "line": mutant.line, "operator": mutant.operator, "before": key[0],
             "after": key[1], "verdict": verdict, "reason": reason}
        )  # fmt: skip
    tried = sum(m["mutants"] for m in modules.values())
    killed = sum(m["killed"] for m in modules.values())
    return {**about, "mutants": tried, "killed": killed, "modules": dict(sorted(modules.items()))}


def survivors_of(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a report's survivors, each with its file."""
    modules = report.get("modules", {})
    return [{"file": name, **s} for name, m in modules.items() for s in m["survivors"]]


def main() -> int:
    """Judge what was drawn; status 1 where a survivor has no reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("drawn", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--under", default="", help="modules whose path has this part alone")
    parser.add_argument("--again", action="store_true", help="survivors are judged anew")
    asked = parser.parse_args()
    about, mutants = read_drawn(asked.drawn)
    verdicts = kept_verdicts(kept(), mutants)
    done = {name for name, found in verdicts.items() if found == "killed" or not asked.again}

    def keep(found: dict[str, str]) -> None:
        verdicts.update(found)
        text = json.dumps(report_of(about, mutants, verdicts), indent=1)
        REPORT.write_text(text + "\n", encoding="utf-8")

    waiting = [m for m in mutants if m.id not in done and asked.under in m.file]
    judge_all(waiting, asked.jobs, keep)
    report = report_of(about, mutants, verdicts)
    print(f"{report['killed']} of {report['mutants']} killed")
    return 1 if any(not s["reason"] for s in survivors_of(report)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
