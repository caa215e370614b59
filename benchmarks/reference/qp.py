"""Counts and threshold scores of clinicians in the run's QP years: rules Q1 to Q3 and Q7."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from tcoc.errors import InputError
from tcoc.params import QpPolicy
from tcoc.reference.covered import load_covered_services
from tcoc.store.schema import HOSPITAL_SETTINGS

from .frames import among, first_of, grouped, in_order
from .inputs import Inputs
from .people import eligible_months
from .use import Period

WHOLE_PRACTICE = ""
"""The ccn of a clinician's own row in qp_counts."""

PAIR = ("year", "npi", "ccn")


def qp_years(inputs: Inputs) -> tuple[int, ...]:
    return tuple(sorted(inputs.run.spec.qp_years or inputs.run.years))


def rules_of(inputs: Inputs) -> QpPolicy:
    """The run's rules; raises InputError for shares as weights, which are not compared."""
    rules = inputs.qp
    if rules.share_weighted:
        raise InputError("qp.share_weighted: found true, the comparison expects false")
    return rules


# ---------------------------------------------------------------- from claims to counts


def qp_counts(inputs: Inputs) -> pd.DataFrame:
    """Denominators, volume and numerators: one row per year, npi and ccn ("" for all of it)."""
    rules = rules_of(inputs)
    parts = [_counts_of(inputs, year, rules).assign(year=year) for year in qp_years(inputs)]
    return in_order(pd.concat(parts, ignore_index=True), PAIR)


def whole_year(year: int) -> Period:
    """The performance period: the calendar year."""
    return Period(date(year, 1, 1), date(year, 12, 31))


def _counts_of(inputs: Inputs, year: int, rules: QpPolicy) -> pd.DataFrame:
    period = whole_year(year)
    patients = clinician_patients(inputs, period, rules)
    practice = modelling_set(patients, rules)
    whole, parts = _scored(inputs, patients, period, rules)
    practice = practice.merge(whole, on="npi", how="left")
    practice = practice.assign(ccn=inputs.one("ccn", WHOLE_PRACTICE))
    return pd.concat([practice, parts], ignore_index=True)


