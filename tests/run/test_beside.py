"""A second process makes tables of the same run: the same ones, each once, and never an orphan."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tcoc.cache import FOLDER, Cache
from tcoc.deliverables import registry
from tcoc.deliverables.registry import CHECKS
from tcoc.disclosure import Draft
from tcoc.identity import package_digest, parameter_digest
from tcoc.params import load_run
from tcoc.resources.shortage import ShortageError, halved
from tcoc.run import beside, gate, runner
from tcoc.run.compute import compute_tables
from tcoc.run.key import RunRequest
from tcoc.study import Study
from tests.run.conftest import Home, Lines

RUN = """
name: beside
store: {store}
years: [2016, 2017]
rate_years: [2020]
completion: {{2016: 1.0, 2017: 1.0}}
deliverables: [data_intake, y1_attribution]
"""
NAMES = ("data_intake", "y1_attribution")
LIMIT = "SELECT current_setting('memory_limit')"
KEPT = "SELECT count(*) FROM duckdb_tables() WHERE temporary"


@pytest.fixture
def file(tmp_path: Path, stored: Path) -> Path:
    made = tmp_path / "beside.yml"
    made.write_text(RUN.format(store=stored))
    return made


def asked(file: Path, work: Path) -> dict[str, Any]:
    return {
        "file": str(file),
        "changes": "{attribution.hospital_use: visits}",
        "names": [*NAMES],
        "work": str(work),
        "cache": str(work.parent / FOLDER),
        "run": "together",
        "memory_limit": "500MB",
        "fresh": False,
        "code": [package_digest(), parameter_digest()],
    }


def opened(file: Path, work: Path) -> Any:
    run = load_run(file, {"attribution.hospital_use": "visits"})
    return registry.study(run, work, "500MB", None, Cache(work.parent / FOLDER))


def tables(work: Path) -> dict[str, bytes]:
    return {f.name: f.read_bytes() for f in sorted((work / "restricted").glob("*.parquet"))}


def test_tables_of_a_second_process_are_found_and_are_the_same(file: Path, tmp_path: Path) -> None:
    found = beside.serve(asked(file, tmp_path / "two" / "work"))
    assert {"beneficiary_year", "care_use", "attribution"} <= set(found["made"])
    with opened(file, tmp_path / "two" / "work") as study:
        compute_tables(study, NAMES, Lines())
        assert not {"beneficiary_year", "care_use", "attribution"} & set(study.made)
    with opened(file, tmp_path / "one" / "work") as study:
        compute_tables(study, NAMES, Lines())
        assert {"beneficiary_year", "care_use", "attribution"} <= set(study.made)
    assert tables(tmp_path / "two" / "work") == tables(tmp_path / "one" / "work")


def test_a_second_process_of_other_code_makes_nothing(file: Path, tmp_path: Path) -> None:
    said = asked(file, tmp_path / "work") | {"code": ["edited", parameter_digest()]}
    assert beside.serve(said) == {"made": {}, "taken": {}}
    assert not (tmp_path / "work").exists()


def test_what_a_second_process_kept_is_forgotten_with_what_the_first_kept(
    file: Path, tmp_path: Path
) -> None:
    entries = tmp_path / "out" / FOLDER / "entries"
    with opened(file, tmp_path / "out" / "before") as study:
        study.path("beneficiary_year")
    before = set(entries.glob("*/*.json"))
    beside.serve(asked(file, tmp_path / "out" / "work"))
    with opened(file, tmp_path / "out" / "work") as study:
        study.cache = Cache(tmp_path / "out" / FOLDER, run="together")
        study.path(CHECKS)
        assert len(set(entries.glob("*/*.json"))) > len(before) + 2
        study.cache.forget_kept()
    assert set(entries.glob("*/*.json")) == before


@pytest.fixture
def drafted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of which deliverables drafts are made, in their order."""
    names: list[str] = []
    write = gate.write_drafts

    def noted(drafts: Iterable[Draft], to: Path) -> None:
        names.append(to.parent.name)
        write(drafts, to)

    monkeypatch.setattr(gate, "write_drafts", noted)
    return names


