"""The three stages in their order, each with the beneficiaries who are left: rules A1 and A11."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.params import AttributionPolicy
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
class ChoiceRules:
    """How a beneficiary's clinician is chosen (rules A3, A4, A7)."""

    aco_like_measure: str
    mdpcp_like_measure: str
    primary_care_share: float

    @classmethod
    def from_policy(cls, policy: AttributionPolicy) -> "ChoiceRules":
        """Read the parameters from the policy files, with the run's options laid over."""
        return cls(policy.aco_like_measure, policy.mdpcp_like_measure, policy.primary_care_share)


@dataclass(frozen=True)
class HospitalRules:
    """How panels and homes are linked to hospitals (rules A8, A9)."""

    link: mdpcp_like.LinkRules
    drive: geographic.DriveRules

    @classmethod
    def from_policy(cls, policy: AttributionPolicy) -> "HospitalRules":
        """Read the parameters from the policy files, with the run's options laid over."""
        sticky = policy.panel_link == "sticky"
        return cls(
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


CHOICES = {
    "year": "int32",
    "bene_id": "string",
    "stage": "string",
    "step": "int32",
    "aco_id": "string",
    "npi": "string",
    "amount": DOLLAR_SUM,
    "visits": "int32",
    "last_service_date": "date",
    "runner_up": "string",
}
"""What `choose` returns: columns of ATTRIBUTION, one row per year and bene_id."""


def attribute(
    years: Sequence[int],
    people: ir.Table,
    use: WindowUse,
    reference: Reference,
    centroids: geographic.Centroids,
    policy: AttributionPolicy,
    engine: Connection,
) -> ir.Table:
    """Attribute every eligible beneficiary of some years to hospitals (rules A1 to A9, A11).

    `people` has a row per (year, bene_id); `use` has the primary care of those only, the rest of
    everybody in the year's window. Each year stands for itself, so no link is sticky here.
    One row per (year, bene_id, ccn) as ATTRIBUTION says; a beneficiary's shares of a year sum to 1.

    1. ACO-like: collection, clinician, hospitals.
    2. MDPCP-like, for who is left: clinician, the hospital of the clinician's panel.
    3. Geographic, for who is left: hospitals of the home ZIP.
    """
    choices = choose(use, reference, ChoiceRules.from_policy(policy), engine).rows
    places, rules = Places(reference, centroids, use.hospitals), HospitalRules.from_policy(policy)
    panels = mdpcp_like.panel_use(choices, use.hospitals)
    return link(years, people, choices, panels, places, rules, engine).rows


@dataclass(frozen=True)
class Found:
    """A result that is not computed yet, and what the engine keeps until it is."""

    rows: ir.Table
    kept: tuple[ir.Table, ...]


def choose(use: WindowUse, reference: Reference, rules: ChoiceRules, engine: Connection) -> Found:
    """Choose each beneficiary's clinician, by the first stage that has one (rules A3, A4, A7).

    All that comes before a hospital is looked at. One row per (year, bene_id) as CHOICES says; who
    has none is left to the geographic stage, and who has one of the second stage may be.
    """
    with engine.step("primary care by collection"):
        practitioners = reference.tables["aco_practitioners"]
        listed = engine.load(aco_like.roster(practitioners), aco_like.ROSTER)
        services = engine.keep(aco_like.in_collections(use.primary_care, listed))
    with engine.step("ACO-like stage"):
        in_aco = engine.keep(aco_like.choose_collection(services, rules.aco_like_measure))
        of_aco = aco_like.choose_clinician(services, in_aco, rules.aco_like_measure)
        chosen = _choice(of_aco, "aco_like", of_aco.aco_id)
    with engine.step("MDPCP-like stage"):
        left = services.anti_join(in_aco, PERSON)
        passing = mdpcp_like.primary_care_clinicians(use.own_services, rules.primary_care_share)
        panel = mdpcp_like.choose_clinician(left, passing, rules.mdpcp_like_measure)
        rest = engine.keep(_choice(panel, "mdpcp_like", _null("string")))
    # the ACO's clinicians are chosen where the rows are used, once
    return Found(ibis.union(chosen, rest), (services, in_aco, rest))


def _choice(clinicians: ir.Table, stage: str, aco_id: ir.Value) -> ir.Table:
    named = clinicians.mutate(
        stage=ibis.literal(stage),
        aco_id=aco_id,
        amount=clinicians.allowed,
        last_service_date=clinicians.last_date,
    )
    return cast(ir.Table, named.select(**{n: named[n].cast(kind) for n, kind in CHOICES.items()}))


@dataclass(frozen=True)
class Places:
    """What links people to hospitals: reference tables, ZIP centroids, use by (year, bene_id, ccn).

    The use is everybody's in each year's window, in one or more rows each.
    """

    reference: Reference
    centroids: geographic.Centroids
    hospitals: ir.Table


def link(
    years: Sequence[int],
    people: ir.Table,
    choices: ir.Table,
    panels: ir.Table,
    places: Places,
    rules: HospitalRules,
    engine: Connection,
    before: ir.Table | None = None,
) -> Found:
    """Link everybody to hospitals: by the clinician chosen, else by home (rules A5, A8, A9).

    `people` has a row per (year, bene_id), `choices` those of CHOICES, `panels` are what their
    panels used (`panel_use`). Years are linked together because a query for all of them costs less
    than one for each. Under sticky panels it is one year at a time, and `before` is the result of
    the year before, if there is one.
    One row per (year, bene_id, ccn) as ATTRIBUTION says.
    """
    in_aco = choices.filter(choices.stage == "aco_like")
    with engine.step("ACO-like stage"):
        aco_rows = _aco_stage(years, in_aco, places, engine)
    with engine.step("MDPCP-like stage"):
        panel = choices.filter(choices.stage == "mdpcp_like")
        links = None
        if before is not None:
            links = before.filter(before.stage == "mdpcp_like").select("npi", "ccn").distinct()
        linked = mdpcp_like.panel_hospitals(panels, rules.link, links)
        mdpcp_rows = engine.keep(_mdpcp_stage(panel, linked))
    with engine.step("geographic stage"):
        rest = engine.keep(people.anti_join(in_aco, PERSON).anti_join(mdpcp_rows, PERSON))
        geo_rows = _at_home(rest, _home_shares(years, rest, people, places, rules, engine))
    rows = _with_person(people, [aco_rows, mdpcp_rows, geo_rows])
    return Found(rows, (mdpcp_rows, rest))


RELINKED = ("year", "bene_id", "ccn", "stage", "npi", "share")
"""The columns of rows in `Relinked`, of the same meaning as in ATTRIBUTION."""


@dataclass(frozen=True)
class Relinked:
    """What other links change of a finished attribution: rows before and after, and the links.

    All rows of a person and year are in both or in none; the links have a row per (year, npi) with
    ccn, of all panels.
    """

    before: ir.Table
    after: ir.Table
    links: ir.Table

    @property
    def tables(self) -> tuple[ir.Table, ir.Table, ir.Table]:
        """What the engine keeps of it."""
        return self.before, self.after, self.links


def relinked(
    years: Sequence[int],
    people: ir.Table,
    found: ir.Table,
    panels: ir.Table,
    places: Places,
    rules: HospitalRules,
    engine: Connection,
    before: ir.Table | None = None,
) -> Relinked:
    """Link the panels of a finished attribution anew: who would be elsewhere (rule A8).

    `found` has rows of ATTRIBUTION, `people` one per (year, bene_id), `panels` are what the panels
    of `found` used (`panel_use`); `before` are the links (npi, ccn) of the year before. No claim of
    a clinician is read again, because nothing before the link depends on it. With the rows that
    change, the attribution is the one that `link` would give. Panels that `found` left out as too
    small stay out.
    """
    panel = found.filter(found.stage == "mdpcp_like")
    links = engine.keep(mdpcp_like.panel_hospitals(panels, rules.link, before))
    other = links.select(link_year="year", link_npi="npi", other="ccn")
    joined = panel.left_join(other, (panel.year == other.link_year) & (panel.npi == other.link_npi))
    moving = engine.keep(
        joined.filter(joined.other.isnull() | (joined.other != joined.ccn)).select(
            *RELINKED, "other"
        )
    )
    after = moving.filter(moving.other.notnull()).mutate(ccn=moving.other).select(*RELINKED)
    old, fallen = moving.select(*RELINKED), moving.filter(moving.other.isnull())
    lost = engine.fetch(fallen.aggregate(people=fallen.count().cast("int32")))["people"].iloc[0]
    if lost:
        gone, home = _homeward(years, people, found, fallen, places, rules, engine)
        old, after = ibis.union(old, gone), ibis.union(after, home)
    result = Relinked(engine.keep(old), engine.keep(after), links)
    engine.drop(moving)
    return result


def _homeward(
    years: Sequence[int],
    people: ir.Table,
    found: ir.Table,
    fallen: ir.Table,
    places: Places,
    rules: HospitalRules,
    engine: Connection,
) -> tuple[ir.Table, ir.Table]:
    """Return the rows at home that change with people whose panel has no hospital, and theirs.

    An unknown ZIP's shares are those of all others at home, so that they change with any of them.
    """
    at_home = found.filter(found.stage == "geographic")
    unknown = at_home.filter(at_home.flags.contains(geographic.UNKNOWN))
    rest = people.semi_join(ibis.union(at_home.select(PERSON), fallen.select(PERSON)), PERSON)
    shares = _home_shares(years, rest, people, places, rules, engine)
    anew = people.semi_join(ibis.union(unknown.select(PERSON), fallen.select(PERSON)), PERSON)
    return unknown.select(*RELINKED), _at_home(anew, shares).select(*RELINKED)


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
    years: Sequence[int], in_aco: ir.Table, places: Places, engine: Connection
) -> ir.Table:
    payments = hospital_payments(places.hospitals, engine)
    tables = places.reference.tables
    links = [
        aco_like.link_hospitals(
            tables["aco_practitioners"], tables["aco_hospitals"], payments.get(year, {})
        ).assign(year=year)
        for year in years
    ]
    linked = engine.load(pd.concat(links), {"year": "int32", **aco_like.LINKS})
    joined = in_aco.join(linked, ["year", ("npi", "listed_npi")])
    return _stage_rows(joined, rule="A5")


