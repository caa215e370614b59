"""What once was accepted, hung or ended in a traceback: each is one sentence and a status."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from tcoc import cli
from tcoc.cli import app
from tcoc.errors import InputError, TcocError
from tcoc.params import load_run
from tcoc.params.yaml_file import read_yaml
from tcoc.reference import load_reference
from tcoc.resources.shortage import memory_limit
from tcoc.run.key import unchanged
from tcoc.run.runner import RunRequest, execute_run, judged
from tcoc.store.check import check_store
from tcoc.store.facts import CLAIMS, claims_end, processed_to
from tcoc.store.layout import open_store
from tests.run.conftest import Home, Lines
from tests.run.fuzz import write_home

SECONDS = 10
"""No input may keep a machine busy for longer."""


@pytest.fixture(autouse=True)
def limit(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold every case to ten seconds of computing; waiting for a busy machine does not count."""
    before = time.process_time()
    yield
    many = hasattr(request.function, "hypothesis")  # each example is held to it by itself
    assert many or time.process_time() - before < SECONDS


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


def grown(value: float) -> dict[int, Any]:
    """A national growth for the run file."""
    return {2020: {"value": value, "source": "x"}}


RUNS = {
    "base after performance": ({"base_year": 2017, "performance_year": 2016}, "a year before"),
    "base is performance": ({"base_year": 2016, "performance_year": 2016}, "a year before"),
    "NaN growth": ({"national_growth": grown(float("nan"))}, "found nan"),
    "infinite growth": ({"national_growth": grown(float("inf"))}, "found inf"),
    "growth of 200": ({"national_growth": grown(200.0)}, "expected less than 0.5"),
    "growth below nothing": ({"national_growth": grown(-2.0)}, "expected greater than -0.5"),
    "no dual code": ({"attribution.dual_codes": []}, "dual_codes"),
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
    "a deliverable that there is not": (
        {"deliverables": ["frist"]},
        'tiny.yml: deliverables: "frist" is unknown; did you mean "first"?',
    ),
    "a hidden name": ({"name": ".hidden"}, "name"),
    "years of text": ({"years": "2016"}, "years"),
    "a store that is a file": ({"store": "tiny.yml"}, "there is no such store"),
    "a store of NUL": ({"store": "a\x00b"}, ""),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_run_that_makes_no_sense(case: str, home: Home) -> None:
    changes, sentence = RUNS[case]
    asked = RunRequest(home.folder / "tiny.yml", changes=changes, outputs=home.outputs)
    assert unchanged(asked) is None
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
    # some may be made of the one and stand under the digest of the other
    assert not list((home.outputs / ".cache" / "entries").rglob("*.json"))


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


def refused_line(*arguments: str, status: int = 2) -> str:
    """Run a command line of its own process and return its one sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "tcoc.cli", *arguments], capture_output=True, text=True,
        check=False, timeout=120, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == status, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("tcoc: ")]
    assert len(said) == 1, done.stderr
    return said[0]


def test_a_damaged_table_fails_the_check_of_a_store(stored: Path, tmp_path: Path) -> None:
    shutil.copytree(stored, tmp_path / "cut")
    file = next((tmp_path / "cut" / "professional" / "year=2016").iterdir())
    content = file.read_bytes()
    for damage in (content[: len(content) // 2], b"", b"PAR1" + b"\0" * 500 + b"PAR1"):
        file.unlink()
        file.write_bytes(damage)
        report = check_store(tmp_path / "cut")
        assert not report.ok
        assert {check.table for check in report.failed} == {"professional"}


def test_a_page_that_is_damaged_inside_ends_in_a_sentence(
    home: Home, stored: Path, tmp_path: Path
) -> None:
    shutil.copytree(stored, tmp_path / "spoilt")
    file = next((tmp_path / "spoilt" / "member_month" / "year=2016").iterdir())
    content = bytearray(file.read_bytes())
    content[8 : len(content) // 2] = b"\xff" * (len(content) // 2 - 8)
    file.unlink()
    file.write_bytes(bytes(content))
    with pytest.raises(TcocError) as caught:
        home.run(changes={"store": str(tmp_path / "spoilt")})
    assert "\n" not in str(caught.value)
    assert not (home.outputs / "tiny").exists()
    failed = check_store(tmp_path / "spoilt").failed
    assert [(c.table, c.rule) for c in failed] == [("member_month", "every row can be read")]


GONE = {
    "a table that is gone": (lambda s: shutil.rmtree(s / "member_month"), "member_month: found 0"),
    "a year that is gone": (lambda s: shutil.rmtree(s / "dme" / "year=2016"), "dme: found"),
    "a year that is none": (
        lambda s: (s / "dme" / "year=2016").rename(s / "dme" / "year=20x6"), "dme: found",
    ),
    "years that are none": (
        lambda s: (s / "store.json").write_text('{"format_version": 1, "years": [NaN, 2017]}'),
        "store.json: years: found [nan, 2017], expected a list of years",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GONE)
def test_a_store_of_which_something_is_gone(
    case: str, home: Home, stored: Path, tmp_path: Path
) -> None:
    harm, sentence = GONE[case]
    shutil.copytree(stored, tmp_path / "gone")
    harm(tmp_path / "gone")
    with pytest.raises(InputError) as caught:
        home.run(changes={"store": str(tmp_path / "gone")})
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_a_year_that_is_none_fails_the_check_of_a_store(
    stored: Path, tmp_path: Path
) -> None:
    shutil.copytree(stored, tmp_path / "odd")
    (tmp_path / "odd" / "dme" / "year=2016").rename(tmp_path / "odd" / "dme" / "year=20x6")
    failed = {check.rule for check in check_store(tmp_path / "odd").failed}
    assert {"partitions are named year=YYYY", "rows per table are those of store.json"} <= failed


def test_run_folders_in_a_store_are_refused(home: Home, stored: Path, tmp_path: Path) -> None:
    shutil.copytree(stored, tmp_path / "claims")
    for place in ("claims", "claims/professional", "claims/outputs"):
        with pytest.raises(InputError, match="lies in a store"):
            home.run(outputs=tmp_path / place)
    assert not (tmp_path / "claims" / "outputs").exists()


def test_a_store_that_is_a_loop_of_links_and_a_run_file_that_is_a_pipe(
    home: Home, tmp_path: Path
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError):
        home.run(changes={"store": str(tmp_path / "loop")})
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(InputError, match=r"pipe\.yml: is no file of text that ends"):
        load_run(tmp_path / "pipe.yml")


def test_two_acos_of_one_name(home: Home, stored: Path, tmp_path: Path) -> None:
    import pandas as pd

    shutil.copytree(stored, tmp_path / "same")
    file = tmp_path / "same" / "reference" / "aco_hospitals.csv"
    table = pd.read_csv(file, dtype=str)
    assert table["aco_id"].nunique() > 1
    file.unlink()
    table.assign(aco_name="One Name").to_csv(file, index=False)
    with pytest.raises(InputError, match=r'aco_hospitals\.csv: the name "One Name" is given to'):
        home.run(changes={"store": str(tmp_path / "same")})


def test_a_read_only_disk(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here (needs root)")
    try:
        assert "run folders cannot be written there" in refused(home, place / "outputs")
    finally:
        subprocess.run(["umount", str(place)], check=True)


NAMES = {
    "300 characters": "a" * 300,
    "a NUL byte": "ti\x00ny",
    "a line end": "ti\nny",
    "a surrogate": "ti\ud800ny",
    "a slash": "a/b",
    "a dot": ".",
    "two dots": "..",
    "blank": " ",
    "empty": "",
    "a number": 5,
    "none": None,
}


@pytest.mark.parametrize("case", NAMES)
def test_a_name_that_is_no_folder(case: str, home: Home) -> None:
    with pytest.raises(InputError) as caught:
        home.run(changes={"name": NAMES[case]})
    assert "\n" not in str(caught.value)
    assert not home.outputs.exists()


def test_a_comparison_that_cannot_be_written(tmp_path: Path) -> None:
    import pandas as pd

    from tcoc.report.compare import Comparison, render_comparison

    (tmp_path / "file").write_text("x")
    nothing = Comparison("a", "b", (), pd.DataFrame())
    for out in (tmp_path / "file" / "page.html", Path("/dev/null/page.html")):
        with pytest.raises(InputError, match="the comparison cannot be written there"):
            render_comparison(nothing, out)


def test_paths_that_are_none_on_the_command_line(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "run.yml").write_text(
        yaml.safe_dump({**GOOD, "store": str(stored), "name": "a" * 300})
    )
    assert "File name too long" in refused_line("run", "a" * 300 + ".yml")
    assert "File name too long" in refused_line("check", "a" * 300)
    assert "name: found 300 characters" in refused_line("run", str(tmp_path / "run.yml"))
    for command in (["cache"], ["runs"]):
        said = refused_line(*command, "--out", str(tmp_path / "file"))
        assert "run folders cannot be written there" in said


def test_a_memory_limit_on_the_command_line(stored: Path) -> None:
    assert "memory limit" in refused_line("check", str(stored), "--memory-limit", "99999999TB")


# ---------------------------------------------------------------- fuzz

GOOD: dict[str, Any] = {
    "name": "tiny", "store": "store", "years": [2016, 2017], "rate_years": [2020],
    "national_growth": {2020: {"value": 0.024, "source": "invented"}}, "completion": {2017: 0.99},
    "deliverables": ["y1_attribution"], "options": {"mpa.threshold": 0.02},
}  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(),
    st.sampled_from([2016, 0, -1, 10**30, "2016", "MD", "\x00", "measured", ".nan", "../x"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.text(max_size=12), st.integers(), st.none()), inner, max_size=4
        ),
    ),
    max_leaves=8,
)
KEYS = st.sampled_from([*GOOD, "engine", "qp_years", "base_year", "performance_year", "reference",
                        "no_such_key"])  # fmt: skip


def settled(text: bytes, folder: Path, *names: str) -> None:
    """A run file is a run, or is refused in one sentence that names it (or one of its options)."""
    file = folder / "fuzz.yml"
    file.write_bytes(text)
    before = time.process_time()
    try:
        load_run(file)
        said = "fuzz.yml"
    except InputError as error:
        said = str(error)
    assert time.process_time() - before < SECONDS
    assert "\n" not in said
    assert any(name in said for name in ("fuzz.yml", *names)), said


@settings(max_examples=15, derandomize=True, deadline=None)
@given(changes=st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_a_run_file_of_any_values(
    changes: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = yaml.safe_dump({**GOOD, **changes}, allow_unicode=True)
    settled(text.encode("utf-8", "surrogatepass"), tmp_path_factory.getbasetemp())


OPTIONS = st.sampled_from(
    ["mpa.threshold", "attribution.window", "attribution.dual_codes", "qp.snapshots",
     "disclosure.min_cell_size", "attribution.age_on", "risk.age_bands", "mpa.grid", "no.such"]
)  # fmt: skip


@settings(max_examples=12, derandomize=True, deadline=None)
@given(options=st.dictionaries(OPTIONS, VALUES, min_size=1, max_size=2))
def test_a_run_file_of_any_options(
    options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = yaml.safe_dump({**GOOD, "options": options}, allow_unicode=True)
    settled(text.encode("utf-8", "surrogatepass"), tmp_path_factory.getbasetemp(), *options)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(
    place=st.floats(0, 1), length=st.integers(0, 30),
    put=st.one_of(st.binary(max_size=8), st.sampled_from([b"&a ", b"*a", b"[", b"{", b"? ", b"\t",
                  b"!!python/name:os.system ", b"---\n", b"|\n", b"<<: *a\n", b"%YAML 9\n"])),
)  # fmt: skip
def test_a_run_file_with_a_piece_replaced(
    place: float, length: int, put: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = yaml.safe_dump(GOOD).encode()
    at = int(place * len(text))
    settled(text[:at] + put + text[at + length :], tmp_path_factory.getbasetemp())


PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b",", b"\n", b'"', b"\x00", b"\xff", b"nan", b"-1", b"inf", b"1e400", b"\r",
                     b"\xef\xbb\xbf", b";", b"210001", b"9" * 40, b",,,,,,"]),
)  # fmt: skip


@pytest.fixture(scope="session")
def few(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference tables of a store, the first rows of each, and a run file that names them."""
    home = tmp_path_factory.mktemp("few")
    (home / "reference").mkdir()
    for file in (stored / "reference").glob("*.csv"):
        lines = file.read_bytes().splitlines(keepends=True)
        (home / "reference" / file.name).write_bytes(b"".join(lines[:40]))
    (home / "few.yml").write_text(yaml.safe_dump({**GOOD, "reference": "reference"}))
    return home


@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    number=st.integers(0, 20), place=st.floats(0, 1), length=st.integers(0, 20), put=PIECES
)  # fmt: skip
def test_a_reference_table_with_a_piece_replaced(
    number: int, place: float, length: int, put: bytes, few: Path
) -> None:
    files = sorted((few / "reference").iterdir())
    file = files[number % len(files)]
    before, began = file.read_bytes(), time.process_time()
    at = int(place * len(before))
    file.write_bytes(before[:at] + put + before[at + length :])
    said, tables = file.name, {}
    try:
        tables = load_reference(load_run(few / "few.yml")).tables
    except InputError as error:
        said = str(error)
    finally:
        file.write_bytes(before)
    assert "\n" not in said
    assert ".csv" in said
    for name, table in tables.items():
        assert np.isfinite(table.select_dtypes("number").dropna()).all(axis=None), name
    assert time.process_time() - began < SECONDS


