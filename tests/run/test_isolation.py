"""A page in a batch run has public tables and nothing else: each way around fails the run."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from tcoc.disclosure import Column, Draft, gate, write_public
from tcoc.errors import TcocError
from tcoc.manifest import read_manifest
from tcoc.report.facts import RunFacts
from tcoc.resources.shortage import ShortageError
from tcoc.run import isolate, render
from tcoc.run.worker import Answer
from tcoc.store.layout import open_store
from tests.run.conftest import Home
from tests.support.stand_ins import OPEN, SHOWN, write_page


@pytest.fixture(scope="module")
def process() -> Iterator[render.PagesProcess]:
    with render.pages_process() as started:
        yield started


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of public tables, beside a restricted one."""
    folder = tmp_path_factory.mktemp("given")
    frame = pd.DataFrame({"year": [2016, 2017], "benes": [500, 600]})
    columns = {"benes": Column("Beneficiaries", "count", unit="people")}
    drafts = {
        "first": [
            Draft(name="first_people", title="People", frame=frame, keys=("year",), columns=columns)
        ]
    }
    write_public(gate(drafts).tables, folder / "public")
    RunFacts("tiny").write(folder / "public")
    (folder / "restricted").mkdir()
    frame.to_parquet(folder / "restricted" / "people.parquet")
    return folder / "public"


def attempt(process: render.PagesProcess, public: Path, place: Path, *cells: str) -> Answer:
    """Execute a page of some cells after the one that opens the release."""
    source = write_page(place / "first.ipynb", OPEN, *cells)
    parameters = {"run": "tiny", "public": "public"}
    job = render.Job("first", source, place / "executed.ipynb", parameters, public)
    return process.execute([job], 1, lambda _: None, lambda _: None)["first"]


@pytest.fixture
def failure(process: render.PagesProcess, public: Path, tmp_path: Path) -> Callable[[str], str]:
    """Execute a page whose last cell tries something, and return the sentence."""

    def tried(cell: str) -> str:
        with pytest.raises(TcocError) as caught:
            attempt(process, public, tmp_path, cell)
        said = str(caught.value)
        assert said.startswith("first: cell 4 ")
        assert "\n" not in said
        return said

    return tried


@pytest.mark.parametrize(
    "way",
    [
        "open('{file}', 'rb').read()",
        "import pandas as pd\npd.read_parquet('{file}')",
        "import pyarrow.parquet as pq\npq.read_table('{file}')",
        "import duckdb\nduckdb.sql(\"SELECT * FROM '{file}'\").fetchall()",
    ],
)
def test_a_restricted_table_cannot_be_read(
    failure: Callable[[str], str], public: Path, way: str
) -> None:
    file = public.parent / "restricted" / "people.parquet"
    assert file.is_file()
    # DuckDB's engine does not survive that it cannot look around; it reads nothing either
    assert re.search("was refused a file|ended the page's process", failure(way.format(file=file)))


def test_the_store_cannot_be_opened(failure: Callable[[str], str], stored: Path) -> None:
    cell = (
        "from pathlib import Path\nfrom tcoc.store.layout import open_store\n"
        f"open_store(Path({str(stored)!r})).partitions('professional')"
    )
    assert open_store(stored).partitions("professional")
    assert "was refused a file" in failure(cell)


def test_the_study_is_not_there(failure: Callable[[str], str]) -> None:
    assert "JupyterLab only" in failure("release.study")


@pytest.mark.parametrize("place", ["/tmp/tcoc-left-by-a-page", "left.txt", "public/left.txt"])
def test_a_file_cannot_be_written_elsewhere(failure: Callable[[str], str], place: str) -> None:
    said = failure(f"open('{place}', 'w').write('x')")
    assert "was refused a file" in said
    assert not Path("/tmp/tcoc-left-by-a-page").exists()


def test_a_file_in_the_folder_for_temporary_files_fails_too(failure: Callable[[str], str]) -> None:
    cell = "import tempfile\n_ = tempfile.NamedTemporaryFile(delete=False).write(b'x')"
    assert "wrote a file" in failure(cell)


