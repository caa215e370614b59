"""What a reader of the Year 1 attribution can trust: measured on the restricted tables."""

from math import fsum
from typing import cast

import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.registry import Check, Measured
from tcoc.deliverables.y1_attribution.example import example_of
from tcoc.deliverables.y1_attribution.lists import truth_files
from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.rules.attribution import PERSON, STAGES
from tcoc.rules.spending import pool_combinations
from tcoc.study import Study

TOLERANCE = 1e-9
"""How far a beneficiary-year's shares may be from one."""

HALF_A_CENT = 0.005


def _count(rows: ir.Table) -> float:
    return float(rows.count().execute())


def shares_sum_to_one(study: Study) -> Measured:
    """Count beneficiary-years whose shares are not one, and those without any row."""
    rows, people = study.table("attribution"), study.table("beneficiary_year")
    found = rows.group_by(*PERSON).agg(whole=rows.share.sum())
    known = people.select(eligible_year="year", eligible="bene_id")
    both = found.outer_join(
        known, (found.year == known.eligible_year) & (found.bene_id == known.eligible)
    )
    # who is on one side only has no sum, or belongs to nobody eligible
    whole = both.eligible.notnull() & ((both.whole - 1).abs() <= TOLERANCE)
    return Measured(_count(both.filter(~whole.fill_null(False))))


def one_stage_each(study: Study) -> Measured:
    """Count beneficiary-years that stand in more than one stage."""
    rows = study.table("attribution")
    # least and most cost less than a count of different ones
    stages = rows.group_by(*PERSON).agg(first=rows.stage.min(), last=rows.stage.max())
    return Measured(_count(stages.filter(stages.first != stages.last)))


def no_zero_shares(study: Study) -> Measured:
    """Count rows with a share that is not above zero."""
    rows = study.table("attribution")
    return Measured(_count(rows.filter(rows.share <= 0)))


def panels_go_whole(study: Study) -> Measured:
    """Count clinicians' panels of the MDPCP-like stage that go to more than one hospital."""
    rows = study.table("attribution")
    panel = rows.filter(rows.stage == "mdpcp_like")
    hospitals = panel.group_by("year", "npi").agg(hospitals=panel.ccn.nunique())
    return Measured(_count(hospitals.filter(hospitals.hospitals > 1)))


def only_eligible_hospitals(study: Study) -> Measured:
    """Count rows of hospitals that nobody can be attributed to."""
    rows = study.table("attribution")
    return Measured(_count(rows.filter(rows.ccn.notin(study.references.eligible_hospitals))))


def _by_year(study: Study) -> pd.DataFrame:
    people = study.table("beneficiary_year")
    sums = people.group_by("year").agg(
        months=people.eligible_months.cast("int32").sum().cast("int32"), tcoc=people.tcoc.sum()
    )
    return study.connection.fetch(sums, ["year"]).set_index("year").astype(float)


def dollars_conserved(study: Study) -> Measured:
    """Measure how far hospitals' dollars of a year are from the population's, at most.

    Each hospital's dollars are rounded to the cent once, so that the sum may differ by half a cent
    for each of them.
    """
    hospitals = study.frame("hospital_year").groupby("year")["tcoc"]
    whole = _by_year(study)["tcoc"]
    found = hospitals.sum(min_count=1).reindex(whole.index)
    off = (found - whole).abs().where(whole.notna(), 0.0)
    most = int(hospitals.size().max()) if hospitals.ngroups else 0
    return Measured(_worst(off), most * HALF_A_CENT + 0.001)


def months_conserved(study: Study) -> Measured:
    """Measure how far hospitals' months of a year are from the population's, at most."""
    whole = _by_year(study)["months"]
    found = study.frame("hospital_year").groupby("year")["eligible_months"].agg(fsum)
    return Measured(_worst((found.reindex(whole.index) - whole).abs()), 0.001)


def _worst(off: "pd.Series[float]") -> float:
    """Return the largest difference; a missing one is worse than any."""
    if not len(off):
        return 0.0
    return float("inf") if bool(off.isna().any()) else float(off.max())


