"""From claims to counts: patients and payments of clinicians, whole and at hospitals (Q1-Q3).

Everything here is an Ibis expression with exact sums, so that neither the engine nor the number
of threads can change a result. Claims are passed once for all periods of a year: only
`clinician_patients` reads professional lines, `encounter_spans` facility claims and
`eligible_spans` months; all others work on what these return.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.rules.qp.periods import Period, Spans
from tcoc.rules.qp.rules import QpRules, age_day, latest_birth_date
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS

BILLION = 1_000_000_000
"""Shares count in billionths in the share-weighted variant, so that sums stay exact."""

SCORE_COLUMNS = (
    "npi",
    "ccn",
    "benes",
    "benes_attributed",
    "benes_encounter",
    "benes_numerator",
    "payments",
    "payments_numerator",
    "patient_score",
    "payment_score",
    "in_model",
    "payments_attributed",
    "payments_encounter",
)
"""Columns of the scores after the year: the contract's first, then dollars by criterion."""


def eligible_spans(eligible_months: ir.Table, beneficiary: ir.Table, spans: Spans) -> ir.Table:
    """In which spans each beneficiary has an eligible month (rule Q1), with the birth date.

    `eligible_months` holds the months of rule P1 as (bene_id, month); `spans` cut at first days of
    months where a period begins. One row per (bene_id, span).
    """
    months = eligible_months.select("bene_id", span=spans.number(eligible_months.month)).distinct()
    births = beneficiary.select("bene_id", "birth_date")
    return months.inner_join(births, "bene_id").select("bene_id", "birth_date", "span")


def qp_population(people: ir.Table, spans: Spans, period: Period, rules: QpRules) -> ir.Table:
    """Beneficiaries with an eligible month in the period who are old enough (rule Q1).

    `people` from `eligible_spans`. A month lies in the period when any of its days does. One row
    per bene_id.
    """
    inside = spans.within(people, period.by_month)
    born_by = latest_birth_date(rules.minimum_age, age_day(rules, period))
    return inside.filter(inside.birth_date <= ibis.literal(born_by)).select("bene_id").distinct()


def clinician_patients(
    lines: ir.Table, codes: ir.Table, all_covered: bool, spans: Spans, rules: QpRules
) -> ir.Table:
    """Each clinician's patients by span, whoever they are: the one pass over lines (Q1, Q3).

    One row per (npi, bene_id, specialty, span): `seen` 1 if any line has an allowed amount above
    0, `allowed` the allowed dollars of those lines, `payments` the dollars of covered professional
    services that Part B covers, `other_payments` those of its other lines, `evaluated` 1 if there
    is an E&M service with an allowed amount above 0. `codes` has code, evaluation and covered
    (`service_codes`); with `all_covered` a line needs no code to be covered. A line without NPI is
    nobody's service (I3); a line without specialty has "".
    """
    own = lines.filter(lines.npi.notnull())
    flagged = own.left_join(codes, own.hcpcs == codes.code)
    billed = flagged.allowed_amount > 0
    nothing = ibis.literal(Decimal("0.00")).cast("decimal(12, 2)")
    paid = flagged[f"{rules.payment_basis}_amount"]
    covered = ibis.literal(True) if all_covered else flagged.covered.fill_null(0) == 1
    marked = flagged.select(
        "npi",
        "bene_id",
        specialty=flagged.specialty.fill_null(""),
        span=spans.number(flagged.service_date),
        seen=billed.cast("int8"),
        allowed=ibis.ifelse(billed, flagged.allowed_amount, nothing),
        payment=ibis.ifelse(flagged.part_b_covered & covered, paid, nothing),
        other=ibis.ifelse(flagged.part_b_covered & ~covered, paid, nothing),
        evaluated=(billed & (flagged.evaluation.fill_null(0) == 1)).cast("int8"),
    )
    return marked.group_by("npi", "bene_id", "specialty", "span").agg(
        seen=marked.seen.max(),
        allowed=marked.allowed.sum().cast(DOLLAR_SUM),
        payments=marked.payment.sum().cast(DOLLAR_SUM),
        other_payments=marked.other.sum().cast(DOLLAR_SUM),
        evaluated=marked.evaluated.max(),
    )


def in_period(patients: ir.Table, spans: Spans, period: Period) -> ir.Table:
    """Patients of a period: one row per (npi, bene_id), the columns of `clinician_patients`."""
    inside = spans.within(patients, period)
    return inside.group_by("npi", "bene_id").agg(
        seen=inside.seen.max(),
        allowed=inside.allowed.sum().cast(DOLLAR_SUM),
        payments=inside.payments.sum().cast(DOLLAR_SUM),
        other_payments=inside.other_payments.sum().cast(DOLLAR_SUM),
        evaluated=inside.evaluated.max(),
    )


