"""The three stages in their order, each with the beneficiaries who are left: rules A1 and A11."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.params import AttributionPolicy
from tcoc.params.attribution import WindowForm
from tcoc.reference import Reference
from tcoc.rules.attribution import PERSON, aco_like, geographic, mdpcp_like
from tcoc.rules.attribution.shares import Weight
from tcoc.rules.attribution.use import WindowUse
from tcoc.store.connection import Connection
from tcoc.store.schema import DOLLAR_SUM

ATTRIBUTION = {
    "year": "int32",
    "bene_id": "string",
    "ccn": "string",
    "stage": "string",
    "step": "int32",
    "aco_id": "string",
    "npi": "string",
    "share": "float64",
    "eligible_months": "int32",
    "rule": "string",
    "amount": DOLLAR_SUM,
    "visits": "int32",
    "last_service_date": "date",
    "runner_up": "string",
    "flags": "string",
}
"""The attribution table: one row per year, bene_id and ccn."""


@dataclass(frozen=True)
class AttributionRules:
    """The stages' parameters (rules A0, A3, A7, A8, A9)."""

    window: WindowForm
    aco_like_measure: str
    mdpcp_like_measure: str
    primary_care_share: float
    link: mdpcp_like.LinkRules
    drive: geographic.DriveRules

    @classmethod
    def from_policy(cls, policy: AttributionPolicy) -> "AttributionRules":
        """Read the parameters from the policy files, with the run's options laid over."""
        sticky = policy.panel_link == "sticky"
        return cls(
            policy.window,
            policy.aco_like_measure,
            policy.mdpcp_like_measure,
            policy.primary_care_share,
            mdpcp_like.LinkRules(
                policy.hospital_use,
                policy.minimum_panel,
                policy.sticky_margin if sticky else None,
            ),
            geographic.DriveRules(policy.drive_minutes, policy.road_factor, policy.road_speed),
        )

    @property
    def year_by_year(self) -> bool:
        """Whether a year's attribution rests on that of the year before (rule A8, sticky)."""
        return self.link.sticky_margin is not None


def attribute(
    years: Sequence[int],
    people: ir.Table,
    use: WindowUse,
    reference: Reference,
    centroids: geographic.Centroids,
    rules: AttributionRules,
    engine: Connection,
    before: ir.Table | None = None,
) -> ir.Table:
    """Attribute every eligible beneficiary of some years to hospitals (rules A1 to A9, A11).

    `people` has a row per (year, bene_id); `use` has the primary care of those only, the rest of
    everybody in the year's window. Each year stands for itself: they are computed together because
    a query for all of them costs less than one for each. Under sticky panels they do not: then it
    is one year at a time, and `before` is the result of the year before, if there is one.
    One row per (year, bene_id, ccn) as ATTRIBUTION says; a beneficiary's shares of a year sum to 1.

    1. ACO-like: collection, clinician, hospitals.
    2. MDPCP-like, for who is left: clinician, the hospital of the clinician's panel.
    3. Geographic, for who is left: hospitals of the home ZIP.
    """
    with engine.step("primary care by collection"):
        practitioners = reference.tables["aco_practitioners"]
        listed = engine.load(aco_like.roster(practitioners), aco_like.ROSTER)
        services = engine.keep(aco_like.in_collections(use.primary_care, listed))
    with engine.step("ACO-like stage"):
        in_aco = engine.keep(aco_like.choose_collection(services, rules.aco_like_measure))
        aco_rows = _aco_stage(years, services, in_aco, use, reference, rules, engine)
    with engine.step("MDPCP-like stage"):
        left = services.anti_join(in_aco, PERSON)
        passing = mdpcp_like.primary_care_clinicians(use.own_services, rules.primary_care_share)
        panel = engine.keep(mdpcp_like.choose_clinician(left, passing, rules.mdpcp_like_measure))
        mdpcp_rows = engine.keep(_mdpcp_stage(panel, use, rules, before))
    with engine.step("geographic stage"):
        rest = engine.keep(people.anti_join(in_aco, PERSON).anti_join(mdpcp_rows, PERSON))
        geo_rows = _geographic_stage(
            years, rest, people, use.hospitals, reference, centroids, rules, engine
        )
    # the clinicians of the ACO-like stage are chosen here, where they are used once
    with engine.step("ACO clinicians and the stages together"):
        result = engine.keep(_with_person(people, [aco_rows, mdpcp_rows, geo_rows]))
    engine.drop(services, in_aco, panel, mdpcp_rows, rest)
    return result


