"""Where a report's numbers come from: run, data, parameters, versions, how to get them again."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol

from tcoc.params import PolicyUse, Run
from tcoc.paths import project_root
from tcoc.report import words
from tcoc.report.tables import simple_table

PACKAGES = (
    "tcoc",
    "ibis-framework",
    "duckdb",
    "pandas",
    "pyarrow",
    "matplotlib",
    "seaborn",
    "statsmodels",
    "nbconvert",
    "papermill",
)

_SOURCES = {
    "synthetic": "Synthetic Maryland: invented people, clinicians and amounts",
    "synth": "Synthetic Maryland: invented people, clinicians and amounts",
    "rif": "CMS Research Identifiable Files",
    "cclf": "CMS Claim and Claim Line Feed",
    "synpuf": "CMS DE-SynPUF (synthetic public use file)",
}


@dataclass(frozen=True)
class Provenance:
    """What the header and the footer of a page say; no clock, so that a page is reproducible."""

    run: str
    data: str
    vintage: str
    synthetic: bool
    command: str
    commit: str = ""
    engine: str = "duckdb"
    versions: Mapping[str, str] = field(default_factory=dict)
    replaced: tuple[PolicyUse, ...] = ()
    assumed: tuple[PolicyUse, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def draft(self) -> bool:
        """Whether values that are assumed or replaced stand behind the numbers."""
        return bool(self.assumed or self.replaced)


class RunOnStore(Protocol):
    """What a provenance needs of a study: its run and its store."""

    @property
    def run(self) -> Run:
        """The run file with its policy."""

    @property
    def store(self) -> Any:
        """The store with `info`, `synthetic` and `years`."""


def provenance(study: RunOnStore, prefixes: Sequence[str] = ()) -> Provenance:
    """Describe a run on its store; `prefixes` are the policy values that the page rests on."""
    run = study.run
    uses = run.policy.uses(prefixes, policy_years(run))
    return Provenance(
        run=run.name,
        data=data_words(study.store),
        vintage=vintage_words(study.store),
        synthetic=bool(study.store.synthetic),
        command=f"tcoc run {run_path(run)}",
        commit=git_commit(),
        engine=run.spec.engine,
        versions=versions(),
        replaced=tuple(use for use in uses if use.replaced),
        assumed=tuple(use for use in uses if use.status == "assumed" and not use.replaced),
        settings=_settings(run),
    )


def policy_years(run: Run) -> tuple[int, ...]:
    """Return every year for which the run reads a dated policy value."""
    spec = run.spec
    named = [y for y in (spec.base_year, spec.performance_year) if y]
    return tuple(sorted({*spec.years, *named, *spec.qp_years, *spec.rate_years}))


def data_words(store: Any) -> str:
    """Say what data a store holds: kind of source and number of people, where it says so."""
    kind = str(store.info.get("source_kind") or store.info.get("source") or "")
    return _SOURCES.get(kind, kind or "source not stated")


def vintage_words(store: Any) -> str:
    """Say which years of claims a store holds, and its own vintage where it states one."""
    stated = str(store.info.get("vintage", ""))
    years = words.span(store.years) if store.years else "years not stated"
    return f"claims {years}" + (f", {stated}" if stated else "")


def run_path(run: Run) -> str:
    """Return the run file relative to the project, as a reader would type it."""
    root = project_root()
    return run.file.relative_to(root).as_posix() if run.file.is_relative_to(root) else run.file.name


def git_commit() -> str:
    """Return the commit of the code, with + where files differ from it, or nothing outside git."""
    root = project_root()
    head = _git("-C", str(root), "rev-parse", "--short=10", "HEAD")
    dirty = _git("-C", str(root), "status", "--porcelain", "--untracked-files=no") if head else ""
    return head + ("+" if dirty else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make the numbers and pages."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def assumptions_html(uses: Sequence[PolicyUse], name: str = "assumptions") -> str:
    """Return the table of assumed and replaced policy values, equal years on one line."""
    rows = [
        [use.description, value_words(use.value), years, use.rule, use.name, _status(use)]
        for use, years in _together(uses)
    ]
    if not rows:
        return "<p>Every policy value behind this report is sourced; none is assumed.</p>"
    headings = ["What it says", "Value", "Years", "Rule", "Name", "Status"]
    caption = f"{words.plural(len(rows), 'value')} assumed, not sourced"
    return simple_table(name, caption, headings, rows)


def value_words(value: Any) -> str:
    """Write a policy value on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        shown = ", ".join(map(str, value[:6]))
        return shown + (f", … ({len(value)} values)" if len(value) > 6 else "")
    if isinstance(value, Mapping):
        text = json.dumps(value, sort_keys=True, default=str)
        return text if len(text) <= 80 else f"mapping of {len(value)} keys"
    return str(value)


def _status(use: PolicyUse) -> str:
    return "replaced by the run file" if use.replaced else use.status


def _together(uses: Sequence[PolicyUse]) -> list[tuple[PolicyUse, str]]:
    groups: dict[tuple[str, str], list[PolicyUse]] = {}
    for use in uses:
        if use.replaced or use.status == "assumed":
            groups.setdefault((use.name, value_words(use.value)), []).append(use)
    return [
        (group[0], words.span([u.year for u in group if u.year is not None]) or "all")
        for group in groups.values()
    ]


def _settings(run: Run) -> dict[str, str]:
    spec = run.spec.model_dump(mode="json", exclude={"name", "store", "reference", "options"})
    empty = (None, [], {})
    return {key: value_words(value) for key, value in spec.items() if value not in empty}
