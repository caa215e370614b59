"""Parts that add up, shares, places, options, Medicaid: properties and small examples."""

from decimal import Decimal

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcoc.errors import InputError
from tcoc.reference.places import (
    MARYLAND,
    load_regions,
    normal_county,
    place_parents,
    zip_regions,
)
from tcoc.rules import progression
from tcoc.rules.progression import DESIGN_OPTIONS

CENTS = st.integers(-(10**11), 10**13).map(lambda c: Decimal(c) / 100)
SETTINGS = st.fixed_dictionaries(dict.fromkeys(progression.SETTING_ORDER, CENTS))


@given(dollars=SETTINGS, months=st.integers(1, 10**7), completion=st.sampled_from([1.0, 0.99]))
def test_parts_per_capita_add_to_the_rounded_total(dollars, months, completion):
    parts = progression.per_capita_parts(dollars, months, completion)
    whole = progression.per_capita_parts({"total": sum(dollars.values())}, months, completion)
    assert sum(parts.values()) == whole["total"]
    exact = sum(dollars.values()) * 12 / months / Decimal(str(completion))
    assert abs(whole["total"] - exact) <= Decimal("0.0051")


def test_lost_cents_go_to_the_largest_remainders():
    # per month x 12: 1.666, 1.668 and 1.666 cents; the total is 5 cents, rounding down gives 3
    parts = {"a": Decimal("1.666"), "b": Decimal("1.668"), "c": Decimal("1.666")}
    found = progression.per_capita_parts({k: v / 12 / 100 for k, v in parts.items()}, 1)
    assert list(found.values()) == [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")]
    # one cent is missing, and it goes to the part that lost most of one
    uneven = {"a": Decimal("1.1"), "b": Decimal("1.2"), "c": Decimal("1.7")}
    found = progression.per_capita_parts({k: v / 12 / 100 for k, v in uneven.items()}, 1)
    assert list(found.values()) == [Decimal("0.01"), Decimal("0.01"), Decimal("0.02")]


@given(first=SETTINGS, second=SETTINGS, third=SETTINGS)
def test_contributions_add_to_the_total_exactly(first, second, third):
    frame = progression.contributions({2015: first, 2016: second, 2017: third})
    for _, rows in frame.groupby("year"):
        parts = rows[rows["part"] != "total"]
        total = rows[rows["part"] == "total"].iloc[0]
        assert sum(parts["change"]) == total["change"]
        assert sum(parts["before"]) + total["change"] == total["per_capita"]


def test_offsetting_growth_of_the_published_split():
    assert progression.offsetting_growth(0.56) == pytest.approx(56 / 44)


PAID = st.integers(1, 10**9).map(lambda c: Decimal(c) / 100)
PERCENTILES = st.lists(st.tuples(st.integers(1, 500), PAID), min_size=100, max_size=100)


@settings(max_examples=20, deadline=None)
@given(rows=PERCENTILES)
def test_lorenz_ends_at_everything_and_tops_lie_on_it(rows):
    frame = pd.DataFrame(
        [{"percentile": i, "benes": n, "tcoc": d} for i, (n, d) in enumerate(rows, start=1)]
    )
    curve = progression.lorenz(frame)
    assert curve.iloc[0].tolist() == [0, 0]
    assert curve.iloc[-1].tolist() == pytest.approx([1, 1])
    tops = progression.top_shares(frame)
    assert [tops[t] for t in (1, 5, 10)] == pytest.approx([curve["dollars"][t] for t in (1, 5, 10)])


def test_counties_have_one_spelling():
    assert normal_county("St Mary's County") == "St. Mary's"
    assert normal_county("Baltimore city") == normal_county("Baltimore City") == "Baltimore City"
    assert normal_county("Baltimore County") == "Baltimore"


def test_each_maryland_zip_has_a_region():
    places = zip_regions(load_regions())
    assert places["region"].notna().all()
    assert places["county"].nunique() == 24
    assert places.set_index("zip").loc["20588", "county"] == "Howard"
    assert len(set(places["zip"])) == len(places)


def test_regions_must_cover_every_county(tmp_path):
    regions = load_regions()
    file = tmp_path / "regions.csv"
    regions[regions["county"] != "Kent"].to_csv(file, index=False)
    with pytest.raises(InputError, match='county "Kent" has no row'):
        load_regions(file)
    pd.concat([regions, regions.head(1)]).to_csv(file, index=False)
    with pytest.raises(InputError, match='"Allegany" stands twice'):
        load_regions(file)


def test_places_lead_to_maryland():
    parents = place_parents()
    assert parents["Baltimore County"] == parents["Baltimore City"] == "Baltimore region"
    assert all(parents.get(parent, MARYLAND) == MARYLAND for parent in parents.values())


CUBE = pd.DataFrame(
    [
        {"stage": stage, "dual": dual, "benes": 1, "hospital": 56.0 * n, "nonhospital": 44.0 * n}
        for n, (stage, dual) in enumerate(
            [(s, d) for s in progression.STAGES for d in (True, False)], start=1
        )
    ]
)


def test_design_options_cover_what_they_say():
    frame = progression.design_options(CUBE)
    share = frame.pivot(index="option", columns="part", values="share")
    assert set(share.index) == {o.key for o in DESIGN_OPTIONS}
    assert share.loc["budgets"].tolist() == pytest.approx([0.56, 0, 0.56])
    assert share.loc["all", "total"] == pytest.approx(1)
    assert share.loc["aco", "total"] == pytest.approx(3 / 21)
    assert share.loc["aco_no_duals", "total"] == pytest.approx(2 / 21)
    assert share.loc["dual", "total"] == pytest.approx(9 / 21)
    assert share.loc["budgets_aco_pc", "total"] == pytest.approx(0.56 + 0.44 * 10 / 21)
    apart = share.loc[["aco", "primary_care", "geographic"], "total"].sum()
    assert apart == pytest.approx(1)


def test_medicaid_counts_in_eligible_months_of_dual_people():
    day = pd.Timestamp
    medicaid = ibis.memtable(
        {
            "bene_id": ["B1", "B1", "B2", "B3", "B1"],
            "month": [
                day("2018-01-01"),
                day("2018-02-15"),
                day("2018-01-01"),
                day("2018-01-01"),
                day("2017-12-01"),
            ],
            "amount": [10.25, 20.5, 40.0, 80.0, 160.0],
        }
    )
    months = ibis.memtable(
        {"bene_id": ["B1", "B2", "B3"], "month": [day("2018-01-01").date()] * 3}
    ).union(ibis.memtable({"bene_id": ["B1"], "month": [day("2018-02-01").date()]}))
    people = ibis.memtable(
        {
            "year": [2018] * 4,
            "bene_id": ["B1", "B2", "B3", "B4"],
            "dual": [True, True, False, True],
            "stage": ["aco_like", "geographic", "aco_like", "geographic"],
        }
    )
    months = months.mutate(year=ibis.literal(2018))
    found = progression.medicaid_by_stage(medicaid, months, people)
    rows = ibis.duckdb.connect().to_pyarrow(found.order_by("stage")).to_pylist()
    assert rows == [
        {"year": 2018, "stage": "aco_like", "benes": 1, "medicaid": Decimal("30.75")},
        {"year": 2018, "stage": "geographic", "benes": 2, "medicaid": Decimal("40.00")},
    ]
