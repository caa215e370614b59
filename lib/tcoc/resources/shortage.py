"""Too little memory or disk, said in one sentence: what was being done, what is short, what helps.

The engine, pandas, pyarrow and the system each have words of their own for it. Work goes through
`explained`, which turns these into a ShortageError; every other error passes as it is.
"""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tcoc.errors import InputError, TcocError

LIMIT_VARIABLE = "TCOC_MEMORY_LIMIT"
SPILL_VARIABLE = "TCOC_SPILL"
DEFAULT_LIMIT = "4GB"
LEAST_LIMIT = 10_000_000
"""Below this the engine cannot even plan a query."""

LEAST_HALF = 700_000_000
"""With less the largest tables of a state cannot be written in order."""

MOST_LIMIT = 10**15
"""No machine has more; a larger number is a slip, and overflows the engine's own."""

SHARE_OF_MACHINE = 0.6
"""A limit that nobody chose leaves the rest of a small machine to Python and the notebooks."""

_UNITS = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
          "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}  # fmt: skip
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]i?b)", re.IGNORECASE)
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

_FULL = {errno.ENOSPC: "is full", errno.EDQUOT: "has no more room for you (quota)",
         errno.EFBIG: "takes no larger file"}  # fmt: skip
_SYSTEM_MEMORY = re.compile(r"bad_alloc|Allocation failure|Cannot allocate memory|Unable to alloc")
_ENGINE_MEMORY = re.compile(r"Out of Memory Error|OutOfMemoryError|Java heap space")
_SPILL_FULL = re.compile(r"max_temp_directory_size|failed to offload")
_DAMAGED = re.compile(
    r"No magic bytes|too small to be a Parquet|Parquet magic bytes"
    r"|TProtocolException|Variable-length int|ZSTD Decompress"
    r"|Corrupt|[Dd]eserialize thrift|[Ff]ailed to decode|Invalid (?:number of bytes|data) "
)
_NAMED_FILE = re.compile(r"""(?:file|directory) ["']([^"']+)["']""")


class ShortageError(TcocError):
    """Memory or disk did not suffice for a step; `disk` tells which (exit status 1)."""

    def __init__(self, sentence: str, disk: bool = False) -> None:
        super().__init__(sentence)
        self.disk = disk


@dataclass(frozen=True)
class Bounds:
    """What an engine may use: its memory limit, and the folder for what does not fit in it."""

    limit: str = ""
    spill: Path | None = None


# ---------------------------------------------------------------- the limit


def memory_limit(chosen: str | None = None, default: str = DEFAULT_LIMIT) -> str:
    """Return the engine's memory limit: the chosen one, else TCOC_MEMORY_LIMIT, else the default.

    The default is at most 60 % of the machine's memory. Raises InputError for a text that is no
    size, or for less than any query needs.
    """
    if chosen is not None:
        return _checked(chosen.strip(), "memory limit")
    if said := os.environ.get(LIMIT_VARIABLE):
        return _checked(said.strip(), LIMIT_VARIABLE)
    room = int(machine_memory() * SHARE_OF_MACHINE)
    return default if room >= size_of(default) else f"{room // 1_000_000}MB"


def _checked(said: str, origin: str) -> str:
    if not _SIZE.fullmatch(said):
        raise InputError(
            f'{origin}: found "{said}", expected a number and a unit, such as 500MB or 4GB'
        )
    if size_of(said) < LEAST_LIMIT:
        raise InputError(f"{origin}: found {said}, expected at least {words(LEAST_LIMIT)}")
    if size_of(said) > MOST_LIMIT:
        raise InputError(f"{origin}: found {said}, expected at most {words(MOST_LIMIT)}")
    return said


def size_of(limit: str) -> float:
    """Return the bytes of a size such as 4GB."""
    found = _SIZE.fullmatch(limit)
    return float(found.group(1)) * _UNITS[found.group(2).lower()] if found else 0.0


def halved(limit: str) -> str:
    """Return half of a limit, for each of two processes; nothing where half is too little."""
    half = int(size_of(limit) / 2)
    return f"{half // 1_000_000}MB" if half >= LEAST_HALF else ""


def machine_memory() -> int:
    """Return the bytes of memory that this process can have: the machine's or its container's."""
    import psutil

    total = int(psutil.virtual_memory().total)
    files = [Path(name) for name in _CGROUPS]
    given = [f.read_text().strip() for f in files if f.is_file()]
    return min([total, *(int(text) for text in given if text.isdigit())])


def too_high(limit: str | None) -> str:
    """Say that a limit is above what the machine has, or return an empty string."""
    if not limit or size_of(memory_limit(limit)) <= machine_memory():
        return ""
    return (
        f"the memory limit of {limit} is more than this machine's {words(machine_memory())};"
        " the system may end the work without a word"
    )


