"""`tcoc sensitivity`: each assumed value at each of its alternatives, one at a time (rule S1).

A case is the run with one value replaced. Its tables come from the cache as any run's do, so a
value of the MPA starts from the kept attribution, and a case that was measured before is not
measured again: its result stands as a small file until code, parameters or data change.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from tcoc.cache import FOLDER, Cache, measured_file
from tcoc.deliverables import registry
from tcoc.deliverables.mpa_options.inputs import (
    rate_years,
    setting_of,
    single_terms,
    terms_of,
)
from tcoc.deliverables.mpa_options.results import option_rows
from tcoc.deliverables.mpa_options.sensitivity import SENSITIVITY, results_digest
from tcoc.deliverables.y1_attribution.completion import completion_facts
from tcoc.errors import InputError, TcocError
from tcoc.folders import owner_only, private, work_beside, write_whole
from tcoc.identity import digest_of, package_digest, parameter_digest
from tcoc.params import Run, load_run
from tcoc.params.completion import given_factor
from tcoc.progress import Reporter
from tcoc.resources.shortage import explained, limited
from tcoc.rules.mpa.sensitivity import Effect, effect, people_moved
from tcoc.run.judge import check_asked, check_run
from tcoc.run.places import outputs_dir
from tcoc.store.layout import open_store
from tcoc.study import Study

DELIVERABLE = "mpa_options"
TASK = "alternatives"
NAME = "sensitivity"
NOTHING = Effect(float("nan"), float("nan"), 0, float("nan"), float("nan"))


@dataclass(frozen=True)
class Case:
    """One value at one alternative: the change of the run, and how a reader calls it."""

    name: str
    alternative: str
    now: str
    description: str
    rule: str
    changes: tuple[tuple[str, Any], ...]

    @property
    def key(self) -> str:
        """The name of the file that keeps its result."""
        return digest_of([self.name, self.changes])[:24]


def measure(
    file: Path, report: Reporter, outputs: Path | None = None, memory_limit: str | None = None
) -> Path:
    """Measure every alternative of a run file and return the table that holds what they move.

    Cases that were measured on the same code, parameters and data are taken from before, so an
    interrupted measurement goes on where it stopped. Raises InputError for a run that is not
    usable or does not ask for the MPA.
    """
    run = load_run(file)
    if DELIVERABLE not in run.spec.deliverables:
        raise InputError(f"{file.name}: sensitivity is measured in the MPA's dollars; the run does"
                         f" not name {DELIVERABLE} among its deliverables")  # fmt: skip
    store = open_store(run.store_path)
    check_run(run, store)
    check_asked(run, store, [DELIVERABLE])
    top = outputs_dir(outputs, run.file)
    with limited(memory_limit), owner_only(), explained(f"sensitivity of {run.name}", place=top):
        cache = Cache(private(top / FOLDER))
        place = private(measured_file(cache, run.name, NAME).parent)
        with work_beside(place / "work") as work:
            table = _measured(run, file, cache, place, work, report, memory_limit)
        target = measured_file(cache, run.name, NAME)
        partial = target.with_suffix(".partial")
        table.to_parquet(partial, index=False)
        partial.chmod(0o600)
        partial.rename(target)
    return target


# ---------------------------------------------------------------- cases


def cases(run: Run) -> list[Case]:
    """Return every alternative of every assumed value that the MPA's dollars can rest on."""
    scope = registry.catalog().public_scope(DELIVERABLE)
    found = [
        case for name in sorted(run.policy.entries) for case in _of_value(run, name, scope.policy)
    ]
    return [*found, *_completion_cases(run)]


