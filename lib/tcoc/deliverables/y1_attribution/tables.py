"""The tables that everything else stands on: population, attribution, spending, completeness."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.y1_attribution.completion import PRODUCTS as COMPLETION_PRODUCTS
from tcoc.deliverables.y1_attribution.completion import completion as completion  # noqa: PLC0414
from tcoc.deliverables.y1_attribution.pieces import PRODUCTS as USE_PRODUCTS
from tcoc.deliverables.y1_attribution.pieces import (
    ROWS_AT_ONCE,
    lines_by_year,
    together,
    window_hospitals,
    window_use,
    windows_of,
)
from tcoc.params import AttributionPolicy
from tcoc.reference import zip_centroids
from tcoc.rules.attribution import PERSON, use
from tcoc.rules.attribution.belonging import BELONGING, belonging
from tcoc.rules.attribution.mdpcp_like import PANELS, panel_use
from tcoc.rules.attribution.movement import movement, people_of
from tcoc.rules.attribution.waterfall import (
    CHOICES,
    ChoiceRules,
    HospitalRules,
    Places,
    choose,
    link,
)
from tcoc.rules.attribution.window import Period, batches
from tcoc.rules.completion import COMPLETION
from tcoc.rules.population import PopulationRules, population
from tcoc.rules.spending import (
    hospital_years,
    implied_completion,
    monthly_dollars,
    none_or_float,
    person_spending,
    share_groups,
    to_cents,
    total,
    weighted_sums,
)
from tcoc.store.facts import CLAIMS, claims_end, has_claims
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS, SPENDING_COLUMNS
from tcoc.study import Product, Study

BENEFICIARY_YEAR = {
    "year": "int32",
    "bene_id": "string",
    "eligible_months": "int32",
    "zip": "string",
    "age": "int32",
    "sex": "string",
    "dual": "boolean",
    "esrd": "boolean",
    "originally_disabled": "boolean",
    "tcoc": DOLLAR_SUM,
    **dict.fromkeys(SPENDING_COLUMNS, DOLLAR_SUM),
}

SUMS = {"benes": "float64", "eligible_months": "float64", "tcoc": DOLLAR_SUM}


# ---------------------------------------------------------------- population and spending


def beneficiary_year(study: Study) -> Iterator[ir.Table]:
    """Eligible people of each year with their dollars; null dollars in years without claims."""
    for years in together(study, study.run.years):
        people = _people_of(study, years)
        yield people
        study.connection.drop(people)


def _people_of(study: Study, years: Sequence[int]) -> ir.Table:
    connection, rules = study.connection, PopulationRules.from_policy(study.policy)
    months, persons = study.store_table("member_month", years), study.store_table("beneficiary")
    with connection.step("population"):
        people = connection.keep(population(months, persons, years, rules))
    if has_claims(study.store, years[0]):
        with connection.step("spending"):
            professional, facility, dme = (study.store_table(name, years) for name in CLAIMS)
            spent = person_spending(people, professional, facility, dme, years)
            result = connection.keep(_whole(spent.mutate(tcoc=total(spent))))
    else:
        dollars = {name: ibis.null(DOLLAR_SUM) for name in ("tcoc", *SPENDING_COLUMNS)}
        result = connection.keep(_whole(people.mutate(**dollars)))
    connection.drop(people)
    return result


def _whole(people: ir.Table) -> ir.Table:
    return cast(
        ir.Table, people.select(**{n: people[n].cast(t) for n, t in BENEFICIARY_YEAR.items()})
    )


# ---------------------------------------------------------------- attribution


def attribution_choices(study: Study) -> Iterator[ir.Table]:
    """Each beneficiary's clinician in each year, before any link to a hospital (rules A2 to A7).

    Kept, so that another link of panels chooses nobody anew.
    """
    connection, rules = (
        study.connection,
        ChoiceRules.from_policy(AttributionPolicy.of(study.policy)),
    )
    used = window_use(study, windows_of(study))
    for windows in _batches(study):
        with connection.step("primary care in the window"):
            people = connection.keep(_people_in(study, windows).select(*PERSON))
            found = use.in_window([used], windows, people)
        chosen = choose(found, study.references, rules, connection)
        yield chosen.rows
        connection.drop(people, *chosen.kept)


def attribution_panels(study: Study) -> Iterator[ir.Table]:
    """What clinicians' panels used at each hospital, whatever the link (rule A8)."""
    choices = study.table("attribution_choices")
    for windows in _batches(study):
        mine = choices.filter(choices.year.isin([*windows]))
        yield panel_use(mine, window_hospitals(study, windows))


