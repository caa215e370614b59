"""What the columns of the QP report's public tables mean, and the order of their rows."""

import pandas as pd

from tcoc.disclosure import Column
from tcoc.params import QpPolicy
from tcoc.rules.qp.rules import READINGS
from tcoc.study import Study

ALL = "all"
LAW, SLIDE = READINGS
SOURCE = "Medicare claims and enrollment of the run's store; rules Q1-Q9"


def share_of(label: str, description: str, digits: int = 1) -> Column:
    """Describe a share of clinicians or of a rule: a number about no beneficiary."""
    return Column(label, "number", description, "share", digits=digits + 2)


YEAR = Column("Year", "year", "Performance year.")
TEST = Column("Test", "key", "The performance years whose thresholds are taken (Q6).")
READING = Column("Thresholds", "key", "Regulation, or as slide 9 prints them (Q6).")
PARTNER = Column(
    "Partner", "key", "Best: the hospital with the highest score; actual: as listed (Q4)."
)
CLINICIANS = Column("Clinicians", "entities", "In the model, with a denominator (Q3, Q5).")
MEETING = Column("Meeting", "entities", "Clinicians who reach either threshold (Q5).")
SHARE_MEETING = share_of("Share meeting", "Meeting over clinicians (Q5).")


def in_order(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Sort by year, test in its order, regulation before slide, best before actual."""
    places = {name: i for i, name in enumerate(QpPolicy.of(study.policy).tests)}
    places |= {name: i for i, name in enumerate((*READINGS, "best", "actual"))}
    by = [c for c in ("year", "test", "reading", "partner") if c in frame.columns]
    rest = [c for c in ("variant", "unseen_share", "snapshot") if c in frame.columns]

    def rank(column: pd.Series) -> pd.Series:
        return column.map(places) if column.name in ("test", "reading", "partner") else column

    return frame.sort_values([*by, *rest], key=rank, ignore_index=True)
