"""Stage 2: from restricted tables to public ones, all deliverables of a run together."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tcoc import disclosure
from tcoc.cache import Entry, look_up
from tcoc.deliverables import registry
from tcoc.deliverables.registry import CHECKS, Deliverable
from tcoc.disclosure.files import write_dictionary
from tcoc.disclosure.gate import Gated
from tcoc.disclosure.record import Record
from tcoc.errors import GateError
from tcoc.folders import private
from tcoc.identity import base_key, sha256
from tcoc.params import Policy
from tcoc.run.drafts import read_drafts, write_drafts
from tcoc.study import INTERNAL, Scope, Study, module_of

LOG = "hidden_cells"
"""The restricted table of what the gate hid, and why."""

DRAFTS = "drafts"
_Reads = dict[tuple[str, str], str]
"""What was read, by kind and name, with its digest."""

APART = "apart.txt"
"""Why a run cannot be released beside the earlier releases of its data; absent where it can."""


def gate_tables(
    study: Study, names: Sequence[str], public: Path, earlier: Mapping[str, Path] | None = None
) -> dict[str, disclosure.PublicTable]:
    """Write the public tables of a run's deliverables into a folder and return them.

    `earlier` has the records of releases of the same data, by digest: what they make necessary is
    hidden too, as far as that helps. Where it does not, `log/apart.txt` says why this run cannot be
    released beside them; the release refuses it.

    The folder gets `tables/` (Parquet and dictionary) and `log/` (restricted). It comes from the
    cache where nothing that any of them read has changed. Raises GateError where the gate
    refuses.
    """
    before, made = earlier or {}, dict[str, disclosure.PublicTable]()
    base = _base(names, before)
    _filled(study, "gate", base, public, lambda: _gated(study, names, public, before, made))
    return made or disclosure.read_public(public / "tables")


def _filled(study: Study, kind: str, base: str, folder: Path, make: Callable[[], _Reads]) -> _Reads:
    """Fill a folder from the cache where nothing that was read has changed, else make and keep it.

    Returns all that was read for what is in the folder. In a run that takes nothing from before,
    what stands in the folder is of a second process of the same run: an entry of the very same
    files says that it is whole, and what was read for it.
    """
    cache, there = study.cache, _hashed(private(folder))
    if cache is not None and (there or not study.fresh):
        for entry in look_up(cache, kind, base, study.holds):
            mine = entry.files == there
            if mine or (not study.fresh and cache.take(entry, folder, link=False)):
                return {(kind, name): digest for kind, name, digest in entry.reads}
    reads = make()
    if cache is not None:
        noted = tuple((kind, name, digest) for (kind, name), digest in reads.items())
        cache.keep(Entry(kind, base, noted, _hashed(folder)), folder, link=False)
    return reads


def _hashed(folder: Path) -> dict[str, str]:
    """Return the files of a folder by their path in it, with their hash."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files}


def _base(names: Sequence[str], earlier: Mapping[str, Path]) -> str:
    chosen = [registry.find(name) for name in names]
    modules = frozenset({*(module_of(d.public) for d in chosen), "tcoc.disclosure", __name__})
    titles = [[d.name, d.title, d.policy, d.uses] for d in chosen]
    return base_key("gate", modules, [titles, list(earlier)])


def drafts_of(study: Study, names: Sequence[str]) -> tuple[dict[str, list[Any]], _Reads]:
    """Return what the deliverables of a run would publish, and all that was read for it."""
    drafts: dict[str, list[Any]] = {}
    noted: _Reads = {}
    for name in names:
        drafts[name], reads = _drafts(study, registry.find(name))
        noted |= reads
    with study.reading(Scope("the gate", ("disclosure",), (CHECKS, *registry.names()))) as reads:
        drafts[CHECKS] = [_checks_draft(study)]
    return drafts, noted | reads


def draft(study: Study, name: str, wait: bool = True) -> None:
    """Draft a deliverable's public tables ahead of the gate, unless nothing of them has changed.

    Without `wait` they are left to another process that is at them.
    """
    _draft(study, registry.find(name), wait)


