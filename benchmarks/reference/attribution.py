"""Attribution of every eligible person of every year: rules A0 to A11."""

from fractions import Fraction

import numpy as np
import pandas as pd

from tcoc.errors import InputError
from tcoc.params import AttributionPolicy

from .frames import Order, among, first_and_next, first_of, grouped, in_order, look_up
from .inputs import Inputs
from .places import Weights, clinician_splits, without_ecmads, zip_splits
from .use import Use, join, use_of, window

COLUMNS = ("year", "bene_id", "ccn", "stage", "step", "aco_id", "npi", "share", "eligible_months",
           "rule", "amount", "visits", "last_service_date", "runner_up", "flags")  # fmt: skip

HIGH, LOW = False, True


def attribution(inputs: Inputs) -> pd.DataFrame:
    """One row per year, bene_id and ccn; the shares of a beneficiary-year sum to 1."""
    rules = inputs.attribution
    if rules.panel_link != "yearly":
        raise InputError(f"attribution.panel_link: found {rules.panel_link}, expected yearly here")
    windows = {year: window(year, rules.window) for year in inputs.run.years}
    used = use_of(inputs, (period for periods in windows.values() for period in periods))
    everyone = inputs.tables["beneficiary_year"]
    columns = ["bene_id", "eligible_months", "zip", "sex"]
    parts = []
    for year, periods in windows.items():
        people = everyone.loc[everyone["year"] == year, columns]
        use = join([used[period] for period in periods])
        parts.append(attribute(inputs, year, people, use, rules))
        later = {p for y, ps in windows.items() if y > year for p in ps}
        used = {period: found for period, found in used.items() if period in later}
    return pd.concat(parts, ignore_index=True)


def attribute(
    inputs: Inputs, year: int, people: pd.DataFrame, use: Use, rules: AttributionPolicy
) -> pd.DataFrame:
    """Attribute the eligible people of a year through the three stages (rule A1)."""
    services = use.primary_care
    services = services[among(services["bene_id"], people["bene_id"])]
    services = services.assign(aco=_aco_of(inputs, services["npi"]))
    in_aco = choose_collection(services, len(inputs.places.acos), rules.aco_like_measure)
    aco_rows = aco_stage(inputs, services, in_aco, use, rules.aco_like_measure)
    left = services[~among(services["bene_id"], in_aco["bene_id"])]
    panel_rows = mdpcp_stage(left, use, rules)
    rest = people[~among(people["bene_id"], in_aco["bene_id"])]
    rest = rest[~among(rest["bene_id"], panel_rows["bene_id"])]
    geographic_rows = geographic_stage(inputs, rest, people, use, rules)
    stages = {"aco_like": aco_rows, "mdpcp_like": panel_rows, "geographic": geographic_rows}
    return _with_person(year, people, stages, inputs.places.acos)


# ---------------------------------------------------------------- ACO-like (A3 to A5)


def _aco_of(inputs: Inputs, npi: pd.Series) -> np.ndarray:
    """Place of a clinician's ACO among the ids, ascending; behind them all for the other ones."""
    acos = inputs.places.acos
    roster = pd.Series(inputs.places.aco_of, dtype="str")
    listed = inputs.identifier("npi", roster.index.to_series())
    places = pd.Index(acos).get_indexer(pd.Index(roster)).astype("int32")
    return look_up(npi, listed, places, len(acos))


def choose_collection(services: pd.DataFrame, non_aco: int, measure: str) -> pd.DataFrame:
    """The winning ACO and step of each person whom an ACO wins (rule A3)."""
    collections = grouped(
        services,
        ["bene_id", "step", "aco"],
        allowed=("allowed", "sum"),
        visits=("visits", "sum"),
        last_date=("last_date", "max"),
    )
    order = {"step": LOW, **_by(measure), "last_date": HIGH, "aco": LOW}
    best = first_of(collections, "bene_id", order)
    return best.loc[best["aco"] != non_aco, ["bene_id", "step", "aco"]]


def _by(measure: str) -> Order:
    return {measure: HIGH, "visits" if measure == "allowed" else "allowed": HIGH}


def aco_stage(
    inputs: Inputs, services: pd.DataFrame, in_aco: pd.DataFrame, use: Use, measure: str
) -> pd.DataFrame:
    """The clinician within the winning ACO and step, and its hospitals (rules A4, A5)."""
    person = services["bene_id"]
    step = look_up(person, in_aco["bene_id"], in_aco["step"], -1)
    aco = look_up(person, in_aco["bene_id"], in_aco["aco"], -1)
    candidates = services[(services["step"] == step) & (services["aco"] == aco)]
    order = {**_by(measure), "last_date": HIGH, "npi": LOW}
    chosen = first_and_next(candidates, "bene_id", order, "npi")
    return chosen.merge(_links(inputs, use), on="npi")


def _links(inputs: Inputs, use: Use) -> pd.DataFrame:
    paid = grouped(use.hospitals, "ccn", cents=("paid", "sum"))
    hospitals = inputs.named("ccn", paid["ccn"])
    cents = {str(ccn): int(n) for ccn, n in zip(hospitals, paid["cents"], strict=True)}
    links = _rows(clinician_splits(inputs.places, cents), "npi")
    return links.assign(npi=inputs.identifier("npi", links["npi"]), ccn=_ccn(inputs, links["ccn"]))


