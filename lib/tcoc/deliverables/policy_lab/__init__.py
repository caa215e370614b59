"""The laboratory of policies: which design of a Year 2 MPA pays for performance, not for luck."""

from tcoc.deliverables.policy_lab.checks import CHECKS
from tcoc.deliverables.policy_lab.public import public_tables
from tcoc.deliverables.policy_lab.tables import POLICY, PRODUCTS
from tcoc.deliverables.registry import Deliverable

DELIVERABLE = Deliverable(
    name="policy_lab",
    title="Policy laboratory",
    question="Which design of a Year 2 MPA pays for performance and not for luck?",
    readers="whoever designs the Year 2 MPA",
    policy=POLICY,
    uses=(),
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
)
