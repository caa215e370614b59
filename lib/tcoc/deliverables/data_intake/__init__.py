"""What came in, and whether it can be used."""

from typing import Any

from tcoc.deliverables.data_intake.public import public_tables
from tcoc.deliverables.data_intake.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable


def _headline(release: Any) -> str:
    # the drawing libraries are loaded when a sentence is asked for, not with the tables
    from tcoc.deliverables.data_intake.sections import headline

    return headline(release)


DELIVERABLE = Deliverable(
    name="data_intake",
    title="Data intake",
    question="What must be known before a year is trusted?",
    policy=("intake", "tcoc"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=public_tables,
    headline=_headline,
)
