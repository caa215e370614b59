import csv
import io
import json
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from tcoc.report.audited import FOLDER, load, save

from tcoc.errors import TcocError
from tcoc.report import charts as figures
from tcoc.report import release, style
from tcoc.report.release import Figure
from tests.report import report_demo


@pytest.fixture
def demo(tmp_path):
    return report_demo.demo_release(tmp_path)


def figure(demo, **changes):
    frame = demo.table("waterfall")
    parts = {
        "name": "f",
        "title": "T",
        "alt": "A picture.",
        "caption": "C.",
        "picture": style.new_figure()[0],
        "data": frame,
    }
    return Figure(**(parts | changes))


def test_a_table_comes_as_a_copy_with_hidden_cells_missing(demo):
    frame = demo.table("hospital_year")
    assert np.isnan(frame.benes[3])
    assert demo.hidden("hospital_year").benes[3]
    frame["benes"] = 5
    assert np.isnan(demo["hospital_year"].benes[3])


def test_an_unknown_table_names_the_nearest(demo):
    with pytest.raises(TcocError, match='did you mean "hospital_year"'):
        demo.table("hospital_yaer")


def test_a_shown_table_writes_its_csv_with_reasons(demo, tmp_path):
    demo.show_table("hospital_year")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "tables/hospital_year.csv").read_text())))
    assert rows[3]["benes"] == rows[3]["per_capita"] == ""
    assert "benes: primary: a count of 1 to 10" in rows[3]["hidden"]
    assert rows[8]["hidden"] == "benes: complementary"
    assert rows[0]["hidden"] == ""
    assert float(rows[0]["benes"]) == demo.table("hospital_year").benes[0]


def test_a_view_downloads_the_whole_table_unless_it_has_a_name(demo, tmp_path):
    few = demo.table("hospital_year").query("benes > 50000")
    demo.show_table("hospital_year", frame=few)
    assert len(pd.read_csv(tmp_path / "tables/hospital_year.csv")) == 31
    demo.show_table("hospital_year", frame=few, shown_as="largest")
    assert len(pd.read_csv(tmp_path / "tables/largest.csv")) == len(few)


def test_a_view_with_other_labels_still_marks_what_is_hidden(demo):
    source = demo.audited["hospital_year"]
    named = demo.table("hospital_year").assign(ccn=lambda f: "No. " + f.ccn)
    pivoted = demo.table("hospital_year").set_index("hospital")[["benes"]].T
    assert demo._hidden_cells(source, named).benes.tolist() == source.hidden.benes.tolist()
    assert demo._hidden_cells(source, pivoted).sum().sum() == 2
    few = demo.table("hospital_year").iloc[[8, 3]].reset_index(drop=True)
    assert demo._hidden_cells(source, few).per_capita.tolist() == [False, True]


def test_a_shown_figure_writes_picture_data_and_text(demo, tmp_path):
    demo.show_figure(figure(demo))
    folder = tmp_path / "figures"
    assert {f.name for f in folder.iterdir()} == {"f.png", "f.svg", "f.csv", "f.txt"}
    assert (folder / "f.txt").read_text() == "T\n\nA picture.\n"
    assert len(pd.read_csv(folder / "f.csv")) == 12


@pytest.mark.parametrize("part", ["alt", "caption", "title"])
def test_a_figure_without_words_is_refused(demo, part):
    with pytest.raises(TcocError, match=f"its {part} is empty"):
        demo.show_figure(figure(demo, **{part: " "}))


@pytest.mark.parametrize("part", ["alt", "caption", "title"])
def test_a_small_count_planted_in_a_figures_words_is_refused(demo, tmp_path, part):
    with pytest.raises(TcocError, match="count of 1 to 10"):
        demo.show_figure(figure(demo, **{part: "Only 7 beneficiaries are left."}))
    assert not (tmp_path / "figures").exists()


def test_a_small_count_planted_in_a_figures_data_is_refused(demo):
    planted = demo.table("waterfall").assign(benes=4.0)
    with pytest.raises(TcocError, match="count of 1 to 10"):
        demo.show_figure(figure(demo, data=planted))


def test_a_small_count_planted_in_a_view_or_sentence_is_refused(demo):
    frame = demo.table("hospital_year")
    frame.loc[3, "benes"] = 7.0
    with pytest.raises(TcocError, match="count of 1 to 10"):
        demo.show_table("hospital_year", frame=frame)
    with pytest.raises(TcocError, match="count of 1 to 10"):
        demo.say("Holy Cross has 7 beneficiaries.")
    with pytest.raises(TcocError, match="count of 1 to 10"):
        demo.show_numbers([("beneficiaries", "7")])


def test_a_hidden_value_put_back_from_elsewhere_is_refused(demo):
    frame = demo.table("hospital_year")
    frame.loc[8, "benes"] = 21345.0
    with pytest.raises(TcocError, match="no audited table"):
        demo.show_table("hospital_year", frame=frame)