def modelling_set(patients: ir.Table, rules: QpRules) -> ir.Table:
    """Volume of each clinician over the whole year, and whether it is in the model (rule Q3).

    One row per npi: `people` distinct people with an allowed amount above 0, `allowed` dollars,
    `part_b_payments` dollars of covered services (the incentive's base, rule Q8), `other_payments`
    those of all other Part B lines, `in_model`.
    """
    volume = patients.group_by("npi").agg(
        people=patients.seen.sum().cast("int32"),
        allowed=patients.allowed.sum().cast(DOLLAR_SUM),
        part_b_payments=patients.payments.sum().cast(DOLLAR_SUM),
        other_payments=patients.other_payments.sum().cast(DOLLAR_SUM),
    )
    limit = ibis.literal(_dollars(rules)).cast(DOLLAR_SUM)
    enough_people = volume.people >= rules.low_volume_benes
    enough_dollars = volume.allowed >= limit
    combined = enough_people | enough_dollars
    if rules.combine == "all":
        combined = enough_people & enough_dollars
    seen = volume.people > 0
    return volume.mutate(in_model=seen & combined).filter(
        seen | (volume.part_b_payments != 0) | (volume.other_payments != 0)
    )


def _dollars(rules: QpRules) -> Decimal:
    limit = rules.low_volume_dollars
    return Decimal(limit.numerator) / Decimal(limit.denominator)


def covered_payments(lines: ir.Table, codes: ir.Table, all_covered: bool, basis: str) -> ir.Table:
    """Payments of each clinician for covered professional services (rule Q8): npi, payments."""
    own = lines.filter(lines.npi.notnull(), lines.part_b_covered)
    if not all_covered:
        own = own.semi_join(codes.filter(codes.covered == 1), own.hcpcs == codes.code)
    return own.group_by("npi").agg(payments=own[f"{basis}_amount"].sum().cast(DOLLAR_SUM))


def denominator_patients(patients: ir.Table, population: ir.Table) -> ir.Table:
    """Pairs that count: eligible people with an E&M service by the clinician (rule Q1).

    One row per (npi, bene_id) with `payments`: all covered payments in the period, whatever the
    month and the service.
    """
    evaluated = patients.filter(patients.evaluated == 1)
    return evaluated.semi_join(population, "bene_id").select("npi", "bene_id", "payments")


def denominators(counted: ir.Table) -> ir.Table:
    """Denominators of each clinician (rule Q1): one row per npi with `benes` and `payments`."""
    return counted.group_by("npi").agg(
        benes=counted.count(), payments=counted.payments.sum().cast(DOLLAR_SUM)
    )


def encounter_spans(facility: ir.Table, hospitals: ir.Table, spans: Spans) -> ir.Table:
    """In which spans who had an inpatient or outpatient claim where (rule Q2; I4: thru date).

    One row per (bene_id, ccn, span), eligible hospitals only; `hospitals` has one column, `ccn`.
    """
    visits = facility.filter(facility.setting.isin(HOSPITAL_SETTINGS)).semi_join(hospitals, "ccn")
    return visits.select("bene_id", "ccn", span=spans.number(visits.thru_date)).distinct()


def encounters(visits: ir.Table, spans: Spans, period: Period) -> ir.Table:
    """Who had an encounter where in the period: one row per (bene_id, ccn)."""
    return spans.within(visits, period).select("bene_id", "ccn").distinct()


def hospital_links(attribution: ir.Table, encountered: ir.Table) -> ir.Table:
    """The union of both criteria (rule Q2): one row per (bene_id, ccn).

    `attributed` and `encounter` are 1 or 0; `share` is the attributed share in billionths.
    """
    shares = attribution.filter(attribution.share > 0)
    zero, one = (ibis.literal(value, "int8") for value in (0, 1))
    billionths = (shares.share * BILLION).round().cast("int64")
    criteria = ibis.union(
        shares.select("bene_id", "ccn", attributed=one, encounter=zero, share=billionths),
        encountered.select(
            "bene_id", "ccn", attributed=zero, encounter=one, share=ibis.literal(0, "int64")
        ),
    )
    return criteria.group_by("bene_id", "ccn").agg(
        attributed=criteria.attributed.max(),
        encounter=criteria.encounter.max(),
        share=criteria.share.max(),
    )


def numerators(counted: ir.Table, links: ir.Table, share_weighted: bool) -> ir.Table:
    """Numerators of each clinician at each hospital (rule Q2): one row per (npi, ccn).

    People and payments of the union and of each criterion alone. Each beneficiary is in `links`
    once per hospital, so the union counts nobody twice. With `share_weighted` the attributed
    count with their share, and whole where they had an encounter.
    """
    joined = counted.inner_join(links, "bene_id")
    return _weighted(joined) if share_weighted else _unweighted(joined)


