"""Health systems, ACOs and counties as sums of attributed people, and which of them are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from tcoc.reference.places import MARYLAND, OUTSIDE, county_label

SYSTEM, ACO, COUNTY = "system", "aco", "county"
STATE = "STATE"

PARTS = {
    "inpatient": ("inpatient",),
    "outpatient": ("outpatient",),
    "post_acute": ("snf", "hha", "hospice"),
    "clinicians": ("professional", "dme"),
}
"""Settings of a group as its readers ask for them: four that add up to the total (rule T4)."""

KEYS = ("year", "county", "stage", "aco_id", "ccn")
USERS = tuple(f"users_{part}" for part in PARTS)
SUMS = ("benes", "eligible_months", "tcoc", *PARTS, *USERS)


@dataclass(frozen=True)
class Group:
    """A system, an ACO or a county: the name of its sheet, what tables call it, its hospitals.

    `key` is the system's name, the ACO's id, or the county; `hospitals` are CCNs, ascending: those
    of the system, of the ACO, or in the county.
    """

    group: str
    kind: str
    name: str
    key: str
    hospitals: tuple[str, ...]


# ---------------------------------------------------------------- sums


def summed(cells: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Add cells up by some columns, in their order; a sum with an absent part is absent."""
    sums = cells.groupby(list(by), as_index=False)[list(SUMS)]
    return sums.sum(min_count=1)


def with_rates(
    frame: pd.DataFrame, key: str, factors: Mapping[int, float], least: float
) -> pd.DataFrame:
    """Add dollars per person (rule T2) in all and by part, and their growth on the year before."""
    frame = frame.sort_values([key, "year"], ignore_index=True)
    months = frame["eligible_months"] * frame["year"].map(factors).astype(float) / 12
    follows = (frame[key] == frame[key].shift()) & (frame["year"] == frame["year"].shift() + 1)
    # the growth of a few people would tell what they cost the year before
    follows &= (frame["benes"] >= least) & (frame["benes"].shift() >= least)
    for part in ("tcoc", *PARTS):
        each = "per_capita" if part == "tcoc" else f"per_capita_{part}"
        frame[each] = frame[part] / months
        before = frame[each].shift().where(follows)
        frame[each.replace("per_capita", "growth")] = frame[each] / before.where(before > 0) - 1
    return frame


def by_hospital(cells: pd.DataFrame, owner: Mapping[str, str]) -> pd.DataFrame:
    """Return sums by year and `ccn`: hospitals, systems (`owner` of each), and the state."""
    # to the cent, as other tables have a hospital's dollars
    single = summed(cells, ("year", "ccn")).round({"tcoc": 2})
    owned = single[single["ccn"].isin(list(owner))]
    systems = owned.assign(ccn=owned["ccn"].map(owner).astype(object))
    whole = summed(single, ("year",)).assign(ccn=STATE)
    parts = [single, summed(systems, ("year", "ccn")), whole]
    return pd.concat(parts, ignore_index=True)[["year", "ccn", *SUMS]]


def by_aco(cells: pd.DataFrame) -> pd.DataFrame:
    """Return sums by year and ACO, of the people whom the ACO-like stage attributes."""
    own = cells[cells["aco_id"] != ""]
    return summed(own, ("year", "stage", "aco_id")).round({"tcoc": 2})


def by_county(cells: pd.DataFrame) -> pd.DataFrame:
    """Return sums by year and home county, those elsewhere under `OUTSIDE`, and the state's."""
    single = summed(at_places(cells), ("year", "place")).round({"tcoc": 2})
    whole = summed(single, ("year",)).assign(place=MARYLAND)
    return pd.concat([single, whole], ignore_index=True)[["year", "place", *SUMS]]


def at_places(cells: pd.DataFrame) -> pd.DataFrame:
    """Name each cell's county as readers do."""
    return cells.assign(place=cells["county"].map(county_label))


def system_of(groups: Sequence[Group]) -> dict[str, str]:
    """Return the system of each hospital that is in one."""
    return {ccn: g.group for g in groups if g.kind == SYSTEM for ccn in g.hospitals}


# ---------------------------------------------------------------- what may stand alone


def kept_cells(
    cells: pd.DataFrame, margins: Sequence[Sequence[str]], least: float, may: "pd.Series[bool]"
) -> "pd.Series[bool]":
    """Return which cells of a table can stand alone: what is left of each margin is never a few.

    A cell that `may` has at least `least` people. Where the rest of a row or a column has fewer,
    and is not empty, its smallest cell joins it. So neither a cell nor any difference with a total
    is small. `cells` have row numbers.
    """
    people = cells["benes"].astype(float)
    kept = may & (people >= least)
    order = [list(keys) for keys in margins]
    while True:
        before = kept.copy()
        for keys in order:
            rest = people.where(~kept, 0.0).groupby([cells[k] for k in keys]).transform("sum")
            few = kept & (rest > 1e-9) & (rest < least)
            smallest = cells[few].sort_values(["benes", *cells.columns[:1]], kind="stable")
            kept[smallest.drop_duplicates(keys).index] = False
        if kept.equals(before):
            return kept


def split_units(cells: pd.DataFrame, groups: Sequence[Group], least: float) -> dict[str, set[str]]:
    """Return the hospitals and systems, ACOs and counties whose dollars are shown by setting.

    Each part of the settings has enough people with such a payment in each year, and so have the
    people who are left when shown units are taken from what holds them: the rest of a system, of
    the state, the people of an ACO's hospitals whom it does not attribute.
    """
    paid = at_places(cells[cells["tcoc"].notna()])
    owner = system_of(groups)
    owned = paid.assign(of=[owner.get(ccn, "") for ccn in paid["ccn"]])
    systems = _enough(owned[owned["of"] != ""], "of", least)
    hospitals: set[str] = set()
    # those in no shown system are left together
    for _, own in owned.groupby(owned["of"].where(owned["of"].isin(systems), "")):
        hospitals |= _leaving_enough(own, "ccn", _enough(own, "ccn", least), least)
    places = _enough(paid[paid["place"] != OUTSIDE], "place", least)
    return {
        "ccn": hospitals | systems | {STATE},
        "aco_id": _acos(paid, groups, least),
        "place": _leaving_enough(paid, "place", places, least) | {MARYLAND},
    }


def _enough(cells: pd.DataFrame, key: str, least: float) -> set[str]:
    """Return the units with so many people in each part of the settings and each year."""
    users = cells.groupby([key, "year"])[list(USERS)].sum()
    whole = (users >= least).all(axis=1).groupby(level=0).all()
    return {str(name) for name in whole.index[whole.to_numpy(bool)]}


def _leaving_enough(cells: pd.DataFrame, key: str, found: set[str], least: float) -> set[str]:
    """Leave out the smallest units until the rest is empty or has so many people in each part."""
    size = cells.groupby(key)["benes"].sum()
    order = sorted(found, key=lambda unit: (-size[unit], unit))
    while order:
        left = cells[~cells[key].isin(order)].groupby("year")[list(USERS)].sum()
        if bool(((left >= least) | (left < 1e-9)).all(axis=None)):
            break
        order.pop()
    return set(order)


def _acos(cells: pd.DataFrame, groups: Sequence[Group], least: float) -> set[str]:
    found = _enough(cells[cells["aco_id"] != ""], "aco_id", least)
    others = cells[cells["aco_id"] == ""]
    for group in [g for g in groups if g.kind == ACO]:
        rest = others[others["ccn"].isin(group.hospitals)].groupby("year")[list(USERS)].sum()
        if bool(((rest >= 1e-9) & (rest < least)).any(axis=None)):
            found.discard(group.key)
    return found
