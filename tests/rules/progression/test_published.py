"""The published files: sources, gaps, identities; a changed value changes figure and text."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tcoc.deliverables.progression_plan import figures, words
from tcoc.deliverables.progression_plan.dictionary import published
from tcoc.disclosure import Column, PublicTable, gate
from tcoc.errors import InputError
from tcoc.params import load_policy
from tcoc.paths import params_dir
from tcoc.reference.published import date_span, load_diagram, load_timeline, load_values
from tcoc.rules import progression
from tcoc.rules.progression import Guardrail
from tcoc.rules.progression.design import when_words

FOLDER = params_dir() / "published"
VALUES = ("all_payer_model_metrics", "medicare_savings", "medicare_payments")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "published"))


def change(folder: Path, name: str, metric: str, year: int, **changes: object) -> None:
    file = folder / f"{name}.yml"
    content = yaml.safe_load(file.read_text())
    rows = content["metrics"][metric]["values"]
    row = next(r for r in rows if r["year"] == year)
    row.update(changes)
    for key in [k for k, v in row.items() if v is None and k != "value"]:
        del row[key]
    file.write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.mark.parametrize("name", VALUES)
def test_each_value_has_source_vintage_and_confidence(name):
    frame = load_values(name).frame()
    known = frame["value"].notna()
    assert (frame.loc[known, ["source", "vintage_words", "confidence"]] != "").all(axis=None)
    assert (frame.loc[~known, "reason"] != "").all()


def test_printed_sums_hold():
    gaps = progression.cumulative_gaps(load_values("medicare_savings"))
    assert set(gaps["printed"]) == {251.0, 586.0, 213.0, 263.0, 461.0}
    assert (gaps["gap"] == 0).all()


def test_published_savings_add_up_in_one_vintage():
    frame = progression.published_savings(load_values("medicare_savings"), "reported_2018")
    wide = frame.pivot(index="year", columns="part", values="saving")
    assert (wide["hospital"] + wide["nonhospital"] == wide["total"]).all()
    last = frame[frame["year"] == 2016].set_index("part")
    assert last["cumulative"].to_dict() == {"hospital": 586, "nonhospital": -125, "total": 461}
    assert last["cumulative_confidence"].to_dict() == {
        "hospital": "sourced",
        "nonhospital": "recalled",
        "total": "sourced",
    }


def public(name: str, frame: pd.DataFrame, keys: tuple[str, ...]) -> PublicTable:
    """A published table as the pages see it."""
    numbers = [c for c in frame.columns if pd.api.types.is_float_dtype(frame[c])]
    draft = published(name, name, frame, keys, {c: Column(c, "number") for c in numbers})
    return gate({"progression_plan": [draft]}, load_policy()).tables[name]


def metrics_of(folder: Path | None = None) -> PublicTable:
    frame = progression.metrics(load_values("all_payer_model_metrics", folder))
    return public("published_metrics", frame, ("metric", "year", "vintage"))


def test_a_changed_value_changes_figure_data_and_text(folder):
    before = metrics_of()
    change(folder, "all_payer_model_metrics", "hospital_growth", 2015, value=3.9)
    after = metrics_of(folder)
    assert after.value("status", metric="hospital_growth", year=2015) == "not met"
    assert words.metrics_title(before) != words.metrics_title(after)
    assert "all-payer hospital revenue" not in words.metrics_title(after)
    chart = figures.metrics(after)
    assert "2015 3.90% (not met)" in chart.alt
    drawn = " ".join(text.get_text() for text in chart.draw("wide").axes[0].texts)
    assert "3.90%" in drawn


def test_a_missing_value_is_a_visible_gap_with_its_reason(folder):
    change(
        folder,
        "all_payer_model_metrics",
        "readmissions",
        2015,
        value=None,
        confidence=None,
        recall=None,
        source=None,
        reason="the report could not be read",
    )
    chart = figures.metrics(metrics_of(folder))
    assert "2015 no value (the report could not be read)" in chart.alt
    for layout in ("wide", "narrow"):
        drawn = " ".join(text.get_text() for text in chart.draw(layout).axes[0].texts)
        assert "the report" in drawn


def test_savings_title_follows_the_values(folder):
    def title(where: Path | None) -> str:
        frame = progression.published_savings(
            load_values("medicare_savings", where), "reported_2016"
        )
        frame[["saving", "cumulative"]] *= 1_000_000
        return words.savings_title(public("savings", frame, ("vintage", "part", "year")))

    assert "took back $38" in title(None)
    change(folder, "medicare_savings", "total_savings", 2014, value=9)
    assert "took back $162" in title(folder)


def test_growth_by_part_follows_from_the_printed_differences():
    """I.C: hospital below the nation in 2015, non-hospital above; parts weigh to the total."""
    frame = progression.growth_by_part(load_values("medicare_savings"), 0.56)
    rows = frame[frame["vintage"] == "reported in 2016"].set_index(["year", "part"])["difference"]
    assert rows[2014, "hospital"] == pytest.approx(-2.15)
    assert rows[2015, "hospital"] == pytest.approx(100 * ((1 - 0.0222) / (1 - 0.0215) - 1))
    assert rows[2015, "hospital"] < 0 < rows[2015, "nonhospital"]
    for year in (2014, 2015):
        both = 0.56 * rows[year, "hospital"] + 0.44 * rows[year, "nonhospital"]
        assert both == pytest.approx(rows[year, "total"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": None, "confidence": None, "source": None}, "say why"),
        ({"confidence": None}, "confidence"),
        ({"confidence": "recalled"}, "recall"),
        ({"source": "helthexec"}, 'did you mean "healthexec"'),
        ({"vintage": "reported_2019"}, 'did you mean "reported_2016"|did you mean "reported_2018"'),
        ({"valu": 3}, "Extra inputs"),
    ],
)
def test_a_wrong_value_is_an_error_in_one_sentence(folder, changes, said):
    change(folder, "all_payer_model_metrics", "hospital_growth", 2015, **changes)
    with pytest.raises(InputError, match=said) as error:
        load_values("all_payer_model_metrics", folder)
    assert "all_payer_model_metrics.yml" in str(error.value)
    assert "\n" not in str(error.value)


def test_national_growth_is_never_invented():
    published = load_values("medicare_savings")
    frame = progression.national_growth([2015, 2016, 2018], published, {}, 2, 2017)
    assert frame["national_growth"].isna().all()
    assert (frame["reason"] != "").all()


def test_the_reason_that_is_printed_comes_before_ours():
    published = load_values("medicare_savings")
    frame = progression.national_growth([2016, 2030], published, {}, 2, 2017)
    assert list(frame["reason"]) == [
        "no source at hand gives the national rate that CMS compared with",
        "neither the run file nor a published source gives it",
    ]


def test_national_growth_of_the_run_file_covers_its_own_years_only():
    published = load_values("medicare_savings")
    rates = {2020: (0.03, "CMS"), 2021: (0.0712, "CMS, two years")}
    frame = progression.national_growth([2017, 2018, 2019], published, rates, 2, 2017)
    growth = frame.set_index("year")["national_growth"]
    assert pd.isna(growth[2017])
    assert growth[2018] == pytest.approx(0.03)
    assert growth[2019] == pytest.approx(1.0712 / 1.03 - 1)
    alone = progression.national_growth([2019], published, {2021: rates[2021]}, 2, 2017)
    assert alone["national_growth"].isna().all()


def test_annual_differences_stay_in_one_vintage():
    frame = progression.annual_differences(load_values("medicare_savings"))
    rows = {
        ("2016" if "in 2016" in series else "2018", year): difference
        for series, year, difference in frame[["series", "year", "difference"]].to_numpy()
    }
    assert rows["2016", 2015] == pytest.approx((1 - 0.0085) / (1 - 0.0153) - 1)
    assert len(frame) == 5
    verdicts = progression.guarded(frame, Guardrail(0.005, 2))["guardrail"]
    assert list(verdicts).count("broken") == 1


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2016-12-31", "2016-12-31", "2016-12-31"),
        ("2016-02", "2016-02-01", "2016-02-29"),
        ("2016-summer", "2016-07-01", "2016-09-30"),
        ("2017", "2017-01-01", "2017-12-31"),
    ],
)
def test_a_date_is_as_wide_as_its_source(text, first, last):
    assert tuple(map(str, date_span(text))) == (first, last)


@pytest.mark.parametrize("text", ["2016-13", "2016-sommer", "soon", "2016-2"])
def test_a_wrong_date_is_an_error(text):
    with pytest.raises(ValueError, match="date"):
        date_span(text)


def test_required_events_stand_in_the_timeline():
    rows = progression.timeline_rows(load_timeline())
    said = set(zip(rows["event"], rows["first"].astype(str), strict=True))
    assert ("Submission to CMS", "2016-12-31") in said
    assert ("All-Payer Model in force", "2014-01-01") in said
    assert ("Staged implementation", "2017-01-01") in said
    starts = rows[rows["first"].astype(str) == "2019-01-01"]["track"]
    assert {"Dual Eligible Model", "Maryland Primary Care Program"} <= set(starts)


def test_the_2013_diagram_says_that_it_is_a_reconstruction():
    diagram = load_diagram("driver_diagram_2013")
    assert diagram.reconstruction
    assert diagram.note.startswith("Reconstruction")


@pytest.mark.parametrize(
    ("begins", "ends", "said"),
    [
        ("2016-12-31", "", "31 Dec 2016"),
        ("2016-12", "", "Dec 2016"),
        ("2016-summer", "", "summer 2016"),
        ("2017", "2018", "2017 to 2018"),
        ("2017", "2017", "2017"),
    ],
)
def test_dates_are_said_as_a_reader_says_them(begins: str, ends: str, said: str) -> None:
    assert when_words(begins, ends) == said
