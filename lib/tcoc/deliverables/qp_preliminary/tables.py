"""QP threshold scores of a run: from its store and attribution to restricted tables (Q1-Q9).

| table | one row per | holds |
|---|---|---|
| qp_practices (internal) | year, npi | volume and main specialty, of whomever |
| qp_patients (internal) | year, npi, bene_id | who counts in which periods, and payments |
| qp_visits (internal) | year, bene_id, ccn | the periods with an encounter |
| qp_numerators (internal) | year, npi, ccn | numerators of all periods, both ways of weighing |
| qp_clinicians | year, npi | denominators, volume, in_model, specialty, ACO |
| qp_scores | year, npi, ccn | the contract's scores, then payments by criterion |
| qp_thresholds | test, reading | the thresholds that the run used |
| qp_partners | year, test, reading, partner, npi | clinicians at their partner, what they lack |
| qp_summary | year, test, reading, partner | slide 9's table |
| qp_snapshots | year, snapshot, npi, ccn | scores at each snapshot |
| qp_year_result | year, reading, partner, npi | first snapshot that qualifies, the year's result |
| qp_sensitivity | year, test, reading, unseen_share | share meeting with unseen patients |
| qp_variants | year, test, reading, partner, variant | slide 9's table with shares as weights |
| qp_routes | year, reading, partner, npi | by which method and criterion |
| qp_near_threshold | year, test, npi | who is near, and how many people or dollars away (CSV too) |
| qp_incentive | year, base_reading, partner, kind, group | the incentive by clinician group |
| qp_fee_schedule | year, payment_year | the two fee schedules to the horizon |
| qp_mips | year | clinicians in MIPS, and those who leave it as QPs |
"""

from tcoc.deliverables.qp_preliminary.tables_counts import (
    PRACTICE_SCHEMA,
    qp_clinicians,
    qp_numerators,
    qp_patients,
    qp_practices,
    qp_scores,
    qp_snapshots,
    qp_visits,
)
from tcoc.deliverables.qp_preliminary.tables_money import (
    BASE_SCHEMA,
    FEE_SCHEMA,
    INCENTIVE_SCHEMA,
    MIPS_SCHEMA,
    qp_base_payments,
    qp_fee_schedule,
    qp_incentive,
    qp_mips,
)
from tcoc.deliverables.qp_preliminary.tables_tests import (
    NEAR_SCHEMA,
    PARTNER_SCHEMA,
    ROUTES_SCHEMA,
    SENSITIVITY_SCHEMA,
    SUMMARY_SCHEMA,
    THRESHOLD_SCHEMA,
    YEAR_RESULT_SCHEMA,
    qp_near_threshold,
    qp_partners,
    qp_routes,
    qp_sensitivity,
    qp_summary,
    qp_thresholds,
    qp_variants,
    qp_year_result,
)
from tcoc.study import Product

_PAIR = ("year", "npi", "ccn")
_TEST = ("year", "test", "reading", "partner")

PRODUCTS: tuple[Product, ...] = (
    Product("qp_practices", ("year", "npi"), qp_practices, PRACTICE_SCHEMA, internal=True,
            alone=True),
    Product("qp_patients", ("year", "npi", "bene_id"), qp_patients, internal=True, alone=True),
    Product("qp_visits", ("year", "bene_id", "ccn"), qp_visits, internal=True, alone=True),
    Product("qp_numerators", _PAIR, qp_numerators, internal=True),
    Product("qp_clinicians", ("year", "npi"), qp_clinicians),
    Product("qp_scores", _PAIR, qp_scores),
    Product("qp_thresholds", ("test", "reading"), qp_thresholds, THRESHOLD_SCHEMA),
    Product("qp_partners", (*_TEST, "npi"), qp_partners, PARTNER_SCHEMA),
    Product("qp_summary", _TEST, qp_summary, SUMMARY_SCHEMA),
    Product("qp_snapshots", ("year", "snapshot", "npi", "ccn"), qp_snapshots),
    Product("qp_year_result", ("year", "reading", "partner", "npi"), qp_year_result,
            YEAR_RESULT_SCHEMA),
    Product("qp_sensitivity", ("year", "test", "reading", "unseen_share"), qp_sensitivity,
            SENSITIVITY_SCHEMA),
    Product("qp_variants", (*_TEST, "variant"), qp_variants,
            {**SUMMARY_SCHEMA, "variant": "string"}),
    Product("qp_routes", ("year", "reading", "partner", "npi"), qp_routes, ROUTES_SCHEMA),
    Product("qp_near_threshold", ("year", "test", "npi"), qp_near_threshold, NEAR_SCHEMA, csv=True),
    Product("qp_base_payments", ("year", "npi"), qp_base_payments, BASE_SCHEMA, internal=True,
            alone=True),
    Product("qp_incentive", ("year", "base_reading", "partner", "kind", "group"), qp_incentive,
            INCENTIVE_SCHEMA),
    Product("qp_fee_schedule", ("year", "payment_year"), qp_fee_schedule, FEE_SCHEMA),
    Product("qp_mips", ("year",), qp_mips, MIPS_SCHEMA),
)  # fmt: skip
