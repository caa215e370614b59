"""The public tables of the Progression Plan: published numbers, and the run's own small tables.

Published numbers count nobody in the run's data, so no count protects them; every computed number
names the people behind it. The two never stand in one column.
"""

from tcoc.deliverables.progression_plan.public_people import people_tables
from tcoc.deliverables.progression_plan.public_published import diagram_tables, published_tables
from tcoc.deliverables.progression_plan.public_spending import spending_tables
from tcoc.disclosure import Draft
from tcoc.study import Study


def public_tables(study: Study) -> list[Draft]:
    """Return every table that the report may show, for the gate to take together."""
    return [
        *published_tables(study),
        *diagram_tables(),
        *spending_tables(study),
        *people_tables(study),
    ]
