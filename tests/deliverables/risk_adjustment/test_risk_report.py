"""The report's answers follow from numbers, and its public tables pass the gate."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tcoc.deliverables.risk_adjustment import public as tables
from tcoc.deliverables.risk_adjustment import sections as page
from tcoc.params import load_policy
from tcoc.rules.risk import STATE


def _choice(**changes):
    rows = pd.DataFrame(
        {
            "year": 2016,
            "variant": ["demographic_own", "demographic_statewide", "new_enrollee"],
            "benes": 800_000.0,
            "slope": [0.9, 1.0, 1.1],
            "slope_low": [0.2, 0.3, 0.4],
            "slope_high": [1.5, 1.6, 1.7],
            "error": [0.03, 0.02, 0.01],
            "largest_move": [0.4, 0.1, 0.1],
            "benchmark": [0.5, 0.9, 0.8],
            "stability": [0.1, 0.2, 0.3],
            "r2": [0.04, 0.04, 0.05],
            "mae": [12_000.0, 12_000.0, 11_900.0],
            "growth_error": 0.05,
            "hospitals": 47.0,
            "differing": [1.0, 6.0, 20.0],
            "up": 0.0,
            "down": [1.0, 6.0, 20.0],
        }
    )
    return rows.assign(**changes)


def _release(**changes):
    frames = {"risk_choice": _choice(**changes)}
    study = SimpleNamespace(policy=load_policy())
    return SimpleNamespace(table=lambda name: frames[name], study=study, names=tuple(frames))


def test_chance_alone_is_not_beyond_chance():
    assert not page.is_beyond_chance(2, 47)
    assert not page.is_beyond_chance(page.least_beyond_chance(47) - 1, 47)
    assert page.is_beyond_chance(page.least_beyond_chance(47), 47)
    assert not page.is_beyond_chance(0, 0)


def test_the_first_answer_can_be_yes_no_and_open():
    assert page.appropriate(_release())[1] is True
    assert page.appropriate(_release(differing=2.0))[1] is False
    assert page.appropriate(_release(slope_low=-0.5))[1] is None
    assert page.appropriate(_release(differing=np.nan))[1] is None


def test_the_second_answer_follows_the_criteria():
    text, name = page.best(_release())
    assert name == "new_enrollee"
    assert "2 of 4" in text
    statewide = {"error": [0.03, 0.001, 0.01], "largest_move": [0.4, 0.01, 0.1]}
    assert page.best(_release(**statewide))[1] == "demographic_statewide"
    unknown = dict.fromkeys(("r2", "error", "largest_move", "benchmark"), np.nan)
    assert page.best(_release(**unknown))[1] == ""


def test_bucket_groups_cover_every_bucket():
    from tests.rules.risk.risk_support import settings

    groups = {tables.bucket_group(b) for b in settings().scheme.buckets}
    assert groups == {
        "ESRD, all",
        "under 65, dual",
        "under 65, non-dual",
        "65 and over, dual",
        "65 and over, non-dual",
    }


def test_small_base_year_hides_values_with_a_remark(monkeypatch):
    monkeypatch.setattr(tables, "pair_of", lambda study: SimpleNamespace(base_year=2015))
    frame = pd.DataFrame(
        {"ccn": ["a", "b", STATE], "base_benes": [5.5, 11.0, 900.0], "growth": 0.1}
    )
    shown = tables._remarked(frame, ["growth"], SimpleNamespace(policy=load_policy()))
    assert shown["growth"].isna().tolist() == [True, False, False]
    assert shown["remark"].tolist() == ["fewer than 11 in 2015", "", ""]


def test_published_tables_stand_without_people():
    printed, checked = tables.published_table(), tables.published_check_table()
    assert printed.checked().frame["method"].tolist() == list(page.METHOD_NAMES)
    assert checked.checked().frame["within_rounding"].all()
    layout = page._in_slide_layout(printed.frame, (2015, 2016), {})
    cells = layout.set_index("row")
    assert cells.loc["2016 growth rate", "demographic"] == "−0.21\u00a0%"
    assert cells.loc["2015 TCOC per capita, adjusted base", "new_enrollee"] == "$11,688"
    assert cells.loc["Risk adjustment to 2015", "none"] == "–"


@pytest.mark.parametrize("part", tables.PART_NAMES)
def test_part_columns_are_plain_names(part):
    assert tables.part_column("demographic", part).isidentifier()
