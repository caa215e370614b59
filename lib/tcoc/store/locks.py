"""Locks on folders that end with the process that holds them, however it ends."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold a folder for a block, made where it is absent; False where another process has it.

    The system gives the lock back when a process dies, so none is ever stale. The folder may be
    removed inside the block.
    """
    stream = _open(folder)
    try:
        yield stream is not None
    finally:
        if stream is not None:
            os.close(stream)


def remove_held(folder: Path) -> None:
    """Remove a folder that is held, its lock last: who comes next finds all or nothing of it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != LOCK:
            entry.unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    with suppress(OSError):  # somebody else has begun there
        folder.rmdir()


def is_held(folder: Path) -> bool:
    """Whether a living process holds a folder; a folder without a lock file counts as held."""
    try:
        stream = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(stream)


def _open(folder: Path) -> int | None:
    """Lock a folder's lock file; once more where the folder went between opening and locking."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        stream = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(stream)
            return None
        if _is_there(folder / LOCK, stream):
            return stream
        os.close(stream)


def _is_there(file: Path, stream: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(stream))
    except FileNotFoundError:
        return False
