"""What the data intake's checks are called, in the order in which a reader meets them."""

from tcoc.rules import intake
from tcoc.rules.intake import AMBER, GREEN, GREY, RED

LIGHT_WORDS = {RED: "✖ red", AMBER: "▲ amber", GREEN: "✔ green", GREY: "– too little to check"}
"""A light is a word and a sign of its own, never a color alone."""

SUBJECTS = {
    "import": {
        "quarantined": "Rows in quarantine",
        "unreconciled": "Dollars unexplained from file to store",
    },
    "completeness": {
        "short_run_out": "Run-out too short without a factor",
        "completion_gap": "Implied completion against the factor",
    },
    "change": {
        "change_rows": "Change of rows",
        "change_people": "Change of people",
        "change_dollars": "Change of dollars",
    },
    "enrollment": {
        "people_without_month": "People with claims, without enrollment",
        "claims_without_month": "Claims in a month without enrollment",
        "month_gaps": "People with a gap in their months",
        "months_after_death": "Months after death",
        "paid_in_managed_care": "Payments in managed care",
        "zip_not_in_state": "Residents' ZIP not in Maryland",
    },
    "codes": {
        "unknown_specialty": "Unknown specialty",
        "missing_npi": "No NPI",
        "npi_check_digit": "NPI fails its check digit",
        "repeated_services": "Same service twice",
    },
    "payments": {
        "payments_after_death": "Payments after death",
        "overlapping_stays": "Overlapping inpatient stays",
        "negative_amounts": "Negative payments",
        "outliers": "Very large payments",
    },
}
"""Subject -> its checks -> what each is called."""

CHECK_NAMES = {name: said for checks in SUBJECTS.values() for name, said in checks.items()}
SUBJECT_OF = {name: subject for subject, checks in SUBJECTS.items() for name in checks}

PARTS = (
    intake.ALL_CLAIMS,
    "professional",
    "inpatient",
    "outpatient",
    "snf",
    "hha",
    "hospice",
    "dme",
    intake.MEMBER_MONTH,
)
"""Kinds of rows in the order of the tables."""
