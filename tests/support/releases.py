"""A deliverable's page on a small study: its public tables, and its notebook's own cells."""

from typing import Any
from unittest.mock import patch

import nbformat

import tcoc
from tcoc import disclosure
from tcoc.deliverables import registry
from tcoc.disclosure import Column, Draft
from tcoc.paths import notebooks_dir
from tcoc.report import display
from tcoc.report.facts import facts_of
from tcoc.report.release import Release
from tcoc.study import Study


def release_of(study: Study, name: str) -> Release:
    """Gate one deliverable's drafts with its checks, and open them as its page would."""
    deliverable = registry.find(name)
    checks = study.frame(f"checks_{name}").assign(deliverable=name).drop(columns="measured")
    columns = {"holds": Column("Holds", "flag"), "allowed": Column("Allowed", "number")}
    together = Draft(
        name="checks", title="Checks", frame=checks, keys=("deliverable", "name"), columns=columns
    )
    drafts = {name: list(deliverable.public(study)), "checks": [together]}
    gated = disclosure.gate(drafts, study.policy)
    facts = facts_of(study.run, study.store, {name: deliverable.policy})
    return Release(gated.tables, facts, name, lambda: study)


def show(release: Release) -> str:
    """Run every code cell of a deliverable's committed notebook; return all that it shows."""
    told: list[str] = []

    def publish(data: dict[str, Any], kind: str, /, **_facts: Any) -> None:
        told.append(f"[{kind}] {data.get('text/plain', '')} {data.get('text/html', '')}")

    cells = nbformat.read(notebooks_dir() / f"{release.deliverable}.ipynb", as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    names: dict[str, Any] = {}
    with (
        patch.object(display, "publish", publish),
        patch.object(tcoc, "open_release", lambda *_args, **_more: release, create=True),
    ):
        for text in code:
            exec(text, names)  # the committed notebook's own cells
    return "\n".join(told)
