"""What the MPA's tables are computed from: terms, years, units, payments, replicates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from tcoc.deliverables.risk_adjustment.inputs import (
    claim_years,
    combinations_of,
    drawn_of,
    factors_of,
    pair_of,
    replicates_of,
    settings_of,
)
from tcoc.deliverables.y1_attribution.completion import uncovered
from tcoc.errors import InputError
from tcoc.identity import stamp
from tcoc.params import MpaPolicy, Policy, Run
from tcoc.reference import Reference
from tcoc.reference.places import county_regions
from tcoc.rules.completion import run_out_sentence
from tcoc.rules.inference.replicates import Replicates, replicate
from tcoc.rules.mpa import Inputs, Terms, Units, pooled_quality, read_terms
from tcoc.rules.mpa.base import weighted_base, years_back
from tcoc.rules.mpa.scale import Array
from tcoc.rules.mpa.units import hospital_quality, peer_level, relative_risk
from tcoc.rules.risk import METHODS, STATE, Adjusted, Pair
from tcoc.rules.risk.adjust import (
    Sums,
    adjust,
    hospital_sums,
    hospitals_of,
    pooled,
    weighted_cells,
)
from tcoc.rules.risk.settings import RiskSettings
from tcoc.store.layout import Store
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS
from tcoc.study import Study, read_frame

BASELINE = "improvement"
"""The rate year's own terms, with the run's combinations pooled where the terms say so (A12)."""

SINGLE = "improvement_single"
"""The same terms with every hospital alone: what the report's main table shows (rule A12)."""


# ---------------------------------------------------------------- terms and years


def national_growth(run: Run, rate_year: int) -> float:
    """Return a rate year's national growth; InputError that names the run file's key (rule M1)."""
    growth = run.spec.national_growth.get(rate_year)
    if growth is None:
        raise InputError(
            f"{run.file.name}: national_growth has no value for rate year {rate_year}; give"
            f" national_growth: {{{rate_year}: {{value: ..., source: ...}}}}"
        )
    return growth.value


def rate_years(study: Study) -> list[int]:
    """Return the run's rate years; InputError where it names none."""
    if not study.run.spec.rate_years:
        raise InputError(f"{study.run.file.name}: rate_years is empty; the MPA needs one")
    return sorted(study.run.spec.rate_years)


Reader = Callable[[Policy, int, float], Terms]
"""Reads a rate year's terms: all of them, or those that a result rests on."""


def terms_of(run: Run, rate_year: int, read: Reader = read_terms) -> Terms:
    """Return a rate year's own terms."""
    return read(run.policy, rate_year, national_growth(run, rate_year))


def single_terms(study: Study, rate_year: int, read: Reader = read_terms) -> Terms:
    """Return a rate year's own terms with every hospital judged alone (rule A12)."""
    return replace(terms_of(study.run, rate_year, read), combined=False)


def unequal(run: Run, store: Store, base_year: int, performance_year: int) -> bool:
    """Whether the two years stand on unequal run-outs; InputError unless that is to be labeled.

    Rule T3: the adjustment is not computed from claims that had a different time to arrive, unless
    `mpa.unequal_run_out` is label; then every row says so.
    """
    # the years are short, or not, by what the files say: no table is needed to refuse a run
    short = uncovered(run, store, performance_year) or uncovered(run, store, base_year)
    if short is None:
        return False
    if MpaPolicy.of(run.policy).unequal_run_out == "stop":
        raise InputError(
            f"{run.file.name}: {base_year} and {performance_year} stand on unequal run-outs:"
            f" {run_out_sentence(short)} Give completion: {{{short.year}: {{value: ...,"
            f" source: ...}}}} or {{{short.year}: measured}}, or set mpa.unequal_run_out to label"
        )
    return True


def refuse_without_quality(run: Run, references: Reference, rate_year: int) -> None:
    """Raise InputError where no hospital at all has a quality adjustment that is needed (M3)."""
    table, missing = references.get("quality_adjustments"), MpaPolicy.of(run.policy).missing_quality
    if table is None or not (table["rate_year"].astype(int) == rate_year).any():
        names = references.tables["hospitals"].query("attributable")
        hospital_quality(
            table, rate_year, dict(zip(names["ccn"], names["name"], strict=True)), missing
        )


def base_years(terms: Terms) -> tuple[int, ...]:
    """Return the years that the base rests on, the latest first (rule M8)."""
    return years_back(terms.base_year, terms.base_weights)


def missing_years(run: Run, store: Store, terms: Terms) -> list[int]:
    """Return the base years of some terms that the run has no claims of."""
    known = claim_years(run, store)
    return [year for year in base_years(terms) if year not in known]


# ---------------------------------------------------------------- payments, names, regions


