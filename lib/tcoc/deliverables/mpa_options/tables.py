"""The tables of the MPA: the adopted terms, the options study, noise, break-even, scenarios."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcoc.deliverables.risk_adjustment.inputs import factors_of, pair_of, replicates_of, settings_of
from tcoc.errors import InputError, nearest
from tcoc.params import Policy, load_policy, read_yaml
from tcoc.paths import params_dir
from tcoc.rules.mpa import (
    Inputs,
    Terms,
    Units,
    benchmark,
    break_even,
    chance_by_size,
    evaluate_grid,
    grid_options,
    noise_table,
    panel_table,
    pooled_quality,
    read_terms,
    scaled_result,
    to_cents,
    varied_terms,
)
from tcoc.rules.mpa.noise import noise_constant
from tcoc.rules.mpa.options import GRID_KEYS, dollars
from tcoc.rules.mpa.units import hospital_quality, peer_level, relative_risk
from tcoc.rules.risk import METHODS, STATE, Adjusted, Pair, risk_adjustment
from tcoc.rules.risk.adjust import hospital_sums, pooled, weighted_cells
from tcoc.store.schema import DOLLAR_SUM, HOSPITAL_SETTINGS
from tcoc.study import Product, Study

BASELINE = "improvement"
LEVELS = ("statewide", "peer")


# ---------------------------------------------------------------- inputs


def national_growth(study: Study, rate_year: int) -> float:
    """Return a rate year's national growth; InputError that names the run file's key (rule M1)."""
    growth = study.run.spec.national_growth.get(rate_year)
    if growth is None:
        raise InputError(
            f"{study.run.file.name}: national_growth has no value for rate year {rate_year}; give"
            f" national_growth: {{{rate_year}: {{value: ..., source: ...}}}}"
        )
    return growth.value


def rate_years(study: Study) -> list[int]:
    """Return the run's rate years; InputError where it names none."""
    if not study.run.spec.rate_years:
        raise InputError(f"{study.run.file.name}: rate_years is empty; the MPA needs one")
    return sorted(study.run.spec.rate_years)


def terms_of(study: Study, rate_year: int, policy: Policy | None = None) -> Terms:
    """Return the adopted terms of a rate year, or those of a scenario's policy."""
    return read_terms(policy or study.policy, rate_year, national_growth(study, rate_year))


def payments(study: Study, year: int) -> dict[str, Decimal]:
    """Return Medicare inpatient and outpatient payments by CCN of a calendar year (rule M4).

    By thru date, for everybody in the store, as exact decimals.
    """
    claims = study.store_table("facility", [year])
    chosen = claims.filter(
        claims.setting.isin(list(HOSPITAL_SETTINGS)) & (claims.thru_date.year() == year)
    )
    sums = chosen.group_by("ccn").agg(paid=chosen.paid_amount.sum().cast(DOLLAR_SUM))
    frame = study.connection.fetch(sums)
    return {
        str(ccn): Decimal(str(paid)) for ccn, paid in zip(frame["ccn"], frame["paid"], strict=True)
    }


def members_of(study: Study, terms: Terms) -> dict[str, str]:
    """Return hospital -> combination of the run; empty where the terms do not combine (A12)."""
    groups = study.reference("combinations")
    if groups is None or groups.empty or not terms.combined:
        return {}
    return dict(zip(groups["ccn"], groups["combination"], strict=True))


@dataclass(frozen=True)
class Setting:
    """All that a set of terms needs for one pair of years and one way of combining."""

    pair: Pair
    units: Units
    names: tuple[str, ...]
    adjusted: Adjusted
    risk: Mapping[str, np.ndarray]
    months: np.ndarray
    benes: np.ndarray
    peers: tuple[str, ...]
    quality: np.ndarray


