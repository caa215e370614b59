"""What the tables of risk adjustment are computed from: parameters, pairs of years, replicates."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.deliverables.risk_adjustment.schemas import LABELS
from tcoc.deliverables.y1_attribution.completion import completion
from tcoc.errors import InputError
from tcoc.identity import stamp
from tcoc.params import Run
from tcoc.paths import params_dir
from tcoc.reference import Reference
from tcoc.rules.inference.intervals import Drawing, drawings
from tcoc.rules.inference.replicates import (
    Replicates,
    UnitSums,
    replicates_of_table,
    unit_matrix,
)
from tcoc.rules.inference.units import MILLIONTHS, unit_sums
from tcoc.rules.inference.verdicts import Rates
from tcoc.rules.risk import (
    NewEnrolleeFactors,
    Pair,
    RiskSettings,
    new_enrollee_factors,
    risk_settings,
)
from tcoc.rules.risk.adjust import (
    bucket_labels,
)
from tcoc.rules.risk.buckets import (
    PROFILE,
    SEXES,
    dollar_caps,
    profiles,
)
from tcoc.store.facts import has_claims
from tcoc.store.layout import Store
from tcoc.study import Study, read_frame

# ---------------------------------------------------------------- parameters and inputs


def settings_of(study: Study) -> RiskSettings:
    """Return the run's parameters of risk adjustment."""
    return risk_settings(study.policy)


def factors_of(settings: RiskSettings) -> NewEnrolleeFactors:
    """Return the new enrollee factors of the version that the parameters name."""
    file = params_dir() / "reference" / "cms_hcc_new_enrollee.csv"
    return new_enrollee_factors(pd.read_csv(file, dtype=str), settings.model_version)


def pair_of(study: Study, base_year: int | None = None, performance: int | None = None) -> Pair:
    """Return a pair of years with their completion factors; the run's own pair by default.

    Raises InputError when the run names no pair, or a year has no claims to compare.
    """
    base = base_year or study.run.spec.base_year
    later = performance or study.run.spec.performance_year
    if base is None or later is None:
        raise InputError(
            f"{study.run.file.name}: base_year and performance_year are needed for risk adjustment"
        )
    refuse_without_claims(study.run, study.store, (base, later))
    factor = completion(study)
    return Pair(base, later, factor(base), factor(later))


def judge(run: Run, store: Store, _references: Reference) -> None:
    """Refuse buckets that are none, and a pair of years that the run has no claims of (R1, R4)."""
    risk_settings(run.policy)
    pair = (run.spec.base_year, run.spec.performance_year)
    refuse_without_claims(run, store, [year for year in pair if year])


def refuse_without_claims(run: Run, store: Store, years: Iterable[int]) -> None:
    """Raise InputError for a year of which no per capita can be known."""
    known = claim_years(run, store)
    for year in years:
        if year not in known:
            have = ", ".join(map(str, known)) or "none"
            raise InputError(
                f"{run.file.name}: risk adjustment of {year} needs the year among the run's"
                f" years and its claims in the store; years with claims: {have}"
            )


def claim_years(run: Run, store: Store) -> list[int]:
    """Return the run's years with claims: the ones of which a per capita can be known."""
    return [year for year in run.years if has_claims(store, year)]


def pairs_of(study: Study) -> list[Pair]:
    """Return the run's own pair first, then every other pair of successive years with claims."""
    own = pair_of(study)
    factor = completion(study)
    others = [
        Pair(a, b, factor(a), factor(b))
        for a, b in pairwise(claim_years(study.run, study.store))
        if b == a + 1
    ]
    return [own, *(p for p in others if p != own)]


def _ages(settings: RiskSettings) -> list[int]:
    return sorted({*settings.scheme.age_bands, *factors_of(settings).ages})


def people_of(study: Study, years: Iterable[int]) -> ir.Table:
    """Return each beneficiary-year's profile, months and dollars, as paid and cut (R1, R10)."""
    settings = settings_of(study)
    everybody = study.table("beneficiary_year")
    caps = dollar_caps(everybody, years, settings.cut)
    return profiles(everybody, _ages(settings), years, caps)


