"""The one cache: files by their content, and under which circumstances each holds.

An entry says what was made (a table, the public tables of a run, a page), on what code and
libraries it rests (its base, known before it is made), and what it read while it was made: policy
values by dotted name, settings of the run, the store, reference tables, other tables, each with a
digest. It holds wherever all of these are the same again. Batch runs and open notebooks share it.

All of it is the owner's alone; `limit` bounds its size, and what was not used for longest goes.
"""

import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from tcoc.errors import InputError
from tcoc.folders import hold, private, remove, write_whole
from tcoc.paths import params_dir
from tcoc.resources.shortage import size_of

FORMAT = 2
"""Part of every base; to be raised when what a base covers changes."""

FOLDER = ".cache"
LIMIT_VARIABLE = "TCOC_CACHE_LIMIT"
DEFAULT_LIMIT = "20GB"

NUMBERS = ("duckdb", "highspy", "ibis-framework", "numpy", "pandas", "pyarrow", "pyspark", "scipy",
           "sqlglot", "statsmodels", "zipcodes")  # fmt: skip
"""The libraries that decide a table's numbers."""

PAGES = (*NUMBERS, "great-tables", "ipython", "jinja2", "matplotlib", "nbconvert", "nbformat",
         "papermill", "pillow", "seaborn")  # fmt: skip
"""The libraries that decide what a page looks like."""

_RECENT_NS = 2_000_000_000
"""A file changed so lately may change again within the same tick of its clock: not remembered."""

_PACKAGE = Path(__file__).resolve().parent
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(tcoc[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)"
    r"|import[ \t]+(tcoc[\w.]*))",
    re.MULTILINE,
)

Read = tuple[str, str, str]
"""Something that was read: its kind (policy, setting, store, reference, table), name, digest."""


def digest_of(content: Any) -> str:
    """Return the SHA-256 of plain data."""
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# ---------------------------------------------------------------- code and libraries


def closure(modules: Iterable[str], package: Path = _PACKAGE) -> dict[str, str]:
    """Return the files of this package that some modules run, by path within it, with their hash.

    Imports are followed wherever they stand. The `__init__` of a package that a module merely lies
    in is not part of its closure, only that of one from which something is imported.
    """
    found: dict[str, str] = {}
    waiting = [file for name in modules if (file := _file_of(name, package))]
    while waiting:
        file = waiting.pop()
        key = file.relative_to(package).as_posix()
        if key not in found:
            # read again only when it changed: the code of most tables overlaps
            found[key], imported = _read_code(file, package, _stamp(file))
            waiting += imported
    return found


@cache
def _read_code(file: Path, package: Path, stamp: str) -> tuple[str, tuple[Path, ...]]:
    """Return the hash of a module's file as of a stamp, and the files that it imports."""
    content = file.read_bytes()
    return hashlib.sha256(content).hexdigest(), tuple(_imported(content.decode(), package))


def _imported(code: str, package: Path) -> list[Path]:
    files: list[Path | None] = []
    for origin, names, module in _IMPORT.findall(code):
        if module:
            files.append(_file_of(module, package))
            continue
        plain = names.strip("()").replace("\n", ",").split(",")
        found = (part.split("#")[0].split(" as ")[0].strip() for part in plain)
        files += [
            _file_of(f"{origin}.{name}", package) or _file_of(origin, package)
            for name in found
            if name
        ]
    return [file for file in files if file is not None]


def _file_of(module: str, package: Path) -> Path | None:
    parts = module.split(".")
    if parts[0] != "tcoc":
        return None
    base = package.joinpath(*parts[1:])
    for file in (base.with_suffix(".py") if parts[1:] else base / "__init__.py",
                 base / "__init__.py"):  # fmt: skip
        if file.is_file():
            return file
    return None


@cache
def code_digest(modules: frozenset[str], package: Path = _PACKAGE) -> str:
    """Return the digest of the code that some modules run."""
    return digest_of(closure(sorted(modules), package))


@cache
def package_digest(package: Path = _PACKAGE) -> str:
    """Return the digest of every file of this package, by its path within it."""
    left_out = {"__pycache__", "_project"}
    files = [
        file
        for file in sorted(package.rglob("*"))
        if file.is_file() and not left_out & set(file.relative_to(package).parts)
    ]
    return _files_digest(files, package)


@cache
def parameter_digest(folder: Path | None = None) -> str:
    """Return the digest of the parameter files that are read by path.

    Policy values and run files are hashed by what was read of them; the parameters of the
    synthetic worlds reach a run by its store alone.
    """
    base = folder or params_dir()
    left_out = {"policy", "runs", "synthetic"}
    files = [
        file
        for file in sorted(base.rglob("*"))
        if file.is_file() and file.relative_to(base).parts[0] not in left_out
    ]
    return _files_digest(files, base)


def _files_digest(files: Sequence[Path], base: Path) -> str:
    return digest_of([[file.relative_to(base).as_posix(), sha256(file)] for file in files])


def libraries(names: Sequence[str] = NUMBERS) -> dict[str, str]:
    """Return the versions of Python and of some libraries; what is not installed has none."""
    return dict(_libraries(tuple(names), metadata.version))


