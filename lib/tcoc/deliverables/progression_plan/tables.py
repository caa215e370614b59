"""The Progression Plan's tables of a run: small aggregates of people, spending and stays."""

from collections.abc import Iterator

import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.y1_attribution.pieces import together
from tcoc.reference.places import load_regions, zip_regions
from tcoc.rules import progression
from tcoc.rules.population import PopulationRules, eligible_months
from tcoc.store.schema import DOLLAR_SUM, SPENDING_COLUMNS
from tcoc.study import Product, Study

TOTALS = {
    "benes": "int32",
    "eligible_months": "int32",
    "hospital": DOLLAR_SUM,
    "nonhospital": DOLLAR_SUM,
    "tcoc": DOLLAR_SUM,
}


def people(study: Study) -> Iterator[ir.Table]:
    """People of each year with claims: dollars, home, stage, ACO."""
    regions = zip_regions(load_regions())
    places = study.connection.load(regions, dict.fromkeys(regions.columns, "string"))
    for known, belonging in _by_year(study, "beneficiary_year", "attribution_people"):
        yield progression.person_years(known, belonging, places)


def ranks(study: Study) -> Iterator[ir.Table]:
    """People by their percentile of spending within the year."""
    for (known,) in _by_year(study, "progression_people"):
        yield progression.ranked(known)


def _by_year(study: Study, *names: str) -> Iterator[list[ir.Table]]:
    tables = [study.table(name) for name in names]
    for years in together(study, study.run.years):
        yield [table.filter(table.year.isin(years)) for table in tables]


def stays(study: Study) -> ir.Table:
    """Inpatient stays of everybody in the store, in the run's years and the one before."""
    years = sorted({y for year in study.run.years for y in (year - 1, year)})
    return progression.inpatient_stays(
        study.store_table("facility", years),
        study.policy.get("progression.return_days"),
        study.policy.get("progression.short_stay_days"),
    )


def needs(study: Study) -> ir.Table:
    """People with proxies of chronic need."""
    return progression.need_flags(
        study.table("progression_people"),
        study.table("progression_stays"),
        study.policy.get("progression.old_age"),
        study.policy.get("progression.many_stays"),
    )


def medicaid(study: Study) -> ir.Table:
    """Medicaid dollars of dual eligible people in their eligible months, by year and stage.

    No rows where the run has no Medicaid table.
    """
    path = study.references.paths.get("medicaid_spending")
    if path is None:
        return study.connection.load(pd.DataFrame(columns=list(MEDICAID)), MEDICAID)
    months = eligible_months(
        study.store_table("member_month", study.run.years),
        study.store_table("beneficiary"),
        study.run.years,
        PopulationRules.from_policy(study.policy),
    )
    return progression.medicaid_by_stage(
        study.connection.parquet(path), months, study.table("progression_people")
    )


MEDICAID = {"year": "int32", "stage": "string", "benes": "int32", "medicaid": DOLLAR_SUM}

POLICY = ("progression", "attribution")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution",)
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS = (
    Product("progression_people", ("year", "bene_id"), people, internal=True),
    Product("progression_stays", ("bene_id", "stay"), stays, internal=True, alone=True),
    Product("progression_rank", ("year", "bene_id"), ranks, internal=True),
    Product("progression_need", ("year", "bene_id"), needs, internal=True),
    Product(
        "progression_landscape",
        ("year", "region", "county", "stage", "aco_id", "dual"),
        lambda study: progression.landscape(study.table("progression_people")),
        {
            "year": "int32",
            "region": "string",
            "county": "string",
            "stage": "string",
            "aco_id": "string",
            "dual": "boolean",
            **TOTALS,
        },
    ),
    Product(
        "progression_settings",
        ("year",),
        lambda study: progression.settings_by_year(study.table("progression_people")),
        {"year": "int32", **TOTALS, **dict.fromkeys(SPENDING_COLUMNS, DOLLAR_SUM)},
    ),
    Product(
        "progression_concentration",
        ("year", "percentile"),
        lambda study: progression.concentration(study.table("progression_rank")),
        {"year": "int32", "percentile": "int32", "benes": "int32", "tcoc": DOLLAR_SUM},
    ),
    Product(
        "progression_persistence",
        ("year", "cost_group", "next_group"),
        lambda study: progression.persistence(study.table("progression_rank")),
        {
            "year": "int32",
            "cost_group": "string",
            "next_group": "string",
            "benes": "int32",
            "tcoc": DOLLAR_SUM,
            "next_tcoc": DOLLAR_SUM,
        },
    ),
    Product(
        "progression_needs",
        ("year", "needs"),
        lambda study: progression.need_table(study.table("progression_need")),
        {"year": "int32", "needs": "int32", **TOTALS},
    ),
    Product(
        "progression_proxies",
        ("year", "proxy"),
        lambda study: progression.need_proxies(study.table("progression_need")),
        {"year": "int32", "proxy": "string", **TOTALS},
    ),
    Product(
        "progression_avoidable",
        ("year", "stage", "is_return", "is_short"),
        lambda study: progression.avoidable_use(
            study.table("progression_stays"), study.table("progression_people")
        ),
        {
            "year": "int32",
            "stage": "string",
            "is_return": "boolean",
            "is_short": "boolean",
            "stays": "int32",
            "benes": "int32",
            "paid": DOLLAR_SUM,
        },
    ),
    Product("progression_medicaid", ("year", "stage"), medicaid, MEDICAID),
)
"""The tables of the Progression Plan; their columns are documented in docs/published.md."""
