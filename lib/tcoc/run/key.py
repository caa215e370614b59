"""What a whole run depends on, and whether a finished run depends on the same.

A run of which nothing changed says so and stops. That is what an analyst does most, so nothing
here loads the engine, the tables or the drawing libraries: they take longer than the answer.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tcoc.cache import FOLDER, Cache, measured_file
from tcoc.errors import InputError
from tcoc.folders import left_behind, owner_only
from tcoc.identity import PAGES, digest_of, libraries, package_digest, parameter_digest, sha256
from tcoc.manifest import read_manifest, read_private
from tcoc.params import Run, load_run
from tcoc.paths import LEDGER, RESULTS, notebooks_dir, project_root, result_file
from tcoc.resources.shortage import limited
from tcoc.run.places import outputs_dir
from tcoc.store.layout import Store, open_store, store_files

HOW_TO_REDO = "--fresh computes everything anew"


@dataclass(frozen=True)
class RunRequest:
    """What `tcoc run` was asked for."""

    file: Path
    only: tuple[str, ...] = ()
    changes: Mapping[str, Any] | None = None
    outputs: Path | None = None
    memory_limit: str | None = None
    workers: int = 2
    fresh: bool = False


def unchanged(request: RunRequest) -> Path | None:
    """Return the folder of the finished run that a request would only repeat, None where none is.

    An input that cannot be used is no reason to say anything here: what makes the run reads it
    again and says in one sentence what is wrong with it.
    """
    if request.fresh:
        return None
    with limited(request.memory_limit), owner_only():
        try:
            return _repeated(request)
        except (InputError, OSError):
            return None


def _repeated(request: RunRequest) -> Path | None:
    run = load_run(request.file, request.changes)
    store, files = open_store(run.store_path), run.reference_paths()
    if not set(request.only) <= set(run.spec.deliverables):
        return None
    names = [name for name in run.spec.deliverables if not request.only or name in request.only]
    outputs = outputs_dir(request.outputs, run.file)
    place = outputs / run.name
    # what a killed run has left has to be put right first
    ready = place.is_dir() and os.access(outputs, os.W_OK) and not left_behind(outputs)
    if not ready or not _all_there(run, names):
        return None
    cache = Cache(outputs / FOLDER)
    inputs = input_files(run, store, tuple(files.values()))
    key = run_key(run, names, store, inputs, cache.hashes(inputs), cache, place)
    return place if is_unchanged(place, key, cache) else None


def _all_there(run: Run, names: Sequence[str]) -> bool:
    files = (run.file, *(notebooks_dir() / f"{name}.ipynb" for name in names))
    return all(file.is_file() for file in files)


def input_files(run: Run, store: Store, references: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files that go into a run: run file, policy, tables, kept measurements."""
    results = [file for name in RESULTS if (file := result_file(name)).is_file()]
    tables = (*references, *store_files(store.root), *results)
    return (run.file, *run.policy.files.values(), *tables)


def run_key(
    run: Run,
    names: Sequence[str],
    store: Store,
    files: Sequence[Path],
    hashes: Sequence[str],
    cache: Cache,
    place: Path,
) -> str:
    """Return what a whole run depends on: two runs of one key are the same run.

    The earlier releases of its data are part of it, the release of the very run in `place` aside.
    """
    measured = measured_file(cache, run.name, "sensitivity")
    beside = sha256(measured) if measured.is_file() else ""
    spec = run.spec.model_dump(mode="json", exclude={"store", "reference", "deliverables"})
    notebooks = [(name, _content(notebooks_dir() / f"{name}.ipynb")) for name in sorted(names)]
    inputs = list(zip(shown(files, store), hashes, strict=True))[1:]
    code = [package_digest(), parameter_digest(), libraries(PAGES), git_commit()]
    store_hashes = [digest for name, digest in inputs if name.startswith("STORE/")]
    released = _released(place, store_hashes)
    return digest_of([code, spec, notebooks, inputs, beside, released])


def _released(place: Path, store_hashes: Sequence[str]) -> list[str]:
    """Return the earlier releases of the same data, the release of the run in a place aside."""
    if not (place.parent / LEDGER).is_dir():
        return []
    from tcoc.disclosure.record import record_digest
    from tcoc.run.release import RESTRICTED, earlier_releases

    earlier = earlier_releases(place.parent, store_hashes)
    return sorted(set(earlier) - {record_digest(place / RESTRICTED)})


def _content(file: Path) -> str:
    return digest_of(file.read_text(encoding="utf-8"))


def is_unchanged(place: Path, key: str, cache: Cache) -> bool:
    """Whether the finished run in a place depends on the same, and all its files are as made."""
    manifest, private = read_manifest(place), read_private(place)
    if manifest.state != "ok" or private.key != key:
        return False
    stated = {**manifest.files, **private.files}
    files = [place / name for name in stated]
    if not all(file.is_file() for file in files):
        return False
    return cache.hashes(files) == list(stated.values())


def said(place: Path) -> str:
    """Return the sentence for a run of which nothing changed."""
    started = read_manifest(place).started[:16]
    return f"nothing changed since the run of {started} UTC ({HOW_TO_REDO})"


def shown(files: Sequence[Path], store: Store) -> list[str]:
    """Name input files without the paths of this machine."""
    bases = ((store.root, "STORE/"), (project_root(), ""))
    names = []
    for file in files:
        base = next(((b, label) for b, label in bases if file.is_relative_to(b)), None)
        names.append(
            f"{base[1]}{file.relative_to(base[0]).as_posix()}" if base is not None else file.name
        )
    return names


def git_commit() -> str:
    """Return the checkout's commit, with '+changes' where files differ.

    Empty where this package does not run from a checkout of its own: the commit of whatever
    repository encloses an installed package says nothing of it.
    """
    root = project_root()
    if not (root / ".git").exists():
        return ""
    head = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain", "--untracked-files=no") if head else ""
    return head + ("+changes" if status else "")


def _git(root: Path, *arguments: str) -> str:
    call = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
