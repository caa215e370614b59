"""The runner: a run file in, a run folder out, whole or not at all.

A run is computed in a folder beside its place and renamed when complete. A failed or killed run
leaves `outputs/NAME` as it was and its traces (manifest, log, executed notebooks; no tables) under
`outputs/.failed/`.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import yaml

import tcoc
from tcoc.errors import InputError, TcocError, nearest
from tcoc.params import DELIVERABLES, Run, load_run
from tcoc.paths import project_root
from tcoc.progress import Reporter
from tcoc.resources.meter import Reading, metered
from tcoc.resources.shortage import explained, limited, shortage
from tcoc.run.judge import check_run
from tcoc.run.notebook import Job, code_cells, execute_all, notebook_file
from tcoc.run.reuse import Reuse, hashes, open_reuse
from tcoc.store.connection import remove_left_spill
from tcoc.store.layout import open_store
from tcoc.study import PARTS, Study, part_products, study

LIBRARIES = ("duckdb", "ibis-framework", "matplotlib", "nbconvert", "numpy", "pandas", "papermill",
             "pyarrow", "scipy", "seaborn", "statsmodels")  # fmt: skip


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


def outputs_dir(chosen: Path | None = None) -> Path:
    """Return the folder of run folders: the one asked for, else the project's outputs/."""
    return chosen.resolve() if chosen else project_root() / "outputs"


def execute_run(request: RunRequest, report: Reporter) -> Path:
    """Run the deliverables of a run file and return the finished run folder.

    Raises InputError (status 2) before anything starts when a parameter or input is not usable,
    TcocError (status 1) when the work failed; neither publishes anything.
    """
    outputs = outputs_dir(request.outputs)
    with limited(request.memory_limit), explained(f"run {request.file.stem}", place=outputs):
        return _execute_run(request, report)


def _execute_run(request: RunRequest, report: Reporter) -> Path:
    run = load_run(request.file, request.changes)
    deliverables = _deliverables(run, request.only)
    notebooks = {name: notebook_file(name) for name in deliverables}
    check_run(run, open_store(run.store_path))
    outputs = outputs_dir(request.outputs)
    outputs.mkdir(parents=True, exist_ok=True)
    _set_aside_dead(outputs)
    work = outputs / f".{run.name}.{os.getpid()}.partial"
    manifest: dict[str, Any] = {"run": run.name, "state": "running", "pid": os.getpid()}
    try:
        work.mkdir()
        _write_json(work / "manifest.json", manifest)
        with study(run, work, request.memory_limit) as opened:
            manifest |= _provenance(run, opened)
            reuse = open_reuse(
                opened, manifest["inputs"], manifest["started"], outputs / run.name,
                request.fresh, report.say,
            )  # fmt: skip
            readings = _compute(opened, deliverables, report)
            reuse.note_tables(opened)
            manifest["tables"] = _rows(work)
            jobs = _jobs(run, work, notebooks)
            left = reuse.take_notebooks(opened, jobs)
        readings |= _execute(left, request.workers, report)
        reuse.note_notebooks(jobs, left, work)
        manifest["deliverables"] = _by_deliverable(deliverables, readings, reuse)
        _render(jobs, work, manifest)
        manifest["state"] = "ok"
        _finish(run, work, manifest, report)
    except BaseException as error:
        manifest |= {"state": "failed", "error": _sentence(error, work)}
        _keep_traces(outputs, work, run.name, manifest)
        raise
    published = _publish(work, outputs / run.name)
    reuse.keep(published)
    return published


def _deliverables(run: Run, only: tuple[str, ...]) -> list[str]:
    chosen = [name for name in run.spec.deliverables if not only or name in only]
    for name in only:
        if name not in DELIVERABLES:
            raise InputError(f'--only: "{name}" is unknown{nearest(name, DELIVERABLES)}')
        if name not in run.spec.deliverables:
            raise InputError(
                f'--only: "{name}" is not among the run\'s deliverables'
                f"{nearest(name, run.spec.deliverables)}"
            )
    for name in chosen:
        if name not in PARTS:
            raise InputError(f"deliverables: {name} is not built yet{nearest(name, PARTS)}")
    return [name for name in DELIVERABLES if name in chosen]


