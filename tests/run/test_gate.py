"""The gate between the rooms: drafts that are kept change nothing of what leaves."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from tcoc.cache import Cache
from tcoc.deliverables import registry
from tcoc.disclosure import Draft, read_public
from tcoc.disclosure.files import as_csv
from tcoc.errors import GateError, TcocError
from tcoc.folders import private
from tcoc.identity import base_key
from tcoc.params import load_run
from tcoc.run import gate
from tcoc.run.gate import gate_tables
from tests.run.conftest import Home


def gated(home: Home, work: Path, cache: Cache | None, threshold: float) -> dict[str, bytes]:
    """Return all that the gate writes of a run with a threshold, by name."""
    run, public = load_run(home.folder / "tiny.yml", {"mpa.threshold": threshold}), work / "public"
    with registry.study(run, private(work), cache=cache) as opened:
        tables = gate_tables(opened, ["first", "second"], public)
    again = read_public(public / "tables")
    assert list(again) == list(tables)
    for name, table in tables.items():  # one that is just made is the one that will be read
        assert_frame_equal(table.frame, again[name].frame)
        assert_frame_equal(table.hidden, again[name].hidden)
        assert as_csv(table) == as_csv(again[name])
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


def test_only_what_read_a_changed_value_is_drafted_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, drafted = Cache(home.folder / "cache"), list[str]()
    write = gate.write_drafts

    def noted(drafts: Iterable[Draft], file: Path) -> None:
        drafted.append(file.parent.name)
        write(drafts, file)

    monkeypatch.setattr(gate, "write_drafts", noted)
    gated(home, home.folder / "filed", cache, 0.02)
    assert drafted == ["first", "second"]
    gated(home, home.folder / "changed", cache, 0.03)
    assert drafted == ["first", "second", "second"]
    # other code, as the base has it
    monkeypatch.setattr(gate, "base_key", lambda *of: base_key(*of, ("python",)))
    gated(home, home.folder / "other", cache, 0.03)
    assert drafted[3:] == ["first", "second"]


def test_only_the_refusal_of_the_gate_lets_a_run_stand_apart_from_earlier_releases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[TcocError] = [GateError("disclosure gate: too near"), TcocError("broken")]

    def refusing(_drafts: Any, _policy: Any, earlier: Any = ()) -> str:
        if earlier:
            raise raised.pop(0)
        return "alone"

    monkeypatch.setattr(gate.disclosure, "gate", refusing)
    earlier: Any = ["a record"]
    policy: Any = None
    assert gate._beside({}, policy, earlier) == ("alone", "too near")
    with pytest.raises(TcocError, match="broken"):
        gate._beside({}, policy, earlier)
