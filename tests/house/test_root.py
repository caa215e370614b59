"""The house itself: what may stand in the root, how long a module may be, what is not committed."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600
LONGEST_OF_DELIVERABLES = 450

ROOT_ENTRIES = {
    ".ci", ".gitattributes", ".gitignore", ".importlinter", ".pre-commit-config.yaml",
    "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md",
    "benchmarks", "docs", "environment.yml", "lib", "notebooks", "params", "pyproject.toml",
    "requirements-spark.txt", "requirements.txt", "tests", "tools",
}  # fmt: skip


def tracked() -> list[str]:
    call = ["git", "-C", str(ROOT), "ls-files"]
    found = subprocess.run(call, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("not a git checkout")
    return found.stdout.splitlines()


def test_nothing_else_stands_in_the_root() -> None:
    assert {name.split("/")[0] for name in tracked()} <= ROOT_ENTRIES


def test_no_module_is_longer_than_a_reader_holds() -> None:
    modules = sorted((ROOT / "lib" / "tcoc").rglob("*.py"))
    lengths = {str(m.relative_to(ROOT)): len(m.read_text("utf-8").splitlines()) for m in modules}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
    folder = "lib/tcoc/deliverables/"
    ours = {name: lines for name, lines in lengths.items() if name.startswith(folder)}
    assert {name: lines for name, lines in ours.items() if lines > LONGEST_OF_DELIVERABLES} == {}


def test_what_is_committed_passes_the_look_before_a_commit() -> None:
    files = [name for name in tracked() if (ROOT / name).is_file()]
    call = [sys.executable, "tools/check_committed.py", *files]
    found = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
