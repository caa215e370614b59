"""The runner: compute, gate, render, publish. A run file in, a run folder out, whole or not at all.

A run is made in a folder beside its place and exchanged with what stands there in one step. A
failed or killed run leaves `outputs/NAME` as it was and its traces (manifest, executed notebooks;
no tables) under `outputs/.failed/`.
"""

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from duckdb import Error as EngineError

from tcoc.cache import FOLDER, Cache
from tcoc.deliverables import registry
from tcoc.deliverables.y1_attribution.completion import completion_facts
from tcoc.disclosure import PublicTable, write_csvs
from tcoc.errors import InputError, TcocError, nearest
from tcoc.folders import (
    forget,
    left_behind,
    open_up,
    owner_only,
    private,
    publish,
    recover,
    remove,
    remove_left,
    work_beside,
)
from tcoc.identity import package_digest, parameter_digest, sha256
from tcoc.manifest import Done, Manifest, Private, Reused, read_manifest
from tcoc.params import Run, load_run
from tcoc.progress import Reporter
from tcoc.reference import Reference
from tcoc.report.facts import effects_of, facts_of
from tcoc.resources.meter import Reading, metered
from tcoc.resources.shortage import ShortageError, explained, limited, shortage
from tcoc.run import inputs
from tcoc.run.beside import joined
from tcoc.run.compute import compute_rest, compute_tables, failed_checks, rows_of
from tcoc.run.gate import APART, draft, gate_tables, page_tables
from tcoc.run.judge import check_asked, check_run
from tcoc.run.key import RunRequest, is_unchanged, run_key, said
from tcoc.run.pages import Pages
from tcoc.run.places import outputs_dir
from tcoc.run.release import earlier_releases, mark_not_released, store_of
from tcoc.run.render import Job, PagesProcess, notebook_file, starting_pages
from tcoc.run.worker import Answer
from tcoc.store.connection import remove_left_spill
from tcoc.store.layout import Store, open_store
from tcoc.study import INTERNAL, RESTRICTED, Study

PRIVATE_TOPS = frozenset({RESTRICTED, "notebooks"})
"""What of a run folder stays the owner's, whatever the user's umask."""


_FOLDERS = re.compile(r"(?<![\w./])/(?:[^\s/:;,'\"]+/)+")
"""The folders before a file's name: what a sentence that is kept says of this machine."""


@dataclass
class _Work:
    """A run at work: where, on what, and its manifest so far."""

    run: Run
    names: list[str]
    folder: Path
    outputs: Path
    manifest: Manifest
    report: Reporter
    readings: dict[str, Reading] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    given: dict[str, Mapping[str, PublicTable]] = field(default_factory=dict)


def execute_run(request: RunRequest, report: Reporter) -> Path:
    """Run the deliverables of a run file and return the finished run folder.

    Raises InputError (status 2) before anything starts when a parameter or input is not usable,
    TcocError (status 1) when the work failed; neither publishes anything.
    """
    with limited(request.memory_limit), owner_only() as umask:
        asked = judged(request)
        outputs = _usable(outputs_dir(request.outputs, asked.run.file), umask)
        with explained(f"run {asked.run.name}", place=outputs):
            return _execute_run(request, asked, outputs, umask, report)


@dataclass(frozen=True)
class Asked:
    """What was judged and can be worked at: a run, the deliverables asked for, its tables."""

    run: Run
    names: list[str]
    store: Store
    references: Reference


def judged(request: RunRequest) -> Asked:
    """Read the run file and refuse what can be known to be wrong before any work.

    Raises InputError; nothing is written, and no claim is read.
    """
    run = load_run(request.file, request.changes)
    names = _deliverables(run, request.only)
    for name in names:
        notebook_file(name)
    store = open_store(run.store_path)
    check_run(run, store)
    references = check_asked(run, store, names)
    # what was asked for is what the run is: its manifest and its checks name no more
    spec = run.spec.model_copy(update={"deliverables": names})
    return Asked(replace(run, spec=spec), names, store, references)


