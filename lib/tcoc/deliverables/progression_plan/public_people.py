"""Public tables of the run's people: need, stays, dual eligibles, places, design options."""

from collections.abc import Sequence
from math import fsum

import pandas as pd

from tcoc.deliverables.progression_plan.dictionary import (
    ALL,
    BENES,
    PEOPLE,
    SHARE_DOLLARS,
    SOURCE,
    SUMS,
    UNIVERSE,
    WHOLE,
    YEAR,
    dollars,
    ordered,
    people_of,
    with_shares,
    with_total,
)
from tcoc.deliverables.y1_attribution.groups import short_name
from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.disclosure import Column, Draft
from tcoc.reference.places import MARYLAND, OUTSIDE, UNKNOWN, county_label, place_parents
from tcoc.rules import progression
from tcoc.study import Study

_STAGE = Column("Stage of attribution", "key", "ACO-like, MDPCP-like, geographic (A1).")
_DUAL = Column("Dual eligible", "key", "In any eligible month of the year (P4).")
_PLACE = Column("Place", "key", "By home ZIP code (P3): county, region, Maryland.")


def people_tables(study: Study) -> list[Draft]:
    """Return the drafts of this module."""
    cube = _cube(study)
    return [
        *need_tables(study),
        stays_table(study),
        *dual_tables(study, cube),
        payers_table(study, cube),
        region_table(study, cube),
        options_table(cube),
    ]


def _factors(study: Study) -> "pd.Series[float]":
    factor = completion(study)
    return pd.Series({year: factor(year) for year in study.run.years})


def _cube(study: Study) -> pd.DataFrame:
    cube = study.frame("progression_landscape")
    cube["dual"] = cube["dual"].map({True: "yes", False: "no"})
    return cube


