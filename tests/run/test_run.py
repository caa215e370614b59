"""The runner, end to end on two stand-in deliverables: whole or not at all, the same every time."""

import hashlib
import json
import shutil
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from tcoc.cache import Cache
from tcoc.errors import InputError, TcocError
from tcoc.folders import exchange, work_name
from tcoc.manifest import list_runs, read_manifest, read_private
from tcoc.run.run_list import render_runs
from tcoc.run.runner import tidy
from tcoc.run.summary import summary
from tcoc.run.verify import verify
from tests.run.conftest import Home
from tests.support.stand_ins import OPEN, SHOWN


def digests(folder: Path) -> dict[str, str]:
    files = [f for top in ("restricted", "tables", "notebooks") for f in (folder / top).iterdir()]
    return {
        f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.name != "run.json"
    }


def test_a_run_its_folder_and_what_a_second_one_takes_over(home: Home) -> None:
    """One story in one test: starting the pages' process costs more than all else together."""
    folder, _ = home.run()
    names = {f.name for f in folder.iterdir()} - {"figures"}
    assert names == {
        "manifest.json", "index.html", "first.html", "second.html", "tables", "restricted",
        "notebooks", "release.json", "everything.html",
    }  # fmt: skip

    manifest = read_manifest(folder)
    assert manifest.state == "ok"
    assert set(manifest.deliverables) == {"first", "second"}
    # the rows of a restricted table are an exact count of people
    assert "people" not in manifest.tables
    assert read_private(folder).tables["people"] == 2
    assert manifest.parameters.run["rate_years"] == [2020]
    assert manifest.engine == "duckdb"
    text = (folder / "manifest.json").read_text()
    assert str(home.folder) not in text
    kept = read_private(folder).files
    assert "restricted/people.parquet" in kept
    # the hash of a small restricted table would let a reader try hidden counts until it fits
    assert not [d for d in kept.values() if d in text]

    for entry in (folder / "restricted", *(folder / "restricted").iterdir()):
        assert entry.stat().st_mode & 0o077 == 0
    for page in folder.glob("*.html"):
        said = page.read_text()
        assert str(home.folder) not in said
        assert "open_release" not in said
    checks = json.loads((folder / "tables" / "dictionary.json").read_text())["checks"]
    assert "measured" not in checks["columns"]
    assert verify(folder).ok

    before = folder.stat().st_ino
    again, report = home.run()
    assert "nothing changed since the run of" in report.said[0]
    assert again.stat().st_ino == before

    # an MPA value reaches one deliverable: its table and its page are made, all else is taken
    changed, report = home.run(changes={"mpa.threshold": 0.03})
    done = read_manifest(changed).deliverables
    assert done["first"].reused.tables is True
    assert done["first"].reused.notebook
    assert not done["second"].reused.tables
    assert not done["second"].reused.notebook
    assert "notebooks second" in report.done
    assert "notebooks first" not in report.done
    assert "tables and pages of first" in summary(changed)

    fresh, report = home.run(changes={"mpa.threshold": 0.03}, fresh=True)
    assert not any(
        d.reused.tables or d.reused.notebook for d in read_manifest(fresh).deliverables.values()
    )
    assert {"notebooks first", "notebooks second"} <= set(report.done)

    (fresh / "tables" / "first_people.csv").write_text("another")
    found = verify(fresh)
    assert found.wrong == ["tables/first_people.csv: is not as the run wrote it"]
    healed, report = home.run(changes={"mpa.threshold": 0.03})
    assert not report.said
    assert verify(healed).ok

    listing = render_runs(list_runs(home.outputs), datetime.now(UTC))
    assert "mpa.threshold=0.03" in listing
    assert render_runs([]).startswith("no runs yet")

    only, _ = home.run(only=("first",))
    assert "first" in render_runs(list_runs(home.outputs)).splitlines()[1]
    assert "second" not in render_runs(list_runs(home.outputs)).splitlines()[1]
    assert set(read_manifest(only).deliverables) == {"first"}


def test_the_same_run_elsewhere_gives_the_same_bytes(home: Home) -> None:
    first, _ = home.run()
    second, _ = home.run(outputs=home.folder / "again")
    assert digests(first) == digests(second)


def test_a_failed_run_leaves_what_stood_there(home: Home) -> None:
    folder, _ = home.run()
    before = digests(folder)
    home.page("first", OPEN, SHOWN.format(name="first"), "assert 1 == 2")
    with pytest.raises(TcocError, match="first: cell 5 failed with AssertionError"):
        home.run()
    assert digests(folder) == before
    assert not list(home.outputs.glob(".*.partial"))
    assert not list(home.outputs.glob(".*.lock"))
    traces = next((home.outputs / ".failed").iterdir())
    assert {f.name for f in traces.iterdir()} == {"manifest.json", "notebooks"}
    assert read_manifest(traces).state == "failed"
    for file in traces.rglob("*.*"):
        assert str(home.folder) not in file.read_text()
    assert traces.stat().st_mode & 0o077 == 0


