"""The MDPCP-like stage: beneficiary to clinician, clinician's panel to hospital (rules A7, A8)."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class LinkRules:
    """How a clinician's panel is linked to a hospital (rule A8)."""

    hospital_use: str = "payments"
    minimum_panel: int = 0
    sticky_margin: float | None = None
    """By how much another hospital must exceed last year's; None where each year stands alone."""


PANELS = {
    "year": "int32",
    "npi": "string",
    "ccn": "string",
    "paid": DOLLAR_SUM,
    "visits": "int32",
    "claims": "int32",
    "size": "int32",
}
"""The columns of `panel_use` and their types."""


def panel_use(choices: ir.Table, hospital_use: ir.Table) -> ir.Table:
    """What each clinician's panel used at each hospital, whatever the link (rule A8).

    Panels are those of the MDPCP-like stage. One row per (year, npi, ccn) with paid, visits and
    claims, and the panel's size in people.
    """
    panel = choices.filter(choices.stage == "mdpcp_like")
    joined = panel.select(*PERSON, "npi").join(hospital_use, PERSON)
    sums = joined.group_by("year", "npi", "ccn").agg(
        paid=joined.paid.sum().cast(DOLLAR_SUM),
        visits=joined.visits.sum().cast("int32"),
        claims=joined.claims.sum().cast("int32"),
    )
    sizes = panel.group_by("year", "npi").agg(size=panel.count().cast("int32"))
    return cast(ir.Table, sums.join(sizes, ["year", "npi"]).select(*PANELS))


def panel_hospitals(panels: ir.Table, rules: LinkRules, before: ir.Table | None = None) -> ir.Table:
    """The hospital of each clinician's panel (rule A8): one row per (year, npi) with any.

    `panels` are those of `panel_use`. Use is payments or visits, above zero. Order: use high,
    claims high, CCN low. A panel with fewer people than `minimum_panel` has none. `before` (npi,
    ccn) are the links of the year before; under a sticky margin they stay unless another hospital's
    use exceeds theirs by the margin.
    """
    large = panels.filter(panels.size >= rules.minimum_panel)
    amount = large.paid if rules.hospital_use == "payments" else large.visits.cast(DOLLAR_SUM)
    used = large.mutate(use=amount).filter(amount > 0)
    rank = ibis.struct({"use": -used.use, "claims": -used.claims, "ccn": used.ccn})
    best = used.group_by("year", "npi").agg(best=rank.min(), most=used.use.max())
    links = best.select("year", "npi", "most", ccn=best.best["ccn"])
    if before is None or rules.sticky_margin is None:
        return cast(ir.Table, links.select("year", "npi", "ccn"))
    return _sticky(links, used, before, rules.sticky_margin)


def _sticky(links: ir.Table, used: ir.Table, before: ir.Table, margin: float) -> ir.Table:
    """Keep last year's hospital unless the largest use exceeds its use by more than the margin.

    Compared exactly, as whole numbers times cents: 10 x largest <= 11 x last year's for 0.1.
    """
    most_allowed = 1 + Fraction(str(margin))
    old = before.select(old_npi="npi", old_ccn="ccn")
    kept = used.join(old, (used.npi == old.old_npi) & (used.ccn == old.old_ccn))
    kept = kept.select(kept_npi="npi", kept_ccn="ccn", kept_use="use")
    joined = links.left_join(kept, links.npi == kept.kept_npi)
    largest = joined.most * ibis.literal(most_allowed.denominator, type="int32")
    allowed = joined.kept_use * ibis.literal(most_allowed.numerator, type="int32")
    stays = joined.kept_npi.notnull() & (largest <= allowed)
    return cast(
        ir.Table,
        joined.select("year", "npi", ccn=ibis.ifelse(stays, joined.kept_ccn, joined.ccn)),
    )
