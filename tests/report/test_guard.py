import pandas as pd
import pytest

from tcoc.errors import TcocError
from tcoc.report import guard

AUDITED = pd.DataFrame({"ccn": ["a", "b"], "benes": [120.0, None], "tcoc": [5.5, None]})
VISIBLE = guard.visible_values([(AUDITED, ("benes", "tcoc"))])


def check(frame, counts=("benes",)):
    guard.check_frame("figure f", frame, VISIBLE, counts)


def test_rows_of_an_audited_frame_pass():
    check(AUDITED)
    check(AUDITED.head(1).assign(label="x", share=0.2))


def test_a_planted_small_count_is_refused():
    with pytest.raises(TcocError, match='column "benes" holds a count of 1 to 10'):
        check(AUDITED.assign(benes=[120.0, 7.0]))


@pytest.mark.parametrize("name", ["benes_moved", "patients", "n_claims"])
def test_a_small_count_under_another_name_is_refused(name):
    with pytest.raises(TcocError, match="count of 1 to 10"):
        check(pd.DataFrame({name: [3.2]}))


@pytest.mark.parametrize("name", ["benes_per_zip", "rate", "tcoc_per_bene", "year_rank"])
def test_small_numbers_that_count_nobody_pass(name):
    check(pd.DataFrame({name: [3.2]}))


def test_a_number_that_was_not_audited_is_refused_and_not_told():
    with pytest.raises(TcocError, match="no audited table") as error:
        check(AUDITED.assign(tcoc=[5.5, 77.25]))
    assert "77" not in str(error.value)


def test_zero_may_be_shown_where_it_was_audited():
    visible = guard.visible_values([(pd.DataFrame({"benes": [0.0]}), ("benes",))])
    guard.check_frame("t", pd.DataFrame({"benes": [0.0]}), visible, ("benes",))


@pytest.mark.parametrize(
    "text",
    [
        "There are 7 beneficiaries here.",
        "a hospital with **3** beneficiaries",
        "only 10 eligible beneficiaries remain",
        "nine people",
        "11 to 10 people",
        "4\u00a0patients of 200",
        "1 claim",
        "7 dual eligible people",
    ],
)
def test_a_sentence_with_a_small_count_is_refused(text):
    with pytest.raises(TcocError, match="count of 1 to 10"):
        guard.check_text("paragraph", text)


@pytest.mark.parametrize(
    "text",
    [
        "There are 17 beneficiaries, 1,007 claims and 0 people.",
        "In 2018 beneficiaries cost $7 per person more.",
        "counts of 1 to 10 are hidden",
        "no count of 1 to 10 beneficiaries is shown",
        "4 hospitals; rule D1",
        "$11,667 per beneficiary",
        "a hidden number of beneficiaries",
    ],
)
def test_other_numbers_in_sentences_pass(text):
    guard.check_text("paragraph", text)