def _deliverables(run: Run, only: tuple[str, ...]) -> list[str]:
    known = registry.names()
    for name in only:
        if name not in known:
            raise InputError(f'--only: "{name}" is unknown{nearest(name, known)}')
        if name not in run.spec.deliverables:
            raise InputError(
                f'--only: "{name}" is not among the run\'s deliverables'
                f"{nearest(name, run.spec.deliverables)}"
            )
    chosen = [name for name in run.spec.deliverables if not only or name in only]
    return [name for name in known if name in chosen]


def _usable(outputs: Path, umask: int) -> Path:
    """Refuse a folder for run folders in which nothing can be written, in one sentence."""
    probe = outputs / f".probe-{secrets.token_hex(4)}"
    try:
        if not outputs.is_dir():
            outputs.mkdir(parents=True, exist_ok=True)
            outputs.chmod(0o777 & ~umask)
        probe.mkdir()
    except OSError as error:
        raise InputError(
            f"--out {outputs}: run folders cannot be written there ({error.strerror})"
        ) from error
    probe.rmdir()
    return outputs


def _execute_run(
    request: RunRequest, asked: Asked, outputs: Path, umask: int, report: Reporter
) -> Path:
    run, names = asked.run, asked.names
    place, cache = outputs / run.name, Cache(outputs / FOLDER)
    tidy(outputs)
    found = inputs.gather(run, asked.store, asked.references, cache)
    key = run_key(run, names, found.store, found.files, found.hashes, cache, place)
    if not request.fresh and is_unchanged(place, key, cache):
        report.say(said(place))
        return place
    with work_beside(place) as folder:
        work = _Work(run, names, folder, outputs, inputs.begin(run, found), report)
        with suppress(InputError):
            work.manifest.follows = read_manifest(place).id
        work.manifest.write(folder)
        try:
            with _one_code(cache, report):
                _stages(request, work, cache, found)
            _close(work, key, umask)
        except BaseException as error:
            _keep_traces(outputs, work, _told(error, found, folder))
            if found.moved():  # a table of the new input may stand under the digest of the old
                cache.forget_kept()
            _say_if_moved(error, found)
            raise
        publish(folder, place)
    cache.trim()
    return place


def _stages(request: RunRequest, work: _Work, cache: Cache, found: inputs.Found) -> None:
    """Compute, gate, render: each from a folder to a folder."""
    public = work.folder / INTERNAL / "public"
    with ExitStack() as stack:
        with registry.study(
            work.run, work.folder, request.memory_limit, None, cache, request.fresh
        ) as opened:
            work.readings = _computed(request, opened, work)
            ready = stack.enter_context(starting_pages())
            shown = _gate(opened, work, public)
            pages = _pages(request, work, cache, shown, opened)
            work.taken = opened.taken
        work.rows = rows_of(work.folder)
        work.manifest.tables = {name: len(table) for name, table in shown.items()}
        found.refuse_moved()
        _render(request, work, pages, ready)
    _finish(work, found, cache, request.fresh)


@contextmanager
def _one_code(cache: Cache, report: Reporter) -> Iterator[None]:
    """Forget what is kept in a block, also one that fails, if code changes meanwhile."""
    before = (package_digest(), parameter_digest())
    try:
        yield
    finally:
        package_digest.cache_clear()
        parameter_digest.cache_clear()
        if before != (package_digest(), parameter_digest()):
            cache.forget_kept()
            report.say("code or parameters changed while the run went on: nothing of it is kept")


def _computed(request: RunRequest, opened: Study, work: _Work) -> dict[str, Reading]:
    """Make the tables, with a second process as long as half of the memory suffices for each."""
    with joined(request, opened, work.names, work.outputs, work.report) as second:
        try:
            return _tables_and_drafts(opened, work)
        except ShortageError as error:
            if error.disk or not second.at_work:
                raise
            work.report.say(f"{error}; half of it did not do, so one process goes on alone")
    opened.connection.forget()
    return _tables_and_drafts(opened, work)


