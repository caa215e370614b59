"""Risk adjustment of the base year."""

from typing import Any

from tcoc.deliverables.registry import Deliverable
from tcoc.deliverables.risk_adjustment.tables import PRODUCTS
from tcoc.study import Study


def _no_drafts(study: Study) -> list[Any]:
    return []


def _no_headline(release: Any) -> str:
    return ""


DELIVERABLE = Deliverable(
    name="risk_adjustment",
    title="Risk adjustment",
    question="Is risk adjustment of the base year right, and by which method?",
    policy=("risk", "tcoc", "attribution"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=_no_drafts,
    headline=_no_headline,
    needs=(
        "base_year",
        "performance_year",
    ),
)
