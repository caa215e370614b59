"""Risk adjustment of a hospital's base year for its changing population (rules R1 to R6).

`buckets` cuts the population and counts it in the engine; `factors` holds the CMS-HCC new enrollee
table; `adjust` computes the methods; `bootstrap` their uncertainty; `decompose` the parts of a
hospital's change of mix; `evidence` the regressions that the methods are compared with.
"""

from tcoc.risk.adjust import Adjusted, Pair, extremes, risk_adjustment, variants_table
from tcoc.risk.bootstrap import bootstrap_per_capita, intervals, person_rows
from tcoc.risk.buckets import STATE, BucketScheme, risk_cells
from tcoc.risk.factors import NewEnrolleeFactors, new_enrollee_factors
from tcoc.risk.settings import METHODS, VARIANTS, RiskSettings, risk_settings

__all__ = [
    "METHODS",
    "STATE",
    "VARIANTS",
    "Adjusted",
    "BucketScheme",
    "NewEnrolleeFactors",
    "Pair",
    "RiskSettings",
    "bootstrap_per_capita",
    "extremes",
    "intervals",
    "new_enrollee_factors",
    "person_rows",
    "risk_adjustment",
    "risk_cells",
    "risk_settings",
    "variants_table",
]
