"""Shutting a process in: from then on it can read and write what it was given, and nothing else.

A page is executed in a process that has nothing but public tables. Where the kernel has Landlock
(Linux 5.13 and newer), the kernel itself refuses every other file, to this process and all that it
would start; it needs no rights to ask for that. Elsewhere an audit hook of the interpreter refuses
what Python code opens: a fence for mistakes, not for malice, and the manifest says which it was.
"""

import ctypes
import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tcoc.errors import TcocError
from tcoc.paths import notebooks_dir, params_dir

LANDLOCK = "landlock"
AUDIT_HOOK = "audit hook"

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_NO_NEW_PRIVS = 38
_VERSION = 1
_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_FIRST = (1 << 13) - 1
"""The rights that the first version of Landlock knows; later ones add their own."""

_ADDED = {2: 1 << 13, 3: _TRUNCATE, 5: 1 << 15}
_MAKE_SPECIAL = (1 << 6) | (1 << 11)
"""Devices, which nobody makes in a folder of temporary files."""

_FILES_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share", "/etc/fonts",
           "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/machine-id",
           "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")  # fmt: skip
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def own_files() -> list[Path]:
    """Return what the interpreter, its libraries and this library have to read of themselves."""
    package = Path(__file__).resolve().parents[1]
    python = [sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    prefixes = [sys.prefix] if sys.prefix != sys.base_prefix else []
    named = [*python, *prefixes, *_SYSTEM, f"/proc/{os.getpid()}"]
    return [package, params_dir(), notebooks_dir(), *(Path(name) for name in named)]


def landlock_version() -> int:
    """Return the version of Landlock that the kernel has, 0 where it has none."""
    found = _libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    return max(int(found), 0)


def confine(readable: Sequence[Path], writable: Sequence[Path], hook_only: bool = False) -> str:
    """Let this process read some folders and write to some, for good; return what holds it.

    Raises TcocError where the kernel has Landlock and refuses to use it.
    """
    version = 0 if hook_only else landlock_version()
    if version:
        _landlock(version, readable, writable)
        return f"{LANDLOCK} {version}"
    _audit(readable, writable)
    return AUDIT_HOOK


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _landlock(version: int, readable: Sequence[Path], writable: Sequence[Path]) -> None:
    files = _FIRST
    for since, right in _ADDED.items():
        files |= right if version >= since else 0
    # from version 4 on also TCP, from 6 on signals and named sockets of others
    rules = _Ruleset(files, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    try:
        for path in readable:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        for path in writable:
            _allow(ruleset, path, files & ~_EXECUTE & ~_MAKE_SPECIAL)
        for name in _DEVICES:
            _allow(ruleset, Path(name), _READ_FILE | _WRITE_FILE)
        if _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise TcocError(
                f"the kernel refuses to lock a page in: {os.strerror(ctypes.get_errno())}"
            )
        _call(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there need not be allowed
        return
    try:
        allowed = rights if path.is_dir() else rights & _FILES_ONLY
        rule = _Beneath(allowed, parent)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_BENEATH), ctypes.byref(rule), 0)
    finally:
        os.close(parent)


def _call(number: int, *arguments: Any) -> int:
    found = int(_libc().syscall(number, *arguments))
    if found < 0:
        said = os.strerror(ctypes.get_errno())
        raise TcocError(f"the kernel refuses to lock a page in (call {number}): {said}")
    return found


# ---------------------------------------------------------------- where there is no Landlock


def _audit(readable: Sequence[Path], writable: Sequence[Path]) -> None:
    """Refuse by an audit hook; a hook cannot be taken away again."""
    write = tuple(str(path.resolve()) for path in (*writable, *map(Path, _DEVICES)))
    read = (*write, *(str(path.resolve()) for path in readable))
    changes = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink",
               "os.truncate", "os.chmod", "os.chown", "shutil.rmtree", "shutil.move"}  # fmt: skip
    refused = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork",
               "os.forkpty", "socket.connect", "socket.bind", "sqlite3.connect"}  # fmt: skip

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in refused:
            raise PermissionError(13, "Permission denied", event)
        if event == "open":
            path, mode, flags = arguments
            writes = any(c in (mode or "") for c in "wax+") or bool((flags or 0) & _WRITING)
            _admit(path, write if writes else read)
        elif event in changes or event in ("os.listdir", "os.scandir"):
            _admit(arguments[0] if arguments else ".", write if event in changes else read)

    sys.addaudithook(hook)


_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _admit(path: Any, allowed: Sequence[str]) -> None:
    if isinstance(path, int) or path is None:
        return
    full = os.path.realpath(os.fsdecode(path))
    if not any(full == top or full.startswith(f"{top.rstrip('/')}/") for top in allowed):
        raise PermissionError(13, "Permission denied", os.fsdecode(path))
