"""What a run takes over from the finished run of the same name, and how that is kept safe.

A table is taken over when the key of its part is the same: a hash of the code outside the reports,
the installed libraries, the store, the reference tables, the run's settings, and the policy files
that the part and the parts below it declare to read (reading others is refused, see
`pipeline.Study`). An executed notebook is taken over when its tables' keys, its audited tables, all
code and what else it can show are the same. Every file is compared with the hash that the earlier
run noted, after it stands in the new folder; what differs is made anew.

The notes (the ledger) stand in OUTPUTS/.reuse, for the owner only: the hash of a small restricted
table beside the public edition would let a reader try hidden counts until the hash fits.
"""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat

from tcoc.params import Policy, Run
from tcoc.paths import notebooks_dir, params_dir
from tcoc.report.executed import check_executed
from tcoc.run.notebook import Job
from tcoc.study import PARTS, Product, Study, builds_on, locate, page_scope, part_scope

FORMAT = 1
"""Part of every key; to be raised when what a key covers changes."""

HOW_TO_REDO = "--fresh computes everything anew"


# ---------------------------------------------------------------- hashing


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hashes(files: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of each of some files, several at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(sha256, files))


def _of(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _of_files(files: Iterable[Path], base: Path) -> str:
    found = sorted(files)
    names = [str(file.relative_to(base)) for file in found]
    return _of(list(zip(names, hashes(found), strict=True)))


def code_files() -> list[Path]:
    """Return the files of this package, without the parameters that an installed copy brings."""
    package = Path(__file__).resolve().parents[1]
    left_out = {"__pycache__", "_project"}
    return [
        file
        for file in sorted(package.rglob("*"))
        if file.is_file() and not left_out & set(file.relative_to(package).parts)
    ]


def parameter_files() -> list[Path]:
    """Return the project's parameter files but policy and run files, which are hashed by value."""
    base = params_dir()
    return [
        file
        for file in sorted(base.rglob("*"))
        if file.is_file() and file.relative_to(base).parts[0] not in {"policy", "runs"}
    ]


def environment() -> list[str]:
    """Return Python, the machine's kind, and every installed distribution with its version."""
    found = {f"{d.metadata['Name']} {d.version}" for d in metadata.distributions()}
    return [platform.python_version(), platform.system(), platform.machine(), *sorted(found)]


# ---------------------------------------------------------------- keys


def table_keys(run: Run, references: Iterable[str], data: Sequence[Any]) -> dict[str, str]:
    """Return by deliverable the hash of what its part's tables depend on.

    `references` are the run's reference tables by name; `data` says each file of theirs and of the
    store with its hash.
    """
    package = Path(__file__).resolve().parents[1]
    numbers = [f for f in code_files() if f.relative_to(package).parts[0] != "report"]
    skipped = {"name", "store", "reference", "deliverables", "options"}
    common = [
        FORMAT,
        _of_files(numbers, package),
        _of_files(parameter_files(), params_dir()),
        environment(),
        run.spec.model_dump(mode="json", exclude=skipped),
        list(references),
        data,
        run.policy.get("attribution.duplicate_npi"),
    ]
    keys: dict[str, str] = {}
    for name in PARTS:
        below = {used: keys[used] for used in builds_on(name) if used != name}
        policy = _policy(run.policy, part_scope(name).policy)
        keys[name] = _of([name, common, policy, below])
    return keys


def _policy(policy: Policy, prefixes: Iterable[str]) -> list[Any]:
    """Return what stands behind the policy values under some prefixes: files and options."""
    chosen = sorted(set(prefixes) & set(policy.files))
    options = {n: v for n, v in policy.options.items() if n.split(".", 1)[0] in chosen}
    return [{name: sha256(policy.files[name]) for name in chosen}, options]


def notebook_key(
    study: Study, job: Job, run_with: Sequence[str], keys: Mapping[str, str], truth: str
) -> str:
    """Hash all that an executed notebook can show: what its Study may read, and its audited tables.

    `run_with` are the deliverables of the run after `--only`, which its page lists. The audited
    tables are the ones that this run's gate has just written in the work folder.
    """
    from tcoc.report.audited import FOLDER, digest_of, page

    run = study.run
    scope = page_scope(job.name, page(job.name).POLICY)
    package = Path(__file__).resolve().parents[1]
    content = [
        {name: keys[name] for name in scope.parts},
        _policy(run.policy, scope.policy),
        _of_files(code_files(), package),
        sha256(job.source),
        run.name,
        list(run_with),
        truth,
        digest_of(study.work / FOLDER, job.name),
    ]
    return _of(content)


# ---------------------------------------------------------------- one run


@dataclass
class Reuse:
    """What a run takes over from the earlier one, and what it notes for the next.

    `earlier` is the earlier run's ledger, empty where nothing may be taken over.
    """

    run: Run
    folder: Path
    earlier: Mapping[str, Any]
    keys: Mapping[str, str]
    started: str
    truth: str
    stamps: Mapping[str, Any]
    watched: Sequence[Path]
    say: Callable[[str], None]
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    notebooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    # ------------------------------------------------------------ tables

    def take_table(self, study: Study, product: Product, file: Path) -> bool:
        """Put an earlier run's table in its place, with the tables it was computed from.

        Returns False where there is none of the same key, or where its bytes are not those that
        the earlier run wrote.
        """
        known = self.earlier.get("tables", {}).get(product.name)
        if product.internal or known is None or known["key"] != self._key(product.name):
            return False
        file.parent.mkdir(mode=0o700, exist_ok=True)
        if not self._take(known["files"], file.parent):
            self.say(f"table {product.name} of the earlier run is not as it was; computed anew")
            return False
        self.tables[product.name] = dict(known)
        self.taken.add(product.name)
        for need in known["needs"]:
            study.path(need)
        return True

    def _key(self, table: str) -> str:
        return self.keys[locate(table)[0]]

    def _take(self, files: Mapping[str, str], target: Path) -> bool:
        """Link files of the earlier run's restricted folder, all or none, and compare them."""
        waiting = {target / name: target / f"{name}.taken" for name in files}
        try:
            good = all(
                _linked(self.folder / "restricted" / place.name, waiting[place], digest)
                for place, digest in zip(waiting, files.values(), strict=True)
            )
            if good:
                for place, partial in reversed(waiting.items()):
                    partial.replace(place)
        finally:
            for partial in waiting.values():
                partial.unlink(missing_ok=True)
        return good

    def note_tables(self, study: Study) -> None:
        """Note the hash of every table that was computed now, and what each was computed from."""
        found = [n for n in study.needs if not locate(n)[1].internal]
        for name in sorted(found):
            folder = study.work / "restricted"
            product = locate(name)[1]
            # The Parquet file first: it is put in its place last, and makes the table count.
            files = [f"{name}.parquet", *([f"{name}.csv"] if product.csv else [])]
            digests = hashes([folder / file for file in files])
            self.tables[name] = {
                "key": self._key(name),
                "files": dict(zip(files, digests, strict=True)),
                "needs": sorted(_kept_needs(name, study.needs)),
                "from": self.started,
            }

    # ------------------------------------------------------------ notebooks

    def take_notebooks(self, study: Study, jobs: Sequence[Job]) -> list[Job]:
        """Copy the executed notebooks that are still right; return the jobs that are left."""
        left, run_with = [], [job.name for job in jobs]
        for job in jobs:
            key = notebook_key(study, job, run_with, self.keys, self.truth)
            known = self.earlier.get("notebooks", {}).get(job.name)
            if known and known["key"] == key and self._copy(job, known["files"], study.work):
                self.notebooks[job.name] = dict(known)
            else:
                self.notebooks[job.name] = {"key": key, "from": self.started}
                left.append(job)
        return left

    def _copy(self, job: Job, files: Mapping[str, str], work: Path) -> bool:
        """Copy a notebook and what it wrote, all or none; these may be written to later."""
        waiting = {work / name: work / f"{name}.taken" for name in files}
        try:
            good = all(
                _copied(self.folder / place.relative_to(work), waiting[place], digest)
                for place, digest in zip(waiting, files.values(), strict=True)
            )
            if good:
                for place, partial in waiting.items():
                    partial.replace(place)
        finally:
            for partial in waiting.values():
                partial.unlink(missing_ok=True)
        if not good:
            self.say(f"notebook {job.name} of the earlier run is not as it was; executed anew")
        return good

    def note_notebooks(self, jobs: Sequence[Job], executed: Sequence[Job], work: Path) -> None:
        """Note the hash of every notebook that was executed now, and of the files it wrote.

        Where a file is nobody's, none of them is noted, so that none is reused without it.
        """
        written = written_by([job.target for job in jobs], work)
        for job in executed:
            if written[work]:
                del self.notebooks[job.name]
                continue
            names = [str(file.relative_to(work)) for file in written[job.target]]
            sums = hashes(written[job.target])
            self.notebooks[job.name]["files"] = dict(zip(names, sums, strict=True))

    # ------------------------------------------------------------ saying and keeping

    def of(self, deliverable: str) -> dict[str, Any]:
        """Say for the manifest what of a deliverable was taken over, and since when it stands.

        `tables` is true where all are, else the names of those that are.
        """
        own = [n for n in self.tables if locate(n)[0] == deliverable]
        taken = sorted(name for name in own if name in self.taken)
        notebook = self.notebooks.get(deliverable, {})
        as_it_was = bool(notebook) and notebook["from"] != self.started
        said: dict[str, Any] = {
            "tables": True if own and len(taken) == len(own) else taken,
            "notebook": as_it_was,
        }
        if taken:
            said["from"] = min(str(self.tables[name]["from"]) for name in taken)
        if as_it_was:
            said["notebook_from"] = notebook["from"]
        return said

    def keep(self, published: Path) -> None:
        """Write the ledger of a published run; nothing is kept where an input moved meanwhile."""
        file = ledger_file(published)
        file.unlink(missing_ok=True)
        if _stamps(self.watched) != self.stamps:
            self.say("code or inputs changed while the run went on: the next run reuses nothing")
            return
        file.parent.mkdir(mode=0o700, exist_ok=True)
        content = {
            "manifest": sha256(published / "manifest.json"),
            "tables": self.tables,
            "notebooks": self.notebooks,
        }
        partial = file.with_suffix(f".{os.getpid()}.partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.replace(file)


def open_reuse(
    study: Study,
    inputs: Sequence[Mapping[str, str]],
    started: str,
    folder: Path,
    fresh: bool,
    say: Callable[[str], None],
) -> Reuse:
    """Prepare what a run may take over from `folder`, the place of its last finished run.

    `inputs` are the files that the manifest lists: run file, policy files, then reference tables
    and store. With `fresh` nothing is taken over; notes for the next run are made all the same.
    """
    run = study.run
    watched = watched_files(study)
    stamps = _stamps(watched)
    data = [[entry["path"], entry["sha256"]] for entry in inputs[1 + len(run.policy.files) :]]
    truth = study.store.root / "truth"
    reuse = Reuse(
        run=run,
        folder=folder,
        earlier={} if fresh else read_ledger(folder),
        keys=table_keys(run, study.references.paths, data),
        started=started,
        truth=_of_files((f for f in truth.rglob("*") if f.is_file()), truth),
        stamps=stamps,
        watched=watched,
        say=say,
    )
    study.earlier = lambda product, file: reuse.take_table(study, product, file)
    return reuse


def watched_files(study: Study) -> list[Path]:
    """Return the files that must stay as they are while a run goes on, for its notes to hold."""
    store = [f for f in study.store.root.rglob("*") if f.is_file()]
    policy = study.run.policy.files.values()
    notebooks = notebooks_dir().glob("*.ipynb")
    own = [*code_files(), *parameter_files(), *policy, *notebooks]
    return sorted({*own, *study.references.files, *store})


def _stamps(files: Iterable[Path]) -> dict[str, Any]:
    found = {}
    for file in files:
        seen = file.stat() if file.is_file() else None
        found[str(file)] = (seen.st_size, seen.st_mtime_ns, seen.st_ino) if seen else None
    return found


def ledger_file(folder: Path) -> Path:
    """Return where a run folder's ledger is kept: beside the run folders."""
    return folder.parent / ".reuse" / f"{folder.name}.json"


def read_ledger(folder: Path) -> dict[str, Any]:
    """Return the ledger of a finished run, or nothing where it has none or it is another run's."""
    file, manifest = ledger_file(folder), folder / "manifest.json"
    if not file.is_file() or not manifest.is_file():
        return {}
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content if content.get("manifest") == sha256(manifest) else {}


def _kept_needs(name: str, needs: Mapping[str, set[str]]) -> set[str]:
    """Return the kept tables that a table was computed from, through internal ones too."""
    found: set[str] = set()
    for need in needs.get(name, set()) - {name}:
        found |= _kept_needs(need, needs) if locate(need)[1].internal else {need}
    return found


def _linked(source: Path, target: Path, digest: str) -> bool:
    """Link a file, or copy it where links do not work, and say whether it is what was noted."""
    if not source.is_file() or source.is_symlink():
        return False
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    target.chmod(0o600)
    return sha256(target) == digest


def _copied(source: Path, target: Path, digest: str) -> bool:
    if not source.is_file() or source.is_symlink():
        return False
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, target)
    return sha256(target) == digest


def written_by(notebooks: Iterable[Path], work: Path) -> dict[Path, list[Path]]:
    """Return by executed notebook its file and the data files and pictures that it wrote.

    A file is a notebook's by the name of what it showed, the longest that fits. Files that are
    nobody's stand under `work` itself. Raises TcocError for a notebook not executed to its end.
    """
    found: dict[Path, list[Path]] = {}
    owners: dict[tuple[str, str], Path] = {}
    for notebook in notebooks:
        found[notebook] = [notebook]
        owners |= dict.fromkeys(_shown(notebook), notebook)
    found[work] = []
    for file in _public_files(work):
        fitting = [name for kind, name in owners if kind == file.parent.name and _fits(file, name)]
        owner = owners[file.parent.name, max(fitting, key=len)] if fitting else work
        found[owner].append(file)
    return found


def _shown(notebook: Path) -> set[tuple[str, str]]:
    """Return the tables and figures that an executed notebook showed, as (folder, name)."""
    cells = nbformat.read(notebook, as_version=4).cells
    check_executed(notebook.stem, cells)
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    shown = [output.get("metadata", {}).get("tcoc", {}) for output in outputs]
    folders = {"table": "tables", "figure": "figures"}
    return {(folders[f["kind"]], f["name"]) for f in shown if f.get("kind") in folders}


def _fits(file: Path, name: str) -> bool:
    return file.name.startswith((f"{name}.", f"{name}-"))


def _public_files(work: Path) -> list[Path]:
    """Return the files of figures/ and tables/ that the gate itself did not write."""
    index = work / "tables" / "tables.json"
    audited = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else {}
    by_gate = {index, *(work / "tables" / f"{name}.csv" for name in audited)}
    files = [f for top in ("figures", "tables") for f in (work / top).glob("*")]
    return sorted(set(files) - by_gate)


# ---------------------------------------------------------------- in words


def summary(manifest: Mapping[str, Any]) -> str:
    """Say on one line what a finished run reused and how to redo it, or nothing."""
    done = manifest.get("deliverables", {})
    reused = {name: facts.get("reused", {}) for name, facts in done.items()}
    whole = [n for n, said in reused.items() if said.get("tables") is True and said.get("notebook")]
    tables = [n for n, said in reused.items() if said.get("tables") and n not in whole]
    parts = [
        f"{label} of {', '.join(names)}"
        for label, names in (("tables and figures", whole), ("tables", tables))
        if names
    ]
    return f"reused unchanged: {'; '.join(parts)} ({HOW_TO_REDO})" if parts else ""
