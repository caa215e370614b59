"""Which codes the physician fee schedule pays: what rule Q1 counts and what it leaves out."""

from pathlib import Path

import pytest

from tcoc.errors import InputError
from tcoc.reference.covered import FILE, load_code_ranges, load_covered_services

PAID = ("99213", "99490", "00142", "27447", "71046", "88305", "96413", "97110", "90960", "98941",
        "G0439", "G0008", "0100T", "Q0091", "R0070")  # fmt: skip
NOT_PAID = ("J9271", "Q5101", "80053", "85025", "36415", "82962", "81002", "90662", "A0427",
            "A9500", "E1390", "0001U", "1036F", "G0463", "G0103", "P9604", "Q3014", "L1833",
            "99070", "ZZZZZ", "")  # fmt: skip


def test_codes_on_both_sides() -> None:
    covered = set(load_covered_services())
    assert [code for code in PAID if code not in covered] == []
    assert [code for code in NOT_PAID if code in covered] == []


def test_every_range_has_services_source_and_grade() -> None:
    ranges = load_code_ranges()
    assert len(ranges) > 80
    for each in ranges:
        assert each.services
        assert each.source
        assert each.grade in ("primary", "secondary", "recalled")


def test_letters_and_digits_are_forms_of_their_own() -> None:
    """0100U lies between 00100 and 01999 as text, and is a laboratory test, not anesthesia."""
    covered = set(load_covered_services())
    assert "00100" in covered
    assert "0100U" not in covered


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("80047,80499,no\n80400,80600,yes", "overlaps the range before it"),
        ("80499,80047,no", "the lower one first"),
        ("J0120,K9999,no", "the same letters"),
        ("80047,80499,maybe", 'found "maybe", expected yes or no'),
    ],
)
def test_a_wrong_list_is_one_sentence(tmp_path: Path, rows: str, sentence: str) -> None:
    lines = "".join(f"{row},services,source,recalled\n" for row in rows.split("\n"))
    (tmp_path / FILE).write_text("first,last,covered,services,source,grade\n" + lines)
    with pytest.raises(InputError, match=sentence):
        load_code_ranges(tmp_path)
