"""`tcoc synth --world`: which world was made, and what an unknown one says."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tcoc.cli import app

ARGUMENTS = ["synth", "--benes", "60", "--seed", "1", "--years", "2016-2016"]


def test_a_world_by_name_stands_in_the_store(tmp_path: Path) -> None:
    out = tmp_path / "store"
    result = CliRunner().invoke(app, [*ARGUMENTS, "--out", str(out), "--world", "none_drift"])
    assert result.exit_code == 0, result.output
    made = json.loads((out / "store.json").read_text())["source"]["world"]
    assert made == {"name": "none_drift", "cost": "none", "drift": 0.01, "effect": 1.0}


def test_an_unknown_world_is_one_sentence(tmp_path: Path) -> None:
    from tcoc.errors import InputError

    with pytest.raises(InputError, match=r'found "buckets".*did you mean "bucket"'):
        CliRunner().invoke(
            app,
            [*ARGUMENTS, "--out", str(tmp_path / "s"), "--world", "buckets"],
            catch_exceptions=False,
        )
    assert not (tmp_path / "s").exists()
