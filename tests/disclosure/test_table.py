from decimal import Decimal

import pandas as pd
import pytest

from tcoc.disclosure import (
    MARK,
    Column,
    Draft,
    PublicTable,
    as_csv,
    escaped,
    gate,
    read_public,
    write_csvs,
    write_public,
)
from tcoc.errors import InputError
from tcoc.run.drafts import read_drafts, write_drafts

from .tables import COLUMNS, hospitals, plain

STATE = {"a": 253, "b": 7, "c": 404, "d": 900}


def public(**counts):
    return gate({"y1": [hospitals(counts or STATE)]}).tables["hospitals"]


def test_nobody_but_the_gate_makes_a_public_table():
    table = public()
    with pytest.raises(TypeError, match="only the disclosure gate"):
        PublicTable(**vars(table.facts), _frame=table.frame, _hidden=table.hidden)


def test_a_public_table_cannot_be_changed():
    table = public()
    with pytest.raises(AttributeError, match="cannot assign"):
        table.name = "other"
    copy = table.frame
    copy.loc[0, "benes"] = 253
    assert table.value("benes", ccn="a") == 250


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.where(ccn="b"),
        lambda t: t.where(ccn=["b", "a"]).sort("benes"),
        lambda t: t.keep(lambda f: f["ccn"] == "b"),
        lambda t: t.select("ccn", "benes").head(2),
        lambda t: t.sort("ccn", descending=True),
    ],
)
def test_a_view_keeps_keys_hidden_cells_and_dictionary(view):
    table = public()
    seen = view(table)
    assert not seen.whole
    assert seen.keys == table.keys
    assert seen.columns["benes"] == table.columns["benes"]
    row = seen.frame["ccn"].tolist().index("b")
    assert seen.hidden["benes"].tolist()[row]
    assert pd.isna(seen.frame["benes"].iloc[row])


def test_years_go_across_with_their_hidden_cells():
    counts = {2017: {"a": 253, "b": 7, "c": 404}, 2018: {"a": 260, "b": 70, "c": 1}}
    drafts = [hospitals(own, year) for year, own in counts.items()]
    frame = pd.concat([d.frame for d in drafts], ignore_index=True)
    draft = Draft(
        name="two",
        title="T",
        frame=frame,
        keys=("year", "ccn"),
        columns=COLUMNS,
        totals={"ccn": "STATE"},
        universe="p",
    )
    wide = gate({"y1": [draft]}).tables["two"].across("year", "benes")
    assert wide.keys == ("ccn",)
    assert wide.columns["2017 benes"].label == "2017 Beneficiaries"
    assert wide.hidden["2017 benes"].tolist()[1]
    assert wide.hidden["2018 benes"].tolist()[2]
    assert len(wide) == 4


def test_a_value_is_one_number_and_missing_where_hidden():
    table = public()
    assert table.value("benes", ccn="a") == 250
    assert table.value("benes", ccn="b") is pd.NA
    with pytest.raises(InputError, match="5 rows for year 2018, expected one"):
        table.value("benes", year=2018)
    with pytest.raises(InputError, match="beness"):
        table.value("beness", ccn="a")


def test_a_table_comes_back_from_its_files_as_it_was(tmp_path):
    table = public()
    write_public({"hospitals": table}, tmp_path)
    again = read_public(tmp_path)["hospitals"]
    assert again.frame.equals(table.frame)
    assert again.hidden.equals(table.hidden)
    assert again.facts == table.facts


