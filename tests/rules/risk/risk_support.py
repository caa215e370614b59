"""Hand-made beneficiary-years for the tests of risk adjustment."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from tcoc.params import load_policy
from tcoc.paths import params_dir
from tcoc.rules.inference.units import MILLIONTHS, UNIT_KEY
from tcoc.rules.risk import (
    STATE,
    NewEnrolleeFactors,
    Pair,
    RiskSettings,
    new_enrollee_factors,
    risk_adjustment,
    risk_cells,
    risk_settings,
    variants_table,
)
from tcoc.rules.risk.adjust import bucket_labels
from tcoc.rules.risk.buckets import PROFILE, hospital_profiles, profiles

CASES = Path(__file__).parent / "cases"
PAIR = Pair(2015, 2016)

PEOPLE_TYPES = {
    "year": "int32",
    "bene_id": "string",
    "zip": "string",
    "eligible_months": "int32",
    "age": "int32",
    "sex": "string",
    "dual": "boolean",
    "esrd": "boolean",
    "originally_disabled": "boolean",
    "tcoc": "decimal(18, 2)",
}
SHARE_TYPES = {"year": "int32", "bene_id": "string", "ccn": "string", "share": "float64"}
NORMAL = {
    "zip": "21201",
    "eligible_months": 12,
    "age": 72,
    "sex": "F",
    "dual": False,
    "esrd": False,
    "originally_disabled": False,
}


def settings() -> RiskSettings:
    return risk_settings(load_policy())


def factors(version: str = "V22") -> NewEnrolleeFactors:
    file = params_dir() / "reference" / "cms_hcc_new_enrollee.csv"
    return new_enrollee_factors(pd.read_csv(file, dtype=str), version)


def unit_rows(rows: pd.DataFrame, chosen: RiskSettings) -> pd.DataFrame:
    """Rows of `hospital_profiles` with a `unit` in the columns of `unit_sums`."""
    places = {bucket: i for i, bucket in enumerate(chosen.scheme.buckets)}
    rows = rows[rows["months"] > 0]
    rows = rows.assign(
        bucket=[places[b] for b in bucket_labels(rows, chosen)],
        score=np.rint(factors().scores(rows) * MILLIONTHS) * rows["months"],
        dollars=rows["dollars"].astype(float),
    )
    return rows.groupby(list(UNIT_KEY), as_index=False)[["months", "dollars", "score"]].sum()


@dataclass(frozen=True)
class World:
    """Two years of beneficiaries and their hospitals, in the engine and as pandas."""

    beneficiary_year: ibis.Table
    attribution: ibis.Table

    def people(self, chosen: RiskSettings, caps=None):
        ages = sorted({*chosen.scheme.age_bands, *factors().ages})
        return profiles(self.beneficiary_year, ages, (2015, 2016), caps)

    def cells(self, chosen: RiskSettings, caps=None) -> pd.DataFrame:
        people = self.people(chosen, caps)
        return risk_cells(people, hospital_profiles(people, self.attribution)).to_pandas()

    def rows(self, chosen: RiskSettings) -> pd.DataFrame:
        return hospital_profiles(self.people(chosen), self.attribution).to_pandas()


def world(people: list[dict], shares: list[dict] | None = None) -> World:
    """Build a world; a person's `ccn` attributes the whole person, `shares` add split ones."""
    rows = [{**NORMAL, **p} for p in people]
    whole = [{**r, "share": 1.0} for r in rows if r.get("ccn")]
    table = _table(rows, PEOPLE_TYPES)
    return World(table, _table([*whole, *(shares or [])], SHARE_TYPES))


def _table(rows: list[dict], types: dict[str, str]) -> ibis.Table:
    frame = pd.DataFrame([{c: r.get(c) for c in types} for r in rows], columns=list(types))
    if "tcoc" in types:
        frame["tcoc"] = [Decimal(str(v)).quantize(Decimal("0.01")) for v in frame["tcoc"]]
    return ibis.memtable(frame.astype(object), schema=types)


def results(made: World, chosen: RiskSettings, pair: Pair = PAIR) -> pd.DataFrame:
    cells = made.cells(chosen)
    return variants_table(risk_adjustment(cells, pair, chosen, factors()), pair)


def cell_frame(rows: list[dict]) -> pd.DataFrame:
    """Cells as `risk_cells` returns them, made directly: quick for properties and simulations."""
    normal = {
        "share": 1.0,
        "age_from": 70,
        "sex": "F",
        "dual": False,
        "esrd": False,
        "originally_disabled": False,
        "people": 1,
        "months": 12,
        "unknown_sex": 0,
    }
    frame = pd.DataFrame([{**normal, **r} for r in rows])
    frame["capped"] = frame["dollars"]
    return frame


def with_state(cells: pd.DataFrame) -> pd.DataFrame:
    """Add the state's rows to hospitals' cells."""
    keys = ["year", "share", *PROFILE]
    numbers = ["people", "months", "dollars", "capped", "unknown_sex"]
    state = cells.assign(share=1.0).groupby(keys)[numbers].sum().reset_index()
    return pd.concat([state.assign(ccn=STATE), cells], ignore_index=True)


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
