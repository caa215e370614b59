"""What qualifying is worth: the incentive, the fee schedule's updates, MIPS (rule Q8)."""

import ibis
import pandas as pd

from tcoc.deliverables.qp_preliminary.tables_counts import all_covered, codes, qp_years
from tcoc.deliverables.qp_preliminary.tables_tests import clinician_frame, together
from tcoc.params import QpPolicy
from tcoc.reference.specialties import specialty_groups
from tcoc.rules.qp import counts, money
from tcoc.rules.qp.rules import exact, qp_rules, test_in_force
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Study


def with_specialty_group(clinicians: pd.DataFrame) -> pd.DataFrame:
    """Add `specialty_group`; a specialty outside the list is "Other"."""
    groups = specialty_groups().set_index("code")["group"]
    return clinicians.assign(specialty_group=clinicians["specialty"].map(groups).fillna("Other"))


def qp_base_payments(study: Study) -> pd.DataFrame:
    """Covered payments of base years that are no QP years, by clinician, in cents (rule Q8).

    Of years that the store has. They hang on claims and codes alone: another attribution leaves
    them as they are.
    """
    asked = QpPolicy.of(study.policy)
    bases = {
        terms.base_year
        for year in qp_years(study)
        if test_in_force(asked, year)
        for terms in money.incentive_years(asked, year)
    }
    parts = [_covered(study, year) for year in sorted(bases - {*qp_years(study)})
             if _has_lines(study, year)]  # fmt: skip
    return together(parts, BASE_SCHEMA)


BASE_SCHEMA = {"year": "int64", "npi": "string", "cents": "int64"}


def _has_lines(study: Study, year: int) -> bool:
    return bool(study.store.files("professional", [year]))


def _covered(study: Study, year: int) -> pd.DataFrame:
    lines = study.store_table("professional", [year])
    basis = qp_rules(study.policy).payment_basis
    table = counts.covered_payments(lines, codes(study), all_covered(study), basis)
    cents = table.select(
        "npi", year=ibis.literal(year, "int64"), cents=counts.cents(table.payments)
    )
    return study.connection.fetch(cents, ["npi"])


def _base_payments(study: Study, year: int) -> pd.DataFrame | None:
    """Covered payments of a base year by clinician, in cents; None where the store lacks it."""
    if year in qp_years(study):
        own = clinician_frame(study)
        own = own[own["year"] == year].rename(columns={"part_b_cents": "base"})
        return own[["npi", "base"]].rename(columns={"base": "cents"})
    if not _has_lines(study, year):
        return None
    bases = study.frame("qp_base_payments")
    return bases[bases["year"] == year]


def qp_incentive(study: Study) -> pd.DataFrame:
    """The incentive of those who meet the law's test in force, by group (rule Q8)."""
    clinicians = with_specialty_group(clinician_frame(study))
    clinicians = clinicians[["year", "npi", "people", "specialty_group"]]
    routes = study.frame("qp_routes")
    met = routes[routes["meets"] & (routes["reading"] == "regulation")]
    groups = met.merge(clinicians, on=["year", "npi"]).assign(all="all").rename(
        columns={"ccn": "hospital"}
    )  # fmt: skip
    parts = [
        money.incentive(own, payments, terms, kind).assign(partner=name)
        for year in qp_years(study)
        if test_in_force(QpPolicy.of(study.policy), year)
        for terms in money.incentive_years(QpPolicy.of(study.policy), year)
        for payments in [_base_payments(study, terms.base_year)]
        for name, own in groups[groups["year"] == year].groupby("partner")
        for kind in money.GROUPS
    ]
    return together(parts, INCENTIVE_SCHEMA)


INCENTIVE_SCHEMA = {
    "year": "int64",
    "base_reading": "string",
    "partner": "string",
    "kind": "string",
    "group": "string",
    "payment_year": "int64",
    "base_year": "int64",
    "rate": "float64",
    "clinicians": "int64",
    "patients": "int64",
    "payments": DOLLAR_SUM,
    "incentive": DOLLAR_SUM,
}


def qp_fee_schedule(study: Study) -> pd.DataFrame:
    """The two fee schedules, and their difference on the qualifying clinicians' payments (Q8)."""
    table = study.frame("qp_incentive", exact=True)
    base = table[
        (table["base_reading"] == "performance_year")
        & (table["partner"] == "best")
        & (table["kind"] == "all")
    ]
    parts = [
        money.fee_schedule(QpPolicy.of(study.policy), int(dollars * 100)).assign(year=year)
        for year, dollars in zip(base["year"], base["payments"], strict=True)
    ]
    return together(parts, FEE_SCHEMA)


FEE_SCHEMA = {
    "year": "int64",
    "payment_year": "int64",
    "qualifying": "float64",
    "other": "float64",
    "difference": "float64",
    "gain": DOLLAR_SUM,
    "gain_to_date": DOLLAR_SUM,
}


def qp_mips(study: Study) -> pd.DataFrame:
    """Clinicians whom MIPS would take in, and those of them who leave it as QPs (rule Q8)."""
    policy = QpPolicy.of(study.policy)
    clinicians, routes = clinician_frame(study), study.frame("qp_routes")
    law = routes[(routes["reading"] == "regulation") & (routes["partner"] == "best")]
    rows = []
    for year in (y for y in qp_years(study) if test_in_force(policy, y)):
        own = clinicians[clinicians["year"] == year]
        met = law.loc[(law["year"] == year) & law["meets"], "npi"]
        people = policy.mips_low_volume_benes(year)
        cents = int(100 * exact(policy.mips_low_volume_dollars(year)))
        rows.append({"year": year, **money.in_mips(own, people, cents, met)})
    return pd.DataFrame(rows, columns=list(MIPS_SCHEMA))


MIPS_SCHEMA = {"year": "int64", "in_mips": "int64", "excluded_as_qp": "int64"}
