"""The auditor's example: one made-up beneficiary and one made-up clinician, step by step.

The example stands in params/examples/auditor.yml and goes through the very functions that
attribute a state, so what is shown here is what the code does. A check and the page ask for it, so
it is followed once and kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import ibis.expr.types as ir
import pandas as pd

from tcoc.disclosure import Column, Draft
from tcoc.params import AttributionPolicy, read_yaml
from tcoc.paths import params_dir
from tcoc.reference import Reference, zip_centroids
from tcoc.rules.attribution import aco_like, use
from tcoc.rules.attribution.use import WindowUse
from tcoc.rules.attribution.waterfall import attribute
from tcoc.rules.attribution.window import calendar_years, spans, window
from tcoc.store.connection import Connection
from tcoc.store.schema import DOLLAR_SUM, FACILITY, PROFESSIONAL
from tcoc.study import Product, Study

PERSON = {
    "year": "int32",
    "bene_id": "string",
    "zip": "string",
    "eligible_months": "int32",
    "sex": "string",
}


PARTS: dict[str, tuple[str, ...]] = {
    "collections": ("bene_id", "npi", "aco_id"),
    "attributed": ("bene_id", "ccn", "stage", "rule", "share", "npi", "amount", "visits",
                   "runner_up"),
    "hospital_use": ("bene_id", "ccn", "paid"),
}  # fmt: skip
"""What the rules make of the example, and the columns that are kept of it."""

AUDITOR_EXAMPLE = {
    "part": "string",
    "number": "int32",
    "bene_id": "string",
    "npi": "string",
    "aco_id": "string",
    "ccn": "string",
    "stage": "string",
    "rule": "string",
    "share": "float64",
    "amount": DOLLAR_SUM,
    "visits": "int32",
    "runner_up": "string",
    "paid": DOLLAR_SUM,
}


@dataclass(frozen=True)
class Example:
    """A made-up case and what the rules make of it, as small tables with the columns of PARTS."""

    people: tuple[str, ...]
    services: pd.DataFrame
    hospitals: dict[str, str]
    collections: pd.DataFrame
    attributed: pd.DataFrame
    hospital_use: pd.DataFrame


def example_of(study: Study) -> Example:
    """Return the example as this run's policy values decide it (rules A2 to A9)."""
    case, rows = _case(), study.frame("auditor_example")
    parts = {
        part: rows.loc[rows["part"] == part, list(columns)].reset_index(drop=True)
        for part, columns in PARTS.items()
    }
    people = tuple(str(person["bene_id"]) for person in case["people"])
    return Example(people, pd.DataFrame(case["services"]), dict(case["hospitals"]), **parts)


def auditor_example(study: Study) -> pd.DataFrame:
    """What the rules make of the example, as rows of its parts."""
    found = follow(_case(), study.connection.small, AttributionPolicy.of(study.policy))
    parts = [
        found[part][[*columns]].assign(part=part, number=range(len(found[part])))
        for part, columns in PARTS.items()
    ]
    return pd.concat(parts, ignore_index=True).reindex(columns=[*AUDITOR_EXAMPLE])


def _case() -> dict[str, Any]:
    return read_yaml(params_dir() / "examples" / "auditor.yml")


def follow(
    case: dict[str, Any], engine: Connection, policy: AttributionPolicy
) -> dict[str, pd.DataFrame]:
    """Run a case through the attribution functions (rules A2 to A9); return its PARTS."""
    services = use.ServiceRules.from_policy(policy)
    reference = _reference(case)
    lines = engine.load(_filled(_lines(case), PROFESSIONAL.schema), PROFESSIONAL.schema)
    claims = engine.load(_filled(_claims(case), FACILITY.schema), FACILITY.schema)
    listed = engine.load(services.code_table(), use.CODE_TABLE)
    year = case["year"]
    windows = {year: window(year, case["window"])}
    people = engine.load(pd.DataFrame(case["people"]).assign(year=year), PERSON)
    hospitals = reference.eligible_hospitals
    rows = dict.fromkeys(calendar_years(windows[year]), 0)
    used = [
        use.span_use(
            lines.filter(lines.service_date.year().isin(span.years)),
            claims.filter(claims.thru_date.year().isin(span.years)),
            span,
            services,
            listed,
            hospitals,
        )
        for span in spans(windows[year], rows, most=0)
    ]
    joined = use.in_window(used, windows, people)
    result = attribute([year], people, joined, reference, zip_centroids, policy, engine)
    return {
        "collections": _collections(joined, reference, engine),
        "attributed": engine.fetch(result, ["bene_id", "ccn"]),
        "hospital_use": engine.fetch(_by_hospital(joined.hospitals), ["bene_id", "ccn"]),
    }


def _by_hospital(used: ir.Table) -> ir.Table:
    return cast(
        ir.Table,
        used.group_by("year", "bene_id", "ccn").agg(
            paid=used.paid.sum().cast(DOLLAR_SUM),
            claims=used.claims.sum().cast("int32"),
            visits=used.visits.sum().cast("int32"),
        ),
    )


def _collections(joined: WindowUse, reference: Reference, engine: Connection) -> pd.DataFrame:
    listed = engine.load(aco_like.roster(reference.tables["aco_practitioners"]), aco_like.ROSTER)
    services = aco_like.in_collections(joined.primary_care, listed)
    return engine.fetch(services, ["bene_id", "step", "aco_id", "npi"])


