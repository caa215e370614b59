"""The public tables of the Progression Plan: published numbers, and the run's own small tables.

Published numbers count nobody in the run's data, so no count protects them; every computed number
names the people behind it. `basis` says in each table which of the two it is.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import fsum

import pandas as pd

from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.disclosure.old import PublicTable
from tcoc.reference.places import UNKNOWN, load_regions
from tcoc.reference.published import (
    DriverDiagram,
    load_aims,
    load_diagram,
    load_timeline,
    load_values,
)
from tcoc.rules import progression
from tcoc.rules.progression import GONE, STAGES, Guardrail
from tcoc.store.schema import SPENDING_COLUMNS
from tcoc.study import Study

ALL, MARYLAND = "all", "Maryland"
UNIVERSE = "attributed beneficiaries"
SOURCE = "Medicare claims and enrolment of the run's store; rules P, A and T"
OUTSIDE = "outside Maryland's ZIP list"
DIAGRAMS = ("driver_diagram_2013", "driver_diagram_updated")

_SUMS = ("benes", "eligible_months", "hospital", "nonhospital", "tcoc")
_DOLLARS = ("hospital", "nonhospital", "tcoc")


def public_tables(study: Study) -> list[PublicTable]:
    """Return every table that the report may show, for the gate to audit as one release."""
    cube = _cube(study)
    tables = [*published_tables(study), *diagram_tables(), savings_table(study)]
    tables += [split_table(study), contribution_table(study)]
    tables += [*concentration_tables(study), persistence_table(study)]
    tables += [*need_tables(study), stays_table(study)]
    tables += [*dual_tables(study, cube), region_table(study, cube), options_table(cube)]
    if "medicaid_spending" in study.references.paths:
        tables.append(medicaid_table(study, cube))
    return tables


# ---------------------------------------------------------------- published


def published_tables(study: Study) -> list[PublicTable]:
    """Figures 1 and 2 as published, the sums that they must obey, and the level and split."""
    savings = load_values("medicare_savings")
    vintage = study.policy.get("progression.published_vintage")
    payments = load_values("medicare_payments").frame().assign(basis="published")
    return [
        _published(
            "published_metrics",
            "All-Payer Model metrics against their targets",
            progression.metrics(load_values("all_payer_model_metrics")).assign(basis="published"),
            ("metric", "year", "vintage"),
            ("value", "target"),
        ),
        _published(
            "published_savings",
            "Medicare savings against national growth as published, million dollars",
            progression.published_savings(savings, vintage),
            ("part", "year", "vintage"),
            ("saving", "cumulative"),
        ),
        _published(
            "published_growth_difference",
            "Medicare total cost of care growth in Maryland less the nation's, by year",
            progression.guarded(progression.annual_differences(savings), guardrail(study)),
            ("series", "year"),
            ("difference",),
        ),
        _published(
            "published_sums",
            "Printed cumulative savings against the sum of the printed years, million dollars",
            progression.cumulative_gaps(savings),
            ("series", "vintage", "year"),
            ("printed", "summed", "gap"),
        ),
        _published(
            "published_payments",
            "Level and split of Medicare payments as the source documents print them",
            payments,
            ("metric", "year", "vintage"),
            ("value",),
        ),
    ]


def _published(
    name: str, title: str, frame: pd.DataFrame, keys: tuple[str, ...], values: tuple[str, ...]
) -> PublicTable:
    return PublicTable(
        name=name,
        title=title,
        frame=frame.reset_index(drop=True),
        keys=keys,
        values=dict.fromkeys(values, ()),
        universe="published figures",
        note="Published figures, not computed from this run's data.",
        source="params/published: each value has its source, vintage and confidence",
    )


def guardrail(study: Study) -> Guardrail:
    """Return the guardrail of the run's policy."""
    policy = study.policy
    return Guardrail(
        policy.get("progression.guardrail_points"), policy.get("progression.guardrail_years")
    )


