"""The commands on too little memory and on a full disk: one sentence, status 1, nothing left."""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ibis
import pytest

from tcoc.deliverables.registry import study
from tcoc.folders import locked
from tcoc.params import load_run
from tcoc.resources.shortage import ShortageError
from tcoc.store.connection import connect
from tcoc.store.synth import write_synthetic_store
from tests.store.importers.rif_files import write_delivery
from tests.store.importers.test_bad_files import LINES, OUT, PEOPLE, STAYS

RUN = "name: tiny\nstore: store\nyears: [2016]\ndeliverables: [y1_attribution]\n"
ROWS = ibis.range(2_000_000).unnest().name("i").as_table()
BIG = ROWS.mutate(h=ROWS.i.hash(), s=ibis.literal("x").repeat(100) + ROWS.i.cast("string"))
COMMAND = [sys.executable, "-m", "tcoc.cli"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shortage")
    write_synthetic_store(folder / "store", 400, 7, (2015, 2016))
    (folder / "tiny.yml").write_text(RUN)
    given = {"beneficiary": PEOPLE, "carrier": LINES, "inpatient": STAYS, "outpatient": OUT}
    write_delivery(folder / "in", given)
    return folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def call(home: Path, *arguments: str, largest: int = 0) -> subprocess.CompletedProcess[str]:
    def bound() -> None:
        if largest:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    return subprocess.run(
        [*COMMAND, *arguments], cwd=home, capture_output=True, text=True, check=False,
        preexec_fn=bound, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def left(folder: Path) -> list[str]:
    """Files under a folder, without the cache's: whole tables that the next run may take over."""
    files = [f.relative_to(folder) for f in folder.rglob("*") if f.is_file()]
    return sorted(f.as_posix() for f in files if f.parts[0] != ".cache")


def sentence_of(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_a_run_with_too_little_memory(home: Path, tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "out" / "tiny").mkdir(parents=True)
    (tmp_path / "out" / "tiny" / "index.html").write_text("before")
    out = str(tmp_path / "out")
    said = sentence_of(call(home, "run", "tiny.yml", "--out", out, "--memory-limit", "10MB"))
    assert said.startswith("tcoc: table ")
    assert "needs more memory than the engine's limit of 10MB; raise it with" in said
    names = left(tmp_path / "out")
    assert names.pop() == "tiny/index.html"
    assert [Path(name).name for name in names] == ["manifest.json"]
    manifest = json.loads((tmp_path / "out" / names[0]).read_text())
    assert manifest["state"] == "failed"
    assert f"tcoc: {manifest['error']}" == said
    assert not list(temporary.iterdir())


def test_a_run_onto_a_full_disk(home: Path, tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "out" / "tiny").mkdir(parents=True)
    (tmp_path / "out" / "tiny" / "index.html").write_text("before")
    out = str(tmp_path / "out")
    said = sentence_of(call(home, "run", "tiny.yml", "--out", out, largest=5_000))
    assert f"the disk of {out} takes no larger file" in said
    assert not any(name.startswith(".tiny") for name in left(tmp_path / "out"))
    assert (tmp_path / "out" / "tiny" / "index.html").read_text() == "before"
    assert not list(temporary.iterdir())


def test_a_notebook_with_too_little_memory_gets_the_same_sentence(
    home: Path, tmp_path: Path
) -> None:
    run = load_run(home / "tiny.yml")
    words = r"table beneficiary_year, \w+: needs more memory than the engine's limit of 10MB"
    with study(run, tmp_path, "10MB") as opened, pytest.raises(ShortageError, match=words):
        opened.table("beneficiary_year")
    assert left(tmp_path) == []


def test_an_import_with_too_little_memory(home: Path, tmp_path: Path) -> None:
    done = call(
        home, "import", "rif", "--from", "in", "--out", f"{tmp_path}/s", "--memory-limit", "10MB"
    )
    assert "needs more memory than the engine's limit of 10MB" in sentence_of(done)
    assert not list(tmp_path.iterdir())


def test_an_import_onto_a_full_disk_leaves_the_older_store(home: Path, tmp_path: Path) -> None:
    arguments = ["import", "rif", "--from", "in", "--out", f"{tmp_path}/s"]
    assert call(home, *arguments).returncode == 0
    before = left(tmp_path)
    said = sentence_of(call(home, *arguments, largest=1_500))
    assert f"the disk of {tmp_path} takes no larger file" in said
    assert left(tmp_path) == before
    assert [f.name for f in tmp_path.iterdir()] == ["s"]


def test_a_synthetic_store_onto_a_full_disk(home: Path, tmp_path: Path) -> None:
    arguments = ["synth", "--out", f"{tmp_path}/s", "--benes", "500", "--seed", "1"]
    said = sentence_of(call(home, *arguments, largest=20_000))
    assert said.startswith("tcoc: synthetic store: the disk of")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no small file system can be mounted here (needs root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(home: Path, small_disk: Path) -> None:
    said = sentence_of(call(home, "run", "tiny.yml", "--out", str(small_disk)))
    assert f"the disk of {small_disk} is full (" in said
    assert not [name for name in left(small_disk) if not name.startswith(".failed")]


def test_a_spill_folder_whose_disk_is_full(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCOC_SPILL", str(small_disk))
    words = f"limit of 50MB is written to {small_disk}, and its disk is full .*in TCOC_SPILL"
    with connect(memory_limit="50MB") as connection, pytest.raises(ShortageError, match=words):
        connection.keep(BIG)
    assert not left(small_disk)


@pytest.mark.parametrize(
    ("number", "first", "arguments"),
    [
        (
            signal.SIGINT,
            "synthetic",
            ["synth", "--out", "OUT/s", "--benes", "40000", "--seed", "1"],
        ),
        (signal.SIGTERM, "tables: 1/", ["run", "tiny.yml", "--out", "OUT"]),
    ],
)
def test_an_end_from_outside_leaves_nothing_half_done(
    number: signal.Signals, first: str, arguments: list[str], home: Path, tmp_path: Path,
    temporary: Path,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    out.mkdir()
    # tests that a shell has put in the background ignore Ctrl-C, and so would what they start
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*COMMAND, *(a.replace("OUT", str(out)) for a in arguments)],
        cwd=home, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    assert process.stderr is not None
    while first not in (line := process.stderr.readline()):
        assert line, "the command ended before it began"
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait() == 1
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert not [name for name in left(out) if not name.startswith(".failed")]
    assert not list(temporary.iterdir())


def test_a_second_import_into_one_place_ends_with_a_sentence(home: Path, tmp_path: Path) -> None:
    arguments = ["import", "rif", "--from", "in", "--out", f"{tmp_path}/s"]
    with locked(tmp_path / ".s.import"):
        done = call(home, *arguments)
        assert done.returncode == 2
        assert "another import into this folder is at work" in done.stderr
    assert call(home, *arguments).returncode == 0
    assert [f.name for f in tmp_path.iterdir()] == ["s"]


def test_an_import_after_a_killed_one_takes_up_its_place(home: Path, tmp_path: Path) -> None:
    work = tmp_path / ".s.import"
    for name in ("store", "resolved/carrier", "old"):
        (work / name).mkdir(parents=True)
    (work / "lock").touch()
    (work / "old" / "store.json").write_text("{}")
    assert call(home, "import", "rif", "--from", "in", "--out", f"{tmp_path}/s").returncode == 0
    assert [f.name for f in tmp_path.iterdir()] == ["s"]
    assert json.loads((tmp_path / "s" / "store.json").read_text())["rows"]["professional"] == 6
