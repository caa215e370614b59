"""What can be known to be wrong with a run before it starts: missing, unused, uncovered.

A run that would stop after an hour, or leave a parameter without effect, is refused in a sentence.
"""

from collections.abc import Iterable
from importlib import import_module

from tcoc.errors import InputError, nearest
from tcoc.params import Run
from tcoc.store.layout import Store

NEEDED = {
    "risk_adjustment": ("base_year", "performance_year"),
    "qp_preliminary": ("qp_years",),
    "mpa_options": ("rate_years", "national_growth"),
}
"""Run keys that a deliverable cannot do without; the others have a meaning when left out."""

PAYMENT_LAG = 2
"""Payments under the QP rules follow the performance year by two years (42 CFR 414.1450)."""


def asked_years(run: Run, prefix: str, by: str) -> list[int]:
    """Return the years for which a run looks up the dated values of a policy file."""
    kind = by.removesuffix("_exact")
    if kind == "rate_year" or prefix == "mpa":
        return sorted(run.spec.rate_years)
    if prefix == "qp":
        lag = PAYMENT_LAG if kind == "payment_year" else 0
        return sorted(year + lag for year in run.spec.qp_years)
    return list(run.years)


def check_run(run: Run, store: Store) -> None:
    """Raise InputError for the first thing that is missing, unused or not covered."""
    for deliverable in run.spec.deliverables:
        _check_needed(run, deliverable)
    _check_years(run, store)
    _check_unused(run)
    _check_covered(run)


def _check_needed(run: Run, deliverable: str) -> None:
    for key in NEEDED.get(deliverable, ()):
        if not getattr(run.spec, key):
            raise InputError(f'{run.file.name}: "{key}" is missing; {deliverable} needs it')


def _check_years(run: Run, store: Store) -> None:
    for year in run.years:
        if year not in store.years:
            have = ", ".join(map(str, store.years)) or "none"
            raise InputError(
                f"{run.file.name}: years: {year} is not in the store, which has {have}"
            )
    single = [y for y in (run.spec.base_year, run.spec.performance_year) if y is not None]
    for key, wanted in (
        ("base_year and performance_year", single),
        ("qp_years", run.spec.qp_years),
    ):
        for year in wanted:
            if year not in run.years:
                raise InputError(
                    f"{run.file.name}: {key}: {year} is not among the run's years,"
                    f" {', '.join(map(str, run.years))}"
                )


def policy_prefixes(deliverables: Iterable[str]) -> set[str]:
    """Return the policy files that some deliverables use; the disclosure policy always counts."""
    used = {"disclosure"}
    for name in deliverables:
        used.update(import_module(f"tcoc.deliverables.{name}.sections").POLICY)
    return used


def _check_unused(run: Run) -> None:
    used = policy_prefixes(run.spec.deliverables)
    for name in run.spec.options:
        if name.split(".", 1)[0] not in used:
            raise InputError(
                f"{run.file.name}: options: {name} is used by none of the run's deliverables,"
                f" {', '.join(run.spec.deliverables)}"
            )
    for year in run.spec.completion:
        if year not in run.years:
            raise InputError(
                f"{run.file.name}: completion: {year} is not among the run's years"
                f"{nearest(str(year), run.years)}"
            )
    for year in run.spec.national_growth:
        if year not in run.spec.rate_years:
            raise InputError(
                f"{run.file.name}: national_growth: {year} is not among rate_years"
                f"{nearest(str(year), run.spec.rate_years)}"
            )


def _check_covered(run: Run) -> None:
    used = policy_prefixes(run.spec.deliverables)
    for name, entry in run.policy.entries.items():
        prefix = name.split(".", 1)[0]
        if prefix not in used or not entry.values:
            continue
        for year in asked_years(run, prefix, entry.by):
            run.policy.get(name, year)
