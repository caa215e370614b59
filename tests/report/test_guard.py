import pytest

from tcoc.errors import TcocError
from tcoc.report import guard
from tests.report.made_up import made_up

KNOWN = guard.Known(made_up().values(), [0.005])


def test_a_number_of_a_public_table_passes_in_any_of_its_forms():
    table = made_up()["waterfall"]
    share = float(table.value("share_benes", year=2018, stage="aco_like"))
    total = float(table.value("tcoc", year=2018, stage="all"))
    for text in (
        f"{share:.1%} of people",
        f"{share:.0%}",
        f"${total / 1e9:.1f} billion",
        f"${total:,.0f}",
    ):
        guard.check_numbers("t", text, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "In 2018, 12 of 47 hospitals; rule A12 and 42 CFR 414.1430(a)(1)",
        "between 2017 and 2018–19 nothing moved; 100% of it, 0 dollars",
        "a threshold of 0.5%",
        "hospital 210004 in ZIP 20588",
    ],
)
def test_years_rules_labels_policy_values_and_small_whole_numbers_are_free(text):
    guard.check_numbers("t", text, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "$1,234,567 were saved",
        "rose 77.7%",
        "12,345 people",
        "by 3.3 points",
        "$4.4 billion",
        "−$987",
    ],
)
def test_a_number_that_stands_in_no_public_table_is_refused(text):
    with pytest.raises(TcocError, match="stands in no public table"):
        guard.check_numbers("paragraph", text, KNOWN)


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