def diagram_tables() -> list[PublicTable]:
    """The three aims, the driver diagrams and the timeline as rows of words."""
    aims = load_aims()
    rows = [{"aim": aim.name, "item": item} for aim in aims.aims for item in aim.items]
    timeline = load_timeline()
    return [
        _words_table("three_aims", aims.title, pd.DataFrame(rows), ("aim", "item"), aims.source),
        *(_diagram_table(name, load_diagram(name)) for name in DIAGRAMS),
        _words_table(
            "timeline",
            timeline.title,
            progression.timeline_rows(timeline).assign(vintage=timeline.vintage),
            ("track", "event"),
            "each event's source stands in its row",
        ),
    ]


def _diagram_table(name: str, diagram: DriverDiagram) -> PublicTable:
    frame = progression.diagram_rows(diagram).assign(
        note=diagram.note,
        kind="reconstruction" if diagram.reconstruction else "proposal",
        vintage=diagram.vintage,
        confidence=diagram.confidence,
    )
    return _words_table(name, diagram.title, frame, ("primary", "secondary"), diagram.source)


def _words_table(
    name: str, title: str, frame: pd.DataFrame, keys: tuple[str, ...], source: str
) -> PublicTable:
    return PublicTable(
        name=name, title=title, frame=frame, keys=keys, universe="words", source=source
    )


# ---------------------------------------------------------------- savings, split, contributions


def _settings(study: Study) -> pd.DataFrame:
    return study.frame("progression_settings", exact=True).set_index("year", drop=False)


def savings_table(study: Study) -> PublicTable:
    """Savings on the run's own data, with the national rate of each year or why there is none."""
    sums = _settings(study)
    rates = {y: (g.value, g.source) for y, g in study.run.spec.national_growth.items()}
    national = progression.national_growth(
        list(sums.index),
        load_values("medicare_savings"),
        rates,
        study.policy.get("progression.rate_year_lag"),
        study.policy.get("progression.rate_base_year"),
    )
    factor = completion(study)
    parts = [
        progression.per_capita_parts(
            {"total": row["tcoc"]}, int(row["eligible_months"]), factor(int(row["year"]))
        )
        for _, row in sums.iterrows()
    ]
    path = national.assign(
        benes=sums["benes"].to_numpy(),
        per_capita=[float(part["total"]) for part in parts],
        beneficiaries=sums["eligible_months"].to_numpy(dtype=float) / 12,
    )
    base = progression.savings_base(path)
    frame = (
        progression.savings(path, base)
        .assign(base_year=str(base))
        .rename(columns={"beneficiaries": "full_year_equivalents"})
    )
    frame = progression.guarded(frame, guardrail(study)).assign(basis="computed from the run")
    protected = [
        "per_capita",
        "full_year_equivalents",
        "growth",
        "at_national_growth",
        "difference",
        "saving_per_beneficiary",
        "saving",
        "cumulative_saving",
    ]
    return PublicTable(
        name="medicare_savings",
        title="Medicare spending against national growth on the run's own data",
        frame=frame,
        keys=("year",),
        counts=("benes",),
        values={"national_growth": (), **dict.fromkeys(protected, ("benes",))},
        universe=UNIVERSE,
        note="Savings are what spending would have been at national growth less actual spending.",
        source=SOURCE,
    )


def _parts(study: Study) -> dict[int, dict[str, Decimal]]:
    sums = _settings(study)
    factor = completion(study)
    return {
        int(row["year"]): progression.per_capita_parts(
            {s: row[s] for s in progression.SETTING_ORDER},
            int(row["eligible_months"]),
            factor(int(row["year"])),
        )
        for _, row in sums.iterrows()
    }


