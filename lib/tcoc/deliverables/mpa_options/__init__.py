"""Options of the Medicare Performance Adjustment."""

from typing import Any

from tcoc.deliverables.mpa_options.tables import PRODUCTS
from tcoc.deliverables.registry import Deliverable
from tcoc.study import Study


def _no_drafts(study: Study) -> list[Any]:
    return []


def _no_headline(release: Any) -> str:
    return ""


DELIVERABLE = Deliverable(
    name="mpa_options",
    title="MPA options",
    question="What would each option change each hospital's Medicare payments by?",
    policy=("mpa", "risk", "attribution", "tcoc"),
    uses=("y1_attribution", "risk_adjustment"),
    tables=PRODUCTS,
    public=_no_drafts,
    headline=_no_headline,
    needs=(
        "rate_years",
        "national_growth",
    ),
    dated={"mpa": "rate_years"},
)
