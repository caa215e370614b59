"""What a deliverable is, and which there are: adding one is a folder and one line here.

A deliverable's folder says its tables (stage 1), what of them may leave (stage 2), the words and
the checks of its pages (stage 3), and what all of that reads. Nothing else in the library names a
deliverable.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from tcoc.cache import Cache
from tcoc.errors import TcocError
from tcoc.params import Run
from tcoc.reference import Reference
from tcoc.store.connection import connect
from tcoc.store.facts import claim_rows
from tcoc.store.layout import Store, open_store
from tcoc.study import INTERNAL, Catalog, Part, Product, Study


@dataclass(frozen=True)
class Measured:
    """What a check measured and how much of it is allowed, in the same unit."""

    measured: float
    allowed: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the measured amount is within what is allowed; a missing one never is."""
        return self.measured <= self.allowed


@dataclass(frozen=True)
class Check:
    """Something that must be true of a run's tables for its pages to be believed.

    `words` is one sentence that says what holds where it holds; `rule` cites the rule it guards.
    """

    name: str
    rule: str
    words: str
    measure: Callable[[Study], Measured]


@dataclass(frozen=True)
class Deliverable:
    """One question of the program, from tables to page.

    name      folder, notebook, policy file and tests have this name
    title     the page's title; `question` is what a reader comes with, `readers` who they are
    policy    the policy files that tables and pages may read; others are refused
    uses      the deliverables whose tables these are computed from; others are refused
    tables    the restricted tables, in order
    public    the drafts of public tables, for the gate
    checks    what is asserted, computed in stage 1
    needs     keys of the run file that it cannot do without
    dated     policy file -> run key with the years for which its dated values are read
    words     the module of its sentences; where empty, `words` in the folder of its name
    on_data   whether its answer is about the data, and stands with them on the cover
    judge     refuses what run file, store and reference tables show before any claim is read
    """

    name: str
    title: str
    question: str
    policy: tuple[str, ...]
    tables: tuple[Product, ...]
    public: Callable[[Study], list[Any]]
    checks: tuple[Check, ...] = ()
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    dated: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    readers: str = ""
    on_data: bool = False
    judge: Callable[[Run, Store, Reference], None] | None = None

    def headline(self, release: Any) -> str:
        """Return the page's answer in one sentence, from public tables."""
        return str(self.sentences().headline(release))

    def sentences(self) -> Any:
        """Return the module of its sentences."""
        # the drawing libraries are loaded when a sentence is asked for, not with the tables
        return import_module(self.words or f"{__package__}.{self.name}.words")


CHECKS = "checks"
"""The restricted table of what the run's pages assert."""

CHECK_COLUMNS = {
    "name": "string",
    "rule": "string",
    "words": "string",
    "holds": "boolean",
    "measured": "float64",
    "allowed": "float64",
}
"""A deliverable's own table of checks; the run's has the deliverable before them."""


@cache
def deliverables() -> tuple[Deliverable, ...]:
    """Return all deliverables, in the order of a run: adding one is a line here."""
    from tcoc.deliverables import (
        data_intake,
        mpa_options,
        policy_lab,
        progression_plan,
        qp_preliminary,
        risk_adjustment,
        y1_attribution,
    )

    return (
        data_intake.DELIVERABLE,
        y1_attribution.DELIVERABLE,
        risk_adjustment.DELIVERABLE,
        qp_preliminary.DELIVERABLE,
        mpa_options.DELIVERABLE,
        policy_lab.DELIVERABLE,
        progression_plan.DELIVERABLE,
    )


def names() -> tuple[str, ...]:
    """Return the names of all deliverables, in the order of a run."""
    return tuple(deliverable.name for deliverable in deliverables())


def find(name: str) -> Deliverable:
    """Return a deliverable, or raise TcocError that names the nearest."""
    part = catalog().part(name)
    return next(d for d in deliverables() if d.name == part.name)


# ---------------------------------------------------------------- the catalog of tables


@dataclass(frozen=True)
class _Tables:
    """A part of the catalog: a deliverable's tables with that of its checks."""

    name: str
    policy: tuple[str, ...]
    uses: tuple[str, ...]
    tables: tuple[Product, ...]


@cache
def catalog() -> Catalog:
    """Return the tables of all deliverables, with their checks, and the table of all checks."""
    parts: list[Part] = [
        _Tables(d.name, d.policy, d.uses, (*d.tables, _checks_of(d))) for d in deliverables()
    ]
    schema = {"deliverable": "string", **CHECK_COLUMNS}
    together = Product(CHECKS, ("deliverable", "name"), _all_checks, schema)
    return Catalog([*parts, _Tables(CHECKS, (), names(), (together,))])


def _checks_of(deliverable: Deliverable) -> Product:
    return Product(
        f"{CHECKS}_{deliverable.name}",
        ("name",),
        partial(_measured, checks=deliverable.checks),
        CHECK_COLUMNS,
        internal=True,
        code=tuple(check.measure for check in deliverable.checks),
    )


def _measured(study: Study, checks: Sequence[Check]) -> pd.DataFrame:
    """Measure a deliverable's checks; a name that stands twice would hide one of the two."""
    rows = []
    for check in checks:
        found = check.measure(study)
        rows.append(
            {
                "name": check.name,
                "rule": check.rule,
                "words": check.words,
                "holds": bool(found.holds),
                "measured": float(found.measured),
                "allowed": float(found.allowed),
            }
        )
    named = [check.name for check in checks]
    if twice := sorted({name for name in named if named.count(name) > 1}):
        raise TcocError(f'the check "{twice[0]}" stands twice')
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))


def _all_checks(study: Study) -> pd.DataFrame:
    """The checks of the run's deliverables: one row per (deliverable, name)."""
    wanted = [name for name in names() if name in study.run.spec.deliverables]
    frames = [study.frame(f"{CHECKS}_{name}").assign(deliverable=name) for name in wanted]
    columns = ["deliverable", *CHECK_COLUMNS]
    return pd.concat(frames)[columns] if frames else pd.DataFrame(columns=columns)


# ---------------------------------------------------------------- opening a run


@contextmanager
def study(
    run: Run,
    work: Path,
    memory_limit: str | None = None,
    threads: int | None = None,
    cache: Cache | None = None,
    fresh: bool = False,
) -> Iterator[Study]:
    """Open a run's store and engine for the length of a block, with the tables of the registry."""
    store = open_store(run.store_path)
    rows = max(claim_rows(store, year) for year in run.years)
    with connect(run.spec.engine, memory_limit, threads, work / INTERNAL, rows) as connection:
        yield Study(run, store, connection, work, catalog(), cache, fresh)