def _unweighted(joined: ir.Table) -> ir.Table:
    nothing = ibis.literal(Decimal("0.00")).cast(DOLLAR_SUM)
    by_attribution = ibis.ifelse(joined.attributed == 1, joined.payments, nothing)
    by_encounter = ibis.ifelse(joined.encounter == 1, joined.payments, nothing)
    return joined.group_by("npi", "ccn").agg(
        benes_attributed=_count(joined.attributed),
        benes_encounter=_count(joined.encounter),
        benes_numerator=joined.count(),
        payments_numerator=joined.payments.sum().cast(DOLLAR_SUM),
        payments_attributed=by_attribution.sum().cast(DOLLAR_SUM),
        payments_encounter=by_encounter.sum().cast(DOLLAR_SUM),
    )


def _count(flag: ir.IntegerColumn) -> ir.IntegerValue:
    """Sum of 0 and 1 as int64: DuckDB's own sum is wider and would land as floating point."""
    return cast(ir.IntegerValue, flag.sum().cast("int32").cast("int64"))


def _weighted(joined: ir.Table) -> ir.Table:
    """The same in billionths of a person and of a cent, summed exactly and rounded once."""
    whole = ibis.ifelse(joined.encounter == 1, ibis.literal(BILLION, "int64"), 0)
    weights = {
        "attributed": joined.share,
        "encounter": whole,
        "numerator": ibis.greatest(joined.share, whole),
    }
    weighted = joined.select("npi", "ccn", **weights, cents=cents(joined.payments))
    sums = {f"benes_{name}": _exact_sum(weighted[name]) for name in weights} | {
        f"payments_{name}": _exact_sum(weighted[name] * weighted.cents) for name in weights
    }
    grouped = weighted.group_by("npi", "ccn").agg(**sums)
    people = {name: grouped[name] / BILLION for name in sums if name.startswith("benes")}
    money = {
        name: ((grouped[name] / BILLION).round() / 100).cast(DOLLAR_SUM)
        for name in sums
        if name.startswith("payments")
    }
    counts = people | money | {"benes_encounter": people["benes_encounter"].cast("int64")}
    return grouped.mutate(**counts)


def _exact_sum(values: ir.IntegerValue) -> ir.FloatingValue:
    return cast(ir.FloatingValue, values.cast("decimal(38, 0)").sum().cast("float64"))


def scores(
    whole: ir.Table, parts: ir.Table, model: ir.Table, by: Sequence[str] = ("npi",)
) -> ir.Table:
    """Threshold scores: one row per (npi, ccn) with a numerator, columns SCORE_COLUMNS.

    `by` are the columns that all three tables share: the clinician, and the year if there is one.
    `whole` from `denominators`, `parts` from `numerators`, `model` from `modelling_set`. A
    clinician whose patients brought no payments has payment score 0. A correction can make a
    clinician's payments negative for one patient; scores are kept between 0 and 1.
    """
    joined = parts.inner_join(whole, by)
    joined = joined.left_join(model.select(*by, "in_model"), by)
    patient_score = joined.benes_numerator.cast("float64") / joined.benes.cast("float64")
    rated = joined.mutate(
        in_model=joined.in_model.fill_null(False),
        patient_score=patient_score,
        payment_score=_ratio(cents(joined.payments_numerator), cents(joined.payments)),
    )
    return cast(ir.Table, rated.select(*dict.fromkeys((*by, *SCORE_COLUMNS))))


def _ratio(part: ir.IntegerValue, whole: ir.IntegerValue) -> ir.FloatingValue:
    raw = part.cast("float64") / whole.cast("float64").nullif(0)
    zero, one = ibis.literal(0.0), ibis.literal(1.0)
    return cast(
        ir.FloatingValue, ibis.ifelse(whole > 0, ibis.least(one, ibis.greatest(zero, raw)), zero)
    )


def cents(dollars: ir.Value) -> ir.IntegerValue:
    """Return exact dollars as integer cents."""
    return cast(ir.IntegerValue, (dollars * ibis.literal(100)).cast("int64"))


def main_specialty(patients: ir.Table) -> ir.Table:
    """The specialty with most of a clinician's allowed dollars: one row per npi.

    Order: allowed high, specialty low. Lines without specialty count only where there is no other.
    """
    billed = patients.filter(patients.seen == 1)
    sums = billed.group_by("npi", "specialty").agg(allowed=billed.allowed.sum())
    order = [(sums.specialty != "").cast("int8").desc(), sums.allowed.desc(), sums.specialty.asc()]
    ranked = sums.mutate(rank=ibis.row_number().over(group_by="npi", order_by=order))
    return ranked.filter(ranked["rank"] == 0).select("npi", "specialty")
