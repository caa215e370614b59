"""The figures of the Progression Plan: published results, and the run's own spending."""

from tcoc.deliverables.progression_plan.checks import CHECKS
from tcoc.deliverables.progression_plan.public import public_tables
from tcoc.deliverables.progression_plan.tables import POLICY, PRODUCTS, USES
from tcoc.deliverables.registry import Deliverable

DELIVERABLE = Deliverable(
    name="progression_plan",
    title="Progression Plan: from hospital budgets to the total cost of care",
    question="What did hospital budgets achieve, and which spending do they not reach?",
    readers="policy staff, and readers new to Maryland’s model",
    policy=(*POLICY, "tcoc"),
    uses=USES,
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
)
