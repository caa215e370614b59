"""The steps in the order in which later ones use earlier ones, by the names of the run's tables."""

from collections.abc import Callable, Mapping

import pandas as pd

from tcoc.deliverables.registry import catalog
from tcoc.store.schema import SPENDING_COLUMNS

from .attribution import attribution
from .inputs import Inputs
from .people import beneficiary_year
from .qp import qp_clinicians, qp_scores, qp_snapshots
from .risk import risk_cells

STEPS: dict[str, Callable[[Inputs], pd.DataFrame]] = {
    "beneficiary_year": beneficiary_year,
    "attribution": attribution,
    "risk_cells": risk_cells,
    "qp_clinicians": qp_clinicians,
    "qp_scores": qp_scores,
}
"""What is timed; each reads `inputs.tables` for what stands before it; dollars are whole cents."""

UNTIMED: dict[str, Callable[[Inputs], pd.DataFrame]] = {"qp_snapshots": qp_snapshots}
"""What is compared, but no part of the yardstick."""

KEYS: Mapping[str, tuple[str, ...]] = {
    name: catalog().product(name).key for name in (*STEPS, *UNTIMED)
}
"""Each table's unique key, which is also its order."""

CENTS = ("tcoc", *SPENDING_COLUMNS, "amount", "dollars", "capped", "allowed", "payments",
         "part_b_payments", "other_payments", "payments_numerator", "payments_attributed",
         "payments_encounter")  # fmt: skip
"""Columns of dollars: whole cents in frames, dollars in files."""

NAMED: Mapping[str, str] = {"bene_id": "bene_id", "npi": "npi", "runner_up": "npi", "ccn": "ccn"}
"""Columns of identifiers, and which identifiers they hold."""