def payments(study: Study) -> ir.Table:
    """Medicare inpatient and outpatient payments by CCN of the performance years (rule M4).

    By thru date, for everybody in the store, as exact decimals. The performance year stands for
    the rate year, whose payments are not known when the adjustment is set.
    """
    policy = MpaPolicy.of(study.policy)
    years = sorted({policy.performance_year(year) for year in rate_years(study)})
    claims = study.store_table("facility", years)
    served = claims.thru_date.year()
    chosen = claims.filter(claims.setting.isin(list(HOSPITAL_SETTINGS)) & served.isin(years))
    paid = chosen.paid_amount.sum().cast(DOLLAR_SUM)
    return chosen.group_by(year=chosen.thru_date.year(), ccn=chosen.ccn).agg(paid=paid)


def payments_of(study: Study, year: int) -> dict[str, Decimal]:
    """Return a calendar year's payments by CCN (rule M4)."""
    frame = study.frame("mpa_payments", exact=True)
    of = frame[frame["year"] == year]
    return dict(zip(of["ccn"], of["paid"], strict=True))


def imported_state(study: Study) -> str:
    """Return the states whose people the store was limited to; "" for everybody (rules I6, M4)."""
    source = study.store.info.get("source")
    state = str(source.get("state") or "") if isinstance(source, Mapping) else ""
    return "" if state == "all" else state


def members_of(study: Study, terms: Terms) -> dict[str, str]:
    """Return hospital -> combination of the run; empty where the terms do not combine (A12)."""
    return combinations_of(study) if terms.combined else {}


def hospital_names(study: Study) -> dict[str, str]:
    """Return the hospitals' names by CCN."""
    table = study.references.tables["hospitals"]
    return dict(zip(table["ccn"], table["name"], strict=True))


def peers_of(study: Study, names: Sequence[str], members: Mapping[str, str]) -> tuple[str, ...]:
    """Return each unit's region; a combination has that of its member with the lowest CCN."""
    table = study.references.tables["hospitals"]
    region_of = county_regions()
    county = dict(zip(table["ccn"], table["county"], strict=True))
    found = {ccn: region_of.get(place, "other") for ccn, place in county.items()}
    for ccn, unit in sorted(members.items(), reverse=True):
        found[unit] = found.get(ccn, "other")
    return tuple(found.get(name, "other") for name in names)


# ---------------------------------------------------------------- one pair of years


@dataclass(frozen=True)
class Setting:
    """All that a set of terms needs for one pair of years and one way of combining.

    members     hospital -> combination, where hospitals are pooled (rule A12)
    by_year     base year -> that year against the performance year, at its risk
    unequal     the two years stand on unequal run-outs, and the run lets that pass (rule T3)
    """

    pair: Pair
    members: Mapping[str, str]
    units: Units
    names: tuple[str, ...]
    by_year: Mapping[int, Adjusted]
    risk: Mapping[str, Array]
    months: Array
    benes: Array
    peers: tuple[str, ...]
    quality: Array
    prices: Array
    unequal: bool

    @property
    def adjusted(self) -> Adjusted:
        """The base year against the performance year."""
        return self.by_year[self.pair.base_year]


def risk_of(study: Study, terms: Terms) -> RiskSettings:
    """Return the run's risk settings, with high costs cut where the terms ask for it (R10)."""
    settings = settings_of(study)
    return replace(settings, truncate=settings.cut) if terms.truncated else settings


def setting_of(study: Study, terms: Terms, members: Mapping[str, str]) -> Setting:
    """Gather the per capita figures, payments and quality of one pair of years (M1, M4, A12)."""
    pair = pair_of(study, terms.base_year, terms.performance_year)
    labeled = unequal(study.run, study.store, terms.base_year, terms.performance_year)
    settings = risk_of(study, terms)
    back = base_years(terms)
    file = study.path("risk_cells")
    mapped = _combined(file, stamp(file), tuple(sorted(members.items())))
    hospitals = _hospitals(file, stamp(file), pair.performance_year)
    mapped = mapped[mapped["year"].isin([*back, pair.performance_year])]

    def sums_of(year: int, names: tuple[str, ...]) -> Sums:
        return _sums(file, stamp(file), tuple(sorted(members.items())), year, names, settings)

    def adjusted(base_year: int) -> Adjusted:
        years = pair_of(study, base_year, pair.performance_year)
        names = hospitals_of(mapped, years)
        base, performance = sums_of(base_year, names), sums_of(pair.performance_year, names)
        return adjust(names, base, performance, years, settings)

    by_year = {year: adjusted(year) for year in back}
    names = by_year[pair.base_year].hospitals
    sums = [sums_of(year, names) for year in (pair.base_year, pair.performance_year)]
    units = Units(
        tuple(c for c in hospitals if members.get(c, c) in set(names)),
        {c: u for c, u in members.items() if c in hospitals},
        payments_of(study, pair.performance_year),
    )
    return Setting(
        pair=pair,
        members=members,
        units=units,
        names=names,
        by_year=by_year,
        risk={
            method: relative_risk(sums[0], sums[1], pair.base_completion, settings, method)
            for method in METHODS
        },
        months=sums[1].months.sum(axis=(1, 2)),
        benes=_people(mapped, pair.performance_year, names),
        peers=peers_of(study, names, members),
        quality=_quality(study, units, terms.rate_year),
        prices=_prices(study, names, members),
        unequal=labeled,
    )


