"""QP threshold scores: which clinicians would qualify as APM participants."""

from tcoc.deliverables.qp_preliminary.checks import CHECKS
from tcoc.deliverables.qp_preliminary.public import public_tables
from tcoc.deliverables.qp_preliminary.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable

DELIVERABLE = Deliverable(
    name="qp_preliminary",
    title="QP threshold scores",
    question="Which clinicians would qualify?",
    readers="clinicians, and hospitals’ Care Redesign leads",
    policy=("qp", "attribution"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
    needs=("qp_years",),
    dated={"qp": "qp_years"},
)