@cache
def _libraries(names: tuple[str, ...], version: Callable[[str], str]) -> dict[str, str]:
    # once in a process: who asks for a version has the package's whole description parsed
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found[name] = version(name)
    return found


def base_key(kind: str, modules: frozenset[str], facts: Any, names: Sequence[str] = NUMBERS) -> str:
    """Return what something rests on before it reads anything: the one function that says so.

    The code that it runs, the libraries that decide it, the parameter files that code reads by
    path, and what else its maker states of it (`facts`: a table's key and schema, the engine).
    """
    return digest_of(
        [FORMAT, kind, code_digest(modules), libraries(names), parameter_digest(), facts]
    )


# ---------------------------------------------------------------- entries


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
    """A folder of entries and of files by content, for its owner only."""

    def __init__(self, folder: Path, limit: str | None = None) -> None:
        self.folder = folder
        self.limit = _limit(limit or os.environ.get(LIMIT_VARIABLE) or DEFAULT_LIMIT)
        self._kept: list[Entry] = []

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
            os.utime(self._entry_file(entry))
        return True

    def keep(self, entry: Entry, folder: Path, link: bool = True) -> None:
        """Keep what was made in a folder; `entry.files` names the files with their hash.

        Without `link` they are copied: files that leave the building get modes of their own.
        """
        private(self.folder)
        for name, digest in entry.files.items():
            self._add(folder / name, digest, link)
        file = self._entry_file(entry)
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
        }
        write_whole(file, json.dumps(content, indent=1).encode())
        self._kept.append(entry)

    def forget_kept(self) -> None:
        """Forget what was kept through this cache: what it rests on changed while it was made."""
        for entry in self._kept:
            self._forget(entry)
        self._kept.clear()

    def latest(self, kind: str) -> list[Entry]:
        """Return the entry of a kind that was used last, on whatever base; none where none is."""
        files = sorted((self.folder / "entries" / kind).glob("*.json"), key=_mtime, reverse=True)
        found = (_read_entry(file) for file in files[:1])
        return [entry for entry in found if entry is not None]

    @contextmanager
    def making(self, kind: str, base: str, what: str) -> Iterator[None]:
        """Wait until nobody else makes the same thing, so that it is made once."""
        name = f"{kind}-{digest_of([base, what])[:24]}"
        held = hold(private(self.folder / "locks") / name, wait=True)
        try:
            yield
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
        _place(source, partial, link)
        partial.chmod(0o600)
        partial.replace(target)
        self._note(digest)

    def _whole(self, digest: str) -> bool:
        file, seen = self._object(digest), self._seen(digest)
        if not file.is_file():
            return False
        if seen == _stamp(file):
            return True
        if sha256(file) == digest:
            self._note(digest)
            return True
        file.unlink(missing_ok=True)
        return False

    def _note(self, digest: str) -> None:
        write_whole(
            self._object(digest).with_suffix(".seen"), _stamp(self._object(digest)).encode()
        )

    def _seen(self, digest: str) -> str:
        try:
            return self._object(digest).with_suffix(".seen").read_text(encoding="ascii")
        except OSError:
            return ""

    def _object(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest

    def _entry_file(self, entry: Entry) -> Path:
        return self.folder / "entries" / entry.kind / f"{entry.name}.json"

    def _forget(self, entry: Entry) -> None:
        self._entry_file(entry).unlink(missing_ok=True)

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
        stamps = {str(file): _stamp(file) for file in files}
        unknown = [f for f in files if known.get(str(f), [""])[0] != stamps[str(f)]]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            made = dict(zip(map(str, unknown), pool.map(sha256, unknown), strict=True))
        fresh = {
            name: [stamps[name], digest]
            for name, digest in made.items()
            if _old_enough(Path(name)) and _stamp(Path(name)) == stamps[name]
        }
        if fresh:
            known.update(fresh)
            private(self.folder)
            write_whole(self.folder / "files.json", json.dumps(known, indent=0).encode())
        return [made.get(str(file)) or known[str(file)][1] for file in files]

    # ------------------------------------------------------------ size

    def usage(self) -> Usage:
        """Return what the cache holds."""
        objects = self._objects()
        entries = {f.name: len(list(f.glob("*.json"))) for f in self._kinds()}
        return Usage(sum(objects.values()), len(objects), entries, self.limit)

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
        return gone

    def _kinds(self) -> list[Path]:
        return sorted(f for f in (self.folder / "entries").glob("*") if f.is_dir())

    def _objects(self) -> dict[str, int]:
        files = [f for f in (self.folder / "objects").glob("??/*") if len(f.name) == 64]
        return {f.name: self._size(f.name) for f in files}

    def _size(self, digest: str) -> int:
        with suppress(OSError):
            return self._object(digest).stat().st_size
        return 0


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
    try:
        if link:
            with suppress(OSError):  # not on every file system
                os.link(source, target)
                return True
        shutil.copyfile(source, target)
    except FileNotFoundError:
        return False
    target.chmod(0o600)
    return True


def _stamp(file: Path) -> str:
    seen = file.stat()
    return f"{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ino}"


def _old_enough(file: Path) -> bool:
    return time.time_ns() - file.stat().st_mtime_ns > _RECENT_NS


def _mtime(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
