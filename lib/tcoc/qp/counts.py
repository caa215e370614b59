"""From claims to counts: patients and payments of clinicians, whole and at hospitals (Q1-Q3).

Everything here is an Ibis expression with exact sums, so that neither the engine nor the number
of threads can change a result. Claims are passed once: `clinician_patients` is the only function
that reads professional lines, and all others work on what it returns.
"""

from decimal import Decimal
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.qp.rules import Period, QpRules, age_day, latest_birth_date
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS

SHARE = "decimal(10, 9)"
"""Weight of a beneficiary at a hospital in the share-weighted variant, to a billionth."""

WEIGHT_SUM = "decimal(18, 9)"

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


def qp_population(
    eligible_months: ir.Table, beneficiary: ir.Table, period: Period, rules: QpRules
) -> ir.Table:
    """Beneficiaries with an eligible month in the period who are old enough (rule Q1).

    `eligible_months` holds the months of rule P1 as (bene_id, month). A month lies in the period
    when any of its days does. One row per bene_id.
    """
    month = eligible_months.month
    inside = eligible_months.filter(
        month >= ibis.literal(period.first_month), month <= ibis.literal(period.end)
    )
    born_by = latest_birth_date(rules.minimum_age, age_day(rules, period))
    adults = beneficiary.filter(beneficiary.birth_date <= ibis.literal(born_by))
    people = inside.select("bene_id").distinct()
    return people.semi_join(adults.select("bene_id"), "bene_id")


def clinician_patients(
    lines: ir.Table, evaluation_codes: ir.Table, period: Period, rules: QpRules
) -> ir.Table:
    """Each clinician's patients in the period, whoever they are (rules Q1, Q3).

    One row per (npi, bene_id): `seen` 1 if any line has an allowed amount above 0, `allowed` the
    allowed dollars of those lines, `payments` the dollars of Part B covered lines, `evaluated` 1
    if there is an E&M service with an allowed amount above 0. `evaluation_codes` has one column,
    `code`. A line without NPI is nobody's service (I3).
    """
    inside = lines.filter(
        lines.npi.notnull(),
        lines.service_date >= ibis.literal(period.start),
        lines.service_date <= ibis.literal(period.end),
    )
    flagged = inside.left_join(evaluation_codes, inside.hcpcs == evaluation_codes.code)
    billed = flagged.allowed_amount > 0
    nothing = ibis.literal(Decimal("0.00")).cast("decimal(12, 2)")
    paid = flagged[f"{rules.payment_basis}_amount"]
    marked = flagged.select(
        "npi",
        "bene_id",
        seen=billed.cast("int8"),
        allowed=ibis.ifelse(billed, flagged.allowed_amount, nothing),
        payment=ibis.ifelse(flagged.part_b_covered, paid, nothing),
        evaluated=(billed & flagged.code.notnull()).cast("int8"),
    )
    return marked.group_by("npi", "bene_id").agg(
        seen=marked.seen.max(),
        allowed=marked.allowed.sum().cast(DOLLAR_SUM),
        payments=marked.payment.sum().cast(DOLLAR_SUM),
        evaluated=marked.evaluated.max(),
    )


def modelling_set(patients: ir.Table, rules: QpRules) -> ir.Table:
    """Volume of each clinician over the whole year, and whether it is in the model (rule Q3).

    One row per npi: `people` distinct people with an allowed amount above 0, `allowed` dollars,
    `part_b_payments` dollars of covered lines (the incentive's base, rule Q8), `in_model`.
    """
    volume = patients.group_by("npi").agg(
        people=patients.seen.sum().cast("int32"),
        allowed=patients.allowed.sum().cast(DOLLAR_SUM),
        part_b_payments=patients.payments.sum().cast(DOLLAR_SUM),
    )
    limit = ibis.literal(_dollars(rules)).cast(DOLLAR_SUM)
    enough_people = volume.people >= rules.low_volume_benes
    enough_dollars = volume.allowed >= limit
    combined = enough_people | enough_dollars
    if rules.combine == "all":
        combined = enough_people & enough_dollars
    seen = volume.people > 0
    return volume.mutate(in_model=seen & combined).filter(seen | (volume.part_b_payments != 0))


def _dollars(rules: QpRules) -> Decimal:
    limit = rules.low_volume_dollars
    return Decimal(limit.numerator) / Decimal(limit.denominator)


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


def encounters(facility: ir.Table, hospitals: ir.Table, period: Period) -> ir.Table:
    """Who had an inpatient or outpatient claim where in the period (rule Q2; I4: thru date).

    One row per (bene_id, ccn), eligible hospitals only; `hospitals` has one column, `ccn`.
    """
    inside = facility.filter(
        facility.setting.isin(HOSPITAL_SETTINGS),
        facility.thru_date >= ibis.literal(period.start),
        facility.thru_date <= ibis.literal(period.end),
    )
    return inside.semi_join(hospitals, "ccn").select("bene_id", "ccn").distinct()


