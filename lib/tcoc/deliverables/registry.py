"""What a deliverable is, and which there are: adding one is a folder and one line here.

A deliverable's folder says its tables (stage 1), what of them may leave (stage 2), the words and
the checks of its pages (stage 3), and what all of that reads. Nothing else in the library names a
deliverable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tcoc.study import Product, Study


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
    title     the page's title; `question` is what a reader comes with
    policy    the policy files that tables and pages may read; others are refused
    uses      the deliverables whose tables these are computed from; others are refused
    tables    the restricted tables, in order
    public    the drafts of public tables, for the gate
    checks    what is asserted, computed in stage 1
    headline  the page's answer in one sentence, from public tables
    needs     keys of the run file that it cannot do without
    dated     policy file -> run key with the years for which its dated values are read
    """

    name: str
    title: str
    question: str
    policy: tuple[str, ...]
    tables: tuple[Product, ...]
    public: Callable[[Study], list[Any]]
    headline: Callable[[Any], str]
    checks: tuple[Check, ...] = ()
    uses: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    dated: Mapping[str, str] = field(default_factory=dict)