def attribution(study: Study) -> Iterator[ir.Table]:
    """Every eligible person of every year of the run, attributed in whole or in shares."""
    connection, rules = (
        study.connection,
        HospitalRules.from_policy(AttributionPolicy.of(study.policy)),
    )
    choices, panels = study.table("attribution_choices"), study.table("attribution_panels")
    before: dict[int, ir.Table] = {}
    for windows in _batches(study, rules.year_by_year):
        with connection.step("people in the window"):
            people = connection.keep(
                _people_in(study, windows).select(*PERSON, "eligible_months", "zip", "sex")
            )
        mine, used = (t.filter(t.year.isin([*windows])) for t in (choices, panels))
        places = Places(study.references, zip_centroids, window_hospitals(study, windows))
        last = before.get(min(windows) - 1) if rules.year_by_year else None
        linked = link([*windows], people, mine, used, places, rules, connection, last)
        if rules.year_by_year:
            linked = replace(linked, rows=connection.keep(linked.rows))
        yield linked.rows
        connection.drop(people, *linked.kept, *before.values())
        before = {max(windows): linked.rows} if rules.year_by_year else {}


def attribution_people(study: Study) -> Iterator[ir.Table]:
    """Who each beneficiary belongs to in each year, by whichever hospitals (rule A1).

    Kept, so that another link of panels to hospitals leaves as it is what asks for no hospital.
    """
    rows = study.table("attribution")
    for years in together(study, study.run.years):
        yield belonging(rows, years)


def _batches(study: Study, one_by_one: bool = False) -> Iterator[Mapping[int, Sequence[Period]]]:
    """Give the windows of the years that are attributed together."""
    windows = windows_of(study)
    at_once = 0 if one_by_one else ROWS_AT_ONCE
    for years in batches(windows, lines_by_year(study, windows), at_once):
        yield {year: windows[year] for year in years}


def _people_in(study: Study, years: Iterable[int]) -> ir.Table:
    everyone = study.table("beneficiary_year")
    return cast(ir.Table, everyone.filter(everyone.year.isin([*years])))


# ---------------------------------------------------------------- by hospital, by practitioner


def attribution_sums(study: Study) -> ir.Table:
    """People, months and exact dollars by year, clinician, stage, hospital and equal share.

    What the tables by hospital and by practitioner are sums of; npi is empty where none attributes.
    """
    rows = study.table("attribution")
    named = rows.mutate(npi=rows.npi.fill_null(""))
    return share_groups(named, study.table("beneficiary_year"), SUMS_KEY)


def _weighted(study: Study, by: tuple[str, ...], with_npi: bool = False) -> pd.DataFrame:
    sums = study.table("attribution_sums")
    rows = sums.filter(sums.npi != "") if with_npi else sums
    groups = rows.group_by(*by, "share").agg(
        **{n: rows[n].sum().cast(kind) for n, kind in SHARE_SUMS.items()}
    )
    return weighted_sums(study.connection.fetch(groups, [*by, "share"]), by)


SUMS_KEY = ("year", "npi", "stage", "ccn")
SHARE_SUMS = {"people": "int32", "months": "int32",
              "dollars": DOLLAR_SUM, "hospital_dollars": DOLLAR_SUM}  # fmt: skip


