"""What a run takes over from the run before it: all that is unchanged, and nothing else."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

import tcoc.report.audited
import tcoc.run.notebook
import tcoc.run.reuse
import tcoc.run.runner
from tcoc.errors import TcocError
from tcoc.params import Run, load_policy, load_run
from tcoc.report import READER
from tcoc.report.audited import digest_of
from tcoc.report.release import open_release
from tcoc.resources.meter import Reading
from tcoc.run.notebook import Job
from tcoc.run.reuse import ledger_file, open_reuse, summary
from tcoc.run.run_list import render_runs
from tcoc.run.runner import RunRequest, execute_run, list_runs, read_manifest
from tcoc.store.synth import write_synthetic_store
from tcoc.study import PARTS, Product, Study, builds_on, page_scope, part_scope, study

RUN = """
name: tiny
store: store
years: [2017, 2018]
base_year: 2017
performance_year: 2018
rate_years: [2020]
completion: {2017: 0.99}
national_growth: {2020: {value: 0.024, source: invented}}
deliverables: [y1_attribution, mpa_options]
options:
  risk.replicates: 20
  mpa.grid: {threshold: [0.02], max_at_risk: [0.01], attainment_weight: [0.0, 0.5],
    attainment_level: [statewide], quality_sign: [multiply], risk_method: [none]}
"""

SHOWN = {"y1_attribution": "attribution_waterfall", "mpa_options": "mpa_hospitals"}


class Lines:
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, task: str, total: int) -> None: ...

    def advance(self, task: str, label: str = "") -> None: ...

    def reach(self, task: str, label: str, done: int, total: int) -> None: ...

    def say(self, line: str) -> None:
        self.said.append(line)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store, a run file, and notebooks that show one table each, executed without a kernel."""
    folder = tmp_path_factory.mktemp("reuse")
    write_synthetic_store(folder / "store", 1_200, 7, (2014, 2018))
    (folder / "tiny.yml").write_text(RUN)
    (folder / "notebooks").mkdir()
    for name, table in SHOWN.items():
        write_notebook(folder / "notebooks" / f"{name}.ipynb", table)
    with pytest.MonkeyPatch.context() as patch:
        for module in (tcoc.run.notebook, tcoc.run.reuse):
            patch.setattr(module, "notebooks_dir", lambda: folder / "notebooks")
        patch.setattr(tcoc.run.runner, "execute_all", execute_here)
        yield folder


def write_notebook(file: Path, table: str) -> None:
    code = nbformat.v4.new_code_cell
    cells = [
        nbformat.v4.new_markdown_cell(f"# {file.stem}"),
        code('run = ""\nwork = ""', metadata={"tags": ["parameters"]}),
        code(table),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)


def execute_here(jobs: list[Job], *_: Any) -> dict[str, Reading]:
    """Do in this process what the kernels do, with the limits that the runner sets."""
    for job in jobs:
        notebook = nbformat.read(job.source, as_version=4)
        table = notebook.cells[-1].source
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(READER, job.name)
            release = open_release(job.parameters["run"], job.parameters["work"])
            assert set(release.names).isdisjoint(set(SHOWN.values()) - {table})
            release.show_table(table, shown_as=f"the-{table}")
        facts = {"kind": "table", "name": f"the-{table}"}
        output = nbformat.v4.new_output(
            "display_data", {"text/html": f"<p>{table}</p>"}, metadata={"tcoc": facts}
        )
        notebook.cells[-1].outputs = [output]
        for number, cell in enumerate(notebook.cells[1:], start=1):
            cell.execution_count = number
        nbformat.write(notebook, job.target)
    return {job.name: Reading(0.0, 0.0) for job in jobs}


@pytest.fixture(scope="module")
def first(home: Path) -> Path:
    return run(home, home / "first")[0]


@pytest.fixture
def outputs(home: Path, first: Path, tmp_path: Path) -> Path:
    """A copy of the folder of the first run, to be changed or run into again."""
    shutil.copytree(home / "first", tmp_path / "outputs")
    return tmp_path / "outputs"


