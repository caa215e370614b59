"""Drafts of health systems, ACOs and counties: whose people, from where, at what cost by setting.

A system is the sum of its hospitals, and the gate knows it: its numbers are linear combinations of
theirs. A setting's dollars are shown where enough people have such payments, in all that could be
told by taking one unit from another (`split_units`).
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from tcoc.deliverables.y1_attribution.groups import groups_of, short_name
from tcoc.deliverables.y1_attribution.public_hospitals import (
    ALL,
    BENES,
    CCN,
    ELSEWHERE,
    HOSPITAL,
    MONTHS,
    OF,
    PER_CAPITA,
    SOURCE,
    STAGE,
    STATE,
    SUMS,
    TCOC,
    UNIVERSE,
    YEAR,
    hospital_labels,
    ordered,
    part,
    with_total,
)
from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.disclosure import Column, Draft
from tcoc.reference.places import MARYLAND, place_parents
from tcoc.rules.groups import (
    PARTS,
    at_places,
    by_aco,
    by_county,
    by_hospital,
    kept_cells,
    split_units,
    system_of,
    with_rates,
)
from tcoc.study import Study

OTHERS = "other hospitals"
PLACE = Column("County", "key", "Of the home ZIP (P3).")
ACO_ID = Column("ACO", "key", "As the run's table of ACOs has it.")
ACO_NAME = Column("ACO", "label", "Name in the run's table of ACOs, without its legal form.")
CALLED = {
    "inpatient": "inpatient",
    "outpatient": "outpatient",
    "post_acute": "SNF, home health and hospice",
    "clinicians": "clinicians and equipment",
}


def group_tables(study: Study) -> list[Draft]:
    """Return the drafts of this module."""
    cells = study.frame("attribution_groups")
    last = cells[cells["year"] == max(study.run.years)]
    return [
        groups(study),
        *settings(study, cells),
        systems_by_stage(study, last),
        counties_by_stage(last),
        aco_hospitals(study, last),
        homes_by_county(study),
        acos_by_county(study, last),
    ]


def few(study: Study) -> float:
    """Return how many people a cell has at least that is chosen before the gate looks."""
    return float(study.policy.get("disclosure.min_cell_size")) * 2


def _names(study: Study) -> dict[str, str]:
    """Return the names of hospitals, of the state, and of systems as tables call them."""
    return hospital_labels(study) | {g.group: g.name for g in groups_of(study)}


def _aco_names(study: Study) -> dict[str, str]:
    table = study.references.tables["aco_hospitals"]
    return {a: short_name(n) or a for a, n in zip(table["aco_id"], table["aco_name"], strict=True)}


def groups(study: Study) -> Draft:
    """Draft the systems, ACOs and counties that have a sheet, with their hospitals."""
    rows = [
        {"group": g.group, "kind": g.kind, "name": g.name, "called": g.key,
         "hospitals": " ".join(g.hospitals)}
        for g in groups_of(study)
    ]  # fmt: skip
    names = ["group", "kind", "name", "called", "hospitals"]
    return Draft(
        name="groups",
        title="Health systems, ACOs and counties, and their hospitals",
        frame=pd.DataFrame(rows, columns=names, dtype=str),
        keys=("group",),
        columns={
            "group": Column("Group", "key", "File and address of its sheet."),
            "kind": Column("Kind", "label", "system, aco or county."),
            "name": Column("Name", "label", "As the run's tables of hospitals and ACOs have it."),
            "called": Column("In tables", "label", "The system, the ACO's id, the county."),
            "hospitals": Column(
                "Hospitals", "label", "CCNs of the system, of the ACO, or in the county."
            ),
        },
        note="Systems are those of the run's hospitals table that have two or more hospitals.",
        source="The run's tables of hospitals and ACOs",
    )


# ---------------------------------------------------------------- dollars by setting


def _rates() -> dict[str, Column]:
    per_person = PER_CAPITA.unit
    found = {
        "per_capita": PER_CAPITA,
        "growth": Column("Growth", "growth", "Of per capita, on the year before (T2).", of=OF),
    }
    for name in PARTS:
        said = f"Per capita, {CALLED[name]}"
        found[f"per_capita_{name}"] = Column(
            said, "per_capita", "Of these settings (T2, T4).", per_person, OF
        )
        found[f"growth_{name}"] = Column(
            f"Growth, {CALLED[name]}", "growth", "On the year before (T2, T4).", of=OF
        )
    return found


def settings(study: Study, cells: pd.DataFrame) -> list[Draft]:
    """Draft people and dollars per person by setting, of hospitals and systems, ACOs, counties."""
    found = groups_of(study)
    owner, shown = system_of(found), split_units(cells, found, few(study))
    hospitals = by_hospital(cells, owner)
    names = _names(study)
    hospitals.insert(2, "hospital", hospitals["ccn"].map(names))
    acos = by_aco(cells)
    acos.insert(3, "aco_name", acos["aco_id"].map(_aco_names(study)))
    return [
        _settings(
            study, "settings_by_hospital", "hospital and system", hospitals, shown,
            {"ccn": CCN, "hospital": HOSPITAL}, {"ccn": STATE}, {"ccn": owner},
        ),
        _settings(
            study, "settings_by_aco", "ACO", acos, shown,
            {"stage": STAGE, "aco_id": ACO_ID, "aco_name": ACO_NAME}, {}, {},
        ),
        _settings(
            study, "settings_by_county", "home county", by_county(cells), shown,
            {"place": PLACE}, {"place": MARYLAND}, {"place": place_parents()},
        ),
    ]  # fmt: skip


def _settings(
    study: Study,
    name: str,
    words: str,
    sums: pd.DataFrame,
    shown: Mapping[str, set[str]],
    entries: dict[str, Column],
    totals: dict[str, str],
    parents: dict[str, dict[str, str]],
) -> Draft:
    key = next(k for k in shown if k in entries)
    factor = completion(study)
    factors = {year: factor(year) for year in study.run.years}
    frame = with_rates(sums, key, factors, few(study))
    rates = _rates()
    by_part = [f"{rate}_{name}" for rate in ("per_capita", "growth") for name in PARTS]
    frame.loc[~frame[key].isin(shown[key]), by_part] = float("nan")
    columns = {"year": YEAR, **entries, "benes": BENES, "eligible_months": MONTHS, "tcoc": TCOC}
    columns |= rates
    return Draft(
        name=name,
        title=f"Dollars per person by setting and {words}",
        frame=frame[list(columns)].sort_values(["year", key], ignore_index=True),
        keys=("year", *(k for k, e in entries.items() if e.kind == "key")),
        columns=columns,
        totals=totals,
        parents=parents,
        universe=UNIVERSE,
        note="Per capita is annual: dollars x 12 / eligible months / completion factor (rule T2)."
        f" Settings are split where at least {few(study):.0f} people have payments of each.",
        source=SOURCE,
    )


# ---------------------------------------------------------------- by stage, by hospital


def _by_stage(
    name: str,
    title: str,
    cells: pd.DataFrame,
    entries: dict[str, Column],
    key: str,
    parents: dict[str, dict[str, str]],
    totals: dict[str, str],
) -> Draft:
    frame = with_total(cells, "stage", ALL, SUMS)
    whole = frame[frame["stage"] == ALL].set_index(key)["benes"]
    frame["share_of_group"] = frame["benes"] / frame[key].map(whole).astype(float)
    columns = {"year": YEAR, **entries, "stage": STAGE, "benes": BENES, "eligible_months": MONTHS}
    columns |= {"tcoc": TCOC, "share_of_group": part("Share", "Of all its beneficiaries (A1).")}
    return Draft(
        name=name,
        title=title,
        frame=ordered(frame[list(columns)], key, "stage"),
        keys=("year", key, "stage"),
        columns=columns,
        totals={"stage": ALL, **totals},
        parents=parents,
        universe=UNIVERSE,
        source=SOURCE,
    )


def _sums(cells: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    found = cells.groupby(list(by), as_index=False)[list(SUMS)].sum(min_count=1)
    return found.round({"tcoc": 2})


def systems_by_stage(study: Study, last: pd.DataFrame) -> Draft:
    """Draft the people of each system by the stage that attributed them."""
    owner = system_of(groups_of(study))
    own = _sums(last, ("year", "ccn", "stage"))
    own = own[own["ccn"].isin(list(owner))].assign(ccn=lambda f: f["ccn"].map(owner))
    frame = _sums(own, ("year", "ccn", "stage"))
    frame.insert(2, "hospital", frame["ccn"].map(_names(study)))
    title = f"Attributed beneficiaries of each health system by stage, {max(study.run.years)}"
    entries = {"ccn": CCN, "hospital": HOSPITAL}
    return _by_stage("systems_by_stage", title, frame, entries, "ccn", {"ccn": owner}, {})


def counties_by_stage(last: pd.DataFrame) -> Draft:
    """Draft the people of each county by the stage that attributed them."""
    frame = _sums(at_places(last), ("year", "place", "stage"))
    return _by_stage(
        "counties_by_stage", "Beneficiaries of each home county by stage", frame, {"place": PLACE},
        "place", {"place": place_parents()}, {"place": MARYLAND},
    )  # fmt: skip


def aco_hospitals(study: Study, last: pd.DataFrame) -> Draft:
    """Draft the people whom each ACO attributes, by hospital (rules A3, A5)."""
    own = _sums(last[last["aco_id"] != ""], ("year", "stage", "aco_id", "ccn"))
    frame = with_total(own, "ccn", STATE, SUMS)
    frame.insert(3, "aco_name", frame["aco_id"].map(_aco_names(study)))
    frame.insert(5, "hospital", frame["ccn"].map(hospital_labels(study) | {STATE: "all hospitals"}))
    return Draft(
        name="aco_hospitals",
        title="Beneficiaries whom each ACO attributes, by hospital",
        frame=frame.sort_values(["aco_id", "ccn"], ignore_index=True),
        keys=("year", "stage", "aco_id", "ccn"),
        columns={
            "year": YEAR,
            "stage": STAGE,
            "aco_id": ACO_ID,
            "aco_name": ACO_NAME,
            "ccn": CCN,
            "hospital": HOSPITAL,
            "benes": BENES,
            "eligible_months": MONTHS,
            "tcoc": TCOC,
        },
        totals={"ccn": STATE},
        universe=UNIVERSE,
        note="The ACO-like stage alone attributes people to an ACO (rule A3).",
        source=SOURCE,
    )


# ---------------------------------------------------------------- home counties


def _county_cells(cells: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    found = cells.groupby(["year", *keys, "county"], as_index=False)[["benes"]].sum()
    return at_places(found)


def _last(study: Study) -> pd.DataFrame:
    cells = study.frame("attribution_groups")
    return cells[cells["year"] == max(study.run.years)]


def named_counties(study: Study) -> pd.DataFrame:
    """Return year, ccn, county, place and benes of the home counties that a hospital's rows name.

    What is left of a hospital, and of a county, is nobody or no fewer than a named cell has.
    """
    cells = _county_cells(_last(study), ["ccn"])
    every = pd.Series(True, index=cells.index)
    return cells[kept_cells(cells, [["ccn"], ["place"]], few(study), every)]


def homes_by_county(study: Study) -> Draft:
    """Draft the people of each county by hospital, small cells together on both sides."""
    cells = _county_cells(_last(study), ["ccn"])
    named = named_counties(study)
    rest = cells.drop(index=named.index)
    both = [named, rest.assign(ccn=OTHERS), rest.assign(place=ELSEWHERE)]
    keys = ["year", "place", "ccn"]
    frame = pd.concat(both).groupby(keys, as_index=False)[["benes"]].sum()
    names = hospital_labels(study) | {OTHERS: "Other hospitals"}
    frame.insert(3, "hospital", frame["ccn"].map(names))
    return Draft(
        name="homes_by_county",
        title=f"Home counties of each hospital's beneficiaries, {max(study.run.years)}",
        frame=frame.sort_values(["place", "ccn"], ignore_index=True),
        keys=("year", "place", "ccn"),
        columns={"year": YEAR, "place": PLACE, "ccn": CCN, "hospital": HOSPITAL, "benes": BENES},
        parents={"place": place_parents()},
        universe=UNIVERSE,
        note=f"Cells of fewer than {few(study):.0f} people are together: as other hospitals of the"
        " county, and as other counties of the hospital.",
        source=SOURCE,
    )


def acos_by_county(study: Study, last: pd.DataFrame) -> Draft:
    """Draft the home counties of the people whom each ACO attributes."""
    cells = _county_cells(last[last["aco_id"] != ""], ["stage", "aco_id"])
    every = pd.Series(True, index=cells.index)
    kept = kept_cells(cells, [["aco_id"], ["place"]], few(study), every)
    frame = cells.assign(place=cells["place"].where(kept, ELSEWHERE))
    keys = ["year", "stage", "aco_id", "place"]
    frame = frame.groupby(keys, as_index=False)[["benes"]].sum()
    frame.insert(3, "aco_name", frame["aco_id"].map(_aco_names(study)))
    return Draft(
        name="acos_by_county",
        title=f"Home counties of each ACO's beneficiaries, {max(study.run.years)}",
        frame=frame.sort_values(["aco_id", "place"], ignore_index=True),
        keys=("year", "stage", "aco_id", "place"),
        columns={
            "year": YEAR,
            "stage": STAGE,
            "aco_id": ACO_ID,
            "aco_name": ACO_NAME,
            "place": PLACE,
            "benes": BENES,
        },
        parents={"place": place_parents()},
        universe=UNIVERSE,
        note=f"Counties with fewer than {few(study):.0f} of an ACO's beneficiaries are together.",
        source=SOURCE,
    )