@pytest.mark.parametrize("fresh", [False, True])
def test_drafts_of_a_second_process_are_not_made_again(
    file: Path, tmp_path: Path, drafted: list[str], fresh: bool
) -> None:
    work = tmp_path / "out" / "work"
    beside.serve(asked(file, work) | {"fresh": fresh})
    assert drafted == [*reversed(NAMES)]
    with opened(file, work) as study:
        study.fresh = fresh
        study.path(CHECKS)
        drafts, noted_reads = gate.drafts_of(study, NAMES)
    assert drafted == [*reversed(NAMES)]
    assert ("table", "hospital_year") in noted_reads
    with opened(file, tmp_path / "alone" / "work") as study:
        alone, reads = gate.drafts_of(study, NAMES)
    assert reads == noted_reads
    assert [d.name for n in alone for d in alone[n]] == [d.name for n in drafts for d in drafts[n]]


@pytest.mark.parametrize(("fresh", "made"), [(False, 1), (True, 2)])
def test_a_fresh_run_takes_no_older_draft_for_one_that_was_cut_off(
    file: Path, tmp_path: Path, drafted: list[str], fresh: bool, made: int
) -> None:
    name = NAMES[0]
    with opened(file, tmp_path / "out" / "before") as study:
        gate.draft(study, name)
        whole = gate._draft_file(study, registry.find(name)).read_bytes()
    with opened(file, tmp_path / "out" / "work") as study:
        study.fresh = fresh
        place = gate._draft_file(study, registry.find(name))
        place.parent.mkdir(parents=True)
        # a second process died while it wrote; what was read is the same as before
        place.write_bytes(whole[: len(whole) // 2])
        gate.draft(study, name)
        assert (drafted, place.read_bytes()) == ([name] * made, whole)
        gate.draft(study, name)
    assert drafted == [name] * made


def test_products_that_are_alone_read_no_other_table(file: Path, tmp_path: Path) -> None:
    names = registry.names()
    alone = {p.name for name in names for p in registry.find(name).tables if p.alone}
    with opened(file, tmp_path / "work") as study:
        for name in sorted(alone):
            study.path(name)
        entries = [entry for name in alone for entry in study.cache.latest(name)]
    assert {entry.kind for entry in entries} == alone
    assert [(e.kind, r[1]) for e in entries for r in e.reads if r[0] == "table"] == []
    assert beside.order(names)[: len(alone)] == [n for n in beside.order(names) if n in alone]


def test_it_joins_a_run_and_tells_what_it_made(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "AFTER_SECONDS", 0.0)
    request = RunRequest(file, changes={"attribution.hospital_use": "visits"})
    work = tmp_path / "out" / "work"
    with opened(file, work) as study:
        limits = _limits(study, monkeypatch)
        study.connection.bounds = type(study.connection.bounds)("1600MB")
        with beside.joined(request, study, NAMES, tmp_path / "out", Lines()):
            end = work / "restricted" / "attribution.parquet"
            for _ in range(600):
                if end.is_file():
                    break
                beside.threading.Event().wait(0.1)
        assert end.is_file()
        assert "beneficiary_year" in study.made
        assert limits == ["800MB", "1600MB"]


def _limits(study: Study, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    kept = study.connection.keep_to

    def keep_to(limit: str) -> bool:
        said.append(limit)
        return kept(limit)

    monkeypatch.setattr(study.connection, "keep_to", keep_to)
    return said


@pytest.mark.parametrize(("word", "status"), [("", 1), ("stop\n", 0)])
def test_it_ends_with_the_first_process(file: Path, tmp_path: Path, word: str, status: int) -> None:
    said = json.dumps(asked(file, tmp_path / "out" / "work")) + "\n" + word
    done = subprocess.run(
        [sys.executable, "-m", "tcoc.run.beside"], input=said, text=True, capture_output=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr


def test_halves_that_are_too_small_are_none() -> None:
    assert halved("1600MB") == "800MB"
    assert halved("1GB") == ""


def test_where_half_the_memory_is_too_little_one_process_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "AFTER_SECONDS", 0.0)
    limits: list[str] = []

    def short_once(study: Study, *more: Any) -> Any:
        ask = study.connection.backend.con.sql
        if not limits:
            study.connection.load(pd.DataFrame({"a": [1]}), {"a": "int32"})
            while ask(LIMIT).fetchall() != [("762.9 MiB",)]:
                beside.threading.Event().wait(0.1)
        limits.append(ask(LIMIT).fetchall()[0][0])
        if len(limits) == 1:
            raise ShortageError("table first: needs more memory")
        assert ask(KEPT).fetchall() == [(0,)]
        return compute_tables(study, *more)

    monkeypatch.setattr(runner, "compute_tables", short_once)
    place, report = home.run(memory_limit="1600MB")
    assert place.is_dir()
    assert limits == ["762.9 MiB", "1.4 GiB"]
    assert any("one process goes on alone" in line for line in report.said)


class Stand:
    """A script in place of the second process, and what a first one saw of it."""

    def __init__(self, file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file, self.folder, self.monkeypatch = file, folder, monkeypatch
        self.report, self.limits = Lines(), list[str]()
        monkeypatch.setattr(beside, "AFTER_SECONDS", 0.0)
        monkeypatch.setattr(beside.sys, "executable", str(folder / "python"))

    def runs(self, script: str, until: Callable[["Stand"], bool] | None = None) -> Study:
        """Let it run until it is at work, or what is asked for is so; return the study."""
        place = self.folder / "python"
        if script:
            place.write_text(f"#!/bin/sh\nread line\n{script}\n")
            place.chmod(0o700)
        with opened(self.file, self.folder / "work") as study:
            study.connection.bounds = type(study.connection.bounds)("1600MB")
            self.limits = _limits(study, self.monkeypatch)
            request = RunRequest(self.file)
            with beside.joined(request, study, NAMES, self.folder, self.report) as second:
                end = time.monotonic() + 20
                while not (until(self) if until else second.at_work):
                    assert time.monotonic() < end
                    time.sleep(0.02)
            assert self.limits == ["800MB", "1600MB"]
            assert study.connection.backend.con.sql(LIMIT).fetchall() == [("1.4 GiB",)]
            assert second.at_work == bool(script)
            return study


@pytest.fixture
def stand(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(file, tmp_path, monkeypatch)


def test_an_error_of_the_second_process_is_said(stand: Stand) -> None:
    stand.runs("exit 3")
    assert stand.report.said == [f"{beside.BROKEN} (status 3)"]


def test_one_that_cannot_be_started_gives_its_memory_back(stand: Stand) -> None:
    stand.runs("", lambda seen: bool(seen.report.said))
    assert stand.report.said == [f"{beside.BROKEN} (No such file or directory)"]


def test_one_that_has_ended_gives_its_memory_back_at_once(stand: Stand) -> None:
    stand.runs("exit 0", lambda seen: len(seen.limits) == 2)
    assert stand.report.said == []


def test_it_gets_the_code_of_the_first_and_the_users_own_path(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/their/own")
    told = stand.folder / "told"
    stand.runs(f'echo "$PYTHONPATH" > {told}; echo "$line" >> {told}', lambda s: len(s.limits) == 2)
    path, line = told.read_text().splitlines()
    assert path == f"{Path(beside.__file__).parents[2]}:/their/own"
    assert json.loads(line)["code"] == [package_digest(), parameter_digest()]


@pytest.mark.parametrize("end", ["kill -9 $$", "exec sleep 60"])
def test_of_one_that_was_killed_stays_what_it_had_told(
    stand: Stand, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "END_SECONDS", 0.2)
    noted = stand.folder / "noted"
    told = """{"made": {"first": 1.5}, "taken": {"second": "then"}}"""
    script = (
        f"""echo a warning; echo 3; echo '{told}'; printf '{{"made": {{"thi'; : > {noted}; {end}"""
    )
    study = stand.runs(script, lambda _: noted.exists())
    assert stand.report.said == [f"{beside.BROKEN} (status -9)"]
    assert (study.made, study.taken) == ({"first": 1.5}, {"second": "then"})


def test_it_ends_at_a_word_where_a_shell_lets_it_ignore_signals(file: Path, tmp_path: Path) -> None:
    said = json.dumps(asked(file, tmp_path / "out" / "work")) + "\nstop\n"
    command = f"trap '' INT; exec {sys.executable} -m tcoc.run.beside"
    done = subprocess.run(
        ["/bin/sh", "-c", command], input=said, text=True, capture_output=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # it was stopped before it had made all of them
    told = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert not [found for found in told if "attribution" in found["made"]]


def test_what_a_library_prints_is_no_answer(file: Path, tmp_path: Path) -> None:
    script = (
        "from tcoc.run import beside\n"
        "beside._wait_for_the_end = lambda: None\n"
        "beside.load_run = lambda *_: print('a warning', flush=True) or exit(4)\n"
        "beside.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(asked(file, tmp_path)) + "\n",
        text=True, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "a warning\n")