RELINKED = ("year", "bene_id", "ccn", "stage", "npi", "share")
"""The columns of `relinked`, of the same meaning as in ATTRIBUTION."""


def relinked(
    years: Sequence[int],
    people: ir.Table,
    found: ir.Table,
    hospitals: ir.Table,
    reference: Reference,
    centroids: geographic.Centroids,
    rules: AttributionRules,
    engine: Connection,
    before: ir.Table | None = None,
) -> ir.Table:
    """Link the panels of a finished attribution anew: who is where under other links (rule A8).

    `found` has rows of ATTRIBUTION, `people` one per (year, bene_id), `hospitals` their use in the
    windows; `before` is the result of the year before, as `attribute` takes it. No claim of a
    clinician is read again, because nothing before the link depends on it: the rows are those
    that `attribute` would give. Panels that `found` left out as too small stay out.
    """
    aco_rows = found.filter(found.stage == "aco_like")
    panel = found.filter(found.stage == "mdpcp_like")
    linked = _panel_links(panel, hospitals, rules, before)
    mdpcp_rows = engine.keep(panel.drop("ccn").join(linked, ["year", "npi"]))
    rest = engine.keep(people.anti_join(aco_rows, PERSON).anti_join(mdpcp_rows, PERSON))
    geo_rows = _geographic_stage(
        years, rest, people, hospitals, reference, centroids, rules, engine
    )
    result = engine.keep(
        ibis.union(*(of.select(*RELINKED) for of in (aco_rows, mdpcp_rows, geo_rows)))
    )
    engine.drop(mdpcp_rows, rest)
    return result


_STAGE_COLUMNS = (
    "year",
    "bene_id",
    "ccn",
    "stage",
    "step",
    "aco_id",
    "npi",
    "share",
    "rule",
    "amount",
    "visits",
    "last_service_date",
    "runner_up",
    "stage_flags",
)


def _aco_stage(
    years: Sequence[int],
    services: ir.Table,
    in_aco: ir.Table,
    use: WindowUse,
    reference: Reference,
    rules: AttributionRules,
    engine: Connection,
) -> ir.Table:
    payments = hospital_payments(use.hospitals, engine)
    links = [
        aco_like.link_hospitals(
            reference.tables["aco_practitioners"],
            reference.tables["aco_hospitals"],
            payments.get(year, {}),
        ).assign(year=year)
        for year in years
    ]
    linked = engine.load(pd.concat(links), {"year": "int32", **aco_like.LINKS})
    people = aco_like.choose_clinician(services, in_aco, rules.aco_like_measure)
    joined = people.join(linked, ["year", ("npi", "listed_npi")])
    return _stage_rows(joined, stage="aco_like", rule="A5", aco_id=joined.aco_id)


def hospital_payments(hospitals: ir.Table, engine: Connection) -> dict[int, dict[str, Weight]]:
    """Inpatient and outpatient payments in a year's window, by year and hospital (rule A5)."""
    sums = hospitals.group_by("year", "ccn").agg(paid=hospitals.paid.sum().cast(DOLLAR_SUM))
    found = engine.fetch(sums, ["year", "ccn"])
    payments: dict[int, dict[str, Weight]] = {}
    for year, ccn, paid in zip(found["year"], found["ccn"], found["paid"], strict=True):
        payments.setdefault(int(year), {})[ccn] = Decimal(paid)
    return payments


def _mdpcp_stage(
    panel: ir.Table, use: WindowUse, rules: AttributionRules, before: ir.Table | None
) -> ir.Table:
    linked = _panel_links(panel, use.hospitals, rules, before)
    joined = panel.join(linked, ["year", "npi"])
    joined = joined.mutate(share=ibis.literal(1.0), stage_flags=ibis.literal(""))
    return _stage_rows(joined, stage="mdpcp_like", rule="A8", aco_id=_null("string"))


