import base64
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis import schema as ibis_schema

from tcoc.errors import TcocError
from tcoc.run.identifiers import assert_no_identifiers, words
from tcoc.store.schema import FORMAT_VERSION, TABLES

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