def _of_value(run: Run, name: str, files: Iterable[str]) -> Iterator[Case]:
    entry = run.policy.entries[name]
    if name.split(".", 1)[0] not in files or name in run.policy.options:
        return
    if entry.type == "statement":
        return  # what the data take for granted has no other value to compute with
    values = [entry.value] if entry.value else list(entry.values.values())
    if not any(v.status == "assumed" for v in values if v):
        return
    for other in entry.alternatives:
        # A dated value is replaced for the years of this run; the file's other years stay away.
        change = other
        if entry.values and not isinstance(other, Mapping):
            change = dict.fromkeys(sorted({*run.spec.rate_years, *entry.values}), other)
        alternative, now = _both(run, name, other)
        yield Case(name, alternative, now, entry.description, entry.rule, ((name, change),))


def _both(run: Run, name: str, other: Any) -> tuple[str, str]:
    """Write an alternative and the value of this run; of dated ones, for the run's rate years."""
    entry, years = run.policy.entries[name], sorted(run.spec.rate_years)
    if not entry.values:
        return _said(other), _said(run.policy.get(name))
    own = {year: run.policy.get(name, year) for year in years}
    changed = {year: other.get(year, own[year]) if isinstance(other, Mapping) else other
               for year in years}  # fmt: skip
    if len(years) == 1:
        return _said(changed[years[0]]), _said(own[years[0]])
    return _said(changed), _said(own)


def _completion_cases(run: Run) -> Iterator[Case]:
    """Yield the compared years at no completion factor, where the run gives or measures one."""
    for year, entry in sorted(run.spec.completion.items()):
        if entry == 1.0:
            continue
        changed = {y: e for y, e in _plain(run).items() if y != year} | {year: 1.0}
        yield Case(
            f"completion of {year}",
            "none (1)",
            _said_factor(entry),
            "Share of the year's dollars that the extract holds (run file).",
            "T2",
            (("completion", changed),),
        )


def _said_factor(entry: Any) -> str:
    given = given_factor(entry)
    return "measured" if given is None else f"{given.value:g}"


def _plain(run: Run) -> dict[int, Any]:
    dumped = run.spec.model_dump(mode="json")["completion"]
    return {int(year): entry for year, entry in dumped.items()}


def _said(value: Any) -> str:
    """Write an alternative as a reader reads it, short."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{str(k).replace('_', ' ')} {_said(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        text = ", ".join(map(_said, value))
        return text if len(text) <= 60 else f"{len(value)} values from {_said(value[0])}"
    return str(value).replace("_", " ")


# ---------------------------------------------------------------- measuring


@dataclass(frozen=True)
class _Base:
    """The run as it is: dollars, attribution and the state's per capita."""

    dollars: pd.DataFrame
    attribution: Path
    per_capita: float
    year: int
    seconds: float


def _measured(
    run: Run,
    file: Path,
    cache: Cache,
    place: Path,
    work: Path,
    report: Reporter,
    memory_limit: str | None,
) -> pd.DataFrame:
    wanted = cases(run)
    report.say(f"{run.name}: {len(wanted)} alternatives; the run as it is comes first")
    start = time.perf_counter()
    with registry.study(run, work / "base", memory_limit, None, cache) as study:
        base = _base_of(study, start)
        known = private(place / _rests_on(study))
        todo = [case for case in wanted if not (known / f"{case.key}.json").is_file()]
        report.say(_estimate(len(wanted), todo, base.seconds))
        report.start(TASK, len(wanted))
        rows = []
        for number, case in enumerate(wanted):
            kept = known / f"{case.key}.json"
            if not kept.is_file():
                found = _effect_of(case, file, cache, study, base, work / str(number), memory_limit)
                write_whole(kept, json.dumps(found).encode())
            rows.append(_row(case, json.loads(kept.read_text(encoding="utf-8"))))
            report.advance(TASK, f"{case.name} = {case.alternative}")
        digest = results_digest(base.dollars)
    table = pd.DataFrame(rows).assign(results=digest)
    order = table["dollars_moved"].fillna(-1.0)
    return table.iloc[order.sort_values(ascending=False, kind="stable").index][list(SENSITIVITY)]