def _scored(
    inputs: Inputs, patients: pd.DataFrame, period: Period, rules: QpPolicy
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Denominators by clinician, and numerators by clinician and hospital, of a period."""
    evaluated = patients.loc[patients["evaluated"], ["npi", "bene_id", "payments"]]
    counted = evaluated[among(evaluated["bene_id"], adults(inputs, period, rules))]
    whole = grouped(counted, "npi", benes=("payments", "size"), payments=("payments", "sum"))
    return whole, numerators(counted, hospital_links(inputs, period))


def _inside(day: str, period: Period) -> pc.Expression:
    """Whether a day lies in a period of one year; the files are a year's, so often it must."""
    whole = period == whole_year(period.last.year)
    if whole:
        return pc.scalar(True)
    return (pc.field(day) >= period.first) & (pc.field(day) <= period.last)


def clinician_patients(inputs: Inputs, period: Period, rules: QpPolicy) -> pd.DataFrame:
    """Each clinician's patients in the period, whoever they are (rules Q1, Q3)."""
    basis = f"{rules.payment_basis}_amount"
    columns = ("npi", "bene_id", "hcpcs", "allowed_amount", "part_b_covered", basis)
    lines = inputs.read(
        "professional",
        period.years,
        tuple(dict.fromkeys(columns)),
        pc.field("npi").is_valid() & _inside("service_date", period),
    )
    codes = {*inputs.codes.primary_care, *rules.extra_evaluation_codes}
    part_b = lines["part_b_covered"]
    covered = part_b
    if rules.covered_services == "fee_schedule":
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


def modelling_set(patients: pd.DataFrame, rules: QpPolicy) -> pd.DataFrame:
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
    dollars = volume["allowed"] >= round(rules.low_volume_dollars * 100)
    enough = people & dollars if rules.combine == "all" else people | dollars
    seen = volume["people"] > 0
    return volume.assign(in_model=seen & enough)[
        seen | (volume["part_b_payments"] != 0) | (volume["other_payments"] != 0)
    ]


def adults(inputs: Inputs, period: Period, rules: QpPolicy) -> pd.Series:
    """bene_id of people with an eligible month in the period who are old enough (rule Q1)."""
    months = eligible_months(inputs, period.last.year)
    month = months["month"].to_numpy()
    first, last = (np.datetime64(d) for d in (period.first.replace(day=1), period.last))
    months = months[(month >= first) & (month <= last)]
    on = {"period_start": period.first, "period_end": period.last}.get(
        rules.age_on, date.fromisoformat(f"{period.last.year}-{inputs.attribution.age_on}")
    )
    born_by = _years_before(on, rules.minimum_age)
    adult = inputs.read("beneficiary", None, ("bene_id",), pc.field("birth_date") <= born_by)
    people = months["bene_id"].drop_duplicates()
    return people[among(people, adult["bene_id"])]


def _years_before(day: date, years: int) -> date:
    """The last birth date of whom the years are complete; a 29 February counts from 1 March."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, month=3, day=1) - timedelta(days=1)


def hospital_links(inputs: Inputs, period: Period) -> pd.DataFrame:
    """Who is attributed to, or had an encounter at, which hospital (rule Q2)."""
    attributed = inputs.tables["attribution"]
    own = (attributed["year"] == period.last.year) & (attributed["share"] > 0)
    at_hospital = pc.field("setting").isin(HOSPITAL_SETTINGS) & pc.field("ccn").isin(
        inputs.hospitals
    )
    inside = at_hospital & _inside("thru_date", period)
    claims = inputs.read("facility", period.years, ("bene_id", "ccn"), inside)
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
    """Every clinician of a year: denominators, volume, model, specialty and ACO.

    The counts that it adds up stay for the scores: `inputs.tables["qp_counts"]`.
    """
    rows = inputs.tables["qp_counts"] = qp_counts(inputs)
    columns = ["year", "npi", "benes", "payments", "people", "allowed", "part_b_payments",
               "other_payments"]  # fmt: skip
    practice = rows.loc[rows["ccn"] == inputs.one("ccn", WHOLE_PRACTICE), [*columns, "in_model"]]
    practice = practice.fillna({"benes": 0, "payments": 0})
    listed = pd.Series(inputs.places.aco_of, dtype="str")
    npi = inputs.identifier("npi", listed.index.to_series()).to_numpy()
    roster = pd.DataFrame({"npi": npi, "aco_id": listed.to_numpy()})
    joined = practice.merge(qp_specialty(inputs), on=["year", "npi"], how="left")
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
    return in_order(_rated(rows.loc[~own, [*by, "ccn", *criteria]].merge(practice, on=by)), PAIR)


def _rated(scored: pd.DataFrame) -> pd.DataFrame:
    ratio = scored["payments_numerator"] / scored["payments"].where(scored["payments"] > 0)
    return scored.assign(
        patient_score=scored["benes_numerator"] / scored["benes"],
        payment_score=np.clip(ratio.fillna(0.0), 0.0, 1.0),
        in_model=scored["in_model"].astype(bool),
    )


def qp_snapshots(inputs: Inputs) -> pd.DataFrame:
    """Scores of the periods up to each snapshot (rule Q7): one row per year, day, npi and ccn."""
    parts = [
        _snapshot(inputs, year, date.fromisoformat(f"{year}-{day}"))
        for year in qp_years(inputs)
        for day in inputs.qp.snapshots
    ]
    return in_order(pd.concat(parts, ignore_index=True), ("year", "snapshot", "npi", "ccn"))


def _snapshot(inputs: Inputs, year: int, day: date) -> pd.DataFrame:
    rules, first = rules_of(inputs), date(year, 1, 1)
    period = Period(max(first, rules.determination_date or first), day)
    patients = clinician_patients(inputs, period, rules)
    whole, parts = _scored(inputs, patients, period, rules)
    clinicians = inputs.tables["qp_clinicians"]
    model = clinicians.loc[clinicians["year"] == year, ["npi", "in_model"]]
    scored = parts.merge(whole, on="npi").merge(model, on="npi", how="left")
    return _rated(scored).assign(year=year, snapshot=pd.Timestamp(day))