def _with_tcoc(sums: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    tcoc = pd.Series([to_cents(d) for d in sums["dollars"]], index=sums.index, dtype=object)
    return sums[[*by, "benes", "eligible_months"]].assign(tcoc=tcoc)


def attribution_by_hospital(study: Study) -> pd.DataFrame:
    """People, months and dollars by year, hospital and stage (rule A11)."""
    by = ("year", "ccn", "stage")
    return _with_tcoc(_weighted(study, by), by)


def attribution_by_practitioner(study: Study) -> pd.DataFrame:
    """People, months and dollars by year, clinician, stage and hospital (rule A11)."""
    by = ("year", "npi", "stage", "ccn")
    return _with_tcoc(_weighted(study, by, with_npi=True), by)


def hospital_year(study: Study) -> pd.DataFrame:
    """People, months, dollars and per capita by year and hospital (rules A11, T2, T4)."""
    return hospital_years(_weighted(study, ("year", "ccn")), completion(study))


def state_year(study: Study) -> pd.DataFrame:
    """The whole population by year, with what says whether the year is complete (rule T2)."""
    people = study.table("beneficiary_year")
    sums = people.group_by("year").agg(
        benes=people.count().cast("int32"),
        eligible_months=people.eligible_months.sum().cast("int32"),
        dollars=people.tcoc.sum().cast(DOLLAR_SUM),
        hospital_dollars=total(people, HOSPITAL_SETTINGS).sum().cast(DOLLAR_SUM),
    )
    found = study.connection.fetch(sums, ["year"])
    for name in ("dollars", "hospital_dollars"):
        found[name] = pd.Series([none_or_float(d) for d in found[name]], dtype=object)
    table = hospital_years(found, completion(study), ("year",))
    facts = study.frame("completion_years").set_index("year").drop(columns="claims_end")
    return table.join(facts, on="year").assign(claims_end=claims_end(study.store))


# ---------------------------------------------------------------- movement, completeness


def attribution_movement(study: Study) -> pd.DataFrame:
    """People who stay with the same hospital between consecutive years, by stage and reason."""
    attributed, everyone = study.table("attribution"), study.table("beneficiary_year")
    belongs = study.table("attribution_people")
    by, engine = ["year", "stage_before", "stage_after", "reason"], study.connection
    last: ir.Table | None = None
    parts = []
    for mine in together(study, study.run.years):
        years, before = mine, mine[0] - 1
        people = kept = engine.keep(people_of(belongs, everyone, mine))
        if last is not None and before in study.run.years:
            years = (before, *mine)
            people = ibis.union(last.filter(last.year == before), kept)
        if len(years) > 1:
            groups = engine.fetch(movement(attributed, people, years), [*by, "kept"])
            parts.append(_kept_people(groups, by))
        if last is not None:
            engine.drop(last)
        last = kept
    columns = list(MOVEMENT)
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def _kept_people(groups: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    products = groups.assign(product=groups["kept"] * groups["people"])
    return products.groupby(by, as_index=False).agg(
        benes=("people", "sum"), benes_same_hospital=("product", fsum)
    )


def completeness(study: Study) -> pd.DataFrame:
    """Dollars by service month and setting, with the completion that last year's months imply."""
    years = {y for year in study.run.years for y in (year - 1, year)}
    monthly = study.connection.fetch(
        monthly_dollars(*(study.store_table(name, years) for name in CLAIMS)),
        ["year", "month", "setting"],
    )
    end = claims_end(study.store)
    if end is None:
        return pd.DataFrame(columns=list(COMPLETENESS))
    table = implied_completion(monthly, end, study.policy.get("tcoc.run_out_months"))
    table = table[table["year"].isin(study.run.years)]
    return table.assign(claims_end=end)


HOSPITAL_YEAR = {
    "year": "int32",
    "ccn": "string",
    **SUMS,
    "tcoc_hospital": DOLLAR_SUM,
    "tcoc_nonhospital": DOLLAR_SUM,
    "per_capita": "float64",
}

STATE_YEAR = {
    **{name: kind for name, kind in HOSPITAL_YEAR.items() if name != "ccn"},
    "benes": "int32",
    "eligible_months": "int32",
    **{name: kind for name, kind in COMPLETION.items() if name != "year"},
}

MOVEMENT = {
    "year": "int32",
    "stage_before": "string",
    "stage_after": "string",
    "reason": "string",
    "benes": "int32",
    "benes_same_hospital": "float64",
}

COMPLETENESS = {
    "year": "int32",
    "month": "int32",
    "setting": "string",
    "paid_amount": DOLLAR_SUM,
    "claim_rows": "int64",
    "prior_year_amount": "float64",
    "mature": "boolean",
    "growth": "float64",
    "implied_completion": "float64",
    "claims_end": "date",
}

POLICY = ("attribution", "tcoc")
"""The policy files whose values these tables may depend on; others are refused."""

USES: tuple[str, ...] = ()
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS = (
    *COMPLETION_PRODUCTS,
    Product("beneficiary_year", ("year", "bene_id"), beneficiary_year, alone=True),
    *USE_PRODUCTS,
    Product("attribution_choices", PERSON, attribution_choices, CHOICES, internal=True),
    Product(
        "attribution_panels", ("year", "npi", "ccn"), attribution_panels, PANELS, internal=True
    ),
    Product("attribution", ("year", "bene_id", "ccn"), attribution),
    Product("attribution_people", PERSON, attribution_people, BELONGING, internal=True),
    Product("attribution_sums", (*SUMS_KEY, "share"), attribution_sums, internal=True),
    Product(
        "attribution_by_hospital",
        ("year", "ccn", "stage"),
        attribution_by_hospital,
        {"year": "int32", "ccn": "string", "stage": "string", **SUMS},
        csv=True,
    ),
    Product(
        "attribution_by_practitioner",
        ("year", "npi", "stage", "ccn"),
        attribution_by_practitioner,
        {"year": "int32", "npi": "string", "stage": "string", "ccn": "string", **SUMS},
        csv=True,
    ),
    Product("hospital_year", ("year", "ccn"), hospital_year, HOSPITAL_YEAR),
    Product("state_year", ("year",), state_year, STATE_YEAR),
    Product(
        "attribution_movement",
        ("year", "stage_before", "stage_after", "reason"),
        attribution_movement,
        MOVEMENT,
    ),
    Product("completeness", ("year", "month", "setting"), completeness, COMPLETENESS, alone=True),
)
"""The core tables; their columns are documented in docs/tables.md."""
