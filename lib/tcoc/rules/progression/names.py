"""Names that the Progression Plan's tables share: stages, settings, groups by spending."""

from decimal import Decimal

from tcoc.store.schema import HOSPITAL_SETTINGS, SPENDING_COLUMNS

CENT = Decimal("0.01")
STAGES = ("aco_like", "mdpcp_like", "geographic")
SETTING_ORDER = (*HOSPITAL_SETTINGS, *(s for s in SPENDING_COLUMNS if s not in HOSPITAL_SETTINGS))
"""Hospital settings first, so that charts show the two parts side by side."""
COST_GROUPS = (
    ("top 1%", 1),
    ("2nd to 5th percentile", 5),
    ("6th to 10th percentile", 10),
    ("11th to 50th percentile", 50),
    ("lower half", 100),
)
"""Groups of people by spending: name and last percentile that belongs to it, costliest first."""

GONE = "not eligible"
"""The group of next year of people who died, moved away or left Medicare fee for service."""