def _reference(case: dict[str, Any]) -> Reference:
    hospitals = pd.DataFrame({"ccn": list(case["hospitals"]), "attributable": True, "zip": "21201"})
    practitioners = pd.DataFrame(case["aco_practitioners"])
    practitioners["ccn"] = practitioners["ccn"].where(practitioners["ccn"] != "", None)
    found = {
        "hospitals": hospitals,
        "aco_hospitals": pd.DataFrame(case["aco_hospitals"]),
        "aco_practitioners": practitioners,
        "psa_zips": pd.DataFrame(case["psa_zips"]),
    }
    return Reference(tables=found, paths={}, ignored={})


def _filled(frame: pd.DataFrame, schema: Mapping[str, str]) -> pd.DataFrame:
    """Return a store table's columns; what the example does not give is missing."""
    return frame.assign(**{name: None for name in schema if name not in frame.columns})


def _lines(case: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(case["services"])
    return frame.assign(
        claim_id=[f"line-{i}" for i in range(len(frame))],
        line_number=1,
        service_date=frame["day"],
        place_of_service="11",
        allowed_amount=frame["allowed"],
        paid_amount=frame["allowed"] * 0.8,
        part_b_covered=True,
    )


def _claims(case: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(case["hospital_claims"])
    return frame.assign(
        claim_id=[f"stay-{i}" for i in range(len(frame))],
        from_date=frame["day"],
        thru_date=frame["day"],
        paid_amount=frame["paid"],
    )


# ---------------------------------------------------------------- as public tables


def example_drafts(study: Study) -> list[Draft]:
    """Draft the made-up services and what the rules make of them; nobody in them exists."""
    example = example_of(study)
    return [_services(example), _result(example), _uses(example)]


MADE_UP = "params/examples/auditor.yml: made-up people, clinicians and hospitals"


def _services(example: Example) -> Draft:
    frame = example.services.rename(columns={"bene_id": "person", "day": "date"})
    frame = frame.assign(number=range(1, len(frame) + 1), date=frame["date"].astype(str))
    collections = example.collections.set_index(["bene_id", "npi"])["aco_id"]
    pairs = zip(frame["person"], frame["npi"], strict=True)
    frame["collection"] = [collections.get(pair, "") or "no ACO" for pair in pairs]
    columns = ["number", "person", "date", "npi", "specialty", "hcpcs", "collection", "allowed"]
    return Draft(
        name="example_services",
        title="The made-up services in the window",
        frame=frame[columns],
        keys=("number",),
        columns={
            "number": Column("Line", "key"),
            "person": Column("Person", "label", "A made-up beneficiary."),
            "date": Column("Day", "label", "Service date."),
            "npi": Column("Clinician", "label", "A made-up NPI."),
            "specialty": Column("Specialty", "label", "CMS specialty code of the line (A2)."),
            "hcpcs": Column("Code", "label", "Procedure code (A2)."),
            "collection": Column("Collection", "label", "The ACO that lists the clinician (A3)."),
            "allowed": Column("Allowed", "number", "Allowed dollars (A2).", "dollars", digits=0),
        },
        source=MADE_UP,
    )


def _result(example: Example) -> Draft:
    rows = example.attributed
    frame = pd.DataFrame(
        {
            "person": rows["bene_id"],
            "hospital": rows["ccn"].map(example.hospitals),
            "stage": rows["stage"],
            "rule": rows["rule"],
            "share": rows["share"].astype(float),
            "npi": rows["npi"],
            "amount": rows["amount"].astype(float),
            "visits": rows["visits"].astype(float),
            "runner_up": rows["runner_up"].fillna("none"),
        }
    )
    return Draft(
        name="example_result",
        title="What the rules attribute",
        frame=frame,
        keys=("person", "hospital"),
        columns={
            "person": Column("Person", "key", "A made-up beneficiary."),
            "hospital": Column("Hospital", "key", "A made-up hospital."),
            "stage": Column("Stage", "label", "Stage that attributes (A1)."),
            "rule": Column("Rule", "label", "Rule that links to the hospital."),
            "share": Column("Share", "number", "Of the beneficiary (A5).", "share", digits=2),
            "npi": Column("Clinician", "label", "The attributed clinician (A4, A7)."),
            "amount": Column("Amount", "number", "The clinician's allowed dollars.", "dollars",
                             digits=0),
            "visits": Column("Visits", "number", "Distinct dates with the clinician.", digits=0),
            "runner_up": Column("Runner-up", "label", "Next clinician in the same order."),
        },
        source=MADE_UP,
    )  # fmt: skip


def _uses(example: Example) -> Draft:
    """The hospital use of each panel: what rule A8 compares."""
    panel = example.attributed[example.attributed["stage"] == "mdpcp_like"]
    npi = dict(zip(panel["bene_id"], panel["npi"], strict=True))
    use = example.hospital_use
    mine = use[use["bene_id"].isin(list(npi))]
    frame = pd.DataFrame(
        {
            "npi": mine["bene_id"].map(npi),
            "hospital": mine["ccn"].map(example.hospitals),
            "paid": mine["paid"].astype(float),
        }
    )
    frame = frame.groupby(["npi", "hospital"], as_index=False)[["paid"]].sum()
    return Draft(
        name="example_use",
        title="Payments at hospitals for the clinician's panel",
        frame=frame,
        keys=("npi", "hospital"),
        columns={
            "npi": Column("Clinician", "key", "A made-up NPI."),
            "hospital": Column("Hospital", "key", "A made-up hospital."),
            "paid": Column("Payments", "number", "For the panel, in the window (A8).", "dollars",
                           digits=0),
        },
        source=MADE_UP,
    )  # fmt: skip


PRODUCTS = (
    Product("auditor_example", ("part", "number"), auditor_example, AUDITOR_EXAMPLE, internal=True),
)
