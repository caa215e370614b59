"""The MPA's checks can fail, its drafts pass the gate, and its words follow the tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tcoc.deliverables.mpa_options import checks, words
from tcoc.deliverables.mpa_options.public import public_tables
from tcoc.disclosure import Column, Draft, gate
from tcoc.params import load_policy
from tests.deliverables.mpa_options.test_mpa_run import PAIR, given, ready
from tests.support.tiny import tiny_study


@pytest.fixture(scope="module")
def made():
    """Drafts and restricted tables of the three hospitals, two of them combined."""
    with tiny_study(given(combinations=PAIR)) as study:
        ready(study)
        names = ("mpa", "mpa_noise", "mpa_options", "mpa_what_if", "mpa_chance", "reliability",
                 "mpa_heterogeneity", "completion_years")  # fmt: skip
        frames = {name: study.frame(name) for name in names}
        yield public_tables(study), frames, study


class Changed:
    """A study one of whose tables holds something else."""

    def __init__(self, study, frames, **changed):
        self.policy, self.run = study.policy, study.run
        self._frames = {**frames, **changed}

    def frame(self, name, exact=False):
        return self._frames[name].copy()


def check(name):
    return next(c for c in checks.CHECKS if c.name == name)


def test_all_checks_hold_on_sound_tables(made):
    _, frames, study = made
    for one in checks.CHECKS:
        assert one.measure(Changed(study, frames)).holds, one.name


@pytest.mark.parametrize(
    ("name", "table", "column", "value"),
    [
        ("dollars_are_percent_of_payments", "mpa", "mpa_dollars", 1.0),
        ("percents_within_caps", "mpa", "mpa_percent", 0.006),
        ("intervals_in_order", "mpa_noise", "result_low", 9.0),
        ("totals_have_their_signs", "mpa_options", "total_up", -1.0),
        ("what_if_agrees_with_main_table", "mpa_what_if", "mpa_dollars", 0.01),
        ("shrinking_moves_to_the_mean", "reliability", "shrunken", 9.0),
        ("run_out_is_labeled", "mpa", "unequal_run_out", True),
    ],
)
def test_each_check_can_fail(made, name, table, column, value):
    _, frames, study = made
    broken = frames[table].copy()
    broken[column] = value
    # Three hospitals are too few for a mean; one is given, so that something can be farther off.
    state = frames["mpa_heterogeneity"].assign(mean=0.0)
    changed = Changed(study, {**frames, "mpa_heterogeneity": state}, **{table: broken})
    assert not check(name).measure(changed).holds


def test_a_combination_with_two_percentages_is_found(made):
    _, frames, study = made
    broken = frames["mpa"].copy()
    broken.loc[broken["ccn"] == "210003", "mpa_percent"] += 0.001
    found = check("combinations_share_one_percent").measure(Changed(study, frames, mpa=broken))
    assert not found.holds


def test_drafts_are_whole_and_every_column_has_a_label(made):
    drafts, _, _ = made
    assert len({draft.name for draft in drafts}) == len(drafts)
    for draft in drafts:
        for name, column in draft.checked().columns.items():
            assert column.label, (draft.name, name)


# ---------------------------------------------------------------- words


def tables(drafts):
    return gate({"mpa_options": drafts}, load_policy()).tables


def larger(drafts, **frames):
    """The drafts with more people behind them, so that small cells hide nothing; some replaced."""
    grown = []
    for draft in drafts:
        frame = frames.get(draft.name, draft.frame).copy()
        if "benes" in frame:
            frame["benes"] = frame["benes"] * 1000
        grown.append(replace(draft, frame=frame))
    return tables(grown)


def test_headline_and_signal_follow_the_numbers(made):
    drafts, _, _ = made
    state = next(d for d in drafts if d.name == "mpa_heterogeneity").frame
    said = []
    for share, p_value in ((0.8, 0.01), (0.1, 0.9)):
        found = larger(drafts, mpa_heterogeneity=state.assign(signal_share=share, p_value=p_value))
        state_now = found["mpa_heterogeneity"]
        said.append(words.signal_share(state_now, 2020) + words.signal(state_now, 2020))
    assert "80% of these dollars is signal" in said[0]
    assert "1% of cases" in said[0]
    assert "10% of these dollars is signal" in said[1]
    assert "90% of cases" in said[1]
    unknown = larger(drafts, mpa_heterogeneity=state.assign(signal_share=np.nan))
    assert "cannot be said" in words.signal_share(unknown["mpa_heterogeneity"], 2020)
    assert words.signal(unknown["mpa_heterogeneity"], 2020) == ""


def test_terms_and_completeness_say_what_the_run_rests_on(made):
    drafts, _, _ = made
    found = larger(drafts)["mpa_terms"]
    assert "2018 is compared with 2017" in words.terms(found, 2020)
    assert "2.33% (by hand) less 0.33%, once" in words.terms(found, 2020)
    said = words.completeness(found, 2020)
    assert "completion factor of 1.0000 (by hand)" in said
    assert "unequal" not in said
    frame = next(d for d in drafts if d.name == "mpa_terms").frame
    labeled = larger(drafts, mpa_terms=frame.assign(unequal_run_out=True, imported_state="MD"))
    said = words.completeness(labeled["mpa_terms"], 2020)
    assert "unequal run-outs" in said
    assert "people of MD alone" in said


def test_combinations_say_what_is_missing_and_options_what_is_left_out(made):
    drafts, _, _ = made
    found = larger(drafts)
    assert "not stated: PAIR (region and purpose)" in words.combined(found["mpa_combined"])
    assert "Base of two years" in words.left_out(found["mpa_left_out"])
    assert "2016" in words.left_out(found["mpa_left_out"])


def sensitivity(rows):
    names = ["changed_value", "assumption", "value", "alternative", "now", "dollars_moved"]
    frame = pd.DataFrame(rows, columns=names)
    text = {n: Column(n, "label") for n in names[1:5]}
    entries = {**text, "dollars_moved": Column("Dollars moved", "dollars")}
    draft = Draft(
        name="mpa_sensitivity",
        title="What moves",
        frame=frame,
        keys=("changed_value",),
        columns=entries,
    )
    return tables([draft])["mpa_sensitivity"]


def test_the_three_assumptions_that_move_most_are_named_once_each():
    rows = [
        ("1", "mpa.a", "A b", "1", "0", 5_000.0),
        ("2", "mpa.a", "A b", "2", "0", 90_000.0),
        ("3", "mpa.b", "B", "1", "0", 50_000.0),
        ("4", "mpa.c", "C", "1", "0", 70_000.0),
        ("5", "mpa.d", "D", "1", "0", 60_000.0),
        ("6", "mpa.e", "E", "1", "0", np.nan),
    ]
    said = words.largest_assumptions(sensitivity(rows))
    assert said == (
        "What moves these dollars most: a b (2 instead of 0: $90,000), c (1 instead of 0:"
        " $70,000), and d (1 instead of 0: $60,000)."
    )
    assert "has not been measured" in words.largest_assumptions(sensitivity(rows[:0]))
