"""The public tables of the Year 1 attribution report: what is counted, and what protects what."""

from math import fsum
from pathlib import Path
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.disclosure.old import PublicTable
from tcoc.rules.attribution import STAGES
from tcoc.rules.spending import pool_combinations
from tcoc.study import Study

ALL, STATE, ELSEWHERE = "all", "STATE", "elsewhere"
UNIVERSE = "attributed beneficiaries"
SOURCE = "Medicare claims and enrolment of the run's store; rules P, A and T"

_SUMS = ("benes", "eligible_months", "tcoc")


def public_tables(study: Study) -> list[PublicTable]:
    """Return every table that the report may show, for the gate to audit as one release."""
    stages = stage_cells(study)
    tables = [
        waterfall_table(stages),
        hospital_stage_table(stages, study),
        hospital_table(study),
        movement_table(study),
        split_table(study),
        home_table(study),
        completeness_table(study),
    ]
    combinations = study.reference("combinations")
    if combinations is not None and len(combinations):
        tables.append(combination_table(study, combinations))
    if truth_files(study):
        tables.append(recovery_table(study))
    return tables


def hospital_names(study: Study) -> dict[str, str]:
    """Return the hospitals' short names by CCN, as the run's reference table has them."""
    hospitals = study.references.tables["hospitals"]
    short = hospitals["short_name"].where(hospitals["short_name"] != "", hospitals["name"])
    return dict(zip(hospitals["ccn"], short, strict=True)) | {STATE: "Maryland"}


def _named(frame: pd.DataFrame, study: Study) -> pd.DataFrame:
    columns = list(frame.columns)
    place = columns.index("ccn") + 1
    named = frame.assign(hospital=frame["ccn"].map(hospital_names(study)))
    return named[[*columns[:place], "hospital", *columns[place:]]]


def with_total(
    frame: pd.DataFrame, dimension: str, label: str, sums: tuple[str, ...]
) -> pd.DataFrame:
    """Add rows that sum over one dimension; fsum, so that the order of rows does not matter."""
    others = [c for c in frame.columns if c not in (dimension, *sums)]
    total = frame.groupby(others, sort=True, as_index=False, dropna=False)[list(sums)].agg(_total)
    total[dimension] = label
    return pd.concat([frame, total[frame.columns]], ignore_index=True)


def _total(values: "pd.Series[float]") -> float:
    return float("nan") if bool(values.isna().any()) else fsum(values)


def _ordered(frame: pd.DataFrame, **orders: tuple[str, ...]) -> pd.DataFrame:
    """Sort by keys, some of them in an order of their own."""

    def rank(column: Any) -> Any:
        places = {label: i for i, label in enumerate(orders.get(str(column.name), ()))}
        return column.map(places) if places else column

    by = [c for c in ("year", "ccn", "stage", "reason", "outcome") if c in frame.columns]
    return frame.sort_values(by, key=rank, ignore_index=True)


# ---------------------------------------------------------------- by stage and hospital


def stage_cells(study: Study) -> pd.DataFrame:
    """Year x hospital x stage with all margins: benes, months, dollars."""
    cells = study.frame("attribution_by_hospital")[["year", "ccn", "stage", *_SUMS]]
    cells = with_total(cells, "stage", ALL, _SUMS)
    return with_total(cells, "ccn", STATE, _SUMS)


def _completion(study: Study) -> "pd.Series[float]":
    factor = completion(study)
    return pd.Series({year: factor(year) for year in study.run.years})


def _per_capita(frame: pd.DataFrame, completion: "pd.Series[float]") -> "pd.Series[float]":
    return frame["tcoc"] * 12 / frame["eligible_months"] / frame["year"].map(completion)


