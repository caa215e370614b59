"""CMS-HCC new enrollee factors (rule R3): demographic scores without diagnoses."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tcoc.errors import InputError, nearest
from tcoc.rules.risk.buckets import DISABLED_FROM, SEXES

FACTOR_COLUMNS = ("model_version", "sex", "age_from", "dual", "originally_disabled", "factor")


@dataclass(frozen=True)
class NewEnrolleeFactors:
    """One version's factors, by sex, lower age of the band, dual and originally disabled."""

    version: str
    factors: dict[tuple[str, int, bool, bool], float]

    @cached_property
    def ages(self) -> tuple[int, ...]:
        """Lower ages of the table's bands."""
        return tuple(sorted({age for _, age, _, _ in self.factors}))

    def score(self, age: int, sex: str, dual: bool, originally_disabled: bool) -> float:
        """Return the factor of a beneficiary without ESRD, by plain age (rule R3).

        Sex U counts as F (rule P4); originally disabled counts from 65.
        """
        band = max((low for low in self.ages if low <= age), default=self.ages[0])
        disabled = bool(originally_disabled) and age >= DISABLED_FROM
        return self.factors["M" if sex == "M" else "F", band, bool(dual), disabled]

    def scores(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the factor of each row's profile, 0 for ESRD, which the table does not score."""
        keys = ["age_from", "sex", "dual", "originally_disabled"]
        profiles = rows[keys].drop_duplicates()
        profiles["score"] = [self.score(*row) for row in profiles.itertuples(index=False)]
        scored = rows[keys].merge(profiles, on=keys, how="left")["score"].to_numpy(dtype=float)
        return np.where(rows["esrd"].to_numpy(dtype=bool), 0.0, scored)


def new_enrollee_factors(table: pd.DataFrame, version: str) -> NewEnrolleeFactors:
    """Return one version's factors from `params/reference/cms_hcc_new_enrollee.csv`.

    Raises InputError for an unknown version, a repeated cell, and a cell without factor: a
    profile that scores nothing must not pass as a score of zero.
    """
    chosen = table[table["model_version"].astype(str) == version]
    if chosen.empty:
        known = sorted(set(table["model_version"].astype(str)))
        raise InputError(
            f'cms_hcc_new_enrollee.csv: version "{version}" is unknown{nearest(version, known)}'
        )
    factors: dict[tuple[str, int, bool, bool], float] = {}
    for sex, age, dual, disabled, factor in chosen[list(FACTOR_COLUMNS[1:])].itertuples(
        index=False, name=None
    ):
        key = (str(sex), int(age), _flag(dual), _flag(disabled))
        if key in factors:
            raise InputError(f"cms_hcc_new_enrollee.csv: {version} {key} stands twice")
        factors[key] = float(factor)
    _check_complete(version, factors)
    return NewEnrolleeFactors(version, factors)


def _flag(value: object) -> bool:
    text = str(value).lower()
    if text not in ("true", "false"):
        raise InputError(
            f'cms_hcc_new_enrollee.csv: found "{value}" as a flag, expected true or false'
        )
    return text == "true"


def _check_complete(version: str, factors: dict[tuple[str, int, bool, bool], float]) -> None:
    for age in sorted({age for _, age, _, _ in factors}):
        flags = (False, True) if age >= DISABLED_FROM else (False,)
        for key in (
            (sex, age, dual, od) for sex in SEXES for dual in (False, True) for od in flags
        ):
            if key not in factors:
                raise InputError(f"cms_hcc_new_enrollee.csv: {version} has no factor for {key}")
