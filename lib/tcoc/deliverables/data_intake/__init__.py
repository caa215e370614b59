"""What came in, and whether it can be used."""

from typing import Any

from tcoc.deliverables.data_intake.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable
from tcoc.study import Study


def _no_drafts(study: Study) -> list[Any]:
    return []


def _no_headline(release: Any) -> str:
    return ""


DELIVERABLE = Deliverable(
    name="data_intake",
    title="Data intake",
    question="What must be known before a year is trusted?",
    policy=("intake", "tcoc"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=_no_drafts,
    headline=_no_headline,
)