def test_pictures_are_the_same_bytes_each_time(tmp_path):
    made = []
    for name in ("a", "b"):
        report_demo.waterfall(report_demo.demo_release(tmp_path / name))
        report_demo.lines(report_demo.demo_release(tmp_path / name))
        files = sorted((tmp_path / name / "figures").iterdir())
        made.append({f.name: f.read_bytes() for f in files})
    assert made[0] == made[1]
    assert b"<dc:date>" not in made[0]["trend.svg"]


def test_audited_tables_come_back_from_disk_as_they_were(demo, tmp_path):
    save(demo.audited, tmp_path / "kept", "key")
    back = load(tmp_path / "kept", "key")
    assert load(tmp_path / "kept", "another key") is None
    for name, table in demo.audited.items():
        pd.testing.assert_frame_equal(back[name].frame, table.frame)
        pd.testing.assert_frame_equal(back[name].hidden, table.hidden)
        assert back[name].facts == table.facts
        assert back[name].reasons == table.reasons


def test_a_hidden_part_of_a_bar_is_drawn_as_hidden_not_as_a_number():
    frame = pd.DataFrame({"year": [2018], "a": [0.5], "b": [np.nan], "c": [np.nan]})
    picture = figures.stacked_shares(frame, "year", {"a": "A", "b": "B", "c": "C"})
    names = [text.get_text() for text in picture.legends[0].get_texts()]
    assert names == ["A", "B", "C", "hidden ‡"]


# ---------------------------------------------------------------- preparing a release


def public_tables(counts):
    from tcoc.disclosure import PublicTable

    frame = pd.DataFrame({"ccn": ["a", "b", "c"], "benes": counts})
    return [PublicTable(name="people", title="People", frame=frame, keys=("ccn",),
                        counts=("benes",), universe="people")]  # fmt: skip


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose one deliverable publishes a small count."""
    page = SimpleNamespace(
        public_tables=lambda _study: public_tables([3.0, 500.0, 900.0]),
        headline=lambda r: f"{len(r.table('people'))} hospitals.",
    )
    monkeypatch.setattr("tcoc.report.audited.page", lambda _name: page)
    monkeypatch.setattr("tcoc.report.release.page", lambda _name: page)
    spec = SimpleNamespace(deliverables=["y1_attribution"], model_dump=lambda **_kw: {"years": []})
    policy = SimpleNamespace(files={}, get=_policy_default)
    store = SimpleNamespace(info={"source": {"kind": "rif"}}, years=(2017, 2018), synthetic=False)
    run = SimpleNamespace(name="r", spec=spec, policy=policy)
    return SimpleNamespace(run=run, store=store, policy=policy, work=tmp_path, held=nullcontext)


def _policy_default(name, _year=None):
    from tcoc.params import load_policy

    return load_policy().get(name)


def test_a_prepared_release_is_published_and_read_back(study, tmp_path, monkeypatch):
    prepared = release.prepare_release(study, ["y1_attribution"])
    assert prepared.hidden("people").benes.tolist()[0]
    published = (tmp_path / "tables" / "people.csv").read_text()
    assert "3.0" not in published
    assert "hidden" in published.splitlines()[0]
    facts = json.loads((tmp_path / "tables" / "tables.json").read_text())
    assert facts["people"]["keys"] == ["ccn"]
    about = json.loads((tmp_path / release.ABOUT).read_text())
    assert about["headlines"] == {"y1_attribution": "3 hospitals."}
    assert about["vintage"] == "claims 2017–2018"

    monkeypatch.setattr("tcoc.study.open_study", lambda _run, _work: study)
    monkeypatch.setattr(release, "audit_all", lambda *_: pytest.fail("audited again"))
    opened = release.open_release("run.yml", tmp_path)
    assert opened.folder == tmp_path
    pd.testing.assert_frame_equal(opened["people"], prepared["people"])


def test_a_release_of_other_parameters_is_not_read(study, tmp_path, monkeypatch):
    release.prepare_release(study, ["y1_attribution"])
    study.run.spec.model_dump = lambda **_kw: {"years": [2018]}
    monkeypatch.setattr("tcoc.study.open_study", lambda _run, _work: study)
    monkeypatch.setattr(release, "audit_all", lambda *_: {})
    assert release.open_release("run.yml", tmp_path).names == ()


def test_no_file_of_a_release_holds_the_hidden_number(study, tmp_path):
    release.prepare_release(study, ["y1_attribution"])
    frame = pd.read_parquet(tmp_path / FOLDER / "people.parquet")
    assert not (frame.benes == 3.0).any()


def test_a_table_name_is_used_once(study, monkeypatch):
    with pytest.raises(TcocError, match='"people" is also one of'):
        release.prepare_release(study, ["y1_attribution", "qp_preliminary"])
