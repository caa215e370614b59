"""A run file for a new data year, and what the rules have to say about that year.

Every dated policy value is listed with the year from which it comes, so that a rerun never uses an
old value without somebody having seen it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tcoc.errors import InputError
from tcoc.params import Policy, PolicyEntry, Run, load_run, read_yaml
from tcoc.run.judge import asked_years, check_known, policy_prefixes


@dataclass(frozen=True)
class DatedValue:
    """What one dated policy value will be in the new year.

    state: sourced or assumed (a value of that very year), held (an earlier year's value goes on),
    missing (none applies); `since` is the year that the value stands under.
    """

    name: str
    year: int
    state: str
    since: int | None
    value: Any
    source: str


def new_year(year: int, old_file: Path) -> tuple[Path, list[DatedValue]]:
    """Write the run file of a new year beside the old one; return it and the dated values.

    All years of the old run move by the same step, so that its last year becomes `year`.
    Raises InputError where the year is not later, or where the new file exists.
    """
    old = load_run(old_file)
    check_known(old)
    step = year - max(old.years)
    if step <= 0:
        raise InputError(
            f"new-year: found {year}, expected a year after {max(old.years)},"
            f" the last of {old_file.name}"
        )
    name = _name(old.name, max(old.years), year)
    target = old_file.with_name(f"{name}.yml")
    if target.exists():
        raise InputError(f"{target}: exists already; remove it or choose another year")
    target.write_text(_text(_moved(read_yaml(old_file), name, step), old), encoding="utf-8")
    return target, dated_values(load_run(target))


def _name(old: str, last: int, year: int) -> str:
    return old.replace(str(last), str(year)) if str(last) in old else f"{old}-{year}"


def _moved(spec: dict[str, Any], name: str, step: int) -> dict[str, Any]:
    """Move every year of a run file by a step; what must be looked up anew is left out."""
    moved = dict(spec) | {"name": name}
    for key in ("years", "qp_years", "rate_years"):
        if key in spec:
            moved[key] = [y + step for y in spec[key]]
    for key in ("base_year", "performance_year"):
        if key in spec:
            moved[key] = spec[key] + step
    kept = {y: f for y, f in spec.get("completion", {}).items() if y in moved["years"]}
    for key in ("completion", "national_growth"):
        moved.pop(key, None)
    return moved | ({"completion": kept} if kept else {})


def _text(spec: dict[str, Any], old: Run) -> str:
    body = yaml.safe_dump(spec, sort_keys=False, default_flow_style=None).rstrip()
    head = f"# Made from {old.file.name}. Look at every line, then delete this one."
    return "\n".join([head, body, *_reminders(spec, old)]) + "\n"


def _reminders(spec: dict[str, Any], old: Run) -> list[str]:
    """Say in comments what must be looked up for the new year."""
    last = max(spec["years"])
    due = f"# completion of {last}: add a factor if its claims end before 31 March {last + 1}"
    growth = [
        f"# national_growth: {{{year}: {{value: , source: }}}}   (mpa_options has no default)"
        for year in spec.get("rate_years", [])
        if old.spec.national_growth
    ]
    return ([] if last in spec.get("completion", {}) else [due]) + growth


def dated_values(run: Run) -> list[DatedValue]:
    """Return what each dated policy value of the run's deliverables is in each year it is asked."""
    used = policy_prefixes(run.spec.deliverables)
    found = []
    for name, entry in sorted(run.policy.entries.items()):
        prefix = name.split(".", 1)[0]
        if prefix in used and entry.values:
            years = asked_years(run, prefix, entry.by)
            found += [_dated(run.policy, name, entry, year) for year in years[-1:]]
    return found


def _dated(policy: Policy, name: str, entry: PolicyEntry, year: int) -> DatedValue:
    earlier = [y for y in entry.values if y <= year]
    if year in entry.values or (earlier and not entry.by.endswith("_exact")):
        since = max(earlier)
        use = policy.use(name, year)
        state = use.status if since == year else "held"
        return DatedValue(name, year, state, since, use.value, use.source)
    nearest_year = max(earlier) if earlier else min(entry.values)
    near = entry.values[nearest_year]
    return DatedValue(name, year, "missing", nearest_year, near.value, near.source)


WORDS = {
    "sourced": "sourced for {year}",
    "assumed": "assumed for {year}",
    "held": "held over from {since}: confirm or add {year}",
    "missing": "MISSING for {year}; nearest is {since}",
}


def render_dated(values: Sequence[DatedValue], undated: Sequence[str] = ()) -> str:
    """Return one line per dated value, the missing and held ones first."""
    order = {"missing": 0, "held": 1, "assumed": 2, "sourced": 3}
    lines = [
        f"  {v.name} = {_short(v.value)}: {WORDS[v.state].format(year=v.year, since=v.since)}"
        f" ({v.source})"
        for v in sorted(values, key=lambda v: (order[v.state], v.name))
    ]
    lines += [f"  {name}: assumed, not dated" for name in undated]
    return "\n".join(lines) if lines else "  no dated policy value is used"


def _short(value: Any) -> str:
    text = re.sub(r"\s+", " ", str(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def undated_assumptions(run: Run) -> list[str]:
    """Return the names of assumed policy values that hold for all years."""
    used = policy_prefixes(run.spec.deliverables)
    return [
        name
        for name, entry in sorted(run.policy.entries.items())
        if name.split(".", 1)[0] in used and entry.value and entry.value.status == "assumed"
    ]
