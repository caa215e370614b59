"""What came in, and whether it can be used."""

from typing import Any

from tcoc.deliverables.data_intake.checks import CHECKS
from tcoc.deliverables.data_intake.public import public_tables
from tcoc.deliverables.data_intake.tables import POLICY, PRODUCTS, USES
from tcoc.deliverables.registry import Deliverable


def _headline(release: Any) -> str:
    # the drawing libraries are loaded when a sentence is asked for, not with the tables
    from tcoc.deliverables.data_intake.words import headline

    return headline(release)


DELIVERABLE = Deliverable(
    name="data_intake",
    title="Data intake: what to know before trusting a year",
    question="What must be known of the data before a year is trusted?",
    policy=POLICY,
    uses=USES,
    tables=PRODUCTS,
    public=public_tables,
    checks=CHECKS,
    headline=_headline,
)
