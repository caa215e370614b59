"""Risk adjustment of the base year."""

from typing import Any

from tcoc.deliverables.risk_adjustment.public import public_tables
from tcoc.deliverables.risk_adjustment.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable


def _headline(release: Any) -> str:
    # the drawing libraries are loaded when a sentence is asked for, not with the tables
    from tcoc.deliverables.risk_adjustment.sections import headline

    return headline(release)


DELIVERABLE = Deliverable(
    name="risk_adjustment",
    title="Risk adjustment",
    question="Is risk adjustment of the base year right, and by which method?",
    policy=("risk", "tcoc", "attribution"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=public_tables,
    headline=_headline,
    needs=("base_year", "performance_year",),
)
