"""Options of the Medicare Performance Adjustment."""

from tcoc.deliverables.mpa_options.checks import CHECKS
from tcoc.deliverables.mpa_options.public import public_tables
from tcoc.deliverables.mpa_options.results import judge
from tcoc.deliverables.mpa_options.tables import POLICY, PRODUCTS, USES
from tcoc.deliverables.registry import Deliverable

DELIVERABLE = Deliverable(
    name="mpa_options",
    title="MPA options",
    question="What would each option change each hospital's Medicare payments by?",
    readers="hospitals’ chief financial officers and rate setters",
    policy=("attribution", *POLICY),
    uses=USES,
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
    judge=judge,
    needs=("rate_years", "national_growth"),
    dated={"mpa": "rate_years"},
)