WORDS = st.sampled_from(
    ["run", "synth", "check", "compare", "verify", "explain", "qp", "release", "import", "rif",
     "sheet", "new-year", "2019", "cache", "--set", "a=1", "mpa.threshold=nan", "--out", "--only",
     "--from", "--benes", "0", "-1", "1e99", "--years", "2018-2012", "--seed", "x", "few.yml",
     "nowhere", "/dev/null", "", "\x01", "--world", "Narnia", "--run", "--npi", "--memory-limit",
     "--by", "--date", "31/2/2018", "--workers", "--engine", "--", "-", "--no-such", "é" * 300]
)  # fmt: skip


@settings(max_examples=20, derandomize=True, deadline=None)
@given(words=st.lists(WORDS, min_size=1, max_size=7))
def test_a_command_line_of_any_words(words: list[str], few: Path) -> None:
    began = time.process_time()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(few)
        done = CliRunner().invoke(app, words)
    assert time.process_time() - began < SECONDS
    if isinstance(done.exception, TcocError):
        assert "\n" not in str(done.exception)
    else:
        assert done.exception is None or isinstance(done.exception, SystemExit), words
        assert done.exit_code in (0, 1, 2)


EARLY = {
    "unequal run-outs": ({"completion": {}}, "stand on unequal run-outs: Claims of 2017 are seen"),
    "a year that cannot be measured": (
        {"completion": {2017: "measured"}, "store": "cut"}, "needs the date on which claims were",
    ),
    "no quality of a rate year": (
        {"rate_years": [2022], "national_growth": {2022: {"value": 0.02, "source": "x"}}},
        "quality_adjustments: no row for",
    ),
    "no MPA at all": ({"mpa.base_year": 2014}, "no MPA can be computed: its base rests on 2014"),
    "a performance year without claims": (
        {"mpa.performance_year": 2018}, "risk adjustment of 2018 needs the year among",
    ),
    "weights of nothing": ({"mpa.base_weights": [0.2, 0.2]}, "weights that add up to 1"),
    "a term that there is not": ({"mpa.options": {"a": {"risc": 1}}}, '"risc" is not a term'),
    "a grid without a name": ({"mpa.grid": {"threshold": [0.1]}}, "mpa.grid:"),
    "bands that do not rise": ({"risk.age_bands": [0, 9, 5]}, "expected ages that rise from 0"),
    "lights that are none": ({"intake.outliers": {2016: 0.5}}, "expected 0 < amber <= red"),
    "a year that is none": ({"mpa.threshold": {"2020:0.02": 0.02}}, "for a year, expected"),
}  # fmt: skip


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose last year waited a month, one of no processing dates, and a run file."""
    home = write_home(tmp_path_factory.mktemp("early"))
    shutil.copytree(home / "store", home / "cut")
    for name in CLAIMS:
        for file in (home / "cut" / name).rglob("*.parquet"):
            table = pq.read_table(file).drop_columns("processed_date")
            pq.write_table(table, file)
    return home


@pytest.mark.parametrize("case", EARLY)
def test_what_the_store_s_own_words_show_is_refused_before_a_claim_is_read(
    case: str, early: Path
) -> None:
    changes, sentence = EARLY[case]
    with pytest.raises(InputError) as caught:
        judged(RunRequest(early / "run.yml", changes=changes))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_last_days_are_read_where_a_file_does_not_say_them(early: Path, tmp_path: Path) -> None:
    said = open_store(early / "store")
    shutil.copytree(early / "store", tmp_path / "mute")
    for name in CLAIMS:
        for file in (tmp_path / "mute" / name).rglob("*.parquet"):
            pq.write_table(pq.read_table(file), file, write_statistics=False)
    mute = open_store(tmp_path / "mute")
    days = [(claims_end(store), processed_to(store)) for store in (said, mute)]
    assert days[0] == days[1]
    assert days[0][0].isoformat() == "2017-12-31"
    assert processed_to(open_store(early / "cut")) is None


def test_the_stand_ins_run(home: Home) -> None:
    request = RunRequest(home.folder / "tiny.yml", outputs=home.outputs)
    report = Lines()
    folder = execute_run(request, report)
    assert (folder / "index.html").is_file()
    assert not report.said


def test_an_error_that_nobody_foresaw_is_one_sentence_without_its_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise KeyError("1234567893")

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setattr("sys.argv", ["tcoc", "runs"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("tcoc: unexpected KeyError in ")
    assert said.count("\n") == 1
    assert "1234567893" not in said
    monkeypatch.setattr("sys.argv", ["tcoc", "runs", "--debug"])
    with pytest.raises(KeyError):
        cli.main()