def run(home: Path, outputs: Path, **more: Any) -> tuple[Path, list[str]]:
    report = Lines()
    return execute_run(RunRequest(home / "tiny.yml", outputs=outputs, **more), report), report.said


def content(folder: Path, *tops: str) -> dict[str, bytes]:
    files = [f for top in tops for f in sorted((folder / top).iterdir())]
    return {str(f.relative_to(folder)): f.read_bytes() for f in files}


def reused(folder: Path) -> dict[str, tuple[Any, bool]]:
    done = read_manifest(folder)["deliverables"]
    return {n: (d["reused"]["tables"], d["reused"]["notebook"]) for n, d in done.items()}


# ---------------------------------------------------------------- whole runs


def test_an_unchanged_run_reuses_all_and_gives_the_same_bytes(
    home: Path, first: Path, outputs: Path
) -> None:
    assert reused(first) == {"y1_attribution": ([], False), "mpa_options": ([], False)}
    second, _ = run(home, outputs)
    assert reused(second) == {"y1_attribution": (True, True), "mpa_options": (True, True)}
    same = ("restricted", "tables", "notebooks")
    assert content(second, *same) == content(first, *same)
    assert any(name.startswith("tables/the-") for name in content(second, "tables"))
    since = read_manifest(first)["started"]
    said = f"Tables and figures reused unchanged from the run of {since[:16].replace('T', ' ')} UTC"
    for name in SHOWN:
        before, after = ((f / f"{name}.html").read_text() for f in (first, second))
        assert said in after
        assert without_provenance(after) == without_provenance(before)
    assert (second / "index.html").read_text().count(said) == len(SHOWN)
    assert "2 of 2 reused" in render_runs(list_runs(outputs))
    assert "--fresh" in summary(read_manifest(second))
    assert not summary(read_manifest(first))
    modes = {f.stat().st_mode & 0o777 for f in (second / "restricted").iterdir()}
    assert modes == {0o600}
    third, _ = run(home, outputs)
    assert read_manifest(third)["deliverables"]["mpa_options"]["reused"]["from"] == since


def without_provenance(page: str) -> str:
    return re.sub(r'<dl class="provenance">.*?</dl>', "", page, flags=re.DOTALL)


def test_a_changed_mpa_value_recomputes_the_mpa_alone(
    home: Path, first: Path, outputs: Path
) -> None:
    changes = {"mpa.trend_reduction": 0.01}
    mixed, _ = run(home, outputs, changes=changes)
    assert reused(mixed) == {"y1_attribution": (True, True), "mpa_options": ([], False)}
    assert "mpa" not in summary(read_manifest(mixed))
    before = content(mixed, "restricted", "tables")
    assert (
        before["restricted/mpa.parquet"] != content(first, "restricted")["restricted/mpa.parquet"]
    )
    fresh, _ = run(home, outputs, changes=changes, fresh=True)
    assert reused(fresh) == {"y1_attribution": ([], False), "mpa_options": ([], False)}
    assert content(fresh, "restricted", "tables") == before


def test_a_part_of_the_deliverables_reuses_what_is_there(
    home: Path, first: Path, outputs: Path
) -> None:
    part, _ = run(home, outputs, only=("y1_attribution",))
    assert reused(part) == {"y1_attribution": (True, False)}
    all_of_it = content(first, "restricted")
    own = content(part, "restricted")
    assert own.items() <= all_of_it.items()
    assert "restricted/mpa.parquet" not in own
    assert content(part, "tables").keys() < content(first, "tables").keys()


def test_a_reused_table_brings_the_tables_it_was_computed_from(
    home: Path, first: Path, outputs: Path
) -> None:
    with study(load_run(home / "tiny.yml"), outputs / "work") as opened:
        inputs = tcoc.run.runner._inputs(opened.run, opened)
        open_reuse(opened, inputs, "now", outputs / "tiny", False, print)
        opened.path("mpa_scenarios")
        there = {f.name for f in (outputs / "work" / "restricted").iterdir()}
        assert not opened.needs
    assert {"mpa.parquet", "beneficiary_year.parquet", "attribution.parquet"} <= there
    assert "completeness.parquet" not in there