def _tables_and_drafts(opened: Study, work: _Work) -> dict[str, Reading]:
    """Make what two processes can share: the tables, and what the deliverables would publish."""
    readings = compute_tables(opened, work.names, work.report)
    if failed := failed_checks(opened):
        raise TcocError("; ".join(failed))
    for name in work.names:
        draft(opened, name)
    compute_rest(opened, work.names)
    return readings


def _gate(opened: Study, work: _Work, public: Path) -> dict[str, PublicTable]:
    """Write the public tables, as Parquet for the pages and as CSV to publish; return them."""
    work.report.start("disclosure gate", 1)
    with metered() as reading, opened.connection.task("disclosure gate", work.folder):
        store = store_of(work.manifest)
        earlier = earlier_releases(work.outputs, store)
        shown = gate_tables(opened, work.names, public, earlier)
        write_csvs(shown, work.folder / "tables")
    if (apart := public / "log" / APART).is_file():
        why = apart.read_text(encoding="utf-8").strip()
        work.report.say(f"cannot be released beside the earlier releases of its data: {why}")
    for file in sorted((public / "log").glob("*.parquet")):
        shutil.copyfile(file, work.folder / RESTRICTED / file.name)
    work.report.advance("disclosure gate")
    work.readings["disclosure"] = reading
    return shown


def _pages(
    request: RunRequest,
    work: _Work,
    cache: Cache,
    shown: Mapping[str, PublicTable],
    opened: Study,
) -> Pages:
    """Lay out a folder of public tables per page, with the facts of the run that it may say."""
    jobs = []
    # Pages name a factor only where one divides dollars; a year without one says so by itself.
    known = "completion_years" in opened.catalog
    completeness = completion_facts(opened) if known else {}
    for name in work.names:
        deliverable = registry.find(name)
        source = notebook_file(name)
        given = work.folder / INTERNAL / "pages" / name
        made = work.folder / INTERNAL / "public" / "tables"
        work.given[name] = page_tables(shown, deliverable, made, given)
        scope = registry.catalog().public_scope(name)
        # a page knows the policy values it rests on; a change of another leaves it as it is
        policy = work.run.policy.only((*scope.policy, "disclosure"), scope.reader)
        facts_of(
            replace(work.run, policy=policy),
            opened._store,
            {name: (*scope.policy, "disclosure")},
            {year: of.factor for year, of in completeness.items() if of.has_factor},
        ).write(given)
        target = private(work.folder / "notebooks") / source.name
        jobs.append(Job(name, source, target, {"run": work.run.name, "public": "public"}, given))
    return Pages(jobs, cache, request.fresh, effects_of(shown))


def _workbooks_and_sheets(work: _Work, pages: Pages) -> None:
    """Write a workbook per report into tables/, and each hospital's sheets, of both editions."""
    from tcoc.report.facts import RunFacts
    from tcoc.run.sheets import write_sheets

    # for the release, which writes them again
    RunFacts.read(pages.jobs[0].public).write(private(work.folder / RESTRICTED))
    for job in pages.jobs:
        own = [table for table in work.given[job.name].values() if table.deliverable == job.name]
        if own:
            pages.workbook(job, own, registry.find(job.name).title, work.folder / "tables")
    work.report.start("hospital sheets", 1)
    with metered() as reading:
        write_sheets(work.folder, work.manifest)
    work.report.advance("hospital sheets")
    work.readings["sheets"] = reading


def _render(
    request: RunRequest, work: _Work, pages: Pages, ready: Callable[[], PagesProcess]
) -> None:
    pages.take()
    with ThreadPoolExecutor(1) as beside:
        # of tables alone, while the pages' process is at work
        others = beside.submit(_workbooks_and_sheets, work, pages)
        pages.execute(request.workers, work.report, partial(_finish_page, work, pages), ready)
        others.result()
    work.manifest.isolation = pages.isolation
    done = work.manifest.deliverables
    work.manifest.deliverables = {name: done[name] for name in work.names}


