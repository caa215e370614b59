"""Hospitals and combinations of them: who is judged together (rule A12)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd

from tcoc.errors import InputError
from tcoc.rules.mpa.scale import Array
from tcoc.rules.risk.adjust import Sums, divide, esrd_constant, mix
from tcoc.rules.risk.settings import RiskSettings


@dataclass(frozen=True)
class Units:
    """Hospitals in order, the unit that judges each, and what each was paid (rule M4)."""

    hospitals: tuple[str, ...]
    members: Mapping[str, str]
    payments: Mapping[str, Decimal]

    def unit(self, ccn: str) -> str:
        """Return the combination of a hospital, or the hospital itself."""
        return self.members.get(ccn, ccn)

    @property
    def paid(self) -> list[Decimal]:
        """Medicare payments by hospital, in order; zero where nothing was paid."""
        return [self.payments.get(ccn, Decimal(0)) for ccn in self.hospitals]

    def positions(self, units: Sequence[str]) -> Array:
        """Return for each hospital the place of its unit; InputError for a unit that is absent."""
        places = {unit: i for i, unit in enumerate(units)}
        missing = sorted({self.unit(c) for c in self.hospitals} - set(places))
        if missing:
            raise InputError(f"mpa: {missing[0]} has no per capita to be judged by")
        return np.array([places[self.unit(c)] for c in self.hospitals], dtype=np.int64)


def hospital_quality(
    table: pd.DataFrame | None, rate_year: int, names: Mapping[str, str], missing: str
) -> dict[str, float]:
    """Return RRIP + MHAC of each hospital in a rate year, as a fraction (rule M3).

    A hospital without a row stops the run by its name, unless `missing` is zero.
    """
    known: dict[str, float] = {}
    if table is not None:
        rows = table[table["rate_year"].astype(int) == rate_year]
        sums = rows["rrip"].astype(float) + rows["mhac"].astype(float)
        known = dict(zip(rows["ccn"], sums.tolist(), strict=True))
    for ccn, name in names.items():
        if ccn not in known and missing == "error":
            raise InputError(
                f"quality_adjustments: no row for {name} ({ccn}) in rate year {rate_year}; supply"
                " rrip and mhac, or set mpa.missing_quality to zero"
            )
    return {ccn: known.get(ccn, 0.0) for ccn in names}


def pooled_quality(units: Units, quality: Mapping[str, float]) -> Array:
    """Return each hospital's quality: of a combination the payment-weighted mean (rule A12).

    Where no member was paid anything, the plain mean. A lone hospital keeps its own value.
    """
    frame = pd.DataFrame(
        {
            "unit": [units.unit(c) for c in units.hospitals],
            "quality": [quality[c] for c in units.hospitals],
            "paid": [float(p) for p in units.paid],
        }
    )
    means = {unit: _weighted(rows) for unit, rows in frame.groupby("unit")}
    return np.array([means[unit] for unit in frame["unit"]])


def _weighted(rows: pd.DataFrame) -> float:
    if len(rows) == 1:
        return float(rows["quality"].iloc[0])
    paid = rows["paid"].to_numpy(dtype=float)
    weights = paid if paid.sum() > 0 else None
    return float(np.average(rows["quality"].to_numpy(dtype=float), weights=weights))


# ---------------------------------------------------------------- attainment levels


def relative_risk(
    base: Sums, performance: Sums, completion: float, settings: RiskSettings, method: str
) -> Array:
    """Return each unit's performance-year risk over the state's base-year risk (rule M5).

    Unit 0 is the state. `new_enrollee`: mean scores; `demographic`: the statewide cost index of
    the mix of buckets; `none`: one for everybody.
    """
    if method == "none":
        return np.ones(performance.months.shape[0])
    if method == "new_enrollee":
        index = [_mean_score(sums, base, settings) for sums in (base, performance)]
    else:
        cost = np.nan_to_num(divide(base.dollars[:1], base.months[:1]))
        index = [(mix(sums) * cost).sum(axis=1) for sums in (base, performance)]
    return np.asarray(divide(index[1], index[0][:1])[:, 0])


def _mean_score(sums: Sums, base: Sums, settings: RiskSettings) -> Array:
    esrd = settings.scheme.is_esrd
    constant = esrd_constant(base, esrd, settings.esrd_score)
    return divide(sums.score + constant * sums.months[:, esrd].sum(axis=1), sums.months.sum(axis=1))


def peer_level(base: Array, months: Array, risk: Array, peers: Sequence[str]) -> Array:
    """Return for each unit the risk-neutral base per capita of its peers, itself among them.

    Units x replicates; ratio of sums over the units of the same peer group (rule M5).
    """
    groups, codes = np.unique(np.asarray(peers, dtype=object).astype(str), return_inverse=True)
    spent = np.zeros((len(groups), base.shape[1]))
    expected = np.zeros((len(groups), 1))
    np.add.at(spent, codes, np.nan_to_num(base) * months[:, None])
    np.add.at(expected, codes, (months * risk)[:, None])
    return divide(spent, expected)[codes]
