"""The sheets and workbooks of a run: made with it, noted in its manifest, made again alike."""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import tcoc.run.key
import tcoc.run.render
from tcoc.cli import app
from tcoc.deliverables import registry
from tcoc.disclosure import Column, Draft
from tcoc.errors import InputError
from tcoc.manifest import read_manifest, read_private
from tcoc.report.sheet import CONFIDENTIAL
from tcoc.run.sheets import remake_sheets
from tcoc.run.verify import verify
from tests.run.conftest import RUN, Home
from tests.support import stand_ins

CCNS = ("210001", "210009")


def hospital_drafts(study: object) -> list[Draft]:
    """The first deliverable's table, and one about two hospitals."""
    amounts = {"210001": (900.0, 12_345.0), "210009": (4.0, 13_579.0)}
    rows = [
        {"year": 2018, "ccn": ccn, "hospital": f"Hospital {ccn[-1]}", "eligible_months": 100.0,
         "tcoc": 1e6, "benes": benes, "per_capita": per_capita}
        for ccn, (benes, per_capita) in amounts.items()
    ] + [{"year": 2018, "ccn": "STATE", "hospital": "Maryland", "eligible_months": 200.0,
          "tcoc": 2e6, "benes": 904.0, "per_capita": 12_400.0}]  # fmt: skip
    frame = pd.DataFrame(rows).assign(hospital_share=0.5)
    per_capita = Column("Per capita", "per_capita", of=("benes",))
    columns = {
        "hospital": Column("Hospital", "label"),
        "benes": Column("Beneficiaries", "count"),
        "per_capita": per_capita,
        "hospital_share": Column("Paid to hospitals", "share", of=("benes",), base="benes"),
    }
    kept = frame[["year", "ccn", *columns]]
    both = {"group": "system-both", "kind": "system", "name": "Both & Co", "called": "Both & Co",
            "hospitals": " ".join(CCNS)}  # fmt: skip
    return [
        *stand_ins.drafts(study),  # type: ignore[arg-type]
        Draft(
            name="groups", title="Groups", frame=pd.DataFrame([both]), keys=("group",), columns={}
        ),
        Draft(
            name="hospital_per_capita",
            title="By hospital",
            frame=kept,
            keys=("year", "ccn"),
            columns=columns,
        ),
    ]


@pytest.fixture(scope="module")
def home(stored: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Return a project with the stand-in deliverables, the first of which knows two hospitals."""
    folder = tmp_path_factory.mktemp("sheets")
    known = {"first": replace(stand_ins.FIRST, public=hospital_drafts), "second": stand_ins.SECOND}
    (folder / "tiny.yml").write_text(RUN.replace("store: store", f"store: {stored}"))
    (folder / "notebooks").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "deliverables", lambda: tuple(known.values()))
        patch.setattr(registry, "find", lambda name: known[name])
        for module in (tcoc.run.render, tcoc.run.key):
            patch.setattr(module, "notebooks_dir", lambda: folder / "notebooks")
        # the stand-ins have no completion factors
        patch.setattr("tcoc.run.runner.completion_facts", lambda _study: {})
        registry.catalog.cache_clear()
        project = Home(folder, folder / "outputs")
        for name in known:
            project.page(name, stand_ins.OPEN, stand_ins.SHOWN.format(name=name))
        yield project
    registry.catalog.cache_clear()


@pytest.fixture(scope="module")
def made(home: Home) -> Path:
    return home.run()[0]


def test_a_run_makes_both_editions_and_its_manifest_knows_them(made: Path) -> None:
    manifest, kept = read_manifest(made), read_private(made)
    for ccn in CCNS:
        assert f"hospitals/{ccn}.html" in manifest.files
        assert f"restricted/hospitals/{ccn}.html" in kept.files
    assert not [name for name in manifest.files if "restricted" in name]
    found = verify(made)
    assert found.ok, found.text()


def test_the_confidential_edition_is_the_owners_alone(made: Path) -> None:
    folder = made / "restricted" / "hospitals"
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
        content = file.read_text()
        pages = content.split('<section class="page')[1:]
        assert pages
        assert all(CONFIDENTIAL in page for page in pages)
    public = (made / "hospitals" / "210001.html").read_text()
    assert CONFIDENTIAL not in public


def test_pages_and_cover_lead_to_the_sheets(made: Path) -> None:
    cover = (made / "index.html").read_text()
    page = (made / "first.html").read_text()
    for ccn in CCNS:
        assert f'href="hospitals/{ccn}.html"' in cover
        assert f'data-sheet="hospitals/{ccn}.html"' in page
        assert f"../index.html#hospital={ccn}" in (made / "hospitals" / f"{ccn}.html").read_text()


def test_each_report_has_a_workbook_that_the_manifest_knows(made: Path) -> None:
    files = read_manifest(made).files
    for name in ("first", "second"):
        assert f"tables/{name}.xlsx" in files
        with zipfile.ZipFile(made / "tables" / f"{name}.xlsx") as book:
            assert f"{name}_people" in book.read("xl/workbook.xml").decode()


def test_two_runs_write_the_same_workbooks_and_sheets(made: Path, home: Home) -> None:
    def digests() -> dict[str, str]:
        files = [*(made / "tables").glob("*.xlsx"), *(made / "hospitals").glob("*.html")]
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    before = digests()
    home.run(fresh=True)
    assert len(before) == 5
    assert digests() == before


def test_a_sheet_made_from_a_finished_run_is_the_runs_own(made: Path) -> None:
    file = made / "hospitals" / "210001.html"
    before = file.read_bytes()
    file.write_text("changed")
    assert not verify(made).ok
    written = remake_sheets(made, "210001")
    assert written == [file, made / "restricted" / "hospitals" / "210001.html"]
    assert file.read_bytes() == before
    assert verify(made).ok


@pytest.mark.parametrize("name", ["system-both", "Both & Co", "both & co"])
def test_a_system_is_made_again_by_any_of_its_names(made: Path, name: str) -> None:
    written = remake_sheets(made, name)
    assert [f.name for f in written] == ["system-both.html"] * 2
    assert written[1].stat().st_mode & 0o777 == 0o600
    assert CONFIDENTIAL in written[1].read_text()
    assert CONFIDENTIAL not in written[0].read_text()
    assert 'data-sheet="hospitals/system-both.html"' in (made / "first.html").read_text()


def test_the_command_takes_run_and_name_in_both_forms(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([str(made), "Both & Co"], ["--run", str(made), "Both & Co"],
                  ["--run", str(made), "--ccn", "system-both"]):  # fmt: skip
        app(["sheet", *words], standalone_mode=False)
        assert capsys.readouterr().out.count("system-both.html") == 2
    with pytest.raises(InputError, match=r"no run is named"):
        app(["sheet"], standalone_mode=False)


def test_an_unknown_hospital_is_refused_with_the_nearest(made: Path) -> None:
    with pytest.raises(InputError, match=r'"210002" is not in this run; did you mean "2100'):
        remake_sheets(made, "210002")


def test_a_public_sheet_hides_what_the_tables_hide(made: Path) -> None:
    sheet = (made / "hospitals" / "210009.html").read_text()
    assert "13,579" not in sheet
    assert re.search(r"<td class=\"n\">hidden</td>", sheet)
