import numpy as np
import pandas as pd
import pytest

from tcoc.report import words

S = "\u00a0"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.dollars(11667), "$11,667"),
        (words.dollars(11667.5), "$11,668"),
        (words.dollars(-12.25, cents=True), "−$12.25"),
        (words.dollars(-0.2), "$0"),
        (words.short_dollars(9.67e9), f"$9.7{S}billion"),
        (words.short_dollars(1_240_000), f"$1.2{S}million"),
        (words.short_dollars(-1_240_000), f"−$1.2{S}million"),
        (words.short_dollars(999), "$999"),
        (words.count(1234.5), "1,235"),
        (words.count(0), "0"),
        (words.percent(0.021), "2.1%"),
        (words.percent(0.005, 2), "0.50%"),
        (words.percent(0.0005), "0.1%"),
        (words.change(0.021), "+2.1%"),
        (words.change(-0.0021, 2), "−0.21%"),
        (words.change(-0.0001), "0.0%"),
        (words.money(-1234), "−$1,234"),
        (words.dollar_change(1234.4), "+$1,234"),
        (words.dollar_change(-0.2), "$0"),
        (words.plain_number(0.5), "0.5"),
        (words.plain_number(12.0), "12"),
        (words.compact(1_200_000, "$", 3e6, 200_000), "$1.2M"),
        (words.compact(20_000, "", 60_000, 20_000), "20K"),
        (words.name_of("mdpcp_like"), "MDPCP-like"),
        (words.name_of("calendar_years"), "Calendar years"),
        (words.name_of("Johns Hopkins"), "Johns Hopkins"),
        (words.points(0.004), f"+0.4{S}points"),
        (words.number(1.0016), "1.002"),
        (words.plural(1, "hospital"), "1 hospital"),
        (words.plural(47, "hospital"), "47 hospitals"),
        (words.plural(2, "beneficiary", "beneficiaries"), "2 beneficiaries"),
        (words.listing(["a"]), "a"),
        (words.listing(["a", "b", "c"]), "a, b, and c"),
        (words.listing([]), ""),
        (words.span([2018, 2015, 2016, 2017]), "2015–2018"),
        (words.span([2015, 2017]), "2015 and 2017"),
        (words.span([2015]), "2015"),
    ],
)
def test_amounts_read_as_the_house_writes_them(said, expected):
    assert said == expected


WRITERS = (
    words.dollars,
    words.short_dollars,
    words.percent,
    words.change,
    words.count,
    words.number,
    words.points,
)


@pytest.mark.parametrize("hidden", [None, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("write", WRITERS)
def test_a_hidden_cell_has_no_number_in_any_wording(write, hidden):
    assert write(hidden) == "hidden"


def test_a_hidden_count_reads_in_a_sentence():
    assert words.plural(pd.NA, "beneficiary", "beneficiaries") == (
        "a hidden number of beneficiaries"
    )
