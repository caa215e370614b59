"""From claims to counts: patients and payments of clinicians, whole and at hospitals (Q1-Q3).

Everything here is an Ibis expression with exact sums, so that neither the engine nor the number
of threads can change a result. What counts is counted for all periods of a year in one pass, with
a bit or a column for each (`periods`): `evaluated_patients` and `practices` read professional
lines, `encounters` facility claims and `eligible_periods` months; all else works on what these
return.
"""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.rules.population import every_bit
from tcoc.rules.qp.periods import Period, bits_of, has_bit, period_bits
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

CRITERIA = ("attributed", "encounter", "numerator")
"""By what people are in a numerator: either criterion alone, and their union (rule Q2)."""


def eligible_periods(
    eligible_months: ir.Table, beneficiary: ir.Table, periods: Sequence[Period], rules: QpRules
) -> ir.Table:
    """In which periods each beneficiary has an eligible month and is old enough (rule Q1).

    `eligible_months` holds the months of rule P1 as (bene_id, month); a month lies in a period when
    any of its days does. One row per bene_id with `periods`, a bit for each.
    """
    months = eligible_months.select(
        "bene_id", bits=period_bits(eligible_months.month, [p.by_month for p in periods])
    )
    inside = months.group_by("bene_id").agg(inside=every_bit(months.bits))
    joined = inside.inner_join(beneficiary.select("bene_id", "birth_date"), "bene_id")
    adult = bits_of(
        joined.birth_date <= ibis.literal(latest_birth_date(rules.minimum_age, age_day(rules, p)))
        for p in periods
    )
    return joined.select("bene_id", periods=joined.inside & adult)


# ---------------------------------------------------------------- what clinicians bill


def _marked(lines: ir.Table, codes: ir.Table, all_covered: bool, rules: QpRules) -> ir.Table:
    """Mark lines with an NPI by what they count for (Q1); one without is nobody's service (I3).

    `codes` has code, evaluation and covered (`service_codes`); with `all_covered` a line needs no
    code to be covered. `payment` are the dollars of covered professional services that Part B
    covers, `other` those of its other lines, `allowed` the allowed dollars above 0; `evaluated`
    marks an E&M service with an allowed amount above 0. A line without specialty has "".
    """
    own = lines.filter(lines.npi.notnull())
    flagged = own.left_join(codes, own.hcpcs == codes.code)
    billed = flagged.allowed_amount > 0
    nothing = ibis.literal(Decimal("0.00")).cast("decimal(12, 2)")
    paid = flagged[f"{rules.payment_basis}_amount"]
    covered = ibis.literal(True) if all_covered else flagged.covered.fill_null(0) == 1
    return flagged.select(
        "npi",
        "bene_id",
        "service_date",
        specialty=flagged.specialty.fill_null(""),
        billed=billed.cast("int8"),
        allowed=ibis.ifelse(billed, flagged.allowed_amount, nothing),
        payment=ibis.ifelse(flagged.part_b_covered & covered, paid, nothing),
        other=ibis.ifelse(flagged.part_b_covered & ~covered, paid, nothing),
        evaluated=(billed & (flagged.evaluation.fill_null(0) == 1)),
    )


def evaluated_patients(
    lines: ir.Table, codes: ir.Table, all_covered: bool, periods: Sequence[Period], rules: QpRules
) -> ir.Table:
    """Each clinician's patients with an E&M service, whoever they are (rule Q1).

    One row per (npi, bene_id): `evaluated` has the bit of each period with such a service,
    `cents_N` are the covered payments of period N, whatever the service (`_marked`).
    """
    marked = _marked(lines, codes, all_covered, rules)
    dated = marked.select(
        "npi",
        "bene_id",
        "evaluated",
        periods=period_bits(marked.service_date, periods),
        cents=cents(marked.payment).cast("float64"),
    )
    timed = dated.select(
        "npi",
        "bene_id",
        evaluated=ibis.ifelse(dated.evaluated, dated.periods, 0),
        **{f"cents_{n}": ibis.ifelse(has_bit(dated.periods, n), dated.cents, 0.0)
           for n in range(len(periods))},
    )  # fmt: skip
    patients = timed.group_by("npi", "bene_id").agg(
        evaluated=every_bit(timed.evaluated),
        **{f"cents_{n}": _sum(timed[f"cents_{n}"]) for n in range(len(periods))},
    )
    return patients.filter(patients.evaluated > 0)


def _sum(numbers: ir.NumericValue) -> ir.IntegerValue:
    """Sum of whole numbers, exact up to 9e15: in float64, which no engine widens to 128 bits."""
    return cast(ir.IntegerValue, numbers.cast("float64").sum().cast("int64"))