def setting_of(study: Study, terms: Terms, members: Mapping[str, str]) -> Setting:
    """Gather the per capita figures, payments and quality of one pair of years (M1, M4, A12)."""
    pair = pair_of(study, terms.base_year, terms.performance_year)
    settings = settings_of(study)
    factors = factors_of(settings)
    cells = study.frame("risk_cells")
    cells = cells[cells["year"].isin([pair.base_year, pair.performance_year])]
    hospitals = sorted(set(cells.loc[cells["year"] == pair.performance_year, "ccn"]) - {STATE})
    mapped = pooled(cells, {ccn: members.get(ccn, ccn) for ccn in sorted(set(cells["ccn"]))})
    adjusted = risk_adjustment(mapped, pair, settings, factors)
    sums = [
        hospital_sums(mapped, year, adjusted.hospitals, settings, factors)
        for year in (pair.base_year, pair.performance_year)
    ]
    judged = set(adjusted.hospitals)
    units = Units(
        tuple(c for c in hospitals if members.get(c, c) in judged),
        {c: u for c, u in members.items() if c in hospitals},
        payments(study, pair.performance_year),
    )
    quality = hospital_quality(
        study.reference("quality_adjustments"),
        terms.rate_year,
        {c: n for c, n in hospital_names(study).items() if c in units.hospitals},
        study.policy.get("mpa.missing_quality"),
    )
    return Setting(
        pair=pair,
        units=units,
        names=adjusted.hospitals,
        adjusted=adjusted,
        risk={
            method: relative_risk(sums[0], sums[1], pair.base_completion, settings, method)
            for method in METHODS
        },
        months=sums[1].months.sum(axis=(1, 2)),
        benes=_people(mapped, pair.performance_year, adjusted.hospitals),
        peers=_peers(study, adjusted.hospitals, members),
        quality=pooled_quality(units, quality),
    )


def _people(cells: pd.DataFrame, year: int, names: tuple[str, ...]) -> np.ndarray:
    rows = weighted_cells(cells[cells["year"] == year])
    return rows.groupby("ccn")["benes"].sum().reindex(list(names)).fillna(0).to_numpy(dtype=float)


def hospital_names(study: Study) -> dict[str, str]:
    """Return the hospitals' names by CCN."""
    table = study.references.tables["hospitals"]
    return dict(zip(table["ccn"], table["name"], strict=True))


def _peers(study: Study, names: tuple[str, ...], members: Mapping[str, str]) -> tuple[str, ...]:
    """Return each unit's region; a combination has that of its member with the lowest CCN."""
    table = study.references.tables["hospitals"]
    regions = pd.read_csv(params_dir() / "reference" / "regions.csv", dtype=str)
    region_of = dict(zip(regions["county"], regions["region"], strict=True))
    county = dict(zip(table["ccn"], table["county"], strict=True))
    found = {ccn: region_of.get(place, "other") for ccn, place in county.items()}
    for ccn, unit in sorted(members.items(), reverse=True):
        found[unit] = found.get(ccn, "other")
    return tuple(found.get(name, "other") for name in names)


def inputs_of(setting: Setting, adjusted: Adjusted, terms: Terms, risk: Any) -> Inputs:
    """Return the arrays that any set of terms is computed from; `adjusted` may be replicates."""
    order = [adjusted.hospitals.index(name) for name in setting.names]
    base = adjusted.base[order]
    risk_now = setting.risk[terms.attainment_risk]
    level = {
        "statewide": base[:1] * risk_now[:, None],
        "peer": np.vstack(
            [
                base[:1] * risk_now[:1, None],
                peer_level(base[1:], setting.months[1:], risk_now[1:], setting.peers[1:])
                * risk_now[1:, None],
            ]
        ),
    }
    return Inputs(
        base={m: adjusted.adjusted[risk.variant(m)][order] for m in METHODS},
        performance=adjusted.performance[order],
        level=level,
        position=setting.units.positions(setting.names),
        quality=setting.quality,
        paid=np.array([float(p) for p in setting.units.paid]),
    )


# ---------------------------------------------------------------- the mpa table


def mpa(study: Study) -> pd.DataFrame:
    """Each hospital's adjustment under the adopted terms and each option (rules M1 to M5)."""
    options = study.policy.get("mpa.options")
    frames = []
    for year in rate_years(study):
        adopted = terms_of(study, year)
        settings: dict[bool, Setting] = {}
        for option, changes in options.items():
            terms = varied_terms(adopted, changes or {}, f"mpa.options: {option}")
            if terms.combined not in settings:
                settings[terms.combined] = setting_of(study, terms, members_of(study, terms))
            frames.append(option_rows(study, settings[terms.combined], terms).assign(option=option))
    return pd.concat(frames, ignore_index=True)[list(MPA)]