def stages_add_up(study: Study) -> Measured:
    """Measure how far a hospital's dollars by stage are from its dollars, at most (a cent each)."""
    stages = study.frame("attribution_by_hospital").groupby(["year", "ccn"])["tcoc"]
    whole = study.frame("hospital_year").set_index(["year", "ccn"])["tcoc"]
    found = stages.sum(min_count=1).reindex(whole.index)
    off = (found - whole).abs().where(whole.notna(), 0.0)
    return Measured(_worst(off), (len(STAGES) + 1) * HALF_A_CENT + 0.001)


HALF_CENT = 0.005


def per_capita_is_ratio_of_sums(study: Study) -> Measured:
    """Measure how far a per capita is from dollars x 12 / months / completion, at most.

    Beyond what the half cent of rounded dollars makes of it: much, where months are few. It is
    rounded to the cent itself.
    """
    rows = study.frame("hospital_year").dropna(subset=["tcoc"])
    years = 12 / rows["eligible_months"] / rows["year"].map(completion(study))
    gap = (rows["tcoc"] * years - rows["per_capita"]).abs()
    return Measured(_worst((gap - HALF_CENT * years).clip(lower=0)), 0.006)


def every_hospital_is_named(study: Study) -> Measured:
    """Count hospitals with attributed beneficiaries that the run's table does not name."""
    named = {ccn for ccn, name in study.references.hospital_names.items() if str(name).strip()}
    found = set(study.frame("hospital_year")["ccn"])
    return Measured(float(len(found - named)))


def months_are_once(study: Study) -> Measured:
    """Count months of service that stand twice for a setting, or lie outside of the run's years."""
    rows = study.frame("completeness")
    outside = ~(rows["year"].isin(study.run.years) & rows["month"].between(1, 12))
    return Measured(float((outside | rows.duplicated(["year", "month", "setting"])).sum()))


def movement_adds_up(study: Study) -> Measured:
    """Count people of a year whom the next year's movement misses or has twice, at most."""
    rows = study.table("attribution")
    people = rows.select(*PERSON).distinct()
    counted = study.connection.fetch(
        people.group_by("year").agg(benes=people.count().cast("int32")), ["year"]
    ).set_index("year")["benes"]
    rows_of = study.frame("attribution_movement")
    moved = rows_of[rows_of["stage_before"].isin(STAGES)].groupby("year")["benes"].sum()
    before = counted.reindex([year - 1 for year in moved.index])
    return Measured(_worst((moved - before.to_numpy()).abs()))


def homes_are_the_hospitals(study: Study) -> Measured:
    """Measure how far a hospital's people by ZIP are from its people, at most."""
    homes = study.frame("attribution_homes").groupby("ccn")["benes"].agg(fsum)
    rows = study.frame("hospital_year")
    whole = rows[rows["year"] == max(study.run.years)].set_index("ccn")["benes"]
    return Measured(_worst((homes.reindex(whole.index) - whole).abs()), 1e-6)


def pooling_is_sum_of_members(study: Study) -> Measured:
    """Measure how far a combination's dollars are from the sum of its members', at most."""
    combinations = study.reference("combinations")
    if combinations is None or not len(combinations):
        return Measured(0.0)
    hospitals = study.frame("hospital_year")
    pooled = pool_combinations(hospitals, combinations[["combination", "ccn"]])
    members = hospitals.merge(combinations[["combination", "ccn"]], on="ccn")
    parts = members.groupby(["year", "combination"])["tcoc"].sum(min_count=1)
    whole = pooled.set_index(["year", "combination"])["dollars"].astype(float)
    off = (parts.reindex(whole.index) - whole).abs().where(whole.notna(), 0.0)
    return Measured(_worst(off), 0.001)


MOST_ELSEWHERE = 0.1
"""Share of people outside of their planted stage from which rules or synthetic state are broken."""


def planted_stages_are_found(study: Study) -> Measured:
    """Measure the share of people whom the rules attribute by another stage than the planted one.

    Random services blur some; which hospital a small panel uses most is not judged here.
    """
    if not truth_files(study):
        return Measured(0.0, MOST_ELSEWHERE)
    truth, rows = study.connection.parquet(*truth_files(study)), study.table("attribution_people")
    planted = truth.select(*PERSON, "stage_expected")
    joined = rows.select(*PERSON, "stage").join(planted, PERSON)
    other = (joined.stage != joined.stage_expected).cast("int32")
    found = study.connection.fetch(
        joined.aggregate(people=joined.count().cast("int32"), other=other.sum().cast("int32")),
        ["people"],
    ).iloc[0]
    people = int(found["people"])
    return Measured(int(found["other"]) / people if people else 0.0, MOST_ELSEWHERE)


