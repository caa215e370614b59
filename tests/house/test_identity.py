"""One identity: a store is its generator's, outputs are the project's, a commit the checkout's."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tcoc.run.key
from tcoc.run.places import outputs_dir

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import sample_store  # noqa: E402


def test_the_key_of_a_store_follows_its_generator_and_its_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sample_store.key_of(40_000, 2018)
    assert before == sample_store.key_of(40_000, 2018) != sample_store.key_of(40_001, 2018)
    for top in ("synthetic", "reference"):
        shutil.copytree(sample_store.params_dir() / top, tmp_path / top)
    monkeypatch.setattr(sample_store, "params_dir", lambda: tmp_path)
    assert sample_store.key_of(40_000, 2018) == before
    with (tmp_path / "synthetic" / "generator.yml").open("a") as file:
        file.write("# another\n")
    changed = sample_store.key_of(40_000, 2018)
    assert changed != before
    monkeypatch.setattr(sample_store, "closure", lambda _: {"store/synth/people.py": "another"})
    assert sample_store.key_of(40_000, 2018) not in (before, changed)


def test_a_store_is_made_once_by_two_at_once_and_again_when_its_key_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(store: Path, *_: Any, **__: Any) -> None:
        time.sleep(0.2)
        store.mkdir()
        (store / "store.json").write_text("{}")

    monkeypatch.setattr(sample_store, "write_synthetic_store", write)
    monkeypatch.setattr(sample_store, "key_of", lambda *_: "first")
    store = tmp_path / "stores" / "sample"
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: sample_store.make(store, 10, 1), range(2)))
    assert sorted(made) == [False, True]
    assert not sample_store.make(store, 10, 1)
    monkeypatch.setattr(sample_store, "key_of", lambda *_: "second")
    assert sample_store.make(store, 10, 1)
    assert {entry.name for entry in store.parent.iterdir()} == {"sample", ".sample.key"}


def test_outputs_stand_in_a_project_or_where_one_works_never_in_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, package = tmp_path / "project", tmp_path / "site-packages" / "tcoc" / "_project"
    for home in (project, package):
        (home / "params" / "runs").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert outputs_dir(None, project / "params" / "runs" / "a.yml") == project / "outputs"
    assert outputs_dir(None, package / "params" / "runs" / "a.yml") == elsewhere / "outputs"
    assert outputs_dir(None, elsewhere / "a.yml") == elsewhere / "outputs"
    monkeypatch.chdir(project / "params")
    assert outputs_dir(None, tmp_path / "a.yml") == project / "outputs"


def test_no_commit_is_named_but_that_of_the_checkout_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "venv" / "tcoc" / "_project"
    inside.mkdir(parents=True)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(tcoc.run.key, "project_root", lambda: inside)
    assert tcoc.run.key.git_commit() == ""
    monkeypatch.setattr(tcoc.run.key, "project_root", lambda: tmp_path)
    assert len(tcoc.run.key.git_commit()) == 40
