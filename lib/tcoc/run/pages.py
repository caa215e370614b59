"""The pages of a run: taken over from the cache where nothing that they read has changed."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tcoc.cache import Cache, Entry, Read
from tcoc.disclosure import PublicTable
from tcoc.identity import PAGES, base_key, digest_of, sha256
from tcoc.progress import Reporter
from tcoc.report.executed import cells_of
from tcoc.report.facts import RunFacts
from tcoc.report.provenance import assumptions_html
from tcoc.report.seal import seal
from tcoc.report.workbook import notes_of, write_workbook
from tcoc.run.render import Job, PagesProcess, code_cells, execute_all
from tcoc.run.worker import Answer

_IMPORTED = re.compile(r"(?:from|import)\s+(tcoc[\w.]*)(?:\s+import\s+([\w, ]+))?")
_TOLD = "isolation"


class Pages:
    """The notebooks of a run: those that the cache has, and those that are to be executed."""

    def __init__(
        self, jobs: Sequence[Job], cache: Cache, fresh: bool, effects: Mapping[str, float]
    ) -> None:
        self.jobs, self.cache, self.fresh, self.effects = list(jobs), cache, fresh, effects
        self.taken: dict[str, str] = {}
        self.isolation = ""

    def take(self) -> None:
        """Put the executed notebooks in place that are still right; `taken` says since when."""
        for job in [] if self.fresh else self.jobs:
            entry = self.cache.find(_kind(job), _base(job), _reads(job))
            if entry is not None and self.cache.take(entry, job.target.parent, link=False):
                self.taken[job.name] = entry.made
                self.isolation = str(entry.facts.get(_TOLD, ""))

    def execute(
        self,
        workers: int,
        report: Reporter,
        finish: Callable[[Job, Answer | None], None],
        ready: Callable[[], PagesProcess] | None = None,
    ) -> None:
        """Execute the notebooks that are left, keep them, and `finish` every page.

        One that was executed is finished while others still are; those from the cache at the end.
        """
        left = {job.name: self._weighed(job) for job in self.jobs if job.name not in self.taken}
        if left:
            report.start("notebook cells", sum(code_cells(job.source) for job in left.values()))
            report.start("notebooks", len(left))

        def done(answer: Answer) -> None:
            job = left[answer.name]
            self._keep(job, answer)
            report.advance("notebooks", job.name)
            finish(job, answer)

        def on_cell(_name: str) -> None:
            report.advance("notebook cells")

        execute_all([*left.values()], workers, on_cell, done, ready)
        for job in self.jobs:
            if job.name in self.taken:
                finish(job, None)

    def _keep(self, job: Job, answer: Answer) -> None:
        self.isolation = answer.isolation
        files, facts = {job.target.name: sha256(job.target)}, {_TOLD: answer.isolation}
        entry = Entry(
            _kind(job), _base(job), _reads(job), files, seconds=answer.seconds, facts=facts
        )
        self.cache.keep(entry, job.target.parent, link=False)

    def tell_effects(self, job: Job) -> None:
        """Write into a page's list of assumptions what they move, by which it is ordered.

        That changes with any value of the MPA, and nothing else of most pages does: it is written
        into the executed notebooks, those from the cache too, and none is executed for it.
        """
        facts = RunFacts.read(job.public).with_effects(self.effects)
        if facts.effects:
            _tell(job.target, *(assumptions_html(facts.assumed(job.name), moved)
                                for moved in ({}, facts.effects)))  # fmt: skip

    def workbook(self, job: Job, tables: Sequence[PublicTable], title: str, folder: Path) -> None:
        """Write a report's workbook (D4), or take over that of the same tables and words."""
        facts, out = RunFacts.read(job.public), folder / f"{job.name}.xlsx"
        files = [job.public / f"{table.name}.parquet" for table in tables]
        reads = tuple(("public", file.name, sha256(file)) for file in files)
        said = [title, notes_of(facts), [asdict(table.facts) for table in tables]]
        kind = f"workbook-{job.name}"
        base = base_key(kind, frozenset({write_workbook.__module__}), said, PAGES)
        entry = None if self.fresh else self.cache.find(kind, base, reads)
        if entry is None or not self.cache.take(entry, folder, link=False):
            write_workbook(tables, facts, out, title)
            self.cache.keep(Entry(kind, base, reads, {out.name: sha256(out)}), folder, link=False)

    def _weighed(self, job: Job) -> Job:
        """Say how long a notebook took last time, or how many cells it has."""
        known = [e.seconds for e in self.cache.latest(_kind(job))]
        weight = known[0] if known else float(code_cells(job.source))
        return Job(job.name, job.source, job.target, job.parameters, job.public, weight,
                   job.hook_only)  # fmt: skip


def _tell(notebook: Path, without: str, told: str) -> None:
    """Replace the list of assumptions of an executed notebook, under the kit's seal."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for output in (o for cell in content["cells"] for o in cell.get("outputs", ())):
        shown = {mime: "".join(text) for mime, text in output["data"].items()}
        about = output["metadata"].get("tcoc", {})
        if about.get("kind") == "assumptions" and shown["text/html"] == without:
            about["digest"] = seal("assumptions", "", shown | {"text/html": told})
            output["data"]["text/html"] = told.splitlines(keepends=True)
    # as nbformat writes it
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    notebook.write_text(text, encoding="utf-8")


def _kind(job: Job) -> str:
    return f"page-{job.name}"


def _base(job: Job) -> str:
    """The notebook, the code that it and the kit run, and the libraries that draw."""
    modules = frozenset({*_imports(job.source), "tcoc.report.release", "tcoc.run.worker"})
    facts = [sha256(job.source), dict(job.parameters), _resources()]
    return base_key(_kind(job), modules, facts, PAGES)


def _imports(notebook: Path) -> list[str]:
    """Return the modules of this library that a notebook's cells import."""
    cells = cells_of(notebook)
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    found = []
    for module, names in _IMPORTED.findall(code):
        found.append(module)
        found += [f"{module}.{name.strip().split(' ')[0]}" for name in names.split(",") if name]
    return found


def _resources() -> str:
    """The kit's templates and fonts, which are no code but are seen."""
    from tcoc import report

    base = Path(report.__file__).parent
    files = [f for f in sorted(base.rglob("*")) if f.is_file() and f.suffix not in (".py", ".pyc")]
    return digest_of([[f.relative_to(base).as_posix(), sha256(f)] for f in files])


def _reads(job: Job) -> tuple[Read, ...]:
    files = sorted(f for f in job.public.rglob("*") if f.is_file())
    return tuple(("public", f.relative_to(job.public).as_posix(), sha256(f)) for f in files)