@pytest.mark.parametrize("name", ["hospital_year.parquet", "attribution_by_hospital.csv"])
def test_a_table_that_is_not_as_it_was_is_recomputed(
    home: Path, first: Path, outputs: Path, name: str
) -> None:
    file = outputs / "tiny" / "restricted" / name
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    second, said = run(home, outputs)
    assert said == [f"table {Path(name).stem} of the earlier run is not as it was; computed anew"]
    tables, _ = reused(second)["y1_attribution"]
    assert Path(name).stem not in tables
    assert "attribution" in tables
    assert content(second, "restricted") == content(first, "restricted")


def test_what_a_notebook_wrote_and_is_not_as_it_was_is_made_again(
    home: Path, first: Path, outputs: Path
) -> None:
    (outputs / "tiny" / "tables" / "the-mpa_hospitals.csv").write_text("x")
    second, said = run(home, outputs)
    assert said == ["notebook mpa_options of the earlier run is not as it was; executed anew"]
    assert reused(second) == {"y1_attribution": (True, True), "mpa_options": (True, False)}
    assert content(second, "tables") == content(first, "tables")
    assert "figures made anew" in (second / "mpa_options.html").read_text()


def test_a_failed_run_leaves_what_it_had_taken_over(
    home: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(outputs / "tiny", "restricted", "tables", "notebooks")

    def fail(*_: object) -> None:
        raise TcocError("no page")

    monkeypatch.setattr(tcoc.run.runner, "_render", fail)
    with pytest.raises(TcocError, match="no page"):
        run(home, outputs)
    assert content(outputs / "tiny", "restricted", "tables", "notebooks") == before
    monkeypatch.undo()


def test_inputs_that_change_while_a_run_goes_on_are_not_built_on(
    home: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tcoc.run.runner, "_render", lambda *_: os.utime(home / "store" / "store.json")
    )
    _, said = run(home, outputs)
    assert said[-1].endswith("the next run reuses nothing")
    assert not ledger_file(outputs / "tiny").exists()


def test_a_changed_notebook_is_executed_anew(home: Path, outputs: Path) -> None:
    file = home / "notebooks" / "y1_attribution.ipynb"
    before = file.read_bytes()
    file.write_bytes(before + b"\n")
    second, _ = run(home, outputs)
    file.write_bytes(before)
    assert reused(second) == {"y1_attribution": (True, False), "mpa_options": (True, True)}


def test_other_audited_tables_need_another_notebook(
    home: Path, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(folder: Path, deliverable: str) -> str:
        """As if a cell of the MPA's tables were hidden for another deliverable's sake."""
        file = folder / f"{SHOWN['mpa_options']}.hidden.parquet"
        hidden = pd.read_parquet(file)
        if deliverable == "y1_attribution":
            hidden.iloc[0, -1] = not hidden.iloc[0, -1]
            hidden.to_parquet(file, index=False)
        return digest_of(folder, deliverable)

    monkeypatch.setattr(tcoc.report.audited, "digest_of", other)
    second, _ = run(home, outputs)
    assert reused(second) == {"y1_attribution": (True, True), "mpa_options": (True, False)}


# ---------------------------------------------------------------- keys


@pytest.fixture
def copied(home: Path, tmp_path: Path) -> Path:
    """The store and run file, to be changed."""
    shutil.copytree(home / "store", tmp_path / "store")
    shutil.copy(home / "tiny.yml", tmp_path / "tiny.yml")
    return tmp_path


def keys_of(folder: Path, changes: dict[str, Any] | None = None) -> dict[str, str]:
    loaded = load_run(folder / "tiny.yml", changes)
    with study(loaded, folder / "work") as opened:
        inputs = tcoc.run.runner._inputs(loaded, opened)
        reuse = open_reuse(opened, inputs, "now", folder / "none", False, print)
        return dict(reuse.keys)


def changed_keys(folder: Path, change: Callable[[], dict[str, Any] | None]) -> set[str]:
    before = keys_of(folder)
    after = keys_of(folder, change())
    return {name for name in PARTS if before[name] != after[name]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"name": "other", "deliverables": ["mpa_options"]}, set()),
        ({"mpa.trend_reduction": 0.01}, {"mpa_options"}),
        ({"qp.minimum_age": 20}, {"qp_preliminary"}),
        ({"risk.seed": 2}, {"risk_adjustment", "mpa_options"}),
        ({"disclosure.min_cell_size": 12}, set()),
        ({"attribution.window": "same_year"}, set(PARTS)),
        ({"attribution.duplicate_npi": "keep"}, set(PARTS)),
        ({"completion": {2017: 0.98}}, set(PARTS)),
        ({"engine": "spark"}, set(PARTS)),
    ],
)
def test_a_parameter_changes_the_keys_of_what_may_read_it(
    home: Path, changes: dict[str, Any], expected: set[str]
) -> None:
    named = {k: v for k, v in changes.items() if "." not in k}
    loaded = load_run(home / "tiny.yml", named)
    dotted = {k: v for k, v in changes.items() if "." in k}
    policy = replace(loaded.policy, options={**loaded.policy.options, **dotted})
    assert differing(home, replace(loaded, policy=policy)) == expected


