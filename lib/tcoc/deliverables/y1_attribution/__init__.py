"""Year 1 attribution: which hospital answers for which beneficiaries."""

from tcoc.deliverables.registry import Deliverable
from tcoc.deliverables.y1_attribution.checks import CHECKS
from tcoc.deliverables.y1_attribution.completion import judge
from tcoc.deliverables.y1_attribution.example import PRODUCTS as EXAMPLE
from tcoc.deliverables.y1_attribution.groups import PRODUCTS as GROUPS
from tcoc.deliverables.y1_attribution.lists import LISTS
from tcoc.deliverables.y1_attribution.public import public_tables
from tcoc.deliverables.y1_attribution.tables import PRODUCTS

DELIVERABLE = Deliverable(
    name="y1_attribution",
    title="Year 1 attribution",
    question="Which hospital answers for which Medicare beneficiaries?",
    readers="hospitals’ finance and population health officers, and ACOs",
    policy=("attribution", "tcoc"),
    uses=(),
    tables=(*PRODUCTS, *LISTS, *GROUPS, *EXAMPLE),
    public=public_tables,
    checks=CHECKS,
    judge=judge,
)
