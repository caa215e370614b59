"""The one cache: files by their content, and under which circumstances each holds.

An entry says what was made (a table, the public tables of a run, a page), on what code and
libraries it rests (its base, known before it is made), and what it read while it was made: policy
values by dotted name, settings of the run, the store, reference tables, other tables, each with a
digest. It holds wherever all of these are the same again. Batch runs and open notebooks share it.

All of it is the owner's alone; `limit` bounds its size, and what was not used for longest goes.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tcoc.errors import InputError
from tcoc.folders import hold, private, remove, write_whole
from tcoc.identity import digest_of, sha256, stamp
from tcoc.resources.shortage import size_of

FOLDER = ".cache"
LIMIT_VARIABLE = "TCOC_CACHE_LIMIT"
DEFAULT_LIMIT = "20GB"

_RECENT_NS = 2_000_000_000
"""A file changed so lately may change again within the same tick of its clock: not remembered."""

_CUT_OFF_SECONDS = 3600.0
"""An object that was not written to for so long and is not whole is nobody's."""

Read = tuple[str, str, str]
"""Something that was read: its kind (policy, setting, store, reference, table), name, digest."""


@dataclass(frozen=True)
class Entry:
    """Something that was made: on what it rests, what it read, and its files by content."""

    kind: str
    base: str
    reads: tuple[Read, ...]
    files: Mapping[str, str]
    size: int = 0
    seconds: float = 0.0
    made: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    facts: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""

    @property
    def name(self) -> str:
        """The stem of its file: the same base and reads are the same entry."""
        return f"{self.base[:24]}-{digest_of(self.reads)[:24]}"


@dataclass(frozen=True)
class Usage:
    """What a cache holds: bytes, objects and entries by kind."""

    size: int
    objects: int
    entries: Mapping[str, int]
    limit: int


