"""Plant each bug of bugs.yml in a copy of the project, one at a time, and run the tests it names.

A bug is killed when a test fails; tests that cannot start, or that are not there, prove nothing
and count as an error. `python -m tests.mutants.run [--only ID ...] [--jobs N] [--untried]`.
"""

import argparse
import json
import multiprocessing
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUGS = Path(__file__).with_name("bugs.yml")
REPORT = ROOT / "benchmarks" / "results" / "mutants.json"
COPIED = ("lib", "params", "tests", "docs", "notebooks", "benchmarks", "tools")
FILES = ("pyproject.toml", "README.md", "Makefile", "CHANGELOG.md", "LICENSE")

WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(
    ["duckdb", "hypothesis", "ibis", "matplotlib.pyplot", "pandas", "pyarrow.parquet", "pydantic",
     "pytest", "scipy.stats", "statsmodels.api", "yaml"]
)  # fmt: skip

SECONDS = 300
"""A bug that makes the tests hang is noticed too."""


@dataclass(frozen=True)
class Bug:
    """A one-line bug: where, the text before and after, the clause it breaks, who must notice."""

    id: str
    rule: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """Return the file's text with the bug in it; the text before must stand there once."""
        found = text.count(self.before)
        if found != 1:
            raise ValueError(f"{self.id}: the text before stands {found} times in {self.file}")
        return text.replace(self.before, self.after)

    @property
    def arguments(self) -> list[str]:
        """The tests as arguments of pytest."""
        return [word for test in self.tests for word in shlex.split(test)]


def bugs() -> list[Bug]:
    """Return the kept list."""
    entries = yaml.safe_load(BUGS.read_text(encoding="utf-8"))
    return [Bug(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def copy_project(target: Path) -> Path:
    """Copy what tests need of the project; stores are linked, and nothing writes to them."""
    left_out = shutil.ignore_patterns(".ipynb_checkpoints", ".mypy_cache", "outputs")
    for name in COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=left_out)
    for name in FILES:
        shutil.copy2(ROOT / name, target / name)
    if (ROOT / "stores").is_dir():
        (target / "stores").symlink_to(ROOT / "stores")
    return target


def run_tests(project: Path, arguments: Sequence[str]) -> int:
    """Run tests in a copy and return pytest's status; -1 where they hang.

    The process is forked off one that has imported the libraries and nothing of the project.
    """
    process = WARM.Process(target=_pytest, args=(str(project), list(arguments)))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        return -1
    return process.exitcode


def _pytest(project: str, arguments: list[str]) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] in ("tests", "tcoc")]:
        del sys.modules[name]
    own = {str(ROOT), str(ROOT / "lib"), ""}
    sys.path = [f"{project}/lib", project, *(p for p in sys.path if p not in own)]
    os.chdir(project)
    os.environ |= {"PYTHONPATH": f"{project}/lib", "PYTHONDONTWRITEBYTECODE": "1", "CI": "",
                   "HYPOTHESIS_STORAGE_DIRECTORY": f"{project}/.hypothesis"}  # fmt: skip
    sys.dont_write_bytecode = True
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    import pytest

    line = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
    os._exit(int(pytest.main(line)))


def judged(bug: Bug, project: Path) -> str:
    """Plant a bug, run its tests, take it out again; killed, alive, or an error with its status."""
    file = project / bug.file
    text, times = file.read_text(encoding="utf-8"), file.stat()
    file.write_text(bug.planted(text), encoding="utf-8")
    try:
        status = run_tests(project, bug.arguments)
    finally:
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    return {1: "killed", -1: "killed", 0: "alive"}.get(status, f"error: pytest ended with {status}")


def judge_all(
    chosen: Sequence[Bug], jobs: int, keep: Callable[[dict[str, str]], None]
) -> dict[str, str]:
    """Judge bugs in as many copies as jobs, keep each verdict, and return all by id."""
    with TemporaryDirectory(prefix="tcoc-mutants-") as folder:
        free: SimpleQueue[Path] = SimpleQueue()
        kept = Lock()
        for number in range(jobs):
            free.put(copy_project(Path(folder) / str(number)))

        def one(bug: Bug) -> tuple[str, str]:
            project = free.get()
            try:
                verdict = judged(bug, project)
            finally:
                free.put(project)
            print(f"{verdict:7} {bug.rule:4} {bug.id}", flush=True)
            with kept:
                keep({bug.id: verdict})
            return bug.id, verdict

        with ThreadPoolExecutor(jobs) as pool:
            return dict(pool.map(one, chosen))


def kept_report(known: Iterable[Bug], verdicts: dict[str, str]) -> dict[str, Any]:
    """Return the report: verdicts of before stand for bugs that were not tried now."""
    before = json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.is_file() else {}
    reasons = dict(before.get("alive", []))
    found = {**dict.fromkeys(before.get("killed_ids", []), "killed"),
             **dict.fromkeys(reasons, "alive"), **verdicts}  # fmt: skip
    names = sorted(bug.id for bug in known)
    killed = [name for name in names if found.get(name) == "killed"]
    alive = [[name, reasons.get(name, "no test notices it")] for name in names
             if found.get(name, "killed") != "killed"]  # fmt: skip
    untried = [name for name in names if name not in found]
    return {"bugs": len(names), "killed": len(killed), "alive": alive, "untried": untried,
            "killed_ids": killed}  # fmt: skip


def keep(verdicts: dict[str, str]) -> None:
    """Write verdicts to the kept report, so that a run that is cut short loses none."""
    report = kept_report(bugs(), verdicts)
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Judge the bugs; status 1 where one lives for which the report gives no reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="ID")
    parser.add_argument("--rule", nargs="*", default=[], metavar="RULE")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--untried", action="store_true", help="those without a verdict alone")
    asked = parser.parse_args()
    known = bugs()
    if wrong := sorted(set(asked.only) - {bug.id for bug in known}):
        parser.error(f"no bug is called {', '.join(wrong)}")
    chosen = [
        bug for bug in known
        if (not asked.only or bug.id in asked.only) and (not asked.rule or bug.rule in asked.rule)
    ]  # fmt: skip
    if asked.untried:
        waiting = kept_report(known, {})["untried"]
        chosen = [bug for bug in chosen if bug.id in waiting]
    verdicts = judge_all(chosen, asked.jobs, keep)
    living = [name for name, verdict in verdicts.items() if verdict != "killed"]
    print(f"{len(verdicts) - len(living)} of {len(verdicts)} killed", *living, sep="\n  ")
    return 1 if living else 0


if __name__ == "__main__":
    raise SystemExit(main())
