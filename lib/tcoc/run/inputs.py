"""What goes into a run: its files with their hashes, and whether they stay as they are."""

import platform
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import tcoc
from tcoc.cache import Cache
from tcoc.errors import TcocError
from tcoc.manifest import Input, Manifest, Parameters
from tcoc.params import Run
from tcoc.reference import Reference
from tcoc.run.key import git_commit, input_files, shown
from tcoc.store.layout import Store

LIBRARIES = ("duckdb", "ibis-framework", "matplotlib", "numpy", "pandas", "papermill",
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


def gather(run: Run, store: Store, references: Reference, cache: Cache) -> Found:
    """Return the input files of a run with their hashes; unchanged ones are not read again."""
    files = input_files(run, store, references.files)
    stamps = tuple(_stamp(file) for file in files)
    return Found(store, references, files, tuple(cache.hashes(files)), stamps)


def _stamp(file: Path) -> Any:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ino


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