def option_rows(study: Study, setting: Setting, terms: Terms) -> pd.DataFrame:
    """Return one row per hospital under one set of terms: the columns of table mpa."""
    inputs = inputs_of(setting, setting.adjusted, terms, settings_of(study))
    at, units = inputs.position, setting.units
    base = inputs.base[terms.risk_method][:, 0]
    targets = _targets(inputs, terms)
    result = inputs.result(
        terms.risk_method, terms.attainment_weight, terms.attainment_level, terms.trend
    )
    percent = inputs.percents_of(terms)[:, 0]
    return pd.DataFrame(
        {
            "rate_year": terms.rate_year,
            "ccn": list(units.hospitals),
            "combination": [units.members.get(c) for c in units.hospitals],
            "base_per_capita": setting.adjusted.base[at, 0],
            "adjusted_base": base[at],
            "benchmark": targets[0][at],
            "attainment_benchmark": targets[1][at] if terms.attainment_weight else np.nan,
            "performance": inputs.performance[at, 0],
            "result": result[at, 0],
            "scaled": scaled_result(result, terms.threshold, terms.max_at_risk)[at, 0],
            "quality": setting.quality,
            "mpa_percent": percent,
            "payments": units.paid,
            "mpa_dollars": to_cents(percent.tolist(), units.paid),
            "benes": setting.benes[at],
        }
    )


def _targets(inputs: Inputs, terms: Terms) -> tuple[np.ndarray, np.ndarray]:
    improvement = benchmark(inputs.base[terms.risk_method], terms.trend)[:, 0]
    return improvement, benchmark(inputs.level[terms.attainment_level], terms.trend)[:, 0]


# ---------------------------------------------------------------- options, noise, break-even


def replicated_setting(study: Study, terms: Terms) -> tuple[Setting, Adjusted]:
    """Return the point setting of a rate year and the kept bootstrap replicates (rule R6)."""
    setting = setting_of(study, terms, members_of(study, terms))
    return setting, replicates_of(study).pair(terms.base_year, terms.performance_year)


def options(study: Study) -> pd.DataFrame:
    """The grid of the options study, one row per rate year and option (rule M6)."""
    return pd.concat([_options_of(study, y) for y in rate_years(study)], ignore_index=True)


def _options_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms, risk = terms_of(study, rate_year), settings_of(study)
    setting, noisy = replicated_setting(study, terms)
    point = inputs_of(setting, setting.adjusted, terms, risk)
    table = evaluate_grid(
        grid_options(study.policy.get("mpa.grid")),
        point,
        inputs_of(setting, noisy, terms, risk),
        terms.trend,
        point.percents_of(terms)[:, 0],
        risk.interval_level,
        setting.units.hospitals,
    )
    return table.assign(rate_year=rate_year)[list(OPTIONS)]


def noise(study: Study) -> pd.DataFrame:
    """Each hospital's percentage with its interval, and what chance alone would pay (rule M6)."""
    return pd.concat([_noise_of(study, y) for y in rate_years(study)], ignore_index=True)


def _noise_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms, risk = terms_of(study, rate_year), settings_of(study)
    setting, noisy = replicated_setting(study, terms)
    point = inputs_of(setting, setting.adjusted, terms, risk)
    replicated = inputs_of(setting, noisy, terms, risk)
    family = (terms.risk_method, terms.attainment_weight, terms.attainment_level, terms.trend)
    at = point.position
    table = noise_table(
        setting.units.hospitals,
        point.percents_of(terms)[:, 0],
        replicated.percents_of(terms),
        point.result(*family)[at, 0],
        replicated.result(*family)[at],
        (terms.threshold, terms.max_at_risk),
        risk.interval_level,
    )
    members = pd.Series([setting.units.members.get(c) for c in setting.units.hospitals])
    return table.assign(rate_year=rate_year, combination=members, benes=setting.benes[at])[
        list(NOISE)
    ]


def panel(study: Study) -> pd.DataFrame:
    """The fewest beneficiaries for a sign that can be trusted, by true change (rule M6)."""
    frames = []
    for year, rows in study.frame("mpa_noise").groupby("rate_year"):
        singles = rows.drop_duplicates(["result", "benes"])
        benes = singles["benes"].to_numpy(dtype=float)
        constant = noise_constant(singles["result_error"].to_numpy(dtype=float), benes)
        table = panel_table(
            constant,
            study.policy.get("mpa.true_changes"),
            study.policy.get("mpa.sign_certainty"),
            benes,
        )
        frames.append(table.assign(rate_year=year, noise_constant=constant))
    return pd.concat(frames, ignore_index=True)[list(PANEL)]


def chance(study: Study) -> pd.DataFrame:
    """What chance pays a hospital with no true change, by size and threshold (rule M6)."""
    thresholds = study.policy.get("mpa.grid")["threshold"]
    frames = [
        chance_by_size(
            rows["noise_constant"].iloc[0], study.policy.get("mpa.panel_sizes"), thresholds
        ).assign(rate_year=year)
        for year, rows in study.frame("mpa_panel").groupby("rate_year")
    ]
    return pd.concat(frames, ignore_index=True)[list(CHANCE)]


