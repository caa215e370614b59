"""Proxies of chronic need, stays that could perhaps be avoided, and Medicaid's side."""

import ibis
import ibis.expr.types as ir

from tcoc.rules.progression.people import totals


def inpatient_stays(facility: ir.Table, return_days: int, short_days: int) -> ir.Table:
    """Return inpatient stays with their dollars, length and whether they are a return.

    One row per (bene_id, stay). Claims of a person that touch or overlap, transfers on the same day
    included, are one stay, and it lies in the year of its last date (rule I4). A stay that begins
    1 to `return_days` days after the last one is a return, whatever the cause: the store has no
    diagnoses, so planned and unrelated stays are in it. A short stay lasts at most `short_days`.
    """
    claims = facility.filter(facility.setting == "inpatient")
    order = [claims.from_date.asc(), claims.thru_date.asc(), claims.claim_id.asc()]
    earlier = ibis.window(group_by="bene_id", order_by=order, preceding=(None, 1))
    marked = claims.mutate(before=claims.thru_date.max().over(earlier))
    starts = ibis.ifelse(marked.before.isnull() | (marked.from_date > marked.before), 1, 0).cast(
        "int32"
    )
    marked = marked.mutate(starts=starts)
    so_far = ibis.window(
        group_by="bene_id",
        order_by=[marked.from_date.asc(), marked.thru_date.asc(), marked.claim_id.asc()],
        preceding=None,
        following=0,
    )
    marked = marked.mutate(stay=marked.starts.sum().over(so_far).cast("int32"))
    first = marked.starts == 1
    stays = marked.group_by(["bene_id", "stay"]).agg(
        from_date=marked.from_date.min(),
        thru_date=marked.thru_date.max(),
        before=marked.before.min(where=first),
        paid=marked.paid_amount.sum().cast("decimal(18, 2)"),
    )
    gap = stays.from_date.delta(stays.before, unit="day")
    length = stays.thru_date.delta(stays.from_date, unit="day")
    return stays.select(
        "bene_id",
        "stay",
        "paid",
        year=stays.thru_date.year().cast("int32"),
        is_return=(stays.before.notnull() & (gap <= return_days)).fill_null(False),
        is_short=length <= short_days,
    )


def avoidable_use(stays: ir.Table, people: ir.Table) -> ir.Table:
    """Return stays and dollars of eligible people by year, stage, return and short."""
    known = people.select("year", "bene_id", "stage")
    known = known.mutate(year=known.year.cast("int32"))
    joined = stays.inner_join(known, ["year", "bene_id"])
    return joined.group_by(["year", "stage", "is_return", "is_short"]).agg(
        stays=joined.count().cast("int32"),
        benes=joined.bene_id.nunique().cast("int32"),
        paid=joined.paid.sum().cast("decimal(18, 2)"),
    )


def need_flags(people: ir.Table, stays: ir.Table, old_age: int, many_stays: int) -> ir.Table:
    """Return people with yes-or-no proxies of chronic need, and how many apply.

    What the store can tell without diagnoses: ESRD, dual, originally disabled, age, inpatient
    stays, skilled nursing or home health, hospice.
    """
    counts = stays.group_by(["year", "bene_id"]).agg(stays=stays.count().cast("int32"))
    left = people.mutate(year=people.year.cast("int32"))
    joined = left.left_join(counts, ["year", "bene_id"]).drop("year_right", "bene_id_right")
    flags = {
        "esrd": joined.esrd,
        "dual": joined.dual,
        "originally_disabled": joined.originally_disabled,
        "old": joined.age >= old_age,
        "many_stays": joined.stays.fill_null(0) >= many_stays,
        "post_acute": (joined.snf > 0) | (joined.hha > 0),
        "hospice": joined.hospice > 0,
    }
    ones = [ibis.ifelse(flag, 1, 0).cast("int32") for flag in flags.values()]
    number = ones[0]
    for one in ones[1:]:
        number = number + one
    kept = {f"need_{name}": flag for name, flag in flags.items()}
    return joined.select(
        "year",
        "bene_id",
        "eligible_months",
        "hospital",
        "nonhospital",
        "tcoc",
        **kept,
        needs=number.cast("int32"),
    )


NEEDS = (
    ("esrd", "End-stage renal disease"),
    ("dual", "Dual eligible"),
    ("originally_disabled", "Originally disabled"),
    ("old", "Advanced age"),
    ("many_stays", "Several inpatient stays"),
    ("post_acute", "Skilled nursing or home health"),
    ("hospice", "Hospice"),
)


def need_table(flagged: ir.Table) -> ir.Table:
    """Return people and dollars by year and number of proxies (0, 1, 2, 3 for three or more)."""
    capped = flagged.mutate(needs=ibis.least(flagged.needs, 3).cast("int32"))
    return capped.group_by(["year", "needs"]).agg(**totals(capped))


def need_proxies(flagged: ir.Table) -> ir.Table:
    """Return people and dollars by year and proxy; a person counts under each that applies."""
    tables = []
    for name, _ in NEEDS:
        chosen = flagged.filter(flagged[f"need_{name}"])
        tables.append(
            chosen.group_by("year").agg(**totals(chosen)).mutate(proxy=ibis.literal(name))
        )
    return ibis.union(*tables, distinct=False)


def medicaid_by_stage(medicaid: ir.Table, months: ir.Table, people: ir.Table) -> ir.Table:
    """Return Medicaid dollars of each year's dual eligibles by stage, in their eligible months.

    Takes bene_id, month and amount; `months` are the eligible months of the years (rule P1), so
    that both payers' dollars have the same months below them. A month counts by its first day.
    """
    duals = people.filter(people.dual).select("year", "bene_id", "stage")
    paid = medicaid.select(
        payee=medicaid.bene_id.cast("string"),
        paid_month=medicaid.month.cast("date").truncate("M"),
        amount=medicaid.amount.cast("decimal(18, 2)"),
    )
    own = months.select("year", "bene_id", eligible_month=months.month).inner_join(
        paid.semi_join(duals, [("payee", "bene_id")]),
        [("bene_id", "payee"), ("eligible_month", "paid_month")],
    )
    sums = own.group_by("year", "bene_id").agg(amount=own.amount.sum().cast("decimal(18, 2)"))
    joined = duals.left_join(sums, ["year", "bene_id"])
    return (
        joined.group_by("year", "stage")
        .agg(
            benes=joined.count().cast("int32"),
            medicaid=joined.amount.sum().fill_null(0).cast("decimal(18, 2)"),
        )
        .select("year", "stage", "benes", "medicaid")
    )
