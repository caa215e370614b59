"""Synthetic states for what must be measured over many: made, run, and kept as small sums.

A state is a store of some people, world and seed, carried through the rules; kept are its sums by
unit (rule R6), the size of its hospitals and the sums that prediction needs. The store itself is
removed. States are kept under benchmarks/.work/states by what they are made of, so a stopped
measurement goes on where it was.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from tcoc.params import load_run
from tcoc.progress import Reporter
from tcoc.store.synth import write_synthetic_store
from tcoc.study import study

WORK = Path(__file__).parent / ".work" / "states"
YEARS = (2015, 2016, 2017, 2018)
KEPT = ("risk_unit_sums", "risk_prediction_sums", "hospital_year")


@dataclass(frozen=True)
class State:
    """What a state is made of."""

    seed: int
    benes: int
    world: str = "default"

    @property
    def folder(self) -> Path:
        """Where its sums are kept."""
        return WORK / f"{self.world}-{self.benes}-{self.seed}"

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of the kept tables; dollars as double."""
        frame = pd.read_parquet(self.folder / f"{name}.parquet")
        exact = [c for c in frame if frame[c].dtype == object and c in ("dollars", "tcoc")]
        return frame.astype(dict.fromkeys(exact, float))


def states(wanted: Iterable[State], report: Reporter) -> Iterator[State]:
    """Make the states that are not kept yet, one after the other, and give each when it is."""
    listed = list(wanted)
    report.start("states", len(listed))
    for state in listed:
        if not state.folder.is_dir():
            _make(state)
        report.advance("states", f"{state.world} {state.seed}")
        yield state


def _make(state: State) -> None:
    store = state.folder.with_name(f".{state.folder.name}.store")
    part = state.folder.with_name(f".{state.folder.name}.part")
    for left in (store, part):
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(parents=True)
    write_synthetic_store(store, state.benes, state.seed, **_world(state))
    file = part / "run.yml"
    file.write_text(yaml.safe_dump(_run_file(store)))
    with study(load_run(file), part / "work") as opened:
        for name in KEPT:
            shutil.copy(opened.path(name), part / f"{name}.parquet")
    shutil.rmtree(part / "work")
    shutil.rmtree(store)
    part.rename(state.folder)


def _world(state: State) -> dict[str, str]:
    return {} if state.world == "default" else {"world": state.world}


def _run_file(store: Path) -> dict[str, object]:
    return {
        "name": "state",
        "store": str(store.resolve()),
        "years": list(YEARS),
        "base_year": 2015,
        "performance_year": 2016,
        "deliverables": ["y1_attribution", "risk_adjustment"],
    }
