"""`tcoc lab`: every design in every world over many states, one after the other, resumable."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tcoc.deliverables.policy_lab.policies import (
    Book,
    Policy,
    attributed,
    book,
    pay,
    policies,
    profile_scores,
)
from tcoc.deliverables.policy_lab.score import ALL, as_rows, scores, size_labels, summarized
from tcoc.deliverables.policy_lab.simulate import (
    BASES,
    PERFORMANCE,
    Shape,
    SimulatedState,
    simulate,
)
from tcoc.deliverables.risk_adjustment.inputs import factors_of
from tcoc.errors import InputError
from tcoc.params import Policy as PolicyValues
from tcoc.params import PolicyLabPolicy
from tcoc.paths import params_dir, project_root
from tcoc.progress import Reporter
from tcoc.rules.risk.settings import RiskSettings, risk_settings
from tcoc.store.synth.config import load_config


@dataclass(frozen=True)
class Plan:
    """What the laboratory scores: designs, worlds, the people of a state, size classes."""

    policies: Mapping[str, Policy]
    worlds: tuple[str, ...]
    benes: int
    classes: tuple[int, ...]
    shape: Shape
    risk: RiskSettings

    @property
    def key(self) -> str:
        """A hash of all that a state's scores depend on: what is kept under another is not used."""
        told = {
            "policies": {name: p.model_dump() for name, p in self.policies.items()},
            "rest": [self.worlds, self.benes, self.classes, repr(self.shape), repr(self.risk)],
        }
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
        for file in _sources():
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


def _sources() -> list[Path]:
    package = Path(__file__).resolve().parents[2]
    own = [Path(__file__).with_name(f"{name}.py") for name in ("policies", "score", "simulate")]
    generator = sorted((package / "store" / "synth").glob("*.py"))
    rules = [package / "rules" / "risk" / "adjust.py", package / "rules" / "mpa" / "scale.py"]
    coefficients = (params_dir() / "synthetic").rglob("*.*")
    return [*own, *generator, *rules, *sorted(f for f in coefficients if f.is_file())]


def plan_of(values: PolicyValues, benes: int | None = None) -> Plan:
    """Read `params/policy/policy_lab.yml`; `benes` replaces the people of a state."""
    lab = PolicyLabPolicy.of(values)
    shape = Shape(
        lab.base_dollars,
        lab.need_dollars,
        lab.lump_dollars,
        lab.dialysis,
        lab.quiet,
        lab.price_share,
    )
    return Plan(
        policies(lab.policies),
        lab.worlds,
        benes or lab.benes,
        lab.size_classes,
        shape,
        risk_settings(values),
    )


def score_seed(plan: Plan, seed: int) -> list[dict[str, Any]]:
    """Return the metrics of every design, world and size class in the states of one seed."""
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    states = simulate(list(plan.worlds), plan.benes, seed, plan.shape)
    tables = profile_scores(plan.risk, factors_of(plan.risk))
    trend = load_config().settings["trend"]
    for world, state in states.items():
        books: dict[tuple[Any, ...], Book] = {}
        for name, policy in plan.policies.items():
            key = (policy.links, policy.truncate)
            if key not in books:
                hospital = attributed(state, policy.links)
                books[key] = book(state, hospital, policy.truncate, tables, trend)
            of = books[key]
            found |= _by_size(plan, world, name, policy, of, state)
    return as_rows(found, seed)


def _by_size(
    plan: Plan, world: str, name: str, policy: Policy, of: Book, state: SimulatedState
) -> dict[tuple[str, str, str], dict[str, float]]:
    paid = pay(policy, of, plan.risk)
    # A hospital's revenue is in proportion to the cost of the people it answers for.
    revenue = of.sums[PERFORMANCE].dollars[1:].sum(axis=(1, 2))
    present = (of.people > 0) & (of.sums[BASES[0]].months[1:].sum(axis=(1, 2)) > 0)
    labels = size_labels(of.people, plan.classes)
    groups = {ALL: present, **{str(s): present & (labels == s) for s in np.unique(labels)}}
    return {
        (world, name, size): scores(paid, revenue, policy.at_risk, chosen)
        for size, chosen in groups.items()
        if chosen.any()
    }


def lab_work() -> Path:
    """Return where the laboratory keeps what it has scored."""
    return project_root() / "outputs" / ".lab"


def run_lab(plan: Plan, states: int, out: Path, work: Path, report: Reporter) -> pd.DataFrame:
    """Score states that are not scored yet and write the results of all to `out`.

    A stopped run goes on where it was. Raises InputError for fewer than two states: one has no
    Monte Carlo error.
    """
    if states < 2:
        raise InputError(f"--states: found {states}, expected 2 or more")
    if out.is_dir() or not out.parent.is_dir():
        raise InputError(f"--out {out}: expected a file in a folder that is there")
    kept = work / plan.key
    kept.mkdir(parents=True, exist_ok=True)
    report.start("states", states)
    rows: list[dict[str, Any]] = []
    for seed in range(1, states + 1):
        file = kept / f"{seed}.json"
        if not file.is_file():
            partial = file.with_suffix(".part")
            partial.write_text(json.dumps(score_seed(plan, seed)))
            partial.rename(file)
        rows += json.loads(file.read_text())
        report.advance("states", f"seed {seed}")
        if seed > 1:
            write_results(plan, rows, seed, out)
    return summarized(pd.DataFrame(rows))


def write_results(plan: Plan, rows: list[dict[str, Any]], states: int, out: Path) -> None:
    """Write the scores of the states so far, with what they are scores of."""
    table = summarized(pd.DataFrame(rows))
    result = {
        "worlds": list(plan.worlds),
        "policies": {name: p.model_dump() for name, p in plan.policies.items()},
        "states": states,
        "benes": plan.benes,
        "scores": json.loads(table.round(6).to_json(orient="records")),
    }
    partial = out.with_suffix(".part")
    partial.write_text(json.dumps(result, indent=1) + "\n")
    partial.rename(out)
