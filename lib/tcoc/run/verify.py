"""Whether a finished run is what its manifest says: inputs, tables, pages, and the tables again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tcoc.errors import InputError, TcocError
from tcoc.identity import sha256
from tcoc.manifest import FILE, PRIVATE, Manifest, finished, read_private
from tcoc.params import load_run
from tcoc.paths import project_root
from tcoc.progress import Reporter
from tcoc.run.places import outputs_dir
from tcoc.run.release import MARK, REVIEW

LATER = frozenset((FILE, PRIVATE, MARK, REVIEW))
"""What stands in a run folder and cannot be in its manifest, or was written by its release."""


@dataclass
class Verified:
    """What was found: how many files were the same, and a sentence for each that was not."""

    same: int = 0
    wrong: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing differs; an input that is not here to be looked at is no difference."""
        return not self.wrong

    def text(self) -> str:
        """Say the result in lines, what is wrong first."""
        lines = [*self.wrong, *self.absent]
        state = "as the manifest says" if self.ok else f"{len(self.wrong)} differ"
        return "\n".join([*lines, f"{self.same} files are the same; {state}"])


def verify(folder: Path) -> Verified:
    """Hold the files of a run folder, and the inputs that can be found, against its manifest.

    Raises InputError for a folder that is no finished run.
    """
    manifest = finished(folder)
    found = Verified()
    stated = {**manifest.files, **read_private(folder).files}
    for name, digest in stated.items():
        _hold(found, folder / name, name, digest)
    there = {f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file()}
    for name in sorted(there - set(stated) - LATER):
        found.wrong.append(f"{name}: stands there and is not in the manifest")
    for entry in manifest.inputs:
        _hold_input(found, folder, manifest, entry.path, entry.sha256)
    return found


def _hold(found: Verified, file: Path, name: str, digest: str) -> None:
    if not file.is_file():
        found.wrong.append(f"{name}: is missing")
    elif sha256(file) != digest:
        found.wrong.append(f"{name}: is not as the run wrote it")
    else:
        found.same += 1


def _hold_input(found: Verified, folder: Path, manifest: Manifest, name: str, digest: str) -> None:
    """Look for an input where a run of this project has it: under the project, or in its store."""
    places = [project_root() / name, folder.parent.parent / name]
    if name.startswith("STORE/"):
        store = str(manifest.parameters.run.get("store", ""))
        inside = name.removeprefix("STORE/")
        places = [root / "stores" / store / inside for root in (folder.parent.parent, Path.cwd())]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        found.absent.append(f"{name}: is not here and was not looked at")
    else:
        _hold(found, file, f"input {name}", digest)


def rerun(folder: Path, report: Reporter) -> Verified:
    """Compute the run's tables again from its inputs and hold them against the kept ones.

    Raises InputError where the run file is not in this project, TcocError where the work fails.
    """
    from tcoc.deliverables.registry import study
    from tcoc.run.compute import compute_tables
    from tcoc.study import RESTRICTED

    manifest = finished(folder)
    run_file = _run_file(folder, manifest)
    names: Sequence[str] = list(manifest.deliverables)
    changes = {**manifest.parameters.options, "deliverables": names}
    run = load_run(run_file, changes)
    kept = read_private(folder).files
    found = Verified()
    with TemporaryDirectory(prefix=".verify-", dir=outputs_dir(folder.parent)) as name:
        work = Path(name)
        with study(run, work) as opened:
            compute_tables(opened, names, report)
        for file in sorted((work / RESTRICTED).glob("*.parquet")):
            stated = kept.get(f"{RESTRICTED}/{file.name}")
            if stated is None:
                found.wrong.append(f"{file.name}: is made now and was not then")
            elif stated != sha256(file):
                found.wrong.append(f"{RESTRICTED}/{file.name}: is another when made again")
            else:
                found.same += 1
    return found


def _run_file(folder: Path, manifest: Manifest) -> Path:
    """Return the run file, the first of the inputs that a manifest lists."""
    if not manifest.inputs:
        raise TcocError(f"{folder}: the manifest lists no run file")
    name = manifest.inputs[0].path
    for root in (project_root(), folder.parent.parent, Path.cwd()):
        if (root / name).is_file():
            return root / name
    raise InputError(f"{name}: the run file is not here, so the tables cannot be made again")
