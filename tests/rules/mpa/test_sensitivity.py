"""Rule S1: what an alternative moves, counted from two results."""

import math

import ibis
import pandas as pd
import pytest

from tcoc.rules.mpa.sensitivity import effect, people_moved


def dollars(**amounts):
    rows = [(2020, ccn, amount) for ccn, amount in amounts.items()]
    return pd.DataFrame(rows, columns=["rate_year", "ccn", "mpa_dollars"])


def test_moves_are_counted_by_hospital_and_a_missing_one_is_paid_nothing():
    found = effect(dollars(a=100.0, b=-50.0, c=7.0), dollars(a=-20.0, b=-80.0), 12.5, (100, 102))
    assert found.dollars_moved == 120 + 30 + 7
    assert found.net_change == -120 - 30 - 7
    assert found.hospitals_other_sign == 1
    assert found.people_moved == 12.5
    assert found.per_capita_change == pytest.approx(0.02)


def test_nothing_moves_against_itself():
    found = effect(dollars(a=1.5), dollars(a=1.5), 0.0, (0.0, 1.0))
    assert (found.dollars_moved, found.hospitals_other_sign) == (0, 0)
    assert math.isnan(found.per_capita_change), "a state without dollars has no change"


def attribution(*rows):
    frame = pd.DataFrame(rows, columns=["year", "bene_id", "ccn", "share"])
    return ibis.memtable(frame.astype({"share": float}))


def test_people_in_shares_move_by_the_share_that_moves():
    before = attribution(
        (2018, "1", "A", 1), (2018, "2", "A", 0.5), (2018, "2", "B", 0.5), (2018, "3", "A", 1),
        (2017, "1", "B", 1),
    )  # fmt: skip
    after = attribution(
        (2018, "1", "B", 1), (2018, "2", "A", 0.75), (2018, "2", "B", 0.25), (2018, "4", "A", 1),
    )  # fmt: skip
    assert people_moved(before, after, 2018) == pytest.approx(1.25), "1 whole, 2 by a quarter"
    assert people_moved(before, before, 2018) == 0