def test_drafts_come_back_from_their_file_as_the_gate_takes_them(tmp_path):
    frame = pd.DataFrame(
        {
            "year": [2017, 2018, 2018],
            "stage": [2018, "all", "geographic"],
            "benes": pd.array([11, None, 3], dtype="Int64"),
            "tcoc": [Decimal("1.10"), None, Decimal("0.1")],
            "share": [0.1 + 0.2, float("nan"), 1e-17],
            "note": pd.array(["a", None, "$"], dtype="str"),
            "holds": [True, False, True],
        }
    )
    columns = {
        "benes": Column("People", "count", digits=1),
        "tcoc": Column("Dollars", "dollars", of=("benes",)),
        "share": Column("Share", "share", base="benes"),
    }
    draft = Draft(
        name="odd", title="Odd", frame=frame, keys=("year", "stage"), columns=columns,
        totals={"stage": "all"}, parents={"stage": {"geographic": "all"}}, universe="people",
    )  # fmt: skip
    write_drafts([draft], tmp_path / "drafts.json")
    (again,) = read_drafts(tmp_path / "drafts.json")
    wanted = draft.checked()
    pd.testing.assert_frame_equal(again.frame, wanted.frame, check_exact=True)
    assert [*map(type, again.frame["stage"])] == [*map(type, wanted.frame["stage"])]
    assert {**vars(again), "frame": 0} == {**vars(wanted), "frame": 0}
    assert (tmp_path / "drafts.json").stat().st_mode & 0o077 == 0


def test_a_csv_has_one_mark_and_no_reasons_and_comes_with_its_dictionary(tmp_path):
    write_csvs({"hospitals": public()}, tmp_path)
    text = (tmp_path / "hospitals.csv").read_text()
    assert f"2018,b,{MARK},{MARK},{MARK}" in text
    assert "hidden" not in text
    assert "small" not in text
    dictionary = pd.read_csv(tmp_path / "dictionary.csv").set_index(["table", "column"])
    assert dictionary.loc[("hospitals", "benes"), "label"] == "Beneficiaries"
    assert not any("depends" in f.read_text() for f in tmp_path.glob("dictionary.*"))


def test_a_cell_that_a_spreadsheet_would_run_is_escaped():
    frame = pd.DataFrame({"hospital": ["=cmd()", "@x", "\tx", "-3 km", "St. Mary"], "n": [20] * 5})
    draft = plain("t", frame, ("hospital",), {"n": Column("N", "count")})
    lines = as_csv(gate({"x": [draft]}).tables["t"]).decode().splitlines()
    assert lines[1] == "'=cmd(),20"
    assert [line[:2] for line in lines[1:]] == ["'=", "'@", "'\t", "'-", "St"]
    assert escaped("-12.5") == "-12.5"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"columns": {"benes": COLUMNS["benes"]}}, "numeric column tcoc has no entry"),
        ({"keys": ("year",), "totals": {}}, "keys of row 1 stand twice"),
        ({"keys": ("year", "cnn")}, '"cnn"; did you mean "ccn"'),
        ({"within": {"benes": "people"}}, '"people"'),
        ({"columns": {**COLUMNS, "per_capita": Column("P", "share")}}, "names no count column"),
        ({"columns": {**COLUMNS, "tcoc": Column("P", "dolars", of=("benes",))}}, "dolars"),
    ],
)
def test_a_draft_that_is_not_sound_is_refused(change, said):
    from dataclasses import replace

    with pytest.raises(InputError, match=said):
        gate({"y1": [replace(hospitals({"a": 50, "b": 60}), **change)]})


def test_a_part_that_is_more_than_its_whole_is_refused():
    frame = pd.DataFrame({"k": ["a", "b"], "seen": [60, 50], "linked": [20, 51]})
    columns = {name: Column(name, "count") for name in ("seen", "linked")}
    draft = plain("t", frame, ("k",), columns, within={"linked": "seen"})
    with pytest.raises(InputError, match="t: linked is more than seen, of which it is part"):
        gate({"x": [draft]})
    sound = plain("t", frame.assign(linked=[20, 50]), ("k",), columns, within={"linked": "seen"})
    assert "t" in gate({"x": [sound]}).tables


def test_two_tables_of_one_name_are_refused():
    with pytest.raises(InputError, match="public table hospitals stands twice"):
        gate({"x": [hospitals({"a": 50, "b": 60})], "y": [hospitals({"a": 50, "b": 60})]})


def test_two_tables_that_count_a_cell_differently_are_refused():
    one, two = hospitals({"a": 50, "b": 60}), hospitals({"a": 51, "b": 60}, name="other")
    with pytest.raises(InputError, match="hospitals and other count benes"):
        gate({"y1": [one, two]})