def _rows(splits: list[tuple[str, str, float, str]], key: str) -> pd.DataFrame:
    kinds = {key: "str", "ccn": "str", "share": "float64", "stage_flags": "str"}
    return pd.DataFrame(splits, columns=list(kinds)).astype(kinds)


def _ccn(inputs: Inputs, values: pd.Series) -> pd.Series:
    return inputs.identifier("ccn", values)


# ---------------------------------------------------------------- MDPCP-like (A7, A8)


def mdpcp_stage(services: pd.DataFrame, use: Use, rules: AttributionPolicy) -> pd.DataFrame:
    """Each person's clinician, and the hospital that the clinician's panel uses most."""
    panel = choose_clinician(services, use.own_services, rules)
    large = panel
    if rules.minimum_panel > 1:
        people = panel.groupby("npi", observed=True)["bene_id"].transform("size")
        large = panel[people >= rules.minimum_panel]
    linked = panel_hospitals(large, use.hospitals, rules.hospital_use)
    return panel.merge(linked, on="npi").assign(share=1.0, stage_flags="")


def choose_clinician(
    services: pd.DataFrame, own: pd.DataFrame, rules: AttributionPolicy
) -> pd.DataFrame:
    """Clinicians of step 1 who pass the primary care test; if none, of step 2 (rule A7)."""
    least = Fraction(str(rules.primary_care_share))
    passes = own["primary_care"] * least.denominator >= own["all_lines"] * least.numerator
    passing = among(services["npi"], own.loc[passes, "npi"])
    candidates = services[(services["step"] == 2) | passing]
    first_step = candidates.groupby("bene_id", sort=False)["step"].transform("min")
    by_visits = ("visits", "last_date", "allowed")
    by_allowed = ("allowed", "visits", "last_date")
    measures = by_visits if rules.mdpcp_like_measure == "visits" else by_allowed
    order = {**dict.fromkeys(measures, HIGH), "npi": LOW}
    return first_and_next(candidates[candidates["step"] == first_step], "bene_id", order, "npi")


def panel_hospitals(panel: pd.DataFrame, hospitals: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The hospital that each panel uses most, above zero (rule A8): npi and ccn."""
    joined = panel[["bene_id", "npi"]].merge(hospitals, on="bene_id")
    use = "paid" if measure == "payments" else "visits"
    sums = grouped(joined, ["npi", "ccn"], use=(use, "sum"), claims=("claims", "sum"))
    best = first_of(sums[sums["use"] > 0], "npi", {"use": HIGH, "claims": HIGH, "ccn": LOW})
    return best[["npi", "ccn"]]


# ---------------------------------------------------------------- geographic (A9)


def geographic_stage(
    inputs: Inputs,
    rest: pd.DataFrame,
    people: pd.DataFrame,
    use: Use,
    rules: AttributionPolicy,
) -> pd.DataFrame:
    """The hospitals of the home ZIP of who is left."""
    by_zip = {str(z): int(n) for z, n in rest["zip"].value_counts().items()}
    needed = without_ecmads(inputs.places, by_zip)
    payments = zip_payments(inputs, people, use.hospitals, needed)
    shares = _rows(zip_splits(inputs.places, by_zip, payments, rules), "zip")
    shares = shares.assign(ccn=_ccn(inputs, shares["ccn"]))
    return rest[["bene_id", "zip"]].merge(shares, on="zip")


def zip_payments(
    inputs: Inputs, people: pd.DataFrame, hospitals: pd.DataFrame, zips: list[str]
) -> dict[str, Weights]:
    """Cents in the window by ZIP and hospital, of the year's eligible people there."""
    homes = people.loc[people["zip"].isin(zips), ["bene_id", "zip"]]
    joined = homes.merge(hospitals, on="bene_id")
    sums = grouped(joined, ["zip", "ccn"], cents=("paid", "sum"))
    keys = zip(sums["zip"], inputs.named("ccn", sums["ccn"]), strict=True)
    by_zip: dict[str, dict[str, int]] = {}
    for (home, ccn), cents in zip(keys, sums["cents"], strict=True):
        by_zip.setdefault(str(home), {})[str(ccn)] = int(cents)
    return by_zip


# ---------------------------------------------------------------- all stages together


def _with_person(
    year: int, people: pd.DataFrame, stages: dict[str, pd.DataFrame], acos: list[str]
) -> pd.DataFrame:
    """Put the stages together with the person's own months and flags."""
    rule = {"aco_like": "A5", "mdpcp_like": "A8", "geographic": "A9"}
    named = [rows.assign(stage=stage, rule=rule[stage]) for stage, rows in stages.items()]
    named[1] = named[1].drop(columns="aco")
    rows = pd.concat(named, ignore_index=True)
    months = look_up(rows["bene_id"], people["bene_id"], people["eligible_months"], 0)
    unknown = look_up(rows["bene_id"], people["bene_id"], people["sex"] == "U", False)
    names = {"allowed": "amount", "last_date": "last_service_date"}
    rows = rows.rename(columns=names).assign(
        year=year,
        eligible_months=months,
        aco_id=rows["aco"].map(dict(enumerate(acos))),
        flags=_flags(rows["stage_flags"], unknown),
    )
    return in_order(rows[list(COLUMNS)], ["bene_id", "ccn"])


def _flags(stage_flags: pd.Series, unknown_sex: np.ndarray) -> pd.Series:
    both = (stage_flags + ";sex_unknown").str.lstrip(";")
    return stage_flags.where(~unknown_sex, both)
