"""The figures of the Progression Plan."""

from typing import Any

from tcoc.deliverables.progression_plan.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable
from tcoc.study import Study


def _no_drafts(study: Study) -> list[Any]:
    return []


def _no_headline(release: Any) -> str:
    return ""


DELIVERABLE = Deliverable(
    name="progression_plan",
    title="Progression Plan",
    question="What do the plan's empty figures show?",
    policy=("progression", "attribution", "tcoc"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=_no_drafts,
    headline=_no_headline,
)
