"""Figure data of the All-Payer Model Progression Plan.

Pure functions: published numbers and small tables of a run go in, the tables behind the figures
come out. Dollars are exact until a ratio is taken. Nothing here knows whether a number is
published or computed; the tables say so themselves, in their `basis` column.
"""

from tcoc.rules.progression.design import (
    DESIGN_OPTIONS,
    DesignOption,
    design_options,
    diagram_rows,
    lorenz,
    timeline_rows,
    top_shares,
    when_words,
)
from tcoc.rules.progression.growth import (
    contributions,
    hospital_parts,
    offsetting_growth,
    per_capita_parts,
)
from tcoc.rules.progression.names import CENT, COST_GROUPS, GONE, SETTING_ORDER, STAGES
from tcoc.rules.progression.nation import (
    Guardrail,
    annual_differences,
    breaks_guardrail,
    cumulative,
    cumulative_gaps,
    growth_by_part,
    guarded,
    metric_status,
    metrics,
    national_growth,
    published_savings,
    savings,
    savings_base,
)
from tcoc.rules.progression.need import (
    NEEDS,
    avoidable_use,
    inpatient_stays,
    medicaid_by_stage,
    need_flags,
    need_proxies,
    need_table,
)
from tcoc.rules.progression.people import (
    PERSON_COLUMNS,
    concentration,
    cost_group,
    landscape,
    persistence,
    person_years,
    ranked,
    settings_by_year,
)

__all__ = [
    "CENT",
    "COST_GROUPS",
    "DESIGN_OPTIONS",
    "GONE",
    "NEEDS",
    "PERSON_COLUMNS",
    "SETTING_ORDER",
    "STAGES",
    "DesignOption",
    "Guardrail",
    "annual_differences",
    "avoidable_use",
    "breaks_guardrail",
    "concentration",
    "contributions",
    "cost_group",
    "cumulative",
    "cumulative_gaps",
    "design_options",
    "diagram_rows",
    "growth_by_part",
    "guarded",
    "hospital_parts",
    "inpatient_stays",
    "landscape",
    "lorenz",
    "medicaid_by_stage",
    "metric_status",
    "metrics",
    "national_growth",
    "need_flags",
    "need_proxies",
    "need_table",
    "offsetting_growth",
    "per_capita_parts",
    "persistence",
    "person_years",
    "published_savings",
    "ranked",
    "savings",
    "savings_base",
    "settings_by_year",
    "timeline_rows",
    "top_shares",
    "when_words",
]