def _drafts(study: Study, deliverable: Deliverable) -> tuple[list[Any], _Reads]:
    """Return a deliverable's drafts, and what was read for them."""
    reads = _draft(study, deliverable)
    return read_drafts(_draft_file(study, deliverable)), reads


def _draft_file(study: Study, deliverable: Deliverable) -> Path:
    return study.work / INTERNAL / DRAFTS / deliverable.name / f"{DRAFTS}.json"


def _draft(study: Study, deliverable: Deliverable, wait: bool = True) -> _Reads:
    file = _draft_file(study, deliverable)

    def make() -> _Reads:
        with study.reading(registry.catalog().public_scope(deliverable.name)) as reads:
            write_drafts(deliverable.public(study), file)
        return reads

    kind, modules = f"{DRAFTS}-{deliverable.name}", {module_of(deliverable.public), __name__}
    facts = [deliverable.title, deliverable.policy, deliverable.uses, study.connection.engine]
    base = base_key(kind, frozenset(modules), facts)
    if study.cache is None:
        return _filled(study, kind, base, file.parent, make)
    with study.cache.making(kind, base, study.digest("store", ""), wait) as mine:
        return _filled(study, kind, base, file.parent, make) if mine else {}


def _gated(
    study: Study,
    names: Sequence[str],
    public: Path,
    earlier: Mapping[str, Path],
    made: dict[str, disclosure.PublicTable],
) -> _Reads:
    """Draft, gate and write; returns all that was read, and in `made` the tables."""
    drafts, noted = drafts_of(study, names)
    with study.reading(Scope("the gate", ("disclosure",), ())) as reads:
        gated, apart = _beside(drafts, study.policy, [Record.read(f) for f in earlier.values()])
    noted |= reads
    if apart:
        (private(public / "log") / APART).write_text(f"{apart}\n", encoding="utf-8")
    made.update(gated.tables)
    disclosure.write_public(made, private(public / "tables"))
    gated.log.to_parquet(private(public / "log") / f"{LOG}.parquet", index=False)
    gated.record.write(public / "log")
    return noted


def _beside(
    drafts: Mapping[str, Sequence[Any]], policy: Policy, earlier: Sequence[Record]
) -> tuple[Gated, str]:
    """Gate a run beside its earlier releases, else alone; says in the second case why."""
    if earlier:
        try:
            return disclosure.gate(drafts, policy, earlier), ""
        except GateError as error:
            why = str(error).removeprefix("disclosure gate: ")
            return disclosure.gate(drafts, policy), why
    return disclosure.gate(drafts, policy), ""


def _checks_draft(study: Study) -> Any:
    """The checks as they leave: whether each holds, and what is allowed; not what was measured.

    A measured amount can be a few people, and says nothing to a reader once the check holds.
    """
    column = disclosure.Column
    frame = study.frame(CHECKS).drop(columns=["measured"])
    return disclosure.Draft(
        name=CHECKS,
        title="What this run's pages assert, and whether it holds",
        frame=frame,
        keys=("deliverable", "name"),
        columns={
            "deliverable": column("Report", "key"),
            "name": column("Check", "key"),
            "rule": column("Rule", "label"),
            "words": column("What holds", "label"),
            "holds": column("Holds", "flag"),
            "allowed": column("Difference allowed", "number"),
        },
    )


def page_tables(
    tables: Mapping[str, disclosure.PublicTable], deliverable: Deliverable, made: Path, folder: Path
) -> dict[str, disclosure.PublicTable]:
    """Lay out what one page is given, and return it: the tables of what it rests on, its checks.

    `made` is where the gate wrote them.
    """
    below = set(registry.catalog().builds_on(deliverable.name))
    own = {name: table for name, table in tables.items() if table.deliverable in below}
    if CHECKS in tables:
        own[CHECKS] = tables[CHECKS].where(deliverable=below)
    shutil.rmtree(folder, ignore_errors=True)
    views = {name: table for name, table in own.items() if not table.whole}
    disclosure.write_public(views, private(folder))
    for name in own.keys() - views.keys():
        shutil.copyfile(made / f"{name}.parquet", folder / f"{name}.parquet")
    write_dictionary(own, folder)
    return own