def waterfall_table(cells: pd.DataFrame) -> PublicTable:
    """Statewide: how many beneficiaries and dollars each stage takes, by year."""
    state = cells[cells["ccn"] == STATE].reset_index(drop=True)
    whole = state[state["stage"] == ALL].set_index("year")
    for measure in ("benes", "tcoc"):
        state[f"share_{measure}"] = state[measure] / state["year"].map(whole[measure])
    return PublicTable(
        name="attribution_waterfall",
        title="Beneficiaries and dollars by stage of attribution",
        frame=_ordered(state, stage=(*STAGES, ALL)),
        keys=("year", "ccn", "stage"),
        counts=("benes",),
        values=dict.fromkeys(("eligible_months", "tcoc", "share_benes", "share_tcoc"), ("benes",)),
        totals={"stage": ALL, "ccn": STATE},
        universe=UNIVERSE,
        source=SOURCE,
    )


def hospital_stage_table(cells: pd.DataFrame, study: Study) -> PublicTable:
    """Beneficiaries by hospital and stage, by year."""
    frame = _named(cells[["year", "ccn", "stage", "benes"]].copy(), study)
    whole = frame[frame["stage"] == ALL].set_index(["year", "ccn"])["benes"]
    keys = pd.MultiIndex.from_frame(frame[["year", "ccn"]])
    frame["share_of_hospital"] = frame["benes"] / whole.reindex(keys).to_numpy()
    return PublicTable(
        name="hospitals_by_stage",
        title="Attributed beneficiaries of each hospital by stage",
        frame=_ordered(frame, stage=(*STAGES, ALL)),
        keys=("year", "ccn", "stage"),
        counts=("benes",),
        values={"share_of_hospital": ("benes",)},
        totals={"stage": ALL, "ccn": STATE},
        universe=UNIVERSE,
        note="A beneficiary whose attribution is split counts in parts that sum to one.",
        source=SOURCE,
    )


