"""Counts and threshold scores of clinicians in the run's QP years: rules Q1 to Q3."""

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from tcoc.errors import InputError
from tcoc.params import QpPolicy
from tcoc.reference.covered import load_covered_services
from tcoc.rules.population import PopulationRules
from tcoc.rules.qp.periods import calendar_year
from tcoc.rules.qp.rules import QpRules, age_day, latest_birth_date, qp_rules
from tcoc.store.schema import HOSPITAL_SETTINGS

from .frames import among, first_of, grouped, in_order
from .inputs import Inputs
from .people import eligible_months

WHOLE_PRACTICE = ""
"""The ccn of a clinician's own row in qp_counts."""

PAIR = ("year", "npi", "ccn")


def qp_years(inputs: Inputs) -> tuple[int, ...]:
    return tuple(sorted(inputs.run.spec.qp_years or inputs.run.years))


def rules_of(inputs: Inputs) -> QpRules:
    """The run's rules; raises InputError for shares as weights, which are not compared."""
    rules = qp_rules(inputs.policy)
    if rules.share_weighted:
        raise InputError("qp.share_weighted: found true, the comparison expects false")
    return rules


# ---------------------------------------------------------------- from claims to counts


def qp_counts(inputs: Inputs) -> pd.DataFrame:
    """Denominators, volume and numerators: one row per year, npi and ccn ("" for all of it)."""
    rules = rules_of(inputs)
    parts = [_counts_of(inputs, year, rules).assign(year=year) for year in qp_years(inputs)]
    return in_order(pd.concat(parts, ignore_index=True), PAIR)


def _counts_of(inputs: Inputs, year: int, rules: QpRules) -> pd.DataFrame:
    patients = clinician_patients(inputs, year, rules)
    practice = modelling_set(patients, rules)
    evaluated = patients.loc[patients["evaluated"], ["npi", "bene_id", "payments"]]
    counted = evaluated[among(evaluated["bene_id"], adults(inputs, year, rules))]
    whole = grouped(counted, "npi", benes=("payments", "size"), payments=("payments", "sum"))
    practice = practice.merge(whole, on="npi", how="left")
    parts = numerators(counted, hospital_links(inputs, year))
    practice = practice.assign(ccn=inputs.one("ccn", WHOLE_PRACTICE))
    return pd.concat([practice, parts], ignore_index=True)


def clinician_patients(inputs: Inputs, year: int, rules: QpRules) -> pd.DataFrame:
    """Each clinician's patients in the year, whoever they are (rules Q1, Q3)."""
    basis = f"{rules.payment_basis}_amount"
    columns = ("npi", "bene_id", "hcpcs", "allowed_amount", "part_b_covered", basis)
    lines = inputs.read(
        "professional", [year], tuple(dict.fromkeys(columns)), pc.field("npi").is_valid()
    )
    policy = QpPolicy.of(inputs.policy)
    codes = {*inputs.codes.primary_care, *policy.extra_evaluation_codes}
    part_b = lines["part_b_covered"]
    covered = part_b
    if policy.covered_services == "fee_schedule":
        covered = covered & lines["hcpcs"].isin(load_covered_services())
    billed = lines["allowed_amount"] > 0
    marked = pd.DataFrame(
        {
            "npi": lines["npi"],
            "bene_id": lines["bene_id"],
            "seen": billed,
            "allowed": lines["allowed_amount"].where(billed, 0),
            "payments": lines[basis].where(covered, 0),
            "other_payments": lines[basis].where(part_b & ~covered, 0),
            "evaluated": billed & lines["hcpcs"].isin(codes),
        }
    )
    how = {"seen": "max", "allowed": "sum", "payments": "sum", "other_payments": "sum",
           "evaluated": "max"}  # fmt: skip
    return grouped(marked, ["npi", "bene_id"], **{c: (c, f) for c, f in how.items()})


def modelling_set(patients: pd.DataFrame, rules: QpRules) -> pd.DataFrame:
    """Volume of each clinician over the year, and whether it is in the model (rule Q3)."""
    volume = grouped(
        patients,
        "npi",
        people=("seen", "sum"),
        allowed=("allowed", "sum"),
        part_b_payments=("payments", "sum"),
        other_payments=("other_payments", "sum"),
    )
    people = volume["people"] >= rules.low_volume_benes
    dollars = volume["allowed"] >= int(rules.low_volume_dollars * 100)
    enough = people & dollars if rules.combine == "all" else people | dollars
    seen = volume["people"] > 0
    return volume.assign(in_model=seen & enough)[
        seen | (volume["part_b_payments"] != 0) | (volume["other_payments"] != 0)
    ]


def adults(inputs: Inputs, year: int, rules: QpRules) -> pd.Series:
    """bene_id of people with an eligible month in the year who are old enough (rule Q1)."""
    months = eligible_months(inputs, year, PopulationRules.from_policy(inputs.policy))
    born_by = latest_birth_date(rules.minimum_age, age_day(rules, calendar_year(year)))
    adult = inputs.read("beneficiary", None, ("bene_id",), pc.field("birth_date") <= born_by)
    people = months["bene_id"].drop_duplicates()
    return people[among(people, adult["bene_id"])]


