import json
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from tcoc.cli import app
from tcoc.disclosure import gate
from tcoc.errors import InputError
from tcoc.report.compare import compare_runs, default_out, render_comparison
from tcoc.report.provenance import value_words
from tests.disclosure.tables import hospitals
from tests.disclosure.test_attacks import record


def use(name, value, year=None):
    return {
        "name": name,
        "year": year,
        "value": value,
        "status": "assumed",
        "source": "s",
        "description": "d",
        "rule": "A2",
        "replaced": False,
    }


def write_run(
    folder, name="a", window="same_year", benes=(120.0, None, 300.0), commit="c1", store="0"
):
    run = folder / name
    for part in ("tables", "restricted"):
        (run / part).mkdir(parents=True)
    manifest = {
        "run": name,
        "synthetic": True,
        "state": "ok",
        "git_commit": commit,
        "versions": {"duckdb": "1"},
        "parameters": {
            "run": {
                "name": name,
                "years": [2017, 2018],
                "store": f"../{name}",
                "reference": {"hospitals": f"../{name}/hospitals.csv"},
            },
            "options": {},
            "policy": [use("attribution.window", window), use("qp.threshold", 0.25, 2018)],
        },
        "inputs": [
            {"path": f"params/runs/{name}.yml", "sha256": name * 64},
            {"path": "STORE/store.json", "sha256": store * 64},
        ],
    }
    (run / "manifest.json").write_text(json.dumps(manifest))
    frame = pd.DataFrame(
        {
            "year": [2017, 2017, 2018],
            "ccn": ["a", "b", "a"],
            "benes": benes,
            "tcoc": [10.5, 20.25, 1e9],
        }
    )
    frame["benes"] = frame["benes"].map(str).where(frame["benes"].notna(), "‡")
    frame.to_csv(run / "tables" / "people.csv", index=False)
    columns = {"benes": {"kind": "count"}, "tcoc": {"kind": "dollars"}}
    facts = {"people": {"title": "People", "keys": ["year", "ccn"], "columns": columns}}
    (run / "tables" / "dictionary.json").write_text(json.dumps(facts))
    return run


def with_dollars(run, moved=0.0):
    """Add the MPA's dollars by hospital and the state's total of a run."""
    hospitals = pd.DataFrame(
        {
            "year": 2018,
            "ccn": ["210001", "210002", "210003"],
            "hospital": ["One", "Two", "Three"],
            "mpa_dollars": [1000.0 + moved, -2000.0 - 3 * moved, 500.0],
        }
    )
    state = pd.DataFrame({"year": [2018], "ccn": ["STATE"], "paid": [-500.0 - 2 * moved]})
    hospitals.to_csv(run / "tables" / "mpa_hospitals.csv", index=False)
    state.to_csv(run / "tables" / "state.csv", index=False)
    file = run / "tables" / "dictionary.json"
    facts = json.loads(file.read_text())
    facts["mpa_hospitals"] = {
        "keys": ["year", "ccn"],
        "columns": {"mpa_dollars": {"kind": "dollars"}},
    }
    facts["state"] = {
        "keys": ["year", "ccn"],
        "totals": {"ccn": "STATE"},
        "columns": {"paid": {"kind": "dollars"}},
    }
    file.write_text(json.dumps(facts))
    return run


