"""The one place that locks folders, names work beside them, publishes it, and cleans up after.

A folder is made beside its place, under a random name and a lock of its own, and exchanged with
what stands there in one system call. Whoever is killed, at whatever call, leaves the place as it
was or whole and new; what else he leaves is told from living work by its lock, never by a process
id, and is removed by the next who works there.
"""

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

LOCK = "lock"
PARTIAL = ".partial"

BEAT_SECONDS = 5.0
"""How often a holder touches its lock, for those whom the lock itself does not reach."""

SILENT_SECONDS = 60.0
"""A lock of another machine that was not touched for so long is nobody's."""

OWNER_ONLY = 0o077

_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2
_BOOT = Path("/proc/sys/kernel/random/boot_id")


# ---------------------------------------------------------------- locks


@dataclass
class Hold:
    """A lock that is held: the system gives it back when the process dies, however it dies."""

    file: Path
    stream: int
    _end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            with suppress(OSError):
                os.utime(self.stream)

    def release(self, remove: bool = False) -> None:
        """Give the lock back, and remove its file where nobody will need it again."""
        self._end.set()
        if remove:
            self.file.unlink(missing_ok=True)
        with suppress(OSError):
            os.close(self.stream)


def hold(file: Path, wait: bool = False) -> Hold | None:
    """Take the lock of a file, made where it is absent; None where somebody else has it.

    With `wait` it is waited for. The file names the kernel that took the lock: on the same kernel,
    containers included, the lock itself is the truth; from another machine on one share, where a
    lock may not be seen, a lock that is still being touched counts as held.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        stream = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(stream)
            return None
        if not _is_there(file, stream):  # removed by its holder between our open and our lock
            os.close(stream)
            continue
        if not _beats_elsewhere(file, stream):
            os.ftruncate(stream, 0)
            os.pwrite(stream, _kernel().encode(), 0)
            return Hold(file, stream)
        os.close(stream)
        if not wait:
            return None
        threading.Event().wait(BEAT_SECONDS)


def is_held(folder: Path) -> bool:
    """Whether somebody living holds a folder; a folder without a lock file counts as held."""
    return _file_is_held(folder / LOCK, absent=True)


def _file_is_held(file: Path, absent: bool) -> bool:
    try:
        stream = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return absent
    except OSError:
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _beats_elsewhere(file, stream)
    except BlockingIOError:
        return True
    finally:
        os.close(stream)


def _kernel() -> str:
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.is_file() else "unknown"


def _beats_elsewhere(file: Path, stream: int) -> bool:
    """Whether another kernel than ours took this lock and touched it a moment ago.

    Both times are the file system's, so that a clock that is wrong here changes nothing.
    """
    owner = os.pread(stream, 100, 0).decode("ascii", "replace")
    if not owner or owner == _kernel():
        return False
    probe = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        probe.touch(mode=0o600)
        age = probe.stat().st_mtime - os.fstat(stream).st_mtime
    except OSError:
        return True
    finally:
        probe.unlink(missing_ok=True)
    return age < SILENT_SECONDS


def _is_there(file: Path, stream: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(stream))
    except FileNotFoundError:
        return False


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold a folder for a block, made where it is absent; False where somebody else has it.

    The folder may be removed inside the block.
    """
    held = hold(folder / LOCK)
    try:
        yield held is not None
    finally:
        if held is not None:
            held.release()


def remove_held(folder: Path) -> None:
    """Remove a folder that is held, its lock last: who comes next finds all or nothing of it."""
    for entry in folder.iterdir():
        if entry.is_dir():
            remove(entry)
        elif entry.name != LOCK:
            entry.unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    with suppress(OSError):  # somebody else has begun there
        folder.rmdir()


# ---------------------------------------------------------------- modes


def private(folder: Path) -> Path:
    """Make a folder for its owner only, and return it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


@contextmanager
def owner_only() -> Iterator[int]:
    """Make every file and folder of a block for the owner only; yields the umask of before."""
    before = os.umask(OWNER_ONLY)
    try:
        yield before
    finally:
        os.umask(before)


def open_up(top: Path, umask: int, closed: frozenset[str] = frozenset()) -> None:
    """Give a folder the modes that its user's umask asks for, but for the closed names in it."""
    top.chmod(0o777 & ~umask)
    for entry in sorted(top.iterdir()):
        if entry.name in closed or entry.is_symlink():
            continue
        if entry.is_dir():
            open_up(entry, umask)
        else:
            entry.chmod(0o666 & ~umask)