def _rests_on(study: Study) -> str:
    """Return what all cases rest on: code, parameter files, the run file, policy and data."""
    spec = study.run.spec.model_dump(mode="json")
    policy = [[use.name, use.year, use.value] for use in _uses(study.run)]
    parts = [package_digest(), parameter_digest(), spec, policy, study.digest("store", ""),
             study.digest("reference", "")]  # fmt: skip
    return digest_of(parts)[:24]


def _uses(run: Run) -> list[Any]:
    return run.policy.uses(run.policy.files, {*run.years, *run.spec.rate_years})


def _estimate(count: int, todo: list[Case], seconds: float) -> str:
    """Say how many cases are left and about how long they take, from the run as it is."""
    slow = sum(case.name.startswith("attribution.") for case in todo)
    # Only a case of attribution makes everything anew; the others start from what is kept.
    about = (slow * seconds + (len(todo) - slow) * seconds / 5) / 60
    return f"{count - len(todo)} of {count} are kept; {len(todo)} take about {about:.0f} minutes"


def _base_of(study: Study, start: float) -> _Base:
    dollars = _dollars(study)
    year = terms_of(study.run, rate_years(study)[0]).performance_year
    return _Base(
        dollars,
        study.path("attribution"),
        _per_capita(study, year),
        year,
        time.perf_counter() - start,
    )


def _dollars(study: Study) -> pd.DataFrame:
    """Return each hospital's dollars alone, under the rate years' own terms (rules M1 to M4)."""
    frames = []
    for year in rate_years(study):
        terms = single_terms(study, year)
        rows = option_rows(study, setting_of(study, terms, {}), terms)
        frames.append(rows[["rate_year", "ccn", "mpa_dollars"]])
    return pd.concat(frames, ignore_index=True)


def _per_capita(study: Study, year: int) -> float:
    frame = study.frame("state_year")
    return float(frame.loc[frame["year"] == year, "per_capita"].iloc[0])


def _effect_of(
    case: Case,
    file: Path,
    cache: Cache,
    study: Study,
    base: _Base,
    work: Path,
    memory_limit: str | None,
) -> dict[str, Any]:
    """Measure one case; one that the rules refuse says why, and moves nothing that is known."""
    start = time.perf_counter()
    try:
        changed = load_run(file, dict(case.changes))
        with registry.study(changed, work, memory_limit, None, cache) as other:
            dollars = _dollars(other)
            year = terms_of(other.run, rate_years(other)[0]).performance_year
            moved = _people(study, base, other.path("attribution"), year)
            found = effect(
                base.dollars, dollars, moved, (base.per_capita, _per_capita(other, base.year))
            )
            short = [f.year for f in completion_facts(other).values() if f.incomplete]
    except InputError as error:
        return {"why": str(error), "seconds": time.perf_counter() - start, **asdict(NOTHING)}
    why = f"{short[0]} is incomplete and is compared all the same" if short else ""
    return {"why": why, "seconds": time.perf_counter() - start, **asdict(found)}


def _people(study: Study, base: _Base, other: Path, year: int) -> float:
    if base.attribution.read_bytes() == other.read_bytes():
        return 0.0
    before: ir.Table = study.connection.parquet(base.attribution)
    return people_moved(before, study.connection.parquet(other), year)


def _row(case: Case, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "assumption": case.name,
        "alternative": case.alternative,
        "now": case.now,
        "description": case.description,
        "rule": case.rule,
        **{name: found[name] for name in (*asdict(NOTHING), "why")},
    }


def render(table: Path, most: int = 10) -> str:
    """Return the assumptions that move most, as lines for the owner's terminal."""
    frame = pd.read_parquet(table)
    if frame.empty:
        raise TcocError("no assumed value has alternatives; nothing was measured")
    lines = ["dollars moved   other sign   people moved   assumption"]
    lines += [
        f"{row.dollars_moved:>13,.0f}   {row.hospitals_other_sign:>10}"
        f"   {row.people_moved:>12,.0f}   {row.assumption} = {row.alternative}, not {row.now}"
        for row in frame.head(most).itertuples()
    ]
    return "\n".join([*lines, f"{table}: {len(frame)} alternatives; `tcoc run` shows them"])
