"""Tables beside the core ones: the lists that are handed on, and what the pages count."""

from pathlib import Path
from typing import cast

import ibis
import ibis.expr.types as ir
import pandas as pd

from tcoc.deliverables.y1_attribution.tables import SUMS
from tcoc.params import AttributionPolicy
from tcoc.reference import specialty_names
from tcoc.rules.attribution.shares import weighted_count
from tcoc.rules.attribution.window import Period, calendar_years, window
from tcoc.store.schema import DOLLAR_SUM
from tcoc.study import Product, Study

# ---------------------------------------------------------------- practitioners


def practitioner_list(study: Study) -> pd.DataFrame:
    """The list by practitioner with what an analyst needs beside the NPI (rule A11, slide 13).

    One row per (year, npi, stage, ccn), as attribution_by_practitioner, with the name where the
    run's ACO list has one, the specialty with most allowed dollars, the ACO, the hospital's name.
    """
    rows = study.frame("attribution_by_practitioner", exact=True)
    found = study.frame("practitioner_specialty").set_index("npi")["specialty"]
    roster = study.references.tables["aco_practitioners"].drop_duplicates("npi").set_index("npi")
    hospitals = study.references.tables["hospitals"].set_index("ccn")["name"]
    in_aco = rows["npi"].map(roster["aco_id"]).where(rows["stage"] == "aco_like", None)
    code = rows["npi"].map(found).fillna("")
    named = rows.assign(
        name=rows["npi"].map(roster["name"]).fillna(""),
        specialty=code,
        specialty_name=code.map(specialty_names()).fillna(""),
        aco_id=in_aco,
        hospital=rows["ccn"].map(hospitals).fillna(""),
    )
    return named[list(PRACTITIONER_LIST)]


def aco_practitioner_list(study: Study) -> pd.DataFrame:
    """The ACO-like practitioner lists as the run used them: (aco_id, npi, ccn), blank without link.

    Rows that rules A3, A6 and A10 set aside are not in it.
    """
    tables = study.references.tables
    names = tables["aco_hospitals"].drop_duplicates("aco_id").set_index("aco_id")["aco_name"]
    rows = tables["aco_practitioners"]
    return rows.assign(
        aco_name=rows["aco_id"].map(names).fillna(""),
        ccn=rows["ccn"].fillna(""),
        name=rows["name"].fillna(""),
    )[list(ACO_LIST)]


def practitioner_specialty(study: Study) -> ir.Table:
    """The specialty with most allowed dollars of each clinician; ties to the lower code.

    One row per npi, over the professional lines of all calendar years of the run's windows, of
    whoever is attributed: another attribution reads no line again.
    """
    form = AttributionPolicy.of(study.policy).window
    periods = [period for year in study.run.years for period in window(year, form)]
    lines = study.store_table("professional", calendar_years(periods))
    own = lines.filter(lines.npi.notnull(), lines.specialty.notnull())
    sums = own.group_by("npi", "specialty").agg(allowed=own.allowed_amount.sum().cast(DOLLAR_SUM))
    rank = ibis.struct({"allowed": -sums.allowed, "specialty": sums.specialty})
    best = sums.group_by("npi").agg(best=rank.min())
    return cast(ir.Table, best.select("npi", specialty=best.best["specialty"]))


# ---------------------------------------------------------------- splits and homes


def attribution_splits(study: Study) -> ir.Table:
    """People by year and by the number of hospitals that share them: (year, hospitals)."""
    people = study.table("attribution_people")
    return cast(
        ir.Table, people.group_by("year", "hospitals").agg(benes=people.count().cast("int32"))
    )


def attribution_homes(study: Study) -> pd.DataFrame:
    """Each hospital's attributed people by home ZIP, in the run's last year: (year, ccn, zip)."""
    year = max(study.run.years)
    rows, people = study.table("attribution"), study.table("beneficiary_year")
    homes = people.filter(people.year == year).select(person="bene_id", zip="zip")
    mine = rows.filter(rows.year == year)
    joined = mine.join(homes, mine.bene_id == homes.person)
    groups = joined.group_by("ccn", "zip", "share").agg(people=joined.count().cast("int32"))
    frame = study.connection.fetch(groups, ["ccn", "zip", "share"])
    counted = weighted_count(frame, ["ccn", "zip"])
    return counted.assign(year=year)[["year", "ccn", "zip", "benes"]]


# ---------------------------------------------------------------- clinics

CLINIC_NUMBERS = (
    ("1000", "1199"),  # federally qualified health centers
    ("1800", "1989"),
    ("3400", "3499"),  # rural health clinics, hospital-based
    ("3800", "3999"),  # rural health clinics, free-standing
    ("8500", "8999"),
)
"""The last four places of the CCNs of federally qualified and rural health clinics."""


def clinic_care(study: Study) -> pd.DataFrame:
    """How many people clinics' primary care may concern, which rule A2 cannot see: one row a year.

    benes: eligible people; by_home: those of the geographic stage, whom no clinician attributes;
    outpatient: of those, with an outpatient claim in the window; clinic: with a claim of a clinic
    (by its CCN). Clinics bill outpatient claims without a clinician (42 CFR 425.404).
    """
    form = AttributionPolicy.of(study.policy).window
    parts = [_clinic_year(study, year, window(year, form)) for year in study.run.years]
    return pd.concat(parts, ignore_index=True)


