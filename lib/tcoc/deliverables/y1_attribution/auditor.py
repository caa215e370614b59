"""The auditor's section: one made-up beneficiary and one made-up clinician, step by step.

The example stands in params/examples/auditor.yml and goes through the very functions that
attribute a state, so what is shown here is what the code does.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tcoc.params import AttributionPolicy, load_policy, read_yaml
from tcoc.paths import params_dir
from tcoc.reference import Reference, zip_centroids
from tcoc.report import display, tables, words
from tcoc.report.release import Release
from tcoc.rules.attribution import aco_like, use
from tcoc.rules.attribution.use import WindowUse
from tcoc.rules.attribution.waterfall import AttributionRules, attribute
from tcoc.rules.attribution.window import calendar_years, spans, window
from tcoc.store.connection import Connection
from tcoc.store.schema import FACILITY, PROFESSIONAL

PERSON = {
    "year": "int32",
    "bene_id": "string",
    "zip": "string",
    "eligible_months": "int32",
    "sex": "string",
}


@dataclass(frozen=True)
class Example:
    """A made-up case and what the rules make of it, as small tables."""

    services: pd.DataFrame
    collections: pd.DataFrame
    attributed: pd.DataFrame
    hospital_use: pd.DataFrame
    hospitals: dict[str, str]
    primary_care_share: float


def follow(engine: Connection, file: Path | None = None) -> Example:
    """Run the example through the attribution functions (rules A2 to A9)."""
    case = read_yaml(file or params_dir() / "examples" / "auditor.yml")
    policy = AttributionPolicy.of(load_policy())
    rules, services = AttributionRules.from_policy(policy), use.ServiceRules.from_policy(policy)
    reference = _reference(case)
    lines = engine.load(_lines(case), PROFESSIONAL.schema)
    claims = engine.load(_claims(case), FACILITY.schema)
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
    result = attribute([year], people, joined, reference, zip_centroids, rules, engine)
    return Example(
        services=pd.DataFrame(case["services"]),
        collections=_collections(joined, reference, engine),
        attributed=engine.fetch(result, ["bene_id", "ccn"]),
        hospital_use=engine.fetch(joined.hospitals, ["bene_id", "ccn"]),
        hospitals=dict(case["hospitals"]),
        primary_care_share=rules.primary_care_share,
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


def _lines(case: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(case["services"])
    return frame.assign(
        claim_id=[f"line-{i}" for i in range(len(frame))],
        line_number=1,
        service_date=frame["day"],
        tin=None,
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


# ---------------------------------------------------------------- in words


def show_auditor(release: Release) -> None:
    """Show the made-up beneficiary's and the made-up clinician's way through the rules."""
    example = follow(release.study.connection)
    _show("auditor-services", "Anna's services in the window", _service_rows(example))
    release.say(_beneficiary_words(example))
    _show("auditor-result", "What the rules attribute", _result_rows(example))
    release.say(_clinician_words(example))


def _show(anchor: str, caption: str, rows: list[list[str]]) -> None:
    content = tables.simple_table(anchor, caption, rows[0], rows[1:])
    plain = "\n".join(" | ".join(row) for row in rows)
    display.publish_html(content, plain, "table", name=anchor)


def _service_rows(example: Example) -> list[list[str]]:
    mine = example.services[example.services["bene_id"] == "Anna"]
    rows = [["Day", "Clinician", "Specialty", "Code", "Allowed"]]
    rows += [
        [str(s.day), str(s.npi), str(s.specialty), str(s.hcpcs), words.dollars(s.allowed)]
        for s in mine.itertuples()
    ]
    return rows


def _beneficiary_words(example: Example) -> str:
    mine = example.collections[example.collections["bene_id"] == "Anna"]
    first = mine[mine["step"] == 1].assign(allowed=lambda f: f["allowed"].astype(float))
    sums = first.groupby("aco_id")["allowed"].sum()
    skipped = mine[mine["step"] == 2]["npi"].tolist()
    row = example.attributed[example.attributed["bene_id"] == "Anna"].iloc[0]
    by_clinician = first[first["aco_id"] == row["aco_id"]].set_index("npi")["allowed"]
    listed = words.listing([f"{npi} {words.dollars(a)}" for npi, a in by_clinician.items()])
    return (
        f"**Anna.** Step {row['step']} counts primary care specialties; the visit to {skipped[0]}"
        f" is of another specialty and does not compete (rule A2). {row['aco_id']} has"
        f" {words.dollars(sums[row['aco_id']])} allowed against {words.dollars(sums[''])} of the"
        f" clinicians outside any hospital-based ACO, so it wins (A3). Within it: {listed};"
        f" {row['npi']} has more (A4) and {row['runner_up']} is the runner-up."
        f" {row['npi']} has no link to one hospital, so the split follows"
        f" the ACO hospitals' payments (A5)."
    )


def _result_rows(example: Example) -> list[list[str]]:
    rows = [["Beneficiary", "Hospital", "Stage", "Share", "Clinician", "Amount", "Visits", "Rule"]]
    rows += [
        [
            str(r.bene_id),
            example.hospitals[str(r.ccn)],
            str(r.stage),
            words.percent(r.share, 0),
            str(r.npi or "none"),
            words.dollars(r.amount),
            str(r.visits),
            str(r.rule),
        ]
        for r in example.attributed.itertuples()
    ]
    return rows


def _clinician_words(example: Example) -> str:
    panel = example.attributed[example.attributed["stage"] == "mdpcp_like"]
    if panel.empty:
        return "No beneficiary of the example reaches the MDPCP-like stage."
    npi, ccn = str(panel["npi"].iloc[0]), str(panel["ccn"].iloc[0])
    of_panel = example.hospital_use[example.hospital_use["bene_id"].isin(panel["bene_id"])]
    paid = of_panel.assign(paid=of_panel["paid"].astype(float)).groupby("ccn")["paid"].sum()
    uses = words.listing(
        [f"{example.hospitals[str(c)]} {words.dollars(p)}" for c, p in paid.items()]
    )
    names = words.listing(panel["bene_id"].tolist())
    return (
        f"**Clinician {npi}.** {names} have no primary care in an ACO; {npi} passes the test that"
        f" primary care is at least {words.percent(example.primary_care_share, 0)} of its own"
        " allowed amount, and they are its panel (A7)."
        f" The panel's payments: {uses}. The whole panel goes to {example.hospitals[ccn]}, which"
        f" has most (A8), also the member who was treated elsewhere."
    )
