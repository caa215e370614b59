"""environment.yml, pyproject.toml and requirements.txt agree, and the lock names no index."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def locked() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if match := re.match(r"^([A-Za-z0-9._-]+)(?:\[[a-z-]+\])?==([^ ;\\]+)", line):
            found.setdefault(match[1].lower(), []).append(match[2])
    return found


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]["dev"]
    return [Requirement(text) for text in [*project["dependencies"], *extras]]


def test_every_declared_package_is_locked_at_an_allowed_version() -> None:
    lock = locked()
    for requirement in declared():
        versions = lock.get(requirement.name.lower(), [])
        assert versions, f"{requirement.name} is not in requirements.txt"
        assert all(requirement.specifier.contains(v) for v in versions), requirement


def test_every_locked_package_has_a_hash_and_no_index_address() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text
    blocks = re.split(r"\n(?=[a-zA-Z])", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_conda_environment_takes_the_lock_and_the_same_python() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dependencies = environment["dependencies"]
    assert f"python{project['requires-python']}" in dependencies
    assert {"pip": ["-r requirements.txt"]} in dependencies


def test_packages_named_by_the_user_are_declared() -> None:
    names = {requirement.name for requirement in declared()}
    named = {"jupyterlab", "pandas", "matplotlib", "seaborn", "statsmodels", "papermill", "nbval"}
    assert named <= names