def words(size: float) -> str:
    """Return bytes in words: 24.1 GB, 12 MB."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


@contextmanager
def limited(chosen: str | None) -> Iterator[None]:
    """Keep this process and those that it starts to a chosen memory limit, for a block."""
    if chosen is None:
        yield
        return
    before = os.environ.get(LIMIT_VARIABLE)
    os.environ[LIMIT_VARIABLE] = memory_limit(chosen)
    try:
        yield
    finally:
        if before is None:
            del os.environ[LIMIT_VARIABLE]
        else:
            os.environ[LIMIT_VARIABLE] = before


# ---------------------------------------------------------------- the sentence


@contextmanager
def explained(
    step: str | Callable[[], str], bounds: Bounds | None = None, place: Path | None = None
) -> Iterator[None]:
    """Name what is being done in a block, and say in one sentence what it was short of.

    `place` is the folder that the block writes to, where an error does not name one itself.
    """
    try:
        yield
    except TcocError:
        raise
    except Exception as error:
        if str(error) == "Query interrupted":  # the engine's word for Ctrl-C and SIGTERM
            raise KeyboardInterrupt from error
        name = step if isinstance(step, str) else step()
        if damaged := _damaged(error):
            raise InputError(f"{name}: {damaged}") from error
        short = shortage(error, bounds, place)
        if short is None:
            raise
        raise ShortageError(f"{name}: {short}", short.disk) from error


def _damaged(error: Exception) -> str:
    """Say that a Parquet file is damaged, and which where that is known; else an empty string."""
    said = str(error)
    if not _DAMAGED.search(said):
        return ""
    found = _NAMED_FILE.search(said)
    where = found.group(1) if found else "a Parquet file (`tcoc check` of the store says which)"
    return f"{where}: is damaged and cannot be read"


def shortage(
    error: BaseException, bounds: Bounds | None = None, place: Path | None = None
) -> ShortageError | None:
    """Return what an error says was short, or None where it is about something else."""
    bounds, said, number = bounds or Bounds(), str(error), getattr(error, "errno", None)
    if _SPILL_FULL.search(said):
        return _spill_full(bounds)
    if (full := _full_disk(said, number)) is not None:
        return _disk_full(full, _named(error, said) or place, bounds)
    if isinstance(error, MemoryError) or number == errno.ENOMEM or _SYSTEM_MEMORY.search(said):
        return _machine_full()
    return _limit_reached(bounds) if _ENGINE_MEMORY.search(said) else None


def _full_disk(said: str, number: int | None) -> int | None:
    """Return the system's number of a full disk, by the number or by the words for it."""
    return next((n for n in _FULL if n == number or os.strerror(n) in said), None)


def _named(error: BaseException, said: str) -> Path | None:
    name = getattr(error, "filename", None)
    found = _NAMED_FILE.search(said)
    return Path(name) if name else Path(found.group(1)) if found else None


def _limit_reached(bounds: Bounds) -> ShortageError:
    limit = bounds.limit or memory_limit()
    return ShortageError(
        f"needs more memory than the engine's limit of {limit}; raise it with --memory-limit or"
        f" {LIMIT_VARIABLE} (this machine has {words(machine_memory())})"
    )


def _machine_full() -> ShortageError:
    import psutil

    free = words(psutil.virtual_memory().available)
    return ShortageError(
        f"the memory of this machine does not suffice ({words(machine_memory())}, {free} free);"
        " end other programs, ask for less at once, or take a larger machine"
    )


def _spill_full(bounds: Bounds) -> ShortageError:
    limit = bounds.limit or memory_limit()
    folder = shown(bounds.spill.parent if bounds.spill else None)
    return ShortageError(
        f"what does not fit in the memory limit of {limit} is written to {folder}, and its disk is"
        f" full{_free(bounds.spill)}; raise the limit with --memory-limit or {LIMIT_VARIABLE}, or"
        f" name a folder with more room in {SPILL_VARIABLE}",
        disk=True,
    )


def _disk_full(number: int, file: Path | None, bounds: Bounds) -> ShortageError:
    if file and bounds.spill and file.is_relative_to(bounds.spill):
        return _spill_full(bounds)
    return ShortageError(
        f"the disk of {shown(file)} {_FULL[number]}{_free(file)}; make room or choose another"
        " place",
        disk=True,
    )


def shown(file: Path | None) -> str:
    """Name a folder as the user knows it: the part of a path before the first hidden name."""
    if file is None:
        return "the output folder"
    folder = file.parent if file.suffix else file
    parts = folder.parts
    hidden = next((i for i, name in enumerate(parts) if name.startswith(".")), len(parts))
    return str(Path(*parts[:hidden])) if hidden else "this folder"


def _free(file: Path | None) -> str:
    """Say how much room a file's disk has, where that can be asked."""
    there = next((p for p in (file, *file.parents) if p.exists()), None) if file else None
    if there is None:
        return ""
    room = os.statvfs(there)
    return f" ({words(room.f_bavail * room.f_frsize)} free)"