def savings(study: Study) -> pd.DataFrame:
    """What each hospital must save to reach zero, the reward cap or to leave the penalty cap."""
    return pd.concat([_savings_of(study, y) for y in rate_years(study)], ignore_index=True)


def _savings_of(study: Study, rate_year: int) -> pd.DataFrame:
    terms = terms_of(study, rate_year)
    setting = setting_of(study, terms, members_of(study, terms))
    inputs = inputs_of(setting, setting.adjusted, terms, settings_of(study))
    improvement, attainment = _targets(inputs, terms)
    years = setting.months / 12 * setting.pair.performance_completion
    columns: dict[str, Any] = {"ccn": list(setting.units.hospitals)}
    for name, at in (
        ("zero", 0.0),
        ("reward_cap", terms.threshold),
        ("penalty_cap", -terms.threshold),
    ):
        each = break_even(
            inputs.performance[:, 0], improvement, attainment, terms.attainment_weight, at
        )
        columns[f"{name}_per_capita"] = each[inputs.position]
        columns[f"{name}_dollars"] = np.round((each * years)[inputs.position], 2)
    members = pd.Series([setting.units.members.get(c) for c in setting.units.hospitals])
    return pd.DataFrame(columns).assign(rate_year=rate_year, combination=members)[list(SAVINGS)]


# ---------------------------------------------------------------- scenarios


