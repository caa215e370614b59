"""QP threshold scores of a run: from its store and attribution to restricted tables (Q1-Q9).

| table | one row per | holds |
|---|---|---|
| qp_patients (internal) | year, npi, bene_id, specialty, span | one pass over lines |
| qp_people, qp_visits (internal) | year, bene_id (ccn), span | the same of months and facilities |
| qp_counts (internal) | year, npi, ccn | the year's counts; no ccn: the whole practice |
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
    PATIENT_SCHEMA,
    PEOPLE_SCHEMA,
    VISIT_SCHEMA,
    qp_clinicians,
    qp_counts,
    qp_patients,
    qp_people,
    qp_scores,
    qp_snapshots,
    qp_specialty,
    qp_visits,
    qp_weighted_counts,
)
from tcoc.deliverables.qp_preliminary.tables_money import (
    FEE_SCHEMA,
    INCENTIVE_SCHEMA,
    MIPS_SCHEMA,
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
    Product("qp_patients", ("year", "npi", "bene_id", "specialty", "span"), qp_patients,
            PATIENT_SCHEMA, internal=True, alone=True),
    Product("qp_people", ("year", "bene_id", "span"), qp_people, PEOPLE_SCHEMA, internal=True,
            alone=True),
    Product("qp_visits", ("year", "bene_id", "ccn", "span"), qp_visits, VISIT_SCHEMA,
            internal=True, alone=True),
    Product("qp_counts", _PAIR, qp_counts, internal=True),
    Product("qp_specialty", ("year", "npi"), qp_specialty, internal=True),
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
    Product("qp_weighted_counts", _PAIR, qp_weighted_counts, internal=True),
    Product("qp_variants", (*_TEST, "variant"), qp_variants,
            {**SUMMARY_SCHEMA, "variant": "string"}),
    Product("qp_routes", ("year", "reading", "partner", "npi"), qp_routes, ROUTES_SCHEMA),
    Product("qp_near_threshold", ("year", "test", "npi"), qp_near_threshold, NEAR_SCHEMA, csv=True),
    Product("qp_incentive", ("year", "base_reading", "partner", "kind", "group"), qp_incentive,
            INCENTIVE_SCHEMA),
    Product("qp_fee_schedule", ("year", "payment_year"), qp_fee_schedule, FEE_SCHEMA),
    Product("qp_mips", ("year",), qp_mips, MIPS_SCHEMA),
)  # fmt: skip
