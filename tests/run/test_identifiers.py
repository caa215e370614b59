import base64
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis import schema as ibis_schema

from tcoc.cache import FOLDER, Cache
from tcoc.errors import TcocError
from tcoc.manifest import read_manifest
from tcoc.run.identifiers import (
    assert_no_identifiers,
    known_identifiers,
    note_searched,
    searched,
    words,
)
from tcoc.store.connection import connect
from tcoc.store.layout import open_store
from tcoc.store.schema import FORMAT_VERSION, TABLES
from tests.run.conftest import Home
from tests.support import stand_ins
from tests.support.stand_ins import OPEN

VALUES = {"bene_id": "BENE00000042", "claim_id": "CLM0000000077", "npi": "1234567893"}


@pytest.fixture
def store(tmp_path):
    root = tmp_path / "store"
    for name, spec in TABLES.items():
        folder = root / name / "year=2018" if spec.partitioned else root / name
        folder.mkdir(parents=True)
        row = {c: VALUES.get(c) for c in spec.schema}
        types = ibis_schema(dict(spec.schema)).to_pyarrow()
        frame = pd.DataFrame([row], columns=list(spec.schema))
        table = pa.Table.from_pandas(frame, schema=types, preserve_index=False)
        pq.write_table(table, folder / "part.parquet")
    info = {"format_version": FORMAT_VERSION, "synthetic": True, "years": [2018]}
    (root / "store.json").write_text(json.dumps(info))
    return root


@pytest.mark.parametrize(
    ("kind", "place"),
    [("bene_id", "tables/x.csv"), ("claim_id", "index.html"), ("npi", "figures/x.txt")],
)
def test_an_identifier_in_a_public_file_fails_the_run(store, tmp_path, kind, place):
    file = tmp_path / "run" / place
    file.parent.mkdir(parents=True)
    file.write_text(f"a,b\n{VALUES[kind]},1234567\n")
    with pytest.raises(TcocError, match=kind) as error:
        assert_no_identifiers(store, tmp_path / "run")
    assert VALUES[kind] not in str(error.value)


def test_what_is_restricted_is_not_searched(store, tmp_path):
    for folder in ("restricted", ".internal"):
        (tmp_path / "run" / folder).mkdir(parents=True)
        (tmp_path / "run" / folder / "x.csv").write_text(VALUES["npi"])
    (tmp_path / "run" / "ok.csv").write_text("ccn,zip,dollars\n210001,21201,1234567.25\n")
    assert_no_identifiers(store, tmp_path / "run")


@pytest.mark.parametrize(
    "text",
    [
        "see id_1234567893.",
        "npi\n1234567893.0\n",
        "<a href='data:text/csv;base64,"
        + base64.b64encode(b"npi\n1234567893\n").decode()
        + "'>download</a>",
        "x-1234567893-y",
        "BENE00000042, and more",
    ],
)
def test_an_identifier_is_found_as_a_word(store, tmp_path, text):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "page.html").write_text(text)
    with pytest.raises(TcocError, match=r"page\.html holds 1 (npi|bene_id) of the store"):
        assert_no_identifiers(store, tmp_path / "run")


@pytest.mark.parametrize(
    "text", ["0.1234567893", "1234567893.25", "11234567893", "a1234567893", "1,234,567,893"]
)
def test_a_number_that_is_no_identifier(store, tmp_path, text):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "page.html").write_text(f"<p>{text}</p>")
    assert_no_identifiers(store, tmp_path / "run")


def test_identifiers_below_zero_are_words():
    assert {"-10000010254618", "10000010254618"} <= words("id -10000010254618, 7")
    assert words("short 12345") == set()


def test_words_are_read_from_downloads_too_and_not_from_pictures():
    link = "data:text/csv;base64," + base64.b64encode(b"npi,x\n1234567893,1\n").decode()
    picture = "data:image/png;base64," + base64.b64encode(b"1234567894" * 40).decode()
    found = words(f'<a href="{link}"></a><img src="{picture}"> 0.9876543210 -10000099')
    assert {"1234567893", "-10000099"} <= found
    assert not {"1234567894", "9876543210"} & found


PEOPLE = [f"{number:07}" for number in range(1_000_000, 1_000_400)]