def test_the_answer_is_totals_and_hospitals_by_dollars(tmp_path):
    one = with_dollars(write_run(tmp_path, "a"))
    two = with_dollars(write_run(tmp_path, "b", window="calendar_years"), moved=100.0)
    found = compare_runs(one, two)
    assert found.totals["row"].tolist() == ["year 2018, ccn STATE"]
    assert found.totals["change"].tolist() == [-200.0]
    assert found.hospitals["ccn"].tolist() == ["210002", "210001"]
    assert found.hospitals["change"].tolist() == [-300.0, 100.0]
    lines = found.text().splitlines()
    assert lines[0] == "attribution.window: same_year -> calendar_years"
    assert "  Two (210002): −$2,000 -> −$2,300 (−$300)" in lines
    render_comparison(found, tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text()
    assert found.totals["place"].tolist() == ["Year: 2018, CCN: Maryland"]
    assert "−$200" in page
    assert page.index('id="totals"') < page.index('id="hospitals"') < page.index('id="causes"')


def test_two_editions_that_would_disclose_say_so_and_go_to_the_owner(tmp_path):
    one = write_run(tmp_path, "a")
    two = write_run(tmp_path, "b", benes=(120.0, 44.0, 300.0))
    found = compare_runs(one, two)
    assert found.discloses
    assert "by difference in 1 cell" in found.text()
    assert default_out(two, found) == two / "restricted" / "compare-with-a.html"
    assert not compare_runs(one, one).discloses


def test_two_editions_with_their_records_are_attacked_together(tmp_path):
    one, two = write_run(tmp_path, "a"), write_run(tmp_path, "b")
    state = hospitals({"a": 253, "b": 7, "c": 404, "d": 90})
    gate({"y1": [state]}).record.write(one / "restricted")
    gate({"y1": [state]}).record.write(two / "restricted")
    assert not compare_runs(one, two).discloses
    # the other edition's counts are not rounded: what it shows leaves the hidden one
    record([state], {"count": 1e-6}).write(two / "restricted")
    assert compare_runs(one, two).discloses
    said = CliRunner().invoke(app, ["compare", str(one), str(two)])
    assert said.exit_code == 1
    assert {f.parent for f in tmp_path.rglob("compare-*.html")} <= {two / "restricted"}


def attribution(run, hospital="a", moved=0):
    people = [f"p{i:03d}" for i in range(60)]
    frame = pd.DataFrame({"year": 2018, "bene_id": people, "ccn": "a", "stage": "aco_like"})
    frame["share"] = 1.0
    frame.loc[: moved - 1, "ccn"] = hospital
    frame.loc[: moved - 1, "stage"] = "geographic"
    frame.to_parquet(run / "restricted" / "attribution.parquet")


def test_a_run_compared_with_itself_is_empty(tmp_path):
    run = write_run(tmp_path)
    attribution(run)
    found = compare_runs(run, run)
    assert found.empty
    assert found.text() == "a and a: no difference"
    render_comparison(found, tmp_path / "c.html")
    assert "No difference" in (tmp_path / "c.html").read_text()


def test_the_same_run_under_another_name_is_empty(tmp_path):
    one, two = write_run(tmp_path, "a"), write_run(tmp_path, "b")
    assert compare_runs(one, two).empty


def test_one_changed_parameter_is_named_first(tmp_path):
    one = write_run(tmp_path, "a")
    two = write_run(tmp_path, "b", window="calendar_years", benes=(150.0, None, 300.0), commit="c2")
    found = compare_runs(one, two)
    assert [c.name for c in found.causes] == ["attribution.window", "commit"]
    assert found.causes[0].before == "same_year"
    assert found.changes.to_dict("records") == [
        {
            "table": "people",
            "row": "year 2017, ccn a",
            "column": "benes",
            "before": "120.0",
            "after": "150.0",
            "change": 30.0,
            "relative": 0.25,
        }
    ]
    assert found.text().splitlines()[0] == "attribution.window: same_year -> calendar_years"


def test_a_sourced_value_is_its_value_however_long_its_source():
    one, two = (
        value_words({2020: {"value": value, "source": "a source " * 20}}) for value in (0.024, 0.03)
    )
    assert (one, two) == ("2020: 0.024", "2020: 0.03")


def test_what_differs_inside_a_value_is_named_by_its_own_key(tmp_path):
    one, two = (
        write_run(
            tmp_path,
            name,
            window={
                "options": {"adopted": {}, "wide": {"at_risk": risk, "names": ["x"] * 9 + [name]}},
                "steps": [{"to": 1}, {"to": to}],
            },
        )
        for name, risk, to in (("a", 0.01, 2), ("b", 0.02, 3))
    )
    found = compare_runs(one, two)
    assert [(c.name, c.before, c.after) for c in found.causes] == [
        ("attribution.window.options.wide.at_risk", "0.01", "0.02"),
        ("attribution.window.options.wide.names", "x, " * 9 + "a", "x, " * 9 + "b"),
        ("attribution.window.steps.2.to", "2", "3"),
    ]


def test_another_store_is_a_cause_before_code(tmp_path):
    one, two = write_run(tmp_path, "a"), write_run(tmp_path, "b", store="1", commit="c2")
    causes = compare_runs(one, two).causes
    assert [(c.kind, c.name) for c in causes] == [("input", "STORE/store.json"), ("code", "commit")]


def test_changes_are_ranked_by_relative_size_and_hidden_cells_have_none(tmp_path):
    one = write_run(tmp_path, "a")
    two = write_run(tmp_path, "b", benes=(121.0, 44.0, 600.0))
    changes = compare_runs(one, two).changes
    assert changes.row.tolist() == ["year 2018, ccn a", "year 2017, ccn a", "year 2017, ccn b"]
    assert changes.relative[0] == 1.0
    assert changes.before[2] == "‡"
    assert pd.isna(changes.change[2])


def test_summation_noise_is_no_change(tmp_path):
    one, two = (
        write_run(tmp_path, "a"),
        write_run(tmp_path, "b", benes=(120.00000000001, None, 300)),
    )
    assert compare_runs(one, two).changes.empty


def test_tables_and_rows_on_one_side_are_named(tmp_path):
    one, two = write_run(tmp_path, "a"), write_run(tmp_path, "b")
    (two / "tables" / "more.csv").write_text("x,y\na,1\n")
    frame = pd.read_csv(two / "tables" / "people.csv")
    frame.head(2).to_csv(two / "tables" / "people.csv", index=False)
    found = compare_runs(one, two)
    assert found.rows == (
        "table more is only in the second run",
        "table people: 1 row only in the first run",
    )


def test_movement_is_counted_and_small_counts_are_hidden(tmp_path):
    one, two = write_run(tmp_path, "a"), write_run(tmp_path, "b")
    attribution(one)
    attribution(two, "b", moved=25)
    found = compare_runs(one, two)
    assert found.movement.to_dict("records") == [
        {"year": 2018, "stage_a": "aco_like", "stage_b": "geographic", "benes": 25}
    ]
    attribution(two, "b", moved=7)
    few = compare_runs(one, two)
    assert few.movement.benes.isna().all()
    assert not few.empty
    render_comparison(few, tmp_path / "c.html")
    assert ">hidden<" in (tmp_path / "c.html").read_text()


def test_without_restricted_tables_there_is_no_movement(tmp_path):
    one, two = write_run(tmp_path, "a"), write_run(tmp_path, "b")
    shutil.rmtree(one / "restricted")
    assert compare_runs(one, two).movement.empty


def test_a_folder_without_a_run_names_the_nearest(tmp_path):
    write_run(tmp_path, "sample")
    with pytest.raises(InputError, match='there is no finished run; did you mean "sample"'):
        compare_runs(tmp_path / "sampel", tmp_path / "sample")


def test_the_page_and_its_csv_hold_the_changes(tmp_path):
    one = write_run(tmp_path, "a")
    two = write_run(tmp_path, "b", window="calendar_years", benes=(150.0, None, 300.0))
    render_comparison(compare_runs(one, two), tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text()
    assert "attribution.window" in page
    assert "Synthetic data" in page
    rows = pd.read_csv(tmp_path / "c.csv")
    assert rows.column.tolist() == ["benes"]