def hospital_table(study: Study) -> PublicTable:
    """Beneficiaries, dollars and total cost of care per capita by hospital and year."""
    sums = ("benes", "eligible_months", "tcoc", "tcoc_hospital", "tcoc_nonhospital")
    frame = with_total(study.frame("hospital_year")[["year", "ccn", *sums]], "ccn", STATE, sums)
    frame["per_capita"] = _per_capita(frame, _completion(study))
    frame["hospital_share"] = frame["tcoc_hospital"] / frame["tcoc"]
    values = [c for c in frame.columns if c not in ("year", "ccn", "benes")]
    return PublicTable(
        name="hospital_per_capita",
        title="Total cost of care per capita of each hospital's attributed beneficiaries",
        frame=_ordered(_named(frame, study)),
        keys=("year", "ccn"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        totals={"ccn": STATE},
        universe=UNIVERSE,
        note="Per capita is annual: dollars x 12 / eligible months / completion factor (rule T2).",
        source=SOURCE,
    )


def combination_table(study: Study, combinations: pd.DataFrame) -> PublicTable:
    """Combined groups against their members (rule A12): pooled sums, ratio of sums."""
    columns = ["year", "ccn", "benes", "eligible_months", "tcoc"]
    hospitals = study.frame("hospital_year")
    group = dict(zip(combinations["ccn"], combinations["combination"], strict=True))
    members = hospitals[hospitals["ccn"].isin(list(group))][columns]
    pooled = pool_combinations(hospitals, combinations[["combination", "ccn"]])
    groups = pooled.rename(columns={"combination": "ccn", "dollars": "tcoc"})[columns]
    frame = pd.concat([members, groups.astype(members.dtypes)], ignore_index=True)
    frame["combination"] = frame["ccn"].map(group).fillna(frame["ccn"])
    frame["hospital"] = frame["ccn"].map(hospital_names(study)).fillna("all members")
    frame["per_capita"] = _per_capita(frame, _completion(study))
    return PublicTable(
        name="combined_hospitals",
        title="Combined hospitals and their members",
        frame=frame.sort_values(["year", "combination", "ccn"], ignore_index=True),
        keys=("year", "ccn"),
        counts=("benes",),
        values=dict.fromkeys(("eligible_months", "tcoc", "per_capita"), ("benes",)),
        parents={"ccn": group},
        universe=UNIVERSE,
        note="The pooled per capita is the ratio of sums, not a mean of the members' (rule A12).",
        source=SOURCE,
    )


# ---------------------------------------------------------------- movement, splits, homes


def movement_table(study: Study) -> PublicTable:
    """What became of each year's attributed beneficiaries in the next, by stage and reason."""
    moved = study.frame("attribution_movement")
    moved = moved[moved["stage_before"].isin(STAGES)].rename(columns={"stage_before": "stage"})
    sums = ("benes", "benes_same_hospital")
    frame = moved.groupby(["year", "stage", "reason"], as_index=False)[list(sums)].agg(_total)
    frame = with_total(frame, "stage", ALL, sums)
    frame = with_total(frame, "reason", ALL, sums)
    frame["share_same_hospital"] = frame["benes_same_hospital"] / frame["benes"]
    return PublicTable(
        name="attribution_stays",
        title="Who stays with the same hospital from one year to the next",
        frame=_ordered(frame, stage=(*STAGES, ALL)),
        keys=("year", "stage", "reason"),
        counts=sums,
        values={"share_same_hospital": sums},
        totals={"stage": ALL, "reason": ALL},
        within={"benes_same_hospital": "benes"},
        universe="attributed beneficiaries of the year before, by what changed",
        note="The year is the later one. A split beneficiary stays in the part that stays.",
        source=SOURCE,
    )


def split_table(study: Study) -> PublicTable:
    """How many people belong to one hospital, and how many are shared by several."""
    rows = study.table("attribution")
    people = rows.group_by("year", "bene_id").agg(hospitals=rows.count().cast("int32"))
    counted = people.group_by("year", "hospitals").agg(benes=people.count().cast("int32"))
    found = study.connection.fetch(counted, ["year", "hospitals"])
    labels = found["hospitals"].map(lambda n: str(n) if n < 4 else "4 or more")
    found = found.assign(hospitals=labels)
    frame = found.groupby(["year", "hospitals"], as_index=False)[["benes"]].sum()
    frame = with_total(frame, "hospitals", ALL, ("benes",))
    return PublicTable(
        name="split_attribution",
        title="Beneficiaries by the number of hospitals that share them",
        frame=frame.sort_values(["year", "hospitals"], ignore_index=True),
        keys=("year", "hospitals"),
        counts=("benes",),
        totals={"hospitals": ALL},
        universe="eligible beneficiaries by number of hospitals",
        note="Shares come from an ACO without a link to one hospital, and from shared ZIP codes.",
        source=SOURCE,
    )


def home_table(study: Study) -> PublicTable:
    """Where each hospital's attributed beneficiaries live, in the run's last year.

    ZIP codes with few beneficiaries of a hospital are put together as `elsewhere` before the gate
    looks: a map of 450 ZIPs by 46 hospitals is mostly small cells.
    """
    year = max(study.run.years)
    counts = _home_counts(study, year)
    least = float(study.policy.get("disclosure.min_cell_size")) * 2
    counts["zip"] = counts["zip"].where(counts["benes"] >= least, ELSEWHERE)
    frame = counts.groupby(["ccn", "zip"], as_index=False)[["benes"]].agg(_total)
    frame.insert(0, "year", year)
    return PublicTable(
        name="where_they_live",
        title=f"Home ZIP codes of each hospital's attributed beneficiaries, {year}",
        frame=_named(frame, study).sort_values(["ccn", "zip"], ignore_index=True),
        keys=("year", "ccn", "zip"),
        counts=("benes",),
        universe=UNIVERSE,
        note=f"ZIP codes with fewer than {least:.0f} of a hospital's beneficiaries are together.",
        source=SOURCE,
    )


def _home_counts(study: Study, year: int) -> pd.DataFrame:
    rows, people = study.table("attribution"), study.table("beneficiary_year")
    homes = people.filter(people.year == year).select(person="bene_id", zip="zip")
    mine = rows.filter(rows.year == year)
    joined = mine.join(homes, mine.bene_id == homes.person)
    groups = joined.group_by("ccn", "zip", "share").agg(people=joined.count().cast("int32"))
    frame = study.connection.fetch(groups, ["ccn", "zip", "share"])
    frame["benes"] = frame["share"] * frame["people"]
    return cast(pd.DataFrame, frame.groupby(["ccn", "zip"], as_index=False)["benes"].agg(_total))


# ---------------------------------------------------------------- completeness, recovery


def completeness_table(study: Study) -> PublicTable:
    """Medicare payments by month of service, everybody in the store: does a year tail off?"""
    found = study.frame("completeness")
    frame = found.groupby(["year", "month"], as_index=False)[["paid_amount"]].agg(_total)
    people = study.frame("attribution_by_hospital").groupby("year")["benes"].agg(_total)
    frame["benes"] = frame["year"].map(people)
    return PublicTable(
        name="completeness_by_month",
        title="Medicare payments by month of service",
        frame=frame.sort_values(["year", "month"], ignore_index=True),
        keys=("year", "month"),
        counts=("benes",),
        values={"paid_amount": ("benes",)},
        universe="eligible beneficiaries of the year, repeated by month",
        note="Payments of everybody in the store, by month of service (rule I4).",
        source=SOURCE,
    )


def recovery_table(study: Study) -> PublicTable:
    """How often the rules find the hospital that the synthetic state planted, by stage."""
    frame = _recovered(study, study.connection.parquet(*truth_files(study)))
    frame = with_total(frame, "stage", ALL, ("benes",))
    frame = with_total(frame, "outcome", ALL, ("benes",))
    whole = frame[frame["outcome"] == ALL].set_index(["year", "stage"])["benes"]
    keys = pd.MultiIndex.from_frame(frame[["year", "stage"]])
    frame["share"] = frame["benes"] / whole.reindex(keys).to_numpy()
    return PublicTable(
        name="planted_truth",
        title="How often the rules find the planted hospital",
        frame=_ordered(frame, stage=(*STAGES, ALL)),
        keys=("year", "stage", "outcome"),
        counts=("benes",),
        values={"share": ("benes",)},
        totals={"stage": ALL, "outcome": ALL},
        universe="attributed beneficiaries by agreement with the planted hospital",
        note="Planted: the hospital of the synthetic beneficiary's true clinician or home; left out"
        " are people whose clinician the ACO links to no or to several hospitals.",
        source="Synthetic state: truth/beneficiary_year",
    )


def truth_files(study: Study) -> list[Path]:
    """Return where a synthetic store keeps the planted hospital of each beneficiary-year."""
    file = study.store.root / "truth" / "beneficiary_year.parquet"
    return [file] if file.is_file() else []


def _recovered(study: Study, truth: ir.Table) -> pd.DataFrame:
    """People by stage and by whether their planted hospital has all, a part, or none of them."""
    rows = study.table("attribution")
    one = truth.filter(truth.ccn_expected.notnull())
    planted = one.select(truth_year="year", person="bene_id", true_ccn="ccn_expected")
    joined = rows.join(
        planted, (rows.year == planted.truth_year) & (rows.bene_id == planted.person)
    )
    hit = ibis.ifelse(joined.ccn == joined.true_ccn, joined.share, 0.0)
    people = joined.group_by("year", "stage", "bene_id").agg(hit=hit.max())
    outcome = ibis.cases(
        (people.hit > 1 - 1e-9, FOUND), (people.hit > 0, "has a share"), else_="is another"
    )
    known = people.mutate(outcome=outcome)
    by = ["year", "stage", "outcome"]
    return study.connection.fetch(known.group_by(*by).agg(benes=known.count().cast("int32")), by)


FOUND = "is the planted one"