def _sentence(error: BaseException, work: Path) -> str:
    said = error if isinstance(error, TcocError) else shortage(error, place=work)
    if said is not None:
        return str(said)
    return "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__


# ---------------------------------------------------------------- computing


def _compute(opened: Study, deliverables: list[str], report: Reporter) -> dict[str, Reading]:
    from tcoc.report.release import prepare_release

    readings: dict[str, Reading] = {}
    wanted = {d: [p.name for p in part_products(d) if not p.internal] for d in deliverables}
    report.start("tables", sum(len(names) for names in wanted.values()))
    for deliverable, names in wanted.items():
        with metered() as reading:
            for name in names:
                opened.path(name)
                report.advance("tables", name)
        readings[deliverable] = reading
    report.start("disclosure gate", 1)
    with metered() as reading, opened.connection.task("disclosure gate", opened.work):
        prepare_release(opened, deliverables)
    report.advance("disclosure gate")
    readings["disclosure"] = reading
    return readings


def _jobs(run: Run, work: Path, notebooks: dict[str, Path]) -> list[Job]:
    resolved = _resolved_run_file(run, work, list(notebooks))
    executed = work / "notebooks"
    executed.mkdir()
    return [
        Job(name, source, executed / source.name, {"run": str(resolved), "work": str(work)})
        for name, source in notebooks.items()
    ]


def _execute(jobs: list[Job], workers: int, report: Reporter) -> dict[str, Reading]:
    if not jobs:
        return {}
    report.start("notebook cells", sum(code_cells(job.source) for job in jobs))
    report.start("notebooks", len(jobs))
    readings = execute_all(
        jobs,
        workers,
        lambda _name: report.advance("notebook cells"),
        lambda name: report.advance("notebooks", name),
    )
    return {f"{name} notebook": reading for name, reading in readings.items()}


def _render(jobs: list[Job], work: Path, manifest: dict[str, Any]) -> None:
    from tcoc.report.render import render_report

    for job in jobs:
        render_report(job.target, work / f"{job.name}.html", manifest)


def _resolved_run_file(run: Run, work: Path, deliverables: list[str]) -> Path:
    """Write the run file as it is after --set, with absolute paths, for the notebooks."""
    spec = run.spec.model_dump(exclude_none=True)
    spec["deliverables"] = deliverables
    spec["store"] = str(run.store_path)
    if isinstance(run.spec.reference, str):
        spec["reference"] = str(run.resolve(run.spec.reference))
    elif run.spec.reference:
        spec["reference"] = {k: str(run.resolve(v)) for k, v in run.spec.reference.items()}
    file = work / ".internal" / "run.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return file


def _finish(run: Run, work: Path, manifest: dict[str, Any], report: Reporter) -> None:
    """Write the front page and the manifest, and search what is public for identifiers."""
    from tcoc.disclosure.identifiers import assert_no_identifiers
    from tcoc.report.index import render_index

    render_index(work, manifest)
    report.start("identifier search", 1)
    assert_no_identifiers(run.store_path, work)
    report.advance("identifier search")
    shutil.rmtree(work / ".internal", ignore_errors=True)
    manifest.pop("pid", None)
    _write_json(work / "manifest.json", manifest)


# ---------------------------------------------------------------- the manifest


def _provenance(run: Run, opened: Study) -> dict[str, Any]:
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "versions": library_versions(),
        "synthetic": opened.store.synthetic,
        "parameters": _parameters(run),
        "inputs": _inputs(run, opened),
        "ignored_reference_rows": opened.references.ignored,
    }


