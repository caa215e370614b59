"""Preliminary QP threshold scores."""

from typing import Any

from tcoc.deliverables.qp_preliminary.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable
from tcoc.study import Study


def _no_drafts(study: Study) -> list[Any]:
    return []


def _no_headline(release: Any) -> str:
    return ""


DELIVERABLE = Deliverable(
    name="qp_preliminary",
    title="QP threshold scores",
    question="Which clinicians would qualify?",
    policy=("qp", "attribution"),
    uses=("y1_attribution",),
    tables=PRODUCTS,
    public=_no_drafts,
    headline=_no_headline,
    needs=("qp_years",),
    dated={"qp": "qp_years"},
)
