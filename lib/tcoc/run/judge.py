"""What can be known to be wrong with a run before it starts: missing, unused, uncovered.

A run that would stop after an hour, or leave a parameter without effect, is refused in a sentence.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tcoc.deliverables import registry
from tcoc.errors import InputError, nearest
from tcoc.params import Run
from tcoc.params.completion import given_factor
from tcoc.reference import Reference, load_reference
from tcoc.store.layout import Store, store_files
from tcoc.store.schema import TABLES

PAYMENT_LAG = 2
"""Payments under the QP rules follow the performance year by two years (42 CFR 414.1450)."""

LONGEST_NAME = 60
"""A run's name is a folder's and part of others; file systems end at 255 bytes."""

LEAST_COMPLETION = 0.5
"""A year of which less than half has come in is no year to attribute or compare."""

MOST_WINDOW = 10
"""No store has more years of claims before a year than this; a longer look-back is a slip."""

STATES = frozenset(
    "AK AL AR AS AZ CA CO CT DC DE FL FM GA GU HI IA ID IL IN KS KY LA MA MD ME MH MI MN MO MP MS"  # noqa: SIM905
    " MT NC ND NE NH NJ NM NV NY OH OK OR PA PR PW RI SC SD TN TX UT VA VI VT WA WI WV WY".split()
)
"""USPS codes of states, the district and territories."""

DUAL_CODES = frozenset(("00", "01", "02", "03", "04", "05", "06", "08", "09", "10", "99", "NA"))
"""Monthly dual status codes of CMS's enrollment files (CCW, DUAL_STUS_CD)."""


def asked_years(run: Run, prefix: str, by: str) -> list[int]:
    """Return the years for which a run looks up the dated values of a policy file."""
    kind = by.removesuffix("_exact")
    if kind == "rate_year":
        return sorted(run.spec.rate_years)
    keys = {key for d in registry.deliverables() for file, key in d.dated.items() if file == prefix}
    years = sorted({y for key in keys for y in getattr(run.spec, key)}) if keys else [*run.years]
    return [year + PAYMENT_LAG for year in years] if kind == "payment_year" else years


def check_run(run: Run, store: Store) -> None:
    """Raise InputError for the first thing that is missing, unused or not covered."""
    check_known(run)
    _check_sense(run)
    _check_readable(store)
    for deliverable in run.spec.deliverables:
        _check_needed(run, deliverable)
    _check_years(run, store)
    _check_unused(run)
    _check_covered(run)


def check_asked(run: Run, store: Store, names: Iterable[str]) -> Reference:
    """Let each of some deliverables, and what they build on, refuse what it cannot work with.

    Returns the run's reference tables, which are read and checked for that.
    """
    references = load_reference(run)
    catalog = registry.catalog()
    asked = {part for name in names for part in catalog.builds_on(name)}
    for deliverable in registry.deliverables():
        if deliverable.name in asked and deliverable.judge is not None:
            deliverable.judge(run, store, references)
    return references


def check_known(run: Run) -> None:
    """Refuse a run file that names a deliverable that there is not: the registry knows them all."""
    known = registry.names()
    for name in run.spec.deliverables:
        if name not in known:
            raise InputError(
                f'{run.file.name}: deliverables: "{name}" is unknown{nearest(name, known)}'
            )


def _check_sense(run: Run) -> None:
    """Refuse what is of the right type and still no run: numbers, names, years, codes."""
    spec, where = run.spec, run.file.name
    if len(spec.name) > LONGEST_NAME:
        raise InputError(
            f"{where}: name: found {len(spec.name)} characters, expected at most {LONGEST_NAME}"
        )
    for key, value in spec.model_dump().items():
        if (found := _not_finite(value)) is not None:
            raise InputError(f"{where}: {key}: found {found}, expected a finite number")
    if spec.base_year and spec.performance_year and spec.base_year >= spec.performance_year:
        raise InputError(
            f"{where}: base_year: found {spec.base_year}, expected a year before"
            f" performance_year, {spec.performance_year}"
        )
    for key in ("years", "qp_years", "rate_years", "deliverables"):
        values = getattr(spec, key)
        if twice := [value for value in values if values.count(value) > 1]:
            raise InputError(f"{where}: {key}: {twice[0]} stands twice")
    for year, entry in spec.completion.items():
        given = given_factor(entry)
        if given is not None and given.value < LEAST_COMPLETION:
            raise InputError(
                f"{where}: completion: {year}: found {given.value:g}, expected at least"
                f" {LEAST_COMPLETION:g}"
            )
    _check_codes(run)


def _check_readable(store: Store) -> None:
    """Refuse a store of which a file is cut off, or gone; only the files' ends are read."""
    rows = {}
    for file in store_files(store.root):
        if file.suffix == ".parquet":
            try:
                rows[file] = pq.read_metadata(file).num_rows
            except (pa.ArrowException, OSError) as error:
                raise InputError(f"{file}: not a Parquet file that can be read") from error
    told = store.info.get("rows")
    for table, said in told.items() if isinstance(told, dict) else ():
        found = sum(rows.get(file, 0) for file in store.files(table)) if table in TABLES else said
        if found != said:
            raise InputError(
                f"{store.root / table}: found {found:,} rows, expected {said}, as store.json says"
            )


def _not_finite(value: Any) -> float | None:
    """Return a number that is none or infinite, wherever it stands in a value."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple)):
        return next((f for part in value if (f := _not_finite(part)) is not None), None)
    return value if isinstance(value, float) and not isfinite(value) else None


def _check_codes(run: Run) -> None:
    policy, where = run.policy, f"{run.file.name}: options"
    state = str(policy.get("attribution.resident_state"))
    if state not in STATES:
        raise InputError(
            f'{where}: attribution.resident_state: found "{state}", expected a USPS code'
            f"{nearest(state, sorted(STATES))}"
        )
    for code in policy.get("attribution.dual_codes"):
        if str(code) not in DUAL_CODES:
            raise InputError(
                f'{where}: attribution.dual_codes: found "{code}", expected dual status codes:'
                f" {', '.join(sorted(DUAL_CODES))}"
            )
    form = policy.get("attribution.window")
    for kind, count in form.items() if isinstance(form, dict) else ():
        if isinstance(count, int) and count > MOST_WINDOW:
            raise InputError(
                f"{where}: attribution.window: {kind}: found {count}, expected at most"
                f" {MOST_WINDOW}"
            )


def _check_needed(run: Run, deliverable: str) -> None:
    for key in registry.find(deliverable).needs:
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
    return {"disclosure", *(file for name in deliverables for file in registry.find(name).policy)}


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
