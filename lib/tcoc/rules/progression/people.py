"""Who the Medicare dollars go to: landscape, concentration and persistence."""

import ibis
import ibis.expr.types as ir

from tcoc.rules.progression.names import COST_GROUPS, GONE
from tcoc.store.schema import HOSPITAL_SETTINGS, SPENDING_COLUMNS


def person_years(beneficiary_year: ir.Table, belonging: ir.Table, places: ir.Table) -> ir.Table:
    """Return one row per year and beneficiary with dollars: where they live and who they belong to.

    Adds stage and aco_id (`belonging`: one each per person and year, rule A1), county and region of
    the home ZIP (`places`: zip, county, region), hospital and nonhospital dollars (rule T4). Years
    without claims have no dollars and no rows.
    """
    people = beneficiary_year.filter(beneficiary_year.tcoc.notnull())
    belongs = belonging.select("year", "bene_id", "stage", "aco_id")
    joined = people.left_join(belongs, ["year", "bene_id"]).drop("year_right", "bene_id_right")
    joined = joined.left_join(places, "zip")
    hospital = joined[HOSPITAL_SETTINGS[0]]
    for setting in HOSPITAL_SETTINGS[1:]:
        hospital = hospital + joined[setting]
    return joined.mutate(
        county=joined.county.fill_null("Unknown"),
        region=joined.region.fill_null("Unknown"),
        aco_id=joined.aco_id.fill_null(""),
        stage=joined.stage.fill_null("none"),
        hospital=hospital.cast("decimal(18, 2)"),
        nonhospital=(joined.tcoc - hospital).cast("decimal(18, 2)"),
    ).select(*PERSON_COLUMNS)


PERSON_COLUMNS = (
    "year",
    "bene_id",
    "eligible_months",
    "age",
    "dual",
    "esrd",
    "originally_disabled",
    "county",
    "region",
    "stage",
    "aco_id",
    "hospital",
    "nonhospital",
    *SPENDING_COLUMNS,
    "tcoc",
)


def totals(table: ir.Table) -> dict[str, ir.Value]:
    """Return people, months and dollars of a group, with types that hold in Parquet."""
    return {
        "benes": table.count().cast("int32"),
        "eligible_months": table.eligible_months.cast("int32").sum().cast("int32"),
        "hospital": table.hospital.sum().cast("decimal(18, 2)"),
        "nonhospital": table.nonhospital.sum().cast("decimal(18, 2)"),
        "tcoc": table.tcoc.sum().cast("decimal(18, 2)"),
    }


def landscape(people: ir.Table) -> ir.Table:
    """Return people, months and dollars by year, region, county, stage, ACO and dual status."""
    keys = ["year", "region", "county", "stage", "aco_id", "dual"]
    return people.group_by(keys).agg(**totals(people))


def settings_by_year(people: ir.Table) -> ir.Table:
    """Return people, months and the dollars of every setting by year (they add to tcoc)."""
    sums = {s: people[s].sum().cast("decimal(18, 2)") for s in SPENDING_COLUMNS}
    return people.group_by("year").agg(**totals(people), **sums)


def ranked(people: ir.Table) -> ir.Table:
    """Return each person's percentile of spending within the year: 1 is the costliest hundredth.

    Order: tcoc high, bene_id low; a person with part of a year counts as a person.
    """
    by_year = ibis.window(group_by="year", order_by=[people.tcoc.desc(), people.bene_id.asc()])
    place = ibis.row_number().over(by_year).cast("int64")
    size = people.count().over(ibis.window(group_by="year")).cast("int64")
    numbered = people.select("year", "bene_id", "tcoc", place=place, size=size)
    return numbered.select(
        "year",
        "bene_id",
        "tcoc",
        percentile=((numbered.place * 100 / numbered.size).floor().cast("int32") + 1).cast("int32"),
    )


def concentration(ranks: ir.Table) -> ir.Table:
    """Return people and dollars by year and percentile of spending, costliest first."""
    return ranks.group_by(["year", "percentile"]).agg(
        benes=ranks.count().cast("int32"), tcoc=ranks.tcoc.sum().cast("decimal(18, 2)")
    )


def cost_group(percentile: ir.Value) -> ir.Value:
    """Return the name of the spending group of a percentile."""
    cases = [(percentile <= last, name) for name, last in COST_GROUPS[:-1]]
    return ibis.cases(*cases, else_=COST_GROUPS[-1][0])


def persistence(ranks: ir.Table) -> ir.Table:
    """Return people and dollars by year, spending group and the group of the next year.

    Every year but the last of the run; people without an eligible month in the next year are
    `not eligible` there.
    """
    last = ranks.aggregate(last=ranks.year.max())
    now = ranks.select("year", "bene_id", "tcoc", cost_group=cost_group(ranks.percentile))
    next_year = ranks.select(
        year=(ranks.year - 1).cast("int32"),
        bene_id="bene_id",
        next_group=cost_group(ranks.percentile),
        next_tcoc="tcoc",
    )
    now = now.mutate(year=now.year.cast("int32")).cross_join(last)
    now = now.filter(now.year < now["last"]).drop("last")
    both = now.left_join(next_year, ["year", "bene_id"])
    both = both.select(
        "year", "cost_group", "tcoc", "next_tcoc", next_group=both.next_group.fill_null(GONE)
    )
    return both.group_by(["year", "cost_group", "next_group"]).agg(
        benes=both.count().cast("int32"),
        tcoc=both.tcoc.sum().cast("decimal(18, 2)"),
        next_tcoc=both.next_tcoc.sum().fill_null(0).cast("decimal(18, 2)"),
    )