def git_commit() -> str:
    """Return the checkout's commit, with '+changes' where files differ; '' outside a checkout."""
    root = project_root()
    call = ["git", "-C", str(root)]
    head = subprocess.run([*call, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603
    if head.returncode:
        return ""
    status = subprocess.run(  # noqa: S603
        [*call, "status", "--porcelain"], capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + ("+changes" if status.stdout.strip() else "")


def library_versions() -> dict[str, str]:
    """Return the versions of this library, Python and what the numbers depend on."""
    found = {name: metadata.version(name) for name in LIBRARIES}
    return {"tcoc": tcoc.__version__, "python": platform.python_version(), **found}


def _parameters(run: Run) -> dict[str, Any]:
    years = {*run.years, *run.spec.qp_years, *run.spec.rate_years}
    uses = run.policy.uses(run.policy.files, years)
    return {
        "run": run.spec.model_dump(mode="json", exclude={"options"}),
        "options": run.spec.options,
        "policy": [asdict(use) for use in uses],
    }


def _inputs(run: Run, opened: Study) -> list[dict[str, str]]:
    store = sorted(f for f in opened.store.root.rglob("*") if _is_input(f, opened.store.root))
    files = [run.file, *run.policy.files.values(), *opened.references.files, *store]
    sums = hashes(files)
    root = project_root()
    return [
        {"path": _shown(file, root, opened.store.root), "sha256": digest}
        for file, digest in zip(files, sums, strict=True)
    ]


def _is_input(file: Path, root: Path) -> bool:
    top = file.relative_to(root).parts[0]
    return file.is_file() and top not in {"truth", "quarantine", "reference"}


def _shown(file: Path, root: Path, store: Path) -> str:
    """Name an input without the path of this machine."""
    for base, label in ((store, "STORE"), (root, "")):
        if file.is_relative_to(base):
            return str(Path(label) / file.relative_to(base))
    return file.name


def _rows(work: Path) -> dict[str, int]:
    files = sorted((work / "restricted").glob("*.parquet"))
    return {f.stem: pq.read_metadata(f).num_rows for f in files}


def _by_deliverable(
    deliverables: list[str], readings: dict[str, Reading], reuse: Reuse
) -> dict[str, Any]:
    return {
        name: {
            "state": "ok",
            "seconds": round(sum(r.seconds for r in _of(name, readings)), 2),
            "peak_mb": max((r.peak_mb for r in _of(name, readings)), default=0.0),
            "reused": reuse.of(name),
        }
        for name in deliverables
    }


def _of(name: str, readings: dict[str, Reading]) -> list[Reading]:
    return [reading for key, reading in readings.items() if key.split(" ")[0] == name]


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, default=str, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")


# ---------------------------------------------------------------- folders


def _publish(work: Path, target: Path) -> Path:
    """Put a finished folder in its place; what stood there is removed only afterwards."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    work.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


def _keep_traces(outputs: Path, work: Path, name: str, manifest: dict[str, Any]) -> None:
    """Move what helps to understand a failure to outputs/.failed; tables are not kept.

    A disk that is full even then keeps no traces: the failure itself is what must be said.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    traces = outputs / ".failed" / f"{name}-{stamp}-{os.getpid()}"
    try:
        traces.mkdir(parents=True, exist_ok=True)
        if (work / "notebooks").is_dir():
            (work / "notebooks").rename(traces / "notebooks")
            traces.chmod(0o700)
        shutil.rmtree(work, ignore_errors=True)
        _write_json(traces / "manifest.json", manifest)
    except OSError:
        shutil.rmtree(traces, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    remove_left_spill()


def _set_aside_dead(outputs: Path) -> None:
    """Move the leavings of killed runs out of the way."""
    for folder in sorted(outputs.glob(".*.partial")):
        name, pid = folder.name[1:-8].rsplit(".", 1)
        if not pid.isdigit() or psutil.pid_exists(int(pid)):
            continue
        manifest = read_manifest(folder) | {"state": "failed", "error": "the run was killed"}
        _keep_traces(outputs, folder, name, manifest)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run folder, empty where it has none."""
    file = folder / "manifest.json"
    if not file.is_file():
        return {}
    content = json.loads(file.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def list_runs(outputs: Path) -> list[dict[str, Any]]:
    """Return the manifests of all runs under a folder, newest first, running and failed too."""
    folders = [
        *(f.parent for f in outputs.glob("*/manifest.json")),
        *(f.parent for f in outputs.glob(".*.partial/manifest.json")),
        *(f.parent for f in outputs.glob(".failed/*/manifest.json")),
    ]
    found = [{**read_manifest(folder), "folder": folder.name} for folder in folders]
    return sorted(found, key=lambda m: str(m.get("started", "")), reverse=True)