@pytest.mark.parametrize(
    ("kind", "said"),
    [("string", True), ("string", False), ("large_string", True), ("int64", True)],
)
def test_every_identifier_is_found_whatever_its_files_say_of_themselves(store, kind, said):
    column = pa.array(PEOPLE).cast(kind)
    file = store / "beneficiary" / "part.parquet"
    table = pa.table({"bene_id": column})
    pq.write_table(table, file, row_group_size=7, write_statistics=said)
    others = ["1000400", "0999999", "10000000", "999999", "Z000000"]
    with connect() as connection:
        found = known_identifiers(connection, open_store(store), sorted([*PEOPLE, *others]))
    assert found["bene_id"] == set(PEOPLE)


def test_words_that_no_column_can_hold_are_not_looked_up(store, tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "page.html").write_text("hospital 9999999999 ZZZZZZZZ AAAAAA")
    monkeypatch.setattr("tcoc.store.duck.Connection.fetch", lambda *_: pytest.fail("looked up"))
    found = assert_no_identifiers(store, tmp_path / "run")
    assert found == {"hospital", "9999999999", "ZZZZZZZZ", "AAAAAA"}


def test_the_words_of_a_search_are_known_of_that_store_alone(tmp_path):
    cache = Cache(tmp_path)
    note_searched(cache, ["a", "b"], {"hospital", "1234567"})
    assert searched(cache, ["a", "b"]) == {"hospital", "1234567"}
    assert searched(cache, ["a", "c"]) == set()


def test_a_run_notes_the_words_that_it_searched(home: Home):
    place, _ = home.run()
    (entry,) = Cache(home.outputs / FOLDER).latest("identifiers")
    assert words((place / "index.html").read_text()) <= set(entry.facts["words"])


# ---------------------------------------------------------------- what a failed run leaves


@pytest.fixture
def person(stored: Path) -> str:
    """An identifier of the store."""
    return str(pq.read_table(stored / "beneficiary", columns=["bene_id"])["bene_id"][0])


def traces(home: Home) -> str:
    """Everything that failed runs have left, and what it is called."""
    files = [f for f in (home.outputs / ".failed").rglob("*") if f.is_file()]
    assert files
    return "\n".join(f"{file.name}\n{file.read_text(errors='replace')}" for file in files)


def holds_no_place(said: str, home: Home) -> bool:
    root = Path(stand_ins.__file__).parents[2]
    return not any(str(place) in said for place in (home.folder, root, Path.home() / ""))


def test_a_page_that_fails_over_a_person_leaves_no_trace_of_them(home: Home, person: str) -> None:
    home.page("first", OPEN, f"raise KeyError('{person}')")
    with pytest.raises(TcocError):
        home.run()
    said = traces(home)
    assert person not in said
    assert holds_no_place(said, home)
    (only,) = (home.outputs / ".failed").iterdir()
    assert read_manifest(only).error.startswith("not kept, because it may name a person")
    assert [file.name for file in only.iterdir()] == ["manifest.json"]


def test_a_table_that_fails_over_a_person_leaves_no_trace_of_them(
    home: Home, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise ValueError(f"no such person: {person}")

    monkeypatch.setattr("tcoc.run.runner.compute_tables", failing)
    with pytest.raises(ValueError, match=person):  # the command line says none of its values
        home.run()
    assert person not in traces(home)


def test_a_search_that_ends_as_nobody_foresaw_leaves_no_trace(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("not foreseen")

    monkeypatch.setattr("tcoc.run.identifiers.assert_no_identifiers", failing)
    home.page("first", OPEN, "raise KeyError('x')")
    with pytest.raises(RuntimeError, match="not foreseen"):
        home.run()
    assert list((home.outputs / ".failed").iterdir()) == []


def test_what_a_failure_says_of_this_machine_is_left_out(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> object:
        raise TcocError(f"{home.folder}/store/dme: changed, and 3/4 of {home.outputs}/x.csv")

    monkeypatch.setattr("tcoc.run.runner.compute_tables", failing)
    with pytest.raises(TcocError):
        home.run()
    said = traces(home)
    assert "dme: changed, and 3/4 of x.csv" in said
    assert holds_no_place(said, home)
