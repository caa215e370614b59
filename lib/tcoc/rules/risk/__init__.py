"""Risk adjustment of a hospital's base year for its changing population (rules R1 to R5).

`buckets` cuts the population and counts it in the engine; `factors` holds the CMS-HCC new enrollee
table; `adjust` computes the methods; `decompose` the parts of a
hospital's change of mix; `evidence` the regressions that the methods are compared with.
"""

from tcoc.rules.risk.adjust import Adjusted, Pair, extremes, risk_adjustment, variants_table
from tcoc.rules.risk.buckets import STATE, BucketScheme, risk_cells
from tcoc.rules.risk.factors import NewEnrolleeFactors, new_enrollee_factors
from tcoc.rules.risk.settings import METHODS, VARIANTS, RiskSettings, risk_settings

__all__ = [
    "METHODS",
    "STATE",
    "VARIANTS",
    "Adjusted",
    "BucketScheme",
    "NewEnrolleeFactors",
    "Pair",
    "RiskSettings",
    "extremes",
    "new_enrollee_factors",
    "risk_adjustment",
    "risk_cells",
    "risk_settings",
    "variants_table",
]
