"""Who stays with the same hospital from one year to the next, by stage and reason."""

from collections.abc import Mapping
from typing import cast

import ibis
import ibis.expr.types as ir

NOBODY = "none"
"""The stage of a person in a year in which the person is not eligible."""


def people_of(attribution: ir.Table, beneficiary_year: ir.Table, year: int) -> ir.Table:
    """One row per attributed bene_id of a year: stage, clinician, ACO and home ZIP."""
    rows = attribution.filter(attribution.year == year)
    one = rows.group_by("bene_id").agg(
        stage=rows.stage.max(),
        npi=rows.npi.max().fill_null(""),
        aco_id=rows.aco_id.max().fill_null(""),
    )
    homes = beneficiary_year.filter(beneficiary_year.year == year).select("bene_id", "zip")
    return cast(ir.Table, one.join(homes, "bene_id"))


def kept_share(attribution: ir.Table, before: int, after: int) -> ir.Table:
    """The share of each person that is with the same hospital in two years.

    One row per bene_id: the sum over hospitals of the lesser share, rounded to 9 places so that
    it does not depend on the order of the hospitals.
    """
    old = attribution.filter(attribution.year == before).select("bene_id", "ccn", old="share")
    new = attribution.filter(attribution.year == after).select("bene_id", "ccn", new="share")
    both = old.join(new, ["bene_id", "ccn"])
    kept = both.group_by("bene_id").agg(kept=ibis.least(both.old, both.new).sum().round(9))
    return cast(ir.Table, kept.mutate(kept=kept.kept.cast("float64")))


def movement(
    attribution: ir.Table, people: Mapping[int, ir.Table], before: int, after: int
) -> ir.Table:
    """People by what changed between two years, in groups of equal kept share.

    `people` has each year's `people_of`. One row per (stage_before, stage_after, reason, kept) with
    the number of people. Reasons: entered, left; stage_changed; within a stage same_clinician,
    other_clinician (of the same ACO), other_aco, same_zip, moved_zip.
    """
    old, new = people[before], people[after]
    later = new.select(**{f"{name}_after": new[name] for name in new.columns})
    kept = kept_share(attribution, before, after).rename(kept_bene="bene_id")
    stayed = old.left_join(later, old.bene_id == later.bene_id_after)
    stayed = stayed.left_join(kept, stayed.bene_id == kept.kept_bene)
    known = stayed.select(
        stage_before=stayed.stage,
        stage_after=stayed.stage_after.fill_null(NOBODY),
        reason=_reason(stayed),
        kept=stayed.kept.fill_null(0.0),
    )
    entered = new.anti_join(old, "bene_id").select(
        stage_before=ibis.literal(NOBODY),
        stage_after="stage",
        reason=ibis.literal("entered"),
        kept=ibis.literal(0.0),
    )
    rows = ibis.union(known, entered)
    return cast(
        ir.Table,
        rows.group_by("stage_before", "stage_after", "reason", "kept").agg(
            people=rows.count().cast("int32")
        ),
    )


def _reason(pair: ir.Table) -> ir.StringValue:
    clinician = ibis.cases(
        (pair.npi == pair.npi_after, "same_clinician"),
        (pair.aco_id != pair.aco_id_after, "other_aco"),
        else_="other_clinician",
    )
    return cast(
        ir.StringValue,
        ibis.cases(
            (pair.bene_id_after.isnull(), "left"),
            (pair.stage != pair.stage_after, "stage_changed"),
            (pair.stage != "geographic", clinician),
            (pair.zip == pair.zip_after, "same_zip"),
            else_="moved_zip",
        ),
    )