def hospital_links(inputs: Inputs, year: int) -> pd.DataFrame:
    """Who is attributed to, or had an encounter at, which hospital (rule Q2)."""
    attributed = inputs.tables["attribution"]
    own = (attributed["year"] == year) & (attributed["share"] > 0)
    at_hospital = pc.field("setting").isin(HOSPITAL_SETTINGS) & pc.field("ccn").isin(
        inputs.hospitals
    )
    claims = inputs.read("facility", [year], ("bene_id", "ccn"), at_hospital)
    pair = ["bene_id", "ccn"]
    criteria = [
        attributed.loc[own, pair].assign(attributed=True, encounter=False),
        claims.drop_duplicates(pair).assign(attributed=False, encounter=True),
    ]
    both = pd.concat(criteria, ignore_index=True)
    how = {name: (name, "max") for name in ("attributed", "encounter")}
    return grouped(both, pair, **how)


def numerators(counted: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """People and cents of the union and of each criterion, by npi and ccn (rule Q2)."""
    joined = counted.merge(links, on="bene_id")
    cents = joined["payments"]
    joined = joined.assign(
        cents_attributed=cents.where(joined["attributed"], 0),
        cents_encounter=cents.where(joined["encounter"], 0),
    )
    return grouped(
        joined,
        ["npi", "ccn"],
        benes_attributed=("attributed", "sum"),
        benes_encounter=("encounter", "sum"),
        benes_numerator=("payments", "size"),
        payments_numerator=("payments", "sum"),
        payments_attributed=("cents_attributed", "sum"),
        payments_encounter=("cents_encounter", "sum"),
    )


# ---------------------------------------------------------------- clinicians and scores


def qp_specialty(inputs: Inputs) -> pd.DataFrame:
    """The specialty with most of a clinician's allowed cents: one row per year and npi."""
    parts = [_specialty_of(inputs, year).assign(year=year) for year in qp_years(inputs)]
    return in_order(pd.concat(parts, ignore_index=True), ["year", "npi"])


def _specialty_of(inputs: Inputs, year: int) -> pd.DataFrame:
    columns = ("npi", "specialty", "allowed_amount")
    lines = inputs.read("professional", [year], columns, pc.field("npi").is_valid())
    billed = lines[lines["allowed_amount"] > 0]
    named = grouped(billed, ["npi", "specialty"], allowed_amount=("allowed_amount", "sum"))
    named = named.assign(specialty=named["specialty"].astype("str").fillna(""))
    named = named.assign(unnamed=named["specialty"] == "")
    order = {"unnamed": True, "allowed_amount": False, "specialty": True}
    return first_of(named, "npi", order)[["npi", "specialty"]]


def qp_clinicians(inputs: Inputs) -> pd.DataFrame:
    """Every clinician of a year: denominators, volume, model, specialty and ACO."""
    rows = inputs.tables["qp_counts"]
    columns = ["year", "npi", "benes", "payments", "people", "allowed", "part_b_payments",
               "other_payments"]  # fmt: skip
    practice = rows.loc[rows["ccn"] == inputs.one("ccn", WHOLE_PRACTICE), [*columns, "in_model"]]
    practice = practice.fillna({"benes": 0, "payments": 0})
    roster = inputs.references.tables["aco_practitioners"].sort_values("aco_id")
    roster = roster.drop_duplicates("npi")[["npi", "aco_id"]]
    roster = roster.assign(npi=inputs.identifier("npi", roster["npi"]))
    joined = practice.merge(inputs.tables["qp_specialty"], on=["year", "npi"], how="left")
    joined = joined.merge(roster, on="npi", how="left")
    joined = joined.assign(specialty=joined["specialty"].fillna(""))
    return in_order(joined, ["year", "npi"])


def qp_scores(inputs: Inputs) -> pd.DataFrame:
    """Threshold scores of every clinician and hospital with a numerator (rules Q1 to Q3)."""
    rows = inputs.tables["qp_counts"]
    own = rows["ccn"] == inputs.one("ccn", WHOLE_PRACTICE)
    by = ["year", "npi"]
    practice = rows.loc[own & (rows["benes"] > 0), [*by, "benes", "payments", "in_model"]]
    criteria = [
        c for c in map(str, rows) if c.endswith(("_attributed", "_encounter", "_numerator"))
    ]
    scored = rows.loc[~own, [*by, "ccn", *criteria]].merge(practice, on=by)
    ratio = scored["payments_numerator"] / scored["payments"].where(scored["payments"] > 0)
    scored = scored.assign(
        patient_score=scored["benes_numerator"] / scored["benes"],
        payment_score=np.clip(ratio.fillna(0.0), 0.0, 1.0),
        in_model=scored["in_model"].astype(bool),
    )
    return in_order(scored, PAIR)