def _finish_page(work: _Work, pages: Pages, job: Job, answer: Answer | None) -> None:
    """Make a report of an executed notebook; `answer` is missing where it is from the cache."""
    from tcoc.report.render import render_report

    name = job.name
    if answer is not None:
        work.readings[f"{name} notebook"] = Reading(answer.seconds, answer.peak_mb)
        for line in answer.warned:
            work.report.say(f"{name}: {line}")
    pages.tell_effects(job)
    _look_at(job, work.given[name])
    work.manifest.deliverables[name] = _done(work, pages, name)
    policy = registry.catalog().public_scope(name).policy
    html = work.folder / f"{name}.html"
    render_report(job.target, html, work.manifest.plain(), prefixes=policy)


def _look_at(job: Job, tables: Mapping[str, PublicTable]) -> None:
    """Refuse a page that shows anything but public tables through the kit (rule D4)."""
    from tcoc.report.executed import cells_of
    from tcoc.report.facts import RunFacts
    from tcoc.report.guard import check_notebook, said_numbers

    numbers = said_numbers(RunFacts.read(job.public))
    check_notebook(job.source.name, cells_of(job.target), tables.values(), numbers)


def _done(work: _Work, pages: Pages, name: str) -> Done:
    """Return what a deliverable took, and what of it was there already, since when."""
    own = [r for key, r in list(work.readings.items()) if key.split(" ")[0] == name]
    return Done(
        state="ok",
        seconds=round(sum(r.seconds for r in own), 2),
        peak_mb=max((r.peak_mb for r in own), default=0.0),
        reused=_reused(work, name, pages.taken.get(name, "")),
    )


def _reused(work: _Work, name: str, page_from: str) -> Reused:
    tables = [p.name for p in registry.find(name).tables if not p.internal]
    taken = [table for table in tables if table in work.taken]
    return Reused.model_validate(
        {
            "tables": True if tables and len(taken) == len(tables) else taken,
            "notebook": bool(page_from),
            "from": min((work.taken[table] for table in taken), default=""),
            "notebook_from": page_from,
        }
    )


def _finish(work: _Work, found: inputs.Found, cache: Cache, fresh: bool) -> None:
    """Write the front page, and search what is public for identifiers."""
    from tcoc.report.index import render_index
    from tcoc.report.one_file import write_one_file
    from tcoc.run.identifiers import assert_no_identifiers, note_searched, searched
    from tcoc.run.news import since_release

    policy = sorted({file for name in work.names for file in registry.find(name).policy})
    news = since_release(work.folder, work.outputs, work.run.name)
    render_index(work.folder, work.manifest.plain(), _reports(work), policy, news)
    write_one_file(work.folder, work.names)
    work.report.start("identifier search", 1)
    shutil.rmtree(work.folder / INTERNAL, ignore_errors=True)
    store = store_of(work.manifest)
    none = frozenset[str]() if fresh else searched(cache, store)
    every = assert_no_identifiers(work.run.store_path, work.folder, none)
    work.report.advance("identifier search")
    found.refuse_moved()
    note_searched(cache, store, every)


def _reports(work: _Work) -> list[Any]:
    """Return title, question and answer of each report for the cover, from public tables alone."""
    from tcoc.report.facts import RunFacts
    from tcoc.report.index import Report
    from tcoc.report.release import Release

    found = []
    for name in work.names:
        deliverable = registry.find(name)
        facts = RunFacts.read(work.folder / INTERNAL / "pages" / name)
        headline = deliverable.headline(Release(work.given[name], facts, name))
        found.append(
            Report(
                name,
                deliverable.title,
                deliverable.question,
                headline,
                deliverable.readers,
                deliverable.on_data,
            )
        )
    return found


