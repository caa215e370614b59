"""Scenario files: sets of terms with a name, a source and numbered provisions."""

from dataclasses import replace
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcoc.deliverables.mpa_options.inputs import (
    BASELINE,
    Reader,
    members_of,
    national_growth,
    rate_years,
    setting_of,
)
from tcoc.deliverables.mpa_options.results import result_rows, scaled_rows
from tcoc.deliverables.mpa_options.schemas import SCENARIO_RESULTS, SCENARIOS
from tcoc.errors import InputError, nearest
from tcoc.params import Policy, load_policy, read_yaml
from tcoc.paths import params_dir
from tcoc.rules.mpa import Terms, base_terms, read_terms, result_terms
from tcoc.study import Study


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
        check_provisions(file.name, scenario)
        load_policy(options=scenario.parameters)
        options = {**policy.options, **scenario.parameters}
        scenarios[file.stem] = (scenario, replace(policy, options=options))
    return scenarios


def check_provisions(file: str, scenario: Scenario) -> None:
    """Hold provisions against parameters; InputError for one without the other."""
    named = {name for names in scenario.provisions.values() for name in names}
    known = {*scenario.parameters, *(["combinations"] if scenario.combinations else [])}
    if set(scenario.provisions) != set(scenario.description):
        odd = min(set(scenario.provisions) ^ set(scenario.description))
        raise InputError(f"{file}: provision {odd} has a description or parameters, not both")
    for name in sorted(named ^ known):
        hint = nearest(name, known | named - {name})
        raise InputError(f'{file}: "{name}" is a parameter or in a provision, not both{hint}')


def scenario_results(study: Study) -> pd.DataFrame:
    """Each shipped scenario's results by hospital, without the scale (rules M1, M5, M8, A12).

    A scenario is computed on the run's own pair of years and national growth, so that scenarios
    differ in their terms alone.
    """
    frames = [pd.DataFrame(columns=list(SCENARIO_RESULTS))]
    for year in rate_years(study):
        for name, (scenario, policy) in load_scenarios(study.policy).items():
            terms = _terms_of(study, year, scenario, policy, result_terms)
            groups = scenario.combinations
            members = (
                members_of(study, terms)
                if groups is None
                else {ccn: unit for unit, ccns in groups.items() for ccn in ccns}
            )
            rows = result_rows(study, setting_of(study, terms, members), terms)
            frames.append(rows.assign(scenario=name))
    return pd.concat(frames[1:] or frames, ignore_index=True)[list(SCENARIO_RESULTS)]


def scenarios(study: Study) -> pd.DataFrame:
    """Each shipped scenario by hospital, beside the run's own terms (rules M1 to M5, A12)."""
    results, frames = study.frame("mpa_scenario_results", exact=True), []
    for year in rate_years(study):
        start = study.frame("mpa", exact=True)
        start = start[(start["rate_year"] == year) & (start["option"] == BASELINE)]
        known = start.set_index("ccn")[["mpa_percent", "mpa_dollars"]]
        for name, (scenario, policy) in load_scenarios(study.policy).items():
            rows = results[(results["rate_year"] == year) & (results["scenario"] == name)]
            rows = scaled_rows(rows, _terms_of(study, year, scenario, policy, read_terms))
            frames.append(rows.join(known.add_prefix("adopted_"), on="ccn"))
    return pd.concat(frames, ignore_index=True)[list(SCENARIOS)]


def _terms_of(
    study: Study, rate_year: int, scenario: Scenario, policy: Policy, read: Reader
) -> Terms:
    """Return a scenario's terms on a rate year's own pair of years."""
    own = base_terms(study.policy, rate_year)
    return replace(
        read(policy, scenario.rate_year, national_growth(study.run, rate_year)),
        rate_year=rate_year,
        base_year=own.base_year,
        performance_year=own.performance_year,
    )