# ---------------------------------------------------------------- work beside a place


def work_name(place: Path) -> Path:
    """Return a new hidden name beside a place, for work that will stand there."""
    return place.with_name(f".{place.name}.{secrets.token_hex(6)}{PARTIAL}")


def _lock_of(work: Path) -> Path:
    return work.with_name(work.name.removesuffix(PARTIAL) + ".lock")


@contextmanager
def work_beside(place: Path) -> Iterator[Path]:
    """Make and hold a private folder beside a place for a block; what is left of it is removed."""
    work = work_name(place)
    held = hold(_lock_of(work))
    try:
        private(work)
        yield work
    finally:
        remove(work)
        if held is not None:
            held.release(remove=True)


def left_behind(parent: Path, name: str = "*") -> list[Path]:
    """Return the work folders beside places that nobody living holds."""
    return [
        work
        for work in sorted(parent.glob(f".{name}.*{PARTIAL}"))
        if not _file_is_held(_lock_of(work), absent=False)
    ]


def remove_left(parent: Path, name: str = "*") -> None:
    """Remove what the killed have left beside places: work folders, and locks of none."""
    for work in left_behind(parent, name):
        forget(work)
    for lock in sorted(parent.glob(f".{name}.*.lock")):
        work = lock.with_name(lock.name.removesuffix(".lock") + PARTIAL)
        # a lock is taken before its folder is made: only one that can be had is nobody's
        if not work.exists() and (held := hold(lock)) is not None:
            held.release(remove=not work.exists())


def forget(work: Path) -> None:
    """Remove a work folder that nobody holds, its lock last."""
    held = hold(_lock_of(work))
    if held is not None:
        remove(work)
        held.release(remove=True)


def remove(folder: Path) -> None:
    """Remove a folder as far as the system lets us; what is in use elsewhere is left."""
    shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- publishing


def publish(work: Path, place: Path, replace: bool = True) -> None:
    """Put a finished folder in its place in one step, and remove what stood there.

    What is written is on the disk before the step, and the step itself before this returns. Raises
    FileExistsError where something stands there and `replace` is false.
    """
    sync(work)
    try:
        _rename(work, place, _NOREPLACE)
    except FileExistsError:
        if not replace:
            raise
        exchange(work, place)
    _sync_folder(place.parent)
    remove(work)


def exchange(work: Path, place: Path) -> None:
    """Exchange two folders in one step, or, where the file system cannot, in two with a way back.

    There the earlier folder is called `.NAME.old` between the two renames, and `recover` gives it
    its name back.
    """
    try:
        _rename(work, place, _EXCHANGE)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        old = _old_of(place)
        remove(old)
        place.rename(old)
        _sync_folder(place.parent)
        work.rename(place)
        old.rename(work)


def recover(parent: Path, name: str = "*") -> None:
    """Give back its name to what a fallback exchange was killed in."""
    for old in sorted(parent.glob(f".{name}.old")):
        place = old.with_name(old.name.removeprefix(".").removesuffix(".old"))
        if place.exists():
            remove(old)
        else:
            with suppress(OSError):
                old.rename(place)


def _old_of(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")


def _rename(source: Path, target: Path, flags: int) -> None:
    """Rename by renameat2: never over something that is there, or as an exchange."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        failed = errno.ENOSYS
    elif call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flags) == 0:
        return
    else:
        failed = ctypes.get_errno()
    if flags == _NOREPLACE and failed in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        source.rename(target)
        return
    raise OSError(failed, os.strerror(failed), str(source), None, str(target))


def sync(folder: Path) -> None:
    """Have everything below a folder on the disk: the files side by side, then their folders."""
    found = [(Path(top), names) for top, _, names in os.walk(folder)]
    files = [top / name for top, names in found for name in names]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_sync_file, [file for file in files if not file.is_symlink()]))
    for top, _ in found:
        _sync_folder(top)


def _sync_file(file: Path) -> None:
    stream = os.open(file, os.O_RDONLY)
    try:
        os.fsync(stream)
    finally:
        os.close(stream)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some shares cannot; the rename itself is whole all the same
        _sync_file(folder)


def write_whole(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a small file so that a reader sees the old content or the new, never a part."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        stream = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(stream, "wb") as out:
            out.write(content)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
