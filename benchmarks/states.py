"""Synthetic states for what must be measured over many: made, run, and kept as small sums.

A state is a store of some people, world and seed, carried through the rules; kept are its sums by
unit (rule R6), the size of its hospitals and the sums that prediction needs. The store itself is
removed. States are kept under benchmarks/.work/states by what they are made of, so a stopped
measurement goes on where it was.
"""

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from tcoc.deliverables.registry import study
from tcoc.params import load_run
from tcoc.paths import project_root
from tcoc.progress import Reporter
from tcoc.store.synth import write_synthetic_store
from tcoc.store.synth.worlds import load_world

WORK = Path(__file__).parent / ".work" / "states"
YEARS = (2015, 2018)
KEPT = ("risk_unit_sums", "risk_prediction_sums", "hospital_year")


@dataclass(frozen=True)
class State:
    """What a state is made of."""

    seed: int
    benes: int
    world: str = "default"
    last: int = 2018

    @property
    def folder(self) -> Path:
        """Where its sums are kept."""
        return WORK / made_by() / f"{self.world}-{self.benes}-{self.seed}-{self.last}"

    def frame(self, name: str) -> pd.DataFrame:
        """Return one of the kept tables; dollars as double."""
        frame = pd.read_parquet(self.folder / f"{name}.parquet")
        exact = [c for c in frame if frame[c].dtype == object and c in ("dollars", "tcoc")]
        return frame.astype(dict.fromkeys(exact, float))


@cache
def made_by() -> str:
    """Return a hash of the code and coefficients that make a state's sums."""
    root = project_root()
    package, rules = root / "lib" / "tcoc", root / "lib" / "tcoc" / "rules"
    places = [package / "store" / "synth", rules / "attribution", root / "params" / "synthetic"]
    files = [f for place in places for f in place.rglob("*") if f.suffix in (".py", ".yml", ".csv")]
    files += [rules / "population.py", rules / "spending.py", rules / "risk" / "buckets.py"]
    files += [rules / "inference" / name for name in ("units.py", "prediction.py")]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return digest.hexdigest()[:12]


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
    # Complete: what the extract would still lack is another question than sampling error.
    world = load_world(state.world).complete()
    write_synthetic_store(store, state.benes, state.seed, (2012, state.last), world=world)
    file = part / "run.yml"
    file.write_text(yaml.safe_dump(_run_file(store, state.last)))
    with study(load_run(file), part / "work") as opened:
        for name in KEPT:
            shutil.copy(opened.path(name), part / f"{name}.parquet")
    shutil.rmtree(part / "work")
    shutil.rmtree(store)
    part.rename(state.folder)


def _run_file(store: Path, last: int) -> dict[str, object]:
    return {
        "name": "state",
        "store": str(store.resolve()),
        "years": list(range(YEARS[0], last + 1)),
        "base_year": 2015,
        "performance_year": 2016,
        "deliverables": ["y1_attribution", "risk_adjustment"],
    }
