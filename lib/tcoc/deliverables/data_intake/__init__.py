"""What came in, and whether it can be used."""

from tcoc.deliverables.data_intake.checks import CHECKS
from tcoc.deliverables.data_intake.public import public_tables
from tcoc.deliverables.data_intake.tables import POLICY, PRODUCTS, USES, judge
from tcoc.deliverables.registry import Deliverable

DELIVERABLE = Deliverable(
    name="data_intake",
    title="Data intake: what to know before trusting a year",
    question="What must be known of the data before a year is trusted?",
    readers="analysts, and whoever signs off a year’s numbers",
    on_data=True,
    policy=POLICY,
    uses=USES,
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
    judge=judge,
)
