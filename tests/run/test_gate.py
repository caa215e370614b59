"""The gate between the rooms: drafts that are kept change nothing of what leaves."""

from pathlib import Path

from tcoc.cache import Cache
from tcoc.deliverables import registry
from tcoc.folders import private
from tcoc.params import load_run
from tcoc.run.gate import gate_tables
from tests.run.conftest import Home


def gated(home: Home, work: Path, cache: Cache | None, threshold: float) -> dict[str, bytes]:
    """Return all that the gate writes of a run with a threshold, by name."""
    run = load_run(home.folder / "tiny.yml", {"mpa.threshold": threshold})
    with registry.study(run, private(work), cache=cache) as opened:
        public = gate_tables(opened, ["first", "second"], work / "public")
    files = [file for file in sorted(public.rglob("*")) if file.is_file()]
    return {file.relative_to(public).as_posix(): file.read_bytes() for file in files}


def test_a_changed_value_is_gated_as_a_run_from_nothing_gates_it(home: Home) -> None:
    """What a notebook with a changed value shows is what a run from nothing publishes (D1, D2)."""
    cache = Cache(home.folder / "cache")
    filed = gated(home, home.folder / "filed", cache, 0.02)
    changed = gated(home, home.folder / "changed", cache, 0.03)
    assert changed == gated(home, home.folder / "alone", None, 0.03)
    assert {name for name in filed if filed[name] != changed[name]} >= {
        "tables/second_people.parquet"
    }
