"""The laboratory of policies: which design of a Year 2 MPA pays for performance, not for luck."""

from typing import Any

from tcoc.deliverables.policy_lab.checks import CHECKS
from tcoc.deliverables.policy_lab.public import public_tables
from tcoc.deliverables.policy_lab.tables import POLICY, PRODUCTS
from tcoc.deliverables.registry import Deliverable


def _headline(release: Any) -> str:
    # The drawing libraries are loaded when a sentence is asked for, not with the tables.
    from tcoc.deliverables.policy_lab.words import headline

    return headline(release)


DELIVERABLE = Deliverable(
    name="policy_lab",
    title="Policy laboratory",
    question="Which design of a Year 2 MPA pays for performance and not for luck?",
    policy=POLICY,
    uses=(),
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
    headline=_headline,
)
