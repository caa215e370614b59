"""The figures of the Progression Plan."""

from typing import Any

from tcoc.deliverables.progression_plan.public import public_tables
from tcoc.deliverables.progression_plan.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable


def _headline(release: Any) -> str:
    # the drawing libraries are loaded when a sentence is asked for, not with the tables
    from tcoc.deliverables.progression_plan.sections import headline

    return headline(release)


DELIVERABLE = Deliverable(
    name="progression_plan",
    title="Progression Plan",
    question="What do the plan's empty figures show?",
    policy=("progression", "attribution", "tcoc"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=public_tables,
    headline=_headline,
)