class Cache:
    """A folder of entries and of files by content, for its owner only.

    `run` tells what one run kept, in both of its processes, from what others did.
    """

    def __init__(self, folder: Path, limit: str | None = None, run: str = "") -> None:
        self.folder = folder
        self.limit = _limit(limit or os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT)
        self.run = run or secrets.token_hex(8)

    def __repr__(self) -> str:
        return f"Cache({self.folder.name})"

    # ------------------------------------------------------------ looking up and keeping

    def entries(self, kind: str, base: str) -> Iterator[Entry]:
        """Return the entries of a kind on a base, the latest used first."""
        folder = self.folder / "entries" / kind
        files = [(_mtime(f), f) for f in folder.glob(f"{base[:24]}-*.json")]
        for _, file in sorted(files, reverse=True):
            entry = _read_entry(file)
            if entry is not None and entry.base == base:
                yield entry

    def find(self, kind: str, base: str, reads: Sequence[Read]) -> Entry | None:
        """Return the entry of a kind on a base that read just this, None where there is none."""
        wanted = Entry(kind, base, tuple(reads), {})
        entry = _read_entry(self.entry_file(wanted))
        same = entry is not None and (entry.base, entry.reads) == (base, wanted.reads)
        return entry if same else None

    def take(self, entry: Entry, folder: Path, link: bool = True) -> bool:
        """Put the files of an entry into a folder, all or none; False where one is not as it was.

        A file that is linked in a run folder can be changed there by mistake: size and time tell
        whether it has to be read again before it is believed, and one that differs is removed.
        """
        done: list[Path] = []
        for name, digest in entry.files.items():
            target = folder / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._whole(digest) or not _place(self._object(digest), target, link):
                self._forget(entry)
                for file in done:
                    file.unlink(missing_ok=True)
                return False
            done.append(target)
        with suppress(OSError):
            os.utime(self.entry_file(entry))
        return True

    def keep(self, entry: Entry, folder: Path, link: bool = True) -> None:
        """Keep what was made in a folder; `entry.files` names the files with their hash.

        Without `link` they are copied: files that leave the building get modes of their own.
        """
        private(self.folder)
        for name, digest in entry.files.items():
            self._add(folder / name, digest, link)
        file = self.entry_file(entry)
        private(self.folder / "entries")
        private(file.parent)
        size = sum((folder / name).stat().st_size for name in entry.files)
        content = {
            "kind": entry.kind,
            "base": entry.base,
            "reads": entry.reads,
            "files": dict(entry.files),
            "size": size,
            "seconds": round(entry.seconds, 3),
            "made": entry.made,
            "facts": dict(entry.facts),
            "run": self.run,
        }
        write_whole(file, json.dumps(content, indent=1).encode())

    def forget_kept(self) -> None:
        """Forget what this run kept: what it rests on changed while it was made."""
        for file in (self.folder / "entries").glob("*/*.json"):
            entry = _read_entry(file)
            if entry is not None and entry.run == self.run:
                self._forget(entry)

    def latest(self, kind: str) -> list[Entry]:
        """Return the entry of a kind that was used last, on whatever base; none where none is."""
        files = sorted((self.folder / "entries" / kind).glob("*.json"), key=_mtime, reverse=True)
        found = (_read_entry(file) for file in files[:1])
        return [entry for entry in found if entry is not None]

    @contextmanager
    def making(self, kind: str, base: str, what: str, wait: bool = True) -> Iterator[bool]:
        """Wait until nobody else makes the same thing, so that it is made once.

        Without `wait` what is yielded says whether it is this one's to make.
        """
        name = f"{kind}-{digest_of([base, what])[:24]}"
        held = hold(private(self.folder / "locks") / name, wait)
        try:
            yield held is not None
        finally:
            if held is not None:
                held.release(remove=True)

    def _add(self, source: Path, digest: str, link: bool) -> None:
        target = self._object(digest)
        if target.is_file() and self._whole(digest):
            return
        private(self.folder / "objects")
        private(target.parent)
        partial = target.with_name(f".{digest}.{secrets.token_hex(4)}")
        try:
            _place(source, partial, link)
            partial.chmod(0o600)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        self._note(digest)

    def _whole(self, digest: str) -> bool:
        file, seen = self._object(digest), self._seen(digest)
        if not file.is_file():
            return False
        if seen == stamp(file):
            return True
        if sha256(file) == digest:
            self._note(digest)
            return True
        file.unlink(missing_ok=True)
        return False

    def _note(self, digest: str) -> None:
        write_whole(self._object(digest).with_suffix(".seen"), stamp(self._object(digest)).encode())

    def _seen(self, digest: str) -> str:
        try:
            return self._object(digest).with_suffix(".seen").read_text(encoding="ascii")
        except OSError:
            return ""

    def _object(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest

    def entry_file(self, entry: Entry) -> Path:
        """Return the file that says what an entry is and rests on."""
        return self.folder / "entries" / entry.kind / f"{entry.name}.json"

    def _forget(self, entry: Entry) -> None:
        self.entry_file(entry).unlink(missing_ok=True)

    # ------------------------------------------------------------ hashes that are remembered

    @cached_property
    def _hashes(self) -> dict[str, list[str]]:
        try:
            content = json.loads((self.folder / "files.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def hashes(self, files: Sequence[Path]) -> list[str]:
        """Return the SHA-256 of files, several at a time; one that did not change is not read."""
        known = self._hashes
        stamps = {str(file): stamp(file) for file in files}
        unknown = [f for f in files if known.get(str(f), [""])[0] != stamps[str(f)]]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            made = dict(zip(map(str, unknown), pool.map(sha256, unknown), strict=True))
        fresh = {
            name: [stamps[name], digest]
            for name, digest in made.items()
            if _old_enough(Path(name)) and stamp(Path(name)) == stamps[name]
        }
        if fresh:
            known.update(fresh)
            private(self.folder)
            write_whole(self.folder / "files.json", json.dumps(known, indent=0).encode())
        return [made.get(str(file)) or known[str(file)][1] for file in files]

    # ------------------------------------------------------------ size

    def usage(self) -> Usage:
        """Return what the cache holds."""
        objects, cut_off = self._objects(), sum(map(_size_of, self._partial()))
        entries = {f.name: len(list(f.glob("*.json"))) for f in self._kinds()}
        return Usage(sum(objects.values()) + cut_off, len(objects), entries, self.limit)

    def clear(self) -> Usage:
        """Remove everything but what sessions at work hold, and return what was there."""
        before = self.usage()
        for name in ("entries", "objects"):
            remove(self.folder / name)
        (self.folder / "files.json").unlink(missing_ok=True)
        return before

    def trim(self) -> int:
        """Remove what was not used for longest until the rest fits, and return how many entries.

        Runs and sessions at work have links of their own to the files that they use.
        """
        held = hold(private(self.folder) / "lock")
        if held is None:
            return 0
        try:
            return self._trim()
        finally:
            held.release()

    def _trim(self) -> int:
        listed = [(_mtime(f), f) for kind in self._kinds() for f in kind.glob("*.json")]
        size, kept, gone = 0, set[str](), 0
        for _, file in sorted(listed, reverse=True):
            entry = _read_entry(file)
            new = set(entry.files.values()) - kept if entry else set()
            wanted = sum(self._size(digest) for digest in new)
            if entry is None or size + wanted > self.limit:
                file.unlink(missing_ok=True)
                gone += 1
                continue
            size, kept = size + wanted, kept | new
        newest = max((when for when, _ in listed), default=0)
        for digest in self._objects():
            file = self._object(digest)
            # an object younger than the newest entry may be one whose entry is being written
            if digest not in kept and (gone or _mtime(file) <= newest):
                file.unlink(missing_ok=True)
                file.with_suffix(".seen").unlink(missing_ok=True)
        for file in self._partial():
            with suppress(FileNotFoundError):  # just now it was whole
                if time.time() - file.stat().st_ctime > _CUT_OFF_SECONDS:
                    file.unlink()
        return gone

    def _kinds(self) -> list[Path]:
        return sorted(f for f in (self.folder / "entries").glob("*") if f.is_dir())

    def _objects(self) -> dict[str, int]:
        files = [f for f in (self.folder / "objects").glob("??/*") if len(f.name) == 64]
        return {f.name: self._size(f.name) for f in files}

    def _partial(self) -> list[Path]:
        """Return objects that are being added, or were when somebody was killed."""
        return [*(self.folder / "objects").glob("??/.*")]

    def _size(self, digest: str) -> int:
        return _size_of(self._object(digest))


def look_up(cache: Cache, kind: str, base: str, holds: Callable[[Read], bool]) -> Iterator[Entry]:
    """Return the entries of which everything that was read is the same again.

    What is cheap to compare comes first. Tables come last and in the order in which they were
    read: as long as all before is the same, the next one is read again for certain.
    """
    for entry in cache.entries(kind, base):
        plain = [read for read in entry.reads if read[0] != "table"]
        tables = [read for read in entry.reads if read[0] == "table"]
        if all(holds(read) for read in (*plain, *tables)):
            yield entry


def measured_file(cache: Cache, run: str, name: str) -> Path:
    """Return where a command keeps what it measured for the runs of a name (rule S1)."""
    return cache.folder.parent / f".{name}" / run / f"{name}.parquet"


def _limit(said: str) -> int:
    size = int(size_of(said.strip()))
    if size <= 0:
        raise InputError(
            f'{LIMIT_VARIABLE}: found "{said}", expected a number and a unit, such as 20GB'
        )
    return size


def _read_entry(file: Path) -> Entry | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        reads = tuple((str(a), str(b), str(c)) for a, b, c in content.pop("reads"))
        return Entry(reads=reads, **content)
    except (OSError, ValueError, TypeError, KeyError):
        file.unlink(missing_ok=True)  # of another format, or cut off: it is made again
        return None


def _place(source: Path, target: Path, link: bool) -> bool:
    """Link a file to a new name, or copy it; False where it has gone meanwhile."""
    target.unlink(missing_ok=True)
    # another process takes a file that is there for a whole one
    partial = target.with_name(f"{target.name}.partial")
    try:
        if link:
            with suppress(OSError):  # not on every file system
                os.link(source, target)
                return True
        shutil.copyfile(source, partial)
        partial.chmod(0o600)
        partial.replace(target)
    except FileNotFoundError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


def _old_enough(file: Path) -> bool:
    return time.time_ns() - file.stat().st_mtime_ns > _RECENT_NS


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _mtime(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