class Scenario(BaseModel):
    """A scenario file: what it says, and which parameters say it.

    `provisions` maps each numbered provision of the description to the parameters that carry it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    author: str = Field(min_length=1)
    reference: str = Field(min_length=1)
    description: dict[int, str] = Field(min_length=1)
    provisions: dict[int, list[str]]
    rate_year: int
    parameters: dict[str, Any] = Field(default_factory=dict)
    combinations: dict[str, list[str]] | None = None


def load_scenarios(policy: Policy) -> dict[str, tuple[Scenario, Policy]]:
    """Read params/scenarios/*.yml, each with the policy that it lays over the run's.

    InputError for a file that is not as described, a provision without parameters, a parameter
    that no provision names, or one that is unknown or of the wrong type.
    """
    scenarios = {}
    for file in sorted((params_dir() / "scenarios").glob("*.yml")):
        try:
            scenario = Scenario.model_validate(read_yaml(file))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"{file.name}: {where}: {first['msg']}") from error
        _check_provisions(file.name, scenario)
        load_policy(options=scenario.parameters)
        options = {**policy.options, **scenario.parameters}
        scenarios[file.stem] = (scenario, replace(policy, options=options))
    return scenarios


def _check_provisions(file: str, scenario: Scenario) -> None:
    named = {name for names in scenario.provisions.values() for name in names}
    known = {*scenario.parameters, *(["combinations"] if scenario.combinations else [])}
    if set(scenario.provisions) != set(scenario.description):
        odd = min(set(scenario.provisions) ^ set(scenario.description))
        raise InputError(f"{file}: provision {odd} has a description or parameters, not both")
    for name in sorted(named ^ known):
        hint = nearest(name, known | named - {name})
        raise InputError(f'{file}: "{name}" is a parameter or in a provision, not both{hint}')


def scenarios(study: Study) -> pd.DataFrame:
    """Each shipped scenario by hospital, beside the run's adopted terms (rules M1 to M5, A12).

    A scenario is computed on the run's own pair of years and national growth, so that scenarios
    differ in their terms alone.
    """
    frames = []
    for year in rate_years(study):
        adopted = terms_of(study, year)
        start = study.frame("mpa", exact=True)
        start = start[(start["rate_year"] == year) & (start["option"] == BASELINE)]
        known = start.set_index("ccn")[["mpa_percent", "mpa_dollars"]]
        for name, (scenario, policy) in load_scenarios(study.policy).items():
            rows = _scenario_rows(study, adopted, scenario, policy).assign(scenario=name)
            frames.append(rows.join(known.add_prefix("adopted_"), on="ccn"))
    return pd.concat(frames, ignore_index=True)[list(SCENARIOS)]


def _scenario_rows(
    study: Study, adopted: Terms, scenario: Scenario, policy: Policy
) -> pd.DataFrame:
    own = read_terms(policy, scenario.rate_year, adopted.national_growth)
    terms = replace(
        own,
        rate_year=adopted.rate_year,
        base_year=adopted.base_year,
        performance_year=adopted.performance_year,
    )
    groups = scenario.combinations
    members = (
        members_of(study, terms)
        if groups is None
        else {ccn: name for name, ccns in groups.items() for ccn in ccns}
    )
    return option_rows(study, setting_of(study, terms, members), terms)


def dollars_conserved(frame: pd.DataFrame) -> bool:
    """Whether each hospital's dollars are its percentage times its payments (rule M4)."""
    expected = dollars(frame["mpa_percent"].to_numpy(), frame["payments"].to_numpy(dtype=float))
    return bool((np.abs(frame["mpa_dollars"].to_numpy(dtype=float) - expected) < 0.0051).all())


# ---------------------------------------------------------------- schemas


_FLOAT = "float64"
MPA = {
    "rate_year": "int32",
    "option": "string",
    "ccn": "string",
    "combination": "string",
    "base_per_capita": _FLOAT,
    "adjusted_base": _FLOAT,
    "benchmark": _FLOAT,
    "attainment_benchmark": _FLOAT,
    "performance": _FLOAT,
    "result": _FLOAT,
    "scaled": _FLOAT,
    "quality": _FLOAT,
    "mpa_percent": _FLOAT,
    "payments": DOLLAR_SUM,
    "mpa_dollars": DOLLAR_SUM,
    "benes": _FLOAT,
}
SCENARIOS = {
    **{"scenario" if name == "option" else name: kind for name, kind in MPA.items()},
    "adopted_mpa_percent": _FLOAT,
    "adopted_mpa_dollars": DOLLAR_SUM,
}
OPTIONS = {
    "rate_year": "int32",
    "threshold": _FLOAT,
    "max_at_risk": _FLOAT,
    "attainment_weight": _FLOAT,
    "attainment_level": "string",
    "quality_sign": "string",
    "risk_method": "string",
    **dict.fromkeys(("total_up", "total_down", "net", "at_risk"), _FLOAT),
    **dict.fromkeys(("hospitals_up", "hospitals_down", "at_cap_up", "at_cap_down"), "int32"),
    "hospitals_beyond": "int32",
    "concentration": _FLOAT,
    "sign_changes": "int32",
    "largest_change": _FLOAT,
    "largest_change_ccn": "string",
    **dict.fromkeys(("net_low", "net_high", "sign_agreement"), _FLOAT),
}
NOISE = {
    "rate_year": "int32",
    "ccn": "string",
    "combination": "string",
    "benes": _FLOAT,
    "mpa_percent": _FLOAT,
    "percent_low": _FLOAT,
    "percent_high": _FLOAT,
    "result": _FLOAT,
    "result_error": _FLOAT,
    "probability_up": _FLOAT,
    "probability_down": _FLOAT,
    "chance_half": _FLOAT,
    "chance_cap": _FLOAT,
}
PANEL = {
    "rate_year": "int32",
    "true_change": _FLOAT,
    "certainty": _FLOAT,
    "min_benes": _FLOAT,
    "hospitals_large_enough": "int32",
    "hospitals": "int32",
    "noise_constant": _FLOAT,
}
CHANCE = {
    "rate_year": "int32",
    "benes": "int32",
    "threshold": _FLOAT,
    **dict.fromkeys(("result_error", "chance_half", "chance_cap", "mean_share"), _FLOAT),
}
SAVINGS = {
    "rate_year": "int32",
    "ccn": "string",
    "combination": "string",
    **{
        f"{name}_{unit}": _FLOAT
        for name in ("zero", "reward_cap", "penalty_cap")
        for unit in ("per_capita", "dollars")
    },
}

POLICY = ("mpa", "risk", "tcoc")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution", "risk_adjustment")
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS = (
    Product("mpa", ("rate_year", "option", "ccn"), mpa, MPA, csv=True),
    Product("mpa_options", ("rate_year", *GRID_KEYS), options, OPTIONS),
    Product("mpa_noise", ("rate_year", "ccn"), noise, NOISE),
    Product("mpa_panel", ("rate_year", "true_change"), panel, PANEL),
    Product("mpa_chance", ("rate_year", "benes", "threshold"), chance, CHANCE),
    Product("mpa_break_even", ("rate_year", "ccn"), savings, SAVINGS),
    Product("mpa_scenarios", ("rate_year", "scenario", "ccn"), scenarios, SCENARIOS),
)
"""The tables of the MPA, in the order in which later ones use earlier ones."""