def differing(home: Path, changed: Run) -> set[str]:
    before = tcoc.run.reuse.table_keys(load_run(home / "tiny.yml"), [], [])
    after = tcoc.run.reuse.table_keys(changed, [], [])
    return {name for name in PARTS if before[name] != after[name]}


def test_a_changed_store_changes_every_key(copied: Path) -> None:
    def change() -> None:
        file = next((copied / "store" / "dme").rglob("*.parquet"))
        times = file.stat().st_atime_ns, file.stat().st_mtime_ns
        file.write_bytes(file.read_bytes()[:-1] + b"!")
        os.utime(file, ns=times)

    assert changed_keys(copied, change) == set(PARTS)


def test_a_changed_or_new_reference_table_changes_every_key(copied: Path) -> None:
    aside = copied / "quality_adjustments.csv"

    def change() -> None:
        file = copied / "store" / "reference" / "psa_zips.csv"
        file.write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")

    def remove() -> None:
        (copied / "store" / "reference" / "quality_adjustments.csv").rename(aside)

    assert changed_keys(copied, change) == set(PARTS)
    assert changed_keys(copied, remove) == set(PARTS)


def test_the_truth_of_a_synthetic_store_is_no_input_of_tables_but_of_notebooks(
    copied: Path,
) -> None:
    def truth() -> str:
        with study(load_run(copied / "tiny.yml"), copied / "work") as opened:
            inputs = tcoc.run.runner._inputs(opened.run, opened)
            return open_reuse(opened, inputs, "now", copied / "none", False, print).truth

    before = truth()
    assert changed_keys(copied, lambda: shutil.rmtree(copied / "store" / "truth")) == set()
    assert truth() != before