def hospital_payments(hospitals: ir.Table, engine: Connection) -> dict[int, dict[str, Weight]]:
    """Inpatient and outpatient payments in a year's window, by year and hospital (rule A5)."""
    sums = hospitals.group_by("year", "ccn").agg(paid=hospitals.paid.sum().cast(DOLLAR_SUM))
    found = engine.fetch(sums, ["year", "ccn"])
    payments: dict[int, dict[str, Weight]] = {}
    for year, ccn, paid in zip(found["year"], found["ccn"], found["paid"], strict=True):
        payments.setdefault(int(year), {})[ccn] = Decimal(paid)
    return payments


def _mdpcp_stage(panel: ir.Table, linked: ir.Table) -> ir.Table:
    joined = panel.join(linked, ["year", "npi"])
    joined = joined.mutate(share=ibis.literal(1.0), stage_flags=ibis.literal(""))
    return _stage_rows(joined, rule="A8")


def _stage_rows(joined: ir.Table, rule: str) -> ir.Table:
    return cast(ir.Table, joined.mutate(rule=ibis.literal(rule)).select(*_STAGE_COLUMNS))


def _null(kind: str) -> ir.Value:
    return cast(ir.Value, ibis.null(kind))


def _home_shares(
    years: Sequence[int],
    rest: ir.Table,
    people: ir.Table,
    places: Places,
    rules: HospitalRules,
    engine: Connection,
) -> ir.Table:
    """Return each ZIP's hospitals and shares, by year, of who is left to the geographic stage."""
    sums = rest.group_by("year", "zip").agg(people=rest.count().cast("int32"))
    counted = engine.fetch(sums, ["year", "zip"])
    needed = geographic.needs_payments(set(counted["zip"]), places.reference)
    payments = zip_payments(people, places.hospitals, needed, engine)
    known = geographic.geography(places.reference, places.centroids, {})
    splits = []
    for year in years:
        homes = counted[counted["year"] == year]
        by_zip = {z: int(n) for z, n in zip(homes["zip"], homes["people"], strict=True)}
        mine = replace(known, payments=payments.get(year, {}))
        splits.append(geographic.split_zips(by_zip, mine, rules.drive).assign(year=year))
    return engine.load(pd.concat(splits), {"year": "int32", **geographic.SHARES})


def _at_home(rest: ir.Table, shares: ir.Table) -> ir.Table:
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
