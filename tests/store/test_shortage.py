"""Too little memory or disk ends in one sentence; what was spilled or half done does not stay."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import ibis
import pytest

from tcoc.errors import InputError
from tcoc.folders import is_held, locked, remove_held
from tcoc.resources import shortage
from tcoc.resources.shortage import (
    Bounds,
    ShortageError,
    explained,
    memory_limit,
    size_of,
    too_high,
)
from tcoc.store.connection import connect

HOLDS = """import sys; from pathlib import Path
from tcoc.store.connection import spill_folder
with spill_folder(Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    input()
"""
ROWS = ibis.range(500_000).unnest().name("i").as_table()
BIG = ROWS.mutate(h=ROWS.i.hash(), s=ibis.literal("x").repeat(100) + ROWS.i.cast("string"))


@pytest.mark.parametrize("said", ["3", "3XB", "-1GB", "0", "lots", "", "80%", "4 pounds", "nanGB"])
def test_a_limit_that_is_no_size(said: str) -> None:
    with pytest.raises(InputError, match=r"memory limit: found .*such as 500MB or 4GB"):
        memory_limit(said)


def test_a_limit_below_any_use_and_one_above_the_machine() -> None:
    with pytest.raises(InputError, match="found 9MB, expected at least 10 MB"):
        memory_limit("9MB")
    assert "more than this machine's" in too_high("100TB")
    assert too_high("20MB") == too_high(None) == ""


def test_where_the_limit_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TCOC_MEMORY_LIMIT", raising=False)
    monkeypatch.setattr(shortage, "machine_memory", lambda: 64_000_000_000)
    assert memory_limit() == "4GB"
    monkeypatch.setattr(shortage, "machine_memory", lambda: 4_000_000_000)
    assert memory_limit() == "2400MB"
    monkeypatch.setenv("TCOC_MEMORY_LIMIT", "1.5 GiB")
    assert size_of(memory_limit()) == 1.5 * 2**30
    assert memory_limit("2GB") == "2GB"
    monkeypatch.setenv("TCOC_MEMORY_LIMIT", "much")
    with pytest.raises(InputError, match="TCOC_MEMORY_LIMIT: found"):
        memory_limit()


@pytest.mark.parametrize("method", ["write", "keep"])
def test_the_engine_says_what_it_was_doing_and_its_limit(method: str, tmp_path: Path) -> None:
    with connect(memory_limit="10MB", threads=1) as connection:
        table = BIG
        call = {
            "write": lambda: connection.write(table, tmp_path / "x.parquet", ("h",)),
            "keep": lambda: connection.keep(table.order_by("h")),
        }[method]
        with pytest.raises(ShortageError) as caught, connection.task("table attribution"):
            call()
    sentence = str(caught.value)
    doing = "table attribution, writing" if method == "write" else "table attribution"
    assert sentence.startswith(f"{doing}: needs more memory than the engine's limit of 10")
    assert "--memory-limit or TCOC_MEMORY_LIMIT" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/p/out/.a.1.partial/x"),
         "the disk of /p/out is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk of /p/place has no more room"),
        (RuntimeError('IO Error: Could not write file "/p/q/x.parquet": File too large'),
         "the disk of /p/q takes no larger file"),
        (RuntimeError('IO Error: Could not write file "/s/b/x.tmp": No space left on device'),
         "the memory limit of 1GB is written to /s, and its disk is full"),
        (RuntimeError("Out of Memory Error: failed to offload ... 'max_temp_directory_size'"),
         "the memory limit of 1GB is written to /s, and its disk is full"),
        (MemoryError(), "the memory of this machine does not suffice"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "the memory of this machine"),
        (RuntimeError("Out of Memory Error: Allocation failure"), "the memory of this machine"),
        (RuntimeError("java.lang.OutOfMemoryError: Java heap space"), "engine's limit of 1GB"),
    ],
)  # fmt: skip
def test_each_word_for_a_shortage_becomes_a_sentence(error: Exception, words: str) -> None:
    with (
        pytest.raises(ShortageError, match=words) as caught,
        explained("step", Bounds("1GB", Path("/s/b")), Path("/p/place")),
    ):
        raise error
    assert caught.value.disk == ("disk" in words)


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.ENOENT, "none"), KeyError("a")])
def test_every_other_error_passes(error: Exception) -> None:
    with pytest.raises(type(error)), explained("step"):
        raise error


def test_a_query_that_was_interrupted_is_an_interruption() -> None:
    with pytest.raises(KeyboardInterrupt), explained("step"):
        raise RuntimeError("Query interrupted")


def test_a_spill_folder_goes_with_its_connection_and_with_its_dead_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert killed.stdout is not None
    folder = Path(killed.stdout.readline().strip())
    monkeypatch.setenv("TCOC_SPILL", str(tmp_path))
    with connect():
        assert folder.is_dir()
        assert len(list(tmp_path.iterdir())) == 2
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    with connect():
        assert not folder.exists()
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("TCOC_SPILL", "/proc/nowhere")
    with pytest.raises(InputError, match="name another in TCOC_SPILL"), connect():
        pass


def test_a_lock_is_one_holder_s_and_ends_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    with locked(folder) as first:
        assert first
        assert is_held(folder)
        with locked(folder) as second:
            assert not second
        remove_held(folder)
        assert not folder.exists()
        with locked(folder) as new:
            assert new
    assert not is_held(folder)