def labels(settings: RiskSettings) -> pd.DataFrame:
    """Return every profile's bucket number and new enrollee factor in millionths (R1, R3)."""
    factors = factors_of(settings)
    grid = itertools.product(
        sorted({*settings.scheme.age_bands, *factors.ages}), SEXES, *([(False, True)] * 3)
    )
    table = pd.DataFrame(list(grid), columns=list(PROFILE))
    places = {bucket: i for i, bucket in enumerate(settings.scheme.buckets)}
    return table.assign(
        bucket=[places[str(b)] for b in bucket_labels(table, settings)],
        factor=np.rint(factors.scores(table) * MILLIONTHS).astype(np.int64),
    )


def sums_by_unit(study: Study) -> ir.Table:
    """Beneficiary-years summed by the unit that attributes them, of every year with claims (R6)."""
    settings, connection = settings_of(study), study.connection
    people = people_of(study, claim_years(study.run, study.store))
    if settings.truncate is not None:
        people = people.mutate(dollars=people.capped)
    named = connection.load(labels(settings), LABELS)
    return unit_sums(people, study.table("attribution"), named)


def combinations_of(study: Study) -> dict[str, str]:
    """Return hospital -> combination of the run (rule A12)."""
    groups = study.reference("combinations")
    return {} if groups is None else dict(zip(groups["ccn"], groups["combination"], strict=True))


def drawn_of(study: Study, members: Mapping[str, str] | None = None) -> UnitSums:
    """Return the sums by unit as they are drawn, combinations pooled beside: the run's (A12)."""
    pooled = combinations_of(study) if members is None else members
    file = study.path("risk_unit_sums")
    return _read_units(file, settings_of(study), stamp(file)).pooling(pooled)


@lru_cache(maxsize=1)
def _read_units(file: Path, settings: RiskSettings, _stamp: str) -> UnitSums:
    """Arrange the sums by unit once: every table with an interval draws from them."""
    return unit_matrix(read_frame(file), settings)


def drawn_pairs(study: Study) -> list[Pair]:
    """Return the run's pair, where it names one, and every base year before every later year."""
    spec, factor = study.run.spec, completion(study)
    own = [pair_of(study)] if spec.base_year and spec.performance_year else []
    every = [
        Pair(a, b, factor(a), factor(b))
        for a, b in itertools.combinations(claim_years(study.run, study.store), 2)
    ]
    return [*own, *(p for p in every if p not in own)]


def replicates_of(study: Study) -> Replicates:
    """Return the kept replicates as arrays: `.per_capita[year]`, `.pair(base, performance)`.

    `.units_of(base, performance)` goes with them into `intervals.bounds`.
    """
    files = (study.path("risk_replicates"), study.path("risk_units"))
    return _read_replicates(*files, *map(stamp, files))


@lru_cache(maxsize=1)
def _read_replicates(replicates: Path, units: Path, *_stamps: str) -> Replicates:
    """Read the replicates once of many times: most tables of the MPA ask for them."""
    return replicates_of_table(read_frame(replicates), read_frame(units))


def drawings_of(study: Study, pairs: Sequence[Pair]) -> list[Drawing]:
    """Return each pair's replicates as intervals need them (rule R6)."""
    return drawings(drawn_of(study), replicates_of(study), pairs, settings_of(study))


def measured_rates(study: Study) -> dict[str, Rates]:
    """Return the verdicts' measured error rates, none where they have not been measured (R8)."""
    return {
        name: Rates(**{key: row[key] for key in Rates.__annotations__})
        for name, row in kept_part(study, "verdicts", "verdicts").items()
    }


def kept_part(study: Study, name: str, part: str) -> Any:
    """Return a part of a measurement that is kept with the code, empty where it is not (R8, R9)."""
    file = study.kept(name)
    return {} if file is None else json.loads(file.read_text()).get(part, {})
