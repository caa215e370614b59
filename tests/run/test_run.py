"""The runner, end to end on a small synthetic state: whole or not at all, the same every time."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import tcoc.run.notebook

from tcoc.errors import InputError, TcocError
from tcoc.progress import reporter
from tcoc.run.run_list import render_runs
from tcoc.run.runner import RunRequest, execute_run, list_runs
from tcoc.store.synth import write_synthetic_store

RUN = """
name: tiny
store: store
years: [2016, 2017]
completion: {2017: 0.99}
deliverables: [y1_attribution]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runner")
    write_synthetic_store(folder / "store", 1_200, 7, (2013, 2017))
    (folder / "tiny.yml").write_text(RUN)
    return folder


@pytest.fixture(scope="module")
def finished(home: Path) -> Path:
    return run(home, home / "outputs")


def run(home: Path, outputs: Path, **more: object) -> Path:
    with reporter() as report:
        return execute_run(RunRequest(home / "tiny.yml", outputs=outputs, **more), report)  # type: ignore[arg-type]


def digests(folder: Path) -> dict[str, str]:
    files = [f for top in ("restricted", "tables", "figures") for f in (folder / top).iterdir()]
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(files)}


def test_a_run_folder_has_what_the_contract_names(finished: Path) -> None:
    names = {f.name for f in finished.iterdir()}
    assert names == {
        "manifest.json", "index.html", "y1_attribution.html",
        "figures", "tables", "restricted", "notebooks",
    }  # fmt: skip
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["state"] == "ok"
    assert manifest["deliverables"]["y1_attribution"]["peak_mb"] > 0
    assert manifest["tables"]["attribution"] > 0
    assert {"path", "sha256"} == set(manifest["inputs"][0])
    assert manifest["parameters"]["run"]["completion"] == {"2017": 0.99}


def test_restricted_is_for_the_owner_only(finished: Path) -> None:
    assert (finished / "restricted").stat().st_mode & 0o077 == 0
    assert all(f.stat().st_mode & 0o077 == 0 for f in (finished / "restricted").iterdir())


def test_no_path_of_this_machine_and_no_source_reaches_the_public(finished: Path) -> None:
    for page in finished.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert str(finished.parent) not in text
        assert "open_release" not in text
        assert "Synthetic data" in text


def test_the_same_run_twice_gives_the_same_bytes(home: Path, finished: Path) -> None:
    again = run(home, home / "again")
    assert digests(again) == digests(finished)


def test_a_failed_run_leaves_what_stood_there(
    home: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell('run = ""\nwork = ""', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("assert 1 == 2"),
        ],
        metadata={
            "kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}
        },
    )
    nbformat.write(broken, tmp_path / "y1_attribution.ipynb")
    monkeypatch.setattr(tcoc.run.notebook, "notebooks_dir", lambda: tmp_path)
    before = digests(finished)
    with pytest.raises(TcocError, match="AssertionError"):
        run(home, home / "outputs")
    assert digests(finished) == before
    assert not list((home / "outputs").glob(".*.partial"))
    traces = next((home / "outputs" / ".failed").iterdir())
    assert {f.name for f in traces.iterdir()} == {"manifest.json", "notebooks"}
    assert json.loads((traces / "manifest.json").read_text())["state"] == "failed"


def test_a_killed_run_is_set_aside_by_the_next(home: Path, finished: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    left = home / "outputs" / f".tiny.{dead.pid}.partial"
    (left / "restricted").mkdir(parents=True)
    (left / "manifest.json").write_text('{"run": "tiny", "state": "running"}')
    with pytest.raises(InputError):
        run(home, home / "outputs", only=("nothing",))
    with pytest.raises(InputError, match="not in the store"):
        run(home, home / "outputs", changes={"years": [2030]})
    from tcoc.run.runner import _set_aside_dead

    _set_aside_dead(home / "outputs")
    assert not left.exists()
    killed = [m for m in list_runs(home / "outputs") if m.get("error") == "the run was killed"]
    assert len(killed) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"years": [2030]}, "years: 2030 is not in the store, which has"),
        ({"base_year": 2011, "performance_year": 2012}, "2011 is not among the run's years"),
        ({"completion": {2011: 0.99}}, "completion: 2011 is not among the run's years"),
        ({"national_growth": {2020: {"value": 0.02, "source": "x"}}}, "not among rate_years"),
        ({"attribution.windo": "same_year"}, 'did you mean "attribution.window"'),
        ({"attribution.hospital_use": "beds"}, "options: attribution.hospital_use"),
        ({"qp.combine": "all"}, "is used by none of the run's deliverables"),
        ({"deliverables": ["risk_adjustment"]}, '"base_year" is missing; risk_adjustment'),
        ({"store": "nowhere"}, "there is no such store"),
    ],
)
def test_a_run_that_cannot_work_is_refused_before_it_starts(
    home: Path, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        run(home, home / "refused", changes=changes)
    assert sentence in str(caught.value)
    assert not (home / "refused").exists()


def test_runs_are_listed_with_state_and_age(finished: Path) -> None:
    listing = render_runs(list_runs(finished.parent))
    assert "tiny" in listing
    assert "ok" in listing
    assert render_runs([]).startswith("no runs yet")


@pytest.fixture
def command() -> list[str]:
    return [sys.executable, "-m", "tcoc.cli"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["run", "nowhere.yml"], 2, "there is no such file"),
        (["run", "tiny.yml", "--set", "years"], 2, "expected key=value"),
        (["run", "tiny.yml", "--set", "yeers=[2016]"], 2, 'did you mean "years"'),
        (
            ["synth", "--out", "s", "--benes", "10", "--seed", "1", "--years", "x"],
            2,
            "expected A-B",
        ),
        ([*["synth", "--out", "store", "--benes", "10", "--seed", "1"]], 2, "store"),
        (["check", "nowhere"], 2, "nowhere"),
        (["compare", "nowhere", "store"], 2, "no finished run"),
        (["new-year", "2016", "--from", "tiny.yml"], 2, "expected a year after 2017"),
        (["runz"], 2, ""),
    ],
)
def test_an_error_is_one_sentence_and_a_status(
    home: Path, command: list[str], arguments: list[str], status: int, sentence: str
) -> None:
    done = subprocess.run(
        [*command, *arguments], cwd=home, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_new_year_moves_every_year_and_lists_held_values(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tcoc.cli", "new-year", "2018", "--from", "tiny.yml"],
        cwd=home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (home / "tiny-2018.yml").read_text()
    assert "years: [2017, 2018]" in text
    assert "completion: {2017: 0.99}" in text
    assert "assumed, not dated" in done.stdout