def _close(work: _Work, key: str, umask: int) -> None:
    """Note every file with its hash, and give the public edition the modes of its user."""
    files = [f for f in sorted(work.folder.rglob("*")) if f.is_file()]
    named = {f.relative_to(work.folder).as_posix(): f for f in files}
    closed = {n: sha256(f) for n, f in named.items() if n.split("/")[0] == RESTRICTED}
    Private(key=key, tables=work.rows, files=closed).write(work.folder)
    work.manifest.files = {
        name: sha256(file)
        for name, file in named.items()
        if name not in closed and name != "manifest.json"
    }
    work.manifest.state = "ok"
    work.manifest.finished = _now()
    work.manifest.write(work.folder)
    mark_not_released(work.folder)
    open_up(work.folder, umask, PRIVATE_TOPS)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# ---------------------------------------------------------------- when it fails


def _told(error: BaseException, found: inputs.Found, folder: Path) -> str:
    if moved := found.moved():
        return moved
    said = error if isinstance(error, TcocError) else shortage(error, place=folder)
    if said is not None:
        return _FOLDERS.sub("", str(said))
    return "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__


def _say_if_moved(error: BaseException, found: inputs.Found) -> None:
    """Say that an input was changed under the run, in place of what that led to."""
    if isinstance(error, Exception) and (moved := found.moved()):
        raise TcocError(moved) from error


def _keep_traces(outputs: Path, work: _Work, sentence: str) -> None:
    """Move what helps to understand a failure to outputs/.failed; tables are not kept."""
    work.manifest.state, work.manifest.error = "failed", sentence
    _set_aside(outputs, work.folder, work.run.name, work.manifest, work.run.store_path)


def _set_aside(
    outputs: Path, folder: Path, name: str, manifest: Manifest, store: Path | None = None
) -> None:
    """Keep a failed run's manifest, and its executed notebooks where they name nobody of a store.

    A disk that is full even then keeps no traces: the failure itself is what must be said.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    traces = outputs / ".failed" / f"{name}-{stamp}-{secrets.token_hex(3)}"
    kept = False
    try:
        private(traces)
        if store is not None and (folder / "notebooks").is_dir():
            (folder / "notebooks").rename(traces / "notebooks")
        manifest.write(traces)
        if store is not None and not _names_nobody(store, traces):
            remove(traces / "notebooks")
            manifest.error = "not kept, because it may name a person; the run's output says it"
            manifest.write(traces)
        kept = True
    except OSError:
        pass
    finally:
        if not kept:  # nothing stays that was not searched to its end
            remove(traces)
    remove_left_spill()


def _names_nobody(store: Path, traces: Path) -> bool:
    """Whether no identifier of a store stands in traces; a search that fails finds nothing out."""
    from tcoc.run.identifiers import assert_no_identifiers

    try:
        assert_no_identifiers(store, traces)
    except (TcocError, OSError, ValueError, EngineError):
        return False
    return True


def tidy(outputs: Path) -> None:
    """Put right what killed runs have left: finish an exchange, publish what is whole, clean up."""
    recover(outputs)
    for folder in left_behind(outputs):
        name = folder.name[1:].rsplit(".", 2)[0]
        with suppress(InputError):
            manifest = read_manifest(folder)
            if manifest.state == "ok":
                _settle(outputs / name, folder, manifest)
            elif manifest.run:
                manifest.state, manifest.error = "failed", "the run was killed"
                _set_aside(outputs, folder, name, manifest)
        forget(folder)
    remove_left(outputs)


def _settle(place: Path, folder: Path, manifest: Manifest) -> None:
    """Publish a whole run that was killed just before its exchange; an earlier one just goes."""
    stands = read_manifest(place)
    earlier = bool(manifest.id) and stands.follows == manifest.id
    later = bool(stands.id) and manifest.follows == stands.id
    if later or not (earlier or stands.finished >= manifest.finished):
        publish(folder, place)
