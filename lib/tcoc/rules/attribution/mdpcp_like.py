"""The MDPCP-like stage: beneficiary to clinician, clinician's panel to hospital (rules A7, A8)."""

from fractions import Fraction
from typing import cast

import ibis
import ibis.expr.types as ir

from tcoc.rules.attribution import PERSON
from tcoc.rules.attribution.aco_like import first_and_next
from tcoc.store.schema import DOLLAR_SUM


def primary_care_clinicians(own: ir.Table, share: float) -> ir.Table:
    """Clinicians whose primary care is at least a share of their own allowed amount (rule A7).

    One row per (year, npi) that passes.
    Compared exactly, as whole numbers times cents: 100 x primary >= 60 x all for 0.6.
    """
    exact = Fraction(str(share))
    primary = own.primary_care * ibis.literal(exact.denominator, type="int32")
    least = own.all_lines * ibis.literal(exact.numerator, type="int32")
    return cast(
        ir.Table, own.filter(primary >= least).select(passing_year="year", passing_npi="npi")
    )


def choose_clinician(use: ir.Table, passing: ir.Table, measure: str) -> ir.Table:
    """Each beneficiary's clinician, with step, evidence and runner-up (rule A7).

    Candidates: clinicians of step 1 who pass; if none, all of step 2. Order: visits high, last date
    late, allowed high, NPI low. One row per (year, bene_id) that has a candidate.
    """
    joined = use.left_join(
        passing, (use.npi == passing.passing_npi) & (use.year == passing.passing_year)
    )
    candidates = joined.filter((joined.step == 2) | joined.passing_npi.notnull()).select(
        *use.columns
    )
    first_step = candidates.group_by(*PERSON).agg(step=candidates.step.min())
    of_step = candidates.semi_join(first_step, [*PERSON, "step"])
    keys = (
        ("visits", "last_date", "allowed")
        if measure == "visits"
        else ("allowed", "visits", "last_date")
    )
    return first_and_next(of_step, [*(ibis.desc(key) for key in keys), ibis.asc("npi")])


def panel_hospitals(panel: ir.Table, hospital_use: ir.Table, measure: str) -> ir.Table:
    """The hospital that each clinician's panel uses most (rule A8): one per (year, npi) with any.

    Use is payments or visits, above zero. Order: use high, claims high, CCN low.
    """
    people = panel.select(*PERSON, "npi")
    joined = people.join(hospital_use, PERSON)
    sums = joined.group_by("year", "npi", "ccn").agg(
        use=(joined.paid if measure == "payments" else joined.visits).sum().cast(DOLLAR_SUM),
        claims=joined.claims.sum().cast("int32"),
    )
    used = sums.filter(sums.use > 0)
    rank = ibis.struct({"use": -used.use, "claims": -used.claims, "ccn": used.ccn})
    best = used.group_by("year", "npi").agg(best=rank.min())
    return cast(ir.Table, best.select("year", "npi", ccn=best.best["ccn"]))