def denominator_patients(patients: ir.Table, people: ir.Table, periods: int) -> ir.Table:
    """Pairs that count: eligible people with an E&M service by the clinician (rule Q1).

    `patients` from `evaluated_patients`, `people` from `eligible_periods`. One row per (npi,
    bene_id): `periods` has the bit of each period in which the pair counts, `cents_N` are all its
    covered payments in period N, whatever the month and the service, and 0 where it does not count.
    """
    joined = patients.inner_join(people, "bene_id")
    both = joined.mutate(periods=joined.evaluated & joined.periods)
    counted = both.filter(both.periods > 0)
    names = [f"cents_{n}" for n in range(periods)]
    own = {
        name: ibis.ifelse(has_bit(counted.periods, n), counted[name], 0)
        for n, name in enumerate(names)
    }
    return counted.select("npi", "bene_id", "periods", **own)


def denominators(counted: ir.Table, number: int) -> ir.Table:
    """Denominators of each clinician in a period (rule Q1): npi, `benes` and `payments`."""
    inside = counted.filter(has_bit(counted.periods, number))
    sums = inside.group_by("npi").agg(benes=inside.count(), cents=_sum(inside[f"cents_{number}"]))
    return sums.select("npi", "benes", payments=_dollars(sums.cents))


def _dollars(cents: ir.IntegerValue) -> ir.DecimalValue:
    """Return integer cents as dollars, exact up to 4e15 cents."""
    return cast(ir.DecimalValue, (cents / 100).cast(DOLLAR_SUM))


def practices(lines: ir.Table, codes: ir.Table, all_covered: bool, rules: QpRules) -> ir.Table:
    """What each clinician bills in a year, for whomever (rule Q3): one row per npi.

    `people` distinct people with an allowed amount above 0, `allowed` dollars, `part_b_payments`
    dollars of covered services (the incentive's base, rule Q8), `other_payments` those of all other
    Part B lines, `specialty` the one with most allowed dollars, "" if none.
    """
    marked = _marked(lines, codes, all_covered, rules)
    sums = marked.group_by("npi", "specialty").agg(
        billed=marked.billed.max(),
        allowed=marked.allowed.sum().cast(DOLLAR_SUM),
        payments=marked.payment.sum().cast(DOLLAR_SUM),
        other=marked.other.sum().cast(DOLLAR_SUM),
    )
    # lines without specialty count only where there is no other
    order = [
        sums.billed.desc(),
        (sums.specialty != "").cast("int8").desc(),
        sums.allowed.desc(),
        sums.specialty.asc(),
    ]
    ranked = sums.mutate(rank=ibis.row_number().over(group_by="npi", order_by=order))
    first = (ranked["rank"] == 0) & (ranked.billed == 1)
    whole = ranked.group_by("npi").agg(
        allowed=ranked.allowed.sum().cast(DOLLAR_SUM),
        part_b_payments=ranked.payments.sum().cast(DOLLAR_SUM),
        other_payments=ranked.other.sum().cast(DOLLAR_SUM),
        specialty=ibis.ifelse(first, ranked.specialty, "").max(),
    )
    seen = lines.filter(lines.npi.notnull(), lines.allowed_amount > 0)
    pairs = seen.select(person_npi="npi", bene_id="bene_id").distinct()
    people = pairs.group_by("person_npi").agg(people=pairs.count())
    joined = whole.left_join(people, whole.npi == people.person_npi)
    return joined.select(
        "npi",
        "allowed",
        "part_b_payments",
        "other_payments",
        "specialty",
        people=joined.people.fill_null(0),
    )


def modelling_set(practices: ir.Table, rules: QpRules) -> ir.Table:
    """Clinicians of a year with `in_model`: whether the volume is enough (rule Q3).

    Who has neither a patient with an allowed amount nor a payment is left out.
    """
    limit = ibis.literal(_limit(rules)).cast(DOLLAR_SUM)
    enough_people = practices.people >= rules.low_volume_benes
    enough_dollars = practices.allowed >= limit
    combined = enough_people | enough_dollars
    if rules.combine == "all":
        combined = enough_people & enough_dollars
    seen = practices.people > 0
    return practices.mutate(in_model=seen & combined).filter(
        seen | (practices.part_b_payments != 0) | (practices.other_payments != 0)
    )


def _limit(rules: QpRules) -> Decimal:
    limit = rules.low_volume_dollars
    return Decimal(limit.numerator) / Decimal(limit.denominator)


def covered_payments(lines: ir.Table, codes: ir.Table, all_covered: bool, basis: str) -> ir.Table:
    """Payments of each clinician for covered professional services (rule Q8): npi, payments."""
    own = lines.filter(lines.npi.notnull(), lines.part_b_covered)
    if not all_covered:
        own = own.semi_join(codes.filter(codes.covered == 1), own.hcpcs == codes.code)
    return own.group_by("npi").agg(payments=own[f"{basis}_amount"].sum().cast(DOLLAR_SUM))


# ---------------------------------------------------------------- hospitals