@pytest.mark.parametrize(
    "cell", ["print('42')", "import sys\nsys.stderr.write('42')", "import os\nos.write(1, b'42')"]
)
def test_a_page_that_prints_fails(failure: Callable[[str], str], cell: str) -> None:
    assert "printed" in failure(cell)


def test_no_program_can_be_started(failure: Callable[[str], str]) -> None:
    cell = "import subprocess\nsubprocess.run(['/bin/cat', '/etc/passwd'])"
    assert "was refused a file or program" in failure(cell)


def test_nothing_of_the_runner_can_be_seen(
    process: render.PagesProcess, public: Path, tmp_path: Path
) -> None:
    cell = f"""
import os, pathlib
assert not [key for key in os.environ if key.startswith(("TCOC", "PYTEST"))], "environment"
assert {public.parent.name!r} not in str(pathlib.Path.cwd()), "folder"
found = []
for number in range(3, 64):
    try:
        found.append(os.readlink(f"/proc/self/fd/{{number}}"))
    except OSError:
        pass
assert not [name for name in found if {str(public.parent)!r} in name], "open files"
"""
    assert attempt(process, public, tmp_path, cell).error == ""


def test_an_executed_page_names_no_path_and_no_time(
    process: render.PagesProcess, public: Path, tmp_path: Path
) -> None:
    attempt(process, public, tmp_path, SHOWN.format(name="first"))
    text = (tmp_path / "executed.ipynb").read_text()
    assert "Beneficiaries" in text
    for part in (str(public.parent), "/tmp/", "papermill", "start_time"):
        assert part not in text
    assert (tmp_path / "executed.ipynb").stat().st_mode & 0o077 == 0


def test_the_same_page_twice_gives_the_same_bytes(
    process: render.PagesProcess, public: Path, tmp_path: Path
) -> None:
    made = []
    for number in ("one", "two"):
        (tmp_path / number).mkdir()
        attempt(process, public, tmp_path / number, SHOWN.format(name="first"))
        made.append((tmp_path / number / "executed.ipynb").read_bytes())
    assert made[0] == made[1]


def test_a_warning_is_said_and_does_not_fail(
    process: render.PagesProcess, public: Path, tmp_path: Path
) -> None:
    answer = attempt(process, public, tmp_path, "import warnings\nwarnings.warn('take care')")
    assert answer.warned == ["UserWarning: take care"]


def test_an_audit_hook_holds_where_the_kernel_cannot(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "given").write_text("x")
    (tmp_path / "secret").write_text("x")
    code = f"""
from pathlib import Path
from tcoc.run.isolate import confine, own_files
home = Path({str(tmp_path)!r})
print(confine([*own_files(), home / "in"], [], hook_only=True))
print((home / "in" / "given").read_text())
for way in (lambda: (home / "secret").read_text(), lambda: (home / "in" / "new").write_text("x"),
            lambda: __import__("os").system("true"), lambda: list(home.iterdir())):
    try:
        way()
    except PermissionError:
        print("refused")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.stdout.split("\n")[:-1] == ["audit hook", "x", *["refused"] * 4], done.stderr


def test_another_interpreter_or_other_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {**render.identity(), "code": "another"}
    monkeypatch.setattr(render, "identity", lambda: ours)
    with pytest.raises(TcocError, match="runs another code than this run"), render.pages_process():
        pass


def test_a_page_that_dies_is_said_to_have_been_killed(
    process: render.PagesProcess, public: Path, tmp_path: Path
) -> None:
    with pytest.raises(ShortageError, match="first: cell 4: the notebook's process was killed"):
        attempt(process, public, tmp_path, "import os\nos.kill(os.getpid(), 9)")


def test_a_run_with_another_kernel_in_reach_and_a_long_folder_for_temporary_files(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = tmp_path / "share" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "x"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    long = tmp_path / ("t" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder, _ = home.run()
    expected = isolate.LANDLOCK if isolate.landlock_version() else isolate.AUDIT_HOOK
    assert read_manifest(folder).isolation.startswith(expected)
    assert not list(long.iterdir())
