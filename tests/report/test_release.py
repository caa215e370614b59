import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tcoc.disclosure import write_public
from tcoc.errors import InputError, TcocError
from tcoc.report import charts, words
from tcoc.report.facts import RunFacts
from tcoc.report.release import hospitals_of, open_public
from tests.report import report_demo


@pytest.fixture
def demo():
    return report_demo.demo_release()


def chart(demo):
    return charts.stacked_shares(demo.table("waterfall"), "year", "stage", "share_benes")


def shown(call):
    InteractiveShell.instance()
    with capture_output() as captured:
        call()
    return captured.outputs


def test_an_unknown_table_names_the_nearest(demo):
    with pytest.raises(TcocError, match='did you mean "hospital_year"'):
        demo.table("hospital_yaer")


def test_a_figure_is_three_outputs_and_writes_no_file(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outputs = shown(lambda: demo.show(chart(demo), title="T", caption="C."))
    assert [o.metadata["tcoc"]["kind"] for o in outputs] == [
        "figure-title",
        "figure",
        "figure-below",
    ]
    data = outputs[1].data
    assert data["image/svg+xml"].startswith("<svg")
    assert data["image/svg+xml;layout=narrow"] != data["image/svg+xml"]
    assert data["text/csv"].splitlines()[0] == "year,ccn,stage,benes,tcoc,share_benes"
    assert "The numbers as a table" in outputs[2].data["text/html"]
    assert list(tmp_path.iterdir()) == []


def test_a_renamed_frame_is_no_table(demo):
    frame = demo.table("waterfall").frame.rename(columns={"benes": "people"})
    with pytest.raises(TcocError, match="show_table: found a DataFrame, expected a public table"):
        demo.show_table(frame)


def test_what_an_author_says_comes_before_what_the_data_say(demo):
    outputs = shown(lambda: demo.show(chart(demo), title="T", caption="C.", alt="Three stages."))
    alt = outputs[1].metadata["tcoc"]["alt"]
    assert alt.startswith("Three stages. Stacked bars of share of beneficiaries")


def test_a_table_without_rows_is_one_sentence_in_place_of_a_figure_or_a_grid(demo):
    table = demo.table("waterfall").head(0)
    empty = charts.stacked_shares(table, "year", "stage", "share_benes")
    figure = shown(lambda: demo.show(empty, title=words.NO_ROWS, caption="C."))
    grid = shown(lambda: demo.show_table(table, caption="By stage"))
    assert [o.metadata["tcoc"]["kind"] for o in (*figure, *grid)] == ["say", "say"]
    assert "nothing to draw" in figure[0].data["text/plain"]
    assert grid[0].data["text/plain"] == "By stage: this table has no rows in this run."


@pytest.mark.parametrize("part", ["caption", "title"])
def test_a_figure_without_words_is_refused(demo, part):
    words = {"title": "T", "caption": "C.", part: " "}
    with pytest.raises(TcocError, match=f"its {part} is empty"):
        demo.show(chart(demo), **words)


@pytest.mark.parametrize("part", ["alt", "caption", "title"])
def test_a_number_from_nowhere_in_a_figures_words_is_refused(demo, part):
    words = {"title": "T", "caption": "C.", part: "It was $7,654,321."}
    with pytest.raises(TcocError, match="stands in no public table"):
        demo.show(chart(demo), **words)


@pytest.mark.parametrize("text", ["Only 7 beneficiaries are left.", "It rose 77.7%."])
def test_a_small_count_or_a_number_from_nowhere_in_words_is_refused(demo, text):
    for call in (
        lambda: demo.say(text),
        lambda: demo.show_numbers([("what", text)]),
        lambda: demo.show_table(demo.table("settings"), caption=text),
    ):
        with pytest.raises(TcocError):
            call()


def test_a_second_showing_has_a_name_of_its_own(demo):
    first, second = (shown(lambda: demo.show_table(demo.table("settings"))) for _ in range(2))
    names = [outputs[0].metadata["tcoc"]["name"] for outputs in (first, second)]
    assert names == ["settings", "settings-2"]


def test_checks_come_from_the_public_table(demo):
    demo.table("waterfall")
    assert demo.holds("shares_sum_to_one")
    with pytest.raises(TcocError, match='did you mean "months_add_up"'):
        demo.holds("months_add")


def test_a_check_that_did_not_hold_says_so(monkeypatch, demo):
    broken = demo.table("checks").frame.assign(holds=[False, True])

    class Table:
        frame = broken
        deliverable = "demo"

    monkeypatch.setitem(demo.tables, "checks", Table())
    assert not demo.holds("shares_sum_to_one")
    assert demo.holds("months_add_up")


def test_a_batch_run_has_no_study(demo):
    with pytest.raises(TcocError, match="JupyterLab only"):
        _ = demo.study


def test_the_public_folder_gives_the_same_release(demo, tmp_path):
    write_public(demo.tables, tmp_path)
    demo.facts.write(tmp_path)
    back = open_public(tmp_path)
    assert back.facts == demo.facts
    assert back.names == demo.names
    for name in demo.names:
        pd.testing.assert_frame_equal(back.table(name).frame, demo.table(name).frame)


def test_a_folder_without_facts_is_refused(tmp_path):
    with pytest.raises(InputError, match="facts are missing"):
        RunFacts.read(tmp_path)


def test_the_picker_knows_each_hospital_once_by_name(demo):
    found = hospitals_of(demo.tables)
    assert len(found) == 47
    assert found == sorted(found, key=lambda pair: pair[1])
    assert ["210008", "Johns Hopkins"] in found
