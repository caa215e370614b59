"""Options of the Medicare Performance Adjustment."""

from typing import Any

from tcoc.deliverables.mpa_options.checks import CHECKS
from tcoc.deliverables.mpa_options.public import public_tables
from tcoc.deliverables.mpa_options.tables import POLICY, PRODUCTS, USES
from tcoc.deliverables.registry import Deliverable


def _headline(release: Any) -> str:
    # the drawing libraries are loaded when a sentence is asked for, not with the tables
    from tcoc.deliverables.mpa_options.words import headline

    return headline(release)


DELIVERABLE = Deliverable(
    name="mpa_options",
    title="MPA options",
    question="What would each option change each hospital's Medicare payments by?",
    policy=("attribution", *POLICY),
    uses=USES,
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
    headline=_headline,
    needs=("rate_years", "national_growth"),
    dated={"mpa": "rate_years"},
)
