"""What something rests on before it reads anything: code, libraries, parameter files, as digests.

The code of a table or page is the closure of the modules it runs, so that a change elsewhere leaves
what is kept of it as it was.
"""

import hashlib
import json
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tcoc.paths import params_dir

FORMAT = 2
"""Part of every base; to be raised when what a base covers changes."""

NUMBERS = ("duckdb", "highspy", "ibis-framework", "numpy", "pandas", "pyarrow", "pyspark", "scipy",
           "sqlglot", "statsmodels", "zipcodes")  # fmt: skip
"""The libraries that decide a table's numbers."""

PAGES = (*NUMBERS, "great-tables", "ipython", "jinja2", "matplotlib", "mistune", "nbformat",
         "papermill", "pillow", "seaborn", "xlsxwriter")  # fmt: skip
"""The libraries that decide what a page looks like."""

_PACKAGE = Path(__file__).resolve().parent
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(tcoc[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)"
    r"|import[ \t]+(tcoc[\w.]*))",
    re.MULTILINE,
)


def digest_of(content: Any) -> str:
    """Return the SHA-256 of plain data."""
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stamp(file: Path) -> str:
    """Return what of a file changes when it is written again, without reading it."""
    seen = file.stat()
    return f"{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ino}"


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
            found[key], imported = _read_code(file, package, stamp(file))
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