def hospital_links(attribution: ir.Table, encountered: ir.Table) -> ir.Table:
    """The union of both criteria (rule Q2): one row per (bene_id, ccn).

    `attributed` and `encounter` are 1 or 0; `weight` is 1 with an encounter, else the share.
    """
    shares = attribution.filter(attribution.share > 0)
    zero, one = (ibis.literal(value).cast("int8") for value in (0, 1))
    criteria = ibis.union(
        shares.select("bene_id", "ccn", attributed=one, encounter=zero, weight=shares.share),
        encountered.select(
            "bene_id", "ccn", attributed=zero, encounter=one, weight=ibis.literal(1.0)
        ),
    )
    return criteria.group_by("bene_id", "ccn").agg(
        attributed=criteria.attributed.max(),
        encounter=criteria.encounter.max(),
        weight=criteria.weight.max().cast(SHARE),
    )


def numerators(counted: ir.Table, links: ir.Table, share_weighted: bool) -> ir.Table:
    """Numerators of each clinician at each hospital (rule Q2): one row per (npi, ccn).

    Each beneficiary is in `links` once per hospital, so the union counts nobody twice. With
    `share_weighted` the attributed count with their share where they had no encounter.
    """
    joined = counted.inner_join(links, "bene_id")
    nothing = ibis.literal(Decimal("0.00")).cast(DOLLAR_SUM)
    is_attributed, is_encounter = joined.attributed == 1, joined.encounter == 1
    sums = {
        "benes_encounter": joined.encounter.sum().cast("int32").cast("int64"),
        "payments_encounter": ibis.ifelse(is_encounter, joined.payments, nothing).sum(),
    }
    if share_weighted:
        sums |= {
            "benes_attributed": _weights(ibis.ifelse(is_attributed, joined.weight, 0)),
            "benes_numerator": _weights(joined.weight),
            "payments_numerator": (joined.payments * joined.weight).sum(),
            "payments_attributed": ibis.ifelse(
                is_attributed, joined.payments * joined.weight, nothing
            ).sum(),
        }
    else:
        sums |= {
            "benes_attributed": joined.attributed.sum().cast("int32").cast("int64"),
            "benes_numerator": joined.count(),
            "payments_numerator": joined.payments.sum(),
            "payments_attributed": ibis.ifelse(is_attributed, joined.payments, nothing).sum(),
        }
    grouped = joined.group_by("npi", "ccn").agg(**sums)
    money = [name for name in grouped.columns if name.startswith("payments")]
    return grouped.mutate(**{name: grouped[name].cast(DOLLAR_SUM) for name in money})


def _weights(weight: ir.Value) -> ir.Value:
    """Sum weights exactly; as a number with nine places in the output."""
    return weight.cast(SHARE).sum().cast(WEIGHT_SUM).cast("float64")


def scores(whole: ir.Table, parts: ir.Table, model: ir.Table) -> ir.Table:
    """Threshold scores: one row per (npi, ccn) with a numerator, columns SCORE_COLUMNS.

    `whole` from `denominators`, `parts` from `numerators`, `model` from `modelling_set`. A
    clinician whose patients brought no payments has payment score 0. A correction can make a
    clinician's payments negative for one patient; scores are kept between 0 and 1.
    """
    joined = parts.inner_join(whole, "npi")
    joined = joined.left_join(model.select("npi", "in_model"), "npi")
    patient_score = joined.benes_numerator.cast("float64") / joined.benes.cast("float64")
    rated = joined.mutate(
        in_model=joined.in_model.fill_null(False),
        patient_score=patient_score,
        payment_score=_ratio(cents(joined.payments_numerator), cents(joined.payments)),
    )
    return cast(ir.Table, rated.select(*SCORE_COLUMNS))


def _ratio(part: ir.IntegerValue, whole: ir.IntegerValue) -> ir.FloatingValue:
    raw = part.cast("float64") / whole.cast("float64").nullif(0)
    zero, one = ibis.literal(0.0), ibis.literal(1.0)
    return cast(
        ir.FloatingValue, ibis.ifelse(whole > 0, ibis.least(one, ibis.greatest(zero, raw)), zero)
    )


def cents(dollars: ir.Value) -> ir.IntegerValue:
    """Return exact dollars as integer cents."""
    return cast(ir.IntegerValue, (dollars * ibis.literal(100)).cast("int64"))


def main_specialty(lines: ir.Table) -> ir.Table:
    """The specialty with most of a clinician's allowed dollars: one row per npi.

    Order: allowed high, specialty low. Lines without specialty count only where there is no other.
    """
    billed = lines.filter(lines.npi.notnull(), lines.allowed_amount > 0)
    named = billed.select("npi", "allowed_amount", specialty=billed.specialty.fill_null(""))
    sums = named.group_by("npi", "specialty").agg(allowed=named.allowed_amount.sum())
    order = [(sums.specialty != "").cast("int8").desc(), sums.allowed.desc(), sums.specialty.asc()]
    ranked = sums.mutate(rank=ibis.row_number().over(group_by="npi", order_by=order))
    return ranked.filter(ranked["rank"] == 0).select("npi", "specialty")