def _clinic_year(study: Study, year: int, periods: tuple[Period, ...]) -> pd.DataFrame:
    claims = study.store_table("facility", calendar_years(periods))
    first, last = min(p.first for p in periods), max(p.last for p in periods)
    inside = claims.filter(
        claims.setting == "outpatient",
        claims.thru_date >= ibis.date(first.year, first.month, first.day),
        claims.thru_date <= ibis.date(last.year, last.month, last.day),
    )
    place = inside.ccn.substr(2, 4)
    clinic = ibis.literal(False)
    for low, high in CLINIC_NUMBERS:
        clinic = clinic | ((place >= low) & (place <= high))
    seen = inside.group_by(claimant="bene_id").agg(clinic=clinic.cast("int32").max())
    rows = study.table("attribution_people")
    mine = rows.filter(rows.year == year)
    people = mine.select("bene_id", by_home=(mine.stage == "geographic").cast("int32"))
    joined = people.left_join(seen, people.bene_id == seen.claimant)
    groups = joined.group_by(
        "by_home", seen=joined.claimant.notnull(), clinic=joined.clinic.fill_null(0)
    ).agg(benes=joined.count().cast("int32"))
    found = study.connection.fetch(groups, ["by_home", "seen", "clinic"])
    home, seen_too = found["by_home"] == 1, found["seen"].astype(bool)
    counts = {
        "benes": found["benes"],
        "by_home": found.loc[home, "benes"],
        "outpatient": found.loc[home & seen_too, "benes"],
        "clinic": found.loc[home & (found["clinic"] == 1), "benes"],
    }
    return pd.DataFrame([{"year": year, **{name: int(n.sum()) for name, n in counts.items()}}])


# ---------------------------------------------------------------- the planted truth

FOUND, PART, OTHER = "is the planted one", "has a share", "is another"
"""Whether the attributed hospital is the planted one: whole, in part, or not at all."""


def truth_files(study: Study) -> list[Path]:
    """Return where a synthetic store keeps the planted hospital of each beneficiary-year."""
    file = study.store.root / "truth" / "beneficiary_year.parquet"
    return [file] if file.is_file() else []


def attribution_recovery(study: Study) -> pd.DataFrame:
    """People by stage and by whether the rules find their planted hospital: year, stage, outcome.

    Without rows where the data are not synthetic. People whose clinician an ACO links to no or to
    several hospitals have no one planted hospital and are left out.
    """
    by = ["year", "stage", "outcome"]
    if not truth_files(study):
        return pd.DataFrame(columns=[*by, "benes"])
    truth, rows = study.connection.parquet(*truth_files(study)), study.table("attribution")
    one = truth.filter(truth.ccn_expected.notnull())
    planted = one.select(truth_year="year", person="bene_id", true_ccn="ccn_expected")
    joined = rows.join(
        planted, (rows.year == planted.truth_year) & (rows.bene_id == planted.person)
    )
    hit = ibis.ifelse(joined.ccn == joined.true_ccn, joined.share, 0.0)
    people = joined.group_by("year", "stage", "bene_id").agg(hit=hit.max())
    outcome = ibis.cases((people.hit > 1 - 1e-9, FOUND), (people.hit > 0, PART), else_=OTHER)
    known = people.mutate(outcome=outcome)
    return study.connection.fetch(known.group_by(*by).agg(benes=known.count().cast("int32")), by)


PRACTITIONER_LIST = {
    "year": "int32",
    "npi": "string",
    "name": "string",
    "specialty": "string",
    "specialty_name": "string",
    "stage": "string",
    "aco_id": "string",
    "ccn": "string",
    "hospital": "string",
    **SUMS,
}

ACO_LIST = dict.fromkeys(("aco_id", "aco_name", "npi", "name", "ccn"), "string")

LISTS = (
    Product("aco_practitioner_list", ("aco_id", "npi", "ccn"), aco_practitioner_list, ACO_LIST),
    Product("practitioner_specialty", ("npi",), practitioner_specialty, internal=True, alone=True),
    Product(
        "practitioner_list",
        ("year", "npi", "stage", "ccn"),
        practitioner_list,
        PRACTITIONER_LIST,
        csv=True,
    ),
    Product("attribution_splits", ("year", "hospitals"), attribution_splits, internal=True),
    Product(
        "attribution_homes",
        ("year", "ccn", "zip"),
        attribution_homes,
        {"year": "int32", "ccn": "string", "zip": "string", "benes": "float64"},
        internal=True,
    ),
    Product(
        "clinic_care",
        ("year",),
        clinic_care,
        dict.fromkeys(("year", "benes", "by_home", "outpatient", "clinic"), "int32"),
        internal=True,
    ),
    Product(
        "attribution_recovery",
        ("year", "stage", "outcome"),
        attribution_recovery,
        {"year": "int32", "stage": "string", "outcome": "string", "benes": "int32"},
        internal=True,
    ),
)
"""The restricted practitioner list, and internal tables of what the pages count."""