def split_table(study: Study) -> PublicTable:
    """Dollars, share and dollars per beneficiary of each setting, by year."""
    sums, parts = _settings(study), _parts(study)
    rows = [
        {
            "year": row["year"],
            "setting": setting,
            "benes": row["benes"],
            "dollars": float(row[setting]),
            "share_dollars": float(row[setting] / row["tcoc"]),
            "per_capita": float(parts[int(row["year"])][setting]),
        }
        for _, row in sums.iterrows()
        for setting in SPENDING_COLUMNS
    ]
    return PublicTable(
        name="payment_split",
        title="Medicare payments by setting",
        frame=pd.DataFrame(rows),
        keys=("year", "setting"),
        counts=("benes",),
        values=dict.fromkeys(("dollars", "share_dollars", "per_capita"), ("benes",)),
        universe="attributed beneficiaries of the year, repeated by setting",
        note="Hospital is inpatient and outpatient at any hospital (rule T4).",
        source=SOURCE,
    )


def contribution_table(study: Study) -> PublicTable:
    """What each setting adds to the growth of spending per beneficiary, year on year."""
    frame = progression.contributions(_parts(study))
    frame[["per_capita", "before", "change"]] = frame[["per_capita", "before", "change"]].astype(
        float
    )
    frame["benes"] = frame["year"].map(_settings(study)["benes"]).astype("int32")
    values = ("per_capita", "before", "change", "growth", "points")
    return PublicTable(
        name="growth_contributions",
        title="What each setting adds to the growth of spending per beneficiary",
        frame=frame,
        keys=("year", "part"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe="attributed beneficiaries of the later year, repeated by part",
        note="Dollars per beneficiary to the cent; the parts add to the total exactly.",
        source=SOURCE,
    )


# ---------------------------------------------------------------- concentration, need, stays


def concentration_tables(study: Study) -> list[PublicTable]:
    """Spending by percentile of people, dearest first, and the shares of the top groups."""
    cells = study.frame("progression_concentration", exact=True)
    curves, tops = [], []
    for year, part in cells.groupby("year"):
        curve = progression.lorenz(part).iloc[1:]
        curves.append(
            part.assign(
                share_people=curve["people"].to_numpy(), share_dollars=curve["dollars"].to_numpy()
            )
        )
        for top, share in progression.top_shares(part).items():
            benes = int(part.loc[part["percentile"] <= top, "benes"].sum())
            tops.append({"year": year, "top": top, "benes": benes, "share_dollars": share})
    frame = pd.concat(curves, ignore_index=True)
    frame["tcoc"] = frame["tcoc"].astype(float)
    note = "People with at least one eligible month count as people, whatever their months."
    return [
        PublicTable(
            name="spending_percentiles",
            title="Medicare spending by percentile of people, dearest first",
            frame=frame,
            keys=("year", "percentile"),
            counts=("benes",),
            values=dict.fromkeys(("tcoc", "share_people", "share_dollars"), ("benes",)),
            universe="attributed beneficiaries by percentile of spending",
            note=note,
            source=SOURCE,
        ),
        PublicTable(
            name="spending_concentration",
            title="Share of Medicare spending of the dearest 1, 5 and 10 %",
            frame=pd.DataFrame(tops),
            keys=("year", "top"),
            counts=("benes",),
            values={"share_dollars": ("benes",)},
            universe="attributed beneficiaries of the dearest percentiles",
            note=note,
            source=SOURCE,
        ),
    ]


def persistence_table(study: Study) -> PublicTable:
    """Where the people of each spending group are in the next year."""
    sums = ("benes", "tcoc", "next_tcoc")
    cells = study.frame("progression_persistence")
    frame = with_total(with_total(cells, "next_group", sums), "cost_group", sums)
    whole = frame[frame["next_group"] == ALL].set_index(["year", "cost_group"])["benes"]
    keys = pd.MultiIndex.from_frame(frame[["year", "cost_group"]])
    frame["share_of_group"] = frame["benes"] / whole.reindex(keys).to_numpy()
    return PublicTable(
        name="spending_persistence",
        title="Spending groups of one year and the next",
        frame=_sorted(frame, ("year", "cost_group", "next_group")),
        keys=("year", "cost_group", "next_group"),
        counts=("benes",),
        values=dict.fromkeys(("tcoc", "next_tcoc", "share_of_group"), ("benes",)),
        totals={"next_group": ALL, "cost_group": ALL},
        universe="attributed beneficiaries by spending group and the next year's",
        note=f'"{GONE}" has died, moved, or left Medicare fee for service.',
        source=SOURCE,
    )


def need_tables(study: Study) -> list[PublicTable]:
    """People and dollars by number of need proxies, and by proxy."""
    frame = with_total(study.frame("progression_needs").astype({"needs": str}), "needs", _SUMS)
    proxies = study.frame("progression_proxies")
    whole = frame[frame["needs"] == ALL].set_index("year")
    tables = []
    for name, title, cells, key, totals, universe in (
        (
            "need",
            "People and dollars by number of need proxies",
            frame,
            "needs",
            {"needs": ALL},
            UNIVERSE,
        ),
        (
            "need_proxies",
            "People and dollars by proxy of chronic need",
            proxies,
            "proxy",
            {},
            "attributed beneficiaries, repeated by proxy",
        ),
    ):
        shared = _with_shares(cells, whole, study)
        tables.append(
            PublicTable(
                name=name,
                title=title,
                frame=_sorted(shared, ("year", key)),
                keys=("year", key),
                counts=("benes",),
                values=_protected(shared),
                totals=totals,
                universe=universe,
                note="Proxies that the store can tell without diagnoses.",
                source=SOURCE,
            )
        )
    return tables


def stays_table(study: Study) -> PublicTable:
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
    frame["share_of_stays"] = frame["stays"] / whole["stays"].reindex(keys).to_numpy()
    frame["share_of_dollars"] = frame["paid"] / whole["paid"].reindex(keys).to_numpy()
    return PublicTable(
        name="inpatient_stays",
        title="Inpatient stays that return or are short",
        frame=_sorted(frame, ("year", "stage", "measure")),
        keys=("year", "stage", "measure"),
        counts=("stays",),
        values=dict.fromkeys(("paid", "share_of_stays", "share_of_dollars"), ("stays",)),
        totals={"stage": ALL},
        universe="inpatient stays of attributed beneficiaries, by measure",
        note="A stay can be both a return and short. The store has no diagnoses.",
        source=SOURCE,
    )


# ---------------------------------------------------------------- duals, regions, options


def _cube(study: Study) -> pd.DataFrame:
    cube = study.frame("progression_landscape")
    cube["dual"] = cube["dual"].map({True: "yes", False: "no"})
    return cube


def _sum_by(cube: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    return cube.groupby(list(keys), as_index=False)[list(_SUMS)].agg(fsum)


def dual_tables(study: Study, cube: pd.DataFrame) -> list[PublicTable]:
    """Dual eligibles against others: by stage, by ACO, and by place in the last year."""
    last = cube[cube["year"] == cube["year"].max()]
    by_stage = with_total(_sum_by(cube, ("year", "stage", "dual")), "stage", _SUMS)
    acos = last[last["stage"] == "aco_like"]
    by_aco = with_total(_sum_by(acos, ("year", "stage", "aco_id", "dual")), "aco_id", _SUMS)
    by_place = _places(last, ("year", "dual"))
    return [
        _dual_table(
            study,
            "duals_by_stage",
            "by stage of attribution",
            by_stage,
            ("year", "stage"),
            {"stage": ALL},
        ),
        _dual_table(
            study, "duals_by_aco", "by ACO", by_aco, ("year", "stage", "aco_id"), {"aco_id": ALL}
        ),
        _dual_table(
            study, "duals_by_place", "by place", by_place, ("year", "place"), {"place": MARYLAND}
        ),
    ]


def _dual_table(
    study: Study,
    name: str,
    words: str,
    cells: pd.DataFrame,
    keys: tuple[str, ...],
    totals: dict[str, str],
) -> PublicTable:
    frame = with_total(cells, "dual", _SUMS)
    whole = frame[frame["dual"] == ALL].set_index(list(keys))
    frame = _with_shares(frame, whole, study, keys)
    return PublicTable(
        name=name,
        title=f"Dual eligible beneficiaries and others {words}",
        frame=_sorted(frame, (*keys, "dual")),
        keys=(*keys, "dual"),
        counts=("benes",),
        values=_protected(frame),
        totals={"dual": ALL, **totals},
        parents={"place": place_parents()} if "place" in keys else {},
        universe=UNIVERSE,
        note="Dual in any eligible month of the year (rule P4); shares are of the group's total.",
        source=SOURCE,
    )


def place_parents() -> dict[str, str]:
    """Return the region of each county, and Maryland of each region."""
    regions = load_regions()
    names = dict(zip(map(county_label, regions["county"]), regions["region"], strict=True))
    return names | dict.fromkeys(sorted(set(regions["region"])), MARYLAND) | {OUTSIDE: MARYLAND}


def county_label(county: str) -> str:
    """Write a county so that it cannot be taken for a region: Baltimore is Baltimore County."""
    if county == UNKNOWN:
        return OUTSIDE
    return county if county.endswith("City") else f"{county} County"


def _places(cube: pd.DataFrame, keys: tuple[str, ...]) -> pd.DataFrame:
    """Sum by county, region and state in one dimension."""
    counties = _sum_by(cube.assign(place=cube["county"].map(county_label)), (*keys, "place"))
    known = cube[cube["region"] != UNKNOWN]
    regions = _sum_by(known.assign(place=known["region"]), (*keys, "place"))
    state = _sum_by(cube.assign(place=MARYLAND), (*keys, "place"))
    return pd.concat([counties, regions, state], ignore_index=True)


def region_table(study: Study, cube: pd.DataFrame) -> PublicTable:
    """People and dollars by region and stage in the last year."""
    last = cube[cube["year"] == cube["year"].max()]
    last = last.assign(place=last["region"].where(last["region"] != UNKNOWN, OUTSIDE))
    cells = _sum_by(last, ("year", "place", "stage"))
    frame = with_total(with_total(cells, "stage", _SUMS), "place", _SUMS, MARYLAND)
    whole = frame[frame["stage"] == ALL].set_index(["year", "place"])
    frame = _with_shares(frame, whole, study, ("year", "place"))
    return PublicTable(
        name="landscape_by_region",
        title="Delivery landscape: people and dollars by region and stage of attribution",
        frame=_sorted(frame, ("year", "place", "stage")),
        keys=("year", "place", "stage"),
        counts=("benes",),
        values=_protected(frame),
        totals={"stage": ALL, "place": MARYLAND},
        parents={"place": place_parents()},
        universe=UNIVERSE,
        note="Regions of the Maryland Department of Planning, from memory; by home ZIP code.",
        source=SOURCE,
    )


def options_table(cube: pd.DataFrame) -> PublicTable:
    """Dollars that each design option would make somebody accountable for, in the last year."""
    year = int(cube["year"].max())
    last = cube[cube["year"] == year]
    frame = progression.design_options(last.assign(dual=last["dual"] == "yes"))
    frame.insert(0, "year", year)
    frame["label"] = frame["option"].map({o.key: o.label for o in progression.DESIGN_OPTIONS})
    return PublicTable(
        name="design_options",
        title="Dollars for which each design option makes somebody accountable",
        frame=frame.rename(columns={"share": "share_dollars"}),
        keys=("year", "option", "part"),
        counts=("benes",),
        values={"dollars": ("benes",), "share_dollars": ("benes",)},
        universe="attributed beneficiaries by design option, repeated by part",
        note="What an option makes accountable is our reading of sections IV, V.J and VI.",
        source=SOURCE,
    )


def medicaid_table(study: Study, cube: pd.DataFrame) -> PublicTable:
    """Medicare and Medicaid dollars of dual eligibles, by stage, per beneficiary-year."""
    medicaid = study.frame("progression_medicaid")[["year", "stage", "medicaid"]]
    medicare = _sum_by(cube[cube["dual"] == "yes"], ("year", "stage"))
    cells = medicare.merge(medicaid, on=["year", "stage"], how="left").fillna({"medicaid": 0.0})
    sums = (*_SUMS, "medicaid")
    frame = with_total(cells, "stage", sums).assign(dual="yes")
    years = frame["eligible_months"] / 12
    frame["medicare_per_capita"] = frame["tcoc"] / years / _factors(study, frame)
    frame["medicaid_per_capita"] = frame["medicaid"] / years
    frame["combined_per_capita"] = frame["medicare_per_capita"] + frame["medicaid_per_capita"]
    values = [c for c in frame.columns if c not in ("year", "stage", "dual", "benes")]
    return PublicTable(
        name="duals_two_payers",
        title="Medicare and Medicaid spending of dual eligible beneficiaries",
        frame=_sorted(frame, ("year", "stage")),
        keys=("year", "stage", "dual"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        totals={"stage": ALL},
        universe=UNIVERSE,
        note="Both payers' dollars in the same eligible months (rule P1); Medicaid as supplied.",
        source=f"{SOURCE}; the run's Medicaid table",
    )


# ---------------------------------------------------------------- helpers


def with_total(
    frame: pd.DataFrame, dimension: str, sums: Sequence[str], label: str = ALL
) -> pd.DataFrame:
    """Add rows that sum over one dimension; fsum, so that the order of rows does not matter."""
    others = [c for c in frame.columns if c not in (dimension, *sums)]
    total = frame.groupby(others, as_index=False)[list(sums)].agg(fsum)
    total[dimension] = label
    return pd.concat([frame, total[frame.columns]], ignore_index=True)


def _factors(study: Study, frame: pd.DataFrame) -> pd.Series:
    factor = completion(study)
    return frame["year"].map({y: factor(y) for y in frame["year"].unique()})


def _with_shares(
    frame: pd.DataFrame, whole: pd.DataFrame, study: Study, keys: Sequence[str] = ("year",)
) -> pd.DataFrame:
    """Add per capita and the shares of people and dollars in the group's total."""
    index: pd.Index = (
        pd.Index(frame[keys[0]]) if len(keys) == 1 else pd.MultiIndex.from_frame(frame[list(keys)])
    )
    out = frame.copy()
    years = out["eligible_months"] / 12
    out["per_capita"] = out["tcoc"] / years / _factors(study, out)
    out["share_people"] = out["benes"] / whole["benes"].reindex(index).to_numpy()
    out["share_dollars"] = out["tcoc"] / whole["tcoc"].reindex(index).to_numpy()
    return out


def _protected(frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    names = ("eligible_months", *_DOLLARS, "per_capita", "share_people", "share_dollars")
    return {name: ("benes",) for name in names if name in frame.columns}


_ORDERS = {
    "stage": (*STAGES, "none", ALL),
    "cost_group": (*(name for name, _ in progression.COST_GROUPS), ALL),
    "next_group": (*(name for name, _ in progression.COST_GROUPS), GONE, ALL),
    "dual": ("yes", "no", ALL),
    "measure": ("return", "short", ALL),
}


def _sorted(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Sort by keys, some of them in an order of their own; counts become whole numbers."""

    def rank(column: pd.Series) -> pd.Series:
        order = _ORDERS.get(str(column.name), ())
        return column.map({v: i for i, v in enumerate(order)}) if order else column

    out = frame.sort_values(list(keys), key=rank, ignore_index=True)
    whole = [c for c in ("benes", "eligible_months", "stays") if c in out.columns]
    return out.astype(dict.fromkeys(whole, "int64"))
