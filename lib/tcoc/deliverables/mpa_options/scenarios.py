"""Scenario files: sets of terms with a name, a source and numbered provisions."""

from dataclasses import replace
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcoc.deliverables.mpa_options.inputs import (
    BASELINE,
    members_of,
    rate_years,
    setting_of,
    terms_of,
)
from tcoc.deliverables.mpa_options.results import option_rows
from tcoc.deliverables.mpa_options.schemas import SCENARIOS
from tcoc.errors import InputError, nearest
from tcoc.params import Policy, load_policy, read_yaml
from tcoc.paths import params_dir
from tcoc.rules.mpa import Terms, read_terms
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


def scenarios(study: Study) -> pd.DataFrame:
    """Each shipped scenario by hospital, beside the run's own terms (rules M1 to M5, A12).

    A scenario is computed on the run's own pair of years and national growth, so that scenarios
    differ in their terms alone.
    """
    frames = []
    for year in rate_years(study):
        own = terms_of(study.run, year)
        start = study.frame("mpa", exact=True)
        start = start[(start["rate_year"] == year) & (start["option"] == BASELINE)]
        known = start.set_index("ccn")[["mpa_percent", "mpa_dollars"]]
        for name, (scenario, policy) in load_scenarios(study.policy).items():
            rows = _scenario_rows(study, own, scenario, policy).assign(scenario=name)
            frames.append(rows.join(known.add_prefix("adopted_"), on="ccn"))
    return pd.concat(frames, ignore_index=True)[list(SCENARIOS)]


def _scenario_rows(study: Study, own: Terms, scenario: Scenario, policy: Policy) -> pd.DataFrame:
    read = read_terms(policy, scenario.rate_year, own.national_growth)
    terms = replace(
        read,
        rate_year=own.rate_year,
        base_year=own.base_year,
        performance_year=own.performance_year,
    )
    groups = scenario.combinations
    members = (
        members_of(study, terms)
        if groups is None
        else {ccn: name for name, ccns in groups.items() for ccn in ccns}
    )
    return option_rows(study, setting_of(study, terms, members), terms)
