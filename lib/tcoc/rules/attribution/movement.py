"""Who stays with the same hospital from one year to the next, by stage and reason."""

from collections.abc import Sequence
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.rules.population import by_person, person_key

NOBODY = "none"
"""The stage of a person in a year in which the person is not eligible."""


def people_of(belonging: ir.Table, beneficiary_year: ir.Table, years: Sequence[int]) -> ir.Table:
    """One row per attributed (year, bene_id) of some years: stage, clinician, ACO and home ZIP.

    `belonging` has a row per (year, bene_id) as BELONGING says.
    """
    key = person_key(years)
    rows = belonging.filter(belonging.year.isin(years))
    rows = rows.mutate(npi=rows.npi.fill_null(""), aco_id=rows.aco_id.fill_null(""))
    homes = beneficiary_year.filter(beneficiary_year.year.isin(years)).select(*key, "zip")
    joined = rows.join(homes, key)
    return cast(ir.Table, joined.select("year", "bene_id", "stage", "npi", "aco_id", "zip"))


def kept_share(attribution: ir.Table, years: Sequence[int]) -> ir.Table:
    """The share of each person that is with the same hospital in a year and the next.

    One row per (year, bene_id), of the first of the two years: the sum over hospitals of the lesser
    share, rounded to 9 places so that it does not depend on the order of the hospitals.
    """
    before, key = years[:-1], [*person_key(years[:-1]), "ccn"]
    rows = attribution.filter(attribution.year.isin(before))
    old = rows.select(*key, old="share")
    rows = attribution.filter(attribution.year.isin(years[1:]))
    new = rows.mutate(year=(rows.year - 1).cast("int32")).select(*key, new="share")
    both = old.join(new, key)
    kept = by_person(both, before, kept=ibis.least(both.old, both.new).sum().round(9))
    return cast(ir.Table, kept.mutate(kept=kept.kept.cast("float64")))


def movement(attribution: ir.Table, people: ir.Table, years: Sequence[int]) -> ir.Table:
    """People by what changed from one of successive years to the next, by equal kept share.

    `people` are rows of `people_of`. One row per (year, stage_before, stage_after, reason, kept)
    with the number of people; `year` is the later one. Reasons: entered, left; stage_changed;
    within a stage same_clinician, other_clinician (of the same ACO), other_aco, same_zip,
    moved_zip.
    """
    key = person_key(years[:-1])
    old = people.filter(people.year < years[-1])
    new = people.filter(people.year > years[0])
    new = new.mutate(year=(new.year - 1).cast("int32"))
    later = new.rename(lambda name: f"{name}_after")
    kept = kept_share(attribution, years).rename(lambda name: f"{name}_kept")
    stayed = old.left_join(later, [old[name] == later[f"{name}_after"] for name in key])
    stayed = stayed.left_join(kept, [stayed[name] == kept[f"{name}_kept"] for name in key])
    known = stayed.select(
        "year",
        stage_before=stayed.stage,
        stage_after=stayed.stage_after.fill_null(NOBODY),
        reason=_reason(stayed),
        kept=stayed.kept_kept.fill_null(0.0),
    )
    entered = new.anti_join(old, key).select(
        "year",
        stage_before=ibis.literal(NOBODY),
        stage_after="stage",
        reason=ibis.literal("entered"),
        kept=ibis.literal(0.0),
    )
    rows = ibis.union(known, entered)
    rows = rows.mutate(year=(rows.year + 1).cast("int32"))
    return cast(
        ir.Table,
        rows.group_by("year", "stage_before", "stage_after", "reason", "kept").agg(
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