def test_nothing_is_kept_of_a_run_that_failed_while_its_code_changed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.page("first", OPEN, SHOWN.format(name="first"), "assert 1 == 2")
    entries = home.outputs / ".cache" / "entries"
    with pytest.raises(TcocError, match="first: cell 5 failed"):
        home.run()
    before = set(entries.rglob("*.json"))
    assert before
    versions = iter("ab")
    monkeypatch.setattr("tcoc.run.runner.package_digest", cache(lambda: next(versions)))
    with pytest.raises(TcocError, match="first: cell 5 failed"):
        home.run(changes={"mpa.threshold": 0.03})
    assert set(entries.rglob("*.json")) == before


def test_a_clock_that_was_set_back_holds_up_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.run()
    monkeypatch.setattr("tcoc.run.runner._now", lambda: "2001-01-01T00:00:00+00:00")
    monkeypatch.setattr(time, "time", lambda: 1e9)
    monkeypatch.setattr(time, "time_ns", lambda: 10**18)
    changed, _ = home.run(changes={"mpa.threshold": 0.03})
    assert read_manifest(changed).parameters.options == {"mpa.threshold": 0.03}
    assert verify(changed).ok
    assert len(list_runs(home.outputs)) == 1


def _left(home: Home, state: str, finished: str, id_: str = "", follows: str = "") -> Path:
    folder = work_name(home.outputs / "tiny")
    folder.mkdir(parents=True)
    content = {"run": "tiny", "state": state, "finished": finished, "started": finished,
               "id": id_, "follows": follows}  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(content))
    return folder


def test_a_killed_run_is_set_aside_by_the_next(home: Home) -> None:
    left = _left(home, "running", "")
    tidy(home.outputs)
    assert not left.exists()
    killed = [m for _, m in list_runs(home.outputs) if m.error == "the run was killed"]
    assert len(killed) == 1


def test_a_run_that_was_killed_before_its_exchange_is_published_by_the_next(home: Home) -> None:
    _left(home, "ok", "2026-01-02T00:00:00+00:00")
    assert list_runs(home.outputs) == []
    tidy(home.outputs)
    assert read_manifest(home.outputs / "tiny").finished.startswith("2026-01-02")
    assert [name for name, _ in list_runs(home.outputs)] == ["tiny"]


def test_a_run_that_was_killed_after_its_exchange_is_listed_once(home: Home) -> None:
    _left(home, "ok", "2026-01-02T00:00:00+00:00")
    tidy(home.outputs)
    older = _left(home, "ok", "2026-01-01T00:00:00+00:00")
    assert [name for name, _ in list_runs(home.outputs)] == ["tiny"]
    tidy(home.outputs)
    assert not older.exists()
    assert read_manifest(home.outputs / "tiny").finished.startswith("2026-01-02")


@pytest.mark.parametrize("killed", ["before its exchange", "after its exchange"])
def test_a_clock_that_was_set_back_between_two_runs_gives_no_earlier_run_the_place(
    home: Home, killed: str
) -> None:
    first = _left(home, "ok", "2026-01-02T00:00:00+00:00", "a")
    tidy(home.outputs)
    assert not first.exists()
    later = _left(home, "ok", "2001-01-01T00:00:00+00:00", "b", follows="a")
    if killed == "after its exchange":
        exchange(later, home.outputs / "tiny")
    tidy(home.outputs)
    assert read_manifest(home.outputs / "tiny").id == "b"
    assert [name for name, _ in list_runs(home.outputs)] == ["tiny"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"years": [2030]}, "years: 2030 is not in the store, which has"),
        ({"base_year": 2011, "performance_year": 2012}, "2011 is not among the run's years"),
        ({"completion": {2011: 0.99}}, "completion: 2011 is not among the run's years"),
        ({"attribution.windo": "same_year"}, 'did you mean "attribution.window"'),
        ({"attribution.hospital_use": "beds"}, "attribution.hospital_use"),
        ({"qp.combine": "all"}, "is used by none of the run's deliverables"),
        ({"store": "nowhere"}, "there is no such store"),
    ],
)
def test_a_run_that_cannot_work_is_refused_before_it_starts(
    home: Home, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        home.run(changes=changes)
    assert sentence in str(caught.value)
    assert not home.outputs.exists()


def test_a_notebook_with_other_parameters_is_refused(home: Home) -> None:
    from tests.support.stand_ins import write_page

    write_page(home.folder / "notebooks" / "first.ipynb", OPEN, parameters='run = ""\nwork = ""')
    with pytest.raises(InputError, match="declares run, work, expected public, run"):
        home.run()


def test_a_cache_that_was_cleared_or_damaged_is_no_obstacle(home: Home) -> None:
    folder, _ = home.run(only=("first",))
    before = digests(folder)
    cache = Cache(home.outputs / ".cache")
    for file in (home.outputs / ".cache" / "objects").glob("??/*"):
        if len(file.name) == 64:
            file.write_bytes(b"damaged")
    shutil.rmtree(folder)
    folder, _ = home.run(only=("first",))
    assert digests(folder) == before
    assert cache.clear().objects > 0
    assert cache.usage().objects == 0
