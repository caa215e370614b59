"""CMS specialties by name, and the groups in which reports show them."""

import csv
from functools import cache

import pandas as pd

from tcoc.paths import params_dir


@cache
def specialty_groups() -> pd.DataFrame:
    """Read params/reference/specialty_groups.csv: code, name, group."""
    with (params_dir() / "reference" / "specialty_groups.csv").open(encoding="utf-8") as file:
        return pd.DataFrame(list(csv.DictReader(file)))