# The same years are asked for by every option and every base year, under the same combinations.


@lru_cache(maxsize=2)
def _cells(file: Path, _stamp: str) -> pd.DataFrame:
    return read_frame(file)


@lru_cache(maxsize=2)
def _hospitals(file: Path, stamped: str, year: int) -> tuple[str, ...]:
    cells = _cells(file, stamped)
    return tuple(sorted(set(cells.loc[cells["year"] == year, "ccn"]) - {STATE}))


@lru_cache(maxsize=4)
def _combined(file: Path, stamped: str, members: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    cells, units = _cells(file, stamped), dict(members)
    return pooled(cells, {ccn: units.get(ccn, ccn) for ccn in sorted(set(cells["ccn"]))})


@lru_cache(maxsize=32)
def _sums(
    file: Path,
    stamped: str,
    members: tuple[tuple[str, str], ...],
    year: int,
    names: tuple[str, ...],
    settings: RiskSettings,
) -> Sums:
    cells = _combined(file, stamped, members)
    return hospital_sums(cells, year, names, settings, factors_of(settings))


def _quality(study: Study, units: Units, rate_year: int) -> Array:
    found = hospital_quality(
        study.reference("quality_adjustments"),
        rate_year,
        {c: n for c, n in hospital_names(study).items() if c in units.hospitals},
        MpaPolicy.of(study.policy).missing_quality,
    )
    return pooled_quality(units, found)


def _prices(study: Study, names: Sequence[str], members: Mapping[str, str]) -> Array:
    """Return each unit's price relative to the state's; 1 where none is supplied (rule M8).

    A combination has the plain mean of its members' factors.
    """
    known = {str(c): float(f) for c, f in MpaPolicy.of(study.policy).price_factors.items()}
    groups: dict[str, list[float]] = {}
    for ccn, factor in sorted(known.items()):
        groups.setdefault(members.get(ccn, ccn), []).append(factor)
    means = {unit: sum(found) / len(found) for unit, found in groups.items()}
    return np.array([means.get(name, 1.0) for name in names])


def _people(cells: pd.DataFrame, year: int, names: Sequence[str]) -> Array:
    rows = weighted_cells(cells[cells["year"] == year])
    found = rows.groupby("ccn")["benes"].sum().reindex(list(names)).fillna(0)
    return found.to_numpy(dtype=float)


# ---------------------------------------------------------------- arrays of the terms


def inputs_of(
    study: Study, setting: Setting, terms: Terms, by_year: Mapping[int, Adjusted] | None = None
) -> Inputs:
    """Return the arrays that sets of terms are computed from; `by_year` may hold replicates."""
    risk, found = settings_of(study), setting.by_year if by_year is None else by_year
    latest = found[terms.base_year]
    order = [latest.hospitals.index(name) for name in setting.names]
    base = {
        method: weighted_base(
            found,
            setting.names,
            risk.variant(method),
            terms.base_year,
            terms.base_weights,
            terms.risk_cap,
        )
        for method in METHODS
    }
    performance = latest.performance[order]
    now = setting.risk[terms.attainment_risk]
    plain = latest.base[order]
    peers = peer_level(plain[1:], setting.months[1:], now[1:], setting.peers[1:])
    level = {
        "statewide": plain[:1] * now[:, None],
        "peer": np.vstack([plain[:1] * now[:1, None], peers * now[1:, None]]),
    }
    prices = setting.prices if terms.price_standardized else np.ones(len(setting.names))
    return Inputs(
        base=base,
        performance=performance,
        level=level,
        position=setting.units.positions(setting.names),
        quality=setting.quality,
        paid=np.array([float(p) for p in setting.units.paid]),
        prices=prices,
    )


def drawings(study: Study, setting: Setting, terms: Terms) -> Replicates:
    """Return the run's one set of replicates (rule R6).

    A scenario may pool hospitals as the run does not: the same draws are then added up its way.
    """
    if not setting.members or setting.members == combinations_of(study):
        return replicates_of(study)
    pairs = [pair_of(study, year, terms.performance_year) for year in base_years(terms)]
    return replicate(drawn_of(study, setting.members), pairs, settings_of(study))


def units_behind(setting: Setting, terms: Terms, kept: Replicates) -> Array:
    """Return on how many units of equal size each name's result rests; NaN where not known (R6)."""
    units = kept.units_of(terms.base_year, terms.performance_year)
    found = dict(zip(kept.names, units, strict=True))
    return np.array([found.get(name, np.nan) for name in setting.names], dtype=float)


def replicated_inputs(study: Study, setting: Setting, terms: Terms, kept: Replicates) -> Inputs:
    """Return the same arrays in each replicate (rule R6)."""
    by_year = {y: kept.pair(y, terms.performance_year) for y in base_years(terms)}
    return inputs_of(study, setting, terms, by_year)