def _panel_links(
    panel: ir.Table, hospitals: ir.Table, rules: AttributionRules, before: ir.Table | None
) -> ir.Table:
    links = None
    if before is not None:
        links = before.filter(before.stage == "mdpcp_like").select("npi", "ccn").distinct()
    return mdpcp_like.panel_hospitals(panel, hospitals, rules.link, links)


def _stage_rows(joined: ir.Table, stage: str, rule: str, aco_id: ir.Value) -> ir.Table:
    return cast(
        ir.Table,
        joined.select(
            "year",
            "bene_id",
            "ccn",
            "npi",
            "step",
            "share",
            "visits",
            "runner_up",
            "stage_flags",
            stage=ibis.literal(stage),
            aco_id=aco_id,
            rule=ibis.literal(rule),
            amount=joined.allowed,
            last_service_date=joined.last_date,
        ).select(*_STAGE_COLUMNS),
    )


def _null(kind: str) -> ir.Value:
    return cast(ir.Value, ibis.null(kind))


def _geographic_stage(
    years: Sequence[int],
    rest: ir.Table,
    people: ir.Table,
    hospitals: ir.Table,
    reference: Reference,
    centroids: geographic.Centroids,
    rules: AttributionRules,
    engine: Connection,
) -> ir.Table:
    sums = rest.group_by("year", "zip").agg(people=rest.count().cast("int32"))
    counted = engine.fetch(sums, ["year", "zip"])
    needed = geographic.needs_payments(set(counted["zip"]), reference)
    payments = zip_payments(people, hospitals, needed, engine)
    known = geographic.geography(reference, centroids, {})
    splits = []
    for year in years:
        homes = counted[counted["year"] == year]
        by_zip = {z: int(n) for z, n in zip(homes["zip"], homes["people"], strict=True)}
        mine = replace(known, payments=payments.get(year, {}))
        splits.append(geographic.split_zips(by_zip, mine, rules.drive).assign(year=year))
    shares = engine.load(pd.concat(splits), {"year": "int32", **geographic.SHARES})
    joined = rest.join(shares, ["year", "zip"])
    return cast(
        ir.Table,
        joined.select(
            "year",
            "bene_id",
            "ccn",
            "share",
            "stage_flags",
            stage=ibis.literal("geographic"),
            step=_null("int32"),
            aco_id=_null("string"),
            npi=_null("string"),
            rule=ibis.literal("A9"),
            amount=_null(DOLLAR_SUM),
            visits=_null("int32"),
            last_service_date=_null("date"),
            runner_up=_null("string"),
        ).select(*_STAGE_COLUMNS),
    )


def zip_payments(
    people: ir.Table, hospitals: ir.Table, zips: list[str], engine: Connection
) -> dict[int, dict[str, dict[str, Weight]]]:
    """Payments in a year's window by year, ZIP and hospital, of its eligible people there (A9)."""
    if not zips:
        return {}
    homes = people.filter(people.zip.isin(zips)).select(*PERSON, "zip")
    joined = homes.join(hospitals, PERSON)
    sums = joined.group_by("year", "zip", "ccn").agg(paid=joined.paid.sum().cast(DOLLAR_SUM))
    found = engine.fetch(sums, ["year", "zip", "ccn"])
    payments: dict[int, dict[str, dict[str, Weight]]] = {}
    rows = (found[name] for name in ("year", "zip", "ccn", "paid"))
    for year, zip_code, ccn, paid in zip(*rows, strict=True):
        payments.setdefault(int(year), {}).setdefault(zip_code, {})[ccn] = Decimal(paid)
    return payments


def _with_person(people: ir.Table, stages: list[ir.Table]) -> ir.Table:
    """Put the stages together and add the person's own months and flags."""
    rows = ibis.union(*stages)
    joined = rows.join(people.select(*PERSON, "eligible_months", "sex"), PERSON)
    unknown_sex = joined.sex == "U"
    separator = ibis.ifelse(unknown_sex & (joined.stage_flags != ""), ";", "")
    flags = joined.stage_flags + separator + ibis.ifelse(unknown_sex, "sex_unknown", "")
    full = joined.mutate(flags=flags)
    return cast(
        ir.Table,
        full.select(**{name: full[name].cast(kind) for name, kind in ATTRIBUTION.items()}),
    )
