"""Year 1 attribution: whose beneficiaries are whose."""

from typing import Any

from tcoc.deliverables.registry import Deliverable
from tcoc.deliverables.y1_attribution.tables import PRODUCTS
from tcoc.study import Study


def _no_drafts(study: Study) -> list[Any]:
    return []


def _no_headline(release: Any) -> str:
    return ""


DELIVERABLE = Deliverable(
    name="y1_attribution",
    title="Year 1 attribution",
    question="Which hospital answers for which Medicare beneficiaries?",
    policy=("attribution", "tcoc"),
    uses=(),
    tables=PRODUCTS,
    public=_no_drafts,
    headline=_no_headline,
)
