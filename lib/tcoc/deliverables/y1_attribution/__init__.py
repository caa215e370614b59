"""Year 1 attribution: whose beneficiaries are whose."""

from typing import Any

from tcoc.deliverables.y1_attribution.public import public_tables
from tcoc.deliverables.y1_attribution.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable


def _headline(release: Any) -> str:
    # the drawing libraries are loaded when a sentence is asked for, not with the tables
    from tcoc.deliverables.y1_attribution.sections import headline

    return headline(release)


DELIVERABLE = Deliverable(
    name="y1_attribution",
    title="Year 1 attribution",
    question="Which hospital answers for which Medicare beneficiaries?",
    policy=("attribution", "tcoc"),
    uses=(),
    tables=PRODUCTS,
    public=public_tables,
    headline=_headline,
)
