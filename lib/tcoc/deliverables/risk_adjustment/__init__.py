"""Risk adjustment of the base year."""

from tcoc.deliverables.registry import Deliverable
from tcoc.deliverables.risk_adjustment.checks import CHECKS
from tcoc.deliverables.risk_adjustment.inputs import judge
from tcoc.deliverables.risk_adjustment.public import public_tables
from tcoc.deliverables.risk_adjustment.tables import POLICY, PRODUCTS, USES

DELIVERABLE = Deliverable(
    name="risk_adjustment",
    title="Risk adjustment",
    question="Is risk adjustment of the base year right, and by which method?",
    readers="the workgroup and rate setters",
    policy=("attribution", *POLICY),
    uses=USES,
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
    judge=judge,
    needs=("base_year", "performance_year"),
)
