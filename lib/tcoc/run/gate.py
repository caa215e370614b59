"""Stage 2: from restricted tables to public ones, all deliverables of a run together."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tcoc import disclosure
from tcoc.cache import Entry, base_key, look_up, sha256
from tcoc.deliverables import registry
from tcoc.deliverables.registry import CHECKS, Deliverable
from tcoc.folders import private
from tcoc.study import Scope, Study, module_of

LOG = "hidden_cells"
"""The restricted table of what the gate hid, and why."""


def gate_tables(study: Study, names: Sequence[str], public: Path) -> Path:
    """Write the public tables of a run's deliverables into a folder and return it.

    The folder gets `tables/` (Parquet and dictionary, for the pages), `csv/` (what is published)
    and `log/` (restricted). It comes from the cache where nothing that any of them read has
    changed. Raises DisclosureError where the gate refuses.
    """
    private(public)
    if study.cache is None:
        _gated(study, names, public)
        return public
    base = _base(names)
    if not study.fresh:
        for entry in look_up(study.cache, "gate", base, study.holds):
            if study.cache.take(entry, public, link=False):
                return public
    reads = _gated(study, names, public)
    files = {
        file.relative_to(public).as_posix(): sha256(file)
        for file in sorted(public.rglob("*"))
        if file.is_file()
    }
    noted = tuple((kind, name, digest) for (kind, name), digest in reads.items())
    study.cache.keep(Entry("gate", base, noted, files), public, link=False)
    return public


def _base(names: Sequence[str]) -> str:
    chosen = [registry.find(name) for name in names]
    modules = frozenset({*(module_of(d.public) for d in chosen), "tcoc.disclosure", __name__})
    titles = [[d.name, d.title, d.policy, d.uses] for d in chosen]
    return base_key("gate", modules, titles)


def _gated(study: Study, names: Sequence[str], public: Path) -> dict[tuple[str, str], str]:
    """Draft, gate and write; returns all that was read."""
    drafts: dict[str, list[Any]] = {}
    noted: dict[tuple[str, str], str] = {}
    for name in names:
        deliverable = registry.find(name)
        with study.reading(registry.catalog().public_scope(name)) as reads:
            drafts[name] = list(deliverable.public(study))
        noted |= reads
    with study.reading(Scope("the gate", ("disclosure",), (CHECKS, *registry.names()))) as reads:
        drafts[CHECKS] = [_checks_draft(study)]
        gated = disclosure.gate(drafts, study.policy)
    noted |= reads
    disclosure.write_public(gated.tables, private(public / "tables"))
    disclosure.write_csvs(gated.tables, private(public / "csv"))
    gated.log.to_parquet(private(public / "log") / f"{LOG}.parquet", index=False)
    gated.record.write(public / "log")
    return noted


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


def page_tables(public: Path, deliverable: Deliverable, folder: Path) -> Path:
    """Write what one page is given: the public tables of what it rests on, and its checks."""
    tables = disclosure.read_public(public / "tables")
    below = set(registry.catalog().builds_on(deliverable.name))
    own = {name: table for name, table in tables.items() if table.deliverable in below}
    if CHECKS in tables:
        own[CHECKS] = tables[CHECKS].where(deliverable=below)
    shutil.rmtree(folder, ignore_errors=True)
    disclosure.write_public(own, private(folder))
    return folder
