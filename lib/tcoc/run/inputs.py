"""What goes into a run: its files with their hashes, and whether they stay as they are."""

import platform
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import tcoc
<<<<<<< HEAD
from tcoc.cache import (
    PAGES,
    Cache,
    digest_of,
    libraries,
    package_digest,
    parameter_digest,
    sha256,
)
from tcoc.disclosure.release import RESTRICTED, earlier_releases, record_digest
=======
from tcoc.cache import Cache
>>>>>>> speed
from tcoc.errors import TcocError
from tcoc.manifest import Input, Manifest, Parameters
from tcoc.params import Run
<<<<<<< HEAD
from tcoc.paths import RESULTS, notebooks_dir, project_root, result_file
=======
>>>>>>> speed
from tcoc.reference import Reference, load_reference
from tcoc.run.key import git_commit, input_files, shown
from tcoc.store.layout import Store, open_store

LIBRARIES = ("duckdb", "ibis-framework", "matplotlib", "nbconvert", "numpy", "pandas", "papermill",
             "pyarrow", "scipy", "seaborn", "statsmodels")  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A run's input files as they were when it began."""

    store: Store
    references: Reference
    files: tuple[Path, ...]
    hashes: tuple[str, ...]
    stamps: tuple[Any, ...]

    def moved(self) -> str:
        """Say which input was changed since, or return an empty string."""
        for file, stamp in zip(self.files, self.stamps, strict=True):
            if _stamp(file) != stamp:
                what = self.store.root if file.is_relative_to(self.store.root) else file
                return f"{what}: changed while the run went on; start the run again"
        return ""

    def refuse_moved(self) -> None:
        """Raise TcocError where an input was changed since the run began."""
        if moved := self.moved():
            raise TcocError(moved)


def gather(run: Run, cache: Cache) -> Found:
    """Return the input files of a run with their hashes; unchanged ones are not read again."""
    store, references = open_store(run.store_path), load_reference(run)
<<<<<<< HEAD
    results = [file for name in RESULTS if (file := result_file(name)).is_file()]
    tables = (*references.files, *store_files(store.root), *results)
    files = (run.file, *run.policy.files.values(), *tables)
=======
    files = input_files(run, store, references.files)
>>>>>>> speed
    stamps = tuple(_stamp(file) for file in files)
    return Found(store, references, files, tuple(cache.hashes(files)), stamps)


def _stamp(file: Path) -> Any:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ino


<<<<<<< HEAD
def run_key(run: Run, names: Sequence[str], found: Found, cache: Cache, place: Path) -> str:
    """Return what a whole run depends on: two runs of one key are the same run.

    The earlier releases of its data are part of it, the release of the very run in `place` aside.
    """
    measured = measured_file(cache, run.name, "sensitivity")
    beside = sha256(measured) if measured.is_file() else ""
    spec = run.spec.model_dump(mode="json", exclude={"store", "reference"})
    notebooks = [(name, _content(notebooks_dir() / f"{name}.ipynb")) for name in names]
    inputs = list(zip(_shown(found), found.hashes, strict=True))[1:]
    code = [package_digest(), parameter_digest(), libraries(PAGES), git_commit()]
    store = [h for name, h in inputs if name.startswith("STORE/")]
    released = set(earlier_releases(place.parent, store)) - {record_digest(place / RESTRICTED)}
    return digest_of([code, spec, notebooks, inputs, beside, sorted(released)])


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


=======
>>>>>>> speed
def begin(run: Run, found: Found) -> Manifest:
    """Return the manifest of a run that begins."""
    policy = run.policy.uses(
        run.policy.files, {*run.years, *run.spec.qp_years, *run.spec.rate_years}
    )
    spec = run.spec.model_dump(mode="json", exclude={"options"})
    spec["store"] = found.store.root.name
    if isinstance(run.spec.reference, str):
        spec["reference"] = Path(run.spec.reference).name
    elif run.spec.reference:
        spec["reference"] = {name: Path(p).name for name, p in run.spec.reference.items()}
    return Manifest(
        run=run.name,
        id=secrets.token_hex(8),
        state="running",
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        git_commit=git_commit(),
        versions=library_versions(),
        engine=run.spec.engine,
        synthetic=found.store.synthetic,
        parameters=Parameters(
            run=spec,
            options=run.spec.options,
            policy=[asdict(use) for use in policy],
        ),
        inputs=[
            Input(path=name, sha256=digest)
            for name, digest in zip(shown(found.files, found.store), found.hashes, strict=True)
        ],
        accepted=_accepted(found.store),
        ignored_reference_rows=dict(found.references.ignored),
    )


def _accepted(store: Store) -> list[str]:
    """Return the reasons for which a delivery beyond a limit was imported all the same."""
    said = store.info.get("accepted") or []
    return [str(reason) for reason in ([said] if isinstance(said, str) else said)]


def library_versions() -> dict[str, str]:
    """Return the versions of this library, Python and what the numbers depend on."""
    found = {name: metadata.version(name) for name in LIBRARIES}
    return {"tcoc": tcoc.__version__, "python": platform.python_version(), **found}
