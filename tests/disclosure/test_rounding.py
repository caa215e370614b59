import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcoc.disclosure import Column, Rule, gate
from tcoc.disclosure.rounding import rounded_to
from tcoc.errors import InputError
from tcoc.params import load_policy

from .tables import hospitals, plain


def test_counts_go_to_tens_and_dollars_to_what_ten_people_cost():
    table = gate({"y1": [hospitals({"a": 253, "b": 1048})]}).tables["hospitals"]
    assert table.frame["benes"].tolist() == [250, 1050, 1300]
    assert table.frame["per_capita"].tolist() == [11650] * 3
    # ten people cost 116,502 dollars: the step is 200,000, and never below a thousand
    assert table.frame["tcoc"].tolist() == [3_000_000, 12_200_000, 15_200_000]


def test_zero_may_be_shown_and_nothing_up_to_fourteen():
    frame = pd.DataFrame({"k": list("abcdefg"), "n": [0, 1, 10, 11, 14, 15, 24]})
    table = gate({"x": [plain("t", frame, ("k",), {"n": Column("N", "count")})]}).tables["t"]
    assert table.hidden["n"].tolist() == [False, True, True, True, True, False, False]
    assert table.frame["n"].dropna().tolist() == [0, 20, 20]


@pytest.mark.parametrize(("base", "step"), [(100, 0.1), (253, 0.05), (2000, 0.005), (11650, 0.001)])
def test_a_share_is_no_finer_than_ten_people_would_move_it(base, step):
    found = Rule().steps("share", np.array([0.3]), np.array([float(base)]))[0]
    assert found == pytest.approx(step)
    assert found * base >= 10 - 1e-9


@given(st.floats(0, 1e9, allow_nan=False), st.sampled_from([1e-4, 0.05, 10.0, 1000.0]))
def test_rounding_moves_a_number_by_at_most_half_a_step(number, step):
    shown = rounded_to(np.array([number]), np.array([step]))[0]
    assert abs(shown - number) <= step / 2 * (1 + 1e-6) + 1e-6


def test_halves_go_away_from_zero():
    shown = rounded_to(np.array([25.0, -25.0, 15.0, 24.9]), np.full(4, 10.0))
    assert shown.tolist() == [30, -30, 20, 20]


def test_the_same_exact_number_is_shown_the_same_in_every_table():
    small = pd.DataFrame({"k": ["a"], "n": [100], "share": [1 / 3]})
    large = pd.DataFrame({"k": ["a"], "m": [30000], "share": [1 / 3]})
    one = plain("one", small, ("k",), {"n": Column("N", "count"),
                "share": Column("S", "share", base="n")})  # fmt: skip
    two = plain("two", large, ("k",), {"m": Column("M", "count"),
                "share": Column("S", "share", base="m")})  # fmt: skip
    tables = gate({"x": [one, two]}).tables
    assert tables["one"].value("share") == tables["two"].value("share") == 0.3


def test_census_rounding_is_coarser():
    rule = Rule(rounding="census_drb")
    counts = np.array([47.0, 253.0, 4321.0, 54321.0, 1234567.0])
    shown = rounded_to(counts, rule.people_step(counts))
    assert shown.tolist() == [50, 250, 4300, 54500, 1235000]


@pytest.mark.parametrize(
    ("key", "value"),
    [("min_interval", 1), ("min_cell_size", 5), ("min_clinicians", 1), ("rounding", "none")],
)
def test_options_cannot_loosen_the_gate(key, value):
    with pytest.raises(InputError, match=f"options: disclosure.{key}: found"):
        load_policy(options={f"disclosure.{key}": value})


def test_options_may_make_it_stricter():
    policy = load_policy(options={"disclosure.min_cell_size": 31})
    table = gate({"y1": [hospitals({"a": 253, "b": 30, "c": 400})]}, policy).tables["hospitals"]
    assert table.hidden["benes"].tolist()[1]
    assert table.hidden["tcoc"].tolist()[1]


def test_an_unknown_disclosure_option_is_refused():
    with pytest.raises(InputError, match="min_intervall"):
        load_policy(options={"disclosure.min_intervall": 12})
