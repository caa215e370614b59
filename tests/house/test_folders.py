"""Locks, publishing and cleaning up: killed at any call, a place is as it was or whole and new."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tcoc import folders

CALLS = ("rename", "fsync", "rmtree", "unlink")

PUBLISH = """
import os, sys
from pathlib import Path
from tcoc import folders

place, call, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
seen = 0

def dying(real):
    def wrapped(*a, **k):
        global seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), 9)
        return real(*a, **k)
    return wrapped

if call == "rename":
    folders._rename = dying(folders._rename)
elif call == "fsync":
    os.fsync = dying(os.fsync)
elif call == "rmtree":
    folders.shutil.rmtree = dying(folders.shutil.rmtree)
elif call == "unlink":
    Path.unlink = dying(Path.unlink)
with folders.work_beside(place) as work:
    for name in ("a", "b"):
        (work / name).write_text("new")
    folders.publish(work, place)
"""


def content(place: Path) -> set[str]:
    return {file.read_text() for file in place.iterdir()}


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("call", CALLS)
def test_a_kill_at_any_call_leaves_a_place_whole(tmp_path: Path, call: str, number: int) -> None:
    place = tmp_path / "place"
    place.mkdir()
    for name in ("a", "b"):
        (place / name).write_text("old")
    arguments = [sys.executable, "-c", PUBLISH, str(place), call, str(number)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    assert content(place) in ({"old"}, {"new"})
    assert len(list(place.iterdir())) == 2
    # the next one cleans up and works
    folders.recover(tmp_path)
    folders.remove_left(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["place"]
    with folders.work_beside(place) as work:
        (work / "c").write_text("newer")
        folders.publish(work, place)
    assert content(place) == {"newer"}


def test_where_nothing_can_be_exchanged_two_renames_have_a_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = folders._rename

    def without(source: Path, target: Path, flags: int) -> None:
        if flags == folders._EXCHANGE:
            raise OSError(errno.EINVAL, "no exchange here")
        real(source, target, flags)

    monkeypatch.setattr(folders, "_rename", without)
    place, work = tmp_path / "place", tmp_path / "work"
    for folder, word in ((place, "old"), (work, "new")):
        folder.mkdir()
        (folder / "a").write_text(word)
    folders.publish(work, place)
    assert content(place) == {"new"}
    # killed between the two renames: the earlier folder has its other name alone
    place.rename(tmp_path / ".place.old")
    folders.recover(tmp_path)
    assert content(place) == {"new"}


def test_nothing_is_published_over_what_must_stay(tmp_path: Path) -> None:
    place, work = tmp_path / "place", tmp_path / "work"
    place.mkdir()
    work.mkdir()
    with pytest.raises(FileExistsError):
        folders.publish(work, place, replace=False)
    assert work.is_dir()


HOLD = """
import sys, time
from pathlib import Path
from tcoc.folders import hold
assert hold(Path(sys.argv[1])) is not None
print("held", flush=True)
time.sleep(60)
"""


def holder(file: Path, *before: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [*before, sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    return process


@pytest.mark.parametrize("before", [(), ("unshare", "--pid", "--fork")])
def test_a_lock_is_seen_from_elsewhere_and_ends_with_its_holder(
    tmp_path: Path, before: tuple[str, ...]
) -> None:
    if before and subprocess.run([*before, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no process namespace can be made here (needs root)")
    file = tmp_path / "lock"
    process = holder(file, *before)
    try:
        assert folders.hold(file) is None
        assert folders.is_held(tmp_path)
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()
    end = time.monotonic() + 10
    while folders.is_held(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    held = folders.hold(file)
    assert held is not None
    held.release(remove=True)
    assert not file.exists()


def test_a_lock_of_another_machine_counts_as_long_as_it_is_touched(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text("another kernel")
    assert folders.hold(file) is None
    assert folders.is_held(tmp_path)
    long_ago = time.time() - 2 * folders.SILENT_SECONDS
    os.utime(file, (long_ago, long_ago))
    held = folders.hold(file)
    assert held is not None
    held.release()


def test_work_of_the_living_stays_and_that_of_the_dead_goes(tmp_path: Path) -> None:
    dead = folders.work_name(tmp_path / "place")
    dead.mkdir()
    with folders.work_beside(tmp_path / "place") as work:
        assert work.stat().st_mode & 0o077 == 0
        assert folders.left_behind(tmp_path) == [dead]
        folders.remove_left(tmp_path)
        assert work.is_dir()
        assert not dead.exists()
    assert not list(tmp_path.iterdir())


def test_whatever_the_umask_a_person_is_the_owners(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with folders.owner_only() as umask:
            assert umask == 0
            (tmp_path / "file").write_text("x")
            (tmp_path / "folder").mkdir()
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700
        folders.open_up(tmp_path, 0o022, frozenset(("folder",)))
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
        assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