def encounters(facility: ir.Table, hospitals: ir.Table, periods: Sequence[Period]) -> ir.Table:
    """Who had an inpatient or outpatient claim where, and in which periods (Q2; I4: thru date).

    One row per (bene_id, ccn), eligible hospitals only, with `periods`, a bit for each; `hospitals`
    has one column, `ccn`.
    """
    visits = facility.filter(facility.setting.isin(HOSPITAL_SETTINGS)).semi_join(hospitals, "ccn")
    timed = visits.select("bene_id", "ccn", bits=period_bits(visits.thru_date, periods))
    found = timed.group_by("bene_id", "ccn").agg(periods=every_bit(timed.bits))
    return found.filter(found.periods > 0)


def hospital_links(attribution: ir.Table, encountered: ir.Table) -> ir.Table:
    """The union of both criteria (rule Q2): one row per (bene_id, ccn).

    `share` is the attributed share in billionths, 0 without attribution; `encounters` has the bit
    of each period with an encounter.
    """
    shares = attribution.filter(attribution.share > 0)
    billionths = (shares.share * BILLION).round().cast("int64")
    criteria = ibis.union(
        shares.select(
            "bene_id", "ccn", attributed=ONE, share=billionths, encounters=ibis.literal(0, "int32")
        ),
        encountered.select(
            "bene_id",
            "ccn",
            attributed=ZERO,
            share=ibis.literal(0, "int64"),
            encounters=encountered.periods,
        ),
    )
    return criteria.group_by("bene_id", "ccn").agg(
        attributed=criteria.attributed.max(),
        share=criteria.share.max(),
        encounters=criteria.encounters.max(),
    )


ZERO, ONE = (ibis.literal(value, "int8") for value in (0, 1))


def numerators(
    counted: ir.Table, links: ir.Table, periods: int, weighted: Collection[int]
) -> ir.Table:
    """Numerators of each clinician at each hospital, of all periods (rule Q2).

    One row per (npi, ccn). Of period N, by criterion (CRITERIA): `benes_N_*` people and `cents_N_*`
    their payments; of the periods in `weighted` also `shares_N_*` and `share_cents_N_*`, which
    count the attributed with their share and whole where they had an encounter, in billionths of a
    person and of a cent. Each beneficiary is in `links` once per hospital, so the union counts
    nobody twice. `numerators_of` makes dollars and people of it.
    """
    joined = counted.inner_join(links, "bene_id")
    sums: dict[str, ir.Value] = {}
    for n in range(periods):
        here = has_bit(joined.periods, n)
        by = {
            "attributed": joined.attributed == 1,
            "encounter": has_bit(joined.encounters, n),
        }
        by["numerator"] = by["attributed"] | by["encounter"]
        for name, linked in by.items():
            sums[f"benes_{n}_{name}"] = _sum((here & linked).cast("int8"))
            sums[f"cents_{n}_{name}"] = _sum(ibis.ifelse(linked, joined[f"cents_{n}"], 0))
        if n in weighted:
            whole = ibis.ifelse(by["encounter"], ibis.literal(BILLION, "int64"), 0)
            weights = {
                "attributed": joined.share,
                "numerator": ibis.greatest(joined.share, whole),
            }
            for name, weight in weights.items():
                sums[f"shares_{n}_{name}"] = _exact_sum(ibis.ifelse(here, weight, 0))
                sums[f"share_cents_{n}_{name}"] = _exact_sum(weight * joined[f"cents_{n}"])
    return joined.group_by("npi", "ccn").agg(**sums)


def _exact_sum(values: ir.IntegerValue) -> ir.FloatingValue:
    return cast(ir.FloatingValue, values.cast("decimal(38, 0)").sum().cast("float64"))


def numerators_of(
    found: ir.Table, number: int, share_weighted: bool, by: Sequence[str] = ("npi",)
) -> ir.Table:
    """Numerators of one period (rule Q2): one row per (npi, ccn) with anybody in the union.

    `found` from `numerators`. People and payments of the union and of each criterion alone; with
    `share_weighted` the attributed count with their share, rounded once from exact sums.
    """
    own = found.filter(found[f"benes_{number}_numerator"] > 0)
    people = {name: own[f"benes_{number}_{name}"] for name in CRITERIA}
    money = {name: _dollars(own[f"cents_{number}_{name}"]) for name in CRITERIA}
    if share_weighted:
        for name in ("attributed", "numerator"):
            people[name] = own[f"shares_{number}_{name}"] / BILLION
            shared = (own[f"share_cents_{number}_{name}"] / BILLION).round()
            money[name] = (shared / 100).cast(DOLLAR_SUM)
    columns = {f"benes_{name}": value for name, value in people.items()}
    columns |= {f"payments_{name}": value for name, value in money.items()}
    return own.select(*by, "ccn", **columns)


# ---------------------------------------------------------------- scores


def scores(
    whole: ir.Table, parts: ir.Table, model: ir.Table, by: Sequence[str] = ("npi",)
) -> ir.Table:
    """Threshold scores: one row per (npi, ccn) with a numerator, columns SCORE_COLUMNS.

    `by` are the columns that all three tables share: the clinician, and the year if there is one.
    `whole` from `denominators`, `parts` from `numerators_of`, `model` from `modelling_set`. A
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