@pytest.mark.parametrize("what", ["code_files", "parameter_files", "environment"])
def test_changed_code_lists_and_libraries_change_every_key(
    home: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    before = tcoc.run.reuse.table_keys(load_run(home / "tiny.yml"), [], [])
    found = getattr(tcoc.run.reuse, what)()
    monkeypatch.setattr(tcoc.run.reuse, what, lambda: found[:-1])
    after = tcoc.run.reuse.table_keys(load_run(home / "tiny.yml"), [], [])
    assert all(before[name] != after[name] for name in PARTS)


def test_code_of_the_reports_is_no_input_of_tables_but_of_notebooks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(f.parts[-2:] == ("report", "charts.py") for f in tcoc.run.reuse.code_files())
    assert any(f.suffix == ".ttf" for f in tcoc.run.reuse.code_files())
    fewer = [f for f in tcoc.run.reuse.code_files() if "report" not in f.parts]
    before = tcoc.run.reuse.table_keys(load_run(home / "tiny.yml"), [], [])
    monkeypatch.setattr(tcoc.run.reuse, "code_files", lambda: fewer)
    assert tcoc.run.reuse.table_keys(load_run(home / "tiny.yml"), [], []) == before


def test_a_policy_file_changes_the_keys_of_what_may_read_it(home: Path, tmp_path: Path) -> None:
    loaded = load_run(home / "tiny.yml")
    copy = tmp_path / "risk.yml"
    copy.write_text(loaded.policy.files["risk"].read_text() + "\n# another remark\n")
    policy = replace(loaded.policy, files={**loaded.policy.files, "risk": copy})
    assert differing(home, replace(loaded, policy=policy)) == {"risk_adjustment", "mpa_options"}


def test_a_folder_whose_manifest_is_not_the_noted_one_gives_nothing(outputs: Path) -> None:
    assert tcoc.run.reuse.read_ledger(outputs / "tiny")["tables"]
    manifest = outputs / "tiny" / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    assert tcoc.run.reuse.read_ledger(outputs / "tiny") == {}


def test_no_hash_of_a_restricted_table_is_among_what_is_published(first: Path) -> None:
    noted = json.loads(ledger_file(first).read_text())
    digests = {d for table in noted["tables"].values() for d in table["files"].values()}
    assert digests
    texts = [f.read_bytes() for f in first.rglob("*") if f.is_file()]
    assert not any(digest.encode() in text for digest in digests for text in texts)
    assert ledger_file(first).stat().st_mode & 0o077 == 0
    assert ledger_file(first).parent.stat().st_mode & 0o077 == 0


# ---------------------------------------------------------------- what a part may read


def confined(home: Path, work: Path, compute: Callable[[Study], Any]) -> None:
    """Compute a table as if it were one of QP's."""
    with study(load_run(home / "tiny.yml"), work) as opened:
        product = Product("probe", ("year",), compute, {"year": "int32"})
        with opened.reading(part_scope("qp_preliminary"), "probe"):
            opened._compute(product, work / "restricted" / "probe.parquet")


@pytest.mark.parametrize(
    ("compute", "sentence"),
    [
        (lambda s: s.policy.get("mpa.combined"), 'reads policy value "mpa.combined" but declares'),
        (lambda s: s.run.policy.use("risk.seed"), 'reads policy value "risk.seed" but declares'),
        (lambda s: s.frame("mpa"), "reads the table mpa of mpa_options but declares only"),
        (lambda s: s.table("risk_cells"), "reads the table risk_cells of risk_adjustment but"),
    ],
)
def test_a_part_cannot_read_what_it_does_not_declare(
    home: Path, tmp_path: Path, compute: Callable[[Study], Any], sentence: str
) -> None:
    with pytest.raises(TcocError, match=sentence):
        confined(home, tmp_path, compute)


def test_policy_of_other_files_is_not_there_at_all(home: Path) -> None:
    options = {"mpa.combined": True, "qp.minimum_age": 20}
    policy = load_policy(options=options).only(("qp",), "the test")
    assert {name.split(".")[0] for name in policy.entries} == {"qp"}
    assert policy.options == {"qp.minimum_age": 20}
    assert policy.uses(["mpa", "qp"]) == policy.uses(["qp"]) != []


def test_parts_build_on_earlier_ones_only() -> None:
    names = list(PARTS)
    for name in names:
        below = [n for n in builds_on(name) if n != name]
        assert all(names.index(n) < names.index(name) for n in below)
    assert builds_on("mpa_options") == ("y1_attribution", "risk_adjustment", "mpa_options")
    assert set(page_scope("qp_preliminary", ("qp",)).policy) == {
        "qp", "attribution", "tcoc", "disclosure",
    }  # fmt: skip


def test_policy_is_read_past_a_study_in_known_places_only() -> None:
    """`load_policy` gives an unlimited policy: MPA checks scenarios by it, the auditor's example
    reads attribution's values as filed."""
    package = Path(tcoc.run.reuse.__file__).parent
    parts = [package / top for top in ("pipeline", "report")]
    calling = {f.stem for p in parts for f in p.rglob("*.py") if "load_policy(" in f.read_text()}
    assert calling == {"mpa", "auditor"}