def example_is_whole(study: Study) -> Measured:
    """Measure how far the shares of the example's made-up people are from one, at most.

    By whichever stages a run's values attribute them, nobody is left over and nobody comes in.
    """
    example = example_of(study)
    found = example.attributed.groupby("bene_id")["share"].sum()
    # who is on one side only has no difference
    return Measured(_worst((found - pd.Series(1.0, example.people)).abs()), TOLERANCE)


def assumptions_have_alternatives(study: Study) -> Measured:
    """Count assumed values of attribution without a rule, evidence or an alternative."""
    uses = study.policy.uses(["attribution"], study.run.years)
    bare = [
        use for use in uses
        if use.status == "assumed" and not use.replaced
        and not (use.rule and use.alternatives and use.grade)
    ]  # fmt: skip
    return Measured(float(len(bare)))


def evidence_is_positive(study: Study) -> Measured:
    """Count rows whose clinician has no visit, or no dollars above zero, in the deciding step."""
    rows = study.table("attribution")
    bare = rows.filter(rows.npi.notnull() & ((rows.visits < 1) | (rows.amount <= 0)))
    return Measured(_count(cast(ir.Table, bare)))


CHECKS = (
    Check(
        "shares_sum_to_one",
        "A1",
        "Every eligible beneficiary of every year is attributed, and the shares sum to one.",
        shares_sum_to_one,
    ),
    Check("one_stage_each", "A1", "Nobody is attributed by more than one stage.", one_stage_each),
    Check("no_zero_shares", "A5", "No row has a share of zero.", no_zero_shares),
    Check(
        "evidence_is_positive",
        "A2",
        "Every attributed clinician has at least one visit and dollars above zero.",
        evidence_is_positive,
    ),
    Check(
        "panels_go_whole",
        "A8",
        "A clinician's whole MDPCP-like panel goes to one hospital.",
        panels_go_whole,
    ),
    Check(
        "only_eligible_hospitals",
        "A10",
        "Nobody is attributed to a hospital that cannot be attributed to.",
        only_eligible_hospitals,
    ),
    Check(
        "dollars_conserved",
        "A11",
        "Hospitals' dollars add up to the population's, but for half a cent each.",
        dollars_conserved,
    ),
    Check(
        "months_conserved",
        "A11",
        "Hospitals' eligible months add up to the population's.",
        months_conserved,
    ),
    Check(
        "stages_add_up",
        "A11",
        "Each hospital's dollars by stage add up to its dollars, but for half a cent each.",
        stages_add_up,
    ),
    Check(
        "per_capita_is_ratio_of_sums",
        "T2",
        "Per capita is dollars x 12 / eligible months / completion factor.",
        per_capita_is_ratio_of_sums,
    ),
    Check(
        "every_hospital_is_named",
        "A10",
        "Each hospital with beneficiaries has a name in the run's table.",
        every_hospital_is_named,
    ),
    Check(
        "months_are_once",
        "I4",
        "Each month of service stands once, within the run's years.",
        months_are_once,
    ),
    Check(
        "movement_adds_up",
        "A11",
        "Everybody attributed in a year stands once in the next year's movement.",
        movement_adds_up,
    ),
    Check(
        "homes_are_the_hospitals",
        "P3",
        "Each hospital's people by home ZIP add up to its people.",
        homes_are_the_hospitals,
    ),
    Check(
        "pooling_is_sum_of_members",
        "A12",
        "A combination's dollars are its members' dollars.",
        pooling_is_sum_of_members,
    ),
    Check(
        "planted_stages_are_found",
        "A1",
        "In synthetic data the rules find the planted stage of nine in ten people.",
        planted_stages_are_found,
    ),
    Check(
        "example_is_whole",
        "A1",
        "The made-up people of the example are attributed whole.",
        example_is_whole,
    ),
    Check(
        "assumptions_have_alternatives",
        "S1",
        "Every assumed value names its rule, its evidence and an alternative.",
        assumptions_have_alternatives,
    ),
)
"""The checks of the page, in its order."""