def _sum_by(cube: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    return cube.groupby(list(keys), as_index=False)[list(SUMS)].agg(fsum)


def _last(cube: pd.DataFrame) -> pd.DataFrame:
    rows: pd.DataFrame = cube[cube["year"] == cube["year"].max()]
    return rows


# ---------------------------------------------------------------- need and stays


def need_tables(study: Study) -> list[Draft]:
    """People and dollars by number of need proxies, and by proxy."""
    frame = with_total(study.frame("progression_needs").astype({"needs": str}), "needs", SUMS)
    proxies = study.frame("progression_proxies")
    proxies["proxy"] = proxies["proxy"].map(dict(progression.NEEDS))
    whole = frame[frame["needs"] == ALL].set_index("year")
    factors = _factors(study)
    note = "Proxies that the store can tell without diagnoses."
    return [
        Draft(
            name="need",
            title="People and dollars by number of need proxies",
            frame=ordered(with_shares(frame, whole, factors), ("year", "needs")),
            keys=("year", "needs"),
            columns={"year": YEAR, "needs": Column("Proxies of need", "key"), **PEOPLE},
            totals={"needs": ALL},
            universe=UNIVERSE,
            note=note,
            source=SOURCE,
        ),
        Draft(
            name="need_proxies",
            title="People and dollars by proxy of chronic need",
            frame=ordered(with_shares(proxies, whole, factors), ("year", "proxy")),
            keys=("year", "proxy"),
            columns={"year": YEAR, "proxy": Column("Proxy", "key"), **PEOPLE},
            universe="attributed beneficiaries, repeated by proxy",
            note=note,
            source=SOURCE,
        ),
    ]


def stays_table(study: Study) -> Draft:
    """Inpatient stays, returns within the window and short stays, by year and stage."""
    cells = study.frame("progression_avoidable")
    measures = {ALL: cells["stays"] > 0, "return": cells["is_return"], "short": cells["is_short"]}
    parts = [
        cells[chosen]
        .groupby(["year", "stage"], as_index=False)[["stays", "paid"]]
        .sum()
        .assign(measure=name)
        for name, chosen in measures.items()
    ]
    frame = with_total(pd.concat(parts, ignore_index=True), "stage", ("stays", "paid"))
    whole = frame[frame["measure"] == ALL].set_index(["year", "stage"])
    keys = pd.MultiIndex.from_frame(frame[["year", "stage"]])
    frame["whole"] = whole["stays"].reindex(keys).to_numpy()
    frame["share_of_stays"] = frame["stays"] / frame["whole"]
    frame["share_of_dollars"] = frame["paid"] / whole["paid"].reindex(keys).to_numpy()
    paid = Column("Medicare payments", "dollars", "Of the stays.", "dollars", of=("stays",))
    return Draft(
        name="inpatient_stays",
        title="Inpatient stays that return or are short",
        frame=ordered(frame, ("year", "stage", "measure")),
        keys=("year", "stage", "measure"),
        columns={
            "year": YEAR,
            "stage": _STAGE,
            "measure": Column("Stays", "key", "All, those that return, those that are short."),
            "stays": Column("Inpatient stays", "count", "Claims that touch are one stay.", "stays"),
            "paid": paid,
            "whole": Column("All stays", "count", "The denominator of the shares.", "stays"),
            "share_of_stays": Column("Share of stays", "share", of=("stays",), base="whole"),
            "share_of_dollars": Column(
                "Share of inpatient dollars", "share", of=("stays",), base="whole"
            ),
        },
        totals={"stage": ALL},
        universe="inpatient stays of attributed beneficiaries, by measure",
        note="A stay can be both a return and short. The store has no diagnoses.",
        source=SOURCE,
    )


# ---------------------------------------------------------------- duals


def dual_tables(study: Study, cube: pd.DataFrame) -> list[Draft]:
    """Dual eligibles against others: by stage, by ACO, and by place in the last year."""
    last = _last(cube)
    by_stage = with_total(_sum_by(cube, ("year", "stage", "dual")), "stage", SUMS)
    acos = last[last["stage"] == "aco_like"]
    by_aco = with_total(_sum_by(acos, ("year", "stage", "aco_id", "dual")), "aco_id", SUMS)
    by_place = _places(last, ("year", "dual"))
    return [
        _dual(study, "duals_by_stage", "by stage of attribution", by_stage, ("year", "stage"),
              {"stage": ALL}),
        _dual(study, "duals_by_aco", "by ACO", by_aco, ("year", "stage", "aco_id"),
              {"aco_id": ALL}),
        _dual(study, "duals_by_place", "by place", by_place, ("year", "place"),
              {"place": MARYLAND}),
    ]  # fmt: skip


def _dual(
    study: Study,
    name: str,
    words: str,
    cells: pd.DataFrame,
    keys: tuple[str, ...],
    totals: dict[str, str],
) -> Draft:
    frame = with_total(cells, "dual", SUMS)
    whole = frame[frame["dual"] == ALL].set_index(list(keys))
    frame = with_shares(frame, whole, _factors(study), keys, "group_benes")
    entries = {"stage": _STAGE, "place": _PLACE, "aco_id": Column("ACO", "key"), "year": YEAR}
    columns = {**{k: entries[k] for k in keys}, "dual": _DUAL}
    columns |= people_of("group_benes", "People of the group")
    if "place" in keys:
        # to the dollar, it would tell the few of a county from the region's: then the state's own
        # would have to be hidden
        frame = frame.drop(columns="per_capita")
    if "aco_id" in keys:
        frame.insert(3, "aco_name", frame["aco_id"].map(_aco_names(study)).fillna("All ACOs"))
        columns["aco_name"] = Column("ACO", "label")
    return Draft(
        name=name,
        title=f"Dual eligible beneficiaries and others {words}",
        frame=ordered(frame, (*keys, "dual")),
        keys=(*keys, "dual"),
        columns={name: columns[name] for name in frame if name in columns},
        totals={"dual": ALL, **totals},
        parents={"place": place_parents()} if "place" in keys else {},
        universe=UNIVERSE,
        note="Dual in any eligible month of the year (rule P4); shares are of the group's total.",
        source=SOURCE,
    )


def _aco_names(study: Study) -> dict[str, str]:
    """Return the ACOs' names by id, without their legal form."""
    table = study.reference("aco_hospitals")
    if table is None:
        return {}
    return dict(zip(table["aco_id"], map(short_name, table["aco_name"]), strict=True))


def payers_table(study: Study, cube: pd.DataFrame) -> Draft:
    """Medicare and, where the run has a Medicaid table, Medicaid dollars of dual eligibles."""
    medicare = _sum_by(cube[cube["dual"] == "yes"], ("year",))
    frame = medicare[["year", "benes", "eligible_months", "tcoc"]].assign(payer="medicare")
    years = frame["eligible_months"] / 12
    frame["per_capita"] = frame["tcoc"] / years / frame["year"].map(_factors(study))
    if "medicaid_spending" in study.references.paths:
        paid = study.frame("progression_medicaid").groupby("year")["medicaid"].sum()
        other = frame.assign(payer="medicaid", tcoc=frame["year"].map(paid).fillna(0.0))
        other["per_capita"] = other["tcoc"] / years
        both = frame.assign(payer=ALL, tcoc=frame["tcoc"] + other["tcoc"])
        both["per_capita"] = frame["per_capita"] + other["per_capita"]
        frame = pd.concat([frame, other, both], ignore_index=True)
    return Draft(
        name="duals_two_payers",
        title="Spending of dual eligible beneficiaries by payer",
        frame=ordered(frame, ("year", "payer")),
        keys=("year", "payer"),
        columns={
            "year": YEAR,
            "payer": Column("Payer", "key"),
            **{n: PEOPLE[n] for n in ("benes", "eligible_months", "tcoc", "per_capita")},
        },
        universe="dual eligible beneficiaries, repeated by payer",
        note="Both payers' dollars in the same eligible months (rule P1); Medicaid as supplied.",
        source=SOURCE,
    )


# ---------------------------------------------------------------- places and options


def _places(cube: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Sum by county, region and state in one dimension."""
    counties = _sum_by(cube.assign(place=cube["county"].map(county_label)), (*keys, "place"))
    known = cube[cube["region"] != UNKNOWN]
    regions = _sum_by(known.assign(place=known["region"]), (*keys, "place"))
    state = _sum_by(cube.assign(place=MARYLAND), (*keys, "place"))
    return pd.concat([counties, regions, state], ignore_index=True)


def region_table(study: Study, cube: pd.DataFrame) -> Draft:
    """People and dollars by region and stage in the last year, the largest region first."""
    last = _last(cube)
    last = last.assign(place=last["region"].where(last["region"] != UNKNOWN, OUTSIDE))
    cells = _sum_by(last, ("year", "place", "stage"))
    frame = with_total(with_total(cells, "stage", SUMS), "place", SUMS, MARYLAND)
    whole = frame[frame["stage"] == ALL].set_index(["year", "place"])
    frame = with_shares(frame, whole, _factors(study), ("year", "place"), "place_benes")
    frame = ordered(frame, ("year", "place", "stage"))
    size = frame["place"].map(whole.groupby("place")["benes"].sum())
    return Draft(
        name="landscape_by_region",
        title="Delivery landscape: people and dollars by region and stage of attribution",
        frame=frame.loc[size.sort_values(ascending=False, kind="stable").index],
        keys=("year", "place", "stage"),
        columns={
            "year": YEAR,
            "place": _PLACE,
            "stage": _STAGE,
            **people_of("place_benes", "People of the place"),
        },
        totals={"stage": ALL, "place": MARYLAND},
        parents={"place": place_parents()},
        universe=UNIVERSE,
        note="Regions of the Maryland Department of Planning, from memory; by home ZIP code.",
        source=SOURCE,
    )


def options_table(cube: pd.DataFrame) -> Draft:
    """Dollars that each design option would make somebody accountable for, in the last year."""
    last = _last(cube)
    frame = progression.design_options(last.assign(dual=last["dual"] == "yes"))
    if last.empty:  # options of nothing would be rows without a year
        frame = frame.iloc[:0]
    frame.insert(0, "year", last["year"].max())
    labels = {o.key: o.label for o in progression.DESIGN_OPTIONS}
    frame.insert(2, "name", frame["option"].map(labels))
    frame["whole"] = int(last["benes"].sum())
    return Draft(
        name="design_options",
        title="Dollars for which each design option makes somebody accountable",
        frame=frame.rename(columns={"share": "share_dollars"}),
        keys=("year", "option", "part"),
        columns={
            "year": YEAR,
            "option": Column("Design option", "key"),
            "name": Column("Design option", "label"),
            "part": Column("Part of spending", "key"),
            "benes": BENES,
            "dollars": dollars("Dollars with somebody accountable"),
            "whole": WHOLE,
            "share_dollars": SHARE_DOLLARS,
        },
        universe="attributed beneficiaries by design option, repeated by part",
        note="What an option makes accountable is our reading of sections IV, V.J and VI.",
        source=SOURCE,
    )
