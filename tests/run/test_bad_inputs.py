"""What once was accepted, hung or ended in a traceback: each is one sentence and a status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tcoc.cli import app
from tcoc.errors import InputError, TcocError
from tcoc.params import load_run
from tcoc.params.yaml_file import read_yaml
from tcoc.resources.shortage import memory_limit
from tcoc.run.runner import RunRequest, execute_run
from tests.run.conftest import Home, Lines

DEEP = "options: " + "[" * 3_000 + "]" * 3_000 + "\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(12)
)

FILES = {
    "a NUL byte": ("name: ti\x00ny\n", "not YAML"),
    "a key that is a list": ("? [a, b]\n: 1\n", "cannot be a key"),
    "a key that is a mapping": ("{a: 1}: 1\n", "cannot be a key"),
    "3,000 levels": (DEEP, "nested more than"),
    "aliases that explode": (BOMB, "repeats a value"),
    "a list": ("- 1\n", "expected keys and values"),
    "nothing": ("", "expected keys and values"),
    "a key twice": ("name: a\nname: b\n", "stands twice"),
    "bad indentation": ("name: a\n  years: [1\n", "is not YAML"),
    "an unknown tag": ("name: !!python/object:os.system x\n", "is not YAML"),
    "a date that is none": ("name: 2018-99-99\n", ""),
    "a number too long": ("years: [" + "9" * 5_000 + "]\n", ""),
    "a large file": ("name: a\n#" + "x" * 1_100_000, "bytes, expected at most"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_run_file_that_is_none(case: str, tmp_path: Path) -> None:
    text, sentence = FILES[case]
    (tmp_path / "bad.yml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_run(tmp_path / "bad.yml")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "bad.yml" in str(caught.value)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_yaml(tmp_path / "bad.yml")


RUNS = {
    "base after performance": ({"base_year": 2017, "performance_year": 2016}, "a year before"),
    "base is performance": ({"base_year": 2016, "performance_year": 2016}, "a year before"),
    "NaN growth": (
        {"national_growth": {2020: {"value": float("nan"), "source": "x"}}},
        "found nan",
    ),
    "infinite growth": ({"national_growth": {2020: {"value": float("inf"), "source": "x"}}}, "inf"),
    "NaN completion": ({"completion": {2017: float("nan")}}, ""),
    "NaN option": ({"attribution.primary_care_share": float("nan")}, ""),
    "Narnia": ({"attribution.resident_state": "Narnia"}, "resident_state"),
    "a state that is none": ({"attribution.resident_state": "ZZ"}, "USPS"),
    "dual codes": ({"attribution.dual_codes": ["ZZ"]}, "dual_codes"),
    "a window of 99 years": ({"attribution.window": {"calendar_years": 99}}, "window"),
    "a year twice": ({"years": [2016, 2016, 2017]}, "stands twice"),
    "qp_years twice": ({"qp_years": [2017, 2017]}, "stands twice"),
    "rate_years twice": ({"rate_years": [2020, 2020]}, "stands twice"),
    "completion of a hundredth": ({"completion": {2017: 0.01}}, "completion"),
    "a long name": ({"name": "a" * 300}, "expected at most"),
    "a name that is a path": ({"name": "../elsewhere"}, "name"),
    "a hidden name": ({"name": ".hidden"}, "name"),
    "years of text": ({"years": "2016"}, "years"),
    "a store that is a file": ({"store": "tiny.yml"}, "there is no such store"),
    "a store of NUL": ({"store": "a\x00b"}, ""),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_run_that_makes_no_sense(case: str, home: Home) -> None:
    changes, sentence = RUNS[case]
    with pytest.raises(InputError) as caught:
        home.run(changes=changes)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not home.outputs.exists()


@pytest.mark.parametrize("limit", ["99999999TB", "1e9GB", "-1GB", "nan", "GB", "1 BB", "9" * 400])
def test_a_memory_limit_that_is_none(limit: str) -> None:
    with pytest.raises(InputError, match="memory limit: found"):
        memory_limit(limit)


def refused(home: Home, outputs: Path) -> str:
    with pytest.raises(InputError) as caught:
        home.run(outputs=outputs)
    return str(caught.value)


def test_out_on_a_file_and_under_a_device(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "run folders cannot be written there" in refused(home, tmp_path / "file")
    assert "run folders cannot be written there" in refused(home, tmp_path / "file" / "below")
    assert "run folders cannot be written there" in refused(home, Path("/dev/null/below"))
    assert "run folders cannot be written there" in refused(home, Path("/proc/below"))


def test_a_truncated_table_names_its_file(home: Home, stored: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(stored, tmp_path / "cut")
    file = next((tmp_path / "cut" / "member_month" / "year=2016").iterdir())
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError) as caught:
        home.run(changes={"store": str(tmp_path / "cut")})
    assert f"member_month/year=2016/{file.name}" in str(caught.value)
    assert "not a Parquet file that can be read" in str(caught.value)


def test_a_store_that_is_swapped_under_a_run(
    home: Home, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    import tcoc.run.runner

    shutil.copytree(stored, tmp_path / "moving")
    kept = tcoc.run.runner.compute_tables

    def swapping(*arguments: object) -> object:
        done = kept(*arguments)  # type: ignore[arg-type]
        file = tmp_path / "moving" / "store.json"
        text = file.read_text()
        file.unlink()
        file.write_text(text + "\n")
        return done

    monkeypatch.setattr(tcoc.run.runner, "compute_tables", swapping)
    with pytest.raises(TcocError, match="changed while the run went on"):
        home.run(changes={"store": str(tmp_path / "moving")})
    assert not (home.outputs / "tiny").exists()


LINES = {
    "an option that is none": (["run", "x.yml", "--no-such"], 2),
    "no file": (["run"], 2),
    "a value that is no YAML": (["run", "x.yml", "--set", "a.b=[1"], 2),
    "a value that is nested": (["run", "x.yml", "--set", "a.b=" + "[" * 900 + "]" * 900], 2),
    "workers": (["run", "x.yml", "--workers", "0"], 2),
    "a run that is none": (["verify", "nowhere"], 2),
}


@pytest.mark.parametrize("case", LINES)
def test_a_command_line_that_is_none(case: str, tmp_path: Path) -> None:
    arguments, status = LINES[case]
    done = subprocess.run(
        [sys.executable, "-m", "tcoc.cli", *arguments], cwd=tmp_path, capture_output=True,
        text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_said() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0
    assert done.output.startswith("tcoc ")


def test_the_stand_ins_run(home: Home) -> None:
    request = RunRequest(home.folder / "tiny.yml", outputs=home.outputs)
    report = Lines()
    folder = execute_run(request, report)
    assert (folder / "index.html").is_file()
    assert not report.said
